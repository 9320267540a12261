use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use axum::http::Request;
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
use tower::ServiceExt as _;

use super::*;

const KEY: &str = "a long random text";

/// Secrets Manager with the one secret, and SQS with one queue, which may be out of order.
#[derive(Default)]
struct Aws {
    secret_reads: AtomicUsize,
    jobs: StdMutex<Vec<Job>>,
    queue_fails: bool,
}

impl Aws {
    async fn answer(State(aws): State<Arc<Self>>, headers: HeaderMap, body: Bytes) -> Response {
        let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
        match headers["x-amz-target"].to_str().unwrap() {
            "secretsmanager.GetSecretValue" => {
                assert_eq!(request["SecretId"], NOTIFICATION_KEY);
                aws.secret_reads.fetch_add(1, Ordering::SeqCst);
                serde_json::json!({ "SecretString": KEY }).to_string().into_response()
            }
            "AmazonSQS.SendMessage" if aws.queue_fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            "AmazonSQS.SendMessage" => {
                let job: Job = serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap();
                assert_eq!(request["MessageGroupId"], job.mailbox.to_string());
                aws.jobs.lock().unwrap().push(job);
                serde_json::json!({ "MessageId": "m", "MD5OfMessageBody": "d" }).to_string().into_response()
            }
            other => panic!("graph-webhook has no business with {other}"),
        }
    }
}

struct World {
    aws: Arc<Aws>,
    router: Router,
    clock: Clock,
}

impl World {
    async fn new() -> Self {
        Self::with(Aws::default()).await
    }

    async fn with(aws: Aws) -> Self {
        let aws = Arc::new(aws);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let service = Router::new().fallback(Aws::answer).with_state(aws.clone());
        tokio::spawn(async { axum::serve(listener, service).await });

        let http = http_client().unwrap();
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "s", None, None, "test")))
            .endpoint_url(&endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(shared::aws::http::over(http.clone()))
            .build();
        let config = Config::from_lookup(|name| {
            let value = match name {
                "GREFFE_PUBLIC_URL" => "https://greffe.example",
                "GREFFE_MAIL_QUEUE_URL" => "https://sqs.example/mail.fifo",
                "GREFFE_PUSH_QUEUE_URL" => "https://sqs.example/push.fifo",
                name if name.ends_with("_URL") && name != "GREFFE_WEBHOOK_URL" => return None,
                _ => "greffe",
            };
            (!matches!(name, "GREFFE_CLOUD" | "GREFFE_APP_CLIENT_ID" | "GREFFE_CONTENT_BYTES_MAX"))
                .then(|| value.to_owned())
        });
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let app = App::new(config.unwrap(), &sdk, http, clock.clone(), Random::seeded(7));
        Self { aws, router: router(app), clock }
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

    fn jobs(&self) -> Vec<Job> {
        std::mem::take(&mut self.aws.jobs.lock().unwrap())
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
    assert_eq!(world.aws.secret_reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_genuine_notice_becomes_one_job_for_its_mailbox_and_a_forged_one_none() {
    let world = World::new().await;
    let (firm, mailbox, genuine) = state(KEY, 1);
    let (_, _, forged) = state("another key", 2);
    let body = notices(&[&genuine, &forged, &genuine, "nonsense"]);
    assert_eq!(world.post("/", body).await, StatusCode::ACCEPTED);
    let sent_at = Timestamp::UNIX_EPOCH;
    let jobs = world.jobs();
    let cause = jobs[0].cause;
    assert_eq!(jobs, [Job { firm, mailbox, sent_at, subscription: false, cause }]);

    assert_eq!(world.post("/", notices(&[&forged])).await, StatusCode::ACCEPTED);
    assert_eq!(world.jobs(), []);
}

#[tokio::test]
async fn a_lifecycle_notice_asks_for_a_look_at_the_subscription() {
    let world = World::new().await;
    let (_, _, state) = state(KEY, 1);
    let body = serde_json::json!({ "value": [{ "clientState": state, "lifecycleEvent": "reauthorizationRequired" }] });
    assert_eq!(world.post("/", body.to_string()).await, StatusCode::ACCEPTED);
    assert!(world.jobs()[0].subscription);
}

#[tokio::test]
async fn what_can_not_be_read_is_accepted_and_forgotten() {
    let world = World::new().await;
    for body in ["", "{", "[]", r#"{"value":[1]}"#, "\u{0}\u{1}", "<xml/>"] {
        assert_eq!(world.post("/", body).await, StatusCode::ACCEPTED, "{body}");
    }
    assert_eq!(world.jobs(), []);
}

#[tokio::test]
async fn graph_sends_again_what_could_not_be_queued() {
    let world = World::with(Aws { queue_fails: true, ..Aws::default() }).await;
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
    assert_eq!((world.jobs().len(), world.aws.secret_reads.load(Ordering::SeqCst)), (50, 1));
    world.clock.advance(SECRET_CACHE_TIME);
    world.post("/", notices(&[&genuine])).await;
    assert_eq!(world.aws.secret_reads.load(Ordering::SeqCst), 2);
}
