//! Lists of a firm's messages, the last registered first: where candidates come from, and which of them are wanted.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{
    aws::table::{Key, Table},
    base::{
        address::{is_of, sought},
        id::{FirmId, FolderId, MailboxId, MessageId},
    },
    firm::{
        fact::{FactEvent, NumberedFact},
        feed::{Feed, FeedError},
    },
    mail::{
        filing::DossierMessage,
        message::{Message, MessageState},
    },
};

/// Numbers looked at in one step.
pub const PER_STEP: usize = 100;
/// Steps of one list: one that finds little ends here, and goes on with `next`.
const STEPS_MAX: usize = 20;

/// Where a mail is filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InDossier {
    /// To this dossier.
    Of(String),
    /// To any dossier.
    Any,
    /// To none.
    None,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFilter {
    /// The original is in the archive.
    Archived,
    /// Graph refuses to give it.
    Failed,
    /// It was deleted before it could be read.
    Gone,
}

/// Which way a mail went. It was sent if its sender's address is the one of its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailDirection {
    /// From others.
    Received,
    /// By the mailbox's own user.
    Sent,
}

/// What a list is narrowed to. All of it has to fit.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// The mailbox.
    pub mailbox: Option<MailboxId>,
    /// The folder in which it was found.
    pub folder: Option<FolderId>,
    /// The sender's address, or `@domain`. Case does not matter, nor whether a domain is written in Unicode or ASCII.
    pub from: Option<String>,
    /// It arrived at this time or later.
    pub since: Option<Timestamp>,
    /// It arrived before this time.
    pub until: Option<Timestamp>,
    /// Where it is filed.
    pub dossier: Option<InDossier>,
    /// How far it is.
    pub keeping: Option<ArchiveFilter>,
    /// Whether it has attachments that are not inline.
    pub has_attachments: Option<bool>,
    /// Its direction, and the addresses of the mailboxes that decide it.
    pub direction: Option<(MailDirection, HashMap<MailboxId, String>)>,
}

/// Messages that may be wanted.
#[derive(Debug, Default)]
pub struct ListStep {
    /// Numbers, the greatest first, each with the message that may be listed under it.
    pub found: Vec<(u64, Option<MessageId>)>,
    /// The number below which to go on; none at the end.
    pub next: Option<u64>,
}

/// Where the candidates of a list come from.
pub trait Candidates {
    /// What keeps them from coming.
    type Error: From<FeedError>;

    /// The next ones below a number, at most [`PER_STEP`].
    fn below(&mut self, before: u64) -> impl Future<Output = Result<ListStep, Self::Error>> + Send;
}

/// A page of a list.
#[derive(Debug)]
pub struct ListedMessages<T> {
    /// Shown messages, the last registered first.
    pub items: Vec<T>,
    /// The number below which to go on; none at the end.
    pub next: Option<u64>,
}

impl MessageFilter {
    /// Whether what a fact or the table says of a mail is wanted, as far as it goes.
    fn admits(&self, mailbox: MailboxId, from: Option<Option<&str>>, received_at: Option<Timestamp>) -> bool {
        let is_from = |wanted: &str, from: Option<&str>| is_of(&sought(wanted), from.unwrap_or_default());
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
            && self.from.as_deref().is_none_or(|wanted| from.is_none_or(|from| is_from(wanted, from)))
            && received_at.is_none_or(|at| {
                self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
            })
    }

    /// The message that a fact is about, unless the fact alone shows that it is not wanted.
    pub fn candidate(&self, fact: &FactEvent) -> Option<MessageId> {
        match fact {
            FactEvent::MessageArchived { mailbox, message, from, received_at, .. } => {
                self.admits(*mailbox, Some(from.as_deref()), Some(*received_at)).then_some(*message)
            }
            FactEvent::MessageFailed { mailbox, message, envelope, .. }
            | FactEvent::MessageGone { mailbox, message, envelope, .. } => {
                self.admits(*mailbox, None, envelope.received_at).then_some(*message)
            }
            _ => None,
        }
    }

    /// Whether a message is wanted, as it is now.
    fn wants(&self, message: &Message) -> bool {
        let keeping = match &message.state {
            MessageState::Failed(_) => Some(ArchiveFilter::Failed),
            MessageState::Gone { .. } => Some(ArchiveFilter::Gone),
            _ => message.original().map(|_| ArchiveFilter::Archived),
        };
        let is_sent = |addresses: &HashMap<MailboxId, String>| {
            let own = addresses.get(&message.id.mailbox).map(|own| own.to_lowercase());
            own.is_some() && message.from.as_deref().map(str::to_lowercase) == own
        };
        !matches!(message.state, MessageState::Expired { .. })
            && self.admits(message.id.mailbox, Some(message.from.as_deref()), Some(message.received_at))
            && self.folder.as_ref().is_none_or(|wanted| *wanted == message.folder)
            && self.dossier.as_ref().is_none_or(|wanted| match wanted {
                InDossier::Of(dossier) => message.dossier() == Some(dossier),
                InDossier::Any => message.dossier().is_some(),
                InDossier::None => message.dossier().is_none(),
            })
            && self.keeping.is_none_or(|wanted| keeping == Some(wanted))
            && self.has_attachments.is_none_or(|wanted| wanted == message.has_attachments)
            && self.direction.as_ref().is_none_or(|(way, own)| (*way == MailDirection::Sent) == is_sent(own))
    }

    /// The dossier whose own list has all that is wanted.
    pub fn in_one_dossier(&self) -> Option<&str> {
        match &self.dossier {
            Some(InDossier::Of(dossier)) => Some(dossier),
            _ => None,
        }
    }

    /// The feed number that places the message in this list: that of its filing, if the list is of one dossier,
    /// otherwise that of the last fact about its state.
    fn listed_under(&self, message: &Message) -> Option<u64> {
        match (&self.dossier, &message.state) {
            (Some(InDossier::Of(dossier)), _) => {
                message.filing.as_ref().filter(|last| last.dossier.as_ref() == Some(dossier)).map(|last| last.number)
            }
            (_, MessageState::Failed(failure)) => Some(failure.number),
            (_, MessageState::Gone { number, .. }) => Some(*number),
            (_, _) => message.original().map(|original| original.number),
        }
    }

    /// The wanted ones of these messages, by the number under which they are listed.
    async fn wanted(&self, table: &Table, firm: FirmId, step: &ListStep) -> Result<HashMap<u64, Message>, FeedError> {
        let mut keys: Vec<Key> = step.found.iter().filter_map(|(_, id)| Some(Key::message(firm, (*id)?))).collect();
        keys.sort_by_key(Key::to_string);
        // A message may have failed and been archived within the same step, and BatchGetItem takes a key once.
        keys.dedup();
        let rows = table.get_all::<Message>(&keys).await?;
        let messages = rows.into_iter().map(|row| row.value.as_of(table.now()));
        let wanted = messages.filter(|message| self.wants(message));
        Ok(wanted.filter_map(|message| Some((self.listed_under(&message)?, message))).collect())
    }

    /// What `show` makes of the wanted candidates below the number `after`, at most `limit`. A list looks at 2,000
    /// candidates at most: it may have fewer, or none, with more to come.
    ///
    /// Errors: the table, or what the candidates come from.
    pub async fn list<C: Candidates, T>(
        &self,
        (table, firm): (&Table, FirmId),
        candidates: &mut C,
        (after, limit): (Option<u64>, usize),
        show: impl Fn(u64, Message) -> Option<T>,
    ) -> Result<ListedMessages<T>, C::Error> {
        let mut reached = after.unwrap_or(u64::MAX);
        let mut items = Vec::new();
        for _ in 0..STEPS_MAX {
            let step = candidates.below(reached).await?;
            let mut messages = self.wanted(table, firm, &step).await?;
            for (number, _) in &step.found {
                items.extend(messages.remove(number).and_then(|message| show(*number, message)));
                if items.len() == limit {
                    return Ok(ListedMessages { items, next: Some(*number) });
                }
            }
            let Some(next) = step.next else { return Ok(ListedMessages { items, next: None }) };
            reached = next;
        }
        Ok(ListedMessages { items, next: Some(reached) })
    }
}

/// All messages of a firm by its feed, or those of a dossier by the dossier's own list.
#[derive(Debug, Clone, Copy)]
pub struct MessageSource<'a> {
    /// The table.
    pub table: &'a Table,
    /// The feed.
    pub feed: &'a Feed,
    /// The firm.
    pub firm: FirmId,
    /// What is wanted.
    pub filter: &'a MessageFilter,
}

impl Candidates for MessageSource<'_> {
    type Error = FeedError;

    async fn below(&mut self, before: u64) -> Result<ListStep, FeedError> {
        let found: Vec<(u64, Option<MessageId>)> = match self.filter.in_one_dossier() {
            Some(dossier) => {
                let edge = Key::filed(self.firm, dossier, before);
                let filed = self.table.numbered::<DossierMessage>(&edge, false, PER_STEP).await?;
                filed.into_iter().map(|(number, filed)| (number, Some(filed.message))).collect()
            }
            None => {
                let facts = self.feed.facts_before(self.firm, before, PER_STEP).await?;
                let candidate =
                    |NumberedFact { number, fact }: NumberedFact| (number, self.filter.candidate(&fact.what));
                facts.into_iter().map(candidate).collect()
            }
        };
        let next = found.last().map(|(number, _)| *number).filter(|_| found.len() == PER_STEP);
        Ok(ListStep { found, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::tests::message;

    #[test]
    fn a_filter_takes_no_notice_of_case_and_needs_a_sender_to_compare() {
        let mail = Message { from: Some("Ada@X.example".to_owned()), ..message(None) };
        let from = |from: &str| MessageFilter { from: Some(from.to_owned()), ..MessageFilter::default() };
        for (wanted, fits) in
            [("ada@x.EXAMPLE", true), ("@X.example", true), ("@example", false), ("a@x.example", false)]
        {
            assert_eq!(from(wanted).wants(&mail), fits, "{wanted}");
        }
        assert!(!from("ada@x.example").wants(&message(None)));
        let mail = Message { from: Some("ada@xn--frskring-2za1p.example".to_owned()), ..message(None) };
        assert!(from("@försäkring.example").wants(&mail) && from("ada@Försäkring.example").wants(&mail));
    }

    #[test]
    fn each_condition_has_to_fit_what_the_table_says() {
        let mail = Message { from: Some("ada@x.example".to_owned()), ..message(Some("D1")) };
        let mailbox = mail.id.mailbox;
        let own = |address: &str| HashMap::from([(mailbox, address.to_owned())]);
        let all = MessageFilter::default();
        let later = Timestamp::from_second(1).ok();
        for (filter, fits) in [
            (MessageFilter { dossier: Some(InDossier::Of("D1".to_owned())), ..all.clone() }, true),
            (MessageFilter { dossier: Some(InDossier::Of("D2".to_owned())), ..all.clone() }, false),
            (MessageFilter { dossier: Some(InDossier::Any), ..all.clone() }, true),
            (MessageFilter { dossier: Some(InDossier::None), ..all.clone() }, false),
            (MessageFilter { mailbox: "00000000-8b86-4011-b42d-00c04fc964ff".parse().ok(), ..all.clone() }, false),
            (MessageFilter { folder: "other".parse().ok(), ..all.clone() }, false),
            (MessageFilter { since: later, ..all.clone() }, false),
            (MessageFilter { until: later, ..all.clone() }, true),
            (MessageFilter { has_attachments: Some(true), ..all.clone() }, false),
            (MessageFilter { keeping: Some(ArchiveFilter::Archived), ..all.clone() }, false),
            (MessageFilter { direction: Some((MailDirection::Sent, own("Ada@x.example"))), ..all.clone() }, true),
            (MessageFilter { direction: Some((MailDirection::Received, own("b@x.example"))), ..all.clone() }, true),
            (MessageFilter { direction: Some((MailDirection::Sent, HashMap::new())), ..all.clone() }, false),
        ] {
            assert_eq!(filter.wants(&mail), fits, "{filter:?}");
        }
    }
}
