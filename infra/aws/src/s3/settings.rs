//! Buckets: they are made, and have versions, locks and lifecycle rules.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::buckets::{Buckets, PAGE_MAX};
use super::object::{Refusal, check_bucket};
use super::{legal_hold, lifecycle, versions};
use crate::engine::REGION;

pub(super) async fn create_bucket(
    buckets: &Buckets,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
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
    buckets
        .store
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

pub(super) async fn head_bucket(
    buckets: &Buckets,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let bucket = request.input.bucket;
    buckets.store.run(move |transaction| check_bucket(transaction, &bucket)).await?;
    Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..HeadBucketOutput::default() }))
}

pub(super) async fn put_lifecycle(
    buckets: &Buckets,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
    let PutBucketLifecycleConfigurationInput { bucket, lifecycle_configuration: asked, .. } = request.input;
    let rules = asked.map(|asked| asked.rules).unwrap_or_default();
    buckets.store.run(move |transaction| lifecycle::put(transaction, &bucket, rules)).await?;
    buckets.carried_out.forget();
    Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
}

pub(super) async fn get_lifecycle(
    buckets: &Buckets,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
    let bucket = request.input.bucket;
    let rules = buckets.store.run(move |transaction| lifecycle::get(transaction, &bucket)).await?;
    let output = GetBucketLifecycleConfigurationOutput { rules: Some(rules), ..Default::default() };
    Ok(S3Response::new(output))
}

pub(super) async fn put_versioning(
    buckets: &Buckets,
    request: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let PutBucketVersioningInput { bucket, versioning_configuration: asked, .. } = request.input;
    if asked.status.is_none_or(|status| status.as_str() != BucketVersioningStatus::ENABLED) {
        return Err(s3_error!(NotImplemented, "Versioning is not embedded but as Enabled"));
    }
    buckets.store.run(move |transaction| versions::enable(transaction, &bucket)).await?;
    Ok(S3Response::new(PutBucketVersioningOutput::default()))
}

pub(super) async fn get_versioning(
    buckets: &Buckets,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let bucket = request.input.bucket;
    let is_versioned = buckets.store.run(move |transaction| versions::is_versioned(transaction, &bucket)).await?;
    let status = is_versioned.then(|| BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
    Ok(S3Response::new(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() }))
}

pub(super) async fn list_versions(
    buckets: &Buckets,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    if input.delimiter.is_some() {
        return Err(s3_error!(NotImplemented, "Delimiter of versions is not embedded"));
    }
    let room = input.max_keys.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
    let page = buckets.store.run(move |transaction| versions::list(transaction, input, room)).await?;
    Ok(S3Response::new(page))
}

pub(super) async fn put_lock(
    buckets: &Buckets,
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
    buckets.store.run(move |transaction| versions::lock(transaction, &bucket, retention)).await?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

pub(super) async fn get_lock(
    buckets: &Buckets,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    let bucket = request.input.bucket;
    let (is_enabled, retention) = buckets
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

pub(super) async fn put_legal_hold(
    buckets: &Buckets,
    request: S3Request<PutObjectLegalHoldInput>,
) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
    let PutObjectLegalHoldInput { bucket, key, version_id, legal_hold: asked, .. } = request.input;
    let status = asked.and_then(|asked| asked.status).map(|status| status.as_str().to_owned()).unwrap_or_default();
    buckets
        .store
        .run(move |transaction| versions::hold(transaction, (&bucket, &key, version_id.as_deref()), &status))
        .await?;
    Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
}

pub(super) async fn get_legal_hold(
    buckets: &Buckets,
    request: S3Request<GetObjectLegalHoldInput>,
) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
    let GetObjectLegalHoldInput { bucket, key, version_id, .. } = request.input;
    let status = buckets
        .store
        .run(move |transaction| versions::held(transaction, (&bucket, &key, version_id.as_deref())))
        .await?;
    let legal_hold = Some(ObjectLockLegalHold { status: Some(status.into()) });
    Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold }))
}
