//! Bytes as text, by the charset that a mail names, or the likeliest one.

use std::borrow::Cow;

use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};

/// Names that say nothing about bytes beyond ASCII; of UTF-7, ASCII is what can be read.
const SAYS_NOTHING: [&str; 5] = ["us-ascii", "ascii", "ansi_x3.4-1968", "utf-7", "unicode-1-1-utf-7"];
/// How far into a page its own `<meta charset>` is looked for, as browsers do.
/// Source: <https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding>
const PRESCAN_BYTES: usize = 1024;

/// The decoder of a charset with a name that is known and says something.
fn known(name: &str) -> Option<DecoderFnc> {
    let name = name.trim().trim_matches(['"', '\'']);
    let says = !SAYS_NOTHING.iter().any(|nothing| name.eq_ignore_ascii_case(nothing));
    charset_decoder(name.as_bytes()).filter(|_| says)
}

/// Whether an encoded word may name it.
pub(super) fn is_known(name: &str) -> bool {
    charset_decoder(name.as_bytes()).is_some()
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
