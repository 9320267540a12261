//! The feed: what happened, read by cursor.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use shared::{app::App, firm::feed::Numbered};
use utoipa::ToSchema;

use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Json, Query},
    routes::page::NumberedPart,
};

/// Events, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Facts {
    items: Vec<Numbered>,
    /// The last number of this page. Pass it as `after` of the next request.
    next: u64,
}

/// Lists the events of a firm's feed, oldest first.
///
/// Pass `next` of each page as `after` of the next request, and you read every event exactly once.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/events", tag = "events", operation_id = "list_events", params(NumberedPart), responses((status = 200, body = Facts))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(part): Query<NumberedPart>,
) -> Answer<Json<Facts>> {
    let limit = part.limit.unwrap_or_default().get();
    let after = part.after.unwrap_or(0);
    let (items, next) = app.feed.after(firm.id(), after, limit, app.clock.now()).await?;
    Ok(Json(Facts { items, next }))
}
