//! A world for scenarios: greffe whole, the simulated Microsoft 365, the embedded engines, and one clock moved by hand.

mod described;
pub mod outlook;
pub mod rights;
pub mod template;
pub mod traffic;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::{SharedAsyncSleep, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::Router;
use jiff::Timestamp;
use local::{
    host::{Host, Settings},
    machine::Machine,
};
use microsoft365::{App, GroupMembershipClaims, Held, Mail, Microsoft365, Options, Tenant};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use shared::base::{clock::Clock, id::MessageId, random::Random};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};

use crate::rights::{Heard, Right};

/// The operator's key in every world.
pub const OPERATOR_KEY: &str = "the-operators-key-of-a-test";
/// The platform's own app registration.
pub const CLIENT_ID: &str = "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11";
/// Its client secret.
pub const CLIENT_SECRET: &str = "platform-client-secret~1";
/// A firm's own app registration.
pub const OWN_CLIENT_ID: &str = "0b1d5f3a-3c1b-4f7e-8f52-7a1f8a1f0c22";
/// Its client secret.
pub const OWN_CLIENT_SECRET: &str = "own-client-secret~1";
/// What scopes call Graph in China.
pub const CHINAS_GRAPH: &str = "https://microsoftgraph.chinacloudapi.cn";
/// Ada's address, whose mailbox most scenarios are about.
pub const ADA: &str = "ada@lumen.example";

const DELEGATED: [&str; 4] = ["User.Read", "Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite"];
const APPLICATION: [&str; 4] = ["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All"];

/// Everything, on one machine.
pub struct World {
    /// Greffe.
    pub host: Host,
    /// The other side.
    pub microsoft: Microsoft365,
    /// Ada's tenant.
    pub tenant: Tenant,
    /// Time, moved by hand.
    pub clock: Clock,
    /// What the methods below call the host with.
    pub http: reqwest::Client,
    folder: TempDir,
    heard: Heard,
    keeps_traffic: bool,
    delivered: AtomicU64,
}

/// What stands between greffe and those it calls, in a world that a seed decides.
pub trait Between {
    /// Decides ids, keys and jitter, greffe's and Microsoft's.
    fn seed(&self) -> u64;
    /// AWS as greffe reaches it.
    fn aws(&self, engines: SharedHttpClient) -> SharedHttpClient;
    /// How the AWS SDK waits before it tries again.
    fn sleep(&self) -> SharedAsyncSleep;
    /// Microsoft as greffe reaches it.
    fn microsoft(&self, router: Router) -> Router;
    /// Whether the traffic is kept, for Graph's own description to judge.
    fn keeps_traffic(&self) -> bool;
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its JSON, or null.
    pub body: Value,
}

impl Answer {
    /// The body of an answer of success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// The code of a problem document, after seeing that it is one.
    #[track_caller]
    pub fn problem(self) -> String {
        assert!(!self.status.is_success(), "{} {}", self.status, self.body);
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
        assert!(content_type.starts_with("application/problem+json"), "{content_type}");
        assert_eq!(self.body["status"], self.status.as_u16());
        for field in ["title", "detail", "next_action", "who"] {
            assert!(self.body[field].as_str().is_some_and(|t| !t.is_empty()), "{field} in {}", self.body);
        }
        self.body["code"].as_str().expect("a problem has a code").to_owned()
    }
}

/// A browser on its way to Microsoft.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The page that it is sent to.
    pub page: String,
    /// The cookie that it got.
    pub cookie: String,
}

impl Browser {
    /// The browser that `answer` sends on to Microsoft.
    #[track_caller]
    pub fn sent_on(answer: &reqwest::Response) -> Self {
        let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("a cookie");
        Self { page: location(answer), cookie: cookie.split(';').next().unwrap_or_default().to_owned() }
    }
}

/// What a browser that comes back from Microsoft meets.
#[derive(Debug)]
pub enum Arrived {
    /// One more page at Microsoft.
    GoOn(Browser),
    /// The end.
    Told(Answer),
}

impl Arrived {
    /// The end, which it has to be.
    #[track_caller]
    pub fn told(self) -> Answer {
        match self {
            Self::Told(answer) => answer,
            Self::GoOn(browser) => panic!("sent on to {}", browser.page),
        }
    }
}

/// A firm with an active mailbox.
pub struct Registry {
    /// Its id.
    pub firm: String,
    /// Its connector's id.
    pub connector: String,
    /// Its mailbox's id.
    pub mailbox: String,
}

impl World {
    /// A Monday morning.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same, with further variables in greffe's environment.
    pub async fn with(variables: &[(&'static str, &str)]) -> Self {
        Box::pin(Self::begun_at(a_monday_morning(), variables, None, in_memory())).await
    }

    /// The same with something of the test's own between greffe and those it calls.
    pub async fn behind(between: &dyn Between) -> Self {
        Box::pin(Self::begun_at(a_monday_morning(), &[], Some(between), in_memory())).await
    }

    /// The same at this very moment, for functions that run in processes of their own and go by the machine's clock.
    pub async fn today() -> Self {
        Box::pin(Self::begun_at(Timestamp::now(), &[], None, on_disk())).await
    }

    /// A Monday morning, all of it on the disk: for what is larger than memory ought to hold.
    pub async fn on_disk() -> Self {
        Box::pin(Self::begun_at(a_monday_morning(), &[], None, on_disk())).await
    }

    async fn begun_at(
        began_at: Timestamp,
        variables: &[(&'static str, &str)],
        between: Option<&dyn Between>,
        folder: TempDir,
    ) -> Self {
        let clock = Clock::manual(began_at);
        let time = clock.clone();
        let engines = aws::Cloud::open(&folder.path().join("aws"), Arc::new(move || time.now().into()));
        let engines = engines.expect("the engines");
        let heard = Heard::default();
        let aws = heard.before(between.map_or(engines.http_client(), |between| between.aws(engines.http_client())));
        let mut machine = Machine::reached_by(engines, aws).await;
        if let Some(between) = between {
            let stalled = StalledStreamProtectionConfig::disabled();
            let aws = machine.aws.to_builder().sleep_impl(between.sleep()).stalled_stream_protection(stalled);
            machine.aws = aws.build();
        }
        let (greffe, microsoft) = (listener().await, listener().await);
        let address = greffe.local_addr().expect("an address");
        let origin = format!("http://{}", microsoft.local_addr().expect("an address"));

        let china = variables.contains(&("GREFFE_CLOUD", "china"));
        let time = clock.clone();
        let ids = between.map_or_else(Random::system, |between| Random::seeded(!between.seed()));
        let keeps_traffic = between.is_none_or(|between| between.keeps_traffic());
        let world = Microsoft365::open(Options {
            clock: Arc::new(move || time.now()),
            ids: Arc::new(move || ids.uuid()),
            traffic: keeps_traffic.then(|| folder.path().join("traffic.jsonl")),
            graph: if china { CHINAS_GRAPH } else { "https://graph.microsoft.com" }.to_owned(),
            ..Options::new(origin.as_str())
        })
        .expect("a tenant");
        let tenant = world.tenant("Lumen Avocats", "lumen.example").expect("a tenant");
        tenant.add_user(ADA, "Ada Lambert").expect("a user");
        let callback = format!("http://{address}/oauth/callback");
        let app = App::new(CLIENT_ID, CLIENT_SECRET, &callback).with_permissions(&DELEGATED, &APPLICATION);
        let app = app.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
        world.register_app(app.with_personal_accounts()).expect("an app");
        let own = App::new(OWN_CLIENT_ID, OWN_CLIENT_SECRET, &callback).single_tenant(tenant.id());
        let own = own.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
        world.register_app(own.with_permissions(&DELEGATED, &APPLICATION)).expect("an app");
        // Notices are delivered when a scenario says so, never by themselves.
        let router = world.router();
        // What goes through a socket of the file system has arrived once it is sent; loopback takes its time.
        let reached = between.map(|between| {
            let path = folder.path().join("microsoft");
            let socket = UnixListener::bind(&path).expect("a socket");
            let router = between.microsoft(router.clone());
            tokio::spawn(async move { axum::serve(socket, router).await });
            shared::base::http::http_client_builder(None)
                .expect("a client")
                .unix_socket(path)
                .build()
                .expect("a client")
        });
        tokio::spawn(async move { axum::serve(microsoft, router).await });

        let told =
            [("GREFFE_LOGIN_URL", origin.as_str()), ("GREFFE_GRAPH_URL", &origin), ("GREFFE_APP_CLIENT_ID", CLIENT_ID)];
        let settings = Settings {
            variables: told.iter().chain(variables).map(|(name, value)| (*name, (*value).to_owned())).collect(),
            operator_key: Some(OPERATOR_KEY.to_owned().into()),
            app_client_secret: Some(CLIENT_SECRET.to_owned().into()),
            random: between.map_or_else(Random::system, |between| Random::seeded(between.seed())),
            http: reached,
            ..Settings::default()
        };
        let host = Host::over(machine, folder.path(), greffe, clock.clone(), settings);
        let host = Box::pin(host).await.expect("a host");
        let http = http();
        Self { host, microsoft: world, tenant, clock, http, folder, heard, keeps_traffic, delivered: AtomicU64::new(0) }
    }

    /// Both apps may be granted what pushing needs, too.
    pub fn register_for_push(&self) {
        for client_id in [CLIENT_ID, OWN_CLIENT_ID] {
            let mut app = self.microsoft.app(client_id).expect("an app");
            let (delegated, application) = (&mut app.delegated, &mut app.application);
            for (listed, tasks) in [(delegated, "Tasks.ReadWrite"), (application, "Tasks.ReadWrite.All")] {
                let pushing = ["Calendars.ReadWrite", "Contacts.ReadWrite", tasks].map(str::to_owned);
                listed.retain(|permission| !pushing.contains(permission));
                listed.extend(pushing);
            }
            self.microsoft.register_app(app).expect("an app");
        }
    }

    /// A DELETE by the operator.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Some(OPERATOR_KEY), Method::DELETE, path, None).await
    }

    /// A request with a key, or without one.
    pub async fn request(&self, key: Option<&str>, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.request_with(key, method, path, header::HeaderMap::new(), body).await
    }

    /// The same with further headers.
    pub async fn request_with(
        &self,
        key: Option<&str>,
        method: Method,
        path: &str,
        headers: header::HeaderMap,
        body: Option<Value>,
    ) -> Answer {
        let mut request =
            self.http.request(method.clone(), format!("http://{}{path}", self.host.address)).headers(headers);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("a body");
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let lacking = described::lacking((&method, path), (status, &headers, &body));
        assert_eq!(lacking, None, "docs/openapi.json lacks it: {body}");
        Answer { status, headers, body }
    }

    /// A GET by the operator.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Some(OPERATOR_KEY), Method::GET, path, None).await
    }

    /// A POST by the operator.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Some(OPERATOR_KEY), Method::POST, path, Some(body)).await
    }

    /// A PUT by the operator.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Some(OPERATOR_KEY), Method::PUT, path, Some(body)).await
    }

    /// A PATCH by the operator.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Some(OPERATOR_KEY), Method::PATCH, path, Some(body)).await
    }

    /// A new firm.
    pub async fn firm(&self, name: &str) -> String {
        let body = json!({ "name": name, "domains": ["lumen.example"], "language": "en", "time_zone": "Europe/Paris" });
        id(&self.post("/v1/firms", body).await.ok())
    }

    /// A connector of `firm` that nobody has signed in for.
    pub async fn connector(&self, firm: &str, access: &str, app: Value) -> String {
        let body = json!({ "name": "Microsoft 365", "access": access, "app": app });
        id(&self.post(&format!("/v1/firms/{firm}/connectors"), body).await.ok())
    }

    /// Opens the link of a connector as `account` and goes through Microsoft's pages to the end.
    pub async fn sign_in(&self, firm: &str, connector: &str, account: &str) -> Answer {
        let mut browser = self.begin_sign_in(firm, connector).await;
        loop {
            let callback = self.decide(&browser.page, account, "accept").await;
            match self.complete_sign_in(&callback, &browser.cookie).await {
                Arrived::GoOn(next) => browser = next,
                Arrived::Told(answer) => return answer,
            }
        }
    }

    /// Opens the link of a connector: a browser on its way to Microsoft.
    pub async fn begin_sign_in(&self, firm: &str, connector: &str) -> Browser {
        let connector = self.get(&format!("/v1/firms/{firm}/connectors/{connector}")).await.ok();
        let link = connector["connect_url"].as_str().expect("a link to connect");
        Browser::sent_on(&self.http.get(link).send().await.expect("an answer"))
    }

    /// Presses a button on Microsoft's page; where it sends the browser.
    pub async fn decide(&self, page: &str, account: &str, action: &str) -> String {
        let request = self.http.post(page).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = format!("account={}&action={action}", account.replace('@', "%40"));
        location(&request.body(form).send().await.expect("an answer"))
    }

    /// Comes back from Microsoft in the browser that has this cookie.
    pub async fn complete_sign_in(&self, callback: &str, cookie: &str) -> Arrived {
        let request = self.http.get(callback).header(header::COOKIE, cookie).header(header::ACCEPT, "application/json");
        let back = request.send().await.expect("an answer");
        if back.status().is_redirection() {
            return Arrived::GoOn(Browser::sent_on(&back));
        }
        let (status, headers) = (back.status(), back.headers().clone());
        Arrived::Told(Answer { status, headers, body: back.json().await.unwrap_or_default() })
    }

    /// A firm whose Inbox and Sent Items are being kept, connected as Ada.
    pub async fn registry(&self) -> Registry {
        self.registry_of(inbox_and_sent_items()).await
    }

    /// A firm of whose mailbox this selection is being kept, connected as Ada.
    pub async fn registry_of(&self, selection: Value) -> Registry {
        let firm = self.firm("Lumen Avocats").await;
        let connector = self.connector(&firm, "delegated", Value::Null).await;
        self.sign_in(&firm, &connector, ADA).await.ok();
        let mailbox = self.mailbox_of(&firm, &connector, ADA, selection).await;
        let registry = Registry { firm, connector, mailbox };
        self.activate(&registry).await;
        registry
    }

    /// A firm whose whole organisation is connected by this administrator, with Ada's mailbox being kept.
    pub async fn organization(&self, administrator: &str) -> Registry {
        self.tenant.add_user(administrator, "The administrator").expect("an address that is free");
        self.tenant.make_admin(administrator).expect("a user who is there");
        let firm = self.firm("Lumen").await;
        let connector = self.connector(&firm, "organization", Value::Null).await;
        self.sign_in(&firm, &connector, administrator).await.ok();
        let mailbox = self.mailbox(&firm, &connector, ADA).await;
        let registry = Registry { firm, connector, mailbox };
        self.activate(&registry).await;
        registry
    }

    /// A mailbox of which Inbox and Sent Items are chosen.
    pub async fn mailbox(&self, firm: &str, connector: &str, address: &str) -> String {
        self.mailbox_of(firm, connector, address, inbox_and_sent_items()).await
    }

    async fn mailbox_of(&self, firm: &str, connector: &str, address: &str, selection: Value) -> String {
        let body = json!({ "connector": connector, "address": address, "kind": "user" });
        let mailbox = id(&self.post(&format!("/v1/firms/{firm}/mailboxes"), body).await.ok());
        self.put(&format!("/v1/firms/{firm}/mailboxes/{mailbox}/selection"), selection).await.ok();
        mailbox
    }

    /// Activates, and lets the first round end.
    pub async fn activate(&self, registry: &Registry) {
        let path = format!("/v1/firms/{}/mailboxes/{}/activate", registry.firm, registry.mailbox);
        self.post(&path, json!({ "since": null })).await.ok();
        self.run_until_idle().await;
    }

    /// Folders of Ada's below the inbox.
    pub fn folders(&self, count: usize) -> Vec<String> {
        (0..count).map(|n| self.microsoft.create_folder(ADA, "inbox", &format!("F{n}")).expect("a folder")).collect()
    }

    /// A mail arrives for Ada; its immutable id.
    pub fn deliver(&self, folder: &str, subject: &str) -> String {
        self.deliver_at(folder, subject, self.clock.now())
    }

    /// A mail that arrived at `received`.
    pub fn deliver_at(&self, folder: &str, subject: &str, received: Timestamp) -> String {
        let n = self.delivered.fetch_add(1, Ordering::SeqCst);
        let mime = format!(
            "From: Client <client@acme.example>\r\nTo: {ADA}\r\nSubject: {subject}\r\nMessage-ID: <{n}@acme.example>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nNumber {n}.\r\n"
        );
        self.microsoft.deliver(ADA, folder, Mail::new(mime, received)).expect("a mail").immutable_id
    }

    /// Delivers notices and works through jobs until nothing moves.
    pub async fn run_until_idle(&self) {
        for _ in 0..1_000 {
            let notices = self.microsoft.deliver_notices().await.expect("notices");
            let jobs = self.jobs().await;
            if notices == 0 && jobs == 0 {
                return;
            }
        }
        panic!("it never came to rest");
    }

    /// Works through jobs until nothing moves; notices stay where they are.
    pub async fn run_jobs(&self) {
        for _ in 0..1_000 {
            if self.jobs().await == 0 {
                return;
            }
        }
        panic!("it never came to rest");
    }

    /// Works through some jobs of each queue; how many there were.
    async fn jobs(&self) -> usize {
        let host = &self.host;
        let mail = host.source.step().await + host.older_source.step().await;
        mail + host.push_source.step().await + host.delivery_source.step().await
    }

    /// Lets time pass, the schedule run, and all that follows from it.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        Box::pin(self.host.tick()).await;
        self.run_until_idle().await;
    }

    /// What the API says of one of Ada's mails.
    pub async fn message(&self, registry: &Registry, immutable_id: &str) -> Answer {
        let id = message_id(registry, immutable_id);
        self.get(&format!("/v1/firms/{}/messages/{id}", registry.firm)).await
    }

    /// The progress of the mailbox.
    pub async fn progress(&self, registry: &Registry) -> Value {
        let path = format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox);
        self.get(&path).await.ok()["progress"].clone()
    }

    /// The facts of the firm's feed about messages, by type, in order.
    pub async fn feed(&self, firm: &str) -> Vec<String> {
        let mut facts = self.facts(firm).await;
        facts.retain(|fact| fact.starts_with("message_"));
        facts
    }

    /// All facts of the firm's feed, by type, in order.
    pub async fn facts(&self, firm: &str) -> Vec<String> {
        let page = self.get(&format!("/v1/firms/{firm}/events?after=0&limit=100")).await.ok();
        let facts = page["items"].as_array().cloned().unwrap_or_default();
        facts.iter().map(|fact| fact["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What the API says of a connector.
    pub async fn connector_view(&self, firm: &str, connector: &str) -> Value {
        self.get(&format!("/v1/firms/{firm}/connectors/{connector}")).await.ok()
    }

    /// How often the token endpoint was asked.
    pub fn token_requests(&self) -> u64 {
        self.microsoft.requests().sign_in.get("token").copied().unwrap_or_default()
    }

    /// The keys of all originals in the archive.
    pub async fn objects(&self) -> Vec<String> {
        let client = aws_sdk_s3::Client::new(&self.host.machine.aws);
        let listed = client.list_objects_v2().bucket(local::provision::BUCKET).send().await.expect("a list");
        let keys = listed.contents().iter().filter_map(|object| object.key().map(str::to_owned));
        keys.filter(|key| !key.contains("/log/")).collect()
    }

    /// Has the engines answer over loopback too: what `AWS_ENDPOINT_URL` has to be for a process of its own.
    pub async fn aws_endpoint(&self) -> String {
        let engines = self.host.machine.engines.clone().expect("the engines");
        let listener = listener().await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(local::loopback::serve(self.heard.on(engines.connector()), listener));
        url
    }

    /// What the functions did at AWS since this was asked last, in order.
    pub fn aws_calls(&self) -> Vec<Right> {
        self.heard.lately()
    }

    /// Where all that this world stores lies.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Holds the world to what every story of mail ends with: each archived mail is the bytes that Graph served, and
    /// nothing waits.
    pub async fn settle(&self, registry: &Registry) {
        for held in self.microsoft.messages(ADA).expect("the mailbox") {
            let index = self.message(registry, &held.immutable_id).await;
            if index.status == StatusCode::NOT_FOUND || index.body["sha256"].is_null() {
                continue;
            }
            assert_eq!(index.body["sha256"], held.sha256_hex, "{held:?}");
            assert_eq!(self.content_digest(registry, &held).await, held.sha256_hex);
        }
        assert_eq!(self.host.source.step().await, 0, "a job still waits");
        assert_eq!(self.host.older_source.step().await, 0, "a job of older mail still waits");
    }

    async fn content_digest(&self, registry: &Registry, held: &Held) -> String {
        use sha2::Digest as _;
        let id = message_id(registry, &held.immutable_id);
        let url = format!("http://{}/v1/firms/{}/messages/{id}/content", self.host.address, registry.firm);
        let bytes = self.http.get(url).bearer_auth(OPERATOR_KEY).send().await.expect("an answer").bytes().await;
        hex::encode(sha2::Sha256::digest(bytes.expect("a body")))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(folder) = std::env::var_os("GREFFE_RIGHTS") {
            self.heard.keep_in(folder.as_ref());
        }
        if !std::thread::panicking() {
            assert_eq!(self.heard.forbidden(), Vec::<String>::new(), "not in template.yaml");
            if self.keeps_traffic && traffic::contract().is_some() {
                traffic::keep(&self.folder.path().join("traffic.jsonl")).expect("the traffic is kept");
            }
        }
    }
}

/// The id of one of a mailbox's messages.
pub fn message_id(registry: &Registry, immutable_id: &str) -> MessageId {
    MessageId::of(registry.mailbox.parse().expect("a mailbox id"), &immutable_id.parse().expect("an immutable id"))
}

fn inbox_and_sent_items() -> Value {
    json!({ "mode": "include", "folders": ["inbox", "sentitems"] })
}

/// A folder in memory: in hundreds of worlds nobody waits for the disk. A container may have too little of it.
fn in_memory() -> TempDir {
    const ENOUGH_BYTES: u64 = 1 << 30;
    let memory = Path::new("/dev/shm");
    match rustix::fs::statvfs(memory) {
        Ok(room) if room.f_bavail * room.f_frsize >= ENOUGH_BYTES => tempfile::tempdir_in(memory).expect("a folder"),
        _ => on_disk(),
    }
}

fn on_disk() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn a_monday_morning() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("a time")
}

/// A client that follows no redirect.
pub fn http() -> reqwest::Client {
    shared::base::http::http_client().expect("a client")
}

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

#[track_caller]
fn location(response: &reqwest::Response) -> String {
    let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
    location.unwrap_or_else(|| panic!("{} from {} is no redirect", response.status(), response.url())).to_owned()
}

#[track_caller]
fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}
