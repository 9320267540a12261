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
mod buckets;
mod checksum;
mod condition;
mod legal_hold;
mod lifecycle;
mod listing;
mod object;
mod objects;
mod settings;
mod uploads;
mod versions;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, Method, header};
use rusqlite::Transaction;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::*;
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Request, S3Response, S3Result};

use crate::engine::{ACCESS_KEY_ID, Clock, OpenError, REGION, SECRET_ACCESS_KEY, unopened};
use crate::store::Store;
use blob::Blobs;
use buckets::Buckets;

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

/// Implements the service by the functions that answer its operations.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident: $answer:path;)*) => {
        #[async_trait]
        impl s3s::S3 for Buckets {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    $answer(self, request).await
                }
            )*
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput: settings::create_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput: settings::head_bucket;
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput) -> PutBucketLifecycleConfigurationOutput:
        settings::put_lifecycle;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput:
        settings::get_lifecycle;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput: settings::put_versioning;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput: settings::get_versioning;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput: settings::list_versions;
    put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput:
        settings::put_lock;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput:
        settings::get_lock;
    put_object_legal_hold(PutObjectLegalHoldInput) -> PutObjectLegalHoldOutput: settings::put_legal_hold;
    get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput: settings::get_legal_hold;
    put_object(PutObjectInput) -> PutObjectOutput: objects::put;
    get_object(GetObjectInput) -> GetObjectOutput: objects::get;
    head_object(HeadObjectInput) -> HeadObjectOutput: objects::head;
    copy_object(CopyObjectInput) -> CopyObjectOutput: objects::copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput: objects::delete;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output: listing::list;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput: uploads::create;
    upload_part(UploadPartInput) -> UploadPartOutput: uploads::upload_part;
    list_parts(ListPartsInput) -> ListPartsOutput: uploads::list_parts;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput:
        uploads::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput: uploads::abort;
}
