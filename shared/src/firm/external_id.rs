//! External ids of the caller's own: what was created with one is not created a second time.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::id::{ExternalId, FirmId},
};

/// What can have an external id. Two of one kind never share one; the ids of firms and of the operator's webhooks are
/// unique among those, others within their firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdOwner {
    /// A firm.
    Firm,
    /// A connector.
    Connector,
    /// A mailbox.
    Mailbox,
    /// A member.
    Member,
    /// A webhook.
    Webhook,
    /// An API key.
    Key,
}

/// What has an external id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ExternalIdHolder {
    id: String,
}

impl ExternalIdOwner {
    fn key(self, firm: Option<FirmId>, external: &ExternalId) -> Key {
        let noun = match self {
            Self::Firm => "firm",
            Self::Connector => "connector",
            Self::Mailbox => "mailbox",
            Self::Member => "member",
            Self::Webhook => "webhook",
            Self::Key => "key",
        };
        Key::named(firm, noun, external)
    }

    /// What has this external id, if anything does. `firm`: none for firms themselves and what is the operator's.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find<T: FromStr>(
        self,
        table: &Table,
        firm: Option<FirmId>,
        external: &ExternalId,
    ) -> Result<Option<T>, TableError> {
        let bearer = table.get::<ExternalIdHolder>(&self.key(firm, external)).await?;
        Ok(bearer.and_then(|row| row.value.id.parse().ok()))
    }

    /// What has this external id, as it is stored under the `key` of its id; none without an external id.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn existing<I: FromStr, T: DeserializeOwned>(
        self,
        table: &Table,
        firm: Option<FirmId>,
        external: Option<&ExternalId>,
        key: impl FnOnce(I) -> Key,
    ) -> Result<Option<T>, TableError> {
        let Some(external) = external else { return Ok(None) };
        let Some(id) = self.find(table, firm, external).await? else { return Ok(None) };
        Ok(table.get(&key(id)).await?.map(|row| row.value))
    }

    /// The write that gives an external id to what is created; it conflicts where another has it.
    pub fn give(self, firm: Option<FirmId>, external: Option<&ExternalId>, id: impl Display) -> Option<Write> {
        let bearer = ExternalIdHolder { id: id.to_string() };
        external.map(|external| Write::insert(self.key(firm, external), &bearer))
    }

    /// The writes by which `id` has the external id `after` instead of `before`; they conflict where another has it.
    pub fn change(
        self,
        firm: Option<FirmId>,
        (before, after): (Option<&ExternalId>, Option<&ExternalId>),
        id: impl Display,
    ) -> impl Iterator<Item = Write> {
        let differs = before != after;
        let free = self.release(firm, before.filter(|_| differs));
        free.into_iter().chain(self.give(firm, after.filter(|_| differs), id))
    }

    /// Whether a write failed because another has this external id.
    pub fn is_taken(self, firm: Option<FirmId>, external: Option<&ExternalId>, error: &TableError) -> bool {
        external.is_some_and(|external| error.is_about(&self.key(firm, external)))
    }

    /// The write by which another can have the external id of what is deleted.
    pub fn release(self, firm: Option<FirmId>, external: Option<&ExternalId>) -> Option<Write> {
        external.map(|external| Write::discard(self.key(firm, external)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_gave_an_external_id_to_is_read() {
        let bearer: ExternalIdHolder = crate::aws::table::frozen("named");
        assert_eq!(bearer.id, "1d3f90f6-fac8-4fdb-ae07-de25533902e9");
    }
}
