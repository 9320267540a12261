//! Signing in to the console at Microsoft: who it is, and nothing else. The way is that of [`sign_in`]: a state, a
//! nonce and a PKCE verifier, bound to a browser by a cookie, for one use within ten minutes.
//!
//! [`sign_in`]: crate::access::sign_in

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    access::{
        clients::Clients,
        connection::{from_table, from_token},
        connector::Connector,
        entra::{Authority, SignInWish},
        id_token::IdClaims,
        sign_in::{Callback, SIGN_IN_KEPT, SIGN_IN_LIFETIME, SignInRedirect, cookie_suffix},
        token::AppUse,
    },
    aws::{
        secrets::Sealed,
        table::{Key, Row, TableError, Write},
    },
    base::{
        digest::digest_of,
        id::{FirmId, UserId},
    },
    firm::{
        Firm,
        audit::{Actor, AuditEntry},
        console_pass::{self, Invitation, Pass},
        console_session::ConsoleSession,
        user::ConsoleUser,
    },
    graph::EntraRefusal,
    problem::{Code, Problem, of_token_refusal},
};

/// What the state of a console sign-in begins with; that of a connector begins with the id of its firm.
const STATE: &str = "console.";
/// What is asked for: who it is.
const SCOPES: [&str; 2] = ["openid", "profile"];
/// Longest address of the console to go back to.
const WAY_BACK_BYTES_MAX: usize = 1_000;
/// Where one goes who came from nowhere.
pub const CONSOLE: &str = "/console";

/// A sign-in to the console under way.
#[derive(Debug, Serialize, Deserialize)]
struct ConsoleSignIn {
    cookie: String,
    nonce: String,
    verifier: Sealed,
    /// The firm whose own app it is; none for the platform's.
    firm: Option<FirmId>,
    invitation: Option<String>,
    to: String,
    /// Until when the browser may come back, in seconds since 1970.
    ends_at: i64,
    /// Whether a browser came back with it.
    over: bool,
    /// For DynamoDB's TTL.
    expires_at: i64,
}

/// That an invitation or a link of the operator was used.
#[derive(Debug, Serialize, Deserialize)]
pub struct UsedPass {
    /// Who used it; none for the operator.
    pub user: Option<UserId>,
    /// For DynamoDB's TTL: by then the pass is too old anyway.
    pub expires_at: i64,
}

/// Why somebody signs in.
#[derive(Debug, Default, Deserialize)]
pub struct SignInPurpose {
    /// The invitation that they came with.
    pub invitation: Option<String>,
    /// The firm whose own app they sign in with, where the platform has none.
    pub firm: Option<FirmId>,
    /// The page of the console that they want.
    pub to: Option<String>,
}

/// Somebody signed in.
#[derive(Debug)]
pub struct Entered {
    /// For the cookie of the session.
    pub session: SecretString,
    /// The page to show next.
    pub to: String,
}

/// Whether a browser comes back from a sign-in to the console.
pub fn is_of_the_console(callback: &Callback) -> bool {
    callback.state.as_deref().is_some_and(|state| state.starts_with(STATE))
}

/// The way to Microsoft's sign-in page.
///
/// Errors: the invitation is damaged or too old; there is no app registration to sign in with.
pub async fn begin(clients: &Clients, errand: SignInPurpose) -> Result<SignInRedirect, Problem> {
    let invitation = match &errand.invitation {
        Some(text) => Some(invitation(clients, text).await?),
        None => None,
    };
    let (app, authority, firm) = app(clients, invitation.map(|i| i.says.firm).or(errand.firm)).await?;
    let registration = clients.tokens.app(&app).await.map_err(from_token)?;
    let state = format!("{STATE}{}", clients.random.token());
    let (cookie, nonce) = (clients.random.token(), clients.random.token());
    let verifier = SecretString::from(clients.random.token());
    let wish = SignInWish { scopes: &SCOPES, afresh: false };
    let url =
        clients.tokens.entra().authorize(&authority, &registration, wish, state.clone(), nonce.clone(), &verifier);
    let url = url.map_err(|e| from_token(e.into()))?;
    let verifier = clients.secrets.seal(&digest_of(&state), verifier.expose_secret()).await;
    let now = clients.clock.now();
    let sign_in = ConsoleSignIn {
        cookie: digest_of(&cookie),
        nonce,
        verifier: verifier.map_err(|e| from_token(e.into()))?,
        firm,
        invitation: errand.invitation,
        to: way_back(errand.to.as_deref()).to_owned(),
        ends_at: (now + SIGN_IN_LIFETIME).as_second(),
        over: false,
        expires_at: (now + SIGN_IN_KEPT).as_second(),
    };
    clients.table.write(Write::insert(Key::console_sign_in(&digest_of(&state)), &sign_in)).await.map_err(from_table)?;
    Ok(SignInRedirect { url, suffix: cookie_suffix(&state), cookie: cookie.into() })
}

/// A browser came back: who it is has a session from now on, and enters the firm of the invitation.
///
/// Errors: the sign-in is unknown, late or another browser's; Microsoft refused; the invitation was used.
pub async fn complete(clients: &Clients, callback: Callback, cookie: Option<&str>) -> Result<Entered, Problem> {
    let state = callback.state.unwrap_or_default();
    let unknown = || Problem::new(Code::SignInExpired, "The sign-in can't be completed.");
    let key = Key::console_sign_in(&digest_of(&state));
    let row: Option<Row<ConsoleSignIn>> = clients.table.get(&key).await.map_err(from_table)?;
    let mut row = row.ok_or_else(unknown)?;
    let now = clients.clock.now();
    if row.value.over {
        return Err(Problem::new(Code::SignInUsed, "It was used before."));
    }
    if row.value.ends_at <= now.as_second() {
        return Err(Problem::new(Code::SignInTimedOut, "The browser came back too late."));
    }
    let same_browser: bool = digest_of(cookie.unwrap_or_default()).as_bytes().ct_eq(row.value.cookie.as_bytes()).into();
    if !same_browser {
        tracing::warn!("a browser came back to the console that is not the one that left");
        return Err(Problem::new(Code::SignInOtherBrowser, "The browser did not send the cookie of this sign-in."));
    }
    row.value.over = true;
    match clients.table.write(Write::replace(&row)).await {
        Err(TableError::Conflict { .. }) => return Err(Problem::new(Code::SignInUsed, "It was used before.")),
        written => written.map_err(from_table)?,
    }
    if let Some(error) = callback.error {
        let refusal = EntraRefusal::of_redirect(error, callback.error_description);
        let problem = Problem::new(of_token_refusal(&refusal), "Microsoft returned the browser without a sign-in.");
        return Err(problem.from_microsoft(refusal.code(), Some(refusal.error_description)));
    }
    let claims = redeem_code(clients, &row.value, &state, callback.code.ok_or_else(unknown)?).await?;
    let (user, address) = (UserId::of(&claims.tid, &claims.oid), claims.shown().to_owned());
    let to = match &row.value.invitation {
        Some(text) => accept(clients, text, (user, &address), callback.from, now).await?,
        None => row.value.to,
    };
    let begun = ConsoleSession::begin((&clients.table, &clients.random), Some(user), address, now).await;
    tracing::info!(user.id = %user, "somebody entered the console");
    Ok(Entered { session: begun.map_err(from_table)?, to })
}

/// Redeems the code: who signed in, by Entra's word for this very sign-in.
async fn redeem_code(
    clients: &Clients,
    sign_in: &ConsoleSignIn,
    state: &str,
    code: SecretString,
) -> Result<IdClaims, Problem> {
    let (app, authority, _) = app(clients, sign_in.firm).await?;
    let verifier =
        clients.secrets.open(&digest_of(state), &sign_in.verifier).await.map_err(|e| from_token(e.into()))?;
    let (entra, code, at, verifier) = (clients.tokens.entra(), code.expose_secret(), &authority, &verifier);
    let issued = clients.tokens.as_app(&app, |registration| async move {
        let issued = entra.redeem(at, &registration, code.to_owned(), verifier).await?;
        Ok((issued, registration))
    });
    let (issued, registration) = issued.await.map_err(from_token)?;
    let missing = || Problem::new(Code::MicrosoftRefused, "No id token came with the code.");
    let id_token = issued.id_token.as_ref().ok_or_else(missing)?;
    let claims = entra.id_claims(&authority, id_token, &registration, &sign_in.nonce).await;
    claims.map_err(|e| from_token(e.into()))
}

/// The app registration that a person signs in with: the platform's, or else the firm's own.
async fn app(clients: &Clients, firm: Option<FirmId>) -> Result<(AppUse, Authority, Option<FirmId>), Problem> {
    if let Some(app) = AppUse::of_platform(&clients.config) {
        return Ok((app, Authority::common(), None));
    }
    let none = || Problem::new(Code::NoPlatformApp, "There is no app registration to sign in with.");
    let firm = firm.ok_or_else(none)?;
    let connectors = Connector::of_firm(&clients.table, firm).await.map_err(from_table)?;
    let connector = connectors.into_iter().find(|connector| connector.app.is_some()).ok_or_else(none)?;
    Ok((AppUse::from(&connector), connector.authority(), Some(firm)))
}

/// The invitation of that text.
///
/// Errors: it is damaged, or too old.
async fn invitation(clients: &Clients, text: &str) -> Result<Pass<Invitation>, Problem> {
    let read = console_pass::read::<Invitation>(&clients.secrets, text).await.map_err(|e| from_token(e.into()))?;
    let pass = read.ok_or_else(|| Problem::new(Code::InvitationUnusable, "The invitation is damaged."))?;
    if pass.has_ended(clients.clock.now()) {
        return Err(Problem::new(Code::InvitationUnusable, "The invitation is too old."));
    }
    Ok(pass)
}

/// Lets somebody into the firm of their invitation, and says which page to show. Whoever used it before may come again.
async fn accept(
    clients: &Clients,
    text: &str,
    (id, address): (UserId, &str),
    from: Option<String>,
    now: Timestamp,
) -> Result<String, Problem> {
    let Pass { says: Invitation { firm, role, .. }, ends_at } = invitation(clients, text).await?;
    let found = Firm::find(&clients.table, firm).await.map_err(from_table)?;
    if found.is_none_or(|found| found.ended_at.is_some()) {
        return Err(Problem::new(Code::InvitationUnusable, "The firm was deleted."));
    }
    let to = format!("{CONSOLE}/firms/{firm}");
    let place = Key::used_pass(&digest_of(text));
    let mut tries = clients.table.tries();
    loop {
        let used: Option<Row<UsedPass>> = clients.table.get(&place).await.map_err(from_table)?;
        match used.map(|row| row.value.user) {
            Some(Some(user)) if user == id => return Ok(to),
            Some(_) => return Err(Problem::new(Code::InvitationUnusable, "Somebody else used the invitation.")),
            None => {}
        }
        let user = ConsoleUser { id, role, address: address.to_owned(), since: now };
        let mut writes = user.admit(&clients.table, firm).await.map_err(from_table)?;
        writes.push(Write::insert(place.clone(), &UsedPass { user: Some(id), expires_at: ends_at }));
        let entry = AuditEntry {
            at: now,
            who: Actor::User { id, address: address.to_owned() },
            action: "GET /oauth/callback".to_owned(),
            path: format!("/v1/firms/{firm}/users/{id}"),
            from: from.clone(),
            request: clients.random.uuid().to_string(),
            outcome: Some(200),
        };
        writes.push(entry.next(&clients.table, firm).await.map_err(from_table)?);
        match clients.table.transact(writes).await {
            Err(error) if tries.again(&error).await => {}
            written => return written.map(|()| to).map_err(from_table),
        }
    }
}

/// The page to show after a sign-in: one of the console, whatever was asked for.
fn way_back(to: Option<&str>) -> &str {
    let is_ours = |to: &&str| {
        let inside = to.strip_prefix(CONSOLE).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        inside && to.len() <= WAY_BACK_BYTES_MAX && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    to.filter(is_ours).unwrap_or(CONSOLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn after_a_sign_in_a_page_of_the_console_is_shown_and_no_other() {
        for to in ["/console", "/console/firms", "/console/firms/1?q=a%20b"] {
            assert_eq!(way_back(Some(to)), to);
        }
        for to in
            ["", "/", "//evil.example", "/consoles", "https://evil.example/console", "/console/\r\nx", "/console/\\x"]
        {
            assert_eq!(way_back(Some(to)), CONSOLE, "{to}");
        }
        assert_eq!(way_back(None), CONSOLE);
    }

    #[test]
    fn what_is_stored_of_signing_in_to_the_console_is_read() {
        let begun: ConsoleSignIn = frozen("console-sign-in");
        assert!(!begun.over && begun.firm.is_none() && begun.to == CONSOLE);
        let used: UsedPass = frozen("used-pass");
        assert!(used.user.is_some());
    }
}
