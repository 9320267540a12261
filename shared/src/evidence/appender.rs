//! The appender: brings a firm's log up to its feed.
//!
//! All appenders read the same facts, write the same tiles and sign the same checkpoint, so a repetition, a kill or a
//! second appender does no harm. Tiles are written before the checkpoint that covers them, so a log never names a tile
//! that is missing. If something differs from what was written, the appender raises an alarm and writes nothing.
//!
//! Cost: 4 PUTs for up to 256 facts, 11 for 1,024 in a backlog.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;

use crate::{
    aws::{
        secrets::{EVIDENCE_KEY, SecretError, Secrets},
        table::{Key, Table},
        worker::Deadline,
    },
    base::{
        clock::Clock,
        id::FirmId,
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    evidence::{
        bucket::BucketError,
        checkpoint::{Checkpoint, CheckpointError, LogKeys, VerifyingKeys, WeakKeyError},
        log_entry::{EntryError, entry},
        log_store::{CHECKPOINT, LogObject, LogStore, kept_checkpoint, verifying_key},
        tlog::{LogTile, TILE_WIDTH, TileKind, Tree, TreeError, bundle, leaf, unbundle},
    },
    firm::{
        fact::{Fact, StoredFact},
        feed::{Feed, FeedError},
        log_due::LogDue,
    },
};

/// Facts that are appended at a time: four tiles.
const FACTS_MAX: usize = 1_024;
/// How soon a log is due again that a full tile was appended to.
const BACKLOG_PAUSE: Duration = Duration::from_secs(60);
/// Tries against other appenders.
const TRIES_MAX: usize = 16;

/// What appending came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The entries of the log: up to the fact with this number.
    pub size: u64,
    /// How many of them are new.
    pub added: u64,
    /// Whether there may be more to append.
    pub more: bool,
}

/// A log that could not be appended to.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The head is not one that these keys signed.
    #[error("the checkpoint's signature is not valid")]
    Checkpoint(#[from] CheckpointError),
    /// The log has begun, and has no head.
    #[error("the checkpoint is missing, though the log has begun")]
    HeadMissing,
    /// The table has another fact under a number that the log has, or none: it was restored, or altered.
    #[error("fact {number} is not the one that the log has under this number")]
    Forked {
        /// The number.
        number: u64,
    },
    /// The last tiles are missing, or are not those that the checkpoint was signed over.
    #[error("the last tiles of the log are not those of its checkpoint")]
    Edge,
    /// The tiles at hand do not make a tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A fact that no version of greffe writes.
    #[error(transparent)]
    Fact(#[from] EntryError),
    /// S3.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The table.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// There is no key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The key is too short.
    #[error(transparent)]
    Key(#[from] WeakKeyError),
    /// Others were faster each time.
    #[error("other appenders were faster {TRIES_MAX} times")]
    Busy,
}

impl AppendError {
    /// Whether something is not as it was written, so that a person has to look; anything else passes.
    pub fn is_alarm(&self) -> bool {
        match self {
            Self::Checkpoint(_) | Self::HeadMissing | Self::Forked { .. } | Self::Edge | Self::Tree(_) => true,
            Self::Log(BucketError::Foreign { .. }) | Self::Fact(_) | Self::Key(_) => true,
            Self::Secret(error) => error.needs_the_operator(),
            Self::Log(BucketError::Store { .. }) | Self::Feed(_) | Self::Busy => false,
        }
    }
}

/// What an appender works with.
#[derive(Debug, Clone, Copy)]
pub struct Appender<'a> {
    /// The logs.
    pub store: &'a LogStore,
    /// The facts.
    pub feed: &'a Feed,
    /// The key.
    pub secrets: &'a Secrets,
}

/// The head of a log, as it was read.
struct LogHead {
    object: LogObject,
    checkpoint: Checkpoint,
    /// Whether a key did not sign it: it was added since.
    lacks_a_key: bool,
}

impl Appender<'_> {
    /// Appends until all is appended or `deadline` is near, and notes when the log is due again: after `pause`, or
    /// sooner where facts come fast.
    ///
    /// Errors: as [`Appender::append`]; the log is due again after `pause`.
    pub async fn follow(
        &self,
        table: &Table,
        firm: FirmId,
        clock: &Clock,
        pause: Duration,
        deadline: &Deadline,
    ) -> Result<Appended, AppendError> {
        let mut added = 0;
        let appended = loop {
            let appended = self.append(firm, clock.now()).await;
            added += appended.as_ref().map_or(0, |appended| appended.added);
            if !appended.as_ref().is_ok_and(|appended| appended.more) || deadline.is_near() {
                break appended.map(|appended| Appended { added, ..appended });
            }
        };
        let due = clock.now() + if added < TILE_WIDTH { pause } else { pause.min(BACKLOG_PAUSE) };
        let size = match &appended {
            Ok(appended) => appended.size,
            // How far it once was stays known.
            Err(_) => {
                let due = table.get::<LogDue>(&Key::log_due(firm)).await.map_err(FeedError::from)?;
                due.map_or(0, |row| row.value.size)
            }
        };
        table.write(LogDue::at(firm, due, size)).await.map_err(FeedError::from)?;
        appended
    }

    /// Appends all that the log lacks, and notes how far it is: who asks for the log or a proof sees that at once.
    ///
    /// Errors: as [`Appender::append`].
    pub async fn catch_up(&self, table: &Table, firm: FirmId, clock: &Clock) -> Result<(), AppendError> {
        let size = loop {
            let Appended { size, more, .. } = self.append(firm, clock.now()).await?;
            if !more {
                break size;
            }
        };
        let due = LogDue::at(firm, clock.now() + BACKLOG_PAUSE, size);
        Ok(table.write(due).await.map_err(FeedError::from)?)
    }

    /// Appends up to 1,024 facts that the log lacks. It stops at a number that may still be written.
    ///
    /// Errors: an alarm is raised for those of which [`AppendError::is_alarm`] says so.
    pub async fn append(&self, firm: FirmId, now: Timestamp) -> Result<Appended, AppendError> {
        let appended = self.try_append(firm, now).await;
        if let Err(error) = &appended
            && error.is_alarm()
        {
            tracing::error!(firm.id = %firm, error = %ErrorChain(error), "the evidence is not as it was written");
            Tally::one(Counter::EvidenceFaults).publish(now);
        }
        appended
    }

    async fn try_append(&self, firm: FirmId, now: Timestamp) -> Result<Appended, AppendError> {
        let keys = LogKeys::of(firm, &self.secrets.read(EVIDENCE_KEY).await?)?;
        for _ in 0..TRIES_MAX {
            let head = self.head(firm, &keys).await?;
            let size = head.as_ref().map_or(0, |head| head.checkpoint.size);
            let (facts, more) = self.facts(firm, size, now).await?;
            if facts.is_empty() {
                if let Some(head) = &head {
                    self.keep_head(firm, head).await?;
                    if self.feed.stored(firm, size).await?.is_none() {
                        return Err(AppendError::Forked { number: size });
                    }
                    if head.lacks_a_key && self.feed.last_number(firm).await? == size {
                        self.tell_new_key(firm, now).await?;
                        continue;
                    }
                }
                return Ok(Appended { size, added: 0, more: false });
            }
            let checkpoint = self.write_tiles(firm, head.as_ref(), &facts).await?;
            if self.move_head(firm, &keys, head.as_ref(), checkpoint).await? {
                return Ok(Appended { size: checkpoint.size, added: facts.len() as u64, more });
            }
        }
        Err(AppendError::Busy)
    }

    /// The head, if it is signed by a key of `keys`; none where the log has not begun.
    async fn head(&self, firm: FirmId, keys: &LogKeys) -> Result<Option<LogHead>, AppendError> {
        let object = match self.store.find(firm, CHECKPOINT).await? {
            Some(object) => object,
            None if self.store.names(firm, "checkpoints/").await?.is_empty() => return Ok(None),
            // Another may have begun the log in between.
            None => self.store.find(firm, CHECKPOINT).await?.ok_or(AppendError::HeadMissing)?,
        };
        let own = keys.verifying();
        let opened = match Checkpoint::open(firm, &object.bytes, &own) {
            // A key that was replaced signed it, too.
            Err(CheckpointError::Signature(_)) => {
                let known = own.and(&verifying_keys(self.store, firm).await?);
                Checkpoint::open(firm, &object.bytes, &known)
            }
            opened => opened,
        };
        let (checkpoint, signers) = opened?;
        if !own.by_id().any(|(id, _)| signers.iter().any(|signer| signer == id)) {
            return Err(CheckpointError::Malformed.into());
        }
        let lacks_a_key = own.by_id().any(|(id, _)| !signers.iter().any(|signer| signer == id));
        Ok(Some(LogHead { object, checkpoint, lacks_a_key }))
    }

    /// Has a log that nothing comes to signed by a key that was added: once the old key is gone, nothing else would
    /// vouch for the new one.
    async fn tell_new_key(&self, firm: FirmId, now: Timestamp) -> Result<(), AppendError> {
        let number = self.feed.take_numbers(firm, 1).await?;
        // A number that was given up is an entry, too.
        self.feed.record(firm, number, &Fact::key_added(number, now)).await?;
        Ok(())
    }

    /// The facts after number `size`, as far as they make full tiles or are all, and whether there may be more.
    async fn facts(&self, firm: FirmId, size: u64, now: Timestamp) -> Result<(Vec<StoredFact>, bool), AppendError> {
        let rows = self.feed.stored_facts_after(firm, size, FACTS_MAX, now).await?;
        let more = rows.len() == FACTS_MAX;
        let reached = size + rows.len() as u64;
        let whole = if more { reached - reached % TILE_WIDTH } else { reached };
        let facts = rows.into_iter().take_while(|(number, _)| *number <= whole).map(|(_, fact)| fact);
        Ok((facts.collect(), more))
    }

    /// Writes the tiles of a log that has these facts too; what its checkpoint is then.
    async fn write_tiles(
        &self,
        firm: FirmId,
        head: Option<&LogHead>,
        facts: &[StoredFact],
    ) -> Result<Checkpoint, AppendError> {
        let (mut tree, mut entries) = match head {
            Some(head) => self.edge(firm, head.checkpoint).await?,
            None => (Tree::default(), Vec::new()),
        };
        let (before, first) = (tree.size(), tree.size() - entries.len() as u64);
        for (fact, number) in facts.iter().zip(before + 1..) {
            let entry = entry(firm, number, fact)?;
            tree.push(&entry)?;
            entries.push(entry);
        }
        let (tree, entries) = (&tree, &entries);
        let written = LogTile::added(before, tree.size()).into_iter().map(|tile| async move {
            let bytes = match tile.kind {
                TileKind::Entries => {
                    let skipped = usize::try_from(tile.n * TILE_WIDTH - first).unwrap_or(usize::MAX);
                    let own = entries.iter().skip(skipped).take(usize::try_from(tile.width).unwrap_or_default());
                    bundle(own.map(Vec::as_slice))
                }
                TileKind::Hashes(_) => tree.hashes(tile).ok_or(AppendError::Edge)?.to_vec(),
            };
            Ok::<_, AppendError>(self.store.keep(firm, &tile.to_string(), bytes).await?)
        });
        try_join_all(written).await?;
        let previous = head.map(|head| head.checkpoint.size);
        Ok(Checkpoint { size: tree.size(), root: tree.root()?, previous })
    }

    /// The right edge of the log, held to its checkpoint and to the feed: the tree, and the entries of its last tile.
    async fn edge(&self, firm: FirmId, checkpoint: Checkpoint) -> Result<(Tree, Vec<Vec<u8>>), AppendError> {
        let size = checkpoint.size;
        let mut tiles = LogTile::edge(size);
        if size.is_multiple_of(TILE_WIDTH) {
            // Its last entry lies in a full tile.
            tiles.extend(LogTile::of(TileKind::Entries, (size / TILE_WIDTH).saturating_sub(1), size));
        }
        let read = tiles.into_iter().map(|tile| async move {
            let object = self.store.find(firm, &tile.to_string()).await?.ok_or(AppendError::Edge)?;
            Ok::<_, AppendError>((tile, object.bytes))
        });
        let (bundles, hashes): (Vec<_>, Vec<_>) =
            try_join_all(read).await?.into_iter().partition(|(tile, _)| tile.kind == TileKind::Entries);
        let tree = Tree::of(size, hashes);
        if !tree.root().is_ok_and(|root| root == checkpoint.root) {
            return Err(AppendError::Edge);
        }
        let (tile, bytes) = bundles.into_iter().next().ok_or(AppendError::Edge)?;
        let entries = unbundle(&bytes).filter(|entries| entries.len() as u64 == tile.width).ok_or(AppendError::Edge)?;
        let same = |(entry, n): (&&[u8], u64)| tile.is_full() || tree.has(n, entry);
        if !entries.iter().zip(tile.n * TILE_WIDTH..).all(same) {
            return Err(AppendError::Edge);
        }
        // A table that was restored gives numbers out again that the log has.
        let fact = self.feed.stored(firm, size).await?;
        let is_lost = fact
            .as_ref()
            .and_then(StoredFact::lost)
            .is_some_and(|lost| entries.last().is_some_and(|last| leaf(last) == lost));
        let again = fact.map(|fact| entry(firm, size, &fact)).transpose().unwrap_or_default();
        if !is_lost && again.as_deref() != entries.last().copied() {
            return Err(AppendError::Forked { number: size });
        }
        let last = if tile.is_full() { Vec::new() } else { entries.into_iter().map(<[u8]>::to_vec).collect() };
        Ok((tree, last))
    }

    /// The size of the log; 0 where it has not begun.
    ///
    /// Errors: the head is missing though the log has begun, or is not signed by these keys; S3 refuses or does not
    /// answer.
    pub async fn size(&self, firm: FirmId) -> Result<u64, AppendError> {
        let keys = LogKeys::of(firm, &self.secrets.read(EVIDENCE_KEY).await?)?;
        Ok(self.head(firm, &keys).await?.map_or(0, |head| head.checkpoint.size))
    }

    /// Keeps the head under its size, where an appender died before it could.
    async fn keep_head(&self, firm: FirmId, head: &LogHead) -> Result<(), AppendError> {
        let name = kept_checkpoint(head.checkpoint.size);
        if self.store.find(firm, &name).await?.is_none_or(|kept| kept.bytes != head.object.bytes) {
            self.store.keep(firm, &name, head.object.bytes.clone()).await?;
        }
        Ok(())
    }

    /// Signs the checkpoint and makes it the head, if `head` is it until now; whether it was.
    async fn move_head(
        &self,
        firm: FirmId,
        keys: &LogKeys,
        head: Option<&LogHead>,
        checkpoint: Checkpoint,
    ) -> Result<bool, AppendError> {
        let as_before = head.is_some_and(|head| head.checkpoint.sign(firm, keys) == head.object.bytes);
        if !as_before {
            for (id, text) in keys.verifying().by_id() {
                self.store.keep(firm, &verifying_key(id), format!("{text}\n").into_bytes()).await?;
            }
        }
        if let Some(head) = head {
            self.keep_head(firm, head).await?;
        }
        let signed = checkpoint.sign(firm, keys);
        let moved = self.store.replace_head(firm, &signed, head.map(|head| &head.object)).await?;
        if moved {
            self.store.keep(firm, &kept_checkpoint(checkpoint.size), signed).await?;
        }
        Ok(moved)
    }
}

/// The keys that verify a firm's log, now or in the past, as they lie beside it.
///
/// Errors: S3 refuses or does not answer.
pub async fn verifying_keys(store: &LogStore, firm: FirmId) -> Result<VerifyingKeys, BucketError> {
    let mut texts = Vec::new();
    for name in store.names(firm, "keys/").await? {
        let object = store.find(firm, &name).await?;
        texts.extend(object.and_then(|object| Some(String::from_utf8(object.bytes).ok()?.trim_end().to_owned())));
    }
    Ok(VerifyingKeys::of(firm, texts))
}
