//! The people who may enter the console for a firm, and the links by which they come.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    base::id::UserId,
    firm::{
        Firm,
        console_pass::{self, Invitation, OperatorLink, PassPurpose},
        user::{ConsoleUser, UserError, UserRole},
    },
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use crate::{
    auth::{Caller, FirmScope, Operator},
    error::{Answer, Failure, not_found},
    extract::{Id, Json},
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
            UserError::Unknown => not_found("user"),
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

/// Lists the people who have access to the firm's console.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/users", tag = "users", operation_id = "list_users",
    responses((status = 200, body = Users))
)]
pub(super) async fn list(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<Users>> {
    let users = ConsoleUser::list(&app.table, firm.id()).await?.into_iter();
    Ok(Json(Users { items: users.map(UserView::from).collect() }))
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
    put, path = "/v1/firms/{firm}/users/{user}", tag = "users", operation_id = "update_user",
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
    Json(new): Json<NewRole>,
) -> Answer<Json<UserView>> {
    let may_be_last = matches!(caller, Caller::Operator);
    let user = ConsoleUser::change(&app.table, (firm.id(), user), new.role, may_be_last).await?;
    tracing::info!(firm.id = %firm.id(), user.id = %user.id, role = %user.role, "role changed");
    Ok(Json(user.into()))
}

/// Removes a person: their next request is refused.
///
/// Only the operator's key can leave a firm without an administrator.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/users/{user}", tag = "users", operation_id = "remove_user",
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
) -> Answer<StatusCode> {
    ConsoleUser::dismiss(&app.table, firm.id(), user, matches!(caller, Caller::Operator)).await?;
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
