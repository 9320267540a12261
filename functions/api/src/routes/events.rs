//! The feed: what happened, read by cursor.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{app::App, firm::feed::Numbered};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Json, Query, given},
    field::Limit,
};

/// Which facts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `next` of the previous page, or the number of the last event that you have. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

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
    get, path = "/v1/firms/{firm}/events", tag = "events", operation_id = "list_events", params(Which), responses((status = 200, body = Facts))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Answer<Json<Facts>> {
    let limit = which.limit.unwrap_or_default().get();
    let after = which.after.unwrap_or(0);
    let (items, next) = app.feed.after(firm.id(), after, limit, app.clock.now()).await?;
    Ok(Json(Facts { items, next }))
}
