//! Notices from outside: genuine, forged, broken, many.

use reqwest::{StatusCode, header};
use serde_json::json;
use shared::{notification::client_state, secret::MacKey};
use tests::{Registry, World};

fn webhook(world: &World) -> String {
    format!("http://{}/webhook", world.host.address)
}

async fn send(world: &World, body: impl Into<reqwest::Body>) -> StatusCode {
    let request = tests::http().post(webhook(world)).header(header::CONTENT_TYPE, "application/json");
    request.body(body).send().await.unwrap().status()
}

async fn state(world: &World, registry: &Registry) -> String {
    let key = MacKey::new(&world.host.app.secrets.read(shared::secret::NOTIFICATION_KEY).await.unwrap());
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
async fn a_flood_of_notices_about_one_mail_costs_graph_next_to_nothing() {
    let world = World::new().await;
    let registry = world.registry().await;
    let state = state(&world, &registry).await;
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
    assert_eq!(world.objects().await.len(), 1);
}
