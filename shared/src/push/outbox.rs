//! Outboxes: what rounds store about one member. Only rounds write it; the due time is a separate item.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::id::EntryKind,
    firm::member::{MemberAccount, Push},
    graph::{Disposition, GraphError, Spent},
    problem::NotedProblem,
    push::{PushLinks, PushNews, ToldProblem},
};

/// What rounds remember of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outbox {
    /// Where the copies lie.
    pub account: Option<MemberAccount>,
    /// The switches that the last whole comparison went by.
    pub push: Option<Push>,
    /// The delta link of each container, for each kind.
    pub links: BTreeMap<EntryKind, PushLinks>,
    /// When the last finished round began: a job sent before has been seen to.
    pub round_began_at: Option<Timestamp>,
    /// What was asked of the mailbox lately.
    pub spent: Spent,
    /// When it was last looked for changes there.
    pub checked_at: Option<Timestamp>,
    /// When both sides were last compared as a whole.
    pub compared_at: Option<Timestamp>,
    /// What keeps everything from this Outlook, if a person has to act.
    pub problem: Option<NotedProblem>,
    /// Missing permissions, by kind of entry. The other kind is still pushed.
    pub blocked: BTreeMap<EntryKind, NotedProblem>,
    /// Failing services, by kind of entry. They are tried again.
    pub failing: BTreeMap<EntryKind, Failing>,
    /// What the feed says of each kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<EntryKind, ToldProblem>,
}

/// A service of one Outlook that does not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// What Graph answered last, and since when it fails.
    pub problem: NotedProblem,
    /// It is left alone until then.
    pub not_before: Timestamp,
}

/// The first pause of a service that fails, unless Graph names one, and the longest. In between it rests as long as it
/// has failed.
const FAILING_PAUSE: Duration = Duration::from_secs(30);
const FAILING_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// A service that fails for so long is shown as a problem.
const FAILING_SHOWN_AFTER: Duration = Duration::from_secs(5 * 60);

impl Failing {
    /// How much patience it gets at `now`, in tries: the longer it fails, the more.
    pub fn tries(&self, now: Timestamp) -> u32 {
        let lasted = now.duration_since(self.problem.since).as_secs();
        u32::try_from(lasted.unsigned_abs() / FAILING_PAUSE.as_secs()).unwrap_or(u32::MAX)
    }

    /// It failed at `now` with `error`; `before`: how it failed before, if it did.
    pub fn again(before: Option<&Self>, error: &GraphError, now: Timestamp) -> Self {
        let since = before.map_or(now, |before| before.problem.since);
        let lasted = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let first = match error.disposition() {
            Disposition::RetryAfter(wait) if !wait.is_zero() => wait,
            _ => FAILING_PAUSE,
        };
        let pause = lasted.max(first).min(FAILING_PAUSE_MAX);
        Self { problem: NotedProblem { since, ..NotedProblem::of(error, now) }, not_before: now + pause }
    }
}

impl Outbox {
    /// What keeps entries of that kind from this Outlook. What fails is no problem until it has failed for some
    /// minutes.
    pub fn problem_of(&self, kind: EntryKind, now: Timestamp) -> Option<&NotedProblem> {
        self.problem.as_ref().or_else(|| self.held_up(kind, now))
    }

    fn held_up(&self, kind: EntryKind, now: Timestamp) -> Option<&NotedProblem> {
        let failing = self.failing.get(&kind).map(|failing| &failing.problem);
        let lasting = failing.filter(|problem| problem.since + FAILING_SHOWN_AFTER <= now);
        self.blocked.get(&kind).or(lasting)
    }

    /// The fact that the feed needs about it, noted as told. What concerns the connector is a fact of the connector.
    pub fn news(&mut self, now: Timestamp) -> Vec<(EntryKind, PushNews)> {
        if self.problem.is_some() {
            return Vec::new();
        }
        let news = EntryKind::ALL.into_iter().filter_map(|kind| {
            let mut told = self.told.get(&kind).copied().unwrap_or_default();
            let news = told.update(self.held_up(kind, now), !self.failing.contains_key(&kind))?;
            self.told.insert(kind, told);
            Some((kind, news))
        });
        news.collect()
    }
}
