//! One round of one mailbox: look, take in what is new, finish what is open.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{
    StreamExt as _,
    channel::mpsc::{UnboundedSender, unbounded},
    join, stream,
};
use jiff::Timestamp;
use shared::{
    access::connector::{Access, Connector, ConnectorState},
    app::App,
    aws::{
        queue::Job,
        secrets::{MacKey, NOTIFICATION_KEY, SecretError},
        table::{Key, Row, TableError, Write},
        worker::Deadline,
    },
    base::{address::recipient_domain, config::ConfigError, metric::Tally, telemetry::Chain},
    firm::{Firm, feed::FeedError, marks::Marks},
    graph::{Disposition, Graph, GraphError, Mail, SUBSCRIPTION_LIFETIME},
    mail::{
        delta::{Decision, Phase, decide},
        folder::FolderState,
        mailbox::{HeldSubscription, KeptMarks, Kind, Mailbox, MailboxState, Progress, Sync},
        notification::client_state,
        rules::People,
        work::Work,
    },
};
use tokio::sync::OnceCell;

use crate::{
    advance::{self, Known},
    behind,
    discover::{self, Read},
    follow,
};

/// A mailbox whose notices come is looked at this often all the same.
const POLL_PAUSE_NOTIFIED: Duration = Duration::from_secs(15 * 60);
/// A mailbox without notices is looked at this often while there is something in it.
const POLL_PAUSE_LIVELY: Duration = Duration::from_secs(60);
/// The same after it has long been quiet.
const POLL_PAUSE_QUIET: Duration = Duration::from_secs(10 * 60);
/// Up to so many folders a notice has all of them read; of more, those in which the newest mails lie.
const FOLDERS_READ_AT_ONCE: usize = 8;
/// A subscription is renewed this long before it ends.
const RENEWAL_MARGIN: Duration = Duration::from_secs(48 * 3600);
/// A person may take a category out of the master list: it is looked at again where the last look is older than this.
const MARKS_SEEN_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Clocks of two functions differ by less than this.
const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// The pause after another changed what this round was about to change.
const CONFLICT_PAUSE: Duration = Duration::from_secs(2);

/// How a round ended.
pub(crate) enum Outcome {
    /// All that could be done is done.
    Finished,
    /// Live mail is seen to; what waits for it has more to do.
    Behind,
    /// A notice is seen to; folders that it can't be about wait for the poll.
    Noticed,
    /// The deadline is near, and there is more to do.
    OutOfTime,
}

impl Outcome {
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
    /// Graph asks to wait.
    #[error("Graph asks to wait {0:?}")]
    Wait(Duration),
    /// A person has to act, or Graph answered what nobody expected.
    #[error(transparent)]
    Graph(GraphError),
    /// The table.
    #[error(transparent)]
    Table(TableError),
    /// The feed or the event bus.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The notification key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Nobody said where notices go.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl RoundError {
    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        if matches!(self, Self::Wait(_)) { "waits" } else { "failed" }
    }
}

impl From<GraphError> for RoundError {
    fn from(error: GraphError) -> Self {
        match error.disposition() {
            Disposition::RetryAfter(wait) => Self::Wait(wait),
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

/// What a round works with.
pub(crate) struct Round<'a> {
    pub app: &'a App,
    pub mailbox: &'a Mailbox,
    pub graph: &'a Graph,
    pub deadline: &'a Deadline,
    /// Mail that arrived before is not kept.
    pub activated_at: Timestamp,
    /// How mail is marked; none where it is not.
    pub marks: Option<&'a Marks>,
    /// The marks whose categories this round saw to.
    kept_marks: &'a OnceCell<KeptMarks>,
    /// The firm's members, as far as the rules ask for them.
    people: &'a People,
    /// What it does is counted here.
    pub tally: &'a Tally,
    /// Set when Graph asked to wait, or a person has to act: nothing new is begun.
    stopped: AtomicBool,
}

/// The folders that were read, as they are then.
struct Discovered {
    folders: Vec<Row<FolderState>>,
    /// Whether these are all that are kept.
    all: bool,
}

/// Serves `job`, unless a round that began after it was sent has done so.
pub(crate) async fn run(app: &App, job: &Job, deadline: &Deadline, tally: &Tally) -> Result<Outcome, RoundError> {
    let began_at = app.clock.now();
    let Some(mailbox) = Mailbox::find(&app.table, job.firm, job.mailbox).await?.map(|row| row.value) else {
        return Ok(Outcome::Finished);
    };
    let (MailboxState::Active, Some(activated_at)) = (mailbox.state, mailbox.activated_at) else {
        return Ok(Outcome::Finished);
    };
    let sync_key = Key::sync(job.firm, job.mailbox);
    let Some(sync) = app.table.get::<Sync>(&sync_key).await? else { return Ok(Outcome::Finished) };
    if sync.value.round_began_at.is_some_and(|began| began - CLOCK_SKEW > job.sent_at) && !job.subscription {
        return Ok(Outcome::Finished);
    }
    // A notice changes nothing about what a person has to do first; the delta tells of its mail once that is done.
    if sync.value.waits(began_at) {
        return Ok(Outcome::Finished);
    }
    let firm = Firm::find(&app.table, job.firm).await?;
    let connector = Connector::find(&app.table, job.firm, mailbox.connector).await?.map(|row| row.value);
    let (Some(firm), Some(connector)) = (firm, connector) else { return Ok(Outcome::Finished) };

    let graph = app.graph(&connector).having_spent(sync.value.spent.clone());
    let marks = (connector.mark && mailbox.rules.mark).then(|| firm.marks());
    let kept_marks = OnceCell::new();
    let people = People::of(&app.table, firm.id, &mailbox.rules).await?;
    let mut next = sync.value.clone();
    let round = Round {
        app,
        mailbox: &mailbox,
        graph: &graph,
        deadline,
        activated_at,
        marks: marks.as_ref(),
        kept_marks: &kept_marks,
        people: &people,
        tally,
        stopped: AtomicBool::new(false),
    };
    // While a person had to act, nobody looked at what Graph said of the subscription.
    let look = job.subscription || sync.value.problem.is_some();
    let result = round.work(&connector, &mut next, look).await;
    next.marks = kept_marks.into_inner().or(next.marks);
    let result = match result {
        Err(RoundError::Graph(error)) if error.disposition() == Disposition::Ask => {
            next.problem = Some(connector.note(app, &error, next.problem.as_ref()).await?);
            Ok(Outcome::Finished)
        }
        other => {
            if other.is_ok() {
                next.problem = None;
                if connector.state == ConnectorState::ActionRequired {
                    connector.recovered(&app.feed, &app.table, app.clock.now()).await?;
                }
            }
            other
        }
    };
    next.spent = graph.spent();
    if matches!(result, Ok(Outcome::Finished | Outcome::Behind | Outcome::Noticed)) {
        next.round_began_at = Some(began_at);
    }
    next = match result {
        Ok(Outcome::Finished | Outcome::Noticed) => {
            let at = next_due(app, &mailbox, &next).await?;
            next.due_by(at, app.clock.now())
        }
        // Its next round is no answer to a notice: it reads all folders, and goes on with what waits.
        Ok(Outcome::Behind) => next.due(app.clock.now()),
        Ok(Outcome::OutOfTime) | Err(_) => next,
    };
    if result.is_ok() && next.wants_pace(app.clock.now()) && !matches!(result, Ok(Outcome::Finished)) {
        next.note_pace(app.clock.now(), Progress::read(&app.table, job.firm, job.mailbox).await?.archived);
    }
    if next != sync.value {
        write_sync(app, sync, next).await?;
    }
    result
}

impl Round<'_> {
    /// Begins nothing new from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new is to be begun.
    pub fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.deadline.is_near()
    }

    async fn work(&self, connector: &Connector, sync: &mut Sync, look: bool) -> Result<Outcome, RoundError> {
        self.keep_subscribed(connector, sync, look).await?;
        let known = Known::default();
        let now = self.app.clock.now();
        let (firm, mailbox) = (self.mailbox.firm, self.mailbox.id);
        let mut open = Work::of(&self.app.table, firm, mailbox).await?;
        open.retain(|item| item.value.not_before.is_none_or(|at| at <= now));
        let (behind, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|item| Work::is_behind(item, firm, mailbox));
        // What is found is worked at while more is found; discovery waits for nobody.
        let (found, works) = unbounded();
        let items = stream::iter(Work::together(open)).chain(works.map(|item| vec![item]));
        let advance = advance::all(self, items, &known, sync.marks.clone());
        let (discovered, advanced) = join!(self.discover_all(sync, look, &known, found), advance);
        match (discovered?, advanced?) {
            (Some(Discovered { folders, all: true }), Outcome::Finished) => {
                self.go_on_behind(sync, folders, behind).await
            }
            (Some(Discovered { all: false, .. }), Outcome::Finished) => Ok(Outcome::Noticed),
            _ => Ok(Outcome::OutOfTime),
        }
    }

    /// Goes on with what waits for live mail, for a short time. If it has to wait itself, live mail does not wait with it.
    async fn go_on_behind(
        &self,
        sync: &mut Sync,
        folders: Vec<Row<FolderState>>,
        open: Vec<Row<Work>>,
    ) -> Result<Outcome, RoundError> {
        let now = self.app.clock.now();
        if sync.behind_at.is_some_and(|at| at > now) {
            return Ok(Outcome::Finished);
        }
        sync.behind_at = None;
        let graph = self.graph.behind();
        let deadline = self.deadline.or_after(behind::SLICE);
        let slice = Round { graph: &graph, deadline: &deadline, stopped: AtomicBool::new(false), ..*self };
        match Box::pin(behind::run(&slice, sync, folders, open)).await {
            Ok(Outcome::OutOfTime) => Ok(Outcome::Behind),
            Err(RoundError::Wait(wait)) => {
                sync.behind_at = Some(self.app.clock.now() + wait);
                Ok(Outcome::Finished)
            }
            other => other,
        }
    }

    /// Discovers, and returns the folders as they are then; none if the time was too short. Nothing new is begun after a reason
    /// to stop.
    async fn discover_all(
        &self,
        sync: &mut Sync,
        look: bool,
        known: &Known,
        found: UnboundedSender<Row<Work>>,
    ) -> Result<Option<Discovered>, RoundError> {
        let discovered = self.discover(sync, look, known, found).await;
        if discovered.is_err() {
            self.stop();
        }
        discovered
    }

    /// Reads all folders that are kept; after a notice, where there are many, those that it can be about. `look` is for all.
    async fn discover(
        &self,
        sync: &mut Sync,
        look: bool,
        known: &Known,
        found: UnboundedSender<Row<Work>>,
    ) -> Result<Option<Discovered>, RoundError> {
        let noticed = !look && !sync.is_due(self.app.clock.now());
        let mut folders = follow::folders(self, sync).await?;
        let all = !noticed || folders.len() <= FOLDERS_READ_AT_ONCE;
        if !all {
            let newest = self.graph.newest_folders(&self.mailbox.user).await?;
            folders.retain(|folder| newest.contains(folder.value.id()));
        }
        let Some((mut read, mut told)) = self.read(folders, sync, known, &found).await? else { return Ok(None) };
        if !told && noticed && follow::look_again(self, sync) {
            let mut folders = follow::folders(self, sync).await?;
            folders.retain(|folder| read.iter().all(|other| other.value.id() != folder.value.id()));
            let Some((more, told_more)) = self.read(folders, sync, known, &found).await? else { return Ok(None) };
            read.extend(more);
            told |= told_more;
        }
        sync.quiet_rounds = if told { 0 } else { sync.quiet_rounds.saturating_add(1) };
        Ok(Some(Discovered { folders: read, all }))
    }

    /// Reads these folders; those that could be read, as they are then, and whether any of them told of anything.
    async fn read(
        &self,
        folders: Vec<Row<FolderState>>,
        sync: &mut Sync,
        known: &Known,
        found: &UnboundedSender<Row<Work>>,
    ) -> Result<Option<(Vec<Row<FolderState>>, bool)>, RoundError> {
        let (mut read, mut told_any) = (Vec::with_capacity(folders.len()), false);
        for folder in folders {
            match discover::folder(self, folder, known, found).await? {
                Read::Complete { row, told } => {
                    told_any |= told;
                    read.push(*row);
                }
                // The tree tells what became of it.
                Read::Unreadable => sync.follow_at = sync.follow_at.map(|_| self.app.clock.now()),
                Read::OutOfTime => return Ok(None),
            }
        }
        Ok(Some((read, told_any)))
    }

    /// Makes, renews or replaces the subscription that tells of new mail. Where there can be none, polls have to do.
    async fn keep_subscribed(&self, connector: &Connector, sync: &mut Sync, look: bool) -> Result<(), RoundError> {
        // A signed-in user may subscribe to the own mailbox only, whatever rights there are on others.
        if connector.access == Access::Delegated && self.mailbox.kind == Kind::Shared {
            return Ok(());
        }
        let now = self.app.clock.now();
        let ends = now + SUBSCRIPTION_LIFETIME;
        let renewed = match &sync.subscription {
            Some(held) if !look && held.expires_at - RENEWAL_MARGIN > now => return Ok(()),
            Some(held) if held.expires_at > now => self.graph.renew(&held.id, ends).await.map(Some),
            _ => Ok(None),
        };
        let granted = match renewed {
            Ok(Some(renewed)) => Ok(renewed),
            Ok(None) => self.subscribe(ends).await?,
            Err(e) if e.is_gone() => self.subscribe(ends).await?,
            Err(e) => Err(e),
        };
        match granted {
            Ok(granted) => sync.subscription = Some(HeldSubscription::from(granted)),
            Err(e) if matches!(e.disposition(), Disposition::RetryAfter(_)) => return Err(e.into()),
            Err(e @ GraphError::Token { .. }) => return Err(e.into()),
            // Without a subscription mail is still found, by polls.
            Err(error) => {
                tracing::warn!(mailbox.id = %self.mailbox.id, error = %Chain(&error), "no subscription");
                sync.subscription = None;
            }
        }
        Ok(())
    }

    async fn subscribe(&self, ends: Timestamp) -> Result<Result<shared::graph::Subscription, GraphError>, RoundError> {
        let key = MacKey::new(&self.app.secrets.read(NOTIFICATION_KEY).await?);
        let state = client_state(&key, self.mailbox.firm, self.mailbox.id);
        Ok(self.graph.subscribe(&self.mailbox.user, self.app.config.webhook_url()?, &state, ends).await)
    }

    /// Makes sure that the mailbox has the categories of the marks, once in a round that marks. Without the right to, the
    /// marks still show, without colour. `before`: what was known when the round began.
    pub async fn keep_marks(&self, marks: &Marks, before: Option<&KeptMarks>) -> Result<(), RoundError> {
        let (now, wanted) = (self.app.clock.now(), [marks.received.clone(), marks.filed.clone()]);
        let kept = before.filter(|kept| kept.marks == wanted);
        if kept.is_some_and(|kept| kept.seen_at + MARKS_SEEN_PAUSE > now) {
            return Ok(());
        }
        let keep = async || {
            // The firm chose another colour: that is told from a colour that the person chose.
            let recolored = before.map_or(&[][..], |before| &before.marks);
            self.graph.keep_categories(&self.mailbox.user, &wanted, recolored).await?;
            Ok::<_, RoundError>(KeptMarks { marks: wanted.clone(), seen_at: now })
        };
        self.kept_marks.get_or_try_init(keep).await.map(drop)
    }

    /// Decides about a mail that is not known yet: what [`decide`] would have kept, a rule may skip.
    pub fn decide(&self, mail: &Mail, received_at: Timestamp, since: Timestamp, phase: Phase, seen: bool) -> Decision {
        let recipients = || recipient_domain(mail.recipients.iter().map(String::as_str));
        match decide(mail, received_at, since, phase, seen) {
            Decision::Keep => {
                let rules = &self.mailbox.rules;
                let skips = rules.skips(self.people, mail.from.as_deref(), recipients().as_deref());
                skips.map_or(Decision::Keep, Decision::Skip)
            }
            other => other,
        }
    }
}

/// When the mailbox is looked at next: a safety net where notices come, and never after the next try of what failed.
async fn next_due(app: &App, mailbox: &Mailbox, sync: &Sync) -> Result<Timestamp, RoundError> {
    let now = app.clock.now();
    if let Some(problem) = &sync.problem {
        return Ok(now + problem.pause(now));
    }
    let poll = now + poll_pause(sync.subscription.is_some(), sync.quiet_rounds);
    let work = Work::of(&app.table, mailbox.firm, mailbox.id).await?;
    // What could not be done although nothing asked to wait is tried again soon; what waits behind live mail has its own time.
    let is_open = |row: &Row<Work>| row.value.not_before.is_none() && !Work::is_behind(row, mailbox.firm, mailbox.id);
    let open = work.iter().any(is_open).then(|| now + POLL_PAUSE_LIVELY);
    let due =
        work.iter().filter_map(|row| row.value.not_before).chain(open).chain(sync.reconcile_at).chain(sync.behind_at);
    Ok(due.fold(poll, Timestamp::min))
}

/// How long until the next poll: a mailbox without notices is polled less and less often as long as it is quiet.
fn poll_pause(notified: bool, quiet_rounds: u32) -> Duration {
    match notified {
        true => POLL_PAUSE_NOTIFIED,
        false => POLL_PAUSE_LIVELY.saturating_mul(1 << quiet_rounds.min(8)).min(POLL_PAUSE_QUIET),
    }
}

/// Writes down what the round found. If the mailbox was activated or paused meanwhile, that stands, and the rest is added.
async fn write_sync(app: &App, read: Row<Sync>, next: Sync) -> Result<(), RoundError> {
    let key = read.key.clone();
    match app.table.write(Write::replace(&read.with(next.clone()))).await {
        Err(TableError::Conflict { .. }) => {
            let Some(row) = app.table.get::<Sync>(&key).await? else { return Ok(()) };
            let merged = row.value.clone().with_findings_of(&next);
            Ok(app.table.write(Write::replace(&row.with(merged))).await?)
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_without_notices_is_polled_often_when_lively_and_less_when_quiet() {
        let minutes = |quiet| poll_pause(false, quiet).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 4, 5, 1_000].map(minutes), [1, 2, 4, 8, 10, 10, 10]);
        assert_eq!(poll_pause(true, 0), POLL_PAUSE_NOTIFIED);
    }
}
