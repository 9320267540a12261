//! The people who may enter the console, and the role of each in each firm.
//!
//! A person is known by tenant id and object id, never by an address. The role lies with the firm; beside it, a list
//! of firms lies with the person. Both are written in one transaction.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, UserId},
    firm::api_key::KeyRight,
};

/// Most firms that one person may enter.
pub const FIRMS_MAX: usize = 200;
/// What a person may do in a firm. Each role includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Reads all that the firm has, mail included.
    Reader,
    /// Reads, and files mail to dossiers.
    Clerk,
    /// Does everything that a key with all rights does.
    Administrator,
}

impl UserRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Clerk, Self::Reader];

    /// The rights that it has.
    pub fn rights(self) -> BTreeSet<KeyRight> {
        match self {
            Self::Reader => [KeyRight::Read].into(),
            Self::Clerk => [KeyRight::Read, KeyRight::File].into(),
            Self::Administrator => KeyRight::ALL.into(),
        }
    }

    /// Its name, as in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Clerk => "clerk",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for UserRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for UserRole {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or("administrator, clerk or reader belongs here")
    }
}

/// A person who may enter a firm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleUser {
    /// Who it is.
    pub id: UserId,
    /// What they may do.
    pub role: UserRole,
    /// For display only: the address at the last invitation.
    pub address: String,
    /// When they were let in.
    pub since: Timestamp,
}

/// Why a person keeps their role.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// It is the firm's last administrator.
    #[error("this is the firm's last administrator")]
    LastAdministrator,
    /// The table refuses or does not answer.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The firms that a person may enter. The role in a firm, which lies with the firm, decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFirms {
    /// The firms.
    pub firms: BTreeSet<FirmId>,
}

impl ConsoleUser {
    /// The person in that firm, if they may enter it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: UserId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::user(firm, id)).await
    }

    /// All who may enter the firm.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn list(table: &Table, firm: FirmId) -> Result<Vec<Self>, TableError> {
        let rows = table.query_all::<Self>(&Key::user_prefix(firm)).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// The writes by which the person may enter `firm` from now on. An administrator who is invited as a reader stays
    /// administrator.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn admit(&self, table: &Table, firm: FirmId) -> Result<Vec<Write>, TableError> {
        let of_firm = match Self::find(table, firm, self.id).await? {
            Some(row) => {
                let role = row.value.role.max(self.role);
                let user = Self { role, address: self.address.clone(), ..row.value.clone() };
                Write::replace(&row.with(user))
            }
            None => Write::insert(Key::user(firm, self.id), self),
        };
        let of_user = match table.get::<UserFirms>(&Key::user_firms(self.id)).await? {
            Some(mut row) => {
                row.value.firms.insert(firm);
                Write::replace(&row)
            }
            None => Write::insert(Key::user_firms(self.id), &UserFirms { firms: [firm].into() }),
        };
        Ok(vec![of_firm, of_user])
    }

    /// Gives another role. `may_be_last`: whether the firm may be left without an administrator.
    ///
    /// Errors: it is the last administrator; `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn change(
        table: &Table,
        (firm, row): (FirmId, Row<Self>),
        role: UserRole,
        may_be_last: bool,
    ) -> Result<Self, UserError> {
        let id = row.value.id;
        let user = Self { role, ..row.value.clone() };
        let mut writes = Vec::new();
        if row.value.role == UserRole::Administrator && role != UserRole::Administrator && !may_be_last {
            writes.push(Self::stays(table, firm, id).await?);
        }
        writes.push(Write::replace(&row.with(user.clone())));
        table.transact(writes).await?;
        Ok(user)
    }

    /// Lets the person in no more: their next request is refused. `may_be_last` as in [`ConsoleUser::change`].
    ///
    /// Errors: as [`ConsoleUser::change`].
    pub async fn dismiss(table: &Table, firm: FirmId, row: Row<Self>, may_be_last: bool) -> Result<(), UserError> {
        let id = row.value.id;
        let mut writes = Vec::new();
        if row.value.role == UserRole::Administrator && !may_be_last {
            writes.push(Self::stays(table, firm, id).await?);
        }
        // The list of the person's firms is corrected when they come: it decides nothing.
        writes.push(Write::remove(&row));
        Ok(table.transact(writes).await?)
    }

    /// The write that holds another administrator to the role: of two who are removed at the same time, one stays.
    async fn stays(table: &Table, firm: FirmId, leaves: UserId) -> Result<Write, UserError> {
        let rows = table.query_all::<Self>(&Key::user_prefix(firm)).await?;
        let mut others = rows.into_iter().filter(|row| row.value.id != leaves);
        let stays = others.find(|row| row.value.role == UserRole::Administrator).ok_or(UserError::LastAdministrator)?;
        Ok(Write::replace(&stays))
    }

    /// The firms that the person may enter, with their role in each, at most [`FIRMS_MAX`].
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn firms(table: &Table, id: UserId) -> Result<Vec<(FirmId, UserRole)>, TableError> {
        let listed = table.get::<UserFirms>(&Key::user_firms(id)).await?.map(|row| row.value.firms).unwrap_or_default();
        let mut firms = Vec::new();
        for firm in listed.into_iter().take(FIRMS_MAX) {
            firms.extend(Self::find(table, firm, id).await?.map(|row| (firm, row.value.role)));
        }
        Ok(firms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn each_role_may_what_the_one_before_may() {
        let [all, clerk, reader] = UserRole::ALL.map(UserRole::rights);
        assert!(reader.is_subset(&clerk) && clerk.is_subset(&all));
        assert!(!reader.contains(&KeyRight::File) && !clerk.contains(&KeyRight::Manage));
        for role in UserRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
    }

    #[test]
    fn a_person_is_read_as_it_was_stored() {
        let user: ConsoleUser = frozen("user");
        assert_eq!(user.role, UserRole::Administrator);
        let listed: UserFirms = frozen("user-firms");
        assert_eq!(listed.firms.len(), 1);
    }
}
