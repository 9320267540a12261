//! Legal holds on dossiers.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{app::App, aws::table::Key, base::id::FirmId, mail::hold::LegalHold};
use utoipa::ToSchema;

use crate::{auth::FirmScope, error::Answer, extract::Json, field::Name};

/// Where they are. What a deleted firm has under a hold can still be freed, so that it can be erased.
pub(crate) const PATH: &str = "/v1/firms/{firm}/holds";

/// A legal hold to set or to lift.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldChange {
    /// The dossier's id or name in the business application.
    dossier: Name,
    /// Whether it is under a hold from now on.
    held: bool,
    /// Why. It stays in the archive.
    reason: Name,
}

/// A dossier under a legal hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldView {
    dossier: String,
    reason: String,
    /// Who set it: the id of the API key or of the person, or `operator`.
    by: String,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// The dossiers under a legal hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holds {
    items: Vec<HoldView>,
}

async fn shown(app: &App, firm: FirmId) -> Answer<Json<Holds>> {
    let holds = app.table.query_all::<LegalHold>(&Key::hold_prefix(firm)).await?.into_iter().map(|row| row.value);
    let view = |LegalHold { dossier, reason, by, at }| HoldView { dossier, reason, by, since: at };
    Ok(Json(Holds { items: holds.map(view).collect() }))
}

/// Lists the dossiers under a legal hold.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/holds", tag = "evidence", operation_id = "list_holds",
    responses((status = 200, body = Holds))
)]
pub(super) async fn list(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<Holds>> {
    shown(&app, firm.id()).await
}

/// Sets or lifts a legal hold: while it is set, no mail of the dossier can be deleted.
///
/// While the hold is set, greffe erases and removes no mail that is or was filed to the dossier, and no mailbox or firm
/// that has such a mail. The log records who set or lifted it, and why.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/holds", tag = "evidence", operation_id = "set_hold",
    responses((status = 200, body = Holds))
)]
pub(super) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(HoldChange { dossier, held, reason }): Json<HoldChange>,
) -> Answer<Json<Holds>> {
    let (dossier, reason) = (dossier.into_inner(), reason.into_inner());
    let hold = LegalHold { dossier, reason, by: firm.by(), at: app.clock.now() };
    let before = app.table.get::<LegalHold>(&Key::hold(firm.id(), &hold.dossier)).await?;
    let id = app.random.uuid();
    match (held, before) {
        (true, before) => hold.set(&app.feed, firm.id(), before, id).await?,
        (false, Some(before)) => hold.lift(&app.feed, firm.id(), &before, id).await?,
        (false, None) => {}
    }
    tracing::info!(firm.id = %firm.id(), held, "legal hold changed");
    shown(&app, firm.id()).await
}
