//! Mailboxes: which folders are kept, since when, and how far it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    graph::{GraphUser, Subscription},
    id::{ConnectorId, FirmId, MailboxId, MemberId, SubscriptionId},
    problem::Noted,
    selection::Selection,
    table::{DUE_MAILBOX, Key, Row, Table, TableError, Write, sortable},
};

/// Whose mailbox it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person's.
    User,
    /// A shared one: many open it, nobody signs in to it.
    Shared,
}

/// Whether mail is being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailboxState {
    /// Added, not activated yet.
    Inactive,
    /// Mail is being kept.
    Active,
    /// Nothing is read until it is activated again; then what came meanwhile is kept too.
    Paused,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Its firm.
    pub firm: FirmId,
    /// The connector that opens it.
    pub connector: ConnectorId,
    /// Its address, in lower case.
    pub address: String,
    /// How Graph is told which one it is.
    pub user: GraphUser,
    /// Whose it is.
    pub kind: Kind,
    /// Whether mail is being kept.
    pub state: MailboxState,
    /// Which folders are kept.
    pub selection: Option<Selection>,
    /// Mail that arrived before is not kept.
    pub activated_at: Option<Timestamp>,
    /// The member whose it is, if it was added for one: its address came from there.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Mailbox {
    /// The mailbox of that firm, if there is one.
    pub async fn find(table: &Table, firm: FirmId, id: MailboxId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::mailbox(firm, id)).await
    }

    /// One of the mailboxes that `connector` opens, if there is any.
    pub async fn first_of_connector(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
    ) -> Result<Option<Self>, TableError> {
        let all = table.query_all::<Self>(&Key::mailbox_prefix(firm)).await?;
        let own = all.into_iter().map(|row| row.value).filter(|mailbox| mailbox.connector == connector);
        Ok(own.min_by_key(|mailbox| mailbox.created_at))
    }

    /// Stores a new mailbox; a conflict means that the firm has one with this address.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        let taken = Taken { mailbox: self.id };
        let writes = vec![
            Write::insert(Key::address(self.firm, &self.address), &taken),
            Write::insert(Key::mailbox(self.firm, self.id), self),
        ];
        table.transact(writes).await
    }

    /// Keeps what `selection` names from now on.
    pub async fn select(mut row: Row<Self>, table: &Table, selection: Selection) -> Result<Self, TableError> {
        row.value.selection = Some(selection);
        table.write(Write::replace(&row)).await?;
        Ok(row.value)
    }

    /// Reads no more mail until it is activated again. One that was never activated stays as it is.
    pub async fn pause(mut row: Row<Self>, table: &Table) -> Result<Self, TableError> {
        if row.value.state != MailboxState::Active {
            return Ok(row.value);
        }
        row.value.state = MailboxState::Paused;
        let mut writes = vec![Write::replace(&row)];
        if let Some(sync) = table.get::<Sync>(&Key::sync(row.value.firm, row.value.id)).await? {
            let not_due = sync.value.clone().not_due();
            writes.push(Write::replace(&sync.with(not_due)));
        }
        table.transact(writes).await?;
        Ok(row.value)
    }

    /// Begins to keep mail, or goes on: the first time, what arrived before `now` is not kept. The first round is due at once.
    pub async fn activate(mut row: Row<Self>, table: &Table, now: Timestamp) -> Result<Self, TableError> {
        row.value.state = MailboxState::Active;
        // Graph tells arrivals in whole seconds: one of this very second counts as after.
        row.value.activated_at.get_or_insert(Timestamp::from_second(now.as_second()).unwrap_or(now));
        let (firm, id) = (row.value.firm, row.value.id);
        let sync = match table.get::<Sync>(&Key::sync(firm, id)).await? {
            Some(sync) => {
                let due = sync.value.clone().due(now);
                Write::replace(&sync.with(due))
            }
            None => Write::insert(Key::sync(firm, id), &Sync::default().due(now)),
        };
        table.transact(vec![Write::replace(&row), sync]).await?;
        Ok(row.value)
    }
}

/// Tries to make a mailbox due while a round of it comes to its end.
const DUE_TRIES_MAX: usize = 3;

impl Mailbox {
    /// Makes the active mailboxes of a connector due at once: somebody has just connected it again.
    pub async fn all_due(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let all = table.query_all::<Self>(&Key::mailbox_prefix(firm)).await?;
        let active = |mailbox: &Self| mailbox.connector == connector && mailbox.state == MailboxState::Active;
        for mailbox in all.into_iter().map(|row| row.value).filter(active) {
            let mut tries = 1;
            while let Some(row) = table.get::<Sync>(&Key::sync(firm, mailbox.id)).await? {
                let due = row.value.clone().due(now);
                match table.write(Write::replace(&row.with(due))).await {
                    Err(TableError::Conflict { .. }) if tries < DUE_TRIES_MAX => tries += 1,
                    other => {
                        other?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// That an address is taken within a firm.
#[derive(Debug, Serialize, Deserialize)]
struct Taken {
    mailbox: MailboxId,
}

/// A mailbox's rounds: written by whoever works at it, and by the activation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    due_kind: Option<String>,
    due_at: Option<String>,
    /// When the last finished round began: a job sent before has been seen to.
    pub round_began_at: Option<Timestamp>,
    /// What tells us of new mail.
    pub subscription: Option<HeldSubscription>,
    /// Whether the master list has the mark's category.
    #[serde(default)]
    pub category_ready: bool,
    /// When the tree of folders is looked at next; none before it was read for the first time.
    #[serde(default)]
    pub follow_at: Option<Timestamp>,
    /// What kept the last round from its end, if a person has to act.
    pub problem: Option<Noted>,
}

/// A subscription that we hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl From<Subscription> for HeldSubscription {
    fn from(granted: Subscription) -> Self {
        Self { id: granted.id, expires_at: granted.expires_at }
    }
}

impl Sync {
    /// The same, with the next round due at `at`.
    pub fn due(mut self, at: Timestamp) -> Self {
        self.due_kind = Some(DUE_MAILBOX.to_owned());
        self.due_at = Some(sortable(at));
        self
    }

    /// Whether a round is due by now, and not only asked for by a notice.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due_at.as_ref().is_none_or(|due| *due <= sortable(now))
    }

    /// Whether a person has to act, and the next look at whether somebody has is yet to come.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.problem.is_some() && self.due_at.as_ref().is_some_and(|due| *due > sortable(now))
    }

    /// The same, with what a round found out: for a round during which the mailbox was activated or paused.
    pub fn with_findings_of(self, round: &Self) -> Self {
        Self {
            subscription: round.subscription.clone(),
            category_ready: round.category_ready,
            follow_at: round.follow_at,
            problem: round.problem.clone(),
            ..self
        }
    }

    /// Makes the next round of an active mailbox due at `at`.
    pub async fn put_off(table: &Table, firm: FirmId, mailbox: MailboxId, at: Timestamp) -> Result<(), TableError> {
        match table.get::<Self>(&Key::sync(firm, mailbox)).await? {
            Some(row) if row.value.due_kind.is_some() => {
                let due = row.value.clone().due(at);
                table.write(Write::replace(&row.with(due))).await
            }
            _ => Ok(()),
        }
    }

    /// The same, with no round due: paused.
    pub fn not_due(mut self) -> Self {
        self.due_kind = None;
        self.due_at = None;
        self
    }
}

/// How far a mailbox is, counted exactly once each: every counter moves in the transaction that makes its fact true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Mails found that are to be kept, and those skipped with a reason.
    pub discovered: i64,
    /// Originals stored.
    pub archived: i64,
    /// Mails that have failed and are not archived.
    pub failed: i64,
    /// Skipped: still being written.
    pub skipped_draft: i64,
    /// Not even looked at: lay there before the activation.
    pub skipped_already_there: i64,
}

impl Progress {
    /// The progress of that mailbox.
    pub async fn read(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Self, TableError> {
        Ok(table.get(&Key::progress(firm, mailbox)).await?.map(|row| row.value).unwrap_or_default())
    }

    /// The write that adds `self` to what is counted; none when there is nothing to add.
    pub fn add_to(&self, firm: FirmId, mailbox: MailboxId) -> Option<Write> {
        let counters = [
            ("discovered", self.discovered),
            ("archived", self.archived),
            ("failed", self.failed),
            ("skipped_draft", self.skipped_draft),
            ("skipped_already_there", self.skipped_already_there),
        ];
        let moved: Vec<_> = counters.into_iter().filter(|(_, by)| *by != 0).map(|(n, by)| (n.to_owned(), by)).collect();
        (!moved.is_empty()).then(|| Write::add(Key::progress(firm, mailbox), moved))
    }
}
