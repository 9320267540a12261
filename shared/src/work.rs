//! Work: the messages of one delta page that have steps ahead.
//!
//! A page's messages are written as pending first; then one transaction stores the work, moves the folder's link on and
//! counts. So whoever comes next, after any crash, finds by a short query what is left to do, and no message needs an index
//! of its own for that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{FirmId, MailboxId, MessageId},
    table::{Key, Row, Table, TableError},
};

/// The messages of one page that have steps ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The page's name; see [`crate::delta::FolderState::page_name`].
    pub page: String,
    /// The local halves of the messages' ids.
    messages: Vec<String>,
    /// Not before this: all that is left has failed and waits.
    pub not_before: Option<Timestamp>,
}

impl Work {
    /// The work of `page`.
    pub fn new(page: String, messages: &[MessageId]) -> Self {
        Self { page, messages: messages.iter().map(MessageId::local).collect(), not_before: None }
    }

    /// The messages.
    pub fn messages(&self, mailbox: MailboxId) -> Vec<MessageId> {
        self.messages.iter().filter_map(|local| MessageId::from_local(mailbox, local).ok()).collect()
    }

    /// The same with only `left`, from `not_before` on.
    pub fn left(&self, left: &[MessageId], not_before: Option<Timestamp>) -> Self {
        Self { not_before, ..Self::new(self.page.clone(), left) }
    }

    /// All work of a mailbox.
    pub async fn of(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Vec<Row<Self>>, TableError> {
        table.query_all(&Key::work_prefix(firm, mailbox)).await
    }
}
