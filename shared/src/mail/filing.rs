//! Filing: the dossier of the business application that a mail belongs to, with the history of changes.
//!
//! One transaction changes the message, appends to the history, moves the mail between the lists of dossiers, records
//! the fact, and stores the work that changes the mark. So the mark follows, even if the function stops right after it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::id::{FirmId, MessageId},
    firm::feed::{Fact, Feed, FeedError, What},
    mail::{
        message::{Filing, Message, State},
        work::Work,
    },
};

/// That a message is filed to a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// The message.
    pub message: MessageId,
}

/// A message that could not be filed.
#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    /// The firm has no such message.
    #[error("there is no such message")]
    Unknown,
    /// Its original is not in the archive.
    #[error("the state of the message is {0}")]
    NotArchived(&'static str),
    /// The table or the feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl From<TableError> for FilingError {
    fn from(error: TableError) -> Self {
        Self::Feed(error.into())
    }
}

/// Files a message to `dossier`, or takes it out of the one that it is in; said again, nothing changes. The message as
/// it is then. `by`: see [`Filing::by`].
///
/// Errors: the message is not archived, or the table refuses.
pub async fn file(
    (table, feed): (&Table, &Feed),
    (firm, id): (FirmId, MessageId),
    dossier: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Message, FilingError> {
    let mut tries = table.tries();
    loop {
        let Some(mut row) = table.get::<Message>(&Key::message(firm, id)).await? else {
            return Err(FilingError::Unknown);
        };
        let message = &mut row.value;
        let Some(original) = message.original().cloned() else {
            return Err(FilingError::NotArchived(message.state.name()));
        };
        if message.dossier() == dossier {
            return Ok(row.value);
        }
        let count = message.filing.as_ref().map_or(0, |last| last.count) + 1;
        let (number, by) = (original.number, by.to_owned());
        let filing = Filing { count, number, dossier: dossier.map(str::to_owned), at: now, by };
        let before = message.filing.replace(filing.clone());
        let before = before.and_then(|last| Some((last.dossier?, last.number)));
        let mut writes = Vec::new();
        // What has not come so far is still in its page's work.
        if !matches!(message.state, State::Archived(_)) {
            message.state = State::Announced(original);
            let (key, work) = Work::of_mark(firm, id, count);
            writes.push(Write::insert(key, &work));
        }
        writes.push(Write::insert(Key::filing(firm, id, count), &filing));
        if let Some((dossier, number)) = &before {
            writes.push(Write::discard(Key::filed(firm, dossier, *number)));
        }
        if let Some(dossier) = dossier {
            writes.push(Write::overwrite(Key::filed(firm, dossier, number), &Filed { message: id }));
        }
        let (mailbox, message, by) = (id.mailbox, id, filing.by);
        let what = match (filing.dossier, before.map(|(dossier, _)| dossier)) {
            (Some(dossier), before) => What::MessageFiled { mailbox, message, dossier, before, by },
            (None, before) => What::MessageUnfiled { mailbox, message, before: before.unwrap_or_default(), by },
        };
        writes.push(Write::replace(&row));
        let fact = Fact { id: format!("{id}-filing-{count}"), at: now, what };
        match feed.tell_with(firm, writes, fact).await {
            Ok(()) => return Ok(row.value),
            Err(FeedError::Table(error)) if tries.again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// All that was ever done about the filing of a message, oldest first.
///
/// Errors: the table refuses or does not answer.
pub async fn history(table: &Table, firm: FirmId, message: MessageId) -> Result<Vec<Filing>, TableError> {
    let rows = table.query_all::<Filing>(&Key::filing_prefix(firm, message)).await?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}
