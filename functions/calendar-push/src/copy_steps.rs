//! Advance: takes the steps of copies, up to twenty in one batch. Any step may run twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt as _, join};
use jiff::Timestamp;
use shared::{
    aws::{
        table::{Key, Row, TableError, Write},
        worker::RoundOutcome,
    },
    base::id::{EntryId, EntryKind},
    graph::{
        BatchOrder, Disposition, GraphError, ItemContainers, ItemStep, ItemTag, OutlookItem, OutlookItemKind,
        PARALLEL_REQUESTS_MAX, StepOutcome,
    },
    mail::work::WorkOutcome,
    push::{BulkProgress, Copy, CopyFailure, PushWork, contact::Contact, date::Date, entry::Entry, item_tag, places},
};

use crate::round::{PushError, Round};

/// Items of work side by side: with four, as many batches are on their way as Graph has places and the table needs.
const ITEMS_AT_ONCE: usize = 8;
/// Steps of one copy in one go: look, remove what is left over, remove what is elsewhere, make, and make again.
const STEPS_MAX: usize = 8;
/// For so many steps one after the other, a batch gets as much more time as an entry after one failed try.
const STEPS_LIKE_A_TRY: usize = 8;
/// The pause before an item that was made a second time is looked for: Graph may have carried out the first request
/// late.
const SECOND_LOOK_PAUSE: Duration = Duration::from_secs(120);

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
    /// How many batches with it came to nothing.
    lost: u32,
    /// Whether it is to be looked for once more: it was made anew.
    made_anew: bool,
}

/// Works through all items; dates and contacts do not wait for each other.
pub(crate) async fn settle_work(round: &Round<'_>, items: Vec<Row<PushWork>>) -> Result<RoundOutcome, PushError> {
    let (contacts, dates): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.value.kind() == Some(EntryKind::Contact));
    let both = !dates.is_empty() && !contacts.is_empty();
    let (dates, contacts) = join!(settle_items(round, dates, both), settle_items(round, contacts, both));
    dates.and(contacts)?;
    if round.is_over() { Ok(RoundOutcome::OutOfTime) } else { Ok(RoundOutcome::Finished) }
}

/// Works through all items, some side by side: while one waits for the table, another keeps Graph's four places busy.
/// `with_others`: there are items of the other kind, so that none may take all four.
async fn settle_items(round: &Round<'_>, items: Vec<Row<PushWork>>, with_others: bool) -> Result<(), PushError> {
    // Four items take one of Graph's places each; what is left over goes one after the other, each through all four.
    let waves = if with_others { items.len() } else { items.len() - items.len() % PARALLEL_REQUESTS_MAX };
    let items: Vec<_> = items.into_iter().enumerate().map(|(i, item)| settle_item(round, item, i >= waves)).collect();
    let ended: Vec<_> = futures::stream::iter(items).buffer_unordered(ITEMS_AT_ONCE).collect().await;
    ended.into_iter().collect()
}

/// Works through up to twenty entries, and settles what became of them. What a stop leaves open is settled too.
async fn settle_item(round: &Round<'_>, work: Row<PushWork>, alone: bool) -> Result<(), PushError> {
    let kind = work.value.kind();
    if round.is_over() || round.is_blocked(kind) {
        return Ok(());
    }
    let result = work_at(round, work, alone).await.or_else(|error| round.hold_up(kind, error));
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
    let keys = |kind| {
        let of_kind = entries.iter().filter(move |entry| entry.kind == kind);
        of_kind.map(move |entry| Key::entry(firm, kind, &entry.external)).collect::<Vec<Key>>()
    };
    let copies: Vec<Key> = entries.iter().map(|entry| Key::copy(firm, member, entry)).collect();
    let dates = table.get_all::<Entry<Date>>(&keys(EntryKind::Date)).await?;
    let contacts = table.get_all::<Entry<Contact>>(&keys(EntryKind::Contact)).await?;
    let mut copies = table.get_all::<Copy>(&copies).await?;
    let held = entries.into_iter().map(|entry| {
        let wanted = match entry.kind {
            EntryKind::Date => {
                let said = dates.iter().map(|row| &row.value).find(|said| said.id == entry.external);
                round.wish.date(member, said)
            }
            EntryKind::Contact => {
                let said = contacts.iter().map(|row| &row.value).find(|said| said.id == entry.external);
                round.wish.contact(member, said)
            }
        };
        let at = copies.iter().position(|row| row.value.entry == entry);
        let read = at.map(|at| copies.swap_remove(at));
        let mut copy = read.as_ref().map_or_else(|| Copy::new(entry.clone()), |row| row.value.clone());
        if work.began {
            // Somebody began, and did not live to say what was made, perhaps in the place of what is known.
            copy.unsure.extend(places(entry.kind));
        }
        let mut rests = false;
        if work.work.has_failed(&entry.to_string()) {
            rests = copy.failure.as_ref().and_then(|failure| failure.next_try).is_some_and(|at| at > now);
        } else {
            // It is said anew: what went wrong before may be right now.
            copy.failure = None;
        }
        let was_unanswered = copy.failure.as_ref().is_some_and(CopyFailure::is_unanswered);
        rests = rests || was_unanswered && !round.tries_again(entry.kind);
        // It may have been what its batch failed by.
        let lost = if copy.failure.is_some() { 2 } else { 0 };
        Held { entry, wanted, read, copy, rests, lost, made_anew: false }
    });
    Ok(held.collect())
}

impl Held {
    fn next_step(&self) -> Option<ItemStep> {
        if self.rests { None } else { self.copy.next_step(self.wanted.as_ref()) }
    }

    /// Whether a step is asked for in a batch of its own: a batch with it came to nothing. To look for it harms no
    /// other, so that is done in one batch first.
    fn goes_alone(&self, step: &ItemStep) -> bool {
        self.lost > u32::from(matches!(step, ItemStep::Find(_)))
    }

    /// Takes note of what came of a step at `now`.
    fn stepped(&mut self, round: &Round<'_>, step: &ItemStep, done: StepOutcome, now: Timestamp) {
        if !matches!(step, ItemStep::Find(_)) {
            round.wrote(self.entry.kind, self.copy.failure.as_ref().is_some_and(CopyFailure::is_unanswered));
        }
        // Of two events with one transaction id, Graph makes one.
        let is_made_once = step.place() == OutlookItemKind::Event;
        self.made_anew |= matches!(step, ItemStep::Create(_)) && self.lost > 0 && !is_made_once;
        self.copy.stepped(step, done, now);
        self.rests |= self.copy.lacks_a_value();
    }

    /// Takes note that it alone failed.
    fn fail(&mut self, round: &Round<'_>, error: &GraphError) {
        tracing::warn!(member.id = %round.outlook.member, graph.code = %error.code(), "an item could not be pushed");
        self.copy.failed(error, round.app.clock.now());
        self.rests = true;
    }

    fn fate(&self, now: Timestamp) -> WorkOutcome {
        match &self.copy.failure {
            Some(failure) if self.rests => WorkOutcome::Failed(failure.next_try),
            _ if !self.copy.is_as(self.wanted.as_ref()) => WorkOutcome::Open,
            _ if self.made_anew => WorkOutcome::Kept(Some(now + SECOND_LOOK_PAUSE)),
            _ => WorkOutcome::Done,
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
        if round.is_over() || round.is_blocked(work.value.kind()) {
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
        let Some(containers) = containers(round, held[0].entry.kind, &steps).await? else { return Ok(()) };
        // A chain breaks at its first refusal; what it left undone goes all at once.
        let order = if alone || go > 0 { BatchOrder::Parallel } else { BatchOrder::Chained };
        let asked = ask(round, held, steps, &containers, order).await;
        let places = check_places(round, &asked).await;
        let mut stop = Ok(());
        for AskedBatch { steps, answer } in asked {
            let ended = match answer {
                Ok(results) => take(round, held, steps.into_iter().zip(results).collect(), &places),
                Err(error) => lost(round, held, &steps, error, &places),
            };
            stop = stop.and(ended);
        }
        stop?;
    }
    Ok(())
}

/// Steps that were asked for in one batch, and the answer to it.
struct AskedBatch {
    steps: Vec<(usize, ItemStep)>,
    answer: Result<Vec<Result<StepOutcome, GraphError>>, GraphError>,
}

/// Asks for all steps in one batch, but for those that go alone.
async fn ask(
    round: &Round<'_>,
    held: &[Held],
    steps: Vec<(usize, ItemStep)>,
    containers: &ItemContainers,
    order: BatchOrder,
) -> Vec<AskedBatch> {
    let (alone, together): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(i, step)| held[*i].goes_alone(step));
    let batches = [together].into_iter().chain(alone.into_iter().map(|step| vec![step]));
    let asks = batches.filter(|steps| !steps.is_empty()).map(|steps| async move {
        let tagged: Vec<(ItemStep, ItemTag)> =
            steps.iter().map(|(i, step)| (step.clone(), tag(round, &held[*i]))).collect();
        let graph = round.outlook.graph.for_helper(patience(held, &steps, order));
        let answer = graph.carry_out(&round.outlook.user, containers, &tagged, order).await;
        AskedBatch { steps, answer }
    });
    // Collected first: a stream that borrows within its closure is not `Send`.
    let asks: Vec<_> = asks.collect();
    futures::stream::iter(asks).buffer_unordered(PARALLEL_REQUESTS_MAX).collect().await
}

/// After how many failed tries a batch is treated: a single step as often as it failed, a longer batch by its length.
fn patience(held: &[Held], steps: &[(usize, ItemStep)], order: BatchOrder) -> u32 {
    let one_after_the_other = match order {
        BatchOrder::Chained => steps.len(),
        BatchOrder::Parallel => steps.len().div_ceil(PARALLEL_REQUESTS_MAX),
    };
    match steps {
        [(i, _)] if held[*i].lost > 0 => held[*i].copy.failure.as_ref().map_or(0, |failure| failure.attempts),
        _ => u32::try_from(one_after_the_other / STEPS_LIKE_A_TRY).unwrap_or(u32::MAX),
    }
}

/// What was found out about the parts of the Outlook in which something was refused.
#[derive(Debug, Default)]
struct CheckedPlaces {
    /// Those that Graph lets us into all the same.
    entered: BTreeSet<OutlookItemKind>,
    /// Those whose container is not there.
    gone: BTreeSet<OutlookItemKind>,
}

/// Asks about the parts of the Outlook in which something was refused that may be no matter of single entries.
async fn check_places(round: &Round<'_>, asked: &[AskedBatch]) -> CheckedPlaces {
    let (mut doubtful, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for AskedBatch { steps, answer } in asked {
        let steps = steps.iter().map(|(_, step)| step);
        match answer {
            Ok(results) => {
                let none_served = none_served(results);
                let doubts = |error: &GraphError| error.is_forbidden() || none_served && passes(error);
                for (step, error) in
                    steps.zip(results).filter_map(|(step, result)| Some((step, result.as_ref().err()?)))
                {
                    doubtful.extend(doubts(error).then(|| step.place()));
                    missed.extend(misses_container(step, error).then(|| step.place()));
                }
            }
            Err(error) => {
                // Of a whole batch only the list, read for what is linked to us, can be gone.
                missed.extend(error.is_gone().then_some(OutlookItemKind::Task));
                doubtful.extend(steps.map(ItemStep::place).filter(|_| may_be_of_one(error)));
            }
        }
    }
    let (outlook, mut checked) = (round.outlook.patient(0), CheckedPlaces::default());
    for place in doubtful {
        if outlook.lets_in(place).await {
            checked.entered.insert(place);
        }
    }
    for place in missed {
        if matches!(outlook.container(&round.known_containers(), place).await, Ok(None)) {
            checked.gone.insert(place);
        }
    }
    checked
}

/// Whether a refusal says that the container is not there.
fn misses_container(step: &ItemStep, error: &GraphError) -> bool {
    let needs_one = matches!(step, ItemStep::Create(_) | ItemStep::Find(_)) && step.place() != OutlookItemKind::Event;
    needs_one && error.is_gone()
}

/// Whether no step of a batch was seen to, and waiting may help all of them. What a chain left undone says nothing.
fn none_served<'r>(results: impl IntoIterator<Item = &'r Result<StepOutcome, GraphError>>) -> bool {
    let mut asked = results.into_iter().filter(|result| !result.as_ref().is_err_and(is_left_undone));
    asked.all(|result| result.as_ref().is_err_and(passes))
}

/// Whether the step before it in the chain was refused.
fn is_left_undone(error: &GraphError) -> bool {
    error.status() == Some(424)
}

/// Takes note of what came of the steps of a batch. A refusal that concerns all is returned.
fn take(
    round: &Round<'_>,
    held: &mut [Held],
    results: Vec<((usize, ItemStep), Result<StepOutcome, GraphError>)>,
    places: &CheckedPlaces,
) -> Result<(), PushError> {
    let (mut stop, now) = (Ok(()), round.app.clock.now());
    let none_served = none_served(results.iter().map(|(_, result)| result));
    for ((i, step), result) in results {
        let held = &mut held[i];
        match result {
            Ok(done) => held.stepped(round, &step, done, now),
            // It is the service, or the mailbox, and none of them has failed by itself.
            Err(error) if none_served && passes(&error) && !places.entered.contains(&step.place()) => {
                held.copy.doubt(&step, &error);
                stop = Err(error.into());
            }
            Err(error) => {
                if let Err(reason) = refused(round, held, &step, error, places) {
                    stop = Err(reason);
                }
            }
        }
    }
    stop
}

/// A batch was refused as a whole, or its answer did not come. Where Graph lets us in, it is the matter of one of its
/// steps: they are looked for together and asked for alone.
fn lost(
    round: &Round<'_>,
    held: &mut [Held],
    steps: &[(usize, ItemStep)],
    error: GraphError,
    places: &CheckedPlaces,
) -> Result<(), PushError> {
    for (i, step) in steps {
        held[*i].copy.doubt(step, &error);
    }
    if error.is_gone() && places.gone.contains(&OutlookItemKind::Task) {
        return Err(PushError::ContainerGone(OutlookItemKind::Task));
    }
    if !may_be_of_one(&error) || steps.iter().any(|(_, step)| !places.entered.contains(&step.place())) {
        return Err(error.into());
    }
    let [(i, _)] = steps else {
        steps.iter().for_each(|(i, _)| held[*i].lost += 1);
        return Ok(());
    };
    held[*i].fail(round, &error);
    if !error.is_forbidden() && round.unanswered(held[*i].entry.kind) { Err(error.into()) } else { Ok(()) }
}

/// What a refusal means: for this copy, or, returned, for all.
fn refused(
    round: &Round<'_>,
    held: &mut Held,
    step: &ItemStep,
    error: GraphError,
    places: &CheckedPlaces,
) -> Result<(), PushError> {
    // What only shows that things are otherwise is met by another step.
    if is_left_undone(&error) || held.copy.learned(step, &error) {
        return Ok(());
    }
    held.copy.doubt(step, &error);
    if misses_container(step, &error) && places.gone.contains(&step.place()) {
        return Err(PushError::ContainerGone(step.place()));
    }
    match error.disposition() {
        Disposition::Ask if !(error.is_forbidden() && places.entered.contains(&step.place())) => Err(error.into()),
        _ => {
            held.fail(round, &error);
            if passes(&error) && round.unanswered(held.entry.kind) { Err(error.into()) } else { Ok(()) }
        }
    }
}

/// Whether waiting may help.
fn passes(error: &GraphError) -> bool {
    matches!(error.disposition(), Disposition::RetryAfter(_)) || !error.is_explained()
}

/// Whether one of its steps may be why a whole batch came to nothing.
fn may_be_of_one(error: &GraphError) -> bool {
    !error.is_own_pace() && !matches!(error, GraphError::Token { .. })
}

fn tag(round: &Round<'_>, held: &Held) -> ItemTag {
    ItemTag {
        id: item_tag(round.outlook.firm.id, round.outlook.member, &held.entry),
        generation: held.copy.generation,
        owner: round.outlook.member.to_string(),
        application: round.outlook.firm.name.clone(),
    }
}

/// The containers that these steps need: looked for where one is not known, made where something is to be made
/// in it, and kept before anything is. None where that holds up all entries of the kind.
async fn containers(
    round: &Round<'_>,
    kind: EntryKind,
    steps: &[(usize, ItemStep)],
) -> Result<Option<ItemContainers>, PushError> {
    let places: BTreeSet<OutlookItemKind> = steps.iter().map(|(_, step)| step.place()).collect();
    for place in places {
        if round.known_containers().has(place) {
            continue;
        }
        let _one_at_a_time = round.looking[&kind].lock().await;
        if round.is_blocked(Some(kind)) {
            return Ok(None);
        }
        if round.known_containers().has(place) {
            continue;
        }
        let makes = steps.iter().any(|(_, step)| matches!(step, ItemStep::Create(item) if item.place() == place));
        if let Err(error) = find_container(round, kind, place, makes).await {
            round.hold_up(Some(kind), error)?;
            return Ok(None);
        }
    }
    Ok(Some(round.known_containers()))
}

async fn find_container(
    round: &Round<'_>,
    kind: EntryKind,
    place: OutlookItemKind,
    makes: bool,
) -> Result<(), PushError> {
    let outlook = round.outlook_of(kind);
    let (mut container, mut other_name) = (outlook.container(&round.known_containers(), place).await?, None);
    if container.is_none() && makes {
        let foreign = if place == OutlookItemKind::Task { outlook.foreign_lists().await? } else { BTreeMap::new() };
        let taken: Vec<String> = foreign.values().cloned().collect();
        let begin = |containers: &mut ItemContainers| {
            containers.foreign_lists.extend(foreign.into_keys());
            containers.unsure.insert(place);
        };
        round.keep(begin).await?;
        if let Some((made, name)) = outlook.make_container(place, &taken).await? {
            other_name = (name != outlook.firm.name).then_some(name);
            container = Some(made);
        }
    }
    if container.is_some() {
        let found = |containers: &mut ItemContainers| {
            containers.names.extend(other_name.map(|name| (place, name)));
            containers.set(place, container);
        };
        round.keep(found).await?;
    }
    Ok(())
}

/// Keeps what is known of the copies, and takes out of the work what is done, in one transaction.
async fn settle(round: &Round<'_>, work: Row<PushWork>, mut held: Vec<Held>) -> Result<(), PushError> {
    let (firm, member, now) = (round.outlook.firm.id, round.outlook.member, round.app.clock.now());
    let mut news = Vec::new();
    for held in &mut held {
        let fate = held.fate(now);
        // What failed may have come right without another step: it was said as it is there.
        if matches!(fate, WorkOutcome::Done | WorkOutcome::Kept(_)) {
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
            (thing.clone(), held.map_or(WorkOutcome::Done, |held| held.fate(now)))
        })
        .collect();
    let (left, settled) = work.value.work.left_after(&fates);
    let began = held.iter().any(|held| matches!(held.fate(now), WorkOutcome::Kept(_)));
    let bulk = BulkProgress::add(firm, member, work.value.bulk, settled);
    let mut writes: Vec<Write> = held.into_iter().filter_map(|held| held.write(round)).collect();
    writes.push(match left {
        Some(left) => {
            let value = PushWork { work: left, began, bulk: work.value.bulk };
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
