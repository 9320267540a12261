//! Legal holds. A version under a legal hold can't be deleted by anybody, even after its retention has ended.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-legal-holds>

use rusqlite::{OptionalExtension, Transaction, params};
use s3s::dto::*;
use s3s::s3_error;

use super::object::{Refusal, check_bucket};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS lockable (
        bucket TEXT PRIMARY KEY
    );
    CREATE TABLE IF NOT EXISTS legal_hold (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        status TEXT NOT NULL,
        PRIMARY KEY (bucket, key, id)
    );";

/// From now on Object Lock is enabled for the bucket; nobody can turn it off.
pub(super) fn enable(transaction: &Transaction, bucket: &str) -> Result<(), Refusal> {
    transaction.execute("INSERT OR IGNORE INTO lockable (bucket) VALUES (?1)", [bucket])?;
    Ok(())
}

/// Whether Object Lock is enabled for the bucket.
pub(super) fn is_enabled(transaction: &Transaction, bucket: &str) -> Result<bool, Refusal> {
    check_bucket(transaction, bucket)?;
    let mut select = transaction.prepare_cached("SELECT EXISTS (SELECT 1 FROM lockable WHERE bucket = ?1)")?;
    Ok(select.query_row([bucket], |row| row.get(0))?)
}

/// Puts a version under a hold, or lifts it.
pub(super) fn put(
    transaction: &Transaction,
    (bucket, key, id): (&str, &str, &str),
    status: &str,
) -> Result<(), Refusal> {
    if ![ObjectLockLegalHoldStatus::ON, ObjectLockLegalHoldStatus::OFF].contains(&status) {
        return Err(s3_error!(MalformedXML, "A legal hold is ON or OFF").into());
    }
    let sql = "INSERT OR REPLACE INTO legal_hold (bucket, key, id, status) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![bucket, key, id, status])?;
    Ok(())
}

/// The status of a version; none if it never was under a hold.
pub(super) fn status(
    transaction: &Transaction,
    (bucket, key, id): (&str, &str, &str),
) -> Result<Option<String>, Refusal> {
    let sql = "SELECT status FROM legal_hold WHERE bucket = ?1 AND key = ?2 AND id = ?3";
    Ok(transaction.prepare_cached(sql)?.query_row([bucket, key, id], |row| row.get(0)).optional()?)
}

/// Whether a version is under a hold.
pub(super) fn is_on(transaction: &Transaction, version: (&str, &str, &str)) -> Result<bool, Refusal> {
    Ok(status(transaction, version)?.as_deref() == Some(ObjectLockLegalHoldStatus::ON))
}

/// Forgets the hold of a version that is deleted.
pub(super) fn forget(transaction: &Transaction, (bucket, key, id): (&str, &str, &str)) -> Result<(), Refusal> {
    let sql = "DELETE FROM legal_hold WHERE bucket = ?1 AND key = ?2 AND id = ?3";
    transaction.execute(sql, [bucket, key, id])?;
    Ok(())
}
