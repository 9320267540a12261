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

use super::{
    view::{self, Listed, SecretView, Standing},
    webhooks::WebhookView,
};
use crate::{
    api_client::{Api, PageError, Refusal, and, encoded},
    console::Shared,
    form::Fields,
    said::Said,
    session::ConsoleRequest,
    shell::{Shell, api, page_saying},
    text::Texts,
};

/// Days before its end from which a credential is the operator's turn.
const SECRET_DAYS: i64 = 30;

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

#[derive(Deserialize)]
struct Health {
    version: String,
}

/// The operator's app registration.
#[derive(Deserialize)]
struct PlatformApp {
    secret: Option<SecretView>,
}

/// How a part of greffe stands.
struct StateLine {
    standing: Standing,
    words: String,
}

impl StateLine {
    /// The credential of the app registration.
    fn of_app(app: &PlatformApp, t: &Texts) -> Self {
        let name = t.say("operator-app");
        let secret = app.secret.as_ref();
        let ends = secret.and_then(|secret| Some((secret.expires_at?, secret.days_left?)));
        let is_federated = secret.is_some_and(|secret| secret.credential == "federated");
        let standing = match ends {
            Some((_, days)) if days < SECRET_DAYS => Standing::Needed,
            None if !is_federated => Standing::Resting,
            _ => Standing::Good,
        };
        let words = match ends {
            Some((end, days @ 0..)) => {
                return Self {
                    standing,
                    words: format!("{} {}", t.say_two("secret-ends", &name, &t.day(end)), t.say_n("secret-days", days)),
                };
            }
            Some((end, _)) => t.say_name("operator-app-ended", &t.day(end)),
            None if is_federated => t.say("credential-federated-now"),
            None => t.say("operator-app-unknown"),
        };
        Self { standing, words: t.say_two("turn-and-action", &name, &words) }
    }
}

/// How greffe itself stands, as far as the API tells.
async fn state(api: &Api, t: &Texts) -> Result<Vec<StateLine>, PageError> {
    let (health, app, webhooks) = tokio::try_join!(
        api.get::<Health>("/healthz"),
        api.tried::<PlatformApp>(Method::GET, "/v1/app", None),
        api.get::<Listed<WebhookView>>("/v1/webhooks"),
    )?;
    let mut lines =
        vec![StateLine { standing: Standing::Good, words: t.say_name("operator-version", &health.version) }];
    // Without an app registration of the operator, each firm has its own.
    lines.extend(app.ok().map(|app| StateLine::of_app(&app, t)));
    lines.extend(webhooks.items.iter().map(|webhook| StateLine {
        standing: webhook.standing(),
        words: t.say_two("turn-and-action", &webhook.url, &webhook.words(t)),
    }));
    Ok(lines)
}

#[derive(Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    s: Shell,
    firms: Vec<FirmListed>,
    next: Option<String>,
    /// Whether these are the first firms.
    is_first: bool,
    waiting: Vec<(String, WaitingView)>,
    state: Vec<StateLine>,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl OperatorPage {
    /// Tag and name of each language, the page's own first.
    fn languages(&self) -> Vec<(&'static str, String)> {
        Language::ALL.into_iter().map(|language| (language.tag(), language.own_name().to_owned())).collect()
    }

    /// How many firms there are, as far as the list tells.
    fn count(&self) -> String {
        match (self.is_first, &self.next, self.firms.len()) {
            (false, ..) | (_, _, 0) => String::new(),
            (true, Some(_), count) => self.s.t.say_n("operator-count-more", count),
            (true, None, count) => self.s.t.say_n("operator-count", count),
        }
    }

    fn chosen(&self, tag: &str) -> bool {
        match self.typed.get("language") {
            "" => tag == self.s.t.tag(),
            typed => tag == typed,
        }
    }
}

/// The API as the operator, if it is the operator who looks.
async fn operators_api(console: &Shared, request: &ConsoleRequest) -> Result<Api, PageError> {
    match &request.session {
        None => Err(PageError::SignedOut),
        Some((_, session)) if session.user.is_some() => Err(PageError::NotFound),
        Some(_) => api(&console.0, Visit::Operator, request.language.unwrap_or_default()).await,
    }
}

/// Which page of the firms.
#[derive(Default, Deserialize)]
pub(crate) struct OperatorQuery {
    #[serde(default)]
    after: String,
}

async fn shown(
    (api, request): (&Api, &ConsoleRequest),
    which: &OperatorQuery,
    typed: Fields,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    let after = and("after", &which.after);
    let firms = format!("/v1/firms?sort=name&limit=100{after}");
    let s = Shell::of_request(request);
    let (firms, tenants, state) = tokio::try_join!(
        api.get::<Listed<FirmListed>>(&firms),
        view::all::<TenantView>(api, "/v1/tenants"),
        state(api, &s.t)
    )?;
    let of = |tenant: TenantView| tenant.waiting.into_iter().map(move |waiting| (tenant.tenant_id.clone(), waiting));
    let waiting = tenants.into_iter().flat_map(of).collect();
    let next = firms.next.map(|next| format!("?after={}", encoded(&next)));
    let (firms, is_first) = (firms.items, which.after.is_empty());
    Ok(page_saying(refusal, |refusal| OperatorPage { s, firms, next, is_first, waiting, state, typed, refusal }))
}

/// The page.
pub(crate) async fn read(
    console: Shared,
    request: ConsoleRequest,
    Query(which): Query<OperatorQuery>,
) -> Result<Response, PageError> {
    let api = operators_api(&console, &request).await?;
    shown((&api, &request), &which, Fields::default(), None).await
}

#[derive(Deserialize)]
struct NewFirm {
    id: FirmId,
}

/// Creates a firm, or releases a tenant to a firm that waits for it.
pub(crate) async fn change(console: Shared, request: ConsoleRequest, typed: Fields) -> Result<Response, PageError> {
    let api = operators_api(&console, &request).await?;
    if typed.get("do") == "grant" {
        let firm: FirmId = typed.get("firm").parse().map_err(|_| PageError::NotFound)?;
        let connector: ConnectorId = typed.get("connector").parse().map_err(|_| PageError::NotFound)?;
        let path = format!("/v1/firms/{firm}/connectors/{connector}/grant");
        let body = Some(json!({ "tenant_id": typed.get("tenant") }));
        return match api.tried::<IgnoredAny>(Method::POST, &path, body).await? {
            Ok(_) => Ok(Said::Saved.with(Redirect::to("/console/operator").into_response())),
            Err(refusal) => shown((&api, &request), &OperatorQuery::default(), Fields::default(), Some(refusal)).await,
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
        Err(refusal) => shown((&api, &request), &OperatorQuery::default(), typed, Some(refusal)).await,
    }
}
