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
mod events;
mod fault;
mod s3;
mod secrets;
mod sqs;
mod store;
mod sts;

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

use connector::Connector;
use dynamodb::DynamoDb;
use events::Events;
use s3::S3;
use secrets::Secrets;
use sqs::Sqs;
use sts::Sts;

pub use calls::Calls;
pub use events::{RecordedEvent, Unreadable};

/// Wall clock of the engines; SQS visibility, deduplication windows, DynamoDB's time to live go by it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The account that owns every embedded resource.
const ACCOUNT: &str = "000000000000";

/// The embedded services over one directory. Clones share everything.
///
/// The directory is released when the last clone, and the last client made from [`Cloud::http_client`], is gone.
#[derive(Clone)]
pub struct Cloud {
    engines: Arc<Engines>,
}

struct Engines {
    dynamodb: DynamoDb,
    events: Events,
    s3: S3,
    secrets: Secrets,
    sqs: Sqs,
    sts: Sts,
    /// Declared last, dropped last: nobody else opens files that an engine still writes.
    _lock: File,
}

/// Why a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another [`Cloud`] of this one, is working on it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// The directory, the lock or a blob could not be read or made.
    #[error("open {path}")]
    Files {
        /// What was to be opened.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// SQLite refuses a file.
    #[error("open the database {path}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The DynamoDB engine refuses its file.
    #[error("open the table store {path}: {reason}")]
    Tables {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
}

impl Cloud {
    /// The access key id of the one credential that the engines accept.
    pub const ACCESS_KEY_ID: &'static str = "AKIAGREFFELOCALCLOUD";
    /// Its secret. S3 verifies signatures made with it; it opens nothing outside this process.
    pub const SECRET_ACCESS_KEY: &'static str = "greffe-local-cloud-opens-nothing-outside";
    /// The region the engines play.
    pub const REGION: &'static str = "eu-west-3";

    /// The one principal that calls the engines: the subject of its identity tokens.
    pub const PRINCIPAL: &'static str = "arn:aws:iam::000000000000:role/greffe";

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

    /// The same one request at a time, for whoever takes requests from elsewhere. Buckets may be named in the path.
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

/// Milliseconds since 1970, as every engine stores time.
fn millis(clock: &Clock) -> i64 {
    let since = clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Names the file in what SQLite says on opening it.
fn unopened(path: &Path) -> impl FnOnce(rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Database { path, source }
}
