//! When a person is reminded that a credential ends.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The reminders of a credential's end, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum Reminder {
    SixtyDays,
    ThirtyDays,
    FourteenDays,
    SevenDays,
    OneDay,
    Today,
    Expired,
}

impl Reminder {
    const BEFORE: [(i64, Self); 6] = [
        (60, Self::SixtyDays),
        (30, Self::ThirtyDays),
        (14, Self::FourteenDays),
        (7, Self::SevenDays),
        (1, Self::OneDay),
        (0, Self::Today),
    ];

    /// The one to tell now, if any: the most urgent that is reached and was not told. Those that were missed before it
    /// are not told any more; a person who reads "7 days" needs no "14 days".
    pub fn due(expires_at: Timestamp, told: Option<Self>, now: Timestamp) -> Option<Self> {
        let left = days_left(expires_at, now);
        let reached = match now >= expires_at {
            true => Some(Self::Expired),
            false => Self::BEFORE.into_iter().rev().find(|(days, _)| left <= *days).map(|(_, reminder)| reminder),
        };
        reached.filter(|reached| told.is_none_or(|told| told < *reached))
    }
}

/// Whole days from the day of `now` to the day of `expires_at`, in UTC; negative afterwards.
pub fn days_left(expires_at: Timestamp, now: Timestamp) -> i64 {
    let days = day(expires_at).duration_since(day(now)).as_hours() / 24;
    if expires_at <= now { days.min(0) } else { days }
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The beginning of the next day.
pub(crate) fn tomorrow(now: Timestamp) -> Timestamp {
    let next = day(now).tomorrow().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    next.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The days before the end on which a reminder is told, if the schedule runs on these days.
    fn told(end: &str, days: impl Iterator<Item = i64>) -> Vec<(i64, Reminder)> {
        let (end, mut last, mut all) = (at(end), None, Vec::new());
        for before in days {
            let now = end - jiff::SignedDuration::from_hours(24 * before);
            if let Some(reminder) = Reminder::due(end, last, now) {
                last = Some(reminder);
                all.push((before, reminder));
                assert_eq!(Reminder::due(end, last, now), None, "twice");
            }
        }
        all
    }

    #[test]
    fn over_a_year_each_reminder_is_told_once_and_in_order() {
        use Reminder::*;
        let all = told("2027-01-01T12:00:00Z", (-30..=365).rev());
        let days: Vec<i64> = all.iter().map(|(days, _)| *days).collect();
        assert_eq!(days, [60, 30, 14, 7, 1, 0]);
        assert_eq!(all.last().unwrap().1, Expired);
        // A little earlier in the day, the day itself comes before the end.
        let morning = at("2027-01-01T06:00:00Z");
        assert_eq!(Reminder::due(at("2027-01-01T12:00:00Z"), Some(OneDay), morning), Some(Today));
    }

    #[test]
    fn after_a_week_without_a_run_only_the_most_urgent_is_told() {
        use Reminder::*;
        let week = |from: i64, to: i64| move |day: &i64| !(to..=from).contains(day);
        let end = "2027-01-01T12:00:00Z";
        assert_eq!(
            told(end, (0..=70).rev().filter(week(14, 8))),
            [(60, SixtyDays), (30, ThirtyDays), (7, SevenDays), (1, OneDay), (0, Expired)]
        );
        assert_eq!(
            told(end, (-9..=20).rev().filter(week(7, -3))),
            [(20, ThirtyDays), (14, FourteenDays), (-4, Expired)]
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (end, now, days) in [
            ("2026-06-15T00:10:00Z", "2026-06-14T23:50:00Z", 1),
            ("2026-06-15T23:50:00Z", "2026-06-15T00:10:00Z", 0),
            ("2026-06-15T00:10:00Z", "2026-06-15T00:10:00Z", 0),
            ("2026-06-15T00:10:00Z", "2026-06-18T00:00:00Z", -3),
        ] {
            assert_eq!(days_left(at(end), at(now)), days, "{end} {now}");
        }
    }
}
