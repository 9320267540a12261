//! Repair: compares the member's Outlook with what should be there. Each difference becomes work.

use std::collections::HashMap;

use jiff::Timestamp;
use shared::{
    aws::table::{Key, Row, Write},
    base::id::{EntryId, EntryKind},
    mail::work::WORK_THINGS_MAX,
    push::{Copy, Difference, LeftoverItem, Outbox, PushLinks, PushWork, SeenItems, Verdict, compare, date::DateKind},
};

use crate::round::{CHECK_PAUSE, COMPARE_PAUSE, PushError, Round, concerns_all};

/// Compares, if it is time; whether anything differs.
pub(crate) async fn compare_outlook(round: &Round<'_>, outbox: &mut Outbox) -> Result<bool, PushError> {
    let now = round.app.clock.now();
    let whole = outbox.push != round.wish.push || outbox.compared_at.is_none_or(|at| at + COMPARE_PAUSE <= now);
    let due = whole || outbox.checked_at.is_none_or(|at| at + CHECK_PAUSE <= now);
    let mut differs = false;
    for kind in EntryKind::ALL {
        // What was held up is behind by more than what changed lately, and what failed is tried until it works.
        let whole = whole || outbox.blocked.contains_key(&kind) || outbox.failing.contains_key(&kind);
        if round.is_blocked(Some(kind)) || !whole && !due {
            continue;
        }
        let links = outbox.links.get(&kind).filter(|_| !whole).cloned().unwrap_or_default();
        let looks = outbox.checked_at.filter(|_| !whole).map(|since| (since, now));
        match compare_kind(round, kind, whole, &links, looks).await {
            Ok((found, links)) => {
                outbox.links.insert(kind, links);
                differs |= found;
            }
            Err(error) => round.hold_up(Some(kind), error)?,
        }
    }
    if due {
        outbox.checked_at = Some(now);
    }
    if whole {
        (outbox.compared_at, outbox.push) = (Some(now), round.wish.push);
    }
    Ok(differs)
}

/// Compares what lies there of one kind with what is wanted, or only what changed there since `links` were given.
/// `looks`: when the last look was made and this one.
async fn compare_kind(
    round: &Round<'_>,
    kind: EntryKind,
    whole: bool,
    links: &PushLinks,
    looks: Option<(Timestamp, Timestamp)>,
) -> Result<(bool, PushLinks), PushError> {
    let (outlook, table, place) = (&round.outlook, &round.app.table, round.wish.place(kind));
    let (mut seen, mut next) = (SeenItems::new(), PushLinks::new());
    if let Some(place) = place {
        let mut containers = round.known_containers();
        let (sight, links) = round.outlook_of(kind).look(place, &mut containers, links).await?;
        round.keep(|all| *all = containers).await?;
        seen.insert(place, sight);
        next = links;
    }
    let wanted = if whole { Some(outlook.wanted(table, &round.wish, kind).await?) } else { None };
    let copies = match place {
        Some(_) => table.query_all::<Copy>(&Key::copy_prefix_of(outlook.firm.id, outlook.member, kind)).await?,
        None if whole => table.query_all::<Copy>(&Key::copy_prefix_of(outlook.firm.id, outlook.member, kind)).await?,
        None => Vec::new(),
    };
    let known: Vec<Copy> = copies.iter().map(|row| row.value.clone()).collect();
    let differences = compare(&round.wish, wanted.as_ref(), &known, &seen, looks);
    for difference in &differences {
        tracing::info!(member.id = %outlook.member, difference = ?difference.verdict, "what lies there is otherwise");
    }
    set_right(round, &differences, copies).await?;
    if whole && round.colors && kind == EntryKind::Date && place.is_some() {
        color(round).await?;
    }
    Ok((!differences.is_empty(), next))
}

/// Gives each kind of date its colour. Where that fails, dates go out without, until the next whole comparison.
async fn color(round: &Round<'_>) -> Result<(), PushError> {
    let (outlook, categories) = (round.outlook_of(EntryKind::Date), DateKind::categories(round.wish.language));
    match outlook.graph.keep_categories(&outlook.user, &categories, &[]).await {
        Err(error) if !concerns_all(&error) => {
            tracing::info!(member.id = %outlook.member, graph.code = %error.code(), "dates have no colours here");
            Ok(())
        }
        kept => Ok(kept?),
    }
}

/// Writes down what differs, each with the work that it makes.
async fn set_right(round: &Round<'_>, differences: &[Difference], copies: Vec<Row<Copy>>) -> Result<(), PushError> {
    let (firm, member) = (round.outlook.firm.id, round.outlook.member);
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
                    copy.left.push(LeftoverItem { place: placed.place, id: placed.id.clone() });
                    copy.gone();
                }
                (Verdict::Altered, Some(placed)) => placed.sent = String::new(),
                (Verdict::Unseen, Some(placed)) => {
                    let place = placed.place;
                    copy.unsure.insert(place);
                }
                (_, None) | (Verdict::Missing | Verdict::Unwanted | Verdict::Outdated, Some(_)) => continue,
            }
            writes.push(Write::replace(&row));
        }
        round.app.table.transact(writes).await?;
    }
    Ok(())
}
