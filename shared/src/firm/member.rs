//! Members: the firm's people, each linked to a Microsoft 365 account through a connector.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{DUE_PUSH, Key, Row, Table, TableError, Write, sortable},
    base::id::{ConnectorId, ExternalId, FirmId, MemberId},
    firm::{
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
    graph::GraphUser,
};

/// Members that become due side by side.
const WRITES_AT_ONCE: usize = 32;

/// Where a member's dates go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DateTarget {
    /// Into the calendar.
    Calendar,
    /// Into the To Do list.
    Todo,
}

/// What greffe writes to a member's Outlook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Appointments, deadlines and reminders.
    pub dates: bool,
    /// Contacts.
    pub contacts: bool,
    /// Where the dates go.
    pub target: DateTarget,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// Its firm.
    pub firm: FirmId,
    /// The person's name.
    pub name: String,
    /// The address of the linked account, in lower case.
    pub address: String,
    /// Further addresses of the same person, in lower case.
    pub aliases: Vec<String>,
    /// The connector that reaches the account.
    pub connector: ConnectorId,
    /// How Graph is told which account it is.
    pub user: GraphUser,
    /// What is pushed to its Outlook; none for nothing.
    pub push: Option<Push>,
    /// The caller's own id of it, if it was given one.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whose Outlook it is, and through what it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAccount {
    /// The connector.
    pub connector: ConnectorId,
    /// How Graph is told which account it is.
    pub user: GraphUser,
}

/// That a member has an address.
#[derive(Debug, Serialize, Deserialize)]
struct MemberAddress {
    member: MemberId,
}

impl Member {
    /// The member of that firm, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: MemberId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::member(firm, id)).await
    }

    /// All members that `connector` reaches. A firm's members are few.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of_connector(table: &Table, firm: FirmId, connector: ConnectorId) -> Result<Vec<Self>, TableError> {
        let all = table.query_all::<Self>(&Key::member_prefix(firm)).await?;
        Ok(all.into_iter().map(|row| row.value).filter(|member| member.connector == connector).collect())
    }

    /// Makes a round due at once for each member that `connector` reaches.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn all_due(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let due = Self::of_connector(table, firm, connector).await?;
        let writes: Vec<_> = due.iter().map(|member| table.write(member.push_due(now))).collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect().await
    }

    /// Whether an error of [`Member::insert`] or [`Member::replace`] is that another member has this address.
    pub fn is_taken(&self, error: &TableError) -> bool {
        error.is_about(&self.address_key())
    }

    /// Every address that is known of the person.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        [&self.address].into_iter().chain(&self.aliases).map(String::as_str)
    }

    /// Stores a new member.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        let member = Write::insert(Key::member(self.firm, self.id), self);
        let named = ExternalIdOwner::Member.give(Some(self.firm), self.external_id.as_ref(), self.id);
        let writes = [self.take_address(), member, self.push_due(self.created_at)];
        table.transact(writes.into_iter().chain(named).collect()).await
    }

    /// Stores `row` at `now`, in place of `before`, which was read.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn replace(row: &Row<Self>, before: &Self, table: &Table, now: Timestamp) -> Result<(), TableError> {
        let member = &row.value;
        let mut writes = vec![Write::replace(row), member.push_due(now)];
        if member.address != before.address {
            writes.push(member.take_address());
            writes.extend(release_address(table, member.firm, &before.address).await?);
        }
        let external_ids = (before.external_id.as_ref(), member.external_id.as_ref());
        writes.extend(ExternalIdOwner::Member.change(Some(member.firm), external_ids, member.id));
        table.transact(writes).await
    }

    /// Forgets a member. Its mailbox, and what was kept of it, stay; what was pushed to its Outlook is removed.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn delete(row: Row<Self>, (table, feed): (&Table, &Feed), now: Timestamp) -> Result<(), FeedError> {
        let mut writes = vec![Write::remove(&row), row.value.push_due(now)];
        writes.extend(ExternalIdOwner::Member.release(Some(row.value.firm), row.value.external_id.as_ref()));
        writes.extend(release_address(table, row.value.firm, &row.value.address).await?);
        let (firm, member) = (row.value.firm, row.value.id);
        let what = FactEvent::MemberDeleted { member };
        feed.tell_with(firm, writes, Fact { id: format!("{member}-deleted"), at: now, what }).await
    }

    fn address_key(&self) -> Key {
        Key::member_address(self.firm, &self.address)
    }

    /// Whatever changes about a member may change what its Outlook shall show.
    fn push_due(&self, now: Timestamp) -> Write {
        PushDue::at(self.firm, self.id, now)
    }

    /// Where it is pushed to, and through what.
    pub fn account(&self) -> MemberAccount {
        MemberAccount { connector: self.connector, user: self.user.clone() }
    }

    fn take_address(&self) -> Write {
        Write::insert(self.address_key(), &MemberAddress { member: self.id })
    }
}

/// The write by which an address may be another member's.
async fn release_address(table: &Table, firm: FirmId, address: &str) -> Result<Option<Write>, TableError> {
    let taken = table.get::<MemberAddress>(&Key::member_address(firm, address)).await?;
    Ok(taken.map(|row| Write::remove(&row)))
}

/// When a member's next round is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDue {
    due_kind: String,
    due_at: String,
}

impl PushDue {
    /// The write by which a round is due at `at`, whatever was due before.
    pub fn at(firm: FirmId, member: MemberId, at: Timestamp) -> Write {
        Write::overwrite(Key::push_due(firm, member), &Self { due_kind: DUE_PUSH.to_owned(), due_at: sortable(at) })
    }

    /// Whether a round is due at `now`.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn is_reached(table: &Table, firm: FirmId, member: MemberId, now: Timestamp) -> Result<bool, TableError> {
        let due = table.get::<Self>(&Key::push_due(firm, member)).await?;
        Ok(due.is_some_and(|due| due.value.due_at <= sortable(now)))
    }

    /// No round is due any more.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn never(table: &Table, firm: FirmId, member: MemberId) -> Result<(), TableError> {
        match table.get::<Self>(&Key::push_due(firm, member)).await? {
            Some(row) => table.write(Write::remove(&row)).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn an_address_that_an_older_version_took_is_read() {
        let taken: MemberAddress = frozen("member-address");
        assert_eq!(taken.member.to_string(), "1d3f90f6-fac8-4fdb-ae07-de25533902e9");
    }
}
