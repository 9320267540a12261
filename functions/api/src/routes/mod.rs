//! The routes, by noun.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use axum::{Json, Router, extract::DefaultBodyLimit, handler::Handler, http::Method, routing::MethodRouter};
use pastey::paste;
use serde::Serialize;
use shared::app::App;
use utoipa::{Path as _, ToSchema, openapi::HttpMethod};
use utoipa_axum::PathItemExt as _;

use crate::{
    auth::Needs,
    extract::{BULK_BYTES_MAX, QueryNames, Takes},
};

mod audit;
mod connectors;
mod contacts;
mod creation;
mod credentials;
mod dates;
pub(crate) mod entries;
pub(crate) mod erasures;
mod events;
mod firms;
pub(crate) mod holds;
mod keys;
mod mailboxes;
mod marks;
mod members;
mod messages;
mod operators_webhooks;
mod paging;
mod proof;
mod proposals;
mod push;
mod reading;
mod reconciliation;
mod retention;
mod tenants;
mod users;
mod validation;
mod views;
mod webhooks;

use mailboxes::{activation, folders, rules};
use messages::{content, filing, retry};

/// Serves what each handler's `utoipa::path` says, and in tests describes it: the deployed function carries the
/// description as a text. Each stands behind what it needs of its caller, so there is none without that, and below the
/// function that serves it: a function links no handler of another. `takes` is the limit of a body that may be larger
/// than others; `reads mail` has every reading noted, before anything is given out; `reads words` does so where words
/// are searched.
macro_rules! routes {
    ($($function:ident { $(
        $needs:expr => $($noun:ident::$handler:ident $(takes $bytes:ident)? $(reads $what:ident)?),+;
    )+ })+) => { paste! {
        $(
            #[doc = "All routes of `" $function "`."]
            pub(crate) fn $function() -> Router<Arc<App>> {
                Router::new()$($(.route(
                    &$noun::[<__path_ $handler>]::path(),
                    served::<$noun::[<__path_ $handler>], _, _>($noun::$handler)$(.layer(DefaultBodyLimit::max($bytes)))?,
                ))+)+
            }
        )+

        /// Whether a request gives out what a mail holds: then it leaves its entries in the audit trail. A list does so
        /// when it searches words.
        pub(crate) fn reads_mail(route: &str, query: Option<&str>) -> bool {
            $($($($(if route == $noun::[<__path_ $handler>]::path() {
                return stringify!($what) == "mail" || searches(query);
            })?)+)+)+
            false
        }

        /// All of them, by path and method.
        static OPERATIONS: LazyLock<HashMap<(String, Method), Operation>> = LazyLock::new(|| {
            let mut all = HashMap::new();
            $($($(for method in $noun::[<__path_ $handler>]::methods() {
                let operation = Operation::of($needs, $noun::$handler);
                all.insert(($noun::[<__path_ $handler>]::path(), method_of(method)), operation);
            })+)+)+
            all
        });

        /// All paths, each with the function that serves it.
        pub(crate) fn paths() -> impl Iterator<Item = (String, &'static str)> {
            [$($($(($noun::[<__path_ $handler>]::path(), stringify!($function)),)+)+)+].into_iter()
        }

        /// What describes all of them.
        #[cfg(test)]
        pub(crate) fn described() -> utoipa_axum::router::OpenApiRouter<Arc<App>> {
            utoipa_axum::router::OpenApiRouter::new()$($($(.routes(utoipa_axum::routes!($noun::$handler)))+)+)+
        }
    } };
}

routes! {
    api {
        Needs::Nothing => self::health;

        Needs::Operator =>
            firms::create, firms::list, firms::delete, events::list_all,
            credentials::read_platforms, credentials::change_platforms, credentials::replace_platforms,
            credentials::rotate_platforms, credentials::certificate_of_platform, credentials::federation_of_platform,
            credentials::grant, connectors::grant, tenants::list, users::operator_link,
            activation::grant, activation::revoke,
            operators_webhooks::create, operators_webhooks::list, operators_webhooks::read, operators_webhooks::change,
            operators_webhooks::delete, operators_webhooks::rotate, operators_webhooks::send,
            operators_webhooks::deliveries;

        Needs::READ =>
            firms::read, keys::list, marks::read,
            connectors::list, connectors::read, credentials::federation,
            members::list, members::read, push::read, push::preview,
            dates::list, dates::read, contacts::list, contacts::read, contacts::bulk_progress,
            mailboxes::list, mailboxes::read, folders::list, reconciliation::read,
            webhooks::list, webhooks::read, webhooks::deliveries,
            events::list;

        Needs::FILE => folders::file_by;

        Needs::PUSH =>
            members::create, members::update, members::delete, validation::member,
            dates::put, dates::delete, dates::members, dates::bulk takes BULK_BYTES_MAX,
            contacts::put, contacts::delete, contacts::members, contacts::bulk takes BULK_BYTES_MAX;

        Needs::MANAGE =>
            firms::change, keys::create, keys::revoke, marks::set, audit::list,
            users::list, users::read, users::invite, users::change, users::remove,
            connectors::create, connectors::change, connectors::delete, connectors::link, validation::connector,
            credentials::replace, credentials::rotate, credentials::certificate,
            mailboxes::create, mailboxes::change, mailboxes::delete, folders::select, rules::set, rules::preview, activation::activate, activation::pause,
            reconciliation::start,
            webhooks::create, webhooks::change, webhooks::delete, webhooks::rotate, webhooks::send;
    }
    documents {
        Needs::READ =>
            messages::list reads words, messages::read, reading::text reads mail, reading::html reads mail,
            reading::attachments reads mail, reading::attachment reads mail,
            content::read reads mail, filing::list,
            proof::log, proof::message reads mail,
            proposals::list, erasures::list, erasures::read, holds::list, retention::read, retention::dossiers;

        Needs::FILE =>
            filing::file, filing::unfile, filing::file_many, filing::file_conversation, proposals::accept,
            retry::retry;

        Needs::MANAGE => erasures::create, erasures::confirm, holds::set, retention::set, retention::set_class;
    }
}

/// Whether a query has words to search.
fn searches(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).any(|(name, text)| name == "q" && !text.is_empty())
}

/// What the gate holds a request to, before its handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// What it needs of its caller.
    pub needs: Needs,
    /// Whether it takes `If-Match` and `If-None-Match`.
    pub takes_conditions: bool,
    /// Whether it takes a body.
    pub takes_body: bool,
    query: Option<QueryNames>,
}

impl Operation {
    /// The handler is not called here, so it is not linked.
    fn of<H: Handler<T, Arc<App>>, T: Takes + 'static>(needs: Needs, _: H) -> Self {
        Self { needs, takes_conditions: T::CONDITIONS, takes_body: T::BODY, query: T::QUERY }
    }

    /// The one at this path, as the router has it, with this method; none if there is none.
    pub(crate) fn at(path: &str, method: &Method) -> Option<Self> {
        // The router answers HEAD where it answers GET.
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        OPERATIONS.get(&(path.to_owned(), method)).copied()
    }

    /// The names of the parameters that it reads after the question mark.
    pub(crate) fn query_names(&self) -> Vec<&'static str> {
        self.query.map(|names| names()).unwrap_or_default()
    }
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

/// What runs.
#[derive(Serialize, ToSchema)]
struct Health {
    /// The version of greffe.
    #[schema(example = "0.2.0", max_length = 40)]
    version: &'static str,
    /// The commit that it was built from, if the build was told: `GREFFE_COMMIT`.
    #[schema(max_length = 64)]
    commit: Option<&'static str>,
}

/// Shows that the API runs, and its version. It checks no other part of greffe, and ignores parameters.
#[utoipa::path(
    get, path = "/healthz", tag = "health", operation_id = "get_health", security(()),
    responses((status = 200, body = Health))
)]
async fn health() -> Json<Health> {
    Json(Health { version: env!("CARGO_PKG_VERSION"), commit: option_env!("GREFFE_COMMIT") })
}
