//! The audit trail of a firm: who did what, when, from where, and what came of it.
//!
//! An entry is written before the deed: nothing is changed, and no mail is given out, without one. What came of the
//! deed is a second entry, with the same request id; if the function died in between there is none. A sign-in is one
//! entry, in the transaction that makes it true.
//!
//! The entries of a firm are numbered from 1 without a gap, and each carries the digest of the one before. No function
//! may update or delete one (template.yaml), but a put could still replace one; then the next entry's digest does not
//! fit, and [`list`] says where. Adding an entry costs one read of the last one and one conditional write of the next
//! number: of two that come at the same time one loses, and tries again.

use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, KeyId, UserId},
};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The operator of greffe.
    Operator,
    /// A program that used this API key of the firm.
    Key {
        /// Its id.
        #[schema(value_type = String, format = "uuid")]
        id: KeyId,
    },
    /// A person who signed in to the console.
    User {
        /// Who it is.
        #[schema(value_type = String, format = "uuid")]
        id: UserId,
        /// Their address.
        address: String,
    },
    /// An unknown person in a browser: Microsoft gave no account.
    Visitor,
    /// The person who signed in at Microsoft.
    Account {
        /// Their address.
        address: String,
    },
}

/// An operation that starts, or its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// The time.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// Who acted.
    pub who: Actor,
    /// The method and the route, as in this API description.
    pub action: String,
    /// The path of the request. Where a mail was read, with the parameters `images` and `within`.
    pub path: String,
    /// The IP address that sent the request, if it is known.
    pub from: Option<String>,
    /// The id of the request, as in the response header `x-request-id` and in the log.
    pub request: String,
    /// The HTTP status. Null before the operation: a later entry with the same `request` has the status. If there is no
    /// later entry, greffe was interrupted.
    pub outcome: Option<u16>,
}

/// An entry as it is stored. A new field must be omitted where it has no value, because the digests of older entries
/// would change otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLink {
    /// The entry.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// The place in the firm's chain, from 1 on. Null in entries of versions that had no chain; they come first.
    #[serde(default)]
    pub number: Option<u64>,
    /// The digest of the entry before; null in the first.
    #[serde(default)]
    pub before: Option<String>,
}

/// Entries in order.
#[derive(Debug)]
pub struct TrailPage {
    /// The entries, and where each lies.
    pub links: Vec<(Key, AuditLink)>,
    /// The key to go on after, if there may be more.
    pub next: Option<Key>,
    /// The number of the first entry of the page that does not follow from the one before it: that one was changed, or
    /// is missing. None if the chain is whole.
    pub broken_at: Option<u64>,
}

impl AuditLink {
    /// SHA-256 of the whole link as JSON, 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        // Plain fields and no map: this is always the same text.
        let text = serde_json::to_vec(self).expect("a link is JSON");
        hex::encode(Sha256::digest(text))
    }

    /// The one that follows `last`, with this entry.
    fn after(last: Option<&Self>, entry: AuditEntry) -> Self {
        // Entries without a number are not part of the chain: their outcome may still be written into them.
        let last = last.and_then(|last| Some((last.number?, last.digest())));
        match last {
            Some((number, digest)) => Self { entry, number: Some(number + 1), before: Some(digest) },
            None => Self { entry, number: Some(1), before: None },
        }
    }

    /// Whether this is what followed `last`.
    fn follows(&self, last: Option<&Self>) -> bool {
        *self == Self::after(last, self.entry.clone())
    }
}

/// The number of the first of `links` that does not follow from the one before it; `last` came before the first.
pub fn broken_at<'a>(mut last: Option<&'a AuditLink>, links: impl IntoIterator<Item = &'a AuditLink>) -> Option<u64> {
    for link in links {
        if let Some(number) = link.number
            && !link.follows(last)
        {
            return Some(number);
        }
        last = Some(link);
    }
    None
}

impl AuditEntry {
    /// The write that adds the entry behind the last one, for a transaction.
    /// Errors: the write itself fails with [`TableError::Conflict`] if another entry was added meanwhile: make it anew.
    pub async fn next(&self, table: &Table, firm: FirmId) -> Result<Write, TableError> {
        let last = table.last::<AuditLink>(&Key::audit_prefix(firm)).await?;
        Ok(insert(firm, &AuditLink::after(last.as_ref().map(|row| &row.value), self.clone())))
    }

    /// Adds the entry behind the last one.
    ///
    /// The digest goes into the function's log, which no function can change either: with it, a chain that was written
    /// anew from some entry to its end can be told from the one that was.
    /// Errors: [`TableError::Conflict`] if others were faster sixteen times.
    pub async fn append(&self, table: &Table, firm: FirmId) -> Result<(), TableError> {
        let mut tries = table.tries();
        loop {
            let last = table.last::<AuditLink>(&Key::audit_prefix(firm)).await?.map(|row| row.value);
            // A write whose answer was lost, and that the SDK sent again, fails by its own success.
            if !tries.is_first() && last.as_ref().is_some_and(|last| last.entry == *self) {
                return Ok(());
            }
            let link = AuditLink::after(last.as_ref(), self.clone());
            match table.write(insert(firm, &link)).await {
                Ok(()) => {
                    let digest = link.digest();
                    tracing::info!(firm.id = %firm, audit.number = link.number, audit.digest = digest, "noted");
                    return Ok(());
                }
                Err(error) if tries.again(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn insert(firm: FirmId, link: &AuditLink) -> Write {
    Write::insert(Key::audit(firm, link.number.unwrap_or_default()), link)
}

/// The firm's entries, oldest first, after the one at `after`, and whether they are as they were written.
///
/// A page is checked against the entry before it, so the whole trail is checked by reading all pages.
///
/// Errors: the table refuses or does not answer.
pub async fn list(table: &Table, firm: FirmId, after: Option<Key>, limit: usize) -> Result<TrailPage, TableError> {
    let page = table.query::<AuditLink>(&Key::audit_prefix(firm), after.as_ref(), limit).await?;
    let last = match &after {
        Some(key) => table.get::<AuditLink>(key).await?.map(|row| row.value),
        None => None,
    };
    let broken_at = broken_at(last.as_ref(), page.rows.iter().map(|row| &row.value));
    let links = page.rows.into_iter().map(|Row { key, value, .. }| (key, value)).collect();
    Ok(TrailPage { links, next: page.next, broken_at })
}

/// The firm's entries, newest first, before the one at `before`, and whether they are as they were written.
///
/// Errors: the table refuses or does not answer.
pub async fn newest(table: &Table, firm: FirmId, before: Option<Key>, limit: usize) -> Result<TrailPage, TableError> {
    let edge = before.unwrap_or_else(|| Key::audit_prefix(firm));
    // One more: the page's oldest entry is checked against it.
    let rows = table.newest::<AuditLink>(&edge, limit + 1).await?;
    let has_more = rows.len() > limit;
    let mut oldest_first = rows.iter().rev().map(|row| &row.value);
    let last = if has_more { oldest_first.next() } else { None };
    let broken_at = broken_at(last, oldest_first);
    let links: Vec<(Key, AuditLink)> = rows.into_iter().take(limit).map(|row| (row.key, row.value)).collect();
    let next = links.last().map(|(key, _)| key.clone()).filter(|_| has_more);
    Ok(TrailPage { links, next, broken_at })
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

    fn entry(request: &str) -> AuditEntry {
        AuditEntry {
            at: "2026-03-02T08:00:00Z".parse().unwrap(),
            who: Actor::Operator,
            action: "POST /v1/firms".to_owned(),
            path: "/v1/firms".to_owned(),
            from: None,
            request: request.to_owned(),
            outcome: None,
        }
    }

    fn chain(requests: &[&str]) -> Vec<AuditLink> {
        let mut links = Vec::new();
        for request in requests {
            links.push(AuditLink::after(links.last(), entry(request)));
        }
        links
    }

    #[test]
    fn a_chain_is_whole_until_an_entry_is_changed_or_missing() {
        let whole = chain(&["a", "b", "c", "d"]);
        assert_eq!(broken_at(None, &whole), None);
        assert_eq!(broken_at(Some(&whole[1]), &whole[2..]), None);
        // A changed entry no longer fits what follows it, even on the page before.
        let mut changed = whole.clone();
        changed[1].entry.who = Actor::Visitor;
        assert_eq!(broken_at(None, &changed), Some(3));
        assert_eq!(broken_at(Some(&changed[1]), &changed[2..]), Some(3));
        let without = |missing: usize| {
            let mut links = whole.clone();
            links.remove(missing);
            links
        };
        assert_eq!(broken_at(None, &without(0)), Some(2));
        assert_eq!(broken_at(None, &without(2)), Some(4));
        // An entry that was put in its place with the right digest still differs from what its successor names.
        let mut replaced = whole.clone();
        replaced[1] = AuditLink::after(Some(&whole[0]), entry("other"));
        assert_eq!(broken_at(None, &replaced), Some(3));
    }

    #[test]
    fn entries_of_versions_without_a_chain_come_before_it_and_are_readable() {
        let old: AuditLink = serde_json::from_value(serde_json::json!({
            "at": "2025-03-02T08:00:00Z", "who": { "kind": "visitor" }, "action": "POST /v1/firms/{firm}/members",
            "path": "/v1/firms/x/members", "request": "r", "outcome": 201,
        }))
        .unwrap();
        let first = AuditLink::after(Some(&old), entry("a"));
        assert_eq!((first.number, first.before.as_ref()), (Some(1), None));
        let second = AuditLink::after(Some(&first), entry("b"));
        assert_eq!(broken_at(None, [&old, &first, &second]), None);
    }

    #[test]
    fn a_digest_is_the_same_in_every_version() {
        let links = chain(&["a", "b"]);
        let text = serde_json::to_string(&links[0]).unwrap();
        assert_eq!(
            text,
            "{\"at\":\"2026-03-02T08:00:00Z\",\"who\":{\"kind\":\"operator\"},\"action\":\"POST /v1/firms\",\"path\":\"/v1/firms\",\
             \"from\":null,\"request\":\"a\",\"outcome\":null,\"number\":1,\"before\":null}"
        );
        assert_eq!(links[1].before.as_deref(), Some(hex::encode(Sha256::digest(text)).as_str()));
    }

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
