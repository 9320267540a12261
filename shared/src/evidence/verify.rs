//! Verification: compares the log with itself, the facts, the messages in the table and the originals, in both
//! directions.
//!
//! First from the log: each entry must match its fact, and its original must match the index and the bucket. Then from
//! the other side: each object and each message of the index must have an entry. Facts that are not in the log yet are
//! compared with the index only. Nothing is written. The other files `verify_…` are the parts of this.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    aws::table::{InspectedRows, Key, Table, TableError},
    base::id::{FirmId, MessageId},
    evidence::{
        bucket::BucketError,
        checkpoint::{LogKeys, WeakKeyError},
        inspect::{InspectError, Inspection},
        log_store::{LogStore, key},
        originals::year_of,
        report::{EvidenceFinding, FindingKind, FirmReport, Report},
        stamp::StampRoots,
        tlog::TILE_WIDTH,
        verify_state::VerifyState,
    },
    firm::fact::StoredFact,
    mail::{archive::UNTIL, message::Message},
};

/// Originals that are looked at side by side.
pub(super) const AT_ONCE: usize = 16;
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
    Log(#[from] BucketError),
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

impl Verifier<'_> {
    /// Verifies every firm.
    ///
    /// Errors: S3 or DynamoDB refuses or does not answer; what is not as it was written is no error.
    pub async fn verify(&self) -> Result<Report, VerifyError> {
        let (mut firms, mut elsewhere) = (BTreeSet::new(), Vec::new());
        let top = self.store.bucket.folders("").await?;
        let mut below = self.store.bucket.folders("firms/").await?;
        below.extend(top.into_iter().filter(|name| name != "firms/" && name != UNTIL));
        for folder in self.store.bucket.folders(UNTIL).await? {
            let of_year = self.store.bucket.folders(&folder).await?;
            let firms = format!("{folder}firms/");
            match year_of(&folder) {
                Some(_) => {
                    below.extend(self.store.bucket.folders(&firms).await?);
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
        let locked_days = self.store.bucket.retention_days().await?;
        if self.lock_days > locked_days {
            elsewhere.push(EvidenceFinding {
                kind: FindingKind::Unlocked,
                what: self.store.bucket.name().to_owned(),
                detail: format!(
                    "Object Lock should keep what is written for {} days",
                    self.lock_days.unwrap_or_default()
                ),
            });
        }
        elsewhere.extend(self.store.bucket.find_other_rules().await?);
        let mut reports = Vec::new();
        for firm in firms {
            // In a box, because it is larger than what a thread ought to hold on its stack.
            reports.push(Box::pin(self.verify_firm(firm)).await?);
        }
        Ok(Report::of(reports, elsewhere))
    }

    /// Verifies one firm.
    ///
    /// Errors: S3 or DynamoDB refuses or does not answer; what is not as it was written is no error.
    pub async fn verify_firm(&self, firm: FirmId) -> Result<FirmReport, VerifyError> {
        let own = LogKeys::of(firm, self.key)?.verifying();
        let stamped = self.read_stamped_sizes(firm).await?;
        let reached = self.table.get::<serde_json::Value>(&Key::log_due(firm)).await?;
        let reached = reached.and_then(|row| row.value["size"].as_u64()).unwrap_or_default();
        let mut inspection = Inspection::begin(self.store, firm, (&own, reached), &stamped, self.roots).await?;
        let stamps = inspection.stamps_that_hold();
        let (size, mut state, mut number) = (inspection.size(), VerifyState::default(), 0);
        state.kept_to = self.read_kept(firm).await?;
        if reached > size {
            let detail = format!("the index says that the log reached {reached}, and it reaches {size}");
            state.note_finding(FindingKind::Missing, key(firm, ""), detail);
        }
        while let Some(entries) = inspection.next().await? {
            let entries = entries.to_vec();
            match self.share.is_none_or(|share| share.has(number / TILE_WIDTH)) {
                true => self.compare_entries(firm, number, &entries, &mut state).await?,
                false => self.pass_over(firm, number, &entries, &mut state).await?,
            }
            number += entries.len() as u64;
            (self.tell)(VerifyProgress { done: number, of: size, bytes: state.bytes_read });
        }
        let (beyond, facts_beyond) = self.compare_unlogged(firm, number, inspection.size_beyond(), &mut state).await?;
        self.compare_elsewhere(firm, &mut state).await?;
        self.compare_keeping(firm, &mut state).await?;
        self.compare_erasures(firm, &mut state).await?;
        self.compare_expired(firm, &mut state).await?;
        if self.share.is_none() {
            inspection.compare_heads().await?;
        }
        let (checkpoints, found) = inspection.end(beyond).await?;
        state.findings.extend(found);
        if self.share.is_none() {
            self.compare_objects(firm, &mut state).await?;
            self.compare_index(firm, &mut state).await?;
            self.compare_table(firm, size, &mut state).await?;
        }
        self.compare_holds(firm, &mut state).await?;
        state.settle_doubts(firm);
        state.explain_missing(firm);
        state.name_altered();
        state.findings.sort();
        state.findings.dedup_by(|one, other| (one.kind, &one.what) == (other.kind, &other.what));
        let VerifyState { originals, originals_erased, originals_expired, copies_left, .. } = state;
        let VerifyState { bytes_read, findings, lost, .. } = state;
        let facts_lost = lost.len() as u64;
        let erasures_under_way = state.erasures.under_way.len() as u64;
        Ok(FirmReport {
            firm,
            log_size: size,
            facts_beyond,
            facts_lost,
            keeping_lost: state.keeping_lost,
            originals,
            originals_erased,
            erasures_under_way,
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

    /// The messages of the index that are there and can be read.
    pub(super) async fn read_messages(
        &self,
        firm: FirmId,
        ids: Vec<MessageId>,
        state: &mut VerifyState,
    ) -> Result<HashMap<MessageId, Message>, VerifyError> {
        let mut found = HashMap::new();
        // DynamoDB wants each once.
        let ids: Vec<MessageId> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        for ids in ids.chunks(100) {
            let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
            match self.table.inspect_all::<Message>(&keys).await {
                Ok(InspectedRows { rows, altered, .. }) => {
                    state.altered.extend(altered);
                    // By where they lie: an item may say that it is another.
                    let at: HashMap<&Key, MessageId> = keys.iter().zip(ids.iter().copied()).collect();
                    found.extend(rows.into_iter().filter_map(|row| Some((*at.get(&row.key)?, row.value))));
                }
                Err(TableError::Malformed { .. }) => {
                    for (key, id) in keys.iter().zip(ids) {
                        match self.table.get::<Message>(key).await {
                            Ok(row) => found.extend(row.map(|row| (*id, row.value))),
                            Err(TableError::Malformed { key, source }) => {
                                if state.told.insert(*id) {
                                    state.note_finding(FindingKind::Altered, key, source);
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
}

/// The firm whose objects lie in this folder.
fn firm_of(folder: &str) -> Option<FirmId> {
    let rest = folder.strip_prefix(UNTIL).map_or(Some(folder), |of_year| Some(of_year.split_once('/')?.1));
    rest?.strip_prefix("firms/")?.strip_suffix('/')?.parse().ok()
}
