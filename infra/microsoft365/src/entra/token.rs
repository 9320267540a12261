//! `/token`: codes, refresh tokens and client credentials become access tokens; errors in Microsoft's JSON.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::assertion;
use super::code::{Challenge, Code};
use super::request::{self, Authority, Params, Refusal, count, json_answer};
use super::scope::{self, Scopes};
use crate::directory::{self, Account, App, GroupMembershipClaims, Secret};
use crate::error::{Error, Result};
use crate::time::after;
use crate::world::World;

/// Microsoft answers 3599 for an hour.
const ACCESS_LIFE_S: i64 = 3599;
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How the numbers go with `error` and `suberror` (reference-error-codes; the pairing is what is usually seen).
const ERRORS: &[(&[u32], &str, Option<&str>)] = &[
    (&[7_000_222, 7_000_215, 700_025, 700_027, 50012, 700_030], "invalid_client", None),
    (&[700_016, 700_011, 7_000_112, 70001], "unauthorized_client", None),
    (&[65001], "invalid_grant", Some("consent_required")),
    (&[65004, 90094, 90093, 90095], "access_denied", None),
    (&[650_052, 650_054, 500_011], "invalid_resource", None),
    (&[50076, 50074, 50078], "invalid_grant", Some("basic_action")),
    (&[50079, 50072, 53004], "interaction_required", Some("basic_action")),
    (&[53000, 53001, 53003, 53011, 530_032, 530_035, 50097, 50131], "invalid_grant", Some("message_only")),
    (&[50173, 50132, 50133], "invalid_grant", Some("bad_token")),
    (
        &[
            70043, 50055, 50144, 700_082, 70008, 700_084, 70000, 50089, 54005, 501_481, 50057, 50034, 51004, 50014,
            50053, 50105, 50020, 500_208, 700_005, 9_002_313,
        ],
        "invalid_grant",
        None,
    ),
    (&[90055, 90033, 90006, 50087, 90024, 90012], "temporarily_unavailable", None),
    (&[70003], "unsupported_grant_type", None),
    (&[70011, 1_002_012], "invalid_scope", None),
    (&[50196], "invalid_request", None),
];

/// What stands in `error` and `suberror`; numbers outside the table are `invalid_request`.
pub(super) fn error(code: u32) -> (&'static str, Option<&'static str>) {
    let known = ERRORS.iter().find(|(codes, ..)| codes.contains(&code));
    known.map_or(("invalid_request", None), |(_, error, suberror)| (*error, *suberror))
}

impl Refusal {
    /// The answer of the token endpoint.
    fn json(&self, world: &World) -> Response {
        let (error, suberror) = error(self.code);
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let (trace, correlation) = (world.uuid(), world.uuid());
        let moment = world.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let mut body = json!({
            "error": error,
            "error_description": format!(
                "{}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {moment}", self.text()
            ),
            "error_codes": [self.code],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = suberror {
            body["suberror"] = suberror.into();
        }
        json_answer(status, &body)
    }
}

pub(super) async fn answer(
    State(world): State<Arc<World>>,
    Path(authority): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    count(&world, "token");
    if let Some(code) = world.faults.next_token() {
        return Refusal::new(code, "Scripted failure.").json(&world);
    }
    let form = request::params(&body);
    match (TokenRequest { world: &world, path: &authority, form: &form }).answer(&headers).await {
        Ok(tokens) => {
            if let Some(claims) = form.get("claims") {
                world.faults.meet_challenge(claims);
            }
            request::told(&world, "token", &tokens)
        }
        Err(refusal) => refusal.json(&world),
    }
}

struct TokenRequest<'a> {
    world: &'a World,
    /// The authority as the path spells it.
    path: &'a str,
    form: &'a Params,
}

/// What an access token is made for.
struct Grant<'a> {
    app: &'a App,
    tenant: &'a str,
    user: Option<&'a Account>,
    scopes: &'a [String],
}

impl TokenRequest<'_> {
    fn param(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.form.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Refusal::new(900_144, format!("The request body must contain the following parameter: '{name}'."))
        })
    }

    async fn answer(&self, headers: &HeaderMap) -> Result<Value, Refusal> {
        let grant_type = self.param("grant_type")?;
        let (client_id, secret) = self.client(headers)?;
        if grant_type == "client_credentials" {
            self.tenant_is_a_guid()?;
        }
        let (authority, app) = self.world.store.read(|db| {
            let authority = match request::authority(db, self.path)? {
                Ok(authority) => authority,
                Err(refusal) => return Ok(Err(refusal)),
            };
            Ok(request::registration(db, &authority, &client_id)?.map(|app| (authority, app)))
        })??;
        match self.form.contains_key("client_assertion") {
            true => assertion::check(self.world, &app, self.form, self.path).await?,
            false => self.check_secret(&app, secret.as_deref())?,
        }
        match grant_type {
            "authorization_code" => self.redeem(&app),
            "refresh_token" => self.refresh(&app, &authority),
            "client_credentials" => self.client_credentials(&app, &authority),
            other => Err(Refusal::new(70003, format!("The app requested an unsupported grant type '{other}'."))),
        }
    }

    /// Client id and secret, from the body or from HTTP Basic (both parts form-encoded, RFC 6749 section 2.3.1).
    fn client(&self, headers: &HeaderMap) -> Result<(String, Option<String>), Refusal> {
        let basic = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let basic = basic.and_then(|value| value.strip_prefix("Basic ")).and_then(|value| STANDARD.decode(value).ok());
        let basic = basic.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((id, secret)) = basic.as_deref().and_then(|pair| pair.split_once(':')) {
            let plain = |text: &str| {
                form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, value)| value.into_owned())
            };
            return Ok((plain(id).unwrap_or_default(), plain(secret)));
        }
        let secret = self.form.get("client_secret").filter(|secret| !secret.is_empty());
        Ok((self.param("client_id")?.to_owned(), secret.cloned()))
    }

    fn check_secret(&self, app: &App, secret: Option<&str>) -> Result<(), Refusal> {
        let Some(secret) = secret else {
            let message =
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(Refusal::new(7_000_218, message));
        };
        let now = self.world.now();
        let is_known = |known: &&Secret| known.value == secret && known.effective.is_none_or(|since| since <= now);
        let Some(known) = app.client_secrets.iter().find(is_known) else {
            let message = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app.";
            return Err(Refusal::new(7_000_215, message));
        };
        match known.expires {
            Some(expires) if expires <= self.world.now() => Err(Refusal::new(
                7_000_222,
                format!("The provided client secret keys for app '{}' are expired.", app.client_id),
            )),
            _ => Ok(()),
        }
    }

    fn redeem(&self, app: &App) -> Result<Value, Refusal> {
        let code = self.param("code")?;
        let redirect_uri = self.param("redirect_uri")?;
        let now = self.world.now();
        // Marked as used first: a code that fails its checks is spent all the same.
        let found = self.world.store.write(|db| {
            let found = db
                .query_row("SELECT body, expires_ms, used FROM codes WHERE code = ?", [code], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
                })
                .optional()?;
            db.execute("UPDATE codes SET used = 1 WHERE code = ?", [code])?;
            Ok(found)
        })?;
        let Some((body, expires_ms, used)) = found else {
            return Err(Refusal::new(9_002_313, "Invalid request. Request is malformed or invalid."));
        };
        if used {
            return Err(Refusal::new(
                54005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
            ));
        }
        if expires_ms <= now.as_millisecond() {
            return Err(Refusal::new(
                70008,
                "The provided authorization code or refresh token has expired due to inactivity.",
            ));
        }
        let code: Code = serde_json::from_str(&body).map_err(|error| Error::Damaged("authorization code", error))?;
        if code.client_id != app.client_id || code.redirect_uri != redirect_uri {
            return Err(Refusal::new(
                70000,
                "The provided value for the 'code' parameter is not valid for this client or redirect URI.",
            ));
        }
        if code.authority != self.path.to_ascii_lowercase() {
            let message = "The provided authorization code is intended to use against other tenant, thus rejected.";
            return Err(Refusal::new(700_005, message));
        }
        check_verifier(code.challenge.as_ref(), self.form.get("code_verifier"))?;
        if let Some(text) = self.form.get("scope") {
            let asked = Scopes::read(text, self.world)?;
            if asked.names.iter().any(|name| !code.scopes.contains(name)) {
                return Err(Refusal::new(65001, "The user or administrator has not consented to use the application."));
            }
        }
        let user = self.user(&code.user)?;
        self.tokens(app, &user, &code.scopes, &code.resource, code.nonce.as_deref())
    }

    fn refresh(&self, app: &App, authority: &Authority) -> Result<Value, Refusal> {
        let token = self.param("refresh_token")?;
        let found = self.world.store.read(|db| {
            Ok(db
                .query_row(
                    "SELECT app, user, scopes, expires_ms, revoked FROM refresh_tokens WHERE token = ?",
                    [token],
                    |row| {
                        Ok((
                            row.get::<_, String>(0)?,
                            row.get::<_, String>(1)?,
                            row.get::<_, String>(2)?,
                            row.get::<_, i64>(3)?,
                            row.get::<_, bool>(4)?,
                        ))
                    },
                )
                .optional()?)
        })?;
        let Some((owner, user, held, expires_ms, revoked)) = found.filter(|(owner, ..)| *owner == app.client_id) else {
            return Err(Refusal::new(
                70000,
                "The provided value for the input parameter 'refresh_token' is not valid.",
            ));
        };
        let dead = revoked || expires_ms <= self.world.now().as_millisecond();
        if dead && self.user(&user)?.is_personal() {
            return Err(Refusal::new(70000, "The user could not be authenticated as the grant is expired."));
        }
        if revoked {
            return Err(Refusal::new(
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            ));
        }
        if expires_ms <= self.world.now().as_millisecond() {
            return Err(Refusal::new(700_082, "The refresh token has expired due to inactivity."));
        }
        let user = self.user(&user)?;
        if matches!(authority, Authority::Tenant(tenant) if tenant.id != user.tenant) {
            let message = format!("User account '{}' does not exist in the tenant.", user.address);
            return Err(Refusal::new(50020, message));
        }
        let consented = self.world.store.read(|db| directory::consented(db, &user.tenant, &owner, &user.id))?;
        let held: Vec<String> = held.split(' ').map(str::to_owned).collect();
        let (wanted, resource) = match self.form.get("scope") {
            None => (held.clone(), self.world.graph.clone()),
            Some(text) => {
                let asked = Scopes::read(text, self.world)?;
                let names = if asked.default { consented.clone() } else { asked.names };
                (names, asked.resource)
            }
        };
        if wanted.iter().any(|name| !consented.contains(name)) || consented.is_empty() {
            let message = "The user or administrator has not consented to use the application. Send an interactive authorization request.";
            return Err(Refusal::new(65001, message));
        }
        // A refresh token keeps its powers even if fewer scopes are asked for once.
        let mut scopes = wanted;
        for kept in ["openid", "profile", "email", "offline_access"] {
            if held.iter().any(|name| name == kept) && !scopes.iter().any(|name| name == kept) {
                scopes.push(kept.to_owned());
            }
        }
        let mut tokens = self.tokens(app, &user, &scopes, &resource, None)?;
        if user.is_personal() && self.form.get("scope").is_some_and(|text| scope::has_bare_names(text)) {
            // It is issued for another resource: Graph knows nothing of it.
            tokens["access_token"] = format!("EwA{}", self.world.uuid().simple()).into();
        }
        Ok(tokens)
    }

    fn client_credentials(&self, app: &App, authority: &Authority) -> Result<Value, Refusal> {
        let scope = self.param("scope")?;
        let asked = Scopes::read(scope, self.world)?;
        if !asked.default || !asked.names.is_empty() {
            let message = format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
            );
            return Err(Refusal::new(1_002_012, message));
        }
        let Authority::Tenant(tenant) = authority else {
            return Err(Refusal::new(90002, "Tenant not found."));
        };
        let now = self.world.now();
        let roles = self.world.store.read(|db| directory::effective_roles(db, &tenant.id, &app.client_id, now))?;
        let roles = roles.or_else(|| app.is_of(&tenant.id).then(Vec::new));
        let roles = roles.ok_or_else(|| {
            let message = format!(
                "Application with identifier '{}' was not found in the directory '{}'.",
                app.client_id, tenant.name
            );
            Refusal::new(700_016, message)
        })?;
        let grant = Grant { app, tenant: &tenant.id, user: None, scopes: &roles };
        let access_token = self.world.store.write(|db| access_token(db, self.world, &grant, now))?;
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFE_S,
            "ext_expires_in": ACCESS_LIFE_S,
            "access_token": access_token,
        }))
    }

    /// An app alone belongs to no account, so the tenant must be said, and by its id.
    fn tenant_is_a_guid(&self) -> Result<(), Refusal> {
        match self.path {
            "common" | "organizations" => Err(Refusal::new(
                9_001_023,
                "The grant type is not supported over the /common or /consumers endpoints. Please use the tenant-specific endpoint.",
            )),
            "consumers" => {
                Err(Refusal::new(90130, "Application is not supported over the /common or /consumers endpoints."))
            }
            directory::CONSUMERS => {
                Err(Refusal::new(90130, "Application is not supported over the /common or /consumers endpoints."))
            }
            guid if guid.parse::<Uuid>().is_ok() => Ok(()),
            other => Err(Refusal::new(90002, format!("Tenant '{other}' not found."))),
        }
    }

    fn user(&self, id: &str) -> Result<Account, Refusal> {
        let user = self.world.store.read(|db| directory::find_account(db, id))?;
        let user = user.ok_or_else(|| Refusal::new(50034, "The user account does not exist in the directory."))?;
        match user.enabled {
            true => Ok(user),
            false => Err(Refusal::new(50057, "The user account is disabled.")),
        }
    }

    fn tokens(
        &self,
        app: &App,
        user: &Account,
        scopes: &[String],
        resource: &str,
        nonce: Option<&str>,
    ) -> Result<Value, Refusal> {
        let now = self.world.now();
        let has = |name: &str| scopes.iter().any(|scope| scope == name);
        let grant = Grant { app, tenant: &user.tenant, user: Some(user), scopes };
        let (access, refresh) = self.world.store.write(|db| {
            let access = access_token(db, self.world, &grant, now)?;
            let refresh = if has("offline_access") && !self.world.faults.withholds_refresh_tokens() {
                Some(refresh_token(db, self.world, &grant, now)?)
            } else {
                None
            };
            Ok((access, refresh))
        })?;
        let mut tokens = json!({
            "token_type": "Bearer",
            "scope": scope::told(scopes, resource),
            "expires_in": ACCESS_LIFE_S,
            "ext_expires_in": ACCESS_LIFE_S,
            "access_token": access,
        });
        if let Some(refresh) = refresh {
            tokens["refresh_token"] = refresh.into();
        }
        if has("openid") {
            let claims = self.claims(app, user, scopes, nonce, now)?;
            tokens["id_token"] = self.world.signing_keys()?.sign(&claims)?.into();
        }
        Ok(tokens)
    }

    /// The claims of an id_token (id-token-claims-reference): without `profile` no object id and no names.
    /// `wids` is there only if the registration asks for it: the roles that are active this moment.
    fn claims(
        &self,
        app: &App,
        user: &Account,
        scopes: &[String],
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Value> {
        let has = |name: &str| scopes.iter().any(|scope| scope == name);
        let subject = Sha256::digest(format!("{}\n{}", app.client_id, user.id));
        let mut claims = json!({
            "ver": "2.0",
            "iss": format!("{}/{}/v2.0", self.world.origin, user.tenant),
            "aud": app.client_id,
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": now.as_second() + 3600,
            "tid": user.tenant,
            "sub": URL_SAFE_NO_PAD.encode(subject),
            "uti": self.world.uuid().simple().to_string(),
        });
        if has("profile") {
            claims["oid"] = user.id.as_str().into();
            claims["name"] = user.name.as_str().into();
            claims["preferred_username"] = user.address.as_str().into();
        }
        if has("email") {
            claims["email"] = user.address.as_str().into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let of_roles = [GroupMembershipClaims::DirectoryRole, GroupMembershipClaims::All];
        if of_roles.contains(&app.group_membership_claims) && !user.is_personal() {
            claims["wids"] = self.world.store.read(|db| directory::role_ids(db, user))?.into();
        }
        Ok(claims)
    }
}

fn check_verifier(challenge: Option<&Challenge>, verifier: Option<&String>) -> Result<(), Refusal> {
    let matches = match (challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (Some(Challenge::S256(challenge)), Some(verifier)) => {
            *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
        }
    };
    match matches {
        true => Ok(()),
        false => Err(Refusal::new(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )),
    }
}

/// An access token that says nothing to whoever looks inside.
fn access_token(db: &Transaction, world: &World, grant: &Grant<'_>, now: Timestamp) -> Result<String> {
    let token = format!("EwB{}{}", world.uuid().simple(), world.uuid().simple());
    forget_expired(db, now)?;
    db.execute(
        "INSERT INTO access_tokens VALUES (?, ?, ?, ?, ?, ?)",
        params![
            token,
            grant.tenant,
            grant.app.client_id,
            grant.user.map(|user| &user.id),
            grant.scopes.join(" "),
            after(now, SignedDuration::from_secs(ACCESS_LIFE_S)).as_millisecond()
        ],
    )?;
    Ok(token)
}

fn refresh_token(db: &Transaction, world: &World, grant: &Grant<'_>, now: Timestamp) -> Result<String> {
    let token = format!("1.{}{}", world.uuid().simple(), world.uuid().simple());
    db.execute(
        "INSERT INTO refresh_tokens (token, app, user, scopes, expires_ms) VALUES (?, ?, ?, ?, ?)",
        params![
            token,
            grant.app.client_id,
            grant.user.map(|user| &user.id),
            grant.scopes.join(" "),
            after(now, REFRESH_LIFE).as_millisecond()
        ],
    )?;
    Ok(token)
}

/// Old access tokens are kept for a day beyond their end, so that they are told expired and not unknown.
fn forget_expired(db: &Connection, now: Timestamp) -> Result<()> {
    let day_ago = after(now, SignedDuration::from_hours(-24));
    db.execute("DELETE FROM access_tokens WHERE expires_ms < ?", [day_ago.as_millisecond()])?;
    Ok(())
}
