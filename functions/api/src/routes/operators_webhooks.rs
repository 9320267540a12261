//! The operator's webhooks: like a firm's, with the events of all firms.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use shared::{app::App, base::id::WebhookId, problem::Problem};

use crate::{
    error::Answer,
    extract::{Id, Json, Query},
    precondition::{IfMatch, Tagged},
    routes::{
        paging::Page,
        webhooks::{
            self, DeliveriesQuery, DeliveryView, NewWebhook, NewWebhookView, SendRequest, WebhookChange, WebhookView,
            Webhooks, WebhooksFilter, WebhooksOwner,
        },
    },
};

/// Creates an operator webhook: greffe posts the events of all firms to it.
///
/// It works as a firm's webhook does. Events of one firm are in order; between firms there is no order.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "webhooks", operation_id = "create_operators_webhook",
    responses(
        (status = 200, body = WebhookView, description = "A webhook has this `external_id` already: it is as shown."),
        (status = 201, body = NewWebhookView, headers(("Location" = String, description = "The webhook's address"))),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`too_many_webhooks`, `position_unknown`"
        ),
    )
)]
pub(super) async fn create(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    new: Json<NewWebhook>,
) -> Answer<impl IntoResponse> {
    webhooks::create(owner, app, new).await
}

/// Lists the operator's webhooks, with how far each has come in the feed.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "webhooks", operation_id = "list_operators_webhooks", params(WebhooksFilter),
    responses((status = 200, body = Webhooks))
)]
pub(super) async fn list(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    filter: Query<WebhooksFilter>,
) -> Answer<Json<Webhooks>> {
    webhooks::list(owner, app, filter).await
}

/// Shows an operator webhook: its settings, its problem, and how far it has come in the feed.
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "read_operators_webhook",
    responses((status = 200, body = WebhookView))
)]
pub(super) async fn read(owner: WebhooksOwner, app: State<Arc<App>>, id: Id<WebhookId>) -> Answer<Tagged<WebhookView>> {
    webhooks::read(owner, app, id).await
}

/// Changes an operator webhook, pauses it, or resumes it.
#[utoipa::path(
    patch, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "update_operators_webhook", params(IfMatch),
    responses(
        (status = 200, body = WebhookView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`external_id_taken`"),
    )
)]
pub(super) async fn change(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    id: Id<WebhookId>,
    condition: IfMatch,
    new: Json<WebhookChange>,
) -> Answer<Tagged<WebhookView>> {
    webhooks::change(owner, app, id, condition, new).await
}

/// Deletes an operator webhook. Nothing is posted to it any more.
#[utoipa::path(
    delete, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "delete_operators_webhook",
    params(IfMatch), responses((status = 204, description = "Deleted."))
)]
pub(super) async fn delete(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    id: Id<WebhookId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    webhooks::delete(owner, app, id, condition).await
}

/// Replaces the secret of an operator webhook. Only this response shows the new secret.
///
/// For a day, greffe signs events with the replaced secret, too: change your application within that time. At most five
/// secrets sign at a time.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/rotate", tag = "webhooks", operation_id = "rotate_operators_webhook_secret",
    responses(
        (status = 200, body = NewWebhookView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_secrets`"),
    )
)]
pub(super) async fn rotate(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    id: Id<WebhookId>,
) -> Answer<Json<NewWebhookView>> {
    webhooks::rotate(owner, app, id).await
}

/// Sends an operator webhook a test, one event again, or all events since a given one.
///
/// A moment later, the webhook's deliveries show the result.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/send", tag = "webhooks", operation_id = "send_operators_webhook",
    responses(
        (status = 202, description = "It is queued."),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`position_unknown`, `webhook_paused`, `nothing_to_post`"
        ),
    )
)]
pub(super) async fn send(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    id: Id<WebhookId>,
    sent: Json<SendRequest>,
) -> Answer<StatusCode> {
    webhooks::send(owner, app, id, sent).await
}

/// Lists the deliveries of an operator webhook in the last seven days, newest first.
///
/// With a filter, a page may have few or no items although more follow, because one request examines at most 1,000
/// deliveries. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}/deliveries", tag = "webhooks", operation_id = "list_operators_deliveries",
    params(DeliveriesQuery), responses((status = 200, body = Page<DeliveryView>))
)]
pub(super) async fn deliveries(
    owner: WebhooksOwner,
    app: State<Arc<App>>,
    id: Id<WebhookId>,
    which: Query<DeliveriesQuery>,
) -> Answer<Json<Page<DeliveryView>>> {
    webhooks::deliveries(owner, app, id, which).await
}
