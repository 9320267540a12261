//! Verification of where mails are filed: each change that a fact tells of is in the history of its message, the
//! message has the last of them, the list of each dossier has the mails that are filed there, and nothing else is
//! there.
//!
//! A legal hold keeps what ever was filed to its dossier, so a change that is missing would free a mail.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::{
    aws::table::{Key, Row, TableError},
    base::id::{FirmId, MailboxId, MessageId},
    evidence::{
        recorded_filings::RecordedFiling,
        report::FindingKind,
        verify::{PAGE, Verifier, VerifyError},
        verify_state::VerifyState,
    },
    mail::{
        filing::{DossierMessage, FilingId},
        message::{FilingRecord, Message},
    },
};

impl Verifier<'_> {
    /// Compares changes that facts tell of with the histories of their messages and with the messages.
    pub(super) async fn compare_filings(
        &self,
        firm: FirmId,
        filings: &[RecordedFiling],
        messages: &HashMap<MessageId, Message>,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let key = |filing: &RecordedFiling| Key::filing(firm, filing.of.message, filing.of.count);
        let rows = self.read_items(filings.iter().map(key)).await?;
        for (filing, key) in filings.iter().map(|filing| (filing, key(filing))) {
            let RecordedFiling { number, of: FilingId { message: id, count }, .. } = *filing;
            let of = (id, number);
            match rows.get(&key).map(|row| serde_json::from_value::<FilingRecord>(row.clone())) {
                None => state.doubt(of, FindingKind::Missing, key, format!("fact {number} tells of it")),
                Some(Err(_)) => state.note_finding(FindingKind::Altered, key, "it can't be understood"),
                Some(Ok(stored)) => {
                    let mut differences = filing.differences(&stored);
                    if !state.may_have_number(id, stored.number, messages.get(&id)) {
                        differences.push("number");
                    }
                    if !differences.is_empty() {
                        let detail = format!("other than in fact {number}: {}", differences.join(", "));
                        state.note_finding(FindingKind::Altered, key, detail);
                    }
                }
            }
            // A message that is missing is a finding of its own.
            let Some(message) = messages.get(&id) else { continue };
            let differences = match &message.filing {
                Some(last) if last.count > count => Vec::new(),
                Some(last) if last.count == count => {
                    let mut differences = filing.differences(last);
                    differences.extend((!state.may_have_number(id, last.number, Some(message))).then_some("number"));
                    differences
                }
                _ => vec!["count"],
            };
            if !differences.is_empty() && state.told.insert(id) {
                let differences = differences.iter().map(|name| format!("filing.{name}")).collect::<Vec<_>>();
                let detail = format!("other than in fact {number}: {}", differences.join(", "));
                state.doubt(of, FindingKind::Altered, Key::message(firm, id), detail);
            }
        }
        Ok(())
    }

    /// The items with these keys that are there.
    async fn read_items(&self, keys: impl Iterator<Item = Key>) -> Result<HashMap<Key, Value>, TableError> {
        // DynamoDB wants each once.
        let keys: Vec<Key> = keys.collect::<BTreeSet<_>>().into_iter().collect();
        let rows = self.table.get_all::<Value>(&keys).await?;
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Compares the messages of the index with the lists of their dossiers.
    pub(super) async fn compare_listed(
        &self,
        firm: FirmId,
        messages: &[(MessageId, Message)],
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let mut listed = Vec::new();
        for (id, message) in messages {
            let Some(filing) = &message.filing else { continue };
            let of = FilingId { message: *id, count: filing.count };
            if !state.filings.has(of) {
                state.filings.unknown.push((of, Key::message(firm, *id), true));
            } else if let Some(dossier) = &filing.dossier {
                listed.push((*id, filing.number, Key::filed(firm, dossier, filing.number)));
            }
        }
        for listed in listed.chunks(PAGE) {
            let rows = self.read_items(listed.iter().map(|(.., key)| key.clone())).await?;
            for (id, number, key) in listed {
                let found = match rows.get(key).map(|row| serde_json::from_value::<DossierMessage>(row.clone())) {
                    Some(Ok(listed)) if listed.message == *id => continue,
                    Some(_) => (FindingKind::Altered, "it is the place of another mail"),
                    None => (FindingKind::Missing, "a mail is filed there"),
                };
                state.filings.told.insert(key.clone());
                state.doubt((*id, *number), found.0, key, found.1);
            }
        }
        Ok(())
    }

    /// Compares the histories of a mailbox's messages with the facts.
    pub(super) async fn compare_histories(
        &self,
        firm: FirmId,
        mailbox: MailboxId,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        state.filings.sort();
        let (prefix, mut after) = (Key::filings_prefix(firm, mailbox), None);
        loop {
            let page = self.table.inspect::<Value>(&prefix, after.as_ref(), PAGE).await?;
            state.altered.extend(page.altered);
            for row in page.rows {
                match row.key.filing_of(mailbox).map(|(message, count)| FilingId { message, count }) {
                    Some(of) if state.filings.has(of) => {}
                    Some(of) => state.filings.unknown.push((of, row.key, false)),
                    None => state.note_finding(FindingKind::Extra, row.key, "greffe puts nothing there"),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Compares the lists of dossiers with their messages, and names what no fact tells of. Facts that came meanwhile
    /// are taken in before.
    pub(super) async fn compare_dossiers(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        self.note_newer(firm, state).await?;
        state.filings.sort();
        for (again, number) in state.filings.repeated() {
            let detail = format!("it tells of what fact {number} told before");
            state.note_finding(FindingKind::Extra, Key::fact(firm, again), detail);
        }
        for (of, key, is_message) in std::mem::take(&mut state.filings.unknown) {
            // It came meanwhile, or its fact can't be read: that is a finding.
            if state.filings.has(of) || state.told.contains(&of.message) {
                continue;
            }
            if state.erasures.is_under_way(of.message, 0) {
                state.erasures.under_way.insert(of.message);
            } else if !is_message {
                state.note_finding(FindingKind::Extra, key, "no fact tells of it");
            } else {
                state.told.insert(of.message);
                state.note_finding(FindingKind::Altered, key, "no fact tells of its last filing");
            }
        }
        for dossier in std::mem::take(&mut state.filings.dossiers) {
            let (prefix, mut after) = (Key::filed(firm, &dossier, 0).partition(), None);
            loop {
                let page = self.table.inspect::<Value>(&prefix, after.as_ref(), PAGE).await?;
                state.altered.extend(page.altered);
                self.compare_places(firm, &dossier, page.rows, state).await?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn compare_places(
        &self,
        firm: FirmId,
        dossier: &str,
        rows: Vec<Row<Value>>,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let mut places = BTreeMap::new();
        for row in rows {
            if state.filings.told.contains(&row.key) {
                continue;
            }
            match serde_json::from_value::<DossierMessage>(row.value) {
                Ok(listed) => drop(places.insert(row.key, listed.message)),
                Err(_) => state.note_finding(FindingKind::Extra, row.key, "it can't be understood"),
            }
        }
        let messages = self.read_messages(firm, places.values().copied().collect(), state).await?;
        for (key, id) in places {
            let filing = messages.get(&id).and_then(|message| message.filing.as_ref());
            let is_own = filing.is_some_and(|filing| {
                filing.dossier.as_deref() == Some(dossier) && Key::filed(firm, dossier, filing.number) == key
            });
            if is_own || state.told.contains(&id) {
                continue;
            }
            if state.erasures.is_under_way(id, 0) {
                state.erasures.under_way.insert(id);
            } else {
                state.note_finding(FindingKind::Extra, key, "the mail is not filed there");
            }
        }
        Ok(())
    }
}
