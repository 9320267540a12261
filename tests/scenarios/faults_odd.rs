//! R14: answers of another form than Graph documents, whole or in one entry, cost what they are about and nothing else.

use std::time::Duration;

use microsoft365::{Scripted, Times};
use serde_json::{Value, json};
use tests::{ADA, Registry, World};

use crate::faults::{DAY, MINUTE, folder_id, kept, mailbox, pass, path, state};

fn text(from: &str, to: &str) -> Scripted {
    Scripted::Text(from.to_owned(), to.to_owned())
}

fn raw(status: u16, body: &str) -> Scripted {
    Scripted::Raw(status, vec![], body.as_bytes().to_vec())
}

fn some_mails(world: &World, folder: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| world.deliver(folder, &format!("Mail {n}"))).collect()
}

#[tokio::test]
async fn a_text_that_is_broken_endless_or_deep_costs_no_mail_of_its_page() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for (from, to) in [
        ("\"subject\":\"Mail 2\"", "\"subject\":\"Mail \\ud83d\"".to_owned()),
        ("\"subject\":\"Mail 2\"", format!("\"subject\":\"{}\"", "x".repeat(1_000_000))),
        ("client@acme.example", "x".repeat(500_000)),
        ("@acme.example>\"", format!("{}\"", "x".repeat(500_000))),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mails = some_mails(&world, "inbox", 5);
        world.microsoft.faults().answer("message delta", None, text(from, &to), Times::Forever);
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 5, "{from}");
        world.settle(&registry).await;
    }
    for odd in ["1e999".to_owned(), deep] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mails = some_mails(&world, "inbox", 5);
        let odd = text("\"subject\":\"Mail 2\"", &format!("\"subject\":{odd}"));
        world.microsoft.faults().answer("message delta", None, odd, Times::Forever);
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 5);
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn many_folders_that_failed_are_all_read_in_the_round_in_which_one_of_them_works_again() {
    let world = World::new().await;
    let made = world.folders(9);
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    for folder in &made {
        world.microsoft.faults().answer("message delta", Some(folder), Scripted::Status(503, None), Times::Forever);
    }
    let mails: Vec<String> = made.iter().map(|folder| world.deliver(folder, "In a folder that fails")).collect();
    world.run_until_idle().await;
    pass(&world, 60 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 0);
    world.microsoft.faults().clear();
    // Each is tried at least every quarter of an hour, and the first that works brings those that still rest.
    let mut minutes = 0..16;
    while minutes.next().is_some() && kept(&world, &registry, &mails).await == 0 {
        world.pass(MINUTE).await;
    }
    assert_eq!(kept(&world, &registry, &mails).await, 9);
    world.settle(&registry).await;
}

#[tokio::test]
async fn more_new_mails_in_many_folders_than_graph_is_asked_for_at_once_are_all_found_at_once() {
    let world = World::new().await;
    let made = world.folders(12);
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    world.run_until_idle().await;
    let first = world.deliver(&made[0], "The first of many");
    world.clock.advance(Duration::from_secs(2));
    let more = some_mails(&world, "inbox", 60);
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &more).await, 60);
    assert_eq!(kept(&world, &registry, &[first]).await, 1, "it is not among the fifty newest");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_folder_whose_answer_is_late_holds_up_no_mail_of_another() {
    let world = World::new().await;
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    let inbox = folder_id(&world, &registry, "inbox").await;
    let late = Scripted::Late(Duration::from_millis(1_500));
    world.microsoft.faults().answer("message delta", Some(&inbox), late, Times::N(1));
    world.deliver("inbox", "Late");
    world.deliver("sentitems", "In time");
    world.run_until_idle().await;
    let events = world.get(&format!("/v1/firms/{}/events?type=message_archived", registry.firm)).await.ok();
    let subjects: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|event| &event["subject"]).collect();
    assert_eq!(subjects, ["In time", "Late"], "the inbox is read first");
    world.settle(&registry).await;
}

/// Waits until all of `mails` are kept. On a busy machine a mail may need longer than the half second that it is given
/// beside silent ones; then its next try keeps it.
async fn kept_soon(world: &World, registry: &Registry, mails: &[String]) {
    let mut tries = 0;
    while kept(world, registry, mails).await < mails.len() {
        assert!(tries < 3, "kept after so many tries");
        world.pass(MINUTE).await;
        tries += 1;
    }
}

#[tokio::test]
async fn many_mails_whose_originals_never_come_hold_up_others_for_seconds_and_come_soon_once_they_do() {
    let world = World::new().await;
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    let silent: Vec<String> = (0..16).map(|i| world.deliver("inbox", &format!("Silent {i}"))).collect();
    for id in &silent {
        world.microsoft.faults().answer("message value", Some(id), Scripted::Silent, Times::Forever);
    }
    let mut mails = vec![world.deliver("inbox", "Behind them"), world.deliver("sentitems", "Elsewhere")];
    let asked = tokio::time::Instant::now();
    world.run_until_idle().await;
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    kept_soon(&world, &registry, &mails).await;
    // When they are tried again, new mail waits for two of them.
    world.clock.advance(MINUTE);
    mails.push(world.deliver("inbox", "Later"));
    let asked = tokio::time::Instant::now();
    world.run_until_idle().await;
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    kept_soon(&world, &registry, &mails).await;
    world.microsoft.faults().clear();
    for _ in 0..2 {
        world.pass(MINUTE).await;
    }
    assert_eq!(kept(&world, &registry, &silent).await, 16);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_link_that_is_wrong_once_does_not_keep_its_folder_or_the_tree_from_being_read_for_ever() {
    for (from, to) in [
        ("deltaLink\":\"http://", "deltaLink\":\"http://elsewhere.example/".to_owned()),
        ("deltatoken=", format!("deltatoken={}", "x".repeat(500_000))),
        ("deltatoken=", "deltatoken=wrong".to_owned()),
    ] {
        let world = World::new().await;
        let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
        for kind in ["message delta", "folder delta"] {
            world.microsoft.faults().answer(kind, None, text(from, &to), Times::N(1));
        }
        let mut mails = some_mails(&world, "inbox", 2);
        mails.extend(some_mails(&world, "sentitems", 2));
        world.run_until_idle().await;
        pass(&world, 20 * MINUTE).await;
        let made = world.microsoft.create_folder(ADA, "inbox", "Made later").unwrap();
        mails.push(world.deliver(&made, "In it"));
        pass(&world, 20 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 5, "{from} {}", &to[..20]);
        let shown = mailbox(&world, &registry).await;
        assert_eq!((&shown["problem"], &shown["incomplete"]), (&Value::Null, &json!([])), "{shown}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_tree_that_leaves_out_folders_takes_none_away() {
    for left_out in [true, false] {
        let world = World::new().await;
        let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
        let inbox = folder_id(&world, &registry, "inbox").await;
        let fault = match left_out {
            true => Scripted::Property(Some(inbox.clone()), "id", Value::Null),
            false => Scripted::Behind,
        };
        // The whole tree is read once a day.
        world.pass(DAY).await;
        world.microsoft.faults().answer("folder delta", None, fault, Times::N(1));
        world.pass(Duration::from_secs(25 * 3600)).await;
        let mail = world.deliver("inbox", "Still there");
        world.run_until_idle().await;
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{left_out}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_well_known_name_without_an_answer_lets_no_folder_be_read_that_never_is() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let id = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox: id };
    world.put(&path(&registry, "/selection"), json!({ "mode": "all", "folders": [] })).await.ok();
    world.microsoft.faults().answer("folder", Some("deleteditems"), raw(200, "{}"), Times::Forever);
    world.activate(&registry).await;
    let deleted = world.deliver("deleteditems", "Thrown away");
    pass(&world, 5 * MINUTE).await;
    assert_eq!(state(&world, &registry, &deleted).await, Value::Null);
    assert_eq!(mailbox(&world, &registry).await["problem"]["code"], "folder_tree_unreadable");
    world.microsoft.faults().clear();
    pass(&world, 20 * MINUTE).await;
    let mail = world.deliver("inbox", "Kept");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    assert_eq!(state(&world, &registry, &deleted).await, Value::Null);
}

#[tokio::test]
async fn a_tree_without_an_end_is_not_asked_for_ever() {
    let world = World::new().await;
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    for kind in ["folder delta", "folders"] {
        world.microsoft.faults().answer(kind, None, Scripted::Endless, Times::Forever);
    }
    let asked = || -> u64 {
        let requests = world.microsoft.requests().by_kind;
        ["folder delta", "folders"].iter().filter_map(|kind| requests.get(*kind)).sum()
    };
    let before = asked();
    pass(&world, 60 * MINUTE).await;
    let mail = world.deliver("inbox", "Meanwhile");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    assert!(asked() - before < 100, "{} pages", asked() - before);
}

#[tokio::test]
async fn what_history_lists_twice_or_with_a_date_that_is_wrong_ends_it_neither_early_nor_never() {
    let odd = |mail: &str| {
        [
            Scripted::Twice,
            Scripted::Property(Some(mail.to_owned()), "receivedDateTime", json!("2100-01-01T00:00:00Z")),
            Scripted::Property(Some(mail.to_owned()), "receivedDateTime", json!("9999-12-31T23:59:59Z")),
            text("\"@odata.count\":10", "\"@odata.count\":18446744073709551615"),
            text("\"@odata.count\":10", "\"@odata.count\":\"ten\""),
        ]
    };
    for n in 0..5 {
        let world = World::new().await;
        let now = world.clock.now();
        let old = |folder: &str| -> Vec<String> {
            (1..=10u32).map(|n| world.deliver_at(folder, &format!("{n} days old"), now - DAY * n)).collect()
        };
        let mut mails = [old("inbox"), old("sentitems")].concat();
        let registry = world.registry().await;
        world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
        let fault = odd(&mails[4])[n].clone();
        world.microsoft.faults().answer("messages", None, fault.clone(), Times::Forever);
        world.post(&path(&registry, "/activate"), json!({ "since": "2026-02-01" })).await.ok();
        world.run_until_idle().await;
        pass(&world, 3 * MINUTE).await;
        if matches!(fault, Scripted::Property(..)) {
            // A mail of another date is not one that was asked for.
            mails.remove(4);
        }
        assert!(kept(&world, &registry, &mails).await >= mails.len(), "{fault:?}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["history"]["state"], "done", "{fault:?} {shown}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn nothing_but_the_whole_mail_becomes_an_original() {
    for fault in [
        Scripted::Header("content-encoding", "gzip".to_owned()),
        raw(206, "Subject: A part\r\n"),
        raw(200, "upstream connect error or disconnect"),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mut mails = some_mails(&world, "inbox", 5);
        let odd = mails.remove(2);
        world.microsoft.faults().answer("message value", Some(&odd), fault.clone(), Times::N(3));
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 4, "{fault:?}");
        assert_eq!(world.objects().await.len(), 4, "{fault:?}");
        pass(&world, 30 * MINUTE).await;
        assert_eq!(state(&world, &registry, &odd).await, "marked", "{fault:?}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_mail_of_which_a_gateway_says_404_is_told_as_failed_and_is_not_gone() {
    let gateway = r#"{"error":{"code":"UnknownError","message":""}}"#;
    for body in [gateway, "<html>404</html>"] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mut mails = some_mails(&world, "inbox", 5);
        let odd = mails.remove(2);
        for kind in ["message value", "message"] {
            world.microsoft.faults().answer(kind, Some(&odd), raw(404, body), Times::Forever);
        }
        world.run_until_idle().await;
        pass(&world, 5 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 4);
        assert_eq!(state(&world, &registry, &odd).await, "failed");
        assert!(world.feed(&registry.firm).await.contains(&"message_failed".to_owned()));
        world.microsoft.faults().clear();
        pass(&world, 120 * MINUTE).await;
        assert_eq!(state(&world, &registry, &odd).await, "marked");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_token_that_is_refused_for_one_thing_holds_up_no_other() {
    for kind in ["message delta", "message value", "message patch"] {
        let world = World::new().await;
        let registry = world.registry().await;
        let inbox = folder_id(&world, &registry, "inbox").await;
        let (odd, mails) = (world.deliver("inbox", "Odd"), some_mails(&world, "sentitems", 5));
        let thing = if kind == "message delta" { &inbox } else { &odd };
        world.microsoft.faults().answer(kind, Some(thing), Scripted::Status(401, None), Times::Forever);
        world.run_until_idle().await;
        pass(&world, MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 5, "{kind}");
        pass(&world, 5 * MINUTE).await;
        let connector = world.connector_view(&registry.firm, &registry.connector).await;
        assert_eq!(connector["state"], "connected", "{kind}");
        world.microsoft.faults().clear();
        pass(&world, 90 * MINUTE).await;
        assert_eq!(state(&world, &registry, &odd).await, "marked", "{kind}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_mark_is_set_once_whatever_was_answered_before_is_over() {
    for fault in [
        Scripted::Status(500, None),
        Scripted::Status(404, None),
        Scripted::Status(403, None),
        raw(404, "<html>"),
        Scripted::Garbage,
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mut mails = some_mails(&world, "inbox", 25);
        let odd = mails.remove(11);
        world.microsoft.faults().answer("message patch", Some(&odd), fault.clone(), Times::N(3));
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 24, "{fault:?}");
        pass(&world, 10 * MINUTE).await;
        assert_eq!(state(&world, &registry, &odd).await, "marked", "{fault:?}");
        world.settle(&registry).await;
    }
    // It changed meanwhile, and can't be read just then.
    for fault in [raw(200, "{}"), Scripted::Status(500, None)] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mail = world.deliver("inbox", "Changes");
        world.microsoft.faults().conflict(&mail, Times::N(1));
        world.microsoft.faults().answer("message", Some(&mail), fault.clone(), Times::N(3));
        world.run_until_idle().await;
        pass(&world, 5 * MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{fault:?}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_batch_with_an_odd_answer_among_its_parts_costs_that_part_only() {
    for (from, to) in [("\"id\":\"1\"", "\"id\":{}"), ("\"id\":\"1\",\"status\":200", "\"id\":\"1\",\"status\":1e999")]
    {
        let world = World::new().await;
        let registry = world.registry().await;
        let mails = some_mails(&world, "inbox", 20);
        world.microsoft.faults().answer("batch", None, text(from, to), Times::N(1));
        world.run_until_idle().await;
        assert!(kept(&world, &registry, &mails).await >= 19, "{from} {to}");
        pass(&world, 5 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 20);
        world.settle(&registry).await;
    }
    for body in [r#"{"error":{"code":"x"}}"#, r#"{"responses":[]}"#] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mails = some_mails(&world, "inbox", 20);
        world.microsoft.faults().answer("batch", None, raw(200, body), Times::N(2));
        world.run_until_idle().await;
        assert_eq!(world.objects().await.len(), 20);
        pass(&world, 5 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 20, "{body}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_wait_that_is_named_in_an_odd_way_is_a_short_one() {
    let named = [
        "0",
        "-5",
        "1e300",
        "soon",
        "",
        "99999999999",
        "Wed, 21 Oct 2036 07:28:00 GMT",
        "Sun, 01 Mar 2026 08:00:00 GMT",
    ];
    for named in named {
        let world = World::new().await;
        let registry = world.registry().await;
        let mut mails = some_mails(&world, "inbox", 10);
        let odd = mails.remove(3);
        let fault = Scripted::Raw(429, vec![("retry-after", named.to_owned())], Vec::new());
        world.microsoft.faults().answer("message value", Some(&odd), fault, Times::N(2));
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 9, "{named}");
        pass(&world, 40 * MINUTE).await;
        assert_eq!(state(&world, &registry, &odd).await, "marked", "{named}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_wait_until_a_date_is_kept_and_no_longer() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Later");
    let until = vec![("retry-after", "Mon, 02 Mar 2026 08:05:00 GMT".to_owned())];
    let fault = Scripted::Raw(429, until, Vec::new());
    world.microsoft.faults().answer("message value", Some(&mail), fault, Times::N(1));
    world.run_until_idle().await;
    let asked = || world.microsoft.requests().by_kind["message value"];
    let before = asked();
    pass(&world, 4 * MINUTE).await;
    assert_eq!(asked(), before);
    pass(&world, 2 * MINUTE).await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
}

#[tokio::test]
async fn a_subscription_whose_end_is_odd_is_asked_for_now_and_then_and_mail_is_polled() {
    for (odd, lasts) in [("\"2020-01-01T00:00:00Z\"", false), ("null", false), ("\"2100-01-01T00:00:00Z\"", true)] {
        let world = World::new().await;
        let fault = Scripted::Raw(
            201,
            vec![],
            format!(r#"{{"id":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","expirationDateTime":{odd}}}"#).into_bytes(),
        );
        world.microsoft.faults().answer("subscription create", None, fault, Times::Forever);
        let registry = world.registry().await;
        let asked = || world.microsoft.requests().by_kind["subscription create"];
        let before = asked();
        let mail = world.deliver("inbox", "Unannounced");
        pass(&world, 30 * MINUTE).await;
        assert!(asked() - before < 12, "{odd}: {} in half an hour", asked() - before);
        // Where a subscription is said to last, polls come every hour.
        if lasts {
            pass(&world, 31 * MINUTE).await;
        }
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{odd}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["problem"]["code"] == "notifications_missing", !lasts, "{odd} {shown}");
        world.microsoft.faults().clear();
        // A subscription that does not last as long as was said is missed by a poll.
        for _ in 0..8 {
            world.pass(DAY).await;
        }
        world.deliver("inbox", "Found by a poll");
        pass(&world, 61 * MINUTE).await;
        assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1, "{odd}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn folders_of_many_that_are_silent_from_one_moment_to_the_next_are_no_matter_of_the_mailbox() {
    let world = World::new().await;
    let made = world.folders(9);
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    pass(&world, 20 * MINUTE).await;
    for folder in &made[..4] {
        world.microsoft.faults().answer("message delta", Some(folder), Scripted::Silent, Times::Forever);
        world.deliver(folder, "In a folder that is silent");
    }
    let mails: Vec<String> = made[4..].iter().map(|folder| world.deliver(folder, "In one that is not")).collect();
    let asked = tokio::time::Instant::now();
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, mails.len());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_subscription_about_which_microsoft_is_silent_holds_up_no_mail() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.pass(4 * DAY).await;
    // Two days before its end it is to be renewed.
    world.clock.advance(DAY + DAY / 4);
    world.microsoft.faults().answer("subscription renew", None, Scripted::Silent, Times::Forever);
    let (began, mail) = (tokio::time::Instant::now(), world.deliver("inbox", "Meanwhile"));
    let marked = async {
        while state(&world, &registry, &mail).await != "marked" {
            tokio::task::yield_now().await;
        }
        began.elapsed()
    };
    let ((), marked) = tokio::join!(world.run_until_idle(), marked);
    assert!(marked < Duration::from_secs(4) && began.elapsed() > Duration::from_secs(4), "{marked:?}");
    world.microsoft.faults().clear();
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mailbox_that_begins_to_hang_keeps_its_function_from_others_for_seconds() {
    for folders in [0, 9] {
        let world = World::new().await;
        world.folders(folders);
        let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
        pass(&world, 20 * MINUTE).await;
        for kind in ["message delta", "messages", "folder delta"] {
            world.microsoft.faults().answer(kind, None, Scripted::Silent, Times::Forever);
        }
        let mail = world.deliver("inbox", "In a mailbox that hangs");
        let asked = tokio::time::Instant::now();
        world.run_until_idle().await;
        assert!(asked.elapsed() < Duration::from_secs(9), "{folders}: {:?}", asked.elapsed());
        world.microsoft.faults().clear();
        pass(&world, 2 * MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn many_folders_that_hang_hold_up_others_for_seconds_and_are_all_read_within_minutes_of_the_end() {
    let world = World::new().await;
    let made = world.folders(30);
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    pass(&world, 20 * MINUTE).await;
    let (hanging, well) = made.split_at(22);
    for folder in hanging {
        world.microsoft.faults().answer("message delta", Some(folder), Scripted::Silent, Times::Forever);
    }
    let missing: Vec<String> = hanging.iter().map(|folder| world.deliver(folder, "In one that hangs")).collect();
    let mut mails: Vec<String> = well.iter().map(|folder| world.deliver(folder, "In one that does not")).collect();
    // The first round finds out which hang; the next one reads some of these after the others.
    for _ in 0..2 {
        let asked = tokio::time::Instant::now();
        world.run_until_idle().await;
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
        assert_eq!(kept(&world, &registry, &mails).await, mails.len());
        world.clock.advance(MINUTE);
        mails.push(world.deliver(&well[0], "Later"));
    }
    world.microsoft.faults().clear();
    for _ in 0..3 {
        world.pass(MINUTE).await;
    }
    assert_eq!(kept(&world, &registry, &missing).await, missing.len());
    world.settle(&registry).await;
}

#[tokio::test]
async fn several_folders_that_fail_hold_up_no_other_for_long() {
    let world = World::new().await;
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    let failing = world.folders(4);
    pass(&world, 20 * MINUTE).await;
    for folder in &failing {
        world.microsoft.faults().answer("message delta", Some(folder), Scripted::Status(503, None), Times::Forever);
    }
    pass(&world, 10 * MINUTE).await;
    for n in 0..10 {
        let mail = world.deliver("inbox", &format!("Mail {n}"));
        world.run_until_idle().await;
        pass(&world, MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{n}");
        pass(&world, 3 * MINUTE).await;
    }
}

#[tokio::test]
async fn while_the_tree_of_a_new_mailbox_cant_be_read_named_folders_are_and_no_unknown_one_is_called_done() {
    for named in [true, false] {
        let world = World::new().await;
        let old = world.deliver("inbox", "From before");
        world.clock.advance(DAY);
        let firm = world.firm("Lumen").await;
        let connector = world.connector(&firm, "delegated", Value::Null).await;
        world.sign_in(&firm, &connector, ADA).await.ok();
        let registry = Registry { mailbox: world.mailbox(&firm, &connector, ADA).await, firm, connector };
        if !named {
            let all = json!({ "mode": "all", "folders": [] });
            world.put(&path(&registry, "/selection"), all).await.ok();
        }
        world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01", "until": null })).await.ok();
        for kind in ["folder delta", "folders"] {
            world.microsoft.faults().answer(kind, None, Scripted::Status(503, None), Times::Forever);
        }
        world.post(&path(&registry, "/activate"), json!({ "since": "2026-01-02" })).await.ok();
        world.run_until_idle().await;
        let new = world.deliver("inbox", "New");
        pass(&world, 10 * MINUTE).await;
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["problem"]["code"], "folder_tree_unreadable", "{named} {shown}");
        let (state_then, total) = if named { (json!("done"), json!(1)) } else { (json!("counting"), Value::Null) };
        assert_eq!((&shown["history"]["state"], &shown["history"]["total"]), (&state_then, &total), "{named} {shown}");
        assert_eq!(state(&world, &registry, &new).await == "marked", named);
        world.microsoft.faults().clear();
        pass(&world, 20 * MINUTE).await;
        let shown = mailbox(&world, &registry).await;
        assert_eq!((&shown["history"]["state"], &shown["problem"]), (&json!("done"), &Value::Null), "{named} {shown}");
        assert_eq!(kept(&world, &registry, &[old, new]).await, 2, "{named}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn marks_that_were_set_although_microsoft_refused_them_are_no_problem_for_long() {
    let world = World::new().await;
    let registry = world.registry().await;
    let refused = Scripted::Done(Box::new(Scripted::Status(503, None)));
    world.microsoft.faults().answer("message patch", None, refused, Times::Forever);
    let mails = some_mails(&world, "inbox", 3);
    world.run_until_idle().await;
    pass(&world, 5 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 3);
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
    world.settle(&registry).await;
}
