//! The way to the API.

use std::{fmt, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Method, Request, StatusCode, header, request::Builder},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::{
    app::App,
    base::{
        clock::Clock,
        config::Origin,
        http::{HttpClientError, http_client_builder},
        language::Language,
        telemetry::ErrorChain,
    },
};
use tower::ServiceExt as _;

use crate::{
    field_hint::hint,
    form::{Fields, ONCE_FIELD, TAG_FIELD},
    text::Texts,
};

/// How often it is looked whether what the first click of two makes is made, and after which time.
const LOOKS_MAX: u32 = 8;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The largest answer that a page is made of.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Where the API answers.
#[derive(Clone)]
pub enum ApiClient {
    /// In this process.
    Process(Router),
    /// Over the web.
    #[doc(hidden)]
    Web { client: reqwest::Client, origin: Origin },
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process(_) => "ApiClient::Process",
            Self::Web { .. } => "ApiClient::Web",
        })
    }
}

/// What the API says that went wrong.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Refusal {
    pub status: u16,
    pub title: String,
    pub detail: String,
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub next_action: String,
    #[serde(default)]
    pub microsoft_code: Option<String>,
    #[serde(default)]
    pub microsoft_message: Option<String>,
}

impl Refusal {
    /// Of a form that lacks something, as that says.
    pub(crate) fn of_form(title: String) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY.as_u16();
        let nothing = String::new;
        let (microsoft_code, microsoft_message) = (None, None);
        Self {
            status,
            title,
            detail: nothing(),
            code: nothing(),
            next_action: nothing(),
            microsoft_code,
            microsoft_message,
        }
    }

    /// Whether a field of the form is not as it has to be; its text is for who writes programs.
    pub(crate) fn is_about_typing(&self) -> bool {
        self.code == "invalid_request"
    }

    /// Which field it is, and what belongs there; none where that is not known.
    pub(crate) fn field(&self, t: &Texts) -> Option<String> {
        if self.is_about_typing() { hint(&self.detail, t) } else { None }
    }

    /// Whether somebody else changed the same thing since the form was opened.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.code == "precondition_failed"
    }

    /// The status of a page that says it.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum PageError {
    /// There is no such page, or not for this person.
    NotFound,
    /// Nobody is signed in.
    SignedOut,
    /// The role does not allow it.
    Forbidden,
    /// The API refuses.
    Refused(Box<Refusal>),
    /// greffe itself fails; the log says where.
    Broken,
}

impl PageError {
    /// greffe itself fails.
    pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %ErrorChain(error), "a page failed");
        Self::Broken
    }
}

impl ApiClient {
    /// Over the web, to the address of this deployment.
    ///
    /// Errors: there is no HTTP client.
    pub fn web(app: &App) -> Result<Self, HttpClientError> {
        let client = http_client_builder(app.config.ca_bundle.as_deref())?.build().map_err(HttpClientError::from)?;
        Ok(Self::Web { client, origin: app.config.public_url.clone() })
    }

    async fn call(&self, request: Request<Body>) -> Result<Response, PageError> {
        match self {
            Self::Process(router) => match router.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Self::Web { client, origin } => {
                let (parts, body) = request.into_parts();
                let url = origin.at(parts.uri.path_and_query().map_or("/", |target| target.as_str()));
                let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|e| PageError::broken(&e))?;
                let sent = client.request(parts.method, url).headers(parts.headers).body(bytes).send().await;
                let answer: axum::http::Response<reqwest::Body> = sent.map_err(|e| PageError::broken(&e))?.into();
                Ok(answer.map(Body::new))
            }
        }
    }
}

/// The API, for one person in one language.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub client: ApiClient,
    pub pass: SecretString,
    pub language: Language,
    pub clock: Clock,
}

impl Api {
    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PageError> {
        self.send(Method::GET, path, None).await
    }

    /// Changes something.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, PageError> {
        let bytes = self.bytes(method, path, body).await?;
        // What has no content reads as null.
        let bytes = if bytes.is_empty() { Bytes::from_static(b"null") } else { bytes };
        serde_json::from_slice(&bytes).map_err(|e| PageError::broken(&e))
    }

    /// Reads something, with the tag by which a change says which state it is about.
    pub(crate) async fn get_tagged<T: DeserializeOwned>(&self, path: &str) -> Result<(T, String), PageError> {
        let (bytes, tag) = self.answered(self.request(Method::GET, path), None).await?;
        Ok((serde_json::from_slice(&bytes).map_err(|e| PageError::broken(&e))?, tag))
    }

    /// Changes what a form asks for if it is still as the form showed it: the tag of that is the form's.
    pub(crate) async fn replaced(
        &self,
        form: &Fields,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Result<(), Refusal>, PageError> {
        let mut request = self.request(method, path);
        if !form.get(TAG_FIELD).is_empty() {
            request = request.header(header::IF_MATCH, format!("\"{}\"", form.get(TAG_FIELD)));
        }
        match self.answered(request, Some(&body)).await {
            Ok(_) => Ok(Ok(())),
            Err(PageError::Refused(refusal)) => Ok(Err(*refusal)),
            Err(other) => Err(other),
        }
    }

    /// Changes something that a form asks for: what came of it, or the refusal with which the form is shown again.
    pub(crate) async fn tried<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Result<T, Refusal>, PageError> {
        match self.send(method, path, body).await {
            Ok(done) => Ok(Ok(done)),
            Err(PageError::Refused(refusal)) => Ok(Err(*refusal)),
            Err(other) => Err(other),
        }
    }

    /// Creates what a form asks for. A form that is sent twice creates one thing: the second click shows what the first
    /// one created.
    pub(crate) async fn made_once<T: DeserializeOwned>(
        &self,
        form: &Fields,
        path: &str,
        body: Value,
    ) -> Result<Result<T, Refusal>, PageError> {
        // The same form with other words, after the button Back, makes another thing.
        let same = Sha256::digest(format!("{} {path} {body}", form.get(ONCE_FIELD)));
        let key = BASE64_URL_SAFE_NO_PAD.encode(same);
        let mut looks = 0;
        loop {
            let request = self.request(Method::POST, path).header("idempotency-key", &key);
            let bytes = match self.answered(request, Some(&body)).await {
                Ok((bytes, _)) => bytes,
                Err(PageError::Refused(refusal)) if refusal.code == "request_unfinished" && looks < LOOKS_MAX => {
                    looks += 1;
                    self.clock.sleep(LOOK_AGAIN).await;
                    continue;
                }
                Err(PageError::Refused(refusal)) => return Ok(Err(*refusal)),
                Err(other) => return Err(other),
            };
            return serde_json::from_slice(&bytes).map(Ok).map_err(|e| PageError::broken(&e));
        }
    }

    async fn bytes(&self, method: Method, path: &str, body: Option<Value>) -> Result<Bytes, PageError> {
        Ok(self.answered(self.request(method, path), body.as_ref()).await?.0)
    }

    /// The body of an answer, and its tag without quotes; empty where it has none.
    async fn answered(&self, request: Builder, body: Option<&Value>) -> Result<(Bytes, String), PageError> {
        let request = match body {
            Some(json) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(json.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.client.call(request.map_err(|e| PageError::broken(&e))?).await?;
        let status = response.status();
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let tag = tag.trim_matches('"').to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        let bytes = bytes.map_err(|e| PageError::broken(&e))?;
        if status.is_success() { Ok((bytes, tag)) } else { Err(refused(status, &bytes)) }
    }

    /// What is handed on as it is: a page of a mail, an attachment, an original. `headers`: those of the browser that
    /// the API answers to.
    pub(crate) async fn stream(
        &self,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Response, PageError> {
        let mut request = self.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.client.call(request.body(Body::empty()).map_err(|e| PageError::broken(&e))?).await?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let bytes = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_default();
            return Err(refused(status, &bytes));
        }
        Ok(response)
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let bearer = format!("Bearer {}", self.pass.expose_secret());
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer);
        request.header(header::ACCEPT_LANGUAGE, self.language.tag())
    }
}

fn refused(status: StatusCode, bytes: &[u8]) -> PageError {
    if status == StatusCode::NOT_FOUND {
        return PageError::NotFound;
    }
    match serde_json::from_slice::<Refusal>(bytes) {
        Ok(refusal) if refusal.code == "key_right_missing" => PageError::Forbidden,
        Ok(refusal) => PageError::Refused(Box::new(refusal)),
        Err(error) => PageError::broken(&error),
    }
}

/// What stands as it is in a part of a path or a query (RFC 3986, section 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a path or a query, encoded.
pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, &RESERVED).to_string()
}

/// A further parameter of a query; nothing without a value.
pub(crate) fn and(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("&{name}={}", encoded(value)) }
}

impl IntoResponse for PageError {
    /// An empty answer that the guard makes a page of.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl PageError {
    /// The status of its page.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Refused(refusal) => refusal.status(),
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
