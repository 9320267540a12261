//! A firm's API keys.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{ExternalId, FirmId, KeyId},
    firm::{
        api_key::{ApiKey, KeyRight, KeyScopeError, NewKeyError},
        external_id::ExternalIdOwner,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{Caller, FirmScope},
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, Query, given, given_word},
    field::{Moment, Name, OwnId},
    routes::{
        creation::{Creation, create_once},
        paging::{Item, Sort, sorted},
    },
};

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// Its name, such as the program that uses it.
    name: Name,
    /// Its rights. Defaults to all rights of the calling key.
    #[serde(default)]
    #[schema(min_items = 1)]
    rights: Option<BTreeSet<KeyRight>>,
    /// When it expires. Defaults to the expiry of the calling key, if that has one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Moment>,
    /// Your own id of the key. If a key of the firm has it already, that one is returned without its text, and none is
    /// created.
    #[serde(default)]
    external_id: Option<OwnId>,
}

/// A new API key. This is the only response that shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    /// The key. greffe stores only its digest and can't show it again.
    key: String,
    #[serde(flatten)]
    view: KeyView,
}

impl From<KeyScopeError> for Failure {
    fn from(error: KeyScopeError) -> Self {
        match error {
            KeyScopeError::Right(_) => Problem::new(Code::KeyRightMissing, format!("rights: {error}.")).into(),
            KeyScopeError::End => invalid(format!("expires_at: {error}")),
        }
    }
}

impl From<NewKeyError> for Failure {
    fn from(error: NewKeyError) -> Self {
        match error {
            NewKeyError::TooMany => Problem::new(Code::TooManyKeys, format!("At present {error}.")).into(),
            NewKeyError::Table(error) => error.into(),
        }
    }
}

/// Creates an API key of a firm.
///
/// The new key can have no right that the calling key lacks, and can't expire later than it. A firm has at most 50
/// keys.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/keys", tag = "firms", operation_id = "create_key",
    responses(
        (status = 200, body = KeyView, description = "A key has this `external_id` already: it is as shown."),
        (status = 201, body = NewKeyView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_keys`"),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    caller: Caller,
    State(app): State<Arc<App>>,
    Json(new): Json<NewKey>,
) -> Answer<Response> {
    let (now, external) = (app.clock.now(), new.external_id.map(OwnId::into_inner));
    let known = || known(&app, firm.id(), external.as_ref());
    let create = async {
        if new.rights.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(invalid("rights: a key has one right at least"));
        }
        let expires_at = new.expires_at.map(Moment::into_inner);
        if expires_at.is_some_and(|end| end <= now) {
            return Err(invalid("expires_at: it is not in the future"));
        }
        let grant = caller.grant().narrowed(new.rights, expires_at)?;
        let named = (new.name.into_inner(), external.clone());
        Ok(ApiKey::create((&app.table, &app.random), firm.id(), named, grant, now).await?)
    };
    let (key, text) = match create_once(known, create).await? {
        Creation::New(created) => created,
        Creation::Existing(there) => return Ok(Json(KeyView::from(there)).into_response()),
    };
    tracing::info!(firm.id = %firm.id(), key.id = %key.id, "key created");
    let view = NewKeyView { key: text.expose_secret().to_owned(), view: key.into() };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// The key of the firm that has this external id already.
async fn known(app: &App, firm: FirmId, external: Option<&ExternalId>) -> Answer<Option<ApiKey>> {
    Ok(ExternalIdOwner::Key.existing(&app.table, Some(firm), external, |id| Key::api_key(firm, id)).await?)
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyView {
    #[schema(value_type = String, format = "uuid")]
    id: KeyId,
    name: String,
    /// Its rights.
    #[schema(value_type = Vec<KeyRight>)]
    rights: BTreeSet<KeyRight>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it expires; null if it does not expire.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    /// The minute of the last use; null if it was never used.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
    /// Your own id of the key; null if it has none.
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<ExternalId>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, rights, created_at, ends_at: expires_at, last_used_at, external_id, .. } = key;
        Self { id, name, rights, created_at, expires_at, last_used_at, external_id }
    }
}

/// A firm's keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct Keys {
    items: Vec<KeyView>,
}

/// Which keys are listed, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// Only those that have this right.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    right: Option<KeyRight>,
    /// `id` (default), `name`, `newest` or `oldest`.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<Sort>,
}

impl Item for ApiKey {
    type Id = KeyId;

    fn id(&self) -> KeyId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// Lists a firm's API keys.
///
/// To replace a key, create another, change your application to use it, and revoke the old one.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/keys", tag = "firms", operation_id = "list_keys", params(KeysFilter),
    responses((status = 200, body = Keys))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(filter): Query<KeysFilter>,
) -> Answer<Json<Keys>> {
    let mut keys = ApiKey::list(&app.table, firm.id()).await?;
    keys.retain(|key| {
        (filter.external_id.is_none() || key.external_id == filter.external_id)
            && filter.right.is_none_or(|right| key.rights.contains(&right))
    });
    Ok(Json(Keys { items: sorted(filter.sort, keys).into_iter().map(KeyView::from).collect() }))
}

/// Revokes an API key. Requests with it get 401.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/keys/{key}", tag = "firms", operation_id = "revoke_key",
    responses((status = 204, description = "Revoked."))
)]
pub(super) async fn revoke(firm: FirmScope, State(app): State<Arc<App>>, Id(key): Id<KeyId>) -> Answer<StatusCode> {
    if !ApiKey::revoke(&app.table, firm.id(), key).await? {
        return Err(not_found("key"));
    }
    tracing::info!(firm.id = %firm.id(), key.id = %key, "key revoked");
    Ok(StatusCode::NO_CONTENT)
}
