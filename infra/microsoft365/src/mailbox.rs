//! A mailbox as Exchange keeps it: a tree of folders, messages in them, and a counter of changes from which every
//! delta round is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use crate::error::{Error, Result};
use crate::mime::{Kept, Mail, Properties, Source};
use crate::notify::{self, Change};
use crate::{Microsoft365, World, directory, mime};

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

/// The ids of a message: pass `immutable_id` to the functions of [`Microsoft365`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// The id under `Prefer: IdType="ImmutableId"`, the same for ever.
    pub immutable_id: String,
    /// The id without that preference, another one after every move.
    pub default_id: String,
}

/// A message as it is really held, for judging a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The id that never changes.
    pub immutable_id: String,
    /// Id of the folder it lies in.
    pub folder: String,
    /// Well-known name of that folder, if it has one.
    pub well_known: Option<String>,
    /// Graph's `receivedDateTime`.
    pub received: Timestamp,
    /// SHA-256 of the MIME bytes.
    pub sha256_hex: String,
    /// Length of the MIME bytes.
    pub bytes: u64,
    /// Categories, in their order.
    pub categories: Vec<String>,
    /// Graph's `internetMessageId`.
    pub internet_message_id: Option<String>,
    /// The key it was delivered under.
    pub key: Option<String>,
}

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

/// A message of a mailbox. Moments are kept in whole seconds, as Graph shows them.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub row: i64,
    pub mailbox: String,
    pub immutable_id: String,
    pub default_id: String,
    pub folder: String,
    pub seq: i64,
    pub received: Timestamp,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub is_read: bool,
    pub is_draft: bool,
    pub categories: Vec<String>,
    pub properties: Properties,
    pub source: Source,
}

impl Message {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get("id")?,
            mailbox: row.get("mailbox")?,
            immutable_id: row.get("immutable_id")?,
            default_id: row.get("default_id")?,
            folder: row.get("folder")?,
            seq: row.get("seq")?,
            received: seconds(row.get("received")?),
            created: seconds(row.get("created")?),
            modified: seconds(row.get("modified")?),
            is_read: row.get("is_read")?,
            is_draft: row.get("is_draft")?,
            categories: json(row, "categories")?,
            properties: json(row, "properties")?,
            source: json(row, "mime")?,
        })
    }

    /// The id in the form that the caller prefers.
    pub(crate) fn id(&self, immutable: bool) -> &str {
        if immutable { &self.immutable_id } else { &self.default_id }
    }

    /// Graph's `changeKey`, another one after every change.
    pub(crate) fn change_key(&self) -> String {
        let version = [self.row.to_be_bytes(), self.seq.to_be_bytes()].concat();
        format!("CQAAABYAAAC{}", URL_SAFE_NO_PAD.encode(version))
    }

    /// The ETag made of the change key.
    pub(crate) fn etag(&self) -> String {
        format!("W/\"{}\"", self.change_key())
    }

    fn reference(&self) -> MessageRef {
        MessageRef { immutable_id: self.immutable_id.clone(), default_id: self.default_id.clone() }
    }
}

fn seconds(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}

fn text<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Damaged(what, error))
}

/// An id as Exchange makes them: long, opaque, case-sensitive, with `=`, `-` and `_` in it.
fn new_id(world: &World, prefix: &str) -> String {
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

fn folder(db: &Connection, mailbox: &str, name: &str) -> Result<Folder> {
    find_folder(db, mailbox, name)?.ok_or_else(|| Error::unknown("folder", name))
}

/// The message of this id, immutable or default: both work wherever an id is asked for.
pub(crate) fn find_message(db: &Connection, mailbox: &str, id: &str) -> Result<Option<Message>> {
    Ok(db
        .prepare_cached("SELECT * FROM messages WHERE mailbox = ?1 AND (immutable_id = ?2 OR default_id = ?2)")?
        .query_row([mailbox, id], Message::from_row)
        .optional()?)
}

fn message(db: &Connection, mailbox: &str, id: &str) -> Result<Message> {
    find_message(db, mailbox, id)?.ok_or_else(|| Error::unknown("message", id))
}

/// Changes something of a message; the caller's SQL sets it beside change number and time.
fn update(
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

/// What a person or the world does to a mailbox. `address` names the mailbox by address or object id, `folder` is a
/// well-known name or an id, `message` an id. Subscribers hear of every change.
impl Microsoft365 {
    /// Delivers a mail into a folder. With a key, a repeated delivery returns the message of the first, wherever it is now.
    /// Costs one pass over the bytes.
    pub fn deliver(&self, address: &str, folder: &str, mail: Mail) -> Result<MessageRef> {
        let (mailbox, target, known) = self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let target = self::folder(db, &mailbox, folder)?;
            let known = match &mail.key {
                Some(key) => delivered(db, &mailbox, key)?,
                None => None,
            };
            Ok((mailbox, target, known))
        })?;
        if let Some(known) = known {
            return Ok(known.reference());
        }
        let kept = mime::keep(self.store(), &mail.mime)?;
        let message = self.store().write(|db| match &mail.key {
            // Between the look and now another delivery of the same key may have won.
            Some(key) if delivered(db, &mailbox, key)?.is_some() => {
                delivered(db, &mailbox, key)?.ok_or_else(|| Error::unknown("message", key))
            }
            _ => insert(db, &self.0, &mailbox, &target.id, &mail, &kept),
        })?;
        self.0.wake();
        Ok(message.reference())
    }

    /// Makes a folder below another one and returns its id; a folder of the same name is returned instead of made again.
    pub fn create_folder(&self, address: &str, parent: &str, name: &str) -> Result<String> {
        self.new_folder(address, parent, name, false)
    }

    /// Makes a search folder, which Graph lists as `#microsoft.graph.mailSearchFolder`.
    pub fn create_search_folder(&self, address: &str, parent: &str, name: &str) -> Result<String> {
        self.new_folder(address, parent, name, true)
    }

    fn new_folder(&self, address: &str, parent: &str, name: &str, search: bool) -> Result<String> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let parent = folder(db, &mailbox, parent)?;
            let known = db
                .query_row("SELECT * FROM folders WHERE parent = ? AND name = ?", [&parent.id, name], Folder::from_row)
                .optional()?;
            if let Some(known) = known {
                return Ok(known.id);
            }
            let id = new_id(&self.0, "AQMkAGI1");
            db.execute(
                "INSERT INTO folders VALUES (?, ?, ?, ?, NULL, 0, ?, ?)",
                params![id, mailbox, parent.id, name, search, next_seq(db, &mailbox)?],
            )?;
            Ok(id)
        })
    }

    /// Renames a folder; its id stays.
    pub fn rename_folder(&self, address: &str, folder: &str, name: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = self::folder(db, &mailbox, folder)?;
            db.execute(
                "UPDATE folders SET name = ?, seq = ? WHERE id = ?",
                params![name, next_seq(db, &mailbox)?, folder.id],
            )?;
            Ok(())
        })
    }

    /// Moves a folder, with all that is in it and below it, below another one; its id stays, and so do those of its messages.
    /// What a person deletes in Outlook is moved below `deleteditems` first.
    pub fn move_folder(&self, address: &str, folder: &str, parent: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let (folder, parent) = (self::folder(db, &mailbox, folder)?, self::folder(db, &mailbox, parent)?);
            db.execute(
                "UPDATE folders SET parent = ?, seq = ? WHERE id = ?",
                params![parent.id, next_seq(db, &mailbox)?, folder.id],
            )?;
            Ok(())
        })
    }

    /// Hides a folder from Outlook's list, or shows it.
    pub fn hide_folder(&self, address: &str, folder: &str, hidden: bool) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = self::folder(db, &mailbox, folder)?;
            let seq = next_seq(db, &mailbox)?;
            db.execute("UPDATE folders SET hidden = ?, seq = ? WHERE id = ?", params![hidden, seq, folder.id])?;
            Ok(())
        })
    }

    /// Takes a folder away for good, with the messages in it; a folder that has folders below it stays, as an error.
    pub fn delete_folder(&self, address: &str, folder: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = self::folder(db, &mailbox, folder)?;
            if db.prepare("SELECT 1 FROM folders WHERE parent = ?")?.exists([&folder.id])? {
                return Err(Error::unknown("folder without children", folder.name));
            }
            for message in messages_of(db, &folder.id)? {
                purge(db, &self.0, &message)?;
            }
            db.execute("DELETE FROM folders WHERE id = ?", [&folder.id])?;
            db.execute(
                "INSERT INTO removals VALUES (?, '', ?, ?, ?)",
                params![mailbox, next_seq(db, &mailbox)?, folder.id, folder.id],
            )?;
            Ok(())
        })?;
        self.0.wake();
        Ok(())
    }

    /// Moves a message into another folder and returns its ids there.
    pub fn move_message(&self, address: &str, message: &str, folder: &str) -> Result<MessageRef> {
        self.change(address, message, |db, message| {
            let destination = self::folder(db, &message.mailbox, folder)?;
            Ok(move_to(db, &self.0, message, &destination)?.reference())
        })
    }

    /// Takes a message away for good; what a person deletes in Outlook is moved to `deleteditems` first.
    pub fn delete_message(&self, address: &str, message: &str) -> Result<()> {
        self.change(address, message, |db, message| purge(db, &self.0, message))
    }

    /// Marks a message read or unread.
    pub fn set_read(&self, address: &str, message: &str, read: bool) -> Result<()> {
        self.change(address, message, |db, message| set_read(db, &self.0, message, read).map(drop))
    }

    /// Sends a draft: from then on it is a mail, of that moment.
    pub fn send_draft(&self, address: &str, message: &str) -> Result<()> {
        self.change(address, message, |db, message| {
            db.execute(
                "UPDATE messages SET received = ? WHERE id = ?",
                params![self.0.now().as_second(), message.row],
            )?;
            update(db, &self.0, message, "is_draft", &false).map(drop)
        })
    }

    /// Replaces the categories of a message.
    pub fn set_categories(&self, address: &str, message: &str, categories: &[&str]) -> Result<()> {
        let categories: Vec<_> = categories.iter().map(ToString::to_string).collect();
        self.change(address, message, |db, message| set_categories(db, &self.0, message, &categories).map(drop))
    }

    fn change<T>(
        &self,
        address: &str,
        message: &str,
        work: impl FnOnce(&Transaction, &Message) -> Result<T>,
    ) -> Result<T> {
        let done = self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let message = self::message(db, &mailbox, message)?;
            work(db, &message)
        })?;
        self.0.wake();
        Ok(done)
    }

    /// What is really held in a mailbox, oldest delivery first.
    pub fn messages(&self, address: &str) -> Result<Vec<Held>> {
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let mut statement = db.prepare_cached(
                "SELECT messages.*, folders.well_known FROM messages JOIN folders ON folders.id = messages.folder
                 WHERE messages.mailbox = ? ORDER BY messages.id",
            )?;
            let rows = statement.query_map([mailbox], |row| {
                Ok(Held {
                    immutable_id: row.get("immutable_id")?,
                    folder: row.get("folder")?,
                    well_known: row.get("well_known")?,
                    received: seconds(row.get("received")?),
                    sha256_hex: row.get("sha256")?,
                    bytes: row.get::<_, i64>("bytes")?.unsigned_abs(),
                    categories: json(row, "categories")?,
                    internet_message_id: row.get("internet_message_id")?,
                    key: row.get("delivery_key")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn delivered(db: &Connection, mailbox: &str, key: &str) -> Result<Option<Message>> {
    Ok(db
        .prepare_cached("SELECT * FROM messages WHERE mailbox = ? AND delivery_key = ?")?
        .query_row([mailbox, key], Message::from_row)
        .optional()?)
}

fn messages_of(db: &Connection, folder: &str) -> Result<Vec<Message>> {
    let mut statement = db.prepare_cached("SELECT * FROM messages WHERE folder = ?")?;
    let rows = statement.query_map([folder], Message::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
