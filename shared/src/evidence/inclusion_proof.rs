//! Proofs of inclusion: that an entry is in the log that a checkpoint was signed over (C2SP tlog-proof).
//!
//! A proof is made from the tiles and the checkpoint as they lie in the bucket, and checked before it is given out.
//! Nothing secret is needed, so whoever may read the bucket can make one.
//!
//! Cost: a checkpoint, its keys, and of each entry its bundle and up to one tile a level, each a GET of S3.

use std::{collections::BTreeMap, fmt::Write as _};

use futures::future::try_join_all;

use crate::{
    base::{digest::Digest, id::FirmId},
    evidence::{
        bucket::BucketError,
        checkpoint::{Checkpoint, VerifyingKeys},
        log_store::{LogStore, kept_checkpoint, key, verifying_key},
        tlog::{LogTile, TILE_WIDTH, TileKind, Tree, is_proven, unbundle},
    },
};

/// Tiles of a log that are kept while entry after entry is proven.
const TILES_KEPT: usize = 64;

/// A log that proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// An object of it is missing, or is not what was signed.
    #[error("{key} is missing, or is not as it was written")]
    Broken {
        /// The object.
        key: String,
    },
    /// S3 refuses or does not answer.
    #[error(transparent)]
    Log(#[from] BucketError),
}

/// A log as it was when a checkpoint was signed.
#[derive(Debug)]
pub struct SignedLog<'a> {
    store: &'a LogStore,
    firm: FirmId,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The checkpoint as it was signed.
    pub note: String,
    /// The keys that signed it.
    pub keys: VerifyingKeys,
    /// Full tiles that were read already: other entries are proven by them too.
    tiles: BTreeMap<LogTile, Vec<u8>>,
}

/// An entry, and what proves that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntryProof {
    /// The entry.
    pub entry: Vec<u8>,
    /// The proof as C2SP tlog-proof writes it, with the checkpoint at its end.
    pub text: String,
}

impl<'a> SignedLog<'a> {
    /// The log as it was when it had `size` entries: one of the sizes that a checkpoint was signed at.
    ///
    /// Errors: there is no such checkpoint, or its signature does not hold; S3 refuses or does not answer.
    pub async fn open(store: &'a LogStore, firm: FirmId, size: u64) -> Result<Self, ProofError> {
        let name = kept_checkpoint(size);
        let broken = || ProofError::Broken { key: key(firm, &name) };
        let bytes = store.find(firm, &name).await?.ok_or_else(broken)?.bytes;
        let names: Vec<String> = Checkpoint::signers(&bytes).iter().map(|id| verifying_key(id)).collect();
        let found = try_join_all(names.iter().map(|name| store.find(firm, name))).await?;
        let texts = found.into_iter().flatten().filter_map(|key| String::from_utf8(key.bytes).ok());
        let keys = VerifyingKeys::of(firm, texts.map(|text| text.trim_end().to_owned()));
        let (checkpoint, _) = Checkpoint::open(firm, &bytes, &keys).map_err(|_| broken())?;
        if checkpoint.size != size {
            return Err(broken());
        }
        let note = String::from_utf8(bytes).map_err(|_| broken())?;
        Ok(Self { store, firm, checkpoint, note, keys, tiles: BTreeMap::new() })
    }

    /// Proves the entry of fact `number`: the log has its hash where it belongs.
    ///
    /// Errors: the log has no such entry, or its tiles are not those that were signed; S3 refuses or does not answer.
    pub async fn prove(&mut self, number: u64) -> Result<LogEntryProof, ProofError> {
        let Checkpoint { size, root, .. } = self.checkpoint;
        let n = number.saturating_sub(1);
        let bundled = LogTile::of(TileKind::Entries, n / TILE_WIDTH, size).filter(|_| number > 0 && n < size);
        let bundled = bundled.ok_or_else(|| self.broken(&kept_checkpoint(size)))?;
        let needed = Tree::needed(size, n);
        let missing: Vec<LogTile> =
            needed.iter().chain([&bundled]).filter(|tile| !self.tiles.contains_key(*tile)).copied().collect();
        let this = &*self;
        let read = missing.into_iter().map(|tile| async move { Ok::<_, ProofError>((tile, this.read(tile).await?)) });
        let read = try_join_all(read).await?;
        // Of a large log only those are kept that the next entries are likely to need.
        if self.tiles.len() > TILES_KEPT {
            self.tiles.retain(|tile, _| needed.contains(tile) || *tile == bundled);
        }
        self.tiles.extend(read);
        let entries = self.tiles.get(&bundled).and_then(|bytes| unbundle(bytes)).unwrap_or_default();
        let entry = entries.get(usize::try_from(n % TILE_WIDTH).unwrap_or_default()).map(|entry| entry.to_vec());
        let entry = entry.ok_or_else(|| self.broken(&bundled.to_string()))?;
        let hashes = needed.iter().filter_map(|tile| Some((*tile, self.tiles.get(tile)?.clone())));
        let tree = Tree::of(size, hashes);
        let proof = tree.prove(n).map_err(|_| self.broken(&kept_checkpoint(size)))?;
        if !is_proven(&proof, size, root, n, &entry) {
            return Err(self.broken(&bundled.to_string()));
        }
        Ok(LogEntryProof { entry, text: text(n, &proof, &self.note) })
    }

    async fn read(&self, tile: LogTile) -> Result<Vec<u8>, ProofError> {
        let object = self.store.find(self.firm, &tile.to_string()).await?;
        Ok(object.ok_or_else(|| self.broken(&tile.to_string()))?.bytes)
    }

    fn broken(&self, name: &str) -> ProofError {
        ProofError::Broken { key: key(self.firm, name) }
    }
}

/// Source: <https://c2sp.org/tlog-proof>
fn text(n: u64, proof: &[Digest], note: &str) -> String {
    let mut text = format!("c2sp.org/tlog-proof@v1\nindex {n}\n");
    for hash in proof {
        let _ = writeln!(text, "{}", hash.base64());
    }
    text + "\n" + note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_written_as_the_standard_says_and_is_small() {
        let note = "greffe/firms/f\n2\nroot=\n\n— greffe/firms/f sig=\n";
        let written = text(1, &[Digest::of(b"")], note);
        let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(written, format!("c2sp.org/tlog-proof@v1\nindex 1\n{hash}\n\n{note}"));
        // A log of four billion entries, and a checkpoint of 300 bytes.
        assert!(text(u64::from(u32::MAX), &[Digest::of(b""); 32], &"x".repeat(300)).len() < 2_000);
    }
}
