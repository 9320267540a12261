//! Intake: dates and contacts as requests say them, stored together with the work that they make, one by one or many at
//! once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    aws::{
        queue::{PushJob, PushQueue, QueueError},
        table::{Key, Row, Table, TableError, Write},
    },
    base::{
        clock::Clock,
        id::{BulkId, EntryId, ExternalId, FirmId, MemberId},
        random::Random,
    },
    firm::{Firm, member::Member},
    push::{
        Bulk, PushChoice, PushWork, TRANSACTION_WRITES_MAX,
        entry::{Entry, EntryContent, EntryDecision},
    },
};

/// Transactions under way side by side.
const TRANSACTIONS_AT_ONCE: usize = 8;
/// Rows in one transaction, where nobody else is in the way.
const TRANSACTION_ROWS_MAX: usize = 20;
/// How long the progress of a bulk can be asked for.
const BULK_KEPT_SECONDS: i64 = 30 * 24 * 3600;

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its path, as in `phones[1].number`; empty for the whole.
    pub field: String,
    /// What belongs there.
    pub reason: String,
}

impl FieldError {
    /// The field, and what belongs there.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// An entry as a request says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry<T> {
    /// The business application's number of this state.
    pub version: Option<u64>,
    /// The members that it is for.
    pub members: Vec<MemberId>,
    /// What it says.
    pub content: T,
}

/// The outcome of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryOutcome {
    /// It was stored, and is on its way to the members.
    Taken,
    /// Nothing changed: it is late, repeated or the same.
    Unchanged,
    /// It was not taken: see `field` and `reason`.
    Refused,
}

/// One row of a bulk.
#[derive(Debug, Clone)]
pub struct BulkRow<T> {
    /// Its external id as the request spells it, if there is one.
    pub external_id: Option<String>,
    /// What is to be stored, or why it can't be.
    pub entry: Result<Entry<T>, FieldError>,
}

/// What one row of a bulk did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// Its external id as the request spells it, if there is one.
    pub external_id: Option<String>,
    /// What it did.
    pub outcome: EntryOutcome,
    /// Why it was refused.
    pub error: Option<FieldError>,
}

/// An intake that failed.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The table did not take or give an item.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The queue did not take a job.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The known entry is not as the request demands.
    #[error("the entry was changed in the meantime")]
    Changed {
        /// Whether it is there.
        is_there: bool,
    },
}

/// A firm with its members: what its requests are judged by.
#[derive(Debug)]
pub struct Roster {
    /// The firm.
    pub firm: Firm,
    /// All its members.
    pub members: HashMap<MemberId, Member>,
}

impl Roster {
    /// The roster of that firm; none if there is no such firm.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId) -> Result<Option<Self>, TableError> {
        let members = table.query_all::<Member>(&Key::member_prefix(firm)).await?;
        let members = members.into_iter().map(|row| (row.value.id, row.value)).collect();
        Ok(Firm::find(table, firm).await?.map(|firm| Self { firm, members }))
    }

    /// The members that the list in `field` names.
    ///
    /// Errors: the first that the firm does not have.
    pub fn named(&self, field: &str, members: &[MemberId]) -> Result<BTreeSet<MemberId>, FieldError> {
        match members.iter().position(|member| !self.members.contains_key(member)) {
            Some(i) => Err(FieldError::new(format!("{field}[{i}]"), "the firm has no such member")),
            None => Ok(members.iter().copied().collect()),
        }
    }

    /// What is to be in a member's Outlook.
    pub fn wish(&self, member: &Member) -> PushChoice {
        PushChoice { push: member.push, language: self.firm.language }
    }

    /// The entry that `new` says, at `now`.
    ///
    /// Errors: the first member that the firm does not have.
    pub fn entry<T>(&self, id: ExternalId, new: NewEntry<T>, now: Timestamp) -> Result<Entry<T>, FieldError> {
        let NewEntry { version, members, content } = new;
        let members = self.named("members", &members)?;
        Ok(Entry { id, revision: version, members, content: Some(content), changed_at: now, expires_at: None })
    }
}

/// A row whose entry could be read, by its place in the request.
struct ReadRow<T> {
    row: usize,
    entry: Entry<T>,
}

/// What a transaction stored: the outcome of each row, and how many copies each member waits for.
struct StoredRows {
    outcomes: Vec<(usize, EntryOutcome)>,
    waiting: BTreeMap<MemberId, u64>,
}

/// What intake works with.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// State.
    pub table: &'a Table,
    /// Jobs that name members.
    pub queue: &'a PushQueue,
    /// The time.
    pub clock: &'a Clock,
    /// Randomness.
    pub random: &'a Random,
}

impl Intake<'_> {
    /// Queues a look at what each of these members' Outlook shall show.
    ///
    /// Errors: the first job that could not be queued.
    pub async fn wake(&self, firm: FirmId, members: impl Iterator<Item = &MemberId>) -> Result<(), QueueError> {
        let cause = self.random.uuid();
        tracing::info!(firm.id = %firm, %cause, "members are to be looked at");
        for member in members {
            self.queue.send(&PushJob { firm, member: *member, sent_at: self.clock.now(), cause }).await?;
        }
        Ok(())
    }

    /// Stores an entry that is newer than the known one, and queues a look at each Outlook that changes by it. Returns
    /// the entry before and after. `may`: checks a precondition on the stored entry.
    ///
    /// Errors: a conflict, where others changed the entry at each try.
    pub async fn put<T: EntryContent>(
        &self,
        firm: FirmId,
        entry: Entry<T>,
        may: impl Fn(Option<&Entry<T>>) -> bool + Send + Sync,
    ) -> Result<(Option<Entry<T>>, Entry<T>), IntakeError> {
        let mut tries = self.table.tries();
        loop {
            let known = Entry::<T>::find(self.table, firm, &entry.id).await?;
            let before = known.as_ref().map(|row| row.value.clone());
            let there = before.as_ref().filter(|before| before.content.is_some());
            if !may(there) {
                return Err(IntakeError::Changed { is_there: there.is_some() });
            }
            let (next, members) = match entry.clone().after(before.as_ref()) {
                EntryDecision::Nothing => {
                    let now = before.clone().unwrap_or(entry);
                    return Ok((before, now));
                }
                EntryDecision::Store(next, members) => (next, members),
            };
            let changes = [(known.as_ref(), &next, &members)];
            let (writes, touched) = writes_of(firm, &changes, None, (self.clock.now(), self.random));
            match self.write(writes).await {
                Err(error) if tries.again(&error).await => {}
                written => {
                    written?;
                    self.wake(firm, touched.keys()).await?;
                    return Ok((before, next));
                }
            }
        }
    }

    /// Deletes an entry. What never was is deleted too: with a version, the deletion is remembered.
    ///
    /// Errors: as of [`Intake::put`].
    pub async fn delete<T: EntryContent>(
        &self,
        firm: FirmId,
        id: ExternalId,
        version: Option<u64>,
        may: impl Fn(Option<&Entry<T>>) -> bool + Send + Sync,
    ) -> Result<(), IntakeError> {
        // Without a number there is nothing that a later put would be held against.
        if version.is_none() && Entry::<T>::find(self.table, firm, &id).await?.is_none() {
            return if may(None) { Ok(()) } else { Err(IntakeError::Changed { is_there: false }) };
        }
        self.put(firm, Entry::<T>::deleted(id, version, self.clock.now()), may).await.map(drop)
    }

    /// The rows that add members to known entries, or take them away.
    ///
    /// Errors: the table; a row with no such entry is refused by itself.
    pub async fn member_rows<T: EntryContent>(
        &self,
        firm: FirmId,
        external_ids: Vec<String>,
        (add, remove): (&BTreeSet<MemberId>, &BTreeSet<MemberId>),
    ) -> Result<Vec<BulkRow<T>>, TableError> {
        let parsed: Vec<Option<ExternalId>> = external_ids.iter().map(|id| id.parse().ok()).collect();
        let keys: BTreeSet<&ExternalId> = parsed.iter().flatten().collect();
        let keys: Vec<Key> = keys.into_iter().map(|id| Key::entry(firm, T::KIND, id)).collect();
        let known = self.table.get_all::<Entry<T>>(&keys).await?;
        let known: HashMap<ExternalId, Entry<T>> =
            known.into_iter().map(|row| (row.value.id.clone(), row.value)).collect();
        let now = self.clock.now();
        let entry = |row: usize, id: Option<ExternalId>| {
            let found = id.and_then(|id| known.get(&id)).filter(|entry| entry.content.is_some());
            let entry = found.ok_or_else(|| {
                FieldError::new(format!("entries[{row}]"), format!("there is no such {}", T::KIND.name()))
            })?;
            let members = entry.members.union(add).filter(|member| !remove.contains(member)).copied().collect();
            // Whom it is for has no version of its own.
            Ok(Entry { members, revision: None, changed_at: now, ..entry.clone() })
        };
        let rows = external_ids.into_iter().zip(parsed).enumerate();
        let rows = rows.map(|(row, (id, parsed))| BulkRow { external_id: Some(id), entry: entry(row, parsed) });
        Ok(rows.collect())
    }

    /// Takes many rows. Each is judged by itself: the good ones are stored, whatever is wrong with others. Every member
    /// whose Outlook changes is looked at once. The outcomes are in the order of the rows.
    ///
    /// Errors: a conflict, where others changed the same entries at each try; rows before it may be stored.
    pub async fn bulk<T: EntryContent>(
        &self,
        roster: &Roster,
        rows: Vec<BulkRow<T>>,
    ) -> Result<(Bulk, Vec<RowOutcome>), IntakeError> {
        let firm = roster.firm.id;
        let bulk = BulkId::draw(self.random);
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut good = Vec::new();
        for (row, BulkRow { external_id, entry }) in rows.into_iter().enumerate() {
            let error = match entry {
                Ok(entry) => {
                    good.push(ReadRow { row, entry });
                    None
                }
                Err(error) => Some(error),
            };
            outcomes.push(RowOutcome { external_id, outcome: EntryOutcome::Refused, error });
        }
        let mut waiting = BTreeMap::<MemberId, u64>::new();
        for turn in turns(good) {
            let stored = chunks(turn, roster.members.len()).into_iter().map(|chunk| self.store_rows(firm, bulk, chunk));
            let stored: Vec<_> = stored.collect();
            let stored: Vec<_> = futures::stream::iter(stored).buffer_unordered(TRANSACTIONS_AT_ONCE).collect().await;
            let mut failed = None;
            for stored in stored {
                match stored {
                    Ok(StoredRows { outcomes: of_rows, waiting: of_members }) => {
                        for (row, outcome) in of_rows {
                            outcomes[row].outcome = outcome;
                        }
                        for (member, entries) in of_members {
                            *waiting.entry(member).or_default() += entries;
                        }
                    }
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                // The other rows are stored. If they are sent again, they are unchanged, and nobody would be woken.
                self.wake(firm, waiting.keys()).await?;
                return Err(error.into());
            }
        }
        let count = |outcome| outcomes.iter().filter(|row| row.outcome == outcome).count() as u64;
        let (taken, unchanged) = (count(EntryOutcome::Taken), count(EntryOutcome::Unchanged));
        let (rows, refused) = (outcomes.len() as u64, count(EntryOutcome::Refused));
        let at = self.clock.now();
        let expires_at = at.as_second() + BULK_KEPT_SECONDS;
        let progress = Bulk { id: bulk, rows, taken, unchanged, refused, waiting, at, expires_at };
        self.table.write(Write::insert(Key::bulk(firm, bulk), &progress)).await?;
        self.wake(firm, progress.waiting.keys()).await?;
        tracing::info!(firm.id = %firm, bulk.id = %bulk, taken, unchanged, refused, "a bulk was taken");
        Ok((progress, outcomes))
    }

    /// Stores some rows in one transaction; where another changes one of them at the same time, it is tried again.
    async fn store_rows<T: EntryContent>(
        &self,
        firm: FirmId,
        bulk: BulkId,
        rows: Vec<ReadRow<T>>,
    ) -> Result<StoredRows, TableError> {
        let keys: Vec<Key> = rows.iter().map(|read| Key::entry(firm, T::KIND, &read.entry.id)).collect();
        let mut tries = self.table.tries();
        loop {
            let known = self.table.get_all::<Entry<T>>(&keys).await?;
            let known: HashMap<ExternalId, Row<Entry<T>>> =
                known.into_iter().map(|row| (row.value.id.clone(), row)).collect();
            let mut outcomes = Vec::with_capacity(rows.len());
            let mut changes = Vec::new();
            for ReadRow { row, entry } in &rows {
                let known = known.get(&entry.id);
                match entry.clone().after(known.map(|row| &row.value)) {
                    EntryDecision::Nothing => outcomes.push((*row, EntryOutcome::Unchanged)),
                    EntryDecision::Store(next, members) => {
                        outcomes.push((*row, EntryOutcome::Taken));
                        changes.push((known, next, members));
                    }
                }
            }
            let changes: Vec<_> = changes.iter().map(|(known, next, members)| (*known, next, members)).collect();
            let (writes, touched) = writes_of(firm, &changes, Some(bulk), (self.clock.now(), self.random));
            match self.write(writes).await {
                Err(error) if tries.again(&error).await => {}
                written => {
                    written?;
                    let waiting = touched.into_iter().map(|(member, entries)| (member, entries.len() as u64));
                    return Ok(StoredRows { outcomes, waiting: waiting.collect() });
                }
            }
        }
    }

    /// Writes the entries first. If the members do not fit into one transaction and the function dies in between, the
    /// next comparison finds what is missing.
    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            self.table.transact(writes.by_ref().take(TRANSACTION_WRITES_MAX).collect()).await?;
        }
        Ok(())
    }
}

/// Splits the rows into turns, so that rows of the same entry are in different turns and are stored in order. Within a
/// turn, rows for the same members come together: then a transaction makes few items of work, and each fills a batch.
fn turns<T>(rows: Vec<ReadRow<T>>) -> Vec<Vec<ReadRow<T>>> {
    let mut turns: Vec<Vec<ReadRow<T>>> = Vec::new();
    let mut seen: HashMap<ExternalId, usize> = HashMap::new();
    for read in rows {
        let turn = seen.entry(read.entry.id.clone()).and_modify(|turn| *turn += 1).or_insert(0);
        if turns.len() <= *turn {
            turns.push(Vec::new());
        }
        turns[*turn].push(read);
    }
    for turn in &mut turns {
        turn.sort_by(|one, other| one.entry.members.cmp(&other.entry.members));
    }
    turns
}

/// As many rows as fit into one transaction with work for every member.
fn chunks<T>(mut rows: Vec<ReadRow<T>>, members: usize) -> Vec<Vec<ReadRow<T>>> {
    let size = TRANSACTION_WRITES_MAX.saturating_sub(members).clamp(1, TRANSACTION_ROWS_MAX);
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        chunks.push(std::mem::replace(&mut rows, rest));
    }
    chunks
}

/// What is to be stored: the known entry, the one that is said now, and the members whose Outlook may change by it.
type EntryChange<'a, T> = (Option<&'a Row<Entry<T>>>, &'a Entry<T>, &'a BTreeSet<MemberId>);

/// The writes that store `changes` together with the work that they make; and the entries that each member's Outlook
/// waits for.
fn writes_of<T: EntryContent>(
    firm: FirmId,
    changes: &[EntryChange<'_, T>],
    bulk: Option<BulkId>,
    at: (Timestamp, &Random),
) -> (Vec<Write>, BTreeMap<MemberId, Vec<EntryId>>) {
    let mut touched = BTreeMap::<MemberId, Vec<EntryId>>::new();
    let mut writes = Vec::new();
    for (known, entry, members) in changes {
        writes.push(match known {
            Some(row) => Write::replace(&(*row).clone().with((*entry).clone())),
            None => Write::insert(Key::entry(firm, T::KIND, &entry.id), *entry),
        });
        for member in *members {
            touched.entry(*member).or_default().push(EntryId { kind: T::KIND, external: entry.id.clone() });
        }
    }
    for (member, entries) in &touched {
        let items = PushWork::items(firm, *member, entries, bulk, at);
        writes.extend(items.iter().map(|row| Write::insert(row.key.clone(), &row.value)));
    }
    (writes, touched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::contact::Contact;

    fn rows(ids: &[&str]) -> Vec<ReadRow<Contact>> {
        let entry = |id: &&str| Entry::<Contact>::deleted(id.parse().unwrap(), None, Timestamp::UNIX_EPOCH);
        ids.iter().map(entry).enumerate().map(|(row, entry)| ReadRow { row, entry }).collect()
    }

    fn places(turns: &[Vec<ReadRow<Contact>>]) -> Vec<Vec<usize>> {
        turns.iter().map(|turn| turn.iter().map(|read| read.row).collect()).collect()
    }

    #[test]
    fn rows_about_one_entry_are_taken_in_their_order_and_never_in_one_turn() {
        assert_eq!(places(&turns(rows(&["a", "b", "a", "c", "a"]))), [vec![0, 1, 3], vec![2], vec![4]]);
    }

    #[test]
    fn a_transaction_has_room_for_the_work_of_every_member() {
        let ids: Vec<String> = (0..45).map(|n| n.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let sizes = |members| chunks(rows(&ids), members).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(3), [20, 20, 5]);
        assert_eq!(sizes(70), [20, 20, 5]);
        assert_eq!(sizes(98)[0], 2);
        assert_eq!(sizes(500), vec![1; 45]);
    }
}
