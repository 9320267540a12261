//! All identifiers. Each is parsed by `FromStr`, which serde uses, too.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_with_str::via_str;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::random::Random;

/// A text that is not the identifier it was taken for. The error does not hold the text: it may be a secret that was
/// sent in the wrong place, and errors are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}")]
pub struct IdError {
    /// What was expected, in words.
    pub what: &'static str,
}

impl IdError {
    fn new(what: &'static str) -> Self {
        Self { what }
    }
}

mod serde_with_str {
    /// Serde by `Display` and `FromStr`, so that no unchecked value comes in through JSON or the table.
    macro_rules! via_str {
        ($($t:ty),*) => { $(
            impl serde::Serialize for $t {
                fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
            }
            impl<'de> serde::Deserialize<'de> for $t {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(d)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
        )* };
    }
    pub(super) use via_str;
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Draws a new one.
            pub fn draw(random: &Random) -> Self { Self(random.uuid()) }
            /// The sixteen bytes.
            pub fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }
            /// From sixteen bytes that a MAC has vouched for.
            pub fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.as_hyphenated().fmt(f) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // In capitals it is the same id (RFC 9562, section 4). It is written in one spelling only, because it
                // is part of table keys and storage keys. The forms without hyphens have another length.
                match Uuid::try_parse(text) {
                    Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Ok(Self(id)),
                    _ => Err(IdError::new($what)),
                }
            }
        }
        via_str!($name);
    )* };
}

uuid_ids! {
    /// A firm: every read of its data takes one, so that crossing firms is a missing value, not a forgotten check.
    FirmId = "firm id";
    /// A connector: one named access of a firm to Microsoft 365.
    ConnectorId = "connector id";
    /// A member: one of the firm's people, linked to their Microsoft 365 account.
    MemberId = "member id";
    /// A mailbox that a firm has added.
    MailboxId = "mailbox id";
    /// An API key; its secret half is stored as a hash only.
    KeyId = "key id";
    /// A webhook: an address of the business application.
    WebhookId = "webhook id";
    /// A bulk: many rows that came in one request.
    BulkId = "bulk id";
    /// A person who signs in to the console.
    UserId = "user id";
    /// An erasure that was asked for.
    ErasureId = "erasure id";
}

impl UserId {
    /// The id of an account: a digest of tenant id and object id (UUID version 8, RFC 9562).
    pub fn of(tenant: &TenantId, object: &str) -> Self {
        let name = format!("{}/{}", tenant.as_str().to_ascii_lowercase(), object.to_ascii_lowercase());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(name)[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

macro_rules! graph_ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id as Graph spells it; encode it when it goes into a path.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // The table's keys have `#` between their parts, and no id of Graph has one in it.
                let is_in_it = |b: u8| b.is_ascii_graphic() && b != b'#';
                let fits = (1..=GRAPH_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_in_it);
                if fits { Ok(Self(text.to_owned())) } else { Err(IdError::new($what)) }
            }
        }
        via_str!($name);
    )* };
}

/// Longest id taken from Graph; real ones have about 150 characters.
pub const GRAPH_ID_CHARS_MAX: usize = 512;

graph_ids! {
    /// A message's immutable id: it survives moves within the mailbox.
    /// Source: <https://learn.microsoft.com/graph/outlook-immutable-id>
    ImmutableId = "immutable id";
    /// A mail folder's id, constant for the life of the folder.
    FolderId = "folder id";
    /// A calendar event's immutable id.
    EventId = "event id";
    /// A To Do list's id.
    TaskListId = "task list id";
    /// A To Do task's id; it changes when the task is moved to another list.
    TaskId = "task id";
    /// A contact folder's id, constant for the life of the folder.
    ContactFolderId = "contact folder id";
    /// A contact's immutable id.
    ContactId = "contact id";
    /// The id of a category in a mailbox's master list.
    CategoryId = "category id";
    /// A change notification subscription's id.
    SubscriptionId = "subscription id";
    /// Entra's directory (tenant) id or verified domain.
    TenantId = "tenant id";
    /// Entra's application (client) id.
    ClientId = "client id";
}

/// What the business application calls a date or a contact: 1 to 128 characters, none of them a control character. A
/// text with the form of a secret is refused, because external ids are stored and logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

/// Longest external id, in characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 128;

impl ExternalId {
    /// As the business application spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for it where the text itself must not, `sha256-` and 32 hex digits: the application chose the text,
    /// and it may be anything.
    pub fn digest(&self) -> String {
        format!("sha256-{}", &hex::encode(Sha256::digest(&self.0))[..32])
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExternalId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = (1..=EXTERNAL_ID_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits && !is_secret(text) { Ok(Self(text.to_owned())) } else { Err(IdError::new("external id")) }
    }
}
via_str!(ExternalId);

/// Whether a text has the form of a secret: a firm's key, a token (a JWT), or a client secret of Entra.
/// Source for the last: <https://learn.microsoft.com/purview/sit-defn-client-secret-api-key>
fn is_secret(text: &str) -> bool {
    let jwt = text.starts_with("eyJ") && text.matches('.').count() >= 2;
    let client_secret = (37..=40).contains(&text.len())
        && text.as_bytes()[3].is_ascii_digit()
        && &text.as_bytes()[4..6] == b"Q~"
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_~.-".contains(&b));
    jwt || client_secret || is_api_key(text)
}

/// Whether a text has the form of a firm's key: `greffe_{firm}_{key}_{secret}`.
fn is_api_key(text: &str) -> bool {
    let mut parts = text.split('_');
    let is_uuid = |part: Option<&str>| part.is_some_and(|part| Uuid::try_parse(part).is_ok());
    parts.next() == Some("greffe") && is_uuid(parts.next()) && is_uuid(parts.next())
}

/// A message of greffe: the mailbox and a digest of the immutable id, so that the same mail always has the same id, the
/// same table key and the same storage key, whatever is repeated. Written `{mailbox}.{32 hex digits}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// The mailbox it was found in.
    pub mailbox: MailboxId,
    digest: [u8; 16],
}

impl MessageId {
    /// The id of the mail that Graph knows in `mailbox` as `immutable`.
    pub fn of(mailbox: MailboxId, immutable: &ImmutableId) -> Self {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(immutable.as_str())[..16]);
        Self { mailbox, digest }
    }

    /// The half that is unique within the mailbox, 32 hex digits.
    pub fn local(&self) -> String {
        hex::encode(self.digest)
    }

    /// From the mailbox and [`MessageId::local`].
    ///
    /// Errors: the text is not of this kind.
    pub fn from_local(mailbox: MailboxId, local: &str) -> Result<Self, IdError> {
        let mut digest = [0; 16];
        match hex::decode_to_slice(local, &mut digest) {
            Ok(()) => Ok(Self { mailbox, digest }),
            Err(_) => Err(IdError::new("message id")),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.mailbox, self.local())
    }
}

impl FromStr for MessageId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (mailbox, local) = text.split_once('.').ok_or(IdError::new("message id"))?;
        let mailbox = mailbox.parse().map_err(|_| IdError::new("message id"))?;
        Self::from_local(mailbox, local)
    }
}
via_str!(MessageId);

/// A conversation of one mailbox: a digest of Graph's `conversationId`, which is four times as long. Written as 16
/// characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId([u8; 12]);

impl ConversationId {
    /// What Graph calls `conversation`.
    pub fn of(conversation: &str) -> Self {
        let mut digest = [0; 12];
        digest.copy_from_slice(&Sha256::digest(conversation)[..12]);
        Self(digest)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for ConversationId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(IdError::new("conversation id"))
    }
}
via_str!(ConversationId);

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// An appointment, a deadline or a reminder.
    Date,
    /// A person or an organisation.
    Contact,
}

impl EntryKind {
    /// Each of them: what keeps one from somebody's Outlook keeps not the other.
    pub const ALL: [Self; 2] = [Self::Date, Self::Contact];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Contact => "contact",
        }
    }
}

/// Which entry of a firm. Written `date#…`, `contact#…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// What it is.
    pub kind: EntryKind,
    /// What the business application calls it.
    pub external: ExternalId,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.kind.name(), self.external)
    }
}

impl FromStr for EntryId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (kind, external) = match text.split_once('#') {
            Some(("date", external)) => (EntryKind::Date, external),
            Some(("contact", external)) => (EntryKind::Contact, external),
            _ => return Err(IdError::new("entry id")),
        };
        Ok(Self { kind, external: external.parse()? })
    }
}

via_str!(EntryId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_read_back_as_it_was_written() {
        let random = Random::seeded(1);
        let id = MessageId::of(MailboxId::draw(&random), &"AAkALgAA=_-".parse().unwrap());
        assert_eq!(id.to_string().parse(), Ok(id));
        let conversation = ConversationId::of("AAQkAGI1==");
        assert_eq!((conversation.to_string().parse(), conversation.to_string().len()), (Ok(conversation), 16));
        assert!("AAQk".parse::<ConversationId>().is_err());
    }

    #[test]
    fn an_id_in_capitals_is_the_same_id_and_is_written_in_one_spelling_only() {
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        assert_eq!(id.to_uppercase().parse::<FirmId>(), id.parse::<FirmId>());
        assert_eq!(id.to_uppercase().parse::<FirmId>().unwrap().to_string(), id);
        let message = format!("{id}.{}", "0a".repeat(16));
        assert_eq!(message.to_uppercase().parse::<MessageId>().unwrap().to_string(), message);
        for other in [id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}")] {
            assert!(other.parse::<FirmId>().is_err(), "{other}");
        }
    }

    #[test]
    fn what_has_the_form_of_a_secret_is_no_external_id() {
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        let secrets = [
            format!("greffe_{id}_{id}_{}", "x".repeat(43)),
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln".to_owned(),
            format!("abc8Q~{}", "x".repeat(34)),
        ];
        for secret in secrets {
            assert!(secret.parse::<ExternalId>().is_err(), "{secret}");
            assert!(!secret.parse::<ExternalId>().unwrap_err().to_string().contains(&secret));
        }
        for id in ["greffe_1", "eyJ", "2026/17 - Dupont c. Martin", id] {
            assert!(id.parse::<ExternalId>().is_ok(), "{id}");
        }
    }

    #[test]
    fn an_id_of_graph_is_visible_ascii() {
        assert!("AA BB".parse::<FolderId>().is_err());
        assert!("".parse::<FolderId>().is_err());
    }
}
