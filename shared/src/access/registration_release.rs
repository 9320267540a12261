//! What a function leaves behind when it gives a registration back: when that is looked at next, and the fact that
//! follows from what is known of its credential.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{
    access::{
        credential_record::CredentialRecord,
        reminder::{Reminder, days_left, tomorrow},
    },
    aws::table::sortable,
    base::{
        id::{ConnectorId, FirmId},
        metric::{Counter, Tally},
    },
    firm::fact::{ExpiringCredential, FactEvent},
};

/// What is under way is looked at again so often.
const SOON: Duration = Duration::from_secs(900);

/// What a function did while it held a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegistrationVisit {
    /// When it was due before it was taken.
    pub(super) due_before: String,
    /// It looked at the credential in use.
    pub(super) looked: bool,
    /// Another credential is in use than before.
    pub(super) renewed: bool,
}

/// What there is to say of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialNews {
    /// Another one took its place.
    Renewed,
    /// It ends.
    Ends {
        /// Which reminder it is.
        reminder: Reminder,
        /// When.
        expires_at: Timestamp,
    },
}

/// How a registration is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegistrationRelease {
    /// When it is looked at next, as a text that sorts.
    pub(super) due_at: String,
    /// The last reminder that was told, with this one.
    pub(super) reminded: Option<Reminder>,
    /// What there is to say.
    pub(super) news: Option<CredentialNews>,
}

impl RegistrationRelease {
    /// What follows from what is `known` after `visit`.
    pub(super) fn of(known: &CredentialRecord, visit: &RegistrationVisit, now: Timestamp) -> Self {
        let reminder = known.end(now).and_then(|end| Reminder::due(end, known.reminded, now));
        let news = match reminder.zip(known.expires_at) {
            _ if visit.renewed => Some(CredentialNews::Renewed),
            due => due.map(|(reminder, expires_at)| CredentialNews::Ends { reminder, expires_at }),
        };
        let told = match news {
            Some(CredentialNews::Ends { reminder, .. }) => Some(reminder),
            Some(CredentialNews::Renewed) | None => None,
        };
        let next = match reminder {
            // One fact at a time.
            Some(_) if told.is_none() => now,
            _ if known.rotation.is_some() => now + SOON,
            _ => known.retired.iter().map(|retired| retired.remove_at).fold(tomorrow(now), Timestamp::min),
        };
        // Who did not look leaves the look to the schedule.
        let before = Some(&visit.due_before).filter(|_| !visit.looked).cloned();
        let due_at = before.into_iter().fold(sortable(next), String::min);
        Self { due_at, reminded: told.or(known.reminded), news }
    }
}

impl CredentialNews {
    /// Whether its event names the connectors that use the credential.
    pub(super) fn names_connectors(self) -> bool {
        matches!(self, Self::Ends { .. })
    }

    /// Whether it says that the credential has expired: that is the operator's concern too.
    pub(super) fn has_expired(self) -> bool {
        matches!(self, Self::Ends { reminder: Reminder::Expired, .. })
    }

    /// Its event. `connectors` are those that use the credential.
    pub(super) fn event(self, known: &CredentialRecord, connectors: Vec<ConnectorId>, now: Timestamp) -> FactEvent {
        let (client_id, credential) = (known.client_id.clone(), known.credential);
        match self {
            Self::Renewed => FactEvent::SecretRenewed { client_id, credential, expires_at: known.expires_at },
            Self::Ends { reminder, expires_at } => {
                let ending = ExpiringCredential { client_id, connectors, credential, expires_at };
                match reminder {
                    Reminder::Expired => FactEvent::SecretExpired { ending },
                    _ => FactEvent::SecretExpiring { ending, days_left: days_left(expires_at, now) },
                }
            }
        }
    }

    /// The id of its fact: one for each version of the secret, each end and each reminder.
    pub(super) fn fact_id(self, what: &FactEvent, known: &CredentialRecord) -> String {
        let reminder = match self {
            Self::Renewed => None,
            Self::Ends { reminder, expires_at } => Some((reminder, expires_at)),
        };
        let id = serde_json::json!([what.name(), known.in_use, reminder]);
        hex::encode(&Sha256::digest(id.to_string())[..16])
    }
}

/// Rings the operator's alarm, and tells in the log whose credential it is.
pub(super) fn alarm(what: &FactEvent, firm: Option<FirmId>, now: Timestamp) {
    if matches!(what, FactEvent::SecretExpiring { .. } | FactEvent::SecretExpired { .. }) {
        Tally::one(Counter::CredentialReminders).publish(now);
    }
    let firm = firm.map(|firm| firm.to_string()).unwrap_or_else(|| "platform".to_owned());
    match what {
        FactEvent::SecretExpiring { ending, days_left } => {
            let client = &ending.client_id;
            tracing::warn!(firm.id = %firm, client.id = %client, days_left, "an app's credential ends soon");
        }
        FactEvent::SecretExpired { ending } => {
            tracing::error!(firm.id = %firm, client.id = %ending.client_id, "an app's credential has ended");
        }
        _ => tracing::info!(firm.id = %firm, "an app's credential was replaced"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{
            credential::{ClientSecret, Credential},
            credential_record::{ExpirySource, Rotation},
            unused_credentials::Retired,
        },
        aws::secrets::Version,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-06-15T12:00:00Z")
    }

    /// What is known of a secret whose end Entra said.
    fn known(end: &str) -> CredentialRecord {
        let key_id = Some("key".to_owned());
        let secret = ClientSecret { value: "abc8Q~x".to_owned().into(), key_id, expires_at: Some(at(end)) };
        let version = Version { id: "1".to_owned(), text: Credential::Secret(secret).to_text() };
        CredentialRecord::new(&"6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap(), &version, now())
    }

    fn visit(looked: bool, renewed: bool) -> RegistrationVisit {
        RegistrationVisit { due_before: sortable(at("2026-06-15T18:00:00Z")), looked, renewed }
    }

    #[test]
    fn one_of_which_there_is_nothing_to_say_is_looked_at_the_next_day() {
        let released = RegistrationRelease::of(&known("2027-06-15T12:00:00Z"), &visit(true, false), now());
        assert_eq!(released.due_at, "2026-06-16T00:00:00.000Z");
        assert_eq!((released.news, released.reminded), (None, None));
    }

    #[test]
    fn one_that_was_not_looked_at_stays_due_when_it_was() {
        let released = RegistrationRelease::of(&known("2027-06-15T12:00:00Z"), &visit(false, false), now());
        assert_eq!(released.due_at, "2026-06-15T18:00:00.000Z");
        let mut rotating = known("2027-06-15T12:00:00Z");
        rotating.rotation = Some(Rotation { token: "2".to_owned(), since: now() });
        let released = RegistrationRelease::of(&rotating, &visit(false, false), now());
        assert_eq!(released.due_at, "2026-06-15T12:15:00.000Z", "earlier, if there is a reason");
    }

    #[test]
    fn a_rotation_goes_on_in_a_quarter_of_an_hour_and_what_was_replaced_is_removed_in_time() {
        let mut known = known("2027-06-15T12:00:00Z");
        let retired = |remove_at| Retired { key_id: "old".to_owned(), remove_at: at(remove_at) };
        known.retired = vec![retired("2026-06-15T13:00:00Z"), retired("2026-06-15T12:40:00Z")];
        assert_eq!(
            RegistrationRelease::of(&known, &visit(true, false), now()).due_at,
            "2026-06-15T12:40:00.000Z",
            "the first of them"
        );
        known.rotation = Some(Rotation { token: "2".to_owned(), since: now() });
        assert_eq!(RegistrationRelease::of(&known, &visit(true, false), now()).due_at, "2026-06-15T12:15:00.000Z");
    }

    #[test]
    fn a_reminder_is_told_once() {
        let mut known = known("2026-06-22T12:00:00Z");
        let released = RegistrationRelease::of(&known, &visit(true, false), now());
        let (reminder, expires_at) = (Reminder::SevenDays, at("2026-06-22T12:00:00Z"));
        assert_eq!(released.news, Some(CredentialNews::Ends { reminder, expires_at }));
        assert_eq!(released.reminded, Some(Reminder::SevenDays));
        assert_eq!(released.due_at, "2026-06-16T00:00:00.000Z");
        known.reminded = released.reminded;
        let again = RegistrationRelease::of(&known, &visit(true, false), now());
        assert_eq!((again.news, again.reminded), (None, Some(Reminder::SevenDays)));
    }

    #[test]
    fn a_new_credential_that_ends_soon_is_told_first_and_its_reminder_at_once_after_it() {
        let known = known("2026-06-22T12:00:00Z");
        let released = RegistrationRelease::of(&known, &visit(true, true), now());
        assert_eq!((released.news, released.reminded), (Some(CredentialNews::Renewed), None));
        assert_eq!(released.due_at, sortable(now()));
    }

    #[test]
    fn an_end_that_may_be_that_of_another_secret_is_not_told() {
        let mut known = known("2026-06-15T11:00:00Z");
        assert!(RegistrationRelease::of(&known, &visit(true, false), now()).news.unwrap().has_expired());
        (known.key_id, known.source) = (None, ExpirySource::Entra);
        assert_eq!(RegistrationRelease::of(&known, &visit(true, false), now()).news, None);
    }

    #[test]
    fn each_version_and_each_reminder_has_a_fact_of_its_own() {
        let mut known = known("2026-06-22T12:00:00Z");
        let id =
            |news: CredentialNews, known: &CredentialRecord| news.fact_id(&news.event(known, Vec::new(), now()), known);
        let ends_at = |reminder, end| CredentialNews::Ends { reminder, expires_at: at(end) };
        let ends = |reminder| ends_at(reminder, "2026-06-22T12:00:00Z");
        let mut ids = vec![
            id(CredentialNews::Renewed, &known),
            id(ends(Reminder::SevenDays), &known),
            id(ends(Reminder::OneDay), &known),
            id(ends_at(Reminder::OneDay, "2027-06-22T12:00:00Z"), &known),
        ];
        known.in_use = "2".to_owned();
        ids.extend([id(CredentialNews::Renewed, &known), id(ends(Reminder::SevenDays), &known)]);
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
