//! Deliveries of messages: a queue hands them out, and forgets those that were worked at.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Row, Transaction, params};
use s3s::crypto::{Checksum, Md5};
use serde_json::{Value, json};
use uuid::Uuid;

use super::queue::{Queue, RedrivePolicy};
use super::refusal::{fault, invalid};
use super::requests::ReceiveMessage;
use crate::engine::ACCOUNT;
use crate::fault::Fault;

/// Names one delivery of one message; what a caller holds of it is opaque to the caller.
pub(super) struct Handle {
    pub(super) sequence: i64,
    pub(super) receipt: String,
}

impl Handle {
    pub(super) fn read(handle: &str) -> Result<Handle, Fault> {
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

/// A message as one receive hands it out.
pub(super) struct Message {
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

    pub(super) fn show(&self, request: &ReceiveMessage) -> Value {
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

impl Queue {
    /// Hands out up to `max` messages, oldest first, and moves the ones that were handed out too often.
    pub(super) fn take(
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
    pub(super) fn due(&self, transaction: &Transaction, now: i64) -> Result<Option<i64>, Fault> {
        let due = transaction
            .prepare_cached("SELECT MIN(visible_ms) FROM message WHERE queue = ?1 AND visible_ms > ?2")?
            .query_row(params![self.name, now], |row| row.get(0))?;
        Ok(due)
    }

    /// Deletes the message if this was its latest delivery; on a FIFO queue, only while that delivery lasts.
    /// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>
    pub(super) fn delete(&self, transaction: &Transaction, handle: &str, now: i64) -> Result<Value, Fault> {
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
