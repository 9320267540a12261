//! Puts another credential in the place of the one in use: one that a person brings, or a certificate that greffe made
//! and a person uploads. greffe's own replacements are in `rotation.rs`.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    access::{
        connector::Connector,
        connector_watch,
        credential::{Certificate, Credential},
        credential_record::{CredentialError, ExpirySource},
        held_registration::HeldRegistration,
        reminder::days_left,
        rotation::RENEW_DAYS,
    },
    aws::secrets::PREPARED,
    graph::KeyCredential,
};

/// A certificate that waits is used if it is good for this long still.
const PREPARED_LEFT: Duration = Duration::from_secs(30 * 86_400);

/// What takes the place of a credential.
#[derive(Debug)]
pub enum Replacement {
    /// This one.
    Credential(Credential),
    /// The certificate that was made for it.
    Prepared,
}

impl HeldRegistration<'_> {
    /// Puts a credential in the place of the one in use, once it is proven. The old one stays good at Entra.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn replace(mut self, new: Replacement, via: Option<&Connector>) -> Result<(), CredentialError> {
        let replaced = self.try_replace(new, via).await;
        let released = self.release().await;
        replaced.and(released)
    }

    async fn try_replace(&mut self, new: Replacement, via: Option<&Connector>) -> Result<(), CredentialError> {
        let (secrets, secret_id) = (&self.clients.secrets, self.owner.secret_id());
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
            None => self.store_current(&credential).await?,
            Some(prepared) => {
                let current = self.current_version().await?;
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
        let now = self.clients.clock.now();
        let soon = now + PREPARED_LEFT;
        let waiting = secrets.labelled(&secret_id, PREPARED).await?;
        let current = self.current_version().await?;
        let waiting = waiting.filter(|version| version.id != current.id).map(|v| Credential::parse(&v.text));
        let current = Credential::parse(&current.text);
        // One that was made before the one in use is retired.
        let is_later = |waiting: &Certificate| match &current {
            Credential::Certificate(used) => waiting.expires_at > used.expires_at,
            Credential::Secret(_) | Credential::Federated(_) => true,
        };
        let certificate = match (waiting, &current) {
            (Some(Credential::Certificate(waiting)), _) if waiting.expires_at > soon && is_later(&waiting) => waiting,
            // A registration that began with a certificate waits for it to be uploaded.
            (_, Credential::Certificate(current))
                if self.row.value.source == ExpirySource::Certificate
                    && !add
                    && days_left(current.expires_at, now) > RENEW_DAYS =>
            {
                current.clone()
            }
            _ => {
                let made = self.make_certificate().await?;
                let version = self.clients.random.uuid().to_string();
                let text = Credential::Certificate(made.clone()).to_text();
                secrets.add_version(&secret_id, &version, &text, PREPARED).await?;
                made
            }
        };
        if add {
            self.add_certificate(&current, &certificate).await?;
        }
        Ok(certificate)
    }

    /// A new key pair.
    ///
    /// Errors: none can be made.
    pub(super) async fn make_certificate(&self) -> Result<Certificate, CredentialError> {
        let (name, clients) = (format!("greffe {}", self.client_id()), self.clients);
        Ok(Certificate::make(name, clients.clock.now(), &clients.random).await?)
    }

    /// Has Entra know a certificate, if the app may do that.
    ///
    /// Errors: the lease ended and another function took it, or Entra, Secrets Manager or the table refuses.
    pub async fn add_certificate(&self, current: &Credential, new: &Certificate) -> Result<(), CredentialError> {
        let graph = self.graph(current).await?;
        let shown = graph.application(self.client_id()).await.map_err(CredentialError::of_change)?;
        if shown.key_credentials.iter().any(|key| key.is(new.der())) {
            return Ok(());
        }
        let mut all = shown.key_credentials;
        all.push(KeyCredential::new(new.der(), &self.tag()));
        graph.set_certificates(self.client_id(), &all).await.map_err(CredentialError::of_change)
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
