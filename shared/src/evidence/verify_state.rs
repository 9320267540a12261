//! What is known of a firm while it is verified, and what was found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::table::{Key, Row},
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    evidence::{
        log_entry::{ARCHIVED, LoggedEntry},
        recorded_erasures::{DoubtfulFinding, ErasedFact, RecordedErasures},
        recorded_filings::RecordedFilings,
        report::{EvidenceFinding, FindingKind},
    },
    firm::{fact::StoredFact, retention::KeptUntil},
    mail::{
        archive::{OriginalKey, StoredObject},
        keeping_history::{KeepingChange, KeepingHistory},
        message::Message,
    },
};

/// How far the clock of S3 may differ from that of a function which moved an original.
pub(super) const MOVE_SLACK: SignedDuration = SignedDuration::from_mins(1);

/// An original that a fact tells of.
#[derive(Debug, Clone)]
pub(super) struct ArchivedFact {
    pub(super) number: u64,
    /// The message.
    pub message: MessageId,
    pub(super) stored: StoredObject,
    /// Until when it is kept, if nothing changed that since.
    pub(super) until: KeptUntil,
    pub(super) received_at: Timestamp,
    /// When it was stored, as its entry says.
    pub(super) at: Timestamp,
    /// The fact itself, if it is as the log has it.
    pub(super) fact: Option<StoredFact>,
    /// The fact was lost with a table that was restored; the message may have another number since.
    pub(super) is_lost: bool,
}

impl ArchivedFact {
    /// What an entry tells of; none if it tells of no original. `fact`: the fact, if it is as the log has it.
    pub fn of(line: &LoggedEntry, fact: Option<&StoredFact>) -> Option<Self> {
        let (stored, until) = (StoredObject { sha256: line.sha256?, bytes: line.bytes? }, line.until());
        let (message, received_at) = (line.message?, line.received_at?);
        (line.r#type == ARCHIVED).then(|| Self {
            number: line.number,
            message,
            stored,
            until,
            received_at,
            at: line.archived_at.or(line.at).unwrap_or(received_at),
            fact: fact.cloned(),
            is_lost: false,
        })
    }

    /// The fields of the index that say otherwise.
    pub fn differences(&self, message: &Message) -> Vec<&'static str> {
        let Some(original) = message.original() else { return vec!["state"] };
        let text = |name| self.fact.as_ref().map(|fact| fact.text(name));
        // What facts of 0.1.0 do not have.
        let since_0_2 = self.fact.as_ref().filter(|fact| fact.text("immutable_id").is_some());
        let archived_at = since_0_2.and_then(|fact| fact.text("archived_at")?.parse::<Timestamp>().ok());
        let message_id = since_0_2.map(|fact| fact.text("internet_message_id"));
        let has_attachments = since_0_2.and_then(|fact| fact.flag("has_attachments"));
        let conversation = message.conversation.map(|conversation| conversation.to_string());
        let is_in = |fact: &StoredFact| fact.text("conversation") == conversation.as_deref();
        let all = [
            ("sha256", original.sha256 == self.stored.sha256),
            ("bytes", original.bytes == self.stored.bytes),
            ("number", self.is_lost || original.number == self.number),
            ("received_at", message.received_at == self.received_at),
            ("id", message.id == self.message),
            ("immutable_id", MessageId::of(self.message.mailbox, &message.immutable_id) == self.message),
            ("subject", text("subject").is_none_or(|subject| subject == Some(message.subject.as_str()))),
            ("from", text("from").is_none_or(|from| from == message.from.as_deref())),
            ("archived_at", archived_at.is_none_or(|at| at == original.archived_at)),
            ("internet_message_id", message_id.is_none_or(|id| id == message.internet_message_id.as_deref())),
            ("has_attachments", has_attachments.is_none_or(|has| has == message.has_attachments)),
            ("conversation", since_0_2.is_none_or(is_in)),
        ];
        all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
    }
}

/// An object whose content is not what the log says.
pub(super) struct OriginalMismatch {
    pub(super) key: String,
    pub(super) look: ExpectedOriginal,
    pub(super) there: Option<StoredObject>,
}

/// An original that is looked at.
#[derive(Clone, Copy)]
pub(super) struct ExpectedOriginal {
    /// Its message.
    pub message: MessageId,
    /// The number of the fact that tells of it.
    pub number: u64,
    /// Whether that fact is as it was written, as far as anybody knows.
    pub is_sure: bool,
    /// What is to lie there.
    pub expected: StoredObject,
    /// Until when it is kept.
    pub until: KeptUntil,
    /// When it was stored.
    pub at: Timestamp,
    /// Whether its message is, or ever was, filed.
    pub is_filed: bool,
}

/// What is state while a firm is verified.
#[derive(Default)]
pub(super) struct VerifyState {
    /// The message whose original each entry tells of ([`short`]), by number from 1 on: [`OTHER`] where it tells of
    /// something else, 0 where nobody knows, because it is void or was erased.
    pub(super) claims: Vec<u64>,
    /// Where messages are filed.
    pub(super) filings: RecordedFilings,
    pub(super) mailboxes: BTreeSet<MailboxId>,
    /// Those of them whose messages facts tell of that the table did not lose, each with the number of one.
    pub(super) mailboxes_told: BTreeMap<MailboxId, u64>,
    /// Mailboxes that were deleted.
    pub(super) mailboxes_deleted: BTreeSet<MailboxId>,
    /// Items that do not fit their seals.
    pub(super) altered: Vec<Key>,
    /// Messages of which a finding tells already.
    pub(super) told: BTreeSet<MessageId>,
    pub(super) mismatches: Vec<OriginalMismatch>,
    /// Originals that were written again or deleted since.
    pub(super) rewritten: Vec<String>,
    /// Numbers of facts that were lost with a table that was restored, as the table has it.
    pub(super) lost: Vec<u64>,
    /// Those numbers, as the log has it: after the first of each pair, up to the second.
    pub(super) restored: Vec<(u64, u64)>,
    /// Facts that were erased, as the table has it.
    pub(super) erased: Vec<ErasedFact>,
    /// What was erased, as the log has it.
    pub(super) erasures: RecordedErasures,
    /// Findings that an erasure may explain.
    pub(super) doubts: Vec<DoubtfulFinding>,
    /// When erasures had mail kept less long; without an end, one is at it.
    pub(super) shortenings: Vec<(Timestamp, Option<Timestamp>)>,
    /// Numbers of lost facts that told of how long mail is to be kept.
    pub(super) keeping_lost: Vec<u64>,
    /// Numbers of facts that are not those of the log, where the index does not tell which was changed.
    pub(super) undecided: Vec<u64>,
    /// Until when originals are kept since their entries, as the last entry about it says.
    pub(super) changed: HashMap<MessageId, KeptUntil>,
    /// When that was recorded.
    pub(super) moved_at: HashMap<MessageId, Timestamp>,
    /// Where originals have lain that were moved, as far as entries say so.
    pub(super) places: HashMap<MessageId, BTreeSet<KeptUntil>>,
    /// Originals that the message and its log entry say are kept until different years, and the year of the message.
    pub(super) elsewhere: Vec<(ExpectedOriginal, Option<KeptUntil>)>,
    /// What the facts say of how long mail is to be kept.
    pub(super) keeping: KeepingHistory,
    /// Whether one of those facts may be missing, or is not as it was written.
    pub(super) is_keeping_unknown: bool,
    /// The number of the fact up to which a keeper had nothing left to do when the verification began.
    pub(super) kept_to: Option<u64>,
    /// Since when there are facts after that.
    pub(super) unkept_since: Option<Timestamp>,
    /// The last number of a fact that was compared.
    pub(super) reached: u64,
    /// Originals that have expired and are gone.
    pub(super) expired: Vec<(MessageId, KeptUntil)>,
    /// Originals whose messages were filed, or that S3 holds, each with whether S3 does. Only with Object Lock.
    pub(super) holds: Vec<(OriginalKey, bool)>,
    pub(super) originals: u64,
    pub(super) originals_erased: u64,
    pub(super) originals_expired: u64,
    pub(super) copies_left: u64,
    pub(super) bytes_read: u64,
    pub(super) findings: Vec<EvidenceFinding>,
}

impl VerifyState {
    pub(super) fn note_finding(&mut self, kind: FindingKind, what: impl ToString, detail: impl ToString) {
        self.findings.push(EvidenceFinding { kind, what: what.to_string(), detail: detail.to_string() });
    }

    /// Notes what is not as fact `number` says of a message, unless it turns out that an erasure is at it.
    pub(super) fn doubt(
        &mut self,
        (message, number): (MessageId, u64),
        kind: FindingKind,
        what: impl ToString,
        detail: impl ToString,
    ) {
        let finding = EvidenceFinding { kind, what: what.to_string(), detail: detail.to_string() };
        self.doubts.push(DoubtfulFinding { message, number, is_sure: true, finding });
    }

    /// Takes in that there is fact `number`: a keeper may not have looked at it yet.
    pub(super) fn note_unkept(&mut self, number: u64, fact: Option<&StoredFact>) {
        let at = fact.and_then(|fact| fact.text("at")?.parse().ok());
        if let Some(at) = at.filter(|_| Some(number) > self.kept_to) {
            self.unkept_since = Some(self.unkept_since.map_or(at, |since| since.min(at)));
        }
    }

    /// Takes in what a fact says of how long mail is to be kept. `is_same`: it is as it was written; `entry`: what the
    /// log has, if it can be read.
    pub(super) fn note_keeping(&mut self, fact: Option<&StoredFact>, is_same: bool, entry: Option<&LoggedEntry>) {
        match fact {
            Some(fact) if is_same => {
                self.keeping.note(fact);
            }
            _ => {
                let was = entry.is_none_or(|line| line.void_id().is_some_and(KeepingChange::is_id));
                self.is_keeping_unknown |= was || fact.is_some_and(|fact| KeepingChange::recorded(fact).is_some());
            }
        }
    }

    /// Takes in what an entry says of other facts. `stored`: its fact as the table has it; `same`: if that is as the
    /// log has it.
    pub(super) fn note_entry(
        &mut self,
        (line, claim): (&LoggedEntry, Option<&ArchivedFact>),
        stored: Option<&StoredFact>,
        same: Option<&StoredFact>,
        (is_lost, is_erased): (bool, bool),
        firm: FirmId,
    ) {
        self.restored.extend(line.lost_range());
        self.mailboxes_deleted.extend(line.deleted_mailbox());
        self.erasures.note(line, same, is_lost);
        if is_lost && line.void_id().is_some_and(KeepingChange::is_id) {
            self.keeping_lost.push(line.number);
        }
        if !is_erased {
            return self.note_change(line, is_lost);
        }
        self.originals_erased += u64::from(claim.is_some());
        let LoggedEntry { number, message, received_at, .. } = *line;
        self.erased.push(ErasedFact { number, message, received_at });
        let at = stored.and_then(|fact| fact.text("at")?.parse().ok());
        if line.at.is_some() && at != line.at {
            self.note_finding(FindingKind::Altered, Key::fact(firm, number), "it has another time than its entry");
        }
    }

    /// Notes where an original lies from now on.
    pub(super) fn note_change(&mut self, line: &LoggedEntry, is_lost: bool) {
        let Some((message, until)) = line.change() else { return };
        self.moved_at.extend(line.at.map(|at| (message, at)));
        self.places.entry(message).or_default().insert(until);
        // A table that was restored has originals where they were before a change that it lost.
        if !is_lost {
            self.changed.insert(message, until);
        }
    }

    /// Whether the entry with this number tells of the original of that message.
    pub(super) fn is_claimed(&self, number: u64, message: MessageId) -> bool {
        self.claimant(number) == Some(short(message))
    }

    /// What the message of the entry with this number is known by here.
    pub(super) fn claimant(&self, number: u64) -> Option<u64> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.claims.get(place).copied().filter(|claim| *claim != 0)
    }

    /// Whether a message may have had this number when it was filed: its own one, or one that a reader gave up.
    pub(super) fn may_have_number(&self, id: MessageId, number: u64, message: Option<&Message>) -> bool {
        let is_own = message.and_then(Message::original).is_some_and(|original| original.number == number);
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let is_void = || place.and_then(|place| self.claims.get(place)) == Some(&0);
        is_own || self.is_claimed(number, id) || is_void()
    }

    /// Takes in what was found of messages, but for what an erasure explains that has not ended.
    pub(super) fn settle_doubts(&mut self, firm: FirmId) {
        for DoubtfulFinding { message, number, is_sure, finding } in std::mem::take(&mut self.doubts) {
            if !self.erasures.explains(message, number) {
                self.findings.push(finding);
            } else if !is_sure {
                // The fact is a finding of its own.
            } else if let Some(event) = self.erasures.events.get(&message).map(|event| event.number)
                && event > number
            {
                let detail = format!("it tells of a mail that was erased (fact {event})");
                self.note_finding(FindingKind::Extra, Key::fact(firm, number), detail);
            } else {
                self.erasures.under_way.insert(message);
            }
        }
    }

    /// The fact with that number, if it was erased.
    pub(super) fn erased_fact(&self, number: u64) -> Option<&ErasedFact> {
        // They were met in the order of their numbers.
        let place = self.erased.binary_search_by_key(&number, |fact| fact.number).ok()?;
        self.erased.get(place)
    }

    /// A message of the index, unless a finding tells of it.
    pub(super) fn read_indexed(
        &mut self,
        mailbox: MailboxId,
        row: Row<serde_json::Value>,
    ) -> Option<(MessageId, Message)> {
        let id = row.key.message_of(mailbox);
        let (Some(id), Ok(message)) = (id, serde_json::from_value::<Message>(row.value)) else {
            if id.is_none_or(|id| self.told.insert(id)) {
                self.note_finding(FindingKind::Altered, row.key, "it can't be understood");
            }
            return None;
        };
        (!self.told.contains(&id)).then_some((id, message))
    }

    /// Whether an erasure is at having mail kept less long.
    pub(super) fn is_shortening(&self) -> bool {
        self.shortenings.iter().any(|(_, end)| end.is_none())
    }

    /// Whether an object of a message was written after its original was moved for the last time.
    pub(super) fn is_put_back(&self, message: MessageId, written_at: Option<Timestamp>) -> bool {
        let moved_at = self.moved_at.get(&message);
        written_at.zip(moved_at).is_some_and(|(written, moved)| written.duration_since(*moved) > MOVE_SLACK)
    }

    /// Names the items that do not fit their seals, but for those of which something better is known.
    pub(super) fn name_altered(&mut self) {
        let altered = std::mem::take(&mut self.altered).into_iter().map(|key| key.to_string());
        let told: BTreeSet<&String> = self.findings.iter().map(|finding| &finding.what).collect();
        let untold: Vec<String> = altered.filter(|key| !told.contains(key)).collect();
        for key in untold {
            self.note_finding(
                FindingKind::Altered,
                key,
                "something else than greffe changed it: it does not fit its seal",
            );
        }
    }

    /// Says what has become of the originals that are not what they were.
    pub(super) fn explain_missing(&mut self, firm: FirmId) {
        // Where the log is another, it is so of every fact.
        if !self.findings.iter().any(|finding| finding.kind == FindingKind::Forked) {
            for number in std::mem::take(&mut self.undecided) {
                self.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
            }
        }
        // The log itself has to say that they were lost.
        let is_known = |number: &u64| self.restored.iter().any(|(last, size)| (last + 1..=*size).contains(number));
        let (known, unknown): (Vec<u64>, Vec<u64>) = self.lost.iter().copied().partition(is_known);
        self.lost = known;
        for number in unknown {
            self.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
        }
        // So it has to say of what was erased, and later than that.
        let unrecorded = self.erased.iter().filter(|fact| !self.erasures.is_recorded(fact.message, fact.number));
        for number in unrecorded.map(|fact| fact.number).collect::<Vec<_>>() {
            self.note_finding(FindingKind::Altered, Key::fact(firm, number), "the log does not say that it was erased");
        }
        let mismatches = std::mem::take(&mut self.mismatches);
        let expected: HashMap<Digest, &OriginalMismatch> =
            mismatches.iter().map(|m| (m.look.expected.sha256, m)).collect();
        for mismatch in &mismatches {
            let look = mismatch.look;
            if mismatch.there.is_none() && self.erasures.explains_missing((look.message, look.number), look.is_sure) {
                continue;
            }
            let other = mismatch.there.and_then(|there| expected.get(&there.sha256));
            let (kind, detail) = match (mismatch.there, other) {
                (None, _) => (FindingKind::Missing, "the log has its digest".to_owned()),
                (Some(_), Some(other)) => (FindingKind::Swapped, format!("it is {}", other.key)),
                (Some(there), _) if there.bytes < mismatch.look.expected.bytes => {
                    (FindingKind::Truncated, format!("{} of {} bytes", there.bytes, mismatch.look.expected.bytes))
                }
                (Some(there), _) => (
                    FindingKind::Altered,
                    format!("SHA-256 {} and not {}", there.sha256, mismatch.look.expected.sha256),
                ),
            };
            self.note_finding(kind, &mismatch.key, detail);
        }
        // An altered object has been written again too: one finding is enough.
        let told: BTreeSet<&String> = mismatches.iter().map(|mismatch| &mismatch.key).collect();
        let again = std::mem::take(&mut self.rewritten).into_iter().filter(|key| !told.contains(key));
        self.findings.extend(again.map(|key| EvidenceFinding::written_again(&key)));
    }
}

/// What an entry tells of that tells of no original. No message is known by it: [`short`] is odd.
const OTHER: u64 = 2;

/// What an entry tells of, if anybody knows.
pub(super) fn claimed(claim: Option<&ArchivedFact>, line: Option<&LoggedEntry>) -> u64 {
    match (claim, line) {
        (Some(claim), _) => short(claim.message),
        (None, Some(line)) if line.void_id().is_none() => OTHER,
        _ => 0,
    }
}

/// Enough of a message's id to tell entries apart, never 0 or [`OTHER`].
fn short(message: MessageId) -> u64 {
    let digest = Digest::of(message.to_string().as_bytes()).bytes();
    digest.first_chunk::<8>().map_or(1, |bytes| u64::from_be_bytes(*bytes) | 1)
}
