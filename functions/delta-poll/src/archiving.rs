//! Archiving: the originals of messages go from Graph to S3.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use shared::{
    aws::table::Row,
    base::{
        clock::{Stopwatch, next_try},
        id::MessageId,
        metric::Counter,
        telemetry::ErrorChain,
    },
    firm::retention::KeptUntil,
    graph::{GraphCode, GraphError, PARALLEL_REQUESTS_MAX},
    mail::{
        archive::{ArchiveError, OriginalKey, StoredMail, StoredObject},
        message::{Message, MessageFailure, MessageState, Original, UNNUMBERED},
        trouble::Trouble,
    },
};

use crate::round::{AgainOutcome, Round, RoundError, indexes};

/// Tries to read a MIME whose stream breaks off.
const MIME_TRIES_MAX: usize = 2;
/// How many of the mails that Graph did not give out are tried again first; the others follow once one of these comes.
pub(crate) const TRIED_AGAIN_FIRST: usize = 2;
/// After so many waits that Graph asked for, a mail counts as failed.
const WAITS_MAX: u32 = 4;

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

/// The index of a message, and what one try of it came to.
type ArchiveTry = (usize, Result<Archived, RoundError>);

/// Archives what is pending or due for another try, four at a time. A message that Graph refuses fails by itself. A
/// reason to stop is returned once all that were under way have ended. `left`: an earlier round may have begun.
/// `held_back` gets those that are due and wait, because Graph is silent about others like them.
pub(crate) async fn archive(
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
    let again = indexes(messages, |_, message| is_due(message, now) && failed_before(message));
    let mut tries = archive_some(round, messages, &new, left).await;
    if !again.is_empty() {
        tries.extend(archive_again(round, messages, again, left, held_back).await);
    }
    let mut stop: Option<RoundError> = None;
    for (i, result) in tries {
        match result {
            Ok(archived) => {
                let refusal = note(round, &mut messages[i], archived);
                stop = stop.or(refusal.map(RoundError::from));
            }
            Err(error) => stop = Some(error),
        }
    }
    stop.map_or(Ok(()), Err)
}

/// Archives what failed before. The first of a round show whether Graph gives them out again: the others do not wait
/// behind all of them.
async fn archive_again(
    round: &Round<'_>,
    messages: &[Row<Message>],
    mut again: BTreeSet<usize>,
    left: bool,
    held_back: &mut BTreeSet<MessageId>,
) -> Vec<ArchiveTry> {
    let mut tries = Vec::new();
    let mut outcome = round.notes.again.outcome.lock().await;
    if outcome.is_none() {
        let first: BTreeSet<usize> = again.iter().copied().take(TRIED_AGAIN_FIRST).collect();
        again.retain(|i| !first.contains(i));
        tries = archive_some(round, messages, &first, left).await;
        let is_given = |(_, result): &ArchiveTry| matches!(result, Ok(Archived::Stored(..)));
        let is_silent = |(_, result): &ArchiveTry| matches!(result, Ok(Archived::Waits(e)) if e.is_silent());
        *outcome = Some(match () {
            () if tries.iter().any(is_given) => AgainOutcome::Came,
            () if tries.iter().any(is_silent) => AgainOutcome::Silent,
            () => AgainOutcome::Answered,
        });
    }
    if *outcome == Some(AgainOutcome::Silent) {
        held_back.extend(again.iter().map(|i| messages[*i].value.id));
        return tries;
    }
    if *outcome == Some(AgainOutcome::Came) {
        let tried: BTreeSet<usize> = tries.iter().map(|(i, _)| *i).collect();
        again.extend(indexes(messages, |i, message| !tried.contains(&i) && message.was_unanswered()));
    }
    tries.extend(archive_some(round, messages, &again, left).await);
    tries
}

/// Notes what one try came to. Returns the refusal for which the mailbox waits: Graph refused another one just before.
fn note(round: &Round<'_>, row: &mut Row<Message>, archived: Archived) -> Option<GraphError> {
    let now = round.app.clock.now();
    match archived {
        Archived::Stored(StoredObject { sha256, bytes }, until) => {
            round.tally.count(Counter::MessagesArchived, 1);
            round.tally.count(Counter::BytesArchived, bytes);
            round.note_delay(&row.value, now);
            let original = Original { sha256, bytes, archived_at: now, number: UNNUMBERED, until };
            row.value.step_to(MessageState::Archived(original));
        }
        Archived::Failed(code) => failed(round, row, code),
        Archived::NotThere(error) => {
            // Once may be an error: what is gone is not there the second time either.
            let asked_before = row.value.trouble.as_ref().is_some_and(Trouble::is_gone)
                || matches!(row.value.state, MessageState::Failed(_));
            if asked_before {
                tracing::info!(message.id = %row.value.id, "a message was deleted for good before it could be read");
                row.value.step_to(MessageState::Gone { at: now, number: UNNUMBERED });
            } else {
                round.put_off(&mut row.value, &error);
            }
        }
        Archived::Waits(error) => {
            let tries = row.value.trouble.as_ref().map_or(0, |trouble| trouble.tries) + 1;
            // After several refusals the message counts as failed, and the feed says so.
            if tries >= WAITS_MAX || matches!(row.value.state, MessageState::Failed(_)) {
                failed(round, row, error.code());
            } else {
                round.put_off(&mut row.value, &error);
            }
            if round.notes.refused_in_a_row.load(Ordering::Relaxed) > 1 {
                return Some(error);
            }
        }
        Archived::Left => {}
    }
    None
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
    row.value.step_to(MessageState::Failed(MessageFailure { code, attempts, next_try, number }));
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
) -> Vec<ArchiveTry> {
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
            Ok(StoredMail { object, parts }) => {
                round.served();
                if let Some(parts) = parts {
                    parts.keep(&round.app.table, key.firm, key.message).await;
                }
                Ok(Archived::Stored(object, until))
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
            Err(ArchiveError::Mime(e)) if e.is_certainly_gone() && round.is_gone(message).await => {
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
