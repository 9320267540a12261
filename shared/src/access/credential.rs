//! Credentials of app registrations: a client secret, a certificate, or a federated token of AWS.
//!
//! A credential of any kind is one version of one secret in Secrets Manager. So replacing one moves one label
//! (`AWSCURRENT`), and there is never a moment without a credential.

use std::fmt;

use base64::{Engine as _, prelude::*};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rsa::{
    RsaPrivateKey,
    pkcs8::EncodePrivateKey as _,
    rand_core::{self, CryptoRng, RngCore},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::{identity::Audience, secrets::is_same},
    base::{id::ClientId, random::Random},
    firm::fact::CredentialKind,
    graph::KeyError,
};

/// How long an assertion lives: Entra takes five to ten minutes.
/// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
const ASSERTION_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// How long a certificate that greffe makes is good.
const CERTIFICATE_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);
const RSA_KEY_BITS: usize = 2048;

/// A credential of an app registration.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(ClientSecret),
    /// A key pair.
    Certificate(Certificate),
    /// AWS's word for this audience.
    Federated(Audience),
}

/// A client secret, and what came with it.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// What is sent to Entra.
    pub value: SecretString,
    /// Entra's id of it, where greffe made it.
    pub key_id: Option<String>,
    /// When it ends, as Entra said or somebody entered.
    pub expires_at: Option<Timestamp>,
}

/// A key pair with its certificate.
#[derive(Clone)]
pub struct Certificate {
    /// PKCS #8, in base64.
    private_key: SecretString,
    /// X.509, DER.
    der: Vec<u8>,
    /// When the certificate ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, expires {})", self.thumbprint(), self.expires_at)
    }
}

/// As it lies in Secrets Manager. A client secret of which nothing is known but its value lies there as that text
/// alone.
#[derive(Serialize, Deserialize)]
#[serde(tag = "credential", rename_all = "lowercase")]
enum StoredCredential {
    Secret {
        client_secret: String,
        key_id: Option<String>,
        expires_at: Option<Timestamp>,
    },
    Certificate {
        private_key: String,
        certificate: String,
        expires_at: Timestamp,
    },
    /// Before each firm had an audience of its own, none was named.
    Federated {
        audience: Option<Audience>,
    },
}

impl Credential {
    /// A client secret of which nothing else is known.
    pub fn secret(value: SecretString) -> Self {
        Self::Secret(ClientSecret { value, key_id: None, expires_at: None })
    }

    /// Reads the text of a secret. What greffe did not write is a client secret: an operator puts one in as it is.
    pub fn parse(text: &SecretString) -> Self {
        match serde_json::from_str(text.expose_secret()) {
            Ok(StoredCredential::Secret { client_secret, key_id, expires_at }) => {
                Self::Secret(ClientSecret { value: client_secret.into(), key_id, expires_at })
            }
            Ok(StoredCredential::Certificate { private_key, certificate, expires_at }) => {
                Self::Certificate(Certificate {
                    private_key: private_key.into(),
                    der: BASE64_STANDARD.decode(certificate).unwrap_or_default(),
                    expires_at,
                })
            }
            Ok(StoredCredential::Federated { audience }) => Self::Federated(audience.unwrap_or_else(Audience::shared)),
            Err(_) => Self::secret(text.expose_secret().trim().to_owned().into()),
        }
    }

    /// The text to keep in Secrets Manager.
    pub fn to_text(&self) -> SecretString {
        let stored = match self {
            // A value that reads like a stored credential would become one.
            Self::Secret(ClientSecret { value, key_id: None, expires_at: None })
                if serde_json::from_str::<StoredCredential>(value.expose_secret()).is_err() =>
            {
                return value.clone();
            }
            Self::Secret(ClientSecret { value, key_id, expires_at }) => StoredCredential::Secret {
                client_secret: value.expose_secret().to_owned(),
                key_id: key_id.clone(),
                expires_at: *expires_at,
            },
            Self::Certificate(certificate) => StoredCredential::Certificate {
                private_key: certificate.private_key.expose_secret().to_owned(),
                certificate: BASE64_STANDARD.encode(&certificate.der),
                expires_at: certificate.expires_at,
            },
            Self::Federated(audience) => StoredCredential::Federated { audience: Some(audience.clone()) },
        };
        serde_json::to_string(&stored).unwrap_or_default().into()
    }

    /// What kind it is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Secret(_) => CredentialKind::Secret,
            Self::Certificate(_) => CredentialKind::Certificate,
            Self::Federated(_) => CredentialKind::Federated,
        }
    }

    /// Whether it is AWS's word for the audience that all firms shared.
    pub fn is_by_shared_audience(&self) -> bool {
        matches!(self, Self::Federated(audience) if audience.is_shared())
    }

    /// Whether it proves the same: where greffe knows more of one than of the other, it is the same still.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secret(a), Self::Secret(b)) => is_same(&a.value, b.value.expose_secret()),
            (Self::Certificate(a), Self::Certificate(b)) => a.der == b.der,
            (Self::Federated(a), Self::Federated(b)) => a == b,
            _ => false,
        }
    }

    /// When it ends, as far as it tells itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Secret(secret) => secret.expires_at,
            Self::Certificate(certificate) => Some(certificate.expires_at),
            Self::Federated(_) => None,
        }
    }

    /// Entra's id of it, as far as it tells itself.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Secret(secret) => secret.key_id.as_deref(),
            Self::Certificate(_) | Self::Federated(_) => None,
        }
    }
}

impl Certificate {
    /// Makes an RSA key pair and a certificate signed by itself, good for a year from `now`. Takes a second or more of
    /// computing: not on a thread that others wait for.
    ///
    /// Errors: no key pair or certificate can be made.
    pub fn generate(name: &str, now: Timestamp, random: &Random) -> Result<Self, KeyError> {
        let failed = |e: Box<dyn std::error::Error + Send + Sync>| KeyError::NotMade(e);
        let key = RsaPrivateKey::new(&mut Rng(random), RSA_KEY_BITS).map_err(|e| failed(e.into()))?;
        let pkcs8 = key.to_pkcs8_der().map_err(|e| failed(e.into()))?;
        let der = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_bytes().into(), &rcgen::PKCS_RSA_SHA256);
        let signer = der.map_err(|e| failed(e.into()))?;
        let ends = now.to_zoned(TimeZone::UTC).date().saturating_add(CERTIFICATE_LIFETIME);
        let day = |date: jiff::civil::Date| {
            let part = |n: i8| u8::try_from(n).unwrap_or(1);
            rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
        };
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        params.not_before = day(now.to_zoned(TimeZone::UTC).date());
        params.not_after = day(ends);
        let certificate = params.self_signed(&signer).map_err(|e| failed(e.into()))?;
        let expires_at = ends.to_zoned(TimeZone::UTC).map_err(|e| failed(e.into()))?.timestamp();
        let private_key = BASE64_STANDARD.encode(pkcs8.as_bytes()).into();
        Ok(Self { private_key, der: certificate.der().to_vec(), expires_at })
    }

    /// Makes one away from the thread on which others wait.
    ///
    /// Errors: no key pair or certificate can be made.
    pub async fn make(name: String, now: Timestamp, random: &Random) -> Result<Self, KeyError> {
        let random = random.clone();
        let made = tokio::task::spawn_blocking(move || Self::generate(&name, now, &random)).await;
        made.map_err(|e| KeyError::NotMade(e.into()))?
    }

    /// The certificate as X.509 in DER: what Entra is given.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as a file that Entra takes.
    pub fn pem(&self) -> String {
        let text = BASE64_STANDARD.encode(&self.der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// The SHA-256 of the certificate, as `x5t#S256` names it.
    pub fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.der))
    }

    /// A client assertion for `audience`, the token endpoint: a JWT signed with the private key (PS256).
    /// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
    ///
    /// Errors: the stored key does not sign.
    pub fn assertion(
        &self,
        audience: &str,
        client_id: &ClientId,
        now: Timestamp,
        random: &Random,
    ) -> Result<SecretString, KeyError> {
        let header = serde_json::json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint() });
        let claims = serde_json::json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": random.uuid(),
            "nbf": now.as_second(),
            "iat": now.as_second(),
            "exp": (now + ASSERTION_LIFETIME).as_second(),
        });
        let encode = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let pkcs8 = BASE64_STANDARD.decode(self.private_key.expose_secret()).map_err(|_| KeyError::Unusable)?;
        let key = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError::Unusable)?;
        let mut signature = vec![0; key.public().modulus_len()];
        #[allow(clippy::disallowed_methods, reason = "the salt of a signature: ring takes its own randomness only")]
        let system = ring::rand::SystemRandom::new();
        key.sign(&RSA_PSS_SHA256, &system, signed.as_bytes(), &mut signature).map_err(|_| KeyError::Unusable)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

/// Our randomness as the RSA crate takes it.
struct Rng<'a>(&'a Random);

impl RngCore for Rng<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            chunk.copy_from_slice(&self.0.bytes32()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Rng<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_credential_of_any_kind_is_read_as_it_was_kept() {
        let certificate = Certificate::generate("greffe", now(), &Random::seeded(1)).unwrap();
        let secret =
            ClientSecret { value: "value".to_owned().into(), key_id: Some("k".to_owned()), expires_at: Some(now()) };
        let audience = Audience::draw("platform", &Random::seeded(1));
        let all = [Credential::Secret(secret), Credential::Certificate(certificate), Credential::Federated(audience)];
        for credential in all {
            let text = credential.to_text();
            let read = Credential::parse(&text);
            assert_eq!((read.kind(), read.expires_at()), (credential.kind(), credential.expires_at()));
            assert_eq!(read.to_text().expose_secret(), text.expose_secret());
        }
    }

    #[test]
    fn what_an_operator_puts_in_as_it_is_is_a_client_secret() {
        for text in ["abc8Q~x", " abc8Q~x\r\n", "{\"a\":1}"] {
            let Credential::Secret(secret) = Credential::parse(&text.to_owned().into()) else { panic!("{text}") };
            assert_eq!(secret.value.expose_secret(), text.trim());
        }
    }

    #[test]
    fn a_secret_that_reads_like_a_credential_of_ours_stays_a_secret() {
        for value in [r#"{"credential":"federated"}"#, r#"{"credential":"federated","audience":"greffe:firm:x"}"#] {
            let kept = Credential::secret(value.to_owned().into()).to_text();
            let Credential::Secret(read) = Credential::parse(&kept) else { panic!("{value}") };
            assert_eq!(read.value.expose_secret(), value);
        }
    }

    #[test]
    fn a_federated_credential_of_before_names_the_audience_that_all_shared() {
        let read = Credential::parse(&r#"{"credential":"federated"}"#.to_owned().into());
        assert!(read.is_by_shared_audience());
    }

    #[test]
    fn an_assertion_is_signed_by_the_key_of_the_certificate_that_it_names() {
        let random = Random::seeded(2);
        let certificate = Certificate::generate("greffe", now(), &random).unwrap();
        assert_eq!(certificate.expires_at, "2027-03-02T00:00:00Z".parse().unwrap());
        let client_id: ClientId = "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11".parse().unwrap();
        let assertion = certificate.assertion("https://login/t/oauth2/v2.0/token", &client_id, now(), &random).unwrap();
        let (signed, signature) = assertion.expose_secret().rsplit_once('.').unwrap();
        let part = |n: usize| -> serde_json::Value {
            let text = signed.split('.').nth(n).unwrap();
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        assert_eq!((&part(0)["alg"], &part(0)["x5t#S256"]), (&"PS256".into(), &certificate.thumbprint().into()));
        assert_eq!(part(1)["exp"].as_i64().unwrap() - part(1)["nbf"].as_i64().unwrap(), 300);
        let pkcs8 = BASE64_STANDARD.decode(certificate.private_key.expose_secret()).unwrap();
        let key = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PSS_2048_8192_SHA256, key.public());
        public.verify(signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let shown = format!("{certificate:?} {}", certificate.pem());
        assert!(!shown.contains(certificate.private_key.expose_secret()));
    }
}
