//! Calendar events of the default calendar: made, found again, deleted.

use std::collections::HashSet;

use jiff::civil::{DateTime, Time};
use serde_json::{Map, Value, json};

use super::extended;
use super::query::Query;
use super::{Answer, Asked, Problem, Reply};
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// What may be written here. Attendees, recurrence and other calendars are no part of this world.
const WRITABLE: [&str; 11] = [
    "subject",
    "body",
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
pub(super) const PROPERTIES: [&str; 22] = [
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
];
const SHOW_AS: [&str; 6] = ["unknown", "free", "tentative", "busy", "oof", "workingElsewhere"];
const SENSITIVITY: [&str; 4] = ["normal", "personal", "private", "confidential"];

/// The events of the default calendar, which may be asked for by one extended property.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    extended::list(asked, mailbox, ItemKind::Event, &PROPERTIES, "events")
}

/// Makes an event without attendees: nothing is sent to anyone.
///
/// A transaction id that was used before, also by an event that was deleted since, is refused and names that event (facts: as
/// seen in public threads; whether a deleted event blocks its id is not documented, so it does).
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    let (start, end) = (moment(&body, "start")?, moment(&body, "end")?);
    let all_day = flag(&body, "isAllDay")?.unwrap_or(false);
    if end < start || all_day && (start.time() != Time::midnight() || end.time() != Time::midnight() || start == end) {
        return Err(Problem::new(400, "ErrorPropertyValidationFailure", "At least one property failed validation."));
    }
    let transaction = text(&body, "transactionId")?;
    let now = asked.world.now().to_string();
    let id = items::new_id("AAMkAGI1Ev");
    let shown_time = |moment: DateTime| json!({ "dateTime": format!("{moment:.7}"), "timeZone": "UTC" });
    let content = body.get("body").and_then(|body| body.get("content")).and_then(Value::as_str).unwrap_or_default();
    let Value::Object(shown) = json!({
        "@odata.etag": format!("W/\"{}\"", hex::encode(&now)),
        "id": id,
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "changeKey": hex::encode(&now),
        "categories": [],
        "transactionId": transaction,
        "iCalUId": hex::encode(&id),
        "reminderMinutesBeforeStart": body.get("reminderMinutesBeforeStart").cloned().unwrap_or(15.into()),
        // Unset, the mailbox's own default holds: a reminder.
        "isReminderOn": flag(&body, "isReminderOn")?.unwrap_or(true),
        "hasAttachments": false,
        "subject": text(&body, "subject")?.unwrap_or_default(),
        "body": { "contentType": "text", "content": content },
        "bodyPreview": content.chars().take(255).collect::<String>(),
        "importance": "normal",
        "sensitivity": one_of(&body, "sensitivity", &SENSITIVITY)?.unwrap_or("normal".to_owned()),
        "isAllDay": all_day,
        "isCancelled": false,
        "isOrganizer": true,
        "showAs": one_of(&body, "showAs", &SHOW_AS)?.unwrap_or("busy".to_owned()),
        "type": "singleInstance",
        "start": shown_time(start),
        "end": shown_time(end),
    }) else {
        return Err(Problem::bad_request("An event is an object."));
    };
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
    Ok(Reply::created(extended::entity(&item, context)))
}

/// Deletes an event; it is gone from the calendar at once.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let removed = asked.world.store.write(|db| items::remove(db, &mailbox.id, ItemKind::Event, "", id))?;
    removed.then(Reply::no_content).ok_or_else(Problem::item_not_found)
}

/// A `dateTimeTimeZone`; this world has no data of other zones than UTC and refuses them as Graph refuses unknown ones.
pub(super) fn moment(body: &Map<String, Value>, name: &str) -> Result<DateTime, Problem> {
    let given = body.get(name).and_then(Value::as_object);
    let given = given.ok_or_else(|| Problem::bad_request(format!("The property '{name}' is required.")))?;
    let zone = given.get("timeZone").and_then(Value::as_str).unwrap_or_default();
    if !zone.eq_ignore_ascii_case("UTC") {
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
