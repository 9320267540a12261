//! O1: what is created twice is there once, and nobody overwrites what another changed.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{
    Method, StatusCode,
    header::{
        CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
    },
};
use serde_json::{Value, json};
use shared::{
    access::tenancy::{Holder, Tenancy},
    aws::table::{Key, Write},
    base::id::{TenantId, UserId},
    firm::user::{ConsoleUser, UserRole},
};
use tests::{ADA, Answer, OPERATOR_KEY, World, message_id};

use crate::webhooks::Application;

/// Sends a change on condition that the state is the one of this tag.
async fn held_to(world: &World, tag: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let headers = HeaderMap::from_iter([(IF_MATCH, tag.parse().unwrap())]);
    world.request_with(Some(OPERATOR_KEY), method, path, headers, body).await
}

fn tag(answer: &Answer) -> String {
    answer.headers[ETAG].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_has_an_external_id_is_created_once() {
    let world = World::new().await;
    let registry = world.registry().await;
    let firm =
        json!({ "name": "Duval", "domains": [], "language": "fr", "time_zone": "Europe/Paris", "external_id": "c-7" });
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let connector = json!({ "name": "Office", "access": "delegated", "app": null, "external_id": "c-7" });
    let connected = world.post(&of_firm("connectors"), connector.clone()).await.ok()["id"].as_str().unwrap().to_owned();
    world.sign_in(&registry.firm, &connected, "bob@lumen.example").await.ok();
    let account = json!({ "connector": connected, "address": "bob@lumen.example", "external_id": "c-7" });
    let with = |name: &str, value: &str| {
        let mut body = account.clone();
        body[name] = json!(value);
        body
    };
    // Under another firm, the id is another thing's.
    let other = world.firm("Other").await;
    let made = world.post(&format!("/v1/firms/{other}/connectors"), connector.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let webhook = json!({ "url": "http://127.0.0.1:9/", "external_id": "c-7" });
    for (path, body) in [
        ("/v1/webhooks".to_owned(), webhook.clone()),
        (of_firm("webhooks"), webhook),
        (of_firm("keys"), json!({ "name": "Application", "external_id": "c-7" })),
        ("/v1/firms".to_owned(), firm),
        (of_firm("members"), with("name", "Bob")),
        (of_firm("mailboxes"), with("kind", "user")),
        (of_firm("connectors"), connector),
    ] {
        // At the same time and after each other.
        let (first, second) = tokio::join!(world.post(&path, body.clone()), world.post(&path, body.clone()));
        let third = world.post(&path, body.clone()).await;
        let ids = [&first, &second, &third]
            .map(|answer| answer.body["id"].as_str().unwrap_or_else(|| panic!("{path}: {}", answer.body)));
        assert!(ids.iter().all(|id| *id == ids[0]), "{path}: {ids:?}");
        assert_eq!((third.status, &third.body["external_id"]), (StatusCode::OK, &json!("c-7")), "{path}");
        assert!(!["key", "secret"].iter().any(|shown_once| third.body[shown_once].is_string()), "{}", third.body);
        // What is deleted leaves its id to another.
        assert_eq!(world.delete(&format!("{path}/{}", ids[0])).await.status, StatusCode::NO_CONTENT, "{path}");
        let again = world.post(&path, body).await;
        assert_eq!((again.status, again.body["id"] == ids[0]), (StatusCode::CREATED, false), "{path}");
    }
}

#[tokio::test]
async fn a_date_or_contact_is_created_only_or_replaced_only_as_the_request_says() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [] });
    for (noun, body) in [("dates", date), ("contacts", json!({ "name": "Ada" }))] {
        let path = format!("/v1/firms/{firm}/{noun}/1");
        let put = async |condition| {
            let headers = HeaderMap::from_iter([(condition, "*".parse().unwrap())]);
            world.request_with(Some(OPERATOR_KEY), Method::PUT, &path, headers, Some(body.clone())).await
        };
        assert_eq!(put(IF_MATCH).await.problem(), "precondition_failed", "{noun}: there is none");
        assert_eq!(put(IF_NONE_MATCH).await.status, StatusCode::CREATED, "{noun}");
        let refused = put(IF_NONE_MATCH).await;
        assert!(refused.body["title"].as_str().unwrap().contains("If-None-Match"), "{}", refused.body);
        assert_eq!(refused.problem(), "precondition_failed", "{noun}: there is one");
        assert_eq!(put(IF_MATCH).await.status, StatusCode::OK, "{noun}");
        assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(put(IF_MATCH).await.problem(), "precondition_failed", "{noun}: it is deleted");
        assert_eq!(put(IF_NONE_MATCH).await.status, StatusCode::CREATED, "{noun}");
    }
}

#[tokio::test]
async fn an_external_id_is_given_later_moved_and_taken_away_and_never_stands_for_two() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    let patch = async |path: &str, id: &str, external_id: Value| {
        let body = json!({ "external_id": external_id });
        world.request(Some(OPERATOR_KEY), Method::PATCH, &format!("{path}/{id}"), Some(body)).await
    };
    let second = world.connector(&registry.firm, "delegated", Value::Null).await;
    world.sign_in(&registry.firm, &second, "bob@lumen.example").await.ok();
    let id_of =
        async |path: &str, body: Value| world.post(&of_firm(path), body).await.ok()["id"].as_str().unwrap().to_owned();
    let ada = id_of("members", json!({ "name": "Ada", "address": ADA, "connector": registry.connector })).await;
    let bob = id_of("members", json!({ "name": "Bob", "address": "bob@lumen.example", "connector": second })).await;
    let bobs = id_of("mailboxes", json!({ "member": bob })).await;
    let webhook = json!({ "url": "http://127.0.0.1:9/" });
    let webhooks = (id_of("webhooks", webhook.clone()).await, id_of("webhooks", webhook).await);
    let firm = world.firm("Another").await;
    for (path, one, other) in [
        ("/v1/firms".to_owned(), &registry.firm, &firm),
        (of_firm("connectors"), &registry.connector, &second),
        (of_firm("members"), &ada, &bob),
        (of_firm("mailboxes"), &registry.mailbox, &bobs),
        (of_firm("webhooks"), &webhooks.0, &webhooks.1),
    ] {
        assert_eq!(patch(&path, one, json!("c-7")).await.ok()["external_id"], "c-7", "{path}");
        assert_eq!(patch(&path, other, json!("c-7")).await.problem(), "external_id_taken", "{path}");
        assert_eq!(patch(&path, one, json!("c-7")).await.ok()["external_id"], "c-7", "{path}: the same again");
        assert_eq!(patch(&path, one, Value::Null).await.ok()["external_id"], Value::Null, "{path}");
        assert_eq!(patch(&path, other, json!("c-7")).await.ok()["external_id"], "c-7", "{path}");
        // The list of webhooks is one page.
        if one == &webhooks.0 {
            continue;
        }
        let found = listed(&world, &format!("{path}?external_id=c-7"), "id").await;
        assert_eq!(found, [other.as_str()], "{path}");
    }
}

#[tokio::test]
async fn a_change_under_a_condition_overwrites_nothing() {
    let world = World::new().await;
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}{below}", registry.firm);
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    let member = world.post(&of_firm("/members"), member).await.ok()["id"].as_str().unwrap().to_owned();
    let hook = world.post(&of_firm("/webhooks"), json!({ "url": "http://127.0.0.1:9/" })).await;
    let hook = hook.ok()["id"].as_str().unwrap().to_owned();
    let mailbox = of_firm(&format!("/mailboxes/{}", registry.mailbox));
    let [selection, rules, dossiers] = ["selection", "rules", "dossiers"].map(|part| format!("{mailbox}/{part}"));
    let folders = world.get(&format!("{mailbox}/folders")).await.ok();
    let inbox = folders["items"].as_array().unwrap().iter().find(|folder| folder["well_known"] == "inbox").unwrap();
    let filed_to = |dossier: &str| json!({ "folder": inbox["id"], "dossier": dossier });
    let named = |name: &str| json!({ "name": name });
    let marks = |name: &str| json!({ "received": { "name": name, "color": "preset1" }, "filed": { "name": "Filed", "color": "preset2" } });
    let periods = |years: u16| json!({ "default_years": years, "classes": [], "reason": "The law" });
    let date =
        |title: &str| json!({ "kind": "deadline", "title": title, "start": "2026-07-01T17:00:00", "members": [] });
    let from = |address: &str| json!({ "excluded_senders": [address] });
    for (read, method, path, [first, second]) in [
        (of_firm(""), Method::PATCH, of_firm(""), ["A", "B"].map(named)),
        (of_firm("/marks"), Method::PUT, of_firm("/marks"), ["A", "B"].map(marks)),
        (of_firm("/retention"), Method::PUT, of_firm("/retention"), [7, 8].map(periods)),
        (
            of_firm(&format!("/connectors/{}", registry.connector)),
            Method::PATCH,
            of_firm(&format!("/connectors/{}", registry.connector)),
            ["A", "B"].map(named),
        ),
        (mailbox.clone(), Method::PUT, rules, ["a@x.example", "b@x.example"].map(from)),
        (mailbox.clone(), Method::PUT, dossiers, ["A", "B"].map(filed_to)),
        (
            mailbox.clone(),
            Method::PUT,
            selection,
            ["inbox", "sentitems"].map(|folder| json!({ "mode": "include", "folders": [folder] })),
        ),
        (mailbox.clone(), Method::PATCH, mailbox.clone(), [json!({ "member": member }), json!({ "member": null })]),
        (
            of_firm(&format!("/members/{member}")),
            Method::PATCH,
            of_firm(&format!("/members/{member}")),
            ["A", "B"].map(named),
        ),
        (
            of_firm(&format!("/webhooks/{hook}")),
            Method::PATCH,
            of_firm(&format!("/webhooks/{hook}")),
            ["paused", "active"].map(|state| json!({ "state": state })),
        ),
        (of_firm("/dates/d"), Method::PUT, of_firm("/dates/d"), ["A", "B"].map(date)),
        (of_firm("/contacts/c"), Method::PUT, of_firm("/contacts/c"), ["A", "B"].map(named)),
    ] {
        if path.ends_with("/d") || path.ends_with("/c") {
            assert_eq!(
                held_to(&world, "*", method.clone(), &path, Some(second.clone())).await.problem(),
                "precondition_failed"
            );
            world.put(&path, second.clone()).await.ok();
        }
        let before = tag(&world.get(&read).await);
        let changed = held_to(&world, &before, method.clone(), &path, Some(first)).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}: {}", changed.body);
        let now = tag(&world.get(&read).await);
        assert_eq!(tag(&changed), now, "{path}");
        assert_ne!(before, now, "{path}");
        let late = held_to(&world, &before, method.clone(), &path, Some(second.clone())).await;
        assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{path}");
        assert_eq!(late.problem(), "precondition_failed", "{path}");
        assert_eq!(tag(&world.get(&read).await), now, "{path}: nothing was changed");
        held_to(&world, &format!("\"other\", {now}"), method.clone(), &path, Some(second.clone())).await.ok();
        assert_eq!(held_to(&world, "x", method, &path, Some(second)).await.problem(), "invalid_request", "{path}");
        let never_deleted = ["/retention", "/marks", "/rules", "/selection", "/dossiers"];
        if !never_deleted.iter().any(|end| path.ends_with(end)) {
            assert_eq!(
                held_to(&world, &now, Method::DELETE, &path, None).await.problem(),
                "precondition_failed",
                "{path}"
            );
        }
    }
    // What greffe does by itself changes no tag.
    let before = tag(&world.get(&mailbox).await);
    world.deliver("inbox", "More");
    world.run_until_idle().await;
    assert_eq!(tag(&world.get(&mailbox).await), before);
}

#[tokio::test]
async fn a_hold_and_the_class_of_a_dossier_are_changed_on_condition_that_nobody_changed_them() {
    let world = World::new().await;
    let firm = format!("/v1/firms/{}", world.firm("Lumen").await);
    let classes = json!([{ "name": "Tax", "years": 10 }, { "name": "Estate", "years": null }]);
    let periods = json!({ "default_years": 7, "classes": classes, "reason": "The law" });
    world.put(&format!("{firm}/retention"), periods).await.ok();
    world.clock.advance(Duration::from_secs(61));
    let hold = |reason: &str| json!({ "dossier": "A", "held": true, "reason": reason });
    let class = |class: &str| json!({ "dossier": "A", "class": class, "reason": "r" });
    let lifted = json!({ "dossier": "A", "held": false, "reason": "r" });
    let none = json!({ "dossier": "A", "class": null, "reason": "r" });
    for (path, [first, second], gone) in [
        (format!("{firm}/holds"), ["one", "two"].map(hold), lifted),
        (format!("{firm}/retention/dossiers"), ["Tax", "Estate"].map(class), none),
    ] {
        let of_dossier = format!("{path}?dossier=A");
        let absent = world.get(&of_dossier).await;
        assert!(!absent.headers.contains_key(ETAG), "{path}: there is nothing to change");
        let put = async |condition, tag: &str, body: &Value| {
            let headers = HeaderMap::from_iter([(condition, tag.parse().unwrap())]);
            world.request_with(Some(OPERATOR_KEY), Method::PUT, &path, headers, Some(body.clone())).await
        };
        assert_eq!(put(IF_MATCH, "*", &first).await.problem(), "precondition_failed", "{path}: there is none");
        let made = put(IF_NONE_MATCH, "*", &first).await;
        let before = tag(&made);
        made.ok();
        assert_eq!(tag(&world.get(&of_dossier).await), before, "{path}");
        assert_eq!(put(IF_NONE_MATCH, "*", &second).await.problem(), "precondition_failed", "{path}: there is one");
        // What becomes of another dossier is no matter of this one.
        let mut other = first.clone();
        other["dossier"] = json!("B");
        world.put(&path, other).await.ok();
        let changed = put(IF_MATCH, &before, &second).await;
        let now = tag(&changed);
        changed.ok();
        assert_ne!(before, now, "{path}");
        for late in [&first, &gone] {
            assert_eq!(put(IF_MATCH, &before, late).await.problem(), "precondition_failed", "{path}");
        }
        assert_eq!(tag(&world.get(&of_dossier).await), now, "{path}: nothing was changed");
        let ended = put(IF_MATCH, &now, &gone).await;
        assert!(!ended.headers.contains_key(ETAG), "{path}");
        ended.ok();
        assert_eq!(world.get(&of_dossier).await.ok()["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn what_is_deleted_answers_an_older_version_as_it_answers_a_request_without_a_condition() {
    let world = World::new().await;
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    let made = async |path: &str, body: Value| {
        let id = world.post(path, body).await.ok()["id"].as_str().unwrap().to_owned();
        format!("{path}/{id}")
    };
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [] });
    world.put(&of_firm("dates/1"), date).await.ok();
    world.put(&of_firm("contacts/1"), json!({ "name": "Ada" })).await.ok();
    let hook = json!({ "url": "http://127.0.0.1:9/" });
    for (path, again) in [
        (made(&of_firm("webhooks"), hook.clone()).await, StatusCode::NOT_FOUND),
        (made("/v1/webhooks", hook).await, StatusCode::NOT_FOUND),
        (made(&of_firm("members"), member).await, StatusCode::NOT_FOUND),
        (of_firm(&format!("mailboxes/{}", registry.mailbox)), StatusCode::NOT_FOUND),
        (of_firm(&format!("connectors/{}", registry.connector)), StatusCode::NOT_FOUND),
        // To delete once more what can be named without being there succeeds: the condition counts.
        (of_firm("dates/1"), StatusCode::NO_CONTENT),
        (of_firm("contacts/1"), StatusCode::NO_CONTENT),
        (format!("/v1/firms/{}", registry.firm), StatusCode::NO_CONTENT),
    ] {
        let before = tag(&world.get(&path).await);
        assert_eq!(
            held_to(&world, &before, Method::DELETE, &path, None).await.status,
            StatusCode::NO_CONTENT,
            "{path}"
        );
        assert_eq!(world.delete(&path).await.status, again, "{path}");
        let late = held_to(&world, &before, Method::DELETE, &path, None).await.status;
        let fails = !again.is_success();
        assert_eq!(late, if fails { again } else { StatusCode::PRECONDITION_FAILED }, "{path}");
    }
}

#[tokio::test]
async fn a_late_version_of_what_was_deleted_changes_nothing_and_says_why() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [] });
    for (noun, mut body) in [("dates", date), ("contacts", json!({ "name": "Ada" }))] {
        let path = format!("/v1/firms/{firm}/{noun}/1");
        let mut versioned = |version: u64| {
            body["version"] = json!(version);
            body.clone()
        };
        let before = tag(&world.put(&path, versioned(2)).await);
        assert_eq!(world.delete(&format!("{path}?version=5")).await.status, StatusCode::NO_CONTENT);
        let late = world.put(&path, versioned(5)).await;
        assert!(late.body["detail"].as_str().unwrap().contains("deleted with version 5"), "{}", late.body);
        assert_eq!(late.problem(), "not_found");
        for version in [4, 6] {
            let held = held_to(&world, &before, Method::PUT, &path, Some(versioned(version))).await;
            let detail = held.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("If-Match: there is no such "), "{detail}");
            assert_eq!(held.problem(), "precondition_failed", "{noun} {version}");
        }
        assert_eq!(world.put(&path, versioned(6)).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn what_an_operation_does_not_read_or_can_not_mean_is_refused_by_name() {
    let world = World::new().await;
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    let said = async |method: Method, path: &str, body: Option<Value>| {
        let refused = world.request(Some(OPERATOR_KEY), method.clone(), path, body).await;
        let detail = refused.body["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(refused.problem(), "invalid_request", "{method} {path}");
        detail
    };
    let mailbox = of_firm(&format!("mailboxes/{}", registry.mailbox));
    let pause = format!("{mailbox}/pause");
    for (method, path) in [(Method::POST, &pause), (Method::DELETE, &mailbox), (Method::GET, &mailbox)] {
        let detail = said(method, path, Some(json!({ "until": "2026-07-01" }))).await;
        assert!(detail.starts_with("body: "), "{detail}");
    }
    assert_eq!(world.get(&mailbox).await.ok()["state"], "active");
    // Some clients send an empty object with each POST.
    world.post(&pause, json!({})).await.ok();
    let held = held_to(&world, "\"x\"", Method::GET, &mailbox, None).await;
    assert!(held.body["detail"].as_str().unwrap().starts_with("If-Match: "), "{}", held.body);
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00" });
    for name in ["bulk", "members"] {
        for (path, method) in [("dates", Method::PUT), ("contacts", Method::DELETE)] {
            let detail = said(method, &of_firm(&format!("{path}/{name}")), Some(date.clone())).await;
            assert!(detail.starts_with("external_id: "), "{detail}");
        }
    }
    let hook = json!({ "url": "http://127.0.0.1:9/", "types": ["void"] });
    let webhooks = of_firm("webhooks");
    for detail in
        [said(Method::POST, &webhooks, Some(hook)).await, said(Method::GET, &of_firm("events?type=void"), None).await]
    {
        assert!(detail.ends_with("`void` is not the type of an event"), "{detail}");
    }
    for (path, body) in [
        ("contacts/members", json!({ "contacts": ["1"] })),
        ("contacts/bulk", json!({ "contacts": [] })),
        ("dates/members", json!({ "external_ids": ["1"] })),
    ] {
        let detail = said(Method::POST, &of_firm(path), Some(body)).await;
        assert!(detail.contains("unknown field"), "{detail}");
    }
    let unencoded = of_firm("messages?since=2026-03-02T08:00:00+01:00");
    assert!(said(Method::GET, &unencoded, None).await.contains("%2B"));
    let half = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01", "version": 1.5 });
    let detail = said(Method::PUT, &of_firm("dates/1"), Some(half)).await;
    assert_eq!(detail, "version: a whole number belongs here, and a number with a decimal point came");
}

#[tokio::test]
async fn a_page_of_another_list_is_no_place_in_this_one() {
    let world = World::new().await;
    let firms = [world.firm("One").await, world.firm("Two").await];
    let mut nexts = Vec::new();
    for firm in &firms {
        for name in ["Alpha", "Bravo"] {
            let connector = json!({ "name": name, "access": "delegated" });
            world.post(&format!("/v1/firms/{firm}/connectors"), connector).await.ok();
        }
        for sort in ["id", "name"] {
            let path = format!("/v1/firms/{firm}/connectors?sort={sort}&limit=1");
            let next = world.get(&path).await.ok()["next"].as_str().unwrap().to_owned();
            world.get(&format!("{path}&after={next}")).await.ok();
            nexts.push((firm, sort, next));
        }
    }
    for (of, by, next) in &nexts {
        for sort in ["id", "name", "newest"] {
            for noun in ["connectors", "members"] {
                for firm in &firms {
                    let path = format!("/v1/firms/{firm}/{noun}?sort={sort}&after={next}");
                    let is_own = (firm, noun, sort) == (*of, "connectors", *by);
                    let answer = world.get(&path).await;
                    match is_own {
                        true => drop(answer.ok()),
                        false => assert_eq!(answer.problem(), "position_unknown", "{path}"),
                    }
                }
            }
        }
    }
    let elsewhere = world.get(&format!("/v1/firms?after={}", nexts[0].2)).await;
    assert_eq!(elsewhere.problem(), "position_unknown");
}

#[tokio::test]
async fn the_next_of_a_list_whose_places_are_texts_is_taken_by_no_other_list() {
    let world = World::new().await;
    let application = Application::start().await;
    application.always(Some(204));
    let mut lists = Vec::new();
    for name in ["One", "Two"] {
        let firm = format!("/v1/firms/{}", world.firm(name).await);
        for id in ["A-1", "A-2", "A-3"] {
            let date = json!({ "kind": "deadline", "title": id, "start": "2026-07-01" });
            world.put(&format!("{firm}/dates/{id}"), date).await.ok();
            world.put(&format!("{firm}/contacts/{id}"), json!({ "name": id })).await.ok();
        }
        for _ in 0..2 {
            let new = json!({ "url": application.url });
            let webhook = world.post(&format!("{firm}/webhooks"), new).await.ok()["id"].as_str().unwrap().to_owned();
            for _ in 0..3 {
                world.post(&format!("{firm}/webhooks/{webhook}/send"), json!({ "kind": "test" })).await.ok();
            }
            lists.push(format!("{firm}/webhooks/{webhook}/deliveries"));
        }
        lists.extend(["dates", "contacts", "audit", "connectors"].map(|list| format!("{firm}/{list}")));
    }
    world.run_until_idle().await;
    for list in lists.iter().filter(|list| !list.ends_with("/connectors")) {
        let first = world.get(&format!("{list}?limit=1")).await.ok();
        let next = first["next"].as_str().unwrap().replace('#', "%23");
        for other in &lists {
            let answer = world.get(&format!("{other}?limit=1&after={next}")).await;
            match other == list {
                true => assert_ne!(answer.ok()["items"][0], first["items"][0], "{list}"),
                false => assert!(answer.status.is_client_error(), "{other} takes {next}: {}", answer.body),
            }
        }
        // Those of older versions lacked the name of the list.
        let old = next.rsplit_once('.').unwrap().0;
        world.get(&format!("{list}?limit=1&after={old}")).await.ok();
    }
}

#[tokio::test]
async fn null_in_a_change_clears_a_field_that_can_be_empty_and_is_refused_by_name_elsewhere() {
    let world = World::new().await;
    let registry = world.registry().await;
    let firm = format!("/v1/firms/{}", registry.firm);
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    let member = world.post(&format!("{firm}/members"), member).await.ok()["id"].as_str().unwrap().to_owned();
    let hook = world.post(&format!("{firm}/webhooks"), json!({ "url": "http://127.0.0.1:9/" })).await.ok();
    let operators = world.post("/v1/webhooks", json!({ "url": "http://127.0.0.1:9/" })).await.ok();
    let places = [
        ("/v1/firms/{firm}", firm.clone()),
        ("/v1/firms/{firm}/connectors/{connector}", format!("{firm}/connectors/{}", registry.connector)),
        ("/v1/firms/{firm}/mailboxes/{mailbox}", format!("{firm}/mailboxes/{}", registry.mailbox)),
        ("/v1/firms/{firm}/members/{member}", format!("{firm}/members/{member}")),
        ("/v1/firms/{firm}/webhooks/{webhook}", format!("{firm}/webhooks/{}", hook["id"].as_str().unwrap())),
        ("/v1/webhooks/{webhook}", format!("/v1/webhooks/{}", operators["id"].as_str().unwrap())),
        ("/v1/app", "/v1/app".to_owned()),
    ];
    let document = world.get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().unwrap();
    let changed = paths.iter().filter(|(_, item)| item["patch"].is_object());
    let mut cleared = BTreeSet::new();
    for (template, item) in changed {
        let (_, path) = places.iter().find(|(named, _)| named == template).unwrap_or_else(|| panic!("{template}"));
        let schema = item["patch"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        for (field, described) in
            document.pointer(&format!("{}/properties", &schema[1..])).unwrap().as_object().unwrap()
        {
            let is_nullable = described.to_string().contains("\"null\"");
            let answer = world.patch(path, json!({ field: null })).await;
            if is_nullable {
                assert_eq!(answer.ok()[field], Value::Null, "{template} {field}");
                cleared.insert(field.clone());
                continue;
            }
            let detail = answer.body["detail"].as_str().unwrap_or_default().to_owned();
            assert!(
                detail.starts_with(&format!("{field}: ")) && detail.contains("belongs here"),
                "{field}: {}",
                answer.body
            );
        }
    }
    assert_eq!(cleared, ["external_id", "member", "push"].map(str::to_owned).into());
}

#[tokio::test]
async fn an_optional_body_may_be_empty_although_its_type_is_named() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mailbox = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    for (below, status) in
        [("reconcile", StatusCode::ACCEPTED), ("activate", StatusCode::OK), ("rules", StatusCode::BAD_REQUEST)]
    {
        let method = if below == "rules" { Method::PUT } else { Method::POST };
        let request = world.http.request(method, format!("http://{}{mailbox}/{below}", world.host.address));
        let request = request.bearer_auth(OPERATOR_KEY).header(CONTENT_TYPE, "application/json");
        assert_eq!(request.send().await.unwrap().status(), status, "{below}");
    }
}

#[tokio::test]
async fn a_filter_that_can_match_nothing_is_refused_by_name() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let firm = format!("/v1/firms/{}", registry.firm);
    for (query, field) in [
        ("messages?from=x", "from"),
        ("messages?to=acme.example", "to"),
        ("messages?from=@", "from"),
        ("messages?folder=inbox", "folder"),
        ("members?address=ada", "address"),
        ("mailboxes?address=@lumen.example", "address"),
    ] {
        let refused = world.get(&format!("{firm}/{query}")).await;
        let detail = refused.body["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.starts_with(&format!("{field}: ")), "{query}: {}", refused.body);
        assert_eq!(refused.problem(), "invalid_request");
    }
    let sender = json!({ "target": { "kind": "sender", "from": "acme" }, "reason": "Spam" });
    assert_eq!(world.post(&format!("{firm}/erasures"), sender).await.problem(), "invalid_request");
    let mailbox = &registry.mailbox;
    let dossiers = format!("{firm}/mailboxes/{mailbox}/dossiers");
    for (folder, status) in [("Inbox", StatusCode::OK), ("drafts", StatusCode::BAD_REQUEST)] {
        let put = world.put(&dossiers, json!({ "folder": folder, "dossier": "2026/7" })).await;
        assert_eq!(put.status, status, "{folder}: {}", put.body);
    }
    for (query, found) in [
        ("from=@ACME.example".to_owned(), 1),
        ("from=client@acme.example".to_owned(), 1),
        (format!("mailbox={mailbox}&folder=Inbox"), 1),
        (format!("mailbox={mailbox}&folder=sentitems"), 0),
    ] {
        let page = world.get(&format!("{firm}/messages?{query}")).await.ok();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn a_condition_by_time_is_refused_and_a_reading_is_answered_in_full_under_any() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let time = "Mon, 02 Mar 2026 08:00:00 GMT";
    let mailbox = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    let under = async |headers: &[(HeaderName, &str)], method: Method, path: &str, body: Option<Value>| {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        world.request_with(Some(OPERATOR_KEY), method, path, headers, body).await
    };
    let by_time = [(IF_UNMODIFIED_SINCE, time)];
    for (method, path) in [
        (Method::PATCH, mailbox.clone()),
        (Method::DELETE, mailbox.clone()),
        (Method::POST, format!("{mailbox}/pause")),
        (Method::POST, "/v1/firms".to_owned()),
    ] {
        let refused = under(&by_time, method.clone(), &path, Some(json!({}))).await;
        assert!(refused.body["detail"].as_str().unwrap().starts_with("If-Unmodified-Since: "), "{}", refused.body);
        assert_eq!(refused.problem(), "invalid_request", "{method} {path}");
    }
    let before = tag(&world.get(&mailbox).await);
    // Beside If-Match it does not count.
    let both = [(IF_MATCH, before.as_str()), (IF_UNMODIFIED_SINCE, time)];
    under(&both, Method::PATCH, &mailbox, Some(json!({}))).await.ok();
    // The tag is that of the settings, and says nothing of progress.
    for condition in [(IF_NONE_MATCH, before.as_str()), (IF_NONE_MATCH, "*"), (IF_MODIFIED_SINCE, time)] {
        let read = under(std::slice::from_ref(&condition), Method::GET, &mailbox, None).await;
        assert_eq!((read.status, read.body["state"].as_str()), (StatusCode::OK, Some("active")), "{condition:?}");
    }
    // What an original's tag names never changes.
    let original = format!("/v1/firms/{}/messages/{}/content", registry.firm, message_id(&registry, &mail));
    let sha256 = tag(&world.get(&original).await);
    assert_eq!(under(&[(IF_NONE_MATCH, &sha256)], Method::GET, &original, None).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_firms_key_is_told_that_only_the_operator_sets_the_firms_own_id() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "Application" })).await.ok();
    let (key, path) = (key["key"].as_str().unwrap(), format!("/v1/firms/{firm}"));
    let refused = world.request(Some(key), Method::PATCH, &path, Some(json!({ "external_id": "c-7" }))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body["next_action"].as_str().unwrap().contains("ask the operator"), "{}", refused.body);
    assert_eq!(refused.problem(), "operator_key_needed");
}

#[tokio::test]
async fn a_sorted_list_passes_over_nothing_if_the_last_item_of_a_page_is_renamed_or_deleted() {
    let world = World::new().await;
    let names = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    for (sort, first, rest) in [
        ("name", ["Alpha", "Bravo"], ["Charlie", "delta"]),
        ("oldest", ["delta", "Alpha"], ["Charlie", "Bravo"]),
        ("newest", ["Bravo", "Charlie"], ["Alpha", "delta"]),
    ] {
        let connectors = format!("/v1/firms/{}/connectors", world.firm(sort).await);
        for name in ["delta", "Alpha", "Charlie", "Bravo"] {
            world.pass(Duration::from_secs(1)).await;
            world.post(&connectors, json!({ "name": name, "access": "delegated" })).await.ok();
        }
        let page = world.get(&format!("{connectors}?sort={sort}&limit=2")).await.ok();
        assert_eq!(names(&page), first);
        let (next, last) = (page["next"].as_str().unwrap(), page["items"][1]["id"].as_str().unwrap());
        // Pages of older versions ended with the id alone.
        let [after, old] = [next, last].map(|cursor| format!("{connectors}?sort={sort}&after={cursor}"));
        assert_eq!(names(&world.get(&old).await.ok()), rest);
        world.patch(&format!("{connectors}/{last}"), json!({ "name": "Aachen" })).await.ok();
        assert_eq!(names(&world.get(&after).await.ok()), rest, "{sort}: renamed");
        world.delete(&format!("{connectors}/{last}")).await;
        assert_eq!(names(&world.get(&after).await.ok()), rest, "{sort}: deleted");
        assert_eq!(world.get(&old).await.problem(), "position_unknown");
        for other in ["id", "name", "oldest", "newest"].iter().filter(|other| **other != sort) {
            let elsewhere = world.get(&format!("{connectors}?sort={other}&after={next}")).await;
            assert_eq!(elsewhere.problem(), "position_unknown", "{sort} under {other}");
        }
    }
}

#[tokio::test]
async fn of_many_changes_at_once_under_one_tag_one_is_made_and_the_others_are_told_that_it_failed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mailbox = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    let tag = tag(&world.get(&mailbox).await);
    let selection = format!("{mailbox}/selection");
    // Between reading the mailbox and writing it, each asks Microsoft for the folders.
    let changes = ["inbox", "sentitems", "inbox", "sentitems"].map(|folder| {
        let body = json!({ "mode": "include", "folders": [folder] });
        held_to(&world, &tag, Method::PUT, &selection, Some(body))
    });
    let answers = futures::future::join_all(changes).await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let failed = answers.iter().filter(|answer| answer.status == StatusCode::PRECONDITION_FAILED).count();
    let told: Vec<_> = answers.iter().map(|answer| &answer.body["detail"]).collect();
    assert_eq!((made, failed), (1, 3), "{told:?}");
}

#[tokio::test]
async fn an_external_id_that_is_moved_while_its_bearer_is_deleted_is_free_afterwards() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let webhook = ("webhooks", json!({ "url": "http://127.0.0.1:9/" }));
    let connector = ("connectors", json!({ "name": "Office", "access": "delegated" }));
    for (round, (noun, body)) in (0..20).flat_map(|round| [(round, &webhook), (round, &connector)]) {
        let list = format!("/v1/firms/{firm}/{noun}");
        let (one, other) = (format!("a-{round}"), format!("b-{round}"));
        let new = |external: &str| {
            let mut body = body.clone();
            body["external_id"] = json!(external);
            body
        };
        let made = world.post(&list, new(&one)).await.ok();
        let path = format!("{list}/{}", made["id"].as_str().unwrap());
        tokio::join!(world.patch(&path, json!({ "external_id": other })), world.delete(&path));
        // Whichever came first, it is deleted.
        world.delete(&path).await;
        for external in [one, other] {
            let again = world.post(&list, new(&external)).await;
            assert_eq!(again.status, StatusCode::CREATED, "{noun} {external}: {}", again.body);
            world.delete(&format!("{list}/{}", again.body["id"].as_str().unwrap())).await;
        }
    }
}

/// The names of what a list has, sorted.
async fn listed(world: &World, path: &str, field: &str) -> Vec<String> {
    let mut found = in_order(world, path, field).await;
    found.sort();
    found
}

/// The names of what a list has, over all its pages.
async fn in_order(world: &World, path: &str, field: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{path}&limit=2&after={after}")).await.ok();
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_list_is_narrowed_to_what_is_asked_for_page_by_page() {
    let world = World::new().await;
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    for n in 0..5 {
        let new = json!({ "name": format!("Waiting {n}"), "access": "delegated", "external_id": format!("c-{n}") });
        world.post(&of_firm("connectors"), new).await.ok();
    }
    let waiting: Vec<String> = (0..5).map(|n| format!("Waiting {n}")).collect();
    assert_eq!(listed(&world, &of_firm("connectors?state=awaiting_sign_in"), "name").await, waiting);
    assert_eq!(listed(&world, &of_firm("connectors?state=connected"), "name").await, ["Microsoft 365"]);
    assert_eq!(listed(&world, &of_firm("connectors?external_id=c-3"), "name").await, ["Waiting 3"]);
    assert_eq!(listed(&world, &of_firm("connectors?external_id=c-3&state=connected"), "name").await, [""; 0]);
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector, "external_id": "p-1" });
    let member = world.post(&of_firm("members"), member).await.ok()["id"].as_str().unwrap().to_owned();
    let mailbox = of_firm(&format!("mailboxes/{}", registry.mailbox));
    world.patch(&mailbox, json!({ "member": member })).await.ok();
    for (asked, found) in [
        ("members?address=ADA@lumen.example".to_owned(), 1),
        ("members?address=bob@lumen.example".to_owned(), 0),
        (format!("members?connector={}", registry.connector), 1),
        ("members?external_id=p-1".to_owned(), 1),
        (format!("mailboxes?member={member}"), 1),
        (format!("mailboxes?connector={}&state=active", registry.connector), 1),
        ("mailboxes?state=paused".to_owned(), 0),
        (format!("mailboxes?address={ADA}"), 1),
        ("mailboxes?external_id=none".to_owned(), 0),
    ] {
        assert_eq!(listed(&world, &of_firm(&asked), "id").await.len(), found, "{asked}");
    }
    assert_eq!(world.get(&of_firm("mailboxes?state=sleeping")).await.problem(), "invalid_request");
    assert_eq!(listed(&world, "/v1/firms?external_id=none", "id").await, [""; 0]);

    for n in 0..3 {
        world.deliver("inbox", &format!("Mail {n}"));
    }
    world.run_until_idle().await;
    let numbers = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect()
    };
    let all = numbers(&world.get(&of_firm("events?limit=100")).await.ok());
    let mails = world.get(&of_firm("events?limit=100&type=message_archived")).await.ok();
    assert_eq!((numbers(&mails).len(), &mails["next"]), (3, &json!(all.last().unwrap())));
    let (mut newest, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&of_firm(&format!("events?order=desc&limit=2&after={after}"))).await.ok();
        if numbers(&page).is_empty() {
            break;
        }
        newest.extend(numbers(&page));
        after = page["next"].to_string();
    }
    assert_eq!(newest.into_iter().rev().collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn a_list_comes_in_the_order_that_is_asked_for() {
    let world = World::new().await;
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", registry.firm);
    for name in ["delta", "Alpha", "Çharlie", "Bravo"] {
        world.pass(Duration::from_secs(1)).await;
        world.post(&of_firm("connectors"), json!({ "name": name, "access": "delegated" })).await.ok();
    }
    let by_name = ["Alpha", "Bravo", "Çharlie", "delta", "Microsoft 365"];
    let by_age = ["Microsoft 365", "delta", "Alpha", "Çharlie", "Bravo"];
    assert_eq!(in_order(&world, &of_firm("connectors?sort=name"), "name").await, by_name);
    assert_eq!(in_order(&world, &of_firm("connectors?sort=oldest"), "name").await, by_age);
    let newest = in_order(&world, &of_firm("connectors?sort=newest&state=awaiting_sign_in"), "name").await;
    assert_eq!(newest, ["Bravo", "Çharlie", "Alpha", "delta"]);
    let by_id = in_order(&world, &of_firm("connectors?sort=id"), "id").await;
    assert_eq!((by_id.is_sorted(), by_id.len()), (true, 5));
    assert_eq!(in_order(&world, &of_firm("connectors?"), "id").await, by_id);
    for name in ["Zulu", "alpha"] {
        world.firm(name).await;
    }
    let firms = in_order(&world, "/v1/firms?sort=name", "name").await;
    assert_eq!((firms.first().unwrap().as_str(), firms.last().unwrap().as_str()), ("alpha", "Zulu"));
    assert_eq!(in_order(&world, &of_firm("members?sort=name"), "name").await, [""; 0]);
    assert_eq!(in_order(&world, &of_firm("mailboxes?sort=name"), "address").await, [ADA]);

    for unknown in ["connectors?sort=size", "connectors?order=name", "mailboxes?sort=name&sort=id"] {
        assert_eq!(world.get(&of_firm(unknown)).await.problem(), "invalid_request", "{unknown}");
    }
}

#[tokio::test]
async fn lists_of_keys_webhooks_people_erasures_tenants_and_firms_are_narrowed_and_sorted() {
    let world = World::new().await;
    let registry = world.registry().await;
    let firm = world.firm("Other").await;
    let of_firm = |below: &str| format!("/v1/firms/{firm}/{below}");
    let found = async |path: &str, field: &str| -> Vec<String> {
        let list = world.get(path).await.ok();
        list["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    let tables = (&world.host.app.table, &firm.parse().unwrap());
    let tenant: TenantId = "lumen.example".parse().unwrap();
    for (n, (name, right)) in [("zulu", "read"), ("Alpha", "push"), ("mike", "read")].into_iter().enumerate() {
        world.pass(Duration::from_secs(1)).await;
        let key = json!({ "name": name, "rights": [right], "external_id": format!("k-{n}") });
        world.post(&of_firm("keys"), key).await.ok();
        let hook = json!({ "url": format!("http://127.0.0.1:9/{name}"), "external_id": format!("w-{n}") });
        world.post(&of_firm("webhooks"), hook).await.ok();
        let role = if right == "push" { UserRole::Administrator } else { UserRole::Reader };
        let (id, address) = (UserId::of(&tenant, name), format!("{name}@lumen.example"));
        let user = ConsoleUser { id, role, address, since: world.clock.now() };
        tables.0.transact(user.admit(tables.0, *tables.1).await.unwrap()).await.unwrap();
    }
    for (list, field, of) in [("keys", "name", ""), ("users", "address", "@lumen.example")] {
        let sorted = async |sort: &str| found(&of_firm(&format!("{list}?sort={sort}")), field).await;
        let names = |names: [&str; 3]| names.map(|name| format!("{name}{of}"));
        assert_eq!(sorted("name").await, names(["Alpha", "mike", "zulu"]), "{list}");
        assert_eq!(sorted("oldest").await, names(["zulu", "Alpha", "mike"]), "{list}");
        assert_eq!(sorted("newest").await, names(["mike", "Alpha", "zulu"]), "{list}");
    }
    assert_eq!(found(&of_firm("webhooks?sort=newest"), "external_id").await, ["w-2", "w-1", "w-0"]);
    assert_eq!(found(&of_firm("webhooks?sort=name"), "external_id").await, ["w-1", "w-2", "w-0"]);
    let hook =
        world.get(&of_firm("webhooks?external_id=w-1")).await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    world.patch(&of_firm(&format!("webhooks/{hook}")), json!({ "state": "paused" })).await.ok();
    assert_eq!(found(&of_firm("webhooks?state=paused"), "id").await, [hook]);
    assert_eq!(found(&of_firm("webhooks?state=active&sort=oldest"), "external_id").await, ["w-0", "w-2"]);
    assert_eq!(found(&of_firm("keys?external_id=k-2"), "name").await, ["mike"]);
    assert_eq!(found(&of_firm("keys?right=push"), "name").await, ["Alpha"]);
    assert_eq!(found(&of_firm("users?role=administrator"), "address").await, ["Alpha@lumen.example"]);
    for unknown in ["keys?right=everything", "users?role=king", "webhooks?state=tired", "keys?limit=2"] {
        assert_eq!(world.get(&of_firm(unknown)).await.problem(), "invalid_request", "{unknown}");
    }

    // Erasures, by how far they are.
    let target = json!({ "kind": "message", "message": format!("{firm}.{}", "0".repeat(32)) });
    for asked_by in ["Zoe", "ada"] {
        world.pass(Duration::from_secs(1)).await;
        world
            .post(&of_firm("erasures"), json!({ "target": target, "asked_by": asked_by, "reason": "Art. 17" }))
            .await
            .ok();
    }
    Box::pin(world.host.erase()).await;
    world.pass(Duration::from_secs(1)).await;
    world.post(&of_firm("erasures"), json!({ "target": target, "asked_by": "Max", "reason": "Art. 17" })).await.ok();
    let erasures = async |query: &str| in_order(&world, &of_firm(&format!("erasures?{query}")), "asked_by").await;
    assert_eq!(erasures("state=refused&sort=name").await, ["ada", "Zoe"]);
    assert_eq!(erasures("state=requested").await, ["Max"]);
    assert_eq!(erasures("sort=oldest").await, ["Zoe", "ada", "Max"]);

    // Tenants, and firms that ended.
    let since = world.clock.now();
    let tenancy = Tenancy { tenant, holders: vec![Holder { firm: *tables.1, since }], waiting: Vec::new() };
    tables.0.write(Write::overwrite(Key::tenant(&tenancy.tenant), &tenancy)).await.unwrap();
    let tenants = async |query: &str| in_order(&world, &format!("/v1/tenants?{query}"), "tenant_id").await;
    assert_eq!(tenants(&format!("firm={firm}")).await, ["lumen.example"]);
    assert_eq!(tenants(&format!("firm={firm}&waiting=true")).await, [""; 0]);
    assert_eq!(tenants(&format!("firm={}", registry.firm)).await.len(), tenants("sort=newest").await.len() - 1);
    assert_eq!(world.delete(&format!("/v1/firms/{firm}")).await.status, StatusCode::NO_CONTENT);
    for sort in ["id", "name"] {
        let firms = async |ended: &str| in_order(&world, &format!("/v1/firms?sort={sort}&ended={ended}"), "id").await;
        assert_eq!(firms("true").await, [firm.as_str()], "{sort}");
        assert_eq!(firms("false").await, [registry.firm.as_str()], "{sort}");
    }
}

#[tokio::test]
async fn a_role_and_the_operators_app_are_changed_only_as_they_were_read() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let tenant: TenantId = "lumen.example".parse().unwrap();
    let table = &world.host.app.table;
    let (id, address) = (UserId::of(&tenant, "bob"), "bob@lumen.example".to_owned());
    let user = ConsoleUser { id, role: UserRole::Reader, address, since: world.clock.now() };
    table.transact(user.admit(table, firm.parse().unwrap()).await.unwrap()).await.unwrap();
    let user = format!("/v1/firms/{firm}/users/{id}");
    for (path, method, bodies) in [
        (user.as_str(), Method::PUT, [json!({ "role": "clerk" }), json!({ "role": "reader" })]),
        (
            "/v1/app",
            Method::PATCH,
            ["2026-04-01T12:00:00Z", "2026-05-01T12:00:00Z"].map(|end| json!({ "secret_expires_at": end })),
        ),
    ] {
        let before = world.get(path).await;
        let [change, other] = bodies;
        let changed = held_to(&world, &tag(&before), method.clone(), path, Some(change)).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}: {}", changed.body);
        assert_ne!(tag(&changed), tag(&before), "{path}");
        assert_eq!(tag(&world.get(path).await), tag(&changed), "{path}");
        let late = held_to(&world, &tag(&before), method, path, Some(other)).await;
        assert_eq!(late.problem(), "precondition_failed", "{path}");
        assert_eq!(world.get(path).await.body, changed.body, "{path}: nothing was changed");
    }
    let late = held_to(&world, "\"0\"", Method::DELETE, &user, None).await;
    assert_eq!(late.problem(), "precondition_failed");
    let now = tag(&world.get(&user).await);
    assert_eq!(held_to(&world, &now, Method::DELETE, &user, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&user).await.problem(), "not_found");
}

#[tokio::test]
async fn a_page_of_a_narrowed_list_is_full_and_none_is_empty() {
    let world = World::new().await;
    for n in 0..5 {
        let firm = world.firm(&format!("Firm {n}")).await;
        let state = if n % 2 == 0 { "delegated" } else { "organization" };
        world.post(&format!("/v1/firms/{firm}/connectors"), json!({ "name": "Office", "access": state })).await.ok();
        if n < 2 {
            assert_eq!(world.delete(&format!("/v1/firms/{firm}")).await.status, StatusCode::NO_CONTENT);
        }
    }
    let firm = world.firm("Another").await;
    let of_firm = |below: &str| format!("/v1/firms/{firm}/{below}");
    for dossier in ["A", "B", "C", "D", "E"] {
        let class = if dossier == "B" || dossier == "C" { "Tax" } else { "Estate" };
        let classes = json!([{ "name": "Tax", "years": 10 }, { "name": "Estate", "years": null }]);
        if dossier == "A" {
            let periods = json!({ "default_years": 7, "classes": classes, "reason": "The law" });
            world.put(&of_firm("retention"), periods).await.ok();
            world.clock.advance(Duration::from_secs(61));
        }
        let change = json!({ "dossier": dossier, "class": class, "reason": "r" });
        world.put(&of_firm("retention/dossiers"), change).await.ok();
    }
    for (path, expected) in [
        ("/v1/firms?ended=true".to_owned(), 2),
        ("/v1/firms?ended=false".to_owned(), 4),
        (of_firm("retention/dossiers?class=Tax"), 2),
        (of_firm("retention/dossiers?class=Estate"), 3),
        (of_firm("audit?by=operator&action=PUT%20/v1/firms/{firm}/retention/dossiers"), 10),
    ] {
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("{path}&limit=1&after={after}")).await.ok();
            pages.push(page["items"].as_array().unwrap().len());
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(pages, vec![1; expected], "{path}");
    }
}

#[tokio::test]
async fn audit_deliveries_holds_and_dossiers_are_narrowed_and_sorted() {
    let world = World::new().await;
    let application = Application::start().await;
    let firm = world.firm("Lumen").await;
    let of_firm = |below: &str| format!("/v1/firms/{firm}/{below}");
    let found = async |path: &str, field: &str| -> Vec<String> {
        let list = world.get(path).await.ok();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        list["items"].as_array().unwrap().iter().map(|item| text(&item[field])).collect()
    };

    // Who did what.
    let key = world.post(&of_firm("keys"), json!({ "name": "Application" })).await.ok();
    let (key, id) = (key["key"].as_str().unwrap().to_owned(), key["id"].as_str().unwrap().to_owned());
    world.pass(Duration::from_secs(60)).await;
    let later = world.clock.now();
    let new = json!({ "name": "Office", "access": "delegated" });
    let made = world.request(Some(&key), Method::POST, &of_firm("connectors"), Some(new)).await;
    let request = made.headers["x-request-id"].to_str().unwrap().to_owned();
    let connectors = "POST /v1/firms/{firm}/connectors";
    for (filter, expected) in [
        (format!("by={id}"), vec!["null", "201"]),
        ("by=operator".to_owned(), vec!["201", "null", "201"]),
        ("by=operator&order=desc&limit=2".to_owned(), vec!["201", "null"]),
        ("by=operator&sort=newest&limit=2".to_owned(), vec!["201", "null"]),
        ("by=operator&order=asc&sort=newest&limit=2".to_owned(), vec!["201", "null"]),
        (format!("by={id}&sort=oldest"), vec!["null", "201"]),
        ("by=visitor".to_owned(), vec![]),
        (format!("action={connectors}"), vec!["null", "201"]),
        (format!("request={request}"), vec!["null", "201"]),
        (format!("since={later}"), vec!["null", "201"]),
        (format!("until={later}"), vec!["201", "null", "201"]),
        (format!("until={later}&by={id}"), vec![]),
    ] {
        assert_eq!(found(&of_firm(&format!("audit?{filter}")), "outcome").await, expected, "{filter}");
    }

    // What was posted.
    let hook = world.post(&of_firm("webhooks"), json!({ "url": application.url })).await.ok();
    let webhook = of_firm(&format!("webhooks/{}", hook["id"].as_str().unwrap()));
    for status in [204, 500, 204] {
        application.always(Some(status));
        world.post(&format!("{webhook}/send"), json!({ "kind": "test" })).await.ok();
        world.pass(Duration::from_secs(1)).await;
    }
    let deliveries = |filter: &str| format!("{webhook}/deliveries?{filter}");
    assert_eq!(found(&deliveries("result=failed"), "status").await, ["500"]);
    assert_eq!(found(&deliveries("result=taken"), "status").await, ["204", "204"]);
    assert_eq!(found(&deliveries("type=message_archived"), "status").await, [""; 0]);
    let (newest, oldest) = (found(&deliveries(""), "event").await, found(&deliveries("order=asc"), "event").await);
    assert_eq!((newest.len(), newest.iter().rev().collect::<Vec<_>>()), (3, oldest.iter().collect()));
    assert_eq!(found(&deliveries(&format!("event={}", oldest[1])), "status").await, ["500"]);
    let first = world.get(&deliveries("order=asc&limit=1")).await.ok();
    let next = first["next"].as_str().unwrap().replace('#', "%23");
    assert_eq!(found(&deliveries(&format!("order=asc&after={next}")), "event").await, oldest[1..]);

    // What is held, and for how long.
    for dossier in ["b", "C", "A"] {
        world.pass(Duration::from_secs(1)).await;
        world.put(&of_firm("holds"), json!({ "dossier": dossier, "held": true, "reason": "r" })).await.ok();
    }
    for (filter, expected) in [
        ("", vec!["A", "C", "b"]),
        ("sort=name", vec!["A", "b", "C"]),
        ("sort=newest", vec!["A", "C", "b"]),
        ("sort=oldest", vec!["b", "C", "A"]),
        ("dossier=C", vec!["C"]),
        ("dossier=D", vec![]),
    ] {
        assert_eq!(found(&of_firm(&format!("holds?{filter}")), "dossier").await, expected, "{filter}");
    }
    let periods = json!({ "default_years": 7, "classes": [{ "name": "Tax", "years": 10 }], "reason": "r" });
    world.put(&of_firm("retention"), periods).await.ok();
    for dossier in ["b", "C", "A", "É", "e"] {
        let class = json!({ "dossier": dossier, "class": "Tax", "reason": "r" });
        world.put(&of_firm("retention/dossiers"), class).await.ok();
    }
    for (query, expected) in [
        ("", vec!["A", "C", "b", "e", "É"]),
        ("sort=id", vec!["A", "C", "b", "e", "É"]),
        ("sort=name", vec!["A", "b", "C", "e", "É"]),
        ("sort=name&class=Estate", vec![]),
    ] {
        assert_eq!(found(&of_firm(&format!("retention/dossiers?{query}")), "dossier").await, expected, "{query}");
    }
    let (mut dossiers, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&of_firm(&format!("retention/dossiers?sort=name&limit=2&after={after}"))).await.ok();
        dossiers.extend(page["items"].as_array().unwrap().iter().map(|item| item["dossier"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(dossiers, ["A", "b", "C", "e", "É"]);
    let refused = [
        "audit?who=x",
        "audit?sort=name",
        "holds?sort=size",
        "holds?limit=1",
        "retention/dossiers?sort=newest",
        "proposals?to=a",
    ];
    for unknown in refused {
        assert_eq!(world.get(&of_firm(unknown)).await.problem(), "invalid_request", "{unknown}");
    }
    for bad in ["result=maybe", "type=void", "order=up"] {
        assert_eq!(world.get(&deliveries(bad)).await.problem(), "invalid_request", "{bad}");
    }
}

#[tokio::test]
async fn a_number_that_the_feed_does_not_have_is_no_place_in_a_list_of_mails() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let firm = format!("/v1/firms/{}", registry.firm);
    let events = world.get(&format!("{firm}/events?limit=100")).await.ok();
    let last = events["next"].as_u64().unwrap();
    let preview = format!("{firm}/mailboxes/{}/rules/preview", registry.mailbox);
    for list in ["messages", "proposals", "events?order=desc"] {
        let sign = if list.contains('?') { '&' } else { '?' };
        let at = |number: u64| format!("{firm}/{list}{sign}after={number}");
        world.get(&at(last)).await.ok();
        assert_eq!(world.get(&at(last + 1)).await.problem(), "position_unknown", "{list}");
    }
    assert_eq!(world.post(&format!("{preview}?after={}", last + 1), json!({})).await.problem(), "position_unknown");
    world.post(&format!("{preview}?after={last}"), json!({})).await.ok();
}
