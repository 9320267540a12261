//! An outbox: what rounds remember of one member. Only rounds write it; what is due is an item of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{DUE_PUSH, Key, Table, TableError, Write, sortable},
    base::id::{ConnectorId, FirmId, MemberId},
    firm::member::Push,
    graph::{GraphUser, Spent},
    problem::Noted,
    push::{Links, entry::Noun},
};

/// Whose Outlook it is, and through what it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The connector.
    pub connector: ConnectorId,
    /// How Graph is told which account it is.
    pub user: GraphUser,
}

/// What rounds remember of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outbox {
    /// Where the copies lie.
    pub account: Option<Account>,
    /// The switches that the last whole comparison went by.
    pub push: Option<Push>,
    /// Where the changes of the containers of ours go on, for each noun.
    pub links: BTreeMap<Noun, Links>,
    /// When the last finished round began: a job sent before has been seen to.
    pub round_began_at: Option<Timestamp>,
    /// What was asked of the mailbox lately.
    pub spent: Spent,
    /// When it was last looked for changes there.
    pub checked_at: Option<Timestamp>,
    /// When both sides were last compared as a whole.
    pub compared_at: Option<Timestamp>,
    /// What keeps everything from this Outlook, if a person has to act.
    pub problem: Option<Noted>,
    /// What keeps one noun from it while the other goes out: a right is missing.
    pub blocked: BTreeMap<Noun, Noted>,
}

impl Outbox {
    /// What keeps entries of that noun from this Outlook.
    pub fn problem_of(&self, noun: Noun) -> Option<&Noted> {
        self.problem.as_ref().or_else(|| self.blocked.get(&noun))
    }
}

/// When a member's next round is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    due_kind: String,
    due_at: String,
}

impl Due {
    /// The write by which a round is due at `at`, whatever was due before.
    pub fn at(firm: FirmId, member: MemberId, at: Timestamp) -> Write {
        Write::overwrite(Key::push_due(firm, member), &Self { due_kind: DUE_PUSH.to_owned(), due_at: sortable(at) })
    }

    /// Whether a round is due at `now`.
    pub async fn is_reached(table: &Table, firm: FirmId, member: MemberId, now: Timestamp) -> Result<bool, TableError> {
        let due = table.get::<Self>(&Key::push_due(firm, member)).await?;
        Ok(due.is_some_and(|due| due.value.due_at <= sortable(now)))
    }

    /// No round is due any more.
    pub async fn never(table: &Table, firm: FirmId, member: MemberId) -> Result<(), TableError> {
        match table.get::<Self>(&Key::push_due(firm, member)).await? {
            Some(row) => table.write(Write::remove(&row)).await,
            None => Ok(()),
        }
    }
}
