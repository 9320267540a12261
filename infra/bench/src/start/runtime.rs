//! Lambda's runtime API, for one start of one function.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    process::Stdio,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    http::StatusCode,
    response::IntoResponse as _,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command, sync::mpsc};

use super::{super::BenchError, starts::Took};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a function told.
enum Told {
    Ready,
    Answered,
    Failed(String),
}

/// Starts `command`, gives it `event`, and ends it after its answer.
pub(super) async fn start(name: &str, mut command: Command, event: &Value) -> Result<Took, BenchError> {
    let failed = |told: String| BenchError::Program { program: name.to_owned(), told };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
    command.stdout(Stdio::null()).kill_on_drop(true);
    let (tell, mut told) = mpsc::unbounded_channel();
    let serving = tokio::spawn(axum::serve(listener, router(event.clone(), tell)).into_future());
    let began = Instant::now();
    let mut process = command.spawn()?;
    let mut ready = None;
    let took = loop {
        let next = tokio::time::timeout(PATIENCE, told.recv()).await.ok().flatten();
        match next.ok_or_else(|| failed("nothing".to_owned()))? {
            (at, Told::Ready) => ready = ready.or(Some(at - began)),
            (at, Told::Answered) => break Took { ready: ready.unwrap_or_default(), answered: at - began },
            (_, Told::Failed(what)) => return Err(failed(what)),
        }
    };
    serving.abort();
    process.kill().await?;
    Ok(took)
}

fn router(event: Value, tell: mpsc::UnboundedSender<(Instant, Told)>) -> Router {
    let tell = move |told: Told| tell.send((Instant::now(), told)).is_ok();
    let (ready, answered, failed) = (tell.clone(), tell.clone(), tell);
    let failed = post(async move |body: String| {
        failed(Told::Failed(body));
        StatusCode::ACCEPTED
    });
    let next = get(async move || {
        ready(Told::Ready);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
        let headers = [
            ("Lambda-Runtime-Aws-Request-Id", "first".to_owned()),
            ("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string()),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-3:000000000000:function:f".to_owned()),
        ];
        (headers, Json(event.clone())).into_response()
    });
    let answer = post(async move || {
        answered(Told::Answered);
        StatusCode::ACCEPTED
    });
    let below = "/2018-06-01/runtime";
    Router::new()
        .route(&format!("{below}/invocation/next"), next)
        .route(&format!("{below}/invocation/first/response"), answer)
        .route(&format!("{below}/invocation/first/error"), failed.clone())
        .route(&format!("{below}/init/error"), failed)
}

/// A request to an HTTP API or a function URL, payload format 2.0.
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub(super) fn request(method: &str, path: &str, headers: Value, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "id", "domainName": "greffe.example", "domainPrefix": "greffe",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "greffe"
            },
            "requestId": "first", "routeKey": "$default", "stage": "$default",
            "time": "10/Mar/2026:12:55:00 +0000", "timeEpoch": 1_773_147_300_000_i64
        },
        "body": body, "isBase64Encoded": false
    })
}
