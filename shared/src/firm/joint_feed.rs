//! The joint feed: the facts of all firms, for a reader with the operator's key.
//!
//! It stores no facts but stretches: ranges of one firm's facts. A reader adds the missing stretches before it reads.
//! The index lists the feeds with news, by the minute of their last number. So a page costs by its facts, not by the
//! number of firms, and writing a fact costs nothing more. Facts of one firm are in order; facts of two firms are in
//! the order in which they were found.

use std::{collections::HashMap, fmt, str::FromStr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::FirmId,
    firm::{
        ListedFirm,
        fact::NumberedFact,
        feed::{Feed, FeedCounter, FeedError},
    },
};

/// So far back from the last look the index is asked again: it lags, and clocks differ.
const LOOK_BACK: Duration = Duration::from_secs(120);
/// Firms whose news are found by one look.
const FIRMS_MAX: usize = 1_000;
/// Firms whose stretches are laid down by one transaction, of which each has two writes.
const TRANSACTION_FIRMS_MAX: usize = 40;

/// Facts of one firm, from one number to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRange {
    /// Whose they are.
    pub firm: FirmId,
    /// The number of the first.
    pub from: u64,
    /// The number of the last.
    pub to: u64,
}

/// How far the joint feed goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointHead {
    /// The number of the last stretch.
    pub last: u64,
    /// Until when the firms with news are known.
    pub until: Timestamp,
}

/// Up to where a firm's feed stands in the joint feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointPosition {
    /// The number of its last fact there.
    pub to: u64,
}

/// An event of one of all firms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FirmEvent {
    /// The firm.
    #[schema(value_type = String, format = "uuid")]
    pub firm: FirmId,
    /// The event, as in the firm's own feed.
    pub event: NumberedFact,
}

/// A place in the joint feed. Written `{stretch}.{number}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JointCursor {
    /// So many stretches are read.
    stretch: u64,
    /// Up to this number, facts of the next one.
    number: u64,
}

impl JointCursor {
    /// Whether the joint feed ends before this place. Ask after [`events_after`] found nothing: then the feed is up to
    /// date.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn is_ahead(self, table: &Table) -> Result<bool, TableError> {
        let head = table.get::<JointHead>(&Key::joint_feed()).await?.map_or(0, |row| row.value.last);
        Ok((self.stretch, self.number) > (head, 0))
    }
}

impl fmt::Display for JointCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stretch, self.number)
    }
}

impl FromStr for JointCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('.').and_then(|(stretch, number)| stretch.parse().ok().zip(number.parse().ok()));
        parts.map(|(stretch, number)| Self { stretch, number }).ok_or("not the `next` of a page")
    }
}

/// The facts of all firms after `after`, at most `limit`, each with the place after it, and the place after all. Those
/// of one firm are in order.
///
/// Errors: the table refuses or does not answer.
pub async fn events_after(
    (table, feed): (&Table, &Feed),
    after: JointCursor,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<(FirmEvent, JointCursor)>, JointCursor), FeedError> {
    let (mut events, mut reached) = read_stretches((table, feed), after, limit, now).await?;
    if events.len() < limit {
        lay_stretches(table, now).await?;
        let (more, end) = read_stretches((table, feed), reached, limit - events.len(), now).await?;
        events.extend(more);
        reached = end;
    }
    Ok((events, reached))
}

/// The end of the joint feed, as it is now.
///
/// Errors: the table refuses or does not answer.
pub async fn end_of_feed(table: &Table, now: Timestamp) -> Result<JointCursor, FeedError> {
    loop {
        let before = table.get::<JointHead>(&Key::joint_feed()).await?.map(|row| row.value.last);
        lay_stretches(table, now).await?;
        let head = table.get::<JointHead>(&Key::joint_feed()).await?.map(|row| row.value.last);
        if head == before {
            return Ok(JointCursor { stretch: head.unwrap_or(0), number: 0 });
        }
    }
}

/// The facts of the stretches that are laid down.
async fn read_stretches(
    (table, feed): (&Table, &Feed),
    mut cursor: JointCursor,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<(FirmEvent, JointCursor)>, JointCursor), FeedError> {
    let stretches = table.numbered::<FactRange>(&Key::stretch(cursor.stretch), true, limit).await?;
    let mut events = Vec::new();
    for (number, FactRange { firm, from, to }) in stretches {
        cursor.number = cursor.number.max(from.saturating_sub(1));
        while cursor.number < to {
            if events.len() == limit {
                return Ok((events, cursor));
            }
            let (facts, reached) = feed.facts_after(firm, cursor.number, limit - events.len(), now).await?;
            // A fact that is not written yet is waited for, as in the firm's own feed.
            if reached <= cursor.number {
                return Ok((events, cursor));
            }
            let within = facts.into_iter().filter(|fact| fact.number <= to);
            events.extend(within.map(|event| {
                let behind = JointCursor { number: event.number, ..cursor };
                (FirmEvent { firm, event }, behind)
            }));
            cursor.number = reached;
        }
        cursor = JointCursor { stretch: number, number: 0 };
    }
    Ok((events, cursor))
}

/// Lays down the stretches of all firms with news. Where another reader does so at the same time, one of the two does.
async fn lay_stretches(table: &Table, now: Timestamp) -> Result<(), FeedError> {
    let head = table.get::<JointHead>(&Key::joint_feed()).await?;
    let since = head.as_ref().map_or(Timestamp::UNIX_EPOCH, |head| head.value.until) - LOOK_BACK;
    let news = table.feeds_since(since, FIRMS_MAX).await?;
    let until = if news.len() < FIRMS_MAX { now } else { news.last().map_or(now, |(_, minute)| *minute) };
    let mut firms: Vec<FirmId> = news.into_iter().map(|(firm, _)| firm).collect();
    if since < Timestamp::UNIX_EPOCH {
        // Feeds of 0.1.0 are not in the index before they go on.
        let listed = table.query_all::<ListedFirm>(&Key::listed_firm_prefix()).await?;
        firms.extend(listed.into_iter().map(|row| row.value.id));
    }
    firms.sort();
    firms.dedup();
    let missing = missing_stretches(table, &firms).await?;
    // What is known already is looked at again for a while, which costs less than to note it.
    let noted = head.as_ref().is_some_and(|head| now < head.value.until + LOOK_BACK);
    if missing.is_empty() && noted {
        return Ok(());
    }
    let whole = missing.len() <= TRANSACTION_FIRMS_MAX;
    let missing = missing.into_iter().take(TRANSACTION_FIRMS_MAX).collect();
    // The rest is found by the next look.
    let until = if whole { until } else { since + LOOK_BACK };
    match write(table, head, missing, until).await {
        Err(TableError::Conflict { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// What the joint feed lacks of these firms' feeds, each with what is known of the firm there.
async fn missing_stretches(
    table: &Table,
    firms: &[FirmId],
) -> Result<Vec<(FactRange, Option<Row<JointPosition>>)>, TableError> {
    let keys = |key: fn(FirmId) -> Key| firms.iter().map(|firm| key(*firm)).collect::<Vec<_>>();
    let counters = table.get_all::<FeedCounter>(&keys(Key::feed_counter)).await?;
    let joined = table.get_all::<JointPosition>(&keys(Key::joined)).await?;
    let counters: HashMap<Key, u64> = counters.into_iter().map(|row| (row.key, row.value.last)).collect();
    let mut joined: HashMap<Key, Row<JointPosition>> = joined.into_iter().map(|row| (row.key.clone(), row)).collect();
    let missing = firms.iter().filter_map(|firm| {
        let row = joined.remove(&Key::joined(*firm));
        let (from, to) = (row.as_ref().map_or(0, |row| row.value.to) + 1, *counters.get(&Key::feed_counter(*firm))?);
        (from <= to).then_some((FactRange { firm: *firm, from, to }, row))
    });
    Ok(missing.collect())
}

async fn write(
    table: &Table,
    head: Option<Row<JointHead>>,
    missing: Vec<(FactRange, Option<Row<JointPosition>>)>,
    until: Timestamp,
) -> Result<(), TableError> {
    let (mut last, mut writes) = (head.as_ref().map_or(0, |head| head.value.last), Vec::new());
    for (stretch, joined) in missing {
        last += 1;
        let to = JointPosition { to: stretch.to };
        writes.push(match joined {
            Some(row) => Write::replace(&row.with(to)),
            None => Write::insert(Key::joined(stretch.firm), &to),
        });
        writes.push(Write::insert(Key::stretch(last), &stretch));
    }
    let head_is = JointHead { last, until };
    writes.push(match head {
        Some(row) => Write::replace(&row.with(head_is)),
        None => Write::insert(Key::joint_feed(), &head_is),
    });
    table.transact(writes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for cursor in [JointCursor::default(), JointCursor { stretch: 7, number: u64::MAX }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "7", "7.", ".7", "-1.0", "1.2.3", "x"] {
            assert!(text.parse::<JointCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_counter_of_a_feed_is_read_as_it_was_written() {
        let counter: FeedCounter = crate::aws::table::frozen("feed-counter");
        assert_eq!(counter.last, 41);
    }
}
