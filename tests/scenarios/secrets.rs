//! Secrets (S1, S2, S3) and the credentials that need none (C10): until when they are good, how they are replaced,
//! rotated, and no longer needed.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use microsoft365::{App, Certificate, Federated, Secret};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Answer, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

const ADMIN: &str = "admin@lumen.example";
const DAY: Duration = Duration::from_secs(86_400);
const RIGHTS: [&str; 5] =
    ["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All", "Application.ReadWrite.OwnedBy"];

/// Changes the firm's own registration at Entra.
fn change(world: &World, change: impl FnOnce(&mut App)) {
    let mut app = world.microsoft.app(OWN_CLIENT_ID).unwrap();
    change(&mut app);
    world.microsoft.register_app(app).unwrap();
}

fn own(world: &World) -> Value {
    json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET })
}

/// A firm whose own app has organisation-wide access, and may change its own credentials.
async fn registry(world: &World) -> Registry {
    world.tenant.add_user(ADMIN, "Administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    change(world, |app| {
        app.application = RIGHTS.map(str::to_owned).to_vec();
        app.owns_itself = true;
    });
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", own(world)).await;
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    registry
}

/// A firm whose own app may do nothing but sign in.
async fn plain(world: &World) -> (String, String) {
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", own(world)).await;
    (firm, connector)
}

async fn secret(world: &World, registry: &Registry) -> Value {
    world.connector_view(&registry.firm, &registry.connector).await["secret"].clone()
}

async fn post(world: &World, registry: &Registry, what: &str, body: Value) -> Answer {
    world.post(&format!("/v1/firms/{}/connectors/{}/{what}", registry.firm, registry.connector), body).await
}

/// The facts about secrets, in order: the type, and the days left.
async fn told(world: &World, firm: &str) -> Vec<(String, Option<i64>)> {
    let page = world.get(&format!("/v1/firms/{firm}/events?after=0&limit=100")).await.ok();
    let facts = page["items"].as_array().unwrap().clone();
    let facts = facts.iter().map(|fact| (fact["type"].as_str().unwrap().to_owned(), fact["days_left"].as_i64()));
    facts.filter(|(name, _)| name.starts_with("secret_")).collect()
}

/// A mail is still kept and marked once every token at hand has ended.
async fn still_works(world: &World, registry: &Registry) {
    world.clock.advance(Duration::from_secs(3600));
    let mail = world.deliver("inbox", "Still working");
    world.run_until_idle().await;
    assert_eq!(world.message(registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "connected");
}

/// The audience that AWS vouches with for the firm.
async fn audience(world: &World, firm: &str) -> String {
    let shown = world.get(&format!("/v1/firms/{firm}/app/federation")).await.ok();
    assert_eq!(shown["issuer"], format!("https://{}/aws-identity", world.host.address));
    assert_eq!(shown["subjects"], json!([aws::Cloud::PRINCIPAL]));
    shown["audience"].as_str().unwrap().to_owned()
}

/// Begins a rotation whose new secret Entra knows only after twenty minutes.
async fn rotate_slowly(world: &World, registry: &Registry) -> Answer {
    world.microsoft.faults().delay_credentials(SignedDuration::from_mins(20));
    let answer = post(world, registry, "secret/rotate", json!(null)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    answer
}

fn passwords(world: &World) -> Vec<Secret> {
    world.microsoft.app(OWN_CLIENT_ID).unwrap().client_secrets
}

#[tokio::test]
async fn the_end_of_a_secret_is_read_from_entra_where_the_app_may_read_it() {
    let world = World::new().await;
    let ends: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
    change(&world, |app| app.client_secrets = vec![Secret::new(OWN_CLIENT_SECRET, Some(ends))]);
    let registry = registry(&world).await;
    let webhook = json!({ "url": "http://127.0.0.1:9/", "types": ["secret_expiring"] });
    world.post(&format!("/v1/firms/{}/webhooks", registry.firm), webhook).await.ok();
    world.host.tick().await;
    let shown = secret(&world, &registry).await;
    assert_eq!(
        (&shown["expires_at"], &shown["source"], &shown["days_left"], &shown["expired"]),
        (&json!(ends), &json!("entra"), &json!(60), &json!(false)),
    );
    assert_eq!(told(&world, &registry.firm).await, [("secret_expiring".to_owned(), Some(60))]);
    let checks = post(&world, &registry, "validate", json!({})).await.ok()["checks"].clone();
    let check = checks.as_array().unwrap().iter().find(|check| check["resource"] == "secret").unwrap().clone();
    assert_eq!((&check["expires_at"], &check["detail"]), (&json!(ends), &json!("60 days left.")));
}

#[tokio::test]
async fn a_secret_that_ended_is_red_also_while_the_credential_before_it_still_works() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let ends = world.clock.now() + DAY;
    change(&world, |app| app.client_secrets.push(Secret::new("second8Q~value", Some(ends))));
    let body = json!({ "client_secret": "second8Q~value" });
    post(&world, &registry, "secret", body).await.ok();
    world.clock.advance(DAY);
    let checks = post(&world, &registry, "validate", json!({})).await.ok()["checks"].clone();
    let check = |name: &str| checks.as_array().unwrap().iter().find(|check| check["resource"] == name).unwrap().clone();
    assert_eq!(check("token")["ok"], true);
    assert_eq!((&check("secret")["ok"], &check("secret")["code"]), (&json!(false), &json!("client_secret_expired")));
}

#[tokio::test]
async fn elsewhere_the_end_is_entered_by_hand_and_said_to_be_so() {
    let world = World::new().await;
    let (firm, connector) = plain(&world).await;
    world.host.tick().await;
    let shown = world.connector_view(&firm, &connector).await["secret"].clone();
    assert_eq!((&shown["expires_at"], &shown["source"]), (&Value::Null, &json!("unknown")));
    let path = format!("/v1/firms/{firm}/connectors/{connector}");
    let entered = world.patch(&path, json!({ "secret_expires_at": "2027-03-01T00:00:00Z" })).await.ok();
    assert_eq!((&entered["secret"]["source"], &entered["secret"]["days_left"]), (&json!("entered"), &json!(364)));
    world.pass(DAY).await;
    let shown = world.connector_view(&firm, &connector).await["secret"].clone();
    assert_eq!((&shown["source"], &shown["days_left"]), (&json!("entered"), &json!(363)));
}

#[tokio::test]
async fn each_reminder_is_told_once_and_in_order_whatever_runs_twice() {
    let world = World::new().await;
    let (firm, connector) = plain(&world).await;
    let ends: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    change(&world, |app| app.client_secrets = vec![Secret::new(OWN_CLIENT_SECRET, Some(ends))]);
    let path = format!("/v1/firms/{firm}/connectors/{connector}");
    world.patch(&path, json!({ "secret_expires_at": ends })).await.ok();
    for _ in 0..120 {
        world.clock.advance(DAY);
        world.host.tick().await;
        world.host.tick().await;
    }
    let expiring = |days| ("secret_expiring".to_owned(), Some(days));
    let expired = ("secret_expired".to_owned(), None);
    let all = [expiring(60), expiring(30), expiring(14), expiring(7), expiring(1), expiring(0), expired];
    assert_eq!(told(&world, &firm).await, all);
    let shown = world.connector_view(&firm, &connector).await;
    assert_eq!(
        (&shown["secret"]["expired"], &shown["problem"]["code"]),
        (&json!(true), &json!("client_secret_expired"))
    );
    assert_eq!(shown["problem"]["who"], "app_owner");
}

#[tokio::test]
async fn after_a_week_without_a_run_the_most_urgent_reminder_is_told_and_no_other() {
    let world = World::new().await;
    let (firm, connector) = plain(&world).await;
    let path = format!("/v1/firms/{firm}/connectors/{connector}");
    world.patch(&path, json!({ "secret_expires_at": "2026-04-01T12:00:00Z" })).await.ok();
    let mut days = Vec::new();
    for day in 0..40 {
        world.clock.advance(DAY);
        if !(10..24).contains(&day) {
            world.host.tick().await;
        }
        days = told(&world, &firm).await.into_iter().map(|(_, days)| days).collect();
    }
    assert_eq!(days, [Some(30), Some(5), Some(1), Some(0), None]);
}

#[tokio::test]
async fn a_connector_whose_secret_has_ended_says_so_and_works_again_with_a_new_one() {
    let world = World::new().await;
    let registry = registry(&world).await;
    change(&world, |app| app.client_secrets = vec![Secret::new(OWN_CLIENT_SECRET, Some(world.clock.now() + DAY))]);
    world.pass(2 * DAY).await;
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!(
        (&shown["state"], &shown["problem"]["code"], &shown["problem"]["microsoft_code"]),
        (&json!("action_required"), &json!("client_secret_expired"), &json!("AADSTS7000222")),
    );
    change(&world, |app| app.client_secrets.push(Secret::new("new8Q~value", None)));
    let replaced = post(&world, &registry, "secret", json!({ "client_secret": "new8Q~value" })).await.ok();
    assert_eq!((&replaced["state"], &replaced["problem"]), (&json!("connected"), &Value::Null));
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_new_secret_is_tried_before_it_replaces_the_old_one() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let refused = post(&world, &registry, "secret", json!({ "client_secret": "wrong8Q~value" })).await;
    assert_eq!(refused.body["microsoft_code"], "AADSTS7000215");
    assert!(refused.body["detail"].as_str().unwrap().contains("stays in use"), "{}", refused.body);
    assert_eq!(refused.problem(), "client_secret_refused");
    let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    let refused = post(&world, &registry, "secret", json!({ "client_secret": id })).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("a secret's id, not its value"), "{}", refused.body);
    assert_eq!(
        (refused.body["microsoft_code"].clone(), refused.problem()),
        (json!("AADSTS7000215"), "client_secret_refused".to_owned())
    );
    still_works(&world, &registry).await;

    let ends = world.clock.now() + 100 * DAY;
    change(&world, |app| app.client_secrets.push(Secret::new("new8Q~value", Some(ends))));
    let body = json!({ "client_secret": "new8Q~value", "secret_expires_at": "2030-01-01T00:00:00Z" });
    let shown = post(&world, &registry, "secret", body).await.ok();
    assert_eq!((&shown["secret"]["expires_at"], &shown["secret"]["source"]), (&json!(ends), &json!("entra")));
    assert!(!shown.to_string().contains("new8Q~value"));
    assert_eq!(told(&world, &registry.firm).await, [("secret_renewed".to_owned(), None)]);
    change(&world, |app| app.client_secrets.retain(|secret| secret.value == "new8Q~value"));
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_secret_that_entra_knows_only_after_a_while_is_waited_for() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let effective = Some(world.clock.now() + Duration::from_secs(4));
    change(&world, |app| app.client_secrets.push(Secret { effective, ..Secret::new("new8Q~value", None) }));
    post(&world, &registry, "secret", json!({ "client_secret": "new8Q~value" })).await.ok();
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn the_platforms_secret_is_the_operators() {
    let world = World::new().await;
    let registry = world.registry().await;
    let key = world.post(&format!("/v1/firms/{}/keys", registry.firm), json!({ "name": "app" })).await.ok();
    let path = format!("/v1/firms/{}/connectors/{}/secret", registry.firm, registry.connector);
    let body = json!({ "client_secret": "another" });
    let refused = world.request(key["key"].as_str(), reqwest::Method::POST, &path, Some(body)).await;
    assert_eq!(refused.problem(), "platforms_app");
    // The operator may, through a connector: it is tried with what that connector was granted.
    let mut app = world.microsoft.app(tests::CLIENT_ID).unwrap();
    app.client_secrets = vec![Secret::new("platform8Q~new", None), Secret::new(tests::CLIENT_SECRET, None)];
    world.microsoft.register_app(app).unwrap();
    world.post(&path, json!({ "client_secret": "platform8Q~new" })).await.ok();
    let shown = world.patch("/v1/app", json!({ "secret_expires_at": "2026-04-01T12:00:00Z" })).await.ok();
    assert_eq!((&shown["secret"]["days_left"], &shown["client_id"]), (&json!(30), &json!(tests::CLIENT_ID)));
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn greffe_makes_a_new_secret_by_itself_and_removes_the_old_one_an_hour_later() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let shown = post(&world, &registry, "secret/rotate", json!(null)).await.ok();
    assert_eq!((&shown["secret"]["source"], &shown["secret"]["days_left"]), (&json!("entra"), &json!(90)));
    assert_eq!(passwords(&world).len(), 2, "the old one stays while others may still use it");
    still_works(&world, &registry).await;
    world.pass(Duration::from_secs(600)).await;
    let left = passwords(&world);
    assert!(left.len() == 1 && left[0].value != OWN_CLIENT_SECRET, "{left:?}");
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn what_greffe_made_it_replaces_in_time_so_that_nobody_is_reminded() {
    let world = World::new().await;
    let registry = registry(&world).await;
    post(&world, &registry, "secret/rotate", json!(null)).await.ok();
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..100 {
        world.pass(DAY).await;
        used.extend(passwords(&world).into_iter().map(|secret| secret.value));
    }
    assert!(used.len() >= 3, "{} in a hundred days", used.len());
    assert_eq!(passwords(&world).len(), 1);
    assert!(told(&world, &registry.firm).await.iter().all(|(name, _)| name == "secret_renewed"));
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn a_rotation_that_entra_does_not_know_yet_is_gone_on_with_by_itself() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let answer = rotate_slowly(&world, &registry).await;
    assert!(answer.body["secret"]["rotating_since"].is_string(), "{}", answer.body);
    for _ in 0..10 {
        world.pass(Duration::from_secs(900)).await;
        assert!(passwords(&world).len() <= 2);
    }
    let left = passwords(&world);
    assert!(left.len() == 1 && left[0].value != OWN_CLIENT_SECRET, "{left:?}");
    assert_eq!(secret(&world, &registry).await["rotating_since"], Value::Null);
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn what_a_person_enters_while_a_rotation_waits_stays_in_use_and_at_entra() {
    let world = World::new().await;
    let registry = registry(&world).await;
    change(&world, |app| app.client_secrets.push(Secret::new("own8Q~value", None)));
    rotate_slowly(&world, &registry).await;
    let entered = post(&world, &registry, "secret", json!({ "client_secret": "own8Q~value" })).await.ok();
    assert_eq!(entered["secret"]["rotating_since"], Value::Null, "{entered}");
    for _ in 0..10 {
        world.pass(Duration::from_secs(900)).await;
    }
    let left: Vec<String> = passwords(&world).into_iter().map(|secret| secret.value).collect();
    assert_eq!(left, [OWN_CLIENT_SECRET, "own8Q~value"], "what the rotation made is gone");
    // Nothing but what the person entered is in use.
    change(&world, |app| app.client_secrets.retain(|secret| secret.value == "own8Q~value"));
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn a_rotation_comes_to_its_end_although_the_old_secret_is_gone() {
    let world = World::new().await;
    let registry = registry(&world).await;
    rotate_slowly(&world, &registry).await;
    change(&world, |app| app.client_secrets.retain(|secret| secret.value != OWN_CLIENT_SECRET));
    for _ in 0..4 {
        world.pass(Duration::from_secs(900)).await;
    }
    still_works(&world, &registry).await;
    assert_eq!(secret(&world, &registry).await["rotating_since"], Value::Null);
}

#[tokio::test]
async fn who_may_not_change_the_app_is_told_so_and_so_is_who_is_kept_from_it_by_policy() {
    let world = World::new().await;
    let registry = registry(&world).await;
    for (code, told) in [
        ("CredentialTypeNotAllowedAsPerAppPolicy", "credential_forbidden"),
        ("CredentialInvalidLifetimeAsPerAppPolicy", "credential_forbidden"),
    ] {
        world.microsoft.faults().app_policy(Some(code));
        let refused = post(&world, &registry, "secret/rotate", json!(null)).await;
        assert_eq!((refused.body["microsoft_code"].clone(), refused.problem()), (json!(code), told.to_owned()));
    }
    world.microsoft.faults().clear();
    change(&world, |app| app.owns_itself = false);
    let refused = post(&world, &registry, "secret/rotate", json!(null)).await;
    assert_eq!(refused.body["microsoft_code"], "Authorization_RequestDenied");
    assert_eq!(refused.problem(), "rotation_not_allowed");
    assert_eq!(secret(&world, &registry).await["rotating_since"], Value::Null);
    assert_eq!(passwords(&world).len(), 1);
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn secrets_manager_drives_a_rotation_by_its_own_four_steps() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let client = aws_sdk_secretsmanager::Client::new(&world.host.machine.aws);
    let id = format!("greffe/firms/{}/app-client-secret", registry.firm);
    world.microsoft.faults().delay_credentials(SignedDuration::from_mins(2));
    client.rotate_secret().secret_id(&id).send().await.unwrap();
    for _ in 0..6 {
        world.pass(Duration::from_secs(240)).await;
    }
    world.pass(Duration::from_secs(3600)).await;
    let left = passwords(&world);
    assert!(left.len() == 1 && left[0].value != OWN_CLIENT_SECRET, "{left:?}");
    let current = client.get_secret_value().secret_id(&id).send().await.unwrap();
    assert!(current.secret_string().unwrap().contains(&left[0].value));
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

/// Uploads a certificate as a person does in Entra.
fn upload(world: &World, pem: &str) {
    let key: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(BASE64_STANDARD.decode(&key).is_ok());
    let expires = world.clock.now() + 365 * DAY;
    let key_id = "0d3c1d1e-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
    change(world, |app| app.certificates.push(Certificate { key_id, key, expires, name: None, effective: None }));
}

#[tokio::test]
async fn a_certificate_takes_the_place_of_a_secret_and_a_secret_that_of_a_certificate() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let made = post(&world, &registry, "certificate", json!({})).await.ok();
    let again = post(&world, &registry, "certificate", json!({})).await.ok();
    assert_eq!(made["certificate"], again["certificate"], "asked twice, made once");
    let refused = post(&world, &registry, "secret", json!({ "credential": "certificate" })).await;
    assert_eq!(refused.body["microsoft_code"], "AADSTS700027");
    assert_eq!(refused.problem(), "certificate_refused");
    still_works(&world, &registry).await;

    upload(&world, made["certificate"].as_str().unwrap());
    let shown = post(&world, &registry, "secret", json!({ "credential": "certificate" })).await.ok();
    assert_eq!((&shown["secret"]["credential"], &shown["secret"]["days_left"]), (&json!("certificate"), &json!(365)));
    change(&world, |app| app.client_secrets.clear());
    still_works(&world, &registry).await;

    change(&world, |app| app.client_secrets = vec![Secret::new("back8Q~value", None)]);
    let shown = post(&world, &registry, "secret", json!({ "client_secret": "back8Q~value" })).await.ok();
    assert_eq!(shown["secret"]["credential"], "secret");
    change(&world, |app| app.certificates.clear());
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_certificate_is_renewed_by_hand_where_the_app_may_not_read_itself() {
    let world = World::new().await;
    let (firm, connector) = plain(&world).await;
    let registry = Registry { firm, connector, mailbox: String::new() };
    let made = async || {
        let made = post(&world, &registry, "certificate", json!({})).await.ok();
        made["certificate"].as_str().unwrap().to_owned()
    };
    let first = made().await;
    upload(&world, &first);
    post(&world, &registry, "secret", json!({ "credential": "certificate" })).await.ok();
    assert_eq!(made().await, first, "it is good for long");
    world.pass(310 * DAY).await;
    let second = made().await;
    assert_ne!(second, first);
    assert_eq!(made().await, second);
    upload(&world, &second);
    let shown = post(&world, &registry, "secret", json!({ "credential": "certificate" })).await.ok();
    assert_eq!(shown["secret"]["days_left"], 365);
}

#[tokio::test]
async fn where_it_may_greffe_adds_its_certificate_by_itself_and_rotates_it() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let foreign = shared::access::credential::Certificate::generate(
        "foreign",
        world.clock.now(),
        &shared::base::random::Random::seeded(9),
    );
    upload(&world, &foreign.unwrap().pem());
    post(&world, &registry, "certificate", json!({ "add": true })).await.ok();
    post(&world, &registry, "secret", json!({ "credential": "certificate" })).await.ok();
    change(&world, |app| app.client_secrets.clear());
    still_works(&world, &registry).await;
    let certificates = || world.microsoft.app(OWN_CLIENT_ID).unwrap().certificates;
    let first = certificates();
    assert_eq!(first.len(), 2, "the one that was there stays");
    post(&world, &registry, "secret/rotate", json!(null)).await.ok();
    still_works(&world, &registry).await;
    world.pass(Duration::from_secs(3600)).await;
    let then = certificates();
    assert_eq!(then.len(), 2);
    assert!(then[0].key == first[0].key && then[1].key != first[1].key);
    still_works(&world, &registry).await;
}

#[tokio::test]
async fn aws_vouches_for_an_app_that_has_no_secret_at_all() {
    let world = World::new().await;
    let registry = registry(&world).await;
    let refused = post(&world, &registry, "secret", json!({ "credential": "federated" })).await;
    assert_eq!(refused.body["microsoft_code"], "AADSTS70021");
    assert_eq!(refused.problem(), "federated_credential_refused");
    let trusted = Federated {
        issuer: format!("https://{}/aws-identity", world.host.address),
        subject: aws::Cloud::PRINCIPAL.to_owned(),
        audience: audience(&world, &registry.firm).await,
        effective: Some(world.clock.now() + Duration::from_secs(300)),
    };
    change(&world, |app| app.federated = vec![trusted]);
    let refused = post(&world, &registry, "secret", json!({ "credential": "federated" })).await;
    assert_eq!(refused.problem(), "federated_credential_refused", "until it is known everywhere");
    world.clock.advance(Duration::from_secs(300));
    let shown = post(&world, &registry, "secret", json!({ "credential": "federated" })).await.ok();
    assert_eq!((&shown["secret"]["credential"], &shown["secret"]["expires_at"]), (&json!("federated"), &Value::Null));
    change(&world, |app| app.client_secrets.clear());
    still_works(&world, &registry).await;
    // The daily look proves it too, from a function of its own.
    world.clock.advance(DAY);
    world.host.tick().await;
    assert_eq!(secret(&world, &registry).await["credential"], "federated");
    still_works(&world, &registry).await;
    assert_eq!(post(&world, &registry, "secret/rotate", json!(null)).await.problem(), "invalid_request");

    // To the letter: another subject is nobody.
    change(&world, |app| app.federated[0].subject.push('x'));
    change(&world, |app| app.client_secrets = vec![Secret::new("back8Q~value", None)]);
    post(&world, &registry, "secret", json!({ "client_secret": "back8Q~value" })).await.ok();
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_person_signs_in_through_an_app_without_a_secret() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let trusted = Federated {
        issuer: format!("https://{}/aws-identity", world.host.address),
        subject: aws::Cloud::PRINCIPAL.to_owned(),
        audience: audience(&world, &firm).await,
        effective: None,
    };
    change(&world, |app| (app.federated, app.client_secrets) = (vec![trusted], Vec::new()));
    let app =
        json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "credential": "federated" });
    let connector = world.connector(&firm, "delegated", app).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn the_platforms_own_app_is_watched_and_rotated_too() {
    let world = World::with(&[("GREFFE_APP_TENANT_ID", "lumen.example")]).await;
    let registry = world.registry().await;
    let mut app = world.microsoft.app(tests::CLIENT_ID).unwrap();
    app.home = Some(world.tenant.id());
    app.owns_itself = true;
    app.application.push("Application.ReadWrite.OwnedBy".to_owned());
    world.microsoft.register_app(app).unwrap();
    world.tenant.add_user(ADMIN, "Administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    let organization = world.connector(&registry.firm, "organization", Value::Null).await;
    world.sign_in(&registry.firm, &organization, ADMIN).await.ok();

    world.host.tick().await;
    let rotated = world.post("/v1/app/secret/rotate", json!(null)).await.ok();
    assert_eq!((&rotated["secret"]["source"], &rotated["secret"]["days_left"]), (&json!("entra"), &json!(90)));
    let made = |world: &World| world.microsoft.app(tests::CLIENT_ID).unwrap().client_secrets;
    for _ in 0..31 {
        world.pass(DAY).await;
    }
    assert_eq!(made(&world).len(), 1, "the schedule rotated it once more");
    assert_ne!(made(&world)[0].value, tests::CLIENT_SECRET);
    let made_by_hand = json!({ "client_secret": "platform8Q~new" });
    assert_eq!(world.post("/v1/app/secret", made_by_hand).await.problem(), "client_secret_refused");
    world.post("/v1/app/certificate", json!({ "add": true })).await.ok();
    let switched = world.post("/v1/app/secret", json!({ "credential": "certificate" })).await.ok();
    assert_eq!(switched["secret"]["credential"], "certificate");
    still_works(&world, &registry).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn dates_are_pushed_through_an_app_without_a_secret_too() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let mut app = world.microsoft.app(tests::CLIENT_ID).unwrap();
    app.federated = vec![Federated {
        issuer: format!("https://{}/aws-identity", world.host.address),
        subject: aws::Cloud::PRINCIPAL.to_owned(),
        audience: world.get("/v1/app/federation").await.ok()["audience"].as_str().unwrap().to_owned(),
        effective: None,
    }];
    world.microsoft.register_app(app.clone()).unwrap();
    let path = format!("/v1/firms/{}/connectors/{}/secret", firm.id, firm.connector);
    world.post(&path, json!({ "credential": "federated" })).await.ok();
    app.client_secrets.clear();
    world.microsoft.register_app(app).unwrap();
    world.clock.advance(Duration::from_secs(3600));
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [ada] });
    world.say(&firm, "dates", "D-1", date).await;
    assert_eq!(tests::outlook::texts(&world.events(ADA), "subject"), ["Appeal"]);
}
