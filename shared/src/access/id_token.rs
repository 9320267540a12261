//! Id tokens: who signed in, proven by Entra's signature.
//! Source: <https://learn.microsoft.com/entra/identity-platform/id-tokens#validate-tokens>

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    base::id::{ClientId, TenantId},
    graph::IdTokenError,
};

/// Our clock and Entra's differ by less than this.
const SKEW: Duration = Duration::from_secs(120);
/// What stands for the tenant's id in an issuer that serves all tenants.
const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// The directory roles that may consent to application permissions of Graph for a whole tenant: Global Administrator
/// and Privileged Role Administrator, by the ids of their templates, which are the same in every tenant. No other
/// built-in role may: Application Administrator and Cloud Application Administrator consent to everything but these.
/// Source: <https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent#prerequisites>,
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const CONSENTING_ROLES: [&str; 2] = ["62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814"];

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdClaims {
    aud: String,
    iss: String,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    /// The tenant.
    pub tid: TenantId,
    /// The user's object id: with the tenant, the key of an account.
    pub oid: String,
    /// The tenant-wide directory roles of the user that are active, by template id. It is there only where the app's
    /// manifest sets `groupMembershipClaims` to `DirectoryRole` or `All`.
    /// Source: <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
    #[serde(default)]
    wids: Option<Vec<String>>,
    /// When the user last entered credentials, in seconds since 1970, where the app asks for this optional claim.
    #[serde(default)]
    pub auth_time: Option<i64>,
    /// For display only.
    #[serde(default)]
    pub name: Option<String>,
    /// For display only: mutable, mostly an address.
    #[serde(default)]
    pub preferred_username: Option<String>,
}

impl IdClaims {
    /// The name to show: mostly an address.
    pub fn shown(&self) -> &str {
        self.preferred_username.as_deref().or(self.name.as_deref()).unwrap_or(&self.oid)
    }

    /// Whether the user may grant an app organisation-wide access; none if the token does not tell roles.
    pub fn may_consent(&self) -> Option<bool> {
        let may = |id: &String| CONSENTING_ROLES.iter().any(|role| role.eq_ignore_ascii_case(id));
        self.wids.as_ref().map(|ids| ids.iter().any(may))
    }
}

/// The keys that the sign-in service signs with at the moment, and the name under which it does.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    issuer: String,
    keys: Vec<SigningKey>,
}

/// A public key (RFC 7517); one of another kind than RSA has no `n` and no `e`, and is never used.
#[derive(Debug, Clone, Deserialize)]
struct SigningKey {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    /// Whose tokens it may sign, where it does not sign everybody's: Entra's addition to the standard.
    #[serde(default)]
    issuer: Option<String>,
}

/// The document at `jwks_uri`.
#[derive(Debug, Deserialize)]
pub(crate) struct KeySet {
    #[serde(deserialize_with = "each_readable")]
    keys: Vec<SigningKey>,
}

/// Those keys that can be read: one of another form costs the others nothing.
fn each_readable<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SigningKey>, D::Error> {
    let keys = Vec::<Value>::deserialize(from)?;
    Ok(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}

/// The part of the OpenID configuration that counts here.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenIdConfiguration {
    issuer: String,
}

impl SigningKeys {
    pub(crate) fn new(configuration: OpenIdConfiguration, set: KeySet) -> Self {
        Self { issuer: configuration.issuer, keys: set.keys }
    }
}

/// What one sign-in's id token must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The app that asked.
    pub client_id: &'a ClientId,
    /// What it sent along.
    pub nonce: &'a str,
    /// When it came.
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// The claims of an id token whose signature, issuer, audience, nonce and time are right.
///
/// Errors: the token proves nothing: signature, audience, issuer, nonce or time does not match.
pub fn verify(id_token: &str, keys: &SigningKeys, expected: Expected<'_>) -> Result<IdClaims, IdTokenError> {
    let (signed, signature) = id_token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(IdTokenError::Malformed)?;
    let header: Header = decode(header)?;
    if header.alg != "RS256" {
        return Err(IdTokenError::Malformed);
    }
    let key = keys.keys.iter().find(|key| key.kid == header.kid).ok_or(IdTokenError::UnknownKey)?;
    let public = RsaPublicKeyComponents { n: bytes(&key.n)?, e: bytes(&key.e)? };
    let signature = bytes(signature)?;
    let genuine = public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature);
    genuine.map_err(|_| IdTokenError::Forged)?;

    let claims: IdClaims = decode(claims)?;
    let of_tenant = |issuer: &str| issuer.replace(TENANT_PLACEHOLDER, claims.tid.as_str());
    let (now, skew) = (expected.now, SKEW);
    let before = |seconds: i64, at: Timestamp| Timestamp::from_second(seconds).is_ok_and(|time| time < at);
    let differs = if claims.aud != expected.client_id.as_str() {
        Some("audience")
    } else if claims.iss != of_tenant(&keys.issuer) {
        Some("issuer")
    } else if key.issuer.as_ref().is_some_and(|issuer| claims.iss != of_tenant(issuer)) {
        Some("key's issuer")
    } else if claims.nonce.as_deref() != Some(expected.nonce) {
        Some("nonce")
    } else if before(claims.exp, now - skew) || claims.nbf.is_some_and(|nbf| !before(nbf, now + skew)) {
        Some("time")
    } else {
        None
    };
    differs.map_or(Ok(claims), |what| Err(IdTokenError::NotThisSignIn(what)))
}

fn bytes(text: &str) -> Result<Vec<u8>, IdTokenError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| IdTokenError::Malformed)
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, IdTokenError> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| IdTokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jsonwebtoken::{Algorithm, EncodingKey};
    use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey as _, traits::PublicKeyParts as _};
    use serde_json::{Value, json};

    use super::*;

    const CLIENT_ID: &str = "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11";
    const TENANT: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    const ISSUER: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

    static PAIRS: LazyLock<[RsaPrivateKey; 2]> =
        LazyLock::new(|| [(); 2].map(|()| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()));

    fn now() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn claims() -> Value {
        json!({
            "aud": CLIENT_ID, "iss": ISSUER.replace("{tenantid}", TENANT), "tid": TENANT, "oid": "ada", "nonce": "n",
            "nbf": now().as_second(), "exp": now().as_second() + 3600,
        })
    }

    fn with(claim: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims[claim] = value.into();
        claims
    }

    fn sign(pair: usize, kid: &str, claims: &Value) -> String {
        let header = jsonwebtoken::Header { kid: Some(kid.to_owned()), ..jsonwebtoken::Header::new(Algorithm::RS256) };
        let der = PAIRS[pair].to_pkcs1_der().unwrap();
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_der(der.as_bytes())).unwrap()
    }

    /// The first pair is published as `a`; `key_issuer` is what the key says of its own tokens.
    fn keys(key_issuer: Option<&str>) -> SigningKeys {
        let part = |number: &rsa::BigUint| BASE64_URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        let elliptic = json!({ "kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA" });
        let mut key = json!({ "kty": "RSA", "kid": "a", "n": part(PAIRS[0].n()), "e": part(PAIRS[0].e()) });
        if let Some(issuer) = key_issuer {
            key["issuer"] = issuer.into();
        }
        let set = serde_json::from_value(json!({ "keys": [elliptic, key] })).unwrap();
        SigningKeys::new(serde_json::from_value(json!({ "issuer": ISSUER })).unwrap(), set)
    }

    fn check(token: &str) -> Result<IdClaims, IdTokenError> {
        let client_id = CLIENT_ID.parse().unwrap();
        verify(token, &keys(None), Expected { client_id: &client_id, nonce: "n", now: now() })
    }

    #[test]
    fn a_token_that_entra_signed_for_this_sign_in_tells_who_it_is() {
        let claims = check(&sign(0, "a", &claims())).unwrap();
        assert_eq!((claims.tid.as_str(), claims.oid.as_str()), (TENANT, "ada"));
    }

    #[test]
    fn only_two_roles_may_grant_access_to_an_organisation_and_a_token_may_not_tell_roles() {
        let may = |wids: Value| check(&sign(0, "a", &with("wids", wids))).unwrap().may_consent();
        assert_eq!(check(&sign(0, "a", &claims())).unwrap().may_consent(), None);
        assert_eq!(may(Value::Null), None);
        assert_eq!(may(json!([])), Some(false));
        let (member, guest) = ("b79fbf4d-3ef9-4689-8143-76b194e85509", "10dae51f-b6af-4016-8d66-8c2a99b929b3");
        let (application, cloud) = ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "158c047a-c907-4556-b7ef-446551a6b5f7");
        assert_eq!(may(json!([member, guest, application, cloud])), Some(false));
        assert_eq!(may(json!([member, CONSENTING_ROLES[0]])), Some(true));
        assert_eq!(may(json!([CONSENTING_ROLES[1].to_uppercase()])), Some(true));
        assert_eq!(
            check(&sign(0, "a", &with("wids", "62e90394-69f5-4237-9190-012177145e10"))),
            Err(IdTokenError::Malformed)
        );
    }

    #[test]
    fn a_token_that_somebody_else_signed_or_changed_is_refused() {
        assert_eq!(check(&sign(1, "a", &claims())), Err(IdTokenError::Forged));
        assert_eq!(check(&sign(1, "b", &claims())), Err(IdTokenError::UnknownKey));
        assert_eq!(check(&sign(0, "ec", &claims())), Err(IdTokenError::Forged), "a key of another kind");
        let (genuine, other) = (sign(0, "a", &claims()), sign(0, "a", &with("oid", "eve")));
        let (genuine, other): (Vec<_>, Vec<_>) = (genuine.split('.').collect(), other.split('.').collect());
        assert_eq!(check(&[genuine[0], other[1], genuine[2]].join(".")), Err(IdTokenError::Forged));
        for header in [r#"{"alg":"none","kid":"a"}"#, r#"{"alg":"HS256","kid":"a"}"#] {
            let header = BASE64_URL_SAFE_NO_PAD.encode(header);
            for signature in ["", genuine[2]] {
                assert_eq!(check(&[&header, genuine[1], signature].join(".")), Err(IdTokenError::Malformed));
            }
        }
        for text in ["", ".", "..", "a.b.c", genuine[1]] {
            assert_eq!(check(text), Err(IdTokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_token_of_another_app_issuer_sign_in_or_time_is_refused() {
        let refused = |claims: &Value, what| {
            assert_eq!(check(&sign(0, "a", claims)), Err(IdTokenError::NotThisSignIn(what)), "{claims}");
        };
        refused(&with("aud", "another"), "audience");
        refused(&with("iss", "https://sts.windows.net/x/"), "issuer");
        refused(&with("tid", "7f9619ff-8b86-4011-b42d-00c04fc964ff"), "issuer");
        refused(&with("nonce", "another"), "nonce");
        refused(&with("nonce", Value::Null), "nonce");
        refused(&with("exp", now().as_second() - 121), "time");
        refused(&with("nbf", now().as_second() + 121), "time");
        assert!(check(&sign(0, "a", &with("exp", now().as_second() - 119))).is_ok(), "clocks differ a little");
    }

    #[test]
    fn a_key_that_signs_for_one_issuer_signs_for_no_other() {
        let token = sign(0, "a", &claims());
        let check = |issuer| {
            let client_id = CLIENT_ID.parse().unwrap();
            verify(&token, &keys(Some(issuer)), Expected { client_id: &client_id, nonce: "n", now: now() })
        };
        assert!(check(ISSUER).is_ok());
        let personal = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
        assert_eq!(check(personal), Err(IdTokenError::NotThisSignIn("key's issuer")));
    }
}
