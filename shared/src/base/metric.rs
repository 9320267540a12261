//! Counters that CloudWatch makes metrics of, namespace `greffe`: written as one log line in the embedded metric
//! format, so nothing is called and nothing waits.
//! Source:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::base::telemetry;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "greffe";

/// Everything that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Mails found that should be archived.
    MessagesFound,
    /// Originals stored.
    MessagesArchived,
    /// Their bytes.
    BytesArchived,
    /// Mails whose mark was set, or was there.
    MessagesMarked,
    /// Tries at which Microsoft did not give out a mail.
    MessagesFailed,
    /// Rounds that ended in an error of ours.
    RoundsFailed,
    /// Looks at a mailbox, a member or a connector that found that a person has to act first.
    PeopleNeeded,
    /// Reminders that are the operator's: a credential of an app registration ends soon, or has ended.
    CredentialReminders,
    /// Times that something sealed could not be opened, or nothing could be sealed: the key ring is missing, unreadable
    /// or another.
    KeyRingFailures,
}

impl Counter {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 9] = [
        Self::MessagesFound,
        Self::MessagesArchived,
        Self::BytesArchived,
        Self::MessagesMarked,
        Self::MessagesFailed,
        Self::RoundsFailed,
        Self::PeopleNeeded,
        Self::CredentialReminders,
        Self::KeyRingFailures,
    ];

    /// The metric's name.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    fn unit(self) -> &'static str {
        if self == Self::BytesArchived { "Bytes" } else { "Count" }
    }
}

/// What was counted together, such as in one round.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Counter::ALL.len()]);

impl Tally {
    /// One of these, and nothing else.
    pub fn one(counter: Counter) -> Self {
        let tally = Self::default();
        tally.count(counter, 1);
        tally
    }

    /// Counts `by` more.
    pub fn count(&self, counter: Counter, by: u64) {
        self.0[counter as usize].fetch_add(by, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn of(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    /// Writes the line, on Lambda, if there is anything to tell.
    pub fn publish(&self, now: Timestamp) {
        if let Some(line) = self.line(now).filter(|_| telemetry::is_lambda()) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    fn line(&self, now: Timestamp) -> Option<String> {
        let counted = || Counter::ALL.into_iter().filter(|counter| self.of(*counter) > 0);
        let metrics: Vec<Value> = counted().map(|c| json!({ "Name": c.name(), "Unit": c.unit() })).collect();
        if metrics.is_empty() {
            return None;
        }
        let mut line = Map::from_iter(counted().map(|counter| (counter.name(), json!(self.of(counter)))));
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics });
        line.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive] }));
        Some(Value::Object(line).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_was_counted_and_nothing_else() {
        let tally = Tally::default();
        assert_eq!(tally.line(Timestamp::UNIX_EPOCH), None);
        tally.count(Counter::MessagesArchived, 2);
        tally.count(Counter::MessagesArchived, 1);
        tally.count(Counter::BytesArchived, 61);
        let line: Value = serde_json::from_str(&tally.line(Timestamp::UNIX_EPOCH).unwrap()).unwrap();
        let metrics =
            json!([{ "Name": "MessagesArchived", "Unit": "Count" }, { "Name": "BytesArchived", "Unit": "Bytes" }]);
        let directive = json!({ "Namespace": "greffe", "Dimensions": [[]], "Metrics": metrics });
        let told = json!({
            "_aws": { "Timestamp": 0, "CloudWatchMetrics": [directive] }, "MessagesArchived": 3, "BytesArchived": 61
        });
        assert_eq!(line, told);
        assert!(Counter::ALL.iter().enumerate().all(|(i, counter)| i == *counter as usize));
    }
}
