//! ZIP files whose members lie in them as they are, not compressed: members of any length flow into them, and whoever
//! unpacks one needs nothing special.
//!
//! Length and CRC-32 of a member are known before it begins, so they stand before its bytes. Crates that write while
//! they read put them behind, which programs that unpack a stream refuse for a member that is not compressed.
//! Source: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use std::io::{self, Read, Seek, SeekFrom};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// From here on a number stands in a field of 64 bits of its own.
const WIDE: u64 = u32::MAX as u64;

/// A member of a ZIP file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipMember {
    /// Its path, in ASCII, with slashes.
    pub name: String,
    /// Its length: less than 4 GB.
    pub bytes: u32,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
}

impl ZipMember {
    /// One with these bytes.
    pub fn of(name: impl Into<String>, content: &[u8]) -> Self {
        let bytes = u32::try_from(content.len()).unwrap_or(u32::MAX);
        Self { name: name.into(), bytes, crc32: crc32fast::hash(content) }
    }
}

/// A ZIP file that is being written.
#[derive(Debug, Clone)]
pub struct ZipFile {
    time: u16,
    date: u16,
    offset: u64,
    members: u64,
    directory: Vec<u8>,
}

impl ZipFile {
    /// One whose members are all of that time.
    pub fn new(at: Timestamp) -> Self {
        let (time, date) = dos(TimeZone::UTC.to_datetime(at));
        Self { time, date, offset: 0, members: 0, directory: Vec::new() }
    }

    /// Adds a member: what stands before its bytes.
    pub fn begin(&mut self, member: &ZipMember) -> Vec<u8> {
        let name = member.name.as_bytes();
        let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        // What a member's own head and its line of the directory have in common: nothing is flagged, stored as it is.
        let mut common = Vec::new();
        for short in [0, 0, self.time, self.date] {
            common.extend(u16::to_le_bytes(short));
        }
        for long in [member.crc32, member.bytes, member.bytes] {
            common.extend(u32::to_le_bytes(long));
        }
        common.extend(name_length.to_le_bytes());
        let (version, offset) = if self.offset < WIDE { (20u16, self.offset) } else { (45, WIDE) };
        let mut wide = Vec::new();
        if offset == WIDE {
            wide.extend([1u16, 8].map(u16::to_le_bytes).concat());
            wide.extend(self.offset.to_le_bytes());
        }
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend([version.to_le_bytes(), version.to_le_bytes()].concat());
        self.directory.extend(&common);
        self.directory.extend(u16::try_from(wide.len()).unwrap_or_default().to_le_bytes());
        // No comment, the first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        self.directory.extend(name);
        self.directory.extend(wide);
        let head = [b"PK\x03\x04", &20u16.to_le_bytes()[..], &common, &[0; 2], name].concat();
        self.members += 1;
        self.offset += head.len() as u64 + u64::from(member.bytes);
        head
    }

    /// What stands after the last member.
    pub fn end(self) -> Vec<u8> {
        let Self { offset, members, directory, .. } = self;
        let length = directory.len() as u64;
        let mut end = directory;
        if offset >= WIDE || length >= WIDE || members >= u64::from(u16::MAX) {
            end.extend(b"PK\x06\x06");
            end.extend(44u64.to_le_bytes());
            end.extend([45u16, 45].map(u16::to_le_bytes).concat());
            end.extend([0; 8]);
            end.extend([members, members, length, offset].map(u64::to_le_bytes).concat());
            end.extend(b"PK\x06\x07\0\0\0\0");
            end.extend(offset.saturating_add(length).to_le_bytes());
            end.extend(1u32.to_le_bytes());
        }
        let count = u16::try_from(members).unwrap_or(u16::MAX);
        let long = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        end.extend(b"PK\x05\x06\0\0\0\0");
        end.extend([count, count].map(u16::to_le_bytes).concat());
        end.extend([long(length), long(offset)].map(u32::to_le_bytes).concat());
        end.extend([0; 2]);
        end
    }
}

/// A ZIP file that can't be read: [`ZipReader`] reads what [`ZipFile`] writes.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// It ends too soon, or can't be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It was packed by another program.
    #[error("it is not as greffe wrote it: its files are compressed, or it was packed again")]
    Foreign,
    /// A member is longer than whatever is read whole.
    #[error("{0} is too long")]
    TooLong(String),
    /// A member has other bytes than it was written with.
    #[error("{0} is not as it was written")]
    Altered(String),
}

/// Reads a ZIP file from its beginning, member by member.
#[derive(Debug)]
pub struct ZipReader<R> {
    from: R,
    /// Where the next member begins.
    next: u64,
}

/// A member that is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMember {
    /// What it is.
    pub member: ZipMember,
    /// Where its bytes begin.
    pub offset: u64,
}

impl<R: Read + Seek> ZipReader<R> {
    /// Over the bytes of a ZIP file.
    pub fn new(from: R) -> Self {
        Self { from, next: 0 }
    }

    /// The next member; none at the end.
    ///
    /// Errors: it can't be read, or is not as we write it.
    pub fn next_member(&mut self) -> Result<Option<FoundMember>, ZipError> {
        self.from.seek(SeekFrom::Start(self.next))?;
        let mut head = [0; 30];
        self.from.read_exact(&mut head[..4])?;
        if &head[..4] != b"PK\x03\x04" {
            // The directory follows, or the end.
            return if head.starts_with(b"PK") { Ok(None) } else { Err(ZipError::Foreign) };
        }
        self.from.read_exact(&mut head[4..])?;
        let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let long = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        // Flags, method and extra fields; the length stands twice.
        if (short(6), short(8), short(28)) != (0, 0, 0) || long(18) != long(22) {
            return Err(ZipError::Foreign);
        }
        let mut name = vec![0; usize::from(short(26))];
        self.from.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(|_| ZipError::Foreign)?;
        let offset = self.next + 30 + u64::from(short(26));
        self.next = offset + u64::from(long(22));
        Ok(Some(FoundMember { member: ZipMember { name, bytes: long(22), crc32: long(14) }, offset }))
    }

    /// The bytes of a member that has at most `bytes_max`.
    ///
    /// Errors: it is longer, can't be read, or is not as it was written.
    pub fn content(&mut self, found: &FoundMember, bytes_max: u32) -> Result<Vec<u8>, ZipError> {
        let ZipMember { name, bytes, crc32 } = &found.member;
        if *bytes > bytes_max {
            return Err(ZipError::TooLong(name.clone()));
        }
        self.from.seek(SeekFrom::Start(found.offset))?;
        let mut content = vec![0; usize::try_from(*bytes).unwrap_or_default()];
        self.from.read_exact(&mut content)?;
        if crc32fast::hash(&content) == *crc32 { Ok(content) } else { Err(ZipError::Altered(name.clone())) }
    }
}

/// A time as ZIP files write it: even seconds, from 1980 to 2107.
fn dos(at: DateTime) -> (u16, u16) {
    let part = |number: i8| u16::try_from(number).unwrap_or_default();
    let years = u16::try_from(i32::from(at.year()) - 1980).unwrap_or_default().min(127);
    let time = (part(at.hour()) << 11) | (part(at.minute()) << 5) | (part(at.second()) / 2);
    (time, (years << 9) | (part(at.month()) << 5) | part(at.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = ZipFile::new("2026-03-02T08:15:31Z".parse().unwrap());
        let mut bytes = Vec::new();
        for (name, content) in members {
            bytes.extend(file.begin(&ZipMember::of(*name, content)));
            bytes.extend(*content);
        }
        bytes.extend(file.end());
        bytes
    }

    /// What Python's zipfile writes of the same, bit for bit but for its words on who may read the file.
    #[test]
    fn a_member_lies_in_it_as_it_is() {
        let bytes = zip(&[("a.txt", b"hello")]);
        let expected = "504b0304 1400 0000 0000 ef41 625c 86a61036 05000000 05000000 0500 0000 612e747874 68656c6c6f\
                        504b0102 1400 1400 0000 0000 ef41 625c 86a61036 05000000 05000000 0500 0000 0000 0000 0000 \
                        00000000 00000000 612e747874 504b0506 0000 0000 0100 0100 33000000 28000000 0000";
        assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
    }

    #[test]
    fn what_was_written_is_read_member_by_member() {
        let bytes = zip(&[("a.txt", b"hello"), ("b/c", b"")]);
        let mut reader = ZipReader::new(io::Cursor::new(bytes.clone()));
        let first = reader.next_member().unwrap().unwrap();
        assert_eq!(
            (first.member.name.as_str(), reader.content(&first, 5).unwrap().as_slice()),
            ("a.txt", &b"hello"[..])
        );
        assert!(matches!(reader.content(&first, 4), Err(ZipError::TooLong(_))));
        assert_eq!(reader.next_member().unwrap().unwrap().member.name, "b/c");
        assert_eq!(reader.next_member().unwrap(), None);
        for (place, is_error) in [(0, true), (8, true), (36, false)] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let mut reader = ZipReader::new(io::Cursor::new(changed));
            let read = reader.next_member().map(|found| found.map(|found| reader.content(&found, 5).is_err()));
            assert!(if is_error { read.is_err() } else { read.unwrap() == Some(true) }, "{place}");
        }
        assert!(ZipReader::new(io::Cursor::new(&bytes[..20])).next_member().is_err(), "cut short");
    }

    #[test]
    fn beyond_four_gigabytes_and_beyond_65535_members_numbers_have_64_bits() {
        let mut file = ZipFile::new(Timestamp::UNIX_EPOCH);
        for name in ["a", "b"] {
            file.begin(&ZipMember { name: name.to_owned(), bytes: u32::MAX - 1, crc32: 0 });
        }
        let offset = file.offset;
        file.begin(&ZipMember::of("c", b""));
        let end = file.end();
        let wide = [&[1, 0, 8, 0], &offset.to_le_bytes()[..]].concat();
        assert!(end.windows(wide.len()).any(|part| part == wide), "the place of the third member");
        assert!(end.windows(4).any(|part| part == b"PK\x06\x06"));
        let mut many = ZipFile::new(Timestamp::UNIX_EPOCH);
        (0..65_535).for_each(|_| drop(many.begin(&ZipMember::of("m", b""))));
        assert!(many.end().windows(4).any(|part| part == b"PK\x06\x06"));
        assert!(!zip(&[("a", b"")]).windows(4).any(|part| part == b"PK\x06\x06"));
    }

    #[test]
    fn a_time_that_no_zip_file_can_say_is_cut_to_one_that_it_can() {
        assert_eq!(dos("1970-01-02T00:00:01".parse().unwrap()), (0, 0x22));
        assert_eq!(dos("2200-12-31T23:59:59".parse().unwrap()).1 >> 9, 127);
    }
}
