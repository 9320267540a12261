//! The resources that template.yaml declares, made on this machine through the same SDK calls. Making them again
//! changes nothing.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};
use aws_sdk_s3::{
    primitives::DateTime,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
        CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
        NoncurrentVersionExpiration,
    },
};
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use shared::{
    aws::table::{DUE_INDEX, TTL_ATTRIBUTE},
    evidence::lifecycle::{ABORT_DAYS, NONCURRENT_DAYS},
    firm::retention::{ExpiryYear, FIRST_EXPIRY_YEAR, KeptUntil, LAST_EXPIRY_YEAR},
    mail::archive::root,
};

/// The table's name on this machine.
pub const TABLE: &str = "greffe";
/// The bucket's name on this machine.
pub const BUCKET: &str = "greffe-originals";
/// The name of the bucket of indexes on this machine.
pub const INDEX_BUCKET: &str = "greffe-indexes";
/// The event bus that facts are told on: on this machine the default one, which is always there.
pub const EVENT_BUS: &str = "default";
/// The queues, and where what fails ten times lies: of mailbox jobs, of those about older mail, of push jobs, and of
/// what is posted to webhooks.
const MAIL_QUEUE: [&str; 2] = ["greffe-mail.fifo", "greffe-mail-dead-letters.fifo"];
const OLDER_QUEUE: [&str; 2] = ["greffe-older.fifo", "greffe-older-dead-letters.fifo"];
const PUSH_QUEUE: [&str; 2] = ["greffe-push.fifo", "greffe-push-dead-letters.fifo"];
const DELIVERY_QUEUE: [&str; 2] = ["greffe-delivery.fifo", "greffe-delivery-dead-letters.fifo"];
/// How often a job is tried before it is set aside for a person; as in template.yaml.
const RECEIVES_MAX: u32 = 10;
/// How long a job that a function holds is hidden from others; as in template.yaml.
const VISIBILITY_SECONDS: u32 = 720;

/// A resource that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make the {what}")]
pub struct ProvisionError {
    what: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The URLs of the queues.
#[derive(Debug, Clone)]
pub struct Queues {
    /// Of mailbox jobs.
    pub mail: String,
    /// Of mailbox jobs that are about older mail.
    pub older: String,
    /// Of push jobs.
    pub push: String,
    /// Of what is posted to webhooks.
    pub delivery: String,
}

/// Makes what is missing.
pub async fn provision(aws: &SdkConfig) -> Result<Queues, ProvisionError> {
    table(aws).await.map_err(|source| ProvisionError { what: "table", source })?;
    for name in [BUCKET, INDEX_BUCKET] {
        bucket(aws, name).await.map_err(|source| ProvisionError { what: "bucket", source })?;
    }
    expiry(aws).await.map_err(|source| ProvisionError { what: "lifecycle of the bucket", source })?;
    let failed = |source| ProvisionError { what: "queues", source };
    Ok(Queues {
        mail: queue(aws, MAIL_QUEUE).await.map_err(failed)?,
        older: queue(aws, OLDER_QUEUE).await.map_err(failed)?,
        push: queue(aws, PUSH_QUEUE).await.map_err(failed)?,
        delivery: queue(aws, DELIVERY_QUEUE).await.map_err(failed)?,
    })
}

type Made<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn table(aws: &SdkConfig) -> Made<()> {
    let client = aws_sdk_dynamodb::Client::new(aws);
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let text =
        |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
    let due = GlobalSecondaryIndex::builder()
        .index_name(DUE_INDEX)
        .key_schema(key("due_kind", KeyType::Hash)?)
        .key_schema(key("due_at", KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()?;
    let created = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .attribute_definitions(text("pk")?)
        .attribute_definitions(text("sk")?)
        .attribute_definitions(text("due_kind")?)
        .attribute_definitions(text("due_at")?)
        .global_secondary_indexes(due)
        .send()
        .await;
    match created.map_err(|e| e.into_service_error()) {
        Ok(_) => {}
        Err(e) if e.is_resource_in_use_exception() => {}
        Err(e) => return Err(e.into()),
    }
    // A process that was killed may have made the table and no more; to switch on twice is an error at DynamoDB.
    let found = client.describe_time_to_live().table_name(TABLE).send().await?;
    if found.time_to_live_description().and_then(|ttl| ttl.attribute_name()).is_none() {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL_ATTRIBUTE).build()?;
        client.update_time_to_live().table_name(TABLE).time_to_live_specification(ttl).send().await?;
    }
    Ok(())
}

async fn bucket(aws: &SdkConfig, name: &str) -> Made<()> {
    let config = aws_sdk_s3::config::Builder::from(aws).force_path_style(aws.endpoint_url().is_some()).build();
    let region = aws.region().map_or(aws::Cloud::REGION, |r| r.as_ref()).to_owned();
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region.as_str()))
        .build();
    let mut request = aws_sdk_s3::Client::from_conf(config).create_bucket().bucket(name);
    // The oldest region takes no name for itself.
    if region != "us-east-1" {
        request = request.create_bucket_configuration(place);
    }
    match request.send().await.map_err(|e| e.into_service_error()) {
        Ok(_) => Ok(()),
        Err(e) if e.is_bucket_already_owned_by_you() => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// What is kept until the end of a year expires as the next one begins. Versions that are no longer current and uploads
/// that were not completed go as in template.yaml.
async fn expiry(aws: &SdkConfig) -> Made<()> {
    let mut rules = BucketLifecycleConfiguration::builder();
    for year in (FIRST_EXPIRY_YEAR..=LAST_EXPIRY_YEAR).map(ExpiryYear::try_from) {
        let year = year?;
        let prefix = LifecycleRuleFilter::builder().prefix(root(KeptUntil::EndOf(year))).build();
        let date = DateTime::from_secs(year.end().as_second());
        let rule = LifecycleRule::builder().id(format!("until-{}", u16::from(year))).filter(prefix);
        let rule = rule.expiration(LifecycleExpiration::builder().date(date).build());
        rules = rules.rules(rule.status(ExpirationStatus::Enabled).build()?);
    }
    let everything = || LifecycleRuleFilter::builder().prefix("").build();
    let versions = NoncurrentVersionExpiration::builder().noncurrent_days(NONCURRENT_DAYS).build();
    let removed = LifecycleRule::builder().id("forget-what-was-removed").filter(everything());
    let removed = removed.noncurrent_version_expiration(versions);
    let removed = removed.expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
    let uploads = AbortIncompleteMultipartUpload::builder().days_after_initiation(ABORT_DAYS).build();
    let incomplete = LifecycleRule::builder().id("forget-what-was-not-completed").filter(everything());
    let incomplete = incomplete.abort_incomplete_multipart_upload(uploads);
    for rule in [removed, incomplete] {
        rules = rules.rules(rule.status(ExpirationStatus::Enabled).build()?);
    }
    let config = aws_sdk_s3::config::Builder::from(aws).force_path_style(aws.endpoint_url().is_some()).build();
    let put = aws_sdk_s3::Client::from_conf(config).put_bucket_lifecycle_configuration().bucket(BUCKET);
    put.lifecycle_configuration(rules.build()?).send().await?;
    Ok(())
}

async fn queue(aws: &SdkConfig, [name, dead_letters]: [&str; 2]) -> Made<String> {
    let client = aws_sdk_sqs::Client::new(aws);
    let fifo = || HashMap::from([(Attribute::FifoQueue, "true".to_owned())]);
    let dead = client.create_queue().queue_name(dead_letters).set_attributes(Some(fifo())).send().await?;
    let dead_url = dead.queue_url().ok_or("the dead-letter queue has no URL")?;
    let attributes = client.get_queue_attributes().queue_url(dead_url).attribute_names(Attribute::QueueArn);
    let attributes = attributes.send().await?;
    let arn = attributes.attributes().and_then(|a| a.get(&Attribute::QueueArn)).ok_or("the queue has no ARN")?;
    let redrive = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES_MAX }).to_string();
    let queue = client
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(fifo()))
        .attributes(Attribute::VisibilityTimeout, VISIBILITY_SECONDS.to_string())
        .attributes(Attribute::RedrivePolicy, redrive)
        .send()
        .await?;
    Ok(queue.queue_url().ok_or("the queue has no URL")?.to_owned())
}
