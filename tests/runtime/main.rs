//! The functions as they are deployed: each program runs under AWS's own Runtime Interface Emulator, is given the
//! events that AWS gives, and finds AWS and Microsoft 365 over loopback.
//!
//! `GREFFE_RIE` is the emulator (aws-sam-cli brings it: `samcli/local/rapid/aws-lambda-rie-x86_64`), `GREFFE_FUNCTIONS`
//! the folders, separated by colons, that the programs are looked for in, first to last. `.ci/run` sets both.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod emulator;
mod event;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use emulator::Lambda;
use serde_json::{Value, json};
use shared::{aws::secrets::MacKey, mail::notification::client_state};
use tests::{ADA, OPERATOR_KEY, World};

#[tokio::test]
#[ignore = "needs GREFFE_RIE and GREFFE_FUNCTIONS; .ci/run has them"]
async fn every_function_does_its_part_of_the_path_of_one_mail_under_the_runtime_of_aws() {
    let world = World::today().await;
    let aws = world.aws_endpoint().await;
    let lambda = async |name: &str| Lambda::start(name, &world, &aws).await;
    let (api, oauth_callback) = (lambda("api").await, lambda("oauth-callback").await);
    let (graph_webhook, delta_poll) = (lambda("graph-webhook").await, lambda("delta-poll").await);
    let documents = lambda("documents").await;

    // The API, behind an HTTP API.
    let alive = api.invoke(&event::http("GET", "/healthz", &[], None)).await;
    assert_eq!(alive["statusCode"], 200, "{alive}");
    assert!(alive["body"].as_str().is_some_and(|body| body.contains(env!("CARGO_PKG_VERSION"))), "{alive}");
    let stranger = api.invoke(&event::http("GET", "/v1/firms/x", &[], None)).await;
    assert_eq!(stranger["statusCode"], 401, "{stranger}");
    let operator = format!("Bearer {OPERATOR_KEY}");
    let ask = async |method: &str, path: &str, body: Value| {
        let headers = [("authorization", operator.as_str()), ("content-type", "application/json")];
        let answer = api.invoke(&event::http(method, path, &headers, Some(&body.to_string()))).await;
        assert!(answer["statusCode"].as_u64().unwrap() < 300, "{answer}");
        serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap()
    };
    let firm = json!({ "name": "Lumen", "domains": ["lumen.example"], "language": "en", "time_zone": "Europe/Paris" });
    let firm = ask("POST", "/v1/firms", firm).await["id"].as_str().unwrap().to_owned();
    let connector = json!({ "name": "Office", "access": "delegated", "app": null });
    let connector = ask("POST", &format!("/v1/firms/{firm}/connectors"), connector).await;
    let link = connector["connect_url"].as_str().unwrap().to_owned();
    let connector = connector["id"].as_str().unwrap();

    // A browser goes to Microsoft and back.
    let path = &link[link.find("/oauth/").unwrap()..];
    let departed = oauth_callback.invoke(&event::http("GET", path, &[], None)).await;
    assert_eq!(departed["statusCode"], 303, "{departed}");
    let cookie = departed["cookies"][0].as_str().unwrap().split(';').next().unwrap();
    let callback = world.decide(departed["headers"]["location"].as_str().unwrap(), ADA, "accept").await;
    let path = &callback[callback.find("/oauth/").unwrap()..];
    let back = event::http("GET", path, &[("cookie", cookie), ("accept", "application/json")], None);
    let connected = oauth_callback.invoke(&back).await;
    assert_eq!(connected["statusCode"], 200, "{connected}");

    // A mailbox, and its first round by the queue.
    let mailbox = json!({ "connector": connector, "address": ADA, "kind": "user" });
    let mailbox = ask("POST", &format!("/v1/firms/{firm}/mailboxes"), mailbox).await["id"].as_str().unwrap().to_owned();
    let under = format!("/v1/firms/{firm}/mailboxes/{mailbox}");
    ask("PUT", &format!("{under}/selection"), json!({ "mode": "include", "folders": ["inbox"] })).await;
    ask("POST", &format!("{under}/activate"), json!({ "since": null })).await;
    let done = json!({ "batchItemFailures": [] });
    assert_eq!(delta_poll.invoke(&jobs(&world).await).await, done);

    // Graph's handshake and a notice, at a function URL.
    let handshake = event::function_url("validationToken=Validation%3A+1", "");
    assert_eq!(graph_webhook.invoke(&handshake).await["body"], "Validation: 1");
    let mail = world.deliver("inbox", "Under the real runtime");
    let key = MacKey::new(&world.host.app.secrets.read(shared::aws::secrets::NOTIFICATION_KEY).await.unwrap());
    let state = client_state(&key, firm.parse().unwrap(), mailbox.parse().unwrap());
    let notice = json!({ "value": [{ "clientState": state, "changeType": "created" }] }).to_string();
    // Jobs older than the last round are done already, give or take the skew of clocks.
    assert_eq!(graph_webhook.invoke(&event::function_url("", &notice)).await["statusCode"], 202);
    assert_eq!(delta_poll.invoke(&jobs(&world).await).await, done);
    // The list of mails is another function's, behind the same gate.
    let path = format!("/v1/firms/{firm}/messages");
    let listed = event::http("GET", &path, &[("authorization", operator.as_str())], None);
    let listed = documents.invoke(&listed).await;
    assert_eq!(listed["statusCode"], 200, "{listed}");
    let messages: Value = serde_json::from_str(listed["body"].as_str().unwrap()).unwrap();
    let message = &messages["items"][0];
    assert_eq!(
        (&message["state"], &message["subject"]),
        (&json!("marked"), &json!("Under the real runtime")),
        "{mail}"
    );

    // The schedule.
    let queued = delta_poll.invoke(&json!({ "schedule": "poll" })).await;
    assert!(queued["queued"].is_u64(), "{queued}");
    let wrong = delta_poll.invoke(&json!({ "nothing": "known" })).await;
    assert!(wrong["errorType"].is_string(), "{wrong}");
    for function in [api, oauth_callback, graph_webhook, delta_poll, documents] {
        function.stop().await;
    }
}

/// What waits in the mail queue, as Lambda hands it on.
async fn jobs(world: &World) -> Value {
    let client = aws_sdk_sqs::Client::new(&world.host.machine.aws);
    let receive = client.receive_message().queue_url(&world.host.app.config.mail_queue_url);
    let receive = receive.max_number_of_messages(10).message_system_attribute_names(MessageSystemAttributeName::All);
    let received = receive.send().await.unwrap();
    assert!(!received.messages().is_empty(), "no job waits");
    let mut records = Vec::new();
    for message in received.messages() {
        records.push(event::sqs_record(message));
        let handle = message.receipt_handle.as_deref().unwrap();
        let delete = client.delete_message().queue_url(&world.host.app.config.mail_queue_url).receipt_handle(handle);
        delete.send().await.unwrap();
    }
    json!({ "Records": records })
}
