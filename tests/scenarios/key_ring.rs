//! The key ring lost, unreadable or replaced: the operator learns of it at once, and nothing is lost.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use shared::aws::secrets::KEYRING;
use tests::{ADA, OPERATOR_KEY, World};

const HOUR: Duration = Duration::from_secs(3600);
const ADMIN: &str = "admin@lumen.example";

/// What happens to the key ring, and how it comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Loss {
    Deleted,
    Malformed,
    Replaced,
}

impl Loss {
    const ALL: [Self; 3] = [Self::Deleted, Self::Malformed, Self::Replaced];
}

fn secrets(world: &World) -> Client {
    Client::new(&world.host.machine.aws)
}

async fn text(world: &World) -> String {
    secrets(world).get_secret_value().secret_id(KEYRING).send().await.unwrap().secret_string.unwrap()
}

async fn put(world: &World, text: &str) {
    secrets(world).put_secret_value().secret_id(KEYRING).secret_string(text).send().await.unwrap();
}

/// Loses the key ring; what it was. Every process has forgotten what it read an hour ago.
async fn lose(world: &World, loss: Loss) -> String {
    let before = text(world).await;
    match loss {
        Loss::Deleted => {
            let delete = secrets(world).delete_secret().secret_id(KEYRING).force_delete_without_recovery(true);
            delete.send().await.unwrap();
        }
        Loss::Malformed => put(world, "not a key ring").await,
        Loss::Replaced => put(world, &json!({ "current": "k9", "k9": "z".repeat(40) }).to_string()).await,
    }
    world.clock.advance(HOUR);
    before
}

async fn bring_back(world: &World, loss: Loss, ring: &str) {
    match loss {
        Loss::Deleted => {
            secrets(world).create_secret().name(KEYRING).secret_string(ring).send().await.unwrap();
        }
        Loss::Malformed | Loss::Replaced => put(world, ring).await,
    }
}

#[tokio::test]
async fn a_lost_key_ring_is_the_operators_problem_at_the_next_round_and_passes_once_it_is_back() {
    for loss in Loss::ALL {
        let world = World::new().await;
        let registry = world.registry().await;
        let ring = lose(&world, loss).await;
        let mail = world.deliver("inbox", "While it is lost");
        world.run_until_idle().await;
        let shown = world.connector_view(&registry.firm, &registry.connector).await;
        assert_eq!(
            (&shown["state"], &shown["problem"]["code"]),
            (&json!("action_required"), &json!("secrets_unreadable"))
        );
        assert_eq!(shown["problem"]["who"], "operator", "{loss:?}");
        assert_eq!(shown["connect_url"].is_null(), loss != Loss::Replaced, "{loss:?}");
        assert!(world.facts(&registry.firm).await.contains(&"connector_action_required".to_owned()));

        bring_back(&world, loss, &ring).await;
        for _ in 0..3 {
            world.pass(Duration::from_secs(600)).await;
        }
        assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked", "{loss:?}");
        let shown = world.connector_view(&registry.firm, &registry.connector).await;
        assert_eq!((&shown["state"], &shown["problem"]), (&json!("connected"), &Value::Null), "{loss:?}");
        let facts = world.facts(&registry.firm).await;
        let last = facts.iter().rfind(|fact| fact.starts_with("connector_")).unwrap();
        assert_eq!(last, "connector_connected", "{loss:?}: the feed reports the end of the problem");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn organisation_wide_tokens_are_asked_for_anew_without_the_ring_that_sealed_them() {
    for loss in Loss::ALL {
        let world = World::new().await;
        let registry = world.organization(ADMIN).await;
        lose(&world, loss).await;
        for _ in 0..2 {
            let mail = world.deliver("inbox", "Kept all the same");
            world.run_until_idle().await;
            assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked", "{loss:?}");
            assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "connected");
            world.clock.advance(HOUR);
        }
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_new_sign_in_is_sealed_with_the_new_ring() {
    let world = World::new().await;
    let registry = world.registry().await;
    lose(&world, Loss::Replaced).await;
    world.deliver("inbox", "While it is lost");
    world.run_until_idle().await;
    assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "action_required");
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    let mail = world.deliver("inbox", "After the sign-in");
    world.pass(HOUR).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_key_that_was_added_to_the_ring_a_moment_ago_opens_what_it_sealed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut ring: Value = serde_json::from_str(&text(&world).await).unwrap();
    ring["k9"] = json!("z".repeat(40));
    ring["current"] = json!("k9");
    // Each function has read the ring with one key. The callback reads it anew, and seals with the new one.
    world.clock.advance(Duration::from_secs(299));
    put(&world, &ring.to_string()).await;
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    let mail = world.deliver("inbox", "Opened by the new key");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "connected");
}

#[tokio::test]
async fn whatever_else_is_sealed_is_told_in_words() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/keys", registry.firm);
    let mut headers = HeaderMap::new();
    headers.insert("idempotency-key", "once".parse().unwrap());
    let body = Some(json!({ "name": "Business application" }));
    let send = || world.request_with(Some(OPERATOR_KEY), Method::POST, &path, headers.clone(), body.clone());
    send().await.ok();
    let ticket = world.connector_view(&registry.firm, &registry.connector).await["connect_url"].clone();
    let before = world.begin_sign_in(&registry.firm, &registry.connector).await;
    put(&world, &json!({ "current": "k9", "k9": "z".repeat(40) }).to_string()).await;
    world.clock.advance(Duration::from_secs(400));

    // A sign-in that began with the ring before.
    let callback = world.decide(&before.page, ADA, "accept").await;
    let arrived = world.complete_sign_in(&callback, &before.cookie).await.told();
    assert_eq!((arrived.status, arrived.problem()), (StatusCode::SERVICE_UNAVAILABLE, "secrets_unreadable".to_owned()));
    // A stored answer. Its request is not carried out twice.
    assert_eq!(send().await.problem(), "secrets_unreadable");
    let keys = world.get(&path).await.ok()["items"].as_array().unwrap().len();
    assert_eq!(keys, 1);
    // A link that was handed out: damaged, as for anybody who makes one up.
    let link = ticket.as_str().unwrap();
    let opened = tests::http().get(link).header("accept", "application/json").send().await.unwrap();
    assert_eq!(opened.status(), StatusCode::BAD_REQUEST);
    // And no ring at all.
    let delete = secrets(&world).delete_secret().secret_id(KEYRING).force_delete_without_recovery(true);
    delete.send().await.unwrap();
    world.clock.advance(HOUR);
    let opened = tests::http().get(link).header("accept", "application/json").send().await.unwrap();
    let problem: Value = opened.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["who"]), (&json!("secrets_unreadable"), &json!("operator")));
}
