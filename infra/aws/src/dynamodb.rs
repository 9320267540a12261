//! DynamoDB, by way of dynoxide.
//!
//! Answered: CreateTable, DescribeTable, UpdateTimeToLive, DescribeTimeToLive, GetItem, PutItem, UpdateItem,
//! DeleteItem, Query, BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems, with global secondary
//! indexes. Scan is left out on purpose: greffe reads by key and by index, and a scan that works here would be paid for
//! there. Streams must stay off: the engine counts them by reading the whole stream at each write.
//!
//! A transaction and another writing call that meet at one item refuse each other as in DynamoDB: the one that comes
//! later gets a conflict, once the earlier one has ended. Source:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>
//!
//! Kinder than AWS: TransactGetItems never conflicts, indexes are never behind, nothing is throttled, and the
//! `ClientRequestToken` of a transaction is forgotten when the process ends.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use dynoxide::actions::create_table::{self, CreateTableRequest, CreateTableResponse};
use dynoxide::errors::CancellationReason;
use dynoxide::storage::Storage;
use dynoxide::{Database, DynoxideError};
use futures::FutureExt;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::engine::{Clock, OpenError};
use crate::fault::{Fault, Reply};

/// How often expired items are looked for. AWS promises no more than a few days.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct DynamoDb {
    path: PathBuf,
    database: Database,
    clock: Clock,
    /// When to expire items next. Requests share it, the expiry holds it alone: it writes through a connection of its
    /// own.
    expiry: Arc<RwLock<SystemTime>>,
    under_way: UnderWay,
    /// The attributes of each table's key.
    keys: Mutex<HashMap<String, Vec<String>>>,
}

impl DynamoDb {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<DynamoDb, OpenError> {
        let tables =
            |reason: &dyn std::fmt::Display| OpenError::Tables { path: path.to_owned(), reason: reason.to_string() };
        let name = path.to_str().ok_or_else(|| tables(&"not a UTF-8 path"))?;
        Ok(DynamoDb {
            path: path.to_owned(),
            database: Database::new(name).map_err(|source| tables(&source))?,
            clock,
            expiry: Arc::new(RwLock::new(UNIX_EPOCH)),
            under_way: UnderWay::default(),
            keys: Mutex::default(),
        })
    }

    pub(crate) async fn call(&self, operation: String, body: Bytes) -> Reply {
        let items = self.items(&operation, &body);
        let _held = match self.under_way.hold(&items, operation == "TransactWriteItems") {
            Ok(held) => held,
            Err(conflict) => {
                // It closes when the other ends, and has no permits.
                let _closed = conflict.ended.acquire().await;
                return conflict.refusal(&operation, items.len());
            }
        };
        let (database, expiry, path) = (self.database.clone(), self.expiry.clone(), self.path.clone());
        // A commit waits for the disk.
        let answer = spawn_blocking(move || {
            let _shared = expiry.read().unwrap_or_else(PoisonError::into_inner);
            match run(&database, &path, &operation, &body) {
                Some(Ok(body)) => Reply::json(StatusCode::OK, body),
                Some(Err(refusal)) => refuse(&refusal),
                None => Reply::of(Err::<(), _>(Fault::not_embedded("dynamodb", &operation))),
            }
        });
        let answer = answer.await;
        answer.unwrap_or_else(|panic| Reply::of(Err::<(), _>(Fault::from(panic))))
    }

    /// The items that a call writes, in its order.
    fn items(&self, operation: &str, body: &[u8]) -> Vec<ItemKey> {
        let body = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => self.item(&body()).into_iter().collect(),
            "TransactWriteItems" => {
                let body = body();
                let actions = body["TransactItems"].as_array().into_iter().flatten();
                let parts = actions.filter_map(|action| action.as_object()?.values().next());
                parts.filter_map(|part| self.item(part)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn item(&self, part: &Value) -> Option<ItemKey> {
        let table = part["TableName"].as_str()?;
        let attributes = if part["Key"].is_null() { &part["Item"] } else { &part["Key"] };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains_key(table) {
            keys.insert(table.to_owned(), key_names(&self.database, table)?);
        }
        let key: Vec<&Value> = keys[table].iter().map(|name| &attributes[name]).collect();
        Some((table.to_owned(), serde_json::to_string(&key).ok()?))
    }

    /// Deletes the items whose time to live has passed by our clock, once a minute at most: it reads whole tables.
    ///
    /// The engine's own sweep knows the system's clock only, and would delete at once what a simulated clock calls
    /// tomorrow; a second connection can be given ours.
    pub(crate) fn tick(&self) {
        let next = self.expiry.write();
        let mut next = next.unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        let Some(name) = self.path.to_str().filter(|_| *next <= now) else {
            return;
        };
        *next = now + EXPIRY_INTERVAL;
        let swept = Storage::new(name).and_then(|storage| {
            let storage = storage.with_clock(Arc::new(EngineClock(self.clock.clone())));
            // Over SQLite nothing is ever awaited, so the first poll is the last.
            dynoxide::ttl::sweep_expired_items(&storage).now_or_never().unwrap_or(Ok(0))
        });
        match swept {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "items expired"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "items could not be expired"),
        }
    }
}

struct EngineClock(Clock);

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        let since = (self.0)().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        let since = (self.0)().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }
}

fn refuse(refusal: &DynoxideError) -> Reply {
    let status = StatusCode::from_u16(refusal.status_code());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply::json(status, refusal.to_json().into_bytes())
}

/// An item: its table and its key, as JSON.
type ItemKey = (String, String);

/// The attributes of a table's key.
fn key_names(database: &Database, table: &str) -> Option<Vec<String>> {
    let request = serde_json::from_value(json!({ "TableName": table })).ok()?;
    let described = serde_json::to_value(database.describe_table(request).ok()?).ok()?;
    let schema = described["Table"]["KeySchema"].as_array()?.iter();
    schema.map(|part| part["AttributeName"].as_str().map(str::to_owned)).collect()
}

/// The items that calls are writing at the moment.
#[derive(Clone, Default)]
struct UnderWay(Arc<Mutex<HashMap<ItemKey, Holder>>>);

/// Who writes an item.
struct Holder {
    /// One transaction, or else calls that write this item alone: they wait for each other.
    is_transaction: bool,
    calls: usize,
    ended: Arc<Semaphore>,
}

/// The items of one call, until it ends.
struct Hold {
    under_way: UnderWay,
    items: Vec<ItemKey>,
}

/// A call that came upon another.
struct Conflict {
    /// The place of the item in the call.
    at: usize,
    /// Closed when the other has ended.
    ended: Arc<Semaphore>,
}

impl UnderWay {
    fn hold(&self, items: &[ItemKey], is_transaction: bool) -> Result<Hold, Conflict> {
        let mut holders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refuses = |item: &ItemKey| {
            holders
                .get(item)
                .filter(|holder| is_transaction || holder.is_transaction)
                .map(|holder| holder.ended.clone())
        };
        if let Some((at, ended)) = items.iter().enumerate().find_map(|(at, item)| Some((at, refuses(item)?))) {
            return Err(Conflict { at, ended });
        }
        // An item that a transaction names twice is refused by the engine, and held once.
        let items: BTreeSet<ItemKey> = items.iter().cloned().collect();
        for item in &items {
            let holder = Holder { is_transaction, calls: 0, ended: Arc::new(Semaphore::new(0)) };
            holders.entry(item.clone()).or_insert(holder).calls += 1;
        }
        Ok(Hold { under_way: self.clone(), items: items.into_iter().collect() })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holders = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        for item in &self.items {
            let Some(holder) = holders.get_mut(item) else { continue };
            holder.calls -= 1;
            if holder.calls == 0 {
                holder.ended.close();
                holders.remove(item);
            }
        }
    }
}

impl Conflict {
    /// What DynamoDB says to the one that came later.
    fn refusal(&self, operation: &str, items: usize) -> Reply {
        if operation != "TransactWriteItems" {
            let fault = Fault::sender("TransactionConflictException", "Transaction is ongoing for the item");
            return Reply::of(Err::<(), _>(fault));
        }
        let reason = |at| CancellationReason {
            code: if at == self.at { "TransactionConflict" } else { "None" }.to_owned(),
            message: None,
            item: None,
        };
        let reasons = (0..items).map(reason).collect();
        let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
        refuse(&DynoxideError::TransactionCanceledException(message.to_owned(), reasons))
    }
}

/// Runs an operation, if it is one that is answered here.
fn run(db: &Database, path: &Path, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>, DynoxideError>> {
    Some(match operation {
        "CreateTable" => answer(body, |request| create_table(path, request)),
        "DescribeTable" => answer(body, |request| db.describe_table(request)),
        "UpdateTimeToLive" => answer(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => answer(body, |request| db.describe_time_to_live(request)),
        "GetItem" => answer(body, |request| db.get_item(request)),
        "PutItem" => answer(body, |request| db.put_item(request)),
        "UpdateItem" => answer(body, |request| db.update_item(request)),
        "DeleteItem" => answer(body, |request| db.delete_item(request)),
        "Query" => answer(body, |request| db.query(request)),
        "BatchGetItem" => answer(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => answer(body, |request| db.batch_write_item(request)),
        "TransactGetItems" => answer(body, |request| db.transact_get_items(request)),
        "TransactWriteItems" => answer(body, |request| db.transact_write_items(request)),
        _ => return None,
    })
}

/// The engine writes that a table exists before it makes the table and its indexes. In one transaction, a kill in
/// between leaves nothing; on a connection of its own, nobody else writes into the transaction.
fn create_table(path: &Path, request: CreateTableRequest) -> Result<CreateTableResponse, DynoxideError> {
    let name = path.to_str().ok_or_else(|| DynoxideError::InternalServerError("not a UTF-8 path".to_owned()))?;
    let storage = Storage::new(name)?;
    storage.begin_transaction()?;
    // Over SQLite nothing is ever awaited. What is not committed is undone when the connection closes.
    let created = create_table::execute(&storage, request)
        .now_or_never()
        .unwrap_or_else(|| Err(DynoxideError::InternalServerError("the engine waited".to_owned())))?;
    storage.commit()?;
    Ok(created)
}

fn answer<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    call: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let response = call(request)?;
    serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's readers mark what DynamoDB would call a validation error with a prefix, such as `VALIDATION:`.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    match text.split_once(':') {
        Some((marker, message)) if marker.starts_with("VALIDATION") => {
            let end = message.rfind(" at line ").unwrap_or(message.len());
            DynoxideError::ValidationException(message[..end].to_owned())
        }
        _ => DynoxideError::SerializationException(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

    use super::*;

    /// What lies there is of the size that a kill between the engine's statements leaves: an index, and no table.
    #[test]
    fn a_table_that_could_not_be_made_whole_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables");
        let db = Database::new(path.to_str().unwrap()).unwrap();
        Storage::new(path.to_str().unwrap()).unwrap().create_gsi_table("greffe", "due").unwrap();

        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let table = json!({
            "TableName": "greffe",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH")],
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "due_kind", "AttributeType": "S" }
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [key("due_kind", "HASH")],
                "Projection": { "ProjectionType": "KEYS_ONLY" }
            }]
        });
        let call = |operation, body: &Value| run(&db, &path, operation, &serde_json::to_vec(body).unwrap()).unwrap();

        call("CreateTable", &table).unwrap_err();
        let told = call("DescribeTable", &json!({ "TableName": "greffe" })).unwrap_err();
        assert!(matches!(told, DynoxideError::ResourceNotFoundException(_)), "{told}");
    }
}
