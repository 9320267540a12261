//! The credentials of app registrations: shown without what is secret, replaced once the new one is proven, rotated.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::{
        app_claim,
        app_owner::AppOwner,
        connector::Connector,
        credential::{ClientSecret as Secret, Credential},
        credential_record::{self, CredentialError},
        held_registration::HeldRegistration,
        replacement::Replacement,
        rotation::{self, Rotated},
    },
    app::App,
    base::id::{ClientId, ConnectorId},
    firm::fact::CredentialKind,
    graph::TokenError,
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::views::{AppView, ConnectorView, SecretView, view};
use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json},
    field::{ClientSecret, Moment},
    precondition::{ETag, IfMatch, Tagged},
};

/// What a credential is unless something else is said.
pub(super) fn by_secret() -> CredentialKind {
    CredentialKind::Secret
}

/// A credential that replaces the present one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCredential {
    #[serde(default = "by_secret")]
    credential: CredentialKind,
    /// With `secret`: the value of the client secret.
    client_secret: Option<ClientSecret>,
    /// With `secret`: when it expires. Needed only if Entra does not show the date to greffe.
    #[schema(value_type = Option<String>, format = "date-time")]
    secret_expires_at: Option<Moment>,
}

/// A change of the operator's app registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlatformChange {
    /// When its client secret expires. Needed only if Entra does not show the date to greffe.
    #[schema(value_type = String, format = "date-time")]
    secret_expires_at: Moment,
}

/// How a certificate is registered at Entra.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCertificate {
    /// Whether greffe registers the certificate at Entra itself. The app registration needs the right to do so.
    #[serde(default)]
    add: bool,
}

/// A certificate that was made for the app. Its private key never leaves Secrets Manager.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateView {
    /// The file to upload in Entra.
    certificate: String,
    /// The SHA-256 of the certificate, in base64url.
    thumbprint: String,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// Whether the certificate is registered at Entra.
    added: bool,
}

/// What to enter at Entra, to the letter, so that an app registration trusts greffe without a secret: a federated
/// credential for each subject.
#[derive(Serialize, ToSchema)]
pub(crate) struct FederationView {
    /// The issuer: AWS, for this account.
    issuer: String,
    /// The subjects: the IAM roles of the functions.
    subjects: Vec<String>,
    /// The audience. It identifies the firm, is unique and can't be guessed.
    audience: String,
}

impl FederationView {
    async fn of(app: &App, owner: AppOwner) -> Answer<Json<Self>> {
        let audience = app_claim::audience(&app.table, &app.random, owner).await?;
        let claims = app.tokens.entra().claims(&audience).await.map_err(TokenError::from)?;
        let subjects = match app.config.federated_subjects.as_slice() {
            [] => vec![claims.subject],
            subjects => subjects.to_vec(),
        };
        Ok(Json(Self { issuer: claims.issuer, subjects, audience: audience.as_str().to_owned() }))
    }
}

/// The operator's own app registration, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlatformView {
    #[schema(value_type = String)]
    client_id: ClientId,
    /// Null before the first check, or without a credential.
    secret: Option<SecretView>,
}

/// The credential that a request gives; none for a certificate, which greffe makes.
pub(super) async fn read_credential(
    app: &App,
    owner: AppOwner,
    kind: CredentialKind,
    secret: Option<ClientSecret>,
    expires_at: Option<Timestamp>,
) -> Answer<Option<Credential>> {
    match (kind, secret) {
        (CredentialKind::Secret, Some(secret)) => {
            let value = secret.into_inner();
            Ok(Some(Credential::Secret(Secret { value, key_id: None, expires_at })))
        }
        (CredentialKind::Secret, None) => {
            Err(invalid("client_secret: the value of the new client secret belongs here"))
        }
        (_, Some(_)) => Err(invalid("client_secret: only a credential of the kind secret has a value")),
        (_, None) if expires_at.is_some() => {
            Err(invalid("secret_expires_at: only of a credential of the kind secret is it entered"))
        }
        (CredentialKind::Certificate, None) => Ok(None),
        (CredentialKind::Federated, None) => {
            Ok(Some(Credential::Federated(app_claim::audience(&app.table, &app.random, owner).await?)))
        }
    }
}

/// Whose app registration the caller may change for this connector.
pub(super) fn owner(firm: FirmScope, connector: &Connector) -> Answer<AppOwner> {
    match AppOwner::of(connector) {
        AppOwner::Platform if !firm.is_operator() => {
            Err(Problem::new(Code::PlatformsApp, "The connector has no app registration of its firm's own.").into())
        }
        owner => Ok(owner),
    }
}

async fn replace_with(app: &App, owner: AppOwner, new: NewCredential, via: Option<&Connector>) -> Answer<()> {
    let given =
        read_credential(app, owner, new.credential, new.client_secret, new.secret_expires_at.map(Moment::into_inner))
            .await?;
    let is_an_id = given.as_ref().is_some_and(credential_record::is_an_id);
    let new = given.map_or(Replacement::Prepared, Replacement::Credential);
    let replaced = HeldRegistration::take(app, owner).await?.replace(new, via).await;
    replaced.map_err(|error| -> Failure {
        match (error, is_an_id) {
            (error @ CredentialError::Unproven(_), true) => match error.into_problem() {
                Ok(mut problem) => {
                    problem.detail =
                        "This is a secret's id, not its value: Entra shows the value once, beside the id, when the \
                                  secret is made. Nothing was changed."
                            .to_owned();
                    problem.into()
                }
                Err(error) => error.into(),
            },
            (error, _) => error.into(),
        }
    })?;
    tracing::info!(?owner, "a credential was replaced");
    Ok(())
}

async fn rotate_now(app: &App, owner: AppOwner) -> Answer<StatusCode> {
    Ok(match rotation::rotate(app, owner).await? {
        Rotated::Done => StatusCode::OK,
        Rotated::UnderWay => StatusCode::ACCEPTED,
    })
}

async fn prepare(app: &App, owner: AppOwner, wanted: Option<Json<NewCertificate>>) -> Answer<Json<CertificateView>> {
    let NewCertificate { add } = wanted.map(|Json(wanted)| wanted).unwrap_or_default();
    let certificate = HeldRegistration::take(app, owner).await?.prepare(add).await?;
    let (pem, thumbprint) = (certificate.pem(), certificate.thumbprint());
    Ok(Json(CertificateView { certificate: pem, thumbprint, expires_at: certificate.expires_at, added: add }))
}

async fn find(app: &App, firm: FirmScope, connector: ConnectorId) -> Answer<Connector> {
    let found = Connector::find(&app.table, firm.id(), connector).await?;
    Ok(found.ok_or_else(|| not_found("connector"))?.value)
}

/// Replaces the credential of the connector's app registration, after testing the new one.
///
/// greffe first tests the new credential: it requests a token and makes one call to Microsoft Graph. If Microsoft
/// refuses it, the old credential stays in use. With `certificate`, greffe uses the certificate that it made before.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/secret", tag = "connectors", operation_id = "replace_secret",
    responses((status = 200, body = ConnectorView))
)]
pub(super) async fn replace(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    Json(new): Json<NewCredential>,
) -> Answer<Json<ConnectorView>> {
    let found = find(&app, firm, connector).await?;
    let owner = owner(firm, &found)?;
    let via = (owner == AppOwner::Platform).then_some(&found);
    replace_with(&app, owner, new, via).await?;
    Ok(Json(view(&app, find(&app, firm, connector).await?, true).await?))
}

/// Rotates the credential of the connector's app registration: greffe makes a new one at Entra and switches to it.
///
/// Returns 202 if Entra does not accept the new credential yet. greffe then keeps trying for a day.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/secret/rotate", tag = "connectors",
    operation_id = "rotate_secret",
    responses((status = 200, body = ConnectorView), (status = 202, body = ConnectorView))
)]
pub(super) async fn rotate(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
) -> Answer<(StatusCode, Json<ConnectorView>)> {
    let found = find(&app, firm, connector).await?;
    let status = rotate_now(&app, owner(firm, &found)?).await?;
    Ok((status, Json(view(&app, find(&app, firm, connector).await?, true).await?)))
}

/// Generates a key pair for the connector's app registration, and returns the certificate to upload at Entra.
///
/// greffe uses it once you set the credential to `certificate` (`POST …/secret`).
#[utoipa::path(
    post, path = "/v1/firms/{firm}/connectors/{connector}/certificate", tag = "connectors",
    operation_id = "make_certificate", request_body = Option<NewCertificate>,
    responses((status = 200, body = CertificateView))
)]
pub(super) async fn certificate(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(connector): Id<ConnectorId>,
    wanted: Option<Json<NewCertificate>>,
) -> Answer<Json<CertificateView>> {
    let found = find(&app, firm, connector).await?;
    prepare(&app, owner(firm, &found)?, wanted).await
}

/// Shows the values of the federated credential that the firm's app registration needs at Entra.
///
/// With a federated credential, greffe needs no client secret for this app registration.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/app/federation", tag = "connectors", operation_id = "read_federation",
    responses(
        (status = 200, body = FederationView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`federation_off`"),
    )
)]
pub(super) async fn federation(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<FederationView>> {
    FederationView::of(&app, AppOwner::Firm(firm.id())).await
}

/// Allows a firm to use an app registration that belongs to another firm or to the operator.
///
/// The firm can use the app registration, but it can't change its credentials.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/app/grant", tag = "connectors", operation_id = "grant_app",
    responses((status = 200, body = AppView))
)]
pub(super) async fn grant(_: Operator, firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<AppView>> {
    let granted = credential_record::grant(&app, firm.id()).await?.ok_or_else(|| not_found("app registration"))?;
    tracing::info!(firm.id = %firm.id(), client.id = %granted.client_id, "use of an app registration granted");
    Ok(Json(granted.into()))
}

/// Shows the values of the federated credential that the operator's app registration needs at Entra.
///
/// With it, the app registration trusts greffe without a client secret.
#[utoipa::path(
    get, path = "/v1/app/federation", tag = "app", operation_id = "read_platform_federation",
    responses((status = 200, body = FederationView))
)]
pub(super) async fn federation_of_platform(_: Operator, State(app): State<Arc<App>>) -> Answer<Json<FederationView>> {
    FederationView::of(&app, AppOwner::Platform).await
}

async fn platform(app: &App) -> Answer<Tagged<PlatformView>> {
    let client_id = app.config.app_client_id.clone().ok_or_else(|| not_found("app registration"))?;
    let secret = SecretView::of(app, AppOwner::Platform).await?;
    Ok(Tagged(tag(secret.as_ref().and_then(|secret| secret.expires_at)), PlatformView { client_id, secret }))
}

/// The state of what a request changes about the operator's app registration.
fn tag(secret_expires_at: Option<Timestamp>) -> ETag {
    ETag::of(&secret_expires_at)
}

/// Shows the operator's app registration at Entra: its client id, its credential and when that expires.
#[utoipa::path(
    get, path = "/v1/app", tag = "app", operation_id = "read_platform", responses((status = 200, body = PlatformView))
)]
pub(super) async fn read_platforms(_: Operator, State(app): State<Arc<App>>) -> Answer<Tagged<PlatformView>> {
    platform(&app).await
}

/// Sets the date on which the client secret of the operator's app registration expires.
#[utoipa::path(
    patch, path = "/v1/app", tag = "app", operation_id = "update_platform", params(IfMatch),
    responses((status = 200, body = PlatformView))
)]
pub(super) async fn change_platforms(
    _: Operator,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(change): Json<PlatformChange>,
) -> Answer<Tagged<PlatformView>> {
    // Nobody else changes it while it is held.
    let mut held = HeldRegistration::take(&app, AppOwner::Platform).await?;
    let now = held.known().end(app.clock.now());
    match condition.check(&tag(now)) {
        Ok(()) => held.enter(change.secret_expires_at.into_inner()).await?,
        Err(failure) => {
            held.release().await?;
            return Err(failure);
        }
    }
    platform(&app).await
}

/// Replaces the credential of the operator's app registration, after testing the new one.
#[utoipa::path(
    post, path = "/v1/app/secret", tag = "app", operation_id = "replace_platform_secret",
    responses((status = 200, body = PlatformView))
)]
pub(super) async fn replace_platforms(
    _: Operator,
    State(app): State<Arc<App>>,
    Json(new): Json<NewCredential>,
) -> Answer<Tagged<PlatformView>> {
    replace_with(&app, AppOwner::Platform, new, None).await?;
    platform(&app).await
}

/// Rotates the credential of the operator's app registration: greffe makes a new one at Entra and switches to it.
#[utoipa::path(
    post, path = "/v1/app/secret/rotate", tag = "app", operation_id = "rotate_platform_secret",
    responses((status = 200, body = PlatformView), (status = 202, body = PlatformView))
)]
pub(super) async fn rotate_platforms(
    _: Operator,
    State(app): State<Arc<App>>,
) -> Answer<(StatusCode, Tagged<PlatformView>)> {
    let status = rotate_now(&app, AppOwner::Platform).await?;
    Ok((status, platform(&app).await?))
}

/// Generates a key pair for the operator's app registration, and returns the certificate to upload at Entra.
#[utoipa::path(
    post, path = "/v1/app/certificate", tag = "app", operation_id = "make_platform_certificate",
    request_body = Option<NewCertificate>, responses((status = 200, body = CertificateView))
)]
pub(super) async fn certificate_of_platform(
    _: Operator,
    State(app): State<Arc<App>>,
    wanted: Option<Json<NewCertificate>>,
) -> Answer<Json<CertificateView>> {
    prepare(&app, AppOwner::Platform, wanted).await
}
