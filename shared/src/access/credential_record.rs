//! What greffe knows about the credential of an app registration: one item, about the version in use in Secrets
//! Manager.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{
        app_claim,
        app_owner::AppOwner,
        clients::Clients,
        connector::{Connector, OwnApp},
        connector_watch,
        credential::Credential,
        reminder::Reminder,
        unused_credentials::Retired,
    },
    aws::{
        secrets::{SecretError, Version},
        table::{DUE_CREDENTIAL, Key, Table, TableError, sortable},
    },
    base::id::{ClientId, FirmId},
    firm::{fact::CredentialKind, feed::FeedError},
    graph::{Application, GraphError, KeyError, NotAllowed, TokenError},
    problem::{Code, Problem},
};

/// How long a credential that was replaced by a rotation stays at Entra: far longer than any function believes what it
/// read.
const GRACE: Duration = Duration::from_secs(3600);

/// The source of the expiry date of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExpirySource {
    /// Entra said it.
    Entra,
    /// Somebody entered it.
    Entered,
    /// The certificate says it.
    Certificate,
    /// It is not known.
    Unknown,
}

/// A rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The version of the secret that it brings.
    pub token: String,
    /// When it began.
    pub since: Timestamp,
}

/// What is known of a registration's credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialRecord {
    /// The client id that it is registered under.
    pub client_id: ClientId,
    /// What kind of credential is in use.
    pub credential: CredentialKind,
    /// Its version in Secrets Manager: all that follows is about this one.
    pub in_use: String,
    /// Entra's id of it.
    pub key_id: Option<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Where greffe knows the date from.
    pub source: ExpirySource,
    /// The last reminder that was told.
    pub reminded: Option<Reminder>,
    /// A rotation under way.
    pub rotation: Option<Rotation>,
    /// What it replaced and is still at Entra.
    pub(crate) retired: Vec<Retired>,
    /// Until then a function works at it.
    pub(crate) lease_until: Option<Timestamp>,
    due_kind: String,
    /// When it is looked at next.
    pub(crate) due_at: String,
}

impl CredentialRecord {
    /// What is known of the credential of `owner`; none before it was looked at.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, owner: AppOwner) -> Result<Option<Self>, TableError> {
        Ok(table.get::<Self>(&owner.key()).await?.map(|row| row.value))
    }

    /// When it ends, as far as that is certain: of several secrets that begin alike, one that has ended may be another
    /// one.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let is_certain = self.source != ExpirySource::Entra || self.key_id.is_some();
        self.expires_at.filter(|end| *end > now || is_certain)
    }

    pub(crate) fn new(client_id: &ClientId, version: &Version, now: Timestamp) -> Self {
        let due = (DUE_CREDENTIAL.to_owned(), sortable(now));
        let mut new = Self {
            client_id: client_id.clone(),
            credential: CredentialKind::Secret,
            in_use: String::new(),
            key_id: None,
            expires_at: None,
            source: ExpirySource::Unknown,
            reminded: None,
            rotation: None,
            retired: Vec::new(),
            lease_until: None,
            due_kind: due.0,
            due_at: due.1,
        };
        new.use_version(version, now);
        new
    }

    /// Goes over to the credential that is in use now; whether it is another than before.
    pub(crate) fn use_version(&mut self, version: &Version, now: Timestamp) -> bool {
        if self.in_use == version.id {
            return false;
        }
        let credential = Credential::parse(&version.text);
        // Another new version ends a rotation, too. Then nobody uses what the rotation made, and the sweep removes it.
        if self.rotation.take().is_some_and(|rotation| rotation.token == version.id) {
            let remove_at = now + GRACE;
            self.retired.extend(self.key_id.take().map(|key_id| Retired { key_id, remove_at }));
        }
        self.in_use.clone_from(&version.id);
        self.credential = credential.kind();
        self.key_id = credential.key_id().map(str::to_owned);
        self.expires_at = credential.expires_at();
        self.source = match (&credential, self.expires_at) {
            (_, None) => ExpirySource::Unknown,
            (Credential::Certificate(_), _) => ExpirySource::Certificate,
            (_, Some(_)) if self.key_id.is_some() => ExpirySource::Entra,
            (_, Some(_)) => ExpirySource::Entered,
        };
        self.reminded = None;
        true
    }

    /// Takes over what Entra shows of the credential in use, with which a token was just issued; the name that it has
    /// there.
    pub(crate) fn compare(&mut self, credential: &Credential, shown: &Application, now: Timestamp) -> Option<String> {
        let found = FoundCredential::of(credential, self.key_id.as_deref(), shown, now)?;
        if found.ends_at.is_some() {
            if found.ends_at > self.expires_at {
                // The reminders were about an earlier end, which is no longer right.
                self.reminded = None;
            }
            (self.expires_at, self.source) = (found.ends_at, ExpirySource::Entra);
        }
        self.key_id = found.key_id.or(self.key_id.take());
        found.name
    }
}

/// A credential as Entra shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FoundCredential {
    key_id: Option<String>,
    name: Option<String>,
    /// When it expires.
    pub ends_at: Option<Timestamp>,
}

impl FoundCredential {
    /// Finds a credential, with which tokens are issued, among those that Entra shows: a certificate by itself, a
    /// client secret by its id where that is known, else by its first three characters. Of several
    /// that begin alike, the one that ends first counts; tokens are never issued with one that has ended.
    pub fn of(credential: &Credential, key_id: Option<&str>, shown: &Application, now: Timestamp) -> Option<Self> {
        let own = match credential {
            Credential::Federated(_) => return None,
            Credential::Certificate(own) => {
                let found = shown.key_credentials.iter().find(|key| key.is(own.der()))?;
                let name = found.display_name().map(str::to_owned);
                return Some(Self { key_id: found.key_id.clone(), name, ends_at: found.ends_at });
            }
            Credential::Secret(own) => own.value.expose_secret(),
        };
        let all = &shown.password_credentials;
        let by_id = all.iter().find(|found| key_id.is_some() && found.key_id.as_deref() == key_id);
        let begins = |hint: &String| !hint.is_empty() && own.starts_with(hint.as_str());
        let living = all.iter().filter(|found| found.ends_at.is_none_or(|end| end > now));
        let alike = || living.filter(|found| found.hint.as_ref().is_some_and(begins)).collect();
        let alike: Vec<_> = by_id.map_or_else(alike, |found| vec![found]);
        match alike.as_slice() {
            [] => None,
            [one] => Some(Self { key_id: one.key_id.clone(), name: one.display_name.clone(), ends_at: one.ends_at }),
            several => {
                let ends_at = several.iter().filter_map(|found| found.ends_at).min();
                Some(Self { ends_at, ..Self::default() })
            }
        }
    }
}

/// Work at a registration that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is none, or no credential of it.
    #[error("there is no app registration with a credential")]
    Missing,
    /// Another function works at it.
    #[error("another request is changing this credential")]
    Busy,
    /// The tenant of the platform's registration is not configured, and there is no connector to try it through.
    #[error("a new credential can't be tried: GREFFE_APP_TENANT_ID is not set")]
    NoTenant,
    /// The registration belongs to another firm, which alone changes it.
    #[error("another firm, or greffe's operator, changes this app registration")]
    AnotherFirms,
    /// Nothing was made that could be used.
    #[error("no certificate was made: make one first, with POST on certificate")]
    NothingPrepared,
    /// It has no end, so there is nothing to replace.
    #[error("a federated credential has nothing that could be rotated: nothing has to be done")]
    NothingToRotate,
    /// Entra does not let the app see or change its own registration.
    #[error("the app may not change its own credentials")]
    NotAllowed(#[source] GraphError),
    /// Microsoft refuses the credential that was tried.
    #[error("Microsoft refused the new credential")]
    Unproven(#[source] GraphError),
    /// Microsoft refused, or was not reached.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The table did not take or give it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The fact could not be told.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Secrets Manager did not take or give it.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A key pair could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl CredentialError {
    /// Why there is no token of the app itself, with which it changes its registration.
    pub(super) fn of_token(source: TokenError) -> Self {
        match source {
            TokenError::NotAllowed(NotAllowed::AnotherFirms) => Self::AnotherFirms,
            source => {
                Self::Graph(GraphError::Token { attempted: "ask for a token of the app itself".to_owned(), source })
            }
        }
    }

    /// Why Graph did not change the registration: the right is missing, or it is another refusal, such as one by the
    /// organisation's policy for credentials, which has codes of its own.
    pub(super) fn of_change(error: GraphError) -> Self {
        match &error {
            GraphError::Refused { code, .. } if code.is("Authorization_RequestDenied") => Self::NotAllowed(error),
            _ => Self::Graph(error),
        }
    }

    /// What a person is told; itself again where it is greffe's own failure.
    ///
    /// Errors: the error itself, if it is greffe's own failure.
    pub fn into_problem(self) -> Result<Problem, Self> {
        let detail = self.to_string();
        Ok(match self {
            Self::Missing => Problem::new(Code::NoPlatformApp, detail),
            Self::Busy => Problem::new(Code::Conflict, detail),
            Self::AnotherFirms => Problem::new(Code::AppOfAnotherFirm, detail),
            Self::NoTenant => Problem::new(Code::SettingMissing, detail),
            Self::NothingPrepared | Self::NothingToRotate => Problem::new(Code::InvalidRequest, detail),
            Self::NotAllowed(error) => {
                let told = Problem::from(error);
                let (code, message) = (told.microsoft_code.unwrap_or_default(), told.microsoft_message);
                Problem::new(Code::RotationNotAllowed, told.detail).from_microsoft(code, message)
            }
            Self::Unproven(error) => {
                let mut problem = Problem::from(error);
                problem.detail.push_str(match problem.code {
                    Code::AppGrantRequired => ". Nothing was changed.",
                    Code::ClientSecretRefused | Code::CertificateRefused | Code::FederatedCredentialRefused => {
                        ". What was just made at Microsoft takes up to some minutes to be known everywhere: if it is \
                         new, send it again then. Nothing was changed; the one before stays in use."
                    }
                    _ => ". Nothing was changed; the one before stays in use.",
                });
                problem
            }
            Self::Graph(error) => Problem::from(error),
            Self::Table(_) | Self::Feed(_) | Self::Secret(_) | Self::Key(_) => return Err(self),
        })
    }
}

/// The operator lets `firm` use its app registration, which belongs to another firm or to the platform; none where it
/// has none. What waited for that goes on.
///
/// Errors: the table refuses or does not answer.
pub async fn grant(clients: &Clients, firm: FirmId) -> Result<Option<OwnApp>, CredentialError> {
    let Some(own) = clients.table.get::<OwnApp>(&Key::own_app(firm)).await? else { return Ok(None) };
    let now = clients.clock.now();
    app_claim::grant(&clients.table, firm, &own.value.client_id, now).await?;
    for row in clients.table.query_all::<Connector>(&Key::connector_prefix(firm)).await? {
        if row.value.app.is_some() {
            connector_watch::recover(clients, &row.value, now).await?;
        }
    }
    Ok(Some(own.value))
}

/// Whether what was entered as a secret's value is its id.
pub fn is_an_id(credential: &Credential) -> bool {
    matches!(credential, Credential::Secret(s) if uuid::Uuid::try_parse(s.value.expose_secret()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn shown(secrets: &[(&str, &str, Option<&str>)]) -> Application {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(id, hint, end)| serde_json::json!({ "keyId": id, "hint": hint, "endDateTime": end }))
            .collect();
        serde_json::from_value(serde_json::json!({ "passwordCredentials": secrets })).unwrap()
    }

    #[test]
    fn an_end_that_turns_out_to_be_later_is_reminded_of_anew_and_the_same_end_is_not() {
        let credential = Credential::secret("abc8Q~x".to_owned().into());
        let (version, now) = (Version { id: "1".to_owned(), text: credential.to_text() }, at("2026-06-15T12:00:00Z"));
        let mut record = CredentialRecord::new(&"app".parse().unwrap(), &version, now);
        let told = Some(Reminder::SevenDays);
        (record.expires_at, record.reminded) = (Some(at("2026-06-20T00:00:00Z")), told);
        for (end, reminded) in
            [("2026-06-20T00:00:00Z", told), ("2026-06-19T00:00:00Z", told), ("2027-06-20T00:00:00Z", None)]
        {
            record.compare(&credential, &shown(&[("1", "abc", Some(end))]), now);
            assert_eq!((record.expires_at, record.reminded), (Some(at(end)), reminded));
        }
    }

    #[test]
    fn of_secrets_that_begin_alike_one_that_has_ended_is_not_the_one_that_works() {
        let credential = Credential::secret("abc8Q~x".to_owned().into());
        let now = at("2026-06-15T12:00:00Z");
        let find = |key_id, secrets: Vec<_>| FoundCredential::of(&credential, key_id, &shown(&secrets), now);
        let (ended, living, later) =
            (Some("2026-06-15T11:00:00Z"), Some("2026-07-01T00:00:00Z"), Some("2027-01-01T00:00:00Z"));
        let one = find(None, vec![("1", "abc", ended), ("2", "abc", living), ("3", "xyz", ended)]).unwrap();
        assert_eq!((one.key_id.as_deref(), one.ends_at), (Some("2"), living.map(at)));
        let several = find(None, vec![("1", "abc", ended), ("2", "abc", later), ("3", "abc", living)]).unwrap();
        assert_eq!((several.key_id, several.ends_at), (None, living.map(at)));
        assert_eq!(find(None, vec![("1", "abc", ended), ("2", "abc", ended)]), None);
        assert_eq!(find(Some("1"), vec![("1", "abc", ended), ("2", "abc", later)]).unwrap().ends_at, ended.map(at));
        let endless = find(None, vec![("1", "abc", ended), ("2", "abc", None)]).unwrap();
        assert_eq!((endless.key_id.as_deref(), endless.ends_at), (Some("2"), None));
    }
}
