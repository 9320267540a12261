//! Entra ID's sign-in service, v2.0 endpoints: authorize, token, admin consent, keys and configuration.

mod assertion;
mod authorize;
mod consent;
pub(crate) mod keys;
pub(crate) mod page;
mod scope;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::World;
use crate::directory::{self, App, Audience, CONSUMERS, TenantRow};
use crate::error::{Error, Result};

/// Parameters of a query or a form; what is given twice counts once, the last time.
type Params = HashMap<String, String>;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/{authority}/oauth2/v2.0/authorize", get(authorize::show).post(authorize::decide))
        .route("/{authority}/oauth2/v2.0/token", post(token::answer))
        .route("/{authority}/v2.0/adminconsent", get(consent::show).post(consent::decide))
        .route("/{authority}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/{authority}/discovery/v2.0/keys", get(jwks))
        .with_state(world)
}

/// Which accounts an endpoint is for, as the first part of its path says.
enum Authority {
    /// `common`.
    Any,
    /// `organizations`.
    Work,
    Tenant(TenantRow),
}

/// An error of the sign-in service before it is dressed as page, redirect or JSON.
#[derive(Debug)]
struct Refusal {
    /// AADSTS number.
    code: u32,
    message: String,
}

impl Refusal {
    fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn text(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.message)
    }

    /// A page: sent instead of a redirect wherever the redirect URI cannot be trusted.
    fn page(&self) -> Response {
        page::html(
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
fn admin_needed(db: &Connection, tenant: &str) -> Result<Refusal> {
    let message = "This application requires permissions that only an admin can grant. Ask an admin to grant permission to this app.";
    Ok(Refusal::new(directory::consent_refusal(db, tenant)?, message))
}

fn authority(db: &Connection, name: &str) -> Result<Result<Authority, Refusal>> {
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
fn registration(db: &Connection, authority: &Authority, client_id: &str) -> Result<Result<App, Refusal>> {
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

/// The metadata document. Source: v2-protocols-oidc.
async fn configuration(State(world): State<Arc<World>>, Path(name): Path<String>) -> Response {
    count(&world, "configuration");
    let found = world.store.read(|db| authority(db, &name)).map_err(Refusal::from);
    let issuer = match found {
        Ok(Ok(Authority::Tenant(tenant))) => tenant.id,
        Ok(Ok(Authority::Any | Authority::Work)) => "{tenantid}".to_owned(),
        Ok(Err(refusal)) | Err(refusal) => {
            return json_answer(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "invalid_tenant", "error_description": refusal.text() }),
            );
        }
    };
    let origin = &world.origin;
    json_answer(
        StatusCode::OK,
        &json!({
            "token_endpoint": format!("{origin}/{name}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/{name}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{origin}/{issuer}/v2.0"),
            "authorization_endpoint": format!("{origin}/{name}/oauth2/v2.0/authorize"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "oid", "ver", "email"],
        }),
    )
}

async fn jwks(State(world): State<Arc<World>>) -> Response {
    count(&world, "keys");
    match world.signing_keys() {
        Ok(keys) => json_answer(StatusCode::OK, &json!({ "keys": keys.public() })),
        Err(error) => Refusal::from(error).page(),
    }
}

fn count(world: &World, kind: &str) {
    world.traffic.count(|counts| *counts.sign_in.entry(kind.to_owned()).or_default() += 1);
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    let headers = [
        ("content-type", HeaderValue::from_static("application/json; charset=utf-8")),
        ("cache-control", HeaderValue::from_static("no-store, no-cache")),
    ];
    (status, headers, body.to_string()).into_response()
}

fn params(encoded: &[u8]) -> Params {
    form_urlencoded::parse(encoded).into_owned().collect()
}
