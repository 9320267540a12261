//! Validating a connector, and testing one service for a member.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::{connector::Connector, connector_watch},
    app::App,
    base::id::{ConnectorId, MailboxId, MemberId},
    health::validation::{self, CheckOutcome, CheckedResource, Service, ServiceCheck, Subject},
    mail::mailbox::Mailbox,
    problem::{Code, Problem, Reconnect, ResponsibleParty},
};
use utoipa::ToSchema;

use super::members;
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json},
    language,
};

/// What to validate a connector on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValidation {
    /// One of its mailboxes; null for the signed-in user's own or, organisation-wide, the first that was added.
    #[schema(value_type = Option<String>, format = "uuid")]
    mailbox: Option<MailboxId>,
    /// Only this check, and that of the token; null for all.
    resource: Option<CheckedResource>,
}

/// The result of testing a connector.
#[derive(Serialize, ToSchema)]
pub(crate) struct Validation {
    /// True if every check is.
    ok: bool,
    checks: Vec<CheckView>,
}

/// One check of a connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckView {
    resource: CheckedResource,
    /// True if no action is needed: the check succeeded, or it does not apply.
    ok: bool,
    /// Why the check was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'static str>,
    /// Further information.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// When the secret expires, if Microsoft shows the date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    #[serde(flatten)]
    #[schema(value_type = CheckFailureView)]
    failure: Option<CheckFailureView>,
}

/// Why a check failed, and whose turn it is. Nothing of it is there where a check did not fail.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckFailureView {
    #[schema(required = false)]
    code: Code,
    #[schema(required = false)]
    meaning: String,
    #[schema(required = false)]
    who: ResponsibleParty,
    #[schema(required = false)]
    next_action: String,
    /// Whether signing in again helps.
    #[schema(required = false)]
    reconnect: Reconnect,
    /// Microsoft's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    microsoft_code: Option<String>,
    /// Microsoft's error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<ServiceCheck> for CheckView {
    fn from(ServiceCheck { resource, outcome }: ServiceCheck) -> Self {
        let ok = outcome.is_ok();
        let view = Self { resource, ok, skipped: None, detail: None, expires_at: None, failure: None };
        match outcome {
            CheckOutcome::Works(finding) => Self { detail: finding.detail, expires_at: finding.expires_at, ..view },
            CheckOutcome::NotNeeded(why) | CheckOutcome::NotTried(why) => Self { skipped: Some(why), ..view },
            CheckOutcome::Fails(problem) => {
                let problem = problem.told_in(language::of_caller());
                let Problem { code, title: meaning, who, next_action, reconnect, detail, .. } = problem;
                let (microsoft_code, message) = (problem.microsoft_code, problem.microsoft_message);
                let failure = CheckFailureView { code, meaning, who, next_action, reconnect, microsoft_code, message };
                Self { detail: Some(detail), failure: Some(failure), ..view }
            }
        }
    }
}

/// Tests every service of Microsoft 365 that a connector needs, and removes what it created for the test.
///
/// The test takes a few seconds, at most half a minute.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/validate", tag = "connectors",
    operation_id = "validate_connector", request_body = Option<NewValidation>,
    responses((status = 200, body = Validation))
)]
pub(super) async fn connector(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    wanted: Option<Json<NewValidation>>,
) -> Answer<Json<Validation>> {
    let found = Connector::find(&app.table, firm.id(), connector).await?;
    let connector = found.ok_or_else(|| not_found("connector"))?.value;
    let NewValidation { mailbox, resource } = wanted.map(|Json(wanted)| wanted).unwrap_or_default();
    let subject = subject(&app, &connector, mailbox).await?;
    let checks = to_the_end(async move {
        let checks = validation::validate_connector(&app, &connector, subject, resource).await?;
        if validation::proves_connection(&checks) {
            connector_watch::seen_working(&app, &connector).await?;
        }
        Ok::<_, Failure>(checks)
    });
    let checks = checks.await??;
    let checks: Vec<CheckView> = checks.into_iter().map(CheckView::from).collect();
    Ok(Json(Validation { ok: checks.iter().all(|check| check.ok), checks }))
}

async fn subject(app: &App, connector: &Connector, wanted: Option<MailboxId>) -> Answer<Option<Subject>> {
    if let Some(wanted) = wanted {
        let found = Mailbox::find(&app.table, connector.firm, wanted).await?.map(|row| row.value);
        let own = found.filter(|mailbox| mailbox.connector == connector.id);
        let own = own.ok_or_else(|| invalid("mailbox: the connector opens none with this id"))?;
        return Ok(Some(Subject::from(&own)));
    }
    match Subject::of(connector) {
        Some(own) => Ok(Some(own)),
        None => {
            let first = Mailbox::first_of_connector(&app.table, connector.firm, connector.id).await?;
            Ok(first.as_ref().map(Subject::from))
        }
    }
}

/// What to test.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTest {
    service: Service,
}

/// Tests whether greffe can use the mail, calendar, tasks or contacts of a member's account, and removes its test data.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/members/{member}/test", tag = "members", operation_id = "test_member",
    responses(
        (status = 200, body = CheckView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`connector_deleted`"),
    )
)]
pub(super) async fn member(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
    Json(new): Json<NewTest>,
) -> Answer<Json<CheckView>> {
    let member = members::find(&app, firm.id(), member).await?.value;
    let found = Connector::find(&app.table, firm.id(), member.connector).await?;
    let deleted = || Problem::new(Code::ConnectorDeleted, "Give the member another connector first, with PATCH.");
    let connector = found.ok_or_else(deleted)?.value;
    let test = async move { validation::test_member(&app, &connector, &member, new.service).await };
    Ok(Json(to_the_end(test).await?.into()))
}

/// Goes on to the end also when the caller goes away in the middle: what was made has to be removed.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Answer<T> {
    tokio::spawn(work).await.map_err(|error| Failure::Internal(error.into()))
}
