//! Erasure: of messages, or of all that a mailbox, a member or a firm had. It leaves the log entries, which have ids,
//! times and digests, a record of who asked and why, and of an erased message that there was one, so that it is not
//! archived again.
//!
//! The record is logged before anything goes. So whoever dies in between left the reason, and the same erasure goes on
//! when it is begun again. In the place of each fact stands one that says nothing (`erased-{hash of its entry}`); the
//! record is a fact of its own, whose id says what was erased ([`ErasedScope`]). Both are void: no reader of the feed
//! sees them. Readers get an event that has ids only. The event of a message is written in the transaction that erases
//! the message. The event of a mailbox or a firm is written before its facts are erased, and again if facts came later.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Add,
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::{
        clock::Clock,
        digest::Digest,
        id::{EntryKind, ErasureId, FirmId, MailboxId, MemberId, MessageId},
        telemetry::ErrorChain,
    },
    evidence::{
        appender::{AppendError, Appender},
        bucket::{KeyVersions, LogError, ObjectLock},
        log_entry::{EntryError, entry},
        tlog::leaf,
    },
    firm::{
        Firm,
        external_id::ExternalIdOwner,
        fact::{EventType, Fact, FactEvent, NumberedFact, StoredFact},
        feed::FeedError,
        index_due::IndexDue,
        member::Member,
        retention::{FIRST_EXPIRY_YEAR, KeptUntil},
    },
    mail::{
        archive::{self, OriginalKey, StoredObject},
        legal_hold::HeldDossiers,
        mailbox::{Mailbox, MailboxState},
        message::{ErasureNote, Message, MessageState, Original},
        retention_keeper::{Keeper, KeeperError, KeepingRules},
    },
    search::indexer::{Indexer, IndexingError},
};

/// Facts and items that are read at a time.
const PAGE: usize = 1_000;
/// Originals, facts and items that are erased side by side.
const AT_ONCE: usize = 16;
/// What a firm is called that was erased.
const NO_NAME: &str = "(erased)";

/// What is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedScope {
    /// One message.
    Message(MessageId),
    /// Messages that were kept though nobody wanted them, by the erasure that names them.
    Messages(ErasureId, BTreeSet<MessageId>),
    /// Messages whose time is over, by the erasure that names them.
    Expired(ErasureId, BTreeSet<MessageId>),
    /// All messages of a mailbox, and the mailbox itself.
    Mailbox(MailboxId),
    /// A member with what rounds remember of it, and the mailboxes of its address.
    Member(MemberId),
    /// All that a firm had.
    Firm(FirmId),
}

impl ErasedScope {
    /// Whether what is about this message, or about none, is among it.
    pub fn has(&self, message: Option<MessageId>) -> bool {
        match (self, message) {
            (Self::Firm(_), _) => true,
            (Self::Message(own), Some(message)) => *own == message,
            (Self::Messages(_, own) | Self::Expired(_, own), Some(message)) => own.contains(&message),
            (Self::Mailbox(own), Some(message)) => *own == message.mailbox,
            (Self::Member(_), Some(_)) | (_, None) => false,
        }
    }

    /// What a record tells of: its id says what, and of many messages the fact has the ids.
    pub fn recorded(id: &str, fact: Option<&StoredFact>) -> Option<Self> {
        let (kind, id) = id.strip_prefix("erasure-")?.split_once('-')?;
        match kind {
            "message" => id.parse().map(Self::Message).ok(),
            "messages" | "expired" => {
                let (messages, id) = (fact?.texts("messages").filter_map(|id| id.parse().ok()), id.parse().ok()?);
                let of = if kind == "messages" { Self::Messages } else { Self::Expired };
                Some(of(id, messages.collect()))
            }
            "mailbox" => id.parse().map(Self::Mailbox).ok(),
            "member" => id.parse().map(Self::Member).ok(),
            "firm" => id.parse().map(Self::Firm).ok(),
            _ => None,
        }
    }

    /// The event of a mailbox or a firm. Each message has an event of its own, and a member has `member_deleted`.
    fn event(&self) -> Option<(String, FactEvent)> {
        match self {
            Self::Mailbox(mailbox) => Some((mailbox.to_string(), FactEvent::MailboxErased { mailbox: *mailbox })),
            Self::Firm(firm) => Some((firm.to_string(), FactEvent::FirmErased)),
            Self::Message(_) | Self::Messages(..) | Self::Expired(..) | Self::Member(_) => None,
        }
    }

    /// The messages that a record has to name, because its id does not.
    fn named_messages(&self) -> Vec<MessageId> {
        match self {
            Self::Messages(_, messages) | Self::Expired(_, messages) => messages.iter().copied().collect(),
            _ => Vec::new(),
        }
    }
}

/// As the id of the record has it.
impl fmt::Display for ErasedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "erasure-message-{message}"),
            Self::Messages(erasure, _) => write!(f, "erasure-messages-{erasure}"),
            Self::Expired(erasure, _) => write!(f, "erasure-expired-{erasure}"),
            Self::Mailbox(mailbox) => write!(f, "erasure-mailbox-{mailbox}"),
            Self::Member(member) => write!(f, "erasure-member-{member}"),
            Self::Firm(firm) => write!(f, "erasure-firm-{firm}"),
        }
    }
}

/// What the record of an erasure says.
#[derive(Serialize)]
struct ErasureRecord<'a> {
    #[serde(rename = "by")]
    asked_by: &'a str,
    #[serde(rename = "requested_by")]
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<ErasureId>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageId>,
}

/// An erasure that is asked for.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The firm.
    pub firm: FirmId,
    /// What is erased.
    pub scope: ErasedScope,
    /// Who asked for it.
    pub asked_by: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// Who confirmed it, once that is done: as `by`.
    pub confirmed_by: Option<String>,
    /// The one that was asked for, of which this is a part or all; none if it was not asked for by the API.
    pub order: Option<ErasureId>,
    /// Why.
    pub reason: String,
    /// Of a member, the mailboxes that an earlier try found: it may have erased them.
    pub mailboxes: BTreeSet<MailboxId>,
    /// Messages that are kept less long from now on, if the firm's periods still say so.
    pub shortened: BTreeSet<MessageId>,
}

impl Erasure {
    /// What each message says of it afterwards.
    fn note(&self) -> ErasureNote {
        let Self { order: erasure, asked_by, by, confirmed_by, reason, .. } = self.clone();
        ErasureNote { erasure, asked_by, by, confirmed_by, reason }
    }

    fn record(&self, messages: Vec<MessageId>) -> ErasureRecord<'_> {
        let (asked_by, by, confirmed_by) = (&self.asked_by, &self.by, self.confirmed_by.as_deref());
        ErasureRecord { asked_by, by, confirmed_by, erasure: self.order, reason: &self.reason, messages }
    }
}

/// What an erasure would take, or took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedCount {
    /// Originals.
    pub originals: u64,
    /// Events.
    #[serde(rename = "events")]
    pub facts: u64,
    /// Originals that are kept less long, and not deleted now.
    #[serde(default)]
    pub shortened: u64,
}

/// An erasure that is refused, or could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Object Lock keeps an original.
    #[error("S3 keeps {key} until {until} (Object Lock): it can't be erased before")]
    Locked {
        /// Its key.
        key: String,
        /// Until when.
        until: Timestamp,
    },
    /// S3 keeps an original under a legal hold, and no dossier is under one that would.
    #[error("S3 still has {0} under a legal hold, which greffe lifts within half an hour: try again then")]
    HeldByS3(String),
    /// A legal hold keeps a message.
    #[error("dossier {0} is under a legal hold: it can't be erased before that is lifted")]
    Held(String),
    /// New mail still comes.
    #[error("mailbox {0} is active: pause or delete it first")]
    Active(MailboxId),
    /// The firm goes on.
    #[error("the firm is not deleted: delete it first")]
    FirmGoesOn,
    /// There is something of the member in its Outlook.
    #[error("member {0} has dates or contacts in Outlook: end what is pushed to it first")]
    Pushed(MemberId),
    /// Nothing is known of it.
    #[error("nothing is archived of it")]
    Unknown,
    /// The retention periods ask for nothing.
    #[error("no mail has expired, and none is kept longer than the retention periods ask for")]
    AsAsked,
    /// A fact is not as any version of greffe writes it.
    #[error(transparent)]
    Fact(#[from] EntryError),
    /// The log can't be brought up to the feed.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An original can't be kept less long.
    #[error(transparent)]
    Keep(#[from] KeeperError),
    /// The index of words can't be written.
    #[error(transparent)]
    Index(#[from] IndexingError),
    /// S3.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// What erases.
#[derive(Debug, Clone, Copy)]
pub struct Eraser<'a> {
    /// The index.
    pub table: &'a Table,
    /// What brings the log up to the feed; it has both.
    pub appender: Appender<'a>,
    /// What makes the index of words.
    pub indexer: Indexer<'a>,
    /// Most messages that an erasure by the retention periods takes at a time.
    pub page: usize,
    /// The clock.
    pub clock: &'a Clock,
}

impl EraseError {
    /// Of an original that something keeps.
    fn locked(key: String, lock: ObjectLock) -> Self {
        match lock {
            ObjectLock::Until(until) => Self::Locked { key, until },
            ObjectLock::Hold => Self::HeldByS3(key),
        }
    }
}

impl Add for ErasedCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            originals: self.originals + other.originals,
            facts: self.facts + other.facts,
            shortened: self.shortened + other.shortened,
        }
    }
}

/// What an erasure found, part by part. Each part may go.
#[derive(Debug)]
pub struct FoundParts {
    parts: Vec<ErasableItems>,
    /// Messages that are kept longer than they are to be, and until when they are to be kept.
    shortened: Vec<(Row<Message>, KeptUntil)>,
}

impl FoundParts {
    /// How much it is.
    pub fn count(&self) -> ErasedCount {
        let sum = |of: fn(&ErasableItems) -> usize| self.parts.iter().map(of).sum::<usize>() as u64;
        let shortened = self.shortened.len() as u64;
        ErasedCount {
            originals: sum(|part| part.originals.len()),
            facts: sum(|part| part.found.facts.len()),
            shortened,
        }
    }

    /// The mailboxes among the parts.
    pub fn mailboxes(&self) -> BTreeSet<MailboxId> {
        let mailbox = |part: &ErasableItems| match part.scope {
            ErasedScope::Mailbox(mailbox) => Some(mailbox),
            _ => None,
        };
        self.parts.iter().filter_map(mailbox).collect()
    }
}

/// What there is to erase.
#[derive(Debug)]
struct ErasableItems {
    scope: ErasedScope,
    originals: Vec<String>,
    found: FoundFacts,
}

/// What the feed has of something that is erased.
#[derive(Debug, Clone, Default)]
pub struct FoundFacts {
    /// The number of each fact, with the hash of its entry and its time.
    facts: Vec<(u64, Digest, Timestamp)>,
    /// The message of each of these facts, where the scope is expired messages.
    messages: Vec<MessageId>,
    /// The numbers of facts that were erased before, by this erasure or another: one that was cut off may have left
    /// them in the index. The same for all parts.
    voided: Arc<Vec<u64>>,
    /// The number of the last fact among them that is about a message.
    last_of_message: Option<u64>,
    /// Mailboxes that facts tell of.
    mailboxes: BTreeSet<MailboxId>,
    /// The dossiers that facts tell of, but for expired messages. Unlike the items of a history, no fact can be removed
    /// without the log telling it.
    dossiers: BTreeSet<String>,
    /// The number of the last record of this erasure: one that was interrupted left it.
    record: Option<u64>,
    /// The number of the last event that says that the mailbox or the firm was erased.
    event: Option<u64>,
}

impl FoundFacts {
    /// The numbers of all facts that are void in the end because of an erasure.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        self.facts.iter().map(|(number, ..)| *number).chain(self.voided.iter().copied())
    }

    /// Whether the event is still to be written: there is none, or a fact about a message came after it.
    fn is_untold(&self) -> bool {
        self.event.is_none() || self.event < self.last_of_message
    }

    /// Takes in a fact, if it is of the scope.
    fn note(
        &mut self,
        firm: FirmId,
        scope: &ErasedScope,
        (number, fact): (u64, &StoredFact),
        message: Option<MessageId>,
    ) -> Result<(), EntryError> {
        self.mailboxes.extend(message.map(|message| message.mailbox));
        // A void fact says nothing, and the facts of erasures stay.
        let stays = |kind: EventType| kind == EventType::Void || kind.is_of_erasure();
        if fact.event_type().is_some_and(stays) {
            let what = scope.event().map(|(_, what)| what);
            if what.is_some() && what == fact.clone().fact().map(|fact| fact.what) {
                self.event = Some(number);
            }
        } else if scope.has(message) {
            self.last_of_message = message.map(|_| number).or(self.last_of_message);
            let at = fact.text("at").and_then(|at| at.parse().ok()).unwrap_or_default();
            self.facts.push((number, leaf(&entry(firm, number, fact)?), at));
            match scope {
                ErasedScope::Expired(..) => self.messages.extend(message),
                _ => self.dossiers.extend(fact.text("dossier").map(str::to_owned)),
            }
        }
        Ok(())
    }

    /// Those that are still of the scope.
    fn within(mut self, scope: &ErasedScope) -> Self {
        let mut messages = self.messages.iter();
        self.facts.retain(|_| scope.has(messages.next().copied()));
        self.messages.retain(|message| scope.has(Some(*message)));
        self
    }
}

impl Eraser<'_> {
    /// What the erasure would take. Nothing is written.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn preview(&self, erasure: &Erasure) -> Result<ErasedCount, EraseError> {
        Ok(self.find(erasure).await?.count())
    }

    /// Erases for good. Begun again, it goes on.
    ///
    /// Errors: it is refused; the log is not as it was written; S3 or the table refuses or does not answer.
    pub async fn erase(&self, erasure: &Erasure) -> Result<ErasedCount, EraseError> {
        let found = self.find(erasure).await?;
        self.carry_out(erasure, &found).await?;
        Ok(found.count())
    }

    /// Erases what was found.
    ///
    /// Errors: a hold was set meanwhile; the log is not as it was written; S3 or the table refuses or does not answer.
    pub async fn carry_out(&self, erasure: &Erasure, found: &FoundParts) -> Result<(), EraseError> {
        self.shorten(erasure, &found.shortened).await?;
        for part in &found.parts {
            self.erase_part(erasure, part).await?;
        }
        // The log, proofs and exports show at once what was done.
        self.appender.catch_up(self.table, erasure.firm, self.clock).await?;
        if found.parts.is_empty() {
            return Ok(());
        }
        let numbers = found.parts.iter().flat_map(|part| part.found.numbers()).collect();
        self.indexer.forget(erasure.firm, &numbers).await?;
        Ok(self.table.write(IndexDue::at(erasure.firm, self.clock.now())).await?)
    }

    async fn erase_part(&self, erasure: &Erasure, part: &ErasableItems) -> Result<(), EraseError> {
        let (firm, scope, found) = (erasure.firm, &part.scope, &part.found);
        // What came after the record is not covered by it.
        if found.record <= found.facts.last().map(|(number, ..)| *number) {
            self.record(erasure, scope).await?;
        }
        while self.appender.append(firm, self.clock.now()).await?.more {}
        // It took a while to find everything.
        let held = HeldDossiers::of(self.table, firm).await?;
        self.refuse_held(&held, firm, scope).await?;
        refuse_filed(&held, found)?;
        side_by_side(part.originals.iter().map(|key| self.appender.store.erase(key))).await?;
        if let Some((of, what)) = scope.event()
            && found.is_untold()
        {
            let at = self.clock.now();
            let fact = Fact { id: format!("{of}-erased-{}", at.as_millisecond()), at, what };
            self.appender.feed.tell_with(firm, Vec::new(), fact).await?;
        }
        // Before the index: what is cut off here is found again by the feed.
        let facts = found.facts.iter();
        side_by_side(facts.map(|(number, entry, at)| self.appender.feed.void_fact(firm, *number, *entry, *at))).await?;
        match scope {
            ErasedScope::Message(message) => {
                let erased = MessageState::Erased { at: self.clock.now(), note: Some(erasure.note()) };
                self.blank_all(firm, [*message], &erased).await?;
            }
            ErasedScope::Messages(_, messages) => {
                let (at, by, note) = (self.clock.now(), erasure.by.clone(), Some(erasure.note()));
                let removed = MessageState::Removed { at, by, note };
                self.blank_all(firm, messages.iter().copied(), &removed).await?;
            }
            ErasedScope::Expired(_, messages) => {
                self.blank_all(firm, messages.iter().copied(), &MessageState::Expired { at: self.clock.now() }).await?;
            }
            ErasedScope::Mailbox(mailbox) => self.empty_mailbox(firm, *mailbox).await?,
            ErasedScope::Member(member) => self.forget(firm, *member).await?,
            ErasedScope::Firm(_) => self.vacate_firm(firm, &found.mailboxes).await?,
        }
        tracing::info!(firm.id = %firm, %scope, originals = part.originals.len(), "erased");
        Ok(())
    }

    /// What there is to erase; each part may go.
    ///
    /// Cost: it reads the whole feed, and looks at each original once.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn find(&self, erasure: &Erasure) -> Result<FoundParts, EraseError> {
        let scopes = self.parts(erasure).await?;
        let is_known = self.may_go(erasure.firm, &scopes).await?;
        let facts = self.find_facts(erasure.firm, &scopes).await?;
        self.find_originals_of(erasure, scopes.into_iter().zip(facts), is_known).await
    }

    /// The same of a page of expired messages whose facts were found before, with those of other pages: the feed is not
    /// read. A message that may not go any more may have left the page since.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn find_page(&self, erasure: &Erasure, facts: FoundFacts) -> Result<FoundParts, EraseError> {
        let scopes = self.parts(erasure).await?;
        let is_known = self.may_go(erasure.firm, &scopes).await?;
        let facts = scopes.iter().map(|scope| facts.clone().within(scope)).collect::<Vec<_>>();
        self.find_originals_of(erasure, scopes.into_iter().zip(facts), is_known).await
    }

    /// Nothing stands in the way of these. Whether one is a member that there is.
    async fn may_go(&self, firm: FirmId, scopes: &[ErasedScope]) -> Result<bool, EraseError> {
        let (mut is_known, held) = (false, HeldDossiers::of(self.table, firm).await?);
        for scope in scopes {
            self.refuse_held(&held, firm, scope).await?;
            is_known |= self.is_at_rest(firm, scope).await?;
        }
        Ok(is_known)
    }

    async fn find_originals_of(
        &self,
        erasure: &Erasure,
        scopes: impl Iterator<Item = (ErasedScope, FoundFacts)>,
        is_known: bool,
    ) -> Result<FoundParts, EraseError> {
        let (mut parts, held) = (Vec::new(), HeldDossiers::of(self.table, erasure.firm).await?);
        for (scope, facts) in scopes {
            refuse_filed(&held, &facts)?;
            let originals = self.find_originals(erasure.firm, &scope).await?;
            parts.push(ErasableItems { scope, originals, found: facts });
        }
        let is_nothing = |part: &ErasableItems| {
            part.originals.is_empty() && part.found.facts.is_empty() && part.found.record.is_none()
        };
        let shortened = self.find_shortened(erasure).await?;
        let is_known = is_known || !erasure.shortened.is_empty();
        if !is_known && parts.iter().all(is_nothing) {
            let is_retention = matches!(erasure.scope, ErasedScope::Expired(..));
            Err(if is_retention { EraseError::AsAsked } else { EraseError::Unknown })
        } else {
            Ok(FoundParts { parts, shortened })
        }
    }

    async fn refuse_held(&self, held: &HeldDossiers, firm: FirmId, scope: &ErasedScope) -> Result<(), EraseError> {
        let holding = match scope {
            ErasedScope::Message(message) => held.holding_any(self.table, firm, [*message]).await?,
            ErasedScope::Messages(_, messages) | ErasedScope::Expired(_, messages) => {
                held.holding_any(self.table, firm, messages.iter().copied()).await?
            }
            ErasedScope::Mailbox(mailbox) => self.holding_in(held, firm, *mailbox).await?,
            ErasedScope::Member(_) => None,
            ErasedScope::Firm(_) => held.any().map(str::to_owned),
        };
        holding.map_or(Ok(()), |dossier| Err(EraseError::Held(dossier)))
    }

    /// The messages that are to be kept less long than they are. Nothing is written.
    async fn find_shortened(&self, erasure: &Erasure) -> Result<Vec<(Row<Message>, KeptUntil)>, EraseError> {
        let (firm, now, mut found) = (erasure.firm, self.clock.now(), Vec::new());
        if erasure.shortened.is_empty() {
            return Ok(found);
        }
        let Some(rules) = KeepingRules::of(self.table, firm).await? else { return Ok(found) };
        let keys: Vec<Key> = erasure.shortened.iter().map(|id| Key::message(firm, *id)).collect();
        for row in self.table.get_all::<Message>(&keys).await? {
            let Some(original) = row.value.original() else { continue };
            let Some(wanted) = rules.kept_until(self.table, &row.value).await? else { continue };
            if wanted >= original.until {
                continue;
            }
            let key = original.key(firm, row.value.id).to_string();
            if let Some(lock) = self.appender.store.lock_of(&key, now).await? {
                return Err(EraseError::locked(key, lock));
            }
            found.push((row, wanted));
        }
        Ok(found)
    }

    /// Has messages kept less long: each is copied to its earlier year, and then what would be kept longer is deleted.
    async fn shorten(&self, erasure: &Erasure, found: &[(Row<Message>, KeptUntil)]) -> Result<(), EraseError> {
        let Erasure { firm, shortened, .. } = erasure;
        if shortened.is_empty() {
            return Ok(());
        }
        let feed = self.appender.feed;
        if !found.is_empty() {
            let record = erasure.record(found.iter().map(|(row, _)| row.value.id).collect());
            feed.record_unseen(*firm, Vec::new(), &format!("shortened-{}", feed.new_id()), &record).await?;
        }
        // A keeper of its own follows the feed, and has S3 hold what is to be held.
        let (table, archive, clock) = (self.table, self.indexer.archive, self.clock);
        let keeper = Keeper { table, feed, archive, clock, has_lock: false };
        let mut told = Vec::new();
        for (row, until) in found {
            // A hold or a longer period may have come since it was found.
            let wanted = match KeepingRules::of(self.table, *firm).await? {
                Some(rules) => rules.kept_until(self.table, &row.value).await?,
                None => None,
            };
            if wanted != Some(*until) {
                continue;
            }
            match keeper.keep(*firm, row.clone(), *until).await {
                // It is no evidence any more, and stays as it is.
                Err(error @ KeeperError::NotAsWritten(_)) => {
                    tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an original is not kept less long");
                }
                kept => told.extend(kept?),
            }
        }
        feed.announce_recorded(*firm, &told).await;
        while self.appender.append(*firm, self.clock.now()).await?.more {}
        let years = self.years_until().await?;
        let erased = shortened.iter().map(|id| self.erase_longer(*firm, *id, &years));
        let erased: Vec<_> = erased.collect();
        stream::iter(erased).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Deletes the copies of an original that would be kept longer than it is.
    async fn erase_longer(&self, firm: FirmId, id: MessageId, years: &BTreeSet<KeptUntil>) -> Result<(), EraseError> {
        let key = Key::message(firm, id);
        let original = async || -> Result<Option<Original>, TableError> {
            let found = self.table.get::<Message>(&key).await?;
            Ok(found.and_then(|row| row.value.original().cloned()))
        };
        let Some(kept) = original().await? else { return Ok(()) };
        for until in years.iter().filter(|until| **until > kept.until) {
            let key = OriginalKey::new(firm, id, *until).to_string();
            // What Object Lock keeps stays as a copy.
            if self.appender.store.lock_of(&key, self.clock.now()).await?.is_none() {
                self.appender.store.erase(&key).await?;
            }
        }
        // A keeper that kept it longer meanwhile may have relied on a copy that is gone now.
        let Some(now) = original().await? else { return Ok(()) };
        let (archive, stored) = (self.indexer.archive, StoredObject { sha256: now.sha256, bytes: now.bytes });
        if archive.find(now.key(firm, id)).await.map_err(KeeperError::from)? != Some(stored) {
            for until in years.iter().filter(|until| **until < now.until) {
                let shorter = OriginalKey::new(firm, id, *until);
                if archive.copy(shorter, now.until, stored).await.map_err(KeeperError::from)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A member is erased with its mailboxes, each as a part with a record of its own.
    async fn parts(&self, erasure: &Erasure) -> Result<Vec<ErasedScope>, TableError> {
        let Erasure { firm, scope, mailboxes: known, .. } = erasure;
        let (firm, mut mailboxes) = (*firm, known.clone());
        if let ErasedScope::Member(member) = scope
            && let Some(member) = Member::find(self.table, firm, *member).await?
        {
            let addresses: BTreeSet<String> = member.value.addresses().map(str::to_lowercase).collect();
            let all = self.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm)).await?;
            let own = all.into_iter().filter(|row| addresses.contains(&row.value.address.to_lowercase()));
            mailboxes.extend(own.map(|row| row.value.id));
        }
        // One that goes on knows its own mailbox, too.
        let mailboxes = mailboxes.into_iter().map(ErasedScope::Mailbox).filter(|part| part != scope);
        let own =
            Some(scope.clone()).filter(|scope| !matches!(scope, ErasedScope::Expired(_, none) if none.is_empty()));
        Ok(mailboxes.chain(own).collect())
    }

    /// The dossier under a hold that a mail of the mailbox is, or was, filed to.
    async fn holding_in(
        &self,
        held: &HeldDossiers,
        firm: FirmId,
        mailbox: MailboxId,
    ) -> Result<Option<String>, TableError> {
        let mut after = None;
        while held.any().is_some() {
            let page = self.table.query::<Message>(&Key::message_prefix(firm, mailbox), after.as_ref(), PAGE).await?;
            for row in &page.rows {
                if let Some(dossier) = held.holding(self.table, firm, &row.value).await? {
                    return Ok(Some(dossier));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Nothing comes any more, and nothing is left elsewhere. Whether it is a member that there is.
    async fn is_at_rest(&self, firm: FirmId, scope: &ErasedScope) -> Result<bool, EraseError> {
        match scope {
            ErasedScope::Mailbox(mailbox) => {
                let found = self.table.get::<Mailbox>(&Key::mailbox(firm, *mailbox)).await?;
                if found.is_some_and(|row| row.value.state == MailboxState::Active) {
                    return Err(EraseError::Active(*mailbox));
                }
            }
            ErasedScope::Member(member) => {
                let found = Member::find(self.table, firm, *member).await?;
                let copies = self.table.query::<Value>(&Key::copy_prefix(firm, *member), None, 1).await?;
                if found.as_ref().is_some_and(|row| row.value.push.is_some()) || !copies.rows.is_empty() {
                    return Err(EraseError::Pushed(*member));
                }
                return Ok(found.is_some());
            }
            ErasedScope::Firm(_) => {
                let found = Firm::find(self.table, firm).await?.ok_or(EraseError::Unknown)?;
                if found.ended_at.is_none() {
                    return Err(EraseError::FirmGoesOn);
                }
            }
            ErasedScope::Message(_) | ErasedScope::Messages(..) | ErasedScope::Expired(..) => {}
        }
        Ok(false)
    }

    /// The facts of each of these, by one reading of the whole feed.
    ///
    /// Errors: a fact is not as any version of greffe writes it; the table refuses or does not answer.
    pub async fn find_facts(&self, firm: FirmId, scopes: &[ErasedScope]) -> Result<Vec<FoundFacts>, EraseError> {
        let mut found: Vec<FoundFacts> = scopes.iter().map(|_| FoundFacts::default()).collect();
        let ids: HashMap<String, usize> = scopes.iter().map(ToString::to_string).zip(0..).collect();
        // What names its messages is found by them, whatever the number of pages.
        let places = scopes.iter().zip(0..);
        let by_message: HashMap<MessageId, usize> = places
            .filter_map(|(scope, place)| match scope {
                ErasedScope::Expired(_, messages) => Some(messages.iter().map(move |message| (*message, place))),
                _ => None,
            })
            .flatten()
            .collect();
        let others = (0..scopes.len()).filter(|place| !matches!(scopes[*place], ErasedScope::Expired(..)));
        let others: Vec<usize> = others.collect();
        let (mut voided, mut from) = (Vec::new(), 0);
        while !scopes.is_empty() {
            let page: Vec<(u64, StoredFact)> = self.table.numbered(&Key::fact(firm, from), true, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = *last;
            for (number, fact) in page {
                if let Some(place) = fact.text("id").and_then(|id| ids.get(id)) {
                    found[*place].record = Some(number);
                }
                voided.extend(fact.erased().map(|_| number));
                let message = fact.text("message").and_then(|id| id.parse::<MessageId>().ok());
                let own = message.and_then(|message| by_message.get(&message));
                for place in others.iter().chain(own) {
                    found[*place].note(firm, &scopes[*place], (number, &fact), message)?;
                }
            }
        }
        let voided = Arc::new(voided);
        found.iter_mut().for_each(|facts| facts.voided = voided.clone());
        Ok(found)
    }

    /// Until when originals are kept, as far as there are any, or versions of some that expired may be left.
    async fn years_until(&self) -> Result<BTreeSet<KeptUntil>, LogError> {
        let mut found = BTreeSet::from_iter(self.appender.store.kept_until().await?);
        let this_year = self.clock.now().to_zoned(TimeZone::UTC).year();
        let over = FIRST_EXPIRY_YEAR..u16::try_from(this_year).unwrap_or_default();
        found.extend(over.map(KeptUntil::of_year));
        Ok(found)
    }

    /// Those of these messages that may go now, and what keeps one of the others.
    ///
    /// Errors: S3 or the table refuses or does not answer.
    pub async fn free_of(
        &self,
        firm: FirmId,
        messages: BTreeSet<MessageId>,
    ) -> Result<(BTreeSet<MessageId>, Option<EraseError>), EraseError> {
        let (held, mut free, mut kept) = (HeldDossiers::of(self.table, firm).await?, messages, None);
        let keys: Vec<Key> = free.iter().map(|id| Key::message(firm, *id)).collect();
        for row in self.table.get_all::<Message>(&keys).await? {
            if let Some(dossier) = held.holding(self.table, firm, &row.value).await? {
                free.remove(&row.value.id);
                kept = Some(EraseError::Held(dossier));
            }
        }
        let scope = ErasedScope::Expired(ErasureId::draw(self.indexer.random), free.clone());
        for (key, lock) in self.locked(&self.list_originals(firm, &scope).await?).await? {
            if let Some(own) = OriginalKey::parse(&key) {
                free.remove(&own.message);
            }
            kept = Some(EraseError::locked(key, lock));
        }
        Ok((free, kept))
    }

    /// Those of these originals that Object Lock keeps, each with how.
    async fn locked(&self, originals: &[String]) -> Result<Vec<(String, ObjectLock)>, LogError> {
        let now = self.clock.now();
        let looks = originals
            .iter()
            .map(|key| async move { Ok(self.appender.store.lock_of(key, now).await?.map(|lock| (key.clone(), lock))) });
        let looks: Vec<_> = looks.collect();
        let found: Vec<Option<_>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The keys of all originals, versions and what delete markers hide among them; each may go.
    async fn find_originals(&self, firm: FirmId, scope: &ErasedScope) -> Result<Vec<String>, EraseError> {
        let originals = self.list_originals(firm, scope).await?;
        match self.locked(&originals).await?.into_iter().next() {
            Some((key, lock)) => Err(EraseError::locked(key, lock)),
            None => Ok(originals),
        }
    }

    /// The keys of all originals, versions and what delete markers hide among them.
    async fn list_originals(&self, firm: FirmId, scope: &ErasedScope) -> Result<Vec<String>, LogError> {
        let mut prefixes = Vec::new();
        // Wherever it is kept, or was: copies are left where it was kept less long.
        for until in self.years_until().await? {
            let key = |message: &MessageId| OriginalKey::new(firm, *message, until).to_string();
            let root = format!("{}firms/{firm}/mailboxes/", archive::root(until));
            match scope {
                ErasedScope::Message(message) => prefixes.push(key(message)),
                ErasedScope::Messages(_, messages) | ErasedScope::Expired(_, messages) => {
                    prefixes.extend(messages.iter().map(key));
                }
                ErasedScope::Mailbox(mailbox) => prefixes.push(format!("{root}{mailbox}/")),
                ErasedScope::Member(_) => {}
                ErasedScope::Firm(_) => prefixes.push(root),
            }
        }
        let lists = prefixes.into_iter().map(|prefix| async move {
            let (mut own, mut next) = (Vec::new(), None);
            loop {
                let (keys, more): (Vec<KeyVersions>, _) = self.appender.store.versions(&prefix, next).await?;
                own.extend(keys.into_iter().map(|versions| versions.key));
                next = more;
                if next.is_none() {
                    return Ok::<_, LogError>(own);
                }
            }
        });
        let lists: Vec<_> = lists.collect();
        let originals: Vec<Vec<String>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        Ok(originals.concat())
    }

    /// Says who asked and why, before anything goes.
    async fn record(&self, erasure: &Erasure, scope: &ErasedScope) -> Result<(), FeedError> {
        let record = erasure.record(scope.named_messages());
        self.appender.feed.record_unseen(erasure.firm, Vec::new(), &scope.to_string(), &record).await
    }

    /// Leaves of messages that there were some, and tells of each once.
    async fn blank_all(
        &self,
        firm: FirmId,
        messages: impl IntoIterator<Item = MessageId>,
        state: &MessageState,
    ) -> Result<(), FeedError> {
        let blanks: Vec<_> = messages.into_iter().map(|message| self.blank(firm, message, state.clone())).collect();
        let blanked: Vec<_> = stream::iter(blanks).buffer_unordered(AT_ONCE).collect().await;
        let (told, failed): (Vec<_>, Vec<_>) = blanked.into_iter().partition(Result::is_ok);
        // One that failed keeps no other from being announced: it is not recorded a second time.
        let told: Vec<NumberedFact> = told.into_iter().flatten().flatten().collect();
        self.appender.feed.announce_recorded(firm, &told).await;
        failed.into_iter().try_for_each(|failed| failed.map(drop))
    }

    /// Removes all of a message but its id and state, and records that. None if it was removed before.
    async fn blank(&self, firm: FirmId, id: MessageId, state: MessageState) -> Result<Option<NumberedFact>, FeedError> {
        let mut tries = self.table.tries();
        loop {
            let Some(mut row) = self.table.get::<Message>(&Key::message(firm, id)).await? else { return Ok(None) };
            let filings = self.table.query_all::<serde_json::Value>(&Key::filing_prefix(firm, id)).await?;
            let listed = row.value.filing.as_ref();
            let listed = listed.and_then(|last| Some(Key::filed(firm, last.dossier.as_deref()?, last.number)));
            for key in filings.into_iter().map(|row| row.key).chain(listed) {
                self.table.write(Write::discard(key)).await?;
            }
            let Some(what) = event_of(id, &row.value.state, &state) else {
                self.table.write(Write::discard(Key::parts(firm, id))).await?;
                return Ok(None);
            };
            let state = match (&state, row.value.original().and_then(|original| original.until.end())) {
                (MessageState::Expired { .. }, Some(at)) => MessageState::Expired { at },
                _ => state.clone(),
            };
            row.value = blanked(row.value, state.clone());
            let fact = Fact { id: format!("{id}-{}", state.name()), at: self.clock.now(), what };
            match self.appender.feed.record_with(firm, vec![Write::replace(&row)], vec![fact]).await {
                Ok(mut recorded) => {
                    // Afterwards: who writes them looks whether the message is still there.
                    self.table.write(Write::discard(Key::parts(firm, id))).await?;
                    return Ok(recorded.pop());
                }
                // A round works at it at this moment.
                Err(FeedError::Table(error)) if tries.again(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves nothing of a mailbox.
    async fn empty_mailbox(&self, firm: FirmId, mailbox: MailboxId) -> Result<(), TableError> {
        let filed = |row: &Row<Value>| {
            let filing = &row.value["filing"];
            let listed = filing["dossier"].as_str().zip(filing["number"].as_u64());
            listed.map(|(dossier, number)| Key::filed(firm, dossier, number))
        };
        self.clear(&Key::sync(firm, mailbox).partition(), filed).await?;
        let mut tries = self.table.tries();
        loop {
            let Some(row) = self.table.get::<Mailbox>(&Key::mailbox(firm, mailbox)).await? else { return Ok(()) };
            let Mailbox { address, root, external_id, .. } = &row.value;
            let claims = [Some(Key::address(firm, address)), root.as_ref().map(|root| Key::root_folder(firm, root))];
            let claims = claims.into_iter().flatten().map(Write::discard);
            let claims = claims.chain(ExternalIdOwner::Mailbox.release(Some(firm), external_id.as_ref()));
            // What it says is there goes with it.
            match self.table.transact(claims.chain([Write::remove(&row)]).collect()).await {
                Err(error) if tries.again(&error).await => {}
                emptied => return emptied,
            }
        }
    }

    /// Leaves nothing of a member.
    async fn forget(&self, firm: FirmId, id: MemberId) -> Result<(), FeedError> {
        self.clear(&Key::outbox(firm, id).partition(), |_| None).await?;
        if let Some(row) = Member::find(self.table, firm, id).await? {
            Member::delete(row, (self.table, self.appender.feed), self.clock.now()).await?;
            self.clear(&Key::outbox(firm, id).partition(), |_| None).await?;
        }
        Ok(())
    }

    /// Leaves of a firm its log, the numbers of its feed, its audit trail, and that there was one.
    async fn vacate_firm(&self, firm: FirmId, mailboxes: &BTreeSet<MailboxId>) -> Result<(), TableError> {
        let known = self.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm)).await?;
        let known: BTreeSet<MailboxId> = known.into_iter().map(|row| row.value.id).chain(mailboxes.clone()).collect();
        for mailbox in known {
            self.empty_mailbox(firm, mailbox).await?;
        }
        for member in self.table.query_all::<Member>(&Key::member_prefix(firm)).await? {
            self.clear(&Key::outbox(firm, member.value.id).partition(), |_| None).await?;
        }
        for kind in EntryKind::ALL {
            self.clear(&Key::entry_prefix(firm, kind), |_| None).await?;
        }
        for row in self.table.query_all::<Value>(&Key::firm(firm).partition()).await? {
            if !row.key.outlives(firm) {
                self.table.write(Write::discard(row.key)).await?;
            }
        }
        if let Some(mut row) = Firm::row(self.table, firm).await? {
            let Firm { name, domains, marks, external_id, retention, .. } = &mut row.value;
            (*name, *domains, *marks, *external_id) = (NO_NAME.to_owned(), Vec::new(), None, None);
            // Its classes have names.
            *retention = None;
            self.table.write(Write::replace(&row)).await?;
        }
        Ok(())
    }

    /// Discards all items that begin so, each after what `with` says that goes with it.
    async fn clear(&self, prefix: &Key, with: impl Fn(&Row<Value>) -> Option<Key>) -> Result<(), TableError> {
        loop {
            let page = self.table.query::<Value>(prefix, None, PAGE).await?;
            let items: Vec<_> = page.rows.into_iter().map(|row| (with(&row), row.key)).collect();
            let discards = items.into_iter().map(|(with, key)| async move {
                for key in with.into_iter().chain([key]) {
                    self.table.write(Write::discard(key)).await?;
                }
                Ok::<_, TableError>(())
            });
            side_by_side(discards).await?;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}

/// Refuses what facts say was filed to a dossier under a hold.
fn refuse_filed(held: &HeldDossiers, found: &FoundFacts) -> Result<(), EraseError> {
    held.among(&found.dossiers).map_or(Ok(()), |dossier| Err(EraseError::Held(dossier)))
}

/// The fact of a message that is erased or removed; none if the feed has it already.
fn event_of(message: MessageId, before: &MessageState, after: &MessageState) -> Option<FactEvent> {
    let mailbox = message.mailbox;
    match (before, after) {
        (MessageState::Erased { .. }, _)
        | (MessageState::Removed { .. }, MessageState::Removed { .. })
        | (MessageState::Expired { .. }, MessageState::Expired { .. }) => None,
        (_, MessageState::Removed { by, .. }) => Some(FactEvent::MessageRemoved { mailbox, message, by: by.clone() }),
        _ => Some(FactEvent::MessageErased { mailbox, message }),
    }
}

/// What is left of a message: that there was one.
pub(super) fn blanked(Message { id, immutable_id, folder, received_at, .. }: Message, state: MessageState) -> Message {
    Message {
        id,
        immutable_id,
        folder,
        lies_in: None,
        conversation: None,
        received_at,
        subject: String::new(),
        from: None,
        recipient_domain: None,
        internet_message_id: None,
        has_attachments: false,
        page: String::new(),
        filing: None,
        trouble: None,
        seen: None,
        state,
    }
}

/// Some at a time, until one fails.
async fn side_by_side<E, F: Future<Output = Result<(), E>>>(all: impl Iterator<Item = F>) -> Result<(), E> {
    let all: Vec<_> = all.collect();
    stream::iter(all).buffer_unordered(AT_ONCE).try_collect().await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_of_a_record_says_what_was_erased() {
        let message: MessageId =
            "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let (id, other) = ("1d3f90f6-fac8-4fdb-ae07-de25533902e9", "6f9619ff-8b86-4011-b42d-00c04fc964ff.ff");
        let fact = json!({ "messages": [message, other] });
        let fact: StoredFact = serde_json::from_value(fact).unwrap();
        for (scope, is_of_a_message) in [
            (ErasedScope::Message(message), true),
            (ErasedScope::Messages(id.parse().unwrap(), [message].into()), true),
            (ErasedScope::Expired(id.parse().unwrap(), [message].into()), true),
            (ErasedScope::Mailbox(message.mailbox), true),
            (ErasedScope::Member(id.parse().unwrap()), false),
            (ErasedScope::Firm(id.parse().unwrap()), true),
        ] {
            assert_eq!(ErasedScope::recorded(&scope.to_string(), Some(&fact)).as_ref(), Some(&scope));
            assert_eq!(scope.has(Some(message)), is_of_a_message, "{scope}");
            assert_eq!(scope.has(None), matches!(scope, ErasedScope::Firm(_)), "{scope}");
        }
        let unnamed = format!("erasure-messages-{id}");
        assert_eq!(ErasedScope::recorded(&unnamed, None), None, "only the fact names them");
        for text in ["erasure-", "erasure-message-", "erasure-mailbox-x", "restored-1-2", "erased-00"] {
            assert_eq!(ErasedScope::recorded(text, Some(&fact)), None, "{text}");
        }
    }
}
