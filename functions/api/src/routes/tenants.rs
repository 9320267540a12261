//! Tenants: the firm that each belongs to, and the connectors that wait for the operator's grant.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::tenancy::{Holder, Tenancy, WaitingConnector},
    app::App,
    aws::table::Key,
    base::id::{ConnectorId, FirmId, TenantId},
    firm::Firm,
};
use utoipa::{IntoParams, ToSchema};

use super::paging::{Item, Listed, Page, PageQuery};
use crate::{
    auth::Operator,
    error::Answer,
    extract::{Json, given},
};

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// The firms with organisation-wide access, the first one first. The tenant belongs to the first firm.
    firms: Vec<HolderView>,
    /// The connectors that wait for the operator's grant.
    waiting: Vec<WaitingView>,
}

/// A firm with organisation-wide access.
#[derive(Serialize, ToSchema)]
pub(crate) struct HolderView {
    #[schema(value_type = String, format = "uuid")]
    firm: FirmId,
    /// The firm's name; null if there is no such firm any more.
    name: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// A connector that waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingView {
    #[schema(value_type = String, format = "uuid")]
    firm: FirmId,
    /// The firm's name; null if there is no such firm any more.
    name: Option<String>,
    #[schema(value_type = String, format = "uuid")]
    connector: ConnectorId,
    /// Who signed in.
    address: String,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// Which tenants are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantsFilter {
    /// Only those to which this firm has, or requests, access.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    firm: Option<FirmId>,
    /// `true`: only those with a connector that waits for the operator's grant; `false`: only those without.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<bool>)]
    waiting: Option<bool>,
}

impl Item for Tenancy {
    type Id = TenantId;

    fn id(&self) -> TenantId {
        self.tenant.clone()
    }

    fn name(&self) -> &str {
        self.tenant.as_str()
    }

    /// Since when a firm has, or requests, access to it.
    fn created_at(&self) -> Timestamp {
        let held = self.holders.iter().map(|holder| holder.since);
        held.chain(self.waiting.iter().map(|waiting| waiting.since)).min().unwrap_or_default()
    }
}

/// Lists the Microsoft 365 tenants to which firms have, or request, organisation-wide access.
///
/// With `firm` or `waiting`, a page may have few or no items although more follow, because one request examines at most
/// 1,000 tenants. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/tenants", tag = "connectors", operation_id = "list_tenants", params(TenantsFilter, PageQuery),
    responses((status = 200, body = Page<TenantView>))
)]
pub(super) async fn list(
    _: Operator,
    State(app): State<Arc<App>>,
    Listed { filter: TenantsFilter { firm, waiting }, part }: Listed<TenantsFilter>,
) -> Answer<Json<Page<TenantView>>> {
    let key = |tenant: TenantId| Key::tenant(&tenant);
    let wanted = (firm.is_some() || waiting.is_some()).then_some(|tenancy: &Tenancy| {
        let firms = tenancy.holders.iter().map(|holder| holder.firm);
        let mut firms = firms.chain(tenancy.waiting.iter().map(|waiting| waiting.firm));
        firm.is_none_or(|firm| firms.any(|other| other == firm))
            && waiting.is_none_or(|waiting| waiting != tenancy.waiting.is_empty())
    });
    let Page { items, next } = part.read(&app.table, &Key::tenant_prefix(), key, wanted).await?;
    let mut names: BTreeMap<FirmId, Option<String>> = BTreeMap::new();
    for tenancy in &items {
        for firm in tenancy.holders.iter().map(|h| h.firm).chain(tenancy.waiting.iter().map(|w| w.firm)) {
            if let Entry::Vacant(place) = names.entry(firm) {
                place.insert(Firm::find(&app.table, firm).await?.map(|firm| firm.name));
            }
        }
    }
    let name = |firm| names.get(&firm).cloned().flatten();
    let shown = |Tenancy { tenant, holders, waiting }: Tenancy| TenantView {
        tenant_id: tenant,
        firms: holders.into_iter().map(|Holder { firm, since }| HolderView { firm, name: name(firm), since }).collect(),
        waiting: waiting
            .into_iter()
            .map(|WaitingConnector { firm, connector, address, since }| WaitingView {
                firm,
                name: name(firm),
                connector,
                address,
                since,
            })
            .collect(),
    };
    Ok(Json(Page { items: items.into_iter().map(shown).collect(), next }))
}
