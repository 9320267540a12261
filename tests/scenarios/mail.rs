//! R5, R10, D3: the path of mail when all goes well.

use std::time::Duration;

use aws_sdk_s3::types::ChecksumAlgorithm;
use microsoft365::{Scripted, Times};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::mail::archive::key;
use tests::{ADA, OPERATOR_KEY, Registry, World, message_id};

const GREY: &str = "greffe: received";

#[tokio::test]
async fn r11_a_mail_announced_twice_is_archived_once_and_marked() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().notices(microsoft365::NoticeFault::Duplicate, microsoft365::Times::Forever);
    let invoice = world.deliver("inbox", "Invoice 7");
    world.run_until_idle().await;

    let message = world.message(&registry, &invoice).await.ok();
    assert_eq!((&message["state"], &message["subject"]), (&json!("marked"), &json!("Invoice 7")));
    assert_eq!(world.objects().await.len(), 1);
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"]);
    assert_eq!(world.microsoft.messages(ADA).unwrap()[0].categories, [GREY]);
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["discovered"], &progress["archived"]), (&json!(1), &json!(1)));
    world.settle(&registry).await;
}

#[tokio::test]
async fn an_original_that_a_killed_function_stored_is_taken_as_it_lies_there() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Stored, and nobody knew");
    let stored = b"what Graph served the first time".to_vec();
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    let put = s3.put_object().bucket(local::provision::BUCKET);
    let put = put.key(key(registry.firm.parse().unwrap(), message_id(&registry, &mail)));
    put.checksum_algorithm(ChecksumAlgorithm::Sha256).body(stored.clone().into()).send().await.unwrap();
    world.run_until_idle().await;

    let message = world.message(&registry, &mail).await.ok();
    assert_eq!((&message["state"], &message["bytes"]), (&json!("marked"), &json!(stored.len())));
    assert_eq!(message["sha256"], hex::encode(Sha256::digest(&stored)));
    assert_eq!(world.objects().await.len(), 1);
}

#[tokio::test]
async fn r5_what_lay_there_before_is_left_alone_however_it_changes() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    let old: Vec<String> = (0..120).map(|i| world.deliver_at("inbox", &format!("Old {i}"), week_ago)).collect();
    let registry = world.registry().await;
    world.microsoft.set_read(ADA, &old[3], true).unwrap();
    world.microsoft.set_categories(ADA, &old[4], &["Urgent"]).unwrap();
    world.pass(Duration::from_secs(3600)).await;

    assert_eq!(world.objects().await.len(), 0);
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["discovered"], &progress["skipped"]["already_there"]), (&json!(0), &json!(120)));
    assert_eq!(world.microsoft.messages(ADA).unwrap().iter().filter(|m| m.categories == ["Urgent"]).count(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r5_older_mail_is_kept_once_it_is_moved_in_and_again_after_it_was_moved_out() {
    let world = World::new().await;
    let year_ago = world.clock.now() - Duration::from_secs(365 * 86_400);
    let clients = world.microsoft.create_folder(ADA, "msgfolderroot", "Clients").unwrap();
    let elsewhere = world.deliver_at(&clients, "From elsewhere", year_ago);
    let lying = world.deliver_at("inbox", "Lying there", year_ago);
    let registry = world.registry().await;

    world.microsoft.move_message(ADA, &elsewhere, "inbox").unwrap();
    world.microsoft.move_message(ADA, &lying, &clients).unwrap();
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &elsewhere).await.ok()["state"], "marked");
    assert_eq!(world.message(&registry, &lying).await.problem(), "not_found");

    world.pass(Duration::from_secs(3600)).await;
    world.microsoft.move_message(ADA, &lying, "inbox").unwrap();
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &lying).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_folder_that_is_not_chosen_is_not_read() {
    let world = World::new().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let registry = world.registry().await;
    world.deliver(&clients, "Not chosen");
    world.deliver("junkemail", "Spam");
    let sent = world.deliver("sentitems", "Sent");
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 1);
    assert_eq!(world.message(&registry, &sent).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mail_that_moves_between_chosen_folders_stays_one_mail() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Wanders");
    world.run_until_idle().await;
    world.microsoft.move_message(ADA, &mail, "sentitems").unwrap();
    world.run_until_idle().await;
    world.microsoft.move_message(ADA, &mail, "inbox").unwrap();
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.objects().await.len(), 1);
    assert_eq!(world.feed(&registry.firm).await.len(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn the_persons_own_categories_survive_the_mark() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Contract");
    world.microsoft.set_categories(ADA, &mail, &["Urgent", "Client X"]).unwrap();
    // Somebody edits the mail at the very moment it is marked.
    world.microsoft.faults().conflict(&mail, microsoft365::Times::N(2));
    world.run_until_idle().await;
    assert_eq!(world.microsoft.messages(ADA).unwrap()[0].categories, ["Urgent", "Client X", GREY]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_draft_is_kept_only_once_it_is_a_mail() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut draft = microsoft365::Mail::new("Subject: Draft\r\n\r\nHalf.\r\n", world.clock.now());
    draft.is_draft = true;
    let draft = world.microsoft.deliver(ADA, "inbox", draft).unwrap().immutable_id;
    world.run_until_idle().await;
    let message = world.message(&registry, &draft).await.ok();
    assert_eq!((&message["state"], &message["skip_reason"]), (&json!("skipped"), &json!("draft")));
    assert_eq!(world.progress(&registry).await["skipped"]["draft"], 1);
    assert_eq!(world.objects().await.len(), 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn of_what_a_change_leaves_out_and_graph_does_not_tell_nothing_is_guessed() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    let old = world.deliver_at("inbox", "Old", week_ago);
    let registry = world.registry().await;
    let mut draft = microsoft365::Mail::new("Subject: Draft\r\n\r\nHalf.\r\n", world.clock.now());
    draft.is_draft = true;
    let draft = world.microsoft.deliver(ADA, "inbox", draft).unwrap().immutable_id;
    world.run_until_idle().await;
    let faults = world.microsoft.faults();
    for (mail, property) in [(&old, "receivedDateTime"), (&draft, "isDraft")] {
        let left_out = Scripted::Property(Some(mail.clone()), property, Value::Null);
        faults.answer("message delta", None, left_out, Times::Forever);
        faults.fail("message", 503, Times::Forever);
        let asked = || world.microsoft.requests().by_kind.get("message").copied().unwrap_or_default();
        let before = asked();
        world.microsoft.set_read(ADA, mail, true).unwrap();
        world.pass(Duration::from_secs(7_200)).await;
        assert!(asked() > before, "{property}");
        faults.clear();
    }
    assert_eq!(world.objects().await.len(), 0);
    // Once it is sent, it is a mail.
    world.microsoft.send_draft(ADA, &draft).unwrap();
    world.pass(Duration::from_secs(7_200)).await;
    assert_eq!(world.message(&registry, &draft).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_backlog_of_many_pages_is_taken_in_whole() {
    let world = World::new().await;
    let registry = world.registry().await;
    for i in 0..250 {
        world.deliver(if i % 3 == 0 { "sentitems" } else { "inbox" }, &format!("Mail {i}"));
    }
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 250);
    assert_eq!(world.progress(&registry).await["archived"], 250);
    assert!(world.microsoft.messages(ADA).unwrap().iter().all(|m| m.categories == [GREY]));
    assert_eq!(world.microsoft.requests().throttled, 0);

    // The list reaches every message, page by page, newest registered first.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/v1/firms/{}/messages?limit=40{after}", registry.firm)).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|m| m["number"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 250);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_paused_mailbox_keeps_nothing_until_it_is_activated_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    world.post(&format!("{path}/pause"), json!({})).await.ok();
    let mail = world.deliver("inbox", "Meanwhile");
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.objects().await.len(), 0);
    world.activate(&registry).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

/// Two mails are archived; the second is larger than what the function gives out itself.
async fn a_small_and_a_large_original() -> (World, Registry, String, String) {
    let world = World::with(&[("GREFFE_CONTENT_BYTES_MAX", "1000")]).await;
    let registry = world.registry().await;
    let small = world.deliver("inbox", "Small");
    let large = microsoft365::Mail::generated(3, 5_000, world.clock.now());
    let large = world.microsoft.deliver(ADA, "inbox", large).unwrap().immutable_id;
    world.run_until_idle().await;
    (world, registry, small, large)
}

#[tokio::test]
async fn a_large_original_is_handed_out_by_s3_through_a_link_of_its_own() {
    let (world, registry, small, large) = a_small_and_a_large_original().await;
    let content = |mail: &str| {
        let path = format!("/v1/firms/{}/messages/{}/content", registry.firm, tests::message_id(&registry, mail));
        async {
            let path = path;
            world.get(&path).await
        }
    };
    assert_eq!(content(&small).await.status, 200);
    let elsewhere = content(&large).await;
    let link = elsewhere.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(elsewhere.status, 303);
    assert!(link.contains("X-Amz-Signature=") && link.contains("X-Amz-Expires=300"), "{link}");
}

#[tokio::test]
async fn a_part_of_an_original_is_given_by_its_range_and_the_same_one_is_not_given_again() {
    let (world, registry, small, large) = a_small_and_a_large_original().await;
    let ask = async |method: Method, mail: &str, headers: &[(&str, &str)]| {
        let path = format!("/v1/firms/{}/messages/{}/content", registry.firm, tests::message_id(&registry, mail));
        let url = format!("http://{}{path}", world.host.address);
        let mut request = world.http.request(method, url).bearer_auth(OPERATOR_KEY);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap())
    };

    let (status, headers, whole) = ask(Method::GET, &small, &[]).await;
    assert_eq!((status, headers["accept-ranges"].as_bytes()), (200, &b"bytes"[..]));
    let (etag, length) = (headers["etag"].to_str().unwrap().to_owned(), whole.len());
    let (status, headers, part) = ask(Method::GET, &small, &[("range", "bytes=10-19")]).await;
    assert_eq!((status, &part[..]), (206, &whole[10..20]));
    assert_eq!(headers["content-range"], format!("bytes 10-19/{length}"));
    assert_eq!((&headers["content-length"], &headers["etag"]), (&"10".parse().unwrap(), &etag.parse().unwrap()));
    let (status, _, end) = ask(Method::GET, &small, &[("range", "bytes=-5"), ("if-range", &etag)]).await;
    assert_eq!((status, &end[..]), (206, &whole[length - 5..]));

    let behind = format!("bytes={length}-");
    let (status, headers, problem) = ask(Method::GET, &small, &[("range", &behind)]).await;
    assert_eq!((status, &headers["content-range"]), (416, &format!("bytes */{length}").parse().unwrap()));
    assert!(String::from_utf8_lossy(&problem).contains("range_beyond_end"));

    let (status, headers, nothing) = ask(Method::GET, &small, &[("if-none-match", &etag)]).await;
    assert_eq!((status, &headers["etag"], nothing.len()), (304, &etag.parse().unwrap(), 0));

    // HEAD reads nothing of S3 and gives no link, whatever the size.
    world.aws_calls();
    for mail in [&small, &large] {
        let (status, headers, nothing) = ask(Method::HEAD, mail, &[]).await;
        assert_eq!((status, nothing.len(), headers.contains_key("location")), (200, 0, false));
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(length == whole.len(), mail == &small);
    }
    let read = world.aws_calls();
    assert!(!read.iter().any(|call| call.resource.starts_with("Originals")), "{read:?}");
    // Whoever follows the link sends the range again, to S3.
    assert_eq!(ask(Method::GET, &large, &[("range", "bytes=0-9")]).await.0, 303);
}
