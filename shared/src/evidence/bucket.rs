//! The bucket of the evidence: writes and reads the objects of the logs, lists and deletes originals, and writes those
//! of an import. An object is written once, under the condition that there is none yet; only the checkpoint is
//! replaced, under the condition that it is the one that was read.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use std::collections::BTreeMap;

use aws_sdk_s3::{
    Client,
    error::SdkError,
    operation::put_object::PutObjectError,
    primitives::{ByteStream, DateTime},
    types::{ChecksumMode, ObjectLockLegalHoldStatus},
};
use aws_smithy_runtime_api::http::Response;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;

use crate::{
    aws::link::{FoundObject, Links},
    base::{digest::Digest, id::FirmId},
    evidence::{lifecycle::compare_rules, report::EvidenceFinding},
    firm::retention::{ExpiryYear, KeptUntil},
    mail::archive::{StoredObject, UNTIL, root},
};

/// The name of the head below its log.
pub const CHECKPOINT: &str = "checkpoint";
/// Longer than any object of a log: 256 entries of 64 KiB.
const OBJECT_BYTES_MAX: usize = 17 << 20;
/// Versions that are read side by side.
const AT_ONCE: usize = 16;
/// Tries of a write at whose key another was written at the same moment.
const TRIES_MAX: usize = 4;

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

/// An object of a log that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// S3 refused or did not answer.
    #[error("{attempted} {key}")]
    Store {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The object.
        key: String,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was to be written once is there, with other bytes: another history.
    #[error("{key} is there already, with other bytes")]
    Foreign {
        /// The object.
        key: String,
    },
}

/// What S3 says of an object without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectHead {
    /// Its checksum, if it has a SHA-256.
    pub sha256: Option<Digest>,
    /// Its length.
    pub bytes: u64,
    /// Until when Object Lock keeps it, if it does.
    pub retained_until: Option<Timestamp>,
    /// Whether it is under a legal hold of S3.
    pub is_held: bool,
}

/// What keeps an object from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectLock {
    /// Its retention, until then.
    Until(Timestamp),
    /// A legal hold of S3.
    Hold,
}

/// The versions and delete markers of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersions {
    /// The key.
    pub key: String,
    /// How many versions there are.
    pub versions: usize,
    /// How many delete markers there are.
    pub markers: usize,
    /// Whether a delete marker hides all of them.
    pub is_hidden: bool,
    /// When the first version was written.
    pub written_at: Option<Timestamp>,
}

/// Where a listing of versions goes on.
#[derive(Debug)]
pub struct VersionCursor {
    key: Option<String>,
    version: Option<String>,
    /// The last key of the page, which may go on.
    open: Option<KeyVersions>,
}

impl KeyVersions {
    /// Whether it was written once and never deleted.
    pub fn is_written_once(&self) -> bool {
        self.versions == 1 && self.markers == 0
    }
}

/// An object of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogObject {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What names this state of it.
    pub etag: String,
}

/// The bucket of the logs, and of the originals that they prove.
#[derive(Debug, Clone)]
pub struct LogStore {
    client: Client,
    links: Links,
    bucket: String,
}

impl LogStore {
    /// Over the SDK's client; links read.
    pub fn new(client: Client, links: Links, bucket: String) -> Self {
        Self { client, links, bucket }
    }

    /// The object with that name, if there is one.
    ///
    /// Errors: S3 refuses or does not answer, or the object is longer than any of a log.
    pub async fn find(&self, firm: FirmId, name: &str) -> Result<Option<LogObject>, LogError> {
        let key = key(firm, name);
        let Some(found) = self.open(&key).await? else { return Ok(None) };
        let read = Limited::new(found.body, OBJECT_BYTES_MAX).collect().await;
        let bytes = read.map_err(|source| failed("read", &key, source))?;
        Ok(Some(LogObject { bytes: bytes.to_bytes().into(), etag: found.etag }))
    }

    /// Writes an object for good. The same bytes may be there already.
    ///
    /// Errors: [`LogError::Foreign`] if others are there; S3 refuses or does not answer.
    pub async fn keep(&self, firm: FirmId, name: &str, bytes: Vec<u8>) -> Result<(), LogError> {
        if self.put(firm, name, &bytes, None).await? {
            return Ok(());
        }
        match self.find(firm, name).await? {
            Some(there) if there.bytes == bytes => Ok(()),
            _ => Err(LogError::Foreign { key: key(firm, name) }),
        }
    }

    /// Stores an original that was archived elsewhere. S3 holds the bytes to their SHA-256; they may be there already.
    ///
    /// Errors: [`LogError::Foreign`] if others are there; S3 refuses or does not answer.
    pub async fn keep_original(&self, key: &str, body: ByteStream, stored: StoredObject) -> Result<(), LogError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*");
        let put = put.content_type("message/rfc822").checksum_sha256(stored.sha256.base64()).body(body);
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(412) => match self.head(key).await? {
                Some(ObjectHead { sha256: Some(sha256), bytes, .. }) if StoredObject { sha256, bytes } == stored => {
                    Ok(())
                }
                _ => Err(LogError::Foreign { key: key.to_owned() }),
            },
            Err(source) => Err(failed("write", key, source)),
        }
    }

    /// Replaces the checkpoint if it is still `before` (None: if there is none yet). Returns whether it did.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn replace_head(&self, firm: FirmId, bytes: &[u8], before: Option<&LogObject>) -> Result<bool, LogError> {
        self.put(firm, CHECKPOINT, bytes, before).await
    }

    /// Whether the condition held: there is none, or it is still the one `before`.
    async fn put(&self, firm: FirmId, name: &str, bytes: &[u8], before: Option<&LogObject>) -> Result<bool, LogError> {
        let key = key(firm, name);
        let mut tries = 0;
        loop {
            let put = self.client.put_object().bucket(&self.bucket).key(&key).body(ByteStream::from(bytes.to_vec()));
            let put = put.checksum_sha256(Digest::of(bytes).base64());
            let put = match before {
                Some(before) => put.if_match(&before.etag),
                None => put.if_none_match("*"),
            };
            let answer = put.send().await;
            tries += 1;
            match answer.as_ref().err().and_then(status) {
                None if answer.is_ok() => return Ok(true),
                Some(412) => return Ok(false),
                // Another writes the same key at this moment.
                Some(409) if tries < TRIES_MAX => {}
                _ => {
                    let source = answer.err().map_or_else(|| "no answer".into(), Into::into);
                    return Err(LogError::Store { attempted: "write", key, source });
                }
            }
        }
    }

    /// Keys in order of their text, up to a thousand, and what to go on with, if there may be more.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn page(&self, prefix: &str, next: Option<String>) -> Result<(Vec<String>, Option<String>), LogError> {
        let page = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).set_continuation_token(next);
        let page = page.send().await.map_err(|source| failed("list", prefix, source))?;
        let keys = page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        Ok((keys, page.next_continuation_token().map(str::to_owned)))
    }

    /// What lies directly below a prefix that ends a folder: objects, and folders with a slash at their end.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, LogError> {
        let pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).delimiter("/");
        let mut pages = pages.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|source| failed("list", prefix, source))?;
            found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            found.extend(page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned)));
        }
        Ok(found)
    }

    /// Until when originals are kept, as far as there are any: for ever, and until the end of years.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn kept_until(&self) -> Result<Vec<KeptUntil>, LogError> {
        let folders = self.folders(UNTIL).await?;
        let years = folders.iter().filter_map(|folder| year_of(folder)).map(KeptUntil::EndOf);
        Ok([KeptUntil::Ever].into_iter().chain(years).collect())
    }

    /// The keys that begin so with their versions, in order of their text, and what to go on with, if there may be
    /// more. In a bucket without versions each object is its own only one.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn versions(
        &self,
        prefix: &str,
        next: Option<VersionCursor>,
    ) -> Result<(Vec<KeyVersions>, Option<VersionCursor>), LogError> {
        let (key, version, open) = next.map_or((None, None, None), |next| (next.key, next.version, next.open));
        let list = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix);
        let list = list.set_key_marker(key).set_version_id_marker(version);
        let page = list.send().await.map_err(|source| failed("list the versions of", prefix, source))?;
        let mut keys: BTreeMap<String, KeyVersions> = open.into_iter().map(|open| (open.key.clone(), open)).collect();
        let time = |at: Option<&DateTime>| at.and_then(|at| Timestamp::from_second(at.secs()).ok());
        let versions = page.versions().iter();
        let versions = versions.filter_map(|one| Some((one.key()?, time(one.last_modified()), one.is_latest())));
        let versions = versions.map(|(key, at, is_latest)| (key, false, at, is_latest));
        let markers = page.delete_markers().iter().filter_map(|one| Some((one.key()?, true, None, one.is_latest())));
        for (key, is_marker, at, is_latest) in versions.chain(markers) {
            let new =
                || KeyVersions { key: key.to_owned(), versions: 0, markers: 0, is_hidden: false, written_at: None };
            let own = keys.entry(key.to_owned()).or_insert_with(new);
            own.written_at = [own.written_at, at].into_iter().flatten().min();
            own.versions += usize::from(!is_marker);
            own.markers += usize::from(is_marker);
            own.is_hidden |= is_marker && is_latest == Some(true);
        }
        let (key, version) = (page.next_key_marker, page.next_version_id_marker);
        let next = key.is_some().then(|| VersionCursor { key, version, open: keys.pop_last().map(|(_, open)| open) });
        Ok((keys.into_values().collect(), next))
    }

    /// For how many days S3 keeps whatever is written (Object Lock's default retention), if it does.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn retention_days(&self) -> Result<Option<u64>, LogError> {
        let found = self.client.get_object_lock_configuration().bucket(&self.bucket).send().await;
        let found = match found {
            Err(e) if e.raw_response().is_some_and(|response| response.status().as_u16() == 404) => return Ok(None),
            found => found.map_err(|source| failed("read the Object Lock of", &self.bucket, source))?,
        };
        let retention = found.object_lock_configuration.and_then(|lock| lock.rule?.default_retention);
        let days = retention.map(|kept| kept.days().unwrap_or_default() + kept.years().unwrap_or_default() * 365);
        Ok(days.and_then(|days| days.try_into().ok()))
    }

    /// In what the lifecycle rules of the bucket are not those that greffe asks for.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn find_other_rules(&self) -> Result<Vec<EvidenceFinding>, LogError> {
        let found = self.client.get_bucket_lifecycle_configuration().bucket(&self.bucket).send().await;
        let rules = match found {
            Err(e) if e.raw_response().is_some_and(|response| response.status().as_u16() == 404) => Vec::new(),
            found => {
                found.map_err(|source| failed("read the rules of", &self.bucket, source))?.rules.unwrap_or_default()
            }
        };
        Ok(compare_rules(&self.bucket, &rules))
    }

    /// Removes an object for good, with all its versions and delete markers.
    ///
    /// Errors: Object Lock keeps it; S3 refuses or does not answer.
    pub async fn erase(&self, key: &str) -> Result<(), LogError> {
        for (version, _) in self.versions_of(key).await? {
            let delete = self.client.delete_object().bucket(&self.bucket).key(key).set_version_id(version);
            delete.send().await.map_err(|source| failed("erase", key, source))?;
        }
        Ok(())
    }

    /// What keeps the versions of an object at `now`, if something keeps any.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn lock_of(&self, key: &str, now: Timestamp) -> Result<Option<ObjectLock>, LogError> {
        let mut until = None;
        for (version, _) in self.versions_of(key).await?.into_iter().filter(|(_, is_marker)| !is_marker) {
            let head = self.client.head_object().bucket(&self.bucket).key(key).set_version_id(version).send().await;
            let head = head.map_err(|source| failed("look at", key, source))?;
            if head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On) {
                return Ok(Some(ObjectLock::Hold));
            }
            until = until.max(head.object_lock_retain_until_date().map(|until| until.secs()));
        }
        let until = until.and_then(|until| Timestamp::from_second(until).ok());
        Ok(until.filter(|until| *until > now).map(ObjectLock::Until))
    }

    /// The ids of an object's versions and delete markers, each with whether it is a marker.
    async fn versions_of(&self, key: &str) -> Result<Vec<(Option<String>, bool)>, LogError> {
        let (mut found, mut next) = (Vec::new(), (None, None));
        loop {
            let list = self.client.list_object_versions().bucket(&self.bucket).prefix(key);
            let list = list.set_key_marker(next.0).set_version_id_marker(next.1);
            let page = list.send().await.map_err(|source| failed("list the versions of", key, source))?;
            let own = |of: Option<&str>, id: Option<&str>, is_marker| {
                (of == Some(key)).then(|| (id.map(str::to_owned), is_marker))
            };
            found.extend(page.versions().iter().filter_map(|one| own(one.key(), one.version_id(), false)));
            found.extend(page.delete_markers().iter().filter_map(|one| own(one.key(), one.version_id(), true)));
            next = (page.next_key_marker, page.next_version_id_marker);
            // What follows has a longer key.
            if next.0.as_deref() != Some(key) {
                return Ok(found);
            }
        }
    }

    /// The bytes of every version of an object.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn all_versions(&self, key: &str) -> Result<Vec<Vec<u8>>, LogError> {
        let versions = self.versions_of(key).await?.into_iter().filter(|(_, is_marker)| !is_marker);
        let reads = versions.map(|(version, _)| async move {
            let get = self.client.get_object().bucket(&self.bucket).key(key).set_version_id(version);
            let found = get.send().await.map_err(|source| failed("read", key, source))?;
            let body = found.body.collect().await.map_err(|source| failed("read", key, source))?;
            Ok::<_, LogError>(body.to_vec())
        });
        let reads: Vec<_> = reads.collect();
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The names of the firm's log that begin so, in order of their text.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn names(&self, firm: FirmId, prefix: &str) -> Result<Vec<String>, LogError> {
        let (root, whole) = (key(firm, ""), key(firm, prefix));
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let (keys, more) = self.page(&whole, next).await?;
            names.extend(keys.iter().filter_map(|key| Some(key.strip_prefix(&root)?.to_owned())));
            next = more;
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    /// What S3 says of an object, if there is one.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectHead>, LogError> {
        let head = self.client.head_object().bucket(&self.bucket).key(key).checksum_mode(ChecksumMode::Enabled);
        match head.send().await {
            Ok(head) => {
                let sha256 = head.checksum_sha256().and_then(Digest::from_base64);
                let bytes = head.content_length().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
                let until = head.object_lock_retain_until_date();
                let retained_until = until.and_then(|until| Timestamp::from_second(until.secs()).ok());
                let is_held = head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
                Ok(Some(ObjectHead { sha256, bytes, retained_until, is_held }))
            }
            Err(e) if e.raw_response().is_some_and(|r| r.status().as_u16() == 404) => Ok(None),
            Err(source) => Err(failed("look at", key, source)),
        }
    }

    /// An object as it comes, if there is one.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn open(&self, key: &str) -> Result<Option<FoundObject>, LogError> {
        self.links.find(key).await.map_err(|source| failed("read", key, source))
    }
}

/// The year at whose end the originals below this folder expire, if it is one of those.
pub(super) fn year_of(folder: &str) -> Option<ExpiryYear> {
    let year = folder.strip_prefix(UNTIL)?.strip_suffix('/')?.parse::<u16>().ok()?;
    let year = ExpiryYear::try_from(year).ok()?;
    (root(KeptUntil::EndOf(year)) == folder).then_some(year)
}

fn failed(attempted: &'static str, key: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LogError {
    LogError::Store { attempted, key: key.to_owned(), source: source.into() }
}

fn status(error: &SdkError<PutObjectError, Response>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
