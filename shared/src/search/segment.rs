//! A segment: mails in the order of their numbers, found by their words and keys. Beside [`super::pack`], the only file
//! that knows tantivy's indexes.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    path::PathBuf,
    sync::{Arc, LazyLock, OnceLock},
};

use jiff::Timestamp;
use tantivy::{
    BitSet, Directory as _, DocId, Index, IndexSettings, SegmentReader, SingleSegmentIndexWriter, TantivyDocument,
    TantivyError, Term,
    columnar::Column,
    directory::{OwnedBytes, RamDirectory},
    fastfield::{AliveBitSet, write_alive_bitset},
    indexer::merge_filtered_segments,
    query::{AllQuery, BooleanQuery, EnableScoring, Occur, PhrasePrefixQuery, PhraseQuery, Query, TermQuery},
    schema::{FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _},
    store::StoreReader,
    tokenizer::TokenizerManager,
};

use crate::search::{
    index_error::IndexError,
    mail::IndexedMail,
    pack::{ByteSource, Contents, PackDirectory, Packed, Whole, pack},
    words::{Phrase, Phrases, analyzer},
};

/// The name of what takes texts apart.
const ANALYZER: &str = "words";
/// Memory that a segment begins with; it takes what it needs.
const WRITER_BYTES: usize = 1 << 20;
/// Bytes of a block of what hits show.
const STORE_BLOCK_BYTES: usize = 32 << 10;
/// Blocks of it that an open segment keeps.
const STORE_BLOCKS_KEPT: usize = 16;
/// Words with which a phrase may end that has the beginning of one; others are not looked for.
const PHRASE_ENDS_MAX: u32 = 4_096;
/// Where tantivy lists a segment's files.
const META: &str = "meta.json";

/// The fields of the index.
struct IndexFields {
    schema: Schema,
    number: Field,
    received: Field,
    keys: Field,
    words: Field,
    people: Field,
    beginning: Field,
}

static FIELDS: LazyLock<IndexFields> = LazyLock::new(|| {
    let mut schema = Schema::builder();
    let text = |analyzer: &str, record| {
        let indexing = TextFieldIndexing::default().set_tokenizer(analyzer).set_index_option(record);
        TextOptions::default().set_indexing_options(indexing.set_fieldnorms(false))
    };
    IndexFields {
        number: schema.add_u64_field("number", FAST),
        received: schema.add_i64_field("received", FAST),
        keys: schema.add_text_field("keys", text("raw", IndexRecordOption::Basic)),
        words: schema.add_text_field("words", text(ANALYZER, IndexRecordOption::WithFreqsAndPositions)),
        people: schema.add_text_field("people", STORED),
        beginning: schema.add_text_field("beginning", STORED),
        schema: schema.build(),
    }
});

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub(super) struct SegmentQuery {
    pub phrases: Phrases,
    /// All of them.
    pub keys: BTreeSet<String>,
    /// One of them, if there are any.
    pub any_of: BTreeSet<String>,
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

impl SegmentQuery {
    /// Whether an index is of use.
    pub(super) fn is_empty(&self) -> bool {
        let is_free = self.phrases.is_empty() && self.keys.is_empty() && self.any_of.is_empty();
        is_free && self.since.is_none() && self.until.is_none()
    }

    fn query(&self) -> Box<dyn Query> {
        let phrases = self.phrases.0.iter().map(|phrase| query_of(phrase));
        let keyed = |key: &String| {
            let term = Term::from_field_text(FIELDS.keys, key);
            Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>
        };
        let any_of = (!self.any_of.is_empty()).then(|| {
            let queries = self.any_of.iter().map(|key| (Occur::Should, keyed(key)));
            Box::new(BooleanQuery::new(queries.collect())) as Box<dyn Query>
        });
        let mut all: Vec<Box<dyn Query>> = phrases.chain(self.keys.iter().map(keyed)).chain(any_of).collect();
        match all.len() {
            0 => Box::new(AllQuery),
            1 => all.remove(0),
            _ => Box::new(BooleanQuery::new(all.into_iter().map(|query| (Occur::Must, query)).collect())),
        }
    }
}

fn query_of(phrase: &Phrase) -> Box<dyn Query> {
    let mut terms: Vec<Term> = phrase.words.iter().map(|word| Term::from_field_text(FIELDS.words, word)).collect();
    if phrase.is_prefix {
        // For a phrase, tantivy makes room for so many words before it looks for them.
        let words_max = if terms.len() > 1 { PHRASE_ENDS_MAX } else { u32::MAX };
        let mut query = PhrasePrefixQuery::new(terms);
        query.set_max_expansions(words_max);
        Box::new(query)
    } else if terms.len() > 1 {
        Box::new(PhraseQuery::new(terms))
    } else {
        Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::Basic))
    }
}

/// A segment that is open.
pub(super) struct Segment {
    directory: PackDirectory,
    index: Index,
    reader: SegmentReader,
    numbers: Column<u64>,
    /// Read when a search first asks for times: it is some hundred KB of a large segment.
    received: OnceLock<Column<i64>>,
    store: StoreReader,
}

/// What a hit shows, as far as the index has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShownPart {
    pub people: String,
    pub beginning: String,
}

/// Does what waits for S3 or computes for long on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IndexError> + Send + 'static,
) -> Result<T, IndexError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panicked| IndexError::Engine(panicked.into()))?
}

fn tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(ANALYZER, analyzer());
    tokenizers
}

fn settings() -> IndexSettings {
    // What is compressed aside would need a thread for each segment.
    IndexSettings {
        docstore_compress_dedicated_thread: false,
        docstore_blocksize: STORE_BLOCK_BYTES,
        ..IndexSettings::default()
    }
}

fn packed(index: &Index, directory: &RamDirectory) -> Result<Packed, TantivyError> {
    let managed = index.directory().list_managed_files();
    let files = managed.into_iter().filter(|file| directory.exists(file).unwrap_or_default());
    let files: BTreeSet<PathBuf> = files.chain([META.into()]).collect();
    Ok(pack(directory, files)?)
}

impl Segment {
    /// Makes a segment of mails, which are in the order of their numbers.
    pub(super) fn build(mails: &[IndexedMail]) -> Result<Packed, IndexError> {
        let build = || {
            let directory = RamDirectory::create();
            let builder = Index::builder().schema(FIELDS.schema.clone()).settings(settings()).tokenizers(tokenizers());
            let mut writer: SingleSegmentIndexWriter =
                builder.single_segment_index_writer(directory.clone(), WRITER_BYTES)?;
            for mail in mails {
                let mut document = TantivyDocument::default();
                document.add_u64(FIELDS.number, mail.number);
                document.add_i64(FIELDS.received, mail.received_at.as_second());
                for key in &mail.keys {
                    document.add_text(FIELDS.keys, key);
                }
                for text in &mail.texts {
                    document.add_text(FIELDS.words, text);
                }
                document.add_text(FIELDS.people, &mail.people);
                document.add_text(FIELDS.beginning, &mail.beginning);
                writer.add_document(document)?;
            }
            packed(&writer.finalize()?, &directory)
        };
        build().map_err(IndexError::of_engine)
    }

    /// Makes one segment of some, which are in the order of their numbers.
    pub(super) fn merge(segments: &[Self]) -> Result<Packed, IndexError> {
        let merge = || {
            let directory = RamDirectory::create();
            let mut all = Vec::new();
            for segment in segments {
                all.extend(segment.index.searchable_segments()?);
            }
            let none = all.iter().map(|_| None).collect();
            let merged = merge_filtered_segments(&all, settings(), none, directory.clone())?;
            packed(&merged, &directory)
        };
        merge().map_err(|error| {
            segments.iter().find_map(|segment| segment.directory.take_failure()).unwrap_or(IndexError::of_engine(error))
        })
    }

    /// Whether it has a mail with one of these numbers.
    pub(super) fn has_any(&self, numbers: &BTreeSet<u64>) -> bool {
        self.docs().any(|(_, number)| numbers.contains(&number))
    }

    fn docs(&self) -> impl Iterator<Item = (DocId, u64)> {
        (0..self.reader.max_doc()).map(|doc| (doc, self.numbers.first(doc).unwrap_or_default()))
    }

    /// The same without the mails with these numbers, and how many mails are left; none if none is. No word of the
    /// others is in it.
    pub(super) fn without(&self, numbers: &BTreeSet<u64>) -> Result<Option<(Packed, u64)>, IndexError> {
        let mut left = BitSet::with_max_value(self.reader.max_doc());
        for (doc, _) in self.docs().filter(|(_, number)| !numbers.contains(number)) {
            left.insert(doc);
        }
        let mails = left.len() as u64;
        if mails == 0 {
            return Ok(None);
        }
        let packed = self.read(|| {
            let (directory, mut bits) = (RamDirectory::create(), Vec::new());
            write_alive_bitset(&left, &mut bits)?;
            let left = Some(AliveBitSet::open(OwnedBytes::new(bits)));
            let all = self.index.searchable_segments()?;
            packed(&merge_filtered_segments(&all, settings(), vec![left], directory.clone())?, &directory)
        });
        Ok(Some((packed?, mails)))
    }

    /// Opens what was packed.
    pub(super) fn open(contents: &Contents, source: Arc<dyn ByteSource>) -> Result<Self, IndexError> {
        let directory = PackDirectory::new(contents, source);
        let open = || {
            let mut index = Index::open(directory.clone())?;
            index.set_tokenizers(tokenizers());
            let segment = index.searchable_segments()?.pop();
            let segment =
                segment.ok_or_else(|| TantivyError::InternalError("an index without a segment".to_owned()))?;
            let reader = SegmentReader::open(&segment)?;
            let numbers = reader.fast_fields().u64("number")?;
            let store = reader.get_store_reader(STORE_BLOCKS_KEPT)?;
            Ok(Self { directory: directory.clone(), index, reader, numbers, received: OnceLock::new(), store })
        };
        open().map_err(|error| directory.take_failure().unwrap_or(IndexError::of_engine(error)))
    }

    /// Opens what was just packed.
    pub(super) fn in_memory(packed: Packed) -> Result<Self, IndexError> {
        let Packed { mut bytes, contents_bytes, contents_digest } = packed;
        let damaged = || IndexError::Damaged { key: "what was just packed".to_owned() };
        let start = usize::try_from(contents_bytes).ok().and_then(|length| bytes.len().checked_sub(length));
        let contents = bytes.split_off(start.ok_or_else(damaged)?);
        let contents = Contents::read(&contents, &contents_digest).ok_or_else(damaged)?;
        Self::open(&contents, Arc::new(Whole(OwnedBytes::new(bytes))))
    }

    fn received(&self) -> Result<Column<i64>, TantivyError> {
        if let Some(received) = self.received.get() {
            return Ok(received.clone());
        }
        let received = self.reader.fast_fields().i64("received")?;
        Ok(self.received.get_or_init(|| received).clone())
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, TantivyError>) -> Result<T, IndexError> {
        read().map_err(|error| self.directory.take_failure().unwrap_or(IndexError::of_engine(error)))
    }

    /// The wanted mails below the number `before`, the last ones, the greatest number first, at most `limit`. `among`:
    /// only these numbers.
    pub(super) fn newest(
        &self,
        wanted: &SegmentQuery,
        before: u64,
        among: Option<&HashSet<u64>>,
        limit: usize,
    ) -> Result<Vec<(u64, DocId)>, IndexError> {
        // tantivy panics where it looks for the beginning of a word among no mails.
        if self.reader.max_doc() == 0 {
            return Ok(Vec::new());
        }
        self.read(|| {
            let weight = wanted.query().weight(EnableScoring::disabled_from_schema(&FIELDS.schema))?;
            let mut last: VecDeque<(u64, DocId)> = VecDeque::new();
            let has_times = wanted.since.is_some() || wanted.until.is_some();
            let received = if has_times { Some(self.received()?) } else { None };
            let is_meant = |number: u64, doc: DocId| {
                let is_then = received.as_ref().is_none_or(|received| {
                    let at = received.first(doc).unwrap_or_default();
                    wanted.since.is_none_or(|since| at >= since.as_second())
                        && wanted.until.is_none_or(|until| at < until.as_second())
                });
                number < before && is_then && among.is_none_or(|among| among.contains(&number))
            };
            weight.for_each_no_score(&self.reader, &mut |docs| {
                for doc in docs {
                    let number = self.numbers.first(*doc).unwrap_or_default();
                    if is_meant(number, *doc) {
                        if last.len() == limit {
                            last.pop_front();
                        }
                        last.push_back((number, *doc));
                    }
                }
            })?;
            Ok(last.into_iter().rev().collect())
        })
    }

    /// What the index has of a mail to show.
    pub(super) fn shown(&self, doc: DocId) -> Result<ShownPart, IndexError> {
        self.read(|| {
            let document: TantivyDocument = self.store.get(doc)?;
            let text = |field| {
                let value = document.get_first(field).and_then(|value| value.as_str().map(str::to_owned));
                value.unwrap_or_default()
            };
            Ok(ShownPart { people: text(FIELDS.people), beginning: text(FIELDS.beginning) })
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::search::mail::{sender_key, tests::archived};

    fn opened(packed: Packed) -> Segment {
        Segment::in_memory(packed).unwrap()
    }

    fn mails(numbers: std::ops::RangeInclusive<u64>) -> Vec<IndexedMail> {
        let mails = numbers.map(|number| {
            let subject = if number % 3 == 0 { "Bail commercial" } else { "Facture de bail" };
            let from = if number % 2 == 0 { "ada@x.example" } else { "bob@y.example" };
            let mut mail = IndexedMail::of(number, &archived(number, &format!("{subject} n{number}"), from)).unwrap();
            mail.beginning = format!("le {number}");
            mail
        });
        mails.collect()
    }

    fn found(segment: &Segment, q: &str, before: u64) -> Vec<u64> {
        let wanted = SegmentQuery { phrases: Phrases::read(q), ..SegmentQuery::default() };
        segment.newest(&wanted, before, None, 3).unwrap().into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn a_merged_segment_finds_the_same_as_one_that_was_made_at_once() {
        let parts: Vec<_> =
            [1..=40, 41..=41, 42..=100].into_iter().map(|part| opened(Segment::build(&mails(part)).unwrap())).collect();
        let merged = opened(Segment::merge(&parts).unwrap());
        let whole = opened(Segment::build(&mails(1..=100)).unwrap());
        for segment in [&merged, &whole] {
            assert_eq!(found(segment, "\"bail commercial\"", u64::MAX), [99, 96, 93]);
            assert_eq!(found(segment, "\"bail commercial\"", 93), [90, 87, 84]);
            assert_eq!(found(segment, "commercial facture ", u64::MAX), [0; 0]);
            assert_eq!(found(segment, "BAIL fact", 100), [98, 97, 95]);
            assert_eq!(found(segment, "n41", u64::MAX), [41]);
            assert_eq!(found(segment, "n4", u64::MAX), [49, 48, 47]);
            assert_eq!(found(segment, "ada@x.ex", u64::MAX), [100, 98, 96]);
            assert_eq!(found(segment, "", u64::MAX), [100, 99, 98]);
            let wanted = SegmentQuery { keys: [sender_key("@Y.example")].into(), ..SegmentQuery::default() };
            let all = segment.newest(&wanted, u64::MAX, Some(&HashSet::from([3, 4, 5])), 9).unwrap();
            assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 3]);
            assert_eq!(segment.shown(all[0].1).unwrap().beginning, "le 5");
            let (since, until) =
                (Timestamp::from_second(1_700_000_010).ok(), Timestamp::from_second(1_700_000_012).ok());
            let any_of = [sender_key("bob@y.example"), sender_key("nobody@y.example")].into();
            let wanted = SegmentQuery { any_of, ..SegmentQuery::default() };
            let all = segment.newest(&wanted, 6, None, 9).unwrap();
            assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 3, 1]);
            let wanted = SegmentQuery { since, until, ..SegmentQuery::default() };
            let all = segment.newest(&wanted, u64::MAX, None, 9).unwrap();
            assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [11, 10]);
        }
    }

    /// Its words.
    fn words(segment: &Segment) -> Vec<String> {
        let (mut words, index) = (Vec::new(), segment.reader.inverted_index(FIELDS.words).unwrap());
        let mut terms = index.terms().stream().unwrap();
        while terms.advance() {
            words.push(String::from_utf8(terms.key().to_vec()).unwrap());
        }
        words
    }

    #[test]
    fn a_segment_without_some_of_its_mails_has_no_word_of_them_and_is_as_if_they_had_never_been() {
        let mut all = mails(1..=40);
        all[6].texts.push("secret".to_owned());
        let gone = BTreeSet::from([7, 12, 99]);
        let segment = opened(Segment::build(&all).unwrap());
        assert!(segment.has_any(&gone) && words(&segment).contains(&"secret".to_owned()));
        let (left, count) = segment.without(&gone).unwrap().unwrap();
        all.retain(|mail| !gone.contains(&mail.number));
        let (left, never) = (opened(left), opened(Segment::build(&all).unwrap()));
        assert_eq!((count, left.has_any(&gone)), (38, false));
        assert_eq!(words(&left), words(&never));
        for q in ["secret", "n7", "n12", "n1", "facture", "\"bail commercial\""] {
            assert_eq!(found(&left, q, u64::MAX), found(&never, q, u64::MAX), "{q}");
        }
        let wanted = SegmentQuery::default();
        let shown = |segment: &Segment| {
            let all = segment.newest(&wanted, u64::MAX, None, 99).unwrap();
            all.into_iter().map(|(_, doc)| segment.shown(doc).unwrap().beginning).collect::<Vec<_>>()
        };
        assert_eq!(shown(&left), shown(&never));
        assert!(left.without(&(1..=40).collect()).unwrap().is_none());
    }

    /// A pack in memory that notes how many bytes are read of it.
    struct Counted(Whole, std::sync::atomic::AtomicU64);

    impl ByteSource for Counted {
        fn read(&self, range: std::ops::Range<u64>) -> Result<OwnedBytes, IndexError> {
            self.1.fetch_add(range.end - range.start, std::sync::atomic::Ordering::Relaxed);
            self.0.read(range)
        }
    }

    #[test]
    fn times_of_mails_are_read_only_by_a_search_that_asks_for_them() {
        let mut all = mails(1..=2_000);
        for (mail, seconds) in all.iter_mut().zip((0..).map(|n: i64| n * n % 1_000_003)) {
            mail.received_at = Timestamp::from_second(1_700_000_000 + seconds).unwrap();
        }
        let Packed { mut bytes, contents_bytes, contents_digest } = Segment::build(&all).unwrap();
        let contents = bytes.split_off(bytes.len() - usize::try_from(contents_bytes).unwrap());
        let contents = Contents::read(&contents, &contents_digest).unwrap();
        let source = Arc::new(Counted(Whole(OwnedBytes::new(bytes)), Default::default()));
        let segment = Segment::open(&contents, source.clone()).unwrap();
        let read = |wanted: &SegmentQuery| {
            segment.newest(wanted, u64::MAX, None, 3).unwrap();
            source.1.swap(0, std::sync::atomic::Ordering::Relaxed)
        };
        read(&SegmentQuery::default());
        assert!(read(&SegmentQuery::default()) < 1_000);
        let since = SegmentQuery { since: Some(Timestamp::UNIX_EPOCH), ..SegmentQuery::default() };
        let times = read(&since);
        assert!(times >= 4_000, "{times}");
        assert!(read(&since) < 1_000, "once");
    }

    #[test]
    fn a_segment_without_mails_finds_nothing() {
        let segment = opened(Segment::build(&[]).unwrap());
        for q in ["bail", "bail ", "\"bail commercial\"", ""] {
            assert_eq!(found(&segment, q, u64::MAX), [0; 0], "{q}");
        }
    }

    #[test]
    fn bytes_of_a_segment_that_changed_are_found() {
        let mut packed = Segment::build(&mails(1..=5)).unwrap();
        let at = packed.bytes.len() - usize::try_from(packed.contents_bytes).unwrap();
        let contents = Contents::read(&packed.bytes[at..], &packed.contents_digest).unwrap();
        assert!(contents.holds(0, &packed.bytes[..at]) && !contents.holds(1, &packed.bytes[..at]));
        packed.bytes[9] ^= 1;
        assert!(!contents.holds(0, &packed.bytes[..at]));
        packed.bytes[at] ^= 1;
        assert!(Contents::read(&packed.bytes[at..], &packed.contents_digest).is_none());
    }
}
