//! What a round of one mailbox works with, and how it can end.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use shared::{
    app::App,
    aws::{
        queue::QueueError,
        table::{Key, Row, TableError, Write},
        worker::Deadline,
    },
    base::{
        address::recipient_domain,
        id::{FolderId, MessageId},
        metric::Tally,
        telemetry::ErrorChain,
    },
    firm::{Firm, feed::FeedError, marks::Marks},
    graph::{BulkKind, Disposition, Graph, GraphError, Mail},
    mail::{
        archive_decision::{ArchiveDecision, FolderPhase, decide, is_new},
        folder::{FolderState, page_name},
        mailbox::Mailbox,
        mailbox_turn::MailboxTurn,
        message::{Message, MessageState, SeenCategories},
        rules::People,
        small_page::{SettledPages, SmallPage},
        sync_state::{KeptMarks, SyncState, UnannouncedRange},
        trouble::{Faults, MailboxPart, Trouble},
        work::{Work, WorkOutcome},
    },
};
use tokio::sync::OnceCell;

/// A mailbox that has to wait so long comes back by the schedule.
pub(crate) const WAIT_IN_QUEUE_MAX: Duration = Duration::from_secs(30);
/// A person may take a category out of the master list: it is looked at again where the last look is older than this.
const MARKS_SEEN_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The pause after another changed what this round was about to change.
const CONFLICT_PAUSE: Duration = Duration::from_secs(2);
/// So many things that Graph refuses one after the other, and nothing that it serves in between, are the mailbox
/// itself.
const REFUSED_IN_A_ROW_MAX: u32 = 2;

/// How a round ended.
pub(crate) enum RoundEnd {
    /// All that could be done is done.
    Finished,
    /// Live mail is seen to; older mail can go on.
    Behind,
    /// A notice is seen to; folders that it can't be about wait for the poll.
    Noticed,
    /// The deadline is near, and there is more to do.
    OutOfTime,
}

impl RoundEnd {
    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Behind => "behind",
            Self::Noticed => "noticed",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// Why a round did not come to its end. What it did so far stays done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    /// It goes on a little later.
    #[error("the round goes on in {0:?}")]
    Wait(Duration),
    /// Graph can't serve the mailbox, or asks to wait.
    #[error("Graph asks to wait {wait:?}")]
    Busy {
        /// How long.
        wait: Duration,
        /// Why.
        #[source]
        source: GraphError,
    },
    /// A person has to act, or Graph answered what nobody expected.
    #[error(transparent)]
    Graph(GraphError),
    /// The table.
    #[error(transparent)]
    Table(TableError),
    /// The feed or the event bus.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The queues.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl RoundError {
    /// Whether Microsoft did not answer, or is not well itself.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Busy { source, .. } if source.is_outage())
    }

    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        if matches!(self, Self::Wait(_) | Self::Busy { .. }) { "waits" } else { "failed" }
    }
}

impl From<GraphError> for RoundError {
    fn from(error: GraphError) -> Self {
        match error.disposition() {
            Disposition::RetryAfter(wait) => Self::Busy { wait, source: error },
            Disposition::Resync | Disposition::Fail | Disposition::Ask => Self::Graph(error),
        }
    }
}

impl From<TableError> for RoundError {
    fn from(error: TableError) -> Self {
        match error {
            // Another works at the same mailbox this moment, or a person changed it: look again.
            TableError::Conflict { .. } => Self::Wait(CONFLICT_PAUSE),
            other => Self::Table(other),
        }
    }
}

/// What became of the first mails that were tried again in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgainOutcome {
    /// Graph gave one out: it may give out the others, too.
    Came,
    /// Graph answered.
    Answered,
    /// Graph was silent: the others wait.
    Silent,
}

/// The mails that Graph did not give out in earlier rounds.
#[derive(Debug, Default)]
pub(crate) struct TriedAgain {
    /// Whether there are many, due or not.
    pub many: AtomicBool,
    /// None before the first were tried; held while they are.
    pub outcome: tokio::sync::Mutex<Option<AgainOutcome>>,
}

/// What a round works with.
pub(crate) struct Round<'a> {
    pub app: &'a App,
    pub mailbox: &'a Mailbox,
    pub graph: &'a Graph,
    pub deadline: &'a Deadline,
    /// Mail that arrived before is not kept.
    pub activated_at: Timestamp,
    /// When the round before looked, if this is about live mail: what was there then is no longer new.
    pub looked_before: Option<Timestamp>,
    /// The firm, as it was a moment ago.
    pub firm: &'a Firm,
    /// How mail is marked; none where it is not.
    pub marks: Option<&'a Marks>,
    /// The firm's members, as far as the rules ask for them.
    pub people: &'a People,
    /// What it does is counted here.
    pub tally: &'a Tally,
    /// Its pages that bring few mails; none in a slice of older mail, which ends without settling them.
    pub fresh: Option<SmallPages>,
    /// What it learns.
    pub notes: RoundNotes,
}

/// What a round learns while it runs, for its own decisions and for the next round.
#[derive(Default)]
pub(crate) struct RoundNotes {
    /// What fails by itself, as it was known when the round began and as it is now.
    faults: Mutex<Faults>,
    /// Facts that the event bus did not take.
    pub untold: Mutex<Option<UnannouncedRange>>,
    /// The marks whose categories this round saw to.
    kept_marks: OnceCell<KeptMarks>,
    /// What it saw on messages.
    pub known: SeenMarks,
    /// Set when Graph asked to wait, or a person has to act: nothing new is begun.
    stopped: AtomicBool,
    /// Set when a batch was refused: no more marks in this round.
    pub marking_rests: AtomicBool,
    /// How many things Graph refused since it last served one.
    pub refused_in_a_row: AtomicU32,
    /// Whether Graph served anything in this round.
    was_served: AtomicBool,
    /// Whether Microsoft did not answer, or is not well itself.
    was_silent: AtomicBool,
    /// The mails that Graph did not give out before.
    pub again: TriedAgain,
    /// Whether a folder did not fail when it was read last.
    pub some_are_well: AtomicBool,
    /// Whether more folders failed than one round tries.
    pub many_folders_fail: AtomicBool,
    /// Whether there was work when it began, or may be by now.
    pub has_work: AtomicBool,
    /// One transaction at a time changes the counts: two at once would refuse each other. With it goes, in a slice of
    /// older mail, the turn that it holds.
    settling: tokio::sync::Mutex<Option<Row<MailboxTurn>>>,
}

impl RoundNotes {
    /// Of a round of live mail that begins.
    pub fn of(sync: &SyncState) -> Self {
        let (faults, untold) = (Mutex::new(sync.faults.clone()), Mutex::new(sync.untold));
        Self { faults, untold, ..Self::default() }
    }

    /// Of a slice of older mail that begins, with the turn that it holds.
    pub fn of_slice(sync: &SyncState, turn: Row<MailboxTurn>) -> Self {
        let (faults, settling) = (Mutex::new(sync.faults.clone()), tokio::sync::Mutex::new(Some(turn)));
        Self { faults, settling, some_are_well: AtomicBool::new(true), ..Self::default() }
    }

    /// Hands what the next round is to know to its state.
    pub fn hand_over(&self, sync: &mut SyncState) {
        sync.faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sync.untold = *self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = self.kept_marks.get() {
            sync.marks = Some(kept.clone());
        }
    }
}

impl Round<'_> {
    /// Begins nothing new from now on.
    pub fn stop(&self) {
        self.notes.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new is to be begun.
    pub fn is_over(&self) -> bool {
        self.notes.stopped.load(Ordering::Relaxed) || self.deadline.is_near()
    }

    /// Makes writes that change the counts of the mailbox too: all, or none.
    ///
    /// Errors: `Conflict` if another wrote first, or if live mail took the mailbox from a slice of older mail.
    pub async fn settle(&self, mut writes: Vec<Write>) -> Result<(), TableError> {
        let mut turn = self.notes.settling.lock().await;
        writes.extend(turn.as_ref().map(Write::replace));
        let written = self.app.table.transact(writes).await;
        match (turn.as_mut(), &written) {
            (Some(turn), Ok(())) => turn.written(),
            // Without its turn a slice can commit nothing more.
            (Some(_), Err(_)) => self.stop(),
            (None, _) => {}
        }
        written
    }

    /// There is work, or may be: when it is due counts for the next round.
    pub fn expects_work(&self) {
        self.notes.has_work.store(true, Ordering::Relaxed);
    }

    /// What fails by itself.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.notes.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thing fails, and its next try is yet to come.
    pub fn rests(&self, thing: &MailboxPart) -> bool {
        self.faults().rests(thing, self.app.clock.now())
    }

    /// Whether a thing fails.
    pub fn fails(&self, thing: &MailboxPart) -> bool {
        self.faults().of(thing).is_some()
    }

    /// Whether a thing fails, and was tried more often than a passing fault explains.
    pub fn has_failed_often(&self, thing: &MailboxPart) -> bool {
        self.faults().of(thing).is_some_and(Trouble::is_stubborn)
    }

    /// Graph, for one thing among others.
    pub fn graph_for(&self, before: Option<&Trouble>) -> Graph {
        self.graph.for_one(before.map_or(0, |before| before.tries))
    }

    /// Graph, for a folder. Where many are silent or failed before, the mailbox waits for none of them much longer.
    pub fn graph_for_folder(&self, folder: &FolderState) -> Graph {
        match &folder.trouble {
            None if folder.phase == FolderPhase::Following => self.graph.for_one_of_many(BulkKind::Folders),
            Some(before) if self.notes.many_folders_fail.load(Ordering::Relaxed) => {
                self.graph.for_helper(u32::from(before.tries > 1))
            }
            before => self.graph_for(before.as_ref()),
        }
    }

    /// Graph, for the original of a mail. Where many failed before, the mailbox waits for none of them much longer.
    pub fn graph_for_mail(&self, before: Option<&Trouble>) -> Graph {
        match before {
            // New mail waits behind them where this round asks Graph for nothing else.
            Some(before) if self.notes.again.many.load(Ordering::Relaxed) => {
                self.graph.for_helper(u32::from(before.tries > 1))
            }
            Some(before) => self.graph.for_one(before.tries),
            None => self.graph.for_one_of_many(BulkKind::Originals),
        }
    }

    /// Graph, for a helper: mail does not wait for it.
    pub fn graph_for_helper(&self, helper: &MailboxPart) -> Graph {
        self.graph.for_helper(self.faults().of(helper).map_or(0, |trouble| trouble.tries))
    }

    /// Notes that a helper fails: only what it is for waits.
    pub fn failed(&self, thing: MailboxPart, error: &GraphError) {
        tracing::warn!(mailbox.id = %self.mailbox.id, ?thing, error = %ErrorChain(error), "a helper fails");
        self.note_outage(error);
        let mut faults = self.faults();
        let trouble = Trouble::after(faults.of(&thing), error, self.app.clock.now());
        faults.note(thing, trouble);
    }

    /// Notes that a thing works.
    pub fn works(&self, thing: &MailboxPart) {
        self.faults().end(thing);
    }

    /// Graph served a thing: what it refuses next is that thing's own.
    pub fn served(&self) {
        self.notes.refused_in_a_row.store(0, Ordering::Relaxed);
        self.notes.was_served.store(true, Ordering::Relaxed);
    }

    /// Whether Graph served anything in this round.
    pub fn was_served(&self) -> bool {
        self.notes.was_served.load(Ordering::Relaxed)
    }

    /// Whether Microsoft did not answer in this round, or is not well itself.
    pub fn was_silent(&self) -> bool {
        self.notes.was_silent.load(Ordering::Relaxed)
    }

    fn note_outage(&self, error: &GraphError) {
        self.notes.was_silent.fetch_or(error.is_outage(), Ordering::Relaxed);
    }

    /// Graph refused a thing, whose trouble was `before`. Whether that is the mailbox's matter: it refused another one
    /// just before. What is silent alone, while Graph answers for others, is its own matter.
    pub fn refused(&self, before: Option<&Trouble>, error: &GraphError) -> bool {
        self.note_outage(error);
        let failed_alone = before.is_some() && self.notes.some_are_well.load(Ordering::Relaxed);
        let is_alone = error.is_silent() && (failed_alone || self.was_served());
        if is_alone || !error.may_concern_mailbox() {
            return false;
        }
        self.notes.refused_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= REFUSED_IN_A_ROW_MAX
    }

    /// The trouble of a thing after `error`. Where Graph served nothing yet in this round, it may be the mailbox's:
    /// then its pauses grow little.
    pub fn trouble(&self, before: Option<&Trouble>, error: &GraphError, is_mailboxs: bool) -> Trouble {
        let now = self.app.clock.now();
        let is_own = !error.may_concern_mailbox() || self.was_served();
        match is_own && !is_mailboxs {
            true => Trouble::after(before, error, now),
            false => Trouble::along_with_mailbox(before, error, now),
        }
    }

    /// Whether Graph has no such mail, where it had none of what was asked for of it.
    pub async fn is_gone(&self, message: &Message) -> bool {
        let graph = self.graph_for(message.trouble.as_ref());
        graph.mail(&self.mailbox.user, &message.immutable_id).await.is_err_and(|error| error.is_certainly_gone())
    }

    /// Notes that a message's next step failed: it alone waits, as long as Graph asks and longer each time. Tells how
    /// often it has failed.
    pub fn put_off(&self, message: &mut Message, error: &GraphError) -> u32 {
        let trouble = Trouble::after(message.trouble.as_ref(), error, self.app.clock.now());
        let tries = trouble.tries;
        message.trouble = Some(trouble);
        tries
    }

    /// Notes how long after its arrival a live mail is archived `at`. When a mail was moved in, nobody tells: at the
    /// earliest after the look before.
    pub fn note_delay(&self, message: &Message, at: Timestamp) {
        let Some(looked_before) = self.looked_before.filter(|_| message.trouble.is_none()) else { return };
        let arrived_at = match message.state {
            MessageState::Pending => message.received_at.max(looked_before),
            _ => return,
        };
        self.tally.archived_after(at.duration_since(arrived_at).try_into().unwrap_or_default());
    }

    /// Facts of these numbers are still to be put on the event bus.
    pub fn keep_untold(&self, numbers: impl Iterator<Item = u64>) {
        let mut untold = self.notes.untold.lock().unwrap_or_else(PoisonError::into_inner);
        for number in numbers {
            let this = UnannouncedRange { from: number, to: number };
            *untold = Some(untold.map_or(this, |untold| untold.and(this)));
        }
    }

    /// Makes sure that the mailbox has the categories of the marks, once in a round that marks. Without the right to,
    /// the marks still show, without colour; so they do while the list can't be had. `before`: what was known when the
    /// round began.
    pub async fn keep_marks(&self, marks: &Marks, before: Option<&KeptMarks>) {
        let (now, wanted) = (self.app.clock.now(), [marks.received.clone(), marks.filed.clone()]);
        let kept = before.filter(|kept| kept.marks == wanted);
        if kept.is_some_and(|kept| kept.seen_at + MARKS_SEEN_PAUSE > now) || self.rests(&MailboxPart::Categories) {
            return;
        }
        let keep = async || {
            // The firm chose another colour: that is told from a colour that the person chose.
            let recolored = before.map_or(&[][..], |before| &before.marks);
            let graph = self.graph_for_helper(&MailboxPart::Categories);
            graph.keep_categories(&self.mailbox.user, &wanted, recolored).await?;
            Ok::<_, GraphError>(KeptMarks { marks: wanted.clone(), seen_at: now })
        };
        match self.notes.kept_marks.get_or_try_init(keep).await {
            Ok(_) => self.works(&MailboxPart::Categories),
            Err(error) => self.failed(MailboxPart::Categories, &error),
        }
    }

    /// Decides about a mail that is not known yet: what [`decide`] would have kept, a rule may skip. A mail of which
    /// nobody says when it arrived is not new.
    pub fn decide(
        &self,
        mail: &Mail,
        received_at: Option<Timestamp>,
        since: Timestamp,
        phase: FolderPhase,
        seen: bool,
    ) -> ArchiveDecision {
        let recipients = || recipient_domain(mail.recipients.iter().map(String::as_str));
        let now = self.app.clock.now();
        let is_new = received_at.is_some_and(|at| is_new(at, since, now));
        match decide(mail, is_new, phase, seen) {
            ArchiveDecision::Archive => {
                let rules = &self.mailbox.rules;
                let skips = rules.skips(self.people, mail.from.as_deref(), recipients().as_deref());
                skips.map_or(ArchiveDecision::Archive, ArchiveDecision::Skip)
            }
            other => other,
        }
    }
}

/// The indexes of the messages that `is_one` is true of.
pub(crate) fn indexes(messages: &[Row<Message>], is_one: impl Fn(usize, &Message) -> bool) -> BTreeSet<usize> {
    messages.iter().enumerate().filter(|(i, row)| is_one(*i, &row.value)).map(|(i, _)| i).collect()
}

/// The pages of a round that bring few mails, and what becomes of their mails.
#[derive(Debug)]
pub(crate) struct SmallPages {
    /// What was settled when the round began.
    settled: SettledPages,
    found: Mutex<FoundPages>,
}

#[derive(Debug, Default)]
struct FoundPages {
    pages: Vec<(FolderId, SmallPage)>,
    fates: HashMap<String, WorkOutcome>,
}

impl SmallPages {
    /// Of a round that begins.
    pub fn new(settled: SettledPages) -> Self {
        Self { settled, found: Mutex::default() }
    }

    /// Whether the folder's next page can be one.
    pub fn admit(&self, folder: &FolderState) -> bool {
        let is_free = folder.fresh.as_ref().is_none_or(|page| self.settled.has(folder.id(), page));
        is_free && self.settled.admits(folder.id(), folder.pages)
    }

    /// The folder's page that a round before this one left unsettled.
    pub fn left<'f>(&self, folder: &'f FolderState) -> Option<&'f SmallPage> {
        folder.fresh.as_ref().filter(|page| !self.settled.has(folder.id(), page))
    }

    /// A page that is to be settled.
    pub fn note(&self, folder: FolderId, page: SmallPage) {
        self.found().pages.push((folder, page));
    }

    /// What became of some mails.
    pub fn end(&self, fates: Vec<(MessageId, WorkOutcome)>) {
        self.found().fates.extend(fates.into_iter().map(|(id, fate)| (id.local(), fate)));
    }

    /// Settles in `sync` what is not settled there, and returns the work that is left.
    pub fn settle(&self, mailbox: &Mailbox, sync: &mut SyncState) -> Vec<Row<Work>> {
        let found = self.found();
        let mut left = Vec::new();
        for (folder, page) in &found.pages {
            if sync.settled.note(folder, page) {
                let (work, counted) = page.settled(|thing| found.fates.get(thing).copied());
                sync.counts = sync.counts + counted;
                let key = || Key::work(mailbox.firm, mailbox.id, &format!("{}#0", page_name(folder, page.number)));
                left.extend(work.map(|work| Row::inserted(key(), work)));
            }
        }
        left
    }

    fn found(&self) -> MutexGuard<'_, FoundPages> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The categories that this round saw on messages, so that marking them asks for nothing.
#[derive(Default)]
pub(crate) struct SeenMarks(Mutex<HashMap<MessageId, SeenCategories>>);

impl SeenMarks {
    /// Remembers what a mail that was just told bears.
    pub fn remember(&self, id: MessageId, mail: &Mail) {
        self.seen().insert(id, SeenCategories::on(mail));
    }

    /// What is remembered of it.
    pub fn of(&self, id: MessageId) -> Option<SeenCategories> {
        self.seen().get(&id).cloned()
    }

    /// Forgets it: somebody changed it since.
    pub fn forget(&self, id: MessageId) {
        self.seen().remove(&id);
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<MessageId, SeenCategories>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
