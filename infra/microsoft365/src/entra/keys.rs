//! The key that signs id_tokens: made once, kept in the state file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::World;
use crate::error::{Error, Result};

const KEY_BITS: usize = 2048;

/// A key pair and the name under which the public half is published.
pub(crate) struct SigningKey {
    private: EncodingKey,
    kid: String,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    fn new(der: &[u8]) -> Result<Self> {
        let key = RsaPrivateKey::from_pkcs1_der(der).map_err(|error| Error::Key(error.to_string()))?;
        Ok(Self {
            private: EncodingKey::from_rsa_der(der),
            kid: URL_SAFE_NO_PAD.encode(&Sha256::digest(key.n().to_bytes_be())[..20]),
            modulus: URL_SAFE_NO_PAD.encode(key.n().to_bytes_be()),
            exponent: URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()),
        })
    }

    /// The public half as a JSON Web Key.
    pub fn public(&self) -> Value {
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.modulus, "e": self.exponent })
    }

    /// Signs claims as RS256.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|error| Error::Key(error.to_string()))
    }
}

impl World {
    /// The signing key; made at the first use, which takes a moment.
    pub(crate) fn signing_key(&self) -> Result<&SigningKey> {
        if let Some(key) = self.signing_key.get() {
            return Ok(key);
        }
        let der = self.store.write(|db| {
            let kept: Option<Vec<u8>> =
                db.query_row("SELECT der FROM keys WHERE id = 'signing'", [], |row| row.get(0)).optional()?;
            if let Some(der) = kept {
                return Ok(der);
            }
            let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS)
                .map_err(|error| Error::Key(error.to_string()))?;
            let der = key.to_pkcs1_der().map_err(|error| Error::Key(error.to_string()))?.as_bytes().to_vec();
            db.execute("INSERT INTO keys VALUES ('signing', ?)", params![der])?;
            Ok(der)
        })?;
        let key = SigningKey::new(&der)?;
        Ok(self.signing_key.get_or_init(|| key))
    }
}
