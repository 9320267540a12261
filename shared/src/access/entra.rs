//! Microsoft Entra's OAuth 2.0 endpoints: authorize, token, admin consent, and the keys that it signs with.
//! Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientSecret, CsrfToken, ExtraTokenFields, HttpRequest, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use reqwest::{StatusCode, header::RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    access::{
        credential::Credential,
        id_token::{self, Expected, IdClaims, SigningKeys},
    },
    aws::identity::{Audience, Identity, RoleClaims},
    base::{
        clock::Clock,
        config::{Microsoft, Origin},
        http::retry_after,
        id::{ClientId, TenantId},
        random::Random,
    },
    graph::{AccessToken, EntraError, EntraRefusal, IdTokenError, WAIT_MAX},
};

/// An access token ends this much earlier for us than for Microsoft, so that no request travels with a dying one.
const EXPIRY_MARGIN: Duration = Duration::from_secs(300);
/// No token lives longer.
const LIFETIME_MAX: Duration = Duration::from_secs(28 * 3600);
/// A token answer without a lifetime is believed for this long.
const LIFETIME_UNNAMED: Duration = Duration::from_secs(3599);
/// How long the keys that id tokens are signed with are believed: Entra asks clients to look daily.
/// Source: <https://learn.microsoft.com/entra/identity-platform/signing-key-rollover>
const KEYS_CACHE_TIME: Duration = Duration::from_secs(24 * 3600);
/// How long a request to the token endpoint may take: others may be waiting for what it brings.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(12);
/// The largest answer read from Entra.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Where a sign-in happens: `common`, `organizations`, `consumers`, or one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Authority(String);

impl Authority {
    /// Work, school and personal accounts.
    pub fn common() -> Self {
        Self("common".to_owned())
    }

    /// Work and school accounts of any tenant.
    pub fn organizations() -> Self {
        Self("organizations".to_owned())
    }

    /// One tenant only.
    pub fn tenant(tenant: &TenantId) -> Self {
        Self(tenant.to_string())
    }
}

/// What a sign-in page is to ask a person for.
#[derive(Debug, Clone, Copy)]
pub struct SignInWish<'a> {
    /// The rights.
    pub scopes: &'a [&'a str],
    /// Whether credentials are entered anew, even where somebody is signed in already.
    pub afresh: bool,
}

/// What the token endpoint issued.
#[derive(Debug)]
pub struct Issued {
    /// For Graph.
    pub access: AccessToken,
    /// For the next access token; none for an app without a user.
    pub refresh: Option<SecretString>,
    /// Who signed in; only with the code grant.
    pub id_token: Option<SecretString>,
    /// The rights that Entra named with the token; none where it named none.
    rights: Vec<String>,
}

impl Issued {
    /// Whether Entra named the rights, and none of them is to read mail.
    pub fn reads_no_mail(&self) -> bool {
        let reads = |right: &String| right.rsplit('/').next().is_some_and(|name| name.starts_with("Mail.Read"));
        !self.rights.is_empty() && !self.rights.iter().any(reads)
    }
}

impl oauth2::ErrorResponse for EntraRefusal {}

/// An app registration as it speaks to Entra.
#[derive(Debug, Clone)]
pub struct EntraApp {
    /// Its client id.
    pub client_id: ClientId,
    /// What it proves itself with.
    pub credential: Credential,
}

type TokenAnswer = StandardTokenResponse<EntraFields, BasicTokenType>;
type OauthClient<Auth, Token> = oauth2::Client<
    EntraRefusal,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Auth,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    Token,
>;

#[derive(Clone, Serialize, Deserialize)]
struct EntraFields {
    #[serde(default)]
    id_token: Option<String>,
}

impl fmt::Debug for EntraFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntraFields")
    }
}

impl ExtraTokenFields for EntraFields {}

/// The sign-in service of the configured cloud.
#[derive(Debug, Clone)]
pub struct Entra {
    http: reqwest::Client,
    microsoft: Microsoft,
    redirect_uri: String,
    identity: Identity,
    clock: Clock,
    random: Random,
    signing_keys: Arc<tokio::sync::Mutex<HashMap<Authority, (SigningKeys, Timestamp)>>>,
}

/// The parameter with what Graph demanded of the next token, if it demanded anything.
fn demanded(claims: Option<&str>) -> Option<(&'static str, String)> {
    claims.map(|claims| ("claims", claims.to_owned()))
}

impl Entra {
    /// Over the shared HTTP client. Microsoft sends browsers back to `/oauth/callback` of `public_url`.
    pub fn new(
        http: reqwest::Client,
        microsoft: Microsoft,
        public_url: &Origin,
        identity: Identity,
        clock: Clock,
        random: Random,
    ) -> Self {
        let redirect_uri = public_url.at("/oauth/callback");
        Self { http, microsoft, redirect_uri, identity, clock, random, signing_keys: Arc::default() }
    }

    /// A Graph scope in full. Personal accounts need it so at refresh.
    fn scope(&self, name: &str) -> Scope {
        match name {
            "openid" | "profile" | "offline_access" => Scope::new(name.to_owned()),
            _ => Scope::new(format!("{}/{name}", self.microsoft.scope_resource)),
        }
    }

    fn client(
        &self,
        authority: &Authority,
        app: &EntraApp,
    ) -> Result<OauthClient<oauth2::EndpointSet, oauth2::EndpointSet>, EntraError> {
        let endpoint = |name| self.endpoint(authority, name);
        let bad = |_| EntraError::Unreadable("an endpoint is no URL");
        let client_id = oauth2::ClientId::new(app.client_id.to_string());
        let mut client = OauthClient::<oauth2::EndpointNotSet, oauth2::EndpointNotSet>::new(client_id);
        if let Credential::Secret(secret) = &app.credential {
            client = client.set_client_secret(ClientSecret::new(secret.value.expose_secret().to_owned()));
        }
        Ok(client
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoint("authorize")).map_err(bad)?)
            .set_token_uri(TokenUrl::new(endpoint("token")).map_err(bad)?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone()).map_err(bad)?))
    }

    fn endpoint(&self, authority: &Authority, name: &str) -> String {
        self.microsoft.login.at(&format!("/{}/oauth2/v2.0/{name}", authority.0))
    }

    /// What stands in a token request in place of a client secret.
    /// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
    async fn assertion(
        &self,
        authority: &Authority,
        app: &EntraApp,
    ) -> Result<Vec<(&'static str, String)>, EntraError> {
        let assertion = match &app.credential {
            Credential::Secret(_) => return Ok(Vec::new()),
            Credential::Certificate(certificate) => {
                let audience = self.endpoint(authority, "token");
                certificate.assertion(&audience, &app.client_id, self.clock.now(), &self.random)?
            }
            Credential::Federated(audience) => self.identity.token(audience).await?,
        };
        let assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
        let assertion = assertion.expose_secret().to_owned();
        Ok(vec![("client_assertion_type", assertion_type), ("client_assertion", assertion)])
    }

    /// What AWS says of us for that audience.
    ///
    /// Errors: [`EntraError::Identity`] where AWS does not say who we are.
    pub async fn claims(&self, audience: &Audience) -> Result<RoleClaims, EntraError> {
        Ok(self.identity.claims(audience).await?)
    }

    /// The id of the tenant that `authority` names, by its id or one of its domains.
    ///
    /// Errors: Entra refuses, does not answer, or answers in another form than documented.
    pub async fn tenant_id(&self, tenant: &TenantId) -> Result<TenantId, EntraError> {
        if uuid::Uuid::try_parse(tenant.as_str()).is_ok() {
            return Ok(tenant.clone());
        }
        #[derive(Deserialize)]
        struct TenantConfiguration {
            issuer: String,
        }
        let url = self.microsoft.login.at(&format!("/{tenant}/v2.0/.well-known/openid-configuration"));
        let TenantConfiguration { issuer } = self.public(url).await?;
        let id = issuer.rsplit('/').nth(1).and_then(|id| id.parse().ok());
        id.ok_or(EntraError::Unreadable("the tenant's issuer names no tenant"))
    }

    /// The sign-in page for `wish`, bound to `state`, `nonce` and the PKCE `verifier`, 43 to 128 characters.
    ///
    /// Errors: [`EntraError::Unreadable`] where the configured sign-in service is no URL.
    pub fn authorize(
        &self,
        authority: &Authority,
        app: &EntraApp,
        wish: SignInWish<'_>,
        state: String,
        nonce: String,
        verifier: &SecretString,
    ) -> Result<Url, EntraError> {
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let (url, _) = self
            .client(authority, app)?
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(wish.scopes.iter().map(|name| self.scope(name)))
            .add_extra_param("response_mode", "query")
            .add_extra_param("prompt", if wish.afresh { "login" } else { "select_account" })
            .add_extra_param("nonce", nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url)
    }

    /// The page on which an administrator of `tenant` grants the app its application permissions.
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    ///
    /// Errors: [`EntraError::Unreadable`] where the configured sign-in service is no URL.
    pub fn admin_consent(&self, tenant: &TenantId, client_id: &ClientId, state: &str) -> Result<Url, EntraError> {
        let base = self.microsoft.login.at(&format!("/{tenant}/v2.0/adminconsent"));
        let scope = format!("{}/.default", self.microsoft.scope_resource);
        let query = [
            ("client_id", client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("state", state),
            ("scope", &scope),
        ];
        Url::parse_with_params(&base, query).map_err(|_| EntraError::Unreadable("an endpoint is no URL"))
    }

    /// Redeems the code that a browser brought back, at the authority that issued it.
    ///
    /// Errors: Entra refuses, does not answer, or answers in another form than documented.
    pub async fn redeem(
        &self,
        authority: &Authority,
        app: &EntraApp,
        code: String,
        verifier: &SecretString,
    ) -> Result<Issued, EntraError> {
        let client = self.client(authority, app)?;
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()));
        for (name, value) in self.assertion(authority, app).await? {
            request = request.add_extra_param(name, value);
        }
        self.issued(request.request_async(&self.transport()).await)
    }

    /// A new access token, and a new refresh token, for the user that `refresh` stands for; it meets `claims`, if Graph
    /// demanded some of it.
    ///
    /// Errors: Entra refuses, does not answer, or answers in another form than documented.
    pub async fn refresh(
        &self,
        authority: &Authority,
        app: &EntraApp,
        refresh: &SecretString,
        scopes: &[&str],
        claims: Option<&str>,
    ) -> Result<Issued, EntraError> {
        let client = self.client(authority, app)?;
        let refresh = RefreshToken::new(refresh.expose_secret().to_owned());
        let mut request =
            client.exchange_refresh_token(&refresh).add_scopes(scopes.iter().map(|name| self.scope(name)));
        for (name, value) in self.assertion(authority, app).await?.into_iter().chain(demanded(claims)) {
            request = request.add_extra_param(name, value);
        }
        self.issued(request.request_async(&self.transport()).await)
    }

    /// An access token for the app itself in `tenant`.
    ///
    /// Errors: Entra refuses, does not answer, or answers in another form than documented.
    pub async fn client_credentials(
        &self,
        tenant: &TenantId,
        app: &EntraApp,
        claims: Option<&str>,
    ) -> Result<Issued, EntraError> {
        let authority = Authority::tenant(tenant);
        let client = self.client(&authority, app)?;
        let mut request = client.exchange_client_credentials().add_scope(self.scope(".default"));
        for (name, value) in self.assertion(&authority, app).await?.into_iter().chain(demanded(claims)) {
            request = request.add_extra_param(name, value);
        }
        self.issued(request.request_async(&self.transport()).await)
    }

    fn issued<E: std::error::Error + Into<EntraError>>(
        &self,
        answer: Result<TokenAnswer, RequestTokenError<E, EntraRefusal>>,
    ) -> Result<Issued, EntraError> {
        let answer = answer.map_err(|e| match e {
            RequestTokenError::ServerResponse(refusal) => EntraError::Refused(refusal),
            RequestTokenError::Request(e) => e.into(),
            RequestTokenError::Parse(..) => {
                EntraError::Unreadable("the token answer is no JSON of the documented shape")
            }
            RequestTokenError::Other(_) => EntraError::Unreadable("the token answer is empty or refers elsewhere"),
        })?;
        let access = answer.access_token().secret();
        if access.is_empty() || !access.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EntraError::Unreadable("the access token is none"));
        }
        let expires_at = self.clock.now() + lifetime(answer.expires_in());
        let refresh = answer.refresh_token().map(|token| token.secret().clone()).filter(|token| !token.is_empty());
        Ok(Issued {
            access: AccessToken::new(access.clone().into(), expires_at),
            refresh: refresh.map(Into::into),
            id_token: answer.extra_fields().id_token.clone().map(Into::into),
            rights: answer
                .scopes()
                .into_iter()
                .flatten()
                .map(|scope| scope.to_string())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    fn transport(&self) -> impl Fn(HttpRequest) -> BoxedAnswer {
        let (http, clock) = (self.http.clone(), self.clock.clone());
        move |request| {
            let (http, clock) = (http.clone(), clock.clone());
            Box::pin(async move {
                let mut request = reqwest::Request::try_from(request)?;
                *request.timeout_mut() = Some(ANSWER_TIME_MAX);
                let mut response = http.execute(request).await?;
                let status = response.status();
                let mut answer = http::Response::builder().status(status);
                for (name, value) in response.headers() {
                    answer = answer.header(name, value);
                }
                let named = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let wait = retry_after(named, clock.now()).map(|wait| wait.min(WAIT_MAX));
                let body = read(&mut response).await?;
                let is_unwell = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                if is_unwell && (wait.is_some() || !says_that_it_passes(&body)) {
                    return Err(EntraError::Unwell { wait });
                }
                answer.body(as_documented(body)).map_err(|_| EntraError::Unreadable("the token answer is no HTTP"))
            })
        }
    }

    /// Who signed in. Keys change without notice, so that one which nobody knows is looked for once more.
    ///
    /// Errors: [`EntraError::IdToken`] where the token proves nothing; or the keys can't be read.
    pub async fn id_claims(
        &self,
        authority: &Authority,
        id_token: &SecretString,
        app: &EntraApp,
        nonce: &str,
    ) -> Result<IdClaims, EntraError> {
        let expected = Expected { client_id: &app.client_id, nonce, now: self.clock.now() };
        let keys = self.signing_keys(authority, false).await?;
        match id_token::verify(id_token.expose_secret(), &keys, expected) {
            Err(IdTokenError::UnknownKey) => {
                let keys = self.signing_keys(authority, true).await?;
                Ok(id_token::verify(id_token.expose_secret(), &keys, expected)?)
            }
            other => Ok(other?),
        }
    }

    /// The keys that sign at `authority`, at most [`KEYS_CACHE_TIME`] old.
    async fn signing_keys(&self, authority: &Authority, afresh: bool) -> Result<SigningKeys, EntraError> {
        let mut cache = self.signing_keys.lock().await;
        let now = self.clock.now();
        match cache.get(authority) {
            Some((keys, until)) if !afresh && now < *until => return Ok(keys.clone()),
            _ => {}
        }
        let at = |path: &str| self.microsoft.login.at(&format!("/{}{path}", authority.0));
        let configuration = self.public(at("/v2.0/.well-known/openid-configuration")).await?;
        let keys = SigningKeys::new(configuration, self.public(at("/discovery/v2.0/keys")).await?);
        cache.insert(authority.clone(), (keys.clone(), now + KEYS_CACHE_TIME));
        Ok(keys)
    }

    /// A JSON document that Entra shows to everybody.
    async fn public<T: DeserializeOwned>(&self, url: String) -> Result<T, EntraError> {
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let body = read(&mut response).await?;
        serde_json::from_slice(&body).map_err(|_| EntraError::Unreadable("a document has not the documented form"))
    }
}

/// How long a token is used: it ends a little earlier for us than for Microsoft, and one that lives short not at once.
fn lifetime(named: Option<Duration>) -> Duration {
    let lifetime = named.unwrap_or(LIFETIME_UNNAMED).min(LIFETIME_MAX);
    lifetime - EXPIRY_MARGIN.min(lifetime / 2)
}

/// Whether an error answer names an error that passes, which is then kept with its code.
fn says_that_it_passes(body: &[u8]) -> bool {
    serde_json::from_slice::<EntraRefusal>(body).is_ok_and(|refusal| refusal.passes())
}

/// A token answer in the form that is documented. The first version of the endpoint wrote a lifetime as text, and some
/// gateways do still; one that says nothing is left out, and so is a scope that is no text.
/// Source: <https://www.rfc-editor.org/rfc/rfc6749#section-5.1>
fn as_documented(body: Vec<u8>) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body) else {
        return body;
    };
    if let Some(lifetime) = answer.remove("expires_in") {
        let seconds = lifetime.as_u64().or_else(|| lifetime.as_str()?.trim().parse().ok());
        answer.extend(seconds.map(|seconds| ("expires_in".to_owned(), seconds.into())));
    }
    if answer.get("scope").is_some_and(|scope| !scope.is_string()) {
        answer.remove("scope");
    }
    serde_json::Value::Object(answer).to_string().into_bytes()
}

/// The body of an answer, which is small.
async fn read(response: &mut reqwest::Response) -> Result<Vec<u8>, EntraError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(EntraError::Unreadable("the answer is too large"));
        }
    }
    Ok(body)
}

impl From<reqwest::Error> for EntraError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}

type BoxedAnswer = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, EntraError>> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sdk_http::over;

    const CLIENT: &str = "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11";

    fn now() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn entra() -> Entra {
        let origin = |text: &str| Origin::parse(text).unwrap();
        let microsoft = Microsoft {
            login: origin("https://login.microsoftonline.us"),
            graph: origin("https://graph.microsoft.us"),
            scope_resource: "https://graph.microsoft.us",
        };
        let http = crate::base::http::http_client().unwrap();
        let aws = aws_sdk_sts::Config::builder().behavior_version_latest().http_client(over(http.clone())).build();
        let identity = Identity::new(aws_sdk_sts::Client::from_conf(aws));
        let public_url = origin("https://greffe.example");
        Entra::new(http, microsoft, &public_url, identity, Clock::manual(now()), Random::seeded(1))
    }

    fn app() -> EntraApp {
        EntraApp { client_id: CLIENT.parse().unwrap(), credential: Credential::secret("a secret".to_owned().into()) }
    }

    fn query(url: &Url) -> HashMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    fn issued(answer: &str) -> Result<Issued, EntraError> {
        let answer = as_documented(answer.as_bytes().to_vec());
        let answer: TokenAnswer = serde_json::from_slice(&answer).map_err(|_| EntraError::Unreadable("the test"))?;
        entra().issued::<EntraError>(Ok(answer))
    }

    #[test]
    fn a_sign_in_page_is_of_the_configured_cloud_and_bound_to_its_state_and_its_verifier() {
        let wish = SignInWish { scopes: &["openid", "offline_access", "Mail.ReadWrite"], afresh: true };
        let verifier = "v".repeat(43).into();
        let tenant = Authority::tenant(&CLIENT.parse().unwrap());
        let url = entra().authorize(&tenant, &app(), wish, "state".to_owned(), "nonce".to_owned(), &verifier).unwrap();

        assert_eq!(url.host_str(), Some("login.microsoftonline.us"));
        assert_eq!(url.path(), format!("/{CLIENT}/oauth2/v2.0/authorize"));
        let query = query(&url);
        assert_eq!(query["scope"], "openid offline_access https://graph.microsoft.us/Mail.ReadWrite");
        assert_eq!(query["redirect_uri"], "https://greffe.example/oauth/callback");
        assert_eq!((query["state"].as_str(), query["nonce"].as_str()), ("state", "nonce"));
        // The SHA-256 of the verifier (RFC 7636), and not the verifier itself.
        assert_eq!(query["code_challenge"], "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["prompt"], "login");
        assert!(!url.as_str().contains(&"v".repeat(43)) && !url.as_str().contains("secret"));
    }

    #[test]
    fn a_sign_in_lets_a_person_choose_the_account_unless_it_has_to_be_afresh() {
        let wish = SignInWish { scopes: &["openid"], afresh: false };
        let verifier = "v".repeat(43).into();
        let (state, nonce) = ("s".to_owned(), "n".to_owned());
        let url = entra().authorize(&Authority::common(), &app(), wish, state, nonce, &verifier).unwrap();
        assert_eq!(url.path(), "/common/oauth2/v2.0/authorize");
        assert_eq!(query(&url)["prompt"], "select_account");
    }

    #[test]
    fn the_page_of_consent_is_the_tenants_and_asks_for_what_the_registration_lists() {
        let url = entra().admin_consent(&"firm.example".parse().unwrap(), &CLIENT.parse().unwrap(), "a&b").unwrap();
        assert_eq!(url.path(), "/firm.example/v2.0/adminconsent");
        let query = query(&url);
        assert_eq!((query["client_id"].as_str(), query["state"].as_str()), (CLIENT, "a&b"));
        assert_eq!(query["scope"], "https://graph.microsoft.us/.default");
    }

    #[test]
    fn an_access_token_ends_five_minutes_early_and_within_the_hour_where_no_lifetime_is_named() {
        let ends = |answer: &str| issued(answer).unwrap().access.expires_at();
        let hour = ends(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#);
        assert_eq!(hour, "2026-03-02T08:55:00Z".parse().unwrap());
        let unnamed = ends(r#"{"access_token":"t","token_type":"Bearer"}"#);
        assert_eq!(unnamed, "2026-03-02T08:54:59Z".parse().unwrap());
        let dying = ends(r#"{"access_token":"t","token_type":"Bearer","expires_in":10}"#);
        assert_eq!(dying, "2026-03-02T08:00:05Z".parse().unwrap());
        for (odd, expected) in [(r#""3600""#, hour), (r#""soon""#, unnamed), ("null", unnamed), ("[]", unnamed)] {
            let answer = format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{odd},"scope":null}}"#);
            assert_eq!(ends(&answer), expected, "{odd}");
        }
    }

    #[test]
    fn a_token_that_may_read_no_mail_is_told_where_entra_names_its_rights() {
        let reads_no_mail = |scope: &str| {
            let answer = format!(r#"{{"access_token":"t","token_type":"Bearer","scope":"{scope}"}}"#);
            issued(&answer).unwrap().reads_no_mail()
        };
        assert_eq!(["openid profile", "User.Read"].map(reads_no_mail), [true, true]);
        assert_eq!(
            ["", "Mail.Read openid", "https://graph.microsoft.us/Mail.ReadWrite"].map(reads_no_mail),
            [false, false, false]
        );
    }

    #[test]
    fn what_entra_issues_is_told_apart_and_never_printed() {
        let answer = r#"{"access_token":"AAA","token_type":"Bearer","expires_in":3600,"refresh_token":"RRR",
            "id_token":"III","ext_expires_in":7200}"#;
        let issued = issued(answer).unwrap();
        assert_eq!(issued.refresh.as_ref().unwrap().expose_secret(), "RRR");
        assert_eq!(issued.id_token.as_ref().unwrap().expose_secret(), "III");
        let printed = format!("{issued:?}");
        assert!(!["AAA", "RRR", "III"].iter().any(|token| printed.contains(token)), "{printed}");
    }

    #[test]
    fn a_token_is_used_until_a_little_before_its_end_however_odd_its_lifetime() {
        let seconds = |named: u64| lifetime(Some(Duration::from_secs(named))).as_secs();
        assert_eq!([3_599, 600, 100, 0, u64::MAX].map(seconds), [3_299, 300, 50, 0, 28 * 3_600 - 300]);
        assert_eq!(lifetime(None).as_secs(), 3_299);
    }
}
