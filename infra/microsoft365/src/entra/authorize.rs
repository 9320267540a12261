//! `/authorize`: a person signs in, agrees, and goes back to the client with a code (v2-oauth2-auth-code-flow).

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use jiff::SignedDuration;
use rusqlite::params;

use super::code::{Challenge, Code};
use super::page::Question;
use super::request::{self, Authority, Params, Refusal, count};
use super::scope::Scopes;
use super::{page, token};
use crate::directory::{self, Account, App, Audience};
use crate::error::{Error, Result};
use crate::time::after;
use crate::words::Words;
use crate::world::World;

/// A code lives about ten minutes.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// An authorization request whose redirect URI can be trusted.
struct Authorization {
    authority: Authority,
    app: App,
    params: Params,
    redirect_uri: String,
}

/// An error that goes back to the client: `error` and the reason.
struct Returned(&'static str, Refusal);

impl Authorization {
    /// Errors are shown to the person: nothing is sent to a redirect URI that is not registered.
    fn read(world: &World, authority: &str, query: Option<&str>) -> Result<Self, Refusal> {
        let params = request::params(query.unwrap_or_default().as_bytes());
        let client_id = params.get("client_id").map(String::as_str).unwrap_or_default();
        if client_id.is_empty() {
            return Err(Refusal::new(900_144, "The request body must contain the following parameter: 'client_id'."));
        }
        let (authority, app) = world.store.read(|db| {
            let authority = match request::authority(db, authority)? {
                Ok(authority) => authority,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let app = request::registration(db, &authority, client_id)?;
            Ok(app.map(|app| (authority, app)))
        })??;
        let redirect_uri = params.get("redirect_uri").cloned().unwrap_or_default();
        if !app.redirect_uris.contains(&redirect_uri) {
            let message = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the \
                 application '{client_id}'."
            );
            return Err(Refusal::new(50011, message));
        }
        Ok(Self { authority, app, params, redirect_uri })
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What is asked for, checked as far as it can be without a person.
    fn scopes(&self, world: &World) -> Result<Scopes, Returned> {
        if self.param("response_type") != Some("code") {
            let message = "The provided value for the input parameter 'response_type' isn't allowed for this client.";
            return Err(Returned("unsupported_response_type", Refusal::new(700_054, message)));
        }
        if !matches!(self.param("response_mode"), None | Some("query" | "fragment" | "form_post")) {
            let message = "The provided value for the input parameter 'response_mode' is not valid.";
            return Err(Returned("invalid_request", Refusal::new(70007, message)));
        }
        self.challenge()?;
        let text = self.param("scope").unwrap_or_default();
        if text.is_empty() {
            let message = "The request body must contain the following parameter: 'scope'.";
            return Err(Returned("invalid_request", Refusal::new(900_144, message)));
        }
        let mut scopes = Scopes::read(text, world).map_err(|refusal| match refusal.code {
            500_011 => Returned("invalid_resource", refusal),
            _ => Returned("invalid_scope", refusal),
        })?;
        if scopes.default {
            scopes.names.extend(self.app.delegated.iter().cloned());
        }
        Ok(scopes)
    }

    fn challenge(&self) -> Result<Option<Challenge>, Returned> {
        let Some(challenge) = self.param("code_challenge") else {
            return Ok(None);
        };
        if !(43..=128).contains(&challenge.len()) {
            let message = "The size of the Code_Challenge parameter is not valid.";
            return Err(Returned("invalid_request", Refusal::new(501_491, message)));
        }
        let challenge = challenge.to_owned();
        match self.param("code_challenge_method") {
            // Leaving out the method means plain.
            None | Some("plain") => Ok(Some(Challenge::Plain(challenge))),
            Some("S256") => Ok(Some(Challenge::S256(challenge))),
            Some(_) => {
                Err(Returned("invalid_request", Refusal::new(501_491, "The Code_Challenge_method is not supported.")))
            }
        }
    }

    /// Sends the person back to the client.
    fn back(&self, mut fields: Vec<(&str, String)>) -> Response {
        if let Some(state) = self.params.get("state") {
            fields.push(("state", state.clone()));
        }
        let fragment = match self.param("response_mode") {
            Some("form_post") => return page::form_post(&self.redirect_uri, &fields),
            Some("fragment") => true,
            _ => false,
        };
        redirect(&self.redirect_uri, &fields, fragment)
    }

    fn back_with(&self, Returned(error, refusal): &Returned) -> Response {
        self.back(vec![("error", (*error).to_owned()), ("error_description", refusal.text())])
    }

    fn tenant(&self) -> Option<&str> {
        match &self.authority {
            Authority::Any | Authority::Work => None,
            Authority::Tenant(tenant) => Some(&tenant.id),
        }
    }
}

/// A redirect that adds fields to the client's own query or fragment.
pub(super) fn redirect(uri: &str, fields: &[(&str, String)], fragment: bool) -> Response {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str())));
    let separator = match (fragment, uri.contains('?')) {
        (true, _) => '#',
        (false, true) => '&',
        (false, false) => '?',
    };
    let location = format!("{uri}{separator}{}", encoded.finish());
    (StatusCode::FOUND, [("location", location), ("cache-control", "no-store, no-cache".to_owned())]).into_response()
}

/// Shows the page, or goes straight back with an error.
pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    words: &'static Words,
) -> Response {
    count(&world, "authorize");
    let request = match Authorization::read(&world, &authority, query.as_deref()) {
        Ok(request) => request,
        Err(refusal) => return refusal.page(),
    };
    let scopes = match request.scopes(&world) {
        Ok(scopes) => scopes,
        Err(error) => return request.back_with(&error),
    };
    if request.param("prompt") == Some("none") {
        // Nobody is ever signed in beforehand.
        let refusal = Refusal::new(50058, "A silent sign-in request was sent but no user is signed in.");
        return request.back_with(&Returned("login_required", refusal));
    }
    let accounts = match world.store.read(|db| directory::accounts(db, request.tenant())) {
        Ok(accounts) => {
            accounts.into_iter().filter(|account| may_sign_in(&request, account).is_ok()).collect::<Vec<_>>()
        }
        Err(error) => return Refusal::from(error).page(),
    };
    let question = page::question(
        words,
        &Question {
            app: &request.app.name,
            accounts: &accounts,
            hint: request.param("login_hint"),
            permissions: &scopes.names,
            for_organization: false,
        },
    );
    page::html(words, StatusCode::OK, words.sign_in, &question)
}

/// Takes the person's decision and goes back with a code.
pub(super) async fn decide(
    State(world): State<Arc<World>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    count(&world, "authorize");
    let request = match Authorization::read(&world, &authority, query.as_deref()) {
        Ok(request) => request,
        Err(refusal) => return refusal.page(),
    };
    let form = request::params(&body);
    match code(&world, &authority, &request, &form) {
        Ok(code) => request.back(vec![("code", code), ("session_state", world.uuid().to_string())]),
        Err(Decision::Back(error)) => request.back_with(&error),
        Err(Decision::Page(refusal)) => refusal.page(),
    }
}

enum Decision {
    /// The client hears of it.
    Back(Returned),
    /// The person may try again.
    Page(Refusal),
}

impl From<Returned> for Decision {
    fn from(error: Returned) -> Self {
        Self::Back(error)
    }
}

impl From<Error> for Decision {
    fn from(error: Error) -> Self {
        Self::Page(error.into())
    }
}

fn code(world: &World, authority: &str, request: &Authorization, form: &Params) -> Result<String, Decision> {
    let scopes = request.scopes(world)?;
    match form.get("action").map(String::as_str) {
        Some("accept") => {}
        _ => {
            let message = "User declined to consent to access the app.";
            return Err(Returned("access_denied", Refusal::new(65004, message)).into());
        }
    }
    let address = form.get("account").map(String::as_str).or(request.param("login_hint")).unwrap_or_default();
    let user = world.store.read(|db| directory::find_account(db, address))?;
    let user = user.ok_or_else(|| {
        Decision::Page(Refusal::new(50034, format!("The user account {address} does not exist in the directory.")))
    })?;
    may_sign_in(request, &user).map_err(Decision::Page)?;
    if let Some(code) = world.faults.next_authorize() {
        let error = match token::error(code).0 {
            "invalid_grant" => "interaction_required",
            error => error,
        };
        return Err(Returned(error, Refusal::new(code, "Scripted failure.")).into());
    }
    if user.is_personal() && !scopes.suit_personal_accounts() {
        let message = "The provided value for the input parameter 'scope' is not valid for personal accounts.";
        return Err(Returned("invalid_scope", Refusal::new(70011, message)).into());
    }
    let body = Code {
        client_id: request.app.client_id.clone(),
        authority: authority.to_ascii_lowercase(),
        user: user.id.clone(),
        scopes: scopes.names.clone(),
        resource: scopes.resource.clone(),
        redirect_uri: request.redirect_uri.clone(),
        nonce: request.param("nonce").map(str::to_owned),
        challenge: request.challenge()?,
    };
    let body = serde_json::to_string(&body).map_err(|error| Error::Damaged("authorization code", error))?;
    let code = format!("0.{}{}", world.uuid().simple(), world.uuid().simple());
    let expires = after(world.now(), CODE_LIFE);
    world.store.write(|db| {
        let client_id = &request.app.client_id;
        let held = directory::consented(db, &user.tenant, client_id, &user.id)?;
        let tenant = directory::find_tenant(db, &user.tenant)?;
        let users_may = tenant.is_some_and(|tenant| tenant.user_consent);
        let missing = scopes.names.iter().any(|name| !held.contains(name));
        if missing && (!users_may || scopes.need_admin()) && !directory::may_consent_for_everybody(db, &user, false)? {
            return Ok(Err(Returned("access_denied", request::admin_needed(db, &user.tenant)?)));
        }
        directory::consent(db, &user.tenant, client_id, &user.id, &scopes.names)?;
        db.execute(
            "INSERT INTO codes (code, body, expires_ms) VALUES (?, ?, ?)",
            params![code, body, expires.as_millisecond()],
        )?;
        Ok(Ok(()))
    })??;
    Ok(code)
}

fn may_sign_in(request: &Authorization, user: &Account) -> Result<(), Refusal> {
    if request.tenant().is_some_and(|tenant| tenant != user.tenant) {
        let message =
            format!("User account '{}' does not exist in the tenant and cannot access the application.", user.address);
        return Err(Refusal::new(50020, message));
    }
    let personal =
        request.app.audience == Audience::OrganizationsAndPersonal && !matches!(request.authority, Authority::Work);
    if user.is_personal() && !personal {
        let message = format!("User account '{}' from identity provider 'live.com' cannot sign in here.", user.address);
        return Err(Refusal::new(50020, message));
    }
    // A guest signs in at the tenant's own address only; anywhere else it is the home organisation that answers.
    if user.guest && request.tenant().is_none() {
        let message =
            format!("User account '{}' does not exist in the tenant and cannot access the application.", user.address);
        return Err(Refusal::new(50020, message));
    }
    if user.shared || !user.enabled {
        return Err(Refusal::new(50057, "The user account is disabled."));
    }
    Ok(())
}
