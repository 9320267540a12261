//! The AWS APIs that greffe calls, answered on one machine.
//!
//! The SDK clients are built exactly as in production; under them lies [`Cloud::http_client`] in the place of the
//! network. Each service has one module and keeps its state in files of its own below one directory. A reply means that
//! the change is on disk: whatever was acknowledged outlives `kill -9` at any moment.
//!
//! What is answered, and what each service refuses as AWS does, stands at the head of its module; the contract suite
//! (`tests/contract`) holds both this crate and any other endpoint to it. An operation that is not listed is refused
//! by name, never half done.

mod calls;
mod connector;
mod dynamodb;
mod engine;
mod events;
mod fault;
mod s3;
mod secrets;
mod sqs;
mod store;
mod sts;

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

use connector::{Connector, Engines};
use dynamodb::DynamoDb;
use events::Events;
use s3::S3;
use secrets::Secrets;
use sqs::Sqs;
use sts::Sts;

pub use calls::Calls;
pub use engine::{Clock, OpenError};
pub use events::{RecordedEvent, Unreadable};

/// The embedded services over one directory. Clones share everything.
///
/// The directory is released when the last clone, and the last client made from [`Cloud::http_client`], is gone.
#[derive(Clone)]
pub struct Cloud {
    engines: Arc<Engines>,
}

impl Cloud {
    /// The access key id of the one credential that the engines accept.
    pub const ACCESS_KEY_ID: &'static str = engine::ACCESS_KEY_ID;
    /// Its secret. S3 verifies signatures made with it; it opens nothing outside this process.
    pub const SECRET_ACCESS_KEY: &'static str = engine::SECRET_ACCESS_KEY;
    /// The region the engines play.
    pub const REGION: &'static str = engine::REGION;
    /// The one principal that calls the engines: the subject of its identity tokens.
    pub const PRINCIPAL: &'static str = engine::PRINCIPAL;

    /// Opens the services below `dir`, creating what is missing, and removes what a killed process left half-written.
    ///
    /// A new directory is readable by its owner only: it will hold mail and secrets.
    /// Errors: [`OpenError::InUse`] while another process has it open; otherwise the file that could not be opened.
    pub fn open(dir: &Path, clock: Clock) -> Result<Cloud, OpenError> {
        let files = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Files { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(files(dir))?;
        let lock_path = dir.join("lock");
        let lock = File::create(&lock_path).map_err(files(&lock_path))?;
        lock.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => OpenError::InUse(dir.to_owned()),
            TryLockError::Error(source) => files(&lock_path)(source),
        })?;
        let engines = Engines {
            dynamodb: DynamoDb::open(&dir.join("dynamodb.sqlite"), clock.clone())?,
            events: Events::open(&dir.join("events.sqlite"), clock.clone())?,
            s3: S3::open(dir, clock.clone())?,
            secrets: Secrets::open(&dir.join("secrets.sqlite"), clock.clone())?,
            sqs: Sqs::open(&dir.join("sqs.sqlite"), clock.clone())?,
            sts: Sts::open(&dir.join("sts.sqlite"), clock)?,
            _lock: lock,
        };
        Ok(Cloud { engines: Arc::new(engines) })
    }

    /// What goes under `aws_config`: `.http_client(cloud.http_client())`.
    ///
    /// Endpoints stay the real AWS names of [`Cloud::REGION`], requests are signed as ever, and nothing is sent.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = self.connector();
        http_client_fn(move |_, _| connector.clone())
    }

    /// The engines as a connector that takes one request at a time, for requests from elsewhere. A path may name the
    /// bucket.
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.engines.clone()))
    }

    /// The events put on buses so far whose id is greater than `after`, oldest first, at most `limit`.
    ///
    /// Begin with 0 and go on with the last id seen. Waits for the disk.
    pub fn events_after(&self, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, Unreadable> {
        self.engines.events.after(after, limit)
    }

    /// Turns outbound identity federation on, with this issuer; what it publishes is [`Cloud::identity_document`].
    pub fn enable_identity_federation(&self, issuer: impl Into<String>) {
        self.engines.sts.enable(issuer.into());
    }

    /// What lies at `{issuer}/.well-known/{document}`: `openid-configuration` or `jwks.json`.
    pub fn identity_document(&self, document: &str) -> Option<serde_json::Value> {
        self.engines.sts.published(document)
    }

    /// The secrets whose rotation was asked for and is not finished: `(ARN, version)`, as often as asked.
    pub fn rotations(&self) -> Vec<(String, String)> {
        self.engines.secrets.rotations()
    }

    /// Takes back every message that was received and not deleted, as if it had never been handed out.
    ///
    /// For a host at its start: whoever had received them lived in a process that is gone. Waits for the disk.
    pub fn release_received(&self) {
        self.engines.sqs.release_received();
    }

    /// Does what AWS does by itself as time goes by: expires items, messages, deduplication ids and deleted secrets,
    /// and lets a waiting `ReceiveMessage` look again.
    ///
    /// Call it from a timer, off the async threads (it waits for the disk), and after moving a clock by hand. What
    /// fails is logged and tried again at the next call.
    pub fn tick(&self) {
        self.engines.dynamodb.tick();
        self.engines.sqs.tick();
        self.engines.secrets.tick();
    }
}
