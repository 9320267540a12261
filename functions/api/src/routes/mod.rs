//! The routes, by noun.

use std::{
    collections::HashMap,
    fmt::Display,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use axum::{Router, extract::DefaultBodyLimit, handler::Handler, http::Method, routing::MethodRouter};
use pastey::paste;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    app::App,
    aws::table::{Key, Table},
};
use utoipa::{IntoParams, Path as _, ToSchema, openapi::HttpMethod};
use utoipa_axum::PathItemExt as _;
use uuid::Uuid;

use crate::{
    BULK_BYTES_MAX,
    auth::Needs,
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
mod tenants;
mod validation;

/// Serves what each handler's `utoipa::path` says, and in tests describes it: the deployed function carries the description as a text.
/// Each stands behind what it needs of its caller, so there is none without that. `takes` is the limit of a body that may be
/// larger than others; `reads mail` has every reading noted, before anything is given out.
macro_rules! routes {
    ($($needs:expr => $($noun:ident::$handler:ident $(takes $bytes:ident)? $(reads $what:ident)?),+;)+) => { paste! {
        /// All of them.
        pub(crate) fn all() -> Router<Arc<App>> {
            Router::new()$($(.route(
                &$noun::[<__path_ $handler>]::path(),
                served::<$noun::[<__path_ $handler>], _, _>($noun::$handler)$(.layer(DefaultBodyLimit::max($bytes)))?,
            ))+)+
        }

        /// Whether a route gives out what a mail holds: then each reading leaves its entries in the audit trail.
        pub(crate) fn reads_mail(route: &str) -> bool {
            $($($(if route == $noun::[<__path_ $handler>]::path() {
                return !stringify!($what).is_empty();
            })?)+)+
            false
        }

        /// What each needs of its caller, by its path and its method.
        static NEEDS: LazyLock<HashMap<(String, Method), Needs>> = LazyLock::new(|| {
            let mut all = HashMap::new();
            $($(for method in $noun::[<__path_ $handler>]::methods() {
                all.insert(($noun::[<__path_ $handler>]::path(), method_of(method)), $needs);
            })+)+
            all
        });

        /// What describes all of them.
        #[cfg(test)]
        pub(crate) fn described() -> utoipa_axum::router::OpenApiRouter<Arc<App>> {
            utoipa_axum::router::OpenApiRouter::new()$($(.routes(utoipa_axum::routes!($noun::$handler)))+)+
        }
    } };
}

routes! {
    Needs::Nothing => self::health;

    Needs::Operator =>
        firms::create,
        credentials::read_platforms, credentials::change_platforms, credentials::replace_platforms,
        credentials::rotate_platforms, credentials::certificate_of_platform, credentials::federation_of_platform,
        credentials::grant, connectors::grant, tenants::list,
        mailboxes::grant, mailboxes::revoke;

    Needs::READ =>
        firms::read, firms::keys, firms::marks,
        connectors::list, connectors::read, credentials::federation,
        members::list, members::read, push::read, push::preview,
        dates::list, dates::read, contacts::list, contacts::read, contacts::bulk_progress,
        mailboxes::list, mailboxes::read, mailboxes::folders, reconciliation::read,
        messages::list, messages::read, messages::content reads mail, messages::filings,
        events::list;

    Needs::FILE => messages::file, messages::unfile;

    Needs::PUSH =>
        members::create, members::update, members::delete, validation::member,
        dates::put, dates::delete, dates::members, dates::bulk takes BULK_BYTES_MAX,
        contacts::put, contacts::delete, contacts::members, contacts::bulk takes BULK_BYTES_MAX;

    Needs::MANAGE =>
        firms::create_key, firms::revoke_key, firms::mark_with, audit::list,
        connectors::create, connectors::change, validation::connector,
        credentials::replace, credentials::rotate, credentials::certificate,
        mailboxes::create, mailboxes::select, mailboxes::rule, mailboxes::preview, mailboxes::activate, mailboxes::pause,
        reconciliation::start;
}

/// What a route needs of its caller; `path` as the router has it. None if there is no such route.
pub(crate) fn needs(path: &str, method: &Method) -> Option<Needs> {
    // The router answers HEAD where it answers GET.
    let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
    NEEDS.get(&(path.to_owned(), method)).copied()
}

fn method_of(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// A handler under the methods that it is described with.
fn served<P: utoipa::Path, H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> MethodRouter<Arc<App>> {
    let methods = P::methods().into_iter().map(|method| method.to_method_filter());
    methods.fold(MethodRouter::new(), |router, method| router.on(method, handler.clone()))
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
    #[param(value_type = Option<String>, pattern = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$")]
    after: Option<Cursor>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Where a page ended: the id of its last item.
struct Cursor(Uuid);

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| "not the `next` of a page")
    }
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
        let after =
            self.after.map(|Cursor(id)| id.to_string().parse().map_err(|error| invalid(format!("after: {error}"))));
        let limit = self.limit.unwrap_or_default().get();
        let page = table.query::<V>(prefix, after.transpose()?.map(key).as_ref(), limit).await?;
        let next = page.next.and_then(|_| page.rows.last().map(|row| id(&row.value).to_string()));
        Ok(Page { items: page.rows.into_iter().map(|row| row.value).collect(), next })
    }
}

/// Whether the function runs. Nothing else is looked at.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "get_health", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
async fn health() -> &'static str {
    "ok"
}
