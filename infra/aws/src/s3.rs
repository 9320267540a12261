//! S3: one table of objects, one file per upload.
//!
//! Answered: CreateBucket, HeadBucket, PutObject, GetObject, HeadObject, ListObjectsV2, DeleteObject,
//! CreateMultipartUpload, UploadPart, ListParts, CompleteMultipartUpload, AbortMultipartUpload; PutBucketVersioning,
//! GetBucketVersioning, ListObjectVersions, PutObjectLockConfiguration, GetObjectLockConfiguration, PutObjectLegalHold,
//! GetObjectLegalHold; CopyObject within a bucket; PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration.
//! Signatures are checked; buckets are named in the host or in the path.
//!
//! A body flows into a file of its own, is hashed and verified on the way and waits for the disk. Then one transaction
//! decides the conditions and makes it visible: of any number of writers with `If-None-Match: *`, one wins. Completing
//! a multipart upload lists its parts' files and copies nothing. Every body flows through constant memory.
//! Not played: retentions of single objects, tags, access control lists, encryption headers, `partNumber`.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/>

mod blob;
mod checksum;
mod legal_hold;
mod lifecycle;
mod object;
mod versions;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use rusqlite::{OptionalExtension, Transaction, params};
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::engine::{ACCESS_KEY_ID, Clock, OpenError, REGION, SECRET_ACCESS_KEY, millis, unopened};
use crate::store::Store;
use blob::{Blob, Blobs, Piece};
use checksum::{Algorithm, Claims, Kept};
use lifecycle::LastDay;
use object::{Object, Refusal, check_bucket, timestamp, to_json};
use versions::Retention;

/// The least a part weighs, save the last.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// The highest part number.
const PARTS_MAX: i32 = 10_000;
/// The most bytes of an object's own metadata, names and values together.
const METADATA_BYTES_MAX: usize = 2048;
/// The most keys, or parts, of one page.
const PAGE_MAX: i32 = 1000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS bucket (
        name TEXT PRIMARY KEY
    );
    CREATE TABLE IF NOT EXISTS object (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        etag TEXT NOT NULL,
        size INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        content_type TEXT,
        metadata TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        checksum TEXT NOT NULL,
        composite INTEGER NOT NULL,
        pieces TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    );
    CREATE TABLE IF NOT EXISTS upload (
        id TEXT PRIMARY KEY,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        content_type TEXT,
        metadata TEXT NOT NULL,
        algorithm TEXT,
        composite INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS part (
        upload TEXT NOT NULL,
        number INTEGER NOT NULL,
        etag TEXT NOT NULL,
        size INTEGER NOT NULL,
        modified_ms INTEGER NOT NULL,
        checksum TEXT NOT NULL,
        blob TEXT NOT NULL,
        PRIMARY KEY (upload, number)
    );";

/// S3 behind its protocol: XML, signatures, chunked bodies.
pub(crate) struct S3 {
    service: S3Service,
    buckets: Buckets,
}

impl S3 {
    pub(crate) fn open(directory: &Path, clock: Clock) -> Result<S3, OpenError> {
        let path = directory.join("s3.sqlite");
        let schema = [SCHEMA, versions::SCHEMA, lifecycle::SCHEMA, legal_hold::SCHEMA].concat();
        let store = Store::open(&path, &schema).map_err(unopened(&path))?;
        let named = store.transact(named_blobs).map_err(unopened(&path))?;
        let path = directory.join("blobs");
        let blobs = Blobs::open(&path, &named);
        let blobs = blobs.map_err(|source| OpenError::Files { path, source })?;

        let buckets = Buckets { store, blobs, clock, carried_out: Arc::default() };
        let mut builder = S3ServiceBuilder::new(buckets.clone());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        // A client's clock may be moved by hand, years from the machine's.
        let mut config = S3Config::default();
        config.presigned_url_max_skew_time_secs = u32::MAX;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let domain = SingleDomain::new(&format!("s3.{}.amazonaws.com", REGION));
        builder.set_host(domain.expect("the name of the S3 endpoint is a domain"));
        Ok(S3 { service: builder.build(), buckets })
    }

    pub(crate) async fn call(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x();
        let mut request = request.map_err(|source| ConnectorError::user(source.into()))?;
        // An HTTP client would add it on the way out; the signature covers it.
        let host = request.uri().authority().map(|host| host.as_str());
        let host = HeaderValue::from_str(host.unwrap_or_default());
        let host = host.map_err(|source| ConnectorError::user(source.into()))?;
        request.headers_mut().insert(header::HOST, host);
        let head = request.method() == Method::HEAD;
        let carried_out = self.buckets.carry_out_rules().await;
        carried_out.map_err(|source| ConnectorError::other(source.into(), None))?;

        let response = self.service.call(request.map(s3s::Body::http_body_unsync)).await;
        let response = response.map_err(|source| ConnectorError::other(source.into(), None))?;
        // And it would drop the body that must not follow the answer to HEAD.
        let response = response.map(|body| if head { SdkBody::empty() } else { SdkBody::from_body_1_x(body) });
        HttpResponse::try_from(response).map_err(|source| ConnectorError::other(source.into(), None))
    }
}

fn named_blobs(transaction: &Transaction) -> Result<HashSet<String>, rusqlite::Error> {
    let mut select = transaction.prepare(
        "SELECT piece.value ->> 0 FROM object, json_each(object.pieces) AS piece
         UNION ALL SELECT piece.value ->> 0 FROM version, json_each(version.pieces) AS piece
         UNION ALL SELECT blob FROM part",
    )?;
    let names = select.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Takes the five digests that a request may spell out.
macro_rules! given {
    ($input:expr) => {
        Checksum {
            checksum_crc32: $input.checksum_crc32.take(),
            checksum_crc32c: $input.checksum_crc32c.take(),
            checksum_crc64nvme: $input.checksum_crc64nvme.take(),
            checksum_sha1: $input.checksum_sha1.take(),
            checksum_sha256: $input.checksum_sha256.take(),
            checksum_type: None,
        }
    };
}

/// Spells out the five digests in an answer.
macro_rules! told {
    ($sums:expr, $output:ident { $($fields:tt)* }) => {{
        let sums: Checksum = $sums;
        $output {
            checksum_crc32: sums.checksum_crc32,
            checksum_crc32c: sums.checksum_crc32c,
            checksum_crc64nvme: sums.checksum_crc64nvme,
            checksum_sha1: sums.checksum_sha1,
            checksum_sha256: sums.checksum_sha256,
            $($fields)*
        }
    }};
}

/// What a caller asks of the object that is there.
struct Condition {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
}

impl Condition {
    /// Whether the writer may go on.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    fn decide(&self, existing: Option<&Object>) -> S3Result<()> {
        let etag = existing.map(|object| object.etag.as_str());
        if self.if_match.is_some() && etag.is_none() {
            return Err(no_such_key());
        }
        if self.is_unmatched(etag) || self.is_matched_by_none(etag) {
            return Err(precondition_failed());
        }
        Ok(())
    }

    /// Whether the reader gets the object; one who has it already is told so.
    fn decide_read(&self, object: &Object) -> S3Result<()> {
        let etag = Some(object.etag.as_str());
        if self.is_unmatched(etag) {
            return Err(precondition_failed());
        }
        if self.is_matched_by_none(etag) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }

    fn is_unmatched(&self, etag: Option<&str>) -> bool {
        let if_match = self.if_match.as_ref();
        if_match.is_some_and(|condition| !names(condition, etag))
    }

    fn is_matched_by_none(&self, etag: Option<&str>) -> bool {
        let if_none_match = self.if_none_match.as_ref();
        if_none_match.is_some_and(|condition| names(condition, etag))
    }
}

fn names(condition: &ETagCondition, etag: Option<&str>) -> bool {
    match condition {
        ETagCondition::Any => etag.is_some(),
        ETagCondition::ETag(asked) => etag == Some(asked.value()),
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

impl Object {
    /// Makes the object visible if `condition` holds; returns the id of its version, where the bucket is versioned, and
    /// the pieces of the object that was there, where they go.
    fn write(
        &self,
        transaction: &Transaction,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<(Option<String>, Vec<Piece>), Refusal> {
        let existing = Object::find(transaction, bucket, key)?;
        condition.decide(existing.as_ref())?;
        self.insert(transaction, "object", &[("bucket", &bucket), ("key", &key)])?;
        let version = versions::add(transaction, bucket, key, self)?;
        let replaced = existing.filter(|_| version.is_none()).map(|object| object.pieces);
        Ok((version, replaced.unwrap_or_default()))
    }

    /// The version with that id, or the newest one.
    fn find_version(
        transaction: &Transaction,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, Refusal> {
        let Some(id) = version else {
            return Ok(Object::find(transaction, bucket, key)?.ok_or_else(no_such_key)?);
        };
        let found = match versions::is_versioned(transaction, bucket)? {
            true => versions::find(transaction, bucket, key, id)?,
            false => Object::find(transaction, bucket, key)?.filter(|_| id == versions::NULL),
        };
        Ok(found.ok_or_else(|| s3_error!(NoSuchVersion, "The specified version does not exist."))?)
    }

    fn etag(&self) -> Option<ETag> {
        Some(ETag::Strong(self.etag.clone()))
    }

    fn modified(&self) -> Option<Timestamp> {
        Some(timestamp(self.modified_ms))
    }

    /// Digests are told only to those who ask, and of whole objects only.
    fn tell(&self, mode: Option<&ChecksumMode>, whole: bool) -> Checksum {
        match mode {
            Some(mode) if whole && mode.as_str() == ChecksumMode::ENABLED => self.kept.tell(),
            _ => Checksum::default(),
        }
    }
}

fn check_metadata(metadata: Option<Metadata>) -> S3Result<Metadata> {
    let metadata = metadata.unwrap_or_default();
    let weight = metadata.iter().map(|(name, value)| name.len() + value.len());
    if weight.sum::<usize>() > METADATA_BYTES_MAX {
        return Err(s3_error!(MetadataTooLarge));
    }
    Ok(metadata)
}

/// Names a multipart upload: its id counts only together with the key it was made for.
#[derive(Clone)]
struct UploadKey {
    id: String,
    bucket: String,
    key: String,
}

impl UploadKey {
    fn find(&self, transaction: &Transaction) -> Result<Upload, Refusal> {
        let upload = transaction
            .prepare_cached(
                "SELECT content_type, metadata, algorithm, composite
                 FROM upload WHERE id = ?1 AND bucket = ?2 AND key = ?3",
            )?
            .query_row([&self.id, &self.bucket, &self.key], |row| {
                let (metadata, algorithm): (String, Option<String>) = (row.get(1)?, row.get(2)?);
                Ok(Upload {
                    content_type: row.get(0)?,
                    metadata: serde_json::from_str(&metadata).unwrap_or_default(),
                    algorithm: algorithm.as_deref().and_then(Algorithm::named),
                    composite: row.get(3)?,
                })
            })
            .optional()?;
        upload.ok_or_else(|| {
            Refusal(s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                 aborted or completed."
            ))
        })
    }

    /// Ends the upload; returns the files of the parts that nothing was made of.
    fn end(&self, transaction: &Transaction, used: &[Piece]) -> Result<Vec<Piece>, Refusal> {
        let used: HashSet<&str> = used.iter().map(|Piece(name, _)| name.as_str()).collect();
        let stored = parts(transaction, &self.id, 0)?.into_iter();
        let unused = stored.map(|(_, part)| part.piece).filter(|Piece(name, _)| !used.contains(name.as_str()));
        transaction.execute("DELETE FROM part WHERE upload = ?1", [&self.id])?;
        transaction.execute("DELETE FROM upload WHERE id = ?1", [&self.id])?;
        Ok(unused.collect())
    }
}

/// A multipart upload under way.
struct Upload {
    content_type: Option<String>,
    metadata: HashMap<String, String>,
    /// What its creator asked for.
    algorithm: Option<Algorithm>,
    composite: bool,
}

impl Upload {
    fn kept_algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(checksum::DEFAULT)
    }

    /// The object that the listed parts make, in their order.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
    fn join(self, listed: Vec<CompletedPart>, stored: Vec<(i32, StoredPart)>, modified_ms: u64) -> S3Result<Object> {
        if !listed.is_sorted_by(|left, right| left.part_number < right.part_number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        let algorithm = self.kept_algorithm();
        let mut stored: HashMap<i32, StoredPart> = stored.into_iter().collect();
        let mut md5 = Md5::new();
        let (mut pieces, mut sums) = (Vec::new(), Vec::new());
        let last = listed.len() - 1;
        for (place, mut part) in listed.into_iter().enumerate() {
            let number = part.part_number.unwrap_or_default();
            let given = given!(part);
            let etag = part.e_tag.as_ref().map(ETag::value);
            let found = stored.remove(&number).filter(|found| etag == Some(&found.etag));
            let found = found.ok_or_else(|| {
                s3_error!(
                    InvalidPart,
                    "One or more of the specified parts could not be found. The part may not have been uploaded, or \
                     the specified entity tag may not match the part's entity tag."
                )
            })?;
            let kept = Kept { algorithm, value: found.checksum, composite: false };
            if self.composite && !kept.is_given(given.clone()) {
                let name = algorithm.name().to_ascii_lowercase();
                return Err(s3_error!(
                    InvalidRequest,
                    "The upload was created using a {name} checksum. The complete request must include the checksum \
                     for each part. It was missing for part {number} in the request."
                ));
            }
            if !kept.agrees_with(given) {
                return Err(s3_error!(InvalidPart, "The checksum of part {number} does not match."));
            }
            if place < last && found.piece.1 < PART_BYTES_MIN {
                return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
            }
            let digest = hex::decode(&found.etag).map_err(S3Error::internal_error)?;
            md5.update(&digest);
            sums.push((kept.value, found.piece.1));
            pieces.push(found.piece);
        }
        Ok(Object {
            etag: format!("{}-{}", hex::encode(md5.finalize()), pieces.len()),
            size: pieces.iter().map(|Piece(_, size)| size).sum(),
            modified_ms,
            content_type: self.content_type,
            metadata: self.metadata,
            kept: Kept::of_parts(algorithm, self.composite, &sums)?,
            pieces,
        })
    }
}

struct StoredPart {
    etag: String,
    modified_ms: u64,
    checksum: String,
    piece: Piece,
}

impl StoredPart {
    /// Puts the part in its place; returns the file of the part that was there.
    fn write(self, transaction: &Transaction, upload: &str, number: i32) -> Result<Option<Piece>, Refusal> {
        let replaced = transaction
            .query_row(
                "SELECT blob, size FROM part WHERE upload = ?1 AND number = ?2",
                params![upload, number],
                |row| Ok(Piece(row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Piece(blob, size) = self.piece;
        transaction.execute(
            "INSERT OR REPLACE INTO part (upload, number, etag, size, modified_ms, checksum, blob)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![upload, number, self.etag, size, self.modified_ms, self.checksum, blob],
        )?;
        Ok(replaced)
    }
}

/// The parts of an upload numbered above `after`, in their order.
fn parts(transaction: &Transaction, upload: &str, after: i32) -> Result<Vec<(i32, StoredPart)>, Refusal> {
    let mut select = transaction.prepare_cached(
        "SELECT number, etag, size, modified_ms, checksum, blob FROM part
         WHERE upload = ?1 AND number > ?2 ORDER BY number",
    )?;
    let rows = select.query_map(params![upload, after], |row| {
        let part = StoredPart {
            etag: row.get(1)?,
            modified_ms: row.get(3)?,
            checksum: row.get(4)?,
            piece: Piece(row.get(5)?, row.get(2)?),
        };
        Ok((row.get(0)?, part))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[derive(Clone)]
struct Buckets {
    store: Arc<Store>,
    blobs: Blobs,
    clock: Clock,
    carried_out: Arc<LastDay>,
}

impl Buckets {
    fn now(&self) -> u64 {
        u64::try_from(millis(&self.clock)).unwrap_or_default()
    }

    /// Does what lifecycle rules ask for, once a day.
    async fn carry_out_rules(&self) -> S3Result<()> {
        let now = self.now();
        if !self.carried_out.has_passed(now) {
            return Ok(());
        }
        let carried_out = self.commit(None, move |transaction| Ok(((), lifecycle::carry_out(transaction, now)?))).await;
        carried_out.inspect_err(|_| self.carried_out.forget())
    }

    /// Brings a body to disk and holds it to what its sender claims; returns it with the digest to keep.
    async fn take_in(
        &self,
        body: Option<StreamingBlob>,
        claims: Claims,
        algorithm: Algorithm,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<(Blob, Kept)> {
        let mut blob = self.blobs.write(body, claims.hasher(algorithm)).await?;
        let trailers = trailers.and_then(|trailers| trailers.take());
        let md5 = blob.md5;
        claims.verify(trailers, md5, &mut blob.sums)?;
        let kept = Kept::of_whole(algorithm, &mut blob.sums);
        Ok((blob, kept))
    }

    /// Makes what `work` writes visible: from then on `blob` is named, and what it replaced is removed.
    ///
    /// All of it in one go that finishes even if the caller gives up: a blob's fate follows the transaction's.
    async fn commit<T: Send + 'static>(
        &self,
        blob: Option<Blob>,
        work: impl FnOnce(&Transaction) -> Result<(T, Vec<Piece>), Refusal> + Send + 'static,
    ) -> S3Result<T> {
        let (store, blobs) = (self.store.clone(), self.blobs.clone());
        let committed = spawn_blocking(move || {
            let (answer, replaced) = store.transact(work)?;
            if let Some(blob) = blob {
                blob.keep();
            }
            blobs.remove(&replaced);
            Ok::<T, Refusal>(answer)
        });
        Ok(committed.await.map_err(S3Error::internal_error)??)
    }
}

#[async_trait]
impl s3s::S3 for Buckets {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let CreateBucketInput {
            bucket,
            create_bucket_configuration: configuration,
            object_lock_enabled_for_bucket: locks,
            ..
        } = request.input;
        let location = configuration.and_then(|configuration| configuration.location_constraint);
        if location.is_none_or(|location| location.as_str() != REGION) {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The location constraint is incompatible for the region specific endpoint this request was sent to."
            ));
        }
        let location = format!("/{bucket}");
        self.store
            .run(move |transaction| {
                let created = transaction.execute("INSERT OR IGNORE INTO bucket (name) VALUES (?1)", [&bucket])?;
                if created > 0 && locks == Some(true) {
                    versions::enable(transaction, &bucket)?;
                    legal_hold::enable(transaction, &bucket)?;
                }
                match created {
                    0 => Err(Refusal(s3_error!(
                        BucketAlreadyOwnedByYou,
                        "Your previous request to create the named bucket succeeded and you already own it."
                    ))),
                    _ => Ok(()),
                }
            })
            .await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(location) }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket = request.input.bucket;
        self.store.run(move |transaction| check_bucket(transaction, &bucket)).await?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..HeadBucketOutput::default() }))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (mut input, headers) = (request.input, request.headers);
        if input.object_lock_mode.is_some() {
            return Err(s3_error!(NotImplemented, "Retentions of single objects are not embedded"));
        }
        let hold = input.object_lock_legal_hold_status;
        let claims = Claims::read(input.content_md5, given!(input), &headers);
        let metadata = check_metadata(input.metadata)?;
        let algorithm = claims.algorithms.first().copied();
        let algorithm = algorithm.unwrap_or(checksum::DEFAULT);
        let trailers = request.trailing_headers;
        let (blob, kept) = self.take_in(input.body, claims, algorithm, trailers).await?;

        let object = Object {
            etag: hex::encode(blob.md5),
            size: blob.piece.1,
            modified_ms: self.now(),
            content_type: input.content_type,
            metadata,
            kept,
            pieces: vec![blob.piece.clone()],
        };
        let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
        let (object, version_id) = self
            .commit(Some(blob), move |transaction| {
                let (version, replaced) = object.write(transaction, &input.bucket, &input.key, &condition)?;
                if let Some(hold) = hold {
                    versions::hold(transaction, (&input.bucket, &input.key, version.as_deref()), hold.as_str())?;
                }
                Ok(((object, version), replaced))
            })
            .await?;
        let sums = object.kept.tell();
        let (e_tag, checksum_type) = (object.etag(), sums.checksum_type.clone());
        Ok(S3Response::new(told!(
            sums,
            PutObjectOutput { e_tag, checksum_type, version_id, ..PutObjectOutput::default() }
        )))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        if input.part_number.is_some() {
            return Err(s3_error!(NotImplemented, "partNumber is not embedded"));
        }
        let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
        let (blobs, bucket, key, asked) = (self.blobs.clone(), input.bucket, input.key, input.range);
        let (object, range, reader) = self
            .store
            .run(move |transaction| {
                let object = Object::find_version(transaction, &bucket, &key, input.version_id.as_deref())?;
                condition.decide_read(&object)?;
                let range = match asked {
                    Some(asked) => asked.check(object.size).map_err(S3Error::from)?,
                    None => 0..object.size,
                };
                // Opened before anyone can replace the object, so that a reader sees it whole.
                let reader = blobs.read(&object.pieces, range.start, range.end - range.start)?;
                Ok::<_, Refusal>((object, range, reader))
            })
            .await?;
        let content_range = asked.map(|_| {
            let (first, last) = (range.start, range.end.saturating_sub(1));
            format!("bytes {first}-{last}/{}", object.size)
        });
        let sums = object.tell(input.checksum_mode.as_ref(), asked.is_none());
        let status = if asked.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let output = told!(
            sums.clone(),
            GetObjectOutput {
                accept_ranges: Some("bytes".to_owned()),
                body: Some(reader.stream()),
                checksum_type: sums.checksum_type,
                content_length: Some((range.end - range.start) as i64),
                content_range,
                e_tag: object.etag(),
                last_modified: object.modified(),
                content_type: Some(content_type(object.content_type)),
                metadata: Some(object.metadata),
                ..GetObjectOutput::default()
            }
        );
        Ok(S3Response::with_status(output, status))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        if input.part_number.is_some() || input.range.is_some() {
            return Err(s3_error!(NotImplemented, "partNumber and Range are not embedded"));
        }
        let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
        let (object, kept, hold) = self
            .store
            .run(move |transaction| {
                let (bucket, key, version) = (&input.bucket, &input.key, input.version_id.as_deref());
                let object = Object::find_version(transaction, bucket, key, version)?;
                condition.decide_read(&object)?;
                let kept = versions::kept(transaction, bucket, key, version)?;
                let hold = match &kept {
                    Some((id, _)) => legal_hold::status(transaction, (bucket, key, id))?,
                    None => None,
                };
                Ok::<_, Refusal>((object, kept, hold))
            })
            .await?;
        let sums = object.tell(input.checksum_mode.as_ref(), true);
        let (version_id, retention) = kept.unzip();
        let retention = retention.flatten();
        Ok(S3Response::new(told!(
            sums.clone(),
            HeadObjectOutput {
                accept_ranges: Some("bytes".to_owned()),
                checksum_type: sums.checksum_type,
                content_length: Some(object.size as i64),
                e_tag: object.etag(),
                last_modified: object.modified(),
                content_type: Some(content_type(object.content_type)),
                metadata: Some(object.metadata),
                version_id,
                object_lock_mode: retention.as_ref().map(Retention::mode),
                object_lock_retain_until_date: retention.as_ref().map(Retention::until),
                object_lock_legal_hold_status: hold.map(ObjectLockLegalHoldStatus::from),
                ..HeadObjectOutput::default()
            }
        )))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let max = input.max_keys.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
        let token = input.continuation_token.as_deref().map(Token::read).transpose()?;
        let mut page = Page {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after: token.or(input.start_after.clone().map(Token::Key)),
            room: usize::try_from(max).unwrap_or_default(),
            contents: Vec::new(),
            common_prefixes: Vec::new(),
            next: None,
        };
        let bucket = input.bucket.clone();
        let page = self
            .store
            .run(move |transaction| {
                check_bucket(transaction, &bucket)?;
                page.fill(transaction, &bucket)?;
                Ok::<_, Refusal>(page)
            })
            .await?;
        let count = page.contents.len() + page.common_prefixes.len();
        let prefixes = page.common_prefixes.into_iter();
        let prefixes = prefixes.map(|prefix| CommonPrefix { prefix: Some(prefix) });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            start_after: input.start_after,
            max_keys: Some(max),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|token| token.write()),
            contents: Some(page.contents),
            common_prefixes: Some(prefixes.collect()),
            ..ListObjectsV2Output::default()
        }))
    }

    /// Copies an object within its bucket. As in S3, the copy is an object of its own that keeps the content type and
    /// the metadata.
    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let (input, headers) = (request.input, request.headers);
        let is_locked = input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
        let replaces = input.metadata_directive.is_some_and(|directive| directive.as_str() != MetadataDirective::COPY);
        let CopySource::Bucket { bucket: from, key: source, version_id: None } = input.copy_source else {
            return Err(s3_error!(NotImplemented, "Only the newest version of an object is copied"));
        };
        if is_locked || replaces || *from != *input.bucket {
            return Err(s3_error!(NotImplemented, "Only plain copies within a bucket are embedded"));
        }
        let (blobs, bucket) = (self.blobs.clone(), input.bucket.clone());
        let (object, reader) = self
            .store
            .run(move |transaction| {
                let object = Object::find_version(transaction, &bucket, &source, None)?;
                let reader = blobs.read(&object.pieces, 0, object.size)?;
                Ok::<_, Refusal>((object, reader))
            })
            .await?;
        let asked = input.checksum_algorithm.as_ref().and_then(|asked| Algorithm::named(asked.as_str()));
        let algorithm = asked.unwrap_or(object.kept.algorithm);
        let claims = Claims::read(None, Checksum::default(), &http::HeaderMap::new());
        let (blob, kept) = self.take_in(Some(reader.stream()), claims, algorithm, None).await?;
        let pieces = vec![blob.piece.clone()];
        let copy = Object { etag: hex::encode(blob.md5), modified_ms: self.now(), kept, pieces, ..object };
        // The DTO lacks this header, which S3 takes.
        let if_none_match = headers.contains_key(header::IF_NONE_MATCH).then_some(ETagCondition::Any);
        let condition = Condition { if_match: None, if_none_match };
        let (copy, version_id) = self
            .commit(Some(blob), move |transaction| {
                let (version, replaced) = copy.write(transaction, &input.bucket, &input.key, &condition)?;
                Ok(((copy, version), replaced))
            })
            .await?;
        let (e_tag, last_modified) = (copy.etag(), copy.modified());
        let sums = copy.kept.tell();
        let result = told!(sums.clone(), CopyObjectResult { checksum_type: sums.checksum_type, e_tag, last_modified });
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            version_id,
            ..CopyObjectOutput::default()
        }))
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let PutBucketLifecycleConfigurationInput { bucket, lifecycle_configuration: asked, .. } = request.input;
        let rules = asked.map(|asked| asked.rules).unwrap_or_default();
        self.store.run(move |transaction| lifecycle::put(transaction, &bucket, rules)).await?;
        self.carried_out.forget();
        Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let bucket = request.input.bucket;
        let rules = self.store.run(move |transaction| lifecycle::get(transaction, &bucket)).await?;
        let output = GetBucketLifecycleConfigurationOutput { rules: Some(rules), ..Default::default() };
        Ok(S3Response::new(output))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput { bucket, key, if_match, version_id, bypass_governance_retention: bypasses, .. } =
            request.input;
        let (condition, now) = (Condition { if_match, if_none_match: None }, self.now());
        let output = self
            .commit(None, move |transaction| {
                let is_versioned = versions::is_versioned(transaction, &bucket)?;
                // In a bucket without versions, that is the object itself.
                if let Some(id) = version_id.filter(|id| is_versioned || id != versions::NULL) {
                    let place = (bucket.as_str(), key.as_str(), id.as_str());
                    let pieces = versions::delete(transaction, place, (now, bypasses.unwrap_or_default()))?;
                    return Ok((DeleteObjectOutput { version_id: Some(id), ..Default::default() }, pieces));
                }
                let existing = Object::find(transaction, &bucket, &key)?;
                condition.decide(existing.as_ref())?;
                if is_versioned {
                    let marker = Some(versions::mark(transaction, &bucket, &key, now)?);
                    let output =
                        DeleteObjectOutput { delete_marker: Some(true), version_id: marker, ..Default::default() };
                    return Ok((output, Vec::new()));
                }
                transaction.execute("DELETE FROM object WHERE bucket = ?1 AND key = ?2", [&bucket, &key])?;
                let pieces = existing.map(|object| object.pieces).unwrap_or_default();
                Ok((DeleteObjectOutput::default(), pieces))
            })
            .await?;
        Ok(S3Response::new(output))
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let PutBucketVersioningInput { bucket, versioning_configuration: asked, .. } = request.input;
        if asked.status.is_none_or(|status| status.as_str() != BucketVersioningStatus::ENABLED) {
            return Err(s3_error!(NotImplemented, "Versioning is not embedded but as Enabled"));
        }
        self.store.run(move |transaction| versions::enable(transaction, &bucket)).await?;
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let bucket = request.input.bucket;
        let is_versioned = self.store.run(move |transaction| versions::is_versioned(transaction, &bucket)).await?;
        let status = is_versioned.then(|| BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() }))
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "Delimiter of versions is not embedded"));
        }
        let room = input.max_keys.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
        let page = self.store.run(move |transaction| versions::list(transaction, input, room)).await?;
        Ok(S3Response::new(page))
    }

    async fn put_object_lock_configuration(
        &self,
        request: S3Request<PutObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
        let PutObjectLockConfigurationInput { bucket, object_lock_configuration: asked, .. } = request.input;
        let retention = asked.and_then(|asked| asked.rule?.default_retention);
        let retention = match retention {
            None => None,
            Some(DefaultRetention { mode: Some(mode), days: Some(days), years: None }) if days > 0 => {
                Some((mode.as_str().to_owned(), days))
            }
            Some(_) => return Err(s3_error!(MalformedXML, "A default retention has a mode and days")),
        };
        self.store.run(move |transaction| versions::lock(transaction, &bucket, retention)).await?;
        Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
    }

    async fn get_object_lock_configuration(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        let bucket = request.input.bucket;
        let (is_enabled, retention) = self
            .store
            .run(move |transaction| {
                let is_enabled = legal_hold::is_enabled(transaction, &bucket)?;
                Ok::<_, Refusal>((is_enabled, versions::retention(transaction, &bucket)?))
            })
            .await?;
        if !is_enabled {
            return Err(s3_error!(
                ObjectLockConfigurationNotFoundError,
                "Object Lock configuration does not exist for this bucket"
            ));
        }
        let rule = retention.map(|retention| ObjectLockRule { default_retention: Some(retention) });
        let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
        let configuration = Some(ObjectLockConfiguration { object_lock_enabled: enabled, rule });
        Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration: configuration }))
    }

    async fn put_object_legal_hold(
        &self,
        request: S3Request<PutObjectLegalHoldInput>,
    ) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
        let PutObjectLegalHoldInput { bucket, key, version_id, legal_hold: asked, .. } = request.input;
        let status = asked.and_then(|asked| asked.status).map(|status| status.as_str().to_owned()).unwrap_or_default();
        self.store
            .run(move |transaction| versions::hold(transaction, (&bucket, &key, version_id.as_deref()), &status))
            .await?;
        Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
    }

    async fn get_object_legal_hold(
        &self,
        request: S3Request<GetObjectLegalHoldInput>,
    ) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
        let GetObjectLegalHoldInput { bucket, key, version_id, .. } = request.input;
        let status = self
            .store
            .run(move |transaction| versions::held(transaction, (&bucket, &key, version_id.as_deref())))
            .await?;
        let legal_hold = Some(ObjectLockLegalHold { status: Some(status.into()) });
        Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let metadata = to_json(&check_metadata(input.metadata)?)?;
        let algorithm = match &input.checksum_algorithm {
            None => None,
            Some(name) => Some(
                Algorithm::named(name.as_str())
                    .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))?,
            ),
        };
        let full = match &input.checksum_type {
            Some(kind) => kind.as_str() == ChecksumType::FULL_OBJECT,
            None => matches!(algorithm, None | Some(Algorithm::Crc64Nvme)),
        };
        if full && matches!(algorithm, Some(Algorithm::Sha1 | Algorithm::Sha256))
            || !full && matches!(algorithm, None | Some(Algorithm::Crc64Nvme))
        {
            return Err(s3_error!(InvalidRequest, "The checksum type is not supported with this checksum algorithm."));
        }
        let id = Uuid::new_v4().simple().to_string();
        let (bucket, key, upload) = (input.bucket.clone(), input.key.clone(), id.clone());
        self.store
            .run(move |transaction| {
                check_bucket(transaction, &bucket)?;
                transaction.execute(
                    "INSERT INTO upload (id, bucket, key, content_type, metadata, algorithm, composite)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![upload, bucket, key, input.content_type, metadata, algorithm.map(Algorithm::name), !full,],
                )?;
                Ok::<_, Refusal>(())
            })
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let (mut input, headers) = (request.input, request.headers);
        let number = input.part_number;
        if !(1..=PARTS_MAX).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and {PARTS_MAX}, inclusive"
            ));
        }
        let claims = Claims::read(input.content_md5, given!(input), &headers);
        let asked = UploadKey { id: input.upload_id, bucket: input.bucket, key: input.key };
        let same = asked.clone();
        let upload = self.store.run(move |transaction| asked.find(transaction)).await?;
        if let Some(expected) = upload.algorithm
            && let Some(other) = claims.algorithms.iter().find(|claimed| **claimed != expected)
        {
            let (expected, actual) = (expected.name(), other.name());
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
            ));
        }
        let algorithm = upload.kept_algorithm();
        let claimed = claims.algorithms.first().copied();
        let trailers = request.trailing_headers;
        let (mut blob, kept) = self.take_in(input.body, claims, algorithm, trailers).await?;
        let told = match claimed {
            Some(claimed) if claimed != algorithm => Kept::of_whole(claimed, &mut blob.sums),
            _ => kept.clone(),
        };

        let part = StoredPart {
            etag: hex::encode(blob.md5),
            modified_ms: self.now(),
            checksum: kept.value,
            piece: blob.piece.clone(),
        };
        let etag = ETag::Strong(part.etag.clone());
        self.commit(Some(blob), move |transaction| {
            // It may have been completed or aborted while the bytes flowed.
            same.find(transaction)?;
            let replaced = part.write(transaction, &same.id, number)?;
            Ok(((), replaced.into_iter().collect()))
        })
        .await?;
        Ok(S3Response::new(told!(told.tell(), UploadPartOutput { e_tag: Some(etag), ..UploadPartOutput::default() })))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let max = input.max_parts.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let after = input.part_number_marker.unwrap_or_default();
        let asked = UploadKey { id: input.upload_id, bucket: input.bucket, key: input.key };
        let wanted = asked.clone();
        let (upload, mut parts) = self
            .store
            .run(move |transaction| {
                let upload = wanted.find(transaction)?;
                Ok::<_, Refusal>((upload, parts(transaction, &wanted.id, after)?))
            })
            .await?;
        let page = usize::try_from(max).unwrap_or_default();
        let is_truncated = parts.len() > page;
        parts.truncate(page);
        let last = parts.last().map(|(number, _)| *number);
        let show = |(number, part): (i32, StoredPart)| {
            // A digest that nobody asked for is not told.
            let kept = upload.algorithm.map(|algorithm| Kept { algorithm, value: part.checksum, composite: false });
            let sums = kept.map(|kept| kept.tell()).unwrap_or_default();
            told!(
                sums,
                Part {
                    e_tag: Some(ETag::Strong(part.etag)),
                    last_modified: Some(timestamp(part.modified_ms)),
                    part_number: Some(number),
                    size: Some(part.piece.1 as i64),
                }
            )
        };
        Ok(S3Response::new(ListPartsOutput {
            parts: Some(parts.into_iter().map(show).collect()),
            bucket: Some(asked.bucket),
            key: Some(asked.key),
            upload_id: Some(asked.id),
            max_parts: Some(max),
            part_number_marker: Some(after),
            is_truncated: Some(is_truncated),
            next_part_number_marker: last.filter(|_| is_truncated),
            ..ListPartsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let mut input = request.input;
        let given = given!(input);
        let listed = input.multipart_upload.and_then(|upload| upload.parts);
        let listed = listed
            .filter(|parts| !parts.is_empty())
            .ok_or_else(|| s3_error!(InvalidRequest, "You must specify at least one part"))?;
        let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
        let asked = UploadKey { id: input.upload_id, bucket: input.bucket, key: input.key };
        let (wanted, now) = (asked.clone(), self.now());
        let (object, version_id) = self
            .commit(None, move |transaction| {
                let upload = wanted.find(transaction)?;
                let stored = parts(transaction, &wanted.id, 0)?;
                let object = upload.join(listed, stored, now)?;
                if !object.kept.agrees_with(given) {
                    return Err(s3_error!(BadDigest, "The checksum you specified did not match.").into());
                }
                let (version, mut gone) = object.write(transaction, &wanted.bucket, &wanted.key, &condition)?;
                gone.extend(wanted.end(transaction, &object.pieces)?);
                Ok(((object, version), gone))
            })
            .await?;
        let sums = object.kept.tell();
        Ok(S3Response::new(told!(
            sums.clone(),
            CompleteMultipartUploadOutput {
                location: Some(format!("https://{}.s3.{}.amazonaws.com/{}", asked.bucket, REGION, asked.key)),
                bucket: Some(asked.bucket),
                key: Some(asked.key),
                e_tag: object.etag(),
                checksum_type: sums.checksum_type,
                version_id,
                ..CompleteMultipartUploadOutput::default()
            }
        )))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, key, upload_id: id, .. } = request.input;
        let asked = UploadKey { id, bucket, key };
        self.commit(None, move |transaction| {
            asked.find(transaction)?;
            Ok(((), asked.end(transaction, &[])?))
        })
        .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn content_type(stored: Option<String>) -> String {
    stored.unwrap_or_else(|| "binary/octet-stream".to_owned())
}

/// Where the next page of a listing begins: behind a key, or behind all keys that a common prefix stands for.
enum Token {
    Key(String),
    CommonPrefix(String),
}

impl Token {
    fn write(&self) -> String {
        STANDARD.encode(match self {
            Token::Key(key) => format!("k{key}"),
            Token::CommonPrefix(prefix) => format!("p{prefix}"),
        })
    }

    fn read(token: &str) -> S3Result<Token> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            match text.split_at_checked(1)? {
                ("k", key) => Some(Token::Key(key.to_owned())),
                ("p", prefix) => Some(Token::CommonPrefix(prefix.to_owned())),
                _ => None,
            }
        };
        read().ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
    }
}

/// One page of a listing, as it fills.
struct Page {
    prefix: String,
    delimiter: Option<String>,
    after: Option<Token>,
    room: usize,
    contents: Vec<s3s::dto::Object>,
    common_prefixes: Vec<String>,
    /// Set when keys are left over.
    next: Option<Token>,
}

impl Page {
    fn fill(&mut self, transaction: &Transaction, bucket: &str) -> Result<(), Refusal> {
        // Keys are compared by their UTF-8 bytes, here as in S3; every key of a prefix lies at or behind it.
        let after = match self.after.take() {
            Some(Token::Key(key)) => key,
            Some(Token::CommonPrefix(prefix)) => {
                self.common_prefixes.push(prefix.clone());
                prefix
            }
            None => String::new(),
        };
        // The prefix that the last page ended with stands first, so as to be recognised, and does not count.
        let seen = self.common_prefixes.len();
        let mut last = Token::Key(after.clone());
        let mut select = transaction.prepare_cached(
            "SELECT key, etag, size, modified_ms, algorithm FROM object
             WHERE bucket = ?1 AND key > ?2 AND key >= ?3 ORDER BY key",
        )?;
        let mut rows = select.query([bucket, &after, &self.prefix])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let Some(rest) = key.strip_prefix(&self.prefix) else {
                break;
            };
            let cut = self.delimiter.as_ref();
            let cut = cut.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let common = cut.map(|cut| key[..self.prefix.len() + cut].to_owned());
            if common.is_some() && common.as_ref() == self.common_prefixes.last() {
                continue;
            }
            if self.contents.len() + self.common_prefixes.len() - seen == self.room {
                self.next = (self.room > 0).then_some(last);
                break;
            }
            match common {
                Some(prefix) => {
                    last = Token::CommonPrefix(prefix.clone());
                    self.common_prefixes.push(prefix);
                }
                None => {
                    last = Token::Key(key.clone());
                    let etag: String = row.get(1)?;
                    let algorithm: String = row.get(4)?;
                    self.contents.push(s3s::dto::Object {
                        key: Some(key),
                        e_tag: Some(ETag::Strong(etag)),
                        size: Some(row.get(2)?),
                        last_modified: Some(timestamp(row.get(3)?)),
                        checksum_algorithm: Some(vec![ChecksumAlgorithm::from(algorithm)]),
                        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                        ..s3s::dto::Object::default()
                    });
                }
            }
        }
        self.common_prefixes.drain(..seen);
        Ok(())
    }
}
