//! What can go wrong for whoever drives the simulator; what Microsoft answers to a client is in `graph` and `entra`.

/// A failure of the simulator itself, or a wrong call of its world-changing functions.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state file could not be read or written.
    #[error("use the tenant's state file")]
    Store(#[from] rusqlite::Error),
    /// A MIME body or the traffic log could not be read or written.
    #[error("use the tenant's directory")]
    Io(#[from] std::io::Error),
    /// The HTTP client that posts notices could not be built.
    #[error("build the HTTP client that posts change notifications")]
    Http(#[from] reqwest::Error),
    /// No TLS configuration could be made from the built-in parameters.
    #[error("configure TLS for change notifications")]
    Tls(#[from] rustls::Error),
    /// The signing key could not be made or used.
    #[error("sign an id_token: {0}")]
    Key(String),
    /// A name that the caller gave stands for nothing.
    #[error("there is no {what} {name}")]
    Unknown {
        /// The kind of thing: mailbox, folder, message, tenant, app.
        what: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A stored value does not have the form that this version writes.
    #[error("read a stored {0}")]
    Damaged(&'static str, #[source] serde_json::Error),
}

impl Error {
    pub(crate) fn unknown(what: &'static str, name: impl Into<String>) -> Self {
        Self::Unknown { what, name: name.into() }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
