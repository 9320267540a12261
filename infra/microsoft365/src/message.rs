//! A message as Exchange keeps it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rusqlite::Row;

use crate::mime::{Properties, Source};

/// The ids of a message: pass `immutable_id` to the functions of [`crate::Microsoft365`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// The id under `Prefer: IdType="ImmutableId"`, the same for ever.
    pub immutable_id: String,
    /// The id without that preference, another one after every move.
    pub default_id: String,
}

/// A message of a mailbox. Moments are kept in whole seconds, as Graph shows them.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub row: i64,
    pub mailbox: String,
    pub immutable_id: String,
    pub default_id: String,
    pub folder: String,
    pub seq: i64,
    pub received: Timestamp,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub is_read: bool,
    pub is_draft: bool,
    pub categories: Vec<String>,
    pub properties: Properties,
    pub source: Source,
}

impl Message {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get("id")?,
            mailbox: row.get("mailbox")?,
            immutable_id: row.get("immutable_id")?,
            default_id: row.get("default_id")?,
            folder: row.get("folder")?,
            seq: row.get("seq")?,
            received: seconds(row.get("received")?),
            created: seconds(row.get("created")?),
            modified: seconds(row.get("modified")?),
            is_read: row.get("is_read")?,
            is_draft: row.get("is_draft")?,
            categories: json(row, "categories")?,
            properties: json(row, "properties")?,
            source: json(row, "mime")?,
        })
    }

    /// The id in the form that the caller prefers.
    pub(crate) fn id(&self, immutable: bool) -> &str {
        if immutable { &self.immutable_id } else { &self.default_id }
    }

    /// Graph's `changeKey`, another one after every change.
    pub(crate) fn change_key(&self) -> String {
        let version = [self.row.to_be_bytes(), self.seq.to_be_bytes()].concat();
        format!("CQAAABYAAAC{}", URL_SAFE_NO_PAD.encode(version))
    }

    /// The ETag made of the change key.
    pub(crate) fn etag(&self) -> String {
        format!("W/\"{}\"", self.change_key())
    }

    pub(crate) fn reference(&self) -> MessageRef {
        MessageRef { immutable_id: self.immutable_id.clone(), default_id: self.default_id.clone() }
    }
}

pub(crate) fn seconds(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

/// A column that holds JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}
