//! Objects as the table has them, and why a transaction on them was not carried out.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use rusqlite::{OptionalExtension, Row, ToSql, Transaction, params_from_iter};
use s3s::dto::Timestamp;
use s3s::{S3Error, S3Result, s3_error};
use tokio::task::JoinError;

use super::blob::Piece;
use super::checksum::{self, Algorithm, Kept};

/// Why a transaction was not carried out.
pub(super) struct Refusal(pub(super) S3Error);

impl From<S3Error> for Refusal {
    fn from(refusal: S3Error) -> Refusal {
        Refusal(refusal)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(source: rusqlite::Error) -> Refusal {
        Refusal(S3Error::internal_error(source))
    }
}

impl From<JoinError> for Refusal {
    fn from(source: JoinError) -> Refusal {
        Refusal(S3Error::internal_error(source))
    }
}

impl From<std::io::Error> for Refusal {
    fn from(source: std::io::Error) -> Refusal {
        Refusal(S3Error::internal_error(source))
    }
}

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> S3Error {
        refusal.0
    }
}

/// An object as the table has it.
pub(super) struct Object {
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) modified_ms: u64,
    pub(super) content_type: Option<String>,
    pub(super) metadata: HashMap<String, String>,
    pub(super) kept: Kept,
    pub(super) pieces: Vec<Piece>,
}

/// The columns that [`Object::read`] reads and [`Object::insert`] writes.
pub(super) const OBJECT: &str =
    "etag, size, modified_ms, content_type, metadata, algorithm, checksum, composite, pieces";

impl Object {
    pub(super) fn read(row: &Row) -> Result<Object, rusqlite::Error> {
        let (metadata, algorithm, pieces): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(8)?);
        Ok(Object {
            etag: row.get(0)?,
            size: row.get(1)?,
            modified_ms: row.get(2)?,
            content_type: row.get(3)?,
            metadata: serde_json::from_str(&metadata).unwrap_or_default(),
            kept: Kept {
                algorithm: Algorithm::named(&algorithm).unwrap_or(checksum::DEFAULT),
                value: row.get(6)?,
                composite: row.get(7)?,
            },
            pieces: serde_json::from_str(&pieces).map_err(|source| {
                rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, source.into())
            })?,
        })
    }

    /// Writes a row of `table` with these columns and its own; one with the same primary key is replaced.
    pub(super) fn insert(
        &self,
        transaction: &Transaction,
        table: &str,
        others: &[(&str, &dyn ToSql)],
    ) -> Result<(), Refusal> {
        let (metadata, pieces) = (to_json(&self.metadata)?, to_json(&self.pieces)?);
        let Kept { algorithm, value, composite } = &self.kept;
        let (algorithm, columns) = (algorithm.name(), others.iter().map(|(name, _)| format!("{name}, ")));
        let own: [&dyn ToSql; 9] = [
            &self.etag,
            &self.size,
            &self.modified_ms,
            &self.content_type,
            &metadata,
            &algorithm,
            value,
            composite,
            &pieces,
        ];
        let places = vec!["?"; others.len() + own.len()].join(", ");
        let columns: String = columns.collect();
        let sql = format!("INSERT OR REPLACE INTO {table} ({columns}{OBJECT}) VALUES ({places})");
        let values = others.iter().map(|(_, value)| *value).chain(own);
        transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    pub(super) fn find(transaction: &Transaction, bucket: &str, key: &str) -> Result<Option<Object>, Refusal> {
        check_bucket(transaction, bucket)?;
        let sql = format!("SELECT {OBJECT} FROM object WHERE bucket = ?1 AND key = ?2");
        let mut select = transaction.prepare_cached(&sql)?;
        Ok(select.query_row([bucket, key], Object::read).optional()?)
    }

    /// What a delete marker has of an object.
    pub(super) fn nothing(modified_ms: u64) -> Object {
        let kept = Kept { algorithm: checksum::DEFAULT, value: String::new(), composite: false };
        let (etag, metadata, pieces) = (String::new(), HashMap::new(), Vec::new());
        Object { etag, size: 0, modified_ms, content_type: None, metadata, kept, pieces }
    }
}

pub(super) fn to_json(value: &impl serde::Serialize) -> S3Result<String> {
    serde_json::to_string(value).map_err(S3Error::internal_error)
}

pub(super) fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(millis))
}

pub(super) fn check_bucket(transaction: &Transaction, bucket: &str) -> Result<(), Refusal> {
    let exists: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM bucket WHERE name = ?1)")?
        .query_row([bucket], |row| row.get(0))?;
    if exists { Ok(()) } else { Err(s3_error!(NoSuchBucket, "The specified bucket does not exist").into()) }
}
