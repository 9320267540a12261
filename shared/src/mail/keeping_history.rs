//! What the facts say of how long a firm's mail is to be kept: its periods, the classes of its dossiers, its legal
//! holds. The table has the present state of these; the facts have each change, and who made it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::table::{Key, Write},
    base::id::FirmId,
    firm::{fact::StoredFact, retention::Retention},
    mail::{
        legal_hold::{HeldDossiers, LegalHold},
        retention_keeper::{DossierClass, KeepingRules, recorded_periods},
    },
};

/// The ids of the facts begin so that tell of such a change.
const IDS: [&str; 3] = ["retention-", "dossier-class-", "hold-"];
/// A hold is stored together with its fact. Both have the time, and it is taken once for each.
const TIME_SLACK: SignedDuration = SignedDuration::from_mins(1);

/// A change of how long mail is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepingChange {
    /// The firm's periods.
    Periods(Retention),
    /// The class of a dossier, or that it is in none.
    Class(String, Option<DossierClass>),
    /// The legal hold of a dossier, or that it was lifted.
    Hold(String, Option<LegalHold>),
}

impl KeepingChange {
    /// The change that a fact tells of; none if it tells of something else.
    pub fn recorded(fact: &StoredFact) -> Option<Self> {
        let hold = || LegalHold::recorded(fact).map(|(dossier, hold)| Self::Hold(dossier, hold));
        let class = || DossierClass::recorded(fact).map(|(dossier, class)| Self::Class(dossier, class));
        hold().or_else(class).or_else(|| recorded_periods(fact).map(Self::Periods))
    }

    /// Whether a void fact with this id tells of a change.
    pub fn is_id(id: &str) -> bool {
        IDS.iter().any(|prefix| id.starts_with(prefix))
    }

    /// The write that makes it, if it is about a dossier.
    pub fn write(&self, firm: FirmId) -> Option<Write> {
        match self {
            Self::Periods(_) => None,
            Self::Class(dossier, class) => Some(set(Key::dossier_class(firm, dossier), class.as_ref())),
            Self::Hold(dossier, hold) => Some(set(Key::hold(firm, dossier), hold.as_ref())),
        }
    }
}

fn set<T: serde::Serialize>(key: Key, value: Option<&T>) -> Write {
    match value {
        Some(value) => Write::overwrite(key, value),
        None => Write::discard(key),
    }
}

/// All changes of a firm, in the order in which they were made.
#[derive(Debug, Default)]
pub struct KeepingHistory(Vec<(Timestamp, KeepingChange)>);

/// How long a firm's mail was to be kept at some time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeepingState {
    /// The firm's periods; none if it never had any.
    pub periods: Option<Retention>,
    /// The dossiers that were in a class.
    pub classes: BTreeMap<String, DossierClass>,
    /// The dossiers that were under a hold.
    pub holds: BTreeMap<String, LegalHold>,
}

/// The dossiers that were under a hold since some time.
#[derive(Debug)]
pub struct HeldSince {
    /// Those that were at any moment.
    pub ever: HeldDossiers,
    /// Those that were all the time, and are.
    pub throughout: HeldDossiers,
}

impl KeepingHistory {
    /// Takes a fact in; whether it tells of a change.
    pub fn note(&mut self, fact: &StoredFact) -> bool {
        let at = fact.text("at").and_then(|at| at.parse().ok());
        let noted = at.zip(KeepingChange::recorded(fact));
        self.0.extend(noted.clone());
        noted.is_some()
    }

    /// The dossiers that have been under a hold at some time since `time`, or have been all the time.
    pub fn held_since(&self, time: Timestamp) -> HeldSince {
        let (mut ever, mut throughout) = (BTreeSet::new(), BTreeSet::new());
        for dossier in self.before(time).holds.into_keys() {
            ever.insert(dossier.clone());
            throughout.insert(dossier);
        }
        for (_, change) in self.0.iter().filter(|(at, _)| *at >= time) {
            match change {
                KeepingChange::Hold(dossier, Some(_)) => drop(ever.insert(dossier.clone())),
                KeepingChange::Hold(dossier, None) => drop(throughout.remove(dossier)),
                KeepingChange::Periods(_) | KeepingChange::Class(..) => {}
            }
        }
        HeldSince { ever: ever.into(), throughout: throughout.into() }
    }

    /// As it was before `time`.
    pub fn before(&self, time: Timestamp) -> KeepingState {
        let mut state = KeepingState::default();
        for (_, change) in self.0.iter().filter(|(at, _)| *at < time) {
            match change.clone() {
                KeepingChange::Periods(periods) => state.periods = Some(periods),
                KeepingChange::Class(dossier, Some(class)) => drop(state.classes.insert(dossier, class)),
                KeepingChange::Class(dossier, None) => drop(state.classes.remove(&dossier)),
                KeepingChange::Hold(dossier, Some(hold)) => drop(state.holds.insert(dossier, hold)),
                KeepingChange::Hold(dossier, None) => drop(state.holds.remove(&dossier)),
            }
        }
        state
    }
}

impl KeepingState {
    /// What decides by it; none of a firm that never had periods: it keeps everything for ever.
    pub fn rules(self, firm: FirmId) -> Option<KeepingRules> {
        let classes = self.classes.into_values().map(|of| (of.dossier, of.class)).collect();
        Some(KeepingRules::new(firm, self.periods?, classes, self.holds.into_keys().collect()))
    }
}

/// Whether a hold of the table is the one that its fact tells of.
pub fn is_as_recorded(hold: &LegalHold, recorded: &LegalHold) -> bool {
    let apart = recorded.at.duration_since(hold.at).abs();
    apart <= TIME_SLACK && LegalHold { at: recorded.at, ..hold.clone() } == *recorded
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fact(id: &str, at: &str, what: Value) -> StoredFact {
        let mut fact = json!({ "type": "void", "id": id, "at": at, "by": "operator", "reason": "The law" });
        fact.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        serde_json::from_value(fact).unwrap()
    }

    #[test]
    fn the_facts_tell_how_long_mail_was_to_be_kept_at_any_time() {
        let mut history = KeepingHistory::default();
        for (id, at, what) in [
            ("retention-1", "2026-01-01T00:00:00Z", json!({ "default": 7, "classes": { "Tax": 10, "Ever": null } })),
            ("dossier-class-1", "2026-02-01T00:00:00Z", json!({ "dossier": "a", "class": "Tax" })),
            ("hold-1", "2026-03-01T00:00:00Z", json!({ "dossier": "b" })),
            ("hold-lifted-1", "2026-04-01T00:00:00Z", json!({ "dossier": "b" })),
            ("dossier-class-2", "2026-04-01T00:00:00Z", json!({ "dossier": "a", "class": null })),
            ("retention-2", "2026-05-01T00:00:00Z", json!({ "default": null, "classes": {} })),
        ] {
            assert!(history.note(&fact(id, at, what)) && KeepingChange::is_id(id), "{id}");
        }
        assert!(!history.note(&fact("erasure-firm-1", "2026-05-01T00:00:00Z", json!({}))));
        let at = |time: &str| history.before(time.parse().unwrap());
        assert_eq!(at("2026-01-01T00:00:00Z"), KeepingState::default());
        let march = at("2026-03-15T00:00:00Z");
        let periods = march.periods.as_ref().unwrap();
        assert_eq!((periods.default.map(u16::from), periods.classes.len()), (Some(7), 2));
        assert_eq!((march.classes["a"].class.as_str(), march.holds["b"].reason.as_str()), ("Tax", "The law"));
        let now = at("2026-06-01T00:00:00Z");
        assert_eq!(now, KeepingState { periods: Some(Retention::default()), ..KeepingState::default() });
        for (since, ever, throughout) in [
            ("2026-02-15T00:00:00Z", Some("b"), None),
            ("2026-03-15T00:00:00Z", Some("b"), None),
            ("2026-04-15T00:00:00Z", None, None),
        ] {
            let held = history.held_since(since.parse().unwrap());
            assert_eq!((held.ever.any(), held.throughout.any()), (ever, throughout), "{since}");
        }
        assert!(history.note(&fact("hold-2", "2026-06-01T00:00:00Z", json!({ "dossier": "c" }))));
        let held = history.held_since("2026-06-02T00:00:00Z".parse().unwrap());
        assert_eq!((held.ever.any(), held.throughout.any()), (Some("c"), Some("c")));
    }

    #[test]
    fn a_hold_of_the_table_is_recorded_if_all_but_some_seconds_is_the_same() {
        let recorded = |at: &str| {
            let fact = fact("hold-1", at, json!({ "dossier": "b" }));
            LegalHold::recorded(&fact).unwrap().1.unwrap()
        };
        let hold = recorded("2026-03-01T00:00:00Z");
        assert!(is_as_recorded(&hold, &recorded("2026-03-01T00:00:03Z")));
        assert!(!is_as_recorded(&hold, &recorded("2026-03-01T00:02:00Z")));
        assert!(!is_as_recorded(&LegalHold { by: "another".to_owned(), ..hold.clone() }, &hold));
    }
}
