//! Pushed items: events, tasks and contacts, as they are sent, with the digests by which they are compared.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    calendar::{EVENT_WATCHED, EventContent, in_zone},
    contacts::{CONTACT_WATCHED, ContactContent},
    extended,
    todo::{TASK_WATCHED, TaskContent},
};
use crate::base::{
    id::{ContactFolderId, TaskListId},
    time_zone,
};

/// The kind of an item in Outlook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutlookItemKind {
    /// An event in the calendar.
    Event,
    /// A task in the firm's list.
    Task,
    /// A contact in the firm's folder.
    Contact,
}

/// The containers that greffe made in one mailbox. Events lie in the default calendar, which is always there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemContainers {
    /// The contact folder.
    pub contact_folder: Option<ContactFolderId>,
    /// The task list.
    pub task_list: Option<TaskListId>,
    /// Those that a function began to make and died before it could store which they are.
    #[serde(default)]
    pub unsure: BTreeSet<OutlookItemKind>,
    /// Task lists of the same name that were there before greffe began to make one: they are somebody else's.
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

/// A container that greffe made.
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
    pub(super) fn name_categories(&self) -> bool {
        self.0.get(CATEGORIES).is_some()
    }

    /// Keeps the person's own ones among the `categories` that are there: a PATCH replaces them all.
    pub(super) fn keep_own(&mut self, categories: &Value) {
        if let Some(sent) = self.0.get_mut(CATEGORIES).and_then(Value::as_array_mut) {
            let there = categories.as_array().into_iter().flatten();
            sent.extend(there.filter(|category| !is_ours(category)).cloned());
        }
    }

    /// The body of the PATCH.
    pub(super) fn body(&self) -> Value {
        for_graph(self.0.clone())
    }

    /// Whether a property that the PATCH did not send differs after it: a person changed it meanwhile. `before` and
    /// `after`: [`ShownItem::parts`]; false where one of them is not known.
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

pub(super) const CATEGORIES: &str = "categories";

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

/// What a pushed item is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemTag {
    /// Its own key: hex digits.
    pub id: String,
    /// How often it was made before: a transaction id may be used once only, even when its event is deleted.
    pub generation: u32,
    /// What all items of the same member have in common: hex digits and hyphens.
    pub owner: String,
    /// Whose it is, in words.
    pub application: String,
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

/// What is not said is left out; what makes it ours is added.
pub(super) fn creation(item: &OutlookItem, tag: &ItemTag) -> Value {
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
            body["transactionId"] = format!("{}:{}", tag.id, tag.generation).into();
            body["singleValueExtendedProperties"] = extended::properties(&tag.id, &tag.owner);
        }
        OutlookItemKind::Contact => body["singleValueExtendedProperties"] = extended::properties(&tag.id, &tag.owner),
        OutlookItemKind::Task => {
            body["linkedResources"] = json!([{
                "applicationName": tag.application, "displayName": body["title"], "externalId": tag.id,
            }]);
        }
    }
    body
}

pub(super) fn shown(place: OutlookItemKind, item: &Value) -> Option<ShownItem> {
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
        let tag = ItemTag { id: "a".into(), generation: 0, owner: "b".into(), application: "F".into() };
        let made = creation(&item, &tag);
        assert_eq!((made.get("surname"), made.get("homeAddress")), (None, None));
        assert_eq!(made["displayName"], "N");
        // A change says that it is gone.
        assert_eq!(item.0.body["homeAddress"]["street"], Value::Null);
    }
}
