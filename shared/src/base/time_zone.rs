//! Time zones: IANA names here and in the API, Windows names towards Outlook.
//!
//! Graph documents Windows' names and a short list of IANA ones, so every zone is sent by its Windows name. CLDR maps
//! one to the other. Sources: <https://learn.microsoft.com/graph/api/resources/datetimetimezone>,
//! <https://www.unicode.org/cldr/charts/latest/supplemental/zone_tzid.html>

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use jiff::{
    Timestamp,
    civil::{DateTime, date},
    tz::{AmbiguousOffset, TimeZone},
};

/// Longest name of a zone in the IANA database, with room to spare.
const NAME_BYTES_MAX: usize = 64;
/// Two zones are the same for Outlook if they agree from one of these years on, the more the better: a zone that was
/// only renamed agrees with its old name from the first.
const SAME_SINCE: [i16; 3] = [1970, 2000, 2024];
/// Until then rules are compared.
const SAME_UNTIL: i16 = 2038;

/// The zone of that IANA name in its one spelling, with its rules; none if there is no such zone. Upper and lower case
/// make no difference.
pub fn find(name: &str) -> Option<(String, TimeZone)> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let zone = TimeZone::get(name).ok()?;
    let name = zone.iana_name()?.to_owned();
    Some((name, zone))
}

/// How Graph takes a time on the clock of the zone that IANA calls `iana`: the time and the name of its zone. By
/// its Windows name, unless Windows has no such zone, has other rules for that day, or the time exists twice: then the
/// moment in UTC.
pub fn for_graph(at: DateTime, iana: &str) -> (DateTime, &'static str) {
    let utc = |at: DateTime| (at, "UTC");
    let Ok(zone) = TimeZone::get(iana) else { return utc(at) };
    let Ok(moment) = at.to_zoned(zone.clone()) else { return utc(at) };
    let in_utc = moment.timestamp().to_zoned(TimeZone::UTC).datetime();
    let Some(windows) = windows_name(iana) else { return utc(in_utc) };
    let clock = by_either_name(windows).and_then(|there| at.to_zoned(there).ok());
    let agrees = clock.is_some_and(|there| there.timestamp() == moment.timestamp());
    if agrees && !is_twofold(at, &zone) { (at, windows) } else { utc(in_utc) }
}

/// Whether the clock of `zone` shows this time twice on that day.
pub fn is_twofold(at: DateTime, zone: &TimeZone) -> bool {
    matches!(zone.to_ambiguous_timestamp(at).offset(), AmbiguousOffset::Fold { .. })
}

/// Whether the clock of `zone` skips this time on that day.
pub fn is_skipped(at: DateTime, zone: &TimeZone) -> bool {
    matches!(zone.to_ambiguous_timestamp(at).offset(), AmbiguousOffset::Gap { .. })
}

/// What Windows calls the zone of that IANA name; none if Windows has no zone with these rules.
pub fn windows_name(iana: &str) -> Option<&'static str> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<&'static str>>>> = LazyLock::new(Mutex::default);
    if matches!(iana, "UTC" | "Etc/UTC") {
        return Some("UTC");
    }
    if let Some((windows, _)) = localzone::iana_to_win_zone(iana) {
        return Some(windows);
    }
    let zone = TimeZone::get(iana).ok()?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(iana.to_owned()).or_insert_with(|| by_rules(&zone))
}

/// The rules of the zone that Windows or IANA calls `name`.
pub fn by_either_name(name: &str) -> Option<TimeZone> {
    let iana = localzone::win_zone_to_iana(name, Some("001")).unwrap_or(name);
    TimeZone::get(iana).ok()
}

/// CLDR lists no alias, so a renamed zone is found by its rules.
fn by_rules(zone: &TimeZone) -> Option<&'static str> {
    SAME_SINCE.into_iter().find_map(|year| {
        let mut mapped = jiff::tz::db().available().filter_map(|name| {
            let (windows, _) = localzone::iana_to_win_zone(name.as_str())?;
            Some((windows, TimeZone::get(name.as_str()).ok()?))
        });
        mapped.find(|(_, other)| is_same(zone, other, year)).map(|(windows, _)| windows)
    })
}

fn is_same(one: &TimeZone, other: &TimeZone, since: i16) -> bool {
    let at = |year| date(year, 1, 1).to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let (Ok(since), Ok(until)) = (at(since), at(SAME_UNTIL)) else { return false };
    let changes = |zone: &TimeZone| -> Vec<(Timestamp, i32)> {
        let changes = zone.following(since).take_while(|change| change.timestamp() < until);
        changes.map(|change| (change.timestamp(), change.offset().seconds())).collect()
    };
    one.to_offset(since) == other.to_offset(since) && changes(one) == changes(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_the_windows_name_that_outlook_shows() {
        for (iana, windows) in [
            ("Europe/Brussels", "Romance Standard Time"),
            ("Europe/Zurich", "W. Europe Standard Time"),
            ("Europe/Kyiv", "FLE Standard Time"),
            ("Asia/Kolkata", "India Standard Time"),
            ("Asia/Calcutta", "India Standard Time"),
            ("America/Argentina/Buenos_Aires", "Argentina Standard Time"),
            ("America/Indiana/Indianapolis", "US Eastern Standard Time"),
            ("Asia/Ho_Chi_Minh", "SE Asia Standard Time"),
            ("UTC", "UTC"),
            ("Etc/UTC", "UTC"),
        ] {
            assert_eq!(windows_name(iana), Some(windows), "{iana}");
        }
    }

    #[test]
    fn a_zone_is_found_in_any_case_and_has_one_spelling() {
        assert_eq!(find("europe/BRUSSELS").unwrap().0, "Europe/Brussels");
        for none in ["", "Brussels", "Europe/Bruxelles", "Romance Standard Time", "x/".repeat(40).as_str()] {
            assert!(find(none).is_none(), "{none}");
        }
    }

    #[test]
    fn every_zone_reaches_outlook_as_the_same_moment_all_through_the_year() {
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).unwrap();
            for (month, hour) in (1..=12).flat_map(|month| [(month, 2), (month, 15)]) {
                let at = date(2026, month, 25).at(hour, 30, 0, 0);
                let (there, windows) = for_graph(at, name.as_str());
                let moment = there.to_zoned(by_either_name(windows).unwrap()).unwrap().timestamp();
                assert_eq!(moment, at.to_zoned(zone.clone()).unwrap().timestamp(), "{} {at} {windows}", name.as_str());
            }
        }
    }

    #[test]
    fn an_hour_that_exists_twice_is_named_in_utc() {
        let at = |time: &str| time.parse::<DateTime>().unwrap();
        assert_eq!(for_graph(at("2026-10-25T02:30"), "Europe/Brussels"), (at("2026-10-25T00:30"), "UTC"));
        assert_eq!(
            for_graph(at("2026-10-25T03:30"), "Europe/Brussels"),
            (at("2026-10-25T03:30"), "Romance Standard Time")
        );
        assert_eq!(for_graph(at("2026-06-01T09:00"), "Antarctica/Troll"), (at("2026-06-01T07:00"), "UTC"));
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        assert!(is_skipped(at("2026-03-29T02:30"), &zone) && !is_skipped(at("2026-03-29T03:30"), &zone));
    }
}
