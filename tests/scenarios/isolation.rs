//! O1: what the API refuses: bad input, and other people's data.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::{
    base::id::UserId,
    firm::user::{ConsoleUser, UserRole},
};
use tests::{OPERATOR_KEY, World, message_id};

/// A body with which nothing is wrong but whose id the path names. A route that needs one and has none here answers
/// 400.
fn body_of(operation: &str) -> Value {
    match operation {
        "PATCH /connectors/{connector}" | "PATCH /members/{member}" => json!({ "name": "Mallory" }),
        "PATCH /mailboxes/{mailbox}" => json!({ "member": null }),
        "POST /connectors/{connector}/link" => json!({ "return_url": "http://127.0.0.1:4000/" }),
        "POST /connectors/{connector}/secret" => json!({ "client_secret": "of-mallory~1" }),
        "POST /invitations" | "PUT /users/{user}" => json!({ "role": "reader" }),
        "POST /members/{member}/test" => json!({ "service": "mail" }),
        "POST /webhooks/{webhook}/send" => json!({ "kind": "test" }),
        "PUT /mailboxes/{mailbox}/selection" => json!({ "mode": "include", "folders": ["inbox"] }),
        "PUT /mailboxes/{mailbox}/grant" => json!({ "since": "2026-01-01" }),
        "POST /messages/{message}/file" | "POST /messages/{message}/conversation/file" => json!({ "dossier": "7" }),
        "PUT /mailboxes/{mailbox}/dossiers" => json!({ "folder": "AQMk", "dossier": "7" }),
        "POST /proposals/accept" => json!({ "proposals": [{
            "message": "00000000-0000-4000-8000-000000000000.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "dossier": "7"
        }] }),
        "POST /erasures" => json!({ "target": { "kind": "firm" }, "reason": "Article 17" }),
        "PUT /holds" => json!({ "dossier": "7", "held": true, "reason": "Case 7 is pending" }),
        "POST /messages/file" => {
            json!({ "messages": ["00000000-0000-4000-8000-000000000000.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"], "dossier": "7" })
        }
        "POST /messages/retry" => {
            json!({ "messages": ["00000000-0000-4000-8000-000000000000.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"] })
        }
        _ => json!({}),
    }
}

/// The clock of a test can't tell whether two answers take the same time; that they cost the same calls of AWS, in the
/// same order, it can.
#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one list of all that is asked for")]
async fn a_firm_sees_nothing_of_another_not_even_by_what_an_answer_costs() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Confidential");
    world.run_until_idle().await;
    let other = world.firm("Other").await;
    let key = world.post(&format!("/v1/firms/{other}/keys"), json!({ "name": "other" })).await.ok();
    let key = key["key"].as_str().unwrap().to_owned();

    let member = json!({ "name": "Ada", "address": "ada@lumen.example", "connector": registry.connector });
    let member = world.post(&format!("/v1/firms/{}/members", registry.firm), member).await.ok();
    let member = member["id"].as_str().unwrap();
    let message = message_id(&registry, &mail);
    let make =
        async |what: &str, body: Value| world.post(&format!("/v1/firms/{}/{what}", registry.firm), body).await.ok();
    let theirs_key = make("keys", json!({ "name": "theirs" })).await["id"].as_str().unwrap().to_owned();
    let bulk = json!({ "rows": [{ "external_id": "x-1", "surname": "Duval", "members": [member] }] });
    let bulk = make("contacts/bulk", bulk).await["bulk"].as_str().unwrap().to_owned();
    let webhook = make("webhooks", json!({ "url": "http://127.0.0.1:9/" })).await["id"].as_str().unwrap().to_owned();
    let erasure = make("erasures", json!({ "target": { "kind": "firm" }, "reason": "Article 17" })).await;
    let erasure = erasure["id"].as_str().unwrap().to_owned();
    let user = UserId::of(&"a-tenant.example".parse().unwrap(), "ada");
    let theirs_user = ConsoleUser {
        id: user,
        role: UserRole::Reader,
        address: "ada@lumen.example".to_owned(),
        since: world.clock.now(),
    };
    let table = &world.host.app.table;
    let admitted = theirs_user.admit(table, registry.firm.parse().unwrap()).await.unwrap();
    table.transact(admitted).await.unwrap();
    // What the victim has, by the name that the description of the API gives it. A new noun needs an id here.
    let theirs = |name: &str| match name {
        "connector" => registry.connector.clone(),
        "mailbox" => registry.mailbox.clone(),
        "member" => member.to_owned(),
        "message" => message.to_string(),
        "key" => theirs_key.clone(),
        "bulk" => bulk.clone(),
        "webhook" => webhook.clone(),
        "erasure" => erasure.clone(),
        "user" => user.to_string(),
        // Each firm draws these itself.
        "external_id" => "x-1".to_owned(),
        "attachment" => "1".to_owned(),
        other => panic!("make a {other} of the victim's"),
    };
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let absent = |name: &str| match name {
        "message" => message.to_string().replace(&registry.mailbox, nowhere),
        "attachment" => "1".to_owned(),
        _ => nowhere.to_owned(),
    };
    let description = world.request(None, Method::GET, "/openapi.json", None).await.ok();
    let mut walked = 0;
    for (template, item) in description["paths"].as_object().unwrap() {
        let Some(below) = template.strip_prefix("/v1/firms/{firm}") else { continue };
        let path = |of: &dyn Fn(&str) -> String| {
            let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                Some(name) => of(name),
                None => part.to_owned(),
            };
            below.split('/').map(part).collect::<Vec<_>>().join("/")
        };
        let methods = item.as_object().unwrap().keys().filter_map(|m| m.to_uppercase().parse::<Method>().ok());
        for method in methods {
            let operation = format!("{method} {below}");
            // The first of twenty calls of a minute counts them; with a call of its own before, none of these does.
            world.clock.advance(Duration::from_secs(60));
            // Each function that serves the API counts for itself.
            for below in ["", "/messages"] {
                world.request(Some(&key), Method::GET, &format!("/v1/firms/{other}{below}"), None).await.ok();
            }
            let ask = async |firm: &str, below: String| {
                let body = (!method.is_safe()).then(|| body_of(&operation));
                world.aws_calls();
                let answer = world.request(Some(&key), method.clone(), &format!("/v1/firms/{firm}{below}"), body).await;
                (answer.status, answer.body, world.aws_calls())
            };
            walked += 1;
            let seen = ask(&registry.firm, path(&theirs)).await;
            assert_eq!(seen.0, StatusCode::NOT_FOUND, "{operation}");
            assert!(!seen.2.is_empty(), "{operation}: nothing was heard, not even the key being read");
            assert_eq!(seen, ask(nowhere, path(&absent)).await, "{operation}");
            // Nor do another firm's ids lead anywhere under one's own: they are answered as ids of nobody.
            if !below.contains('{') {
                continue;
            }
            let seen = ask(&other, path(&theirs)).await;
            let expected = match operation.as_str() {
                // Here it would be a new one; nobody else's is in the way, and the empty body is what is wrong.
                "PUT /dates/{external_id}" | "PUT /contacts/{external_id}" => StatusCode::BAD_REQUEST,
                // What is not there is deleted.
                "DELETE /dates/{external_id}" | "DELETE /contacts/{external_id}" => StatusCode::NO_CONTENT,
                _ => StatusCode::NOT_FOUND,
            };
            assert_eq!(seen.0, expected, "{operation} {}", seen.1);
            assert_eq!(seen, ask(&other, path(&absent)).await, "{operation}");
        }
    }
    assert!(walked > 20, "the description has {walked} operations of firms");
    let graph_requests = world.microsoft.requests().graph;
    for firm in [&registry.firm, &other] {
        for (method, path, body) in [
            (Method::POST, format!("/connectors/{}/validate", registry.connector), json!({})),
            (Method::POST, format!("/members/{member}/test"), json!({ "service": "mail" })),
            (Method::PATCH, format!("/members/{member}"), json!({ "name": "Mallory" })),
            (Method::DELETE, format!("/members/{member}"), Value::Null),
        ] {
            let body = (!body.is_null()).then_some(body);
            let refused = world.request(Some(&key), method, &format!("/v1/firms/{firm}{path}"), body).await;
            assert_eq!(refused.problem(), "not_found", "{path}");
        }
    }
    assert_eq!(world.microsoft.requests().graph, graph_requests, "Microsoft was asked for another firm");
    for (path, body) in [
        ("members", json!({ "name": "A", "address": "ada@lumen.example", "connector": registry.connector })),
        ("mailboxes", json!({ "member": member })),
    ] {
        let refused = world.request(Some(&key), Method::POST, &format!("/v1/firms/{other}/{path}"), Some(body)).await;
        assert_eq!(refused.problem(), "invalid_request", "{path}");
    }
    let path = format!("/v1/firms/{other}/mailboxes");
    let add = |connector: &str| {
        let body = json!({ "connector": connector, "address": "ada@lumen.example", "kind": "user" });
        world.request(Some(&key), Method::POST, &path, Some(body))
    };
    let (stolen, absent) = (add(&registry.connector).await, add(nowhere).await);
    assert_eq!(stolen.status, StatusCode::BAD_REQUEST);
    assert_eq!(stolen.body.to_string().replace(&registry.connector, nowhere), absent.body.to_string());
    assert_eq!(
        world.request(Some(&key), Method::POST, "/v1/firms", Some(json!({}))).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn bad_input_is_answered_with_a_problem_and_stores_nothing() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let good = json!({ "name": "A", "domains": ["a.example"], "language": "fr", "time_zone": "Europe/Paris" });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let bad_firms = [
        json!({}),
        json!([]),
        json!("x"),
        with("name", json!("")),
        with("name", json!("x".repeat(300))),
        with("name", json!(7)),
        with("language", json!("xx")),
        with("domains", json!(["not a domain"])),
        with("time_zone", json!("Mars/Olympus Mons!")),
        with("surprise", json!(true)),
    ];
    for body in bad_firms {
        assert_eq!(world.post("/v1/firms", body.clone()).await.problem(), "invalid_request", "{body}");
    }
    let cases = [
        (Method::POST, format!("/v1/firms/{firm}/connectors"), json!({ "name": "x", "access": "root" })),
        (
            Method::POST,
            format!("/v1/firms/{firm}/connectors"),
            json!({ "name": "x", "access": "delegated", "app": {} }),
        ),
        (
            Method::POST,
            format!("/v1/firms/{firm}/mailboxes"),
            json!({ "connector": "x", "address": "a@b", "kind": "user" }),
        ),
        (Method::POST, format!("/v1/firms/{firm}/members"), json!({ "name": "x", "address": "a@b.example" })),
        (Method::GET, format!("/v1/firms/{firm}/members?after=x"), Value::Null),
        (Method::POST, format!("/v1/firms/{firm}/keys"), json!({ "name": "\u{7}" })),
        (Method::GET, format!("/v1/firms/{firm}/messages?limit=0"), Value::Null),
        (Method::GET, format!("/v1/firms/{firm}/messages?limit=100000"), Value::Null),
        (Method::GET, format!("/v1/firms/{firm}/messages?after=abc"), Value::Null),
        (Method::GET, format!("/v1/firms/{firm}/events?after=-1"), Value::Null),
    ];
    for (method, path, body) in cases {
        let body = (!body.is_null()).then_some(body);
        let code = world.request(Some(OPERATOR_KEY), method, &path, body).await.problem();
        assert_eq!(code, "invalid_request", "{path}");
    }
    for path in ["/v1/firms/x", "/v1/firms/x/messages", "/v2", "/v1/firms/%00"] {
        let answer = world.get(path).await;
        assert_eq!(answer.problem(), "not_found", "{path}");
    }
    assert_eq!(
        world.request(Some(OPERATOR_KEY), Method::DELETE, "/v1/firms", None).await.problem(),
        "method_not_allowed"
    );
    assert_eq!(world.request(None, Method::GET, &format!("/v1/firms/{firm}"), None).await.problem(), "unauthorized");
    assert_eq!(
        world.request(Some("x"), Method::GET, &format!("/v1/firms/{firm}"), None).await.problem(),
        "unauthorized"
    );
    for list in ["connectors", "mailboxes", "members", "messages"] {
        let page = world.get(&format!("/v1/firms/{firm}/{list}")).await.ok();
        assert_eq!(page["items"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn the_description_names_every_route() {
    let world = World::new().await;
    let description = world.request(None, Method::GET, "/openapi.json", None).await.ok();
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/v1/firms",
        "/v1/firms/{firm}/keys",
        "/v1/firms/{firm}/connectors/{connector}",
        "/v1/firms/{firm}/connectors/{connector}/validate",
        "/v1/firms/{firm}/members/{member}",
        "/v1/firms/{firm}/members/{member}/test",
        "/v1/firms/{firm}/mailboxes/{mailbox}/selection",
        "/v1/firms/{firm}/mailboxes/{mailbox}/activate",
        "/v1/firms/{firm}/messages/{message}/content",
        "/v1/firms/{firm}/events",
    ] {
        assert!(paths.contains_key(path), "{path} is not described; {:?} are", paths.keys());
    }
}
