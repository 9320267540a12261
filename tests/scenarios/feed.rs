//! O1: the feed is enough: by it alone a receiver keeps an exact copy of the index, of one firm or of all.

use std::{collections::BTreeMap, time::Duration};

use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use microsoft365::{Times, ValueFault};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::{
    evidence::erasure::ROUND_TIME,
    firm::{
        fact::{Fact, FactEvent},
        feed::GAP_PATIENCE,
        waiting_calls::WaitingCall,
    },
};
use tests::{ADA, OPERATOR_KEY, Registry, World, message_id};

/// All that lies behind a list, page by page.
async fn all(world: &World, path: &str, limit: u32) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{path}?limit={limit}&after={after}")).await.ok();
        let found = page["items"].as_array().unwrap().clone();
        // A feed has no last page: it is read to where nothing more comes.
        let end = page["next"].is_null() || found.is_empty();
        items.extend(found);
        if end {
            return items;
        }
        after = page["next"].as_str().map_or_else(|| page["next"].to_string(), str::to_owned);
    }
}

/// What a receiver makes of the feed: each message as `GET …/messages/{message}` shows it.
fn copy(events: &[Value]) -> BTreeMap<String, Value> {
    let mut copy = BTreeMap::new();
    follow(&mut copy, events);
    copy
}

/// Until when the original of an event is kept.
fn kept_until(event: &Value) -> Value {
    event["until_year"].as_u64().map_or(Value::Null, |year| json!(format!("{}-01-01T00:00:00Z", year + 1)))
}

/// Brings a receiver's copy up to further events.
fn follow(copy: &mut BTreeMap<String, Value>, events: &[Value]) {
    for event in events {
        if event["type"] == "mailbox_erased" {
            copy.retain(|_, message| message["mailbox"] != event["mailbox"]);
        }
        let Some(message) = event["message"].as_str() else { continue };
        let shown = |state: &str| {
            json!({
                "id": message, "mailbox": event["mailbox"], "subject": event["subject"], "from": event["from"],
                "received_at": event["received_at"], "internet_message_id": event["internet_message_id"],
                "has_attachments": event["has_attachments"], "state": state, "sha256": event["sha256"],
                "bytes": event["bytes"], "archived_at": event["archived_at"], "number": event["number"],
                "kept_until": kept_until(event),
                "failure": null, "skip_reason": null, "dossier": null, "filed_at": null, "filed_by": null,
                "filed_through": null, "removed_by": null, "erasure": null,
            })
        };
        let filed = |copy: &mut BTreeMap<String, Value>, values: [Value; 4]| {
            let known = copy.get_mut(message).expect("what is filed is archived");
            for (name, value) in ["dossier", "filed_at", "filed_by", "filed_through"].into_iter().zip(values) {
                known[name] = value;
            }
        };
        match event["type"].as_str().unwrap() {
            "message_archived" => drop(copy.insert(message.to_owned(), shown("archived"))),
            "message_gone" => drop(copy.insert(message.to_owned(), shown("gone"))),
            "message_failed" => {
                let mut failed = shown("failed");
                failed["failure"] = json!({ "code": event["code"] });
                copy.insert(message.to_owned(), failed);
            }
            "message_erased" | "message_removed" => drop(copy.remove(message)),
            "message_filed" => {
                filed(copy, ["dossier", "at", "by", "through"].map(|name| event[name].clone()));
            }
            "message_unfiled" => filed(copy, [const { Value::Null }; 4]),
            "retention_changed" => {
                copy.get_mut(message).expect("what is kept is archived")["kept_until"] = kept_until(event);
            }
            other => panic!("{other} is unknown"),
        }
    }
}

/// The index, without what is no part of a message: whether Outlook shows it by now, and the tries of a failure.
async fn index(world: &World, firm: &str) -> BTreeMap<String, Value> {
    let messages = all(world, &format!("/v1/firms/{firm}/messages"), 3).await;
    let plain = messages.into_iter().map(|mut message| {
        if ["announced", "marked", "unmarked"].iter().any(|state| message["state"] == *state) {
            message["state"] = json!("archived");
        }
        if let Some(failure) = message["failure"].as_object_mut() {
            failure.retain(|name, _| name == "code");
        }
        // What a search found is no part of the index.
        assert_eq!(message.as_object_mut().unwrap().remove("matches"), Some(json!([])));
        (message["id"].as_str().unwrap().to_owned(), message)
    });
    plain.collect()
}

async fn file(world: &World, registry: &Registry, mail: &str, dossier: Value) {
    let path = format!("/v1/firms/{}/messages/{}/file", registry.firm, message_id(registry, mail));
    world.post(&path, json!({ "dossier": dossier })).await.ok();
}

/// A registry with mail of every kind: archived, filed, filed elsewhere and so kept longer, unfiled, failed, archived
/// after a failure, gone.
async fn eventful(world: &World) -> Registry {
    let registry = world.registry().await;
    let retention = format!("/v1/firms/{}/retention", registry.firm);
    let classes = json!([{ "name": "Tax", "years": 10 }]);
    world.put(&retention, json!({ "default_years": 7, "classes": classes, "reason": "The law" })).await.ok();
    let class = json!({ "dossier": "2026/018", "class": "Tax", "reason": "A tax matter" });
    world.put(&format!("{retention}/dossiers"), class).await.ok();
    world.pass(Duration::from_secs(61)).await;
    let mails: Vec<String> = (0..7).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.microsoft.faults().value(&mails[4], ValueFault::Status(400), Times::Forever);
    world.microsoft.faults().value(&mails[5], ValueFault::Status(400), Times::N(1));
    world.microsoft.faults().value(&mails[6], ValueFault::Status(503), Times::Forever);
    world.run_until_idle().await;
    world.microsoft.delete_message(ADA, &mails[6]).unwrap();
    world.microsoft.faults().value(&mails[6], ValueFault::Status(404), Times::N(1));
    for _ in 0..6 {
        world.pass(Duration::from_secs(60)).await;
    }
    file(world, &registry, &mails[0], json!("2026/017")).await;
    file(world, &registry, &mails[1], json!("2026/017")).await;
    file(world, &registry, &mails[1], json!("2026/018")).await;
    file(world, &registry, &mails[2], json!("2026/017")).await;
    file(world, &registry, &mails[2], json!(null)).await;
    world.run_until_idle().await;
    world.host.index().await;
    registry
}

#[tokio::test]
async fn an_exact_copy_of_the_index_is_made_from_the_feed_alone() {
    let world = World::new().await;
    let registry = eventful(&world).await;
    let events = all(&world, &format!("/v1/firms/{}/events", registry.firm), 3).await;
    let index = index(&world, &registry.firm).await;
    let states: Vec<&str> = index.values().map(|message| message["state"].as_str().unwrap()).collect();
    for (state, count) in [("archived", 5), ("failed", 1), ("gone", 1)] {
        assert_eq!(states.iter().filter(|found| **found == state).count(), count, "{state}");
    }
    assert_eq!(copy(&events), index);
    assert!(events.iter().any(|event| event["type"] == "retention_changed"));
    let archived = events.iter().find(|event| event["type"] == "message_archived").unwrap();
    assert!(archived["immutable_id"].as_str().is_some_and(|id| !id.is_empty()), "{archived}");
}

/// Has something erased or removed, to its end.
async fn erase(world: &World, firm: &str, target: Value) {
    let new = json!({ "target": target, "asked_by": "Ada", "reason": "Article 17" });
    let path = format!("/v1/firms/{firm}/erasures");
    let asked = world.post(&path, new).await.ok();
    Box::pin(world.host.erase()).await;
    let path = format!("{path}/{}", asked["id"].as_str().unwrap());
    world.post(&format!("{path}/confirm"), Value::Null).await.ok();
    Box::pin(world.host.erase()).await;
    world.clock.advance(ROUND_TIME);
    Box::pin(world.host.erase()).await;
    assert_eq!(world.get(&path).await.ok()["progress"]["state"], "erased");
}

#[tokio::test]
async fn a_copy_of_the_index_loses_what_greffe_erased_and_removed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..4).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    file(&world, &registry, &mails[0], json!("2026/017")).await;
    let (firm, path) = (&registry.firm, format!("/v1/firms/{}/events?limit=100&after=", registry.firm));
    let id = |n: usize| message_id(&registry, &mails[n]);
    let (mut kept, mut after) = (BTreeMap::new(), 0);
    for (target, told) in [
        (Value::Null, vec![]),
        (json!({ "kind": "message", "message": id(0) }), vec!["message_erased"]),
        (json!({ "kind": "messages", "messages": [id(1), id(2)] }), vec!["message_removed"; 2]),
        (json!({ "kind": "mailbox", "mailbox": registry.mailbox }), vec!["mailbox_erased"]),
    ] {
        if target["kind"] == "mailbox" {
            world.post(&format!("/v1/firms/{firm}/mailboxes/{}/pause", registry.mailbox), json!({})).await.ok();
        }
        if !target.is_null() {
            erase(&world, firm, target.clone()).await;
        }
        let page = world.get(&format!("{path}{after}")).await.ok();
        let events = page["items"].as_array().unwrap().clone();
        if !target.is_null() {
            let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
            assert_eq!(types, told, "{target}");
        }
        // No more than ids is in it.
        assert!(!json!(events).to_string().contains("Mail ") || target.is_null(), "{events:?}");
        after = page["next"].as_u64().unwrap();
        follow(&mut kept, &events);
        assert_eq!(kept, index(&world, firm).await, "{target}");
        let anew = all(&world, &format!("/v1/firms/{firm}/events"), 100).await;
        assert_eq!(copy(&anew), kept, "who reads the feed from its beginning has the same");
    }
    assert_eq!(kept, BTreeMap::new());
}

#[tokio::test]
async fn the_operator_copies_the_index_of_every_firm_from_one_feed() {
    let world = World::new().await;
    let registry = eventful(&world).await;
    // Read to its end, then on, while facts of two firms come in turn.
    let first = all(&world, "/v1/events", 3).await;
    let end = world.get("/v1/events?limit=100").await.ok()["next"].as_str().unwrap().to_owned();
    let other = world.firm("Another").await;
    let connector = world.connector(&other, "delegated", Value::Null).await;
    world.sign_in(&other, &connector, ADA).await.ok();
    world.deliver("inbox", "One more");
    world.run_until_idle().await;
    let rest = world.get(&format!("/v1/events?limit=100&after={end}")).await.ok();
    let rest = rest["items"].as_array().unwrap().clone();
    let firms: Vec<&Value> = rest.iter().map(|item| &item["firm"]).collect();
    assert!(firms.contains(&&json!(other)) && firms.contains(&&json!(registry.firm)), "{rest:?}");

    let whole = first.into_iter().chain(rest);
    let mut by_firm: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in whole {
        by_firm.entry(item["firm"].as_str().unwrap().to_owned()).or_default().push(item["event"].clone());
    }
    for firm in [&registry.firm, &other] {
        let own = all(&world, &format!("/v1/firms/{firm}/events"), 100).await;
        assert_eq!(by_firm[firm], own, "in order, and each once");
    }
    let nothing = world.get(&format!("/v1/events?after={}", end_of(&world).await)).await.ok();
    assert_eq!(nothing["items"], json!([]));
    assert_eq!(world.get("/v1/events?after=x").await.problem(), "invalid_request");
    // The largest numbers that there are.
    let (own, joint) = (format!("/v1/firms/{other}/events?after={}", u64::MAX), "/v1/events?after=");
    for beyond in [own, format!("{joint}{0}.{0}", u64::MAX)] {
        assert_eq!(world.get(&beyond).await.problem(), "position_unknown", "{beyond}");
    }
    world.get(&format!("{joint}0.{}", u64::MAX)).await.ok();
}

async fn end_of(world: &World) -> String {
    world.get("/v1/events?limit=100").await.ok()["next"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_of_all_firms_costs_by_its_facts_and_not_by_the_number_of_firms() {
    let world = World::new().await;
    for n in 0..30 {
        world.firm(&format!("Firm {n}")).await;
    }
    let registry = world.registry().await;
    let end = end_of(&world).await;
    world.pass(Duration::from_secs(3_600)).await;
    world.deliver("inbox", "One");
    world.run_until_idle().await;
    world.aws_calls();
    let page = world.get(&format!("/v1/events?after={end}")).await.ok();
    assert_eq!(page["items"][0]["firm"], registry.firm.as_str());
    let calls = world.aws_calls();
    assert!(calls.len() <= 15, "{calls:?}");
}

#[tokio::test]
async fn a_place_behind_the_end_is_refused_and_the_end_itself_is_not() {
    let world = World::new().await;
    let registry = eventful(&world).await;
    let events = format!("/v1/firms/{}/events", registry.firm);
    let last = all(&world, &events, 100).await.last().unwrap()["number"].as_u64().unwrap();
    let end = world.get(&format!("{events}?after={last}")).await.ok();
    assert_eq!((&end["items"], &end["next"]), (&json!([]), &json!(last)));
    for ahead in [last + 1, 999_999, u64::MAX] {
        assert_eq!(world.get(&format!("{events}?after={ahead}")).await.problem(), "position_unknown", "{ahead}");
    }
    let of_all = end_of(&world).await;
    world.get(&format!("/v1/events?after={of_all}")).await.ok();
    assert_eq!(world.get("/v1/events?after=999999.0").await.problem(), "position_unknown");
}

#[tokio::test]
async fn numbers_without_an_event_make_no_page_empty() {
    let world = World::new().await;
    let registry = world.registry().await;
    let file = async |dossier: &str| {
        let mail = world.deliver("inbox", dossier);
        world.run_until_idle().await;
        file(&world, &registry, &mail, json!(dossier)).await;
    };
    file("Before").await;
    let firm = registry.firm.parse().unwrap();
    // Those who took them died.
    world.host.app.feed.take_numbers(firm, 150).await.unwrap();
    file("After").await;
    let (feed, at) = (&world.host.app.feed, world.clock.now());
    let number = feed.take_numbers(firm, 1).await.unwrap();
    let void = Fact { id: format!("void-{number}"), at, what: FactEvent::Void };
    feed.record(firm, number, &void).await.unwrap();
    world.clock.advance(GAP_PATIENCE);
    let events = format!("/v1/firms/{}/events", registry.firm);
    for path in [events.as_str(), "/v1/events"] {
        let (mut after, mut filed, mut empty) = (String::from(if path == events { "0" } else { "0.0" }), 0, 0);
        loop {
            let page = world.get(&format!("{path}?limit=2&after={after}")).await.ok();
            let items = page["items"].as_array().unwrap();
            let next = page["next"].as_str().map_or_else(|| page["next"].to_string(), str::to_owned);
            let is_filed = |item: &&Value| item.get("event").unwrap_or(item)["type"] == "message_filed";
            filed += items.iter().filter(is_filed).count();
            empty += usize::from(items.is_empty());
            if next == after {
                break;
            }
            after = next;
        }
        // Behind the last event, a number without one may follow.
        assert!(empty <= 2, "{path}: {empty}");
        assert_eq!(filed, 2, "{path}");
    }
    let newest = world.get(&format!("{events}?order=desc&limit=1")).await.ok();
    assert_eq!(newest["items"][0]["dossier"], "After", "{newest}");
}

#[tokio::test]
async fn events_of_one_type_are_found_however_far_they_lie_apart() {
    let world = World::new().await;
    let registry = world.registry().await;
    let first = world.deliver("inbox", "First");
    world.run_until_idle().await;
    file(&world, &registry, &first, json!("D")).await;
    for number in 0..30 {
        world.deliver("inbox", &format!("Between {number}"));
    }
    world.run_until_idle().await;
    file(&world, &registry, &first, Value::Null).await;
    let events = format!("/v1/firms/{}/events", registry.firm);
    let found = world.get(&format!("{events}?type=message_unfiled&limit=5")).await.ok();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let newest = world.get(&format!("{events}?type=message_filed&limit=1&order=desc")).await.ok();
    assert_eq!(newest["items"].as_array().unwrap().len(), 1, "{newest}");
    // `next` is the number of the last one that was shown, so none is passed over.
    let one = world.get(&format!("{events}?type=message_archived&limit=1")).await.ok();
    assert_eq!(one["items"][0]["number"], one["next"]);
    let of_all = world.get("/v1/events?type=message_unfiled&limit=5").await.ok();
    assert_eq!(of_all["items"].as_array().unwrap().len(), 1, "{of_all}");
    // Of several types, in the order in which they came, however they are named.
    let several = ["type=message_filed,message_unfiled", "type=message_unfiled&limit=9&type=message_filed"];
    for query in several.into_iter().flat_map(|types| [format!("{events}?{types}"), format!("/v1/events?{types}")]) {
        let found = world.get(&query).await.ok();
        let types =
            found["items"].as_array().unwrap().iter().map(|item| item["event"].get("type").unwrap_or(&item["type"]));
        assert_eq!(types.collect::<Vec<_>>(), ["message_filed", "message_unfiled"], "{query}");
    }
    let too_many = format!("type={}", vec!["message_filed"; 41].join(","));
    for wrong in ["type=message_filed,other", "type=other&type=message_filed", "type=message_filed,", &too_many] {
        assert_eq!(world.get(&format!("{events}?{wrong}")).await.problem(), "invalid_request", "{wrong}");
    }
    // A call that waits is answered by either.
    let last = world.get(&format!("{events}?order=desc&limit=1")).await.ok()["items"][0]["number"].clone();
    let began = world.clock.now();
    let waits = format!("{events}?after={last}&type=message_filed,message_unfiled&wait=20");
    assert_eq!(world.get(&waits).await.ok()["items"], json!([]));
    assert_eq!(seconds(&world, began), 20);
    file(&world, &registry, &first, json!("E")).await;
    assert_eq!(world.get(&waits).await.ok()["items"][0]["type"], "message_filed");
}

#[tokio::test]
async fn a_call_that_waits_is_answered_with_the_next_event_or_after_its_time() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/events", registry.firm);
    let last = world.get(&format!("{path}?limit=100")).await.ok()["next"].as_u64().unwrap();
    let waits = format!("{path}?after={last}&wait=20");

    let began = world.clock.now();
    assert_eq!(world.get(&waits).await.ok(), json!({ "items": [], "next": last }));
    assert_eq!(seconds(&world, began), 20, "it waited");
    let began = world.clock.now();
    world.get(&path).await.ok();
    assert_eq!(world.get(&format!("{path}?wait=20")).await.ok()["next"], last);
    assert_eq!(seconds(&world, began), 0, "there was something");

    world.deliver("inbox", "Come at last");
    // The clock of this world runs ahead while the call waits, so the mail may be kept only during a later call.
    let called = async {
        loop {
            let began = world.clock.now();
            let answer = world.get(&waits).await.ok();
            if answer["items"] != json!([]) {
                return (answer, seconds(&world, began));
            }
        }
    };
    let ((answer, waited), ()) = tokio::join!(called, world.run_until_idle());
    assert_eq!(answer["items"][0]["subject"], "Come at last");
    assert!(waited <= 20, "it was answered within its time");
    for wait in ["21", "-1", "x"] {
        assert_eq!(world.get(&format!("{path}?wait={wait}")).await.problem(), "invalid_request");
    }
}

#[tokio::test]
async fn a_call_that_waited_is_answered_only_to_a_key_that_is_still_valid() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let (keys, events) = (format!("/v1/firms/{firm}/keys"), format!("/v1/firms/{firm}/events"));
    for _ in 0..50 {
        let key = world.post(&keys, json!({ "name": "Application" })).await.ok();
        let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
        let last = world.get(&format!("{events}?limit=100")).await.ok()["next"].clone();
        let (began, path) = (world.clock.now(), format!("{events}?after={last}&wait=20"));
        let revoked = async {
            // Only a call that waits moves this world's clock by a second.
            while seconds(&world, began) < 1 {
                tokio::task::yield_now().await;
            }
            world.delete(&format!("{keys}/{id}")).await;
            seconds(&world, began)
        };
        let waiting = async {
            let answer = world.request(Some(key), Method::GET, &path, None).await;
            (answer, seconds(&world, began))
        };
        let ((answer, ended), revoked) = tokio::join!(waiting, revoked);
        // It may have ended before the key did.
        if answer.status == StatusCode::UNAUTHORIZED {
            // A key that ends late in the wait is found at the wait's end.
            if revoked < 10 {
                assert!(ended < revoked + 8, "revoked after {revoked} s, and answered after {ended} s");
                return;
            }
        }
    }
    panic!("every call was answered although its key was revoked while it waited");
}

#[tokio::test]
async fn of_one_key_one_call_waits_and_of_all_keys_so_many_as_the_operator_allows() {
    let world = World::with(&[("GREFFE_WAITING_CALLS", "2")]).await;
    let firm = world.firm("Lumen").await;
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "Application" })).await.ok();
    let path = format!("/v1/firms/{firm}/events?wait=20");
    let (app, minute) = (&world.host.app, Duration::from_secs(60));
    let begin = |by| WaitingCall::begin((&app.table, &app.random), by, (world.clock.now(), minute), 2);

    let operators = begin("operator").await.unwrap().unwrap();
    let began = world.clock.now();
    world.get(&path).await.ok();
    assert_eq!(seconds(&world, began), 0, "the operator's key waits already");
    world.request(key["key"].as_str(), Method::GET, &path, None).await.ok();
    assert_eq!(seconds(&world, began), 20, "another key waits");

    let another = begin("another").await.unwrap().unwrap();
    world.request(key["key"].as_str(), Method::GET, &path, None).await.ok();
    assert_eq!(seconds(&world, began), 20, "two wait already");
    another.end(&app.table).await.unwrap();
    operators.end(&app.table).await.unwrap();
    world.get(&path).await.ok();
    assert_eq!(seconds(&world, began), 40);
}

fn seconds(world: &World, began: Timestamp) -> i64 {
    world.clock.now().duration_since(began).as_secs()
}

#[tokio::test]
async fn a_caller_names_its_request_itself_and_finds_it_in_the_audit_trail() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let keys = format!("/v1/firms/{firm}/keys");
    let post = async |id: &str| {
        let headers = HeaderMap::from_iter([("x-request-id".parse().unwrap(), HeaderValue::from_str(id).unwrap())]);
        let body = Some(json!({ "name": "Application" }));
        world.request_with(Some(OPERATOR_KEY), Method::POST, &keys, headers, body).await
    };
    let own = "order-7:2026.03_02";
    assert_eq!(post(own).await.headers["x-request-id"], own);
    let trail = world.get(&format!("/v1/firms/{firm}/audit")).await.ok();
    let noted = trail["items"].as_array().unwrap().iter().filter(|entry| entry["request"] == own).count();
    assert_eq!(noted, 2);
    // What may not stand in a log, or is as long as a key, is replaced.
    for other in ["", "a b", "a\u{7f}b", "<script>", OPERATOR_KEY.repeat(3).as_str()] {
        let answer = match HeaderValue::from_str(other) {
            Ok(_) => post(other).await,
            Err(_) => continue,
        };
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert!(id != other && id.len() == 36, "{other}: {id}");
    }
}
