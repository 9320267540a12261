//! The API keys of a firm: what each may do, until when, and when it was used last.

use std::{collections::BTreeSet, fmt};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::{
        id::{ExternalId, FirmId, KeyId},
        random::Random,
    },
    firm::external_id::ExternalIdOwner,
};

/// Most keys of one firm, those that have ended included.
pub const KEYS_MAX: usize = 50;

/// A right of an API key. Each operation needs one right, or the operator's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyRight {
    /// Read all that the firm has, mail included.
    Read,
    /// File mail to dossiers.
    File,
    /// Write members, dates and contacts, which go to members' Outlook.
    Push,
    /// Set up connectors, mailboxes, rules and the firm, make and revoke keys, read the audit trail.
    Manage,
}

impl KeyRight {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::File, Self::Push, Self::Manage];
}

impl fmt::Display for KeyRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::File => "file",
            Self::Push => "push",
            Self::Manage => "manage",
        })
    }
}

/// What a key gives: what may be done with it, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScope {
    /// What may be done.
    pub rights: BTreeSet<KeyRight>,
    /// When it ends; none if it has no end.
    pub ends_at: Option<Timestamp>,
}

/// Why a key may not be made with what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyScopeError {
    /// The key that makes it lacks the right.
    #[error("the key that creates it lacks the right {0}")]
    Right(KeyRight),
    /// The key that makes it ends before.
    #[error("it is later than the end of the key that makes it")]
    End,
}

impl KeyScope {
    /// All rights, without an end: what the operator may give.
    pub fn unlimited() -> Self {
        Self { rights: KeyRight::ALL.into(), ends_at: None }
    }

    /// What a key that is made with this one gives: what is asked for, and this one's where nothing is. Never more than
    /// this one.
    ///
    /// Errors: a right that this one lacks, or a later end.
    pub fn narrowed(
        &self,
        rights: Option<BTreeSet<KeyRight>>,
        ends_at: Option<Timestamp>,
    ) -> Result<Self, KeyScopeError> {
        let rights = rights.unwrap_or_else(|| self.rights.clone());
        if let Some(lacking) = rights.difference(&self.rights).next() {
            return Err(KeyScopeError::Right(*lacking));
        }
        let ends_at = ends_at.or(self.ends_at);
        match (ends_at, self.ends_at) {
            (Some(new), Some(own)) if new > own => Err(KeyScopeError::End),
            _ => Ok(Self { rights, ends_at }),
        }
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
    /// What it may do. Keys of versions that had no rights may do everything.
    #[serde(default = "all_rights")]
    pub rights: BTreeSet<KeyRight>,
    /// When it ends; none if it has no end.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// The minute in which it was used last; none if it never was.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    /// What the business application calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    digest: String,
}

fn all_rights() -> BTreeSet<KeyRight> {
    KeyRight::ALL.into()
}

/// How many keys a firm ever made: what two that are made at the same time conflict on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct KeyCount {
    made: u64,
}

/// A key that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The firm has [`KEYS_MAX`].
    #[error("a firm has at most {KEYS_MAX} keys")]
    TooMany,
    /// The table did not take it.
    #[error(transparent)]
    Table(#[from] TableError),
}

const KEY_PREFIX: &str = "greffe";

impl ApiKey {
    /// Makes and stores a key. Its text is shown this once: `greffe_{firm}_{key}_{43 characters}`.
    ///
    /// Errors: the firm has [`KEYS_MAX`] keys; `Conflict` if another has this external id; the table.
    pub async fn create(
        (table, random): (&Table, &Random),
        firm: FirmId,
        (name, external_id): (String, Option<ExternalId>),
        grant: KeyScope,
        now: Timestamp,
    ) -> Result<(Self, SecretString), NewKeyError> {
        let (id, secret) = (KeyId::draw(random), random.token());
        let KeyScope { rights, ends_at } = grant;
        let digest = digest(&secret);
        let key = Self { id, name, created_at: now, rights, ends_at, last_used_at: None, external_id, digest };
        let external_id = key.external_id.as_ref();
        let mut tries = table.tries();
        loop {
            let place = Key::api_key_count(firm);
            let count = table.get::<KeyCount>(&place).await?;
            if Self::list(table, firm).await?.len() >= KEYS_MAX {
                return Err(NewKeyError::TooMany);
            }
            // Of two keys that are made at the same time one conflicts here, and is counted again.
            let counted = match count {
                Some(mut row) => {
                    row.value.made += 1;
                    Write::replace(&row)
                }
                None => Write::insert(place, &KeyCount { made: 1 }),
            };
            let named = ExternalIdOwner::Key.give(Some(firm), external_id, id);
            let writes = [counted, Write::insert(Key::api_key(firm, id), &key)].into_iter().chain(named);
            match table.transact(writes.collect()).await {
                Err(error)
                    if !ExternalIdOwner::Key.is_taken(Some(firm), external_id, &error) && tries.again(&error).await => {
                }
                made => {
                    made?;
                    return Ok((key, format!("{KEY_PREFIX}_{firm}_{id}_{secret}").into()));
                }
            }
        }
    }

    /// The firm that the text of a key speaks for, and the key, which may have ended; none if it is no valid key. The
    /// compare takes constant time.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn read(table: &Table, text: &str) -> Result<Option<(FirmId, Row<Self>)>, TableError> {
        let mut parts = text.splitn(4, '_');
        let (Some(KEY_PREFIX), Some(firm), Some(id), Some(secret)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        let (Ok(firm), Ok(id)) = (firm.parse(), id.parse()) else { return Ok(None) };
        let Some(row) = table.get::<Self>(&Key::api_key(firm, id)).await? else { return Ok(None) };
        let same: bool = row.value.digest.as_bytes().ct_eq(digest(secret).as_bytes()).into();
        Ok(same.then_some((firm, row)))
    }

    /// Whether it has ended by `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// What it gives.
    pub fn grant(&self) -> KeyScope {
        KeyScope { rights: self.rights.clone(), ends_at: self.ends_at }
    }

    /// Notes that it was used at `now`, to the minute: at most one write a minute, whatever number of processes there
    /// are. A key that was revoked in the meantime stays revoked.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn used(table: &Table, mut row: Row<Self>, now: Timestamp) -> Result<(), TableError> {
        let minute = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc);
        let minute = now.round(minute).unwrap_or(now);
        if row.value.last_used_at.is_some_and(|last| last >= minute) {
            return Ok(());
        }
        row.value.last_used_at = Some(minute);
        match table.write(Write::replace(&row)).await {
            // Another process noted it, or it was revoked.
            Err(TableError::Conflict { .. }) => Ok(()),
            noted => noted,
        }
    }

    /// The firm's keys.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn list(table: &Table, firm: FirmId) -> Result<Vec<Self>, TableError> {
        let rows = table.query_all::<Self>(&Key::api_key_prefix(firm)).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// Revokes a key: from this moment on it opens nothing. False if there is none.
    ///
    /// Errors: `Conflict` if others wrote first at each try; the table refuses or does not answer.
    pub async fn revoke(table: &Table, firm: FirmId, id: KeyId) -> Result<bool, TableError> {
        let mut tries = table.tries();
        loop {
            let Some(row) = table.get::<Self>(&Key::api_key(firm, id)).await? else { return Ok(false) };
            let named = ExternalIdOwner::Key.release(Some(firm), row.value.external_id.as_ref());
            match table.transact([Write::remove(&row)].into_iter().chain(named).collect()).await {
                // A call that notes its use at the same time does not keep the key alive.
                Err(error) if tries.again(&error).await => {}
                revoked => return revoked.map(|()| true),
            }
        }
    }
}

fn digest(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_with_nothing_that_the_one_that_makes_it_lacks() {
        let end: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let (before, after) = ("2026-02-01T00:00:00Z".parse().unwrap(), "2026-04-01T00:00:00Z".parse().unwrap());
        let rights = |rights: &[KeyRight]| Some(rights.iter().copied().collect::<BTreeSet<_>>());
        let own = KeyScope { rights: [KeyRight::Read, KeyRight::Manage].into(), ends_at: Some(end) };
        assert_eq!(own.narrowed(None, None), Ok(own.clone()));
        assert_eq!(own.narrowed(rights(&[KeyRight::Read]), Some(before)).unwrap().ends_at, Some(before));
        let pushing = own.narrowed(rights(&[KeyRight::Read, KeyRight::Push]), None);
        assert_eq!(pushing, Err(KeyScopeError::Right(KeyRight::Push)));
        assert_eq!(own.narrowed(None, Some(after)), Err(KeyScopeError::End));
        assert_eq!(KeyScope::unlimited().narrowed(None, Some(after)).unwrap().ends_at, Some(after));
    }

    #[test]
    fn a_key_that_was_stored_without_rights_keeps_all_of_them() {
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        let stored =
            serde_json::json!({ "id": id, "name": "dms", "created_at": "2026-01-01T00:00:00Z", "digest": "x" });
        let key: ApiKey = serde_json::from_value(stored).unwrap();
        assert_eq!(key.grant(), KeyScope::unlimited());
        assert!(!key.has_ended(Timestamp::MAX));
    }

    #[test]
    fn a_count_of_keys_that_an_older_version_wrote_is_read() {
        let count: KeyCount = crate::aws::table::frozen("key-count");
        assert_eq!(count.made, 51);
    }
}
