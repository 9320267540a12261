//! Looks at the credential in use: what Secrets Manager and Entra say of it now. Removes from Entra what greffe made
//! there and nobody uses any more.

use crate::{
    access::{
        app_claim, clients::Clients, connector_watch, credential::Credential, credential_record::CredentialError,
        held_registration::HeldRegistration, unused_credentials::UnusedCredentials,
    },
    aws::{
        secrets::{PENDING, PREPARED, Version},
        table::{Key, Write},
    },
    base::{id::FirmId, telemetry::ErrorChain},
    graph::{Application, EntraRefusal, GraphError},
    problem::{NotedProblem, of_graph_error},
};

impl HeldRegistration<'_> {
    /// Looks at the credential in use: what Secrets Manager and Entra say of it now. What greffe made and nobody uses
    /// any more is removed from Entra. What Entra shows, if it shows anything.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn read_application(&mut self) -> Result<Option<Application>, CredentialError> {
        let mut credential = self.use_current_secret().await?;
        self.visit.looked = true;
        if credential.is_by_shared_audience() {
            self.leave_shared_audience().await?;
            credential = self.use_current_secret().await?;
        }
        match self.prove_once(&credential, None).await {
            Ok(shown) => {
                self.accepted().await?;
                let Ok(shown) = shown else { return Ok(None) };
                self.row.value.compare(&credential, &shown, self.clients.clock.now());
                self.sweep(&credential, &shown).await?;
                Ok(Some(shown))
            }
            Err(CredentialError::NoTenant) => Ok(None),
            Err(CredentialError::Unproven(error)) => {
                if is_of_the_credential(&error) {
                    self.refused(&error).await?;
                }
                Err(CredentialError::Unproven(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Goes over from the audience that all firms shared to the owner's own, once Entra trusts it.
    async fn leave_shared_audience(&mut self) -> Result<(), CredentialError> {
        let audience = app_claim::audience(&self.clients.table, &self.clients.random, self.owner).await?;
        let own = Credential::Federated(audience);
        match self.prove_once(&own, None).await {
            Ok(_) => {
                self.store_current(&own).await?;
                self.use_current_secret().await.map(drop)
            }
            // Nobody has entered it yet.
            Err(CredentialError::Unproven(_) | CredentialError::NoTenant) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the credential in use carries greffe's own name there: then greffe may replace it by itself.
    pub(super) async fn is_our_own(&mut self, shown: &Application) -> Result<bool, CredentialError> {
        let credential = self.use_current_secret().await?;
        Ok(self.row.value.compare(&credential, shown, self.clients.clock.now()) == Some(self.tag()))
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
    pub(super) async fn accepted(&self) -> Result<(), CredentialError> {
        let now = self.clients.clock.now();
        for row in self.connectors().await? {
            connector_watch::recover(self.clients, &row.value, now).await?;
        }
        Ok(())
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
            graph.remove_password(self.client_id(), key_id).await?;
        }
        if let Some(certificates) = &leftovers.certificates_kept {
            graph.set_certificates(self.client_id(), certificates).await?;
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
                    let client = self.client_id();
                    tracing::warn!(client.id = %client, error = %ErrorChain(&error), "credentials of greffe's stay at Entra");
                }
            }
            // Another request went as far as that.
            Err(CredentialError::Missing) => {}
            Err(error) => return Err(error),
        }
        let Clients { table, secrets, .. } = self.clients;
        secrets.delete(&self.owner.secret_id()).await?;
        app_claim::release_client_id(table, firm, self.client_id()).await?;
        table.transact(vec![Write::discard(Key::own_app(firm)), Write::remove(&self.row)]).await?;
        Ok(())
    }

    /// Removes from Entra all credentials that carry our name, in use or not.
    async fn remove_all(&self, current: &Credential) -> Result<(), CredentialError> {
        let shown = self.prove_once(current, None).await?.map_err(CredentialError::Graph)?;
        let leftovers = UnusedCredentials::of(None, &[], &[], &self.tag(), &shown, self.clients.clock.now());
        self.remove(&leftovers, current).await
    }
}

/// Whether Entra gave no token because of the credential.
fn is_of_the_credential(error: &GraphError) -> bool {
    let GraphError::Token { source, .. } = error else { return false };
    source.refusal().is_some_and(EntraRefusal::is_of_the_credential)
}
