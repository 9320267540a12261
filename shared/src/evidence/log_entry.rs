//! Log entries: what the log says of a fact, one line of canonical JSON without personal data.
//!
//! The fields stand in a fixed order, without spaces, the version first; a field without a value is left out. Of every
//! fact an entry has the number, the type, the id, the time, and the digest of the whole fact. What lies in a log that
//! nobody can change can't be erased either. So there is no subject, address or dossier in it, and the digest is that
//! of a fact with a random salt ([`StoredFact::digest`]): the salt is stored with the fact and goes with it, and from
//! then on nobody can try out what the fact said. Facts from before there was a salt have no digest in their entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    firm::{fact::StoredFact, retention::KeptUntil},
    mail::archive::OriginalKey,
};

/// The version of the entries that are written.
const VERSION: u8 = 1;
/// The `type` of the fact that an original is in the archive.
pub const ARCHIVED: &str = "message_archived";
/// The `type` of the fact that an original is kept longer or less long, and lies under another key.
pub const RETENTION_CHANGED: &str = "retention_changed";
/// The longest entry: a bundle has 16 bits for its length.
/// Source: <https://c2sp.org/tlog-tiles>, "Log entries"
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// A fact that no entry can be made of.
#[derive(Debug, thiserror::Error)]
#[error("fact {number} is not as any version of greffe writes it: {what}")]
pub struct EntryError {
    number: u64,
    what: &'static str,
}

/// An entry, before it is a line.
#[derive(Debug, Serialize)]
struct EntryFields<'a> {
    v: u8,
    number: u64,
    r#type: &'a str,
    id: &'a str,
    at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    immutable_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<Digest>,
}

/// The entry of fact `number` of a firm's feed: the same bytes whoever makes it, and whenever.
///
/// Errors: the fact lacks what every version of greffe writes.
pub fn entry(firm: FirmId, number: u64, fact: &StoredFact) -> Result<Vec<u8>, EntryError> {
    let lacks = |what| EntryError { number, what };
    let text = |name: &'static str| fact.text(name).ok_or_else(|| lacks(name));
    let (kind, id, at) = (text("type")?, text("id")?, text("at")?);
    let message = fact.text("message").map(|id| id.parse::<MessageId>().map_err(|_| lacks("message")));
    let message = message.transpose()?;
    let original = message.filter(|_| kind == ARCHIVED || kind == RETENTION_CHANGED);
    let archived = message.filter(|_| kind == ARCHIVED);
    let fields = EntryFields {
        v: VERSION,
        number,
        r#type: kind,
        id,
        at,
        message,
        key: original.map(|message| OriginalKey::new(firm, message, fact.until()).to_string()),
        sha256: original.map(|_| text("sha256")).transpose()?,
        bytes: original.map(|_| fact.number("bytes").ok_or_else(|| lacks("bytes"))).transpose()?,
        received_at: archived.map(|_| text("received_at")).transpose()?,
        archived_at: archived.and_then(|_| fact.text("archived_at")),
        immutable_id: archived.and_then(|_| fact.text("immutable_id")),
        fact: fact.digest(),
    };
    let line = serde_json::to_vec(&fields).map_err(|_| lacks("JSON"))?;
    if line.len() > ENTRY_BYTES_MAX { Err(lacks("a length that an entry may have")) } else { Ok(line) }
}

/// The mailbox that was deleted, if a fact with this type and id says so.
pub(super) fn deleted_mailbox(of_type: &str, id: &str) -> Option<MailboxId> {
    id.strip_suffix("-deleted").filter(|_| of_type == "mailbox_deleted")?.parse().ok()
}

/// What an entry says.
#[derive(Debug, Deserialize)]
pub(super) struct LoggedEntry {
    /// The number of its fact.
    pub number: u64,
    /// The id of its fact.
    pub id: String,
    /// The type of its fact.
    pub r#type: String,
    /// The message that it is about.
    pub message: Option<MessageId>,
    /// The key of the original that it tells of.
    pub key: Option<String>,
    /// The SHA-256 of that.
    pub sha256: Option<Digest>,
    /// The length of that.
    pub bytes: Option<u64>,
    /// When the message arrived, if it tells of an original.
    pub received_at: Option<Timestamp>,
    /// When that was stored, if it says so.
    pub archived_at: Option<Timestamp>,
    /// When the fact was recorded.
    pub at: Option<Timestamp>,
}

impl LoggedEntry {
    /// The entry that a line of the log is; none if it is none.
    pub fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Until when the original is kept that the entry tells of.
    pub fn until(&self) -> KeptUntil {
        self.key.as_deref().and_then(OriginalKey::parse).map_or(KeptUntil::Ever, |key| key.until)
    }

    /// The id of a void fact, if it is of one.
    pub fn void_id(&self) -> Option<&str> {
        (self.r#type == "void").then_some(self.id.as_str())
    }

    /// The message of which it says that it was erased, and whether it was removed.
    pub fn erased_message(&self) -> Option<(MessageId, bool)> {
        match self.r#type.as_str() {
            "message_erased" => self.message.map(|message| (message, false)),
            "message_removed" => self.message.map(|message| (message, true)),
            _ => None,
        }
    }

    /// The mailbox that was deleted, if it says so.
    pub fn deleted_mailbox(&self) -> Option<MailboxId> {
        deleted_mailbox(&self.r#type, &self.id)
    }

    /// The facts that were lost, if it says that the table was restored: after the first number, up to the second.
    pub fn lost_range(&self) -> Option<(u64, u64)> {
        let (last, size) = self.void_id()?.strip_prefix("restored-")?.split_once('-')?;
        last.parse().ok().zip(size.parse().ok())
    }

    /// Until when an original is kept from now on, if it says so.
    pub fn change(&self) -> Option<(MessageId, KeptUntil)> {
        self.message.filter(|_| self.r#type == RETENTION_CHANGED).map(|message| (message, self.until()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::firm::fact::{Fact, FactEvent};

    const FIRM: &str = "d0a0e2e3-d7aa-4873-a333-409ad942fa5e";
    const MESSAGE: &str = "f57eb6dd-fd84-4d56-ad56-edd25416d16a.2befe57a038d5acbf12c756c79995863";

    fn line(fact: Value) -> String {
        let fact = serde_json::from_value(fact).unwrap();
        String::from_utf8(entry(FIRM.parse().unwrap(), 7, &fact).unwrap()).unwrap()
    }

    fn archived() -> Value {
        json!({
            "pk": "FIRM#f#FEED", "sk": "7", "version": 1, "type": "message_archived", "id": "m-archived",
            "at": "2026-03-02T08:00:00Z", "mailbox": "f57eb6dd-fd84-4d56-ad56-edd25416d16a", "message": MESSAGE,
            "sha256": "ab".repeat(32), "bytes": 17, "received_at": "2026-03-02T07:59:00Z", "subject": "Facture",
            "from": "client@acme.example", "archived_at": "2026-03-02T07:59:30Z", "immutable_id": "AAk1",
            "salt": "grain",
        })
    }

    /// The digest is what `sha256sum` says of the JSON that stands there.
    #[test]
    fn an_entry_is_the_same_bytes_in_every_version() {
        let sorted = format!(
            "{{\"archived_at\":\"2026-03-02T07:59:30Z\",\"at\":\"2026-03-02T08:00:00Z\",\"bytes\":17,\
             \"from\":\"client@acme.example\",\"id\":\"m-archived\",\"immutable_id\":\"AAk1\",\
             \"mailbox\":\"f57eb6dd-fd84-4d56-ad56-edd25416d16a\",\"message\":\"{MESSAGE}\",\
             \"received_at\":\"2026-03-02T07:59:00Z\",\"salt\":\"grain\",\"sha256\":\"{}\",\"subject\":\"Facture\",\
             \"type\":\"message_archived\"}}",
            "ab".repeat(32)
        );
        assert_eq!(
            line(archived()),
            format!(
                "{{\"v\":1,\"number\":7,\"type\":\"message_archived\",\"id\":\"m-archived\",\
                 \"at\":\"2026-03-02T08:00:00Z\",\"message\":\"{MESSAGE}\",\"key\":\"firms/{FIRM}/mailboxes/\
                 f57eb6dd-fd84-4d56-ad56-edd25416d16a/messages/2befe57a038d5acbf12c756c79995863.eml\",\
                 \"sha256\":\"{}\",\"bytes\":17,\"received_at\":\"2026-03-02T07:59:00Z\",\
                 \"archived_at\":\"2026-03-02T07:59:30Z\",\"immutable_id\":\"AAk1\",\"fact\":\"{}\"}}",
                "ab".repeat(32),
                Digest::of(sorted.as_bytes())
            )
        );
    }

    #[test]
    fn a_fact_of_an_older_version_has_no_digest_and_one_of_a_newer_version_has_an_entry() {
        let mut old = archived();
        old.as_object_mut().unwrap().remove("salt");
        assert!(!line(old).contains("\"fact\""));
        let new = json!({ "type": "of_a_newer_version", "id": "n", "at": "2026-03-02T08:00:00Z", "name": "Dupont" });
        let written =
            "{\"v\":1,\"number\":7,\"type\":\"of_a_newer_version\",\"id\":\"n\",\"at\":\"2026-03-02T08:00:00Z\"}";
        assert_eq!(line(new), written);
    }

    #[test]
    fn the_key_of_an_original_says_until_when_it_is_kept_from_now_on() {
        let mut of_a_year = archived();
        of_a_year["until_year"] = json!(2036);
        assert!(line(of_a_year.clone()).contains(&format!("\"key\":\"until/2036/firms/{FIRM}/mailboxes/")));
        let changed = json!({ "type": "retention_changed", "id": "k", "at": "2026-03-02T08:00:00Z", "message": MESSAGE,
            "sha256": "ab".repeat(32), "bytes": 17, "until_year": 2040 });
        let (changed, end) = (line(changed), format!("\"sha256\":\"{}\",\"bytes\":17}}", "ab".repeat(32)));
        assert!(changed.contains("\"key\":\"until/2040/firms/") && changed.ends_with(&end), "{changed}");
    }

    #[test]
    fn every_attribute_of_a_fact_is_in_its_digest() {
        let whole = line(archived());
        for name in
            archived().as_object().unwrap().keys().filter(|name| !["pk", "sk", "version"].contains(&name.as_str()))
        {
            let mut changed = archived();
            changed[name] = match &changed[name] {
                Value::Number(_) => json!(18),
                text if name == "message" => json!(text.as_str().unwrap().replace("2b", "2c")),
                text => json!(text.as_str().unwrap().replacen(char::is_alphanumeric, "z", 1)),
            };
            assert_ne!(line(changed), whole, "{name}");
        }
        let mut more = archived();
        more["field_of_a_newer_version"] = json!(true);
        assert_ne!(line(more), whole);
    }

    #[test]
    fn a_fact_that_lacks_what_every_version_writes_has_no_entry() {
        for name in ["type", "id", "at", "sha256", "bytes", "received_at"] {
            let mut less = archived();
            less.as_object_mut().unwrap().remove(name);
            let fact = serde_json::from_value(less).unwrap();
            assert!(entry(FIRM.parse().unwrap(), 7, &fact).is_err(), "{name}");
        }
    }

    /// What no fact says but in the attributes that only its digest covers.
    #[test]
    fn nothing_personal_is_in_an_entry() {
        let what = FactEvent::ConnectorConnected {
            connector: "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap(),
            account: "ada@lumen.example".to_owned(),
        };
        let fact = Fact { id: "c".to_owned(), at: jiff::Timestamp::UNIX_EPOCH, what };
        for fact in [archived(), serde_json::to_value(fact).unwrap()] {
            assert!(!["Facture", "acme", "lumen"].iter().any(|text| line(fact.clone()).contains(text)));
        }
    }
}
