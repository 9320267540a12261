//! Signing in at Microsoft, from our link to our callback.
//!
//! ```text
//! connect_url ─► /oauth/connect/{ticket}: a state, a nonce and a PKCE verifier are made and bound to this browser's cookie
//!            ─► Microsoft: sign in, accept
//!            ─► /oauth/callback: state and cookie fit, once, within ten minutes; the code is redeemed; the account is known
//!   organisation-wide only:
//!            ─► Microsoft: an administrator of that very tenant consents
//!            ─► /oauth/callback: the tenant is the one that was proven by the sign-in; an app token is made and tried
//! ```

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::{
    access::{
        connector::{Access, Account, Connector, ConnectorState, PERSONAL_TENANT, Rights},
        entra::Issued,
    },
    app::App,
    aws::{
        identity::IdentityError,
        secrets::Sealed,
        table::{Key, Row, TableError, Write},
    },
    base::{
        id::{ConnectorId, FirmId, TenantId},
        telemetry::Chain,
    },
    firm::{
        audit::{Actor, Entry},
        feed::{Fact, FeedError, What},
    },
    graph::{EntraError, EntraRefusal, TokenError},
    health::watch::{self, Watch},
    problem::{Code, Noted, Problem, of_app_not_allowed, of_token_refusal},
};

/// How long a link to connect may be used.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long one sign-in may take.
pub const SIGN_IN_LIFETIME: Duration = Duration::from_secs(600);
/// How long greffe remembers a sign-in, to say what became of it when a browser comes back too late or a second time.
const SIGN_IN_KEPT: Duration = TICKET_LIFETIME;
const TICKET_OWNER: &str = "connect ticket";
/// Tries to write down a sign-in beside functions that work with the old one.
const WRITE_TRIES_MAX: usize = 5;

/// What a link to connect stands for.
#[derive(Serialize, Deserialize)]
struct Ticket {
    firm: FirmId,
    connector: ConnectorId,
    expires_at: Timestamp,
}

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
struct SignIn {
    connector: ConnectorId,
    cookie: String,
    nonce: String,
    verifier: Sealed,
    /// What was asked for: whoever changes the connector's wishes meanwhile changes nothing of it.
    rights: Rights,
    step: Step,
    /// The digest of the link that it began with.
    #[serde(default)]
    link: Option<String>,
    /// Until when the browser may come back, in seconds since 1970. Older versions wrote this time as `expires_at`.
    #[serde(default)]
    ends_at: Option<i64>,
    /// Why it counts no longer.
    #[serde(default)]
    over: Option<Over>,
    /// For DynamoDB's TTL.
    expires_at: i64,
}

impl SignIn {
    fn is_late(&self, now: Timestamp) -> bool {
        self.ends_at.unwrap_or(self.expires_at) <= now.as_second()
    }
}

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Over {
    /// A browser came back with it.
    Used,
    /// No browser came back in time.
    TimedOut,
}

/// A link that connected its connector: it counts no longer.
#[derive(Serialize, Deserialize)]
struct UsedLink {
    /// For DynamoDB's TTL: by then the link is too old anyway.
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// A person signs in.
    SignIn,
    /// An administrator of this tenant, which the sign-in proved, consents.
    AdminConsent { tenant: TenantId, address: String },
}

/// Where a browser goes next, with the cookie that binds the sign-in to it.
#[derive(Debug)]
pub struct Departure {
    /// Microsoft's page.
    pub url: Url,
    /// What the cookie's name ends with: see [`cookie_suffix`].
    pub suffix: String,
    /// The value of the cookie.
    pub cookie: SecretString,
}

/// How a callback ended.
#[derive(Debug)]
pub enum Arrival {
    /// It works.
    Connected {
        /// The connector's name.
        connector: String,
        /// Who is connected.
        address: String,
    },
    /// One more page at Microsoft.
    GoOn(Departure),
}

/// What Microsoft's redirect carries. Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
#[derive(Debug, Default, Deserialize)]
pub struct Callback {
    /// The address that the browser came from, as the function learns it.
    #[serde(skip)]
    pub from: Option<String>,
    /// The code to redeem.
    pub code: Option<SecretString>,
    /// Ours.
    pub state: Option<String>,
    /// OAuth's error.
    pub error: Option<String>,
    /// For people.
    pub error_description: Option<String>,
    /// Admin consent: the tenant, which anybody could have written there.
    pub tenant: Option<String>,
}

/// The link that a person opens to connect `connector`. It names nothing in clear and ends by itself.
pub async fn connect_url(app: &App, connector: &Connector) -> Result<String, TokenError> {
    let ticket =
        Ticket { firm: connector.firm, connector: connector.id, expires_at: app.clock.now() + TICKET_LIFETIME };
    let json = serde_json::to_string(&ticket).unwrap_or_default();
    let sealed = app.tokens.keyring().await?.seal(&app.random, TICKET_OWNER, &json);
    Ok(app.config.public_url.at(&format!("/oauth/connect/{}", sealed.as_str())))
}

/// What tells the cookies of several sign-ins in one browser apart: the beginning of the state's digest, in base64url.
pub fn cookie_suffix(state: &str) -> String {
    let mut suffix = digest(state);
    suffix.truncate(16);
    suffix
}

/// A person opened the link: the way to Microsoft's sign-in page.
pub async fn depart(app: &App, ticket: &str) -> Result<Departure, Problem> {
    let keyring = app.tokens.keyring().await.map_err(|e| from_token(e.into()))?;
    let opened = keyring.open(TICKET_OWNER, &Sealed::from_text(ticket));
    let opened = opened.ok().and_then(|json| serde_json::from_str::<Ticket>(json.expose_secret()).ok());
    let Ticket { firm, connector, expires_at } = opened.ok_or_else(|| {
        tracing::warn!("a link to connect is damaged");
        Problem::new(Code::LinkDamaged, "The link does not open.")
    })?;
    if expires_at <= app.clock.now() {
        return Err(Problem::new(Code::LinkExpired, format!("The link ended at {expires_at}.")));
    }
    let connector = find(app, firm, connector).await?;
    let link = digest(ticket);
    let used: Option<Row<UsedLink>> = app.table.get(&Key::used_link(firm, &link)).await.map_err(from_table)?;
    if used.is_some() {
        return Err(used_already(Some(&connector), Code::LinkUsed));
    }
    begin(app, &connector.as_wanted(), Step::SignIn, Some(link)).await
}

/// Sends a browser to Microsoft for the rights of `connector`.
async fn begin(app: &App, connector: &Connector, step: Step, link: Option<String>) -> Result<Departure, Problem> {
    let registration = app.tokens.app(connector).await.map_err(from_token)?;
    // The state names the firm, so that the callback knows in whose partition to look.
    let state = format!("{}.{}", connector.firm, app.random.token());
    let (cookie, nonce) = (app.random.token(), app.random.token());
    let entra = app.tokens.entra();
    let (url, verifier) = match &step {
        Step::SignIn => {
            let authority = connector.authority();
            let scopes = connector.scopes();
            let verifier = SecretString::from(app.random.token());
            let url = entra.authorize(&authority, &registration, &scopes, state.clone(), nonce.clone(), &verifier);
            (url.map_err(|e| from_token(e.into()))?, verifier)
        }
        Step::AdminConsent { tenant, .. } => {
            let url = entra.admin_consent(tenant, &registration.client_id, &state);
            (url.map_err(|e| from_token(e.into()))?, SecretString::from(""))
        }
    };
    let keyring = app.tokens.keyring().await.map_err(|e| from_token(e.into()))?;
    let now = app.clock.now();
    let sign_in = SignIn {
        connector: connector.id,
        cookie: digest(&cookie),
        nonce,
        verifier: keyring.seal(&app.random, &digest(&state), verifier.expose_secret()),
        rights: connector.rights(),
        step,
        link,
        ends_at: Some((now + SIGN_IN_LIFETIME).as_second()),
        over: None,
        expires_at: (now + SIGN_IN_KEPT).as_second(),
    };
    let key = Key::sign_in(connector.firm, &digest(&state));
    app.table.write(Write::insert(key, &sign_in)).await.map_err(from_table)?;
    Ok(Departure { url, suffix: cookie_suffix(&state), cookie: cookie.into() })
}

/// Microsoft sent the browser back. A state works once, in the browser it began in, for ten minutes.
pub async fn arrive(app: &App, mut callback: Callback, cookie: Option<&str>) -> Result<Arrival, Problem> {
    let from = callback.from.clone();
    let state = callback.state.take().ok_or_else(|| refused("without a state"))?;
    let firm = state.split_once('.').and_then(|(firm, _)| firm.parse::<FirmId>().ok());
    let firm = firm.ok_or_else(|| refused("with a state that is none of ours"))?;
    let key = Key::sign_in(firm, &digest(&state));
    let row: Option<Row<SignIn>> = app.table.get(&key).await.map_err(from_table)?;
    let mut row = row.ok_or_else(|| refused("with a state that is not, or no longer, waited for"))?;
    let now = app.clock.now();
    match row.value.over {
        Some(Over::TimedOut) => return Err(too_late()),
        Some(Over::Used) => return Err(used_before(app, firm, row.value.connector).await),
        None => {}
    }
    // Before the cookie: a browser forgets its cookie as early.
    let late = row.value.is_late(now);
    let same_browser: bool = digest(cookie.unwrap_or_default()).as_bytes().ct_eq(row.value.cookie.as_bytes()).into();
    if !late && !same_browser {
        tracing::warn!(connector.id = %row.value.connector, "a browser came back that is not the one that left");
        return Err(Problem::new(Code::SignInOtherBrowser, "The browser did not bring the cookie of this sign-in."));
    }
    row.value.over = Some(if late { Over::TimedOut } else { Over::Used });
    // The function that writes it goes on; a second callback with the same state finds it over, or loses here.
    match app.table.write(Write::replace(&row)).await {
        Ok(()) => {}
        Err(TableError::Conflict { .. }) => return Err(used_before(app, firm, row.value.connector).await),
        Err(other) => return Err(from_table(other)),
    }
    let sign_in = row.value;
    let arrived = match late {
        true => Err(too_late()),
        false => proceed(app, firm, &sign_in, &state, callback).await,
    };
    if let Err(problem) = &arrived
        && problem.code != Code::Internal
        && let Err(error) = note(app, firm, sign_in.connector, problem, now, from).await
    {
        tracing::warn!(connector.id = %sign_in.connector, error = %Chain(&error), "a failed sign-in was not noted");
    }
    arrived
}

/// Keeps what a sign-in failed at where whoever asked for it sees it: they may not be the person at the browser.
async fn note(
    app: &App,
    firm: FirmId,
    connector: ConnectorId,
    problem: &Problem,
    since: Timestamp,
    from: Option<String>,
) -> Result<(), TableError> {
    let mut tries = 1;
    loop {
        let Some(mut row) = Connector::find(&app.table, firm, connector).await? else { return Ok(()) };
        let microsoft_code = problem.microsoft_code.clone().unwrap_or_default();
        row.value.sign_in_problem = Some(Noted { code: problem.code, microsoft_code, since });
        let entry = signed_in_at(app, &row.value, Actor::Visitor, from.clone(), since, problem.status);
        let entry = entry.next(&app.table, firm).await?;
        match app.table.transact(vec![Write::replace(&row), entry]).await {
            Err(TableError::Conflict { .. }) if tries < WRITE_TRIES_MAX => tries += 1,
            written => return written,
        }
    }
}

/// What the firm's audit trail has of a sign-in.
fn signed_in_at(
    app: &App,
    connector: &Connector,
    who: Actor,
    from: Option<String>,
    at: Timestamp,
    outcome: u16,
) -> Entry {
    let path = format!("/v1/firms/{}/connectors/{}", connector.firm, connector.id);
    let (action, request) = ("GET /oauth/callback".to_owned(), app.random.uuid().to_string());
    Entry { at, who, action, path, from, request, outcome: Some(outcome) }
}

/// What Microsoft's answer to a sign-in under way comes to.
async fn proceed(
    app: &App,
    firm: FirmId,
    sign_in: &SignIn,
    state: &str,
    callback: Callback,
) -> Result<Arrival, Problem> {
    let connector = find(app, firm, sign_in.connector).await?;
    if let Some(error) = callback.error {
        let refusal = EntraRefusal::of_redirect(error, callback.error_description);
        tracing::info!(connector.id = %connector.id, microsoft.code = %refusal.code(), "Microsoft completed no sign-in");
        let detail = "Microsoft sent the browser back without a sign-in.";
        let problem = Problem::new(of_token_refusal(&refusal), detail);
        return Err(problem.from_microsoft(refusal.code(), Some(refusal.error_description)));
    }
    let connector = connector.with_rights(sign_in.rights);
    match &sign_in.step {
        Step::SignIn => signed_in(app, connector, callback.code, state, sign_in, callback.from).await,
        Step::AdminConsent { tenant, address } => {
            let link = sign_in.link.as_deref();
            consented(app, connector, callback.tenant, tenant, address, link, callback.from).await
        }
    }
}

/// `connector` has the rights that this sign-in asked for, not those that it had before.
async fn signed_in(
    app: &App,
    connector: Connector,
    code: Option<SecretString>,
    state: &str,
    sign_in: &SignIn,
    from: Option<String>,
) -> Result<Arrival, Problem> {
    let code = code.ok_or_else(|| refused("without a code"))?;
    let verifier = app.tokens.open(&digest(state), &sign_in.verifier).await.map_err(|e| from_token(e.into()))?;
    let registration = app.tokens.app(&connector).await.map_err(from_token)?;
    let entra = app.tokens.entra();
    let authority = connector.authority();
    let (code, authority, verifier) = (code.expose_secret(), &authority, &verifier);
    let issued = app.tokens.as_app(&connector, |registration| async move {
        Ok(entra.redeem(authority, &registration, code.to_owned(), verifier).await?)
    });
    let issued = issued.await.map_err(from_token)?;
    let id_token = issued
        .id_token
        .as_ref()
        .ok_or_else(|| from_token(EntraError::Unreadable("no id token came with the code").into()))?;
    let claims = entra.id_claims(authority, id_token, &registration, &sign_in.nonce).await;
    let claims = claims.map_err(|e| from_token(e.into()))?;
    let name = claims.preferred_username.or(claims.name).unwrap_or_else(|| claims.oid.clone());
    let expected = connector.account.as_ref();
    let wrong_tenant = connector.app.as_ref().is_some_and(|own| {
        // A tenant may be configured by one of its domains; its id is known only by the sign-in.
        uuid::Uuid::try_parse(own.tenant_id.as_str()).is_ok()
            && !own.tenant_id.as_str().eq_ignore_ascii_case(claims.tid.as_str())
    });
    if wrong_tenant || expected.is_some_and(|a| a.tenant_id != claims.tid) {
        return Err(wrong_account(format!("{name} belongs to another organisation.")));
    }
    match connector.access {
        Access::Organization if claims.tid.as_str() == PERSONAL_TENANT => Err(Problem::new(
            Code::NotForPersonalAccounts,
            format!("{name} is a personal account: it belongs to no organisation whose mailboxes could be opened."),
        )),
        Access::Organization => {
            let step = Step::AdminConsent { tenant: claims.tid, address: name };
            Ok(Arrival::GoOn(begin(app, &connector, step, sign_in.link.clone()).await?))
        }
        Access::Delegated => {
            if expected.is_some_and(|a| a.user_id.as_ref().is_some_and(|id| *id != claims.oid)) {
                return Err(wrong_account(format!("{name} is not the connected account.")));
            }
            // A sign-in name may be a phone number; the mailbox's address is what people know.
            let me = app.graph_with(issued.access.clone()).me().await?;
            let address = me.address().unwrap_or(&name).to_owned();
            let account = Account { tenant_id: claims.tid, user_id: Some(claims.oid), address };
            connected(app, &connector, &issued, account, sign_in.link.as_deref(), from).await
        }
    }
}

async fn consented(
    app: &App,
    connector: Connector,
    claimed: Option<String>,
    tenant: &TenantId,
    address: &str,
    link: Option<&str>,
    from: Option<String>,
) -> Result<Arrival, Problem> {
    if claimed.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(tenant.as_str())) {
        return Err(wrong_account("The consent came back for another organisation.".to_owned()));
    }
    // What proves the consent is not the redirect but a token that Entra issues for it.
    let issued = app.tokens.as_app(&connector, |registration| async move {
        Ok(app.tokens.entra().client_credentials(tenant, &registration, None).await?)
    });
    let issued = issued.await.map_err(from_token)?;
    let account = Account { tenant_id: tenant.clone(), user_id: None, address: address.to_owned() };
    connected(app, &connector, &issued, account, link, from).await
}

/// From now on the connector works with what this sign-in brought; its mailboxes are due at once.
async fn connected(
    app: &App,
    asked: &Connector,
    issued: &Issued,
    account: Account,
    link: Option<&str>,
    from: Option<String>,
) -> Result<Arrival, Problem> {
    let now = app.clock.now();
    let what = What::ConnectorConnected { connector: asked.id, account: account.address.clone() };
    let fact = Fact { id: format!("{}-{}-{}", asked.id, what.name(), now.as_millisecond()), at: now, what };
    let mut tries = 1;
    let name = loop {
        let mut row = find_row(app, asked.firm, asked.id).await?;
        // Wishes that were changed during the sign-in stay wishes.
        let wanted = row.value.as_wanted().rights();
        row.value = Connector {
            state: ConnectorState::Connected,
            account: Some(account.clone()),
            connected_at: Some(now),
            problem: None,
            sign_in_problem: None,
            ..row.value.with_rights(asked.rights())
        };
        row.value = row.value.wanting(wanted);
        let tokens = app.tokens.keep(asked.firm, asked.id, issued).await.map_err(from_token)?;
        let watch = Watch::write(asked.firm, asked.id, now);
        let who = Actor::Account { address: account.address.clone() };
        let entry = signed_in_at(app, asked, who, from.clone(), now, 200);
        let entry = entry.next(&app.table, asked.firm).await.map_err(from_table)?;
        let mut writes = vec![Write::replace(&row), tokens, watch, entry];
        // A link that a mail filter opened is still good; one that connected somebody is not.
        writes.extend(link.map(|link| {
            let used = UsedLink { expires_at: (now + TICKET_LIFETIME).as_second() };
            Write::overwrite(Key::used_link(asked.firm, link), &used)
        }));
        match app.feed.tell_with(asked.firm, writes, fact.clone()).await {
            Ok(()) => break row.value.name,
            // A function refreshed the old token, or noted that it is dead, this very moment.
            Err(FeedError::Table(TableError::Conflict { .. })) if tries < WRITE_TRIES_MAX => tries += 1,
            Err(FeedError::Table(error)) => return Err(from_table(error)),
            Err(error) => return Err(internal(&error)),
        }
    };
    tracing::info!(firm.id = %asked.firm, connector.id = %asked.id, "connector connected");
    if let Err(error) = watch::all_due(&app.table, asked.firm, asked.id, now).await {
        // The schedule finds them, a little later.
        tracing::warn!(connector.id = %asked.id, error = %Chain(&error), "what it reaches could not be made due");
    }
    Ok(Arrival::Connected { connector: name, address: account.address })
}

async fn find_row(app: &App, firm: FirmId, connector: ConnectorId) -> Result<Row<Connector>, Problem> {
    let found = Connector::find(&app.table, firm, connector).await.map_err(from_table)?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "The connector does not exist any more."))
}

async fn find(app: &App, firm: FirmId, connector: ConnectorId) -> Result<Connector, Problem> {
    Ok(find_row(app, firm, connector).await?.value)
}

/// A callback that belongs to no sign-in. The log says how, and nothing secret.
fn refused(how: &'static str) -> Problem {
    tracing::warn!(how, "a browser came back");
    Problem::new(Code::SignInExpired, "The sign-in can't be completed.")
}

fn too_late() -> Problem {
    Problem::new(Code::SignInTimedOut, "The browser came back too late.")
}

/// The browser came back to `connector` a second time.
async fn used_before(app: &App, firm: FirmId, connector: ConnectorId) -> Problem {
    match Connector::find(&app.table, firm, connector).await {
        Ok(row) => used_already(row.map(|row| row.value).as_ref(), Code::SignInUsed),
        Err(error) => from_table(error),
    }
}

/// What was used already and works needs nobody; `otherwise` it says what to do.
fn used_already(connector: Option<&Connector>, otherwise: Code) -> Problem {
    match connector.filter(|connector| connector.state == ConnectorState::Connected) {
        Some(connector) => Problem::new(Code::AlreadyConnected, format!("\"{}\" is connected.", connector.name)),
        None => Problem::new(otherwise, "It counts once."),
    }
}

fn wrong_account(detail: String) -> Problem {
    // The detail names an address: that is for the person, not for the log.
    tracing::warn!("another account signed in than the expected one");
    Problem::new(Code::WrongAccount, detail)
}

fn from_table(error: TableError) -> Problem {
    internal(&error)
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = %Chain(error), "sign-in failed");
    Problem::new(Code::Internal, "The sign-in could not be recorded.")
}

fn from_token(error: TokenError) -> Problem {
    match error.refusal() {
        Some(refusal) => Problem::new(of_token_refusal(refusal), "Microsoft refused to issue a token.")
            .from_microsoft(refusal.code(), Some(refusal.error_description.clone())),
        None => {
            tracing::error!(error = &error as &dyn std::error::Error, "sign-in failed");
            match error {
                TokenError::NoPlatformApp => Problem::new(Code::NoPlatformApp, error.to_string()),
                TokenError::Entra(EntraError::Identity(IdentityError::Disabled)) => {
                    Problem::new(Code::FederationOff, error.to_string())
                }
                TokenError::Entra(EntraError::Unreachable(_)) => Problem::new(Code::MicrosoftBusy, error.to_string()),
                TokenError::NotAllowed(not) => Problem::new(of_app_not_allowed(not), not.to_string()),
                TokenError::Entra(_) => Problem::new(Code::MicrosoftRefused, error.to_string()),
                TokenError::Secret(secret) if secret.needs_the_operator() => {
                    Problem::new(Code::SecretsUnreadable, secret.to_string())
                }
                _ => Problem::new(Code::Internal, "The sign-in could not be completed."),
            }
        }
    }
}

fn digest(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
