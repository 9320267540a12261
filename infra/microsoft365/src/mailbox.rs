//! A mailbox as Exchange keeps it: a tree of folders, messages in them, and a counter of changes from which every
//! delta round is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use crate::error::{Error, Result};
use crate::message::Message;
use crate::mime::{Kept, Mail};
use crate::notify::{self, Change};
use crate::world::World;

/// The language in which a mailbox names its well-known folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// "Inbox"
    #[default]
    English,
    /// "Posteingang"
    German,
    /// "Boîte de réception"
    French,
    /// "Posta in arrivo"
    Italian,
}

/// A well-known folder: name in URLs, parent, whether hidden, display names in the order of [`Language`].
/// Source: the mailFolder resource type. `recoverableitemsdeletions` and `searchfolders` lie outside the visible tree.
struct WellKnown(&'static str, Option<&'static str>, bool, [&'static str; 4]);

const ROOT: Option<&str> = Some("msgfolderroot");
const WELL_KNOWN: [WellKnown; 14] = [
    WellKnown(
        "msgfolderroot",
        None,
        false,
        [
            "Top of Information Store",
            "Oberste Ebene des Informationsspeichers",
            "Racine de la banque d'informations",
            "Inizio archivio informazioni",
        ],
    ),
    WellKnown("inbox", ROOT, false, ["Inbox", "Posteingang", "Boîte de réception", "Posta in arrivo"]),
    WellKnown("drafts", ROOT, false, ["Drafts", "Entwürfe", "Brouillons", "Bozze"]),
    WellKnown("sentitems", ROOT, false, ["Sent Items", "Gesendete Elemente", "Éléments envoyés", "Posta inviata"]),
    WellKnown(
        "deleteditems",
        ROOT,
        false,
        ["Deleted Items", "Gelöschte Elemente", "Éléments supprimés", "Posta eliminata"],
    ),
    WellKnown("junkemail", ROOT, false, ["Junk Email", "Junk-E-Mail", "Courrier indésirable", "Posta indesiderata"]),
    WellKnown("outbox", ROOT, false, ["Outbox", "Postausgang", "Boîte d'envoi", "Posta in uscita"]),
    WellKnown("archive", ROOT, false, ["Archive", "Archiv", "Archive", "Archivio"]),
    WellKnown(
        "conversationhistory",
        ROOT,
        false,
        [
            "Conversation History",
            "Aufgezeichnete Unterhaltungen",
            "Historique des conversations",
            "Cronologia conversazioni",
        ],
    ),
    WellKnown(
        "syncissues",
        ROOT,
        true,
        ["Sync Issues", "Synchronisierungsprobleme", "Problèmes de synchronisation", "Problemi di sincronizzazione"],
    ),
    WellKnown("conflicts", Some("syncissues"), true, ["Conflicts", "Konflikte", "Conflits", "Conflitti"]),
    WellKnown(
        "localfailures",
        Some("syncissues"),
        true,
        ["Local Failures", "Lokale Fehler", "Défaillances locales", "Errori locali"],
    ),
    WellKnown("recoverableitemsdeletions", None, true, ["Deletions", "Deletions", "Deletions", "Deletions"]),
    WellKnown("searchfolders", None, true, ["Finder", "Finder", "Finder", "Finder"]),
];

/// A folder of a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub id: String,
    pub parent: Option<String>,
    pub name: String,
    pub hidden: bool,
    pub search: bool,
    pub seq: i64,
}

impl Folder {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            parent: row.get("parent")?,
            name: row.get("name")?,
            hidden: row.get("hidden")?,
            search: row.get("search")?,
            seq: row.get("seq")?,
        })
    }
}

fn text<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Damaged(what, error))
}

/// An id as Exchange makes them: long, opaque, case-sensitive, with `=`, `-` and `_` in it.
pub(crate) fn new_id(world: &World, prefix: &str) -> String {
    let random = [world.uuid().into_bytes(), world.uuid().into_bytes()].concat();
    format!("{prefix}_{}-AAA=", URL_SAFE_NO_PAD.encode(random))
}

fn new_default_id(world: &World) -> String {
    new_id(world, "AAMkAGI1AAAo")
}

/// Makes the well-known folders of a new mailbox.
pub(crate) fn create(db: &Transaction, world: &World, mailbox: &str) -> Result<()> {
    for WellKnown(name, parent, hidden, display) in &WELL_KNOWN {
        let parent = parent.map(|parent| folder(db, mailbox, parent)).transpose()?;
        let parent = parent.map(|parent| parent.id);
        db.execute(
            "INSERT INTO folders VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            params![new_id(world, "AQMkAGI1"), mailbox, parent, display[0], name, hidden, next_seq(db, mailbox)?],
        )?;
    }
    Ok(())
}

/// Gives the well-known folders their names in another language; ids stay.
pub(crate) fn rename_well_known(db: &Transaction, mailbox: &str, language: Language) -> Result<()> {
    for WellKnown(name, _, _, display) in &WELL_KNOWN {
        db.execute(
            "UPDATE folders SET name = ?, seq = ? WHERE mailbox = ? AND well_known = ?",
            params![display[language as usize], next_seq(db, mailbox)?, mailbox, name],
        )?;
    }
    Ok(())
}

/// Counts one more change of the mailbox.
/// The number of the mailbox's next change.
pub(crate) fn next_seq(db: &Connection, mailbox: &str) -> Result<i64> {
    Ok(db.query_row("UPDATE users SET seq = seq + 1 WHERE id = ? RETURNING seq", [mailbox], |row| row.get(0))?)
}

/// The number of the last change of the mailbox.
pub(crate) fn last_seq(db: &Connection, mailbox: &str) -> Result<i64> {
    Ok(db.query_row("SELECT seq FROM users WHERE id = ?", [mailbox], |row| row.get(0))?)
}

/// The folder of this id or well-known name (in any case).
pub(crate) fn find_folder(db: &Connection, mailbox: &str, folder: &str) -> Result<Option<Folder>> {
    Ok(db
        .prepare_cached("SELECT * FROM folders WHERE mailbox = ?1 AND (id = ?2 OR well_known = lower(?2))")?
        .query_row([mailbox, folder], Folder::from_row)
        .optional()?)
}

pub(crate) fn folder(db: &Connection, mailbox: &str, name: &str) -> Result<Folder> {
    find_folder(db, mailbox, name)?.ok_or_else(|| Error::unknown("folder", name))
}

/// The message of this id, immutable or default: both work wherever an id is asked for.
pub(crate) fn find_message(db: &Connection, mailbox: &str, id: &str) -> Result<Option<Message>> {
    Ok(db
        .prepare_cached("SELECT * FROM messages WHERE mailbox = ?1 AND (immutable_id = ?2 OR default_id = ?2)")?
        .query_row([mailbox, id], Message::from_row)
        .optional()?)
}

pub(crate) fn message(db: &Connection, mailbox: &str, id: &str) -> Result<Message> {
    find_message(db, mailbox, id)?.ok_or_else(|| Error::unknown("message", id))
}

/// Changes something of a message; the caller's SQL sets it beside change number and time.
pub(crate) fn update(
    db: &Transaction,
    world: &World,
    message: &Message,
    column: &str,
    value: &dyn rusqlite::ToSql,
) -> Result<Message> {
    db.execute(
        &format!("UPDATE messages SET {column} = ?, seq = ?, modified = ? WHERE id = ?"),
        params![value, next_seq(db, &message.mailbox)?, world.now().as_second(), message.row],
    )?;
    let changed = self::message(db, &message.mailbox, &message.immutable_id)?;
    notify::enqueue(db, world, Change::Updated, &changed)?;
    Ok(changed)
}

/// Replaces the categories of a message.
pub(crate) fn set_categories(
    db: &Transaction,
    world: &World,
    message: &Message,
    categories: &[String],
) -> Result<Message> {
    update(db, world, message, "categories", &text("list of categories", &categories)?)
}

/// Marks a message read or unread.
pub(crate) fn set_read(db: &Transaction, world: &World, message: &Message, read: bool) -> Result<Message> {
    update(db, world, message, "is_read", &read)
}

/// Moves a message: its default id changes, its immutable id does not (outlook-immutable-id).
pub(crate) fn move_to(db: &Transaction, world: &World, message: &Message, destination: &Folder) -> Result<Message> {
    if message.folder == destination.id {
        return Ok(message.clone());
    }
    leave(db, world, message)?;
    db.execute(
        "UPDATE messages SET folder = ?, default_id = ?, seq = ?, modified = ? WHERE id = ?",
        params![
            destination.id,
            new_default_id(world),
            next_seq(db, &message.mailbox)?,
            world.now().as_second(),
            message.row
        ],
    )?;
    let moved = self::message(db, &message.mailbox, &message.immutable_id)?;
    notify::enqueue(db, world, Change::Created, &moved)?;
    Ok(moved)
}

/// Takes a message away for good.
pub(crate) fn purge(db: &Transaction, world: &World, message: &Message) -> Result<()> {
    leave(db, world, message)?;
    db.execute("DELETE FROM messages WHERE id = ?", [message.row])?;
    Ok(())
}

/// Remembers that a message left its folder, for delta and for subscribers.
fn leave(db: &Transaction, world: &World, message: &Message) -> Result<()> {
    db.execute(
        "INSERT INTO removals VALUES (?, ?, ?, ?, ?)",
        params![
            message.mailbox,
            message.folder,
            next_seq(db, &message.mailbox)?,
            message.immutable_id,
            message.default_id
        ],
    )?;
    notify::enqueue(db, world, Change::Deleted, message)
}

/// Puts a new message into a folder.
pub(crate) fn insert(
    db: &Transaction,
    world: &World,
    mailbox: &str,
    folder: &str,
    mail: &Mail,
    kept: &Kept,
) -> Result<Message> {
    let immutable_id = new_id(world, "AAkALgAAAAAAHYQDEapmEc2byACqAC");
    let now = world.now().as_second();
    db.execute(
        "INSERT INTO messages (mailbox, immutable_id, default_id, folder, seq, received, created, modified, is_read, is_draft,
            categories, properties, mime, bytes, sha256, internet_message_id, delivery_key)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?, ?, ?, ?, ?, ?)",
        params![
            mailbox,
            immutable_id,
            new_default_id(world),
            folder,
            next_seq(db, mailbox)?,
            mail.received.as_second(),
            now,
            now,
            mail.is_read,
            mail.is_draft,
            text("mail", &kept.properties)?,
            text("mail", &kept.source)?,
            i64::try_from(kept.bytes).unwrap_or(i64::MAX),
            kept.sha256_hex,
            kept.properties.internet_message_id,
            mail.key
        ],
    )?;
    let message = self::message(db, mailbox, &immutable_id)?;
    notify::enqueue(db, world, Change::Created, &message)?;
    Ok(message)
}
