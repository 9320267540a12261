//! R5, R9: what delta and notices both missed is found by comparing the folders with the archive.

use std::time::Duration;

use microsoft365::{NoticeFault, RetryAfter, Times};
use serde_json::{Value, json};
use tests::{ADA, Registry, World};

const HOUR: Duration = Duration::from_secs(3600);

fn path(registry: &Registry, rest: &str) -> String {
    format!("/v1/firms/{}/mailboxes/{}{rest}", registry.firm, registry.mailbox)
}

async fn reconciliation(world: &World, registry: &Registry) -> Value {
    world.get(&path(registry, "/reconciliation")).await.ok()
}

fn tally(of: &Value) -> [u64; 4] {
    ["listed", "due", "kept", "found"].map(|field| of[field].as_u64().unwrap())
}

/// Mails that wander out of the Inbox and back between two rounds: delta tells that they left, and no more.
fn wander(world: &World, elsewhere: &str, subjects: std::ops::Range<usize>) -> Vec<String> {
    world.microsoft.faults().tell_removals_last(true);
    let mails: Vec<String> = subjects.map(|n| world.deliver("inbox", &format!("Wanders {n}"))).collect();
    for mail in &mails {
        world.microsoft.move_message(ADA, mail, elsewhere).unwrap();
        world.microsoft.move_message(ADA, mail, "inbox").unwrap();
    }
    mails
}

#[tokio::test]
async fn a_mail_that_left_and_came_back_between_two_rounds_is_found_within_two_days_by_itself() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    let clients = world.microsoft.create_folder(ADA, "msgfolderroot", "Clients").unwrap();
    for n in 0..30 {
        world.deliver_at("inbox", &format!("Lay there {n}"), week_ago);
    }
    let registry = world.registry().await;
    let ordinary = world.deliver("inbox", "Ordinary");
    world.run_until_idle().await;
    let lost = wander(&world, &clients, 0..3);
    world.pass(HOUR).await;
    assert_eq!(world.objects().await.len(), 1, "delta does not tell of it");

    for _ in 0..48 {
        world.pass(HOUR).await;
    }
    for mail in lost.iter().chain([&ordinary]) {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    assert_eq!(world.objects().await.len(), 4, "and what lay there before is left alone");
    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.run_until_idle().await;
    let shown = reconciliation(&world, &registry).await;
    assert_eq!(
        (&shown["state"], tally(&shown)),
        (&json!("done"), [34, 4, 4, 0]),
        "the last one found nothing new: {shown}"
    );
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["discovered"], &progress["archived"]), (&json!(4), &json!(4)));
    let folders = world.get(&path(&registry, "/folders")).await.ok();
    let inbox = folders["items"].as_array().unwrap().iter().find(|f| f["well_known"] == "inbox").unwrap().clone();
    assert_eq!([&inbox["mails"]["listed"], &inbox["mails"]["due"], &inbox["mails"]["kept"]], [34, 4, 4]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_comparison_says_how_many_folders_are_counted_and_up_to_which_arrival() {
    let world = World::new().await;
    let registry = world.registry().await;
    assert_eq!(reconciliation(&world, &registry).await["arrived_before"], Value::Null);
    world.pass(HOUR).await;
    world.deliver("inbox", "Just now");
    world.run_until_idle().await;
    let began = world.clock.now();
    let started = world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    assert_eq!(started["counting"], json!({ "counted": 0, "folders": 2 }), "{started}");
    world.run_until_idle().await;
    let done = reconciliation(&world, &registry).await;
    assert_eq!((&done["state"], tally(&done)), (&json!("done"), [0, 0, 0, 0]));
    assert_eq!(done["counting"], Value::Null);
    assert_eq!(done["arrived_before"], json!(began - Duration::from_secs(300)), "the mail is younger: {done}");
}

#[tokio::test]
async fn a_dry_run_tells_what_is_missing_and_takes_nothing_in() {
    let world = World::new().await;
    let clients = world.microsoft.create_folder(ADA, "msgfolderroot", "Clients").unwrap();
    let registry = world.registry().await;
    // After many rounds the simulated tenant tells of one of them once more, as Graph may.
    world.microsoft.faults().notices(NoticeFault::Drop, Times::Forever);
    let lost = wander(&world, &clients, 0..25);
    world.pass(HOUR).await;

    let asked = world.post(&path(&registry, "/reconcile"), json!({ "dry_run": true })).await;
    assert_eq!(asked.status, 202);
    assert_eq!(asked.body["state"], "running");
    world.run_until_idle().await;
    let shown = reconciliation(&world, &registry).await;
    assert_eq!((&shown["state"], &shown["dry_run"], tally(&shown)), (&json!("done"), &json!(true), [25, 25, 0, 25]));
    let inbox = shown["folders"].as_array().unwrap().iter().find(|f| f["display_name"] == "Inbox").unwrap();
    let named = inbox["missing"].as_array().unwrap();
    assert_eq!(named.len(), 20, "some by name, all by number");
    assert!(named.iter().all(|mail| lost.iter().any(|id| mail["immutable_id"] == id.as_str())));
    assert_eq!(world.objects().await.len(), 0);
    assert_eq!(world.progress(&registry).await["discovered"], 0);

    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.run_until_idle().await;
    assert_eq!(tally(&reconciliation(&world, &registry).await), [25, 25, 0, 25]);
    assert_eq!(world.objects().await.len(), 25);
    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.run_until_idle().await;
    assert_eq!(tally(&reconciliation(&world, &registry).await), [25, 25, 25, 0]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn old_mail_whose_moving_in_nobody_told_of_is_found_and_what_the_baseline_saw_is_not_kept() {
    let world = World::new().await;
    let year_ago = world.clock.now() - Duration::from_secs(365 * 86_400);
    let lies = world.deliver_at("inbox", "Lies there", year_ago);
    let old = world.deliver_at("archive", "Moved in", year_ago);
    let registry = world.registry().await;
    world.microsoft.faults().tell_removals_last(true);
    for folder in ["inbox", "archive", "inbox"] {
        world.microsoft.move_message(ADA, &old, folder).unwrap();
    }
    world.pass(HOUR).await;
    assert_eq!(world.message(&registry, &old).await.problem(), "not_found");
    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &old).await.ok()["state"], "marked");
    assert_eq!(world.message(&registry, &lies).await.problem(), "not_found");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_large_folder_costs_one_request_for_a_thousand_mails_and_an_interruption_repeats_no_page() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    for n in 0..2_100 {
        // Many in one second, as an import leaves them.
        world.deliver_at("inbox", &format!("Lies there {n}"), week_ago + Duration::from_secs(n / 1_200));
    }
    let registry = world.registry().await;
    let before = world.microsoft.requests().by_kind.get("messages").copied().unwrap_or_default();
    world.post(&path(&registry, "/reconcile"), json!({})).await.ok();
    world.microsoft.faults().fail("messages", 503, Times::N(4));
    world.run_until_idle().await;
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(30), Times::N(1));
    for _ in 0..4 {
        world.pass(Duration::from_secs(40)).await;
    }
    let shown = reconciliation(&world, &registry).await;
    assert_eq!((&shown["state"], tally(&shown)), (&json!("done"), [2_100, 0, 0, 0]));
    let spent = world.microsoft.requests().by_kind["messages"] - before;
    // Each time that the list fails, the newest mails show whether it is the mailbox.
    assert!(spent <= 4 + 6 + 2, "{spent} requests");
    world.settle(&registry).await;
}
