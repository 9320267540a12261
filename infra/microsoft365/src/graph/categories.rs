//! The mailbox's master list of categories, where their colours live.

use http::StatusCode;
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::Query;
use crate::directory::Account;

/// All categories of the master list.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let value = asked.world.store.read(|db| {
        let mut statement =
            db.prepare_cached("SELECT id, name, color FROM categories WHERE mailbox = ? ORDER BY rowid")?;
        let rows = statement.query_map([&mailbox.id], |row| {
            Ok(json!({
                "id": row.get::<_, String>(0)?,
                "displayName": row.get::<_, String>(1)?,
                "color": row.get::<_, String>(2)?,
            }))
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    })?;
    Ok(Reply::json(json!({
        "@odata.context": asked.context(&format!("users('{}')/outlook/masterCategories", mailbox.id)),
        "value": value,
    })))
}

/// Makes a category; its name is unique and never changes (outlookCategory resource type).
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    let body = asked.body()?;
    if let Some(name) = body.keys().find(|name| !matches!(name.as_str(), "displayName" | "color")) {
        return Err(Problem::bad_request(format!("The property '{name}' cannot be set.")));
    }
    let name = body.get("displayName").and_then(|name| name.as_str()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::bad_request("displayName is required."))?;
    let color = body.get("color").map_or_else(|| Ok("none".to_owned()), color)?;
    let id = asked.world.uuid().to_string();
    let made = asked.world.store.write(|db| {
        Ok(db.execute("INSERT OR IGNORE INTO categories VALUES (?, ?, ?, ?)", params![id, mailbox.id, name, color])?
            == 1)
    })?;
    if !made {
        // The status is what the documentation leads one to expect; the code is not documented.
        let message = "A category with the specified name already exists.";
        return Err(Problem::new(StatusCode::CONFLICT.as_u16(), "ErrorCategoryNameAlreadyExists", message));
    }
    Ok(Reply::created(json!({
        "@odata.context": asked.context(&format!("users('{}')/outlook/masterCategories/$entity", mailbox.id)),
        "id": id,
        "displayName": name,
        "color": color,
    })))
}

/// Gives a category another colour; nothing else of it can be changed (outlookcategory-update).
pub(super) fn update(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let body = asked.body()?;
    if let Some(name) = body.keys().find(|name| name.as_str() != "color") {
        return Err(Problem::bad_request(format!("The property '{name}' cannot be changed.")));
    }
    let color = color(body.get("color").unwrap_or(&Value::Null))?;
    let name: Option<String> = asked.world.store.write(|db| {
        let sql = "UPDATE categories SET color = ? WHERE mailbox = ? AND id = ? RETURNING name";
        Ok(db.query_row(sql, params![color, mailbox.id, id], |row| row.get(0)).optional()?)
    })?;
    let name = name.ok_or_else(Problem::item_not_found)?;
    Ok(Reply::json(json!({
        "@odata.context": asked.context(&format!("users('{}')/outlook/masterCategories/$entity", mailbox.id)),
        "id": id,
        "displayName": name,
        "color": color,
    })))
}

/// Takes a category out of the master list; messages keep its name.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let removed = asked.world.store.write(|db| {
        Ok(db.execute("DELETE FROM categories WHERE mailbox = ? AND id = ?", params![mailbox.id, id])? == 1)
    })?;
    removed.then(Reply::no_content).ok_or_else(Problem::item_not_found)
}

fn color(value: &Value) -> Result<String, Problem> {
    value.as_str().map(str::to_ascii_lowercase).filter(|color| is_color(color)).ok_or_else(|| {
        Problem::bad_request("Requested value of 'color' was not found: it is none or preset0 to preset24.")
    })
}

fn is_color(name: &str) -> bool {
    let preset = name.strip_prefix("preset").and_then(|number| number.parse::<u8>().ok());
    name == "none" || preset.is_some_and(|number| number <= 24)
}
