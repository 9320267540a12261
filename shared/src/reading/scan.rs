//! Where the parts of a mail lie, found line by line while its bytes pass.
//! Source: RFC 2046, section 5.1

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    mail_head::PartHead,
    transfer::{Transfer, TransferDecoder},
};

/// Most of a head that is read; the rest of it is passed over.
pub const HEAD_BYTES_MAX: usize = 256 << 10;
/// Most of the head of a part that is read.
const PART_HEAD_BYTES_MAX: usize = 16 << 10;
/// Most parts that are told apart; what follows is only in the original.
pub const PARTS_MAX: usize = 2_000;
/// How deep multiparts may lie in each other; deeper ones are shown as text.
const DEPTH_MAX: usize = 32;
/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A longer line is no boundary.
const LINE_BYTES_MAX: usize = 1_024;

/// A part of a mail and where it lies, in bytes from the start of the original.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailPart {
    /// The multipart that it is in.
    pub parent: Option<usize>,
    /// Its headers.
    pub head: Range<u64>,
    /// Its body, as it is encoded.
    pub body: Range<u64>,
    /// The length of its body once it is decoded.
    pub bytes: u64,
    /// How its lines are, if a place within them can be told by counting.
    pub lines: Option<Base64Lines>,
    /// What its headers say.
    pub about: PartHead,
}

/// Lines of Base64 that are all alike, but for the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base64Lines {
    /// Characters of a line: whole groups of four.
    chars: u64,
    /// Bytes of what ends a line.
    ending: u64,
}

impl Base64Lines {
    /// Where to begin, in bytes from the start of the body, to read what is at `wanted` once it is decoded; and how
    /// many decoded bytes lie before.
    pub fn at(self, wanted: u64) -> (u64, u64) {
        let decoded = self.chars / 4 * 3;
        let line = wanted / decoded;
        (line * (self.chars + self.ending), line * decoded)
    }
}

/// Finds out whether lines of Base64 are alike.
#[derive(Debug, Default)]
struct Alike {
    first: Option<Base64Lines>,
    /// Characters so far, and how many of the last line are padding.
    chars: u64,
    padding: u64,
    /// A shorter line has come: the last one.
    is_last: bool,
    is_broken: bool,
}

impl Alike {
    fn line(&mut self, line: &[u8], ending: usize) {
        let chars = line.len() as u64;
        if chars == 0 {
            self.is_last = true;
            return;
        }
        let first = *self.first.get_or_insert(Base64Lines { chars, ending: ending as u64 });
        self.is_broken |= self.is_last || chars > first.chars || !first.chars.is_multiple_of(4);
        self.is_last = chars < first.chars || ending as u64 != first.ending;
        self.chars += chars;
        self.padding = line.iter().rev().take_while(|byte| **byte == b'=').count() as u64;
        self.is_last |= self.padding > 0;
    }

    /// `bytes`: how many they are decoded. If a line has what is no Base64, that is less than it ought to be.
    fn finish(self, bytes: u64) -> Option<Base64Lines> {
        let is_whole = self.padding <= 2 && self.chars.is_multiple_of(4) && bytes + self.padding == self.chars / 4 * 3;
        self.first.filter(|_| !self.is_broken && is_whole)
    }
}

/// The parts of a mail that has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// All of them in their order; the first is the mail itself.
    pub parts: Vec<MailPart>,
    /// The lines of its head.
    pub head: Vec<u8>,
    /// There are more parts.
    pub is_cut: bool,
}

/// Finds the parts of a mail; the memory that it takes does not grow with the mail.
#[derive(Debug, Default)]
pub struct Scanner {
    parts: Vec<MailPart>,
    /// The multiparts around the place, the outermost first.
    open: Vec<Multipart>,
    place: ScanPlace,
    /// The bytes that have passed.
    offset: u64,
    /// The head that is being read, and that of the mail.
    head: Vec<u8>,
    first_head: Vec<u8>,
    line: ScanLine,
    /// How the line before ended: before a boundary it is the boundary's.
    ending: &'static [u8],
    body: Measured,
    /// Not all is told apart.
    is_cut: bool,
}

#[derive(Debug)]
struct Multipart {
    part: usize,
    boundary: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ScanPlace {
    #[default]
    Head,
    Body,
    /// Before the first part, or after the last.
    Between,
}

/// The line that is being read.
#[derive(Debug, Default)]
struct ScanLine {
    start: u64,
    bytes: Vec<u8>,
    /// It is longer than what is held.
    is_long: bool,
}

/// A body whose length is measured as it passes.
#[derive(Debug, Default)]
struct Measured {
    decoder: Option<TransferDecoder>,
    bytes: u64,
    scratch: Vec<u8>,
    /// Of Base64.
    alike: Option<Alike>,
}

impl Measured {
    /// What has its length on the wire needs no measuring.
    fn of(transfer: Transfer) -> Self {
        let decoder = (transfer != Transfer::Identity).then(|| TransferDecoder::new(transfer));
        let alike = (transfer == Transfer::Base64).then(Alike::default);
        Self { decoder, alike, ..Self::default() }
    }

    /// At the end of a line. `line`: none if it was too long to be held.
    fn end_line(&mut self, line: Option<&[u8]>, ending: usize) {
        if let Some(alike) = &mut self.alike {
            match line {
                Some(line) => alike.line(line, ending),
                None => alike.is_broken = true,
            }
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        if let Some(decoder) = &mut self.decoder {
            self.scratch.clear();
            decoder.decode(bytes, &mut self.scratch);
            self.bytes += self.scratch.len() as u64;
        }
    }

    /// The length of the body once it is decoded, and how its lines are.
    fn finish(self, wire: u64) -> (u64, Option<Base64Lines>) {
        let Some(mut decoder) = self.decoder else { return (wire, None) };
        let mut rest = Vec::new();
        decoder.finish(&mut rest);
        let bytes = self.bytes + rest.len() as u64;
        (bytes, self.alike.and_then(|alike| alike.finish(bytes)))
    }
}

impl Scanner {
    /// At the first byte of an original.
    pub fn new() -> Self {
        Self { parts: vec![MailPart::default()], ..Self::default() }
    }

    /// Lets the next bytes pass.
    pub fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.offset += piece.len() as u64;
            match piece.strip_suffix(b"\n") {
                Some(rest) => {
                    self.hold(rest);
                    self.end_line(true);
                }
                None => self.hold(piece),
            }
        }
    }

    /// At the last byte.
    pub fn finish(mut self) -> Scanned {
        if !self.line.bytes.is_empty() || self.line.is_long {
            self.end_line(false);
        }
        let ending = std::mem::take(&mut self.ending);
        self.body.pass(ending);
        self.close(0, self.offset, self.offset);
        Scanned { parts: self.parts, head: self.first_head, is_cut: self.is_cut }
    }

    fn hold(&mut self, piece: &[u8]) {
        let line = &mut self.line;
        if self.place == ScanPlace::Head {
            // Of a head that is full, a line is still read as far as it may be the end of it.
            let held = line.bytes.len();
            let room = self
                .head_bytes_max()
                .saturating_sub(self.head.len() + held)
                .max(LINE_BYTES_MAX - held.min(LINE_BYTES_MAX));
            self.line.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        } else if !line.is_long && line.bytes.len() + piece.len() <= LINE_BYTES_MAX {
            line.bytes.extend_from_slice(piece);
        } else {
            // A CR at its end may be half of the line's.
            line.bytes.extend_from_slice(piece);
            let cr = line.bytes.pop_if(|byte| *byte == b'\r');
            self.pass_line();
            self.line.bytes.extend(cr);
            self.line.is_long = true;
        }
    }

    fn head_bytes_max(&self) -> usize {
        if self.parts.len() == 1 { HEAD_BYTES_MAX } else { PART_HEAD_BYTES_MAX }
    }

    /// Counts what is held of a line to the body.
    fn pass_line(&mut self) {
        if self.place == ScanPlace::Body {
            self.body.pass(self.ending);
            self.body.pass(&self.line.bytes);
        }
        self.ending = b"";
        self.line.bytes.clear();
    }

    fn end_line(&mut self, has_lf: bool) {
        let boundary = if self.line.is_long { None } else { self.boundary() };
        match boundary {
            Some((level, is_last)) => self.part(level, is_last),
            None if self.place == ScanPlace::Head => self.head_line(),
            None => {
                let has_cr = has_lf && self.line.bytes.pop_if(|byte| *byte == b'\r').is_some();
                let line = (!self.line.is_long).then_some(self.line.bytes.as_slice());
                self.body.end_line(line, usize::from(has_lf) + usize::from(has_cr));
                self.pass_line();
                self.ending = match (has_cr, has_lf) {
                    (true, _) => b"\r\n",
                    (_, true) => b"\n",
                    _ => b"",
                };
            }
        }
        self.line = ScanLine { start: self.offset, bytes: std::mem::take(&mut self.line.bytes), is_long: false };
        self.line.bytes.clear();
    }

    /// Which multipart the line is a boundary of, and whether it is its last.
    fn boundary(&self) -> Option<(usize, bool)> {
        let line = self.line.bytes.trim_ascii_end().strip_prefix(b"--")?;
        let open = self.open.iter().enumerate().rev();
        let mut found = open.filter_map(|(level, multipart)| {
            let rest = line.strip_prefix(multipart.boundary.as_slice())?;
            matches!(rest, b"" | b"--").then_some((level, !rest.is_empty()))
        });
        found.next()
    }

    /// At a boundary of the multipart at `level`: what was open within it ends, and another part begins.
    fn part(&mut self, level: usize, is_last: bool) {
        let start = self.line.start;
        self.close(if is_last { level } else { level + 1 }, start - self.ending.len() as u64, start);
        self.ending = b"";
        self.place = ScanPlace::Between;
        if is_last {
            return;
        }
        if self.parts.len() == PARTS_MAX {
            self.is_cut = true;
            return;
        }
        let parent = self.open.get(level).map(|multipart| multipart.part);
        self.parts.push(MailPart { parent, head: self.offset..self.offset, ..MailPart::default() });
        self.place = ScanPlace::Head;
    }

    /// Ends the part that is being read, and the multiparts from `level` on.
    fn close(&mut self, level: usize, end: u64, line: u64) {
        if self.place == ScanPlace::Head {
            self.end_head(line);
        }
        let last = self.parts.len() - 1;
        if self.place == ScanPlace::Body {
            let part = &mut self.parts[last];
            part.body.end = end.max(part.body.start);
            (part.bytes, part.lines) = std::mem::take(&mut self.body).finish(part.body.end - part.body.start);
        }
        for multipart in self.open.drain(level.min(self.open.len())..) {
            let part = &mut self.parts[multipart.part];
            part.body.end = end.max(part.body.start);
            part.bytes = part.body.end - part.body.start;
        }
    }

    fn head_line(&mut self) {
        if self.line.start == 0 && self.line.bytes.starts_with(BYTE_ORDER_MARK) {
            self.line.bytes.drain(..BYTE_ORDER_MARK.len());
        }
        let line = &self.line.bytes;
        if line.trim_ascii().is_empty() && !self.head.is_empty() || matches!(line.as_slice(), b"" | b"\r") {
            return self.end_head(self.offset);
        }
        // A body that comes without a head, as no program ought to write it.
        if self.head.is_empty() && !is_field(line) {
            self.end_head(self.line.start);
            return self.end_line(true);
        }
        if self.head.len() + line.len() < self.head_bytes_max() {
            self.head.extend_from_slice(line);
            self.head.push(b'\n');
        }
    }

    /// The part's body begins at `body`.
    fn end_head(&mut self, body: u64) {
        let (head, index) = (std::mem::take(&mut self.head), self.parts.len() - 1);
        let mut about = PartHead::read(&head);
        // In a digest, what says nothing else is a message. Source: RFC 2046, section 5.1.5
        let parent = self.parts[index].parent.and_then(|parent| self.parts[parent].about.content_type.as_deref());
        if parent == Some("multipart/digest") {
            about.content_type.get_or_insert_with(|| "message/rfc822".to_owned());
        }
        let part = &mut self.parts[index];
        (part.head.end, part.body) = (body, body..body);
        self.place = ScanPlace::Body;
        if about.is_multipart()
            && self.open.len() < DEPTH_MAX
            && let Some(boundary) = about.boundary.clone()
        {
            self.open.push(Multipart { part: index, boundary });
            self.place = ScanPlace::Between;
            // A multipart is not encoded, whatever it says. Source: RFC 2045, section 6.4
            about.transfer = Transfer::Identity;
        }
        self.body = Measured::of(about.transfer);
        part.about = about;
        if index == 0 {
            self.first_head = head;
        }
    }
}

/// Whether a line is a header: a name of visible ASCII, and a colon. Some mailboxes put a line `From …` before them.
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
    let is_name = !name.is_empty() && name.len() < line.len() && name.iter().all(u8::is_ascii_graphic);
    is_name || line.starts_with(b"From ") || line.starts_with(b">From ")
}
