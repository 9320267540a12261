//! One mailbox's access to Graph: where a token goes, how often something is tried, how many requests run at a time.

use std::{
    fmt,
    future::pending,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use bytes::Bytes;
use futures::future::{Either, select};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use url::Url;

use super::{
    budget::{Budget, Spent},
    graph_error::{GraphCode, GraphError, PACED, Silent},
    json::read_json,
};
use crate::{
    base::{
        clock::{Clock, Stopwatch, TimeLimit},
        config::Origin,
        http::retry_after,
        random::Random,
    },
    graph::TokenSource,
};

/// Graph serves one app at most four requests at a time for one mailbox.
/// Source: <https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits>
pub const PARALLEL_REQUESTS_MAX: usize = 4;
/// Tries of one request when Graph or the network fails without saying for how long.
const TRIES_MAX: u32 = 3;
/// Pause before the second try; doubled before each further one, and jittered.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Longest time without a byte, all tries of a request together.
pub const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Time without a byte for one folder, mail or helper, because the rest of the mailbox waits for it. It is added once
/// more for each time that it failed.
const SILENCE_OF_ONE: Duration = Duration::from_secs(5);
/// Time-outs of one kind after which later requests of that kind get less time.
const SILENT_MANY: u32 = 2;
/// Their shortest time without a byte, if they never timed out themselves.
const SILENCE_OF_ONE_OF_MANY: Duration = Duration::from_millis(500);
/// Time without a byte after a first time-out, while Graph answered nothing at all: the whole mailbox may hang.
const SILENCE_AFTER_ANOTHER: Duration = Duration::from_secs(2);
/// Time for a whole JSON answer, as a multiple of the time without a byte.
const SILENCES_OF_A_WHOLE: u32 = 3;
/// Time without a byte where Graph is slow with everything, as a multiple of the slowest answer.
const SLOWER_THAN_OTHERS: u32 = 4;
/// The wait after a 429 that names none.
const UNNAMED_WAIT: Duration = Duration::from_secs(10);
/// The longest wait that is believed.
pub const WAIT_MAX: Duration = Duration::from_secs(900);
/// The largest JSON answer that is read.
const JSON_BYTES_MAX: usize = 32 << 20;

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'=').remove(b'@');

/// Encodes one segment of a path.
pub(super) fn segment(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, SEGMENT)
}

/// Encodes the value of one query option.
pub(super) fn query_value(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// How Graph is told which user's mailbox is meant: the object id where it is known, else the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GraphUser(String);

impl GraphUser {
    /// An object id, a user principal name or an address.
    pub fn new(id_or_address: &str) -> Self {
        Self(id_or_address.to_owned())
    }

    /// The path of the user's resources.
    pub fn path(&self) -> String {
        format!("/users/{}", segment(&self.0))
    }
}

/// A next or delta link: opaque, stored whole, called as it is, and only on the configured Graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Link(String);

impl Link {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// As Graph sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lets so many requests at a time through to one mailbox, of all callers together: four, unless another process asks
/// about it too.
#[derive(Debug, Clone)]
pub struct MailboxGate {
    entered: Arc<Semaphore>,
    places: usize,
}

impl Default for MailboxGate {
    fn default() -> Self {
        Self::of(PARALLEL_REQUESTS_MAX)
    }
}

impl MailboxGate {
    fn of(places: usize) -> Self {
        Self { entered: Arc::new(Semaphore::new(places)), places }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Waits for one place, or for all where a request spreads out within Graph.
    async fn enter(&self, places: usize) -> Option<OwnedSemaphorePermit> {
        let places = u32::try_from(places.min(self.places)).unwrap_or(1);
        self.entered.clone().acquire_many_owned(places).await.ok()
    }
}

/// How long an answer is waited for: 20 seconds without a byte, and never past the end of who asks. A body that flows
/// may take until then. One thing among others gets less, unless Graph is slow with everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience {
    until: Option<TimeLimit>,
    one: Option<GraphRequest>,
    /// How long the slowest answer about this mailbox took lately.
    expected: Duration,
    /// How long the slowest answer took, in milliseconds; zero while there was none.
    slowest: Arc<AtomicU64>,
    /// How many things of each kind were silent.
    silent: Arc<watch::Sender<[u32; 2]>>,
    /// Whether one was silent before Graph answered anything.
    began_silent: Arc<AtomicBool>,
}

/// A thing among others that is asked for.
#[derive(Debug, Clone, Copy)]
struct GraphRequest {
    /// How often it failed.
    tries: u32,
    kind: RequestKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestKind {
    /// One of few. Where Graph answered nothing else, its silence may be that of the mailbox, which gets more time.
    Single,
    /// One of many of its kind.
    OfMany(BulkKind),
    /// Mail does not wait for it.
    Helper,
}

/// Of what a mailbox has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkKind {
    /// Originals of mails.
    Originals,
    /// Folders.
    Folders,
}

/// One wait for a byte.
#[derive(Debug)]
struct Wait<'p> {
    patience: &'p Patience,
    /// Of one of many: enough once others of its kind have timed out, also while it waited.
    short: Option<TimeLimit>,
    first: TimeLimit,
    longest: TimeLimit,
}

impl Wait<'_> {
    /// What `work` comes to.
    ///
    /// Errors: the time for it is over.
    async fn hold<T>(&self, work: impl Future<Output = T>) -> Result<T, Silent> {
        let mut work = pin!(work);
        match self.first.hold(select(work.as_mut(), pin!(self.others_time_out()))).await {
            Some(Either::Left((done, _))) => return Ok(done),
            Some(Either::Right(_)) => {
                self.patience.note_silence();
                return Err(Silent);
            }
            None => {}
        }
        // Others may have been answered meanwhile, or not.
        let last = if self.patience.is_graphs() { self.longest } else { self.first };
        last.hold(work).await.ok_or_else(|| {
            self.patience.note_silence();
            Silent
        })
    }

    /// Ends once several others of its kind timed out, but not before the short time is over.
    async fn others_time_out(&self) {
        let (Some(short), Some(kind)) = (self.short, self.patience.bulk()) else { return pending().await };
        short.hold(pending::<()>()).await;
        let mut silent = self.patience.silent.subscribe();
        // The sender lives as long as the patience.
        let _ =
            silent.wait_for(|silent| silent[kind as usize] >= SILENT_MANY && !self.patience.slowest().is_zero()).await;
    }
}

impl Patience {
    /// What `work` comes to, unless it takes too long from now on.
    ///
    /// Errors: the time for the request is over.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> Result<T, Silent> {
        self.begin().hold(work).await
    }

    fn begin(&self) -> Wait<'_> {
        let limit = |silence| {
            let limit = TimeLimit::after(silence);
            self.until.map_or(limit, |until| limit.or(until))
        };
        let short = self.bulk().map(|_| limit(silence_after_others(SILENCE_OF_ONE_OF_MANY, self.pace())));
        Wait { patience: self, short, first: limit(self.silence()), longest: limit(SILENCE_MAX) }
    }

    /// Of what it asks for one of many.
    fn bulk(&self) -> Option<BulkKind> {
        match self.one {
            Some(GraphRequest { kind: RequestKind::OfMany(kind), .. }) => Some(kind),
            _ => None,
        }
    }

    /// Whether several of its kind timed out, while Graph answered others.
    fn many_are_silent(&self) -> bool {
        let many = self.bulk().is_some_and(|kind| self.silent.borrow()[kind as usize] >= SILENT_MANY);
        many && !self.slowest().is_zero()
    }

    /// How long the silence of what is asked for is its own matter.
    fn silence(&self) -> Duration {
        match self.one {
            None => SILENCE_MAX,
            Some(_) if self.many_are_silent() => silence_after_others(SILENCE_OF_ONE_OF_MANY, self.pace()),
            Some(GraphRequest { kind: RequestKind::OfMany(_) | RequestKind::Helper, tries: 0 })
                if self.slowest().is_zero() && self.began_silent.load(Ordering::Relaxed) =>
            {
                silence_after_others(SILENCE_AFTER_ANOTHER, self.pace())
            }
            Some(one) => silence_of_one(one.tries, self.pace()),
        }
    }

    /// Whether the silence may be no matter of the thing alone: Graph answered nothing else, or is slow with
    /// everything.
    fn is_graphs(&self) -> bool {
        match self.one {
            Some(GraphRequest { kind: RequestKind::Single, tries: 0 }) if self.slowest().is_zero() => true,
            Some(one) => silence_of_one(one.tries, self.pace()) >= SILENCE_MAX,
            None => true,
        }
    }

    fn note_silence(&self) {
        if let Some(kind) = self.bulk() {
            self.silent.send_modify(|silent| silent[kind as usize] += 1);
        }
        self.began_silent.fetch_or(self.slowest().is_zero(), Ordering::Relaxed);
    }

    /// What the slowest answer took, now or lately.
    fn pace(&self) -> Duration {
        self.slowest().max(self.expected)
    }

    fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest.load(Ordering::Relaxed))
    }

    fn answered_after(&self, time: Duration) {
        // It took some time, however little.
        self.slowest.fetch_max(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }
}

/// Time without a byte for something that failed `tries` times, where the slowest answer took `slowest`. Pure.
fn silence_of_one(tries: u32, slowest: Duration) -> Duration {
    let own = SILENCE_OF_ONE.saturating_mul(tries.saturating_add(1));
    own.max(slowest.saturating_mul(SLOWER_THAN_OTHERS)).min(SILENCE_MAX)
}

/// Time without a byte for something that never failed while others timed out: `at_least`, or more where Graph is slow.
/// Pure.
fn silence_after_others(at_least: Duration, slowest: Duration) -> Duration {
    at_least.max(slowest.saturating_mul(SLOWER_THAN_OTHERS)).min(SILENCE_OF_ONE)
}

/// Graph, as one connector may ask it about one mailbox.
#[derive(Debug, Clone)]
pub struct Graph {
    http: reqwest::Client,
    origin: Origin,
    tokens: Arc<dyn TokenSource>,
    pub(super) gate: MailboxGate,
    budget: Budget,
    patience: Patience,
    clock: Clock,
    random: Random,
}

/// One request, before it has a token.
pub(super) struct Call<'a> {
    pub method: Method,
    pub url: Url,
    /// What is done on what, for errors and logs: ids, never content.
    pub attempted: String,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: Option<serde_json::Value>,
    /// Whether it may be sent again when nobody knows if it worked.
    pub repeatable: bool,
    /// How many of the mailbox's four places it takes.
    pub places: usize,
    /// For how many requests it counts.
    pub requests: u32,
}

/// An answer of success. The mailbox's place is held until the body has been read.
pub(super) struct GraphAnswer {
    pub response: reqwest::Response,
    pub attempted: String,
    pub place: Option<OwnedSemaphorePermit>,
    pub patience: Patience,
}

impl Graph {
    /// Over the shared HTTP client.
    pub fn new(
        http: reqwest::Client,
        origin: Origin,
        tokens: impl TokenSource + 'static,
        clock: Clock,
        random: Random,
    ) -> Self {
        let (gate, budget) = (MailboxGate::default(), Budget::of(Spent::default()));
        let patience = Patience::default();
        Self { http, origin, tokens: Arc::new(tokens), gate, budget, patience, clock, random }
    }

    /// Gives up at `limit`.
    pub fn until(self, limit: TimeLimit) -> Self {
        Self { patience: Patience { until: Some(limit), ..self.patience }, ..self }
    }

    /// For one folder, mail or helper that failed `tries` times: five seconds without a byte, and five more for each
    /// failure, unless Graph answers nothing at all.
    pub fn for_one(&self, tries: u32) -> Self {
        self.patient(GraphRequest { tries, kind: RequestKind::Single })
    }

    /// For one of many that never failed: half a second without a byte once several of them timed out, unless Graph is
    /// slow with everything.
    pub fn for_one_of_many(&self, kind: BulkKind) -> Self {
        self.patient(GraphRequest { tries: 0, kind: RequestKind::OfMany(kind) })
    }

    /// For what mail does not wait for: no more time where Graph answers nothing at all.
    pub fn for_helper(&self, tries: u32) -> Self {
        self.patient(GraphRequest { tries, kind: RequestKind::Helper })
    }

    fn patient(&self, one: GraphRequest) -> Self {
        Self { patience: Patience { one: Some(one), ..self.patience.clone() }, ..self.clone() }
    }

    /// For a mailbox whose slowest answer took `slowest` lately.
    pub fn expecting(self, slowest: Duration) -> Self {
        Self { patience: Patience { expected: slowest, ..self.patience }, ..self }
    }

    /// How long the slowest answer took; zero where there was none.
    pub fn slowest(&self) -> Duration {
        self.patience.slowest()
    }

    /// How long it waits without a byte.
    pub fn silence(&self) -> Duration {
        self.patience.silence()
    }

    /// For a mailbox of which `spent` was asked lately.
    pub fn having_spent(self, spent: Spent) -> Self {
        Self { budget: Budget::of(spent), ..self }
    }

    /// For older mail: it leaves room for live mail.
    pub fn behind(&self) -> Self {
        Self { budget: self.budget.behind(), ..self.clone() }
    }

    /// For two functions that ask about the mailbox at the same time: each has half of its four places.
    pub fn sharing(self) -> Self {
        Self { gate: MailboxGate::of(PARALLEL_REQUESTS_MAX / 2), ..self }
    }

    /// What was asked of the mailbox lately.
    pub fn spent(&self) -> Spent {
        self.budget.spent()
    }

    /// The URL of `path` under `/v1.0`; the path is already encoded.
    pub(super) fn url(&self, path: &str) -> Url {
        // The origin was parsed and every segment is encoded, so the whole parses.
        Url::parse(&self.origin.at(&format!("/v1.0{path}"))).expect("an encoded path on an origin is a URL")
    }

    /// The URL of a link that Graph gave; refused if it leads elsewhere.
    pub(super) fn link(&self, link: &Link, attempted: &str) -> Result<Url, GraphError> {
        let url = Url::parse(&link.0).ok().filter(|url| self.origin.holds(url));
        url.ok_or_else(|| GraphError::ForeignLink { attempted: attempted.to_owned() })
    }

    /// The time, as greffe knows it.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn get<'a>(&self, path: &str, attempted: String) -> Call<'a> {
        let url = self.url(path);
        Call { method: Method::GET, url, attempted, headers: &[], body: None, repeatable: true, places: 1, requests: 1 }
    }

    /// Deletes what lies at `path`; what is gone already is deleted.
    pub(super) async fn delete(&self, path: &str, attempted: String) -> Result<(), GraphError> {
        let call = Call { method: Method::DELETE, ..self.get(path, attempted) };
        match self.send(call).await {
            Err(e) if e.is_gone() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Sends, with what patience the call allows, and returns an answer of success.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<GraphAnswer, GraphError> {
        // Written down before there is a place, so that the place is not kept waiting.
        let body = call.body.as_ref().map(|body| Bytes::from(body.to_string()));
        let place = self.gate.enter(call.places).await;
        let mut pause = RETRY_PAUSE;
        let mut token_renewed = false;
        let (mut tries, mut wait) = (1, None);
        loop {
            if let Err(wait) = self.budget.spend(self.clock.now(), call.requests) {
                return Err(GraphError::Throttled { attempted: call.attempted, wait, code: GraphCode::new(PACED) });
            }
            let token = self.tokens.access_token().await;
            let token = token.map_err(|source| GraphError::Token { attempted: call.attempted.clone(), source })?;
            let mut request = self
                .http
                .request(call.method.clone(), call.url.clone())
                .header(header::AUTHORIZATION, token.bearer())
                .header("client-request-id", self.random.uuid().to_string());
            for (name, value) in call.headers {
                request = request.header(*name, *value);
            }
            if let Some(body) = &body {
                request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
            }
            let wait = wait.get_or_insert_with(|| self.patience.begin());
            let unreachable = |source| GraphError::Unreachable { attempted: call.attempted.clone(), source };
            let asked = Stopwatch::start();
            let Ok(sent) = wait.hold(request.send()).await else { return Err(unreachable(Silent.into())) };
            let error = match sent {
                Ok(response) if response.status().is_success() => {
                    self.patience.answered_after(asked.read());
                    let patience = self.patience.clone();
                    return Ok(GraphAnswer { response, attempted: call.attempted, place, patience });
                }
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !token_renewed => {
                    // The token may have been revoked before its time: once more with a new one, then a person is
                    // asked.
                    token_renewed = true;
                    self.tokens.discard(&token, claims_demanded(response.headers())).await;
                    continue;
                }
                Ok(response) => self.refusal(response, &call.attempted).await,
                Err(source) => unreachable(source.without_url().into()),
            };
            let passing = matches!(
                &error,
                GraphError::Refused { status: 500 | 502 | 503 | 504, .. } | GraphError::Unreachable { .. }
            );
            if !passing || !call.repeatable || tries == TRIES_MAX {
                return Err(error);
            }
            self.clock.sleep(self.random.jitter(pause)).await;
            pause *= 2;
            tries += 1;
        }
    }

    /// Sends and reads a JSON answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, GraphError> {
        let answer = self.send(call).await?;
        let attempted = answer.attempted;
        let whole = TimeLimit::after(answer.patience.silence() * SILENCES_OF_A_WHOLE);
        let read = whole.hold(read_bounded(answer.response, JSON_BYTES_MAX, &answer.patience)).await;
        let bytes = read.unwrap_or_else(|| Err(ReadError::Cut(Silent.into()))).map_err(|e| match e {
            ReadError::Cut(source) => GraphError::Unreachable { attempted: attempted.clone(), source },
            ReadError::TooLarge => {
                GraphError::Unreadable { attempted: attempted.clone(), source: "it is too large".into() }
            }
        })?;
        drop(answer.place);
        read_json(&bytes).map_err(|source| GraphError::Unreadable { attempted, source: source.into() })
    }

    async fn refusal(&self, response: reqwest::Response, attempted: &str) -> GraphError {
        let status = response.status().as_u16();
        let retry_after = self.named_wait(response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()));
        let request_id =
            response.headers().get("request-id").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let body = read_bounded(response, 64 << 10, &self.patience).await.unwrap_or_default();
        self.error(attempted.to_owned(), status, retry_after, request_id, &body)
    }

    /// How long a `Retry-After` of Graph asks to wait, as far as it is believed.
    pub(super) fn named_wait(&self, value: Option<&str>) -> Option<Duration> {
        retry_after(value, self.now()).map(|wait| wait.min(WAIT_MAX))
    }

    /// The error that an answer, or one part of a batch, stands for.
    pub(super) fn error(
        &self,
        attempted: String,
        status: u16,
        retry_after: Option<Duration>,
        request_id: String,
        body: &[u8],
    ) -> GraphError {
        let body = serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
        let code = match body.code.is_empty() {
            true => GraphCode::new(&format!("http_{status}")),
            false => GraphCode::new(&body.code),
        };
        match (status, retry_after) {
            (429, _) => {
                let wait = retry_after.unwrap_or_else(|| self.random.jitter(UNNAMED_WAIT * 2));
                GraphError::Throttled { attempted, wait, code }
            }
            (503 | 504, Some(wait)) => GraphError::Throttled { attempted, wait, code },
            _ => GraphError::Refused { attempted, status, code, message: body.message, request_id },
        }
    }
}

/// What Graph demands of a token before it takes one again. We declare no capability for it, so it should never come.
/// Source: <https://learn.microsoft.com/entra/identity-platform/claims-challenge>
fn claims_demanded(headers: &header::HeaderMap) -> Option<String> {
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
    let mut claims = challenges.filter_map(|challenge| Some(challenge.split_once("claims=\"")?.1.split_once('"')?.0));
    let claims = claims.find_map(|text| BASE64_STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok())?;
    String::from_utf8(claims).ok()
}

enum ReadError {
    Cut(Box<dyn std::error::Error + Send + Sync>),
    TooLarge,
}

async fn read_bounded(
    mut response: reqwest::Response,
    bytes_max: usize,
    patience: &Patience,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next_chunk(&mut response, patience).await.map_err(ReadError::Cut)? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(ReadError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The next bytes of an answer, or none at its end.
pub(super) async fn next_chunk(
    response: &mut reqwest::Response,
    patience: &Patience,
) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(patience.hold(response.chunk()).await?.map_err(reqwest::Error::without_url)?)
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorDetail,
}

#[derive(Deserialize, Default)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::AccessToken;

    #[test]
    fn the_claims_of_a_challenge_are_found_among_other_fields_and_headers() {
        let mut headers = header::HeaderMap::new();
        let mut add = |value: &'static str| {
            headers.append(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(value));
            claims_demanded(&headers)
        };
        assert_eq!(add("PoP nonce=\"1\""), None);
        assert_eq!(add("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"%%%\""), None);
        let demanded = add("Bearer realm=\"\", claims=\"eyJhIjoxfQ==\", error=\"insufficient_claims\"");
        assert_eq!(demanded.as_deref(), Some(r#"{"a":1}"#));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_waited_for_until_the_end_of_who_asks_and_not_asked_for_again() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
        let token = AccessToken::new("token".into(), jiff::Timestamp::MAX);
        let http = crate::base::http::http_client().unwrap();
        let graph = Graph::new(http, origin, token, Clock::system(), Random::seeded(1));
        let graph = graph.until(TimeLimit::after(Duration::from_millis(50)));
        let error = graph.json::<serde_json::Value>(graph.get("/me", "read me".to_owned())).await.unwrap_err();
        assert!(error.is_silent() && error.is_outage(), "{error:?}");
        // One connection, and no second one.
        let (_connection, _) = silent.accept().await.unwrap();
        assert!(TimeLimit::after(Duration::from_millis(50)).hold(silent.accept()).await.is_none());
    }

    #[test]
    fn one_thing_is_given_up_sooner_than_a_mailbox_but_not_where_graph_is_slow_with_everything() {
        let seconds = |tries, slowest| silence_of_one(tries, Duration::from_millis(slowest)).as_secs();
        assert_eq!([0, 1, 2, 3, u32::MAX].map(|tries| seconds(tries, 200)), [5, 10, 15, 20, 20]);
        assert_eq!([1_000, 2_000, 6_000, u64::MAX].map(|slowest| seconds(0, slowest)), [5, 8, 20, 20]);
    }

    #[tokio::test]
    async fn a_thing_that_is_silent_while_graph_answers_others_is_given_up_alone() {
        let given_up = async |one: GraphRequest, answers: bool| {
            let patience = Patience { one: Some(one), ..Patience::default() };
            let wait = Wait { first: TimeLimit::after(Duration::ZERO), ..patience.begin() };
            if answers {
                patience.answered_after(Duration::from_millis(100));
            }
            // It would be answered a little later.
            let answer = TimeLimit::after(Duration::from_millis(20)).hold(std::future::pending::<()>());
            wait.hold(answer).await.is_err()
        };
        let one = GraphRequest { tries: 0, kind: RequestKind::Single };
        assert_eq!((given_up(one, true).await, given_up(one, false).await), (true, false));
        for kind in [RequestKind::Helper, RequestKind::OfMany(BulkKind::Folders)] {
            let of_kind = GraphRequest { kind, ..one };
            assert_eq!((given_up(of_kind, true).await, given_up(of_kind, false).await), (true, true));
        }
    }

    #[test]
    fn a_mailbox_that_was_slow_lately_has_the_time_that_it_needs() {
        let one = GraphRequest { tries: 0, kind: RequestKind::OfMany(BulkKind::Folders) };
        let silence = |expected| Patience { one: Some(one), expected, ..Patience::default() }.silence().as_secs();
        assert_eq!([0, 200, 3_000, 60_000].map(Duration::from_millis).map(silence), [5, 5, 12, 20]);
    }

    #[tokio::test]
    async fn after_one_silence_without_any_answer_the_next_thing_gets_less_time() {
        let helper = GraphRequest { tries: 0, kind: RequestKind::Helper };
        let first = Patience { one: Some(helper), ..Patience::default() };
        let wait = Wait { first: TimeLimit::after(Duration::ZERO), ..first.begin() };
        wait.hold(std::future::pending::<()>()).await.unwrap_err();
        let kinds = [RequestKind::Helper, RequestKind::OfMany(BulkKind::Folders), RequestKind::Single];
        let silence = |kind| Patience { one: Some(GraphRequest { kind, ..helper }), ..first.clone() }.silence();
        assert_eq!(kinds.map(silence), [SILENCE_AFTER_ANOTHER, SILENCE_AFTER_ANOTHER, SILENCE_OF_ONE]);
        first.answered_after(Duration::from_millis(100));
        assert_eq!(kinds.map(silence), [SILENCE_OF_ONE; 3]);
    }

    #[tokio::test]
    async fn what_stands_behind_many_that_are_silent_is_not_waited_for_as_long_as_the_first_of_them() {
        let of_many = GraphRequest { tries: 0, kind: RequestKind::OfMany(BulkKind::Originals) };
        let patience = Patience { one: Some(of_many), ..Patience::default() };
        patience.answered_after(Duration::from_millis(100));
        for _ in 0..2 {
            assert_eq!(patience.silence(), SILENCE_OF_ONE);
            let wait = Wait { first: TimeLimit::after(Duration::ZERO), ..patience.begin() };
            wait.hold(std::future::pending::<()>()).await.unwrap_err();
        }
        assert_eq!(patience.silence(), SILENCE_OF_ONE_OF_MANY);
        // Folders are not mails.
        let folder = GraphRequest { kind: RequestKind::OfMany(BulkKind::Folders), ..of_many };
        assert_eq!(Patience { one: Some(folder), ..patience.clone() }.silence(), SILENCE_OF_ONE);
        let other = Patience { one: Some(GraphRequest { kind: RequestKind::Single, ..of_many }), ..patience.clone() };
        assert_eq!(other.silence(), SILENCE_OF_ONE);
        patience.answered_after(Duration::from_millis(700));
        assert_eq!(patience.silence(), Duration::from_millis(2_800));
    }

    #[test]
    fn ids_are_encoded_in_paths() {
        assert_eq!(GraphUser::new("a#EXT#@x.example").path(), "/users/a%23EXT%23@x.example");
        assert_eq!(segment("AAk/AL+gA=").to_string(), "AAk%2FAL%2BgA=");
    }
}
