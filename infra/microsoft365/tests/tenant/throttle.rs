use std::time::Duration;

use jiff::SignedDuration;
use microsoft365::{RetryAfter, Times};

use crate::office::*;

#[tokio::test]
async fn four_requests_of_an_app_run_at_a_time_in_a_mailbox() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    office.world.faults().latency(Duration::from_secs(1));
    let requests = (0..6).map(|_| graph.get("/me/mailFolders/inbox"));
    let answers = futures::future::join_all(requests).await;
    let throttled: Vec<_> = answers.iter().filter(|(status, _)| *status == 429).collect();
    assert_eq!(throttled.len(), 2);
    assert_eq!(throttled[0].1["error"]["message"], "Application is over its MailboxConcurrency limit.");
    office.world.faults().clear();
    assert_eq!(graph.get("/me/mailFolders/inbox").await.0, 200);
    assert_eq!(office.world.requests().throttled, 2);
}

#[tokio::test]
async fn an_unread_original_keeps_its_place() {
    let office = Office::open().await;
    let id = office
        .world
        .deliver(ADA, "inbox", microsoft365::Mail::generated(1, 50_000_000, office.now()))
        .unwrap()
        .immutable_id;
    let graph = office.user(ADA).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(graph.send("GET", &format!("/me/messages/{id}/$value")).await);
    }
    assert_eq!(graph.get("/me/mailFolders").await.0, 429);
    drop(open);
    let freed = async {
        while graph.get("/me/mailFolders").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), freed).await.unwrap();
}

#[tokio::test]
async fn retry_after_comes_whole_fractional_or_not_at_all_also_inside_a_batch() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    for (form, header) in
        [(RetryAfter::Whole(7), Some("7")), (RetryAfter::Fractional(2.128), Some("2.128")), (RetryAfter::Missing, None)]
    {
        office.world.faults().throttle(ADA, form, Times::N(1));
        let refused = graph.send("GET", "/me/messages").await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers().get("retry-after").map(|value| value.to_str().unwrap()), header);
    }
    office.world.faults().throttle(ADA, RetryAfter::Whole(9), Times::N(1));
    let (status, answer) =
        graph.batch(serde_json::json!([{ "id": "1", "method": "GET", "url": "/me/messages" }])).await;
    assert_eq!((status, &answer["responses"][0]["status"]), (200, &429.into()));
    assert_eq!(answer["responses"][0]["headers"]["Retry-After"], "9");
}

#[tokio::test]
async fn ten_thousand_requests_in_ten_minutes_are_enough() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    for _ in 0..500 {
        let part = |id: usize| serde_json::json!({ "id": id.to_string(), "method": "GET", "url": "/me/mailFolders/inbox?$select=id" });
        graph.batch((0..20).map(part).collect()).await;
    }
    let refused = graph.send("GET", "/me/mailFolders/inbox").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "600");
    assert_eq!(
        office.app().await.get(&format!("/users/{INFO}/mailFolders")).await.0,
        200,
        "another mailbox is unaffected"
    );
    office.pass(SignedDuration::from_mins(10));
    assert_eq!(graph.get("/me/mailFolders/inbox").await.0, 200);
}

#[tokio::test]
async fn every_answer_has_its_request_id_and_echoes_the_clients() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    let answer = graph.send("GET", "/me/messages/none").await;
    let headers = answer.headers().clone();
    assert_eq!(headers["client-request-id"], "11111111-2222-3333-4444-555555555555");
    assert_eq!(headers["date"], "Fri, 02 Oct 2026 10:00:00 GMT");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["innerError"]["request-id"], headers["request-id"].to_str().unwrap());
}
