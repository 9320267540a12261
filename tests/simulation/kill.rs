//! A switch between greffe and AWS: after so many calls the function that makes the next one is dead.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared as _,
};
use tokio::sync::Notify;

/// Shared between the connector and the story.
#[derive(Debug, Clone, Default)]
pub struct KillSwitch {
    left: Arc<AtomicI64>,
    killed: Arc<Notify>,
}

impl KillSwitch {
    /// The call after `calls` more never comes back, and may or may not have taken effect.
    pub fn arm(&self, calls: i64) {
        self.left.store(calls + 1, Ordering::SeqCst);
    }

    /// Nothing dies any more.
    pub fn disarm(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Waits until somebody died.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// The engines behind the switch.
    pub fn before(&self, engines: &aws::Cloud) -> SharedHttpClient {
        Between { switch: self.clone(), behind: engines.http_client() }.into_shared()
    }
}

#[derive(Debug, Clone)]
struct Between {
    switch: KillSwitch,
    behind: SharedHttpClient,
}

impl HttpClient for Between {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let behind = self.behind.http_connector(settings, components);
        SharedHttpConnector::new(Gate { switch: self.switch.clone(), behind })
    }
}

#[derive(Debug)]
struct Gate {
    switch: KillSwitch,
    behind: SharedHttpConnector,
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let dies = self.switch.left.load(Ordering::SeqCst) > 0 && self.switch.left.fetch_sub(1, Ordering::SeqCst) == 1;
        if !dies {
            return self.behind.call(request);
        }
        // Every second one dies after its call took effect, and before it knew.
        let effect = (request.uri().len() + request.headers().len()).is_multiple_of(2);
        let (call, killed) = (self.behind.call(request), self.switch.killed.clone());
        HttpConnectorFuture::new(async move {
            if effect {
                let _ = call.await;
            }
            killed.notify_one();
            std::future::pending().await
        })
    }
}
