//! What an erasure found: originals, and what the feed has. Pure.

use std::{collections::BTreeSet, ops::Add, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::Row,
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    evidence::{
        erasure::scope::ErasedScope,
        log_entry::{EntryError, entry},
        tlog::leaf,
    },
    firm::{
        fact::{EventType, StoredFact},
        retention::KeptUntil,
    },
    mail::message::Message,
};

/// What an erasure would take, or took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedCount {
    /// Originals.
    pub originals: u64,
    /// Events.
    #[serde(rename = "events")]
    pub facts: u64,
    /// Originals that are kept less long, and not deleted now.
    #[serde(default)]
    pub shortened: u64,
}

impl Add for ErasedCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            originals: self.originals + other.originals,
            facts: self.facts + other.facts,
            shortened: self.shortened + other.shortened,
        }
    }
}

/// What an erasure found, part by part. Each part may go.
#[derive(Debug)]
pub struct FoundParts {
    pub(super) parts: Vec<ErasableItems>,
    /// Messages that are kept longer than they are to be, and until when they are to be kept.
    pub(super) shortened: Vec<(Row<Message>, KeptUntil)>,
}

impl FoundParts {
    /// How much it is.
    pub fn count(&self) -> ErasedCount {
        let sum = |of: fn(&ErasableItems) -> usize| self.parts.iter().map(of).sum::<usize>() as u64;
        let shortened = self.shortened.len() as u64;
        ErasedCount {
            originals: sum(|part| part.originals.len()),
            facts: sum(|part| part.found.facts.len()),
            shortened,
        }
    }

    /// The mailboxes among the parts.
    pub fn mailboxes(&self) -> BTreeSet<MailboxId> {
        let mailbox = |part: &ErasableItems| match part.scope {
            ErasedScope::Mailbox(mailbox) => Some(mailbox),
            _ => None,
        };
        self.parts.iter().filter_map(mailbox).collect()
    }
}

/// What there is to erase.
#[derive(Debug)]
pub(super) struct ErasableItems {
    pub(super) scope: ErasedScope,
    pub(super) originals: Vec<String>,
    pub(super) found: FoundFacts,
}

impl ErasableItems {
    /// Whether there is nothing of it, and no erasure of it was interrupted.
    pub(super) fn is_nothing(&self) -> bool {
        self.originals.is_empty() && self.found.facts.is_empty() && self.found.record.is_none()
    }
}

/// What the feed has of something that is erased.
#[derive(Debug, Clone, Default)]
pub struct FoundFacts {
    /// The number of each fact, with the hash of its entry and its time.
    pub(super) facts: Vec<(u64, Digest, Timestamp)>,
    /// The message of each of these facts, where the scope is expired messages.
    messages: Vec<MessageId>,
    /// The numbers of facts that were erased before, by this erasure or another: one that was cut off may have left
    /// them in the index. The same for all parts.
    pub(super) voided: Arc<Vec<u64>>,
    /// The number of the last fact among them that is about a message.
    last_of_message: Option<u64>,
    /// Mailboxes that facts tell of.
    pub(super) mailboxes: BTreeSet<MailboxId>,
    /// The dossiers that facts tell of, but for expired messages. Unlike the items of a history, no fact can be removed
    /// without the log telling it.
    pub(super) dossiers: BTreeSet<String>,
    /// The number of the last record of this erasure: one that was interrupted left it.
    pub(super) record: Option<u64>,
    /// The number of the last event that says that the mailbox or the firm was erased.
    event: Option<u64>,
}

impl FoundFacts {
    /// The numbers of all facts that are void in the end because of an erasure.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.facts.iter().map(|(number, ..)| *number).chain(self.voided.iter().copied())
    }

    /// Whether no record covers them all: there is none, or facts came after it.
    pub(super) fn is_unrecorded(&self) -> bool {
        self.record <= self.facts.last().map(|(number, ..)| *number)
    }

    /// Whether the event is still to be written: there is none, or a fact about a message came after it.
    pub(super) fn is_untold(&self) -> bool {
        self.event.is_none() || self.event < self.last_of_message
    }

    /// Takes in a fact, if it is of the scope.
    pub(super) fn note(
        &mut self,
        firm: FirmId,
        scope: &ErasedScope,
        (number, fact): (u64, &StoredFact),
        message: Option<MessageId>,
    ) -> Result<(), EntryError> {
        self.mailboxes.extend(message.map(|message| message.mailbox));
        // A void fact says nothing, and the facts of erasures stay.
        let stays = |kind: EventType| kind == EventType::Void || kind.is_of_erasure();
        if fact.event_type().is_some_and(stays) {
            let what = scope.event().map(|(_, what)| what);
            if what.is_some() && what == fact.clone().fact().map(|fact| fact.what) {
                self.event = Some(number);
            }
        } else if scope.has(message) {
            self.last_of_message = message.map(|_| number).or(self.last_of_message);
            let at = fact.text("at").and_then(|at| at.parse().ok()).unwrap_or_default();
            self.facts.push((number, leaf(&entry(firm, number, fact)?), at));
            match scope {
                ErasedScope::Expired(..) => self.messages.extend(message),
                _ => self.dossiers.extend(fact.text("dossier").map(str::to_owned)),
            }
        }
        Ok(())
    }

    /// Those that are still of the scope.
    pub(super) fn within(mut self, scope: &ErasedScope) -> Self {
        let mut messages = self.messages.iter();
        self.facts.retain(|_| scope.has(messages.next().copied()));
        self.messages.retain(|message| scope.has(Some(*message)));
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MAILBOX: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

    fn message(n: u8) -> MessageId {
        format!("{MAILBOX}.000102030405060708090a0b0c0d0e{n:02x}").parse().unwrap()
    }

    fn filed(n: u8, dossier: Option<&str>) -> Value {
        let (id, message) = (format!("{n}-filed"), message(n).to_string());
        json!({ "id": id, "at": "2026-06-15T12:00:00Z", "type": "message_filed", "message": message,
                "mailbox": MAILBOX, "dossier": dossier })
    }

    /// What is found of `scope` in a feed that has these facts.
    fn found(scope: &ErasedScope, feed: &[Value]) -> FoundFacts {
        let firm = "0b25d0e2-8f3b-4a4c-9d5a-3f1b7a3a9d11".parse().unwrap();
        let mut found = FoundFacts::default();
        for (number, fact) in (1..).zip(feed) {
            let fact: StoredFact = serde_json::from_value(fact.clone()).unwrap();
            let message = fact.text("message").and_then(|id| id.parse().ok());
            found.note(firm, scope, (number, &fact), message).unwrap();
        }
        found
    }

    fn numbers(found: &FoundFacts) -> Vec<u64> {
        found.numbers().collect()
    }

    #[test]
    fn of_a_mailbox_all_facts_are_found_but_void_ones_and_those_of_erasures() {
        let void = json!({ "id": "void-2", "at": "2026-06-15T12:00:00Z", "type": "void" });
        let erased = json!({ "id": "x", "at": "2026-06-15T12:00:00Z", "type": "message_erased",
                             "message": message(1), "mailbox": MAILBOX });
        let feed = [filed(1, None), void, erased, filed(2, Some("D1"))];
        let found = found(&ErasedScope::Mailbox(MAILBOX.parse().unwrap()), &feed);
        assert_eq!(numbers(&found), [1, 4]);
        assert_eq!(found.dossiers, ["D1".to_owned()].into(), "a hold on it refuses the erasure");
        assert!(found.is_unrecorded());
    }

    #[test]
    fn the_event_of_a_mailbox_is_written_again_if_mail_came_after_it() {
        let scope = ErasedScope::Mailbox(MAILBOX.parse().unwrap());
        let event = json!({ "id": "e", "at": "2026-06-15T12:00:00Z", "type": "mailbox_erased", "mailbox": MAILBOX });
        assert!(found(&scope, &[filed(1, None)]).is_untold());
        assert!(!found(&scope, &[filed(1, None), event.clone()]).is_untold());
        assert!(found(&scope, &[filed(1, None), event, filed(2, None)]).is_untold());
    }

    #[test]
    fn a_record_covers_what_came_before_it() {
        let scope = ErasedScope::Message(message(1));
        let mut found = found(&scope, &[filed(1, None), filed(2, None), filed(1, None)]);
        assert_eq!(numbers(&found), [1, 3]);
        for (record, is_unrecorded) in [(None, true), (Some(2), true), (Some(4), false)] {
            found.record = record;
            assert_eq!(found.is_unrecorded(), is_unrecorded, "{record:?}");
        }
        assert!(FoundFacts::default().is_unrecorded(), "an erasure that finds no facts is recorded, too");
    }

    #[test]
    fn what_left_a_page_of_expired_messages_leaves_its_facts() {
        let id = "1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap();
        let both = ErasedScope::Expired(id, [message(1), message(2)].into());
        let found = found(&both, &[filed(1, Some("D1")), filed(2, None), filed(1, None)]);
        assert!(found.dossiers.is_empty(), "of expired messages the histories count");
        assert_eq!(numbers(&found.within(&ErasedScope::Expired(id, [message(1)].into()))), [1, 3]);
    }
}
