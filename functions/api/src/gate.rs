//! What every call of `/v1` passes: who calls, how often, whether it was made before, and for a change, or a route that
//! gives out mail, the entries in the firm's audit trail.
//! A route that is added later passes it too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use shared::{
    access::clients::Clients,
    app::App,
    aws::table::Key,
    base::{
        id::{FirmId, KeyId},
        telemetry::Chain,
    },
    firm::{
        audit::{Actor, Entry, source_ip},
        idempotency::{self, First, IdempotencyError, KEY_CHARS_MAX, Turn},
    },
    problem::{Code, Problem},
};

use crate::{
    BULK_BYTES_MAX,
    auth::{Caller, FirmScope},
    error::{Answer, Failure, RequestId, invalid, status_of},
    routes,
};

/// Calls that one key may make within a minute.
pub const CALLS_PER_MINUTE: u64 = 1_200;
/// Calls that a process takes out of a minute's allowance at a time: one write for so many calls, and the limit holds over
/// all processes, give or take what each has left.
const CALLS_AT_ONCE: u64 = 20;
/// How long a spent allowance is remembered by the table.
const ALLOWANCE_KEPT: Duration = Duration::from_secs(3600);

/// The header that makes a POST one that may be sent again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that is told again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What one process remembers of the calls that it let in.
#[derive(Default)]
pub(crate) struct Gate {
    taken: Mutex<HashMap<KeyId, Allowance>>,
}

/// What a process may still let in of a minute; nothing once the whole minute is spent.
#[derive(Clone, Copy)]
struct Allowance {
    minute: i64,
    left: u64,
    spent: bool,
}

pub(crate) async fn pass(State((app, gate)): State<(Arc<App>, Arc<Gate>)>, request: Request, next: Next) -> Response {
    Box::pin(gate.pass(&app, request, next)).await.unwrap_or_else(Failure::into_response)
}

impl Gate {
    async fn pass(&self, app: &Arc<App>, request: Request, next: Next) -> Answer<Response> {
        if !request.uri().path().starts_with("/v1/") || !request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(next.run(request).await);
        }
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        if let Caller::Firm(firm, key) = caller {
            self.let_in(app, firm, key).await?;
        }
        parts.extensions.insert(caller);
        let route = parts.extensions.get::<MatchedPath>().map(|route| route.as_str().to_owned());
        let route = route.filter(|route| !parts.method.is_safe() || routes::reads_mail(route));
        let Some(route) = route else { return Ok(next.run(Request::from_parts(parts, body)).await) };
        let named = parts.uri.path().split('/').nth(3).and_then(|id| id.parse::<FirmId>().ok());
        let scope = match named {
            Some(firm) => FirmScope::of(app, caller, firm).await?,
            None => None,
        };
        // Whoever may not act for the firm is refused by the route, as for a firm that does not exist.
        let Some(scope) = scope else {
            return match (caller, named) {
                (Caller::Operator, None) => again(app, None, parts, body, next).await,
                _ => Ok(next.run(Request::from_parts(parts, body)).await),
            };
        };
        parts.extensions.insert(scope);
        let entry = entry(app, caller, &parts, &route);
        let noted = Noted { app: app.clone(), firm: scope.id(), entry };
        parts.extensions.insert(Arc::new(noted));
        again(app, Some(scope.id()), parts, body, next).await
    }

    /// Counts a call of a key.
    async fn let_in(&self, app: &App, firm: FirmId, key: KeyId) -> Answer<()> {
        let now = app.clock.now();
        let minute = now.as_second().div_euclid(60);
        let known = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.retain(|_, allowance| allowance.minute == minute);
            match taken.get_mut(&key) {
                Some(allowance) if allowance.left > 0 => {
                    allowance.left -= 1;
                    return Ok(());
                }
                other => other.copied(),
            }
        };
        let mut spent = known.is_some_and(|allowance| allowance.spent);
        if !spent {
            let place = Key::allowance(firm, key, minute);
            let last = app.table.count(&place, CALLS_AT_ONCE, now + ALLOWANCE_KEPT).await?;
            spent = last > CALLS_PER_MINUTE;
            let left = if spent { 0 } else { CALLS_AT_ONCE - 1 };
            let allowance = Allowance { minute, left, spent };
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(key, allowance);
        }
        if !spent {
            return Ok(());
        }
        let wait = 60 - now.as_second().rem_euclid(60);
        Err(Failure::later(Problem::new(Code::TooManyRequests, format!("At most {CALLS_PER_MINUTE} a minute.")), wait))
    }
}

fn entry(app: &App, caller: Caller, parts: &Parts, route: &str) -> Entry {
    Entry {
        at: app.clock.now(),
        who: match caller {
            Caller::Operator => Actor::Operator,
            Caller::Firm(_, id) => Actor::Key { id },
        },
        action: format!("{} {route}", parts.method),
        path: parts.uri.path().to_owned(),
        from: source_ip(&parts.headers),
        request: RequestId::of(&parts.extensions),
        outcome: None,
    }
}

/// A deed that is about to be done.
struct Noted {
    app: Arc<App>,
    firm: FirmId,
    entry: Entry,
}

impl Noted {
    /// Notes it, has it done, and notes what came of it. Of an original, no byte has left by then.
    async fn run(&self, request: Request, next: Next) -> Answer<Response> {
        let Clients { table, clock, random, .. } = &self.app.clients;
        self.entry.append(table, (clock, random), self.firm).await?;
        let response = next.run(request).await;
        let outcome = Some(status_of(&response).as_u16());
        let done = Entry { at: clock.now(), outcome, ..self.entry.clone() };
        if let Err(error) = done.append(table, (clock, random), self.firm).await {
            tracing::error!(firm.id = %self.firm, error = %Chain(&error), "what came of a deed is missing in the audit trail");
        }
        Ok(response)
    }
}

/// Carries the request out, unless it has a key under which that was done before.
async fn again(app: &Arc<App>, firm: Option<FirmId>, parts: Parts, body: Body, next: Next) -> Answer<Response> {
    let Some(key) = idempotency_key(&parts)? else { return run(Request::from_parts(parts, body), next).await };
    // The route has a limit of its own, and tells it.
    let bytes = axum::body::to_bytes(body, BULK_BYTES_MAX).await;
    let bytes =
        bytes.map_err(|_| Problem::new(Code::BodyTooLarge, format!("A body may have {BULK_BYTES_MAX} bytes.")))?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let same = [parts.method.as_str().as_bytes(), target.as_bytes(), bytes.as_ref()];
    match idempotency::begin((&app.table, &app.secrets), app.clock.now(), firm, &key, &same).await? {
        Turn::First(first) => {
            let response = run(Request::from_parts(parts, Body::from(bytes)), next).await;
            keep(app, first, response).await
        }
        Turn::Told(answer) => tell_again(*answer),
        Turn::Reused => Err(Problem::new(Code::IdempotencyKeyReused, "Its method, address or body is another.").into()),
        Turn::Unfinished => {
            Err(Failure::later(Problem::new(Code::RequestUnfinished, "Nothing was done by this one."), 2))
        }
    }
}

async fn run(request: Request, next: Next) -> Answer<Response> {
    match request.extensions().get::<Arc<Noted>>().cloned() {
        Some(noted) => noted.run(request, next).await,
        None => Ok(next.run(request).await),
    }
}

fn idempotency_key(parts: &Parts) -> Answer<Option<String>> {
    let Some(key) = parts.headers.get(IDEMPOTENCY_KEY).filter(|_| parts.method == Method::POST) else {
        return Ok(None);
    };
    let fits = |key: &&str| (1..=KEY_CHARS_MAX).contains(&key.len());
    let key = key.to_str().ok().filter(fits);
    let key = key.ok_or_else(|| invalid(format!("Idempotency-Key: 1 to {KEY_CHARS_MAX} printable characters")))?;
    Ok(Some(key.to_owned()))
}

/// Keeps an answer of success for whoever asks again; any other leaves no mark.
async fn keep(app: &App, first: First, response: Answer<Response>) -> Answer<Response> {
    let response = match response {
        Ok(response) if status_of(&response).is_success() => response,
        other => {
            first.end((&app.table, &app.secrets), None).await?;
            return other;
        }
    };
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| Failure::Internal(error.into()))?;
    let text = |headers: &HeaderMap, name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    let answer = idempotency::Answer {
        status: parts.status.as_u16(),
        location: text(&parts.headers, header::LOCATION),
        content_type: text(&parts.headers, header::CONTENT_TYPE),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    if let Err(error) = first.end((&app.table, &app.secrets), Some(&answer)).await {
        // It is done: the caller is told so, and a repetition that it was not heard of.
        tracing::error!(error = %Chain(&error), "an answer could not be kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn tell_again(answer: idempotency::Answer) -> Answer<Response> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, answer.content_type), (header::LOCATION, answer.location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

impl From<IdempotencyError> for Failure {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Table(error) => error.into(),
            IdempotencyError::Secret(error) => error.into(),
        }
    }
}
