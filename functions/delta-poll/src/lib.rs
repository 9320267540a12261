//! Works through mailboxes: discover, decide, archive, announce, mark.
//!
//! Two things start it: the schedule, which queues a job for every mailbox that is due, and the queue, whose jobs each name
//! one mailbox to look at.

mod advance;
mod behind;
mod discover;
mod follow;
mod round;
mod watch;

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::StreamExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    clock::Clock,
    job::{Job, QueueError},
    mailbox::Sync,
    table::TableError,
    telemetry::Chain,
};

use crate::round::{Outcome, RoundError};

/// Mailboxes of one batch that are worked at side by side: what they hold in memory stays within a small function.
const MAILBOXES_AT_ONCE: usize = 4;
/// Mailboxes queued by one run of the schedule; the rest is due a minute later still.
const DUE_MAX: usize = 1_000;
/// Work stops this long before the function's deadline, so that the rest can be handed back.
const DEADLINE_MARGIN: Duration = Duration::from_secs(15);

/// A job that waits for Graph so often is left to the schedule: at ten receives it would end in the dead-letter queue.
const RECEIVES_OF_WAITING_MAX: u32 = 5;

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// Jobs from the mail queue.
    Jobs(SqsEvent),
    /// The schedule: `{"schedule":"poll"}`.
    Schedule {
        /// Which one.
        schedule: Schedule,
    },
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Queue every mailbox that is due, and look at the connectors that are.
    Poll,
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// The jobs that go back to the queue.
    Jobs(SqsBatchResponse),
    /// How many mailboxes were queued.
    Queued {
        /// The number.
        queued: usize,
    },
}

/// The schedule could not be carried out; it comes again in a minute.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// What is due could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A job could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<PollError> for Diagnostic {
    fn from(error: PollError) -> Self {
        let source = std::error::Error::source(&error).map(|e| format!(": {e}")).unwrap_or_default();
        Self { error_type: "PollError".to_owned(), error_message: format!("{error}{source}") }
    }
}

/// When work has to stop.
#[derive(Debug, Clone)]
struct Deadline {
    clock: Clock,
    at: Timestamp,
}

impl Deadline {
    fn is_near(&self) -> bool {
        self.clock.now() >= self.at
    }
}

/// Queues what is due, or works through every mailbox named in the batch; only the failed jobs go back to the queue.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, PollError> {
    let ends = i64::try_from(event.context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let deadline = Deadline { clock: app.clock.clone(), at: ends.unwrap_or(Timestamp::MAX) - DEADLINE_MARGIN };
    match event.payload {
        Input::Schedule { schedule: Schedule::Poll } => {
            let queued = queue_due(app).await?;
            watch::connectors(app, &deadline).await?;
            Ok(Output::Queued { queued })
        }
        Input::Jobs(batch) => Ok(Output::Jobs(work_through(app, batch, &deadline).await)),
    }
}

/// A mailbox that stays due, because its job waits or failed, is queued again only after five minutes.
async fn queue_due(app: &App) -> Result<usize, PollError> {
    let now = app.clock.now();
    let due = app.table.due_mailboxes(now, DUE_MAX).await?;
    for (firm, mailbox, due_at) in &due {
        let job = Job { firm: *firm, mailbox: *mailbox, sent_at: now, subscription: false };
        let since: String = due_at.chars().filter(char::is_ascii_digit).collect();
        app.queue.send_once(&job, &format!("{mailbox}-{since}")).await?;
    }
    Ok(due.len())
}

/// All jobs of a batch that name one mailbox: one round serves them all.
struct Group {
    job: Job,
    messages: Vec<SqsMessage>,
}

async fn work_through(app: &App, batch: SqsEvent, deadline: &Deadline) -> SqsBatchResponse {
    let (groups, unreadable) = group(batch);
    let rounds = groups.into_iter().map(|group| async move {
        let outcome = round::run(app, &group.job, deadline).await;
        if hand_back(app, &group, outcome).await { Vec::new() } else { group.messages }
    });
    let rounds: Vec<_> = rounds.collect();
    let failed: Vec<_> = futures::stream::iter(rounds).buffer_unordered(MAILBOXES_AT_ONCE).collect().await;
    let failed = failed.into_iter().flatten().chain(unreadable);
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .filter_map(|message| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id?;
            Some(failure)
        })
        .collect();
    response
}

/// Jobs by mailbox, in order; and what is no job, which ends in the dead-letter queue.
fn group(batch: SqsEvent) -> (Vec<Group>, Vec<SqsMessage>) {
    let (mut groups, mut unreadable) = (Vec::<Group>::new(), Vec::new());
    for message in batch.records {
        let Some(job) = message.body.as_deref().and_then(|body| serde_json::from_str::<Job>(body).ok()) else {
            tracing::error!(sqs.message_id = message.message_id, "a job can't be read");
            unreadable.push(message);
            continue;
        };
        match groups.iter_mut().find(|g| (g.job.firm, g.job.mailbox) == (job.firm, job.mailbox)) {
            Some(group) => {
                group.job.sent_at = group.job.sent_at.max(job.sent_at);
                group.job.subscription |= job.subscription;
                group.messages.push(message);
            }
            None => groups.push(Group { job, messages: vec![message] }),
        }
    }
    (groups, unreadable)
}

/// Tells what came of a round and sees to what is left; true when the jobs are done with.
async fn hand_back(app: &App, group: &Group, outcome: Result<Outcome, RoundError>) -> bool {
    let Job { firm, mailbox, .. } = group.job;
    match outcome {
        Ok(Outcome::Finished | Outcome::Noticed) => true,
        Ok(Outcome::OutOfTime | Outcome::Behind) => {
            let rest = Job { sent_at: app.clock.now(), ..group.job };
            app.queue.send(&rest).await.is_ok()
        }
        Err(RoundError::Wait(wait)) => {
            tracing::info!(firm.id = %firm, mailbox.id = %mailbox, wait_ms = wait.as_millis(), "the round waits");
            let receives = group.messages.iter().map(receives).max().unwrap_or(1);
            if receives >= RECEIVES_OF_WAITING_MAX {
                // The queue would take it for a job that nobody can do: the schedule brings it back instead.
                return Sync::put_off(&app.table, firm, mailbox, app.clock.now() + wait).await.is_ok();
            }
            for receipt in group.messages.iter().filter_map(|m| m.receipt_handle.as_deref()) {
                // If this fails the queue's own visibility time-out stands: later than asked, never lost.
                if let Err(error) = app.queue.delay(mailbox, receipt, wait.as_secs() + 1).await {
                    tracing::warn!(error = %Chain(&error), "a job could not be delayed");
                }
            }
            false
        }
        Err(error) => {
            tracing::error!(firm.id = %firm, mailbox.id = %mailbox, error = %Chain(&error), "the round failed");
            false
        }
    }
}

/// How often the queue has handed a job out.
fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_and_the_queue_are_told_apart() {
        let schedule = serde_json::from_str::<Input>(r#"{"schedule":"poll"}"#).unwrap();
        assert!(matches!(schedule, Input::Schedule { schedule: Schedule::Poll }));
        let jobs = serde_json::from_str::<Input>(r#"{"Records":[{"messageId":"1","body":"{}"}]}"#).unwrap();
        assert!(matches!(jobs, Input::Jobs(batch) if batch.records.len() == 1));
    }

    #[test]
    fn jobs_of_one_mailbox_are_served_by_one_round_and_the_newest_counts() {
        let (f, m) = ("6f9619ff-8b86-4011-b42d-00c04fc964ff", "7f9619ff-8b86-4011-b42d-00c04fc964ff");
        let body = |at: &str, s: bool| {
            serde_json::json!({"firm": f, "mailbox": m, "sent_at": at, "subscription": s}).to_string()
        };
        let record = |id: &str, body: String| serde_json::json!({"messageId": id, "body": body});
        let batch = serde_json::json!({"Records": [
            record("1", body("2026-01-01T00:00:00Z", true)),
            record("2", "nonsense".to_owned()),
            record("3", body("2026-01-01T00:00:05Z", false)),
        ]});
        let (groups, unreadable) = group(serde_json::from_value(batch).unwrap());
        assert_eq!((groups.len(), groups[0].messages.len(), unreadable.len()), (1, 2, 1));
        assert_eq!(groups[0].job.sent_at, "2026-01-01T00:00:05Z".parse().unwrap());
        assert!(groups[0].job.subscription);
    }
}
