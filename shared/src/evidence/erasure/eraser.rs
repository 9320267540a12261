//! Carries out erasures: of messages, or of all that a mailbox, a member or a firm had.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use crate::{
    aws::table::Table,
    base::{
        clock::Clock,
        id::{ErasureId, FirmId, MailboxId, MessageId},
    },
    evidence::{
        appender::Appender,
        erasure::{
            found::{ErasableItems, ErasedCount, FoundParts},
            refusal::EraseError,
            scope::ErasedScope,
        },
    },
    firm::{fact::Fact, feed::FeedError, index_due::IndexDue},
    mail::{
        legal_hold::HeldDossiers,
        message::{ErasureNote, MessageState},
    },
    search::indexer::Indexer,
};

/// Facts and items that are read at a time.
pub(super) const PAGE: usize = 1_000;
/// Originals, facts and items that are erased side by side.
pub(super) const AT_ONCE: usize = 16;

/// What the record of an erasure says.
#[derive(Serialize)]
pub(super) struct ErasureRecord<'a> {
    #[serde(rename = "by")]
    asked_by: &'a str,
    #[serde(rename = "requested_by")]
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<ErasureId>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageId>,
}

/// An erasure that is asked for.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The firm.
    pub firm: FirmId,
    /// What is erased.
    pub scope: ErasedScope,
    /// Who asked for it.
    pub asked_by: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// Who confirmed it, once that is done: as `by`.
    pub confirmed_by: Option<String>,
    /// The one that was asked for, of which this is a part or all; none if it was not asked for by the API.
    pub order: Option<ErasureId>,
    /// Why.
    pub reason: String,
    /// Of a member, the mailboxes that an earlier try found: it may have erased them.
    pub mailboxes: BTreeSet<MailboxId>,
    /// Messages that are kept less long from now on, if the firm's periods still say so.
    pub shortened: BTreeSet<MessageId>,
}

impl Erasure {
    /// What each message says of it afterwards.
    pub(super) fn note(&self) -> ErasureNote {
        let Self { order: erasure, asked_by, by, confirmed_by, reason, .. } = self.clone();
        ErasureNote { erasure, asked_by, by, confirmed_by, reason }
    }

    pub(super) fn record(&self, messages: Vec<MessageId>) -> ErasureRecord<'_> {
        let (asked_by, by, confirmed_by) = (&self.asked_by, &self.by, self.confirmed_by.as_deref());
        ErasureRecord { asked_by, by, confirmed_by, erasure: self.order, reason: &self.reason, messages }
    }
}

/// What erases.
#[derive(Debug, Clone, Copy)]
pub struct Eraser<'a> {
    /// The index.
    pub table: &'a Table,
    /// What brings the log up to the feed; it has both.
    pub appender: Appender<'a>,
    /// What makes the index of words.
    pub indexer: Indexer<'a>,
    /// Most messages that an erasure by the retention periods takes at a time.
    pub page: usize,
    /// The clock.
    pub clock: &'a Clock,
}

impl Eraser<'_> {
    /// What the erasure would take. Nothing is written.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn preview(&self, erasure: &Erasure) -> Result<ErasedCount, EraseError> {
        Ok(self.find(erasure).await?.count())
    }

    /// Erases for good. Begun again, it goes on.
    ///
    /// Errors: it is refused; the log is not as it was written; S3 or the table refuses or does not answer.
    pub async fn erase(&self, erasure: &Erasure) -> Result<ErasedCount, EraseError> {
        let found = self.find(erasure).await?;
        self.carry_out(erasure, &found).await?;
        Ok(found.count())
    }

    /// Erases what was found.
    ///
    /// Errors: a hold was set meanwhile; the log is not as it was written; S3 or the table refuses or does not answer.
    pub async fn carry_out(&self, erasure: &Erasure, found: &FoundParts) -> Result<(), EraseError> {
        self.shorten(erasure, &found.shortened).await?;
        for part in &found.parts {
            self.erase_part(erasure, part).await?;
        }
        // The log, proofs and exports show at once what was done.
        self.appender.catch_up(self.table, erasure.firm, self.clock).await?;
        if found.parts.is_empty() {
            return Ok(());
        }
        let numbers = found.parts.iter().flat_map(|part| part.found.numbers()).collect();
        self.indexer.forget(erasure.firm, &numbers).await?;
        Ok(self.table.write(IndexDue::at(erasure.firm, self.clock.now())).await?)
    }

    async fn erase_part(&self, erasure: &Erasure, part: &ErasableItems) -> Result<(), EraseError> {
        let (firm, scope, found) = (erasure.firm, &part.scope, &part.found);
        if found.is_unrecorded() {
            self.record(erasure, scope).await?;
        }
        while self.appender.append(firm, self.clock.now()).await?.more {}
        // It took a while to find everything.
        let held = HeldDossiers::of(self.table, firm).await?;
        self.refuse_held(&held, firm, scope).await?;
        EraseError::refuse_held(held.among(&found.dossiers))?;
        side_by_side(part.originals.iter().map(|key| self.appender.store.bucket.erase(key))).await?;
        if let Some((of, what)) = scope.event()
            && found.is_untold()
        {
            let at = self.clock.now();
            let fact = Fact { id: format!("{of}-erased-{}", at.as_millisecond()), at, what };
            self.appender.feed.tell_with(firm, Vec::new(), fact).await?;
        }
        // Before the index: what is cut off here is found again by the feed.
        let facts = found.facts.iter();
        side_by_side(facts.map(|(number, entry, at)| self.appender.feed.void_fact(firm, *number, *entry, *at))).await?;
        match scope {
            ErasedScope::Message(message) => {
                let erased = MessageState::Erased { at: self.clock.now(), note: Some(erasure.note()) };
                self.blank_all(firm, [*message], &erased).await?;
            }
            ErasedScope::Messages(_, messages) => {
                let (at, by, note) = (self.clock.now(), erasure.by.clone(), Some(erasure.note()));
                let removed = MessageState::Removed { at, by, note };
                self.blank_all(firm, messages.iter().copied(), &removed).await?;
            }
            ErasedScope::Expired(_, messages) => {
                self.blank_all(firm, messages.iter().copied(), &MessageState::Expired { at: self.clock.now() }).await?;
            }
            ErasedScope::Mailbox(mailbox) => self.empty_mailbox(firm, *mailbox).await?,
            ErasedScope::Member(member) => self.forget(firm, *member).await?,
            ErasedScope::Firm(_) => self.vacate_firm(firm, &found.mailboxes).await?,
        }
        tracing::info!(firm.id = %firm, %scope, originals = part.originals.len(), "erased");
        Ok(())
    }

    /// Says who asked and why, before anything goes.
    async fn record(&self, erasure: &Erasure, scope: &ErasedScope) -> Result<(), FeedError> {
        let record = erasure.record(scope.named_messages());
        self.appender.feed.record_unseen(erasure.firm, Vec::new(), &scope.to_string(), &record).await
    }
}

/// Some at a time, until one fails.
pub(super) async fn side_by_side<E, F: Future<Output = Result<(), E>>>(all: impl Iterator<Item = F>) -> Result<(), E> {
    let all: Vec<_> = all.collect();
    stream::iter(all).buffer_unordered(AT_ONCE).try_collect().await
}
