//! The bucket of the archive, which has the originals and the logs that prove them: reads, lists and writes objects by
//! their keys. An object is written under a condition: that there is none yet, or that it is the one that was read.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use aws_sdk_s3::{
    Client,
    error::SdkError,
    operation::put_object::PutObjectError,
    primitives::ByteStream,
    types::{ChecksumMode, ObjectLockLegalHoldStatus},
};
use aws_smithy_runtime_api::http::Response;
use jiff::Timestamp;

use crate::{
    aws::link::{FoundObject, Links},
    base::digest::Digest,
    evidence::{lifecycle::compare_rules, report::EvidenceFinding},
};

/// Tries of a write at whose key another was written at the same moment.
const TRIES_MAX: usize = 4;

/// An object of the bucket that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
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

/// The bucket of the archive.
#[derive(Debug, Clone)]
pub struct ArchiveBucket {
    pub(super) client: Client,
    links: Links,
    pub(super) name: String,
}

impl ArchiveBucket {
    /// Over the SDK's client; links read.
    pub fn new(client: Client, links: Links, name: String) -> Self {
        Self { client, links, name }
    }

    /// The name of the bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An object as it comes, if there is one.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn open(&self, key: &str) -> Result<Option<FoundObject>, BucketError> {
        self.links.find(key).await.map_err(|source| failed("read", key, source))
    }

    /// What S3 says of an object, if there is one.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectHead>, BucketError> {
        let head = self.client.head_object().bucket(&self.name).key(key).checksum_mode(ChecksumMode::Enabled);
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

    /// Writes an object, if it is still the one with the ETag `before` (None: if there is none yet). Returns whether it
    /// did.
    ///
    /// Errors: S3 refuses or does not answer.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], before: Option<&str>) -> Result<bool, BucketError> {
        let mut tries = 0;
        loop {
            let put = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(bytes.to_vec()));
            let put = put.checksum_sha256(Digest::of(bytes).base64());
            let put = match before {
                Some(before) => put.if_match(before),
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
                    return Err(BucketError::Store { attempted: "write", key: key.to_owned(), source });
                }
            }
        }
    }

    /// Writes an object as it comes, if there is none yet. Returns whether it did. S3 holds the bytes to `sha256`.
    ///
    /// Errors: S3 refuses or does not answer.
    pub(super) async fn put_stream(
        &self,
        (key, content_type): (&str, &str),
        body: ByteStream,
        sha256: Digest,
    ) -> Result<bool, BucketError> {
        let put = self.client.put_object().bucket(&self.name).key(key).if_none_match("*").content_type(content_type);
        match put.checksum_sha256(sha256.base64()).body(body).send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(412) => Ok(false),
            Err(source) => Err(failed("write", key, source)),
        }
    }

    /// Keys in order of their text, up to a thousand, and what to go on with, if there may be more.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn page(&self, prefix: &str, next: Option<String>) -> Result<(Vec<String>, Option<String>), BucketError> {
        let page = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).set_continuation_token(next);
        let page = page.send().await.map_err(|source| failed("list", prefix, source))?;
        let keys = page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        Ok((keys, page.next_continuation_token().map(str::to_owned)))
    }

    /// What lies directly below a prefix that ends a folder: objects, and folders with a slash at their end.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let pages = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).delimiter("/");
        let mut pages = pages.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|source| failed("list", prefix, source))?;
            found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            found.extend(page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned)));
        }
        Ok(found)
    }

    /// For how many days S3 keeps whatever is written (Object Lock's default retention), if it does.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn retention_days(&self) -> Result<Option<u64>, BucketError> {
        let found = self.client.get_object_lock_configuration().bucket(&self.name).send().await;
        let found = match found {
            Err(e) if e.raw_response().is_some_and(|response| response.status().as_u16() == 404) => return Ok(None),
            found => found.map_err(|source| failed("read the Object Lock of", &self.name, source))?,
        };
        let retention = found.object_lock_configuration.and_then(|lock| lock.rule?.default_retention);
        let days = retention.map(|kept| kept.days().unwrap_or_default() + kept.years().unwrap_or_default() * 365);
        Ok(days.and_then(|days| days.try_into().ok()))
    }

    /// In what the lifecycle rules of the bucket are not those that greffe asks for.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn find_other_rules(&self) -> Result<Vec<EvidenceFinding>, BucketError> {
        let found = self.client.get_bucket_lifecycle_configuration().bucket(&self.name).send().await;
        let rules = match found {
            Err(e) if e.raw_response().is_some_and(|response| response.status().as_u16() == 404) => Vec::new(),
            found => found.map_err(|source| failed("read the rules of", &self.name, source))?.rules.unwrap_or_default(),
        };
        Ok(compare_rules(&self.name, &rules))
    }
}

pub(super) fn failed(
    attempted: &'static str,
    key: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> BucketError {
    BucketError::Store { attempted, key: key.to_owned(), source: source.into() }
}

fn status(error: &SdkError<PutObjectError, Response>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
