//! Functions that die at one of their calls to AWS.

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

/// What a function works with that dies at its call after so many, and what tells that it did. `has_effect`: the call
/// at which it dies is made.
pub fn dying(world: &World, calls: i64, has_effect: bool) -> (App, Arc<Notify>) {
    let died = Arc::new(Notify::new());
    let engines = world.host.machine.engines.clone().unwrap().http_client();
    let (calls_left, dies) = (Arc::new(AtomicI64::new(calls)), died.clone());
    let http = http_client_fn(move |settings, components| {
        let behind = engines.http_connector(settings, components);
        SharedHttpConnector::new(Dying { behind, calls_left: calls_left.clone(), has_effect, died: dies.clone() })
    });
    let aws = world.host.machine.aws.to_builder().http_client(http).build();
    let app = App::new(world.host.app.config.clone(), &aws, tests::http(), world.clock.clone(), Random::system());
    (app, died)
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
