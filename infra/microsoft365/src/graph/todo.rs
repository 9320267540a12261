//! To Do: the lists that every mailbox has, and their tasks.

use jiff::civil::Time;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::calendar::{moment, only, text};
use super::call::Asked;
use super::query::Query;
use super::{delta, extended};
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// What may be written here.
const WRITABLE: [&str; 10] = [
    "title",
    "body",
    "dueDateTime",
    "reminderDateTime",
    "isReminderOn",
    "categories",
    "recurrence",
    "status",
    "importance",
    "linkedResources",
];
const LIST_PROPERTIES: [&str; 5] = ["id", "displayName", "isOwner", "isShared", "wellknownListName"];
const PROPERTIES: [&str; 13] = [
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
    "reminderDateTime",
    "categories",
    "recurrence",
];

/// The mailbox's lists: the default one and the one of flagged mails, which nobody can delete.
pub(super) fn lists(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip"])?;
    let lists = asked.world.store.write(|db| items::lists_of(db, asked.world, &mailbox.id))?;
    let select = query.select(&LIST_PROPERTIES)?;
    extended::page(asked, &query, lists, &select, &format!("users('{}')/todo/lists", mailbox.id))
}

/// The tasks of a list.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account, list: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip", "expand"])?;
    find_list(asked, mailbox, list)?;
    let expand = match query.get("expand") {
        None => false,
        Some("linkedResources") => true,
        Some(other) => return Err(super::query::invalid(format!("Could not expand '{other}'."))),
    };
    let mut tasks = asked.world.store.read(|db| items::all(db, &mailbox.id, ItemKind::Task, list))?;
    let mut select = query.select(&PROPERTIES)?;
    if expand {
        for task in &mut tasks {
            let links = task.extended.get("linkedResources").cloned().unwrap_or(json!([]));
            task.body.insert("linkedResources".to_owned(), links);
        }
        select = select.with("linkedResources");
    }
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
    let id = items::new_id(asked.world, "AAMkAGI1To");
    let Value::Object(mut shown) = json!({
        "id": id,
        "title": title,
        "body": { "content": "", "contentType": "text" },
        "status": "notStarted",
        "importance": "normal",
        "isReminderOn": false,
        "createdDateTime": asked.world.now().to_string(),
        "hasAttachments": false,
        "categories": [],
    }) else {
        return Err(Problem::bad_request("A task is an object."));
    };
    let mut links = body.get("linkedResources").and_then(Value::as_array).cloned().unwrap_or_default();
    if links.len() > 1 {
        return Err(Problem::new(400, "invalidRequest", "Only one item in linkedResources is allowed."));
    }
    for link in &mut links {
        link["id"] = items::new_id(asked.world, "AAMkAGI1Lr").into();
    }
    apply(&mut shown, &body)?;
    items::stamp(asked.world, ItemKind::Task, &mut shown);
    let extended = Map::from_iter([("linkedResources".to_owned(), links.into())]);
    let task = Item { id, body: shown, extended };
    asked.world.store.write(|db| items::insert(db, &mailbox.id, ItemKind::Task, list, &task))?;
    let context = asked.context(&format!("users('{}')/todo/lists('{list}')/tasks/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(asked, &task, context)))
}

/// Changes a task: what is not named stays.
pub(super) fn patch(asked: &Asked<'_>, mailbox: &Account, list: &str, id: &str) -> Answer {
    let body = asked.body()?;
    only(&body, &WRITABLE[..9])?;
    find_list(asked, mailbox, list)?;
    let context = format!("users('{}')/todo/lists('{list}')/tasks/$entity", mailbox.id);
    extended::patch(asked, mailbox, ItemKind::Task, id, &context, |task| apply(task, &body))
}

/// Gives a task the properties that a request brings; null takes one away.
fn apply(task: &mut Map<String, Value>, body: &Map<String, Value>) -> std::result::Result<(), Problem> {
    for (name, value) in body.iter().filter(|(name, _)| *name != "linkedResources") {
        let value = match name.as_str() {
            _ if value.is_null() => {
                task.remove(name);
                continue;
            }
            "dueDateTime" => {
                let due = moment(body, name)?.date().to_datetime(Time::midnight());
                json!({ "dateTime": format!("{due:.7}"), "timeZone": "UTC" })
            }
            "reminderDateTime" => {
                moment(body, name)?;
                value.clone()
            }
            "body" => json!({ "content": value["content"].as_str().unwrap_or_default(), "contentType": "text" }),
            _ => value.clone(),
        };
        task.insert(name.clone(), value);
    }
    Ok(())
}

/// Deletes a task.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, list: &str, id: &str) -> Answer {
    find_list(asked, mailbox, list)?;
    extended::delete(asked, mailbox, ItemKind::Task, id)
}

/// A page of the changes of a list's tasks.
pub(super) fn changes(asked: &Asked<'_>, mailbox: &Account, list: &str) -> Answer {
    find_list(asked, mailbox, list)?;
    delta::items(asked, mailbox, (ItemKind::Task, list), &PROPERTIES, "#microsoft.graph.todoTask")
}

/// Makes a list. Two may have one name.
pub(super) fn create_list(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &["displayName"])?;
    let name = text(&body, "displayName")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::new(400, "invalidRequest", "The property 'displayName' is required."))?;
    let list = items::new_list(asked.world, &name, "none");
    asked.world.store.write(|db| {
        items::lists_of(db, asked.world, &mailbox.id)?;
        items::insert(db, &mailbox.id, ItemKind::TaskList, "", &list)
    })?;
    let context = asked.context(&format!("users('{}')/todo/lists/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(asked, &list, context)))
}

/// Deletes a list with all that is in it; the well-known ones stay.
pub(super) fn delete_list(asked: &Asked<'_>, mailbox: &Account, list: &str) -> Answer {
    let lists = asked.world.store.read(|db| items::all(db, &mailbox.id, ItemKind::TaskList, ""))?;
    if lists.iter().any(|known| known.id == list && known.body["wellknownListName"] != "none") {
        return Err(Problem::new(400, "invalidRequest", "Invalid request"));
    }
    extended::delete(asked, mailbox, ItemKind::TaskList, list)
}

fn find_list(asked: &Asked<'_>, mailbox: &Account, list: &str) -> std::result::Result<(), Problem> {
    let lists = asked.world.store.read(|db| items::all(db, &mailbox.id, ItemKind::TaskList, ""))?;
    lists.iter().any(|known| known.id == list).then_some(()).ok_or_else(Problem::item_not_found)
}
