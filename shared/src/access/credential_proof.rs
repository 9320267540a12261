//! Proves a credential of an app registration: Entra issues a token for it, and Graph takes the token.

use std::time::Duration;

use crate::{
    access::{
        connector::Connector,
        credential::Credential,
        credential_record::{CredentialError, is_an_id},
        entra::EntraApp,
        held_registration::HeldRegistration,
    },
    base::id::TenantId,
    graph::{AccessToken, Application, Graph, GraphError, TokenError},
};

/// Tries of a new credential that Entra does not know yet, and the pause between them: a person waits.
const PROOF_TRIES: u32 = 3;
const PROOF_PAUSE: Duration = Duration::from_secs(3);

/// What Graph showed of a registration to a credential that was proven, or why it shows nothing.
pub(super) type ShownCredentials = Result<Application, GraphError>;

impl HeldRegistration<'_> {
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

    pub(super) async fn prove_once(
        &self,
        credential: &Credential,
        via: Option<&Connector>,
    ) -> Result<ShownCredentials, CredentialError> {
        let issued = match (&self.ids.tenant, via) {
            (Some(tenant), _) => self.issue(tenant, credential).await,
            (None, Some(connector)) => self.clients.tokens.try_app(connector, self.registered(credential)).await,
            (None, None) => return Err(CredentialError::NoTenant),
        };
        let attempted = "try the app's credential".to_owned();
        let token = issued.map_err(|source| CredentialError::Unproven(GraphError::Token { attempted, source }))?;
        match self.clients.graph_with(token).application(self.client_id()).await {
            // Graph took the token; what it lets the app see is another matter.
            Err(e) if matches!(e.status(), Some(403 | 404)) => Ok(Err(e)),
            Err(e) => Err(CredentialError::Unproven(e)),
            Ok(shown) => Ok(Ok(shown)),
        }
    }

    /// Graph as the app itself may ask it in its own tenant, to change its registration.
    pub(super) async fn graph(&self, credential: &Credential) -> Result<Graph, CredentialError> {
        let tenant = self.ids.tenant.as_ref().ok_or(CredentialError::NoTenant)?;
        let token = self.issue(tenant, credential).await.map_err(CredentialError::of_token)?;
        self.may_change().await?;
        Ok(self.clients.graph_with(token))
    }

    /// A token of the app itself in its own tenant, if its client id is the firm's to use.
    async fn issue(&self, tenant: &TenantId, credential: &Credential) -> Result<AccessToken, TokenError> {
        let (tokens, entra) = (&self.clients.tokens, self.clients.tokens.entra());
        tokens
            .permitted(self.owner, None, self.registered(credential), async |registered| {
                let tenant = entra.tenant_id(tenant).await?;
                Ok(entra.client_credentials(&tenant, &registered, None).await?.access)
            })
            .await
    }

    fn registered(&self, credential: &Credential) -> EntraApp {
        EntraApp { client_id: self.client_id().clone(), credential: credential.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{EntraError, EntraRefusal};

    fn refused(error: &str, number: u64) -> GraphError {
        let refusal = EntraRefusal {
            error: error.to_owned(),
            error_description: String::new(),
            error_codes: vec![number],
            suberror: None,
        };
        let source = TokenError::Entra(EntraError::Refused(refusal));
        GraphError::Token { attempted: "try the app's credential".to_owned(), source }
    }

    #[test]
    fn only_a_credential_that_entra_may_not_know_yet_is_tried_again() {
        let value = Credential::secret("abc8Q~x".to_owned().into());
        let id = Credential::secret("6f9619ff-8b86-4011-b42d-00c04fc964ff".to_owned().into());
        assert!(may_pass(&refused("invalid_client", 7_000_215), &value));
        assert!(!may_pass(&refused("invalid_client", 7_000_215), &id), "a secret's id is no secret");
        assert!(!may_pass(&refused("invalid_client", 7_000_222), &value), "it has expired");
        assert!(!may_pass(&refused("unauthorized_client", 700_016), &value), "the app is not there");
        let not_connected = GraphError::Token { attempted: String::new(), source: TokenError::NotConnected };
        assert!(!may_pass(&not_connected, &value));
    }
}
