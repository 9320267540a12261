//! Mailboxes: which folders are kept, since when, and how far it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    graph::{GraphUser, MailFolder, Subscription, WELL_KNOWN_NEVER_READ},
    id::{ConnectorId, FirmId, FolderId, MailboxId, MemberId, SubscriptionId},
    problem::Noted,
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

/// How folders are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The named folders, and no others.
    Include,
    /// All but the named folders and what lies below them.
    Exclude,
    /// All.
    All,
}

/// Which folders are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// How they were chosen.
    pub mode: Mode,
    /// The folders named.
    pub folders: Vec<FolderId>,
    /// What the choice came to in the tree as it was then.
    pub kept: Vec<FolderId>,
}

/// A choice that the tree does not allow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No such folder in this mailbox.
    #[error("there is no folder {0} in this mailbox")]
    Unknown(FolderId),
    /// One of the folders that are never read.
    #[error("the folder {0} is one that is never read, or lies below one")]
    NeverRead(FolderId),
    /// Nothing is left.
    #[error("the choice leaves no folder to keep")]
    Nothing,
}

impl Selection {
    /// What a choice comes to in `tree`, in which parents stand before their children.
    pub fn resolve(mode: Mode, folders: Vec<FolderId>, tree: &[MailFolder]) -> Result<Self, SelectionError> {
        let never_read =
            with_descendants(tree, |f| f.search || f.well_known.is_some_and(|w| WELL_KNOWN_NEVER_READ.contains(&w)));
        for id in &folders {
            if !tree.iter().any(|f| &f.id == id) {
                return Err(SelectionError::Unknown(id.clone()));
            }
            if mode == Mode::Include && never_read.contains(&id) {
                return Err(SelectionError::NeverRead(id.clone()));
            }
        }
        let named = match mode {
            Mode::Include => folders.iter().collect(),
            Mode::Exclude => with_descendants(tree, |f| folders.contains(&f.id)),
            Mode::All => Vec::new(),
        };
        let kept = tree.iter().map(|f| &f.id).filter(|id| {
            let chosen = (mode == Mode::Include) == named.contains(id);
            chosen && !never_read.contains(id)
        });
        let kept: Vec<FolderId> = kept.cloned().collect();
        if kept.is_empty() { Err(SelectionError::Nothing) } else { Ok(Self { mode, folders, kept }) }
    }
}

/// The folders that `is` picks, and all below them.
fn with_descendants(tree: &[MailFolder], is: impl Fn(&MailFolder) -> bool) -> Vec<&FolderId> {
    let mut picked: Vec<&FolderId> = tree.iter().filter(|f| is(f)).map(|f| &f.id).collect();
    loop {
        let below =
            |f: &&MailFolder| f.parent.as_ref().is_some_and(|p| picked.contains(&p)) && !picked.contains(&&f.id);
        let more: Vec<&FolderId> = tree.iter().filter(below).map(|f| &f.id).collect();
        if more.is_empty() {
            return picked;
        }
        picked.extend(more);
    }
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

    /// Whether a person has to act, and the next look at whether somebody has is yet to come.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.problem.is_some() && self.due_at.as_ref().is_some_and(|due| *due > sortable(now))
    }

    /// The same, with what a round found out: for a round during which the mailbox was activated or paused.
    pub fn with_findings_of(self, round: &Self) -> Self {
        Self {
            subscription: round.subscription.clone(),
            category_ready: round.category_ready,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::WellKnown;

    fn folder(id: &str, parent: Option<&str>, well_known: Option<WellKnown>) -> MailFolder {
        MailFolder {
            id: id.parse().unwrap(),
            parent: parent.map(|p| p.parse().unwrap()),
            display_name: id.to_owned(),
            items: 0,
            hidden: false,
            search: false,
            well_known,
        }
    }

    fn tree() -> Vec<MailFolder> {
        vec![
            folder("inbox", Some("root"), Some(WellKnown::Inbox)),
            folder("trash", Some("root"), Some(WellKnown::DeletedItems)),
            folder("clients", Some("inbox"), None),
            folder("binned", Some("trash"), None),
            folder("acme", Some("clients"), None),
        ]
    }

    fn kept(mode: Mode, named: &[&str]) -> Result<Vec<String>, SelectionError> {
        let named = named.iter().map(|id| id.parse().unwrap()).collect();
        Ok(Selection::resolve(mode, named, &tree())?.kept.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_inclusion_keeps_the_named_folders_and_no_others() {
        assert_eq!(kept(Mode::Include, &["inbox", "acme"]).unwrap(), ["inbox", "acme"]);
        assert_eq!(kept(Mode::Include, &["gone"]), Err(SelectionError::Unknown("gone".parse().unwrap())));
        assert_eq!(kept(Mode::Include, &[]), Err(SelectionError::Nothing));
    }

    #[test]
    fn an_exclusion_takes_all_below_with_it() {
        assert_eq!(kept(Mode::Exclude, &["clients"]).unwrap(), ["inbox"]);
        assert_eq!(kept(Mode::All, &[]).unwrap(), ["inbox", "clients", "acme"]);
    }

    #[test]
    fn deleted_items_and_all_below_are_never_read() {
        assert_eq!(kept(Mode::Include, &["binned"]), Err(SelectionError::NeverRead("binned".parse().unwrap())));
        assert!(!kept(Mode::All, &[]).unwrap().contains(&"trash".to_owned()));
    }
}
