//! Where an archive is that is worked at from outside: a folder of this machine, or AWS by the environment.

use std::path::PathBuf;

use shared::{
    app::App,
    aws::secrets::{EVIDENCE_KEY, SecretError},
    base::{
        clock::Clock,
        config::{Config, ConfigError},
        http::{HttpClientError, http_client},
        random::Random,
    },
};

use crate::{
    folder::{self, FolderError},
    machine::{Machine, MachineError},
    provision::{self, ProvisionError},
};

/// Where an archive is.
#[derive(Debug, Clone)]
pub enum Place {
    /// Below this folder: `--data` of `demo` or `serve`.
    Here(PathBuf),
    /// At AWS, with the credentials and the region of the environment.
    Aws {
        /// The name of the table.
        table: String,
        /// The name of the bucket.
        bucket: String,
        /// The name of the bucket of indexes, for a search of words.
        index_bucket: Option<String>,
    },
}

/// An archive that can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The folder has no archive.
    #[error("there is no archive in {0}")]
    NoArchive(PathBuf),
    /// No AWS.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A name is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
    /// The folder can't be prepared.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A resource can't be made.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A secret can't be made.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Place {
    /// The archive there, as functions see it.
    ///
    /// Errors: there is none, or no AWS.
    pub async fn open(&self) -> Result<App, PlaceError> {
        let clock = Clock::system();
        match self {
            Self::Here(data) => {
                let dir = data.join("aws");
                if std::env::var_os("AWS_ENDPOINT_URL").is_none_or(|url| url.is_empty()) && !dir.is_dir() {
                    return Err(PlaceError::NoArchive(data.clone()));
                }
                let machine = Machine::open(&dir, clock.clone()).await?;
                over(&machine, HERE, clock)
            }
            Self::Aws { table, bucket, index_bucket } => {
                let names = [table, bucket, index_bucket.as_deref().unwrap_or("none")];
                over(&Machine::of_environment().await?, names, clock)
            }
        }
    }

    /// Opens the place, and makes it if there is none: only on this machine.
    ///
    /// Errors: as [`Place::open`]; something can't be made.
    pub async fn found(&self) -> Result<App, PlaceError> {
        let Self::Here(data) = self else { return self.open().await };
        folder::prepare(data)?;
        let clock = Clock::system();
        let machine = Machine::open(&data.join("aws"), clock.clone()).await?;
        provision::provision(&machine.aws).await?;
        let app = over(&machine, HERE, clock)?;
        app.secrets.seed(EVIDENCE_KEY, &app.random.token().into()).await?;
        Ok(app)
    }
}

/// Table and buckets on this machine.
const HERE: [&str; 3] = [provision::TABLE, provision::BUCKET, provision::INDEX_BUCKET];

/// The archive as `machine` reaches it. It queues no job and posts nothing.
///
/// Errors: there is no HTTP client.
pub fn over(machine: &Machine, names: [&str; 3], clock: Clock) -> Result<App, PlaceError> {
    let [table, bucket, index_bucket] = names.map(str::to_owned);
    let config = Config::from_lookup(|name| match name {
        "GREFFE_TABLE" => Some(table.clone()),
        "GREFFE_BUCKET" => Some(bucket.clone()),
        "GREFFE_INDEX_BUCKET" => Some(index_bucket.clone()),
        "GREFFE_EVENT_BUS" => Some("none".to_owned()),
        name if name.ends_with("_QUEUE_URL") => Some("https://queue.invalid".to_owned()),
        "GREFFE_PUBLIC_URL" => Some("https://greffe.invalid".to_owned()),
        _ => None,
    })?;
    Ok(App::new(config, &machine.aws, http_client()?, clock, Random::system()))
}
