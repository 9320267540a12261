//! Counters that CloudWatch makes metrics of, namespace `greffe`: written as one log line in the embedded metric
//! format, so nothing is called and nothing waits.
//! Source:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    io::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::base::telemetry;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "greffe";
/// The metric of the times from the arrival of a live mail to its original in the archive, in milliseconds.
pub const ARRIVAL_TO_ARCHIVE: &str = "ArrivalToArchive";
/// Most values of one metric in one line.
const VALUES_MAX: usize = 100;

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
    /// Rounds that ended in an error of greffe itself.
    RoundsFailed,
    /// Rounds that ended because Microsoft did not answer, or was not well itself.
    RoundsInOutage,
    /// Originals that the archive did not take.
    ArchiveRefusals,
    /// Times that the event bus did not take facts.
    BusRefusals,
    /// Times that Microsoft granted a mailbox no subscription.
    SubscriptionRefusals,
    /// Runs of the schedule of polls that came to their end.
    PollRuns,
    /// Runs of the schedule of comparisons.
    ReconcileRuns,
    /// Runs of the schedule of credentials.
    WatchRuns,
    /// Runs of the schedule of webhooks.
    DeliverRuns,
    /// Runs of the schedule of logs.
    AppendRuns,
    /// Runs of the schedule of indexes.
    IndexRuns,
    /// Runs of the schedule of erasures.
    EraseRuns,
    /// Runs of the schedule of daily checks.
    CheckRuns,
    /// Times that a connector, a mailbox or a member that worked needs a person before it goes on.
    PeopleNeeded,
    /// Looks at such a one that found that it is the operator who has to act.
    OperatorNeeded,
    /// Reminders that are the operator's: a credential of an app registration ends soon, or has ended.
    CredentialReminders,
    /// Times that something sealed could not be opened, or nothing could be sealed: the key ring is missing, unreadable
    /// or another.
    KeyRingFailures,
    /// Times that a firm's log, or the feed that it follows, was found to be otherwise than it was written.
    EvidenceFaults,
    /// Times that originals were to be kept longer and were not.
    KeeperFailures,
    /// Times that a checkpoint was to be stamped and was not.
    StampFailures,
}

impl Counter {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 25] = [
        Self::MessagesFound,
        Self::MessagesArchived,
        Self::BytesArchived,
        Self::MessagesMarked,
        Self::MessagesFailed,
        Self::RoundsFailed,
        Self::RoundsInOutage,
        Self::ArchiveRefusals,
        Self::BusRefusals,
        Self::SubscriptionRefusals,
        Self::PollRuns,
        Self::ReconcileRuns,
        Self::WatchRuns,
        Self::DeliverRuns,
        Self::AppendRuns,
        Self::IndexRuns,
        Self::EraseRuns,
        Self::CheckRuns,
        Self::PeopleNeeded,
        Self::OperatorNeeded,
        Self::CredentialReminders,
        Self::KeyRingFailures,
        Self::EvidenceFaults,
        Self::KeeperFailures,
        Self::StampFailures,
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
pub struct Tally {
    counts: [AtomicU64; Counter::ALL.len()],
    /// Of each live mail that was archived, the milliseconds since it arrived.
    delays_ms: Mutex<Vec<u64>>,
}

impl Tally {
    /// One of these, and nothing else.
    pub fn one(counter: Counter) -> Self {
        let tally = Self::default();
        tally.count(counter, 1);
        tally
    }

    /// Counts `by` more.
    pub fn count(&self, counter: Counter, by: u64) {
        self.counts[counter as usize].fetch_add(by, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn of(&self, counter: Counter) -> u64 {
        self.counts[counter as usize].load(Ordering::Relaxed)
    }

    /// Notes how long after its arrival a live mail was archived.
    pub fn archived_after(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.delays_ms.lock().unwrap_or_else(PoisonError::into_inner).push(delay);
    }

    /// Writes the lines, on Lambda, if there is anything to tell.
    pub fn publish(self, now: Timestamp) {
        if telemetry::is_lambda() {
            for line in self.lines(now) {
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        }
    }

    /// One line, and more where there are more delays than fit in one.
    fn lines(self, now: Timestamp) -> Vec<String> {
        let delays = self.delays_ms.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut delays =
            delays.chunks(VALUES_MAX).map(|chunk| (ARRIVAL_TO_ARCHIVE.to_owned(), "Milliseconds", json!(chunk)));
        let counted = Counter::ALL.into_iter().zip(self.counts).map(|(counter, count)| (counter, count.into_inner()));
        let counted = counted.filter(|(_, count)| *count > 0);
        let counted = counted.map(|(counter, count)| (counter.name(), counter.unit(), json!(count)));
        let mut first: Vec<_> = counted.chain(delays.next()).collect();
        let mut lines = Vec::new();
        while !first.is_empty() {
            lines.push(line(first, now));
            first = delays.next().into_iter().collect();
        }
        lines
    }
}

/// A line with these metrics: name, unit, and one value or some.
fn line(metrics: Vec<(String, &'static str, Value)>, now: Timestamp) -> String {
    let named: Vec<Value> = metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line: Map<String, Value> = metrics.into_iter().map(|(name, _, value)| (name, value)).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": named });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive] }));
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_was_counted_and_nothing_else() {
        assert_eq!(Tally::default().lines(Timestamp::UNIX_EPOCH), Vec::<String>::new());
        let tally = Tally::default();
        tally.count(Counter::MessagesArchived, 2);
        tally.count(Counter::MessagesArchived, 1);
        tally.count(Counter::BytesArchived, 61);
        let lines = tally.lines(Timestamp::UNIX_EPOCH);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        let metrics =
            json!([{ "Name": "MessagesArchived", "Unit": "Count" }, { "Name": "BytesArchived", "Unit": "Bytes" }]);
        let directive = json!({ "Namespace": "greffe", "Dimensions": [[]], "Metrics": metrics });
        let told = json!({
            "_aws": { "Timestamp": 0, "CloudWatchMetrics": [directive] }, "MessagesArchived": 3, "BytesArchived": 61
        });
        assert_eq!((line, lines.len()), (told, 1));
        assert!(Counter::ALL.iter().enumerate().all(|(i, counter)| i == *counter as usize));
    }

    #[test]
    fn delays_are_told_one_by_one_a_hundred_a_line() {
        let tally = Tally::one(Counter::MessagesArchived);
        for second in 0..250 {
            tally.archived_after(Duration::from_secs(second));
        }
        let lines = tally.lines(Timestamp::UNIX_EPOCH);
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let delays: Vec<_> = lines.iter().flat_map(|line| line[ARRIVAL_TO_ARCHIVE].as_array().unwrap()).collect();
        assert_eq!((lines.len(), delays.len(), delays[249]), (3, 250, &json!(249_000)));
        assert_eq!((&lines[0]["MessagesArchived"], &lines[1]["MessagesArchived"]), (&json!(1), &Value::Null));
    }
}
