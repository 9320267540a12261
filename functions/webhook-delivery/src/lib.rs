//! Posts each event to the addresses of the business application, signed.
//!
//! Two things start it: the queue, whose jobs each name one address, and the schedule, which queues a job for each
//! address that is to be tried again, and for each whose announcement may have been lost.

use futures::TryStreamExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Deserialize;
use shared::{
    app::App,
    aws::{
        queue::{DeliveryJob, DeliveryQueue},
        worker::{self, Deadline, RoundOutcome, Rounds, ScheduleError, WorkerOutput},
    },
    base::{
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    webhook::{
        deliver::{DeliverError, OutboundClient, Sender},
        missed::announce_missed,
    },
};

/// Addresses of one batch that are posted to side by side. On AWS a batch has one: no address waits for another.
const ADDRESSES_AT_ONCE: usize = 10;
/// Firms with recent events for which one run of the schedule sends jobs.
const FIRMS_MAX: usize = 1_000;
/// What starts the function: jobs from its queue, or the schedule.
pub type Input = worker::WorkerInput<Schedule>;

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Queue every address that is due.
    Deliver,
}

/// The schedule could not be carried out; it comes again in a minute.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct WebhookDeliveryError(#[from] ScheduleError);

impl From<WebhookDeliveryError> for Diagnostic {
    fn from(error: WebhookDeliveryError) -> Self {
        Self { error_type: "WebhookDeliveryError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Queues what is due, or posts to every address named in the batch; only the failed jobs go back to the queue.
///
/// Errors: what is due can't be read or queued. A job that fails is in the output.
pub async fn handle(
    app: &App,
    outside: &OutboundClient,
    event: LambdaEvent<Input>,
) -> Result<WorkerOutput, WebhookDeliveryError> {
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    match event.payload {
        worker::WorkerInput::Schedule { schedule: Schedule::Deliver } => {
            let queued = Box::pin(queue_due(app, &deadline)).await?;
            Tally::one(Counter::DeliverRuns).publish(app.clock.now());
            Ok(WorkerOutput::Queued { queued })
        }
        worker::WorkerInput::Jobs(batch) => {
            let rounds = Addresses { app, outside, deadline };
            Ok(WorkerOutput::Jobs(worker::work_through(&rounds, &app.clock, batch, ADDRESSES_AT_ONCE).await))
        }
    }
}

async fn queue_due(app: &App, deadline: &Deadline) -> Result<usize, ScheduleError> {
    let (now, cause, feed) = (app.clock.now(), app.random.uuid(), &app.feed);
    let job = |(firm, webhook)| DeliveryJob::new(firm, webhook, now, cause);
    let due = app.table.due_webhooks(now);
    let due = due.map_ok(|page| page.into_iter().map(|(subject, since)| (job(subject), since)).collect());
    let queued = worker::queue_due(feed.deliveries(), cause, deadline, due).await?;
    Ok(queued + announce_missed((&app.table, feed), now, FIRMS_MAX).await?)
}

/// The addresses of one batch.
struct Addresses<'a> {
    app: &'a App,
    outside: &'a OutboundClient,
    deadline: Deadline,
}

impl Rounds<DeliveryJob> for Addresses<'_> {
    type Error = DeliverError;

    fn queue(&self, _job: &DeliveryJob) -> &DeliveryQueue {
        self.app.feed.deliveries()
    }

    async fn run(&self, job: &DeliveryJob) -> Result<RoundOutcome, DeliverError> {
        let App { clients, .. } = self.app;
        let sender = Sender {
            table: &clients.table,
            feed: &clients.feed,
            secrets: &clients.secrets,
            clock: &clients.clock,
            random: &clients.random,
            outside: self.outside,
        };
        Box::pin(sender.deliver(job, &self.deadline)).await
    }

    async fn put_off(&self, _job: &DeliveryJob, _at: Timestamp) -> bool {
        // No job waits here: an address that fails is due by the schedule.
        true
    }
}
