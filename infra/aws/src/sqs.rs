//! SQS, standard and FIFO queues.
//!
//! Answered: CreateQueue, GetQueueUrl, GetQueueAttributes, PurgeQueue, SendMessage, SendMessageBatch, ReceiveMessage,
//! DeleteMessage, DeleteMessageBatch, ChangeMessageVisibility.
//!
//! Held to: nothing of a FIFO group is handed out while anything of it is in flight; a group keeps its order;
//! deduplication ids are remembered for five minutes, also after the message is deleted; a message that was received
//! `maxReceiveCount` times moves to its dead-letter queue when it would be received once more.
//! Not played: `ReceiveRequestAttemptId`, the digests of message attributes, throttling, and the disorder and
//! duplicates of standard queues.
//!
//! Sources: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>

mod delivery;
mod queue;
mod refusal;
mod requests;
mod sending;

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Transaction, params};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::engine::{Clock, OpenError, millis, unopened};
use crate::fault::{Fault, parse};
use crate::store::Store;
use delivery::Handle;
use queue::{Queue, check_visibility};
use refusal::{fault, invalid};
use requests::{
    Batch, BatchEntry, ChangeMessageVisibility, CreateQueue, DeleteMessage, GetQueueAttributes, GetQueueUrl,
    NewMessage, PurgeQueue, Receipt, ReceiveMessage, SendMessage,
};
use sending::MESSAGE_BYTES_MAX;

/// The most entries of a batch, and the most messages that one receive returns.
const BATCH_MAX: usize = 10;
/// The longest a receive may wait.
const WAIT_SECONDS_MAX: u64 = 20;
/// A waiting receive looks again no sooner than this, even where a hand-moved clock says that a message is almost due.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(50);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        name TEXT PRIMARY KEY,
        settings TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS message (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT,
        message_group TEXT,
        deduplication TEXT,
        dead_letter_source TEXT,
        sent_ms INTEGER NOT NULL,
        visible_ms INTEGER NOT NULL,
        first_received_ms INTEGER,
        receives INTEGER NOT NULL DEFAULT 0,
        receipt TEXT
    );
    CREATE INDEX IF NOT EXISTS message_queue ON message (queue);
    CREATE INDEX IF NOT EXISTS message_in_flight ON message (queue, message_group, visible_ms)
        WHERE receipt IS NOT NULL;
    CREATE TABLE IF NOT EXISTS deduplication (
        queue TEXT NOT NULL,
        scope TEXT NOT NULL,
        id TEXT NOT NULL,
        message TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        PRIMARY KEY (queue, scope, id)
    );";

pub(crate) struct Sqs {
    store: Arc<Store>,
    clock: Clock,
    /// Told whenever a message may have become receivable.
    changed: Notify,
}

impl Sqs {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Sqs, OpenError> {
        let store = Store::open(path, SCHEMA).map_err(unopened(path))?;
        Ok(Sqs { store, clock, changed: Notify::new() })
    }

    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Fault> {
        let answer = match operation {
            "CreateQueue" => self.create_queue(parse(body)?).await,
            "GetQueueUrl" => self.queue_url(parse(body)?).await,
            "GetQueueAttributes" => self.queue_attributes(parse(body)?).await,
            "PurgeQueue" => self.purge(parse(body)?).await,
            "SendMessage" => self.send(parse(body)?).await,
            "SendMessageBatch" => self.send_batch(parse(body)?).await,
            "ReceiveMessage" => self.receive(parse(body)?).await,
            "DeleteMessage" => self.delete(parse(body)?).await,
            "DeleteMessageBatch" => self.delete_batch(parse(body)?).await,
            "ChangeMessageVisibility" => self.change_visibility(parse(body)?).await,
            other => Err(Fault::not_embedded("sqs", other)),
        };
        self.changed.notify_waiters();
        answer
    }

    /// Forgets what is past its retention and its deduplication window, and wakes whoever waits for a message.
    pub(crate) fn tick(&self) {
        let now = millis(&self.clock);
        let forgotten = self.store.transact(|transaction| {
            transaction.execute("DELETE FROM deduplication WHERE until_ms <= ?1", [now])?;
            transaction.execute(
                "DELETE FROM message WHERE sent_ms <= ?1 - 1000 * (
                    SELECT COALESCE(settings ->> 'MessageRetentionPeriod', 345600)
                    FROM queue WHERE name = message.queue)",
                [now],
            )
        });
        if let Err(error) = forgotten {
            tracing::error!(error = &error as &dyn std::error::Error, "old messages could not be forgotten");
        }
        self.changed.notify_waiters();
    }

    /// See [`crate::Cloud::release_received`].
    pub(crate) fn release_received(&self) {
        let now = millis(&self.clock);
        let released = self.store.transact(|transaction| {
            transaction.execute(
                "UPDATE message SET visible_ms = ?1, receives = MAX(receives - 1, 0), receipt = NULL
                 WHERE receipt IS NOT NULL",
                [now],
            )
        });
        if let Err(error) = released {
            tracing::error!(error = &error as &dyn std::error::Error, "received messages could not be released");
        }
        self.changed.notify_waiters();
    }

    async fn create_queue(&self, request: CreateQueue) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        let queue = Queue { name: request.queue_name, settings: request.attributes, created_ms: now };
        queue.check()?;
        self.store
            .run(move |transaction| {
                match Queue::find(transaction, &queue.name)? {
                    Some(existing) => existing.agrees_with(&queue.settings)?,
                    None => queue.create(transaction)?,
                }
                Ok(json!({"QueueUrl": queue.url()}))
            })
            .await
    }

    async fn queue_url(&self, request: GetQueueUrl) -> Result<Value, Fault> {
        let queue = self.store.run(move |transaction| Queue::named(transaction, &request.queue_name)).await?;
        Ok(json!({"QueueUrl": queue.url()}))
    }

    async fn queue_attributes(&self, request: GetQueueAttributes) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                let mut attributes = queue.describe(transaction, now)?;
                let names = request.attribute_names;
                attributes.retain(|name, _| names.iter().any(|asked| asked == "All" || asked == name));
                Ok(json!({"Attributes": attributes}))
            })
            .await
    }

    async fn purge(&self, request: PurgeQueue) -> Result<Value, Fault> {
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                transaction.execute("DELETE FROM message WHERE queue = ?1", [queue.name])?;
                Ok(json!({}))
            })
            .await
    }

    async fn send(&self, request: SendMessage) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                queue.send(transaction, &request.message, now)
            })
            .await
    }

    async fn send_batch(&self, request: Batch<NewMessage>) -> Result<Value, Fault> {
        let weight = |entry: &BatchEntry<NewMessage>| entry.entry.message_body.len();
        if request.entries.iter().map(weight).sum::<usize>() > MESSAGE_BYTES_MAX {
            return Err(fault(
                "BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
                format!("Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes."),
            ));
        }
        let now = millis(&self.clock);
        self.batch(request, move |transaction, queue, message| queue.send(transaction, message, now)).await
    }

    async fn delete(&self, request: DeleteMessage) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                queue.delete(transaction, &request.receipt.receipt_handle, now)
            })
            .await
    }

    async fn delete_batch(&self, request: Batch<Receipt>) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.batch(request, move |transaction, queue, receipt| queue.delete(transaction, &receipt.receipt_handle, now))
            .await
    }

    /// Does `each` for every entry; the refused ones are told apart, the others take effect.
    async fn batch<Entry: Send + 'static>(
        &self,
        request: Batch<Entry>,
        each: impl Fn(&Transaction, &Queue, &Entry) -> Result<Value, Fault> + Send + 'static,
    ) -> Result<Value, Fault> {
        let ids: BTreeSet<&String> = request.entries.iter().map(|entry| &entry.id).collect();
        if request.entries.is_empty() {
            return Err(fault(
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
                "There should be at least one entry in the request.",
            ));
        }
        if request.entries.len() > BATCH_MAX {
            return Err(fault(
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                format!("Maximum number of entries per request are {BATCH_MAX}."),
            ));
        }
        if ids.len() < request.entries.len() {
            return Err(fault(
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            ));
        }
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                let (mut successful, mut failed) = (Vec::new(), Vec::new());
                for BatchEntry { id, entry } in &request.entries {
                    match each(transaction, &queue, entry) {
                        Ok(mut done) => {
                            done["Id"] = json!(id);
                            successful.push(done);
                        }
                        Err(refusal) if refusal.status.is_client_error() => failed.push(json!({
                            "Id": id,
                            "SenderFault": true,
                            "Code": refusal.query_code,
                            "Message": refusal.message,
                        })),
                        Err(failure) => return Err(failure),
                    }
                }
                Ok(json!({"Successful": successful, "Failed": failed}))
            })
            .await
    }

    async fn receive(&self, request: ReceiveMessage) -> Result<Value, Fault> {
        let max = request.max_number_of_messages.unwrap_or(1);
        if !(1..=BATCH_MAX).contains(&max) {
            let reason = format!("Must be between 1 and {BATCH_MAX}, if provided.");
            return Err(invalid("MaxNumberOfMessages", max, &reason));
        }
        if let Some(seconds) = request.visibility_timeout {
            check_visibility(seconds)?;
        }
        if let Some(seconds) = request.wait_time_seconds.filter(|s| *s > WAIT_SECONDS_MAX) {
            let reason = format!("Must be >= 0 and <= {WAIT_SECONDS_MAX}, if provided.");
            return Err(invalid("WaitTimeSeconds", seconds, &reason));
        }
        let request = Arc::new(request);
        let began = Instant::now();
        loop {
            // Listening starts before looking: what is sent in between is not slept through.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let (wanted, now) = (request.clone(), millis(&self.clock));
            let (queue, messages, due) = self
                .store
                .run(move |transaction| {
                    let queue = Queue::named(transaction, &wanted.queue_url)?;
                    let messages = queue.take(transaction, max, wanted.visibility_timeout, now)?;
                    let due = match messages.as_slice() {
                        [] => queue.due(transaction, now)?,
                        _ => None,
                    };
                    Ok::<_, Fault>((queue, messages, due))
                })
                .await?;
            let wait = request.wait_time_seconds.unwrap_or_else(|| {
                let seconds = queue.number("ReceiveMessageWaitTimeSeconds");
                u64::try_from(seconds).unwrap_or_default()
            });
            let left = Duration::from_secs(wait).saturating_sub(began.elapsed());
            if !messages.is_empty() || left.is_zero() {
                let messages = messages.iter().map(|message| message.show(&request));
                return Ok(json!({"Messages": messages.collect::<Vec<_>>()}));
            }
            let until_due = due.map_or(left, |due| Duration::from_millis(u64::try_from(due - now).unwrap_or_default()));
            // Whether woken or not, it looks again.
            let _ = timeout(left.min(until_due.max(LOOK_AGAIN_MIN)), changed).await;
        }
    }

    async fn change_visibility(&self, request: ChangeMessageVisibility) -> Result<Value, Fault> {
        check_visibility(request.visibility_timeout)?;
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let queue = Queue::named(transaction, &request.queue_url)?;
                let handle = Handle::read(&request.receipt_handle)?;
                let changed = transaction.execute(
                    "UPDATE message SET visible_ms = ?1
                     WHERE queue = ?2 AND sequence = ?3 AND receipt = ?4 AND visible_ms > ?5",
                    params![now + request.visibility_timeout * 1000, queue.name, handle.sequence, handle.receipt, now,],
                )?;
                if changed == 0 {
                    return Err(fault(
                        "MessageNotInflight",
                        "AWS.SimpleQueueService.MessageNotInflight",
                        "The message referred to isn't in flight.",
                    ));
                }
                Ok(json!({}))
            })
            .await
    }
}
