//! App registrations: until when their credentials are good, who is reminded of it, and how one credential takes another's place.
//!
//! What is known of a registration's credential is one item. Whoever works at it holds a lease, which ends by the clock, so that
//! one at a time does. The credential itself lies in Secrets Manager; its version there tells when it was changed, by whomever.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::{
    access::{
        clients::Clients,
        connector::{Connector, OwnApp},
        credential::{Certificate, Credential},
        entra, ownership, watch,
    },
    aws::{
        secrets::{self, CURRENT, PENDING, PREPARED, SecretError, Version},
        table::{DUE_CREDENTIAL, Key, Row, Table, TableError, Write, sortable},
    },
    base::{
        id::{ClientId, FirmId, TenantId},
        metric::{Counter, Tally},
        telemetry::Chain,
    },
    firm::feed::{CredentialKind, Ending, Fact, FeedError, What},
    graph::{
        AccessToken, Application, EntraRefusal, Graph, GraphError, KeyCredential, KeyError, NotAllowed, TokenError,
    },
    problem::{Code, Noted, Problem, of_graph_error},
};

/// How long a function may work at a registration before another takes it for dead: longer than any function lives.
const LEASE_TIME: Duration = Duration::from_secs(150);
/// How long a credential that was replaced by a rotation stays at Entra: far longer than any function believes what it read.
const GRACE: Duration = Duration::from_secs(3600);
/// A certificate that waits is used if it is good for this long still.
const PREPARED_LEFT: Duration = Duration::from_secs(30 * 86_400);
/// What is under way is looked at again so often.
const SOON: Duration = Duration::from_secs(900);
/// Tries of a new credential that Entra does not know yet, and the pause between them: a person waits.
const PROOF_TRIES: u32 = 3;
const PROOF_PAUSE: Duration = Duration::from_secs(3);

/// Whose app registration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The operator's: the platform's own, for all firms that bring none.
    Platform,
    /// That firm's own.
    Firm(FirmId),
}

impl Owner {
    /// Of the registration that `connector` works with.
    pub fn of(connector: &Connector) -> Self {
        if connector.app.is_some() { Self::Firm(connector.firm) } else { Self::Platform }
    }

    /// Whom an item of the table belongs to.
    pub fn of_item(firm: Option<FirmId>) -> Self {
        firm.map_or(Self::Platform, Self::Firm)
    }

    /// Where its credential lies in Secrets Manager.
    pub fn secret_id(self) -> String {
        match self {
            Self::Platform => secrets::APP_CLIENT_SECRET.to_owned(),
            Self::Firm(firm) => secrets::firm_app_client_secret(firm),
        }
    }

    /// Whose the secret of that name or ARN is. Secrets Manager appends seven characters to the name in an ARN.
    pub fn of_secret(id: &str) -> Option<Self> {
        let name = match id.rsplit_once(":secret:") {
            Some((_, name)) => name.rsplit_once('-')?.0,
            None => id,
        };
        if name == secrets::APP_CLIENT_SECRET {
            return Some(Self::Platform);
        }
        let firm = name.strip_prefix("greffe/firms/")?.strip_suffix("/app-client-secret")?;
        Some(Self::Firm(firm.parse().ok()?))
    }

    fn key(self) -> Key {
        Key::credential(match self {
            Self::Platform => None,
            Self::Firm(firm) => Some(firm),
        })
    }

    /// What it is registered as; none where there is no registration.
    async fn ids(self, app: &Clients) -> Result<Option<Ids>, TableError> {
        Ok(match self {
            Self::Platform => {
                let tenant = app.config.app_tenant_id.clone();
                app.config.app_client_id.clone().map(|client_id| Ids { client_id, tenant })
            }
            Self::Firm(firm) => app.table.get::<OwnApp>(&Key::own_app(firm)).await?.map(|row| {
                let OwnApp { client_id, tenant_id } = row.value;
                Ids { client_id, tenant: Some(tenant_id) }
            }),
        })
    }
}

/// How Entra knows a registration.
#[derive(Debug, Clone)]
struct Ids {
    client_id: ClientId,
    tenant: Option<TenantId>,
}

/// Where the end of a credential is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Entra said it.
    Entra,
    /// Somebody entered it.
    Entered,
    /// The certificate says it.
    Certificate,
    /// It is not known.
    Unknown,
}

/// The reminders of a credential's end, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Reminder {
    SixtyDays,
    ThirtyDays,
    FourteenDays,
    SevenDays,
    OneDay,
    Today,
    Expired,
}

impl Reminder {
    const BEFORE: [(i64, Self); 6] = [
        (60, Self::SixtyDays),
        (30, Self::ThirtyDays),
        (14, Self::FourteenDays),
        (7, Self::SevenDays),
        (1, Self::OneDay),
        (0, Self::Today),
    ];

    /// The one to tell now, if any: the most urgent that is reached and was not told. Those that were missed before it are not
    /// told any more; a person who reads "7 days" needs no "14 days".
    pub fn due(expires_at: Timestamp, told: Option<Self>, now: Timestamp) -> Option<Self> {
        let left = days_left(expires_at, now);
        let reached = match now >= expires_at {
            true => Some(Self::Expired),
            false => Self::BEFORE.into_iter().rev().find(|(days, _)| left <= *days).map(|(_, reminder)| reminder),
        };
        reached.filter(|reached| told.is_none_or(|told| told < *reached))
    }
}

/// Whole days from the day of `now` to the day of `expires_at`, in UTC; negative afterwards.
pub fn days_left(expires_at: Timestamp, now: Timestamp) -> i64 {
    let days = day(expires_at).duration_since(day(now)).as_hours() / 24;
    if expires_at <= now { days.min(0) } else { days }
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The beginning of the next day.
fn tomorrow(now: Timestamp) -> Timestamp {
    let next = day(now).tomorrow().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    next.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// A rotation under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The version of the secret that it brings.
    pub token: String,
    /// When it began.
    pub since: Timestamp,
}

/// A credential that another has replaced, and that is still at Entra.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Retired {
    key_id: String,
    remove_at: Timestamp,
}

/// What is known of a registration's credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The client id that it is registered under.
    pub client_id: ClientId,
    /// What kind of credential is in use.
    pub credential: CredentialKind,
    /// Its version in Secrets Manager: all that follows is about this one.
    pub in_use: String,
    /// Entra's id of it.
    pub key_id: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Where that is known from.
    pub source: Source,
    /// The last reminder that was told.
    pub reminded: Option<Reminder>,
    /// A rotation under way.
    pub rotation: Option<Rotation>,
    retired: Vec<Retired>,
    lease_until: Option<Timestamp>,
    due_kind: String,
    due_at: String,
}

impl Registration {
    /// What is known of the credential of `owner`; none before it was looked at.
    pub async fn find(table: &Table, owner: Owner) -> Result<Option<Self>, TableError> {
        Ok(table.get::<Self>(&owner.key()).await?.map(|row| row.value))
    }

    fn new(ids: &Ids, version: &Version, now: Timestamp) -> Self {
        let due = (DUE_CREDENTIAL.to_owned(), sortable(now));
        let mut new = Self {
            client_id: ids.client_id.clone(),
            credential: CredentialKind::Secret,
            in_use: String::new(),
            key_id: None,
            expires_at: None,
            source: Source::Unknown,
            reminded: None,
            rotation: None,
            retired: Vec::new(),
            lease_until: None,
            due_kind: due.0,
            due_at: due.1,
        };
        new.adopt(version, now);
        new
    }

    /// Goes over to the credential that is in use now; whether it is another than before.
    fn adopt(&mut self, version: &Version, now: Timestamp) -> bool {
        if self.in_use == version.id {
            return false;
        }
        let credential = Credential::parse(&version.text);
        if self.rotation.as_ref().is_some_and(|rotation| rotation.token == version.id) {
            self.rotation = None;
            let remove_at = now + GRACE;
            self.retired.extend(self.key_id.take().map(|key_id| Retired { key_id, remove_at }));
        }
        self.in_use.clone_from(&version.id);
        self.credential = credential.kind();
        self.key_id = credential.key_id().map(str::to_owned);
        self.expires_at = credential.expires_at();
        self.source = match (&credential, self.expires_at) {
            (_, None) => Source::Unknown,
            (Credential::Certificate(_), _) => Source::Certificate,
            (_, Some(_)) if self.key_id.is_some() => Source::Entra,
            (_, Some(_)) => Source::Entered,
        };
        self.reminded = None;
        true
    }

    /// Takes over what Entra shows of the credential in use; the name that it has there.
    fn compare(&mut self, credential: &Credential, shown: &Application) -> Option<String> {
        let found = Found::of(credential, self.key_id.as_deref(), shown)?;
        if found.ends_at.is_some() {
            (self.expires_at, self.source) = (found.ends_at, Source::Entra);
        }
        self.key_id = found.key_id.or(self.key_id.take());
        found.name
    }
}

/// A credential as Entra shows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    key_id: Option<String>,
    name: Option<String>,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
}

impl Found {
    /// Finds a credential among those that Entra shows: a certificate by itself, a client secret by its id where that is known, else by
    /// its first three characters. Of several that begin alike, the first end is the one to be ready for.
    pub fn of(credential: &Credential, key_id: Option<&str>, shown: &Application) -> Option<Self> {
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
        let alike = || all.iter().filter(|found| found.hint.as_ref().is_some_and(begins)).collect();
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
pub enum RegistrationError {
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
    #[error("no certificate was made")]
    NothingPrepared,
    /// It has no end, so there is nothing to replace.
    #[error("a federated credential has nothing that could be rotated")]
    NothingToRotate,
    /// Entra does not let the app see or change its own registration.
    #[error("the app may not change its own credentials")]
    NotAllowed(#[source] GraphError),
    /// Microsoft refuses the credential that was tried.
    #[error("the credential was tried")]
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

impl RegistrationError {
    /// What a person is told; itself again where it is greffe's own failure.
    pub fn told(self) -> Result<Problem, Self> {
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
            Self::Unproven(error) | Self::Graph(error) => Problem::from(error),
            Self::Table(_) | Self::Feed(_) | Self::Secret(_) | Self::Key(_) => return Err(self),
        })
    }
}

/// What Graph showed of a registration to a credential that was proven, or why it shows nothing.
pub type Shown = Result<Application, GraphError>;

/// A registration that nobody else works at.
pub struct Held<'a> {
    pub(crate) app: &'a Clients,
    /// Whose it is.
    pub owner: Owner,
    ids: Ids,
    row: Row<Registration>,
    renewed: bool,
    looked: bool,
    /// When it was due before it was taken. While it is held it is due at once: whoever takes it may die.
    due_before: String,
}

impl<'a> Held<'a> {
    /// Takes the lease.
    pub async fn take(app: &'a Clients, owner: Owner) -> Result<Self, RegistrationError> {
        let ids = owner.ids(app).await?.ok_or(RegistrationError::Missing)?;
        let now = app.clock.now();
        let lease_until = Some(now + LEASE_TIME);
        let mut due_before = sortable(now);
        let taken = match app.table.get::<Registration>(&owner.key()).await? {
            Some(row) if row.value.lease_until.is_some_and(|until| until > now) => return Err(RegistrationError::Busy),
            Some(mut row) => {
                row.value.lease_until = lease_until;
                due_before = std::mem::replace(&mut row.value.due_at, due_before);
                let taken = app.table.write(Write::replace(&row)).await;
                row.written();
                taken.map(|()| row)
            }
            None => {
                let current = app.secrets.labelled(&owner.secret_id(), CURRENT).await?;
                let current = current.ok_or(RegistrationError::Missing)?;
                let new = Registration { lease_until, ..Registration::new(&ids, &current, now) };
                let taken = app.table.write(Write::insert(owner.key(), &new)).await;
                taken.map(|()| Row::inserted(owner.key(), new))
            }
        };
        match taken {
            Ok(row) => Ok(Self { app, owner, ids, row, renewed: false, looked: false, due_before }),
            Err(TableError::Conflict { .. }) => Err(RegistrationError::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// What is known.
    pub fn known(&mut self) -> &mut Registration {
        &mut self.row.value
    }

    /// Writes down what is known so far, and keeps the lease.
    pub(crate) async fn save(&mut self) -> Result<(), RegistrationError> {
        self.app.table.write(Write::replace(&self.row)).await?;
        self.row.written();
        Ok(())
    }

    /// Goes over to what Secrets Manager holds now.
    pub(crate) async fn adopt(&mut self) -> Result<Credential, RegistrationError> {
        let current = self.app.secrets.labelled(&self.owner.secret_id(), CURRENT).await?;
        let current = current.ok_or(RegistrationError::Missing)?;
        self.row.value.client_id = self.ids.client_id.clone();
        self.renewed |= self.row.value.adopt(&current, self.app.clock.now());
        Ok(Credential::parse(&current.text))
    }

    /// Gives the lease back, with what is known now and the fact that follows from it.
    pub async fn release(mut self) -> Result<(), RegistrationError> {
        let now = self.app.clock.now();
        let known = &mut self.row.value;
        known.lease_until = None;
        let reminder = known.expires_at.and_then(|at| Reminder::due(at, known.reminded, now));
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
            (true, _) => Some(What::SecretRenewed {
                client_id: known.client_id.clone(),
                credential: known.credential,
                expires_at: known.expires_at,
            }),
            (false, Some((reminder, expires_at))) => Some(self.ending(reminder, expires_at).await?),
            (false, None) => None,
        };
        let write = Write::replace(&self.row);
        match (what, self.owner) {
            (None, _) => self.app.table.write(write).await?,
            (Some(what), Owner::Firm(firm)) => {
                let told = self.row.value.reminded;
                let id = serde_json::json!([what.name(), self.row.value.in_use, told.filter(|_| !self.renewed)]);
                let id = hex::encode(&Sha256::digest(id.to_string())[..16]);
                self.app.feed.tell_with(firm, vec![write], Fact { id, at: now, what }).await?;
            }
            (Some(what), Owner::Platform) => {
                alarm(&what, None, now);
                self.app.table.write(write).await?;
            }
        }
        Ok(())
    }

    /// Tells of a firm's credential that ends. That it has ended is the operator's concern too.
    async fn ending(&self, reminder: Reminder, expires_at: Timestamp) -> Result<What, RegistrationError> {
        let (client_id, credential) = (self.row.value.client_id.clone(), self.row.value.credential);
        let connectors = self.connectors().await?.iter().map(|row| row.value.id).collect();
        let ending = Ending { client_id, connectors, credential, expires_at };
        let what = match reminder {
            Reminder::Expired => What::SecretExpired { ending },
            _ => What::SecretExpiring { ending, days_left: days_left(expires_at, self.app.clock.now()) },
        };
        if let (Owner::Firm(firm), Reminder::Expired) = (self.owner, reminder) {
            alarm(&what, Some(firm), self.app.clock.now());
        }
        Ok(what)
    }

    /// The firm's connectors that work with it.
    async fn connectors(&self) -> Result<Vec<Row<Connector>>, TableError> {
        let Owner::Firm(firm) = self.owner else { return Ok(Vec::new()) };
        let mut all = self.app.table.query_all::<Connector>(&Key::connector_prefix(firm)).await?;
        all.retain(|row| row.value.app.is_some());
        Ok(all)
    }

    /// Tries a credential, with patience for one that Entra may not know yet: a token with it, then a call.
    pub async fn prove(&self, credential: &Credential, via: Option<&Connector>) -> Result<Shown, RegistrationError> {
        let mut tries = 1;
        loop {
            match self.prove_once(credential, via).await {
                Err(RegistrationError::Unproven(error)) if tries < PROOF_TRIES && may_pass(&error, credential) => {
                    self.app.clock.sleep(PROOF_PAUSE).await;
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    async fn prove_once(&self, credential: &Credential, via: Option<&Connector>) -> Result<Shown, RegistrationError> {
        let client_id = &self.ids.client_id;
        let registered = entra::App { client_id: client_id.clone(), credential: credential.clone() };
        let tokens = &self.app.tokens;
        let issued = match (&self.ids.tenant, via) {
            (Some(tenant), _) => self.issue(tenant, registered).await,
            (None, Some(connector)) => tokens.try_app(connector, registered).await,
            (None, None) => return Err(RegistrationError::NoTenant),
        };
        let attempted = "try the app's credential".to_owned();
        let token = issued.map_err(|source| RegistrationError::Unproven(GraphError::Token { attempted, source }))?;
        let graph = self.app.graph_with(token);
        match graph.application(client_id).await {
            // Graph took the token; what it lets the app see is another matter.
            Err(e) if matches!(e.status(), Some(403 | 404)) => Ok(Err(e)),
            Err(e) => Err(RegistrationError::Unproven(e)),
            Ok(shown) => Ok(Ok(shown)),
        }
    }

    /// Graph as the app itself may ask it in its own tenant.
    pub(crate) async fn graph(&self, credential: &Credential) -> Result<Graph, RegistrationError> {
        let registered = entra::App { client_id: self.ids.client_id.clone(), credential: credential.clone() };
        let tenant = self.ids.tenant.as_ref().ok_or(RegistrationError::NoTenant)?;
        let token = self.issue(tenant, registered).await.map_err(no_token)?;
        self.may_change().await?;
        Ok(self.app.graph_with(token))
    }

    /// Whether the owner may change the registration at Entra. Asked after a token was issued: from the first one on it is the owner's.
    pub(crate) async fn may_change(&self) -> Result<(), RegistrationError> {
        match self.owner {
            Owner::Platform => Ok(()),
            Owner::Firm(firm) => {
                let allowed = ownership::may_change(&self.app.table, firm, &self.ids.client_id).await;
                allowed.map_err(no_token)
            }
        }
    }

    /// A token of the app itself in its own tenant, if its client id is the firm's to use.
    async fn issue(&self, tenant: &TenantId, registered: entra::App) -> Result<AccessToken, TokenError> {
        let (tokens, entra) = (&self.app.tokens, self.app.tokens.entra());
        tokens
            .permitted(self.owner, None, registered, async |registered| {
                let tenant = entra.tenant_id(tenant).await?;
                Ok(entra.client_credentials(&tenant, &registered, None).await?.access)
            })
            .await
    }

    /// Goes over from the audience that all firms shared to the owner's own, once Entra trusts it.
    async fn leave_shared_audience(&mut self) -> Result<(), RegistrationError> {
        let audience = ownership::audience(&self.app.table, &self.app.random, self.owner).await?;
        let own = Credential::Federated(audience);
        match self.prove_once(&own, None).await {
            Ok(_) => {
                let (secret_id, version) = (self.owner.secret_id(), self.app.random.uuid().to_string());
                self.app.secrets.add_version(&secret_id, &version, &own.to_text(), CURRENT).await?;
                self.adopt().await.map(drop)
            }
            // Nobody has entered it yet.
            Err(RegistrationError::Unproven(_) | RegistrationError::NoTenant) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks at the credential in use: what Secrets Manager and Entra say of it now. What greffe made and nobody uses any more
    /// is removed from Entra. What Entra shows, if it shows anything.
    pub async fn look(&mut self) -> Result<Option<Application>, RegistrationError> {
        let mut credential = self.adopt().await?;
        self.looked = true;
        if credential.is_by_shared_audience() {
            self.leave_shared_audience().await?;
            credential = self.adopt().await?;
        }
        let proof = match self.prove_once(&credential, None).await {
            Ok(shown) => Ok(shown.ok()),
            Err(RegistrationError::NoTenant) => return Ok(None),
            Err(error) => Err(error),
        };
        match proof {
            Ok(shown) => {
                self.accepted().await?;
                let Some(shown) = shown else { return Ok(None) };
                self.row.value.compare(&credential, &shown);
                self.sweep(&credential, &shown).await?;
                Ok(Some(shown))
            }
            Err(RegistrationError::Unproven(GraphError::Token { attempted, source }))
                if source.refusal().is_some_and(EntraRefusal::is_of_the_credential) =>
            {
                let error = GraphError::Token { attempted, source };
                self.refused(&error).await?;
                Err(RegistrationError::Unproven(error))
            }
            Err(error) => Err(error),
        }
    }

    /// What greffe names its credentials at Entra: so a leftover is known for its own, and only its own.
    pub(crate) fn tag(&self) -> String {
        let whose = format!("{} {}", self.app.config.public_url.at(""), self.owner.secret_id());
        format!("greffe {}", hex::encode(&Sha256::digest(whose)[..6]))
    }

    /// Whether the credential in use carries greffe's own name there: then greffe may replace it by itself.
    pub(crate) async fn is_our_own(&mut self, shown: &Application) -> Result<bool, RegistrationError> {
        let credential = self.adopt().await?;
        Ok(self.row.value.compare(&credential, shown) == Some(self.tag()))
    }

    /// Removes from Entra what was replaced long enough ago, and what carries our name and is not in use: a function died
    /// before it could keep it.
    async fn sweep(&mut self, current: &Credential, shown: &Application) -> Result<(), RegistrationError> {
        let (now, tag) = (self.app.clock.now(), self.tag());
        let mut kept = vec![current.clone()];
        for label in [PENDING, PREPARED] {
            let version = self.app.secrets.labelled(&self.owner.secret_id(), label).await?;
            let awaited = |version: &Version| {
                let rotation = self.row.value.rotation.as_ref();
                label == PREPARED || rotation.is_some_and(|rotation| rotation.token == version.id)
            };
            kept.extend(version.filter(awaited).map(|version| Credential::parse(&version.text)));
        }
        let known = &self.row.value;
        let over =
            |key_id: Option<&String>| known.retired.iter().any(|r| Some(&r.key_id) == key_id && r.remove_at <= now);
        let in_grace = |key_id: Option<&String>| known.retired.iter().any(|r| Some(&r.key_id) == key_id);
        let in_use = |key_id: Option<&String>| {
            known.key_id.as_ref() == key_id || kept.iter().any(|kept| kept.key_id() == key_id.map(String::as_str))
        };
        let passwords = shown.password_credentials.iter().filter(|password| {
            let (key_id, ours) = (password.key_id.as_ref(), password.display_name.as_ref() == Some(&tag));
            over(key_id) || ours && key_id.is_some() && !in_use(key_id) && !in_grace(key_id)
        });
        let passwords: Vec<&String> = passwords.filter_map(|password| password.key_id.as_ref()).collect();
        let is_kept =
            |key: &KeyCredential| kept.iter().any(|kept| matches!(kept, Credential::Certificate(c) if key.is(c.der())));
        let left_over = |key: &&KeyCredential| {
            let (key_id, ours) = (key.key_id.as_ref(), key.display_name() == Some(tag.as_str()));
            over(key_id) || ours && !is_kept(key) && !in_grace(key_id)
        };
        let certificates: Vec<KeyCredential> =
            shown.key_credentials.iter().filter(|key| !left_over(key)).cloned().collect();
        let fewer = certificates.len() < shown.key_credentials.len();
        if !passwords.is_empty() || fewer {
            let graph = self.graph(current).await?;
            for key_id in &passwords {
                graph.remove_password(&self.ids.client_id, key_id).await?;
            }
            if fewer {
                graph.set_certificates(&self.ids.client_id, &certificates).await?;
            }
            tracing::info!(passwords = passwords.len(), certificates = fewer, "credentials removed from Entra");
        }
        self.row.value.retired.retain(|retired| retired.remove_at > now);
        Ok(())
    }

    /// The client id.
    pub(crate) fn client_id(&self) -> &ClientId {
        &self.ids.client_id
    }

    /// Microsoft refuses the credential in use: the firm's connectors say so.
    async fn refused(&self, error: &GraphError) -> Result<(), RegistrationError> {
        let (code, microsoft_code) = (of_graph_error(error), error.code().to_string());
        for row in self.connectors().await? {
            let since = self.app.clock.now();
            let problem = Noted { code, microsoft_code: microsoft_code.clone(), since };
            row.value.require_action(&self.app.feed, &self.app.table, problem).await?;
        }
        Ok(())
    }

    /// Microsoft takes the credential in use: connectors that only waited for that work again.
    pub(crate) async fn accepted(&self) -> Result<(), RegistrationError> {
        let now = self.app.clock.now();
        for row in self.connectors().await? {
            watch::recover(self.app, &row.value, now).await?;
        }
        Ok(())
    }

    /// Puts a credential in the place of the one in use, once it is proven. The old one stays good at Entra.
    pub async fn replace(mut self, new: New, via: Option<&Connector>) -> Result<(), RegistrationError> {
        let replaced = self.try_replace(new, via).await;
        let released = self.release().await;
        replaced.and(released)
    }

    async fn try_replace(&mut self, new: New, via: Option<&Connector>) -> Result<(), RegistrationError> {
        let secret_id = self.owner.secret_id();
        let secrets = &self.app.secrets;
        let (credential, prepared) = match new {
            New::Credential(credential) => (credential, None),
            New::Prepared => {
                let prepared = secrets.labelled(&secret_id, PREPARED).await?;
                let prepared = prepared.ok_or(RegistrationError::NothingPrepared)?;
                (Credential::parse(&prepared.text), Some(prepared.id))
            }
        };
        let shown = self.prove(&credential, via).await?;
        match prepared {
            None => {
                let version = self.app.random.uuid().to_string();
                secrets.add_version(&secret_id, &version, &credential.to_text(), CURRENT).await?;
            }
            Some(prepared) => {
                let current = secrets.labelled(&secret_id, CURRENT).await?.ok_or(RegistrationError::Missing)?;
                if current.id != prepared {
                    secrets.make_current(&secret_id, &prepared, &current.id).await?;
                }
            }
        }
        let credential = self.adopt().await?;
        if let Ok(shown) = shown {
            self.row.value.compare(&credential, &shown);
        }
        self.accepted().await?;
        if let Some(connector) = via {
            watch::recover(self.app, connector, self.app.clock.now()).await?;
        }
        Ok(())
    }
}

impl Held<'_> {
    /// The certificate that waits to be used; made now, if there is none that is good for a month. With `add`, Entra is made to
    /// know it, if the app may do that.
    pub async fn prepare(self, add: bool) -> Result<Certificate, RegistrationError> {
        let prepared = self.try_prepare(add).await;
        let released = self.release().await;
        let prepared = prepared?;
        released.map(|()| prepared)
    }

    async fn try_prepare(&self, add: bool) -> Result<Certificate, RegistrationError> {
        let (secrets, secret_id) = (&self.app.secrets, self.owner.secret_id());
        let soon = self.app.clock.now() + PREPARED_LEFT;
        let waiting = secrets.labelled(&secret_id, PREPARED).await?;
        let current = secrets.labelled(&secret_id, CURRENT).await?.ok_or(RegistrationError::Missing)?;
        let waiting = waiting.filter(|version| version.id != current.id).map(|v| Credential::parse(&v.text));
        let certificate = match (waiting, Credential::parse(&current.text)) {
            (Some(Credential::Certificate(waiting)), _) if waiting.expires_at > soon => waiting,
            // A registration that began with a certificate waits for it to be uploaded.
            (_, Credential::Certificate(current)) if self.row.value.source == Source::Certificate && !add => current,
            _ => {
                let made =
                    Certificate::make(format!("greffe {}", self.ids.client_id), self.app.clock.now(), &self.app.random)
                        .await?;
                let (version, text) =
                    (self.app.random.uuid().to_string(), Credential::Certificate(made.clone()).to_text());
                secrets.add_version(&secret_id, &version, &text, PREPARED).await?;
                made
            }
        };
        if add {
            crate::access::rotation::add_certificate(self, &Credential::parse(&current.text), &certificate).await?;
        }
        Ok(certificate)
    }

    /// Writes down when the credential in use ends, as somebody says. What Entra says goes before it.
    pub async fn enter(mut self, expires_at: Timestamp) -> Result<(), RegistrationError> {
        self.adopt().await?;
        let known = self.known();
        if matches!(known.source, Source::Unknown | Source::Entered) {
            (known.expires_at, known.source, known.reminded) = (Some(expires_at), Source::Entered, None);
        }
        self.release().await
    }
}

/// What takes the place of a credential.
#[derive(Debug)]
pub enum New {
    /// This one.
    Credential(Credential),
    /// The certificate that was made for it.
    Prepared,
}

/// Why a registration is not changed.
fn no_token(source: TokenError) -> RegistrationError {
    match source {
        TokenError::NotAllowed(NotAllowed::AnotherFirms) => RegistrationError::AnotherFirms,
        source => GraphError::Token { attempted: "ask for a token of the app itself".to_owned(), source }.into(),
    }
}

/// The operator lets `firm` use its app registration, which belongs to another firm or to the platform; none where it has none. What
/// waited for that goes on.
pub async fn grant(app: &Clients, firm: FirmId) -> Result<Option<OwnApp>, RegistrationError> {
    let Some(own) = app.table.get::<OwnApp>(&Key::own_app(firm)).await? else { return Ok(None) };
    let now = app.clock.now();
    ownership::grant(&app.table, firm, &own.value.client_id, now).await?;
    for row in app.table.query_all::<Connector>(&Key::connector_prefix(firm)).await? {
        if row.value.app.is_some() {
            watch::recover(app, &row.value, now).await?;
        }
    }
    Ok(Some(own.value))
}

/// Whether a refusal of a new credential may be gone in a moment: Entra spreads what is new. An id in the place of a value is
/// wrong for ever.
fn may_pass(error: &GraphError, credential: &Credential) -> bool {
    let GraphError::Token { source, .. } = error else { return false };
    let expired = |number: &u64| *number == 7_000_222;
    let refusal = source.refusal().filter(|r| r.is_of_the_credential() && !r.error_codes.iter().any(expired));
    refusal.is_some() && !is_an_id(credential)
}

/// Whether what was entered as a secret's value is its id.
pub fn is_an_id(credential: &Credential) -> bool {
    matches!(credential, Credential::Secret(s) if uuid::Uuid::try_parse(s.value.expose_secret()).is_ok())
}

/// Rings the operator's alarm, and tells in the log whose credential it is.
fn alarm(what: &What, firm: Option<FirmId>, now: Timestamp) {
    if matches!(what, What::SecretExpiring { .. } | What::SecretExpired { .. }) {
        Tally::one(Counter::CredentialReminders).publish(now);
    }
    let firm = firm.map(|firm| firm.to_string()).unwrap_or_else(|| "platform".to_owned());
    match what {
        What::SecretExpiring { ending, days_left } => {
            let client = &ending.client_id;
            tracing::warn!(firm.id = %firm, client.id = %client, days_left, "an app's credential ends soon");
        }
        What::SecretExpired { ending } => {
            tracing::error!(firm.id = %firm, client.id = %ending.client_id, "an app's credential has ended");
        }
        _ => tracing::info!(firm.id = %firm, "an app's credential was replaced"),
    }
}

/// Looks at one registration, as the schedule does: what is to be known of it, what is to be told, and what is to be gone on with.
pub async fn watch(app: &Clients, owner: Owner) -> Result<(), RegistrationError> {
    let mut held = match Held::take(app, owner).await {
        Err(RegistrationError::Missing | RegistrationError::Busy) => return Ok(()),
        other => other?,
    };
    let looked = held.look().await;
    let went_on = match looked {
        Ok(shown) => crate::access::rotation::go_on(&mut held, shown).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &went_on {
        tracing::warn!(error = %Chain(error), "a credential could not be looked at or rotated; it is tried again");
    }
    held.release().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The days before the end on which a reminder is told, if the schedule runs on these days.
    fn told(end: &str, days: impl Iterator<Item = i64>) -> Vec<(i64, Reminder)> {
        let (end, mut last, mut all) = (at(end), None, Vec::new());
        for before in days {
            let now = end - Duration::from_secs(0) - jiff::SignedDuration::from_hours(24 * before);
            if let Some(reminder) = Reminder::due(end, last, now) {
                last = Some(reminder);
                all.push((before, reminder));
                assert_eq!(Reminder::due(end, last, now), None, "twice");
            }
        }
        all
    }

    #[test]
    fn over_a_year_each_reminder_is_told_once_and_in_order() {
        use Reminder::*;
        let all = told("2027-01-01T12:00:00Z", (-30..=365).rev());
        let days: Vec<i64> = all.iter().map(|(days, _)| *days).collect();
        assert_eq!(days, [60, 30, 14, 7, 1, 0]);
        assert_eq!(all.last().unwrap().1, Expired);
        // A little earlier in the day, the day itself comes before the end.
        let morning = at("2027-01-01T06:00:00Z");
        assert_eq!(Reminder::due(at("2027-01-01T12:00:00Z"), Some(OneDay), morning), Some(Today));
    }

    #[test]
    fn after_a_week_without_a_run_only_the_most_urgent_is_told() {
        use Reminder::*;
        let week = |from: i64, to: i64| move |day: &i64| !(to..=from).contains(day);
        let end = "2027-01-01T12:00:00Z";
        assert_eq!(
            told(end, (0..=70).rev().filter(week(14, 8))),
            [(60, SixtyDays), (30, ThirtyDays), (7, SevenDays), (1, OneDay), (0, Expired)]
        );
        assert_eq!(
            told(end, (-9..=20).rev().filter(week(7, -3))),
            [(20, ThirtyDays), (14, FourteenDays), (-4, Expired)]
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (end, now, days) in [
            ("2026-06-15T00:10:00Z", "2026-06-14T23:50:00Z", 1),
            ("2026-06-15T23:50:00Z", "2026-06-15T00:10:00Z", 0),
            ("2026-06-15T00:10:00Z", "2026-06-15T00:10:00Z", 0),
            ("2026-06-15T00:10:00Z", "2026-06-18T00:00:00Z", -3),
        ] {
            assert_eq!(days_left(at(end), at(now)), days, "{end} {now}");
        }
    }

    #[test]
    fn a_secret_names_its_owner_by_name_and_by_arn() {
        let firm = FirmId::draw(&crate::base::random::Random::seeded(1));
        for owner in [Owner::Platform, Owner::Firm(firm)] {
            let name = owner.secret_id();
            assert_eq!(Owner::of_secret(&name), Some(owner));
            let arn = format!("arn:aws:secretsmanager:eu-west-3:000000000000:secret:{name}-a1B2c3");
            assert_eq!(Owner::of_secret(&arn), Some(owner));
        }
        assert_eq!(Owner::of_secret("greffe/keyring"), None);
    }
}
