use serde_json::{Value, json};

use crate::office::*;

fn part<'a>(answer: &'a Value, id: &str) -> &'a Value {
    answer["responses"].as_array().unwrap().iter().find(|response| response["id"] == id).unwrap()
}

#[tokio::test]
async fn each_part_is_answered_and_counted_by_itself() {
    let office = Office::open().await;
    let ids: Vec<String> = (0..20).map(|number| office.mail(&format!("m{number}"))).collect();
    let graph = office.user(ADA).await;
    let requests: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "id": id,
                "method": "PATCH",
                "url": format!("/me/messages/{id}"),
                "headers": { "Content-Type": "application/json", "Prefer": "IdType=\"ImmutableId\"" },
                "body": { "categories": ["Archived"] },
            })
        })
        .collect();
    let before = office.world.requests();
    let (status, answer) = graph.batch(requests.into()).await;
    assert_eq!(status, 200);
    assert!(ids.iter().all(|id| part(&answer, id)["status"] == 200 && part(&answer, id)["body"]["id"] == id.as_str()));
    let after = office.world.requests();
    assert_eq!((after.graph - before.graph, after.batches, after.throttled), (20, 1, 0));
    assert_eq!(after.by_kind["message patch"], 20);
    assert!(office.world.messages(ADA).unwrap().iter().all(|held| held.categories == ["Archived"]));
}

#[tokio::test]
async fn a_part_fails_alone_and_takes_its_dependants_with_it() {
    let office = Office::open().await;
    let id = office.mail("m");
    let graph = office.user(ADA).await;
    let (_, answer) = graph
        .batch(json!([
            { "id": "1", "method": "GET", "url": "/me/messages/nonsense" },
            { "id": "2", "method": "GET", "url": "me/messages", "dependsOn": ["1"] },
            { "id": "3", "method": "GET", "url": format!("/me/messages/{id}/$value") },
            { "id": "4", "method": "PATCH", "url": format!("/me/messages/{id}"), "body": { "categories": [] } },
            { "id": "5", "method": "POST", "url": "/$batch", "headers": { "Content-Type": "application/json" }, "body": { "requests": [] } },
        ]))
        .await;
    assert_eq!(code(&part(&answer, "1")["body"]), "ErrorItemNotFound");
    assert_eq!(part(&answer, "2")["status"], 424);
    use base64::Engine as _;
    let mime = base64::engine::general_purpose::STANDARD.decode(part(&answer, "3")["body"].as_str().unwrap()).unwrap();
    assert_eq!(mime, text("m").as_bytes());
    assert_eq!(part(&answer, "4")["status"], 400, "a body needs its Content-Type");
    assert_eq!(part(&answer, "5")["status"], 400);
}

#[tokio::test]
async fn a_malformed_envelope_is_refused_whole() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    let get = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": "/me" });
    assert_eq!(graph.batch((0..21).map(get).collect()).await.0, 400);
    assert_eq!(graph.batch(json!([get(1), get(1)])).await.0, 400);
    assert_eq!(graph.batch(json!([{ "id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"] }])).await.0, 400);
    assert_eq!(graph.batch((0..20).map(get).collect()).await.0, 200);
}
