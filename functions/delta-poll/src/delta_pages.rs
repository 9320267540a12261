//! Discover: for each delta page, writes the new messages as pending, then stores the page's link. It never waits for
//! archiving.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    pin::pin,
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, channel::mpsc::UnboundedSender, stream};
use shared::{
    aws::table::{Key, Row, Write},
    base::{
        clock::TimeLimit,
        id::{ImmutableId, MessageId},
        metric::Counter,
        telemetry::ErrorChain,
    },
    graph::{DeltaItem, DeltaPage, Disposition, GraphError, Mail, PARALLEL_REQUESTS_MAX, PageEnd},
    mail::{
        archive_decision::{FolderPhase, is_new},
        baseline::{Baseline, BaselinePage, forget_before},
        folder::FolderState,
        message::Message,
        small_page::{SMALL_PAGE_MAILS_MAX, SmallPage},
    },
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    filing::file_moved,
    intake::{self, FoundPage},
    message_steps::Batch,
    round::{Round, RoundError},
};

/// Pages of one folder in one round: twenty thousand mails. Then others have their turn.
pub(crate) const PAGES_MAX: usize = 200;
/// Of so many delta rounds that tell of nothing, one is written down. The others leave the link as it is, because a
/// write for each folder would be half of what a quiet mailbox costs; but Outlook forgets old links.
const QUIET_WRITTEN: u8 = 32;
/// New starts of one folder in one round; a link that dies more often is looked at in a later round.
const RESTARTS_MAX: usize = 3;
/// Folders under way at a time, all but one of which wait for a late answer. One place at Graph is left for mails.
const FOLDERS_AT_ONCE: usize = PARALLEL_REQUESTS_MAX - 1;
/// Pages after each other that bring nothing: more of them have no end.
const IDLE_PAGES_MAX: usize = 20;

/// How the reading of one folder ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FolderRead {
    /// Its delta round is complete, and reported something or nothing.
    Complete { told: bool },
    /// Other folders have their turn first.
    More,
    /// The deadline is near.
    OutOfTime,
    /// It can't be read for now.
    Failed,
}

/// The answer of a folder is late after so long: others go on meanwhile.
const LATE: Duration = Duration::from_secs(1);

/// Which folder is being read: one at a time, so that what one page says is written before another is looked at.
type OneAtATime = Mutex<()>;

/// Reads the folders at `indexes`, in this order: how each ended, as it came. One whose answer is late holds up no
/// other.
///
/// Errors: what concerns the mailbox as a whole.
pub(crate) async fn read_folders(
    round: &Round<'_>,
    rows: &mut [Row<FolderState>],
    indexes: &[usize],
    pages_max: usize,
    found: &UnboundedSender<Batch>,
) -> Result<Vec<FolderRead>, RoundError> {
    let turns = OneAtATime::default();
    let mut rows: Vec<Option<&mut Row<FolderState>>> = rows.iter_mut().map(Some).collect();
    let rows = indexes.iter().filter_map(|i| rows[*i].take());
    let reads = rows.map(|row| read_folder(round, row, pages_max, found, &turns));
    // Collected first: a stream that borrows within its closure is not `Send`.
    let reads: Vec<_> = reads.collect();
    stream::iter(reads).buffer_unordered(FOLDERS_AT_ONCE).try_collect().await
}

/// Waits for an answer; once it is late, without the turn.
async fn await_answer<'t, T>(
    turns: &'t OneAtATime,
    turn: &mut Option<MutexGuard<'t, ()>>,
    answer: impl Future<Output = T>,
) -> T {
    let mut answer = pin!(answer);
    if let Some(answer) = TimeLimit::after(LATE).hold(answer.as_mut()).await {
        return answer;
    }
    *turn = None;
    let answer = answer.await;
    *turn = Some(turns.lock().await);
    answer
}

/// Reads at most `pages_max` pages of the folder's delta round. If another function began the round, reads the next
/// round too, because the first reports no later change. Updates `row`.
///
/// Errors: what concerns the mailbox as a whole. A folder that can't be read keeps that to itself.
async fn read_folder(
    round: &Round<'_>,
    row: &mut Row<FolderState>,
    pages_max: usize,
    found: &UnboundedSender<Batch>,
    turns: &OneAtATime,
) -> Result<FolderRead, RoundError> {
    let (mailbox, mut turn) = (round.mailbox, Some(turns.lock().await));
    let folder = row.value.id().clone();
    let (mut baseline, mut restarts, mut told) = (None, 0, false);
    let mut begun_before = row.value.mid_round;
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let (mut listed, mut idle, mut paged) = (HashSet::new(), 0, false);
    for _ in 0..pages_max {
        if round.is_over() {
            return Ok(FolderRead::OutOfTime);
        }
        let graph = round.graph_for_folder(&row.value);
        let asked = graph.delta_page(&mailbox.user, &folder, row.value.link.as_ref());
        let page = match await_answer(turns, &mut turn, asked).await {
            Ok(page) => page,
            Err(e) if e.concerns_mailbox() => return Err(e.into()),
            Err(e) if e.disposition() == Disposition::Resync && restarts < RESTARTS_MAX => {
                tracing::info!(mailbox.id = %mailbox.id, folder.id = %folder, "the delta link is dead: from the start");
                restarts += 1;
                // What was listed comes again.
                (listed, idle) = (HashSet::new(), 0);
                let restarted = row.value.restarted();
                commit(round, row, restarted, Vec::new()).await?;
                continue;
            }
            Err(e) => return put_off(round, row, e).await,
        };
        round.served();
        told |= !page.items.is_empty();
        let complete = matches!(page.end, PageEnd::RoundComplete(_));
        let mut brings = false;
        for item in &page.items {
            let (DeltaItem::Present(Mail { immutable_id: id, .. }) | DeltaItem::Removed(id)) = item;
            brings |= listed.insert(hasher.hash_one(id));
        }
        idle = if brings || complete { 0 } else { idle + 1 };
        if idle > IDLE_PAGES_MAX {
            let attempted = format!("read the pages of folder {folder}");
            let endless = GraphError::Unreadable { attempted, source: "there is no end to them".into() };
            return put_off(round, row, endless).await;
        }
        let reread = row.value.rereads && complete;
        let was_baseline = row.value.phase == FolderPhase::Baseline;
        let is_first = restarts == 0 && listed.is_empty() && !std::mem::replace(&mut paged, true);
        if is_first && brings_nothing(&row.value, &page) && !round.app.random.is_one_in(QUIET_WRITTEN) {
            return Ok(FolderRead::Complete { told: false });
        }
        let work = commit_page(round, row, page, &mut baseline, idle > 0).await?;
        if row.value.trouble.is_none() {
            // Also where it did not fail: a round that died may have told only its folder that it works again.
            round.works(&row.value.thing());
        }
        if reread {
            baseline = None;
            forget_before(&round.app.table, mailbox.firm, mailbox.id, &folder, row.value.reading).await?;
        }
        if complete && row.value.tells_too_little() {
            // The old link has reported everything up to now. A new link reports all properties that this version
            // needs.
            let restarted = row.value.restarted();
            commit(round, row, restarted, Vec::new()).await?;
        }
        for batch in work {
            // Sending fails only after the round has ended. Then the next round finds the work in the table.
            let _ = found.unbounded_send(batch);
        }
        // What happened since a baseline began is for live mail to find.
        if complete && (was_baseline || !std::mem::take(&mut begun_before)) {
            return Ok(FolderRead::Complete { told });
        }
    }
    Ok(FolderRead::More)
}

/// Whether a page leaves the folder as it is: its delta round is complete, and reported nothing.
fn brings_nothing(folder: &FolderState, page: &DeltaPage) -> bool {
    let complete = matches!(page.end, PageEnd::RoundComplete(_));
    let follows =
        folder.phase == FolderPhase::Following && folder.link.is_some() && !folder.mid_round && !folder.rereads;
    complete
        && follows
        && !folder.tells_too_little()
        && folder.trouble.is_none()
        && page.items.is_empty()
        && page.unreadable == 0
}

/// Notes that a folder can't be read, and when it is tried next. If Graph refused another thing just before, the
/// mailbox waits.
async fn put_off(round: &Round<'_>, row: &mut Row<FolderState>, error: GraphError) -> Result<FolderRead, RoundError> {
    let (mailbox, folder) = (round.mailbox.id, row.value.id().clone());
    tracing::warn!(mailbox.id = %mailbox, folder.id = %folder, error = %ErrorChain(&error), "a folder can't be read");
    let is_mailboxs = round.refused(row.value.trouble.as_ref(), &error);
    let trouble = round.trouble(row.value.trouble.as_ref(), &error, is_mailboxs);
    round.faults().note(row.value.thing(), trouble.clone());
    let before = row.value.trouble.take();
    // Its link may be what is wrong: then it is read from the start.
    let is_links = row.value.link.is_some() && error.disposition() == Disposition::Fail;
    if is_links && before.is_some_and(|before| before.is_stubborn()) {
        row.value = row.value.restarted();
    }
    let failed = row.value.failed(trouble);
    commit(round, row, failed, Vec::new()).await?;
    if is_mailboxs { Err(error.into()) } else { Ok(FolderRead::Failed) }
}

/// Takes in one page, and commits it with its link, its work and its counts in one transaction; the work it made.
/// `idle`: the page brought nothing that it did not bring before, so a folder in trouble stays in it.
async fn commit_page(
    round: &Round<'_>,
    row: &mut Row<FolderState>,
    page: DeltaPage,
    baseline: &mut Option<Baseline>,
    idle: bool,
) -> Result<Vec<Batch>, RoundError> {
    let (firm, mailbox) = (round.mailbox.firm, round.mailbox.id);
    let name = row.value.page_name();
    let unreadable = page.unreadable;
    let (present, left) = last_words(page.items);
    let there = intake::read_known(round, present.iter().map(|mail| &mail.immutable_id).chain(&left)).await?;
    remember(round, &row.value, (&present, &left), &there, baseline).await?;
    let page_of = FoundPage {
        name: &name,
        folder: row.value.id(),
        since: round.activated_at,
        phase: row.value.phase,
        take: true,
        lets_lie: true,
        rereads: row.value.rereads,
    };
    let saw = |id: &ImmutableId| baseline.as_ref().is_some_and(|baseline| baseline.saw(id));
    let taken = intake::take_in(round, &page_of, &present, &there, saw).await?;
    round.tally.count(Counter::MessagesFound, taken.kept.len() as u64);
    let marks = file_moved(round, &row.value, &present, &there).await?;
    let (mut writes, mut work, mut fresh) = (Vec::new(), Vec::new(), None);
    if !taken.lay_there.is_empty() {
        if let Some(baseline) = baseline {
            baseline.add(&taken.lay_there);
        }
        let key = Key::baseline(firm, mailbox, row.value.id(), &name);
        writes.push(Write::overwrite(key, &BaselinePage::of(&taken.lay_there).seen_by(row.value.reading)));
    }
    let mut next = row.value.after(page.end);
    let is_small = writes.is_empty() && taken.kept.len() <= SMALL_PAGE_MAILS_MAX;
    if let Some(pages) = round.fresh.as_ref().filter(|pages| is_small && pages.admit(&row.value)) {
        if !taken.kept.is_empty() || !taken.counted.is_zero() {
            let ids: Vec<MessageId> = taken.kept.iter().map(|row| row.value.id).collect();
            next.fresh = Some(SmallPage::new(row.value.pages, &ids, taken.counted));
            fresh = next.fresh.clone().map(|page| (pages, page));
        }
    } else {
        work = taken.work(round, &name);
        writes.extend(work.iter().map(|item| Write::insert(item.key.clone(), &item.value)));
        writes.extend(taken.counted.add_to(firm, mailbox));
    }
    if row.value.phase == FolderPhase::Baseline {
        next.listed += present.len() as u64;
    }
    if unreadable > 0 {
        // There is nothing to ask for them by: the next reconciliation lists them.
        tracing::error!(mailbox.id = %mailbox, folder.id = %row.value.id(), unreadable, "entries without an id");
        next.unreadable += unreadable;
    }
    if idle {
        next.trouble.clone_from(&row.value.trouble);
    }
    commit(round, row, next, writes).await?;
    work.extend(marks);
    if !work.is_empty() {
        round.expects_work();
    }
    let items = work.into_iter().map(|item| Batch::found(item, mailbox));
    let fresh = fresh.and_then(|(pages, page)| {
        pages.note(row.value.id().clone(), page);
        Batch::fresh(taken.kept)
    });
    Ok(items.chain(fresh).collect())
}

/// Loads what the folder's baseline saw, where a page asks for it, and forgets of that what left the folder unkept.
async fn remember(
    round: &Round<'_>,
    folder: &FolderState,
    (present, left): (&[Mail], &[ImmutableId]),
    there: &HashMap<MessageId, Row<Message>>,
    baseline: &mut Option<Baseline>,
) -> Result<(), RoundError> {
    let (table, mailbox) = (&round.app.table, round.mailbox.id);
    let is_stranger = |id: &ImmutableId| !there.contains_key(&MessageId::of(mailbox, id));
    let strangers_left: Vec<&ImmutableId> = left.iter().filter(|id| is_stranger(id)).collect();
    let is_old_stranger = |mail: &Mail| {
        let new = mail.received_at.is_some_and(|at| is_new(at, round.activated_at, round.app.clock.now()));
        !new && is_stranger(&mail.immutable_id)
    };
    if baseline.is_none() && (!strangers_left.is_empty() || present.iter().any(is_old_stranger)) {
        let since = folder.baseline_since();
        *baseline = Some(Baseline::load(table, round.mailbox.firm, mailbox, folder.id(), since).await?);
    }
    if let Some(baseline) = baseline {
        baseline.forget(table, strangers_left).await?;
    }
    Ok(())
}

/// Moves the folder on, together with what goes with it; a conflict means that another works at this mailbox.
async fn commit(
    round: &Round<'_>,
    row: &mut Row<FolderState>,
    next: FolderState,
    mut writes: Vec<Write>,
) -> Result<(), RoundError> {
    row.value = next;
    writes.push(Write::replace(row));
    round.settle(writes).await?;
    row.written();
    Ok(())
}

/// The last thing that a page says of each mail: the same one may be told several times, and the last time counts.
fn last_words(items: Vec<DeltaItem>) -> (Vec<Mail>, Vec<ImmutableId>) {
    let mut last = BTreeMap::new();
    for item in items {
        match item {
            DeltaItem::Present(mail) => last.insert(mail.immutable_id.clone(), Some(mail)),
            DeltaItem::Removed(id) => last.insert(id, None),
        };
    }
    let left = last.iter().filter(|(_, mail)| mail.is_none()).map(|(id, _)| id.clone()).collect();
    (last.into_values().flatten().collect(), left)
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
            is_draft: Some(false),
            has_attachments: false,
            categories: vec![],
            etag: None,
            conversation: None,
        })
    }

    #[test]
    fn of_a_mail_told_twice_the_last_time_counts() {
        let gone = |id: &str| DeltaItem::Removed(id.parse().unwrap());
        let (present, left) =
            last_words(vec![mail("a", "1"), mail("b", "1"), mail("a", "2"), gone("b"), gone("c"), mail("c", "1")]);
        let subjects: Vec<_> = present.iter().map(|m| (m.immutable_id.as_str(), m.subject.as_str())).collect();
        assert_eq!(subjects, [("a", "2"), ("c", "1")]);
        assert_eq!(left, ["b".parse().unwrap()]);
    }
}
