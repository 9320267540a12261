//! The routes, by noun.

use std::sync::Arc;

use serde::Serialize;
use shared::app::App;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

mod connectors;
mod events;
mod firms;
mod mailboxes;
mod members;
mod messages;
mod validation;

/// All of them.
pub(crate) fn all() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(firms::create))
        .routes(routes!(firms::read))
        .routes(routes!(firms::create_key))
        .routes(routes!(connectors::create, connectors::list))
        .routes(routes!(connectors::read, connectors::change))
        .routes(routes!(validation::connector))
        .routes(routes!(members::create, members::list))
        .routes(routes!(members::read, members::update, members::delete))
        .routes(routes!(validation::member))
        .routes(routes!(mailboxes::create, mailboxes::list))
        .routes(routes!(mailboxes::read))
        .routes(routes!(mailboxes::folders))
        .routes(routes!(mailboxes::select))
        .routes(routes!(mailboxes::activate))
        .routes(routes!(mailboxes::pause))
        .routes(routes!(messages::list))
        .routes(routes!(messages::read))
        .routes(routes!(messages::content))
        .routes(routes!(events::list))
        .routes(routes!(health))
}

/// Some of a list, and where the rest begins.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    items: Vec<T>,
    /// What to give as `after` to go on; null at the end.
    next: Option<String>,
}

/// Whether the function runs. Nothing else is looked at.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
async fn health() -> &'static str {
    "ok"
}
