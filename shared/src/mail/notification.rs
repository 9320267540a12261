//! Change and lifecycle notifications: which are genuine, and which mailboxes they are about.
//!
//! Graph signs nothing. What proves a notice is its `clientState`, which only Graph and we know: the firm, the mailbox
//! and a MAC over both. So a notice is judged without reading any table, and a flood costs nothing.
//! Source: <https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    aws::secrets::MacKey,
    base::id::{FirmId, MailboxId},
    graph::{WirePage, read_json},
};

/// The `clientState` of a mailbox's subscription: 86 characters of the 128 that Graph allows.
pub fn client_state(key: &MacKey, firm: FirmId, mailbox: MailboxId) -> String {
    let named = [&firm.as_bytes()[..], mailbox.as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode([&named[..], &key.sign(&named)].concat())
}

/// Where the notices of a mailbox go: below `webhook`, by a name that tells whose a subscription is. The function
/// answers any path.
pub fn notification_url(webhook: &str, mailbox: MailboxId) -> String {
    format!("{}/{mailbox}", webhook.trim_end_matches('/'))
}

fn verified(key: &MacKey, client_state: &str) -> Option<(FirmId, MailboxId)> {
    let bytes: [u8; 64] = BASE64_URL_SAFE_NO_PAD.decode(client_state).ok()?.try_into().ok()?;
    let (named, code) = bytes.split_at(32);
    if !key.verify(named, code) {
        return None;
    }
    let (firm, mailbox) = named.split_at(16);
    Some((FirmId::from_bytes(firm.try_into().ok()?), MailboxId::from_bytes(mailbox.try_into().ok()?)))
}

/// What a request from Graph came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// The mailboxes to look at, each once; true where the subscription itself needs a look.
    pub mailboxes: BTreeMap<(FirmId, MailboxId), bool>,
    /// How many notices were not ours.
    pub refused: usize,
}

/// The body is not a collection of notices.
#[derive(Debug, thiserror::Error)]
#[error("the body is no collection of notifications")]
pub struct Malformed(#[source] serde_json::Error);

/// Reads a request's body; a notice may be about any firm, and each is judged by itself: one that is not as it should
/// be costs no other.
///
/// Errors: the body is no collection of notices.
pub fn read(key: &MacKey, body: &[u8]) -> Result<Notices, Malformed> {
    let page: WirePage = read_json(body).map_err(Malformed)?;
    let mut notices = Notices { refused: page.unreadable, ..Notices::default() };
    for notice in page.entries {
        let state = notice.get("clientState").and_then(Value::as_str);
        let lifecycle = notice.get("lifecycleEvent").is_some_and(|event| !event.is_null());
        match state.and_then(|state| verified(key, state)) {
            Some(mailbox) => *notices.mailboxes.entry(mailbox).or_default() |= lifecycle,
            None => notices.refused += 1,
        }
    }
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn key(text: &str) -> MacKey {
        MacKey::new(&text.to_owned().into())
    }

    #[test]
    fn a_genuine_notice_names_its_mailbox_and_a_forged_one_names_none() {
        let random = Random::seeded(1);
        let (firm, mailbox) = (FirmId::draw(&random), MailboxId::draw(&random));
        let state = client_state(&key("a"), firm, mailbox);
        assert!(state.len() <= 128);
        let mut flipped = state.clone().into_bytes();
        flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        let body = serde_json::json!({"value": [
            {"clientState": state}, {"clientState": state, "lifecycleEvent": "missed"},
            {"clientState": flipped}, {"clientState": "x".repeat(10_000)}, {"clientState": null}, {},
        ]});
        let notices = read(&key("a"), body.to_string().as_bytes()).unwrap();
        assert_eq!(notices.mailboxes, BTreeMap::from([((firm, mailbox), true)]));
        assert_eq!(notices.refused, 4);
        assert_eq!(read(&key("b"), body.to_string().as_bytes()).unwrap().refused, 6);
    }

    #[test]
    fn what_is_no_collection_is_malformed() {
        for body in ["", "{", "[]", "{}", r#"{"value":{}}"#, "\u{0}"] {
            assert!(read(&key("a"), body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_malformed_notice_costs_no_other() {
        let random = Random::seeded(1);
        let (firm, mailbox) = (FirmId::draw(&random), MailboxId::draw(&random));
        let state = client_state(&key("a"), firm, mailbox);
        let deep = "[".repeat(3_000) + &"]".repeat(3_000);
        let malformed: [&[u8]; 11] = [
            deep.as_bytes(),
            b"1e999",
            br#"{"clientState":"\udc00"}"#,
            b"1",
            b"null",
            b"[]",
            br#""text""#,
            br#"{"clientState":7}"#,
            br#"{"clientState":{},"lifecycleEvent":[]}"#,
            b"{\"clientState\":\"\xff\"}",
            br#"{"resourceData":5,"clientState":null}"#,
        ];
        for malformed in malformed {
            let genuine = format!(r#"{{"clientState":"{state}","lifecycleEvent":null}}"#);
            let body = [br#"{"value":["#, malformed, b",", genuine.as_bytes(), b",", malformed, b"]}"].concat();
            let notices = read(&key("a"), &body).unwrap();
            assert_eq!(notices.mailboxes, BTreeMap::from([((firm, mailbox), false)]), "{malformed:?}");
            assert_eq!(notices.refused, 2);
        }
    }
}
