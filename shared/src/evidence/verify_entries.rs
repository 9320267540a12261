//! Verification of the entries of the log: each has its fact, and the message and the original that it tells of.

use std::collections::BTreeSet;

use crate::{
    aws::table::{Key, TableError},
    base::id::{FirmId, MessageId},
    evidence::{
        inspect::Logged,
        log_entry::{ARCHIVED, LoggedEntry, entry},
        log_store::key,
        recorded_erasures::DoubtfulFinding,
        recorded_filings::RecordedFiling,
        report::{EvidenceFinding, FindingKind},
        tlog::{LogTile, TILE_WIDTH, TileKind, leaf},
        verify::{PAGE, Verifier, VerifyError},
        verify_state::{ArchivedFact, ExpectedOriginal, OriginalMismatch, VerifyState, claimed},
    },
    firm::{fact::StoredFact, retention::KeptUntil},
    mail::{keeping_history::KeepingChange, message::Message},
};

/// The ids of records of erasures begin so, and those of what they shortened.
const ERASURES: [&str; 2] = ["erasure-", "shortened-"];

impl Verifier<'_> {
    /// Compares the entries after number `before` with their facts, the index and the bucket.
    pub(super) async fn compare_entries(
        &self,
        firm: FirmId,
        before: u64,
        entries: &[Logged],
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let facts = self.read_facts(firm, before, entries.len()).await?;
        let (mut claims, mut in_doubt, mut filings) = (Vec::new(), Vec::new(), Vec::new());
        for (logged, number) in entries.iter().zip(before + 1..) {
            let stored = facts.get(&number);
            let is_lost = stored.and_then(StoredFact::lost) == Some(logged.leaf);
            let is_erased = stored.and_then(StoredFact::erased) == Some(logged.leaf);
            let fact = stored.filter(|_| !is_lost && !is_erased);
            let made = fact.and_then(|fact| entry(firm, number, fact).ok());
            let is_same = made.as_deref().map(leaf) == Some(logged.leaf);
            let same = fact.filter(|_| is_same);
            let logged_line = logged.entry.as_deref().and_then(LoggedEntry::read);
            let made_line = made.as_deref().and_then(LoggedEntry::read);
            let line = if is_same { made_line.as_ref() } else { logged_line.as_ref() };
            let claim = line.and_then(|line| ArchivedFact::of(line, same));
            state.claims.push(claimed(claim.as_ref().filter(|_| !is_erased), line.filter(|_| same.is_some())));
            state.reached = number;
            state.note_unkept(number, stored);
            if let Some(line) = line {
                state.note_entry((line, claim.as_ref()), stored, same, (is_lost, is_erased), firm);
            }
            if !is_lost && !is_erased {
                state.note_keeping(fact, is_same, logged_line.as_ref());
            }
            filings.extend(same.and_then(|fact| state.filings.note(number, fact)));
            match fact {
                Some(_) => {}
                None if is_lost => state.lost.push(number),
                None if is_erased => {}
                None => state.note_finding(FindingKind::Missing, Key::fact(firm, number), "the log has its entry"),
            }
            if !is_same && !is_erased {
                // What was filed can't be told without its fact.
                state.told.extend(logged_line.filter(|line| line.r#type != ARCHIVED).and_then(|line| line.message));
                if fact.is_some() {
                    in_doubt.push((number, made_line.and_then(|made| ArchivedFact::of(&made, None))));
                }
            }
            claims.extend(claim.filter(|_| !is_erased).map(|claim| ArchivedFact { is_lost, ..claim }));
        }
        state.mailboxes.extend(claims.iter().map(|claim| claim.message.mailbox));
        let told = claims.iter().filter(|claim| !claim.is_lost);
        state.mailboxes_told.extend(told.map(|claim| (claim.message.mailbox, claim.number)));
        let others = in_doubt.iter().filter_map(|(_, other)| other.as_ref());
        let asked = claims.iter().chain(others).map(|claim: &ArchivedFact| claim.message);
        let asked: BTreeSet<MessageId> = asked.chain(filings.iter().map(RecordedFiling::message)).collect();
        let messages = self.read_messages(firm, asked.into_iter().collect(), state).await?;
        for (number, other) in in_doubt {
            // The index agrees with the one of both that is as it was written.
            let agrees =
                |claim: &ArchivedFact| messages.get(&claim.message).is_some_and(|m| claim.differences(m).is_empty());
            let logged = claims.iter().find(|claim| claim.number == number);
            if other.as_ref().is_some_and(agrees) && !logged.is_some_and(agrees) {
                let tile = LogTile::of(TileKind::Entries, before / TILE_WIDTH, before + entries.len() as u64);
                let what = tile.map(|tile| key(firm, &tile.to_string())).unwrap_or_default();
                state.note_finding(
                    FindingKind::Forked,
                    what,
                    format!("its entry of fact {number} is of another history"),
                );
                let both = logged.into_iter().chain(&other).map(|claim| claim.message);
                state.told.extend(both.collect::<Vec<_>>());
                claims.retain(|claim| claim.number != number);
            } else if other.is_none() {
                state.undecided.push(number);
            } else {
                state.note_finding(FindingKind::Altered, Key::fact(firm, number), "its entry in the log is another");
            }
        }
        for claim in &claims {
            self.compare_claim(firm, claim, messages.get(&claim.message), state);
        }
        self.compare_filings(firm, &filings, &messages, state).await?;
        let mut looks = Vec::new();
        for ArchivedFact { number, message, stored: expected, until, at, fact, is_lost, .. } in claims {
            let is_filed = messages.get(&message).is_some_and(|message| message.filing.is_some());
            let look =
                ExpectedOriginal { message, number, is_sure: fact.is_some() || is_lost, expected, until, at, is_filed };
            // A later entry may say that it is kept longer, or less long.
            match messages.get(&message).and_then(|message| message.original()).map(|original| original.until) {
                Some(indexed) if indexed == until => looks.push(look),
                indexed => state.elsewhere.push((look, indexed)),
            }
        }
        self.compare_originals(firm, looks, state).await
    }

    /// Compares a message with the fact that tells of its original.
    fn compare_claim(&self, firm: FirmId, claim: &ArchivedFact, message: Option<&Message>, state: &mut VerifyState) {
        let (id, number) = (claim.message, claim.number);
        let finding = match message {
            None => {
                let detail = format!("fact {number} tells of it");
                EvidenceFinding { kind: FindingKind::Missing, what: Key::message(firm, id).to_string(), detail }
            }
            Some(message) => {
                let differences = claim.differences(message);
                if differences.is_empty() {
                    return;
                }
                let first = message.original().map(|original| original.number).unwrap_or_default();
                if differences == ["number"] && first < number && state.is_claimed(first, id) {
                    let detail = format!("it tells of a mail of which fact {first} told before");
                    return state.note_finding(FindingKind::Extra, Key::fact(firm, number), detail);
                }
                let detail = format!("other than in fact {number}: {}", differences.join(", "));
                // What is left of an erased mail has nothing of it.
                if differences != ["state"] || !message.state.is_left_over() {
                    if state.told.insert(id) {
                        state.note_finding(FindingKind::Altered, Key::message(firm, id), detail);
                    }
                    return;
                }
                EvidenceFinding { kind: FindingKind::Altered, what: Key::message(firm, id).to_string(), detail }
            }
        };
        let is_sure = claim.fact.is_some() || claim.is_lost;
        if state.told.insert(id) {
            state.doubts.push(DoubtfulFinding { message: id, number, is_sure, finding });
        }
    }

    /// Compares where the index has originals with the last entries about that, and looks at those that were put off.
    pub(super) async fn compare_elsewhere(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let elsewhere = std::mem::take(&mut state.elsewhere);
        let mut changed = state.changed.clone();
        let mut altered = Vec::new();
        let mut looks = Vec::new();
        for (look, indexed) in elsewhere {
            state.places.entry(look.message).or_default().insert(look.until);
            let until = changed.remove(&look.message).unwrap_or(look.until);
            altered.extend(indexed.filter(|indexed| *indexed != until).map(|_| look.message));
            looks.push(ExpectedOriginal { until, ..look });
        }
        // The index has those where they were first. A share leaves them to a whole verification.
        changed.retain(|_, _| self.share.is_none());
        let messages = self.read_messages(firm, changed.keys().copied().collect(), state).await?;
        let is_other = |(id, until): (&MessageId, &KeptUntil)| {
            let original = messages.get(id).and_then(Message::original);
            original.is_some_and(|original| original.until != *until).then_some(*id)
        };
        let others: BTreeSet<MessageId> = changed.iter().filter_map(is_other).collect();
        altered.extend(&others);
        // These were not where the index says.
        let is_moved =
            |mismatch: &mut OriginalMismatch| mismatch.there.is_none() && others.contains(&mismatch.look.message);
        for OriginalMismatch { look, .. } in state.mismatches.extract_if(.., is_moved) {
            state.originals -= 1;
            looks.push(ExpectedOriginal { until: changed[&look.message], ..look });
        }
        for message in altered {
            if state.told.insert(message) {
                let detail = "other than in the log: until_year";
                state.note_finding(FindingKind::Altered, Key::message(firm, message), detail);
            }
        }
        self.compare_originals(firm, looks, state).await
    }

    /// Takes from entries that are not of the share what they say of others: that those were lost or erased.
    pub(super) async fn pass_over(
        &self,
        firm: FirmId,
        before: u64,
        entries: &[Logged],
        state: &mut VerifyState,
    ) -> Result<(), TableError> {
        state.claims.resize(state.claims.len() + entries.len(), 0);
        for (logged, number) in entries.iter().zip(before + 1..) {
            state.reached = number;
            let Some(line) = logged.entry.as_deref().and_then(LoggedEntry::read) else {
                state.is_keeping_unknown = true;
                continue;
            };
            state.restored.extend(line.lost_range());
            state.note_change(&line, false);
            let is_asked = |id: &&str| ERASURES.iter().any(|begin| id.starts_with(begin)) || KeepingChange::is_id(id);
            if line.void_id().filter(is_asked).is_none() {
                continue;
            }
            let fact = self.table.get::<StoredFact>(&Key::fact(firm, number)).await?.map(|row| row.value);
            state.note_unkept(number, fact.as_ref());
            if fact.as_ref().and_then(StoredFact::lost).is_some() {
                continue;
            }
            let made = fact.as_ref().and_then(|fact| entry(firm, number, fact).ok());
            let is_same = made.is_some_and(|made| leaf(&made) == logged.leaf);
            state.note_keeping(fact.as_ref(), is_same, Some(&line));
            state.erasures.note(&line, fact.as_ref().filter(|_| is_same), false);
        }
        Ok(())
    }

    /// Compares the facts that are not in the log yet with the index and the bucket. Returns the entries of those up to
    /// number `until`, and the number of such facts.
    pub(super) async fn compare_unlogged(
        &self,
        firm: FirmId,
        after: u64,
        until: u64,
        state: &mut VerifyState,
    ) -> Result<(Vec<Vec<u8>>, u64), VerifyError> {
        let (mut entries, mut count, mut from) = (Vec::new(), 0, after);
        loop {
            let facts = self.read_facts(firm, from, PAGE).await?;
            let Some((last, _)) = facts.last_key_value() else { return Ok((entries, count)) };
            count += facts.len() as u64;
            // What no entry can be made of is not in the log either.
            let made = facts.iter().filter_map(|(number, fact)| Some((*number, entry(firm, *number, fact).ok()?)));
            let made: Vec<(u64, Vec<u8>)> = made.collect();
            for run in made.chunk_by(|(one, _), (next, _)| one + 1 == *next) {
                let first = run[0].0;
                // A number that is not written yet tells of nothing.
                state.claims.resize(usize::try_from(first - 1).unwrap_or_default(), 0);
                let logged = run.iter().map(|(_, entry)| Logged { leaf: leaf(entry), entry: Some(entry.clone()) });
                self.compare_entries(firm, first - 1, &logged.collect::<Vec<_>>(), state).await?;
            }
            let next = after + 1 + entries.len() as u64;
            let follows =
                made.into_iter().zip(next..).take_while(|((number, _), next)| number == next && *number <= until);
            entries.extend(follows.map(|((_, entry), _)| entry));
            from = *last;
        }
    }
}
