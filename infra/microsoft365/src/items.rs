//! What a mailbox holds besides mail: calendar events, To Do tasks and contacts. Each is the JSON that Graph shows.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::{Microsoft365, directory};

/// The kind of an item; the names are those in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    Event,
    TaskList,
    Task,
    Contact,
}

impl ItemKind {
    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::TaskList => "task list",
            Self::Task => "task",
            Self::Contact => "contact",
        }
    }
}

/// One item.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub id: String,
    /// As Graph shows it, without `@odata.context`.
    pub body: Map<String, Value>,
    /// Extended properties, by id: never shown unless asked for.
    pub extended: Map<String, Value>,
}

/// Stores a new item. `parent`: the list of a task, else empty.
pub(crate) fn insert(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str, item: &Item) -> Result<()> {
    let (body, extended) = (Value::from(item.body.clone()), Value::from(item.extended.clone()));
    db.execute(
        "INSERT INTO items (id, mailbox, kind, parent, body, extended) VALUES (?, ?, ?, ?, ?, ?)",
        params![item.id, mailbox, kind.name(), parent, body.to_string(), extended.to_string()],
    )?;
    Ok(())
}

/// All items of a kind, oldest first.
pub(crate) fn all(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str) -> Result<Vec<Item>> {
    let mut statement = db.prepare_cached(
        "SELECT id, body, extended FROM items WHERE mailbox = ? AND kind = ? AND parent = ? ORDER BY rowid",
    )?;
    let rows = statement.query_map([mailbox, kind.name(), parent], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    rows.map(|row| {
        let (id, body, extended) = row?;
        let parse = |text: &str| serde_json::from_str(text).map_err(|error| Error::Damaged("item", error));
        Ok(Item { id, body: parse(&body)?, extended: parse(&extended)? })
    })
    .collect()
}

/// Takes an item away; false if there is none.
pub(crate) fn remove(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str, id: &str) -> Result<bool> {
    let key = [id, mailbox, kind.name(), parent];
    Ok(db.execute("DELETE FROM items WHERE id = ? AND mailbox = ? AND kind = ? AND parent = ?", key)? == 1)
}

/// The event that a transaction id was used for, perhaps deleted meanwhile; else it is used for `event` from now on.
pub(crate) fn use_transaction(db: &Connection, mailbox: &str, id: &str, event: &str) -> Result<Option<String>> {
    let used = db
        .query_row("SELECT event FROM transactions WHERE mailbox = ? AND id = ?", [mailbox, id], |row| row.get(0))
        .optional()?;
    if used.is_none() {
        db.execute("INSERT INTO transactions VALUES (?, ?, ?)", [mailbox, id, event])?;
    }
    Ok(used)
}

/// A new id in the form of Exchange's.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}{}{}=", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

impl Microsoft365 {
    /// The subjects of the events in a mailbox's calendar, oldest first.
    pub fn events(&self, address: &str) -> Result<Vec<String>> {
        self.texts(address, ItemKind::Event, "subject")
    }

    /// The titles of the tasks in all lists of a mailbox, oldest first.
    pub fn tasks(&self, address: &str) -> Result<Vec<String>> {
        self.texts(address, ItemKind::Task, "title")
    }

    /// The names of a mailbox's contacts, oldest first.
    pub fn contacts(&self, address: &str) -> Result<Vec<String>> {
        self.texts(address, ItemKind::Contact, "displayName")
    }

    /// The names in a mailbox's master list of categories, oldest first.
    pub fn categories(&self, address: &str) -> Result<Vec<String>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let mut statement = db.prepare_cached("SELECT name FROM categories WHERE mailbox = ? ORDER BY rowid")?;
            let rows = statement.query_map([mailbox], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn texts(&self, address: &str, kind: ItemKind, property: &str) -> Result<Vec<String>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let mut statement = db.prepare_cached(
                "SELECT coalesce(json_extract(body, '$.' || ?3), '') FROM items WHERE mailbox = ?1 AND kind = ?2 ORDER BY rowid",
            )?;
            let rows = statement.query_map(params![mailbox, kind.name(), property], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
