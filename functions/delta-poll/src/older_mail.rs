//! One slice of older mail of one mailbox: the rest of first baselines, history, reconciliation. It works on what live
//! mail has not taken (`shared/src/mail/mailbox_turn.rs`).

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    access::{connector::Connector, silent_tenant::Silence},
    app::App,
    aws::{
        queue::MailboxJob,
        table::{Key, Row},
        worker::Deadline,
    },
    base::{
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::Firm,
    mail::{
        archive_decision::FolderPhase,
        mailbox::{Mailbox, MailboxState},
        mailbox_progress::Progress,
        mailbox_turn::MailboxTurn,
        sync_state::{Preparing, SyncState},
        work::Work,
    },
};

use crate::{
    folder_tree,
    round::{Round, RoundEnd, RoundError, RoundNotes},
    walks,
};

/// While live mail has the mailbox, its rounds are short.
const TURN_PAUSE: Duration = Duration::from_secs(5);
/// After what only a person or a round of live mail can mend, older mail goes on so much later.
const REFUSED_PAUSE: Duration = Duration::from_secs(15 * 60);
/// What could not be done although nothing asked to wait is tried again then.
const OPEN_PAUSE: Duration = Duration::from_secs(60);

/// Runs one slice of a mailbox's older mail if `SyncState::older` is set. Live mail sets it again when the next one is
/// due.
pub(crate) async fn run(
    app: &App,
    job: &MailboxJob,
    deadline: &Deadline,
    tally: &Tally,
) -> Result<RoundEnd, RoundError> {
    let (table, now) = (&app.table, app.clock.now());
    let Some(mailbox) = Mailbox::find(table, job.firm, job.mailbox).await?.map(|row| row.value) else {
        return Ok(RoundEnd::Finished);
    };
    let read = table.get::<SyncState>(&Key::sync(job.firm, job.mailbox)).await?.map(|row| row.value);
    let Some(read) = read.filter(|sync| sync.older.is_some()) else { return Ok(RoundEnd::Finished) };
    let next = read.for_slice();
    let (MailboxState::Active, Some(activated_at)) = (mailbox.state, mailbox.activated_at) else {
        return end(app, &mailbox, &read, next, None).await;
    };
    let firm = Firm::find(table, job.firm).await?.filter(|firm| firm.ended_at.is_none());
    let connector = Connector::find(table, job.firm, mailbox.connector).await?.map(|row| row.value);
    let (Some(firm), Some(connector)) = (firm, connector) else { return end(app, &mailbox, &read, next, None).await };
    // Live mail finds out whether Microsoft answers, and whether a person has acted.
    let silent = connector.silence.as_ref().is_some_and(Silence::is_tenants);
    if silent || read.waits(now) || read.problem.is_some() {
        return wait(app, &mailbox, &read, next, REFUSED_PAUSE).await;
    }
    let turn = match MailboxTurn::begin(table, job.firm, job.mailbox, now).await? {
        Ok(turn) => turn,
        Err(left) => return Err(RoundError::Wait(left.min(TURN_PAUSE))),
    };
    let slice =
        Slice { app, job, mailbox: &mailbox, firm: &firm, connector: &connector, activated_at, deadline, tally };
    slice.run(turn, &read, next).await
}

/// What a slice is about.
struct Slice<'a> {
    app: &'a App,
    job: &'a MailboxJob,
    mailbox: &'a Mailbox,
    firm: &'a Firm,
    connector: &'a Connector,
    activated_at: Timestamp,
    deadline: &'a Deadline,
    tally: &'a Tally,
}

impl Slice<'_> {
    async fn run(&self, turn: Row<MailboxTurn>, read: &SyncState, mut next: SyncState) -> Result<RoundEnd, RoundError> {
        let Self { app, mailbox, connector, .. } = *self;
        let graph = app.graph(connector).having_spent(read.spent.clone()).until(self.deadline.last_byte());
        let graph = graph.sharing().behind();
        let deadline = self.deadline.or_after(walks::SLICE);
        let marks = (connector.mark && mailbox.rules.mark).then(|| self.firm.marks());
        let people = app.people.of(&app.table, self.firm.id, &mailbox.rules, app.clock.now()).await?;
        let round = Round {
            app,
            mailbox,
            graph: &graph,
            deadline: &deadline,
            activated_at: self.activated_at,
            looked_before: None,
            firm: self.firm,
            marks: marks.as_ref(),
            people: &people,
            tally: self.tally,
            fresh: None,
            notes: RoundNotes::of_slice(read, turn),
        };
        let result = work(&round, &mut next).await;
        next.spent = graph.spent();
        round.notes.hand_over(&mut next);
        if next.wants_pace(app.clock.now()) && matches!(result, Ok(RoundEnd::OutOfTime)) {
            let counted = Progress::read(&app.table, mailbox.firm, mailbox.id).await?.archived + read.counts.archived;
            next.note_pace(app.clock.now(), counted);
        }
        match result {
            Ok(RoundEnd::OutOfTime) => {
                next.older = Some(app.clock.now());
                self.tell_live_mail(read, &next).await?;
                write(app, mailbox, read, &next, None).await?;
                Ok(RoundEnd::OutOfTime)
            }
            Ok(_) => {
                self.tell_live_mail(read, &next).await?;
                let due = due(&round_work(app, mailbox).await?, &next, app.clock.now());
                end(app, mailbox, read, next, due).await
            }
            Err(RoundError::Busy { wait: pause, .. }) => wait(app, mailbox, read, next, pause).await,
            Err(RoundError::Graph(error)) => {
                tracing::warn!(error = %ErrorChain(&error), "older mail can't go on");
                wait(app, mailbox, read, next, REFUSED_PAUSE).await
            }
            // Live mail took the mailbox. What was committed stands, and the next slice goes on from there.
            Err(RoundError::Wait(pause)) => {
                next.older = Some(app.clock.now());
                write(app, mailbox, read, &next, None).await?;
                Err(RoundError::Wait(pause))
            }
            Err(other) => Err(other),
        }
    }

    /// Has live mail look at the mailbox at once: a folder is ready, or there is work for it.
    async fn tell_live_mail(&self, read: &SyncState, next: &SyncState) -> Result<(), RoundError> {
        if next.preparing == read.preparing && self.tally.of(Counter::MessagesFound) == 0 {
            return Ok(());
        }
        let Self { app, job, .. } = *self;
        Ok(app.queue.send(&MailboxJob::new(job.firm, job.mailbox, app.clock.now(), job.cause)).await?)
    }
}

/// First baselines, then history and reconciliation of the folders that are ready.
async fn work(round: &Round<'_>, sync: &mut SyncState) -> Result<RoundEnd, RoundError> {
    let now = round.app.clock.now();
    let mut folders = folder_tree::known(round).await?;
    let prepared = walks::prepare(round, &mut folders).await?;
    let ready = folders.iter().filter(|row| row.value.phase == FolderPhase::Following).count();
    if let Some(preparing) = sync.preparing.filter(|preparing| preparing.folders > 0) {
        let ready = u32::try_from(ready).unwrap_or(u32::MAX);
        sync.preparing = (ready < preparing.folders).then_some(Preparing { ready, ..preparing });
    }
    sync.behind_at = None;
    let mut open = round_work(round.app, round.mailbox).await?;
    open.retain(|item| item.value.not_before.is_none_or(|at| at <= now));
    match Box::pin(walks::run(round, sync, folders, open)).await? {
        RoundEnd::Finished if prepared => Ok(RoundEnd::Finished),
        _ => Ok(RoundEnd::OutOfTime),
    }
}

/// The work of older mail.
async fn round_work(app: &App, mailbox: &Mailbox) -> Result<Vec<Row<Work>>, RoundError> {
    let mut work = Work::of(&app.table, mailbox.firm, mailbox.id).await?;
    work.retain(|row| Work::is_behind(row, mailbox.firm, mailbox.id));
    Ok(work)
}

/// When older mail goes on, after it came to its end for now. Pure.
fn due(work: &[Row<Work>], sync: &SyncState, now: Timestamp) -> Option<Timestamp> {
    let work = work.iter().map(|row| row.value.not_before.unwrap_or(now + OPEN_PAUSE));
    work.chain(sync.faults.due()).chain(sync.faults.lists_due()).chain(sync.reconcile_at).min()
}

/// Ends the slice, and sets the earliest time of the next one.
async fn wait(
    app: &App,
    mailbox: &Mailbox,
    read: &SyncState,
    mut next: SyncState,
    pause: Duration,
) -> Result<RoundEnd, RoundError> {
    let at = app.clock.now() + pause;
    next.behind_at = Some(at);
    end(app, mailbox, read, next, Some(at)).await
}

/// Clears `SyncState::older`. The next round of live mail sets it again.
async fn end(
    app: &App,
    mailbox: &Mailbox,
    read: &SyncState,
    next: SyncState,
    due: Option<Timestamp>,
) -> Result<RoundEnd, RoundError> {
    write(app, mailbox, read, &next, due).await?;
    Ok(RoundEnd::Finished)
}

async fn write(
    app: &App,
    mailbox: &Mailbox,
    read: &SyncState,
    next: &SyncState,
    due: Option<Timestamp>,
) -> Result<(), RoundError> {
    let merged = |sync: Option<SyncState>| sync.map(|sync| sync.with_older(read, next, due));
    Ok(app.table.update(&Key::sync(mailbox.firm, mailbox.id), merged).await.map(drop)?)
}
