//! D3: the business application is told: each event is posted to its addresses, signed, in order, and none is lost.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    aws::secrets::KEYRING,
    base::id::ConnectorId,
    firm::fact::{Fact, FactEvent},
    webhook::sign::{WebhookSecret, signatures},
};
use tests::{ADA, OPERATOR_KEY, Registry, World, message_id};
use tokio::{net::TcpListener, sync::Notify};

const OTHER_FIRM: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A business application that is posted to.
#[derive(Clone, Default)]
pub(crate) struct Application {
    inner: Arc<Inner>,
    pub(crate) url: String,
}

#[derive(Default)]
struct Inner {
    posts: Mutex<Vec<Post>>,
    /// What is answered next; 200 where nothing is said, nothing at all to a 0, and 503 to a 1 once it may be.
    answers: Mutex<VecDeque<u16>>,
    always: Mutex<Option<u16>>,
    came: Notify,
    may_answer: Notify,
}

/// What was posted.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    headers: HeaderMap,
    body: String,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn number(&self) -> u64 {
        self.json()["data"]["event"]["number"].as_u64().unwrap()
    }

    /// Whether it is signed with this secret, as the standard says.
    fn is_signed_with(&self, secret: &str) -> bool {
        let at = Timestamp::from_second(self.header("webhook-timestamp").parse().unwrap()).unwrap();
        let secret = [WebhookSecret::from_text(secret.to_owned().into())];
        let own = signatures(&secret, self.header("webhook-id"), at, &self.body).unwrap();
        self.header("webhook-signature").split(' ').any(|signature| signature == own)
    }
}

impl Application {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/greffe", listener.local_addr().unwrap());
        let application = Self { inner: Arc::default(), url };
        let inner = application.inner.clone();
        let take = async move |headers: HeaderMap, body: Bytes| {
            let post = Post { headers, body: String::from_utf8(body.to_vec()).unwrap() };
            inner.posts.lock().unwrap().push(post);
            inner.came.notify_one();
            let next = inner.answers.lock().unwrap().pop_front().or(*inner.always.lock().unwrap());
            match next.unwrap_or(200) {
                0 => std::future::pending().await,
                1 => {
                    inner.may_answer.notified().await;
                    (StatusCode::SERVICE_UNAVAILABLE, "what the application says")
                }
                status => (StatusCode::from_u16(status).unwrap(), "what the application says"),
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/greffe", post(take))).await });
        application
    }

    fn answers(&self, statuses: &[u16]) {
        self.inner.answers.lock().unwrap().extend(statuses);
    }

    pub(crate) fn always(&self, status: Option<u16>) {
        *self.inner.always.lock().unwrap() = status;
    }

    fn posts(&self) -> MutexGuard<'_, Vec<Post>> {
        self.inner.posts.lock().unwrap()
    }

    /// What came since this was asked last.
    pub(crate) fn taken(&self) -> Vec<Post> {
        std::mem::take(&mut *self.posts())
    }

    fn numbers(&self) -> Vec<u64> {
        self.posts().iter().map(Post::number).collect()
    }
}

/// A webhook of a firm's: its path, and its secret.
async fn webhook(world: &World, firm: &str, body: Value) -> (String, String) {
    let made = world.post(&format!("/v1/firms/{firm}/webhooks"), body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/v1/firms/{firm}/webhooks/{}", made.body["id"].as_str().unwrap());
    assert_eq!(made.headers["location"], path);
    (path, made.body["secret"].as_str().unwrap().to_owned())
}

async fn world() -> (World, Registry, Application) {
    let world = World::new().await;
    let registry = world.registry().await;
    (world, registry, Application::start().await)
}

async fn events(world: &World, firm: &str) -> Vec<Value> {
    let page = world.get(&format!("/v1/firms/{firm}/events?limit=100")).await.ok();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_event_is_posted_to_the_firms_webhook_signed_and_in_order() {
    let (world, registry, application) = world().await;
    let began = events(&world, &registry.firm).await.len() as u64;
    let (path, secret) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let shown = world.get(&path).await.ok();
    assert_eq!((&shown["state"], &shown["posted_up_to"]), (&json!("active"), &json!(began.to_string())));
    assert!(!shown.to_string().contains(&secret[6..]), "it is shown once");
    for n in 0..5 {
        world.deliver("inbox", &format!("Mail {n}"));
    }
    world.run_until_idle().await;

    let (posts, events) = (application.taken(), events(&world, &registry.firm).await);
    let new = &events[began as usize..];
    assert_eq!((posts.len(), new.len()), (5, 5), "what was there before is not posted");
    for (post, event) in posts.iter().zip(new) {
        let body = post.json();
        assert_eq!((&body["type"], &body["timestamp"]), (&event["type"], &event["at"]));
        assert_eq!(body["data"], json!({ "firm": registry.firm, "event": event }));
        assert_eq!(post.header("webhook-id"), event["id"].as_str().unwrap());
        assert!(post.is_signed_with(&secret));
        assert!(!post.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    }
    assert_eq!(world.get(&path).await.ok()["posted_up_to"], (began + 5).to_string());
    let deliveries = world.get(&format!("{path}/deliveries?limit=2")).await.ok();
    let newest = &deliveries["items"][0];
    assert_eq!(
        (&newest["status"], &newest["attempt"], &newest["type"]),
        (&json!(200), &json!(1), &json!("message_archived"))
    );
    assert_eq!((&newest["answer"], &newest["failure"]), (&json!("what the application says"), &Value::Null));
    let next = deliveries["next"].as_str().unwrap().replace('#', "%23");
    let rest = world.get(&format!("{path}/deliveries?after={next}")).await.ok();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (3, &Value::Null));

    assert_eq!(world.delete(&path).await.status, 204);
    world.deliver("inbox", "After it");
    world.run_until_idle().await;
    assert_eq!(application.posts().len(), 0);
}

#[tokio::test]
async fn a_day_of_500s_loses_nothing_and_then_the_webhook_is_paused_and_the_firm_is_told() {
    let (world, registry, application) = world().await;
    let (path, _) = webhook(&world, &registry.firm, json!({ "url": application.url, "after": "0" })).await;
    world.run_until_idle().await;
    let seen = application.numbers();
    application.taken();

    application.always(Some(500));
    world.deliver("inbox", "The first");
    world.run_until_idle().await;
    assert_eq!(application.posts().len(), 1);
    let failing = world.get(&path).await.ok()["failing"].clone();
    assert_eq!((&failing["tries"], &failing["next_try"]), (&json!(1), &json!("2026-03-02T08:01:00Z")));
    for hour in 0..25 {
        world.deliver("inbox", &format!("Mail of hour {hour}"));
        world.pass(HOUR).await;
    }
    let tries = application.taken();
    assert!((15..=30).contains(&tries.len()), "{} tries", tries.len());
    assert!(tries.iter().all(|post| post.number() == tries[0].number()), "what is behind it waits");
    let shown = world.get(&path).await.ok();
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("paused"), &json!("webhook_failing")));
    let told = events(&world, &registry.firm).await;
    let paused: Vec<_> = told.iter().filter(|event| event["type"] == "webhook_paused").collect();
    assert_eq!((paused.len(), &paused[0]["code"]), (1, &json!("webhook_failing")));
    world.pass(DAY).await;
    assert_eq!(application.taken().len(), 0, "a paused webhook is left alone");

    application.always(None);
    let again = world.patch(&path, json!({ "state": "active" })).await.ok();
    assert_eq!((&again["state"], &again["problem"]), (&json!("active"), &Value::Null));
    world.run_until_idle().await;
    let all: Vec<u64> = seen.into_iter().chain(application.numbers()).collect();
    let events = events(&world, &registry.firm).await;
    // The feed and the deliveries say that it went on; a pause that somebody asked for is no event.
    let resumed = events.last().unwrap();
    assert_eq!((&resumed["type"], &resumed["webhook"]), (&json!("webhook_resumed"), &again["id"]));
    let deliveries = world.get(&format!("{path}/deliveries?limit=100")).await.ok();
    let mut deliveries = deliveries["items"].as_array().unwrap().iter();
    let posted = deliveries.find(|delivery| delivery["type"] == "webhook_resumed").expect("it is posted, too");
    assert_eq!((&posted["number"], &posted["status"]), (&resumed["number"], &json!(200)));
    world.patch(&path, json!({ "state": "paused" })).await.ok();
    world.patch(&path, json!({ "state": "active" })).await.ok();
    assert_eq!(self::events(&world, &registry.firm).await.len(), events.len());
    assert_eq!(all, events.iter().map(|event| event["number"].as_u64().unwrap()).collect::<Vec<_>>());
    assert_eq!(world.get(&path).await.ok()["failing"], Value::Null);
}

#[tokio::test]
async fn an_event_that_is_not_taken_once_is_posted_again_a_minute_later_and_order_is_kept() {
    let (world, registry, application) = world().await;
    let (path, _) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    application.answers(&[200, 503]);
    for n in 0..4 {
        world.deliver("inbox", &format!("Mail {n}"));
    }
    world.run_until_idle().await;
    let first = application.numbers()[0];
    assert_eq!(application.numbers(), [first, first + 1]);
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(application.numbers(), [0, 1, 1, 2, 3].map(|n| first + n));
    let attempts = world.get(&format!("{path}/deliveries")).await.ok();
    let attempts: Vec<_> = attempts["items"].as_array().unwrap().iter().map(|delivery| &delivery["attempt"]).collect();
    assert_eq!(attempts.iter().filter(|attempt| ***attempt == 2).count(), 1, "{attempts:?}");
}

#[tokio::test]
async fn a_url_that_is_put_right_while_the_wrong_one_is_posted_to_is_posted_to_at_once() {
    let (world, registry, wrong) = world().await;
    let right = Application::start().await;
    let (path, _) = webhook(&world, &registry.firm, json!({ "url": wrong.url })).await;
    wrong.answers(&[1]);
    world.deliver("inbox", "A mail");
    let put_right = async {
        wrong.inner.came.notified().await;
        world.patch(&path, json!({ "url": right.url })).await.ok();
        wrong.inner.may_answer.notify_one();
    };
    tokio::join!(world.run_until_idle(), put_right);
    world.run_until_idle().await;
    assert_eq!((wrong.posts().len(), right.posts().len()), (1, 1));
    assert_eq!(world.get(&path).await.ok()["failing"], Value::Null);
}

#[tokio::test]
async fn each_attempt_is_listed_with_its_address_and_the_firm_that_the_event_is_of() {
    let (world, registry, application) = world().await;
    let wrong = application.url.replace("/greffe", "/wrong");
    let hook = world.post("/v1/webhooks", json!({ "url": wrong })).await.ok();
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().unwrap());
    world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    world.clock.advance(Duration::from_secs(1));
    world.patch(&path, json!({ "url": application.url })).await.ok();
    world.run_until_idle().await;
    world.clock.advance(Duration::from_secs(1));
    world.post(&format!("{path}/send"), json!({ "kind": "test" })).await.ok();
    world.run_until_idle().await;
    let listed = world.get(&format!("{path}/deliveries")).await.ok();
    let mut tries: Vec<Value> = listed["items"].as_array().unwrap().clone();
    tries.reverse();
    let (first, last) = (&tries[0], &tries[tries.len() - 1]);
    assert_eq!((&first["url"], &first["status"], &first["firm"]), (&json!(wrong), &json!(404), &json!(registry.firm)));
    assert_eq!((&last["url"], &last["type"], &last["firm"]), (&json!(application.url), &Value::Null, &Value::Null));
    let of_first: Vec<&Value> = tries.iter().filter(|attempt| attempt["event"] == first["event"]).collect();
    assert_eq!(of_first.len(), 2, "{listed}");
    assert_eq!((&of_first[1]["url"], &of_first[1]["status"]), (&json!(application.url), &json!(200)));
}

#[tokio::test]
async fn an_event_whose_announcement_was_lost_is_posted_by_the_schedule() {
    let (world, registry, application) = world().await;
    webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let queue = world.host.app.config.delivery_queue_url.clone();
    world.deliver("inbox", "Lost");
    world.microsoft.deliver_notices().await.unwrap();
    world.host.source.step().await;
    let sqs = aws_sdk_sqs::Client::new(&world.host.machine.aws);
    sqs.purge_queue().queue_url(queue).send().await.unwrap();
    world.run_until_idle().await;
    assert_eq!(application.posts().len(), 0);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(application.taken().len(), 1);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(application.posts().len(), 0, "once");
}

#[tokio::test]
async fn an_address_that_is_gone_is_paused_at_once() {
    let (world, registry, application) = world().await;
    let (path, _) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    application.answers(&[410]);
    world.deliver("inbox", "One");
    world.run_until_idle().await;
    let shown = world.get(&path).await.ok();
    assert_eq!((&shown["state"], &shown["problem"]["code"]), (&json!("paused"), &json!("webhook_gone")));
    assert_eq!(shown["problem"]["who"], "integrator");
}

#[tokio::test]
async fn an_address_that_does_not_answer_delays_no_other() {
    let (world, registry, good) = world().await;
    let silent = Application::start().await;
    silent.always(Some(0));
    for application in [&silent, &good] {
        webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    }
    world.deliver("inbox", "One");
    world.microsoft.deliver_notices().await.unwrap();
    world.host.source.step().await;
    // As two functions: each is given one job.
    let posting = [(); 2].map(|()| {
        let source = world.host.delivery_source.clone();
        tokio::spawn(async move { source.step().await })
    });
    good.inner.came.notified().await;
    silent.inner.came.notified().await;
    assert!(posting.iter().any(|function| !function.is_finished()), "one waits for the answer still");
    posting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_secret_is_replaced_while_both_sign_for_a_day() {
    let (world, registry, application) = world().await;
    let (path, old) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let rotated = world.request(Some(OPERATOR_KEY), Method::POST, &format!("{path}/rotate"), None).await.ok();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["previous_secret_until"], "2026-03-03T08:00:00Z");
    world.deliver("inbox", "During");
    world.run_until_idle().await;
    let post = application.taken().remove(0);
    assert!(post.is_signed_with(&new) && post.is_signed_with(&old));
    world.pass(DAY).await;
    world.deliver("inbox", "After");
    world.run_until_idle().await;
    let post = application.taken().remove(0);
    assert!(post.is_signed_with(&new) && !post.is_signed_with(&old));
    assert_eq!(world.get(&path).await.ok()["previous_secret_until"], Value::Null);
}

#[tokio::test]
async fn each_secret_of_the_last_day_signs_and_there_are_five_at_most() {
    let (world, registry, application) = world().await;
    let (path, first) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let rotate = async || world.request(Some(OPERATOR_KEY), Method::POST, &format!("{path}/rotate"), None).await;
    let mut secrets = vec![first];
    for _ in 0..4 {
        world.pass(HOUR).await;
        secrets.push(rotate().await.ok()["secret"].as_str().unwrap().to_owned());
    }
    world.deliver("inbox", "Signed five times");
    world.run_until_idle().await;
    let post = application.taken().remove(0);
    assert!(secrets.iter().all(|secret| post.is_signed_with(secret)), "a receiver that has any of them takes it");
    let refused = rotate().await;
    assert_eq!(refused.body["code"], "too_many_secrets");
    // The first one was replaced an hour after the beginning, which was at 08:00.
    assert!(refused.body["detail"].as_str().unwrap().contains("2026-03-03T09:00:00Z"), "{}", refused.body);
    let ends_at: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(wait, ends_at.as_second() - world.clock.now().as_second());
    world.pass(21 * HOUR).await;
    secrets.push(rotate().await.ok()["secret"].as_str().unwrap().to_owned());
    world.deliver("inbox", "The first secret signs no longer");
    world.run_until_idle().await;
    let post = application.taken().remove(0);
    let signed: Vec<bool> = secrets.iter().map(|secret| post.is_signed_with(secret)).collect();
    assert_eq!(signed, [false, true, true, true, true, true]);
}

#[tokio::test]
async fn a_test_one_event_or_everything_is_sent_when_somebody_asks_for_it() {
    let (world, registry, application) = world().await;
    let (path, secret) = webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    world.deliver("inbox", "One");
    world.deliver("inbox", "Two");
    world.run_until_idle().await;
    let numbers = application.numbers();
    let ids: Vec<_> = application.taken().iter().map(|post| post.header("webhook-id").to_owned()).collect();
    let send = async |body: Value| {
        let sent = world.post(&format!("{path}/send"), body).await;
        assert_eq!(sent.status, 202, "{}", sent.body);
        world.run_until_idle().await;
        application.taken()
    };

    let test = send(json!({ "kind": "test" })).await.remove(0);
    assert!(test.json()["type"] == "test" && test.is_signed_with(&secret));
    let again = send(json!({ "kind": "again", "number": numbers[0] })).await;
    assert_eq!((again.len(), again[0].header("webhook-id")), (1, ids[0].as_str()));
    let since = send(json!({ "kind": "since", "after": "0" })).await;
    assert_eq!(since.len(), events(&world, &registry.firm).await.len());
    // A position may be handed on as the feed has it, which is a number.
    let since = send(json!({ "kind": "since", "after": numbers[0] })).await;
    assert_eq!(since.iter().map(Post::number).collect::<Vec<_>>(), numbers[1..]);
    let second = json!({ "url": application.url, "after": numbers[0] });
    let (second, _) = webhook(&world, &registry.firm, second).await;
    world.run_until_idle().await;
    assert_eq!(application.taken().iter().map(Post::number).collect::<Vec<_>>(), numbers[1..]);
    assert_eq!(world.delete(&second).await.status, 204);
    for wrong in [json!(-1), json!(1.5), json!(true), json!("x"), json!({})] {
        let refused = world.post(&format!("{path}/send"), json!({ "kind": "since", "after": wrong })).await;
        assert!(refused.body["detail"].as_str().unwrap().starts_with("after: "), "{}", refused.body);
        assert_eq!(refused.problem(), "invalid_request");
    }
    // What the feed does not have would be passed over in silence for ever.
    for ahead in [json!({ "kind": "again", "number": 999_999 }), json!({ "kind": "since", "after": "999999" })] {
        let refused = world.post(&format!("{path}/send"), ahead).await;
        let next_action = refused.body["next_action"].as_str().unwrap();
        assert!(next_action.contains("Use a number") && next_action.contains("a webhook with `0`"), "{next_action}");
        assert_eq!(refused.problem(), "position_unknown");
    }
    let new = json!({ "url": application.url, "after": "999999" });
    let webhooks = format!("/v1/firms/{}/webhooks", registry.firm);
    assert_eq!(world.post(&webhooks, new.clone()).await.problem(), "position_unknown");
    let operators = json!({ "url": application.url, "after": "999999.9" });
    assert_eq!(world.post("/v1/webhooks", operators).await.problem(), "position_unknown");
    world.patch(&path, json!({ "state": "paused" })).await.ok();
    assert_eq!(send(json!({ "kind": "test" })).await.len(), 1, "a paused one is tried, too");
    world.deliver("inbox", "While it is paused");
    world.run_until_idle().await;
    assert_eq!(application.posts().len(), 0);
    for (wrong, said) in [
        (json!({ "kind": "never" }), "kind: `never` is not"),
        (json!({ "kind": "again" }), "number: it is missing"),
        (json!({ "kind": "again", "number": "x" }), "number: a whole number belongs here"),
        (json!({ "kind": "again", "number": 1, "firm": "x" }), "firm: "),
        (json!({ "kind": "again", "number": 1, "firm": OTHER_FIRM }), "firm: the webhook is of another firm"),
        (json!({ "kind": "since", "after": [7] }), "after: a number of the feed"),
        (json!({ "kind": "since", "after": "7.7" }), "after: a number of the firm's feed"),
        (json!({ "kind": "test", "now": true }), "now: unknown field `now`"),
    ] {
        let refused = world.post(&format!("{path}/send"), wrong.clone()).await;
        assert_eq!(refused.body["code"], "invalid_request", "{wrong}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(said), "{wrong}: {detail}");
    }
}

#[tokio::test]
async fn what_would_post_nothing_is_refused_and_says_why() {
    let (world, registry, application) = world().await;
    let (path, _) =
        webhook(&world, &registry.firm, json!({ "url": application.url, "types": ["webhook_paused"] })).await;
    let send = async |body: Value| world.post(&format!("{path}/send"), body).await;
    let since = json!({ "kind": "since", "after": "0" });
    assert_eq!(send(since.clone()).await.problem(), "nothing_to_post");
    assert_eq!(send(json!({ "kind": "again", "number": 0 })).await.problem(), "position_unknown");
    world.patch(&path, json!({ "types": [], "state": "paused" })).await.ok();
    assert_eq!(send(since.clone()).await.problem(), "webhook_paused");
    world.patch(&path, json!({ "state": "active" })).await.ok();
    assert_eq!(send(since).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_webhook_gets_the_types_that_it_asks_for_and_events_of_no_other_firm() {
    let (world, registry, filings) = world().await;
    let elsewhere = Application::start().await;
    let other = world.firm("Another").await;
    webhook(&world, &registry.firm, json!({ "url": filings.url, "types": ["message_filed"] })).await;
    webhook(&world, &other, json!({ "url": elsewhere.url })).await;
    let mail = world.deliver("inbox", "One");
    world.run_until_idle().await;
    assert_eq!(filings.posts().len(), 0);
    let message = tests::message_id(&registry, &mail);
    let path = format!("/v1/firms/{}/messages/{message}/file", registry.firm);
    world.post(&path, json!({ "dossier": "2026/017" })).await.ok();
    world.run_until_idle().await;
    assert_eq!(filings.taken().iter().map(|post| post.json()["type"].clone()).collect::<Vec<_>>(), ["message_filed"]);
    assert_eq!(elsewhere.posts().len(), 0);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_and_so_are_too_many() {
    let (world, registry, application) = world().await;
    let path = format!("/v1/firms/{}/webhooks", registry.firm);
    for (url, why) in [
        ("http://application.example/", "https://"),
        ("https://10.0.0.1/", "private"),
        ("https://localhost/", "public name"),
        ("https://u:p@a.example/", "no user"),
        ("https://a.example:70000/", "port"),
        (&format!("https://a.example/{}", "x".repeat(2_000)), "2000 characters"),
        ("x", "not an address"),
    ] {
        let refused = world.post(&path, json!({ "url": url })).await;
        assert_eq!(refused.body["code"], "invalid_request", "{url}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("url: ") && detail.contains(why), "{url}: {detail}");
    }
    let wrong = json!({ "url": application.url, "types": ["message_read"] });
    assert_eq!(world.post(&path, wrong).await.problem(), "invalid_request");
    for _ in 0..10 {
        webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    }
    assert_eq!(world.post(&path, json!({ "url": application.url })).await.problem(), "too_many_webhooks");
}

#[tokio::test]
async fn while_the_key_ring_is_lost_events_wait() {
    let (world, registry, application) = world().await;
    webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&world.host.machine.aws);
    let ring = secrets.get_secret_value().secret_id(KEYRING).send().await.unwrap().secret_string.unwrap();
    let put = async |text: &str| {
        secrets.put_secret_value().secret_id(KEYRING).secret_string(text).send().await.unwrap();
        world.clock.advance(HOUR);
    };
    put("not a key ring").await;
    world.host.app.feed.tell_with(registry.firm.parse().unwrap(), Vec::new(), fact(&world)).await.unwrap();
    world.host.delivery_source.step().await;
    assert_eq!(application.posts().len(), 0);
    put(&ring).await;
    world.run_until_idle().await;
    assert_eq!(application.posts().len(), 1);
}

fn fact(world: &World) -> Fact {
    let what = FactEvent::ConnectorConnected {
        connector: ConnectorId::draw(&world.host.app.random),
        account: "ada@lumen.example".to_owned(),
    };
    Fact { id: "of-a-test".to_owned(), at: world.clock.now(), what }
}

#[tokio::test]
async fn the_operators_webhook_gets_the_events_of_all_firms() {
    let (world, registry, application) = world().await;
    let made = world.post("/v1/webhooks", json!({ "url": application.url })).await;
    let (path, secret) = (made.headers["location"].to_str().unwrap().to_owned(), made.ok()["secret"].clone());
    let other = world.firm("Another").await;
    let connector = world.connector(&other, "delegated", Value::Null).await;
    world.sign_in(&other, &connector, ADA).await.ok();
    world.deliver("inbox", "One");
    world.run_until_idle().await;
    let posts = application.taken();
    let firms: BTreeSet<String> = posts.iter().map(|post| post.json()["data"]["firm"].to_string()).collect();
    assert_eq!((posts.len(), firms), (2, [json!(other), json!(registry.firm)].map(|firm| firm.to_string()).into()));
    assert!(posts.iter().all(|post| post.is_signed_with(secret.as_str().unwrap())));

    world.post(&format!("{path}/send"), json!({ "kind": "since", "after": "0" })).await.ok();
    world.run_until_idle().await;
    let all = world.get("/v1/events?limit=100").await.ok()["items"].as_array().unwrap().len();
    assert_eq!(application.taken().len(), all);
    let again = json!({ "kind": "again", "firm": other, "number": 1 });
    world.post(&format!("{path}/send"), again).await.ok();
    world.run_until_idle().await;
    assert_eq!(application.taken()[0].json()["data"]["firm"], other.as_str());

    application.answers(&[500]);
    world.deliver("inbox", "Two");
    world.run_until_idle().await;
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(application.taken().len(), 2);
    assert_eq!(world.delete(&path).await.status, 204);
    let key = world.post(&format!("/v1/firms/{other}/keys"), json!({ "name": "Application" })).await.ok();
    let refused = world.request(key["key"].as_str(), Method::GET, "/v1/webhooks", None).await;
    assert_eq!(refused.problem(), "not_found");
}

#[tokio::test]
async fn what_is_erased_is_told_to_the_webhook_without_waiting_for_its_schedule() {
    let (world, registry, application) = world().await;
    world.deliver("inbox", "One");
    world.run_until_idle().await;
    webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let erasures = format!("/v1/firms/{}/erasures", registry.firm);
    let message = events(&world, &registry.firm).await.pop().unwrap()["message"].clone();
    let target = json!({ "kind": "message", "message": message });
    let asked = world.post(&erasures, json!({ "target": target, "reason": "Article 17" })).await.ok();
    let early = world.post(&format!("{erasures}/{}/confirm", asked["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(early.headers["retry-after"], "60");
    assert_eq!(early.problem(), "erasure_not_previewed");
    Box::pin(world.host.erase()).await;
    world.post(&format!("{erasures}/{}/confirm", asked["id"].as_str().unwrap()), Value::Null).await.ok();
    Box::pin(world.host.erase()).await;
    world.run_until_idle().await;
    let told: Vec<Value> = application.taken().iter().map(|post| post.json()["type"].clone()).collect();
    assert_eq!(told, ["message_erased"]);
}

#[tokio::test]
async fn of_many_webhooks_made_at_once_a_firm_has_ten() {
    let (world, registry, application) = world().await;
    let path = format!("/v1/firms/{}/webhooks", registry.firm);
    let made = (0..14).map(|_| world.post(&path, json!({ "url": application.url })));
    let made = futures::future::join_all(made).await;
    let refused = made.iter().filter(|answer| answer.body["code"] == "too_many_webhooks").count();
    let there = world.get(&path).await.ok()["items"].as_array().unwrap().len();
    assert_eq!((made.iter().filter(|answer| answer.status == 201).count(), refused, there), (10, 4, 10));
}

#[tokio::test]
async fn an_event_is_posted_within_two_seconds() {
    let (world, registry, application) = world().await;
    webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let mut delays = Vec::new();
    for n in 0..20 {
        world.deliver("inbox", &format!("Mail {n}"));
        world.microsoft.deliver_notices().await.unwrap();
        world.host.source.step().await;
        let recorded = std::time::Instant::now();
        world.host.delivery_source.step().await;
        delays.push(recorded.elapsed());
        assert_eq!(application.taken().len(), 1);
        world.run_until_idle().await;
        application.taken();
    }
    delays.sort();
    assert!(delays[18] <= Duration::from_secs(2), "{delays:?}");
}

#[tokio::test]
async fn an_announcement_that_was_lost_hours_ago_is_found_by_the_run_of_the_hour() {
    let (world, registry, application) = world().await;
    webhook(&world, &registry.firm, json!({ "url": application.url })).await;
    let made = world.post("/v1/webhooks", json!({ "url": application.url })).await;
    assert_eq!(made.status, 201);
    world.deliver("inbox", "Lost");
    world.microsoft.deliver_notices().await.unwrap();
    world.host.source.step().await;
    let sqs = aws_sdk_sqs::Client::new(&world.host.machine.aws);
    let queue = world.host.app.config.delivery_queue_url.clone();
    sqs.purge_queue().queue_url(queue).send().await.unwrap();
    // Nothing ran for three hours and some minutes.
    world.pass(3 * HOUR + Duration::from_secs(20 * 60)).await;
    assert_eq!(application.taken().len(), 0);
    world.pass(Duration::from_secs(40 * 60)).await;
    assert_eq!(application.taken().len(), 2, "the firm's and the operator's");
}

#[tokio::test]
async fn an_address_is_told_at_once_that_an_original_is_kept_longer() {
    let (world, application) = (World::new().await, Application::start().await);
    let registry = world.registry().await;
    let of_firm = |path: &str| format!("/v1/firms/{}/{path}", registry.firm);
    webhook(&world, &registry.firm, json!({ "url": application.url, "types": ["retention_changed"] })).await;
    let classes = json!([{ "name": "Tax", "years": 10 }]);
    let periods = json!({ "default_years": 7, "classes": classes, "reason": "The law" });
    world.put(&of_firm("retention"), periods).await.ok();
    let class = json!({ "dossier": "2026/018", "class": "Tax", "reason": "A tax matter" });
    world.put(&of_firm("retention/dossiers"), class).await.ok();
    world.pass(Duration::from_secs(61)).await;
    let mail = world.deliver("inbox", "A tax matter");
    world.run_until_idle().await;
    let message = message_id(&registry, &mail).to_string();
    world.post(&of_firm(&format!("messages/{message}/file")), json!({ "dossier": "2026/018" })).await.ok();
    world.run_until_idle().await;
    assert!(application.taken().is_empty());
    world.host.index().await;
    world.run_until_idle().await;
    let told = application.taken();
    let told: Vec<Value> = told.iter().map(Post::json).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["type"], &told[0]["data"]["event"]["message"]),
        (&json!("retention_changed"), &json!(message))
    );
}
