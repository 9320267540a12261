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
        connection::{
            Consent, NewConnection, NewCredentials, ReturnedBrowser, SignInOrigin, UsedLink, connect, find_row,
            finish_consent, from_table, from_token, signed_in_at,
        },
        connector::{Access, ConnectedAccount, Connector, ConnectorState, PERSONAL_TENANT, Rights},
        entra::{Issued, SignInWish},
        id_token::IdClaims,
        return_address::ReturnAddress,
        tenancy::TenantProof,
    },
    aws::{
        secrets::Sealed,
        table::{Key, Row, TableError, Write},
    },
    base::{
        clock::TimeLimit,
        digest::digest_of,
        id::{ConnectorId, FirmId, TenantId},
        telemetry::ErrorChain,
    },
    firm::audit::Actor,
    graph::{EntraError, EntraRefusal},
    problem::{Code, NotedProblem, Problem, of_token_refusal},
};

/// How long one sign-in may take.
pub const SIGN_IN_LIFETIME: Duration = Duration::from_secs(600);

/// How long greffe remembers a sign-in, to say what became of it when a browser comes back too late or a second time.
pub(super) const SIGN_IN_KEPT: Duration = CONNECT_LINK_LIFETIME;

/// How long a sign-in waits for the domains of an organisation, which are for information.
const DOMAINS_WAIT: Duration = Duration::from_secs(5);

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
pub struct SignInRedirect {
    /// Microsoft's page.
    pub url: Url,
    /// What the cookie's name ends with: see [`cookie_suffix`].
    pub suffix: String,
    /// The value of the cookie.
    pub cookie: SecretString,
}

/// What became of a browser that came back.
#[derive(Debug)]
pub struct CallbackResult {
    /// How the callback ended.
    pub arrival: Result<SignInOutcome, Problem>,
    /// Where the browser goes then, if the business application said so and the sign-in ended.
    pub back: Option<Url>,
}

/// How a callback ended.
#[derive(Debug)]
pub enum SignInOutcome {
    /// It works.
    Connected(NewConnection),
    /// One more page at Microsoft.
    GoOn(SignInRedirect),
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
pub async fn begin(clients: &Clients, ticket: &str) -> Result<SignInRedirect, Problem> {
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
) -> Result<SignInRedirect, Problem> {
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
    Ok(SignInRedirect { url, suffix: cookie_suffix(&state), cookie: cookie.into() })
}

/// Microsoft sent the browser back. A state works once, in the browser it began in, for ten minutes.
///
/// It fails if the state is unknown, late, used or of another browser; Microsoft refused; the account may not connect;
/// or the table fails.
pub async fn complete(clients: &Clients, callback: Callback, cookie: Option<&str>) -> CallbackResult {
    match take(clients, callback, cookie).await {
        Ok(taken) => finish(clients, taken).await,
        Err(problem) => CallbackResult { arrival: Err(problem), back: None },
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
async fn finish(clients: &Clients, taken: TakenSignIn) -> CallbackResult {
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
        Ok(SignInOutcome::GoOn(_)) => None,
        Ok(SignInOutcome::Connected(_)) => sign_in.back.map(|back| back.after(sign_in.connector, Ok(()))),
        Err(problem) => sign_in.back.map(|back| back.after(sign_in.connector, Err(problem.code))),
    };
    CallbackResult { arrival, back }
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

/// What Microsoft's answer to a sign-in under way comes to.
async fn proceed(
    clients: &Clients,
    firm: FirmId,
    sign_in: &SignIn,
    state: &str,
    callback: Callback,
) -> Result<SignInOutcome, SignInRefusal> {
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
    let browser = ReturnedBrowser { from: callback.from, began };
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
            finish_consent(clients, &connector, consent, Some(browser)).await.map(SignInOutcome::Connected).map_err(by)
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
    browser: ReturnedBrowser,
) -> Result<SignInOutcome, Problem> {
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
            Ok(SignInOutcome::GoOn(begin_step(clients, &connector, step, browser.began).await?))
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
            let brought = NewCredentials { issued: &issued, account, organization: None, browser: Some(browser) };
            connect(clients, &connector, brought).await.map(SignInOutcome::Connected)
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
