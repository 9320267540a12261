//! A function that works through a FIFO queue: the batch it is given, what waits, what failed, and when it has to stop.

use std::{future::Future, pin::pin, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    aws::{
        queue::{Queue, QueueError, Queued},
        table::{DuePage, TableError},
    },
    base::{
        clock::{Clock, TimeLimit},
        id::FirmId,
        telemetry::ErrorChain,
    },
};

/// Work stops this long before the function's deadline, so that the rest can be handed back.
const DEADLINE_MARGIN: Duration = Duration::from_secs(15);
/// Answers of others are waited for until so long before the function's deadline: what came is written down then.
const WRITING_TIME: Duration = Duration::from_secs(5);
/// Work that can be cut off anywhere ends so long before the function's deadline: that it was is written down then.
const CUT_OFF_MARGIN: Duration = Duration::from_secs(20);
/// The longest that a function runs on Lambda.
const FUNCTION_TIME_MAX: Duration = Duration::from_secs(900);
/// A job that waits for Graph so often is left to the schedule: at ten receives it would end in the dead-letter queue.
const RECEIVES_OF_WAITING_MAX: u32 = 5;

/// The schedule queues what is due for this long at most: the next run goes on with the rest.
const QUEUEING_MAX: Duration = Duration::from_secs(45);

/// How long a job rests after its first round failed; doubled after each further one.
const FAILED_PAUSE: Duration = Duration::from_secs(30);
/// A job whose rounds fail is tried this often at least.
const FAILED_PAUSE_MAX: Duration = Duration::from_secs(720);

/// What starts the function: jobs from its queue, or its schedule, such as `{"schedule":"poll"}`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum WorkerInput<S> {
    /// Jobs from the queue.
    Jobs(SqsEvent),
    /// The schedule.
    Schedule {
        /// Which one.
        schedule: S,
    },
}

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum WorkerOutput {
    /// The jobs that go back to the queue.
    Jobs(SqsBatchResponse),
    /// How many jobs were queued.
    Queued {
        /// The number.
        queued: usize,
    },
}

/// The schedule could not be carried out; it comes again in a minute.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// What is due could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A job could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// When work has to stop.
#[derive(Debug, Clone)]
pub struct Deadline {
    clock: Clock,
    at: Timestamp,
    ends: Timestamp,
}

impl Deadline {
    /// Some seconds before `ends_ms`, Lambda's deadline in milliseconds since 1970.
    pub fn before(ends_ms: u64, clock: Clock) -> Self {
        let ends = i64::try_from(ends_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let ends = ends.unwrap_or(Timestamp::MAX);
        Self { clock, at: ends - DEADLINE_MARGIN, ends }
    }

    /// This deadline, or `time` from now, whichever comes first.
    pub fn or_after(&self, time: Duration) -> Self {
        Self { at: self.at.min(self.clock.now() + time), ..self.clone() }
    }

    /// Until when answers of others are waited for: what is under way when the deadline is near may end.
    pub fn last_byte(&self) -> TimeLimit {
        self.until_before_end(WRITING_TIME)
    }

    /// Until when work goes on that can be cut off anywhere.
    pub fn cut_off(&self) -> TimeLimit {
        self.until_before_end(CUT_OFF_MARGIN)
    }

    fn until_before_end(&self, margin: Duration) -> TimeLimit {
        let left = (self.ends - margin).duration_since(self.clock.now());
        TimeLimit::after(Duration::try_from(left).unwrap_or_default().min(FUNCTION_TIME_MAX))
    }

    /// When the function is certainly over.
    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Whether nothing new is to be begun.
    pub fn is_near(&self) -> bool {
        self.clock.now() >= self.at
    }
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundOutcome {
    /// All that could be done is done.
    Finished,
    /// The deadline is near, and there is more to do.
    OutOfTime,
}

/// Works for each of the firms, so many at once, and begins with none once the deadline is near: the sum of what was
/// done, and how many failed. `work` answers none where it failed.
pub async fn for_each_firm<F: Future<Output = Option<u64>>>(
    firms: &[FirmId],
    at_once: usize,
    deadline: &Deadline,
    work: impl Fn(FirmId) -> F,
) -> (u64, usize) {
    let works = firms.iter().map(|firm| {
        let work = work(*firm);
        async move { if deadline.is_near() { Some(0) } else { work.await } }
    });
    // Collected first: a stream that borrows within its closure is not `Send`.
    let works: Vec<_> = works.collect();
    let done: Vec<Option<u64>> = stream::iter(works).buffer_unordered(at_once).collect().await;
    (done.iter().flatten().sum(), done.iter().filter(|done| done.is_none()).count())
}

/// Queues a job for each that is due, page by page, until all are queued or 45 seconds are over: the rest is due still
/// when the schedule comes again. One that stays due, because its job waits or failed, is queued again only after five
/// minutes.
///
/// Errors: what is due can't be read; SQS does not answer; or it refused some, after all others were queued.
pub async fn queue_due<J: Queued>(
    queue: &Queue<J>,
    cause: Uuid,
    deadline: &Deadline,
    due: impl Stream<Item = Result<DuePage<J>, TableError>>,
) -> Result<usize, ScheduleError> {
    let mut due = pin!(due);
    let deadline = deadline.or_after(QUEUEING_MAX);
    let (mut queued, mut first_refused) = (0, None);
    while !deadline.is_near() {
        let Some(mut jobs) = due.try_next().await? else { break };
        for (job, due_at) in &mut jobs {
            *due_at = due_id(job, due_at);
        }
        let refused = queue.send_all(&jobs).await?;
        queued += jobs.len() - refused.len();
        first_refused = first_refused.or(refused.into_iter().next());
    }
    if queued > 0 {
        tracing::info!(%cause, jobs = queued, "what is due is queued");
    }
    first_refused.map_or(Ok(queued), |refused| Err(refused.into()))
}

/// The deduplication id of the job of what is due since `due_at`.
fn due_id<J: Queued>(job: &J, due_at: &str) -> String {
    let since: String = due_at.chars().filter(char::is_ascii_digit).collect();
    format!("{}-{since}", job.subject().1)
}

/// All jobs of a batch that name the same: one round serves them all.
struct JobGroup<J> {
    job: J,
    messages: Vec<SqsMessage>,
}

/// A round that did not come to its end.
pub trait Interrupted: std::error::Error + Send + Sync + Sized + 'static {
    /// How long Graph asks to wait, if that is why.
    fn wait(&self) -> Option<Duration>;
}

/// What a function does with the jobs of one batch.
pub trait Rounds<J: Queued>: Sync {
    /// Why a round does not come to its end.
    type Error: Interrupted;

    /// The queue that the job came from.
    fn queue(&self, job: &J) -> &Queue<J>;

    /// Serves one job.
    fn run(&self, job: &J) -> impl Future<Output = Result<RoundOutcome, Self::Error>> + Send;

    /// Whether a job that has to wait so long is left to the schedule at once: hidden in the queue it would hold up its
    /// group, and what comes meanwhile would pile up behind it.
    fn leaves_to_schedule(&self, _job: &J, _wait: Duration) -> bool {
        false
    }

    /// Leaves a job that waits too often to the schedule, which comes at `at`; false if it can't be.
    fn put_off(&self, job: &J, at: Timestamp) -> impl Future<Output = bool> + Send;
}

/// Serves all jobs of a batch, `at_once` side by side; only those that failed go back to the queue.
pub async fn work_through<J: Queued>(
    rounds: &impl Rounds<J>,
    clock: &Clock,
    batch: SqsEvent,
    at_once: usize,
) -> SqsBatchResponse {
    let (groups, unreadable) = group::<J>(batch);
    let served = groups.into_iter().map(|group| async move {
        let served = async {
            let outcome = rounds.run(&group.job).await;
            hand_back(rounds, clock, &group, outcome).await
        };
        if served.instrument(group.job.span()).await { Vec::new() } else { group.messages }
    });
    // Collected first: a stream that borrows within its closure is not `Send`.
    let served: Vec<_> = served.collect();
    let failed: Vec<_> = futures::stream::iter(served).buffer_unordered(at_once).collect().await;
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

/// Jobs by what they name, in order; and what is no job, which ends in the dead-letter queue.
fn group<J: Queued>(batch: SqsEvent) -> (Vec<JobGroup<J>>, Vec<SqsMessage>) {
    let (mut groups, mut unreadable) = (Vec::<JobGroup<J>>::new(), Vec::new());
    for message in batch.records {
        let Some(job) = message.body.as_deref().and_then(|body| serde_json::from_str::<J>(body).ok()) else {
            tracing::error!(sqs.message_id = message.message_id, "a job can't be read");
            unreadable.push(message);
            continue;
        };
        match groups.iter_mut().find(|group| group.job.subject() == job.subject()) {
            Some(group) => {
                group.job = group.job.clone().and(job);
                group.messages.push(message);
            }
            None => groups.push(JobGroup { job, messages: vec![message] }),
        }
    }
    (groups, unreadable)
}

/// Tells what came of a round and sees to what is left; true when the jobs are done with.
async fn hand_back<J: Queued, E: Interrupted>(
    rounds: &impl Rounds<J, Error = E>,
    clock: &Clock,
    group: &JobGroup<J>,
    outcome: Result<RoundOutcome, E>,
) -> bool {
    let queue = rounds.queue(&group.job);
    let error = match outcome {
        Ok(RoundOutcome::Finished) => return true,
        Ok(RoundOutcome::OutOfTime) => {
            return queue.send(&group.job.sent_again(clock.now())).await.is_ok();
        }
        Err(error) => error,
    };
    let receives = group.messages.iter().map(receives).max().unwrap_or(1);
    let Some(wait) = error.wait() else {
        let pause = failed_pause(receives);
        tracing::error!(error = %ErrorChain(&error), pause_ms = pause.as_millis(), "the round failed");
        hide(queue, group, pause).await;
        return false;
    };
    tracing::info!(wait_ms = wait.as_millis(), "the round waits");
    if receives >= RECEIVES_OF_WAITING_MAX || rounds.leaves_to_schedule(&group.job, wait) {
        // The queue would take it for a job that nobody can do: the schedule brings it back instead.
        return rounds.put_off(&group.job, clock.now() + wait).await;
    }
    hide(queue, group, wait + Duration::from_secs(1)).await;
    false
}

/// Hides the jobs of a group for so long, in whole seconds.
async fn hide<J: Queued>(queue: &Queue<J>, group: &JobGroup<J>, time: Duration) {
    for receipt in group.messages.iter().filter_map(|message| message.receipt_handle.as_deref()) {
        // If this fails the queue's own visibility time-out stands: later than asked, never lost.
        if let Err(error) = queue.delay(&group.job.subject().1, receipt, time.as_secs()).await {
            tracing::warn!(error = %ErrorChain(&error), "a job could not be delayed");
        }
    }
}

/// How long a job rests whose round failed, after it was handed out so often.
fn failed_pause(receives: u32) -> Duration {
    FAILED_PAUSE.saturating_mul(1 << receives.saturating_sub(1).min(8)).min(FAILED_PAUSE_MAX)
}

/// How often the queue has handed a job out.
fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::queue::MailboxJob;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Schedule {
        Poll,
    }

    #[test]
    fn the_schedule_and_the_queue_are_told_apart() {
        let schedule = serde_json::from_str::<WorkerInput<Schedule>>(r#"{"schedule":"poll"}"#).unwrap();
        assert!(matches!(schedule, WorkerInput::Schedule { schedule: Schedule::Poll }));
        let jobs =
            serde_json::from_str::<WorkerInput<Schedule>>(r#"{"Records":[{"messageId":"1","body":"{}"}]}"#).unwrap();
        assert!(matches!(jobs, WorkerInput::Jobs(batch) if batch.records.len() == 1));
    }

    #[test]
    fn a_failed_job_rests_half_a_minute_and_then_twice_as_long_each_time() {
        assert_eq!([1, 2, 3, 9, 40].map(|n| failed_pause(n).as_secs()), [30, 60, 120, 720, 720]);
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
        let (groups, unreadable) = group::<MailboxJob>(serde_json::from_value(batch).unwrap());
        assert_eq!((groups.len(), groups[0].messages.len(), unreadable.len()), (1, 2, 1));
        assert_eq!(groups[0].job.sent_at, "2026-01-01T00:00:05Z".parse().unwrap());
        assert!(groups[0].job.subscription);
    }
}
