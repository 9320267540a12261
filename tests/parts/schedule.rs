//! The schedule: all that is due is queued, in batches; what SQS refuses of a batch is due still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use shared::{
    aws::{
        queue::{MailQueue, MailboxJob},
        table::{Key, Write},
        worker::{Deadline, ScheduleError, queue_due},
    },
    base::id::{FirmId, MailboxId},
    mail::sync_state::SyncState,
};
use tests::World;
use uuid::Uuid;

/// More than a page of what is due.
const MAILBOXES: usize = 1_005;

/// SQS, which refuses all entries of some batches, each by itself.
#[derive(Debug, Clone)]
struct Refusing {
    batches: Arc<AtomicUsize>,
    behind: SharedHttpConnector,
}

impl HttpConnector for Refusing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let one_less = |left: usize| left.checked_sub(1);
        if self.batches.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
            return self.behind.call(request);
        }
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let refused = body["Entries"].as_array().unwrap().iter().map(
            |entry| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false, "Message": "Try again." }),
        );
        let answer = json!({ "Successful": [], "Failed": refused.collect::<Vec<_>>() }).to_string();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(answer))))
    }
}

/// The mail queue of a world whose SQS refuses the next so many batches.
fn refusing(world: &World, batches: &Arc<AtomicUsize>) -> MailQueue {
    let aws = &world.host.machine.aws;
    let (batches, behind) = (batches.clone(), aws.http_client().unwrap());
    let client = http_client_fn(move |settings, components| {
        use aws_smithy_runtime_api::client::http::HttpClient as _;
        let behind = behind.http_connector(settings, components);
        SharedHttpConnector::new(Refusing { batches: batches.clone(), behind })
    });
    let config = aws_sdk_sqs::config::Builder::from(aws).http_client(client).build();
    let app = &world.host.app;
    MailQueue::new(aws_sdk_sqs::Client::from_conf(config), app.config.mail_queue_url.clone(), app.random.clone())
}

/// One minute of the schedule, with a deadline that far.
async fn minute(world: &World, queue: &MailQueue, time: Duration) -> Result<usize, ScheduleError> {
    let (now, cause) = (world.clock.now(), Uuid::nil());
    let job = |(firm, mailbox)| MailboxJob::new(firm, mailbox, now, cause);
    let due = world.host.app.table.due_mailboxes(now);
    let due = due.map_ok(|page| page.into_iter().map(|(subject, since)| (job(subject), since)).collect());
    let deadline = Deadline::before(u64::MAX, world.clock.clone()).or_after(time);
    queue_due(queue, cause, &deadline, due).await
}

async fn waiting(world: &World) -> usize {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let client = aws_sdk_sqs::Client::new(&world.host.machine.aws);
    let url = &world.host.app.config.mail_queue_url;
    let answer = client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await.unwrap();
    answer.attributes.unwrap()[&name].parse().unwrap()
}

async fn due_world(mailboxes: usize) -> World {
    let world = World::new().await;
    let app = &world.host.app;
    for _ in 0..mailboxes {
        let key = Key::sync(FirmId::draw(&app.random), MailboxId::draw(&app.random));
        app.table.write(Write::insert(key, &SyncState::default().due(world.clock.now()))).await.unwrap();
    }
    world
}

#[tokio::test]
async fn all_that_is_due_is_queued_by_one_run_however_much_it_is() {
    let world = due_world(MAILBOXES).await;
    let queue = refusing(&world, &Arc::default());
    assert_eq!(minute(&world, &queue, Duration::from_secs(60)).await.unwrap(), MAILBOXES);
    assert_eq!(waiting(&world).await, MAILBOXES);
    // What waits is not queued a second time.
    world.clock.advance(Duration::from_secs(60));
    minute(&world, &queue, Duration::from_secs(60)).await.unwrap();
    assert_eq!(waiting(&world).await, MAILBOXES);
}

#[tokio::test]
async fn what_sqs_refuses_holds_up_no_other_is_told_and_is_queued_by_the_next_run() {
    let world = due_world(40).await;
    let batches = Arc::new(AtomicUsize::new(2));
    let queue = refusing(&world, &batches);
    let error = minute(&world, &queue, Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Queue(_)), "{error:?}");
    assert_eq!(waiting(&world).await, 20);
    world.clock.advance(Duration::from_secs(60));
    minute(&world, &queue, Duration::from_secs(60)).await.unwrap();
    assert_eq!(waiting(&world).await, 40);
}

#[tokio::test]
async fn what_a_version_without_shards_wrote_is_due_still() {
    let world = due_world(3).await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let (firm, mailbox) = (FirmId::draw(&world.host.app.random), MailboxId::draw(&world.host.app.random));
    aws_sdk_dynamodb::Client::new(&world.host.machine.aws)
        .put_item()
        .table_name(&world.host.app.config.table)
        .item("pk", text(&format!("FIRM#{firm}#MAILBOX#{mailbox}")))
        .item("sk", text("SYNC"))
        .item("due_kind", text("mailbox"))
        .item("due_at", text("2026-01-01T00:00:00.000Z"))
        .send()
        .await
        .unwrap();
    let queue = refusing(&world, &Arc::default());
    assert_eq!(minute(&world, &queue, Duration::from_secs(60)).await.unwrap(), 4);
    let sync = Key::sync(firm, mailbox);
    assert!(world.host.app.table.get::<SyncState>(&sync).await.unwrap().unwrap().value.is_due(world.clock.now()));
}

#[tokio::test]
async fn a_run_without_time_leaves_what_is_due_to_the_next() {
    let world = due_world(3).await;
    let queue = refusing(&world, &Arc::default());
    assert_eq!(minute(&world, &queue, Duration::ZERO).await.unwrap(), 0);
    assert_eq!(minute(&world, &queue, Duration::from_secs(1)).await.unwrap(), 3);
}
