//! A member's Outlook: where the containers are that greffe made, and what lies in them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{PushChoice, WantedItem, WantedItems, folder_tag};
use crate::{
    aws::table::{Key, Table, TableError},
    base::id::{EntryId, EntryKind, MemberId, TaskListId},
    firm::Firm,
    graph::{
        Disposition, Graph, GraphError, GraphUser, ItemContainer, ItemContainers, Link, OutlookItem, OutlookItemKind,
        PlaceItems,
    },
    push::{
        contact::Contact,
        date::Date,
        entry::{Entry, EntryContent},
    },
};

/// Names tried for a container.
const NAMES_MAX: usize = 20;
/// Entries read at a time.
const ENTRIES_PAGE: usize = 1_000;

/// Where the changes of each container go on, by its id.
pub type PushLinks = BTreeMap<String, Link>;

/// One member's Outlook.
#[derive(Debug, Clone)]
pub struct Outlook<'a> {
    /// What reaches it.
    pub graph: Graph,
    /// Whose account it is.
    pub user: GraphUser,
    /// The member's firm.
    pub firm: &'a Firm,
    /// The member.
    pub member: MemberId,
}

impl Outlook<'_> {
    /// Shortens the time limit for a service that failed `tries` times: a request that hangs ends after some seconds.
    pub fn patient(&self, tries: u32) -> Self {
        Self { graph: self.graph.for_helper(tries), ..self.clone() }
    }

    /// Whether Graph lets us into that part of the Outlook. What it refuses there then, or does not answer, is a matter
    /// of that thing.
    pub async fn lets_in(&self, place: OutlookItemKind) -> bool {
        let Self { graph, user, firm, .. } = self;
        let tag = folder_tag(firm.id);
        match place {
            OutlookItemKind::Event => graph.events_tagged(user, &tag).await.is_ok(),
            OutlookItemKind::Task => graph.default_task_list(user).await.is_ok(),
            OutlookItemKind::Contact => graph.contacts_tagged(user, &tag).await.is_ok(),
        }
    }

    /// The container for that place, if it is there. A contact folder carries our tag. A task list carries nothing and
    /// is known by its id. Where a function died before it could store that, it is the list of that name that was
    /// not there before it began.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn container(
        &self,
        known: &ItemContainers,
        place: OutlookItemKind,
    ) -> Result<Option<ItemContainer>, GraphError> {
        let Self { graph, user, firm, .. } = self;
        Ok(match (place, &known.task_list) {
            (OutlookItemKind::Event, _) => None,
            (OutlookItemKind::Contact, _) => {
                graph.find_contact_folder(user, &folder_tag(firm.id)).await?.map(ItemContainer::ContactFolder)
            }
            (OutlookItemKind::Task, Some(list)) if graph.has_task_list(user, list).await? => {
                Some(ItemContainer::TaskList(list.clone()))
            }
            (OutlookItemKind::Task, _) if known.unsure.contains(&place) => {
                self.begun_list(known).await?.map(ItemContainer::TaskList)
            }
            (OutlookItemKind::Task, _) => None,
        })
    }

    async fn begun_list(&self, known: &ItemContainers) -> Result<Option<TaskListId>, GraphError> {
        for (list, name) in self.graph.task_lists_named(&self.user).await? {
            let may_be_ours = self.is_name_of_ours(&name) && !known.foreign_lists.contains(&list);
            if may_be_ours && self.graph.has_only_tasks_of(&self.user, &list, &self.firm.name).await? {
                return Ok(Some(list));
            }
        }
        Ok(None)
    }

    /// The task lists of greffe's names, each with its name, before one is made.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn foreign_lists(&self) -> Result<BTreeMap<TaskListId, String>, GraphError> {
        let lists = self.graph.task_lists_named(&self.user).await?.into_iter();
        Ok(lists.filter(|(_, name)| self.is_name_of_ours(name)).collect())
    }

    fn is_name_of_ours(&self, name: &str) -> bool {
        (1..=NAMES_MAX).any(|n| self.name(n) == name)
    }

    /// The `n`th name that a container may have.
    fn name(&self, n: usize) -> String {
        if n == 1 { self.firm.name.clone() } else { format!("{} ({n})", self.firm.name) }
    }

    /// Makes the container for that place, under the firm's name or the next one that is free; and that name. Another
    /// firm of the same name, an earlier installation or the person may have taken it: `taken` holds the names that are
    /// known to be. When the answer was lost, [`Outlook::container`] finds it.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn make_container(
        &self,
        place: OutlookItemKind,
        taken: &[String],
    ) -> Result<Option<(ItemContainer, String)>, GraphError> {
        let Self { graph, user, firm, .. } = self;
        let mut n = (1..NAMES_MAX).find(|n| !taken.contains(&self.name(*n))).unwrap_or(NAMES_MAX);
        loop {
            let name = self.name(n);
            let made = match place {
                OutlookItemKind::Event => return Ok(None),
                OutlookItemKind::Contact => graph
                    .create_contact_folder(user, &name, &folder_tag(firm.id))
                    .await
                    .map(ItemContainer::ContactFolder),
                OutlookItemKind::Task => graph.create_task_list(user, &name).await.map(ItemContainer::TaskList),
            };
            match made {
                Err(error) if error.status() == Some(409) && n < NAMES_MAX => n += 1,
                made => return made.map(|container| Some((container, name))),
            }
        }
    }

    /// What lies in that place, or what changed there since the link that `links` hold; and the links from now on.
    /// `containers` is brought up to date. A container that is gone is a place with nothing in it.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn look(
        &self,
        place: OutlookItemKind,
        containers: &mut ItemContainers,
        links: &PushLinks,
    ) -> Result<(PlaceItems, PushLinks), GraphError> {
        if place == OutlookItemKind::Event {
            return Ok((self.graph.events_of(&self.user, &self.member.to_string()).await?, PushLinks::new()));
        }
        let container = self.container(containers, place).await?;
        // What was begun, and is not there, may come yet.
        if container.is_some() || containers.has(place) {
            containers.set(place, container.clone());
        }
        let Some(container) = container else {
            return Ok((PlaceItems { whole: true, ..PlaceItems::default() }, PushLinks::new()));
        };
        let (sight, link) = self.changes(&container, links.get(container.id())).await?;
        Ok((sight, link.map(|link| (container.id().to_owned(), link)).into_iter().collect()))
    }

    /// What changed since `link`; all that is there where Microsoft has forgotten the link.
    async fn changes(
        &self,
        container: &ItemContainer,
        link: Option<&Link>,
    ) -> Result<(PlaceItems, Option<Link>), GraphError> {
        match self.graph.changes(&self.user, container, link).await {
            Err(e) if link.is_some() && e.disposition() == Disposition::Resync => {
                self.graph.changes(&self.user, container, None).await
            }
            other => other,
        }
    }

    /// The items of a kind that the member is to have.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn wanted(&self, table: &Table, wish: &PushChoice, kind: EntryKind) -> Result<WantedItems, TableError> {
        if wish.place(kind).is_none() {
            return Ok(WantedItems::new());
        }
        match kind {
            EntryKind::Date => self.wanted_of(table, |entry: &Entry<Date>| wish.date(self.member, Some(entry))).await,
            EntryKind::Contact => {
                self.wanted_of(table, |entry: &Entry<Contact>| wish.contact(self.member, Some(entry))).await
            }
        }
    }

    async fn wanted_of<T: EntryContent + DeserializeOwned>(
        &self,
        table: &Table,
        shown: impl Fn(&Entry<T>) -> Option<OutlookItem>,
    ) -> Result<WantedItems, TableError> {
        let prefix = Key::entry_prefix(self.firm.id, T::KIND);
        let (mut wanted, mut after) = (WantedItems::new(), None);
        loop {
            let page = table.query::<Entry<T>>(&prefix, after.as_ref(), ENTRIES_PAGE).await?;
            for entry in page.rows.into_iter().map(|row| row.value) {
                if let Some(item) = shown(&entry) {
                    wanted.insert(EntryId { kind: T::KIND, external: entry.id }, WantedItem::of(&item));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(wanted);
            }
        }
    }
}
