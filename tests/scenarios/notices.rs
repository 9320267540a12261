//! R9: notices from outside: genuine, forged, broken, many; and the handshake under attack.

use std::time::Duration;

use reqwest::{StatusCode, header};
use serde_json::json;
use shared::{aws::secrets::MacKey, mail::notification::client_state};
use tests::{ADA, Registry, World};

fn webhook(world: &World) -> String {
    format!("http://{}/webhook", world.host.address)
}

async fn send(world: &World, body: impl Into<reqwest::Body>) -> StatusCode {
    let request = tests::http().post(webhook(world)).header(header::CONTENT_TYPE, "application/json");
    request.body(body).send().await.unwrap().status()
}

async fn state(world: &World, registry: &Registry) -> String {
    let key = MacKey::new(&world.host.app.secrets.read(shared::aws::secrets::NOTIFICATION_KEY).await.unwrap());
    client_state(&key, registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap())
}

#[tokio::test]
async fn a_genuine_notice_makes_a_job_and_a_forged_one_makes_none() {
    let world = World::new().await;
    let registry = world.registry().await;
    let state = state(&world, &registry).await;
    let forged = format!("{}A", &state[..state.len() - 2]);
    for client_state in [forged.as_str(), "", "greffe"] {
        let notice =
            json!({"value": [{"subscriptionId": "8d5a5c0f", "clientState": client_state, "changeType": "created"}]});
        assert_eq!(send(&world, notice.to_string()).await, StatusCode::ACCEPTED);
    }
    assert_eq!(world.host.source.step().await, 0);
    let notice = json!({"value": [{"clientState": state}, {"clientState": state}, {"clientState": forged}]});
    assert_eq!(send(&world, notice.to_string()).await, StatusCode::ACCEPTED);
    assert_eq!(world.host.source.step().await, 1);
}

#[tokio::test]
async fn broken_and_oversized_bodies_make_no_job_and_no_harm() {
    let world = World::new().await;
    world.registry().await;
    for body in ["", "{", "[]", "null", r#"{"value":7}"#, "\u{0}\u{1}"] {
        assert_eq!(send(&world, body).await, StatusCode::ACCEPTED, "{body}");
    }
    let huge = tests::http().post(webhook(&world)).body(vec![b'x'; 5 << 20]).send().await;
    // Refused before it is read to its end, so that the sender may see the answer or a closed connection.
    assert!(huge.is_err() || huge.is_ok_and(|r| r.status() == StatusCode::PAYLOAD_TOO_LARGE));
    assert_eq!(world.host.source.step().await, 0);
}

#[tokio::test]
async fn the_handshake_echoes_the_decoded_token_and_nothing_more() {
    let world = World::new().await;
    let url = format!("{}?x=1&validationToken=Validation%3A+a%2Bb%3Cscript%3E", webhook(&world));
    let answer = tests::http().post(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(answer.text().await.unwrap(), "Validation: a+b<script>");
}

#[tokio::test]
async fn the_handshake_gives_an_attacker_nothing_but_the_own_text() {
    let world = World::new().await;
    world.registry().await;
    let with = |token: &str| format!("{}?validationToken={token}", webhook(&world));
    // What a browser might run comes back as text that no browser takes for anything else.
    let page = "%3C%21doctype+html%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    let answer = tests::http().post(with(page)).header(header::ACCEPT, "text/html").send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(answer.text().await.unwrap(), "<!doctype html><script>alert(1)</script>");
    // No header can be smuggled in, and broken text is no reason to fail.
    let smuggled = tests::http().post(with("a%0D%0ASet-Cookie%3A+x%3D1")).send().await.unwrap();
    assert!(smuggled.headers().get(header::SET_COOKIE).is_none());
    assert_eq!(smuggled.text().await.unwrap(), "a\r\nSet-Cookie: x=1");
    assert_eq!(tests::http().post(with("%FF%00%ZZ")).send().await.unwrap().status(), StatusCode::OK);
    // Long ones are refused, longer ones than any that Graph sends are not.
    for (length, status) in
        [(4_096, StatusCode::OK), (4_097, StatusCode::BAD_REQUEST), (60_000, StatusCode::BAD_REQUEST)]
    {
        assert_eq!(tests::http().post(with(&"x".repeat(length))).send().await.unwrap().status(), status, "{length}");
    }
    // Nobody is sent here by a link, and a notice in the body of a handshake is none.
    for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::PATCH] {
        let answer = tests::http().request(method.clone(), with("x")).send().await.unwrap();
        assert_eq!(
            (answer.status(), &answer.headers()[header::ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &header::HeaderValue::from_static("POST")),
            "{method}"
        );
        assert_eq!(answer.text().await.unwrap(), "");
    }
    assert_eq!(world.host.source.step().await, 0);
}

#[tokio::test]
async fn a_flood_of_notices_about_one_mail_costs_graph_next_to_nothing() {
    let world = World::new().await;
    let registry = world.registry().await;
    let state = state(&world, &registry).await;
    world.deliver("inbox", "The first, for which the marks are made");
    world.run_until_idle().await;
    world.deliver("inbox", "One mail");
    for _ in 0..200 {
        let notice = json!({"value": [{"clientState": state}]});
        assert_eq!(send(&world, notice.to_string()).await, StatusCode::ACCEPTED);
    }
    let before = world.microsoft.requests().graph;
    world.clock.advance(std::time::Duration::from_secs(5));
    world.run_until_idle().await;
    let spent = world.microsoft.requests().graph - before;
    assert!(spent <= 10, "{spent} requests for one mail");
    assert_eq!(world.objects().await.len(), 2);
}

#[tokio::test]
async fn two_firms_that_keep_one_mailbox_by_the_same_app_leave_each_others_subscription_alone() {
    let world = World::new().await;
    let one = world.registry().await;
    let first = world.microsoft.subscriptions(ADA).unwrap();
    let other = world.registry().await;
    let both = world.microsoft.subscriptions(ADA).unwrap();
    assert_eq!((first.len(), both.len()), (1, 2), "each has its own");
    assert!(both.contains(&first[0]), "the first one stayed");
    // Announced to both: nobody waits for a poll.
    let mail = world.deliver("inbox", "For both");
    world.run_until_idle().await;
    for registry in [&one, &other] {
        assert_eq!(world.message(registry, &mail).await.ok()["state"], "marked");
    }
    // Days later both are renewed, and both are still there.
    for _ in 0..8 {
        world.pass(Duration::from_secs(86_400)).await;
    }
    let renewed = world.microsoft.subscriptions(ADA).unwrap();
    assert_eq!(renewed.len(), 2);
    for registry in [&one, &other] {
        let shown = world.get(&format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox)).await.ok();
        assert_eq!(shown["problem"], serde_json::Value::Null, "{shown}");
    }
}
