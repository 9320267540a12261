//! The authority that stamps checkpoints, at an address that the operator sets, and when it is asked.
//!
//! A checkpoint is stamped when the log grew since the last stamp and that is a day old, or what the operator set. A
//! stamp that fails is tried again when the log is due next, and holds nothing up.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{id::FirmId, random::Random},
    evidence::{
        bucket::BucketError,
        inclusion_proof::ProofError,
        log_store::{LogStore, kept_checkpoint, kept_stamp, key},
        stamp::{STAMP_BYTES_MAX, Stamp, StampError, request},
    },
};

/// How long an authority may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// That a checkpoint was stamped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampedCheckpoint {
    /// What the authority's clock said.
    pub stamped_at: Timestamp,
    /// When it was asked.
    pub asked_at: Timestamp,
}

/// A checkpoint that was not stamped.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// The authority can't be reached.
    #[error("ask the time-stamping authority")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answers with another status than that of success.
    #[error("the time-stamping authority answers {0}")]
    Status(u16),
    /// What it answers is no stamp of the checkpoint.
    #[error("the time-stamping authority's answer is of no use")]
    Stamp(#[from] StampError),
    /// The checkpoint is missing, or can't be read.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// S3.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// An authority that stamps.
#[derive(Debug, Clone)]
pub struct StampAuthority {
    http: reqwest::Client,
    url: Url,
    /// How old the last stamp is when the next is asked for.
    pause: Duration,
    random: Random,
}

impl StampAuthority {
    /// At that address.
    pub fn new(http: reqwest::Client, url: Url, pause: Duration, random: Random) -> Self {
        Self { http, url, pause, random }
    }

    /// Stamps the checkpoint of `size` entries, if it is time; whether it was stamped.
    ///
    /// Errors: the authority can't be reached or gives no stamp; S3 or the table refuses or does not answer.
    pub async fn stamp_if_due(
        &self,
        (table, store): (&Table, &LogStore),
        firm: FirmId,
        size: u64,
        now: Timestamp,
    ) -> Result<bool, StampingError> {
        let newest: Vec<(u64, StampedCheckpoint)> = table.numbered(&Key::stamp(firm, u64::MAX), false, 1).await?;
        let is_due = |(stamped, last): &(u64, StampedCheckpoint)| *stamped < size && last.asked_at + self.pause <= now;
        if size == 0 || !newest.first().is_none_or(is_due) {
            return Ok(false);
        }
        let name = kept_checkpoint(size);
        let note = store.find(firm, &name).await?.ok_or_else(|| ProofError::Broken { key: key(firm, &name) })?.bytes;
        // One that was kept, and not noted.
        let (stamp, answer) = match store.find(firm, &kept_stamp(size)).await? {
            Some(kept) => (Stamp::open(&kept.bytes, &note)?, None),
            None => {
                let (stamp, answer) = self.ask(&note).await?;
                (stamp, Some(answer))
            }
        };
        if let Some(answer) = answer {
            store.keep(firm, &kept_stamp(size), answer).await?;
        }
        let stamped = StampedCheckpoint { stamped_at: stamp.at, asked_at: now };
        table.write(Write::overwrite(Key::stamp(firm, size), &stamped)).await?;
        Ok(true)
    }

    /// Has `note` stamped: the stamp, and the answer as it came.
    async fn ask(&self, note: &[u8]) -> Result<(Stamp, Vec<u8>), StampingError> {
        let [a, b, c, d, e, f, g, h, ..] = self.random.bytes32();
        let nonce = [a, b, c, d, e, f, g, h];
        let unreachable = |error: reqwest::Error| StampingError::Unreachable(error.into());
        let query = self.http.post(self.url.clone()).timeout(PATIENCE).body(request(note, nonce)?);
        let query = query.header("content-type", "application/timestamp-query");
        let answer = query.send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(StampingError::Status(answer.status().as_u16()));
        }
        let body = Limited::new(reqwest::Body::from(answer), STAMP_BYTES_MAX).collect().await;
        let bytes = body.map_err(StampingError::Unreachable)?.to_bytes().to_vec();
        let stamp = Stamp::open(&bytes, note)?;
        stamp.answers(nonce)?;
        Ok((stamp, bytes))
    }
}
