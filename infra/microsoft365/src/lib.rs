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
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

mod admin;
mod directory;
mod entra;
mod error;
mod faults;
mod graph;
mod items;
mod keys;
mod mailbox;
mod message;
mod mime;
mod notify;
mod outlook;
mod person;
mod store;
mod throttle;
mod time;
mod traffic;
mod words;
mod world;

pub use directory::{App, Audience, Certificate, DirectoryRole, Federated, GroupMembershipClaims, Secret, Tenant};
pub use error::{Error, Result};
pub use faults::{ConsentFault, Faults, NoticeFault, RetryAfter, Scripted, Times, ValueFault};
pub use mailbox::Language;
pub use message::MessageRef;
pub use mime::{Mail, Mime};
pub use notify::Lifecycle;
pub use person::Held;
pub use traffic::Requests;
use world::World;
pub use world::{Clock, Ids, Microsoft365, Options};

impl Microsoft365 {
    /// Opens the world that lies in the options' directory, or a new one.
    pub fn open(options: Options) -> Result<Self> {
        Ok(Self(Arc::new(World::open(options)?)))
    }

    /// The address under which its pages and Graph are served.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Everything that Microsoft's two hosts answer, on one origin; and `/admin`, where a person makes things happen.
    pub fn router(&self) -> Router {
        let graph = graph::router(Arc::clone(&self.0));
        let people = admin::router(Arc::clone(&self.0)).merge(outlook::router(Arc::clone(&self.0)));
        entra::router(Arc::clone(&self.0)).merge(people).merge(graph)
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

    /// Waits until at least `times` Graph requests of one kind (a name in [`Requests::by_kind`]) came, since the world
    /// was opened.
    pub async fn reached(&self, kind: &str, times: u64) {
        self.0.traffic.reached(kind, times).await;
    }
}
