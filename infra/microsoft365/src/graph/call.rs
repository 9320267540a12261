//! A request to Graph, and who makes it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::answer::Problem;
use super::query::Prefer;
use crate::world::World;

/// One request to Graph, alone or as a part of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: Method,
    /// After `/v1.0`, still percent-encoded.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// The JSON of the body, which must say that it is JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Problem::bad_request(
                "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
            ));
        }
        serde_json::from_slice(&self.body).map_err(|_| Problem::bad_request("Unable to read JSON request payload."))
    }
}

/// Who calls: an app, for a user or for itself.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub tenant: String,
    pub app: String,
    /// Object id of the signed-in user; none with an app-only token.
    pub user: Option<String>,
    /// Scopes of a user's token, roles of an app's.
    pub granted: Vec<String>,
}

impl Principal {
    pub fn has_any(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|wanted| self.granted.iter().any(|granted| granted.eq_ignore_ascii_case(wanted)))
    }
}

/// A request that may be answered, with what every handler needs.
pub(crate) struct Asked<'a> {
    pub world: &'a Arc<World>,
    pub call: &'a Call,
    pub caller: Principal,
    pub prefer: Prefer,
}

impl Asked<'_> {
    /// The JSON object of the request's body.
    pub fn body(&self) -> Result<Map<String, Value>, Problem> {
        self.call.json()
    }

    /// The `@odata.context` of an answer.
    pub fn context(&self, of: &str) -> String {
        format!("{}/v1.0/$metadata#{of}", self.world.origin)
    }

    /// Whether the caller sees no bodies: Mail.ReadBasic leaves out body, preview and attachments
    /// (permissions-reference).
    pub fn reads_basic_only(&self) -> bool {
        !self.caller.has_any(&["Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"])
    }
}
