//! Versions: once a bucket is versioned, nothing that is written over or deleted is gone before its version is deleted
//! by id. A default retention (Object Lock) refuses even that, until it ends, and a legal hold until it is off.
//!
//! Not played: suspended versioning, retentions of single objects, markers that are not `null` or by id.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use rusqlite::{OptionalExtension, ToSql, Transaction, params};
use s3s::dto::*;
use s3s::s3_error;
use uuid::Uuid;

use super::blob::Piece;
use super::legal_hold;
use super::object::{OBJECT, Object, Refusal, check_bucket, timestamp};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS versioned (
        bucket TEXT PRIMARY KEY,
        lock_mode TEXT,
        lock_days INTEGER
    );
    CREATE TABLE IF NOT EXISTS version (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        is_marker INTEGER NOT NULL,
        lock_mode TEXT,
        lock_until_ms INTEGER,
        etag TEXT NOT NULL,
        size INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        content_type TEXT,
        metadata TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        checksum TEXT NOT NULL,
        composite INTEGER NOT NULL,
        pieces TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS version_of ON version (bucket, key, sequence);";

const DAY_MS: u64 = 86_400_000;

/// The id of what was there before the bucket was versioned.
pub(super) const NULL: &str = "null";

/// What keeps a version from being deleted.
#[derive(Clone)]
pub(super) struct Retention {
    mode: String,
    until_ms: u64,
}

impl Retention {
    pub(super) fn mode(&self) -> ObjectLockMode {
        ObjectLockMode::from(self.mode.clone())
    }

    pub(super) fn until(&self) -> Timestamp {
        timestamp(self.until_ms)
    }
}

/// The bucket's default retention, if it has one; none at all where it is not versioned.
fn setting(transaction: &Transaction, bucket: &str) -> Result<Option<Option<(String, u64)>>, Refusal> {
    check_bucket(transaction, bucket)?;
    let mut select = transaction.prepare_cached("SELECT lock_mode, lock_days FROM versioned WHERE bucket = ?1")?;
    let setting = select.query_row([bucket], |row| {
        let (mode, days): (Option<String>, Option<u64>) = (row.get(0)?, row.get(1)?);
        Ok(mode.zip(days))
    });
    Ok(setting.optional()?)
}

pub(super) fn is_versioned(transaction: &Transaction, bucket: &str) -> Result<bool, Refusal> {
    Ok(setting(transaction, bucket)?.is_some())
}

/// From now on versions are kept; those that are there become the first.
pub(super) fn enable(transaction: &Transaction, bucket: &str) -> Result<(), Refusal> {
    if is_versioned(transaction, bucket)? {
        return Ok(());
    }
    transaction.execute("INSERT INTO versioned (bucket) VALUES (?1)", [bucket])?;
    let sql = format!(
        "INSERT INTO version (bucket, key, id, is_marker, {OBJECT})
         SELECT bucket, key, ?2, 0, {OBJECT} FROM object WHERE bucket = ?1"
    );
    transaction.execute(&sql, [bucket, NULL])?;
    Ok(())
}

/// What is written from now on is retained for so many days.
pub(super) fn lock(transaction: &Transaction, bucket: &str, retention: Option<(String, i32)>) -> Result<(), Refusal> {
    if !is_versioned(transaction, bucket)? {
        let text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
        return Err(s3_error!(InvalidBucketState, "{text}").into());
    }
    legal_hold::enable(transaction, bucket)?;
    let (mode, days) = retention.unzip();
    transaction.execute(
        "UPDATE versioned SET lock_mode = ?2, lock_days = ?3 WHERE bucket = ?1",
        params![bucket, mode, days],
    )?;
    Ok(())
}

/// The default retention that is set.
pub(super) fn retention(transaction: &Transaction, bucket: &str) -> Result<Option<DefaultRetention>, Refusal> {
    Ok(setting(transaction, bucket)?.flatten().map(|(mode, days)| DefaultRetention {
        mode: Some(ObjectLockRetentionMode::from(mode)),
        days: i32::try_from(days).ok(),
        years: None,
    }))
}

/// Keeps an object that is written as the newest version, where the bucket is versioned; its id then.
pub(super) fn add(
    transaction: &Transaction,
    bucket: &str,
    key: &str,
    object: &Object,
) -> Result<Option<String>, Refusal> {
    let Some(retention) = setting(transaction, bucket)? else { return Ok(None) };
    let id = Uuid::new_v4().simple().to_string();
    let (mode, days) = retention.unzip();
    let until = days.map(|days| object.modified_ms + days * DAY_MS);
    let others: [(&str, &dyn ToSql); 6] = [
        ("bucket", &bucket),
        ("key", &key),
        ("id", &id),
        ("is_marker", &false),
        ("lock_mode", &mode),
        ("lock_until_ms", &until),
    ];
    object.insert(transaction, "version", &others)?;
    Ok(Some(id))
}

/// Lays a delete marker over an object, which stays as a version; its id.
pub(super) fn mark(transaction: &Transaction, bucket: &str, key: &str, now_ms: u64) -> Result<String, Refusal> {
    let id = Uuid::new_v4().simple().to_string();
    let others: [(&str, &dyn ToSql); 4] = [("bucket", &bucket), ("key", &key), ("id", &id), ("is_marker", &true)];
    Object::nothing(now_ms).insert(transaction, "version", &others)?;
    transaction.execute("DELETE FROM object WHERE bucket = ?1 AND key = ?2", [bucket, key])?;
    Ok(id)
}

/// The version with that id, unless it is a delete marker.
pub(super) fn find(transaction: &Transaction, bucket: &str, key: &str, id: &str) -> Result<Option<Object>, Refusal> {
    let sql = format!("SELECT {OBJECT} FROM version WHERE bucket = ?1 AND key = ?2 AND id = ?3 AND is_marker = 0");
    Ok(transaction.prepare_cached(&sql)?.query_row([bucket, key, id], Object::read).optional()?)
}

/// The id of the version with that id, or of the newest one, and what keeps it.
pub(super) fn kept(
    transaction: &Transaction,
    bucket: &str,
    key: &str,
    id: Option<&str>,
) -> Result<Option<(String, Option<Retention>)>, Refusal> {
    let mut select = transaction.prepare_cached(
        "SELECT id, lock_mode, lock_until_ms FROM version
         WHERE bucket = ?1 AND key = ?2 AND (?3 IS NULL OR id = ?3) ORDER BY sequence DESC LIMIT 1",
    )?;
    let found = select.query_row(params![bucket, key, id], |row| {
        let (mode, until_ms): (Option<String>, Option<u64>) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, mode.zip(until_ms).map(|(mode, until_ms)| Retention { mode, until_ms })))
    });
    Ok(found.optional()?)
}

/// Puts the version with that id, or the newest one, under a legal hold, or lifts it.
pub(super) fn hold(
    transaction: &Transaction,
    (bucket, key, version): (&str, &str, Option<&str>),
    status: &str,
) -> Result<(), Refusal> {
    let id = lockable(transaction, (bucket, key, version))?;
    legal_hold::put(transaction, (bucket, key, &id), status)
}

/// The legal hold that was put on the version with that id, or on the newest one.
pub(super) fn held(
    transaction: &Transaction,
    (bucket, key, version): (&str, &str, Option<&str>),
) -> Result<String, Refusal> {
    let id = lockable(transaction, (bucket, key, version))?;
    legal_hold::status(transaction, (bucket, key, &id))?.ok_or_else(|| {
        let text = "The specified object does not have a ObjectLock configuration";
        s3_error!(NoSuchObjectLockConfiguration, "{text}").into()
    })
}

/// The id of the version, which has to be in a bucket with Object Lock, and no delete marker.
fn lockable(transaction: &Transaction, (bucket, key, version): (&str, &str, Option<&str>)) -> Result<String, Refusal> {
    if !legal_hold::is_enabled(transaction, bucket)? {
        return Err(s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration").into());
    }
    let missing = || match version {
        Some(_) => s3_error!(NoSuchVersion, "The specified version does not exist."),
        None => s3_error!(NoSuchKey, "The specified key does not exist."),
    };
    let (id, _) = kept(transaction, bucket, key, version)?.ok_or_else(missing)?;
    if find(transaction, bucket, key, &id)?.is_none() {
        return Err(s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.").into());
    }
    Ok(id)
}

/// Deletes a version for good; what then is the newest one is the object. Returns the files that nobody names any more.
pub(super) fn delete(
    transaction: &Transaction,
    (bucket, key, id): (&str, &str, &str),
    (now_ms, bypasses_governance): (u64, bool),
) -> Result<Vec<Piece>, Refusal> {
    if !is_versioned(transaction, bucket)? {
        return Ok(Vec::new());
    }
    let is_retained = |retention: &Retention| {
        let is_bypassed = bypasses_governance && retention.mode == ObjectLockRetentionMode::GOVERNANCE;
        retention.until_ms > now_ms && !is_bypassed
    };
    let retention = kept(transaction, bucket, key, Some(id))?.and_then(|(_, retention)| retention);
    if retention.as_ref().is_some_and(is_retained) || legal_hold::is_on(transaction, (bucket, key, id))? {
        return Err(s3_error!(AccessDenied, "Access Denied because object protected by object lock.").into());
    }
    legal_hold::forget(transaction, (bucket, key, id))?;
    let pieces = find(transaction, bucket, key, id)?.map(|object| object.pieces).unwrap_or_default();
    transaction.execute("DELETE FROM version WHERE bucket = ?1 AND key = ?2 AND id = ?3", [bucket, key, id])?;
    transaction.execute("DELETE FROM object WHERE bucket = ?1 AND key = ?2", [bucket, key])?;
    let sql = format!(
        "INSERT INTO object (bucket, key, {OBJECT}) SELECT bucket, key, {OBJECT} FROM
         (SELECT * FROM version WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1) WHERE is_marker = 0"
    );
    transaction.execute(&sql, [bucket, key])?;
    Ok(pieces)
}

/// Deletes the versions below a prefix that were followed by another before that time, unless Object Lock keeps them.
/// Returns the files that nobody names any more.
pub(super) fn drop_noncurrent(
    transaction: &Transaction,
    (bucket, prefix): (&str, &str),
    before_ms: u64,
    now_ms: u64,
) -> Result<Vec<Piece>, Refusal> {
    let mut select = transaction.prepare_cached(
        "SELECT sequence, pieces FROM version
         WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 AND COALESCE(lock_until_ms, 0) <= ?4
             AND NOT EXISTS (SELECT 1 FROM legal_hold AS hold WHERE hold.bucket = version.bucket
                 AND hold.key = version.key AND hold.id = version.id AND hold.status = 'ON')
             AND (SELECT next.modified_ms FROM version AS next WHERE next.bucket = version.bucket
                 AND next.key = version.key AND next.sequence > version.sequence ORDER BY next.sequence LIMIT 1) <= ?3",
    )?;
    let found = select.query_map(params![bucket, prefix, before_ms, now_ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = found.collect::<Result<Vec<(i64, String)>, _>>()?;
    let mut gone = Vec::new();
    for (sequence, pieces) in found {
        transaction.execute("DELETE FROM version WHERE sequence = ?1", [sequence])?;
        gone.extend(serde_json::from_str::<Vec<Piece>>(&pieces).map_err(s3s::S3Error::internal_error)?);
    }
    Ok(gone)
}

/// Deletes delete markers below a prefix that hide nothing any more.
pub(super) fn drop_lone_markers(transaction: &Transaction, bucket: &str, prefix: &str) -> Result<(), Refusal> {
    transaction.execute(
        "DELETE FROM version WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 AND is_marker = 1
             AND NOT EXISTS (SELECT 1 FROM version AS other WHERE other.bucket = version.bucket
                 AND other.key = version.key AND other.sequence <> version.sequence)",
        params![bucket, prefix],
    )?;
    Ok(())
}

/// A page of versions, by key, the newest of each first.
pub(super) fn list(
    transaction: &Transaction,
    input: ListObjectVersionsInput,
    room: i32,
) -> Result<ListObjectVersionsOutput, Refusal> {
    let bucket = input.bucket.as_str();
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.key_marker.clone().unwrap_or_default();
    let after_version = input.version_id_marker.clone().filter(|id| !id.is_empty());
    let sql = if is_versioned(transaction, bucket)? {
        "SELECT key, id, is_marker, etag, size, modified_ms, algorithm, sequence = (SELECT MAX(sequence) FROM version
             AS newest WHERE newest.bucket = version.bucket AND newest.key = version.key) FROM version
         WHERE bucket = ?1 AND key >= ?2 AND (key > ?3 OR (key = ?3 AND sequence <
             (SELECT sequence FROM version AS marked WHERE marked.bucket = ?1 AND marked.key = ?3 AND marked.id = ?4)))
         ORDER BY key, sequence DESC"
    } else {
        "SELECT key, 'null', 0, etag, size, modified_ms, algorithm, 1 FROM object
         WHERE bucket = ?1 AND key >= ?2 AND key > ?3 AND ?4 IS ?4 ORDER BY key"
    };
    let (mut versions, mut markers, mut last) = (Vec::new(), Vec::new(), None);
    let mut is_truncated = false;
    let mut select = transaction.prepare_cached(sql)?;
    let mut rows = select.query(params![bucket, prefix, after, after_version])?;
    while let Some(row) = rows.next()? {
        let (key, id, is_marker): (String, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if !key.starts_with(&prefix) {
            break;
        }
        if versions.len() + markers.len() == usize::try_from(room).unwrap_or_default() {
            is_truncated = true;
            break;
        }
        last = Some((key.clone(), id.clone()));
        let (key, version_id, is_latest) = (Some(key), Some(id), Some(row.get(7)?));
        let last_modified = Some(timestamp(row.get(5)?));
        if is_marker {
            markers.push(DeleteMarkerEntry { is_latest, key, last_modified, owner: None, version_id });
            continue;
        }
        let (etag, algorithm): (String, String) = (row.get(3)?, row.get(6)?);
        versions.push(ObjectVersion {
            is_latest,
            key,
            last_modified,
            version_id,
            e_tag: Some(ETag::Strong(etag)),
            size: Some(row.get(4)?),
            checksum_algorithm: Some(vec![ChecksumAlgorithm::from(algorithm)]),
            storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
            ..ObjectVersion::default()
        });
    }
    let (next_key, next_version) = last.filter(|_| is_truncated).unzip();
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        version_id_marker: input.version_id_marker,
        max_keys: Some(room),
        is_truncated: Some(is_truncated),
        next_key_marker: next_key,
        next_version_id_marker: next_version,
        versions: Some(versions),
        delete_markers: Some(markers),
        ..ListObjectVersionsOutput::default()
    })
}
