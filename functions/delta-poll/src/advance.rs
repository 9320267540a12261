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
        clock::{Stopwatch, next_try},
        id::{MailboxId, MessageId},
        metric::Counter,
        telemetry::ErrorChain,
    },
    firm::{
        fact::{Fact, FactEvent, NumberedFact},
        feed::{FeedError, Recorded},
        retention::KeptUntil,
    },
    graph::{BatchOrder, CategoriesPatch, GraphCode, GraphError, PARALLEL_REQUESTS_MAX},
    mail::{
        archive::{ArchiveError, OriginalKey, StoredObject},
        message::{Message, MessageFailure, MessageState, Original, SeenCategories},
        sync_state::KeptMarks,
        trouble::{MailboxPart, Trouble},
        work::{Work, WorkOutcome},
    },
};

use crate::{
    filing::{file_archived, may_follow},
    round::{AgainOutcome, Round, RoundEnd, RoundError},
};

/// Items of work side by side: with four, as many messages are on their way as Graph has places and the table needs.
const ITEMS_AT_ONCE: usize = 8;
/// Tries to mark a message that changes while we look at it.
const MARK_TRIES_MAX: usize = 4;
/// Tries to read a MIME whose stream breaks off.
const MIME_TRIES_MAX: usize = 2;
/// How many of the mails that Graph did not give out are tried again first; the others follow once one of these comes.
pub(crate) const TRIED_AGAIN_FIRST: usize = 2;
/// The pause of the others where none of these came.
const HELD_BACK_PAUSE: Duration = Duration::from_secs(60);
/// After so many waits that Graph asked for, a mail counts as failed.
const WAITS_MAX: u32 = 4;
/// After so many waits, about a day, a mark is given up.
const MARK_WAITS_MAX: u32 = 100;
/// After so many refusals, some minutes, a mark is given up.
const MARK_REFUSALS_MAX: u32 = 4;
/// Tries to find a number in the feed that no reader gave up meanwhile.
const NUMBER_TRIES_MAX: usize = 5;

/// Stands for a number of the feed until the message is written, which takes the next one.
const UNNUMBERED: u64 = 0;
/// Messages written side by side.
const WRITES_AT_ONCE: usize = 8;

/// What marking goes by.
struct Marking {
    /// The marks that the mailbox had categories for when the round began.
    kept_marks: Option<KeptMarks>,
    /// How many items are under way.
    items: AtomicUsize,
}

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

    /// The same of a page that an earlier round left unsettled.
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
        Ok(()) if round.marking_rests.load(Ordering::Relaxed) || round.rests(&MailboxPart::Marks) => Ok(()),
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
    let fates: Vec<(MessageId, WorkOutcome)> = ids
        .iter()
        .map(|id| {
            let message = messages.iter().find(|row| row.value.id == *id).map(|row| &row.value);
            let waits = message.and_then(|message| message.trouble.as_ref()).map(|trouble| trouble.not_before);
            let until = now + HELD_BACK_PAUSE;
            let fate = match message.map(|message| &message.state) {
                Some(MessageState::Failed(_)) if held_back.contains(id) => WorkOutcome::Failed(Some(until)),
                Some(MessageState::Pending) if held_back.contains(id) => WorkOutcome::Waits(until),
                // Where mail is not marked, that is all.
                Some(MessageState::Announced(_)) if round.marks.is_none() => WorkOutcome::Done,
                Some(MessageState::Gone { .. }) => WorkOutcome::Gone,
                Some(MessageState::Failed(failure)) => WorkOutcome::Failed(failure.next_try.map(|at| at.max(now))),
                Some(state) if !state.is_final() && message.is_some_and(|message| message.original().is_some()) => {
                    WorkOutcome::Kept(waits.filter(|at| *at > now))
                }
                Some(state) if !state.is_final() => {
                    waits.filter(|at| *at > now).map_or(WorkOutcome::Open, WorkOutcome::Waits)
                }
                Some(_) => WorkOutcome::Done,
                // Its item is missing, although greffe removes none: nothing can be said of it.
                None => WorkOutcome::Open,
            };
            (*id, fate)
        })
        .collect();
    for (id, _) in fates.iter().filter(|(_, fate)| matches!(fate, WorkOutcome::Done | WorkOutcome::Gone)) {
        round.known.forget(*id);
    }
    match round.fresh {
        Some(fresh) if work.is_empty() => fresh.end(fates),
        _ => {
            let settled = work.into_iter().flat_map(|row| Work::settle(row, firm, mailbox, &fates));
            round.settle(settled.collect()).await?;
        }
    }
    stop
}

/// What one try to archive came to.
enum Archived {
    Stored(StoredObject, KeptUntil),
    Failed(GraphCode),
    /// Graph has neither the mail nor its original.
    NotThere(GraphError),
    /// Graph asks to wait with this one.
    Waits(GraphError),
    /// Not tried: the round is over.
    Left,
}

/// Archives what is pending or due for another try, four at a time. A message that Graph refuses fails by itself. A
/// reason to stop is returned once all that were under way have ended. `left`: an earlier round may have begun.
/// `held_back` gets those that are due and wait, because Graph is silent about others like them.
async fn archive(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    left: bool,
    held_back: &mut BTreeSet<MessageId>,
) -> Result<(), RoundError> {
    let now = round.app.clock.now();
    let failed_before = |message: &Message| {
        message.original().is_none() && (message.trouble.is_some() || matches!(message.state, MessageState::Failed(_)))
    };
    let new = indexes(messages, |_, message| is_due(message, now) && !failed_before(message));
    let mut again = indexes(messages, |_, message| is_due(message, now) && failed_before(message));
    let mut tries = archive_some(round, messages, &new, left).await;
    if !again.is_empty() {
        // The first of a round show whether Graph gives them out again: the others do not wait behind all of them.
        let mut outcome = round.again.outcome.lock().await;
        if outcome.is_none() {
            let first: BTreeSet<usize> = again.iter().copied().take(TRIED_AGAIN_FIRST).collect();
            again.retain(|i| !first.contains(i));
            let came = archive_some(round, messages, &first, left).await;
            let is_given = |(_, result): &(usize, _)| matches!(result, Ok(Archived::Stored(..)));
            let is_silent = |(_, result): &(usize, _)| matches!(result, Ok(Archived::Waits(e)) if e.is_silent());
            *outcome = Some(match () {
                () if came.iter().any(is_given) => AgainOutcome::Came,
                () if came.iter().any(is_silent) => AgainOutcome::Silent,
                () => AgainOutcome::Answered,
            });
            tries.extend(came);
        }
        let outcome = *outcome;
        if outcome == Some(AgainOutcome::Came) {
            let tried: BTreeSet<usize> = tries.iter().map(|(i, _)| *i).collect();
            again.extend(indexes(messages, |i, message| !tried.contains(&i) && message.was_unanswered()));
        }
        match outcome {
            Some(AgainOutcome::Silent) => held_back.extend(again.iter().map(|i| messages[*i].value.id)),
            _ => tries.extend(archive_some(round, messages, &again, left).await),
        }
    }
    let now = round.app.clock.now();
    let mut stop = Ok(());
    for (i, result) in tries {
        let row = &mut messages[i];
        match result {
            Ok(Archived::Stored(StoredObject { sha256, bytes }, until)) => {
                round.tally.count(Counter::MessagesArchived, 1);
                round.tally.count(Counter::BytesArchived, bytes);
                round.note_delay(&row.value, now);
                set_state(
                    row,
                    MessageState::Archived(Original { sha256, bytes, archived_at: now, number: UNNUMBERED, until }),
                );
            }
            Ok(Archived::Failed(code)) => failed(round, row, code),
            Ok(Archived::NotThere(error)) => {
                // Once may be an error: what is gone is not there the second time either.
                let asked_before = row.value.trouble.as_ref().is_some_and(Trouble::is_gone)
                    || matches!(row.value.state, MessageState::Failed(_));
                if asked_before {
                    tracing::info!(message.id = %row.value.id, "a message was deleted for good before it could be read");
                    set_state(row, MessageState::Gone { at: now, number: UNNUMBERED });
                } else {
                    wait_for(round, row, &error);
                }
            }
            Ok(Archived::Waits(error)) => {
                let tries = row.value.trouble.as_ref().map_or(0, |trouble| trouble.tries) + 1;
                // After several refusals the message counts as failed, and the feed says so.
                if tries >= WAITS_MAX || matches!(row.value.state, MessageState::Failed(_)) {
                    failed(round, row, error.code());
                } else {
                    wait_for(round, row, &error);
                }
                if round.refused_in_a_row.load(Ordering::Relaxed) > 1 && stop.is_ok() {
                    stop = Err(error.into());
                }
            }
            Ok(Archived::Left) => {}
            Err(error) => stop = Err(error),
        }
    }
    stop
}

/// Notes that a message could not be archived, and when it is tried again.
fn failed(round: &Round<'_>, row: &mut Row<Message>, code: GraphCode) {
    let before = match &row.value.state {
        MessageState::Failed(failure) => Some(failure),
        _ => None,
    };
    let attempts = before.map_or(0, |failure| failure.attempts) + 1;
    let number = before.map_or(UNNUMBERED, |failure| failure.number);
    tracing::warn!(message.id = %row.value.id, graph.code = %code, attempts, "a message could not be archived");
    round.tally.count(Counter::MessagesFailed, 1);
    let next_try = next_try(attempts, round.app.clock.now());
    set_state(row, MessageState::Failed(MessageFailure { code, attempts, next_try, number }));
}

/// Whether a message is to be archived, or tried again, at `now`.
fn is_due(message: &Message, now: Timestamp) -> bool {
    match &message.state {
        MessageState::Pending => !message.rests(now),
        MessageState::Failed(failure) => failure.next_try.is_some_and(|at| at <= now),
        _ => false,
    }
}

/// Archives the messages at `indexes`, four at a time: what one try of each came to.
async fn archive_some(
    round: &Round<'_>,
    messages: &[Row<Message>],
    indexes: &BTreeSet<usize>,
    left: bool,
) -> Vec<(usize, Result<Archived, RoundError>)> {
    let step = async |i: usize| (i, archive_one(round, &messages[i].value, left).await);
    // Collected first: a stream that borrows within its closure is not `Send`.
    let steps: Vec<_> = indexes.iter().map(|i| step(*i)).collect();
    stream::iter(steps).buffer_unordered(PARALLEL_REQUESTS_MAX).collect().await
}

async fn archive_one(round: &Round<'_>, message: &Message, left: bool) -> Result<Archived, RoundError> {
    if round.is_over() {
        return Ok(Archived::Left);
    }
    let until = round.firm.kept_until(None, message.received_at, round.app.clock.now());
    let key = OriginalKey::new(round.mailbox.firm, message.id, until);
    // A round that was killed may have stored it: then Graph need not give it again. Whatever else S3 answers (without
    // the right to list, 403 for what is not there), to read the mail is right.
    if left
        && message.state == MessageState::Pending
        && message.trouble.is_none()
        && let Ok(Some(stored)) = round.app.archive.find(key).await
    {
        return Ok(Archived::Stored(stored, until));
    }
    let mut tries = 1;
    loop {
        let asked = Stopwatch::start();
        let graph = round.graph_for_mail(message.trouble.as_ref());
        let stored = match graph.mime(&round.mailbox.user, &message.immutable_id).await {
            Ok(mime) => round.app.archive.store(key, mime).await,
            Err(e) => Err(ArchiveError::Mime(e)),
        };
        return match stored {
            Ok(stored) => {
                round.served();
                Ok(Archived::Stored(stored, until))
            }
            // Our own time ended before Graph had its own.
            Err(ArchiveError::Mime(GraphError::Unreachable { .. }))
                if round.is_over() && graph.silence() > asked.read() =>
            {
                Ok(Archived::Left)
            }
            Err(ArchiveError::Mime(e @ GraphError::Unreachable { .. })) if tries < MIME_TRIES_MAX && !e.is_silent() => {
                tries += 1;
                continue;
            }
            Err(ArchiveError::Mime(e)) if e.concerns_mailbox() => Err(e.into()),
            Err(ArchiveError::Mime(e)) if matches!(e, GraphError::Throttled { .. }) || e.is_silent() => {
                // If it asks to wait with another one too, it is not this one's matter.
                if round.refused(message.trouble.as_ref(), &e) {
                    round.stop();
                }
                Ok(Archived::Waits(e))
            }
            Err(ArchiveError::Mime(e)) if e.is_certainly_gone() && is_gone(round, message).await => {
                Ok(Archived::NotThere(e))
            }
            Err(ArchiveError::Mime(e)) => Ok(Archived::Failed(e.code())),
            Err(ArchiveError::TooLarge { .. }) => Ok(Archived::Failed(GraphCode::new("greffe_too_large"))),
            Err(ArchiveError::Empty { .. }) => Ok(Archived::Failed(GraphCode::new("greffe_empty"))),
            Err(e @ (ArchiveError::Spool { .. } | ArchiveError::Store { .. })) => {
                tracing::error!(message.id = %message.id, error = %ErrorChain(&e), "the archive did not take an original");
                round.tally.count(Counter::ArchiveRefusals, 1);
                Ok(Archived::Failed(GraphCode::new("greffe_archive_unavailable")))
            }
        };
    }
}

/// Whether Graph has no such mail either, where it has no such original.
async fn is_gone(round: &Round<'_>, message: &Message) -> bool {
    let graph = round.graph_for(message.trouble.as_ref());
    graph.mail(&round.mailbox.user, &message.immutable_id).await.is_err_and(|error| error.is_certainly_gone())
}

/// Notes that a message's next step failed: it alone waits, as long as Graph asks and longer each time. Tells how often
/// it has failed.
fn wait_for(round: &Round<'_>, row: &mut Row<Message>, error: &GraphError) -> u32 {
    let trouble = Trouble::after(row.value.trouble.as_ref(), error, round.app.clock.now());
    let tries = trouble.tries;
    row.value.trouble = Some(trouble);
    tries
}

/// The indexes of the messages that `is_one` is true of.
fn indexes(messages: &[Row<Message>], is_one: impl Fn(usize, &Message) -> bool) -> BTreeSet<usize> {
    messages.iter().enumerate().filter(|(i, row)| is_one(*i, &row.value)).map(|(i, _)| i).collect()
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

/// Sets the mark on all that are archived, in one batch; a message that changed meanwhile is read again and tried
/// again.
async fn mark(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    marking: &Marking,
    first_order: BatchOrder,
) -> Result<(), RoundError> {
    let mut stop = Ok(());
    for tries in 1..=MARK_TRIES_MAX {
        let Some(marks) = round.marks else {
            round.works(&MailboxPart::Marks);
            break;
        };
        let mut patches = Vec::new();
        for (i, row) in messages.iter_mut().enumerate() {
            let Some(original) = unmarked(&row.value) else { continue };
            if row.value.rests(round.app.clock.now()) {
                continue;
            }
            match read_seen(round, &row.value).await {
                Ok(SeenCategories { categories, etag }) => match marks.on(row.value.dossier().is_some(), &categories) {
                    Some(categories) => {
                        let immutable_id = row.value.immutable_id.clone();
                        patches.push((i, CategoriesPatch { immutable_id, categories, etag }));
                    }
                    None => marked(round, row, original),
                },
                Err(e) if e.concerns_mailbox() => stop = Err(e.into()),
                Err(e) => {
                    stop = stop.and(mark_later(round, row, e).await);
                }
            }
            if stop.is_err() {
                break;
            }
        }
        if stop.is_err() {
            break;
        }
        let (indexes, patches): (Vec<usize>, Vec<CategoriesPatch>) = patches.into_iter().unzip();
        if patches.is_empty() {
            break;
        }
        round.keep_marks(marks, marking.kept_marks.as_ref()).await;
        // A chain breaks at its first refusal. What it left undone goes all at once, unless Graph asked to wait: then
        // the first of the rest shows whether that was about one message or about all.
        let order = match round.refused_in_a_row.load(Ordering::Relaxed) {
            0 if tries > 1 => BatchOrder::Parallel,
            0 => first_order,
            _ => BatchOrder::Chained,
        };
        let graph = round.graph_for_helper(&MailboxPart::Marks);
        let results = match graph.set_categories(&round.mailbox.user, &patches, order).await {
            Ok(results) => results,
            Err(e) if e.concerns_mailbox() => {
                stop = Err(e.into());
                break;
            }
            // Marks wait; mail is kept all the same.
            Err(e) => {
                round.failed(MailboxPart::Marks, &e);
                round.marking_rests.store(true, Ordering::Relaxed);
                for i in indexes {
                    wait_for(round, &mut messages[i], &e);
                }
                break;
            }
        };
        note_marks(round, &results);
        for (i, result) in indexes.into_iter().zip(results) {
            let Some(original) = unmarked(&messages[i].value) else { continue };
            match result {
                Ok(()) => {
                    round.served();
                    marked(round, &mut messages[i], original);
                }
                // Somebody changed it since we looked: look again.
                Err(e) if matches!(e.status(), Some(409 | 412)) => forget(round, &mut messages[i]),
                // The one before it in the chain was refused.
                Err(e) if e.status() == Some(424) => {}
                Err(e) if e.status() == Some(500) && tries < MARK_TRIES_MAX => forget(round, &mut messages[i]),
                Err(e) if e.concerns_mailbox() => stop = Err(e.into()),
                Err(e) => stop = stop.and(mark_later(round, &mut messages[i], e).await),
            }
        }
        if stop.is_err() {
            break;
        }
    }
    stop
}

/// Notes whether marks can be set: if Graph sets none of several, it is not one message's matter.
fn note_marks(round: &Round<'_>, results: &[Result<(), GraphError>]) {
    if results.iter().any(Result::is_ok) {
        return round.works(&MailboxPart::Marks);
    }
    // A change meanwhile is no refusal, and what follows one in a chain was not tried.
    let is_refusal = |error: &&GraphError| !matches!(error.status(), Some(409 | 412 | 424));
    let mut refusals = results.iter().filter_map(|result| result.as_ref().err()).filter(is_refusal);
    if let (Some(error), Some(_)) = (refusals.next(), refusals.next()) {
        round.failed(MailboxPart::Marks, error);
    }
}

/// The original of a message that is to be marked.
fn unmarked(message: &Message) -> Option<Original> {
    match &message.state {
        MessageState::Archived(original) | MessageState::Announced(original) => Some(original.clone()),
        _ => None,
    }
}

/// Has the mark of a message wait by itself; given up after a long time, or once it is certain that the message is
/// gone.
///
/// Errors: Graph refused another one just before. Then the mailbox waits.
async fn mark_later(round: &Round<'_>, row: &mut Row<Message>, error: GraphError) -> Result<(), RoundError> {
    let Some(original) = unmarked(&row.value) else { return Ok(()) };
    let is_refused = matches!(error.status(), Some(400 | 403));
    let tries_max = if is_refused { MARK_REFUSALS_MAX } else { MARK_WAITS_MAX };
    let is_gone = error.is_certainly_gone() && is_gone(round, &row.value).await;
    let before = row.value.trouble.clone();
    if is_gone || wait_for(round, row, &error) >= tries_max {
        tracing::warn!(message.id = %row.value.id, graph.code = %error.code(), "a message could not be marked");
        set_state(row, MessageState::Unmarked { original, code: error.code() });
        return Ok(());
    }
    if !is_refused && round.refused(before.as_ref(), &error) { Err(error.into()) } else { Ok(()) }
}

/// What a message bears: as this round or the one before saw it, else asked for.
async fn read_seen(round: &Round<'_>, message: &Message) -> Result<SeenCategories, GraphError> {
    if let Some(seen) = round.known.of(message.id).or_else(|| message.seen.clone()) {
        return Ok(seen);
    }
    let graph = round.graph_for(message.trouble.as_ref());
    let mail = graph.mail(&round.mailbox.user, &message.immutable_id).await?;
    round.known.remember(message.id, &mail);
    Ok(SeenCategories::on(&mail))
}

/// Somebody changed it since it was seen: it is asked for.
fn forget(round: &Round<'_>, row: &mut Row<Message>) {
    round.known.forget(row.value.id);
    row.value.seen = None;
}

/// A message bears its mark.
fn marked(round: &Round<'_>, row: &mut Row<Message>, original: Original) {
    round.tally.count(Counter::MessagesMarked, 1);
    set_state(row, MessageState::Marked(original));
}

/// A message's next state, which is written with what else is found out about it.
fn set_state(row: &mut Row<Message>, state: MessageState) {
    row.value.state = state;
    row.value.trouble = None;
}

/// While its mark waits, what was seen of a message goes with it, so that the next round asks for nothing.
fn keep_seen(round: &Round<'_>, message: &mut Message) {
    let waits = round.marks.is_some() && unmarked(message).is_some();
    message.seen = round.known.of(message.id).or(message.seen.take()).filter(|seen| waits && seen.is_small());
}

/// Numbers of the firm's feed.
async fn take_numbers(round: &Round<'_>, count: usize) -> Result<impl Iterator<Item = u64> + use<>, RoundError> {
    let first = match count {
        0 => 0,
        count => round.app.feed.take_numbers(round.mailbox.firm, count as u64).await?,
    };
    Ok(first..first + count as u64)
}
