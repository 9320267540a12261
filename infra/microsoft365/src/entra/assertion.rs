//! Client assertions: signed by a certificate of the app, or by an issuer that the app's registration trusts.
//! Sources: certificate-credentials, workload-identity-federation-considerations.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode as _;

use super::request::{Params, Refusal};
use crate::directory::App;
use crate::world::World;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Entra takes assertions of its apps that live ten minutes at most.
const LIFE_S_MAX: i64 = 600;

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    nbf: Option<i64>,
}

/// Checks the assertion of `form` in the place of a client secret.
pub(super) async fn check(world: &World, app: &App, form: &Params, path: &str) -> Result<(), Refusal> {
    if form.get("client_assertion_type").map(String::as_str) != Some(TYPE) {
        return Err(Refusal::new(
            900_144,
            "The request body must contain the following parameter: 'client_assertion_type'.",
        ));
    }
    let assertion = form.get("client_assertion").map(String::as_str).unwrap_or_default();
    let malformed = || Refusal::new(50027, "JWT token is invalid or malformed.");
    let part = |n: usize| {
        let bytes = assertion.split('.').nth(n).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let header = part(0).ok_or_else(malformed)?;
    let claims: Claims = part(1).and_then(|claims| serde_json::from_value(claims).ok()).ok_or_else(malformed)?;
    let now = world.now().as_second();
    if claims.exp <= now || claims.nbf.is_some_and(|nbf| nbf > now + 300) {
        return Err(Refusal::new(700_024, "Client assertion is not within its valid time range."));
    }
    match claims.iss == app.client_id {
        true => by_certificate(world, app, assertion, &header, &claims, path),
        false => by_issuer(world, app, assertion, &header, &claims).await,
    }
}

fn by_certificate(
    world: &World,
    app: &App,
    assertion: &str,
    header: &Value,
    claims: &Claims,
    path: &str,
) -> Result<(), Refusal> {
    let unknown = || {
        let message =
            "The certificate with identifier used to sign the client assertion is not registered on application.";
        Refusal::new(700_027, message)
    };
    let der = |key: &str| STANDARD.decode(key).unwrap_or_default();
    let named = |key: &str| header["x5t#S256"] == URL_SAFE_NO_PAD.encode(Sha256::digest(der(key)));
    let known = app.certificates.iter().find(|certificate| named(&certificate.key)).ok_or_else(unknown)?;
    if known.effective.is_some_and(|effective| effective > world.now()) {
        return Err(unknown());
    }
    if known.expires <= world.now() {
        return Err(Refusal::new(700_027, "The certificate used to sign the client assertion is expired."));
    }
    let audience = format!("{}/{path}/oauth2/v2.0/token", world.origin);
    if claims.sub != app.client_id || claims.aud != audience.as_str() {
        return Err(Refusal::new(700_023, "Client assertion audience claim does not match Realm issuer."));
    }
    if claims.exp - claims.nbf.unwrap_or_default() > LIFE_S_MAX {
        return Err(Refusal::new(700_024, "Client assertion is not within its valid time range."));
    }
    let certificate = x509_cert::Certificate::from_der(&der(&known.key)).map_err(|_| unknown())?;
    let public = certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    let key = DecodingKey::from_rsa_der(public.raw_bytes());
    signed(assertion, &key, Algorithm::PS256)
        .map_err(|()| Refusal::new(50012, "Signature of the client assertion can't be verified."))
}

async fn by_issuer(world: &World, app: &App, assertion: &str, header: &Value, claims: &Claims) -> Result<(), Refusal> {
    let matching = app.federated.iter().find(|trusted| {
        trusted.issuer == claims.iss
            && trusted.subject == claims.sub
            && claims.aud == trusted.audience.as_str()
            && trusted.effective.is_none_or(|effective| effective <= world.now())
    });
    if matching.is_none() {
        let message = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{}'. Assertion Subject: '{}'. Assertion Audience: '{}'.",
            claims.iss,
            claims.sub,
            claims.aud.as_str().unwrap_or_default()
        );
        return Err(Refusal::new(70021, message));
    }
    let wrong = |()| Refusal::new(700_211, "The signature of the assertion can't be verified with the issuer's keys.");
    let keys = published(world, &claims.iss).await.map_err(wrong)?;
    let kid = header["kid"].as_str().unwrap_or_default();
    let key = keys.find(kid).and_then(|jwk| DecodingKey::from_jwk(jwk).ok()).ok_or(()).map_err(wrong)?;
    // Only issuers that sign with RS256 are supported.
    signed(assertion, &key, Algorithm::RS256).map_err(wrong)
}

/// The keys that an issuer publishes. On this machine TLS is left out, as it is for notices.
async fn published(world: &World, issuer: &str) -> Result<JwkSet, ()> {
    let get = async |url: String| {
        let response = world.http.get(world.reach(&url)).send().await.map_err(drop)?;
        let body = response.error_for_status().map_err(drop)?.bytes().await.map_err(drop)?;
        serde_json::from_slice::<Value>(&body).map_err(drop)
    };
    let configuration = get(format!("{issuer}/.well-known/openid-configuration")).await?;
    if configuration["issuer"] != issuer {
        return Err(());
    }
    let keys = get(configuration["jwks_uri"].as_str().ok_or(())?.to_owned()).await?;
    serde_json::from_value(keys).map_err(drop)
}

fn signed(assertion: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<(), ()> {
    // Times and audience are judged above, by the world's clock.
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(assertion, key, &validation).map(drop).map_err(drop)
}
