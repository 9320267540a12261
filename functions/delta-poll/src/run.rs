//! One round of one mailbox: look, take in what is new, finish what is open.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use futures::{
    channel::mpsc::{UnboundedSender, unbounded},
    join,
};
use jiff::Timestamp;
use shared::{
    access::connector::{Connector, ConnectorState},
    app::App,
    aws::{
        queue::MailboxJob,
        table::{Key, Row, Write},
        worker::Deadline,
    },
    base::{
        clock::CLOCK_SKEW,
        id::FolderId,
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::Firm,
    graph::{Disposition, NewestFolders},
    mail::{
        archive_decision::FolderPhase,
        folder::FolderState,
        mailbox::{Mailbox, MailboxState},
        mailbox_progress::Progress,
        mailbox_turn::MailboxTurn,
        sync_state::{HeldSubscription, KeptMarks, Preparing, SlowestAnswer, SyncState, UnannouncedRange},
        trouble::{MailboxPart, Trouble},
        walk::SETTLED_AFTER,
        work::Work,
    },
};

use crate::{
    archiving::TRIED_AGAIN_FIRST,
    deleted_mailbox,
    delta_pages::{self, FolderRead, PAGES_MAX},
    folder_tree,
    message_steps::{self, Batch},
    round::{Round, RoundEnd, RoundError, RoundNotes, SmallPages, WAIT_IN_QUEUE_MAX},
    walks,
};

/// How often all folders of a mailbox are read whose notices arrive.
const POLL_PAUSE_NOTIFIED: Duration = Duration::from_secs(60 * 60);
/// Pause between polls of a subscribed mailbox whose notices are doubted.
const POLL_PAUSE_DOUBTED: Duration = Duration::from_secs(15 * 60);
/// How long notices are doubted after a poll found mail that none announced.
const DOUBTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a mailbox without notices is read while mail arrives.
const POLL_PAUSE_LIVELY: Duration = Duration::from_secs(60);
/// Pause between polls of a mailbox without a subscription after a long time without mail.
const POLL_PAUSE_QUIET: Duration = Duration::from_secs(10 * 60);
/// A notice has all folders read if there are at most so many; else those in which the newest mails lie.
const ALL_FOLDERS_READ_MAX: usize = 8;
/// A mail may appear so much later than its time of arrival.
const ARRIVAL_MARGIN: Duration = Duration::from_secs(60);
/// Failing folders that one round tries: new mail of the others waits for its end.
const FAILING_READ_MAX: usize = 3;
/// The pause before delta is asked again after a notice that nothing explains.
const SECOND_LOOK_PAUSE: Duration = Duration::from_secs(5);
/// Older mail that is not done after this time is given to its functions once more.
const GIVEN_AGAIN_AFTER: Duration = Duration::from_secs(2 * 3600);
/// The longest pause between two tries of a mailbox while Microsoft does not answer.
pub const OUTAGE_PAUSE_MAX: Duration = Duration::from_secs(4 * 60);
/// Over this time the mailboxes of a connector come back that Microsoft did not answer.
pub const SILENCE_SPREAD: Duration = Duration::from_secs(60);

/// The delay before a folder is listed, after its mails are old enough, if delta had entries that could not be read.
const LISTED_AFTER: Duration = Duration::from_secs(60);

/// What discovery came to.
struct Discovered {
    /// The folders that are kept, as they are then.
    folders: Vec<Row<FolderState>>,
    /// Whether all of them were to be read.
    all: bool,
    /// Whether none was left for want of time.
    in_time: bool,
    /// Whether a notice, and not the time of the poll, was the reason.
    noticed: bool,
    /// Whether any folder reported anything.
    told: bool,
}

/// Serves `job`, unless a round that began after it was sent has done so. If older mail is worked at, this round takes
/// its turn first.
pub(crate) async fn run(
    app: &App,
    job: &MailboxJob,
    deadline: &Deadline,
    tally: &Tally,
) -> Result<RoundEnd, RoundError> {
    let began_at = app.clock.now();
    let Some(row) = Mailbox::find_for_round(&app.table, job.firm, job.mailbox).await? else {
        return deleted_mailbox::run(app, job, deadline).await;
    };
    let (MailboxState::Active, Some(activated_at)) = (row.value.state, row.value.activated_at) else {
        return Ok(RoundEnd::Finished);
    };
    let sync_key = Key::sync(job.firm, job.mailbox);
    let Some(sync) = app.table.get::<SyncState>(&sync_key).await? else { return Ok(RoundEnd::Finished) };
    if sync.value.round_began_at.is_some_and(|began| began - CLOCK_SKEW > job.sent_at) && !job.subscription {
        return Ok(RoundEnd::Finished);
    }
    // A notice changes nothing about what a person has to do first; the delta tells of its mail once that is done.
    if sync.value.waits(began_at) {
        return Ok(RoundEnd::Finished);
    }
    if let Some(wait) = sync.value.yields(job.sent_at, began_at).filter(|_| !job.subscription) {
        // Its job stays in the queue: what is left to the schedule begins no round, and a job that says that the
        // subscription needs a look would end unread.
        return Err(RoundError::Wait(wait.min(WAIT_IN_QUEUE_MAX - Duration::from_secs(1))));
    }
    let takes_turn = sync.value.older.is_some();
    if takes_turn {
        MailboxTurn::take(&app.table, job.firm, job.mailbox, deadline.ends()).await?;
    }
    let ended = Box::pin(run_round(app, job, (row, activated_at), sync, deadline, tally)).await;
    if takes_turn {
        MailboxTurn::give_back(&app.table, job.firm, job.mailbox).await?;
    }
    ended
}

/// Looks at an active mailbox.
async fn run_round(
    app: &App,
    job: &MailboxJob,
    (row, activated_at): (Row<Mailbox>, Timestamp),
    sync: Row<SyncState>,
    deadline: &Deadline,
    tally: &Tally,
) -> Result<RoundEnd, RoundError> {
    let (began_at, mailbox) = (app.clock.now(), row.value.clone());
    // As they were a moment ago: what is written to them is under a condition.
    let firm = app.table.get_eventually::<Firm>(&Key::firm(job.firm)).await?.map(|row| row.value);
    let connector = app.table.get_eventually::<Connector>(&Key::connector(job.firm, mailbox.connector)).await?;
    let (Some(firm), Some(connector)) = (firm.filter(|firm| firm.ended_at.is_none()), connector) else {
        // The firm or the connector was deleted, and that request has not paused this mailbox yet.
        Mailbox::pause(row, &app.table).await?;
        return Ok(RoundEnd::Finished);
    };
    let silence = connector.value.silence.as_ref();
    if let Some(wait) = silence.and_then(|silence| silence.waits(mailbox.id, began_at)) {
        return Err(RoundError::Wait(wait + app.random.jitter(SILENCE_SPREAD)));
    }
    let connector = Connector::probe(connector, &app.table, mailbox.id, began_at).await?;
    let graph = app.graph(&connector).having_spent(sync.value.spent.clone()).until(deadline.last_byte());
    let graph = graph.expecting(sync.value.slowest.into());
    // A slice that is under way may ask still.
    let graph = if sync.value.older.is_some() { graph.sharing() } else { graph };
    let marks = (connector.mark && mailbox.rules.mark).then(|| firm.marks());
    let people = app.people.of(&app.table, firm.id, &mailbox.rules, began_at).await?;
    let round = Round {
        app,
        mailbox: &mailbox,
        graph: &graph,
        deadline,
        activated_at,
        looked_before: sync.value.round_began_at,
        firm: &firm,
        marks: marks.as_ref(),
        people: &people,
        tally,
        fresh: Some(SmallPages::new(sync.value.settled.clone())),
        notes: RoundNotes::of(&sync.value),
    };
    let mut next = sync.value.clone();
    let result = round.look(&connector, &mut next, job).await?;
    round.end(job, began_at, sync, next, &result).await?;
    result
}

impl Round<'_> {
    /// Looks, and notes what that says of the mailbox and of its connector.
    async fn look(
        &self,
        connector: &Connector,
        next: &mut SyncState,
        job: &MailboxJob,
    ) -> Result<Result<RoundEnd, RoundError>, RoundError> {
        let (app, mailbox) = (self.app, self.mailbox.id);
        // While a person had to act, nobody looked at what Graph said of the subscription.
        let checks = job.subscription || next.problem.is_some();
        let mut result = self.work(connector, next, job, checks).await;
        self.note_mailbox(&mut result);
        let is_silent = result.as_ref().is_err_and(RoundError::is_outage) || self.was_silent();
        match (self.was_served(), is_silent) {
            (false, true) => connector.note_silence(&app.table, Some(mailbox), app.clock.now()).await?,
            (true, _) if connector.silence.is_some() => {
                connector.note_silence(&app.table, None, app.clock.now()).await?;
            }
            _ => {}
        }
        self.notes.hand_over(next);
        next.spent = self.graph.spent();
        next.slowest = SlowestAnswer::after(next.slowest, self.graph.slowest());
        match result {
            Err(RoundError::Graph(error)) if error.disposition() == Disposition::Ask => {
                next.problem = Some(connector.note(app, &error, next.problem.as_ref()).await?);
                return Ok(Ok(RoundEnd::Finished));
            }
            // Where nothing was asked, nothing is known either.
            Ok(_) if self.was_served() => {
                next.problem = None;
                if connector.state == ConnectorState::ActionRequired {
                    connector.recovered(&app.feed, &app.table, app.clock.now()).await?;
                }
            }
            _ => {}
        }
        Ok(result)
    }

    /// Stores what the next round is to know and when it is due, and gives older mail to its function.
    async fn end(
        &self,
        job: &MailboxJob,
        began_at: Timestamp,
        sync: Row<SyncState>,
        mut next: SyncState,
        result: &Result<RoundEnd, RoundError>,
    ) -> Result<(), RoundError> {
        let (app, now) = (self.app, self.app.clock.now());
        let gives = matches!(result, Ok(RoundEnd::Behind));
        if gives {
            next.older = Some(now);
        }
        if matches!(result, Ok(RoundEnd::Finished | RoundEnd::Behind | RoundEnd::Noticed)) {
            next.note_round(began_at, now);
            let (left, has_work) = (self.settle_pages(&mut next.clone()), self.notes.has_work.load(Ordering::Relaxed));
            let at = next_due(app, self.mailbox, &next, (has_work, left)).await?;
            next = next.due_by(at, now);
        }
        if next.wants_pace(now) && matches!(result, Ok(RoundEnd::Behind | RoundEnd::Noticed | RoundEnd::OutOfTime)) {
            let counted = Progress::read(&app.table, job.firm, job.mailbox).await?.archived + next.counts.archived;
            next.note_pace(now, counted);
        }
        self.write_sync(sync, next).await?;
        if gives {
            // If this function dies here, it is given once more in some hours.
            let older =
                MailboxJob { older: true, ..MailboxJob::new(job.firm, job.mailbox, app.clock.now(), job.cause) };
            app.older_queue.send(&older).await?;
        }
        Ok(())
    }

    /// Writes down what the round found, and settles its pages that brought few mails. What others wrote meanwhile
    /// stands, and the rest is added.
    async fn write_sync(&self, mut read: Row<SyncState>, round: SyncState) -> Result<(), RoundError> {
        let table = &self.app.table;
        let (key, before, mut tries) = (read.key.clone(), read.value.clone(), table.tries());
        let mut next = round.clone();
        loop {
            let left = self.settle_pages(&mut next);
            if next == read.value {
                return Ok(());
            }
            let mut writes = vec![Write::replace(&read.with(next))];
            writes.extend(left.iter().map(|item| Write::insert(item.key.clone(), &item.value)));
            match table.transact(writes).await {
                Err(error) if tries.again(&error).await => {}
                written => return Ok(written?),
            }
            let Some(row) = table.get::<SyncState>(&key).await? else { return Ok(()) };
            next = row.value.clone().with_findings_of(&before, &round);
            read = row;
        }
    }

    /// Settles the pages that brought few mails, and returns the work that is left of them.
    fn settle_pages(&self, sync: &mut SyncState) -> Vec<Row<Work>> {
        self.fresh.as_ref().map(|fresh| fresh.settle(self.mailbox, sync)).unwrap_or_default()
    }

    async fn work(
        &self,
        connector: &Connector,
        sync: &mut SyncState,
        job: &MailboxJob,
        look: bool,
    ) -> Result<RoundEnd, RoundError> {
        let id_of = |held: &Option<HeldSubscription>| held.as_ref().map(|held| held.id.clone());
        // A new one is made before the folders are read, because a notice tells only of what comes after. One that is
        // renewed, or could not be made before, is seen to meanwhile.
        let before = sync.subscription.clone();
        let comes_first = self.lacks_subscription(before.as_ref()) && !self.fails(&MailboxPart::Notifications);
        if comes_first {
            sync.subscription = self.subscription(connector, before.as_ref(), look).await;
            if id_of(&sync.subscription) != id_of(&before) {
                sync.poll_at = None;
            }
        }
        let held = sync.subscription.clone();
        self.tell_again().await;
        let (now, quiet_before) = (self.app.clock.now(), sync.quiet_rounds);
        let (polls, prepares) = (sync.polls(now), sync.preparing.is_some());
        let (firm, mailbox) = (self.mailbox.firm, self.mailbox.id);
        let known = FolderState::all(&self.app.table, firm, mailbox).await?;
        let unsettled = self.unsettled(&known);
        let mut open = Work::of(&self.app.table, firm, mailbox).await?;
        if !open.is_empty() {
            self.expects_work();
        }
        let waiting = open.iter().filter(|item| item.value.not_before.is_some()).map(|item| &item.value);
        let waiting: usize =
            waiting.map(|work| work.things().iter().filter(|thing| !work.is_kept(thing)).count()).sum();
        self.notes.again.many.store(waiting > TRIED_AGAIN_FIRST, Ordering::Relaxed);
        open.retain(|item| item.value.not_before.is_none_or(|at| at <= now));
        let (behind, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|item| Work::is_behind(item, firm, mailbox));
        // What is found is worked at while more is found; discovery waits for nobody.
        let (found, works) = unbounded();
        let together = Work::together(open).into_iter().map(|work| Batch::left(work, mailbox));
        let left = unsettled.into_iter().chain(together).collect();
        let advance = message_steps::settle_work(self, left, works, sync.marks.clone());
        let subscription =
            async { if comes_first { held.clone() } else { self.subscription(connector, held.as_ref(), look).await } };
        let discover = self.discover_all(sync, known, (look, job.notice), found);
        let (discovered, advanced, subscription) = join!(discover, advance, subscription);
        // No notice announced what came in between.
        let is_another = subscription.is_some() && id_of(&subscription) != id_of(&held);
        sync.subscription = subscription;
        let (Discovered { folders, all, in_time, noticed, told }, advanced) = (discovered?, advanced?);
        // A round that asked only for folders that fail says nothing of the tenant. Where others are well, the mailbox
        // itself is asked.
        let is_doubtful =
            self.was_silent() && !self.was_served() && folders.iter().any(|row| row.value.trouble.is_none());
        if is_doubtful && self.graph_for_helper(&MailboxPart::Newest).newest_folders(&self.mailbox.user).await.is_ok() {
            self.served();
        }
        // Of notices that come together, the first round finds what all of them are about; and a folder whose first
        // round is not complete tells of its mail later.
        let explained = explains(self.looked_before, quiet_before, job)
            || folders.iter().any(|row| row.value.phase == FolderPhase::Baseline);
        if noticed && job.notice && !told && !explained && sync.second_look != Some(job.sent_at) {
            // Delta may be a little behind its own notices.
            sync.second_look = Some(job.sent_at);
            return Err(RoundError::Wait(SECOND_LOOK_PAUSE));
        }
        if polls && !look && !job.notice && self.tally.of(Counter::MessagesFound) > 0 {
            if !prepares && sync.subscription.is_some() {
                sync.doubted_until = Some(now + DOUBTED_FOR);
            }
            if self.doubts_subscription(sync) {
                sync.subscription = self.subscription(connector, sync.subscription.as_ref(), true).await;
            }
        }
        if noticed && !in_time {
            // What was not read is nobody's newest mail any more.
            sync.poll_at = None;
        }
        if (polls || look) && in_time {
            // Of many folders a notice has some read only.
            let certain = folders.len() <= ALL_FOLDERS_READ_MAX && !self.fails(&MailboxPart::Notifications);
            let pause = poll_pause(sync, certain, now);
            // Up to a tenth sooner: mailboxes that were due together part.
            sync.poll_at = Some(now + pause + pause / 10 - self.app.random.jitter(pause / 5));
        }
        if is_another {
            sync.poll_at = Some(now + SECOND_LOOK_PAUSE);
        }
        if !self.was_silent() {
            self.try_helpers_again(sync.marks.as_ref()).await?;
        }
        match advanced {
            RoundEnd::Finished if in_time && all => {
                let long_ago = sync.older.is_none_or(|at| at + GIVEN_AGAIN_AFTER <= self.app.clock.now());
                match long_ago && walks::is_ahead(self, sync, &folders, &behind) {
                    true => Ok(RoundEnd::Behind),
                    false => Ok(RoundEnd::Finished),
                }
            }
            RoundEnd::Finished if in_time => Ok(RoundEnd::Noticed),
            _ => Ok(RoundEnd::OutOfTime),
        }
    }

    /// Tries the helpers that fail and that nothing in this round needed: what is shown of them goes by itself.
    async fn try_helpers_again(&self, kept_marks: Option<&KeptMarks>) -> Result<(), RoundError> {
        match self.marks {
            Some(marks) => {
                if self.fails(&MailboxPart::Categories) {
                    self.keep_marks(marks, kept_marks).await;
                }
                // Graph may have set marks that it refused: the messages show them. What this round put off is not
                // among the work yet.
                let is_over = self.fails(&MailboxPart::Marks) && !self.rests(&MailboxPart::Marks);
                if is_over && !self.has_marks_ahead().await? {
                    self.works(&MailboxPart::Marks);
                }
            }
            None => [MailboxPart::Categories, MailboxPart::Marks].iter().for_each(|part| self.works(part)),
        }
        if self.fails(&MailboxPart::Newest) {
            self.newest_folders().await?;
        }
        Ok(())
    }

    /// Whether the mark of a message waits.
    async fn has_marks_ahead(&self) -> Result<bool, RoundError> {
        let work = Work::of(&self.app.table, self.mailbox.firm, self.mailbox.id).await?;
        Ok(work.iter().any(|row| row.value.has_marks_ahead()))
    }

    /// The work of pages that brought few mails, and that the round died at which was to settle them.
    fn unsettled(&self, folders: &[Row<FolderState>]) -> Vec<Batch> {
        let Some(fresh) = &self.fresh else { return Vec::new() };
        let left = folders.iter().filter_map(|row| Some((row.value.id(), fresh.left(&row.value)?)));
        let left = left.filter_map(|(folder, page)| {
            fresh.note(folder.clone(), page.clone());
            Batch::left_fresh(page.work().messages(self.mailbox.id))
        });
        left.collect()
    }

    /// Notes what a round says of the mailbox as a whole. The longer Microsoft answers nothing, the longer it waits;
    /// some things that fail while others do not are no reason to.
    fn note_mailbox(&self, result: &mut Result<RoundEnd, RoundError>) {
        match result {
            Err(RoundError::Busy { wait, source }) if !source.is_own_pace() => {
                self.failed(MailboxPart::Mailbox, source);
                let pause = self.faults().of(&MailboxPart::Mailbox).map(|trouble| trouble.pause(self.app.clock.now()));
                if source.is_outage() && !self.was_served() {
                    *wait = (*wait).max(pause.unwrap_or_default().min(OUTAGE_PAUSE_MAX));
                }
            }
            Ok(_) if self.was_served() => self.works(&MailboxPart::Mailbox),
            _ => {}
        }
    }

    /// Puts facts on the event bus that it did not take when they were recorded. If it does not take them now, they
    /// wait.
    async fn tell_again(&self) {
        let range = *self.notes.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(UnannouncedRange { from, to }) = range else { return };
        let mailbox = self.mailbox.id;
        match self.app.feed.announce_again(self.mailbox.firm, (from, to), |what| what.is_of(mailbox)).await {
            Ok(next) => {
                let rest = next.map(|from| UnannouncedRange { from, to });
                *self.notes.untold.lock().unwrap_or_else(PoisonError::into_inner) = rest;
            }
            Err(error) => {
                tracing::error!(mailbox.id = %mailbox, error = %ErrorChain(&error), "facts still wait for the event bus");
            }
        }
    }

    /// Discovers. Nothing new is begun after a reason to stop.
    async fn discover_all(
        &self,
        sync: &mut SyncState,
        known: Vec<Row<FolderState>>,
        asked: (bool, bool),
        found: UnboundedSender<Batch>,
    ) -> Result<Discovered, RoundError> {
        let discovered = self.discover(sync, known, asked, found).await;
        if discovered.is_err() {
            self.stop();
        }
        discovered
    }

    /// Reads all folders that are kept; after a notice, where there are many, those that it can be about; where neither
    /// a poll nor a notice is the reason, those that were never read, failed, or are kept again. `look` is for all,
    /// also for those that rest after a failure.
    async fn discover(
        &self,
        sync: &mut SyncState,
        known: Vec<Row<FolderState>>,
        (look, notice): (bool, bool),
        found: UnboundedSender<Batch>,
    ) -> Result<Discovered, RoundError> {
        let now = self.app.clock.now();
        let polls = look || sync.polls(now);
        let noticed = !polls && (notice || !sync.is_due(now));
        let kept_before = folder_tree::kept(self, &known);
        let mut folders = folder_tree::read_kept_folders(self, sync, known).await?;
        // If the tree can't be read, the folders show whether that is the mailbox's matter.
        let polls = polls || (!noticed && self.fails(&MailboxPart::Tree));
        let newest = match noticed && folders.len() > ALL_FOLDERS_READ_MAX {
            true => self.newest_folders().await?,
            false => None,
        };
        let all = newest.is_none();
        let is_unread = |row: &&Row<FolderState>| row.value.is_unread() || !kept_before.contains(row.value.id());
        let unread: BTreeSet<FolderId> = folders.iter().filter(is_unread).map(id_of).collect();
        let is_meant = |id: &FolderId| match &newest {
            Some(newest) => newest.contains(id) || unread.contains(id),
            None => polls || noticed || unread.contains(id),
        };
        let unreadable_before = unreadable(&folders);
        let mut reading = self.read(&mut folders, is_meant, look, &found).await?;
        if !reading.told && reading.in_time && noticed && folder_tree::look_again(self, sync) {
            let read: BTreeSet<FolderId> =
                folders.iter().map(|row| row.value.id().clone()).filter(|id| is_meant(id)).collect();
            let known = FolderState::all(&self.app.table, self.mailbox.firm, self.mailbox.id).await?;
            folders = folder_tree::read_kept_folders(self, sync, known).await?;
            let more = self.read(&mut folders, |id| !read.contains(id), look, &found).await?;
            reading = FolderReading { told: more.told, in_time: more.in_time };
        }
        let FolderReading { told, in_time } = reading;
        if unreadable(&folders) > unreadable_before {
            let soon = now + SETTLED_AFTER + LISTED_AFTER;
            sync.reconcile_at = Some(sync.reconcile_at.map_or(soon, |at| at.min(soon)));
        }
        if folders.iter().any(|row| row.value.trouble.as_ref().is_some_and(Trouble::is_gone)) {
            // The tree tells what became of it.
            sync.follow_at = sync.follow_at.map(|_| self.app.clock.now());
        }
        self.faults().retain_folders(|id| folders.iter().any(|row| row.value.id() == id));
        let ready = folders.iter().filter(|row| row.value.phase == FolderPhase::Following).count();
        let (ready, all_kept) = (u32::try_from(ready), u32::try_from(folders.len()));
        let preparing = Preparing { ready: ready.unwrap_or(u32::MAX), folders: all_kept.unwrap_or(u32::MAX) };
        sync.preparing = (preparing.ready < preparing.folders || preparing.folders == 0).then_some(preparing);
        if polls || noticed {
            sync.quiet_rounds = if told { 0 } else { sync.quiet_rounds.saturating_add(1) };
        }
        Ok(Discovered { folders, all, in_time, noticed, told })
    }

    /// The folders in which the newest mails lie; none where that can't be found out, so that all are read.
    async fn newest_folders(&self) -> Result<Option<BTreeSet<FolderId>>, RoundError> {
        if self.rests(&MailboxPart::Newest) {
            return Ok(None);
        }
        match self.graph_for_helper(&MailboxPart::Newest).newest_folders(&self.mailbox.user).await {
            Ok(NewestFolders { folders, back_to }) => {
                self.works(&MailboxPart::Newest);
                // Folders that are silent then are no matter of the mailbox.
                self.served();
                // Of more mails than that, some came before the oldest of these.
                let reaches =
                    |back_to: Timestamp| self.looked_before.is_some_and(|before| back_to + ARRIVAL_MARGIN < before);
                Ok(back_to.is_none_or(reaches).then_some(folders))
            }
            Err(error) if error.concerns_mailbox() => Err(error.into()),
            Err(error) => {
                self.failed(MailboxPart::Newest, &error);
                Ok(None)
            }
        }
    }

    /// Reads those of these folders that are meant. One that fails keeps that to itself, and is read after the others
    /// next time. Of many that fail, some are tried; once one of these works again, the next ones are, whether they
    /// rest or not.
    async fn read(
        &self,
        folders: &mut [Row<FolderState>],
        is_meant: impl Fn(&FolderId) -> bool,
        look: bool,
        found: &UnboundedSender<Batch>,
    ) -> Result<FolderReading, RoundError> {
        let now = self.app.clock.now();
        let failed = folders.iter().filter(|row| row.value.trouble.is_some()).count();
        self.notes.some_are_well.store(failed < folders.len(), Ordering::Relaxed);
        self.notes.many_folders_fail.store(failed > FAILING_READ_MAX, Ordering::Relaxed);
        let mut order: Vec<usize> = (0..folders.len()).filter(|i| is_meant(folders[*i].value.id())).collect();
        order.sort_by_key(|i| folders[*i].value.trouble.as_ref().map(|trouble| trouble.not_before));
        let well = order.iter().filter(|i| folders[**i].value.trouble.is_none()).count();
        let due = order.iter().filter(|i| look || !folders[**i].value.rests(now)).count();
        let mut later = order.split_off(if look { due } else { due.min(well + FAILING_READ_MAX) });
        let mut tried = order[well..].to_vec();
        let mut reading = self.read_in_order(folders, order, found).await?;
        // What one of them failed by may be over for the others, too.
        while !later.is_empty() && tried.iter().any(|i| folders[*i].value.trouble.is_none()) {
            let rest = later.split_off(later.len().min(FAILING_READ_MAX));
            tried = std::mem::replace(&mut later, rest);
            reading = reading.and(self.read_in_order(folders, tried.clone(), found).await?);
        }
        Ok(reading)
    }

    /// Reads the folders at these indexes. The first round of each is begun before any other goes on: what is moved
    /// from then on was moved in. If it has more than a page, older mail goes on with it.
    async fn read_in_order(
        &self,
        folders: &mut [Row<FolderState>],
        order: Vec<usize>,
        found: &UnboundedSender<Batch>,
    ) -> Result<FolderReading, RoundError> {
        let (first, following): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|i| folders[*i].value.phase == FolderPhase::Baseline);
        let mut reading = FolderReading { told: false, in_time: true };
        let is_begun = |i: &usize| folders[*i].value.link.is_some();
        let unbegun: Vec<usize> = first.into_iter().filter(|i| !is_begun(i)).collect();
        for read in delta_pages::read_folders(self, folders, &unbegun, 1, found).await? {
            reading.note(read);
        }
        for read in delta_pages::read_folders(self, folders, &following, PAGES_MAX, found).await? {
            reading.note(read);
            reading.in_time &= read != FolderRead::More;
        }
        Ok(reading)
    }
}

/// How many entries could not be understood, of all folders.
fn unreadable(folders: &[Row<FolderState>]) -> u64 {
    folders.iter().map(|row| row.value.unreadable).sum()
}

fn id_of(row: &Row<FolderState>) -> FolderId {
    row.value.id().clone()
}

/// How the reading of some folders went.
#[derive(Debug, Clone, Copy)]
struct FolderReading {
    /// Whether any reported anything.
    told: bool,
    /// Whether none was left for want of time.
    in_time: bool,
}

impl FolderReading {
    /// Both.
    fn and(self, other: Self) -> Self {
        Self { told: self.told || other.told, in_time: self.in_time && other.in_time }
    }

    fn note(&mut self, read: FolderRead) {
        match read {
            FolderRead::Complete { told } => self.told |= told,
            FolderRead::OutOfTime => self.in_time = false,
            FolderRead::More | FolderRead::Failed => {}
        }
    }
}

/// When the mailbox is looked at next: a safety net where notices come, and never after the next try of what failed.
/// Work is read only where the round knows of some: what others add meanwhile comes with a job of its own. `left`: what
/// it is about to add itself.
/// While older mail is with its functions, it is they who say when it goes on.
async fn next_due(
    app: &App,
    mailbox: &Mailbox,
    sync: &SyncState,
    (has_work, left): (bool, Vec<Row<Work>>),
) -> Result<Timestamp, RoundError> {
    let now = app.clock.now();
    if let Some(problem) = &sync.problem {
        return Ok(now + problem.pause(now));
    }
    // The tree is looked at more often than its folders are read.
    let looks = sync.poll_at.into_iter().chain(sync.follow_at).filter(|at| *at > now);
    let look = looks.min().unwrap_or(now + POLL_PAUSE_DOUBTED);
    let mut work = match has_work {
        true => Work::of(&app.table, mailbox.firm, mailbox.id).await?,
        false => Vec::new(),
    };
    work.extend(left);
    work.retain(|row| sync.older.is_none() || !Work::is_behind(row, mailbox.firm, mailbox.id));
    // What could not be done although nothing asked to wait is tried again soon; what waits behind live mail has its
    // own time.
    let is_open = |row: &Row<Work>| row.value.not_before.is_none() && !Work::is_behind(row, mailbox.firm, mailbox.id);
    let open = work.iter().any(is_open).then(|| now + POLL_PAUSE_LIVELY);
    let untold = sync.untold.map(|_| now + POLL_PAUSE_LIVELY);
    let due = work.iter().filter_map(|row| row.value.not_before).chain(open).chain(untold);
    let older = sync.reconcile_at.into_iter().chain(sync.faults.lists_due());
    // What has passed and was not begun waits for something else.
    let older = older.map(|at| if at > now { at } else { now + POLL_PAUSE_LIVELY });
    let older = older.chain(sync.behind_at.filter(|at| *at > now)).filter(|_| sync.older.is_none());
    let due = due.chain(sync.faults.due()).chain(older);
    // The queue takes what is due at one and the same time for one job.
    Ok(due.fold(look, Timestamp::min).max(now))
}

/// Whether the previous round explains a notice: it started (`began`) after the notice was sent, and it found changes.
fn explains(began: Option<Timestamp>, quiet_rounds: u32, job: &MailboxJob) -> bool {
    quiet_rounds == 0 && began.is_some_and(|began| began >= job.sent_at)
}

/// How long until the next poll: a mailbox without notices is polled less and less often as long as it is quiet.
/// `certain`: whether each notice has all folders read. Pure.
fn poll_pause(sync: &SyncState, certain: bool, now: Timestamp) -> Duration {
    let is_doubted = sync.doubted_until.is_some_and(|until| until > now);
    match &sync.subscription {
        Some(_) if is_doubted || !certain => POLL_PAUSE_DOUBTED,
        Some(_) => POLL_PAUSE_NOTIFIED,
        None => POLL_PAUSE_LIVELY.saturating_mul(1 << sync.quiet_rounds.min(8)).min(POLL_PAUSE_QUIET),
    }
}

#[cfg(test)]
mod tests {
    use shared::mail::sync_state::HeldSubscription;

    use super::*;

    #[test]
    fn a_mailbox_without_notices_is_polled_often_when_lively_and_less_when_quiet() {
        let minutes = |quiet| {
            let mut sync = SyncState::default();
            sync.quiet_rounds = quiet;
            poll_pause(&sync, true, Timestamp::UNIX_EPOCH).as_secs() / 60
        };
        assert_eq!([0, 1, 2, 3, 4, 5, 1_000].map(minutes), [1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn a_mailbox_whose_notices_come_is_polled_hourly_and_four_times_as_often_while_there_is_a_doubt() {
        let now = Timestamp::UNIX_EPOCH;
        let mut sync = SyncState::default();
        sync.subscription =
            Some(HeldSubscription { id: "s".parse().unwrap(), expires_at: now, url: None, seen_at: None });
        assert_eq!(poll_pause(&sync, true, now), POLL_PAUSE_NOTIFIED);
        assert_eq!(poll_pause(&sync, false, now), POLL_PAUSE_DOUBTED);
        sync.doubted_until = Some(now + DOUBTED_FOR);
        assert_eq!(poll_pause(&sync, true, now), POLL_PAUSE_DOUBTED);
        assert_eq!(poll_pause(&sync, true, now + DOUBTED_FOR), POLL_PAUSE_NOTIFIED);
    }
}
