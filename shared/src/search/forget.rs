//! Takes mails out of an index: only the segments that hold one of them are written again.
//!
//! The new head begins another generation, so an indexer that read the head before can't end its work: it may have read
//! a mail before that was erased. What no head names then is deleted.
//!
//! Cost: of each segment in whose range one of the numbers is, a few blocks are read; a segment that holds one of the
//! mails is read and written whole. One PUT of the head, one LIST, and a DELETE of each object that is replaced.

use std::{collections::BTreeSet, num::NonZeroUsize};

use crate::{
    base::id::FirmId,
    search::{
        index_head::{IndexHead, SegmentEntry},
        indexer::{Indexer, IndexingError, TRIES_MAX},
        segment::{Segment, blocking},
        store::{Blocks, FoundHead},
    },
};

/// Blocks that are kept of a segment while its numbers are read.
const BLOCKS_KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("more than 0");

impl Indexer<'_> {
    /// Leaves no word of the mails with these numbers in any object of a firm's index. To be called once their facts
    /// are void. A second call changes no segment. An index that is damaged is begun again.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn forget(&self, firm: FirmId, numbers: &BTreeSet<u64>) -> Result<(), IndexingError> {
        for _ in 0..TRIES_MAX {
            let Some(FoundHead { head, etag, .. }) = self.store.head(firm).await? else {
                return Ok(self.store.delete_unnamed(firm).await?);
            };
            let new = match head {
                None => IndexHead::new(self.name()),
                Some(head) => match self.segments_without(firm, &head, numbers).await {
                    Ok(segments) => head.begun_again_with(self.name(), segments),
                    // Another indexer merged them meanwhile.
                    Err(_) if self.has_moved(firm, Some(&etag)).await? => continue,
                    Err(IndexingError::Index(error)) if error.is_damage() => IndexHead::new(self.name()),
                    Err(error) => return Err(error),
                },
            };
            if self.store.replace_head(firm, &new, Some(&etag)).await? {
                return Ok(self.store.delete_unnamed(firm).await?);
            }
        }
        Err(IndexingError::Busy)
    }

    /// The segments of an index once they have none of these mails.
    async fn segments_without(
        &self,
        firm: FirmId,
        head: &IndexHead,
        numbers: &BTreeSet<u64>,
    ) -> Result<Vec<SegmentEntry>, IndexingError> {
        let mut segments = Vec::new();
        for entry in &head.segments {
            segments.extend(self.segment_without(firm, head, entry, numbers).await?);
        }
        Ok(segments)
    }

    /// A segment once it has none of these mails; none if nothing is left of it.
    async fn segment_without(
        &self,
        firm: FirmId,
        head: &IndexHead,
        entry: &SegmentEntry,
        numbers: &BTreeSet<u64>,
    ) -> Result<Option<SegmentEntry>, IndexingError> {
        let within: BTreeSet<u64> = numbers.range(entry.first..=entry.last).copied().collect();
        if within.is_empty() {
            return Ok(Some(entry.clone()));
        }
        let segment = self.store.open(firm, entry, Some(&Blocks::new(BLOCKS_KEPT))).await?;
        if !segment.has_any(&within) {
            return Ok(Some(entry.clone()));
        }
        let segment = self.store.open(firm, entry, None).await?;
        let Some((packed, mails)) = blocking(move || Segment::without(&segment, &within)).await? else {
            return Ok(None);
        };
        let new = SegmentEntry {
            name: self.segment_name(head, entry.first, entry.last),
            mails,
            bytes: packed.bytes.len() as u64,
            contents_bytes: packed.contents_bytes,
            contents_digest: packed.contents_digest,
            ..entry.clone()
        };
        self.store.write_segment(firm, &new.name, packed.bytes).await?;
        Ok(Some(new))
    }
}
