//! Figures, measured side by side with what they are compared with. AWS and Microsoft 365 are played by a process of their own,
//! so that what this one uses is greffe's; each group of rows has a process of its own too.

mod cost;
mod mail;
mod meter;
mod notices;
mod other_side;
mod process;
mod push;
mod start;

use std::{fmt, path::Path};

use shared::{
    aws::{secrets::SecretError, table::TableError},
    base::http::HttpClientError,
    graph::TokenError,
};

use crate::{client::ClientError, host::HostError, machine::MachineError};

pub use cost::Month;
pub use notices::Notices;
pub use other_side::run as other_side;
pub use push::Contacts;
pub use start::Starts;

/// A group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// One mailbox's backlog, against Graph's limits and a raw pump.
    Mailbox,
    /// The largest mails.
    Memory,
    /// Many mailboxes against few.
    Mailboxes,
    /// A flood of notices.
    Notices,
    /// What mail costs at AWS.
    Cost,
    /// The built functions: how soon they work, and what they weigh.
    Start,
    /// Contacts for members, against Graph's limits.
    Push,
}

impl Group {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 7] =
        [Self::Mailbox, Self::Memory, Self::Mailboxes, Self::Notices, Self::Cost, Self::Start, Self::Push];
}

/// How much is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Scale {
    /// Mails of the one mailbox.
    #[arg(long, default_value_t = 1_000)]
    pub mails: u64,
    /// Mailboxes, where there are many.
    #[arg(long, default_value_t = 200)]
    pub mailboxes: usize,
    /// Mails of each of those.
    #[arg(long, default_value_t = 20)]
    pub each: u64,
    /// Notices.
    #[command(flatten)]
    pub notices: Notices,
    /// The month that is priced.
    #[command(flatten)]
    pub month: Month,
    /// Starts.
    #[command(flatten)]
    pub starts: Starts,
    /// What is pushed.
    #[command(flatten)]
    pub contacts: Contacts,
}

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    what: String,
    figure: String,
    target: &'static str,
}

impl Row {
    fn new(what: impl Into<String>, figure: impl Into<String>, target: &'static str) -> Self {
        Self { what: what.into(), figure: figure.into(), target }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} | {} | {} |", self.what, self.figure, self.target)
    }
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Greffe's own API.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Greffe did not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No AWS.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The engines.
    #[error(transparent)]
    Engines(#[from] aws::OpenError),
    /// The simulated tenant.
    #[error("the simulated Microsoft 365: {0}")]
    World(#[from] microsoft365::Error),
    /// A process or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What the two processes tell each other.
    #[error("the two processes do not understand each other")]
    Json(#[from] serde_json::Error),
    /// No HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The pump's own reading.
    #[error("read an original")]
    Read(#[from] reqwest::Error),
    /// The pump's own writing.
    #[error("store an original")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The other side ended, or told something else than it was asked.
    #[error("the other side does not answer")]
    Silent,
    /// A function that was started.
    #[error("{program} did not answer; it told: {told}")]
    Program {
        /// Which.
        program: String,
        /// What it told.
        told: String,
    },
    /// Mails are missing.
    #[error("not all mails were archived in time")]
    Stuck,
}

/// Measures one group, with everything below `data`.
pub async fn measure(group: Group, scale: Scale, data: &Path) -> Result<Vec<Row>, BenchError> {
    match group {
        Group::Mailbox => mail::one_mailbox(data, scale.mails).await,
        Group::Memory => mail::large(data).await,
        Group::Mailboxes => mail::many_mailboxes(data, scale.mailboxes, scale.each).await,
        Group::Notices => notices::flood(data, scale.mailboxes, scale.each, &scale.notices).await,
        Group::Cost => cost::mail(data, scale.mails, scale.mailboxes, &scale.month).await,
        Group::Push => push::contacts(data, &scale.contacts).await,
        Group::Start => start::functions(data, &scale.starts).await,
    }
}
