//! An outbox: what rounds remember of one member. Only rounds write it; what is due is an item of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::id::Noun,
    firm::member::{Account, Push},
    graph::Spent,
    problem::Noted,
    push::Links,
};

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
