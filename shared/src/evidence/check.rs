//! The check by the schedule: a share of each firm's archive a day, all of it within four weeks.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, Write},
    base::{clock::Clock, id::FirmId, random::Random},
    evidence::{
        log_store::LogStore,
        report::EvidenceFinding,
        stamp::StampRoots,
        verify::{ArchiveShare, Verifier, VerifyError},
    },
    firm::{
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
};

/// How many shares an archive has.
const SHARES: u64 = 28;
/// The pause between two shares: less than a day, so that a late one moves none of the next out of its day.
const PAUSE: Duration = Duration::from_secs(23 * 3600);

/// How far the check of a firm's archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveCheck {
    /// The share that is next; it counts on.
    pub part: u64,
    /// When it is due.
    pub next_at: Timestamp,
    /// When the last one was checked.
    pub checked_at: Timestamp,
    /// The originals that were looked at then.
    pub originals: u64,
    /// How many things were not as they were written.
    pub findings: u64,
}

/// A check that could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It could not be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The result could not be told.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// What checks.
#[derive(Debug, Clone, Copy)]
pub struct Checker<'a> {
    /// The index.
    pub table: &'a Table,
    /// The facts.
    pub feed: &'a Feed,
    /// The bucket.
    pub store: &'a LogStore,
    /// The secret that the keys of the logs come from.
    pub key: &'a SecretString,
    /// For how many days Object Lock has to keep an original, if the operator chose that.
    pub lock_days: Option<u64>,
    /// The clock.
    pub clock: &'a Clock,
    /// Where ids come from.
    pub random: &'a Random,
}

impl Checker<'_> {
    /// Checks the next share of a firm's archive, if it is due, and tells what came of it; what it found, if it was.
    ///
    /// What is found is looked for once more: a mail that comes while it is checked is no finding.
    ///
    /// Errors: S3 or the table refuses or does not answer; what is not as it was written is no error.
    pub async fn check(&self, firm: FirmId) -> Result<Option<Vec<EvidenceFinding>>, CheckError> {
        let now = self.clock.now();
        let last = self.table.get::<ArchiveCheck>(&Key::archive_check(firm)).await.map_err(FeedError::from)?;
        if last.as_ref().is_some_and(|last| last.value.next_at > now) {
            return Ok(None);
        }
        let part = last.as_ref().map_or(0, |last| last.value.part);
        let share = Some(ArchiveShare { part: part % SHARES, of: SHARES });
        let (table, store, key, lock_days) = (self.table, self.store, self.key, self.lock_days);
        let (roots, tell) = (&StampRoots::default(), &|_| {});
        let verifier = Verifier { table, store, key, reads: false, share, roots, lock_days, now, tell };
        let mut report = verifier.verify_firm(firm).await?;
        if !report.findings.is_empty() {
            let again: BTreeSet<EvidenceFinding> = verifier.verify_firm(firm).await?.findings.into_iter().collect();
            report.findings.retain(|finding| again.contains(finding));
        }
        let (originals, findings) = (report.originals, report.findings.len() as u64);
        let check = ArchiveCheck { part: part + 1, next_at: now + PAUSE, checked_at: now, originals, findings };
        let write = match last {
            Some(row) => Write::replace(&row.with(check)),
            None => Write::insert(Key::archive_check(firm), &check),
        };
        let id = format!("checked-{}", self.random.uuid());
        let fact = Fact { id, at: now, what: FactEvent::ArchiveChecked { originals, findings } };
        self.feed.tell_with(firm, vec![write], fact).await?;
        Ok(Some(report.findings))
    }
}
