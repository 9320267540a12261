//! Where an archive is that is worked at from outside: a folder of this machine, or AWS by the environment.

use std::path::PathBuf;

use shared::{
    app::App,
    base::{
        clock::Clock,
        config::{Config, ConfigError},
        http::{HttpClientError, http_client},
        random::Random,
    },
};

use crate::{
    machine::{Machine, MachineError},
    provision,
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
                Self::over(&machine, (provision::TABLE, provision::BUCKET), clock)
            }
            Self::Aws { table, bucket } => Self::over(&Machine::of_environment().await?, (table, bucket), clock),
        }
    }

    /// The archive as `machine` reaches it. It queues no job, searches nothing and posts nothing.
    ///
    /// Errors: there is no HTTP client.
    pub fn over(machine: &Machine, (table, bucket): (&str, &str), clock: Clock) -> Result<App, PlaceError> {
        let config = Config::from_lookup(|name| match name {
            "GREFFE_TABLE" => Some(table.to_owned()),
            "GREFFE_BUCKET" => Some(bucket.to_owned()),
            "GREFFE_EVENT_BUS" | "GREFFE_INDEX_BUCKET" => Some("none".to_owned()),
            name if name.ends_with("_QUEUE_URL") => Some("https://queue.invalid".to_owned()),
            "GREFFE_PUBLIC_URL" => Some("https://greffe.invalid".to_owned()),
            _ => None,
        })?;
        Ok(App::new(config, &machine.aws, http_client()?, clock, Random::system()))
    }
}
