//! The AWS contract: what greffe relies on of AWS, asked through the real SDK clients.
//!
//! By default the engines of `infra/aws` answer in this process, each test over a directory of its own and a clock
//! that only moves by hand. `GREFFE_CONTRACT_ENDPOINT=http://127.0.0.1:PORT` has another endpoint answer the same
//! questions (credentials `test`/`test`, buckets in the path): that is how an independent engine, or AWS itself, judges
//! the embedded ones. Tests about time then wait for real; what would wait for minutes is left out there.
//!
//! ministack is kinder than AWS documents: it takes malformed events and events without a source, joins parts that are
//! too small, computes no digest for an upload that named no algorithm, says that a secret exists where AWS says that
//! it is being deleted, adds a second version under a known token, and puts a hold on a delete marker. `ministack.txt`
//! lists the tests that show it; `.ci/run` holds them to that list, in both directions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod durability;
mod dynamodb;
mod events;
mod s3;
mod secrets;
mod sqs;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::Cloud;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tempfile::TempDir;
use uuid::Uuid;

/// Who answers, and the clock it goes by.
struct World {
    config: SdkConfig,
    embedded: Option<Embedded>,
}

struct Embedded {
    cloud: Cloud,
    clock: HandClock,
    _directory: TempDir,
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct HandClock(Arc<AtomicU64>);

impl HandClock {
    /// 2 March 2026, 08:00 UTC: far from the machine's own time, so that mixing them up shows.
    fn new() -> HandClock {
        HandClock(Arc::new(AtomicU64::new(1_772_438_400)))
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn as_clock(&self) -> aws::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

impl World {
    async fn new() -> World {
        if let Ok(endpoint) = std::env::var("GREFFE_CONTRACT_ENDPOINT") {
            let config = config(Credentials::from_keys("test", "test", None))
                .endpoint_url(endpoint)
                .http_client(Network::client())
                .load()
                .await;
            return World { config, embedded: None };
        }
        let directory = tempfile::tempdir().unwrap();
        let clock = HandClock::new();
        let cloud = Cloud::open(directory.path(), clock.as_clock()).unwrap();
        World { config: over(&cloud).await, embedded: Some(Embedded { cloud, clock, _directory: directory }) }
    }

    /// Lets time pass: by hand where the clock is ours, for real elsewhere.
    async fn pass(&self, seconds: u64) {
        match &self.embedded {
            Some(embedded) => {
                embedded.clock.0.fetch_add(seconds, Ordering::SeqCst);
                embedded.cloud.tick();
            }
            #[expect(clippy::disallowed_methods, reason = "elsewhere the clock is not ours")]
            None => tokio::time::sleep(Duration::from_secs(seconds)).await,
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        s3_client(&self.config, self.embedded.is_none())
    }
}

fn s3_client(config: &SdkConfig, path_style: bool) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style);
    aws_sdk_s3::Client::from_conf(config.build())
}

fn config(credentials: Credentials) -> aws_config::ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(Cloud::REGION))
        .credentials_provider(credentials)
}

/// The clients' configuration over a cloud.
async fn over(cloud: &Cloud) -> SdkConfig {
    let credentials = Credentials::from_keys(Cloud::ACCESS_KEY_ID, Cloud::SECRET_ACCESS_KEY, None);
    config(credentials).http_client(cloud.http_client()).load().await
}

/// A cloud over an existing directory, by a clock that stands still.
fn open(directory: &Path) -> Cloud {
    Cloud::open(directory, HandClock::new().as_clock()).unwrap()
}

/// A name that no other test, and no other run, uses.
fn unique(name: &str) -> String {
    format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..12])
}

/// The error code that a refused call was answered with.
fn refused<T: fmt::Debug, E: ProvideErrorMetadata>(answer: Result<T, E>) -> String {
    let error = answer.expect_err("the call should have been refused");
    error.code().unwrap_or("no code").to_owned()
}

/// A plain HTTP client under the SDK, for an endpoint that is not embedded.
#[derive(Clone, Debug)]
struct Network(reqwest::Client);

impl Network {
    fn client() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
        // Fails if another test was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connector = SharedHttpConnector::new(Network(reqwest::Client::new()));
        http_client_fn(move |_, _| connector.clone())
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |source| ConnectorError::user(source);
        let request = request.try_into_http1x().map_err(|source| user(source.into()))?;
        let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap));
        let request = request.map_err(|source| user(source.into()))?;
        let response = self.0.execute(request).await;
        let response = response.map_err(|source| ConnectorError::io(source.into()))?;
        let response = axum::http::Response::<reqwest::Body>::from(response);
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|source| ConnectorError::other(source.into(), None))
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}
