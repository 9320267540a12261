//! Web identity tokens of AWS STS: a short-lived token that Entra accepts instead of a secret (outbound federation).
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html>

use aws_sdk_sts::{Client, error::DisplayErrorContext, operation::get_web_identity_token::GetWebIdentityTokenError};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::base::random::Random;

/// The audience that Microsoft's documents recommend, and that greffe had for all firms.
const SHARED: &str = "api://AzureADTokenExchange";

/// The audience of such a token: a federated credential at Entra must have exactly this value. Up to 600 characters.
/// Source: <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Audience(String);

impl Audience {
    /// One that nobody can guess. Each begins with `greffe:`, which the roles' conditions on
    /// `sts:IdentityTokenAudience` allow.
    pub fn draw(name: &str, random: &Random) -> Self {
        Self(format!("greffe:{name}:{}", random.token()))
    }

    /// The one that all firms shared.
    pub fn shared() -> Self {
        Self(SHARED.to_owned())
    }

    /// Whether it is the one that all firms shared.
    pub fn is_shared(&self) -> bool {
        self.0 == SHARED
    }

    /// As it is entered at Entra.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The claims of such a token.
#[derive(Debug, Deserialize)]
pub struct RoleClaims {
    /// Who says it: the issuer to enter at Entra.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Of whom: the role of the function that asked.
    #[serde(rename = "sub")]
    pub subject: String,
}

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

    /// The claims of greffe's token: what to enter at Entra beside the audience.
    ///
    /// Errors: AWS does not issue an identity token.
    pub async fn claims(&self, audience: &Audience) -> Result<RoleClaims, IdentityError> {
        let token = self.token(audience).await?;
        let claims = token.expose_secret().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let word = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        word.ok_or_else(|| IdentityError::Refused("the token is no JWT".to_owned()))
    }

    /// A token for Entra. Its subject is the function's role.
    /// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>
    ///
    /// Errors: AWS does not issue an identity token.
    pub async fn token(&self, audience: &Audience) -> Result<SecretString, IdentityError> {
        let request = self.client.get_web_identity_token().audience(audience.as_str()).signing_algorithm(ALGORITHM);
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
