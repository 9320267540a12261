//! Behind live mail: the history that was granted, and the comparison of the folders with the archive. Both walk along the
//! folders for a bounded time, then give way; what a walk finds goes the way of all mail.

use std::{collections::HashMap, time::Duration};

use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, channel::mpsc, join, stream};
use jiff::Timestamp;
use shared::{
    aws::table::{Key, Row, Write},
    base::{
        id::{FolderId, MessageId},
        telemetry::Chain,
    },
    graph::{Arrivals, Disposition, Link, Mail},
    mail::{
        delta::{Baseline, Decision, Phase},
        folder::FolderState,
        mailbox::{Progress, Sync},
        message::{Message, State},
        walk::{HistoryProgress, Reconciliation, Standing, Tally, Walk, standing},
        work::Work,
    },
};

use crate::{
    advance::{self, Known},
    discover,
    round::{Outcome, Round, RoundError},
};

/// What waits for live mail runs this long at a time; then its job goes to the end of the queue.
pub(crate) const SLICE: Duration = Duration::from_secs(20);
/// Mails listed by one request of history: few enough that little has to be asked again after an interruption.
const HISTORY_PAGE: usize = 200;
/// The same of a comparison, which mostly finds nothing: as many as Graph gives.
const COMPARISON_PAGE: usize = 1_000;
/// A comparison looks at no mail that is younger: delta may still be about to tell of it.
const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);
/// A comparison each day, or so: between half of this and the whole of it after the one before.
const COMPARISON_PAUSE: Duration = Duration::from_secs(32 * 3600);
/// Items of work that wait while some are worked at.
const WORK_AHEAD: usize = 4;
/// Messages written side by side.
const WRITES_AT_ONCE: usize = 16;

/// What walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Takes in what arrived before the activation, as far as it was granted.
    History { since: Timestamp },
    /// Finds what was missed, and takes it in unless it is a dry run.
    Reconcile(Reconciliation),
}

impl Purpose {
    fn walk_of(self, folder: &FolderState) -> Option<&Walk> {
        match self {
            Self::History { since } => folder.history.as_ref().filter(|walk| walk.run == since),
            Self::Reconcile(run) => folder.comparison.as_ref().filter(|walk| walk.run == run.run),
        }
    }

    fn is_done(self, folder: &FolderState) -> bool {
        self.walk_of(folder).is_some_and(|walk| walk.ended_at.is_some())
    }

    fn begin(self, round: &Round<'_>) -> Walk {
        match self {
            Self::History { since } => Walk::new(since, Arrivals { since, until: round.activated_at }),
            Self::Reconcile(run) => {
                Walk::new(run.run, Arrivals { since: Timestamp::UNIX_EPOCH, until: run.run - SETTLED_AFTER })
            }
        }
    }

    fn put(self, folder: FolderState, walk: Walk) -> FolderState {
        match self {
            Self::History { .. } => FolderState { history: Some(walk), ..folder },
            Self::Reconcile(_) => FolderState { comparison: Some(walk), ..folder },
        }
    }

    fn page(self) -> usize {
        match self {
            Self::History { .. } => HISTORY_PAGE,
            Self::Reconcile(_) => COMPARISON_PAGE,
        }
    }
}

/// Goes on with what waits, for a bounded time; `open` is its work from before, `folders` are those that were just read.
pub(crate) async fn run(
    round: &Round<'_>,
    sync: &mut Sync,
    mut folders: Vec<Row<FolderState>>,
    open: Vec<Row<Work>>,
) -> Result<Outcome, RoundError> {
    let now = round.app.clock.now();
    folders.retain(|folder| folder.value.phase == Phase::Following);
    let history = round.mailbox.history.map(|history| Purpose::History { since: history.from });
    let running = sync.reconciliation.filter(|run| run.ended_at.is_none());
    let reconciliation = match (running, sync.reconcile_at) {
        (None, Some(at)) if at <= now => Some(Reconciliation { run: now, dry_run: false, ended_at: None }),
        (running, _) => running,
    };
    if sync.reconcile_at.is_none_or(|at| at <= now) {
        sync.reconcile_at = Some(now + round.app.random.jitter(COMPARISON_PAUSE));
    }
    sync.reconciliation = reconciliation.or(sync.reconciliation);
    let purposes: Vec<Purpose> = history.into_iter().chain(reconciliation.map(Purpose::Reconcile)).collect();
    let ahead = |folder: &Row<FolderState>| purposes.iter().any(|purpose| !purpose.is_done(&folder.value));
    if open.is_empty() && !folders.iter().any(ahead) {
        note(round, sync, &folders, now);
        return Ok(Outcome::Finished);
    }

    let known = Known::default();
    let (found, works) = mpsc::channel(WORK_AHEAD);
    let items = stream::iter(open).chain(works).map(|item| vec![item]);
    let advance = advance::all(round, items, &known, sync.marks.clone());
    let (walked, advanced) = join!(walk_all(round, &purposes, &mut folders, &known, found), advance);
    note(round, sync, &folders, round.app.clock.now());
    match (walked?, advanced?) {
        (Outcome::Finished, Outcome::Finished) => Ok(Outcome::Finished),
        _ => Ok(Outcome::OutOfTime),
    }
}

/// Writes down how far history and reconciliation are.
fn note(round: &Round<'_>, sync: &mut Sync, folders: &[Row<FolderState>], now: Timestamp) {
    if let Some(history) = round.mailbox.history {
        let purpose = Purpose::History { since: history.from };
        let walks: Vec<Option<&Walk>> = folders.iter().map(|folder| purpose.walk_of(&folder.value)).collect();
        let tally: Tally = walks.iter().flatten().map(|walk| walk.tally).fold(Tally::default(), |a, b| a + b);
        sync.history = Some(HistoryProgress {
            since: history.since,
            total: walks.iter().map(|walk| walk.and_then(|walk| walk.total)).sum(),
            listed: tally.listed,
            found: tally.found,
            done: walks.iter().all(|walk| walk.is_some_and(|walk| walk.ended_at.is_some())),
        });
    }
    if let Some(run) = sync.reconciliation.filter(|run| run.ended_at.is_none())
        && folders.iter().all(|folder| Purpose::Reconcile(run).is_done(&folder.value))
    {
        sync.reconciliation = Some(Reconciliation { ended_at: Some(now), ..run });
        let walks = folders.iter().filter_map(|folder| Purpose::Reconcile(run).walk_of(&folder.value));
        let tally: Tally = walks.map(|walk| walk.tally).fold(Tally::default(), |a, b| a + b);
        tracing::info!(
            mailbox.id = %round.mailbox.id, run.dry_run, tally.listed, tally.due, tally.kept, tally.found, "reconciled"
        );
    }
}

/// Walks along the folders, one after the other. First the history of all is counted, so that its end can be told.
async fn walk_all(
    round: &Round<'_>,
    purposes: &[Purpose],
    folders: &mut [Row<FolderState>],
    known: &Known,
    mut found: mpsc::Sender<Row<Work>>,
) -> Result<Outcome, RoundError> {
    let walked = async {
        for purpose in purposes {
            if let Purpose::History { .. } = purpose {
                for folder in folders.iter_mut() {
                    if round.is_over() {
                        return Ok(Outcome::OutOfTime);
                    }
                    count(round, *purpose, folder).await?;
                }
            }
            for folder in folders.iter_mut().filter(|folder| !purpose.is_done(&folder.value)) {
                if let Outcome::OutOfTime = walk(round, *purpose, folder, known, &mut found).await? {
                    return Ok(Outcome::OutOfTime);
                }
            }
        }
        Ok(Outcome::Finished)
    };
    let walked = walked.await;
    if walked.is_err() {
        round.stop();
    }
    walked
}

/// Counts what a walk of history will list.
async fn count(round: &Round<'_>, purpose: Purpose, folder: &mut Row<FolderState>) -> Result<(), RoundError> {
    if purpose.walk_of(&folder.value).is_some() {
        return Ok(());
    }
    let walk = purpose.begin(round);
    let id = folder.value.id();
    let total = match round.graph.count_arrivals(&round.mailbox.user, id, walk.ahead()).await {
        Ok(total) => Some(total),
        // The walk itself will say what is wrong.
        Err(e) if e.disposition() == Disposition::Fail => None,
        Err(e) => return Err(e.into()),
    };
    put(round, folder, purpose, walk.counted(total), Vec::new()).await
}

/// Walks along one folder until its end or the end of the time.
async fn walk(
    round: &Round<'_>,
    purpose: Purpose,
    folder: &mut Row<FolderState>,
    known: &Known,
    found: &mut mpsc::Sender<Row<Work>>,
) -> Result<Outcome, RoundError> {
    let (table, mailbox) = (&round.app.table, round.mailbox);
    let id = folder.value.id().clone();
    let baseline = Baseline::load(table, mailbox.firm, mailbox.id, &id).await?;
    let mut next: Option<Link> = None;
    loop {
        if round.is_over() {
            return Ok(Outcome::OutOfTime);
        }
        let walk = purpose.walk_of(&folder.value).cloned().unwrap_or_else(|| purpose.begin(round));
        let listed = round.graph.arrivals(&mailbox.user, &id, walk.ahead(), purpose.page(), next.as_ref()).await;
        let page = match listed {
            Ok(page) => page,
            // The folder is gone or can't be read; the others can.
            Err(e) if e.disposition() == Disposition::Fail => {
                tracing::warn!(mailbox.id = %mailbox.id, folder.id = %id, error = %Chain(&e), "a folder can't be listed");
                let ended = walk.ended(round.app.clock.now());
                put(round, folder, purpose, ended, Vec::new()).await?;
                return Ok(Outcome::Finished);
            }
            Err(e) => return Err(e.into()),
        };
        let mails = walk.fresh(page.mails);
        let name = folder.value.walked_page_name(&walk);
        let Intake { standings, work, writes } = take_in(round, purpose, &id, &mails, &baseline, known, &name).await?;
        let mails: Vec<(Mail, Standing)> = mails.into_iter().zip(standings).collect();
        let (mut after, later) = walk.after(&mails);
        let ended = page.next.is_none();
        if ended {
            after = after.ended(round.app.clock.now());
        }
        put(round, folder, purpose, after, writes).await?;
        for item in work {
            // Nobody listens any more only if the round is over; then the next one finds it in the table.
            let _ = found.send(item).await;
        }
        if ended {
            return Ok(Outcome::Finished);
        }
        // Within one second only the places can tell where to go on.
        next = page.next.filter(|_| !later);
    }
}

/// Stores a folder's walk, together with what goes with it.
async fn put(
    round: &Round<'_>,
    folder: &mut Row<FolderState>,
    purpose: Purpose,
    walk: Walk,
    mut writes: Vec<Write>,
) -> Result<(), RoundError> {
    folder.value = purpose.put(folder.value.clone(), walk);
    writes.push(Write::replace(folder));
    round.app.table.transact(writes).await?;
    folder.written();
    Ok(())
}

/// What a page came to: how each mail stands, the work it makes, and the writes that go with it in one transaction.
struct Intake {
    standings: Vec<Standing>,
    work: Vec<Row<Work>>,
    writes: Vec<Write>,
}

/// Holds a page against the archive and the baseline, and writes what is missing as pending.
async fn take_in(
    round: &Round<'_>,
    purpose: Purpose,
    folder: &FolderId,
    mails: &[Mail],
    baseline: &Baseline,
    known: &Known,
    name: &str,
) -> Result<Intake, RoundError> {
    let (firm, mailbox, table) = (round.mailbox.firm, round.mailbox.id, &round.app.table);
    let ids: Vec<MessageId> = mails.iter().map(|mail| MessageId::of(mailbox, &mail.immutable_id)).collect();
    let keys: Vec<Key> = ids.iter().map(|id| Key::message(firm, *id)).collect();
    let there: HashMap<MessageId, Row<Message>> =
        table.get_all::<Message>(&keys).await?.into_iter().map(|row| (row.value.id, row)).collect();
    let dry_run = matches!(purpose, Purpose::Reconcile(run) if run.dry_run);

    let (mut standings, mut to_write, mut work) = (Vec::new(), Vec::new(), Vec::new());
    let mut progress = Progress::default();
    for (mail, id) in mails.iter().zip(&ids) {
        let before = there.get(id);
        let taken = discover::is_taken(round, before, mail, name).await?;
        let received_at = mail.received_at.unwrap_or(round.activated_at);
        let lay_there = baseline.saw(&mail.immutable_id);
        let (since, seen) = match purpose {
            Purpose::History { since } => (since, false),
            Purpose::Reconcile(_) => (round.activated_at, lay_there),
        };
        let decision = round.decide(mail, received_at, since, Phase::Following, seen);
        let stands = standing(before.map(|row| &row.value).filter(|_| taken), decision);
        standings.push(stands);
        let state = match decision {
            _ if taken || dry_run => continue,
            Decision::AlreadyThere => continue,
            Decision::Keep => State::Pending,
            Decision::Skip(reason) => State::Skipped { reason },
        };
        progress.discovered += 1;
        progress.skipped_already_there -= i64::from(lay_there);
        discover::uncount_draft(before, name, &mut progress);
        match state {
            State::Skipped { reason } => *progress.skipped(reason) += 1,
            _ => {
                work.push(*id);
                known.remember(*id, mail);
            }
        }
        let message = Message::found(*id, mail, folder.clone(), received_at, name.to_owned(), state);
        to_write.push(match before {
            Some(row) => Write::replace(&row.clone().with(message)),
            None => Write::insert(Key::message(firm, *id), &message),
        });
    }
    let to_write: Vec<_> = to_write.into_iter().map(|write| table.write(write)).collect();
    stream::iter(to_write).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
    let work = Work::items(firm, mailbox, name, &work);
    let mut writes: Vec<Write> = work.iter().map(|item| Write::insert(item.key.clone(), &item.value)).collect();
    writes.extend(progress.add_to(firm, mailbox));
    Ok(Intake { standings, work, writes })
}
