//! Erasure: of one message or of all that a mailbox had. It leaves the log entries, which have ids, times and digests,
//! a record of who asked and why, and of an erased message that there was one, so that it is not archived again.
//!
//! The record is logged before anything goes. So whoever dies in between left the reason, and the same erasure goes on
//! when it is begun again. In the place of each fact stands one that says nothing (`erased-{hash of its entry}`); the
//! record is a fact of its own (`erasure-message-{message}` or `erasure-mailbox-{mailbox}`). Both are void: no reader
//! of the feed sees them.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{
        clock::Clock,
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    evidence::{
        append::{AppendError, Appender},
        entry::{EntryError, entry},
        store::{LogError, LogStore},
        tlog::leaf,
    },
    firm::feed::{Feed, FeedError, Recorded, StoredFact},
    mail::{
        archive,
        mailbox::{Mailbox, MailboxState},
        message::{Message, State},
    },
    search::append::{Indexer, IndexingError},
};

/// Facts and items that are read at a time.
const PAGE: usize = 1_000;

/// What is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasedScope {
    /// One message.
    Message(MessageId),
    /// All messages of a mailbox, and the mailbox itself.
    Mailbox(MailboxId),
}

impl ErasedScope {
    /// Whether a message is among it.
    pub fn has(&self, message: MessageId) -> bool {
        match self {
            Self::Message(own) => *own == message,
            Self::Mailbox(own) => *own == message.mailbox,
        }
    }
}

/// As the id of the record has it.
impl fmt::Display for ErasedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "erasure-message-{message}"),
            Self::Mailbox(mailbox) => write!(f, "erasure-mailbox-{mailbox}"),
        }
    }
}

impl FromStr for ErasedScope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let of = |kind| text.strip_prefix("erasure-")?.strip_prefix(kind);
        let message = of("message-").and_then(|id| id.parse().ok()).map(Self::Message);
        message.or_else(|| Some(Self::Mailbox(of("mailbox-")?.parse().ok()?))).ok_or(())
    }
}

/// An erasure that is asked for.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The firm.
    pub firm: FirmId,
    /// What is erased.
    pub scope: ErasedScope,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What an erasure would take, or took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErasedCount {
    /// Originals.
    pub originals: u64,
    /// Facts.
    pub facts: u64,
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
    /// New mail still comes.
    #[error("mailbox {0} is active: pause or delete it first")]
    Active(MailboxId),
    /// Nothing is known of it.
    #[error("nothing is archived of it")]
    Unknown,
    /// A fact is not as any version of greffe writes it.
    #[error(transparent)]
    Fact(#[from] EntryError),
    /// The log can't be brought up to the feed.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The index of words can't be begun again.
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
    /// The facts.
    pub feed: &'a Feed,
    /// The bucket.
    pub store: &'a LogStore,
    /// What brings the log up to the feed.
    pub appender: Appender<'a>,
    /// What makes the index of words.
    pub indexer: Indexer<'a>,
    /// The clock.
    pub clock: &'a Clock,
}

/// What there is to erase.
struct Found {
    originals: Vec<String>,
    /// The number of each fact, with the hash of its entry and its time.
    facts: Vec<(u64, Digest, Timestamp)>,
    /// The number of the last record of this erasure: one that was interrupted left it.
    record: Option<u64>,
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
    /// Cost: it reads the whole feed, and looks at each original once before anything goes.
    ///
    /// Errors: it is refused; the log is not as it was written; S3 or the table refuses or does not answer.
    pub async fn erase(&self, erasure: &Erasure) -> Result<ErasedCount, EraseError> {
        let (firm, scope) = (erasure.firm, erasure.scope);
        let found = self.find(erasure).await?;
        // What came after the record is not covered by it.
        if found.record <= found.facts.last().map(|(number, ..)| *number) {
            self.record(erasure).await?;
        }
        while self.appender.append(firm, self.clock.now()).await?.more {}
        for key in &found.originals {
            self.store.erase(key).await?;
        }
        match scope {
            ErasedScope::Message(message) => self.blank(firm, message).await?,
            ErasedScope::Mailbox(mailbox) => self.empty(firm, mailbox).await?,
        }
        for (number, entry, at) in &found.facts {
            self.feed.blank(firm, *number, *entry, *at).await?;
        }
        self.indexer.restart(firm, None).await?;
        tracing::info!(firm.id = %firm, %scope, originals = found.originals.len(), "erased");
        Ok(found.count())
    }

    async fn find(&self, Erasure { firm, scope, .. }: &Erasure) -> Result<Found, EraseError> {
        if let ErasedScope::Mailbox(mailbox) = scope {
            let found = self.table.get::<Mailbox>(&Key::mailbox(*firm, *mailbox)).await?;
            if found.is_some_and(|row| row.value.state == MailboxState::Active) {
                return Err(EraseError::Active(*mailbox));
            }
        }
        let mut found = Found { originals: self.originals(*firm, *scope).await?, facts: Vec::new(), record: None };
        let mut from = 0;
        loop {
            let page: Vec<(u64, StoredFact)> = self.table.numbered(&Key::fact(*firm, from), true, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = *last;
            for (number, fact) in page {
                let message = fact.text("message").and_then(|id| id.parse().ok());
                if fact.text("id") == Some(&scope.to_string()) {
                    found.record = Some(number);
                }
                if message.is_some_and(|message| scope.has(message)) {
                    let at = fact.text("at").and_then(|at| at.parse().ok()).unwrap_or_default();
                    found.facts.push((number, leaf(&entry(*firm, number, &fact)?), at));
                }
            }
        }
        if found.originals.is_empty() && found.facts.is_empty() && found.record.is_none() {
            return Err(EraseError::Unknown);
        }
        Ok(found)
    }

    /// The keys of all originals, versions and what delete markers hide among them; each may go.
    async fn originals(&self, firm: FirmId, scope: ErasedScope) -> Result<Vec<String>, EraseError> {
        let prefix = match scope {
            ErasedScope::Message(message) => archive::key(firm, message),
            ErasedScope::Mailbox(mailbox) => format!("firms/{firm}/mailboxes/{mailbox}/"),
        };
        let (mut originals, mut next) = (Vec::new(), None);
        loop {
            let (keys, more) = self.store.versions(&prefix, next).await?;
            originals.extend(keys.into_iter().map(|versions| versions.key));
            next = more;
            if next.is_none() {
                break;
            }
        }
        for key in &originals {
            let until = self.store.retained_until(key).await?;
            if let Some(until) = until.filter(|until| *until > self.clock.now()) {
                return Err(EraseError::Locked { key: key.clone(), until });
            }
        }
        Ok(originals)
    }

    /// Says who asked and why, before anything goes.
    async fn record(&self, Erasure { firm, scope, by, reason }: &Erasure) -> Result<(), EraseError> {
        loop {
            let number = self.feed.take_numbers(*firm, 1).await?;
            let now = self.clock.now();
            if self.feed.record_erasure(*firm, number, (&scope.to_string(), now), (by, reason)).await?
                != Recorded::NumberGivenUp
            {
                return Ok(());
            }
        }
    }

    /// Leaves of a message that there was one.
    async fn blank(&self, firm: FirmId, id: MessageId) -> Result<(), TableError> {
        let key = Key::message(firm, id);
        let Some(row) = self.table.get::<Message>(&key).await? else { return Ok(()) };
        let filings = self.table.query_all::<serde_json::Value>(&Key::filing_prefix(firm, id)).await?;
        let listed = row.value.filing.as_ref();
        let listed = listed.and_then(|last| Some(Key::filed(firm, last.dossier.as_deref()?, last.number)));
        for key in filings.into_iter().map(|row| row.key).chain(listed) {
            self.table.write(Write::discard(key)).await?;
        }
        let Message { immutable_id, folder, received_at, .. } = row.value.clone();
        let blank = Message {
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
            state: State::Erased { at: self.clock.now() },
        };
        self.table.write(Write::replace(&row.with(blank))).await
    }

    /// Leaves nothing of a mailbox.
    async fn empty(&self, firm: FirmId, mailbox: MailboxId) -> Result<(), TableError> {
        let prefix = Key::sync(firm, mailbox).partition();
        loop {
            let page = self.table.query::<serde_json::Value>(&prefix, None, PAGE).await?;
            for row in &page.rows {
                let filing = &row.value["filing"];
                let listed = filing["dossier"].as_str().zip(filing["number"].as_u64());
                let listed = listed.map(|(dossier, number)| Key::filed(firm, dossier, number));
                for key in listed.into_iter().chain([row.key.clone()]) {
                    self.table.write(Write::discard(key)).await?;
                }
            }
            if page.next.is_none() {
                break;
            }
        }
        if let Some(row) = self.table.get::<Mailbox>(&Key::mailbox(firm, mailbox)).await? {
            let Mailbox { address, root, .. } = &row.value;
            let claims = [Some(Key::address(firm, address)), root.as_ref().map(|root| Key::root_folder(firm, root))];
            for key in claims.into_iter().flatten().chain([row.key.clone()]) {
                self.table.write(Write::discard(key)).await?;
            }
        }
        Ok(())
    }
}

impl Found {
    fn count(&self) -> ErasedCount {
        ErasedCount { originals: self.originals.len() as u64, facts: self.facts.len() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_record_says_what_was_erased() {
        let message: MessageId =
            "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        for scope in [ErasedScope::Message(message), ErasedScope::Mailbox(message.mailbox)] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
            assert!(scope.has(message));
        }
        for text in ["erasure-", "erasure-message-", "erasure-mailbox-x", "restored-1-2", "erased-00"] {
            assert_eq!(text.parse::<ErasedScope>(), Err(()), "{text}");
        }
    }
}
