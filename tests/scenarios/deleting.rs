//! O1: what is deleted ends at once, and what was archived stays.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, OPERATOR_KEY, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World, message_id, outlook::Firm};

const MINUTE: Duration = Duration::from_secs(60);

/// What lies in the partition of a mailbox, by sort key.
async fn left_of(world: &World, registry: &Registry) -> Vec<String> {
    let client = aws_sdk_dynamodb::Client::new(&world.host.machine.aws);
    let partition = format!("FIRM#{}#MAILBOX#{}", registry.firm, registry.mailbox);
    let request = client.query().table_name(local::provision::TABLE).key_condition_expression("pk = :pk");
    let found = request
        .expression_attribute_values(":pk", aws_sdk_dynamodb::types::AttributeValue::S(partition))
        .send()
        .await
        .unwrap();
    found.items().iter().map(|item| item["sk"].as_s().unwrap().split('#').next().unwrap().to_owned()).collect()
}

fn of_firm(registry: &Registry, below: &str) -> String {
    format!("/v1/firms/{}{below}", registry.firm)
}

#[tokio::test]
async fn a_deleted_mailbox_is_read_no_more_and_its_mail_stays() {
    let world = World::new().await;
    let registry = world.registry().await;
    let kept = world.deliver("inbox", "Kept");
    world.run_until_idle().await;
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1);
    let path = of_firm(&registry, &format!("/mailboxes/{}", registry.mailbox));
    assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
    world.run_until_idle().await;
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 0, "Graph still tells of new mail");
    assert_eq!(left_of(&world, &registry).await, ["MESSAGE"], "what rounds kept is gone");
    assert_eq!(world.get(&path).await.problem(), "not_found");
    assert_eq!(world.delete(&path).await.problem(), "not_found");

    // Neither the schedule nor a job that was on its way does anything.
    world.deliver("inbox", "Never kept");
    let before = world.microsoft.requests().graph;
    world.host.app.queue.send(&job(&world, &registry)).await.unwrap();
    world.pass(MINUTE * 60).await;
    assert_eq!(world.microsoft.requests().graph, before, "Graph is asked for a deleted mailbox");
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"]);

    // The mail is read and filed as before.
    let message = message_id(&registry, &kept);
    let listed = world.get(&of_firm(&registry, "/messages")).await.ok();
    assert_eq!(listed["items"][0]["id"], message.to_string());
    world.post(&of_firm(&registry, &format!("/messages/{message}/file")), json!({ "dossier": "7" })).await.ok();
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &kept).await.body["dossier"], "7");
    assert_eq!(left_of(&world, &registry).await, ["FILING", "MESSAGE"]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn the_link_to_sign_in_at_a_deleted_connector_says_that_it_is_deleted_and_nothing_of_keys() {
    let world = World::new().await;
    let registry = world.registry().await;
    let connectors = of_firm(&registry, "/connectors");
    let made = world.post(&connectors, json!({ "name": "Office", "access": "delegated" })).await.ok();
    world.delete(&format!("{connectors}/{}", made["id"].as_str().unwrap())).await;
    let page = world.http.get(made["connect_url"].as_str().unwrap()).header("accept-language", "en").send().await;
    let page = page.unwrap().text().await.unwrap();
    assert!(page.contains("was deleted") && !page.contains(" key"), "{page}");
}

fn job(world: &World, registry: &Registry) -> shared::aws::queue::MailboxJob {
    let (firm, mailbox) = (registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap());
    let job = shared::aws::queue::MailboxJob::new(firm, mailbox, world.clock.now(), world.host.app.random.uuid());
    shared::aws::queue::MailboxJob { subscription: true, notice: true, ..job }
}

#[tokio::test]
async fn the_address_of_a_deleted_mailbox_can_be_added_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = of_firm(&registry, &format!("/mailboxes/{}", registry.mailbox));
    assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
    let again = world.mailbox(&registry.firm, &registry.connector, ADA).await;
    assert_ne!(again, registry.mailbox);
    let again = Registry { mailbox: again, ..registry };
    world.activate(&again).await;
    let mail = world.deliver("inbox", "A new beginning");
    world.run_until_idle().await;
    assert_eq!(world.message(&again, &mail).await.body["state"], "marked");
}

#[tokio::test]
async fn a_mailbox_deleted_while_it_is_read_is_left_behind_clean() {
    let world = World::new().await;
    let registry = world.registry().await;
    (0..30).for_each(|n| drop(world.deliver("inbox", &format!("Mail {n}"))));
    world.microsoft.deliver_notices().await.unwrap();
    let path = of_firm(&registry, &format!("/mailboxes/{}", registry.mailbox));
    let (deleted, _) = tokio::join!(world.delete(&path), world.run_jobs());
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    world.pass(MINUTE).await;
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 0);
    let left = left_of(&world, &registry).await;
    assert!(left.iter().all(|kind| kind == "MESSAGE"), "{left:?}");
    world.pass(MINUTE * 60).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_deleted_connector_pauses_its_mailboxes_and_another_one_goes_on_without_a_gap() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = of_firm(&registry, &format!("/connectors/{}", registry.connector));
    assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&path).await.problem(), "not_found");
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 0);
    let mailbox = of_firm(&registry, &format!("/mailboxes/{}", registry.mailbox));
    let shown = world.get(&mailbox).await.ok();
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("paused"), &json!("connector_deleted")));

    // Nothing is asked of Microsoft any more, and no token is left.
    let between = world.deliver("inbox", "In between");
    let (graph, tokens) = (world.microsoft.requests().graph, world.token_requests());
    world.pass(MINUTE * 60 * 24).await;
    assert_eq!((world.microsoft.requests().graph, world.token_requests()), (graph, tokens));
    assert_eq!(world.post(&format!("{mailbox}/activate"), json!({})).await.problem(), "connector_deleted");

    let other = world.connector(&registry.firm, "delegated", Value::Null).await;
    world.sign_in(&registry.firm, &other, ADA).await.ok();
    let moved = world.patch(&mailbox, json!({ "connector": other })).await.ok();
    assert_eq!((&moved["connector"], &moved["problem"]), (&json!(other), &Value::Null));
    let registry = Registry { connector: other, ..registry };
    world.activate(&registry).await;
    assert_eq!(world.message(&registry, &between).await.body["state"], "marked");
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mailbox_goes_to_no_connector_that_opens_another_one() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let other = world.connector(&registry.firm, "delegated", Value::Null).await;
    world.sign_in(&registry.firm, &other, "bob@lumen.example").await.ok();
    let mailbox = of_firm(&registry, &format!("/mailboxes/{}", registry.mailbox));
    assert_eq!(world.patch(&mailbox, json!({ "connector": other })).await.problem(), "mailbox_out_of_reach");
    let both = json!({ "connector": other, "address": "bob@lumen.example" });
    assert_eq!(world.patch(&mailbox, both).await.problem(), "mailbox_out_of_reach");
    assert_eq!(world.get(&mailbox).await.ok()["address"], ADA);
    // Of a mailbox whose connector is gone, nothing but another connector can be checked.
    world.delete(&of_firm(&registry, &format!("/connectors/{}", registry.connector))).await;
    let moved = world.patch(&mailbox, json!({ "address": "bob@lumen.example" })).await;
    assert_eq!(moved.problem(), "connector_deleted");
}

#[tokio::test]
async fn the_last_connector_with_an_app_of_the_firms_own_takes_its_secret_along() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let app = json!({ "tenant_id": "lumen.example", "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET });
    let [first, second] = [
        world.connector(&firm, "delegated", app.clone()).await,
        world.connector(&firm, "delegated", app.clone()).await,
    ];
    world.sign_in(&firm, &first, ADA).await.ok();
    let secret = format!("greffe/firms/{firm}/app-client-secret");
    let client = aws_sdk_secretsmanager::Client::new(&world.host.machine.aws);
    let is_there = async || client.get_secret_value().secret_id(&secret).send().await.is_ok();
    world.delete(&format!("/v1/firms/{firm}/connectors/{first}")).await;
    assert!(is_there().await, "another connector uses it");
    let deleted = world.delete(&format!("/v1/firms/{firm}/connectors/{second}")).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
    assert!(!is_there().await);
    // Another firm may prove it now, and this one may bring another.
    let other = world.firm("Successor").await;
    let connector = world.connector(&other, "delegated", app).await;
    world.sign_in(&other, &connector, ADA).await.ok();
    world.pass(MINUTE * 60 * 24).await;
    assert!(!is_there().await, "nothing brings it back");
}

#[tokio::test]
async fn the_feed_tells_once_of_each_thing_that_is_deleted() {
    let world = World::new().await;
    let registry = world.registry().await;
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    let member = world.post(&of_firm(&registry, "/members"), member).await.ok()["id"].clone();
    let mut known = world.facts(&registry.firm).await.len();
    for (below, told) in [
        (format!("/members/{}", member.as_str().unwrap()), json!({ "type": "member_deleted", "member": member })),
        (format!("/mailboxes/{}", registry.mailbox), json!({ "type": "mailbox_deleted", "mailbox": registry.mailbox })),
        (
            format!("/connectors/{}", registry.connector),
            json!({ "type": "connector_deleted", "connector": registry.connector }),
        ),
        (String::new(), json!({ "type": "firm_deleted" })),
    ] {
        let path = of_firm(&registry, &below);
        assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
        world.delete(&path).await;
        let events = world.get(&of_firm(&registry, "/events?limit=100")).await.ok()["items"].clone();
        let [event] = &events.as_array().unwrap()[known..] else { panic!("{path}: {events}") };
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(event[name], *value, "{event}");
        }
        known += 1;
    }
}

#[tokio::test]
async fn a_deleted_firm_has_no_access_left_and_the_operator_reads_what_it_archived() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Kept");
    world.run_until_idle().await;
    let key = world.post(&of_firm(&registry, "/keys"), json!({ "name": "application" })).await.ok();
    let key = key["key"].as_str().unwrap().to_owned();
    let hook = json!({ "url": "http://127.0.0.1:9/" });
    world.post(&of_firm(&registry, "/webhooks"), hook).await.ok();
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    world.post(&of_firm(&registry, "/members"), member.clone()).await.ok();

    let path = of_firm(&registry, "");
    world.patch(&path, json!({ "external_id": "c-7" })).await.ok();
    for _ in 0..2 {
        assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT, "once more does no harm");
    }
    world.run_until_idle().await;
    assert_eq!(world.request(Some(&key), Method::GET, &path, None).await.problem(), "unauthorized");
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 0);
    assert_eq!(world.get(&of_firm(&registry, "/connectors")).await.ok()["items"], json!([]));
    assert_eq!(world.get(&of_firm(&registry, "/webhooks")).await.ok()["items"], json!([]));
    let shown = world.get(&path).await.ok();
    assert_eq!((shown["ended_at"].is_string(), &shown["external_id"]), (true, &Value::Null), "{shown}");
    let other = json!({ "name": "Other", "domains": [], "language": "en", "time_zone": "UTC", "external_id": "c-7" });
    assert_eq!(world.post("/v1/firms", other).await.status, StatusCode::CREATED);

    let (graph, tokens) = (world.microsoft.requests().graph, world.token_requests());
    world.deliver("inbox", "Never kept");
    world.pass(MINUTE * 60 * 24).await;
    assert_eq!((world.microsoft.requests().graph, world.token_requests()), (graph, tokens));
    for (method, below, body) in [
        (Method::PATCH, "", json!({ "name": "x" })),
        (Method::POST, "/keys", json!({ "name": "x" })),
        (Method::POST, "/members", member),
        (Method::POST, &format!("/mailboxes/{}/activate", registry.mailbox), json!({})),
    ] {
        let refused = world.request(Some(OPERATOR_KEY), method, &of_firm(&registry, below), Some(body)).await;
        assert_eq!(refused.problem(), "firm_ended", "{below}");
    }
    assert_eq!(world.message(&registry, &mail).await.body["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn what_greffe_made_at_entra_goes_with_the_firms_app_and_what_a_person_made_stays() {
    let world = World::new().await;
    let mut app = world.microsoft.app(OWN_CLIENT_ID).unwrap();
    app.application.push("Application.ReadWrite.OwnedBy".to_owned());
    app.owns_itself = true;
    world.microsoft.register_app(app).unwrap();
    world.tenant.add_user("admin@lumen.example", "Administrator").unwrap();
    world.tenant.make_admin("admin@lumen.example").unwrap();
    let firm = world.firm("Lumen").await;
    let tenant = world.tenant.id().to_string();
    let own = json!({ "tenant_id": tenant, "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET });
    let connector = world.connector(&firm, "organization", own).await;
    world.sign_in(&firm, &connector, "admin@lumen.example").await.ok();
    world.post(&format!("/v1/firms/{firm}/connectors/{connector}/secret/rotate"), json!(null)).await.ok();
    let secrets = || world.microsoft.app(OWN_CLIENT_ID).unwrap().client_secrets.len();
    assert_eq!(secrets(), 2, "the person's, and greffe's");
    let deleted = world.delete(&format!("/v1/firms/{firm}/connectors/{connector}")).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
    assert_eq!(secrets(), 1);
    assert_eq!(world.get("/v1/tenants").await.ok()["items"], json!([]), "the tenant is free");
}

/// Gives a member a new connector for the organisation, and lets a day pass.
async fn go_over(world: &World, firm: &Firm, member: &str) {
    let other = world.connector(&firm.id, "organization", Value::Null).await;
    world.sign_in(&firm.id, &other, "admin@lumen.example").await.ok();
    world.patch(&format!("/v1/firms/{}/members/{member}", firm.id), json!({ "connector": other })).await.ok();
    world.run_until_idle().await;
    world.pass(MINUTE * 60 * 25).await;
}

#[tokio::test]
async fn a_member_goes_on_through_another_connector_and_nothing_is_there_twice() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let date = json!({ "kind": "appointment", "title": "Hearing", "start": "2026-07-01T09:00:00",
        "end": "2026-07-01T10:00:00", "members": [ada] });
    world.say(&firm, "dates", "D", date.clone()).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    world.delete(&format!("/v1/firms/{}/connectors/{}", firm.id, firm.connector)).await;
    world.pass(MINUTE * 60).await;
    let push = world.get(&format!("/v1/firms/{}/members/{ada}/push", firm.id)).await.ok();
    assert_eq!(push["problem"]["code"], "connector_deleted");

    go_over(&world, &firm, &ada).await;
    assert_eq!((world.events(ADA).len(), world.contacts(ADA).len()), (1, 1));
    assert_eq!(world.microsoft.contact_items(ADA).unwrap().iter().filter(|(_, items)| !items.is_empty()).count(), 1);
    let push = world.get(&format!("/v1/firms/{}/members/{ada}/push", firm.id)).await.ok();
    assert_eq!(push["problem"], Value::Null);
    assert_eq!(world.said(&firm, "dates", "D").await["copies"][0]["state"], "current");
}

#[tokio::test]
async fn a_member_goes_over_to_another_connector_and_what_lies_in_outlook_stays() {
    for is_signed_out in [false, true] {
        let world = World::new().await;
        let firm = world.pushing_firm_of(ADA).await;
        world.tenant.add_user("admin@lumen.example", "Admin").unwrap();
        world.tenant.make_admin("admin@lumen.example").unwrap();
        let ada = world.pushed_member(&firm, ADA, "todo").await;
        let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T09:00:00",
            "end": "2026-07-01T10:00:00", "members": [ada] });
        world.say(&firm, "dates", "D", date).await;
        world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
        let lists = || (world.microsoft.task_items(ADA).unwrap(), world.microsoft.contact_items(ADA).unwrap());
        let before = lists();
        assert_eq!((world.tasks(ADA).len(), world.contacts(ADA).len()), (1, 1));
        if is_signed_out {
            world.tenant.revoke_sessions(ADA).unwrap();
            world.pass(MINUTE * 120).await;
            let former = world.connector_view(&firm.id, &firm.connector).await;
            assert_eq!(former["state"], "action_required", "{former}");
        }
        go_over(&world, &firm, &ada).await;
        assert_eq!(lists(), before, "signed out: {is_signed_out}");
    }
}

#[tokio::test]
async fn nothing_is_pushed_for_a_deleted_firm() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    world.delete(&format!("/v1/firms/{}", firm.id)).await;
    let graph = world.microsoft.requests().graph;
    world.pass(MINUTE * 60 * 24).await;
    assert_eq!(world.microsoft.requests().graph, graph);
}

#[tokio::test]
async fn an_erasure_with_a_field_that_it_does_not_have_is_refused_by_name() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    for target in
        [json!({ "kind": "firm", "mailbox": null }), json!({ "kind": "sender", "from": "@a.example", "to": 1 })]
    {
        let erasure = json!({ "target": target, "reason": "Article 17" });
        let refused = world.post(&format!("/v1/firms/{firm}/erasures"), erasure).await;
        assert!(refused.body["detail"].as_str().unwrap().contains("unknown field"), "{}", refused.body);
        assert_eq!(refused.problem(), "invalid_request", "{target}");
    }
    let known = json!({ "target": { "kind": "sender", "from": "@a.example" }, "reason": "Article 17" });
    world.post(&format!("/v1/firms/{firm}/erasures"), known).await.ok();
}
