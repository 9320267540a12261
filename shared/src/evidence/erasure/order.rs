//! Erasures as the API asks for them: previewed, confirmed, then carried out by the function `erasure`.
//!
//! The item is all that the API and the function share: the API writes what is asked for and what is confirmed, the
//! function writes what came of it. So nobody who answers requests may delete, and what was interrupted goes on.
//!
//! ```text
//! requested ──► previewed ──► confirmed ──► erased
//!     └─────────────┴─(refused)─────┘
//! ```

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{DUE_ERASURE, Key, Row, Table, TableError, Write, sortable},
    base::id::{ErasureId, FirmId, MailboxId, MemberId, MessageId},
    evidence::erasure::{
        batch::{ErasureBatch, ErasurePaging},
        eraser::Erasure,
        found::ErasedCount,
        refusal::{EraseError, ErasureRefusal},
        scope::ErasedScope,
    },
};

/// Most messages that one removal takes, and that an erasure by the retention periods takes at a time. They lie in one
/// item.
pub const REMOVED_MAX: usize = 1_000;
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

    /// Whether something may have been erased. Then another deployment that takes the archive in has it, too.
    pub fn may_be_recorded(&self) -> bool {
        self.has_begun || matches!(self.progress, ErasureState::Erased { .. })
    }

    /// What follows when all of it was erased, which took `count` so far: rounds that were under way may still write
    /// what they found, so it is erased once more after they have ended.
    pub(super) fn pass(&mut self, count: ErasedCount, now: Timestamp) -> ErasureState {
        if self.erased.is_some() {
            return ErasureState::Erased { count, at: now };
        }
        *self = Self { erased: Some(count), ..self.clone() }.due(now + ROUND_TIME);
        self.progress.clone()
    }

    /// Takes on the state that work at it ended with. Before something may be gone, a refusal is a state, too.
    ///
    /// Errors: the error that it ended with, if it is no refusal or comes too late to be one.
    pub(super) fn settle(&mut self, ended: Result<ErasureState, EraseError>) -> Result<(), EraseError> {
        self.progress = match ended {
            Ok(state) => state,
            Err(error) if self.has_begun => return Err(error),
            Err(error) => match error.refusal() {
                Some((reason, until)) => ErasureState::Refused { reason, detail: format!("{error}."), until },
                None => return Err(error),
            },
        };
        if !matches!(self.progress, ErasureState::Confirmed { .. }) {
            (self.due_kind, self.due_at) = (None, None);
        }
        Ok(())
    }

    fn due(mut self, at: Timestamp) -> Self {
        (self.due_kind, self.due_at) = (Some(DUE_ERASURE.to_owned()), Some(sortable(at)));
        self
    }

    /// What it comes to, once its messages are known.
    pub(super) fn erasure(&self) -> Erasure {
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
    pub(super) fn part(&self, page: &ErasureBatch) -> Erasure {
        let scope = ErasedScope::Expired(page.id, page.messages.clone());
        Erasure { scope, shortened: page.shortened.clone(), ..self.erasure() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAILBOX: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

    fn now() -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }

    fn order(target: ErasureTarget) -> ErasureOrder {
        let new = NewErasure { target, asked_by: "Ada".to_owned(), reason: "r".to_owned(), by: "operator".to_owned() };
        let id = "1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap();
        ErasureOrder::new(id, "0b25d0e2-8f3b-4a4c-9d5a-3f1b7a3a9d11".parse().unwrap(), new, now())
    }

    fn confirmed() -> ErasureOrder {
        let progress = ErasureState::Confirmed { by: "eve".to_owned(), at: now() };
        ErasureOrder { progress, ..order(ErasureTarget::Mailbox { mailbox: MAILBOX.parse().unwrap() }) }
    }

    #[test]
    fn a_removal_takes_the_messages_that_its_preview_found() {
        let message: MessageId = format!("{MAILBOX}.000102030405060708090a0b0c0d0e0f").parse().unwrap();
        let sender = ErasureTarget::Sender { from: "eve@a.example".to_owned(), mailbox: None };
        for target in [sender, ErasureTarget::Messages { messages: [message].into() }] {
            let order = ErasureOrder { messages: [message].into(), ..order(target) };
            assert_eq!(order.erasure().scope, ErasedScope::Messages(order.id, [message].into()));
        }
        let order = ErasureOrder { messages: [message].into(), ..order(ErasureTarget::Retention) };
        assert_eq!(order.erasure().scope, ErasedScope::Expired(order.id, [message].into()), "it expires");
    }

    #[test]
    fn an_erasure_says_who_confirmed_it() {
        assert_eq!(order(ErasureTarget::Firm).erasure().confirmed_by, None);
        assert_eq!(confirmed().erasure().confirmed_by.as_deref(), Some("eve"));
    }

    #[test]
    fn all_is_erased_once_more_after_the_rounds_that_were_under_way() {
        let mut order = confirmed();
        let count = |facts| ErasedCount { facts, ..ErasedCount::default() };
        assert_eq!(order.pass(count(3), now()), order.progress);
        assert_eq!(order.due_at, Some(sortable(now() + ROUND_TIME)));
        let later = now() + ROUND_TIME;
        assert_eq!(order.pass(count(4), later), ErasureState::Erased { count: count(4), at: later });
    }

    #[test]
    fn an_erasure_is_refused_only_before_something_may_be_gone() {
        let held = || EraseError::Held("D1".to_owned());
        let mut order = confirmed();
        order.settle(Err(held())).unwrap();
        let ErasureState::Refused { reason, detail, until } = &order.progress else { panic!("{:?}", order.progress) };
        assert_eq!((reason, until), (&ErasureRefusal::Held, &None));
        assert!(detail.starts_with("dossier D1 is under a legal hold"), "{detail}");
        assert_eq!(order.due_at, None, "nothing is to be done any more");
        let mut begun = ErasureOrder { has_begun: true, ..confirmed() };
        assert!(matches!(begun.settle(Err(held())), Err(EraseError::Held(_))));
        assert_eq!(begun.progress, confirmed().progress);
        assert!(begun.due_at.is_some(), "it is tried again");
    }

    #[test]
    fn a_failure_is_no_refusal() {
        let failure = EraseError::Table(TableError::Conflict { key: Key::firm(confirmed().firm) });
        let mut order = confirmed();
        assert!(order.settle(Err(failure)).is_err());
        assert_eq!(order.progress, confirmed().progress);
    }
}
