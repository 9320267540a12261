//! A request to the sign-in service: its parameters, the authority that its path names, and why it is refused.

use crate::words::ENGLISH;
use std::collections::HashMap;
use std::convert::Infallible;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rusqlite::Connection;
use serde_json::Value;

use super::page;
use crate::directory::{self, App, Audience, CONSUMERS, TenantRow};
use crate::error::{Error, Result};
use crate::faults::Scripted;
use crate::world::World;

/// Parameters of a query or a form; what is given twice counts once, the last time.
pub(super) type Params = HashMap<String, String>;

/// Which accounts an endpoint is for, as the first part of its path says.
pub(super) enum Authority {
    /// `common`.
    Any,
    /// `organizations`.
    Work,
    Tenant(TenantRow),
}

/// An error of the sign-in service before it is dressed as page, redirect or JSON.
#[derive(Debug)]
pub(super) struct Refusal {
    /// AADSTS number.
    pub code: u32,
    pub message: String,
}

impl Refusal {
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub fn text(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.message)
    }

    /// A page: sent instead of a redirect wherever the redirect URI cannot be trusted.
    pub fn page(&self) -> Response {
        page::html(
            &ENGLISH,
            StatusCode::BAD_REQUEST,
            "Sorry, but we're having trouble signing you in",
            &page::error(&self.text()),
        )
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "simulated sign-in failed by itself");
        Self::new(90033, "A transient error has occurred. Please try again.")
    }
}

/// What somebody meets who may not consent in this tenant.
pub(super) fn admin_needed(db: &Connection, tenant: &str) -> Result<Refusal> {
    let message = "This application requires permissions that only an admin can grant. Ask an admin to grant permission to this app.";
    Ok(Refusal::new(directory::consent_refusal(db, tenant)?, message))
}

pub(super) fn authority(db: &Connection, name: &str) -> Result<Result<Authority, Refusal>> {
    let name = match name {
        "common" => return Ok(Ok(Authority::Any)),
        "organizations" => return Ok(Ok(Authority::Work)),
        "consumers" => CONSUMERS,
        name => name,
    };
    let tenant = directory::find_tenant(db, name)?;
    Ok(tenant.map(Authority::Tenant).ok_or_else(|| Refusal::new(90002, format!("Tenant '{name}' not found."))))
}

/// The registration, if its audience includes the authority.
pub(super) fn registration(db: &Connection, authority: &Authority, client_id: &str) -> Result<Result<App, Refusal>> {
    let unknown = || {
        let message = format!("Application with identifier '{client_id}' was not found in the directory.");
        Refusal::new(700_016, message)
    };
    let Some(app) = directory::app(db, client_id)? else {
        return Ok(Err(unknown()));
    };
    Ok(match (&app.audience, authority) {
        (Audience::OrganizationsAndPersonal, _) => Ok(app),
        (Audience::Organizations, Authority::Tenant(tenant)) if tenant.id == CONSUMERS => {
            let message = "The application is configured for use by Azure Active Directory users only. Do not use the /consumers endpoint.";
            Err(Refusal::new(9_002_332, message))
        }
        (Audience::Organizations, _) => Ok(app),
        (Audience::Tenant(home), Authority::Tenant(tenant)) if home.to_string() == tenant.id => Ok(app),
        (Audience::Tenant(_), Authority::Tenant(_)) => Err(unknown()),
        (Audience::Tenant(_), Authority::Any | Authority::Work) => Err(Refusal::new(
            50194,
            format!(
                "Application '{client_id}' is not configured as a multi-tenant application. Use a tenant-specific endpoint."
            ),
        )),
    })
}

pub(super) fn count(world: &World, kind: &str) {
    world.traffic.count(|counts| *counts.sign_in.entry(kind.to_owned()).or_default() += 1);
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let headers = [
        ("content-type", HeaderValue::from_static("application/json; charset=utf-8")),
        ("cache-control", HeaderValue::from_static("no-store, no-cache")),
    ];
    (status, headers, body.to_string()).into_response()
}

/// The answer of success to a request of one kind, or what a script makes of it.
pub(super) fn told(world: &World, kind: &str, body: &Value) -> Response {
    let status = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [("content-type", "application/json; charset=utf-8")];
    match world.faults.next_scripted(kind, None, &[]) {
        Some(Scripted::Raw(code, headers, body)) => {
            let headers = headers.into_iter().map(|(name, value)| (HeaderName::from_static(name), value.parse()));
            let headers: HeaderMap = headers.filter_map(|(name, value)| Some((name, value.ok()?))).collect();
            (status(code), json, headers, body).into_response()
        }
        Some(Scripted::Text(from, to)) => (json, body.to_string().replace(&from, &to)).into_response(),
        Some(Scripted::Status(code, _)) => status(code).into_response(),
        Some(Scripted::Silent) => {
            Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>()).into_response()
        }
        Some(Scripted::Garbage) => "<html><body>Bad gateway</body></html>".into_response(),
        _ => json_answer(StatusCode::OK, body),
    }
}

pub(super) fn params(encoded: &[u8]) -> Params {
    form_urlencoded::parse(encoded).into_owned().collect()
}
