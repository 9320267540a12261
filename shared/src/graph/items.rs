//! Pushed items: events, tasks and contacts of ours, created, changed, found and deleted through `$batch`, and read
//! back.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::civil::DateTime;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    batch::{BATCH_ITEMS_MAX, BatchOrder, BatchPart},
    calendar::{EVENT_WATCHED, EventContent, in_zone},
    client::{Call, Graph, GraphUser, Link, segment},
    contacts::{CONTACT_WATCHED, ContactContent},
    error::GraphError,
    extended,
    page::WirePage,
    todo::{TASK_WATCHED, TaskContent, tasks},
};
use crate::base::{
    id::{ContactFolderId, TaskListId},
    time_zone,
};

/// How answers are to be written: ids that survive moves, and texts as texts.
const PREFER: &str = r#"IdType="ImmutableId", outlook.body-content-type="text""#;
/// Items on one page of a list.
const PAGE_ITEMS: usize = 100;
/// The `Prefer` of a delta request: twice as many.
const PREFER_DELTA: &str = r#"odata.maxpagesize=200, IdType="ImmutableId", outlook.body-content-type="text""#;

/// The kind of an item in Outlook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Place)]
pub enum OutlookItemKind {
    /// An event in the calendar.
    Event,
    /// A task in the firm's list.
    Task,
    /// A contact in the firm's folder.
    Contact,
}

/// The containers of ours in one mailbox. Events lie in the default calendar, which is always there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemContainers {
    /// The contact folder.
    pub contact_folder: Option<ContactFolderId>,
    /// The task list.
    pub task_list: Option<TaskListId>,
    /// Those that a function began to make and died before it could store which they are.
    #[serde(default)]
    pub unsure: BTreeSet<OutlookItemKind>,
    /// The task lists of a name of ours that were there before we began to make one: they are somebody else's.
    #[serde(default)]
    pub foreign_lists: BTreeSet<TaskListId>,
    /// The names of the containers that could not have the firm's name, because another one has it.
    #[serde(default)]
    pub names: BTreeMap<OutlookItemKind, String>,
}

impl ItemContainers {
    /// Whether the container for that place is known; none is needed for events.
    pub fn has(&self, place: OutlookItemKind) -> bool {
        match place {
            OutlookItemKind::Event => true,
            OutlookItemKind::Task => self.task_list.is_some(),
            OutlookItemKind::Contact => self.contact_folder.is_some(),
        }
    }

    /// The container for that place, where it is known.
    pub fn of(&self, place: OutlookItemKind) -> Option<ItemContainer> {
        match place {
            OutlookItemKind::Event => None,
            OutlookItemKind::Task => self.task_list.clone().map(ItemContainer::TaskList),
            OutlookItemKind::Contact => self.contact_folder.clone().map(ItemContainer::ContactFolder),
        }
    }

    /// Takes note of which is the container for that place.
    pub fn set(&mut self, place: OutlookItemKind, container: Option<ItemContainer>) {
        self.unsure.remove(&place);
        if container.is_none() {
            self.names.remove(&place);
        }
        match (place, container) {
            (OutlookItemKind::Task, Some(ItemContainer::TaskList(list))) => self.task_list = Some(list),
            (OutlookItemKind::Task, _) => self.task_list = None,
            (OutlookItemKind::Contact, Some(ItemContainer::ContactFolder(folder))) => {
                self.contact_folder = Some(folder)
            }
            (OutlookItemKind::Contact, _) => self.contact_folder = None,
            (OutlookItemKind::Event, _) => {}
        }
    }
}

/// One container of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum ItemContainer {
    ContactFolder(ContactFolderId),
    TaskList(TaskListId),
}

impl ItemContainer {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::ContactFolder(folder) => folder.as_str(),
            Self::TaskList(list) => list.as_str(),
        }
    }
}

/// What an item shall say, as it is sent: cheap to hand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlookItem(Arc<SentItem>);

#[derive(Debug, PartialEq, Eq)]
struct SentItem {
    place: OutlookItemKind,
    /// The properties of a POST or PATCH; zones by their IANA names.
    body: Value,
    digest: String,
    parts: String,
}

impl OutlookItem {
    fn new(place: OutlookItemKind, body: Value) -> Self {
        let digest = digest(&body);
        let parts = body.as_object().into_iter().flatten().map(|(_, value)| part_digest(value)).collect();
        Self(Arc::new(SentItem { place, body, digest, parts }))
    }

    /// Where it belongs.
    pub fn place(&self) -> OutlookItemKind {
        self.0.place
    }

    /// A digest of all that is sent: as long as it is the same, nothing has to be sent.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The digests of what each property says, eight hex digits each, in the order of their names.
    pub fn parts(&self) -> &str {
        &self.0.parts
    }

    /// What a PATCH has to say to an item for which the digest `sent` and these `parts` were sent last; `sent` is empty
    /// where a person changed it or nobody knows what it says.
    ///
    /// Only what changed is sent: a reminder that was dismissed does not ring again because the title is another.
    pub fn changes_since(&self, sent: &str, parts: &str) -> Changes {
        let place = self.place();
        let Some(body) = self.0.body.as_object() else { return Changes(Value::Null) };
        let parts_known = parts.len() == PART_CHARS * body.len();
        let changed: HashSet<&str> = body
            .iter()
            .enumerate()
            .filter(|(i, (_, value))| {
                let before = parts.get(i * PART_CHARS..(i + 1) * PART_CHARS);
                !parts_known || before != Some(part_digest(value).as_str())
            })
            .map(|(_, (name, _))| name.as_str())
            .collect();
        let mut told = changed.clone();
        if sent.is_empty() {
            told.extend(watched(place));
        }
        for group in TOGETHER {
            if group.iter().any(|name| told.contains(name)) {
                told.extend(group);
            }
        }
        // What is at another time is to be thought of anew.
        if TIMES.iter().any(|name| changed.contains(name)) {
            told.extend(REMINDER);
        }
        if place == OutlookItemKind::Contact {
            told.insert(DISPLAY_NAME);
        }
        let told = body.iter().filter(|(name, _)| told.contains(name.as_str()));
        Changes(told.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

impl OutlookItem {
    /// Whether Outlook kept every e-mail address that was sent: it drops what it takes for none, and says nothing.
    pub fn is_kept_by(&self, shown: &ShownItem) -> bool {
        emails(&self.0.body).is_subset(&shown.emails)
    }
}

/// What a PATCH says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes(Value);

impl Changes {
    fn name_categories(&self) -> bool {
        self.0.get(CATEGORIES).is_some()
    }

    /// Whether something that they leave as it is shows otherwise after them than before: a person changed it
    /// meanwhile. `before` and `after`: [`ShownItem::parts`]; false where one of them is not known.
    pub fn reveal(&self, place: OutlookItemKind, before: &str, after: &str) -> bool {
        let is_other = |i: usize| {
            let part = i * PART_CHARS..(i + 1) * PART_CHARS;
            before.get(part.clone()) != after.get(part)
        };
        let left_alone = |name: &str| self.0.get(name).is_none();
        before.len() == after.len()
            && watched(place).iter().enumerate().any(|(i, name)| left_alone(name) && is_other(i))
    }
}

/// Length of one property's digest within [`OutlookItem::parts`].
const PART_CHARS: usize = 8;
const CATEGORIES: &str = "categories";
/// Outlook makes up another from the parts of a name where a change does not say it.
const DISPLAY_NAME: &str = "displayName";
/// What is sent together: one of them alone may contradict what is there.
const TOGETHER: [&[&str]; 3] = [&["start", "end", "isAllDay", "recurrence"], &["dueDateTime", "recurrence"], &REMINDER];
const TIMES: [&str; 5] = ["start", "end", "isAllDay", "dueDateTime", "recurrence"];
const REMINDER: [&str; 3] = ["isReminderOn", "reminderMinutesBeforeStart", "reminderDateTime"];
/// How the names of all our categories for dates begin: a person's own categories are left alone.
pub const CATEGORY_PREFIX: &str = "greffe";

fn part_digest(value: &Value) -> String {
    let mut digest = digest(value);
    digest.truncate(PART_CHARS);
    digest
}

fn watched(place: OutlookItemKind) -> &'static [&'static str] {
    match place {
        OutlookItemKind::Event => &EVENT_WATCHED,
        OutlookItemKind::Task => &TASK_WATCHED,
        OutlookItemKind::Contact => &CONTACT_WATCHED,
    }
}

impl From<EventContent> for OutlookItem {
    fn from(event: EventContent) -> Self {
        Self::new(OutlookItemKind::Event, event.wire())
    }
}

impl From<TaskContent> for OutlookItem {
    fn from(task: TaskContent) -> Self {
        Self::new(OutlookItemKind::Task, task.wire())
    }
}

impl From<ContactContent> for OutlookItem {
    fn from(contact: ContactContent) -> Self {
        Self::new(OutlookItemKind::Contact, contact.wire())
    }
}

/// By what an item of ours is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemTag {
    /// Its own key: hex digits.
    pub mark: String,
    /// How often it was made before: a transaction id may be used once only, even when its event is deleted.
    pub generation: u32,
    /// What all items of the same member have in common: hex digits and hyphens.
    pub owner: String,
    /// Whose it is, in words.
    pub application: String,
}

/// One request about one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemStep {
    /// Looks for what carries the mark.
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

/// An item as Graph shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownItem {
    /// Its id: immutable, but for a task.
    pub id: String,
    /// The version of the item.
    pub etag: Option<String>,
    /// A digest of what a person can change; none where Graph left out a part of it.
    pub seen: Option<String>,
    /// The digests of the same, property by property; empty where Graph left out a part of it.
    pub parts: String,
    /// The e-mail addresses of a contact, in lower case.
    pub emails: BTreeSet<String>,
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
                    let found = linked.iter().filter(|(links, _)| links.iter().any(|link| link.is(&tag.mark)));
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

    /// The same steps, in which a change of categories keeps those that a person gave. What can't be read can't be
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
            if let ItemStep::Update(id, _, Changes(changes)) = step
                && let Some(own) = there.get(id)
                && let Some(categories) = changes.get_mut(CATEGORIES).and_then(Value::as_array_mut)
            {
                let own = own.as_array().into_iter().flatten();
                categories.extend(own.filter(|category| !is_ours(category)).cloned());
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
        let path = format!("{}/events?$select=id,{select}&{filter}&$top={PAGE_ITEMS}", user.path());
        let (sight, _) = self.read_pages(OutlookItemKind::Event, self.url(&path), PREFER, true).await?;
        Ok(sight)
    }

    /// What lies in a container of ours, or what changed there since `link` was given; and the link for the next time.
    /// Sources: <https://learn.microsoft.com/graph/api/contact-delta>,
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
        let attempted = format!("read what lies in the place of {place:?}s");
        let listed = self.list(url, &[("prefer", prefer)], &attempted).await?;
        // What can't be read may be any of ours: then nothing can be said of what is not listed.
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

    /// The contact folder that carries `mark`, if it lies where contact folders do.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn find_contact_folder(
        &self,
        user: &GraphUser,
        mark: &str,
    ) -> Result<Option<ContactFolderId>, GraphError> {
        Ok(self.marked(user, "contactFolders", mark).await?.into_iter().next())
    }

    /// Makes a contact folder. Source: <https://learn.microsoft.com/graph/api/user-post-contactfolders>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_contact_folder(
        &self,
        user: &GraphUser,
        name: &str,
        mark: &str,
    ) -> Result<ContactFolderId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name, "singleValueExtendedProperties": extended::property(mark) })),
            repeatable: false,
            ..self.get(&format!("{}/contactFolders", user.path()), "make a contact folder".to_owned())
        };
        self.json::<WireContactFolder>(call).await.map(|folder| folder.id)
    }

    /// Removes a container of ours if nothing lies in it, neither ours nor a person's own; whether it is gone.
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
        ItemStep::Update(id, _, changes) => (Method::PATCH, one(id)?, Some(for_graph(changes.0.clone()))),
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

fn is_ours(category: &Value) -> bool {
    category.as_str().is_some_and(|name| name.starts_with(CATEGORY_PREFIX))
}

/// A body as Graph takes it: every zone by the name that Outlook knows.
fn for_graph(mut body: Value) -> Value {
    let all_day = body["isAllDay"] == true;
    for name in ["start", "end", "reminderDateTime"] {
        let Some(time) = body.get_mut(name).filter(|time| time.is_object()) else { continue };
        let (Some(at), Some(zone)) = (time["dateTime"].as_str(), time["timeZone"].as_str()) else { continue };
        let Ok(at) = at.parse::<DateTime>() else { continue };
        *time = match time_zone::windows_name(zone) {
            // Whole days are midnight, whatever the zone.
            windows if all_day && name != "reminderDateTime" => in_zone(at, windows.unwrap_or("UTC")),
            _ => {
                let (at, zone) = time_zone::for_graph(at, zone);
                in_zone(at, zone)
            }
        };
    }
    if let Some(zone) = body.pointer_mut("/recurrence/range/recurrenceTimeZone")
        && let Some(windows) = zone.as_str().and_then(time_zone::windows_name)
    {
        *zone = windows.into();
    }
    body
}

/// The request for what carries the mark in `collection`.
fn find(collection: String, tag: &ItemTag) -> BatchPart {
    BatchPart {
        method: Method::GET,
        path: format!("{collection}?$select=id&{}", extended::with_mark(&tag.mark)),
        headers: json!({ "Prefer": PREFER }),
        body: None,
        attempted: "find an item of ours".to_owned(),
    }
}

/// What is not said is left out; what makes it ours is added.
fn creation(item: &OutlookItem, tag: &ItemTag) -> Value {
    let mut body = for_graph(item.0.body.clone());
    if let Some(body) = body.as_object_mut() {
        for value in body.values_mut() {
            if let Some(inner) = value.as_object_mut() {
                inner.retain(|_, value| !value.is_null());
            }
        }
        body.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty()));
    }
    match item.place() {
        OutlookItemKind::Event => {
            body["transactionId"] = format!("{}:{}", tag.mark, tag.generation).into();
            body["singleValueExtendedProperties"] = extended::properties(&tag.mark, &tag.owner);
        }
        OutlookItemKind::Contact => body["singleValueExtendedProperties"] = extended::properties(&tag.mark, &tag.owner),
        OutlookItemKind::Task => {
            body["linkedResources"] = json!([{
                "applicationName": tag.application, "displayName": body["title"], "externalId": tag.mark,
            }]);
        }
    }
    body
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

fn shown(place: OutlookItemKind, item: &Value) -> Option<ShownItem> {
    let watched = watched(place);
    let body = item.as_object()?;
    // Graph leaves out of a task what it does not have.
    let whole = place == OutlookItemKind::Task || watched.iter().all(|name| body.contains_key(*name));
    let seen: Vec<Cow<'_, Value>> = watched.iter().map(|name| essence(name, &item[*name])).collect();
    let parts = if whole { seen.iter().map(|value| part_digest(value)).collect() } else { String::new() };
    Some(ShownItem {
        id: body.get("id")?.as_str()?.to_owned(),
        etag: body.get("@odata.etag").and_then(Value::as_str).map(str::to_owned),
        seen: whole.then(|| digest(&seen)),
        parts,
        emails: emails(item),
    })
}

fn emails(contact: &Value) -> BTreeSet<String> {
    let emails = contact["emailAddresses"].as_array().into_iter().flatten();
    emails.filter_map(|email| Some(email["address"].as_str()?.to_lowercase())).collect()
}

/// What a property says, whichever way Graph writes it.
fn essence<'a>(name: &str, value: &'a Value) -> Cow<'a, Value> {
    match name {
        "body" => Cow::Owned(value["content"].as_str().unwrap_or_default().trim_end().into()),
        "location" => Cow::Borrowed(&value["displayName"]),
        CATEGORIES => {
            Cow::Owned(value.as_array().into_iter().flatten().filter(|name| is_ours(name)).cloned().collect())
        }
        "start" | "end" | "dueDateTime" => moment(value).map_or(Cow::Borrowed(value), Cow::Owned),
        _ => Cow::Borrowed(value),
    }
}

/// The instant that a time in a zone stands for.
fn moment(value: &Value) -> Option<Value> {
    let at: jiff::civil::DateTime = value["dateTime"].as_str()?.parse().ok()?;
    let zone = time_zone::by_either_name(value["timeZone"].as_str()?)?;
    Some(at.to_zoned(zone).ok()?.timestamp().to_string().into())
}

fn digest(said: &impl Serialize) -> String {
    let json = serde_json::to_vec(said).expect("what was read or is sent as JSON is JSON");
    hex::encode(&Sha256::digest(json)[..16])
}

#[derive(Deserialize)]
struct WireContactFolder {
    id: ContactFolderId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{LocalTime, ShowAs};

    #[test]
    fn the_same_moment_is_seen_the_same_in_any_zone_and_any_number_of_digits() {
        let at = |time: &str, zone: &str| moment(&json!({ "dateTime": time, "timeZone": zone }));
        assert_eq!(at("2026-07-01T09:00:00", "Europe/Paris"), at("2026-07-01T07:00:00.0000000", "UTC"));
        assert_ne!(at("2026-07-01T09:00:00", "Europe/Paris"), at("2026-12-01T07:00:00.0000000", "UTC"));
        assert_eq!(at("2026-07-01T09:00:00", "Romance Standard Time"), at("2026-07-01T07:00:00", "UTC"));
        assert_eq!(at("2026-07-01T09:00:00", "Middle-earth Standard Time"), None);
    }

    fn event(title: &str, hour: i8) -> OutlookItem {
        let at = |hour| LocalTime {
            at: jiff::civil::date(2026, 7, 1).at(hour, 0, 0, 0),
            time_zone: "Europe/Brussels".to_owned(),
            moment: None,
        };
        OutlookItem::from(EventContent {
            subject: title.to_owned(),
            text: String::new(),
            place: String::new(),
            start: at(hour),
            end: at(hour + 1),
            all_day: false,
            reminder_minutes: Some(15),
            show_as: ShowAs::Busy,
            category: "greffe: appointment".to_owned(),
            series: None,
        })
    }

    fn names(changes: &Changes) -> Vec<&str> {
        changes.0.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn only_what_changed_is_sent_and_a_dismissed_reminder_stays_dismissed() {
        let before = event("Hearing", 9);
        let since = |item: &OutlookItem, sent: &str| item.changes_since(sent, before.parts());
        assert_eq!(names(&since(&event("Trial", 9), before.digest())), ["subject"]);
        let moved = since(&event("Hearing", 10), before.digest());
        let times = ["end", "isAllDay", "isReminderOn", "recurrence", "reminderMinutesBeforeStart", "start"];
        assert_eq!(names(&moved), times);
        let set_back = since(&before, "");
        assert!(!names(&set_back).contains(&"isReminderOn") && names(&set_back).contains(&"subject"));
        assert_eq!(names(&before.changes_since("", "")).len(), 11, "nobody knows what it says");
    }

    #[test]
    fn zones_are_sent_by_the_names_that_outlook_knows() {
        let sent = for_graph(event("Hearing", 9).0.body.clone());
        assert_eq!(sent["start"], json!({ "dateTime": "2026-07-01T09:00:00", "timeZone": "Romance Standard Time" }));
    }

    #[test]
    fn a_persons_own_category_is_no_change() {
        let event = |categories: Value| {
            let mut event = for_graph(event("Hearing", 9).0.body.clone());
            (event["id"], event[CATEGORIES]) = ("x".into(), categories);
            shown(OutlookItemKind::Event, &event).unwrap().seen
        };
        let ours = event(json!(["greffe: appointment"]));
        assert_eq!(event(json!(["Red category", "greffe: appointment"])), ours);
        assert_ne!(event(json!(["Red category"])), ours);
    }

    #[test]
    fn a_contact_that_is_made_says_nothing_of_what_it_does_not_have() {
        let contact = ContactContent { display_name: "N".to_owned(), ..ContactContent::default() };
        let item = OutlookItem::from(contact);
        let tag = ItemTag { mark: "a".into(), generation: 0, owner: "b".into(), application: "F".into() };
        let made = creation(&item, &tag);
        assert_eq!((made.get("surname"), made.get("homeAddress")), (None, None));
        assert_eq!(made["displayName"], "N");
        // A change says that it is gone.
        assert_eq!(item.0.body["homeAddress"]["street"], Value::Null);
    }
}
