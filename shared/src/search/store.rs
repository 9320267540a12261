//! The objects of the indexes in S3, and how they are read: a small segment at once, a large one in blocks.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_s3::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use http_body_util::{BodyExt as _, Limited};
use lru::LruCache;
use serde_json::Value;
use tantivy::directory::OwnedBytes;
use tokio::runtime::Handle;

use crate::{
    aws::link::{Links, WriteCondition, is_conflict, is_missing},
    base::id::FirmId,
    search::{
        index_error::IndexError,
        index_head::{IndexHead, SegmentEntry},
        pack::{BLOCK_BYTES, ByteSource, Contents, Whole},
        segment::Segment,
    },
};

/// Longest head that is read: far more segments than an index has.
const HEAD_BYTES_MAX: usize = 4 << 20;
/// A segment up to this size is read at once.
const WHOLE_BYTES_MAX: u64 = 1 << 20;
/// Blocks that one request reads at most.
const REQUEST_BLOCKS_MAX: u64 = 64;
/// Tries of a write at whose key another was written at the same moment.
const TRIES_MAX: usize = 4;

/// The head of an index, as it was read.
#[derive(Debug, Clone)]
pub struct FoundHead {
    /// What it says; none if this version can't read it, or if it is no head.
    pub head: Option<IndexHead>,
    /// The names of its segments, as far as they can be read.
    pub segments: Vec<String>,
    /// What names this state of it.
    pub etag: String,
}

/// The bucket of the indexes.
#[derive(Debug, Clone)]
pub struct IndexStore {
    links: Links,
    client: Client,
    bucket: String,
}

fn key(firm: FirmId, name: &str) -> String {
    format!("firms/{firm}/index/{name}")
}

impl IndexStore {
    /// Over links to its bucket; the SDK's client lists it.
    pub fn new(client: Client, links: Links, bucket: String) -> Self {
        Self { links, client, bucket }
    }

    /// The head of a firm's index, if it has one.
    ///
    /// Errors: S3 refuses or does not answer, or the head can't be read.
    pub async fn head(&self, firm: FirmId) -> Result<Option<FoundHead>, IndexError> {
        let key = key(firm, "head");
        let failed = |source| IndexError::Store { attempted: "read", key: key.clone(), source };
        let Some(found) = self.links.find(&key).await.map_err(failed)? else { return Ok(None) };
        let read = Limited::new(found.body, HEAD_BYTES_MAX).collect().await.map_err(failed)?;
        let said: Value = serde_json::from_slice(&read.to_bytes()).unwrap_or_default();
        let segments = said["segments"].as_array().into_iter().flatten();
        let segments: Vec<String> =
            segments.filter_map(|segment| segment["name"].as_str().map(str::to_owned)).collect();
        let head = serde_json::from_value(said).ok().filter(IndexHead::is_readable);
        Ok(Some(FoundHead { head, segments, etag: found.etag }))
    }

    /// Writes the head, if the one until now has that `etag`, or if there is none; whether it was so.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn replace_head(&self, firm: FirmId, head: &IndexHead, etag: Option<&str>) -> Result<bool, IndexError> {
        let bytes = serde_json::to_vec(head).map_err(|error| IndexError::Engine(error.into()))?;
        let condition = etag.map_or(WriteCondition::IsNew, WriteCondition::Is);
        self.write(firm, "head", bytes, condition).await
    }

    /// Writes a segment for good.
    ///
    /// Errors: S3 refuses or does not answer.
    pub(super) async fn write_segment(&self, firm: FirmId, name: &str, bytes: Vec<u8>) -> Result<(), IndexError> {
        // Its name is drawn: what is there already is what an earlier try wrote.
        self.write(firm, name, bytes, WriteCondition::IsNew).await.map(|_| ())
    }

    async fn write(
        &self,
        firm: FirmId,
        name: &str,
        bytes: Vec<u8>,
        condition: WriteCondition<'_>,
    ) -> Result<bool, IndexError> {
        let key = key(firm, name);
        let mut tries = 1;
        loop {
            match self.links.write(&key, bytes.clone(), condition).await {
                Ok(written) => return Ok(written),
                // Another writes the same key at this moment.
                Err(source) if tries == TRIES_MAX || !is_conflict(source.as_ref()) => {
                    return Err(IndexError::Store { attempted: "write", key, source });
                }
                Err(_) => tries += 1,
            }
        }
    }

    /// Removes an object. It may be gone.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn delete(&self, firm: FirmId, name: &str) -> Result<(), IndexError> {
        let key = key(firm, name);
        self.links.delete(&key).await.map_err(|source| IndexError::Store { attempted: "remove", key, source })
    }

    /// Removes all objects of a firm's index but its head, the segments that it names, and those of its generation,
    /// which may be named soon: also what an indexer left that died between its two writes.
    ///
    /// Errors: S3 refuses or does not answer, or the head can't be read.
    pub(super) async fn delete_unnamed(&self, firm: FirmId) -> Result<(), IndexError> {
        let (root, mut names) = (key(firm, ""), Vec::new());
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&root).into_paginator().send();
        while let Some(page) = pages.next().await {
            let failed = |source: BoxError| IndexError::Store { attempted: "list", key: root.clone(), source };
            let page = page.map_err(|source| failed(source.into()))?;
            names.extend(
                page.contents().iter().filter_map(|object| Some(object.key()?.strip_prefix(&root)?.to_owned())),
            );
        }
        // Read after the list: what this head lacks, of another generation, no later head can name.
        let found = self.head(firm).await?;
        let own = found.as_ref().and_then(|found| found.head.as_ref()).map(|head| format!("{}/", head.generation));
        let named = found.map(|found| found.segments).unwrap_or_default();
        for name in names {
            let stays = own.as_ref().is_some_and(|own| name.starts_with(own)) || named.contains(&name);
            if name != "head" && !stays {
                self.delete(firm, &name).await?;
            }
        }
        Ok(())
    }

    async fn bytes(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, IndexError> {
        let failed = |source: BoxError| match is_missing(source.as_ref()) {
            true => IndexError::Missing { key: key.to_owned() },
            false => IndexError::Store { attempted: "read", key: key.to_owned(), source },
        };
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let body = self.links.read(key, Some(range.start..=range.end.saturating_sub(1))).await.map_err(failed)?;
        let read = Limited::new(body, length).collect().await.map_err(failed)?.to_bytes();
        if read.len() == length { Ok(read.into()) } else { Err(IndexError::Damaged { key: key.to_owned() }) }
    }

    /// Opens a segment. `kept`: blocks that were read before; none reads the whole at once.
    ///
    /// Errors: S3 refuses or does not answer, or the segment is not as it was written.
    pub(super) async fn open(
        &self,
        firm: FirmId,
        entry: &SegmentEntry,
        kept: Option<&Blocks>,
    ) -> Result<Segment, IndexError> {
        let key = key(firm, &entry.name);
        let damaged = || IndexError::Damaged { key: key.clone() };
        let start = entry.bytes.checked_sub(entry.contents_bytes).ok_or_else(damaged)?;
        let is_whole = kept.is_none() || entry.bytes <= WHOLE_BYTES_MAX;
        let first = if is_whole { 0 } else { start };
        let mut read = self.bytes(&key, first..entry.bytes).await?;
        let contents = read.split_off(usize::try_from(start - first).map_err(|_| damaged())?);
        let contents = Contents::read(&contents, &entry.contents_digest).ok_or_else(damaged)?;
        let source: Arc<dyn ByteSource> = match kept.filter(|_| !is_whole) {
            None => {
                let blocks = read.chunks(usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX));
                if !(0..).zip(blocks).all(|(block, bytes)| contents.holds(block, bytes)) {
                    return Err(damaged());
                }
                Arc::new(Whole(OwnedBytes::new(read)))
            }
            Some(kept) => Arc::new(InBlocks {
                store: self.clone(),
                key: key.into(),
                length: start,
                contents: Arc::new(contents.clone()),
                kept: kept.clone(),
                runtime: Handle::current(),
            }),
        };
        let opened = tokio::task::spawn_blocking(move || Segment::open(&contents, source)).await;
        opened.map_err(|panicked| IndexError::Engine(panicked.into()))?
    }
}

/// The key of a segment, and the number of a block of it.
type BlockKey = (Arc<str>, u64);

/// Blocks that were read, of all segments, the last used ones.
#[derive(Clone)]
pub(super) struct Blocks(Arc<Mutex<LruCache<BlockKey, OwnedBytes>>>);

impl Blocks {
    /// So many at most.
    pub(super) fn new(count: std::num::NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(count))))
    }

    fn find(&self, key: &Arc<str>, block: u64) -> Option<OwnedBytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(key.clone(), block)).cloned()
    }

    fn keep(&self, key: &Arc<str>, block: u64, bytes: OwnedBytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put((key.clone(), block), bytes);
    }
}

/// A segment that is read as needed. It waits for S3 on the thread that it is read on, so that must be one that may
/// block.
struct InBlocks {
    store: IndexStore,
    key: Arc<str>,
    /// Without the table of contents.
    length: u64,
    contents: Arc<Contents>,
    kept: Blocks,
    runtime: Handle,
}

impl InBlocks {
    /// Reads these blocks, which are none that is kept.
    fn fetch(&self, blocks: Range<u64>) -> Result<Vec<OwnedBytes>, IndexError> {
        let range = blocks.start * BLOCK_BYTES..(blocks.end * BLOCK_BYTES).min(self.length);
        let read = self.runtime.block_on(self.store.bytes(&self.key, range))?;
        let read = OwnedBytes::new(read);
        let block_bytes = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        let pieces = (0..read.len()).step_by(block_bytes).map(|at| read.slice(at..(at + block_bytes).min(read.len())));
        let pieces: Vec<OwnedBytes> = pieces.collect();
        for (block, bytes) in blocks.zip(&pieces) {
            if !self.contents.holds(block, bytes) {
                return Err(IndexError::Damaged { key: self.key.to_string() });
            }
            self.kept.keep(&self.key, block, OwnedBytes::new(bytes.to_vec()));
        }
        Ok(pieces)
    }
}

impl ByteSource for InBlocks {
    fn read(&self, range: Range<u64>) -> Result<OwnedBytes, IndexError> {
        if range.end > self.length || range.start >= range.end {
            return Err(IndexError::Damaged { key: self.key.to_string() });
        }
        let (first, last) = (range.start / BLOCK_BYTES, (range.end - 1) / BLOCK_BYTES);
        let mut pieces: Vec<OwnedBytes> = Vec::new();
        let mut block = first;
        while block <= last {
            if let Some(kept) = self.kept.find(&self.key, block) {
                pieces.push(kept);
                block += 1;
                continue;
            }
            let until = (block + 1..=last).find(|next| self.kept.find(&self.key, *next).is_some());
            let until = until.unwrap_or(last + 1).min(block + REQUEST_BLOCKS_MAX);
            pieces.extend(self.fetch(block..until)?);
            block = until;
        }
        let offset = usize::try_from(range.start - first * BLOCK_BYTES).unwrap_or(usize::MAX);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        if let [one] = &pieces[..] {
            return Ok(one.slice(offset..offset + length));
        }
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).skip(offset).take(length).collect();
        Ok(OwnedBytes::new(all))
    }
}
