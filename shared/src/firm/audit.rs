//! The audit trail of a firm: who did what, when, from where, and what came of it.
//!
//! A change by the API is noted before it is tried and completed afterwards: no change can be made without its entry. One whose
//! function died in between has no outcome. A sign-in is noted in the transaction that makes it true.

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Page, Row, Table, TableError, Write},
    base::id::{FirmId, KeyId},
};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// Whoever runs greffe.
    Operator,
    /// Whoever holds this key of the firm.
    Key {
        /// Its id.
        #[schema(value_type = String, format = "uuid")]
        id: KeyId,
    },
    /// Somebody in a browser, of whom Microsoft told nothing.
    Visitor,
    /// Whoever signed in at Microsoft.
    Account {
        /// Their address.
        address: String,
    },
}

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// Who.
    pub who: Actor,
    /// What: the method and the route, as in the description of the API.
    pub action: String,
    /// On what: the path that was called.
    pub path: String,
    /// From where: the address that the request came from, if it is known.
    pub from: Option<String>,
    /// The request's id, as its answer and the log have it.
    pub request: String,
    /// What came of it: the HTTP status. Null if nobody knows, because greffe was interrupted.
    pub outcome: Option<u16>,
}

impl Entry {
    /// Where the entry lies.
    pub fn key(&self, firm: FirmId) -> Key {
        Key::audit(firm, self.at, &self.request)
    }

    /// The write that adds it.
    pub fn insert(&self, firm: FirmId) -> Write {
        Write::insert(self.key(firm), self)
    }

    /// Notes what came of a deed that was [inserted](Self::insert).
    pub async fn complete(mut self, table: &Table, firm: FirmId, outcome: u16) -> Result<(), TableError> {
        self.outcome = Some(outcome);
        table.write(Write::replace(&Row::inserted(self.key(firm), self))).await
    }

    /// The firm's entries, oldest first, after the one that `after` names.
    pub async fn list(
        table: &Table,
        firm: FirmId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Self>, TableError> {
        let after = after.map(|cursor| Key::audit_after(firm, cursor));
        table.query(&Key::audit_prefix(firm), after.as_ref(), limit).await
    }
}

/// The address that a request came from. API Gateway and the function URL write it behind whatever the caller claimed.
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html>
pub fn source_ip(headers: &HeaderMap) -> Option<String> {
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = forwarded.rsplit(',').next()?.trim();
    last.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_request_came_from_is_what_the_gateway_wrote_not_what_the_caller_claims() {
        let of = |text: &str| {
            source_ip(&HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), text.parse().unwrap())]))
        };
        assert_eq!(of("203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(of("10.0.0.1, 203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(of("2001:db8::7").as_deref(), Some("2001:db8::7"));
        assert_eq!(of("<script>"), None);
        assert_eq!(source_ip(&HeaderMap::new()), None);
    }
}
