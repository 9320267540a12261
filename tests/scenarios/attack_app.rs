//! Attacks on another firm's app registration: nobody reads mail through it, or changes it, because AWS vouches for
//! greffe.

use std::time::Duration;

use microsoft365::{App, Federated};
use serde_json::{Value, json};
use tests::{ADA, Answer, CLIENT_ID, CLIENT_SECRET, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

const HOUR: Duration = Duration::from_secs(3600);
const SHARED: &str = "api://AzureADTokenExchange";

fn change(world: &World, change: impl FnOnce(&mut App)) {
    let mut app = world.microsoft.app(OWN_CLIENT_ID).unwrap();
    change(&mut app);
    world.microsoft.register_app(app).unwrap();
}

fn registration(world: &World) -> String {
    format!("{:?}", world.microsoft.app(OWN_CLIENT_ID).unwrap())
}

/// The firm's registration trusts AWS's word for this audience, and takes no secret.
fn trust(world: &World, audience: &str) {
    let trusted = Federated {
        issuer: format!("https://{}/aws-identity", world.host.address),
        subject: aws::Cloud::PRINCIPAL.to_owned(),
        audience: audience.to_owned(),
        effective: None,
    };
    change(world, |app| (app.federated, app.client_secrets) = (vec![trusted], Vec::new()));
}

async fn audience(world: &World, firm: &str) -> String {
    let shown = world.get(&format!("/v1/firms/{firm}/app/federation")).await.ok();
    shown["audience"].as_str().unwrap().to_owned()
}

fn own(world: &World, credential: Value) -> Value {
    let mut own = json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID });
    own.as_object_mut().unwrap().extend(credential.as_object().unwrap().clone());
    own
}

fn by_secret() -> Value {
    json!({ "client_secret": OWN_CLIENT_SECRET })
}

async fn post(world: &World, firm: &str, connector: &str, what: &str, body: Value) -> Answer {
    world.post(&format!("/v1/firms/{firm}/connectors/{connector}/{what}"), body).await
}

/// Puts in the firm's secret what older versions left there.
async fn put(world: &World, firm: &str, text: &str) {
    let client = aws_sdk_secretsmanager::Client::new(&world.host.machine.aws);
    let id = format!("greffe/firms/{firm}/app-client-secret");
    client.put_secret_value().secret_id(id).secret_string(text).send().await.unwrap();
    // Each function believes what it read for a while.
    world.clock.advance(HOUR);
}

/// A firm with this own app whose mail is being kept, connected as Ada.
async fn registry(world: &World, credential: Value) -> Registry {
    let firm = world.firm("D").await;
    let connector = world.connector(&firm, "delegated", own(world, credential)).await;
    connected(world, firm, connector).await
}

async fn connected(world: &World, firm: String, connector: String) -> Registry {
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    registry
}

/// A firm whose own app trusts AWS's word for the audience that all firms shared, connected before each had its own.
async fn of_before(world: &World) -> Registry {
    let registry = registry(world, by_secret()).await;
    trust(world, SHARED);
    put(world, &registry.firm, r#"{"credential":"federated"}"#).await;
    forget_claims(world).await;
    registry
}

/// Nobody has claimed the client id yet, as before there were claims.
async fn forget_claims(world: &World) {
    use aws_sdk_dynamodb::types::AttributeValue;
    let client = aws_sdk_dynamodb::Client::new(&world.host.machine.aws);
    let delete = client.delete_item().table_name(local::provision::TABLE);
    let key = |text: &str| AttributeValue::S(text.to_owned());
    delete.key("pk", key("OPERATOR")).key("sk", key(&format!("APP#{OWN_CLIENT_ID}"))).send().await.unwrap();
}

async fn works(world: &World, registry: &Registry) {
    world.clock.advance(HOUR);
    let mail = world.deliver("inbox", "Still working");
    world.run_until_idle().await;
    assert_eq!(world.message(registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.connector_view(&registry.firm, &registry.connector).await["state"], "connected");
}

/// Everything by which a firm could have a registration changed, or read through it.
async fn attack(world: &World, firm: &str, connector: &str) -> Vec<String> {
    let mut problems = Vec::new();
    problems.push(post(world, firm, connector, "certificate", json!({ "add": true })).await.problem());
    problems.push(post(world, firm, connector, "secret/rotate", json!(null)).await.problem());
    problems.push(post(world, firm, connector, "secret", json!({ "credential": "federated" })).await.problem());
    problems
}

#[tokio::test]
async fn aws_vouches_for_each_firm_with_an_audience_of_its_own() {
    let world = World::new().await;
    let [d, e] = [world.firm("D").await, world.firm("E").await];
    let platform = world.get("/v1/app/federation").await.ok()["audience"].as_str().unwrap().to_owned();
    let all = [audience(&world, &d).await, audience(&world, &e).await, platform];
    for (n, one) in all.iter().enumerate() {
        assert!(one.len() <= 600 && !all[..n].contains(one) && one != SHARED, "{one}");
        let secret = one.rsplit(':').next().unwrap();
        assert!(secret.len() >= 40, "{one} can be guessed");
    }
    assert_eq!(audience(&world, &d).await, all[0], "it stays");
}

#[tokio::test]
async fn a_firm_gets_nothing_by_naming_the_app_of_another() {
    let world = World::new().await;
    let firm = world.firm("D").await;
    trust(&world, &audience(&world, &firm).await);
    let connector = world.connector(&firm, "delegated", own(&world, json!({ "credential": "federated" }))).await;
    let d = connected(&world, firm, connector).await;
    let before = registration(&world);

    let e = world.firm("E").await;
    let connector = world.connector(&e, "delegated", own(&world, json!({ "credential": "federated" }))).await;
    let shown = world.connector_view(&e, &connector).await;
    assert_eq!(
        (&shown["problem"]["code"], &shown["problem"]["who"]),
        (&json!("app_grant_required"), &json!("operator"))
    );
    // The link leads to no page of Microsoft's.
    let link = shown["connect_url"].as_str().unwrap();
    let opened = tests::http().get(link).header("accept", "application/json").send().await.unwrap();
    assert_eq!(opened.json::<Value>().await.unwrap()["code"], "app_grant_required");
    for problem in attack(&world, &e, &connector).await {
        assert!(
            ["app_grant_required", "app_of_another_firm", "invalid_request"].contains(&problem.as_str()),
            "{problem}"
        );
    }
    assert_eq!(registration(&world), before);
    works(&world, &d).await;

    // In capitals it is the same client id.
    let f = world.firm("F").await;
    let mut app = own(&world, json!({ "credential": "federated" }));
    app["client_id"] = json!(OWN_CLIENT_ID.to_uppercase());
    let body = json!({ "name": "F", "access": "delegated", "app": app });
    let made = world.post(&format!("/v1/firms/{f}/connectors"), body).await;
    if made.status.is_success() {
        assert_eq!(made.body["problem"]["code"], "app_grant_required");
    }
    world.settle(&d).await;
}

#[tokio::test]
async fn the_audience_that_all_firms_shared_serves_no_other_firm() {
    let world = World::new().await;
    // Before there were claims, D's registration trusts the shared audience, and E names it.
    let e = world.firm("E").await;
    let connector = world.connector(&e, "delegated", own(&world, json!({ "credential": "federated" }))).await;
    put(&world, &e, r#"{"credential":"federated"}"#).await;
    let d = of_before(&world).await;
    let before = registration(&world);
    let shown = world.connector_view(&e, &connector).await;
    assert_eq!(shown["problem"]["code"], "audience_shared");
    let link = shown["connect_url"].as_str().unwrap();
    let opened = tests::http().get(link).header("accept", "application/json").send().await.unwrap();
    assert_eq!(opened.json::<Value>().await.unwrap()["code"], "audience_shared");
    for problem in attack(&world, &e, &connector).await {
        let refused = ["audience_shared", "invalid_request", "federated_credential_refused"];
        assert!(refused.contains(&problem.as_str()), "{problem}");
    }
    assert_eq!(registration(&world), before, "E was first, and got nothing");
    works(&world, &d).await;
    world.host.tick().await;
    works(&world, &d).await;
    // Now the client id is D's.
    assert_eq!(world.connector_view(&e, &connector).await["problem"]["code"], "app_grant_required");
    // AWS's word for everybody changes nothing at Entra, for D neither.
    let refused = post(&world, &d.firm, &d.connector, "certificate", json!({ "add": true })).await;
    assert_eq!(refused.problem(), "audience_shared");
    world.settle(&d).await;
}

#[tokio::test]
async fn a_connector_of_before_works_and_shows_the_value_to_enter_until_it_is_entered() {
    let world = World::new().await;
    let d = of_before(&world).await;
    works(&world, &d).await;
    let shown = world.connector_view(&d.firm, &d.connector).await;
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("connected"), &json!("audience_shared")));
    world.host.tick().await;
    let shown = world.connector_view(&d.firm, &d.connector).await;
    let new = audience(&world, &d.firm).await;
    assert_eq!((&shown["secret"]["audience"], &shown["secret"]["audience_in_use"]), (&json!(new), &json!(false)));
    let refused = post(&world, &d.firm, &d.connector, "secret", json!({ "credential": "federated" })).await;
    assert_eq!(refused.problem(), "federated_credential_refused");
    works(&world, &d).await;

    // Entered in place of the old one: nothing stops, and greffe goes over to it by itself.
    trust(&world, &new);
    works(&world, &d).await;
    world.pass(24 * HOUR).await;
    world.clock.advance(HOUR);
    let shown = world.connector_view(&d.firm, &d.connector).await;
    assert_eq!((&shown["problem"], &shown["secret"]["audience_in_use"]), (&Value::Null, &json!(true)));
    works(&world, &d).await;
    world.settle(&d).await;
}

#[tokio::test]
async fn a_secret_that_reads_like_awss_word_is_a_secret() {
    let world = World::new().await;
    trust(&world, SHARED);
    let e = world.firm("E").await;
    let forged = json!({ "client_secret": r#"{"credential":"federated"}"# });
    let connector = world.connector(&e, "delegated", own(&world, forged)).await;
    let told = world.sign_in(&e, &connector, ADA).await;
    assert_eq!(told.problem(), "client_secret_refused");
}

#[tokio::test]
async fn firms_that_share_a_registration_have_the_operators_grant() {
    let world = World::new().await;
    let d = registry(&world, by_secret()).await;
    world.clock.advance(Duration::from_secs(60));
    let e = world.firm("E").await;
    let connector = world.connector(&e, "delegated", own(&world, by_secret())).await;
    let shown = world.connector_view(&e, &connector).await;
    assert_eq!(shown["problem"]["code"], "app_grant_required");

    let key = world.post(&format!("/v1/firms/{e}/keys"), json!({ "name": "E" })).await.ok()["key"].clone();
    let grant = format!("/v1/firms/{e}/app/grant");
    let by_itself = world.request(key.as_str(), reqwest::Method::POST, &grant, Some(json!(null))).await;
    assert_eq!(by_itself.problem(), "not_found", "a firm grants itself nothing");
    assert_eq!(world.post(&grant, json!(null)).await.ok()["client_id"], OWN_CLIENT_ID);
    let trail = world.get(&format!("/v1/firms/{e}/audit")).await.ok();
    let action = |entry: &Value| entry["action"] == "POST /v1/firms/{firm}/app/grant" && entry["outcome"] == 200;
    assert_eq!(trail["items"].as_array().unwrap().iter().filter(|entry| action(entry)).count(), 1);

    world.sign_in(&e, &connector, ADA).await.ok();
    let shown = world.connector_view(&e, &connector).await;
    assert_eq!((&shown["state"], &shown["problem"]), (&json!("connected"), &Value::Null));
    works(&world, &d).await;
    // It is D's still.
    let before = registration(&world);
    for what in ["certificate", "secret/rotate"] {
        let body = if what == "certificate" { json!({ "add": true }) } else { json!(null) };
        assert_eq!(post(&world, &e, &connector, what, body).await.problem(), "app_of_another_firm", "{what}");
    }
    assert_eq!(registration(&world), before);
    world.settle(&d).await;
}

#[tokio::test]
async fn a_firm_needs_a_grant_for_the_platforms_own_client_id() {
    let world = World::new().await;
    let e = world.firm("E").await;
    let app = json!({
        "tenant_id": world.tenant.id().to_string(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET
    });
    let connector = world.connector(&e, "delegated", app).await;
    assert_eq!(world.connector_view(&e, &connector).await["problem"]["code"], "app_grant_required");
    world.post(&format!("/v1/firms/{e}/app/grant"), json!(null)).await.ok();
    world.sign_in(&e, &connector, ADA).await.ok();
}
