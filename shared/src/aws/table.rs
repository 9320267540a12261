//! The DynamoDB table: how items are read, written and changed. Where they lie, `table_key.rs` says.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update,
        error::{ConditionalCheckFailedException, TransactionConflictException},
    },
};
use futures::{Stream, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

pub use super::table_key::{Key, sortable};
use super::{seal, table_key::TableItem};
use crate::base::{
    clock::Clock,
    id::{ConnectorId, ErasureId, FirmId, MailboxId, MemberId, WebhookId},
    random::Random,
};

/// The attribute by which DynamoDB forgets an item, in seconds since 1970.
pub const TTL_ATTRIBUTE: &str = "expires_at";
/// The index sorted by time.
pub const DUE_INDEX: &str = "due";
/// Kinds of what is due that lie in shards.
const SHARDED: [&str; 2] = [DUE_MAILBOX, DUE_PUSH];
/// How many shards they lie in.
const SHARDS: u32 = 16;
/// What stands between a kind and its shard.
const SHARD: char = '#';
/// The `due_kind` of a mailbox whose next round is due.
pub const DUE_MAILBOX: &str = "mailbox";
/// The `due_kind` of a connector that is to be looked at.
pub const DUE_CONNECTOR: &str = "connector";
/// The `due_kind` of a member whose next push is due.
pub const DUE_PUSH: &str = "push";
/// The `due_kind` of an app registration that is to be looked at.
pub const DUE_CREDENTIAL: &str = "credential";
/// The `due_kind` of a firm's feed: its `due_at` is the minute of its last number.
const DUE_FEED: &str = "feed";
/// The `due_kind` of a webhook that is to be tried again.
pub const DUE_WEBHOOK: &str = "webhook";
/// The `due_kind` of a firm's log.
pub const DUE_LOG: &str = "log";
/// The `due_kind` of a firm's index of words.
pub const DUE_WORDS: &str = "words";
/// The `due_kind` of an erasure that is to be previewed or carried out.
pub const DUE_ERASURE: &str = "erasure";

/// Why a read or write of the table failed. It never contains an item's content.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Somebody else wrote first: read again and decide again.
    #[error("{key} was changed by another in the meantime")]
    Conflict {
        /// The item.
        key: Key,
    },
    /// A text is longer than any that lies in the table.
    #[error("an id, an address or a cursor is too long")]
    KeyTooLong,
    /// DynamoDB refused or did not answer.
    #[error("{attempted} {key}")]
    Service {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The item.
        key: Key,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The item is not what this version of greffe writes.
    #[error("{key} can't be understood")]
    Malformed {
        /// The item.
        key: Key,
        /// What did not fit.
        #[source]
        source: serde_dynamo::Error,
    },
}

impl TableError {
    /// Whether another wrote this item first.
    pub fn is_about(&self, item: &Key) -> bool {
        matches!(self, Self::Conflict { key } if key == item)
    }
}

/// An item as it was read, with the version that a later write is held to.
#[derive(Debug, Clone)]
pub struct Row<T> {
    /// Where it lies.
    pub key: Key,
    version: u64,
    /// What it holds.
    pub value: T,
}

impl<T> Row<T> {
    /// An item as it is after [`Write::insert`] of it succeeded.
    pub fn inserted(key: Key, value: T) -> Self {
        Self { key, version: 1, value }
    }

    /// Replaces the value; a write is still held to the version that was read.
    pub fn with(self, value: T) -> Self {
        Self { value, ..self }
    }

    /// Counts the version up after [`Write::replace`] succeeded, so that further writes are held to what was written.
    pub fn written(&mut self) {
        self.version += 1;
    }
}

/// Items in key order, and where the next page begins.
#[derive(Debug)]
pub struct RowPage<T> {
    /// The items.
    pub rows: Vec<Row<T>>,
    /// The key to go on after, if there may be more.
    pub next: Option<Key>,
}

/// Items as they were read for a verification.
#[derive(Debug)]
pub struct InspectedRows<T> {
    /// The items.
    pub rows: Vec<Row<T>>,
    /// Those of them that something else than greffe changed since they were written, as far as they have a seal.
    pub altered: Vec<Key>,
    /// The key to go on after, if there may be more.
    pub next: Option<Key>,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub enum Write {
    #[doc(hidden)]
    Put { key: Key, item: TableItem, guard: Guard },
    #[doc(hidden)]
    Delete { key: Key, guard: Guard },
    #[doc(hidden)]
    Add { key: Key, counters: Vec<(String, i64)> },
}

#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Guard {
    None,
    Absent,
    Version(u64),
}

impl Guard {
    fn condition(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Absent => Some("attribute_not_exists(pk)"),
            Self::Version(_) => Some("#version = :version"),
        }
    }

    fn names(self) -> Option<HashMap<String, String>> {
        matches!(self, Self::Version(_)).then(|| HashMap::from([("#version".to_owned(), "version".to_owned())]))
    }

    fn values(self) -> Option<TableItem> {
        match self {
            Self::Version(v) => Some(HashMap::from([(":version".to_owned(), AttributeValue::N(v.to_string()))])),
            _ => None,
        }
    }
}

impl Write {
    /// A new item; fails if there is one.
    pub fn insert<T: Serialize>(key: Key, value: &T) -> Self {
        Self::Put { item: versioned(&key, value, 1), key, guard: Guard::Absent }
    }

    /// The item's new value; fails if another wrote since `row` was read.
    pub fn replace<T: Serialize>(row: &Row<T>) -> Self {
        let item = versioned(&row.key, &row.value, row.version + 1);
        Self::Put { key: row.key.clone(), item, guard: Guard::Version(row.version) }
    }

    /// The item's value, whatever was there.
    pub fn overwrite<T: Serialize>(key: Key, value: &T) -> Self {
        Self::Put { item: versioned(&key, value, 1), key, guard: Guard::None }
    }

    /// No item any more; fails if another wrote since `row` was read.
    pub fn remove<T>(row: &Row<T>) -> Self {
        Self::Delete { key: row.key.clone(), guard: Guard::Version(row.version) }
    }

    /// No item any more, whatever was there.
    pub fn discard(key: Key) -> Self {
        Self::Delete { key, guard: Guard::None }
    }

    /// Adds to counters; an item or a counter that is not there begins at 0.
    pub fn add(key: Key, counters: Vec<(String, i64)>) -> Self {
        debug_assert!(!key.is_sealed(), "the seal of {key} would not fit any more");
        Self::Add { key, counters }
    }

    fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Add { key, .. } => key,
        }
    }
}

/// The partitions of the index that a kind of what is due lies in. Where there may be a hundred thousand, there are
/// sixteen, because one takes a thousand writes a second; and the one that older versions wrote to. Each minute begins
/// with another, so that none is always the last.
fn shards(kind: &'static str, now: Timestamp) -> impl Iterator<Item = String> {
    let shards = if SHARDED.contains(&kind) { SHARDS } else { 0 };
    let first = now.as_second().div_euclid(60).rem_euclid(i64::from(SHARDS)) as u32;
    let sharded = (0..shards).map(move |shard| format!("{kind}{SHARD}{:x}", (first + shard) % SHARDS));
    std::iter::once(kind.to_owned()).chain(sharded)
}

/// What is due as it lies in the index: under its kind and a shard, which follows from where the item lies.
fn sharded(kind: &str, key: &Key) -> String {
    match SHARDED.contains(&kind) {
        true => format!("{kind}{SHARD}{:x}", u32::from(Sha256::digest(&key.pk)[0]) % SHARDS),
        false => kind.to_owned(),
    }
}

fn versioned<T: Serialize>(key: &Key, value: &T, version: u64) -> TableItem {
    // Every stored type is a plain struct; that it fits is tested where it is defined.
    let mut item: TableItem = serde_dynamo::to_item(value).expect("a stored type is a map of attributes");
    item.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
    if let Some(AttributeValue::S(kind)) = item.get_mut("due_kind") {
        *kind = sharded(kind, key);
    }
    item.extend(key.item());
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    if key.is_sealed() {
        seal::seal(&mut item);
    }
    item
}

fn read<T: DeserializeOwned>(mut item: TableItem, fallback: &Key) -> Result<Row<T>, TableError> {
    if let Some(AttributeValue::S(kind)) = item.get_mut("due_kind") {
        kind.truncate(kind.find(SHARD).unwrap_or(kind.len()));
    }
    let key = Key::of_item(&item).unwrap_or_else(|| fallback.clone());
    let version = item.get("version").and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
    match serde_dynamo::from_item(item) {
        Ok(value) => Ok(Row { key, version, value }),
        Err(source) => Err(TableError::Malformed { key, source }),
    }
}

fn inspect<T: DeserializeOwned>(
    items: Vec<TableItem>,
    fallback: &Key,
    next: Option<Key>,
) -> Result<InspectedRows<T>, TableError> {
    let altered = items.iter().filter(|item| seal::is_broken(item)).filter_map(Key::of_item).collect();
    let rows = items.into_iter().map(|item| read(item, fallback)).collect::<Result<_, _>>()?;
    Ok(InspectedRows { rows, altered, next })
}

/// Tries of a change that others' writes may frustrate. With the pauses between, they take about four seconds.
const TRIES_MAX: u32 = 16;
/// The longest pause before the second try; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Counts the tries of an optimistic change: what is read is changed and written, and all of it is done anew if another
/// wrote in between. Pauses are random, so that two conflicting writers stop colliding.
#[derive(Debug)]
pub struct Tries {
    clock: Clock,
    random: Random,
    made: u32,
    pause: Duration,
}

impl Tries {
    /// Whether to try anew after `error`, once a pause is over: it is a conflict, and there are tries left.
    pub async fn again(&mut self, error: &TableError) -> bool {
        if !matches!(error, TableError::Conflict { .. }) || self.made == TRIES_MAX {
            return false;
        }
        self.clock.sleep(self.random.jitter(self.pause)).await;
        (self.made, self.pause) = (self.made + 1, PAUSE_MAX.min(self.pause * 2));
        true
    }

    /// Whether this is the first try.
    pub fn is_first(&self) -> bool {
        self.made == 1
    }
}

/// Most keys in one BatchGetItem.
const BATCH_GET_MAX: usize = 100;
/// Items that [`Table::remove_all`] removes in one transaction.
const REMOVE_ALL_MAX: usize = 50;
/// How often a BatchGetItem that was answered in part is asked for the rest.
const BATCH_GET_TRIES: usize = 8;
/// Items of one page of what is due: some 200 KB.
const DUE_PAGE: usize = 1_000;

/// Some of what is due, each with the time since when, as the index has it.
pub type DuePage<T> = Vec<(T, String)>;

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    clock: Clock,
    random: Random,
}

impl Table {
    /// Over the SDK's client, with the time and randomness of pauses.
    pub fn new(client: Client, name: String, clock: Clock, random: Random) -> Self {
        Self { client, name, clock, random }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// For a change of more than one item; [`Table::update`] changes one.
    pub fn tries(&self) -> Tries {
        Tries { clock: self.clock.clone(), random: self.random.clone(), made: 1, pause: PAUSE }
    }

    /// Changes an item, even if others write it at the same time, and returns its new value. `change` gets the item's
    /// value, or none where there is no item, and gives the new one, or none for no item; it may be called more than
    /// once. Nothing is written where it changes nothing.
    ///
    /// Errors: [`TableError::Conflict`] if others were faster at each of sixteen tries; the table refuses or does not
    /// answer.
    pub async fn update<T: Serialize + DeserializeOwned + Clone + PartialEq + Send>(
        &self,
        key: &Key,
        change: impl Fn(Option<T>) -> Option<T> + Send + Sync,
    ) -> Result<Option<T>, TableError> {
        let mut value = None;
        let mut write = |item: Option<TableItem>| {
            let row = item.map(|item| read::<T>(item, key)).transpose()?;
            value = change(row.as_ref().map(|row| row.value.clone()));
            Ok(match (row, &value) {
                (None, None) => None,
                (None, Some(new)) => Some(Write::insert(key.clone(), new)),
                (Some(row), Some(new)) if row.value == *new => None,
                (Some(row), Some(new)) => Some(Write::replace(&row.with(new.clone()))),
                (Some(row), None) => Some(Write::remove(&row)),
            })
        };
        self.change(key, &mut write).await?;
        Ok(value)
    }

    /// Writes what `write` makes of the item, and reads it anew where another wrote in between.
    async fn change(
        &self,
        key: &Key,
        write: &mut (dyn FnMut(Option<TableItem>) -> Result<Option<Write>, TableError> + Send),
    ) -> Result<(), TableError> {
        let mut tries = self.tries();
        loop {
            let Some(write) = write(self.item(key, true).await?)? else { return Ok(()) };
            match self.write(write).await {
                Err(error) if tries.again(&error).await => {}
                written => return written,
            }
        }
    }

    /// The item, as it is at this moment.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Row<T>>, TableError> {
        self.item(key, true).await?.map(|item| read(item, key)).transpose()
    }

    /// The item as it was a moment ago, for half the price; one that was not there then, as it is now.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn get_eventually<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Row<T>>, TableError> {
        match self.item(key, false).await? {
            Some(item) => read(item, key).map(Some),
            None => self.get(key).await,
        }
    }

    // What asks DynamoDB knows no type: compiled once, and not for each type that is read.
    async fn item(&self, key: &Key, is_consistent: bool) -> Result<Option<TableItem>, TableError> {
        check(key)?;
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key.item()));
        let request = request.consistent_read(is_consistent);
        let answer = request.send().await.map_err(|e| service("read", key, e))?;
        Ok(answer.item)
    }

    /// Those of the items that exist, as they are at this moment, in no order.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn get_all<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<Row<T>>, TableError> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        self.items(keys).await?.into_iter().map(|item| read(item, first)).collect()
    }

    /// As [`Self::get_all`], with those that do not fit their seals.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn inspect_all<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<InspectedRows<T>, TableError> {
        match keys.first() {
            Some(first) => inspect(self.items(keys).await?, first, None),
            None => Ok(InspectedRows { rows: Vec::new(), altered: Vec::new(), next: None }),
        }
    }

    async fn items(&self, keys: &[Key]) -> Result<Vec<TableItem>, TableError> {
        keys.iter().try_for_each(check)?;
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_GET_MAX) {
            let mut rest: Vec<TableItem> = chunk.iter().map(Key::item).collect();
            for _ in 0..BATCH_GET_TRIES {
                if rest.is_empty() {
                    break;
                }
                let wanted = KeysAndAttributes::builder().set_keys(Some(rest)).consistent_read(true).build();
                let wanted = wanted.map_err(|e| service("read", &chunk[0], e))?;
                let request = self.client.batch_get_item().request_items(&self.name, wanted);
                let answer = request.send().await.map_err(|e| service("read", &chunk[0], e))?;
                items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
                let left = answer.unprocessed_keys.and_then(|mut u| u.remove(&self.name));
                rest = left.map(|l| l.keys).unwrap_or_default();
            }
            if !rest.is_empty() {
                return Err(service("read", &chunk[0], "DynamoDB left keys unprocessed again and again"));
            }
        }
        Ok(items)
    }

    /// Items whose sort key begins as `prefix` does, in order, as they are at this moment.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn query<T: DeserializeOwned>(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<RowPage<T>, TableError> {
        let (items, next) = self.page(prefix, after, limit, true).await?;
        let rows = items.into_iter().map(|item| read(item, prefix)).collect::<Result<_, _>>()?;
        Ok(RowPage { rows, next })
    }

    /// As [`Self::query`], with those that do not fit their seals.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn inspect<T: DeserializeOwned>(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<InspectedRows<T>, TableError> {
        let (items, next) = self.page(prefix, after, limit, true).await?;
        inspect(items, prefix, next)
    }

    async fn page(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
        consistent: bool,
    ) -> Result<(Vec<TableItem>, Option<Key>), TableError> {
        [Some(prefix), after].into_iter().flatten().try_for_each(check)?;
        let request = self.client.query().table_name(&self.name);
        // Nothing begins with an empty text as DynamoDB sees it: then it is the whole partition.
        let request = match prefix.sk.as_str() {
            "" => request.key_condition_expression("pk = :pk"),
            sk => request
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", AttributeValue::S(sk.to_owned())),
        };
        let request = request
            .expression_attribute_values(":pk", AttributeValue::S(prefix.pk.clone()))
            .consistent_read(consistent)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(Key::item));
        let answer = request.send().await.map_err(|e| service("list", prefix, e))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.as_ref().and_then(Key::of_item)))
    }

    /// All items whose sort key begins as `prefix` does: for what is known to be few.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn query_all<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<Row<T>>, TableError> {
        self.all_items(prefix, true).await?.into_iter().map(|item| read(item, prefix)).collect()
    }

    /// All items below `prefix`, by an eventually consistent read at half the cost.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn query_all_eventually<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<Row<T>>, TableError> {
        self.all_items(prefix, false).await?.into_iter().map(|item| read(item, prefix)).collect()
    }

    async fn all_items(&self, prefix: &Key, consistent: bool) -> Result<Vec<TableItem>, TableError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (items, next) = self.page(prefix, after.as_ref(), 1_000, consistent).await?;
            all.extend(items);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// The item with the greatest sort key of the partition that `partition` lies in, as it is at this moment.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn last<T: DeserializeOwned>(&self, partition: &Key) -> Result<Option<Row<T>>, TableError> {
        let whole = partition.partition();
        let items = self.along(&whole, false, 1).await?;
        items.into_iter().next().map(|item| read(item, partition)).transpose()
    }

    /// Numbered items with their numbers: the `limit` next after `edge` going up, or next before it going down.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn numbered<T: DeserializeOwned>(
        &self,
        edge: &Key,
        upwards: bool,
        limit: usize,
    ) -> Result<Vec<(u64, T)>, TableError> {
        check(edge)?;
        let rows = self.along(edge, upwards, limit).await?.into_iter().map(|item| read::<T>(item, edge));
        rows.map(|row| row.map(|row| (row.key.number().unwrap_or_default(), row.value))).collect()
    }

    /// The items before `edge` in its partition, or without a sort key the last ones: at most `limit`, from the end.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn newest<T: DeserializeOwned>(&self, edge: &Key, limit: usize) -> Result<Vec<Row<T>>, TableError> {
        check(edge)?;
        self.along(edge, false, limit).await?.into_iter().map(|item| read(item, edge)).collect()
    }

    /// The items next after `edge` or before it; without a sort key, those at the end of its partition.
    async fn along(&self, edge: &Key, upwards: bool, limit: usize) -> Result<Vec<TableItem>, TableError> {
        let sk = Some(&edge.sk).filter(|sk| !sk.is_empty());
        let condition = match (sk, upwards) {
            (None, _) => "pk = :pk",
            (Some(_), true) => "pk = :pk AND sk > :sk",
            (Some(_), false) => "pk = :pk AND sk < :sk",
        };
        let named = [(":pk", Some(&edge.pk)), (":sk", sk)].into_iter();
        let values = named.filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?.clone()))));
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(values.collect()))
            .consistent_read(true)
            .scan_index_forward(upwards)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|e| service("list", edge, e))?;
        Ok(answer.items.unwrap_or_default())
    }

    /// The mailboxes whose next round is due by `now`, and since when, page by page, longest due first within a shard.
    /// The index lags by moments.
    ///
    /// Errors: the table refuses or does not answer.
    pub fn due_mailboxes(
        &self,
        now: Timestamp,
    ) -> impl Stream<Item = Result<DuePage<(FirmId, MailboxId)>, TableError>> + use<> {
        self.all_due(DUE_MAILBOX, now, Key::sync_owner)
    }

    /// Pages of members whose next push is due.
    ///
    /// Errors: the table refuses or does not answer.
    pub fn due_members(
        &self,
        now: Timestamp,
    ) -> impl Stream<Item = Result<DuePage<(FirmId, MemberId)>, TableError>> + use<> {
        self.all_due(DUE_PUSH, now, Key::member_owner)
    }

    /// The connectors that are to be looked at by `now`, longest due first, at most `limit`.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn due_connectors(&self, now: Timestamp, limit: usize) -> Result<Vec<(FirmId, ConnectorId)>, TableError> {
        let (due, _) = self.due(DUE_CONNECTOR, now, limit, None).await?;
        Ok(due.into_iter().filter_map(|(key, _)| key.watch_owner()).collect())
    }

    /// All firms whose logs are due by `now`, longest due first.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn due_logs(&self, now: Timestamp) -> Result<Vec<FirmId>, TableError> {
        let due: DuePage<FirmId> = self.all_due(DUE_LOG, now, Key::log_owner).try_concat().await?;
        Ok(due.into_iter().map(|(firm, _)| firm).collect())
    }

    /// All firms whose indexes of words are due by `now`, longest due first.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn due_indexes(&self, now: Timestamp) -> Result<Vec<FirmId>, TableError> {
        let due: DuePage<FirmId> = self.all_due(DUE_WORDS, now, Key::index_owner).try_concat().await?;
        Ok(due.into_iter().map(|(firm, _)| firm).collect())
    }

    /// All erasures that there is something to do of by `now`, longest due first.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn due_erasures(&self, now: Timestamp) -> Result<Vec<(FirmId, ErasureId)>, TableError> {
        let due: DuePage<(FirmId, ErasureId)> = self.all_due(DUE_ERASURE, now, Key::erasure_owner).try_concat().await?;
        Ok(due.into_iter().map(|(erasure, _)| erasure).collect())
    }

    /// The owners of the app registrations to look at by `now`, longest due first, at most `limit`; none is the
    /// platform.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn due_credentials(&self, now: Timestamp, limit: usize) -> Result<Vec<Option<FirmId>>, TableError> {
        let (due, _) = self.due(DUE_CREDENTIAL, now, limit, None).await?;
        Ok(due.into_iter().filter_map(|(key, _)| key.credential_owner()).collect())
    }

    /// The webhooks that are to be tried again by `now`, longest due first, page by page; those without a firm are the
    /// operator's.
    ///
    /// Errors: the table refuses or does not answer.
    pub fn due_webhooks(
        &self,
        now: Timestamp,
    ) -> impl Stream<Item = Result<DuePage<(Option<FirmId>, WebhookId)>, TableError>> + use<> {
        self.all_due(DUE_WEBHOOK, now, Key::webhook_owner)
    }

    /// The firms whose feed was given numbers in the minute of `since` or later, at most `limit`, longest silent first,
    /// each with the minute of the last. The index lags by moments.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn feeds_since(&self, since: Timestamp, limit: usize) -> Result<Vec<(FirmId, Timestamp)>, TableError> {
        let (feeds, _) = self.indexed((DUE_FEED, ">="), minute(since), limit, None).await?;
        Ok(feeds.into_iter().filter_map(|(key, at)| Some((key.feed_owner()?, at.parse().ok()?))).collect())
    }

    fn all_due<T>(
        &self,
        kind: &'static str,
        now: Timestamp,
        owner: fn(&Key) -> Option<T>,
    ) -> impl Stream<Item = Result<DuePage<T>, TableError>> + use<T> {
        // It borrows nothing, so that it is `Send` wherever it is read.
        let parts: VecDeque<(String, Option<TableItem>)> = shards(kind, now).map(|kind| (kind, None)).collect();
        let pages = stream::try_unfold((self.clone(), parts), move |(table, mut parts)| async move {
            if parts.is_empty() {
                return Ok(None);
            }
            // A page of each shard in turn, so that none waits for a long one; and few of many shards are sent
            // together.
            let mut due = Vec::new();
            while due.len() < DUE_PAGE
                && let Some((kind, after)) = parts.pop_front()
            {
                let (more, next) = table.indexed((&kind, "<="), now, DUE_PAGE, after).await?;
                due.extend(more);
                parts.extend(next.map(|next| (kind, Some(next))));
            }
            Ok(Some((due, (table, parts))))
        });
        pages.map_ok(move |due| due.into_iter().filter_map(|(key, at)| Some((owner(&key)?, at))).collect())
    }

    /// One page of what is due, and what the next one goes on after.
    async fn due(
        &self,
        kind: &'static str,
        now: Timestamp,
        limit: usize,
        after: Option<TableItem>,
    ) -> Result<(Vec<(Key, String)>, Option<TableItem>), TableError> {
        self.indexed((kind, "<="), now, limit, after).await
    }

    /// One page, in order, of the items of this kind whose `due_at` compares to `edge` by the operator beside the kind;
    /// and the position of the next page.
    async fn indexed(
        &self,
        (kind, is): (&str, &'static str),
        edge: Timestamp,
        limit: usize,
        after: Option<TableItem>,
    ) -> Result<(Vec<(Key, String)>, Option<TableItem>), TableError> {
        let edge = Key { pk: kind.to_owned(), sk: sortable(edge) };
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(DUE_INDEX)
            .key_condition_expression(format!("due_kind = :kind AND due_at {is} :edge"))
            .expression_attribute_values(":kind", AttributeValue::S(edge.pk.clone()))
            .expression_attribute_values(":edge", AttributeValue::S(edge.sk.clone()))
            .set_exclusive_start_key(after)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|e| service("list what is due in", &edge, e))?;
        let due = answer.items.unwrap_or_default().into_iter();
        let due = due.filter_map(|item| Some((Key::of_item(&item)?, item.get("due_at")?.as_s().ok()?.clone())));
        Ok((due.collect(), answer.last_evaluated_key))
    }

    /// One write.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn write(&self, write: Write) -> Result<(), TableError> {
        let mut tries = self.tries();
        loop {
            match self.write_once(write.clone()).await {
                Ok(()) => return Ok(()),
                Err(refused) => refused.wait(&mut tries).await?,
            }
        }
    }

    async fn write_once(&self, write: Write) -> Result<(), RefusedWrite> {
        let key = write.key().clone();
        check(&key)?;
        let result: Result<(), Box<dyn std::error::Error + Send + Sync>> = match write {
            Write::Put { item, guard, .. } => {
                let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
                let request = request
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values());
                request.send().await.map(drop).map_err(Into::into)
            }
            Write::Delete { guard, .. } => {
                let request = self.client.delete_item().table_name(&self.name).set_key(Some(key.item()));
                let request = request
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values());
                request.send().await.map(drop).map_err(Into::into)
            }
            Write::Add { .. } => return self.transact_once(vec![write]).await,
        };
        result.map_err(|source| {
            if is_caused_by::<TransactionConflictException>(source.as_ref()) {
                return RefusedWrite::Busy(key.clone());
            }
            match is_caused_by::<ConditionalCheckFailedException>(source.as_ref()) {
                true => TableError::Conflict { key: key.clone() }.into(),
                false => TableError::Service { attempted: "write", key, source }.into(),
            }
        })
    }

    /// Removes these items, some at a time: if it breaks off, the rest is still there.
    ///
    /// Errors: `Conflict` if another wrote one of them since it was read; the table refuses or does not answer.
    pub async fn remove_all<T>(&self, rows: &[Row<T>]) -> Result<(), TableError> {
        for some in rows.chunks(REMOVE_ALL_MAX) {
            self.transact(some.iter().map(Write::remove).collect()).await?;
        }
        Ok(())
    }

    /// All writes, or none. A conflict names the first item whose condition failed.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn transact(&self, mut writes: Vec<Write>) -> Result<(), TableError> {
        if writes.len() == 1 {
            // By itself a write costs half.
            return self.write(writes.remove(0)).await;
        }
        let mut tries = self.tries();
        loop {
            match self.transact_once(writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(refused) => refused.wait(&mut tries).await?,
            }
        }
    }

    /// One transaction, which AWS carries out once however often the SDK sends it.
    async fn transact_once(&self, writes: Vec<Write>) -> Result<(), RefusedWrite> {
        let Some(first) = writes.first().map(|w| w.key().clone()) else { return Ok(()) };
        let keys: Vec<Key> = writes.iter().map(|w| w.key().clone()).collect();
        keys.iter().try_for_each(check)?;
        let items = writes.into_iter().map(|w| self.transact_item(w)).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|e| service("write", &first, e))?;
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        sent.map(drop).map_err(|e| {
            if let SdkError::ServiceError(s) = &e
                && let TransactWriteItemsError::TransactionCanceledException(cancelled) = s.err()
            {
                let refused = |code: &str| {
                    let mut reasons = cancelled.cancellation_reasons().iter();
                    reasons.position(|reason| reason.code() == Some(code)).and_then(|i| keys.get(i).cloned())
                };
                if let Some(key) = refused("ConditionalCheckFailed") {
                    return TableError::Conflict { key }.into();
                }
                if let Some(key) = refused("TransactionConflict") {
                    return RefusedWrite::Busy(key);
                }
            }
            service("write", &first, e).into()
        })
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let item = TransactWriteItem::builder();
        Ok(match write {
            Write::Put { item: value, guard, .. } => item.put(
                Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(value))
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values())
                    .build()?,
            ),
            Write::Delete { key, guard } => item.delete(
                Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key.item()))
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values())
                    .build()?,
            ),
            Write::Add { key, counters } => {
                let parts: Vec<String> = (0..counters.len()).map(|i| format!("#c{i} :c{i}")).collect();
                let mut update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key.item()))
                    .update_expression(format!("ADD {}", parts.join(", ")));
                for (i, (name, by)) in counters.into_iter().enumerate() {
                    update = update
                        .expression_attribute_names(format!("#c{i}"), name)
                        .expression_attribute_values(format!(":c{i}"), AttributeValue::N(by.to_string()));
                }
                item.update(update.build()?)
            }
        }
        .build())
    }

    /// Takes `by` numbers of a firm's feed and returns the last of them: each number is given out once. The feed then
    /// lies in the index under this minute, so that who reads all feeds finds it ([`Table::feeds_since`]).
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn take_feed_numbers(&self, firm: FirmId, by: u64) -> Result<u64, TableError> {
        let text = |text: String| AttributeValue::S(text);
        let (kind, at) = (text(DUE_FEED.to_owned()), text(sortable(minute(self.clock.now()))));
        self.add_to_last(&Key::feed_counter(firm), by, [("due_kind", kind), ("due_at", at)].into()).await
    }

    /// Adds `by` to the counter `last` of `key`, which DynamoDB forgets after `expires_at`, and returns what it is
    /// then.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn count(&self, key: &Key, by: u64, expires_at: Timestamp) -> Result<u64, TableError> {
        let expires_at = AttributeValue::N(expires_at.as_second().to_string());
        self.add_to_last(key, by, [(TTL_ATTRIBUTE, expires_at)].into()).await
    }

    /// Adds `by` to the counter `last` of `key`, and sets these attributes of it.
    async fn add_to_last(
        &self,
        key: &Key,
        by: u64,
        set: Vec<(&'static str, AttributeValue)>,
    ) -> Result<u64, TableError> {
        debug_assert!(!key.is_sealed(), "the seal of {key} would not fit any more");
        let parts: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let mut request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .update_expression(format!("ADD #last :by SET {}", parts.join(", ")))
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":by", AttributeValue::N(by.to_string()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        for (name, value) in set {
            request = request.expression_attribute_names(format!("#{name}"), name);
            request = request.expression_attribute_values(format!(":{name}"), value);
        }
        let mut tries = self.tries();
        let answer = loop {
            match request.clone().send().await {
                Ok(answer) => break answer,
                Err(e) if is_caused_by::<TransactionConflictException>(&e) => {
                    RefusedWrite::Busy(key.clone()).wait(&mut tries).await?;
                }
                Err(e) => return Err(service("number", key, e)),
            }
        };
        let last = answer.attributes.as_ref().and_then(|a| a.get("last")?.as_n().ok()?.parse().ok());
        last.ok_or_else(|| service("number", key, "DynamoDB returned no number"))
    }
}

/// The minute that a time is in.
fn minute(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second().div_euclid(60) * 60).unwrap_or(time)
}

/// That DynamoDB takes the key.
fn check(key: &Key) -> Result<(), TableError> {
    if key.fits() { Ok(()) } else { Err(TableError::KeyTooLong) }
}

/// Why one try to write came to nothing.
enum RefusedWrite {
    /// A transaction of another's has this item at the moment.
    Busy(Key),
    /// All else.
    Told(TableError),
}

impl RefusedWrite {
    /// Waits before the next try while a transaction of another's has one of the items: no condition failed, so that
    /// what is written is right still. The SDK does not try that again.
    /// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>
    async fn wait(self, tries: &mut Tries) -> Result<(), TableError> {
        let error = match self {
            Self::Busy(key) => TableError::Conflict { key },
            Self::Told(error) => return Err(error),
        };
        if tries.again(&error).await { Ok(()) } else { Err(error) }
    }
}

impl From<TableError> for RefusedWrite {
    fn from(error: TableError) -> Self {
        Self::Told(error)
    }
}

fn is_caused_by<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<E>())
}

fn service(
    attempted: &'static str,
    key: &Key,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TableError {
    TableError::Service { attempted, key: key.clone(), source: source.into() }
}

/// An item as an older version wrote it, and with a field of a newer one. `tests/house/stored/` has the samples.
#[cfg(test)]
pub(crate) fn frozen<T: DeserializeOwned>(sample: &str) -> T {
    let path = format!("{}/tests/house/stored/{sample}.json", env!("CARGO_MANIFEST_DIR"));
    let mut item: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    item["field_of_a_newer_version"] = serde_json::json!({ "BOOL": true });
    serde_dynamo::from_item(serde_json::from_value::<serde_dynamo::Item>(item).unwrap()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        end: Option<u32>,
    }

    fn key() -> Key {
        Key::firm(crate::base::id::FirmId::draw(&Random::seeded(1)))
    }

    #[test]
    fn an_item_is_read_as_it_was_written_with_its_place_and_version() {
        let (thing, key) = (Thing { name: "a".to_owned(), end: Some(7) }, key());
        let row = read::<Thing>(versioned(&key, &thing, 3), &key).unwrap();
        assert_eq!((row.value, row.version, row.key), (thing, 3, key));
    }

    #[test]
    fn what_is_evidence_has_a_seal_and_what_is_counted_up_in_place_has_none() {
        let random = Random::seeded(1);
        let (firm, mailbox) = (crate::base::id::FirmId::draw(&random), MailboxId::draw(&random));
        let message = crate::base::id::MessageId::of(mailbox, &"AAk1".parse().unwrap());
        let member = MemberId::draw(&random);
        let is_sealed = |key: &Key| versioned(key, &Thing { name: "a".to_owned(), end: None }, 1).contains_key("seal");
        for key in [
            Key::firm(firm),
            Key::mailbox(firm, mailbox),
            Key::message(firm, message),
            Key::filing(firm, message, 1),
            Key::filed(firm, "2026/17", 1),
            Key::hold(firm, "2026/17"),
            Key::erasure(firm, ErasureId::draw(&random)),
            Key::log_due(firm),
            Key::stamp(firm, 7),
            Key::audit(firm, 7),
            Key::listed_firm(firm),
        ] {
            assert!(is_sealed(&key), "{key}");
        }
        // A fact is read with all that is stored of it, and the log has its digest.
        for key in [
            Key::fact(firm, 7),
            Key::feed_counter(firm),
            Key::progress(firm, mailbox),
            Key::allowance(firm, 7),
            Key::bulk_progress(firm, member, crate::base::id::BulkId::draw(&random)),
            Key::idempotency(Some(firm), "d"),
        ] {
            assert!(!is_sealed(&key), "{key}");
        }
    }

    /// A null in an attribute of an index would be refused by DynamoDB.
    #[test]
    fn what_has_no_value_is_not_written() {
        let item = versioned(&key(), &Thing { name: "a".to_owned(), end: None }, 1);
        assert!(!item.contains_key("end"), "{item:?}");
    }

    #[test]
    fn what_is_due_lies_in_one_of_sixteen_shards_that_no_reader_sees() {
        let due = |kind: &str| HashMap::from([("due_kind".to_owned(), kind.to_owned())]);
        let kinds = |kind: &str| -> std::collections::BTreeSet<String> {
            let random = Random::seeded(1);
            let keys = (0..500).map(|_| Key::firm(crate::base::id::FirmId::draw(&random)));
            keys.map(|key| versioned(&key, &due(kind), 1)["due_kind"].as_s().unwrap().clone()).collect()
        };
        let now = "2026-11-29T16:07:00Z".parse().unwrap();
        let read_from: std::collections::BTreeSet<String> = shards(DUE_MAILBOX, now).collect();
        assert!(kinds(DUE_MAILBOX).len() == 16 && kinds(DUE_MAILBOX).is_subset(&read_from));
        assert!(read_from.contains(DUE_MAILBOX), "older versions wrote it without a shard");
        assert_eq!(kinds(DUE_CONNECTOR).into_iter().collect::<Vec<_>>(), [DUE_CONNECTOR]);
        let key = key();
        let again = read::<HashMap<String, serde_json::Value>>(versioned(&key, &due(DUE_PUSH), 1), &key).unwrap();
        assert_eq!(again.value["due_kind"], DUE_PUSH);
        assert_eq!(versioned(&key, &due(DUE_PUSH), 1)["due_kind"], versioned(&key, &again.value, 2)["due_kind"]);
    }

    #[test]
    fn an_item_that_is_not_understood_is_named_and_its_content_is_not() {
        let key = key();
        let item = HashMap::from([("name".to_owned(), AttributeValue::Bool(true))]);
        let error = read::<Thing>(item, &key).unwrap_err();
        assert!(matches!(&error, TableError::Malformed { key: named, .. } if *named == key), "{error}");
        assert_eq!(error.to_string(), format!("{key} can't be understood"));
    }
}
