//! The keys that sign id_tokens, kept in the state file.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::store::Store;

const KEY_BITS: usize = 2048;

/// A key pair and the name under which the public half is published.
struct SigningKey {
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

/// The key that signs, and the one that signed before it: both are published, as Entra does around a rotation.
pub(crate) struct SigningKeys {
    current: SigningKey,
    before: Option<SigningKey>,
}

impl SigningKeys {
    /// The keys that the state file holds; the first is made if there is none.
    pub fn open(store: &Store) -> Result<Self> {
        let (current, before) = store.write(|db| {
            let current = match kept(db, CURRENT)? {
                Some(der) => der,
                None => {
                    let der = first_key(store.is_in_memory())?;
                    keep(db, CURRENT, &der)?;
                    der
                }
            };
            Ok((current, kept(db, BEFORE)?))
        })?;
        let before = before.map(|der| SigningKey::new(&der)).transpose()?;
        Ok(Self { current: SigningKey::new(&current)?, before })
    }

    /// Keeps a new key as the current one.
    pub fn rotate(store: &Store) -> Result<()> {
        store.write(|db| {
            if let Some(der) = kept(db, CURRENT)? {
                keep(db, BEFORE, &der)?;
            }
            keep(db, CURRENT, &new_key()?)
        })
    }

    /// Signs claims with the current key.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        self.current.sign(claims)
    }

    /// The public halves.
    pub fn public(&self) -> Vec<Value> {
        [Some(&self.current), self.before.as_ref()].into_iter().flatten().map(SigningKey::public).collect()
    }
}

const CURRENT: &str = "signing";
const BEFORE: &str = "signed before";

fn kept(db: &rusqlite::Connection, id: &str) -> Result<Option<Vec<u8>>> {
    Ok(db.query_row("SELECT der FROM keys WHERE id = ?", [id], |row| row.get(0)).optional()?)
}

/// The first key of every world in memory: making one takes a moment, and such worlds are made by the hundred.
static IN_MEMORY: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// A new key, which takes a moment to make.
fn new_key() -> Result<Vec<u8>> {
    let made = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS);
    let der = made.map_err(|error| Error::Key(error.to_string()))?.to_pkcs1_der();
    Ok(der.map_err(|error| Error::Key(error.to_string()))?.as_bytes().to_vec())
}

fn first_key(in_memory: bool) -> Result<Vec<u8>> {
    if !in_memory {
        return new_key();
    }
    let mut made = IN_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    match &*made {
        Some(der) => Ok(der.clone()),
        None => Ok(made.insert(new_key()?).clone()),
    }
}

fn keep(db: &rusqlite::Connection, id: &str, der: &[u8]) -> Result<()> {
    db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", params![id, der])?;
    Ok(())
}
