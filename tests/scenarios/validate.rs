//! C6, C9: validating a connection and testing members: each thing is really tried, and the tenant is as it was before.

use microsoft365::{App, GroupMembershipClaims, Secret, Times};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, CLIENT_ID, CLIENT_SECRET, OPERATOR_KEY, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

const ADMIN: &str = "admin@lumen.example";
const DELEGATED: [&str; 4] = ["User.Read", "Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite"];
const RIGHTS: [&str; 7] = [
    "Mail.Read",
    "Mail.ReadWrite",
    "MailboxSettings.ReadWrite",
    "User.Read.All",
    "Calendars.ReadWrite",
    "Tasks.ReadWrite.All",
    "Contacts.ReadWrite",
];

/// The platform's app, whose registration lists these application permissions, consented to anew.
fn grant(world: &World, rights: &[&str], secret: Secret) {
    let callback = format!("http://{}/oauth/callback", world.host.address);
    let app = App { client_secrets: vec![secret], ..App::new(CLIENT_ID, CLIENT_SECRET, callback) };
    let app = app.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
    world.microsoft.register_app(app.with_permissions(&DELEGATED, rights)).unwrap();
    world.tenant.withdraw_consent(CLIENT_ID).unwrap();
    world.tenant.grant_admin_consent(CLIENT_ID).unwrap();
}

fn good_secret() -> Secret {
    Secret::new(CLIENT_SECRET, None)
}

/// A firm that is connected as an organisation, with Ada as a member to whom everything is pushed, and her mailbox.
async fn organization(world: &World) -> Registry {
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    grant(world, &RIGHTS, good_secret());
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    member(world, &firm, &connector, ADA, "calendar").await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    member(world, &firm, &connector, "bob@lumen.example", "todo").await;
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    Registry { firm, connector, mailbox }
}

async fn member(world: &World, firm: &str, connector: &str, address: &str, target: &str) -> String {
    let push = json!({ "dates": true, "contacts": true, "target": target });
    let body = json!({ "name": "A", "address": address, "connector": connector, "push": push });
    let made = world.post(&format!("/v1/firms/{firm}/members"), body).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

async fn validate(world: &World, registry: &Registry) -> Value {
    let path = format!("/v1/firms/{}/connectors/{}/validate", registry.firm, registry.connector);
    let validation = world.request(Some(OPERATOR_KEY), Method::POST, &path, None).await.ok();
    let checks = validation["checks"].as_array().unwrap();
    assert_eq!(validation["ok"], checks.iter().all(|check| check["ok"] == true));
    for check in checks.iter().filter(|check| check["ok"] == false && check["skipped"].is_null()) {
        for field in ["code", "meaning", "who", "next_action", "reconnect"] {
            assert!(check[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {check}");
        }
    }
    validation
}

/// The checks that are red, with our code and Microsoft's.
fn red(validation: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = validation["checks"].as_array().unwrap().iter().filter(|check| !check["code"].is_null());
    checks.map(|check| (text(&check["resource"]), text(&check["code"]), text(&check["microsoft_code"]))).collect()
}

fn one<'a>(validation: &'a Value, resource: &str) -> &'a Value {
    validation["checks"].as_array().unwrap().iter().find(|check| check["resource"] == resource).unwrap()
}

/// All that a validation could leave behind.
fn tenant(world: &World) -> Vec<String> {
    let mut held = Vec::new();
    for address in [ADA, "bob@lumen.example"] {
        let Ok(events) = world.microsoft.events(address) else { continue };
        held.extend(events);
        held.extend(world.microsoft.tasks(address).unwrap());
        held.extend(world.microsoft.contacts(address).unwrap());
        held.extend(world.microsoft.categories(address).unwrap());
        held.extend(world.microsoft.subscriptions(address).unwrap());
        held.extend(world.microsoft.messages(address).unwrap().iter().map(|held| format!("{held:?}")));
    }
    held
}

#[tokio::test]
async fn a_connection_that_works_is_green_and_nothing_is_left_behind() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "Ordinary");
    world.run_until_idle().await;
    let before = tenant(&world);
    let validation = validate(&world, &registry).await;
    assert_eq!(validation["ok"], true, "{validation}");
    let resources: Vec<_> = validation["checks"].as_array().unwrap().iter().map(|c| c["resource"].clone()).collect();
    let expected =
        ["token", "profile", "folders", "mail", "marking", "notifications", "calendar", "tasks", "contacts", "secret"];
    assert_eq!(resources, expected);
    assert_eq!(one(&validation, "profile")["detail"], ADA);
    for unused in ["calendar", "tasks", "contacts"] {
        assert!(one(&validation, unused)["skipped"].as_str().unwrap().starts_with("not asked for"));
    }
    assert!(one(&validation, "secret")["detail"].as_str().unwrap().contains("by hand"));
    assert_eq!(tenant(&world), before);

    // The mail path goes on as if nothing had been.
    let mail = world.deliver("inbox", "Afterwards");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.progress(&registry).await["archived"], 2);
    world.settle(&registry).await;
}

#[tokio::test]
async fn each_right_that_is_missing_is_red_with_microsofts_own_code_and_the_others_stay_green() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.deliver("inbox", "To try it on");
    let before = tenant(&world);
    let validation = validate(&world, &registry).await;
    assert_eq!((red(&validation), &validation["ok"]), (Vec::new(), &json!(true)), "{validation}");
    let missing = |right| match right {
        "Mail.Read" => vec![("notifications", "right_missing", "ExtensionError")],
        "Mail.ReadWrite" | "MailboxSettings.ReadWrite" => vec![("marking", "right_missing", "ErrorAccessDenied")],
        "User.Read.All" => vec![("profile", "right_missing", "Authorization_RequestDenied")],
        "Calendars.ReadWrite" => vec![("calendar", "right_missing", "ErrorAccessDenied")],
        "Tasks.ReadWrite.All" => vec![("tasks", "right_missing", "ErrorAccessDenied")],
        _ => vec![("contacts", "right_missing", "ErrorAccessDenied")],
    };
    for right in RIGHTS {
        let others: Vec<&str> = RIGHTS.into_iter().filter(|other| *other != right).collect();
        grant(&world, &others, good_secret());
        let validation = validate(&world, &registry).await;
        let owned = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(red(&validation), missing(right).into_iter().map(owned).collect::<Vec<_>>(), "{right}");
        let failed = one(&validation, missing(right)[0].0);
        assert!(failed["detail"].as_str().unwrap().contains(right), "{failed}");
        assert!(!failed["message"].as_str().unwrap().is_empty());
    }
    grant(&world, &RIGHTS, good_secret());
    assert_eq!(validate(&world, &registry).await["ok"], true);
    assert_eq!(tenant(&world), before);
}

#[tokio::test]
async fn a_wrong_address_for_notices_is_red_and_the_operators_turn() {
    let world = World::with(&[("GREFFE_WEBHOOK_URL", "https://127.0.0.1:9/webhook")]).await;
    let registry = organization(&world).await;
    let validation = validate(&world, &registry).await;
    let notifications =
        ("notifications".to_owned(), "notifications_unreachable".to_owned(), "ValidationError".to_owned());
    assert_eq!(red(&validation), [notifications]);
    assert_eq!(one(&validation, "notifications")["who"], "operator");
}

#[tokio::test]
async fn an_expired_secret_is_red_and_the_rest_is_not_tried() {
    let world = World::new().await;
    let registry = organization(&world).await;
    grant(&world, &RIGHTS, Secret { expires: Some(world.clock.now()), ..good_secret() });
    let validation = validate(&world, &registry).await;
    let refused =
        |resource: &str| (resource.to_owned(), "client_secret_expired".to_owned(), "AADSTS7000222".to_owned());
    assert_eq!(red(&validation), [refused("token"), refused("secret")]);
    let mail = one(&validation, "mail");
    assert_eq!((&mail["ok"], &mail["code"]), (&json!(false), &Value::Null));
    assert!(mail["skipped"].as_str().unwrap().starts_with("not tried"), "{mail}");

    grant(&world, &RIGHTS, good_secret());
    assert_eq!(validate(&world, &registry).await["ok"], true);
}

#[tokio::test]
async fn the_end_of_a_firms_own_secret_is_told_where_microsoft_tells_it() {
    let world = World::new().await;
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    let callback = format!("http://{}/oauth/callback", world.host.address);
    let ends = world.clock.now() + std::time::Duration::from_secs(90 * 86_400);
    let secrets = vec![Secret::new(OWN_CLIENT_SECRET, Some(ends)), Secret::new("another", Some(world.clock.now()))];
    let own = App { client_secrets: secrets, ..App::new(OWN_CLIENT_ID, OWN_CLIENT_SECRET, callback) };
    let rights: Vec<&str> = RIGHTS.into_iter().chain(["Application.Read.All"]).collect();
    let own = own.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
    let own = own.with_permissions(&DELEGATED, &rights).single_tenant(world.tenant.id());
    world.microsoft.register_app(own).unwrap();
    let firm = world.firm("Lumen").await;
    let app = json!({
        "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET,
    });
    let connector = world.connector(&firm, "organization", app).await;
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    let registry = Registry { firm, connector, mailbox: String::new() };
    let validation = validate(&world, &registry).await;
    assert_eq!(one(&validation, "secret")["expires_at"], ends.to_string());
    assert_eq!(one(&validation, "profile")["detail"], "Lumen Avocats");
    assert!(one(&validation, "folders")["skipped"].as_str().unwrap().contains("add a mailbox"));
}

#[tokio::test]
async fn a_mailbox_that_exchange_keeps_out_of_reach_is_told_from_a_missing_right() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.tenant.restrict_app(CLIENT_ID, &["bob@lumen.example"]).unwrap();
    let validation = validate(&world, &registry).await;
    let out_of_reach =
        |resource: &str, microsoft: &str| (resource.to_owned(), "mailbox_excluded".to_owned(), microsoft.to_owned());
    let denied = "ErrorAccessDenied";
    let expected = [("folders", denied), ("mail", denied), ("marking", denied), ("notifications", "ExtensionError")];
    let expected = expected.into_iter().chain([("calendar", denied), ("contacts", denied)]);
    assert_eq!(red(&validation), expected.map(|(resource, code)| out_of_reach(resource, code)).collect::<Vec<_>>());
    assert_eq!(one(&validation, "tasks")["ok"], true, "there is no such limit for To Do");
}

#[tokio::test]
async fn nothing_is_left_behind_when_answers_are_lost_or_something_fails_in_the_middle() {
    let world = World::new().await;
    let registry = organization(&world).await;
    let before = tenant(&world);
    let faults = world.microsoft.faults();
    let made = ["event create", "task create", "contact create", "category create", "subscription create"];
    for kind in made {
        faults.lose_answer(kind, Times::N(1));
    }
    let validation = validate(&world, &registry).await;
    let failed: Vec<String> = red(&validation).into_iter().map(|(resource, ..)| resource).collect();
    assert_eq!(failed, ["marking", "notifications", "calendar", "tasks", "contacts"], "{validation}");
    assert_eq!(tenant(&world), before);

    // What is deleted twice is deleted; a deletion that fails once is tried again.
    for kind in ["event delete", "task delete", "contact delete", "category delete", "subscription delete"] {
        faults.fail(kind, 503, Times::N(1));
        faults.lose_answer(kind, Times::N(1));
    }
    let validation = validate(&world, &registry).await;
    assert_eq!((red(&validation), &validation["ok"]), (Vec::new(), &json!(true)));
    assert_eq!(tenant(&world), before);
}

#[tokio::test]
async fn a_validation_leaves_the_subscription_of_an_active_mailbox_alone() {
    let world = World::new().await;
    let registry = world.registry().await;
    let before = world.microsoft.subscriptions(ADA).unwrap();
    assert_eq!(before.len(), 1);
    // One that a validation before this one could not remove.
    world.microsoft.faults().lose_answer("subscription create", Times::N(1));
    world.microsoft.faults().fail("subscriptions", 500, Times::N(3));
    assert_eq!(validate(&world, &registry).await["ok"], false);
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 2);
    assert_eq!(validate(&world, &registry).await["ok"], true);
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap(), before);
}

#[tokio::test]
async fn a_connector_that_nobody_signed_in_for_says_so() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let registry = Registry { firm, connector, mailbox: String::new() };
    let validation = validate(&world, &registry).await;
    assert_eq!(one(&validation, "token")["code"], "not_connected");
    assert_eq!(red(&validation).len(), 1);
    let path = format!("/v1/firms/{}/connectors/{}/validate", registry.firm, registry.connector);
    let elsewhere = json!({ "mailbox": "00000000-0000-4000-8000-000000000000" });
    assert_eq!(world.post(&path, elsewhere).await.problem(), "invalid_request");
}

#[tokio::test]
async fn a_member_is_tested_service_by_service() {
    let world = World::new().await;
    let registry = organization(&world).await;
    let before = tenant(&world);
    let members = format!("/v1/firms/{}/members", registry.firm);
    let page = world.get(&members).await.ok();
    let ada = page["items"].as_array().unwrap().iter().find(|member| member["address"] == ADA).unwrap();
    let path = format!("{members}/{}/test", ada["id"].as_str().unwrap());
    let test = async |service: &str| world.post(&path, json!({ "service": service })).await.ok();
    // Her dates go to the calendar: what is asked for by name is tried all the same.
    for service in ["mail", "calendar", "contacts", "tasks"] {
        let check = test(service).await;
        assert_eq!(
            (&check["resource"], &check["ok"], &check["skipped"]),
            (&json!(service), &json!(true), &Value::Null)
        );
    }
    assert_eq!(world.post(&path, json!({ "service": "chess" })).await.problem(), "invalid_request");

    grant(&world, &RIGHTS[..4], good_secret());
    let check = test("calendar").await;
    assert_eq!((&check["code"], &check["microsoft_code"]), (&json!("right_missing"), &json!("ErrorAccessDenied")));
    assert_eq!(test("mail").await["ok"], true);
    world.tenant.restrict_app(CLIENT_ID, &["bob@lumen.example"]).unwrap();
    assert_eq!(test("mail").await["code"], "mailbox_excluded");
    world.tenant.withdraw_consent(CLIENT_ID).unwrap();
    assert_eq!(test("mail").await["microsoft_code"], "AADSTS700016");
    assert_eq!(tenant(&world), before);
}

#[tokio::test]
async fn a_test_of_what_the_connector_never_asked_for_leads_to_the_switch_that_is_off() {
    let world = World::new().await;
    let registry = world.registry().await;
    let members = format!("/v1/firms/{}/members", registry.firm);
    let new = json!({ "name": "Ada", "address": ADA, "connector": registry.connector });
    let member = world.post(&members, new).await.ok();
    let path = format!("{members}/{}/test", member["id"].as_str().unwrap());
    for service in ["calendar", "tasks", "contacts"] {
        let check = world.post(&path, json!({ "service": service })).await.ok();
        assert_eq!((&check["ok"], &check["code"]), (&json!(false), &json!("push_not_granted")), "{service}: {check}");
        let action = check["next_action"].as_str().unwrap();
        assert!(action.starts_with("Switch on dates or contacts on the connector"), "{service}: {action}");
    }
}

#[tokio::test]
async fn members_are_linked_to_accounts_that_the_connector_reaches() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let members = format!("/v1/firms/{}/members", registry.firm);
    let new = |address: &str| json!({ "name": "A", "address": address, "connector": registry.connector });
    // Through a signed-in user only this user's own account can be linked.
    assert_eq!(world.post(&members, new("bob@lumen.example")).await.problem(), "mailbox_out_of_reach");
    let made = world.post(&members, new("ADA@lumen.example")).await;
    let location = made.headers["location"].to_str().unwrap().to_owned();
    let made = made.ok();
    assert_eq!((&made["address"], &made["push"], &made["aliases"]), (&json!(ADA), &Value::Null, &json!([])));
    assert_eq!(world.post(&members, new(ADA)).await.problem(), "member_exists");

    let patch = async |body: Value| world.request(Some(OPERATOR_KEY), Method::PATCH, &location, Some(body)).await;
    let push = json!({ "dates": true, "contacts": false, "target": "todo" });
    let patched = patch(json!({ "push": push, "aliases": ["A.Lambert@lumen.example"] })).await.ok();
    assert_eq!((&patched["push"], &patched["name"]), (&push, &json!("A")));
    assert_eq!(patched["aliases"], json!(["a.lambert@lumen.example"]));
    assert_eq!(patch(json!({ "name": "Ada" })).await.ok()["push"], push, "what is not named stays");
    assert_eq!(patch(json!({ "push": null })).await.ok()["push"], Value::Null);
    assert_eq!(patch(json!({ "address": "bob@lumen.example" })).await.problem(), "mailbox_out_of_reach");
    assert_eq!(world.get(&location).await.ok()["address"], ADA);

    let delete = || world.request(Some(OPERATOR_KEY), Method::DELETE, &location, None);
    assert_eq!(delete().await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete().await.problem(), "not_found");
    assert_eq!(world.get(&members).await.ok()["items"], json!([]));
    world.post(&members, new(ADA)).await.ok();
}

#[tokio::test]
async fn an_address_that_a_member_left_is_free_again_and_lists_have_pages() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.tenant.add_user("eve@lumen.example", "Eve").unwrap();
    let members = format!("/v1/firms/{}/members", registry.firm);
    let first = world.get(&format!("{members}?limit=1")).await.ok();
    let id = first["items"][0]["id"].as_str().unwrap().to_owned();
    let second = world.get(&format!("{members}?limit=1&after={}", first["next"].as_str().unwrap())).await.ok();
    let (left, other) = (first["items"][0]["address"].clone(), second["items"][0]["address"].clone());
    let rename = async |address: &Value| {
        let body = json!({ "address": address });
        world.request(Some(OPERATOR_KEY), Method::PATCH, &format!("{members}/{id}"), Some(body)).await
    };
    assert_eq!(rename(&other).await.problem(), "member_exists");
    rename(&json!("eve@lumen.example")).await.ok();
    let again = json!({ "name": "A", "address": left, "connector": registry.connector });
    world.post(&members, again).await.ok();
    let unknown = json!({ "name": "X", "address": "nobody@lumen.example", "connector": registry.connector });
    assert_eq!(world.post(&members, unknown).await.problem(), "mailbox_unknown");
}

#[tokio::test]
async fn a_mailbox_takes_its_address_from_the_member() {
    let world = World::new().await;
    let registry = organization(&world).await;
    let firm = &registry.firm;
    world.tenant.add_user("eve@lumen.example", "Eve").unwrap();
    let eve = member(&world, firm, &registry.connector, "eve@lumen.example", "calendar").await;
    let mailboxes = format!("/v1/firms/{firm}/mailboxes");
    let added = world.post(&mailboxes, json!({ "member": eve })).await.ok();
    assert_eq!(
        (&added["address"], &added["member"], &added["kind"], &added["connector"]),
        (&json!("eve@lumen.example"), &json!(eve), &json!("user"), &json!(registry.connector))
    );
    for body in [
        json!({ "member": eve, "address": "eve@lumen.example" }),
        json!({ "member": eve, "kind": "shared" }),
        json!({ "member": "00000000-0000-4000-8000-000000000000" }),
        json!({ "connector": registry.connector, "kind": "user" }),
        json!({}),
    ] {
        assert_eq!(world.post(&mailboxes, body.clone()).await.problem(), "invalid_request", "{body}");
    }
    assert_eq!(world.post(&mailboxes, json!({ "member": eve })).await.problem(), "address_taken");
}
