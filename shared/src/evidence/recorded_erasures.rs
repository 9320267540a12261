//! What the log says was erased, and in what the table says otherwise. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::{
    base::id::{ErasureId, FirmId, MailboxId, MessageId},
    evidence::{
        erasure::{ErasedCount, ErasedScope, ErasureOrder, ErasureState, ErasureTarget, blanked},
        log_entry::LoggedEntry,
        report::{EvidenceFinding, FindingKind},
    },
    firm::fact::StoredFact,
    mail::message::{ErasureNote, Message, MessageState},
};

/// What is left of a mail is stored shortly before the fact that says so; of a thousand mails, some minutes before the
/// last of them.
const TIME_SLACK: SignedDuration = SignedDuration::from_mins(20);

/// How long after its record an erasure may not have come to a message: a round that was at it takes some minutes, and
/// an erasure that died is gone on with.
const ERASURE_PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// A fact that was erased: the log has its entry.
pub(super) struct ErasedFact {
    /// Its number.
    pub number: u64,
    /// Its message, as the entry has it.
    pub message: Option<MessageId>,
    /// When its message arrived, if the entry says so.
    pub received_at: Option<Timestamp>,
}

/// An erasure, as its record says.
pub(super) struct RecordedErasure {
    pub(super) scope: ErasedScope,
    /// When it was recorded.
    pub(super) at: Option<Timestamp>,
    /// Who and why; none if the record can't be read, or was lost with a table that was restored.
    pub(super) note: Option<ErasureNote>,
    /// Whether what is left of its messages has that, too: not before 0.2.0.
    pub(super) is_noted: bool,
}

/// The event that says of a message that it was erased or removed.
pub(super) struct ErasedEvent {
    pub(super) number: u64,
    pub(super) at: Option<Timestamp>,
    pub(super) is_removed: bool,
    /// Who removed it, if the fact can be read.
    pub(super) by: Option<String>,
}

/// What the log says was erased.
#[derive(Default)]
pub(super) struct RecordedErasures {
    pub(super) records: BTreeMap<u64, RecordedErasure>,
    /// The numbers of the records that name a message.
    pub(super) named: HashMap<MessageId, Vec<u64>>,
    pub(super) mailboxes: HashMap<MailboxId, u64>,
    pub(super) firm: Option<u64>,
    /// The last event of each message.
    pub(super) events: HashMap<MessageId, ErasedEvent>,
    /// The last event of each message that was lost with a table that was restored.
    pub(super) lost: HashMap<MessageId, u64>,
    /// Erasures of which a record says that they shortened a retention.
    pub(super) shortening: BTreeSet<ErasureId>,
    /// Whether a record names messages that nobody knows.
    pub(super) is_unknown: bool,
    /// Messages of which something is still there, or is half gone.
    pub under_way: BTreeSet<MessageId>,
}

impl RecordedErasures {
    /// Takes an entry in. `fact`: its fact, if that is as the log has it; `is_lost`: it was lost with a table that was
    /// restored.
    pub fn note(&mut self, line: &LoggedEntry, fact: Option<&StoredFact>, is_lost: bool) {
        let number = line.number;
        if let Some((message, is_removed)) = line.erased_message() {
            match is_lost {
                true => drop(self.lost.insert(message, number)),
                false => {
                    let by = fact.and_then(|fact| fact.text("by")).map(str::to_owned);
                    self.events.insert(message, ErasedEvent { number, at: line.at, is_removed, by });
                }
            }
        }
        let Some(id) = line.void_id() else { return };
        if id.starts_with("shortened-") {
            self.shortening.extend(fact.and_then(|fact| fact.text("erasure")?.parse::<ErasureId>().ok()));
        }
        let Some(scope) = ErasedScope::recorded(id, fact) else {
            self.is_unknown |= id.starts_with("erasure-");
            return;
        };
        match &scope {
            ErasedScope::Message(message) => self.named.entry(*message).or_default().push(number),
            ErasedScope::Messages(_, messages) | ErasedScope::Expired(_, messages) => {
                for message in messages {
                    self.named.entry(*message).or_default().push(number);
                }
            }
            ErasedScope::Mailbox(mailbox) => drop(self.mailboxes.insert(*mailbox, number)),
            ErasedScope::Firm(_) => self.firm = Some(number),
            ErasedScope::Member(_) => {}
        }
        let is_noted = fact.is_some_and(|fact| fact.text("requested_by").is_some());
        self.records.insert(number, RecordedErasure { scope, at: line.at, note: fact.and_then(noted), is_noted });
    }

    /// Whether the whole firm was erased.
    pub fn is_of_firm(&self) -> bool {
        self.firm.is_some()
    }

    /// Whether a record says that what is about this message, or about none, was erased after number `after`.
    pub fn is_recorded(&self, message: Option<MessageId>, after: u64) -> bool {
        let of = |message: MessageId| {
            let named = self.named.get(&message).and_then(|numbers| numbers.last());
            named.max(self.mailboxes.get(&message.mailbox)).copied()
        };
        message.and_then(of).max(self.firm) > Some(after)
    }

    /// Whether an erasure explains that something is gone which fact `number` tells of.
    pub fn explains(&self, message: MessageId, number: u64) -> bool {
        self.is_recorded(Some(message), number) || self.lost.get(&message) > Some(&number)
    }

    /// Whether an erasure explains that an original is gone; then it is under way. `is_sure`: the fact that tells of it
    /// is as it was written.
    pub fn explains_missing(&mut self, (message, number): (MessageId, u64), is_sure: bool) -> bool {
        let does = self.explains(message, number);
        if does && is_sure {
            self.under_way.insert(message);
        }
        does
    }

    /// Whether a message is being erased: there is a record, and nothing says that it was carried out.
    pub fn is_under_way(&self, message: MessageId, number: u64) -> bool {
        self.explains(message, number) && !self.events.contains_key(&message)
    }

    /// Whether all of a mailbox was erased.
    pub fn is_emptied(&self, mailbox: MailboxId) -> bool {
        self.firm.is_some() || self.mailboxes.contains_key(&mailbox)
    }

    /// Whether anything says that the message was erased, or may say so.
    pub fn may_have(&self, message: MessageId) -> bool {
        self.is_unknown
            || self.is_emptied(message.mailbox)
            || self.named.contains_key(&message)
            || self.events.contains_key(&message)
            || self.lost.contains_key(&message)
    }

    /// In what the item of an erased message is not what is left of one. `received_at`: as the log has it.
    fn differences(&self, id: MessageId, message: &Message, received_at: Option<Timestamp>) -> Vec<&'static str> {
        let event = self.events.get(&id);
        let records = self.named.get(&id).into_iter().flatten().filter_map(|number| self.records.get(number));
        let of_kind = |record: &&RecordedErasure| {
            matches!(
                (&message.state, &record.scope),
                (MessageState::Erased { .. }, ErasedScope::Message(_))
                    | (MessageState::Removed { .. }, ErasedScope::Messages(..))
                    | (MessageState::Expired { .. }, ErasedScope::Expired(..))
            )
        };
        let records: Vec<&RecordedErasure> = records.filter(of_kind).collect();
        let (at, by, note) = match &message.state {
            MessageState::Erased { at, note } => (Some(at), None, Some(note)),
            MessageState::Removed { at, by, note } => (Some(at), Some(by), Some(note)),
            _ => (None, None, None),
        };
        let as_recorded = |record: &&RecordedErasure, note: &Option<ErasureNote>| match (&record.note, note) {
            (Some(recorded), Some(note)) => recorded == note,
            (Some(_), None) => !record.is_noted,
            (None, _) => true,
        };
        let is_timely = |at: &Timestamp, told: Timestamp| told.duration_since(*at).abs() <= TIME_SLACK;
        let has_event = |event: &ErasedEvent| event.is_removed == matches!(message.state, MessageState::Removed { .. });
        let is_by = |by: &String| event.is_none_or(|event| event.by.is_none() || event.by.as_ref() == Some(by));
        let all = [
            ("state", event.is_none_or(has_event) && (self.is_unknown || !records.is_empty())),
            ("at", at.zip(event.and_then(|event| event.at)).is_none_or(|(at, told)| is_timely(at, told))),
            ("by", by.is_none_or(is_by)),
            (
                "note",
                records.is_empty() || note.is_none_or(|note| records.iter().any(|record| as_recorded(record, note))),
            ),
            ("received_at", received_at.is_none_or(|at| at == message.received_at)),
            ("id", message.id == id),
            ("immutable_id", MessageId::of(id.mailbox, &message.immutable_id) == id),
            ("what was erased", blanked(message.clone(), message.state.clone()) == *message),
        ];
        all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
    }

    /// What is wrong with the item of a message that was erased, if it has an event or its facts are gone.
    pub fn judge(
        &mut self,
        id: MessageId,
        message: Option<&Message>,
        received_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<(FindingKind, String)> {
        let event = self.events.get(&id).map(|event| event.number);
        let number = event.or_else(|| self.named.get(&id)?.last().copied())?;
        let Some(message) = message else {
            let detail = format!("fact {number} tells of its erasure: without it, the mail may be archived again");
            return (!self.is_emptied(id.mailbox)).then_some((FindingKind::Missing, detail));
        };
        if message.state.is_left_over() {
            let differences = self.differences(id, message, received_at);
            let detail = format!("other than in the record of its erasure (fact {number}): {}", differences.join(", "));
            return (!differences.is_empty()).then_some((FindingKind::Altered, detail));
        }
        let own = message.state.number();
        // A round that is at it may have taken a new number since the record.
        let record = self.records.get(&number).and_then(|record| record.at);
        let is_recent = record.is_some_and(|at| now.duration_since(at) <= ERASURE_PATIENCE);
        match own {
            Some(own) if event.is_none() && (own < number || is_recent) => {
                self.under_way.insert(id);
                None
            }
            Some(own) if own > number && message.original().is_some() => {
                let detail = format!("fact {own} archived it again after it was erased (fact {number})");
                Some((FindingKind::Extra, detail))
            }
            _ => {
                let detail = format!("fact {number} says that it was erased, and it is {}", message.state.name());
                Some((FindingKind::Altered, detail))
            }
        }
    }
}

/// Who and why, as a record has it.
fn noted(record: &StoredFact) -> Option<ErasureNote> {
    let text = |name: &str| record.text(name).map(str::to_owned);
    Some(ErasureNote {
        erasure: record.text("erasure").and_then(|id| id.parse().ok()),
        asked_by: text("by")?,
        by: text("requested_by").unwrap_or_default(),
        confirmed_by: text("confirmed_by"),
        reason: text("reason")?,
    })
}

/// A finding that an erasure may explain.
pub(super) struct DoubtfulFinding {
    /// The message.
    pub message: MessageId,
    /// The number of the fact that tells of it.
    pub number: u64,
    /// Whether that fact is as it was written.
    pub is_sure: bool,
    /// What was found.
    pub finding: EvidenceFinding,
}

impl RecordedErasures {
    /// Whether an erasure that is said to be done has no record, and should have one.
    pub fn is_unrecorded(&self, order: &ErasureOrder) -> bool {
        let has_erased =
            matches!(&order.progress, ErasureState::Erased { count, .. } if *count != ErasedCount::default());
        has_erased && !self.is_unknown && self.lost.is_empty() && !self.shortening.contains(&order.id)
    }
}

/// In what an erasure of the list is not the one that its record tells of.
pub(super) fn order_differences(firm: FirmId, order: &ErasureOrder, record: &RecordedErasure) -> Vec<&'static str> {
    let Some(note) = &record.note else { return Vec::new() };
    let is_target = match (&order.target, &record.scope) {
        (ErasureTarget::Message { message }, ErasedScope::Message(own)) => message == own,
        (ErasureTarget::Mailbox { mailbox }, ErasedScope::Mailbox(own)) => mailbox == own,
        (ErasureTarget::Member { member }, ErasedScope::Member(own)) => member == own,
        (ErasureTarget::Firm, ErasedScope::Firm(own)) => *own == firm,
        (ErasureTarget::Messages { messages }, ErasedScope::Messages(_, own)) => messages == own,
        (ErasureTarget::Sender { .. } | ErasureTarget::Rules { .. }, ErasedScope::Messages(_, own)) => {
            order.messages == *own
        }
        (ErasureTarget::Member { .. }, ErasedScope::Mailbox(_))
        | (ErasureTarget::Retention, ErasedScope::Expired(..)) => true,
        _ => false,
    };
    // Orders of older versions do not have who confirmed them.
    let confirmed = order.confirmed.as_ref().map(|confirmed| &confirmed.by);
    let all = [
        ("target", is_target),
        ("asked_by", order.asked_by == note.asked_by),
        ("reason", order.reason == note.reason),
        ("by", !record.is_noted || order.by == note.by),
        ("confirmed", confirmed.is_none() || !record.is_noted || confirmed == note.confirmed_by.as_ref()),
        ("id", note.erasure == Some(order.id) && order.firm == firm),
    ];
    all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}
