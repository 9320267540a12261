//! S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/>

use aws::Cloud;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, ChecksumAlgorithm, ChecksumMode,
    CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration, DefaultRetention, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetentionMode, ObjectLockRule,
    VersioningConfiguration,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use sha2::{Digest, Sha256};

use crate::{World, config, refused, s3_client, unique};

/// The least a part weighs, save the last.
const PART: usize = 5 * 1024 * 1024;

pub(crate) async fn bucket(s3: &Client) -> String {
    let name = unique("archive");
    let here = BucketLocationConstraint::from(Cloud::REGION);
    let here = CreateBucketConfiguration::builder().location_constraint(here).build();
    s3.create_bucket().bucket(&name).create_bucket_configuration(here).send().await.unwrap();
    name
}

fn body(text: &str) -> ByteStream {
    ByteStream::from(text.as_bytes().to_vec())
}

fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

async fn put(s3: &Client, bucket: &str, key: &str, text: &str) -> String {
    let put = s3.put_object().bucket(bucket).key(key).body(body(text)).send().await.unwrap();
    put.e_tag.unwrap()
}

async fn get(s3: &Client, bucket: &str, key: &str) -> String {
    let object = s3.get_object().bucket(bucket).key(key).send().await.unwrap();
    let bytes = object.body.collect().await.unwrap().to_vec();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn of_sixteen_who_create_an_object_one_succeeds() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let attempts = (0..16).map(|writer| {
        let put = s3.put_object().bucket(&bucket).key("mail.eml").if_none_match("*");
        put.body(body(&format!("writer {writer}"))).send()
    });
    let attempts = join_all(attempts).await;
    let winner = attempts.iter().position(Result::is_ok).unwrap();
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    assert_eq!(get(&s3, &bucket, "mail.eml").await, format!("writer {winner}"));
    for attempt in attempts.into_iter().filter(Result::is_err) {
        // AWS answers the second to those who lose while the winner is still writing.
        let code = refused(attempt);
        assert!(["PreconditionFailed", "ConditionalRequestConflict"].contains(&code.as_str()), "{code}");
    }
}

#[tokio::test]
async fn an_object_is_replaced_only_if_it_is_the_one_that_was_read() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let replace = |etag: &str, text: &str| {
        let put = s3.put_object().bucket(&bucket).key("state").if_match(etag);
        put.body(body(text)).send()
    };
    let nothing = replace("\"00000000000000000000000000000000\"", "zero").await;
    assert_eq!(refused(nothing), "NoSuchKey");
    let first = put(&s3, &bucket, "state", "one").await;
    replace(&first, "two").await.unwrap();
    assert_eq!(refused(replace(&first, "three").await), "PreconditionFailed");
    assert_eq!(get(&s3, &bucket, "state").await, "two");
}

#[tokio::test]
async fn a_body_that_is_not_what_its_digest_says_leaves_nothing() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let wrong = s3.put_object().bucket(&bucket).key("mail.eml").body(body("right"));
    let wrong = wrong.checksum_sha256(sha256(b"wrong")).send().await;
    assert_eq!(refused(wrong), "BadDigest");
    let read = s3.get_object().bucket(&bucket).key("mail.eml").send().await;
    assert_eq!(refused(read), "NoSuchKey");
}

#[tokio::test]
async fn a_digest_given_or_computed_is_told_to_those_who_ask() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let put = || s3.put_object().bucket(&bucket).body(body("mail"));
    put().key("given").checksum_sha256(sha256(b"mail")).send().await.unwrap();
    put().key("computed").checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    for key in ["given", "computed"] {
        let head = s3.head_object().bucket(&bucket).key(key);
        let told = head.clone().checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        assert_eq!(told.checksum_sha256(), Some(sha256(b"mail").as_str()), "{key}");
        assert_eq!(head.send().await.unwrap().checksum_sha256(), None);
        let read = s3.get_object().bucket(&bucket).key(key).checksum_mode(ChecksumMode::Enabled);
        assert_eq!(read.send().await.unwrap().checksum_sha256(), told.checksum_sha256());
    }
    // The standard check value of CRC-64/NVME, over the digits 1 to 9, in base 64.
    let crc = STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes());
    let digits = s3.put_object().bucket(&bucket).key("crc").body(body("123456789"));
    digits.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();
    let head = s3.head_object().bucket(&bucket).key("crc").checksum_mode(ChecksumMode::Enabled);
    assert_eq!(head.send().await.unwrap().checksum_crc64_nvme(), Some(crc.as_str()));
}

#[tokio::test]
async fn a_range_is_a_part_of_the_object() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    put(&s3, &bucket, "digits", "0123456789").await;
    let read = |range: &str| s3.get_object().bucket(&bucket).key("digits").range(range).send();
    for (range, expected, told) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let part = read(range).await.unwrap();
        assert_eq!(part.content_range(), Some(told));
        assert_eq!(part.body.collect().await.unwrap().to_vec(), expected.as_bytes());
    }
    assert_eq!(refused(read("bytes=10-").await), "InvalidRange");
}

#[tokio::test]
async fn what_is_told_about_an_object_comes_back_with_it() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let key = "firm/März 2026/a b+c.eml";
    let put = s3.put_object().bucket(&bucket).key(key).body(body("mail"));
    let put = put.content_type("message/rfc822").metadata("message-id", "<1@example.com>");
    let put = put.send().await.unwrap();
    let head = s3.head_object().bucket(&bucket).key(key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("message/rfc822"));
    assert_eq!(head.metadata().unwrap()["message-id"], "<1@example.com>");
    assert_eq!(head.content_length(), Some(4));
    assert_eq!(head.e_tag(), put.e_tag());
    assert_eq!(head.e_tag(), Some("\"b83a886a5c437ccd9ac15473fd6f1788\""), "the MD5 of the body");
    assert_eq!(get(&s3, &bucket, key).await, "mail");
}

#[tokio::test]
async fn keys_are_listed_in_order_page_by_page() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    for key in ["b/2", "b/1", "a", "b/10", "c", "b/é"] {
        put(&s3, &bucket, key, key).await;
    }
    let list = || s3.list_objects_v2().bucket(&bucket).prefix("b/");
    let (mut keys, mut token) = (Vec::new(), None);
    loop {
        let page = list().max_keys(3).set_continuation_token(token).send().await.unwrap();
        keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        assert_eq!(page.is_truncated(), Some(page.next_continuation_token().is_some()));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["b/1", "b/10", "b/2", "b/é"]);
    let after = list().start_after("b/10").send().await.unwrap();
    assert_eq!(after.contents()[0].key(), Some("b/2"));
    assert_eq!(after.contents()[0].size(), Some(3));
}

#[tokio::test]
async fn a_delimiter_gathers_keys_across_pages() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    for key in ["firm/a/1", "firm/a/2", "firm/b", "firm/c/1", "firm/c/2", "other"] {
        put(&s3, &bucket, key, "").await;
    }
    let list = || s3.list_objects_v2().bucket(&bucket).prefix("firm/").delimiter("/").max_keys(1);
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = list().set_continuation_token(token).send().await.unwrap();
        assert_eq!(page.key_count(), Some(1));
        found.extend(page.common_prefixes().iter().map(|common| common.prefix().unwrap().to_owned()));
        found.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["firm/a/", "firm/b", "firm/c/"]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_may_be_deleted_again() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    put(&s3, &bucket, "mail.eml", "mail").await;
    for _ in 0..2 {
        s3.delete_object().bucket(&bucket).key("mail.eml").send().await.unwrap();
    }
    let head = s3.head_object().bucket(&bucket).key("mail.eml").send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = unique("nowhere");
    let head = s3.head_bucket().bucket(&bucket).send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    let put = s3.put_object().bucket(&bucket).key("mail.eml").body(body("mail")).send().await;
    assert_eq!(refused(put), "NoSuchBucket");
}

#[tokio::test]
async fn a_request_under_a_wrong_secret_is_refused() {
    let world = World::new().await;
    let Some(embedded) = &world.embedded else {
        return;
    };
    let wrong = config(Credentials::from_keys(Cloud::ACCESS_KEY_ID, "a wrong secret", None));
    let wrong = wrong.http_client(embedded.cloud.http_client()).load().await;
    let answer = s3_client(&wrong, false).get_object().bucket("archive").key("mail.eml").send().await;
    assert_eq!(refused(answer), "SignatureDoesNotMatch");
}

async fn begin(s3: &Client, bucket: &str, key: &str) -> String {
    let create = s3.create_multipart_upload().bucket(bucket).key(key);
    let create = create.checksum_algorithm(ChecksumAlgorithm::Sha256).content_type("message/rfc822");
    create.send().await.unwrap().upload_id.unwrap()
}

async fn upload(s3: &Client, bucket: &str, key: &str, id: &str, number: i32, bytes: Vec<u8>) -> CompletedPart {
    let part = s3.upload_part().bucket(bucket).key(key).upload_id(id).part_number(number);
    let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256).body(bytes.into());
    let part = part.send().await.unwrap();
    CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).set_checksum_sha256(part.checksum_sha256).build()
}

fn complete(
    s3: &Client,
    bucket: &str,
    key: &str,
    id: &str,
    parts: &[CompletedPart],
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(id).multipart_upload(parts)
}

#[tokio::test]
async fn parts_make_one_object_with_a_digest_of_their_digests() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let key = "large.eml";
    let id = begin(&s3, &bucket, key).await;
    let (head, tail) = (vec![b'h'; PART], b"the tail".to_vec());
    let second = upload(&s3, &bucket, key, &id, 2, tail.clone()).await;
    let first = upload(&s3, &bucket, key, &id, 1, head.clone()).await;

    let listed = s3.list_parts().bucket(&bucket).key(key).upload_id(&id).send().await.unwrap();
    let sizes: Vec<_> = listed.parts().iter().filter_map(|part| part.size()).collect();
    assert_eq!(sizes, [PART as i64, tail.len() as i64]);
    let missing = s3.get_object().bucket(&bucket).key(key).send().await;
    assert_eq!(refused(missing), "NoSuchKey", "nothing is visible before the end");

    let done = complete(&s3, &bucket, key, &id, &[first, second]).send().await.unwrap();
    let digests = [Sha256::digest(&head), Sha256::digest(&tail)].concat();
    let expected = format!("{}-2", sha256(&digests));
    assert_eq!(done.checksum_sha256(), Some(expected.as_str()));
    assert!(done.e_tag().unwrap().ends_with("-2\""));

    let told = s3.head_object().bucket(&bucket).key(key).checksum_mode(ChecksumMode::Enabled);
    let told = told.send().await.unwrap();
    assert_eq!(told.checksum_sha256(), Some(expected.as_str()));
    assert_eq!(told.content_type(), Some("message/rfc822"));
    let seam = s3.get_object().bucket(&bucket).key(key).range(format!("bytes={}-", PART - 2));
    let seam = seam.send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(seam.to_vec(), b"hhthe tail");
}

#[tokio::test]
async fn of_four_uploads_of_one_key_one_is_completed() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let mut uploads = Vec::new();
    for writer in 0..4 {
        let id = begin(&s3, &bucket, "mail.eml").await;
        let bytes = format!("writer {writer}").into_bytes();
        let part = upload(&s3, &bucket, "mail.eml", &id, 1, bytes).await;
        uploads.push((id, part));
    }
    let attempts = uploads.iter().map(|(id, part)| {
        let parts = std::slice::from_ref(part);
        complete(&s3, &bucket, "mail.eml", id, parts).if_none_match("*").send()
    });
    let attempts = join_all(attempts).await;
    let winner = attempts.iter().position(Result::is_ok).unwrap();
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    assert_eq!(get(&s3, &bucket, "mail.eml").await, format!("writer {winner}"));
}

#[tokio::test]
async fn an_upload_is_completed_only_as_it_was_made() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let key = "mail.eml";
    let id = begin(&s3, &bucket, key).await;
    let first = upload(&s3, &bucket, key, &id, 1, b"too small".to_vec()).await;
    let second = upload(&s3, &bucket, key, &id, 2, b"the last".to_vec()).await;
    let attempt = async |parts: &[CompletedPart]| refused(complete(&s3, &bucket, key, &id, parts).send().await);
    assert_eq!(attempt(&[second.clone(), first.clone()]).await, "InvalidPartOrder");
    assert_eq!(attempt(&[first.clone(), second.clone()]).await, "EntityTooSmall");
    let strange = CompletedPart::builder()
        .part_number(3)
        .e_tag("\"00000000000000000000000000000000\"")
        .checksum_sha256(sha256(b""))
        .build();
    assert_eq!(attempt(&[strange]).await, "InvalidPart");
    complete(&s3, &bucket, key, &id, &[second]).send().await.unwrap();
    assert_eq!(get(&s3, &bucket, key).await, "the last", "parts that are not listed are dropped");
}

#[tokio::test]
async fn an_aborted_upload_is_over() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let key = "mail.eml";
    let id = begin(&s3, &bucket, key).await;
    let part = upload(&s3, &bucket, key, &id, 1, b"bytes".to_vec()).await;
    s3.abort_multipart_upload().bucket(&bucket).key(key).upload_id(&id).send().await.unwrap();
    assert_eq!(refused(complete(&s3, &bucket, key, &id, &[part]).send().await), "NoSuchUpload");
    let listed = s3.list_parts().bucket(&bucket).key(key).upload_id(&id).send().await;
    assert_eq!(refused(listed), "NoSuchUpload");
}

#[tokio::test]
async fn an_upload_without_an_algorithm_has_the_crc_of_the_whole() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let bytes = [vec![b'x'; PART], b"the tail".to_vec()];
    let whole = s3.put_object().bucket(&bucket).key("whole").body(bytes.concat().into());
    let whole = whole.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();

    let create = s3.create_multipart_upload().bucket(&bucket).key("parts").send().await.unwrap();
    let id = create.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in (1..).zip(bytes) {
        let part = s3.upload_part().bucket(&bucket).key("parts").upload_id(id).part_number(number);
        let part = part.body(bytes.into()).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    let done = complete(&s3, &bucket, "parts", id, &parts).send().await.unwrap();
    assert!(whole.checksum_crc64_nvme().is_some());
    assert_eq!(done.checksum_crc64_nvme(), whole.checksum_crc64_nvme());
}

async fn versioned(s3: &Client) -> String {
    let bucket = bucket(s3).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(on).send().await.unwrap();
    bucket
}

/// Versions as key, id, whether it is the latest and whether it is a marker; by key, the newest first.
async fn versions(s3: &Client, bucket: &str) -> Vec<(String, String, bool, bool)> {
    let (mut found, mut next) = (Vec::new(), (None, None));
    loop {
        let list = s3.list_object_versions().bucket(bucket).max_keys(1);
        let page = list.set_key_marker(next.0).set_version_id_marker(next.1).send().await.unwrap();
        let text = |text: Option<&str>| text.unwrap().to_owned();
        found.extend(
            page.versions().iter().map(|v| (text(v.key()), text(v.version_id()), v.is_latest() == Some(true), false)),
        );
        let markers = page.delete_markers().iter();
        found.extend(markers.map(|m| (text(m.key()), text(m.version_id()), m.is_latest() == Some(true), true)));
        next = (page.next_key_marker, page.next_version_id_marker);
        if next.0.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn of_a_versioned_bucket_nothing_goes_before_its_version_is_deleted() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = versioned(&s3).await;
    put(&s3, &bucket, "a", "first").await;
    put(&s3, &bucket, "a", "second").await;
    put(&s3, &bucket, "b", "other").await;
    s3.delete_object().bucket(&bucket).key("a").send().await.unwrap();
    assert_eq!(refused(s3.get_object().bucket(&bucket).key("a").send().await), "NoSuchKey");
    let all = versions(&s3, &bucket).await;
    let shape: Vec<_> = all.iter().map(|(key, _, latest, marker)| (key.as_str(), *latest, *marker)).collect();
    assert_eq!(shape, [("a", true, true), ("a", false, false), ("a", false, false), ("b", true, false)]);
    let first = s3.get_object().bucket(&bucket).key("a").version_id(&all[2].1).send().await.unwrap();
    assert_eq!(first.body.collect().await.unwrap().to_vec(), b"first");
    // Who creates what a marker hides, creates it.
    s3.put_object().bucket(&bucket).key("a").if_none_match("*").body(body("third")).send().await.unwrap();
    s3.delete_object().bucket(&bucket).key("a").version_id(&versions(&s3, &bucket).await[0].1).send().await.unwrap();
    s3.delete_object().bucket(&bucket).key("a").version_id(&all[0].1).send().await.unwrap();
    assert_eq!(get(&s3, &bucket, "a").await, "second", "the newest that is left");
    for (_, id, _, _) in &all[1..3] {
        s3.delete_object().bucket(&bucket).key("a").version_id(id).send().await.unwrap();
    }
    assert_eq!(versions(&s3, &bucket).await.len(), 1);
}

/// A bucket with Object Lock.
async fn lockable(s3: &Client) -> String {
    let name = unique("locked");
    let here = BucketLocationConstraint::from(Cloud::REGION);
    let here = CreateBucketConfiguration::builder().location_constraint(here).build();
    let create = s3.create_bucket().bucket(&name).object_lock_enabled_for_bucket(true);
    create.create_bucket_configuration(here).send().await.unwrap();
    name
}

#[tokio::test]
async fn a_default_retention_keeps_versions_and_is_read_back() {
    let world = World::new().await;
    let s3 = world.s3();
    let name = lockable(&s3).await;
    let found = s3.get_object_lock_configuration().bucket(bucket(&s3).await).send().await;
    assert_eq!(refused(found), "ObjectLockConfigurationNotFoundError");
    let retention = DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance).days(1).build();
    let rule = ObjectLockRule::builder().default_retention(retention).build();
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled).rule(rule).build();
    let lock = s3.put_object_lock_configuration().bucket(&name).object_lock_configuration(lock);
    lock.send().await.unwrap();
    let found = s3.get_object_lock_configuration().bucket(&name).send().await.unwrap();
    let found = found.object_lock_configuration.unwrap().rule.unwrap().default_retention.unwrap();
    assert_eq!((found.days(), found.mode()), (Some(1), Some(&ObjectLockRetentionMode::Governance)));
    put(&s3, &name, "mail.eml", "mail").await;
    let head = s3.head_object().bucket(&name).key("mail.eml").send().await.unwrap();
    assert_eq!(head.object_lock_mode(), Some(&ObjectLockMode::Governance));
    assert!(head.object_lock_retain_until_date() > head.last_modified());
    let id = head.version_id.unwrap();
    let delete = || s3.delete_object().bucket(&name).key("mail.eml").version_id(&id);
    assert_eq!(refused(delete().send().await), "AccessDenied");
    s3.delete_object().bucket(&name).key("mail.eml").send().await.unwrap();
    delete().bypass_governance_retention(true).send().await.unwrap();
    assert_eq!(versions(&s3, &name).await.len(), 1, "the marker");
}

#[tokio::test]
async fn a_version_under_a_legal_hold_is_deleted_by_nobody_before_the_hold_is_lifted() {
    let world = World::new().await;
    let (s3, on, off) = (world.s3(), ObjectLockLegalHoldStatus::On, ObjectLockLegalHoldStatus::Off);
    let name = lockable(&s3).await;
    put(&s3, &name, "mail.eml", "mail").await;
    let head = async || s3.head_object().bucket(&name).key("mail.eml").send().await.unwrap();
    assert_eq!(head().await.object_lock_legal_hold_status(), None, "it never had one");
    let read = || s3.get_object_legal_hold().bucket(&name).key("mail.eml").send();
    assert_eq!(refused(read().await), "NoSuchObjectLockConfiguration");
    let hold = async |bucket: &str, key: &str, status: &ObjectLockLegalHoldStatus| {
        let hold = ObjectLockLegalHold::builder().status(status.clone()).build();
        s3.put_object_legal_hold().bucket(bucket).key(key).legal_hold(hold).send().await
    };
    hold(&name, "mail.eml", &on).await.unwrap();
    assert_eq!(head().await.object_lock_legal_hold_status(), Some(&on));
    assert_eq!(read().await.unwrap().legal_hold.unwrap().status(), Some(&on));
    let id = head().await.version_id.unwrap();
    let delete = || s3.delete_object().bucket(&name).key("mail.eml").version_id(&id);
    assert_eq!(refused(delete().send().await), "AccessDenied");
    assert_eq!(refused(delete().bypass_governance_retention(true).send().await), "AccessDenied");
    // A marker hides it, and it stays.
    s3.delete_object().bucket(&name).key("mail.eml").send().await.unwrap();
    assert_eq!(refused(delete().send().await), "AccessDenied");
    let lifted = ObjectLockLegalHold::builder().status(off.clone()).build();
    let lift = s3.put_object_legal_hold().bucket(&name).key("mail.eml").version_id(&id).legal_hold(lifted);
    lift.send().await.unwrap();
    let of_version = s3.head_object().bucket(&name).key("mail.eml").version_id(&id).send().await.unwrap();
    assert_eq!(of_version.object_lock_legal_hold_status(), Some(&off));
    delete().send().await.unwrap();
    // By the header of a PUT.
    let held = s3.put_object().bucket(&name).key("other.eml").body(body("mail"));
    held.object_lock_legal_hold_status(on.clone()).send().await.unwrap();
    let found = s3.head_object().bucket(&name).key("other.eml").send().await.unwrap();
    assert_eq!(found.object_lock_legal_hold_status(), Some(&on));
    // Where there is nothing to hold, and where nothing is held.
    assert_eq!(refused(hold(&name, "none.eml", &on).await), "NoSuchKey");
    let unlocked = versioned(&s3).await;
    put(&s3, &unlocked, "mail.eml", "mail").await;
    assert_eq!(refused(hold(&unlocked, "mail.eml", &on).await), "InvalidRequest");
    let held = s3.put_object().bucket(&unlocked).key("other.eml").body(body("mail"));
    assert_eq!(refused(held.object_lock_legal_hold_status(on).send().await), "InvalidRequest");
}

#[tokio::test]
async fn a_delete_marker_is_put_under_no_legal_hold() {
    let world = World::new().await;
    let s3 = world.s3();
    let name = lockable(&s3).await;
    put(&s3, &name, "mail.eml", "mail").await;
    s3.delete_object().bucket(&name).key("mail.eml").send().await.unwrap();
    let hold = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::On).build();
    let held = s3.put_object_legal_hold().bucket(&name).key("mail.eml").legal_hold(hold).send().await;
    assert_eq!(refused(held), "MethodNotAllowed");
}

#[tokio::test]
async fn a_copy_is_an_object_of_its_own_and_is_made_once() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    put(&s3, &bucket, "firms/mail.eml", "mail").await;
    let copy = || {
        let copy = s3.copy_object().bucket(&bucket).key("until/2036/mail.eml").if_none_match("*");
        copy.copy_source(format!("{bucket}/firms/mail.eml")).checksum_algorithm(ChecksumAlgorithm::Sha256).send()
    };
    copy().await.unwrap();
    assert_eq!(copy().await.unwrap_err().raw_response().unwrap().status().as_u16(), 412);
    s3.delete_object().bucket(&bucket).key("firms/mail.eml").send().await.unwrap();
    assert_eq!(get(&s3, &bucket, "until/2036/mail.eml").await, "mail");
    let head = s3.head_object().bucket(&bucket).key("until/2036/mail.eml").checksum_mode(ChecksumMode::Enabled);
    assert_eq!(head.send().await.unwrap().checksum_sha256(), Some(sha256(b"mail").as_str()));
    let none = s3.copy_object().bucket(&bucket).key("x").copy_source(format!("{bucket}/firms/mail.eml")).send().await;
    assert_eq!(refused(none), "NoSuchKey");
}

/// A rule of a bucket for what begins so.
fn rule(prefix: &str, date: &str) -> LifecycleRule {
    let date = DateTime::from_str(date, DateTimeFormat::DateTime).unwrap();
    let expiration = LifecycleExpiration::builder().date(date).build();
    let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
    let rule = LifecycleRule::builder().id(prefix).filter(filter).expiration(expiration);
    rule.status(ExpirationStatus::Enabled).build().unwrap()
}

#[tokio::test]
async fn rules_by_prefix_and_date_are_read_back_as_they_were_put() {
    let world = World::new().await;
    let s3 = world.s3();
    let bucket = bucket(&s3).await;
    let rules = || s3.get_bucket_lifecycle_configuration().bucket(&bucket).send();
    assert_eq!(refused(rules().await), "NoSuchLifecycleConfiguration");
    let put = |rules: Vec<LifecycleRule>| {
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
        s3.put_bucket_lifecycle_configuration().bucket(&bucket).lifecycle_configuration(rules).send()
    };
    put(vec![rule("until/2125/", "2126-01-01T00:00:00Z"), rule("until/2124/", "2125-01-01T00:00:00Z")]).await.unwrap();
    let found = rules().await.unwrap();
    let dates: Vec<i64> = found.rules().iter().map(|rule| rule.expiration().unwrap().date().unwrap().secs()).collect();
    assert_eq!(dates, [4_922_899_200, 4_891_363_200]);
    assert_eq!(found.rules()[0].filter().unwrap().prefix(), Some("until/2125/"));
    assert_eq!(refused(put(vec![rule("until/2125/", "2126-01-01T12:00:00Z")]).await), "InvalidArgument");
    assert_eq!(refused(put(vec![rule("x/", "2126-01-01T00:00:00Z"); 2]).await), "InvalidArgument");
}
