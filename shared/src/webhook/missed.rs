//! Sends jobs again for events whose announcement was lost, for a while after each event.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    aws::{queue::DeliveryJob, table::Table, worker::ScheduleError},
    base::id::FirmId,
    firm::feed::{Feed, FeedError},
    webhook::{DeliveryProgress, FeedPlace, Webhook, WebhookState},
};

/// How long after an event the schedule still sends jobs for it.
const LOOK_BACK: Duration = Duration::from_secs(600);

/// Queues a job for each webhook that lacks recent events, for at most `limit` firms. Returns the number of jobs.
///
/// Errors: the table or the queue refuses or does not answer.
pub async fn announce_missed(
    (table, feed): (&Table, &Feed),
    now: Timestamp,
    limit: usize,
) -> Result<usize, ScheduleError> {
    let news = table.feeds_since(now - LOOK_BACK, limit).await?;
    let firms = news.iter().map(|(firm, _)| Some(*firm)).chain((!news.is_empty()).then_some(None));
    let mut queued = 0;
    for firm in firms {
        for webhook in Webhook::list(table, firm).await? {
            if webhook.state == WebhookState::Active && is_behind((table, feed), firm, &webhook).await? {
                feed.deliveries().send(&DeliveryJob::new(firm, webhook.id, now, Uuid::nil())).await?;
                queued += 1;
            }
        }
    }
    Ok(queued)
}

/// Whether a webhook lacks events, and does not wait for a retry.
async fn is_behind(
    (table, feed): (&Table, &Feed),
    firm: Option<FirmId>,
    webhook: &Webhook,
) -> Result<bool, ScheduleError> {
    let Some(progress) = DeliveryProgress::find(table, firm, webhook.id).await? else { return Ok(false) };
    Ok(match (progress.value.failing, progress.value.place, firm) {
        (Some(_), ..) => false,
        (None, FeedPlace::Firm(number), Some(firm)) => number < feed.last_number(firm).await.map_err(of_table)?,
        // Only reading the joint feed shows whether it has more.
        (None, ..) => true,
    })
}

fn of_table(error: FeedError) -> ScheduleError {
    match error {
        FeedError::Table(error) => error.into(),
        FeedError::Bus { .. } => unreachable!("a number is read from the table"),
    }
}
