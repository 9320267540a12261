//! Secrets and signatures by Standard Webhooks 1.0, symmetric.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use crate::base::random::Random;

/// What a secret begins with, so that it is known for what it is.
const PREFIX: &str = "whsec_";

/// A text that is no secret of a webhook. It is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no secret of a webhook")]
pub struct WebhookSecretError;

/// What both sides know: 32 random bytes, written `whsec_` and base64.
pub struct WebhookSecret(SecretString);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl WebhookSecret {
    /// Draws a new one.
    pub fn draw(random: &Random) -> Self {
        Self(format!("{PREFIX}{}", BASE64_STANDARD.encode(random.bytes32())).into())
    }

    /// As it was written.
    pub fn from_text(text: SecretString) -> Self {
        Self(text)
    }

    /// As it is written, for who may know it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn key(&self) -> Result<hmac::Key, WebhookSecretError> {
        let bytes = self.expose().strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes.ok_or(WebhookSecretError)?))
    }
}

/// The header `webhook-signature` of a message: a signature by each of these secrets, a space between.
///
/// Errors: a secret has another form.
pub fn signatures(
    secrets: &[WebhookSecret],
    id: &str,
    at: Timestamp,
    body: &str,
) -> Result<String, WebhookSecretError> {
    let signed = format!("{id}.{}.{body}", at.as_second());
    let signatures = secrets.iter().map(|secret| {
        let code = hmac::sign(&secret.key()?, signed.as_bytes());
        Ok(format!("v1,{}", BASE64_STANDARD.encode(code)))
    });
    Ok(signatures.collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The vector of the standard's own libraries.
    /// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py>
    #[test]
    fn a_signature_is_the_standards_own() {
        let secret = WebhookSecret::from_text(SECRET.to_owned().into());
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signed = signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_rotated_a_message_is_signed_with_both_and_none_is_printed() {
        let (old, new) = (WebhookSecret::draw(&Random::seeded(1)), WebhookSecret::draw(&Random::seeded(2)));
        assert!(!format!("{old:?}").contains(&old.expose()[6..]));
        let signed = signatures(&[new, old], "1", Timestamp::UNIX_EPOCH, "{}").unwrap();
        let parts: Vec<&str> = signed.split(' ').collect();
        assert!(parts.len() == 2 && parts[0] != parts[1] && parts.iter().all(|part| part.starts_with("v1,")));
    }

    #[test]
    fn another_text_is_no_secret() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
            let secret = WebhookSecret::from_text(text.to_owned().into());
            assert_eq!(signatures(&[secret], "1", Timestamp::UNIX_EPOCH, ""), Err(WebhookSecretError), "{text}");
        }
    }
}
