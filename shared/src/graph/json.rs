//! JSON as Graph sends it, with what is broken in it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads JSON, also where a text in it is broken. Exchange keeps texts in UTF-16 and may cut one within a character;
/// the half that is left can be written in JSON, and not be read as text (RFC 8259 §8.2).
///
/// Errors: it is no JSON, or another than expected.
pub(crate) fn read_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json).or_else(|error| {
        let text = String::from_utf8_lossy(json);
        match repaired(&text) {
            Cow::Borrowed(_) if text.len() == json.len() => Err(error),
            repaired => serde_json::from_str(&repaired),
        }
    })
}

/// Removes a byte order mark, and replaces each unpaired surrogate by the replacement character.
fn repaired(text: &str) -> Cow<'_, str> {
    let mut rest = text.trim_start_matches('\u{feff}');
    if rest.len() == text.len() && !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut repaired = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        repaired.push_str(before);
        let len = match utf16_unit(escape) {
            Some(0xd800..=0xdbff) if matches!(escape.get(6..).and_then(utf16_unit), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => 0,
            Some(_) => 6,
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        repaired.push_str(if len == 0 { "\\ufffd" } else { &escape[..len] });
        rest = &escape[if len == 0 { 6 } else { len }..];
    }
    repaired.push_str(rest);
    Cow::Owned(repaired)
}

/// The UTF-16 unit that `\uXXXX` at the start of a text stands for.
fn utf16_unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn half_of_a_character_costs_one_character_and_nothing_else() {
        for (json, text) in [
            (&br#""\ud83d""#[..], "\u{fffd}"),
            (br#""a\udc4d\ud83dz""#, "a\u{fffd}\u{fffd}z"),
            (br#""\ud83d\udc4d \\ud83d""#, "\u{1f44d} \\ud83d"),
            (br#""\\\ud83d\u00e9\n""#, "\\\u{fffd}\u{e9}\n"),
            (b"\"\xff\"", "\u{fffd}"),
            (b"\xef\xbb\xbf\"a\"", "a"),
        ] {
            assert_eq!(read_json::<String>(json).unwrap(), text, "{}", String::from_utf8_lossy(json));
        }
        for broken in [&b"\"\\"[..], b"\"\\u12", b"\"\\\xc3", b"", b"{\"a\":\"\\ud83d\""] {
            assert!(read_json::<Value>(broken).is_err());
        }
    }
}
