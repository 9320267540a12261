//! What waits in the mail queue: one job names one mailbox to look at, and nothing more. Duplicates are harmless.

use aws_sdk_sqs::Client;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{FirmId, MailboxId},
    random::Random,
};

/// Look at this mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Whose it is.
    pub firm: FirmId,
    /// Which one.
    pub mailbox: MailboxId,
    /// When it was sent. A round that began later has seen what it is about.
    pub sent_at: Timestamp,
    /// Whether the subscription itself needs a look: Graph sent a lifecycle notice.
    #[serde(default)]
    pub subscription: bool,
}

/// A job that could not be queued.
#[derive(Debug, thiserror::Error)]
#[error("queue a job for mailbox {mailbox}")]
pub struct QueueError {
    mailbox: MailboxId,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The FIFO queue of mailbox jobs: one mailbox is one group, so that one function at a time works at it.
#[derive(Debug, Clone)]
pub struct MailQueue {
    client: Client,
    url: String,
    random: Random,
}

impl MailQueue {
    /// Over the SDK's client.
    pub fn new(client: Client, url: String, random: Random) -> Self {
        Self { client, url, random }
    }

    /// Sends a job that no other may swallow: a later notice may be about a later mail.
    pub async fn send(&self, job: &Job) -> Result<(), QueueError> {
        self.send_once(job, &self.random.uuid().to_string()).await
    }

    /// Sends a job unless one with the same `deduplication_id` was sent within five minutes.
    pub async fn send_once(&self, job: &Job, deduplication_id: &str) -> Result<(), QueueError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| QueueError { mailbox: job.mailbox, source };
        let body = serde_json::to_string(job).map_err(|e| failed(e.into()))?;
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(job.mailbox.to_string())
            .message_deduplication_id(deduplication_id)
            .message_body(body);
        request.send().await.map(drop).map_err(|e| failed(e.into()))
    }

    /// Hides a received job for `seconds` more (at most twelve hours): Graph asked to wait.
    pub async fn delay(&self, mailbox: MailboxId, receipt_handle: &str, seconds: u64) -> Result<(), QueueError> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds.min(43_200)).unwrap_or(43_200));
        request.send().await.map(drop).map_err(|e| QueueError { mailbox, source: e.into() })
    }
}
