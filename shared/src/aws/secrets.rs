//! Secrets: read from Secrets Manager, sealed with the key ring, never printed.

use std::{collections::HashMap, fmt, sync::Mutex, time::Duration};

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::{
        delete_secret::DeleteSecretError,
        get_secret_value::{GetSecretValueError, builders::GetSecretValueFluentBuilder},
    },
    types::error::ResourceExistsException,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{aead, hmac};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::base::{
    clock::Clock,
    id::FirmId,
    metric::{Counter, Tally},
    random::Random,
    telemetry::ErrorChain,
};

/// The key ring that seals tokens: `{"current":"k1","k1":"…","k2":"…"}`, any long random texts.
pub const KEYRING: &str = "greffe/keyring";
/// The key of the MAC in a subscription's `clientState`: a long random text.
pub const NOTIFICATION_KEY: &str = "greffe/notification-key";
/// The operator's API key, as text.
pub const OPERATOR_KEY: &str = "greffe/operator-key";
/// The key of the MAC in passes of the console: a long random text.
pub const CONSOLE_KEY: &str = "greffe/console-key";
/// The key that signs the evidence: lines of random text, each of which signs.
pub const EVIDENCE_KEY: &str = "greffe/evidence-key";
/// The client secret of the platform's own app registration, as text.
pub const APP_CLIENT_SECRET: &str = "greffe/app-client-secret";

/// Where the client secret of a firm's own app registration lies.
pub fn firm_app_client_secret(firm: FirmId) -> String {
    format!("greffe/firms/{firm}/app-client-secret")
}

/// The label of the version in use. Source:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version before it.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The label of the version that a rotation brings.
pub const PENDING: &str = "AWSPENDING";
/// Our own label, of a certificate that was made and is not in use yet.
pub const PREPARED: &str = "GREFFEPREPARED";

/// One version of a secret.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// What it holds.
    pub text: SecretString,
}

/// Whether `text` is the secret, in a time that tells neither where they differ nor how long the secret is.
pub fn is_same(secret: &SecretString, text: &str) -> bool {
    Sha256::digest(secret.expose_secret()).ct_eq(&Sha256::digest(text)).into()
}

/// How long a secret that was read is believed before it is read again.
pub const SECRET_CACHE_TIME: Duration = Duration::from_secs(300);

/// A secret that could not be read, kept or opened. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It was never stored: the operator's turn.
    #[error("the secret {id} does not exist")]
    Missing {
        /// Its name in Secrets Manager.
        id: String,
    },
    /// It is there, and Secrets Manager does not give it out: it is about to be deleted, its KMS key is gone, or the
    /// right is missing.
    #[error("Secrets Manager does not give out the secret {id}: {code}")]
    Withheld {
        /// Its name in Secrets Manager.
        id: String,
        /// AWS's code.
        code: String,
    },
    /// Secrets Manager did not answer as it should.
    #[error("{attempted} the secret {id}")]
    Store {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// Its name in Secrets Manager.
        id: String,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The text of the secret has not the shape that its use needs.
    #[error("the secret {id} has not the expected form: {expected}")]
    Malformed {
        /// Its name in Secrets Manager.
        id: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A sealed value that does not open: other key, other owner, or changed.
    #[error("a sealed value does not open with key {key}")]
    Unsealable {
        /// The key it names.
        key: String,
    },
}

impl SecretError {
    /// Whether waiting does not help: the operator has to act.
    pub fn needs_the_operator(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Withheld { .. } | Self::Malformed { .. } | Self::Unsealable { .. } => true,
            Self::Store { .. } => false,
        }
    }
}

/// The codes by which Secrets Manager says that it will not give out a secret until somebody changes something.
/// Source:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors>
const WITHHELD: [&str; 4] = ["InvalidRequestException", "DecryptionFailure", "AccessDeniedException", "AccessDenied"];

/// Secrets Manager with a short memory.
#[derive(Debug)]
pub struct Secrets {
    client: Client,
    clock: Clock,
    random: Random,
    cache: Mutex<HashMap<String, (SecretString, Timestamp)>>,
}

impl Secrets {
    /// Over the SDK's client.
    pub fn new(client: Client, clock: Clock, random: Random) -> Self {
        Self { client, clock, random, cache: Mutex::default() }
    }

    /// The current value, at most [`SECRET_CACHE_TIME`] old.
    ///
    /// Errors: there is no such secret, Secrets Manager withholds it, or it does not answer.
    pub async fn read(&self, id: &str) -> Result<SecretString, SecretError> {
        let now = self.clock.now();
        let cached = self.cache().get(id).filter(|(_, until)| now < *until).map(|(value, _)| value.clone());
        match cached {
            Some(value) => Ok(value),
            None => self.read_afresh(id).await,
        }
    }

    /// The current value as Secrets Manager has it now: after `invalid_client`, which may mean that it was just
    /// rotated.
    ///
    /// Errors: there is no such secret, Secrets Manager withholds it, or it does not answer.
    pub async fn read_afresh(&self, id: &str) -> Result<SecretString, SecretError> {
        let answer = self.client.get_secret_value().secret_id(id).send().await.map_err(|e| match &e {
            SdkError::ServiceError(s) if matches!(s.err(), GetSecretValueError::ResourceNotFoundException(_)) => {
                SecretError::Missing { id: id.to_owned() }
            }
            SdkError::ServiceError(s) if s.err().code().is_some_and(|code| WITHHELD.contains(&code)) => {
                let code = s.err().code().unwrap_or_default().to_owned();
                SecretError::Withheld { id: id.to_owned(), code }
            }
            _ => SecretError::Store { attempted: "read", id: id.to_owned(), source: e.into() },
        })?;
        let value: SecretString =
            answer.secret_string.ok_or_else(|| SecretError::Missing { id: id.to_owned() })?.into();
        let until = self.clock.now() + SECRET_CACHE_TIME;
        self.cache().insert(id.to_owned(), (value.clone(), until));
        Ok(value)
    }

    /// The key ring that seals and opens.
    ///
    /// Errors: there is no key ring, Secrets Manager withholds it or does not answer, or it has another form. What the
    /// operator has to mend raises the operator's alarm.
    pub async fn keyring(&self) -> Result<Keyring, SecretError> {
        match self.read(KEYRING).await.and_then(|text| Keyring::parse(&text)) {
            Err(SecretError::Malformed { .. }) => self.keyring_afresh().await,
            read => read.inspect_err(|error| self.alarm(error)),
        }
    }

    async fn keyring_afresh(&self) -> Result<Keyring, SecretError> {
        let read = self.read_afresh(KEYRING).await.and_then(|text| Keyring::parse(&text));
        read.inspect_err(|error| self.alarm(error))
    }

    /// Opens what was sealed for `owner`, with the key ring read afresh if need be: it may just have been given another
    /// key.
    ///
    /// Errors: one that needs the operator rings the operator's alarm.
    pub async fn open(&self, owner: &str, sealed: &Sealed) -> Result<SecretString, SecretError> {
        match self.keyring().await?.open(owner, sealed) {
            Err(SecretError::Unsealable { .. }) => {
                self.keyring_afresh().await?.open(owner, sealed).inspect_err(|error| self.alarm(error))
            }
            opened => opened,
        }
    }

    /// Seals `plain` for `owner` with the key in use.
    ///
    /// Errors: as [`Secrets::keyring`].
    pub async fn seal(&self, owner: &str, plain: &str) -> Result<Sealed, SecretError> {
        Ok(self.keyring().await?.seal(&self.random, owner, plain))
    }

    fn alarm(&self, error: &SecretError) {
        if error.needs_the_operator() {
            tracing::error!(error = %ErrorChain(error), "the key ring does not open what is sealed");
            Tally::one(Counter::KeyRingFailures).publish(self.clock.now());
        }
    }

    /// The version with that label, as Secrets Manager has it now, if there is one.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn labelled(&self, id: &str, label: &str) -> Result<Option<Version>, SecretError> {
        self.version(id, self.client.get_secret_value().version_stage(label)).await
    }

    /// The version with that id, if it is there and holds something.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn by_id(&self, id: &str, version: &str) -> Result<Option<Version>, SecretError> {
        self.version(id, self.client.get_secret_value().version_id(version)).await
    }

    async fn version(&self, id: &str, request: GetSecretValueFluentBuilder) -> Result<Option<Version>, SecretError> {
        match request.secret_id(id).send().await {
            Ok(answer) => {
                let text = answer.secret_string.map(SecretString::from);
                Ok(answer.version_id.zip(text).map(|(id, text)| Version { id, text }))
            }
            Err(e) if e.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) => {
                Ok(None)
            }
            Err(e) => Err(SecretError::Store { attempted: "read", id: id.to_owned(), source: e.into() }),
        }
    }

    /// Adds a version under `label`, beside the current one. The same version with the same value adds nothing.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn add_version(
        &self,
        id: &str,
        version: &str,
        value: &SecretString,
        label: &str,
    ) -> Result<(), SecretError> {
        let put = self.client.put_secret_value().secret_id(id).client_request_token(version).version_stages(label);
        let put = put.secret_string(value.expose_secret()).send().await;
        self.cache().remove(id);
        put.map(drop).map_err(|e| SecretError::Store { attempted: "add to", id: id.to_owned(), source: e.into() })
    }

    /// Makes a version the current one, if `from` is it until now.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn make_current(&self, id: &str, version: &str, from: &str) -> Result<(), SecretError> {
        let step = self.client.update_secret_version_stage().secret_id(id).version_stage(CURRENT);
        let moved = step.move_to_version_id(version).remove_from_version_id(from).send().await;
        self.cache().remove(id);
        moved.map(drop).map_err(|e| SecretError::Store { attempted: "switch", id: id.to_owned(), source: e.into() })
    }

    /// Takes a label off a version.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn unlabel(&self, id: &str, label: &str, version: &str) -> Result<(), SecretError> {
        let step = self.client.update_secret_version_stage().secret_id(id).version_stage(label);
        let removed = step.remove_from_version_id(version).send().await;
        removed.map(drop).map_err(|e| SecretError::Store { attempted: "tidy", id: id.to_owned(), source: e.into() })
    }

    /// Stores `value` as the current version, whether or not the secret existed.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn write(&self, id: &str, value: &SecretString) -> Result<(), SecretError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| SecretError::Store {
            attempted: "store",
            id: id.to_owned(),
            source,
        };
        let version = self.random.uuid().to_string();
        let create = self.client.create_secret().name(id).client_request_token(&version);
        let created = create.secret_string(value.expose_secret()).send().await;
        match created.map_err(|e| e.into_service_error()) {
            Ok(_) => {}
            Err(e) if e.is_resource_exists_exception() => {
                let put = self.client.put_secret_value().secret_id(id).client_request_token(version);
                put.secret_string(value.expose_secret()).send().await.map_err(|e| failed(e.into()))?;
            }
            Err(e) => return Err(failed(e.into())),
        }
        self.cache().remove(id);
        Ok(())
    }

    /// Deletes a secret for good, with all its versions; one that is not there is deleted.
    /// Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
    ///
    /// Errors: Secrets Manager refuses or does not answer.
    pub async fn delete(&self, id: &str) -> Result<(), SecretError> {
        let deleted = self.client.delete_secret().secret_id(id).force_delete_without_recovery(true).send().await;
        self.cache().remove(id);
        match deleted {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(DeleteSecretError::is_resource_not_found_exception) => Ok(()),
            Err(e) => Err(SecretError::Store { attempted: "delete", id: id.to_owned(), source: e.into() }),
        }
    }

    /// Stores `value` unless the secret exists already: for the first start of a machine.
    ///
    /// Errors: Secrets Manager refuses or does not answer, or a secret has another form.
    pub async fn seed(&self, id: &str, value: &SecretString) -> Result<(), SecretError> {
        let create = self.client.create_secret().name(id).client_request_token(self.random.uuid().to_string());
        match create.secret_string(value.expose_secret()).send().await {
            Ok(_) => Ok(()),
            Err(e) if is_resource_exists(&e) => Ok(()),
            Err(e) => Err(SecretError::Store { attempted: "seed", id: id.to_owned(), source: e.into() }),
        }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, (SecretString, Timestamp)>> {
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn is_resource_exists<E: std::error::Error + 'static>(error: &SdkError<E>) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        if e.is::<ResourceExistsException>() {
            return true;
        }
        source = e.source();
    }
    false
}

/// A value that only the key ring can open, and only for the owner it was sealed for (AES-256-GCM, the owner as
/// associated data). Written `{key}.{base64 of nonce, ciphertext and tag}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(with {})", self.0.split('.').next().unwrap_or_default())
    }
}

impl Sealed {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was written; whether it opens is seen when it is opened.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The keys that seal and open. New values are sealed with the current one; old ones still open with theirs.
pub struct Keyring {
    current: String,
    keys: HashMap<String, aead::LessSafeKey>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys, current {})", self.keys.len(), self.current)
    }
}

const NONCE_BYTES: usize = 12;

impl Keyring {
    /// Reads the secret named [`KEYRING`].
    ///
    /// Errors: [`SecretError::Malformed`]: no JSON object of texts, no current key, or a key of less than 32
    /// characters.
    pub fn parse(secret: &SecretString) -> Result<Self, SecretError> {
        let malformed = SecretError::Malformed {
            id: KEYRING,
            expected: r#"{"current":"k1","k1":"at least 32 random characters"}"#,
        };
        let Ok(mut texts) = serde_json::from_str::<HashMap<String, SecretString>>(secret.expose_secret()) else {
            return Err(malformed);
        };
        let Some(current) = texts.remove("current") else { return Err(malformed) };
        let current = current.expose_secret().to_owned();
        let strong = |text: &SecretString| text.expose_secret().len() >= 32;
        if !texts.contains_key(&current) || !texts.values().all(strong) {
            return Err(malformed);
        }
        let keys = texts.into_iter().filter_map(|(name, text)| {
            let key: [u8; 32] = Sha256::digest(text.expose_secret()).into();
            Some((name, aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).ok()?)))
        });
        Ok(Self { current, keys: keys.collect() })
    }

    /// Seals `plain` so that it opens for `owner` only.
    pub fn seal(&self, random: &Random, owner: &str, plain: &str) -> Sealed {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&random.bytes32()[..NONCE_BYTES]);
        let mut bytes = plain.as_bytes().to_vec();
        let sealed = self.keys[&self.current].seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(owner.as_bytes()),
            &mut bytes,
        );
        // AES-GCM refuses only plaintexts of 64 GB and more.
        sealed.expect("a token is shorter than 64 GB");
        let text = BASE64_URL_SAFE_NO_PAD.encode([&nonce[..], &bytes].concat());
        Sealed(format!("{}.{}", self.current, text))
    }

    /// Opens what [`Keyring::seal`] sealed for the same `owner`.
    ///
    /// Errors: [`SecretError::Unsealable`]: the ring has no such key, or the value is another owner's or was changed.
    pub fn open(&self, owner: &str, sealed: &Sealed) -> Result<SecretString, SecretError> {
        let (name, text) = sealed.0.split_once('.').unwrap_or_default();
        let unsealable = || SecretError::Unsealable { key: name.chars().take(20).collect() };
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| unsealable())?;
        let (nonce, ciphertext) = bytes.split_at_mut_checked(NONCE_BYTES).ok_or_else(unsealable)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| unsealable())?;
        let key = self.keys.get(name).ok_or_else(unsealable)?;
        let plain =
            key.open_in_place(nonce, aead::Aad::from(owner.as_bytes()), ciphertext).map_err(|_| unsealable())?;
        Ok(std::str::from_utf8(plain).map_err(|_| unsealable())?.into())
    }
}

/// A key for message authentication codes (HMAC-SHA-256), made from the text of a secret.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// From the text of a secret.
    pub fn new(secret: &SecretString) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()))
    }

    /// The code over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        code.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        code
    }

    /// Whether `code` is the code over `message`, in constant time.
    pub fn verify(&self, message: &[u8], code: &[u8]) -> bool {
        hmac::verify(&self.0, message, code).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Result<Keyring, SecretError> {
        Keyring::parse(&text.to_owned().into())
    }

    #[test]
    fn a_sealed_value_opens_for_its_owner_only() {
        let ring = ring(&format!(r#"{{"current":"k1","k1":"{}"}}"#, "x".repeat(40))).unwrap();
        let sealed = ring.seal(&Random::seeded(1), "connector 1", "refresh");
        assert_eq!(ring.open("connector 1", &sealed).unwrap().expose_secret(), "refresh");
        assert!(matches!(ring.open("connector 2", &sealed), Err(SecretError::Unsealable { .. })));
        assert!(!format!("{sealed:?} {ring:?}").contains("refresh"));
    }

    #[test]
    fn an_old_key_still_opens_after_the_ring_was_rotated() {
        let (a, b) = ("a".repeat(32), "b".repeat(32));
        let old = ring(&format!(r#"{{"current":"k1","k1":"{a}"}}"#)).unwrap();
        let new = ring(&format!(r#"{{"current":"k2","k1":"{a}","k2":"{b}"}}"#)).unwrap();
        let sealed = old.seal(&Random::seeded(1), "o", "v");
        assert_eq!(new.open("o", &sealed).unwrap().expose_secret(), "v");
        assert!(new.seal(&Random::seeded(1), "o", "v").as_str().starts_with("k2."));
    }

    #[test]
    fn a_weak_or_incomplete_key_ring_is_refused() {
        for text in ["", "{}", r#"{"current":"k1"}"#, r#"{"current":"k1","k1":"short"}"#] {
            assert!(matches!(ring(text), Err(SecretError::Malformed { .. })), "{text}");
        }
    }
}
