//! R9, R11, R13: when a mailbox is looked at, and that whatever interrupts a round, it goes on from where it was.

use std::time::Duration;

use jiff::Timestamp;
use microsoft365::{Lifecycle, Mail, NoticeFault, Times};
use serde_json::{Value, json};
use shared::{
    aws::table::{Key, Row, Write},
    mail::sync_state::SyncState,
};
use tests::{ADA, Registry, World};

const MINUTE: Duration = Duration::from_secs(60);
const OFFICE: &str = "office@lumen.example";

fn path(registry: &Registry, rest: &str) -> String {
    format!("/v1/firms/{}/mailboxes/{}{rest}", registry.firm, registry.mailbox)
}

fn asked(world: &World, kind: &str) -> u64 {
    world.microsoft.requests().by_kind.get(kind).copied().unwrap_or_default()
}

/// Lets greffe work until Graph was asked so often for this, and kills what runs then.
async fn killed_after(world: &World, kind: &str, times: u64) {
    let until = asked(world, kind) + times;
    world.microsoft.faults().latency(Duration::from_millis(3));
    tokio::select! {
        () = world.run_jobs() => panic!("it came to its end"),
        () = world.microsoft.reached(kind, until) => {}
    }
    world.microsoft.faults().latency(Duration::ZERO);
}

/// A shared mailbox that Ada may open, which nobody can subscribe to.
async fn shared(world: &World) -> Registry {
    world.tenant.add_shared_mailbox(OFFICE, "Office").unwrap();
    world.tenant.grant_full_access(ADA, OFFICE).unwrap();
    let firm = world.firm("Lumen").await;
    let body = json!({ "name": "Microsoft 365", "access": "delegated", "app": null, "shared_mailboxes": true });
    let connector =
        world.post(&format!("/v1/firms/{firm}/connectors"), body).await.ok()["id"].as_str().unwrap().to_owned();
    world.sign_in(&firm, &connector, ADA).await.ok();
    let body = json!({ "connector": connector, "address": OFFICE, "kind": "shared" });
    let mailbox =
        world.post(&format!("/v1/firms/{firm}/mailboxes"), body).await.ok()["id"].as_str().unwrap().to_owned();
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    registry
}

#[tokio::test]
async fn r9_a_shared_mailbox_is_polled_often_when_lively_and_rarely_when_quiet() {
    let world = World::new().await;
    let registry = shared(&world).await;
    // Of each poll one request is for the Inbox, and one for Sent Items; now and then Graph sends an empty page first.
    let polls = |world: &World| asked(world, "message delta") / 2;
    for _ in 0..30 {
        world.pass(MINUTE).await;
    }
    let before = polls(&world);
    for _ in 0..60 {
        world.pass(MINUTE).await;
    }
    let quiet = polls(&world) - before;
    assert!((5..=9).contains(&quiet), "{quiet} polls in a quiet hour");

    let before = polls(&world);
    let mut mails = Vec::new();
    for n in 0..20 {
        let mail = Mail::new(format!("From: a@acme.example\r\nSubject: {n}\r\n\r\n{n}\r\n"), world.clock.now());
        mails.push(world.microsoft.deliver(OFFICE, "inbox", mail).unwrap().immutable_id);
        world.pass(MINUTE).await;
    }
    let lively = polls(&world) - before;
    assert!((10..=25).contains(&lively), "{lively} polls in twenty lively minutes");
    world.pass(2 * MINUTE).await;
    for mail in &mails {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
}

#[tokio::test]
async fn r11_a_killed_first_round_goes_on_from_its_last_page() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    for n in 0..1_500 {
        world.deliver_at("inbox", &format!("Old {n}"), week_ago);
    }
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.post(&path(&registry, "/activate"), json!({ "since": null })).await.ok();

    killed_after(&world, "message delta", 10).await;
    let new = world.deliver("inbox", "Arrived while nobody looked");
    // The queue gives the job out again once the dead function's time is over.
    world.pass(13 * MINUTE).await;
    assert_eq!(world.progress(&registry).await["skipped"]["already_there"], 1_500);
    assert_eq!(world.message(&registry, &new).await.ok()["state"], "marked");
    // Fifteen pages, some empty ones that Graph sends between, one repeated; and Sent Items.
    let pages = asked(&world, "message delta");
    assert!(pages <= 28, "{pages} pages");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r11_a_dead_link_in_the_middle_of_paging_makes_no_doubles_no_gaps_and_no_second_download() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    for n in 0..250 {
        world.deliver_at("inbox", &format!("Old {n}"), week_ago);
    }
    let registry = world.registry().await;
    let new: Vec<String> = (0..650).map(|n| world.deliver("inbox", &format!("New {n}"))).collect();
    world.microsoft.faults().latency(Duration::from_millis(2));
    let before = asked(&world, "message delta");
    tokio::join!(world.run_until_idle(), async {
        world.microsoft.reached("message delta", before + 3).await;
        world.microsoft.faults().delta_gone(ADA, Times::N(1));
    });
    world.pass(16 * MINUTE).await;
    assert_eq!(world.objects().await.len(), 650);
    assert_eq!(asked(&world, "message value"), 650, "each is downloaded once");
    for mail in [&new[0], &new[320], &new[649]] {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["archived"], &progress["skipped"]["already_there"]), (&json!(650), &json!(250)));
}

#[tokio::test]
async fn r9_lifecycle_notices_are_obeyed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let subscription = world.microsoft.subscriptions(ADA).unwrap();
    let (renewed, made) = (asked(&world, "subscription renew"), asked(&world, "subscription create"));
    world.microsoft.send_lifecycle(&subscription[0], Lifecycle::ReauthorizationRequired).unwrap();
    world.run_until_idle().await;
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap(), subscription);
    assert_eq!(asked(&world, "subscription renew"), renewed + 1, "renewing authorizes anew");
    assert_eq!((asked(&world, "subscription reauthorize"), asked(&world, "subscription create")), (0, made));

    // Notices were lost: all folders are looked at, at once.
    world.microsoft.faults().notices(NoticeFault::Drop, Times::N(1));
    let mail = world.deliver("inbox", "Unannounced");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.problem(), "not_found");
    world.microsoft.send_lifecycle(&subscription[0], Lifecycle::Missed).unwrap();
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");

    world.microsoft.send_lifecycle(&subscription[0], Lifecycle::SubscriptionRemoved).unwrap();
    let gap = world.deliver("inbox", "In the gap");
    world.run_until_idle().await;
    assert_eq!(world.microsoft.subscriptions(ADA).unwrap().len(), 1);
    assert_eq!(world.message(&registry, &gap).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r9_a_notice_in_a_mailbox_of_many_folders_has_few_of_them_read() {
    let world = World::new().await;
    let folders: Vec<String> =
        (0..60).map(|n| world.microsoft.create_folder(ADA, "inbox", &format!("Case {n}")).unwrap()).collect();
    let registry = world.registry().await;
    world.put(&path(&registry, "/selection"), json!({ "mode": "all", "folders": [] })).await.ok();
    world.run_until_idle().await;
    let before = asked(&world, "message delta");
    let mail = world.deliver(&folders[40], "About case 40");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    let read = asked(&world, "message delta") - before;
    assert!(read <= 3, "{read} folders were read");
    // What was moved into another one is found by the poll.
    let old = world.deliver_at("archive", "Old", world.clock.now() - Duration::from_secs(400 * 86_400));
    world.microsoft.move_message(ADA, &old, &folders[7]).unwrap();
    world.pass(16 * MINUTE).await;
    assert_eq!(world.message(&registry, &old).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r13_history_leaves_room_for_live_mail_within_what_graph_allows() {
    let world = World::new().await;
    let now = world.clock.now();
    let old: Vec<String> = (1..=50).map(|n| world.deliver_at("inbox", &format!("Old {n}"), now - n * MINUTE)).collect();
    let registry = world.registry().await;
    // As if nearly all had been asked that may be, within these seconds.
    let key = Key::sync(registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap());
    let mut row: Row<SyncState> = world.host.app.table.get(&key).await.unwrap().unwrap();
    row.value.spent.spend(now, 9_640, u32::MAX).unwrap();
    world.host.app.table.write(Write::replace(&row)).await.unwrap();

    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    world.post(&path(&registry, "/activate"), json!({ "since": "2026-03-01" })).await.ok();
    world.run_until_idle().await;
    let live: Vec<String> = (0..40).map(|n| world.deliver("inbox", &format!("Live {n}"))).collect();
    world.pass(MINUTE).await;
    let kept = |mails: Vec<String>| async {
        let mut kept = 0;
        for mail in mails {
            let answer = world.message(&registry, &mail).await;
            kept += usize::from(answer.status == 200 && answer.body["state"] == "marked");
        }
        kept
    };
    assert_eq!(kept(live).await, 40);
    assert!(kept(old.clone()).await < 50);
    for _ in 0..12 {
        world.pass(MINUTE).await;
    }
    assert_eq!(kept(old).await, 50);
    assert_eq!(world.microsoft.requests().throttled, 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r13_one_firms_backlog_does_not_hold_up_another_firms_mail() {
    let world = World::new().await;
    let now: Timestamp = world.clock.now();
    for n in 1..=120 {
        world.deliver_at("inbox", &format!("Old {n}"), now - n * MINUTE);
    }
    let busy = world.registry().await;
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let firm = world.firm("Other").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, "bob@lumen.example").await.ok();
    let mailbox = world.mailbox(&firm, &connector, "bob@lumen.example").await;
    let other = Registry { firm, connector, mailbox };
    world.activate(&other).await;

    world.put(&path(&busy, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    world.post(&path(&busy, "/activate"), json!({ "since": "2026-03-01" })).await.ok();
    // Graph is slow, and the backlog of the one takes its slice after slice.
    let mail = Mail::new("From: a@acme.example\r\nSubject: Bob's\r\n\r\nHello.\r\n", now);
    let mail = world.microsoft.deliver("bob@lumen.example", "inbox", mail).unwrap().immutable_id;
    world.microsoft.faults().latency(Duration::from_millis(2));
    let before = asked(&world, "message value");
    tokio::select! {
        () = world.run_until_idle() => {}
        () = async {
            // Time passes while the backlog is worked at: five seconds for three mails.
            for downloads in (before + 3..).step_by(3) {
                world.microsoft.reached("message value", downloads).await;
                world.clock.advance(Duration::from_secs(5));
            }
        } => {}
    }
    for _ in 0..20 {
        world.pass(MINUTE).await;
    }
    assert_eq!(world.message(&other, &mail).await.ok()["state"], "marked");
    let number = |answer: tests::Answer| answer.ok()["archived_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(
        number(world.message(&other, &mail).await).duration_since(now).as_secs() < 60,
        "within a minute of the clock"
    );
    assert_eq!(world.progress(&busy).await["archived"], 120);
}
