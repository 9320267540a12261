//! Dates: appointments, deadlines and reminders for members' Outlook.

use std::{collections::BTreeSet, sync::Arc};

use axum::{extract::State, http::StatusCode};
use jiff::{
    Timestamp,
    civil::{Date as Day, DateTime, Time, Weekday, date},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    app::App,
    base::{id::MemberId, time_zone},
    graph::{OutlookItem, RecurrenceUnit, ShowAs},
    problem::Problem,
    push::{
        PushChoice,
        date::{Date, DateKind, DateTimes, Recurrence},
        entry::Entry,
        intake::{FieldError, NewEntry},
    },
};
use utoipa::ToSchema;

use super::{
    entries::{
        self, BulkResult, Deletion, EntriesFilter, EntryView, External, MemberChange, MemberRef, Resource, line, lines,
        unfit,
    },
    paging::Page,
};
use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Id, Json, Query, present},
    precondition::{IfMatch, Tagged},
};

/// Longest title and place: Outlook's own limit.
const LINE_CHARS_MAX: usize = 255;
/// Longest text.
const TEXT_CHARS_MAX: usize = 30_000;
/// Longest time between a reminder and what it reminds of: a year.
const REMINDER_MINUTES_MAX: u32 = 366 * 24 * 60;
/// The days that Outlook shows: 4501-01-01 stands for no date.
/// Source: <https://learn.microsoft.com/office/vba/api/outlook.taskitem.duedate>
const DAYS: (Day, Day) = (date(1601, 4, 1), date(4500, 8, 31));
/// Most times of a series that is counted, and its longest interval.
const SERIES_MAX: u32 = 999;

/// The content of a date.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDate {
    kind: DateKind,
    /// 1 to 255 characters.
    #[schema(max_length = 255, pattern = r"[^\s\x00-\x1F\x7F-\x9F]")]
    title: String,
    /// At most 30,000 characters.
    text: Option<String>,
    /// Where it is.
    place: Option<String>,
    /// A time (`2026-10-05T09:00:00`, in `time_zone`, or with an offset), or a day (`2026-10-05`).
    #[schema(example = "2026-10-05T09:00:00")]
    start: String,
    /// The end, in the same form. For all-day dates, the first day that no longer belongs to the date, as in iCalendar;
    /// by default one day. A deadline or reminder without an end has no duration.
    end: Option<String>,
    /// Whether it lasts whole days. Defaults to true if the start has no time.
    all_day: Option<bool>,
    /// The IANA name of the time zone of the times. Defaults to the firm's.
    time_zone: Option<String>,
    /// Minutes before the start; null for no reminder. If it is left out, 0 for `reminder`, and else none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, maximum = 527_040)]
    reminder_minutes: Option<Option<u32>>,
    /// Defaults to busy for an appointment, and to free for a deadline or reminder.
    show_as: Option<ShowAs>,
    /// The dossier that it belongs to.
    dossier: Option<String>,
    /// How an appointment recurs.
    recurrence: Option<NewRecurrence>,
    /// The ids of the members that it is for.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    members: Vec<MemberId>,
    /// The version number of the business application. A request with a version that is not higher than the stored one
    /// changes nothing.
    version: Option<u64>,
}

/// How an appointment recurs. Monthly and yearly recurrences use the day of the start.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DateRecurrence)]
pub(crate) struct NewRecurrence {
    every: RecurrenceUnit,
    /// The number of days, weeks, months or years between two occurrences. Defaults to 1.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 999)]
    interval: u32,
    /// The weekdays of a weekly recurrence, including the weekday of the start. Defaults to the weekday of the start.
    #[serde(default)]
    weekdays: Vec<WeekdayName>,
    /// The day of the last occurrence, at the latest.
    #[schema(value_type = Option<String>, format = "date")]
    until: Option<Day>,
    /// The number of occurrences. Excludes `until`.
    #[schema(minimum = 1, maximum = 999)]
    count: Option<u32>,
}

fn one() -> u32 {
    1
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WeekdayName {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl WeekdayName {
    const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// Monday is 1.
    fn number(self) -> i8 {
        self as i8 + 1
    }
}

/// A date.
#[derive(Serialize, ToSchema)]
pub(crate) struct DateView {
    kind: DateKind,
    title: String,
    text: Option<String>,
    place: Option<String>,
    /// The start: a day, or a time in `time_zone`. In the hour that the clock shows twice, it has its offset:
    /// `2026-10-25T02:30:00+01:00`.
    start: String,
    /// The end, in the same form. For all-day dates, the first day that no longer belongs to the date.
    end: String,
    all_day: bool,
    time_zone: String,
    reminder_minutes: Option<u32>,
    show_as: ShowAs,
    dossier: Option<String>,
    recurrence: Option<NewRecurrence>,
    /// Notes where Outlook will show something unexpected.
    hints: Vec<&'static str>,
}

/// Said of a series on a day that not every month has.
const MONTH_END: &str = "Where a month has no such day, Outlook takes the last day of that month.";

impl Resource for Date {
    type New = NewDate;
    type View = DateView;

    fn read(new: NewDate, time_zone: &str) -> Result<NewEntry<Self>, FieldError> {
        let time_zone = new.time_zone.unwrap_or_else(|| time_zone.to_owned());
        let zone = time_zone::find(&time_zone);
        let (time_zone, zone) =
            zone.ok_or_else(|| unfit("time_zone", "not the IANA name of a time zone such as Europe/Brussels"))?;
        let title = line("title", Some(new.title), LINE_CHARS_MAX)?;
        let when = read_when(new.kind, &new.start, new.end.as_deref(), new.all_day, &zone)?;
        let by_kind = (new.kind == DateKind::Reminder).then_some(0);
        let reminder_minutes = new.reminder_minutes.unwrap_or(by_kind);
        if reminder_minutes.is_some_and(|minutes| minutes > REMINDER_MINUTES_MAX) {
            return Err(unfit("reminder_minutes", format!("at most {REMINDER_MINUTES_MAX}, which is a year")));
        }
        let recurrence = new.recurrence.map(|recurrence| read_recurrence(new.kind, &when, recurrence)).transpose()?;
        if recurrence.is_some() && time_zone::windows_name(&time_zone).is_none() {
            return Err(unfit(
                "time_zone",
                "Outlook has no such zone, so nothing can recur in it: name another with the same clock",
            ));
        }
        let content = Self {
            kind: new.kind,
            title: title.ok_or_else(|| unfit("title", "it is empty"))?,
            text: lines("text", new.text, TEXT_CHARS_MAX)?,
            place: line("place", new.place, LINE_CHARS_MAX)?,
            when,
            time_zone,
            reminder_minutes,
            show_as: new.show_as.unwrap_or(new.kind.show_as()),
            dossier: line("dossier", new.dossier, LINE_CHARS_MAX)?,
            recurrence,
        };
        Ok(NewEntry { version: new.version, members: new.members, content })
    }

    fn view(date: Self) -> DateView {
        let hints = date.skips_to_month_end().then_some(MONTH_END).into_iter().collect();
        let (start, end, all_day) = match &date.when {
            DateTimes::AllDay { start, end } => (start.to_string(), end.to_string(), true),
            DateTimes::Timed { start, end, start_moment, end_moment } => {
                let clock = |at, moment| clock_text(at, moment, &date.time_zone);
                (clock(*start, *start_moment), clock(*end, *end_moment), false)
            }
        };
        let Self { kind, title, text, place, time_zone, reminder_minutes, show_as, dossier, recurrence, .. } = date;
        let recurrence = recurrence.map(|Recurrence { every, interval, weekdays, until, count }| {
            let weekdays = WeekdayName::ALL.into_iter().filter(|day| weekdays.contains(&day.number())).collect();
            NewRecurrence { every, interval, weekdays, until, count }
        });
        DateView {
            kind,
            title,
            text,
            place,
            start,
            end,
            all_day,
            time_zone,
            reminder_minutes,
            show_as,
            dossier,
            recurrence,
            hints,
        }
    }

    fn item(wish: &PushChoice, member: MemberId, entry: &Entry<Self>) -> Option<OutlookItem> {
        wish.date(member, Some(entry))
    }
}

/// What the clock shows; with the offset where it shows that time twice, so that it is read again as the same moment.
fn clock_text(at: DateTime, moment: Option<Timestamp>, zone: &str) -> String {
    let zone = moment.and_then(|moment| Some((moment, time_zone::find(zone)?.1)));
    match zone {
        Some((moment, zone)) => moment.display_with_offset(zone.to_offset(moment)).to_string(),
        None => at.to_string(),
    }
}

fn read_when(
    kind: DateKind,
    start: &str,
    end: Option<&str>,
    all_day: Option<bool>,
    zone: &TimeZone,
) -> Result<DateTimes, FieldError> {
    let when = read_span(kind, start, end, all_day, zone)?;
    let (first, last) = match &when {
        DateTimes::AllDay { start, end } => (*start, *end),
        DateTimes::Timed { start, end, .. } => (start.date(), end.date()),
    };
    check_shown("start", first)?;
    check_shown("end", last)?;
    Ok(when)
}

fn check_shown(field: &str, day: Day) -> Result<(), FieldError> {
    match (DAYS.0..=DAYS.1).contains(&day) {
        true => Ok(()),
        false => Err(unfit(field, format!("Outlook shows dates from {} to {}", DAYS.0, DAYS.1))),
    }
}

/// Where a text begins with a day that Outlook does not show, that is wrong, whatever follows.
fn check_beginning(field: &str, text: &str) -> Result<(), FieldError> {
    let day = text.get(..DAY_CHARS).filter(|day| is_day(day)).and_then(|day| day.parse().ok());
    day.map_or(Ok(()), |day| check_shown(field, day))
}

fn read_span(
    kind: DateKind,
    start: &str,
    end: Option<&str>,
    all_day: Option<bool>,
    zone: &TimeZone,
) -> Result<DateTimes, FieldError> {
    if all_day.unwrap_or_else(|| is_day(start)) {
        let start = read_day("start", start)?;
        let next = || start.tomorrow().map_err(|error| unfit("start", error));
        let end = match end {
            None => next()?,
            Some(end) => match read_day("end", end)? {
                end if end == start => next()?,
                end if end < start => return Err(unfit("end", "it lies before the start")),
                end => end,
            },
        };
        return Ok(DateTimes::AllDay { start, end });
    }
    let (start, from) = read_time("start", start, zone)?;
    let (end, to) = match (end, kind) {
        (Some(end), _) => read_time("end", end, zone)?,
        (None, DateKind::Deadline | DateKind::Reminder) => (start, from),
        (None, DateKind::Appointment) => return Err(unfit("end", "an appointment has an end")),
    };
    if to < from {
        return Err(unfit("end", "it lies before the start"));
    }
    let moment = |at, moment| time_zone::is_twofold(at, zone).then_some(moment);
    Ok(DateTimes::Timed { start, end, start_moment: moment(start, from), end_moment: moment(end, to) })
}

/// What may stand between the day and the time (RFC 3339, section 5.6).
const BEFORE_TIME: [char; 3] = ['T', 't', ' '];

/// The length of a day, such as 2026-10-05.
const DAY_CHARS: usize = 10;

/// Whether a text has the form of a day, such as 2026-10-05.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(is_digits)
}

/// Said of a day in the right form that no calendar has.
const NO_DAY: &str = "there is no such day";

/// Whether a text begins with a day that no calendar has, such as 2026-02-30.
fn has_no_day(text: &str) -> bool {
    text.get(..DAY_CHARS).is_some_and(|day| is_day(day) && day.parse::<Day>().is_err())
}

fn read_day(field: &str, text: &str) -> Result<Day, FieldError> {
    let wrong = || unfit(field, "not a day such as 2026-10-05");
    check_beginning(field, text)?;
    match text.split_once(BEFORE_TIME) {
        None if is_day(text) => text.parse().map_err(|_| unfit(field, NO_DAY)),
        None => Err(wrong()),
        // Midnight is the day that it begins.
        Some((day, time)) => {
            let time = time.trim_end_matches(['Z', 'z']);
            let clock: Time = time.split(['+', '-']).next().unwrap_or(time).parse().map_err(|_| wrong())?;
            if clock != Time::midnight() {
                return Err(unfit(field, "whole days have no time of day"));
            }
            day.parse().map_err(|_| wrong())
        }
    }
}

/// What the clock shows in `zone`, and the moment. Of a time that it shows twice, and without an offset, the first.
fn read_time(field: &str, text: &str, zone: &TimeZone) -> Result<(DateTime, Timestamp), FieldError> {
    check_beginning(field, text)?;
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok((instant.to_zoned(zone.clone()).datetime(), instant));
    }
    match text.parse::<DateTime>() {
        Ok(time) if time_zone::is_skipped(time, zone) => {
            Err(unfit(field, "the clock of this time zone skips that time on that day"))
        }
        Ok(time) if text.contains(BEFORE_TIME) => {
            let zoned = time.to_zoned(zone.clone()).map_err(|error| unfit(field, error))?;
            Ok((time, zoned.timestamp()))
        }
        Err(_) if has_no_day(text) => Err(unfit(field, NO_DAY)),
        _ if is_day(text) => Err(unfit(field, "a time such as 2026-10-05T09:00:00 belongs here, and a day came")),
        _ => Err(unfit(field, "neither a time such as 2026-10-05T09:00:00 nor a day such as 2026-10-05")),
    }
}

fn read_recurrence(kind: DateKind, when: &DateTimes, new: NewRecurrence) -> Result<Recurrence, FieldError> {
    let NewRecurrence { every, interval, weekdays, until, count } = new;
    let first = when.start().date();
    if kind != DateKind::Appointment {
        return Err(unfit("recurrence", "only an appointment comes again"));
    }
    if !(1..=SERIES_MAX).contains(&interval) {
        return Err(unfit("recurrence.interval", format!("1 to {SERIES_MAX}")));
    }
    if count.is_some_and(|count| !(1..=SERIES_MAX).contains(&count)) {
        return Err(unfit("recurrence.count", format!("1 to {SERIES_MAX}")));
    }
    if count.is_some() && until.is_some() {
        return Err(unfit("recurrence.count", "either count or until"));
    }
    if until.is_some_and(|until| until < first) {
        return Err(unfit("recurrence.until", "it lies before the start"));
    }
    if until.is_some_and(|until| until > DAYS.1) {
        return Err(unfit("recurrence.until", format!("Outlook shows dates until {}", DAYS.1)));
    }
    // In order and each once, as they are shown.
    let weekdays: Vec<i8> =
        weekdays.into_iter().map(WeekdayName::number).collect::<BTreeSet<_>>().into_iter().collect();
    if !weekdays.is_empty() && every != RecurrenceUnit::Week {
        return Err(unfit("recurrence.weekdays", "only what comes every week has weekdays"));
    }
    if !weekdays.is_empty() && !weekdays.contains(&Weekday::to_monday_one_offset(first.weekday())) {
        return Err(unfit("recurrence.weekdays", "the day of the start is not among them"));
    }
    Ok(Recurrence { every, interval, weekdays, until, count })
}

/// Many dates.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DateRows {
    /// At most 5,000. Each row is the body of a PUT with an `external_id`; or `external_id`, `deleted: true` and an
    /// optional `version`.
    #[schema(min_items = 1, max_items = 5000, value_type = Vec<NewDate>)]
    rows: Vec<Value>,
}

/// Creates or replaces a date, and updates it in the Outlook of each of its members.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/dates/{external_id}", tag = "dates", operation_id = "put_date", params(IfMatch),
    responses(
        (
            status = 200, body = EntryView<DateView>,
            description = "Unchanged or replaced. A late or repeated request changes nothing"
        ),
        (status = 201, body = EntryView<DateView>, description = "Created"),
        (
            status = 404, body = Problem, content_type = "application/problem+json",
            description = "`not_found`: it was deleted with a version that is not lower. Nothing was changed."
        ),
    )
)]
pub(super) async fn put(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
    condition: IfMatch,
    Json(new): Json<NewDate>,
) -> Answer<(StatusCode, Tagged<EntryView<DateView>>)> {
    entries::put::<Date>(&app, firm.id(), id.into_inner(), new, &condition).await
}

/// Deletes a date, and removes it from the Outlook of each of its members.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/dates/{external_id}", tag = "dates", operation_id = "delete_date",
    params(Deletion, IfMatch), responses((status = 204, description = "Deleted. A late request changes nothing"))
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
    Query(deletion): Query<Deletion>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    entries::delete::<Date>(&app, firm.id(), id.into_inner(), deletion.version, &condition).await
}

/// Shows a date, and whether it is in the Outlook of each of its members.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/dates/{external_id}", tag = "dates", operation_id = "read_date",
    responses((status = 200, body = EntryView<DateView>))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
) -> Answer<Tagged<EntryView<DateView>>> {
    entries::read::<Date>(&app, firm.id(), &id.into_inner()).await
}

/// Lists a firm's dates: appointments, deadlines and reminders.
///
/// A page may have fewer items than its limit although more follow. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/dates", tag = "dates", operation_id = "list_dates", params(EntriesFilter),
    responses((status = 200, body = Page<EntryView<DateView>>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<EntriesFilter>,
) -> Answer<Json<Page<EntryView<DateView>>>> {
    let (items, next) = entries::list::<Date>(&app, firm.id(), which).await?;
    Ok(Json(Page { items, next }))
}

/// Creates, replaces or deletes many dates in one request.
///
/// Each row is validated separately: valid rows are accepted even if other rows are refused.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/dates/bulk", tag = "dates", operation_id = "put_dates", request_body = DateRows,
    responses((status = 200, body = BulkResult))
)]
pub(super) async fn bulk(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(rows): Json<DateRows>,
) -> Answer<Json<BulkResult>> {
    Ok(Json(entries::bulk::<Date>(&app, firm.id(), rows.rows).await?))
}

/// Adds many dates to the Outlook of some members, or removes them from it.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/dates/members", tag = "dates", operation_id = "change_date_members",
    request_body = MemberChange, responses((status = 200, body = BulkResult))
)]
pub(super) async fn members(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(change): Json<MemberChange>,
) -> Answer<Json<BulkResult>> {
    Ok(Json(entries::change_members::<Date>(&app, firm.id(), change).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: Value) -> Result<Date, String> {
        let mut new = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-10-05T09:00:00" });
        for (name, value) in more.as_object().unwrap() {
            new[name] = value.clone();
        }
        let said = Date::read(serde_json::from_value(new).unwrap(), "Europe/Brussels");
        said.map(|said| said.content).map_err(|error| error.field)
    }

    fn when(more: Value) -> (String, String) {
        let view = Date::view(read(more).unwrap());
        (view.start, view.end)
    }

    #[test]
    fn a_time_is_one_of_its_zone_however_it_is_written() {
        let nine = ("2026-10-05T09:00:00".to_owned(), "2026-10-05T09:00:00".to_owned());
        assert_eq!(when(json!({})), nine);
        assert_eq!(when(json!({ "start": "2026-10-05T07:00:00Z" })), nine);
        assert_eq!(when(json!({ "start": "2026-10-05T03:00:00-04:00" })), nine);
        for spelled in ["2026-10-05T09:00", "2026-10-05 09:00:00", "2026-10-05t09:00:00", "2026-10-05 07:00:00z"] {
            assert_eq!(when(json!({ "start": spelled })), nine, "{spelled}");
        }
    }

    #[test]
    fn what_is_shown_of_a_date_can_be_sent_again_and_changes_nothing() {
        let weekly = json!({ "every": "week", "interval": 2, "weekdays": ["friday", "monday", "friday"], "count": 9 });
        for more in [
            json!({}),
            json!({ "start": "2026-10-25T00:30:00Z" }),
            json!({ "start": "2026-10-25T01:30:00Z" }),
            json!({ "start": "2026-10-25T02:30:00", "end": "2026-10-25T02:30:00+01:00", "kind": "appointment" }),
            json!({ "start": "2026-10-25T02:10:00+01:00", "end": "2026-10-25T03:30:00", "kind": "appointment" }),
            json!({ "start": "2026-11-01T01:30:00-05:00", "time_zone": "America/New_York" }),
            json!({ "start": "2026-04-05T01:45:00+10:30", "time_zone": "Australia/Lord_Howe" }),
            json!({ "start": "2026-10-25", "kind": "reminder", "reminder_minutes": null }),
            json!({ "end": "2026-10-05T10:00:00.5", "kind": "appointment", "recurrence": weekly, "show_as": "tentative" }),
        ] {
            let first = read(more.clone()).unwrap();
            let mut shown = serde_json::to_value(Date::view(first.clone())).unwrap();
            shown.as_object_mut().unwrap().remove("hints");
            let again = Date::read(serde_json::from_value(shown.clone()).unwrap(), "Europe/Brussels");
            assert_eq!(again.map_err(|error| error.reason).unwrap().content, first, "{more} is shown as {shown}");
        }
        let shown = |start: &str| when(json!({ "start": start })).0;
        assert_eq!(shown("2026-10-25T00:30:00Z"), "2026-10-25T02:30:00+02:00");
        assert_eq!(shown("2026-10-25T01:30:00Z"), "2026-10-25T02:30:00+01:00");
        assert_eq!(shown("2026-10-25T02:00:00Z"), "2026-10-25T03:00:00");
    }

    #[test]
    fn whole_days_end_before_their_end() {
        let day = ("2026-10-05".to_owned(), "2026-10-06".to_owned());
        assert_eq!(when(json!({ "start": "2026-10-05" })), day);
        assert_eq!(when(json!({ "start": "2026-10-05", "end": "2026-10-05" })), day);
        assert_eq!(when(json!({ "start": "2026-10-05", "end": "2026-10-06" })), day);
        assert_eq!(
            when(json!({ "start": "2026-10-05T00:00:00", "end": "2026-10-06T00:00:00Z", "all_day": true })),
            day
        );
    }

    #[test]
    fn what_does_not_fit_names_its_field() {
        let appointment = |recurrence: Value| {
            let end = "2026-10-05T10:00:00";
            json!({ "kind": "appointment", "end": end, "recurrence": recurrence })
        };
        for (more, field) in [
            (json!({ "title": " " }), "title"),
            (json!({ "title": "x".repeat(256) }), "title"),
            (json!({ "start": "tomorrow" }), "start"),
            (json!({ "start": "20261005" }), "start"),
            (json!({ "start": "2026-10-05", "end": "20261006" }), "end"),
            (json!({ "start": "2026-02-30T09:00:00" }), "start"),
            (json!({ "start": "0001-01-01T00:00:00", "end": "2026-10-05T09:00:00" }), "start"),
            (json!({ "start": "0001-01-01" }), "start"),
            (json!({ "end": "9000-01-01T00:00:00" }), "end"),
            (json!({ "start": "9998-01-01" }), "start"),
            (json!({ "start": "2026-10-05T09:00:00", "all_day": true }), "start"),
            (json!({ "end": "2026-10-05T08:00:00" }), "end"),
            (json!({ "kind": "appointment" }), "end"),
            (json!({ "time_zone": "Europe/Bruxelles" }), "time_zone"),
            (json!({ "reminder_minutes": 600_000 }), "reminder_minutes"),
            (json!({ "recurrence": { "every": "day" } }), "recurrence"),
            (appointment(json!({ "every": "week", "weekdays": ["tuesday"] })), "recurrence.weekdays"),
            (appointment(json!({ "every": "day", "interval": 0 })), "recurrence.interval"),
            (appointment(json!({ "every": "day", "until": "2026-10-04" })), "recurrence.until"),
            (appointment(json!({ "every": "day", "until": "9998-10-04" })), "recurrence.until"),
            (appointment(json!({ "every": "day", "until": "2026-10-09", "count": 2 })), "recurrence.count"),
        ] {
            assert_eq!(read(more.clone()).unwrap_err(), field, "{more}");
        }
        let reason = |more: Value| {
            let mut new = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-10-05T09:00:00" });
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Date::read(serde_json::from_value(new).unwrap(), "Europe/Brussels").unwrap_err().reason
        };
        for late in ["9999-12-31", "9999-12-31T23:59:59", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+01:00"] {
            assert!(reason(json!({ "start": late })).starts_with("Outlook shows dates from "), "{late}");
        }
        for none in ["2026-02-30", "2027-02-29T09:00:00", "2026-13-01T09:00:00Z"] {
            assert_eq!(reason(json!({ "start": none })), NO_DAY, "{none}");
        }
        assert!(reason(json!({ "start": "20261201" })).ends_with("nor a day such as 2026-10-05"));
        assert!(reason(json!({ "end": "2026-12-01" })).ends_with("and a day came"));
        assert!(read(appointment(json!({ "every": "week", "weekdays": ["monday", "friday"] }))).is_ok());
    }
}
