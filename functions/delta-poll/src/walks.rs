//! Older mail, which waits for live mail: the rest of first baselines, granted history and reconciliation. The latter
//! walk the folders for a limited time. What a walk finds is archived like other mail.

use std::time::Duration;

use futures::{
    SinkExt as _,
    channel::mpsc::{self, unbounded},
    join,
};
use jiff::Timestamp;
use shared::{
    aws::table::{Row, Write},
    base::telemetry::ErrorChain,
    graph::{GraphError, Link, Mail, ReceivedPeriod},
    mail::{
        archive_decision::FolderPhase,
        baseline::Baseline,
        folder::FolderState,
        sync_state::SyncState,
        trouble::Trouble,
        walk::{HistoryProgress, KeptStatus, Reconciliation, Walk, WalkTally},
        work::Work,
    },
};

use crate::{
    delta_pages::{self, FolderRead, PAGES_MAX},
    intake::{self, FoundPage},
    message_steps::{self, Batch},
    round::{Round, RoundEnd, RoundError},
};

/// A list that is still not whole after many tries is read once more after this time: that reads all of it.
const LISTED_AGAIN: Duration = Duration::from_secs(3600);
/// Older mail is worked at this long at a time; then its job goes to the end of its queue.
pub(crate) const SLICE: Duration = Duration::from_secs(20);
/// Mails listed by one request of history: few enough that little has to be asked again after an interruption.
const HISTORY_PAGE: usize = 200;
/// Mails a page of a comparison, which mostly finds nothing: the maximum that Graph gives.
const COMPARISON_PAGE: usize = 1_000;
/// A comparison each day, or so: between half of this and the whole of it after the one before.
const COMPARISON_PAUSE: Duration = Duration::from_secs(32 * 3600);
/// Pages after each other that bring nothing new: more of them have no end.
const IDLE_PAGES_MAX: usize = 20;
/// Items of work that wait while some are worked at.
const WORK_AHEAD: usize = 4;

/// What walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WalkPurpose {
    /// Takes in what arrived before the activation, as far as it was granted.
    History { since: Timestamp },
    /// Finds what was missed, and takes it in unless it is a dry run.
    Reconcile(Reconciliation),
}

impl WalkPurpose {
    fn walk_of(self, folder: &FolderState) -> Option<&Walk> {
        match self {
            Self::History { since } => folder.history.as_ref().filter(|walk| walk.run == since),
            Self::Reconcile(run) => folder.comparison.as_ref().filter(|walk| walk.run == run.run),
        }
    }

    fn is_done(self, folder: &FolderState) -> bool {
        self.walk_of(folder).is_some_and(|walk| walk.ended_at.is_some())
    }

    /// Whether there is something to be done for it now. Before its baseline is complete a folder waits, and so does a
    /// walk after a failure.
    fn is_ahead(self, folder: &FolderState, now: Timestamp) -> bool {
        let rests = self.walk_of(folder).is_some_and(|walk| walk.rests(now));
        folder.phase == FolderPhase::Following && !self.is_done(folder) && !rests
    }

    /// A new walk. If the one before did not reach its end, its problem stays shown until this one does.
    fn begin(self, round: &Round<'_>, folder: &FolderState) -> Walk {
        let (walk, before) = match self {
            Self::History { since } => {
                (Walk::new(since, ReceivedPeriod { since, until: round.activated_at }), &folder.history)
            }
            Self::Reconcile(run) => {
                let arrivals = ReceivedPeriod { since: Timestamp::UNIX_EPOCH, until: run.until() };
                (Walk::new(run.run, arrivals), &folder.comparison)
            }
        };
        match before {
            Some(before) if before.ended_at.is_none() => walk.in_place_of(before),
            _ => walk,
        }
    }

    fn put(self, folder: FolderState, walk: Walk) -> FolderState {
        match self {
            Self::History { .. } => FolderState { history: Some(walk), ..folder },
            Self::Reconcile(_) => {
                // Delta had entries that could not be read: the list has all of them.
                let unreadable = if walk.ended_at.is_some() { 0 } else { folder.unreadable };
                FolderState { comparison: Some(walk), unreadable, ..folder }
            }
        }
    }

    /// Whether nothing but what fails keeps it from its end.
    fn is_stuck(self, folder: &FolderState) -> bool {
        self.is_done(folder) || self.walk_of(folder).is_some_and(|walk| walk.shown_trouble().is_some())
    }

    fn page(self) -> usize {
        match self {
            Self::History { .. } => HISTORY_PAGE,
            Self::Reconcile(_) => COMPARISON_PAGE,
        }
    }
}

/// Whether older mail can go on: `open` is its work from before, as far as it is due.
pub(crate) fn is_ahead(round: &Round<'_>, sync: &SyncState, folders: &[Row<FolderState>], open: &[Row<Work>]) -> bool {
    let now = round.app.clock.now();
    if sync.behind_at.is_some_and(|at| at > now) {
        return false;
    }
    let history = round.mailbox.history.map(|history| WalkPurpose::History { since: history.from });
    let running = sync.reconciliation.filter(|run| run.ended_at.is_none()).map(WalkPurpose::Reconcile);
    let purposes: Vec<WalkPurpose> = history.into_iter().chain(running).collect();
    let ahead = |folder: &FolderState| purposes.iter().any(|purpose| purpose.is_ahead(folder, now));
    let reconciles = running.is_some() || sync.reconcile_at.is_none_or(|at| at <= now);
    reconciles || !open.is_empty() || folders.iter().any(|row| ahead(&row.value) || begins(&row.value, now))
}

/// Whether there is something to be read of a folder's first round now.
fn begins(folder: &FolderState, now: Timestamp) -> bool {
    folder.phase == FolderPhase::Baseline && !folder.rests(now)
}

/// Goes on with the first rounds of folders. What they find of live mail is work of live mail. False if they are not at
/// their end.
pub(crate) async fn prepare(round: &Round<'_>, folders: &mut [Row<FolderState>]) -> Result<bool, RoundError> {
    let now = round.app.clock.now();
    let (found, _) = unbounded();
    let beginning: Vec<usize> = (0..folders.len()).filter(|i| begins(&folders[*i].value, now)).collect();
    let read = delta_pages::read_folders(round, folders, &beginning, PAGES_MAX, &found).await?;
    Ok(!read.iter().any(|read| matches!(read, FolderRead::More | FolderRead::OutOfTime)))
}

/// Goes on with history and reconciliation, for a bounded time; `open` is their work from before.
pub(crate) async fn run(
    round: &Round<'_>,
    sync: &mut SyncState,
    mut folders: Vec<Row<FolderState>>,
    open: Vec<Row<Work>>,
) -> Result<RoundEnd, RoundError> {
    let now = round.app.clock.now();
    let history = round.mailbox.history.map(|history| WalkPurpose::History { since: history.from });
    let running = sync.reconciliation.filter(|run| run.ended_at.is_none());
    let is_due = sync.reconcile_at.is_some_and(|at| at <= now);
    // A folder that can't be listed keeps the others from no comparison.
    let is_free = running.is_none_or(|run| folders.iter().all(|row| WalkPurpose::Reconcile(run).is_stuck(&row.value)));
    let reconciliation = match is_due && is_free {
        true => Some(Reconciliation { run: now, dry_run: false, ended_at: None }),
        false => running,
    };
    if sync.reconcile_at.is_none() || (is_due && is_free) {
        sync.reconcile_at = Some(now + round.app.random.jitter(COMPARISON_PAUSE));
    }
    sync.reconciliation = reconciliation.or(sync.reconciliation);
    let purposes: Vec<WalkPurpose> = history.into_iter().chain(reconciliation.map(WalkPurpose::Reconcile)).collect();
    let ahead = |folder: &Row<FolderState>| purposes.iter().any(|purpose| purpose.is_ahead(&folder.value, now));
    if open.is_empty() && !folders.iter().any(ahead) {
        note(round, sync, &folders, now);
        return Ok(RoundEnd::Finished);
    }

    round.expects_work();
    let (found, works) = mpsc::channel(WORK_AHEAD);
    let left = open.into_iter().map(|item| Batch::left(vec![item], round.mailbox.id)).collect();
    let advance = message_steps::settle_work(round, left, works, sync.marks.clone());
    let (walked, advanced) = join!(walk_all(round, &purposes, &mut folders, found), advance);
    note(round, sync, &folders, round.app.clock.now());
    match (walked?, advanced?) {
        (RoundEnd::Finished, RoundEnd::Finished) => Ok(RoundEnd::Finished),
        _ => Ok(RoundEnd::OutOfTime),
    }
}

/// Writes down how far history and reconciliation are.
fn note(round: &Round<'_>, sync: &mut SyncState, folders: &[Row<FolderState>], now: Timestamp) {
    // Where the tree of folders was never read, none but named ones are known.
    let are_all = sync.follow_at.is_some() || !folders.is_empty();
    if let Some(history) = round.mailbox.history {
        let purpose = WalkPurpose::History { since: history.from };
        let walks: Vec<Option<&Walk>> = folders.iter().map(|folder| purpose.walk_of(&folder.value)).collect();
        let tally: WalkTally = walks.iter().flatten().map(|walk| walk.tally).fold(WalkTally::default(), |a, b| a + b);
        sync.history = Some(HistoryProgress {
            since: history.since,
            total: walks
                .iter()
                .map(|walk| walk.and_then(|walk| walk.total))
                .try_fold(0_u64, |sum, total| total.map(|total| sum.saturating_add(total)))
                .filter(|_| are_all),
            listed: tally.listed,
            found: tally.found,
            done: are_all && walks.iter().all(|walk| walk.is_some_and(|walk| walk.ended_at.is_some())),
        });
    }
    if let Some(run) = sync.reconciliation.filter(|run| are_all && run.ended_at.is_none())
        && folders.iter().all(|folder| WalkPurpose::Reconcile(run).is_done(&folder.value))
    {
        sync.reconciliation = Some(Reconciliation { ended_at: Some(now), ..run });
        let walks = folders.iter().filter_map(|folder| WalkPurpose::Reconcile(run).walk_of(&folder.value));
        let tally: WalkTally = walks.map(|walk| walk.tally).fold(WalkTally::default(), |a, b| a + b);
        tracing::info!(
            mailbox.id = %round.mailbox.id, run.dry_run, tally.listed, tally.due, tally.kept, tally.found, "reconciled"
        );
    }
}

/// Walks along the folders, one after the other, those that failed after the others. First the history of all is
/// counted, so that its end can be told.
async fn walk_all(
    round: &Round<'_>,
    purposes: &[WalkPurpose],
    folders: &mut [Row<FolderState>],
    mut found: mpsc::Sender<Batch>,
) -> Result<RoundEnd, RoundError> {
    let now = round.app.clock.now();
    let walked = async {
        for purpose in purposes {
            let failed = |walk: &Walk| walk.trouble.as_ref().map(|trouble| trouble.not_before);
            folders.sort_by_key(|folder| purpose.walk_of(&folder.value).and_then(failed));
            if let WalkPurpose::History { .. } = purpose {
                for folder in folders.iter_mut().filter(|folder| purpose.is_ahead(&folder.value, now)) {
                    if round.is_over() {
                        return Ok(RoundEnd::OutOfTime);
                    }
                    count(round, *purpose, folder).await?;
                }
            }
            for folder in folders.iter_mut().filter(|folder| purpose.is_ahead(&folder.value, now)) {
                if let RoundEnd::OutOfTime = walk(round, *purpose, folder, &mut found).await? {
                    return Ok(RoundEnd::OutOfTime);
                }
            }
        }
        Ok(RoundEnd::Finished)
    };
    let walked = walked.await;
    if walked.is_err() {
        round.stop();
    }
    walked
}

/// Counts what a walk of history will list.
async fn count(round: &Round<'_>, purpose: WalkPurpose, folder: &mut Row<FolderState>) -> Result<(), RoundError> {
    let walk = match purpose.walk_of(&folder.value) {
        Some(walk) if walk.total.is_some() || walk.tally.listed > 0 => return Ok(()),
        // The total of one that failed before it began is still unknown.
        Some(walk) => walk.clone(),
        None => purpose.begin(round, &folder.value),
    };
    let graph = round.graph_for(walk.trouble.as_ref());
    match graph.count_arrivals(&round.mailbox.user, folder.value.id(), walk.ahead()).await {
        Ok(total) => {
            round.served();
            put(round, folder, purpose, walk.counted(Some(total)), Vec::new()).await
        }
        Err(e) => put_off(round, folder, purpose, e).await,
    }
}

/// Notes that the list of a folder can't be had, and when it is tried next. Only a folder that is certainly gone, and
/// was so when it was asked before, comes to its end by that.
async fn put_off(
    round: &Round<'_>,
    folder: &mut Row<FolderState>,
    purpose: WalkPurpose,
    error: GraphError,
) -> Result<(), RoundError> {
    if error.concerns_mailbox() {
        return Err(error.into());
    }
    let (mailbox, now) = (round.mailbox.id, round.app.clock.now());
    tracing::warn!(mailbox.id = %mailbox, folder.id = %folder.value.id(), error = %ErrorChain(&error), "a folder can't be listed");
    let walk = match purpose.walk_of(&folder.value) {
        Some(walk) => walk.clone(),
        None => purpose.begin(round, &folder.value),
    };
    let before = walk.trouble.as_ref();
    let was_gone = before.is_some_and(|before| before.microsoft_code == error.code());
    // A list that is not there says nothing of its folder.
    if error.is_certainly_gone()
        && was_gone
        && matches!(round.graph_for(before).folder(&round.mailbox.user, folder.value.id()).await, Ok(None))
    {
        put(round, folder, purpose, walk.ended(now), Vec::new()).await?;
        note_list(round, &folder.value);
        return Ok(());
    }
    let is_doubtful = round.refused(before, &error) || error.may_concern_mailbox() && !round.was_served();
    let is_mailboxs = is_doubtful && !answers(round).await;
    let trouble = match is_mailboxs {
        true => Trouble::along_with_mailbox(before, &error, now),
        false => Trouble::of_list(before, &error, now),
    };
    put(round, folder, purpose, walk.failed(trouble), Vec::new()).await?;
    note_list(round, &folder.value);
    if is_mailboxs { Err(error.into()) } else { Ok(()) }
}

/// Whether Graph answers for the mailbox: then what it refuses of several folders is the matter of each.
async fn answers(round: &Round<'_>) -> bool {
    let answers = round.graph.for_helper(0).newest_folders(&round.mailbox.user).await.is_ok();
    if answers {
        round.served();
    }
    answers
}

/// Notes whether the list of a folder fails, for history or for the comparison.
fn note_list(round: &Round<'_>, folder: &FolderState) {
    let walks = [&folder.history, &folder.comparison].into_iter().flatten();
    match walks.filter_map(|walk| walk.shown_trouble().cloned()).min_by_key(|trouble| trouble.not_before) {
        Some(trouble) => round.faults().note(folder.list(), trouble),
        None => round.works(&folder.list()),
    }
}

/// Walks along one folder until its end or the end of the time.
async fn walk(
    round: &Round<'_>,
    purpose: WalkPurpose,
    folder: &mut Row<FolderState>,
    found: &mut mpsc::Sender<Batch>,
) -> Result<RoundEnd, RoundError> {
    let (table, mailbox) = (&round.app.table, round.mailbox);
    let id = folder.value.id().clone();
    let since = folder.value.baseline_since();
    let baseline = Baseline::load(table, mailbox.firm, mailbox.id, &id, since).await?;
    let (mut next, mut idle): (Option<Link>, usize) = (None, 0);
    loop {
        if round.is_over() {
            return Ok(RoundEnd::OutOfTime);
        }
        let walk = purpose.walk_of(&folder.value).cloned();
        let walk = walk.unwrap_or_else(|| purpose.begin(round, &folder.value));
        let graph = round.graph_for(walk.trouble.as_ref());
        let listed = graph.arrivals(&mailbox.user, &id, walk.ahead(), purpose.page(), next.as_ref()).await;
        let page = match listed {
            Ok(page) => page,
            // The others can be listed all the same.
            Err(e) => {
                put_off(round, folder, purpose, e).await?;
                return Ok(RoundEnd::Finished);
            }
        };
        round.served();
        let (listed, mails) = (page.mails.len(), walk.fresh(page.mails));
        // What can't be read is counted with the walk.
        let is_idle = mails.is_empty() && page.unreadable == 0 && page.next.is_some();
        idle = if is_idle { idle + 1 } else { 0 };
        if idle > IDLE_PAGES_MAX {
            let attempted = format!("list the mails of folder {id}");
            let endless =
                GraphError::Unreadable { attempted, source: format!("there is no end to them: {listed}").into() };
            put_off(round, folder, purpose, endless).await?;
            return Ok(RoundEnd::Finished);
        }
        if idle > 0 {
            next = page.next;
            continue;
        }
        let ended = page.next.is_none();
        let listed = ListedPage { mails, unreadable: page.unreadable, ended };
        let later = take_page(round, purpose, folder, (walk, listed), &baseline, found).await?;
        if ended {
            return Ok(RoundEnd::Finished);
        }
        // Within one second only the places can tell where to go on.
        next = page.next.filter(|_| !later);
    }
}

/// What a page brought that a walk did not see before.
struct ListedPage {
    mails: Vec<Mail>,
    /// Entries of it that can't be read.
    unreadable: u64,
    /// Whether it is the last one.
    ended: bool,
}

/// Takes a page in, and commits it with its work and the walk's place. Whether the place is later than before.
async fn take_page(
    round: &Round<'_>,
    purpose: WalkPurpose,
    folder: &mut Row<FolderState>,
    (walk, page): (Walk, ListedPage),
    baseline: &Baseline,
    found: &mut mpsc::Sender<Batch>,
) -> Result<bool, RoundError> {
    let (mailbox, id, now) = (round.mailbox, folder.value.id().clone(), round.app.clock.now());
    let name = folder.value.walked_page_name(&walk);
    let (since, take, lets_lie) = match purpose {
        WalkPurpose::History { since } => (since, true, false),
        WalkPurpose::Reconcile(run) => (round.activated_at, !run.dry_run, true),
    };
    let phase = FolderPhase::Following;
    let page_of = FoundPage { name: &name, folder: &id, since, phase, take, lets_lie, rereads: false };
    let there = intake::read_known(round, page.mails.iter().map(|mail| &mail.immutable_id)).await?;
    let taken = intake::take_in(round, &page_of, &page.mails, &there, |id| baseline.saw(id)).await?;
    let work = taken.work(round, &name);
    let mut writes: Vec<Write> = work.iter().map(|item| Write::insert(item.key.clone(), &item.value)).collect();
    writes.extend(taken.counted.add_to(mailbox.firm, mailbox.id));
    let mails: Vec<(Mail, KeptStatus)> = page.mails.into_iter().zip(taken.standings).collect();
    let (mut after, later) = walk.after(&mails, page.unreadable);
    let missed = after.missed().filter(|_| page.ended);
    if let Some(missed) = &missed {
        let attempted = format!("list the mails of folder {id}");
        let error = GraphError::Unreadable { attempted, source: missed.as_str().into() };
        let anew = purpose.begin(round, &folder.value);
        after = after.again(anew, |before| Trouble::after(before, &error, now).resting(LISTED_AGAIN));
    } else if page.ended {
        after = after.ended(now);
    }
    put(round, folder, purpose, after, writes).await?;
    if missed.is_some() || round.faults().of(&folder.value.list()).is_some() {
        note_list(round, &folder.value);
    }
    for item in work {
        // Nobody listens any more only if the round is over; then the next one finds it in the table.
        let _ = found.send(Batch::found(item, mailbox.id)).await;
    }
    Ok(later)
}

/// Stores a folder's walk, together with what goes with it.
async fn put(
    round: &Round<'_>,
    folder: &mut Row<FolderState>,
    purpose: WalkPurpose,
    walk: Walk,
    mut writes: Vec<Write>,
) -> Result<(), RoundError> {
    let after = purpose.put(folder.value.clone(), walk);
    let before = std::mem::replace(&mut folder.value, after);
    writes.push(Write::replace(folder));
    if let Err(error) = round.settle(writes).await {
        // The committed folder item says how far history and reconciliation are.
        folder.value = before;
        return Err(error.into());
    }
    folder.written();
    Ok(())
}
