//! A simulated Microsoft 365 tenant: Entra's sign-in and Microsoft Graph for mail, as Microsoft documents them and
//! never kinder.
//!
//! [`Microsoft365`] is a world of tenants. Its [`Microsoft365::router`] answers what `login.microsoftonline.com` and
//! `graph.microsoft.com` answer; its other functions are what people, administrators and the internet do to mailboxes,
//! and what a test needs to judge a client. Time comes from an injected clock, state lies in one SQLite file, and what
//! goes wrong is scripted in [`Faults`].
//!
//! Of calendar, To Do and contacts it has what keeping items of one's own in them needs.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use uuid::Uuid;

mod admin;
mod directory;
mod entra;
mod error;
mod faults;
mod graph;
mod items;
mod mailbox;
mod message;
mod mime;
mod notify;
mod person;
mod store;
mod throttle;
mod time;
mod traffic;

pub use directory::{App, Audience, Certificate, DirectoryRole, Federated, GroupMembershipClaims, Secret, Tenant};
pub use error::{Error, Result};
pub use faults::{ConsentFault, Faults, NoticeFault, RetryAfter, Scripted, Times, ValueFault};
pub use mailbox::Language;
pub use message::MessageRef;
pub use mime::{Mail, Mime};
pub use notify::Lifecycle;
pub use person::Held;
pub use traffic::Requests;

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
pub struct Microsoft365(Arc<World>);

pub(crate) struct World {
    store: store::Store,
    clock: Clock,
    ids: Ids,
    origin: String,
    graph: String,
    routes: Vec<(String, String)>,
    handshake_timeout: Duration,
    faults: Faults,
    throttle: throttle::Throttle,
    traffic: traffic::Traffic,
    http: reqwest::Client,
    signing_keys: Mutex<Option<Arc<entra::keys::SigningKeys>>>,
    changed: Notify,
    delivering: tokio::sync::Mutex<()>,
}

impl World {
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
}

impl Microsoft365 {
    /// Opens the world that lies in the options' directory, or a new one.
    pub fn open(options: Options) -> Result<Self> {
        Ok(Self(Arc::new(World {
            store: store::Store::open(options.dir.as_deref())?,
            clock: options.clock,
            ids: options.ids,
            origin: options.origin.trim_end_matches('/').to_owned(),
            graph: options.graph,
            routes: options.routes,
            handshake_timeout: options.handshake_timeout,
            faults: Faults::default(),
            throttle: throttle::Throttle::default(),
            traffic: traffic::Traffic::open(options.traffic.as_deref())?,
            http: notify::client()?,
            signing_keys: Mutex::default(),
            changed: Notify::new(),
            delivering: tokio::sync::Mutex::default(),
        })))
    }

    /// Everything that Microsoft's two hosts answer, on one origin; and `/admin`, where a person makes things happen.
    pub fn router(&self) -> Router {
        let graph = graph::router(Arc::clone(&self.0));
        entra::router(Arc::clone(&self.0)).merge(admin::router(Arc::clone(&self.0))).merge(graph)
    }

    /// Answers on a listener and delivers change notifications, until the task is dropped.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let router = self.router();
        tokio::select! {
            ended = async { axum::serve(listener, router).await } => ended,
            () = self.deliver_for_ever() => Ok(()),
        }
    }

    /// The tenant with this verified domain, made now if it is new.
    pub fn tenant(&self, name: &str, domain: &str) -> Result<Tenant> {
        Ok(Tenant { id: self.0.tenant_id(name, domain)?, world: self.clone() })
    }

    /// Where personal accounts are: everybody's own, with no administrator and no other mailboxes.
    pub fn personal_accounts(&self) -> Result<Tenant> {
        self.tenant("Personal accounts", "outlook.com")
    }

    /// Registers an app, or replaces its registration.
    pub fn register_app(&self, app: App) -> Result<()> {
        self.0.register(&app)
    }

    /// Signs id tokens with a new key from now on; the one before it stays published.
    pub fn rotate_signing_key(&self) -> Result<()> {
        self.0.rotate_signing_key()
    }

    /// An app registration as it is now.
    pub fn app(&self, client_id: &str) -> Result<App> {
        self.0.store.read(|db| directory::app(db, client_id))?.ok_or_else(|| Error::unknown("app", client_id))
    }

    /// What goes wrong on demand.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// How many requests came so far, since the world was opened.
    pub fn requests(&self) -> Requests {
        self.0.traffic.counts()
    }

    pub(crate) fn store(&self) -> &store::Store {
        &self.0.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }
}
