//! The versions of the archive's objects: lists them, says what keeps them, and removes all of an object.

use std::collections::BTreeMap;

use aws_sdk_s3::{primitives::DateTime, types::ObjectLockLegalHoldStatus};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::evidence::bucket::{ArchiveBucket, BucketError, failed};

/// Versions that are read side by side.
const AT_ONCE: usize = 16;

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

impl ArchiveBucket {
    /// The keys that begin so with their versions, in order of their text, and what to go on with, if there may be
    /// more. In a bucket without versions each object is its own only one.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn versions(
        &self,
        prefix: &str,
        next: Option<VersionCursor>,
    ) -> Result<(Vec<KeyVersions>, Option<VersionCursor>), BucketError> {
        let (key, version, open) = next.map_or((None, None, None), |next| (next.key, next.version, next.open));
        let list = self.client.list_object_versions().bucket(&self.name).prefix(prefix);
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

    /// The ids of an object's versions and delete markers, each with whether it is a marker.
    async fn versions_of(&self, key: &str) -> Result<Vec<(Option<String>, bool)>, BucketError> {
        let (mut found, mut next) = (Vec::new(), (None, None));
        loop {
            let list = self.client.list_object_versions().bucket(&self.name).prefix(key);
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
    pub async fn all_versions(&self, key: &str) -> Result<Vec<Vec<u8>>, BucketError> {
        let versions = self.versions_of(key).await?.into_iter().filter(|(_, is_marker)| !is_marker);
        let reads = versions.map(|(version, _)| async move {
            let get = self.client.get_object().bucket(&self.name).key(key).set_version_id(version);
            let found = get.send().await.map_err(|source| failed("read", key, source))?;
            let body = found.body.collect().await.map_err(|source| failed("read", key, source))?;
            Ok::<_, BucketError>(body.to_vec())
        });
        let reads: Vec<_> = reads.collect();
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    /// What keeps the versions of an object at `now`, if something keeps any.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn lock_of(&self, key: &str, now: Timestamp) -> Result<Option<ObjectLock>, BucketError> {
        let mut until = None;
        for (version, _) in self.versions_of(key).await?.into_iter().filter(|(_, is_marker)| !is_marker) {
            let head = self.client.head_object().bucket(&self.name).key(key).set_version_id(version).send().await;
            let head = head.map_err(|source| failed("look at", key, source))?;
            if head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On) {
                return Ok(Some(ObjectLock::Hold));
            }
            until = until.max(head.object_lock_retain_until_date().map(|until| until.secs()));
        }
        let until = until.and_then(|until| Timestamp::from_second(until).ok());
        Ok(until.filter(|until| *until > now).map(ObjectLock::Until))
    }

    /// Removes an object for good, with all its versions and delete markers.
    ///
    /// Errors: Object Lock keeps it; S3 refuses or does not answer.
    pub async fn erase(&self, key: &str) -> Result<(), BucketError> {
        for (version, _) in self.versions_of(key).await? {
            let delete = self.client.delete_object().bucket(&self.name).key(key).set_version_id(version);
            delete.send().await.map_err(|source| failed("erase", key, source))?;
        }
        Ok(())
    }
}
