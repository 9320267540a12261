//! What a queue does with a message that is sent to it.

use rusqlite::{OptionalExtension, Transaction, params};
use s3s::crypto::{Checksum, Md5};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::queue::Queue;
use super::refusal::{fault, invalid, missing};
use super::requests::NewMessage;
use crate::fault::Fault;

/// The most bytes of a message, and of a batch together: 1 MiB.
pub(super) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// How long a deduplication id is remembered.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

impl Queue {
    pub(super) fn send(&self, transaction: &Transaction, message: &NewMessage, now: i64) -> Result<Value, Fault> {
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
}

fn sent(message_id: &str, md5: &str, sequence: Option<i64>) -> Value {
    let mut sent = json!({"MessageId": message_id, "MD5OfMessageBody": md5});
    if let Some(sequence) = sequence {
        sent["SequenceNumber"] = json!(format!("{sequence:020}"));
    }
    sent
}
