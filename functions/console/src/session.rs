//! Who looks at a page, and what they typed.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use secrecy::SecretString;
use shared::{
    base::{
        headers::{SESSION_COOKIE, cookie_name, cookies},
        language::Language,
    },
    firm::{
        audit::source_ip,
        console_session::{ConsoleSession, form_token},
    },
};

use crate::{
    api_client::PageError,
    console::Console,
    said::{SAID_COOKIE, Said},
};

/// The header by which htmx says which element it asks for, such as `section#list`.
const PART_HEADER: &str = "hx-target";
/// The cookie of the language that a person chose.
pub(crate) const LANGUAGE_COOKIE: &str = "greffe_language";

/// Who looks at a page.
#[derive(Debug, Clone)]
pub(crate) struct ConsoleRequest {
    /// The language that they chose, or else the browser's; none if neither is one of the four.
    pub language: Option<Language>,
    /// The page, with its query.
    pub path: String,
    /// The session, and its cookie.
    pub session: Option<(SecretString, ConsoleSession)>,
    /// The address that the browser came from.
    pub from: Option<String>,
    /// Random: by it, a form that makes something is known when it is sent twice.
    pub once: String,
    /// Whether a script asks for a part of a page, and for which element.
    pub part: Option<String>,
    /// What the last form did, until a page says it.
    pub said: Option<Said>,
}

impl ConsoleRequest {
    /// Who sent a request.
    ///
    /// Errors: the session can't be read.
    pub(crate) async fn of(console: &Console, parts: &Parts) -> Result<Self, PageError> {
        let public_url = &console.app.config.public_url;
        let name = cookie_name(public_url, SESSION_COOKIE);
        let cookie = cookies(&parts.headers).find(|(n, _)| *n == name).map(|(_, value)| value);
        let session = match cookie {
            Some(cookie) if cookie.len() <= 64 => {
                let (cookie, now) = (SecretString::from(cookie.to_owned()), console.app.clock.now());
                let found = ConsoleSession::find(&console.app.table, &cookie, now).await;
                found.map_err(|e| PageError::broken(&e))?.map(|session| (cookie, session))
            }
            _ => None,
        };
        let name = cookie_name(public_url, LANGUAGE_COOKIE);
        let chosen = cookies(&parts.headers).find(|(n, _)| *n == name).and_then(|(_, tag)| Language::of_tag(tag));
        let name = cookie_name(public_url, SAID_COOKIE);
        let said = cookies(&parts.headers).find(|(n, _)| *n == name).and_then(|(_, value)| Said::of_cookie(value));
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self {
            language: chosen.or_else(|| Language::wanted(accepted.unwrap_or_default())),
            path: parts.uri.path_and_query().map_or("/console", |target| target.as_str()).to_owned(),
            session,
            from: source_ip(&parts.headers),
            once: console.app.random.token(),
            part: parts.headers.get(PART_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned),
            said,
        })
    }

    /// What a form of a page for this person has to send back.
    pub(crate) fn token(&self) -> String {
        self.session.as_ref().map(|(cookie, _)| form_token(cookie)).unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for ConsoleRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The guard put it there; without one it is nobody.
        let nobody = || Self {
            language: None,
            path: "/console".to_owned(),
            session: None,
            from: None,
            once: String::new(),
            part: None,
            said: None,
        };
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(nobody))
    }
}
