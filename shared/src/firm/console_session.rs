//! The browsers in which somebody is signed in to the console.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{digest::digest_of, id::UserId, random::Random},
};

/// A session ends after this time without a request.
pub const SESSION_IDLE: Duration = Duration::from_secs(8 * 3600);
/// A session ends after this time, whatever is done in it.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// The operator's session ends after this time.
pub const OPERATOR_SESSION: Duration = Duration::from_secs(3600);
/// How exactly the last request of a session is stored: one write in this time.
const SESSION_STEP: Duration = Duration::from_secs(300);

/// A browser in which somebody signed in. Its cookie holds 32 random bytes, of which only the digest is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    /// Who signed in; none for the operator, who came by a link.
    pub user: Option<UserId>,
    /// For display only.
    pub address: String,
    /// When it ends, whatever is done in it.
    pub ends_at: Timestamp,
    /// Until when it lasts without a request, in seconds since 1970: for DynamoDB's TTL.
    pub expires_at: i64,
}

impl ConsoleSession {
    /// Begins one. The text is for the cookie.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn begin(
        (table, random): (&Table, &Random),
        user: Option<UserId>,
        address: String,
        now: Timestamp,
    ) -> Result<SecretString, TableError> {
        let cookie = random.token();
        let ends_at = now + if user.is_some() { SESSION_LIFETIME } else { OPERATOR_SESSION };
        let expires_at = (now + SESSION_IDLE).min(ends_at).as_second();
        let session = Self { user, address, ends_at, expires_at };
        table.write(Write::insert(Key::session(&digest_of(&cookie)), &session)).await?;
        Ok(cookie.into())
    }

    /// The session of that cookie, if it lasts; each request makes it last longer.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, cookie: &SecretString, now: Timestamp) -> Result<Option<Self>, TableError> {
        let Some(mut row) = table.get::<Self>(&Key::session(&digest_of(cookie.expose_secret()))).await? else {
            return Ok(None);
        };
        if row.value.expires_at <= now.as_second() {
            return Ok(None);
        }
        let until = (now + SESSION_IDLE).min(row.value.ends_at).as_second();
        if until >= row.value.expires_at.saturating_add_unsigned(SESSION_STEP.as_secs()) {
            row.value.expires_at = until;
            match table.write(Write::replace(&row)).await {
                // Another request made it last longer, or ended it: the next one sees which.
                Ok(()) | Err(TableError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(row.value))
    }

    /// Ends it.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn end(table: &Table, cookie: &SecretString) -> Result<(), TableError> {
        table.write(Write::discard(Key::session(&digest_of(cookie.expose_secret())))).await
    }
}

/// What a form must send back: it follows from the cookie, which no other site can read.
pub fn form_token(cookie: &SecretString) -> String {
    digest_of(&format!("form {}", cookie.expose_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn what_a_form_sends_back_shows_neither_the_cookie_nor_its_stored_digest() {
        let cookie = SecretString::from("a-cookie");
        assert_ne!(form_token(&cookie), digest_of("a-cookie"));
        assert_ne!(form_token(&cookie), form_token(&"another".to_owned().into()));
    }

    #[test]
    fn a_session_is_read_as_it_was_stored() {
        let session: ConsoleSession = frozen("session");
        assert!(session.user.is_some() && session.expires_at > 0);
    }
}
