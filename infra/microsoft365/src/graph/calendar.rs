//! Calendar events of the default calendar: made, found again, deleted.

use std::collections::HashSet;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::extended;
use super::query::Query;
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// What may be written here. Attendees and other calendars are no part of this world.
const WRITABLE: [&str; 14] = [
    "subject",
    "body",
    "location",
    "categories",
    "recurrence",
    "start",
    "end",
    "isAllDay",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "showAs",
    "sensitivity",
    "transactionId",
    "singleValueExtendedProperties",
];
pub(super) const PROPERTIES: [&str; 24] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "body",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "showAs",
    "type",
    "start",
    "end",
    "location",
    "recurrence",
];
const SHOW_AS: [&str; 6] = ["unknown", "free", "tentative", "busy", "oof", "workingElsewhere"];
const SENSITIVITY: [&str; 4] = ["normal", "personal", "private", "confidential"];

/// The events of the default calendar, which may be asked for by one extended property.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    extended::list(asked, mailbox, (ItemKind::Event, ""), &PROPERTIES, "events")
}

/// One event.
pub(super) fn read(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select"])?;
    let select = query.select(&PROPERTIES)?;
    let found = asked.world.store.read(|db| items::find(db, &mailbox.id, ItemKind::Event, id))?;
    let (_, mut event) = found.ok_or_else(Problem::item_not_found)?;
    select.keep(&mut event.body);
    let context = asked.context(&format!("users('{}')/events/$entity", mailbox.id));
    Ok(Reply::json(extended::entity(asked, &event, context)))
}

/// Makes an event without attendees: nothing is sent to anyone.
///
/// A transaction id that was used before, also by an event that was deleted since, is refused and names that event
/// (facts: as seen in public threads; whether a deleted event blocks its id is not documented, so it does).
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    let transaction = text(&body, "transactionId")?;
    let now = asked.world.now().to_string();
    let id = items::new_id(asked.world, "AAMkAGI1Ev");
    let Value::Object(mut shown) = json!({
        "id": id,
        "createdDateTime": now,
        "categories": [],
        "transactionId": transaction,
        "iCalUId": hex::encode(&id),
        // Unset, the mailbox's own default holds: a reminder.
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": true,
        "hasAttachments": false,
        "subject": "",
        "body": { "contentType": "text", "content": "" },
        "bodyPreview": "",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": false,
        "isCancelled": false,
        "isOrganizer": true,
        "showAs": "busy",
        "type": "singleInstance",
        "location": { "displayName": "" },
        "recurrence": null,
    }) else {
        return Err(Problem::bad_request("An event is an object."));
    };
    for name in ["start", "end"] {
        if !body.contains_key(name) {
            return Err(Problem::bad_request(format!("The property '{name}' is required.")));
        }
    }
    apply(&mut shown, &body)?;
    items::stamp(asked.world, ItemKind::Event, &mut shown);
    let item = Item { id: id.clone(), body: shown, extended: extended::read(&body)? };
    let used = asked.world.store.write(|db| {
        let used = match &transaction {
            Some(transaction) => items::use_transaction(db, &mailbox.id, transaction, &id)?,
            None => None,
        };
        if used.is_none() {
            items::insert(db, &mailbox.id, ItemKind::Event, "", &item)?;
        }
        Ok(used)
    })?;
    if let Some(existing) = used {
        let message = "Your request can't be completed. The TransactionId specified in the request has already been used to \
                       create a different event.";
        let problem = Problem::new(409, "ErrorDuplicateTransactionId", message);
        return Err(problem.with_annotation("@event.existingEventId", existing));
    }
    let context = asked.context(&format!("users('{}')/events/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(asked, &item, context)))
}

/// Changes an event: what is not named stays. A transaction id can't be changed.
pub(super) fn patch(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    if body.contains_key("transactionId") {
        return Err(Problem::new(400, "ErrorInvalidPropertySet", "The transaction id can't be changed."));
    }
    let context = format!("users('{}')/events/$entity", mailbox.id);
    extended::patch(asked, mailbox, ItemKind::Event, id, &context, |event| apply(event, &body))
}

/// Gives an event the properties that a request brings.
fn apply(event: &mut Map<String, Value>, body: &Map<String, Value>) -> Result<(), Problem> {
    let failed = || Problem::new(400, "ErrorPropertyValidationFailure", "At least one property failed validation.");
    let all_day = flag(body, "isAllDay")?.unwrap_or(event["isAllDay"] == true);
    let mut times = Vec::new();
    for name in ["start", "end"] {
        let Some(given) = body.get(name) else { continue };
        let zone = given["timeZone"].as_str().unwrap_or_default().to_owned();
        let time = moment(body, name)?;
        // Whole days are midnight in one zone, and are shown as days whatever the zone.
        let at = if all_day { time } else { in_utc(time, &zone)? };
        if all_day && time.time() != Time::midnight() {
            return Err(failed());
        }
        times.push((at, zone));
        event.insert(name.to_owned(), json!({ "dateTime": format!("{at:.7}"), "timeZone": "UTC" }));
    }
    if let [(start, from), (end, to)] = times.as_slice()
        && (end < start || all_day && (start == end || from != to))
    {
        return Err(failed());
    }
    event.insert("isAllDay".to_owned(), all_day.into());
    if let Some(subject) = text(body, "subject")? {
        event.insert("subject".to_owned(), subject.into());
    }
    if let Some(content) = body.get("body") {
        let content = content["content"].as_str().unwrap_or_default();
        event.insert("body".to_owned(), json!({ "contentType": "text", "content": content }));
        event.insert("bodyPreview".to_owned(), content.chars().take(255).collect::<String>().into());
    }
    if let Some(place) = body.get("location") {
        let name = place["displayName"].as_str().unwrap_or_default();
        event.insert("location".to_owned(), json!({ "displayName": name, "locationType": "default" }));
    }
    if let Some(on) = flag(body, "isReminderOn")? {
        event.insert("isReminderOn".to_owned(), on.into());
    }
    if let Some(sensitivity) = one_of(body, "sensitivity", &SENSITIVITY)? {
        event.insert("sensitivity".to_owned(), sensitivity.into());
    }
    if let Some(show_as) = one_of(body, "showAs", &SHOW_AS)? {
        event.insert("showAs".to_owned(), show_as.into());
    }
    for name in ["reminderMinutesBeforeStart", "categories", "recurrence"] {
        if let Some(value) = body.get(name) {
            event.insert(name.to_owned(), value.clone());
        }
    }
    let series = event["recurrence"].is_object();
    event.insert("type".to_owned(), if series { "seriesMaster" } else { "singleInstance" }.into());
    Ok(())
}

fn in_utc(time: DateTime, zone: &str) -> Result<DateTime, Problem> {
    let zoned = zone_of(zone).and_then(|zone| time.to_zoned(zone).ok());
    let zoned = zoned.ok_or_else(|| Problem::bad_request("The time is not one of its zone."))?;
    Ok(zoned.with_time_zone(TimeZone::UTC).datetime())
}

/// Deletes an event; it is gone from the calendar at once.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    extended::delete(asked, mailbox, ItemKind::Event, id)
}

/// IANA names that Graph documents beside Windows' own; it may know more, which nobody can rely on.
/// Source: <https://learn.microsoft.com/graph/api/resources/datetimetimezone#additional-time-zones>
const IANA_NAMES: [&str; 24] = [
    "UTC",
    "Etc/GMT",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Budapest",
    "Europe/Paris",
    "Europe/Warsaw",
    "Europe/Bucharest",
    "Europe/Istanbul",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
];

/// The rules of a zone by Windows' name, or by one of the IANA names that are documented.
fn zone_of(name: &str) -> Option<TimeZone> {
    let iana = localzone::win_zone_to_iana(name, Some("001"));
    let iana = iana.or_else(|| IANA_NAMES.into_iter().find(|known| *known == name))?;
    TimeZone::get(iana).ok()
}

/// A `dateTimeTimeZone` as the clock on the wall shows it.
pub(super) fn moment(body: &Map<String, Value>, name: &str) -> Result<DateTime, Problem> {
    let given = body.get(name).and_then(Value::as_object);
    let given = given.ok_or_else(|| Problem::bad_request(format!("The property '{name}' is required.")))?;
    let zone = given.get("timeZone").and_then(Value::as_str).unwrap_or_default();
    if zone_of(zone).is_none() {
        let message = format!(
            "A valid TimeZone value must be specified. The following TimeZone value is not supported: '{zone}'."
        );
        return Err(Problem::new(400, "TimeZoneNotSupportedException", message));
    }
    let wrong = || Problem::bad_request(format!("Cannot convert the value of property '{name}'."));
    let time = given.get("dateTime").and_then(Value::as_str).ok_or_else(wrong)?;
    // An offset makes it another type.
    if time.ends_with('Z') {
        return Err(wrong());
    }
    time.parse().map_err(|_| wrong())
}

/// Refuses properties that can't be written, rather than to ignore them.
pub(super) fn only(body: &Map<String, Value>, writable: &[&str]) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    match body.keys().find(|name| !writable.contains(&name.as_str()) || !seen.insert(name.as_str())) {
        Some(name) => {
            let message = format!("Set action is invalid for property. Property: {name}");
            Err(Problem::new(400, "ErrorInvalidPropertySet", message))
        }
        None => Ok(()),
    }
}

pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::bad_request(format!("Cannot convert the value of property '{name}'."))),
    }
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, Problem> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Problem::bad_request(format!("Cannot convert the value of property '{name}'."))),
    }
}

fn one_of(body: &Map<String, Value>, name: &str, values: &[&str]) -> Result<Option<String>, Problem> {
    match text(body, name)? {
        Some(value) if !values.contains(&value.as_str()) => {
            Err(Problem::bad_request(format!("Requested value '{value}' was not found.")))
        }
        value => Ok(value),
    }
}
