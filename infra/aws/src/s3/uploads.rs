//! Multipart uploads: their parts, and the objects that are made of them.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use uuid::Uuid;

use super::blob::Piece;
use super::buckets::{Buckets, PAGE_MAX};
use super::checksum::{self, Algorithm, Claims, Kept, given, told};
use super::condition::Condition;
use super::object::{Object, Refusal, check_bucket, timestamp, to_json};
use super::objects::check_metadata;
use crate::engine::REGION;

/// The least a part weighs, save the last.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// The highest part number.
const PARTS_MAX: i32 = 10_000;

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

pub(super) async fn create(
    buckets: &Buckets,
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
    buckets
        .store
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

pub(super) async fn upload_part(
    buckets: &Buckets,
    request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let (mut input, headers) = (request.input, request.headers);
    let number = input.part_number;
    if !(1..=PARTS_MAX).contains(&number) {
        return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and {PARTS_MAX}, inclusive"));
    }
    let claims = Claims::read(input.content_md5, given!(input), &headers);
    let asked = UploadKey { id: input.upload_id, bucket: input.bucket, key: input.key };
    let same = asked.clone();
    let upload = buckets.store.run(move |transaction| asked.find(transaction)).await?;
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
    let (mut blob, kept) = buckets.take_in(input.body, claims, algorithm, trailers).await?;
    let told = match claimed {
        Some(claimed) if claimed != algorithm => Kept::of_whole(claimed, &mut blob.sums),
        _ => kept.clone(),
    };

    let part = StoredPart {
        etag: hex::encode(blob.md5),
        modified_ms: buckets.now(),
        checksum: kept.value,
        piece: blob.piece.clone(),
    };
    let etag = ETag::Strong(part.etag.clone());
    buckets
        .commit(Some(blob), move |transaction| {
            // It may have been completed or aborted while the bytes flowed.
            same.find(transaction)?;
            let replaced = part.write(transaction, &same.id, number)?;
            Ok(((), replaced.into_iter().collect()))
        })
        .await?;
    Ok(S3Response::new(told!(told.tell(), UploadPartOutput { e_tag: Some(etag), ..UploadPartOutput::default() })))
}

pub(super) async fn list_parts(
    buckets: &Buckets,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let max = input.max_parts.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let after = input.part_number_marker.unwrap_or_default();
    let asked = UploadKey { id: input.upload_id, bucket: input.bucket, key: input.key };
    let wanted = asked.clone();
    let (upload, mut parts) = buckets
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

pub(super) async fn complete(
    buckets: &Buckets,
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
    let (wanted, now) = (asked.clone(), buckets.now());
    let (object, version_id) = buckets
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

pub(super) async fn abort(
    buckets: &Buckets,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let AbortMultipartUploadInput { bucket, key, upload_id: id, .. } = request.input;
    let asked = UploadKey { id, bucket, key };
    buckets
        .commit(None, move |transaction| {
            asked.find(transaction)?;
            Ok(((), asked.end(transaction, &[])?))
        })
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
