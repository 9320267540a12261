//! Access tokens: made when needed, shared between functions, sealed at rest.
//!
//! However many functions need a new one at once, one of them asks Entra: it holds a lease on the tokens' item, and the
//! others wait for what it brings. A lease ends by the clock, so that a function that dies with it holds nobody up for
//! long; the refresh token that it used is still good (Entra does not revoke it by use).
//! Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        app_claim::{self, AppClaimant, TokenPermission},
        app_owner::AppOwner,
        connector::{Access, Connector},
        credential::Credential,
        entra::{Entra, EntraApp, Issued},
    },
    aws::{
        secrets::{self, Sealed, Secrets},
        table::{Key, Row, Table, TableError, Write},
    },
    base::{
        clock::Clock,
        config::Config,
        id::{ClientId, ConnectorId, FirmId},
        random::Random,
    },
    graph::{AccessToken, EntraError, EntraRefusal, NotAllowed, TokenError, TokenSource},
};

/// How long a function may take to bring new tokens: two requests, each bounded, and a read of the secret.
const LEASE_TIME: Duration = Duration::from_secs(30);
/// The first wait for another function's answer; doubled up to the longest, and jittered.
const LEASE_PAUSE: Duration = Duration::from_millis(50);
const LEASE_PAUSE_MAX: Duration = Duration::from_secs(2);
/// Waits for other functions before giving up for now: a minute and a half, so that three may die one after another.
const LEASE_WAITS_MAX: usize = 60;
/// A refusal is believed for this long: many functions that ask at once make one request of it, too.
const REFUSAL_TIME: Duration = Duration::from_secs(30);

/// A connector's tokens as they lie in the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct StoredTokens {
    access: Option<StoredAccess>,
    refresh: Option<Sealed>,
    /// Until then a function is getting new ones.
    lease_until: Option<Timestamp>,
    /// What Entra answered last, if it refused.
    refused: Option<StoredRefusal>,
    /// Until then Entra asks to wait.
    waits_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredAccess {
    token: Sealed,
    expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredRefusal {
    refusal: EntraRefusal,
    believed_until: Timestamp,
}

/// Gives out access tokens: from memory, from the table, or from Entra.
#[derive(Debug)]
pub struct Tokens {
    table: Table,
    secrets: Arc<Secrets>,
    entra: Entra,
    platform_app: Option<ClientId>,
    clock: Clock,
    random: Random,
    slots: Mutex<HashMap<ConnectorId, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// What this process knows of a connector's access token.
#[derive(Debug, Default)]
struct Slot {
    /// When the account signed in that the rest is about.
    connected_at: Option<Timestamp>,
    token: Option<AccessToken>,
    /// The token that Graph refused: it is not taken from the table again.
    discarded: Option<AccessToken>,
    /// What Graph demands of the next token, as it came.
    claims: Option<String>,
}

/// Which app registration is used, and by whom.
#[derive(Debug, Clone)]
pub struct AppUse {
    owner: AppOwner,
    /// The client id of the firm's own; none for the platform's.
    own: Option<ClientId>,
    connected_at: Option<Timestamp>,
}

impl AppUse {
    /// The platform's own, if there is one.
    pub fn of_platform(config: &Config) -> Option<Self> {
        config.app_client_id.as_ref().map(|_| Self { owner: AppOwner::Platform, own: None, connected_at: None })
    }
}

impl From<&Connector> for AppUse {
    fn from(connector: &Connector) -> Self {
        let own = connector.app.as_ref().map(|own| own.client_id.clone());
        Self { owner: AppOwner::of(connector), own, connected_at: connector.connected_at }
    }
}

impl Tokens {
    /// Over the table, the secrets and the sign-in service.
    pub fn new(
        table: Table,
        secrets: Arc<Secrets>,
        entra: Entra,
        platform_app: Option<ClientId>,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { table, secrets, entra, platform_app, clock, random, slots: Mutex::default() }
    }

    /// The sign-in service.
    pub fn entra(&self) -> &Entra {
        &self.entra
    }

    /// An app registration, with its secret.
    ///
    /// Errors: [`TokenError::NotAllowed`] where it is not the firm's to use.
    pub async fn app(&self, which: &AppUse) -> Result<EntraApp, TokenError> {
        let app = self.app_with(which, false).await?;
        match self.permit(which.owner, which.connected_at, &app).await {
            Ok(_) => Ok(app),
            Err(TokenError::NotAllowed(NotAllowed::SharedAudience)) => {
                let app = self.app_with(which, true).await?;
                self.permit(which.owner, which.connected_at, &app).await.map(|_| app)
            }
            Err(error) => Err(error),
        }
    }

    /// What is asked for before a token is: nothing for the platform's own registration.
    async fn permit(
        &self,
        owner: AppOwner,
        connected_at: Option<Timestamp>,
        app: &EntraApp,
    ) -> Result<Option<TokenPermission>, TokenError> {
        let AppOwner::Firm(firm) = owner else { return Ok(None) };
        let asker = self.asker(firm, connected_at, app);
        TokenPermission::ask(&self.table, asker, self.clock.now()).await.map(Some)
    }

    fn asker(&self, firm: FirmId, connected_at: Option<Timestamp>, app: &EntraApp) -> AppClaimant {
        let proves = app.credential.proves_the_firm();
        let platforms = self.platform_app.as_ref().map(|id| id.as_str());
        let is_platforms = platforms.is_some_and(|id| id.eq_ignore_ascii_case(app.client_id.as_str()));
        AppClaimant { firm, client_id: app.client_id.clone(), is_platforms, proves, connected_at }
    }

    /// What keeps `connector` from using its app registration, if anything does.
    ///
    /// Errors: the app's credential can't be read, or the table refuses.
    pub async fn why_not_allowed(&self, connector: &Connector) -> Result<Option<NotAllowed>, TokenError> {
        let AppOwner::Firm(firm) = AppOwner::of(connector) else { return Ok(None) };
        let app = self.app_with(&connector.into(), false).await?;
        let shared = (!app.credential.proves_the_firm()).then_some(NotAllowed::SharedAudience);
        let asker = self.asker(firm, connector.connected_at, &app);
        Ok(app_claim::why_not_allowed(&self.table, &asker, self.clock.now()).await?.or(shared))
    }

    /// Calls `ask` with `app`, if the firm may use its client id. When Entra issues the first token, the firm becomes
    /// the owner of the client id.
    ///
    /// Errors: there is no credential or token that Entra accepts; the error says who has to act.
    pub async fn permitted<T>(
        &self,
        owner: AppOwner,
        connected_at: Option<Timestamp>,
        app: EntraApp,
        ask: impl AsyncFnOnce(EntraApp) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let permit = self.permit(owner, connected_at, &app).await?;
        let answer = ask(app).await?;
        if let Some(permit) = permit {
            permit.settle(&self.table, self.clock.now()).await?;
        }
        Ok(answer)
    }

    /// Calls `ask` with that app registration. If Entra refuses the credential, repeats it with the credential read
    /// again, because it may just have been replaced, and then with the previous credential, because not all parts of
    /// Entra know the new one yet.
    ///
    /// Errors: there is no credential or token that Entra accepts; the error says who has to act.
    pub async fn as_app<T, F: Future<Output = Result<T, TokenError>>>(
        &self,
        which: &AppUse,
        ask: impl Fn(EntraApp) -> F,
    ) -> Result<T, TokenError> {
        let owner = which.owner;
        let ask = async |app| self.permitted(owner, which.connected_at, app, async |app| ask(app).await).await;
        let first = ask(self.app_with(which, false).await?).await;
        if !is_of_the_credential(&first) {
            return first;
        }
        let mut app = self.app_with(which, true).await?;
        if app.credential.is_by_shared_audience() {
            // Somebody may have entered the firm's own at Entra in its place.
            app.credential = Credential::Federated(app_claim::audience(&self.table, &self.random, owner).await?);
        }
        let second = ask(app).await;
        if !is_of_the_credential(&second) {
            return second;
        }
        match self.secrets.labelled(&owner.secret_id(), secrets::PREVIOUS).await? {
            Some(previous) => {
                let credential = Credential::parse(&previous.text);
                ask(EntraApp { client_id: self.client_id(which)?, credential }).await.or(second)
            }
            None => second,
        }
    }

    async fn app_with(&self, which: &AppUse, afresh: bool) -> Result<EntraApp, TokenError> {
        let secret_id = which.owner.secret_id();
        let text = match afresh {
            true => self.secrets.read_afresh(&secret_id).await?,
            false => self.secrets.read(&secret_id).await?,
        };
        Ok(EntraApp { client_id: self.client_id(which)?, credential: Credential::parse(&text) })
    }

    fn client_id(&self, which: &AppUse) -> Result<ClientId, TokenError> {
        which.own.as_ref().or(self.platform_app.as_ref()).cloned().ok_or(TokenError::NoPlatformApp)
    }

    /// A valid access token for `connector`. One at a time asks Entra; the others wait for its answer.
    ///
    /// Errors: there is no credential or token that Entra accepts; the error says who has to act.
    pub async fn access_token(&self, connector: &Connector) -> Result<AccessToken, TokenError> {
        let slot = self.slot(connector.id);
        let mut slot = slot.lock().await;
        if slot.connected_at != connector.connected_at {
            *slot = Slot { connected_at: connector.connected_at, ..Slot::default() };
        }
        let now = self.clock.now();
        if let Some(token) = slot.token.as_ref().filter(|t| t.expires_at() > now) {
            return Ok(token.clone());
        }
        // A long way that is rarely gone: its future lies on the heap, not within that of every request.
        let token = Box::pin(self.stored_or_new(connector, &slot, false)).await?;
        slot.token = Some(token.clone());
        slot.claims = None;
        Ok(token)
    }

    /// A new token from Entra: cached tokens and refusals are ignored.
    ///
    /// Errors: there is no credential or token that Entra accepts; the error says who has to act.
    pub async fn new_token(&self, connector: &Connector) -> Result<AccessToken, TokenError> {
        let slot = self.slot(connector.id);
        let mut slot = slot.lock().await;
        let token = Box::pin(self.stored_or_new(connector, &slot, true)).await?;
        *slot = Slot { connected_at: connector.connected_at, token: Some(token.clone()), ..Slot::default() };
        Ok(token)
    }

    /// Forgets a token that Graph refused; the next one is made anew, and meets `claims` if Graph demanded some.
    pub async fn discard(&self, connector: &Connector, token: &AccessToken, claims: Option<String>) {
        let slot = self.slot(connector.id);
        let mut slot = slot.lock().await;
        if slot.token.as_ref().is_some_and(|t| t.expose() == token.expose()) {
            slot.token = None;
        }
        slot.discarded = Some(token.clone());
        slot.claims = claims;
    }

    /// The write that puts what a sign-in brought in place of whatever was there. Who holds a lease then writes no
    /// more.
    ///
    /// Errors: the token can't be sealed, or the table refuses.
    pub async fn keep(&self, firm: FirmId, connector: ConnectorId, issued: &Issued) -> Result<Write, TokenError> {
        let key = Key::tokens(firm, connector);
        let stored = self.seal(connector, issued, None).await?;
        Ok(match self.table.get::<StoredTokens>(&key).await? {
            Some(row) => Write::replace(&row.with(stored)),
            None => Write::insert(key, &stored),
        })
    }

    async fn stored_or_new(&self, connector: &Connector, slot: &Slot, afresh: bool) -> Result<AccessToken, TokenError> {
        let key = Key::tokens(connector.firm, connector.id);
        let mut pause = LEASE_PAUSE;
        for waits in 0..LEASE_WAITS_MAX {
            // What another brings while we wait for it is new.
            let believed = !afresh || waits > 0;
            let now = self.clock.now();
            let row: Option<Row<StoredTokens>> = self.table.get(&key).await?;
            let stored = row.as_ref().map(|row| row.value.clone()).unwrap_or_default();
            if let Some(token) = self.open_access(connector, &stored).await?
                && believed
                && slot.discarded.as_ref().is_none_or(|d| d.expose() != token.expose())
            {
                return Ok(token);
            }
            if let Some(refused) = stored.refused.as_ref().filter(|r| believed && r.believed_until > now) {
                return Err(EntraError::Refused(refused.refusal.clone()).into());
            }
            if let Some(until) = stored.waits_until.filter(|until| believed && *until > now) {
                return Err(EntraError::Unwell { wait: until.duration_since(now).try_into().ok() }.into());
            }
            if stored.lease_until.is_none_or(|until| until <= now) {
                match self.lease(&key, row, now).await {
                    Ok(leased) => return self.renew(connector, leased, slot.claims.as_deref()).await,
                    // Another was faster: it brings the token.
                    Err(TableError::Conflict { .. }) => {}
                    Err(e) => return Err(e.into()),
                }
            }
            self.clock.sleep(self.random.jitter(pause)).await;
            pause = (pause * 2).min(LEASE_PAUSE_MAX);
        }
        Err(TokenError::Busy)
    }

    /// Says to all others that we are getting new tokens.
    async fn lease(
        &self,
        key: &Key,
        row: Option<Row<StoredTokens>>,
        now: Timestamp,
    ) -> Result<Row<StoredTokens>, TableError> {
        let lease_until = Some(now + LEASE_TIME);
        let mut row = match row {
            Some(row) => {
                let leased = StoredTokens { lease_until, ..row.value.clone() };
                row.with(leased)
            }
            None => {
                let leased = StoredTokens { lease_until, ..StoredTokens::default() };
                self.table.write(Write::insert(key.clone(), &leased)).await?;
                return Ok(Row::inserted(key.clone(), leased));
            }
        };
        self.table.write(Write::replace(&row)).await?;
        row.written();
        Ok(row)
    }

    /// Asks Entra, and ends the lease with what it answered.
    async fn renew(
        &self,
        connector: &Connector,
        leased: Row<StoredTokens>,
        claims: Option<&str>,
    ) -> Result<AccessToken, TokenError> {
        let issued = self.issue(connector, &leased.value, claims).await;
        let before = StoredTokens { lease_until: None, refused: None, waits_until: None, ..leased.value.clone() };
        let after = match &issued {
            Ok(issued) => match self.seal(connector.id, issued, Some(&before)).await {
                // It serves this process all the same. Only a new refresh token must not be lost.
                Err(TokenError::Secret(e)) if e.needs_the_operator() && issued.refresh.is_none() => {
                    StoredTokens { access: None, ..before }
                }
                sealed => sealed?,
            },
            Err(e) => {
                let now = self.clock.now();
                let believed_until = now + REFUSAL_TIME;
                let refused = e.refusal().map(|r| StoredRefusal { refusal: r.clone(), believed_until });
                StoredTokens { refused, waits_until: e.wait().map(|wait| now + wait), ..before }
            }
        };
        match self.table.write(Write::replace(&leased.with(after))).await {
            // Our lease ended too early, or somebody signed in: what they bring is newer. Ours is valid all the same.
            Ok(()) | Err(TableError::Conflict { .. }) => Ok(issued?.access),
            Err(e) => match issued {
                Ok(_) => Err(e.into()),
                Err(refused) => Err(refused),
            },
        }
    }

    async fn issue(
        &self,
        connector: &Connector,
        stored: &StoredTokens,
        claims: Option<&str>,
    ) -> Result<Issued, TokenError> {
        self.as_app(&connector.into(), |app| self.issue_with(connector, stored, claims, app)).await
    }

    /// What `app` is issued for `connector`, beside the tokens at hand, which stay as they are: to try a credential.
    ///
    /// Errors: there is no credential or token that Entra accepts; the error says who has to act.
    pub async fn try_app(&self, connector: &Connector, app: EntraApp) -> Result<AccessToken, TokenError> {
        let row: Option<Row<StoredTokens>> = self.table.get(&Key::tokens(connector.firm, connector.id)).await?;
        let stored = row.map(|row| row.value).unwrap_or_default();
        Ok(self.issue_with(connector, &stored, None, app).await?.access)
    }

    async fn issue_with(
        &self,
        connector: &Connector,
        stored: &StoredTokens,
        claims: Option<&str>,
        app: EntraApp,
    ) -> Result<Issued, TokenError> {
        let account = connector.account.as_ref().ok_or(TokenError::NotConnected)?;
        match connector.access {
            Access::Organization => Ok(self.entra.client_credentials(&account.tenant_id, &app, claims).await?),
            Access::Delegated => {
                let sealed = stored.refresh.as_ref().ok_or(TokenError::NotConnected)?;
                let refresh = self.secrets.open(&owner(connector.id, "refresh"), sealed).await?;
                let scopes = connector.scopes();
                Ok(self.entra.refresh(&connector.authority(), &app, &refresh, &scopes, claims).await?)
            }
        }
    }

    async fn open_access(
        &self,
        connector: &Connector,
        stored: &StoredTokens,
    ) -> Result<Option<AccessToken>, TokenError> {
        let now = self.clock.now();
        let Some(access) = stored.access.as_ref().filter(|access| access.expires_at > now) else { return Ok(None) };
        match self.secrets.open(&owner(connector.id, "access"), &access.token).await {
            Ok(value) => Ok(Some(AccessToken::new(value, access.expires_at))),
            // A new one takes its place.
            Err(error) if error.needs_the_operator() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn seal(
        &self,
        connector: ConnectorId,
        issued: &Issued,
        before: Option<&StoredTokens>,
    ) -> Result<StoredTokens, TokenError> {
        use secrecy::ExposeSecret as _;
        let keyring = self.secrets.keyring().await?;
        let seal = |what, plain: &str| keyring.seal(&self.random, &owner(connector, what), plain);
        Ok(StoredTokens {
            access: Some(StoredAccess {
                token: seal("access", issued.access.expose()),
                expires_at: issued.access.expires_at(),
            }),
            // Entra may leave the refresh token out; then the one at hand stays good.
            refresh: match &issued.refresh {
                Some(refresh) => Some(seal("refresh", refresh.expose_secret())),
                None => before.and_then(|b| b.refresh.clone()),
            },
            lease_until: None,
            refused: None,
            waits_until: None,
        })
    }

    fn slot(&self, connector: ConnectorId) -> Arc<tokio::sync::Mutex<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(connector).or_default().clone()
    }
}

fn is_of_the_credential<T>(issued: &Result<T, TokenError>) -> bool {
    let shared = matches!(issued, Err(TokenError::NotAllowed(NotAllowed::SharedAudience)));
    shared || matches!(issued, Err(e) if e.refusal().is_some_and(EntraRefusal::is_of_the_credential))
}

/// What a sealed token is bound to.
fn owner(connector: ConnectorId, what: &str) -> String {
    format!("connector {connector} {what}")
}

/// The tokens of one connector, for Graph.
#[derive(Debug, Clone)]
pub struct ConnectorTokens {
    tokens: Arc<Tokens>,
    connector: Connector,
}

impl ConnectorTokens {
    /// Of `connector`.
    pub fn new(tokens: Arc<Tokens>, connector: Connector) -> Self {
        Self { tokens, connector }
    }
}

#[async_trait]
impl TokenSource for ConnectorTokens {
    async fn access_token(&self) -> Result<AccessToken, TokenError> {
        self.tokens.access_token(&self.connector).await
    }

    async fn discard(&self, token: &AccessToken, claims: Option<String>) {
        self.tokens.discard(&self.connector, token, claims).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn tokens_that_an_older_version_wrote_are_read() {
        let tokens: StoredTokens = frozen("tokens");
        assert!(tokens.access.is_some() && tokens.refresh.is_some());
    }
}
