//! R14: while the event bus is down, mail is archived and the feed has its facts; the bus gets them later.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::HttpRequest,
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared as _,
};
use axum::Router;
use tests::{Between, Registry, World, message_id};

use crate::faults::{MINUTE, kept, pass};

/// AWS without its event bus, while that is down.
#[derive(Debug, Clone)]
struct Bus<Behind> {
    is_down: Arc<AtomicBool>,
    behind: Behind,
}

impl HttpClient for Bus<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let behind = self.behind.http_connector(settings, components);
        SharedHttpConnector::new(Bus { is_down: self.is_down.clone(), behind })
    }
}

impl HttpConnector for Bus<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_meant = request.headers().get("x-amz-target").is_some_and(|target| target.starts_with("AWSEvents."));
        if is_meant && self.is_down.load(Ordering::Relaxed) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("the connection broke".into())));
        }
        self.behind.call(request)
    }
}

/// The SDK tries again at once.
#[derive(Debug)]
struct NoPause;

impl AsyncSleep for NoPause {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

impl Between for Bus<()> {
    fn seed(&self) -> u64 {
        1
    }

    fn aws(&self, engines: SharedHttpClient) -> SharedHttpClient {
        Bus { is_down: self.is_down.clone(), behind: engines }.into_shared()
    }

    fn sleep(&self) -> SharedAsyncSleep {
        SharedAsyncSleep::new(NoPause)
    }

    fn microsoft(&self, router: Router) -> Router {
        router
    }

    fn keeps_traffic(&self) -> bool {
        false
    }
}

/// How often each mail was put on the event bus.
fn announced(world: &World, registry: &Registry, mails: &[String]) -> Vec<usize> {
    let events = world.host.machine.engines.as_ref().unwrap().events_after(0, 1_000).unwrap();
    let of = |mail: &String| {
        let id = message_id(registry, mail).to_string();
        events.iter().filter(|event| event.detail_type == "MessageArchived" && event.detail.contains(&id)).count()
    };
    mails.iter().map(of).collect()
}

#[tokio::test]
async fn r14_what_the_event_bus_did_not_take_is_told_from_the_feed_later_and_fails_no_round() {
    let bus = Bus { is_down: Arc::default(), behind: () };
    let world = World::behind(&bus).await;
    let registry = world.registry().await;
    bus.is_down.store(true, Ordering::Relaxed);
    let mails: Vec<String> = (0..5).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, 5);
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"; 5]);
    pass(&world, 3 * MINUTE).await;
    assert_eq!(announced(&world, &registry, &mails), [0; 5]);
    bus.is_down.store(false, Ordering::Relaxed);
    pass(&world, 2 * MINUTE).await;
    assert_eq!(announced(&world, &registry, &mails), [1; 5]);
    world.settle(&registry).await;
}
