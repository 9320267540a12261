//! What dates and contacts have in common: one is put, deleted, read and listed, and many come in one request.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Display,
    str::FromStr,
};

use futures::StreamExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use shared::{
    app::App,
    aws::table::{Key, Row, TableError, Write},
    base::id::{BulkId, EntryId, ExternalId, FirmId, MemberId},
    firm::{Firm, member::Member},
    graph::{Item, Place},
    push::{
        self, Bulk, BulkProgress, Copy, Outbox, TRANSACTION_WRITES_MAX, Wish,
        entry::{Change, Content, Entry},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{connectors::ProblemView, members::wake};
use crate::{
    error::{Answer, Failure, invalid, not_found},
    extract::given,
    field::Limit,
    wording::plain,
};

/// Most rows in one request.
const ROWS_MAX: usize = 5_000;
/// Transactions under way side by side.
const TRANSACTIONS_AT_ONCE: usize = 8;
/// Rows in one transaction, where nobody else is in the way.
const ROWS_AT_ONCE: usize = 20;
/// Tries to store a row that another changes at the same time.
const TRIES_MAX: usize = 4;
/// How long the progress of a bulk can be asked for.
const BULK_KEPT_SECONDS: i64 = 30 * 24 * 3600;
/// Most characters of a row's text that stand in the answer.
const ANSWERED_CHARS_MAX: usize = 300;
/// Names below a collection that are routes of their own.
const RESERVED: [&str; 2] = ["bulk", "members"];

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    pub field: String,
    pub reason: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        invalid(format!("{}: {}", error.field, error.reason))
    }
}

/// A noun whose entries come through the API.
pub(super) trait Resource: Content {
    /// What a request says of one.
    type New: DeserializeOwned;
    /// What is shown of one.
    type View: Serialize;

    /// Whom it is for and which state it is, and what it says; `time_zone` is the firm's.
    fn read(new: Self::New, time_zone: &str) -> Result<Said<Self>, FieldError>;
    fn view(content: Self) -> Self::View;
    /// How it shows in a member's Outlook.
    fn item(wish: &Wish, member: MemberId, entry: &Entry<Self>) -> Option<Item>;
}

/// What a request says.
pub(super) struct Said<T> {
    pub version: Option<u64>,
    pub members: Vec<MemberId>,
    pub content: T,
}

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It was stored, and is on its way to the members.
    Taken,
    /// Nothing changed: it is late, repeated or the same.
    Unchanged,
    /// It was not taken: see `field` and `reason`.
    Refused,
}

/// Where a copy is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CopyState {
    /// It is in Outlook as it was said.
    Current,
    /// It is on its way.
    Waiting,
    /// It is not there: see the problem.
    Failed,
    /// The member's switch is off.
    SwitchedOff,
}

/// An entry in one member's Outlook.
#[derive(Serialize, ToSchema)]
pub(crate) struct CopyView {
    #[schema(value_type = String, format = "uuid")]
    member: MemberId,
    /// Whether it is to be there.
    wanted: bool,
    /// Whether what is there is what was said last.
    current: bool,
    state: CopyState,
    /// As what it is there; null while it is not.
    place: Option<Place>,
    /// Microsoft's id of it.
    graph_id: Option<String>,
    /// What keeps it from being there, and what to do next.
    problem: Option<ProblemView>,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
}

/// What is known of an entry, around what it says.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView<V> {
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The highest version that was taken.
    version: Option<u64>,
    /// Whom it is for.
    #[schema(value_type = Vec<String>)]
    members: BTreeSet<MemberId>,
    #[schema(value_type = String, format = "date-time")]
    changed_at: Timestamp,
    #[serde(flatten)]
    content: V,
    /// How it is with each member.
    copies: Vec<CopyView>,
}

/// The external id of a path.
pub(super) struct External(ExternalId);

impl FromStr for External {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let id: ExternalId = text.parse().map_err(|_| "1 to 128 characters, no control characters".to_owned())?;
        if RESERVED.contains(&text) {
            return Err(format!("'{text}' is the name of a route, and can't be an external id"));
        }
        Ok(Self(id))
    }
}

impl External {
    pub fn into_inner(self) -> ExternalId {
        self.0
    }
}

/// What a firm's requests are judged by.
struct House {
    firm: Firm,
    members: HashMap<MemberId, Member>,
    now: Timestamp,
}

impl House {
    async fn of(app: &App, firm: FirmId) -> Answer<Self> {
        let members = app.table.query_all::<Member>(&Key::member_prefix(firm)).await?;
        let firm = Firm::find(&app.table, firm).await?.ok_or_else(|| not_found("firm"))?;
        let members = members.into_iter().map(|row| (row.value.id, row.value)).collect();
        Ok(Self { firm, members, now: app.clock.now() })
    }

    /// The members that the list in `field` names.
    fn knows(&self, field: &str, members: &[MemberId]) -> Result<BTreeSet<MemberId>, FieldError> {
        for (i, member) in members.iter().enumerate() {
            if !self.members.contains_key(member) {
                return Err(FieldError::new(format!("{field}[{i}]"), "the firm has no such member"));
            }
        }
        Ok(members.iter().copied().collect())
    }

    fn wish(&self, member: &Member) -> Wish {
        Wish { push: member.push, language: self.firm.language }
    }

    fn entry<T: Resource>(&self, id: ExternalId, new: T::New, now: Timestamp) -> Result<Entry<T>, FieldError> {
        let said = T::read(new, &self.firm.time_zone)?;
        let members = self.knows("members", &said.members)?;
        let (revision, content) = (said.version, Some(said.content));
        Ok(Entry { id, revision, members, content, changed_at: now, expires_at: None })
    }
}

/// Takes one entry; true if it is new.
pub(super) async fn put<T: Resource>(
    app: &App,
    firm: FirmId,
    id: ExternalId,
    new: T::New,
) -> Answer<(bool, EntryView<T::View>)> {
    let house = House::of(app, firm).await?;
    let entry = house.entry::<T>(id, new, app.clock.now())?;
    let (known, stored) = store(app, firm, entry).await?;
    let is_new = known.as_ref().is_none_or(|known| known.content.is_none()) && stored.content.is_some();
    Ok((is_new, view(app, &house, stored).await?))
}

/// Deletes one entry: what never was is deleted too.
pub(super) async fn delete<T: Resource>(app: &App, firm: FirmId, id: ExternalId, version: Option<u64>) -> Answer<()> {
    // Without a number there is nothing that a later put would be held against.
    if version.is_none() && Entry::<T>::find(&app.table, firm, &id).await?.is_none() {
        return Ok(());
    }
    store(app, firm, Entry::<T>::deleted(id, version, app.clock.now())).await.map(drop)
}

/// Stores what is newer than what is known, and wakes whose Outlook changes by it; what was known, and what is now.
async fn store<T: Resource>(app: &App, firm: FirmId, entry: Entry<T>) -> Answer<(Option<Entry<T>>, Entry<T>)> {
    let mut tries = 1;
    loop {
        let known = Entry::<T>::find(&app.table, firm, &entry.id).await?;
        let before = known.as_ref().map(|row| row.value.clone());
        let (next, members) = match entry.clone().after(before.as_ref()) {
            Change::Nothing => {
                let now = before.clone().unwrap_or(entry);
                return Ok((before, now));
            }
            Change::Store(next, members) => (next, members),
        };
        let changes = [(known.as_ref(), &next, &members)];
        let (writes, touched) = push::store(firm, &changes, None, (app.clock.now(), &app.random));
        match write(app, writes).await {
            Err(TableError::Conflict { .. }) if tries < TRIES_MAX => tries += 1,
            written => {
                written?;
                wake(app, firm, touched.keys()).await?;
                return Ok((before, next));
            }
        }
    }
}

/// The entries come first. Where so many members are touched that one transaction can't hold them all, what is not
/// written when something dies in between is found by the next comparison.
async fn write(app: &App, writes: Vec<Write>) -> Result<(), TableError> {
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        app.table.transact(writes.by_ref().take(TRANSACTION_WRITES_MAX).collect()).await?;
    }
    Ok(())
}

/// Shows one entry.
pub(super) async fn read<T: Resource>(app: &App, firm: FirmId, id: &ExternalId) -> Answer<EntryView<T::View>> {
    let found = Entry::<T>::find(&app.table, firm, id).await?.map(|row| row.value);
    let entry = found.filter(|entry| entry.content.is_some()).ok_or_else(|| not_found(noun::<T>()))?;
    let house = House::of(app, firm).await?;
    view(app, &house, entry).await
}

fn noun<T: Content>() -> &'static str {
    T::NOUN.name()
}

async fn view<T: Resource>(app: &App, house: &House, entry: Entry<T>) -> Answer<EntryView<T::View>> {
    let mut views = views(app, house, vec![entry]).await?;
    views.pop().ok_or_else(|| not_found(noun::<T>()))
}

async fn views<T: Resource>(app: &App, house: &House, entries: Vec<Entry<T>>) -> Answer<Vec<EntryView<T::View>>> {
    let of = |entry: &Entry<T>| EntryId { noun: T::NOUN, external: entry.id.clone() };
    let keys = entries.iter().flat_map(|entry| {
        let id = of(entry);
        entry.members.iter().map(move |member| Key::copy(house.firm.id, *member, &id)).collect::<Vec<_>>()
    });
    let copies = app.table.get_all::<Copy>(&keys.collect::<Vec<Key>>()).await?;
    let copies: HashMap<Key, Copy> = copies.into_iter().map(|row| (row.key, row.value)).collect();
    let members: BTreeSet<MemberId> = entries.iter().flat_map(|entry| &entry.members).copied().collect();
    let keys: Vec<Key> = members.into_iter().map(|member| Key::outbox(house.firm.id, member)).collect();
    let outboxes = app.table.get_all::<Outbox>(&keys).await?;
    let outboxes: HashMap<Key, Outbox> = outboxes.into_iter().map(|row| (row.key, row.value)).collect();
    let views = entries.into_iter().filter_map(|entry| {
        let id = of(&entry);
        let shown = entry.members.iter().filter_map(|member| {
            let member = house.members.get(member)?;
            let copy = copies.get(&Key::copy(house.firm.id, member.id, &id));
            let outbox = outboxes.get(&Key::outbox(house.firm.id, member.id));
            Some(copy_view(house, member, &entry, (copy, outbox)))
        });
        let copies = shown.collect();
        let Entry { id: external_id, revision, members, content, changed_at, .. } = entry;
        Some(EntryView { external_id, version: revision, members, changed_at, content: T::view(content?), copies })
    });
    Ok(views.collect())
}

fn copy_view<T: Resource>(
    house: &House,
    member: &Member,
    entry: &Entry<T>,
    (copy, outbox): (Option<&Copy>, Option<&Outbox>),
) -> CopyView {
    let item = T::item(&house.wish(member), member.id, entry);
    let current = match copy {
        Some(copy) => copy.is_as(item.as_ref()) && !copy.lacks_a_value(),
        None => item.is_none(),
    };
    let failure = copy.and_then(|copy| copy.failure.clone()).filter(|_| !current);
    let state = match (&item, &failure) {
        (None, _) if current => CopyState::SwitchedOff,
        (_, Some(_)) => CopyState::Failed,
        _ if current => CopyState::Current,
        _ => CopyState::Waiting,
    };
    let placed = copy.and_then(|copy| copy.placed.clone());
    let next_try = failure.as_ref().and_then(|failure| failure.next_try);
    // What keeps all of them away keeps this one away too.
    let held_up = outbox.filter(|_| !current).and_then(|outbox| outbox.problem_of(T::NOUN, house.now)).cloned();
    CopyView {
        member: member.id,
        wanted: item.is_some(),
        current,
        state,
        place: placed.as_ref().map(|placed| placed.place),
        graph_id: placed.map(|placed| placed.id),
        problem: held_up.or(failure.map(|failure| failure.problem)).map(ProblemView::from),
        next_try,
    }
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `next` of the page before.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]+$")]
    after: Option<ExternalId>,
    /// Only those that are for this member.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$")]
    member: Option<MemberId>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Lists entries by their external ids. A page may hold fewer than its limit, or none, with more to come.
pub(super) async fn list<T: Resource>(
    app: &App,
    firm: FirmId,
    which: Which,
) -> Answer<(Vec<EntryView<T::View>>, Option<String>)> {
    let prefix = Key::entry_prefix(firm, T::NOUN);
    let after = which.after.map(|id| Key::entry(firm, T::NOUN, &id));
    let page = app.table.query::<Entry<T>>(&prefix, after.as_ref(), which.limit.unwrap_or_default().get()).await?;
    let next = page.next.and_then(|_| page.rows.last().map(|row| row.value.id.to_string()));
    let entries = page.rows.into_iter().map(|row| row.value);
    let wanted = entries.filter(|entry| which.member.is_none_or(|member| entry.members.contains(&member)));
    let house = House::of(app, firm).await?;
    Ok((views(app, &house, wanted.collect()).await?, next))
}

/// What came of one row.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowResult {
    /// The row's place in the request, from 0.
    row: usize,
    /// The row's external id, if it had one.
    external_id: Option<String>,
    outcome: Outcome,
    /// The field that was not taken.
    field: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// What came of a bulk.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// Its progress is at `/v1/firms/{firm}/bulks/{bulk}`.
    #[schema(value_type = String, format = "uuid")]
    bulk: BulkId,
    taken: u64,
    unchanged: u64,
    refused: u64,
    /// One for each row, in the order of the request.
    results: Vec<RowResult>,
}

/// A row that could be read.
struct Read<T> {
    row: usize,
    entry: Entry<T>,
}

/// Takes many rows. Each is judged by itself: the good ones are taken, whatever is wrong with others.
pub(super) async fn bulk<T: Resource>(app: &App, firm: FirmId, rows: Vec<Value>) -> Answer<BulkResult> {
    check_count(rows.len())?;
    let house = House::of(app, firm).await?;
    let now = app.clock.now();
    let ids: Vec<Option<String>> =
        rows.iter().map(|row| row.get("external_id").and_then(Value::as_str).map(str::to_owned)).collect();
    let mut results = BTreeMap::new();
    let mut good = Vec::new();
    for (row, value) in rows.into_iter().enumerate() {
        match read_row::<T>(&house, value, now) {
            Ok(entry) => good.push(Read { row, entry }),
            Err(error) => drop(results.insert(row, Err(error))),
        }
    }
    take(app, &house, good, ids, results).await
}

fn check_count(rows: usize) -> Answer<()> {
    if rows == 0 || rows > ROWS_MAX {
        return Err(invalid(format!("rows: one request has 1 to {ROWS_MAX} rows")));
    }
    Ok(())
}

fn read_row<T: Resource>(house: &House, mut row: Value, now: Timestamp) -> Result<Entry<T>, FieldError> {
    let fields = row.as_object_mut().ok_or_else(|| FieldError::new("", "a row is an object"))?;
    let id = fields.remove("external_id");
    let id = id.as_ref().and_then(Value::as_str).ok_or_else(|| FieldError::new("external_id", "it is missing"))?;
    let id = id.parse::<External>().map_err(|reason| FieldError::new("external_id", reason))?.into_inner();
    if fields.remove("deleted").is_some_and(|deleted| deleted == Value::Bool(true)) {
        let version = match fields.remove("version") {
            None | Some(Value::Null) => None,
            Some(version) => Some(version.as_u64().ok_or_else(|| FieldError::new("version", "it is a whole number"))?),
        };
        return Ok(Entry::deleted(id, version, now));
    }
    let new = parse::<T::New>(row)?;
    house.entry::<T>(id, new, now)
}

/// Reads a value and says which field does not fit.
fn parse<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        // What is missing or unknown has no path: its name stands in what serde says.
        let named = reason.split('`').nth(1).map(str::to_owned);
        let field = if path == "." { named.unwrap_or_default() } else { path };
        FieldError::new(field, plain(&reason))
    })
}

/// A member's id.
#[derive(ToSchema)]
#[schema(value_type = String, format = "uuid")]
#[expect(dead_code, reason = "describes an id")]
pub(super) struct MemberRef(MemberId);

/// Members to be added to contacts or dates, or taken from them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    /// The external ids of the entries, at most 5,000.
    #[serde(alias = "contacts", alias = "dates", alias = "external_ids")]
    #[schema(min_items = 1, max_items = 5000)]
    entries: Vec<String>,
    /// Who gets them from now on.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    add: Vec<MemberId>,
    /// Who gets them no more.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    remove: Vec<MemberId>,
}

/// Adds members to many entries, or takes them away.
pub(super) async fn change_members<T: Resource>(app: &App, firm: FirmId, change: MemberChange) -> Answer<BulkResult> {
    check_count(change.entries.len())?;
    let house = House::of(app, firm).await?;
    let add = house.knows("add", &change.add)?;
    let remove: BTreeSet<MemberId> = change.remove.iter().copied().collect();
    let now = app.clock.now();
    let ids: Vec<Option<String>> = change.entries.iter().cloned().map(Some).collect();
    let parsed: Vec<Option<ExternalId>> = change.entries.iter().map(|id| id.parse().ok()).collect();
    let keys: BTreeSet<&ExternalId> = parsed.iter().flatten().collect();
    let keys: Vec<Key> = keys.into_iter().map(|id| Key::entry(firm, T::NOUN, id)).collect();
    let known = app.table.get_all::<Entry<T>>(&keys).await?;
    let known: HashMap<ExternalId, Entry<T>> = known.into_iter().map(|row| (row.value.id.clone(), row.value)).collect();
    let (mut good, mut results) = (Vec::new(), BTreeMap::new());
    for (row, id) in parsed.into_iter().enumerate() {
        let found = id.and_then(|id| known.get(&id)).filter(|entry| entry.content.is_some());
        let Some(entry) = found else {
            results.insert(
                row,
                Err(FieldError::new(format!("entries[{row}]"), format!("there is no such {}", noun::<T>()))),
            );
            continue;
        };
        let members = entry.members.union(&add).filter(|member| !remove.contains(member)).copied().collect();
        // Whom it is for has no version of its own.
        good.push(Read { row, entry: Entry { members, revision: None, changed_at: now, ..entry.clone() } });
    }
    take(app, &house, good, ids, results).await
}

type Results = BTreeMap<usize, Result<Outcome, FieldError>>;

/// Stores what could be read, some rows to a transaction, and wakes every member who is touched once.
async fn take<T: Resource>(
    app: &App,
    house: &House,
    good: Vec<Read<T>>,
    ids: Vec<Option<String>>,
    mut results: Results,
) -> Answer<BulkResult> {
    let firm = house.firm.id;
    let bulk = BulkId::draw(&app.random);
    // The same entry twice in one request: the rows are taken one after the other.
    let mut turns: Vec<Vec<Read<T>>> = Vec::new();
    let mut seen: HashMap<ExternalId, usize> = HashMap::new();
    for read in good {
        let turn = seen.entry(read.entry.id.clone()).and_modify(|turn| *turn += 1).or_insert(0);
        if turns.len() <= *turn {
            turns.push(Vec::new());
        }
        turns[*turn].push(read);
    }
    let mut waiting = BTreeMap::<MemberId, u64>::new();
    for mut turn in turns {
        // Rows for the same members come together: then a transaction makes few items of work, and each fills a batch.
        turn.sort_by(|one, other| one.entry.members.cmp(&other.entry.members));
        let stored = chunks(turn, house.members.len()).into_iter().map(|chunk| take_some(app, firm, bulk, chunk));
        let stored: Vec<_> = stored.collect();
        let stored: Vec<_> = futures::stream::iter(stored).buffer_unordered(TRANSACTIONS_AT_ONCE).collect().await;
        for taken in stored {
            let taken = taken?;
            results.extend(taken.outcomes.into_iter().map(|(row, outcome)| (row, Ok(outcome))));
            for (member, entries) in taken.touched {
                *waiting.entry(member).or_default() += entries;
            }
        }
    }
    let count = |outcome| results.values().filter(|result| **result == Ok(outcome)).count() as u64;
    let (taken, unchanged) = (count(Outcome::Taken), count(Outcome::Unchanged));
    let rows = ids.len() as u64;
    let refused = rows - taken - unchanged;
    let at = app.clock.now();
    let expires_at = at.as_second() + BULK_KEPT_SECONDS;
    let progress = Bulk { id: bulk, rows, taken, unchanged, refused, waiting: waiting.clone(), at, expires_at };
    app.table.write(Write::insert(Key::bulk(firm, bulk), &progress)).await?;
    wake(app, firm, waiting.keys()).await?;
    tracing::info!(firm.id = %firm, bulk.id = %bulk, taken, unchanged, refused, "a bulk was taken");
    let results = ids.into_iter().enumerate().map(|(row, external_id)| {
        let (outcome, error) = match results.remove(&row) {
            Some(Ok(outcome)) => (outcome, None),
            Some(Err(error)) => (Outcome::Refused, Some(error)),
            None => (Outcome::Refused, None),
        };
        let (field, reason) = error.map(|error| (cut(error.field), cut(error.reason))).unzip();
        let external_id = external_id.map(cut);
        RowResult { row, external_id, outcome, field, reason }
    });
    Ok(BulkResult { bulk, taken, unchanged, refused, results: results.collect() })
}

/// A text of a row, cut: an answer about 5,000 rows stays far below the 6 MB that Lambda takes, whatever the rows hold.
fn cut(text: String) -> String {
    match text.char_indices().nth(ANSWERED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// As many rows as fit into one transaction with work for every member.
fn chunks<T>(mut rows: Vec<Read<T>>, members: usize) -> Vec<Vec<Read<T>>> {
    let size = TRANSACTION_WRITES_MAX.saturating_sub(members).clamp(1, ROWS_AT_ONCE);
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        chunks.push(std::mem::replace(&mut rows, rest));
    }
    chunks
}

struct Taken {
    outcomes: Vec<(usize, Outcome)>,
    touched: BTreeMap<MemberId, u64>,
}

/// Stores some rows in one transaction; where another changes one of them at the same time, it is tried again.
async fn take_some<T: Resource>(app: &App, firm: FirmId, bulk: BulkId, rows: Vec<Read<T>>) -> Answer<Taken> {
    let keys: Vec<Key> = rows.iter().map(|read| Key::entry(firm, T::NOUN, &read.entry.id)).collect();
    let mut tries = 1;
    loop {
        let known = app.table.get_all::<Entry<T>>(&keys).await?;
        let known: HashMap<ExternalId, Row<Entry<T>>> =
            known.into_iter().map(|row| (row.value.id.clone(), row)).collect();
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut changes = Vec::new();
        for Read { row, entry } in &rows {
            let known = known.get(&entry.id);
            match entry.clone().after(known.map(|row| &row.value)) {
                Change::Nothing => outcomes.push((*row, Outcome::Unchanged)),
                Change::Store(next, members) => {
                    outcomes.push((*row, Outcome::Taken));
                    changes.push((known, next, members));
                }
            }
        }
        let changes: Vec<_> = changes.iter().map(|(known, next, members)| (*known, next, members)).collect();
        let (writes, touched) = push::store(firm, &changes, Some(bulk), (app.clock.now(), &app.random));
        match write(app, writes).await {
            Err(TableError::Conflict { .. }) if tries < TRIES_MAX => tries += 1,
            written => {
                written?;
                let touched = touched.into_iter().map(|(member, entries)| (member, entries.len() as u64)).collect();
                return Ok(Taken { outcomes, touched });
            }
        }
    }
}

/// How far a bulk is.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkView {
    #[schema(value_type = String, format = "uuid")]
    bulk: BulkId,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    rows: u64,
    taken: u64,
    unchanged: u64,
    refused: u64,
    /// Copies that changed with it: one for each row and member.
    copies: u64,
    /// Copies that are as they shall be.
    done: i64,
    /// Copies that failed: their entries say why.
    failed: i64,
    /// Copies that are on their way.
    waiting: i64,
}

/// Shows how far a bulk is.
pub(super) async fn bulk_progress(app: &App, firm: FirmId, id: BulkId) -> Answer<BulkView> {
    let bulk = app.table.get::<Bulk>(&Key::bulk(firm, id)).await?.ok_or_else(|| not_found("bulk"))?.value;
    let keys: Vec<Key> = bulk.waiting.keys().map(|member| Key::bulk_progress(firm, *member, id)).collect();
    let progress = app.table.get_all::<BulkProgress>(&keys).await?;
    let done = progress.iter().map(|row| row.value.done).sum();
    let failed = progress.iter().map(|row| row.value.failed).sum();
    let copies: u64 = bulk.waiting.values().sum();
    let waiting = i64::try_from(copies).unwrap_or(i64::MAX) - done - failed;
    let Bulk { at, rows, taken, unchanged, refused, .. } = bulk;
    Ok(BulkView { bulk: id, at, rows, taken, unchanged, refused, copies, done, failed, waiting })
}

/// Cuts a text of one line.
pub(super) fn line(field: &str, text: Option<String>, chars_max: usize) -> Result<Option<String>, FieldError> {
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().any(char::is_control) {
        return Err(FieldError::new(field, "it has one line and no control characters"));
    }
    within(field, text, chars_max).map(Some)
}

/// A text of many lines.
pub(super) fn lines(field: &str, text: Option<String>, chars_max: usize) -> Result<Option<String>, FieldError> {
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(FieldError::new(field, "it has no control characters but new lines and tabs"));
    }
    within(field, text.replace("\r\n", "\n"), chars_max).map(Some)
}

fn within(field: &str, text: String, chars_max: usize) -> Result<String, FieldError> {
    match text.chars().count() <= chars_max {
        true => Ok(text),
        false => Err(FieldError::new(field, format!("it has at most {chars_max} characters"))),
    }
}

/// The problem of a text that can't be read.
pub(super) fn unfit(field: &str, reason: impl Display) -> FieldError {
    FieldError::new(field, plain(&reason.to_string()))
}

/// What a query says of a deletion.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Deletion {
    /// The business application's number of this state; one that is not higher than the known one changes nothing.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u64>)]
    pub version: Option<u64>,
}
