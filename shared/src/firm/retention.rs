//! Retention: until when originals are kept.
//!
//! An original is kept until the end of a calendar year, in UTC, or for ever. The year stands in its key, so S3 removes
//! it by one rule for each year. Laws count from the end of a calendar year, too.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The first year at whose end S3 removes originals.
pub const FIRST_EXPIRY_YEAR: u16 = 2026;
/// The last such year. What is to be kept longer is kept for ever: S3 has up to 1,000 rules in a bucket.
pub const LAST_EXPIRY_YEAR: u16 = 2125;

/// A year that S3 has no rule for.
#[derive(Debug, thiserror::Error)]
#[error("S3 removes originals at the end of the years {FIRST_EXPIRY_YEAR} to {LAST_EXPIRY_YEAR}, and not of {0}")]
pub struct ExpiryYearError(u16);

/// A year, in UTC, at whose end originals expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ExpiryYear(u16);

impl ExpiryYear {
    /// The moment at which originals of this year expire.
    pub fn end(self) -> Timestamp {
        let next = i16::try_from(self.0 + 1).unwrap_or(i16::MAX);
        let begin = civil::Date::new(next, 1, 1).and_then(|date| date.to_zoned(TimeZone::UTC));
        begin.map_or(Timestamp::MAX, |begin| begin.timestamp())
    }
}

impl TryFrom<u16> for ExpiryYear {
    type Error = ExpiryYearError;

    fn try_from(year: u16) -> Result<Self, ExpiryYearError> {
        let is_known = (FIRST_EXPIRY_YEAR..=LAST_EXPIRY_YEAR).contains(&year);
        if is_known { Ok(Self(year)) } else { Err(ExpiryYearError(year)) }
    }
}

impl From<ExpiryYear> for u16 {
    fn from(ExpiryYear(year): ExpiryYear) -> Self {
        year
    }
}

/// Until when an original is kept. The longer is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Option<ExpiryYear>", into = "Option<ExpiryYear>")]
pub enum KeptUntil {
    /// Until the end of this year.
    EndOf(ExpiryYear),
    /// For ever.
    #[default]
    Ever,
}

impl KeptUntil {
    /// Whether it is for ever.
    pub fn is_ever(&self) -> bool {
        *self == Self::Ever
    }

    /// The moment at which it is over; none if never.
    pub fn end(self) -> Option<Timestamp> {
        Option::<ExpiryYear>::from(self).map(ExpiryYear::end)
    }

    /// Whether it is over.
    pub fn has_ended(self, now: Timestamp) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    /// The end of that year, or for ever if S3 has no rule for the year.
    pub fn of_year(year: u16) -> Self {
        ExpiryYear::try_from(year).map_or(Self::Ever, Self::EndOf)
    }
}

impl From<Option<ExpiryYear>> for KeptUntil {
    fn from(year: Option<ExpiryYear>) -> Self {
        year.map_or(Self::Ever, Self::EndOf)
    }
}

impl From<KeptUntil> for Option<ExpiryYear> {
    fn from(until: KeptUntil) -> Self {
        match until {
            KeptUntil::EndOf(year) => Some(year),
            KeptUntil::Ever => None,
        }
    }
}

/// The shortest and the longest period, in years: S3 has rules for them until 2035.
pub const PERIOD_YEARS: RangeInclusive<u16> = 1..=90;
/// Most classes of dossiers that a firm has: they lie in its item.
pub const CLASSES_MAX: usize = 20;

/// For how many years a mail is kept after the end of the calendar year in which it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct RetentionPeriod(u16);

/// A period that is too short or too long.
#[derive(Debug, thiserror::Error)]
#[error("a retention period has {} to {} years", PERIOD_YEARS.start(), PERIOD_YEARS.end())]
pub struct RetentionPeriodError;

impl TryFrom<u16> for RetentionPeriod {
    type Error = RetentionPeriodError;

    fn try_from(years: u16) -> Result<Self, RetentionPeriodError> {
        if PERIOD_YEARS.contains(&years) { Ok(Self(years)) } else { Err(RetentionPeriodError) }
    }
}

impl From<RetentionPeriod> for u16 {
    fn from(RetentionPeriod(years): RetentionPeriod) -> Self {
        years
    }
}

impl RetentionPeriod {
    /// Until when a mail is kept. One that arrived long ago is kept at least until the end of the year in which it was
    /// archived.
    pub fn ends(self, received_at: Timestamp, archived_at: Timestamp) -> KeptUntil {
        let year = |at: Timestamp| u16::try_from(at.to_zoned(TimeZone::UTC).year()).unwrap_or(u16::MAX);
        KeptUntil::of_year(year(received_at).saturating_add(self.0).max(year(archived_at)))
    }
}

/// How long a firm keeps its mail: by default, and by class of dossier. None stands for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What holds for all its mail.
    pub default: Option<RetentionPeriod>,
    /// What holds for the mail of dossiers of a class, if it is longer.
    pub classes: BTreeMap<String, Option<RetentionPeriod>>,
}

impl Retention {
    /// Until when a mail is kept whose dossier is of that class, or of none. A class that is not known keeps for ever.
    pub fn kept_until(&self, class: Option<&str>, received_at: Timestamp, archived_at: Timestamp) -> KeptUntil {
        let ends = |period: Option<RetentionPeriod>| {
            period.map_or(KeptUntil::Ever, |period| period.ends(received_at, archived_at))
        };
        let of_class = class.map(|class| ends(self.classes.get(class).copied().flatten()));
        of_class.map_or(ends(self.default), |of_class| of_class.max(ends(self.default)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_kept_for_its_period_from_the_end_of_the_year_in_which_it_came() {
        let period = |years: u16| RetentionPeriod::try_from(years).unwrap();
        let retention = Retention {
            default: Some(period(7)),
            classes: [("long".into(), Some(period(10))), ("short".into(), Some(period(1))), ("ever".into(), None)]
                .into(),
        };
        let now: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
        for (class, received_at, until) in [
            (None, "2026-12-31T23:59:59Z", KeptUntil::of_year(2033)),
            (None, "2026-01-01T00:00:00Z", KeptUntil::of_year(2033)),
            (Some("long"), "2026-01-01T00:00:00Z", KeptUntil::of_year(2036)),
            (Some("short"), "2026-01-01T00:00:00Z", KeptUntil::of_year(2033)),
            (Some("ever"), "2026-01-01T00:00:00Z", KeptUntil::Ever),
            (Some("not known"), "2026-01-01T00:00:00Z", KeptUntil::Ever),
            // History: it is not gone as soon as it comes.
            (None, "1999-05-05T00:00:00Z", KeptUntil::of_year(2026)),
        ] {
            assert_eq!(
                retention.kept_until(class, received_at.parse().unwrap(), now),
                until,
                "{class:?} {received_at}"
            );
        }
        assert_eq!(Retention::default().kept_until(None, now, now), KeptUntil::Ever);
        assert!([0, 91].into_iter().all(|years| RetentionPeriod::try_from(years).is_err()));
    }

    #[test]
    fn an_original_expires_as_the_next_year_begins_in_utc() {
        let until = KeptUntil::of_year(2036);
        assert_eq!(until.end(), "2037-01-01T00:00:00Z".parse().ok());
        assert!(!until.has_ended("2036-12-31T23:59:59Z".parse().unwrap()));
        assert!(until.has_ended("2037-01-01T00:00:00Z".parse().unwrap()));
        assert!(!KeptUntil::Ever.has_ended(Timestamp::MAX));
    }

    #[test]
    fn what_no_rule_of_s3_removes_is_kept_for_ever_and_for_ever_is_the_longest() {
        for year in [0, FIRST_EXPIRY_YEAR - 1, LAST_EXPIRY_YEAR + 1, u16::MAX] {
            assert_eq!(KeptUntil::of_year(year), KeptUntil::Ever, "{year}");
        }
        let [first, last] = [FIRST_EXPIRY_YEAR, LAST_EXPIRY_YEAR].map(KeptUntil::of_year);
        assert!(first < last && last < KeptUntil::Ever);
    }
}
