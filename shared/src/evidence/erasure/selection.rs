//! Finds the messages of a removal.

use std::collections::BTreeSet;

use crate::{
    base::id::{FirmId, MessageId},
    evidence::erasure::{
        eraser::Eraser,
        order::{ErasureOrder, ErasureTarget, REMOVED_MAX},
        refusal::EraseError,
    },
    firm::feed::FeedError,
    mail::{
        list::{ArchiveFilter, MessageFilter, MessageSource},
        mailbox::Mailbox,
        message::Message,
        rules::{People, Rules},
    },
};

impl ErasureOrder {
    /// Finds the messages of a removal; whether there are more than it takes.
    pub(super) async fn select(&mut self, eraser: &Eraser<'_>) -> Result<bool, EraseError> {
        let archived = MessageFilter { keeping: Some(ArchiveFilter::Archived), ..MessageFilter::default() };
        let (filter, rules) = match &self.target {
            ErasureTarget::Messages { messages } => {
                self.messages.clone_from(messages);
                return Ok(false);
            }
            ErasureTarget::Sender { from, mailbox } => {
                (MessageFilter { from: Some(from.clone()), mailbox: *mailbox, ..archived }, None)
            }
            ErasureTarget::Rules { mailbox } => {
                let found = Mailbox::find(eraser.table, self.firm, *mailbox).await?.ok_or(EraseError::Unknown)?;
                (MessageFilter { mailbox: Some(*mailbox), ..archived }, Some(found.value.rules))
            }
            ErasureTarget::Retention
            | ErasureTarget::Message { .. }
            | ErasureTarget::Mailbox { .. }
            | ErasureTarget::Member { .. }
            | ErasureTarget::Firm => return Ok(false),
        };
        let (found, has_more) = selected(eraser, self.firm, &filter, rules.as_ref()).await?;
        self.messages = found;
        Ok(has_more)
    }
}

/// The wanted messages that the rules, if any are given, would skip; and whether there are more than one removal takes.
async fn selected(
    eraser: &Eraser<'_>,
    firm: FirmId,
    filter: &MessageFilter,
    rules: Option<&Rules>,
) -> Result<(BTreeSet<MessageId>, bool), FeedError> {
    let table = eraser.table;
    let people = match rules {
        Some(rules) => People::of(table, firm, rules).await?,
        None => People::default(),
    };
    let show = |_, message: Message| {
        let (from, domain) = (message.from.as_deref(), message.recipient_domain.as_deref());
        let is_meant = rules.is_none_or(|rules| rules.skips(&people, from, domain).is_some());
        is_meant.then_some(message.id)
    };
    let mut registry = MessageSource { table, feed: eraser.appender.feed, firm, filter };
    let (mut found, mut after) = (BTreeSet::new(), None);
    while found.len() < REMOVED_MAX {
        let room = REMOVED_MAX - found.len();
        let listed = filter.list((table, firm), &mut registry, (after, room), show).await?;
        found.extend(listed.items);
        after = listed.next;
        if after.is_none() {
            return Ok((found, false));
        }
    }
    let more = filter.list((table, firm), &mut registry, (after, 1), show).await?;
    Ok((found, !more.items.is_empty() || more.next.is_some()))
}
