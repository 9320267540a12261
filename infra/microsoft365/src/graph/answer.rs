//! What Graph answers.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::Error;
use crate::mime::MimeStream;
use crate::throttle::Slot;

/// The body of an answer.
pub(crate) enum Content {
    Empty,
    Json(Value),
    Stream(MimeStream),
    /// What no Graph would say: a proxy's page, or a body that breaks off.
    Nonsense {
        text: Vec<u8>,
        breaks: bool,
    },
}

/// An answer before it has its request ids.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: BTreeMap<&'static str, String>,
    pub content: Content,
    /// The caller's place among the mailbox's running requests, kept until the body is through.
    pub slot: Option<Slot>,
    /// Whether a script made it what Graph would never answer, so that Graph's description judges nothing of it.
    pub is_false: bool,
}

impl Reply {
    pub fn new(status: StatusCode, content: Content) -> Self {
        Self { status, headers: BTreeMap::new(), content, slot: None, is_false: false }
    }

    pub fn json(value: Value) -> Self {
        Self::new(StatusCode::OK, Content::Json(value))
    }

    pub fn created(value: Value) -> Self {
        Self::new(StatusCode::CREATED, Content::Json(value))
    }

    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Content::Empty)
    }
}

/// An error answer of Graph.
#[derive(Debug)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
    pub headers: BTreeMap<&'static str, String>,
    /// Annotations inside `error`.
    pub annotations: BTreeMap<&'static str, String>,
}

impl Problem {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.to_owned(),
            message: message.into(),
            headers: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    pub fn with_annotation(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.annotations.insert(name, value.into());
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn access_denied() -> Self {
        Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    pub fn item_not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub fn folder_not_found() -> Self {
        Self::new(404, "ErrorFolderNotFound", "The specified folder could not be found in the store.")
    }

    pub fn throttled(message: &str, retry_after: Option<String>) -> Self {
        let problem = Self::new(429, "ApplicationThrottled", message);
        match retry_after {
            Some(value) => problem.with_header("retry-after", value),
            None => problem,
        }
    }

    /// What Graph says when it is told to fail with a status; codes as seen in public threads.
    pub fn scripted(status: u16) -> Self {
        let code = match status {
            400 => "BadRequest",
            401 => "InvalidAuthenticationToken",
            403 => "ErrorAccessDenied",
            404 => "ErrorItemNotFound",
            409 => "ErrorConflict",
            410 => "SyncStateNotFound",
            412 => "ErrorIrresolvableConflict",
            429 => "TooManyRequests",
            500 => "ErrorInternalServerTransientError",
            502 => "BadGateway",
            503 => "ErrorServerBusy",
            504 => "UnknownError",
            507 => "quotaLimitReached",
            _ => "generalException",
        };
        Self::new(status, code, "The request could not be served.")
    }

    pub fn into_reply(self, now: Timestamp, request_id: &str, client_request_id: &str) -> Reply {
        let date = now.to_string();
        let mut body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                // Graph writes this date without an offset.
                "date": date.split(['.', 'Z']).next(),
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        }});
        for (name, value) in self.annotations {
            body["error"][name] = value.into();
        }
        Reply { headers: self.headers, ..Reply::new(self.status, Content::Json(body)) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "simulated Graph failed by itself");
        Self::new(500, "UnknownError", "")
    }
}

pub(crate) type Answer = Result<Reply, Problem>;
