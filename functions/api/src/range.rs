//! Which bytes of an original a request asks for.
//! Source: RFC 9110, sections 13.1.2 (`If-None-Match`), 13.1.5 (`If-Range`) and 14 (`Range`)

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, Method, header};

/// What to answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AskedRange {
    /// The caller has it already.
    Same,
    /// All of it.
    Whole,
    /// These bytes, both ends included.
    Part(RangeInclusive<u64>),
    /// Bytes that it does not have.
    Beyond,
}

/// What a request asks for of something that has the entity tag `etag` and `length` bytes.
///
/// A range of another unit, one that is malformed and a list of ranges are ignored, as the RFC allows.
pub(crate) fn asked(method: &Method, headers: &HeaderMap, etag: &str, length: u64) -> AskedRange {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    if known.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag) {
        return AskedRange::Same;
    }
    let of_this = headers.get(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(ends);
    match range.filter(|_| of_this && *method == Method::GET) {
        None => AskedRange::Whole,
        Some((Some(first), _)) if first >= length => AskedRange::Beyond,
        Some((None, _)) if length == 0 => AskedRange::Beyond,
        Some((Some(first), last)) => AskedRange::Part(first..=last.map_or(length - 1, |last| last.min(length - 1))),
        Some((None, Some(0) | None)) => AskedRange::Beyond,
        Some((None, Some(bytes))) => AskedRange::Part(length.saturating_sub(bytes)..=length - 1),
    }
}

/// The two ends of one range of bytes: `first-last`, `first-`, or `-bytes` for the last bytes.
fn ends(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.eq_ignore_ascii_case("bytes"))?;
    let ends = (number(first)?, number(last)?);
    let ordered = match ends {
        (Some(first), Some(last)) => first <= last,
        (first, last) => first.is_some() || last.is_some(),
    };
    ordered.then_some(ends)
}

/// A number of digits only, or nothing. One that is too large for its type is larger than any original.
fn number(text: &str) -> Option<Option<u64>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn told(method: &Method, headers: &[(HeaderName, &str)]) -> AskedRange {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        asked(method, &headers, "\"abc\"", 100)
    }

    #[test]
    fn one_range_of_bytes_is_taken_and_whatever_else_a_range_says_is_ignored() {
        for (range, expected) in [
            ("bytes=0-9", AskedRange::Part(0..=9)),
            ("Bytes= 90-", AskedRange::Part(90..=99)),
            ("bytes=90-1000", AskedRange::Part(90..=99)),
            ("bytes=0-99999999999999999999", AskedRange::Part(0..=99)),
            ("bytes=-10", AskedRange::Part(90..=99)),
            ("bytes=-1000", AskedRange::Part(0..=99)),
            ("bytes=99-99", AskedRange::Part(99..=99)),
            ("bytes=100-", AskedRange::Beyond),
            ("bytes=99999999999999999999-", AskedRange::Beyond),
            ("bytes=-0", AskedRange::Beyond),
            ("bytes=9-0", AskedRange::Whole),
            ("bytes=-", AskedRange::Whole),
            ("bytes=+1-2", AskedRange::Whole),
            ("bytes=1-2,5-6", AskedRange::Whole),
            ("lines=1-2", AskedRange::Whole),
            ("0-9", AskedRange::Whole),
            ("", AskedRange::Whole),
        ] {
            assert_eq!(told(&Method::GET, &[(header::RANGE, range)]), expected, "{range}");
        }
        assert_eq!(told(&Method::HEAD, &[(header::RANGE, "bytes=0-9")]), AskedRange::Whole);
    }

    #[test]
    fn of_what_is_empty_no_range_can_be_given() {
        for range in ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"] {
            let headers = [(header::RANGE, range.parse().unwrap())].into_iter().collect();
            assert_eq!(asked(&Method::GET, &headers, "\"abc\"", 0), AskedRange::Beyond, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_gives_the_whole() {
        let part = |tag| told(&Method::GET, &[(header::RANGE, "bytes=0-9"), (header::IF_RANGE, tag)]);
        assert_eq!(part("\"abc\""), AskedRange::Part(0..=9));
        for other in ["\"abd\"", "W/\"abc\"", "Sun, 29 Nov 2026 06:00:00 GMT"] {
            assert_eq!(part(other), AskedRange::Whole, "{other}");
        }
    }

    #[test]
    fn a_caller_that_names_the_tag_has_it_already_whatever_part_it_asks_for() {
        for tag in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\""] {
            let headers = [(header::IF_NONE_MATCH, tag), (header::RANGE, "bytes=500-")];
            assert_eq!(told(&Method::GET, &headers), AskedRange::Same, "{tag}");
            assert_eq!(told(&Method::HEAD, &headers), AskedRange::Same, "{tag}");
        }
        assert_eq!(told(&Method::GET, &[(header::IF_NONE_MATCH, "\"abd\"")]), AskedRange::Whole);
    }
}
