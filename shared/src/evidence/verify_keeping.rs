//! Verification of how long mail is kept: the table holds the periods, classes and legal holds that the facts tell of,
//! and what expired was to expire. With Object Lock, S3 holds the originals that a legal hold keeps, and no others.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    aws::table::{Key, Row, TableError},
    base::id::{FirmId, MessageId},
    evidence::{
        log_entry::deleted_mailbox,
        report::FindingKind,
        verify::{AT_ONCE, PAGE, Verifier, VerifyError},
        verify_state::VerifyState,
    },
    firm::retention::{KeptUntil, Retention},
    mail::{
        archive::OriginalKey,
        keeping_history::{HeldSince, is_as_recorded},
        legal_hold::LegalHold,
        message::Message,
        retention_keeper::{DossierClass, KEEPER_PATIENCE, KeeperPlace, KeepingRules},
    },
};

/// How often what the table has is read again because a change was recorded meanwhile.
const TRIES_MAX: usize = 4;

/// What the table has of how long a firm's mail is to be kept.
struct StoredKeeping {
    firm: Option<Row<Value>>,
    classes: Vec<Row<Value>>,
    holds: Vec<Row<Value>>,
}

impl Verifier<'_> {
    /// Compares the periods, classes and holds of the table with what the facts say.
    pub(super) async fn compare_keeping(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        // An erased firm has no periods, classes or holds. A changed fact of them is a finding of its own.
        if state.erasures.is_of_firm() || state.is_keeping_unknown {
            return Ok(());
        }
        for _ in 0..TRIES_MAX {
            let stored = StoredKeeping {
                firm: self.table.get(&Key::firm(firm)).await?,
                classes: self.table.query_all(&Key::dossier_class_prefix(firm)).await?,
                holds: self.table.query_all(&Key::hold_prefix(firm)).await?,
            };
            // A change and its fact are written together.
            if !self.note_newer(firm, state).await? {
                compare_stored(firm, stored, state);
                break;
            }
        }
        Ok(())
    }

    /// Takes in what was recorded since; whether something of it is a change of how long mail is kept.
    pub(super) async fn note_newer(&self, firm: FirmId, state: &mut VerifyState) -> Result<bool, TableError> {
        let mut is_newer = false;
        loop {
            let facts = self.read_facts(firm, state.reached, PAGE).await?;
            let Some((last, _)) = facts.last_key_value() else { return Ok(is_newer) };
            state.reached = *last;
            for (number, fact) in &facts {
                state.note_unkept(*number, Some(fact));
                is_newer |= state.keeping.note(fact);
                state.filings.note(*number, fact);
                let deleted = fact.text("type").zip(fact.text("id")).and_then(|(of, id)| deleted_mailbox(of, id));
                state.mailboxes_deleted.extend(deleted);
            }
        }
    }

    /// The number of the fact up to which the keeper has done all there was to do, if it has nothing left of that.
    pub(super) async fn read_kept(&self, firm: FirmId) -> Result<Option<u64>, TableError> {
        // What can't be understood is a finding of its own.
        let place = self.table.get::<Value>(&Key::keeper(firm)).await?;
        let place = place.and_then(|row| serde_json::from_value::<KeeperPlace>(row.value).ok());
        Ok(place.filter(|place| place.has_holds && place.again_after.is_none()).map(|place| place.after))
    }

    /// Compares S3's legal holds with those that the facts tell of. The keeper has had time for what is older than its
    /// patience, and has done all that came before the first fact that it has not looked at.
    pub(super) async fn compare_holds(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let looked = std::mem::take(&mut state.holds);
        if state.is_keeping_unknown || looked.is_empty() {
            return Ok(());
        }
        let patience = SignedDuration::try_from(KEEPER_PATIENCE).unwrap_or_default();
        let kept = state.kept_to.map(|_| state.unkept_since.map_or(self.now, |since| since.min(self.now)));
        let settled = self.now.checked_sub(patience).unwrap_or(Timestamp::MIN).max(kept.unwrap_or(Timestamp::MIN));
        let HeldSince { ever, throughout } = state.keeping.held_since(settled);
        for some in looked.chunks(PAGE) {
            let messages = self.read_messages(firm, some.iter().map(|(key, _)| key.message).collect(), state).await?;
            for (key, is_held) in some {
                let Some(message) = messages.get(&key.message) else { continue };
                let (table, held) = (self.table, if *is_held { &ever } else { &throughout });
                let before = if *is_held { Timestamp::MAX } else { settled };
                let is_meant = held.holding_before(table, firm, message, before).await?.is_some();
                if *is_held && !is_meant {
                    let detail = "S3 keeps it under a legal hold, and no fact tells of one";
                    state.note_finding(FindingKind::Extra, key, detail);
                } else if !*is_held && is_meant {
                    let detail = "a legal hold should keep it, and S3 does not hold it";
                    state.note_finding(FindingKind::Unlocked, key, detail);
                }
            }
        }
        Ok(())
    }

    /// Compares what has expired and is gone with what was to be kept longer then.
    pub(super) async fn compare_expired(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let expired = std::mem::take(&mut state.expired);
        if state.is_keeping_unknown {
            return Ok(());
        }
        let mut rules: BTreeMap<KeptUntil, Option<KeepingRules>> = BTreeMap::new();
        for (_, until) in &expired {
            let then = || until.end().and_then(|end| state.keeping.before(end).rules(firm));
            rules.entry(*until).or_insert_with(then);
        }
        let rules = &rules;
        for some in expired.chunks(PAGE) {
            let messages = self.read_messages(firm, some.iter().map(|(id, _)| *id).collect(), state).await?;
            let messages: &HashMap<MessageId, Message> = &messages;
            let looks = some.iter().map(|(id, until)| async move {
                let wanted = match messages.get(id).zip(rules.get(until).and_then(Option::as_ref)) {
                    Some((message, rules)) => rules.kept_until(self.table, message).await?,
                    None => None,
                };
                Ok::<_, TableError>((*id, *until, wanted))
            });
            let looks: Vec<_> = looks.collect();
            let mut looked = stream::iter(looks).buffered(AT_ONCE);
            while let Some((message, until, wanted)) = looked.try_next().await? {
                if wanted.is_some_and(|wanted| wanted > until) {
                    state.originals_expired -= 1;
                    let key = OriginalKey::new(firm, message, until);
                    state.note_finding(FindingKind::Missing, key, "it was to be kept longer, and it expired");
                }
            }
        }
        Ok(())
    }
}

/// Compares what was read of the table with what the facts say.
fn compare_stored(firm: FirmId, stored: StoredKeeping, state: &mut VerifyState) {
    let recorded = state.keeping.before(jiff::Timestamp::MAX);
    match stored.firm {
        None if state.reached == 0 => {}
        None => state.note_finding(FindingKind::Missing, Key::firm(firm), "the log tells of the firm"),
        Some(mut row) => {
            let periods = serde_json::from_value::<Option<Retention>>(row.value["retention"].take());
            if periods.ok().as_ref() != Some(&recorded.periods) {
                let detail = "the facts say other retention periods";
                state.note_finding(FindingKind::Altered, Key::firm(firm), detail);
            }
        }
    }
    let classes = recorded.classes.into_iter().map(|(dossier, class)| (Key::dossier_class(firm, &dossier), class));
    compare_rows(stored.classes, classes.collect(), |one: &DossierClass, other| one == other, state);
    let holds = recorded.holds.into_iter().map(|(dossier, hold)| (Key::hold(firm, &dossier), hold));
    compare_rows::<LegalHold>(stored.holds, holds.collect(), is_as_recorded, state);
}

/// Compares items with what they should be.
fn compare_rows<T: serde::de::DeserializeOwned>(
    rows: Vec<Row<Value>>,
    mut recorded: HashMap<Key, T>,
    is_same: impl Fn(&T, &T) -> bool,
    state: &mut VerifyState,
) {
    for Row { key, value, .. } in rows {
        let Some(recorded) = recorded.remove(&key) else {
            state.note_finding(FindingKind::Extra, key, "no fact tells of it");
            continue;
        };
        if !serde_json::from_value::<T>(value).is_ok_and(|stored| is_same(&stored, &recorded)) {
            state.note_finding(FindingKind::Altered, key, "the facts say otherwise");
        }
    }
    for key in recorded.into_keys() {
        state.note_finding(FindingKind::Missing, key, "a fact tells of it");
    }
}
