//! Walks: compare the mails of a folder, from the oldest to the newest, with what greffe knows.
//!
//! There are two walks. History archives older mail that the operator granted. A reconciliation finds what delta and
//! notices missed: delta misses a mail that leaves and returns between two rounds, and notices can be lost for days.
//!
//! A walk pages by arrival time, not by offset, so a mail that leaves the folder hides no other. After an interruption
//! it continues from the last arrival time.

use std::time::Duration;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    base::id::ImmutableId,
    graph::{Mail, ReceivedPeriod},
    mail::{
        archive_decision::ArchiveDecision,
        baseline::BaselinePage,
        message::{Message, MessageState},
        trouble::Trouble,
    },
};

/// Missing mails that a walk names one by one; all are counted.
const NAMED_MAX: usize = 20;

/// One walk along one folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Which run of the mailbox it belongs to.
    pub run: Timestamp,
    /// Mail that arrived from this moment on is still to be listed.
    at: Timestamp,
    /// Of the mails that arrived in that very second, those that were listed.
    edge: BaselinePage,
    /// Mail that arrived later is not looked at.
    until: Timestamp,
    /// How many there are, where they were counted first.
    pub total: Option<u64>,
    /// What was found so far.
    #[serde(flatten)]
    pub tally: WalkTally,
    /// Some of the missing.
    pub missing: Vec<MissingMail>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// What keeps it from going on, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Entries listed so far that can't be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    unreadable: u64,
    /// Why it came to the end of the list and not to its own, so that it began again; since the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gap: Option<Trouble>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What was found, in numbers of mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkTally {
    /// They lie there.
    pub listed: u64,
    /// How many of them are to be archived.
    pub due: u64,
    /// How many of them are archived.
    pub kept: u64,
    /// Of those to be kept, nobody knew of them.
    pub found: u64,
}

impl std::ops::Add for WalkTally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            listed: self.listed + other.listed,
            due: self.due + other.due,
            kept: self.kept + other.kept,
            found: self.found + other.found,
        }
    }
}

/// A mail that had to be kept, and was not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingMail {
    /// Its id.
    pub immutable_id: ImmutableId,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// How a mail stands that lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptStatus {
    /// Its original is archived.
    Kept,
    /// It is being worked at, or tried again.
    UnderWay,
    /// It need not be kept.
    NotDue,
    /// It has to be kept, and nobody knows of it.
    Missing,
}

/// How a mail stands: `known` as far as greffe knows it, `decision` what the rules say of one that is not known. Pure.
pub fn standing(known: Option<&Message>, decision: ArchiveDecision) -> KeptStatus {
    match known {
        Some(message) if message.original().is_some() => KeptStatus::Kept,
        Some(Message {
            state:
                MessageState::Skipped { .. }
                | MessageState::Erased { .. }
                | MessageState::Removed { .. }
                | MessageState::Expired { .. },
            ..
        }) => KeptStatus::NotDue,
        // It was gone when it was read, and is listed again.
        Some(Message { state: MessageState::Gone { .. }, .. }) | None if decision == ArchiveDecision::Archive => {
            KeptStatus::Missing
        }
        Some(Message { state: MessageState::Gone { .. }, .. }) | None => KeptStatus::NotDue,
        Some(_) => KeptStatus::UnderWay,
    }
}

impl Walk {
    /// A walk along what arrived in that time, as a part of `run`.
    pub fn new(run: Timestamp, arrivals: ReceivedPeriod) -> Self {
        let ReceivedPeriod { since, until } = arrivals;
        Self {
            run,
            at: since,
            edge: BaselinePage::of([]),
            until,
            total: None,
            tally: WalkTally::default(),
            missing: Vec::new(),
            ended_at: None,
            trouble: None,
            unreadable: 0,
            gap: None,
        }
    }

    /// This new walk in the place of an unfinished one, whose trouble it keeps.
    pub fn in_place_of(self, before: &Self) -> Self {
        Self { trouble: before.trouble.clone(), gap: before.gap.clone(), ..self }
    }

    /// What is to be listed next.
    pub fn ahead(&self) -> ReceivedPeriod {
        ReceivedPeriod { since: self.at, until: self.until }
    }

    /// Notes how many mails there are. Counting may work where listing fails.
    pub fn counted(self, total: Option<u64>) -> Self {
        Self { total, ..self }
    }

    /// Notes a failure.
    pub fn failed(self, trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..self }
    }

    /// What keeps it from its end, also while it is read once more.
    pub fn shown_trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref().or(self.gap.as_ref())
    }

    /// Whether it failed, and its next try is yet to come.
    pub fn rests(&self, now: Timestamp) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.waits(now))
    }

    /// Mail that arrived later is not looked at.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Those of a page that were not listed before, each once.
    pub fn fresh(&self, mut mails: Vec<Mail>) -> Vec<Mail> {
        let mut listed = self.edge.prints();
        mails.retain(|mail| listed.insert(crate::mail::baseline::fingerprint(&mail.immutable_id)));
        mails
    }

    /// The walk after a page with these mails, in the order of their arrival, and with the count of unreadable entries;
    /// true if the next request begins later.
    pub fn after(&self, mails: &[(Mail, KeptStatus)], unreadable: u64) -> (Self, bool) {
        let mut walk = Self { trouble: None, unreadable: self.unreadable + unreadable, ..self.clone() };
        for (mail, standing) in mails {
            walk.tally.listed += 1;
            walk.tally.due += u64::from(*standing != KeptStatus::NotDue);
            walk.tally.kept += u64::from(*standing == KeptStatus::Kept);
            if *standing == KeptStatus::Missing {
                walk.tally.found += 1;
                if walk.missing.len() < NAMED_MAX {
                    let received_at = mail.received_at.unwrap_or(walk.at);
                    walk.missing.push(MissingMail { immutable_id: mail.immutable_id.clone(), received_at });
                }
            }
        }
        // A mail of another time was not asked for, so its date is wrong: the walk must not go on from there.
        let asked_for = |at: &Timestamp| (self.at..self.until).contains(at);
        let last = mails.iter().filter_map(|(mail, _)| mail.received_at).filter(asked_for).max().unwrap_or(self.at);
        let of_that_second = mails.iter().filter(|(mail, _)| mail.received_at == Some(last));
        let edge = BaselinePage::of(of_that_second.map(|(mail, _)| &mail.immutable_id));
        walk.edge = if last > self.at { edge } else { self.edge.with(&edge) };
        walk.at = last;
        (walk, last > self.at)
    }

    /// Why the list that came to its end is not whole, if it is not: entries that can't be read, or none where Graph
    /// counted some. The second reason counts once only, because a count may be of mails that have left.
    pub fn missed(&self) -> Option<String> {
        match self.total {
            _ if self.unreadable > 0 => Some(format!("{} entries of the list can't be read", self.unreadable)),
            Some(total) if total > 0 && self.tally.listed == 0 && self.gap.is_none() => {
                Some(format!("the list is empty, although {total} mails were counted"))
            }
            _ => None,
        }
    }

    /// `from`, a walk that begins anew, because this one missed a part. `how` makes a trouble of the one before. What
    /// was found counts still; a dry run finds it once more.
    pub fn again(&self, from: Self, how: impl FnOnce(Option<&Trouble>) -> Trouble) -> Self {
        let gap = how(self.gap.as_ref());
        let tally = WalkTally { found: self.tally.found, ..from.tally };
        Self { trouble: Some(gap.clone()), gap: Some(gap), tally, missing: self.missing.clone(), ..from }
    }

    /// Ends the walk.
    pub fn ended(self, now: Timestamp) -> Self {
        Self { ended_at: Some(now), trouble: None, gap: None, edge: BaselinePage::of([]), ..self }
    }
}

/// How far the history of a mailbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryProgress {
    /// Mail since this date.
    pub since: Date,
    /// How many mails there are; none while they are still being counted.
    pub total: Option<u64>,
    /// How many were looked at.
    pub listed: u64,
    /// How many of them were not kept before.
    pub found: u64,
    /// Whether all folders are done.
    pub done: bool,
}

/// A comparison looks at no mail that is younger: delta may still be about to tell of it.
pub const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);

/// A comparison of a mailbox's folders with the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// When it began; its folders' walks carry it as their run.
    pub run: Timestamp,
    /// Nothing is taken in: it only tells.
    pub dry_run: bool,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
}

impl Reconciliation {
    /// It looks at mail that arrived before.
    pub fn until(&self) -> Timestamp {
        self.run - SETTLED_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, second: i64) -> Mail {
        Mail {
            immutable_id: id.parse().unwrap(),
            received_at: Some(Timestamp::from_second(second).unwrap()),
            subject: String::new(),
            from: None,
            recipients: vec![],
            internet_message_id: None,
            is_draft: Some(false),
            has_attachments: false,
            categories: vec![],
            etag: None,
            conversation: None,
        }
    }

    fn walk() -> Walk {
        let at = |s| Timestamp::from_second(s).unwrap();
        Walk::new(at(0), ReceivedPeriod { since: at(10), until: at(1_000) })
    }

    fn step(walk: &Walk, mails: Vec<Mail>, standing: KeptStatus) -> (Walk, bool) {
        let fresh = walk.fresh(mails).into_iter().map(|mail| (mail, standing)).collect::<Vec<_>>();
        walk.after(&fresh, 0)
    }

    #[test]
    fn a_walk_goes_from_second_to_second_and_counts_no_mail_twice() {
        let (walk, later) = step(&walk(), vec![mail("a", 10), mail("b", 20), mail("c", 20)], KeptStatus::Kept);
        assert!(later && walk.ahead().since == Timestamp::from_second(20).unwrap());
        let (walk, later) = step(&walk, vec![mail("b", 20), mail("c", 20), mail("d", 20)], KeptStatus::Missing);
        assert!(!later);
        let (walk, _) = step(&walk, vec![mail("b", 20), mail("d", 20), mail("e", 21)], KeptStatus::NotDue);
        let WalkTally { listed, due, kept, found } = walk.tally;
        assert_eq!((listed, due, kept, found), (5, 4, 3, 1));
        assert_eq!(walk.missing.iter().map(|m| m.immutable_id.as_str()).collect::<Vec<_>>(), ["d"]);
        assert!(!step(&walk, vec![], KeptStatus::Kept).1);
    }

    #[test]
    fn a_date_that_was_not_asked_for_leads_a_walk_nowhere_and_a_mail_listed_twice_counts_once() {
        let page = vec![mail("a", 10), mail("b", 99_999), mail("c", 12), mail("c", 12), mail("d", 3)];
        let (walk, later) = step(&walk(), page, KeptStatus::Kept);
        assert!(later && walk.ahead().since == Timestamp::from_second(12).unwrap());
        assert_eq!(walk.tally.listed, 4);
    }

    #[test]
    fn a_walk_is_read_from_the_table_as_it_was_written() {
        let (walk, _) = step(&walk(), vec![mail("a", 10), mail("b", 20)], KeptStatus::Missing);
        let item: serde_dynamo::Item = serde_dynamo::to_item(&walk).unwrap();
        assert_eq!(serde_dynamo::from_item::<_, Walk>(item).unwrap(), walk);
    }
}
