//! C2, C4, C5: ways to connect.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

#[tokio::test]
async fn an_organisation_connects_by_an_administrators_consent() {
    let world = World::new().await;
    world.tenant.add_user("admin@lumen.example", "The administrator").unwrap();
    world.tenant.make_admin("admin@lumen.example").unwrap();
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    world.sign_in(&firm, &connector, "admin@lumen.example").await.ok();
    let shown = world.get(&format!("/v1/firms/{firm}/connectors/{connector}")).await.ok();
    assert_eq!(shown["state"], "connected");

    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    let mail = world.deliver("inbox", "By the app itself");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_firm_connects_with_its_own_app_and_its_secret_is_never_told() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let app = json!({
        "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET,
    });
    let connector = world.connector(&firm, "delegated", app).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let shown = world.get(&format!("/v1/firms/{firm}/connectors/{connector}")).await.ok();
    assert_eq!((&shown["state"], &shown["app"]["client_id"]), (&json!("connected"), &json!(OWN_CLIENT_ID)));
    assert!(!shown.to_string().contains(OWN_CLIENT_SECRET));
}

#[tokio::test]
async fn a_wrong_client_secret_is_told_in_plain_words_with_microsofts_code() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let app =
        json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": "wrong" });
    let connector = world.connector(&firm, "delegated", app).await;
    let refused = world.sign_in(&firm, &connector, ADA).await;
    assert_eq!(refused.body["microsoft_code"], "AADSTS7000215");
    assert_eq!(refused.problem(), "client_secret_refused");
}

#[tokio::test]
async fn a_client_secret_that_is_entered_again_counts_for_all_connectors_and_renews_their_tokens() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let own = |secret: &str| json!({ "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": secret });
    let connector = world.connector(&firm, "delegated", own("mistyped")).await;
    assert_eq!(world.sign_in(&firm, &connector, ADA).await.problem(), "client_secret_refused");
    world.connector(&firm, "delegated", own(OWN_CLIENT_SECRET)).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    world.clock.advance(Duration::from_secs(2 * 3600));
    let mail = world.deliver("inbox", "After the token ran out");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_state_works_once_and_in_its_own_browser_only() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let shown = world.get(&format!("/v1/firms/{firm}/connectors/{connector}")).await.ok();
    let http = tests::http();
    let departed = http.get(shown["connect_url"].as_str().unwrap()).send().await.unwrap();
    let cookie = departed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = departed.headers()["location"].to_str().unwrap().to_owned();
    let accepted = http
        .post(page)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("account=ada%40lumen.example&action=accept")
        .send()
        .await
        .unwrap();
    let back = accepted.headers()["location"].to_str().unwrap().to_owned();
    let arrive = |cookie: &str| http.get(&back).header("cookie", cookie).header("accept", "application/json").send();

    assert_eq!(arrive("").await.unwrap().status(), StatusCode::BAD_REQUEST, "another browser");
    assert_eq!(arrive(&cookie).await.unwrap().status(), StatusCode::OK);
    assert_eq!(arrive(&cookie).await.unwrap().status(), StatusCode::BAD_REQUEST, "a second time");
}

#[tokio::test]
async fn a_mailbox_that_the_signed_in_user_does_not_own_is_refused_before_it_is_added() {
    let world = World::new().await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/mailboxes", registry.firm);
    let body = json!({ "connector": registry.connector, "address": "bob@lumen.example", "kind": "user" });
    assert_eq!(world.post(&path, body).await.problem(), "mailbox_out_of_reach");
    let again = json!({ "connector": registry.connector, "address": "ADA@lumen.example", "kind": "user" });
    assert_eq!(world.post(&path, again).await.problem(), "address_taken");
    let all = world.request(Some(tests::OPERATOR_KEY), Method::GET, &path, None).await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_secret_is_written_where_it_can_be_read() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "Secret");
    world.run_until_idle().await;
    let key = world.post(&format!("/v1/firms/{}/keys", registry.firm), json!({ "name": "dms" })).await.ok();
    let key = key["key"].as_str().unwrap().to_owned();
    assert!(
        world.request(Some(&key), Method::GET, &format!("/v1/firms/{}", registry.firm), None).await.status.is_success()
    );

    // What lies on disk: the table and the log of the traffic hold no token, no client secret and no key in clear.
    let log = std::fs::read(world.folder().join("traffic.jsonl")).unwrap();
    let table = std::fs::read_dir(world.folder().join("aws")).unwrap();
    let tables = table.flatten().filter(|f| f.file_name().to_string_lossy().starts_with("dynamodb"));
    let files: Vec<Vec<u8>> = tables.map(|f| std::fs::read(f.path()).unwrap()).chain([log]).collect();
    let secret = key.splitn(4, '_').nth(3).unwrap().to_owned();
    let token = world.host.app.tokens.access_token(&connector(&world, &registry).await).await.unwrap();
    for secret in [secret.as_str(), tests::CLIENT_SECRET, token.expose()] {
        for file in &files {
            assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

async fn connector(world: &World, registry: &Registry) -> shared::access::connector::Connector {
    let (firm, id) = (registry.firm.parse().unwrap(), registry.connector.parse().unwrap());
    shared::access::connector::Connector::find(&world.host.app.table, firm, id).await.unwrap().unwrap().value
}
