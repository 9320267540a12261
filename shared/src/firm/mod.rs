//! Firms, with their API keys, members, marks, feed and audit trail; uses `base`, `aws`, `graph` and `problem`.

pub mod audit;
pub mod feed;
pub mod idempotency;
pub mod index_due;
pub mod joint;
pub mod key;
pub mod log_due;
pub mod marks;
pub mod member;
pub mod waiting;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{id::FirmId, language::Language},
    firm::{audit::AuditEntry, index_due::IndexDue, log_due::LogDue, marks::Marks},
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
    /// When it was made.
    pub created_at: Timestamp,
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
    pub async fn adopt(table: &Table, id: FirmId) -> Result<(), TableError> {
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
        Ok(table.get(&Key::firm(id)).await?.map(|row| row.value))
    }

    /// The marks that its mail gets in Outlook.
    pub fn marks(&self) -> Marks {
        self.marks.clone().unwrap_or_else(|| Marks::of(self.language))
    }

    /// Marks mail with `marks` from now on.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn mark_with(table: &Table, id: FirmId, marks: Marks) -> Result<Option<Marks>, TableError> {
        let Some(mut row) = table.get::<Self>(&Key::firm(id)).await? else { return Ok(None) };
        let marks = marks.instead_of(row.value.marks());
        row.value.marks = Some(marks.clone());
        table.write(Write::replace(&row)).await?;
        Ok(Some(marks))
    }

    /// Stores a new firm, and who made it.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn insert(&self, table: &Table, made: &AuditEntry) -> Result<(), TableError> {
        let made = made.next(table, self.id).await?;
        let (log, index) = (LogDue::first(self.id, self.created_at), IndexDue::first(self.id, self.created_at));
        let listed = Write::insert(Key::listed_firm(self.id), &ListedFirm { id: self.id });
        table.transact(vec![Write::insert(Key::firm(self.id), self), listed, made, log, index]).await
    }
}
