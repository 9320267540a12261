//! Look: what lies in the member's Outlook, compared with what shall be there. What differs becomes work.

use std::collections::HashMap;

use shared::{
    date::Kind,
    entry::{EntryId, Noun},
    push::{Copy, Difference, Left, Links, Outbox, PushWork, Verdict, compare},
    table::{Key, Row, Write},
    work::WORK_THINGS_MAX,
};

use crate::round::{CHECK_PAUSE, COMPARE_PAUSE, PushError, Round};

/// Compares, if it is time; whether anything differs.
pub(crate) async fn look(round: &Round<'_>, outbox: &mut Outbox) -> Result<bool, PushError> {
    let now = round.app.clock.now();
    let whole = outbox.push != round.wish.push || outbox.compared_at.is_none_or(|at| at + COMPARE_PAUSE <= now);
    if !whole && outbox.checked_at.is_some_and(|at| at + CHECK_PAUSE > now) {
        return Ok(false);
    }
    let (outlook, table) = (&round.outlook, &round.app.table);
    let (links, mut homes) = (if whole { Links::new() } else { outbox.links.clone() }, round.homes.lock().await);
    let before = homes.clone();
    let (sights, links) = outlook.look(&round.wish, &mut homes, &links).await?;
    if *homes != before {
        round.keep(&homes).await?;
    }
    drop(homes);
    let said = if whole { Some(outlook.said(table, &round.wish).await?) } else { None };
    let seen = sights.values().any(|sight| sight.whole || !sight.items.is_empty());
    let copies = match whole || seen {
        true => table.query_all::<Copy>(&Key::copy_prefix(outlook.firm.id, outlook.member)).await?,
        false => Vec::new(),
    };
    let known: Vec<Copy> = copies.iter().map(|row| row.value.clone()).collect();
    let differences = compare(&round.wish, said.as_ref(), &known, &sights);
    for difference in &differences {
        tracing::info!(member.id = %outlook.member, difference = ?difference.verdict, "what lies there is otherwise");
    }
    set_right(round, &differences, copies).await?;
    if whole && round.colors && round.wish.place(Noun::Date).is_some() {
        outlook.graph.keep_categories(&outlook.user, &Kind::categories(round.wish.language), &[]).await?;
    }
    (outbox.links, outbox.checked_at) = (links, Some(now));
    if whole {
        (outbox.compared_at, outbox.push) = (Some(now), round.wish.push);
    }
    Ok(!differences.is_empty())
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
                    copy.left.push(Left { place: placed.place, id: placed.id.clone() });
                    copy.gone();
                }
                (Verdict::Altered, Some(placed)) => placed.sent = String::new(),
                (Verdict::Missing | Verdict::Unwanted | Verdict::Outdated | Verdict::Gone | Verdict::Altered, _) => {
                    continue;
                }
            }
            writes.push(Write::replace(&row));
        }
        round.app.table.transact(writes).await?;
    }
    Ok(())
}
