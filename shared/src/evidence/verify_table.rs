//! Verification of the table in itself: each item that has a seal is as greffe wrote it, the audit trail has no gap,
//! and the items are there that the log, the messages and the lists of firms go by.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    aws::table::{InspectedRows, Key, TableError},
    base::id::FirmId,
    evidence::{
        report::FindingKind,
        verify::{PAGE, Verifier},
        verify_state::VerifyState,
    },
    firm::audit::{self, AuditLink},
};

impl Verifier<'_> {
    /// Compares the firm's own items and those of its time stamps with their seals, and names what is missing.
    /// `size`: that of the log.
    pub(super) async fn compare_table(
        &self,
        firm: FirmId,
        size: u64,
        state: &mut VerifyState,
    ) -> Result<(), TableError> {
        let own = [Key::firm(firm), Key::log_due(firm), Key::listed_firm(firm)];
        let InspectedRows { rows, altered, .. } = self.table.inspect_all::<Value>(&own).await?;
        state.altered.extend(altered);
        let has = |key: &Key| rows.iter().any(|row| row.key == *key);
        // Older versions had no such items before the log began.
        if size > 0 {
            let [of_firm, log_due, listed] = &own;
            if !has(log_due) {
                state.note_finding(FindingKind::Missing, log_due, "without it, nobody appends to the log");
            }
            if has(of_firm) && !has(listed) {
                state.note_finding(FindingKind::Missing, listed, "without it, the firm is in no list");
            }
        }
        for partition in [Key::firm(firm).partition(), Key::stamp(firm, 0).partition()] {
            let mut after = None;
            loop {
                let page = self.table.inspect::<Value>(&partition, after.as_ref(), PAGE).await?;
                state.altered.extend(page.altered);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        self.compare_trail(firm, state).await
    }

    /// Compares the entries of the audit trail with each other. The last ones may be missing: nothing follows them.
    async fn compare_trail(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), TableError> {
        let (prefix, mut after, mut trail) = (Key::audit_prefix(firm), None, FollowedTrail::default());
        loop {
            let page = self.table.inspect::<Value>(&prefix, after.as_ref(), PAGE).await?;
            let altered: BTreeSet<Key> = page.altered.into_iter().collect();
            for row in page.rows {
                let link = serde_json::from_value(row.value).ok();
                let is_altered = altered.contains(&row.key);
                for (kind, key, detail) in trail.follow(firm, row.key, link, is_altered) {
                    state.note_finding(kind, key, detail);
                }
            }
            state.altered.extend(altered);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// How far an audit trail was followed.
#[derive(Default)]
struct FollowedTrail {
    /// The number of the last entry.
    number: u64,
    /// The entry itself, if the next one can be compared with it.
    last: Option<AuditLink>,
}

impl FollowedTrail {
    /// Goes on to the entry at `key`; what is wrong there. `is_altered`: its seal says that it was changed.
    fn follow(
        &mut self,
        firm: FirmId,
        key: Key,
        link: Option<AuditLink>,
        is_altered: bool,
    ) -> Vec<(FindingKind, Key, String)> {
        let mut found = Vec::new();
        let Some(link) = link else {
            found.push((FindingKind::Altered, key.clone(), "it can't be understood".to_owned()));
            (self.number, self.last) = (key.audit_number().unwrap_or(self.number), None);
            return found;
        };
        let is_first = self.number == 0;
        // Entries without a number are of older versions, and stand before the chain.
        if let Some(number) = key.audit_number() {
            let expected = self.number + 1;
            let is_unknown = !is_first && self.last.is_none();
            if number > expected {
                let detail = format!("entries up to number {} of the audit trail are missing", number - 1);
                found.push((FindingKind::Missing, Key::audit(firm, expected), detail));
            } else if !is_altered
                && (link.number != Some(number)
                    || (!is_unknown && audit::broken_at(self.last.as_ref(), [&link]).is_some()))
            {
                let detail = "it does not follow from the entry before it: one of both was changed".to_owned();
                found.push((FindingKind::Altered, key, detail));
            }
            self.number = number;
        }
        self.last = Some(link).filter(|_| !is_altered);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(count: u64) -> Vec<AuditLink> {
        let mut links: Vec<AuditLink> = Vec::new();
        for number in 1..=count {
            let link = serde_json::json!({
                "at": "2026-03-02T08:00:00Z", "who": { "kind": "operator" }, "action": "POST /v1/firms",
                "path": "/v1/firms", "request": format!("r{number}"), "number": number,
                "before": links.last().map(AuditLink::digest),
            });
            links.push(serde_json::from_value(link).unwrap());
        }
        links
    }

    /// What is wrong in a trail of five, of which `change` makes what is stored.
    fn found(change: impl Fn(&mut Vec<(u64, Option<AuditLink>, bool)>)) -> Vec<(FindingKind, u64)> {
        let firm: FirmId = "d0a0e2e3-d7aa-4873-a333-409ad942fa5e".parse().unwrap();
        let mut stored: Vec<_> = trail(5).into_iter().zip(1..).map(|(link, n)| (n, Some(link), false)).collect();
        change(&mut stored);
        let mut trail = FollowedTrail::default();
        let followed = stored
            .into_iter()
            .flat_map(|(number, link, is_altered)| trail.follow(firm, Key::audit(firm, number), link, is_altered));
        followed.map(|(kind, key, _)| (kind, key.audit_number().unwrap())).collect()
    }

    #[test]
    fn an_entry_that_is_missing_or_was_changed_is_named() {
        assert_eq!(found(|_| {}), []);
        for place in 0..4 {
            let number = place as u64 + 1;
            assert_eq!(found(|stored| drop(stored.remove(place))), [(FindingKind::Missing, number)]);
            let change = |stored: &mut Vec<(u64, Option<AuditLink>, bool)>| {
                stored[place].1.as_mut().unwrap().entry.path = "/v1/other".to_owned();
            };
            // Without a seal nobody knows which of both it was.
            assert_eq!(found(change), [(FindingKind::Altered, number + 1)]);
            let sealed = |stored: &mut Vec<(u64, Option<AuditLink>, bool)>| {
                change(stored);
                stored[place].2 = true;
            };
            assert_eq!(found(sealed), [], "the seal names it");
            assert_eq!(found(|stored| stored[place].1 = None), [(FindingKind::Altered, number)]);
        }
        assert_eq!(found(|stored| drop(stored.drain(1..3))), [(FindingKind::Missing, 2)], "a gap is named once");
    }
}
