//! A page of the messages that an erasure by the retention periods found.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Row},
    base::id::{ErasureId, FirmId, MessageId},
    evidence::{
        erasure::{eraser::Eraser, found::ErasedCount, refusal::EraseError},
        log_entry::ARCHIVED,
    },
    firm::{fact::StoredFact, retention::KeptUntil},
    mail::{message::Message, retention_keeper::KeepingRules},
};

/// Facts that are looked at in one go.
const FACTS_PAGE: usize = 500;

/// How far an erasure by the retention periods is: any number of messages may have expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePaging {
    /// The preview looked at the facts up to this number.
    pub after: u64,
    /// The pages that it found.
    pub pages: u64,
    /// What is on the pages that were found, or erased.
    pub count: ErasedCount,
    /// The page that is counted, or erased, next.
    pub next: u64,
}

/// A page of the messages that an erasure by the retention periods found. Confirmed are these, and no later ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureBatch {
    /// What its record is called by.
    pub id: ErasureId,
    /// Those that have expired.
    pub messages: BTreeSet<MessageId>,
    /// Those that are kept longer than the periods say.
    pub shortened: BTreeSet<MessageId>,
}

impl ErasureBatch {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.shortened.is_empty()
    }

    /// Finds the next messages that have expired, and those that are kept longer than the rules say. Returns where to
    /// go on, and whether there may be more.
    pub(super) async fn fill(
        &mut self,
        firm: FirmId,
        rules: &KeepingRules,
        eraser: &Eraser<'_>,
        mut after: u64,
    ) -> Result<(u64, bool), EraseError> {
        let (table, now) = (eraser.table, eraser.clock.now());
        let limit = FACTS_PAGE.min(eraser.page);
        loop {
            if self.messages.len() + self.shortened.len() + limit > eraser.page {
                return Ok((after, true));
            }
            let facts: Vec<(u64, StoredFact)> = table.numbered(&Key::fact(firm, after), true, limit).await?;
            let Some((last, _)) = facts.last() else { return Ok((after, false)) };
            after = *last;
            let archived = facts.iter().filter(|(_, fact)| fact.text("type") == Some(ARCHIVED));
            let ids = archived.filter_map(|(_, fact)| fact.text("message")?.parse().ok());
            let keys: Vec<Key> = ids.map(|id| Key::message(firm, id)).collect();
            for Row { value: message, .. } in table.get_all::<Message>(&keys).await? {
                let Some(original) = message.original() else { continue };
                let wanted = rules.kept_until(table, &message).await?;
                self.take_in(message.id, original.until, wanted, now);
            }
        }
    }

    /// Takes in a message whose original is kept until `until`, if that is over or longer than `wanted`.
    fn take_in(&mut self, id: MessageId, until: KeptUntil, wanted: Option<KeptUntil>, now: Timestamp) {
        if until.has_ended(now) {
            self.messages.insert(id);
        } else if wanted.is_some_and(|wanted| wanted < until) {
            self.shortened.insert(id);
        }
    }

    /// Leaves out what a hold or Object Lock keeps; what keeps one of these, if anything does.
    pub(super) async fn leave_kept(
        &mut self,
        firm: FirmId,
        eraser: &Eraser<'_>,
    ) -> Result<Option<EraseError>, EraseError> {
        let (messages, kept) = eraser.free_of(firm, std::mem::take(&mut self.messages)).await?;
        let (shortened, also) = eraser.free_of(firm, std::mem::take(&mut self.shortened)).await?;
        (self.messages, self.shortened) = (messages, shortened);
        Ok(kept.or(also))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_what_has_expired_and_what_is_kept_longer_than_is_wanted() {
        let id: MessageId = "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let now = "2027-06-15T12:00:00Z".parse().unwrap();
        let taken = |until, wanted| {
            let mut page = ErasureBatch {
                id: "1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap(),
                messages: BTreeSet::new(),
                shortened: BTreeSet::new(),
            };
            page.take_in(id, until, wanted, now);
            (page.messages.len(), page.shortened.len())
        };
        let (past, soon, later) = (KeptUntil::of_year(2026), KeptUntil::of_year(2027), KeptUntil::of_year(2036));
        assert_eq!(taken(past, Some(later)), (1, 0), "its time is over, whatever is wanted now");
        assert_eq!(taken(later, Some(soon)), (0, 1));
        assert_eq!(taken(KeptUntil::Ever, Some(later)), (0, 1));
        for wanted in [Some(later), Some(KeptUntil::Ever), None] {
            assert_eq!(taken(later, wanted), (0, 0), "{wanted:?}");
        }
    }
}
