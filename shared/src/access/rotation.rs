//! Rotating a registration's credential in the four steps of Secrets Manager, each of which may run again after a kill
//! anywhere.
//!
//! ```text
//! createSecret   a new credential is made and kept beside the one in use (AWSPENDING)
//! setSecret      Entra knows it
//! testSecret     Entra takes it, and Graph takes the token
//! finishSecret   it is in use (AWSCURRENT); the old one is removed from Entra an hour later
//! ```
//!
//! Entra makes the value of a client secret and shows it once. A function that dies before it kept that value leaves a
//! secret that nobody can use; it carries greffe's own name, and the next run removes it before it makes another.
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

use jiff::SignedDuration;
use serde::Deserialize;

use crate::{
    access::{
        app_owner::AppOwner,
        clients::Clients,
        credential::{ClientSecret, Credential},
        credential_record::{CredentialError, Rotation},
        held_registration::HeldRegistration,
        reminder::days_left,
    },
    aws::secrets::PENDING,
    base::telemetry::ErrorChain,
    firm::fact::CredentialKind,
    graph::{Application, GraphError},
};

/// How long a client secret is made for: tenants often forbid more than ninety days.
const SECRET_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What greffe made is replaced so many days before its end: before the first reminder.
pub(super) const RENEW_DAYS: i64 = 61;
/// A rotation that takes longer than this is given up, and its credential removed: something else is wrong than time.
const ROTATION_TIME: SignedDuration = SignedDuration::from_hours(24);

/// A step of a rotation, as Secrets Manager names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum RotationStep {
    CreateSecret,
    SetSecret,
    TestSecret,
    FinishSecret,
}

/// Whether a rotation came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The new credential is in use.
    Done,
    /// Entra does not accept it yet. The schedule goes on with it.
    UnderWay,
}

/// Rotates the credential of `owner`, or goes on with it, as far as it goes now.
///
/// Errors: another function holds the lease, or Entra, Secrets Manager or the table refuses.
pub async fn rotate(clients: &Clients, owner: AppOwner) -> Result<Rotated, CredentialError> {
    let mut held = HeldRegistration::take(clients, owner).await?;
    let rotated = begin(&mut held).await;
    let released = held.release().await;
    let rotated = rotated?;
    released.map(|()| rotated)
}

async fn begin(held: &mut HeldRegistration<'_>) -> Result<Rotated, CredentialError> {
    let credential = held.use_current_secret().await?;
    if credential.kind() == CredentialKind::Federated {
        return Err(CredentialError::NothingToRotate);
    }
    if held.known().rotation.is_none() {
        // The proof tells why Entra shows nothing, if so.
        let shown = held.prove(&credential, None).await?;
        held.may_change().await?;
        shown.map_err(CredentialError::NotAllowed)?;
    }
    look(held).await?;
    run(held).await
}

/// Compares and sweeps; what Entra shows, if greffe may see it. Once a rotation is under way, a credential in use that
/// no longer works is no error: what the rotation brings may work.
async fn look(held: &mut HeldRegistration<'_>) -> Result<Option<Application>, CredentialError> {
    match held.read_application().await {
        Err(CredentialError::Unproven(_)) if held.known().rotation.is_some() => Ok(None),
        looked => looked,
    }
}

/// What the schedule does: a rotation under way goes on, and what greffe made is replaced in time.
pub(crate) async fn continue_rotation(
    held: &mut HeldRegistration<'_>,
    shown: Option<Application>,
) -> Result<(), CredentialError> {
    let now = held.clients.clock.now();
    if let Some(rotation) = held.known().rotation.clone() {
        if now.duration_since(rotation.since) < ROTATION_TIME {
            return run(held).await.map(drop);
        }
        return give_up(held, &rotation).await;
    }
    let Some(shown) = shown else { return Ok(()) };
    let ends = held.known().expires_at;
    if ends.is_some_and(|ends| days_left(ends, now) <= RENEW_DAYS) && held.is_our_own(&shown).await? {
        run(held).await?;
    }
    Ok(())
}

/// The next sweep removes from Entra what it brought.
async fn give_up(held: &mut HeldRegistration<'_>, rotation: &Rotation) -> Result<(), CredentialError> {
    tracing::error!("a rotation is given up after a day");
    let secret_id = held.owner.secret_id();
    held.clients.secrets.unlabel(&secret_id, PENDING, &rotation.token).await?;
    held.known().rotation = None;
    Ok(())
}

async fn run(held: &mut HeldRegistration<'_>) -> Result<Rotated, CredentialError> {
    let token = match &held.known().rotation {
        Some(rotation) => rotation.token.clone(),
        None => held.clients.random.uuid().to_string(),
    };
    for step in [RotationStep::CreateSecret, RotationStep::SetSecret] {
        if let Err(error) = take(held, step, &token).await {
            let refused = |error: &GraphError| error.status().is_some_and(|status| (400..429).contains(&status));
            match &error {
                // Nothing was made, nor will it be.
                CredentialError::NotAllowed(_) => held.known().rotation = None,
                CredentialError::Graph(refusal) if refused(refusal) => held.known().rotation = None,
                _ => {}
            }
            return Err(error);
        }
    }
    match take(held, RotationStep::TestSecret, &token).await {
        Ok(()) => {}
        Err(CredentialError::Unproven(error)) => {
            tracing::info!(microsoft.code = %error.code(), "Entra does not take the new credential yet");
            return Ok(Rotated::UnderWay);
        }
        Err(error) => return Err(error),
    }
    take(held, RotationStep::FinishSecret, &token).await?;
    Ok(Rotated::Done)
}

/// Takes one step of the rotation that Secrets Manager drives.
///
/// Errors: another function holds the lease, or Entra, Secrets Manager or the table refuses.
pub async fn step(clients: &Clients, step: RotationStep, secret_id: &str, token: &str) -> Result<(), CredentialError> {
    let owner = AppOwner::of_secret(secret_id).ok_or(CredentialError::Missing)?;
    let mut held = HeldRegistration::take(clients, owner).await?;
    let taken = match step {
        RotationStep::CreateSecret => match held.read_application().await {
            Ok(_) => take(&mut held, step, token).await,
            Err(error) => Err(error),
        },
        _ => take(&mut held, step, token).await,
    };
    let released = held.release().await;
    taken.and(released)
}

async fn take(held: &mut HeldRegistration<'_>, step: RotationStep, token: &str) -> Result<(), CredentialError> {
    let current = held.current_version().await?;
    if current.id == token {
        // It is in use already: a step is told to run again.
        return held.use_current_secret().await.map(drop);
    }
    let credential = Credential::parse(&current.text);
    match step {
        RotationStep::CreateSecret => create(held, &credential, token).await,
        RotationStep::SetSecret => set(held, &credential, token).await,
        RotationStep::TestSecret => {
            let pending = pending(held, token).await?.ok_or(CredentialError::NothingPrepared)?;
            held.prove(&pending, None).await.map(drop)
        }
        RotationStep::FinishSecret => {
            held.clients.secrets.make_current(&held.owner.secret_id(), token, &current.id).await?;
            held.use_current_secret().await.map(drop)
        }
    }
}

async fn pending(held: &HeldRegistration<'_>, token: &str) -> Result<Option<Credential>, CredentialError> {
    let version = held.clients.secrets.by_id(&held.owner.secret_id(), token).await?;
    Ok(version.map(|version| Credential::parse(&version.text)))
}

async fn create(held: &mut HeldRegistration<'_>, current: &Credential, token: &str) -> Result<(), CredentialError> {
    // Stored before anything is made, so that the next run continues with the same token after a kill.
    if held.known().rotation.as_ref().is_none_or(|rotation| rotation.token != token) {
        let since = held.clients.clock.now();
        held.known().rotation = Some(Rotation { token: token.to_owned(), since });
        held.save().await?;
    }
    if pending(held, token).await?.is_some() {
        return Ok(());
    }
    let new = match current {
        Credential::Federated(_) => return Err(CredentialError::NothingToRotate),
        Credential::Certificate(_) => Credential::Certificate(held.make_certificate().await?),
        Credential::Secret(_) => {
            let graph = held.graph(current).await?;
            let until = held.clients.clock.now() + SECRET_LIFETIME;
            let made = graph.add_password(held.client_id(), &held.tag(), until).await;
            let made = made.map_err(CredentialError::of_change)?;
            let (key_id, expires_at) = (Some(made.key_id), Some(made.ends_at));
            Credential::Secret(ClientSecret { value: made.secret_text, key_id, expires_at })
        }
    };
    let secret_id = held.owner.secret_id();
    Ok(held.clients.secrets.add_version(&secret_id, token, &new.to_text(), PENDING).await?)
}

async fn set(held: &mut HeldRegistration<'_>, current: &Credential, token: &str) -> Result<(), CredentialError> {
    match pending(held, token).await?.ok_or(CredentialError::NothingPrepared)? {
        Credential::Certificate(new) => held.add_certificate(current, &new).await,
        Credential::Secret(_) | Credential::Federated(_) => Ok(()),
    }
}

/// Checks one app registration, as the schedule does: reads its state, sends the reminders that are due, and goes on
/// with a rotation. While another function holds the lease it does nothing. A failure of Entra is logged.
///
/// Errors: Secrets Manager or the table refuses.
pub async fn watch(clients: &Clients, owner: AppOwner) -> Result<(), CredentialError> {
    let mut held = match HeldRegistration::take(clients, owner).await {
        Err(CredentialError::Missing | CredentialError::Busy) => return Ok(()),
        other => other?,
    };
    let went_on = match look(&mut held).await {
        Ok(shown) => continue_rotation(&mut held, shown).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &went_on {
        tracing::warn!(error = %ErrorChain(error), "a credential could not be looked at or rotated; it is tried again");
    }
    held.release().await
}
