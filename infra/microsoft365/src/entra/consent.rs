//! `/adminconsent`: an administrator agrees for the whole organisation (v2-admin-consent).

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

use super::authorize::redirect;
use super::page;
use super::page::Question;
use super::request::{self, Authority, Params, Refusal, count};
use crate::directory::{self, Account, App};
use crate::error::Result;
use crate::faults::ConsentFault;
use crate::time::after;
use crate::words::Words;
use crate::world::World;

struct ConsentRequest {
    authority: Authority,
    app: App,
    params: Params,
    redirect_uri: String,
}

impl ConsentRequest {
    fn read(world: &World, authority: &str, query: Option<&str>) -> Result<Self, Refusal> {
        let params = request::params(query.unwrap_or_default().as_bytes());
        let param = |name: &str| params.get(name).cloned().unwrap_or_default();
        if authority == "common" {
            let message = "Use a tenant-specific endpoint or /organizations for administrator consent.";
            return Err(Refusal::new(90019, message));
        }
        let client_id = param("client_id");
        let (authority, app) = world.store.read(|db| {
            let authority = match request::authority(db, authority)? {
                Ok(authority) => authority,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let app = request::registration(db, &authority, &client_id)?;
            Ok(app.map(|app| (authority, app)))
        })??;
        let redirect_uri = param("redirect_uri");
        if !app.redirect_uris.contains(&redirect_uri) {
            let message = format!(
                "The redirect URI '{redirect_uri}' does not match the redirect URIs configured for the application."
            );
            return Err(Refusal::new(50011, message));
        }
        // Application permissions are granted with /.default only, and this world knows no other admin consent.
        let scope = param("scope");
        if scope.split_once("/.default").is_none_or(|(_, rest)| !rest.is_empty()) {
            return Err(Refusal::new(70011, format!("The scope '{scope}' is not valid: it must end with /.default.")));
        }
        Ok(Self { authority, app, params, redirect_uri })
    }

    fn tenant(&self) -> Option<&str> {
        match &self.authority {
            Authority::Any | Authority::Work => None,
            Authority::Tenant(tenant) => Some(&tenant.id),
        }
    }

    /// Whether what is consented to includes application permissions: all that the registration lists is.
    fn grants_roles(&self) -> bool {
        !self.app.application.is_empty()
    }

    /// Goes back to the client. `admin_consent=True` is there in failure, too: success is the absence of `error`.
    fn back(&self, mut fields: Vec<(&str, String)>) -> Response {
        fields.push(("admin_consent", "True".to_owned()));
        if let Some(state) = self.params.get("state") {
            fields.push(("state", state.clone()));
        }
        redirect(&self.redirect_uri, &fields, false)
    }

    fn back_with(&self, refusal: &Refusal) -> Response {
        self.back(vec![("error", "access_denied".to_owned()), ("error_description", refusal.text())])
    }
}

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    words: &'static Words,
) -> Response {
    count(&world, "adminconsent");
    let request = match ConsentRequest::read(&world, &authority, query.as_deref()) {
        Ok(request) => request,
        Err(refusal) => return refusal.page(),
    };
    let accounts = world.store.read(|db| {
        let mut able = Vec::new();
        for account in directory::accounts(db, request.tenant())? {
            if directory::may_consent_for_everybody(db, &account, request.grants_roles())? {
                able.push(account);
            }
        }
        Ok(able)
    });
    let accounts = match accounts {
        Ok(accounts) => accounts,
        Err(error) => return Refusal::from(error).page(),
    };
    let permissions: Vec<String> = request.app.delegated.iter().chain(&request.app.application).cloned().collect();
    let question = page::question(
        words,
        &Question {
            app: &request.app.name,
            accounts: &accounts,
            hint: None,
            permissions: &permissions,
            for_organization: true,
        },
    );
    page::html(words, StatusCode::OK, words.permissions_requested, &question)
}

pub(super) async fn decide(
    State(world): State<Arc<World>>,
    Path(authority): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    count(&world, "adminconsent");
    let request = match ConsentRequest::read(&world, &authority, query.as_deref()) {
        Ok(request) => request,
        Err(refusal) => return refusal.page(),
    };
    let form = request::params(&body);
    if form.get("action").map(String::as_str) != Some("accept") {
        return request
            .back_with(&Refusal::new(65004, "The resource owner or authorization server denied the request."));
    }
    let address = form.get("account").map(String::as_str).unwrap_or_default();
    match agree(&world, &request, address) {
        Ok(Ok(admin)) => {
            let tenant = match world.faults.next_consent() {
                Some(ConsentFault::ForgedTenant(tenant)) => tenant.to_string(),
                None => admin.tenant,
            };
            let scope = request.params.get("scope").cloned().unwrap_or_default();
            request.back(vec![("tenant", tenant), ("scope", scope)])
        }
        Ok(Err(refusal)) => request.back_with(&refusal),
        Err(error) => Refusal::from(error).page(),
    }
}

/// Records the consent, if this is an administrator of the tenant that is asked, in a role that may give it.
fn agree(world: &World, request: &ConsentRequest, address: &str) -> Result<Result<Account, Refusal>> {
    let effective = after(world.now(), world.faults.roles_delay());
    world.store.write(|db| {
        let Some(account) = directory::find_account(db, address)? else {
            let message = format!("The user account {address} does not exist in the directory.");
            return Ok(Err(Refusal::new(50034, message)));
        };
        if request.tenant().is_some_and(|tenant| tenant != account.tenant) {
            let message = format!("User account '{address}' does not exist in the tenant.");
            return Ok(Err(Refusal::new(50020, message)));
        }
        if !directory::may_consent_for_everybody(db, &account, request.grants_roles())? {
            return Ok(Err(request::admin_needed(db, &account.tenant)?));
        }
        directory::consent_for_everybody(db, &account.tenant, &request.app, effective)?;
        Ok(Ok(account))
    })
}
