//! What waits in a queue: one job names one thing to look at, and nothing more. Duplicates are harmless.
//!
//! The jobs of the mail queue and of the queue of older mail name mailboxes, the push queue's jobs members, the
//! delivery queue's jobs webhooks. All are FIFO queues, and what a job names is its group: one function at a time works
//! at it.

use std::{fmt, marker::PhantomData};

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::base::{
    id::{FirmId, MailboxId, MemberId, WebhookId},
    random::Random,
};

/// Something that waits in a queue.
pub trait Queued: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + Sync {
    /// What it names.
    type Subject: fmt::Display + Clone + PartialEq + Send + Sync;

    /// Whose it is, and what it is about: two jobs about the same are served at once.
    fn subject(&self) -> (Option<FirmId>, Self::Subject);

    /// One job in place of two about the same.
    fn and(self, other: Self) -> Self;

    /// What every log line carries that is written while it is served: whose it is, what it is about, and its cause.
    fn span(&self) -> tracing::Span;

    /// Replaces the time at which the job was sent.
    fn sent_again(&self, at: Timestamp) -> Self;
}

/// Look at this mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxJob {
    /// Whose it is.
    pub firm: FirmId,
    /// Which one.
    pub mailbox: MailboxId,
    /// When it was sent. A round that began later has seen what it is about.
    pub sent_at: Timestamp,
    /// Whether the subscription itself needs a look: Graph sent a lifecycle notice.
    #[serde(default)]
    pub subscription: bool,
    /// Whether a change notification asked for it: then there is something to be found.
    #[serde(default)]
    pub notice: bool,
    /// Whether it is about older mail: then it lies in the queue of that.
    #[serde(default)]
    pub older: bool,
    /// What the log calls all that follows from one request of Graph's, one run of the schedule or one request to the
    /// API: the same to the mark.
    #[serde(default)]
    pub cause: Uuid,
}

impl MailboxJob {
    /// To look at this mailbox.
    pub fn new(firm: FirmId, mailbox: MailboxId, sent_at: Timestamp, cause: Uuid) -> Self {
        Self { firm, mailbox, sent_at, subscription: false, notice: false, older: false, cause }
    }
}

impl Queued for MailboxJob {
    type Subject = MailboxId;

    fn subject(&self) -> (Option<FirmId>, MailboxId) {
        (Some(self.firm), self.mailbox)
    }

    fn and(self, other: Self) -> Self {
        let (subscription, notice) = (self.subscription || other.subscription, self.notice || other.notice);
        Self { sent_at: self.sent_at.max(other.sent_at), subscription, notice, ..self }
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!("round", firm.id = %self.firm, mailbox.id = %self.mailbox, cause = %self.cause)
    }

    fn sent_again(&self, at: Timestamp) -> Self {
        Self { sent_at: at, ..self.clone() }
    }
}

/// Look at what this member's Outlook shall show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushJob {
    /// Whose it is.
    pub firm: FirmId,
    /// Which one.
    pub member: MemberId,
    /// When it was sent. A round that began later has seen what it is about.
    pub sent_at: Timestamp,
    /// As of a [`MailboxJob`].
    #[serde(default)]
    pub cause: Uuid,
}

impl Queued for PushJob {
    type Subject = MemberId;

    fn subject(&self) -> (Option<FirmId>, MemberId) {
        (Some(self.firm), self.member)
    }

    fn and(self, other: Self) -> Self {
        Self { sent_at: self.sent_at.max(other.sent_at), ..self }
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!("round", firm.id = %self.firm, member.id = %self.member, cause = %self.cause)
    }

    fn sent_again(&self, at: Timestamp) -> Self {
        Self { sent_at: at, ..self.clone() }
    }
}

/// Post to this webhook what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryJob {
    /// Whose it is; none for the operator's.
    pub firm: Option<FirmId>,
    /// Which one.
    pub webhook: WebhookId,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// As of a [`MailboxJob`].
    #[serde(default)]
    pub cause: Uuid,
    /// What is posted before what is new.
    #[serde(default)]
    pub requests: Vec<DeliveryRequest>,
}

/// What a person has posted to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryRequest {
    /// A test.
    Test,
    /// A fact, again.
    Again {
        /// Whose fact.
        firm: FirmId,
        /// Its number.
        number: u64,
    },
}

impl DeliveryJob {
    /// To post what is new.
    pub fn new(firm: Option<FirmId>, webhook: WebhookId, sent_at: Timestamp, cause: Uuid) -> Self {
        Self { firm, webhook, sent_at, cause, requests: Vec::new() }
    }
}

impl Queued for DeliveryJob {
    type Subject = WebhookId;

    fn subject(&self) -> (Option<FirmId>, WebhookId) {
        (self.firm, self.webhook)
    }

    fn and(mut self, other: Self) -> Self {
        self.requests.extend(other.requests);
        Self { sent_at: self.sent_at.max(other.sent_at), ..self }
    }

    fn span(&self) -> tracing::Span {
        let firm = self.firm.map(|firm| firm.to_string());
        tracing::info_span!("round", firm.id = firm, webhook.id = %self.webhook, cause = %self.cause)
    }

    fn sent_again(&self, at: Timestamp) -> Self {
        // What was asked for was posted first.
        Self::new(self.firm, self.webhook, at, self.cause)
    }
}

/// A job that could not be queued.
#[derive(Debug, thiserror::Error)]
#[error("queue a job for {subject}")]
pub struct QueueError {
    subject: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The FIFO queue of mailbox jobs.
pub type MailQueue = Queue<MailboxJob>;
/// The FIFO queue of push jobs.
pub type PushQueue = Queue<PushJob>;

/// Most jobs in one SendMessageBatch.
const BATCH_MAX: usize = 10;
/// Batches on their way side by side: in a region far from full, some thousand jobs a second.
const BATCHES_AT_ONCE: usize = 8;

/// The FIFO queue of what is posted to webhooks.
pub type DeliveryQueue = Queue<DeliveryJob>;

/// A FIFO queue.
#[derive(Debug, Clone)]
pub struct Queue<J> {
    client: Client,
    url: String,
    random: Random,
    jobs: PhantomData<fn() -> J>,
}

impl<J: Queued> Queue<J> {
    /// Over the SDK's client.
    pub fn new(client: Client, url: String, random: Random) -> Self {
        Self { client, url, random, jobs: PhantomData }
    }

    /// Sends a job that no other may swallow: a later one may be about a later change.
    ///
    /// Errors: SQS refuses or does not answer.
    pub async fn send(&self, job: &J) -> Result<(), QueueError> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(job.subject().1.to_string())
            .message_deduplication_id(self.random.uuid().to_string())
            .message_body(body(job)?);
        request.send().await.map(drop).map_err(|e| failed(job, e))
    }

    /// Sends jobs in batches, each with its deduplication id: unless one with the same id was sent within five minutes.
    /// SQS accepts or refuses each by itself. Returns the refused ones; the others are sent.
    ///
    /// Errors: SQS refuses a whole batch or does not answer.
    pub async fn send_all(&self, jobs: &[(J, String)]) -> Result<Vec<QueueError>, QueueError> {
        // Collected first: a stream that borrows within its closure is not `Send`.
        let batches: Vec<_> = jobs.chunks(BATCH_MAX).map(|batch| self.send_batch(batch)).collect();
        stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_concat().await
    }

    async fn send_batch(&self, jobs: &[(J, String)]) -> Result<Vec<QueueError>, QueueError> {
        let Some((first, _)) = jobs.first() else { return Ok(Vec::new()) };
        let entry = |(place, (job, deduplication_id)): (usize, &(J, String))| {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_group_id(job.subject().1.to_string())
                .message_deduplication_id(deduplication_id)
                .message_body(body(job)?);
            entry.build().map_err(|e| failed(job, e))
        };
        let entries = jobs.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(|e| failed(first, e))?;
        let refused = answer.failed.into_iter().map(|refused| {
            let job = refused.id.parse().ok().and_then(|place: usize| jobs.get(place)).map_or(first, |(job, _)| job);
            failed(job, format!("{}: {}", refused.code, refused.message.unwrap_or_default()))
        });
        Ok(refused.collect())
    }

    /// Hides a received job for `seconds` more (at most twelve hours): Graph asked to wait.
    ///
    /// Errors: SQS refuses or does not answer.
    pub async fn delay(&self, subject: &J::Subject, receipt_handle: &str, seconds: u64) -> Result<(), QueueError> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds.min(43_200)).unwrap_or(43_200));
        request.send().await.map(drop).map_err(|e| QueueError { subject: subject.to_string(), source: e.into() })
    }
}

/// A job as it lies in the queue.
fn body<J: Queued>(job: &J) -> Result<String, QueueError> {
    serde_json::to_string(job).map_err(|e| failed(job, e))
}

fn failed<J: Queued>(job: &J, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QueueError {
    QueueError { subject: job.subject().1.to_string(), source: source.into() }
}
