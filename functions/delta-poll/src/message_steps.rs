//! Advance: the steps of each message from pending to marked. Any step may run twice; a crash repeats work and skips
//! none.
//!
//! The order is: store the original, set the mark, write the message once, announce it in the feed. After a crash
//! before the write, the message is still pending: the next round finds the original stored and the mark set. After a
//! crash behind the write, the message is still in its work item, and the next round announces it. A message that may
//! be filed by its conversation or its folder is written, announced and filed before it is marked.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{Stream, StreamExt as _, TryStreamExt as _, join, stream};
use jiff::Timestamp;
use shared::{
    aws::table::{Key, Row, Write},
    base::{
        id::{MailboxId, MessageId},
        telemetry::ErrorChain,
    },
    firm::{
        fact::{Fact, FactEvent, NumberedFact},
        feed::{FeedError, Recorded},
    },
    graph::{BatchOrder, PARALLEL_REQUESTS_MAX},
    mail::{
        message::{Message, MessageState, UNNUMBERED},
        sync_state::KeptMarks,
        trouble::MailboxPart,
        work::{Work, WorkOutcome},
    },
};

use crate::{
    archiving::archive,
    filing::{file_archived, may_follow},
    marking::{Marking, keep_seen, mark},
    round::{Round, RoundEnd, RoundError, indexes},
};

/// Items of work side by side: with four, as many messages are on their way as Graph has places and the table needs.
const ITEMS_AT_ONCE: usize = 8;
/// The pause of the others where none of these came.
const HELD_BACK_PAUSE: Duration = Duration::from_secs(60);
/// Tries to find a number in the feed that no reader gave up meanwhile.
const NUMBER_TRIES_MAX: usize = 5;

/// Messages written side by side.
const WRITES_AT_ONCE: usize = 8;

/// Up to twenty messages that are worked at together.
pub(crate) struct Batch {
    ids: BTreeSet<MessageId>,
    /// The messages, where they were just written.
    written: Option<Vec<Row<Message>>>,
    /// The items of work that name them; none for a page that brought few, which the round settles.
    work: Vec<Row<Work>>,
    /// Whether an earlier round may have begun.
    left: bool,
}

impl Batch {
    /// The work of a page that was just found.
    pub fn found(item: Row<Work>, mailbox: MailboxId) -> Self {
        Self { left: false, ..Self::left(vec![item], mailbox) }
    }

    /// Work that an earlier round left. A message that was filed twice stands in two items.
    pub fn left(work: Vec<Row<Work>>, mailbox: MailboxId) -> Self {
        let ids = work.iter().flat_map(|row| row.value.messages(mailbox)).collect();
        Self { ids, written: None, work, left: true }
    }

    /// The mails of a page that brought few, if there are any.
    pub fn fresh(written: Vec<Row<Message>>) -> Option<Self> {
        let ids: BTreeSet<MessageId> = written.iter().map(|row| row.value.id).collect();
        (!ids.is_empty()).then(|| Self { ids, written: Some(written), work: Vec::new(), left: false })
    }

    /// The fresh mails of a page that an earlier round left unsettled.
    pub fn left_fresh(ids: Vec<MessageId>) -> Option<Self> {
        let ids: BTreeSet<MessageId> = ids.into_iter().collect();
        (!ids.is_empty()).then(|| Self { ids, written: None, work: Vec::new(), left: true })
    }

    /// Whether all that is left of it failed before.
    fn waited(&self) -> bool {
        self.work.iter().any(|row| row.value.not_before.is_some())
    }

    /// Whether an earlier round may have written a last step and died before it recorded the fact.
    fn may_be_untold(&self) -> bool {
        self.left && !self.work.iter().any(|row| row.value.is_counted())
    }
}

/// Works through what earlier rounds left and then through what is found, as it comes, some items side by side: while
/// one waits for the table, another keeps Graph's four places busy. What failed before keeps none of it waiting.
pub(crate) async fn settle_work(
    round: &Round<'_>,
    left: Vec<Batch>,
    found: impl Stream<Item = Batch>,
    kept_marks: Option<KeptMarks>,
) -> Result<RoundEnd, RoundError> {
    let marking = Marking { kept_marks, items: AtomicUsize::new(0) };
    let (again, left): (Vec<_>, Vec<_>) = left.into_iter().partition(Batch::waited);
    let batches = stream::iter(left).chain(found).map(|batch| settle(round, batch, &marking));
    let again = stream::iter(again).map(|batch| settle(round, batch, &marking));
    let (ended, ended_again) = join!(
        batches.buffer_unordered(ITEMS_AT_ONCE).collect::<Vec<_>>(),
        again.buffer_unordered(ITEMS_AT_ONCE).collect::<Vec<_>>()
    );
    ended.into_iter().chain(ended_again).collect::<Result<(), RoundError>>()?;
    if round.is_over() { Ok(RoundEnd::OutOfTime) } else { Ok(RoundEnd::Finished) }
}

/// Works through up to twenty messages, and settles what became of them. What a stop leaves open is settled too.
async fn settle(round: &Round<'_>, batch: Batch, marking: &Marking) -> Result<(), RoundError> {
    if round.is_over() {
        return Ok(());
    }
    marking.items.fetch_add(1, Ordering::Relaxed);
    let (firm, mailbox) = (round.mailbox.firm, round.mailbox.id);
    let may_be_untold = batch.may_be_untold();
    let Batch { ids, written, work, left } = batch;
    let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
    let mut messages: Vec<Row<Message>> = match written {
        Some(written) => written,
        None => round.app.table.get_all(&keys).await?,
    };
    messages.sort_by_key(|row| (row.value.received_at, row.value.id));
    let mut saved: Vec<Message> = messages.iter().map(|row| row.value.clone()).collect();

    let mut held_back = BTreeSet::new();
    let stop = archive(round, &mut messages, left, &mut held_back).await;
    // Filed before it is marked, so that it gets one mark; announced before it is filed, so that a request that files
    // its conversation finds it, or is found here.
    let following = indexes(&messages, |_, message| may_follow(round, message));
    if !following.is_empty() {
        write(round, &mut messages, &mut saved, &following).await?;
        announce(round, &mut messages, &following).await?;
        file_archived(round, &mut messages, &following).await?;
    }
    let stop = match stop {
        // While no mark can be set, one round now and then tries: mail does not wait for it.
        Ok(()) if round.notes.marking_rests.load(Ordering::Relaxed) || round.rests(&MailboxPart::Marks) => Ok(()),
        Ok(()) => {
            // One of Graph's places for each of many items; all four where few are left that could use them. A chain
            // ends at its first refusal, so what Graph refused before goes in one.
            let few = marking.items.load(Ordering::Relaxed) < PARALLEL_REQUESTS_MAX;
            let refused_before = messages.iter().any(|row| row.value.trouble.is_some());
            let order = if few && !refused_before { BatchOrder::Parallel } else { BatchOrder::Chained };
            mark(round, &mut messages, marking, order).await
        }
        stopped => stopped,
    };
    if round.marks.is_none() {
        messages.iter_mut().for_each(|row| row.value.state = row.value.state.clone().announced());
    }
    let is_new = |message: &Message| message.original().is_none() || matches!(message.state, MessageState::Archived(_));
    let untold = indexes(&messages, |i, _| !following.contains(&i) && (may_be_untold || is_new(&saved[i])));
    let all = indexes(&messages, |_, _| true);
    write(round, &mut messages, &mut saved, &all).await?;
    announce(round, &mut messages, &untold).await?;
    // Messages that could not be marked are announced now.
    write(round, &mut messages, &mut saved, &all).await?;
    marking.items.fetch_sub(1, Ordering::Relaxed);
    if stop.is_err() {
        round.stop();
    }
    let now = round.app.clock.now();
    let outcome = |id: &MessageId| {
        let message = messages.iter().find(|row| row.value.id == *id).map(|row| &row.value);
        (*id, outcome_of(message, (held_back.contains(id), round.marks.is_some()), now))
    };
    let fates: Vec<(MessageId, WorkOutcome)> = ids.iter().map(outcome).collect();
    for (id, _) in fates.iter().filter(|(_, fate)| matches!(fate, WorkOutcome::Done | WorkOutcome::Gone)) {
        round.notes.known.forget(*id);
    }
    match &round.fresh {
        Some(fresh) if work.is_empty() => fresh.end(fates),
        _ => {
            let settled = work.into_iter().flat_map(|row| Work::settle(row, firm, mailbox, &fates));
            round.settle(settled.collect()).await?;
        }
    }
    stop
}

/// What is left to do for a message, which was read for the work that names it. `is_held_back`: it is due and waits all
/// the same; `is_to_mark`: its mailbox marks its mail. Pure.
fn outcome_of(message: Option<&Message>, (is_held_back, is_to_mark): (bool, bool), now: Timestamp) -> WorkOutcome {
    // Its item is missing, although greffe removes none: nothing can be said of it.
    let Some(message) = message else { return WorkOutcome::Open };
    let waits = message.trouble.as_ref().map(|trouble| trouble.not_before).filter(|at| *at > now);
    let held_back_until = now + HELD_BACK_PAUSE;
    match &message.state {
        MessageState::Failed(_) if is_held_back => WorkOutcome::Failed(Some(held_back_until)),
        MessageState::Pending if is_held_back => WorkOutcome::Waits(held_back_until),
        // Where mail is not marked, that is all.
        MessageState::Announced(_) if !is_to_mark => WorkOutcome::Done,
        MessageState::Gone { .. } => WorkOutcome::Gone,
        MessageState::Failed(failure) => WorkOutcome::Failed(failure.next_try.map(|at| at.max(now))),
        state if state.is_final() => WorkOutcome::Done,
        _ if message.original().is_some() => WorkOutcome::Kept(waits),
        _ => waits.map_or(WorkOutcome::Open, WorkOutcome::Waits),
    }
}

/// Writes down how far the messages at `indexes` are, one write for each that is not as `saved`, and gives numbers to
/// those that have a fact to be told. A conflict means that another works at one, and stops us.
async fn write(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    saved: &mut [Message],
    indexes: &BTreeSet<usize>,
) -> Result<(), RoundError> {
    let is_unnumbered = |message: &Message| message.state.number() == Some(UNNUMBERED);
    let unnumbered = indexes.iter().filter(|i| is_unnumbered(&messages[**i].value)).count();
    let mut numbers = take_numbers(round, unnumbered).await?;
    let mut writes = Vec::new();
    for &i in indexes {
        let row = &mut messages[i];
        if is_unnumbered(&row.value) {
            row.value.state = row.value.state.clone().renumbered(numbers.next().unwrap_or_default());
        }
        keep_seen(round, &mut row.value);
        if row.value != saved[i] {
            writes.push(round.app.table.write(Write::replace(row)));
            row.written();
            saved[i] = row.value.clone();
        }
    }
    Ok(stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect().await?)
}

/// Tells the feed and the bus of the messages at `indexes`: of what was archived, of what failed for the first time,
/// and of what is gone. What was archived only is announced then; that is not written yet.
async fn announce(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    indexes: &BTreeSet<usize>,
) -> Result<(), RoundError> {
    let firm = round.mailbox.firm;
    let mut told = Vec::new();
    for &i in indexes {
        let row = &mut messages[i];
        for _ in 0..NUMBER_TRIES_MAX {
            let Some(numbered) = fact_of(round, &row.value) else { break };
            match round.app.feed.record(firm, numbered.number, &numbered.fact).await? {
                Recorded::New => told.push(numbered),
                // A failure is told once; an original until it is known to be told.
                Recorded::Before if row.value.original().is_some() => told.push(numbered),
                Recorded::Before => {}
                Recorded::NumberGivenUp => {
                    let number = take_numbers(round, 1).await?.next().unwrap_or_default();
                    row.value.state = row.value.state.clone().renumbered(number);
                    round.app.table.write(Write::replace(row)).await?;
                    row.written();
                    continue;
                }
            }
            row.value.state = row.value.state.clone().announced();
            break;
        }
    }
    match round.app.feed.announce(firm, &told).await {
        // The feed has them; the bus is told from there later.
        Err(error @ FeedError::Bus { .. }) => {
            tracing::error!(error = %ErrorChain(&error), "facts wait for the event bus");
            round.keep_untold(told.iter().map(|numbered| numbered.number));
            Ok(())
        }
        other => Ok(other?),
    }
}

/// The fact of how far a message is, and its number; none of one that has nothing to be told.
fn fact_of(round: &Round<'_>, message: &Message) -> Option<NumberedFact> {
    let (mailbox, mail, number) = (round.mailbox.id, message.facts(), message.state.number()?);
    let (name, what) = match (&message.state, message.original()) {
        (_, Some(original)) => {
            let what = FactEvent::MessageArchived {
                mailbox,
                message: message.id,
                sha256: original.sha256,
                bytes: original.bytes,
                received_at: message.received_at,
                subject: message.subject.clone(),
                from: message.from.clone(),
                archived_at: Some(original.archived_at),
                until: original.until,
                mail,
            };
            ("archived", what)
        }
        (MessageState::Failed(failure), _) => {
            let (envelope, code) = (message.envelope(), failure.code.clone());
            ("failed", FactEvent::MessageFailed { mailbox, message: message.id, code, envelope, mail })
        }
        _ => ("gone", FactEvent::MessageGone { mailbox, message: message.id, envelope: message.envelope(), mail }),
    };
    let id = format!("{}-{name}", message.id);
    Some(NumberedFact { number, fact: Fact { id, at: round.app.clock.now(), what } })
}

/// Numbers of the firm's feed.
async fn take_numbers(round: &Round<'_>, count: usize) -> Result<impl Iterator<Item = u64> + use<>, RoundError> {
    let first = match count {
        0 => 0,
        count => round.app.feed.take_numbers(round.mailbox.firm, count as u64).await?,
    };
    Ok(first..first + count as u64)
}
