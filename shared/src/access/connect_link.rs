//! The link that a person opens to connect a connector. What it stands for travels sealed in it.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::{
    access::{clients::Clients, connector::Connector, return_address::ReturnAddress},
    aws::secrets::{Keyring, Sealed},
    base::{
        id::{ConnectorId, FirmId},
        random::Random,
    },
    graph::TokenError,
};

/// How long the link may be used.
pub const CONNECT_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// What the keyring seals it for.
const OWNER: &str = "connect ticket";

/// What the link stands for.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConnectLink {
    /// The firm.
    pub firm: FirmId,
    /// The connector that is connected.
    pub connector: ConnectorId,
    /// Until when it may be used.
    pub expires_at: Timestamp,
    /// Where the browser goes in the end; none for a page of greffe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<ReturnAddress>,
}

impl ConnectLink {
    /// Its text in the address.
    pub fn seal(&self, keyring: &Keyring, random: &Random) -> String {
        // Plain fields and no map: this is always JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        keyring.seal(random, OWNER, &json).as_str().to_owned()
    }

    /// What a text stands for, expired or not; none if greffe did not seal it for a link.
    pub fn open(keyring: &Keyring, text: &str) -> Option<Self> {
        let json = keyring.open(OWNER, &Sealed::from_text(text)).ok()?;
        serde_json::from_str(json.expose_secret()).ok()
    }
}

/// The link that a person opens to connect `connector`. It names nothing in clear and ends by itself. `back`: where the
/// browser goes in the end; without one, to a page of greffe's.
///
/// Errors: the keyring can't be read.
pub async fn connect_url(
    clients: &Clients,
    connector: &Connector,
    back: Option<ReturnAddress>,
) -> Result<String, TokenError> {
    let (firm, expires_at) = (connector.firm, clients.clock.now() + CONNECT_LINK_LIFETIME);
    let link = ConnectLink { firm, connector: connector.id, expires_at, back };
    let text = link.seal(&clients.secrets.keyring().await?, &clients.random);
    Ok(clients.config.public_url.at(&format!("/oauth/connect/{text}")))
}
