//! To Do: the lists that every mailbox has, and their tasks.

use jiff::civil::Time;
use rusqlite::Transaction;
use serde_json::{Map, Value, json};

use super::calendar::{moment, only, text};
use super::query::Query;
use super::{Answer, Asked, Problem, Reply, extended};
use crate::directory::Account;
use crate::error::Result;
use crate::items::{self, Item, ItemKind};

/// What may be written here.
const WRITABLE: [&str; 3] = ["title", "body", "dueDateTime"];
const LIST_PROPERTIES: [&str; 5] = ["id", "displayName", "isOwner", "isShared", "wellknownListName"];
const PROPERTIES: [&str; 10] = [
    "id",
    "title",
    "body",
    "status",
    "importance",
    "isReminderOn",
    "createdDateTime",
    "lastModifiedDateTime",
    "dueDateTime",
    "hasAttachments",
];

/// The mailbox's lists: the default one and the one of flagged mails, which nobody can delete.
pub(super) fn lists(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip"])?;
    let lists = asked.world.store.write(|db| lists_of(db, &mailbox.id))?;
    let select = query.select(&LIST_PROPERTIES)?;
    extended::page(asked, &query, lists, &select, &format!("users('{}')/todo/lists", mailbox.id))
}

/// The tasks of a list.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account, list: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip"])?;
    find_list(asked, mailbox, list)?;
    let tasks = asked.world.store.read(|db| items::all(db, &mailbox.id, ItemKind::Task, list))?;
    let select = query.select(&PROPERTIES)?;
    extended::page(asked, &query, tasks, &select, &format!("users('{}')/todo/lists('{list}')/tasks", mailbox.id))
}

/// Makes a task. Of `dueDateTime` the date is kept and nothing else (facts: as seen in public threads).
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account, list: &str) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    find_list(asked, mailbox, list)?;
    let title = text(&body, "title")?.filter(|title| !title.is_empty());
    let title = title.ok_or_else(|| Problem::new(400, "invalidRequest", "The property 'title' is required."))?;
    let due = match body.contains_key("dueDateTime") {
        true => Some(moment(&body, "dueDateTime")?.date().to_datetime(Time::midnight())),
        false => None,
    };
    let content = body.get("body").and_then(|body| body.get("content")).and_then(Value::as_str).unwrap_or_default();
    let now = asked.world.now().to_string();
    let id = items::new_id("AAMkAGI1To");
    let Value::Object(mut shown) = json!({
        "@odata.etag": format!("W/\"{}\"", hex::encode(&now)),
        "id": id,
        "title": title,
        "body": { "content": content, "contentType": "text" },
        "status": "notStarted",
        "importance": "normal",
        "isReminderOn": false,
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "hasAttachments": false,
    }) else {
        return Err(Problem::bad_request("A task is an object."));
    };
    if let Some(due) = due {
        shown.insert("dueDateTime".to_owned(), json!({ "dateTime": format!("{due:.7}"), "timeZone": "UTC" }));
    }
    let task = Item { id, body: shown, extended: Map::new() };
    asked.world.store.write(|db| items::insert(db, &mailbox.id, ItemKind::Task, list, &task))?;
    let context = asked.context(&format!("users('{}')/todo/lists('{list}')/tasks/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(&task, context)))
}

/// Deletes a task.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, list: &str, id: &str) -> Answer {
    let removed = asked.world.store.write(|db| items::remove(db, &mailbox.id, ItemKind::Task, list, id))?;
    removed.then(Reply::no_content).ok_or_else(Problem::item_not_found)
}

fn find_list(asked: &Asked<'_>, mailbox: &Account, list: &str) -> std::result::Result<(), Problem> {
    let lists = asked.world.store.read(|db| items::all(db, &mailbox.id, ItemKind::TaskList, ""))?;
    lists.iter().any(|known| known.id == list).then_some(()).ok_or_else(Problem::item_not_found)
}

/// The lists, made when somebody looks for the first time.
fn lists_of(db: &Transaction<'_>, mailbox: &str) -> Result<Vec<Item>> {
    let known = items::all(db, mailbox, ItemKind::TaskList, "")?;
    if !known.is_empty() {
        return Ok(known);
    }
    for (name, well_known) in [("Tasks", "defaultList"), ("Flagged Emails", "flaggedEmails")] {
        let id = items::new_id("AAMkAGI1Tl");
        let shown = Map::from_iter([
            ("id".to_owned(), id.as_str().into()),
            ("displayName".to_owned(), name.into()),
            ("isOwner".to_owned(), true.into()),
            ("isShared".to_owned(), false.into()),
            ("wellknownListName".to_owned(), well_known.into()),
        ]);
        items::insert(db, mailbox, ItemKind::TaskList, "", &Item { id, body: shown, extended: Map::new() })?;
    }
    items::all(db, mailbox, ItemKind::TaskList, "")
}
