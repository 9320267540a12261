//! The Merkle tree of a transparency log, in tiles of 256 hashes (C2SP tlog-tiles, hashed as RFC 6962 says), over the
//! crate `tlog_tiles`, which nothing else uses.
//!
//! A tree grows at its right edge: the last tile of each level, where that is not full. A full tile is written once and
//! is not needed any more to go on: one hash of the level above stands for it.
//!
//! Sources: <https://c2sp.org/tlog-tiles>; RFC 6962 §2.1; RFC 9162 §2.1.3 (proofs of inclusion)

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use tlog_tiles::{Error, Hash, HashReader, Tile};

use crate::base::digest::Digest;

/// Hashes, or entries, in a full tile.
pub const TILE_WIDTH: u64 = 1 << HEIGHT;
const HEIGHT: u8 = 8;
const HASH_BYTES: usize = 32;
/// More levels no tree has.
const LEVELS: u8 = 8;

/// What a tile is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// The entries themselves.
    Entries,
    /// The hashes of a level: at 0 those of the entries, above that one for each full tile of the level below.
    Hashes(u8),
}

/// A tile: where it lies in the tree, and how wide it is. Written as the path below its log, such as
/// `tile/0/x001/x234/067.p/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogTile {
    /// What it is made of.
    pub kind: TileKind,
    /// Its place among those of its kind, from 0 on.
    pub n: u64,
    /// How many hashes or entries it has: 1 to [`TILE_WIDTH`].
    pub width: u64,
}

impl LogTile {
    /// The tile at that place, as wide as a tree of `size` entries has it; none if it has nothing there.
    pub fn of(kind: TileKind, n: u64, size: u64) -> Option<Self> {
        let width = length(kind, size).saturating_sub(n.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH);
        (width > 0).then_some(Self { kind, n, width })
    }

    /// The right edge of a tree: the last tile of each kind, where it is not full; entries first.
    pub fn edge(size: u64) -> Vec<Self> {
        kinds().filter_map(|kind| Self::of(kind, length(kind, size) / TILE_WIDTH, size)).collect()
    }

    /// What a tree of `new` entries has and one of `old` has not, in the order in which it is written: entries first.
    pub fn added(old: u64, new: u64) -> Vec<Self> {
        let of = |kind| {
            let (before, after) = (length(kind, old), length(kind, new));
            let grown = before / TILE_WIDTH..if before < after { after.div_ceil(TILE_WIDTH) } else { 0 };
            grown.filter_map(move |n| Self::of(kind, n, new))
        };
        kinds().flat_map(of).collect()
    }

    /// Every tile of a tree.
    pub fn all(size: u64) -> Vec<Self> {
        Self::added(0, size)
    }

    /// Whether it gets no wider.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

fn kinds() -> impl Iterator<Item = TileKind> {
    std::iter::once(TileKind::Entries).chain((0..LEVELS).map(TileKind::Hashes))
}

/// How many entries, or hashes of that level, a tree has.
fn length(kind: TileKind, size: u64) -> u64 {
    match kind {
        TileKind::Entries => size,
        TileKind::Hashes(level) => size.checked_shr(u32::from(HEIGHT) * u32::from(level)).unwrap_or_default(),
    }
}

impl fmt::Display for LogTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let groups = std::iter::successors(Some(self.n), |n| Some(n / 1_000).filter(|n| *n > 0));
        let groups: Vec<u64> = groups.map(|n| n % 1_000).collect();
        for (place, group) in groups.iter().enumerate().rev() {
            write!(f, "/{}{group:03}", if place > 0 { "x" } else { "" })?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// A text that is no path of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct TilePathError;

impl FromStr for LogTile {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let (kind, rest) = path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(TilePathError)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().map_err(|_| TilePathError)?),
        };
        let (place, width) = match rest.split_once(".p/") {
            Some((place, width)) => (place, width.parse().map_err(|_| TilePathError)?),
            None => (rest, TILE_WIDTH),
        };
        let digits: String = place.chars().filter(char::is_ascii_digit).collect();
        let tile = Self { kind, n: digits.parse().map_err(|_| TilePathError)?, width };
        // There is one spelling of each.
        let is_tile = (1..=TILE_WIDTH).contains(&width) && tile.to_string() == path;
        if is_tile { Ok(tile) } else { Err(TilePathError) }
    }
}

/// What keeps a tree from being built, or a proof from being made.
#[derive(Debug, thiserror::Error)]
#[error("the tree's tiles do not fit together")]
pub struct TreeError(#[source] Error);

/// A tree of some size, with those of its tiles that are at hand.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
}

impl Tree {
    /// A tree of `size` entries with these tiles of hashes. To go on with, those of [`LogTile::edge`] are enough.
    pub fn of(size: u64, tiles: impl IntoIterator<Item = (LogTile, Vec<u8>)>) -> Self {
        let tiles = tiles.into_iter().filter_map(|(tile, hashes)| match tile.kind {
            TileKind::Hashes(level) => Some(((level, tile.n), hashes)),
            TileKind::Entries => None,
        });
        Self { size, tiles: tiles.collect() }
    }

    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next entry.
    ///
    /// Errors: the right edge is not at hand.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), TreeError> {
        self.push_leaf(leaf(entry))
    }

    /// Adds the next entry by its hash.
    ///
    /// Errors: the right edge is not at hand.
    pub fn push_leaf(&mut self, leaf: Digest) -> Result<(), TreeError> {
        let leaf = Hash(leaf.bytes());
        let hashes = tlog_tiles::stored_hashes_for_record_hash(self.size, leaf, self).map_err(TreeError)?;
        for (level, hash) in hashes.iter().enumerate().step_by(usize::from(HEIGHT)) {
            let tile = u8::try_from(level / usize::from(HEIGHT)).unwrap_or(LEVELS);
            self.tiles.entry((tile, (self.size >> level) / TILE_WIDTH)).or_default().extend(hash.0);
        }
        self.size += 1;
        Ok(())
    }

    /// Its root.
    ///
    /// Errors: the right edge is not at hand.
    pub fn root(&self) -> Result<Digest, TreeError> {
        Ok(tlog_tiles::tree_hash(self.size, self).map_err(TreeError)?.0.into())
    }

    /// Whether entry `n` is this one, as far as the tile of its hash is at hand.
    pub fn has(&self, n: u64, entry: &[u8]) -> bool {
        let tile = LogTile::of(TileKind::Hashes(0), n / TILE_WIDTH, self.size);
        let hashes = tile.and_then(|tile| self.hashes(tile)).unwrap_or_default();
        let place = usize::try_from(n % TILE_WIDTH).unwrap_or_default();
        hashes.chunks(HASH_BYTES).nth(place) == Some(&leaf(entry).bytes())
    }

    /// The hashes of a tile, if they are at hand.
    pub fn hashes(&self, tile: LogTile) -> Option<&[u8]> {
        let TileKind::Hashes(level) = tile.kind else { return None };
        self.tiles.get(&(level, tile.n))?.get(..usize::try_from(tile.width).ok()? * HASH_BYTES)
    }

    /// Forgets the full tiles, which are not needed to go on.
    pub fn keep_edge(&mut self) {
        self.tiles.retain(|_, hashes| hashes.len() < HASH_BYTES << HEIGHT);
    }

    /// The hashes by which anybody computes the root from entry `n`, lowest first.
    ///
    /// Errors: a tile of [`Tree::needed`] is not at hand.
    pub fn prove(&self, n: u64) -> Result<Vec<Digest>, TreeError> {
        let proof = tlog_tiles::prove_record(self.size, n, self).map_err(TreeError)?;
        Ok(proof.into_iter().map(|hash| hash.0.into()).collect())
    }

    /// The tiles of hashes that a proof of entry `n` in a tree of `size` entries is made of.
    pub fn needed(size: u64, n: u64) -> Vec<LogTile> {
        let asked = Asked { size, tiles: RefCell::default() };
        // What comes of it is no proof: only what it asks for counts.
        let _ = tlog_tiles::prove_record(size, n, &asked);
        asked.tiles.into_inner().into_iter().collect()
    }
}

impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hash = |index: &u64| {
            let least = Tile::from_index(HEIGHT, *index);
            let hashes = self.tiles.get(&(least.level(), least.level_index())).ok_or(Error::IndexesNotInTree)?;
            least.hash_at_index(hashes, *index)
        };
        indexes.iter().map(hash).collect()
    }
}

/// Notes which tiles are asked for.
struct Asked {
    size: u64,
    tiles: RefCell<BTreeSet<LogTile>>,
}

impl HashReader for Asked {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let tiles = indexes.iter().map(|index| Tile::from_index(HEIGHT, *index));
        let tiles = tiles.filter_map(|tile| LogTile::of(TileKind::Hashes(tile.level()), tile.level_index(), self.size));
        self.tiles.borrow_mut().extend(tiles);
        Ok(vec![Hash::default(); indexes.len()])
    }
}

/// The hash of an entry in the tree.
pub fn leaf(entry: &[u8]) -> Digest {
    tlog_tiles::record_hash(entry).0.into()
}

/// Whether `proof` shows that a tree of `size` entries with that root has this entry at place `n`.
pub fn is_proven(proof: &[Digest], size: u64, root: Digest, n: u64, entry: &[u8]) -> bool {
    let proof = proof.iter().map(|hash| Hash(hash.bytes())).collect();
    tlog_tiles::check_record(&proof, size, Hash(root.bytes()), n, Hash(leaf(entry).bytes())).is_ok()
}

/// Entries as they lie in a tile: before each its length, 16 bits, big-endian.
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        // Longer ones are refused where entries are made.
        bundle.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bundle.extend(entry);
    }
    bundle
}

/// The entries of a bundle; none if it is not one.
pub fn unbundle(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64) -> Vec<u8> {
        format!("entry {n}").into_bytes()
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|n| tree.push(&entry(n)).unwrap());
        tree
    }

    /// Inputs and roots that the first implementation of RFC 6962 is tested with.
    /// Source: <https://github.com/google/certificate-transparency/blob/master/cpp/merkletree/merkle_tree_test.cc>
    #[test]
    fn roots_are_those_of_the_known_vectors() {
        let inputs =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(tree.root().unwrap(), Digest::of(b""));
        for (input, root) in inputs.iter().zip(roots) {
            tree.push(&hex::decode(input).unwrap()).unwrap();
            assert_eq!(tree.root().unwrap().to_string(), root, "{} entries", tree.size());
        }
    }

    #[test]
    fn a_path_is_that_of_the_standard_and_is_read_back() {
        for (kind, n, width, path) in [
            (TileKind::Hashes(0), 0, 256, "tile/0/000"),
            (TileKind::Hashes(1), 5, 1, "tile/1/005.p/1"),
            (TileKind::Hashes(0), 1_234_067, 8, "tile/0/x001/x234/067.p/8"),
            (TileKind::Entries, 999, 256, "tile/entries/999"),
            (TileKind::Entries, 1_000, 255, "tile/entries/x001/000.p/255"),
        ] {
            let tile = LogTile { kind, n, width };
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
        let others =
            ["tile/0/0", "tile/0/001/067", "tile/0/000.p/256", "tile/0/000.p/0", "tile/data/000", "tile/00/000"];
        for path in others.into_iter().chain(["", "checkpoint", "tile/0/000.p/01", "tile/0/x000/001", "tile/0/000/"]) {
            assert_eq!(path.parse::<LogTile>(), Err(TilePathError), "{path}");
        }
    }

    #[test]
    fn a_tree_goes_on_from_its_right_edge_alone() {
        let (whole, mut grown) = (tree(66_000), Tree::default());
        for n in 0..66_000 {
            grown.push(&entry(n)).unwrap();
            grown.keep_edge();
        }
        let edge = LogTile::edge(66_000);
        assert_eq!(edge.len(), 4, "{edge:?}");
        for tile in edge.iter().skip(1) {
            assert_eq!(grown.hashes(*tile), whole.hashes(*tile), "{tile}");
        }
        assert_eq!(grown.root().unwrap(), whole.root().unwrap());
        let resumed = edge[1..].iter().map(|tile| (*tile, whole.hashes(*tile).unwrap().to_vec()));
        let mut resumed = Tree::of(66_000, resumed);
        resumed.push(&entry(66_000)).unwrap();
        assert_eq!(resumed.root().unwrap(), tree(66_001).root().unwrap());
    }

    #[test]
    fn what_is_added_is_every_tile_that_is_new_or_wider() {
        let paths = |old, new| LogTile::added(old, new).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(paths(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(paths(1, 3), ["tile/entries/000.p/3", "tile/0/000.p/3"]);
        assert_eq!(paths(250, 256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(paths(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
        assert_eq!(paths(7, 7), [""; 0]);
        assert_eq!(LogTile::edge(256).iter().map(ToString::to_string).collect::<Vec<_>>(), ["tile/1/000.p/1"]);
    }

    #[test]
    fn an_entry_is_proven_by_its_proof_at_its_place_and_in_no_other_way() {
        let size = 1_337;
        let whole = tree(size);
        let root = whole.root().unwrap();
        for n in [0, 1, 255, 256, 700, 1_280, 1_336] {
            let needed = Tree::needed(size, n);
            assert!(needed.len() <= 3, "{needed:?}");
            let part = Tree::of(size, needed.into_iter().map(|tile| (tile, whole.hashes(tile).unwrap().to_vec())));
            let proof = part.prove(n).unwrap();
            assert!(is_proven(&proof, size, root, n, &entry(n)));
            assert!(!is_proven(&proof, size, root, n, &entry(n + 1)));
            assert!(!is_proven(&proof, size, root, n ^ 1, &entry(n)));
            assert!(!is_proven(&proof[1..], size, root, n, &entry(n)));
            assert!(!is_proven(&proof, size, Digest::of(b"other"), n, &entry(n)));
        }
        assert!(whole.prove(size).is_err());
        assert!(Tree::of(size, []).prove(1).is_err());
    }

    #[test]
    fn entries_are_read_from_a_bundle_as_they_were_written() {
        let entries: [&[u8]; 3] = [b"one", b"", b"three"];
        let bundle = bundle(entries);
        assert_eq!(bundle, b"\0\x03one\0\0\0\x05three");
        assert_eq!(unbundle(&bundle).unwrap(), entries);
        assert_eq!(unbundle(b"").unwrap(), [b""; 0]);
        for cut in [1, 4, bundle.len() - 1] {
            let whole = unbundle(&bundle[..cut]).map(|entries| entries.len());
            assert!(whole.is_none_or(|count| count < 3), "{cut}");
        }
    }
}
