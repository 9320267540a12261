//! The last round of a mailbox that was deleted: its subscription ends, and what rounds kept of it is removed. Its
//! messages stay.

use serde::de::IgnoredAny;
use shared::{
    access::connector::Connector,
    app::App,
    aws::{
        queue::MailboxJob,
        table::{Key, Row, Write},
        worker::Deadline,
    },
    base::telemetry::ErrorChain,
    graph::Disposition,
    mail::{
        mailbox_turn::MailboxTurn,
        sync_state::{HeldSubscription, SyncState},
    },
};

use crate::round::{RoundEnd, RoundError};

/// Items removed in one transaction.
const ITEMS_PAGE: usize = 50;

/// Removes what is left, until nothing is or the deadline is near. A mailbox that never was has nothing.
pub(crate) async fn run(app: &App, job: &MailboxJob, deadline: &Deadline) -> Result<RoundEnd, RoundError> {
    let (table, firm, mailbox) = (&app.table, job.firm, job.mailbox);
    let sync = table.get::<SyncState>(&Key::sync(firm, mailbox)).await?;
    if let Some(sync) = &sync {
        unsubscribe(app, job, &sync.value).await?;
        if sync.value.older.is_some() {
            // A slice of older mail that is under way adds nothing any more, and none begins for one that is gone.
            MailboxTurn::take(table, firm, mailbox, deadline.ends()).await?;
        }
    }
    let kept =
        [Key::work_prefix(firm, mailbox), Key::folder_prefix(firm, mailbox), Key::baselines_prefix(firm, mailbox)];
    for prefix in kept {
        loop {
            let rows = table.query::<IgnoredAny>(&prefix, None, ITEMS_PAGE).await?.rows;
            if rows.is_empty() {
                break;
            }
            if deadline.is_near() {
                return Ok(RoundEnd::OutOfTime);
            }
            table.transact(rows.into_iter().map(|row| Write::discard(row.key)).collect()).await?;
        }
    }
    if let Some(sync) = sync {
        let last =
            [Key::tree(firm, mailbox), Key::progress(firm, mailbox), Key::turn(firm, mailbox)].map(Write::discard);
        table.transact(last.into_iter().chain([Write::remove(&sync)]).collect()).await?;
        tracing::info!("what rounds kept of a deleted mailbox is removed");
    }
    Ok(RoundEnd::Finished)
}

/// Ends the subscription, as long as there is a way to. One that stays ends by itself, and its notices set off nothing.
async fn unsubscribe(app: &App, job: &MailboxJob, sync: &SyncState) -> Result<(), RoundError> {
    let lives = |held: &&HeldSubscription| held.expires_at > app.clock.now();
    let (Some(held), Some(connector)) = (sync.subscription.as_ref().filter(lives), sync.deleted_from) else {
        return Ok(());
    };
    let Some(Row { value: connector, .. }) = Connector::find(&app.table, job.firm, connector).await? else {
        return Ok(());
    };
    match app.graph(&connector).unsubscribe(&held.id).await {
        Err(error) if matches!(error.disposition(), Disposition::RetryAfter(_)) => Err(error.into()),
        Err(error) => {
            tracing::info!(error = %ErrorChain(&error), "a subscription ends by itself");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
