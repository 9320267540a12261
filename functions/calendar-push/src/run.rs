//! One round of one member: finish open work, compare, finish the work that the comparison found.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use jiff::Timestamp;
use shared::{
    access::{
        connector::{Access, Connector},
        connector_watch,
    },
    app::App,
    aws::{
        queue::PushJob,
        table::{Key, Row, TableError, Write},
        worker::{Deadline, RoundOutcome},
    },
    base::{
        clock::CLOCK_SKEW,
        id::{EntryId, EntryKind, MemberId},
        telemetry::ErrorChain,
    },
    firm::{
        Firm,
        member::{Member, MemberAccount, PushDue},
    },
    graph::{GraphError, ItemContainers, OutlookItemKind},
    mail::work::WORK_THINGS_MAX,
    problem::{Code, NotedProblem, of_refused_service},
    push::{Copy, Failing, Outbox, Outlook, PushChoice, PushNews, PushWork},
};

use crate::{
    copy_steps, repair,
    round::{Block, CHECK_PAUSE, CONFLICT_PAUSE, PushError, Round, concerns_all, keep},
};

/// What was pushed to a member who is no more is removed for so long, where access allows it again; then it stays
/// there.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);

impl Round<'_> {
    /// Works through all that is open. Entries are read after the work was listed, so what is open is seen to by it.
    async fn drain(&self) -> Result<RoundOutcome, PushError> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let now = self.app.clock.now();
        let mut open = open_work(self.app, self.outlook.firm, self.outlook.member).await?;
        let is_due = |work: &PushWork| work.work.not_before.is_none_or(|at| at <= now);
        open.retain(|item| is_due(&item.value) && !self.is_blocked(item.value.kind()));
        self.hand_on_what_began(&mut open).await?;
        copy_steps::settle_work(self, open).await
    }

    /// An entry that one item began may be taken by another now, which has to look for it just so: they were made by
    /// many clocks, and come in any order.
    async fn hand_on_what_began(&self, open: &mut [Row<PushWork>]) -> Result<(), TableError> {
        let begun = open.iter().filter(|item| item.value.began).flat_map(|item| item.value.entries());
        let begun: HashSet<EntryId> = begun.collect();
        let shares = |work: &PushWork| !work.began && work.entries().iter().any(|entry| begun.contains(entry));
        for item in open.iter_mut().filter(|item| shares(&item.value)) {
            item.value.began = true;
            self.app.table.write(Write::replace(item)).await?;
            item.written();
        }
        Ok(())
    }

    /// Open work comes first; then the Outlook is compared, and the differences are corrected.
    async fn visit(&self, outbox: &mut Outbox) -> Result<RoundOutcome, PushError> {
        if self.drain().await? == RoundOutcome::OutOfTime {
            return Ok(RoundOutcome::OutOfTime);
        }
        if self.frees_held_back() && self.drain().await? == RoundOutcome::OutOfTime {
            return Ok(RoundOutcome::OutOfTime);
        }
        if repair::compare_outlook(self, outbox).await? && self.drain().await? == RoundOutcome::OutOfTime {
            return Ok(RoundOutcome::OutOfTime);
        }
        self.tidy().await?;
        Ok(RoundOutcome::Finished)
    }

    /// Removes the containers that nothing shall lie in any more, unless a person put something there.
    async fn tidy(&self) -> Result<(), PushError> {
        for (kind, place) in [(EntryKind::Date, OutlookItemKind::Task), (EntryKind::Contact, OutlookItemKind::Contact)]
        {
            let containers = self.known_containers();
            let there = containers.has(place) || containers.unsure.contains(&place);
            if !there || self.wish.place(kind) == Some(place) || self.is_blocked(Some(kind)) {
                continue;
            }
            match self.remove_home(kind, &containers, place).await {
                Ok(false) => {}
                Ok(true) => {
                    self.keep(|containers| containers.set(place, None)).await?;
                }
                Err(error) => self.hold_up(Some(kind), error.into())?,
            }
        }
        Ok(())
    }

    /// Whether the container for that kind of item is gone. One that may have been made is looked for.
    async fn remove_home(
        &self,
        kind: EntryKind,
        containers: &ItemContainers,
        place: OutlookItemKind,
    ) -> Result<bool, GraphError> {
        let outlook = self.outlook_of(kind);
        let container = match containers.of(place) {
            Some(container) => Some(container),
            None => outlook.container(containers, place).await?,
        };
        match container {
            Some(container) => outlook.graph.remove_if_empty(&outlook.user, &container).await,
            None => Ok(true),
        }
    }
}

/// Serves `job`, unless a round that began after it was sent has done so.
pub(crate) async fn run(app: &App, job: &PushJob, deadline: &Deadline) -> Result<RoundOutcome, PushError> {
    let began_at = app.clock.now();
    let read = app.table.get::<Outbox>(&Key::outbox(job.firm, job.member)).await?;
    // What a person has to do first is not done by another job.
    let mut rests = false;
    if let Some(outbox) = read.as_ref().map(|row| &row.value) {
        if outbox.round_began_at.is_some_and(|began| began - CLOCK_SKEW > job.sent_at) {
            return Ok(RoundOutcome::Finished);
        }
        let asks = outbox.problem.is_some() || !outbox.blocked.is_empty();
        rests = asks && !PushDue::is_reached(&app.table, job.firm, job.member, began_at).await?;
        if rests && outbox.problem.is_some() {
            return Ok(RoundOutcome::Finished);
        }
    }
    let firm = Firm::find(&app.table, job.firm).await?.filter(|firm| firm.ended_at.is_none());
    let Some(firm) = firm else {
        PushDue::never(&app.table, job.firm, job.member).await?;
        return Ok(RoundOutcome::Finished);
    };
    let member = Member::find(&app.table, job.firm, job.member).await?.map(|row| row.value);
    let mut outbox = match (read, &member) {
        (Some(row), _) => row,
        (None, None) => return forget(app, job, None).await,
        (None, Some(member)) => {
            // Stored before anything is made, so that a later round knows in which account to remove it.
            let first = Outbox { account: Some(member.account()), ..Outbox::default() };
            app.table.write(Write::insert(Key::outbox(job.firm, job.member), &first)).await?;
            Row::inserted(Key::outbox(job.firm, job.member), first)
        }
    };

    let before = outbox.value.clone();
    let visitor = AccountVisit { app, firm: &firm, member: job.member, rests, deadline };
    let result = visitor.serve(member.as_ref(), &mut outbox).await;
    let finished = matches!(result, Ok(RoundOutcome::Finished));
    if finished && member.is_none() && outbox.value.account.is_none() {
        return forget(app, job, Some(outbox)).await;
    }
    if finished {
        outbox.value.round_began_at = Some(began_at);
    }
    let now = app.clock.now();
    let news = outbox.value.news(now).into_iter().map(|(kind, news)| news.of_kind(job.member, kind, now)).collect();
    if outbox.value != before {
        let recorded = app.feed.record_with(job.firm, vec![Write::replace(&outbox)], news).await?;
        app.feed.announce_recorded(job.firm, &recorded).await;
    }
    if finished {
        let due = next_due(app, &firm, job.member, &outbox.value).await?;
        // Of a member who is no more, something is left to be removed.
        let farewell = member.is_none().then(|| app.clock.now() + CHECK_PAUSE);
        match due.into_iter().chain(farewell).min() {
            Some(at) => app.table.write(PushDue::at(job.firm, job.member, at)).await?,
            None => PushDue::never(&app.table, job.firm, job.member).await?,
        }
    }
    result
}

/// Who goes through one member's accounts.
struct AccountVisit<'a> {
    app: &'a App,
    firm: &'a Firm,
    member: MemberId,
    /// Whether what Microsoft refused is left alone this time.
    rests: bool,
    deadline: &'a Deadline,
}

impl AccountVisit<'_> {
    /// Removes what lies where the member is no more, then brings to the member's Outlook what shall be there.
    async fn serve(&self, member: Option<&Member>, row: &mut Row<Outbox>) -> Result<RoundOutcome, PushError> {
        let Self { app, firm, .. } = *self;
        if let (Some(account), Some(member)) = (&mut row.value.account, member)
            && account.user == member.user
            && account.connector != member.connector
        {
            // The same Outlook through another connector: what lies there is still ours.
            account.connector = member.connector;
        }
        let outbox = &mut row.value;
        if let Some(account) = outbox.account.clone()
            && member.is_none_or(|member| member.account() != account)
        {
            let patience = if member.is_none() { FAREWELL_PATIENCE } else { Duration::ZERO };
            match self.reach(&account, PushChoice::nothing(firm.language), outbox).await? {
                RoundOutcome::Finished => {}
                unfinished => return Ok(unfinished),
            }
            let now = app.clock.now();
            let problems = outbox.problem.iter().chain(outbox.blocked.values());
            let waits = problems.map(|problem| now - patience < problem.since);
            // What Graph could not see to just then is still there.
            let waits = waits.chain(outbox.failing.values().map(|f| now - FAREWELL_PATIENCE < f.problem.since));
            let waits = match waits.reduce(|one, other| one || other) {
                Some(waits) => waits,
                None => remains(app, firm, self.member, &account).await?,
            };
            if waits {
                return Ok(RoundOutcome::Finished);
            }
            forget_copies(app, firm, self.member).await?;
            let account = member.map(Member::account);
            let told = std::mem::take(&mut outbox.told);
            *outbox = Outbox { account, round_began_at: outbox.round_began_at, told, ..Outbox::default() };
            if member.is_some() {
                app.table.write(Write::replace(row)).await?;
                row.written();
            }
        }
        let Some(member) = member else { return Ok(RoundOutcome::Finished) };
        let wish = PushChoice { push: member.push, language: firm.language };
        self.reach(&member.account(), wish, &mut row.value).await
    }

    /// Visits one account. That a person has to act is noted, and no error.
    async fn reach(
        &self,
        account: &MemberAccount,
        wish: PushChoice,
        outbox: &mut Outbox,
    ) -> Result<RoundOutcome, PushError> {
        let Self { app, firm, member, deadline, .. } = *self;
        let Some(connector) = Connector::find(&app.table, firm.id, account.connector).await?.map(|row| row.value)
        else {
            // It was deleted. Of what is wished for, nothing comes before there is another one.
            let since = outbox.problem.as_ref().map_or(app.clock.now(), |problem| problem.since);
            let deleted = NotedProblem { code: Code::ConnectorDeleted, microsoft_code: String::new(), since };
            let wishes = EntryKind::ALL.into_iter().any(|kind| wish.place(kind).is_some());
            outbox.problem = wishes.then_some(deleted);
            return Ok(RoundOutcome::Finished);
        };
        let containers = app.table.get::<ItemContainers>(&Key::containers(firm.id, member)).await?;
        let now = app.clock.now();
        let round = Round {
            app,
            outlook: Outlook {
                graph: app.graph(&connector).having_spent(outbox.spent.clone()).until(deadline.last_byte()),
                user: account.user.clone(),
                firm,
                member,
            },
            wish,
            colors: connector.mark,
            containers: Mutex::new(containers.map(|row| row.value).unwrap_or_default()),
            keeping: tokio::sync::Mutex::default(),
            looking: EntryKind::ALL.map(|kind| (kind, tokio::sync::Mutex::default())).into(),
            failed_before: outbox.failing.iter().map(|(kind, failing)| (*kind, failing.tries(now))).collect(),
            answers: Mutex::default(),
            settling: tokio::sync::Mutex::default(),
            deadline,
            taken: Mutex::default(),
            blocked: Mutex::new(self.blocked(&connector, &wish, outbox)),
            stopped: AtomicBool::new(false),
        };
        let result = round.visit(outbox).await;
        outbox.spent = round.outlook.graph.spent();
        let containers = round.containers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut blocked = round.blocked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let of_all = match &result {
            Err(PushError::Graph(error)) if concerns_all(error) && !error.concerns_connection() => Some(error),
            _ => None,
        };
        let wait = self.note_failing(&mut blocked, of_all, outbox);
        outbox.blocked = self.noted(&connector, blocked, &outbox.blocked).await?;
        match result {
            Err(PushError::ContainerGone(place)) => {
                let mut containers = containers;
                containers.set(place, None);
                keep(app, firm, member, &containers).await?;
                outbox.compared_at = None;
                Err(PushError::Wait(CONFLICT_PAUSE))
            }
            Err(PushError::Graph(error)) if error.concerns_connection() => {
                outbox.problem = Some(connector.note(app, &error, outbox.problem.as_ref()).await?);
                Ok(RoundOutcome::Finished)
            }
            Err(PushError::Graph(error)) if concerns_all(&error) => Err(PushError::Wait(wait)),
            Ok(outcome) => {
                outbox.problem = None;
                connector_watch::seen_working(app, &connector).await?;
                Ok(outcome)
            }
            other => other,
        }
    }

    /// What is not tried at all. An organisation's rights stand in the app's registration, and Graph says whether they
    /// are there.
    fn blocked(&self, connector: &Connector, wish: &PushChoice, outbox: &Outbox) -> BTreeMap<EntryKind, Block> {
        let block = |kind| {
            let asked = connector.access == Access::Organization
                || match kind {
                    EntryKind::Date => connector.dates,
                    EntryKind::Contact => connector.contacts,
                };
            if wish.place(kind).is_some() && !asked {
                return Some(Block::NotGranted);
            }
            let now = self.app.clock.now();
            if outbox.failing.get(&kind).is_some_and(|failing| now < failing.not_before) {
                return Some(Block::Waits);
            }
            let before = outbox.blocked.get(&kind).filter(|problem| problem.code != Code::PushNotGranted);
            before.filter(|_| self.rests).cloned().map(Block::Rests)
        };
        EntryKind::ALL.into_iter().filter_map(|kind| Some((kind, block(kind)?))).collect()
    }

    /// Takes note of what Graph could not see to; what was tried and did not fail is over. `of_all`: why nothing more
    /// is asked of the mailbox. Returns how long all of it waits.
    fn note_failing(
        &self,
        blocked: &mut BTreeMap<EntryKind, Block>,
        of_all: Option<&GraphError>,
        outbox: &mut Outbox,
    ) -> Duration {
        let now = self.app.clock.now();
        for kind in EntryKind::ALL {
            let error = match blocked.get(&kind) {
                Some(Block::Waits) => continue,
                Some(Block::Fails(error)) => Some(error),
                _ => of_all,
            };
            let Some(error) = error else {
                outbox.failing.remove(&kind);
                continue;
            };
            tracing::warn!(
                firm.id = %self.firm.id, member.id = %self.member, kind = kind.name(), error = %ErrorChain(error),
                "one kind of entry has to wait"
            );
            outbox.failing.insert(kind, Failing::again(outbox.failing.get(&kind), error, now));
        }
        blocked.retain(|_, block| !matches!(block, Block::Waits | Block::Fails(_)));
        let waits = outbox.failing.values().map(|failing| failing.not_before).min();
        waits.map_or(Duration::ZERO, |at| at.duration_since(now).try_into().unwrap_or_default())
    }

    /// What held up entries of one kind, as it is kept. Since when does not change while it lasts.
    async fn noted(
        &self,
        connector: &Connector,
        blocked: BTreeMap<EntryKind, Block>,
        before: &BTreeMap<EntryKind, NotedProblem>,
    ) -> Result<BTreeMap<EntryKind, NotedProblem>, PushError> {
        let mut noted = BTreeMap::new();
        for (kind, block) in blocked {
            let before = before.get(&kind);
            let problem = match block {
                Block::Rests(problem) => problem,
                Block::NotGranted => {
                    let since = before.map_or(self.app.clock.now(), |before| before.since);
                    NotedProblem { code: Code::PushNotGranted, microsoft_code: String::new(), since }
                }
                Block::Waits | Block::Fails(_) => continue,
                Block::Refused(error) => {
                    let problem = connector.note(self.app, &error, before).await?;
                    NotedProblem { code: of_refused_service(&error), ..problem }
                }
            };
            noted.insert(kind, problem);
        }
        Ok(noted)
    }
}

/// Whether a pushed item that can still be removed lies in the Outlook of a member who is no more, or may lie
/// there.
async fn remains(app: &App, firm: &Firm, member: MemberId, account: &MemberAccount) -> Result<bool, TableError> {
    if Connector::find(&app.table, firm.id, account.connector).await?.is_none() {
        return Ok(false);
    }
    let since = app.clock.now() - FAREWELL_PATIENCE;
    let copies: Vec<Row<Copy>> = app.table.query_all(&Key::copy_prefix(firm.id, member)).await?;
    let may_go = |copy: &Copy| copy.failure.as_ref().is_none_or(|failure| since < failure.problem.since);
    Ok(copies.iter().any(|row| !row.value.is_nowhere() && may_go(&row.value)))
}

async fn open_work(app: &App, firm: &Firm, member: MemberId) -> Result<Vec<Row<PushWork>>, TableError> {
    app.table.query_all(&Key::push_work_prefix(firm.id, member)).await
}

/// When the member is looked at next; none if there is nothing to be looked at.
async fn next_due(app: &App, firm: &Firm, member: MemberId, outbox: &Outbox) -> Result<Option<Timestamp>, PushError> {
    let now = app.clock.now();
    if let Some(problem) = &outbox.problem {
        return Ok(Some(now + problem.pause(now)));
    }
    let check = outbox.push.filter(|push| push.dates || push.contacts).map(|_| now + CHECK_PAUSE);
    let mut open = open_work(app, firm, member).await?;
    let waits = |kind| outbox.blocked.contains_key(&kind) || outbox.failing.contains_key(&kind);
    open.retain(|row| row.value.kind().is_none_or(|kind| !waits(kind)));
    // What has no time of its own came while the round ended: its own job is on the way.
    let next_try = open.iter().map(|row| row.value.work.not_before.unwrap_or(now + CONFLICT_PAUSE)).min();
    let pauses = outbox.blocked.values().map(|problem| now + problem.pause(now));
    let failing = outbox.failing.values().map(|failing| failing.not_before);
    Ok(check.into_iter().chain(next_try).chain(pauses).chain(failing).min())
}

/// Forgets what was pushed for a member: it is gone, or out of reach for good. What the feed has of failures is over.
async fn forget_copies(app: &App, firm: &Firm, member: MemberId) -> Result<(), PushError> {
    let (mut copies, now) = (app.table.query_all::<Copy>(&Key::copy_prefix(firm.id, member)).await?, app.clock.now());
    let is_told = |row: &mut Row<Copy>| !row.value.told.is_none();
    let told: Vec<Row<Copy>> = copies.extract_if(.., is_told).collect();
    for some in told.chunks(WORK_THINGS_MAX) {
        let over = |row: &Row<Copy>| PushNews::Recovered.of_entry((firm.id, member), &row.value.entry, now);
        let writes = some.iter().map(Write::remove).collect();
        let recorded = app.feed.record_with(firm.id, writes, some.iter().map(over).collect()).await?;
        app.feed.announce_recorded(firm.id, &recorded).await;
    }
    app.table.remove_all(&copies).await?;
    app.table.write(Write::discard(Key::containers(firm.id, member))).await?;
    Ok(())
}

/// Nothing is left of a member who is no more.
async fn forget(app: &App, job: &PushJob, outbox: Option<Row<Outbox>>) -> Result<RoundOutcome, PushError> {
    let work = app.table.query_all::<PushWork>(&Key::push_work_prefix(job.firm, job.member)).await?;
    app.table.remove_all(&work).await?;
    if let Some(row) = outbox {
        app.table.write(Write::remove(&row)).await?;
    }
    PushDue::never(&app.table, job.firm, job.member).await?;
    Ok(RoundOutcome::Finished)
}
