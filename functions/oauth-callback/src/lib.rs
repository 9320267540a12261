//! Signing in, as a browser goes through it: out to Microsoft, and back from there. What happens is told in
//! [`shared::access::sign_in`]; here it becomes redirects, a cookie and pages.
//!
//! A browser is sent only where [`shared::access::sign_in`] says, never where a parameter says: to Microsoft, or in the
//! end to the address that the link was made with.

mod page;

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    extract::{
        FromRequestParts, Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware,
    response::{AppendHeaders, IntoResponse as _, Redirect, Response},
    routing::get,
};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::{
    access::{
        connection::NewConnection,
        console_sign_in::{self, Entered, SignInPurpose},
        sign_in::{self, Callback, CallbackResult, SIGN_IN_LIFETIME, SignInOutcome, SignInRedirect, cookie_suffix},
    },
    app::App,
    base::{
        config::Origin,
        headers::{SESSION_COOKIE, cookie_name, cookies, guarded, set_cookie},
        language::Language,
    },
    firm::{audit::source_ip, console_session::SESSION_LIFETIME},
    problem::{Code, Problem},
};

/// The three addresses that a browser visits; any other is a 404.
///
/// - `GET /oauth/connect/{ticket}` → 303 to Microsoft's sign-in page, with the cookie that binds the sign-in to this
///   browser.
/// - `GET /oauth/console?invitation=…` → 303 to Microsoft's sign-in page, on the way to the console.
/// - `GET /oauth/callback?code=…&state=…`, where Microsoft sends the browser back → a page "Connected to {connector}
///   via {address}", or 303 to where the business application wants it, or to Microsoft once more where an
///   administrator has to consent.
///
/// What went wrong is a page with its meaning, what to do next, and Microsoft's own code. A client that asks for
/// `application/json` gets `{"connector", "address"}`, or a problem document with the same status.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/oauth/connect/{ticket}", get(connect))
        .route("/oauth/console", get(console))
        .route("/oauth/callback", get(callback))
        .fallback(no_page)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::map_response(async |response: Response| guarded(response)))
        .with_state(app)
}

/// How many sign-ins may be under way in one browser. Each has a cookie; the one that began first gives way.
const SIGN_INS_MAX: usize = 8;

async fn connect(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    ticket: Result<Path<String>, PathRejection>,
) -> Response {
    let ticket = match ticket {
        Ok(Path(ticket)) => ticket,
        Err(rejection) => return reader.told_of(&Problem::new(Code::LinkDamaged, rejection.body_text())),
    };
    match sign_in::begin(&app, &ticket).await {
        Ok(departure) => redirect(&app.config.public_url, &departure, &headers),
        Err(problem) => reader.told_of(&problem),
    }
}

async fn callback(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    callback: Result<Query<Callback>, QueryRejection>,
) -> Response {
    let callback = match callback {
        Ok(Query(callback)) => Callback { from: source_ip(&headers), ..callback },
        Err(rejection) => return reader.told_of(&Problem::new(Code::InvalidRequest, rejection.body_text())),
    };
    let name = callback.state.as_deref().map(|state| sign_in_cookie(&app.config.public_url, &cookie_suffix(state)));
    let cookie = name.and_then(|name| cookies(&headers).find(|(n, _)| *n == name).map(|(_, value)| value));
    if console_sign_in::is_of_the_console(&callback) {
        return match console_sign_in::complete(&app, callback, cookie).await {
            Ok(entered) => enter(&app.config.public_url, &entered),
            Err(problem) => reader.told_of(&problem),
        };
    }
    let CallbackResult { arrival, back } = sign_in::complete(&app, callback, cookie).await;
    match (arrival, back) {
        (Ok(SignInOutcome::GoOn(departure)), _) => redirect(&app.config.public_url, &departure, &headers),
        (_, Some(back)) if matches!(reader, Reader::Person(_)) => {
            let headers = [(header::CACHE_CONTROL, "no-store"), page::REFERRER_POLICY];
            (headers, Redirect::to(back.as_str())).into_response()
        }
        (Ok(SignInOutcome::Connected(NewConnection { connector, address })), _) => {
            reader.told_connected(connector, address)
        }
        (Err(problem), _) => reader.told_of(&problem),
    }
}

async fn console(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    errand: Result<Query<SignInPurpose>, QueryRejection>,
) -> Response {
    let errand = match errand {
        Ok(Query(errand)) => errand,
        Err(rejection) => return reader.told_of(&Problem::new(Code::InvalidRequest, rejection.body_text())),
    };
    match console_sign_in::begin(&app, errand).await {
        Ok(departure) => redirect(&app.config.public_url, &departure, &headers),
        Err(problem) => reader.told_of(&problem),
    }
}

/// On to the console, with the cookie of the session.
fn enter(public_url: &Origin, entered: &Entered) -> Response {
    let name = cookie_name(public_url, SESSION_COOKIE);
    let cookie = set_cookie(public_url, &name, entered.session.expose_secret(), SESSION_LIFETIME);
    let headers = [(header::CACHE_CONTROL, "no-store"), page::REFERRER_POLICY];
    (headers, AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(&entered.to)).into_response()
}

async fn no_page(reader: Reader) -> Response {
    reader.told_of(&Problem::new(Code::NotFound, "There is no such page."))
}

async fn no_method(reader: Reader) -> Response {
    reader.told_of(&Problem::new(Code::MethodNotAllowed, "This page supports GET only."))
}

/// On to Microsoft, with the cookie that the browser has to bring back. `headers`: of the request.
fn redirect(public_url: &Origin, departure: &SignInRedirect, headers: &HeaderMap) -> Response {
    let name = sign_in_cookie(public_url, &departure.suffix);
    let ours = set_cookie(public_url, &name, departure.cookie.expose_secret(), SIGN_IN_LIFETIME);
    // A browser sends the oldest first. Source: RFC 6265, section 5.4.
    let prefix = sign_in_cookie(public_url, "");
    let others: Vec<&str> = cookies(headers).map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).collect();
    let surplus = (others.len() + 1).saturating_sub(SIGN_INS_MAX);
    let forgotten = others.iter().take(surplus).map(|name| set_cookie(public_url, name, "", Duration::ZERO));
    let set = std::iter::once(ours).chain(forgotten).map(|cookie| (header::SET_COOKIE, cookie));
    let headers = [(header::CACHE_CONTROL, "no-store"), page::REFERRER_POLICY];
    (headers, AppendHeaders(set), Redirect::to(departure.url.as_str())).into_response()
}

/// The name of a sign-in's cookie.
fn sign_in_cookie(public_url: &Origin, suffix: &str) -> String {
    cookie_name(public_url, &format!("greffe_sign_in_{suffix}"))
}

/// How the answer is read.
enum Reader {
    /// By a person, in the language that the browser likes best.
    Person(Language),
    /// By a program, which says so with `Accept: application/json`.
    Program,
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accept = parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut types = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
        let json = types.any(|t| t == "application/json" || t == "application/problem+json");
        let languages = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Ok(if json { Self::Program } else { Self::Person(Language::preferred(languages)) })
    }
}

/// That a connector works.
#[derive(Serialize)]
struct Connected {
    connector: String,
    address: String,
}

impl Reader {
    fn told_connected(&self, connector: String, address: String) -> Response {
        match self {
            Self::Person(language) => page::connected(*language, &connector, &address),
            Self::Program => {
                ([(header::CACHE_CONTROL, "no-store")], Json(Connected { connector, address })).into_response()
            }
        }
    }

    fn told_of(&self, problem: &Problem) -> Response {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match self {
            Self::Person(language) => page::problem(*language, status, problem),
            Self::Program => {
                let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
                // They take the place of those that `Json` sets.
                (status, headers, Json(problem)).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests;
