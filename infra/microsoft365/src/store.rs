//! The one SQLite file that holds a simulated world, and the MIME bodies beside it.
//!
//! Every change is one transaction, so that a killed process comes back with whole facts. The journal is a WAL with
//! `synchronous = NORMAL`: it survives the death of the process, not of the machine, which is enough for a simulator.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, Transaction};

use crate::error::Result;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS tenants (id TEXT PRIMARY KEY, name TEXT NOT NULL, domain TEXT NOT NULL UNIQUE COLLATE NOCASE,
    user_consent INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, address TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL, shared INTEGER NOT NULL, admin INTEGER NOT NULL DEFAULT 0, enabled INTEGER NOT NULL DEFAULT 1,
    licensed INTEGER NOT NULL DEFAULT 1, seq INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS directory_roles (user TEXT NOT NULL, role TEXT NOT NULL, active INTEGER NOT NULL, PRIMARY KEY (user, role));
CREATE TABLE IF NOT EXISTS guests (user TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS domains (tenant TEXT NOT NULL, name TEXT PRIMARY KEY COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS reviewed (tenant TEXT PRIMARY KEY);
INSERT OR IGNORE INTO directory_roles SELECT id, '62e90394-69f5-4237-9190-012177145e10', 1 FROM users WHERE admin;
UPDATE users SET admin = 0 WHERE admin;
CREATE TABLE IF NOT EXISTS full_access (user TEXT NOT NULL, mailbox TEXT NOT NULL, PRIMARY KEY (user, mailbox));
CREATE TABLE IF NOT EXISTS aliases (user TEXT NOT NULL, address TEXT NOT NULL COLLATE NOCASE, main INTEGER NOT NULL,
    PRIMARY KEY (user, address));
CREATE TABLE IF NOT EXISTS apps (client_id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS app_scopes (client_id TEXT NOT NULL, mailbox TEXT NOT NULL, PRIMARY KEY (client_id, mailbox));
CREATE TABLE IF NOT EXISTS consents (tenant TEXT NOT NULL, app TEXT NOT NULL, user TEXT NOT NULL, scope TEXT NOT NULL,
    PRIMARY KEY (tenant, app, user, scope));
CREATE TABLE IF NOT EXISTS roles (tenant TEXT NOT NULL, app TEXT NOT NULL, role TEXT NOT NULL, effective_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, app, role));
CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, body TEXT NOT NULL, expires_ms INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS refresh_tokens (token TEXT PRIMARY KEY, app TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL,
    expires_ms INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS access_tokens (token TEXT PRIMARY KEY, tenant TEXT NOT NULL, app TEXT NOT NULL, user TEXT,
    scopes TEXT NOT NULL, expires_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, der BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS folders (id TEXT PRIMARY KEY, mailbox TEXT NOT NULL, parent TEXT, name TEXT NOT NULL, well_known TEXT,
    hidden INTEGER NOT NULL, search INTEGER NOT NULL, seq INTEGER NOT NULL, UNIQUE (mailbox, well_known));
CREATE INDEX IF NOT EXISTS folders_by_mailbox ON folders (mailbox, parent);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, immutable_id TEXT NOT NULL UNIQUE,
    default_id TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, seq INTEGER NOT NULL, received INTEGER NOT NULL, created INTEGER NOT NULL,
    modified INTEGER NOT NULL, is_read INTEGER NOT NULL, is_draft INTEGER NOT NULL, categories TEXT NOT NULL, properties TEXT NOT NULL,
    mime TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, internet_message_id TEXT, delivery_key TEXT,
    UNIQUE (mailbox, delivery_key));
CREATE INDEX IF NOT EXISTS messages_by_change ON messages (folder, seq);
CREATE INDEX IF NOT EXISTS messages_by_arrival ON messages (mailbox, received);
CREATE TABLE IF NOT EXISTS removals (mailbox TEXT NOT NULL, folder TEXT NOT NULL, seq INTEGER NOT NULL, immutable_id TEXT NOT NULL,
    default_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS removals_by_change ON removals (folder, seq);
CREATE TABLE IF NOT EXISTS generations (token TEXT PRIMARY KEY, chain TEXT NOT NULL, generation INTEGER NOT NULL, state TEXT NOT NULL,
    UNIQUE (chain, generation));
CREATE TABLE IF NOT EXISTS categories (id TEXT PRIMARY KEY, mailbox TEXT NOT NULL, name TEXT NOT NULL, color TEXT NOT NULL,
    UNIQUE (mailbox, name));
CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, mailbox TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL,
    extended TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS items_by_kind ON items (mailbox, kind, parent);
CREATE TABLE IF NOT EXISTS item_changes (mailbox TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL, id TEXT NOT NULL,
    seq INTEGER NOT NULL, PRIMARY KEY (mailbox, kind, parent, id));
CREATE INDEX IF NOT EXISTS item_changes_by_seq ON item_changes (mailbox, kind, parent, seq);
CREATE TABLE IF NOT EXISTS transactions (mailbox TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (mailbox, id));
CREATE TABLE IF NOT EXISTS subscriptions (id TEXT PRIMARY KEY, app TEXT NOT NULL, tenant TEXT NOT NULL, creator TEXT NOT NULL,
    mailbox TEXT NOT NULL, folder TEXT, resource TEXT NOT NULL, change_type TEXT NOT NULL, notification_url TEXT NOT NULL,
    lifecycle_url TEXT, client_state TEXT, tls TEXT NOT NULL, immutable_ids INTEGER NOT NULL, expires_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS subscriptions_by_mailbox ON subscriptions (mailbox);
CREATE TABLE IF NOT EXISTS notices (id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL,
    born_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS notices_by_time ON notices (due_ms);
";

/// All state of the simulated world.
pub(crate) struct Store {
    db: Mutex<Connection>,
    mime: MimeFiles,
}

/// Where MIME bodies lie: one file per digest, or memory when there is no directory.
enum MimeFiles {
    Directory(PathBuf),
    Memory(Mutex<HashMap<String, Bytes>>),
}

/// The bytes of one stored MIME body, or where to read them.
pub(crate) enum StoredMime {
    File(PathBuf),
    Bytes(Bytes),
}

impl Store {
    /// Opens the world under `dir`, or a new one in memory.
    pub fn open(dir: Option<&Path>) -> Result<Self> {
        let (db, mime) = match dir {
            Some(dir) => {
                let bodies = dir.join("mime");
                std::fs::create_dir_all(&bodies)?;
                (Connection::open(dir.join("microsoft365.sqlite"))?, MimeFiles::Directory(bodies))
            }
            None => (Connection::open_in_memory()?, MimeFiles::Memory(Mutex::default())),
        };
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.execute_batch(SCHEMA)?;
        db.set_prepared_statement_cache_capacity(128);
        Ok(Self { db: Mutex::new(db), mime })
    }

    /// Whether all is gone when the process ends.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.mime, MimeFiles::Memory(_))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic between two statements leaves a rolled back transaction behind, never half a change.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.lock())
    }

    /// Changes in one transaction: all of `work` or nothing.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T>) -> Result<T> {
        let mut db = self.lock();
        let transaction = db.transaction()?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Keeps a MIME body under its digest; keeping it again changes nothing.
    pub fn keep_mime(&self, digest: &str, bytes: &Bytes) -> Result<()> {
        match &self.mime {
            MimeFiles::Memory(bodies) => {
                let mut bodies = bodies.lock().unwrap_or_else(PoisonError::into_inner);
                bodies.entry(digest.to_owned()).or_insert_with(|| bytes.clone());
            }
            MimeFiles::Directory(dir) => {
                let path = dir.join(digest);
                if !path.exists() {
                    let unfinished = dir.join(format!("{}.part", uuid::Uuid::new_v4().simple()));
                    std::fs::File::create(&unfinished)?.write_all(bytes)?;
                    std::fs::rename(unfinished, path)?;
                }
            }
        }
        Ok(())
    }

    /// Finds a MIME body that was kept.
    pub fn mime(&self, digest: &str) -> Result<StoredMime> {
        match &self.mime {
            MimeFiles::Directory(dir) => Ok(StoredMime::File(dir.join(digest))),
            MimeFiles::Memory(bodies) => bodies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(digest)
                .cloned()
                .map(StoredMime::Bytes)
                .ok_or_else(|| crate::Error::unknown("MIME body", digest)),
        }
    }
}
