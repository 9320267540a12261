//! Works through mailboxes: discover, decide, archive, announce, mark.
//!
//! Two things start it: the schedule, which queues a job for each mailbox that is due, and a queue, whose jobs each
//! name one mailbox. It is deployed twice: older mail has a queue and functions of its own.

mod archiving;
mod connector_checks;
mod deleted_mailbox;
mod delta_pages;
mod filing;
mod folder_tree;
mod intake;
mod marking;
mod message_steps;
mod older_mail;
mod round;
mod run;
mod subscription;
mod walks;

use std::time::Duration;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Deserialize;
use shared::{
    app::App,
    aws::{
        queue::{MailQueue, MailboxJob, Queued as _},
        worker::{self, Deadline, Interrupted, Rounds, ScheduleError, WorkerOutput},
    },
    base::{
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    mail::sync_state::SyncState,
};

use crate::round::{RoundEnd, RoundError, WAIT_IN_QUEUE_MAX};
pub use crate::{
    folder_tree::FOLLOW_PAUSE,
    run::{OUTAGE_PAUSE_MAX, SILENCE_SPREAD},
};

/// Mailboxes of one batch that are worked at side by side, all that a batch can name: what they hold in memory stays
/// within a small function.
pub const MAILBOXES_AT_ONCE: usize = 4;

/// What starts the function: jobs from the mail queue, or the schedule.
pub type Input = worker::WorkerInput<Schedule>;

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Queue every mailbox that is due, and look at the connectors that are.
    Poll,
}

/// The schedule could not be carried out; it comes again in a minute.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PollError(#[from] ScheduleError);

impl From<PollError> for Diagnostic {
    fn from(error: PollError) -> Self {
        Self { error_type: "PollError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Queues what is due, or works through every mailbox named in the batch; only the failed jobs go back to the queue.
///
/// Errors: what is due can't be read or queued. A job that fails is in the output.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<WorkerOutput, PollError> {
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    match event.payload {
        worker::WorkerInput::Schedule { schedule: Schedule::Poll } => {
            // Also when nothing is due, the operator learns of a lost key ring: reading it rings the alarm.
            let _ = app.secrets.keyring().await;
            let queued = Box::pin(queue_due(app, &deadline)).await;
            // A job that can't be queued holds up no connector.
            connector_checks::check_connectors(app, &deadline).await.map_err(ScheduleError::from)?;
            let queued = queued?;
            Tally::one(Counter::PollRuns).publish(app.clock.now());
            Ok(WorkerOutput::Queued { queued })
        }
        worker::WorkerInput::Jobs(batch) => {
            let rounds = Mailboxes { app, deadline };
            Ok(WorkerOutput::Jobs(worker::work_through(&rounds, &app.clock, batch, MAILBOXES_AT_ONCE).await))
        }
    }
}

async fn queue_due(app: &App, deadline: &Deadline) -> Result<usize, ScheduleError> {
    let (now, cause) = (app.clock.now(), app.random.uuid());
    let job = |(firm, mailbox)| MailboxJob::new(firm, mailbox, now, cause);
    let due = app.table.due_mailboxes(now);
    let due = due.map_ok(|page| page.into_iter().map(|(subject, since)| (job(subject), since)).collect());
    worker::queue_due(&app.queue, cause, deadline, due).await
}

/// The mailboxes of one batch.
struct Mailboxes<'a> {
    app: &'a App,
    deadline: Deadline,
}

impl Mailboxes<'_> {
    /// A round, and the one line and the metrics that it ends with.
    async fn counted(&self, job: &MailboxJob) -> Result<RoundEnd, RoundError> {
        let (began, tally) = (self.app.clock.now(), Tally::default());
        let outcome = match job.older {
            true => older_mail::run(self.app, job, &self.deadline, &tally).await,
            false => run::run(self.app, job, &self.deadline, &tally).await,
        };
        if let Err(error) = &outcome {
            tally.count(Counter::RoundsFailed, u64::from(error.wait().is_none()));
            tally.count(Counter::RoundsInOutage, u64::from(error.is_outage()));
        }
        let now = self.app.clock.now();
        tracing::info!(
            ended = outcome.as_ref().map_or_else(RoundError::name, RoundEnd::name),
            duration_ms = now.duration_since(began).as_millis(),
            found = tally.of(Counter::MessagesFound),
            archived = tally.of(Counter::MessagesArchived),
            marked = tally.of(Counter::MessagesMarked),
            failed = tally.of(Counter::MessagesFailed),
            mime_bytes = tally.of(Counter::BytesArchived),
            "a round ended"
        );
        tally.publish(now);
        outcome
    }
}

impl Rounds<MailboxJob> for Mailboxes<'_> {
    type Error = RoundError;

    fn queue(&self, job: &MailboxJob) -> &MailQueue {
        if job.older { &self.app.older_queue } else { &self.app.queue }
    }

    async fn run(&self, job: &MailboxJob) -> Result<worker::RoundOutcome, RoundError> {
        Ok(match self.counted(job).await? {
            RoundEnd::Finished | RoundEnd::Behind | RoundEnd::Noticed => worker::RoundOutcome::Finished,
            RoundEnd::OutOfTime => worker::RoundOutcome::OutOfTime,
        })
    }

    fn leaves_to_schedule(&self, job: &MailboxJob, wait: Duration) -> bool {
        // That the subscription needs a look stands in the job only.
        wait >= WAIT_IN_QUEUE_MAX && !job.subscription && !job.older
    }

    async fn put_off(&self, job: &MailboxJob, at: Timestamp) -> bool {
        if job.older {
            // Live mail had the mailbox each time.
            return self.app.older_queue.send(&job.sent_again(self.app.clock.now())).await.is_ok();
        }
        SyncState::put_off(&self.app.table, job.firm, job.mailbox, at).await.is_ok()
    }
}

impl Interrupted for RoundError {
    fn wait(&self) -> Option<Duration> {
        match self {
            Self::Wait(wait) | Self::Busy { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}
