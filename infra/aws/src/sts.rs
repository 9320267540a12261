//! STS: GetWebIdentityToken, and the documents by which others verify what it signs (outbound identity federation).
//!
//! Answered: GetWebIdentityToken with RS256. Not played: ES384, tags, roles: one principal calls everything here.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>

use std::path::Path;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::engine::{ACCOUNT, Clock, OpenError, PRINCIPAL, REGION, millis, unopened};
use crate::fault::Fault;
use crate::store::Store;

const KEY_BITS: usize = 2048;
const AUDIENCES_MAX: usize = 10;
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS signing_key (der BLOB NOT NULL);";

pub(crate) struct Sts {
    store: Arc<Store>,
    clock: Clock,
    issuer: OnceLock<String>,
    key: OnceLock<Key>,
}

struct Key {
    private: EncodingKey,
    kid: String,
    modulus: String,
    exponent: String,
}

impl Key {
    fn new(der: &[u8]) -> Result<Key, Fault> {
        let key = RsaPrivateKey::from_pkcs1_der(der).map_err(Fault::internal)?;
        let modulus = key.n().to_bytes_be();
        Ok(Key {
            private: EncodingKey::from_rsa_der(der),
            kid: BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&modulus)[..20]),
            modulus: BASE64_URL_SAFE_NO_PAD.encode(modulus),
            exponent: BASE64_URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()),
        })
    }
}

impl Sts {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Sts, OpenError> {
        let store = Store::open(path, SCHEMA).map_err(unopened(path))?;
        Ok(Sts { store, clock, issuer: OnceLock::new(), key: OnceLock::new() })
    }

    /// Turns outbound identity federation on, as `EnableOutboundWebIdentityFederation` does; the first issuer stays.
    pub(crate) fn enable(&self, issuer: String) {
        let _ = self.issuer.set(issuer);
    }

    /// What is published at `{issuer}/.well-known/openid-configuration` and `{issuer}/.well-known/jwks.json`.
    pub(crate) fn published(&self, document: &str) -> Option<Value> {
        let issuer = self.issuer.get()?;
        match document {
            "openid-configuration" => Some(json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })),
            "jwks.json" => {
                let key = self.key().ok()?;
                let (kid, n, e) = (&key.kid, &key.modulus, &key.exponent);
                Some(json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e }] }))
            }
            _ => None,
        }
    }

    /// Made at the first use, which takes a moment, and kept.
    fn key(&self) -> Result<&Key, Fault> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let kept: Option<Vec<u8>> = self.store.transact(|transaction| {
            transaction.query_row("SELECT der FROM signing_key", [], |row| row.get(0)).optional()
        })?;
        let der = match kept {
            Some(der) => der,
            None => {
                let new = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS).map_err(Fault::internal)?;
                let der = new.to_pkcs1_der().map_err(Fault::internal)?.as_bytes().to_vec();
                self.store
                    .transact(|transaction| transaction.execute("INSERT INTO signing_key VALUES (?)", params![der]))?;
                der
            }
        };
        let key = Key::new(&der)?;
        Ok(self.key.get_or_init(|| key))
    }

    /// Answers in the query protocol: a form in, XML out.
    pub(crate) fn call(&self, body: &[u8]) -> HttpResponse {
        let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let (status, xml) = match self.answer(&form) {
            Ok(xml) => (http::StatusCode::OK, xml),
            Err(fault) => (
                fault.status,
                format!(
                    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>\
                     <Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
                    fault.code,
                    fault.message.replace('&', "&amp;").replace('<', "&lt;"),
                    Uuid::new_v4()
                ),
            ),
        };
        let mut response = HttpResponse::new(status.into(), SdkBody::from(xml));
        response.headers_mut().insert("content-type", "text/xml");
        response
    }

    fn answer(&self, form: &[(String, String)]) -> Result<String, Fault> {
        let param = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match param("Action") {
            Some("GetWebIdentityToken") => {}
            other => return Err(Fault::not_embedded("sts", other.unwrap_or_default())),
        }
        let invalid = |message: &str| Fault::sender("ValidationError", message);
        let issuer = self.issuer.get().ok_or_else(|| Fault {
            status: http::StatusCode::FORBIDDEN,
            ..Fault::sender(
                "OutboundWebIdentityFederationDisabledException",
                "The outbound web identity federation feature is not enabled for this account.",
            )
        })?;
        let audiences: Vec<&str> =
            form.iter().filter(|(name, _)| name.starts_with("Audience.member.")).map(|(_, v)| v.as_str()).collect();
        if !(1..=AUDIENCES_MAX).contains(&audiences.len()) {
            return Err(invalid("Audience must have 1 to 10 members"));
        }
        match param("SigningAlgorithm") {
            Some("RS256") => {}
            Some("ES384") => return Err(Fault::not_embedded("sts", "GetWebIdentityToken with ES384")),
            _ => return Err(invalid("SigningAlgorithm must be RS256 or ES384")),
        }
        let seconds: i64 = param("DurationSeconds").map_or(Ok(300), str::parse).unwrap_or_default();
        if !(60..=3600).contains(&seconds) {
            return Err(invalid("DurationSeconds must be between 60 and 3600"));
        }
        let now = millis(&self.clock) / 1000;
        let audience = if let [one] = audiences.as_slice() { json!(one) } else { json!(audiences) };
        let claims = json!({
            "iss": issuer,
            "sub": PRINCIPAL,
            "aud": audience,
            "iat": now,
            "exp": now + seconds,
            "jti": Uuid::new_v4(),
            "https://sts.amazonaws.com/": { "aws_account": ACCOUNT, "source_region": REGION },
        });
        let key = self.key()?;
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::RS256) };
        let token = jsonwebtoken::encode(&header, &claims, &key.private).map_err(Fault::internal)?;
        let expiration = jiff::Timestamp::from_second(now + seconds).map_err(Fault::internal)?;
        Ok(format!(
            "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetWebIdentityTokenResult>\
             <WebIdentityToken>{token}</WebIdentityToken><Expiration>{expiration}</Expiration></GetWebIdentityTokenResult>\
             <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>",
            Uuid::new_v4()
        ))
    }
}
