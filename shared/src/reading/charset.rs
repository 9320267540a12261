//! Bytes as text, by the charset that a mail names, or the likeliest one.

use std::borrow::Cow;

use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};

use super::transfer::{Transfer, TransferDecoder};

/// Names that say nothing about bytes beyond ASCII.
const SAYS_NOTHING: [&str; 3] = ["us-ascii", "ascii", "ansi_x3.4-1968"];
/// How far into a page its own `<meta charset>` is looked for, as browsers do.
/// Source: <https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding>
const PRESCAN_BYTES: usize = 1024;

/// The decoder of a charset with a name that is known and says something.
fn known(name: &str) -> Option<DecoderFnc> {
    let name = name.trim().trim_matches(['"', '\'']);
    let is_any = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is_any(&["iso-2022-kr", "csiso2022kr"]) {
        return Some(iso_2022_kr);
    }
    if is_any(&["iso-2022-cn", "iso-2022-cn-ext"]) {
        return Some(iso_2022_cn);
    }
    if is_any(&["hz-gb-2312", "hz"]) {
        return Some(hz);
    }
    if is_any(&["utf-7", "unicode-1-1-utf-7"]) {
        return Some(utf_7);
    }
    charset_decoder(name.as_bytes()).filter(|_| !is_any(&SAYS_NOTHING))
}

/// Bytes in a charset that `mail-parser` knows.
fn decoded_as(name: &str, bytes: &[u8]) -> String {
    let decoder = charset_decoder(name.as_bytes());
    decoder.map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decoder| decoder(bytes))
}

/// UTF-16 in Base64 between `+` and `-`. Source: RFC 2152
fn utf_7(bytes: &[u8]) -> String {
    let (mut text, mut rest) = (String::with_capacity(bytes.len()), bytes);
    while let Some(at) = rest.iter().position(|byte| *byte == b'+') {
        text.push_str(&String::from_utf8_lossy(&rest[..at]));
        let after = &rest[at + 1..];
        let end = after.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+/".contains(byte)));
        let (run, after) = after.split_at(end.unwrap_or(after.len()));
        let units = TransferDecoder::all(Transfer::Base64, run);
        let units = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        if run.is_empty() {
            text.push('+');
        }
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    text + &String::from_utf8_lossy(rest)
}

/// EUC-KR in seven bits, which browsers don't read, and mails have. Source: RFC 1557
fn iso_2022_kr(bytes: &[u8]) -> String {
    let (mut euc, mut is_wide, mut rest) = (Vec::with_capacity(bytes.len()), false, bytes);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            0x0e => is_wide = true,
            0x0f => is_wide = false,
            0x1b => rest = rest.strip_prefix(b"$)C").unwrap_or(rest),
            _ => {
                is_wide &= *byte != b'\n';
                euc.push(if is_wide && *byte > b' ' { byte | 0x80 } else { *byte });
            }
        }
    }
    decoded_as("euc-kr", &euc)
}

/// U+FFFD in GB 18030.
const REPLACEMENT: [u8; 4] = [0x84, 0x31, 0xa4, 0x37];

/// GB 2312 in seven bits, with escapes. Of CNS 11643, which it may have too and no decoder here knows, each character
/// is replaced. Source: RFC 1922
fn iso_2022_cn(bytes: &[u8]) -> String {
    let (mut gb, mut is_wide, mut is_gb, mut rest) = (Vec::with_capacity(bytes.len()), false, true, bytes);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            0x0e => is_wide = true,
            0x0f => is_wide = false,
            0x1b if after.starts_with(b"N") => {
                gb.extend(REPLACEMENT);
                rest = after.get(3..).unwrap_or_default();
            }
            0x1b if after.starts_with(b"$)") || after.starts_with(b"$*") || after.starts_with(b"$+") => {
                is_gb = if after[1] == b')' { after.get(2) == Some(&b'A') } else { is_gb };
                rest = after.get(3..).unwrap_or_default();
            }
            byte if is_wide && *byte > b' ' && !is_gb => {
                gb.extend(REPLACEMENT);
                rest = after.get(1..).unwrap_or_default();
            }
            byte => {
                is_wide &= *byte != b'\n';
                gb.push(if is_wide && *byte > b' ' { byte | 0x80 } else { *byte });
            }
        }
    }
    decoded_as("gb18030", &gb)
}

/// GB 2312 in seven bits. Source: RFC 1843
fn hz(bytes: &[u8]) -> String {
    let (mut euc, mut is_wide, mut rest) = (Vec::with_capacity(bytes.len()), false, bytes);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'~', Some(b'{')) => is_wide = true,
            (b'~', Some(b'}')) => is_wide = false,
            (b'~', Some(b'~')) if !is_wide => euc.push(b'~'),
            (b'~', Some(b'\n')) if !is_wide => {}
            _ => {
                is_wide &= *byte != b'\n';
                euc.push(if is_wide && *byte > b' ' { byte | 0x80 } else { *byte });
                continue;
            }
        }
        rest = &after[1..];
    }
    decoded_as("gb2312", &euc)
}

/// The text. Where no known charset is named it is UTF-8 if it can be, else `hint`, else Windows-1252.
pub(super) fn decoded(bytes: &[u8], named: Option<&str>, hint: Option<&str>) -> String {
    let text = match named.and_then(known) {
        Some(decoder) => decoder(bytes),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => match hint.and_then(known).or_else(|| known("windows-1252")) {
                Some(decoder) => decoder(bytes),
                None => String::from_utf8_lossy(bytes).into_owned(),
            },
        },
    };
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// The charset that a page names for itself.
pub(super) fn of_page(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let start = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    let lower = start.to_ascii_lowercase();
    let at = lower.windows(8).position(|window| window == b"charset=")? + 8;
    let name = start[at..].iter().skip_while(|byte| matches!(byte, b'"' | b'\'' | b' '));
    let name: Vec<u8> =
        name.take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte)).copied().collect();
    (!name.is_empty()).then(|| String::from_utf8_lossy(&name).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_by_its_charset_and_without_one_by_the_likeliest() {
        for (bytes, named, hint, text) in [
            (&b"D\xe9lai"[..], Some("iso-8859-1"), None, "Délai"),
            (b"D\xe9lai", Some("x-unknown-8bit"), None, "Délai"),
            (b"D\xe9lai", None, None, "Délai"),
            (b"D\xe9lai", Some("us-ascii"), None, "Délai"),
            ("Délai".as_bytes(), Some("us-ascii"), None, "Délai"),
            ("\u{feff}Délai".as_bytes(), Some("utf-8"), None, "Délai"),
            (b"\x83n\x83\x8d\x81[", Some("shift_jis"), None, "ハロー"),
            (b"\xc4\xe3\xba\xc3", None, Some("gb2312"), "你好"),
            (b"\x80 5", None, None, "€ 5"),
            (b"D+AOk-lai +- a+2D3cqQ-", Some("utf-7"), None, "Délai + a\u{1f4a9}"),
            (b"\x1b$)C\x0e>H3g\x0f 1", Some("ISO-2022-KR"), None, "안녕 1"),
            (b"\x1b$)A\x0eDc:C\x0f 1\nDc", Some("ISO-2022-CN"), None, "你好 1\nDc"),
            (b"\x1b$)A\x0eDc\nDc", Some("iso-2022-cn"), None, "你\nDc"),
            (b"\x1b$)G\x0eDc\x0f1\x1b$*H\x1bNDc2\x1b$)A\x0eDc", Some("iso-2022-cn"), None, "\u{fffd}1\u{fffd}2你"),
            (b"\x1b$)A\x0eD", Some("iso-2022-cn"), None, "\u{fffd}"),
            (b"\x1bN", Some("iso-2022-cn-ext"), None, "\u{fffd}"),
            (b"~{Dc:C~} ~~1~\n2", Some("HZ-GB-2312"), None, "你好 ~12"),
            (b"~{Dc\nx~", Some("hz-gb-2312"), None, "你\nx~"),
        ] {
            assert_eq!(decoded(bytes, named, hint), text, "{named:?}");
        }
    }

    #[test]
    fn a_page_names_its_own_charset() {
        assert_eq!(of_page(b"<meta charset=windows-1252>").unwrap(), "windows-1252");
        assert_eq!(of_page(b"<META content=\"text/html; CHARSET= 'Big5'\">").unwrap(), "Big5");
        assert_eq!(of_page(b"<p>charset"), None);
    }
}
