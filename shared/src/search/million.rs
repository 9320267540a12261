//! A million mails of one firm, made and searched without a store: by hand only.
//!
//! `cargo test --release --workspace --lib -- --ignored a_million_mails --nocapture`

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, and says what")]

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tantivy::directory::OwnedBytes;

use crate::{
    base::random::Random,
    search::{
        index_error::IndexError,
        index_head::{IndexHead, SegmentEntry},
        mail::{IndexedMail, tests::archived},
        pack::{ByteSource, Contents, Whole},
        segment::{Segment, SegmentQuery},
        words::Phrases,
    },
};

/// Mails of an append.
const APPENDED: u64 = 1_000;
/// Words of a mail's text: 1,800 bytes.
const WORDS: usize = 270;
const VOCABULARY: f64 = 60_000.0;

/// A segment in a file: nothing of it stays in memory.
struct InFile(File);

impl ByteSource for InFile {
    fn read(&self, range: std::ops::Range<u64>) -> Result<OwnedBytes, IndexError> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        self.0.read_exact_at(&mut bytes, range.start).unwrap();
        Ok(OwnedBytes::new(bytes))
    }
}

/// A word, as frequent as those of a language (Zipf).
fn word(random: &Random) -> String {
    const SYLLABLES: [&str; 24] = [
        "tion", "ment", "que", "des", "lé", "eur", "ver", "ge", "heid", "ij", "aan", "schap", "ung", "sch", "ein",
        "für", "keit", "ß", "ing", "the", "ness", "ly", "con", "re",
    ];
    let share = random.uuid().as_u64_pair().0 as f64 / u64::MAX as f64;
    let (mut word, mut left) = (String::new(), VOCABULARY.powf(share) as usize + 23);
    while left > 0 {
        word.push_str(SYLLABLES[left % 24]);
        left /= 24;
    }
    word
}

fn text(random: &Random, words: usize) -> String {
    (0..words).map(|_| word(random)).collect::<Vec<_>>().join(" ")
}

/// Peak memory of this process so far. Source: proc(5).
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

fn opened(folder: &Path, entry: &SegmentEntry, whole: bool) -> Segment {
    let file = File::open(folder.join(&entry.name)).unwrap();
    let mut bytes = vec![0; usize::try_from(entry.contents_bytes).unwrap()];
    let start = entry.bytes - entry.contents_bytes;
    file.read_exact_at(&mut bytes, start).unwrap();
    let contents = Contents::read(&bytes, &entry.contents_digest).unwrap();
    let source: Arc<dyn ByteSource> = match whole {
        true => Arc::new(Whole(InFile(file).read(0..start).unwrap())),
        false => Arc::new(InFile(file)),
    };
    Segment::open(&contents, source).unwrap()
}

#[test]
#[ignore = "by hand: minutes, and a gigabyte of disk"]
fn a_million_mails_are_indexed_at_one_rate_in_flat_memory() {
    let count: u64 = std::env::var("MAILS").map_or(1_000_000, |count| count.parse().unwrap());
    let (random, folder) = (Random::seeded(1), tempfile::tempdir().unwrap());
    let (mut head, mut indexing) = (IndexHead::new("g".to_owned()), Duration::ZERO);
    while head.upto < count {
        let numbers = head.upto + 1..=head.upto + APPENDED;
        let mails = numbers.map(|number| {
            let from = format!("{}{}@{}.example", word(&random), number % 7, word(&random));
            let mut mail = IndexedMail::of(number, &archived(number, &text(&random, 6), &from)).unwrap();
            mail.texts.push(text(&random, WORDS));
            mail.beginning = mail.texts.last().unwrap().chars().take(300).collect();
            mail
        });
        let mails: Vec<IndexedMail> = mails.collect();
        let began = Instant::now();
        let merged = head.merged_with(APPENDED).to_vec();
        let mut parts: Vec<Segment> = merged.iter().map(|entry| opened(folder.path(), entry, true)).collect();
        let mut packed = Segment::build(&mails).unwrap();
        if !parts.is_empty() {
            parts.push(Segment::in_memory(packed).unwrap());
            packed = Segment::merge(&parts).unwrap();
        }
        let upto = head.upto + APPENDED;
        let entry = SegmentEntry {
            name: upto.to_string(),
            first: merged.first().map_or(head.upto + 1, |entry| entry.first),
            last: upto,
            mails: APPENDED + merged.iter().map(|entry| entry.mails).sum::<u64>(),
            bytes: packed.bytes.len() as u64,
            contents_bytes: packed.contents_bytes,
            contents_digest: packed.contents_digest,
            received_from: Timestamp::UNIX_EPOCH,
            received_to: Timestamp::MAX,
        };
        std::fs::write(folder.path().join(&entry.name), &packed.bytes).unwrap();
        head = head.with(Some(entry), &merged, upto);
        for name in &head.replaced {
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
        indexing += began.elapsed();
        if upto.is_multiple_of(count / 10) {
            let (rate, bytes) = (upto as f64 / indexing.as_secs_f64(), head.bytes() / upto);
            println!(
                "{upto} mails: {rate:.0} a second, {bytes} bytes each, {} segments, peak {} MB",
                head.segments.len(),
                peak_mb()
            );
        }
    }
    let segments: Vec<Segment> = head.segments.iter().map(|entry| opened(folder.path(), entry, false)).collect();
    let mut took: Vec<Duration> = Vec::new();
    for number in 0..400 {
        let query = match number % 4 {
            0 => format!("{} ", word(&random)),
            1 => format!("{} {} ", word(&random), word(&random)),
            2 => format!("\"{} {}\"", word(&random), word(&random)),
            _ => word(&random),
        };
        let wanted = SegmentQuery { phrases: Phrases::read(&query), ..SegmentQuery::default() };
        let began = Instant::now();
        let mut found = 0;
        for segment in segments.iter().rev() {
            found += segment.newest(&wanted, u64::MAX, None, 100).unwrap().len();
            if found >= 100 {
                break;
            }
        }
        took.push(began.elapsed());
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "searches: median {:?}, 95th percentile {:?}, slowest {:?}; peak {} MB",
        at(0.5),
        at(0.95),
        at(1.0),
        peak_mb()
    );
}
