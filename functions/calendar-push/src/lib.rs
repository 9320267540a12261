//! Pushes dates and contacts to members: each entry of the business application exists exactly once in each member's
//! Outlook.
//!
//! Two things start it: the schedule, which queues a job for each member who is due, and the queue, whose jobs each
//! name one member.

mod copy_steps;
mod repair;
mod round;
mod run;

use std::time::Duration;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Deserialize;
use shared::{
    app::App,
    aws::{
        queue::{PushJob, PushQueue},
        worker::{self, Deadline, Interrupted, RoundOutcome, Rounds, ScheduleError, WorkerOutput},
    },
    base::{
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::member::PushDue,
};

use crate::round::PushError;

/// Members of one batch that are worked at side by side: as many as a batch can name.
const MEMBERS_AT_ONCE: usize = 10;

/// What starts the function: jobs from the push queue, or the schedule.
pub type Input = worker::WorkerInput<Schedule>;

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Queue every member who is due.
    Reconcile,
}

/// The schedule could not be carried out; it comes again in a minute.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReconcileError(#[from] ScheduleError);

impl From<ReconcileError> for Diagnostic {
    fn from(error: ReconcileError) -> Self {
        Self { error_type: "ReconcileError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Queues what is due, or works through every member named in the batch; only the failed jobs go back to the queue.
///
/// Errors: what is due can't be read or queued. A job that fails is in the output.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<WorkerOutput, ReconcileError> {
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    match event.payload {
        worker::WorkerInput::Schedule { schedule: Schedule::Reconcile } => {
            let queued = Box::pin(queue_due(app, &deadline)).await?;
            Tally::one(Counter::ReconcileRuns).publish(app.clock.now());
            Ok(WorkerOutput::Queued { queued })
        }
        worker::WorkerInput::Jobs(batch) => {
            let rounds = Members { app, deadline };
            Ok(WorkerOutput::Jobs(worker::work_through(&rounds, &app.clock, batch, MEMBERS_AT_ONCE).await))
        }
    }
}

async fn queue_due(app: &App, deadline: &Deadline) -> Result<usize, ScheduleError> {
    let (now, cause) = (app.clock.now(), app.random.uuid());
    let job = |(firm, member)| PushJob { firm, member, sent_at: now, cause };
    let due = app.table.due_members(now);
    let due = due.map_ok(|page| page.into_iter().map(|(subject, since)| (job(subject), since)).collect());
    worker::queue_due(&app.push_queue, cause, deadline, due).await
}

/// The members of one batch.
struct Members<'a> {
    app: &'a App,
    deadline: Deadline,
}

impl Rounds<PushJob> for Members<'_> {
    type Error = PushError;

    fn queue(&self, _job: &PushJob) -> &PushQueue {
        &self.app.push_queue
    }

    async fn run(&self, job: &PushJob) -> Result<RoundOutcome, PushError> {
        let outcome = Box::pin(run::run(self.app, job, &self.deadline)).await;
        if outcome.as_ref().is_err_and(|error| error.wait().is_none()) {
            Tally::one(Counter::RoundsFailed).publish(self.app.clock.now());
        }
        outcome
    }

    async fn put_off(&self, job: &PushJob, at: Timestamp) -> bool {
        self.app.table.write(PushDue::at(job.firm, job.member, at)).await.is_ok()
    }
}

impl Interrupted for PushError {
    fn wait(&self) -> Option<Duration> {
        match self {
            Self::Wait(wait) => Some(*wait),
            _ => None,
        }
    }
}
