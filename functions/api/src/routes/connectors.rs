//! Connectors.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::{
        connector::{Access, Connector, ConnectorState, OwnApp, Rights},
        credential::{Certificate, Credential},
        lease::{Held, New},
        owner::Owner,
        registration::RegistrationError,
        sign_in::{self, connect_url},
        tenancy,
    },
    app::App,
    aws::{
        secrets::CURRENT,
        table::{Key, Write},
    },
    base::id::{ClientId, ConnectorId, FirmId, TenantId},
    firm::{Firm, feed::CredentialKind},
    graph::TokenError,
    problem::{Code, Noted, Problem, Text, Who, of_app_not_allowed},
};
use utoipa::ToSchema;

use super::{
    Page, Part,
    credentials::{self, SecretView},
};
use crate::{
    auth::{Caller, FirmScope, Needs, Operator},
    error::{Answer, invalid, not_found},
    extract::{Id, Json, Query},
    field::{AppId, ClientSecret, Name, Tenant},
    language,
};

/// A connector to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnector {
    name: Name,
    access: Access,
    /// Whether mail is marked in Outlook. Without, the right to write is not asked for.
    #[serde(default = "yes")]
    mark: bool,
    /// Whether a signed-in user's shared mailboxes are opened too; personal accounts have none.
    #[serde(default)]
    shared_mailboxes: bool,
    /// Whether dates are pushed to Outlook's calendar or To Do: the rights to write there are asked for.
    #[serde(default)]
    dates: bool,
    /// Whether contacts are pushed to Outlook: the right to write them is asked for.
    #[serde(default)]
    contacts: bool,
    /// The firm's own app registration; null for the platform's.
    app: Option<NewApp>,
}

fn yes() -> bool {
    true
}

/// What is to change about a connector; what is left out stays. What somebody has to grant holds from the next sign-in on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorChange {
    name: Option<Name>,
    access: Option<Access>,
    mark: Option<bool>,
    shared_mailboxes: Option<bool>,
    dates: Option<bool>,
    contacts: Option<bool>,
    /// When the client secret of the firm's own app ends, where Entra does not tell it.
    #[schema(value_type = Option<String>, format = "date-time")]
    secret_expires_at: Option<Timestamp>,
}

/// A firm's own app registration. A firm has one at most; with the same ids its client secret may be entered again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApp {
    tenant_id: Tenant,
    client_id: AppId,
    /// What the app proves itself with. A certificate is made by greffe: see its connector's address, `/certificate`.
    #[serde(default = "by_secret")]
    credential: CredentialKind,
    /// With `secret`: its value.
    client_secret: Option<ClientSecret>,
    /// With `secret`: when it ends, where Entra does not tell it.
    #[schema(value_type = Option<String>, format = "date-time")]
    secret_expires_at: Option<Timestamp>,
}

/// What a credential is unless something else is said.
pub(super) fn by_secret() -> CredentialKind {
    CredentialKind::Secret
}

/// A connector.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectorView {
    #[schema(value_type = String, format = "uuid")]
    id: ConnectorId,
    name: String,
    access: Access,
    /// Whether mail is marked in Outlook.
    mark: bool,
    /// Whether a signed-in user's shared mailboxes are opened too.
    shared_mailboxes: bool,
    /// Whether dates are pushed to Outlook's calendar or To Do.
    dates: bool,
    /// Whether contacts are pushed to Outlook.
    contacts: bool,
    /// What the next sign-in at `connect_url` asks for, if that is more or other than what the connector has.
    wanted: Option<Rights>,
    /// The firm's own app registration; null for the platform's.
    app: Option<AppView>,
    state: ConnectorState,
    /// The address of who signed in.
    connected_as: Option<String>,
    /// The organisation that it opens, or waits to open; null for access through a person.
    organization: Option<OrganizationView>,
    /// Opened in a browser, it connects, or connects again. It ends after a day; each reading brings a new one. Null for a key
    /// without the right `manage`, and while greffe's key ring can't be read.
    connect_url: Option<String>,
    /// What keeps it from working.
    problem: Option<ProblemView>,
    /// What the last sign-in failed at; null once one succeeded.
    sign_in_problem: Option<ProblemView>,
    /// The credential of the app registration, as far as it is known.
    secret: Option<SecretView>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// A Microsoft 365 tenant beside the firm. Greffe compares and does not decide: a firm's domain may lie in another tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// Whether it waits for the operator's grant.
    awaits_grant: bool,
    /// The domains that are verified in the tenant; null where Microsoft did not list them.
    verified_domains: Option<Vec<String>>,
    /// Which of the firm's `domains` are not among them; null where they are unknown.
    unverified_domains: Option<Vec<String>>,
}

impl OrganizationView {
    async fn of(app: &App, connector: &Connector) -> Answer<Option<Self>> {
        let Some(tenant_id) = connector.organization().cloned() else { return Ok(None) };
        let awaiting = connector.awaiting_grant.as_ref();
        let verified = awaiting.map_or(&connector.verified_domains, |awaiting| &awaiting.verified_domains).clone();
        let unverified = match &verified {
            Some(verified) => {
                let firm = Firm::find(&app.table, connector.firm).await?;
                firm.map(|firm| firm.domains.into_iter().filter(|domain| !verified.contains(domain)).collect())
            }
            None => None,
        };
        let awaits_grant = awaiting.is_some();
        Ok(Some(Self { tenant_id, awaits_grant, verified_domains: verified, unverified_domains: unverified }))
    }
}

/// A firm's own app registration, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[schema(value_type = String)]
    client_id: ClientId,
}

impl From<OwnApp> for AppView {
    fn from(OwnApp { tenant_id, client_id }: OwnApp) -> Self {
        Self { tenant_id, client_id }
    }
}

/// What keeps something from working, and whose turn it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemView {
    code: Code,
    meaning: &'static str,
    who: Who,
    next_action: &'static str,
    /// Microsoft's own code; null where it was not Microsoft who refused.
    microsoft_code: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

impl From<Noted> for ProblemView {
    fn from(problem: Noted) -> Self {
        let Noted { code, microsoft_code, since } = problem;
        let Text { meaning, next_action } = code.text(language::of_caller());
        let who = code.who();
        let microsoft_code = Some(microsoft_code).filter(|code| !code.is_empty());
        Self { code, meaning, who, next_action, microsoft_code, since }
    }
}

/// `linked`: with the link that connects it, which is for callers who may manage.
pub(super) async fn view(app: &App, connector: Connector, linked: bool) -> Answer<ConnectorView> {
    let connect_url = match connect_url(app, &connector).await {
        _ if !linked => None,
        Ok(url) => Some(url),
        // The rest is shown all the same: its problem says whose turn it is.
        Err(TokenError::Secret(error)) if error.needs_the_operator() => None,
        Err(error) => return Err(error.into()),
    };
    let secret = SecretView::of(app, Owner::of(&connector)).await?;
    let organization = OrganizationView::of(app, &connector).await?;
    let obstacle = match app.tokens.obstacle(&connector).await {
        Ok(obstacle) => obstacle,
        // Whoever needs the secret meets that.
        Err(TokenError::Secret(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let since = connector.connected_at.unwrap_or(connector.created_at);
    let obstacle = obstacle.map(|not| Noted { code: of_app_not_allowed(not), microsoft_code: String::new(), since });
    let Connector { id, name, access, mark, shared_mailboxes, dates, contacts, wanted, .. } = connector;
    let Connector { app, state, account, problem, sign_in_problem, created_at, .. } = connector;
    let app = app.map(AppView::from);
    let connected_as = account.map(|account| account.address);
    // What has ended does not work, though nobody may have met a refusal yet.
    let problem = problem.or_else(|| secret.as_ref().and_then(SecretView::problem)).or(obstacle);
    let (problem, sign_in_problem) = (problem.map(ProblemView::from), sign_in_problem.map(ProblemView::from));
    Ok(ConnectorView {
        id,
        name,
        access,
        mark,
        shared_mailboxes,
        dates,
        contacts,
        wanted,
        app,
        state,
        connected_as,
        organization,
        connect_url,
        problem,
        sign_in_problem,
        secret,
        created_at,
    })
}

/// Makes a connector. Nothing is asked of Microsoft until somebody opens its `connect_url`.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors", tag = "connectors", operation_id = "create_connector",
    responses(
        (status = 201, body = ConnectorView, headers(("Location" = String, description = "The connector's address"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`other_own_app`, `no_platform_app`"),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewConnector>,
) -> Answer<impl IntoResponse> {
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
        created_at: app.clock.now(),
    };
    connector.insert(&app.table).await?;
    tracing::info!(firm.id = %connector.firm, connector.id = %connector.id, "connector created");
    let location = [(header::LOCATION, format!("/v1/firms/{}/connectors/{}", connector.firm, connector.id))];
    Ok((StatusCode::CREATED, location, Json(view(&app, connector, true).await?)))
}

/// Its credential is stored before any connector uses it. One that takes the place of another is tried first.
async fn keep_own_app(app: &App, firm: FirmId, new: NewApp) -> Answer<OwnApp> {
    let own = OwnApp { tenant_id: new.tenant_id.into_inner(), client_id: new.client_id.into_inner() };
    let owner = Owner::Firm(firm);
    let given = credentials::given(app, owner, new.credential, new.client_secret, new.secret_expires_at).await?;
    if !own.claim(&app.table, firm).await? {
        return Err(Problem::new(Code::OtherOwnApp, "The field app names another tenant or client id.").into());
    }
    let current = app.secrets.labelled(&owner.secret_id(), CURRENT).await?;
    let current = current.map(|version| Credential::parse(&version.text));
    match (current, given) {
        (Some(Credential::Certificate(_)), None) => {}
        (Some(_), None) => {
            return Err(invalid("app.credential: make a certificate for this app first, then switch to it"));
        }
        (Some(current), Some(given)) if current.is_same(&given) => {}
        (Some(_), Some(given)) if is_in_use(app, firm).await? => {
            Held::take(app, owner).await?.replace(New::Credential(given), None).await.map_err(credentials::told)?;
        }
        (_, given) => {
            let name = format!("greffe {}", own.client_id);
            let credential = match given {
                Some(given) => given,
                None => Credential::Certificate(
                    Certificate::make(name, app.clock.now(), &app.random).await.map_err(RegistrationError::from)?,
                ),
            };
            app.secrets.write(&owner.secret_id(), &credential.to_text()).await?;
            Held::take(app, owner).await?.release().await?;
        }
    }
    Ok(own)
}

/// Whether somebody has connected with the firm's own app. Before, a secret that was mistyped is just entered again.
async fn is_in_use(app: &App, firm: FirmId) -> Answer<bool> {
    let all = app.table.query_all::<Connector>(&Key::connector_prefix(firm)).await?;
    Ok(all.iter().any(|row| row.value.app.is_some() && row.value.connected_at.is_some()))
}

/// Shows a connector.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/connectors/{connector}", tag = "connectors", operation_id = "read_connector",
    responses((status = 200, body = ConnectorView))
)]
pub(super) async fn read(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
) -> Answer<Json<ConnectorView>> {
    let found = Connector::find(&app.table, firm.id(), connector).await?.ok_or_else(|| not_found("connector"))?;
    Ok(Json(view(&app, found.value, may_connect(&caller)).await?))
}

/// Changes a connector. It works as it does until somebody opens its `connect_url` and grants what it wants more; nothing of
/// its mailboxes is lost by it.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/connectors/{connector}", tag = "connectors", operation_id = "update_connector",
    responses((status = 200, body = ConnectorView))
)]
pub(super) async fn change(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    Json(change): Json<ConnectorChange>,
) -> Answer<Json<ConnectorView>> {
    let mut row = Connector::find(&app.table, firm.id(), connector).await?.ok_or_else(|| not_found("connector"))?;
    if let Some(name) = change.name {
        row.value.name = name.into_inner();
    }
    let before = row.value.as_wanted().rights();
    let rights = Rights {
        access: change.access.unwrap_or(before.access),
        mark: change.mark.unwrap_or(before.mark),
        shared_mailboxes: change.shared_mailboxes.unwrap_or(before.shared_mailboxes),
        dates: change.dates.unwrap_or(before.dates),
        contacts: change.contacts.unwrap_or(before.contacts),
    };
    if row.value.is_personal() && (rights.access == Access::Organization || rights.shared_mailboxes) {
        let detail = "A personal account is connected: it has no organisation, and opens no shared mailboxes.";
        return Err(Problem::new(Code::NotForPersonalAccounts, detail).into());
    }
    row.value = row.value.wanting(rights);
    let mut withdrawn = None;
    if row.value.awaiting_grant.is_some() && rights.access != Access::Organization {
        withdrawn = tenancy::leave(&app.table, &row.value).await?;
        row.value.awaiting_grant = None;
        row.value.sign_in_problem.take_if(|problem| problem.code == Code::TenantGrantRequired);
    }
    if let Some(expires_at) = change.secret_expires_at {
        let owner = credentials::owner(firm, &row.value)?;
        credentials::enter(&app, owner, expires_at).await?;
    }
    app.table.transact([Write::replace(&row)].into_iter().chain(withdrawn).collect()).await?;
    tracing::info!(firm.id = %row.value.firm, connector.id = %row.value.id, "connector changed");
    Ok(Json(view(&app, row.value, true).await?))
}

/// What the operator grants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenantGrant {
    /// The tenant, as `GET /v1/tenants` shows it: a later sign-in may have put another in its place.
    tenant_id: Tenant,
}

/// Grants a connector that waits for it organisation-wide access to a tenant: nobody proved to be an administrator, or the tenant belongs
/// to another firm. See `GET /v1/tenants` for who waits. It connects the connector at once, if Microsoft's consent is there. The operator's
/// key only.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/grant", tag = "connectors", operation_id = "grant_connector",
    responses(
        (status = 200, body = ConnectorView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_connected`: nothing waits; `tenant_grant_required`: it waits for another tenant; `consent_required`"),
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
    sign_in::grant(&app, &found.value, &tenant).await?;
    tracing::info!(
        firm.id = %firm.id(), connector.id = %connector, tenant.id = %tenant.as_str(), "organisation-wide access granted"
    );
    let granted = find().await?.ok_or_else(|| not_found("connector"))?;
    Ok(Json(view(&app, granted.value, true).await?))
}

fn may_connect(caller: &Caller) -> bool {
    Needs::MANAGE.lacking(caller).is_none()
}

/// Lists a firm's connectors.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/connectors", tag = "connectors", operation_id = "list_connectors", params(Part),
    responses((status = 200, body = Page<ConnectorView>))
)]
pub(super) async fn list(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(part): Query<Part>,
) -> Answer<Json<Page<ConnectorView>>> {
    let firm = firm.id();
    let key = |connector| Key::connector(firm, connector);
    let Page { items, next } =
        part.read(&app.table, &Key::connector_prefix(firm), key, |connector: &Connector| connector.id).await?;
    let mut shown = Vec::with_capacity(items.len());
    for connector in items {
        shown.push(view(&app, connector, may_connect(&caller)).await?);
    }
    Ok(Json(Page { items: shown, next }))
}
