//! What this room needs of access tokens: a source of them, and the reason if there is none. It does not know how they
//! are obtained.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::aws::{identity::IdentityError, secrets::SecretError, table::TableError};

/// Nobody asks Entra for so long for a token about which it was silent.
const SILENT_PAUSE: Duration = Duration::from_secs(30);

/// Where the access tokens of one mailbox's requests come from.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A token that is good for some minutes still.
    ///
    /// Errors: there is none, as [`TokenError`] says.
    async fn access_token(&self) -> Result<AccessToken, TokenError>;

    /// Graph refused `token`: the next one is another, asked for with the `claims` that Graph wants, if it named any.
    async fn discard(&self, token: &AccessToken, claims: Option<String>);
}

/// Always the same token: a sign-in that is not done yet.
#[async_trait]
impl TokenSource for AccessToken {
    async fn access_token(&self) -> Result<AccessToken, TokenError> {
        Ok(self.clone())
    }

    async fn discard(&self, _: &AccessToken, _: Option<String>) {}
}

/// An access token: opaque, never decoded, never printed.
#[derive(Clone)]
pub struct AccessToken {
    value: SecretString,
    expires_at: Timestamp,
}

impl AccessToken {
    /// From its text and the moment from which it is not used any more.
    pub fn new(value: SecretString, expires_at: Timestamp) -> Self {
        Self { value, expires_at }
    }

    /// The value of an `Authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.value.expose_secret())
    }

    /// The text itself: to be sealed.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// The moment from which it is not used any more.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(redacted, expires {})", self.expires_at)
    }
}

/// Why a firm may not use a client id, or not change its registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// It belongs to another firm, or to the platform.
    #[error("the app registration belongs to another firm, or to greffe's operator")]
    AnotherFirms,
    /// Its registration trusts the audience that all firms shared, which says nothing of the firm.
    #[error("the app registration does not trust this firm's audience yet")]
    SharedAudience,
}

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody has signed in, or nobody has consented, yet.
    #[error("the connector is not connected")]
    NotConnected,
    /// Entra gave none.
    #[error(transparent)]
    Entra(#[from] EntraError),
    /// The client secret or the key ring could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The tokens could not be read or kept.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Other functions were getting one all the while, and none brought it.
    #[error("another function is still getting a token")]
    Busy,
    /// The firm may not use its app registration, or not as it is.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No app registration is configured for it.
    #[error("the platform has no app registration of its own")]
    NoPlatformApp,
}

impl TokenError {
    /// Microsoft's own code where there is one.
    pub fn code(&self) -> String {
        match self {
            Self::NotConnected => "not_connected".to_owned(),
            Self::Entra(EntraError::Refused(refusal)) => refusal.code(),
            Self::Entra(EntraError::Identity(_)) => "identity_token_unavailable".to_owned(),
            Self::Entra(EntraError::Key(_)) => "private_key_unusable".to_owned(),
            Self::Entra(_) => "entra_unreachable".to_owned(),
            Self::Secret(_) => "secret_unreadable".to_owned(),
            Self::Table(_) => "table_unreachable".to_owned(),
            Self::Busy => "token_under_way".to_owned(),
            Self::NoPlatformApp => "no_platform_app".to_owned(),
            Self::NotAllowed(NotAllowed::AnotherFirms) => "app_of_another_firm".to_owned(),
            Self::NotAllowed(NotAllowed::SharedAudience) => "shared_audience".to_owned(),
        }
    }

    /// Entra's refusal, if it was one.
    pub fn refusal(&self) -> Option<&EntraRefusal> {
        match self {
            Self::Entra(EntraError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// How long nobody asks Entra again: as long as it asks to wait, or for a while after it was silent.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Entra(EntraError::Unwell { wait }) => *wait,
            Self::Entra(EntraError::Unreachable(error)) => error.is_timeout().then_some(SILENT_PAUSE),
            _ => None,
        }
    }

    /// Whether waiting does not help: decided by OAuth's `error`, as Microsoft asks, not by its numbers.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::NotConnected | Self::NoPlatformApp | Self::NotAllowed(_) => true,
            Self::Entra(EntraError::Identity(IdentityError::Disabled) | EntraError::Key(_)) => true,
            Self::Entra(EntraError::Refused(refusal)) => !refusal.passes(),
            Self::Secret(error) => error.needs_the_operator(),
            _ => false,
        }
    }
}

/// What the token endpoint refused, in Entra's own words.
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraRefusal {
    /// OAuth's error: the one to act upon.
    pub error: String,
    /// For people: begins with the AADSTS code.
    #[serde(default)]
    pub error_description: String,
    /// AADSTS numbers, for people and diagnosis.
    #[serde(default)]
    pub error_codes: Vec<u64>,
    /// Undocumented, but real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suberror: Option<String>,
}

impl EntraRefusal {
    /// What a redirect brought back in place of a code. Its numbers stand in the description only.
    pub fn of_redirect(error: String, description: Option<String>) -> Self {
        let error_description = description.unwrap_or_default();
        let digits = error_description.strip_prefix("AADSTS").unwrap_or_default();
        let number = digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
        Self { error, error_codes: number.into_iter().collect(), error_description, suberror: None }
    }

    /// Whether it passes by itself: Entra is not well, or was asked too often.
    /// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
    pub fn passes(&self) -> bool {
        const ASKED_TOO_OFTEN: u64 = 50196;
        matches!(self.error.as_str(), "temporarily_unavailable" | "server_error")
            || self.error_codes.contains(&ASKED_TOO_OFTEN)
    }

    /// Whether it is the app's own credential that was refused: so it may just have been changed.
    pub fn is_of_the_credential(&self) -> bool {
        const FEDERATED: [u64; 3] = [70021, 700_211, 700_213];
        self.error == "invalid_client" || self.error_codes.iter().any(|number| FEDERATED.contains(number))
    }

    /// Microsoft's own code to show: `AADSTS…` where it came, else OAuth's.
    pub fn code(&self) -> String {
        self.error_codes.first().map_or_else(|| self.error.clone(), |n| format!("AADSTS{n}"))
    }
}

impl fmt::Display for EntraRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.code())
    }
}

/// A request to the sign-in service that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum EntraError {
    /// Entra understood and refused.
    #[error("Entra refused: {0}")]
    Refused(EntraRefusal),
    /// No answer.
    #[error("Entra could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The token endpoint is not well, or asked too often.
    #[error("the token endpoint is failing")]
    Unwell {
        /// How long it asks to wait, if it says so.
        wait: Option<Duration>,
    },
    /// An answer of another shape than documented.
    #[error("Entra's answer can't be understood: {0}")]
    Unreadable(&'static str),
    /// An id token that proves nothing.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// The app's private key does not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// AWS does not say who we are.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// A key pair that could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be made.
    #[error("make a key pair with its certificate")]
    NotMade(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The stored private key does not sign.
    #[error("the stored private key does not sign")]
    Unusable,
}

/// Why an id token counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no signed token with the documented claims.
    #[error("the id token has not the documented form")]
    Malformed,
    /// Signed with a key that is not among those at hand: they may have changed.
    #[error("the id token is signed with a key that nobody published")]
    UnknownKey,
    /// Not signed by whom it says.
    #[error("the signature of the id token is wrong")]
    Forged,
    /// Another app's, another sign-in's, another issuer's or another time's.
    #[error("the id token is not for this sign-in: its {0} differs")]
    NotThisSignIn(&'static str),
}
