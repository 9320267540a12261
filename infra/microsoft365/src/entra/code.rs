//! Authorization codes: what is kept between the page and the token endpoint.

use serde::{Deserialize, Serialize};

/// What a code stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Code {
    pub client_id: String,
    /// The first part of the path: the code is redeemed at the same authority.
    pub authority: String,
    pub user: String,
    pub scopes: Vec<String>,
    pub resource: String,
    pub redirect_uri: String,
    pub nonce: Option<String>,
    pub challenge: Option<Challenge>,
}

/// A PKCE challenge (RFC 7636).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Challenge {
    Plain(String),
    S256(String),
}
