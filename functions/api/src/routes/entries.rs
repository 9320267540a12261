//! What dates and contacts have in common: one is put, deleted, read and listed, and many come in one request.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    str::FromStr,
};

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use shared::{
    app::App,
    aws::table::Key,
    base::id::{BulkId, EntryId, ExternalId, FirmId, MemberId},
    firm::member::Member,
    graph::{OutlookItem, OutlookItemKind},
    problem::{Code, Problem},
    push::{
        Bulk, BulkProgress, Copy, CopyState, Outbox, PushChoice,
        entry::{Entry, EntryContent},
        intake::{BulkRow, EntryOutcome, FieldError, Intake, IntakeError, NewEntry, Roster, RowOutcome},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{
    paging::{next_at, place_of},
    views::ProblemView,
};
use crate::{
    error::{Answer, Failure, invalid, not_found},
    extract::{given, typed},
    field::Limit,
    precondition::{ETag, IfMatch, Tagged, absent, changed},
    wording::plain,
};

/// Most rows in one request.
const ROWS_MAX: usize = 5_000;
/// Most characters of a row's text that stand in the answer.
const ANSWERED_CHARS_MAX: usize = 300;
/// What is done with one entry.
const ENTRY_METHODS: [Method; 4] = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
/// Names below a collection that are routes of their own.
const RESERVED: [&str; 2] = ["bulk", "members"];

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        invalid(format!("{}: {}", error.field, error.reason))
    }
}

/// Why an entry could not be stored.
fn not_stored<T: EntryContent>(error: IntakeError) -> Failure {
    match error {
        IntakeError::Table(error) => error.into(),
        IntakeError::Queue(error) => error.into(),
        IntakeError::Changed { is_there: true } => changed(),
        IntakeError::Changed { is_there: false } => absent(name_of::<T>()),
    }
}

/// That a path names a route of its own where an external id belongs: an entry is read, put and deleted.
pub(crate) fn reserved(method: &Method, path: &str) -> Option<Failure> {
    let (collection, name) = path.rsplit_once('/').filter(|_| ENTRY_METHODS.contains(method))?;
    let is_taken = RESERVED.contains(&name) && ["/dates", "/contacts"].iter().any(|kind| collection.ends_with(kind));
    is_taken.then(|| invalid(format!("external_id: '{name}' is the name of a route, and can't be an external id")))
}

/// A kind of entry whose entries come through the API.
pub(super) trait Resource: EntryContent {
    /// What a request says of one.
    type New: DeserializeOwned;
    /// What is shown of one.
    type View: Serialize;

    /// Whom it is for and which state it is, and what it says; `time_zone` is the firm's.
    fn read(new: Self::New, time_zone: &str) -> Result<NewEntry<Self>, FieldError>;
    fn view(content: Self) -> Self::View;
    /// How it shows in a member's Outlook.
    fn item(wish: &PushChoice, member: MemberId, entry: &Entry<Self>) -> Option<OutlookItem>;
}

/// An entry in one member's Outlook.
#[derive(Serialize, ToSchema)]
pub(crate) struct CopyView {
    #[schema(value_type = String, format = "uuid")]
    member: MemberId,
    /// Whether the item should be in Outlook.
    wanted: bool,
    /// Whether the item in Outlook has the latest version.
    current: bool,
    state: CopyState,
    /// The kind of item in Outlook; null while there is none.
    place: Option<OutlookItemKind>,
    /// The id of the item in Microsoft Graph.
    graph_id: Option<String>,
    /// The problem, and the next action.
    problem: Option<ProblemView>,
    /// When greffe tries again.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
}

/// An entry as the business application sent it, and its state.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView<V> {
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The highest version that was accepted.
    version: Option<u64>,
    /// The members that it is for.
    #[schema(value_type = Vec<String>)]
    members: BTreeSet<MemberId>,
    #[schema(value_type = String, format = "date-time")]
    changed_at: Timestamp,
    #[serde(flatten)]
    content: V,
    /// The state for each member.
    copies: Vec<CopyView>,
}

/// The external id of a path.
pub(super) struct External(ExternalId);

impl FromStr for External {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let id: ExternalId = text.parse().map_err(|_| "1 to 128 characters, no control characters".to_owned())?;
        // Lists pass over what is blank, and browsers take these out of a path.
        if text.trim() != text || [".", ".."].contains(&text) {
            return Err("an external id is neither '.' nor '..', and has no spaces at its ends".to_owned());
        }
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

/// What intake works with.
pub(super) fn intake(app: &App) -> Intake<'_> {
    Intake { table: &app.table, queue: &app.push_queue, clock: &app.clock, random: &app.random }
}

async fn roster(app: &App, firm: FirmId) -> Answer<Roster> {
    Roster::find(&app.table, firm).await?.ok_or_else(|| not_found("firm"))
}

/// The entry that a request says.
fn entry<T: Resource>(roster: &Roster, id: ExternalId, new: T::New, now: Timestamp) -> Result<Entry<T>, FieldError> {
    roster.entry(id, T::read(new, &roster.firm.time_zone)?, now)
}

/// Takes one entry; true if it is new.
pub(super) async fn put<T: Resource>(
    app: &App,
    firm: FirmId,
    id: ExternalId,
    new: T::New,
    condition: &IfMatch,
) -> Answer<(StatusCode, Tagged<EntryView<T::View>>)> {
    let roster = roster(app, firm).await?;
    let entry = entry::<T>(&roster, id, new, app.clock.now())?;
    let put = intake(app).put(firm, entry, may_change(condition)).await;
    let (known, stored) = put.map_err(not_stored::<T>)?;
    if stored.content.is_none() {
        let version = stored.revision.map(|version| format!(" with version {version}")).unwrap_or_default();
        let detail = format!("The {} was deleted{version}: a lower or equal version changes nothing.", name_of::<T>());
        return Err(Problem::new(Code::NotFound, detail).into());
    }
    let is_new = known.as_ref().is_none_or(|known| known.content.is_none()) && stored.content.is_some();
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Tagged(tag(&stored), view(app, &roster, stored).await?)))
}

/// Which state of an entry it is.
fn tag<T: EntryContent>(entry: &Entry<T>) -> ETag {
    ETag::of(&(&entry.revision, &entry.members, &entry.content))
}

fn may_change<T: EntryContent>(condition: &IfMatch) -> impl Fn(Option<&Entry<T>>) -> bool + Send + Sync {
    // What is deleted is kept for its version, and is not there.
    |known| condition.holds(known.filter(|entry| entry.content.is_some()).map(tag).as_ref())
}

/// Deletes one entry: what never was is deleted too.
pub(super) async fn delete<T: Resource>(
    app: &App,
    firm: FirmId,
    id: ExternalId,
    version: Option<u64>,
    condition: &IfMatch,
) -> Answer<StatusCode> {
    let deleted = intake(app).delete::<T>(firm, id, version, may_change(condition)).await;
    deleted.map_err(not_stored::<T>)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows one entry.
pub(super) async fn read<T: Resource>(app: &App, firm: FirmId, id: &ExternalId) -> Answer<Tagged<EntryView<T::View>>> {
    let found = Entry::<T>::find(&app.table, firm, id).await?.map(|row| row.value);
    let entry = found.filter(|entry| entry.content.is_some()).ok_or_else(|| not_found(name_of::<T>()))?;
    let roster = roster(app, firm).await?;
    Ok(Tagged(tag(&entry), view(app, &roster, entry).await?))
}

fn name_of<T: EntryContent>() -> &'static str {
    T::KIND.name()
}

async fn view<T: Resource>(app: &App, roster: &Roster, entry: Entry<T>) -> Answer<EntryView<T::View>> {
    let mut views = views(app, roster, vec![entry]).await?;
    views.pop().ok_or_else(|| not_found(name_of::<T>()))
}

async fn views<T: Resource>(app: &App, roster: &Roster, entries: Vec<Entry<T>>) -> Answer<Vec<EntryView<T::View>>> {
    let of = |entry: &Entry<T>| EntryId { kind: T::KIND, external: entry.id.clone() };
    let keys = entries.iter().flat_map(|entry| {
        let id = of(entry);
        entry.members.iter().map(move |member| Key::copy(roster.firm.id, *member, &id)).collect::<Vec<_>>()
    });
    let copies = app.table.get_all::<Copy>(&keys.collect::<Vec<Key>>()).await?;
    let copies: HashMap<Key, Copy> = copies.into_iter().map(|row| (row.key, row.value)).collect();
    let members: BTreeSet<MemberId> = entries.iter().flat_map(|entry| &entry.members).copied().collect();
    let keys: Vec<Key> = members.into_iter().map(|member| Key::outbox(roster.firm.id, member)).collect();
    let outboxes = app.table.get_all::<Outbox>(&keys).await?;
    let outboxes: HashMap<Key, Outbox> = outboxes.into_iter().map(|row| (row.key, row.value)).collect();
    let now = app.clock.now();
    let views = entries.into_iter().filter_map(|entry| {
        let id = of(&entry);
        let shown = entry.members.iter().filter_map(|member| {
            let member = roster.members.get(member)?;
            let copy = copies.get(&Key::copy(roster.firm.id, member.id, &id));
            let outbox = outboxes.get(&Key::outbox(roster.firm.id, member.id));
            Some(copy_view(roster, member, &entry, (copy, outbox), now))
        });
        let copies = shown.collect();
        let Entry { id: external_id, revision, mut members, content, changed_at, .. } = entry;
        // Those who were deleted since are nobody's.
        members.retain(|member| roster.members.contains_key(member));
        Some(EntryView { external_id, version: revision, members, changed_at, content: T::view(content?), copies })
    });
    Ok(views.collect())
}

fn copy_view<T: Resource>(
    roster: &Roster,
    member: &Member,
    entry: &Entry<T>,
    (copy, outbox): (Option<&Copy>, Option<&Outbox>),
    now: Timestamp,
) -> CopyView {
    let item = T::item(&roster.wish(member), member.id, entry);
    let state = CopyState::of(copy, item.as_ref());
    let current = state.is_current();
    let failure = copy.and_then(|copy| copy.failure.clone()).filter(|_| !current);
    let placed = copy.and_then(|copy| copy.placed.clone());
    let next_try = failure.as_ref().and_then(|failure| failure.next_try);
    // What keeps all of them away keeps this one away too.
    let held_up = outbox.filter(|_| !current).and_then(|outbox| outbox.problem_of(T::KIND, now)).cloned();
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
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesFilter {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "typed")]
    #[param(
        pattern = r"^[^\s\x00-\x1F\x7F-\x9F]([^\x00-\x1F\x7F-\x9F]{0,126}[^\s\x00-\x1F\x7F-\x9F])?([.]f[0-9a-f]{5})?$"
    )]
    after: Option<String>,
    /// Only entries of this member.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
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
    which: EntriesFilter,
) -> Answer<(Vec<EntryView<T::View>>, Option<String>)> {
    let prefix = Key::entry_prefix(firm, T::KIND);
    let after = which.after.as_deref().map(|cursor| {
        let id: ExternalId = place_of(cursor, &prefix)?.parse().map_err(|error| invalid(format!("after: {error}")))?;
        Answer::Ok(Key::entry(firm, T::KIND, &id))
    });
    let after = after.transpose()?;
    let page = app.table.query::<Entry<T>>(&prefix, after.as_ref(), which.limit.unwrap_or_default().get()).await?;
    let next = page.next.and_then(|_| page.rows.last().map(|row| next_at(&row.value.id.to_string(), &prefix)));
    let entries = page.rows.into_iter().map(|row| row.value);
    let wanted = entries.filter(|entry| which.member.is_none_or(|member| entry.members.contains(&member)));
    let roster = roster(app, firm).await?;
    Ok((views(app, &roster, wanted.collect()).await?, next))
}

/// The result of one row.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowResult {
    /// The index of the row in the request, from 0.
    row: usize,
    /// The external id of the row, if it has one.
    external_id: Option<String>,
    outcome: EntryOutcome,
    /// The invalid field.
    field: Option<String>,
    /// The reason.
    reason: Option<String>,
}

/// The result of a bulk request.
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

/// Takes many rows. Each is judged by itself: the good ones are taken, whatever is wrong with others.
pub(super) async fn bulk<T: Resource>(app: &App, firm: FirmId, rows: Vec<Value>) -> Answer<BulkResult> {
    check_count(rows.len())?;
    let roster = roster(app, firm).await?;
    let now = app.clock.now();
    let rows = rows.into_iter().map(|row| {
        let external_id = row.get("external_id").and_then(Value::as_str).map(str::to_owned);
        BulkRow { external_id, entry: read_row::<T>(&roster, row, now) }
    });
    let (bulk, outcomes) = intake(app).bulk(&roster, rows.collect()).await.map_err(not_stored::<T>)?;
    Ok(BulkResult::of(bulk, outcomes))
}

fn check_count(rows: usize) -> Answer<()> {
    if rows == 0 || rows > ROWS_MAX {
        return Err(invalid(format!("rows: one request has 1 to {ROWS_MAX} rows")));
    }
    Ok(())
}

fn read_row<T: Resource>(roster: &Roster, mut row: Value, now: Timestamp) -> Result<Entry<T>, FieldError> {
    let fields = row.as_object_mut().ok_or_else(|| FieldError::new("", "a row is an object"))?;
    let id = fields.remove("external_id");
    let id = id.as_ref().and_then(Value::as_str).ok_or_else(|| FieldError::new("external_id", "it is missing"))?;
    let id = id.parse::<External>().map_err(|reason| FieldError::new("external_id", reason))?.into_inner();
    let is_deleted = match fields.remove("deleted") {
        None | Some(Value::Null) => false,
        Some(deleted) => deleted.as_bool().ok_or_else(|| FieldError::new("deleted", "it is `true` or `false`"))?,
    };
    if is_deleted {
        let version = match fields.remove("version") {
            None | Some(Value::Null) => None,
            Some(version) => Some(version.as_u64().ok_or_else(|| FieldError::new("version", "it is a whole number"))?),
        };
        return Ok(Entry::deleted(id, version, now));
    }
    let new = parse::<T::New>(row)?;
    entry::<T>(roster, id, new, now)
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
    #[schema(min_items = 1, max_items = 5000)]
    entries: Vec<String>,
    /// Who gets them from now on.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    add: Vec<MemberId>,
    /// The ids of the members to remove.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    remove: Vec<MemberId>,
}

/// Adds members to many entries, or takes them away.
pub(super) async fn change_members<T: Resource>(app: &App, firm: FirmId, change: MemberChange) -> Answer<BulkResult> {
    check_count(change.entries.len())?;
    let roster = roster(app, firm).await?;
    let add = roster.named("add", &change.add)?;
    let remove: BTreeSet<MemberId> = change.remove.into_iter().collect();
    let rows = intake(app).member_rows::<T>(firm, change.entries, (&add, &remove)).await?;
    let (bulk, outcomes) = intake(app).bulk(&roster, rows).await.map_err(not_stored::<T>)?;
    Ok(BulkResult::of(bulk, outcomes))
}

impl BulkResult {
    fn of(bulk: Bulk, outcomes: Vec<RowOutcome>) -> Self {
        let results = outcomes.into_iter().enumerate().map(|(row, RowOutcome { external_id, outcome, error })| {
            let (field, reason) = error.map(|error| (cut(error.field), cut(error.reason))).unzip();
            RowResult { row, external_id: external_id.map(cut), outcome, field, reason }
        });
        let Bulk { id: bulk, taken, unchanged, refused, .. } = bulk;
        Self { bulk, taken, unchanged, refused, results: results.collect() }
    }
}

/// A text of a row, cut: an answer about 5,000 rows stays far below the 6 MB that Lambda takes, whatever the rows hold.
fn cut(text: String) -> String {
    match text.char_indices().nth(ANSWERED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The progress of a bulk request.
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
    /// Copies that the request changed: one for each row and member.
    copies: u64,
    /// Copies that are up to date in Outlook.
    done: i64,
    /// Copies that failed. Their entries show the reason.
    failed: i64,
    /// Copies that are not written yet.
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
#[into_params(parameter_in = Query)]
pub(crate) struct Deletion {
    /// The version number of the business application. A request with a version that is not higher than the stored one
    /// changes nothing.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u64>)]
    pub version: Option<u64>,
}
