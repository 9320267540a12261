//! Takes Graph's notices and turns the genuine ones into jobs: one for each mailbox and request.
//!
//! Only the `clientState` proves that a notice comes from Graph. greffe reads no table for a notice and logs no line
//! for a forged one, so each forged notice costs microseconds.
//!
//! The answer is 202 whether or not the request leads to a job. So a sender of forged notices learns nothing, and Graph
//! does not send an unreadable request again: it repeats what is not answered with 2xx, and drops notices to an
//! endpoint that fails often. A mail whose notice was lost this way is found by the scheduled round.
//! Source: <https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use http_body_util::LengthLimitError;
use jiff::Timestamp;
use shared::{
    app::App,
    aws::{
        queue::MailboxJob,
        secrets::{MacKey, NOTIFICATION_KEY, SECRET_CACHE_TIME, SecretError},
    },
    base::{clock::TimeLimit, headers::guarded, telemetry::ErrorChain},
    mail::notification::{self, Notices},
};
use tokio::sync::Mutex;

/// The largest body that is read. Graph's own are far smaller.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The longest validation token that is echoed.
pub const VALIDATION_TOKEN_BYTES_MAX: usize = 4 << 10;
/// Jobs of one request that are queued side by side.
const JOBS_AT_ONCE: usize = 16;
/// How long a request may take to queue its jobs. Graph counts an answer after ten seconds as none.
const QUEUE_TIME_MAX: Duration = Duration::from_secs(8);

/// Answers Graph on any path.
///
/// - `POST ?validationToken=…` → 200 and the token as plain text; 400 if it is longer than
///   [`VALIDATION_TOKEN_BYTES_MAX`].
/// - `POST` with notices → 202 once the jobs of the genuine ones are queued; 503 if they could not be, so that Graph
///   sends them again; 413 if the body is larger than [`BODY_BYTES_MAX`].
/// - any other method → 405.
pub fn router(app: App) -> Router {
    Router::new()
        .fallback(receive)
        .layer(middleware::map_response(async |response: Response| guarded(response)))
        .with_state(Arc::new(NoticeReceiver { app, key: Mutex::default() }))
}

struct NoticeReceiver {
    app: App,
    key: Mutex<Option<(Arc<MacKey>, Timestamp)>>,
}

impl NoticeReceiver {
    /// The key that verifies notices, kept for `SECRET_CACHE_TIME`. Requests that arrive while it is read wait for it.
    async fn key(&self) -> Result<Arc<MacKey>, SecretError> {
        let mut cached = self.key.lock().await;
        let now = self.app.clock.now();
        if let Some((key, until)) = &*cached
            && now < *until
        {
            return Ok(key.clone());
        }
        let key = Arc::new(MacKey::new(&self.app.secrets.read_afresh(NOTIFICATION_KEY).await?));
        *cached = Some((key.clone(), now + SECRET_CACHE_TIME));
        Ok(key)
    }
}

async fn receive(
    State(webhook): State<Arc<NoticeReceiver>>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    if let Some(token) = validation_token(query.as_deref().unwrap_or_default()) {
        return echo(token);
    }
    match read(&headers, body).await {
        Ok(body) => take(&webhook, &body).await.into_response(),
        Err(status) => status.into_response(),
    }
}

/// The token that Graph wants back, decoded as forms are: `+` is a space, `%2B` a plus.
fn validation_token(query: &str) -> Option<String> {
    let pair = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "validationToken");
    pair.map(|(_, token)| token.into_owned())
}

/// The token as it is: plain text, and `nosniff` on every answer has browsers take it for nothing else.
fn echo(token: String) -> Response {
    if token.len() > VALIDATION_TOKEN_BYTES_MAX {
        return StatusCode::BAD_REQUEST.into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], token).into_response()
}

/// The whole body, or the status of a refusal: at once where its length was announced, else as soon as it is too long.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, StatusCode> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > BODY_BYTES_MAX as u64) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        let too_long = std::error::Error::source(&error).is_some_and(|source| source.is::<LengthLimitError>());
        if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
    })
}

/// Queues a job for every mailbox that the body speaks of genuinely.
async fn take(webhook: &NoticeReceiver, body: &[u8]) -> StatusCode {
    let key = match webhook.key().await {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "notices can't be judged");
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    };
    let Ok(notices) = notification::read(&key, body) else { return StatusCode::ACCEPTED };
    match TimeLimit::after(QUEUE_TIME_MAX).hold(queue(&webhook.app, notices)).await {
        Some(true) => StatusCode::ACCEPTED,
        Some(false) => StatusCode::SERVICE_UNAVAILABLE,
        None => {
            tracing::error!("jobs could not be queued in time");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Whether all jobs are queued. A job that is queued again because another one failed does no harm.
async fn queue(app: &App, notices: Notices) -> bool {
    let (sent_at, cause) = (app.clock.now(), app.random.uuid());
    if !notices.mailboxes.is_empty() {
        tracing::info!(%cause, mailboxes = notices.mailboxes.len(), "notices were taken");
    }
    let jobs = notices.mailboxes.into_iter();
    let jobs = jobs.map(|((firm, mailbox), subscription)| MailboxJob {
        subscription,
        notice: true,
        ..MailboxJob::new(firm, mailbox, sent_at, cause)
    });
    let sent = futures::stream::iter(jobs).map(|job| async move { app.queue.send(&job).await });
    let sent: Vec<_> = sent.buffer_unordered(JOBS_AT_ONCE).collect().await;
    let failed: Vec<_> = sent.into_iter().filter_map(Result::err).collect();
    if let Some(error) = failed.first() {
        tracing::error!(error = %ErrorChain(error), failed = failed.len(), "jobs could not be queued");
    }
    failed.is_empty()
}

#[cfg(test)]
mod tests;
