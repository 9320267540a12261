//! O1, O4: what whoever writes a business application relies on: keys, limits, requests sent again, the audit trail.

use std::{collections::BTreeSet, time::Duration};

use axum::http::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::{
    aws::table::{Key, Row, Write},
    base::headers::HSTS,
    firm::audit::AuditLink,
};
use tests::{ADA, Answer, OPERATOR_KEY, World, message_id};

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
    assert!(!listed.to_string().contains(second["key"].as_str().unwrap().splitn(4, '_').nth(3).unwrap()));
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
async fn an_erasure_that_is_asked_for_twice_with_one_key_is_one() {
    let world = World::new().await;
    let (firm, _) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/erasures");
    let body = json!({ "target": { "kind": "sender", "from": "@letters.example" }, "reason": "Unwanted" });
    let first = post(&world, OPERATOR_KEY, &path, "e-1", &body).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.body);
    let again = post(&world, OPERATOR_KEY, &path, "e-1", &body).await;
    assert_eq!((again.status, &again.body["id"]), (first.status, &first.body["id"]));
    assert_eq!(world.get(&path).await.ok()["items"].as_array().unwrap().len(), 1);
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
    let reused = post(&world, &key, &path, "a-1", &other).await;
    assert_eq!(reused.status, StatusCode::CONFLICT);
    assert_eq!(reused.problem(), "idempotency_key_reused");
    assert_eq!(post(&world, &key, &path, "a\tb", &other).await.problem(), "invalid_request");
    // Another key of the firm has nothing to repeat.
    let anothers = post(&world, OPERATOR_KEY, &path, "a-1", &body).await;
    assert_eq!(anothers.body["code"], "idempotency_key_reused");
    assert!(anothers.body["detail"].as_str().unwrap().contains("Another API key"), "{}", anothers.body);
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
async fn calls_side_by_side_are_counted_once_each() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}");
    let calls = (0..100).map(|_| world.request(Some(&key), Method::GET, &path, None));
    let answers = futures::future::join_all(calls).await;
    let told = answers.iter().map(|answer| answer.headers["ratelimit"].to_str().unwrap().to_owned());
    let counted = (1..=100).map(|made| format!("\"minute\";r={};t=60", 1_200 - made));
    assert_eq!(told.collect::<BTreeSet<_>>(), counted.collect());
}

#[tokio::test]
async fn a_firm_that_calls_too_often_with_any_of_its_keys_is_told_when_to_come_back_and_others_are_not_held_up() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}");
    let second = world.post(&format!("{path}/keys"), json!({ "name": "second" })).await.ok();
    let second = second["key"].as_str().unwrap();
    for i in 0..1_200 {
        let key = if i % 2 == 0 { &key } else { second };
        let answer = world.request(Some(key), Method::GET, &path, None).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["ratelimit-policy"], "\"minute\";q=1200;w=60");
        assert_eq!(answer.headers["ratelimit"], format!("\"minute\";r={};t=60", 1_199 - i));
    }
    assert_eq!(world.request(Some(second), Method::GET, &path, None).await.problem(), "too_many_requests");
    let refused = world.request(Some(&key), Method::GET, &path, None).await;
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(refused.headers["ratelimit"], "\"minute\";r=0;t=60");
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

    let trail = trail(&world, &firm).await;
    let told: Vec<_> = trail
        .iter()
        .map(|e| (e["action"].as_str().unwrap(), e["who"]["kind"].as_str().unwrap(), e["outcome"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            // The firm and its entry are one transaction, as are a sign-in and its entry.
            ("POST /v1/firms", "operator", json!(201)),
            ("POST /v1/firms/{firm}/keys", "operator", Value::Null),
            ("POST /v1/firms/{firm}/keys", "operator", json!(201)),
            ("POST /v1/firms/{firm}/connectors", "key", Value::Null),
            ("POST /v1/firms/{firm}/connectors", "key", json!(201)),
            ("POST /v1/firms/{firm}/mailboxes", "key", Value::Null),
            ("POST /v1/firms/{firm}/mailboxes", "key", json!(400)),
            ("GET /oauth/callback", "account", json!(200)),
        ]
    );
    let entries: Vec<_> = trail.iter().filter(|e| e["request"] == request).collect();
    assert_eq!(entries.len(), 2, "the deed and what came of it");
    for entry in entries {
        let path = json!(format!("/v1/firms/{firm}/connectors"));
        assert_eq!((&entry["from"], &entry["path"]), (&json!("127.0.0.1"), &path));
    }
    let signed_in = trail.iter().find(|e| e["who"]["kind"] == "account").unwrap();
    assert_eq!((&signed_in["who"]["address"], &signed_in["from"]), (&json!(ADA), &json!("127.0.0.1")));
}

/// The whole trail, page by page, none of which is broken.
async fn trail(world: &World, firm: &str) -> Vec<Value> {
    let mut trail = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&format!("/v1/firms/{firm}/audit?limit=2&after={after}")).await.ok();
        assert_eq!(page["broken_at"], Value::Null);
        trail.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { return trail };
        after = next.to_owned();
    }
}

#[tokio::test]
async fn reading_an_original_leaves_an_entry_and_reading_about_it_does_not() {
    let world = World::with(&[("GREFFE_CONTENT_BYTES_MAX", "1000")]).await;
    let registry = world.registry().await;
    let firm = &registry.firm;
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "Application" })).await.ok();
    let (id, key) = (key["id"].clone(), key["key"].as_str().unwrap().to_owned());
    let small = world.deliver("inbox", "Small");
    let large = microsoft365::Mail::generated(3, 5_000, world.clock.now());
    let large = world.microsoft.deliver(ADA, "inbox", large).unwrap().immutable_id;
    world.run_until_idle().await;
    let before = trail(&world, firm).await.len();
    let path = |mail: &str| format!("/v1/firms/{firm}/messages/{}", message_id(&registry, mail));
    let content = |mail: &str| path(mail) + "/content";

    world.request(Some(&key), Method::GET, &path(&small), None).await.ok();
    world.request(Some(&key), Method::GET, &format!("/v1/firms/{firm}/messages"), None).await.ok();
    assert_eq!(trail(&world, firm).await.len(), before);

    let read = world.request(Some(&key), Method::GET, &content(&small), None).await;
    let request = read.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(read.status, StatusCode::OK);
    // A link is as good as the bytes.
    assert_eq!(world.get(&content(&large)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.request(Some(&key), Method::HEAD, &content(&large), None).await.status, StatusCode::OK);
    let nowhere = content(&small).replace(&registry.mailbox, "00000000-0000-4000-8000-000000000000");
    assert_eq!(world.request(Some(&key), Method::GET, &nowhere, None).await.status, StatusCode::NOT_FOUND);

    let read = trail(&world, firm).await.split_off(before);
    let told: Vec<_> = read.iter().map(|e| (&e["action"], &e["path"], &e["who"]["kind"], &e["outcome"])).collect();
    let [get, head] = ["GET", "HEAD"].map(|m| json!(format!("{m} /v1/firms/{{firm}}/messages/{{message}}/content")));
    let [small, large, nowhere] = [content(&small), content(&large), nowhere].map(Value::from);
    let [by_key, operator] = ["key", "operator"].map(Value::from);
    let (ok, elsewhere, not_found) = (json!(200), json!(303), json!(404));
    assert_eq!(
        told,
        [
            (&get, &small, &by_key, &Value::Null),
            (&get, &small, &by_key, &ok),
            (&get, &large, &operator, &Value::Null),
            (&get, &large, &operator, &elsewhere),
            (&head, &large, &by_key, &Value::Null),
            (&head, &large, &by_key, &ok),
            (&get, &nowhere, &by_key, &Value::Null),
            (&get, &nowhere, &by_key, &not_found),
        ]
    );
    let entry = &read[0];
    assert_eq!((&entry["who"]["id"], &entry["from"], &entry["request"]), (&id, &json!("127.0.0.1"), &json!(request)));
    assert_eq!(entry["at"], world.clock.now().to_string());
}

#[tokio::test]
async fn an_original_is_not_given_out_if_its_entry_can_not_be_written() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Confidential");
    world.run_until_idle().await;
    let firm = registry.firm.parse().unwrap();
    // The entry that comes next has its place taken, and is not what follows from the one before: as if all were busy.
    let trail = trail(&world, &registry.firm).await;
    let next = trail.last().unwrap()["number"].as_u64().unwrap() + 1;
    let table = &world.host.app.table;
    table.write(Write::insert(Key::audit(firm, next), &json!({ "not": "an entry" }))).await.unwrap();
    let path = format!("/v1/firms/{}/messages/{}/content", registry.firm, message_id(&registry, &mail));
    world.aws_calls();
    assert_eq!(world.get(&path).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let read = world.aws_calls();
    assert!(!read.iter().any(|call| call.resource.starts_with("Originals")), "{read:?}");
}

#[tokio::test]
async fn the_trail_stays_whole_under_concurrent_calls_and_shows_where_an_entry_was_changed() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/keys");
    let calls = (0..12).map(|_| world.request(Some(&key), Method::POST, &path, Some(json!({ "name": "" }))));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::BAD_REQUEST));
    let whole = trail(&world, &firm).await;
    assert_eq!(whole.len(), 3 + 24);
    for (number, entry) in (1..).zip(&whole) {
        assert_eq!(entry["number"], number);
    }
    // What no condition in IAM can refuse: a put over what is there.
    let (table, id) = (&world.host.app.table, firm.parse().unwrap());
    let mut row: Row<AuditLink> = table.get(&Key::audit(id, 7)).await.unwrap().unwrap();
    row.value.entry.from = Some("203.0.113.7".to_owned());
    table.write(Write::replace(&row)).await.unwrap();
    let at = async |query: &str| world.get(&format!("/v1/firms/{firm}/audit?{query}")).await.ok()["broken_at"].clone();
    assert_eq!(at("").await, 8);
    // A page is held against the entry before it.
    assert_eq!(at(&format!("after={}", whole[6]["id"].as_str().unwrap())).await, 8);
    assert_eq!(at(&format!("after={}", whole[7]["id"].as_str().unwrap())).await, Value::Null);
    assert_eq!(at("limit=7").await, Value::Null);
    let shown = world.get(&format!("/v1/firms/{firm}/audit")).await.ok();
    assert_ne!(shown["items"][6]["digest"], whole[6]["digest"], "the digest that was seen before tells it too");
}

#[tokio::test]
async fn entries_of_versions_without_a_chain_stay_readable_and_come_first() {
    let world = World::new().await;
    let (firm, _) = firm(&world).await;
    let old = json!({
        "at": "2025-03-02T08:00:00Z", "who": { "kind": "operator" }, "action": "POST /v1/firms/{firm}/members",
        "path": format!("/v1/firms/{firm}/members"), "request": "r-1", "outcome": 201,
    });
    let key = Key::audit_after(firm.parse().unwrap(), "2025-03-02T08:00:00.000Z#r-1").unwrap();
    world.host.app.table.write(Write::insert(key, &old)).await.unwrap();
    let page = world.get(&format!("/v1/firms/{firm}/audit?limit=1")).await.ok();
    assert_eq!((&page["items"][0]["outcome"], &page["items"][0]["number"]), (&json!(201), &Value::Null));
    assert!(page["next"].as_str().unwrap().starts_with("2025-03-02T08:00:00.000Z#r-1."), "{page}");
    let rest = page["next"].as_str().unwrap().replace('#', "%23");
    let rest = world.get(&format!("/v1/firms/{firm}/audit?after={rest}")).await.ok();
    assert_eq!((&rest["items"][0]["number"], &rest["broken_at"]), (&json!(1), &Value::Null));
}

#[tokio::test]
async fn every_answer_of_every_function_forbids_plain_http_and_sniffing() {
    let world = World::new().await;
    let base = world.host.app.config.public_url.at("");
    let get = |path: &str| tests::http().get(format!("{base}{path}"));
    let post = |path: &str| tests::http().post(format!("{base}{path}"));
    let asked = [
        (get("/"), 200),
        (get("/healthz"), 200),
        (get("/openapi.json"), 200),
        (get("/nowhere"), 404),
        (get("/v1/firms/x"), 401),
        (post("/healthz"), 405),
        (post("/v1/firms").bearer_auth(OPERATOR_KEY).body("{"), 415),
        (get("/oauth/callback"), 400),
        (get("/oauth/connect/x"), 400),
        (get("/oauth/nowhere"), 404),
        (post("/oauth/callback"), 405),
        (get("/webhook"), 405),
        (post("/webhook").body("{}"), 202),
        (post("/webhook?validationToken=x"), 200),
        (post("/webhook").body(vec![b' '; (1 << 20) + 1]), 413),
    ];
    for (request, status) in asked {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{}", answer.url());
        assert_eq!(answer.headers()["strict-transport-security"], HSTS, "{}", answer.url());
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{}", answer.url());
    }
}

#[tokio::test]
async fn the_answer_to_a_large_bulk_is_told_again_in_full() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/dates/bulk");
    let rows: Vec<_> = (0..5_000).map(|i| json!({ "external_id": format!("row {i}"), "x".repeat(400): 1 })).collect();
    let body = json!({ "rows": rows });
    let first = post(&world, &key, &path, "large", &body).await.ok();
    assert_eq!((&first["refused"], first["results"].as_array().unwrap().len()), (&json!(5_000), 5_000));
    let again = post(&world, &key, &path, "large", &body).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.ok(), first);
}

#[tokio::test]
async fn a_row_is_deleted_by_true_alone_and_by_nothing_that_looks_like_it() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/contacts/bulk");
    let row = |deleted: Value| json!({ "rows": [{ "external_id": "C", "name": "Court", "deleted": deleted }] });
    for (number, (said, outcome, field)) in (0..).zip([
        (json!(false), "taken", Value::Null),
        (json!("true"), "refused", json!("deleted")),
        (json!(1), "refused", json!("deleted")),
        (json!(true), "taken", Value::Null),
    ]) {
        let answer = post(&world, &key, &path, &format!("row {number}"), &row(said.clone())).await.ok();
        let result = &answer["results"][0];
        assert_eq!((&result["outcome"], &result["field"]), (&json!(outcome), &field), "{said}: {answer}");
    }
}

#[tokio::test]
async fn a_key_makes_no_key_that_may_do_more_and_a_firm_has_a_maximum_of_them() {
    let world = World::new().await;
    let (firm, _) = firm(&world).await;
    let path = format!("/v1/firms/{firm}/keys");
    let end = (world.clock.now() + Duration::from_secs(3_600)).to_string();
    let made = json!({ "name": "some", "rights": ["read", "manage"], "expires_at": end });
    let own = world.post(&path, made).await.ok();
    let key = own["key"].as_str().unwrap();
    let make = async |body: Value| world.request(Some(key), Method::POST, &path, Some(body)).await;
    let child = make(json!({ "name": "child" })).await.ok();
    assert_eq!((&child["rights"], &child["expires_at"]), (&json!(["read", "manage"]), &own["expires_at"]));
    assert_eq!(make(json!({ "name": "more", "rights": ["push"] })).await.problem(), "key_right_missing");
    let later = (world.clock.now() + Duration::from_secs(3_601)).to_string();
    assert_eq!(make(json!({ "name": "longer", "expires_at": later })).await.problem(), "invalid_request");
    assert_eq!(make(json!({ "name": "nothing", "rights": [] })).await.problem(), "invalid_request");
    let used = world.get(&path).await.ok();
    let used = used["items"].as_array().unwrap().iter().find(|k| k["id"] == own["id"]).unwrap()["last_used_at"].clone();
    assert!(used.as_str().unwrap().ends_with(":00Z"), "{used}");

    let many = (0..60).map(|_| make(json!({ "name": "many", "rights": ["read"] })));
    futures::future::join_all(many).await;
    while make(json!({ "name": "one more" })).await.status.is_success() {}
    assert_eq!(make(json!({ "name": "too many" })).await.problem(), "too_many_keys");
    assert_eq!(world.get(&path).await.ok()["items"].as_array().unwrap().len(), 50);

    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.request(Some(key), Method::GET, &path, None).await.problem(), "unauthorized");
}

#[tokio::test]
async fn a_secret_in_the_place_of_an_id_is_kept_nowhere() {
    let world = World::new().await;
    let (firm, key) = firm(&world).await;
    let (_, another) = self::firm(&world).await;
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl".to_owned();
    let secrets = [key.clone(), another, jwt, format!("abc8Q~{}", "x".repeat(34)), "k1.c2VhbGVkIHRpY2tldA".to_owned()];
    let description = world.request(None, Method::GET, "/openapi.json", None).await.ok();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let names: Vec<_> = path.split('/').filter(|part| part.starts_with('{')).collect();
        for method in operations.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for (secret, name) in secrets.iter().flat_map(|secret| names.iter().map(move |name| (secret, *name))) {
                let here = path.replace(name, secret).replace("{firm}", &firm);
                let here = here.replace("{connector}", &uuid::Uuid::nil().to_string());
                let body = (!method.is_safe() && method != Method::DELETE).then(|| json!({ "title": "x" }));
                let answer = world.request(Some(&key), method.clone(), &here, body).await;
                assert!(!answer.body.to_string().contains(secret), "{method} {path}: {}", answer.body);
            }
        }
        // Many calls within a minute of a clock that stands.
        world.clock.advance(Duration::from_secs(60));
    }
    let mut folders = vec![world.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            for secret in &secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds {secret}", entry.path().display());
            }
        }
    }
}
