//! Discover: page by page, new messages are written as pending, then the page's link is saved. Never waits for archiving.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, channel::mpsc::UnboundedSender};
use shared::{
    aws::table::{Key, Row, Write},
    base::{
        id::{ImmutableId, MessageId},
        metric::Counter,
        telemetry::Chain,
    },
    graph::{DeltaItem, DeltaPage, Disposition, Mail, PageEnd},
    mail::{
        delta::{Baseline, BaselinePage, Decision},
        folder::FolderState,
        mailbox::Progress,
        message::{Message, State},
        rules::SkipReason,
        work::Work,
    },
};

use crate::{
    advance::Known,
    round::{Round, RoundError},
};

/// New starts of one folder in one round; a link that dies more often is looked at in the next round.
const RESTARTS_MAX: usize = 3;
/// Messages written side by side.
const WRITES_AT_ONCE: usize = 16;

/// How the reading of one folder ended.
pub(crate) enum Read {
    /// Its delta round is complete, and told of something or of nothing.
    Complete { row: Box<Row<FolderState>>, told: bool },
    /// The deadline is near.
    OutOfTime,
    /// It is not there any more, or can't be read.
    Unreadable,
}

/// Reads one folder to the end of its delta round; if somebody else began that one, to the end of the next: what happened since
/// then is only told there.
pub(crate) async fn folder(
    round: &Round<'_>,
    mut row: Row<FolderState>,
    known: &Known,
    found: &UnboundedSender<Row<Work>>,
) -> Result<Read, RoundError> {
    let mailbox = round.mailbox;
    let folder = row.value.id().clone();
    let mut baseline = None;
    let mut restarts = 0;
    let mut told = false;
    let mut begun_before = row.value.mid_round;
    loop {
        if round.is_over() {
            return Ok(Read::OutOfTime);
        }
        let page = match round.graph.delta_page(&mailbox.user, &folder, row.value.link.as_ref()).await {
            Ok(page) => page,
            Err(e) if e.disposition() == Disposition::Resync && restarts < RESTARTS_MAX => {
                tracing::info!(mailbox.id = %mailbox.id, folder.id = %folder, "the delta link is dead: from the start");
                restarts += 1;
                let restarted = row.value.restarted();
                row = commit(round, row, restarted, Vec::new()).await?;
                continue;
            }
            // The folder itself is gone or can't be read; the others can.
            Err(e) if e.disposition() == Disposition::Fail => {
                tracing::warn!(mailbox.id = %mailbox.id, folder.id = %folder, error = %Chain(&e), "a folder can't be read");
                return Ok(Read::Unreadable);
            }
            Err(e) => return Err(e.into()),
        };
        told |= !page.items.is_empty();
        let complete = matches!(page.end, PageEnd::RoundComplete(_));
        let work;
        (row, work) = take_in(round, row, page, &mut baseline, known).await?;
        for item in work {
            // Whoever advances has ended only if the round has; then the next one finds it in the table.
            let _ = found.unbounded_send(item);
        }
        if complete && std::mem::take(&mut begun_before) {
            continue;
        }
        if complete {
            return Ok(Read::Complete { row: Box::new(row), told });
        }
    }
}

/// Takes in one page, and commits it with its link, its work and its counts in one transaction; the work it made.
async fn take_in(
    round: &Round<'_>,
    row: Row<FolderState>,
    page: DeltaPage,
    baseline: &mut Option<Baseline>,
    known: &Known,
) -> Result<(Row<FolderState>, Vec<Row<Work>>), RoundError> {
    let (firm, mailbox) = (round.mailbox.firm, round.mailbox.id);
    let table = &round.app.table;
    let name = row.value.page_name();
    let (present, left) = last_words(page.items);

    let ids: Vec<MessageId> = present.keys().chain(&left).map(|id| MessageId::of(mailbox, id)).collect();
    let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
    let there: HashMap<MessageId, Row<Message>> =
        table.get_all::<Message>(&keys).await?.into_iter().map(|row| (row.value.id, row)).collect();

    let strangers_left: Vec<&ImmutableId> =
        left.iter().filter(|id| !there.contains_key(&MessageId::of(mailbox, id))).collect();
    let old_stranger = |mail: &Mail| {
        let new = mail.received_at.is_some_and(|at| at >= round.activated_at);
        !new && !there.contains_key(&MessageId::of(mailbox, &mail.immutable_id))
    };
    if baseline.is_none() && (!strangers_left.is_empty() || present.values().any(old_stranger)) {
        *baseline = Some(Baseline::load(table, firm, mailbox, row.value.id()).await?);
    }
    if let Some(baseline) = baseline {
        baseline.forget(table, strangers_left).await?;
    }

    let (mut to_write, mut work, mut lay_there) = (Vec::new(), Vec::new(), Vec::new());
    let mut progress = Progress::default();
    for mail in present.values() {
        let id = MessageId::of(mailbox, &mail.immutable_id);
        let before = there.get(&id);
        if is_taken(round, before, mail, &name).await? {
            continue;
        }
        let whole = match mail.received_at {
            Some(_) => None,
            None => whole(round, mail).await?,
        };
        let mail = whole.as_ref().unwrap_or(mail);
        let received_at = mail.received_at.unwrap_or(round.activated_at);
        let seen = baseline.as_ref().is_some_and(|b| b.saw(&mail.immutable_id));
        progress.discovered += 1;
        let state = match round.decide(mail, received_at, round.activated_at, row.value.phase, seen) {
            Decision::Keep => {
                work.push(id);
                known.remember(id, mail);
                State::Pending
            }
            Decision::Skip(reason) => {
                *progress.skipped(reason) += 1;
                State::Skipped { reason }
            }
            Decision::AlreadyThere => {
                progress.discovered -= 1;
                if !seen {
                    progress.skipped_already_there += 1;
                    lay_there.push(mail.immutable_id.clone());
                }
                continue;
            }
        };
        uncount_draft(before, &name, &mut progress);
        let message = Message::found(id, mail, row.value.id().clone(), received_at, name.clone(), state);
        to_write.push(match before {
            Some(row) => Write::replace(&row.clone().with(message)),
            None => Write::insert(Key::message(firm, id), &message),
        });
    }
    let to_write: Vec<_> = to_write.into_iter().map(|write| table.write(write)).collect();
    futures::stream::iter(to_write).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;

    round.tally.count(Counter::MessagesFound, work.len() as u64);
    let work = Work::items(firm, mailbox, &name, &work);
    let mut writes: Vec<Write> = work.iter().map(|item| Write::insert(item.key.clone(), &item.value)).collect();
    if let Some(baseline) = baseline
        && !lay_there.is_empty()
    {
        baseline.add(&lay_there);
        let key = Key::baseline(firm, mailbox, row.value.id(), &name);
        writes.push(Write::overwrite(key, &BaselinePage::of(&lay_there)));
    }
    writes.extend(progress.add_to(firm, mailbox));
    let next = row.value.after(page.end);
    Ok((commit(round, row, next, writes).await?, work))
}

/// Moves the folder on, together with what goes with it; a conflict means that another works at this mailbox.
async fn commit(
    round: &Round<'_>,
    row: Row<FolderState>,
    next: FolderState,
    mut writes: Vec<Write>,
) -> Result<Row<FolderState>, RoundError> {
    let mut row = row.with(next);
    writes.push(Write::replace(&row));
    round.app.table.transact(writes).await?;
    row.written();
    Ok(row)
}

/// The last thing that a page says of each mail: the same one may be told several times, and the last time counts.
fn last_words(items: Vec<DeltaItem>) -> (BTreeMap<ImmutableId, Mail>, Vec<ImmutableId>) {
    let mut last = BTreeMap::new();
    for item in items {
        match item {
            DeltaItem::Present(mail) => last.insert(mail.immutable_id.clone(), Some(mail)),
            DeltaItem::Removed(id) => last.insert(id, None),
        };
    }
    let left = last.iter().filter(|(_, mail)| mail.is_none()).map(|(id, _)| id.clone()).collect();
    (last.into_iter().filter_map(|(id, mail)| Some((id, mail?))).collect(), left)
}

/// Takes back what was counted of a mail when it was a draft. `page` is the one that is being taken in.
pub(crate) fn uncount_draft(before: Option<&Row<Message>>, page: &str, progress: &mut Progress) {
    if before.is_some_and(|row| row.value.page != page && matches!(row.value.state, State::Skipped { .. })) {
        progress.discovered -= 1;
        progress.skipped_draft -= 1;
    }
}

/// Whether a mail is known, so that nothing is to be done about it: told again, or changed, perhaps by our own mark. `page` is the
/// one that is being taken in.
pub(crate) async fn is_taken(
    round: &Round<'_>,
    before: Option<&Row<Message>>,
    mail: &Mail,
    page: &str,
) -> Result<bool, RoundError> {
    let Some(row) = before else { return Ok(false) };
    Ok(match &row.value.state {
        // A draft that was sent or filed is a mail now.
        State::Skipped { reason: SkipReason::Draft } if !mail.is_draft => false,
        // An earlier try at this very page wrote it, and did not commit.
        State::Skipped { .. } | State::Pending if row.value.page == page => false,
        // A page that was never committed, because its link died in between, left it behind.
        State::Pending => held(round, before).await?,
        _ => true,
    })
}

/// Whether a pending message waits in the work of the page that it names.
async fn held(round: &Round<'_>, message: Option<&Row<Message>>) -> Result<bool, RoundError> {
    let Some(Row { value: message, .. }) = message else { return Ok(false) };
    Ok(Work::holds(&round.app.table, round.mailbox.firm, &message.page, message.id).await?)
}

/// An update may leave out when the mail arrived, and the rest that does not change; then it is asked for. A mail that vanished
/// meanwhile, or that Graph will not tell of, is as good as new: its archiving shows what is wrong with it, and holds up no
/// other.
async fn whole(round: &Round<'_>, mail: &Mail) -> Result<Option<Mail>, RoundError> {
    match round.graph.mail(&round.mailbox.user, &mail.immutable_id).await {
        Ok(mail) => Ok(Some(mail)),
        Err(e) if e.disposition() == Disposition::Fail => Ok(None),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, subject: &str) -> DeltaItem {
        DeltaItem::Present(Mail {
            immutable_id: id.parse().unwrap(),
            received_at: None,
            subject: subject.to_owned(),
            from: None,
            recipients: vec![],
            internet_message_id: None,
            is_draft: false,
            has_attachments: false,
            categories: vec![],
            etag: None,
        })
    }

    #[test]
    fn of_a_mail_told_twice_the_last_time_counts() {
        let gone = |id: &str| DeltaItem::Removed(id.parse().unwrap());
        let (present, left) =
            last_words(vec![mail("a", "1"), mail("b", "1"), mail("a", "2"), gone("b"), gone("c"), mail("c", "1")]);
        let subjects: Vec<_> = present.iter().map(|(id, m)| (id.as_str(), m.subject.as_str())).collect();
        assert_eq!(subjects, [("a", "2"), ("c", "1")]);
        assert_eq!(left, ["b".parse().unwrap()]);
    }
}
