//! mailFolders: one level of the tree at a time, ten to a page.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::{Query, Select};
use crate::directory::Account;
use crate::error::Result;
use crate::mailbox::{self, Folder};

/// Graph's page where nothing else is asked for (user-list-mailfolders).
const PAGE: usize = 10;
const PAGE_MAX: usize = 1000;

/// Properties of mailFolder in v1.0.
pub(super) const PROPERTIES: [&str; 8] = [
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
    "childFolders",
];

/// Direct children of a folder; the hidden only with `includeHiddenFolders=true`.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account, parent: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip", "expand", "count", "includehiddenfolders"])?;
    let select = query.select(&PROPERTIES)?;
    let top = query.number("top", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let skip = query.number("skip", 0, usize::MAX)?.unwrap_or(0);
    let hidden = query.is_true("includehiddenfolders");
    let expand = match query.get("expand") {
        None => false,
        Some(what) if what.eq_ignore_ascii_case("childFolders") => true,
        Some(what) => {
            return Err(Problem::bad_request(format!("Property '{what}' cannot be expanded.")));
        }
    };
    let found = asked.world.store.read(|db| {
        let Some(parent) = mailbox::find_folder(db, &mailbox.id, parent)? else {
            return Ok(None);
        };
        let all = children(db, &parent.id, hidden)?;
        let page = all.iter().skip(skip).take(top);
        let value: Result<Vec<Value>> = page
            .map(|folder| {
                let mut shown = json(db, folder, &select)?;
                if expand {
                    let below = children(db, &folder.id, hidden)?;
                    let below: Result<Vec<_>> = below.iter().take(PAGE).map(|child| json(db, child, &select)).collect();
                    shown["childFolders"] = below?.into();
                }
                Ok(shown)
            })
            .collect();
        Ok(Some((value?, all.len())))
    })?;
    let (value, total) = found.ok_or_else(Problem::folder_not_found)?;
    let mut page = json!({
        "@odata.context": asked.context(&format!("users('{}')/mailFolders", mailbox.id)),
        "value": value,
    });
    if query.is_true("count") {
        page["@odata.count"] = total.into();
    }
    if skip + top < total {
        let options = query.replaced("skip", &(skip + top).to_string());
        page["@odata.nextLink"] = format!("{}/v1.0{}?{options}", asked.world.origin, asked.call.path).into();
    }
    Ok(Reply::json(page))
}

/// One folder by id or well-known name.
pub(super) fn get(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "includehiddenfolders"])?;
    let select = query.select(&PROPERTIES)?;
    let found = asked.world.store.read(|db| match mailbox::find_folder(db, &mailbox.id, id)? {
        Some(folder) => json(db, &folder, &select).map(Some),
        None => Ok(None),
    })?;
    let mut folder = found.ok_or_else(Problem::item_not_found)?;
    folder["@odata.context"] = asked.context(&format!("users('{}')/mailFolders/$entity", mailbox.id)).into();
    Ok(Reply::json(folder))
}

fn children(db: &Connection, parent: &str, hidden: bool) -> Result<Vec<Folder>> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM folders WHERE parent = ? AND (?2 OR NOT hidden) ORDER BY name COLLATE NOCASE, id",
    )?;
    let rows = statement.query_map(params![parent, hidden], Folder::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A folder as Graph shows it.
pub(super) fn json(db: &Connection, folder: &Folder, select: &Select) -> Result<Value> {
    let (below, total, unread) = db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM folders WHERE parent = ?1), count(*), coalesce(sum(NOT is_read), 0)
             FROM messages WHERE folder = ?1",
        )?
        .query_row([&folder.id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    let mut shown = serde_json::Map::from_iter([
        ("id".to_owned(), json!(folder.id)),
        ("displayName".to_owned(), json!(folder.name)),
        // Exchange shows a root folder as its own parent's child, never null.
        ("parentFolderId".to_owned(), json!(folder.parent.as_ref().unwrap_or(&folder.id))),
        ("childFolderCount".to_owned(), json!(below)),
        ("unreadItemCount".to_owned(), json!(unread)),
        ("totalItemCount".to_owned(), json!(total)),
        ("isHidden".to_owned(), json!(folder.hidden)),
    ]);
    if folder.search {
        shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.mailSearchFolder"));
    }
    select.keep(&mut shown);
    Ok(shown.into())
}
