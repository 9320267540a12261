//! Connectors.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::{
        app_owner::AppOwner,
        connect_link,
        connection::{self, ConnectorChangeError, ConnectorChanges},
        connector::{Access, Connector, ConnectorState, OwnApp, Rights},
        deletion::delete_connector,
        own_app::{self, OwnAppError},
        return_address::ReturnAddress,
    },
    app::App,
    aws::table::Key,
    base::id::{ConnectorId, ExternalId, FirmId},
    firm::{external_id::ExternalIdOwner, fact::CredentialKind},
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    creation::{Creation, create_once},
    credentials,
    paging::{Item, Listed, Page, PageQuery},
    views::{ConnectorView, view},
};
use crate::{
    auth::{Caller, FirmScope, Needs, Operator},
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, given, given_word, present},
    field::{AppId, ClientSecret, Moment, Name, OwnId, Tenant},
    precondition::{ETag, IfMatch, Tagged},
};

/// A new connector.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnector {
    name: Name,
    access: Access,
    /// Whether greffe sets a category on archived mail in Outlook. If false, the sign-in does not request the right to
    /// write.
    #[serde(default = "yes")]
    mark: bool,
    /// Whether the connector also opens the shared mailboxes of the signed-in user. Personal accounts have none.
    #[serde(default)]
    shared_mailboxes: bool,
    /// Whether greffe writes dates to Outlook's calendar or To Do. The sign-in then requests the rights to write there.
    #[serde(default)]
    dates: bool,
    /// Whether greffe writes contacts to Outlook. The sign-in then requests the right to write them.
    #[serde(default)]
    contacts: bool,
    /// The firm's app registration; null if the connector uses the operator's.
    app: Option<NewApp>,
    /// Your own id of the connector. If a connector of the firm has it already, that one is returned, and none is
    /// created.
    #[serde(default)]
    external_id: Option<OwnId>,
}

fn yes() -> bool {
    true
}

/// A change of a connector. Omitted fields stay. Changes that need further rights take effect after the next sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    access: Option<Access>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    mark: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    shared_mailboxes: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    dates: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    contacts: Option<bool>,
    /// When the client secret of the firm's app registration expires. Needed only if Entra does not show the date to
    /// greffe.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, format = "date-time")]
    secret_expires_at: Option<Moment>,
    /// Your own id, by which a repeated creation finds it; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<Option<OwnId>>,
}

/// A firm's own app registration. A firm has at most one. Send the same ids again to replace its client secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApp {
    tenant_id: Tenant,
    client_id: AppId,
    /// The kind of credential. greffe makes a certificate: see `POST
    /// /v1/firms/{firm}/connectors/{connector}/certificate`.
    #[serde(default = "credentials::by_secret")]
    credential: CredentialKind,
    /// With `secret`: the value of the client secret.
    client_secret: Option<ClientSecret>,
    /// With `secret`: when it expires. Needed only if Entra does not show the date to greffe.
    #[schema(value_type = Option<String>, format = "date-time")]
    secret_expires_at: Option<Moment>,
}

/// Creates a connector: one connection of the firm to Microsoft 365.
///
/// It connects when somebody opens its `connect_url` in a browser and signs in. Until then, greffe sends Microsoft
/// nothing.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors", tag = "connectors", operation_id = "create_connector",
    responses(
        (
            status = 200, body = ConnectorView,
            description = "A connector has this `external_id` already: it is as shown."
        ),
        (status = 201, body = ConnectorView, headers(("Location" = String, description = "The connector's address"))),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`other_own_app`, `no_platform_app`"
        ),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewConnector>,
) -> Answer<Response> {
    let external = new.external_id.map(OwnId::into_inner);
    let known = || known(&app, firm.id(), external.as_ref());
    let create = async {
        let own = match new.app {
            Some(new) => Some(keep_own_app(&app, firm.id(), new).await?),
            None if app.config.app_client_id.is_some() => None,
            None => return Err(Problem::new(Code::NoPlatformApp, "The field app is null.").into()),
        };
        let connector = Connector {
            id: ConnectorId::draw(&app.random),
            firm: firm.id(),
            name: new.name.into_inner(),
            access: new.access,
            mark: new.mark,
            shared_mailboxes: new.shared_mailboxes,
            dates: new.dates,
            contacts: new.contacts,
            wanted: None,
            app: own,
            state: ConnectorState::AwaitingSignIn,
            account: None,
            connected_at: None,
            problem: None,
            sign_in_problem: None,
            verified_domains: None,
            awaiting_grant: None,
            silence: None,
            external_id: external.clone(),
            created_at: app.clock.now(),
        };
        connector.insert(&app.table).await?;
        Ok(connector)
    };
    let connector = match create_once(known, create).await? {
        Creation::New(connector) => connector,
        Creation::Existing(there) => return Ok(shown(&app, there, true).await?.into_response()),
    };
    tracing::info!(firm.id = %connector.firm, connector.id = %connector.id, "connector created");
    let location = [(header::LOCATION, format!("/v1/firms/{}/connectors/{}", connector.firm, connector.id))];
    Ok((StatusCode::CREATED, location, shown(&app, connector, true).await?).into_response())
}

/// The connector of the firm that has this external id already.
async fn known(app: &App, firm: FirmId, external: Option<&ExternalId>) -> Answer<Option<Connector>> {
    Ok(ExternalIdOwner::Connector.existing(&app.table, Some(firm), external, |id| Key::connector(firm, id)).await?)
}

impl From<ConnectorChangeError> for Failure {
    fn from(error: ConnectorChangeError) -> Self {
        match error {
            ConnectorChangeError::Personal => {
                let detail = "A personal account is connected: it has no organisation, and opens no shared mailboxes.";
                Problem::new(Code::NotForPersonalAccounts, detail).into()
            }
            ConnectorChangeError::ExternalIdTaken => {
                Problem::new(Code::ExternalIdTaken, "external_id: another has it. Nothing was changed.").into()
            }
            ConnectorChangeError::Credential(error) => error.into(),
            ConnectorChangeError::Table(error) => error.into(),
        }
    }
}

impl Item for Connector {
    type Id = ConnectorId;

    fn id(&self) -> ConnectorId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A connector with its tag, which follows what a PATCH changes.
async fn shown(app: &App, connector: Connector, linked: bool) -> Answer<Tagged<ConnectorView>> {
    Ok(Tagged(tag(&connector), view(app, connector, linked).await?))
}

fn tag(connector: &Connector) -> ETag {
    ETag::of(&(&connector.name, connector.as_wanted().rights()))
}

/// Makes the app registration that a request names the firm's own.
async fn keep_own_app(app: &App, firm: FirmId, new: NewApp) -> Answer<OwnApp> {
    let own = OwnApp { tenant_id: new.tenant_id.into_inner(), client_id: new.client_id.into_inner() };
    let expires_at = new.secret_expires_at.map(Moment::into_inner);
    let (owner, secret) = (AppOwner::Firm(firm), new.client_secret);
    let given = credentials::read_credential(app, owner, new.credential, secret, expires_at).await?;
    own_app::keep(app, firm, &own, given).await.map_err(|error| match error {
        OwnAppError::Another => {
            Problem::new(Code::OtherOwnApp, "The field app names another tenant or client id.").into()
        }
        OwnAppError::NoCertificate => invalid(format!("app.credential: {error}")),
        OwnAppError::Credential(error) => Failure::from(error),
    })?;
    Ok(own)
}

/// Shows a connector: its access, its state, its credential, and its problem.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/connectors/{connector}", tag = "connectors", operation_id = "read_connector",
    responses((status = 200, body = ConnectorView))
)]
pub(super) async fn read(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
) -> Answer<Tagged<ConnectorView>> {
    let found = Connector::find(&app.table, firm.id(), connector).await?.ok_or_else(|| not_found("connector"))?;
    shown(&app, found.value, may_connect(&caller)).await
}

/// Changes the given fields of a connector.
///
/// If the change needs further rights at Microsoft, the connector works with its present rights until somebody opens
/// its `connect_url` and grants them. Its mailboxes and their mail stay.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/connectors/{connector}", tag = "connectors", operation_id = "update_connector",
    params(IfMatch),
    responses(
        (status = 200, body = ConnectorView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`external_id_taken`, `not_for_personal_accounts`"
        ),
    )
)]
pub(super) async fn change(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    condition: IfMatch,
    Json(change): Json<ConnectorChange>,
) -> Answer<Tagged<ConnectorView>> {
    let row = Connector::find(&app.table, firm.id(), connector).await?.ok_or_else(|| not_found("connector"))?;
    condition.check(&tag(&row.value))?;
    let before = row.value.as_wanted().rights();
    let rights = Rights {
        access: change.access.unwrap_or(before.access),
        mark: change.mark.unwrap_or(before.mark),
        shared_mailboxes: change.shared_mailboxes.unwrap_or(before.shared_mailboxes),
        dates: change.dates.unwrap_or(before.dates),
        contacts: change.contacts.unwrap_or(before.contacts),
    };
    let secret_expires_at = match change.secret_expires_at {
        Some(at) => Some((credentials::owner(firm, &row.value)?, at.into_inner())),
        None => None,
    };
    let (name, external_id) = (change.name.map(Name::into_inner), change.external_id);
    let external_id = external_id.map(|id| id.map(OwnId::into_inner));
    let changes = ConnectorChanges { name, rights, secret_expires_at, external_id };
    let changed = connection::change(&app, row, changes).await?;
    tracing::info!(firm.id = %changed.firm, connector.id = %changed.id, "connector changed");
    shown(&app, changed, true).await
}

/// Deletes a connector and ends greffe's access through it. Archived mail is kept.
///
/// Its mailboxes are paused and their subscriptions end; nothing more is pushed through it, and what was pushed stays
/// in Outlook. Mailboxes and members stay and can be given another connector. With the last connector that uses the
/// firm's app registration, greffe also removes what it created for the registration at Entra, and deletes its client
/// secret.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/connectors/{connector}", tag = "connectors", operation_id = "delete_connector",
    params(IfMatch),
    responses(
        (status = 204, description = "Deleted."),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`conflict`: greffe is changing the firm's credential at this moment"
        ),
    )
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<ConnectorId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let found = Connector::find(&app.table, firm.id(), id).await?.ok_or_else(|| not_found("connector"))?;
    condition.check(&tag(&found.value))?;
    Box::pin(delete_connector(&app, &found.value)).await?;
    tracing::info!(firm.id = %firm.id(), connector.id = %id, "connector deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Where the person's browser goes after the sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSignInLink {
    /// The address of your page: https, on an origin that the operator allows (`ReturnOrigins`); on one machine, http
    /// to `localhost` will do. greffe adds `outcome` (`connected` or `failed`), `connector`, with `failed` the `code`
    /// of the problem, and your `state`.
    #[schema(max_length = 2000, pattern = "^https?://[!-~]+$", example = "https://application.example/connected")]
    return_url: String,
    /// What your page gets back as it is: 1 to 500 visible ASCII characters.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^[!-~]+$", example = "s-1")]
    state: Option<String>,
}

/// A link to sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInLink {
    /// The link to open in a browser. It is valid for one day and connects once.
    connect_url: String,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Creates a link with which a person signs in at Microsoft and then returns to a page of your application.
///
/// The `connect_url` of a connector ends at a page of greffe's. This link sends the person's browser on to
/// `return_url`, whether the sign-in succeeded or failed. A link that is too old or was used, and a browser that did
/// not begin the sign-in, still get a page of greffe's. Read the connector for the result: anybody can open your page.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/link", tag = "connectors",
    operation_id = "create_sign_in_link",
    responses(
        (status = 201, body = SignInLink),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`secrets_unreadable`"),
    )
)]
pub(super) async fn link(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<ConnectorId>,
    Json(new): Json<NewSignInLink>,
) -> Answer<impl IntoResponse> {
    let found = Connector::find(&app.table, firm.id(), id).await?.ok_or_else(|| not_found("connector"))?;
    // Without TLS greffe itself is on one machine, and so may the application be.
    let loopback = !app.config.public_url.is_https();
    let asked = (new.return_url.trim(), new.state.as_deref());
    let back = ReturnAddress::parse(asked, &app.config.return_origins, loopback).map_err(|e| invalid(e.to_string()))?;
    let expires_at = app.clock.now() + connect_link::CONNECT_LINK_LIFETIME;
    let connect_url = connect_link::connect_url(&app, &found.value, Some(back)).await?;
    Ok((StatusCode::CREATED, Json(SignInLink { connect_url, expires_at })))
}

/// The operator's grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenantGrant {
    /// The tenant, as `GET /v1/tenants` shows it. It must match, because a later sign-in may have changed the tenant.
    tenant_id: Tenant,
}

/// Lets a waiting connector use a Microsoft 365 tenant that is another firm's, or whose administrator is unverified.
///
/// A connector waits if greffe could not verify that the person who signed in is an administrator, or if the tenant
/// belongs to another firm. `GET /v1/tenants` lists the waiting connectors. The connector connects at once if an
/// administrator has given consent at Microsoft.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/grant", tag = "connectors", operation_id = "grant_connector",
    responses(
        (status = 200, body = ConnectorView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`not_connected`: nobody signed in; `nothing_to_grant`: it works without a grant; \
                `tenant_grant_required`: it waits for another tenant; `consent_required`"
        ),
    )
)]
pub(super) async fn grant(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    Json(new): Json<NewTenantGrant>,
) -> Answer<Json<ConnectorView>> {
    let find = || Connector::find(&app.table, firm.id(), connector);
    let found = find().await?.ok_or_else(|| not_found("connector"))?;
    let tenant = new.tenant_id.into_inner();
    connection::grant(&app, &found.value, &tenant).await?;
    tracing::info!(
        firm.id = %firm.id(), connector.id = %connector, tenant.id = %tenant.as_str(), "organisation-wide access granted"
    );
    let granted = find().await?.ok_or_else(|| not_found("connector"))?;
    Ok(Json(view(&app, granted.value, true).await?))
}

fn may_connect(caller: &Caller) -> bool {
    Needs::MANAGE.lacking(caller).is_none()
}

/// Which connectors.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConnectorsFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// Only those in this state.
    #[serde(default, deserialize_with = "given_word")]
    state: Option<ConnectorState>,
}

/// Lists a firm's connectors, with their states and problems.
///
/// With `state`, a page may have few or no items although more follow, because one request examines at most 1,000
/// connectors. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/connectors", tag = "connectors", operation_id = "list_connectors",
    params(ConnectorsFilter, PageQuery), responses((status = 200, body = Page<ConnectorView>))
)]
pub(super) async fn list(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<ConnectorsFilter>,
) -> Answer<Json<Page<ConnectorView>>> {
    let firm = firm.id();
    let ConnectorsFilter { external_id, state } = filter;
    let wanted = state.map(|state| move |connector: &Connector| connector.state == state);
    let Page { items, next } = match &external_id {
        Some(external) => Page::of(known(&app, firm, Some(external)).await?, wanted),
        None => part.read(&app.table, &Key::connector_prefix(firm), |id| Key::connector(firm, id), wanted).await?,
    };
    let mut shown = Vec::with_capacity(items.len());
    for connector in items {
        shown.push(view(&app, connector, may_connect(&caller)).await?);
    }
    Ok(Json(Page { items: shown, next }))
}
