//! A gate between greffe and all that it calls. Every call waits here until nothing moves any more; then the dice let
//! one through, and nobody else moves before it was answered. So a seed decides in which order calls take effect, which
//! of them AWS refuses or loses, and at which one a function dies.
//!
//! Its log is the history of a run. Two runs of a seed have the same, but for what nobody controls: ports,
//! and what the AWS SDK draws by itself, which is therefore not in it (`ClientRequestToken`, receipt handles,
//! signatures).

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared as _,
};
use aws_smithy_types::body::SdkBody;
use axum::{Router, body::Body, extract::Request, middleware, response::Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::Between;
use tokio::sync::{Notify, oneshot};

use crate::dice::Dice;

/// So often in a row every task has to have had its turn, and every socket been looked at, with nobody new at the gate.
/// The longest way from one call to the next, a new connection, takes six.
const TURNS_OF_REST: usize = 12;
/// Requests of the mail path are small; the larger is a mail of a story.
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// Shared between the connectors, the story, and the task that keeps it.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    seed: u64,
    state: Mutex<State>,
    arrived: Notify,
    died: Notify,
}

struct State {
    dice: Dice,
    waiting: Vec<Waiting>,
    /// Who waits for time to pass; it does when nobody waits for anything else.
    asleep: VecDeque<oneshot::Sender<()>>,
    arrivals: u64,
    dies_in: Option<usize>,
    /// How many more calls AWS may refuse or lose.
    trouble: usize,
    history: Vec<String>,
}

struct Waiting {
    what: String,
    of: Side,
    passes: oneshot::Sender<(Fate, Passage)>,
}

/// Whom a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// AWS, called by a function.
    Aws,
    /// AWS, called by what starts functions.
    Host,
    Microsoft,
    /// Nobody: a person who waits for a turn.
    Person,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answered,
    /// Refused for no fault of its own.
    Throttled,
    /// Refused because somebody else is at the same items, or the same key.
    Conflict,
    /// An error of the service's own.
    Failed,
    /// The connection breaks before anything was done.
    Unsent,
    /// The connection breaks after it took effect.
    Unheard,
    /// The function dies here, before the call took effect or after it.
    Dies {
        effect: bool,
    },
}

/// A call that is under way, until this is dropped.
struct Passage {
    gate: Gate,
    what: String,
    told: &'static str,
    status: u16,
    _ended: oneshot::Sender<()>,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.gate.tell(format!("{} {} {}", self.what, self.told, self.status));
    }
}

impl Gate {
    /// A gate on which nothing goes wrong yet.
    pub fn new(seed: u64) -> Self {
        let state = State {
            dice: Dice::new(!seed),
            waiting: Vec::new(),
            asleep: VecDeque::new(),
            arrivals: 0,
            dies_in: None,
            trouble: 0,
            history: Vec::new(),
        };
        Self(Arc::new(Inner { seed, state: Mutex::new(state), arrived: Notify::new(), died: Notify::new() }))
    }

    /// Lets calls through, one after the other, for ever.
    pub async fn keep(self) {
        loop {
            while !self.is_someone_there() {
                self.0.arrived.notified().await;
            }
            self.rest().await;
            if let Some(ended) = self.release() {
                let _ = ended.await;
            }
        }
    }

    /// Waits until nothing moves but what waits at the gate.
    pub async fn rest(&self) {
        let (mut seen, mut quiet) = (self.state().arrivals, 0);
        while quiet < TURNS_OF_REST {
            tokio::task::yield_now().await;
            let arrivals = self.state().arrivals;
            quiet = if arrivals == seen { quiet + 1 } else { 0 };
            seen = arrivals;
        }
    }

    /// Whoever makes the call after `calls` more is dead.
    pub fn kill_after(&self, calls: usize) {
        self.state().dies_in = Some(calls);
    }

    /// AWS refuses or loses some of the next calls of functions, `calls` at most.
    pub fn trouble(&self, calls: usize) {
        self.state().trouble = calls;
    }

    /// Nothing goes wrong any more.
    pub fn calm(&self) {
        let mut state = self.state();
        (state.dies_in, state.trouble) = (None, 0);
    }

    /// One time in three somebody dies within the next `calls`, one time in three AWS is in trouble.
    pub fn some_trouble(&self, dice: &mut Dice, calls: usize) {
        match dice.below(3) {
            0 => self.kill_after(dice.below(calls)),
            1 => self.trouble(1 + dice.below(4)),
            _ => {}
        }
    }

    /// What `work` came to, or nothing if somebody died first. Then nothing goes wrong any more, and what died is gone.
    pub async fn or_death<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let ended = tokio::select! {
            biased;
            () = self.0.died.notified() => None,
            ended = work => Some(ended),
        };
        self.calm();
        self.rest().await;
        ended
    }

    /// Waits for a turn among the calls.
    pub async fn turn(&self) {
        drop(self.enter("a person".to_owned(), Side::Person).await);
    }

    /// Adds a line to the history.
    pub fn tell(&self, line: String) {
        self.state().history.push(line);
    }

    /// All that happened so far.
    pub fn history(&self) -> Vec<String> {
        self.state().history.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn enter(&self, what: String, of: Side) -> (Fate, Passage) {
        let (passes, turn) = oneshot::channel();
        {
            let mut state = self.state();
            state.waiting.push(Waiting { what, of, passes });
            state.arrivals += 1;
        }
        self.0.arrived.notify_one();
        match turn.await {
            Ok(turn) => turn,
            // Nobody keeps the gate any more: the story is over.
            Err(_) => std::future::pending().await,
        }
    }

    fn is_someone_there(&self) -> bool {
        let mut state = self.state();
        state.waiting.retain(|waiting| !waiting.passes.is_closed());
        state.asleep.retain(|waiting| !waiting.is_closed());
        !state.waiting.is_empty() || !state.asleep.is_empty()
    }

    /// Lets one through; what is told when it has ended.
    fn release(&self) -> Option<oneshot::Receiver<()>> {
        if !self.is_someone_there() {
            return None;
        }
        let mut state = self.state();
        if state.waiting.is_empty() {
            let _ = state.asleep.pop_front()?.send(());
            return None;
        }
        // In which order they came may depend on sockets.
        state.waiting.sort_by(|a, b| a.what.cmp(&b.what));
        let count = state.waiting.len();
        let next = state.dice.below(count);
        let Waiting { what, of, passes } = state.waiting.remove(next);
        let fate = state.fate(of);
        drop(state);
        let (ended, end) = oneshot::channel();
        let passage = Passage { gate: self.clone(), what, told: fate.told(), status: 0, _ended: ended };
        // Dropped outside the lock if the caller has gone meanwhile.
        let _ = passes.send((fate, passage));
        Some(end)
    }

    async fn die(&self, passage: Passage) -> ! {
        drop(passage);
        self.0.died.notify_one();
        std::future::pending().await
    }
}

impl State {
    fn fate(&mut self, of: Side) -> Fate {
        if of == Side::Person {
            return Fate::Answered;
        }
        if let Some(left) = &mut self.dies_in {
            if *left == 0 {
                self.dies_in = None;
                return Fate::Dies { effect: self.dice.once_in(2) };
            }
            *left -= 1;
        }
        if of != Side::Aws || self.trouble == 0 || !self.dice.once_in(3) {
            return Fate::Answered;
        }
        self.trouble -= 1;
        self.dice.pick(&[Fate::Throttled, Fate::Conflict, Fate::Failed, Fate::Unsent, Fate::Unheard])
    }
}

impl Fate {
    fn told(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Throttled => "throttled",
            Self::Conflict => "in conflict",
            Self::Failed => "failed",
            Self::Unsent => "never sent",
            Self::Unheard => "done and never heard of",
            Self::Dies { effect: true } => "done, and the function died",
            Self::Dies { effect: false } => "not done, and the function died",
        }
    }
}

impl Between for Gate {
    fn seed(&self) -> u64 {
        self.0.seed
    }

    fn aws(&self, engines: SharedHttpClient) -> SharedHttpClient {
        Guarded { gate: self.clone(), behind: engines }.into_shared()
    }

    fn sleep(&self) -> SharedAsyncSleep {
        SharedAsyncSleep::new(self.clone())
    }

    fn microsoft(&self, router: Router) -> Router {
        let gate = self.clone();
        router.layer(middleware::from_fn(move |request: Request, next: middleware::Next| {
            let gate = gate.clone();
            async move { gate.graph(request, next).await }
        }))
    }

    /// One world in sixteen is evidence enough.
    fn keeps_traffic(&self) -> bool {
        self.0.seed.is_multiple_of(16)
    }
}

impl Gate {
    async fn graph(&self, request: Request, next: middleware::Next) -> Response {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.unwrap_or_default();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let what = told(&format!("{} {target}", head.method), &body);
        let (fate, mut passage) = self.enter(what, Side::Microsoft).await;
        let request = Request::from_parts(head, Body::from(body));
        match fate {
            Fate::Dies { effect: false } => self.die(passage).await,
            Fate::Dies { effect: true } => {
                drop(next.run(request).await);
                self.die(passage).await
            }
            _ => {
                let response = next.run(request).await;
                passage.status = response.status().as_u16();
                // It ends with the last byte of its answer.
                response.map(|body| {
                    use http_body_util::BodyExt as _;
                    Body::new(body.map_frame(move |frame| {
                        let _under_way = &passage;
                        frame
                    }))
                })
            }
        }
    }
}

impl AsyncSleep for Gate {
    fn sleep(&self, _: Duration) -> Sleep {
        let gate = self.clone();
        Sleep::new(async move {
            let (wake, woken) = oneshot::channel();
            gate.state().asleep.push_back(wake);
            gate.0.arrived.notify_one();
            if woken.await.is_err() {
                std::future::pending().await
            }
        })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

#[derive(Debug, Clone)]
struct Guarded<Behind> {
    gate: Gate,
    behind: Behind,
}

impl HttpClient for Guarded<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let behind = self.behind.http_connector(settings, components);
        SharedHttpConnector::new(Guarded { gate: self.gate.clone(), behind })
    }
}

impl HttpConnector for Guarded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { gate, behind } = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").map(str::to_owned);
            let target = target.unwrap_or_else(|| format!("{} {}", request.method(), request.uri()));
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let agent = request.headers().get("user-agent").unwrap_or_default();
            let of = if agent.contains(" app/") { Side::Aws } else { Side::Host };
            let (fate, mut passage) = gate.enter(told(&target, &body), of).await;
            let broken = || Err(ConnectorError::io("the connection broke".into()));
            let refused = match fate {
                Fate::Answered => None,
                Fate::Unsent => return broken(),
                Fate::Unheard => {
                    let _ = behind.call(request).await;
                    return broken();
                }
                Fate::Dies { effect } => {
                    if effect {
                        let _ = behind.call(request).await;
                    }
                    gate.die(passage).await
                }
                Fate::Throttled | Fate::Conflict | Fate::Failed => refusal(fate, &target, &body),
            };
            let answer = match refused {
                Some(refusal) => Ok(refusal),
                None => behind.call(request).await,
            };
            passage.status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            answer
        })
    }
}

/// What AWS says in its own words, to a call of a service that can say it.
/// Sources: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn refusal(fate: Fate, target: &str, body: &[u8]) -> Option<HttpResponse> {
    let s3 = |status: u16, code: &str| {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
        Some(response(status, "application/xml", text))
    };
    let json = |status: u16, error: Value| Some(response(status, "application/x-amz-json-1.0", error.to_string()));
    let named = |status: u16, code: &str| json(status, json!({ "__type": code, "message": code }));
    let (service, operation) = target.split_once('.').unwrap_or_default();
    match (service, fate) {
        ("", Fate::Throttled) => s3(503, "SlowDown"),
        ("", Fate::Conflict) if target.starts_with("PUT ") => s3(409, "ConditionalRequestConflict"),
        ("", Fate::Failed) => s3(500, "InternalError"),
        ("DynamoDB_20120810", Fate::Throttled) => named(400, "ProvisionedThroughputExceededException"),
        ("DynamoDB_20120810", Fate::Conflict) if operation == "TransactWriteItems" => {
            let asked: Value = serde_json::from_slice(body).unwrap_or_default();
            let mut reasons = vec![json!({ "Code": "None" }); asked["TransactItems"].as_array().map_or(0, Vec::len)];
            *reasons.first_mut()? = json!({ "Code": "TransactionConflict" });
            json(400, json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons }))
        }
        ("DynamoDB_20120810", Fate::Conflict) if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") => {
            named(400, "TransactionConflictException")
        }
        ("DynamoDB_20120810", Fate::Failed) => named(500, "InternalServerError"),
        (_, Fate::Throttled) if !service.is_empty() => named(400, "ThrottlingException"),
        (_, Fate::Failed) => named(500, "InternalFailure"),
        _ => None,
    }
}

fn response(status: u16, content_type: &'static str, body: String) -> HttpResponse {
    let status = status.try_into().expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", content_type);
    response
}

/// A call in a line: where it goes, and a digest of what it says.
fn told(target: &str, body: &[u8]) -> String {
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            forget(&mut value);
            // Its maps are sorted.
            value.to_string().into_bytes()
        }
        Err(_) => body.to_vec(),
    };
    let said = without_port(&String::from_utf8_lossy(&said));
    let digest = hex::encode(&Sha256::digest(said)[..6]);
    format!("{} {digest}", without_port(target))
}

/// Takes out what the AWS SDK and the engines draw by themselves.
fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "ClientRequestToken" | "ReceiptHandle"));
            fields.values_mut().for_each(forget);
        }
        Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}

/// The ports of a world are the system's choice.
fn without_port(text: &str) -> String {
    const HOST: &str = "127.0.0.1";
    let mut parts = text.split(HOST);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let port = part.strip_prefix(':').or_else(|| part.strip_prefix("%3A"));
        told += HOST;
        told += port.map_or(part, |port| port.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    told
}
