//! Firms, with their API keys, members, console users, marks, feed and audit trail; uses `base`, `aws`, `graph` and
//! `problem`.

pub mod api_key;
pub mod audit;
pub mod console_pass;
pub mod console_session;
pub mod external_id;
pub mod fact;
pub mod feed;
pub mod idempotency;
pub mod index_due;
pub mod joint_feed;
pub mod log_due;
pub mod marks;
pub mod member;
pub mod retention;
pub mod user;
pub mod waiting_calls;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::{
        id::{ExternalId, FirmId},
        language::Language,
    },
    firm::{
        audit::AuditEntry,
        external_id::ExternalIdOwner,
        index_due::IndexDue,
        log_due::LogDue,
        marks::Marks,
        retention::{KeptUntil, Retention},
    },
};

/// A firm: one customer, whose data no other firm ever sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firm {
    /// Its id.
    pub id: FirmId,
    /// Its name.
    pub name: String,
    /// Its own mail domains, in lower case.
    pub domains: Vec<String>,
    /// The language of its people.
    pub language: Language,
    /// Its time zone, an IANA name.
    pub time_zone: String,
    /// Its marks in Outlook; none for those of its language.
    #[serde(default)]
    pub marks: Option<Marks>,
    /// Whether later mails of a conversation that was filed are filed too.
    #[serde(default)]
    pub replies_follow: bool,
    /// Who had mail filed by its contacts: see [`proposal`](crate::push::proposal). None if it is only proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_by_contact: Option<String>,
    /// How long its mail is kept; none if it never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// The operator's own id of it, if it was given one.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted, if it was: it has no access to anything since. What was archived is kept.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

/// That there is a firm: what all firms are listed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFirm {
    /// Its id.
    pub id: FirmId,
}

impl ListedFirm {
    /// Lists a firm that 0.1.0 made, when it is met.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn add_missing(table: &Table, id: FirmId) -> Result<(), TableError> {
        let key = Key::listed_firm(id);
        if table.get::<Self>(&key).await?.is_some() {
            return Ok(());
        }
        match table.write(Write::insert(key, &Self { id })).await {
            Err(TableError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }
}

impl Firm {
    /// The firm, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, id: FirmId) -> Result<Option<Self>, TableError> {
        Ok(Self::row(table, id).await?.map(|row| row.value))
    }

    /// Finds a firm with its version, to change it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn row(table: &Table, id: FirmId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::firm(id)).await
    }

    /// Speaks another language from now on. Marks that were named in the language before follow; those are known still.
    pub fn set_language(&mut self, language: Language) {
        let before = self.marks();
        if before.are_of(self.language) && language != self.language {
            self.marks = Some(Marks::of(language).instead_of(before));
        }
        self.language = language;
    }

    /// Until when a mail of a dossier of that class, or of none, is kept. Without periods, that is for ever.
    pub fn kept_until(&self, class: Option<&str>, received_at: Timestamp, archived_at: Timestamp) -> KeptUntil {
        self.retention.as_ref().map_or(KeptUntil::Ever, |periods| periods.kept_until(class, received_at, archived_at))
    }

    /// The marks that its mail gets in Outlook.
    pub fn marks(&self) -> Marks {
        self.marks.clone().unwrap_or_else(|| Marks::of(self.language))
    }

    /// Marks mail with `marks` from now on.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn mark_with(mut row: Row<Self>, table: &Table, marks: Marks) -> Result<Marks, TableError> {
        let marks = marks.instead_of(row.value.marks());
        row.value.marks = Some(marks.clone());
        table.write(Write::replace(&row)).await?;
        Ok(marks)
    }

    /// Stores `row`, whose external id was `before`.
    ///
    /// Errors: `Conflict` if another wrote first, or another firm has the external id; the table refuses or does not
    /// answer.
    pub async fn replace(row: &Row<Self>, before: Option<&ExternalId>, table: &Table) -> Result<(), TableError> {
        let named = ExternalIdOwner::Firm.change(None, (before, row.value.external_id.as_ref()), row.value.id);
        table.transact([Write::replace(row)].into_iter().chain(named).collect()).await
    }

    /// Stores a new firm, and who made it.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn insert(&self, table: &Table, made: &AuditEntry) -> Result<(), TableError> {
        let made = made.next(table, self.id).await?;
        let (log, index) = (LogDue::first(self.id, self.created_at), IndexDue::first(self.id, self.created_at));
        let listed = Write::insert(Key::listed_firm(self.id), &ListedFirm { id: self.id });
        let named = ExternalIdOwner::Firm.give(None, self.external_id.as_ref(), self.id);
        let writes = [Write::insert(Key::firm(self.id), self), listed, made, log, index];
        table.transact(writes.into_iter().chain(named).collect()).await
    }
}
