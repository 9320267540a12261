//! Signing in at Microsoft, from our link to our callback.
//!
//! ```text
//! connect_url ─► /oauth/connect/{ticket}   makes state, nonce and PKCE verifier, bound to this browser's cookie
//!             ─► Microsoft                 sign in, accept
//!             ─► /oauth/callback           state and cookie fit, once, within ten minutes; the code is redeemed;
//!                                          the account is known
//!   organisation-wide only:
//!                                          the id token's roles say whether this person may consent for the tenant;
//!                                          a person who may not is refused
//!             ─► Microsoft                 an administrator of that very tenant consents
//!             ─► /oauth/callback           the tenant is the proven one; an app token is made and tried; where the
//!                                          roles are unknown, or another firm holds the tenant, the connector waits
//!                                          for the operator's grant
//! ```

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::{
    access::{
        clients::Clients,
        connect_link::{CONNECT_LINK_LIFETIME, ConnectLink},
        connector::{Access, AwaitingGrant, ConnectedAccount, Connector, ConnectorState, PERSONAL_TENANT, Rights},
        connector_watch::{self, ConnectorWatch},
        entra::{Issued, SignInWish},
        id_token::IdClaims,
        return_address::ReturnAddress,
        tenancy::{self, HeldTenancy, TenantProof, WaitingConnector},
    },
    aws::{
        identity::IdentityError,
        secrets::Sealed,
        table::{Key, Row, TableError, Write},
    },
    base::{
        clock::TimeLimit,
        digest::digest_of,
        id::{ConnectorId, FirmId, TenantId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::{
        audit::{Actor, AuditEntry},
        fact::{Fact, FactEvent},
        feed::FeedError,
    },
    graph::{EntraError, EntraRefusal, TokenError},
    problem::{Code, NotedProblem, Problem, of_app_not_allowed, of_token_refusal},
};

/// How long one sign-in may take.
pub const SIGN_IN_LIFETIME: Duration = Duration::from_secs(600);
/// How long greffe remembers a sign-in, to say what became of it when a browser comes back too late or a second time.
pub(super) const SIGN_IN_KEPT: Duration = CONNECT_LINK_LIFETIME;
/// Waits for rights to spread at Microsoft after a consent: all together shorter than a browser is kept waiting.
const RIGHTS_WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];
/// How long a sign-in waits for the domains of an organisation, which are for information.
const DOMAINS_WAIT: Duration = Duration::from_secs(5);

/// What a sign-in began with.
#[derive(Debug, Clone, Default)]
struct SignInOrigin {
    /// The digest of the link.
    link: Option<String>,
    /// Where the browser goes in the end.
    back: Option<ReturnAddress>,
}

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
struct SignIn {
    connector: ConnectorId,
    cookie: String,
    nonce: String,
    verifier: Sealed,
    /// The rights that this sign-in asks for. A later change of the connector does not change them.
    rights: Rights,
    step: SignInStep,
    /// The digest of the link that it began with.
    #[serde(default)]
    link: Option<String>,
    /// Where the browser goes in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<ReturnAddress>,
    /// Until when the browser may come back, in seconds since 1970. Older versions wrote this time as `expires_at`.
    #[serde(default)]
    ends_at: Option<i64>,
    /// Why it counts no longer.
    #[serde(default)]
    over: Option<SignInEnd>,
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
enum SignInEnd {
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
enum SignInStep {
    /// A person signs in.
    SignIn,
    /// An administrator of this tenant, which the sign-in proved, consents.
    AdminConsent {
        tenant: TenantId,
        address: String,
        /// Whether the sign-in proved that this person may.
        #[serde(default)]
        may_consent: bool,
        #[serde(default)]
        verified_domains: Option<Vec<String>>,
    },
}

/// What a sign-in came to in place of a connection, and who signed in if that was known by then.
struct SignInRefusal {
    problem: Problem,
    who: Actor,
}

impl From<Problem> for SignInRefusal {
    fn from(problem: Problem) -> Self {
        Self { problem, who: Actor::Visitor }
    }
}

impl SignInRefusal {
    /// Says who it was whose sign-in came to this.
    fn by(address: &str) -> impl Fn(Problem) -> Self {
        move |problem| Self { problem, who: Actor::Account { address: address.to_owned() } }
    }
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

/// What became of a browser that came back.
#[derive(Debug)]
pub struct Arrived {
    /// How the callback ended.
    pub arrival: Result<Arrival, Problem>,
    /// Where the browser goes then, if the business application said so and the sign-in ended.
    pub back: Option<Url>,
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

/// What Microsoft's redirect carries. Source:
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
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

/// What tells the cookies of several sign-ins in one browser apart: the beginning of the state's digest, in base64url.
pub fn cookie_suffix(state: &str) -> String {
    let mut suffix = digest_of(state);
    suffix.truncate(16);
    suffix
}

/// A person opened the link: the way to Microsoft's sign-in page.
///
/// Errors: the link is damaged, too old or used; the connector is gone; there is no app registration; or the table
/// fails.
pub async fn begin(clients: &Clients, ticket: &str) -> Result<Departure, Problem> {
    let keyring = clients.secrets.keyring().await.map_err(|e| from_token(e.into()))?;
    let opened = ConnectLink::open(&keyring, ticket);
    let ConnectLink { firm, connector, expires_at, back } = opened.ok_or_else(|| {
        tracing::warn!("a link to connect is damaged");
        Problem::new(Code::LinkDamaged, "The link is invalid.")
    })?;
    if expires_at <= clients.clock.now() {
        return Err(Problem::new(Code::LinkExpired, format!("The link expired at {expires_at}.")));
    }
    let connector = find(clients, firm, connector).await?;
    let link = digest_of(ticket);
    let used: Option<Row<UsedLink>> = clients.table.get(&Key::used_link(firm, &link)).await.map_err(from_table)?;
    if used.is_some() {
        return Err(used_already(Some(&connector), Code::LinkUsed));
    }
    begin_step(clients, &connector.as_wanted(), SignInStep::SignIn, SignInOrigin { link: Some(link), back }).await
}

/// Sends a browser to Microsoft for the rights of `connector`.
async fn begin_step(
    clients: &Clients,
    connector: &Connector,
    step: SignInStep,
    SignInOrigin { link, back }: SignInOrigin,
) -> Result<Departure, Problem> {
    let registration = clients.tokens.app(&connector.into()).await.map_err(from_token)?;
    // The state names the firm, so that the callback knows in whose partition to look.
    let state = format!("{}.{}", connector.firm, clients.random.token());
    let (cookie, nonce) = (clients.random.token(), clients.random.token());
    let entra = clients.tokens.entra();
    let (url, verifier) = match &step {
        SignInStep::SignIn => {
            let authority = connector.authority();
            let scopes = connector.scopes();
            let verifier = SecretString::from(clients.random.token());
            // Access to a whole organisation needs a fresh sign-in, with the person's roles of this moment.
            let wish = SignInWish { scopes: &scopes, afresh: connector.access == Access::Organization };
            let url = entra.authorize(&authority, &registration, wish, state.clone(), nonce.clone(), &verifier);
            (url.map_err(|e| from_token(e.into()))?, verifier)
        }
        SignInStep::AdminConsent { tenant, .. } => {
            let url = entra.admin_consent(tenant, &registration.client_id, &state);
            (url.map_err(|e| from_token(e.into()))?, SecretString::from(""))
        }
    };
    let keyring = clients.secrets.keyring().await.map_err(|e| from_token(e.into()))?;
    let now = clients.clock.now();
    let sign_in = SignIn {
        connector: connector.id,
        cookie: digest_of(&cookie),
        nonce,
        verifier: keyring.seal(&clients.random, &digest_of(&state), verifier.expose_secret()),
        rights: connector.rights(),
        step,
        link,
        back,
        ends_at: Some((now + SIGN_IN_LIFETIME).as_second()),
        over: None,
        expires_at: (now + SIGN_IN_KEPT).as_second(),
    };
    let key = Key::sign_in(connector.firm, &digest_of(&state));
    clients.table.write(Write::insert(key, &sign_in)).await.map_err(from_table)?;
    Ok(Departure { url, suffix: cookie_suffix(&state), cookie: cookie.into() })
}

/// Microsoft sent the browser back. A state works once, in the browser it began in, for ten minutes.
///
/// It fails if the state is unknown, late, used or of another browser; Microsoft refused; the account may not connect;
/// or the table fails.
pub async fn complete(clients: &Clients, callback: Callback, cookie: Option<&str>) -> Arrived {
    match take(clients, callback, cookie).await {
        Ok(taken) => finish(clients, taken).await,
        Err(problem) => Arrived { arrival: Err(problem), back: None },
    }
}

/// A sign-in that a browser came back with, for the first time.
struct TakenSignIn {
    firm: FirmId,
    sign_in: SignIn,
    state: String,
    callback: Callback,
    late: bool,
    at: Timestamp,
}

/// Finds the sign-in that a callback belongs to, and ends it: no other callback gets it.
async fn take(clients: &Clients, mut callback: Callback, cookie: Option<&str>) -> Result<TakenSignIn, Problem> {
    let now = clients.clock.now();
    let state = callback.state.take().ok_or_else(|| refused("without a state"))?;
    let firm = state.split_once('.').and_then(|(firm, _)| firm.parse::<FirmId>().ok());
    let firm = firm.ok_or_else(|| refused("with a state that is none of ours"))?;
    let key = Key::sign_in(firm, &digest_of(&state));
    let row: Option<Row<SignIn>> = clients.table.get(&key).await.map_err(from_table)?;
    let mut row = row.ok_or_else(|| refused("with a state that is not, or no longer, waited for"))?;
    match row.value.over {
        Some(SignInEnd::TimedOut) => return Err(too_late()),
        Some(SignInEnd::Used) => return Err(explain_reuse(clients, firm, row.value.connector).await),
        None => {}
    }
    // Before the cookie: a browser forgets its cookie as early.
    let late = row.value.is_late(now);
    let same_browser: bool = digest_of(cookie.unwrap_or_default()).as_bytes().ct_eq(row.value.cookie.as_bytes()).into();
    if !late && !same_browser {
        tracing::warn!(connector.id = %row.value.connector, "a browser came back that is not the one that left");
        return Err(Problem::new(Code::SignInOtherBrowser, "The browser did not send the cookie of this sign-in."));
    }
    row.value.over = Some(if late { SignInEnd::TimedOut } else { SignInEnd::Used });
    // The function that writes it goes on; a second callback with the same state finds it over, or loses here.
    match clients.table.write(Write::replace(&row)).await {
        Ok(()) => {}
        Err(TableError::Conflict { .. }) => return Err(explain_reuse(clients, firm, row.value.connector).await),
        Err(other) => return Err(from_table(other)),
    }
    Ok(TakenSignIn { firm, sign_in: row.value, state, callback, late, at: now })
}

/// Goes on with it, and notes on the connector why it failed, if it did.
async fn finish(clients: &Clients, taken: TakenSignIn) -> Arrived {
    let TakenSignIn { firm, sign_in, state, callback, late, at } = taken;
    let from = callback.from.clone();
    let arrived = match late {
        true => Err(too_late().into()),
        false => proceed(clients, firm, &sign_in, &state, callback).await,
    };
    if let Err(refused) = &arrived
        && refused.problem.code != Code::Internal
        && let Err(error) = note(clients, firm, sign_in.connector, refused, at, from).await
    {
        tracing::warn!(connector.id = %sign_in.connector, error = %ErrorChain(&error), "a failed sign-in was not noted");
    }
    let arrival = arrived.map_err(|refused| refused.problem);
    let back = match &arrival {
        Ok(Arrival::GoOn(_)) => None,
        Ok(Arrival::Connected { .. }) => sign_in.back.map(|back| back.after(sign_in.connector, Ok(()))),
        Err(problem) => sign_in.back.map(|back| back.after(sign_in.connector, Err(problem.code))),
    };
    Arrived { arrival, back }
}

/// Keeps why a sign-in failed on the connector, because the person who sent the link may not be the one at the browser.
async fn note(
    clients: &Clients,
    firm: FirmId,
    connector: ConnectorId,
    SignInRefusal { problem, who }: &SignInRefusal,
    since: Timestamp,
    from: Option<String>,
) -> Result<(), TableError> {
    let mut tries = clients.table.tries();
    loop {
        let Some(mut row) = Connector::find(&clients.table, firm, connector).await? else { return Ok(()) };
        let microsoft_code = problem.microsoft_code.clone().unwrap_or_default();
        row.value.sign_in_problem = Some(NotedProblem { code: problem.code, microsoft_code, since });
        let entry = signed_in_at(clients, &row.value, who.clone(), from.clone(), since, problem.status);
        let entry = entry.next(&clients.table, firm).await?;
        match clients.table.transact(vec![Write::replace(&row), entry]).await {
            Err(error) if tries.again(&error).await => {}
            written => return written,
        }
    }
}

/// What the firm's audit trail has of a sign-in.
fn signed_in_at(
    clients: &Clients,
    connector: &Connector,
    who: Actor,
    from: Option<String>,
    at: Timestamp,
    outcome: u16,
) -> AuditEntry {
    let path = format!("/v1/firms/{}/connectors/{}", connector.firm, connector.id);
    let (action, request) = ("GET /oauth/callback".to_owned(), clients.random.uuid().to_string());
    AuditEntry { at, who, action, path, from, request, outcome: Some(outcome) }
}

/// What Microsoft's answer to a sign-in under way comes to.
async fn proceed(
    clients: &Clients,
    firm: FirmId,
    sign_in: &SignIn,
    state: &str,
    callback: Callback,
) -> Result<Arrival, SignInRefusal> {
    let connector = find(clients, firm, sign_in.connector).await?;
    if let Some(error) = callback.error {
        let refusal = EntraRefusal::of_redirect(error, callback.error_description);
        tracing::info!(connector.id = %connector.id, microsoft.code = %refusal.code(), "Microsoft completed no sign-in");
        let detail = "Microsoft returned the browser without a sign-in.";
        let problem = Problem::new(of_token_refusal(&refusal), detail);
        let problem = problem.from_microsoft(refusal.code(), Some(refusal.error_description));
        return Err(match &sign_in.step {
            SignInStep::SignIn => problem.into(),
            SignInStep::AdminConsent { address, .. } => SignInRefusal::by(address)(problem),
        });
    }
    let connector = connector.with_rights(sign_in.rights);
    let began = SignInOrigin { link: sign_in.link.clone(), back: sign_in.back.clone() };
    let browser = Browser { from: callback.from, began };
    match &sign_in.step {
        SignInStep::SignIn => {
            let (claims, issued) = redeem_code(clients, &connector, callback.code, state, sign_in).await?;
            let name = claims.shown().to_owned();
            finish_sign_in(clients, connector, claims, issued, browser).await.map_err(SignInRefusal::by(&name))
        }
        SignInStep::AdminConsent { tenant, address, may_consent, verified_domains } => {
            let by = SignInRefusal::by(address);
            if callback.tenant.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(tenant.as_str())) {
                return Err(by(wrong_account("The consent came back for another organisation.".to_owned())));
            }
            let account = ConnectedAccount { tenant_id: tenant.clone(), user_id: None, address: address.clone() };
            let proof = if *may_consent { TenantProof::Administrator } else { TenantProof::Missing };
            let consent = Consent { account, proof, verified_domains: verified_domains.clone() };
            finish_consent(clients, &connector, consent, Some(browser)).await.map_err(by)
        }
    }
}

/// Redeems the code: who signed in, by Entra's word for this very sign-in.
async fn redeem_code(
    clients: &Clients,
    connector: &Connector,
    code: Option<SecretString>,
    state: &str,
    sign_in: &SignIn,
) -> Result<(IdClaims, Issued), Problem> {
    let code = code.ok_or_else(|| refused("without a code"))?;
    let verifier =
        clients.secrets.open(&digest_of(state), &sign_in.verifier).await.map_err(|e| from_token(e.into()))?;
    let registration = clients.tokens.app(&connector.into()).await.map_err(from_token)?;
    let entra = clients.tokens.entra();
    let authority = connector.authority();
    let (code, authority, verifier) = (code.expose_secret(), &authority, &verifier);
    let app = connector.into();
    let issued = clients.tokens.as_app(&app, |registration| async move {
        Ok(entra.redeem(authority, &registration, code.to_owned(), verifier).await?)
    });
    let issued = issued.await.map_err(from_token)?;
    let id_token = issued
        .id_token
        .as_ref()
        .ok_or_else(|| from_token(EntraError::Unreadable("no id token came with the code").into()))?;
    let claims = entra.id_claims(authority, id_token, &registration, &sign_in.nonce).await;
    Ok((claims.map_err(|e| from_token(e.into()))?, issued))
}

/// `connector` has the rights that this sign-in asked for, not those that it had before.
async fn finish_sign_in(
    clients: &Clients,
    connector: Connector,
    claims: IdClaims,
    issued: Issued,
    browser: Browser,
) -> Result<Arrival, Problem> {
    let name = claims.shown().to_owned();
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
            let may_consent = claims.may_consent();
            let earliest = clients.clock.now() - SIGN_IN_LIFETIME;
            if claims.auth_time.is_some_and(|entered| entered < earliest.as_second()) {
                let detail = format!("{name} signed in before this sign-in began.");
                return Err(Problem::new(Code::SignInTimedOut, detail));
            }
            if may_consent == Some(false) {
                let detail =
                    format!("{name} has no administrator role that may grant access to the whole organisation.");
                return Err(Problem::new(Code::AdministratorRoleMissing, detail));
            }
            let verified_domains = verified_domains(clients, &issued).await;
            let may_consent = may_consent.unwrap_or(false);
            let step = SignInStep::AdminConsent { tenant: claims.tid, address: name, may_consent, verified_domains };
            Ok(Arrival::GoOn(begin_step(clients, &connector, step, browser.began).await?))
        }
        // It would work for an hour, and then ask for a person again.
        Access::Delegated if issued.refresh.is_none() => {
            Err(Problem::new(Code::OfflineAccessMissing, format!("Microsoft gave {name} no refresh token.")))
        }
        Access::Delegated if issued.reads_no_mail() => {
            Err(Problem::new(Code::ConsentRequired, format!("Microsoft gave {name} no right to read mail.")))
        }
        Access::Delegated => {
            if expected.is_some_and(|a| a.user_id.as_ref().is_some_and(|id| *id != claims.oid)) {
                return Err(wrong_account(format!("{name} is not the connected account.")));
            }
            // A sign-in name may be a phone number; the mailbox's address is what people know.
            let me = clients.graph_with(issued.access.clone()).me().await?;
            let address = me.address().unwrap_or(&name).to_owned();
            let account = ConnectedAccount { tenant_id: claims.tid, user_id: Some(claims.oid), address };
            let brought = Brought { issued: &issued, account, organization: None, browser: Some(browser) };
            connect(clients, &connector, brought).await
        }
    }
}

/// The tenant's domains, which any signed-in user may read; none where Microsoft does not tell: what is unknown is
/// shown as that.
async fn verified_domains(clients: &Clients, issued: &Issued) -> Option<Vec<String>> {
    let graph = clients.graph_with(issued.access.clone());
    match TimeLimit::after(DOMAINS_WAIT).hold(graph.organization()).await? {
        Ok(organization) => {
            let domains = organization.verified_domains?;
            Some(domains.into_iter().map(|domain| domain.name.to_lowercase()).collect())
        }
        Err(error) => {
            tracing::info!(error = %ErrorChain(&error), "the organisation's domains could not be read");
            None
        }
    }
}

/// How a browser came back.
struct Browser {
    /// The address that it came from, if known.
    from: Option<String>,
    /// What it began with.
    began: SignInOrigin,
}

/// That a tenant has been opened for the app, and by whom.
struct Consent {
    account: ConnectedAccount,
    proof: TenantProof,
    verified_domains: Option<Vec<String>>,
}

async fn finish_consent(
    clients: &Clients,
    connector: &Connector,
    Consent { account, proof, verified_domains }: Consent,
    browser: Option<Browser>,
) -> Result<Arrival, Problem> {
    // What proves the consent is not the redirect but a token that Entra issues for it. It does not prove who gave it,
    // nor when.
    let tenant = &account.tenant_id;
    let app = connector.into();
    let issued = clients.tokens.as_app(&app, |registration| async move {
        Ok(clients.tokens.entra().client_credentials(tenant, &registration, None).await?)
    });
    let issued = issued.await.map_err(from_token)?;
    holds_rights(clients, &issued).await?;
    let brought = Brought { issued: &issued, account, organization: Some((proof, verified_domains)), browser };
    connect(clients, connector, brought).await
}

/// Whether the app holds rights in the tenant: Entra issues tokens before anybody consents, without rights. They may
/// spread for a while after the consent, so a refusal is believed only when it lasts.
async fn holds_rights(clients: &Clients, issued: &Issued) -> Result<(), Problem> {
    let graph = clients.graph_with(issued.access.clone());
    let mut waits = RIGHTS_WAITS.iter();
    loop {
        match (graph.may_look_up_users().await, waits.next()) {
            (Err(error), Some(wait)) if error.is_forbidden() => clients.clock.sleep(*wait).await,
            (Err(error), None) if error.is_forbidden() => {
                let problem = Problem::from(error);
                let (code, message) = (problem.microsoft_code.unwrap_or_default(), problem.microsoft_message);
                let detail =
                    "Nobody has consented, or the consent has not spread at Microsoft: try again in some minutes.";
                return Err(Problem::new(Code::ConsentRequired, detail).from_microsoft(code, message));
            }
            _ => return Ok(()),
        }
    }
}

/// The operator grants the sign-in that `connector` waits with, for `tenant` and no other. A connector that works
/// already stays as it is.
///
/// Errors: `not_connected` or `invalid_request` where nothing waits; what Entra answers where the consent is missing.
pub async fn grant(clients: &Clients, connector: &Connector, tenant: &TenantId) -> Result<(), Problem> {
    if connector.organization().is_some_and(|waits| waits != tenant) {
        let detail = "The connector waits for another tenant: see GET /v1/tenants.";
        return Err(Problem::new(Code::TenantGrantRequired, detail));
    }
    let Some(AwaitingGrant { account, rights, verified_domains }) = connector.awaiting_grant.clone() else {
        return match connector.access == Access::Organization && connector.account.is_some() {
            true => Ok(()),
            false => Err(nothing_waits(connector)),
        };
    };
    let consent = Consent { account, proof: TenantProof::Operator, verified_domains };
    finish_consent(clients, &connector.clone().with_rights(rights), consent, None).await.map(drop)
}

fn nothing_waits(connector: &Connector) -> Problem {
    match connector.account {
        Some(_) => Problem::new(Code::InvalidRequest, "The connector works without a grant: it waits for none."),
        None => Problem::new(Code::NotConnected, "The connector does not wait for a grant."),
    }
}

/// What a connector works with from now on.
struct Brought<'a> {
    issued: &'a Issued,
    account: ConnectedAccount,
    /// With organisation-wide access: what speaks for it, and the tenant's domains.
    organization: Option<(TenantProof, Option<Vec<String>>)>,
    /// None where no browser came: the audit trail has its entry already.
    browser: Option<Browser>,
}

/// From now on the connector works with what this sign-in brought; its mailboxes are due at once. Where the tenant
/// can't be given to the firm, the sign-in waits for the operator.
async fn connect(clients: &Clients, asked: &Connector, brought: Brought<'_>) -> Result<Arrival, Problem> {
    let Brought { issued, account, organization, browser } = brought;
    let now = clients.clock.now();
    let what = FactEvent::ConnectorConnected { connector: asked.id, account: account.address.clone() };
    let fact = Fact { id: format!("{}-{}-{}", asked.id, what.name(), now.as_millisecond()), at: now, what };
    let mut tries = clients.table.tries();
    let name = loop {
        let mut row = find_row(clients, asked.firm, asked.id).await?;
        let tenancy = match &organization {
            Some((proof, verified_domains)) => {
                if *proof == TenantProof::Operator && row.value.awaiting_grant.is_none() {
                    return Err(nothing_waits(&row.value));
                }
                let mut held = HeldTenancy::read(&clients.table, &account.tenant_id).await.map_err(from_table)?;
                if !held.value.admit(asked.firm, *proof, now) {
                    let (account, rights) = (account.clone(), asked.rights());
                    let awaiting = AwaitingGrant { account, rights, verified_domains: verified_domains.clone() };
                    match await_grant(clients, row, held, awaiting, now).await {
                        Err(error) if tries.again(&error).await => continue,
                        other => other.map_err(from_table)?,
                    }
                    return Err(Problem::new(
                        Code::TenantGrantRequired,
                        "The sign-in is complete, and waits for the operator.",
                    ));
                }
                held.value.withdraw(asked.id);
                let elsewhere =
                    leave_other_tenant(clients, &row.value, &account.tenant_id).await.map_err(from_table)?;
                [held.write(), elsewhere]
            }
            None => [tenancy::leave(&clients.table, &row.value).await.map_err(from_table)?, None],
        };
        // Wishes that were changed during the sign-in stay wishes.
        let wanted = row.value.as_wanted().rights();
        row.value = Connector {
            state: ConnectorState::Connected,
            account: Some(account.clone()),
            connected_at: Some(now),
            problem: None,
            sign_in_problem: None,
            verified_domains: organization.as_ref().and_then(|(_, domains)| domains.clone()),
            awaiting_grant: None,
            silence: None,
            ..row.value.with_rights(asked.rights())
        };
        row.value = row.value.wanting(wanted);
        let tokens = clients.tokens.keep(asked.firm, asked.id, issued).await.map_err(from_token)?;
        let watch = ConnectorWatch::write(asked.firm, asked.id, now);
        let entry = match &browser {
            Some(Browser { from, .. }) => {
                let who = Actor::Account { address: account.address.clone() };
                let entry = signed_in_at(clients, asked, who, from.clone(), now, 200);
                Some(entry.next(&clients.table, asked.firm).await.map_err(from_table)?)
            }
            None => None,
        };
        // A link that a mail filter opened is still good; one that connected somebody is not.
        let link = browser.as_ref().and_then(|browser| browser.began.link.as_ref()).map(|link| {
            let used = UsedLink { expires_at: (now + CONNECT_LINK_LIFETIME).as_second() };
            Write::overwrite(Key::used_link(asked.firm, link), &used)
        });
        let writes = [Write::replace(&row), tokens, watch].into_iter();
        let writes = writes.chain(entry).chain(link).chain(tenancy.into_iter().flatten()).collect();
        match clients.feed.tell_with(asked.firm, writes, fact.clone()).await {
            Ok(()) => break row.value.name,
            // A function refreshed the old token, or noted that it is dead, this very moment.
            Err(FeedError::Table(error)) if tries.again(&error).await => {}
            Err(FeedError::Table(error)) => return Err(from_table(error)),
            Err(error) => return Err(internal(&error)),
        }
    };
    tracing::info!(firm.id = %asked.firm, connector.id = %asked.id, "connector connected");
    if let Err(error) = connector_watch::all_due(&clients.table, asked.firm, asked.id, now).await {
        // The schedule finds them, a little later.
        tracing::warn!(connector.id = %asked.id, error = %ErrorChain(&error), "what it reaches could not be made due");
    }
    Ok(Arrival::Connected { connector: name, address: account.address })
}

/// Keeps a sign-in for the operator's grant. The connector stays as it was; what it waits for elsewhere it gives up.
async fn await_grant(
    clients: &Clients,
    mut row: Row<Connector>,
    mut held: HeldTenancy,
    awaiting: AwaitingGrant,
    now: Timestamp,
) -> Result<(), TableError> {
    let elsewhere = leave_other_tenant(clients, &row.value, &awaiting.account.tenant_id).await?;
    let (firm, connector, address) = (row.value.firm, row.value.id, awaiting.account.address.clone());
    held.value.wait(WaitingConnector { firm, connector, address, since: now });
    row.value.awaiting_grant = Some(awaiting);
    let writes = [Write::replace(&row)].into_iter().chain(held.write()).chain(elsewhere).collect();
    clients.table.transact(writes).await?;
    tracing::warn!(firm.id = %firm, connector.id = %connector, "a connector waits for the operator's grant");
    Tally::one(Counter::OperatorNeeded).publish(now);
    Ok(())
}

/// The write by which a connector waits no more for another tenant than `tenant`.
async fn leave_other_tenant(
    clients: &Clients,
    connector: &Connector,
    tenant: &TenantId,
) -> Result<Option<Write>, TableError> {
    match connector.awaiting_grant.as_ref().filter(|awaiting| awaiting.account.tenant_id != *tenant) {
        Some(_) => tenancy::leave(&clients.table, connector).await,
        None => Ok(None),
    }
}

async fn find_row(clients: &Clients, firm: FirmId, connector: ConnectorId) -> Result<Row<Connector>, Problem> {
    let found = Connector::find(&clients.table, firm, connector).await.map_err(from_table)?;
    found.ok_or_else(|| Problem::new(Code::ConnectorDeleted, "Ask the person who sent you the link for a new one."))
}

async fn find(clients: &Clients, firm: FirmId, connector: ConnectorId) -> Result<Connector, Problem> {
    Ok(find_row(clients, firm, connector).await?.value)
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
async fn explain_reuse(clients: &Clients, firm: FirmId, connector: ConnectorId) -> Problem {
    match Connector::find(&clients.table, firm, connector).await {
        Ok(row) => used_already(row.map(|row| row.value).as_ref(), Code::SignInUsed),
        Err(error) => from_table(error),
    }
}

/// What was used already and works needs nobody; `otherwise` it says what to do.
fn used_already(connector: Option<&Connector>, otherwise: Code) -> Problem {
    match connector.filter(|connector| connector.state == ConnectorState::Connected) {
        Some(connector) => Problem::new(Code::AlreadyConnected, format!("\"{}\" is connected.", connector.name)),
        None => Problem::new(otherwise, "It was used before."),
    }
}

fn wrong_account(detail: String) -> Problem {
    // The detail names an address: that is for the person, not for the log.
    tracing::warn!("another account signed in than the expected one");
    Problem::new(Code::WrongAccount, detail)
}

pub(super) fn from_table(error: TableError) -> Problem {
    internal(&error)
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = %ErrorChain(error), "sign-in failed");
    Problem::new(Code::Internal, "The sign-in could not be recorded.")
}

pub(super) fn from_token(error: TokenError) -> Problem {
    match error.refusal() {
        Some(refusal) => Problem::new(of_token_refusal(refusal), "Microsoft refused to issue a token.")
            .from_microsoft(refusal.code(), Some(refusal.error_description.clone())),
        None => {
            tracing::error!(error = %ErrorChain(&error), "sign-in failed");
            match error {
                TokenError::NoPlatformApp => Problem::new(Code::NoPlatformApp, error.to_string()),
                TokenError::Entra(EntraError::Identity(IdentityError::Disabled)) => {
                    Problem::new(Code::FederationOff, error.to_string())
                }
                TokenError::Entra(
                    EntraError::Unreachable(_) | EntraError::Unwell { .. } | EntraError::Unreadable(_),
                ) => Problem::new(Code::MicrosoftBusy, error.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn sign_ins_that_an_older_version_wrote_are_read() {
        let begun: SignIn = frozen("sign-in-begun");
        assert!(begun.over.is_none() && matches!(begun.step, SignInStep::SignIn));
        let used: SignIn = frozen("sign-in");
        assert!(used.over == Some(SignInEnd::Used) && matches!(used.step, SignInStep::AdminConsent { .. }));
        let link: UsedLink = frozen("used-link");
        assert!(link.expires_at > 0);
    }

    #[test]
    fn a_sign_in_of_an_older_version_ends_when_it_is_forgotten() {
        let sign_in = SignIn { ends_at: None, ..frozen("sign-in-begun") };
        let end = Timestamp::from_second(sign_in.expires_at).unwrap();
        assert!(!sign_in.is_late(end - Duration::from_secs(1)));
        assert!(sign_in.is_late(end));
        let ends = SignIn { ends_at: Some(sign_in.expires_at - 10), ..sign_in };
        assert!(ends.is_late(end - Duration::from_secs(10)));
    }

    #[test]
    fn sign_ins_in_one_browser_have_cookies_of_different_names() {
        let names = ["state-1", "state-2"].map(cookie_suffix);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() == 16), "{names:?}");
    }

    #[test]
    fn a_link_that_was_used_needs_nobody_only_while_its_connector_works() {
        assert_eq!(used_already(None, Code::SignInUsed).code, Code::SignInUsed);
        assert_eq!(used_already(None, Code::LinkUsed).code, Code::LinkUsed);
    }
}
