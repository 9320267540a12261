//! Connectors: the list, a new one with its consequences in plain words, and one of them: connecting, testing,
//! changing.

use askama::Template;
use axum::{extract::Path, http::Method, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use shared::base::id::{ConnectorId, FirmId};

use super::{
    check::{CheckView, check_name},
    form_shown::FormShown,
    view::{self, ConnectorView, ProblemView, Standing},
};
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    session::ConsoleRequest,
    shell::{FirmPage, Shell, page, page_saying},
    text::Texts,
};

impl ConnectorView {
    /// How it stands.
    fn standing(&self) -> Standing {
        match self.state.as_str() {
            _ if self.problem.is_some() => Standing::Needed,
            "connected" => Standing::Good,
            _ => Standing::Resting,
        }
    }

    /// How it stands, in words.
    fn words(&self, t: &Texts) -> String {
        match (self.state.as_str(), &self.connected_as) {
            _ if self.problem.is_some() => t.say("connector-needed"),
            ("connected", Some(address)) => t.say_two("connector-connected", &self.name, address),
            ("connected", None) => t.say("connector-works"),
            _ if self.organization.as_ref().is_some_and(|o| o.awaits_grant) => t.say("connector-awaits-grant"),
            _ => t.say("connector-waits"),
        }
    }

    /// Its name, way of access and options in a line.
    fn settings_in_words(&self, t: &Texts) -> String {
        let access = if self.is_organization() { t.say("access-organization") } else { t.say("access-delegated") };
        let options = [
            (self.mark, t.say("option-mark")),
            (self.shared_mailboxes, t.say("option-shared")),
            (self.dates, t.say("option-dates")),
            (self.contacts, t.say("option-contacts")),
        ];
        let options = options.into_iter().filter(|(on, _)| *on).map(|(_, name)| name);
        [self.name.clone(), access].into_iter().chain(options).collect::<Vec<_>>().join(" · ")
    }

    /// Whether it opens the mailboxes of a whole organisation.
    fn is_organization(&self) -> bool {
        self.access == "organization"
    }

    /// What greffe may do by it, in words.
    fn rights(&self, t: &Texts) -> Vec<String> {
        let mut words = vec![match self.is_organization() {
            true => t.say("access-organization-what"),
            false => t.say("access-delegated-what"),
        }];
        let options = [
            (self.mark, t.say("option-mark-what")),
            (self.shared_mailboxes, t.say("option-shared-what")),
            (self.dates, t.say("option-dates-what")),
            (self.contacts, t.say("option-contacts-what")),
        ];
        words.extend(options.into_iter().filter(|(on, _)| *on).map(|(_, words)| words));
        words
    }
}

#[derive(Template)]
#[template(path = "connectors.html")]
struct ConnectorsPage {
    s: Shell,
    connectors: Vec<ConnectorView>,
}

/// The list.
pub(crate) async fn list(firm_page: FirmPage) -> Result<Response, PageError> {
    let connectors = view::all(firm_page.api(), &firm_page.v1("/connectors")).await?;
    Ok(page(&ConnectorsPage { s: firm_page.shell("connectors"), connectors }))
}

/// The fields of a new connector, as they were typed.
#[derive(Template)]
#[template(path = "connector_new.html")]
struct NewConnectorPage {
    s: Shell,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl NewConnectorPage {
    fn typed(&self, name: &str) -> &str {
        self.typed.get(name)
    }

    /// Whether a box is ticked; `before`: what it is before anybody typed.
    fn ticked(&self, name: &str, before: bool) -> bool {
        if self.typed.0.is_empty() { before } else { self.typed.is_on(name) }
    }

    fn is_organization(&self) -> bool {
        self.typed.get("access") == "organization"
    }

    fn has_own_app(&self) -> bool {
        !self.typed.get("client_id").is_empty() || !self.typed.get("tenant_id").is_empty()
    }
}

/// The form of a new one.
pub(crate) async fn new(firm_page: FirmPage) -> Result<Response, PageError> {
    firm_page.manager()?;
    Ok(page(&NewConnectorPage { s: firm_page.shell("connectors"), typed: Fields::default(), refusal: None }))
}

/// Makes it. What was typed is shown again where it is refused.
pub(crate) async fn create(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let app = match (typed.get("tenant_id"), typed.get("client_id")) {
        ("", "") => Value::Null,
        (tenant, client) => json!({
            "tenant_id": tenant, "client_id": client, "credential": "secret", "client_secret": typed.get("client_secret"),
        }),
    };
    let mut body = rights(&typed);
    body["name"] = json!(typed.get("name"));
    body["app"] = app;
    match firm_page.api().made_once::<NewConnector>(&typed, &firm_page.v1("/connectors"), body).await? {
        Ok(made) => Ok(firm_page.done(&format!("/connectors/{}", made.id), Said::Added)),
        Err(refusal) => {
            let s = firm_page.shell("connectors");
            Ok(page_saying(Some(refusal), |refusal| NewConnectorPage { s, typed, refusal }))
        }
    }
}

/// The rights that a form asks for.
fn rights(typed: &Fields) -> Value {
    let on = |name: &str| typed.is_on(name);
    json!({
        "access": if typed.get("access") == "organization" { "organization" } else { "delegated" },
        "mark": on("mark"), "shared_mailboxes": on("shared_mailboxes"), "dates": on("dates"), "contacts": on("contacts"),
    })
}

#[derive(Deserialize)]
struct NewConnector {
    id: String,
}

/// What is tested, as the API calls it, in the order of its answer.
const CHECKS: [&str; 10] =
    ["token", "profile", "folders", "mail", "marking", "notifications", "calendar", "tasks", "contacts", "secret"];

#[derive(Deserialize)]
struct Validation {
    ok: bool,
    checks: Vec<CheckView>,
}

/// A check that a script asks for once the one before has its answer.
struct WaitingCheck(&'static str);

impl WaitingCheck {
    /// What is tested, in words.
    fn name(&self, t: &Texts) -> String {
        check_name(self.0, t)
    }
}

#[derive(Template)]
#[template(path = "connector.html")]
struct ConnectorPage {
    s: Shell,
    c: ConnectorView,
    result: ActionResult,
    /// The form of name and rights.
    change: FormShown,
    /// What was typed into the form of a new secret, where it was refused.
    secret: Fields,
    refusal: Option<Refusal>,
}

/// What came of a button: the page shows it beside the connector.
#[derive(Default)]
struct ActionResult {
    validation: Option<Validation>,
    /// The checks that a script waits for.
    waiting: Vec<WaitingCheck>,
    certificate: Option<CertificateView>,
    federation: Option<FederationView>,
}

/// A certificate that was made; its private key is never shown.
#[derive(Deserialize)]
struct CertificateView {
    certificate: String,
    thumbprint: String,
    expires_at: Timestamp,
    added: bool,
}

/// What to enter at Entra, to the letter.
#[derive(Deserialize)]
struct FederationView {
    issuer: String,
    subjects: Vec<String>,
    audience: String,
}

impl ConnectorPage {
    /// What stops it, and why the last sign-in failed.
    fn problems(&self) -> Vec<&ProblemView> {
        [&self.c.problem, &self.c.sign_in_problem].into_iter().flatten().collect()
    }

    fn works(&self) -> bool {
        self.c.standing() == Standing::Good
    }

    /// Whether it is, or was asked to be, for a whole organisation.
    fn wants_organization(&self) -> bool {
        match self.change.typed.get("access") {
            "" => self.c.is_organization(),
            access => access == "organization",
        }
    }

    /// Until when its secret is good, in words.
    fn secret_end(&self) -> Option<String> {
        let secret = self.c.secret.as_ref()?;
        if secret.credential == "federated" {
            return Some(self.s.t.say("credential-federated-now"));
        }
        if let Some(since) = secret.rotating_since {
            return Some(self.s.t.say_name("credential-renewing", &self.s.t.time(since)));
        }
        let (end, days) = (secret.expires_at?, secret.days_left.filter(|days| *days >= 0)?);
        let t = &self.s.t;
        Some(format!("{} {}", t.say_two("secret-ends", &self.c.name, &t.day(end)), t.say_n("secret-days", days)))
    }

    /// Whether the page waits for somebody who signs in elsewhere.
    fn waits(&self) -> bool {
        self.result.waiting.is_empty() && self.result.validation.is_none() && self.c.standing() != Standing::Good
    }
}

async fn shown(
    firm_page: &FirmPage,
    connector: ConnectorId,
    result: ActionResult,
    (typed, refusal): (&Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    let own = firm_page.v1(&format!("/connectors/{connector}"));
    let (c, tag) = firm_page.api().get_tagged::<ConnectorView>(&own).await?;
    let s = firm_page.shell("connectors");
    let change = FormShown::of("change", typed, refusal.as_ref(), (tag, c.settings_in_words(&s.t)));
    let secret = if refusal.is_some() { typed.of_form("secret") } else { Fields::default() };
    Ok(page_saying(refusal, |refusal| ConnectorPage { s, c, result, change, secret, refusal }))
}

/// One connector.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, connector)): Path<(FirmId, ConnectorId)>,
) -> Result<Response, PageError> {
    shown(&firm_page, connector, ActionResult::default(), (&Fields::default(), None)).await
}

/// What is shown once somebody asks for it: what a test found, a certificate that is made, or the values for Entra.
async fn asked(firm_page: &FirmPage, own: &str, typed: &Fields) -> Result<Result<ActionResult, Refusal>, PageError> {
    let api = firm_page.api();
    Ok(match typed.get("do") {
        "certificate" => {
            let body = Some(json!({ "add": typed.is_on("add") }));
            let made = api.tried(Method::POST, &format!("{own}/certificate"), body).await?;
            made.map(|certificate| ActionResult { certificate: Some(certificate), ..ActionResult::default() })
        }
        "federation" => {
            let values = api.tried(Method::GET, &firm_page.v1("/app/federation"), None).await?;
            values.map(|federation| ActionResult { federation: Some(federation), ..ActionResult::default() })
        }
        _ => {
            let only = CHECKS.into_iter().find(|check| *check == typed.get("check"));
            let body = only.map_or(json!({}), |only| json!({ "resource": only }));
            let found = api.tried::<Validation>(Method::POST, &format!("{own}/validate"), Some(body)).await?;
            let found = match (found, only) {
                (Ok(Validation { ok, mut checks }), Some(only)) => {
                    checks.retain(|check| check.resource() == only);
                    Ok(Validation { ok, checks })
                }
                // It stands in the place of its own dot.
                (Err(refusal), Some(only)) => {
                    Ok(Validation { ok: false, checks: vec![CheckView::refused(only, refusal)] })
                }
                (found, None) => found,
            };
            found.map(|validation| ActionResult { validation: Some(validation), ..ActionResult::default() })
        }
    })
}

/// Tests it, changes it, gives its app registration another credential, or removes it.
pub(crate) async fn change(
    firm_page: FirmPage,
    request: ConsoleRequest,
    Path((_, connector)): Path<(FirmId, ConnectorId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let own = firm_page.v1(&format!("/connectors/{connector}"));
    let (method, path, body) = match typed.get("do") {
        "validate" if request.part.as_deref() == Some("section#checks") => {
            let waiting = CHECKS.map(WaitingCheck).into();
            let result = ActionResult { waiting, ..ActionResult::default() };
            return shown(&firm_page, connector, result, (&typed, None)).await;
        }
        "validate" | "validate-now" | "certificate" | "federation" => {
            let (result, refusal) = match asked(&firm_page, &own, &typed).await? {
                Ok(result) => (result, None),
                Err(refusal) => (ActionResult::default(), Some(refusal)),
            };
            return shown(&firm_page, connector, result, (&typed, refusal)).await;
        }
        "change" => {
            let mut body = rights(&typed);
            body["name"] = json!(typed.get("name"));
            return match firm_page.api().replaced(&typed, Method::PATCH, &own, body).await? {
                Ok(()) => Ok(firm_page.done(&format!("/connectors/{connector}"), Said::Saved)),
                Err(refusal) => shown(&firm_page, connector, ActionResult::default(), (&typed, Some(refusal))).await,
            };
        }
        "secret" => {
            let end = Some(typed.get("expires_at")).filter(|end| !end.is_empty()).map(|end| format!("{end}T00:00:00Z"));
            let body = json!({ "client_secret": typed.get("client_secret"), "secret_expires_at": end });
            (Method::POST, format!("{own}/secret"), body)
        }
        "use-certificate" => (Method::POST, format!("{own}/secret"), json!({ "credential": "certificate" })),
        "use-federation" => (Method::POST, format!("{own}/secret"), json!({ "credential": "federated" })),
        "renew" => (Method::POST, format!("{own}/secret/rotate"), Value::Null),
        "remove" => {
            firm_page.api().send::<IgnoredAny>(Method::DELETE, &own, None).await?;
            return Ok(firm_page.done("/connectors", Said::Removed));
        }
        _ => return Err(PageError::NotFound),
    };
    let said = if typed.get("do") == "renew" { Said::Begun } else { Said::Saved };
    let body = Some(body).filter(|body| !body.is_null());
    match firm_page.api().tried::<IgnoredAny>(method, &path, body).await? {
        Ok(_) => Ok(firm_page.done(&format!("/connectors/{connector}"), said)),
        Err(refusal) => shown(&firm_page, connector, ActionResult::default(), (&typed, Some(refusal))).await,
    }
}
