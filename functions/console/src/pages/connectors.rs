//! Connectors: the list, a new one with its consequences in plain words, and one of them: connecting, testing,
//! changing.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::id::{ConnectorId, FirmId};

use super::{
    check::CheckView,
    view::{self, ConnectorView, ProblemView, Standing},
};
use crate::{
    door::{Refusal, Trouble},
    guest::Fields,
    shell::{FirmShown, Office, Shell, page},
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

    /// The same in words.
    fn words(&self, t: &Texts) -> String {
        match (self.state.as_str(), &self.connected_as) {
            _ if self.problem.is_some() => t.say("connector-needed"),
            ("connected", Some(address)) => t.say_two("connector-connected", &self.name, address),
            ("connected", None) => t.say("connector-works"),
            _ if self.organization.as_ref().is_some_and(|o| o.awaits_grant) => t.say("connector-awaits-grant"),
            _ => t.say("connector-waits"),
        }
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
    firm: FirmShown,
    connectors: Vec<ConnectorView>,
}

/// The list.
pub(crate) async fn list(office: Office) -> Result<Response, Trouble> {
    let connectors = view::all(office.api(), &office.v1("/connectors")).await?;
    Ok(page(&ConnectorsPage { s: office.shell("connectors"), firm: office.firm.clone(), connectors }))
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
pub(crate) async fn new(office: Office) -> Result<Response, Trouble> {
    if !office.firm.may_manage() {
        return Err(Trouble::Forbidden);
    }
    Ok(page(&NewConnectorPage { s: office.shell("connectors"), typed: Fields::default(), refusal: None }))
}

/// Makes it. What was typed is shown again where it is refused.
pub(crate) async fn create(office: Office, typed: Fields) -> Result<Response, Trouble> {
    let app = match (typed.get("tenant_id"), typed.get("client_id")) {
        ("", "") => Value::Null,
        (tenant, client) => json!({
            "tenant_id": tenant, "client_id": client, "credential": "secret", "client_secret": typed.get("client_secret"),
        }),
    };
    let mut body = rights(&typed);
    body["name"] = json!(typed.get("name"));
    body["app"] = app;
    match office.api().send::<NewConnector>(Method::POST, &office.v1("/connectors"), Some(body)).await {
        Ok(made) => Ok(Redirect::to(&office.shell.at(&format!("/connectors/{}", made.id))).into_response()),
        Err(Trouble::Refused(refusal)) => {
            let status = Trouble::Refused(refusal.clone()).status();
            let s = office.shell("connectors");
            Ok((status, page(&NewConnectorPage { s, typed, refusal: Some(*refusal) })).into_response())
        }
        Err(other) => Err(other),
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

#[derive(Deserialize)]
struct Validation {
    ok: bool,
    checks: Vec<CheckView>,
}

#[derive(Template)]
#[template(path = "connector.html")]
struct ConnectorPage {
    s: Shell,
    firm: FirmShown,
    c: ConnectorView,
    validation: Option<Validation>,
    refusal: Option<Refusal>,
}

impl ConnectorPage {
    /// What stops it, and why the last sign-in failed.
    fn problems(&self) -> Vec<&ProblemView> {
        [&self.c.problem, &self.c.sign_in_problem].into_iter().flatten().collect()
    }

    fn works(&self) -> bool {
        self.c.standing() == Standing::Good
    }

    /// Until when its secret is good, in words.
    fn secret(&self) -> Option<String> {
        let secret = self.c.secret.as_ref()?;
        let (end, days) = (secret.expires_at?, secret.days_left.filter(|days| *days >= 0)?);
        let t = &self.s.t;
        Some(format!("{} {}", t.say_two("secret-ends", &self.c.name, &t.day(end)), t.say_n("secret-days", days)))
    }

    /// Whether the page waits for somebody who signs in elsewhere.
    fn waits(&self) -> bool {
        self.validation.is_none() && self.c.standing() != Standing::Good
    }
}

async fn shown(
    office: &Office,
    connector: ConnectorId,
    validation: Option<Validation>,
    refusal: Option<Refusal>,
) -> Result<Response, Trouble> {
    let c: ConnectorView = office.api().get(&office.v1(&format!("/connectors/{connector}"))).await?;
    let status = match &refusal {
        Some(refusal) => StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST),
        None => StatusCode::OK,
    };
    let (s, firm) = (office.shell("connectors"), office.firm.clone());
    Ok((status, page(&ConnectorPage { s, firm, c, validation, refusal })).into_response())
}

/// One connector.
pub(crate) async fn read(
    office: Office,
    Path((_, connector)): Path<(FirmId, ConnectorId)>,
) -> Result<Response, Trouble> {
    shown(&office, connector, None, None).await
}

/// Tests it, or changes it.
pub(crate) async fn change(
    office: Office,
    Path((_, connector)): Path<(FirmId, ConnectorId)>,
    typed: Fields,
) -> Result<Response, Trouble> {
    let own = office.v1(&format!("/connectors/{connector}"));
    let done = match typed.get("do") {
        "validate" => {
            let path = format!("{own}/validate");
            match office.api().send::<Validation>(Method::POST, &path, Some(json!({}))).await {
                Ok(validation) => return shown(&office, connector, Some(validation), None).await,
                Err(error) => Err(error),
            }
        }
        "change" => {
            let mut body = rights(&typed);
            body["name"] = json!(typed.get("name"));
            office.api().send::<Value>(Method::PATCH, &own, Some(body)).await
        }
        "secret" => {
            let body = json!({ "client_secret": typed.get("client_secret") });
            office.api().send::<Value>(Method::POST, &format!("{own}/secret"), Some(body)).await
        }
        _ => return Err(Trouble::NotFound),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&office.shell.at(&format!("/connectors/{connector}"))).into_response()),
        Err(Trouble::Refused(refusal)) => shown(&office, connector, None, Some(*refusal)).await,
        Err(other) => Err(other),
    }
}
