//! Webhooks: addresses of the business application that greffe posts events to.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::{
        queue::{DeliveryJob, DeliveryRequest},
        table::Key,
    },
    base::id::{ExternalId, FirmId, WebhookId},
    firm::{external_id::ExternalIdOwner, fact::EventType, feed::FeedError, joint_feed::JointCursor},
    problem::{Code, Problem, ResponsibleParty, Text},
    webhook::{
        ChangedWebhook, Webhook, WebhookError, WebhookProblem, WebhookState,
        delivery::{Delivery, DeliveryFailure},
        delivery_progress::DeliveryProgress,
        feed_place::FeedPlace,
        webhook_url::WebhookUrl,
    },
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, Failure, invalid, not_found, not_named},
    extract::{Id, Json, Query, Takes, given, given_word, present},
    field::{FeedPosition, Limit, OwnId, WantedType},
    language,
    precondition::{self, ETag, IfMatch, Tagged},
    routes::{
        creation::{Creation, create_once},
        paging::{Item, Order, Page, Sort, ahead, examined, next_at, place_of, sorted},
    },
};

/// Whose webhooks a path is about: of the firm that it names, or of the operator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WebhooksOwner(Option<FirmId>);

impl Takes for WebhooksOwner {}

impl FromRequestParts<Arc<App>> for WebhooksOwner {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        match parts.uri.path().starts_with("/v1/firms/") {
            true => FirmScope::from_request_parts(parts, app).await.map(|firm| Self(Some(firm.id()))),
            false => Operator::from_request_parts(parts, app).await.map(|Operator| Self(None)),
        }
    }
}

impl WebhooksOwner {
    /// Errors: the text is no place in this feed, or one behind its end.
    async fn place(self, app: &App, text: &str) -> Answer<FeedPlace> {
        let place = self.read_place(text)?;
        match place.is_ahead((&app.table, &app.feed), self.0, app.clock.now()).await? {
            true => Err(ahead("after")),
            false => Ok(place),
        }
    }

    fn read_place(self, text: &str) -> Answer<FeedPlace> {
        let place = match (text.trim(), self.0) {
            ("0", None) => Some(FeedPlace::All(JointCursor::default())),
            (text, Some(_)) => text.parse().ok().map(FeedPlace::Firm),
            (text, None) => text.parse().ok().map(FeedPlace::All),
        };
        place.ok_or_else(|| {
            invalid(match self.0 {
                Some(_) => "after: a number of the firm's feed belongs here, such as the `next` of its events",
                None => "after: 0, or the `next` of `GET /v1/events`, belongs here",
            })
        })
    }

    /// The path of a webhook.
    fn path(self, id: WebhookId) -> String {
        self.0.map_or_else(|| format!("/v1/webhooks/{id}"), |firm| format!("/v1/firms/{firm}/webhooks/{id}"))
    }
}

fn paused_by(webhook: &Webhook) -> String {
    match &webhook.problem {
        Some(WebhookProblem { code, since }) => format!("greffe paused it at {since}: {}.", code.name()),
        None => "A request paused it.".to_owned(),
    }
}

/// That nothing would be posted to a webhook that is paused.
fn refuse_paused(webhook: &Webhook) -> Answer<()> {
    match webhook.state {
        WebhookState::Active => Ok(()),
        WebhookState::Paused => Err(Problem::new(Code::WebhookPaused, paused_by(webhook)).into()),
    }
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::TooMany => Problem::new(Code::TooManyWebhooks, format!("{error}.")).into(),
            WebhookError::TooManySecrets { wait, .. } => {
                let problem = Problem::new(Code::TooManySecrets, format!("The secret was not replaced: {error}."));
                Self::later(problem, wait)
            }
            WebhookError::Feed(error) => error.into(),
            WebhookError::Secret(error) => error.into(),
        }
    }
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// The address: https, the name of a host, no user and no fragment. On one machine, http to `localhost` is
    /// accepted.
    #[schema(
        max_length = 2000,
        pattern = r"^([Hh][Tt][Tt][Pp][Ss]://[^\s/?#@:\[\]]+[.\u3002\uFF0E\uFF61][^\s/?#@:\[\]]*[^\s/?#@:.\[\]]|[Hh][Tt][Tt][Pp]://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127[.]0[.]0[.]1|\[::1\]))(:0*[1-9][0-9]{0,4})?([/?][^#]*)?$",
        example = "https://application.example/greffe"
    )]
    url: String,
    /// The types of events that are posted. Empty or left out for all.
    #[serde(default)]
    #[schema(value_type = Vec<WantedType>, max_items = 40)]
    types: BTreeSet<WantedType>,
    /// Defaults to the end of the feed.
    #[serde(default)]
    #[schema(schema_with = FeedPosition::or_null)]
    after: Option<FeedPosition>,
    /// Your own id of the webhook. If a webhook of the same owner has it already, that one is returned without its
    /// secret, and none is created.
    #[serde(default)]
    external_id: Option<OwnId>,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookView {
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    url: String,
    /// The types of events that are posted; empty for all.
    types: BTreeSet<EventType>,
    state: WebhookState,
    /// Why greffe paused it; null if it did not.
    problem: Option<WebhookProblemView>,
    /// The position in the feed up to which all events are posted, as text. Use it as `after`.
    posted_up_to: String,
    /// That the address does not take the next event; null if it does.
    failing: Option<WebhookFailingView>,
    /// Until when events are signed with the secret before this one, too; null if they are not.
    #[schema(value_type = Option<String>, format = "date-time")]
    previous_secret_until: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// Your own id of the webhook; null if it has none.
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<ExternalId>,
}

/// Why greffe paused a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookProblemView {
    code: Code,
    meaning: &'static str,
    who: ResponsibleParty,
    next_action: &'static str,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

impl From<WebhookProblem> for WebhookProblemView {
    fn from(WebhookProblem { code, since }: WebhookProblem) -> Self {
        let Text { meaning, next_action } = code.text(language::of_caller());
        Self { code, meaning, who: code.who(), next_action, since }
    }
}

/// That an address does not take the next event.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookFailingView {
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
    /// How often the event was posted.
    tries: u32,
    #[schema(value_type = String, format = "date-time")]
    next_try: Timestamp,
}

/// A webhook and its secret. This is the only response that shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewWebhookView {
    /// The secret that signs: `whsec_` and base64.
    secret: String,
    #[serde(flatten)]
    webhook: WebhookView,
}

/// Which state of a webhook's settings it is.
fn tag(webhook: &Webhook) -> ETag {
    ETag::of(&(webhook.url.as_str(), &webhook.types, webhook.state, &webhook.external_id))
}

async fn shown(app: &App, webhook: Webhook) -> Answer<Tagged<WebhookView>> {
    Ok(Tagged(tag(&webhook), view(app, webhook).await?))
}

async fn view(app: &App, webhook: Webhook) -> Answer<WebhookView> {
    let progress = DeliveryProgress::find(&app.table, webhook.firm, webhook.id).await?.map(|row| row.value);
    let posted_up_to = progress.as_ref().map(|progress| progress.place.to_string()).unwrap_or_default();
    let failing = progress.and_then(|progress| progress.failing).map(|trouble| WebhookFailingView {
        since: trouble.since,
        tries: trouble.tries,
        next_try: trouble.next_try,
    });
    let previous_secret_until = webhook.previous_until(app.clock.now());
    Ok(WebhookView {
        id: webhook.id,
        url: webhook.url.as_str().to_owned(),
        types: webhook.types,
        state: webhook.state,
        problem: webhook.problem.map(WebhookProblemView::from),
        posted_up_to,
        failing,
        previous_secret_until,
        created_at: webhook.created_at,
        external_id: webhook.external_id,
    })
}

/// Errors: the text is no address that webhooks go to.
fn url(app: &App, text: &str) -> Answer<WebhookUrl> {
    // Without TLS greffe itself is on one machine, and so may the application be.
    let loopback = !app.config.public_url.is_https();
    WebhookUrl::parse(text.trim(), loopback).map_err(|error| invalid(format!("url: {error}")))
}

fn types(wanted: BTreeSet<WantedType>) -> BTreeSet<EventType> {
    wanted.into_iter().map(|WantedType(kind)| kind).collect()
}

/// Has the address posted to, and what is asked for first.
async fn post(app: &App, owner: WebhooksOwner, webhook: WebhookId, requests: Vec<DeliveryRequest>) -> Answer<()> {
    let job = DeliveryJob { requests, ..DeliveryJob::new(owner.0, webhook, app.clock.now(), app.random.uuid()) };
    Ok(app.feed.deliveries().send(&job).await?)
}

async fn found(app: &App, owner: WebhooksOwner, id: WebhookId) -> Answer<Webhook> {
    let row = Webhook::find(&app.table, owner.0, id).await?;
    Ok(row.ok_or_else(|| not_found("webhook"))?.value)
}

/// Creates a webhook: greffe posts each event to its URL, signed as Standard Webhooks 1.0 defines.
///
/// Only this response shows the signing secret. Events are posted in order. An event that your URL does not answer with
/// a 2xx status within ten seconds is posted again after growing pauses, and later events wait for it. After a day
/// without success, or at once after a 410, the webhook is paused. A firm has at most 10 webhooks.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/webhooks", tag = "webhooks", operation_id = "create_webhook",
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
    State(app): State<Arc<App>>,
    Json(new): Json<NewWebhook>,
) -> Answer<Response> {
    let (url, now) = (url(&app, &new.url)?, app.clock.now());
    let external = new.external_id.map(OwnId::into_inner);
    let known = || known(&app, owner, external.as_ref());
    let create = async {
        let place = match &new.after {
            Some(FeedPosition(after)) => owner.place(&app, after).await?,
            None => FeedPlace::end((&app.table, &app.feed), owner.0, now).await?,
        };
        let clients = (&app.table, &*app.secrets, &app.random);
        let settings = (url, types(new.types), external.clone());
        Ok(Webhook::create(clients, (owner.0, place), settings, now).await?)
    };
    let (webhook, secret) = match create_once(known, create).await? {
        Creation::New(created) => created,
        Creation::Existing(there) => return Ok(shown(&app, there).await?.into_response()),
    };
    tracing::info!(webhook.id = %webhook.id, "webhook created");
    if new.after.is_some() {
        post(&app, owner, webhook.id, Vec::new()).await?;
    }
    let location = [(header::LOCATION, owner.path(webhook.id))];
    let tag = tag(&webhook);
    let view = NewWebhookView { secret: secret.expose().to_owned(), webhook: view(&app, webhook).await? };
    Ok((StatusCode::CREATED, location, Tagged(tag, view)).into_response())
}

/// The webhook that has this external id already.
async fn known(app: &App, owner: WebhooksOwner, external: Option<&ExternalId>) -> Answer<Option<Webhook>> {
    Ok(ExternalIdOwner::Webhook.existing(&app.table, owner.0, external, |id| Key::webhook(owner.0, id)).await?)
}

/// A firm's webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Webhooks {
    items: Vec<WebhookView>,
}

/// Which webhooks are listed, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WebhooksFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// Only those in this state.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    state: Option<WebhookState>,
    /// `id` (default), `name` (by address), `newest` or `oldest`.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<Sort>,
}

impl Item for Webhook {
    type Id = WebhookId;

    fn id(&self) -> WebhookId {
        self.id
    }

    fn name(&self) -> &str {
        self.url.as_str()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// Lists a firm's webhooks, with how far each has come in the feed.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/webhooks", tag = "webhooks", operation_id = "list_webhooks", params(WebhooksFilter),
    responses((status = 200, body = Webhooks))
)]
pub(super) async fn list(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Query(filter): Query<WebhooksFilter>,
) -> Answer<Json<Webhooks>> {
    let mut webhooks = Webhook::list(&app.table, owner.0).await?;
    webhooks.retain(|webhook| {
        (filter.external_id.is_none() || webhook.external_id == filter.external_id)
            && filter.state.is_none_or(|state| webhook.state == state)
    });
    let mut items = Vec::new();
    for webhook in sorted(filter.sort, webhooks) {
        items.push(view(&app, webhook).await?);
    }
    Ok(Json(Webhooks { items }))
}

/// Shows a webhook: its settings, its problem, and how far it has come in the feed.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/webhooks/{webhook}", tag = "webhooks", operation_id = "read_webhook",
    responses((status = 200, body = WebhookView))
)]
pub(super) async fn read(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
) -> Answer<Tagged<WebhookView>> {
    let webhook = found(&app, owner, id).await?;
    shown(&app, webhook).await
}

/// Changes of a webhook; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookChange {
    /// Another address, as of a new webhook.
    #[serde(default, deserialize_with = "present")]
    #[schema(
        nullable = false,
        max_length = 2000,
        pattern = r"^([Hh][Tt][Tt][Pp][Ss]://[^\s/?#@:\[\]]+[.\u3002\uFF0E\uFF61][^\s/?#@:\[\]]*[^\s/?#@:.\[\]]|[Hh][Tt][Tt][Pp]://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127[.]0[.]0[.]1|\[::1\]))(:0*[1-9][0-9]{0,4})?([/?][^#]*)?$"
    )]
    url: Option<String>,
    /// The types of events that are posted; empty for all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<WantedType>, nullable = false, max_items = 40)]
    types: Option<BTreeSet<WantedType>>,
    /// `paused` lets events wait in the feed. `active` posts what waits, at once; of a webhook with a `problem`, the
    /// feed has `webhook_resumed` then.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    state: Option<WebhookState>,
    /// Your own id, by which a repeated creation finds it; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<Option<OwnId>>,
}

/// Changes a webhook, pauses it, or resumes it.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/webhooks/{webhook}", tag = "webhooks", operation_id = "update_webhook",
    params(IfMatch),
    responses(
        (status = 200, body = WebhookView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`external_id_taken`"),
    )
)]
pub(super) async fn change(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
    condition: IfMatch,
    Json(new): Json<WebhookChange>,
) -> Answer<Tagged<WebhookView>> {
    let url = new.url.map(|text| url(&app, &text)).transpose()?;
    let external = new.external_id.map(|id| id.map(OwnId::into_inner));
    let types = new.types.map(types);
    let changed = Webhook::change((&app.feed, app.clock.now()), (owner.0, id), |webhook| {
        let holds = condition.holds(Some(&tag(webhook)));
        if holds {
            webhook.url = url.clone().unwrap_or_else(|| webhook.url.clone());
            webhook.types = types.clone().unwrap_or_else(|| webhook.types.clone());
            webhook.state = new.state.unwrap_or(webhook.state);
            webhook.external_id = external.clone().unwrap_or_else(|| webhook.external_id.clone());
        }
        holds
    });
    let external = external.as_ref().and_then(Option::as_ref);
    let changed = changed.await.map_err(|error| match error {
        FeedError::Table(error) => not_named(ExternalIdOwner::Webhook, owner.0, external, error),
        error @ FeedError::Bus { .. } => error.into(),
    })?;
    let webhook = changed_one(changed)?;
    post(&app, owner, id, Vec::new()).await?;
    shown(&app, webhook).await
}

/// Deletes a webhook. Nothing is posted to it any more.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/webhooks/{webhook}", tag = "webhooks", operation_id = "delete_webhook",
    params(IfMatch), responses((status = 204, description = "Deleted."))
)]
pub(super) async fn delete(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let may = |webhook: &Webhook| condition.holds(Some(&tag(webhook)));
    changed_one(Webhook::delete(&app.table, (owner.0, id), may).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The webhook that was changed.
///
/// Errors: there is none, or the condition does not hold.
fn changed_one(changed: ChangedWebhook) -> Answer<Webhook> {
    match changed {
        ChangedWebhook::Changed(webhook) => Ok(*webhook),
        ChangedWebhook::Refused(_) => Err(precondition::changed()),
        ChangedWebhook::Missing => Err(not_found("webhook")),
    }
}

/// Replaces the signing secret of a webhook. Only this response shows the new one.
///
/// For a day, events are signed with the replaced secret, too: change your application within that time. If you replace
/// a secret more often, each of the last day signs. At most five sign at a time: then the request is refused until one
/// of them ends.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/webhooks/{webhook}/rotate", tag = "webhooks", operation_id = "rotate_webhook_secret",
    responses(
        (status = 200, body = NewWebhookView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_secrets`"),
    )
)]
pub(super) async fn rotate(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
) -> Answer<Json<NewWebhookView>> {
    found(&app, owner, id).await?;
    let clients = (&app.feed, &*app.secrets, &app.random);
    let rotated = Webhook::rotate(clients, (owner.0, id), app.clock.now()).await?;
    let (webhook, secret) = rotated.ok_or_else(|| not_found("webhook"))?;
    Ok(Json(NewWebhookView { secret: secret.expose().to_owned(), webhook: view(&app, webhook).await? }))
}

/// What a webhook is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = WebhookSend)]
pub(crate) enum SendRequest {
    /// A test: an event with the type `test`, which is in no feed. A paused webhook gets it, too.
    Test {},
    /// One event, again, whatever the types of the webhook. A paused webhook gets it, too.
    Again {
        /// Its number in the firm's feed.
        number: u64,
        /// The firm, for a webhook of the operator's.
        #[serde(default)]
        #[schema(value_type = Option<String>, format = "uuid")]
        firm: Option<FirmId>,
    },
    /// Everything that the feed has after this, of the types that the webhook gets, and from then on everything new.
    Since {
        /// The position, as in `after` of a new webhook.
        #[schema(schema_with = FeedPosition::schema)]
        after: FeedPosition,
    },
}

/// Posts to a webhook: a test, one event again, or all events since a given one.
///
/// A moment later, the webhook's deliveries show the result.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/webhooks/{webhook}/send", tag = "webhooks", operation_id = "send_webhook",
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
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
    Json(sent): Json<SendRequest>,
) -> Answer<StatusCode> {
    let webhook = found(&app, owner, id).await?;
    let requests = match sent {
        SendRequest::Test {} => vec![DeliveryRequest::Test],
        SendRequest::Again { number, firm } => {
            let firm = match (owner.0, firm) {
                (Some(own), Some(other)) if own != other => {
                    return Err(invalid("firm: the webhook is of another firm. Leave it out"));
                }
                (Some(firm), _) | (None, Some(firm)) => firm,
                (None, None) => {
                    return Err(invalid("firm: it is missing. A webhook of the operator's has events of all"));
                }
            };
            let found = app.feed.stored(firm, number).await?;
            if found.is_none_or(|found| found.is_void()) {
                let detail = "number: the feed of the firm has no event with this number.";
                return Err(Problem::new(Code::PositionUnknown, detail).into());
            }
            vec![DeliveryRequest::Again { firm, number }]
        }
        SendRequest::Since { after: FeedPosition(after) } => {
            let place = owner.place(&app, &after).await?;
            refuse_paused(&webhook)?;
            if !webhook.gets_any_after((&app.table, &app.feed), place, app.clock.now()).await? {
                let detail = "after: the feed has no event after this position whose type the webhook gets.";
                return Err(Problem::new(Code::NothingToPost, detail).into());
            }
            DeliveryProgress::send_since(&app.table, (webhook.firm, id), place).await?;
            Vec::new()
        }
    };
    post(&app, owner, id, requests).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whether an address took what was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryResult {
    /// It answered with a 2xx status.
    Taken,
    /// It answered with another status, or not at all.
    Failed,
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<String>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// `desc`, the default, has the newest first. `asc` has the oldest first.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    order: Option<Order>,
    /// `taken`: only those that the address answered with a 2xx status; `failed`: only the others.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    result: Option<DeliveryResult>,
    /// Only events of this type.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<WantedType>, inline)]
    r#type: Option<WantedType>,
    /// Only tries to post this event, by its id.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>)]
    event: Option<String>,
}

impl DeliveriesQuery {
    /// Whether deliveries may be left out.
    fn narrows(&self) -> bool {
        self.result.is_some() || self.r#type.is_some() || self.event.is_some()
    }

    fn wants(&self, delivery: &Delivery) -> bool {
        self.result.is_none_or(|result| (result == DeliveryResult::Taken) == delivery.is_taken())
            && self.r#type.is_none_or(|WantedType(wanted)| delivery.event_type == Some(wanted))
            && self.event.as_ref().is_none_or(|wanted| *wanted == delivery.event)
    }
}

/// One try to post an event.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// The address that it was posted to; null if an older version posted it.
    url: Option<String>,
    /// The id of the event, which is the header `webhook-id`.
    event: String,
    /// Its type; null for a test.
    r#type: Option<EventType>,
    /// The firm that it is about; null for a test.
    #[schema(value_type = Option<String>, format = "uuid")]
    firm: Option<FirmId>,
    /// Its number in the firm's feed; null for a test.
    number: Option<u64>,
    /// Which try of this event it was.
    attempt: u32,
    /// The status that the address answered with; null if there was no answer.
    status: Option<u16>,
    /// Why there was no answer.
    failure: Option<DeliveryFailure>,
    duration_ms: u64,
    /// The beginning of the answer.
    answer: String,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery {
            at, url, event, event_type, firm, number, attempt, status, failure, duration_ms, answer, ..
        } = delivery;
        let url = url.map(|url| url.as_str().to_owned());
        Self { at, url, event, r#type: event_type, firm, number, attempt, status, failure, duration_ms, answer }
    }
}

/// Lists the deliveries of a webhook in the last seven days, newest first: each attempt to post an event, and the
/// answer.
///
/// With a filter, a page may have few or no items although more follow, because one request examines at most 1,000
/// deliveries. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/webhooks/{webhook}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    params(DeliveriesQuery), responses((status = 200, body = Page<DeliveryView>))
)]
pub(super) async fn deliveries(
    owner: WebhooksOwner,
    State(app): State<Arc<App>>,
    Id(id): Id<WebhookId>,
    Query(which): Query<DeliveriesQuery>,
) -> Answer<Json<Page<DeliveryView>>> {
    let (app, webhook) = (&*app, found(&app, owner, id).await?);
    let (of, upwards) = ((webhook.firm, id), which.order == Some(Order::Asc));
    let prefix = Key::delivery_prefix(webhook.firm, id);
    let after = which.after.as_deref().map(|cursor| {
        let key = Key::delivery_before(webhook.firm, id, place_of(cursor, &prefix)?);
        key.ok_or_else(|| invalid("after: not the `next` of a page"))
    });
    let read = |after, at_once| async move {
        let rows = Delivery::list(&app.table, of, (after, upwards), at_once).await?;
        let has_more = rows.len() == at_once;
        Answer::Ok((rows.into_iter().map(|row| (row.key, row.value)).collect(), has_more))
    };
    let wanted = which.narrows().then_some(|delivery: &Delivery| which.wants(delivery));
    let (items, next) = examined(after.transpose()?, which.limit.unwrap_or_default(), read, wanted).await?;
    let next = next.map(|key| next_at(key.delivery_cursor(), &prefix));
    Ok(Json(Page { items: items.into_iter().map(DeliveryView::from).collect(), next }))
}
