//! Passes: short texts by which the console speaks for a person, and links that let a person in. A pass is JSON with a
//! MAC over it; it is valid until its end, and for its purpose only.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    aws::secrets::{CONSOLE_KEY, MacKey, SecretError, Secrets},
    base::id::{FirmId, UserId},
    firm::user::UserRole,
};

/// How long the console speaks for a person by one pass.
pub const VISIT_LIFETIME: Duration = Duration::from_secs(60);
/// How long an invitation is valid.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the operator's link is valid.
pub const OPERATOR_LINK_LIFETIME: Duration = Duration::from_secs(600);

/// A pass of this kind is valid for nothing else.
pub trait PassPurpose: Serialize + DeserializeOwned {
    /// What the text of a pass begins with.
    const NAME: &'static str;
    /// How long it is valid.
    const LIFETIME: Duration;
}

/// For whom the console calls the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Visit {
    /// For the operator.
    Operator,
    /// For a person in a firm.
    User {
        /// Who it is.
        user: UserId,
        /// For display only.
        address: String,
        /// The address that the browser came from, if it is known.
        from: Option<String>,
        /// The firm.
        firm: FirmId,
        /// What they may do there.
        role: UserRole,
    },
}

impl PassPurpose for Visit {
    const NAME: &'static str = "greffe_visit";
    const LIFETIME: Duration = VISIT_LIFETIME;
}

/// That whoever signs in with it may enter a firm. It admits one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The firm.
    pub firm: FirmId,
    /// The firm's name, for display only.
    pub name: String,
    /// What the person may do there.
    pub role: UserRole,
    /// Random: no two invitations are the same.
    pub salt: String,
}

impl PassPurpose for Invitation {
    const NAME: &'static str = "invitation";
    const LIFETIME: Duration = INVITATION_LIFETIME;
}

/// That whoever opens it is the operator. It opens once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorLink {
    /// Random: no two links are the same.
    pub salt: String,
}

impl PassPurpose for OperatorLink {
    const NAME: &'static str = "operator";
    const LIFETIME: Duration = OPERATOR_LINK_LIFETIME;
}

/// What a pass says, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass<T> {
    /// What it says.
    pub says: T,
    /// Until when it is valid, in seconds since 1970.
    pub ends_at: i64,
}

impl<T: PassPurpose> Pass<T> {
    /// Whether it is valid no more.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at <= now.as_second()
    }

    /// Its text: `{purpose}.{JSON}.{MAC}`, the last two in base64url.
    fn signed(&self, key: &MacKey) -> String {
        // Plain fields and no map: this is always JSON.
        let json = serde_json::to_vec(self).expect("a pass is JSON");
        let text = format!("{}.{}", T::NAME, BASE64_URL_SAFE_NO_PAD.encode(json));
        let code = BASE64_URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()));
        format!("{text}.{code}")
    }

    /// The pass of that text, ended or not; none if greffe did not sign it for this purpose.
    pub fn verified(key: &MacKey, text: &str) -> Option<Self> {
        let (said, code) = text.rsplit_once('.')?;
        let json = said.strip_prefix(T::NAME)?.strip_prefix('.')?;
        let code = BASE64_URL_SAFE_NO_PAD.decode(code).ok()?;
        if !key.verify(said.as_bytes(), &code) {
            return None;
        }
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(json).ok()?).ok()
    }
}

/// Signs a pass that is valid from now on.
///
/// Errors: Secrets Manager refuses or does not answer.
pub async fn issue<T: PassPurpose>(secrets: &Secrets, says: T, now: Timestamp) -> Result<SecretString, SecretError> {
    let key = MacKey::new(&secrets.read(CONSOLE_KEY).await?);
    let ends_at = (now + T::LIFETIME).as_second();
    Ok(Pass { says, ends_at }.signed(&key).into())
}

/// Reads a pass, ended or not; none if greffe did not sign it for this purpose.
///
/// Errors: Secrets Manager refuses or does not answer.
pub async fn read<T: PassPurpose>(secrets: &Secrets, text: &str) -> Result<Option<Pass<T>>, SecretError> {
    if !text.starts_with(T::NAME) {
        return Ok(None);
    }
    Ok(Pass::verified(&MacKey::new(&secrets.read(CONSOLE_KEY).await?), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MacKey {
        MacKey::new(&"a key of the console".to_owned().into())
    }

    #[test]
    fn a_pass_says_what_was_signed_for_its_own_purpose_only() {
        let link = Pass { says: OperatorLink { salt: "s".to_owned() }, ends_at: 60 };
        let text = link.signed(&key());
        assert_eq!(Pass::verified(&key(), &text), Some(link.clone()));
        assert_eq!(Pass::<Visit>::verified(&key(), &text), None);
        let another = MacKey::new(&"another key".to_owned().into());
        assert_eq!(Pass::<OperatorLink>::verified(&another, &text), None);
        let visit = Pass { says: Visit::Operator, ends_at: 60 }.signed(&key());
        let forged = visit.replace(Visit::NAME, OperatorLink::NAME);
        assert_eq!(Pass::<OperatorLink>::verified(&key(), &forged), None);
        for text in ["", ".", "operator", "operator.", "operator..", "operator.e30.", "greffe_visit.e30.AA"] {
            assert_eq!(Pass::<Visit>::verified(&key(), text), None, "{text}");
        }
        let end = Timestamp::from_second(60).unwrap();
        assert!(link.has_ended(end) && !link.has_ended(end - Duration::from_secs(1)));
    }
}
