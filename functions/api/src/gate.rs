//! The gate: middleware before every route of `/v1`, including routes that are added later. It checks the API key, its
//! rights and its rate limit, applies `Idempotency-Key`, and writes the audit trail for changes and for routes that
//! return mail.

use std::{
    collections::HashMap,
    fmt::Display,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use shared::{
    access::clients::Clients,
    app::App,
    aws::table::Key,
    base::{
        id::{
            BulkId, ConnectorId, ErasureId, ExternalId, FirmId, KeyId, MailboxId, MemberId, MessageId, UserId,
            WebhookId,
        },
        telemetry::ErrorChain,
    },
    firm::{
        api_key::KeyRight,
        audit::{Actor, AuditEntry, source_ip},
        idempotency::{self, FirstRequest, IdempotencyError, KEY_CHARS_MAX, RequestClaim},
    },
    problem::{Code, Problem},
};

use crate::{
    auth::{Caller, FirmScope, Needs, is_own_key},
    error::{Answer, Failure, RATE_LIMIT, RATE_LIMIT_POLICY, RequestId, invalid, not_found, status_of},
    extract::BULK_BYTES_MAX,
    precondition,
    routes::{self, Operation},
};

/// Calls that a process takes out of a minute's allowance at a time: one write for so many calls, and the limit holds
/// over all processes, give or take what each has left.
const CALLS_BOOKED: u64 = 20;
/// The longest value of `within`: eight numbers of four digits, with dots between them.
const WITHIN_CHARS_MAX: usize = 39;
/// How long a caller counts as identified: a call that takes longer, as one that waits for events, is answered only if
/// the caller may still call.
const IDENTIFIED_FOR: Duration = Duration::from_secs(1);
/// After how long to send a request again whose first is still at work.
const UNFINISHED_PAUSE: Duration = Duration::from_secs(2);
/// How long a spent allowance is remembered by the table.
const ALLOWANCE_KEPT: Duration = Duration::from_secs(3600);

/// The header that makes a POST one that may be sent again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that is told again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What one process remembers of the calls that it let in: for each firm and minute, what it may still let in.
#[derive(Default)]
pub(crate) struct Gate {
    taken: Mutex<HashMap<(FirmId, i64), SharedAllowance>>,
}

type SharedAllowance = Arc<tokio::sync::Mutex<Allowance>>;

/// What a process may still let in of a minute; nothing once the whole minute is spent.
#[derive(Default)]
struct Allowance {
    left: u64,
    /// Calls that no process had reserved when this one reserved its share.
    untaken: u64,
    spent: bool,
}

/// What a firm may still call, as its caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RateLimit {
    /// Calls that a firm may make within a minute, with all its keys together.
    most: u64,
    /// Calls that are left of this minute; none if this one was one too many.
    remaining: Option<u64>,
    /// Seconds until the next minute.
    seconds: u64,
}

impl RateLimit {
    /// The answer with the two headers of the IETF's draft.
    /// Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>
    fn on(self, mut response: Response) -> Response {
        let remaining = self.remaining.unwrap_or(0);
        let now = format!("\"minute\";r={remaining};t={}", self.seconds);
        let policy = format!("\"minute\";q={};w=60", self.most);
        for (name, value) in [(RATE_LIMIT, now), (RATE_LIMIT_POLICY, policy)] {
            response.headers_mut().extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        }
        response
    }
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
        parts.extensions.insert(caller.clone());
        let Some(firm) = caller.firm() else { return admit(app, caller, parts, body, next).await };
        let limit = self.let_in(app, firm).await?;
        let answer = match limit.remaining {
            Some(_) => admit(app, caller, parts, body, next).await,
            None => {
                let problem = Problem::new(Code::TooManyRequests, format!("At most {} a minute.", limit.most));
                Err(Failure::later(problem, Duration::from_secs(limit.seconds)))
            }
        };
        Ok(limit.on(answer.unwrap_or_else(Failure::into_response)))
    }

    /// Counts a call of a firm.
    async fn let_in(&self, app: &App, firm: FirmId) -> Answer<RateLimit> {
        let now = app.clock.now();
        let minute = now.as_second().div_euclid(60);
        let most = app.config.calls_per_minute;
        let told =
            |remaining| RateLimit { most, remaining, seconds: 60 - now.as_second().rem_euclid(60).unsigned_abs() };
        // One call at a time asks the table: calls side by side that each took their own part would spend the minute.
        let mut allowance = self.allowance(firm, minute).lock_owned().await;
        if allowance.left == 0 && !allowance.spent {
            let last = app.table.count(&Key::allowance(firm, minute), CALLS_BOOKED, now + ALLOWANCE_KEPT).await?;
            let left = most.saturating_sub(last - CALLS_BOOKED).min(CALLS_BOOKED);
            *allowance = Allowance { left, untaken: most.saturating_sub(last), spent: left == 0 };
        }
        let left = allowance.left.checked_sub(1);
        allowance.left = left.unwrap_or(0);
        Ok(told(left.map(|left| allowance.untaken + left)))
    }

    fn allowance(&self, firm: FirmId, minute: i64) -> SharedAllowance {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(_, of), _| *of == minute);
        taken.entry((firm, minute)).or_default().clone()
    }
}

/// Lets a caller through who may call: with the right that the route needs, and noted where it is noted.
async fn admit(app: &Arc<App>, caller: Caller, mut parts: Parts, body: Body, next: Next) -> Answer<Response> {
    let route = parts.extensions.get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let operation = route.and_then(|route| Some((Operation::at(&route, &parts.method)?, route)));
    // No such address, or not with this method.
    let Some((operation, route)) = operation else { return Ok(next.run(Request::from_parts(parts, body)).await) };
    refuse_what_is_not_taken(operation, &parts)?;
    let body = if operation.takes_body { body } else { without_content(body).await? };
    let needs = operation.needs;
    let params = Params::read(&mut parts, app).await?;
    let scope = match params.firm() {
        Some(firm) => FirmScope::of(app, &caller, firm).await?,
        None => None,
    };
    // The route refuses a caller of another firm, with the same answer as for a firm that does not exist.
    let Some(scope) = scope else {
        return match (caller, params.firm(), parts.method.is_safe()) {
            (Caller::Operator, None, false) => again(app, (None, needs), parts, body, next).await,
            _ => read(app, (None, needs), Request::from_parts(parts, body), next).await,
        };
    };
    parts.extensions.insert(scope);
    let refused = needs.lacking(&caller).map(right_missing);
    let has_ended = scope.has_ended() && !is_for_ended_firms(&route, &parts.method);
    let refused = refused.or_else(|| {
        has_ended.then(|| Problem::new(Code::FirmEnded, "The firm was deleted. Nothing was changed by this request."))
    });
    if parts.method.is_safe() && !routes::reads_mail(&route, parts.uri.query()) {
        return match refused {
            Some(problem) => Err(problem.into()),
            None => read(app, (Some(scope.id()), needs), Request::from_parts(parts, body), next).await,
        };
    }
    let entry = entry(app, &caller, &parts, (&route, &params));
    if let Some(problem) = refused {
        let refused = AuditEntry { outcome: Some(problem.status), ..entry };
        refused.append(&app.table, scope.id()).await?;
        return Err(problem.into());
    }
    let noted = Noted { app: app.clone(), firm: scope.id(), entry };
    parts.extensions.insert(Arc::new(noted));
    again(app, (Some(scope.id()), needs), parts, body, next).await
}

/// Whether an operation of a firm is carried out after the firm was deleted.
pub(crate) fn is_for_ended_firms(route: &str, method: &Method) -> bool {
    // To delete it once more finishes what broke off. What it had is erased after it was deleted, and a hold that
    // stands in the way is lifted first.
    let may_go_on = [routes::erasures::PATH, routes::holds::PATH].iter().any(|path| route.starts_with(path));
    method.is_safe() || *method == Method::DELETE || may_go_on
}

/// Answers a request that changes nothing. If that took a while, the caller's key may have ended meanwhile: then the
/// caller is identified again, and has the answer only if the gate would let the request in now.
async fn read(app: &App, (firm, needs): (Option<FirmId>, Needs), request: Request, next: Next) -> Answer<Response> {
    let (began, changes) = (app.clock.now(), !request.method().is_safe());
    let credentials = request.headers().get(header::AUTHORIZATION).cloned();
    let response = next.run(request).await;
    if changes || app.clock.now() < began + IDENTIFIED_FOR {
        return Ok(response);
    }
    let caller = Caller::of(app, credentials.as_ref()).await?;
    if let Some(firm) = firm {
        FirmScope::of(app, &caller, firm).await?.ok_or_else(|| not_found("firm"))?;
    }
    needs.lacking(&caller).map_or(Ok(response), |right| Err(right_missing(right).into()))
}

fn right_missing(right: KeyRight) -> Problem {
    Problem::new(Code::KeyRightMissing, format!("The key does not have the right {right}."))
}

/// Refuses what the operation would ignore: its caller would think that it was obeyed.
///
/// Errors: a query parameter that the operation does not know; `If-Match` where it only reads; `If-Unmodified-Since`,
/// because greffe shows no time of a change.
fn refuse_what_is_not_taken(operation: Operation, parts: &Parts) -> Answer<()> {
    let known = operation.query_names();
    let mut given = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    if let Some((name, _)) = given.find(|(name, _)| !known.contains(&name.as_ref())) {
        let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let there = if known.is_empty() { "this address takes none".to_owned() } else { format!("there is {known}") };
        return Err(invalid(format!("{name}: unknown parameter: {there}")));
    }
    let conditions = [(header::IF_MATCH, "If-Match"), (header::IF_NONE_MATCH, "If-None-Match")];
    let counts = |name: &HeaderName| !parts.method.is_safe() || *name == header::IF_MATCH;
    let mut refused = conditions.iter().filter(|(name, _)| counts(name) && !operation.takes_conditions);
    if let Some((_, name)) = refused.find(|(name, _)| parts.headers.contains_key(name)) {
        return Err(invalid(format!("{name}: this request takes no condition. Nothing was changed.")));
    }
    let by_time = !parts.method.is_safe() && parts.headers.contains_key(header::IF_UNMODIFIED_SINCE);
    // Beside If-Match it does not count (RFC 9110, section 13.1.4).
    if by_time && !parts.headers.contains_key(header::IF_MATCH) {
        return Err(invalid("If-Unmodified-Since: greffe takes no time for a condition. Nothing was changed."));
    }
    Ok(())
}

/// The largest body that may say nothing.
const NOTHING_BYTES_MAX: usize = 100;

/// The body of a request whose operation reads none.
///
/// Errors: it says something. An empty object says nothing: some clients send it with each POST.
async fn without_content(body: Body) -> Answer<Body> {
    let bytes = axum::body::to_bytes(body, NOTHING_BYTES_MAX).await;
    let said = bytes.map(|bytes| bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>());
    match said.as_deref() {
        Ok(b"" | b"{}" | b"null") => Ok(Body::empty()),
        _ => Err(invalid("body: this request takes none. Nothing was changed.")),
    }
}

fn entry(app: &App, caller: &Caller, parts: &Parts, (route, params): (&str, &Params)) -> AuditEntry {
    AuditEntry {
        at: app.clock.now(),
        who: match caller {
            Caller::Operator => Actor::Operator,
            Caller::Firm(_, key) => Actor::Key { id: key.id },
            Caller::User(_, user) => Actor::User { id: user.id, address: user.address.clone() },
        },
        action: format!("{} {route}", parts.method),
        path: params.path(route) + &noted_query(parts.uri.query().unwrap_or_default()),
        // A person's browser called the console, and the console called here.
        from: match caller {
            Caller::User(_, user) => user.from.clone(),
            _ => source_ip(&parts.headers),
        },
        request: RequestId::of(&parts.extensions),
        outcome: None,
    }
}

/// What stands in the path for the names of its route.
struct Params(Vec<(String, String)>);

impl Params {
    /// Errors: one is no UTF-8, or it is the very key that the request came with.
    async fn read(parts: &mut Parts, app: &Arc<App>) -> Answer<Self> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|e| invalid(e.body_text()))?;
        let params: Vec<_> = params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        match params.iter().find(|(_, text)| is_own_key(parts, text)) {
            Some((name, _)) => Err(invalid(format!("{name}: this is a key, and no id"))),
            None => Ok(Self(params)),
        }
    }

    fn firm(&self) -> Option<FirmId> {
        self.0.iter().find(|(name, _)| name == "firm")?.1.parse().ok()
    }

    /// The path that was called, made of the route and of ids. A name whose text is no such id stays: the text may be a
    /// secret.
    fn path(&self, route: &str) -> String {
        let named = self.0.iter().filter_map(|(name, text)| Some((format!("{{{name}}}"), shown(name, text)?)));
        named.fold(route.to_owned(), |path, (name, id)| path.replace(&name, &id))
    }
}

/// The id that `text` is, in its one spelling; none if it is no such id.
pub(crate) fn shown(name: &str, text: &str) -> Option<String> {
    fn id<T: FromStr + Display>(text: &str) -> Option<String> {
        text.parse::<T>().ok().map(|id| id.to_string())
    }
    match name {
        "firm" => id::<FirmId>(text),
        "connector" => id::<ConnectorId>(text),
        "member" => id::<MemberId>(text),
        "mailbox" => id::<MailboxId>(text),
        "message" => id::<MessageId>(text),
        "key" => id::<KeyId>(text),
        "webhook" => id::<WebhookId>(text),
        "erasure" => id::<ErasureId>(text),
        "bulk" => id::<BulkId>(text),
        "user" => id::<UserId>(text),
        "attachment" => id::<u16>(text),
        // The business application chose it, and it may say anything: its digest shows which one it was.
        "external_id" => text.parse::<ExternalId>().ok().map(|id| id.digest()),
        _ => None,
    }
}

/// What is noted of a query: whether a page may load images of the web, and which message within a mail is read.
/// A parameter with a value that it can't have is not noted: what a caller wrote may be a secret in the wrong place.
fn noted_query(query: &str) -> String {
    let mut noted = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.trim();
        let is_noted = match &*name {
            "images" => matches!(value, "own" | "remote"),
            "within" => value.len() <= WITHIN_CHARS_MAX && value.bytes().all(|b| b.is_ascii_digit() || b == b'.'),
            _ => false,
        };
        if is_noted && !value.is_empty() {
            noted.append_pair(&name, value);
        }
    }
    let noted = noted.finish();
    if noted.is_empty() { noted } else { format!("?{noted}") }
}

/// A deed that is about to be done.
struct Noted {
    app: Arc<App>,
    firm: FirmId,
    entry: AuditEntry,
}

impl Noted {
    /// Notes it, has it done, and notes what came of it. Of an original, no byte has left by then.
    async fn run(&self, request: Request, next: Next) -> Answer<Response> {
        let Clients { table, clock, .. } = &self.app.clients;
        self.entry.append(table, self.firm).await?;
        let response = carry_out(request, next).await;
        let outcome = Some(status_of(&response).as_u16());
        let done = AuditEntry { at: clock.now(), outcome, ..self.entry.clone() };
        if let Err(error) = done.append(table, self.firm).await {
            tracing::error!(firm.id = %self.firm, error = %ErrorChain(&error), "what came of a deed is missing in the audit trail");
        }
        Ok(response)
    }
}

/// Carries the request out, unless it has a key under which that was done before.
async fn again(
    app: &Arc<App>,
    (firm, needs): (Option<FirmId>, Needs),
    parts: Parts,
    body: Body,
    next: Next,
) -> Answer<Response> {
    let Some(key) = idempotency_key(&parts)? else { return run(Request::from_parts(parts, body), next).await };
    // The route has a limit of its own, and tells it.
    let bytes = axum::body::to_bytes(body, BULK_BYTES_MAX).await;
    let bytes = bytes
        .map_err(|_| Problem::new(Code::BodyTooLarge, format!("The body may have at most {BULK_BYTES_MAX} bytes.")))?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let caller = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::name);
    let same = [parts.method.as_str().as_bytes(), target.as_bytes(), bytes.as_ref()];
    let (clients, now) = ((&app.table, &*app.secrets), app.clock.now());
    let begun = idempotency::begin(clients, now, firm, (&key, &caller), same, needs.is_repeatable());
    match begun.await? {
        RequestClaim::First(first) => {
            let response = run(Request::from_parts(parts, Body::from(bytes)), next).await;
            keep(app, first, response).await
        }
        RequestClaim::Told(answer) => tell_again(*answer),
        RequestClaim::Reused => Err(Problem::new(
            Code::IdempotencyKeyReused,
            "An earlier request with this Idempotency-Key had another method, address or body.",
        )
        .into()),
        RequestClaim::OfAnother => Err(Problem::new(
            Code::IdempotencyKeyReused,
            "Another API key or person used this Idempotency-Key. Only the sender of a request can repeat it.",
        )
        .into()),
        RequestClaim::Unfinished => Err(Failure::later(
            Problem::new(Code::RequestUnfinished, "An earlier request with this Idempotency-Key is still running."),
            UNFINISHED_PAUSE,
        )),
        RequestClaim::Lost(outcome) => {
            let detail = match outcome {
                Some(status) => {
                    format!("The first was carried out, with the status {status}; its answer could not be kept.")
                }
                None => "The first was interrupted. Nothing was done by this one.".to_owned(),
            };
            Err(Problem::new(Code::RequestInterrupted, detail).into())
        }
    }
}

async fn run(request: Request, next: Next) -> Answer<Response> {
    match request.extensions().get::<Arc<Noted>>().cloned() {
        Some(noted) => noted.run(request, next).await,
        None => Ok(carry_out(request, next).await),
    }
}

async fn carry_out(request: Request, next: Next) -> Response {
    let is_conditional = precondition::is_conditional(request.headers());
    precondition::held_to(is_conditional, next.run(request).await)
}

fn idempotency_key(parts: &Parts) -> Answer<Option<String>> {
    let mut keys = parts.headers.get_all(IDEMPOTENCY_KEY).iter().filter(|_| parts.method == Method::POST);
    let (Some(key), another) = (keys.next(), keys.next()) else { return Ok(None) };
    let printable = |key: &&str| key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let fits = |key: &&str| (1..=KEY_CHARS_MAX).contains(&key.len()) && printable(key) && another.is_none();
    let key = key.to_str().ok().filter(fits);
    let key = key
        .ok_or_else(|| invalid(format!("Idempotency-Key: one, of 1 to {KEY_CHARS_MAX} printable ASCII characters")))?;
    Ok(Some(key.to_owned()))
}

/// Keeps an answer of success for the next request with the same key. A failure leaves no mark.
async fn keep(app: &App, first: FirstRequest, response: Answer<Response>) -> Answer<Response> {
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
    let answer = idempotency::KeptAnswer {
        status: parts.status.as_u16(),
        location: text(&parts.headers, header::LOCATION),
        etag: text(&parts.headers, header::ETAG),
        content_type: text(&parts.headers, header::CONTENT_TYPE),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    if let Err(error) = first.end((&app.table, &app.secrets), Some(&answer)).await {
        // It is done: the caller is told so, and a repetition that it was not heard of.
        tracing::error!(error = %ErrorChain(&error), "an answer could not be kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn tell_again(answer: idempotency::KeptAnswer) -> Answer<Response> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    let kept =
        [(header::CONTENT_TYPE, answer.content_type), (header::LOCATION, answer.location), (header::ETAG, answer.etag)];
    for (name, value) in kept {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, keys: &[&str]) -> Parts {
        let mut request = Request::builder().method(method).uri("/v1/firms");
        for key in keys {
            request = request.header(IDEMPOTENCY_KEY, *key);
        }
        request.body(Body::empty()).unwrap().into_parts().0
    }

    #[test]
    fn an_idempotency_key_counts_for_post_only_and_there_is_one_of_printable_characters() {
        let read = |method, keys: &[&str]| idempotency_key(&parts(method, keys)).map_err(|_| ());
        assert_eq!(read(Method::POST, &[]), Ok(None));
        assert_eq!(read(Method::POST, &["order 17"]), Ok(Some("order 17".to_owned())));
        assert_eq!(read(Method::POST, &["x".repeat(KEY_CHARS_MAX).as_str()]), Ok(Some("x".repeat(KEY_CHARS_MAX))));
        assert_eq!(read(Method::PUT, &["order 17"]), Ok(None));
        let too_long = "x".repeat(KEY_CHARS_MAX + 1);
        for wrong in [&[""][..], &["a", "b"], &["caf\u{e9}"], &["a\tb"], &[too_long.as_str()]] {
            assert_eq!(read(Method::POST, wrong), Err(()), "{wrong:?}");
        }
    }

    #[test]
    fn the_trail_names_ids_in_one_spelling_and_no_text_that_may_be_a_secret() {
        let firm = "6C9B524F-2F0A-46D8-B747-996F2CF3873D";
        let params = [("firm", firm), ("key", "gk_a_key_by_mistake"), ("external_id", "client Dupont")];
        let params = Params(params.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec());
        assert_eq!(params.firm(), firm.parse().ok());
        let path = params.path("/v1/firms/{firm}/keys/{key}/x/{external_id}");
        assert!(path.starts_with("/v1/firms/6c9b524f-2f0a-46d8-b747-996f2cf3873d/keys/{key}/x/"), "{path}");
        assert!(!path.contains("Dupont"));
    }

    #[test]
    fn a_caller_is_told_what_is_left_of_the_minute_and_none_is_zero() {
        let told = |remaining| RateLimit { most: 1_200, remaining, seconds: 12 }.on(Response::new(Body::empty()));
        let header = |response: &Response, name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(&told(Some(7)), RATE_LIMIT), r#""minute";r=7;t=12"#);
        assert_eq!(header(&told(None), RATE_LIMIT), r#""minute";r=0;t=12"#);
        assert_eq!(header(&told(None), RATE_LIMIT_POLICY), r#""minute";q=1200;w=60"#);
    }

    #[test]
    fn an_answer_that_is_told_again_has_its_status_its_headers_and_says_that_it_is_one() {
        let kept = idempotency::KeptAnswer {
            status: 201,
            location: Some("/v1/firms/1".to_owned()),
            etag: Some("\"7f\"".to_owned()),
            content_type: Some("application/json".to_owned()),
            body: "{}".to_owned(),
        };
        let response = tell_again(kept).unwrap_or_else(Failure::into_response);
        assert_eq!(response.status(), StatusCode::CREATED);
        let headers = response.headers();
        assert_eq!(
            (&headers[header::LOCATION], &headers[header::CONTENT_TYPE]),
            (&HeaderValue::from_static("/v1/firms/1"), &HeaderValue::from_static("application/json"))
        );
        assert_eq!(headers[header::ETAG], "\"7f\"");
        assert_eq!(headers[REPLAYED], "true");
    }
}
