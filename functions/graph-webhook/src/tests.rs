use ::aws::Calls;
use aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
use axum::http::Request;
use local::{machine::Machine, provision::provision};
use shared::{
    base::{
        clock::Clock,
        config::Config,
        http::http_client,
        id::{FirmId, MailboxId},
        random::Random,
    },
    mail::notification::client_state,
};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const KEY: &str = "a long random text";

/// The function over embedded engines that hold the key and the queues.
struct World {
    router: Router,
    clock: Clock,
    calls: Calls,
    queue: aws_sdk_sqs::Client,
    queue_url: String,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::of_queue(None).await
    }

    /// The function that was given `url` as its queue's, or the queue's own.
    async fn of_queue(url: Option<&str>) -> Self {
        let (clock, calls, folder) =
            (Clock::manual(Timestamp::UNIX_EPOCH), Calls::default(), tempfile::tempdir().unwrap());
        let time = clock.clone();
        let engines = ::aws::Cloud::open(folder.path(), Arc::new(move || time.now().into())).unwrap();
        let http = calls.before(engines.http_client());
        let sdk = Machine::reached_by(engines, http).await.aws;
        let queues = provision(&sdk).await.unwrap();
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        secrets.create_secret().name(NOTIFICATION_KEY).secret_string(KEY).send().await.unwrap();
        let config = Config::from_lookup(|name| match name {
            "GREFFE_PUBLIC_URL" => Some("https://greffe.example".to_owned()),
            "GREFFE_MAIL_QUEUE_URL" => Some(url.unwrap_or(&queues.mail).to_owned()),
            "GREFFE_OLDER_QUEUE_URL" => Some(queues.older.clone()),
            "GREFFE_PUSH_QUEUE_URL" => Some(queues.push.clone()),
            "GREFFE_DELIVERY_QUEUE_URL" => Some(queues.delivery.clone()),
            "GREFFE_TABLE" | "GREFFE_BUCKET" | "GREFFE_INDEX_BUCKET" | "GREFFE_EVENT_BUS" => Some("greffe".to_owned()),
            _ => None,
        });
        let app = App::new(config.unwrap(), &sdk, http_client().unwrap(), clock.clone(), Random::seeded(7));
        let queue = aws_sdk_sqs::Client::new(&sdk);
        Self { router: router(app), clock, calls, queue, queue_url: queues.mail, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, uri: &str, body: impl Into<Body>) -> StatusCode {
        self.send(Request::post(uri).body(body.into()).unwrap()).await.0
    }

    /// Takes all jobs out of the queue; each lies in the group of its mailbox.
    async fn jobs(&self) -> Vec<MailboxJob> {
        let mut jobs = Vec::new();
        loop {
            let receive = self.queue.receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
            let received = receive.message_system_attribute_names(MessageGroupId).send().await.unwrap();
            if received.messages().is_empty() {
                return jobs;
            }
            for message in received.messages() {
                let job: MailboxJob = serde_json::from_str(message.body().unwrap()).unwrap();
                assert_eq!(message.attributes().unwrap()[&MessageGroupId], job.mailbox.to_string());
                jobs.push(job);
                let handle = message.receipt_handle().unwrap();
                self.queue.delete_message().queue_url(&self.queue_url).receipt_handle(handle).send().await.unwrap();
            }
        }
    }

    fn secret_reads(&self) -> usize {
        self.calls.count(&["GetSecretValue"])
    }
}

fn notices(states: &[&str]) -> String {
    let value: Vec<_> = states.iter().map(|state| serde_json::json!({ "clientState": state })).collect();
    serde_json::json!({ "value": value }).to_string()
}

fn state(key: &str, n: u64) -> (FirmId, MailboxId, String) {
    let random = Random::seeded(n);
    let (firm, mailbox) = (FirmId::draw(&random), MailboxId::draw(&random));
    (firm, mailbox, client_state(&MacKey::new(&key.to_owned().into()), firm, mailbox))
}

#[tokio::test]
async fn the_validation_token_comes_back_decoded_and_as_nothing_but_text() {
    let world = World::new().await;
    for (query, token) in [
        ("validationToken=Validation%3a+Testing%2Bmore", "Validation: Testing+more"),
        ("own=1&validationToken=a%20b", "a b"),
        ("validationToken=%3Cscript%3Ealert(1)%3C/script%3E", "<script>alert(1)</script>"),
        ("validationToken=%C3%A9", "é"),
        ("validationToken=", ""),
    ] {
        let request = Request::post(format!("/any/path?{query}")).body(Body::from("x")).unwrap();
        let (status, headers, body) = world.send(request).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, token));
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    let long = format!("/?validationToken={}", "x".repeat(VALIDATION_TOKEN_BYTES_MAX + 1));
    assert_eq!(world.post(&long, "").await, StatusCode::BAD_REQUEST);
    assert_eq!(world.secret_reads(), 0);
}

#[tokio::test]
async fn a_genuine_notice_becomes_one_job_for_its_mailbox_and_a_forged_one_none() {
    let world = World::new().await;
    let (firm, mailbox, genuine) = state(KEY, 1);
    let (_, _, forged) = state("another key", 2);
    let body = notices(&[&genuine, &forged, &genuine, "nonsense"]);
    assert_eq!(world.post("/", body).await, StatusCode::ACCEPTED);
    let sent_at = Timestamp::UNIX_EPOCH;
    let jobs = world.jobs().await;
    let cause = jobs[0].cause;
    assert_eq!(jobs, [MailboxJob { notice: true, ..MailboxJob::new(firm, mailbox, sent_at, cause) }]);

    assert_eq!(world.post("/", notices(&[&forged])).await, StatusCode::ACCEPTED);
    assert_eq!(world.jobs().await, []);
}

#[tokio::test]
async fn a_lifecycle_notice_asks_for_a_look_at_the_subscription() {
    let world = World::new().await;
    let (_, _, state) = state(KEY, 1);
    let body = serde_json::json!({ "value": [{ "clientState": state, "lifecycleEvent": "reauthorizationRequired" }] });
    assert_eq!(world.post("/", body.to_string()).await, StatusCode::ACCEPTED);
    assert!(world.jobs().await[0].subscription);
}

#[tokio::test]
async fn what_can_not_be_read_is_accepted_and_forgotten() {
    let world = World::new().await;
    for body in ["", "{", "[]", r#"{"value":[1]}"#, "\u{0}\u{1}", "<xml/>"] {
        assert_eq!(world.post("/", body).await, StatusCode::ACCEPTED, "{body}");
    }
    assert_eq!(world.jobs().await, []);
}

#[tokio::test]
async fn graph_sends_again_what_could_not_be_queued() {
    let world = World::of_queue(Some("https://sqs.eu-west-3.amazonaws.com/000000000000/no-such.fifo")).await;
    let (_, _, genuine) = state(KEY, 1);
    assert_eq!(world.post("/", notices(&[&genuine])).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_without_reading_it_whole() {
    let world = World::new().await;
    let announced =
        Request::post("/").header(header::CONTENT_LENGTH, "5000000").body(Body::from_stream(endless())).unwrap();
    assert_eq!(world.send(announced).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.post("/", Body::from_stream(endless())).await, StatusCode::PAYLOAD_TOO_LARGE);
}

fn endless() -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 1024])))
}

#[tokio::test]
async fn only_post_is_answered() {
    let world = World::new().await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        let request = Request::builder().method(method).uri("/?validationToken=x").body(Body::empty()).unwrap();
        let (status, headers, _) = world.send(request).await;
        assert_eq!((status, &headers[header::ALLOW]), (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap()));
    }
}

#[tokio::test]
async fn the_key_is_read_once_for_as_long_as_a_secret_is_believed() {
    let world = World::new().await;
    let (_, _, genuine) = state(KEY, 1);
    let flood = (0..50).map(|_| world.post("/", notices(&[&genuine])));
    assert!(futures::future::join_all(flood).await.into_iter().all(|status| status == StatusCode::ACCEPTED));
    assert_eq!((world.jobs().await.len(), world.secret_reads()), (50, 1));
    world.clock.advance(SECRET_CACHE_TIME);
    world.post("/", notices(&[&genuine])).await;
    assert_eq!(world.secret_reads(), 2);
}
