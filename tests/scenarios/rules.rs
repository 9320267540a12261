//! R7 and R8: the firm's internal mail, excluded senders and excluded domains are not kept, and it can be seen why.

use microsoft365::Mail;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Registry, World};

/// A mail with these header fields arrives in Ada's Inbox.
fn arrives(world: &World, header: &str) -> String {
    let mime = format!("{}\r\nSubject: Hello\r\n\r\nHello.\r\n", header.replace('\n', "\r\n"));
    world.microsoft.deliver(ADA, "inbox", Mail::new(mime, world.clock.now())).unwrap().immutable_id
}

fn rules_of(registry: &Registry) -> String {
    format!("/v1/firms/{}/mailboxes/{}/rules", registry.firm, registry.mailbox)
}

async fn member(world: &World, registry: &Registry) {
    let body = json!({
        "name": "Ada Lambert", "address": ADA, "aliases": ["a.lambert@lumen.example", "ada@bücher.example"],
        "connector": registry.connector,
    });
    world.post(&format!("/v1/firms/{}/members", registry.firm), body).await.ok();
}

/// Why a mail was skipped, or its state.
async fn fate(world: &World, registry: &Registry, mail: &str) -> String {
    let message = world.message(registry, mail).await.ok();
    message["skip_reason"].as_str().or(message["state"].as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn r7_internal_mail_is_what_a_member_sends_to_the_own_domain_only_in_to_cc_and_bcc() {
    let world = World::new().await;
    let registry = world.registry().await;
    member(&world, &registry).await;
    let shown = world.put(&rules_of(&registry), json!({ "ignore_internal": true })).await.ok();
    assert_eq!(
        shown["rules"],
        json!({ "ignore_internal": true, "excluded_senders": [], "excluded_domains": [], "mark": true })
    );
    let before = world.microsoft.requests().graph;
    let mut expected = Vec::new();
    for (header, fate) in [
        ("From: Ada <ada@lumen.example>\nTo: bob@lumen.example", "internal"),
        ("From: \"LAMBERT, Ada\" <ADA@Lumen.Example>\nTo: Bob <Bob@LUMEN.example>\nCc: c@lumen.example", "internal"),
        ("From: a.lambert@lumen.example\nTo: bob@lumen.example\nBcc: di@lumen.example", "internal"),
        ("From: ada@xn--bcher-kva.example\nTo: dan@xn--bcher-kva.example", "internal"),
        ("From: bob@lumen.example\nTo: ada@lumen.example", "marked"),
        ("From: ada@lumen.example\nTo: bob@lumen.example\nCc: client@acme.example", "marked"),
        ("From: ada@lumen.example\nTo: bob@lumen.example\nBcc: client@acme.example", "marked"),
        ("From: ada@lumen.example\nTo: bob@mail.lumen.example", "marked"),
        ("From: ada@lumen.example\nTo: dan@xn--bcher-kva.example", "marked"),
        ("From: ada@lumen.example", "marked"),
        ("From: ada@lumen.example\nTo: undisclosed-recipients:;", "marked"),
        ("To: bob@lumen.example", "marked"),
    ] {
        expected.push((arrives(&world, header), fate, header));
    }
    world.run_until_idle().await;
    for (mail, expected, header) in &expected {
        assert_eq!(fate(&world, &registry, mail).await, *expected, "{header}");
    }
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["discovered"], &progress["archived"]), (&json!(12), &json!(8)));
    assert_eq!(progress["skipped"]["internal"], 4);
    assert_eq!(world.objects().await.len(), 8);
    // What is skipped costs nothing: a body and a part of a batch for each that is kept, pages, and the marks'
    // categories.
    let kinds = world.microsoft.requests().by_kind;
    assert!(!kinds.contains_key("message"), "{kinds:?}");
    assert!(world.microsoft.requests().graph - before < 2 * 8 + 12);
    let held = world.microsoft.messages(ADA).unwrap();
    assert_eq!(held.iter().filter(|mail| mail.categories.is_empty()).count(), 4, "what is skipped is not marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r8_mail_of_excluded_senders_and_domains_is_skipped_and_counted_by_reason() {
    let world = World::new().await;
    let registry = world.registry().await;
    let rules = json!({
        "excluded_senders": ["MyAddress@GMX.example", "myaddress@gmx.example"],
        "excluded_domains": ["Microsoft.example", "bücher.example."],
    });
    let shown = world.put(&rules_of(&registry), rules).await.ok();
    assert_eq!(shown["rules"]["excluded_senders"], json!(["myaddress@gmx.example"]));
    assert_eq!(shown["rules"]["excluded_domains"], json!(["microsoft.example", "xn--bcher-kva.example"]));
    for (from, expected) in [
        ("\"Me\" <myADDRESS@gmx.example>", "excluded_sender"),
        ("other@gmx.example", "marked"),
        ("news@MICROSOFT.example", "excluded_domain"),
        ("a@xn--bcher-kva.example", "excluded_domain"),
        ("news@mail.microsoft.example", "marked"),
        ("news@notmicrosoft.example", "marked"),
    ] {
        let mail = arrives(&world, &format!("From: {from}\nTo: {ADA}"));
        world.run_until_idle().await;
        assert_eq!(fate(&world, &registry, &mail).await, expected, "{from}");
    }
    let skipped = world.progress(&registry).await["skipped"].clone();
    assert_eq!((&skipped["excluded_sender"], &skipped["excluded_domain"]), (&json!(1), &json!(2)));
    assert_eq!(world.feed(&registry.firm).await.len(), 3, "what is skipped is not told");
    world.settle(&registry).await;
}

#[tokio::test]
async fn other_rules_touch_neither_what_is_archived_nor_what_was_skipped() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.put(&rules_of(&registry), json!({ "excluded_domains": ["acme.example"] })).await.ok();
    let (skipped, kept) = (world.deliver("inbox", "Skipped"), arrives(&world, "From: x@other.example"));
    world.run_until_idle().await;
    world.put(&rules_of(&registry), json!({ "excluded_domains": ["other.example"] })).await.ok();
    // Told again, changed, read from the start.
    world.microsoft.set_read(ADA, &skipped, true).unwrap();
    world.microsoft.set_read(ADA, &kept, true).unwrap();
    world.microsoft.faults().delta_gone(ADA, microsoft365::Times::N(1));
    let now_kept = world.deliver("inbox", "Kept");
    world.run_until_idle().await;
    assert_eq!(fate(&world, &registry, &skipped).await, "excluded_domain");
    assert_eq!(fate(&world, &registry, &kept).await, "marked");
    assert_eq!(fate(&world, &registry, &now_kept).await, "marked");
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["archived"], &progress["skipped"]["excluded_domain"]), (&json!(2), &json!(1)));
    world.settle(&registry).await;
}

#[tokio::test]
async fn who_is_a_member_is_read_once_a_minute_and_not_for_each_mail() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.put(&rules_of(&registry), json!({ "ignore_internal": true })).await.ok();
    world.run_until_idle().await;
    let queries = |world: &World| {
        let calls = world.aws_calls().into_iter();
        calls.filter(|call| call.function == "delta-poll" && call.action == "dynamodb:Query").count()
    };
    let mut asked = Vec::new();
    for _ in 0..2 {
        world.pass(std::time::Duration::from_secs(61)).await;
        queries(&world);
        for _ in 0..2 {
            arrives(&world, "From: client@acme.example\nTo: ada@lumen.example");
            world.run_until_idle().await;
            asked.push(queries(&world));
        }
    }
    assert_eq!((asked[0] - asked[1], asked[2] - asked[3]), (1, 1), "{asked:?}");

    member(&world, &registry).await;
    world.pass(std::time::Duration::from_secs(61)).await;
    let internal = arrives(&world, "From: ada@lumen.example\nTo: bob@lumen.example");
    world.run_until_idle().await;
    assert_eq!(fate(&world, &registry, &internal).await, "internal", "a new member counts after a minute");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_draft_that_is_sent_to_colleagues_is_counted_once_as_what_it_is_now() {
    let world = World::new().await;
    let registry = world.registry().await;
    member(&world, &registry).await;
    world.put(&rules_of(&registry), json!({ "ignore_internal": true })).await.ok();
    let mime = "From: ada@lumen.example\r\nTo: bob@lumen.example\r\nSubject: Lunch\r\n\r\nSoon?\r\n";
    let mut draft = Mail::new(mime, world.clock.now());
    draft.is_draft = true;
    let draft = world.microsoft.deliver(ADA, "sentitems", draft).unwrap().immutable_id;
    world.run_until_idle().await;
    assert_eq!(fate(&world, &registry, &draft).await, "draft");
    world.microsoft.send_draft(ADA, &draft).unwrap();
    world.pass(std::time::Duration::from_secs(3600)).await;
    assert_eq!(fate(&world, &registry, &draft).await, "internal");
    let progress = world.progress(&registry).await;
    assert_eq!(progress["discovered"], 1);
    assert_eq!((&progress["skipped"]["draft"], &progress["skipped"]["internal"]), (&json!(0), &json!(1)));
    world.settle(&registry).await;
}

#[tokio::test]
async fn it_can_be_seen_what_rules_would_have_skipped_before_they_are_set() {
    let world = World::new().await;
    let registry = world.registry().await;
    member(&world, &registry).await;
    let internal = arrives(&world, "From: ada@lumen.example\nTo: bob@lumen.example");
    for i in 0..5 {
        arrives(&world, &format!("From: news{i}@letters.example\nTo: {ADA}"));
    }
    arrives(&world, "From: client@acme.example\nTo: ada@lumen.example");
    world.run_until_idle().await;
    let before = world.microsoft.requests().graph;

    let rules = json!({ "ignore_internal": true, "excluded_domains": ["letters.example"] });
    let preview = async |query: &str, rules: &Value| {
        let path = format!("{}/preview{query}", rules_of(&registry));
        world.post(&path, rules.clone()).await.ok()
    };
    let all = preview("", &rules).await;
    let reasons: Vec<&str> = all["items"].as_array().unwrap().iter().map(|i| i["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == "excluded_domain").count(), 5);
    assert_eq!(reasons.iter().filter(|reason| **reason == "internal").count(), 1);
    let id = tests::message_id(&registry, &internal).to_string();
    assert!(all["items"].as_array().unwrap().iter().any(|i| i["message"]["id"] == id.as_str()));

    // Page by page it comes to the same.
    let (mut seen, mut after) = (0, String::new());
    loop {
        let page = preview(&format!("?limit=2{after}"), &rules).await;
        seen += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 6);
    assert_eq!(preview("", &json!({})).await["items"], json!([]));
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    assert_eq!(world.get(&path).await.ok()["rules"]["ignore_internal"], false, "nothing was set");
    assert_eq!(world.microsoft.requests().graph, before, "Microsoft was asked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_rule_that_is_none_is_refused_by_name_and_nothing_changes() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = rules_of(&registry);
    world.put(&path, json!({ "excluded_senders": ["kept@acme.example"] })).await.ok();
    let many: Vec<String> = (0..501).map(|i| format!("s{i}@acme.example")).collect();
    for (body, named) in [
        (json!({ "excluded_senders": ["a@acme.example", "no address"] }), "excluded_senders[1]"),
        (json!({ "excluded_domains": ["acme.example", "b.example", "@c.example"] }), "excluded_domains[2]"),
        (json!({ "excluded_domains": ["*.acme.example"] }), "excluded_domains[0]"),
        (json!({ "excluded_senders": many }), "excluded_senders: at most 500"),
        (json!({ "ignore_internal": "yes" }), "ignore_internal"),
        (json!({ "ignore_external": true }), "ignore_external"),
    ] {
        for path in [path.clone(), format!("{path}/preview")] {
            let method = if path.ends_with("preview") { reqwest::Method::POST } else { reqwest::Method::PUT };
            let refused = world.request(Some(tests::OPERATOR_KEY), method, &path, Some(body.clone())).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            assert!(refused.body["detail"].as_str().unwrap().contains(named), "{}", refused.body);
            assert_eq!(refused.problem(), "invalid_request");
        }
    }
    let shown = world.get(&format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox)).await.ok();
    assert_eq!(shown["rules"]["excluded_senders"], json!(["kept@acme.example"]));

    let other = world.firm("Other").await;
    let theirs = format!("/v1/firms/{other}/mailboxes/{}/rules", registry.mailbox);
    assert_eq!(world.put(&theirs, json!({})).await.problem(), "not_found");
    assert_eq!(world.post(&format!("{theirs}/preview"), json!({})).await.problem(), "not_found");
    world.settle(&registry).await;
}
