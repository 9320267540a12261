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

use super::{
    events::Order,
    page::{next_at, place_of},
};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid},
    extract::{Json, Query, given, given_word},
    field::Limit,
};

const NO_CURSOR: &str = "after: not the `next` of a page, nor the `id` of an entry";

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// `next` of the previous page, or the `id` of the last entry that you have. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    #[param(
        pattern = r"^([0-9]{20}([.]f[0-9a-f]{5})?|2[0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}\.[0-9]{3}Z#[!-~]+)$"
    )]
    after: Option<String>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// `asc`, the default, has the oldest entry first. `desc` has the newest first; `after` is then the entry before
    /// which to go on.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    order: Option<Order>,
}

/// An entry with its id.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntryView {
    /// Pass this as `after` to read the entries that follow.
    id: String,
    #[serde(flatten)]
    link: AuditLink,
    /// The SHA-256 of the entry with its number. The next entry has it as `before`. Keep the last one that you read: if
    /// the entry later has a different digest, it was changed.
    digest: String,
}

/// Entries of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trail {
    /// In the order that was asked for.
    items: Vec<AuditEntryView>,
    /// Pass this as `after` to read the next page; null on the last page.
    next: Option<String>,
    /// Null if the chain of digests is intact, from the last entry of the previous page on. Otherwise the number of the
    /// first entry that does not match: the entry before it was changed or removed.
    broken_at: Option<u64>,
}

/// Lists the audit trail of a firm.
///
/// The trail records each change, each download of an original and each sign-in: who, what, when and from where. A
/// change or a download has two entries with the same `request`: one before the operation, and one with its `outcome`.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/audit", tag = "audit", operation_id = "list_audit_entries", params(AuditFilter),
    responses((status = 200, body = Trail))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<AuditFilter>,
) -> Answer<Json<Trail>> {
    let limit = which.limit.unwrap_or_default().get();
    let prefix = Key::audit_prefix(firm.id());
    let after = which.after.as_deref().map(|cursor| {
        let id = place_of(cursor, &prefix)?;
        Key::audit_after(firm.id(), id).ok_or_else(|| invalid(NO_CURSOR))
    });
    let after = after.transpose()?;
    let page = match which.order {
        Some(Order::Desc) => audit::newest(&app.table, firm.id(), after, limit).await?,
        Some(Order::Asc) | None => audit::list(&app.table, firm.id(), after, limit).await?,
    };
    let id = |key: &Key| key.audit_cursor().map(str::to_owned);
    let items = page.links.into_iter().filter_map(|(key, link)| {
        let digest = link.digest();
        Some(AuditEntryView { id: id(&key)?, link, digest })
    });
    let next = page.next.as_ref().and_then(id).map(|id| next_at(&id, &prefix));
    Ok(Json(Trail { items: items.collect(), next, broken_at: page.broken_at }))
}
