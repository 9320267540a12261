//! Checks the log without the table and the originals: each signature, checkpoint and tile, from the first entry on.
//!
//! The tree is rebuilt, tile by tile. If entries contradict their hashes, the level above or the signed root shows
//! which of them was changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{digest::Digest, id::FirmId, telemetry::ErrorChain},
    evidence::{
        appender::verifying_keys,
        bucket::BucketError,
        checkpoint::{Checkpoint, VerifyingKeys},
        log_store::{CHECKPOINT, LogStore, kept_checkpoint, kept_stamp, key, verifying_key},
        report::{EvidenceFinding, FindingKind},
        stamp::{Stamp, StampError, StampRoots},
        tlog::{LogTile, TILE_WIDTH, TileKind, Tree, TreeError, leaf, unbundle},
    },
};

/// An entry as the tree has it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Its hash in the tree.
    pub leaf: Digest,
    /// The entry; none where its bundle is missing or was altered.
    pub entry: Option<Vec<u8>>,
}

/// A log that can't be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// S3.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The tree can't be built.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// An inspection under way.
#[derive(Debug)]
pub struct Inspection<'a> {
    store: &'a LogStore,
    firm: FirmId,
    head: Option<Checkpoint>,
    /// Stamps whose imprint and signature hold.
    stamps: u64,
    /// The widths of the tiles that lie at each place.
    widths: BTreeMap<(TileKind, u64), BTreeSet<u64>>,
    /// The good checkpoints that are kept, by size.
    roots: BTreeMap<u64, Digest>,
    checkpoints: u64,
    tree: Tree,
    /// The entries of the last tile, as far as they are known.
    last: Vec<Logged>,
    /// The objects that were written again or deleted since.
    rewritten: Vec<String>,
    /// The names that a delete marker hides.
    hidden: Vec<String>,
    /// The checkpoints that are there, each as it is written.
    notes: BTreeSet<Vec<u8>>,
    findings: Vec<EvidenceFinding>,
}

impl<'a> Inspection<'a> {
    /// Inspects keys, checkpoints and stamps. `own`: the keys that are known to be the firm's; `reached`: the size at
    /// which the index says that an append ended; `stamped`: the sizes of the checkpoints that it says were stamped;
    /// `roots`: where the stamps' certificates have to lead, if any are named.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn begin(
        store: &'a LogStore,
        firm: FirmId,
        (own, reached): (&VerifyingKeys, u64),
        stamped: &BTreeSet<u64>,
        roots: &StampRoots,
    ) -> Result<Self, InspectError> {
        let mut inspection = Self {
            store,
            firm,
            head: None,
            stamps: 0,
            widths: BTreeMap::new(),
            roots: BTreeMap::new(),
            checkpoints: 0,
            tree: Tree::default(),
            last: Vec::new(),
            rewritten: Vec::new(),
            hidden: Vec::new(),
            notes: BTreeSet::new(),
            findings: Vec::new(),
        };
        let (mut kept, mut keys, mut stamps) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for name in inspection.names().await? {
            let size = name.strip_prefix("checkpoints/").and_then(|size| size.parse::<u64>().ok());
            match (name.parse::<LogTile>(), size) {
                (Ok(tile), _) => {
                    inspection.widths.entry((tile.kind, tile.n)).or_default().insert(tile.width);
                }
                (_, Some(size)) if kept_checkpoint(size) == name => {
                    kept.insert(size);
                }
                _ if name == CHECKPOINT => {}
                _ if stamped_size(&name).is_some_and(|size| kept_stamp(size) == name) => {
                    stamps.insert(name);
                }
                _ if name.starts_with("keys/") => {
                    keys.insert(name);
                }
                _ => inspection.found(FindingKind::Extra, &name, "it is no part of a log"),
            }
        }
        let known = inspection.keys(own, &keys).await?;
        let signers = inspection.checkpoints((own, reached), &known, &kept).await?;
        // One that was added to the secret signs from the next append on.
        for (id, _) in own.by_id().filter(|(id, _)| signers.contains(*id) && !keys.contains(&verifying_key(id))) {
            inspection.found(FindingKind::Missing, &verifying_key(id), "the key that verifies the log");
        }
        inspection.stamps(roots, stamps, stamped).await?;
        Ok(inspection)
    }

    /// The names of the objects of the log. The checkpoint is replaced by each append, and everything else is written
    /// once.
    async fn names(&mut self) -> Result<Vec<String>, InspectError> {
        let (root, mut names, mut next) = (key(self.firm, ""), Vec::new(), None);
        loop {
            let (keys, more) = self.store.bucket.versions(&root, next).await?;
            for versions in keys {
                let Some(name) = versions.key.strip_prefix(&root) else { continue };
                let is_as_written = versions.is_written_once() || (name == CHECKPOINT && versions.markers == 0);
                if versions.is_hidden {
                    self.hidden.push(name.to_owned());
                    continue;
                }
                names.push(name.to_owned());
                self.rewritten.extend((!is_as_written).then(|| versions.key.clone()));
            }
            next = more;
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    /// The size of the log.
    pub fn size(&self) -> u64 {
        self.head.map_or(0, |head| head.size)
    }

    fn found(&mut self, kind: FindingKind, name: &str, detail: &str) {
        self.findings.push(EvidenceFinding { kind, what: key(self.firm, name), detail: detail.to_owned() });
    }

    /// All keys that may verify: those that are known to be the firm's, and those that lie beside the log.
    async fn keys(&mut self, own: &VerifyingKeys, names: &BTreeSet<String>) -> Result<VerifyingKeys, InspectError> {
        let beside = verifying_keys(self.store, self.firm).await?;
        for name in names {
            let is_whole = match self.store.find(self.firm, name).await? {
                Some(object) => beside
                    .by_id()
                    .any(|(id, text)| verifying_key(id) == *name && format!("{text}\n").as_bytes() == object.bytes),
                None => true,
            };
            if !is_whole {
                self.found(FindingKind::Altered, name, "it is not the key that its name says");
            }
        }
        Ok(own.and(&beside))
    }

    /// The head and every checkpoint that is kept; each names the one before it, so none can be left out. The ids of
    /// the keys that signed them.
    async fn checkpoints(
        &mut self,
        (own, reached): (&VerifyingKeys, u64),
        known: &VerifyingKeys,
        kept: &BTreeSet<u64>,
    ) -> Result<BTreeSet<String>, InspectError> {
        let mut trusted: BTreeSet<String> = own.by_id().map(|(id, _)| id.to_owned()).collect();
        let mut signers_seen = BTreeSet::new();
        let (mut good, mut bad) = (BTreeMap::<u64, (Checkpoint, Vec<u8>)>::new(), BTreeSet::new());
        let mut opened = Vec::new();
        for name in kept.iter().rev().map(|size| kept_checkpoint(*size)).chain([CHECKPOINT.to_owned()]) {
            let Some(object) = self.store.find(self.firm, &name).await? else { continue };
            self.notes.insert(object.bytes.clone());
            match Checkpoint::open(self.firm, &object.bytes, known) {
                Ok((checkpoint, signers)) => opened.push((name, checkpoint, signers, object.bytes)),
                Err(error) => {
                    self.found(FindingKind::Altered, &name, &error.to_string());
                    bad.insert(name);
                }
            }
        }
        // From the newest on: a key that signed together with a trusted one is trusted for what came before.
        opened.sort_by_key(|(name, checkpoint, ..)| (std::cmp::Reverse(checkpoint.size), name.clone()));
        let mut head = None;
        for (name, checkpoint, signers, bytes) in opened {
            if signers.iter().any(|signer| trusted.contains(signer)) {
                trusted.extend(signers.iter().cloned());
                signers_seen.extend(signers);
            } else {
                self.found(FindingKind::Forked, &name, "its key never signed together with a later one");
                bad.insert(name);
                continue;
            }
            if name == CHECKPOINT {
                head = Some((checkpoint, bytes));
            } else if name != kept_checkpoint(checkpoint.size) {
                let detail = format!("it is the checkpoint of size {}", checkpoint.size);
                self.found(FindingKind::Swapped, &name, &detail);
                bad.insert(name);
            } else {
                good.insert(checkpoint.size, (checkpoint, bytes));
            }
        }
        for (id, _) in known.by_id().filter(|(id, _)| !signers_seen.contains(*id)) {
            if !own.by_id().any(|(known, _)| known == id) {
                self.found(FindingKind::Extra, &verifying_key(id), "no checkpoint is signed by this key");
            }
        }
        let newest = good.last_key_value().map(|(_, (checkpoint, _))| *checkpoint);
        match (&head, newest) {
            (None, Some(_)) if !bad.contains(CHECKPOINT) => {
                self.found(FindingKind::Missing, CHECKPOINT, "the head of the log");
            }
            (Some((head, _)), Some(newest)) if head.size < newest.size => {
                let detail = format!("it is that of size {}; there is one of size {}", head.size, newest.size);
                self.found(FindingKind::Swapped, CHECKPOINT, &detail);
            }
            (Some((head, bytes)), _) => match good.get(&head.size) {
                Some((_, kept)) if kept == bytes => {}
                Some(_) => self.found(FindingKind::Forked, CHECKPOINT, "another is kept under its size"),
                None if bad.contains(&kept_checkpoint(head.size)) => {}
                // An append was cut off, or is under way: the next one keeps it.
                None if reached < head.size => {}
                None => self.found(FindingKind::Missing, &kept_checkpoint(head.size), "the head, kept under its size"),
            },
            _ => {}
        }
        self.head = [head.map(|(head, _)| head), newest].into_iter().flatten().max_by_key(|head| head.size);
        let chained = self.follow(&good, &bad);
        good.retain(|size, _| chained.contains(size));
        self.checkpoints = good.len() as u64;
        self.roots = good.into_iter().map(|(size, (checkpoint, _))| (size, checkpoint.root)).collect();
        if let Some(head) = self.head {
            self.roots.entry(head.size).or_insert(head.root);
        }
        Ok(signers_seen)
    }

    /// Each version of the head is one of the checkpoints that are kept.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn compare_heads(&mut self) -> Result<(), InspectError> {
        let told = |finding: &EvidenceFinding| finding.what.contains("/log/checkpoint");
        // A checkpoint that is missing or altered is a finding already, and so is the head.
        if self.findings.iter().any(told) {
            return Ok(());
        }
        for version in self.store.bucket.all_versions(&key(self.firm, CHECKPOINT)).await? {
            if !self.notes.contains(&version) {
                self.found(FindingKind::Altered, CHECKPOINT, "an older version of it is none of the checkpoints");
                break;
            }
        }
        Ok(())
    }

    /// Each stamp is of the checkpoint with its size, and each checkpoint that was stamped has its stamp.
    async fn stamps(
        &mut self,
        roots: &StampRoots,
        names: BTreeSet<String>,
        stamped: &BTreeSet<u64>,
    ) -> Result<(), InspectError> {
        for size in stamped.iter().filter(|size| !names.contains(&kept_stamp(**size))) {
            self.found(FindingKind::Missing, &kept_stamp(*size), "the index says that the checkpoint was stamped");
        }
        for name in names {
            let Some(size) = stamped_size(&name) else { continue };
            let Some(note) = self.store.find(self.firm, &kept_checkpoint(size)).await? else {
                // A checkpoint that is missing is reported as such, if there was one.
                if !stamped.contains(&size) {
                    self.found(FindingKind::Extra, &name, "there is no checkpoint of this size");
                }
                continue;
            };
            // So is one that was altered.
            if !self.roots.contains_key(&size) {
                continue;
            }
            let Some(answer) = self.store.find(self.firm, &name).await? else { continue };
            let stamp = Stamp::open(&answer.bytes, &note.bytes);
            let rooted = stamp.and_then(|stamp| if roots.is_empty() { Ok(()) } else { stamp.is_rooted_in(roots) });
            match rooted {
                Ok(()) => self.stamps += 1,
                Err(error @ StampError::OtherImprint) => {
                    self.found(FindingKind::Swapped, &name, &error.to_string());
                }
                Err(error) => self.found(FindingKind::Altered, &name, &ErrorChain(&error).to_string()),
            }
        }
        Ok(())
    }

    /// How many stamps hold.
    pub fn stamps_that_hold(&self) -> u64 {
        self.stamps
    }

    /// Checks that the kept checkpoints form a chain. Returns the sizes of those in it.
    fn follow(&mut self, good: &BTreeMap<u64, (Checkpoint, Vec<u8>)>, bad: &BTreeSet<String>) -> BTreeSet<u64> {
        let (mut previous, mut chained) = (self.head.and_then(|head| head.previous), BTreeSet::new());
        chained.extend(self.head.map(|head| head.size));
        while let Some(size) = previous {
            previous = match good.get(&size) {
                Some((checkpoint, _)) => {
                    chained.insert(size);
                    checkpoint.previous
                }
                None => {
                    if !bad.contains(&kept_checkpoint(size)) {
                        self.found(
                            FindingKind::Missing,
                            &kept_checkpoint(size),
                            "a later one names it as its previous",
                        );
                    }
                    good.range(..size).next_back().map(|(size, _)| *size)
                }
            }
            .filter(|next| *next < size);
        }
        for size in good.keys().filter(|size| !chained.contains(size)) {
            self.found(FindingKind::Forked, &kept_checkpoint(*size), "no later checkpoint names it as its previous");
        }
        chained
    }

    /// The entries of the next tile; none at the end of the log.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn next(&mut self) -> Result<Option<&[Logged]>, InspectError> {
        let (Some(head), n) = (self.head, self.tree.size() / TILE_WIDTH) else { return Ok(None) };
        let Some(lowest) = LogTile::of(TileKind::Hashes(0), n, head.size).filter(|_| self.tree.size() < head.size)
        else {
            return Ok(None);
        };
        let bundled = LogTile { kind: TileKind::Entries, ..lowest };
        let (entries, hashes) = (self.read_entries(bundled).await?, self.read_hashes(lowest).await?);
        let ours: Option<Vec<Digest>> = entries.as_ref().map(|entries| entries.iter().map(|e| leaf(e)).collect());
        let (leaves, is_ours) = match (ours, hashes) {
            (Some(ours), Some(hashes)) if ours != hashes => {
                if self.fits(lowest, &hashes).await? && !self.fits(lowest, &ours).await? {
                    let places = ours.iter().zip(&hashes).enumerate().filter(|(_, (ours, hash))| ours != hash);
                    let numbers = places.map(|(place, _)| (n * TILE_WIDTH + place as u64 + 1).to_string());
                    let detail = format!("other entries of the facts {}", numbers.collect::<Vec<_>>().join(", "));
                    self.found(FindingKind::Altered, &bundled.to_string(), &detail);
                    (hashes, false)
                } else {
                    self.found(FindingKind::Altered, &lowest.to_string(), "they are not the hashes of the entries");
                    (ours, true)
                }
            }
            (Some(ours), _) => (ours, true),
            (None, Some(hashes)) => (hashes, false),
            (None, None) => {
                // Nothing tells what was there, so what follows has no place.
                self.head = None;
                return Ok(None);
            }
        };
        for leaf in &leaves {
            self.tree.push_leaf(*leaf)?;
            let size = self.tree.size();
            if let Some(signed) = self.roots.get(&size)
                && *signed != self.tree.root()?
            {
                let name = if size == head.size { CHECKPOINT.to_owned() } else { kept_checkpoint(size) };
                self.found(FindingKind::Forked, &name, "it is signed over another history");
            }
        }
        let mut entries = entries.filter(|_| is_ours).unwrap_or_default().into_iter();
        self.last = leaves.into_iter().map(|leaf| Logged { leaf, entry: entries.next() }).collect();
        self.narrower(bundled).await?;
        self.narrower(lowest).await?;
        self.upper(head.size).await?;
        self.tree.keep_edge();
        Ok(Some(&self.last))
    }

    /// Whether a tile of these hashes is what the level above, or the head, was made of; yes, if nothing tells.
    async fn fits(&mut self, tile: LogTile, leaves: &[Digest]) -> Result<bool, InspectError> {
        let mut grown = if tile.is_full() { Tree::default() } else { self.tree.clone() };
        leaves.iter().try_for_each(|leaf| grown.push_leaf(*leaf))?;
        let root = grown.root()?;
        if !tile.is_full() {
            return Ok(self.head.is_some_and(|head| head.root == root));
        }
        let place = usize::try_from(tile.n % TILE_WIDTH).unwrap_or_default();
        let above = LogTile::of(TileKind::Hashes(1), tile.n / TILE_WIDTH, self.size());
        let above = match above {
            Some(above) => self.store.find(self.firm, &above.to_string()).await?.map(|object| object.bytes),
            None => None,
        };
        Ok(above.is_none_or(|hashes| hashes.chunks(32).nth(place) == Some(&root.bytes())))
    }

    /// The bytes of a tile that has to be there.
    async fn read(&mut self, tile: LogTile) -> Result<Option<Vec<u8>>, InspectError> {
        let object = self.store.find(self.firm, &tile.to_string()).await?;
        if object.is_none() {
            self.found(FindingKind::Missing, &tile.to_string(), "a tile of the log");
        }
        Ok(object.map(|object| object.bytes))
    }

    async fn read_hashes(&mut self, tile: LogTile) -> Result<Option<Vec<Digest>>, InspectError> {
        let Some(bytes) = self.read(tile).await? else { return Ok(None) };
        let hashes: Vec<Digest> = bytes.as_chunks::<32>().0.iter().map(|hash| Digest::from(*hash)).collect();
        let is_whole = hashes.len() as u64 == tile.width && bytes.len() % 32 == 0;
        if !is_whole {
            self.of_other_length(tile, bytes.len() as u64 > tile.width * 32);
        }
        Ok(is_whole.then_some(hashes))
    }

    async fn read_entries(&mut self, tile: LogTile) -> Result<Option<Vec<Vec<u8>>>, InspectError> {
        let Some(bytes) = self.read(tile).await? else { return Ok(None) };
        let entries = unbundle(&bytes).filter(|entries| entries.len() as u64 == tile.width);
        if entries.is_none() {
            self.of_other_length(tile, unbundle(&bytes).is_some_and(|entries| entries.len() as u64 > tile.width));
        }
        Ok(entries.map(|entries| entries.into_iter().map(<[u8]>::to_vec).collect()))
    }

    fn of_other_length(&mut self, tile: LogTile, is_longer: bool) {
        let kind = if is_longer { FindingKind::Altered } else { FindingKind::Truncated };
        self.found(kind, &tile.to_string(), &format!("it is not {} wide", tile.width));
    }

    /// The tiles that stood at this place when the log was shorter. They may go once there is a full one.
    async fn narrower(&mut self, widest: LogTile) -> Result<(), InspectError> {
        let there = self.widths.get(&(widest.kind, widest.n)).cloned().unwrap_or_default();
        if !widest.is_full() {
            let published = self.roots.keys().filter_map(|size| LogTile::of(widest.kind, widest.n, *size));
            let lost: BTreeSet<LogTile> = published.filter(|tile| !there.contains(&tile.width)).collect();
            for tile in lost.into_iter().filter(|tile| tile.width < widest.width) {
                self.found(FindingKind::Missing, &tile.to_string(), "a tile of an earlier checkpoint");
            }
        }
        for width in there.into_iter().filter(|width| *width < widest.width) {
            let tile = LogTile { width, ..widest };
            let Some(object) = self.store.find(self.firm, &tile.to_string()).await? else { continue };
            let is_so = match tile.kind {
                TileKind::Entries => is_bundle_of(&object.bytes, &self.last, width),
                TileKind::Hashes(_) => self.tree.hashes(tile) == Some(&object.bytes),
            };
            if !is_so {
                self.found(FindingKind::Altered, &tile.to_string(), "it is not how the log began");
            }
        }
        Ok(())
    }

    /// The tiles above that got full, or at the end of the log all that are not.
    async fn upper(&mut self, size: u64) -> Result<(), InspectError> {
        for level in 1..u8::MAX {
            let now = self.tree.size() >> (8 * u32::from(level)).min(63);
            if now == 0 {
                break;
            }
            // Without a new hash at this level, or with more to come, its last tile waits.
            let is_new = self.tree.size().trailing_zeros() >= 8 * u32::from(level);
            let ends = self.tree.size() == size;
            let full = is_new && now.is_multiple_of(TILE_WIDTH);
            let Some(tile) = LogTile::of(TileKind::Hashes(level), (now - 1) / TILE_WIDTH, self.tree.size()) else {
                break;
            };
            if !full && (!ends || tile.is_full()) {
                continue;
            }
            if let Some(bytes) = self.read(tile).await?
                && self.tree.hashes(tile) != Some(&bytes)
            {
                let is_shorter = (bytes.len() as u64) < tile.width * 32;
                let kind = if is_shorter { FindingKind::Truncated } else { FindingKind::Altered };
                self.found(kind, &tile.to_string(), "they are not the hashes of the level below");
            }
            self.narrower(tile).await?;
        }
        Ok(())
    }

    /// The tiles that the head does not name: an appender that died, or another that was faster, left them.
    fn beyond(&self) -> Vec<LogTile> {
        let size = self.size();
        let all = self.widths.iter().flat_map(|((kind, n), widths)| {
            let known = LogTile::of(*kind, *n, size).map_or(0, |tile| tile.width);
            let beyond = widths.iter().filter(move |width| **width > known);
            beyond.map(|width| LogTile { kind: *kind, n: *n, width: *width })
        });
        all.collect()
    }

    /// How many entries the log would have with the tiles that the head does not name.
    pub fn size_beyond(&self) -> u64 {
        let sizes = self.beyond().into_iter().map(|tile| {
            let level = if let TileKind::Hashes(level) = tile.kind { u32::from(level) } else { 0 };
            (tile.n * TILE_WIDTH + tile.width).checked_shl(8 * level).unwrap_or(u64::MAX)
        });
        sizes.max().unwrap_or_default()
    }

    /// Ends the inspection. `entries`: those of the facts after the log, which tiles that the head does not name must
    /// be made of.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn end(mut self, entries: Vec<Vec<u8>>) -> Result<(u64, Vec<EvidenceFinding>), InspectError> {
        let beyond = self.beyond();
        let from = self.tree.size() - self.tree.size() % TILE_WIDTH;
        let mut all =
            if self.tree.size().is_multiple_of(TILE_WIDTH) { Vec::new() } else { std::mem::take(&mut self.last) };
        for entry in entries {
            let leaf = leaf(&entry);
            self.tree.push_leaf(leaf)?;
            all.push(Logged { leaf, entry: Some(entry) });
        }
        for tile in beyond {
            let Some(object) = self.store.find(self.firm, &tile.to_string()).await? else { continue };
            let is_so = match tile.kind {
                TileKind::Entries => {
                    let skipped = usize::try_from((tile.n * TILE_WIDTH).saturating_sub(from)).unwrap_or(usize::MAX);
                    all.get(skipped..).is_some_and(|own| is_bundle_of(&object.bytes, own, tile.width))
                }
                TileKind::Hashes(_) => self.tree.hashes(tile) == Some(&object.bytes),
            };
            if !is_so {
                self.found(FindingKind::Extra, &tile.to_string(), "no checkpoint names it, and no fact makes it");
            }
        }
        let told: BTreeSet<&str> = self.findings.iter().map(|finding| finding.what.as_str()).collect();
        // Tiles may go once there is a full one, and keys once nothing is signed by them.
        let may_go = |name: &String| name.parse::<LogTile>().is_ok() || name.starts_with("keys/");
        let hidden = self.hidden.iter().filter(|name| !may_go(name)).map(|name| key(self.firm, name));
        let hidden: Vec<String> = hidden.filter(|key| !told.contains(key.as_str())).collect();
        let again = self.rewritten.iter().filter(|key| !told.contains(key.as_str()));
        let again: Vec<EvidenceFinding> = again.map(|key| EvidenceFinding::written_again(key)).collect();
        self.findings.extend(again);
        self.findings.extend(hidden.into_iter().map(|what| {
            let detail = "it is no part of the log, and a delete marker hides it".to_owned();
            EvidenceFinding { kind: FindingKind::Extra, what, detail }
        }));
        Ok((self.checkpoints, self.findings))
    }
}

/// Whether a bundle has the first `width` of these entries, by their hashes.
fn is_bundle_of(bundle: &[u8], entries: &[Logged], width: u64) -> bool {
    let own: Option<Vec<Digest>> = unbundle(bundle).map(|entries| entries.into_iter().map(leaf).collect());
    own.is_some_and(|own| own.len() as u64 == width && own.iter().eq(entries.iter().take(own.len()).map(|e| &e.leaf)))
}

/// The size of the checkpoint whose stamp has this name.
fn stamped_size(name: &str) -> Option<u64> {
    name.strip_prefix("stamps/")?.strip_suffix(".tsr")?.parse().ok()
}
