//! Erasures as the API asks for them: previewed, confirmed, then carried out by the function `erasure`.
//!
//! The item is all that the API and the function share: the API writes what is asked for and what is confirmed, the
//! function writes what came of it. So nobody who answers requests may delete, and what was interrupted goes on.
//!
//! ```text
//! requested ──► previewed ──► confirmed ──► erased
//!     └─────────────┴─(refused)─────┘
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{DUE_ERASURE, Key, Row, Table, TableError, Write, sortable},
    base::id::{ErasureId, FirmId, MailboxId, MemberId, MessageId},
    evidence::{
        eraser::{EraseError, ErasedCount, ErasedScope, Eraser, Erasure, FoundFacts},
        log_entry::ARCHIVED,
    },
    firm::{fact::StoredFact, feed::FeedError},
    mail::{
        list::{ArchiveFilter, MessageFilter, MessageSource},
        mailbox::Mailbox,
        message::Message,
        retention_keeper::KeepingRules,
        rules::{People, Rules},
    },
};

/// Most messages that one removal takes, and that an erasure by the retention periods takes at a time. They lie in one
/// item.
pub const REMOVED_MAX: usize = 1_000;
/// Facts that are looked at in one go.
const FACTS_PAGE: usize = 500;
/// Pages of an erasure whose facts are found by one reading of the feed.
const READING_PAGES_MAX: u64 = 64;
/// A round that began before all was erased may take so long to end, and write what it found: then all is erased once
/// more.
pub const ROUND_TIME: Duration = Duration::from_secs(3 * 60);
/// How long the function may take that works at an erasure; longer than its time-out. One that died is done again then.
pub const WORK_TIME: Duration = Duration::from_secs(16 * 60);

/// What to erase, or which unwanted mails to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ErasureTarget {
    /// Erases one message.
    Message {
        /// The message.
        #[schema(value_type = String, pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}$")]
        message: MessageId,
    },
    /// Erases a mailbox with all its messages. It must not be active.
    Mailbox {
        /// The mailbox.
        #[schema(value_type = String, format = "uuid")]
        mailbox: MailboxId,
    },
    /// Erases a member, and the mailboxes of the member's addresses. Nothing may be pushed to the member any more.
    Member {
        /// The member.
        #[schema(value_type = String, format = "uuid")]
        member: MemberId,
    },
    /// Erases all that the firm has. It must be deleted before.
    Firm,
    /// Removes these messages.
    Messages {
        /// At most 1,000.
        #[schema(value_type = Vec<String>, min_items = 1, max_items = 1_000)]
        messages: BTreeSet<MessageId>,
    },
    /// Removes the archived messages of a sender.
    Sender {
        /// The sender's address, or `@domain`. Case does not matter.
        #[schema(max_length = 320, pattern = r"^[^\s@]*@[^\s@]+$")]
        from: String,
        /// Only those of this mailbox.
        #[schema(value_type = Option<String>, format = "uuid")]
        mailbox: Option<MailboxId>,
    },
    /// Removes the archived messages of a mailbox that its rules would skip today.
    Rules {
        /// The mailbox.
        #[schema(value_type = String, format = "uuid")]
        mailbox: MailboxId,
    },
    /// Erases what is left of messages that have expired, and shortens the retention of those that are kept longer than
    /// the retention periods require.
    Retention,
}

/// How far an erasure is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ErasureState {
    /// It is previewed within a minute.
    Requested,
    /// It waits to be confirmed.
    Previewed {
        /// What it would take.
        #[serde(flatten)]
        count: ErasedCount,
        /// Whether there are more messages than one removal takes.
        has_more: bool,
    },
    /// It is carried out.
    Confirmed {
        /// Who confirmed it: the id of the API key or of the person, or `operator`.
        by: String,
        /// When.
        #[schema(value_type = String, format = "date-time")]
        at: Timestamp,
    },
    /// It is refused. Ask again once the reason is gone.
    Refused {
        /// The reason.
        reason: ErasureRefusal,
        /// The reason in words, with what stands in the way.
        detail: String,
        /// Until when Object Lock keeps what is asked for; null if that is not the reason.
        #[schema(value_type = Option<String>, format = "date-time")]
        until: Option<Timestamp>,
    },
    /// It is done.
    Erased {
        /// What it took.
        #[serde(flatten)]
        count: ErasedCount,
        /// When.
        #[schema(value_type = String, format = "date-time")]
        at: Timestamp,
    },
}

/// Why an erasure is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureRefusal {
    /// Object Lock keeps an original.
    Locked,
    /// A message is, or was, filed to a dossier under a legal hold, or S3 still has a hold on it that was lifted.
    Held,
    /// The mailbox is active.
    Active,
    /// The firm is not deleted.
    FirmGoesOn,
    /// The member has dates or contacts in Outlook.
    Pushed,
    /// Nothing is archived of it.
    Unknown,
    /// No mail has expired, and none is kept longer than the retention periods ask for.
    AsAsked,
}

/// That somebody confirmed an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureConfirmation {
    /// Who: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An erasure that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureOrder {
    /// Its id.
    pub id: ErasureId,
    /// The firm.
    pub firm: FirmId,
    /// What is to be erased.
    pub target: ErasureTarget,
    /// The messages that its preview found, if it is a removal. Confirmed are these, and no later ones.
    #[serde(default)]
    pub messages: BTreeSet<MessageId>,
    /// Who asked for it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// How far it is.
    pub progress: ErasureState,
    /// Who confirmed it, once that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<ErasureConfirmation>,
    /// The messages that its preview found to be kept longer than the periods say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub shortened: BTreeSet<MessageId>,
    /// Of a member, the mailboxes that go with it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mailboxes: BTreeSet<MailboxId>,
    /// Whether something may be gone: then it is refused no more.
    #[serde(default)]
    pub has_begun: bool,
    /// What was erased before the last rounds ended.
    #[serde(default)]
    pub erased: Option<ErasedCount>,
    /// How far it is, if it takes its messages page by page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<ErasurePaging>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
}

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

/// What an erasure is asked for with.
#[derive(Debug)]
pub struct NewErasure {
    /// What is to be erased.
    pub target: ErasureTarget,
    /// Who asked for it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Whose request it is.
    pub by: String,
}

impl ErasureOrder {
    /// One that is to be previewed.
    pub fn new(id: ErasureId, firm: FirmId, new: NewErasure, now: Timestamp) -> Self {
        let NewErasure { target, asked_by, reason, by } = new;
        Self {
            id,
            firm,
            target,
            messages: BTreeSet::new(),
            shortened: BTreeSet::new(),
            asked_by,
            reason,
            by,
            created_at: now,
            progress: ErasureState::Requested,
            confirmed: None,
            mailboxes: BTreeSet::new(),
            has_begun: false,
            erased: None,
            paging: None,
            due_kind: None,
            due_at: None,
        }
        .due(now)
    }

    /// The same, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: ErasureId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::erasure(firm, id)).await
    }

    /// Stores a new one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        table.write(Write::insert(Key::erasure(self.firm, self.id), self)).await
    }

    /// Has one carried out that was previewed; whether it was. One that was confirmed before stays as it is.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn confirm(row: &mut Row<Self>, table: &Table, by: String, now: Timestamp) -> Result<bool, TableError> {
        match row.value.progress {
            ErasureState::Previewed { .. } => {
                row.value = row.value.clone().due(now);
                row.value.confirmed = Some(ErasureConfirmation { by: by.clone(), at: now });
                row.value.progress = ErasureState::Confirmed { by, at: now };
                table.write(Write::replace(row)).await?;
                Ok(true)
            }
            ErasureState::Confirmed { .. } | ErasureState::Erased { .. } => Ok(true),
            ErasureState::Requested | ErasureState::Refused { .. } => Ok(false),
        }
    }

    /// Takes one to work at, if there is something to do and nobody works at it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn take(
        table: &Table,
        (firm, id): (FirmId, ErasureId),
        now: Timestamp,
    ) -> Result<Option<Row<Self>>, TableError> {
        let Some(mut row) = Self::find(table, firm, id).await? else { return Ok(None) };
        // The index may be behind the item.
        if row.value.due_at.as_ref().is_none_or(|at| *at > sortable(now)) {
            return Ok(None);
        }
        row.value = row.value.clone().due(now + WORK_TIME);
        match table.write(Write::replace(&row)).await {
            Ok(()) => row.written(),
            Err(TableError::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(row))
    }

    /// Gives one back that could not be ended: it is due again at once.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn give_back(table: &Table, (firm, id): (FirmId, ErasureId), now: Timestamp) -> Result<(), TableError> {
        let due = |order: Option<Self>| order.map(|order| if order.due_at.is_some() { order.due(now) } else { order });
        table.update(&Key::erasure(firm, id), due).await.map(drop)
    }

    /// Does what is to be done of it: its preview, or once it is confirmed, the erasure.
    ///
    /// Errors: S3 or the table refuses or does not answer; it is refused after it began. Before that, a refusal is no
    /// error but its state.
    pub async fn work(mut row: Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let now = eraser.clock.now();
        let ended = match &row.value.progress {
            ErasureState::Requested if row.value.target == ErasureTarget::Retention => {
                Self::preview_pages(&mut row, eraser).await
            }
            ErasureState::Requested => row.value.preview(eraser).await,
            ErasureState::Confirmed { .. } if row.value.paging.is_some() => {
                Self::carry_out_pages(&mut row, eraser).await
            }
            ErasureState::Confirmed { .. } => Self::carry_out(&mut row, eraser).await,
            other => Ok(other.clone()),
        };
        let order = &mut row.value;
        order.progress = match ended {
            Ok(state) => state,
            Err(error) if order.has_begun => return Err(error),
            Err(error) => refused(&error).ok_or(error)?,
        };
        if !matches!(order.progress, ErasureState::Confirmed { .. }) {
            (order.due_kind, order.due_at) = (None, None);
        }
        tracing::info!(firm.id = %order.firm, erasure.id = %order.id, state = ?order.progress, at = %now, "erasure went on");
        eraser.table.write(Write::replace(&row)).await?;
        Ok(row.value.progress)
    }

    /// Erases, and once more after the rounds that were under way have ended.
    async fn carry_out(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let found = eraser.find(&row.value.erasure()).await?;
        if !row.value.has_begun {
            (row.value.has_begun, row.value.mailboxes) = (true, found.mailboxes());
            eraser.table.write(Write::replace(row)).await?;
            row.written();
        }
        eraser.carry_out(&row.value.erasure(), &found).await?;
        let (count, now) = (found.count(), eraser.clock.now());
        if let Some(erased) = row.value.erased {
            return Ok(ErasureState::Erased { count: erased + count, at: now });
        }
        row.value = Self { erased: Some(count), ..row.value.clone() }.due(now + ROUND_TIME);
        Ok(row.value.progress.clone())
    }

    /// Finds what has expired and what is kept too long, page by page, and then counts what is on the pages.
    async fn preview_pages(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let rules = KeepingRules::of(eraser.table, row.value.firm).await?.ok_or(EraseError::AsAsked)?;
        let (mut paging, mut kept, mut has_more) = (row.value.paging.unwrap_or_default(), None, true);
        while has_more {
            let id = if paging.pages == 0 { row.value.id } else { ErasureId::draw(eraser.indexer.random) };
            let mut page = ErasureBatch { id, messages: BTreeSet::new(), shortened: BTreeSet::new() };
            (paging.after, has_more) = page.fill(row.value.firm, &rules, eraser, paging.after).await?;
            kept = page.leave_kept(row.value.firm, eraser).await?.or(kept);
            if !page.is_empty() {
                let key = Key::erasure_page(row.value.firm, row.value.id, paging.pages);
                eraser.table.write(Write::overwrite(key, &page)).await?;
                paging.pages += 1;
            }
            Self::note(row, eraser, paging, None).await?;
        }
        if paging.pages == 0 {
            return Err(kept.unwrap_or(EraseError::AsAsked));
        }
        if paging.next == 0 {
            // An older version may have counted some pages as it found them.
            paging.count = ErasedCount::default();
        }
        let mut read = VecDeque::new();
        while paging.next < paging.pages {
            if let Some((page, facts)) = Self::next_page(row, eraser, paging, &mut read).await? {
                match eraser.find_page(&row.value.part(&page), facts).await {
                    Ok(found) => paging.count = paging.count + found.count(),
                    // A hold came meanwhile.
                    Err(EraseError::AsAsked) => {}
                    Err(error) => return Err(error),
                }
            }
            paging.next += 1;
            Self::note(row, eraser, paging, None).await?;
        }
        row.value.paging = Some(ErasurePaging { count: ErasedCount::default(), next: 0, ..paging });
        Ok(ErasureState::Previewed { count: paging.count, has_more: false })
    }

    /// The page whose turn it is, with its facts; none if it is done with. The feed is read once for many pages: those
    /// wait in `read`.
    async fn next_page(
        row: &Row<Self>,
        eraser: &Eraser<'_>,
        paging: ErasurePaging,
        read: &mut VecDeque<Option<(ErasureBatch, FoundFacts)>>,
    ) -> Result<Option<(ErasureBatch, FoundFacts)>, EraseError> {
        if read.is_empty() {
            let (firm, id, mut pages) = (row.value.firm, row.value.id, Vec::new());
            for number in paging.next..paging.pages.min(paging.next + READING_PAGES_MAX) {
                let page = eraser.table.get::<ErasureBatch>(&Key::erasure_page(firm, id, number)).await?;
                pages.push(page.map(|row| row.value));
            }
            let scopes: Vec<_> = pages.iter().flatten().map(|page| row.value.part(page).scope).collect();
            let mut facts = eraser.find_facts(firm, &scopes).await?.into_iter();
            read.extend(pages.into_iter().map(|page| page.and_then(|page| Some((page, facts.next()?)))));
        }
        Ok(read.pop_front().flatten())
    }

    /// Erases page by page, and all once more after the rounds that were under way have ended.
    async fn carry_out_pages(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let (firm, id, mut paging) = (row.value.firm, row.value.id, row.value.paging.unwrap_or_default());
        let (is_last, mut read) = (row.value.erased.is_some(), VecDeque::new());
        while paging.next < paging.pages {
            let key = Key::erasure_page(firm, id, paging.next);
            if let Some((mut page, facts)) = Self::next_page(row, eraser, paging, &mut read).await? {
                // A hold may have come since the preview.
                (page.messages, _) = eraser.free_of(firm, page.messages).await?;
                let part = row.value.part(&page);
                match eraser.find_page(&part, facts).await {
                    Ok(found) => {
                        row.value.has_begun = true;
                        Self::note(row, eraser, paging, None).await?;
                        eraser.carry_out(&part, &found).await?;
                        paging.count = paging.count + found.count();
                    }
                    // A hold keeps all of it by now, or the periods ask for longer.
                    Err(EraseError::AsAsked) => {}
                    Err(error) => return Err(error),
                }
            }
            paging.next += 1;
            Self::note(row, eraser, paging, Some(key).filter(|_| is_last)).await?;
        }
        let now = eraser.clock.now();
        if is_last {
            return Ok(ErasureState::Erased { count: paging.count, at: now });
        }
        row.value.paging = Some(ErasurePaging { next: 0, ..paging });
        row.value = Self { erased: Some(paging.count), ..row.value.clone() }.due(now + ROUND_TIME);
        Ok(row.value.progress.clone())
    }

    /// Notes how far it is, and has a page go that is done with.
    async fn note(
        row: &mut Row<Self>,
        eraser: &Eraser<'_>,
        paging: ErasurePaging,
        done: Option<Key>,
    ) -> Result<(), TableError> {
        row.value.paging = Some(paging);
        let writes = [Write::replace(row)].into_iter().chain(done.map(Write::discard));
        eraser.table.transact(writes.collect()).await?;
        row.written();
        Ok(())
    }

    async fn preview(&mut self, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let has_more = self.select(eraser).await?;
        let count = eraser.preview(&self.erasure()).await?;
        Ok(ErasureState::Previewed { count, has_more })
    }

    /// Whether something may have been erased. Then another deployment that takes the archive in has it, too.
    pub fn may_be_recorded(&self) -> bool {
        self.has_begun || matches!(self.progress, ErasureState::Erased { .. })
    }

    fn due(mut self, at: Timestamp) -> Self {
        (self.due_kind, self.due_at) = (Some(DUE_ERASURE.to_owned()), Some(sortable(at)));
        self
    }

    /// What it comes to, once its messages are known.
    fn erasure(&self) -> Erasure {
        let scope = match &self.target {
            ErasureTarget::Message { message } => ErasedScope::Message(*message),
            ErasureTarget::Mailbox { mailbox } => ErasedScope::Mailbox(*mailbox),
            ErasureTarget::Member { member } => ErasedScope::Member(*member),
            ErasureTarget::Firm => ErasedScope::Firm(self.firm),
            ErasureTarget::Messages { .. } | ErasureTarget::Sender { .. } | ErasureTarget::Rules { .. } => {
                ErasedScope::Messages(self.id, self.messages.clone())
            }
            ErasureTarget::Retention => ErasedScope::Expired(self.id, self.messages.clone()),
        };
        let (asked_by, by, reason) = (self.asked_by.clone(), self.by.clone(), self.reason.clone());
        let (mailboxes, shortened) = (self.mailboxes.clone(), self.shortened.clone());
        let order = Some(self.id);
        let confirmed_by = match &self.progress {
            ErasureState::Confirmed { by, .. } => Some(by.clone()),
            _ => None,
        };
        Erasure { firm: self.firm, scope, asked_by, by, confirmed_by, order, reason, mailboxes, shortened }
    }

    /// What a page of it comes to.
    fn part(&self, page: &ErasureBatch) -> Erasure {
        let scope = ErasedScope::Expired(page.id, page.messages.clone());
        Erasure { scope, shortened: page.shortened.clone(), ..self.erasure() }
    }

    /// Finds the messages of a removal; whether there are more than it takes.
    async fn select(&mut self, eraser: &Eraser<'_>) -> Result<bool, EraseError> {
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

impl ErasureBatch {
    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.shortened.is_empty()
    }

    /// Finds the next messages that have expired, and those that are kept longer than the rules say. Returns where to
    /// go on, and whether there may be more.
    async fn fill(
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
                let is_longer = rules.kept_until(table, &message).await?.is_some_and(|wanted| wanted < original.until);
                if original.until.has_ended(now) {
                    self.messages.insert(message.id);
                } else if is_longer {
                    self.shortened.insert(message.id);
                }
            }
        }
    }

    /// Leaves out what a hold or Object Lock keeps; what keeps one of these, if anything does.
    async fn leave_kept(&mut self, firm: FirmId, eraser: &Eraser<'_>) -> Result<Option<EraseError>, EraseError> {
        let (messages, kept) = eraser.free_of(firm, std::mem::take(&mut self.messages)).await?;
        let (shortened, also) = eraser.free_of(firm, std::mem::take(&mut self.shortened)).await?;
        (self.messages, self.shortened) = (messages, shortened);
        Ok(kept.or(also))
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

/// The state of an erasure that ended so, unless that is no refusal.
fn refused(error: &EraseError) -> Option<ErasureState> {
    let (reason, until) = match error {
        EraseError::Locked { until, .. } => (ErasureRefusal::Locked, Some(*until)),
        EraseError::Held(_) | EraseError::HeldByS3(_) => (ErasureRefusal::Held, None),
        EraseError::Active(_) => (ErasureRefusal::Active, None),
        EraseError::FirmGoesOn => (ErasureRefusal::FirmGoesOn, None),
        EraseError::Pushed(_) => (ErasureRefusal::Pushed, None),
        EraseError::Unknown => (ErasureRefusal::Unknown, None),
        EraseError::AsAsked => (ErasureRefusal::AsAsked, None),
        EraseError::Fact(_)
        | EraseError::Append(_)
        | EraseError::Keep(_)
        | EraseError::Index(_)
        | EraseError::Log(_)
        | EraseError::Table(_)
        | EraseError::Feed(_) => return None,
    };
    Some(ErasureState::Refused { reason, detail: format!("{error}."), until })
}
