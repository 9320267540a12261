//! A small office: one tenant, three accounts, one app, a clock moved by hand and an endpoint for notices.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use microsoft365::{App, Mail, Microsoft365, Options, Tenant};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const ADA: &str = "ada@kanzlei.example";
pub const BOB: &str = "bob@kanzlei.example";
pub const INFO: &str = "info@kanzlei.example";
pub const CLIENT: &str = "24d3b144-21ae-4080-943f-7067b395b913";
pub const SECRET: &str = "s3cr~t+/=&";
pub const REDIRECT: &str = "https://greffe.example/oauth/callback";
pub const SCOPES: &str = "openid profile offline_access User.Read Mail.Read Mail.ReadWrite Mail.Read.Shared Mail.ReadWrite.Shared MailboxSettings.ReadWrite";

pub struct Office {
    pub world: Microsoft365,
    pub tenant: Tenant,
    pub origin: String,
    pub http: Client,
    clock: Arc<AtomicI64>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Office {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The first moment of every test.
pub fn start() -> Timestamp {
    "2026-10-02T10:00:00Z".parse().unwrap()
}

/// A client without proxies and redirects, so that a redirect can be looked at.
pub fn client() -> Client {
    let roots = rustls::RootCertStore::empty();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub fn app() -> App {
    App::new(CLIENT, SECRET, REDIRECT)
        .with_permissions(&["User.Read", "Mail.Read"], &["Mail.ReadWrite", "Mail.Read", "User.Read.All"])
}

pub fn text(subject: &str) -> String {
    format!(
        "From: \"Court\" <court@justice.example>\r\nTo: Ada <{ADA}>\r\nSubject: {subject}\r\n\
         Date: Thu, 01 Oct 2026 09:00:00 +0200\r\nMessage-ID: <{subject}@justice.example>\r\n\r\nHello {subject}\r\n"
    )
}

impl Office {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut Options)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(AtomicI64::new(start().as_second()));
        let mut options = Options::new(origin.clone());
        let now = Arc::clone(&clock);
        options.clock = Arc::new(move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap());
        change(&mut options);
        let world = Microsoft365::open(options).unwrap();
        let tenant = world.tenant("Kanzlei Muster", "kanzlei.example").unwrap();
        tenant.add_user(ADA, "Ada Muster").unwrap();
        tenant.add_user(BOB, "Bob Muster").unwrap();
        tenant.make_admin(BOB).unwrap();
        tenant.add_shared_mailbox(INFO, "Info").unwrap();
        world.register_app(app()).unwrap();
        let router = world.router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = client();
        Self { world, tenant, origin, http, clock, server }
    }

    pub async fn reopen(dir: &Path) -> Self {
        let dir = dir.to_owned();
        Self::open_with(|options| options.dir = Some(dir)).await
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::Relaxed)).unwrap()
    }

    pub fn pass(&self, span: SignedDuration) {
        self.clock.fetch_add(span.as_secs(), Ordering::Relaxed);
    }

    pub fn mail(&self, subject: &str) -> String {
        self.mail_in("inbox", subject)
    }

    pub fn mail_in(&self, folder: &str, subject: &str) -> String {
        self.world.deliver(ADA, folder, Mail::new(text(subject), self.now())).unwrap().immutable_id
    }

    /// The URL of the sign-in page, with further parameters.
    pub fn authorize_url(&self, authority: &str, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("client_id", CLIENT)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("state", "st&te")
            .extend_pairs(more);
        format!("{}/{authority}/oauth2/v2.0/authorize?{}", self.origin, query.finish())
    }

    /// Posts the sign-in page's form and returns the fields of the redirect.
    pub async fn decide(&self, url: &str, account: &str, action: &str) -> Vec<(String, String)> {
        let form = encoded(&[("account", account), ("action", action)]);
        let answer = self.http.post(url).header("content-type", FORM).body(form).send().await.unwrap();
        assert_eq!(answer.status(), 302, "{}", answer.text().await.unwrap());
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let (uri, query) = location.split_once('?').unwrap();
        assert_eq!(uri, REDIRECT);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub async fn token(&self, authority: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/{authority}/oauth2/v2.0/token", self.origin);
        let answer = self.http.post(url).header("content-type", FORM).body(encoded(form)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn sign_in(&self, address: &str, scopes: &str) -> Value {
        let url = self.authorize_url("common", &[("scope", scopes)]);
        let back = self.decide(&url, address, "accept").await;
        let (status, tokens) = self.token("common", &code_grant(field(&back, "code"))).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// A Graph caller for a signed-in user.
    pub async fn user(&self, address: &str) -> Graph<'_> {
        self.user_with(address, SCOPES).await
    }

    pub async fn user_with(&self, address: &str, scopes: &str) -> Graph<'_> {
        let tokens = self.sign_in(address, scopes).await;
        Graph { office: self, token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    /// A Graph caller for the app itself, after admin consent.
    pub async fn app(&self) -> Graph<'_> {
        self.tenant.grant_admin_consent(CLIENT).unwrap();
        let (status, tokens) = self.token(&self.tenant.id().to_string(), &CREDENTIALS).await;
        assert_eq!(status, 200, "{tokens}");
        Graph { office: self, token: tokens["access_token"].as_str().unwrap().to_owned() }
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const CREDENTIALS: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", CLIENT),
    ("client_secret", SECRET),
    ("scope", "https://graph.microsoft.com/.default"),
];

pub fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

pub fn code_grant(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("redirect_uri", REDIRECT),
        ("code", code),
    ]
}

/// Calls Graph with one access token, preferring immutable ids.
pub struct Graph<'a> {
    pub office: &'a Office,
    pub token: String,
}

impl Graph<'_> {
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}/v1.0{path}", self.office.origin) };
        self.office
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.token)
            .header("client-request-id", "11111111-2222-3333-4444-555555555555")
    }

    pub async fn send(&self, method: &str, path: &str) -> Response {
        self.request(method, path).header("prefer", "IdType=\"ImmutableId\"").send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.send("GET", path).await).await
    }

    /// GET that must succeed.
    pub async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, path).header("prefer", "IdType=\"ImmutableId\"").json(&body);
        answer(request.send().await.unwrap()).await
    }

    /// Walks a delta round to its end: everything told, and the delta link.
    pub async fn round(&self, first: &str, page_size: usize) -> (Vec<Value>, String) {
        let (mut told, mut link) = (Vec::new(), first.to_owned());
        for _ in 0..2000 {
            let prefer = format!("odata.maxpagesize={page_size}, IdType=\"ImmutableId\"");
            let sent = self.request("GET", &link).header("prefer", prefer).send().await.unwrap();
            let (status, page) = answer(sent).await;
            assert_eq!(status, 200, "{link}: {page}");
            told.extend(page["value"].as_array().unwrap().iter().cloned());
            match (page["@odata.nextLink"].as_str(), page["@odata.deltaLink"].as_str()) {
                (Some(next), None) => link = next.to_owned(),
                (None, Some(delta)) => return (told, delta.to_owned()),
                both => panic!("a page has exactly one link, not {both:?}"),
            }
        }
        panic!("the round does not end");
    }

    pub async fn batch(&self, requests: Value) -> (u16, Value) {
        self.json("POST", "/$batch", json!({ "requests": requests })).await
    }
}

pub async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

pub fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

/// An endpoint for notices that answers as it is told and remembers what it got.
pub struct Hook {
    pub url: String,
    state: Arc<Mutex<HookState>>,
}

struct HookState {
    status: StatusCode,
    echo: bool,
    got: Vec<Value>,
    handshakes: usize,
}

impl Hook {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/notices?kind=mail", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(HookState {
            status: StatusCode::ACCEPTED,
            echo: true,
            got: Vec::new(),
            handshakes: 0,
        }));
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    pub fn answer(&self, status: u16) {
        self.state.lock().unwrap().status = StatusCode::from_u16(status).unwrap();
    }

    pub fn echo(&self, echo: bool) {
        self.state.lock().unwrap().echo = echo;
    }

    pub fn handshakes(&self) -> usize {
        self.state.lock().unwrap().handshakes
    }

    /// The bodies posted since the last look.
    pub fn posts(&self) -> Vec<Value> {
        std::mem::take(&mut self.state.lock().unwrap().got)
    }

    /// The notices posted since the last look.
    pub fn notices(&self) -> Vec<Value> {
        self.posts().iter().flat_map(|post| post["value"].as_array().unwrap().clone()).collect()
    }
}

async fn take(
    State(state): State<Arc<Mutex<HookState>>>,
    uri: Uri,
    body: String,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let mut state = state.lock().unwrap();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let plain = [("content-type", "text/plain")];
    match query.iter().find(|(name, _)| name == "validationToken") {
        Some((_, token)) => {
            assert_eq!(field(&query, "kind"), "mail", "the URL's own query is kept");
            state.handshakes += 1;
            let answer = if state.echo { token.clone() } else { token.replace(' ', "+") };
            (StatusCode::OK, plain, answer)
        }
        None => {
            state.got.push(serde_json::from_str(&body).unwrap());
            (state.status, plain, String::new())
        }
    }
}
