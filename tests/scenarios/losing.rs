//! C3, C8: losing access: noticed by itself, told whose turn it is, and gone on with where it stopped once it is fixed.

use std::time::Duration;

use microsoft365::{App as Registration, Secret};
use serde_json::{Value, json};
use tests::{ADA, CLIENT_ID, CLIENT_SECRET, Registry, World};

const ADMIN: &str = "admin@lumen.example";
const HOUR: Duration = Duration::from_secs(3600);

/// Time passes with no access; what the connector says then, with Microsoft's own code.
async fn after_losing(world: &World, registry: &Registry) -> (String, String) {
    world.pass(2 * HOUR).await;
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!(shown["state"], "action_required", "{shown}");
    for field in ["meaning", "next_action", "who"] {
        assert!(shown["problem"][field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {shown}");
    }
    let of = |field: &str| shown["problem"][field].as_str().unwrap().to_owned();
    (of("code"), of("microsoft_code"))
}

/// All is as if nothing had been: connected, told, nothing missing and nothing doubled.
async fn whole_again(world: &World, registry: &Registry, mails: &[String]) {
    world.pass(2 * HOUR).await;
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!((&shown["state"], &shown["problem"]), (&json!("connected"), &Value::Null));
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    assert_eq!(world.get(&path).await.ok()["problem"], Value::Null);
    for mail in mails {
        assert_eq!(world.message(registry, mail).await.ok()["state"], "marked");
    }
    assert_eq!(world.objects().await.len(), mails.len());
    assert_eq!(world.feed(&registry.firm).await.len(), mails.len());
    world.settle(registry).await;
}

fn expire_secret(world: &World, expires: Option<jiff::Timestamp>) {
    let callback = format!("http://{}/oauth/callback", world.host.address);
    let mut app = Registration::new(CLIENT_ID, CLIENT_SECRET, callback);
    app.client_secrets = vec![Secret::new(CLIENT_SECRET, expires)];
    world.microsoft.register_app(app).unwrap();
}

#[tokio::test]
async fn a_user_who_is_disabled_and_enabled_again_needs_no_new_sign_in() {
    let world = World::new().await;
    let registry = world.registry().await;
    let first = world.deliver("inbox", "Before");
    world.run_until_idle().await;
    world.tenant.set_enabled(ADA, false).unwrap();
    let second = world.deliver("inbox", "Meanwhile");
    assert_eq!(after_losing(&world, &registry).await, ("account_blocked".to_owned(), "AADSTS50057".to_owned()));
    world.tenant.set_enabled(ADA, true).unwrap();
    whole_again(&world, &registry, &[first, second]).await;
    let facts = world.facts(&registry.firm).await;
    let connectors: Vec<_> = facts.iter().filter(|fact| fact.starts_with("connector_")).collect();
    assert_eq!(connectors, ["connector_connected", "connector_action_required", "connector_connected"]);
}

#[tokio::test]
async fn while_a_person_has_to_act_microsoft_is_asked_less_and_less_often() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.revoke_sessions(ADA).unwrap();
    assert_eq!(after_losing(&world, &registry).await, ("sign_in_required".to_owned(), "AADSTS50173".to_owned()));
    let before = world.token_requests();
    for i in 0..24 * 4 {
        // Notices of new mail still come, and change nothing.
        world.deliver("inbox", &format!("Mail {i}"));
        world.pass(HOUR / 4).await;
    }
    let asked = world.token_requests() - before;
    assert!((1..=36).contains(&asked), "{asked} requests in a day");
    let facts = world.facts(&registry.firm).await;
    assert_eq!(facts, ["connector_connected", "connector_action_required"], "told once");
}

#[tokio::test]
async fn reauthenticating_keeps_everything_and_goes_on_within_a_minute() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut mails = vec![world.deliver("inbox", "Before")];
    world.run_until_idle().await;
    world.tenant.revoke_sessions(ADA).unwrap();
    after_losing(&world, &registry).await;
    for i in 0..30 {
        mails.push(world.deliver("inbox", &format!("While away {i}")));
    }
    for _ in 0..48 {
        world.pass(HOUR).await;
    }
    world.clock.advance(Duration::from_secs(20));
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.objects().await.len(), mails.len());
    whole_again(&world, &registry, &mails).await;
}

#[tokio::test]
async fn consent_that_is_withdrawn_is_noticed_and_given_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.withdraw_consent(CLIENT_ID).unwrap();
    let mail = world.deliver("inbox", "Meanwhile");
    assert_eq!(after_losing(&world, &registry).await, ("consent_required".to_owned(), "AADSTS65001".to_owned()));
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    whole_again(&world, &registry, &[mail]).await;
}

#[tokio::test]
async fn an_organisations_consent_that_is_withdrawn_is_noticed_and_given_again() {
    let world = World::new().await;
    let registry = world.organization(ADMIN).await;
    world.tenant.withdraw_consent(CLIENT_ID).unwrap();
    let mail = world.deliver("inbox", "Meanwhile");
    assert_eq!(after_losing(&world, &registry).await.1, "AADSTS700016");
    world.sign_in(&registry.firm, &registry.connector, ADMIN).await.ok();
    whole_again(&world, &registry, &[mail]).await;
}

#[tokio::test]
async fn a_secret_that_expires_is_noticed_and_a_new_one_needs_no_sign_in() {
    let world = World::new().await;
    let registry = world.registry().await;
    expire_secret(&world, Some(world.clock.now()));
    let mail = world.deliver("inbox", "Meanwhile");
    assert_eq!(after_losing(&world, &registry).await, ("client_secret_expired".to_owned(), "AADSTS7000222".to_owned()));
    expire_secret(&world, None);
    whole_again(&world, &registry, &[mail]).await;
}

#[tokio::test]
async fn a_deleted_user_is_told_as_such() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.remove_user(ADA).unwrap();
    assert_eq!(after_losing(&world, &registry).await, ("account_gone".to_owned(), "AADSTS50034".to_owned()));
}

/// What is said of the mailbox; the connector itself works.
async fn mailbox_problem(world: &World, registry: &Registry) -> Value {
    world.pass(HOUR).await;
    assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "connected");
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    world.get(&path).await.ok()["problem"].clone()
}

#[tokio::test]
async fn a_mailbox_without_licence_waits_alone_until_it_has_one() {
    let world = World::new().await;
    let registry = world.organization(ADMIN).await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let other = world.mailbox(&registry.firm, &registry.connector, "bob@lumen.example").await;
    let bobs = Registry { firm: registry.firm.clone(), connector: registry.connector.clone(), mailbox: other };
    world.activate(&bobs).await;

    world.tenant.set_licensed(ADA, false).unwrap();
    assert_eq!(mailbox_problem(&world, &registry).await["microsoft_code"], "MailboxNotEnabledForRESTAPI");
    assert_eq!(mailbox_problem(&world, &bobs).await, Value::Null);
    let asked = world.microsoft.requests().graph;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.microsoft.requests().graph, asked);
    world.tenant.set_licensed(ADA, true).unwrap();
    let mail = world.deliver("inbox", "With a licence again");
    whole_again(&world, &registry, &[mail]).await;
}

#[tokio::test]
async fn a_mailbox_that_exchange_puts_out_of_reach_is_named_as_such() {
    let world = World::new().await;
    let registry = world.organization(ADMIN).await;
    world.tenant.restrict_app(CLIENT_ID, &[ADMIN]).unwrap();
    let problem = mailbox_problem(&world, &registry).await;
    assert_eq!(
        (&problem["code"], &problem["microsoft_code"]),
        (&json!("mailbox_excluded"), &json!("ErrorAccessDenied"))
    );
    let mail = world.deliver("inbox", "Behind the rule");
    world.tenant.unrestrict_app(CLIENT_ID).unwrap();
    whole_again(&world, &registry, &[mail]).await;
}

#[tokio::test]
async fn a_deleted_user_of_a_connected_organisation_is_the_mailboxs_problem_alone() {
    let world = World::new().await;
    let registry = world.organization(ADMIN).await;
    world.tenant.remove_user(ADA).unwrap();
    assert_eq!(mailbox_problem(&world, &registry).await["microsoft_code"], "ErrorInvalidUser");
}

#[tokio::test]
async fn a_connector_whose_mailboxes_rest_is_looked_at_all_the_same() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let state = async || world.connector_view(&firm, &connector).await["state"].clone();
    world.pass(7 * HOUR).await;
    assert_eq!(state().await, "connected");
    world.tenant.set_enabled(ADA, false).unwrap();
    world.pass(7 * HOUR).await;
    assert_eq!(state().await, "action_required");
    world.tenant.set_enabled(ADA, true).unwrap();
    world.pass(7 * HOUR).await;
    assert_eq!(state().await, "connected");
    let facts = world.facts(&firm).await;
    assert_eq!(facts, ["connector_connected", "connector_action_required", "connector_connected"]);
    // Microsoft forgets a refresh token that nobody uses for ninety days.
    for _ in 0..100 {
        world.pass(24 * HOUR).await;
    }
    assert_eq!(state().await, "connected");
}

#[tokio::test]
async fn whoever_has_acted_sees_at_once_that_it_helped() {
    let world = World::new().await;
    let registry = world.registry().await;
    let seen = async || world.connector_view(&registry.firm, &registry.connector).await["state"].clone();
    let validate = format!("/v1/firms/{}/connectors/{}/validate", registry.firm, registry.connector);
    for by_validating in [true, false] {
        world.tenant.set_enabled(ADA, false).unwrap();
        let mail = world.deliver("inbox", "Meanwhile");
        after_losing(&world, &registry).await;
        assert_eq!(world.post(&validate, json!({})).await.ok()["ok"], false);
        assert_eq!(seen().await, "action_required");
        world.tenant.set_enabled(ADA, true).unwrap();
        world.clock.advance(Duration::from_secs(31));
        if by_validating {
            assert_eq!(world.post(&validate, json!({})).await.ok()["ok"], true);
        } else {
            let mailbox = json!({ "connector": registry.connector, "address": ADA, "kind": "user" });
            let path = format!("/v1/firms/{}/mailboxes", registry.firm);
            assert_eq!(world.post(&path, mailbox).await.problem(), "address_taken");
        }
        assert_eq!(seen().await, "connected");
        // The mailboxes need not wait for their next look either.
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    }
    world.settle(&registry).await;
}
