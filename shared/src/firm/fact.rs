//! Facts: what happened in a firm, as the business application receives it, and as it is stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    base::{
        digest::Digest,
        id::{
            ClientId, ConnectorId, ConversationId, EntryKind, ExternalId, ImmutableId, MailboxId, MemberId, MessageId,
            WebhookId,
        },
    },
    firm::retention::KeptUntil,
    graph::GraphCode,
    problem::Code,
};

/// The kind of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A client secret, which both sides know.
    Secret,
    /// A key pair: Entra knows the certificate, Secrets Manager the private key.
    Certificate,
    /// No secret at all: AWS says who we are, and Entra trusts it (workload identity federation).
    Federated,
}

impl CredentialKind {
    /// What is wrong once one of them has ended, where they do end.
    pub fn ended(self) -> Option<Code> {
        match self {
            Self::Secret => Some(Code::ClientSecretExpired),
            Self::Certificate => Some(Code::CertificateRefused),
            Self::Federated => None,
        }
    }
}

/// What filed a message, or took it out of its dossier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FiledThrough {
    /// A call of the API, or a person in the console.
    #[default]
    Request,
    /// Its conversation was filed.
    Conversation,
    /// A person moved it to or from a folder that stands for a dossier.
    Folder,
    /// A proposal by its contacts was accepted.
    Contact,
}

/// An event, as the business application receives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// The id of the event. It is the same if the event is delivered again: ignore an id that you have seen.
    pub id: String,
    /// When it was recorded.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub what: FactEvent,
}

/// The event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FactEvent {
    /// The original of a message is in the archive.
    MessageArchived {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The SHA-256 of the original.
        #[schema(value_type = String)]
        sha256: Digest,
        /// The size of the original in bytes.
        bytes: u64,
        /// When it arrived in the mailbox.
        #[schema(value_type = String, format = "date-time")]
        received_at: Timestamp,
        /// The subject. A long one is shortened.
        subject: String,
        /// The sender's address.
        from: Option<String>,
        /// When the original was stored.
        #[serde(default)]
        #[schema(value_type = Option<String>, format = "date-time")]
        archived_at: Option<Timestamp>,
        /// The year, in UTC, until whose end the original is kept. It is left out if the original is kept for ever.
        #[serde(default, rename = "until_year", skip_serializing_if = "KeptUntil::is_ever")]
        #[schema(value_type = Option<u16>)]
        until: KeptUntil,
        /// What else the index has of it.
        #[serde(flatten)]
        mail: MailFacts,
    },
    /// The original of a message is kept longer than before, or less long.
    RetentionChanged {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The SHA-256 of the original.
        #[schema(value_type = String)]
        sha256: Digest,
        /// The size of the original in bytes.
        bytes: u64,
        /// The year, in UTC, until whose end it is kept from now on. It is left out if it is kept for ever.
        #[serde(default, rename = "until_year", skip_serializing_if = "KeptUntil::is_ever")]
        #[schema(value_type = Option<u16>)]
        until: KeptUntil,
    },
    /// A message could not be downloaded; greffe tries again.
    MessageFailed {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// Microsoft's error code.
        #[schema(value_type = String)]
        code: GraphCode,
        /// The message's envelope.
        #[serde(flatten)]
        envelope: Envelope,
        /// What else the index has of it.
        #[serde(flatten)]
        mail: MailFacts,
    },
    /// A message was deleted for good before it could be read. It is not in the archive, and is not tried again.
    MessageGone {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The message's envelope.
        #[serde(flatten)]
        envelope: Envelope,
        /// What else the index has of it.
        #[serde(flatten)]
        mail: MailFacts,
    },
    /// A message was filed to a dossier.
    MessageFiled {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The new dossier.
        dossier: String,
        /// The previous dossier.
        before: Option<String>,
        /// The id of the API key that made the change, or `operator`. Where a mail follows its conversation or its
        /// folder, who filed the conversation or gave the folder its dossier.
        by: String,
        /// What filed it: a person, a conversation, a folder or a proposal.
        #[serde(default)]
        through: FiledThrough,
    },
    /// A message was taken out of its dossier.
    MessageUnfiled {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The previous dossier.
        before: String,
        /// The id of the API key that made the change, or `operator`. Where a mail leaves the folder that it was filed
        /// by, who gave the folder its dossier.
        by: String,
        /// What took it out of the dossier.
        #[serde(default)]
        through: FiledThrough,
    },
    /// A message was erased: nothing is left of it but its id. Delete your copy.
    MessageErased {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
    },
    /// A message was removed as unwanted: nothing is left of it but its id. Delete your copy.
    MessageRemoved {
        /// The mailbox it was found in.
        #[schema(value_type = String)]
        mailbox: MailboxId,
        /// The message.
        #[schema(value_type = String)]
        message: MessageId,
        /// The id of the API key or of the person that asked for it, or `operator`.
        by: String,
    },
    /// A mailbox was erased with all its messages. Delete your copies of them.
    MailboxErased {
        /// The mailbox.
        #[schema(value_type = String)]
        mailbox: MailboxId,
    },
    /// All that the firm had was erased. Delete your copy of it.
    FirmErased,
    /// A mailbox was deleted: its mail is no longer read. What was archived stays.
    MailboxDeleted {
        /// The mailbox.
        #[schema(value_type = String)]
        mailbox: MailboxId,
    },
    /// A connector was deleted. Its mailboxes are paused, and nothing is pushed through it.
    ConnectorDeleted {
        /// The connector.
        #[schema(value_type = String)]
        connector: ConnectorId,
    },
    /// A member was deleted: what was pushed to its Outlook is removed there.
    MemberDeleted {
        /// The member.
        #[schema(value_type = String)]
        member: MemberId,
    },
    /// The firm was deleted: its keys, webhooks and connectors end. What was archived stays.
    FirmDeleted,
    /// A date or a contact did not reach a member's Outlook, and will not soon: Microsoft keeps refusing it.
    PushFailed {
        /// The member.
        #[schema(value_type = String)]
        member: MemberId,
        /// What it is.
        kind: EntryKind,
        /// Which date or contact, by your own id; null for all of the member's.
        #[schema(value_type = Option<String>, max_length = 128)]
        external_id: Option<ExternalId>,
        /// The code of the problem in the catalogue.
        code: Code,
        /// Microsoft's error code.
        microsoft_code: String,
    },
    /// A failed push has been resolved: the entry is in the member's Outlook as you sent it, or gone from there.
    PushRecovered {
        /// The member.
        #[schema(value_type = String)]
        member: MemberId,
        /// What it is.
        kind: EntryKind,
        /// Which date or contact, by your own id; null for all of the member's.
        #[schema(value_type = Option<String>, max_length = 128)]
        external_id: Option<ExternalId>,
    },
    /// A connector stopped working. A person has to act.
    ConnectorActionRequired {
        /// The connector.
        #[schema(value_type = String)]
        connector: ConnectorId,
        /// The code of the problem in the catalogue.
        code: Code,
        /// Microsoft's error code.
        microsoft_code: String,
    },
    /// A connector works again, or for the first time.
    ConnectorConnected {
        /// The connector.
        #[schema(value_type = String)]
        connector: ConnectorId,
        /// The address or sign-in name of the connected account.
        account: String,
    },
    /// The credential of the firm's app registration expires soon. Sent 60, 30, 14, 7 and 1 days before, and on the
    /// day.
    SecretExpiring {
        /// The credential and its expiry date.
        #[serde(flatten)]
        ending: ExpiringCredential,
        /// Whole days until then.
        days_left: i64,
    },
    /// The credential of the firm's app registration has expired.
    SecretExpired {
        /// The credential and its expiry date.
        #[serde(flatten)]
        ending: ExpiringCredential,
    },
    /// The credential was replaced.
    SecretRenewed {
        /// The client id of the app registration.
        #[schema(value_type = String)]
        client_id: ClientId,
        /// The kind of the new credential.
        credential: CredentialKind,
        /// When it expires, if the date is known.
        #[schema(value_type = Option<String>, format = "date-time")]
        expires_at: Option<Timestamp>,
    },
    /// A webhook is paused, because its address does not take events. They wait in the feed. A person has to act.
    WebhookPaused {
        /// The webhook.
        #[schema(value_type = String)]
        webhook: WebhookId,
        /// The code of the problem in the catalogue.
        code: Code,
    },
    /// A webhook that was paused because its address did not take events goes on: what waited is posted.
    WebhookResumed {
        /// The webhook.
        #[schema(value_type = String)]
        webhook: WebhookId,
    },
    /// A share of the archive was checked: its originals, index and log, by the schedule. Each day there is another
    /// share, and all of them within four weeks.
    ArchiveChecked {
        /// The originals that were looked at.
        originals: u64,
        /// How many things are not as they were written. The operator has to act if it is not 0.
        findings: u64,
    },
    /// A number that was reserved and not used.
    // A type of a newer version is read as this: it stops nobody who reads the feed.
    #[serde(other)]
    Void,
}

/// What a receiver needs beside the envelope to keep an exact copy of the index. Facts of 0.1.0 have none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MailFacts {
    /// Graph's immutable id of the message. It stays the same when the message is moved within the mailbox.
    #[schema(value_type = Option<String>)]
    pub immutable_id: Option<ImmutableId>,
    /// The header Message-ID. It is not unique.
    pub internet_message_id: Option<String>,
    /// Whether it has attachments that are not inline.
    pub has_attachments: Option<bool>,
    /// Its conversation within the mailbox: a digest of Graph's `conversationId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub conversation: Option<ConversationId>,
}

/// The envelope of a message that is not archived. Facts of 0.1.0 have none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Envelope {
    /// When it arrived in the mailbox.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub received_at: Option<Timestamp>,
    /// The subject. A long one is shortened.
    pub subject: Option<String>,
    /// The sender's address.
    pub from: Option<String>,
}

/// A credential with an expiry date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpiringCredential {
    /// The client id of the app registration.
    #[schema(value_type = String)]
    pub client_id: ClientId,
    /// The connectors that use it.
    #[schema(value_type = Vec<String>)]
    pub connectors: Vec<ConnectorId>,
    /// The kind of a credential.
    pub credential: CredentialKind,
    /// When it expires.
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Timestamp,
}

impl FactEvent {
    /// Whether it is about a message of that mailbox.
    pub fn is_of(&self, id: MailboxId) -> bool {
        match self {
            Self::MessageArchived { mailbox, .. }
            | Self::RetentionChanged { mailbox, .. }
            | Self::MessageFailed { mailbox, .. }
            | Self::MessageGone { mailbox, .. }
            | Self::MessageFiled { mailbox, .. }
            | Self::MessageUnfiled { mailbox, .. }
            | Self::MessageErased { mailbox, .. }
            | Self::MessageRemoved { mailbox, .. } => *mailbox == id,
            _ => false,
        }
    }

    /// Its type.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::MessageArchived { .. } => EventType::MessageArchived,
            Self::RetentionChanged { .. } => EventType::RetentionChanged,
            Self::MessageFailed { .. } => EventType::MessageFailed,
            Self::MessageGone { .. } => EventType::MessageGone,
            Self::MessageFiled { .. } => EventType::MessageFiled,
            Self::MessageUnfiled { .. } => EventType::MessageUnfiled,
            Self::MessageErased { .. } => EventType::MessageErased,
            Self::MessageRemoved { .. } => EventType::MessageRemoved,
            Self::MailboxErased { .. } => EventType::MailboxErased,
            Self::FirmErased => EventType::FirmErased,
            Self::MailboxDeleted { .. } => EventType::MailboxDeleted,
            Self::ConnectorDeleted { .. } => EventType::ConnectorDeleted,
            Self::MemberDeleted { .. } => EventType::MemberDeleted,
            Self::FirmDeleted => EventType::FirmDeleted,
            Self::PushFailed { .. } => EventType::PushFailed,
            Self::PushRecovered { .. } => EventType::PushRecovered,
            Self::ConnectorActionRequired { .. } => EventType::ConnectorActionRequired,
            Self::ConnectorConnected { .. } => EventType::ConnectorConnected,
            Self::SecretExpiring { .. } => EventType::SecretExpiring,
            Self::SecretExpired { .. } => EventType::SecretExpired,
            Self::SecretRenewed { .. } => EventType::SecretRenewed,
            Self::WebhookPaused { .. } => EventType::WebhookPaused,
            Self::WebhookResumed { .. } => EventType::WebhookResumed,
            Self::ArchiveChecked { .. } => EventType::ArchiveChecked,
            Self::Void => EventType::Void,
        }
    }

    /// Its name on the event bus, such as `MessageArchived`.
    pub fn name(&self) -> String {
        format!("{:?}", self.event_type())
    }
}

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as the variants of FactEvent")]
pub enum EventType {
    MessageArchived,
    RetentionChanged,
    MessageFailed,
    MessageGone,
    MessageFiled,
    MessageUnfiled,
    MessageErased,
    MessageRemoved,
    MailboxErased,
    FirmErased,
    MailboxDeleted,
    ConnectorDeleted,
    MemberDeleted,
    FirmDeleted,
    PushFailed,
    PushRecovered,
    ConnectorActionRequired,
    ConnectorConnected,
    SecretExpiring,
    SecretExpired,
    SecretRenewed,
    WebhookPaused,
    WebhookResumed,
    ArchiveChecked,
    Void,
}

impl EventType {
    /// Whether such a fact says that something was erased or removed. It stays when that is erased again, or more.
    pub fn is_of_erasure(self) -> bool {
        matches!(self, Self::MessageErased | Self::MessageRemoved | Self::MailboxErased | Self::FirmErased)
    }
}

/// An event with its number in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct NumberedFact {
    /// Its number. Pass it as `after` to read the events that follow.
    pub number: u64,
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
}

/// A fact with every attribute that is stored of it, also those that this version does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFact(Map<String, Value>);

impl StoredFact {
    /// An attribute that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The texts of an attribute that is a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Its type; none if this version does not know it.
    pub fn event_type(&self) -> Option<EventType> {
        serde_json::from_value(self.0.get("type")?.clone()).ok()
    }

    /// An attribute that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// An attribute that is true or false.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// Until when the original is kept that it tells of.
    pub fn until(&self) -> KeptUntil {
        let year = self.number("until_year").and_then(|year| u16::try_from(year).ok());
        year.map_or(KeptUntil::Ever, KeptUntil::of_year)
    }

    /// The fact as this version reads it; none if a newer version wrote a kind that this one does not know.
    pub fn fact(self) -> Option<Fact> {
        serde_json::from_value(Value::Object(self.0)).ok()
    }

    /// When it was recorded.
    pub(super) fn at(&self) -> Timestamp {
        self.text("at").and_then(|at| at.parse().ok()).unwrap_or_default()
    }

    /// Whether it says nothing: it only fills its number.
    pub fn is_void(&self) -> bool {
        self.text("type") == Some("void")
    }

    /// The hash of the log entry that it stands for, if the fact itself was lost with a table that was restored.
    pub fn lost(&self) -> Option<Digest> {
        self.text("id").filter(|_| self.is_void())?.strip_prefix(LOST)?.parse().ok()
    }

    /// The hash of the log entry that it stands for, if the fact itself was erased.
    pub fn erased(&self) -> Option<Digest> {
        self.text("id").filter(|_| self.text("type") == Some("void"))?.strip_prefix(ERASED)?.parse().ok()
    }

    /// The SHA-256 of [`StoredFact::canonical`].
    pub fn digest(&self) -> Option<Digest> {
        Some(Digest::of(&self.canonical()?))
    }

    /// Its attributes as JSON, sorted by name and without spaces; none without a salt, because without one the digest
    /// would tell what it says to those who try.
    pub fn canonical(&self) -> Option<Vec<u8>> {
        self.text("salt")?;
        // Where it lies and how often it was written is no part of it.
        let own = self.0.iter().filter(|(name, _)| !matches!(name.as_str(), "pk" | "sk" | "version"));
        let sorted: BTreeMap<&String, &Value> = own.collect();
        serde_json::to_vec(&sorted).ok()
    }
}

/// The prefix of the id of a fact that replaces a lost one.
const LOST: &str = "lost-";

/// The prefix of the id of a fact that replaces an erased one.
const ERASED: &str = "erased-";

impl Fact {
    /// What stands for a fact that was lost with a table that was restored. `entry`: the hash of its log entry.
    pub fn lost(entry: Digest, now: Timestamp) -> Self {
        Self { id: format!("{LOST}{entry}"), at: now, what: FactEvent::Void }
    }

    /// What is left of a fact that was erased at `at`. `entry`: the hash of its log entry.
    pub(super) fn erased(entry: Digest, at: Timestamp) -> Self {
        Self { id: format!("{ERASED}{entry}"), at, what: FactEvent::Void }
    }

    /// What fills a number that its writer did not use.
    pub(super) fn void(number: u64, now: Timestamp) -> Self {
        Self { id: format!("void-{number}"), at: now, what: FactEvent::Void }
    }

    /// That the logs have a new key.
    pub fn key_added(number: u64, now: Timestamp) -> Self {
        Self { id: format!("key-added-{number}"), at: now, what: FactEvent::Void }
    }

    /// That the table was restored, and lost the facts after number `last` up to number `size`.
    pub fn restored(last: u64, size: u64, now: Timestamp) -> Self {
        Self { id: format!("restored-{last}-{size}"), at: now, what: FactEvent::Void }
    }
}
