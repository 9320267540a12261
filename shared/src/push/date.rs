//! Dates: appointments, deadlines and reminders, and how they show in Outlook.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date as Day, DateTime, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::language::Language,
    firm::member::DateTarget,
    graph::{Color, EventContent, LocalTime, Mark, OutlookItem, RecurrenceUnit, Series, ShowAs, TaskContent},
};

/// The kind of a date. Each kind has its own category in Outlook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DateKind {
    /// Something that takes place.
    Appointment,
    /// Something that has to be done by then.
    Deadline,
    /// Something to be thought of.
    Reminder,
}

/// When it is, as people say it where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateTimes {
    /// Whole days.
    AllDay {
        /// The first.
        start: Day,
        /// The first after them.
        end: Day,
    },
    /// From one time to another, or one moment.
    Timed {
        /// Its beginning.
        start: DateTime,
        /// Its end.
        end: DateTime,
        /// The moment of its beginning, where the clock shows that time twice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_moment: Option<Timestamp>,
        /// The moment of its end, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_moment: Option<Timestamp>,
    },
}

/// How often it comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// Days, weeks, months or years.
    pub every: RecurrenceUnit,
    /// So many of them lie between one time and the next.
    pub interval: u32,
    /// The days of the week of a weekly one, Monday being 1.
    pub weekdays: Vec<i8>,
    /// The day of the last occurrence, at the latest.
    pub until: Option<Day>,
    /// How often in all.
    pub count: Option<u32>,
}

/// What the business application says of a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Date {
    /// What it is.
    pub kind: DateKind,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: Option<String>,
    /// Where it is.
    pub place: Option<String>,
    /// When it is.
    pub when: DateTimes,
    /// The IANA name of the zone that its times are times of.
    pub time_zone: String,
    /// Minutes before its start at which it reminds.
    pub reminder_minutes: Option<u32>,
    /// How it shows.
    pub show_as: ShowAs,
    /// The dossier that it belongs to.
    pub dossier: Option<String>,
    /// How often it comes again.
    pub recurrence: Option<Recurrence>,
}

impl DateKind {
    /// The category's name, in the firm's language.
    pub fn category(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Appointment, Language::French) => "greffe : rendez-vous",
            (Self::Appointment, Language::Dutch) => "greffe: afspraak",
            (Self::Appointment, Language::German) => "greffe: Termin",
            (Self::Appointment, Language::English) => "greffe: appointment",
            (Self::Deadline, Language::French) => "greffe : délai",
            (Self::Deadline, Language::Dutch) => "greffe: termijn",
            (Self::Deadline, Language::German) => "greffe: Frist",
            (Self::Deadline, Language::English) => "greffe: deadline",
            (Self::Reminder, Language::French) => "greffe : rappel",
            (Self::Reminder, Language::Dutch) => "greffe: herinnering",
            (Self::Reminder, Language::German) => "greffe: Erinnerung",
            (Self::Reminder, Language::English) => "greffe: reminder",
        }
    }

    /// The categories of all kinds: blue, red and yellow, in Graph's presets.
    pub fn categories(language: Language) -> [Mark; 3] {
        let kinds = [(Self::Appointment, 7), (Self::Deadline, 0), (Self::Reminder, 3)];
        kinds.map(|(kind, preset)| Mark::of(kind.category(language), Color::preset(preset)))
    }

    /// The default availability: busy for appointments, free for deadlines and reminders.
    pub fn show_as(self) -> ShowAs {
        match self {
            Self::Appointment => ShowAs::Busy,
            Self::Deadline | Self::Reminder => ShowAs::Free,
        }
    }
}

impl DateTimes {
    /// Its beginning; of whole days, the first midnight.
    pub fn start(&self) -> DateTime {
        match self {
            Self::AllDay { start, .. } => start.at(0, 0, 0, 0),
            Self::Timed { start, .. } => *start,
        }
    }

    fn end(&self) -> DateTime {
        match self {
            Self::AllDay { end, .. } => end.at(0, 0, 0, 0),
            Self::Timed { end, .. } => *end,
        }
    }

    /// The moments of beginning and end, where the clock shows those times twice.
    fn moments(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        match self {
            Self::AllDay { .. } => (None, None),
            Self::Timed { start_moment, end_moment, .. } => (*start_moment, *end_moment),
        }
    }

    fn is_all_day(&self) -> bool {
        matches!(self, Self::AllDay { .. })
    }
}

impl Date {
    /// How it shows in the Outlook of a member who has dates at `target`.
    pub fn item(&self, target: DateTarget, language: Language) -> OutlookItem {
        match target {
            DateTarget::Calendar => self.event(language).into(),
            DateTarget::Todo => self.task(language).into(),
        }
    }

    fn event(&self, language: Language) -> EventContent {
        let (start, end) = self.when.moments();
        EventContent {
            subject: self.title.clone(),
            text: lines([self.text.clone(), self.dossier_line(language)]),
            place: self.place.clone().unwrap_or_default(),
            start: LocalTime { moment: start, ..self.local(self.when.start()) },
            end: LocalTime { moment: end, ..self.local(self.when.end()) },
            all_day: self.when.is_all_day(),
            reminder_minutes: self.reminder_minutes,
            show_as: self.show_as,
            category: self.kind.category(language).to_owned(),
            series: self.series(),
        }
    }

    /// To Do keeps the day and no hour, so hours and place stand in the text.
    fn task(&self, language: Language) -> TaskContent {
        let hours = match self.when {
            DateTimes::AllDay { .. } => None,
            DateTimes::Timed { start, end, .. } if start == end => Some(start.strftime("%H:%M").to_string()),
            DateTimes::Timed { start, end, .. } => {
                Some(format!("{}–{}", start.strftime("%H:%M"), end.strftime("%H:%M")))
            }
        };
        let first = [hours, self.place.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        TaskContent {
            title: self.title.clone(),
            text: lines([(!first.is_empty()).then_some(first), self.text.clone(), self.dossier_line(language)]),
            due: self.when.start().date(),
            reminder: self.reminder_minutes.map(|minutes| self.local(self.before_start(minutes))),
            category: self.kind.category(language).to_owned(),
            series: self.series(),
        }
    }

    fn local(&self, at: DateTime) -> LocalTime {
        LocalTime { at, time_zone: self.time_zone.clone(), moment: None }
    }

    /// So many minutes before the start, on the clock on the wall: a change to summer time in between counts.
    fn before_start(&self, minutes: u32) -> DateTime {
        let minutes = SignedDuration::from_mins(i64::from(minutes));
        let start = self.when.start();
        let zoned = TimeZone::get(&self.time_zone).and_then(|zone| start.to_zoned(zone));
        let before = zoned.and_then(|start| start.checked_sub(minutes)).map(|before| before.datetime());
        before.or_else(|_| start.checked_sub(minutes)).unwrap_or(start)
    }

    fn dossier_line(&self, language: Language) -> Option<String> {
        let word = if language == Language::German { "Akte" } else { "Dossier" };
        self.dossier.as_ref().map(|dossier| format!("{word}: {dossier}"))
    }

    /// What Outlook makes of a series on a day that not every month has: it takes the last day of a shorter one.
    /// Source: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/absolutemonthlyrecurrence>
    pub fn skips_to_month_end(&self) -> bool {
        let first = self.when.start().date();
        match self.recurrence.as_ref().map(|recurrence| recurrence.every) {
            Some(RecurrenceUnit::Month) => first.day() > 28,
            Some(RecurrenceUnit::Year) => (first.month(), first.day()) == (2, 29),
            _ => false,
        }
    }

    fn series(&self) -> Option<Series> {
        let Recurrence { every, interval, weekdays, until, count } = self.recurrence.clone()?;
        let first = self.when.start().date();
        let mut weekdays: Vec<Weekday> =
            weekdays.into_iter().filter_map(|day| Weekday::from_monday_one_offset(day).ok()).collect();
        if weekdays.is_empty() {
            weekdays.push(first.weekday());
        }
        Some(Series { first, every, interval, weekdays, until, count, time_zone: self.time_zone.clone() })
    }
}

fn lines<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: &str, end: &str) -> Date {
        Date {
            kind: DateKind::Deadline,
            title: "Appeal".to_owned(),
            text: None,
            place: None,
            when: DateTimes::Timed {
                start: start.parse().unwrap(),
                end: end.parse().unwrap(),
                start_moment: None,
                end_moment: None,
            },
            time_zone: "Europe/Brussels".to_owned(),
            reminder_minutes: Some(120),
            show_as: ShowAs::Free,
            dossier: Some("2026/7".to_owned()),
            recurrence: None,
        }
    }

    #[test]
    fn a_reminder_before_the_change_to_summer_time_is_an_hour_earlier_on_the_wall() {
        // At two o'clock on 29 March 2026 it is three.
        let task = at("2026-03-29T04:00", "2026-03-29T05:00").task(Language::English);
        assert_eq!(task.reminder.unwrap().at, "2026-03-29T01:00".parse().unwrap());
        assert_eq!((task.due, task.text.as_str()), ("2026-03-29".parse().unwrap(), "04:00–05:00\nDossier: 2026/7"));
    }

    #[test]
    fn a_series_on_a_day_that_not_every_month_has_falls_on_the_last_of_a_shorter_one() {
        let on = |day: &str, every| {
            let recurrence = Recurrence { every, interval: 1, weekdays: Vec::new(), until: None, count: None };
            let date = at(&format!("{day}T09:00"), &format!("{day}T10:00"));
            Date { recurrence: Some(recurrence), ..date }.skips_to_month_end()
        };
        assert!(
            on("2026-01-29", RecurrenceUnit::Month)
                && on("2026-01-31", RecurrenceUnit::Month)
                && on("2028-02-29", RecurrenceUnit::Year)
        );
        assert!(
            !on("2026-01-28", RecurrenceUnit::Month)
                && !on("2026-01-31", RecurrenceUnit::Year)
                && !on("2026-01-31", RecurrenceUnit::Week)
        );
    }

    #[test]
    fn the_categories_of_dates_are_known_by_how_they_begin() {
        for language in [Language::French, Language::Dutch, Language::German, Language::English] {
            for mark in DateKind::categories(language) {
                assert!(mark.name.as_str().starts_with(crate::graph::CATEGORY_PREFIX));
            }
        }
    }

    #[test]
    fn a_date_keeps_the_hour_of_its_own_zone_and_its_category_speaks_the_firms_language() {
        let event = at("2026-07-01T09:00", "2026-07-01T09:00").event(Language::French);
        assert_eq!(event.start.at, "2026-07-01T09:00".parse().unwrap());
        assert_eq!((event.start.time_zone.as_str(), event.category.as_str()), ("Europe/Brussels", "greffe : délai"));
    }
}
