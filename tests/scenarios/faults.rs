//! R14: a fault of one mail, folder or helper delays nothing else, and is shown until it is over.

use std::time::Duration;

use aws_sdk_s3::{primitives::ByteStream, types::ChecksumAlgorithm};
use local::provision::BUCKET;
use microsoft365::{Lifecycle, Scripted, Times};
use serde_json::{Value, json};
use shared::{
    aws::table::{Key, Write},
    mail::{archive, sync_state::SyncState},
};
use tests::{ADA, Registry, World, message_id};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn path(registry: &Registry, rest: &str) -> String {
    format!("/v1/firms/{}/mailboxes/{}{rest}", registry.firm, registry.mailbox)
}

pub(crate) async fn mailbox(world: &World, registry: &Registry) -> Value {
    world.get(&path(registry, "")).await.ok()
}

/// What the API says of one folder.
pub(crate) async fn folder(world: &World, registry: &Registry, id: &str) -> Value {
    let folders = world.get(&path(registry, "/folders")).await.ok();
    let found = folders["items"].as_array().unwrap().iter().find(|folder| folder["id"] == id).cloned();
    found.unwrap_or_else(|| panic!("{id} in {folders}"))
}

pub(crate) async fn folder_id(world: &World, registry: &Registry, well_known: &str) -> String {
    let folders = world.get(&path(registry, "/folders")).await.ok();
    let found = folders["items"].as_array().unwrap().iter().find(|folder| folder["well_known"] == well_known).cloned();
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn state(world: &World, registry: &Registry, mail: &str) -> Value {
    let answer = world.message(registry, mail).await;
    if answer.status == 404 { Value::Null } else { answer.ok()["state"].clone() }
}

pub(crate) async fn kept(world: &World, registry: &Registry, mails: &[String]) -> usize {
    let mut kept = 0;
    for mail in mails {
        kept += usize::from(state(world, registry, mail).await == "marked");
    }
    kept
}

/// Time passes in steps, as the schedule takes it.
pub(crate) async fn pass(world: &World, time: Duration) {
    for _ in 0..time.as_secs().div_ceil(61) {
        world.pass(Duration::from_secs(61)).await;
    }
}

#[tokio::test]
async fn r14_a_folder_that_fails_holds_up_no_other_and_is_shown_until_it_is_over() {
    let faults = [
        Scripted::Status(503, None),
        Scripted::Status(504, None),
        Scripted::Status(429, Some(20)),
        Scripted::Status(403, None),
        Scripted::Status(500, None),
        Scripted::Status(404, None),
        Scripted::Status(410, None),
        Scripted::Garbage,
        Scripted::Half,
        Scripted::Endless,
    ];
    let world = World::new().await;
    let registry = world.registry().await;
    let inbox = folder_id(&world, &registry, "inbox").await;
    for fault in faults {
        world.microsoft.faults().answer("message delta", Some(&inbox), fault.clone(), Times::Forever);
        let held_up = world.deliver("inbox", "In the folder that fails");
        let others: Vec<String> = (0..3).map(|n| world.deliver("sentitems", &format!("Sent {n}"))).collect();
        world.run_until_idle().await;
        pass(&world, MINUTE).await;
        assert_eq!(kept(&world, &registry, &others).await, 3, "{fault:?}");
        assert_eq!(state(&world, &registry, &held_up).await, Value::Null, "{fault:?}");
        pass(&world, 10 * MINUTE).await;
        let shown = folder(&world, &registry, &inbox).await;
        assert_eq!(shown["problem"]["code"], "folder_unreadable", "{fault:?} {shown}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["problem"]["code"], "folder_unreadable", "{fault:?} {shown}");
        assert_eq!(shown["incomplete"][0]["folder"], json!(inbox), "{fault:?} {shown}");
        assert_eq!(shown["state"], "active");

        world.microsoft.faults().clear();
        pass(&world, 16 * MINUTE).await;
        assert_eq!(state(&world, &registry, &held_up).await, "marked", "{fault:?}");
        assert_eq!(folder(&world, &registry, &inbox).await["problem"], Value::Null, "{fault:?}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!((&shown["problem"], &shown["incomplete"]), (&Value::Null, &json!([])), "{fault:?}");
    }
    assert_eq!(world.objects().await.len(), 4 * 10);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_an_endless_folder_is_not_asked_for_ever() {
    let world = World::new().await;
    let registry = world.registry().await;
    let inbox = folder_id(&world, &registry, "inbox").await;
    world.microsoft.faults().answer("message delta", Some(&inbox), Scripted::Endless, Times::Forever);
    let before = world.microsoft.requests().by_kind["message delta"];
    world.deliver("inbox", "Behind pages that do not end");
    world.run_until_idle().await;
    pass(&world, 60 * MINUTE).await;
    let asked = world.microsoft.requests().by_kind["message delta"] - before;
    assert!(asked < 400, "{asked} pages in an hour");
}

#[tokio::test]
async fn r14_one_entry_that_is_odd_costs_the_others_of_its_page_nothing() {
    for (property, value) in
        [("toRecipients", Value::Null), ("from", json!("a")), ("receivedDateTime", Value::Null), ("subject", json!(7))]
    {
        let world = World::new().await;
        let registry = world.registry().await;
        let mails: Vec<String> = (0..5).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
        let odd = Scripted::Property(Some(mails[2].clone()), property, value);
        world.microsoft.faults().answer("message delta", None, odd, Times::Forever);
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 5, "{property}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_an_entry_without_an_id_is_counted_and_found_by_a_comparison_that_begins_by_itself() {
    let world = World::new().await;
    let registry = world.registry().await;
    let inbox = folder_id(&world, &registry, "inbox").await;
    let mails: Vec<String> = (0..5).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    let odd = Scripted::Property(Some(mails[2].clone()), "id", Value::Null);
    world.microsoft.faults().answer("message delta", None, odd, Times::Forever);
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, 4);
    assert_eq!(folder(&world, &registry, &inbox).await["unreadable"], 1);
    world.microsoft.faults().clear();
    pass(&world, 8 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 5);
    assert_eq!(folder(&world, &registry, &inbox).await["unreadable"], 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_an_entry_that_neither_delta_nor_the_list_shows_is_told_on_the_mailbox_and_so_is_its_end() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..3).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    for kind in ["message delta", "messages"] {
        let odd = Scripted::Property(Some(mails[1].clone()), "id", Value::Null);
        world.microsoft.faults().answer(kind, None, odd, Times::Forever);
    }
    world.run_until_idle().await;
    pass(&world, 15 * MINUTE).await;
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["problem"]["code"], "folder_list_unreadable", "{shown}");
    // It keeps nothing else from being compared.
    world.microsoft.faults().clear();
    pass(&world, 2 * 60 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 3);
    let shown = mailbox(&world, &registry).await;
    assert_eq!((&shown["problem"], &shown["incomplete"]), (&Value::Null, &json!([])), "{shown}");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_a_list_that_is_said_not_to_be_there_ends_no_history_while_its_folder_is() {
    let world = World::new().await;
    let now = world.clock.now();
    let old: Vec<String> =
        (1..=4u32).map(|n| world.deliver_at("inbox", &format!("{n} days old"), now - DAY * n)).collect();
    let registry = world.registry().await;
    let id = folder_id(&world, &registry, "inbox").await;
    let gone =
        br#"{"error":{"code":"ErrorItemNotFound","message":"The specified object was not found in the store."}}"#;
    world.microsoft.faults().answer("messages", Some(&id), Scripted::Raw(404, vec![], gone.to_vec()), Times::Forever);
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    world.post(&path(&registry, "/activate"), json!({ "since": "2026-02-01" })).await.ok();
    world.run_until_idle().await;
    pass(&world, 20 * MINUTE).await;
    let shown = mailbox(&world, &registry).await;
    assert_ne!(shown["history"]["state"], "done", "{shown}");
    assert_eq!(shown["problem"]["code"], "folder_list_unreadable", "{shown}");
    world.microsoft.faults().clear();
    pass(&world, 20 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &old).await, 4);
    let shown = mailbox(&world, &registry).await;
    assert_eq!((&shown["history"]["state"], &shown["problem"]), (&json!("done"), &Value::Null), "{shown}");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_a_folder_that_can_not_be_listed_keeps_the_others_from_no_later_comparison() {
    let world = World::new().await;
    let registry = world.registry().await;
    let id = folder_id(&world, &registry, "inbox").await;
    world.microsoft.faults().answer("messages", Some(&id), Scripted::Status(503, None), Times::Forever);
    world.run_until_idle().await;
    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.run_until_idle().await;
    let began = || async { world.get(&path(&registry, "/reconciliation")).await.ok()["began_at"].clone() };
    let first = began().await;
    // What delta swallows, only a later comparison finds.
    pass(&world, 10 * MINUTE).await;
    let sent = folder_id(&world, &registry, "sentitems").await;
    world.microsoft.faults().answer("message delta", Some(&sent), Scripted::Behind, Times::Forever);
    let mail = world.deliver("sentitems", "Swallowed");
    for _ in 0..10 {
        world.pass(4 * 60 * MINUTE).await;
    }
    assert_ne!(began().await, first);
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    world.microsoft.faults().clear();
    pass(&world, 20 * MINUTE).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_mail_is_kept_by_polls_while_there_can_be_no_subscription() {
    for status in [503, 429, 500, 403] {
        let world = World::new().await;
        world.microsoft.faults().fail("subscription create", status, Times::Forever);
        let registry = world.registry().await;
        let mail = world.deliver("inbox", "Unannounced");
        pass(&world, 11 * MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{status}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["problem"]["code"], "notifications_missing", "{shown}");
        world.microsoft.faults().clear();
        pass(&world, 20 * MINUTE).await;
        assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1);
        assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_while_the_tree_can_not_be_read_the_folders_known_last_are() {
    let world = World::new().await;
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    for kind in ["folder delta", "folders", "folder"] {
        world.microsoft.faults().fail(kind, 503, Times::Forever);
    }
    world.microsoft.create_folder(ADA, "inbox", "Made meanwhile").unwrap();
    pass(&world, 20 * MINUTE).await;
    let mail = world.deliver("inbox", "Meanwhile");
    world.run_until_idle().await;
    pass(&world, MINUTE).await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["problem"]["code"], "folder_tree_unreadable", "{shown}");
    world.microsoft.faults().clear();
    pass(&world, 16 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_named_folders_are_read_although_well_known_names_can_not_be_looked_up() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.microsoft.faults().fail("folder", 500, Times::Forever);
    world.activate(&registry).await;
    let mail = world.deliver("inbox", "Named");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_one_mail_that_graph_asks_to_wait_with_holds_up_no_other() {
    for (kind, fault) in [
        ("message value", Scripted::Status(429, Some(27))),
        ("message value", Scripted::Status(503, Some(27))),
        ("message patch", Scripted::Status(503, None)),
        ("message patch", Scripted::Status(504, None)),
        ("message patch", Scripted::Status(429, Some(27))),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        let mut mails: Vec<String> = (0..41).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
        let slow = mails.remove(20);
        world.microsoft.faults().answer(kind, Some(&slow), fault.clone(), Times::N(3));
        world.run_until_idle().await;
        assert_eq!(kept(&world, &registry, &mails).await, 40, "{kind} {fault:?}");
        assert_ne!(state(&world, &registry, &slow).await, "marked");
        pass(&world, 8 * MINUTE).await;
        assert_eq!(state(&world, &registry, &slow).await, "marked", "{kind} {fault:?}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_a_proxys_page_in_the_place_of_a_mail_never_becomes_its_original() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().answer("message value", None, Scripted::Garbage, Times::N(3));
    let mails: Vec<String> = (0..5).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 2, "of the others nothing is kept yet");
    pass(&world, 5 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 5);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_while_graph_refuses_marks_nothing_is_read_again_and_few_are_tried() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().answer("message patch", None, Scripted::Status(429, Some(20)), Times::Forever);
    let mails: Vec<String> = (0..30).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    let asked = |kind: &str| world.microsoft.requests().by_kind.get(kind).copied().unwrap_or_default();
    let (reads, tries) = (asked("message"), asked("message patch"));
    let rounds = 10;
    for _ in 0..rounds {
        world.pass(Duration::from_secs(31)).await;
    }
    assert_eq!(asked("message"), reads, "what delta told of a mail is asked for once more");
    // Of each of the two items one or two, and one more: that shows that all are meant.
    assert!(asked("message patch") - tries <= 6 * rounds, "{}", asked("message patch") - tries);

    // A person changes one meanwhile: what was seen of it counts no longer.
    world.microsoft.set_categories(ADA, &mails[7], &["Urgent"]).unwrap();
    world.microsoft.faults().clear();
    pass(&world, 5 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 30);
    let held = world.microsoft.messages(ADA).unwrap().into_iter().find(|held| held.immutable_id == mails[7]).unwrap();
    assert_eq!(held.categories, ["Urgent", "greffe: received"]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_without_the_right_to_write_marks_are_told_to_be_missing_and_come_with_the_right() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().fail("message patch", 403, Times::Forever);
    let mut mails = Vec::new();
    for number in 0..6 {
        mails.push(world.deliver("inbox", &format!("Mail {number}")));
        pass(&world, 10 * MINUTE).await;
        let shown = mailbox(&world, &registry).await;
        assert!(number < 3 || shown["problem"]["code"] == "marks_missing", "{number}: {shown}");
    }
    pass(&world, 60 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"]["code"], "marks_missing");
    world.microsoft.faults().clear();
    pass(&world, 16 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
    for mail in &mails {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_what_a_killed_function_had_stored_is_not_read_from_graph_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().answer("message value", None, Scripted::Status(429, Some(20)), Times::Forever);
    let mails: Vec<String> = (0..20).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    // It died between the bucket and the table.
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    for mail in &mails {
        let key = archive::key(registry.firm.parse().unwrap(), message_id(&registry, mail));
        let put = s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"Subject: Stored\r\n\r\n"));
        put.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    }
    world.microsoft.faults().clear();
    let read = world.microsoft.requests().by_kind["message value"];
    pass(&world, 5 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 20);
    let again = world.microsoft.requests().by_kind["message value"] - read;
    // Those that Graph had refused are: nothing of them was stored by a round.
    assert!(again <= read && again < 20, "{again} were read again, {read} had been refused");
    assert_eq!(world.message(&registry, &mails[19]).await.ok()["bytes"], 19);
}

#[tokio::test]
async fn r14_marks_wait_for_a_batch_that_fails_and_mail_does_not() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().fail("batch", 503, Times::Forever);
    let mails: Vec<String> = (0..30).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 30);
    world.microsoft.faults().clear();
    pass(&world, 5 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 30);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_marks_that_can_not_be_set_are_shown_until_they_are_and_mail_is_kept_meanwhile() {
    let nothing = br#"{"responses":[]}"#.to_vec();
    for (kind, fault) in [
        ("batch", Scripted::Status(503, None)),
        ("batch", Scripted::Garbage),
        ("batch", Scripted::Raw(200, vec![], nothing)),
        ("message patch", Scripted::Status(500, None)),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        world.microsoft.faults().answer(kind, None, fault.clone(), Times::Forever);
        let mails: Vec<String> = (0..5).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
        world.run_until_idle().await;
        assert_eq!(world.objects().await.len(), 5, "{kind} {fault:?}");
        assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null, "it may pass");
        pass(&world, 10 * MINUTE).await;
        let shown = mailbox(&world, &registry).await;
        assert_eq!(shown["problem"]["code"], "marks_missing", "{kind} {fault:?} {shown}");
        assert_eq!(shown["incomplete"][0]["part"], "marks", "{kind} {fault:?} {shown}");
        let progress = &shown["progress"];
        assert_eq!((&progress["archived"], &progress["remaining"]), (&json!(5), &json!(0)), "{kind} {fault:?} {shown}");
        world.microsoft.faults().clear();
        pass(&world, 16 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &mails).await, 5, "{kind} {fault:?}");
        assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null, "{kind} {fault:?}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_while_the_newest_mails_can_not_be_listed_all_folders_are_read() {
    let world = World::new().await;
    let made = world.folders(9);
    let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
    world.microsoft.faults().fail("messages", 503, Times::Forever);
    let mail = world.deliver(&made[7], "In one of many");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    for folder in &made[..6] {
        pass(&world, MINUTE).await;
        world.deliver(folder, "Another");
        world.run_until_idle().await;
    }
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["incomplete"][0]["part"], "newest_mails", "{shown}");
    world.microsoft.faults().clear();
    pass(&world, 31 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["incomplete"], json!([]), "also where no mail comes");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_marks_are_set_while_the_list_of_categories_fails() {
    let world = World::new().await;
    world.microsoft.faults().fail("categories", 503, Times::Forever);
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Without colour");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    pass(&world, 5 * MINUTE).await;
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["problem"]["code"], "categories_unavailable", "{shown}");
    world.microsoft.faults().clear();
    pass(&world, 31 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null, "also where no mail comes");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_a_renewal_that_failed_is_tried_until_it_works_and_is_shown_no_longer() {
    let world = World::new().await;
    let registry = world.registry().await;
    pass(&world, 20 * MINUTE).await;
    let subscriptions = world.microsoft.subscriptions(ADA).unwrap();
    world.microsoft.faults().fail("subscription renew", 503, Times::Forever);
    world.microsoft.send_lifecycle(&subscriptions[0], Lifecycle::ReauthorizationRequired).unwrap();
    world.run_until_idle().await;
    pass(&world, 5 * MINUTE).await;
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["problem"]["code"], "notifications_missing", "{shown}");
    world.microsoft.faults().clear();
    pass(&world, 31 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap(), subscriptions);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r14_marks_that_nobody_wants_any_more_are_not_missing() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().fail("batch", 503, Times::Forever);
    world.deliver("inbox", "Without a mark");
    world.run_until_idle().await;
    pass(&world, 5 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"]["code"], "marks_missing");
    world.put(&path(&registry, "/rules"), json!({ "mark": false })).await.ok();
    pass(&world, 31 * MINUTE).await;
    assert_eq!(mailbox(&world, &registry).await["problem"], Value::Null);
}

#[tokio::test]
async fn r14_history_is_done_only_once_every_folder_was_seen_to_its_end() {
    for fault in [Scripted::Status(500, None), Scripted::Status(503, None), Scripted::Garbage, Scripted::Endless] {
        let world = World::new().await;
        let now = world.clock.now();
        let old = |folder: &str| -> Vec<String> {
            (1..=10u32).map(|n| world.deliver_at(folder, &format!("{n} days old"), now - DAY * n)).collect()
        };
        let (inbox, sent) = (old("inbox"), old("sentitems"));
        let registry = world.registry().await;
        let id = folder_id(&world, &registry, "inbox").await;
        world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
        world.microsoft.faults().answer("messages", Some(&id), fault.clone(), Times::Forever);
        world.post(&path(&registry, "/activate"), json!({ "since": "2026-02-01" })).await.ok();
        world.run_until_idle().await;
        pass(&world, 10 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &sent).await, 10, "{fault:?}");
        let shown = mailbox(&world, &registry).await;
        assert_ne!(shown["history"]["state"], "done", "{fault:?} {shown}");
        assert_eq!(shown["problem"]["code"], "folder_list_unreadable", "{fault:?} {shown}");
        assert_eq!(shown["incomplete"][0]["folder"], json!(id), "{fault:?} {shown}");

        world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
        world.run_until_idle().await;
        pass(&world, 10 * MINUTE).await;
        let run = world.get(&path(&registry, "/reconciliation")).await.ok();
        assert_eq!(run["state"], "running", "{fault:?} {run}");

        world.microsoft.faults().clear();
        pass(&world, 20 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &inbox).await, 10, "{fault:?}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!((&shown["history"]["state"], &shown["problem"]), (&json!("done"), &Value::Null), "{fault:?}");
        let run = world.get(&path(&registry, "/reconciliation")).await.ok();
        assert_eq!(run["state"], "done", "{fault:?} {run}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_while_the_folders_can_not_be_listed_those_seen_last_are_shown() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.run_until_idle().await;
    let folders = || async { world.get(&path(&registry, "/folders")).await.ok() };
    let seen = folders().await;
    assert_eq!(seen["current"], true);
    for fault in [Scripted::Status(503, None), Scripted::Status(500, None), Scripted::Garbage] {
        for kind in ["folders", "folder"] {
            world.microsoft.faults().answer(kind, None, fault.clone(), Times::Forever);
            let shown = folders().await;
            assert_eq!(shown["current"], false, "{kind} {fault:?}");
            let ids = |folders: &Value| {
                folders["items"].as_array().unwrap().iter().map(|f| f["id"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(ids(&shown), ids(&seen), "{kind} {fault:?}");
            world.microsoft.faults().clear();
        }
    }
    assert_eq!(folders().await["current"], true);
}

#[tokio::test]
async fn r14_history_is_done_only_once_each_entry_of_the_lists_was_read() {
    let unreadable = Scripted::Text("\"id\":\"".to_owned(), "\"id\":7,\"was\":\"".to_owned());
    let empty = Scripted::Text("\"value\":[".to_owned(), "\"value\":[],\"was\":[".to_owned());
    for (fault, times) in [(unreadable, Times::Forever), (empty, Times::N(2))] {
        let world = World::new().await;
        let now = world.clock.now();
        let old: Vec<String> =
            (1..=6u32).map(|n| world.deliver_at("inbox", &format!("{n} days old"), now - DAY * n)).collect();
        let registry = world.registry().await;
        let id = folder_id(&world, &registry, "inbox").await;
        world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
        let lasts = matches!(times, Times::Forever);
        world.microsoft.faults().answer("messages", Some(&id), fault.clone(), times);
        world.post(&path(&registry, "/activate"), json!({ "since": "2026-02-01" })).await.ok();
        world.run_until_idle().await;
        if lasts {
            pass(&world, 10 * MINUTE).await;
            let shown = mailbox(&world, &registry).await;
            assert_ne!(shown["history"]["state"], "done", "{fault:?} {shown}");
            assert_eq!(shown["problem"]["code"], "folder_list_unreadable", "{fault:?} {shown}");
            world.microsoft.faults().clear();
        }
        pass(&world, 90 * MINUTE).await;
        assert_eq!(kept(&world, &registry, &old).await, 6, "{fault:?}");
        let shown = mailbox(&world, &registry).await;
        assert_eq!(
            (&shown["history"]["state"], &shown["problem"]),
            (&json!("done"), &Value::Null),
            "{fault:?} {shown}"
        );
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r14_an_unreadable_entry_of_a_page_that_is_not_the_last_keeps_history_open_and_what_was_found_counts() {
    let world = World::new().await;
    let now = world.clock.now();
    let old: Vec<String> =
        (0..450i64).map(|n| world.deliver_at("inbox", &format!("Old {n}"), now - DAY - MINUTE * n as u32)).collect();
    let registry = world.registry().await;
    let id = folder_id(&world, &registry, "inbox").await;
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    // The count, and the first of three pages: nothing of it can be read.
    let unreadable = Scripted::Text("\"id\":\"".to_owned(), "\"id\":7,\"was\":\"".to_owned());
    world.microsoft.faults().answer("messages", Some(&id), unreadable, Times::N(2));
    world.post(&path(&registry, "/activate"), json!({ "since": "2026-02-01" })).await.ok();
    world.run_until_idle().await;
    assert_ne!(mailbox(&world, &registry).await["history"]["state"], "done");
    pass(&world, 10 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &old).await, 450);
    let shown = mailbox(&world, &registry).await;
    assert_eq!((&shown["history"]["state"], &shown["history"]["found"]), (&json!("done"), &json!(450)), "{shown}");
    assert_eq!(shown["problem"], Value::Null, "{shown}");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r13_a_mailbox_is_preparing_until_every_baseline_is_complete_and_what_is_moved_meanwhile_counts() {
    let world = World::new().await;
    let week_ago = world.clock.now() - 7 * DAY;
    for n in 0..1_500 {
        world.deliver_at("inbox", &format!("Old {n}"), week_ago);
    }
    let old: Vec<String> = (0..6).map(|n| world.deliver_at("archive", &format!("Apart {n}"), week_ago)).collect();
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let id = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox: id };
    assert_eq!(mailbox(&world, &registry).await["state"], "inactive");
    let shown = world.post(&path(&registry, "/activate"), json!({ "since": null })).await.ok();
    assert_eq!((&shown["state"], &shown["preparing"]["ready"]), (&json!("preparing"), &json!(0)), "{shown}");
    world.microsoft.faults().latency(Duration::from_millis(3));
    tokio::join!(world.run_jobs(), async {
        world.microsoft.reached("message delta", 6).await;
        for mail in &old {
            world.microsoft.move_message(ADA, mail, "sentitems").unwrap();
        }
    });
    world.microsoft.faults().latency(Duration::ZERO);
    world.run_until_idle().await;
    pass(&world, 16 * MINUTE).await;
    let shown = mailbox(&world, &registry).await;
    assert_eq!((&shown["state"], &shown["preparing"]), (&json!("active"), &Value::Null), "{shown}");
    assert_eq!(kept(&world, &registry, &old).await, 6);
    assert_eq!(shown["progress"]["skipped"]["already_there"], 1_500);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r5_old_mail_that_leaves_while_a_link_is_dead_counts_when_it_is_moved_back() {
    let world = World::new().await;
    let week_ago = world.clock.now() - 7 * DAY;
    let mails: Vec<String> = (0..4).map(|n| world.deliver_at("inbox", &format!("Old {n}"), week_ago)).collect();
    let registry = world.registry().await;
    world.microsoft.move_message(ADA, &mails[0], "archive").unwrap();
    world.microsoft.faults().delta_gone(ADA, Times::N(1));
    world.pass(16 * MINUTE).await;
    assert_eq!(kept(&world, &registry, &mails).await, 0);
    assert_eq!(mailbox(&world, &registry).await["progress"]["skipped"]["already_there"], 4, "counted once");
    world.microsoft.move_message(ADA, &mails[0], "inbox").unwrap();
    world.run_until_idle().await;
    world.pass(16 * MINUTE).await;
    assert_eq!(state(&world, &registry, &mails[0]).await, "marked");
    assert_eq!(kept(&world, &registry, &mails[1..]).await, 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r9_a_subscription_that_disappears_without_notice_is_missed_by_the_next_poll_that_finds_mail() {
    let world = World::new().await;
    let registry = world.registry().await;
    pass(&world, 2 * 60 * MINUTE).await;
    world.microsoft.forget_subscriptions(ADA).unwrap();
    let first = world.deliver("inbox", "Unannounced");
    pass(&world, 61 * MINUTE).await;
    assert_eq!(state(&world, &registry, &first).await, "marked");
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1);
    let second = world.deliver("inbox", "Announced again");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &second).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r9_after_a_new_address_of_notices_the_subscription_is_made_anew_and_not_only_renewed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let before = world.microsoft.subscriptions(ADA).unwrap();
    // As an item of a restored table says it, of before the last deployment.
    let key = Key::sync(registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap());
    let table = &world.host.app.table;
    let row = table.get::<SyncState>(&key).await.unwrap().unwrap();
    let mut sync = row.value.clone();
    sync.subscription.as_mut().unwrap().url = Some("https://before.example/webhook".to_owned());
    table.write(Write::replace(&row.with(sync))).await.unwrap();
    pass(&world, 16 * MINUTE).await;
    let after = world.microsoft.subscriptions(ADA).unwrap();
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    let mail = world.deliver("inbox", "Announced");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
}

#[tokio::test]
async fn r14_a_page_that_is_no_json_delays_mail_no_longer_than_an_outage() {
    for fault in [Scripted::Garbage, Scripted::Status(503, None)] {
        let world = World::new().await;
        let registry = world.registry().await;
        world.microsoft.faults().answer("message delta", None, fault, Times::N(4));
        let mail = world.deliver("inbox", "Behind a proxy's page");
        world.run_until_idle().await;
        pass(&world, 2 * MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked");
    }
}

#[tokio::test]
async fn r9_a_notice_that_delta_is_behind_of_is_looked_at_once_more() {
    let world = World::new().await;
    let registry = world.registry().await;
    let inbox = folder_id(&world, &registry, "inbox").await;
    let mail = world.deliver("inbox", "Seconds late");
    // The page tells of nothing yet; the folder's place stays where it is.
    world.microsoft.faults().answer("message delta", Some(&inbox), Scripted::Behind, Times::N(1));
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, Value::Null);
    world.clock.advance(Duration::from_secs(7));
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mailbox_is_known_in_a_firm_whatever_it_is_added_as() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.add_user("admin@lumen.example", "Admin").unwrap();
    world.tenant.make_admin("admin@lumen.example").unwrap();
    let organization = world.connector(&registry.firm, "organization", Value::Null).await;
    world.sign_in(&registry.firm, &organization, "admin@lumen.example").await.ok();
    let mailboxes = format!("/v1/firms/{}/mailboxes", registry.firm);
    for (address, kind) in [("ADA@lumen.example", "user"), ("ada@lumen.example", "shared")] {
        let body = json!({ "connector": organization, "address": address, "kind": kind });
        let refused = world.post(&mailboxes, body).await;
        assert!(refused.body["detail"].as_str().unwrap().contains(&registry.mailbox), "{}", refused.body);
        assert_eq!(refused.problem(), "address_taken");
    }
    // Another firm may have it too.
    let other = world.firm("Other").await;
    let connector = world.connector(&other, "delegated", Value::Null).await;
    world.sign_in(&other, &connector, ADA).await.ok();
    world.mailbox(&other, &connector, ADA).await;
}

#[tokio::test]
async fn a_shared_mailbox_that_a_signed_in_user_opens_is_known_by_each_of_its_addresses() {
    let world = World::new().await;
    world.tenant.add_shared_mailbox("office@lumen.example", "Office").unwrap();
    world.tenant.add_alias("office@lumen.example", "info@lumen.example").unwrap();
    world.tenant.grant_full_access(ADA, "office@lumen.example").unwrap();
    let firm = world.firm("Lumen Avocats").await;
    let options = json!({ "name": "M365", "access": "delegated", "shared_mailboxes": true });
    let connector = world.post(&format!("/v1/firms/{firm}/connectors"), options).await.ok();
    let connector = connector["id"].as_str().unwrap();
    world.sign_in(&firm, connector, ADA).await.ok();
    let mailboxes = format!("/v1/firms/{firm}/mailboxes");
    let new = |address: &str, kind: &str| json!({ "connector": connector, "address": address, "kind": kind });
    let first = world.post(&mailboxes, new("office@lumen.example", "shared")).await.ok();
    // The signed-in user may not read the profile of the mailbox: its root folder tells that it is the same.
    let again = world.post(&mailboxes, new("info@lumen.example", "shared")).await;
    assert!(again.body["detail"].as_str().unwrap().contains(first["id"].as_str().unwrap()), "{}", again.body);
    assert_eq!(again.problem(), "address_taken");
}
