//! Marking: archived messages get their category in Outlook.

use std::sync::atomic::{AtomicUsize, Ordering};

use shared::{
    aws::table::Row,
    base::metric::Counter,
    firm::marks::Marks,
    graph::{BatchOrder, CategoriesPatch, GraphError},
    mail::{
        message::{Message, MessageState, Original, SeenCategories},
        sync_state::KeptMarks,
        trouble::MailboxPart,
    },
};

use crate::round::{Round, RoundError};

/// Tries to mark a message that changes while we look at it.
const MARK_TRIES_MAX: usize = 4;
/// After so many waits, about a day, a mark is given up.
const MARK_WAITS_MAX: u32 = 100;
/// After so many refusals, some minutes, a mark is given up.
const MARK_REFUSALS_MAX: u32 = 4;

/// What marking goes by.
pub(crate) struct Marking {
    /// The marks that the mailbox had categories for when the round began.
    pub kept_marks: Option<KeptMarks>,
    /// How many items are under way.
    pub items: AtomicUsize,
}

/// Sets the mark on all that are archived, in one batch; a message that changed meanwhile is read again and tried
/// again.
///
/// Errors: Graph refuses what concerns the mailbox, or asks to wait.
pub(crate) async fn mark(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    marking: &Marking,
    first_order: BatchOrder,
) -> Result<(), RoundError> {
    for tries in 1..=MARK_TRIES_MAX {
        let Some(marks) = round.marks else {
            round.works(&MailboxPart::Marks);
            break;
        };
        let (indexes, patches) = patches(round, marks, messages).await?;
        if patches.is_empty() {
            break;
        }
        round.keep_marks(marks, marking.kept_marks.as_ref()).await;
        // A chain breaks at its first refusal. What it left undone goes all at once, unless Graph asked to wait: then
        // the first of the rest shows whether that was about one message or about all.
        let order = match round.notes.refused_in_a_row.load(Ordering::Relaxed) {
            0 if tries > 1 => BatchOrder::Parallel,
            0 => first_order,
            _ => BatchOrder::Chained,
        };
        let graph = round.graph_for_helper(&MailboxPart::Marks);
        match graph.set_categories(&round.mailbox.user, &patches, order).await {
            Ok(results) => {
                let untried = indexes.iter().any(|i| messages[*i].value.trouble.is_none());
                note_marks(round, &results, untried);
                note_each(round, messages, indexes.into_iter().zip(results), tries < MARK_TRIES_MAX).await?;
            }
            Err(e) if e.concerns_mailbox() => return Err(e.into()),
            // Marks wait; mail is kept all the same.
            Err(e) => {
                round.failed(MailboxPart::Marks, &e);
                round.notes.marking_rests.store(true, Ordering::Relaxed);
                for i in indexes {
                    round.put_off(&mut messages[i].value, &e);
                }
                break;
            }
        }
    }
    Ok(())
}

/// The changes that set the marks, and the indexes of their messages. What bears its mark already is marked.
///
/// Errors: Graph refuses what concerns the mailbox, or asks to wait.
async fn patches(
    round: &Round<'_>,
    marks: &Marks,
    messages: &mut [Row<Message>],
) -> Result<(Vec<usize>, Vec<CategoriesPatch>), RoundError> {
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
            Err(e) if e.concerns_mailbox() => return Err(e.into()),
            Err(e) => mark_later(round, row, e).await?,
        }
    }
    Ok(patches.into_iter().unzip())
}

/// Notes what became of each change of a batch. `tries_again`: what was only late or overtaken is tried once more.
///
/// Errors: Graph refuses what concerns the mailbox, or asks to wait. The others of the batch are noted all the same.
async fn note_each(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    results: impl Iterator<Item = (usize, Result<(), GraphError>)>,
    tries_again: bool,
) -> Result<(), RoundError> {
    let mut stop = Ok(());
    for (i, result) in results {
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
            Err(e) if e.status() == Some(500) && tries_again => forget(round, &mut messages[i]),
            Err(e) if e.concerns_mailbox() => stop = Err(e.into()),
            Err(e) => stop = stop.and(mark_later(round, &mut messages[i], e).await),
        }
    }
    stop
}

/// Notes whether marks can be set at all. They can't if Graph refuses several and sets none. They can't either if it
/// forbids a mark that was not tried before (`untried`) and sets no other: then the right to write is gone.
fn note_marks(round: &Round<'_>, results: &[Result<(), GraphError>], untried: bool) {
    if results.iter().any(Result::is_ok) {
        return round.works(&MailboxPart::Marks);
    }
    // A change meanwhile is no refusal, and what follows one in a chain was not tried.
    let is_refusal = |error: &&GraphError| !matches!(error.status(), Some(409 | 412 | 424));
    let mut refusals = results.iter().filter_map(|result| result.as_ref().err()).filter(is_refusal);
    let (one, other) = (refusals.next(), refusals.next());
    if let Some(error) = one.filter(|error| other.is_some() || untried && error.status() == Some(403)) {
        round.failed(MailboxPart::Marks, error);
    }
}

/// The original of a message that is to be marked.
pub(crate) fn unmarked(message: &Message) -> Option<Original> {
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
    // While no mark can be set, a refusal says nothing of this message.
    let is_its_own = is_refused && !round.fails(&MailboxPart::Marks);
    let tries_max = if is_its_own { MARK_REFUSALS_MAX } else { MARK_WAITS_MAX };
    let is_gone = error.is_certainly_gone() && round.is_gone(&row.value).await;
    let before = row.value.trouble.clone();
    if is_gone || round.put_off(&mut row.value, &error) >= tries_max {
        tracing::warn!(message.id = %row.value.id, graph.code = %error.code(), "a message could not be marked");
        row.value.step_to(MessageState::Unmarked { original, code: error.code() });
        return Ok(());
    }
    if !is_refused && round.refused(before.as_ref(), &error) { Err(error.into()) } else { Ok(()) }
}

/// What a message bears: as this round or the one before saw it, else asked for.
async fn read_seen(round: &Round<'_>, message: &Message) -> Result<SeenCategories, GraphError> {
    if let Some(seen) = round.notes.known.of(message.id).or_else(|| message.seen.clone()) {
        return Ok(seen);
    }
    let graph = round.graph_for(message.trouble.as_ref());
    let mail = graph.mail(&round.mailbox.user, &message.immutable_id).await?;
    round.notes.known.remember(message.id, &mail);
    Ok(SeenCategories::on(&mail))
}

/// Somebody changed it since it was seen: it is asked for.
fn forget(round: &Round<'_>, row: &mut Row<Message>) {
    round.notes.known.forget(row.value.id);
    row.value.seen = None;
}

/// A message bears its mark.
fn marked(round: &Round<'_>, row: &mut Row<Message>, original: Original) {
    round.tally.count(Counter::MessagesMarked, 1);
    row.value.step_to(MessageState::Marked(original));
}

/// While its mark waits, what was seen of a message goes with it, so that the next round asks for nothing.
pub(crate) fn keep_seen(round: &Round<'_>, message: &mut Message) {
    let waits = round.marks.is_some() && unmarked(message).is_some();
    message.seen = round.notes.known.of(message.id).or(message.seen.take()).filter(|seen| waits && seen.is_small());
}
