//! Firms, with their API keys, members, marks, feed and audit trail; uses `base`, `aws`, `graph` and `problem`.

pub mod audit;
pub mod feed;
pub mod idempotency;
pub mod marks;
pub mod member;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{
        id::{FirmId, KeyId},
        language::Language,
        random::Random,
    },
    firm::{audit::Entry, marks::Marks},
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

impl Firm {
    /// The firm, if there is one.
    pub async fn find(table: &Table, id: FirmId) -> Result<Option<Self>, TableError> {
        Ok(table.get(&Key::firm(id)).await?.map(|row| row.value))
    }

    /// The marks that its mail gets in Outlook.
    pub fn marks(&self) -> Marks {
        self.marks.clone().unwrap_or_else(|| Marks::of(self.language))
    }

    /// Marks mail with `marks` from now on.
    pub async fn mark_with(table: &Table, id: FirmId, marks: Marks) -> Result<Option<Marks>, TableError> {
        let Some(mut row) = table.get::<Self>(&Key::firm(id)).await? else { return Ok(None) };
        let marks = marks.instead_of(row.value.marks());
        row.value.marks = Some(marks.clone());
        table.write(Write::replace(&row)).await?;
        Ok(Some(marks))
    }

    /// Stores a new firm, and who made it.
    pub async fn insert(&self, table: &Table, made: &Entry) -> Result<(), TableError> {
        let made = made.next(table, self.id).await?;
        table.transact(vec![Write::insert(Key::firm(self.id), self), made]).await
    }
}

/// An API key of a firm. Its text names the firm and the key and holds 32 random bytes; only their digest is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// What it is for, in the firm's own words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    digest: String,
}

const KEY_PREFIX: &str = "greffe";

impl ApiKey {
    /// Makes and stores a key. Its text is told this once: `greffe_{firm}_{key}_{43 characters}`.
    pub async fn create(
        table: &Table,
        random: &Random,
        firm: FirmId,
        name: String,
        now: Timestamp,
    ) -> Result<(Self, SecretString), TableError> {
        let (id, secret) = (KeyId::draw(random), random.token());
        let key = Self { id, name, created_at: now, digest: digest(&secret) };
        table.write(Write::insert(Key::api_key(firm, id), &key)).await?;
        Ok((key, format!("{KEY_PREFIX}_{firm}_{id}_{secret}").into()))
    }

    /// The firm that the text of a key speaks for, and the key; none if it is no valid key. The compare takes constant time.
    pub async fn read(table: &Table, text: &str) -> Result<Option<(FirmId, KeyId)>, TableError> {
        let mut parts = text.splitn(4, '_');
        let (Some(KEY_PREFIX), Some(firm), Some(id), Some(secret)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        let (Ok(firm), Ok(id)) = (firm.parse(), id.parse()) else { return Ok(None) };
        let Some(row) = table.get::<Self>(&Key::api_key(firm, id)).await? else { return Ok(None) };
        let same: bool = row.value.digest.as_bytes().ct_eq(digest(secret).as_bytes()).into();
        Ok(same.then_some((firm, id)))
    }

    /// The firm's keys.
    pub async fn list(table: &Table, firm: FirmId) -> Result<Vec<Self>, TableError> {
        let rows = table.query_all::<Self>(&Key::api_key_prefix(firm)).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// Revokes a key: from this moment on it opens nothing. False if there is none.
    pub async fn revoke(table: &Table, firm: FirmId, id: KeyId) -> Result<bool, TableError> {
        let Some(row) = table.get::<Self>(&Key::api_key(firm, id)).await? else { return Ok(false) };
        table.write(Write::remove(&row)).await.map(|()| true)
    }
}

fn digest(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}
