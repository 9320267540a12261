//! Advance: takes the steps of copies, up to twenty in one batch. Any step may run twice.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use shared::{
    aws::{
        table::{Key, Row, TableError, Write},
        worker::RoundOutcome,
    },
    base::id::{EntryId, Noun},
    graph::{
        BatchOrder, Disposition, GraphError, ItemContainers, ItemStep, ItemTag, OutlookItem, OutlookItemKind,
        PARALLEL_REQUESTS_MAX,
    },
    mail::work::WorkOutcome,
    push::{BulkProgress, Copy, PushWork, contact::Contact, date::Date, entry::Entry, mark, places},
};

use crate::round::{PushError, Round, is_count};

/// Items of work side by side: with four, as many batches are on their way as Graph has places and the table needs.
const ITEMS_AT_ONCE: usize = 8;
/// Steps of one copy in one go: look, remove what is left over, remove what is elsewhere, make, and make again.
const STEPS_MAX: usize = 8;

/// One copy under way.
struct Held {
    entry: EntryId,
    /// How it shall show; none where it shall not be.
    wanted: Option<OutlookItem>,
    /// As it was read; none where there was none.
    read: Option<Row<Copy>>,
    copy: Copy,
    /// It failed: no further step in this go.
    rests: bool,
}

/// Works through all items, some side by side: while one waits for the table, another keeps Graph's four places busy.
pub(crate) async fn settle_work(round: &Round<'_>, items: Vec<Row<PushWork>>) -> Result<RoundOutcome, PushError> {
    // Four items take one of Graph's places each; what is left over goes one after the other, each through all four.
    let waves = items.len() - items.len() % PARALLEL_REQUESTS_MAX;
    let items: Vec<_> = items.into_iter().enumerate().map(|(i, item)| settle_item(round, item, i >= waves)).collect();
    let ended: Vec<_> = futures::stream::iter(items).buffer_unordered(ITEMS_AT_ONCE).collect().await;
    ended.into_iter().collect::<Result<(), PushError>>()?;
    if round.is_over() { Ok(RoundOutcome::OutOfTime) } else { Ok(RoundOutcome::Finished) }
}

/// Works through up to twenty entries, and settles what became of them. What a stop leaves open is settled too.
async fn settle_item(round: &Round<'_>, work: Row<PushWork>, alone: bool) -> Result<(), PushError> {
    let noun = work.value.noun();
    if round.is_over() || round.is_blocked(noun) {
        return Ok(());
    }
    let result = work_at(round, work, alone).await.or_else(|error| round.hold_up(noun, error));
    if result.is_err() {
        round.stop();
    }
    result
}

async fn work_at(round: &Round<'_>, mut work: Row<PushWork>, alone: bool) -> Result<(), PushError> {
    let mut held = read(round, &work.value).await?;
    let stop = walk(round, &mut work, &mut held, alone).await;
    settle(round, work, held).await?;
    stop
}

/// What is to be done now: entries that nobody else works at, as they are at this moment, with their copies.
async fn read(round: &Round<'_>, work: &PushWork) -> Result<Vec<Held>, TableError> {
    let (table, firm, member) = (&round.app.table, round.outlook.firm.id, round.outlook.member);
    let now = round.app.clock.now();
    let entries: Vec<EntryId> = work.entries().into_iter().filter(|entry| round.takes(entry)).collect();
    let keys = |noun| {
        let of_noun = entries.iter().filter(move |entry| entry.noun == noun);
        of_noun.map(move |entry| Key::entry(firm, noun, &entry.external)).collect::<Vec<Key>>()
    };
    let copies: Vec<Key> = entries.iter().map(|entry| Key::copy(firm, member, entry)).collect();
    let dates = table.get_all::<Entry<Date>>(&keys(Noun::Date)).await?;
    let contacts = table.get_all::<Entry<Contact>>(&keys(Noun::Contact)).await?;
    let mut copies = table.get_all::<Copy>(&copies).await?;
    let held = entries.into_iter().map(|entry| {
        let wanted = match entry.noun {
            Noun::Date => {
                let said = dates.iter().map(|row| &row.value).find(|said| said.id == entry.external);
                round.wish.date(member, said)
            }
            Noun::Contact => {
                let said = contacts.iter().map(|row| &row.value).find(|said| said.id == entry.external);
                round.wish.contact(member, said)
            }
        };
        let at = copies.iter().position(|row| row.value.entry == entry);
        let read = at.map(|at| copies.swap_remove(at));
        let mut copy = read.as_ref().map_or_else(|| Copy::new(entry.clone()), |row| row.value.clone());
        if work.began {
            // Somebody began, and did not live to say what was made, perhaps in the place of what is known.
            copy.unsure.extend(places(entry.noun));
        }
        let mut rests = false;
        if work.work.has_failed(&entry.to_string()) {
            rests = copy.failure.as_ref().and_then(|failure| failure.next_try).is_some_and(|at| at > now);
        } else {
            // It is said anew: what went wrong before may be right now.
            copy.failure = None;
        }
        Held { entry, wanted, read, copy, rests }
    });
    Ok(held.collect())
}

impl Held {
    fn next_step(&self) -> Option<ItemStep> {
        if self.rests { None } else { self.copy.next_step(self.wanted.as_ref()) }
    }

    fn fate(&self) -> WorkOutcome {
        match &self.copy.failure {
            Some(failure) if self.rests => WorkOutcome::Failed(failure.next_try),
            _ if self.copy.is_as(self.wanted.as_ref()) => WorkOutcome::Done,
            _ => WorkOutcome::Open,
        }
    }

    /// The write that keeps what is known of the copy, if that changed.
    fn write(self, round: &Round<'_>) -> Option<Write> {
        let forgotten = self.copy.is_nowhere() && self.wanted.is_none() && self.copy.failure.is_none();
        match self.read {
            Some(row) if forgotten => Some(Write::remove(&row)),
            Some(row) if row.value == self.copy => None,
            Some(row) => Some(Write::replace(&row.with(self.copy))),
            None if forgotten || self.copy == Copy::new(self.entry.clone()) => None,
            None => {
                Some(Write::insert(Key::copy(round.outlook.firm.id, round.outlook.member, &self.entry), &self.copy))
            }
        }
    }
}

/// Takes step after step with all of them, a batch at a time. A refusal that concerns one copy leaves the others alone;
/// one that concerns all is returned.
async fn walk(round: &Round<'_>, work: &mut Row<PushWork>, held: &mut [Held], alone: bool) -> Result<(), PushError> {
    for go in 0..STEPS_MAX {
        if round.is_over() || round.is_blocked(work.value.noun()) {
            return Ok(());
        }
        let steps: Vec<(usize, ItemStep)> =
            held.iter().enumerate().filter_map(|(i, held)| Some((i, held.next_step()?))).collect();
        if steps.is_empty() {
            return Ok(());
        }
        if !work.value.began && steps.iter().any(|(_, step)| matches!(step, ItemStep::Create(_))) {
            work.value.began = true;
            round.app.table.write(Write::replace(work)).await?;
            work.written();
        }
        let containers = containers(round, &steps).await?;
        let tagged: Vec<(ItemStep, ItemTag)> =
            steps.iter().map(|(i, step)| (step.clone(), tag(round, &held[*i]))).collect();
        // A chain breaks at its first refusal; what it left undone goes all at once.
        let order = if alone || go > 0 { BatchOrder::Parallel } else { BatchOrder::Chained };
        let results = match round.outlook.graph.carry_out(&round.outlook.user, &containers, &tagged, order).await {
            Ok(results) => results,
            Err(error) => {
                for (i, step) in steps.iter().filter(|_| may_have_worked(&error)) {
                    held[*i].copy.doubt(step);
                }
                // Of a whole batch only the list, read for what is linked to us, can be gone.
                return Err(if error.is_gone() {
                    PushError::ContainerGone(OutlookItemKind::Task)
                } else {
                    error.into()
                });
            }
        };
        let is_forbidden = |result: &Result<_, GraphError>| result.as_ref().is_err_and(GraphError::is_forbidden);
        let forbidden = steps.iter().zip(&results).filter(|(_, result)| is_forbidden(result));
        let forbidden: BTreeSet<OutlookItemKind> = forbidden.map(|((_, step), _)| step.place()).collect();
        let mut entered = BTreeSet::new();
        for place in forbidden {
            if round.outlook.lets_in(place).await {
                entered.insert(place);
            }
        }
        let mut stop = Ok(());
        let now = round.app.clock.now();
        let of_all = results.len() > 1 && results.iter().all(|result| result.as_ref().is_err_and(passes));
        for ((i, step), result) in steps.into_iter().zip(results) {
            let held = &mut held[i];
            match result {
                Ok(done) => {
                    held.copy.stepped(&step, done, now);
                    held.rests |= held.copy.lacks_a_value();
                }
                // Not one of them was seen to: it is the service, and none of them has failed by itself.
                Err(error) if of_all => {
                    if may_have_worked(&error) {
                        held.copy.doubt(&step);
                    }
                    stop = Err(error.into());
                }
                Err(error) => {
                    if let Err(reason) = refused(round, held, &step, error, &entered) {
                        stop = Err(reason);
                    }
                }
            }
        }
        stop?;
    }
    Ok(())
}

/// What a refusal means: for this copy, or, returned, for all. `entered`: the parts of the Outlook that Graph lets us
/// into although it forbade something there.
fn refused(
    round: &Round<'_>,
    held: &mut Held,
    step: &ItemStep,
    error: GraphError,
    entered: &BTreeSet<OutlookItemKind>,
) -> Result<(), PushError> {
    // The one before it in the chain was refused; and what only shows that things are otherwise is met by another step.
    if error.status() == Some(424) || held.copy.learned(step, &error) {
        return Ok(());
    }
    if matches!(step, ItemStep::Create(_) | ItemStep::Find(_))
        && error.is_gone()
        && step.place() != OutlookItemKind::Event
    {
        return Err(PushError::ContainerGone(step.place()));
    }
    if may_have_worked(&error) {
        held.copy.doubt(step);
    }
    match error.disposition() {
        Disposition::RetryAfter(_) if matches!(&error, GraphError::Throttled { code, .. } if is_count(code)) => {
            Err(error.into())
        }
        Disposition::Ask if !(error.is_forbidden() && entered.contains(&step.place())) => Err(error.into()),
        _ => {
            tracing::warn!(member.id = %round.outlook.member, graph.code = %error.code(), "an item could not be pushed");
            held.copy.failed(&error, round.app.clock.now());
            held.rests = true;
            Ok(())
        }
    }
}

/// Whether waiting may help.
fn passes(error: &GraphError) -> bool {
    matches!(error.disposition(), Disposition::RetryAfter(_))
}

/// Whether nobody knows what came of a request.
fn may_have_worked(error: &GraphError) -> bool {
    match error {
        GraphError::Unreachable { .. } | GraphError::Unreadable { .. } => true,
        GraphError::Refused { status, .. } => *status >= 500,
        // Graph answers 503 and 504 with a wait too.
        GraphError::Throttled { code, .. } => !is_count(code),
        GraphError::ForeignLink { .. } | GraphError::Token { .. } => false,
    }
}

fn tag(round: &Round<'_>, held: &Held) -> ItemTag {
    ItemTag {
        mark: mark(round.outlook.firm.id, round.outlook.member, &held.entry),
        generation: held.copy.generation,
        owner: round.outlook.member.to_string(),
        application: round.outlook.firm.name.clone(),
    }
}

/// The containers that these steps need: looked for where one is not known, made where something is to be made
/// in it, and kept before anything is.
async fn containers(round: &Round<'_>, steps: &[(usize, ItemStep)]) -> Result<ItemContainers, PushError> {
    let mut containers = round.containers.lock().await;
    let places: BTreeSet<OutlookItemKind> = steps.iter().map(|(_, step)| step.place()).collect();
    for place in places {
        if containers.has(place) {
            continue;
        }
        let makes = steps.iter().any(|(_, step)| matches!(step, ItemStep::Create(item) if item.place() == place));
        let mut container = round.outlook.container(&containers, place).await?;
        if container.is_none() && makes {
            let foreign =
                if place == OutlookItemKind::Task { round.outlook.foreign_lists().await? } else { BTreeMap::new() };
            let taken: Vec<String> = foreign.values().cloned().collect();
            containers.foreign_lists.extend(foreign.into_keys());
            containers.unsure.insert(place);
            round.keep(&containers).await?;
            if let Some((made, name)) = round.outlook.make_container(place, &taken).await? {
                if name != round.outlook.firm.name {
                    containers.names.insert(place, name);
                }
                container = Some(made);
            }
        }
        if container.is_some() {
            containers.set(place, container);
            round.keep(&containers).await?;
        }
    }
    Ok(containers.clone())
}

/// Keeps what is known of the copies, and takes out of the work what is done, in one transaction.
async fn settle(round: &Round<'_>, work: Row<PushWork>, mut held: Vec<Held>) -> Result<(), PushError> {
    let (firm, member, now) = (round.outlook.firm.id, round.outlook.member, round.app.clock.now());
    let mut news = Vec::new();
    for held in &mut held {
        let fate = held.fate();
        // What failed may have come right without another step: it was said as it is there.
        if fate == WorkOutcome::Done {
            held.copy.failure = None;
        }
        // What is open may still come right, or fail.
        if fate != WorkOutcome::Open {
            news.extend(held.copy.news().map(|news| news.of_entry((firm, member), &held.entry, now)));
        }
    }
    let things = work.value.work.things().iter();
    let fates: Vec<(String, WorkOutcome)> = things
        .map(|thing| {
            let held = held.iter().find(|held| held.entry.to_string() == *thing);
            // Another item of work has it in hand.
            (thing.clone(), held.map_or(WorkOutcome::Done, Held::fate))
        })
        .collect();
    let (left, settled) = work.value.work.left_after(&fates);
    let bulk = BulkProgress::add(firm, member, work.value.bulk, settled);
    let mut writes: Vec<Write> = held.into_iter().filter_map(|held| held.write(round)).collect();
    writes.push(match left {
        Some(left) => {
            let value = PushWork { work: left, began: false, bulk: work.value.bulk };
            Write::replace(&work.with(value))
        }
        None => Write::remove(&work),
    });
    writes.extend(bulk);
    let _one_at_a_time = round.settling.lock().await;
    let recorded = round.app.feed.record_with(firm, writes, news).await?;
    round.app.feed.announce_recorded(firm, &recorded).await;
    Ok(())
}
