//! SQS: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName as SystemName, QueueAttributeName as Name, SendMessageBatchRequestEntry,
};

use crate::{World, refused, unique};

async fn queue(sqs: &Client, settings: &[(Name, &str)]) -> String {
    let fifo = settings.iter().any(|(name, _)| *name == Name::FifoQueue);
    let name = unique("jobs") + if fifo { ".fifo" } else { "" };
    let mut create = sqs.create_queue().queue_name(name);
    for (name, value) in settings {
        create = create.attributes(name.clone(), *value);
    }
    create.send().await.unwrap().queue_url.unwrap()
}

async fn fifo(sqs: &Client) -> String {
    queue(sqs, &[(Name::FifoQueue, "true"), (Name::VisibilityTimeout, "2")]).await
}

async fn send(sqs: &Client, url: &str, group: &str, body: &str) {
    let send = sqs.send_message().queue_url(url).message_body(body);
    let send = send.message_group_id(group).message_deduplication_id(unique("once"));
    send.send().await.unwrap();
}

async fn receive(sqs: &Client, url: &str) -> Vec<Message> {
    let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10);
    let receive = receive.message_system_attribute_names(SystemName::All);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

fn attribute<'a>(message: &'a Message, name: &SystemName) -> &'a str {
    &message.attributes().unwrap()[name]
}

async fn delete(sqs: &Client, url: &str, message: &Message) {
    let delete = sqs.delete_message().queue_url(url);
    delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
}

async fn count(sqs: &Client, url: &str, name: Name) -> String {
    let attributes = sqs.get_queue_attributes().queue_url(url).attribute_names(Name::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    attributes[&name].clone()
}

#[tokio::test]
async fn a_group_keeps_its_order_and_waits_for_what_is_in_flight() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    for body in ["a1", "a2", "a3"] {
        send(&sqs, &url, "a", body).await;
    }
    send(&sqs, &url, "b", "b1").await;

    let one = sqs.receive_message().queue_url(&url).max_number_of_messages(1);
    let one = one.send().await.unwrap().messages.unwrap();
    assert_eq!(bodies(&one), ["a1"]);
    let others = receive(&sqs, &url).await;
    assert_eq!(bodies(&others), ["b1"], "group a waits, group b does not");
    delete(&sqs, &url, &one[0]).await;
    assert_eq!(bodies(&receive(&sqs, &url).await), ["a2", "a3"]);
}

#[tokio::test]
async fn a_message_that_was_not_deleted_in_time_comes_back_before_its_successors() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    send(&sqs, &url, "a", "a1").await;
    let first = receive(&sqs, &url).await;
    send(&sqs, &url, "a", "a2").await;
    assert!(receive(&sqs, &url).await.is_empty());

    world.pass(3).await;
    let again = receive(&sqs, &url).await;
    assert_eq!(bodies(&again), ["a1", "a2"]);
    assert_eq!(attribute(&again[0], &SystemName::ApproximateReceiveCount), "2");
    assert_eq!(attribute(&again[0], &SystemName::MessageGroupId), "a");
    let sequence = |message| attribute(message, &SystemName::SequenceNumber).to_owned();
    assert_eq!(sequence(&first[0]), sequence(&again[0]));
    assert!(sequence(&again[0]) < sequence(&again[1]));
}

#[tokio::test]
async fn a_stale_receipt_handle_deletes_nothing() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    send(&sqs, &url, "a", "a1").await;
    let stale = receive(&sqs, &url).await;
    world.pass(3).await;
    assert_eq!(receive(&sqs, &url).await.len(), 1);

    // Whether AWS complains or keeps silent, the message stays.
    let delete = sqs.delete_message().queue_url(&url);
    let _ = delete.receipt_handle(stale[0].receipt_handle().unwrap()).send().await;
    world.pass(3).await;
    assert_eq!(bodies(&receive(&sqs, &url).await), ["a1"]);
}

#[tokio::test]
async fn a_deduplication_id_is_remembered_after_the_message_is_deleted() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    let send = || {
        let send = sqs.send_message().queue_url(&url).message_body("once");
        send.message_group_id("a").message_deduplication_id("one").send()
    };
    let first = send().await.unwrap();
    delete(&sqs, &url, &receive(&sqs, &url).await[0]).await;
    let again = send().await.unwrap();
    assert_eq!(first.message_id(), again.message_id());
    assert!(receive(&sqs, &url).await.is_empty());

    if world.embedded.is_some() {
        world.pass(5 * 60).await;
        send().await.unwrap();
        assert_eq!(bodies(&receive(&sqs, &url).await), ["once"], "five minutes later it is news");
    }
}

#[tokio::test]
async fn equal_bodies_are_one_message_where_the_queue_says_so() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let by_content = (Name::ContentBasedDeduplication, "true");
    let url = queue(&sqs, &[(Name::FifoQueue, "true"), by_content]).await;
    for body in ["same", "same", "other"] {
        let send = sqs.send_message().queue_url(&url).message_body(body).message_group_id("a");
        send.send().await.unwrap();
    }
    assert_eq!(bodies(&receive(&sqs, &url).await), ["same", "other"]);
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letters_and_frees_its_group() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let dead = fifo(&sqs).await;
    let arn = count(&sqs, &dead, Name::QueueArn).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"2"}}"#);
    let settings = [(Name::FifoQueue, "true"), (Name::VisibilityTimeout, "1"), (Name::RedrivePolicy, policy.as_str())];
    let url = queue(&sqs, &settings).await;
    send(&sqs, &url, "a", "poison").await;
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&sqs, &url).await), ["poison"]);
        assert!(receive(&sqs, &dead).await.is_empty());
        world.pass(2).await;
    }
    send(&sqs, &url, "a", "healthy").await;
    assert_eq!(bodies(&receive(&sqs, &url).await), ["healthy"]);
    let letters = receive(&sqs, &dead).await;
    assert_eq!(bodies(&letters), ["poison"]);
    assert_eq!(attribute(&letters[0], &SystemName::MessageGroupId), "a");
}

#[tokio::test]
async fn a_job_handed_back_with_a_delay_comes_when_it_is_due() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    send(&sqs, &url, "a", "a1").await;
    let taken = receive(&sqs, &url).await;
    let delay = |seconds| {
        let change = sqs.change_message_visibility().queue_url(&url).visibility_timeout(seconds);
        change.receipt_handle(taken[0].receipt_handle().unwrap()).send()
    };
    delay(5).await.unwrap();
    world.pass(3).await;
    assert!(receive(&sqs, &url).await.is_empty(), "longer than the queue's own time-out");
    world.pass(3).await;
    assert_eq!(bodies(&receive(&sqs, &url).await), ["a1"]);
}

#[tokio::test]
async fn a_job_handed_back_at_once_can_be_received_at_once() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    send(&sqs, &url, "a", "a1").await;
    let taken = receive(&sqs, &url).await;
    let change = sqs.change_message_visibility().queue_url(&url).visibility_timeout(0);
    change.receipt_handle(taken[0].receipt_handle().unwrap()).send().await.unwrap();
    assert_eq!(bodies(&receive(&sqs, &url).await), ["a1"]);
}

#[tokio::test]
async fn a_waiting_receive_answers_as_soon_as_something_is_sent() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = queue(&sqs, &[]).await;
    let began = Instant::now();
    let waiting = sqs.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let sending = async {
        tokio::task::yield_now().await;
        sqs.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    };
    let (received, ()) = tokio::join!(waiting, sending);
    assert_eq!(bodies(received.unwrap().messages()), ["hello"]);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_waiting_receive_sees_what_becomes_visible() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    send(&sqs, &url, "a", "a1").await;
    assert_eq!(receive(&sqs, &url).await.len(), 1);
    let waiting = sqs.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let (received, ()) = tokio::join!(waiting, world.pass(3));
    assert_eq!(bodies(received.unwrap().messages()), ["a1"]);
}

#[tokio::test]
async fn a_batch_tells_the_refused_entry_from_the_sent_ones() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    let entry = |id: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.message_deduplication_id(id)
    };
    let batch = sqs.send_message_batch().queue_url(&url);
    let batch = batch.entries(entry("one").message_group_id("a").build().unwrap());
    let batch = batch.entries(entry("two").build().unwrap());
    let sent = batch.send().await.unwrap();
    assert_eq!(sent.successful()[0].id(), "one");
    assert_eq!((sent.failed()[0].id(), sent.failed()[0].code()), ("two", "MissingParameter"));
    assert!(sent.failed()[0].sender_fault());
    assert_eq!(bodies(&receive(&sqs, &url).await), ["one"]);
}

#[tokio::test]
async fn the_queue_counts_what_waits_and_what_is_in_flight() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    for group in ["a", "b", "c"] {
        send(&sqs, &url, group, group).await;
    }
    let one = sqs.receive_message().queue_url(&url).send().await.unwrap();
    assert_eq!(one.messages().len(), 1);
    assert_eq!(count(&sqs, &url, Name::ApproximateNumberOfMessages).await, "2");
    assert_eq!(count(&sqs, &url, Name::ApproximateNumberOfMessagesNotVisible).await, "1");
    sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert_eq!(count(&sqs, &url, Name::ApproximateNumberOfMessages).await, "0");
}

#[tokio::test]
async fn creating_a_queue_again_is_harmless_unless_it_would_change() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let name = unique("jobs");
    let create = |seconds: &str| {
        let create = sqs.create_queue().queue_name(&name);
        create.attributes(Name::VisibilityTimeout, seconds).send()
    };
    let first = create("60").await.unwrap();
    let again = create("60").await.unwrap();
    assert_eq!(first.queue_url(), again.queue_url());
    let changed = create("61").await.unwrap_err().into_service_error();
    assert!(changed.is_queue_name_exists());
    let found = sqs.get_queue_url().queue_name(&name).send().await.unwrap();
    assert_eq!(found.queue_url(), first.queue_url());
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named_as_such() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let missing = sqs.get_queue_url().queue_name(unique("nowhere")).send().await;
    assert!(missing.unwrap_err().into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_fifo_message_needs_a_group_and_an_id() {
    let world = World::new().await;
    let sqs = Client::new(&world.config);
    let url = fifo(&sqs).await;
    let groupless = sqs.send_message().queue_url(&url).message_body("x").message_deduplication_id("x");
    assert_eq!(refused(groupless.send().await), "MissingParameter");
    let nameless = sqs.send_message().queue_url(&url).message_body("x").message_group_id("a");
    assert_eq!(refused(nameless.send().await), "InvalidParameterValue");
}
