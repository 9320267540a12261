//! The audit trail.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    firm::audit::{self, AuditLink},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::FirmScope,
    error::{Answer, invalid},
    extract::{Json, Query, given},
    field::Limit,
};

const NO_CURSOR: &str = "after: not the `next` of a page, nor the `id` of an entry";

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `next` of the page before, or the `id` of the last entry seen; none to begin at the beginning.
    #[serde(default, deserialize_with = "given")]
    #[param(
        pattern = r"^([0-9]{20}|2[0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}\.[0-9]{3}Z#[!-~]+)?$"
    )]
    after: Option<String>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// An entry with its id.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntryView {
    /// What to give as `after` to go on behind it.
    id: String,
    #[serde(flatten)]
    link: AuditLink,
    /// SHA-256 of the entry with its number, which the next one carries as `before`. Keep the last one that you saw: an
    /// entry with that number and another digest was changed.
    digest: String,
}

/// Entries of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trail {
    /// Oldest first.
    items: Vec<AuditEntryView>,
    /// What to give as `after` to go on; null at the end.
    next: Option<String>,
    /// Null if each entry follows from the one before it, that of the page before included. Else the number of the first
    /// one that does not: the entry before it was changed or removed after it was written.
    broken_at: Option<u64>,
}

/// Who changed what, who read the original of which mail, when and from where, and who signed in: oldest first.
///
/// A change or a reading has two entries with the same `request`: one before it is done, one with its `outcome`.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/audit", tag = "audit", operation_id = "list_audit_entries", params(Which), responses((status = 200, body = Trail))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Answer<Json<Trail>> {
    let limit = which.limit.unwrap_or_default().get();
    let after = which.after.map(|cursor| Key::audit_after(firm.id(), &cursor).ok_or_else(|| invalid(NO_CURSOR)));
    let page = audit::list(&app.table, firm.id(), after.transpose()?, limit).await?;
    let id = |key: &Key| key.audit_cursor().map(str::to_owned);
    let items = page.links.into_iter().filter_map(|(key, link)| {
        let digest = link.digest();
        Some(AuditEntryView { id: id(&key)?, link, digest })
    });
    let next = page.next.as_ref().and_then(id);
    Ok(Json(Trail { items: items.collect(), next, broken_at: page.broken_at }))
}
