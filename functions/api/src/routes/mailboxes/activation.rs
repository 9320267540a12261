//! Whether a mailbox is read, and from which date.

use std::sync::Arc;

use axum::extract::State;
use jiff::civil::Date;
use serde::Deserialize;
use shared::{
    access::connector::Connector,
    app::App,
    base::id::{FirmId, MailboxId},
    mail::mailbox::{GrantedHistory, Mailbox, OlderMailGrant, SinceError},
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::{MailboxView, find, queue, shown, tag, view::GrantView};
use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, Failure, invalid},
    extract::{Id, Json},
    precondition::{IfMatch, Tagged},
};

/// The date from which mail is archived.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activation {
    /// Mail since this date too, where the operator granted it; null for mail from now on.
    #[schema(value_type = Option<String>, format = "date")]
    since: Option<Date>,
}

fn refused(error: SinceError) -> Failure {
    let detail = format!("since: {error}");
    match error {
        SinceError::NoGrant | SinceError::NotSoFar(_) | SinceError::Ended(_) => {
            Problem::new(Code::GrantRequired, detail).into()
        }
        SinceError::Kept(_) | SinceError::NotPast(_) => invalid(detail),
    }
}

/// Starts archiving new mail of a mailbox, or resumes after a pause.
///
/// With `since`, older mail is archived too, if the operator has granted it. A later call can only set an earlier
/// `since`.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/activate", tag = "mailboxes", operation_id = "activate_mailbox",
    responses(
        (status = 200, body = MailboxView),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`grant_required`"),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`no_selection`, `connector_deleted`"
        ),
    )
)]
pub(crate) async fn activate(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    activation: Option<Json<Activation>>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    if row.value.selection.is_none() {
        return Err(Problem::new(Code::NoSelection, "Choose its folders first, with PUT on its selection.").into());
    }
    if Connector::find(&app.table, firm.id(), row.value.connector).await?.is_none() {
        return Err(
            Problem::new(Code::ConnectorDeleted, "Give the mailbox another connector first, with PATCH.").into()
        );
    }
    let now = app.clock.now();
    let history = match activation.and_then(|Json(activation)| activation.since) {
        Some(since) => GrantedHistory::since(&row.value, since, now).map_err(refused)?,
        None => None,
    };
    let mailbox = Mailbox::activate(row, &app.table, history, now).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox activated");
    queue(&app, mailbox.firm, mailbox.id).await;
    shown(&app, mailbox).await
}

/// Allows greffe to archive mail that arrived before the activation of a mailbox. Replaces an earlier grant.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "grant_history",
    params(IfMatch), responses((status = 200, body = MailboxView))
)]
pub(crate) async fn grant(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(GrantView { since, until }): Json<GrantView>,
) -> Answer<Tagged<MailboxView>> {
    if until.is_some_and(|until| until < since) {
        return Err(invalid("until: it is before since"));
    }
    set_grant(&app, (firm.id(), mailbox), &condition, Some(OlderMailGrant { since, until })).await
}

/// Revokes the permission to archive a mailbox's older mail.
///
/// If greffe has started to archive it, it continues.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "revoke_history",
    params(IfMatch), responses((status = 200, body = MailboxView))
)]
pub(crate) async fn revoke(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
) -> Answer<Tagged<MailboxView>> {
    set_grant(&app, (firm.id(), mailbox), &condition, None).await
}

async fn set_grant(
    app: &Arc<App>,
    (firm, mailbox): (FirmId, MailboxId),
    condition: &IfMatch,
    grant: Option<OlderMailGrant>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(app, firm, mailbox).await?;
    condition.check(&tag(&row.value))?;
    let mailbox = Mailbox::grant(row, &app.table, grant).await?;
    tracing::info!(firm.id = %firm, mailbox.id = %mailbox.id, grant.since = grant.map(|grant| grant.since.to_string()), "grant of older mail set");
    shown(app, mailbox).await
}

/// Pauses a mailbox. Mail that arrives during the pause is archived after the next activation.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/pause", tag = "mailboxes", operation_id = "pause_mailbox",
    responses((status = 200, body = MailboxView))
)]
pub(crate) async fn pause(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Tagged<MailboxView>> {
    let mailbox = Mailbox::pause(find(&app, firm.id(), mailbox).await?, &app.table).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox paused");
    shown(&app, mailbox).await
}
