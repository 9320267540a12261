//! D2: a message is filed to a dossier; the mark turns green, for certain; and it is told.

use std::time::Duration;

use microsoft365::{RetryAfter, Times};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Registry, World, message_id};

const GREY: &str = "greffe: received";
const GREEN: &str = "greffe: filed";

fn file_of(registry: &Registry, mail: &str) -> String {
    format!("/v1/firms/{}/messages/{}/file", registry.firm, message_id(registry, mail))
}

async fn file(world: &World, registry: &Registry, mail: &str, dossier: &str) -> Value {
    world.post(&file_of(registry, mail), json!({ "dossier": dossier })).await.ok()
}

fn marks(world: &World) -> Vec<String> {
    world.microsoft.messages(ADA).unwrap().into_iter().flat_map(|mail| mail.categories).collect()
}

/// The subjects that are filed to a dossier, newest first.
async fn filed_to(world: &World, registry: &Registry, dossier: &str) -> Vec<String> {
    let page = world.get(&format!("/v1/firms/{}/messages?dossier={dossier}", registry.firm)).await.ok();
    page["items"].as_array().unwrap().iter().map(|m| m["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn d2_a_filed_message_turns_green_is_told_once_and_shows_who_filed_it_when() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Contract");
    world.run_until_idle().await;
    let key = world.post(&format!("/v1/firms/{}/keys", registry.firm), json!({ "name": "app" })).await.ok();
    let text = key["key"].as_str().unwrap();
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..3 {
        let body = json!({ "dossier": " 2026/017 Dupont c. Müller " });
        let filed = world.request(Some(text), Method::POST, &file_of(&registry, &mail), Some(body)).await.ok();
        assert_eq!((&filed["dossier"], &filed["filed_by"]), (&json!("2026/017 Dupont c. Müller"), &key["id"]));
        assert_eq!(filed["filed_at"], "2026-03-02T08:01:00Z");
        world.run_until_idle().await;
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(marks(&world), [GREEN]);
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.feed(&registry.firm).await, ["message_archived", "message_filed"]);
    let facts = world.get(&format!("/v1/firms/{}/events?after=0", registry.firm)).await.ok();
    let fact = facts["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&fact["dossier"], &fact["by"]), (&json!("2026/017 Dupont c. Müller"), &key["id"]));
    assert_eq!((&fact["message"], &fact["before"]), (&json!(message_id(&registry, &mail).to_string()), &json!(null)));
    assert_eq!(world.progress(&registry).await["archived"], 1, "counted once");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_message_is_filed_elsewhere_and_taken_out_again_and_its_history_stays() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Wanders");
    world.run_until_idle().await;
    let other = world.deliver("inbox", "Stays");
    world.run_until_idle().await;
    for mail in [&mail, &other] {
        file(&world, &registry, mail, "A").await;
    }
    world.run_until_idle().await;
    assert_eq!(filed_to(&world, &registry, "A").await, ["Stays", "Wanders"]);
    file(&world, &registry, &mail, "B").await;
    world.run_until_idle().await;
    assert_eq!(filed_to(&world, &registry, "A").await, ["Stays"]);
    assert_eq!(filed_to(&world, &registry, "B").await, ["Wanders"]);
    assert_eq!(marks(&world), [GREEN, GREEN]);

    let taken_out = world.delete(&file_of(&registry, &mail)).await.ok();
    assert_eq!((&taken_out["dossier"], &taken_out["filed_by"]), (&json!(null), &json!(null)));
    world.run_until_idle().await;
    assert_eq!(marks(&world), [GREY, GREEN]);
    assert_eq!(filed_to(&world, &registry, "B").await, Vec::<String>::new());
    // Said again, in either way, nothing changes; and filed again, it is green again.
    world.delete(&file_of(&registry, &mail)).await.ok();
    world.post(&file_of(&registry, &mail), json!({ "dossier": null })).await.ok();
    file(&world, &registry, &mail, "A").await;
    world.run_until_idle().await;
    assert_eq!(marks(&world), [GREEN, GREEN]);
    assert_eq!(filed_to(&world, &registry, "A").await, ["Stays", "Wanders"]);

    let history = world.get(&file_of(&registry, &mail)).await.ok();
    let dossiers: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|filing| &filing["dossier"]).collect();
    assert_eq!(dossiers, [&json!("A"), &json!("B"), &json!(null), &json!("A")]);
    assert!(history["items"].as_array().unwrap().iter().all(|filing| filing["by"] == "operator"));
    let told = world.feed(&registry.firm).await;
    let filings = ["message_filed", "message_filed", "message_filed", "message_unfiled", "message_filed"];
    assert_eq!(told[2..], filings);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_message_that_is_filed_before_it_is_grey_ends_green() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Quick");
    // It is archived and told, and Outlook can't be written to yet.
    world.microsoft.faults().fail("message patch", 503, Times::N(3));
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "announced");
    file(&world, &registry, &mail, "A").await;
    for _ in 0..6 {
        world.pass(Duration::from_secs(61)).await;
    }
    assert_eq!(marks(&world), [GREEN]);
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.progress(&registry).await["archived"], 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn many_messages_filed_at_once_are_marked_twenty_to_a_batch() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..50).map(|i| world.deliver("inbox", &format!("Mail {i}"))).collect();
    world.run_until_idle().await;
    let batches = world.microsoft.requests().batches;
    for mail in &mails {
        file(&world, &registry, mail, "A").await;
    }
    world.run_jobs().await;
    assert_eq!(marks(&world).iter().filter(|mark| *mark == GREEN).count(), 50);
    assert_eq!(world.microsoft.requests().batches - batches, 3);
    assert_eq!(world.microsoft.requests().throttled, 0);
    world.run_until_idle().await;

    // Page by page, the dossier's list reaches every message once.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/firms/{}/messages?dossier=A&limit=20{after}", registry.firm);
        let page = world.get(&path).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|m| m["number"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 50);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    let narrowed = world.get(&format!("/v1/firms/{}/messages?dossier=A&q=mail%2049", registry.firm)).await.ok();
    assert_eq!(narrowed["items"].as_array().unwrap().len(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn the_mark_turns_green_once_the_mailbox_works_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails = ["Paused", "Throttled", "Signed out"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);

    world.post(&format!("{path}/pause"), json!({})).await.ok();
    file(&world, &registry, &mails[0], "A").await;
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(marks(&world), [GREY, GREY, GREY]);
    world.activate(&registry).await;
    assert_eq!(marks(&world), [GREEN, GREY, GREY]);

    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(30), Times::N(4));
    file(&world, &registry, &mails[1], "A").await;
    for _ in 0..8 {
        world.pass(Duration::from_secs(31)).await;
    }
    assert_eq!(marks(&world), [GREEN, GREEN, GREY]);

    world.tenant.revoke_sessions(ADA).unwrap();
    world.pass(Duration::from_secs(2 * 3600)).await;
    file(&world, &registry, &mails[2], "A").await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(marks(&world), [GREEN, GREEN, GREY]);
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(marks(&world), [GREEN, GREEN, GREEN]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_message_that_outlook_no_longer_has_is_filed_all_the_same() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (gone, there) = (world.deliver("inbox", "Gone"), world.deliver("inbox", "There"));
    world.run_until_idle().await;
    world.microsoft.delete_message(ADA, &gone).unwrap();
    for mail in [&gone, &there] {
        file(&world, &registry, mail, "A").await;
    }
    world.run_until_idle().await;
    let message = world.message(&registry, &gone).await.ok();
    assert_eq!((&message["state"], &message["dossier"]), (&json!("unmarked"), &json!("A")));
    assert_eq!(marks(&world), [GREEN], "the other is marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn what_can_not_be_filed_is_refused() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (failed, kept) = (world.deliver("inbox", "Failed"), world.deliver("inbox", "Kept"));
    world.microsoft.faults().value(&failed, microsoft365::ValueFault::Status(404), Times::Forever);
    world.run_until_idle().await;
    let to = |dossier: &str| json!({ "dossier": dossier });
    assert_eq!(world.post(&file_of(&registry, &failed), to("A")).await.problem(), "not_archived");
    assert_eq!(world.post(&file_of(&registry, "AAkUnknown"), to("A")).await.problem(), "not_found");
    assert_eq!(world.delete(&file_of(&registry, "AAkUnknown")).await.problem(), "not_found");
    assert_eq!(world.get(&file_of(&registry, "AAkUnknown")).await.problem(), "not_found");
    for body in [json!({}), to(""), to("  "), to("a\nb"), to(&"x".repeat(201)), json!({ "dossier": 7 })] {
        let refused = world.post(&file_of(&registry, &kept), body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.problem(), "invalid_request");
    }
    let other = world.firm("Other").await;
    let key = world.post(&format!("/v1/firms/{other}/keys"), json!({ "name": "other" })).await.ok();
    let key = key["key"].as_str();
    for firm in [&registry.firm, &other] {
        let path = format!("/v1/firms/{firm}/messages/{}/file", message_id(&registry, &kept));
        for (method, body) in [(Method::POST, Some(to("A"))), (Method::DELETE, None), (Method::GET, None)] {
            assert_eq!(world.request(key, method, &path, body).await.problem(), "not_found");
        }
    }
    file(&world, &registry, &kept, "A").await;
    assert_eq!(filed_to(&world, &Registry { firm: other, ..registry }, "A").await, Vec::<String>::new());
    world.run_until_idle().await;
}

#[tokio::test]
async fn d2_many_messages_are_filed_at_once_each_with_an_answer_of_its_own() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails = ["One", "Two", "Three"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let path = format!("/v1/firms/{}/messages/file", registry.firm);
    let absent = format!("{}.{}", registry.mailbox, "0a".repeat(16));
    let mut ids = mails.each_ref().map(|mail| message_id(&registry, mail).to_string()).to_vec();
    ids.insert(1, absent);
    ids.push("no id".to_owned());
    let all = |dossier: Value| json!({ "messages": ids, "dossier": dossier });
    for _ in 0..2 {
        let filed = world.post(&path, all(json!("2026/017"))).await.ok();
        let items = filed["items"].as_array().unwrap();
        let told: Vec<_> = items.iter().map(|item| (&item["message"], &item["problem"]["code"])).collect();
        let [null, unknown, no_id] = [Value::Null, json!("not_found"), json!("invalid_request")];
        let each: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
        let expected = [&null, &unknown, &null, &null, &no_id];
        assert_eq!(told, each.iter().zip(expected).collect::<Vec<_>>());
        world.run_until_idle().await;
    }
    assert_eq!(marks(&world), [GREEN; 3]);
    let mut filed = filed_to(&world, &registry, "2026/017").await;
    filed.sort();
    assert_eq!(filed, ["One", "Three", "Two"]);
    let told = world.feed(&registry.firm).await;
    assert_eq!(told.iter().filter(|fact| *fact == "message_filed").count(), 3, "said again, nothing is told again");

    // Another firm files none of them.
    let other = world.firm("Other").await;
    let refused = world.post(&format!("/v1/firms/{other}/messages/file"), all(json!("theirs"))).await.ok();
    let refused = refused["items"].as_array().unwrap();
    assert!(refused[..4].iter().all(|item| item["problem"]["code"] == "not_found"));

    world.post(&path, all(Value::Null)).await.ok();
    world.run_until_idle().await;
    assert_eq!((marks(&world), filed_to(&world, &registry, "2026/017").await), (vec![GREY.to_owned(); 3], vec![]));

    for bad in [json!([]), json!(vec![&ids[0]; 101]), json!([7])] {
        let refused = world.post(&path, json!({ "messages": bad, "dossier": "7" })).await;
        assert_eq!(refused.problem(), "invalid_request");
    }
    world.settle(&registry).await;
}
