//! AWS's word for who we are: a short-lived token that Entra takes in place of a secret (outbound identity federation).
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html>

use aws_sdk_sts::{Client, error::DisplayErrorContext, operation::get_web_identity_token::GetWebIdentityTokenError};
use secrecy::SecretString;

/// The one audience that Entra takes.
/// Source: <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The one algorithm that Entra takes.
const ALGORITHM: &str = "RS256";
/// How long a token lives: it is used at once, and once.
const LIFETIME_SECONDS: i32 = 300;

/// AWS did not say who we are.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The account issues no tokens: the operator's turn.
    #[error("outbound identity federation is not enabled in this AWS account")]
    Disabled,
    /// STS refused or did not answer.
    #[error("ask STS for an identity token: {0}")]
    Refused(String),
}

/// Where AWS's word comes from.
#[derive(Debug, Clone)]
pub struct Identity {
    client: Client,
}

impl Identity {
    /// Over the SDK's client, which asks the region's own endpoint: the global one issues no such tokens.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A token for Entra. Its subject is the function's role.
    /// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>
    pub async fn token(&self) -> Result<SecretString, IdentityError> {
        let request = self.client.get_web_identity_token().audience(AUDIENCE).signing_algorithm(ALGORITHM);
        let answer =
            request.duration_seconds(LIFETIME_SECONDS).send().await.map_err(|e| match e.as_service_error() {
                Some(GetWebIdentityTokenError::OutboundWebIdentityFederationDisabledException(_)) => {
                    IdentityError::Disabled
                }
                _ => IdentityError::Refused(DisplayErrorContext(&e).to_string()),
            })?;
        let token = answer.web_identity_token.ok_or_else(|| IdentityError::Refused("no token came".to_owned()))?;
        Ok(token.into())
    }
}
