//! What a mailbox holds besides mail: calendar events, To Do tasks and contacts. Each is the JSON that Graph shows.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::world::{Microsoft365, World};
use crate::{directory, mailbox};

/// The kind of an item; the names are those in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    Event,
    TaskList,
    Task,
    ContactFolder,
    Contact,
}

impl ItemKind {
    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::TaskList => "task list",
            Self::Task => "task",
            Self::ContactFolder => "contact folder",
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

/// Stores a new item. `parent`: the list of a task, the folder of a contact, else empty.
pub(crate) fn insert(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str, item: &Item) -> Result<()> {
    let (body, extended) = (Value::from(item.body.clone()), Value::from(item.extended.clone()));
    db.execute(
        "INSERT INTO items (id, mailbox, kind, parent, body, extended) VALUES (?, ?, ?, ?, ?, ?)",
        params![item.id, mailbox, kind.name(), parent, body.to_string(), extended.to_string()],
    )?;
    changed(db, mailbox, kind, parent, &item.id)
}

/// Stores another body of an item, as a new version.
pub(crate) fn update(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str, item: &Item) -> Result<()> {
    let key = params![Value::from(item.body.clone()).to_string(), item.id, mailbox, kind.name()];
    db.execute("UPDATE items SET body = ? WHERE id = ? AND mailbox = ? AND kind = ?", key)?;
    changed(db, mailbox, kind, parent, &item.id)
}

/// Takes note that an item changed, for delta.
fn changed(db: &Connection, mailbox: &str, kind: ItemKind, parent: &str, id: &str) -> Result<()> {
    let seq = mailbox::next_seq(db, mailbox)?;
    db.execute(
        "INSERT OR REPLACE INTO item_changes (mailbox, kind, parent, id, seq) VALUES (?, ?, ?, ?, ?)",
        params![mailbox, kind.name(), parent, id, seq],
    )?;
    Ok(())
}

/// What changed in a collection after `since` up to `until`, oldest first: the number, the id, and the item if it is
/// there.
pub(crate) fn changes(
    db: &Connection,
    mailbox: &str,
    (kind, parent): (ItemKind, &str),
    (since, until): (i64, i64),
    limit: usize,
) -> Result<Vec<(i64, String, Option<Item>)>> {
    let mut statement = db.prepare_cached(
        "SELECT c.seq, c.id, i.body FROM item_changes c
             LEFT JOIN items i ON i.id = c.id AND i.mailbox = c.mailbox AND i.kind = c.kind AND i.parent = c.parent
             WHERE c.mailbox = ? AND c.kind = ? AND c.parent = ? AND c.seq > ? AND c.seq <= ? ORDER BY c.seq LIMIT ?",
    )?;
    let rows = statement.query_map(params![mailbox, kind.name(), parent, since, until, limit], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    rows.map(|row| {
        let (seq, id, body) = row?;
        let body = body.map(|body| serde_json::from_str(&body).map_err(|error| Error::Damaged("item", error)));
        let item = body.transpose()?.map(|body| Item { id: id.clone(), body, extended: Map::new() });
        Ok((seq, id, item))
    })
    .collect()
}

/// An item wherever it lies, with its parent.
pub(crate) fn find(db: &Connection, mailbox: &str, kind: ItemKind, id: &str) -> Result<Option<(String, Item)>> {
    let found = db
        .prepare_cached("SELECT parent, body, extended FROM items WHERE id = ? AND mailbox = ? AND kind = ?")?
        .query_row([id, mailbox, kind.name()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    let parse = |text: &str| serde_json::from_str(text).map_err(|error| Error::Damaged("item", error));
    found
        .map(|(parent, body, extended)| {
            Ok((parent, Item { id: id.to_owned(), body: parse(&body)?, extended: parse(&extended)? }))
        })
        .transpose()
}

/// The mark of a new version of an item.
pub(crate) fn stamp(world: &World, kind: ItemKind, body: &mut Map<String, Value>) {
    let version = world.uuid().simple().to_string();
    body.insert("@odata.etag".to_owned(), format!("W/\"{version}\"").into());
    // To Do is no part of Exchange's own model.
    if kind != ItemKind::Task {
        body.insert("changeKey".to_owned(), version.into());
    }
    body.insert("lastModifiedDateTime".to_owned(), world.now().to_string().into());
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

/// Takes an item away, wherever it lies, and with a container what lies in it; false if there is none.
pub(crate) fn remove(db: &Connection, mailbox: &str, kind: ItemKind, id: &str) -> Result<bool> {
    let Some((parent, _)) = find(db, mailbox, kind, id)? else { return Ok(false) };
    db.execute("DELETE FROM items WHERE mailbox = ?1 AND (parent = ?2 OR id = ?2)", [mailbox, id])?;
    changed(db, mailbox, kind, &parent, id)?;
    Ok(true)
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
pub(crate) fn new_id(world: &World, prefix: &str) -> String {
    format!("{prefix}{}{}=", world.uuid().simple(), world.uuid().simple())
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
        Ok(self.colored_categories(address)?.into_iter().map(|(name, _)| name).collect())
    }

    /// The categories of a mailbox's master list and their colours, oldest first.
    pub fn colored_categories(&self, address: &str) -> Result<Vec<(String, String)>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let mut statement =
                db.prepare_cached("SELECT name, color FROM categories WHERE mailbox = ? ORDER BY rowid")?;
            let rows = statement.query_map([mailbox], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All events of a mailbox's calendar as Graph shows them, oldest first.
    pub fn event_items(&self, address: &str) -> Result<Vec<Value>> {
        self.bodies(address, ItemKind::Event, None)
    }

    /// The names of a mailbox's contact folders, with the contacts in each; the default folder has no name.
    pub fn contact_items(&self, address: &str) -> Result<Vec<(String, Vec<Value>)>> {
        self.contained(address, ItemKind::ContactFolder, ItemKind::Contact)
    }

    /// The names of a mailbox's task lists, with the tasks in each.
    pub fn task_items(&self, address: &str) -> Result<Vec<(String, Vec<Value>)>> {
        self.contained(address, ItemKind::TaskList, ItemKind::Task)
    }

    /// A person makes an event; its id.
    pub fn add_event(&self, address: &str, subject: &str) -> Result<String> {
        let time = |hour: u8| json!({ "dateTime": format!("2026-03-02T{hour:02}:00:00.0000000"), "timeZone": "UTC" });
        let id = new_id(&self.0, "AAMkAGI1Ev");
        let mut body = Map::from_iter([
            ("id".to_owned(), id.as_str().into()),
            ("subject".to_owned(), subject.into()),
            ("start".to_owned(), time(9)),
            ("end".to_owned(), time(10)),
        ]);
        stamp(&self.0, ItemKind::Event, &mut body);
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            insert(db, &mailbox, ItemKind::Event, "", &Item { id: id.clone(), body, extended: Map::new() })
        })?;
        Ok(id)
    }

    /// A person makes a contact in the default folder; its id.
    pub fn add_contact(&self, address: &str, name: &str) -> Result<String> {
        self.add(address, (ItemKind::Contact, ""), ("AAMkAGI1Co", "displayName", name))
    }

    /// A person makes a contact in a folder; its id.
    pub fn add_contact_to(&self, address: &str, folder: &str, name: &str) -> Result<String> {
        self.add(address, (ItemKind::Contact, folder), ("AAMkAGI1Co", "displayName", name))
    }

    /// A person makes a contact folder; its id.
    pub fn add_contact_folder(&self, address: &str, name: &str) -> Result<String> {
        self.add(address, (ItemKind::ContactFolder, ""), ("AAMkAGI1Cf", "displayName", name))
    }

    /// A person makes a task in a list; its id.
    pub fn add_task(&self, address: &str, list: &str, title: &str) -> Result<String> {
        self.add(address, (ItemKind::Task, list), ("AAMkAGI1To", "title", title))
    }

    /// A person makes a task list; its id.
    pub fn add_task_list(&self, address: &str, name: &str) -> Result<String> {
        let list = new_list(&self.0, name, "none");
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            lists_of(db, &self.0, &mailbox)?;
            insert(db, &mailbox, ItemKind::TaskList, "", &list)
        })?;
        Ok(list.id)
    }

    fn add(
        &self,
        address: &str,
        (kind, parent): (ItemKind, &str),
        (prefix, property, name): (&str, &str, &str),
    ) -> Result<String> {
        let id = new_id(&self.0, prefix);
        let mut body = Map::from_iter([("id".to_owned(), id.as_str().into()), (property.to_owned(), name.into())]);
        stamp(&self.0, kind, &mut body);
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            insert(db, &mailbox, kind, parent, &Item { id: id.clone(), body, extended: Map::new() })
        })?;
        Ok(id)
    }

    /// A person changes properties of an event, a task or a contact.
    pub fn edit_item(&self, address: &str, id: &str, change: Value) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            for kind in [ItemKind::Event, ItemKind::Task, ItemKind::Contact] {
                let Some((parent, mut item)) = find(db, &mailbox, kind, id)? else { continue };
                item.body.extend(change.as_object().cloned().unwrap_or_default());
                stamp(&self.0, kind, &mut item.body);
                return update(db, &mailbox, kind, &parent, &item);
            }
            Err(Error::unknown("item", id))
        })
    }

    /// What made an event, a task or a contact is carried out a second time, as where two requests said the same.
    pub fn repeat_item(&self, address: &str, id: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            for kind in [ItemKind::Event, ItemKind::Task, ItemKind::Contact] {
                let Some((parent, mut item)) = find(db, &mailbox, kind, id)? else { continue };
                item.id = new_id(&self.0, "AAMkAGI1Re");
                item.body.insert("id".to_owned(), item.id.as_str().into());
                stamp(&self.0, kind, &mut item.body);
                return insert(db, &mailbox, kind, &parent, &item);
            }
            Err(Error::unknown("item", id))
        })
    }

    /// A person deletes an event, a task, a contact, or a list or folder with all that is in it.
    pub fn delete_item(&self, address: &str, id: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let kinds =
                [ItemKind::Event, ItemKind::Task, ItemKind::Contact, ItemKind::TaskList, ItemKind::ContactFolder];
            for kind in kinds {
                if remove(db, &mailbox, kind, id)? {
                    return Ok(());
                }
            }
            Err(Error::unknown("item", id))
        })
    }

    /// A person moves a contact to the default folder.
    pub fn move_contact_home(&self, address: &str, id: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let (parent, _) =
                find(db, &mailbox, ItemKind::Contact, id)?.ok_or_else(|| Error::unknown("contact", id))?;
            db.execute("UPDATE items SET parent = '' WHERE id = ? AND mailbox = ?", [id, &mailbox])?;
            changed(db, &mailbox, ItemKind::Contact, &parent, id)?;
            changed(db, &mailbox, ItemKind::Contact, "", id)
        })
    }

    /// The ids and names of a mailbox's own containers: contact folders and task lists, the well-known lists left out.
    pub fn containers(&self, address: &str) -> Result<Vec<(String, String)>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folders = all(db, &mailbox, ItemKind::ContactFolder, "")?;
            let lists = all(db, &mailbox, ItemKind::TaskList, "")?;
            let own = lists.into_iter().filter(|list| list.body["wellknownListName"] == "none");
            let name = |item: &Item| item.body["displayName"].as_str().unwrap_or_default().to_owned();
            Ok(folders.into_iter().chain(own).map(|item| (item.id.clone(), name(&item))).collect())
        })
    }

    fn bodies(&self, address: &str, kind: ItemKind, parent: Option<&str>) -> Result<Vec<Value>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let items = all(db, &mailbox, kind, parent.unwrap_or_default())?;
            Ok(items.into_iter().map(|item| Value::from(item.body)).collect())
        })
    }

    fn contained(&self, address: &str, container: ItemKind, kind: ItemKind) -> Result<Vec<(String, Vec<Value>)>> {
        let mut containers = vec![(String::new(), self.bodies(address, kind, None)?)];
        for item in self.bodies(address, container, None)? {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            containers.push((text("displayName"), self.bodies(address, kind, Some(&text("id")))?));
        }
        Ok(containers)
    }

    /// A person takes a category out of the master list; messages keep its name.
    pub fn delete_category(&self, address: &str, name: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            db.execute("DELETE FROM categories WHERE mailbox = ? AND name = ?", [&mailbox, name])?;
            Ok(())
        })
    }

    /// A person gives a category of the master list another colour.
    pub fn color_category(&self, address: &str, name: &str, color: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            db.execute("UPDATE categories SET color = ? WHERE mailbox = ? AND name = ?", [color, &mailbox, name])?;
            Ok(())
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

/// A task list.
pub(crate) fn new_list(world: &World, name: &str, well_known: &str) -> Item {
    let id = new_id(world, "AAMkAGI1Tl");
    let shown = Map::from_iter([
        ("id".to_owned(), id.as_str().into()),
        ("displayName".to_owned(), name.into()),
        ("isOwner".to_owned(), true.into()),
        ("isShared".to_owned(), false.into()),
        ("wellknownListName".to_owned(), well_known.into()),
    ]);
    Item { id, body: shown, extended: Map::new() }
}

/// The lists, made when somebody looks for the first time.
pub(crate) fn lists_of(db: &Transaction<'_>, world: &World, mailbox: &str) -> Result<Vec<Item>> {
    let known = all(db, mailbox, ItemKind::TaskList, "")?;
    if !known.is_empty() {
        return Ok(known);
    }
    for (name, well_known) in [("Tasks", "defaultList"), ("Flagged Emails", "flaggedEmails")] {
        insert(db, mailbox, ItemKind::TaskList, "", &new_list(world, name, well_known))?;
    }
    all(db, mailbox, ItemKind::TaskList, "")
}
