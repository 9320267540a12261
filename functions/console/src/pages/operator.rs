//! The operator's page: firms, and what only the operator may release.

use askama::Template;
use axum::{
    extract::Query,
    http::Method,
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::{
    base::{
        id::{ConnectorId, FirmId},
        language::Language,
    },
    firm::console_pass::Visit,
};

use super::view::{self, Listed};
use crate::{
    api_client::{Api, PageError, Refusal, and, encoded},
    console::Shared,
    form::Fields,
    said::Said,
    session::Guest,
    shell::{Shell, api, page_saying},
};

#[derive(Deserialize)]
struct FirmListed {
    id: FirmId,
    name: String,
    ended_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct TenantView {
    tenant_id: String,
    waiting: Vec<WaitingView>,
}

/// A firm that waits for access to a tenant that another firm has already.
#[derive(Deserialize)]
struct WaitingView {
    firm: FirmId,
    name: Option<String>,
    connector: ConnectorId,
    address: String,
    since: Timestamp,
}

#[derive(Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    s: Shell,
    firms: Vec<FirmListed>,
    next: Option<String>,
    waiting: Vec<(String, WaitingView)>,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl OperatorPage {
    /// Tag and name of each language, the page's own first.
    fn languages(&self) -> Vec<(&'static str, String)> {
        Language::ALL.into_iter().map(|language| (language.tag(), language.own_name().to_owned())).collect()
    }

    fn chosen(&self, tag: &str) -> bool {
        match self.typed.get("language") {
            "" => tag == self.s.t.tag(),
            typed => tag == typed,
        }
    }
}

/// The API as the operator, if it is the operator who looks.
async fn operators_api(console: &Shared, guest: &Guest) -> Result<Api, PageError> {
    match &guest.session {
        None => Err(PageError::SignedOut),
        Some((_, session)) if session.user.is_some() => Err(PageError::NotFound),
        Some(_) => api(&console.0, Visit::Operator, guest.language.unwrap_or_default()).await,
    }
}

/// Which page of the firms.
#[derive(Default, Deserialize)]
pub(crate) struct OperatorQuery {
    #[serde(default)]
    after: String,
}

async fn shown(
    (api, guest): (&Api, &Guest),
    which: &OperatorQuery,
    typed: Fields,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    let after = and("after", &which.after);
    let firms = format!("/v1/firms?sort=name&limit=100{after}");
    let (firms, tenants) =
        tokio::try_join!(api.get::<Listed<FirmListed>>(&firms), view::all::<TenantView>(api, "/v1/tenants"))?;
    let of = |tenant: TenantView| tenant.waiting.into_iter().map(move |waiting| (tenant.tenant_id.clone(), waiting));
    let waiting = tenants.into_iter().flat_map(of).collect();
    let next = firms.next.map(|next| format!("?after={}", encoded(&next)));
    let (s, firms) = (Shell::of_guest(guest), firms.items);
    Ok(page_saying(refusal, |refusal| OperatorPage { s, firms, next, waiting, typed, refusal }))
}

/// The page.
pub(crate) async fn read(
    console: Shared,
    guest: Guest,
    Query(which): Query<OperatorQuery>,
) -> Result<Response, PageError> {
    let api = operators_api(&console, &guest).await?;
    shown((&api, &guest), &which, Fields::default(), None).await
}

#[derive(Deserialize)]
struct NewFirm {
    id: FirmId,
}

/// Creates a firm, or releases a tenant to a firm that waits for it.
pub(crate) async fn change(console: Shared, guest: Guest, typed: Fields) -> Result<Response, PageError> {
    let api = operators_api(&console, &guest).await?;
    if typed.get("do") == "grant" {
        let firm: FirmId = typed.get("firm").parse().map_err(|_| PageError::NotFound)?;
        let connector: ConnectorId = typed.get("connector").parse().map_err(|_| PageError::NotFound)?;
        let path = format!("/v1/firms/{firm}/connectors/{connector}/grant");
        let body = Some(json!({ "tenant_id": typed.get("tenant") }));
        return match api.tried::<IgnoredAny>(Method::POST, &path, body).await? {
            Ok(_) => Ok(Said::Saved.with(Redirect::to("/console/operator").into_response())),
            Err(refusal) => shown((&api, &guest), &OperatorQuery::default(), Fields::default(), Some(refusal)).await,
        };
    }
    let domains = typed.get("domains").split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let domains: Vec<&str> = domains.filter(|domain| !domain.is_empty()).collect();
    let body = json!({
        "name": typed.get("name"), "language": typed.get("language"), "time_zone": typed.get("time_zone"),
        "domains": domains,
    });
    match api.made_once::<NewFirm>(&typed, "/v1/firms", body).await? {
        // The next thing is to let its first administrator in.
        Ok(NewFirm { id }) => {
            Ok(Said::Added.with(Redirect::to(&format!("/console/firms/{id}/people")).into_response()))
        }
        Err(refusal) => shown((&api, &guest), &OperatorQuery::default(), typed, Some(refusal)).await,
    }
}
