//! Work: the messages of one delta page that have steps ahead, at most twenty to an item.
//!
//! A page's messages are written as pending first; then one transaction stores the work, moves the folder's link on and
//! counts. So whoever comes next, after any crash, finds by a short query what is left to do, and no message needs an index
//! of its own for that. Each item is settled in one transaction with the mailbox's progress, so that everything is counted
//! exactly once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{FirmId, MailboxId, MessageId},
    mailbox::Progress,
    table::{Key, Row, Table, TableError, Write},
};

/// Most messages in one item: as many as one batch to Graph marks.
pub const WORK_MESSAGES_MAX: usize = 20;

/// How the names of pages begin whose work waits for live mail: they sort after all others.
pub const BEHIND: char = '~';

/// Messages of one page that have steps ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The local halves of the messages' ids.
    messages: Vec<String>,
    /// Those of them that are counted as failed.
    #[serde(default)]
    failed: BTreeSet<String>,
    /// Not before this: all that is left has failed and waits.
    pub not_before: Option<Timestamp>,
}

/// What became of one message of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Archived, told and marked: nothing is left to do.
    Done,
    /// It failed; the next try, if there is one.
    Failed(Option<Timestamp>),
    /// It was not finished: next time.
    Open,
}

impl Work {
    /// The work of `page` in items of [`WORK_MESSAGES_MAX`], as they are once they are inserted.
    pub fn items(firm: FirmId, mailbox: MailboxId, page: &str, messages: &[MessageId]) -> Vec<Row<Self>> {
        let items = messages.chunks(WORK_MESSAGES_MAX).enumerate().map(|(i, chunk)| {
            let messages = chunk.iter().map(MessageId::local).collect();
            let work = Self { messages, failed: BTreeSet::new(), not_before: None };
            Row::inserted(Key::work(firm, mailbox, &format!("{page}#{i}")), work)
        });
        items.collect()
    }

    /// The messages.
    pub fn messages(&self, mailbox: MailboxId) -> Vec<MessageId> {
        self.messages.iter().filter_map(|local| MessageId::from_local(mailbox, local).ok()).collect()
    }

    /// The writes that settle this item: `fates` tells of every message what became of it.
    pub fn settle(row: Row<Self>, firm: FirmId, mailbox: MailboxId, fates: &[(MessageId, Fate)]) -> Vec<Write> {
        let (left, progress) = row.value.left_after(fates);
        let work = match left {
            Some(left) => Write::replace(&row.with(left)),
            None => Write::remove(&row),
        };
        [work].into_iter().chain(progress.add_to(firm, mailbox)).collect()
    }

    fn left_after(&self, fates: &[(MessageId, Fate)]) -> (Option<Self>, Progress) {
        let mut left = Self { messages: Vec::new(), failed: BTreeSet::new(), not_before: None };
        let mut progress = Progress::default();
        let mut all_wait = true;
        for (id, fate) in fates {
            let local = id.local();
            let counted = self.failed.contains(&local);
            match fate {
                Fate::Done => {
                    progress.archived += 1;
                    progress.failed -= i64::from(counted);
                }
                Fate::Failed(next_try) => {
                    progress.failed += i64::from(!counted);
                    if let Some(at) = next_try {
                        left.not_before = Some(left.not_before.map_or(*at, |other| other.min(*at)));
                        left.failed.insert(local.clone());
                        left.messages.push(local);
                    }
                }
                Fate::Open => {
                    all_wait = false;
                    if counted {
                        left.failed.insert(local.clone());
                    }
                    left.messages.push(local);
                }
            }
        }
        if !all_wait {
            left.not_before = None;
        }
        ((!left.messages.is_empty()).then_some(left), progress)
    }

    /// All work of a mailbox: that of live mail, then what waits for it.
    pub async fn of(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Vec<Row<Self>>, TableError> {
        table.query_all(&Key::work_prefix(firm, mailbox)).await
    }

    /// Whether the work in this row waits for live mail.
    pub fn is_behind(row: &Row<Self>, firm: FirmId, mailbox: MailboxId) -> bool {
        row.key.begins_as(&Key::work(firm, mailbox, &BEHIND.to_string()))
    }

    /// Whether a message waits in the work of `page`.
    pub async fn holds(table: &Table, firm: FirmId, page: &str, message: MessageId) -> Result<bool, TableError> {
        let items: Vec<Row<Self>> = table.query_all(&Key::work(firm, message.mailbox, &format!("{page}#"))).await?;
        Ok(items.iter().any(|row| row.value.messages.contains(&message.local())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_failed_is_counted_once_and_uncounted_when_it_is_archived_after_all() {
        let random = Random::seeded(1);
        let mailbox = MailboxId::draw(&random);
        let ids: Vec<MessageId> = ["a", "b", "c"].iter().map(|i| MessageId::of(mailbox, &i.parse().unwrap())).collect();
        let messages = ids.iter().map(MessageId::local).collect();
        let work = Work { messages, failed: BTreeSet::new(), not_before: None };

        let (left, progress) =
            work.left_after(&[(ids[0], Fate::Done), (ids[1], Fate::Failed(Some(at(60)))), (ids[2], Fate::Open)]);
        let left = left.unwrap();
        assert_eq!((progress.archived, progress.failed), (1, 1));
        assert_eq!((left.messages(mailbox), left.not_before), (vec![ids[1], ids[2]], None));

        let (left, progress) = left.left_after(&[(ids[1], Fate::Failed(Some(at(240)))), (ids[2], Fate::Done)]);
        let left = left.unwrap();
        assert_eq!((progress.archived, progress.failed), (1, 0));
        assert_eq!((left.messages(mailbox), left.not_before), (vec![ids[1]], Some(at(240))));

        let (left, progress) = left.left_after(&[(ids[1], Fate::Done)]);
        assert_eq!((left, progress.archived, progress.failed), (None, 1, -1));
    }

    #[test]
    fn what_is_given_up_leaves_the_work_and_stays_counted_as_failed() {
        let mailbox = MailboxId::draw(&Random::seeded(1));
        let id = MessageId::of(mailbox, &"a".parse().unwrap());
        let work = Work { messages: vec![id.local()], failed: BTreeSet::new(), not_before: None };
        let (left, progress) = work.left_after(&[(id, Fate::Failed(None))]);
        assert_eq!((left, progress.failed), (None, 1));
    }
}
