//! The one world that every part of the simulator works on: its state, its clock, what goes wrong in it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::error::Result;
use crate::faults::Faults;
use crate::keys::SigningKeys;
use crate::store::Store;
use crate::throttle::Throttle;
use crate::traffic::Traffic;

/// Where the simulator takes its time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the simulator takes its ids, codes and tokens from.
pub type Ids = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// How a world is opened.
#[derive(Clone)]
pub struct Options {
    /// Directory of the state file and the MIME bodies; without one the world lives in memory.
    pub dir: Option<PathBuf>,
    /// The one source of time, bounded waits for sockets excepted.
    pub clock: Clock,
    /// The one source of what is new and unique.
    pub ids: Ids,
    /// File to which Graph traffic is appended, a JSON object per line.
    pub traffic: Option<PathBuf>,
    /// Scheme, host and port under which the router is reached, both as sign-in service and as Graph, without a final
    /// `/`.
    pub origin: String,
    /// What scopes call Graph: `https://graph.microsoft.com`, or a national cloud's own host. The origin stands for it
    /// as well.
    pub graph: String,
    /// Where public `https` origins really listen, such as `("https://greffe.example", "http://127.0.0.1:9000")`.
    /// Graph posts to `https` only; an `https` URL of a loopback host is spoken to in plain HTTP without being listed.
    pub routes: Vec<(String, String)>,
    /// How long an endpoint may take for the validation handshake; Graph gives it 10 seconds.
    pub handshake_timeout: Duration,
}

impl Options {
    /// A world in memory on the system clock.
    pub fn new(origin: impl Into<String>) -> Self {
        Self {
            dir: None,
            clock: Arc::new(Timestamp::now),
            ids: Arc::new(Uuid::new_v4),
            traffic: None,
            origin: origin.into(),
            graph: "https://graph.microsoft.com".to_owned(),
            routes: Vec::new(),
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// A simulated world of Microsoft 365 tenants; a handle that may be cloned.
#[derive(Clone)]
pub struct Microsoft365(pub(crate) Arc<World>);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) origin: String,
    pub(crate) graph: String,
    pub(crate) routes: Vec<(String, String)>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) faults: Faults,
    pub(crate) throttle: Throttle,
    pub(crate) traffic: Traffic,
    pub(crate) http: reqwest::Client,
    signing_keys: Mutex<Option<Arc<SigningKeys>>>,
    pub(crate) changed: Notify,
    pub(crate) delivering: tokio::sync::Mutex<()>,
}

impl World {
    pub(crate) fn open(options: Options) -> Result<Self> {
        Ok(Self {
            store: Store::open(options.dir.as_deref())?,
            clock: options.clock,
            ids: options.ids,
            origin: options.origin.trim_end_matches('/').to_owned(),
            graph: options.graph,
            routes: options.routes,
            handshake_timeout: options.handshake_timeout,
            faults: Faults::default(),
            throttle: Throttle::default(),
            traffic: Traffic::open(options.traffic.as_deref())?,
            http: client()?,
            signing_keys: Mutex::default(),
            changed: Notify::new(),
            delivering: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A new id.
    pub(crate) fn uuid(&self) -> Uuid {
        (self.ids)()
    }

    /// Tells the deliverer that notices may be due.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// The signing keys; the first is made at the first use.
    pub(crate) fn signing_keys(&self) -> Result<Arc<SigningKeys>> {
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*keys {
            return Ok(Arc::clone(keys));
        }
        let read = Arc::new(SigningKeys::open(&self.store)?);
        *keys = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Signs with a new key from now on.
    pub(crate) fn rotate_signing_key(&self) -> Result<()> {
        SigningKeys::rotate(&self.store)?;
        *self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

impl Microsoft365 {
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The client that posts to subscribers. It follows no redirect and uses no proxy, as Graph does not.
fn client() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?)
}
