//! A firm's own app registration: how it becomes the firm's, and how its credential is stored.

use crate::{
    access::{
        app_owner::AppOwner,
        clients::Clients,
        connector::{Connector, OwnApp},
        credential::{Certificate, Credential},
        credential_record::CredentialError,
        held_registration::HeldRegistration,
        replacement::Replacement,
    },
    aws::{secrets::CURRENT, table::TableError},
    base::id::FirmId,
};

/// Why an app registration does not become the firm's.
#[derive(Debug, thiserror::Error)]
pub enum OwnAppError {
    /// The firm has another one.
    #[error("the firm has another app registration")]
    Another,
    /// It has a secret, and there is no certificate that could take its place.
    #[error("make a certificate for this app first, then switch to it")]
    NoCertificate,
    /// Microsoft, Secrets Manager or the table.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

/// Makes `own` the app registration of `firm`, and stores its credential before any connector uses it. A credential
/// that replaces one in use is tried first. `given`: none for a certificate, which greffe makes.
///
/// Errors: the firm has another one; there is no certificate to switch to; Microsoft refuses the credential; Secrets
/// Manager or the table refuses or does not answer.
pub async fn keep(clients: &Clients, firm: FirmId, own: &OwnApp, given: Option<Credential>) -> Result<(), OwnAppError> {
    let owner = AppOwner::Firm(firm);
    if !own.claim(&clients.table, firm).await.map_err(CredentialError::from)? {
        return Err(OwnAppError::Another);
    }
    let current = clients.secrets.labelled(&owner.secret_id(), CURRENT).await.map_err(CredentialError::from)?;
    let current = current.map(|version| Credential::parse(&version.text));
    match (current, given) {
        (Some(Credential::Certificate(_)), None) => {}
        (Some(_), None) => return Err(OwnAppError::NoCertificate),
        (Some(current), Some(given)) if current.is_same(&given) => {}
        (Some(_), Some(given)) if is_in_use(clients, firm).await.map_err(CredentialError::from)? => {
            HeldRegistration::take(clients, owner).await?.replace(Replacement::Credential(given), None).await?;
        }
        (_, given) => {
            let credential = match given {
                Some(given) => given,
                None => {
                    let name = format!("greffe {}", own.client_id);
                    let made = Certificate::make(name, clients.clock.now(), &clients.random).await;
                    Credential::Certificate(made.map_err(CredentialError::from)?)
                }
            };
            let written = clients.secrets.write(&owner.secret_id(), &credential.to_text()).await;
            written.map_err(CredentialError::from)?;
            HeldRegistration::take(clients, owner).await?.release().await?;
        }
    }
    Ok(())
}

/// Whether somebody has connected with the firm's own app. Before, a secret that was mistyped is just entered again.
async fn is_in_use(clients: &Clients, firm: FirmId) -> Result<bool, TableError> {
    let all = Connector::of_firm(&clients.table, firm).await?;
    Ok(all.iter().any(|connector| connector.app.is_some() && connector.connected_at.is_some()))
}
