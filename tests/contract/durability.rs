//! What only the embedded engines have to prove: that an answer means "on disk", and that size costs no memory.
//!
//! The tests that need a process of their own start this program once more, with the name of one ignored test.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws::{Cloud, OpenError};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use sha2::{Digest, Sha256};

use crate::{HandClock, open, over, s3, s3_client};

/// Tells the child where to work.
const DIRECTORY: &str = "GREFFE_CONTRACT_DIRECTORY";
/// The size of the large object.
const LARGE: usize = 200 * 1024 * 1024;
/// How much more memory it may take to write and read it.
const GROWTH_KB_MAX: u64 = 48 * 1024;

/// Starts this program on one of its ignored tests.
fn child(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("durability::{test}"), "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn directory_of_child() -> PathBuf {
    PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the test that needs it"))
}

/// One acknowledged write to every service.
async fn write_everywhere(cloud: &Cloud, n: u32) {
    let config = over(cloud).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let events = aws_sdk_eventbridge::Client::new(&config);
    let db = aws_sdk_dynamodb::Client::new(&config);
    let s3 = s3_client(&config, false);
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let put = db.put_item().table_name("numbers").item("pk", text(n.to_string()));
    put.send().await.unwrap();
    let put = s3.put_object().bucket("numbers").key(n.to_string());
    put.body(ByteStream::from(n.to_string().into_bytes())).send().await.unwrap();
    let url = sqs.get_queue_url().queue_name("numbers").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(url).message_body(n.to_string()).send().await.unwrap();
    secrets.create_secret().name(n.to_string()).secret_string("secret").send().await.unwrap();
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder();
    let entry = entry.source("contract").detail_type("Written").detail(format!("{{\"n\":{n}}}"));
    events.put_events().entries(entry.build()).send().await.unwrap();
}

async fn prepare(cloud: &Cloud) {
    use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
    let config = over(cloud).await;
    let attribute = AttributeDefinition::builder().attribute_name("pk");
    let attribute = attribute.attribute_type(ScalarAttributeType::S).build().unwrap();
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash);
    aws_sdk_dynamodb::Client::new(&config)
        .create_table()
        .table_name("numbers")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute)
        .key_schema(key.build().unwrap())
        .send()
        .await
        .unwrap();
    let here = BucketLocationConstraint::from(Cloud::REGION);
    let here = CreateBucketConfiguration::builder().location_constraint(here).build();
    let create = s3_client(&config, false).create_bucket().bucket("numbers");
    create.create_bucket_configuration(here).send().await.unwrap();
    aws_sdk_sqs::Client::new(&config).create_queue().queue_name("numbers").send().await.unwrap();
}

/// Every number below `count` is there, in every service.
async fn assert_everywhere(cloud: &Cloud, count: u32) {
    let config = over(cloud).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let db = aws_sdk_dynamodb::Client::new(&config);
    let s3 = s3_client(&config, false);
    for n in 0..count {
        let key = aws_sdk_dynamodb::types::AttributeValue::S(n.to_string());
        let item = db.get_item().table_name("numbers").key("pk", key).send().await.unwrap();
        assert!(item.item.is_some(), "item {n}");
        let object = s3.get_object().bucket("numbers").key(n.to_string()).send().await.unwrap();
        let bytes = object.body.collect().await.unwrap().to_vec();
        assert_eq!(bytes, n.to_string().into_bytes());
        secrets.get_secret_value().secret_id(n.to_string()).send().await.unwrap();
    }
    let sqs = aws_sdk_sqs::Client::new(&config);
    let url = sqs.get_queue_url().queue_name("numbers").send().await.unwrap().queue_url.unwrap();
    let mut received = 0;
    loop {
        let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10);
        match receive.send().await.unwrap().messages().len() {
            0 => break,
            messages => received += messages,
        }
    }
    assert!(received >= count as usize, "{received} of {count} messages");
    assert!(cloud.events_after(0, usize::MAX).unwrap().len() >= count as usize);
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    prepare(&cloud).await;
    write_everywhere(&cloud, 0).await;
    drop(cloud);
    assert_everywhere(&open(directory.path()), 1).await;
}

#[tokio::test]
async fn a_directory_is_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let second = Cloud::open(directory.path(), HandClock::new().as_clock());
    assert!(matches!(second, Err(OpenError::InUse(_))));
    drop(first);
    open(directory.path());
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    let s3 = s3_client(&over(&cloud).await, false);
    let bucket = s3::bucket(&s3).await;
    let bytes = Frame::data(Bytes::from(vec![b'm'; 1024 * 1024]));
    let frames = stream::iter([Ok(bytes), Err(std::io::Error::other("the mailbox went away"))]);
    let body = ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(frames)));
    let put = s3.put_object().bucket(&bucket).key("mail.eml").content_length(LARGE as i64);
    assert!(put.body(body).send().await.is_err());
    let head = s3.head_object().bucket(&bucket).key("mail.eml").send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    assert_eq!(fs::read_dir(directory.path().join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_writer_who_gives_up_leaves_an_object_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = open(directory.path());
    let s3 = s3_client(&over(&cloud).await, false);
    let bucket = s3::bucket(&s3).await;
    for patience in 0..40 {
        let put = s3.put_object().bucket(&bucket).key(patience.to_string());
        let put = put.body(ByteStream::from(vec![b'm'; 512 * 1024])).send();
        let _ = tokio::time::timeout(Duration::from_micros(500 * patience), put).await;
    }
    let listed = s3.list_objects_v2().bucket(&bucket).send().await.unwrap();
    for object in listed.contents() {
        let read = s3.get_object().bucket(&bucket).key(object.key().unwrap()).send().await.unwrap();
        assert_eq!(read.body.collect().await.unwrap().to_vec().len(), 512 * 1024);
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    prepare(&open(directory.path())).await;
    let mut child = child("writes_until_it_is_killed", directory.path());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let acknowledged = lines.filter(|line| line.starts_with("acknowledged")).take(12).count();
    child.kill().unwrap();
    child.wait().unwrap();
    // A blob that nobody came to name, as a kill in the middle of an upload leaves it.
    let orphan = directory.path().join("blobs").join("orphan");
    fs::write(&orphan, "half a mail").unwrap();

    let cloud = open(directory.path());
    assert!(!orphan.exists());
    assert_everywhere(&cloud, u32::try_from(acknowledged).unwrap()).await;
}

#[tokio::test]
#[ignore = "started by what_was_acknowledged_outlives_a_kill"]
async fn writes_until_it_is_killed() {
    let cloud = open(&directory_of_child());
    for n in 0.. {
        write_everywhere(&cloud, n).await;
        let mut out = std::io::stdout();
        writeln!(out, "\nacknowledged {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn two_hundred_megabytes_flow_through_constant_memory() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("streams_a_large_object", directory.path()).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
#[ignore = "started by two_hundred_megabytes_flow_through_constant_memory"]
async fn streams_a_large_object() {
    let cloud = open(&directory_of_child());
    let s3 = s3_client(&over(&cloud).await, false);
    let bucket = s3::bucket(&s3).await;
    let chunk = Bytes::from(vec![b'm'; 64 * 1024]);
    let before = memory_kb("VmRSS");

    let frames = vec![chunk.clone(); LARGE / chunk.len()].into_iter();
    let frames = frames.map(|chunk| Ok::<_, std::convert::Infallible>(Frame::data(chunk)));
    let body = SdkBody::from_body_1_x(StreamBody::new(stream::iter(frames)));
    let put = s3.put_object().bucket(&bucket).key("large").content_length(LARGE as i64);
    let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256).body(ByteStream::new(body));
    put.send().await.unwrap();

    let mut object = s3.get_object().bucket(&bucket).key("large").send().await.unwrap();
    let (mut sent, mut read) = (Sha256::new(), Sha256::new());
    while let Some(bytes) = object.body.try_next().await.unwrap() {
        read.update(&bytes);
    }
    for _ in 0..LARGE / chunk.len() {
        sent.update(&chunk);
    }
    assert_eq!(read.finalize(), sent.finalize());
    let grown = memory_kb("VmHWM") - before;
    assert!(grown < GROWTH_KB_MAX, "{grown} kB more at the peak");
}

/// A figure of this process from the kernel, such as `VmHWM`, the most memory it ever had resident.
fn memory_kb(figure: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
