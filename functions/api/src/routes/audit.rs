//! The audit trail.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    firm::audit::{self, Actor, AuditEntry, AuditLink},
};
use utoipa::{IntoParams, ToSchema};

use super::paging::{Order, examined, next_at, place_of};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid},
    extract::{Json, Query, given, given_word},
    field::{Limit, Moment},
};

const NO_CURSOR: &str = "after: not the `next` of a page, nor the `id` of an entry";

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
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
    /// `oldest` or `newest`: the same as `order`, in the word of other lists, and goes before it.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<AuditSort>,
    /// Only what this one did: the id of an API key or of a person, an address, `operator`, or `visitor`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, example = "operator")]
    by: Option<String>,
    /// Only this method and route, as in `action` of an entry.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, example = "POST /v1/firms/{firm}/keys")]
    action: Option<String>,
    /// Only the request with this `X-Request-Id`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>)]
    request: Option<String>,
    /// Only from this time on.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<Moment>,
    /// Only before this time.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    until: Option<Moment>,
}

/// In which order, in the word of other lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AuditSort {
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

impl AuditQuery {
    /// The order that was asked for.
    fn order(&self) -> Order {
        match self.sort {
            Some(AuditSort::Newest) => Order::Desc,
            Some(AuditSort::Oldest) => Order::Asc,
            None => self.order.unwrap_or(Order::Asc),
        }
    }

    /// Whether entries may be left out.
    fn narrows(&self) -> bool {
        let words = [&self.by, &self.action, &self.request];
        words.into_iter().any(Option::is_some) || self.since.is_some() || self.until.is_some()
    }

    fn wants(&self, AuditEntry { at, who, action, request, .. }: &AuditEntry) -> bool {
        self.by.as_deref().is_none_or(|by| is_by(who, by))
            && self.action.as_ref().is_none_or(|wanted| wanted == action)
            && self.request.as_ref().is_none_or(|wanted| wanted == request)
            && self.since.as_ref().is_none_or(|since| *at >= since.timestamp())
            && self.until.as_ref().is_none_or(|until| *at < until.timestamp())
    }
}

/// Whether that is who acted.
fn is_by(who: &Actor, by: &str) -> bool {
    match who {
        Actor::Operator => by == "operator",
        Actor::Visitor => by == "visitor",
        Actor::Key { id } => by.eq_ignore_ascii_case(&id.to_string()),
        Actor::User { id, address } => by.eq_ignore_ascii_case(&id.to_string()) || by.eq_ignore_ascii_case(address),
        Actor::Account { address } => by.eq_ignore_ascii_case(address),
    }
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
    /// Null if the chain of digests is intact, from the last entry of the previous page on; entries that a filter
    /// leaves out count, too. Otherwise the number of the first entry that does not match: the entry before it was
    /// changed or removed.
    broken_at: Option<u64>,
}

/// Lists the audit trail of a firm.
///
/// The trail records each change, each download of an original and each sign-in: who, what, when and from where. A
/// change or a download has two entries with the same `request`: one before the operation, and one with its `outcome`.
/// With a filter, a page may have few or no items although more follow, because one request examines at most 1,000
/// entries. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/audit", tag = "audit", operation_id = "list_audit_entries", params(AuditQuery),
    responses((status = 200, body = Trail))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<AuditQuery>,
) -> Answer<Json<Trail>> {
    let (app, firm, limit) = (&*app, firm.id(), which.limit.unwrap_or_default());
    let prefix = Key::audit_prefix(firm);
    let after = which.after.as_deref().map(|cursor| {
        let id = place_of(cursor, &prefix)?;
        Key::audit_after(firm, id).ok_or_else(|| invalid(NO_CURSOR))
    });
    let (order, broken_at) = (which.order(), OnceLock::new());
    let read = |after, at_once| {
        let broken_at = &broken_at;
        async move {
            let page = match order {
                Order::Desc => audit::newest(&app.table, firm, after, at_once).await?,
                Order::Asc => audit::list(&app.table, firm, after, at_once).await?,
            };
            if let Some(number) = page.broken_at {
                broken_at.get_or_init(|| number);
            }
            let items = page.links.into_iter().filter_map(|(key, link)| {
                let (id, digest) = (id(&key)?, link.digest());
                Some((key, AuditEntryView { id, link, digest }))
            });
            Answer::Ok((items.collect(), page.next.is_some()))
        }
    };
    let wanted = which.narrows().then_some(|item: &AuditEntryView| which.wants(&item.link.entry));
    let (items, next) = examined(after.transpose()?, limit, read, wanted).await?;
    let next = next.as_ref().and_then(id).map(|id| next_at(&id, &prefix));
    Ok(Json(Trail { items, next, broken_at: broken_at.into_inner() }))
}

fn id(key: &Key) -> Option<String> {
    key.audit_cursor().map(str::to_owned)
}
