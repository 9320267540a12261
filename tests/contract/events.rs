//! EventBridge: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::{World, refused};

fn entry(detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder().source("greffe").detail_type("MessageArchived").detail(detail).build()
}

#[tokio::test]
async fn a_malformed_detail_fails_alone() {
    let world = World::new().await;
    let events = Client::new(&world.config);
    let put = events.put_events().entries(entry(r#"{"message": 1}"#)).entries(entry("not json")).send().await.unwrap();
    assert_eq!(put.failed_entry_count(), 1);
    assert!(put.entries()[0].event_id().is_some());
    assert_eq!(put.entries()[1].error_code(), Some("MalformedDetail"));
    assert_eq!(put.entries()[1].event_id(), None);
}

#[tokio::test]
async fn an_entry_without_a_source_fails_alone() {
    let world = World::new().await;
    let events = Client::new(&world.config);
    let nameless = PutEventsRequestEntry::builder().detail_type("MessageArchived").detail("{}").build();
    let put = events.put_events().entries(nameless).entries(entry("{}")).send().await.unwrap();
    assert_eq!(put.entries()[0].error_code(), Some("InvalidArgument"));
    assert!(put.entries()[1].event_id().is_some());
}

#[tokio::test]
async fn eleven_entries_are_refused_together() {
    let world = World::new().await;
    let events = Client::new(&world.config);
    let eleven = vec![entry("{}"); 11];
    let put = events.put_events().set_entries(Some(eleven)).send().await;
    assert_eq!(refused(put), "ValidationException");
}

#[tokio::test]
async fn what_was_put_is_read_back_in_order_and_page_by_page() {
    let world = World::new().await;
    let Some(embedded) = &world.embedded else {
        return;
    };
    let events = Client::new(&world.config);
    for number in 0..5 {
        let entry = entry(&format!(r#"{{"number":{number}}}"#));
        let put = events.put_events().entries(entry).send().await.unwrap();
        let recorded = embedded.cloud.events_after(number, 1).unwrap();
        assert_eq!(put.entries()[0].event_id(), Some(recorded[0].event_id.as_str()));
    }
    let first = embedded.cloud.events_after(0, 3).unwrap();
    let rest = embedded.cloud.events_after(first[2].id, 3).unwrap();
    let details: Vec<&str> = first.iter().chain(&rest).map(|event| event.detail.as_str()).collect();
    let expected: Vec<String> = (0..5).map(|number| format!(r#"{{"number":{number}}}"#)).collect();
    assert_eq!(details, expected);
    assert_eq!(first[0].bus, "default");
    assert_eq!(first[0].source, "greffe");
    assert_eq!(first[0].detail_type, "MessageArchived");
    assert_eq!(first[0].time, embedded.clock.now());
}
