//! Finds the unused credentials at Entra that greffe created. greffe never removes any other credential.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::credential::Credential,
    graph::{Application, KeyCredential},
};

/// A credential that another has replaced, and that is still at Entra.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retired {
    /// Entra's id of it.
    pub(crate) key_id: String,
    /// When it is removed.
    pub(crate) remove_at: Timestamp,
}

/// What is to be removed from Entra.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct UnusedCredentials {
    /// Ids of the client secrets to remove.
    pub(crate) passwords: Vec<String>,
    /// The certificates that stay; none if all of them do. Entra takes them as a whole.
    pub(crate) certificates_kept: Option<Vec<KeyCredential>>,
}

impl UnusedCredentials {
    /// What was replaced long enough ago, and what carries our name `tag` and is not in use: a function died before it
    /// could keep it.
    ///
    /// `in_use` is Entra's id of the credential in use, where it is known. `kept` holds that credential and those that
    /// wait to follow it.
    pub(crate) fn of(
        in_use: Option<&str>,
        retired: &[Retired],
        kept: &[Credential],
        tag: &str,
        shown: &Application,
        now: Timestamp,
    ) -> Self {
        let over =
            |key_id: Option<&str>| retired.iter().any(|r| Some(r.key_id.as_str()) == key_id && r.remove_at <= now);
        let in_grace = |key_id: Option<&str>| retired.iter().any(|r| Some(r.key_id.as_str()) == key_id);
        let is_used = |key_id: &str| in_use == Some(key_id) || kept.iter().any(|kept| kept.key_id() == Some(key_id));
        let passwords = shown.password_credentials.iter().filter_map(|password| {
            let (key_id, ours) = (password.key_id.as_deref()?, password.display_name.as_deref() == Some(tag));
            let left_over = over(Some(key_id)) || ours && !is_used(key_id) && !in_grace(Some(key_id));
            left_over.then(|| key_id.to_owned())
        });
        let is_kept =
            |key: &KeyCredential| kept.iter().any(|kept| matches!(kept, Credential::Certificate(c) if key.is(c.der())));
        let left_over = |key: &KeyCredential| {
            let (key_id, ours) = (key.key_id.as_deref(), key.display_name() == Some(tag));
            over(key_id) || ours && !is_kept(key) && !in_grace(key_id)
        };
        let certificates_kept: Vec<_> = shown.key_credentials.iter().filter(|key| !left_over(key)).cloned().collect();
        let fewer = certificates_kept.len() < shown.key_credentials.len();
        Self { passwords: passwords.collect(), certificates_kept: fewer.then_some(certificates_kept) }
    }

    /// Whether nothing is to be removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.passwords.is_empty() && self.certificates_kept.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        access::credential::{Certificate, ClientSecret},
        base::random::Random,
    };

    const TAG: &str = "greffe 0123456789ab";

    fn now() -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }

    /// What Entra shows of client secrets, by id and name.
    fn secrets(all: &[(&str, &str)]) -> Application {
        let all: Vec<_> = all.iter().map(|(id, name)| json!({ "keyId": id, "displayName": name })).collect();
        serde_json::from_value(json!({ "passwordCredentials": all })).unwrap()
    }

    fn secret(key_id: &str) -> Credential {
        let key_id = Some(key_id.to_owned());
        Credential::Secret(ClientSecret { value: "value".to_owned().into(), key_id, expires_at: None })
    }

    fn retired(key_id: &str, minutes: i64) -> Retired {
        Retired { key_id: key_id.to_owned(), remove_at: now() + jiff::SignedDuration::from_mins(minutes) }
    }

    fn passwords(in_use: Option<&str>, retired: &[Retired], kept: &[Credential], shown: &Application) -> Vec<String> {
        let found = UnusedCredentials::of(in_use, retired, kept, TAG, shown, now());
        assert_eq!(found.is_empty(), found.passwords.is_empty());
        found.passwords
    }

    #[test]
    fn a_secret_of_ours_that_nobody_uses_is_left_over() {
        let shown = secrets(&[("used", TAG), ("waits", TAG), ("lost", TAG)]);
        assert_eq!(passwords(Some("used"), &[], &[secret("used"), secret("waits")], &shown), ["lost"]);
    }

    #[test]
    fn a_secret_in_use_stays_though_it_does_not_know_its_own_id() {
        let kept = Credential::secret("value".to_owned().into());
        assert!(passwords(Some("used"), &[], &[kept], &secrets(&[("used", TAG)])).is_empty());
    }

    #[test]
    fn what_somebody_else_made_stays() {
        let shown =
            secrets(&[("used", TAG), ("theirs", "backup"), ("another", "greffe ba9876543210"), ("unnamed", "")]);
        assert!(passwords(Some("used"), &[], &[secret("used")], &shown).is_empty());
    }

    #[test]
    fn a_replaced_secret_stays_until_its_time_is_over_whoever_made_it() {
        let shown = secrets(&[("used", TAG), ("ours", TAG), ("entered", "by hand")]);
        let left = |minutes| {
            let retired = [retired("ours", minutes), retired("entered", minutes)];
            passwords(Some("used"), &retired, &[secret("used")], &shown)
        };
        assert!(left(1).is_empty());
        assert_eq!(left(0), ["ours", "entered"]);
    }

    #[test]
    fn a_certificate_of_ours_that_nobody_keeps_goes_and_the_others_stay_as_they_came() {
        let make = |seed| Certificate::generate("greffe", now(), &Random::seeded(seed)).unwrap();
        let (used, lost, theirs) = (make(1), make(2), make(3));
        let named = [(&used, TAG), (&lost, TAG), (&theirs, "theirs")];
        let all: Vec<_> = named.iter().map(|(certificate, name)| KeyCredential::new(certificate.der(), name)).collect();
        let shown = |keys: &[KeyCredential]| Application { key_credentials: keys.to_vec(), ..Application::default() };
        let of =
            |keys| UnusedCredentials::of(None, &[], &[Credential::Certificate(used.clone())], TAG, &shown(keys), now());
        assert_eq!(of(&all).certificates_kept, Some(vec![all[0].clone(), all[2].clone()]));
        let clean = of(&[all[0].clone(), all[2].clone()]);
        assert!(clean.is_empty(), "{clean:?}");
    }

    #[test]
    fn nothing_shown_is_nothing_to_remove() {
        let found =
            UnusedCredentials::of(Some("used"), &[retired("gone", -1)], &[secret("used")], TAG, &secrets(&[]), now());
        assert!(found.is_empty());
    }
}
