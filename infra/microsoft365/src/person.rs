//! What a person or the world does to a mailbox.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::error::{Error, Result};
use crate::mailbox::Folder;
use crate::message::{Message, MessageRef, json, seconds};
use crate::mime::Mail;
use crate::{Microsoft365, directory, mailbox, mime, notify};

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

/// What a person or the world does to a mailbox. `address` names the mailbox by address or object id, `folder` is a
/// well-known name or an id, `message` an id. Subscribers hear of every change.
impl Microsoft365 {
    /// Delivers a mail into a folder. With a key, a repeated delivery returns the message of the first, wherever it is
    /// now. Costs one pass over the bytes.
    pub fn deliver(&self, address: &str, folder: &str, mail: Mail) -> Result<MessageRef> {
        let (mailbox, target, known) = self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            let target = mailbox::folder(db, &mailbox, folder)?;
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
            _ => mailbox::insert(db, &self.0, &mailbox, &target.id, &mail, &kept),
        })?;
        self.0.wake();
        Ok(message.reference())
    }

    /// The id of a folder.
    pub fn folder_id(&self, address: &str, folder: &str) -> Result<String> {
        self.store().read(|db| Ok(mailbox::folder(db, &directory::account(db, address)?.id, folder)?.id))
    }

    /// Makes a folder below another one and returns its id; a folder of the same name is returned instead of made
    /// again.
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
            let parent = mailbox::folder(db, &mailbox, parent)?;
            let known = db
                .query_row("SELECT * FROM folders WHERE parent = ? AND name = ?", [&parent.id, name], Folder::from_row)
                .optional()?;
            if let Some(known) = known {
                return Ok(known.id);
            }
            let id = mailbox::new_id(&self.0, "AQMkAGI1");
            db.execute(
                "INSERT INTO folders VALUES (?, ?, ?, ?, NULL, 0, ?, ?)",
                params![id, mailbox, parent.id, name, search, mailbox::next_seq(db, &mailbox)?],
            )?;
            Ok(id)
        })
    }

    /// Renames a folder; its id stays.
    pub fn rename_folder(&self, address: &str, folder: &str, name: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = mailbox::folder(db, &mailbox, folder)?;
            db.execute(
                "UPDATE folders SET name = ?, seq = ? WHERE id = ?",
                params![name, mailbox::next_seq(db, &mailbox)?, folder.id],
            )?;
            Ok(())
        })
    }

    /// Moves a folder, with all that is in it and below it, below another one; its id stays, and so do those of its
    /// messages. What a person deletes in Outlook is moved below `deleteditems` first.
    pub fn move_folder(&self, address: &str, folder: &str, parent: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let (folder, parent) = (mailbox::folder(db, &mailbox, folder)?, mailbox::folder(db, &mailbox, parent)?);
            db.execute(
                "UPDATE folders SET parent = ?, seq = ? WHERE id = ?",
                params![parent.id, mailbox::next_seq(db, &mailbox)?, folder.id],
            )?;
            Ok(())
        })
    }

    /// Hides a folder from Outlook's list, or shows it.
    pub fn hide_folder(&self, address: &str, folder: &str, hidden: bool) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = mailbox::folder(db, &mailbox, folder)?;
            let seq = mailbox::next_seq(db, &mailbox)?;
            db.execute("UPDATE folders SET hidden = ?, seq = ? WHERE id = ?", params![hidden, seq, folder.id])?;
            Ok(())
        })
    }

    /// Takes a folder away for good, with the messages in it; a folder that has folders below it stays, as an error.
    pub fn delete_folder(&self, address: &str, folder: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let folder = mailbox::folder(db, &mailbox, folder)?;
            if db.prepare("SELECT 1 FROM folders WHERE parent = ?")?.exists([&folder.id])? {
                return Err(Error::unknown("folder without children", folder.name));
            }
            for message in messages_of(db, &folder.id)? {
                mailbox::purge(db, &self.0, &message)?;
            }
            db.execute("DELETE FROM folders WHERE id = ?", [&folder.id])?;
            db.execute(
                "INSERT INTO removals VALUES (?, '', ?, ?, ?)",
                params![mailbox, mailbox::next_seq(db, &mailbox)?, folder.id, folder.id],
            )?;
            Ok(())
        })?;
        self.0.wake();
        Ok(())
    }

    /// Moves a message into another folder and returns its ids there.
    pub fn move_message(&self, address: &str, message: &str, folder: &str) -> Result<MessageRef> {
        self.change(address, message, |db, message| {
            let destination = mailbox::folder(db, &message.mailbox, folder)?;
            Ok(mailbox::move_to(db, &self.0, message, &destination)?.reference())
        })
    }

    /// Takes a message away for good; what a person deletes in Outlook is moved to `deleteditems` first.
    pub fn delete_message(&self, address: &str, message: &str) -> Result<()> {
        self.change(address, message, |db, message| mailbox::purge(db, &self.0, message))
    }

    /// Marks a message read or unread.
    pub fn set_read(&self, address: &str, message: &str, read: bool) -> Result<()> {
        self.change(address, message, |db, message| mailbox::set_read(db, &self.0, message, read).map(drop))
    }

    /// Sends a draft: from then on it is a mail, of that moment.
    pub fn send_draft(&self, address: &str, message: &str) -> Result<()> {
        self.change(address, message, |db, message| {
            db.execute(
                "UPDATE messages SET received = ? WHERE id = ?",
                params![self.0.now().as_second(), message.row],
            )?;
            mailbox::update(db, &self.0, message, "is_draft", &false).map(drop)
        })
    }

    /// Replaces the categories of a message.
    pub fn set_categories(&self, address: &str, message: &str, categories: &[&str]) -> Result<()> {
        let categories: Vec<_> = categories.iter().map(ToString::to_string).collect();
        self.change(address, message, |db, message| {
            mailbox::set_categories(db, &self.0, message, &categories).map(drop)
        })
    }

    fn change<T>(
        &self,
        address: &str,
        message: &str,
        work: impl FnOnce(&Transaction, &Message) -> Result<T>,
    ) -> Result<T> {
        let done = self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            let message = mailbox::message(db, &mailbox, message)?;
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

    /// Ids of the live subscriptions to a mailbox.
    pub fn subscriptions(&self, address: &str) -> Result<Vec<String>> {
        let now = self.now();
        self.store().read(|db| {
            let mailbox = directory::account(db, address)?.id;
            Ok(notify::live(db, &mailbox, now)?.into_iter().map(|subscription| subscription.id).collect())
        })
    }

    /// Forgets the subscriptions to a mailbox without a word, as Graph does now and then.
    pub fn forget_subscriptions(&self, address: &str) -> Result<()> {
        self.store().write(|db| {
            let mailbox = directory::account(db, address)?.id;
            db.execute("DELETE FROM subscriptions WHERE mailbox = ?", [mailbox])?;
            Ok(())
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
