//! The feed: a firm's facts, read by cursor, and the same facts on the event bus.
//!
//! A firm's facts are numbered without gaps, in the order in which they were recorded. A writer takes a number, and may
//! die before it writes. A reader that meets such a gap waits a little, then fills it with a void fact by a conditional
//! write; a late writer takes another number. So a reader that goes by numbers misses nothing.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    aws::{
        queue::{DeliveryJob, DeliveryQueue},
        table::{Key, Table, TableError, Write},
    },
    base::{
        clock::Clock,
        digest::Digest,
        id::{
            ClientId, ConnectorId, ConversationId, ExternalId, FirmId, ImmutableId, MailboxId, MemberId, MessageId,
            Noun, WebhookId,
        },
        metric::{Counter, Tally},
        random::Random,
        telemetry::ErrorChain,
    },
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

/// By what a message came to be filed, or taken out of its dossier.
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

/// How long a number may stay unwritten before a reader gives it up: a writer is moments behind its number. Given up
/// too early, a number is only wasted.
pub const GAP_PATIENCE: Duration = Duration::from_secs(10);
/// The `source` of our entries on the event bus.
pub const EVENT_SOURCE: &str = "greffe";
/// Most entries in one PutEvents. Source:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const PUT_EVENTS_MAX: usize = 10;

/// Facts read in one go to be put on the event bus again.
const AGAIN_AT_ONCE: usize = 200;

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
        /// What else the index has of it.
        #[serde(flatten)]
        mail: MailFacts,
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
        /// By what it came to be filed.
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
        /// By what it was taken out.
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
        kind: Noun,
        /// Which date or contact, by your own id; null for all of the member's.
        #[schema(value_type = Option<String>, max_length = 128)]
        external_id: Option<ExternalId>,
        /// The code of the problem in the catalogue.
        code: Code,
        /// Microsoft's error code.
        microsoft_code: String,
    },
    /// What a `push_failed` was about is over: it is in the member's Outlook as you sent it, or gone from there.
    PushRecovered {
        /// The member.
        #[schema(value_type = String)]
        member: MemberId,
        /// What it is.
        kind: Noun,
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

/// What writing a fact came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is written.
    New,
    /// It was written before.
    Before,
    /// A reader gave the number up, or it is another fact's: take another one.
    NumberGivenUp,
}

/// A fact that could not be told.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The table did not take or give it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The event bus did not take it.
    #[error("put {count} facts on the event bus")]
    Bus {
        /// How many were to be told.
        count: usize,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The feed, the bus, and the queue of what is posted to webhooks.
#[derive(Debug, Clone)]
pub struct Feed {
    table: Table,
    client: Client,
    bus: Option<String>,
    deliveries: DeliveryQueue,
    clock: Clock,
    random: Random,
}

/// A fact as it is written: with a salt, which keeps its digest from telling what it says.
#[derive(Serialize)]
struct Salted<'a> {
    #[serde(flatten)]
    fact: &'a Fact,
    salt: String,
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

    /// The same with what this version knows; none if it is none that this version knows.
    pub fn fact(self) -> Option<Fact> {
        serde_json::from_value(Value::Object(self.0)).ok()
    }

    /// When it was recorded.
    fn at(&self) -> Timestamp {
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

/// How the ids of facts begin that stand for lost ones.
const LOST: &str = "lost-";
/// How the ids of facts begin that stand for erased ones.
const ERASED: &str = "erased-";

impl Fact {
    /// What stands for a fact that was lost with a table that was restored. `entry`: the hash of its log entry.
    pub fn lost(entry: Digest, now: Timestamp) -> Self {
        Self { id: format!("{LOST}{entry}"), at: now, what: FactEvent::Void }
    }

    /// That the table was restored, and lost the facts after number `last` up to number `size`.
    pub fn restored(last: u64, size: u64, now: Timestamp) -> Self {
        Self { id: format!("restored-{last}-{size}"), at: now, what: FactEvent::Void }
    }
}

/// A void fact: readers of the feed do not see it, the log has it, with whatever else it says.
#[derive(Serialize)]
struct Unseen<'a, T> {
    r#type: EventType,
    id: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    what: &'a T,
    salt: String,
}

/// A webhook, as far as an announcement goes.
#[derive(Deserialize)]
struct Addressee {
    id: WebhookId,
}

/// The last number of a firm's feed.
#[derive(Deserialize)]
pub(super) struct FeedCounter {
    pub(super) last: u64,
}

impl Feed {
    /// Over the table, the SDK's client with the name of the bus, if anybody listens there, and the queue. Salts are
    /// drawn from `random`.
    pub fn new(
        table: Table,
        (client, bus): (Client, Option<String>),
        deliveries: DeliveryQueue,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { table, client, bus, deliveries, clock, random }
    }

    /// The queue of what is posted to webhooks.
    pub fn deliveries(&self) -> &DeliveryQueue {
        &self.deliveries
    }

    /// The last number that was given out; 0 if none was.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn last_number(&self, firm: FirmId) -> Result<u64, FeedError> {
        let counter = self.table.get::<FeedCounter>(&Key::feed_counter(firm)).await?;
        Ok(counter.map_or(0, |row| row.value.last))
    }

    /// Sends a job for each webhook of the firm and of the operator. A failure only delays the delivery: a webhook has
    /// a place in the feed, and the schedule sends the job again.
    async fn call_webhooks(&self, firm: FirmId) {
        for owner in [Some(firm), None] {
            if let Err(error) = self.call_webhooks_of(owner).await {
                tracing::error!(firm.id = %firm, error = %ErrorChain(error.as_ref()), "webhooks wait for the schedule");
            }
        }
    }

    async fn call_webhooks_of(&self, owner: Option<FirmId>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // One that was made this moment, and is not seen here, gets its first job from the schedule.
        for row in self.table.query_all_eventually::<Addressee>(&Key::webhook_prefix(owner)).await? {
            let job = DeliveryJob::new(owner, row.value.id, self.clock.now(), Uuid::nil());
            self.deliveries.send(&job).await?;
        }
        Ok(())
    }

    /// The write of a fact under its number, which fails if there is one.
    fn write(&self, key: Key, fact: &Fact) -> Write {
        Write::insert(key, &Salted { fact, salt: self.random.token() })
    }

    /// Takes `count` numbers of a firm's feed; the first of them.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn take_numbers(&self, firm: FirmId, count: u64) -> Result<u64, FeedError> {
        let last = self.table.take_feed_numbers(firm, count).await?;
        Ok(last + 1 - count)
    }

    /// Writes a fact under its number. Written before, it stays.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn record(&self, firm: FirmId, number: u64, fact: &Fact) -> Result<Recorded, FeedError> {
        let key = Key::fact(firm, number);
        match self.table.write(self.write(key.clone(), fact)).await {
            Ok(()) => Ok(Recorded::New),
            Err(TableError::Conflict { .. }) => {
                let there = self.table.get::<Fact>(&key).await?;
                let same = there.is_some_and(|row| row.value.id == fact.id);
                Ok(if same { Recorded::Before } else { Recorded::NumberGivenUp })
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Makes writes and records what they do where the log has it and readers of the feed do not see it: all, or
    /// nothing. `what`: fields other than those of a fact.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn record_unseen(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        id: &str,
        what: &impl Serialize,
    ) -> Result<(), FeedError> {
        let (at, unseen) = (self.clock.now(), EventType::Void);
        let write = |_, key| {
            let salt = self.random.token();
            Write::insert(key, &Unseen { r#type: unseen, id, at, what, salt })
        };
        self.write_numbered(firm, writes, (1, id), write).await.map(drop)
    }

    /// Makes writes together with those of `count` facts under the next numbers, the first of which has the id
    /// `first_id`; the first number.
    async fn write_numbered(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        (count, first_id): (u64, &str),
        fact: impl Fn(usize, Key) -> Write,
    ) -> Result<u64, FeedError> {
        loop {
            let first = self.take_numbers(firm, count).await?;
            let keys: Vec<Key> = (first..first + count).map(|number| Key::fact(firm, number)).collect();
            let facts = keys.iter().cloned().enumerate().map(|(i, key)| fact(i, key));
            match self.table.transact(writes.iter().cloned().chain(facts).collect()).await {
                // A reader gave a number up; or the answer was lost, and these are the facts.
                Err(error) if keys.iter().any(|key| error.is_about(key)) => {
                    let there = self.stored(firm, first).await?;
                    if there.is_some_and(|fact| fact.text("id") == Some(first_id)) {
                        return Ok(first);
                    }
                }
                written => return Ok(written.map(|()| first)?),
            }
        }
    }

    /// Leaves of a fact the hash of its log entry and its time.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn void_fact(&self, firm: FirmId, number: u64, entry: Digest, at: Timestamp) -> Result<(), FeedError> {
        let fact = Fact { id: format!("{ERASED}{entry}"), at, what: FactEvent::Void };
        Ok(self.table.write(Write::overwrite(Key::fact(firm, number), &fact)).await?)
    }

    /// Makes writes and records the facts that they make true: all, or nothing. They are to be announced then.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn record_with(
        &self,
        firm: FirmId,
        writes: Vec<Write>,
        facts: Vec<Fact>,
    ) -> Result<Vec<NumberedFact>, FeedError> {
        if facts.is_empty() {
            self.table.transact(writes).await?;
            return Ok(Vec::new());
        }
        let write = |i: usize, key| self.write(key, &facts[i]);
        let first = self.write_numbered(firm, writes, (facts.len() as u64, &facts[0].id), write).await?;
        Ok(facts.into_iter().zip(first..).map(|(fact, number)| NumberedFact { number, fact }).collect())
    }

    /// Makes writes and tells the fact that they make true: all, or nothing.
    ///
    /// Errors: `Conflict` if another changed an item first; the table refuses or does not answer.
    pub async fn tell_with(&self, firm: FirmId, writes: Vec<Write>, fact: Fact) -> Result<(), FeedError> {
        let recorded = self.record_with(firm, writes, vec![fact]).await?;
        self.announce_recorded(firm, &recorded).await;
        Ok(())
    }

    /// Announces facts that are recorded. A receiver that misses one on the bus finds it in the feed.
    pub async fn announce_recorded(&self, firm: FirmId, facts: &[NumberedFact]) {
        if let Err(error) = self.announce(firm, facts).await {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "facts are missing on the event bus");
        }
    }

    /// Puts facts on the event bus, at least once each, and has them posted to webhooks. The operator learns of each
    /// time that the bus does not take them.
    ///
    /// Errors: the event bus refuses or does not answer.
    pub async fn announce(&self, firm: FirmId, facts: &[NumberedFact]) -> Result<(), FeedError> {
        if !facts.is_empty() {
            self.call_webhooks(firm).await;
        }
        let refused = |_: &FeedError| Tally::one(Counter::BusRefusals).publish(self.clock.now());
        self.put_on_bus(firm, facts).await.inspect_err(refused)
    }

    async fn put_on_bus(&self, firm: FirmId, facts: &[NumberedFact]) -> Result<(), FeedError> {
        let Some(bus) = &self.bus else { return Ok(()) };
        for chunk in facts.chunks(PUT_EVENTS_MAX) {
            let failed =
                |source: Box<dyn std::error::Error + Send + Sync>| FeedError::Bus { count: chunk.len(), source };
            let mut request = self.client.put_events();
            for numbered in chunk {
                let detail = serde_json::json!({ "firm": firm, "fact": numbered }).to_string();
                let entry = PutEventsRequestEntry::builder()
                    .event_bus_name(bus)
                    .source(EVENT_SOURCE)
                    .detail_type(numbered.fact.what.name())
                    .detail(detail);
                request = request.entries(entry.build());
            }
            let answer = request.send().await.map_err(|e| failed(e.into()))?;
            if answer.failed_entry_count() > 0 {
                let code = answer.entries().iter().find_map(|e| e.error_code()).unwrap_or("unknown").to_owned();
                return Err(failed(format!("{} entries refused: {code}", answer.failed_entry_count()).into()));
            }
        }
        Ok(())
    }

    /// Puts those of the facts `from` to `to` on the event bus for which `is_meant`; a bounded number of them. Where to
    /// go on; none if that is all.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn announce_again(
        &self,
        firm: FirmId,
        (from, to): (u64, u64),
        is_meant: impl Fn(&FactEvent) -> bool,
    ) -> Result<Option<u64>, FeedError> {
        let after = from.saturating_sub(1);
        let rows: Vec<(u64, Fact)> = self.table.numbered(&Key::fact(firm, after), true, AGAIN_AT_ONCE).await?;
        let reached = rows.last().map(|(number, _)| *number);
        let meant = rows.into_iter().filter(|(number, fact)| *number <= to && is_meant(&fact.what));
        let facts: Vec<NumberedFact> = meant.map(|(number, fact)| NumberedFact { number, fact }).collect();
        self.announce(firm, &facts).await?;
        Ok(reached.filter(|reached| *reached < to).map(|reached| reached + 1))
    }

    /// The facts after number `after`, oldest first, at most `limit`, and the number to go on after.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn facts_after(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<NumberedFact>, u64), FeedError> {
        let rows: Vec<(u64, Fact)> = self.without_gaps(firm, after, limit, now, |fact: &Fact| fact.at).await?;
        let reached = rows.last().map_or(after, |(number, _)| *number);
        let facts = rows.into_iter().filter(|(_, fact)| fact.what != FactEvent::Void);
        Ok((facts.map(|(number, fact)| NumberedFact { number, fact }).collect(), reached))
    }

    /// The same facts as they are stored, with those that say nothing: one for each number.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn stored_facts_after(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(u64, StoredFact)>, FeedError> {
        self.without_gaps(firm, after, limit, now, StoredFact::at).await
    }

    /// The fact with that number as it is stored, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn stored(&self, firm: FirmId, number: u64) -> Result<Option<StoredFact>, FeedError> {
        Ok(self.table.get(&Key::fact(firm, number)).await?.map(|row| row.value))
    }

    /// What is stored under the numbers after `after`, as far as there is no gap. A gap that is old enough is filled.
    async fn without_gaps<T: DeserializeOwned>(
        &self,
        firm: FirmId,
        after: u64,
        limit: usize,
        now: Timestamp,
        at: fn(&T) -> Timestamp,
    ) -> Result<Vec<(u64, T)>, FeedError> {
        let patience = jiff::SignedDuration::try_from(GAP_PATIENCE).unwrap_or_default();
        // A caller may give the largest number that there is.
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        loop {
            let mut rows: Vec<(u64, T)> = self.table.numbered(&Key::fact(firm, after), true, limit).await?;
            let whole = rows.iter().zip(first..).take_while(|((number, _), next)| number == next).count();
            let Some((number, fact)) = rows.get(whole) else { return Ok(rows) };
            if now.duration_since(at(fact)) < patience {
                rows.truncate(whole);
                return Ok(rows);
            }
            for gap in first + whole as u64..*number {
                // Its writer may come after all; then that is what the next reading shows.
                let void = Fact { id: format!("void-{gap}"), at: now, what: FactEvent::Void };
                self.record(firm, gap, &void).await?;
            }
        }
    }

    /// The facts before number `before`, newest first, at most `limit`: for lists, where a gap does no harm.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn facts_before(&self, firm: FirmId, before: u64, limit: usize) -> Result<Vec<NumberedFact>, FeedError> {
        let rows: Vec<(u64, Fact)> = self.table.numbered(&Key::fact(firm, before), false, limit).await?;
        Ok(rows.into_iter().map(|(number, fact)| NumberedFact { number, fact }).collect())
    }
}
