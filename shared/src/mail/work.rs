//! Work: what has steps ahead, at most twenty things to an item. Of mail, the messages of one delta page.
//!
//! A page's messages are written as pending first; then one transaction stores the work, moves the folder's link on and
//! counts. So the next round, after any crash, finds by a short query what is left to do, and no message needs an
//! index of its own for that. Each item is settled in one transaction with the mailbox's progress, so that everything
//! is counted exactly once. What is pushed to members waits in the same way (`push`).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, MailboxId, MessageId},
    mail::mailbox_progress::Progress,
};

/// Most things in one item: as many as one batch to Graph takes.
pub const WORK_THINGS_MAX: usize = 20;

/// How the names of pages begin whose work waits for live mail: they sort after all others.
pub const BEHIND: char = '~';

/// Things that have steps ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// What they are called: of messages, the local halves of their ids.
    things: Vec<String>,
    /// Those of them that are counted as failed.
    #[serde(default)]
    failed: BTreeSet<String>,
    /// Those of them that are counted as done, and need no more than a mark or another look.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    kept: BTreeSet<String>,
    /// Not before this: all that is left has failed and waits.
    pub not_before: Option<Timestamp>,
    /// Whether the things are counted already: messages that need no more than another mark.
    #[serde(default)]
    counted: bool,
}

/// What became of one thing of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkOutcome {
    /// Nothing is left to do.
    Done,
    /// The mail is archived and announced, or the entry is pushed, but one step is left: a mark, or another look. That
    /// step is due at this time, or in the next round.
    Kept(Option<Timestamp>),
    /// It failed; the next try, if there is one.
    Failed(Option<Timestamp>),
    /// It is deleted for good: nothing is left to do, and nothing was kept.
    Gone,
    /// It waits until then, and nothing else waits for it.
    Waits(Timestamp),
    /// It was not finished: next time.
    Open,
}

/// What a settlement changes in the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// So many more are done.
    pub done: i64,
    /// So many more have failed; fewer where one was done after all.
    pub failed: i64,
    /// So many more are deleted for good.
    pub gone: i64,
}

impl From<Settled> for Progress {
    fn from(Settled { done, failed, gone }: Settled) -> Self {
        Self { archived: done, failed, gone, ..Self::default() }
    }
}

impl Work {
    /// Work that has not begun.
    pub fn new(things: Vec<String>) -> Self {
        Self { things, ..Self::default() }
    }

    /// Whether the things are counted already.
    pub fn is_counted(&self) -> bool {
        self.counted
    }

    /// What the things are called.
    pub fn things(&self) -> &[String] {
        &self.things
    }

    /// Whether the thing is counted as failed.
    pub fn has_failed(&self, thing: &str) -> bool {
        self.failed.contains(thing)
    }

    /// Whether the thing is counted as done.
    pub fn is_kept(&self, thing: &str) -> bool {
        self.kept.contains(thing)
    }

    /// Whether the mark of a message is left to do.
    pub fn has_marks_ahead(&self) -> bool {
        self.counted || !self.kept.is_empty()
    }

    /// The work of `page` in items of [`WORK_THINGS_MAX`], as they are once they are inserted.
    pub fn items(firm: FirmId, mailbox: MailboxId, page: &str, messages: &[MessageId]) -> Vec<Row<Self>> {
        let items = messages.chunks(WORK_THINGS_MAX).enumerate().map(|(i, chunk)| {
            let work = Self::new(chunk.iter().map(MessageId::local).collect());
            Row::inserted(Key::work(firm, mailbox, &format!("{page}#{i}")), work)
        });
        items.collect()
    }

    /// The work of giving a message that was counted another mark, after its filing changed for the `count`th time.
    pub fn of_mark(firm: FirmId, message: MessageId, count: u32) -> (Key, Self) {
        let work = Self { counted: true, ..Self::new(vec![message.local()]) };
        (Key::work(firm, message.mailbox, &format!("filing#{}#{count}", message.local())), work)
    }

    /// The work of a message that is counted as failed and is tried again.
    pub fn of_failed(message: MessageId, now: Timestamp) -> Self {
        let (things, failed) = (vec![message.local()], BTreeSet::from([message.local()]));
        Self { things, failed, not_before: Some(now), ..Self::default() }
    }

    /// The same work, due at `now` at the latest.
    pub fn due(self, now: Timestamp) -> Self {
        Self { not_before: self.not_before.map(|at| at.min(now)), ..self }
    }

    /// Items that are worked at together: a page's by itself, marks alone as many as one batch takes.
    pub fn together(items: Vec<Row<Self>>) -> Vec<Vec<Row<Self>>> {
        let (marks, pages): (Vec<_>, Vec<_>) = items.into_iter().partition(|row| row.value.counted);
        let mut together: Vec<Vec<Row<Self>>> = pages.into_iter().map(|row| vec![row]).collect();
        let mut marks = marks.into_iter().peekable();
        while marks.peek().is_some() {
            together.push(marks.by_ref().take(WORK_THINGS_MAX).collect());
        }
        together
    }

    /// The messages.
    pub fn messages(&self, mailbox: MailboxId) -> Vec<MessageId> {
        self.things.iter().filter_map(|local| MessageId::from_local(mailbox, local).ok()).collect()
    }

    /// The writes that settle this item: `fates` has the result of every message of this item, and may have others.
    pub fn settle(row: Row<Self>, firm: FirmId, mailbox: MailboxId, fates: &[(MessageId, WorkOutcome)]) -> Vec<Write> {
        let fates = fates.iter().map(|(id, fate)| (id.local(), *fate));
        let fates: Vec<(String, WorkOutcome)> = fates.filter(|(local, _)| row.value.things.contains(local)).collect();
        let (left, settled) = row.value.left_after(&fates);
        let progress = Progress::from(settled);
        let work = match left {
            Some(left) => Write::replace(&row.with(left)),
            None => Write::remove(&row),
        };
        [work].into_iter().chain(progress.add_to(firm, mailbox)).collect()
    }

    /// What remains of this work after `fates`, and how the counts change.
    pub fn left_after(&self, fates: &[(String, WorkOutcome)]) -> (Option<Self>, Settled) {
        let mut left = Self { counted: self.counted, ..Self::default() };
        let mut settled = Settled::default();
        let mut all_wait = true;
        for (thing, fate) in fates {
            let counted = self.failed.contains(thing);
            let is_kept = self.counted || self.kept.contains(thing);
            match fate {
                WorkOutcome::Done if is_kept => {}
                WorkOutcome::Done => {
                    settled.done += 1;
                    settled.failed -= i64::from(counted);
                }
                WorkOutcome::Kept(wait) => {
                    if !is_kept {
                        settled.done += 1;
                        settled.failed -= i64::from(counted);
                    }
                    if !self.counted {
                        left.kept.insert(thing.clone());
                    }
                    match wait {
                        Some(at) => left.not_before = Some(left.not_before.map_or(*at, |other| other.min(*at))),
                        None => all_wait = false,
                    }
                    left.things.push(thing.clone());
                }
                WorkOutcome::Gone => {
                    settled.gone += 1;
                    settled.failed -= i64::from(counted);
                }
                WorkOutcome::Failed(next_try) => {
                    settled.failed += i64::from(!counted);
                    if let Some(at) = next_try {
                        left.not_before = Some(left.not_before.map_or(*at, |other| other.min(*at)));
                        left.failed.insert(thing.clone());
                        left.things.push(thing.clone());
                    }
                }
                WorkOutcome::Waits(at) => {
                    left.not_before = Some(left.not_before.map_or(*at, |other| other.min(*at)));
                    if counted {
                        left.failed.insert(thing.clone());
                    }
                    left.things.push(thing.clone());
                }
                WorkOutcome::Open => {
                    all_wait = false;
                    if counted {
                        left.failed.insert(thing.clone());
                    }
                    left.things.push(thing.clone());
                }
            }
        }
        if !all_wait {
            left.not_before = None;
        }
        ((!left.things.is_empty()).then_some(left), settled)
    }

    /// All work of a mailbox: that of live mail, then what waits for it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Vec<Row<Self>>, TableError> {
        table.query_all(&Key::work_prefix(firm, mailbox)).await
    }

    /// Whether the work in this row waits for live mail.
    pub fn is_behind(row: &Row<Self>, firm: FirmId, mailbox: MailboxId) -> bool {
        row.key.begins_as(&Key::work(firm, mailbox, &BEHIND.to_string()))
    }

    /// The item of the work of `page` in which a message waits; none if it waits in none.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn holding(
        table: &Table,
        firm: FirmId,
        page: &str,
        message: MessageId,
    ) -> Result<Option<Row<Self>>, TableError> {
        let items: Vec<Row<Self>> = table.query_all(&Key::work(firm, message.mailbox, &format!("{page}#"))).await?;
        Ok(items.into_iter().find(|row| row.value.things.contains(&message.local())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_failed_is_counted_once_and_uncounted_when_it_is_done_after_all() {
        let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
        let work = Work::new(vec![a.clone(), b.clone(), c.clone()]);

        let (left, settled) = work.left_after(&[
            (a, WorkOutcome::Done),
            (b.clone(), WorkOutcome::Failed(Some(at(60)))),
            (c.clone(), WorkOutcome::Open),
        ]);
        let left = left.unwrap();
        assert_eq!(settled, Settled { done: 1, failed: 1, gone: 0 });
        assert_eq!((left.things(), left.not_before), ([b.clone(), c.clone()].as_slice(), None));

        let (left, settled) =
            left.left_after(&[(b.clone(), WorkOutcome::Failed(Some(at(240)))), (c, WorkOutcome::Done)]);
        let left = left.unwrap();
        assert_eq!(settled, Settled { done: 1, failed: 0, gone: 0 });
        assert_eq!((left.things(), left.not_before), ([b.clone()].as_slice(), Some(at(240))));

        let (left, settled) = left.left_after(&[(b, WorkOutcome::Done)]);
        assert_eq!((left, settled), (None, Settled { done: 1, failed: -1, gone: 0 }));
    }

    #[test]
    fn marks_alone_are_batched_and_counted_no_second_time() {
        let random = Random::seeded(1);
        let (firm, mailbox) = (FirmId::draw(&random), MailboxId::draw(&random));
        let ids: Vec<MessageId> = (0..45).map(|i| MessageId::of(mailbox, &format!("m{i}").parse().unwrap())).collect();
        let mut items = Work::items(firm, mailbox, "page", &ids[..25]);
        items.extend(ids.iter().map(|id| Work::of_mark(firm, *id, 1)).map(|(key, work)| Row::inserted(key, work)));
        let sizes: Vec<usize> = Work::together(items.clone()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 20, 20, 5]);

        let mark = items.pop().unwrap().value;
        let fate = |fate| [(ids[44].local(), fate)];
        assert_eq!(mark.left_after(&fate(WorkOutcome::Open)), (Some(mark.clone()), Settled::default()));
        assert_eq!(mark.left_after(&fate(WorkOutcome::Done)), (None, Settled::default()));
    }

    #[test]
    fn what_is_kept_is_counted_at_once_and_waits_for_its_mark() {
        let [a, b] = ["a", "b"].map(str::to_owned);
        let work = Work::new(vec![a.clone(), b.clone()]);
        let waits = WorkOutcome::Kept(Some(at(60)));
        let (left, settled) = work.left_after(&[(a.clone(), waits), (b.clone(), WorkOutcome::Failed(Some(at(30))))]);
        let left = left.unwrap();
        assert_eq!(settled, Settled { done: 1, failed: 1, gone: 0 });
        assert_eq!((left.things(), left.not_before), ([a.clone(), b.clone()].as_slice(), Some(at(30))));

        let (left, settled) = left.left_after(&[(a.clone(), waits), (b, WorkOutcome::Kept(None))]);
        let left = left.unwrap();
        assert_eq!((settled, left.not_before), (Settled { done: 1, failed: -1, gone: 0 }, None));

        let fates = left.things().iter().map(|thing| (thing.clone(), WorkOutcome::Done)).collect::<Vec<_>>();
        assert_eq!(left.left_after(&fates), (None, Settled::default()));
    }

    #[test]
    fn what_is_gone_leaves_the_work_and_is_not_counted_as_failed_any_more() {
        let work = Work::new(vec!["a".to_owned()]);
        let (left, _) = work.left_after(&[("a".to_owned(), WorkOutcome::Failed(Some(at(60))))]);
        let (left, settled) = left.unwrap().left_after(&[("a".to_owned(), WorkOutcome::Gone)]);
        assert_eq!((left, settled), (None, Settled { done: 0, failed: -1, gone: 1 }));
    }

    #[test]
    fn what_is_given_up_leaves_the_work_and_stays_counted_as_failed() {
        let work = Work::new(vec!["a".to_owned()]);
        let (left, settled) = work.left_after(&[("a".to_owned(), WorkOutcome::Failed(None))]);
        assert_eq!((left, settled), (None, Settled { done: 0, failed: 1, gone: 0 }));
    }
}
