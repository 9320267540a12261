//! Queues: their settings, and what a queue says of itself.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::{fault, invalid};
use crate::engine::{ACCOUNT, REGION};
use crate::fault::Fault;

/// The longest time a message can be hidden: twelve hours.
const VISIBILITY_SECONDS_MAX: i64 = 43_200;

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

pub(super) struct Queue {
    pub(super) name: String,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) created_ms: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedrivePolicy {
    dead_letter_target_arn: String,
    /// A number, or one in quotes: both are in use.
    max_receive_count: Value,
}

impl RedrivePolicy {
    pub(super) fn queue_name(&self) -> &str {
        let arn = &self.dead_letter_target_arn;
        arn.rsplit(':').next().unwrap_or(arn)
    }

    pub(super) fn max_receive_count(&self) -> Option<i64> {
        let count = &self.max_receive_count;
        let count = count.as_i64().or_else(|| count.as_str()?.parse().ok());
        count.filter(|count| (1..=1000).contains(count))
    }
}

impl Queue {
    /// Finds a queue by its name or URL.
    pub(super) fn find(transaction: &Transaction, name_or_url: &str) -> Result<Option<Queue>, Fault> {
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

    pub(super) fn named(transaction: &Transaction, name_or_url: &str) -> Result<Queue, Fault> {
        Queue::find(transaction, name_or_url)?.ok_or_else(|| {
            fault("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        })
    }

    pub(super) fn url(&self) -> String {
        let (region, name) = (REGION, &self.name);
        format!("https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}")
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{}", REGION, self.name)
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.is_set("FifoQueue")
    }

    pub(super) fn is_set(&self, setting: &str) -> bool {
        self.settings.get(setting).is_some_and(|value| value == "true")
    }

    /// A setting in numbers, or its default.
    pub(super) fn number(&self, setting: &str) -> i64 {
        let default = || SETTINGS.iter().find(|(name, _)| *name == setting)?.1;
        let value = self.settings.get(setting).map(String::as_str);
        let value = value.or_else(default).and_then(|value| value.parse().ok());
        value.unwrap_or_default()
    }

    pub(super) fn redrive_policy(&self) -> Option<RedrivePolicy> {
        serde_json::from_str(self.settings.get("RedrivePolicy")?).ok()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
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

    pub(super) fn create(&self, transaction: &Transaction) -> Result<(), Fault> {
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
    pub(super) fn agrees_with(&self, wanted: &BTreeMap<String, String>) -> Result<(), Fault> {
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

    pub(super) fn describe(&self, transaction: &Transaction, now: i64) -> Result<BTreeMap<String, String>, Fault> {
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
}

/// Whether a message may be hidden for so long.
pub(super) fn check_visibility(seconds: i64) -> Result<(), Fault> {
    if (0..=VISIBILITY_SECONDS_MAX).contains(&seconds) {
        return Ok(());
    }
    let reason = format!("Must be >= 0 and <= {VISIBILITY_SECONDS_MAX}, if provided.");
    Err(invalid("VisibilityTimeout", seconds, &reason))
}
