//! Erasures and removals: asked for, previewed, confirmed. The function `erasure` does the work.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::ErasureId,
    evidence::erasure::{ErasureOrder, ErasureState, ErasureTarget, NewErasure, REMOVED_MAX},
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, SoughtParty, given_word},
    field::{Name, Strict},
    routes::paging::{Item, Listed, Page, PageQuery},
};

/// How the paths of all of these begin.
pub(crate) const PATH: &str = "/v1/firms/{firm}/erasures";

/// How soon an erasure has a preview: its schedule starts it each minute.
const PREVIEWED_WITHIN: Duration = Duration::from_secs(60);

/// What is to be erased or removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    #[schema(value_type = ErasureTarget)]
    target: Strict<ErasureTarget>,
    /// Who asked for it, such as the person whose data it is. Defaults to the caller. It stays in the archive.
    asked_by: Option<Name>,
    /// Why. It stays in the archive.
    reason: Name,
}

/// An erasure, or a removal.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureView {
    #[schema(value_type = String, format = "uuid")]
    id: ErasureId,
    target: ErasureTarget,
    /// Who asked for it.
    asked_by: String,
    reason: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    by: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// Who confirmed it: the id of the API key or of the person, or `operator`; null before that.
    confirmed_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = "date-time")]
    confirmed_at: Option<Timestamp>,
    /// How far it is.
    progress: ErasureState,
}

impl From<ErasureOrder> for ErasureView {
    fn from(order: ErasureOrder) -> Self {
        let ErasureOrder { id, target, asked_by, reason, by, created_at, confirmed, progress, .. } = order;
        let (confirmed_by, confirmed_at) = confirmed.map(|confirmed| (confirmed.by, confirmed.at)).unzip();
        Self { id, target, asked_by, reason, by, created_at, confirmed_by, confirmed_at, progress }
    }
}

/// Requests an erasure or a removal, and starts its preview. Nothing is deleted before you confirm it.
///
/// An erasure is for a message, a mailbox, a member or the whole firm, for example after a request under
/// data-protection law. A removal is for unwanted mail: a list of mails, all mails of a sender, or all mails that the
/// present rules of a mailbox would skip. In both cases greffe deletes the originals, the index and the events of the
/// mails, and does not archive them again. The log keeps their ids, times and digests, with who asked and why, so that
/// the rest of the archive can still be verified. Within a minute, the preview says how many originals would be
/// deleted, or that the request is refused and until when.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/erasures", tag = "evidence", operation_id = "create_erasure",
    responses((status = 202, body = ErasureView, headers(("Location" = String, description = "The erasure's address"))))
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<ErasureRequest>,
) -> Answer<impl IntoResponse> {
    let target = new.target.into_inner();
    match &target {
        ErasureTarget::Messages { messages } if !(1..=REMOVED_MAX).contains(&messages.len()) => {
            return Err(invalid(format!("target.messages: 1 to {REMOVED_MAX}")));
        }
        ErasureTarget::Sender { from, .. } => {
            from.parse::<SoughtParty>().map_err(|error| invalid(format!("target.from: {error}")))?;
        }
        _ => {}
    }
    let asked_by = new.asked_by.map_or_else(|| firm.by(), Name::into_inner);
    let new = NewErasure { target, asked_by, reason: new.reason.into_inner(), by: firm.by() };
    let order = ErasureOrder::new(ErasureId::draw(&app.random), firm.id(), new, app.clock.now());
    order.insert(&app.table).await?;
    tracing::info!(firm.id = %firm.id(), erasure.id = %order.id, "erasure asked for");
    let location = [(header::LOCATION, format!("/v1/firms/{}/erasures/{}", firm.id(), order.id))];
    Ok((StatusCode::ACCEPTED, location, Json(ErasureView::from(order))))
}

/// How far the erasures are that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErasureStateName {
    /// Previewed within a minute.
    Requested,
    /// They wait to be confirmed.
    Previewed,
    /// They are carried out.
    Confirmed,
    /// They are refused.
    Refused,
    /// They are done.
    Erased,
}

impl From<&ErasureState> for ErasureStateName {
    fn from(state: &ErasureState) -> Self {
        match state {
            ErasureState::Requested => Self::Requested,
            ErasureState::Previewed { .. } => Self::Previewed,
            ErasureState::Confirmed { .. } => Self::Confirmed,
            ErasureState::Refused { .. } => Self::Refused,
            ErasureState::Erased { .. } => Self::Erased,
        }
    }
}

/// Which erasures are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ErasuresFilter {
    /// Only those in this state.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    state: Option<ErasureStateName>,
}

impl Item for ErasureOrder {
    type Id = ErasureId;

    fn id(&self) -> ErasureId {
        self.id
    }

    /// Who asked for it.
    fn name(&self) -> &str {
        &self.asked_by
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// Lists the requests to erase mails, or to remove unwanted mails, with their states. `sort=name` sorts by requester.
///
/// With `state`, a page may have few or no items although more follow, because one request examines at most 1,000
/// erasures. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/erasures", tag = "evidence", operation_id = "list_erasures",
    params(ErasuresFilter, PageQuery), responses((status = 200, body = Page<ErasureView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<ErasuresFilter>,
) -> Answer<Json<Page<ErasureView>>> {
    let firm = firm.id();
    let wanted = filter.state.map(|state| move |order: &ErasureOrder| state == (&order.progress).into());
    let page = part.read(&app.table, &Key::erasure_prefix(firm), |id| Key::erasure(firm, id), wanted).await?;
    Ok(Json(Page { items: page.items.into_iter().map(ErasureView::from).collect(), next: page.next }))
}

/// Shows an erasure or a removal: its state, its preview, the reason if it is refused, and how much was deleted.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/erasures/{erasure}", tag = "evidence", operation_id = "read_erasure",
    responses((status = 200, body = ErasureView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(erasure): Id<ErasureId>,
) -> Answer<Json<ErasureView>> {
    let found = ErasureOrder::find(&app.table, firm.id(), erasure).await?.ok_or_else(|| not_found("erasure"))?;
    Ok(Json(found.value.into()))
}

/// Confirms the preview of an erasure or a removal: greffe carries it out within minutes, for good.
///
/// A removal deletes exactly the mails that its preview found. Of a mailbox, a member or a firm, greffe also erases
/// what arrived after the preview. A repeated request has no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/erasures/{erasure}/confirm", tag = "evidence", operation_id = "confirm_erasure",
    responses(
        (status = 202, body = ErasureView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`erasure_not_previewed`"
        ),
    )
)]
pub(super) async fn confirm(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(erasure): Id<ErasureId>,
) -> Answer<impl IntoResponse> {
    let mut row = ErasureOrder::find(&app.table, firm.id(), erasure).await?.ok_or_else(|| not_found("erasure"))?;
    if !ErasureOrder::confirm(&mut row, &app.table, firm.by(), app.clock.now()).await? {
        let refused = |detail: &str| Problem::new(Code::ErasureNotPreviewed, detail);
        return Err(match &row.value.progress {
            ErasureState::Refused { detail, .. } => refused(&format!("It was refused: {detail}")).into(),
            _ => Failure::later(refused("Its preview is not there yet. Nothing was confirmed."), PREVIEWED_WITHIN),
        });
    }
    tracing::info!(firm.id = %firm.id(), erasure.id = %erasure, "erasure confirmed");
    Ok((StatusCode::ACCEPTED, Json(ErasureView::from(row.value))))
}
