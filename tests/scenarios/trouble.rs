//! R11: the path of mail when something goes wrong.

use std::time::Duration;

use microsoft365::{RetryAfter, Times, ValueFault};
use serde_json::{Value, json};
use tests::{ADA, Registry, World, message_id};

#[tokio::test]
async fn a_mail_that_graph_refuses_fails_by_itself_and_is_tried_again_with_growing_pauses() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (bad, worse) = (world.deliver("inbox", "Refused"), world.deliver("inbox", "Broken"));
    let good: Vec<String> = (0..5).map(|i| world.deliver("inbox", &format!("Good {i}"))).collect();
    world.microsoft.faults().value(&bad, ValueFault::Status(404), Times::N(2));
    world.microsoft.faults().value(&worse, ValueFault::Status(500), Times::Forever);
    world.run_until_idle().await;

    for mail in &good {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    let failed = world.message(&registry, &bad).await.ok();
    assert_eq!((&failed["state"], &failed["failure"]["code"]), (&json!("failed"), &json!("ErrorItemNotFound")));
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["archived"], &progress["failed"]), (&json!(5), &json!(2)));

    // Too early: nothing is asked for again.
    let before = world.microsoft.requests().by_kind["message value"];
    world.pass(Duration::from_secs(30)).await;
    assert_eq!(world.microsoft.requests().by_kind["message value"], before);
    world.pass(Duration::from_secs(40)).await;
    assert_eq!(world.message(&registry, &bad).await.ok()["failure"]["attempts"], 2);
    world.pass(Duration::from_secs(200)).await;
    assert_eq!(world.message(&registry, &bad).await.ok()["failure"]["attempts"], 2);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.message(&registry, &bad).await.ok()["state"], "marked");
    let progress = world.progress(&registry).await;
    assert_eq!((&progress["archived"], &progress["failed"]), (&json!(6), &json!(1)));

    // The other is given up after about ten days, and says so.
    for _ in 0..20 {
        world.pass(Duration::from_secs(86_400)).await;
    }
    let given_up = world.message(&registry, &worse).await.ok();
    assert_eq!((&given_up["state"], &given_up["failure"]["next_try"]), (&json!("failed"), &json!(null)));
    let feed = world.feed(&registry.firm).await;
    assert_eq!(feed.iter().filter(|fact| *fact == "message_failed").count(), 2);
    world.settle(&registry).await;
}

/// Asks to try these mails again, and shows the state or the problem of each.
async fn retried(world: &World, registry: &Registry, mails: &[&str]) -> Vec<Value> {
    let ids: Vec<String> = mails.iter().map(|mail| message_id(registry, mail).to_string()).collect();
    let body = json!({ "messages": ids });
    let answer = world.post(&format!("/v1/firms/{}/messages/retry", registry.firm), body).await.ok();
    let shown =
        |item: &Value| if item["state"].is_null() { item["problem"]["code"].clone() } else { item["state"].clone() };
    answer["items"].as_array().unwrap().iter().map(shown).collect()
}

async fn counts(world: &World, registry: &Registry) -> (Value, Value) {
    let progress = world.progress(registry).await;
    (progress["archived"].clone(), progress["failed"].clone())
}

#[tokio::test]
async fn a_failed_mail_is_tried_again_at_once_when_somebody_asks_and_the_others_of_its_page_wait() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..7).map(|n| world.deliver("inbox", &format!("Refused {n}"))).collect();
    for mail in &mails {
        world.microsoft.faults().value(mail, ValueFault::Status(400), Times::Forever);
    }
    world.run_until_idle().await;
    world.microsoft.faults().clear();
    // As often as somebody clicks, and by two at the same time.
    let (one, two) = ([mails[3].as_str()], [mails[3].as_str(), "AAkUnknown"]);
    let (asked, again) = tokio::join!(retried(&world, &registry, &one), retried(&world, &registry, &two));
    assert_eq!((asked, again), (vec![json!("failed")], vec![json!("failed"), json!("not_found")]));
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mails[3]).await.ok()["state"], "marked");
    assert_eq!(world.message(&registry, &mails[0]).await.ok()["failure"]["attempts"], 1);
    assert_eq!(counts(&world, &registry).await, (json!(1), json!(6)));
    assert_eq!(retried(&world, &registry, &[&mails[3]]).await, ["marked"]);
    for _ in 0..3 {
        world.pass(Duration::from_secs(61)).await;
    }
    assert_eq!(counts(&world, &registry).await, (json!(7), json!(0)));
    let trail = format!("/v1/firms/{}/audit?action=POST%20/v1/firms/%7Bfirm%7D/messages/retry", registry.firm);
    assert_eq!(world.get(&trail).await.ok()["items"].as_array().unwrap().len(), 3 * 2);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mail_that_was_given_up_is_tried_for_ten_more_days_when_somebody_asks_and_is_counted_once() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Broken");
    world.microsoft.faults().value(&mail, ValueFault::Status(500), Times::Forever);
    world.run_until_idle().await;
    for _ in 0..20 {
        world.pass(Duration::from_secs(86_400)).await;
    }
    let failure = async || world.message(&registry, &mail).await.ok()["failure"].clone();
    assert_eq!(failure().await["next_try"], Value::Null);
    let named = [mail.as_str()];
    let (one, other) = tokio::join!(retried(&world, &registry, &named), retried(&world, &registry, &named));
    assert_eq!((one, other), (vec![json!("failed")], vec![json!("failed")]));
    world.run_until_idle().await;
    let failed = failure().await;
    assert_eq!((&failed["attempts"], failed["next_try"].is_string()), (&json!(1), true));
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(failure().await["attempts"], 2);
    assert_eq!(counts(&world, &registry).await, (json!(0), json!(1)));

    world.microsoft.faults().clear();
    assert_eq!(retried(&world, &registry, &[&mail]).await, ["failed"]);
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(counts(&world, &registry).await, (json!(1), json!(0)));
    let feed = world.feed(&registry.firm).await;
    assert_eq!(feed.iter().filter(|fact| *fact == "message_failed").count(), 1);
    assert_eq!(feed.iter().filter(|fact| *fact == "message_archived").count(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_failed_mail_of_another_firm_or_of_a_deleted_mailbox_is_not_tried_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Broken");
    world.microsoft.faults().value(&mail, ValueFault::Status(500), Times::Forever);
    world.run_until_idle().await;
    let (connector, mailbox) = (registry.connector.clone(), registry.mailbox.clone());
    let other = Registry { firm: world.firm("Other").await, connector, mailbox };
    assert_eq!(retried(&world, &other, &[&mail]).await, ["not_found"]);
    let before = world.message(&registry, &mail).await.ok()["failure"].clone();
    assert_eq!(before["attempts"], 1);
    world.delete(&format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox)).await;
    assert_eq!(retried(&world, &registry, &[&mail]).await, ["not_found"]);
    let none = world.post(&format!("/v1/firms/{}/messages/retry", registry.firm), json!({ "messages": [] })).await;
    assert_eq!(none.problem(), "invalid_request");
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_never_archived() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Cut");
    world.microsoft.faults().value(&mail, ValueFault::CutAfter(60), Times::N(2));
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 0);
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_dead_delta_link_starts_a_new_round_without_doubles_or_gaps() {
    let world = World::new().await;
    let week_ago = world.clock.now() - Duration::from_secs(7 * 86_400);
    for i in 0..30 {
        world.deliver_at("inbox", &format!("Old {i}"), week_ago);
    }
    let registry = world.registry().await;
    for i in 0..30 {
        world.deliver("inbox", &format!("New {i}"));
    }
    world.run_until_idle().await;
    let read = world.microsoft.requests().by_kind["message value"];
    let between = world.deliver("inbox", "In between");
    world.microsoft.faults().delta_gone(ADA, Times::N(2));
    world.run_until_idle().await;

    assert_eq!(world.message(&registry, &between).await.ok()["state"], "marked");
    assert_eq!(world.objects().await.len(), 31);
    assert_eq!(world.microsoft.requests().by_kind["message value"], read + 1, "nothing is downloaded a second time");
    assert_eq!(world.progress(&registry).await["skipped"]["already_there"], 30);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_throttled_mailbox_goes_on_where_it_was_once_the_wait_is_over() {
    let world = World::new().await;
    let registry = world.registry().await;
    for i in 0..30 {
        world.deliver("inbox", &format!("Mail {i}"));
    }
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(17), Times::N(3));
    world.run_until_idle().await;
    let asked = world.microsoft.requests().graph;
    world.run_until_idle().await;
    assert_eq!(world.microsoft.requests().graph, asked, "nothing is asked before the wait is over");
    for _ in 0..4 {
        world.pass(Duration::from_secs(20)).await;
    }
    assert_eq!(world.objects().await.len(), 30);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_notice_that_is_lost_only_delays_the_mail_until_the_next_poll_and_polls_come_often_after_that() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.microsoft.faults().notices(microsoft365::NoticeFault::Drop, Times::Forever);
    let mail = world.deliver("inbox", "Unannounced");
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 0);
    world.pass(Duration::from_secs(61 * 60)).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    let next = world.deliver("inbox", "Unannounced too");
    world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(world.message(&registry, &next).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mark_whose_answer_was_lost_is_set_once() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Lost answer");
    world.microsoft.faults().lose_answer("message patch", Times::N(1));
    world.run_until_idle().await;
    for _ in 0..3 {
        world.pass(Duration::from_secs(61)).await;
    }
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    assert_eq!(world.microsoft.messages(ADA).unwrap()[0].categories.len(), 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mail_that_is_deleted_before_it_can_be_marked_stays_archived() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Short-lived");
    for kind in ["message patch", "message"] {
        world.microsoft.faults().fail(kind, 404, Times::Forever);
    }
    world.run_until_idle().await;
    let message = world.message(&registry, &mail).await.ok();
    assert_eq!(message["state"], "unmarked");
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"]);
    world.microsoft.faults().clear();
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_subscription_that_graph_removed_is_made_anew() {
    let world = World::new().await;
    let registry = world.registry().await;
    let first = world.microsoft.subscriptions(ADA).unwrap();
    assert_eq!(first.len(), 1);
    world.microsoft.send_lifecycle(&first[0], microsoft365::Lifecycle::SubscriptionRemoved).unwrap();
    world.run_until_idle().await;
    let second = world.microsoft.subscriptions(ADA).unwrap();
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);

    // And one that would end is renewed.
    for _ in 0..20 {
        world.pass(Duration::from_secs(86_400)).await;
    }
    let mail = world.deliver("inbox", "Weeks later");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_connection_that_microsoft_ends_says_whose_turn_it_is_and_loses_nothing() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.revoke_sessions(ADA).unwrap();
    let mail = world.deliver("inbox", "While away");
    world.pass(Duration::from_secs(2 * 3600)).await;
    let path = format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector);
    let connector = world.get(&path).await.ok();
    assert_eq!(
        (&connector["state"], &connector["problem"]["code"]),
        (&json!("action_required"), &json!("sign_in_required"))
    );
    assert!(connector["problem"]["next_action"].as_str().is_some_and(|text| text.contains("sign in again")));

    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    assert_eq!(world.get(&path).await.ok()["state"], "connected");
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mailbox_that_is_throttled_again_and_again_is_left_to_the_schedule_and_sets_off_no_alarm() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Patience");
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(10), Times::N(30));
    for _ in 0..60 {
        world.pass(Duration::from_secs(15)).await;
    }
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    let client = aws_sdk_sqs::Client::new(&world.host.machine.aws);
    let dead = client.get_queue_url().queue_name("greffe-mail-dead-letters.fifo").send().await.unwrap();
    let received = client.receive_message().set_queue_url(dead.queue_url).send().await.unwrap();
    assert_eq!(received.messages().len(), 0);
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_mail_that_is_deleted_for_good_before_it_is_read_is_gone_and_tried_no_more() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (gone, refused) = (world.deliver("inbox", "Gone"), world.deliver("inbox", "Refused once"));
    let kept = world.deliver("inbox", "Kept");
    world.microsoft.faults().value(&gone, ValueFault::Status(503), Times::Forever);
    world.microsoft.faults().value(&refused, ValueFault::Status(500), Times::Forever);
    world.run_until_idle().await;
    for mail in [&gone, &refused] {
        world.microsoft.delete_message(ADA, mail).unwrap();
        world.microsoft.faults().value(mail, ValueFault::Status(404), Times::N(1));
    }
    for _ in 0..6 {
        world.pass(Duration::from_secs(60)).await;
    }
    for mail in [&gone, &refused] {
        let shown = world.message(&registry, mail).await.ok();
        assert_eq!(
            (&shown["state"], &shown["failure"], &shown["sha256"]),
            (&json!("gone"), &json!(null), &json!(null))
        );
    }
    assert_eq!(world.message(&registry, &kept).await.ok()["state"], "marked");
    let progress = world.progress(&registry).await;
    let counts = ["discovered", "archived", "failed", "gone", "remaining"].map(|name| progress[name].as_i64().unwrap());
    assert_eq!(counts, [3, 1, 0, 2, 0], "{progress}");
    let feed = world.feed(&registry.firm).await;
    assert_eq!(feed.iter().filter(|fact| *fact == "message_gone").count(), 2, "{feed:?}");
    let listed = world.get(&format!("/v1/firms/{}/messages", registry.firm)).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3, "each once: {listed}");
    let asked = world.microsoft.requests().by_kind["message value"];
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.microsoft.requests().by_kind["message value"], asked, "it is tried no more");
}

#[tokio::test]
async fn a_mail_dated_2100_that_lay_there_before_is_not_taken_for_new() {
    let world = World::new().await;
    let in_2100 = "2100-01-01T00:00:00Z".parse().unwrap();
    let lay_there = world.deliver_at("inbox", "Imported", in_2100);
    let registry = world.registry().await;
    world.run_until_idle().await;
    let arrived = world.deliver_at("inbox", "Arrived since", in_2100);
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &lay_there).await.problem(), "not_found");
    assert_eq!(world.message(&registry, &arrived).await.ok()["state"], "marked");
    assert_eq!(world.progress(&registry).await["skipped"]["already_there"], 1);
}

#[tokio::test]
async fn a_mailbox_that_graph_has_wait_is_shown_as_waiting_after_an_hour_and_no_folder_of_it_before() {
    let world = World::new().await;
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(20), Times::Forever);
    world.deliver("inbox", "Waits");
    for minute in 0..75 {
        world.pass(Duration::from_secs(60)).await;
        let shown = world.get(&path).await.ok();
        match minute {
            0..55 => assert_eq!(shown["problem"], json!(null), "after {minute} minutes: {shown}"),
            65.. => assert_eq!(shown["problem"]["code"], "microsoft_busy", "after {minute} minutes: {shown}"),
            _ => {}
        }
    }
    let shown = world.get(&format!("{path}/folders")).await.ok();
    let inbox = shown["items"].as_array().unwrap().iter().find(|folder| folder["well_known"] == "inbox").unwrap();
    assert_eq!((&shown["current"], &inbox["items"]), (&json!(false), &json!(null)), "{shown}");
    assert_eq!((&inbox["selected"], &inbox["problem"]), (&json!(true), &json!(null)), "{shown}");
    world.microsoft.faults().clear();
    for _ in 0..20 {
        world.pass(Duration::from_secs(60)).await;
    }
    assert_eq!(world.get(&path).await.ok()["problem"], json!(null));
    assert_eq!(world.get(&format!("{path}/folders")).await.ok()["current"], true);
    world.settle(&registry).await;
}
