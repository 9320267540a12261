//! Legal holds: while a dossier is under one, no mail of it is erased or removed.
//!
//! A mail is held if it is filed to such a dossier, or ever was: taking it out of the dossier frees nothing. With
//! Object Lock, S3 holds its original, too (`mail/retention_keeper.rs`).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, MessageId},
    firm::{
        fact::StoredFact,
        feed::{Feed, FeedError},
    },
    mail::message::{FilingRecord, Message},
};

/// That a dossier is under a legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// The dossier.
    pub dossier: String,
    /// Why.
    pub reason: String,
    /// Who: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// What the log says of a hold. The dossier's name is in the fact only.
#[derive(Serialize)]
struct HoldRecord<'a> {
    dossier: &'a str,
    reason: &'a str,
    by: &'a str,
}

impl LegalHold {
    /// Puts the dossier under a hold, or gives the hold that was read `before` a new reason, and records it.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn set(&self, feed: &Feed, firm: FirmId, before: Option<Row<Self>>, id: Uuid) -> Result<(), FeedError> {
        let write = match before {
            Some(row) => Write::replace(&row.with(self.clone())),
            None => Write::insert(Key::hold(firm, &self.dossier), self),
        };
        feed.record_unseen(firm, vec![write], &format!("hold-{id}"), &self.record()).await
    }

    /// Lifts the hold that was read, and records it: with who lifts it and why.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn lift(&self, feed: &Feed, firm: FirmId, before: &Row<Self>, id: Uuid) -> Result<(), FeedError> {
        let gone = Write::remove(before);
        feed.record_unseen(firm, vec![gone], &format!("hold-lifted-{id}"), &self.record()).await
    }

    /// What a fact of the log says of a dossier: its hold, or that it was lifted. None if the fact is about something
    /// else.
    pub fn recorded(fact: &StoredFact) -> Option<(String, Option<Self>)> {
        let id = fact.text("id").filter(|id| fact.is_void() && id.starts_with("hold-"))?;
        let text = |name: &str| fact.text(name).map(str::to_owned);
        let (dossier, reason, by) = (text("dossier")?, text("reason")?, text("by")?);
        let hold = Self { dossier: dossier.clone(), reason, by, at: fact.text("at")?.parse().ok()? };
        Some((dossier, Some(hold).filter(|_| !id.starts_with("hold-lifted-"))))
    }

    fn record(&self) -> HoldRecord<'_> {
        HoldRecord { dossier: &self.dossier, reason: &self.reason, by: &self.by }
    }
}

/// The dossiers of a firm that are under a hold.
#[derive(Debug, Default)]
pub struct HeldDossiers(BTreeSet<String>);

impl From<BTreeSet<String>> for HeldDossiers {
    fn from(dossiers: BTreeSet<String>) -> Self {
        Self(dossiers)
    }
}

impl HeldDossiers {
    /// As they are now.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(table: &Table, firm: FirmId) -> Result<Self, TableError> {
        let holds = table.query_all::<LegalHold>(&Key::hold_prefix(firm)).await?;
        Ok(Self(holds.into_iter().map(|row| row.value.dossier).collect()))
    }

    /// One of them, if there is any.
    pub fn any(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The one that holds a message, if one does.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn holding(&self, table: &Table, firm: FirmId, message: &Message) -> Result<Option<String>, TableError> {
        self.holding_before(table, firm, message, Timestamp::MAX).await
    }

    /// The one that holds a message by what it was filed to before `time`, if one does. If the history of its filings
    /// is not whole, any hold does.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn holding_before(
        &self,
        table: &Table,
        firm: FirmId,
        message: &Message,
        time: Timestamp,
    ) -> Result<Option<String>, TableError> {
        // What was never filed has no history.
        if message.filing.is_none() || self.0.is_empty() {
            return Ok(None);
        }
        let rows = table.query_all::<Value>(&Key::filing_prefix(firm, message.id)).await?;
        let filings = rows.into_iter().map(|row| serde_json::from_value::<FilingRecord>(row.value).ok());
        let filings: Option<Vec<FilingRecord>> = filings.collect();
        let last = message.filing.as_ref().map_or(0, |last| last.count);
        let is_whole = |filings: &Vec<FilingRecord>| filings.iter().map(|filing| filing.count).eq(1..=last);
        // Where a change is missing, or can't be read, it may be the one that a hold is about.
        let Some(filings) = filings.filter(is_whole) else { return Ok(self.any().map(str::to_owned)) };
        let dossiers = filings.into_iter().filter(|filing| filing.at < time).filter_map(|filing| filing.dossier);
        Ok(dossiers.into_iter().find(|dossier| self.0.contains(dossier)))
    }

    /// One of these dossiers that is under a hold, if one is.
    pub fn among(&self, dossiers: &BTreeSet<String>) -> Option<String> {
        self.0.intersection(dossiers).next().cloned()
    }

    /// The one that holds one of these messages, if one does.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn holding_any(
        &self,
        table: &Table,
        firm: FirmId,
        messages: impl IntoIterator<Item = MessageId>,
    ) -> Result<Option<String>, TableError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let keys: Vec<Key> = messages.into_iter().map(|id| Key::message(firm, id)).collect();
        for row in table.get_all::<Message>(&keys).await? {
            if let Some(dossier) = self.holding(table, firm, &row.value).await? {
                return Ok(Some(dossier));
            }
        }
        Ok(None)
    }
}
