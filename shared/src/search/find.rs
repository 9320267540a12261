//! Searches: which messages of a firm fit, the last registered first, and why.
//!
//! Above the index's number the feed is read. What its facts say is searched in memory, for the first 200 of them with
//! the texts of their originals. So a mail is found as soon as it is archived; if the index is further behind, the
//! answer says up to which number it is complete.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use jiff::Timestamp;
use lru::LruCache;
use tantivy::DocId;

use crate::{
    aws::table::Key,
    base::{
        id::{FirmId, MessageId},
        telemetry::ErrorChain,
    },
    firm::{fact::Fact, feed::FeedError, index_due::IndexDue},
    mail::{
        archive::Archive,
        list::{Candidates, ListStep, ListedMessages, MessageSource, PER_STEP},
        message::Message,
        opened::{OpenMailError, with_own_subject},
    },
    reading::MailHead,
    search::{
        highlight::{TextPiece, marked},
        index_error::IndexError,
        index_head::{IndexHead, SegmentEntry},
        indexer::read,
        mail::{ATTACHMENTS_KEY, IndexedMail, conversation_key, mailbox_key, recipient_key, sender_key, thread_key},
        segment::{Segment, SegmentQuery, ShownPart, blocking},
        store::{Blocks, IndexStore},
        words::Phrases,
    },
};

/// Facts above the index whose originals a search reads.
pub const READ_ABOVE_INDEX: u64 = 200;
/// Originals that are read side by side.
const READ_AT_ONCE: usize = 16;
/// Segments that are searched side by side, once the newest ones did not fill a page.
const SEGMENTS_AT_ONCE: usize = 8;
/// Blocks of segments that a process keeps: 64 MB.
const BLOCKS_KEPT: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// Segments that a process keeps open.
const SEGMENTS_KEPT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// Mails above indexes that a process keeps.
const MAILS_KEPT: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");
/// Bytes of the largest of them.
const KEPT_BYTES_MAX: usize = 32 << 10;

/// A firm, the first and the last fact of a stretch above its index, and up to where originals were read.
type TailKey = (FirmId, u64, u64, u64);

/// What a process keeps between searches. Objects of an index never change, so nothing in it is ever out of date.
pub struct SearchCache {
    blocks: Blocks,
    segments: Mutex<LruCache<(FirmId, String), Arc<Segment>>>,
    mails: Mutex<LruCache<(FirmId, u64), Arc<IndexedMail>>>,
    tails: Mutex<LruCache<TailKey, Arc<Segment>>>,
}

impl Default for SearchCache {
    fn default() -> Self {
        Self {
            blocks: Blocks::new(BLOCKS_KEPT),
            segments: Mutex::new(LruCache::new(SEGMENTS_KEPT)),
            mails: Mutex::new(LruCache::new(MAILS_KEPT)),
            tails: Mutex::new(LruCache::new(NonZeroUsize::MIN.saturating_add(7))),
        }
    }
}

impl std::fmt::Debug for SearchCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchCache").finish_non_exhaustive()
    }
}

fn kept<K: std::hash::Hash + Eq, V: Clone>(cache: &Mutex<LruCache<K, V>>, key: &K) -> Option<V> {
    cache.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn keep<K: std::hash::Hash + Eq, V>(cache: &Mutex<LruCache<K, V>>, key: K, value: V) {
    cache.lock().unwrap_or_else(PoisonError::into_inner).put(key, value);
}

/// What is searched for beside what the filter says.
#[derive(Debug, Clone, Default)]
pub struct SearchWords {
    /// Words and phrases in subject, people, file names and text.
    pub phrases: Phrases,
    /// A recipient's address, or `@domain`.
    pub to: Option<String>,
    /// The conversation that a mail is part of.
    pub conversation: Option<ConversationKeys>,
}

/// What the mails of a conversation are found by: its id within each mailbox, and the mail that it begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationKeys(BTreeSet<String>);

impl ConversationKeys {
    /// Of the conversation that `message` is part of, whose original has this `head`.
    pub fn of(message: &Message, head: &MailHead) -> Self {
        let keys = [message.conversation.map(conversation_key), head.thread().map(thread_key)];
        Self(keys.into_iter().flatten().collect())
    }
}

/// A search that could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The table.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// An original above the index.
    #[error(transparent)]
    Original(#[from] OpenMailError),
}

/// In which part of a mail something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailField {
    /// The subject.
    Subject,
    /// Who wrote it and to whom.
    People,
    /// The beginning of its text.
    Beginning,
    /// The rest of its text, the names of its files, or more people: the original shows where.
    Original,
}

/// A part of a mail with what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundIn {
    /// The part.
    pub field: MailField,
    /// What it says; nothing for [`MailField::Original`].
    pub runs: Vec<TextPiece>,
}

/// A mail that fits.
#[derive(Debug)]
pub struct FoundMail {
    /// The mail.
    pub message: Message,
    /// Why: the parts in which words were found.
    pub matches: Vec<FoundIn>,
}

/// A page of what was found.
#[derive(Debug)]
pub struct FoundMails {
    /// The mails, the last registered first.
    pub items: Vec<FoundMail>,
    /// The number below which to go on; none at the end.
    pub next: Option<u64>,
    /// The index is behind, or being made again: of mails with greater numbers, texts were not searched.
    pub complete_to: Option<u64>,
}

/// What searches work with.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The firm's messages, and what the list is narrowed to.
    pub registry: MessageSource<'a>,
    /// The originals.
    pub archive: &'a Archive,
    /// The indexes.
    pub store: &'a IndexStore,
    /// What is kept between searches.
    pub cache: &'a SearchCache,
}

impl Search<'_> {
    /// The mails that fit below the number `after`, at most `limit`.
    ///
    /// Errors: S3 or the table refuses or does not answer. A damaged index is no error: it is made again, and the
    /// answer says up to which number it is complete.
    pub async fn find(
        &self,
        words: &SearchWords,
        (after, limit): (Option<u64>, usize),
        now: Timestamp,
    ) -> Result<FoundMails, SearchError> {
        let MessageSource { table, firm, filter, .. } = self.registry;
        let wanted = Arc::new(self.wanted(words));
        let show = |number, message| Some((number, message));
        if wanted.is_empty() {
            let ListedMessages { items, next } =
                filter.list((table, firm), &mut { self.registry }, (after, limit), show).await?;
            let items = self.with_own_subjects(items).await.into_iter();
            let items = items.map(|(_, message)| FoundMail { message, matches: Vec::new() });
            return Ok(FoundMails { items: items.collect(), next, complete_to: None });
        }
        let last = self.registry.feed.last_number(firm).await?;
        let mut found = self.store.head(firm).await?;
        loop {
            let etag = found.as_ref().map(|found| found.etag.clone());
            let is_damaged = found.as_ref().is_some_and(|found| found.head.is_none());
            let head = found.and_then(|found| found.head).unwrap_or_else(|| IndexHead::new(String::new()));
            let reads = !words.phrases.is_empty() || words.to.is_some() || words.conversation.is_some();
            let read_to = head.upto.saturating_add(READ_ABOVE_INDEX);
            let mut indexed = Indexed {
                search: *self,
                reads,
                wanted: wanted.clone(),
                head,
                hits: HashMap::new(),
                complete_to: (reads && last > read_to).then_some(read_to),
                is_damaged,
            };
            let ListedMessages { items, next } = filter.list((table, firm), &mut indexed, (after, limit), show).await?;
            if indexed.is_damaged {
                found = self.store.head(firm).await?;
                // Segments that became one meanwhile were removed.
                if found.as_ref().map(|found| &found.etag) != etag.as_ref() {
                    continue;
                }
                let due = IndexDue::damaged(firm, now, indexed.head.generation.clone());
                table.write(due).await.map_err(FeedError::from)?;
            }
            let complete_to = indexed.complete_to;
            if complete_to.is_some() && !indexed.is_damaged {
                IndexDue::hurry(table, firm, now).await.map_err(FeedError::from)?;
            }
            let items = self.with_own_subjects(items).await;
            let items = indexed.explained(items, &words.phrases).await?;
            return Ok(FoundMails { items, next, complete_to });
        }
    }

    /// What the index is asked for.
    fn wanted(&self, words: &SearchWords) -> SegmentQuery {
        let filter = self.registry.filter;
        let keys = [
            filter.mailbox.map(mailbox_key),
            filter.from.as_deref().map(sender_key),
            words.to.as_deref().map(recipient_key),
            (filter.has_attachments == Some(true)).then(|| ATTACHMENTS_KEY.to_owned()),
        ];
        let keys: BTreeSet<String> = keys.into_iter().flatten().collect();
        let any_of = words.conversation.clone().unwrap_or_default().0;
        SegmentQuery { phrases: words.phrases.clone(), keys, any_of, since: filter.since, until: filter.until }
    }
}

/// Where the index has a hit.
#[derive(Clone)]
struct Hit {
    segment: Arc<Segment>,
    doc: DocId,
}

/// Candidates from the index, and from the feed above it.
struct Indexed<'a> {
    search: Search<'a>,
    /// Whether originals above the index are read.
    reads: bool,
    wanted: Arc<SegmentQuery>,
    head: IndexHead,
    hits: HashMap<u64, Hit>,
    complete_to: Option<u64>,
    is_damaged: bool,
}

impl Candidates for Indexed<'_> {
    type Error = SearchError;

    async fn below(&mut self, before: u64) -> Result<ListStep, SearchError> {
        let MessageSource { feed, firm, filter, .. } = self.search.registry;
        if filter.in_one_dossier().is_some() {
            let mut step = { self.search.registry }.below(before).await?;
            let among: HashSet<u64> = step.found.iter().map(|(number, _)| *number).collect();
            let mut fitting: HashSet<u64> = HashSet::new();
            let above: Vec<u64> = among.iter().copied().filter(|number| *number > self.head.upto).collect();
            let facts = self.facts(&above).await?;
            fitting.extend(self.above(facts, before).await?);
            fitting.extend(self.within(before, Some(among)).await?);
            step.found.retain(|(number, _)| fitting.contains(number));
            return Ok(step);
        }
        if before > self.head.upto.saturating_add(1) {
            let facts = feed.facts_before(firm, before, PER_STEP).await?;
            let facts: Vec<(u64, Fact)> = facts
                .into_iter()
                .map(|numbered| (numbered.number, numbered.fact))
                .filter(|(number, _)| *number > self.head.upto)
                .collect();
            if let Some((lowest, _)) = facts.last() {
                let next = Some(*lowest);
                let candidates: HashMap<u64, Option<MessageId>> =
                    facts.iter().map(|(number, fact)| (*number, filter.candidate(&fact.what))).collect();
                let found = self.above(facts, before).await?;
                let found = found.into_iter().map(|number| (number, candidates.get(&number).copied().flatten()));
                return Ok(ListStep { found: found.collect(), next });
            }
        }
        let numbers = self.within(before, None).await?;
        let facts: HashMap<u64, Fact> = self.facts(&numbers).await?.into_iter().collect();
        let candidate = |number: &u64| facts.get(number).and_then(|fact| filter.candidate(&fact.what));
        let next = numbers.last().copied().filter(|_| numbers.len() == PER_STEP);
        Ok(ListStep { found: numbers.iter().map(|number| (*number, candidate(number))).collect(), next })
    }
}

impl Indexed<'_> {
    async fn facts(&self, numbers: &[u64]) -> Result<Vec<(u64, Fact)>, SearchError> {
        let MessageSource { table, firm, .. } = self.search.registry;
        let keys: Vec<Key> = numbers.iter().map(|number| Key::fact(firm, *number)).collect();
        let rows = table.get_all::<Fact>(&keys).await.map_err(FeedError::from)?;
        Ok(rows.into_iter().filter_map(|row| Some((row.key.number()?, row.value))).collect())
    }

    /// The numbers of those facts above the index that fit, the greatest first.
    async fn above(&mut self, facts: Vec<(u64, Fact)>, before: u64) -> Result<Vec<u64>, SearchError> {
        let (cache, firm) = (self.search.cache, self.search.registry.firm);
        let numbers = || facts.iter().map(|(number, _)| *number);
        let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else { return Ok(Vec::new()) };
        let read_to = if self.reads { self.head.upto.saturating_add(READ_ABOVE_INDEX) } else { 0 };
        let key = (firm, first, last, read_to);
        // Only a stretch without holes is the same the next time.
        let is_whole = last - first + 1 == facts.len() as u64;
        let segment = match kept(&cache.tails, &key).filter(|_| is_whole) {
            Some(segment) => segment,
            None => {
                let search = self.search;
                let reading = facts.into_iter().filter_map(|(number, fact)| IndexedMail::of(number, &fact));
                let reading = reading.map(|mail| async move {
                    if mail.number <= read_to { search.read(mail).await } else { Ok(Arc::new(mail)) }
                });
                let reading: Vec<_> = reading.collect();
                let mut mails: Vec<Arc<IndexedMail>> =
                    stream::iter(reading).buffer_unordered(READ_AT_ONCE).try_collect().await?;
                mails.sort_by_key(|mail| mail.number);
                let made = blocking(move || {
                    let mails: Vec<IndexedMail> = mails.iter().map(|mail| IndexedMail::clone(mail)).collect();
                    Segment::in_memory(Segment::build(&mails)?)
                });
                let segment = Arc::new(made.await?);
                if is_whole {
                    keep(&cache.tails, key, segment.clone());
                }
                segment
            }
        };
        let wanted = self.wanted.clone();
        let searched = segment.clone();
        let found = blocking(move || searched.newest(&wanted, before, None, PER_STEP)).await?;
        Ok(self.noted(&segment, found))
    }

    fn noted(&mut self, segment: &Arc<Segment>, found: Vec<(u64, DocId)>) -> Vec<u64> {
        let hits = found.iter().map(|(number, doc)| (*number, Hit { segment: segment.clone(), doc: *doc }));
        self.hits.extend(hits);
        found.into_iter().map(|(number, _)| number).collect()
    }

    /// The numbers below `before` that fit by the index, the greatest first, at most [`PER_STEP`].
    async fn within(&mut self, before: u64, among: Option<HashSet<u64>>) -> Result<Vec<u64>, SearchError> {
        let (since, until) = (self.wanted.since, self.wanted.until);
        let lowest = among.as_ref().and_then(|among| among.iter().min().copied());
        let is_meant = |segment: &&SegmentEntry| {
            segment.first < before
                && lowest.is_none_or(|lowest| segment.last >= lowest)
                && since.is_none_or(|since| segment.received_to >= since)
                && until.is_none_or(|until| segment.received_from < until)
        };
        let segments: Vec<SegmentEntry> = self.head.segments.iter().rev().filter(is_meant).cloned().collect();
        let (among, mut numbers, mut rest, mut at_once) = (among.map(Arc::new), Vec::new(), &segments[..], 1);
        while !rest.is_empty() && numbers.len() < PER_STEP {
            let (now, later) = rest.split_at(at_once.min(rest.len()));
            let searched = now.iter().map(|entry| self.searched(entry, before, among.clone()));
            for (entry, found) in now.iter().zip(try_join_all(searched).await?) {
                match found {
                    Some((segment, found)) => numbers.extend(self.noted(&segment, found)),
                    None => {
                        self.is_damaged = true;
                        let complete = entry.first - 1;
                        self.complete_to = Some(self.complete_to.map_or(complete, |before| before.min(complete)));
                    }
                }
            }
            (rest, at_once) = (later, SEGMENTS_AT_ONCE);
        }
        numbers.truncate(PER_STEP);
        Ok(numbers)
    }

    /// What one segment has; none if it is damaged.
    async fn searched(
        &self,
        entry: &SegmentEntry,
        before: u64,
        among: Option<Arc<HashSet<u64>>>,
    ) -> Result<Option<(Arc<Segment>, Vec<(u64, DocId)>)>, SearchError> {
        let wanted = self.wanted.clone();
        let search = async {
            let segment = self.search.opened(entry).await?;
            let searched = segment.clone();
            let found = blocking(move || searched.newest(&wanted, before, among.as_deref(), PER_STEP)).await?;
            Ok((segment, found))
        };
        match search.await {
            Ok(found) => Ok(Some(found)),
            Err(error) if IndexError::is_damage(&error) => {
                let firm = self.search.registry.firm;
                tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "a segment of an index is damaged");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// With why each was found.
    async fn explained(
        &mut self,
        items: Vec<(u64, Message)>,
        phrases: &Phrases,
    ) -> Result<Vec<FoundMail>, SearchError> {
        if phrases.is_empty() {
            return Ok(items.into_iter().map(|(_, message)| FoundMail { message, matches: Vec::new() }).collect());
        }
        let hits: Vec<Option<Hit>> = items.iter().map(|(number, _)| self.hits.remove(number)).collect();
        let shown = blocking(move || {
            let shown =
                hits.into_iter().map(|hit| hit.map_or(Ok(ShownPart::default()), |hit| hit.segment.shown(hit.doc)));
            shown.collect::<Result<Vec<ShownPart>, IndexError>>()
        });
        let explain = |((_, message), shown): ((u64, Message), ShownPart)| {
            let fields = [
                (MailField::Subject, &message.subject),
                (MailField::People, &shown.people),
                (MailField::Beginning, &shown.beginning),
            ];
            let found = |(field, text): (MailField, &String)| Some(FoundIn { field, runs: marked(text, phrases)? });
            let mut matches: Vec<FoundIn> = fields.into_iter().filter_map(found).collect();
            if matches.is_empty() {
                matches.push(FoundIn { field: MailField::Original, runs: Vec::new() });
            }
            FoundMail { message, matches }
        };
        Ok(items.into_iter().zip(shown.await?).map(explain).collect())
    }
}

impl Search<'_> {
    async fn with_own_subjects(&self, items: Vec<(u64, Message)>) -> Vec<(u64, Message)> {
        let (archive, firm) = (self.archive, self.registry.firm);
        let read = |(number, message)| async move { (number, with_own_subject(archive, firm, message).await) };
        stream::iter(items.into_iter().map(read).collect::<Vec<_>>()).buffered(READ_AT_ONCE).collect().await
    }

    async fn opened(&self, entry: &SegmentEntry) -> Result<Arc<Segment>, IndexError> {
        let (firm, cache) = (self.registry.firm, self.cache);
        let key = (firm, entry.name.clone());
        if let Some(segment) = kept(&cache.segments, &key) {
            return Ok(segment);
        }
        let segment = Arc::new(self.store.open(firm, entry, Some(&cache.blocks)).await?);
        keep(&cache.segments, key, segment.clone());
        Ok(segment)
    }

    /// A mail with what its original says.
    async fn read(&self, mut mail: IndexedMail) -> Result<Arc<IndexedMail>, SearchError> {
        let key = (self.registry.firm, mail.number);
        if let Some(mail) = kept(&self.cache.mails, &key) {
            return Ok(mail);
        }
        read::<SearchError>((self.archive, self.registry.feed), self.registry.firm, &mut mail).await?;
        let mail = Arc::new(mail);
        if mail.weight() <= KEPT_BYTES_MAX {
            keep(&self.cache.mails, key, mail.clone());
        }
        Ok(mail)
    }
}
