//! `$batch`: up to twenty requests in one, each with its own result.

use std::collections::HashMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Call, Graph, GraphUser, PARALLEL_REQUESTS_MAX, segment},
    graph_error::GraphError,
    wire_page::WireEntry,
};
use crate::base::id::ImmutableId;

/// Most requests in one batch. Source: <https://learn.microsoft.com/graph/json-batching>
pub(super) const BATCH_ITEMS_MAX: usize = 20;

/// The whole list of categories that one message shall have.
#[derive(Debug, Clone)]
pub struct CategoriesPatch {
    /// The message.
    pub immutable_id: ImmutableId,
    /// All categories, the person's own among them: the list is replaced.
    pub categories: Vec<String>,
    /// The version that `categories` was made from; another one is refused with 412.
    pub etag: Option<String>,
}

/// How the parts of a batch run within Graph.
/// Source: <https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOrder {
    /// Four at a time: the batch takes all of the mailbox's places.
    Parallel,
    /// One after the other: the batch takes one place. After the first refusal the rest is refused too, with 424.
    Chained,
}

/// One part of a batch, before it is numbered.
pub(super) struct BatchPart {
    pub method: Method,
    /// Relative to `/v1.0`, encoded.
    pub path: String,
    pub headers: Value,
    pub body: Option<Value>,
    pub attempted: String,
}

impl Graph {
    /// Sets the categories of up to any number of messages, twenty to a batch; one result for each, in order.
    /// Nothing but `categories` is sent. Source: <https://learn.microsoft.com/graph/api/message-update>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn set_categories(
        &self,
        user: &GraphUser,
        patches: &[CategoriesPatch],
        order: BatchOrder,
    ) -> Result<Vec<Result<(), GraphError>>, GraphError> {
        let mut results = Vec::with_capacity(patches.len());
        for chunk in patches.chunks(BATCH_ITEMS_MAX) {
            let parts = chunk.iter().map(|patch| {
                let mut headers = json!({"Content-Type": "application/json", "Prefer": r#"IdType="ImmutableId""#});
                if let Some(etag) = &patch.etag {
                    headers["If-Match"] = json!(etag);
                }
                BatchPart {
                    method: Method::PATCH,
                    path: format!("{}/messages/{}", user.path(), segment(patch.immutable_id.as_str())),
                    headers,
                    body: Some(json!({ "categories": patch.categories })),
                    attempted: format!("set the categories of message {}", patch.immutable_id),
                }
            });
            let answers = self.batch(parts.collect(), order).await?;
            results.extend(answers.into_iter().zip(chunk).map(|(answer, patch)| match answer? {
                Value::Object(_) | Value::Null => Ok(()),
                // A proxy's page, say.
                _ => Err(GraphError::Unreadable {
                    attempted: format!("set the categories of message {}", patch.immutable_id),
                    source: "the message is no JSON".into(),
                }),
            }));
        }
        Ok(results)
    }

    /// Sends up to twenty parts and returns their answers in the order of the parts.
    pub(super) async fn batch(
        &self,
        parts: Vec<BatchPart>,
        order: BatchOrder,
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        // Within Graph four run at a time, whatever is left of the mailbox's places here.
        let order = if self.gate.places() < PARALLEL_REQUESTS_MAX { BatchOrder::Chained } else { order };
        let count = parts.len();
        // What makes something may have made it although no answer came.
        let repeatable = parts.iter().all(|part| part.method != Method::POST);
        let (requests, attempts): (Vec<Value>, Vec<String>) = parts
            .into_iter()
            .enumerate()
            .map(|(i, part)| {
                let mut request = json!({ "id": i.to_string(), "method": part.method.as_str(), "url": part.path });
                request["headers"] = part.headers;
                if let Some(body) = part.body {
                    request["body"] = body;
                }
                if order == BatchOrder::Chained && i > 0 {
                    request["dependsOn"] = json!([(i - 1).to_string()]);
                }
                (request, part.attempted)
            })
            .unzip();
        let attempted = format!("send a batch of {count}");
        let mut body = json!({});
        body["requests"] = requests.into();
        let call = Call {
            method: Method::POST,
            repeatable,
            body: Some(body),
            places: match order {
                BatchOrder::Parallel => PARALLEL_REQUESTS_MAX.min(count),
                BatchOrder::Chained => 1,
            },
            requests: u32::try_from(count).unwrap_or(u32::MAX),
            ..self.get("/$batch", attempted)
        };
        let answer: WireBatch = self.json(call).await?;
        let parts = answer.responses.into_iter().filter_map(|WireEntry(part)| read_part(part?));
        let mut answers: HashMap<String, WirePart> = parts.collect();
        let results = attempts.into_iter().enumerate().map(|(i, attempted)| {
            let Some(answer) = answers.remove(&i.to_string()) else {
                let source = "a part of the batch has no answer".into();
                return Err(GraphError::Unreadable { attempted, source });
            };
            if (200..300).contains(&answer.status) {
                return Ok(answer.body);
            }
            let header = |name: &str| {
                let mut headers = answer.headers.as_object().into_iter().flatten();
                let value = headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
                value.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            };
            let wait = self.named_wait(header("retry-after").as_deref());
            let request_id = header("request-id").unwrap_or_default();
            Err(self.error(attempted, answer.status, wait, request_id, answer.body.to_string().as_bytes()))
        });
        Ok(results.collect())
    }
}

#[derive(Deserialize)]
struct WireBatch {
    responses: Vec<WireEntry>,
}

struct WirePart {
    status: u16,
    headers: Value,
    body: Value,
}

/// Reads the answer to one part, and which part it is. One that can't be read costs the others nothing.
fn read_part(mut part: Value) -> Option<(String, WirePart)> {
    let or_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let id = part.get("id").map(or_text)?;
    let status = part.get("status").map(or_text)?.parse().ok()?;
    let mut take = |name: &str| part.get_mut(name).map(Value::take).unwrap_or_default();
    Some((id, WirePart { status, headers: take("headers"), body: take("body") }))
}

/// Reads any bytes as the answer to a batch.
#[cfg(any(test, fuzzing))]
pub fn check_batch(bytes: &[u8]) -> bool {
    let Ok(batch) = crate::graph::json::read_json::<WireBatch>(bytes) else { return false };
    batch.responses.into_iter().filter_map(|WireEntry(part)| read_part(part?)).count() <= bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::json::read_json;

    #[test]
    fn an_answer_of_a_part_that_is_odd_costs_the_others_nothing() {
        let batch = r#"{"responses":[null,7,{"id":"9"},{"id":"8","status":null},{"id":"7","status":70000},
            {"id":0,"status":"200","headers":null},{"id":"1","status":204},{"id":"2","status":200,"body":"\ud83d"}]}"#;
        let batch: WireBatch = read_json(batch.as_bytes()).unwrap();
        let mut read: Vec<(String, u16)> = batch
            .responses
            .into_iter()
            .filter_map(|WireEntry(part)| read_part(part?))
            .map(|(id, part)| (id, part.status))
            .collect();
        read.sort();
        assert_eq!(read, [("0", 200), ("1", 204), ("2", 200)].map(|(id, status)| (id.to_owned(), status)));
    }
}
