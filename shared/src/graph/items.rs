//! What is pushed: events, tasks and contacts of ours, made, changed, found and removed through `$batch`, and read back.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jiff::tz::TimeZone;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    batch::{BATCH_ITEMS_MAX, BatchOrder, Part},
    calendar::{EVENT_WATCHED, EventContent},
    client::{Call, Graph, GraphUser, Link, segment},
    contacts::{CONTACT_WATCHED, ContactContent},
    error::GraphError,
    extended,
    todo::{TASK_WATCHED, TaskContent, tasks},
};
use crate::base::id::{ContactFolderId, TaskListId};

/// How answers are to be written: ids that survive moves, and texts as texts.
const PREFER: &str = r#"IdType="ImmutableId", outlook.body-content-type="text""#;
/// Items on one page of a list.
const PAGE_ITEMS: usize = 100;
/// The `Prefer` of a delta request: twice as many.
const PREFER_DELTA: &str = r#"odata.maxpagesize=200, IdType="ImmutableId", outlook.body-content-type="text""#;

/// What kind of item something is pushed as, which says where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// An event in the calendar.
    Event,
    /// A task in the firm's list.
    Task,
    /// A contact in the firm's folder.
    Contact,
}

/// The containers of ours in one mailbox. Events lie in the default calendar, which is always there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Homes {
    /// The contact folder.
    pub contact_folder: Option<ContactFolderId>,
    /// The task list.
    pub task_list: Option<TaskListId>,
    /// Those that somebody began to make, and did not live to say which they are.
    #[serde(default)]
    pub unsure: BTreeSet<Place>,
}

impl Homes {
    /// Whether the container for that place is known; none is needed for events.
    pub fn has(&self, place: Place) -> bool {
        match place {
            Place::Event => true,
            Place::Task => self.task_list.is_some(),
            Place::Contact => self.contact_folder.is_some(),
        }
    }

    /// The container for that place, where it is known.
    pub fn of(&self, place: Place) -> Option<Home> {
        match place {
            Place::Event => None,
            Place::Task => self.task_list.clone().map(Home::TaskList),
            Place::Contact => self.contact_folder.clone().map(Home::ContactFolder),
        }
    }

    /// Takes note of which is the container for that place.
    pub fn set(&mut self, place: Place, home: Option<Home>) {
        self.unsure.remove(&place);
        match (place, home) {
            (Place::Task, Some(Home::TaskList(list))) => self.task_list = Some(list),
            (Place::Task, _) => self.task_list = None,
            (Place::Contact, Some(Home::ContactFolder(folder))) => self.contact_folder = Some(folder),
            (Place::Contact, _) => self.contact_folder = None,
            (Place::Event, _) => {}
        }
    }
}

/// One container of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Home {
    ContactFolder(ContactFolderId),
    TaskList(TaskListId),
}

impl Home {
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
pub struct Item(Arc<Sent>);

#[derive(Debug, PartialEq, Eq)]
struct Sent {
    place: Place,
    /// The properties of a POST or PATCH.
    body: Value,
    digest: String,
}

impl Item {
    fn new(place: Place, body: Value) -> Self {
        let digest = digest(&body);
        Self(Arc::new(Sent { place, body, digest }))
    }

    /// Where it belongs.
    pub fn place(&self) -> Place {
        self.0.place
    }

    /// A digest of all that is sent: as long as it is the same, nothing has to be sent.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }
}

impl From<EventContent> for Item {
    fn from(event: EventContent) -> Self {
        Self::new(Place::Event, event.wire())
    }
}

impl From<TaskContent> for Item {
    fn from(task: TaskContent) -> Self {
        Self::new(Place::Task, task.wire())
    }
}

impl From<ContactContent> for Item {
    fn from(contact: ContactContent) -> Self {
        Self::new(Place::Contact, contact.wire())
    }
}

/// By what an item of ours is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
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
pub enum Step {
    /// Looks for what carries the mark.
    Find(Place),
    /// Removes the item of that id; one that is gone is removed.
    Remove(Place, String),
    /// Makes the item.
    Create(Item),
    /// Gives the item of that id this content.
    Update(String, Item),
}

impl Step {
    /// Where it happens.
    pub fn place(&self) -> Place {
        match self {
            Self::Find(place) | Self::Remove(place, _) => *place,
            Self::Create(item) | Self::Update(_, item) => item.place(),
        }
    }
}

/// What came of a [`Step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The ids of what was found.
    Found(Vec<String>),
    /// It is not there any more.
    Removed,
    /// It is there, and shows like this.
    Shown(Shown),
}

/// An item as Graph shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id: immutable, but for a task.
    pub id: String,
    /// The version of the item.
    pub etag: Option<String>,
    /// A digest of what a person can change; none where Graph left out a part of it.
    pub seen: Option<String>,
}

/// What lies in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether it is all that lies there, or only what changed.
    pub whole: bool,
    /// By id: how it shows, or that it is not there any more.
    pub items: HashMap<String, Option<Shown>>,
}

impl Graph {
    /// Carries out up to twenty steps about different items in one batch: one result for each, in order.
    pub async fn carry_out(
        &self,
        user: &GraphUser,
        homes: &Homes,
        steps: &[(Step, Tag)],
        order: BatchOrder,
    ) -> Result<Vec<Result<Done, GraphError>>, GraphError> {
        let mut done: Vec<Option<Result<Done, GraphError>>> = steps.iter().map(|_| None).collect();
        // Tasks can't be asked for by what they are linked to: the list is read, once for all.
        if steps.iter().any(|(step, _)| *step == Step::Find(Place::Task)) {
            let linked = match &homes.task_list {
                Some(list) => self.tasks_linked(user, list).await?,
                None => Vec::new(),
            };
            for (i, (step, tag)) in steps.iter().enumerate() {
                if *step == Step::Find(Place::Task) {
                    let found = linked.iter().filter(|(links, _)| links.iter().any(|link| link.is(&tag.mark)));
                    let found = found.map(|(_, id)| id.to_string());
                    done[i] = Some(Ok(Done::Found(found.collect())));
                }
            }
        }
        let mut parts = Vec::new();
        for (i, (step, tag)) in steps.iter().enumerate() {
            if done[i].is_some() {
                continue;
            }
            if *step == Step::Find(Place::Contact) {
                // A person may have moved it out of our folder before anybody knew of it.
                parts.push((i, find(format!("{}/contacts", user.path()), tag)));
            }
            match part(user, homes, step, tag) {
                Some(part) => parts.push((i, part)),
                // The container is not there, so nothing is in it.
                None if matches!(step, Step::Find(_)) => done[i] = Some(Ok(Done::Found(Vec::new()))),
                None => done[i] = Some(Ok(Done::Removed)),
            }
        }
        while !parts.is_empty() {
            let rest = parts.split_off(parts.len().min(BATCH_ITEMS_MAX));
            let (at, some): (Vec<usize>, Vec<Part>) = std::mem::replace(&mut parts, rest).into_iter().unzip();
            for (i, answer) in at.into_iter().zip(self.batch(some, order).await?) {
                let came = outcome(&steps[i].0, answer);
                done[i] = Some(match (done[i].take(), came) {
                    (Some(Ok(Done::Found(here))), Ok(Done::Found(there))) => Ok(Done::Found([here, there].concat())),
                    (Some(Err(e)), _) | (_, Err(e)) => Err(e),
                    (_, came) => came,
                });
            }
        }
        Ok(done.into_iter().flatten().collect())
    }

    /// All events of `owner` in the default calendar, the masters of series among them.
    /// Source: <https://learn.microsoft.com/graph/api/user-list-events>
    pub async fn events_of(&self, user: &GraphUser, owner: &str) -> Result<Sight, GraphError> {
        let select = EVENT_WATCHED.join(",");
        let filter = extended::of_owner(owner);
        let path = format!("{}/events?$select=id,{select}&{filter}&$top={PAGE_ITEMS}", user.path());
        let (sight, _) = self.read_pages(Place::Event, self.url(&path), PREFER, true).await?;
        Ok(sight)
    }

    /// What lies in a container of ours, or what changed there since `link` was given; and the link for the next time.
    /// Sources: <https://learn.microsoft.com/graph/api/contact-delta>, <https://learn.microsoft.com/graph/api/todotask-delta>
    pub async fn changes(
        &self,
        user: &GraphUser,
        home: &Home,
        link: Option<&Link>,
    ) -> Result<(Sight, Option<Link>), GraphError> {
        let (place, path) = match home {
            Home::ContactFolder(folder) => {
                let (select, folder) = (CONTACT_WATCHED.join(","), segment(folder.as_str()));
                let path = format!("{}/contactFolders/{folder}/contacts/delta?$select={select}", user.path());
                (Place::Contact, path)
            }
            Home::TaskList(list) => (Place::Task, format!("{}/delta", tasks(user, list))),
        };
        let url = match link {
            Some(link) => self.link(link, "read what changed")?,
            None => self.url(&path),
        };
        self.read_pages(place, url, PREFER_DELTA, link.is_none()).await
    }

    async fn read_pages(
        &self,
        place: Place,
        mut url: url::Url,
        prefer: &str,
        whole: bool,
    ) -> Result<(Sight, Option<Link>), GraphError> {
        let attempted = format!("read what lies in the place of {place:?}s");
        // The last word counts: an item may be told more than once.
        let mut items: HashMap<String, Option<Shown>> = HashMap::new();
        loop {
            let headers = [("prefer", prefer)];
            let call = Call { url, headers: &headers, ..self.get("", attempted.clone()) };
            let page: WirePage = self.json(call).await?;
            for item in page.value {
                let Some(id) = item["id"].as_str() else { continue };
                let there = item.get("@removed").is_none().then(|| shown(place, &item)).flatten();
                items.insert(id.to_owned(), there);
            }
            let Some(next) = page.next_link else {
                return Ok((Sight { whole, items }, page.delta_link.map(Link::new)));
            };
            url = self.link(&Link::new(next), &attempted)?;
        }
    }

    /// The contact folder that carries `mark`, if it lies where contact folders do.
    pub async fn find_contact_folder(
        &self,
        user: &GraphUser,
        mark: &str,
    ) -> Result<Option<ContactFolderId>, GraphError> {
        Ok(self.marked(user, "contactFolders", mark).await?.into_iter().next())
    }

    /// Makes a contact folder. Source: <https://learn.microsoft.com/graph/api/user-post-contactfolders>
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
        self.json::<WireFolder>(call).await.map(|folder| folder.id)
    }

    /// Removes a container of ours if nothing lies in it, neither ours nor a person's own; whether it is gone.
    /// Sources: <https://learn.microsoft.com/graph/api/contactfolder-delete>, <https://learn.microsoft.com/graph/api/todotasklist-delete>
    pub async fn remove_if_empty(&self, user: &GraphUser, home: &Home) -> Result<bool, GraphError> {
        let (path, contents): (String, &[&str]) = match home {
            Home::ContactFolder(folder) => {
                (format!("{}/contactFolders/{}", user.path(), segment(folder.as_str())), &["contacts", "childFolders"])
            }
            Home::TaskList(list) => (format!("{}/todo/lists/{}", user.path(), segment(list.as_str())), &["tasks"]),
        };
        for content in contents {
            let call =
                self.get(&format!("{path}/{content}?$select=id&$top=1"), format!("look for {content} in what is ours"));
            match self.json::<WirePage>(call).await {
                Ok(page) if page.value.is_empty() => {}
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
fn part(user: &GraphUser, homes: &Homes, step: &Step, tag: &Tag) -> Option<Part> {
    let user = user.path();
    let collection = || {
        Some(match step.place() {
            Place::Event => format!("{user}/events"),
            Place::Task => format!("{user}/todo/lists/{}/tasks", segment(homes.task_list.as_ref()?.as_str())),
            Place::Contact => {
                format!("{user}/contactFolders/{}/contacts", segment(homes.contact_folder.as_ref()?.as_str()))
            }
        })
    };
    // An event or a contact is reached by its id wherever a person has moved it.
    let one = |id: &str| match step.place() {
        Place::Event | Place::Task => Some(format!("{}/{}", collection()?, segment(id))),
        Place::Contact => Some(format!("{user}/contacts/{}", segment(id))),
    };
    let (method, path, body) = match step {
        Step::Find(_) => return Some(find(collection()?, tag)),
        Step::Remove(_, id) => (Method::DELETE, one(id)?, None),
        Step::Create(item) => (Method::POST, collection()?, Some(creation(item, tag))),
        Step::Update(id, item) => (Method::PATCH, one(id)?, Some(item.0.body.clone())),
    };
    let mut headers = json!({ "Prefer": PREFER });
    if body.is_some() {
        headers["Content-Type"] = "application/json".into();
    }
    let attempted = format!("{method} an item of ours in the place of {:?}s", step.place());
    Some(Part { method, path, headers, body, attempted })
}

/// The request for what carries the mark in `collection`.
fn find(collection: String, tag: &Tag) -> Part {
    Part {
        method: Method::GET,
        path: format!("{collection}?$select=id&{}", extended::with_mark(&tag.mark)),
        headers: json!({ "Prefer": PREFER }),
        body: None,
        attempted: "find an item of ours".to_owned(),
    }
}

/// What is not said is left out; what makes it ours is added.
fn creation(item: &Item, tag: &Tag) -> Value {
    let mut body = item.0.body.clone();
    if let Some(body) = body.as_object_mut() {
        for value in body.values_mut() {
            if let Some(inner) = value.as_object_mut() {
                inner.retain(|_, value| !value.is_null());
            }
        }
        body.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty()));
    }
    match item.place() {
        Place::Event => {
            body["transactionId"] = format!("{}:{}", tag.mark, tag.generation).into();
            body["singleValueExtendedProperties"] = extended::properties(&tag.mark, &tag.owner);
        }
        Place::Contact => body["singleValueExtendedProperties"] = extended::properties(&tag.mark, &tag.owner),
        Place::Task => {
            body["linkedResources"] = json!([{
                "applicationName": tag.application, "displayName": body["title"], "externalId": tag.mark,
            }]);
        }
    }
    body
}

fn outcome(step: &Step, answer: Result<Value, GraphError>) -> Result<Done, GraphError> {
    let unreadable = |what: &'static str| GraphError::Unreadable { attempted: what.to_owned(), source: "no id".into() };
    match (step, answer) {
        (Step::Remove(..), Ok(_)) => Ok(Done::Removed),
        (Step::Remove(..), Err(e)) if e.is_gone() => Ok(Done::Removed),
        (Step::Find(_), Ok(answer)) => {
            let items = answer["value"].as_array().ok_or_else(|| unreadable("find an item"))?;
            Ok(Done::Found(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()))
        }
        (Step::Create(item) | Step::Update(_, item), Ok(answer)) => {
            shown(item.place(), &answer).map(Done::Shown).ok_or_else(|| unreadable("write an item"))
        }
        (_, Err(e)) => Err(e),
    }
}

fn shown(place: Place, item: &Value) -> Option<Shown> {
    let watched: &[&str] = match place {
        Place::Event => &EVENT_WATCHED,
        Place::Task => &TASK_WATCHED,
        Place::Contact => &CONTACT_WATCHED,
    };
    let body = item.as_object()?;
    // Graph leaves out of a task what it does not have.
    let whole = place == Place::Task || watched.iter().all(|name| body.contains_key(*name));
    let seen: Vec<Cow<'_, Value>> = watched.iter().map(|name| essence(name, &item[*name])).collect();
    Some(Shown {
        id: body.get("id")?.as_str()?.to_owned(),
        etag: body.get("@odata.etag").and_then(Value::as_str).map(str::to_owned),
        seen: whole.then(|| digest(&seen)),
    })
}

/// What a property says, whichever way Graph writes it.
fn essence<'a>(name: &str, value: &'a Value) -> Cow<'a, Value> {
    match name {
        "body" => Cow::Owned(value["content"].as_str().unwrap_or_default().trim_end().into()),
        "location" => Cow::Borrowed(&value["displayName"]),
        "start" | "end" | "dueDateTime" => moment(value).map_or(Cow::Borrowed(value), Cow::Owned),
        _ => Cow::Borrowed(value),
    }
}

/// The instant that a time in a zone stands for.
fn moment(value: &Value) -> Option<Value> {
    let at: jiff::civil::DateTime = value["dateTime"].as_str()?.parse().ok()?;
    let zone = match value["timeZone"].as_str()? {
        "UTC" => TimeZone::UTC,
        name => TimeZone::get(name).ok()?,
    };
    Some(at.to_zoned(zone).ok()?.timestamp().to_string().into())
}

fn digest(said: &impl Serialize) -> String {
    let json = serde_json::to_vec(said).expect("what was read or is sent as JSON is JSON");
    hex::encode(&Sha256::digest(json)[..16])
}

#[derive(Deserialize)]
struct WirePage {
    value: Vec<Value>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta_link: Option<String>,
}

#[derive(Deserialize)]
struct WireFolder {
    id: ContactFolderId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_is_seen_the_same_in_any_zone_and_any_number_of_digits() {
        let at = |time: &str, zone: &str| moment(&json!({ "dateTime": time, "timeZone": zone }));
        assert_eq!(at("2026-07-01T09:00:00", "Europe/Paris"), at("2026-07-01T07:00:00.0000000", "UTC"));
        assert_ne!(at("2026-07-01T09:00:00", "Europe/Paris"), at("2026-12-01T07:00:00.0000000", "UTC"));
        assert_eq!(at("2026-07-01T09:00:00", "W. Europe Standard Time"), None);
    }

    #[test]
    fn a_contact_that_is_made_says_nothing_of_what_it_does_not_have() {
        let contact = ContactContent { display_name: "N".to_owned(), ..ContactContent::default() };
        let item = Item::from(contact);
        let tag = Tag { mark: "a".into(), generation: 0, owner: "b".into(), application: "F".into() };
        let made = creation(&item, &tag);
        assert_eq!((made.get("surname"), made.get("homeAddress")), (None, None));
        assert_eq!(made["displayName"], "N");
        // A change says that it is gone.
        assert_eq!(item.0.body["homeAddress"]["street"], Value::Null);
    }
}
