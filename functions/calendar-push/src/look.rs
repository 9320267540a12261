//! Look: what lies in the member's Outlook, compared with what shall be there. What differs becomes work.

use std::collections::{BTreeSet, HashMap};

use serde::de::IgnoredAny;
use shared::{
    entry::{Entry, EntryId, Noun},
    graph::{Disposition, Home, Link, Place, Sight},
    push::{Copy, Difference, Left, Outbox, PushWork, Sights, Verdict, compare, folder_mark},
    table::{Key, Row, Write},
    work::WORK_THINGS_MAX,
};

use crate::round::{CHECK_PAUSE, COMPARE_PAUSE, PushError, Round};

/// Entries read at a time.
const ENTRIES_PAGE: usize = 1_000;

/// Compares, if it is time; whether anything differs.
pub(crate) async fn look(round: &Round<'_>, outbox: &mut Outbox) -> Result<bool, PushError> {
    let now = round.app.clock.now();
    let whole = outbox.push != round.wish.push || outbox.compared_at.is_none_or(|at| at + COMPARE_PAUSE <= now);
    if !whole && outbox.checked_at.is_some_and(|at| at + CHECK_PAUSE > now) {
        return Ok(false);
    }
    let mut next = outbox.clone();
    let sights = see(round, &mut next, whole).await?;
    let said = if whole { Some(said_to(round).await?) } else { None };
    let seen = sights.values().any(|sight| sight.whole || !sight.items.is_empty());
    let copies = match whole || seen {
        true => round.app.table.query_all::<Copy>(&Key::copy_prefix(round.firm.id, round.member)).await?,
        false => Vec::new(),
    };
    let known: Vec<Copy> = copies.iter().map(|row| row.value.clone()).collect();
    let differences = compare(&round.wish, said.as_ref(), &known, &sights);
    for difference in &differences {
        tracing::info!(member.id = %round.member, difference = ?difference.verdict, "what lies there is otherwise");
    }
    set_right(round, &differences, copies).await?;
    next.checked_at = Some(now);
    if whole {
        (next.compared_at, next.push) = (Some(now), round.wish.push);
    }
    *outbox = next;
    Ok(!differences.is_empty())
}

/// What lies in the places where something shall lie. A container that is gone is a place with nothing in it.
async fn see(round: &Round<'_>, outbox: &mut Outbox, whole: bool) -> Result<Sights, PushError> {
    let (graph, user) = (&round.graph, &round.user);
    let mut homes = round.homes.lock().await;
    let places = [Noun::Date, Noun::Contact].map(|noun| round.wish.place(noun));
    let mut sights = Sights::new();
    for place in places.into_iter().flatten() {
        let nothing = Sight { whole: true, ..Sight::default() };
        let sight = match place {
            Place::Event => graph.events_of(user, &round.member.to_string()).await?,
            Place::Contact => {
                let mark = folder_mark(round.firm.id, round.member);
                let found = graph.find_contact_folder(user, &mark).await?;
                if found != homes.contact_folder || whole {
                    outbox.contacts_link = None;
                }
                homes.contact_folder = found;
                match homes.contact_folder.clone().map(Home::ContactFolder) {
                    None => nothing,
                    Some(home) => changes(round, &home, &mut outbox.contacts_link).await?,
                }
            }
            Place::Task => {
                if let Some(list) = &homes.task_list
                    && !graph.has_task_list(user, list).await?
                {
                    homes.task_list = None;
                }
                if homes.task_list.is_none() || whole {
                    outbox.tasks_link = None;
                }
                match homes.task_list.clone().map(Home::TaskList) {
                    None => nothing,
                    Some(home) => changes(round, &home, &mut outbox.tasks_link).await?,
                }
            }
        };
        sights.insert(place, sight);
    }
    Ok(sights)
}

/// What changed since `link`; all that is there where Microsoft has forgotten the link.
async fn changes(round: &Round<'_>, home: &Home, link: &mut Option<Link>) -> Result<Sight, PushError> {
    let (graph, user) = (&round.graph, &round.user);
    let (sight, next) = match graph.changes(user, home, link.as_ref()).await {
        Err(e) if link.is_some() && e.disposition() == Disposition::Resync => graph.changes(user, home, None).await?,
        other => other?,
    };
    *link = next;
    Ok(sight)
}

/// All entries that name the member.
async fn said_to(round: &Round<'_>) -> Result<BTreeSet<EntryId>, PushError> {
    let mut said = BTreeSet::new();
    for noun in [Noun::Date, Noun::Contact] {
        if round.wish.place(noun).is_none() {
            continue;
        }
        let prefix = Key::entry_prefix(round.firm.id, noun);
        let mut after = None;
        loop {
            let page = round.app.table.query::<Entry<IgnoredAny>>(&prefix, after.as_ref(), ENTRIES_PAGE).await?;
            let named = page.rows.into_iter().map(|row| row.value);
            let named = named.filter(|entry| entry.content.is_some() && entry.members.contains(&round.member));
            said.extend(named.map(|entry| EntryId { noun, external: entry.id }));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(said)
}

/// Writes down what differs, each with the work that it makes.
async fn set_right(round: &Round<'_>, differences: &[Difference], copies: Vec<Row<Copy>>) -> Result<(), PushError> {
    let (firm, member) = (round.firm.id, round.member);
    let mut copies: HashMap<EntryId, Row<Copy>> =
        copies.into_iter().map(|row| (row.value.entry.clone(), row)).collect();
    for some in differences.chunks(WORK_THINGS_MAX) {
        let entries: Vec<EntryId> = some.iter().map(|difference| difference.entry.clone()).collect();
        let at = (round.app.clock.now(), &round.app.random);
        let work = PushWork::items(firm, member, &entries, None, at);
        let mut writes: Vec<Write> = work.iter().map(|row| Write::insert(row.key.clone(), &row.value)).collect();
        for difference in some {
            let Some(mut row) = copies.remove(&difference.entry) else { continue };
            let copy = &mut row.value;
            match (difference.verdict, &mut copy.placed) {
                // Where it was only moved to another place, it is still there.
                (Verdict::Gone, Some(placed)) => {
                    copy.left.push(Left { place: placed.place, id: placed.id.clone() });
                    copy.gone();
                }
                (Verdict::Altered, Some(placed)) => placed.sent = String::new(),
                (Verdict::Missing | Verdict::Unwanted | Verdict::Gone | Verdict::Altered, _) => continue,
            }
            writes.push(Write::replace(&row));
        }
        round.app.table.transact(writes).await?;
    }
    Ok(())
}
