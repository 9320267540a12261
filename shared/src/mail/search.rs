//! Search: a firm's messages, found through its feed or through a dossier, the last registered first.

use std::collections::HashMap;

use crate::{
    aws::table::{Key, Table},
    base::id::{FirmId, MailboxId, MessageId},
    firm::feed::{Feed, FeedError, Numbered, What},
    mail::{
        filing::Filed,
        message::{Message, State},
    },
};

/// Numbers looked at in one step of a search.
const PER_STEP: usize = 100;
/// Steps of one search: one that finds little ends here, and goes on with `next`.
const STEPS_MAX: usize = 20;

/// What a search is narrowed to.
#[derive(Debug, Default)]
pub struct MessageFilter {
    mailbox: Option<MailboxId>,
    /// In lower case.
    from: Option<String>,
    /// In lower case.
    subject: Option<String>,
    dossier: Option<String>,
}

/// What a search found.
#[derive(Debug)]
pub struct FoundMessages<T> {
    /// Shown messages, the last registered first.
    pub items: Vec<T>,
    /// The number below which to go on; none at the end.
    pub next: Option<u64>,
}

impl MessageFilter {
    /// Messages of this mailbox, from this address, with this text in the subject, filed to this dossier. Case does not
    /// matter in addresses and subjects.
    pub fn new(
        mailbox: Option<MailboxId>,
        from: Option<String>,
        subject: Option<String>,
        dossier: Option<String>,
    ) -> Self {
        let lower = |text: String| text.to_lowercase();
        Self { mailbox, from: from.map(lower), subject: subject.map(lower), dossier }
    }

    /// All messages of this mailbox.
    pub fn of(mailbox: MailboxId) -> Self {
        Self { mailbox: Some(mailbox), ..Self::default() }
    }

    fn admits(&self, mailbox: MailboxId, from: Option<&str>, subject: &str) -> bool {
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
            && self.from.as_ref().is_none_or(|wanted| from.is_some_and(|from| from.to_lowercase() == *wanted))
            && self.subject.as_ref().is_none_or(|wanted| subject.to_lowercase().contains(wanted))
    }

    /// The message that a fact is about, unless the fact alone shows that it is not wanted.
    fn candidate(&self, fact: &What) -> Option<MessageId> {
        match fact {
            What::MessageArchived { mailbox, message, from, subject, .. } => {
                self.admits(*mailbox, from.as_deref(), subject).then_some(*message)
            }
            What::MessageFailed { mailbox, message, .. } | What::MessageGone { mailbox, message, .. } => {
                self.mailbox.is_none_or(|wanted| wanted == *mailbox).then_some(*message)
            }
            _ => None,
        }
    }

    /// The next numbers of the firm's registry below `before`, each with the message that may be wanted under it.
    async fn step(
        &self,
        (table, feed): (&Table, &Feed),
        firm: FirmId,
        before: u64,
    ) -> Result<Vec<(u64, Option<MessageId>)>, FeedError> {
        if let Some(dossier) = &self.dossier {
            let edge = Key::filed(firm, dossier, before);
            let filed = table.numbered::<Filed>(&edge, false, PER_STEP).await?;
            return Ok(filed.into_iter().map(|(number, filed)| (number, Some(filed.message))).collect());
        }
        let facts = feed.before(firm, before, PER_STEP).await?;
        let candidate = |Numbered { number, fact }: Numbered| (number, self.candidate(&fact.what));
        Ok(facts.into_iter().map(candidate).collect())
    }

    /// The wanted ones of these messages, by the number under which they are listed.
    async fn wanted(
        &self,
        table: &Table,
        firm: FirmId,
        step: &[(u64, Option<MessageId>)],
    ) -> Result<HashMap<u64, Message>, FeedError> {
        let mut keys: Vec<Key> = step.iter().filter_map(|(_, id)| Some(Key::message(firm, (*id)?))).collect();
        keys.sort_by_key(Key::to_string);
        // A message may have failed and been archived within the same step, and BatchGetItem takes a key once.
        keys.dedup();
        let rows = table.get_all::<Message>(&keys).await?;
        let wanted = rows.into_iter().map(|row| row.value).filter_map(|message| {
            let number = self.listed_under(&message)?;
            self.admits(message.id.mailbox, message.from.as_deref(), &message.subject).then_some((number, message))
        });
        Ok(wanted.collect())
    }

    /// The one number under which a message is listed: of its filing to the dossier, or of the last fact about its
    /// state.
    fn listed_under(&self, message: &Message) -> Option<u64> {
        match (&self.dossier, &message.state) {
            (Some(dossier), _) => {
                message.filing.as_ref().filter(|last| last.dossier.as_ref() == Some(dossier)).map(|last| last.number)
            }
            (None, State::Failed(failure)) => Some(failure.number),
            (None, State::Gone { number, .. }) => Some(*number),
            (None, _) => message.original().map(|original| original.number),
        }
    }

    /// What `show` makes of the wanted messages below the number `after`, at most `limit`. A search looks at 2,000
    /// numbers of the firm's registry at most: it may find fewer, or none, with more to come.
    ///
    /// Errors: the table.
    pub async fn search<T>(
        &self,
        registry: (&Table, &Feed),
        firm: FirmId,
        after: Option<u64>,
        limit: usize,
        show: impl Fn(Message) -> Option<T>,
    ) -> Result<FoundMessages<T>, FeedError> {
        let mut reached = after.unwrap_or(u64::MAX);
        let mut items = Vec::new();
        for _ in 0..STEPS_MAX {
            let step = self.step(registry, firm, reached).await?;
            let mut messages = self.wanted(registry.0, firm, &step).await?;
            for (number, _) in &step {
                reached = *number;
                items.extend(messages.remove(number).and_then(&show));
                if items.len() == limit {
                    return Ok(FoundMessages { items, next: Some(reached) });
                }
            }
            if step.len() < PER_STEP {
                return Ok(FoundMessages { items, next: None });
            }
        }
        Ok(FoundMessages { items, next: Some(reached) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_no_notice_of_case_and_needs_a_sender_to_compare() {
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let filter = MessageFilter::new(None, Some("ada@X.example".into()), Some("Überweisung".into()), None);
        assert!(filter.admits(mailbox, Some("Ada@X.example"), "WG: ÜBERWEISUNG 7"));
        assert!(!filter.admits(mailbox, None, "Überweisung"));
        assert!(!filter.admits(mailbox, Some("ada@x.example"), "Rechnung"));
        let other = "00000000-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        assert!(!MessageFilter::of(other).admits(mailbox, None, ""));
    }
}
