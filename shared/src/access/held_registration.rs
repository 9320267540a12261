//! Leases on app registrations: one function at a time works on one. A lease expires by the clock.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{
    access::{
        app_claim,
        app_owner::AppOwner,
        clients::Clients,
        connector::{Connector, OwnApp},
        connector_watch,
        credential::{Certificate, Credential},
        credential_record::{CredentialError, CredentialRecord, ExpirySource, is_an_id},
        entra,
        reminder::{Reminder, days_left, tomorrow},
        unused_credentials::UnusedCredentials,
    },
    aws::{
        secrets::{CURRENT, PENDING, PREPARED, Version},
        table::{Key, Row, TableError, Write, sortable},
    },
    base::{
        id::{ClientId, FirmId, TenantId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::fact::{ExpiringCredential, Fact, FactEvent},
    graph::{AccessToken, Application, EntraRefusal, Graph, GraphError, KeyCredential, NotAllowed, TokenError},
    problem::{NotedProblem, of_graph_error},
};

/// How long a function may work at a registration before another takes it for dead: longer than any function lives.
const LEASE_TIME: Duration = Duration::from_secs(150);
/// A certificate that waits is used if it is good for this long still.
const PREPARED_LEFT: Duration = Duration::from_secs(30 * 86_400);
/// What is under way is looked at again so often.
const SOON: Duration = Duration::from_secs(900);
/// Tries of a new credential that Entra does not know yet, and the pause between them: a person waits.
const PROOF_TRIES: u32 = 3;
const PROOF_PAUSE: Duration = Duration::from_secs(3);

/// How Entra knows a registration.
#[derive(Debug, Clone)]
struct Ids {
    client_id: ClientId,
    tenant: Option<TenantId>,
}

impl Ids {
    /// What the registration of `owner` is registered as; none where there is no registration.
    async fn of(owner: AppOwner, clients: &Clients) -> Result<Option<Self>, TableError> {
        Ok(match owner {
            AppOwner::Platform => {
                let tenant = clients.config.app_tenant_id.clone();
                clients.config.app_client_id.clone().map(|client_id| Self { client_id, tenant })
            }
            AppOwner::Firm(firm) => clients.table.get::<OwnApp>(&Key::own_app(firm)).await?.map(|row| {
                let OwnApp { client_id, tenant_id } = row.value;
                Self { client_id, tenant: Some(tenant_id) }
            }),
        })
    }
}

/// What Graph showed of a registration to a credential that was proven, or why it shows nothing.
pub type ShownCredentials = Result<Application, GraphError>;

/// A registration that nobody else works at.
pub struct HeldRegistration<'a> {
    pub(crate) clients: &'a Clients,
    /// Whose it is.
    pub owner: AppOwner,
    ids: Ids,
    row: Row<CredentialRecord>,
    renewed: bool,
    looked: bool,
    /// When it was due before it was taken. While it is held it is due at once, because the function that holds it may
    /// die.
    due_before: String,
}

impl<'a> HeldRegistration<'a> {
    /// Takes the lease.
    ///
    /// Errors: another function holds the lease, there is no registration, or Secrets Manager or the table refuses.
    pub async fn take(clients: &'a Clients, owner: AppOwner) -> Result<Self, CredentialError> {
        let ids = Ids::of(owner, clients).await?.ok_or(CredentialError::Missing)?;
        let now = clients.clock.now();
        let lease_until = Some(now + LEASE_TIME);
        let mut due_before = sortable(now);
        let taken = match clients.table.get::<CredentialRecord>(&owner.key()).await? {
            Some(row) if row.value.lease_until.is_some_and(|until| until > now) => return Err(CredentialError::Busy),
            Some(mut row) => {
                row.value.lease_until = lease_until;
                due_before = std::mem::replace(&mut row.value.due_at, due_before);
                let taken = clients.table.write(Write::replace(&row)).await;
                row.written();
                taken.map(|()| row)
            }
            None => {
                let current = clients.secrets.labelled(&owner.secret_id(), CURRENT).await?;
                let current = current.ok_or(CredentialError::Missing)?;
                let mut new = CredentialRecord::new(&ids.client_id, &current, now);
                new.lease_until = lease_until;
                let taken = clients.table.write(Write::insert(owner.key(), &new)).await;
                taken.map(|()| Row::inserted(owner.key(), new))
            }
        };
        match taken {
            Ok(row) => Ok(Self { clients, owner, ids, row, renewed: false, looked: false, due_before }),
            Err(TableError::Conflict { .. }) => Err(CredentialError::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// What is known.
    pub fn known(&mut self) -> &mut CredentialRecord {
        &mut self.row.value
    }

    /// Writes down what is known so far, and keeps the lease.
    pub(crate) async fn save(&mut self) -> Result<(), CredentialError> {
        self.clients.table.write(Write::replace(&self.row)).await?;
        self.row.written();
        Ok(())
    }

    /// Goes over to what Secrets Manager holds now.
    pub(crate) async fn use_current_secret(&mut self) -> Result<Credential, CredentialError> {
        let current = self.clients.secrets.labelled(&self.owner.secret_id(), CURRENT).await?;
        let current = current.ok_or(CredentialError::Missing)?;
        self.row.value.client_id = self.ids.client_id.clone();
        self.renewed |= self.row.value.use_version(&current, self.clients.clock.now());
        Ok(Credential::parse(&current.text))
    }

    /// Gives the lease back, with what is known now and the fact that follows from it.
    ///
    /// Errors: the lease ended and another function took it, or the table refuses.
    pub async fn release(mut self) -> Result<(), CredentialError> {
        let now = self.clients.clock.now();
        let known = &mut self.row.value;
        known.lease_until = None;
        let reminder = known.end(now).and_then(|at| Reminder::due(at, known.reminded, now));
        let ending = reminder.filter(|_| !self.renewed);
        known.reminded = ending.or(known.reminded);
        let next = match reminder.is_some() && ending.is_none() {
            true => now,
            false if known.rotation.is_some() => now + SOON,
            false => known.retired.iter().map(|retired| retired.remove_at).fold(tomorrow(now), Timestamp::min),
        };
        // Who did not look leaves the look to the schedule.
        let before = Some(std::mem::take(&mut self.due_before)).filter(|_| !self.looked);
        known.due_at = before.into_iter().fold(sortable(next), String::min);
        let what = match (self.renewed, ending.zip(known.expires_at)) {
            (true, _) => Some(FactEvent::SecretRenewed {
                client_id: known.client_id.clone(),
                credential: known.credential,
                expires_at: known.expires_at,
            }),
            (false, Some((reminder, expires_at))) => Some(self.ending(reminder, expires_at).await?),
            (false, None) => None,
        };
        let write = Write::replace(&self.row);
        match (what, self.owner) {
            (None, _) => self.clients.table.write(write).await?,
            (Some(what), AppOwner::Firm(firm)) => {
                let told = self.row.value.reminded;
                let id = serde_json::json!([what.name(), self.row.value.in_use, told.filter(|_| !self.renewed)]);
                let id = hex::encode(&Sha256::digest(id.to_string())[..16]);
                self.clients.feed.tell_with(firm, vec![write], Fact { id, at: now, what }).await?;
            }
            (Some(what), AppOwner::Platform) => {
                alarm(&what, None, now);
                self.clients.table.write(write).await?;
            }
        }
        Ok(())
    }

    /// Tells of a firm's credential that ends. That it has ended is the operator's concern too.
    async fn ending(&self, reminder: Reminder, expires_at: Timestamp) -> Result<FactEvent, CredentialError> {
        let (client_id, credential) = (self.row.value.client_id.clone(), self.row.value.credential);
        let connectors = self.connectors().await?.iter().map(|row| row.value.id).collect();
        let ending = ExpiringCredential { client_id, connectors, credential, expires_at };
        let what = match reminder {
            Reminder::Expired => FactEvent::SecretExpired { ending },
            _ => FactEvent::SecretExpiring { ending, days_left: days_left(expires_at, self.clients.clock.now()) },
        };
        if let (AppOwner::Firm(firm), Reminder::Expired) = (self.owner, reminder) {
            alarm(&what, Some(firm), self.clients.clock.now());
        }
        Ok(what)
    }

    /// The firm's connectors that work with it.
    async fn connectors(&self) -> Result<Vec<Row<Connector>>, TableError> {
        let AppOwner::Firm(firm) = self.owner else { return Ok(Vec::new()) };
        let mut all = self.clients.table.query_all::<Connector>(&Key::connector_prefix(firm)).await?;
        all.retain(|row| row.value.app.is_some());
        Ok(all)
    }

    /// Tries a credential, with patience for one that Entra may not know yet: a token with it, then a call.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn prove(
        &self,
        credential: &Credential,
        via: Option<&Connector>,
    ) -> Result<ShownCredentials, CredentialError> {
        let mut tries = 1;
        loop {
            match self.prove_once(credential, via).await {
                Err(CredentialError::Unproven(error)) if tries < PROOF_TRIES && may_pass(&error, credential) => {
                    self.clients.clock.sleep(PROOF_PAUSE).await;
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    async fn prove_once(
        &self,
        credential: &Credential,
        via: Option<&Connector>,
    ) -> Result<ShownCredentials, CredentialError> {
        let client_id = &self.ids.client_id;
        let registered = entra::EntraApp { client_id: client_id.clone(), credential: credential.clone() };
        let tokens = &self.clients.tokens;
        let issued = match (&self.ids.tenant, via) {
            (Some(tenant), _) => self.issue(tenant, registered).await,
            (None, Some(connector)) => tokens.try_app(connector, registered).await,
            (None, None) => return Err(CredentialError::NoTenant),
        };
        let attempted = "try the app's credential".to_owned();
        let token = issued.map_err(|source| CredentialError::Unproven(GraphError::Token { attempted, source }))?;
        let graph = self.clients.graph_with(token);
        match graph.application(client_id).await {
            // Graph took the token; what it lets the app see is another matter.
            Err(e) if matches!(e.status(), Some(403 | 404)) => Ok(Err(e)),
            Err(e) => Err(CredentialError::Unproven(e)),
            Ok(shown) => Ok(Ok(shown)),
        }
    }

    /// Graph as the app itself may ask it in its own tenant.
    pub(crate) async fn graph(&self, credential: &Credential) -> Result<Graph, CredentialError> {
        let registered = entra::EntraApp { client_id: self.ids.client_id.clone(), credential: credential.clone() };
        let tenant = self.ids.tenant.as_ref().ok_or(CredentialError::NoTenant)?;
        let token = self.issue(tenant, registered).await.map_err(no_token)?;
        self.may_change().await?;
        Ok(self.clients.graph_with(token))
    }

    /// Whether the owner may change the registration at Entra. Asked after a token was issued: from the first one on it
    /// is the owner's.
    pub(crate) async fn may_change(&self) -> Result<(), CredentialError> {
        match self.owner {
            AppOwner::Platform => Ok(()),
            AppOwner::Firm(firm) => {
                let allowed = app_claim::may_change(&self.clients.table, firm, &self.ids.client_id).await;
                allowed.map_err(no_token)
            }
        }
    }

    /// A token of the app itself in its own tenant, if its client id is the firm's to use.
    async fn issue(&self, tenant: &TenantId, registered: entra::EntraApp) -> Result<AccessToken, TokenError> {
        let (tokens, entra) = (&self.clients.tokens, self.clients.tokens.entra());
        tokens
            .permitted(self.owner, None, registered, async |registered| {
                let tenant = entra.tenant_id(tenant).await?;
                Ok(entra.client_credentials(&tenant, &registered, None).await?.access)
            })
            .await
    }

    /// Goes over from the audience that all firms shared to the owner's own, once Entra trusts it.
    async fn leave_shared_audience(&mut self) -> Result<(), CredentialError> {
        let audience = app_claim::audience(&self.clients.table, &self.clients.random, self.owner).await?;
        let own = Credential::Federated(audience);
        match self.prove_once(&own, None).await {
            Ok(_) => {
                let (secret_id, version) = (self.owner.secret_id(), self.clients.random.uuid().to_string());
                self.clients.secrets.add_version(&secret_id, &version, &own.to_text(), CURRENT).await?;
                self.use_current_secret().await.map(drop)
            }
            // Nobody has entered it yet.
            Err(CredentialError::Unproven(_) | CredentialError::NoTenant) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks at the credential in use: what Secrets Manager and Entra say of it now. What greffe made and nobody uses
    /// any more is removed from Entra. What Entra shows, if it shows anything.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn read_application(&mut self) -> Result<Option<Application>, CredentialError> {
        let mut credential = self.use_current_secret().await?;
        self.looked = true;
        if credential.is_by_shared_audience() {
            self.leave_shared_audience().await?;
            credential = self.use_current_secret().await?;
        }
        let proof = match self.prove_once(&credential, None).await {
            Ok(shown) => Ok(shown.ok()),
            Err(CredentialError::NoTenant) => return Ok(None),
            Err(error) => Err(error),
        };
        match proof {
            Ok(shown) => {
                self.accepted().await?;
                let Some(shown) = shown else { return Ok(None) };
                self.row.value.compare(&credential, &shown, self.clients.clock.now());
                self.sweep(&credential, &shown).await?;
                Ok(Some(shown))
            }
            Err(CredentialError::Unproven(GraphError::Token { attempted, source }))
                if source.refusal().is_some_and(EntraRefusal::is_of_the_credential) =>
            {
                let error = GraphError::Token { attempted, source };
                self.refused(&error).await?;
                Err(CredentialError::Unproven(error))
            }
            Err(error) => Err(error),
        }
    }

    /// What greffe names its credentials at Entra: so a leftover is known for its own, and only its own.
    pub(crate) fn tag(&self) -> String {
        let whose = format!("{} {}", self.clients.config.public_url.at(""), self.owner.secret_id());
        format!("greffe {}", hex::encode(&Sha256::digest(whose)[..6]))
    }

    /// Whether the credential in use carries greffe's own name there: then greffe may replace it by itself.
    pub(crate) async fn is_our_own(&mut self, shown: &Application) -> Result<bool, CredentialError> {
        let credential = self.use_current_secret().await?;
        Ok(self.row.value.compare(&credential, shown, self.clients.clock.now()) == Some(self.tag()))
    }

    /// Removes from Entra what was replaced long enough ago, and what carries our name and is not in use: a function
    /// died before it could keep it.
    async fn sweep(&mut self, current: &Credential, shown: &Application) -> Result<(), CredentialError> {
        let (now, tag) = (self.clients.clock.now(), self.tag());
        let mut kept = vec![current.clone()];
        for label in [PENDING, PREPARED] {
            let version = self.clients.secrets.labelled(&self.owner.secret_id(), label).await?;
            let awaited = |version: &Version| {
                let rotation = self.row.value.rotation.as_ref();
                label == PREPARED || rotation.is_some_and(|rotation| rotation.token == version.id)
            };
            kept.extend(version.filter(awaited).map(|version| Credential::parse(&version.text)));
        }
        let known = &self.row.value;
        let leftovers = UnusedCredentials::of(known.key_id.as_deref(), &known.retired, &kept, &tag, shown, now);
        self.remove(&leftovers, current).await?;
        self.row.value.retired.retain(|retired| retired.remove_at > now);
        Ok(())
    }

    async fn remove(&self, leftovers: &UnusedCredentials, current: &Credential) -> Result<(), CredentialError> {
        if leftovers.is_empty() {
            return Ok(());
        }
        // One token for all: the credential that it was issued for may be among them.
        let graph = self.graph(current).await?;
        for key_id in &leftovers.passwords {
            graph.remove_password(&self.ids.client_id, key_id).await?;
        }
        if let Some(certificates) = &leftovers.certificates_kept {
            graph.set_certificates(&self.ids.client_id, certificates).await?;
        }
        let (passwords, certificates) = (leftovers.passwords.len(), leftovers.certificates_kept.is_some());
        tracing::info!(passwords, certificates, "credentials removed from Entra");
        Ok(())
    }

    /// Ends a firm's registration: removes from Entra what greffe made there, then the secret, then what is known of
    /// it. The firm may bring another one. What a person entered at Entra stays there.
    ///
    /// Errors: Secrets Manager or the table refuses. Entra may: nothing of it is used any more.
    pub async fn end(mut self, firm: FirmId) -> Result<(), CredentialError> {
        match self.use_current_secret().await {
            Ok(credential) => {
                if let Err(error) = self.remove_all(&credential).await {
                    let client = &self.ids.client_id;
                    tracing::warn!(client.id = %client, error = %ErrorChain(&error), "credentials of greffe's stay at Entra");
                }
            }
            // Another request went as far as that.
            Err(CredentialError::Missing) => {}
            Err(error) => return Err(error),
        }
        let Clients { table, secrets, .. } = self.clients;
        secrets.delete(&self.owner.secret_id()).await?;
        app_claim::release_client_id(table, firm, &self.ids.client_id).await?;
        table.transact(vec![Write::discard(Key::own_app(firm)), Write::remove(&self.row)]).await?;
        Ok(())
    }

    /// Removes from Entra all credentials that carry our name, in use or not.
    async fn remove_all(&self, current: &Credential) -> Result<(), CredentialError> {
        let shown = self.prove_once(current, None).await?.map_err(CredentialError::Graph)?;
        let leftovers = UnusedCredentials::of(None, &[], &[], &self.tag(), &shown, self.clients.clock.now());
        self.remove(&leftovers, current).await
    }

    /// The client id.
    pub(crate) fn client_id(&self) -> &ClientId {
        &self.ids.client_id
    }

    /// Microsoft refuses the credential in use: the firm's connectors say so.
    async fn refused(&self, error: &GraphError) -> Result<(), CredentialError> {
        let (code, microsoft_code) = (of_graph_error(error), error.code().to_string());
        for row in self.connectors().await? {
            let since = self.clients.clock.now();
            let problem = NotedProblem { code, microsoft_code: microsoft_code.clone(), since };
            row.value.require_action(&self.clients.feed, &self.clients.table, problem).await?;
        }
        Ok(())
    }

    /// Microsoft takes the credential in use: connectors that only waited for that work again.
    pub(crate) async fn accepted(&self) -> Result<(), CredentialError> {
        let now = self.clients.clock.now();
        for row in self.connectors().await? {
            connector_watch::recover(self.clients, &row.value, now).await?;
        }
        Ok(())
    }

    /// Puts a credential in the place of the one in use, once it is proven. The old one stays good at Entra.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn replace(mut self, new: Replacement, via: Option<&Connector>) -> Result<(), CredentialError> {
        let replaced = self.try_replace(new, via).await;
        let released = self.release().await;
        replaced.and(released)
    }

    async fn try_replace(&mut self, new: Replacement, via: Option<&Connector>) -> Result<(), CredentialError> {
        let secret_id = self.owner.secret_id();
        let secrets = &self.clients.secrets;
        let (credential, prepared) = match new {
            Replacement::Credential(credential) => (credential, None),
            Replacement::Prepared => {
                let prepared = secrets.labelled(&secret_id, PREPARED).await?;
                let prepared = prepared.ok_or(CredentialError::NothingPrepared)?;
                (Credential::parse(&prepared.text), Some(prepared.id))
            }
        };
        let shown = self.prove(&credential, via).await?;
        match prepared {
            None => {
                let version = self.clients.random.uuid().to_string();
                secrets.add_version(&secret_id, &version, &credential.to_text(), CURRENT).await?;
            }
            Some(prepared) => {
                let current = secrets.labelled(&secret_id, CURRENT).await?.ok_or(CredentialError::Missing)?;
                if current.id != prepared {
                    secrets.make_current(&secret_id, &prepared, &current.id).await?;
                }
            }
        }
        let credential = self.use_current_secret().await?;
        if let Ok(shown) = shown {
            self.row.value.compare(&credential, &shown, self.clients.clock.now());
        }
        self.accepted().await?;
        if let Some(connector) = via {
            connector_watch::recover(self.clients, connector, self.clients.clock.now()).await?;
        }
        Ok(())
    }
}

impl HeldRegistration<'_> {
    /// The certificate that waits to be used; made now, if there is none that is good for a month. With `add`, Entra is
    /// made to know it, if the app may do that.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn prepare(self, add: bool) -> Result<Certificate, CredentialError> {
        let prepared = self.try_prepare(add).await;
        let released = self.release().await;
        let prepared = prepared?;
        released.map(|()| prepared)
    }

    async fn try_prepare(&self, add: bool) -> Result<Certificate, CredentialError> {
        let (secrets, secret_id) = (&self.clients.secrets, self.owner.secret_id());
        let soon = self.clients.clock.now() + PREPARED_LEFT;
        let waiting = secrets.labelled(&secret_id, PREPARED).await?;
        let current = secrets.labelled(&secret_id, CURRENT).await?.ok_or(CredentialError::Missing)?;
        let waiting = waiting.filter(|version| version.id != current.id).map(|v| Credential::parse(&v.text));
        let certificate = match (waiting, Credential::parse(&current.text)) {
            (Some(Credential::Certificate(waiting)), _) if waiting.expires_at > soon => waiting,
            // A registration that began with a certificate waits for it to be uploaded.
            (_, Credential::Certificate(current)) if self.row.value.source == ExpirySource::Certificate && !add => {
                current
            }
            _ => {
                let made = Certificate::make(
                    format!("greffe {}", self.ids.client_id),
                    self.clients.clock.now(),
                    &self.clients.random,
                )
                .await?;
                let (version, text) =
                    (self.clients.random.uuid().to_string(), Credential::Certificate(made.clone()).to_text());
                secrets.add_version(&secret_id, &version, &text, PREPARED).await?;
                made
            }
        };
        if add {
            self.add_certificate(&Credential::parse(&current.text), &certificate).await?;
        }
        Ok(certificate)
    }

    /// Has Entra know a certificate, if the app may do that.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn add_certificate(&self, current: &Credential, new: &Certificate) -> Result<(), CredentialError> {
        let graph = self.graph(current).await?;
        let shown = graph.application(&self.ids.client_id).await.map_err(not_allowed)?;
        if shown.key_credentials.iter().any(|key| key.is(new.der())) {
            return Ok(());
        }
        let mut all = shown.key_credentials;
        all.push(KeyCredential::new(new.der(), &self.tag()));
        graph.set_certificates(&self.ids.client_id, &all).await.map_err(not_allowed)
    }

    /// Writes down when the credential in use ends, as somebody says. What Entra says goes before it.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn enter(mut self, expires_at: Timestamp) -> Result<(), CredentialError> {
        self.use_current_secret().await?;
        let known = self.known();
        if matches!(known.source, ExpirySource::Unknown | ExpirySource::Entered) {
            (known.expires_at, known.source, known.reminded) = (Some(expires_at), ExpirySource::Entered, None);
        }
        self.release().await
    }
}

/// What takes the place of a credential.
#[derive(Debug)]
pub enum Replacement {
    /// This one.
    Credential(Credential),
    /// The certificate that was made for it.
    Prepared,
}

/// Why a registration is not changed.
fn no_token(source: TokenError) -> CredentialError {
    match source {
        TokenError::NotAllowed(NotAllowed::AnotherFirms) => CredentialError::AnotherFirms,
        source => GraphError::Token { attempted: "ask for a token of the app itself".to_owned(), source }.into(),
    }
}

/// Whether a refusal of a new credential may be gone in a moment: Entra spreads what is new. An id in the place of a
/// value is wrong for ever.
fn may_pass(error: &GraphError, credential: &Credential) -> bool {
    let GraphError::Token { source, .. } = error else { return false };
    let expired = |number: &u64| *number == 7_000_222;
    let refusal = source.refusal().filter(|r| r.is_of_the_credential() && !r.error_codes.iter().any(expired));
    refusal.is_some() && !is_an_id(credential)
}

/// Rings the operator's alarm, and tells in the log whose credential it is.
fn alarm(what: &FactEvent, firm: Option<FirmId>, now: Timestamp) {
    if matches!(what, FactEvent::SecretExpiring { .. } | FactEvent::SecretExpired { .. }) {
        Tally::one(Counter::CredentialReminders).publish(now);
    }
    let firm = firm.map(|firm| firm.to_string()).unwrap_or_else(|| "platform".to_owned());
    match what {
        FactEvent::SecretExpiring { ending, days_left } => {
            let client = &ending.client_id;
            tracing::warn!(firm.id = %firm, client.id = %client, days_left, "an app's credential ends soon");
        }
        FactEvent::SecretExpired { ending } => {
            tracing::error!(firm.id = %firm, client.id = %ending.client_id, "an app's credential has ended");
        }
        _ => tracing::info!(firm.id = %firm, "an app's credential was replaced"),
    }
}

/// A refusal of the right, in contrast to one by the organisation's policy for credentials, which has codes of its own.
pub(crate) fn not_allowed(error: GraphError) -> CredentialError {
    match &error {
        GraphError::Refused { code, .. } if code.is("Authorization_RequestDenied") => {
            CredentialError::NotAllowed(error)
        }
        _ => CredentialError::Graph(error),
    }
}
