//! Calendar events.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    client::{Call, Graph, GraphUser, segment},
    extended,
    graph_error::GraphError,
};
use crate::base::id::EventId;

/// An event to be made in the default calendar: free, without a reminder and without attendees, so nobody is notified
/// of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent<'a> {
    /// Its title.
    pub subject: &'a str,
    /// Its beginning, UTC.
    pub start: DateTime,
    /// Its end, UTC.
    pub end: DateTime,
    /// Ours: by it the event is found again, and by it Graph knows the same request when it comes twice.
    pub tag: &'a str,
}

impl Graph {
    /// Makes an event. When the answer was lost it may be there all the same: [`Graph::events_tagged`] tells.
    /// Source: <https://learn.microsoft.com/graph/api/user-post-events>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_event(&self, user: &GraphUser, event: &NewEvent<'_>) -> Result<EventId, GraphError> {
        let time = |time: DateTime| json!({ "dateTime": time.to_string(), "timeZone": "UTC" });
        let call = Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({
                "subject": event.subject,
                "start": time(event.start),
                "end": time(event.end),
                "showAs": "free",
                "isReminderOn": false,
                "transactionId": event.tag,
                "singleValueExtendedProperties": extended::property(event.tag),
            })),
            repeatable: false,
            ..self.get(&format!("{}/events", user.path()), "make an event".to_owned())
        };
        self.json::<WireEvent>(call).await.map(|event| event.id)
    }

    /// The events that carry `tag`.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn events_tagged(&self, user: &GraphUser, tag: &str) -> Result<Vec<EventId>, GraphError> {
        self.tagged(user, "events", tag).await
    }

    /// Deletes an event; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/event-delete>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delete_event(&self, user: &GraphUser, id: &EventId) -> Result<(), GraphError> {
        let path = format!("{}/events/{}", user.path(), segment(id.as_str()));
        self.delete(&path, format!("delete event {id}")).await
    }
}

#[derive(Deserialize)]
struct WireEvent {
    id: EventId,
}

/// How an event appears in the free/busy information of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum ShowAs {
    Free,
    Tentative,
    Busy,
    Oof,
    WorkingElsewhere,
}

impl ShowAs {
    fn wire(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Tentative => "tentative",
            Self::Busy => "busy",
            Self::Oof => "oof",
            Self::WorkingElsewhere => "workingElsewhere",
        }
    }
}

/// A time as people say it where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime {
    /// What the clock on the wall shows.
    pub at: DateTime,
    /// The IANA name of the zone.
    pub time_zone: String,
    /// Which moment is meant, where the clock shows this time twice.
    pub moment: Option<Timestamp>,
}

impl LocalTime {
    /// Under the IANA name of its zone: [`OutlookItem`](super::OutlookItem) sends the name that Outlook knows.
    pub(super) fn wire(&self) -> Value {
        match self.moment {
            Some(moment) => in_zone(moment.to_zoned(TimeZone::UTC).datetime(), "UTC"),
            None => in_zone(self.at, &self.time_zone),
        }
    }
}

/// Source: <https://learn.microsoft.com/graph/api/resources/datetimetimezone>
pub(super) fn in_zone(at: DateTime, zone: &str) -> Value {
    json!({ "dateTime": at.to_string(), "timeZone": zone })
}

/// How often something comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The first time: what comes again on which day follows from it.
    pub first: Date,
    /// Days, weeks, months or years.
    pub every: RecurrenceUnit,
    /// So many of them lie between one time and the next.
    pub interval: u32,
    /// The days of the week, of a weekly one.
    pub weekdays: Vec<Weekday>,
    /// The last day; none if it has none.
    pub until: Option<Date>,
    /// How often; none if it is not counted.
    pub count: Option<u32>,
    /// The IANA name of the zone that days are days of.
    pub time_zone: String,
}

/// The unit of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum RecurrenceUnit {
    Day,
    Week,
    Month,
    Year,
}

impl Series {
    /// Source: <https://learn.microsoft.com/graph/api/resources/patternedrecurrence>
    pub(super) fn wire(&self) -> Value {
        let first = self.first;
        let mut pattern = match self.every {
            RecurrenceUnit::Day => json!({ "type": "daily" }),
            RecurrenceUnit::Week => json!({
                "type": "weekly", "firstDayOfWeek": "monday",
                "daysOfWeek": self.weekdays.iter().map(|day| weekday(*day)).collect::<Vec<_>>(),
            }),
            RecurrenceUnit::Month => json!({ "type": "absoluteMonthly", "dayOfMonth": first.day() }),
            RecurrenceUnit::Year => {
                json!({ "type": "absoluteYearly", "dayOfMonth": first.day(), "month": first.month() })
            }
        };
        pattern["interval"] = self.interval.into();
        let mut range = json!({ "startDate": first.to_string(), "recurrenceTimeZone": self.time_zone });
        match (self.until, self.count) {
            (Some(until), _) => {
                range["type"] = "endDate".into();
                range["endDate"] = until.to_string().into();
            }
            (None, Some(count)) => {
                range["type"] = "numbered".into();
                range["numberOfOccurrences"] = count.into();
            }
            (None, None) => range["type"] = "noEnd".into(),
        }
        json!({ "pattern": pattern, "range": range })
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

/// All that we say of an event. Nobody is invited, so nobody is notified of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventContent {
    /// Its title.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Where it is.
    pub place: String,
    /// When it begins.
    pub start: LocalTime,
    /// When it ends; of an all-day event, the midnight after its last day.
    pub end: LocalTime,
    /// Whether it fills whole days: then both times are midnight in one zone.
    pub all_day: bool,
    /// Minutes before the start at which it reminds; none for no reminder.
    pub reminder_minutes: Option<u32>,
    /// How it shows.
    pub show_as: ShowAs,
    /// Its category.
    pub category: String,
    /// How often it comes again.
    pub series: Option<Series>,
}

impl EventContent {
    /// The properties of a POST or PATCH. Source: <https://learn.microsoft.com/graph/api/resources/event>
    pub(super) fn wire(&self) -> Value {
        json!({
            "subject": self.subject,
            "body": { "contentType": "text", "content": self.text },
            "location": { "displayName": self.place },
            "start": self.start.wire(),
            "end": self.end.wire(),
            "isAllDay": self.all_day,
            "isReminderOn": self.reminder_minutes.is_some(),
            "reminderMinutesBeforeStart": self.reminder_minutes.unwrap_or(0),
            "showAs": self.show_as.wire(),
            "categories": [self.category],
            "recurrence": self.series.as_ref().map(Series::wire),
        })
    }
}

/// The properties by which it is seen that a person changed an event. A reminder that is dismissed is switched off,
/// which is what reminders are for: `isReminderOn` is not among them.
pub(super) const EVENT_WATCHED: [&str; 9] =
    ["subject", "body", "location", "start", "end", "isAllDay", "showAs", "categories", "recurrence"];
