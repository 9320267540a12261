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

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use s3s::crypto::{Checksum, Md5};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::engine::{ACCOUNT, Clock, OpenError, REGION, millis, unopened};
use crate::fault::{Fault, parse};
use crate::store::Store;

/// The most entries of a batch, and the most messages that one receive returns.
const BATCH_MAX: usize = 10;
/// The most bytes of a message, and of a batch together: 1 MiB.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The longest time a message can be hidden: twelve hours.
const VISIBILITY_SECONDS_MAX: i64 = 43_200;
/// The longest a receive may wait.
const WAIT_SECONDS_MAX: u64 = 20;
/// How long a deduplication id is remembered.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;
/// A waiting receive looks again no sooner than this, even where a hand-moved clock says that a message is almost due.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(50);

/// What a queue can be created with, and its default.
const SETTINGS: [(&str, Option<&str>); 12] = [
    ("ContentBasedDeduplication", None),
    ("DeduplicationScope", None),
    ("DelaySeconds", Some("0")),
    ("FifoQueue", None),
    ("FifoThroughputLimit", None),
    ("KmsMasterKeyId", None),
    ("MaximumMessageSize", Some("1048576")),
    ("MessageRetentionPeriod", Some("345600")),
    ("ReceiveMessageWaitTimeSeconds", Some("0")),
    ("RedrivePolicy", None),
    ("SqsManagedSseEnabled", Some("true")),
    ("VisibilityTimeout", Some("30")),
];

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

/// A refusal with both of its names: the JSON protocol's and the query protocol's.
fn fault(code: &'static str, query_code: &'static str, message: impl Into<String>) -> Fault {
    Fault { query_code: Some(query_code), ..Fault::sender(code, message) }
}

fn invalid(parameter: &str, value: impl std::fmt::Display, reason: &str) -> Fault {
    const CODE: &str = "InvalidParameterValue";
    fault(CODE, CODE, format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

fn missing(parameter: &str) -> Fault {
    const CODE: &str = "MissingParameter";
    fault(CODE, CODE, format!("The request must contain the parameter {parameter}."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PurgeQueue {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    message: NewMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewMessage {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, Value>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<Entry> {
    queue_url: String,
    #[serde(default = "Vec::new")]
    entries: Vec<BatchEntry<Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchEntry<Entry> {
    id: String,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<u64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMessage {
    queue_url: String,
    #[serde(flatten)]
    receipt: Receipt,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

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

fn check_visibility(seconds: i64) -> Result<(), Fault> {
    if (0..=VISIBILITY_SECONDS_MAX).contains(&seconds) {
        return Ok(());
    }
    let reason = format!("Must be >= 0 and <= {VISIBILITY_SECONDS_MAX}, if provided.");
    Err(invalid("VisibilityTimeout", seconds, &reason))
}

/// Names one delivery of one message; what a caller holds of it is opaque to the caller.
struct Handle {
    sequence: i64,
    receipt: String,
}

impl Handle {
    fn read(handle: &str) -> Result<Handle, Fault> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(handle).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (sequence, receipt) = text.split_once('/')?;
            Some(Handle { sequence: sequence.parse().ok()?, receipt: receipt.to_owned() })
        };
        read().ok_or_else(|| {
            const CODE: &str = "ReceiptHandleIsInvalid";
            fault(CODE, CODE, "The input receipt handle is invalid.")
        })
    }

    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.sequence, self.receipt))
    }
}

struct Queue {
    name: String,
    settings: BTreeMap<String, String>,
    created_ms: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    /// A number, or one in quotes: both are in use.
    max_receive_count: Value,
}

impl RedrivePolicy {
    fn queue_name(&self) -> &str {
        let arn = &self.dead_letter_target_arn;
        arn.rsplit(':').next().unwrap_or(arn)
    }

    fn max_receive_count(&self) -> Option<i64> {
        let count = &self.max_receive_count;
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok());
        count.filter(|count| (1..=1000).contains(count))
    }
}

impl Queue {
    /// Finds a queue by its name or URL.
    fn find(transaction: &Transaction, name_or_url: &str) -> Result<Option<Queue>, Fault> {
        let name = name_or_url.rsplit('/').next().unwrap_or(name_or_url);
        let found = transaction
            .prepare_cached("SELECT settings, created_ms FROM queue WHERE name = ?1")?
            .query_row([name], |row| {
                let settings: String = row.get(0)?;
                Ok(Queue {
                    name: name.to_owned(),
                    settings: serde_json::from_str(&settings).unwrap_or_default(),
                    created_ms: row.get(1)?,
                })
            })
            .optional()?;
        Ok(found)
    }

    fn named(transaction: &Transaction, name_or_url: &str) -> Result<Queue, Fault> {
        Queue::find(transaction, name_or_url)?.ok_or_else(|| {
            fault("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        })
    }

    fn url(&self) -> String {
        let (region, name) = (REGION, &self.name);
        format!("https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}")
    }

    fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{}", REGION, self.name)
    }

    fn is_fifo(&self) -> bool {
        self.is_set("FifoQueue")
    }

    fn is_set(&self, setting: &str) -> bool {
        self.settings.get(setting).is_some_and(|value| value == "true")
    }

    /// A setting in numbers, or its default.
    fn number(&self, setting: &str) -> i64 {
        let default = || SETTINGS.iter().find(|(name, _)| *name == setting)?.1;
        let value = self.settings.get(setting).map(String::as_str);
        let value = value.or_else(default).and_then(|value| value.parse().ok());
        value.unwrap_or_default()
    }

    fn redrive_policy(&self) -> Option<RedrivePolicy> {
        serde_json::from_str(self.settings.get("RedrivePolicy")?).ok()
    }

    fn check(&self) -> Result<(), Fault> {
        let stem = self.name.strip_suffix(".fifo");
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let well_named = stem.unwrap_or(&self.name).chars().all(allowed);
        if !well_named || !(1..=80).contains(&self.name.len()) || stem.is_some() != self.is_fifo() {
            return Err(invalid(
                "QueueName",
                &self.name,
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length; \
                 the name of a FIFO queue, and of no other, ends in .fifo.",
            ));
        }
        let known = |name: &String| SETTINGS.iter().any(|(known, _)| known == name);
        if let Some(unknown) = self.settings.keys().find(|name| !known(name)) {
            const CODE: &str = "InvalidAttributeName";
            return Err(fault(CODE, CODE, format!("Unknown Attribute {unknown}.")));
        }
        check_visibility(self.number("VisibilityTimeout"))
    }

    fn create(&self, transaction: &Transaction) -> Result<(), Fault> {
        if let Some(value) = self.settings.get("RedrivePolicy") {
            let refuse = |reason| invalid("RedrivePolicy", value, reason);
            let policy = self.redrive_policy();
            let policy = policy.ok_or_else(|| refuse("It is not a redrive policy."))?;
            if policy.max_receive_count().is_none() {
                return Err(refuse("maxReceiveCount must be between 1 and 1000."));
            }
            match Queue::find(transaction, policy.queue_name())? {
                None => return Err(refuse("Dead letter target does not exist.")),
                Some(target) if target.is_fifo() != self.is_fifo() => {
                    return Err(refuse("Dead letter target must be of same type as the source."));
                }
                Some(_) => {}
            }
        }
        transaction.execute(
            "INSERT INTO queue (name, settings, created_ms) VALUES (?1, ?2, ?3)",
            params![self.name, json!(self.settings).to_string(), self.created_ms],
        )?;
        Ok(())
    }

    /// Creating a queue again is harmless as long as nothing in it would change.
    fn agrees_with(&self, wanted: &BTreeMap<String, String>) -> Result<(), Fault> {
        let differs = |(name, value): &(&String, &String)| {
            let default = SETTINGS.iter().find(|(known, _)| known == name);
            let mine = self.settings.get(*name).map(String::as_str);
            mine.or(default.and_then(|(_, default)| *default)) != Some(value.as_str())
        };
        match wanted.iter().find(differs) {
            None => Ok(()),
            Some((name, _)) => Err(fault(
                "QueueNameExists",
                "QueueAlreadyExists",
                format!("A queue already exists with the same name and a different value for attribute {name}"),
            )),
        }
    }

    fn describe(&self, transaction: &Transaction, now: i64) -> Result<BTreeMap<String, String>, Fault> {
        let count = |condition: &str| -> Result<String, Fault> {
            let sql = format!("SELECT COUNT(*) FROM message WHERE queue = ?1 AND {condition}");
            let count: i64 = transaction.query_row(&sql, params![self.name, now], |row| row.get(0))?;
            Ok(count.to_string())
        };
        let defaults = SETTINGS.iter().filter_map(|(name, default)| Some(((*name).to_owned(), (*default)?.to_owned())));
        let mut attributes: BTreeMap<String, String> = defaults.collect();
        attributes.extend(self.settings.clone());
        attributes.extend(
            [
                ("QueueArn", self.arn()),
                ("CreatedTimestamp", (self.created_ms / 1000).to_string()),
                ("LastModifiedTimestamp", (self.created_ms / 1000).to_string()),
                ("ApproximateNumberOfMessages", count("visible_ms <= ?2")?),
                ("ApproximateNumberOfMessagesNotVisible", count("visible_ms > ?2 AND receipt IS NOT NULL")?),
                ("ApproximateNumberOfMessagesDelayed", count("visible_ms > ?2 AND receipt IS NULL")?),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        Ok(attributes)
    }

    fn send(&self, transaction: &Transaction, message: &NewMessage, now: i64) -> Result<Value, Fault> {
        let body = &message.message_body;
        self.check_message(message)?;
        let md5 = hex::encode(Md5::checksum(body.as_bytes()));
        let deduplication = self.deduplication(message)?;
        if let Some((scope, id)) = &deduplication {
            let known: Option<(String, i64)> = transaction
                .query_row(
                    "SELECT message, sequence FROM deduplication
                     WHERE queue = ?1 AND scope = ?2 AND id = ?3 AND until_ms > ?4",
                    params![self.name, scope, id, now],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if let Some((message_id, sequence)) = known {
                return Ok(sent(&message_id, &md5, Some(sequence)));
            }
        }
        let message_id = Uuid::new_v4().to_string();
        let delay = message.delay_seconds.unwrap_or_else(|| self.number("DelaySeconds"));
        transaction.execute(
            "INSERT INTO message
                (queue, id, body, attributes, message_group, deduplication, sent_ms, visible_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.name,
                message_id,
                body,
                message.message_attributes.as_ref().map(|attributes| json!(attributes).to_string()),
                message.message_group_id,
                deduplication.as_ref().map(|(_, id)| id),
                now,
                now + delay * 1000,
            ],
        )?;
        let sequence = transaction.last_insert_rowid();
        if let Some((scope, id)) = deduplication {
            transaction.execute(
                "INSERT OR REPLACE INTO deduplication (queue, scope, id, message, sequence, until_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![self.name, scope, id, message_id, sequence, now + DEDUPLICATION_MS],
            )?;
        }
        Ok(sent(&message_id, &md5, self.is_fifo().then_some(sequence)))
    }

    fn check_message(&self, message: &NewMessage) -> Result<(), Fault> {
        let body = &message.message_body;
        if body.is_empty() {
            return Err(missing("MessageBody"));
        }
        let limit = usize::try_from(self.number("MaximumMessageSize")).unwrap_or(MESSAGE_BYTES_MAX);
        if body.len() > limit {
            let reason = format!("Message must be shorter than {limit} bytes.");
            return Err(invalid("MessageBody", "(omitted)", &reason));
        }
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        if !body.chars().all(allowed) {
            const CODE: &str = "InvalidMessageContents";
            let reason = "Invalid characters found. Valid unicode characters are those of XML 1.0.";
            return Err(fault(CODE, CODE, reason));
        }
        match message.delay_seconds {
            Some(seconds) if self.is_fifo() => Err(invalid(
                "DelaySeconds",
                seconds,
                "The request include parameter that is not valid for this queue type.",
            )),
            Some(seconds) if !(0..=900).contains(&seconds) => {
                Err(invalid("DelaySeconds", seconds, "Must be >= 0 and <= 900."))
            }
            _ if self.is_fifo() && message.message_group_id.is_none() => Err(missing("MessageGroupId")),
            _ => Ok(()),
        }
    }

    /// Where a FIFO message's deduplication id counts, and the id.
    fn deduplication(&self, message: &NewMessage) -> Result<Option<(String, String)>, Fault> {
        if !self.is_fifo() {
            return Ok(None);
        }
        let id = match &message.message_deduplication_id {
            Some(id) => id.clone(),
            None if self.is_set("ContentBasedDeduplication") => hex::encode(Sha256::digest(&message.message_body)),
            None => {
                const CODE: &str = "InvalidParameterValue";
                return Err(fault(
                    CODE,
                    CODE,
                    "The queue should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
                ));
            }
        };
        let scope = self.settings.get("DeduplicationScope");
        let scope = scope.filter(|scope| *scope == "messageGroup");
        let scope = scope.and(message.message_group_id.clone());
        Ok(Some((scope.unwrap_or_default(), id)))
    }

    /// Hands out up to `max` messages, oldest first, and moves the ones that were handed out too often.
    fn take(
        &self,
        transaction: &Transaction,
        max: usize,
        visibility_seconds: Option<i64>,
        now: i64,
    ) -> Result<Vec<Message>, Fault> {
        let redrive = self.redrive_policy();
        let receives_max = redrive.as_ref().and_then(RedrivePolicy::max_receive_count);
        let (mut taken, mut worn_out) = (Vec::new(), Vec::new());
        {
            let mut select = transaction.prepare_cached(
                "SELECT sequence, id, body, attributes, message_group, deduplication,
                        dead_letter_source, sent_ms, first_received_ms, receives
                 FROM message
                 WHERE queue = ?1 AND visible_ms <= ?2 AND NOT (?3 AND EXISTS (
                    SELECT 1 FROM message AS flying
                    WHERE flying.queue = ?1 AND flying.message_group = message.message_group
                        AND flying.visible_ms > ?2 AND flying.receipt IS NOT NULL))
                 ORDER BY sequence",
            )?;
            let mut rows = select.query(params![self.name, now, self.is_fifo()])?;
            while let Some(row) = rows.next()? {
                let message = Message::read(row, now)?;
                if receives_max.is_some_and(|limit| message.receives > limit) {
                    worn_out.push(message.handle.sequence);
                } else {
                    taken.push(message);
                    if taken.len() == max {
                        break;
                    }
                }
            }
        }
        let hidden = visibility_seconds.unwrap_or_else(|| self.number("VisibilityTimeout"));
        for message in &taken {
            transaction
                .prepare_cached(
                    "UPDATE message SET receives = ?1, first_received_ms = ?2, visible_ms = ?3, receipt = ?4
                     WHERE sequence = ?5",
                )?
                .execute(params![
                    message.receives,
                    message.first_received_ms,
                    now + hidden * 1000,
                    message.handle.receipt,
                    message.handle.sequence,
                ])?;
        }
        for sequence in worn_out {
            // A new row, so that the order of the dead-letter queue is the order in which messages came to it.
            transaction.execute(
                "INSERT INTO message (queue, id, body, attributes, message_group, deduplication,
                    dead_letter_source, sent_ms, visible_ms, first_received_ms, receives)
                 SELECT ?1, id, body, attributes, message_group, deduplication, ?2,
                    CASE WHEN ?5 THEN ?3 ELSE sent_ms END, ?3, first_received_ms, receives
                 FROM message WHERE sequence = ?4",
                params![redrive.as_ref().map(RedrivePolicy::queue_name), self.arn(), now, sequence, self.is_fifo(),],
            )?;
            transaction.execute("DELETE FROM message WHERE sequence = ?1", [sequence])?;
        }
        Ok(taken)
    }

    /// When the next hidden message comes back into view.
    fn due(&self, transaction: &Transaction, now: i64) -> Result<Option<i64>, Fault> {
        let due = transaction
            .prepare_cached("SELECT MIN(visible_ms) FROM message WHERE queue = ?1 AND visible_ms > ?2")?
            .query_row(params![self.name, now], |row| row.get(0))?;
        Ok(due)
    }

    /// Deletes the message if this was its latest delivery; on a FIFO queue, only while that delivery lasts.
    /// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>
    fn delete(&self, transaction: &Transaction, handle: &str, now: i64) -> Result<Value, Fault> {
        let read = Handle::read(handle)?;
        let deleted = transaction.execute(
            "DELETE FROM message
             WHERE queue = ?1 AND sequence = ?2 AND receipt = ?3 AND (visible_ms > ?4 OR NOT ?5)",
            params![self.name, read.sequence, read.receipt, now, self.is_fifo()],
        )?;
        if deleted == 0 && self.is_fifo() {
            let still_there: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM message WHERE queue = ?1 AND sequence = ?2)",
                params![self.name, read.sequence],
                |row| row.get(0),
            )?;
            if still_there {
                return Err(invalid("ReceiptHandle", handle, "The receipt handle has expired."));
            }
        }
        Ok(json!({}))
    }
}

fn sent(message_id: &str, md5: &str, sequence: Option<i64>) -> Value {
    let mut sent = json!({"MessageId": message_id, "MD5OfMessageBody": md5});
    if let Some(sequence) = sequence {
        sent["SequenceNumber"] = json!(format!("{sequence:020}"));
    }
    sent
}

/// A message as one receive hands it out.
struct Message {
    handle: Handle,
    id: String,
    body: String,
    attributes: BTreeMap<String, Value>,
    group: Option<String>,
    deduplication: Option<String>,
    dead_letter_source: Option<String>,
    sent_ms: i64,
    first_received_ms: i64,
    /// This time included.
    receives: i64,
}

impl Message {
    fn read(row: &Row, now: i64) -> Result<Message, rusqlite::Error> {
        let attributes: Option<String> = row.get(3)?;
        Ok(Message {
            handle: Handle { sequence: row.get(0)?, receipt: Uuid::new_v4().simple().to_string() },
            id: row.get(1)?,
            body: row.get(2)?,
            attributes: attributes.and_then(|attributes| serde_json::from_str(&attributes).ok()).unwrap_or_default(),
            group: row.get(4)?,
            deduplication: row.get(5)?,
            dead_letter_source: row.get(6)?,
            sent_ms: row.get(7)?,
            first_received_ms: row.get::<_, Option<i64>>(8)?.unwrap_or(now),
            receives: row.get::<_, i64>(9)? + 1,
        })
    }

    fn show(&self, request: &ReceiveMessage) -> Value {
        let mut attributes: BTreeMap<&str, String> = BTreeMap::from([
            ("SenderId", ACCOUNT.to_owned()),
            ("SentTimestamp", self.sent_ms.to_string()),
            ("ApproximateReceiveCount", self.receives.to_string()),
            ("ApproximateFirstReceiveTimestamp", self.first_received_ms.to_string()),
        ]);
        let optional = [
            ("MessageGroupId", &self.group),
            ("MessageDeduplicationId", &self.deduplication),
            ("DeadLetterQueueSourceArn", &self.dead_letter_source),
        ];
        for (name, value) in optional {
            attributes.extend(value.clone().map(|value| (name, value)));
        }
        if self.deduplication.is_some() {
            attributes.insert("SequenceNumber", format!("{:020}", self.handle.sequence));
        }
        let asked = |names: &[String], name: &str| {
            let matches = |asked: &String| asked == "All" || asked == ".*" || asked == name;
            names.iter().any(matches)
        };
        attributes.retain(|name, _| {
            asked(&request.attribute_names, name) || asked(&request.message_system_attribute_names, name)
        });
        let own = self.attributes.iter();
        let own: BTreeMap<_, _> = own.filter(|(name, _)| asked(&request.message_attribute_names, name)).collect();
        json!({
            "MessageId": self.id,
            "ReceiptHandle": self.handle.write(),
            "Body": self.body,
            "MD5OfBody": hex::encode(Md5::checksum(self.body.as_bytes())),
            "Attributes": attributes,
            "MessageAttributes": own,
        })
    }
}
