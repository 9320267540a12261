//! A figure, and why it could not be measured.

use std::fmt;

use shared::{
    aws::{secrets::SecretError, table::TableError},
    base::http::HttpClientError,
    evidence::{appender::AppendError, inclusion_proof::ProofError, verify::VerifyError},
    firm::feed::FeedError,
    graph::TokenError,
    search::{find::SearchError, index_error::IndexError, indexer::IndexingError},
};

use local::{client::ClientError, host::HostError, machine::MachineError};

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    what: String,
    figure: String,
    target: &'static str,
}

impl Row {
    pub(super) fn new(what: impl Into<String>, figure: impl Into<String>, target: &'static str) -> Self {
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
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// An index that could not be made.
    #[error(transparent)]
    Indexing(#[from] IndexingError),
    /// An index that could not be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A log that could not be appended to.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An archive that could not be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
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
