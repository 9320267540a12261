//! The indexer: brings a firm's index up to its feed.
//!
//! It reads facts and originals, writes a segment, and then the head that names it, on condition that the head is still
//! the one that it read. So several indexers, or one that dies, do no harm: a segment that no head names is never read.
//! Segments that were merged are removed by the next indexer, so that a search that read the head before still finds
//! them.
//!
//! Cost: 2 PUTs for up to 1,000 facts, and one GET for each original; merging reads and writes a mail about five times
//! more, a thousand and more mails a request.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::{
    aws::{
        link::is_missing,
        table::{Key, Table},
        worker::Deadline,
    },
    base::{clock::Clock, id::FirmId, random::Random, telemetry::ErrorChain},
    firm::{
        fact::StoredFact,
        feed::{Feed, FeedError},
        index_due::IndexDue,
    },
    mail::{
        archive::{Archive, OriginalKey},
        message::Message,
        opened::{OpenMailError, OpenedMail},
    },
    search::{
        index_error::IndexError,
        index_head::{IndexHead, SegmentEntry},
        mail::IndexedMail,
        segment::Segment,
        store::{FoundHead, IndexStore},
    },
};

/// Facts that are indexed at a time.
const FACTS_MAX: usize = 1_000;
/// Bytes of text that are indexed at a time; the rest waits for the next time.
const TEXTS_BYTES_MAX: usize = 32 << 20;
/// Originals that are read side by side.
const READ_AT_ONCE: usize = 16;
/// How long a fact may wait before it is in the index. What waits is searched all the same.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// How soon an index is due again that had a backlog.
const BACKLOG_PAUSE: Duration = Duration::from_secs(60);
/// Facts that make a backlog.
const BACKLOG_FACTS: u64 = 100;
/// Tries against other indexers.
pub(super) const TRIES_MAX: usize = 16;

/// What indexing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedFacts {
    /// The facts up to this number are in the index.
    pub upto: u64,
    /// How many of them are new.
    pub added: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// An index that could not be brought up to its feed.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The feed or the table.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// An original.
    #[error(transparent)]
    Original(#[from] OpenMailError),
    /// Others were faster each time.
    #[error("other indexers were faster {TRIES_MAX} times")]
    Busy,
}

/// What an indexer works with.
#[derive(Debug, Clone, Copy)]
pub struct Indexer<'a> {
    /// The indexes.
    pub store: &'a IndexStore,
    /// The originals.
    pub archive: &'a Archive,
    /// The facts.
    pub feed: &'a Feed,
    /// Where names of segments come from.
    pub random: &'a Random,
}

/// What the original of a mail says, added to what its fact says. An original that is gone leaves the fact.
/// One that is kept longer since, or less long, lies where the table has it.
pub(super) async fn read<E: From<OpenMailError> + From<FeedError>>(
    (archive, feed): (&Archive, &Feed),
    firm: FirmId,
    mail: &mut IndexedMail,
) -> Result<(), E> {
    let Some((bytes, until)) = mail.original else { return Ok(()) };
    let open = async |until| {
        let key = OriginalKey::new(firm, mail.message, until);
        OpenedMail::open((archive, Some(feed.table())), key, bytes, &[]).await
    };
    let opened = match open(until).await {
        Err(error) if is_missing(&error) => {
            let message =
                feed.table().get::<Message>(&Key::message(firm, mail.message)).await.map_err(FeedError::from)?;
            let elsewhere = message.and_then(|row| row.value.original().map(|original| original.until));
            match elsewhere.filter(|elsewhere| *elsewhere != until) {
                Some(elsewhere) => open(elsewhere).await,
                None => return Ok(()),
            }
        }
        opened => opened,
    };
    let opened = match opened {
        Err(error) if is_missing(&error) => return Ok(()),
        opened => opened?,
    };
    let texts = opened.texts().await?;
    let (text, _) = opened.outline.text(|range| texts.get(&range.start).map_or(&[], Vec::as_slice));
    mail.read(&opened.outline, text);
    Ok(())
}

impl Indexer<'_> {
    /// Indexes until all is indexed or `deadline` is near, and notes when the index is due again: in a quarter
    /// of an hour, or sooner where facts come fast. An index that is damaged is made again from the beginning.
    ///
    /// Errors: as [`Indexer::append`]; the index is due again all the same.
    pub async fn follow(
        &self,
        table: &Table,
        firm: FirmId,
        clock: &Clock,
        deadline: &Deadline,
    ) -> Result<IndexedFacts, IndexingError> {
        let due = table.get::<IndexDue>(&Key::index_due(firm)).await.map_err(FeedError::from)?;
        if let Some(generation) = due.and_then(|row| row.value.damaged) {
            self.restart(firm, Some(&generation)).await?;
        }
        let mut added = 0;
        let indexed = loop {
            let indexed = match self.append(firm, clock.now()).await {
                Err(IndexingError::Index(error)) if error.is_damage() => {
                    tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an index is damaged and made again");
                    match self.restart(firm, None).await {
                        Ok(()) => self.append(firm, clock.now()).await,
                        Err(error) => Err(error),
                    }
                }
                indexed => indexed,
            };
            added += indexed.as_ref().map_or(0, |indexed| indexed.added);
            if !indexed.as_ref().is_ok_and(|indexed| indexed.more) || deadline.is_near() {
                break indexed.map(|indexed| IndexedFacts { added, ..indexed });
            }
        };
        let is_behind = indexed.as_ref().is_ok_and(|indexed| indexed.more) || added >= BACKLOG_FACTS;
        let due = clock.now() + if is_behind { BACKLOG_PAUSE } else { PAUSE };
        table.write(IndexDue::at(firm, due)).await.map_err(FeedError::from)?;
        indexed
    }

    /// Begins a firm's index again, if it is of that `generation`, or of any.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn restart(&self, firm: FirmId, generation: Option<&str>) -> Result<(), IndexingError> {
        for _ in 0..TRIES_MAX {
            let Some(FoundHead { head, segments, etag }) = self.store.head(firm).await? else { return Ok(()) };
            let is_other = head.is_some_and(|head| generation.is_some_and(|damaged| damaged != head.generation));
            if is_other {
                return Ok(());
            }
            let mut new = IndexHead::new(self.name());
            new.replaced = segments;
            if self.store.replace_head(firm, &new, Some(&etag)).await? {
                return Ok(());
            }
        }
        Err(IndexingError::Busy)
    }

    pub(super) fn name(&self) -> String {
        let mut name = self.random.uuid().simple().to_string();
        name.truncate(8);
        name
    }

    /// The name of a new segment. It is of the generation of the head that was read: who reads a later generation may
    /// delete it, because this head is replaced no more.
    pub(super) fn segment_name(&self, head: &IndexHead, first: u64, last: u64) -> String {
        format!("{}/{first}-{last}-{}", head.generation, self.name())
    }

    /// Indexes up to 1,000 facts that the index lacks. It stops at a number that may still be written.
    ///
    /// Errors: S3, the table or the feed refuses or does not answer, or the index is damaged.
    pub async fn append(&self, firm: FirmId, now: Timestamp) -> Result<IndexedFacts, IndexingError> {
        for _ in 0..TRIES_MAX {
            let (head, etag) = match self.store.head(firm).await? {
                None => (IndexHead::new(self.name()), None),
                Some(FoundHead { head: Some(head), etag, .. }) => (head, Some(etag)),
                Some(FoundHead { head: None, .. }) => {
                    return Err(IndexError::Damaged { key: format!("the head of the index of firm {firm}") }.into());
                }
            };
            let facts = self.feed.stored_facts_after(firm, head.upto, FACTS_MAX, now).await?;
            if facts.is_empty() && head.replaced.is_empty() {
                return Ok(IndexedFacts { upto: head.upto, added: 0, more: false });
            }
            for name in &head.replaced {
                self.store.delete(firm, name).await?;
            }
            let more = facts.len() == FACTS_MAX;
            let (mails, upto, is_all) = self.mails(firm, facts, head.upto).await?;
            let merged = if mails.is_empty() { &[] } else { head.merged_with(mails.len() as u64) };
            let segment = match self.segment(firm, &head, merged, &mails, upto).await {
                // Another indexer merged them meanwhile.
                Err(IndexingError::Index(error))
                    if error.is_damage() && self.has_moved(firm, etag.as_deref()).await? =>
                {
                    continue;
                }
                segment => segment?,
            };
            let name = segment.as_ref().map(|segment| segment.name.clone());
            let new = head.with(segment, merged, upto);
            if self.store.replace_head(firm, &new, etag.as_deref()).await? {
                return Ok(IndexedFacts { upto, added: upto - head.upto, more: more || !is_all });
            }
            if let Some(name) = name {
                self.discard(firm, &name).await?;
            }
        }
        Err(IndexingError::Busy)
    }

    /// Whether the head is another one than that with this `etag`.
    pub(super) async fn has_moved(&self, firm: FirmId, etag: Option<&str>) -> Result<bool, IndexingError> {
        Ok(self.store.head(firm).await?.as_ref().map(|found| found.etag.as_str()) != etag)
    }

    /// Removes a segment that no head names, because another indexer was faster.
    async fn discard(&self, firm: FirmId, name: &str) -> Result<(), IndexingError> {
        let head = self.store.head(firm).await?.and_then(|found| found.head);
        // The write may have succeeded, and only its answer been lost.
        let is_named = head.is_some_and(|head| head.segments.iter().any(|segment| segment.name == name));
        if !is_named {
            self.store.delete(firm, name).await?;
        }
        Ok(())
    }

    /// The mails of these facts with what their originals say, up to which number, and whether that is all.
    async fn mails(
        &self,
        firm: FirmId,
        facts: Vec<(u64, StoredFact)>,
        after: u64,
    ) -> Result<(Vec<IndexedMail>, u64, bool), IndexingError> {
        let mut upto = after;
        let mut mails = Vec::new();
        let reading = facts.into_iter().map(|(number, fact)| async move {
            let mut mail = fact.fact().and_then(|fact| IndexedMail::of(number, &fact));
            if let Some(mail) = &mut mail {
                read::<IndexingError>((self.archive, self.feed), firm, mail).await?;
            }
            Ok::<_, IndexingError>((number, mail))
        });
        let reading: Vec<_> = reading.collect();
        let mut reading = stream::iter(reading).buffered(READ_AT_ONCE);
        let mut weight = 0;
        while let Some((number, mail)) = reading.try_next().await? {
            weight += mail.as_ref().map_or(0, IndexedMail::weight);
            upto = number;
            mails.extend(mail);
            if weight > TEXTS_BYTES_MAX {
                return Ok((mails, upto, false));
            }
        }
        Ok((mails, upto, true))
    }

    /// Writes the segment of these mails and of those that become one with it.
    async fn segment(
        &self,
        firm: FirmId,
        head: &IndexHead,
        merged: &[SegmentEntry],
        mails: &[IndexedMail],
        upto: u64,
    ) -> Result<Option<SegmentEntry>, IndexingError> {
        let times = || mails.iter().map(|mail| mail.received_at);
        let (Some(from), Some(to)) = (times().min(), times().max()) else { return Ok(None) };
        let mut parts = Vec::new();
        for entry in merged {
            parts.push(self.store.open(firm, entry, None).await?);
        }
        let mails = mails.to_vec();
        let count = mails.len() as u64;
        let made = tokio::task::spawn_blocking(move || {
            let new = Segment::build(&mails)?;
            if parts.is_empty() {
                return Ok(new);
            }
            parts.push(Segment::in_memory(new)?);
            Segment::merge(&parts)
        });
        let packed = made.await.map_err(|panicked| IndexError::Engine(panicked.into()))??;
        let first = merged.first().map_or(head.upto + 1, |segment| segment.first);
        let entry = SegmentEntry {
            name: self.segment_name(head, first, upto),
            first,
            last: upto,
            mails: count + merged.iter().map(|segment| segment.mails).sum::<u64>(),
            bytes: packed.bytes.len() as u64,
            contents_bytes: packed.contents_bytes,
            contents_digest: packed.contents_digest,
            received_from: merged.iter().map(|segment| segment.received_from).fold(from, Timestamp::min),
            received_to: merged.iter().map(|segment| segment.received_to).fold(to, Timestamp::max),
        };
        self.store.write_segment(firm, &entry.name, packed.bytes).await?;
        Ok(Some(entry))
    }
}
