//! Leases on app registrations: one function at a time works on one. A lease expires by the clock.
//!
//! What a function does while it holds one is beside this file: it proves credentials (`credential_proof.rs`), looks at
//! the one in use and removes others (`credential_look.rs`), and replaces it (`replacement.rs`, `rotation.rs`).

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::{
    access::{
        app_claim,
        app_owner::AppOwner,
        clients::Clients,
        connector::{Connector, OwnApp},
        credential::Credential,
        credential_record::{CredentialError, CredentialRecord},
        registration_release::{RegistrationRelease, RegistrationVisit, alarm},
    },
    aws::{
        secrets::{CURRENT, Version},
        table::{Key, Row, TableError, Write, sortable},
    },
    base::id::{ClientId, TenantId},
    firm::fact::Fact,
};

/// How long a function may work at a registration before another takes it for dead: longer than any function lives.
const LEASE_TIME: Duration = Duration::from_secs(150);

/// How Entra knows a registration.
#[derive(Debug, Clone)]
pub(super) struct RegistrationIds {
    pub(super) client_id: ClientId,
    pub(super) tenant: Option<TenantId>,
}

impl RegistrationIds {
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

/// A registration that nobody else works at.
pub struct HeldRegistration<'a> {
    pub(super) clients: &'a Clients,
    /// Whose it is.
    pub owner: AppOwner,
    pub(super) ids: RegistrationIds,
    pub(super) row: Row<CredentialRecord>,
    pub(super) visit: RegistrationVisit,
}

impl<'a> HeldRegistration<'a> {
    /// Takes the lease.
    ///
    /// Errors: another function holds the lease, there is no registration, or Secrets Manager or the table refuses.
    pub async fn take(clients: &'a Clients, owner: AppOwner) -> Result<Self, CredentialError> {
        let ids = RegistrationIds::of(owner, clients).await?.ok_or(CredentialError::Missing)?;
        let now = clients.clock.now();
        let lease_until = Some(now + LEASE_TIME);
        // While it is held it is due at once, because the function that holds it may die.
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
        let visit = RegistrationVisit { due_before, looked: false, renewed: false };
        match taken {
            Ok(row) => Ok(Self { clients, owner, ids, row, visit }),
            Err(TableError::Conflict { .. }) => Err(CredentialError::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// What is known.
    pub fn known(&mut self) -> &mut CredentialRecord {
        &mut self.row.value
    }

    /// Writes down what is known so far, and keeps the lease.
    pub(super) async fn save(&mut self) -> Result<(), CredentialError> {
        self.clients.table.write(Write::replace(&self.row)).await?;
        self.row.written();
        Ok(())
    }

    /// Gives the lease back, with what is known now and the fact that follows from it.
    ///
    /// Errors: the lease ended and another function took it, or the table refuses.
    pub async fn release(mut self) -> Result<(), CredentialError> {
        let now = self.clients.clock.now();
        let RegistrationRelease { due_at, reminded, news } = RegistrationRelease::of(&self.row.value, &self.visit, now);
        let known = &mut self.row.value;
        (known.lease_until, known.due_at, known.reminded) = (None, due_at, reminded);
        let write = Write::replace(&self.row);
        let Some(news) = news else { return Ok(self.clients.table.write(write).await?) };
        let connectors = if news.names_connectors() { self.connectors().await? } else { Vec::new() };
        let known = &self.row.value;
        let what = news.event(known, connectors.iter().map(|row| row.value.id).collect(), now);
        match self.owner {
            AppOwner::Firm(firm) => {
                if news.has_expired() {
                    alarm(&what, Some(firm), now);
                }
                let fact = Fact { id: news.fact_id(&what, known), at: now, what };
                self.clients.feed.tell_with(firm, vec![write], fact).await?;
            }
            AppOwner::Platform => {
                alarm(&what, None, now);
                self.clients.table.write(write).await?;
            }
        }
        Ok(())
    }

    /// The version of the secret that is in use.
    pub(super) async fn current_version(&self) -> Result<Version, CredentialError> {
        let current = self.clients.secrets.labelled(&self.owner.secret_id(), CURRENT).await?;
        current.ok_or(CredentialError::Missing)
    }

    /// Goes over to what Secrets Manager holds now.
    pub(super) async fn use_current_secret(&mut self) -> Result<Credential, CredentialError> {
        let current = self.current_version().await?;
        self.row.value.client_id = self.ids.client_id.clone();
        self.visit.renewed |= self.row.value.use_version(&current, self.clients.clock.now());
        Ok(Credential::parse(&current.text))
    }

    /// Makes a credential the one in use.
    pub(super) async fn store_current(&self, credential: &Credential) -> Result<(), CredentialError> {
        let (secret_id, version) = (self.owner.secret_id(), self.clients.random.uuid().to_string());
        Ok(self.clients.secrets.add_version(&secret_id, &version, &credential.to_text(), CURRENT).await?)
    }

    /// The firm's connectors that work with it.
    pub(super) async fn connectors(&self) -> Result<Vec<Row<Connector>>, TableError> {
        let AppOwner::Firm(firm) = self.owner else { return Ok(Vec::new()) };
        let mut all = self.clients.table.query_all::<Connector>(&Key::connector_prefix(firm)).await?;
        all.retain(|row| row.value.app.is_some());
        Ok(all)
    }

    /// The client id.
    pub(super) fn client_id(&self) -> &ClientId {
        &self.ids.client_id
    }

    /// What greffe names its credentials at Entra: so a leftover is known for its own, and only its own.
    pub(super) fn tag(&self) -> String {
        let whose = format!("{} {}", self.clients.config.public_url.at(""), self.owner.secret_id());
        format!("greffe {}", hex::encode(&Sha256::digest(whose)[..6]))
    }

    /// Whether the owner may change the registration at Entra. Asked after a token was issued: from the first one on it
    /// is the owner's.
    pub(super) async fn may_change(&self) -> Result<(), CredentialError> {
        match self.owner {
            AppOwner::Platform => Ok(()),
            AppOwner::Firm(firm) => {
                let allowed = app_claim::may_change(&self.clients.table, firm, &self.ids.client_id).await;
                allowed.map_err(CredentialError::of_token)
            }
        }
    }
}
