//! Lifecycle rules: what expires on a date, and how long versions stay that are no longer current.
//!
//! S3 carries them out at midnight UTC, or some time after that; here the first call of a day does, by the clock. In a
//! bucket with versions a delete marker hides what expires, whatever Object Lock keeps; a version that is no longer
//! current is deleted unless Object Lock keeps it.
//!
//! `AbortIncompleteMultipartUpload` is kept and read back, and not carried out.
//!
//! Not played: `Days`, transitions, filters other than a prefix, `NewerNoncurrentVersions`.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{OptionalExtension, Transaction, params};
use s3s::dto::*;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::blob::Piece;
use super::object::{Refusal, check_bucket, timestamp, to_json};
use super::versions;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS lifecycle (
        bucket TEXT PRIMARY KEY,
        rules TEXT NOT NULL
    );";

const DAY_MS: u64 = 86_400_000;
/// The most rules of a bucket.
const RULES_MAX: usize = 1000;

/// A rule as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rule {
    id: Option<String>,
    prefix: String,
    is_enabled: bool,
    expires_ms: Option<u64>,
    removes_lone_markers: bool,
    noncurrent_days: Option<u64>,
    #[serde(default)]
    abort_days: Option<i32>,
}

/// The day on which the rules were last carried out.
#[derive(Debug, Default)]
pub(super) struct LastDay(AtomicU64);

impl LastDay {
    /// Whether another day has come since.
    pub(super) fn has_passed(&self, now_ms: u64) -> bool {
        self.0.fetch_max(now_ms / DAY_MS, Ordering::SeqCst) < now_ms / DAY_MS
    }

    /// The rules are carried out again at the next call.
    pub(super) fn forget(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

impl Rule {
    fn read(rule: LifecycleRule) -> S3Result<Self> {
        let is_other = rule.noncurrent_version_transitions.is_some() || rule.transitions.is_some();
        let filter = rule.filter.unwrap_or_default();
        if is_other || filter.and.is_some() || filter.tag.is_some() {
            return Err(s3_error!(NotImplemented, "Only expiration by prefix is embedded"));
        }
        let expiration = rule.expiration.unwrap_or_default();
        if expiration.days.is_some() {
            return Err(s3_error!(NotImplemented, "Expiration is embedded by date only"));
        }
        let expires_ms = expiration.date.as_ref().map(millis).transpose()?;
        if expires_ms.is_some_and(|at| !at.is_multiple_of(DAY_MS)) {
            return Err(s3_error!(InvalidArgument, "'Date' must be at midnight GMT"));
        }
        let removes_lone_markers = expiration.expired_object_delete_marker.unwrap_or_default();
        let noncurrent = rule.noncurrent_version_expiration.and_then(|noncurrent| noncurrent.noncurrent_days);
        let noncurrent_days = noncurrent.and_then(|days| u64::try_from(days).ok());
        let abort_days = rule.abort_incomplete_multipart_upload.and_then(|abort| abort.days_after_initiation);
        if (expires_ms.is_some() && removes_lone_markers)
            || (expires_ms.is_none() && noncurrent_days.is_none() && abort_days.is_none() && !removes_lone_markers)
        {
            return Err(s3_error!(MalformedXML));
        }
        let is_enabled = rule.status.as_str() == ExpirationStatus::ENABLED;
        let prefix = filter.prefix.or(rule.prefix).unwrap_or_default();
        Ok(Self { id: rule.id, prefix, is_enabled, expires_ms, removes_lone_markers, noncurrent_days, abort_days })
    }

    fn show(self) -> LifecycleRule {
        let expiration = LifecycleExpiration {
            date: self.expires_ms.map(timestamp),
            expired_object_delete_marker: self.removes_lone_markers.then_some(true),
            ..LifecycleExpiration::default()
        };
        let has_expiration = expiration.date.is_some() || expiration.expired_object_delete_marker.is_some();
        let noncurrent_days = self.noncurrent_days.and_then(|days| i32::try_from(days).ok());
        let status = if self.is_enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED };
        LifecycleRule {
            abort_incomplete_multipart_upload: self
                .abort_days
                .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
            expiration: has_expiration.then_some(expiration),
            filter: Some(LifecycleRuleFilter { prefix: Some(self.prefix), ..LifecycleRuleFilter::default() }),
            id: self.id,
            noncurrent_version_expiration: noncurrent_days.map(|days| NoncurrentVersionExpiration {
                noncurrent_days: Some(days),
                ..NoncurrentVersionExpiration::default()
            }),
            noncurrent_version_transitions: None,
            prefix: None,
            status: ExpirationStatus::from_static(status),
            transitions: None,
        }
    }
}

fn millis(date: &Timestamp) -> S3Result<u64> {
    let mut text = Vec::new();
    let written = date.format(TimestampFormat::EpochSeconds, &mut text);
    written.map_err(|source| S3Error::internal_error(std::io::Error::other(source.to_string())))?;
    let seconds = std::str::from_utf8(&text).ok().and_then(|text| text.split('.').next()?.parse::<u64>().ok());
    seconds.map(|seconds| seconds * 1000).ok_or_else(|| s3_error!(MalformedXML))
}

/// Replaces the rules of a bucket.
pub(super) fn put(transaction: &Transaction, bucket: &str, rules: Vec<LifecycleRule>) -> Result<(), Refusal> {
    check_bucket(transaction, bucket)?;
    let rules = rules.into_iter().map(Rule::read).collect::<S3Result<Vec<Rule>>>()?;
    let ids: HashSet<&String> = rules.iter().filter_map(|rule| rule.id.as_ref()).collect();
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(s3_error!(MalformedXML).into());
    }
    if ids.len() < rules.iter().filter(|rule| rule.id.is_some()).count() {
        return Err(s3_error!(InvalidArgument, "Rule ID must be unique. Found same ID for more than one rule").into());
    }
    transaction.execute(
        "INSERT OR REPLACE INTO lifecycle (bucket, rules) VALUES (?1, ?2)",
        params![bucket, to_json(&rules)?],
    )?;
    Ok(())
}

/// The rules of a bucket.
pub(super) fn get(transaction: &Transaction, bucket: &str) -> Result<Vec<LifecycleRule>, Refusal> {
    check_bucket(transaction, bucket)?;
    let mut select = transaction.prepare_cached("SELECT rules FROM lifecycle WHERE bucket = ?1")?;
    let rules: Option<String> = select.query_row([bucket], |row| row.get(0)).optional()?;
    let none = || s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist");
    Ok(read(&rules.ok_or_else(none)?)?.into_iter().map(Rule::show).collect())
}

fn read(rules: &str) -> S3Result<Vec<Rule>> {
    serde_json::from_str(rules).map_err(S3Error::internal_error)
}

/// Does what the rules of all buckets ask for by now; the files that nobody names any more.
pub(super) fn carry_out(transaction: &Transaction, now_ms: u64) -> Result<Vec<Piece>, Refusal> {
    let mut select = transaction.prepare_cached("SELECT bucket, rules FROM lifecycle")?;
    let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = found.collect::<Result<Vec<(String, String)>, _>>()?;
    let mut gone = Vec::new();
    for (bucket, rules) in found {
        for rule in read(&rules)?.into_iter().filter(|rule| rule.is_enabled) {
            if rule.expires_ms.is_some_and(|at| at <= now_ms) {
                gone.extend(expire(transaction, &bucket, &rule.prefix, now_ms)?);
            }
            if let Some(days) = rule.noncurrent_days {
                let before_ms = (now_ms - now_ms % DAY_MS).saturating_sub(days * DAY_MS);
                gone.extend(versions::drop_noncurrent(transaction, (&bucket, &rule.prefix), before_ms, now_ms)?);
            }
            if rule.removes_lone_markers {
                versions::drop_lone_markers(transaction, &bucket, &rule.prefix)?;
            }
        }
    }
    Ok(gone)
}

/// Removes every object that begins so; in a bucket with versions, a delete marker hides it.
fn expire(transaction: &Transaction, bucket: &str, prefix: &str, now_ms: u64) -> Result<Vec<Piece>, Refusal> {
    let mut select = transaction.prepare_cached(
        "SELECT key, pieces FROM object WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2",
    )?;
    let found = select.query_map([bucket, prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = found.collect::<Result<Vec<(String, String)>, _>>()?;
    let (is_versioned, mut gone) = (versions::is_versioned(transaction, bucket)?, Vec::new());
    for (key, pieces) in found {
        if is_versioned {
            versions::mark(transaction, bucket, &key, now_ms)?;
        } else {
            transaction.execute("DELETE FROM object WHERE bucket = ?1 AND key = ?2", [bucket, &key])?;
            gone.extend(serde_json::from_str::<Vec<Piece>>(&pieces).map_err(S3Error::internal_error)?);
        }
    }
    Ok(gone)
}
