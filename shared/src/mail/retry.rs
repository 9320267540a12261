//! Another try of a mail that could not be archived, because a person asked for it.
//!
//! A failed mail whose tries go on waits in a work item. One that greffe has given up is in none, and gets one of its
//! own. The message and its work item change in one transaction, so a mail is never in two items that count it, however
//! many ask at the same time.

use jiff::Timestamp;

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::id::{FirmId, MessageId},
    mail::{
        mailbox::Mailbox,
        message::{Message, MessageFailure, MessageState},
        work::Work,
    },
};

/// A mail that can't be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The firm has no such message.
    #[error("there is no such message")]
    NoMessage,
    /// Its mailbox was deleted.
    #[error("its mailbox was deleted")]
    NoMailbox,
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Makes a failed mail due now. Idempotent: a mail in any other state, and one that is due already, stay as they are.
/// If greffe has given the mail up, its tries begin anew. Returns the message as it is then.
///
/// Errors: `NoMessage`, `NoMailbox`; `Conflict` if others wrote first at each try; the table refuses or does not
/// answer.
pub async fn retry(table: &Table, (firm, id): (FirmId, MessageId), now: Timestamp) -> Result<Message, RetryError> {
    let mut tries = table.tries();
    loop {
        let Some(mut row) = table.get::<Message>(&Key::message(firm, id)).await? else {
            return Err(RetryError::NoMessage);
        };
        let MessageState::Failed(failure) = &row.value.state else { return Ok(row.value) };
        if failure.next_try.is_some_and(|at| at <= now) {
            return Ok(row.value);
        }
        if Mailbox::find(table, firm, id.mailbox).await?.is_none() {
            return Err(RetryError::NoMailbox);
        }
        let mut writes = Vec::new();
        let own = Key::work(firm, id.mailbox, &format!("retry#{}", id.local()));
        let item = match Work::holding(table, firm, &row.value.page, id).await? {
            Some(item) => Some(item),
            None => table.get::<Work>(&own).await?,
        };
        match item {
            Some(item) => {
                let due = item.value.clone().due(now);
                writes.push(Write::replace(&item.with(due)));
            }
            None if failure.next_try.is_none() => writes.push(Write::insert(own, &Work::of_failed(id, now))),
            // The round that is at its page stores its work, with the pause of a first failure.
            None => {}
        }
        row.value.state = MessageState::Failed(again(failure.clone(), now));
        writes.push(Write::replace(&row));
        match table.transact(writes).await {
            Ok(()) => return Ok(row.value),
            Err(error) if tries.again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The failure once it is due. Pure.
fn again(failure: MessageFailure, now: Timestamp) -> MessageFailure {
    let attempts = failure.next_try.map_or(0, |_| failure.attempts);
    MessageFailure { attempts, next_try: Some(now), ..failure }
}
