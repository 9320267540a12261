//! The version that answers, and what of the API goes. docs/versions.md has the policy.

use axum::http::{HeaderName, HeaderValue, Method, header};
use jiff::{Timestamp, tz::TimeZone};

/// The header with the version of greffe that answers.
const VERSION: HeaderName = HeaderName::from_static("greffe-version");
/// Since when an operation is deprecated.
/// Source: <https://www.rfc-editor.org/rfc/rfc9745>
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// When it is removed.
/// Source: <https://www.rfc-editor.org/rfc/rfc8594>
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// Where its successor is described.
const POLICY: &str = "</openapi.json>; rel=\"deprecation\"; type=\"application/json\"";

/// An operation that is removed with a later version.
#[derive(Debug)]
pub(crate) struct Deprecated {
    /// The method.
    pub method: Method,
    /// The path, as the router has it.
    pub path: &'static str,
    /// Since when it is deprecated.
    pub since: &'static str,
    /// The first moment at which it may be gone, at least a year later.
    pub sunset: &'static str,
}

/// All of them. An entry stands in the changelog, too.
pub(crate) const DEPRECATED: &[Deprecated] = &[];

/// The entry of an operation, if it is deprecated.
pub(crate) fn deprecated<'a>(all: &'a [Deprecated], method: &Method, path: &str) -> Option<&'a Deprecated> {
    all.iter().find(|entry| entry.method == *method && entry.path == path)
}

impl Deprecated {
    /// The headers of its answers: the time as RFC 9651 writes dates, and as HTTP does.
    fn headers(&self) -> impl Iterator<Item = (HeaderName, String)> {
        let read = |text: &str| text.parse::<Timestamp>().ok();
        let since = read(self.since).map(|since| (DEPRECATION, format!("@{}", since.as_second())));
        let sunset = read(self.sunset).map(|at| at.to_zoned(TimeZone::UTC));
        let sunset = sunset.map(|at| (SUNSET, at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        [since, sunset, Some((header::LINK, POLICY.to_owned()))].into_iter().flatten()
    }
}

/// What every answer says of the version, and more if the operation is deprecated.
pub(crate) fn headers(entry: Option<&Deprecated>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let version = (VERSION, env!("CARGO_PKG_VERSION").to_owned());
    let all = [version].into_iter().chain(entry.into_iter().flat_map(Deprecated::headers));
    all.filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deprecated_operation_says_since_when_and_until_when() {
        let entry = Deprecated {
            method: Method::GET,
            path: "/v1/old",
            since: "2026-11-29T00:00:00Z",
            sunset: "2027-11-29T00:00:00Z",
        };
        let all = [entry];
        assert!(deprecated(&all, &Method::PUT, "/v1/old").is_none());
        let said: Vec<_> = headers(deprecated(&all, &Method::GET, "/v1/old")).collect();
        let value = |name: &HeaderName| said.iter().find(|(own, _)| own == name).unwrap().1.to_str().unwrap();
        assert_eq!(value(&VERSION), env!("CARGO_PKG_VERSION"));
        assert_eq!(value(&DEPRECATION), "@1795910400");
        assert_eq!(value(&SUNSET), "Mon, 29 Nov 2027 00:00:00 GMT");
        assert!(value(&header::LINK).contains("rel=\"deprecation\""));
        assert_eq!(headers(None).count(), 1);
    }

    #[test]
    fn what_is_deprecated_stays_for_a_year_and_is_served_until_then() {
        for entry in DEPRECATED {
            let [since, sunset] = [entry.since, entry.sunset].map(|text| text.parse::<Timestamp>().unwrap());
            assert!(sunset.duration_since(since).as_hours() >= 365 * 24, "{entry:?}");
            assert!(crate::routes::Operation::at(entry.path, &entry.method).is_some(), "{entry:?}");
        }
    }
}
