//! The steps of pushed items: created, changed, found and deleted through `$batch`, and listed.

use std::{borrow::Cow, collections::HashMap};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    batch::{BATCH_ITEMS_MAX, BatchOrder, BatchPart},
    calendar::EVENT_WATCHED,
    client::{Call, Graph, GraphUser, Link, segment},
    contacts::CONTACT_WATCHED,
    extended,
    graph_error::GraphError,
    items::{
        CATEGORIES, Changes, ItemContainer, ItemContainers, ItemTag, OutlookItem, OutlookItemKind, ShownItem, creation,
        shown,
    },
    todo::tasks,
    wire_page::WirePage,
};
use crate::base::id::ContactFolderId;

/// How answers are to be written: ids that survive moves, and texts as texts.
const PREFER: &str = r#"IdType="ImmutableId", outlook.body-content-type="text""#;

/// Items on one page of a list.
const ITEMS_PAGE: usize = 100;

/// The `Prefer` of a delta request: twice as many.
const PREFER_DELTA: &str = r#"odata.maxpagesize=200, IdType="ImmutableId", outlook.body-content-type="text""#;

/// One request about one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemStep {
    /// Looks for what carries the tag.
    Find(OutlookItemKind),
    /// Removes the item of that id; one that is gone is removed.
    Remove(OutlookItemKind, String),
    /// Makes the item.
    Create(OutlookItem),
    /// Gives the item of that id this content, by these changes.
    Update(String, OutlookItem, Changes),
}

impl ItemStep {
    /// Where it happens.
    pub fn place(&self) -> OutlookItemKind {
        match self {
            Self::Find(place) | Self::Remove(place, _) => *place,
            Self::Create(item) | Self::Update(_, item, _) => item.place(),
        }
    }
}

/// The outcome of an [`ItemStep`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// The ids of what was found.
    Found(Vec<String>),
    /// It is not there any more.
    Removed,
    /// It is there, and shows like this.
    Shown(ShownItem),
}

/// What lies in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceItems {
    /// Whether it is all that lies there, or only what changed.
    pub whole: bool,
    /// By id: how it shows, or that it is not there any more.
    pub items: HashMap<String, Option<ShownItem>>,
}

impl Graph {
    /// Carries out up to twenty steps about different items in one batch: one result for each, in order.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn carry_out(
        &self,
        user: &GraphUser,
        containers: &ItemContainers,
        steps: &[(ItemStep, ItemTag)],
        order: BatchOrder,
    ) -> Result<Vec<Result<StepOutcome, GraphError>>, GraphError> {
        let mut done: Vec<Option<Result<StepOutcome, GraphError>>> = steps.iter().map(|_| None).collect();
        // Tasks can't be asked for by what they are linked to: the list is read, once for all.
        if steps.iter().any(|(step, _)| *step == ItemStep::Find(OutlookItemKind::Task)) {
            let linked = match &containers.task_list {
                Some(list) => self.tasks_linked(user, list).await?,
                None => Vec::new(),
            };
            for (i, (step, tag)) in steps.iter().enumerate() {
                if *step == ItemStep::Find(OutlookItemKind::Task) {
                    let found = linked.iter().filter(|(links, _)| links.iter().any(|link| link.is(&tag.id)));
                    let found = found.map(|(_, id)| id.to_string());
                    done[i] = Some(Ok(StepOutcome::Found(found.collect())));
                }
            }
        }
        let steps = &self.with_categories(user, containers, steps, &mut done).await?;
        let mut parts = Vec::new();
        for (i, (step, tag)) in steps.iter().enumerate() {
            if done[i].is_some() {
                continue;
            }
            if *step == ItemStep::Find(OutlookItemKind::Contact) {
                // A person may have moved it out of our folder before anybody knew of it.
                parts.push((i, find(format!("{}/contacts", user.path()), tag)));
            }
            match part(user, containers, step, tag) {
                Some(part) => parts.push((i, part)),
                // The container is not there, so nothing is in it.
                None if matches!(step, ItemStep::Find(_)) => done[i] = Some(Ok(StepOutcome::Found(Vec::new()))),
                None => done[i] = Some(Ok(StepOutcome::Removed)),
            }
        }
        while !parts.is_empty() {
            let rest = parts.split_off(parts.len().min(BATCH_ITEMS_MAX));
            let (at, some): (Vec<usize>, Vec<BatchPart>) = std::mem::replace(&mut parts, rest).into_iter().unzip();
            for (i, answer) in at.into_iter().zip(self.batch(some, order).await?) {
                let came = outcome(&steps[i].0, answer);
                done[i] = Some(match (done[i].take(), came) {
                    (Some(Ok(StepOutcome::Found(here))), Ok(StepOutcome::Found(there))) => {
                        Ok(StepOutcome::Found([here, there].concat()))
                    }
                    (Some(Err(e)), _) | (_, Err(e)) => Err(e),
                    (_, came) => came,
                });
            }
        }
        Ok(done.into_iter().flatten().collect())
    }

    /// Adds the categories that a person gave to each step that changes categories. An item that can't be read can't be
    /// changed: its result is in `done`.
    async fn with_categories<'a>(
        &self,
        user: &GraphUser,
        containers: &ItemContainers,
        steps: &'a [(ItemStep, ItemTag)],
        done: &mut [Option<Result<StepOutcome, GraphError>>],
    ) -> Result<Cow<'a, [(ItemStep, ItemTag)]>, GraphError> {
        let names = |(step, _): &(ItemStep, ItemTag), place| matches!(step, ItemStep::Update(_, item, changes) if item.place() == place && changes.name_categories());
        let mut there: HashMap<String, Value> = HashMap::new();
        if let Some(list) =
            containers.task_list.as_ref().filter(|_| steps.iter().any(|step| names(step, OutlookItemKind::Task)))
        {
            there.extend(self.task_categories(user, list).await?);
        }
        let events: Vec<usize> = (0..steps.len()).filter(|i| names(&steps[*i], OutlookItemKind::Event)).collect();
        for some in events.chunks(BATCH_ITEMS_MAX) {
            let reads = some.iter().filter_map(|i| read_categories(user, &steps[*i].0)).collect();
            for (i, answer) in some.iter().zip(self.batch(reads, BatchOrder::Parallel).await?) {
                match (answer, &steps[*i].0) {
                    (Ok(mut event), ItemStep::Update(id, ..)) if event[CATEGORIES].is_array() => {
                        there.insert(id.clone(), event[CATEGORIES].take());
                    }
                    // Without them, a change would take those of the person away.
                    (Ok(_), _) => {
                        let attempted = "read the categories of an event".to_owned();
                        let source = "there are none in the answer".into();
                        done[*i] = Some(Err(GraphError::Unreadable { attempted, source }));
                    }
                    (Err(error), _) => done[*i] = Some(Err(error)),
                }
            }
        }
        if there.is_empty() {
            return Ok(Cow::Borrowed(steps));
        }
        let mut steps = steps.to_vec();
        for (step, _) in &mut steps {
            if let ItemStep::Update(id, _, changes) = step
                && let Some(categories) = there.get(id)
            {
                changes.keep_own(categories);
            }
        }
        Ok(Cow::Owned(steps))
    }

    /// All events of `owner` in the default calendar, the masters of series among them.
    /// Source: <https://learn.microsoft.com/graph/api/user-list-events>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn events_of(&self, user: &GraphUser, owner: &str) -> Result<PlaceItems, GraphError> {
        let select = EVENT_WATCHED.join(",");
        let filter = extended::of_owner(owner);
        let path = format!("{}/events?$select=id,{select}&{filter}&$top={ITEMS_PAGE}", user.path());
        let (sight, _) = self.read_pages(OutlookItemKind::Event, self.url(&path), PREFER, true).await?;
        Ok(sight)
    }

    /// What lies in a container that greffe made, or what changed there since `link` was given; and the link for the
    /// next time. Sources: <https://learn.microsoft.com/graph/api/contact-delta>,
    /// <https://learn.microsoft.com/graph/api/todotask-delta>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn changes(
        &self,
        user: &GraphUser,
        container: &ItemContainer,
        link: Option<&Link>,
    ) -> Result<(PlaceItems, Option<Link>), GraphError> {
        let (place, path) = match container {
            ItemContainer::ContactFolder(folder) => {
                let (select, folder) = (CONTACT_WATCHED.join(","), segment(folder.as_str()));
                let path = format!("{}/contactFolders/{folder}/contacts/delta?$select={select}", user.path());
                (OutlookItemKind::Contact, path)
            }
            ItemContainer::TaskList(list) => (OutlookItemKind::Task, format!("{}/delta", tasks(user, list))),
        };
        let url = match link {
            Some(link) => self.link(link, "read what changed")?,
            None => self.url(&path),
        };
        self.read_pages(place, url, PREFER_DELTA, link.is_none()).await
    }

    async fn read_pages(
        &self,
        place: OutlookItemKind,
        url: url::Url,
        prefer: &str,
        whole: bool,
    ) -> Result<(PlaceItems, Option<Link>), GraphError> {
        let attempted = format!("list the {place:?}s");
        let listed = self.list(url, &[("prefer", prefer)], &attempted).await?;
        // What can't be read may be any pushed item: then nothing can be said of what is not listed.
        let mut whole = whole && !listed.has_unreadable;
        // The last word counts: an item may be told more than once.
        let mut items: HashMap<String, Option<ShownItem>> = HashMap::new();
        for item in listed.entries {
            let Some(id) = item["id"].as_str() else {
                whole = false;
                continue;
            };
            let there = item["@removed"].is_null().then(|| shown(place, &item)).flatten();
            items.insert(id.to_owned(), there);
        }
        Ok((PlaceItems { whole, items }, listed.delta_link))
    }

    /// The contact folder that carries `tag`, if it lies where contact folders do.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn find_contact_folder(
        &self,
        user: &GraphUser,
        tag: &str,
    ) -> Result<Option<ContactFolderId>, GraphError> {
        Ok(self.tagged(user, "contactFolders", tag).await?.into_iter().next())
    }

    /// Makes a contact folder. Source: <https://learn.microsoft.com/graph/api/user-post-contactfolders>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_contact_folder(
        &self,
        user: &GraphUser,
        name: &str,
        tag: &str,
    ) -> Result<ContactFolderId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name, "singleValueExtendedProperties": extended::property(tag) })),
            repeatable: false,
            ..self.get(&format!("{}/contactFolders", user.path()), "make a contact folder".to_owned())
        };
        self.json::<WireContactFolder>(call).await.map(|folder| folder.id)
    }

    /// Removes a container that greffe made, if nothing lies in it; whether it is gone.
    /// Sources: <https://learn.microsoft.com/graph/api/contactfolder-delete>,
    /// <https://learn.microsoft.com/graph/api/todotasklist-delete>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn remove_if_empty(&self, user: &GraphUser, container: &ItemContainer) -> Result<bool, GraphError> {
        let (path, contents): (String, &[&str]) = match container {
            ItemContainer::ContactFolder(folder) => {
                (format!("{}/contactFolders/{}", user.path(), segment(folder.as_str())), &["contacts", "childFolders"])
            }
            ItemContainer::TaskList(list) => {
                (format!("{}/todo/lists/{}", user.path(), segment(list.as_str())), &["tasks"])
            }
        };
        for content in contents {
            let call =
                self.get(&format!("{path}/{content}?$select=id&$top=1"), format!("look for {content} in what is ours"));
            match self.json::<WirePage>(call).await {
                Ok(page) if page.entries.is_empty() && page.unreadable == 0 => {}
                Ok(_) => return Ok(false),
                Err(error) if error.is_gone() => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        self.delete(&path, "remove what is ours and empty".to_owned()).await?;
        Ok(true)
    }
}

/// The request of a step; none where it needs a container that is not there.
fn part(user: &GraphUser, containers: &ItemContainers, step: &ItemStep, tag: &ItemTag) -> Option<BatchPart> {
    let user = user.path();
    let collection = || {
        Some(match step.place() {
            OutlookItemKind::Event => format!("{user}/events"),
            OutlookItemKind::Task => {
                format!("{user}/todo/lists/{}/tasks", segment(containers.task_list.as_ref()?.as_str()))
            }
            OutlookItemKind::Contact => {
                format!("{user}/contactFolders/{}/contacts", segment(containers.contact_folder.as_ref()?.as_str()))
            }
        })
    };
    // An event or a contact is reached by its id wherever a person has moved it.
    let one = |id: &str| match step.place() {
        OutlookItemKind::Event | OutlookItemKind::Task => Some(format!("{}/{}", collection()?, segment(id))),
        OutlookItemKind::Contact => Some(format!("{user}/contacts/{}", segment(id))),
    };
    let (method, path, body) = match step {
        ItemStep::Find(_) => return Some(find(collection()?, tag)),
        ItemStep::Remove(_, id) => (Method::DELETE, one(id)?, None),
        ItemStep::Create(item) => (Method::POST, collection()?, Some(creation(item, tag))),
        ItemStep::Update(id, _, changes) => (Method::PATCH, one(id)?, Some(changes.body())),
    };
    let mut headers = json!({ "Prefer": PREFER });
    if body.is_some() {
        headers["Content-Type"] = "application/json".into();
    }
    let attempted = format!("{method} an item of ours in the place of {:?}s", step.place());
    Some(BatchPart { method, path, headers, body, attempted })
}

/// The request for the categories of an event that is to be changed.
fn read_categories(user: &GraphUser, step: &ItemStep) -> Option<BatchPart> {
    let ItemStep::Update(id, ..) = step else { return None };
    Some(BatchPart {
        method: Method::GET,
        path: format!("{}/events/{}?$select=id,categories", user.path(), segment(id)),
        headers: json!({ "Prefer": PREFER }),
        body: None,
        attempted: "read the categories of an event".to_owned(),
    })
}

/// The request for what carries the tag in `collection`.
fn find(collection: String, tag: &ItemTag) -> BatchPart {
    BatchPart {
        method: Method::GET,
        path: format!("{collection}?$select=id&{}", extended::with_tag(&tag.id)),
        headers: json!({ "Prefer": PREFER }),
        body: None,
        attempted: "find an item of ours".to_owned(),
    }
}

fn outcome(step: &ItemStep, answer: Result<Value, GraphError>) -> Result<StepOutcome, GraphError> {
    let unreadable = |what: &'static str| GraphError::Unreadable { attempted: what.to_owned(), source: "no id".into() };
    match (step, answer) {
        (ItemStep::Remove(..), Ok(_)) => Ok(StepOutcome::Removed),
        (ItemStep::Remove(..), Err(e)) if e.is_gone() => Ok(StepOutcome::Removed),
        (ItemStep::Find(_), Ok(answer)) => {
            let items = answer["value"].as_array().ok_or_else(|| unreadable("find an item"))?;
            // One that can't be read is there all the same: it must not be made once more.
            let ids = items.iter().map(|item| item["id"].as_str().map(str::to_owned));
            ids.collect::<Option<Vec<_>>>().map(StepOutcome::Found).ok_or_else(|| unreadable("find an item"))
        }
        (ItemStep::Create(item) | ItemStep::Update(_, item, _), Ok(answer)) => {
            shown(item.place(), &answer).map(StepOutcome::Shown).ok_or_else(|| unreadable("write an item"))
        }
        (_, Err(e)) => Err(e),
    }
}

#[derive(Deserialize)]
struct WireContactFolder {
    id: ContactFolderId,
}
