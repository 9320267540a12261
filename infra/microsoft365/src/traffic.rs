//! The log of Graph traffic, one JSON line per request, in the form that the contract checker reads; and the counters.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::error::Result;

/// How many requests came, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests to Graph; each part of a `$batch` counts, the envelope does not.
    pub graph: u64,
    /// `$batch` envelopes.
    pub batches: u64,
    /// Graph requests by kind: `user`, `users`, `organization`, `folders`, `folder`, `folder delta`, `messages`,
    /// `message`, `message delta`, `message value`, `message patch`, `message move`, `message delete`, `categories`,
    /// `category create`, `category patch`, `category delete`, `events`, `event create`, `event delete`, `task lists`,
    /// `tasks`, `task create`, `task delete`, `contacts`, `contact create`, `contact delete`, `application`, `translate
    /// ids`, `subscriptions`, `subscription`, `subscription create`, `subscription renew`, `subscription delete`,
    /// `subscription reauthorize`, and `unknown` for what is refused before it has a kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Sign-in requests by kind: `authorize`, `token`, `adminconsent`, `keys`, `configuration`.
    pub sign_in: BTreeMap<String, u64>,
    /// Delta pages that came empty although there may be more to tell: what reads them asks once more.
    pub empty_pages: u64,
    /// Graph requests answered with 429.
    pub throttled: u64,
    /// Notices that were posted, handshakes not included.
    pub notices: u64,
}

/// Counters and log of one simulated world.
pub(crate) struct Traffic {
    counts: watch::Sender<Requests>,
    log: Option<Mutex<BufWriter<File>>>,
}

/// One exchange as it goes into the log.
pub(crate) struct Exchange<'a> {
    pub webhook: bool,
    pub method: &'a str,
    pub url: &'a str,
    pub request_headers: &'a HeaderMap,
    pub request_body: Value,
    pub status: u16,
    pub response_headers: &'a HeaderMap,
    pub response_body: Value,
    pub time: Timestamp,
}

impl Traffic {
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| File::options().create(true).append(true).open(path);
        Ok(Self {
            counts: watch::Sender::default(),
            log: path.map(open).transpose()?.map(|file| Mutex::new(BufWriter::new(file))),
        })
    }

    pub fn count(&self, add: impl FnOnce(&mut Requests)) {
        self.counts.send_modify(add);
    }

    pub fn counts(&self) -> Requests {
        self.counts.borrow().clone()
    }

    /// Waits until at least `times` Graph requests of this kind came.
    pub async fn reached(&self, kind: &str, times: u64) {
        let mut counts = self.counts.subscribe();
        // The sender lives as long as `self`.
        let _ = counts.wait_for(|counts| counts.by_kind.get(kind).is_some_and(|so_far| *so_far >= times)).await;
    }

    /// Whether exchanges are written down at all, so that no body is copied in vain.
    pub fn is_logging(&self) -> bool {
        self.log.is_some()
    }

    /// Writes one line. The log is evidence, not state: a full disk must not change an answer.
    pub fn record(&self, exchange: Exchange<'_>) {
        let Some(log) = &self.log else { return };
        let mut line = json!({
            "time": exchange.time.to_string(),
            "method": exchange.method,
            "url": exchange.url,
            "request_headers": headers(exchange.request_headers),
            "request_body": redacted(exchange.request_body),
            "status": exchange.status,
            "response_headers": headers(exchange.response_headers),
            "response_body": redacted(exchange.response_body),
        });
        if exchange.webhook {
            line["direction"] = "webhook".into();
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_writer(&mut *log, &line)
            .map_err(std::io::Error::from)
            .and_then(|()| log.write_all(b"\n"))
            .and_then(|()| log.flush());
        if let Err(error) = written {
            tracing::warn!(error = &error as &dyn std::error::Error, "traffic log not written");
        }
    }
}

fn headers(headers: &HeaderMap) -> Value {
    let mut table = Map::new();
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let shown =
            if name == http::header::AUTHORIZATION { redacted_authorization(&values[0]) } else { values.join(", ") };
        table.insert(name.to_string(), shown.into());
    }
    table.into()
}

/// Keeps what the contract asks for, a bearer, and nothing of its value.
fn redacted_authorization(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, token)) if !token.is_empty() => format!("{scheme} redacted"),
        _ => "redacted".to_owned(),
    }
}

/// Hides secrets wherever they stand, with as many characters as they had: their length is part of the contract.
fn redacted(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(table) => {
                for (name, value) in table.iter_mut() {
                    let name = name.to_ascii_lowercase();
                    match value {
                        Value::String(text) if matches!(name.as_str(), "clientstate" | "secrettext") => {
                            *text = "*".repeat(text.chars().count());
                        }
                        Value::String(text) if name == "authorization" => *text = redacted_authorization(text),
                        other => walk(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand_and_keep_their_length() {
        let logged = redacted(json!({
            "clientState": "abc",
            "value": [{"clientState": "défg"}],
            "requests": [{"headers": {"Authorization": "Bearer secret"}}],
        }));
        assert_eq!(
            logged,
            json!({
                "clientState": "***",
                "value": [{"clientState": "****"}],
                "requests": [{"headers": {"Authorization": "Bearer redacted"}}],
            })
        );
    }
}
