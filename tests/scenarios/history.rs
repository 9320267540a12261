//! R6, R13: mail from before the activation needs the operator's grant, comes in behind live mail, and shows how far it
//! is.

use std::time::Duration;

use microsoft365::{RetryAfter, Scripted, Times};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    aws::table::{Row, TableError, Write},
    mail::mailbox_turn::MailboxTurn,
};
use tests::{ADA, Registry, World};

use crate::faults::folder_id;

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

fn path(registry: &Registry, rest: &str) -> String {
    format!("/v1/firms/{}/mailboxes/{}{rest}", registry.firm, registry.mailbox)
}

async fn mailbox(world: &World, registry: &Registry) -> Value {
    world.get(&path(registry, "")).await.ok()
}

/// Mails of the last `days` days, one a day; the youngest first.
fn old(world: &World, folder: &str, days: u32) -> Vec<String> {
    let now = world.clock.now();
    (1..=days).map(|n| world.deliver_at(folder, &format!("{folder}, {n} days old"), now - DAY * n)).collect()
}

async fn activate_since(world: &World, registry: &Registry, since: &str) -> tests::Answer {
    world.post(&path(registry, "/activate"), json!({ "since": since })).await
}

async fn kept(world: &World, registry: &Registry, mails: &[String]) -> usize {
    let mut kept = 0;
    for mail in mails {
        let answer = world.message(registry, mail).await;
        kept += usize::from(answer.status == 200 && answer.body["state"] == "marked");
    }
    kept
}

#[tokio::test]
async fn r6_a_start_date_without_the_operators_grant_is_refused_and_names_whose_turn_it_is() {
    let world = World::new().await;
    let mails = old(&world, "inbox", 3);
    let registry = world.registry().await;
    let refused = activate_since(&world, &registry, "2026-02-01").await;
    assert_eq!((refused.status.as_u16(), &refused.body["who"]), (403, &json!("operator")));
    assert_eq!(refused.problem(), "grant_required");

    // Only the operator grants; for a firm there is no such address.
    let key = world.post(&format!("/v1/firms/{}/keys", registry.firm), json!({ "name": "app" })).await.ok();
    let key = key["key"].as_str().unwrap();
    let grant = json!({ "since": "2026-02-01", "until": null });
    let by_firm = world.request(Some(key), Method::PUT, &path(&registry, "/grant"), Some(grant)).await;
    assert_eq!(by_firm.problem(), "not_found");

    // A grant that does not reach so far, and one that has ended.
    for (since, until) in [("2026-02-15", Value::Null), ("2026-01-01", json!("2026-03-01"))] {
        world.put(&path(&registry, "/grant"), json!({ "since": since, "until": until })).await.ok();
        assert_eq!(activate_since(&world, &registry, "2026-02-01").await.problem(), "grant_required");
    }
    world.request(Some(tests::OPERATOR_KEY), Method::DELETE, &path(&registry, "/grant"), None).await.ok();
    assert_eq!(activate_since(&world, &registry, "2026-02-20").await.problem(), "grant_required");
    world.pass(DAY).await;
    assert_eq!(kept(&world, &registry, &mails).await, 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r6_granted_history_is_taken_in_once_and_no_further_back() {
    let world = World::new().await;
    let inbox = old(&world, "inbox", 40);
    let sent = old(&world, "sentitems", 40);
    let binned = old(&world, "deleteditems", 5);
    let registry = world.registry().await;
    assert_eq!(mailbox(&world, &registry).await["progress"]["skipped"]["already_there"], 80);
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01", "until": "2026-12-31" })).await.ok();

    // Monday, 2 March, 8 in the morning: 20 mails each are not older than 10 February.
    let shown = activate_since(&world, &registry, "2026-02-10").await.ok();
    assert_eq!((&shown["history"]["since"], &shown["history"]["state"]), (&json!("2026-02-10"), &json!("waiting")));
    world.run_until_idle().await;
    let shown = mailbox(&world, &registry).await;
    assert_eq!(
        shown["history"],
        json!({ "since": "2026-02-10", "state": "done", "total": 40, "checked": 40, "found": 40 })
    );
    assert_eq!((kept(&world, &registry, &inbox).await, kept(&world, &registry, &sent).await), (20, 20));
    assert_eq!(kept(&world, &registry, &binned).await, 0);
    assert_eq!(shown["progress"]["skipped"]["already_there"], 40, "what was there is kept now");
    assert_eq!((&shown["progress"]["archived"], &shown["progress"]["remaining"]), (&json!(40), &json!(0)));

    // The same again changes nothing; later is refused; further back adds what is missing.
    let downloads = world.microsoft.requests().by_kind["message value"];
    activate_since(&world, &registry, "2026-02-10").await.ok();
    assert_eq!(activate_since(&world, &registry, "2026-02-20").await.problem(), "invalid_request");
    activate_since(&world, &registry, "2026-01-31").await.ok();
    world.run_until_idle().await;
    assert_eq!((kept(&world, &registry, &inbox).await, kept(&world, &registry, &sent).await), (30, 30));
    assert_eq!(world.microsoft.requests().by_kind["message value"], downloads + 20, "nothing is downloaded twice");
    assert_eq!(world.feed(&registry.firm).await.len(), 60);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r6_live_mail_goes_before_history_which_goes_on_where_it_was_interrupted() {
    let world = World::new().await;
    let now = world.clock.now();
    let mails: Vec<String> = (0..400)
        .map(|n| world.deliver_at("inbox", &format!("Old {n}"), now - Duration::from_secs(60 * (n + 1))))
        .collect();
    let registry = world.registry().await;
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    activate_since(&world, &registry, "2026-03-01").await.ok();
    // Graph asks to wait in the middle of it.
    world.microsoft.faults().latency(Duration::from_millis(2));
    tokio::select! {
        () = world.run_until_idle() => {}
        () = async {
            world.microsoft.reached("message patch", 60).await;
            // Once would be that mail's own matter.
            world.microsoft.faults().throttle(ADA, RetryAfter::Whole(30), Times::Forever);
            std::future::pending::<()>().await;
        } => {}
    }
    world.microsoft.faults().clear();
    let shown = mailbox(&world, &registry).await;
    let history = &shown["history"];
    assert_eq!((&history["state"], &history["total"]), (&json!("running"), &json!(400)), "{shown}");
    world.clock.advance(Duration::from_secs(60));
    let progress = world.progress(&registry).await;
    let (remaining, per_minute) = (progress["remaining"].as_f64().unwrap(), progress["per_minute"].as_f64().unwrap());
    assert_eq!(progress["archived"].as_f64(), Some(per_minute), "so many in this one minute: {progress}");
    let ends: jiff::Timestamp = progress["expected_end"].as_str().unwrap().parse().unwrap();
    let minutes = ends.duration_since(world.clock.now()).as_secs_f64() / 60.0;
    assert!((minutes - remaining / per_minute).abs() < 0.01, "{progress}");
    let so_far = kept(&world, &registry, &mails).await;
    assert!((1..400).contains(&so_far), "{so_far}");
    assert!(shown["progress"]["remaining"].as_i64().unwrap() > 0, "{shown}");

    let live = world.deliver("inbox", "Live");
    for _ in 0..3 {
        world.pass(Duration::from_secs(61)).await;
    }
    let number = |answer: tests::Answer| answer.ok()["number"].as_u64().unwrap();
    let live = number(world.message(&registry, &live).await);
    let mut after = 0;
    for mail in &mails {
        let answer = world.message(&registry, mail).await;
        after += usize::from(answer.status == 200 && number(answer) > live);
    }
    assert!(after >= 100, "only {after} came after live mail");
    let shown = mailbox(&world, &registry).await;
    assert_eq!(shown["history"]["state"], "done");
    assert_eq!(
        world.progress(&registry).await["archived"].as_u64(),
        Some(shown["history"]["total"].as_u64().unwrap() + 1)
    );
    world.settle(&registry).await;
}

#[tokio::test]
async fn r6_history_holds_for_folders_that_are_chosen_later_too() {
    let world = World::new().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let mails = old(&world, &clients, 10);
    let registry = world.registry().await;
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    activate_since(&world, &registry, "2026-02-25").await.ok();
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, 0);
    let more = json!({ "mode": "include", "folders": ["inbox", clients] });
    world.put(&path(&registry, "/selection"), more).await.ok();
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, 5);
    world.settle(&registry).await;
}

#[tokio::test]
async fn new_mail_is_kept_while_nobody_works_at_older_mail() {
    let world = World::new().await;
    let now = world.clock.now();
    let old: Vec<String> =
        (1..=30).map(|n| world.deliver_at("inbox", &format!("Old {n}"), now - n * 60 * SECOND)).collect();
    let registry = world.registry().await;
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    world.post(&path(&registry, "/activate"), json!({ "since": "2026-01-01" })).await.ok();
    let live_only = async || {
        while world.microsoft.deliver_notices().await.unwrap() + world.host.source.step().await > 0 {}
    };
    for _ in 0..3 {
        live_only().await;
        let new = world.deliver("inbox", "New");
        live_only().await;
        assert_eq!(world.message(&registry, &new).await.ok()["state"], "marked");
        world.clock.advance(1_000 * SECOND);
        world.host.tick().await;
    }
    for mail in &old {
        assert_eq!(world.message(&registry, mail).await.status, 404);
    }
    // A function of live mail died: its mailbox is left alone until it is certainly over.
    let (firm, mailbox) = (registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap());
    MailboxTurn::take(&world.host.app.table, firm, mailbox, world.clock.now() + 120 * SECOND).await.unwrap();
    assert_eq!(world.host.older_source.step().await, 1);
    assert_eq!(kept(&world, &registry, &old).await, 0);
    for _ in 0..3 {
        world.pass(100 * SECOND).await;
    }
    assert_eq!(kept(&world, &registry, &old).await, old.len());
    world.settle(&registry).await;
}

#[tokio::test]
async fn live_mail_takes_a_mailbox_from_a_slice_of_older_mail_that_can_commit_nothing_then() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (firm, mailbox) = (registry.firm.parse().unwrap(), registry.mailbox.parse().unwrap());
    let (table, now) = (&world.host.app.table, world.clock.now());
    let begin = async |at: jiff::Timestamp| MailboxTurn::begin(table, firm, mailbox, at).await.unwrap();
    let mut slice = begin(now).await.unwrap();
    let commit = async |slice: &Row<MailboxTurn>| table.transact(vec![Write::replace(slice)]).await;
    commit(&slice).await.unwrap();
    slice.written();
    for _ in 0..2 {
        MailboxTurn::take(table, firm, mailbox, now + 120 * SECOND).await.unwrap();
        assert!(matches!(commit(&slice).await, Err(TableError::Conflict { .. })));
        assert_eq!(begin(now).await.unwrap_err(), 122 * SECOND);
        MailboxTurn::give_back(table, firm, mailbox).await.unwrap();
        assert!(matches!(commit(&slice).await, Err(TableError::Conflict { .. })));
    }
    slice = begin(now).await.unwrap();
    // A function that died gives nothing back: a slice waits until it is certainly over.
    MailboxTurn::take(table, firm, mailbox, now + 120 * SECOND).await.unwrap();
    assert!(begin(now + 121 * SECOND).await.is_err());
    let next = begin(now + 122 * SECOND).await.unwrap();
    assert!(matches!(commit(&slice).await, Err(TableError::Conflict { .. })));
    commit(&next).await.unwrap();
}

#[tokio::test]
async fn a_short_fault_of_some_lists_costs_history_less_than_a_minute() {
    let world = World::new().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let folders = ["inbox", "sentitems", clients.as_str()];
    let mails: Vec<String> = folders.iter().flat_map(|folder| old(&world, folder, 5)).collect();
    let registry = world.registry_of(json!({ "mode": "include", "folders": folders })).await;
    let refused = ["inbox", "sentitems"].map(async |folder| folder_id(&world, &registry, folder).await);
    for folder in refused {
        let fault = Scripted::Status(503, None);
        world.microsoft.faults().answer("messages", Some(&folder.await), fault, Times::Forever);
    }
    world.put(&path(&registry, "/grant"), json!({ "since": "2026-01-01" })).await.ok();
    activate_since(&world, &registry, "2026-02-01").await.ok();
    world.run_until_idle().await;
    assert_eq!(kept(&world, &registry, &mails).await, 5, "the third folder waits for none");
    for _ in 0..4 {
        world.pass(10 * SECOND).await;
    }
    world.microsoft.faults().clear();
    for _ in 0..5 {
        world.pass(10 * SECOND).await;
    }
    let shown = mailbox(&world, &registry).await;
    assert_eq!((&shown["history"]["state"], &shown["problem"]), (&json!("done"), &Value::Null), "{shown}");
    assert_eq!(kept(&world, &registry, &mails).await, mails.len());
    world.settle(&registry).await;
}
