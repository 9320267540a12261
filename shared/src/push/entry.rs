//! Entries: dates and contacts of the business application, each with an external id and its members.
//!
//! Dates and contacts are entries with different content. The business application is the master: its last version
//! counts, whatever happens in Microsoft 365.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    aws::table::{Key, Row, Table, TableError},
    base::id::{EntryKind, ExternalId, FirmId, MemberId},
    push::{contact::Contact, date::Date},
};

/// How long a deletion is remembered, so that a late request does not bring back what it deleted.
const DELETION_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What an entry may say.
pub trait EntryContent: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync {
    /// What such an entry is.
    const KIND: EntryKind;
}

impl EntryContent for Date {
    const KIND: EntryKind = EntryKind::Date;
}

impl EntryContent for Contact {
    const KIND: EntryKind = EntryKind::Contact;
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// What the business application calls it.
    pub id: ExternalId,
    /// The business application's number of this state; a lower one is older.
    pub revision: Option<u64>,
    /// The members that it is for.
    pub members: BTreeSet<MemberId>,
    /// What it says; none once it is deleted.
    pub content: Option<T>,
    /// When it was last said.
    pub changed_at: Timestamp,
    /// When its deletion is forgotten, in seconds since 1970.
    pub expires_at: Option<i64>,
}

/// What a request does to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryDecision<T> {
    /// Nothing: it is older than what is known, or the same.
    Nothing,
    /// It is to be stored, and these members' Outlook may change by it.
    Store(Entry<T>, BTreeSet<MemberId>),
}

impl<T: EntryContent> Entry<T> {
    /// The entry of that firm, or its deletion.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: &ExternalId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::entry(firm, T::KIND, id)).await
    }

    /// An entry that was deleted at `at`.
    pub fn deleted(id: ExternalId, revision: Option<u64>, at: Timestamp) -> Self {
        let expires_at = Some((at + DELETION_KEPT).as_second());
        Self { id, revision, members: BTreeSet::new(), content: None, changed_at: at, expires_at }
    }

    /// What `self` does to what is known. A revision that is not higher than the known one is late or repeated.
    pub fn after(mut self, known: Option<&Self>) -> EntryDecision<T> {
        let Some(known) = known else {
            // The deletion of what was never there is remembered too: what it is about may come after it.
            let members = self.members.clone();
            return EntryDecision::Store(self, members);
        };
        if let (Some(new), Some(old)) = (self.revision, known.revision)
            && new <= old
        {
            return EntryDecision::Nothing;
        }
        let (same, newer) = (self.content == known.content, self.revision.is_some());
        self.revision = self.revision.or(known.revision);
        if same && self.members == known.members && !newer {
            return EntryDecision::Nothing;
        }
        let touched = match same {
            true => self.members.symmetric_difference(&known.members).copied().collect(),
            false => self.members.union(&known.members).copied().collect(),
        };
        EntryDecision::Store(self, touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{id::EntryId, random::Random};

    impl EntryContent for String {
        const KIND: EntryKind = EntryKind::Date;
    }

    fn entry(revision: Option<u64>, content: &str, members: &[MemberId]) -> Entry<String> {
        let (id, at) = ("a".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let content = Some(content.to_owned());
        Entry { id, revision, members: members.iter().copied().collect(), content, changed_at: at, expires_at: None }
    }

    #[test]
    fn what_is_late_or_repeated_changes_nothing() {
        let known = entry(Some(5), "new", &[]);
        for late in [4, 5] {
            assert_eq!(entry(Some(late), "old", &[]).after(Some(&known)), EntryDecision::Nothing);
        }
        let EntryDecision::Store(stored, _) = entry(Some(6), "newer", &[]).after(Some(&known)) else {
            panic!("it is new")
        };
        assert_eq!(stored.revision, Some(6));
        // Without a number it is the newest, and does not make the known number forgotten.
        let EntryDecision::Store(stored, _) = entry(None, "newest", &[]).after(Some(&known)) else {
            panic!("it is new")
        };
        assert_eq!(stored.revision, Some(5));
        assert_eq!(entry(None, "new", &[]).after(Some(&known)), EntryDecision::Nothing);
    }

    #[test]
    fn a_late_request_does_not_bring_back_what_was_deleted() {
        let at = Timestamp::UNIX_EPOCH;
        let deletion = Entry::<String>::deleted("a".parse().unwrap(), Some(7), at);
        assert_eq!(entry(Some(6), "x", &[]).after(Some(&deletion)), EntryDecision::Nothing);
        assert!(matches!(entry(Some(8), "x", &[]).after(Some(&deletion)), EntryDecision::Store(..)));
    }

    #[test]
    fn members_are_touched_whose_outlook_changes() {
        let random = Random::seeded(1);
        let [a, b, c] = [(); 3].map(|()| MemberId::draw(&random));
        let known = entry(None, "x", &[a, b]);
        let touched = |next: Entry<String>| match next.after(Some(&known)) {
            EntryDecision::Store(_, touched) => touched,
            EntryDecision::Nothing => BTreeSet::new(),
        };
        assert_eq!(touched(entry(None, "x", &[b, c])), BTreeSet::from([a, c]));
        assert_eq!(touched(entry(None, "y", &[b, c])), BTreeSet::from([a, b, c]));
        assert_eq!(touched(Entry::deleted("a".parse().unwrap(), None, Timestamp::UNIX_EPOCH)), BTreeSet::from([a, b]));
    }

    #[test]
    fn an_entry_id_is_read_back_as_it_was_written() {
        for text in ["date#a", "contact#K#7 é"] {
            assert_eq!(text.parse::<EntryId>().unwrap().to_string(), text);
        }
        assert!("person#a".parse::<EntryId>().is_err());
    }
}
