//! What every engine shares: its clock, whose resources it holds and where, and how it opens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall clock of the engines; SQS visibility, deduplication windows, DynamoDB's time to live go by it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The account that owns every embedded resource.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The access key id of the one credential that the engines accept.
pub(crate) const ACCESS_KEY_ID: &str = "AKIAGREFFELOCALCLOUD";
/// Its secret. S3 verifies signatures made with it; it opens nothing outside this process.
pub(crate) const SECRET_ACCESS_KEY: &str = "greffe-local-cloud-opens-nothing-outside";
/// The region the engines play.
pub(crate) const REGION: &str = "eu-west-3";
/// The one principal that calls the engines: the subject of its identity tokens.
pub(crate) const PRINCIPAL: &str = "arn:aws:iam::000000000000:role/greffe";

/// Why a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another [`Cloud`](crate::Cloud) of this one, is working on it.
    #[error("{0} is in use by another process: end that one first")]
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

/// Milliseconds since 1970, as every engine stores time.
pub(crate) fn millis(clock: &Clock) -> i64 {
    let since = clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Names the file in what SQLite says on opening it.
pub(crate) fn unopened(path: &Path) -> impl FnOnce(rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Database { path, source }
}
