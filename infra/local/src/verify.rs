//! `greffe verify` and `greffe resume`: an archive checked against its logs, and logs that go on after a restore.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use shared::{
    aws::{
        secrets::{EVIDENCE_KEY, SecretError},
        table::TableError,
    },
    base::id::FirmId,
    evidence::{
        report::Report,
        resume::{ResumeError, Resumed},
        stamp::StampRoots,
        verify::{Verifier, VerifyError, VerifyProgress},
    },
};

use crate::place::{Place, PlaceError};

/// How often the progress of a verification is printed.
const TELL_PAUSE: Duration = Duration::from_secs(2);

/// What could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyHereError {
    /// There is no archive.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The file of roots can't be read.
    #[error("read the roots in {0}")]
    Roots(PathBuf, #[source] std::io::Error),
    /// The file of roots has none.
    #[error("there is no certificate in PEM in {0}")]
    NoRoots(PathBuf),
    /// The key can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It could not be ended.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The firms can't be listed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A log can't go on.
    #[error("resume the log of firm {0}")]
    Resume(FirmId, #[source] ResumeError),
}

/// Verifies an archive, every byte of it where `reads` says so. `roots`: a file of certificates in PEM, to one of which
/// the certificate of each time stamp has to lead. `lock_days`: for how long Object Lock has to keep an original, if
/// the operator chose that. `tell` gets the progress.
pub async fn verify(
    place: &Place,
    (reads, lock_days): (bool, Option<u64>),
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
    let app = place.open().await?;
    let key = app.secrets.read(EVIDENCE_KEY).await?;
    let (began, told) = (Instant::now(), Mutex::new(Instant::now()));
    let tell = |progress: VerifyProgress| {
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.elapsed() >= TELL_PAUSE {
            *told = Instant::now();
            tell(&line(progress, began.elapsed()));
        }
    };
    let (table, store, now) = (&app.table, &app.logs, app.clock.now());
    let (key, roots, tell) = (&key, &roots, &tell);
    Ok(Verifier { table, store, key, reads, share: None, roots, lock_days, now, tell }.verify().await?)
}

/// Has the feeds of all firms go on behind their logs, after the table was restored: what was done for each.
///
/// Errors: the table lost something that no log has, or gave a number out again.
pub async fn resume(place: &Place) -> Result<Vec<(FirmId, Resumed)>, VerifyHereError> {
    let app = place.open().await?;
    let mut done = Vec::new();
    for firm in app.table.due_logs(Timestamp::MAX).await? {
        let resumed = app.appender().resume(firm, app.clock.now()).await;
        done.push((firm, resumed.map_err(|source| VerifyHereError::Resume(firm, source))?));
    }
    Ok(done)
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
