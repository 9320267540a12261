//! What the first delta round of a folder saw.
//!
//! The first round of a folder is its baseline: the mails in it are not archived. Each is remembered by eight bytes, so
//! that an older mail that shows up later can be told from one that was moved in. Neither dates nor Graph's
//! `changeType` are used for this.

use std::collections::{BTreeSet, HashSet};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, FolderId, ImmutableId, MailboxId},
};

/// Eight bytes of a digest of the id: a million mails take 8 MB, and two of them collide once in 37 million mailboxes.
pub(crate) type IdFingerprint = [u8; 8];

pub(crate) fn fingerprint(id: &ImmutableId) -> IdFingerprint {
    let mut print = IdFingerprint::default();
    print.copy_from_slice(&Sha256::digest(id.as_str())[..8]);
    print
}

/// One page of what a folder's baseline saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselinePage {
    prints: String,
    /// Which reading of the whole folder saw them.
    #[serde(default)]
    reading: u32,
}

impl BaselinePage {
    /// Of these mails.
    pub fn of<'a>(ids: impl IntoIterator<Item = &'a ImmutableId>) -> Self {
        Self::from_prints(&ids.into_iter().map(fingerprint).collect())
    }

    /// This page, recorded as seen by full reading number `reading`.
    pub fn seen_by(self, reading: u32) -> Self {
        Self { reading, ..self }
    }

    fn from_prints(prints: &BTreeSet<IdFingerprint>) -> Self {
        let bytes: Vec<u8> = prints.iter().flatten().copied().collect();
        Self { prints: BASE64_STANDARD_NO_PAD.encode(bytes), reading: 0 }
    }

    pub(crate) fn with(&self, other: &Self) -> Self {
        Self::from_prints(&self.prints().union(&other.prints()).copied().collect())
    }

    pub(crate) fn prints(&self) -> BTreeSet<IdFingerprint> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(&self.prints).unwrap_or_default();
        bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok()).collect()
    }
}

/// All that a folder's baseline saw, read only when an older mail shows up or leaves.
#[derive(Debug)]
pub struct Baseline {
    pages: Vec<Row<BaselinePage>>,
    prints: HashSet<IdFingerprint>,
}

impl Baseline {
    /// Reads it whole. A mail that the last complete reading of the folder, number `since`, did not list has left it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn load(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        folder: &FolderId,
        since: u32,
    ) -> Result<Self, TableError> {
        let mut pages: Vec<Row<BaselinePage>> = table.query_all(&Key::baseline_prefix(firm, mailbox, folder)).await?;
        pages.retain(|page| page.value.reading >= since);
        let prints = pages.iter().flat_map(|page| page.value.prints()).collect();
        Ok(Self { pages, prints })
    }

    /// Remembers the mails of a page that is being taken in.
    pub fn add<'a>(&mut self, ids: impl IntoIterator<Item = &'a ImmutableId>) {
        self.prints.extend(ids.into_iter().map(fingerprint));
    }

    /// Whether the baseline saw this mail, and it has not left the folder since.
    pub fn saw(&self, id: &ImmutableId) -> bool {
        self.prints.contains(&fingerprint(id))
    }

    /// Forgets mails that left the folder: moved in again, they are to be kept.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn forget<'a>(
        &mut self,
        table: &Table,
        left: impl IntoIterator<Item = &'a ImmutableId>,
    ) -> Result<(), TableError> {
        let left: BTreeSet<IdFingerprint> =
            left.into_iter().map(fingerprint).filter(|p| self.prints.remove(p)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for page in &mut self.pages {
            let prints = page.value.prints();
            let rest: BTreeSet<IdFingerprint> = prints.difference(&left).copied().collect();
            if rest.len() < prints.len() {
                page.value = BaselinePage::from_prints(&rest).seen_by(page.value.reading);
                table.write(Write::replace(page)).await?;
                page.written();
            }
        }
        Ok(())
    }
}

/// Removes what readings of the whole folder before number `since` saw.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn forget_before(
    table: &Table,
    firm: FirmId,
    mailbox: MailboxId,
    folder: &FolderId,
    since: u32,
) -> Result<(), TableError> {
    let mut pages: Vec<Row<BaselinePage>> = table.query_all(&Key::baseline_prefix(firm, mailbox, folder)).await?;
    pages.retain(|page| page.value.reading < since);
    table.remove_all(&pages).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_remembers_what_it_saw() {
        let ids: Vec<ImmutableId> = (0..50).map(|i| format!("id{i}").parse().unwrap()).collect();
        let page = BaselinePage::of(&ids);
        let again: BaselinePage = serde_json::from_value(serde_json::to_value(&page).unwrap()).unwrap();
        assert_eq!(again.prints().len(), 50);
        assert!(again.prints().contains(&fingerprint(&ids[7])));
    }
}
