//! Mailboxes: which mail of whom is kept, and since when.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{ConnectorId, ExternalId, FirmId, FolderId, MailboxId, MemberId},
    firm::{
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
    graph::GraphUser,
    mail::{rules::Rules, selection::Selection, sync_state::SyncState},
    problem::{Code, NotedProblem},
};

/// Mailboxes that become due side by side: of 2,000 behind one connector all do within seconds.
const WRITES_AT_ONCE: usize = 32;

/// The kind of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailboxKind {
    /// A person's.
    User,
    /// A shared one: many open it, nobody signs in to it.
    Shared,
}

/// Mail from before the activation that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedHistory {
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

impl GrantedHistory {
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
    pub history: Option<GrantedHistory>,
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

    /// The mailbox for a round: read eventually consistent, at half the price, if it is active. A round may use it, but
    /// must not drop a job because of it.
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
    pub async fn find_duplicate(&self, table: &Table) -> Result<Option<Self>, TableError> {
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
                sync.value.deleted_from = Some(mailbox.connector);
                sync.value = sync.value.due(now);
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
        let lost = |mut sync: SyncState| {
            sync.subscription = None;
            sync.problem =
                Some(NotedProblem { code: Code::ConnectorDeleted, microsoft_code: String::new(), since: now });
            sync.not_due()
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
        let opened_anew = |mut sync: SyncState| {
            sync.subscription = None;
            sync.problem = None;
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
        history: Option<GrantedHistory>,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        row.value.history = history.or(row.value.history);
        row.value.state = MailboxState::Active;
        // Graph tells arrivals in whole seconds: one of this very second counts as after.
        row.value.activated_at.get_or_insert(Timestamp::from_second(now.as_second()).unwrap_or(now));
        let begin = |there: Option<SyncState>| Some(there.map_or_else(|| SyncState::first(now), |sync| sync.due(now)));
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
        let active = all.into_iter().map(|row| row.value).filter(active);
        let keys: Vec<Key> = active.map(|mailbox| Key::sync(firm, mailbox.id)).collect();
        let due = table.get_all::<SyncState>(&keys).await?.into_iter().map(|row| async move {
            let (key, due) = (row.key.clone(), row.value.clone().due(now));
            match table.write(Write::replace(&row.with(due))).await {
                // Its round wrote in between.
                Err(TableError::Conflict { .. }) => {
                    table.update(&key, |sync: Option<SyncState>| Some(sync?.due(now))).await.map(drop)
                }
                written => written,
            }
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
            history: history.map(|since| GrantedHistory { since: date(since), from: Timestamp::UNIX_EPOCH }),
            grant: grant.map(|(since, until)| OlderMailGrant { since: date(since), until: until.map(date) }),
            member: None,
            external_id: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn since(mailbox: &Mailbox, date: &str) -> Result<Option<String>, SinceError> {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        Ok(GrantedHistory::since(mailbox, date.parse().unwrap(), now)?.map(|history| history.from.to_string()))
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
    fn addresses_and_root_folders_that_an_older_version_took_are_read() {
        let address: MailboxAddress = crate::aws::table::frozen("address");
        let root: MailboxAddress = crate::aws::table::frozen("root-folder");
        assert_eq!(address.mailbox, root.mailbox);
    }
}
