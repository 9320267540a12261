//! Legal holds on dossiers.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{app::App, aws::table::Key, mail::legal_hold::LegalHold};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Json, Query, given_word},
    field::Name,
    precondition::{ETag, IfMatch, tagged},
    routes::paging::{Item, Sort, sorted},
};

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

impl From<LegalHold> for HoldView {
    fn from(LegalHold { dossier, reason, by, at }: LegalHold) -> Self {
        Self { dossier, reason, by, since: at }
    }
}

/// Which holds are listed, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldsFilter {
    /// Only the hold on this dossier. The answer then has its `ETag`, if there is one.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    dossier: Option<Name>,
    /// `id` (default) or `name` (by dossier), `newest` or `oldest`.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<Sort>,
}

impl Item for LegalHold {
    type Id = String;

    fn id(&self) -> String {
        self.dossier.clone()
    }

    fn name(&self) -> &str {
        &self.dossier
    }

    fn created_at(&self) -> Timestamp {
        self.at
    }
}

async fn all(app: &App, firm: &FirmScope) -> Answer<Vec<LegalHold>> {
    let holds = app.table.query_all(&Key::hold_prefix(firm.id())).await?;
    Ok(holds.into_iter().map(|row| row.value).collect())
}

/// Lists the dossiers under a legal hold.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/holds", tag = "evidence", operation_id = "list_holds", params(HoldsFilter),
    responses((status = 200, body = Holds))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(HoldsFilter { dossier, sort }): Query<HoldsFilter>,
) -> Answer<Response> {
    let mut holds = all(&app, &firm).await?;
    let mut tag = None;
    if let Some(dossier) = dossier.map(Name::into_inner) {
        holds.retain(|hold| hold.dossier == dossier);
        tag = holds.first().map(ETag::of);
    }
    Ok(tagged(tag, Holds { items: sorted(sort, holds).into_iter().map(HoldView::from).collect() }))
}

/// Sets or lifts a legal hold: while it is set, no mail of the dossier can be deleted.
///
/// While the hold is set, greffe erases and removes no mail that is or was filed to the dossier, and no mailbox or firm
/// that has such a mail. The log records who set or lifted it, and why. `If-Match` takes the `ETag` that `GET` has with
/// `dossier`; `If-None-Match: *` sets a hold only where there is none.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/holds", tag = "evidence", operation_id = "set_hold", params(IfMatch),
    responses((status = 200, body = Holds))
)]
pub(super) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(HoldChange { dossier, held, reason }): Json<HoldChange>,
) -> Answer<Response> {
    let (dossier, reason) = (dossier.into_inner(), reason.into_inner());
    let hold = LegalHold { dossier, reason, by: firm.by(), at: app.clock.now() };
    let before = app.table.get::<LegalHold>(&Key::hold(firm.id(), &hold.dossier)).await?;
    condition.check_either(before.as_ref().map(|row| ETag::of(&row.value)).as_ref(), "hold")?;
    let id = app.random.uuid();
    match (held, before) {
        (true, before) => hold.set(&app.feed, firm.id(), before, id).await?,
        (false, Some(before)) => hold.lift(&app.feed, firm.id(), &before, id).await?,
        (false, None) => {}
    }
    tracing::info!(firm.id = %firm.id(), held, "legal hold changed");
    let holds = all(&app, &firm).await?.into_iter().map(HoldView::from);
    Ok(tagged(held.then(|| ETag::of(&hold)), Holds { items: holds.collect() }))
}
