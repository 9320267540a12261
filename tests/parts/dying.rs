//! Functions that die, or wait, at one of their calls to AWS.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use shared::{app::App, base::random::Random};
use tests::World;
use tokio::sync::Notify;

/// What a function works with that waits before its call after so many: what tells that it does, and what ends that.
pub fn waiting(world: &World, calls: i64) -> (App, Arc<Notify>, Arc<Notify>) {
    let (waits, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (calls_left, at, until) = (Arc::new(AtomicI64::new(calls)), waits.clone(), goes_on.clone());
    let app = between(world, move |behind| {
        let (calls_left, at, until) = (calls_left.clone(), at.clone(), until.clone());
        SharedHttpConnector::new(Waiting { behind, calls_left, at, until })
    });
    (app, waits, goes_on)
}

/// What a function works with whose calls go through that.
fn between(world: &World, connect: impl Fn(SharedHttpConnector) -> SharedHttpConnector + Send + Sync + 'static) -> App {
    let engines = world.host.machine.engines.clone().unwrap().http_client();
    let http = http_client_fn(move |settings, components| connect(engines.http_connector(settings, components)));
    let aws = world.host.machine.aws.to_builder().http_client(http).build();
    App::new(world.host.app.config.clone(), &aws, tests::http(), world.clock.clone(), Random::system())
}

/// What a function works with that dies at its call after so many, and what tells that it did. `has_effect`: the call
/// at which it dies is made.
pub fn dying(world: &World, calls: i64, has_effect: bool) -> (App, Arc<Notify>) {
    let died = Arc::new(Notify::new());
    let (calls_left, dies) = (Arc::new(AtomicI64::new(calls)), died.clone());
    let app = between(world, move |behind| {
        SharedHttpConnector::new(Dying { behind, calls_left: calls_left.clone(), has_effect, died: dies.clone() })
    });
    (app, died)
}

/// What a function works with, and how many of its calls say this in their bodies.
pub fn counting(world: &World, says: &'static str) -> (App, Arc<AtomicI64>) {
    let calls = Arc::new(AtomicI64::new(0));
    let counted = calls.clone();
    let app = between(world, move |behind| SharedHttpConnector::new(Counting { behind, says, calls: counted.clone() }));
    (app, calls)
}

/// Counts calls.
#[derive(Debug)]
struct Counting {
    behind: SharedHttpConnector,
    says: &'static str,
    calls: Arc<AtomicI64>,
}

impl HttpConnector for Counting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_one = request.body().bytes().is_some_and(|body| String::from_utf8_lossy(body).contains(self.says));
        self.calls.fetch_add(i64::from(is_one), Ordering::SeqCst);
        self.behind.call(request)
    }
}

/// Dies at one call: no later one is made, and the caller gets no answer.
#[derive(Debug)]
struct Dying {
    behind: SharedHttpConnector,
    calls_left: Arc<AtomicI64>,
    /// Whether the call at which it dies is made.
    has_effect: bool,
    died: Arc<Notify>,
}

impl HttpConnector for Dying {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return self.behind.call(request);
        }
        let last = self.has_effect.then(|| self.behind.call(request));
        let died = self.died.clone();
        HttpConnectorFuture::new(async move {
            if let Some(last) = last {
                let _ = last.await;
            }
            died.notify_one();
            std::future::pending().await
        })
    }
}

/// Waits before one call; the others are made at once.
#[derive(Debug)]
struct Waiting {
    behind: SharedHttpConnector,
    calls_left: Arc<AtomicI64>,
    at: Arc<Notify>,
    until: Arc<Notify>,
}

impl HttpConnector for Waiting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return self.behind.call(request);
        }
        let (behind, at, until) = (self.behind.clone(), self.at.clone(), self.until.clone());
        HttpConnectorFuture::new(async move {
            at.notify_one();
            until.notified().await;
            behind.call(request).await
        })
    }
}
