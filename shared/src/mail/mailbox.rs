//! Mailboxes: their folders, state and progress.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{DUE_MAILBOX, Key, Row, Table, TableError, Write, sortable},
    base::id::{ConnectorId, ExternalId, FirmId, FolderId, MailboxId, MemberId, SubscriptionId},
    firm::{
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
    graph::{GraphUser, Mark, Spent, Subscription},
    mail::{
        fresh_page::SettledPages,
        mailbox_share::RoundsBeyond,
        progress::Progress,
        rules::Rules,
        selection::Selection,
        trouble::Faults,
        walk::{HistoryProgress, Reconciliation},
    },
    problem::{Code, NotedProblem},
};

/// Mailboxes that become due side by side: of 2,000 behind one connector all do within seconds.
const WRITES_AT_ONCE: usize = 32;

/// The marks whose categories a mailbox's master list has, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMarks {
    /// The two.
    pub marks: [Mark; 2],
    /// When the list was looked at: the person may have changed it since.
    pub seen_at: Timestamp,
}

/// The kind of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Kind)]
pub enum MailboxKind {
    /// A person's.
    User,
    /// A shared one: many open it, nobody signs in to it.
    Shared,
}

/// Mail from before the activation that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Since this date.
    pub since: Date,
    /// The moment at which that date begins, in UTC.
    pub from: Timestamp,
}

/// The operator's leave to keep mail from before the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderMailGrant {
    /// The earliest date.
    pub since: Date,
    /// The last day on which it can be made use of; none for no end.
    pub until: Option<Date>,
}

/// A start date that can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SinceError {
    /// The operator granted nothing.
    #[error("the operator has granted no mail from before the activation")]
    NoGrant,
    /// The operator granted less.
    #[error("the operator has granted mail since {0} only")]
    NotSoFar(Date),
    /// The time for it is over.
    #[error("the operator's grant ended on {0}")]
    Ended(Date),
    /// Mail since an earlier date is kept already.
    #[error("mail since {0} is kept already; the date can only go further back")]
    Kept(Date),
    /// It is after the activation, or to come.
    #[error("from {0} on all mail is kept anyway")]
    NotPast(Date),
}

impl History {
    /// What it means to keep mail since that date, as things stand on the day of `now`; none if nothing changes. Pure.
    ///
    /// Errors: there is no grant, or it does not reach so far or has expired; the date is in the future; or mail since
    /// an earlier date is kept already.
    pub fn since(mailbox: &Mailbox, since: Date, now: Timestamp) -> Result<Option<Self>, SinceError> {
        let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
        let activated = day(mailbox.activated_at.unwrap_or(now));
        match (mailbox.history, mailbox.grant) {
            _ if since > activated => Err(SinceError::NotPast(activated)),
            (Some(kept), _) if kept.since == since => Ok(None),
            (Some(kept), _) if kept.since < since => Err(SinceError::Kept(kept.since)),
            (_, None) => Err(SinceError::NoGrant),
            (_, Some(OlderMailGrant { until: Some(until), .. })) if until < day(now) => Err(SinceError::Ended(until)),
            (_, Some(grant)) if since < grant.since => Err(SinceError::NotSoFar(grant.since)),
            _ => {
                let from = since.to_zoned(TimeZone::UTC).map(|begin| begin.timestamp());
                Ok(Some(Self { since, from: from.unwrap_or(Timestamp::MIN) }))
            }
        }
    }
}

/// Whether mail is archived.
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

/// The dossier that a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderDossier {
    /// The dossier, in the business application's own words.
    pub dossier: String,
    /// Who said so: the id of the API key, or `operator`.
    pub by: String,
    /// The time.
    pub at: Timestamp,
}

/// Most folders of a mailbox that stand for dossiers: each round reads them.
pub const FOLDER_DOSSIERS_MAX: usize = 200;

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
    /// The id of its root folder, by which it is known whatever it was added as; none where an older version added it.
    #[serde(default)]
    pub root: Option<FolderId>,
    /// Whose it is.
    pub kind: MailboxKind,
    /// Whether mail is archived.
    pub state: MailboxState,
    /// The chosen folders.
    pub selection: Option<Selection>,
    /// Which mail of them is not kept all the same, and whether mail is marked.
    #[serde(default)]
    pub rules: Rules,
    /// The folders that stand for dossiers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dossiers: BTreeMap<FolderId, FolderDossier>,
    /// Mail that arrived before this time is not archived.
    pub activated_at: Option<Timestamp>,
    /// Older mail that is kept all the same.
    #[serde(default)]
    pub history: Option<History>,
    /// The operator's grant for older mail.
    #[serde(default)]
    pub grant: Option<OlderMailGrant>,
    /// The member whose it is, if it was added for one: its address came from there.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// The caller's own id of it, if it was given one.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Mailbox {
    /// The mailbox of that firm, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: MailboxId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::mailbox(firm, id)).await
    }

    /// The same for a round. An active mailbox is as it was a moment ago, for half the price. A round may work by that,
    /// but no job may be dropped because of it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find_for_round(table: &Table, firm: FirmId, id: MailboxId) -> Result<Option<Row<Self>>, TableError> {
        let key = Key::mailbox(firm, id);
        match table.get_eventually::<Self>(&key).await? {
            Some(row) if row.value.state == MailboxState::Active => Ok(Some(row)),
            _ => table.get(&key).await,
        }
    }

    /// The mailboxes that `connector` opens.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of_connector(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
    ) -> Result<Vec<Row<Self>>, TableError> {
        let mut all = table.query_all::<Self>(&Key::mailbox_prefix(firm)).await?;
        all.retain(|row| row.value.connector == connector);
        Ok(all)
    }

    /// One of the mailboxes that `connector` opens, if there is any.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn first_of_connector(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
    ) -> Result<Option<Self>, TableError> {
        let own = Self::of_connector(table, firm, connector).await?.into_iter().map(|row| row.value);
        Ok(own.min_by_key(|mailbox| mailbox.created_at))
    }

    /// The firm's mailbox that is the same as this one, if there is any: by its address, as the same user, or by its
    /// root folder.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn twin(&self, table: &Table) -> Result<Option<Self>, TableError> {
        let all = table.query_all::<Self>(&Key::mailbox_prefix(self.firm)).await?;
        let is_same = |other: &Self| {
            other.address == self.address || other.user == self.user || (self.root.is_some() && other.root == self.root)
        };
        Ok(all.into_iter().map(|row| row.value).filter(is_same).min_by_key(|other| other.created_at))
    }

    /// Stores a new mailbox; a conflict means that the firm has it already.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        let taken = MailboxAddress { mailbox: self.id };
        let mut writes = vec![
            Write::insert(Key::address(self.firm, &self.address), &taken),
            Write::insert(Key::mailbox(self.firm, self.id), self),
        ];
        writes.extend(self.root.iter().map(|root| Write::insert(Key::root_folder(self.firm, root), &taken)));
        writes.extend(ExternalIdOwner::Mailbox.give(Some(self.firm), self.external_id.as_ref(), self.id));
        table.transact(writes).await
    }

    /// Deletes a mailbox: no round reads it any more, and it can be added anew. Its messages stay. One more round is
    /// due at once, which ends its subscription and removes what rounds kept.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn delete(row: &Row<Self>, (table, feed): (&Table, &Feed), now: Timestamp) -> Result<(), FeedError> {
        let mailbox = &row.value;
        let what = FactEvent::MailboxDeleted { mailbox: mailbox.id };
        let fact = Fact { id: format!("{}-deleted", mailbox.id), at: now, what };
        let mut tries = table.tries();
        loop {
            let mut writes = vec![Write::remove(row), Write::discard(Key::address(mailbox.firm, &mailbox.address))];
            writes.extend(mailbox.root.iter().map(|root| Write::discard(Key::root_folder(mailbox.firm, root))));
            writes.extend(ExternalIdOwner::Mailbox.release(Some(mailbox.firm), mailbox.external_id.as_ref()));
            let sync = Key::sync(mailbox.firm, mailbox.id);
            if let Some(mut sync) = table.get::<SyncState>(&sync).await? {
                sync.value = SyncState { deleted_from: Some(mailbox.connector), ..sync.value }.due(now);
                writes.push(Write::replace(&sync));
            }
            match feed.tell_with(mailbox.firm, writes, fact.clone()).await {
                // A round wrote how far it is; the mailbox itself is as it was read.
                Err(FeedError::Table(error)) if error.is_about(&sync) && tries.again(&error).await => {}
                other => return other,
            }
        }
    }

    /// Reads no more mail: its connector is being deleted. What is left of its subscription is no longer known.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn lose_connector(row: Row<Self>, table: &Table, now: Timestamp) -> Result<(), TableError> {
        let sync = Key::sync(row.value.firm, row.value.id);
        Self::pause(row, table).await?;
        let lost = |sync: SyncState| {
            let problem = NotedProblem { code: Code::ConnectorDeleted, microsoft_code: String::new(), since: now };
            SyncState { subscription: None, problem: Some(problem), ..sync }.not_due()
        };
        table.update(&sync, |sync: Option<SyncState>| sync.map(lost)).await.map(drop)
    }

    /// Stores `row` in place of what was read, when its address was `before`. `moved`: through another connector; then
    /// its subscription is made anew, and what was wrong is over.
    ///
    /// Errors: `Conflict` if another wrote first, or if another mailbox has the address; the table refuses or does not
    /// answer.
    pub async fn replace(row: &Row<Self>, before: &Self, table: &Table, now: Timestamp) -> Result<(), TableError> {
        let mailbox = &row.value;
        let mut writes = vec![Write::replace(row)];
        if mailbox.address != before.address {
            let taken = MailboxAddress { mailbox: mailbox.id };
            writes.push(Write::insert(Key::address(mailbox.firm, &mailbox.address), &taken));
            writes.push(Write::discard(Key::address(mailbox.firm, &before.address)));
        }
        let external_ids = (before.external_id.as_ref(), mailbox.external_id.as_ref());
        writes.extend(ExternalIdOwner::Mailbox.change(Some(mailbox.firm), external_ids, mailbox.id));
        table.transact(writes).await?;
        let opened_anew = |sync: SyncState| {
            let sync = SyncState { subscription: None, problem: None, ..sync };
            if mailbox.state == MailboxState::Active { sync.due(now) } else { sync }
        };
        if mailbox.connector != before.connector {
            table.update(&Key::sync(mailbox.firm, mailbox.id), |sync: Option<SyncState>| sync.map(opened_anew)).await?;
        }
        Ok(())
    }

    /// Whether an error of [`Mailbox::replace`] is that another mailbox has its address.
    pub fn is_taken(&self, error: &TableError) -> bool {
        error.is_about(&Key::address(self.firm, &self.address))
    }

    /// Keeps what `selection` names from now on.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn select(mut row: Row<Self>, table: &Table, selection: Selection) -> Result<Self, TableError> {
        row.value.selection = Some(selection);
        table.write(Write::replace(&row)).await?;
        Ok(row.value)
    }

    /// Judges what is found from now on by `rules`.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn rule(mut row: Row<Self>, table: &Table, rules: Rules) -> Result<Self, TableError> {
        row.value.rules = rules;
        table.write(Write::replace(&row)).await?;
        Ok(row.value)
    }

    /// Notes what the operator granted, or that the grant is taken back. What was begun with it goes on.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn grant(mut row: Row<Self>, table: &Table, grant: Option<OlderMailGrant>) -> Result<Self, TableError> {
        row.value.grant = grant;
        table.write(Write::replace(&row)).await?;
        Ok(row.value)
    }

    /// Reads no more mail until it is activated again. One that was never activated stays as it is.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn pause(mut row: Row<Self>, table: &Table) -> Result<Self, TableError> {
        if row.value.state != MailboxState::Active {
            return Ok(row.value);
        }
        row.value.state = MailboxState::Paused;
        row.value.store_with_sync(&row, table, |sync| sync.map(SyncState::not_due)).await?;
        Ok(row.value)
    }

    /// Begins to keep mail, or goes on: the first time, what arrived before `now` is not kept. The first round is due
    /// at once. `history` is what is kept from before, if that changes.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn activate(
        mut row: Row<Self>,
        table: &Table,
        history: Option<History>,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        row.value.history = history.or(row.value.history);
        row.value.state = MailboxState::Active;
        // Graph tells arrivals in whole seconds: one of this very second counts as after.
        row.value.activated_at.get_or_insert(Timestamp::from_second(now.as_second()).unwrap_or(now));
        let begin = |there: Option<SyncState>| match there {
            Some(sync) => Some(sync.due(now)),
            None => {
                let mut first = SyncState { preparing: Some(Preparing::default()), ..SyncState::default() }.due(now);
                first.note_pace(now, 0);
                Some(first)
            }
        };
        row.value.store_with_sync(&row, table, begin).await?;
        Ok(row.value)
    }

    /// Stores the mailbox as it is in `row`, together with what `change` makes of the state of its rounds. A round may
    /// write that state at the same time: then it is read and changed again.
    async fn store_with_sync(
        &self,
        row: &Row<Self>,
        table: &Table,
        change: impl Fn(Option<SyncState>) -> Option<SyncState>,
    ) -> Result<(), TableError> {
        let key = Key::sync(self.firm, self.id);
        let mut tries = table.tries();
        loop {
            let mut writes = vec![Write::replace(row)];
            match table.get::<SyncState>(&key).await? {
                Some(sync) => {
                    if let Some(changed) = change(Some(sync.value.clone())) {
                        writes.push(Write::replace(&sync.with(changed)));
                    }
                }
                None => writes.extend(change(None).map(|first| Write::insert(key.clone(), &first))),
            }
            match table.transact(writes).await {
                Err(error) if error.is_about(&key) && tries.again(&error).await => {}
                other => return other,
            }
        }
    }
}

impl Mailbox {
    /// Makes the active mailboxes of a connector due at once: somebody has just connected it again.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn all_due(
        table: &Table,
        firm: FirmId,
        connector: ConnectorId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let all = table.query_all::<Self>(&Key::mailbox_prefix(firm)).await?;
        let active = |mailbox: &Self| mailbox.connector == connector && mailbox.state == MailboxState::Active;
        let due = all.into_iter().map(|row| row.value).filter(active).map(|mailbox| async move {
            let due = |sync: Option<SyncState>| Some(sync?.due(now));
            table.update(&Key::sync(firm, mailbox.id), due).await.map(drop)
        });
        // Collected first: a stream that borrows within its closure is not `Send`.
        let due: Vec<_> = due.collect();
        stream::iter(due).buffer_unordered(WRITES_AT_ONCE).try_collect().await
    }
}

/// That an address is taken within a firm.
#[derive(Debug, Serialize, Deserialize)]
struct MailboxAddress {
    mailbox: MailboxId,
}

/// A mailbox's rounds: written by its rounds, and by the activation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    due_kind: Option<String>,
    due_at: Option<String>,
    /// When all folders are read next; at the next round that is due where there is none. What else is due has no
    /// folder read that was read before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_at: Option<Timestamp>,
    /// Until when polls come often: one found what no notice told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_until: Option<Timestamp>,
    /// When the last finished round began: a job sent before has been seen to.
    pub round_began_at: Option<Timestamp>,
    /// Rounds beyond the mailbox's share.
    #[serde(default, skip_serializing_if = "RoundsBeyond::is_zero")]
    beyond: RoundsBeyond,
    /// What tells us of new mail.
    pub subscription: Option<HeldSubscription>,
    /// The marks whose categories the master list has, and when that was seen.
    #[serde(default)]
    pub marks: Option<KeptMarks>,
    /// When the tree of folders is looked at next; none before it was read for the first time.
    #[serde(default)]
    pub follow_at: Option<Timestamp>,
    /// How far the history is.
    #[serde(default)]
    pub history: Option<HistoryProgress>,
    /// The comparison of the folders with the archive that runs, or ran last.
    #[serde(default)]
    pub reconciliation: Option<Reconciliation>,
    /// When the next automatic one starts.
    #[serde(default)]
    pub reconcile_at: Option<Timestamp>,
    /// When older mail was last given to its functions; none while nothing of it is to be done. While this is set, a
    /// round of live mail takes its turn first ([`MailboxTurn`](super::turn::MailboxTurn)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<Timestamp>,
    /// When older mail goes on: Graph, or our own pace, asked it to wait.
    #[serde(default)]
    pub behind_at: Option<Timestamp>,
    /// Until when no round is begun: Graph asked to wait, or did not answer. What a notice tells before that is seen to
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Timestamp>,
    /// What was asked of the mailbox lately.
    #[serde(default)]
    pub spent: Spent,
    /// How far the first rounds of the folders are; none once all are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparing: Option<Preparing>,
    /// What fails by itself.
    #[serde(default)]
    pub faults: Faults,
    /// Facts of the feed that the event bus did not take yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<UnannouncedRange>,
    /// The notice that no folder explained, and that was looked at once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_look: Option<Timestamp>,
    /// Rounds after each other in which Graph told of nothing.
    #[serde(default)]
    pub quiet_rounds: u32,
    /// How many were archived at some moments of the last minutes.
    #[serde(default)]
    pace: Vec<Pace>,
    /// What rounds settled of pages that brought few mails, beside the item of the counts.
    #[serde(default, skip_serializing_if = "Progress::is_zero")]
    pub counts: Progress,
    /// Which of those pages are settled.
    #[serde(default, skip_serializing_if = "SettledPages::is_empty")]
    pub settled: SettledPages,
    /// What kept the last round from its end, if a person has to act.
    pub problem: Option<NotedProblem>,
    /// The connector that opened the mailbox, once that is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_from: Option<ConnectorId>,
}

/// How many of the folders that are kept are ready: the baseline of each is complete, so that mail that is moved in
/// counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparing {
    /// Folders that are ready.
    pub ready: u32,
    /// Folders that are kept; none before the tree was read.
    pub folders: u32,
}

/// Numbers of the firm's feed, both included: those of this mailbox among them are still to be put on the event bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnannouncedRange {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

impl UnannouncedRange {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

/// How many mails were archived at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pace {
    at: Timestamp,
    archived: i64,
}

/// The rate is that of the last minutes.
const PACE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Moments that are remembered lie this far apart.
const PACE_STEP: Duration = Duration::from_secs(2 * 60);

/// A subscription that we hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Where its notices go; none where an older version made it.
    #[serde(default)]
    pub url: Option<String>,
    /// When it was last seen to be there.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
}

impl HeldSubscription {
    /// One that Graph granted at `now`, whose notices go to `url`.
    pub fn granted(granted: Subscription, url: &str, now: Timestamp) -> Self {
        Self { id: granted.id, expires_at: granted.expires_at, url: Some(url.to_owned()), seen_at: Some(now) }
    }

    /// The same, renewed by Graph at `now`. Its notices go where they went before.
    pub fn renewed(&self, granted: Subscription, now: Timestamp) -> Self {
        Self { id: granted.id, expires_at: granted.expires_at, seen_at: Some(now), ..self.clone() }
    }
}

/// `ours`, if that is another than what was read; else `theirs`.
fn newer<T: PartialEq>(ours: T, read: T, theirs: T) -> T {
    if ours == read { theirs } else { ours }
}

/// The numbers of both.
fn both(one: Option<UnannouncedRange>, other: Option<UnannouncedRange>) -> Option<UnannouncedRange> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

impl SyncState {
    /// The same, with the next round due at `at`, which reads all folders.
    pub fn due(self, at: Timestamp) -> Self {
        Self { poll_at: None, ..self.round_due(at) }
    }

    /// The same, with the next round due at `at`.
    fn round_due(mut self, at: Timestamp) -> Self {
        self.due_kind = Some(DUE_MAILBOX.to_owned());
        self.due_at = Some(sortable(at));
        self.waits_until = None;
        self
    }

    /// Whether a round that begins at `now` by itself reads all folders.
    pub fn polls(&self, now: Timestamp) -> bool {
        self.is_due(now) && self.poll_at.is_none_or(|at| at <= now)
    }

    /// How long the mailbox lets others go first, for a job that was sent at `sent_at`; none if it need not.
    pub fn yields(&self, sent_at: Timestamp, now: Timestamp) -> Option<Duration> {
        self.beyond.wait(self.round_began_at, sent_at, now)
    }

    /// Notes a finished round.
    pub fn note_round(&mut self, began: Timestamp, ended: Timestamp) {
        self.beyond = self.beyond.after(self.round_began_at, began, ended);
        self.round_began_at = Some(began);
    }

    /// Whether it is time to note how many are archived.
    pub fn wants_pace(&self, now: Timestamp) -> bool {
        self.pace.last().is_none_or(|pace| pace.at + PACE_STEP <= now)
    }

    /// Notes how many are archived.
    pub fn note_pace(&mut self, now: Timestamp, archived: i64) {
        self.pace.retain(|pace| pace.at + PACE_WINDOW > now);
        self.pace.push(Pace { at: now, archived });
    }

    /// Mails archived in a minute of late. Pure.
    pub fn per_minute(&self, now: Timestamp, archived: i64) -> f64 {
        let Some(first) = self.pace.iter().find(|pace| pace.at + PACE_WINDOW > now) else { return 0.0 };
        let minutes = now.duration_since(first.at).as_secs_f64() / 60.0;
        if minutes > 0.0 { (archived - first.archived) as f64 / minutes } else { 0.0 }
    }

    /// Whether a round is due by now, and not only asked for by a notice.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due_at.as_ref().is_none_or(|due| *due <= sortable(now))
    }

    /// Whether no round is begun yet: Microsoft is not well, or a person has to act, and the next look is yet to come.
    pub fn waits(&self, now: Timestamp) -> bool {
        let a_person = self.problem.is_some() && self.due_at.as_ref().is_some_and(|due| *due > sortable(now));
        a_person || self.waits_until.is_some_and(|until| until > now)
    }

    /// Merges the results of a live round that began from `read`. Changes that older mail, an activation or a pause
    /// made meanwhile win.
    pub fn with_findings_of(self, read: &Self, round: &Self) -> Self {
        // When older mail goes on, after it came to its end meanwhile, the next round finds out.
        let older_ended = read.older.is_some() && self.older.is_none();
        let unasked = (&self.due_kind, &self.due_at) == (&read.due_kind, &read.due_at) && !older_ended;
        let due = if unasked { round.clone() } else { self.clone() };
        let untold = match self.untold == read.untold {
            true => round.untold,
            // To tell again does no harm.
            false => both(self.untold, round.untold),
        };
        Self {
            due_kind: due.due_kind,
            due_at: due.due_at,
            poll_at: due.poll_at,
            waits_until: due.waits_until,
            round_began_at: due.round_began_at,
            beyond: round.beyond,
            older: newer(round.older, read.older, self.older),
            pace: newer(self.pace.clone(), read.pace.clone(), round.pace.clone()),
            spent: self.spent.clone().and(&round.spent.since(&read.spent)),
            quiet_rounds: round.quiet_rounds,
            doubted_until: round.doubted_until,
            subscription: round.subscription.clone(),
            marks: newer(round.marks.clone(), read.marks.clone(), self.marks.clone()),
            follow_at: newer(self.follow_at, read.follow_at, round.follow_at),
            preparing: match unasked {
                true => newer(self.preparing, read.preparing, round.preparing),
                false => self.preparing.or(round.preparing),
            },
            faults: self.faults.clone().changed(&read.faults, &round.faults),
            untold,
            second_look: round.second_look,
            problem: self.problem.filter(|own| own.code == Code::ConnectorDeleted).or(round.problem.clone()),
            ..self
        }
    }

    /// What a slice of older mail changes: unless it says otherwise, older mail is with nobody afterwards.
    pub fn for_slice(&self) -> Self {
        Self { older: None, untold: None, ..self.clone() }
    }

    /// The same, with what a slice of older mail found out that began with `read`, and due no later than `due`.
    pub fn with_older(self, read: &Self, slice: &Self, due: Option<Timestamp>) -> Self {
        let run = |sync: &Self| sync.reconciliation.map(|reconciliation| reconciliation.run);
        let asked_for = run(&self) > run(slice);
        let next = Self {
            history: slice.history,
            reconciliation: if asked_for { self.reconciliation } else { slice.reconciliation },
            reconcile_at: slice.reconcile_at,
            behind_at: slice.behind_at,
            older: slice.older,
            pace: newer(slice.pace.clone(), read.pace.clone(), self.pace.clone()),
            // What happened in a folder since its first round began is to be found soon.
            poll_at: self.poll_at.filter(|_| slice.preparing == read.preparing),
            spent: self.spent.clone().and(&slice.spent.since(&read.spent)),
            marks: newer(slice.marks.clone(), read.marks.clone(), self.marks.clone()),
            preparing: newer(self.preparing, read.preparing, slice.preparing),
            faults: self.faults.clone().changed(&read.faults, &slice.faults),
            untold: both(self.untold, slice.untold),
            ..self
        };
        match due {
            Some(at) if next.due_at.as_ref().is_some_and(|due| *due > sortable(at)) => {
                let waits_until = next.waits_until;
                Self { waits_until, ..next.round_due(at) }
            }
            _ => next,
        }
    }

    /// Looks at all folders of an active mailbox at once: others were chosen.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn look_at_folders(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let look = |sync: Self| {
            let follow_at = sync.follow_at.map(|at| at.min(now));
            let preparing = sync.preparing.or(Some(Preparing::default()));
            Self { follow_at, preparing, ..sync }.due(now)
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(look)).await.map(drop)
    }

    /// Makes the next round due at `at`, unless it is due earlier than that and still after `now`. The index is written
    /// only if the time changes.
    pub fn due_by(self, at: Timestamp, now: Timestamp) -> Self {
        match &self.due_at {
            Some(due) if *due <= sortable(at) && *due > sortable(now) => self,
            _ => self.round_due(at),
        }
    }

    /// Begins a reconciliation with the next round, instead of one that runs.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn reconcile(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let ask = |sync: Self| {
            // No two runs have one name, however short after each other.
            let run = sync.reconciliation.map_or(now, |last| now.max(last.run + Duration::from_millis(1)));
            Self { reconciliation: Some(Reconciliation { run, dry_run, ended_at: None }), ..sync }.due(now)
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(ask)).await.map(drop)
    }

    /// Makes the next round of an active mailbox due at `at`, and begins none before.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn put_off(table: &Table, firm: FirmId, mailbox: MailboxId, at: Timestamp) -> Result<(), TableError> {
        let put_off = |sync: Self| match sync.due_kind {
            Some(_) => Self { waits_until: Some(at), ..sync.due(at) },
            None => sync,
        };
        table.update(&Key::sync(firm, mailbox), |sync| sync.map(put_off)).await.map(drop)
    }

    /// The same, with no round due: paused.
    pub fn not_due(mut self) -> Self {
        self.due_kind = None;
        self.due_at = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{id::FirmId, random::Random};

    fn mailbox(history: Option<&str>, grant: Option<(&str, Option<&str>)>) -> Mailbox {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let random = Random::seeded(1);
        Mailbox {
            id: MailboxId::draw(&random),
            firm: FirmId::draw(&random),
            connector: ConnectorId::draw(&random),
            address: "ada@lumen.example".to_owned(),
            user: GraphUser::new("ada@lumen.example"),
            root: None,
            dossiers: BTreeMap::new(),
            kind: MailboxKind::User,
            state: MailboxState::Active,
            selection: None,
            rules: Rules::default(),
            activated_at: Some("2026-03-02T08:00:00Z".parse().unwrap()),
            history: history.map(|since| History { since: date(since), from: Timestamp::UNIX_EPOCH }),
            grant: grant.map(|(since, until)| OlderMailGrant { since: date(since), until: until.map(date) }),
            member: None,
            external_id: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn since(mailbox: &Mailbox, date: &str) -> Result<Option<String>, SinceError> {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        Ok(History::since(mailbox, date.parse().unwrap(), now)?.map(|history| history.from.to_string()))
    }

    #[test]
    fn older_mail_needs_a_grant_that_reaches_so_far_and_has_not_ended() {
        let granted = mailbox(None, Some(("2025-01-01", Some("2026-03-10"))));
        assert_eq!(since(&granted, "2025-01-01").unwrap().unwrap(), "2025-01-01T00:00:00Z");
        assert_eq!(since(&granted, "2024-12-31"), Err(SinceError::NotSoFar("2025-01-01".parse().unwrap())));
        assert_eq!(since(&granted, "2026-03-03"), Err(SinceError::NotPast("2026-03-02".parse().unwrap())));
        assert_eq!(since(&mailbox(None, None), "2026-01-01"), Err(SinceError::NoGrant));
        let ended = mailbox(None, Some(("2025-01-01", Some("2026-03-09"))));
        assert_eq!(since(&ended, "2025-06-01"), Err(SinceError::Ended("2026-03-09".parse().unwrap())));
    }

    #[test]
    fn the_start_date_goes_further_back_only() {
        let kept = mailbox(Some("2025-06-01"), Some(("2025-01-01", None)));
        assert_eq!(since(&kept, "2025-06-01"), Ok(None));
        assert_eq!(since(&kept, "2025-07-01"), Err(SinceError::Kept("2025-06-01".parse().unwrap())));
        assert!(since(&kept, "2025-01-01").unwrap().is_some());
        assert_eq!(since(&mailbox(Some("2025-06-01"), None), "2025-01-01"), Err(SinceError::NoGrant));
    }

    #[test]
    fn a_round_and_a_slice_that_end_at_the_same_time_leave_each_others_findings() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let read = SyncState { older: Some(at(1)), reconcile_at: Some(at(5)), ..SyncState::default() }.due(at(10));
        let round = SyncState { quiet_rounds: 3, round_began_at: Some(at(20)), ..read.clone() }.due(at(900));
        let run = Reconciliation { run: at(20), dry_run: false, ended_at: None };
        let slice =
            SyncState { reconciliation: Some(run), reconcile_at: Some(at(99_000)), older: None, ..read.clone() };
        let one = read.clone().with_older(&read, &slice, Some(at(500))).with_findings_of(&read, &round);
        let other = round.clone().with_older(&read, &slice, Some(at(500)));
        assert_eq!((one.reconciliation, one.reconcile_at, one.older), (Some(run), Some(at(99_000)), None));
        // When older mail goes on, the next round finds out.
        assert!(one.quiet_rounds == 3 && one.is_due(at(10)));
        assert!(other.is_due(at(500)) && !other.is_due(at(499)));
        assert_eq!((other.reconciliation, other.quiet_rounds), (Some(run), 3));
        // An activation meanwhile wants a round that began after it.
        let activated = read.clone().due(at(30)).with_findings_of(&read, &round);
        assert!(activated.is_due(at(30)) && activated.round_began_at.is_none());
    }

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let mut sync = SyncState::default();
        assert!(sync.wants_pace(at(0)));
        sync.note_pace(at(0), 100);
        assert!(!sync.wants_pace(at(1)) && sync.wants_pace(at(2)));
        assert_eq!(sync.per_minute(at(5), 600), 100.0);
        sync.note_pace(at(8), 900);
        assert_eq!(sync.per_minute(at(12), 900), 0.0);
        assert_eq!(sync.per_minute(at(60), 900), 0.0);
    }

    #[test]
    fn addresses_and_root_folders_that_an_older_version_took_are_read() {
        let address: MailboxAddress = crate::aws::table::frozen("address");
        let root: MailboxAddress = crate::aws::table::frozen("root-folder");
        assert_eq!(address.mailbox, root.mailbox);
    }
}
