//! Errors of routes: every failure is answered with a problem document (RFC 9457).

use std::{error::Error, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::{
    access::{connector::ReachError, credential_record::CredentialError},
    app::App,
    aws::{identity::IdentityError, queue::QueueError, secrets::SecretError, table::TableError},
    base::{
        id::{ExternalId, FirmId},
        telemetry::ErrorChain,
    },
    firm::{external_id::ExternalIdOwner, feed::FeedError},
    graph::{Disposition, EntraError, GraphError, TokenError},
    mail::archive::ArchiveError,
    problem::{Code, Problem, of_app_not_allowed},
};
use tracing::Instrument as _;

use crate::{language, version};

/// The header with the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id of a caller's own that is taken over; a key is longer.
pub(crate) const REQUEST_ID_CHARS_MAX: usize = 60;
/// The headers with what a firm may still call.
/// Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// See [`RATE_LIMIT`].
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// After how many seconds to try again where a service that greffe needs does not say so.
const UNAVAILABLE_SECONDS: u64 = 60;

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Told as it is.
    Told(Box<Problem>),
    /// Told as it is, with the seconds after which to try again.
    Later(Box<Problem>, u64),
    /// Another wrote the same thing at the same moment: a conflict, or that the request's condition does not hold.
    Overtaken,
    /// Ours: logged with its causes; the caller is told the request's id and nothing else.
    Internal(Box<dyn Error + Send + Sync>),
}

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Failure>;

/// The request is not what the route takes; `detail` names the field.
pub(crate) fn invalid(detail: impl Into<String>) -> Failure {
    Problem::new(Code::InvalidRequest, detail).into()
}

/// There is no `noun` that the caller may see.
pub(crate) fn not_found(noun: &str) -> Failure {
    Problem::new(Code::NotFound, format!("There is no such {noun}.")).into()
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Conflict { .. } => Self::Overtaken,
            TableError::KeyTooLong => invalid(error.to_string()),
            TableError::Service { .. } | TableError::Malformed { .. } => Self::Internal(error.into()),
        }
    }
}

/// Why a change with an external id failed: another has it, or anything else.
pub(crate) fn not_named(
    kind: ExternalIdOwner,
    firm: Option<FirmId>,
    external_id: Option<&ExternalId>,
    error: TableError,
) -> Failure {
    match kind.is_taken(firm, external_id, &error) {
        true => Problem::new(Code::ExternalIdTaken, "external_id: another has it. Nothing was changed.").into(),
        false => error.into(),
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Table(error) => error.into(),
            FeedError::Bus { .. } => Self::Internal(error.into()),
        }
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        match error.into_problem() {
            Ok(problem) => problem.into(),
            Err(CredentialError::Secret(error)) => error.into(),
            Err(error) => Self::Internal(error.into()),
        }
    }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        match error {
            // Microsoft has nothing to do with it.
            GraphError::Token { source: source @ (TokenError::Secret(_) | TokenError::Table(_)), .. } => source.into(),
            error => match error.disposition() {
                Disposition::RetryAfter(wait) => Self::later(error.into(), wait),
                _ => Problem::from(error).into(),
            },
        }
    }
}

impl From<ReachError> for Failure {
    fn from(error: ReachError) -> Self {
        let detail = error.to_string();
        match error {
            ReachError::NotConnected => Problem::new(Code::NotConnected, detail).into(),
            ReachError::PersonalAccount => Problem::new(Code::NotForPersonalAccounts, detail).into(),
            ReachError::Ambiguous(_) => Problem::new(Code::AddressAmbiguous, detail).into(),
            ReachError::AnothersMailbox | ReachError::NoSharedMailboxes => {
                Problem::new(Code::MailboxOutOfReach, detail).into()
            }
            ReachError::Graph(error) => error.into(),
        }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        if !error.needs_the_operator() {
            return Self::Internal(error.into());
        }
        tracing::error!(error = %ErrorChain(&error), "a secret of greffe can't be read or does not open");
        Problem::new(Code::SecretsUnreadable, error.to_string()).into()
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Secret(error) => error.into(),
            TokenError::Table(error) => error.into(),
            TokenError::Entra(EntraError::Identity(IdentityError::Disabled)) => {
                Problem::new(Code::FederationOff, error.to_string()).into()
            }
            TokenError::NotAllowed(not) => Problem::new(of_app_not_allowed(not), not.to_string()).into(),
            error => Self::Internal(error.into()),
        }
    }
}

macro_rules! internal {
    ($($error:ty),*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self { Self::Internal(error.into()) }
        }
    )* };
}
internal!(ArchiveError, QueueError);

/// The id of a request, as the audit trail notes it.
#[derive(Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// As text.
    pub(crate) fn into_inner(self) -> String {
        self.0
    }

    /// The one that [`answer`] gave the request.
    pub(crate) fn of(extensions: &Extensions) -> String {
        extensions.get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// The id that the caller gave its request, if it may stand in headers, logs and the audit trail.
fn callers_own(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    ((1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

/// What a response will be answered with, be it a failure still.
pub(crate) fn status_of(response: &Response) -> StatusCode {
    match response.extensions().get::<Arc<Failure>>().map(AsRef::as_ref) {
        None => response.status(),
        Some(failure) => {
            let status = failure.told().and_then(|problem| StatusCode::from_u16(problem.status).ok());
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

impl Failure {
    /// Told as it is, to be tried again after `wait`, in whole seconds.
    pub(crate) fn later(problem: Problem, wait: Duration) -> Self {
        Self::Later(Box::new(problem), wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// The seconds after which to try again: of what passes by itself, and of a service that does not answer.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Later(_, seconds) => Some(*seconds),
            Self::Told(problem) if problem.status == StatusCode::SERVICE_UNAVAILABLE => Some(UNAVAILABLE_SECONDS),
            _ => None,
        }
    }

    /// The problem document of the answer; none for a failure of greffe itself.
    pub(crate) fn told(&self) -> Option<Problem> {
        match self {
            Self::Told(problem) | Self::Later(problem, _) => Some((**problem).clone()),
            Self::Overtaken => {
                Some(Problem::new(Code::Conflict, "Another request was faster. Nothing was changed by this one."))
            }
            Self::Internal(_) => None,
        }
    }

    /// The document in the caller's language, after what is ours has been logged.
    fn document(&self, request_id: &str) -> Problem {
        if let Self::Internal(error) = self {
            tracing::error!(error = %ErrorChain(error.as_ref()), "a request failed");
        }
        let ours = || Problem::new(Code::Internal, format!("The request with the id {request_id} failed."));
        self.told().unwrap_or_else(ours).told_in(language::of_caller())
    }
}

impl IntoResponse for Failure {
    /// Carries the failure to [`answer`], which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Around every request: gives it an id, or takes over the caller's own, turns a failure into its document, and sets
/// the headers that all answers have.
pub(crate) async fn answer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = callers_own(&request).unwrap_or_else(|| app.random.uuid().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let entry = route.and_then(|route| version::deprecated(version::DEPRECATED, request.method(), &route));
    let span = tracing::info_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(failure) = response.extensions_mut().remove::<Arc<Failure>>() {
        let problem = span.in_scope(|| failure.document(&id));
        let (head, _) = response.into_parts();
        response = document(&problem);
        // What was said beside the failure stays: the methods that there are, the length that a range is beyond, and
        // what may still be called.
        for name in [header::ALLOW, header::CONTENT_RANGE, RATE_LIMIT, RATE_LIMIT_POLICY] {
            if let Some(value) = head.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response.headers_mut().extend(failure.retry_after().map(|seconds| (header::RETRY_AFTER, seconds.into())));
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(version::headers(entry));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn document(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"greffe\""));
    }
    response
}
