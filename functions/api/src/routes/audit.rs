//! The audit trail.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{app::App, firm::audit::Entry};
use utoipa::{IntoParams, ToSchema};

use super::Page;
use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Json, Query, given},
    field::Limit,
};

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `next` of the page before, or the `id` of the last entry seen; none to begin at the beginning.
    #[serde(default, deserialize_with = "given")]
    after: Option<String>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// An entry with its id.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView {
    /// What to give as `after` to go on behind it.
    id: String,
    #[serde(flatten)]
    entry: Entry,
}

/// Who changed what, when and from where, and who signed in: oldest first. Reading leaves no entry.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/audit", tag = "audit", params(Which), responses((status = 200, body = Page<EntryView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<EntryView>>> {
    let limit = which.limit.unwrap_or_default().get();
    let page = Entry::list(&app.table, firm.id(), which.after.as_deref(), limit).await?;
    let id = |key: &shared::aws::table::Key| key.audit_cursor().map(str::to_owned);
    let next = page.next.as_ref().and_then(id);
    let items = page.rows.into_iter().filter_map(|row| Some(EntryView { id: id(&row.key)?, entry: row.value }));
    Ok(Json(Page { items: items.collect(), next }))
}
