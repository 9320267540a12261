//! Delta rounds over the messages of a folder and over the tree of folders.
//!
//! A round reads the changes between two numbers of the mailbox's change counter, a page at a time. Each page starts a
//! new generation of its chain, and a chain remembers the last three generations only (message-delta; public threads on
//! `SyncStateNotFound`). Microsoft promises neither order nor that an item comes once, so pages are sometimes empty,
//! repeat an item of the page before, or a round repeats the last change of the round before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::{Clause, Comparison, Query, Select, filter, invalid};
use crate::directory::Account;
use crate::error::{Error, Result};
use crate::items::{self, ItemKind};
use crate::mailbox::{self, Folder};
use crate::message::Message;
use crate::world::World;

/// Graph's page where `odata.maxpagesize` is not asked for again.
const PAGE: usize = 10;
const PAGE_MAX: usize = 1000;
/// Messages that a round returns under `$filter` (delta-query-messages).
const FILTERED_MAX: usize = 5000;
/// Generations of a chain that are still known.
const GENERATIONS_KEPT: i64 = 3;

/// Where a chain stands; what a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    mailbox: String,
    /// None for the tree of folders.
    folder: Option<String>,
    select: Select,
    since: Option<Since>,
    newest_first: bool,
    top: Option<usize>,
    /// The first round tells no removals.
    first: bool,
    /// Changes up to this number are told.
    done: i64,
    /// The round ends with this number; none between rounds.
    until: Option<i64>,
    /// Messages told in this round.
    told: usize,
    /// The last message told in this round.
    last: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Since {
    moment_ms: i64,
    inclusive: bool,
}

/// One thing to tell.
enum WireItem {
    Message(Box<Message>),
    Folder(Folder),
    Removed { seq: i64, immutable_id: String, default_id: String },
}

impl WireItem {
    fn seq(&self) -> i64 {
        match self {
            Self::Message(message) => message.seq,
            Self::Folder(folder) => folder.seq,
            Self::Removed { seq, .. } => *seq,
        }
    }
}

/// A token in the clear: which generation of which chain it is. To clients it is opaque.
struct Token {
    chain: String,
    generation: i64,
}

impl Token {
    fn issue(world: &World, chain: &str, generation: i64) -> String {
        let clear = format!("{chain}.{generation}.{}", world.uuid().simple());
        URL_SAFE_NO_PAD.encode(clear)
    }

    fn read(token: &str) -> Option<Self> {
        let clear = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let mut fields = clear.split('.');
        Some(Self { chain: fields.next()?.to_owned(), generation: fields.next()?.parse().ok()? })
    }
}

/// A page of the changes of a folder's messages.
pub(super) fn messages(asked: &Asked<'_>, mailbox: &Account, folder: &str) -> Answer {
    let allowed = ["select", "top", "filter", "orderby", "changetype", "deltatoken", "skiptoken"];
    let query = Query::read(&asked.call.query, &allowed)?;
    if query.get("changetype").is_some() {
        // Whether a mail that was moved in counts as created is not documented, so nobody may rely on it here.
        return Err(invalid("changeType is not simulated.".to_owned()));
    }
    let found = asked.world.store.read(|db| mailbox::find_folder(db, &mailbox.id, folder))?;
    let folder = found.ok_or_else(Problem::item_not_found)?;
    let known = super::messages::PROPERTIES;
    page(asked, mailbox, Some(&folder), &query, &known)
}

/// A page of the changes of the tree of folders, flat.
pub(super) fn folders(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "deltatoken", "skiptoken"])?;
    page(asked, mailbox, None, &query, &super::folders::PROPERTIES)
}

/// Where a chain of items stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ItemState {
    mailbox: String,
    parent: String,
    select: Select,
    first: bool,
    done: i64,
    until: Option<i64>,
}

/// A page of the changes of a collection of items (contact-delta, todotask-delta).
pub(super) fn items(
    asked: &Asked<'_>,
    mailbox: &Account,
    (kind, parent): (ItemKind, &str),
    known: &[&'static str],
    odata_type: &str,
) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "deltatoken", "skiptoken"])?;
    let (chain, generation, mut state) = match query.get("deltatoken").or(query.get("skiptoken")) {
        None => {
            let (mailbox, parent, select) = (mailbox.id.clone(), parent.to_owned(), query.select(known)?);
            let state = ItemState { mailbox, parent, select, first: true, done: 0, until: None };
            (asked.world.uuid().simple().to_string(), 0, state)
        }
        Some(token) => resume::<ItemState>(asked, mailbox, token)?,
    };
    if state.mailbox != mailbox.id || state.parent != parent {
        return Err(Problem::bad_request("Badly formed token: it belongs to another collection."));
    }
    let size = asked.prefer.page_size.unwrap_or(PAGE).min(PAGE_MAX);
    let (world, generation) = (asked.world, generation + 1);
    let mut value = Vec::new();
    let mut ended = false;
    let until = match state.until {
        Some(until) => until,
        None => world.store.read(|db| mailbox::last_seq(db, &mailbox.id))?,
    };
    state.until = Some(until);
    if !is_empty(world, generation) {
        let changes =
            world.store.read(|db| items::changes(db, &mailbox.id, (kind, parent), (state.done, until), size))?;
        ended = changes.len() < size;
        state.done = if ended { until } else { changes.last().map_or(until, |(seq, ..)| *seq) };
        for (_, id, item) in changes {
            match item {
                Some(mut item) => {
                    state.select.keep(&mut item.body);
                    item.body.insert("@odata.type".to_owned(), odata_type.into());
                    value.push(super::extended::shown(asked, item.body));
                }
                None if state.first => {}
                None => value.push(json!({ "@odata.type": odata_type, "id": id, "@removed": { "reason": "deleted" } })),
            }
        }
    }
    if ended {
        (state.first, state.until) = (false, None);
    }
    let next = Token::issue(asked.world, &chain, generation);
    let link = match ended {
        true => ("@odata.deltaLink", "$deltatoken"),
        false => ("@odata.nextLink", "$skiptoken"),
    };
    remember(asked, &chain, generation, &next, &state)?;
    let of = odata_type.trim_start_matches("#microsoft.graph.");
    let mut page = json!({ "@odata.context": asked.context(&format!("Collection({of})")), "value": value });
    page[link.0] = format!("{}/v1.0{}?{}={next}", world.origin, asked.call.path, link.1).into();
    Ok(Reply::json(page))
}

fn page(
    asked: &Asked<'_>,
    mailbox: &Account,
    folder: Option<&Folder>,
    query: &Query,
    known: &[&'static str],
) -> Answer {
    let token = query.get("deltatoken").or(query.get("skiptoken"));
    let (chain, generation, mut state) = match token {
        None => (asked.world.uuid().simple().to_string(), 0, State::new(mailbox, folder, query, known)?),
        Some(token) => resume(asked, mailbox, token)?,
    };
    if state.mailbox != mailbox.id || state.folder.as_ref() != folder.map(|folder| &folder.id) {
        return Err(Problem::bad_request("Badly formed token: it belongs to another collection."));
    }
    let size = asked.prefer.page_size.or(state.top).unwrap_or(PAGE).min(PAGE_MAX);
    let world = asked.world;
    let generation = generation + 1;
    let (items, repeated) = world.store.read(|db| {
        if state.until.is_none() {
            state.begin(db, generation)?;
        }
        if is_empty(world, generation) {
            return Ok((None, None));
        }
        let repeated = match &state.last {
            Some(id) if generation % 5 == 3 => mailbox::find_message(db, &mailbox.id, id)?,
            _ => None,
        };
        Ok((Some(state.read(db, size)?), repeated.filter(|message| Some(&message.folder) == state.folder.as_ref())))
    })?;
    let ended = match &items {
        None => false,
        Some(items) => state.advance(items, size),
    };
    let mut items = items.unwrap_or_default();
    if state.newest_first {
        items.sort_by_key(|item| match item {
            WireItem::Message(message) => std::cmp::Reverse(message.received),
            WireItem::Folder(_) | WireItem::Removed { .. } => std::cmp::Reverse(jiff::Timestamp::MIN),
        });
    }
    if world.faults.removals_last() {
        items.sort_by_key(|item| matches!(item, WireItem::Removed { .. }));
    }
    let mut value = Vec::with_capacity(items.len() + 1);
    for item in repeated.map(|message| WireItem::Message(Box::new(message))).iter().chain(&items) {
        value.push(shown(asked, item, &state)?);
    }
    let next = Token::issue(world, &chain, generation);
    let link = match ended {
        true => ("@odata.deltaLink", "$deltatoken"),
        false => ("@odata.nextLink", "$skiptoken"),
    };
    remember(asked, &chain, generation, &next, &state)?;
    let of = if folder.is_some() { "messages" } else { "mailFolders" };
    let mut page = json!({
        "@odata.context": asked.context(&format!("Collection({of})")),
        "value": value,
    });
    page[link.0] = format!("{}/v1.0{}?{}={next}", world.origin, asked.call.path, link.1).into();
    Ok(Reply::json(page))
}

/// Whether this page of a chain comes empty although there may be more to tell, as some do.
fn is_empty(world: &World, generation: i64) -> bool {
    let empty = generation % 4 == 2;
    if empty {
        world.traffic.count(|counts| counts.empty_pages += 1);
    }
    empty
}

fn shown(asked: &Asked<'_>, item: &WireItem, state: &State) -> Result<Value, Problem> {
    match item {
        WireItem::Message(message) => {
            let mut shown = super::messages::json(asked, message, &state.select)?;
            shown["@odata.type"] = message.properties.odata_type.clone().into();
            Ok(shown)
        }
        WireItem::Folder(folder) => Ok(asked.world.store.read(|db| super::folders::json(db, folder, &state.select))?),
        WireItem::Removed { immutable_id, default_id, .. } => {
            let id = if asked.prefer.immutable_ids { immutable_id } else { default_id };
            let kind = if state.folder.is_some() { crate::mime::MESSAGE } else { "#microsoft.graph.mailFolder" };
            Ok(json!({ "@odata.type": kind, "id": id, "@removed": { "reason": "deleted" } }))
        }
    }
}

/// What a token stands for, if it is not forgotten.
fn resume<S: DeserializeOwned>(asked: &Asked<'_>, mailbox: &Account, token: &str) -> Result<(String, i64, S), Problem> {
    let clear = Token::read(token).ok_or_else(|| Problem::bad_request("Badly formed token."))?;
    let state: Option<String> = asked.world.store.read(|db| {
        Ok(db
            .prepare_cached("SELECT state FROM generations WHERE token = ?")?
            .query_row([token], |row| row.get(0))
            .optional()?)
    })?;
    match state {
        Some(state) if !asked.world.faults.next_gone(&mailbox.address) => {
            let state = serde_json::from_str(&state).map_err(|error| Error::Damaged("delta token", error))?;
            Ok((clear.chain, clear.generation, state))
        }
        _ => Err(forgotten(asked, &clear)?),
    }
}

fn forgotten(asked: &Asked<'_>, token: &Token) -> Result<Problem, Problem> {
    let known: Vec<i64> = asked.world.store.read(|db| {
        let mut statement =
            db.prepare_cached("SELECT generation FROM generations WHERE chain = ? ORDER BY generation")?;
        let rows = statement.query_map([&token.chain], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    })?;
    let highest = known.last().copied().unwrap_or_default();
    let known: String = known.iter().map(|generation| format!("[{generation}]")).collect();
    Ok(Problem::new(
        410,
        "SyncStateNotFound",
        format!("The sync state generation is not found; generation={};[highest={highest}]{known}.", token.generation),
    ))
}

fn remember(
    asked: &Asked<'_>,
    chain: &str,
    generation: i64,
    token: &str,
    state: &impl Serialize,
) -> Result<(), Problem> {
    let state = serde_json::to_string(state).map_err(|error| Error::Damaged("delta token", error))?;
    asked.world.store.write(|db| {
        // A second use of one link takes the place of the first: two workers on one chain race each other.
        db.execute("INSERT OR REPLACE INTO generations VALUES (?, ?, ?, ?)", params![token, chain, generation, state])?;
        db.execute(
            "DELETE FROM generations WHERE chain = ?1
                 AND generation <= (SELECT max(generation) FROM generations WHERE chain = ?1) - ?2",
            params![chain, GENERATIONS_KEPT],
        )?;
        Ok(())
    })?;
    Ok(())
}

impl State {
    fn new(mailbox: &Account, folder: Option<&Folder>, query: &Query, known: &[&'static str]) -> Result<Self, Problem> {
        let since = match query.get("filter") {
            None => None,
            Some(text) => match filter(text)?.as_slice() {
                [Clause::Received(comparison @ (Comparison::Ge | Comparison::Gt), moment)] => {
                    Some(Since { moment_ms: moment.as_millisecond(), inclusive: *comparison == Comparison::Ge })
                }
                _ => {
                    return Err(invalid("Message delta filters on receivedDateTime ge or gt only.".to_owned()));
                }
            },
        };
        let newest_first = match query.get("orderby").map(str::trim) {
            None => false,
            Some("receivedDateTime desc") => true,
            Some(_) => {
                return Err(invalid("Message delta orders by receivedDateTime desc only.".to_owned()));
            }
        };
        Ok(Self {
            mailbox: mailbox.id.clone(),
            folder: folder.map(|folder| folder.id.clone()),
            select: query.select(known)?,
            since,
            newest_first,
            top: query.number("top", 1, PAGE_MAX)?,
            first: true,
            done: 0,
            until: None,
            told: 0,
            last: None,
        })
    }

    /// Fixes where the round ends: later changes belong to the next one.
    fn begin(&mut self, db: &Connection, generation: i64) -> Result<()> {
        self.until = Some(mailbox::last_seq(db, &self.mailbox)?);
        // Now and then the last change of the round before is told again.
        if !self.first && generation % 7 == 6 {
            self.done -= 1;
        }
        Ok(())
    }

    /// Takes note of a page; returns whether it was the last of its round.
    fn advance(&mut self, items: &[WireItem], size: usize) -> bool {
        self.told += items.iter().filter(|item| matches!(item, WireItem::Message(_))).count();
        if let Some(WireItem::Message(message)) = items.last() {
            self.last = Some(message.immutable_id.clone());
        }
        let full = self.since.is_some() && self.told >= FILTERED_MAX;
        if items.len() == size && !full {
            self.done = items.last().map_or(self.done, WireItem::seq);
            return false;
        }
        self.done = self.until.take().unwrap_or(self.done);
        self.first = false;
        self.told = 0;
        self.last = None;
        true
    }

    /// The next changes of the round, oldest first.
    fn read(&self, db: &Connection, size: usize) -> Result<Vec<WireItem>> {
        let until = self.until.unwrap_or(self.done);
        let mut items = match &self.folder {
            Some(folder) => self.read_messages(db, folder, until, size)?,
            None => {
                let mut statement = db.prepare_cached(
                    "SELECT * FROM folders WHERE mailbox = ? AND parent IS NOT NULL AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                )?;
                let rows = statement.query_map(params![self.mailbox, self.done, until, size], Folder::from_row)?;
                rows.map(|row| row.map(WireItem::Folder)).collect::<rusqlite::Result<Vec<_>>>()?
            }
        };
        if !self.first {
            let mut statement = db.prepare_cached(
                "SELECT seq, immutable_id, default_id FROM removals
                 WHERE mailbox = ? AND folder = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            )?;
            let folder = self.folder.as_deref().unwrap_or_default();
            let rows = statement.query_map(params![self.mailbox, folder, self.done, until, size], |row| {
                Ok(WireItem::Removed { seq: row.get(0)?, immutable_id: row.get(1)?, default_id: row.get(2)? })
            })?;
            items.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            items.sort_by_key(WireItem::seq);
            items.truncate(size);
        }
        Ok(items)
    }

    fn read_messages(&self, db: &Connection, folder: &str, until: i64, size: usize) -> Result<Vec<WireItem>> {
        let (since_ms, left) = match self.since {
            None => (i64::MIN, size),
            Some(since) => {
                let left = FILTERED_MAX.saturating_sub(self.told).min(size);
                (since.moment_ms + i64::from(!since.inclusive), left)
            }
        };
        let mut statement = db.prepare_cached(
            "SELECT * FROM messages WHERE folder = ? AND seq > ? AND seq <= ? AND received * 1000 >= ? ORDER BY seq LIMIT ?",
        )?;
        let rows = statement.query_map(params![folder, self.done, until, since_ms, left], Message::from_row)?;
        Ok(rows.map(|row| row.map(|message| WireItem::Message(Box::new(message)))).collect::<rusqlite::Result<_>>()?)
    }
}
