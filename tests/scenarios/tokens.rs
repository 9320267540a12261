//! Tokens: one function asks Microsoft for all, whatever dies or is rotated meanwhile.

use std::time::Duration;

use microsoft365::App as Registration;
use serde_json::json;
use shared::{
    access::connector::Connector,
    app::App,
    aws::secrets::{self, Secrets},
    base::{clock::Clock, config::Origin, http::http_client, random::Random},
    graph::{GraphError, GraphUser, Link},
};
use tests::{ADA, CLIENT_ID, Registry, World};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

async fn connector(world: &World, registry: &Registry) -> Connector {
    let (firm, id) = (registry.firm.parse().unwrap(), registry.connector.parse().unwrap());
    Connector::find(&world.host.app.table, firm, id).await.unwrap().unwrap().value
}

/// Another function over the same table, with a memory of its own.
fn function(world: &World, clock: Clock) -> App {
    App::new(world.host.app.config.clone(), &world.host.machine.aws, http_client().unwrap(), clock, Random::system())
}

#[tokio::test]
async fn two_hundred_functions_that_need_a_token_at_once_make_one_request() {
    let world = World::new().await;
    let registry = world.registry().await;
    let connector = connector(&world, &registry).await;
    let before = world.token_requests();
    // By the machine's own clock the first token has ended long ago, and who waits lets the others work.
    let functions: Vec<App> = (0..200).map(|_| function(&world, Clock::system())).collect();
    let tokens = functions.iter().map(|function| function.tokens.access_token(&connector));
    let tokens = futures::future::join_all(tokens).await;
    let tokens: Vec<String> = tokens.into_iter().map(|token| token.unwrap().expose().to_owned()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(world.token_requests() - before, 1);
}

#[tokio::test]
async fn two_hundred_functions_that_are_refused_make_one_request_too() {
    let world = World::new().await;
    let registry = world.registry().await;
    let connector = connector(&world, &registry).await;
    world.tenant.revoke_sessions(ADA).unwrap();
    let before = world.token_requests();
    let functions: Vec<App> = (0..200).map(|_| function(&world, Clock::system())).collect();
    let tokens = functions.iter().map(|function| function.tokens.access_token(&connector));
    for refused in futures::future::join_all(tokens).await {
        assert_eq!(refused.unwrap_err().code(), "AADSTS50173");
    }
    assert_eq!(world.token_requests() - before, 1);
}

#[tokio::test]
async fn a_function_that_dies_while_it_refreshes_holds_the_others_up_for_a_moment_only() {
    let world = World::new().await;
    let registry = world.registry().await;
    let connector = connector(&world, &registry).await;
    world.clock.advance(Duration::from_secs(3600));

    // It reaches a Microsoft that never answers, and is killed there.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = world.host.app.config.clone();
    config.microsoft.login = Origin::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let http = http_client().unwrap();
    let dying = App::new(config, &world.host.machine.aws, http, world.clock.clone(), Random::system());
    let asking = tokio::spawn({
        let connector = connector.clone();
        async move { dying.tokens.access_token(&connector).await }
    });
    let (mut socket, _) = silent.accept().await.unwrap();
    socket.read_u8().await.unwrap();
    asking.abort();

    let began = world.clock.now();
    let token = function(&world, world.clock.clone()).tokens.access_token(&connector).await.unwrap();
    let waited = world.clock.now().duration_since(began).as_secs();
    assert!((25..60).contains(&waited), "{waited} s");
    assert!(token.expires_at() > world.clock.now(), "the old refresh token was still good");
    world.deliver("inbox", "After the crash");
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 1);
}

#[tokio::test]
async fn an_access_token_is_used_until_shortly_before_its_end() {
    let world = World::new().await;
    let registry = world.registry().await;
    let before = world.token_requests();
    for minutes in [10, 20, 20] {
        world.clock.advance(Duration::from_secs(minutes * 60));
        world.deliver("inbox", "Within the hour");
        world.run_until_idle().await;
    }
    assert_eq!(world.token_requests(), before);
    world.pass(Duration::from_secs(5 * 60)).await;
    world.deliver("inbox", "After it");
    world.run_until_idle().await;
    assert_eq!(world.token_requests(), before + 1);
    assert_eq!(world.objects().await.len(), 4);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_read_afresh_once() {
    let world = World::new().await;
    let registry = world.registry().await;
    let callback = format!("http://{}/oauth/callback", world.host.address);
    world.microsoft.register_app(Registration::new(CLIENT_ID, "the-new-secret", callback)).unwrap();
    // Another function wrote it: the one at work still believes the old one.
    let client = aws_sdk_secretsmanager::Client::new(&world.host.machine.aws);
    let elsewhere = Secrets::new(client, world.clock.clone(), Random::system());
    world.host.app.secrets.read(secrets::APP_CLIENT_SECRET).await.unwrap();
    elsewhere.write(secrets::APP_CLIENT_SECRET, &"the-new-secret".to_owned().into()).await.unwrap();
    let connector = connector(&world, &registry).await;
    let token = world.host.app.tokens.access_token(&connector).await.unwrap();
    world.host.app.tokens.discard(&connector, &token, None).await;

    let before = world.token_requests();
    let renewed = world.host.app.tokens.access_token(&connector).await.unwrap();
    assert_ne!(renewed.expose(), token.expose());
    assert_eq!(world.token_requests() - before, 2, "refused with the old one, then accepted");
}

#[tokio::test]
async fn a_claims_challenge_is_handed_to_the_next_token_request() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().challenge(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#);
    let before = world.token_requests();
    let mail = world.deliver("inbox", "Challenged");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.token_requests() - before, 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_token_never_follows_a_link_to_another_origin() {
    let world = World::new().await;
    let registry = world.registry().await;
    let graph = world.host.app.graph(&connector(&world, &registry).await);
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let asked = world.microsoft.requests().graph;
    let graphs_own = world.host.app.config.microsoft.graph.at("");
    let foreign = [
        format!("http://{}/v1.0/me/messages", elsewhere.local_addr().unwrap()),
        graphs_own.replace("http://", "https://"),
        graphs_own.replace("http://", "http://somebody@"),
        format!("{graphs_own}.evil.example/v1.0"),
        "//evil.example/v1.0".to_owned(),
    ];
    for link in foreign {
        let link: Link = serde_json::from_value(json!(link)).unwrap();
        let page = graph.delta_page(&GraphUser::new(ADA), &"inbox".parse().unwrap(), Some(&link)).await;
        assert!(matches!(page, Err(GraphError::ForeignLink { .. })), "{}", link.as_str());
    }
    assert_eq!(world.microsoft.requests().graph, asked);
    assert!(futures::poll!(std::pin::pin!(elsewhere.accept())).is_pending(), "nobody came");
}

#[tokio::test]
async fn in_a_national_cloud_the_scopes_carry_its_own_graph() {
    let world = World::with(&[("GREFFE_CLOUD", "china")]).await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", serde_json::Value::Null).await;
    let browser = world.begin_sign_in(&firm, &connector).await;
    let page = reqwest::Url::parse(&browser.page).unwrap();
    let scope = page.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert!(scope.contains("https://microsoftgraph.chinacloudapi.cn/Mail.ReadWrite"), "{scope}");
    assert!(!scope.contains("graph.microsoft.com"), "{scope}");

    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    world.clock.advance(Duration::from_secs(3600));
    let mail = world.deliver("inbox", "From Shanghai");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}
