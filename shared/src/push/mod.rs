//! Push (what the business application says, present in each member's Outlook exactly once); uses `base`, `aws`,
//! `graph`, `problem`, `firm`, `reading` and `mail`.
//!
//! An entry (`entry`) is the truth. For each entry and member there is a [copy](struct@Copy): what was pushed, where it
//! lies, and what went wrong. An entry that changes makes [`PushWork`] for its members, in the transaction that stores
//! it; a round takes a member's work, brings every copy nearer to the truth step by step ([`Copy::next_step`]), and
//! settles work and copies in one transaction. Whatever is killed in between, the next round finds the work again, and
//! by [`PushWork::began`] looks for what the one before may have made. Slowly, both sides are compared ([`compare`]);
//! what differs is work like any other.

mod compare;
pub mod contact;
mod copy;
pub mod date;
pub mod entry;
pub mod intake;
mod news;
mod outbox;
mod outlook;
pub mod preview;
pub mod proposal;

pub use compare::{Difference, SeenItems, Verdict, WantedItem, WantedItems, compare};
pub use copy::{Copy, CopyFailure, CopyState, LeftoverItem, Placed};
pub use news::{PushNews, ToldProblem};
pub use outbox::{Failing, Outbox};
pub use outlook::{Outlook, PushLinks};

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::{Key, Row, Write, sortable},
    base::{
        id::{BulkId, EntryId, EntryKind, FirmId, MemberId},
        language::Language,
        random::Random,
    },
    firm::member::{DateTarget, Push},
    graph::{OutlookItem, OutlookItemKind},
    mail::work::{Settled, WORK_THINGS_MAX, Work},
    push::{contact::Contact, date::Date, entry::Entry},
};

/// Writes in one transaction of DynamoDB.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub const TRANSACTION_WRITES_MAX: usize = 100;

/// Entries whose copies for one member have steps ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushWork {
    /// The entries, as [`EntryId`] spells them.
    pub work: Work,
    /// Set before anything is made. A round that finds it set looks for what may be there already.
    pub began: bool,
    /// The bulk that it came with.
    pub bulk: Option<BulkId>,
}

impl PushWork {
    /// Work for `entries`, all of one kind, in items of [`WORK_THINGS_MAX`]: earlier work comes first.
    pub fn items(
        firm: FirmId,
        member: MemberId,
        entries: &[EntryId],
        bulk: Option<BulkId>,
        (now, random): (Timestamp, &Random),
    ) -> Vec<Row<Self>> {
        let items = entries.chunks(WORK_THINGS_MAX).map(|chunk| {
            let work = Work::new(chunk.iter().map(EntryId::to_string).collect());
            let key = Key::push_work(firm, member, &format!("{}#{}", sortable(now), random.uuid()));
            Row::inserted(key, Self { work, began: false, bulk })
        });
        items.collect()
    }

    /// The entries.
    pub fn entries(&self) -> Vec<EntryId> {
        self.work.things().iter().filter_map(|thing| thing.parse().ok()).collect()
    }

    /// The entries that are not as they shall be yet; the others are only looked for once more.
    pub fn waiting(&self) -> Vec<EntryId> {
        let waiting = self.work.things().iter().filter(|thing| !self.work.is_kept(thing));
        waiting.filter_map(|thing| thing.parse().ok()).collect()
    }

    /// What its entries are: an item of work is about one kind.
    pub fn kind(&self) -> Option<EntryKind> {
        self.entries().first().map(|entry| entry.kind)
    }
}

/// What is to be in a member's Outlook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushChoice {
    /// The member's switches; none for nothing.
    pub push: Option<Push>,
    /// The language of categories.
    pub language: Language,
}

impl PushChoice {
    /// Nothing at all.
    pub fn nothing(language: Language) -> Self {
        Self { push: None, language }
    }

    /// Where entries of that kind go; none where they are switched off.
    pub fn place(&self, kind: EntryKind) -> Option<OutlookItemKind> {
        let push = self.push?;
        match kind {
            EntryKind::Date => push.dates.then_some(match push.target {
                DateTarget::Calendar => OutlookItemKind::Event,
                DateTarget::Todo => OutlookItemKind::Task,
            }),
            EntryKind::Contact => push.contacts.then_some(OutlookItemKind::Contact),
        }
    }

    /// How a date shall show in the Outlook of `member`; none where it shall not be there.
    pub fn date(&self, member: MemberId, entry: Option<&Entry<Date>>) -> Option<OutlookItem> {
        let push = self.push.filter(|push| push.dates)?;
        Some(content_for(member, entry)?.item(push.target, self.language))
    }

    /// What Outlook should have of a contact for this member; none if nothing.
    pub fn contact(&self, member: MemberId, entry: Option<&Entry<Contact>>) -> Option<OutlookItem> {
        self.push.filter(|push| push.contacts)?;
        Some(content_for(member, entry)?.item(self.language))
    }
}

fn content_for<T>(member: MemberId, entry: Option<&Entry<T>>) -> Option<&T> {
    entry.filter(|entry| entry.members.contains(&member))?.content.as_ref()
}

/// The key by which a pushed item is found in Microsoft 365. It does not tell whose item it is.
pub fn item_tag(firm: FirmId, member: MemberId, entry: &EntryId) -> String {
    tag_of(Sha256::new().chain_update(firm.as_bytes()).chain_update(member.as_bytes()), &entry.to_string())
}

/// The key of the firm's contact folder, in whomever's Outlook.
pub fn folder_tag(firm: FirmId) -> String {
    tag_of(Sha256::new().chain_update(firm.as_bytes()), "contact folder")
}

fn tag_of(whose: Sha256, what: &str) -> String {
    hex::encode(&whose.chain_update(what).finalize()[..16])
}

/// Many rows that came in one request: how far they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    /// Its id.
    pub id: BulkId,
    /// Rows in all.
    pub rows: u64,
    /// Rows that were stored.
    pub taken: u64,
    /// Rows that were late, repeated or the same.
    pub unchanged: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// How many copies each member waits for.
    pub waiting: BTreeMap<MemberId, u64>,
    /// When it came.
    pub at: Timestamp,
    /// When it is forgotten, in seconds since 1970.
    pub expires_at: i64,
}

/// How far one member is with a bulk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkProgress {
    /// Copies that are up to date in Outlook.
    pub done: i64,
    /// Copies that failed, and wait for another try or for a person.
    pub failed: i64,
}

impl BulkProgress {
    /// The write that adds `settled`, if it changes anything.
    pub fn add(firm: FirmId, member: MemberId, bulk: Option<BulkId>, settled: Settled) -> Option<Write> {
        let counters = [("done", settled.done), ("failed", settled.failed)];
        let counters: Vec<_> =
            counters.into_iter().filter(|(_, by)| *by != 0).map(|(n, by)| (n.to_owned(), by)).collect();
        let bulk = bulk.filter(|_| !counters.is_empty())?;
        Some(Write::add(Key::bulk_progress(firm, member, bulk), counters))
    }
}

/// Every place in which entries of a kind may lie.
pub fn places(kind: EntryKind) -> BTreeSet<OutlookItemKind> {
    match kind {
        EntryKind::Date => BTreeSet::from([OutlookItemKind::Event, OutlookItemKind::Task]),
        EntryKind::Contact => BTreeSet::from([OutlookItemKind::Contact]),
    }
}
