//! The head of an index: up to which number of the feed it goes, and of which segments it consists. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Mails of the largest segment that others are merged into: a hundred megabytes, which fit twice into memory.
pub const SEGMENT_MAILS_MAX: u64 = 131_072;
/// Smaller segments at the end are merged with what is appended.
const SMALL_MAILS: u64 = 1_024;
/// So many segments of one size make one of the next.
const FAN: usize = 4;
/// The form of the segments that this version writes and reads. An index of another form is made again.
const FORMAT: u32 = 3;

/// A segment, as the head names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Its object, below the index.
    pub name: String,
    /// The first number that it covers.
    pub first: u64,
    /// The last number that it covers.
    pub last: u64,
    /// Mails in it.
    pub mails: u64,
    /// The length of its object.
    pub bytes: u64,
    /// The length of the table of contents at its end.
    pub contents_bytes: u64,
    /// The beginning of the table's SHA-256, in hex.
    pub contents_digest: String,
    /// When the first of its mails arrived.
    pub received_from: Timestamp,
    /// When the last of its mails arrived.
    pub received_to: Timestamp,
}

/// The head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexHead {
    format: u32,
    /// Which making of the index it is; another one after a damage.
    pub generation: String,
    /// The facts of the feed up to this number are in it.
    pub upto: u64,
    /// In the order of their numbers.
    pub segments: Vec<SegmentEntry>,
    /// Objects that no head names any more: the next writer removes them.
    #[serde(default)]
    pub replaced: Vec<String>,
}

impl IndexHead {
    /// Of an index that has nothing yet.
    pub fn new(generation: String) -> Self {
        Self { format: FORMAT, generation, upto: 0, segments: Vec::new(), replaced: Vec::new() }
    }

    /// Whether this version can read its segments.
    pub fn is_readable(&self) -> bool {
        self.format == FORMAT
    }

    /// Mails in it.
    pub fn mails(&self) -> u64 {
        self.segments.iter().map(|segment| segment.mails).sum()
    }

    /// The length of all its segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The segments at the end that become one with the next `mails` mails.
    pub fn merged_with(&self, mails: u64) -> &[SegmentEntry] {
        let (mut start, mut merged) = (self.segments.len(), mails);
        let grown = |start: usize, to: usize, merged: u64| {
            let more: u64 = self.segments[to..start].iter().map(|segment| segment.mails).sum();
            Some(merged + more).filter(|merged| *merged <= SEGMENT_MAILS_MAX)
        };
        while let Some(small) = start.checked_sub(1).filter(|last| self.segments[*last].mails < SMALL_MAILS) {
            let Some(mails) = grown(start, small, merged) else { break };
            (start, merged) = (small, mails);
        }
        loop {
            let level = level(merged);
            let alike = self.segments[..start].iter().rev().take_while(|before| self::level(before.mails) <= level);
            let first = start - alike.count();
            let Some(mails) = (start - first + 1 >= FAN).then(|| grown(start, first, merged)).flatten() else {
                return &self.segments[start..];
            };
            (start, merged) = (first, mails);
        }
    }

    /// Replaces the `merged` segments by `segment`. The index then has the facts up to `upto`.
    pub fn with(&self, segment: Option<SegmentEntry>, merged: &[SegmentEntry], upto: u64) -> Self {
        let mut segments = self.segments.clone();
        segments.retain(|segment| !merged.contains(segment));
        segments.extend(segment);
        let replaced = merged.iter().map(|segment| segment.name.clone()).collect();
        Self { upto, segments, replaced, ..self.clone() }
    }

    /// The same with these segments only, as another `generation`.
    pub fn begun_again_with(self, generation: String, segments: Vec<SegmentEntry>) -> Self {
        Self { generation, segments, replaced: Vec::new(), ..self }
    }
}

/// How large a segment is, by its mails.
fn level(mails: u64) -> u32 {
    (mails / SMALL_MAILS).checked_ilog(FAN as u64).map_or(0, |level| level + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(first: u64, last: u64, mails: u64) -> SegmentEntry {
        SegmentEntry {
            name: format!("g/{first}-{last}"),
            first,
            last,
            mails,
            bytes: mails * 900,
            contents_bytes: 100,
            contents_digest: String::new(),
            received_from: Timestamp::UNIX_EPOCH,
            received_to: Timestamp::UNIX_EPOCH,
        }
    }

    /// The segments after so many appends of so many mails, and how often a mail was written.
    fn grown(appends: u64, mails: u64) -> (IndexHead, u64) {
        let (mut head, mut written) = (IndexHead::new("g".to_owned()), 0);
        for append in 0..appends {
            let merged = head.merged_with(mails).to_vec();
            let first = merged.first().map_or(append * mails + 1, |segment| segment.first);
            let all = mails + merged.iter().map(|segment| segment.mails).sum::<u64>();
            written += all;
            head = head.with(Some(entry(first, (append + 1) * mails, all)), &merged, (append + 1) * mails);
        }
        (head, written / (appends * mails))
    }

    #[test]
    fn segments_stay_few_in_order_and_bounded() {
        for (appends, mails) in [(1, 1), (5_000, 17), (2_000, 1_000), (3_000, 64)] {
            let (head, _) = grown(appends, mails);
            assert_eq!(head.mails(), appends * mails);
            let mut next = 1;
            for segment in &head.segments {
                assert_eq!(segment.first, next);
                assert!(segment.mails <= SEGMENT_MAILS_MAX);
                next = segment.last + 1;
            }
            let large = appends * mails / SEGMENT_MAILS_MAX;
            assert!((head.segments.len() as u64) < 26 + 2 * large, "{} of {}", head.segments.len(), head.mails());
        }
    }

    #[test]
    fn in_a_backlog_a_mail_is_written_a_few_times() {
        let (_, written) = grown(1_000, 1_000);
        assert!(written <= 6, "{written}");
    }

    #[test]
    fn a_head_of_another_form_is_not_read() {
        let mut head = serde_json::to_value(IndexHead::new("g".to_owned())).unwrap();
        assert!(serde_json::from_value::<IndexHead>(head.clone()).unwrap().is_readable());
        head["format"] = (FORMAT + 1).into();
        assert!(!serde_json::from_value::<IndexHead>(head).unwrap().is_readable());
    }
}
