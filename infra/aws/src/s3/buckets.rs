//! What all operations work with: the table, the files, and the clock.

use std::sync::Arc;

use rusqlite::Transaction;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, TrailingHeaders};
use tokio::task::spawn_blocking;

use super::blob::{Blob, Blobs, Piece};
use super::checksum::{Algorithm, Claims, Kept};
use super::lifecycle::{self, LastDay};
use super::object::Refusal;
use crate::engine::{Clock, millis};
use crate::store::Store;

/// The most keys, or parts, of one page.
pub(super) const PAGE_MAX: i32 = 1000;

#[derive(Clone)]
pub(super) struct Buckets {
    pub(super) store: Arc<Store>,
    pub(super) blobs: Blobs,
    pub(super) clock: Clock,
    pub(super) carried_out: Arc<LastDay>,
}

impl Buckets {
    pub(super) fn now(&self) -> u64 {
        u64::try_from(millis(&self.clock)).unwrap_or_default()
    }

    /// Does what lifecycle rules ask for, once a day.
    pub(super) async fn carry_out_rules(&self) -> S3Result<()> {
        let now = self.now();
        if !self.carried_out.has_passed(now) {
            return Ok(());
        }
        let carried_out = self.commit(None, move |transaction| Ok(((), lifecycle::carry_out(transaction, now)?))).await;
        carried_out.inspect_err(|_| self.carried_out.forget())
    }

    /// Brings a body to disk and holds it to what its sender claims; returns it with the digest to keep.
    pub(super) async fn take_in(
        &self,
        body: Option<StreamingBlob>,
        claims: Claims,
        algorithm: Algorithm,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<(Blob, Kept)> {
        let mut blob = self.blobs.write(body, claims.hasher(algorithm)).await?;
        let trailers = trailers.and_then(|trailers| trailers.take());
        let md5 = blob.md5;
        claims.verify(trailers, md5, &mut blob.sums)?;
        let kept = Kept::of_whole(algorithm, &mut blob.sums);
        Ok((blob, kept))
    }

    /// Makes what `work` writes visible: from then on `blob` is named, and what it replaced is removed.
    ///
    /// All of it in one go that finishes even if the caller gives up: a blob's fate follows the transaction's.
    pub(super) async fn commit<T: Send + 'static>(
        &self,
        blob: Option<Blob>,
        work: impl FnOnce(&Transaction) -> Result<(T, Vec<Piece>), Refusal> + Send + 'static,
    ) -> S3Result<T> {
        let (store, blobs) = (self.store.clone(), self.blobs.clone());
        let committed = spawn_blocking(move || {
            let (answer, replaced) = store.transact(work)?;
            if let Some(blob) = blob {
                blob.keep();
            }
            blobs.remove(&replaced);
            Ok::<T, Refusal>(answer)
        });
        Ok(committed.await.map_err(S3Error::internal_error)??)
    }
}
