//! Verification: compares the log with itself, the facts, the messages in the table and the originals, in both
//! directions.
//!
//! First from the log: each entry must match its fact, and its original must match the index and the bucket. Then from
//! the other side: each object and each message of the index must have an entry. Facts that are not in the log yet are
//! compared with the index only. Nothing is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::{Key, Row, Table, TableError},
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    evidence::{
        bucket::{KeyVersions, LogError, LogStore, ObjectHead, key, year_of},
        checkpoint::{LogKeys, WeakKeyError},
        entry::{ARCHIVED, RETENTION_CHANGED, entry},
        eraser::ErasedScope,
        inspect::{InspectError, Inspection, Logged},
        report::{EvidenceFinding, FindingKind, FirmReport, Report},
        stamp::StampRoots,
        tlog::{LogTile, TILE_WIDTH, TileKind, leaf},
    },
    firm::{fact::StoredFact, log_due::LogDue, retention::KeptUntil},
    mail::{
        archive::{OriginalKey, StoredObject, UNTIL, root},
        keeping_history::{KeepingChange, KeepingHistory},
        message::{Message, MessageState},
        retention_keeper::KeepingRules,
    },
};

/// Originals that are looked at side by side.
pub(super) const AT_ONCE: usize = 16;
/// How far a retention may fall short: an hour, because S3 counts from its own clock.
const LOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);
/// What the entry of a void fact has, and hardly another.
const VOID: &[u8] = b"\"type\":\"void\"";
/// What the entry of an original has that is kept longer or less long.
const CHANGE: &[u8] = b"\"retention_changed\"";
/// The ids of records of erasures begin so.
const ERASURE: &str = "erasure-";
/// Of an object that lies there two days after its end.
const NOT_REMOVED: &str = "it has expired, and S3 did not remove it";
/// How long after its end S3 may take to remove an original. Source:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>
const EXPIRY_SLACK: SignedDuration = SignedDuration::from_hours(48);
/// Facts and items that are read at a time.
pub(super) const PAGE: usize = 1_000;

/// A verification that could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log can't be read.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The bucket can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The table can't be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There is no key.
    #[error(transparent)]
    Key(#[from] WeakKeyError),
}

/// How far a verification is.
#[derive(Debug, Clone, Copy)]
pub struct VerifyProgress {
    /// Entries that were verified.
    pub done: u64,
    /// Entries of the firm's log.
    pub of: u64,
    /// Bytes of originals that were read.
    pub bytes: u64,
}

/// A part of an archive: every so many-th bundle of the log, with the originals and the index that it tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveShare {
    /// Which one, from 0 on.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl ArchiveShare {
    fn has(&self, bundle: u64) -> bool {
        bundle % self.of == self.part % self.of
    }
}

/// What a verification works with.
pub struct Verifier<'a> {
    /// The index.
    pub table: &'a Table,
    /// The bucket.
    pub store: &'a LogStore,
    /// The secret that the keys of the logs come from.
    pub key: &'a SecretString,
    /// Whether every byte of the originals is read, or only the checksum that S3 keeps of each.
    pub reads: bool,
    /// The share that is verified, beside the log in itself; none for everything. What is there and should not be is
    /// found only in everything.
    pub share: Option<ArchiveShare>,
    /// Where the certificates of stamps have to lead, if any are named.
    pub roots: &'a StampRoots,
    /// For how many days Object Lock has to keep an original, if the operator chose that.
    pub lock_days: Option<u64>,
    /// The time: what Object Lock kept until then, it need not keep any more.
    pub now: Timestamp,
    /// Gets the progress.
    pub tell: &'a (dyn Fn(VerifyProgress) + Sync),
}

/// What an entry says.
#[derive(Debug, Deserialize)]
struct LoggedEntry {
    number: u64,
    id: String,
    r#type: String,
    message: Option<MessageId>,
    key: Option<String>,
    sha256: Option<Digest>,
    bytes: Option<u64>,
    received_at: Option<Timestamp>,
    archived_at: Option<Timestamp>,
    at: Option<Timestamp>,
}

impl LoggedEntry {
    /// Until when the original is kept that the entry tells of.
    fn until(&self) -> KeptUntil {
        self.key.as_deref().and_then(OriginalKey::parse).map_or(KeptUntil::Ever, |key| key.until)
    }
}

/// An original that a fact tells of.
#[derive(Debug, Clone)]
struct Claim {
    number: u64,
    message: MessageId,
    stored: StoredObject,
    /// Until when it is kept, if nothing changed that since.
    until: KeptUntil,
    received_at: Timestamp,
    /// When it was stored, as its entry says.
    at: Timestamp,
    /// The fact itself, if it is as the log has it.
    fact: Option<StoredFact>,
    /// The fact was lost with a table that was restored; the message may have another number since.
    is_lost: bool,
}

impl Claim {
    fn of(line: &[u8], fact: Option<&StoredFact>) -> Option<Self> {
        let line: LoggedEntry = serde_json::from_slice(line).ok()?;
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
    fn differences(&self, message: &Message) -> Vec<&'static str> {
        let Some(original) = message.original() else { return vec!["state"] };
        let text = |name| self.fact.as_ref().map(|fact| fact.text(name));
        // What facts of 0.1.0 do not have.
        let since_0_2 = self.fact.as_ref().filter(|fact| fact.text("immutable_id").is_some());
        let archived_at = since_0_2.and_then(|fact| fact.text("archived_at")?.parse::<Timestamp>().ok());
        let message_id = since_0_2.map(|fact| fact.text("internet_message_id"));
        let has_attachments = since_0_2.and_then(|fact| fact.flag("has_attachments"));
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
        ];
        all.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
    }
}

/// An object whose content is not what the log says.
struct Mismatch {
    key: String,
    expected: StoredObject,
    there: Option<StoredObject>,
}

/// An original that is looked at.
#[derive(Clone, Copy)]
struct Look {
    message: MessageId,
    expected: StoredObject,
    /// Until when it is kept.
    until: KeptUntil,
    /// When it was stored.
    at: Timestamp,
    /// Whether its message is, or ever was, filed.
    is_filed: bool,
}

/// What an original lies under at S3.
struct LookedAt {
    key: String,
    look: Look,
    /// What lies there; none if nothing does.
    there: Option<StoredObject>,
    /// Whether Object Lock keeps it as long as it should.
    is_kept: bool,
    /// Whether it is under a legal hold of S3.
    is_held: bool,
}

/// What is gathered while a firm is verified.
#[derive(Default)]
pub(super) struct Gathered {
    /// The message whose original each entry tells of ([`short`]), by number from 1 on: [`OTHER`] where it tells of
    /// something else, 0 where nobody knows, because it is void or was erased.
    claims: Vec<u64>,
    /// The last dossier of each message that was ever filed.
    dossiers: HashMap<MessageId, Option<String>>,
    mailboxes: BTreeSet<MailboxId>,
    /// Messages of which a finding tells already.
    pub(super) told: BTreeSet<MessageId>,
    mismatches: Vec<Mismatch>,
    /// Originals that were written again or deleted since.
    rewritten: Vec<String>,
    /// Numbers of facts that were lost with a table that was restored, as the table has it.
    lost: Vec<u64>,
    /// Those numbers, as the log has it: after the first of each pair, up to the second.
    restored: Vec<(u64, u64)>,
    /// Numbers of facts that were erased, as the table has it, with their messages, as the log has it.
    erased: Vec<(u64, Option<MessageId>)>,
    /// What was erased, as the log has it, by the number of its record.
    pub(super) erasures: Vec<(u64, ErasedScope)>,
    /// Numbers of facts that are not those of the log, where the index does not tell which was changed.
    undecided: Vec<u64>,
    /// Until when originals are kept since their entries, as the last entry about it says.
    changed: HashMap<MessageId, KeptUntil>,
    /// Where originals have lain that were moved, as far as entries say so.
    places: HashMap<MessageId, BTreeSet<KeptUntil>>,
    /// Originals that the message and its log entry say are kept until different years, and the year of the message.
    elsewhere: Vec<(Look, Option<KeptUntil>)>,
    /// What the facts say of how long mail is to be kept.
    pub(super) keeping: KeepingHistory,
    /// Whether one of those facts may be missing, or is not as it was written.
    pub(super) is_keeping_unknown: bool,
    /// The last number of a fact that was compared.
    pub(super) reached: u64,
    /// Originals that have expired and are gone.
    pub(super) expired: Vec<(MessageId, KeptUntil)>,
    /// Originals whose messages were filed, or that S3 holds, each with whether S3 does. Only with Object Lock.
    pub(super) holds: Vec<(OriginalKey, bool)>,
    originals: u64,
    originals_erased: u64,
    pub(super) originals_expired: u64,
    copies_left: u64,
    bytes_read: u64,
    findings: Vec<EvidenceFinding>,
}

impl Gathered {
    pub(super) fn note_finding(&mut self, kind: FindingKind, what: impl ToString, detail: impl ToString) {
        self.findings.push(EvidenceFinding { kind, what: what.to_string(), detail: detail.to_string() });
    }

    /// Takes in what a fact says of how long mail is to be kept. `is_same`: it is as it was written; `entry`: what the
    /// log has, if it can be read.
    fn note_keeping(&mut self, fact: Option<&StoredFact>, is_same: bool, entry: Option<&[u8]>) {
        match fact {
            Some(fact) if is_same => {
                self.keeping.note(fact);
            }
            _ => {
                let was = entry.is_none_or(|line| void_id(line).is_some_and(|id| KeepingChange::is_id(&id)));
                self.is_keeping_unknown |= was || fact.is_some_and(|fact| KeepingChange::recorded(fact).is_some());
            }
        }
    }

    /// Notes where an original lies from now on.
    fn note_change(&mut self, line: &[u8], is_lost: bool) {
        let Some((message, until)) = change(line) else { return };
        self.places.entry(message).or_default().insert(until);
        // A table that was restored has originals where they were before a change that it lost.
        if !is_lost {
            self.changed.insert(message, until);
        }
    }

    fn file(&mut self, fact: &StoredFact) {
        let message = fact.text("message").and_then(|id| id.parse().ok());
        let dossier = match fact.text("type") {
            Some("message_filed") => fact.text("dossier").map(str::to_owned),
            Some("message_unfiled") => None,
            _ => return,
        };
        if let Some(message) = message {
            self.dossiers.insert(message, dossier);
        }
    }

    /// Compares a message of the index with the facts. Returns its original if no fact has it yet.
    fn message(&mut self, mailbox: MailboxId, row: Row<serde_json::Value>) -> Option<Look> {
        let id = row.key.message_of(mailbox);
        let (Some(id), Ok(message)) = (id, serde_json::from_value::<Message>(row.value)) else {
            if id.is_none_or(|id| self.told.insert(id)) {
                self.note_finding(FindingKind::Altered, row.key, "it can't be understood");
            }
            return None;
        };
        if self.told.contains(&id) {
            return None;
        }
        let unclaimed = message.original().filter(|original| !self.is_claimed(original.number, id));
        match unclaimed {
            // Where no fact has its number, the round that is to tell of it is under way, or died.
            Some(original) if self.claimant(original.number).is_some() => {
                self.note_finding(
                    FindingKind::Extra,
                    &row.key,
                    format!("fact {} does not tell of it", original.number),
                );
                return None;
            }
            _ if message.dossier() != self.dossiers.get(&id).and_then(Option::as_deref) => {
                self.note_finding(FindingKind::Altered, &row.key, "the facts say another dossier");
            }
            _ => {}
        }
        unclaimed.map(|original| Look {
            message: id,
            expected: StoredObject { sha256: original.sha256, bytes: original.bytes },
            until: original.until,
            at: original.archived_at,
            is_filed: message.filing.is_some(),
        })
    }

    fn is_claimed(&self, number: u64, message: MessageId) -> bool {
        self.claimant(number) == Some(short(message))
    }

    /// What the message of the entry with this number is known by here.
    fn claimant(&self, number: u64) -> Option<u64> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.claims.get(place).copied().filter(|claim| *claim != 0)
    }
}

/// What an entry tells of that tells of no original. No message is known by it: [`short`] is odd.
const OTHER: u64 = 2;

/// What an entry tells of, if anybody knows.
fn claimed(claim: Option<&Claim>, line: Option<&[u8]>) -> u64 {
    match (claim, line) {
        (Some(claim), _) => short(claim.message),
        (None, Some(line)) if void_id(line).is_none() => OTHER,
        _ => 0,
    }
}

/// Enough of a message's id to tell entries apart, never 0 or [`OTHER`].
fn short(message: MessageId) -> u64 {
    let digest = Digest::of(message.to_string().as_bytes()).bytes();
    digest.first_chunk::<8>().map_or(1, |bytes| u64::from_be_bytes(*bytes) | 1)
}

impl Verifier<'_> {
    /// Verifies every firm.
    ///
    /// Errors: S3 or DynamoDB refuses or does not answer; what is not as it was written is no error.
    pub async fn verify(&self) -> Result<Report, VerifyError> {
        let (mut firms, mut elsewhere) = (BTreeSet::new(), Vec::new());
        let top = self.store.folders("").await?;
        let mut below = self.store.folders("firms/").await?;
        below.extend(top.into_iter().filter(|name| name != "firms/" && name != UNTIL));
        for folder in self.store.folders(UNTIL).await? {
            let of_year = self.store.folders(&folder).await?;
            let firms = format!("{folder}firms/");
            match year_of(&folder) {
                Some(_) => {
                    below.extend(self.store.folders(&firms).await?);
                    below.extend(of_year.into_iter().filter(|name| *name != firms));
                }
                None => below.push(folder),
            }
        }
        for name in below {
            match firm_of(&name) {
                Some(firm) => {
                    firms.insert(firm);
                }
                None => elsewhere.push(EvidenceFinding {
                    kind: FindingKind::Extra,
                    what: name,
                    detail: "it is of no firm".to_owned(),
                }),
            }
        }
        firms.extend(self.table.due_logs(Timestamp::MAX).await?);
        let locked_days = self.store.retention_days().await?;
        if self.lock_days > locked_days {
            elsewhere.push(EvidenceFinding {
                kind: FindingKind::Unlocked,
                what: self.store.bucket().to_owned(),
                detail: format!(
                    "Object Lock should keep what is written for {} days",
                    self.lock_days.unwrap_or_default()
                ),
            });
        }
        elsewhere.extend(self.store.find_other_rules().await?);
        let mut reports = Vec::new();
        for firm in firms {
            reports.push(self.verify_firm(firm).await?);
        }
        Ok(Report::of(reports, elsewhere))
    }

    /// Verifies one firm.
    ///
    /// Errors: S3 or DynamoDB refuses or does not answer; what is not as it was written is no error.
    pub async fn verify_firm(&self, firm: FirmId) -> Result<FirmReport, VerifyError> {
        let own = LogKeys::of(firm, self.key)?.verifying();
        let stamped = self.read_stamped_sizes(firm).await?;
        let mut inspection = Inspection::begin(self.store, firm, &own, &stamped, self.roots).await?;
        let stamps = inspection.stamps_that_hold();
        let (size, mut gathered, mut number) = (inspection.size(), Gathered::default(), 0);
        let reached = self.table.get::<LogDue>(&Key::log_due(firm)).await?.map_or(0, |row| row.value.size);
        if reached > size {
            let detail = format!("the index says that the log reached {reached}, and it reaches {size}");
            gathered.note_finding(FindingKind::Missing, key(firm, ""), detail);
        }
        while let Some(entries) = inspection.next().await? {
            let entries = entries.to_vec();
            match self.share.is_none_or(|share| share.has(number / TILE_WIDTH)) {
                true => self.compare_entries(firm, number, &entries, &mut gathered).await?,
                false => self.pass_over(firm, number, &entries, &mut gathered).await?,
            }
            number += entries.len() as u64;
            (self.tell)(VerifyProgress { done: number, of: size, bytes: gathered.bytes_read });
        }
        let (beyond, facts_beyond) =
            self.compare_unlogged(firm, number, inspection.size_beyond(), &mut gathered).await?;
        self.compare_elsewhere(firm, &mut gathered).await?;
        self.compare_keeping(firm, &mut gathered).await?;
        self.compare_expired(firm, &mut gathered).await?;
        let (checkpoints, found) = inspection.end(beyond).await?;
        gathered.findings.extend(found);
        if self.share.is_none() {
            self.compare_objects(firm, &mut gathered).await?;
            self.compare_index(firm, &mut gathered).await?;
        }
        self.compare_holds(firm, &mut gathered).await?;
        explain_missing(firm, &mut gathered);
        gathered.findings.sort();
        let Gathered { originals, originals_erased, originals_expired, copies_left, .. } = gathered;
        let Gathered { bytes_read, findings, lost, .. } = gathered;
        let facts_lost = lost.len() as u64;
        Ok(FirmReport {
            firm,
            log_size: size,
            facts_beyond,
            facts_lost,
            originals,
            originals_erased,
            originals_expired,
            copies_left,
            bytes_read,
            checkpoints,
            stamps,
            findings,
        })
    }

    /// The sizes of the checkpoints that were stamped, as the index has them.
    async fn read_stamped_sizes(&self, firm: FirmId) -> Result<BTreeSet<u64>, TableError> {
        let (mut sizes, mut from) = (BTreeSet::new(), 0);
        loop {
            let page: Vec<(u64, serde_json::Value)> = self.table.numbered(&Key::stamp(firm, from), true, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(sizes) };
            from = *last;
            sizes.extend(page.into_iter().map(|(size, _)| size));
        }
    }

    /// Compares the entries after number `before` with their facts, the index and the bucket.
    async fn compare_entries(
        &self,
        firm: FirmId,
        before: u64,
        entries: &[Logged],
        gathered: &mut Gathered,
    ) -> Result<(), VerifyError> {
        let facts = self.read_facts(firm, before, entries.len()).await?;
        let (mut claims, mut in_doubt) = (Vec::new(), Vec::new());
        for (logged, number) in entries.iter().zip(before + 1..) {
            let stored = facts.get(&number);
            let is_lost = stored.and_then(StoredFact::lost) == Some(logged.leaf);
            let is_erased = stored.and_then(StoredFact::erased) == Some(logged.leaf);
            let fact = stored.filter(|_| !is_lost && !is_erased);
            let made = fact.and_then(|fact| entry(firm, number, fact).ok());
            let is_same = made.as_deref().map(leaf) == Some(logged.leaf);
            let line = if is_same { made.as_deref() } else { logged.entry.as_deref() };
            let claim = line.and_then(|line| Claim::of(line, fact.filter(|_| is_same)));
            if is_erased && let Some(line) = line {
                gathered.originals_erased += u64::from(claim.is_some());
                let line = serde_json::from_slice::<LoggedEntry>(line).ok();
                gathered.erased.push((number, line.and_then(|line| line.message)));
            }
            let erasure = line.and_then(|line| erasure(line, fact.filter(|_| is_same)));
            gathered.erasures.extend(erasure.map(|scope| (number, scope)));
            let claim = claim.filter(|_| !is_erased).map(|claim| Claim { is_lost, ..claim });
            gathered.restored.extend(line.and_then(lost_range));
            if let Some(line) = line.filter(|_| !is_erased) {
                gathered.note_change(line, is_lost);
            }
            if !is_lost && !is_erased {
                gathered.note_keeping(fact, is_same, logged.entry.as_deref());
            }
            gathered.reached = number;
            gathered.claims.push(claimed(claim.as_ref(), line.filter(|_| !is_lost && !is_erased)));
            match fact {
                Some(fact) => gathered.file(fact),
                None if is_lost => gathered.lost.push(number),
                None if is_erased => {}
                None => gathered.note_finding(FindingKind::Missing, Key::fact(firm, number), "the log has its entry"),
            }
            if !is_same && !is_erased {
                // What was filed can't be told without its fact.
                let of = logged.entry.as_deref().and_then(|line| serde_json::from_slice::<LoggedEntry>(line).ok());
                gathered.told.extend(of.filter(|line| line.r#type != ARCHIVED).and_then(|line| line.message));
                if fact.is_some() {
                    in_doubt.push((number, made.and_then(|made| Claim::of(&made, None))));
                }
            }
            claims.extend(claim);
        }
        gathered.mailboxes.extend(claims.iter().map(|claim| claim.message.mailbox));
        let others = in_doubt.iter().filter_map(|(_, other)| other.as_ref());
        let asked: BTreeSet<MessageId> = claims.iter().chain(others).map(|claim: &Claim| claim.message).collect();
        let messages = self.read_messages(firm, asked.into_iter().collect(), gathered).await?;
        for (number, other) in in_doubt {
            // The index agrees with the one of both that is as it was written.
            let agrees = |claim: &Claim| messages.get(&claim.message).is_some_and(|m| claim.differences(m).is_empty());
            let logged = claims.iter().find(|claim| claim.number == number);
            if other.as_ref().is_some_and(agrees) && !logged.is_some_and(agrees) {
                let tile = LogTile::of(TileKind::Entries, before / TILE_WIDTH, before + entries.len() as u64);
                let what = tile.map(|tile| key(firm, &tile.to_string())).unwrap_or_default();
                gathered.note_finding(
                    FindingKind::Forked,
                    what,
                    format!("its entry of fact {number} is of another history"),
                );
                let both = logged.into_iter().chain(&other).map(|claim| claim.message);
                gathered.told.extend(both.collect::<Vec<_>>());
                claims.retain(|claim| claim.number != number);
            } else if other.is_none() {
                gathered.undecided.push(number);
            } else {
                gathered.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
            }
        }
        for claim in &claims {
            let Some(message) = messages.get(&claim.message) else {
                if gathered.told.insert(claim.message) {
                    let what = Key::message(firm, claim.message);
                    gathered.note_finding(FindingKind::Missing, what, format!("fact {} tells of it", claim.number));
                }
                continue;
            };
            let differences = claim.differences(message);
            if !differences.is_empty() && gathered.told.insert(claim.message) {
                let detail = format!("other than in fact {}: {}", claim.number, differences.join(", "));
                gathered.note_finding(FindingKind::Altered, Key::message(firm, claim.message), detail);
            }
        }
        let mut looks = Vec::new();
        for Claim { message, stored: expected, until, at, .. } in claims {
            let is_filed = messages.get(&message).is_some_and(|message| message.filing.is_some());
            let look = Look { message, expected, until, at, is_filed };
            // A later entry may say that it is kept longer, or less long.
            match messages.get(&message).and_then(|message| message.original()).map(|original| original.until) {
                Some(indexed) if indexed == until => looks.push(look),
                indexed => gathered.elsewhere.push((look, indexed)),
            }
        }
        self.compare_originals(firm, looks, gathered).await
    }

    /// Compares where the index has originals with the last entries about that, and looks at those that were put off.
    async fn compare_elsewhere(&self, firm: FirmId, gathered: &mut Gathered) -> Result<(), VerifyError> {
        let elsewhere = std::mem::take(&mut gathered.elsewhere);
        let mut changed = gathered.changed.clone();
        let mut altered = Vec::new();
        let mut looks = Vec::new();
        for (look, indexed) in elsewhere {
            gathered.places.entry(look.message).or_default().insert(look.until);
            let until = changed.remove(&look.message).unwrap_or(look.until);
            altered.extend(indexed.filter(|indexed| *indexed != until).map(|_| look.message));
            looks.push(Look { until, ..look });
        }
        // The index has those where they were first. A share leaves them to a whole verification.
        changed.retain(|_, _| self.share.is_none());
        let messages = self.read_messages(firm, changed.keys().copied().collect(), gathered).await?;
        let is_other = |(id, until): (&MessageId, &KeptUntil)| {
            let original = messages.get(id).and_then(Message::original);
            original.is_some_and(|original| original.until != *until).then_some(*id)
        };
        altered.extend(changed.iter().filter_map(is_other));
        for message in altered {
            if gathered.told.insert(message) {
                let detail = "other than in the log: until_year";
                gathered.note_finding(FindingKind::Altered, Key::message(firm, message), detail);
            }
        }
        self.compare_originals(firm, looks, gathered).await
    }

    /// Takes from entries that are not of the share what they say of others: that those were lost or erased.
    async fn pass_over(
        &self,
        firm: FirmId,
        before: u64,
        entries: &[Logged],
        gathered: &mut Gathered,
    ) -> Result<(), TableError> {
        gathered.claims.resize(gathered.claims.len() + entries.len(), 0);
        for (logged, number) in entries.iter().zip(before + 1..) {
            gathered.reached = number;
            let Some(line) = logged.entry.as_deref() else {
                gathered.is_keeping_unknown = true;
                continue;
            };
            gathered.restored.extend(lost_range(line));
            gathered.note_change(line, false);
            let is_asked = |id: &String| id.starts_with(ERASURE) || KeepingChange::is_id(id);
            if void_id(line).filter(is_asked).is_none() {
                continue;
            }
            let fact = self.table.get::<StoredFact>(&Key::fact(firm, number)).await?.map(|row| row.value);
            if fact.as_ref().and_then(StoredFact::lost).is_some() {
                continue;
            }
            let is_same = fact.as_ref().is_some_and(|fact| entry(firm, number, fact).is_ok_and(|made| made == line));
            gathered.note_keeping(fact.as_ref(), is_same, Some(line));
            let scope = erasure(line, fact.as_ref().filter(|_| is_same));
            gathered.erasures.extend(scope.map(|scope| (number, scope)));
        }
        Ok(())
    }

    /// The facts after number `after`, as far as they are there.
    pub(super) async fn read_facts(
        &self,
        firm: FirmId,
        after: u64,
        count: usize,
    ) -> Result<BTreeMap<u64, StoredFact>, TableError> {
        let (mut facts, mut from) = (BTreeMap::new(), after);
        let last = after + count as u64;
        while from < last {
            let page: Vec<(u64, StoredFact)> = self.table.numbered(&Key::fact(firm, from), true, count).await?;
            let Some((reached, _)) = page.last() else { break };
            from = *reached;
            facts.extend(page.into_iter().filter(|(number, _)| *number <= last));
        }
        Ok(facts)
    }

    /// Compares the facts that are not in the log yet with the index and the bucket. Returns the entries of those up to
    /// number `until`, and the number of such facts.
    async fn compare_unlogged(
        &self,
        firm: FirmId,
        after: u64,
        until: u64,
        gathered: &mut Gathered,
    ) -> Result<(Vec<Vec<u8>>, u64), VerifyError> {
        let (mut entries, mut count, mut from) = (Vec::new(), 0, after);
        loop {
            let facts = self.read_facts(firm, from, PAGE).await?;
            let Some((last, _)) = facts.last_key_value() else { return Ok((entries, count)) };
            count += facts.len() as u64;
            // What no entry can be made of is not in the log either.
            let made = facts.iter().filter_map(|(number, fact)| Some((*number, entry(firm, *number, fact).ok()?)));
            let made: Vec<(u64, Vec<u8>)> = made.collect();
            for run in made.chunk_by(|(one, _), (next, _)| one + 1 == *next) {
                let first = run[0].0;
                // A number that is not written yet tells of nothing.
                gathered.claims.resize(usize::try_from(first - 1).unwrap_or_default(), 0);
                let logged = run.iter().map(|(_, entry)| Logged { leaf: leaf(entry), entry: Some(entry.clone()) });
                self.compare_entries(firm, first - 1, &logged.collect::<Vec<_>>(), gathered).await?;
            }
            let next = after + 1 + entries.len() as u64;
            let follows =
                made.into_iter().zip(next..).take_while(|((number, _), next)| number == next && *number <= until);
            entries.extend(follows.map(|((_, entry), _)| entry));
            from = *last;
        }
    }

    /// The messages of the index that are there and can be read.
    pub(super) async fn read_messages(
        &self,
        firm: FirmId,
        ids: Vec<MessageId>,
        gathered: &mut Gathered,
    ) -> Result<HashMap<MessageId, Message>, VerifyError> {
        let mut found = HashMap::new();
        for ids in ids.chunks(100) {
            let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
            match self.table.get_all::<Message>(&keys).await {
                Ok(rows) => {
                    // By where they lie: an item may say that it is another.
                    let at: HashMap<&Key, MessageId> = keys.iter().zip(ids.iter().copied()).collect();
                    found.extend(rows.into_iter().filter_map(|row| Some((*at.get(&row.key)?, row.value))));
                }
                Err(TableError::Malformed { .. }) => {
                    for (key, id) in keys.iter().zip(ids) {
                        match self.table.get::<Message>(key).await {
                            Ok(row) => found.extend(row.map(|row| (*id, row.value))),
                            Err(TableError::Malformed { key, source }) => {
                                if gathered.told.insert(*id) {
                                    gathered.note_finding(FindingKind::Altered, key, source);
                                }
                            }
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// Looks at originals, some side by side.
    async fn compare_originals(
        &self,
        firm: FirmId,
        originals: Vec<Look>,
        gathered: &mut Gathered,
    ) -> Result<(), VerifyError> {
        gathered.originals += originals.len() as u64;
        let looks = originals.into_iter().map(|look| async move {
            let key = OriginalKey::new(firm, look.message, look.until).to_string();
            let Some(head) = self.store.head(&key).await? else {
                return Ok(LookedAt { key, look, there: None, is_kept: true, is_held: false });
            };
            let there = self.content(&key, &head).await?;
            let is_kept = look.until.has_ended(self.now)
                || self.locked_until(look.at).is_none_or(|until| head.retained_until >= Some(until));
            Ok::<_, VerifyError>(LookedAt { key, look, there, is_kept, is_held: head.is_held })
        });
        let looks: Vec<_> = looks.collect();
        let mut seen = futures::stream::iter(looks).buffered(AT_ONCE);
        while let Some(LookedAt { key, look, there, is_kept, is_held }) = seen.try_next().await? {
            let Look { message, expected, until, is_filed, .. } = look;
            if self.lock_days.is_some() && there.is_some() && (is_filed || is_held) {
                gathered.holds.push((OriginalKey::new(firm, message, until), is_held));
            }
            gathered.bytes_read += there.filter(|_| self.reads).map_or(0, |there| there.bytes);
            gathered.originals_expired += u64::from(until.has_ended(self.now));
            if there.is_none() && until.has_ended(self.now) {
                gathered.expired.push((message, until));
                continue;
            }
            if until.end().is_some_and(|end| end + EXPIRY_SLACK <= self.now) {
                gathered.note_finding(FindingKind::Extra, &key, NOT_REMOVED);
            }
            if there != Some(expected) {
                gathered.mismatches.push(Mismatch { key, expected, there });
            } else if !is_kept {
                gathered.note_finding(FindingKind::Unlocked, key, "Object Lock does not keep it as long as it should");
            }
        }
        Ok(())
    }

    /// Until when Object Lock has to keep what was stored then, if that is not over yet.
    fn locked_until(&self, at: Timestamp) -> Option<Timestamp> {
        let days = i64::try_from(self.lock_days?).ok()?;
        // The clock of S3 is another one.
        let until = at.checked_add(SignedDuration::from_hours(days.checked_mul(24)?) - LOCK_SLACK).ok()?;
        (until > self.now).then_some(until)
    }

    /// What lies there, by the checksum that S3 keeps or by every byte.
    async fn content(&self, key: &str, head: &ObjectHead) -> Result<Option<StoredObject>, VerifyError> {
        match head.sha256 {
            Some(sha256) if !self.reads => Ok(Some(StoredObject { sha256, bytes: head.bytes })),
            // A checksum of another kind says nothing.
            _ => self.read(key).await,
        }
    }

    /// What an object's bytes are, as far as they come.
    async fn read(&self, key: &str) -> Result<Option<StoredObject>, VerifyError> {
        let Some(found) = self.store.open(key).await? else { return Ok(None) };
        let (mut body, mut hasher, mut bytes) = (found.body, Sha256::new(), 0);
        // What breaks off is shorter than it was.
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(chunk) = frame.into_data() {
                bytes += chunk.len() as u64;
                hasher.update(&chunk);
            }
        }
        Ok(Some(StoredObject { sha256: hasher.finalize().into(), bytes }))
    }

    /// Compares the objects in the bucket with the index.
    async fn compare_objects(&self, firm: FirmId, gathered: &mut Gathered) -> Result<(), VerifyError> {
        for until in self.store.kept_until().await? {
            let folder = format!("{}firms/{firm}/", root(until));
            let known: &[&str] = if until.is_ever() { &["log/", "mailboxes/"] } else { &["mailboxes/"] };
            for name in self.store.folders(&folder).await? {
                if !known.iter().any(|known| name.strip_prefix(&folder) == Some(known)) {
                    gathered.note_finding(FindingKind::Extra, name, "greffe puts nothing there");
                }
            }
            self.compare_objects_below(firm, &format!("{folder}mailboxes/"), gathered).await?;
        }
        Ok(())
    }

    async fn compare_objects_below(
        &self,
        firm: FirmId,
        prefix: &str,
        gathered: &mut Gathered,
    ) -> Result<(), VerifyError> {
        let rules = KeepingRules::of(self.table, firm).await?;
        let mut next = None;
        loop {
            let (objects, more) = self.store.versions(prefix, next).await?;
            let keys: Vec<(Option<OriginalKey>, &KeyVersions)> =
                objects.iter().map(|object| (OriginalKey::parse(&object.key), object)).collect();
            let asked: BTreeSet<MessageId> = keys.iter().filter_map(|(key, _)| Some((*key)?.message)).collect();
            let messages = self.read_messages(firm, asked.into_iter().collect(), gathered).await?;
            let mut copies = Vec::new();
            for (key, object) in keys {
                let Some(OriginalKey { message: id, until, .. }) = key else {
                    gathered.note_finding(FindingKind::Extra, &object.key, "greffe puts nothing there");
                    continue;
                };
                gathered.mailboxes.insert(id.mailbox);
                let is_of_index = messages.get(&id).is_some_and(|message| {
                    // A round that was interrupted stored it, and goes on.
                    message.original().is_some()
                        || matches!(message.state, MessageState::Pending | MessageState::Failed(_))
                });
                if !is_of_index && !gathered.told.contains(&id) {
                    let is_erased = gathered.erased.iter().any(|(_, message)| *message == Some(id));
                    let erased = "it was erased, and is still there";
                    let detail = if is_erased { erased } else { "neither the index nor the log tells of it" };
                    gathered.note_finding(FindingKind::Extra, &object.key, detail);
                } else if until.has_ended(self.now) {
                    // What S3 removed leaves a delete marker for a while.
                    let is_late = until.end().is_some_and(|end| end + EXPIRY_SLACK <= self.now) && !object.is_hidden;
                    let is_own = messages.get(&id).and_then(Message::original).is_some_and(|own| own.until == until);
                    if is_late && !is_own {
                        gathered.note_finding(FindingKind::Extra, &object.key, NOT_REMOVED);
                    }
                } else if !object.is_written_once() {
                    gathered.rewritten.push(object.key.clone());
                } else if let Some(message) = messages.get(&id)
                    && let Some(original) = message.original()
                    && original.until != until
                    && !gathered.told.contains(&id)
                {
                    let has_lain = gathered.places.get(&id).is_some_and(|places| places.contains(&until));
                    // A round that was cut off stored it before the one that told of it.
                    let is_earlier = object.written_at.is_some_and(|at| at < original.archived_at);
                    let is_known = has_lain || is_earlier || self.is_being_made(rules.as_ref(), message, until).await?;
                    match is_known {
                        true => copies.push((object.key.clone(), original.stored())),
                        false => {
                            gathered.note_finding(FindingKind::Extra, &object.key, "no entry says that it lay there")
                        }
                    }
                }
            }
            self.compare_copies(copies, gathered).await?;
            next = more;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether a keeper, or a confirmed erasure, may be about to have the original of a message there.
    async fn is_being_made(
        &self,
        rules: Option<&KeepingRules>,
        message: &Message,
        until: KeptUntil,
    ) -> Result<bool, TableError> {
        match rules {
            Some(rules) => Ok(rules.kept_until(self.table, message).await? == Some(until)),
            None => Ok(false),
        }
    }

    /// Looks at objects that lie where an original did that is kept longer, or less long: copies that are left, or that
    /// are being made.
    async fn compare_copies(
        &self,
        copies: Vec<(String, StoredObject)>,
        gathered: &mut Gathered,
    ) -> Result<(), VerifyError> {
        let heads = copies.into_iter().map(|(key, expected)| async move {
            let there = match self.store.head(&key).await? {
                Some(head) => self.content(&key, &head).await?,
                None => None,
            };
            Ok::<_, VerifyError>((key, there == Some(expected)))
        });
        let heads: Vec<_> = heads.collect();
        let mut seen = futures::stream::iter(heads).buffered(AT_ONCE);
        while let Some((key, is_copy)) = seen.try_next().await? {
            match is_copy {
                true => gathered.copies_left += 1,
                false => gathered.note_finding(FindingKind::Extra, key, "it is no copy of its message's original"),
            }
        }
        Ok(())
    }

    /// Compares each message of the index with the log and the facts; one that no fact has yet, with the bucket.
    async fn compare_index(&self, firm: FirmId, gathered: &mut Gathered) -> Result<(), VerifyError> {
        let mailboxes = self.table.query_all::<serde_json::Value>(&Key::mailbox_prefix(firm)).await?;
        let known = mailboxes.iter().filter_map(|row| row.value["id"].as_str()?.parse().ok());
        gathered.mailboxes.extend(known.collect::<Vec<MailboxId>>());
        for mailbox in gathered.mailboxes.clone() {
            let (prefix, mut after) = (Key::message_prefix(firm, mailbox), None);
            loop {
                let page = self.table.query::<serde_json::Value>(&prefix, after.as_ref(), PAGE).await?;
                let in_work = page.rows.into_iter().filter_map(|row| gathered.message(mailbox, row)).collect();
                self.compare_originals(firm, in_work, gathered).await?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The facts that were lost, if an entry says that the table was restored: after the first number, up to the second.
fn lost_range(line: &[u8]) -> Option<(u64, u64)> {
    let id = void_id(line)?;
    let (last, size) = id.strip_prefix("restored-")?.split_once('-')?;
    last.parse().ok().zip(size.parse().ok())
}

/// The id of a void fact, if an entry is of one.
fn void_id(line: &[u8]) -> Option<String> {
    let may_be = line.windows(VOID.len()).any(|part| part == VOID);
    let line = may_be.then(|| serde_json::from_slice::<LoggedEntry>(line).ok()).flatten()?;
    (line.r#type == "void").then_some(line.id)
}

/// What was erased, if an entry says so, and its fact, which is as the log has it.
fn erasure(line: &[u8], fact: Option<&StoredFact>) -> Option<ErasedScope> {
    ErasedScope::recorded(&void_id(line)?, fact)
}

/// The firm whose objects lie in this folder.
fn firm_of(folder: &str) -> Option<FirmId> {
    let rest = folder.strip_prefix(UNTIL).map_or(Some(folder), |of_year| Some(of_year.split_once('/')?.1));
    rest?.strip_prefix("firms/")?.strip_suffix('/')?.parse().ok()
}

/// Until when an original is kept from now on, if an entry says so.
fn change(line: &[u8]) -> Option<(MessageId, KeptUntil)> {
    let is_one = line.windows(CHANGE.len()).any(|part| part == CHANGE);
    let line = is_one.then(|| serde_json::from_slice::<LoggedEntry>(line).ok()).flatten()?;
    let until = line.until();
    line.message.filter(|_| line.r#type == RETENTION_CHANGED).map(|message| (message, until))
}

/// Says what has become of the originals that are not what they were.
fn explain_missing(firm: FirmId, gathered: &mut Gathered) {
    // Where the log is another, it is so of every fact.
    if !gathered.findings.iter().any(|finding| finding.kind == FindingKind::Forked) {
        for number in std::mem::take(&mut gathered.undecided) {
            gathered.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
        }
    }
    // The log itself has to say that they were lost.
    let is_known = |number: &u64| gathered.restored.iter().any(|(last, size)| (last + 1..=*size).contains(number));
    let (known, unknown): (Vec<u64>, Vec<u64>) = gathered.lost.iter().copied().partition(is_known);
    gathered.lost = known;
    for number in unknown {
        gathered.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
    }
    // So it has to say of what was erased, and later than that.
    let is_recorded = |number: u64, message: Option<MessageId>| {
        gathered.erasures.iter().any(|(record, scope)| *record > number && scope.has(message))
    };
    let unrecorded = gathered.erased.iter().filter(|(number, of)| !is_recorded(*number, *of));
    for number in unrecorded.map(|(number, _)| *number).collect::<Vec<_>>() {
        gathered.note_finding(FindingKind::Altered, Key::fact(firm, number), "the log does not say that it was erased");
    }
    let mismatches = std::mem::take(&mut gathered.mismatches);
    let expected: HashMap<Digest, &Mismatch> = mismatches.iter().map(|m| (m.expected.sha256, m)).collect();
    for mismatch in &mismatches {
        let other = mismatch.there.and_then(|there| expected.get(&there.sha256));
        let (kind, detail) = match (mismatch.there, other) {
            (None, _) => (FindingKind::Missing, "the log has its digest".to_owned()),
            (Some(_), Some(other)) => (FindingKind::Swapped, format!("it is {}", other.key)),
            (Some(there), _) if there.bytes < mismatch.expected.bytes => {
                (FindingKind::Truncated, format!("{} of {} bytes", there.bytes, mismatch.expected.bytes))
            }
            (Some(there), _) => {
                (FindingKind::Altered, format!("SHA-256 {} and not {}", there.sha256, mismatch.expected.sha256))
            }
        };
        gathered.note_finding(kind, &mismatch.key, detail);
    }
    // What is not as it was, was written or deleted again: that is told already.
    let told: BTreeSet<&String> = mismatches.iter().map(|mismatch| &mismatch.key).collect();
    let again = std::mem::take(&mut gathered.rewritten).into_iter().filter(|key| !told.contains(key));
    gathered.findings.extend(again.map(|key| EvidenceFinding::written_again(&key)));
}
