//! The people who may enter the console for a firm, and the links by which they come.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Row,
    base::id::UserId,
    firm::{
        Firm,
        console_pass::{self, Invitation, OperatorLink, PassPurpose},
        user::{ConsoleUser, UserError, UserRole},
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{Caller, FirmScope, Operator},
    error::{Answer, Failure, not_found},
    extract::{Id, Json, Query, SoughtAddress, given, given_word},
    precondition::{ETag, IfMatch, Tagged},
    routes::paging::{Item, Sort, sorted},
};

/// A person who may enter the console for a firm.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserView {
    /// A digest of the account's tenant id and object id.
    #[schema(value_type = String, format = "uuid")]
    id: UserId,
    role: UserRole,
    /// The address with which the person accepted the invitation.
    address: String,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        match error {
            UserError::LastAdministrator => Problem::new(Code::LastAdministrator, "The person keeps the role.").into(),
            UserError::Table(error) => error.into(),
        }
    }
}

impl From<ConsoleUser> for UserView {
    fn from(ConsoleUser { id, role, address, since }: ConsoleUser) -> Self {
        Self { id, role, address, since }
    }
}

/// The people who may enter the console for a firm.
#[derive(Serialize, ToSchema)]
pub(crate) struct Users {
    items: Vec<UserView>,
}

/// A role in a firm.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRole {
    role: UserRole,
}

/// A link that lets somebody in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsoleLink {
    /// The link. Send it to the person only.
    url: String,
    /// When it expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

impl ConsoleLink {
    fn new<T: PassPurpose>(app: &App, pass: &SecretString, now: Timestamp) -> Self {
        let url = app.config.public_url.at(&format!("/console/enter/{}", pass.expose_secret()));
        Self { url, expires_at: now + T::LIFETIME }
    }
}

/// Which people are listed, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersFilter {
    /// Only those with this role.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    role: Option<UserRole>,
    /// Only those with this address, in any case.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 254, pattern = r"^[^\s@]+@[^\s@]+$")]
    address: Option<SoughtAddress>,
    /// `id` (default), `name` (by address), `newest` or `oldest`.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<Sort>,
}

impl Item for ConsoleUser {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }

    fn name(&self) -> &str {
        &self.address
    }

    fn created_at(&self) -> Timestamp {
        self.since
    }
}

/// The state of what a request changes about a person.
fn tag(user: &ConsoleUser) -> ETag {
    ETag::of(&user.role)
}

/// The person in that firm.
async fn find(app: &App, firm: &FirmScope, user: UserId) -> Answer<Row<ConsoleUser>> {
    ConsoleUser::find(&app.table, firm.id(), user).await?.ok_or_else(|| not_found("user"))
}

/// Lists the people who have access to the firm's console.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/users", tag = "users", operation_id = "list_users", params(UsersFilter),
    responses((status = 200, body = Users))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(filter): Query<UsersFilter>,
) -> Answer<Json<Users>> {
    let mut users = ConsoleUser::list(&app.table, firm.id()).await?;
    users.retain(|user| {
        filter.role.is_none_or(|role| user.role == role)
            && filter.address.as_ref().is_none_or(|address| address.0 == user.address)
    });
    Ok(Json(Users { items: sorted(filter.sort, users).into_iter().map(UserView::from).collect() }))
}

/// Shows a person who has access to the firm's console.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/users/{user}", tag = "users", operation_id = "read_user",
    responses((status = 200, body = UserView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(user): Id<UserId>,
) -> Answer<Tagged<UserView>> {
    let user = find(&app, &firm, user).await?.value;
    Ok(Tagged(tag(&user), user.into()))
}

/// Creates an invitation link with which a person gets access to a firm's console.
///
/// The person opens it and signs in at Microsoft. A link is valid for a week and for one account.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/invitations", tag = "users", operation_id = "create_invitation",
    responses((status = 201, body = ConsoleLink))
)]
pub(super) async fn invite(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewRole>,
) -> Answer<impl IntoResponse> {
    let name = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?.name;
    let (now, salt) = (app.clock.now(), app.random.token());
    let says = Invitation { firm: firm.id(), name, role: new.role, salt };
    let link = ConsoleLink::new::<Invitation>(&app, &console_pass::issue(&app.secrets, says, now).await?, now);
    tracing::info!(firm.id = %firm.id(), role = %new.role, "invitation created");
    Ok((StatusCode::CREATED, Json(link)))
}

/// Changes a person's role. The change takes effect at the person's next request.
///
/// Only the operator's key can leave a firm without an administrator.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/users/{user}", tag = "users", operation_id = "update_user", params(IfMatch),
    responses(
        (status = 200, body = UserView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`last_administrator`"),
    )
)]
pub(super) async fn change(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(user): Id<UserId>,
    condition: IfMatch,
    Json(new): Json<NewRole>,
) -> Answer<Tagged<UserView>> {
    let may_be_last = matches!(caller, Caller::Operator);
    let row = find(&app, &firm, user).await?;
    condition.check(&tag(&row.value))?;
    let user = ConsoleUser::change(&app.table, (firm.id(), row), new.role, may_be_last).await?;
    tracing::info!(firm.id = %firm.id(), user.id = %user.id, role = %user.role, "role changed");
    Ok(Tagged(tag(&user), user.into()))
}

/// Removes a person's access to the firm's console. Their next request is refused.
///
/// Only the operator's key can leave a firm without an administrator.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/users/{user}", tag = "users", operation_id = "remove_user", params(IfMatch),
    responses(
        (status = 204, description = "Removed."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`last_administrator`"),
    )
)]
pub(super) async fn remove(
    caller: Caller,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(user): Id<UserId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let row = find(&app, &firm, user).await?;
    condition.check(&tag(&row.value))?;
    ConsoleUser::dismiss(&app.table, firm.id(), row, matches!(caller, Caller::Operator)).await?;
    tracing::info!(firm.id = %firm.id(), user.id = %user, "console user removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Creates a link that opens the console as the operator, without an account at Microsoft.
///
/// It is valid for ten minutes and opens once.
#[utoipa::path(
    post, path = "/v1/operator-links", tag = "users", operation_id = "create_operator_link",
    responses((status = 201, body = ConsoleLink))
)]
pub(super) async fn operator_link(_: Operator, State(app): State<Arc<App>>) -> Answer<impl IntoResponse> {
    let now = app.clock.now();
    let pass = console_pass::issue(&app.secrets, OperatorLink { salt: app.random.token() }, now).await?;
    tracing::warn!("a link that opens the console as the operator was created");
    Ok((StatusCode::CREATED, Json(ConsoleLink::new::<OperatorLink>(&app, &pass, now))))
}
