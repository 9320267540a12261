//! O1, O4: what whoever writes a business application relies on: keys, limits, requests sent again, the audit trail.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Answer, OPERATOR_KEY, World};

/// A firm and the first of its keys.
async fn firm(world: &World) -> (String, String) {
    let firm = world.firm("Lumen").await;
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "Application" })).await.ok();
    (firm, key["key"].as_str().unwrap().to_owned())
}

async fn post(world: &World, key: &str, path: &str, again: &str, body: &Value) -> Answer {
    let headers = HeaderMap::from_iter([("idempotency-key".parse().unwrap(), HeaderValue::from_str(again).unwrap())]);
    world.request_with(Some(key), Method::POST, path, headers, Some(body.clone())).await
}

#[tokio::test]
async fn keys_are_listed_and_revoked_and_never_shown_again() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/keys");
    let second = world.request(Some(&key), Method::POST, &path, Some(json!({ "name": "New" }))).await.ok();
    let listed = world.request(Some(&key), Method::GET, &path, None).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(second["key"].as_str().unwrap().rsplit('_').next().unwrap()));
    let old = listed["items"].as_array().unwrap().iter().find(|k| k["name"] == "Application").unwrap()["id"].clone();
    let second = second["key"].as_str().unwrap();
    let old = format!("{path}/{}", old.as_str().unwrap());
    let revoked = world.request(Some(second), Method::DELETE, &old, None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(world.request(Some(&key), Method::GET, &path, None).await.problem(), "unauthorized");
    assert_eq!(world.request(Some(second), Method::DELETE, &old, None).await.problem(), "not_found");
    assert_eq!(world.request(Some(second), Method::GET, &path, None).await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_carried_out_once_and_answered_the_same() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/connectors");
    let body = json!({ "name": "Office", "access": "delegated", "app": null });
    let first = post(&world, &key, &path, "a-1", &body).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = post(&world, &key, &path, "a-1", &body).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = json!({ "name": "Another", "access": "delegated", "app": null });
    assert_eq!(post(&world, &key, &path, "a-1", &other).await.problem(), "idempotency_key_reused");
    let connectors = world.get(&path).await.ok();
    assert_eq!(connectors["items"].as_array().unwrap().len(), 1);
    // A day later the key is as new.
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(post(&world, &key, &path, "a-1", &other).await.status, StatusCode::CREATED);
    // A refused request may be corrected and sent again.
    assert_eq!(post(&world, &key, &path, "a-2", &json!({})).await.problem(), "invalid_request");
    assert_eq!(post(&world, &key, &path, "a-2", &other).await.status, StatusCode::CREATED);
    assert_eq!(post(&world, &key, &path, &"x".repeat(256), &other).await.problem(), "invalid_request");
    // Another firm's keys are another's, and a key of the API is told again as it was.
    let keys = format!("/v1/firms/{firm}/keys");
    let (one, two) = (
        post(&world, OPERATOR_KEY, &keys, "k", &json!({ "name": "k" })).await.ok(),
        post(&world, OPERATOR_KEY, &keys, "k", &json!({ "name": "k" })).await.ok(),
    );
    assert_eq!(one, two);
    let made = json!({ "name": "Twice", "domains": [], "language": "fr", "time_zone": "Europe/Paris" });
    let one = post(&world, OPERATOR_KEY, "/v1/firms", "f", &made).await.ok();
    assert_eq!(post(&world, OPERATOR_KEY, "/v1/firms", "f", &made).await.ok(), one);
}

#[tokio::test]
async fn of_many_equal_requests_at_once_one_is_carried_out() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/connectors");
    let body = json!({ "name": "Office", "access": "delegated", "app": null });
    let sent = (0..12).map(|_| post(&world, &key, &path, "at-once", &body));
    let mut made = 0;
    for answer in futures::future::join_all(sent).await {
        match answer.status {
            StatusCode::CREATED => made += u32::from(!answer.headers.contains_key("idempotency-replayed")),
            _ => assert_eq!(answer.problem(), "request_unfinished"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(world.get(&path).await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_calls_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}");
    for _ in 0..1_200 {
        assert_eq!(world.request(Some(&key), Method::GET, &path, None).await.status, StatusCode::OK);
    }
    let refused = world.request(Some(&key), Method::GET, &path, None).await;
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(refused.problem(), "too_many_requests");
    assert_eq!(world.get(&path).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.request(Some(&key), Method::GET, &path, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_change_and_every_sign_in_stands_in_the_firms_audit_trail() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let body = json!({ "name": "Office", "access": "delegated", "app": null });
    let made = world.request(Some(&key), Method::POST, &format!("/v1/firms/{firm}/connectors"), Some(body)).await;
    let request = made.headers["x-request-id"].to_str().unwrap().to_owned();
    let connector = made.ok()["id"].as_str().unwrap().to_owned();
    let refused =
        world.request(Some(&key), Method::POST, &format!("/v1/firms/{firm}/mailboxes"), Some(json!({}))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    world.sign_in(&firm, &connector, ADA).await.ok();
    world.get(&format!("/v1/firms/{firm}/connectors")).await.ok();

    let mut trail = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&format!("/v1/firms/{firm}/audit?limit=2&after={after}").replace('#', "%23")).await.ok();
        trail.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    let mut told: Vec<_> = trail
        .iter()
        .map(|e| (e["action"].as_str().unwrap(), e["who"]["kind"].as_str().unwrap(), e["outcome"].clone()))
        .collect();
    // All at one moment of a clock that stands.
    told.sort_by_key(|(action, ..)| action.to_owned());
    assert_eq!(
        told,
        [
            ("GET /oauth/callback", "account", json!(200)),
            ("POST /v1/firms", "operator", json!(201)),
            ("POST /v1/firms/{firm}/connectors", "key", json!(201)),
            ("POST /v1/firms/{firm}/keys", "operator", json!(201)),
            ("POST /v1/firms/{firm}/mailboxes", "key", json!(400)),
        ]
    );
    let entry = trail.iter().find(|e| e["request"] == request).unwrap();
    assert_eq!((&entry["from"], &entry["path"]), (&json!("127.0.0.1"), &json!(format!("/v1/firms/{firm}/connectors"))));
    let signed_in = trail.iter().find(|e| e["who"]["kind"] == "account").unwrap();
    assert_eq!((&signed_in["who"]["address"], &signed_in["from"]), (&json!(ADA), &json!("127.0.0.1")));
}
