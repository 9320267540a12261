//! The routes, by noun.

use std::{fmt::Display, str::FromStr, sync::Arc};

use axum::extract::DefaultBodyLimit;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    app::App,
    table::{Key, Table},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    BULK_BYTES_MAX,
    error::{Answer, invalid},
    extract::given,
    field::Limit,
};

mod audit;
mod connectors;
mod contacts;
mod credentials;
mod dates;
mod entries;
mod events;
mod firms;
mod mailboxes;
mod members;
mod messages;
mod push;
mod reconciliation;
mod validation;

/// All of them.
pub(crate) fn all() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(firms::create))
        .routes(routes!(firms::read))
        .routes(routes!(firms::create_key, firms::keys))
        .routes(routes!(firms::revoke_key))
        .routes(routes!(audit::list))
        .routes(routes!(firms::marks, firms::mark_with))
        .routes(routes!(connectors::create, connectors::list))
        .routes(routes!(connectors::read, connectors::change))
        .routes(routes!(validation::connector))
        .routes(routes!(credentials::replace))
        .routes(routes!(credentials::rotate))
        .routes(routes!(credentials::certificate))
        .routes(routes!(credentials::read_platforms, credentials::change_platforms))
        .routes(routes!(credentials::replace_platforms))
        .routes(routes!(credentials::rotate_platforms))
        .routes(routes!(credentials::certificate_of_platform))
        .routes(routes!(members::create, members::list))
        .routes(routes!(members::read, members::update, members::delete))
        .routes(routes!(validation::member))
        .routes(routes!(push::read))
        .routes(routes!(push::preview))
        .routes(routes!(dates::list))
        .routes(routes!(dates::put, dates::read, dates::delete))
        .routes(routes!(dates::members))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::put, contacts::read, contacts::delete))
        .routes(routes!(contacts::members))
        .routes(routes!(contacts::bulk_progress))
        .merge(bulks())
        .routes(routes!(mailboxes::create, mailboxes::list))
        .routes(routes!(mailboxes::read))
        .routes(routes!(mailboxes::folders))
        .routes(routes!(mailboxes::select))
        .routes(routes!(mailboxes::rule))
        .routes(routes!(mailboxes::preview))
        .routes(routes!(mailboxes::activate))
        .routes(routes!(mailboxes::pause))
        .routes(routes!(mailboxes::grant, mailboxes::revoke))
        .routes(routes!(reconciliation::read))
        .routes(routes!(reconciliation::start))
        .routes(routes!(messages::list))
        .routes(routes!(messages::read))
        .routes(routes!(messages::content))
        .routes(routes!(messages::file, messages::unfile, messages::filings))
        .routes(routes!(events::list))
        .routes(routes!(health))
}

/// Routes that take thousands of rows.
fn bulks() -> OpenApiRouter<Arc<App>> {
    let routes = OpenApiRouter::new().routes(routes!(dates::bulk)).routes(routes!(contacts::bulk));
    routes.layer(DefaultBodyLimit::max(BULK_BYTES_MAX))
}

/// Some of a list, and where the rest begins.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    items: Vec<T>,
    /// What to give as `after` to go on; null at the end.
    next: Option<String>,
}

/// Which part of a list whose items are found by an id.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// `next` of the page before.
    #[serde(default, deserialize_with = "given")]
    after: Option<String>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

impl Part {
    /// The values whose keys begin with `prefix`; `key` makes the key of an id, `id` tells a value's.
    async fn read<T: FromStr<Err: Display> + Display, V: DeserializeOwned>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl FnOnce(T) -> Key,
        id: impl FnOnce(&V) -> T,
    ) -> Answer<Page<V>> {
        let after = self.after.map(|after| after.parse().map_err(|error| invalid(format!("after: {error}"))));
        let limit = self.limit.unwrap_or_default().get();
        let page = table.query::<V>(prefix, after.transpose()?.map(key).as_ref(), limit).await?;
        let next = page.next.and_then(|_| page.rows.last().map(|row| id(&row.value).to_string()));
        Ok(Page { items: page.rows.into_iter().map(|row| row.value).collect(), next })
    }
}

/// Whether the function runs. Nothing else is looked at.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
async fn health() -> &'static str {
    "ok"
}
