//! When a firm's log is brought up to its feed next, and how far it has come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{DUE_LOG, Key, Table, TableError, Write, sortable},
    base::id::FirmId,
};

/// When a firm's log is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDue {
    due_kind: String,
    due_at: String,
    /// How many entries it had when it was last appended to. A shorter one was set back.
    #[serde(default)]
    pub size: u64,
}

impl LogDue {
    /// The write by which a log of so many entries is due `at` that time.
    pub fn at(firm: FirmId, at: Timestamp, size: u64) -> Write {
        Write::overwrite(Key::log_due(firm), &Self::new(at, size))
    }

    /// The write by which the log of a new firm is due at once.
    pub fn first(firm: FirmId, now: Timestamp) -> Write {
        Write::insert(Key::log_due(firm), &Self::new(now, 0))
    }

    /// When it is due.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.due_at.parse().ok()
    }

    fn new(at: Timestamp, size: u64) -> Self {
        Self { due_kind: DUE_LOG.to_owned(), due_at: sortable(at), size }
    }

    /// Has the log of a firm that an older version made begin.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn add_missing(table: &Table, firm: FirmId, now: Timestamp) -> Result<(), TableError> {
        if table.get::<Self>(&Key::log_due(firm)).await?.is_some() {
            return Ok(());
        }
        match table.write(Self::first(firm, now)).await {
            Err(TableError::Conflict { .. }) => Ok(()),
            written => written,
        }
    }
}
