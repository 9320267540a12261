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

/// Verifies the archive in `data`, every byte of it where `reads` says so. `tell` gets the progress.
pub async fn verify(data: &Path, reads: bool, tell: impl Fn(&str) + Sync) -> Result<Report, VerifyHereError> {
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
    Ok(Verifier { table: &table, store: &store, key: &key, reads, tell: &tell }.verify().await?)
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
