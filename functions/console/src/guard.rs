//! What stands before every page: who comes, and whether a form came from greffe's own page. Also the headers of every
//! page, and the page of what went wrong.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use shared::base::headers::{cookie_name, set_cookie};
use subtle::ConstantTimeEq as _;

use crate::{
    api_client::PageError,
    console::Console,
    form::{Fields, TOKEN_FIELD},
    pages::sign_in,
    said::{SAID_COOKIE, SAID_KEPT, Said},
    session::ConsoleRequest,
    shell::Shell,
};

/// The largest form: a mailbox may have thousands of folders, whose ids have some 150 characters.
const FORM_BYTES_MAX: usize = 2 << 20;
/// Nothing is loaded from elsewhere, no script or style stands in a page, and nobody frames a page. The frame is for
/// mails, which have a stricter policy of their own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Before every page, and after it.
pub(crate) async fn pass(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let request = match ConsoleRequest::of(&console, &parts).await {
        Ok(request) => request,
        Err(trouble) => return finished(&console, trouble.into_response(), None, None),
    };
    let mut typed = None;
    parts.extensions.insert(request.clone());
    let answered = match parts.method.is_safe() {
        true => next.run(Request::from_parts(parts, body)).await,
        false => match form(&console, &request, &parts, body).await {
            Ok(fields) => {
                typed = Some(fields.clone());
                parts.extensions.insert(fields);
                next.run(Request::from_parts(parts, Body::empty())).await
            }
            Err(instead) => *instead,
        },
    };
    finished(&console, answered, Some(request), typed)
}

/// The fields of a form that may be acted on.
///
/// Errors: the page to show instead. A form of another site is refused. One whose session is over, or was another
/// one, is shown once more with all that was typed, and sent when the person says so.
async fn form(console: &Console, request: &ConsoleRequest, parts: &Parts, body: Body) -> Result<Fields, Box<Response>> {
    if is_of_another_site(&parts.headers, &console.app.config.public_url.at("")) {
        tracing::warn!("a form of another site was refused");
        return Err(Box::new(sign_in::another_site(request)));
    }
    let Ok(bytes) = axum::body::to_bytes(body, FORM_BYTES_MAX).await else {
        return Err(Box::new(sign_in::too_large(request)));
    };
    let Fields(mut fields) = Fields::of(&bytes);
    let sent = fields.iter().find(|(name, _)| name == TOKEN_FIELD).map(|(_, value)| value.clone()).unwrap_or_default();
    fields.retain(|(name, _)| name != TOKEN_FIELD);
    let fields = Fields(fields);
    // What opens by a link of the operator has no session yet, and says nothing.
    if parts.uri.path().starts_with("/console/enter/") {
        return Ok(fields);
    }
    let token = request.token();
    let is_ours: bool = sent.as_bytes().ct_eq(token.as_bytes()).into();
    if token.is_empty() || !is_ours {
        return Err(Box::new(sign_in::once_more(request, &fields)));
    }
    Ok(fields)
}

/// Whether a browser says that a form came from elsewhere.
/// Source: <https://www.w3.org/TR/fetch-metadata/>
fn is_of_another_site(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site != "same-origin" && site != "none",
        (None, Some(origin)) => origin != own.trim_end_matches('/'),
        (None, None) => false,
    }
}

/// A page with the headers that all have; what went wrong becomes a page here. `typed`: the form that was sent, which
/// is not lost by that.
fn finished(console: &Console, response: Response, request: Option<ConsoleRequest>, typed: Option<Fields>) -> Response {
    let said = said_cookie(console, &response, request.as_ref());
    // An address whose id is none is refused before any page sees it.
    let is_bare = response.status() == StatusCode::BAD_REQUEST && is_plain(&response);
    let trouble = response.extensions().get::<PageError>().cloned().or(is_bare.then_some(PageError::NotFound));
    let mut response = match (trouble, request) {
        // A page that looks again by itself stays as it is: somebody may be typing in it.
        (Some(_), Some(ConsoleRequest { part: Some(part), .. })) if part.ends_with("#live") => {
            StatusCode::NO_CONTENT.into_response()
        }
        // Of what is no such page, no part can be shown.
        (Some(_), Some(ConsoleRequest { part: Some(_), path, .. })) => {
            (StatusCode::NO_CONTENT, [("hx-redirect", path)]).into_response()
        }
        (Some(PageError::SignedOut), Some(request)) => {
            let to = form_urlencoded::Serializer::new(String::new()).append_pair("to", &request.path).finish();
            Redirect::to(&format!("/console/sign-in?{to}")).into_response()
        }
        (Some(trouble), Some(request)) => sign_in::troubled(&Shell::of_request(&request), &trouble, typed.as_ref()),
        _ => response,
    };
    let headers = response.headers_mut();
    if let Some(cookie) = said {
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry("cross-origin-opener-policy").or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// The cookie by which the next page says what a form did; once a page has said it, what removes that cookie.
fn said_cookie(console: &Console, response: &Response, request: Option<&ConsoleRequest>) -> Option<HeaderValue> {
    let public_url = &console.app.config.public_url;
    let name = cookie_name(public_url, SAID_COOKIE);
    let cookie = match (response.extensions().get::<Said>(), request) {
        (Some(said), _) => set_cookie(public_url, &name, &said.cookie(), SAID_KEPT),
        // A part of a page does not say it.
        (None, Some(ConsoleRequest { said: Some(_), part: None, .. })) if !response.status().is_redirection() => {
            set_cookie(public_url, &name, "", Duration::ZERO)
        }
        _ => return None,
    };
    HeaderValue::from_str(&cookie).ok()
}

/// Whether an answer is text for programs.
fn is_plain(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/plain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_known_by_what_the_browser_says() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(header::HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        let own = "https://greffe.example";
        for (name, value, other) in [
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
            ("origin", "https://greffe.example", false),
            ("origin", "https://greffe.example.evil.example", true),
            ("origin", "null", true),
            ("accept", "text/html", false),
        ] {
            assert_eq!(is_of_another_site(&headers(name, value), own), other, "{name}: {value}");
        }
    }

    #[test]
    fn the_policy_allows_no_script_or_style_in_a_page() {
        assert!(POLICY.starts_with("default-src 'none'") && !POLICY.contains("unsafe"));
    }
}
