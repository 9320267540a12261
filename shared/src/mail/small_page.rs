//! Delta pages with at most four mails: most pages, because most mails come alone.
//!
//! The folder's item holds what such a page found (`FolderState::fresh`), written together with the folder's link by
//! one plain write. The round that works at it settles it with its own findings, in the one write of `SyncState` with
//! which it ends: that counts the mails, and says up to which page of the folder all is settled. So a lone mail costs
//! neither an item of work nor a transaction. A round that was killed leaves the page unsettled, and the next one goes
//! on with it. What is left open when a round ends becomes an item of work as any other.
//!
//! A page is settled once: [`SettledPages`] stores the number of the last settled page, and is replaced by a
//! conditional write. So a folder has one such page at a time: while it is not settled, the next one makes items of
//! work.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    base::id::{FolderId, MessageId},
    mail::{
        mailbox_progress::Progress,
        work::{Work, WorkOutcome},
    },
};

/// Mails that a page may bring at most.
pub const SMALL_PAGE_MAILS_MAX: usize = 4;
/// Folders that are remembered: more would make each write of the item dearer.
const SETTLED_FOLDERS_MAX: usize = 16;

/// What a page found that brought few mails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallPage {
    /// How many pages of the folder were committed before it.
    pub number: u64,
    /// The mails with steps ahead: the local halves of their ids.
    things: Vec<String>,
    /// What it changes in the counts.
    #[serde(default, skip_serializing_if = "Progress::is_zero")]
    counts: Progress,
}

impl SmallPage {
    /// A page that is being committed after `number` others.
    pub fn new(number: u64, messages: &[MessageId], counts: Progress) -> Self {
        Self { number, things: messages.iter().map(MessageId::local).collect(), counts }
    }

    /// Its work.
    pub fn work(&self) -> Work {
        Work::new(self.things.clone())
    }

    /// Whether the mail is one of it.
    pub fn holds(&self, message: MessageId) -> bool {
        self.things.contains(&message.local())
    }

    /// The work that is left of it, and the counts. `fate` gives each mail's outcome; without one a mail stays open.
    /// Pure.
    pub fn settled(&self, fate: impl Fn(&str) -> Option<WorkOutcome>) -> (Option<Work>, Progress) {
        let fates: Vec<(String, WorkOutcome)> =
            self.things.iter().map(|thing| (thing.clone(), fate(thing).unwrap_or(WorkOutcome::Open))).collect();
        let (left, settled) = self.work().left_after(&fates);
        (left, self.counts + Progress::from(settled))
    }
}

/// Up to which page the folders of a mailbox are settled, by a digest of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SettledPages(BTreeMap<String, u64>);

impl SettledPages {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the page is settled.
    pub fn has(&self, folder: &FolderId, page: &SmallPage) -> bool {
        self.0.get(&digest(folder)).is_some_and(|number| *number >= page.number)
    }

    /// Whether the page of a folder that is committed after `number` others can be one.
    pub fn admits(&self, folder: &FolderId, number: u64) -> bool {
        match self.0.get(&digest(folder)) {
            // A folder that was forgotten begins with number 0 if it comes again.
            Some(settled) => number > *settled,
            None => self.0.len() < SETTLED_FOLDERS_MAX,
        }
    }

    /// Notes that the page is settled; false if it was.
    pub fn note(&mut self, folder: &FolderId, page: &SmallPage) -> bool {
        let is_new = !self.has(folder, page);
        if is_new {
            self.0.insert(digest(folder), page.number);
        }
        is_new
    }
}

/// Eight characters: of a mailbox's folders two collide once in some ten billion mailboxes.
fn digest(folder: &FolderId) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(folder.as_str())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{id::MailboxId, random::Random};

    fn page(number: u64) -> (SmallPage, Vec<MessageId>) {
        let mailbox = MailboxId::draw(&Random::seeded(1));
        let ids: Vec<MessageId> = (0..2).map(|i| MessageId::of(mailbox, &format!("m{i}").parse().unwrap())).collect();
        (SmallPage::new(number, &ids, Progress { discovered: 2, ..Progress::default() }), ids)
    }

    #[test]
    fn a_page_is_settled_once_and_a_later_one_of_the_folder_again() {
        let (inbox, sent): (FolderId, FolderId) = ("inbox".parse().unwrap(), "sent".parse().unwrap());
        let mut settled = SettledPages::default();
        assert!(settled.note(&inbox, &page(7).0) && !settled.note(&inbox, &page(7).0));
        assert!(settled.has(&inbox, &page(6).0) && !settled.has(&inbox, &page(8).0) && !settled.has(&sent, &page(0).0));
        assert!(settled.note(&inbox, &page(8).0) && settled.note(&sent, &page(0).0));
    }

    #[test]
    fn what_nothing_became_of_is_left_as_work_and_the_rest_is_counted() {
        let (page, ids) = page(0);
        let first = ids[0].local();
        let (left, counted) = page.settled(|thing| (thing == first).then_some(WorkOutcome::Done));
        assert_eq!(left.unwrap().things(), [ids[1].local()]);
        assert_eq!(counted, Progress { discovered: 2, archived: 1, ..Progress::default() });
        let (left, counted) = page.settled(|_| Some(WorkOutcome::Gone));
        assert_eq!((left, counted.gone), (None, 2));
    }

    #[test]
    fn a_mailbox_remembers_a_bounded_number_of_folders() {
        let mut settled = SettledPages::default();
        for n in 0..SETTLED_FOLDERS_MAX {
            let folder = format!("f{n}").parse().unwrap();
            assert!(settled.admits(&folder, 1) && settled.note(&folder, &page(1).0));
        }
        let (known, another): (FolderId, FolderId) = ("f3".parse().unwrap(), "another".parse().unwrap());
        assert!(settled.admits(&known, 2) && !settled.admits(&another, 2));
        assert!(!settled.admits(&known, 1), "it began anew");
    }
}
