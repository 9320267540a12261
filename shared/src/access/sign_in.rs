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
    /// For DynamoDB's TTL, which may lag by days: the time is checked all the same.
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

/// A person opened the link: the way to Microsoft's sign-in page.
pub async fn depart(app: &App, ticket: &str) -> Result<Departure, Problem> {
    let keyring = app.tokens.keyring().await.map_err(|e| from_token(e.into()))?;
    let opened = keyring.open(TICKET_OWNER, &Sealed::from_text(ticket));
    let opened = opened.ok().and_then(|json| serde_json::from_str::<Ticket>(json.expose_secret()).ok());
    let ticket = opened.filter(|t| t.expires_at > app.clock.now()).ok_or_else(expired)?;
    let connector = find(app, ticket.firm, ticket.connector).await?;
    begin(app, &connector.as_wanted(), Step::SignIn).await
}

/// Sends a browser to Microsoft for the rights of `connector`.
async fn begin(app: &App, connector: &Connector, step: Step) -> Result<Departure, Problem> {
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
    let sign_in = SignIn {
        connector: connector.id,
        cookie: digest(&cookie),
        nonce,
        verifier: keyring.seal(&app.random, &digest(&state), verifier.expose_secret()),
        rights: connector.rights(),
        step,
        expires_at: (app.clock.now() + SIGN_IN_LIFETIME).as_second(),
    };
    let key = Key::sign_in(connector.firm, &digest(&state));
    app.table.write(Write::insert(key, &sign_in)).await.map_err(from_table)?;
    Ok(Departure { url, cookie: cookie.into() })
}

/// Microsoft sent the browser back. A state works once, in the browser it began in, for ten minutes.
pub async fn arrive(app: &App, mut callback: Callback, cookie: Option<&str>) -> Result<Arrival, Problem> {
    let from = callback.from.clone();
    let state = callback.state.take().ok_or_else(|| refused("without a state"))?;
    let firm = state.split_once('.').and_then(|(firm, _)| firm.parse::<FirmId>().ok());
    let firm = firm.ok_or_else(|| refused("with a state that is none of ours"))?;
    let key = Key::sign_in(firm, &digest(&state));
    let row: Option<Row<SignIn>> = app.table.get(&key).await.map_err(from_table)?;
    let row = row.ok_or_else(|| refused("with a state that is not, or no longer, waited for"))?;
    let same_browser: bool = digest(cookie.unwrap_or_default()).as_bytes().ct_eq(row.value.cookie.as_bytes()).into();
    if !same_browser {
        return Err(refused("in another browser"));
    }
    // Whoever removes it goes on; a second callback with the same state finds nothing, or loses here.
    app.table.write(Write::remove(&row)).await.map_err(|e| match e {
        TableError::Conflict { .. } => refused("a second time"),
        other => from_table(other),
    })?;
    let (sign_in, now) = (row.value, app.clock.now());
    let arrived = if sign_in.expires_at <= now.as_second() {
        tracing::info!(connector.id = %sign_in.connector, "a browser came back too late");
        Err(Problem::new(Code::SignInTimedOut, "The browser came back too late."))
    } else {
        proceed(app, firm, &sign_in, &state, callback).await
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
    let Some(mut row) = Connector::find(&app.table, firm, connector).await? else { return Ok(()) };
    let microsoft_code = problem.microsoft_code.clone().unwrap_or_default();
    row.value.sign_in_problem = Some(Noted { code: problem.code, microsoft_code, since });
    let entry = signed_in_at(app, &row.value, Actor::Visitor, from, since, problem.status);
    app.table.transact(vec![Write::replace(&row), entry.insert(firm)]).await
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
            consented(app, connector, callback.tenant, tenant, address, callback.from).await
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
            Ok(Arrival::GoOn(begin(app, &connector, step).await?))
        }
        Access::Delegated => {
            if expected.is_some_and(|a| a.user_id.as_ref().is_some_and(|id| *id != claims.oid)) {
                return Err(wrong_account(format!("{name} is not the connected account.")));
            }
            // A sign-in name may be a phone number; the mailbox's address is what people know.
            let me = app.graph_with(issued.access.clone()).me().await?;
            let address = me.address().unwrap_or(&name).to_owned();
            let account = Account { tenant_id: claims.tid, user_id: Some(claims.oid), address };
            connected(app, &connector, &issued, account, from).await
        }
    }
}

async fn consented(
    app: &App,
    connector: Connector,
    claimed: Option<String>,
    tenant: &TenantId,
    address: &str,
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
    connected(app, &connector, &issued, account, from).await
}

/// From now on the connector works with what this sign-in brought; its mailboxes are due at once.
async fn connected(
    app: &App,
    asked: &Connector,
    issued: &Issued,
    account: Account,
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
        let entry = signed_in_at(app, asked, who, from.clone(), now, 200).insert(asked.firm);
        match app.feed.tell_with(asked.firm, vec![Write::replace(&row), tokens, watch, entry], fact.clone()).await {
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

/// A callback that counts for nothing. The person is told the same whatever it was; the log tells more, and nothing secret.
fn refused(how: &'static str) -> Problem {
    tracing::warn!(how, "a browser came back");
    expired()
}

fn wrong_account(detail: String) -> Problem {
    // The detail names an address: that is for the person, not for the log.
    tracing::warn!("another account signed in than the expected one");
    Problem::new(Code::WrongAccount, detail)
}

fn expired() -> Problem {
    Problem::new(Code::SignInExpired, "The sign-in can't be completed.")
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
