//! `$batch`: up to twenty requests in one, each answered, counted and throttled by itself (json-batching).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::answer::{Answer, Content, Problem, Reply};
use super::call::Call;
use super::path;
use crate::throttle::CONCURRENT_MAX;

/// Requests in one batch.
const PARTS_MAX: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    requests: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Runs the parts: what depends on nothing at once, but no more than four of a mailbox at a time, the rest in its turn.
///
/// `answer` answers one of them.
pub(super) async fn run<'a>(outer: &Call, answer: impl Fn(Call) -> BoxFuture<'a, Reply>) -> Answer {
    let envelope: Envelope = outer.json()?;
    let mut waiting = envelope.requests;
    check(&waiting)?;
    let mailboxes: HashMap<String, Semaphore> =
        waiting.iter().map(|part| (part.owner(), Semaphore::new(CONCURRENT_MAX as usize))).collect();
    let mut succeeded = HashMap::<String, bool>::new();
    let mut responses = Vec::new();
    // A script falsified a part.
    let is_false = &AtomicBool::new(false);
    let answer = &answer;
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|part| part.depends_on.iter().all(|id| succeeded.contains_key(id)));
        if ready.is_empty() {
            return Err(Problem::bad_request("The dependencies of the batch form a circle."));
        }
        waiting = blocked;
        let wave: Vec<_> = futures::stream::iter(ready)
            .map(|part| {
                let fails = part.depends_on.iter().any(|id| !succeeded[id]);
                let turn = mailboxes[&part.owner()].acquire();
                async move {
                    // The semaphores are never closed; were they, the throttle would still hold the limit.
                    let _turn = turn.await;
                    if fails { part.failed_dependency() } else { part.run(outer, answer, is_false).await }
                }
            })
            .buffer_unordered(PARTS_MAX)
            .collect()
            .await;
        for response in wave {
            let id = response["id"].as_str().unwrap_or_default().to_owned();
            succeeded.insert(id, response["status"].as_u64().is_some_and(|status| status < 400));
            responses.push(response);
        }
    }
    // The order of the answers means nothing, so it is not that of the requests.
    responses.reverse();
    Ok(Reply { is_false: is_false.load(Ordering::Relaxed), ..Reply::json(json!({ "responses": responses })) })
}

fn check(parts: &[Part]) -> Result<(), Problem> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(Problem::bad_request(format!("Number of batch requests must be between 1 and {PARTS_MAX}.")));
    }
    let ids: HashSet<&str> = parts.iter().map(|part| part.id.as_str()).collect();
    if ids.len() < parts.len() || ids.contains("") {
        return Err(Problem::bad_request("The ids of a batch are unique and not empty."));
    }
    for part in parts {
        if let Some(unknown) = part.depends_on.iter().find(|id| !ids.contains(id.as_str())) {
            return Err(Problem::bad_request(format!("Request '{}' depends on unknown '{unknown}'.", part.id)));
        }
    }
    Ok(())
}

impl Part {
    fn path_and_query(&self) -> (String, String) {
        let url = format!("/{}", self.url.trim_start_matches('/'));
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        (path.to_owned(), query.to_owned())
    }

    /// Whose mailbox the part goes to; parts outside mailboxes share a place.
    fn owner(&self) -> String {
        let names = path::segments(&self.path_and_query().0);
        match names.first().map(|name| name.to_ascii_lowercase()).as_deref() {
            Some("users") => names.get(1).map_or_else(String::new, |owner| owner.to_ascii_lowercase()),
            Some("me") => "me".to_owned(),
            _ => String::new(),
        }
    }

    fn failed_dependency(&self) -> Value {
        let message = "The request was not executed because a request that it depends on has failed.";
        json!({
            "id": self.id,
            "status": 424,
            "headers": { "Content-Type": "application/json" },
            "body": { "error": { "code": "FailedDependency", "message": message } },
        })
    }

    async fn run<'a>(
        &self,
        outer: &Call,
        answer: &impl Fn(Call) -> BoxFuture<'a, Reply>,
        is_false: &AtomicBool,
    ) -> Value {
        let (path, query) = self.path_and_query();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                headers.insert(name, value);
            }
        }
        if let Some(bearer) = outer.headers.get(AUTHORIZATION) {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        let call = Call {
            method: self.method.to_ascii_uppercase().parse().unwrap_or(Method::TRACE),
            path,
            query,
            headers,
            body: self.body.as_ref().map_or_else(Bytes::new, |body| body.to_string().into()),
        };
        let reply = answer(call).await;
        is_false.fetch_or(reply.is_false, Ordering::Relaxed);
        let mut response = json!({ "id": self.id, "status": reply.status.as_u16() });
        let mut headers: HashMap<&str, String> =
            reply.headers.into_iter().map(|(name, value)| (proper(name), value)).collect();
        match reply.content {
            Content::Empty => {}
            Content::Json(body) => {
                headers.insert("Content-Type", "application/json".to_owned());
                response["body"] = body;
            }
            Content::Nonsense { text, .. } => response["body"] = STANDARD.encode(text).into(),
            // What is no JSON travels as base64.
            Content::Stream(content) => match content.try_collect::<Vec<Bytes>>().await {
                Ok(chunks) => {
                    headers.insert("Content-Type", "text/plain".to_owned());
                    response["body"] = STANDARD.encode(chunks.concat()).into();
                }
                Err(_) => {
                    response["status"] = 504.into();
                    response["body"] = json!({ "error": { "code": "UnknownError", "message": "" } });
                }
            },
        }
        response["headers"] = json!(headers);
        response
    }
}

/// Header names as Graph spells them inside a batch.
fn proper(name: &str) -> &str {
    match name {
        "retry-after" => "Retry-After",
        other => other,
    }
}

/// An answer as it may be logged: the MIME of a part is nobody's business.
pub(super) fn without_mime(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(responses) = answer.get_mut("responses").and_then(Value::as_array_mut) {
        for response in responses.iter_mut().filter(|response| response["body"].is_string()) {
            response["body"] = Value::Null;
        }
    }
    answer
}
