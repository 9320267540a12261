//! The objects of a firm's log in the bucket of the archive. Each is written once; only the checkpoint is replaced,
//! under the condition that it is the one that was read.

use http_body_util::{BodyExt as _, Limited};

use crate::{
    base::id::FirmId,
    evidence::bucket::{ArchiveBucket, BucketError, failed},
};

/// The name of the head below its log.
pub const CHECKPOINT: &str = "checkpoint";
/// Longer than any object of a log: 256 entries of 64 KiB.
const OBJECT_BYTES_MAX: usize = 17 << 20;

/// The name of the checkpoint with that size among those that are kept.
pub fn kept_checkpoint(size: u64) -> String {
    format!("checkpoints/{size}")
}

/// The name of the time stamp of the checkpoint with that size.
pub fn kept_stamp(size: u64) -> String {
    format!("stamps/{size}.tsr")
}

/// The name of the key with that id.
pub fn verifying_key(id: &str) -> String {
    format!("keys/{id}")
}

/// Where an object of the firm's log lies in the bucket.
pub fn key(firm: FirmId, name: &str) -> String {
    format!("firms/{firm}/log/{name}")
}

/// An object of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogObject {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What names this state of it.
    pub etag: String,
}

/// The logs of all firms.
#[derive(Debug, Clone)]
pub struct LogStore {
    /// The bucket that they lie in, with the originals that they prove.
    pub bucket: ArchiveBucket,
}

impl LogStore {
    /// The object with that name, if there is one.
    ///
    /// Errors: S3 refuses or does not answer, or the object is longer than any of a log.
    pub async fn find(&self, firm: FirmId, name: &str) -> Result<Option<LogObject>, BucketError> {
        let key = key(firm, name);
        let Some(found) = self.bucket.open(&key).await? else { return Ok(None) };
        let read = Limited::new(found.body, OBJECT_BYTES_MAX).collect().await;
        let bytes = read.map_err(|source| failed("read", &key, source))?;
        Ok(Some(LogObject { bytes: bytes.to_bytes().into(), etag: found.etag }))
    }

    /// Writes an object for good. The same bytes may be there already.
    ///
    /// Errors: [`BucketError::Foreign`] if others are there; S3 refuses or does not answer.
    pub async fn keep(&self, firm: FirmId, name: &str, bytes: Vec<u8>) -> Result<(), BucketError> {
        if self.put(firm, name, &bytes, None).await? {
            return Ok(());
        }
        match self.find(firm, name).await? {
            Some(there) if there.bytes == bytes => Ok(()),
            _ => Err(BucketError::Foreign { key: key(firm, name) }),
        }
    }

    /// Replaces the checkpoint if it is still `before` (None: if there is none yet). Returns whether it did.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn replace_head(
        &self,
        firm: FirmId,
        bytes: &[u8],
        before: Option<&LogObject>,
    ) -> Result<bool, BucketError> {
        self.put(firm, CHECKPOINT, bytes, before).await
    }

    async fn put(
        &self,
        firm: FirmId,
        name: &str,
        bytes: &[u8],
        before: Option<&LogObject>,
    ) -> Result<bool, BucketError> {
        self.bucket.put(&key(firm, name), bytes, before.map(|before| before.etag.as_str())).await
    }

    /// The names of the firm's log that begin so, in order of their text.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn names(&self, firm: FirmId, prefix: &str) -> Result<Vec<String>, BucketError> {
        let (root, whole) = (key(firm, ""), key(firm, prefix));
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let (keys, more) = self.bucket.page(&whole, next).await?;
            names.extend(keys.iter().filter_map(|key| Some(key.strip_prefix(&root)?.to_owned())));
            next = more;
            if next.is_none() {
                return Ok(names);
            }
        }
    }
}
