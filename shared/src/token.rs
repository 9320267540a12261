//! Access tokens: made when needed, shared between functions, sealed at rest.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    connector::{Access, Connector},
    entra::{AccessToken, App, Entra, EntraError, EntraRefusal, Issued},
    id::{ConnectorId, FirmId},
    random::Random,
    secret::{self, Keyring, Sealed, SecretError, Secrets},
    table::{Key, Row, Table, TableError, Write},
};

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
            Self::Entra(_) => "entra_unreachable".to_owned(),
            Self::Secret(_) => "secret_unreadable".to_owned(),
            Self::Table(_) => "table_unreachable".to_owned(),
            Self::NoPlatformApp => "no_platform_app".to_owned(),
        }
    }

    /// Entra's refusal, if it was one.
    pub fn refusal(&self) -> Option<&EntraRefusal> {
        match self {
            Self::Entra(EntraError::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// Whether waiting does not help: decided by OAuth's `error`, as Microsoft asks, not by its numbers.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::NotConnected | Self::NoPlatformApp => true,
            Self::Entra(EntraError::Refused(refusal)) => {
                !matches!(refusal.error.as_str(), "temporarily_unavailable" | "server_error")
            }
            Self::Secret(SecretError::Missing { .. }) => true,
            _ => false,
        }
    }
}

/// A connector's tokens as they lie in the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredTokens {
    access: Sealed,
    access_expires_at: jiff::Timestamp,
    refresh: Option<Sealed>,
}

/// Gives out access tokens: from memory, from the table, or from Entra.
#[derive(Debug)]
pub struct Tokens {
    table: Table,
    secrets: Arc<Secrets>,
    entra: Entra,
    platform_app: Option<crate::id::ClientId>,
    clock: Clock,
    random: Random,
    slots: Mutex<HashMap<ConnectorId, Arc<tokio::sync::Mutex<Slot>>>>,
}

#[derive(Debug, Default)]
struct Slot {
    token: Option<AccessToken>,
    /// The token that Graph refused: it is not taken from the table again.
    discarded: Option<AccessToken>,
}

impl Tokens {
    /// Over the table, the secrets and the sign-in service.
    pub fn new(
        table: Table,
        secrets: Arc<Secrets>,
        entra: Entra,
        platform_app: Option<crate::id::ClientId>,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { table, secrets, entra, platform_app, clock, random, slots: Mutex::default() }
    }

    /// The sign-in service.
    pub fn entra(&self) -> &Entra {
        &self.entra
    }

    /// The app registration that `connector` uses, with its secret.
    pub async fn app(&self, connector: &Connector) -> Result<App, TokenError> {
        self.app_with(connector, false).await
    }

    async fn app_with(&self, connector: &Connector, afresh: bool) -> Result<App, TokenError> {
        let (client_id, secret_id) = match &connector.app {
            Some(own) => (own.client_id.clone(), secret::firm_app_client_secret(connector.firm)),
            None => {
                let client_id = self.platform_app.clone().ok_or(TokenError::NoPlatformApp)?;
                (client_id, secret::APP_CLIENT_SECRET.to_owned())
            }
        };
        let client_secret = match afresh {
            true => self.secrets.read_afresh(&secret_id).await?,
            false => self.secrets.read(&secret_id).await?,
        };
        Ok(App { client_id, client_secret })
    }

    /// The key ring that seals and opens.
    pub async fn keyring(&self) -> Result<Keyring, SecretError> {
        Keyring::parse(&self.secrets.read(secret::KEYRING).await?)
    }

    /// A valid access token for `connector`. One at a time asks Entra; the others wait for its answer.
    pub async fn access_token(&self, connector: &Connector) -> Result<AccessToken, TokenError> {
        let slot = self.slot(connector.id);
        let mut slot = slot.lock().await;
        let now = self.clock.now();
        if let Some(token) = slot.token.as_ref().filter(|t| t.expires_at() > now) {
            return Ok(token.clone());
        }
        let token = self.stored_or_new(connector, slot.discarded.as_ref()).await?;
        slot.token = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that Graph refused; the next one is made anew.
    pub async fn discard(&self, connector: &Connector, token: &AccessToken) {
        let slot = self.slot(connector.id);
        let mut slot = slot.lock().await;
        if slot.token.as_ref().is_some_and(|t| t.expose() == token.expose()) {
            slot.token = None;
        }
        slot.discarded = Some(token.clone());
    }

    /// Keeps what a sign-in brought, in place of whatever was there.
    pub async fn keep(&self, firm: FirmId, connector: ConnectorId, issued: &Issued) -> Result<(), TokenError> {
        let key = Key::tokens(firm, connector);
        let stored = self.seal(connector, issued, None).await?;
        self.table.write(Write::overwrite(key, &stored)).await?;
        *self.slot(connector).lock().await = Slot::default();
        Ok(())
    }

    async fn stored_or_new(
        &self,
        connector: &Connector,
        discarded: Option<&AccessToken>,
    ) -> Result<AccessToken, TokenError> {
        let key = Key::tokens(connector.firm, connector.id);
        let row: Option<Row<StoredTokens>> = self.table.get(&key).await?;
        if let Some(row) = &row
            && let Some(token) = self.open_access(connector, &row.value).await?
            && discarded.is_none_or(|d| d.expose() != token.expose())
        {
            return Ok(token);
        }
        let issued = self.issue(connector, row.as_ref()).await?;
        let stored = self.seal(connector.id, &issued, row.as_ref().map(|r| &r.value)).await?;
        let write = match row {
            Some(row) => Write::replace(&row.with(stored)),
            None => Write::insert(key.clone(), &stored),
        };
        match self.table.write(write).await {
            Ok(()) => Ok(issued.access),
            // Another function refreshed at the same time. Both tokens are valid; theirs is kept, with its refresh token.
            Err(TableError::Conflict { .. }) => Ok(issued.access),
            Err(e) => Err(e.into()),
        }
    }

    async fn issue(&self, connector: &Connector, row: Option<&Row<StoredTokens>>) -> Result<Issued, TokenError> {
        let first = self.issue_with(connector, row, self.app_with(connector, false).await?).await;
        match &first {
            // The secret may just have been rotated: read it afresh, once.
            Err(e) if e.refusal().is_some_and(|r| r.error == "invalid_client") => {
                self.issue_with(connector, row, self.app_with(connector, true).await?).await
            }
            _ => first,
        }
    }

    async fn issue_with(
        &self,
        connector: &Connector,
        row: Option<&Row<StoredTokens>>,
        app: App,
    ) -> Result<Issued, TokenError> {
        let account = connector.account.as_ref().ok_or(TokenError::NotConnected)?;
        match connector.access {
            Access::Organization => Ok(self.entra.client_credentials(&account.tenant_id, &app).await?),
            Access::Delegated => {
                let sealed = row.and_then(|r| r.value.refresh.as_ref()).ok_or(TokenError::NotConnected)?;
                let refresh = self.keyring().await?.open(&owner(connector.id, "refresh"), sealed)?;
                Ok(self.entra.refresh(&connector.authority(), &app, &refresh, &connector.scopes()).await?)
            }
        }
    }

    async fn open_access(
        &self,
        connector: &Connector,
        stored: &StoredTokens,
    ) -> Result<Option<AccessToken>, TokenError> {
        if stored.access_expires_at <= self.clock.now() {
            return Ok(None);
        }
        let value: SecretString = self.keyring().await?.open(&owner(connector.id, "access"), &stored.access)?;
        Ok(Some(AccessToken::new(value, stored.access_expires_at)))
    }

    async fn seal(
        &self,
        connector: ConnectorId,
        issued: &Issued,
        before: Option<&StoredTokens>,
    ) -> Result<StoredTokens, TokenError> {
        use secrecy::ExposeSecret as _;
        let keyring = self.keyring().await?;
        let seal = |what, plain: &str| keyring.seal(&self.random, &owner(connector, what), plain);
        Ok(StoredTokens {
            access: seal("access", issued.access.expose()),
            access_expires_at: issued.access.expires_at(),
            // Entra may leave the refresh token out; then the one at hand stays good.
            refresh: match &issued.refresh {
                Some(refresh) => Some(seal("refresh", refresh.expose_secret())),
                None => before.and_then(|b| b.refresh.clone()),
            },
        })
    }

    fn slot(&self, connector: ConnectorId) -> Arc<tokio::sync::Mutex<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(connector).or_default().clone()
    }
}

/// What a sealed token is bound to.
fn owner(connector: ConnectorId, what: &str) -> String {
    format!("connector {connector} {what}")
}

/// One connector's access tokens.
#[derive(Debug, Clone)]
pub struct TokenSource {
    tokens: Arc<Tokens>,
    connector: Arc<Connector>,
}

impl TokenSource {
    /// For `connector`.
    pub fn new(tokens: Arc<Tokens>, connector: Arc<Connector>) -> Self {
        Self { tokens, connector }
    }

    /// See [`Tokens::access_token`].
    pub async fn access_token(&self) -> Result<AccessToken, TokenError> {
        self.tokens.access_token(&self.connector).await
    }

    /// See [`Tokens::discard`].
    pub async fn discard(&self, token: &AccessToken) {
        self.tokens.discard(&self.connector, token).await;
    }
}
