//! The state of a mailbox's rounds: what is due, what was found, and what keeps mail from being complete.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{DUE_MAILBOX, Key, Table, TableError, sortable},
    base::id::{ConnectorId, FirmId, MailboxId, SubscriptionId},
    graph::{Mark, Spent, Subscription},
    mail::{
        mailbox_progress::Progress,
        mailbox_share::ExcessRounds,
        small_page::SettledPages,
        trouble::Faults,
        walk::{HistoryProgress, Reconciliation},
    },
    problem::{Code, NotedProblem},
};

/// The marks whose categories a mailbox's master list has, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMarks {
    /// The two.
    pub marks: [Mark; 2],
    /// When the list was looked at: the person may have changed it since.
    pub seen_at: Timestamp,
}

/// A mailbox's rounds: written by its rounds, and by the activation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    due_kind: Option<String>,
    due_at: Option<String>,
    /// Time of the next poll of all folders; none: at the next round that is due. Other rounds that are due read only
    /// folders that were never read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_at: Option<Timestamp>,
    /// Until when polls come often: one found mail that no notice announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_until: Option<Timestamp>,
    /// When the last finished round began: a job sent before has been seen to.
    pub round_began_at: Option<Timestamp>,
    /// Rounds beyond the mailbox's share.
    #[serde(default, skip_serializing_if = "ExcessRounds::is_zero")]
    beyond: ExcessRounds,
    /// What tells us of new mail.
    pub subscription: Option<HeldSubscription>,
    /// The marks whose categories the master list has, and when that was seen.
    #[serde(default)]
    pub marks: Option<KeptMarks>,
    /// When the tree of folders is looked at next; none before it was read for the first time.
    #[serde(default)]
    pub follow_at: Option<Timestamp>,
    /// How far the history is.
    #[serde(default)]
    pub history: Option<HistoryProgress>,
    /// The comparison of the folders with the archive that runs, or ran last.
    #[serde(default)]
    pub reconciliation: Option<Reconciliation>,
    /// When the next automatic one starts.
    #[serde(default)]
    pub reconcile_at: Option<Timestamp>,
    /// When older mail was last given to its functions; none while nothing of it is to be done. While this is set, a
    /// round of live mail takes its turn first ([`MailboxTurn`](super::mailbox_turn::MailboxTurn)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<Timestamp>,
    /// When older mail goes on: Graph, or our own pace, asked it to wait.
    #[serde(default)]
    pub behind_at: Option<Timestamp>,
    /// Until when no round is begun: Graph asked to wait, or did not answer. What a notice tells before that is seen to
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Timestamp>,
    /// What was asked of the mailbox lately.
    #[serde(default)]
    pub spent: Spent,
    /// How slow Graph is with this mailbox.
    #[serde(default, skip_serializing_if = "SlowestAnswer::is_quick")]
    pub slowest: SlowestAnswer,
    /// How far the first rounds of the folders are; none once all are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparing: Option<Preparing>,
    /// What fails by itself.
    #[serde(default)]
    pub faults: Faults,
    /// Facts of the feed that the event bus did not take yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<UnannouncedRange>,
    /// The notice that no folder explained, and that was looked at once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_look: Option<Timestamp>,
    /// Consecutive rounds in which Graph reported nothing.
    #[serde(default)]
    pub quiet_rounds: u32,
    /// How many were archived at some moments of the last minutes.
    #[serde(default)]
    pace: Vec<Pace>,
    /// What rounds settled of pages that brought few mails, beside the item of the counts.
    #[serde(default, skip_serializing_if = "Progress::is_zero")]
    pub counts: Progress,
    /// Which of those pages are settled.
    #[serde(default, skip_serializing_if = "SettledPages::is_empty")]
    pub settled: SettledPages,
    /// What kept the last round from its end, if a person has to act.
    pub problem: Option<NotedProblem>,
    /// The connector that opened the mailbox, once that is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_from: Option<ConnectorId>,
}

/// How many of the folders that are kept are ready: the baseline of each is complete, so that mail that is moved in
/// counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparing {
    /// Folders that are ready.
    pub ready: u32,
    /// Folders that are kept; none before the tree was read.
    pub folders: u32,
}

/// How long the slowest answer of Graph about a mailbox took in its last round, in seconds. Pure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlowestAnswer(u64);

impl SlowestAnswer {
    /// Whether there is nothing to note.
    pub fn is_quick(&self) -> bool {
        self.0 == 0
    }

    /// What is noted after a round whose slowest answer took so long: a round without one says nothing.
    pub fn after(before: Self, slowest: Duration) -> Self {
        if slowest.is_zero() { before } else { Self(slowest.as_secs()) }
    }
}

impl From<SlowestAnswer> for Duration {
    fn from(slowest: SlowestAnswer) -> Self {
        // Up to the next second.
        if slowest.is_quick() { Self::ZERO } else { Self::from_secs(slowest.0 + 1) }
    }
}

/// Numbers of the firm's feed, both included: those of this mailbox among them are still to be put on the event bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnannouncedRange {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

impl UnannouncedRange {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

/// How many mails were archived at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pace {
    at: Timestamp,
    archived: i64,
}

/// The rate is that of the last minutes.
const PACE_WINDOW: Duration = Duration::from_secs(10 * 60);

/// Moments that are remembered lie this far apart.
const PACE_STEP: Duration = Duration::from_secs(2 * 60);

/// A subscription that we hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Where its notices go; none where an older version made it.
    #[serde(default)]
    pub url: Option<String>,
    /// When it was last seen to be there.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
}

impl HeldSubscription {
    /// One that Graph granted at `now`, whose notices go to `url`.
    pub fn granted(granted: Subscription, url: &str, now: Timestamp) -> Self {
        Self { id: granted.id, expires_at: granted.expires_at, url: Some(url.to_owned()), seen_at: Some(now) }
    }

    /// The subscription after Graph renewed it at `now`. Its notification URL stays.
    pub fn renewed(&self, granted: Subscription, now: Timestamp) -> Self {
        Self { id: granted.id, expires_at: granted.expires_at, seen_at: Some(now), ..self.clone() }
    }
}

/// `ours`, if that is another than what was read; else `theirs`.
fn newer<T: PartialEq>(ours: T, read: T, theirs: T) -> T {
    if ours == read { theirs } else { ours }
}

/// What one of two changed since both read it; of two changes, the one that comes first.
fn sooner<T: Ord + Copy>(ours: Option<T>, read: Option<T>, theirs: Option<T>) -> Option<T> {
    match (ours == read, theirs == read) {
        (true, _) => theirs,
        (false, true) => ours,
        (false, false) => ours.into_iter().chain(theirs).min(),
    }
}

/// The numbers of both.
fn both(one: Option<UnannouncedRange>, other: Option<UnannouncedRange>) -> Option<UnannouncedRange> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

impl SyncState {
    /// That of a mailbox that is switched on at `now` for the first time: a round is due.
    pub(super) fn first(now: Timestamp) -> Self {
        let mut first = Self { preparing: Some(Preparing::default()), ..Self::default() }.due(now);
        first.note_pace(now, 0);
        first
    }

    /// Makes the next round due at `at`; it reads all folders.
    pub fn due(self, at: Timestamp) -> Self {
        Self { poll_at: None, ..self.round_due(at) }
    }

    /// Makes the next round due at `at`.
    fn round_due(mut self, at: Timestamp) -> Self {
        self.due_kind = Some(DUE_MAILBOX.to_owned());
        self.due_at = Some(sortable(at));
        self.waits_until = None;
        self
    }

    /// Whether a round that begins at `now` by itself reads all folders.
    pub fn polls(&self, now: Timestamp) -> bool {
        self.is_due(now) && self.poll_at.is_none_or(|at| at <= now)
    }

    /// How long the mailbox lets others go first, for a job that was sent at `sent_at`; none if it need not.
    pub fn yields(&self, sent_at: Timestamp, now: Timestamp) -> Option<Duration> {
        self.beyond.wait(self.round_began_at, sent_at, now)
    }

    /// Notes a finished round.
    pub fn note_round(&mut self, began: Timestamp, ended: Timestamp) {
        self.beyond = self.beyond.after(self.round_began_at, began, ended);
        self.round_began_at = Some(began);
    }

    /// Whether it is time to note how many are archived.
    pub fn wants_pace(&self, now: Timestamp) -> bool {
        self.pace.last().is_none_or(|pace| pace.at + PACE_STEP <= now)
    }

    /// Notes how many are archived.
    pub fn note_pace(&mut self, now: Timestamp, archived: i64) {
        self.pace.retain(|pace| pace.at + PACE_WINDOW > now);
        self.pace.push(Pace { at: now, archived });
    }

    /// Mails archived in a minute of late. Pure.
    pub fn per_minute(&self, now: Timestamp, archived: i64) -> f64 {
        let Some(first) = self.pace.iter().find(|pace| pace.at + PACE_WINDOW > now) else { return 0.0 };
        let minutes = now.duration_since(first.at).as_secs_f64() / 60.0;
        if minutes > 0.0 { (archived - first.archived) as f64 / minutes } else { 0.0 }
    }

    /// Whether a round is due by now, and not only asked for by a notice.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due_at.as_ref().is_none_or(|due| *due <= sortable(now))
    }

    /// Whether no round is begun yet: Microsoft is not well, or a person has to act, and the next look is yet to come.
    pub fn waits(&self, now: Timestamp) -> bool {
        let a_person = self.problem.is_some() && self.due_at.as_ref().is_some_and(|due| *due > sortable(now));
        a_person || self.waits_until.is_some_and(|until| until > now)
    }

    /// Merges the results of a live round that began from `read`. Changes that older mail, an activation or a pause
    /// made meanwhile win.
    pub fn with_findings_of(self, read: &Self, round: &Self) -> Self {
        // When older mail goes on, after it came to its end meanwhile, the next round finds out.
        let older_ended = read.older.is_some() && self.older.is_none();
        let unasked = (&self.due_kind, &self.due_at) == (&read.due_kind, &read.due_at) && !older_ended;
        let due = if unasked { round.clone() } else { self.clone() };
        let untold = match self.untold == read.untold {
            true => round.untold,
            // To tell again does no harm.
            false => both(self.untold, round.untold),
        };
        Self {
            due_kind: due.due_kind,
            due_at: due.due_at,
            poll_at: due.poll_at,
            waits_until: due.waits_until,
            round_began_at: due.round_began_at,
            beyond: round.beyond,
            older: newer(round.older, read.older, self.older),
            pace: newer(self.pace.clone(), read.pace.clone(), round.pace.clone()),
            spent: self.spent.clone().and(&round.spent.since(&read.spent)),
            slowest: round.slowest,
            quiet_rounds: round.quiet_rounds,
            doubted_until: round.doubted_until,
            subscription: round.subscription.clone(),
            marks: newer(round.marks.clone(), read.marks.clone(), self.marks.clone()),
            follow_at: newer(self.follow_at, read.follow_at, round.follow_at),
            reconcile_at: sooner(self.reconcile_at, read.reconcile_at, round.reconcile_at),
            preparing: match unasked {
                true => newer(self.preparing, read.preparing, round.preparing),
                false => self.preparing.or(round.preparing),
            },
            faults: self.faults.clone().changed(&read.faults, &round.faults),
            untold,
            second_look: round.second_look,
            problem: self.problem.filter(|own| own.code == Code::ConnectorDeleted).or(round.problem.clone()),
            ..self
        }
    }

    /// What a slice of older mail changes. `older` is clear unless the slice sets it.
    pub fn for_slice(&self) -> Self {
        Self { older: None, untold: None, ..self.clone() }
    }

    /// Takes over what `slice`, which began with `read`, found out about older mail. The next round is due no later
    /// than `due`.
    pub fn with_older(self, read: &Self, slice: &Self, due: Option<Timestamp>) -> Self {
        let run = |sync: &Self| sync.reconciliation.map(|reconciliation| reconciliation.run);
        let asked_for = run(&self) > run(slice);
        let next = Self {
            history: slice.history,
            reconciliation: if asked_for { self.reconciliation } else { slice.reconciliation },
            reconcile_at: sooner(self.reconcile_at, read.reconcile_at, slice.reconcile_at),
            behind_at: slice.behind_at,
            older: slice.older,
            pace: newer(slice.pace.clone(), read.pace.clone(), self.pace.clone()),
            // What happened in a folder since its first round began is to be found soon.
            poll_at: self.poll_at.filter(|_| slice.preparing == read.preparing),
            spent: self.spent.clone().and(&slice.spent.since(&read.spent)),
            marks: newer(slice.marks.clone(), read.marks.clone(), self.marks.clone()),
            preparing: newer(self.preparing, read.preparing, slice.preparing),
            faults: self.faults.clone().changed(&read.faults, &slice.faults),
            untold: both(self.untold, slice.untold),
            ..self
        };
        match due {
            Some(at) if next.due_at.as_ref().is_some_and(|due| *due > sortable(at)) => {
                let waits_until = next.waits_until;
                Self { waits_until, ..next.round_due(at) }
            }
            _ => next,
        }
    }

    /// Looks at all folders of an active mailbox at once: others were chosen.
    ///
    /// Errors: `Conflict` if others wrote first at each try; the table refuses or does not answer.
    pub async fn look_at_folders(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let look = |sync: Self| {
            let follow_at = sync.follow_at.map(|at| at.min(now));
            let preparing = sync.preparing.or(Some(Preparing::default()));
            Self { follow_at, preparing, ..sync }.due(now)
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(look)).await.map(drop)
    }

    /// Makes the next round due at `at`, unless it is due earlier than that and still after `now`. The index is written
    /// only if the time changes.
    pub fn due_by(self, at: Timestamp, now: Timestamp) -> Self {
        match &self.due_at {
            Some(due) if *due <= sortable(at) && *due > sortable(now) => self,
            _ => self.round_due(at),
        }
    }

    /// Begins a reconciliation with the next round, instead of one that runs.
    ///
    /// Errors: `Conflict` if others wrote first at each try; the table refuses or does not answer.
    pub async fn reconcile(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let ask = |sync: Self| {
            // No two runs have one name, however short after each other.
            let run = sync.reconciliation.map_or(now, |last| now.max(last.run + Duration::from_millis(1)));
            Self { reconciliation: Some(Reconciliation { run, dry_run, ended_at: None }), ..sync }.due(now)
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(ask)).await.map(drop)
    }

    /// Makes the next round of an active mailbox due at `at`, and begins none before.
    ///
    /// Errors: `Conflict` if others wrote first at each try; the table refuses or does not answer.
    pub async fn put_off(table: &Table, firm: FirmId, mailbox: MailboxId, at: Timestamp) -> Result<(), TableError> {
        let put_off = |sync: Self| match sync.due_kind {
            Some(_) => Self { waits_until: Some(at), ..sync.due(at) },
            None => sync,
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(put_off)).await.map(drop)
    }

    /// Makes no round due: the mailbox is paused.
    pub fn not_due(mut self) -> Self {
        self.due_kind = None;
        self.due_at = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_and_a_slice_that_end_at_the_same_time_leave_each_others_findings() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let read = SyncState { older: Some(at(1)), reconcile_at: Some(at(5)), ..SyncState::default() }.due(at(10));
        let round = SyncState { quiet_rounds: 3, round_began_at: Some(at(20)), ..read.clone() }.due(at(900));
        let run = Reconciliation { run: at(20), dry_run: false, ended_at: None };
        let slice =
            SyncState { reconciliation: Some(run), reconcile_at: Some(at(99_000)), older: None, ..read.clone() };
        let one = read.clone().with_older(&read, &slice, Some(at(500))).with_findings_of(&read, &round);
        let other = round.clone().with_older(&read, &slice, Some(at(500)));
        assert_eq!((one.reconciliation, one.reconcile_at, one.older), (Some(run), Some(at(99_000)), None));
        // A comparison that the round asked for stays due, whether the round or the slice is stored first.
        let wants = SyncState { reconcile_at: Some(at(300)), ..round.clone() };
        let idle = SyncState { reconcile_at: read.reconcile_at, ..slice.clone() };
        for slice in [&slice, &idle] {
            let first = read.clone().with_older(&read, slice, None).with_findings_of(&read, &wants);
            let last = wants.clone().with_older(&read, slice, None);
            assert_eq!([first.reconcile_at, last.reconcile_at], [Some(at(300)); 2]);
        }
        // When older mail goes on, the next round finds out.
        assert!(one.quiet_rounds == 3 && one.is_due(at(10)));
        assert!(other.is_due(at(500)) && !other.is_due(at(499)));
        assert_eq!((other.reconciliation, other.quiet_rounds), (Some(run), 3));
        // An activation meanwhile wants a round that began after it.
        let activated = read.clone().due(at(30)).with_findings_of(&read, &round);
        assert!(activated.is_due(at(30)) && activated.round_began_at.is_none());
    }

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut sync = SyncState::default();
        assert!(sync.wants_pace(at(0)));
        sync.note_pace(at(0), 100);
        assert!(!sync.wants_pace(at(1)) && sync.wants_pace(at(2)));
        assert_eq!(sync.per_minute(at(5), 600), 100.0);
        sync.note_pace(at(8), 900);
        assert_eq!(sync.per_minute(at(12), 900), 0.0);
        assert_eq!(sync.per_minute(at(60), 900), 0.0);
    }
}
