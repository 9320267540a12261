use std::time::Duration;

use jiff::SignedDuration;
use microsoft365::{Lifecycle, NoticeFault, Times};
use serde_json::{Value, json};

use crate::office::*;

fn wanted(hook: &Hook, resource: &str, minutes: i64) -> Value {
    json!({
        "changeType": "created,updated,deleted",
        "notificationUrl": hook.url,
        "lifecycleNotificationUrl": hook.url,
        "resource": resource,
        "expirationDateTime": (start() + SignedDuration::from_mins(minutes)).to_string(),
        "clientState": "secret-state",
    })
}

#[tokio::test]
async fn a_subscription_is_proved_twice_and_then_hears_of_every_change() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    let (status, made) =
        graph.json("POST", "/subscriptions", wanted(&hook, "me/mailFolders('inbox')/messages", 1000)).await;
    assert_eq!((status, &made["clientState"]), (201, &"secret-state".into()), "{made}");
    assert_eq!(hook.handshakes(), 2);
    let id = office.mail("m");
    office.mail_in("archive", "elsewhere");
    office.world.set_read(ADA, &id, true).unwrap();
    office.world.move_message(ADA, &id, "archive").unwrap();
    assert_eq!(office.world.deliver_notices().await.unwrap(), 3);
    let posts = hook.posts();
    assert_eq!(posts.len(), 1, "several notices travel in one POST");
    let notices = posts[0]["value"].as_array().unwrap();
    let changes: Vec<&str> = notices.iter().map(|notice| notice["changeType"].as_str().unwrap()).collect();
    assert_eq!(changes, ["created", "updated", "deleted"]);
    for notice in notices {
        assert_eq!((&notice["clientState"], &notice["subscriptionId"]), (&"secret-state".into(), &made["id"]));
        assert_eq!(notice["resourceData"]["id"], id, "immutable ids were preferred");
        assert!(notice["resource"].as_str().unwrap().to_lowercase().starts_with("users/"));
        assert_eq!(notice["tenantId"], office.tenant.id().to_string());
    }
    assert_eq!(graph.ok("/subscriptions").await["value"][0]["clientState"], Value::Null);
}

#[tokio::test]
async fn an_endpoint_that_does_not_echo_the_decoded_token_gets_no_subscription() {
    let office = Office::open_with(|options| options.handshake_timeout = Duration::from_millis(200)).await;
    let hook = Hook::open().await;
    hook.echo(false);
    let graph = office.user(ADA).await;
    let (status, body) = graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    assert_eq!((status, code(&body)), (400, "ValidationError"));
    // A listener that accepts and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut body = wanted(&hook, "me/messages", 1000);
    body["notificationUrl"] = format!("https://{}/", silent.local_addr().unwrap()).into();
    let (status, body) = graph.json("POST", "/subscriptions", body).await;
    assert_eq!(
        (status, body["error"]["message"].as_str().unwrap()),
        (400, "Subscription validation request timed out.")
    );
}

#[tokio::test]
async fn what_the_documentation_refuses_is_refused() {
    let office = Office::open().await;
    office.tenant.grant_full_access(ADA, INFO).unwrap();
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    let post = async |change: &dyn Fn(&mut Value)| {
        let mut body = wanted(&hook, "me/messages", 1000);
        change(&mut body);
        graph.json("POST", "/subscriptions", body).await
    };
    assert_eq!(post(&|body| body["notificationUrl"] = hook.url.replace("https", "http").into()).await.0, 400);
    assert_eq!(post(&|body| body["clientState"] = "x".repeat(129).into()).await.0, 400);
    assert_eq!(post(&|body| body["expirationDateTime"] = "2026-10-09T10:00:01Z".into()).await.0, 400);
    assert_eq!(post(&|body| body["changeType"] = "moved".into()).await.0, 400);
    assert_eq!(post(&|body| body["resource"] = format!("users/{INFO}/messages").into()).await.0, 403);
    assert_eq!(post(&|_| {}).await.0, 201);
    let (status, twin) = post(&|body| body["resource"] = format!("/users/{ADA}/Messages").into()).await;
    assert_eq!((status, twin["error"]["message"].as_str().unwrap().contains("already exists")), (409, true));
    let writer = office.user_with(BOB, "Mail.ReadWrite").await;
    assert_eq!(writer.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await.0, 403);
    let app = office.app().await;
    assert_eq!(app.json("POST", "/subscriptions", wanted(&hook, &format!("users/{INFO}/messages"), 1000)).await.0, 201);
}

#[tokio::test]
async fn a_short_life_is_raised_and_an_expired_subscription_is_gone() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    let (_, made) = graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 5)).await;
    assert_eq!(made["expirationDateTime"], "2026-10-02T10:45:00Z");
    let path = format!("/subscriptions/{}", made["id"].as_str().unwrap());
    let (status, renewed) = graph.json("PATCH", &path, json!({ "expirationDateTime": "2026-10-02T10:50:00Z" })).await;
    assert_eq!((status, &renewed["expirationDateTime"]), (200, &"2026-10-02T10:50:00Z".into()));
    assert_eq!(graph.send("POST", &format!("{path}/reauthorize")).await.status(), 204);
    office.pass(SignedDuration::from_mins(51));
    office.mail("unheard");
    assert_eq!(office.world.deliver_notices().await.unwrap(), 0);
    assert_eq!(graph.json("PATCH", &path, json!({ "expirationDateTime": "2026-10-02T12:50:00Z" })).await.0, 404);
    assert_eq!(graph.ok("/subscriptions").await["value"], json!([]));
    let (status, again) = graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    assert_eq!(status, 201);
    assert_eq!(graph.send("DELETE", &format!("/subscriptions/{}", again["id"].as_str().unwrap())).await.status(), 204);
}

#[tokio::test]
async fn refused_notices_come_again_with_back_off_for_four_hours() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 10_000)).await;
    hook.answer(503);
    office.mail("m");
    assert_eq!(office.world.deliver_notices().await.unwrap(), 0);
    assert_eq!(hook.notices().len(), 1);
    office.world.deliver_notices().await.unwrap();
    assert_eq!(hook.notices().len(), 0, "not before its time");
    for _ in 0..40 {
        office.pass(SignedDuration::from_mins(10));
        office.world.deliver_notices().await.unwrap();
    }
    assert!(hook.notices().len() > 5);
    assert_eq!(office.world.notices_waiting().unwrap(), 0);
}

#[tokio::test]
async fn notices_are_lost_doubled_and_delayed_as_scripted() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    let faults = office.world.faults();
    faults.notices(NoticeFault::Drop, Times::N(1));
    office.mail("lost");
    faults.notices(NoticeFault::Duplicate, Times::N(1));
    office.mail("twice");
    office.world.deliver_notices().await.unwrap();
    assert_eq!(hook.notices().len(), 2);
    faults.notices(NoticeFault::Delay(SignedDuration::from_mins(3)), Times::N(1));
    office.mail("late");
    office.world.deliver_notices().await.unwrap();
    assert_eq!(hook.notices().len(), 0);
    office.pass(SignedDuration::from_mins(3));
    office.world.deliver_notices().await.unwrap();
    assert_eq!(hook.notices().len(), 1);
}

#[tokio::test]
async fn lifecycle_notices_carry_no_resource_and_a_removed_subscription_is_gone() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    let id = office.world.subscriptions(ADA).unwrap().remove(0);
    for event in [Lifecycle::ReauthorizationRequired, Lifecycle::Missed, Lifecycle::SubscriptionRemoved] {
        office.world.send_lifecycle(&id, event).unwrap();
    }
    office.world.deliver_notices().await.unwrap();
    let notices = hook.notices();
    let events: Vec<&str> = notices.iter().map(|notice| notice["lifecycleEvent"].as_str().unwrap()).collect();
    assert_eq!(events, ["reauthorizationRequired", "missed", "subscriptionRemoved"]);
    assert!(notices.iter().all(|notice| notice.get("resource").is_none() && notice["clientState"] == "secret-state"));
    assert!(office.world.subscriptions(ADA).unwrap().is_empty());
}

#[tokio::test]
async fn a_restart_forgets_no_subscription_and_no_notice() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::reopen(dir.path()).await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    office.mail("m");
    drop(office);
    let office = Office::reopen(dir.path()).await;
    assert_eq!(office.world.deliver_notices().await.unwrap(), 1);
    assert_eq!(hook.notices().len(), 1);
}

#[tokio::test]
async fn a_serving_world_delivers_by_itself() {
    let office = Office::open().await;
    let hook = Hook::open().await;
    let graph = office.user(ADA).await;
    graph.json("POST", "/subscriptions", wanted(&hook, "me/messages", 1000)).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = tokio::spawn(office.world.clone().serve(listener));
    office.mail("m");
    let heard = async {
        while hook.notices().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap();
    serving.abort();
}
