//! EventBridge: PutEvents records what it is given; rules and targets are not played.
//!
//! Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Transaction, params};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::{Clock, OpenError, millis, unopened};
use crate::fault::{Fault, parse};
use crate::store::Store;

/// The most entries that one request may carry.
const ENTRIES_MAX: usize = 10;
/// The most bytes that the entries of one request may weigh together, as documented under "Calculating PutEvents event
/// entry size"; the stricter of the figures that AWS has published.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id TEXT NOT NULL,
        bus TEXT NOT NULL,
        source TEXT NOT NULL,
        detail_type TEXT NOT NULL,
        detail TEXT NOT NULL,
        resources TEXT NOT NULL,
        time_ms INTEGER NOT NULL
    );";

/// One event that was put on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the order of arrival; ever growing, never reused.
    pub id: u64,
    /// The `EventId` that the sender was told.
    pub event_id: String,
    /// Name (or ARN) of the bus, `default` if none was given.
    pub bus: String,
    /// The sender, such as `greffe`.
    pub source: String,
    /// What happened, such as `MessageArchived`.
    pub detail_type: String,
    /// A JSON object, byte for byte as it was sent.
    pub detail: String,
    /// ARNs that the event concerns.
    pub resources: Vec<String>,
    /// When it happened: as sent, or when it came in.
    pub time: SystemTime,
}

/// The recorded events could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the recorded events")]
pub struct Unreadable(#[from] rusqlite::Error);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    /// Seconds since 1970.
    time: Option<f64>,
}

pub(crate) struct Events {
    store: Arc<Store>,
    clock: Clock,
}

impl Events {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Events, OpenError> {
        let store = Store::open(path, SCHEMA).map_err(unopened(path))?;
        Ok(Events { store, clock })
    }

    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Fault> {
        match operation {
            "PutEvents" => self.put(parse(body)?).await,
            other => Err(Fault::not_embedded("events", other)),
        }
    }

    async fn put(&self, request: PutEvents) -> Result<Value, Fault> {
        let count = request.entries.len();
        if !(1..=ENTRIES_MAX).contains(&count) {
            return Err(Fault::sender(
                "ValidationException",
                format!(
                    "1 validation error detected: Value at 'entries' failed to satisfy constraint: \
                     Member must have length between 1 and {ENTRIES_MAX}, not {count}"
                ),
            ));
        }
        if request.entries.iter().map(Entry::weight).sum::<usize>() > REQUEST_BYTES_MAX {
            return Err(Fault::sender(
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            ));
        }
        let now = millis(&self.clock);
        let results = self
            .store
            .run(move |transaction| {
                let results = request.entries.iter().map(|entry| match entry.refusal() {
                    Some((code, message)) => Ok(json!({"ErrorCode": code, "ErrorMessage": message})),
                    None => entry.record(transaction, now).map(|id| json!({"EventId": id})),
                });
                results.collect::<Result<Vec<Value>, Fault>>()
            })
            .await?;
        let failed = results.iter().filter(|result| result["EventId"].is_null());
        Ok(json!({"FailedEntryCount": failed.count(), "Entries": results}))
    }

    pub(crate) fn after(&self, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, Unreadable> {
        self.store.transact(|transaction| {
            let mut select = transaction.prepare_cached(
                "SELECT id, event_id, bus, source, detail_type, detail, resources, time_ms
                 FROM event WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = select.query_map(params![after, limit], |row| {
                let resources: String = row.get(6)?;
                Ok(RecordedEvent {
                    id: row.get(0)?,
                    event_id: row.get(1)?,
                    bus: row.get(2)?,
                    source: row.get(3)?,
                    detail_type: row.get(4)?,
                    detail: row.get(5)?,
                    resources: serde_json::from_str(&resources).unwrap_or_default(),
                    time: UNIX_EPOCH + Duration::from_millis(row.get(7)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl Entry {
    /// What the entry counts for: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html>
    fn weight(&self) -> usize {
        let texts = [&self.source, &self.detail_type, &self.detail];
        let texts = texts.into_iter().flatten().chain(&self.resources);
        texts.map(String::len).sum::<usize>() + self.time.map_or(0, |_| 14)
    }

    fn refusal(&self) -> Option<(&'static str, String)> {
        let required = [("Source", &self.source), ("DetailType", &self.detail_type), ("Detail", &self.detail)];
        for (name, value) in required {
            if value.as_ref().is_none_or(String::is_empty) {
                let reason = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
                return Some(("InvalidArgument", reason));
            }
        }
        let detail = self.detail.as_deref().unwrap_or_default();
        let object = detail.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(detail).is_ok();
        (!object).then(|| ("MalformedDetail", "Detail is malformed.".to_owned()))
    }

    /// Writes a complete entry; returns its event id.
    fn record(&self, transaction: &Transaction, now: i64) -> Result<String, Fault> {
        let event_id = Uuid::new_v4().to_string();
        transaction.execute(
            "INSERT INTO event (event_id, bus, source, detail_type, detail, resources, time_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                event_id,
                self.event_bus_name.as_deref().unwrap_or("default"),
                self.source,
                self.detail_type,
                self.detail,
                json!(self.resources).to_string(),
                self.time.map_or(now, |seconds| (seconds * 1000.0) as i64),
            ],
        )?;
        Ok(event_id)
    }
}
