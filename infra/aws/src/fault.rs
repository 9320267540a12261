//! Answers and refusals of the services that speak AWS JSON: DynamoDB, SQS, Secrets Manager, EventBridge. STS dresses
//! its refusals itself.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::task::JoinError;

/// A refusal: `{"__type": code, "message": message}` under an HTTP status.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The code of the older query protocol, which the SDK reads first where a service once spoke it (SQS).
    pub(crate) query_code: Option<&'static str>,
}

impl Fault {
    /// The caller is at fault (400).
    pub(crate) fn sender(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { status: StatusCode::BAD_REQUEST, code, message: message.into(), query_code: None }
    }

    /// An operation that AWS has and this crate has not.
    pub(crate) fn not_embedded(service: &str, operation: &str) -> Fault {
        Fault {
            status: StatusCode::NOT_IMPLEMENTED,
            ..Fault::sender("UnknownOperationException", format!("{service} {operation} is not embedded"))
        }
    }

    pub(crate) fn internal(source: impl std::fmt::Display) -> Fault {
        Fault { status: StatusCode::INTERNAL_SERVER_ERROR, ..Fault::sender("InternalFailure", source.to_string()) }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(source: rusqlite::Error) -> Fault {
        Fault::internal(source)
    }
}

impl From<JoinError> for Fault {
    fn from(source: JoinError) -> Fault {
        Fault::internal(source)
    }
}

/// Reads a request body; a field of the wrong type is AWS's `SerializationException`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|source| Fault::sender("SerializationException", source.to_string()))
}

/// What goes back over the wire.
pub(crate) struct Reply {
    status: StatusCode,
    query_code: Option<&'static str>,
    body: Vec<u8>,
}

impl Reply {
    /// A body that is JSON already.
    pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Reply {
        Reply { status, query_code: None, body }
    }

    pub(crate) fn of(answer: Result<impl Serialize, Fault>) -> Reply {
        let body = answer.and_then(|value| serde_json::to_vec(&value).map_err(Fault::internal));
        match body {
            Ok(body) => Reply::json(StatusCode::OK, body),
            Err(fault) => Reply {
                status: fault.status,
                query_code: fault.query_code,
                body: json!({"__type": fault.code, "message": fault.message}).to_string().into_bytes(),
            },
        }
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> HttpResponse {
        let mut response = HttpResponse::new(reply.status.into(), SdkBody::from(reply.body));
        let headers = response.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.0");
        headers.insert("x-amzn-requestid", uuid::Uuid::new_v4().to_string());
        if let Some(code) = reply.query_code {
            headers.insert("x-amzn-query-error", format!("{code};Sender"));
        }
        response
    }
}
