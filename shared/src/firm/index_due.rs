//! When a firm's index of words is brought up to its feed next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{DUE_WORDS, Key, Table, TableError, Write, sortable},
    base::id::FirmId,
};

/// When a firm's index is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDue {
    due_kind: String,
    due_at: String,
    /// The generation of the index that a search found to be damaged: it is made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
}

impl IndexDue {
    /// The write by which an index is due `at` that time.
    pub fn at(firm: FirmId, at: Timestamp) -> Write {
        Write::overwrite(Key::index_due(firm), &Self::new(at, None))
    }

    /// The write by which an index of that generation, which is damaged, is due at once.
    pub fn damaged(firm: FirmId, now: Timestamp, generation: String) -> Write {
        Write::overwrite(Key::index_due(firm), &Self::new(now, Some(generation)))
    }

    /// Has an index follow its feed at once, because a search found it far behind.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn hurry(table: &Table, firm: FirmId, now: Timestamp) -> Result<(), TableError> {
        let hurried = |due: Option<Self>| {
            let at_once = Self::new(now, None);
            Some(match due {
                Some(due) => Self { due_at: due.due_at.min(at_once.due_at), ..due },
                None => at_once,
            })
        };
        table.update(&Key::index_due(firm), hurried).await.map(drop)
    }

    /// The write by which the index of a new firm is due at once.
    pub fn first(firm: FirmId, now: Timestamp) -> Write {
        Write::insert(Key::index_due(firm), &Self::new(now, None))
    }

    fn new(at: Timestamp, damaged: Option<String>) -> Self {
        Self { due_kind: DUE_WORDS.to_owned(), due_at: sortable(at), damaged }
    }

    /// Has the index of a firm that an older version made begin.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn add_missing(table: &Table, firm: FirmId, now: Timestamp) -> Result<(), TableError> {
        if table.get::<Self>(&Key::index_due(firm)).await?.is_some() {
            return Ok(());
        }
        match table.write(Self::first(firm, now)).await {
            Err(TableError::Conflict { .. }) => Ok(()),
            written => written,
        }
    }
}
