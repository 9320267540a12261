//! Advance: the steps of each message from pending to marked. Any step may run twice; a crash repeats work and skips
//! none.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{Stream, StreamExt as _, stream};
use shared::{
    aws::table::{Key, Row, Write},
    base::{clock::next_try, id::MessageId, metric::Counter, telemetry::Chain},
    firm::feed::{Fact, FeedError, Numbered, Recorded, What},
    graph::{BatchOrder, CategoriesPatch, GraphCode, GraphError, PARALLEL_REQUESTS_MAX},
    mail::{
        archive::{ArchiveError, Stored},
        mailbox::KeptMarks,
        message::{Message, MessageFailure, Original, Seen, State},
        trouble::{Thing, Trouble},
        work::{Fate, Work},
    },
};

use crate::{
    filing::file_archived,
    round::{Round, RoundEnd, RoundError},
};

/// Items of work side by side: with four, as many messages are on their way as Graph has places and the table needs.
const ITEMS_AT_ONCE: usize = 8;
/// Tries to mark a message that changes while we look at it.
const MARK_TRIES_MAX: usize = 4;
/// Tries to read a MIME whose stream breaks off.
const MIME_TRIES_MAX: usize = 2;
/// A mail of which no byte came for so long is tried again later, and not by the next function at once.
const SILENCE: Duration = Duration::from_secs(15);
/// A mail that Graph asks to wait with so often has failed.
const WAITS_MAX: u32 = 4;
/// A mark that waits so often is given up: after a day or so.
const MARK_WAITS_MAX: u32 = 100;
/// A mark that Graph understands and refuses so often is given up: after some minutes.
const MARK_REFUSALS_MAX: u32 = 4;
/// Tries to find a number in the feed that no reader gave up meanwhile.
const NUMBER_TRIES_MAX: usize = 5;

/// What marking goes by.
struct Marking {
    /// The marks that the mailbox had categories for when the round began.
    kept_marks: Option<KeptMarks>,
    /// How many items are under way.
    items: AtomicUsize,
}

/// Up to twenty messages that are worked at together.
struct Batch {
    /// The items of work that name them.
    work: Vec<Row<Work>>,
    /// Whether an earlier round may have begun.
    left: bool,
}

/// Works through what earlier rounds left and then through what is found, as it comes, some items side by side: while
/// one waits for the table, another keeps Graph's four places busy.
pub(crate) async fn settle_work(
    round: &Round<'_>,
    left: Vec<Vec<Row<Work>>>,
    found: impl Stream<Item = Row<Work>>,
    kept_marks: Option<KeptMarks>,
) -> Result<RoundEnd, RoundError> {
    let marking = Marking { kept_marks, items: AtomicUsize::new(0) };
    let left = stream::iter(left).map(|work| Batch { work, left: true });
    let batches = left.chain(found.map(|item| Batch { work: vec![item], left: false }));
    let ended: Vec<_> =
        batches.map(|batch| settle(round, batch, &marking)).buffer_unordered(ITEMS_AT_ONCE).collect().await;
    ended.into_iter().collect::<Result<(), RoundError>>()?;
    if round.is_over() { Ok(RoundEnd::OutOfTime) } else { Ok(RoundEnd::Finished) }
}

/// Works through up to twenty messages, and settles what became of them. What a stop leaves open is settled too.
async fn settle(round: &Round<'_>, Batch { work, left }: Batch, marking: &Marking) -> Result<(), RoundError> {
    if round.is_over() {
        return Ok(());
    }
    marking.items.fetch_add(1, Ordering::Relaxed);
    let (firm, mailbox) = (round.mailbox.firm, round.mailbox.id);
    // A message that was filed twice stands in two items.
    let ids: BTreeSet<MessageId> = work.iter().flat_map(|row| row.value.messages(mailbox)).collect();
    let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
    let mut messages: Vec<Row<Message>> = round.app.table.get_all(&keys).await?;
    messages.sort_by_key(|row| (row.value.received_at, row.value.id));

    let stop = archive(round, &mut messages, left).await;
    let archived = announce(round, &mut messages).await?;
    file_archived(round, &mut messages, &archived).await?;
    let stop = match stop {
        Ok(()) if round.marking_rests.load(Ordering::Relaxed) => Ok(()),
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
    marking.items.fetch_sub(1, Ordering::Relaxed);
    if stop.is_err() {
        round.stop();
    }
    let now = round.app.clock.now();
    let fates: Vec<(MessageId, Fate)> = ids
        .iter()
        .map(|id| {
            let message = messages.iter().find(|row| row.value.id == *id).map(|row| &row.value);
            let waits = message.and_then(|message| message.trouble.as_ref()).map(|trouble| trouble.not_before);
            let fate = match message.map(|message| &message.state) {
                // Where mail is not marked, that is all.
                Some(State::Announced(_)) if round.marks.is_none() => Fate::Done,
                Some(State::Gone { .. }) => Fate::Gone,
                Some(State::Failed(failure)) => Fate::Failed(failure.next_try.map(|at| at.max(now))),
                Some(state) if !state.is_final() => waits.filter(|at| *at > now).map_or(Fate::Open, Fate::Waits),
                Some(_) => Fate::Done,
                // Its item is not there: nothing of ours removes one, so nothing can be said of it.
                None => Fate::Open,
            };
            (*id, fate)
        })
        .collect();
    for (id, _) in fates.iter().filter(|(_, fate)| matches!(fate, Fate::Done | Fate::Gone)) {
        round.known.forget(*id);
    }
    let settled = work.into_iter().flat_map(|row| Work::settle(row, firm, mailbox, &fates));
    round.settle(settled.collect()).await?;
    stop
}

/// What one try to archive came to.
enum Archived {
    Stored(Stored),
    Failed(GraphCode),
    /// Graph has neither the mail nor its original.
    NotThere(GraphError),
    /// Graph asks to wait with this one.
    Waits(GraphError),
    /// Not tried: the round is over, or the next try is not due.
    Left,
}

/// Archives what is pending or due for another try, four at a time. A message that Graph refuses fails by itself. A
/// reason to stop is returned once all that were under way have ended. `left`: an earlier round may have begun.
async fn archive(round: &Round<'_>, messages: &mut [Row<Message>], left: bool) -> Result<(), RoundError> {
    let step = async |(i, row): (usize, &Row<Message>)| (i, archive_one(round, &row.value, left).await);
    let steps = messages.iter().enumerate().map(step);
    // Collected first: a stream that borrows within its closure is not `Send`.
    let steps: Vec<_> = steps.collect();
    let tries: Vec<_> = stream::iter(steps).buffer_unordered(PARALLEL_REQUESTS_MAX).collect().await;
    let now = round.app.clock.now();
    let mut stored = Vec::new();
    let mut failed = Vec::new();
    let mut waiting = Vec::new();
    let mut gone = Vec::new();
    let mut stop = Ok(());
    for (i, result) in tries {
        match result {
            Ok(Archived::Stored(what)) => stored.push((i, what)),
            Ok(Archived::Failed(code)) => failed.push((i, code)),
            Ok(Archived::NotThere(error)) => {
                // Once may be an error: what is gone is not there the second time either.
                let asked_before = messages[i].value.trouble.as_ref().is_some_and(Trouble::is_gone)
                    || matches!(messages[i].value.state, State::Failed(_));
                if asked_before {
                    gone.push(i);
                } else {
                    wait_for(round, &mut messages[i], &error).await?;
                }
            }
            Ok(Archived::Waits(error)) => waiting.push((i, error)),
            Ok(Archived::Left) => {}
            Err(error) => stop = Err(error),
        }
    }
    for (i, error) in waiting {
        let tries = messages[i].value.trouble.as_ref().map_or(0, |trouble| trouble.tries) + 1;
        // One that Graph does not give again and again has failed, and everybody is told.
        if tries >= WAITS_MAX {
            failed.push((i, error.code()));
        } else {
            wait_for(round, &mut messages[i], &error).await?;
        }
        if round.refused_in_a_row.load(Ordering::Relaxed) > 1 && stop.is_ok() {
            stop = Err(error.into());
        }
    }
    stored.sort_by_key(|(i, _)| *i);
    let new_failures = failed.iter().filter(|(i, _)| !matches!(messages[*i].value.state, State::Failed(_))).count();
    let mut numbers = numbers(round, stored.len() + new_failures + gone.len()).await?;
    round.tally.count(Counter::MessagesArchived, stored.len() as u64);
    round.tally.count(Counter::MessagesFailed, failed.len() as u64);
    for (i, Stored { sha256, bytes }) in stored {
        round.tally.count(Counter::BytesArchived, bytes);
        round.note_delay(&messages[i].value, now);
        let number = numbers.next().unwrap_or_default();
        let original = Original { sha256, bytes, archived_at: now, number };
        set_state(round, &mut messages[i], State::Archived(original)).await?;
    }
    for i in gone {
        tracing::info!(message.id = %messages[i].value.id, "a message was deleted for good before it could be read");
        let number = numbers.next().unwrap_or_default();
        set_state(round, &mut messages[i], State::Gone { at: now, number }).await?;
    }
    for (i, code) in failed {
        let before = match &messages[i].value.state {
            State::Failed(failure) => Some(failure.clone()),
            _ => None,
        };
        let attempts = before.as_ref().map_or(0, |f| f.attempts) + 1;
        let number = match &before {
            Some(failure) => failure.number,
            None => numbers.next().unwrap_or_default(),
        };
        tracing::warn!(message.id = %messages[i].value.id, graph.code = %code, attempts, "a message could not be archived");
        let failure = MessageFailure { code, attempts, next_try: next_try(attempts, now), number };
        set_state(round, &mut messages[i], State::Failed(failure)).await?;
    }
    stop
}

async fn archive_one(round: &Round<'_>, message: &Message, left: bool) -> Result<Archived, RoundError> {
    let due = match &message.state {
        State::Pending => !message.rests(round.app.clock.now()),
        State::Failed(failure) => failure.next_try.is_some_and(|at| at <= round.app.clock.now()),
        _ => false,
    };
    if !due || round.is_over() {
        return Ok(Archived::Left);
    }
    // A round that was killed may have stored it: then Graph need not give it again. Whatever else S3 answers (without
    // the right to list, 403 for what is not there), to read the mail is right.
    if left
        && message.state == State::Pending
        && message.trouble.is_none()
        && let Ok(Some(stored)) = round.app.archive.find(round.mailbox.firm, message.id).await
    {
        return Ok(Archived::Stored(stored));
    }
    let (mut tries, began) = (1, round.app.clock.now());
    loop {
        let stored = match round.graph.mime(&round.mailbox.user, &message.immutable_id).await {
            Ok(mime) => round.app.archive.store(round.mailbox.firm, message.id, mime).await,
            Err(e) => Err(ArchiveError::Mime(e)),
        };
        return match stored {
            Ok(stored) => {
                round.served();
                Ok(Archived::Stored(stored))
            }
            // Our own time ended before Graph had its own.
            Err(ArchiveError::Mime(GraphError::Unreachable { .. }))
                if round.is_over() && began + SILENCE > round.app.clock.now() =>
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
                if round.refused(&e) {
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
                tracing::error!(message.id = %message.id, error = %Chain(&e), "the archive did not take an original");
                round.tally.count(Counter::ArchiveRefusals, 1);
                Ok(Archived::Failed(GraphCode::new("greffe_archive_unavailable")))
            }
        };
    }
}

/// Whether Graph has no such mail either, where it has no such original.
async fn is_gone(round: &Round<'_>, message: &Message) -> bool {
    round.graph.mail(&round.mailbox.user, &message.immutable_id).await.is_err_and(|error| error.is_certainly_gone())
}

/// Notes that a message's next step failed: it alone waits, as long as Graph asks and longer each time. Tells how often
/// it has failed.
async fn wait_for(round: &Round<'_>, row: &mut Row<Message>, error: &GraphError) -> Result<u32, RoundError> {
    let trouble = Trouble::after(row.value.trouble.as_ref(), error, round.app.clock.now());
    let tries = trouble.tries;
    row.value.trouble = Some(trouble);
    keep_seen(round, &mut row.value);
    round.app.table.write(Write::replace(row)).await?;
    row.written();
    Ok(tries)
}

/// Tells the feed and the bus of what was archived, of what failed for the first time, and of what is gone. Which of
/// the messages are archived and told now.
async fn announce(round: &Round<'_>, messages: &mut [Row<Message>]) -> Result<Vec<usize>, RoundError> {
    let firm = round.mailbox.firm;
    let mut told = Vec::new();
    for row in messages.iter_mut() {
        for _ in 0..NUMBER_TRIES_MAX {
            let Some(numbered) = to_tell(round, &row.value) else { break };
            match round.app.feed.record(firm, numbered.number, &numbered.fact).await? {
                Recorded::New => told.push(numbered),
                // A failure is told once; an original until it is known to be told.
                Recorded::Before if row.value.original().is_some() => told.push(numbered),
                Recorded::Before => {}
                Recorded::NumberGivenUp => {
                    let number = numbers(round, 1).await?.next().unwrap_or_default();
                    let state = row.value.state.clone().renumbered(number);
                    set_state(round, row, state).await?;
                    continue;
                }
            }
            break;
        }
    }
    match round.app.feed.announce(firm, &told).await {
        // The feed has them; the bus is told from there later.
        Err(error @ FeedError::Bus { .. }) => {
            tracing::error!(error = %Chain(&error), "facts wait for the event bus");
            round.keep_untold(told.iter().map(|numbered| numbered.number));
        }
        other => other?,
    }
    let mut archived = Vec::new();
    for (i, row) in messages.iter_mut().enumerate() {
        if let State::Archived(original) = &row.value.state
            && told.iter().any(|numbered| numbered.number == original.number)
        {
            // Written together with the mark: telling it twice does no harm, a write more for each message does.
            row.value.state = State::Announced(original.clone());
            archived.push(i);
        }
    }
    Ok(archived)
}

/// What is to be told of a message, and under which number; nothing if nothing is new.
fn to_tell(round: &Round<'_>, message: &Message) -> Option<Numbered> {
    let mailbox = round.mailbox.id;
    let mail = message.facts();
    let (number, id, what) = match &message.state {
        State::Archived(original) => {
            let what = What::MessageArchived {
                mailbox,
                message: message.id,
                sha256: original.sha256,
                bytes: original.bytes,
                received_at: message.received_at,
                subject: message.subject.clone(),
                from: message.from.clone(),
                archived_at: Some(original.archived_at),
                mail,
            };
            (original.number, format!("{}-archived", message.id), what)
        }
        State::Failed(failure) => {
            let (envelope, code) = (message.envelope(), failure.code.clone());
            let what = What::MessageFailed { mailbox, message: message.id, code, envelope, mail };
            (failure.number, format!("{}-failed", message.id), what)
        }
        State::Gone { number, .. } => {
            let what = What::MessageGone { mailbox, message: message.id, envelope: message.envelope(), mail };
            (*number, format!("{}-gone", message.id), what)
        }
        _ => return None,
    };
    Some(Numbered { number, fact: Fact { id, at: round.app.clock.now(), what } })
}

/// Sets the mark on all that were announced, in one batch; a message that changed meanwhile is read again and tried
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
            round.works(&Thing::Marks);
            break;
        };
        let mut patches = Vec::new();
        for (i, row) in messages.iter_mut().enumerate() {
            let State::Announced(original) = row.value.state.clone() else { continue };
            if row.value.rests(round.app.clock.now()) {
                continue;
            }
            match seen(round, &row.value).await {
                Ok(Seen { categories, etag }) => match marks.on(row.value.dossier().is_some(), &categories) {
                    Some(categories) => {
                        let immutable_id = row.value.immutable_id.clone();
                        patches.push((i, CategoriesPatch { immutable_id, categories, etag }));
                    }
                    None => marked(round, row, original).await?,
                },
                Err(e) if e.concerns_mailbox() => stop = Err(e.into()),
                Err(e) => {
                    stop = stop.and(mark_later(round, row, e).await?);
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
        let results = match round.graph.set_categories(&round.mailbox.user, &patches, order).await {
            Ok(results) => results,
            Err(e) if e.concerns_mailbox() => {
                stop = Err(e.into());
                break;
            }
            // Marks wait; mail is kept all the same.
            Err(e) => {
                round.failed(Thing::Marks, &e);
                round.marking_rests.store(true, Ordering::Relaxed);
                for i in indexes {
                    wait_for(round, &mut messages[i], &e).await?;
                }
                break;
            }
        };
        note_marks(round, &results);
        for (i, result) in indexes.into_iter().zip(results) {
            let State::Announced(original) = messages[i].value.state.clone() else { continue };
            match result {
                Ok(()) => {
                    round.served();
                    marked(round, &mut messages[i], original).await?;
                }
                // Somebody changed it since we looked: look again.
                Err(e) if matches!(e.status(), Some(409 | 412)) => forget(round, &mut messages[i]),
                // The one before it in the chain was refused.
                Err(e) if e.status() == Some(424) => {}
                Err(e) if e.status() == Some(500) && tries < MARK_TRIES_MAX => forget(round, &mut messages[i]),
                Err(e) if e.concerns_mailbox() => stop = Err(e.into()),
                Err(e) => stop = stop.and(mark_later(round, &mut messages[i], e).await?),
            }
        }
        if stop.is_err() {
            break;
        }
    }
    // What could not be marked now is told already: that is worth a write.
    let told = |row: &&mut Row<Message>| matches!(row.value.state, State::Announced(_)) && row.value.trouble.is_none();
    for row in messages.iter_mut().filter(told) {
        let state = row.value.state.clone();
        set_state(round, row, state).await?;
    }
    stop
}

/// Notes whether marks can be set: if Graph sets none of several, it is not one message's matter.
fn note_marks(round: &Round<'_>, results: &[Result<(), GraphError>]) {
    if results.iter().any(Result::is_ok) {
        return round.works(&Thing::Marks);
    }
    // A change meanwhile is no refusal, and what follows one in a chain was not tried.
    let is_refusal = |error: &&GraphError| !matches!(error.status(), Some(409 | 412 | 424));
    let mut refusals = results.iter().filter_map(|result| result.as_ref().err()).filter(is_refusal);
    if let (Some(error), Some(_)) = (refusals.next(), refusals.next()) {
        round.failed(Thing::Marks, error);
    }
}

/// Has the mark of a message wait by itself; given up after a long time, or once it is certain that the message is
/// gone. The inner error says that Graph refused another one just before: then the mailbox waits.
async fn mark_later(
    round: &Round<'_>,
    row: &mut Row<Message>,
    error: GraphError,
) -> Result<Result<(), RoundError>, RoundError> {
    let State::Announced(original) = row.value.state.clone() else { return Ok(Ok(())) };
    let is_refused = matches!(error.status(), Some(400 | 403));
    let tries_max = if is_refused { MARK_REFUSALS_MAX } else { MARK_WAITS_MAX };
    let is_gone = error.is_certainly_gone() && is_gone(round, &row.value).await;
    if is_gone || wait_for(round, row, &error).await? >= tries_max {
        tracing::warn!(message.id = %row.value.id, graph.code = %error.code(), "a message could not be marked");
        set_state(round, row, State::Unmarked { original, code: error.code() }).await?;
        return Ok(Ok(()));
    }
    Ok(if !is_refused && round.refused(&error) { Err(error.into()) } else { Ok(()) })
}

/// What a message bears: as this round or the one before saw it, else asked for.
async fn seen(round: &Round<'_>, message: &Message) -> Result<Seen, GraphError> {
    if let Some(seen) = round.known.of(message.id).or_else(|| message.seen.clone()) {
        return Ok(seen);
    }
    let mail = round.graph.mail(&round.mailbox.user, &message.immutable_id).await?;
    round.known.remember(message.id, &mail);
    Ok(Seen::on(&mail))
}

/// Somebody changed it since it was seen: it is asked for.
fn forget(round: &Round<'_>, row: &mut Row<Message>) {
    round.known.forget(row.value.id);
    row.value.seen = None;
}

/// A message bears its mark.
async fn marked(round: &Round<'_>, row: &mut Row<Message>, original: Original) -> Result<(), RoundError> {
    round.tally.count(Counter::MessagesMarked, 1);
    set_state(round, row, State::Marked(original)).await
}

/// Writes a message's next state; a conflict means that another works at it, and stops us.
async fn set_state(round: &Round<'_>, row: &mut Row<Message>, state: State) -> Result<(), RoundError> {
    row.value.state = state;
    row.value.trouble = None;
    keep_seen(round, &mut row.value);
    round.app.table.write(Write::replace(row)).await?;
    row.written();
    Ok(())
}

/// While its mark waits, what was seen of a message goes with it, so that the next round asks for nothing.
fn keep_seen(round: &Round<'_>, message: &mut Message) {
    let waits = matches!(message.state, State::Announced(_));
    message.seen = round.known.of(message.id).or(message.seen.take()).filter(|seen| waits && seen.is_small());
}

/// Numbers of the firm's feed.
async fn numbers(round: &Round<'_>, count: usize) -> Result<impl Iterator<Item = u64> + use<>, RoundError> {
    let first = match count {
        0 => 0,
        count => round.app.feed.take_numbers(round.mailbox.firm, count as u64).await?,
    };
    Ok(first..first + count as u64)
}
