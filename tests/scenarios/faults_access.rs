//! What goes wrong between a connector and Microsoft, and what people enter: who is told what, and when.

use std::time::Duration;

use jiff::SignedDuration;
use microsoft365::{App, Mail, Scripted, Secret, Times};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, CLIENT_ID, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

const ADMIN: &str = "admin@lumen.example";
const BOB: &str = "bob@lumen.example";

/// A firm connected as an organisation, of whose two mailboxes mail is kept.
async fn organization(world: &World) -> Registry {
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    world.tenant.add_user(BOB, "Bob").unwrap();
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let other = Registry { mailbox: world.mailbox(&firm, &connector, BOB).await, firm, connector };
    world.activate(&other).await;
    let registry = Registry { mailbox, ..other };
    world.activate(&registry).await;
    registry
}

async fn connector(world: &World, registry: &Registry) -> Value {
    world.get(&format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector)).await.ok()
}

fn mailboxes(registry: &Registry) -> String {
    format!("/v1/firms/{}/mailboxes", registry.firm)
}

async fn add(world: &World, registry: &Registry, address: &str, kind: &str) -> tests::Answer {
    let body = json!({ "connector": registry.connector, "address": address, "kind": kind });
    world.post(&mailboxes(registry), body).await
}

#[tokio::test]
async fn consent_that_is_withdrawn_while_tokens_live_is_the_connectors_problem_and_a_limit_on_one_mailbox_is_not() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.tenant.restrict_app(CLIENT_ID, &[ADA]).unwrap();
    world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(connector(&world, &registry).await["state"], "connected");
    world.tenant.unrestrict_app(CLIENT_ID).unwrap();
    world.pass(Duration::from_secs(2 * 3600)).await;

    // Graph holds to what was withdrawn before the tokens end, and Entra issues tokens without rights from then on.
    for kind in [
        "folders",
        "folder",
        "folder delta",
        "messages",
        "message delta",
        "message value",
        "user",
        "users",
        "subscription create",
        "subscription renew",
    ] {
        world.microsoft.faults().fail(kind, 403, Times::Forever);
    }
    world.pass(Duration::from_secs(16 * 60)).await;
    let shown = connector(&world, &registry).await;
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("action_required"), &json!("consent_required")));
    assert!(world.get(&format!("{}/{}", mailboxes(&registry), registry.mailbox)).await.ok()["problem"].is_object());
    // A token alone does not bring it back.
    world.pass(Duration::from_secs(8 * 3600)).await;
    assert_eq!(connector(&world, &registry).await["state"], "action_required");

    world.microsoft.faults().clear();
    let mail = world.deliver("inbox", "After the consent");
    world.pass(Duration::from_secs(2 * 3600)).await;
    assert_eq!(connector(&world, &registry).await["state"], "connected");
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn tokens_that_graph_refuses_though_entra_issues_them_are_an_outage_and_nobody_has_to_sign_in() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "During the outage");
    world.microsoft.faults().refuse_tokens(Times::N(6));
    world.run_until_idle().await;
    let path = format!("{}/{}", mailboxes(&registry), registry.mailbox);
    assert_eq!(world.get(&path).await.ok()["problem"], Value::Null);
    assert_eq!(connector(&world, &registry).await["state"], "connected");
    for _ in 0..8 {
        world.pass(Duration::from_secs(31)).await;
    }
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(connector(&world, &registry).await["state"], "connected");
    world.microsoft.faults().refuse_tokens(Times::Forever);
    let refused = add(&world, &registry, ADA, "user").await;
    assert!(refused.headers.contains_key("retry-after"), "what passes says when to try again");
    assert_eq!(refused.problem(), "microsoft_busy");
    world.microsoft.faults().clear();
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_token_that_the_sign_in_service_is_silent_about_is_asked_for_once_for_all_mailboxes() {
    let world = World::new().await;
    let registry = organization(&world).await;
    // The token has ended since.
    world.clock.advance(Duration::from_secs(2 * 3_600));
    world.microsoft.faults().answer("token", None, Scripted::Silent, Times::Forever);
    let before = world.token_requests();
    let mail = world.deliver("inbox", "Ada's");
    world.microsoft.deliver(BOB, "inbox", Mail::new("Subject: Bob's\r\n\r\nBody\r\n", world.clock.now())).unwrap();
    world.run_until_idle().await;
    assert_eq!(world.token_requests() - before, 1, "the other one does not wait as long again");
    world.microsoft.faults().clear();
    super::faults::pass(&world, Duration::from_secs(180)).await;
    assert_eq!(super::faults::state(&world, &registry, &mail).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn what_outlasts_an_outage_asks_for_a_person_all_the_same() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().refuse_tokens(Times::Forever);
    for _ in 0..20 {
        world.pass(Duration::from_secs(1800)).await;
    }
    let shown = connector(&world, &registry).await;
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("action_required"), &json!("sign_in_required")));
}

#[tokio::test]
async fn what_a_validation_finds_about_the_connection_is_the_connectors_problem_at_once() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.revoke_sessions(ADA).unwrap();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(connector(&world, &registry).await["state"], "connected");
    let path = format!("/v1/firms/{}/connectors/{}/validate", registry.firm, registry.connector);
    let validation = world.post(&path, json!({})).await.ok();
    let shown = connector(&world, &registry).await;
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("action_required"), &json!("sign_in_required")));
    assert_eq!(validation["checks"][0]["code"], shown["problem"]["code"]);
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();

    // An outage is nobody's problem.
    world.microsoft.faults().token(90033, Times::N(1));
    assert_eq!(world.post(&path, json!({})).await.ok()["ok"], false);
    assert_eq!(connector(&world, &registry).await["state"], "connected");
}

#[tokio::test]
async fn a_sign_in_that_would_end_within_the_hour_is_refused_with_what_to_do_and_leaves_what_works() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let made = world.connector(&firm, "delegated", Value::Null).await;
    let path = format!("/v1/firms/{firm}/connectors/{made}");
    world.microsoft.faults().withhold_refresh_tokens(true);
    assert_eq!(world.sign_in(&firm, &made, ADA).await.problem(), "offline_access_missing");
    let shown = world.get(&path).await.ok();
    assert_eq!(
        (&shown["state"], &shown["sign_in_problem"]["code"]),
        (&json!("awaiting_sign_in"), &json!("offline_access_missing"))
    );
    world.microsoft.faults().withhold_refresh_tokens(false);
    world.sign_in(&firm, &made, ADA).await.ok();

    world.microsoft.faults().withhold_refresh_tokens(true);
    assert_eq!(world.sign_in(&firm, &made, ADA).await.problem(), "offline_access_missing");
    assert_eq!(world.get(&path).await.ok()["state"], "connected");
}

#[tokio::test]
async fn organisation_wide_an_account_is_found_by_each_of_its_addresses_and_never_guessed() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.tenant.add_user("e.oneil@lumen.example", "Emma O'Neil").unwrap();
    world.tenant.add_alias("e.oneil@lumen.example", "emma.o'neil@lumen.example").unwrap();
    world.tenant.add_user("jd@lumen.example", "Jo Doe").unwrap();
    world.tenant.set_mail("jd@lumen.example", "jo.doe@lumen.example").unwrap();
    for address in [" Emma.O'Neil@lumen.example\n", "jo.doe@lumen.example"] {
        assert_eq!(add(&world, &registry, address, "user").await.status, StatusCode::CREATED, "{address}");
    }
    let before = world.microsoft.requests().by_kind["users"];
    assert_eq!(add(&world, &registry, "nobody' or mail ne '@lumen.example", "user").await.problem(), "invalid_request");
    assert_eq!(add(&world, &registry, "nobody'or'x@lumen.example", "user").await.problem(), "mailbox_unknown");
    assert_eq!(world.microsoft.requests().by_kind["users"], before + 1);
    for account in ["jd@lumen.example", "e.oneil@lumen.example"] {
        world.tenant.add_alias(account, "info@lumen.example").unwrap();
    }
    assert_eq!(add(&world, &registry, "info@lumen.example", "user").await.problem(), "address_ambiguous");
    let member = json!({ "name": "Jo", "address": "jo.doe@lumen.example", "connector": registry.connector });
    assert_eq!(world.post(&format!("/v1/firms/{}/members", registry.firm), member).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_pasted_with_spaces_works_and_what_is_wrong_is_said_with_its_field() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let path = format!("/v1/firms/{firm}/connectors");
    let pasted = |text: &str| format!("  {text}\r\n");
    let app = json!({
        "tenant_id": pasted(&world.tenant.id().to_string()),
        "client_id": pasted(OWN_CLIENT_ID),
        "client_secret": pasted(OWN_CLIENT_SECRET),
    });
    let body = json!({ "name": "Own", "access": "delegated", "app": app });
    let made = world.post(&path, body.clone()).await.ok();
    world.sign_in(&firm, made["id"].as_str().unwrap(), ADA).await.ok();

    for (at, value, field) in [
        ("tenant_id", json!("x y"), "app.tenant_id: "),
        ("client_id", json!("not-an-id"), "app.client_id: "),
        ("client_secret", json!("two words"), "app.client_secret: "),
        ("client_secret", json!(7), "app.client_secret: "),
        ("credential", json!("password"), "app.credential: "),
    ] {
        let mut wrong = body.clone();
        wrong["app"][at] = value;
        let refused = world.post(&path, wrong).await;
        let detail = refused.body["detail"].as_str().unwrap().to_owned();
        assert_eq!(refused.problem(), "invalid_request");
        assert!(detail.starts_with(field), "{detail}");
        for foreign in [" column ", "struct", "variant", "two words"] {
            assert!(!detail.contains(foreign), "{detail}");
        }
    }
    let connector = made["id"].as_str().unwrap();
    let member =
        json!({ "name": "A", "address": ADA, "connector": connector, "aliases": ["a@lumen.example", "no address"] });
    let refused = world.post(&format!("/v1/firms/{firm}/members"), member).await;
    assert!(refused.body["detail"].as_str().unwrap().starts_with("aliases[1]: "), "{}", refused.body);
    let mailbox = world.mailbox(&firm, connector, ADA).await;
    let reconcile = format!("/v1/firms/{firm}/mailboxes/{mailbox}/reconcile");
    let refused = world.post(&reconcile, json!({})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::CONFLICT, "mailbox_inactive"));
}

#[tokio::test]
async fn a_secret_that_works_is_not_called_expired_because_one_that_begins_alike_has_ended() {
    let world = World::new().await;
    let days = |days: i64| Some(world.clock.now() + SignedDuration::from_hours(24 * days));
    let mut app: App = world.microsoft.app(OWN_CLIENT_ID).unwrap();
    app.client_secrets = vec![
        Secret::new(format!("{}-older", &OWN_CLIENT_SECRET[..5]), days(40)),
        Secret::new(OWN_CLIENT_SECRET, days(400)),
    ];
    app.application.extend(["User.Read.All".to_owned(), "Application.ReadWrite.OwnedBy".to_owned()]);
    world.microsoft.register_app(app).unwrap();
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    let firm = world.firm("Lumen").await;
    let own = json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET });
    let made = world.connector(&firm, "organization", own).await;
    world.sign_in(&firm, &made, ADMIN).await.ok();
    let path = format!("/v1/firms/{firm}/connectors/{made}");
    for day in 1..=45 {
        world.pass(Duration::from_secs(86_400)).await;
        let shown = world.get(&path).await.ok();
        assert_eq!(
            (&shown["secret"]["expired"], &shown["problem"]),
            (&json!(false), &Value::Null),
            "day {day}: {shown}"
        );
    }
    assert!(!world.feed(&firm).await.iter().any(|fact| fact == "secret_expired"));
}

#[tokio::test]
async fn who_adds_a_shared_mailbox_is_told_of_the_two_settings_until_its_sent_items_hold_a_mail() {
    let world = World::new().await;
    let registry = organization(&world).await;
    world.tenant.add_shared_mailbox("office@lumen.example", "Office").unwrap();
    let added = add(&world, &registry, "office@lumen.example", "shared").await.ok();
    assert_eq!(added["hints"][0]["code"], "sent_items_not_copied");
    assert_eq!(
        added["hints"][0]["commands"],
        json!([
            "Set-Mailbox 'office@lumen.example' -MessageCopyForSentAsEnabled $true",
            "Set-Mailbox 'office@lumen.example' -MessageCopyForSendOnBehalfEnabled $true",
        ])
    );
    let own = world.get(&format!("{}/{}", mailboxes(&registry), registry.mailbox)).await.ok();
    assert_eq!(own["hints"], json!([]));

    let office = Registry { mailbox: added["id"].as_str().unwrap().to_owned(), ..registry };
    world.activate(&office).await;
    let path = format!("{}/{}", mailboxes(&office), office.mailbox);
    world.pass(Duration::from_secs(3 * 86_400)).await;
    assert_eq!(world.get(&path).await.ok()["hints"][0]["code"], "sent_items_not_copied");
    let mime = "From: office@lumen.example\r\nTo: client@acme.example\r\nSubject: Sent as the office\r\n\r\nHello.\r\n";
    let mail = Mail::new(mime.to_owned(), world.clock.now());
    world.microsoft.deliver("office@lumen.example", "sentitems", mail).unwrap();
    for _ in 0..3 {
        world.pass(Duration::from_secs(86_400)).await;
    }
    assert_eq!(world.get(&path).await.ok()["hints"], json!([]));
}

#[tokio::test]
async fn a_folder_that_fails_in_each_of_many_mailboxes_is_not_a_tenant_that_is_silent() {
    let world = World::new().await;
    let registry = organization(&world).await;
    let mut failing = Vec::new();
    for n in 0..5 {
        let address = format!("member{n}@lumen.example");
        world.tenant.add_user(&address, "A member").unwrap();
        let mailbox = world.mailbox(&registry.firm, &registry.connector, &address).await;
        let (firm, connector) = (registry.firm.clone(), registry.connector.clone());
        let registry = Registry { firm, connector, mailbox };
        world.activate(&registry).await;
        failing.push(super::faults::folder_id(&world, &registry, "sentitems").await);
    }
    for folder in &failing {
        world.microsoft.faults().answer("message delta", Some(folder), Scripted::Status(503, None), Times::Forever);
    }
    // For hours nothing else is asked for than what fails.
    let mut longest = Duration::ZERO;
    for _ in 0..40 {
        super::faults::pass(&world, Duration::from_secs(5 * 60)).await;
        let (mail, sent_at) = (world.deliver("inbox", "Meanwhile"), world.clock.now());
        while world.message(&registry, &mail).await.body["state"] != "marked" {
            world.pass(Duration::from_secs(5)).await;
        }
        longest = longest.max(world.clock.now().duration_since(sent_at).try_into().unwrap());
    }
    assert!(longest <= Duration::from_secs(10), "{longest:?}");
}

#[tokio::test]
async fn while_microsoft_answers_for_no_mailbox_of_a_tenant_one_asks_for_all() {
    let world = World::new().await;
    let registry = organization(&world).await;
    for n in 0..8 {
        let address = format!("member{n}@lumen.example");
        world.tenant.add_user(&address, "A member").unwrap();
        let mailbox = world.mailbox(&registry.firm, &registry.connector, &address).await;
        let (firm, connector) = (registry.firm.clone(), registry.connector.clone());
        world.activate(&Registry { firm, connector, mailbox }).await;
    }
    world.microsoft.faults().fail("message delta", 503, Times::Forever);
    let mail = world.deliver("inbox", "Meanwhile");
    let asked = || world.microsoft.requests().by_kind["message delta"];
    for _ in 0..30 {
        world.pass(Duration::from_secs(60)).await;
    }
    let before = asked();
    for _ in 0..60 {
        world.pass(Duration::from_secs(60)).await;
    }
    // In an hour, one round each three to four minutes for all ten: two folders, each three times.
    assert!((1..=24 * 6).contains(&(asked() - before)), "{}", asked() - before);
    world.microsoft.faults().clear();
    for _ in 0..6 {
        world.pass(Duration::from_secs(60)).await;
    }
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}
