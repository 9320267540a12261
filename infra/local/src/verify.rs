//! `greffe verify`: checks the archive on this machine against its logs.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use shared::{
    aws::{
        link::Links,
        secrets::{EVIDENCE_KEY, SecretError, Secrets},
        table::Table,
    },
    base::{clock::Clock, random::Random},
    evidence::{
        report::Report,
        stamp::StampRoots,
        store::LogStore,
        verify::{Verifier, VerifyError, VerifyProgress},
    },
};

use crate::{
    machine::{Machine, MachineError},
    provision,
};

/// How often the progress of a verification is printed.
const TELL_PAUSE: Duration = Duration::from_secs(2);

/// What could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyHereError {
    /// The folder has no archive.
    #[error("there is no archive in {0}")]
    NoArchive(PathBuf),
    /// The file of roots can't be read.
    #[error("read the roots in {0}")]
    Roots(PathBuf, #[source] std::io::Error),
    /// The file of roots has none.
    #[error("there is no certificate in PEM in {0}")]
    NoRoots(PathBuf),
    /// No AWS.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The key can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It could not be ended.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Verifies the archive in `data`, every byte of it where `reads` says so. `roots`: a file of certificates in PEM, to
/// one of which the certificate of each time stamp has to lead. `tell` gets the progress.
pub async fn verify(
    data: &Path,
    reads: bool,
    roots: Option<&Path>,
    tell: impl Fn(&str) + Sync,
) -> Result<Report, VerifyHereError> {
    let roots = match roots {
        None => StampRoots::default(),
        Some(path) => {
            let pem = std::fs::read(path).map_err(|source| VerifyHereError::Roots(path.to_owned(), source))?;
            StampRoots::from_pem(&pem).map_err(|_| VerifyHereError::NoRoots(path.to_owned()))?
        }
    };
    let (dir, clock) = (data.join("aws"), Clock::system());
    if std::env::var_os("AWS_ENDPOINT_URL").is_none_or(|url| url.is_empty()) && !dir.is_dir() {
        return Err(VerifyHereError::NoArchive(data.to_owned()));
    }
    let Machine { aws, .. } = Machine::open(&dir, clock.clone()).await?;
    let random = Random::system();
    let secrets = Secrets::new(aws_sdk_secretsmanager::Client::new(&aws), clock.clone(), random.clone());
    let key: SecretString = secrets.read(EVIDENCE_KEY).await?;
    let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), provision::TABLE.to_owned(), clock, random);
    let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(aws.endpoint_url().is_some()).build();
    let bucket = provision::BUCKET.to_owned();
    let links = Links::new(aws.clone(), bucket.clone());
    let store = LogStore::new(aws_sdk_s3::Client::from_conf(s3), links, bucket);
    let (began, told) = (Instant::now(), Mutex::new(Instant::now()));
    let tell = |progress: VerifyProgress| {
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.elapsed() >= TELL_PAUSE {
            *told = Instant::now();
            tell(&line(progress, began.elapsed()));
        }
    };
    Ok(Verifier { table: &table, store: &store, key: &key, reads, roots: &roots, tell: &tell }.verify().await?)
}

/// How far it is, how fast, and when it ends.
fn line(VerifyProgress { done, of, bytes }: VerifyProgress, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(0.001);
    let rate = done as f64 / seconds;
    let left = of.saturating_sub(done) as f64 / rate.max(0.001);
    let read = if bytes > 0 { format!(", {:.0} MB/s", bytes as f64 / 1e6 / seconds) } else { String::new() };
    format!("{done} of {of} entries, {rate:.0} a second{read}, {left:.0} seconds left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_a_rate_and_an_end_in_sight() {
        let progress = VerifyProgress { done: 500, of: 2_000, bytes: 0 };
        assert_eq!(line(progress, Duration::from_secs(5)), "500 of 2000 entries, 100 a second, 15 seconds left");
        let progress = VerifyProgress { bytes: 1_000_000_000, ..progress };
        let told = "500 of 2000 entries, 100 a second, 200 MB/s, 15 seconds left";
        assert_eq!(line(progress, Duration::from_secs(5)), told);
    }
}
