//! The feed: a firm's facts, read by cursor, and the same facts on the event bus.
//!
//! A firm's facts are numbered without gaps, in the order in which they were recorded. A writer takes a number, and may
//! die before it writes. A reader that meets such a gap waits a little, then fills it with a void fact by a conditional
//! write; a late writer takes another number. So a reader that goes by numbers misses nothing.

use std::time::Duration;

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    aws::{
        queue::{DeliveryJob, DeliveryQueue},
        table::{Key, Table, TableError, Write},
    },
    base::{
        clock::Clock,
        digest::Digest,
        id::{FirmId, WebhookId},
        metric::{Counter, Tally},
        random::Random,
        telemetry::ErrorChain,
    },
    firm::fact::{EventType, Fact, FactEvent, NumberedFact, StoredFact},
};

/// How long a number may stay unwritten before a reader gives it up: a writer is moments behind its number. Given up
/// too early, a number is only wasted.
pub const GAP_PATIENCE: Duration = Duration::from_secs(10);

/// The `source` of our entries on the event bus.
pub const EVENT_SOURCE: &str = "greffe";

/// Most entries in one PutEvents. Source:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const PUT_EVENTS_MAX: usize = 10;

/// Facts read in one go to be put on the event bus again.
const FACTS_PAGE: usize = 200;

/// What writing a fact came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is written.
    New,
    /// It was written before.
    Before,
    /// A reader gave the number up, or it is another fact's: take another one.
    NumberGivenUp,
}

/// A fact that could not be told.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The table did not take or give it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The event bus did not take it.
    #[error("put {count} facts on the event bus")]
    Bus {
        /// How many were to be told.
        count: usize,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The feed, the bus, and the queue of what is posted to webhooks.
#[derive(Debug, Clone)]
pub struct Feed {
    table: Table,
    client: Client,
    bus: Option<String>,
    deliveries: DeliveryQueue,
    clock: Clock,
    random: Random,
}

/// A fact as it is written: with a salt, which keeps its digest from telling what it says.
#[derive(Serialize)]
struct Salted<'a> {
    #[serde(flatten)]
    fact: &'a Fact,
    salt: String,
}

/// A void fact: readers of the feed do not see it, the log has it, with whatever else it says.
#[derive(Serialize)]
struct Unseen<'a, T> {
    r#type: EventType,
    id: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    what: &'a T,
    salt: String,
}

/// A webhook, as far as an announcement goes.
#[derive(Deserialize)]
struct Addressee {
    id: WebhookId,
}

/// The last number of a firm's feed.
#[derive(Deserialize)]
pub(crate) struct FeedCounter {
    /// The number.
    pub(crate) last: u64,
}

impl Feed {
    /// Over the table, the SDK's client with the name of the bus, if anybody listens there, and the queue. Salts are
    /// drawn from `random`.
    pub fn new(
        table: Table,
        (client, bus): (Client, Option<String>),
        deliveries: DeliveryQueue,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { table, client, bus, deliveries, clock, random }
    }

    /// An id for a fact.
    pub(crate) fn new_id(&self) -> Uuid {
        self.random.uuid()
    }

    /// The table.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The queue of what is posted to webhooks.
    pub fn deliveries(&self) -> &DeliveryQueue {
        &self.deliveries
    }

    /// The last number that was given out; 0 if none was.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn last_number(&self, firm: FirmId) -> Result<u64, FeedError> {
        let counter = self.table.get::<FeedCounter>(&Key::feed_counter(firm)).await?;
        Ok(counter.map_or(0, |row| row.value.last))
    }

    /// Sends a job for each webhook of the firm and of the operator. A failure only delays the delivery: a webhook has
    /// a place in the feed, and the schedule sends the job again.
    async fn call_webhooks(&self, firm: FirmId) {
        for owner in [Some(firm), None] {
            if let Err(error) = self.call_webhooks_of(owner).await {
                tracing::error!(firm.id = %firm, error = %ErrorChain(error.as_ref()), "webhooks wait for the schedule");
            }
        }
    }

    async fn call_webhooks_of(&self, owner: Option<FirmId>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // One that was made this moment, and is not seen here, gets its first job from the schedule.
        for row in self.table.query_all_eventually::<Addressee>(&Key::webhook_prefix(owner)).await? {
            let job = DeliveryJob::new(owner, row.value.id, self.clock.now(), Uuid::nil());
            self.deliveries.send(&job).await?;
        }
        Ok(())
    }

    /// The write of a fact under its number, which fails if there is one.
    fn write(&self, key: Key, fact: &Fact) -> Write {
        Write::insert(key, &Salted { fact, salt: self.random.token() })
    }

    /// Takes `count` numbers of a firm's feed; the first of them.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn take_numbers(&self, firm: FirmId, count: u64) -> Result<u64, FeedError> {
        let last = self.table.take_feed_numbers(firm, count).await?;
        Ok(last + 1 - count)
    }

    /// Writes a fact under its number. Written before, it stays.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn record(&self, firm: FirmId, number: u64, fact: &Fact) -> Result<Recorded, FeedError> {
        let key = Key::fact(firm, number);
        match self.table.write(self.write(key.clone(), fact)).await {
            Ok(()) => Ok(Recorded::New),
            Err(TableError::Conflict { .. }) => {
                let there = self.table.get::<Fact>(&key).await?;
                let same = there.is_some_and(|row| row.value.id == fact.id);
                Ok(if same { Recorded::Before } else { Recorded::NumberGivenUp })
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Makes `writes` and records `what` in one transaction, as a void fact: it is in the log, and readers of the feed
    /// do not see it. `what` has other fields than a fact.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn record_unseen(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        id: &str,
        what: &impl Serialize,
    ) -> Result<(), FeedError> {
        let (at, unseen) = (self.clock.now(), EventType::Void);
        let write = |_, key| {
            let salt = self.random.token();
            Write::insert(key, &Unseen { r#type: unseen, id, at, what, salt })
        };
        self.write_numbered(firm, writes, (1, id), write).await.map(drop)
    }

    /// Makes writes together with those of `count` facts under the next numbers, the first of which has the id
    /// `first_id`; the first number.
    async fn write_numbered(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        (count, first_id): (u64, &str),
        fact: impl Fn(usize, Key) -> Write,
    ) -> Result<u64, FeedError> {
        loop {
            let first = self.take_numbers(firm, count).await?;
            let keys: Vec<Key> = (first..first + count).map(|number| Key::fact(firm, number)).collect();
            let facts = keys.iter().cloned().enumerate().map(|(i, key)| fact(i, key));
            match self.table.transact(writes.iter().cloned().chain(facts).collect()).await {
                // A reader gave a number up; or the answer was lost, and these are the facts.
                Err(error) if keys.iter().any(|key| error.is_about(key)) => {
                    let there = self.stored(firm, first).await?;
                    if there.is_some_and(|fact| fact.text("id") == Some(first_id)) {
                        return Ok(first);
                    }
                }
                written => return Ok(written.map(|()| first)?),
            }
        }
    }

    /// Leaves of a fact the hash of its log entry and its time.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn void_fact(&self, firm: FirmId, number: u64, entry: Digest, at: Timestamp) -> Result<(), FeedError> {
        let fact = Fact::erased(entry, at);
        Ok(self.table.write(Write::overwrite(Key::fact(firm, number), &fact)).await?)
    }

    /// Makes writes and records the facts that they make true: all, or nothing. They are to be announced then.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn record_with(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        facts: Vec<Fact>,
    ) -> Result<Vec<NumberedFact>, FeedError> {
        if facts.is_empty() {
            self.table.transact(writes).await?;
            return Ok(Vec::new());
        }
        let write = |i: usize, key| self.write(key, &facts[i]);
        let first = self.write_numbered(firm, writes, (facts.len() as u64, &facts[0].id), write).await?;
        Ok(facts.into_iter().zip(first..).map(|(fact, number)| NumberedFact { number, fact }).collect())
    }

    /// Makes writes and tells the fact that they make true: all, or nothing.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn tell_with(&self, firm: FirmId, writes: Vec<Write>, fact: Fact) -> Result<(), FeedError> {
        let recorded = self.record_with(firm, writes, vec![fact]).await?;
        self.announce_recorded(firm, &recorded).await;
        Ok(())
    }

    /// Announces facts that are recorded. A receiver that misses one on the bus finds it in the feed.
    pub async fn announce_recorded(&self, firm: FirmId, facts: &[NumberedFact]) {
        if let Err(error) = self.announce(firm, facts).await {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "facts are missing on the event bus");
        }
    }

    /// Puts facts on the event bus, at least once each, and has them posted to webhooks. The operator learns of each
    /// time that the bus does not take them.
    ///
    /// Errors: the event bus refuses or does not answer.
    pub async fn announce(&self, firm: FirmId, facts: &[NumberedFact]) -> Result<(), FeedError> {
        if !facts.is_empty() {
            self.call_webhooks(firm).await;
        }
        let refused = |_: &FeedError| Tally::one(Counter::BusRefusals).publish(self.clock.now());
        self.put_on_bus(firm, facts).await.inspect_err(refused)
    }

    async fn put_on_bus(&self, firm: FirmId, facts: &[NumberedFact]) -> Result<(), FeedError> {
        let Some(bus) = &self.bus else { return Ok(()) };
        for chunk in facts.chunks(PUT_EVENTS_MAX) {
            let failed =
                |source: Box<dyn std::error::Error + Send + Sync>| FeedError::Bus { count: chunk.len(), source };
            let mut request = self.client.put_events();
            for numbered in chunk {
                let detail = serde_json::json!({ "firm": firm, "fact": numbered }).to_string();
                let entry = PutEventsRequestEntry::builder()
                    .event_bus_name(bus)
                    .source(EVENT_SOURCE)
                    .detail_type(numbered.fact.what.name())
                    .detail(detail);
                request = request.entries(entry.build());
            }
            let answer = request.send().await.map_err(|e| failed(e.into()))?;
            if answer.failed_entry_count() > 0 {
                let code = answer.entries().iter().find_map(|e| e.error_code()).unwrap_or("unknown").to_owned();
                return Err(failed(format!("{} entries refused: {code}", answer.failed_entry_count()).into()));
            }
        }
        Ok(())
    }

    /// Puts those of the facts `from` to `to` on the event bus for which `is_meant`; a bounded number of them. Where to
    /// go on; none if that is all.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn announce_again(
        &self,
        firm: FirmId,
        (from, to): (u64, u64),
        is_meant: impl Fn(&FactEvent) -> bool,
    ) -> Result<Option<u64>, FeedError> {
        let after = from.saturating_sub(1);
        let rows: Vec<(u64, Fact)> = self.table.numbered(&Key::fact(firm, after), true, FACTS_PAGE).await?;
        let reached = rows.last().map(|(number, _)| *number);
        let meant = rows.into_iter().filter(|(number, fact)| *number <= to && is_meant(&fact.what));
        let facts: Vec<NumberedFact> = meant.map(|(number, fact)| NumberedFact { number, fact }).collect();
        self.announce(firm, &facts).await?;
        Ok(reached.filter(|reached| *reached < to).map(|reached| reached + 1))
    }

    /// The facts after number `after`, oldest first, at most `limit`, and the number to go on after.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn facts_after(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<NumberedFact>, u64), FeedError> {
        let rows: Vec<(u64, Fact)> = self.without_gaps(firm, after, limit, now, |fact: &Fact| fact.at).await?;
        let reached = rows.last().map_or(after, |(number, _)| *number);
        let facts = rows.into_iter().filter(|(_, fact)| fact.what != FactEvent::Void);
        Ok((facts.map(|(number, fact)| NumberedFact { number, fact }).collect(), reached))
    }

    /// The facts as they are stored, voids too: one for each number.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn stored_facts_after(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(u64, StoredFact)>, FeedError> {
        self.without_gaps(firm, after, limit, now, StoredFact::at).await
    }

    /// The fact with that number as it is stored, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn stored(&self, firm: FirmId, number: u64) -> Result<Option<StoredFact>, FeedError> {
        Ok(self.table.get(&Key::fact(firm, number)).await?.map(|row| row.value))
    }

    /// What is stored under the numbers after `after`, as far as there is no gap. A gap that is old enough is filled.
    async fn without_gaps<T: DeserializeOwned>(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
        at: fn(&T) -> Timestamp,
    ) -> Result<Vec<(u64, T)>, FeedError> {
        let patience = jiff::SignedDuration::try_from(GAP_PATIENCE).unwrap_or_default();
        // A caller may give the largest number that there is.
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        loop {
            let mut rows: Vec<(u64, T)> = self.table.numbered(&Key::fact(firm, after), true, limit).await?;
            let whole = rows.iter().zip(first..).take_while(|((number, _), next)| number == next).count();
            let Some((number, fact)) = rows.get(whole) else { return Ok(rows) };
            if now.duration_since(at(fact)) < patience {
                rows.truncate(whole);
                return Ok(rows);
            }
            for gap in first + whole as u64..*number {
                // Its writer may come after all; then that is what the next reading shows.
                let void = Fact::void(gap, now);
                self.record(firm, gap, &void).await?;
            }
        }
    }

    /// The facts before number `before`, newest first, at most `limit`: for lists, where a gap does no harm.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn facts_before(&self, firm: FirmId, before: u64, limit: usize) -> Result<Vec<NumberedFact>, FeedError> {
        let rows: Vec<(u64, Fact)> = self.table.numbered(&Key::fact(firm, before), false, limit).await?;
        Ok(rows.into_iter().map(|(number, fact)| NumberedFact { number, fact }).collect())
    }
}
