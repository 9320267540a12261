//! Objects: PutObject, GetObject, HeadObject, CopyObject, DeleteObject.

use http::{StatusCode, header};
use rusqlite::Transaction;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::blob::Piece;
use super::buckets::Buckets;
use super::checksum::{self, Algorithm, Claims, given, told};
use super::condition::{Condition, no_such_key};
use super::legal_hold;
use super::object::{Object, Refusal, timestamp};
use super::versions::{self, Retention};

/// The most bytes of an object's own metadata, names and values together.
const METADATA_BYTES_MAX: usize = 2048;

impl Object {
    /// Makes the object visible if `condition` holds; returns the id of its version, where the bucket is versioned, and
    /// the pieces of the object that was there, where they go.
    pub(super) fn write(
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

    pub(super) fn etag(&self) -> Option<ETag> {
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

pub(super) fn check_metadata(metadata: Option<Metadata>) -> S3Result<Metadata> {
    let metadata = metadata.unwrap_or_default();
    let weight = metadata.iter().map(|(name, value)| name.len() + value.len());
    if weight.sum::<usize>() > METADATA_BYTES_MAX {
        return Err(s3_error!(MetadataTooLarge));
    }
    Ok(metadata)
}

pub(super) async fn put(
    buckets: &Buckets,
    request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
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
    let (blob, kept) = buckets.take_in(input.body, claims, algorithm, trailers).await?;

    let object = Object {
        etag: hex::encode(blob.md5),
        size: blob.piece.1,
        modified_ms: buckets.now(),
        content_type: input.content_type,
        metadata,
        kept,
        pieces: vec![blob.piece.clone()],
    };
    let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
    let (object, version_id) = buckets
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
    Ok(S3Response::new(told!(sums, PutObjectOutput { e_tag, checksum_type, version_id, ..PutObjectOutput::default() })))
}

pub(super) async fn get(
    buckets: &Buckets,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    if input.part_number.is_some() {
        return Err(s3_error!(NotImplemented, "partNumber is not embedded"));
    }
    let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
    let (blobs, bucket, key, asked) = (buckets.blobs.clone(), input.bucket, input.key, input.range);
    let (object, range, reader) = buckets
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

pub(super) async fn head(
    buckets: &Buckets,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    if input.part_number.is_some() || input.range.is_some() {
        return Err(s3_error!(NotImplemented, "partNumber and Range are not embedded"));
    }
    let condition = Condition { if_match: input.if_match, if_none_match: input.if_none_match };
    let (object, kept, hold) = buckets
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

/// Copies an object within its bucket. As in S3, the copy is an object of its own that keeps the content type and
/// the metadata.
pub(super) async fn copy(
    buckets: &Buckets,
    request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let (input, headers) = (request.input, request.headers);
    let is_locked = input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
    let replaces = input.metadata_directive.is_some_and(|directive| directive.as_str() != MetadataDirective::COPY);
    let CopySource::Bucket { bucket: from, key: source, version_id: None } = input.copy_source else {
        return Err(s3_error!(NotImplemented, "Only the newest version of an object is copied"));
    };
    if is_locked || replaces || *from != *input.bucket {
        return Err(s3_error!(NotImplemented, "Only plain copies within a bucket are embedded"));
    }
    let (blobs, bucket) = (buckets.blobs.clone(), input.bucket.clone());
    let (object, reader) = buckets
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
    let (blob, kept) = buckets.take_in(Some(reader.stream()), claims, algorithm, None).await?;
    let pieces = vec![blob.piece.clone()];
    let copy = Object { etag: hex::encode(blob.md5), modified_ms: buckets.now(), kept, pieces, ..object };
    // The DTO lacks this header, which S3 takes.
    let if_none_match = headers.contains_key(header::IF_NONE_MATCH).then_some(ETagCondition::Any);
    let condition = Condition { if_match: None, if_none_match };
    let (copy, version_id) = buckets
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

pub(super) async fn delete(
    buckets: &Buckets,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let DeleteObjectInput { bucket, key, if_match, version_id, bypass_governance_retention: bypasses, .. } =
        request.input;
    let (condition, now) = (Condition { if_match, if_none_match: None }, buckets.now());
    let output = buckets
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
                let output = DeleteObjectOutput { delete_marker: Some(true), version_id: marker, ..Default::default() };
                return Ok((output, Vec::new()));
            }
            transaction.execute("DELETE FROM object WHERE bucket = ?1 AND key = ?2", [&bucket, &key])?;
            let pieces = existing.map(|object| object.pieces).unwrap_or_default();
            Ok((DeleteObjectOutput::default(), pieces))
        })
        .await?;
    Ok(S3Response::new(output))
}

fn content_type(stored: Option<String>) -> String {
    stored.unwrap_or_else(|| "binary/octet-stream".to_owned())
}
