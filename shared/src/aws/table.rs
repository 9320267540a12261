//! The DynamoDB table: every key is spelled here, and nothing scans.
//!
//! One table, `pk` and `sk`, and one index `due` (`due_kind`, `due_at`, keys only). All that belongs to a firm lies in
//! partitions that begin with `FIRM#{firm}`, and every key below takes a [`FirmId`], but one: that of the operator's own item.
//!
//! | what | pk | sk | read by |
//! | --- | --- | --- | --- |
//! | a firm | `FIRM#f` | `FIRM` | key |
//! | an API key | `FIRM#f` | `KEY#id` | key (the key itself names the firm) |
//! | how many keys were made | `FIRM#f` | `KEYS` | key |
//! | what a firm may still call this minute | `FIRM#f` | `ALLOWANCE#minute` | key; TTL |
//! | a request that may be sent again | `FIRM#f`, `OPERATOR` | `IDEMPOTENCY#digest of its key` | key; TTL |
//! | a part of its answer, if that is long | `FIRM#f#ANSWER#digest`, `OPERATOR#ANSWER#digest` | its number, 5 digits | key, in batches; TTL |
//! | the audit trail | `FIRM#f#AUDIT` | `N#` and its number, 20 digits; before there was a chain, `AT#time#request` | partition, either way |
//! | the firm's own app registration | `FIRM#f` | `APP` | key |
//! | the audience that AWS vouches with | `FIRM#f`, `PLATFORM` | `AUDIENCE` | key |
//! | to whom a client id belongs | `OPERATOR` | `APP#client id` | key |
//! | until when its credential is good | `FIRM#f` | `CREDENTIAL` | key; index `due` daily, and while it is rotated |
//! | the same of the platform's own | `PLATFORM` | `CREDENTIAL` | key; index `due` |
//! | a connector | `FIRM#f` | `CONNECTOR#c` | key; all of a firm by prefix |
//! | a connector's tokens | `FIRM#f` | `TOKENS#c` | key |
//! | when a connector is looked at | `FIRM#f` | `WATCH#c` | index `due` |
//! | a sign-in under way | `FIRM#f` | `SIGNIN#digest of its state` | key; TTL |
//! | that a link to connect was used | `FIRM#f` | `LINK#its digest` | key; TTL |
//! | a member | `FIRM#f` | `MEMBER#m` | key; all of a firm by prefix |
//! | that a member has an address | `FIRM#f` | `MEMBERADDRESS#a` | key |
//! | a mailbox | `FIRM#f` | `MAILBOX#m` | key; all of a firm by prefix |
//! | that an address is taken | `FIRM#f` | `ADDRESS#a` | condition only |
//! | that the mailbox with a root folder is known | `FIRM#f` | `ROOTFOLDER#id` | condition only |
//! | the last number of the feed | `FIRM#f` | `FEED` | key |
//! | that a message is filed there | `FIRM#f#DOSSIER#d` | its number, 20 digits | range, newest first |
//! | a fact of the feed | `FIRM#f#FEED` | its number, 20 digits | range, either way |
//! | a mailbox's rounds | `FIRM#f#MAILBOX#m` | `SYNC` | key; index `due` when a round is due |
//! | a mailbox's progress | `FIRM#f#MAILBOX#m` | `PROGRESS` | key |
//! | a folder, and how far it is read | `FIRM#f#MAILBOX#m` | `FOLDER#id` | all by prefix |
//! | where the changes of the tree go on | `FIRM#f#MAILBOX#m` | `TREE` | key |
//! | what the baseline saw | `FIRM#f#MAILBOX#m` | `BASELINE#folder#page` | prefix |
//! | work: a page's messages with steps ahead | `FIRM#f#MAILBOX#m` | `WORK#page#n` | prefix |
//! | a message | `FIRM#f#MAILBOX#m` | `MESSAGE#digest` | key, in batches |
//! | a change of where a message is filed | `FIRM#f#MAILBOX#m` | `FILING#digest#count` | prefix |
//! | a date, a contact | `FIRM#f#DATE`, `FIRM#f#CONTACT` | its external id | key, in batches; all of a firm |
//! | a bulk | `FIRM#f` | `BULK#b` | key; TTL |
//! | what rounds remember of a member | `FIRM#f#MEMBER#m` | `OUTBOX` | key |
//! | the containers of ours in a member's Outlook | `FIRM#f#MEMBER#m` | `HOMES` | key |
//! | when a member's round is due | `FIRM#f#MEMBER#m` | `DUE` | index `due` |
//! | how far a member is with a bulk | `FIRM#f#MEMBER#m` | `BULK#b` | key, in batches |
//! | work: entries with steps ahead | `FIRM#f#MEMBER#m` | `WORK#time#id` | prefix |
//! | a copy of an entry | `FIRM#f#MEMBER#m` | `COPY#noun#external id` | key, in batches; prefix |

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::base::id::{
    BulkId, ClientId, ConnectorId, EntryId, ExternalId, FirmId, FolderId, KeyId, MailboxId, MemberId, MessageId, Noun,
    TenantId,
};

/// The attribute by which DynamoDB forgets an item, in seconds since 1970.
pub const TTL_ATTRIBUTE: &str = "expires_at";
/// The index sorted by time.
pub const DUE_INDEX: &str = "due";
/// The `due_kind` of a mailbox whose next round is due.
pub const DUE_MAILBOX: &str = "mailbox";
/// The `due_kind` of a connector that is to be looked at.
pub const DUE_CONNECTOR: &str = "connector";
/// The `due_kind` of a member whose next push is due.
pub const DUE_PUSH: &str = "push";
/// The `due_kind` of an app registration that is to be looked at.
pub const DUE_CREDENTIAL: &str = "credential";

/// The longest keys that DynamoDB takes, in bytes.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const PARTITION_KEY_BYTES_MAX: usize = 2_048;
const SORT_KEY_BYTES_MAX: usize = 1_024;

type Item = HashMap<String, AttributeValue>;

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    fn of_firm(firm: FirmId, sk: String) -> Self {
        Self { pk: format!("FIRM#{firm}"), sk }
    }

    fn of_mailbox(firm: FirmId, mailbox: MailboxId, sk: String) -> Self {
        Self { pk: format!("FIRM#{firm}#MAILBOX#{mailbox}"), sk }
    }

    fn of_member(firm: FirmId, member: MemberId, sk: String) -> Self {
        Self { pk: format!("FIRM#{firm}#MEMBER#{member}"), sk }
    }

    /// A firm.
    pub fn firm(firm: FirmId) -> Self {
        Self::of_firm(firm, "FIRM".to_owned())
    }

    /// An API key of a firm.
    pub fn api_key(firm: FirmId, key: KeyId) -> Self {
        Self::of_firm(firm, format!("KEY#{key}"))
    }

    /// All API keys of a firm.
    pub fn api_key_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "KEY#".to_owned())
    }

    /// What is held to a version while a key of a firm is made.
    pub fn api_key_count(firm: FirmId) -> Self {
        Self::of_firm(firm, "KEYS".to_owned())
    }

    /// How often a firm called within a minute since 1970.
    pub fn allowance(firm: FirmId, minute: i64) -> Self {
        Self::of_firm(firm, format!("ALLOWANCE#{minute}"))
    }

    /// The mark of a request that may be sent again; those of no firm are the operator's.
    pub fn idempotency(firm: Option<FirmId>, digest: &str) -> Self {
        let sk = format!("IDEMPOTENCY#{digest}");
        match firm {
            Some(firm) => Self::of_firm(firm, sk),
            None => Self { pk: "OPERATOR".to_owned(), sk },
        }
    }

    /// A part of the answer to such a request. The parts have a partition of their own: writing them slows nothing else.
    pub fn answer_part(firm: Option<FirmId>, digest: &str, part: u32) -> Self {
        let owner = firm.map_or_else(|| "OPERATOR".to_owned(), |firm| format!("FIRM#{firm}"));
        Self { pk: format!("{owner}#ANSWER#{digest}"), sk: format!("{part:05}") }
    }

    /// An entry of the audit trail, by its number.
    pub fn audit(firm: FirmId, number: u64) -> Self {
        Self { sk: format!("N#{number:020}"), ..Self::audit_prefix(firm) }
    }

    /// The entry that a [`Key::audit_cursor`] names: a number, or in older entries a time and a request. None if it names none.
    pub fn audit_after(firm: FirmId, cursor: &str) -> Option<Self> {
        let number = cursor.len() == 20 && cursor.bytes().all(|b| b.is_ascii_digit());
        let timed = || cursor.split_once('#').is_some_and(|(time, _)| time.parse::<Timestamp>().is_ok());
        let sk = format!("{}{cursor}", if number { "N#" } else { "AT#" });
        (number || timed()).then(|| Self { sk, ..Self::audit_prefix(firm) })
    }

    /// The audit trail. The template closes such partitions to updates and deletions.
    pub fn audit_prefix(firm: FirmId) -> Self {
        Self { pk: format!("FIRM#{firm}#AUDIT"), sk: String::new() }
    }

    /// What names an entry of the audit trail, in order.
    pub fn audit_cursor(&self) -> Option<&str> {
        self.sk.strip_prefix("N#").or_else(|| self.sk.strip_prefix("AT#"))
    }

    /// The firm's own app registration: there is one place for it.
    pub fn own_app(firm: FirmId) -> Self {
        Self::of_firm(firm, "APP".to_owned())
    }

    /// Until when the credential of an app registration is good: the firm's own, or with none the platform's.
    pub fn credential(firm: Option<FirmId>) -> Self {
        let sk = "CREDENTIAL".to_owned();
        match firm {
            Some(firm) => Self::of_firm(firm, sk),
            None => Self { pk: "PLATFORM".to_owned(), sk },
        }
    }

    /// The audience that AWS vouches with for a firm, or with none for the platform.
    pub fn audience(firm: Option<FirmId>) -> Self {
        let sk = "AUDIENCE".to_owned();
        match firm {
            Some(firm) => Self::of_firm(firm, sk),
            None => Self { pk: "PLATFORM".to_owned(), sk },
        }
    }

    /// To whom a client id belongs. Entra takes one in any case.
    pub fn app_claim(client_id: &ClientId) -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: format!("APP#{}", client_id.as_str().to_ascii_lowercase()) }
    }

    /// The firm that a [`Key::credential`] belongs to; none for the platform.
    fn credential_owner(&self) -> Option<Option<FirmId>> {
        match self.pk.as_str() {
            "PLATFORM" => Some(None),
            pk => Some(Some(pk.strip_prefix("FIRM#")?.parse().ok()?)),
        }
    }

    /// A connector.
    pub fn connector(firm: FirmId, connector: ConnectorId) -> Self {
        Self::of_firm(firm, format!("CONNECTOR#{connector}"))
    }

    /// A connector's tokens, sealed.
    pub fn tokens(firm: FirmId, connector: ConnectorId) -> Self {
        Self::of_firm(firm, format!("TOKENS#{connector}"))
    }

    /// When a connector is looked at.
    pub fn watch(firm: FirmId, connector: ConnectorId) -> Self {
        Self::of_firm(firm, format!("WATCH#{connector}"))
    }

    /// The connector that a [`Key::watch`] belongs to.
    fn watch_owner(&self) -> Option<(FirmId, ConnectorId)> {
        Some((self.pk.strip_prefix("FIRM#")?.parse().ok()?, self.sk.strip_prefix("WATCH#")?.parse().ok()?))
    }

    /// A sign-in under way, by the digest of its state.
    pub fn sign_in(firm: FirmId, state_digest: &str) -> Self {
        Self::of_firm(firm, format!("SIGNIN#{state_digest}"))
    }

    /// That a link to connect was used, by the digest of its ticket.
    pub fn used_link(firm: FirmId, ticket_digest: &str) -> Self {
        Self::of_firm(firm, format!("LINK#{ticket_digest}"))
    }

    /// To which firm a tenant belongs.
    pub fn tenant(tenant: &TenantId) -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: format!("TENANT#{}", tenant.as_str().to_ascii_lowercase()) }
    }

    /// All tenants with a [`Key::tenant`].
    pub fn tenant_prefix() -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: "TENANT#".to_owned() }
    }

    /// A member.
    pub fn member(firm: FirmId, member: MemberId) -> Self {
        Self::of_firm(firm, format!("MEMBER#{member}"))
    }

    /// That a member of the firm has this address; `address` in lower case.
    pub fn member_address(firm: FirmId, address: &str) -> Self {
        Self::of_firm(firm, format!("MEMBERADDRESS#{address}"))
    }

    /// A mailbox.
    pub fn mailbox(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_firm(firm, format!("MAILBOX#{mailbox}"))
    }

    /// That a mailbox address is taken within the firm; `address` in lower case.
    pub fn address(firm: FirmId, address: &str) -> Self {
        Self::of_firm(firm, format!("ADDRESS#{address}"))
    }

    /// That the mailbox with this root folder is known within the firm.
    pub fn root_folder(firm: FirmId, root: &FolderId) -> Self {
        Self::of_firm(firm, format!("ROOTFOLDER#{root}"))
    }

    /// The last number given out in the firm's feed.
    pub fn feed_counter(firm: FirmId) -> Self {
        Self::of_firm(firm, "FEED".to_owned())
    }

    /// A fact of the firm's feed.
    pub fn fact(firm: FirmId, number: u64) -> Self {
        Self { pk: format!("FIRM#{firm}#FEED"), sk: format!("{number:020}") }
    }

    /// That the message with this number of the feed is filed to a dossier.
    pub fn filed(firm: FirmId, dossier: &str, number: u64) -> Self {
        Self { pk: format!("FIRM#{firm}#DOSSIER#{dossier}"), sk: format!("{number:020}") }
    }

    /// A mailbox's rounds.
    pub fn sync(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "SYNC".to_owned())
    }

    /// A mailbox's progress.
    pub fn progress(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "PROGRESS".to_owned())
    }

    /// Where the changes of the tree of folders go on.
    pub fn tree(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "TREE".to_owned())
    }

    /// All folders of a mailbox.
    pub fn folder_prefix(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "FOLDER#".to_owned())
    }

    /// A folder, and how far it is read.
    pub fn folder(firm: FirmId, mailbox: MailboxId, folder: &FolderId) -> Self {
        Self::of_mailbox(firm, mailbox, format!("FOLDER#{folder}"))
    }

    /// One page of what a folder's baseline saw.
    pub fn baseline(firm: FirmId, mailbox: MailboxId, folder: &FolderId, page: &str) -> Self {
        Self::of_mailbox(firm, mailbox, format!("BASELINE#{folder}#{page}"))
    }

    /// All that a folder's baseline saw.
    pub fn baseline_prefix(firm: FirmId, mailbox: MailboxId, folder: &FolderId) -> Self {
        Self::of_mailbox(firm, mailbox, format!("BASELINE#{folder}#"))
    }

    /// An item of a page's work, or the prefix of all of them.
    pub fn work(firm: FirmId, mailbox: MailboxId, page: &str) -> Self {
        Self::of_mailbox(firm, mailbox, format!("WORK#{page}"))
    }

    /// All work of a mailbox.
    pub fn work_prefix(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "WORK#".to_owned())
    }

    /// A message.
    pub fn message(firm: FirmId, message: MessageId) -> Self {
        Self::of_mailbox(firm, message.mailbox, format!("MESSAGE#{}", message.local()))
    }

    /// An entry.
    pub fn entry(firm: FirmId, noun: Noun, id: &ExternalId) -> Self {
        Self { sk: id.to_string(), ..Self::entry_prefix(firm, noun) }
    }

    /// All entries of a noun.
    pub fn entry_prefix(firm: FirmId, noun: Noun) -> Self {
        let noun = match noun {
            Noun::Date => "DATE",
            Noun::Contact => "CONTACT",
        };
        Self { pk: format!("FIRM#{firm}#{noun}"), sk: String::new() }
    }

    /// A bulk.
    pub fn bulk(firm: FirmId, bulk: BulkId) -> Self {
        Self::of_firm(firm, format!("BULK#{bulk}"))
    }

    /// How far a member is with a bulk.
    pub fn bulk_progress(firm: FirmId, member: MemberId, bulk: BulkId) -> Self {
        Self::of_member(firm, member, format!("BULK#{bulk}"))
    }

    /// What rounds remember of a member.
    pub fn outbox(firm: FirmId, member: MemberId) -> Self {
        Self::of_member(firm, member, "OUTBOX".to_owned())
    }

    /// The containers of ours in a member's Outlook.
    pub fn homes(firm: FirmId, member: MemberId) -> Self {
        Self::of_member(firm, member, "HOMES".to_owned())
    }

    /// When a member's next push is due.
    pub fn push_due(firm: FirmId, member: MemberId) -> Self {
        Self::of_member(firm, member, "DUE".to_owned())
    }

    /// An item of a member's work.
    pub fn push_work(firm: FirmId, member: MemberId, id: &str) -> Self {
        Self::of_member(firm, member, format!("WORK#{id}"))
    }

    /// All work of a member.
    pub fn push_work_prefix(firm: FirmId, member: MemberId) -> Self {
        Self::of_member(firm, member, "WORK#".to_owned())
    }

    /// A copy of an entry.
    pub fn copy(firm: FirmId, member: MemberId, entry: &EntryId) -> Self {
        Self::of_member(firm, member, format!("COPY#{entry}"))
    }

    /// All copies of a member.
    pub fn copy_prefix(firm: FirmId, member: MemberId) -> Self {
        Self::of_member(firm, member, "COPY#".to_owned())
    }

    /// A member's copies of entries of one noun.
    pub fn copy_prefix_of(firm: FirmId, member: MemberId, noun: Noun) -> Self {
        Self::of_member(firm, member, format!("COPY#{}#", noun.name()))
    }

    /// The `count`th change of where a message is filed.
    pub fn filing(firm: FirmId, message: MessageId, count: u32) -> Self {
        Self::of_mailbox(firm, message.mailbox, format!("FILING#{}#{count:010}", message.local()))
    }

    /// All changes of where a message is filed.
    pub fn filing_prefix(firm: FirmId, message: MessageId) -> Self {
        Self::of_mailbox(firm, message.mailbox, format!("FILING#{}#", message.local()))
    }

    /// All connectors of a firm.
    pub fn connector_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "CONNECTOR#".to_owned())
    }

    /// All members of a firm.
    pub fn member_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "MEMBER#".to_owned())
    }

    /// All mailboxes of a firm.
    pub fn mailbox_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "MAILBOX#".to_owned())
    }

    /// The mailbox that a [`Key::sync`] belongs to.
    pub fn sync_owner(&self) -> Option<(FirmId, MailboxId)> {
        self.owner("#MAILBOX#")
    }

    /// The member that a [`Key::push_due`] or a [`Key::bulk_progress`] belongs to.
    pub fn member_owner(&self) -> Option<(FirmId, MemberId)> {
        self.owner("#MEMBER#")
    }

    fn owner<T: std::str::FromStr>(&self, noun: &str) -> Option<(FirmId, T)> {
        let (firm, id) = self.pk.strip_prefix("FIRM#")?.split_once(noun)?;
        Some((firm.parse().ok()?, id.parse().ok()?))
    }

    /// Whether an item lies among those that begin as `prefix` does.
    pub fn begins_as(&self, prefix: &Self) -> bool {
        self.pk == prefix.pk && self.sk.starts_with(&prefix.sk)
    }

    /// The number of a [`Key::fact`] or a [`Key::filed`].
    fn number(&self) -> Option<u64> {
        self.sk.parse().ok()
    }

    /// That DynamoDB takes it. What a caller of the API sent may be part of a key, and may be too long.
    fn check(&self) -> Result<(), TableError> {
        match self.pk.len() <= PARTITION_KEY_BYTES_MAX && self.sk.len() <= SORT_KEY_BYTES_MAX {
            true => Ok(()),
            false => Err(TableError::KeyTooLong),
        }
    }

    fn item(&self) -> Item {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    fn of_item(item: &Item) -> Option<Self> {
        Some(Self { pk: item.get("pk")?.as_s().ok()?.clone(), sk: item.get("sk")?.as_s().ok()?.clone() })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

/// What a read or a write of the table came to. Nothing of the item's content is told.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Somebody else wrote first: read again and decide again.
    #[error("{key} was changed by another in the meantime")]
    Conflict {
        /// The item.
        key: Key,
    },
    /// A text is longer than any that lies in the table.
    #[error("an id, an address or a cursor is too long")]
    KeyTooLong,
    /// DynamoDB refused or did not answer.
    #[error("{attempted} {key}")]
    Service {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The item.
        key: Key,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The item is not what this version of greffe writes.
    #[error("{key} can't be understood")]
    Malformed {
        /// The item.
        key: Key,
        /// What did not fit.
        #[source]
        source: serde_dynamo::Error,
    },
}

/// An item as it was read, with the version that a later write is held to.
#[derive(Debug, Clone)]
pub struct Row<T> {
    /// Where it lies.
    pub key: Key,
    version: u64,
    /// What it holds.
    pub value: T,
}

impl<T> Row<T> {
    /// An item as it is after [`Write::insert`] of it succeeded.
    pub fn inserted(key: Key, value: T) -> Self {
        Self { key, version: 1, value }
    }

    /// The same item with another value, held to the same version.
    pub fn with(self, value: T) -> Self {
        Self { value, ..self }
    }

    /// The same item after [`Write::replace`] of it succeeded: further writes are held to what was written.
    pub fn written(&mut self) {
        self.version += 1;
    }
}

/// Items in key order, and where the next page begins.
#[derive(Debug)]
pub struct Page<T> {
    /// The items.
    pub rows: Vec<Row<T>>,
    /// The key to go on after, if there may be more.
    pub next: Option<Key>,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub enum Write {
    #[doc(hidden)]
    Put { key: Key, item: Item, guard: Guard },
    #[doc(hidden)]
    Delete { key: Key, guard: Guard },
    #[doc(hidden)]
    Add { key: Key, counters: Vec<(String, i64)> },
}

#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Guard {
    None,
    Absent,
    Version(u64),
}

impl Guard {
    fn condition(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Absent => Some("attribute_not_exists(pk)"),
            Self::Version(_) => Some("#version = :version"),
        }
    }

    fn names(self) -> Option<HashMap<String, String>> {
        matches!(self, Self::Version(_)).then(|| HashMap::from([("#version".to_owned(), "version".to_owned())]))
    }

    fn values(self) -> Option<Item> {
        match self {
            Self::Version(v) => Some(HashMap::from([(":version".to_owned(), AttributeValue::N(v.to_string()))])),
            _ => None,
        }
    }
}

impl Write {
    /// A new item; fails if there is one.
    pub fn insert<T: Serialize>(key: Key, value: &T) -> Self {
        Self::Put { item: versioned(&key, value, 1), key, guard: Guard::Absent }
    }

    /// The item's new value; fails if another wrote since `row` was read.
    pub fn replace<T: Serialize>(row: &Row<T>) -> Self {
        let item = versioned(&row.key, &row.value, row.version + 1);
        Self::Put { key: row.key.clone(), item, guard: Guard::Version(row.version) }
    }

    /// The item's value, whatever was there.
    pub fn overwrite<T: Serialize>(key: Key, value: &T) -> Self {
        Self::Put { item: versioned(&key, value, 1), key, guard: Guard::None }
    }

    /// No item any more; fails if another wrote since `row` was read.
    pub fn remove<T>(row: &Row<T>) -> Self {
        Self::Delete { key: row.key.clone(), guard: Guard::Version(row.version) }
    }

    /// No item any more, whatever was there.
    pub fn discard(key: Key) -> Self {
        Self::Delete { key, guard: Guard::None }
    }

    /// Adds to counters; an item or a counter that is not there begins at 0.
    pub fn add(key: Key, counters: Vec<(String, i64)>) -> Self {
        Self::Add { key, counters }
    }

    fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Add { key, .. } => key,
        }
    }
}

fn versioned<T: Serialize>(key: &Key, value: &T, version: u64) -> Item {
    // Every type that is stored is a plain struct of ours; that it fits is tested where it is defined.
    let mut item: Item = serde_dynamo::to_item(value).expect("a stored type is a map of attributes");
    item.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
    item.extend(key.item());
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    item
}

fn read<T: DeserializeOwned>(item: Item, fallback: &Key) -> Result<Row<T>, TableError> {
    let key = Key::of_item(&item).unwrap_or_else(|| fallback.clone());
    let version = item.get("version").and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
    match serde_dynamo::from_item(item) {
        Ok(value) => Ok(Row { key, version, value }),
        Err(source) => Err(TableError::Malformed { key, source }),
    }
}

/// Most keys in one BatchGetItem.
const BATCH_GET_MAX: usize = 100;
/// How often a BatchGetItem that was answered in part is asked for the rest.
const BATCH_GET_TRIES: usize = 8;

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// Over the SDK's client.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The item, as it is at this moment.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Row<T>>, TableError> {
        key.check()?;
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key.item())).consistent_read(true);
        let answer = request.send().await.map_err(|e| service("read", key, e))?;
        answer.item.map(|item| read(item, key)).transpose()
    }

    /// Those of the items that exist, as they are at this moment, in no order.
    pub async fn get_all<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<Row<T>>, TableError> {
        keys.iter().try_for_each(Key::check)?;
        let mut rows = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_GET_MAX) {
            let mut rest: Vec<Item> = chunk.iter().map(Key::item).collect();
            for _ in 0..BATCH_GET_TRIES {
                if rest.is_empty() {
                    break;
                }
                let wanted = KeysAndAttributes::builder().set_keys(Some(rest)).consistent_read(true).build();
                let wanted = wanted.map_err(|e| service("read", &chunk[0], e))?;
                let request = self.client.batch_get_item().request_items(&self.name, wanted);
                let answer = request.send().await.map_err(|e| service("read", &chunk[0], e))?;
                for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                    rows.push(read(item, &chunk[0])?);
                }
                let left = answer.unprocessed_keys.and_then(|mut u| u.remove(&self.name));
                rest = left.map(|l| l.keys).unwrap_or_default();
            }
            if !rest.is_empty() {
                return Err(service("read", &chunk[0], "DynamoDB left keys unprocessed again and again"));
            }
        }
        Ok(rows)
    }

    /// Items whose sort key begins as `prefix` does, in order, as they are at this moment.
    pub async fn query<T: DeserializeOwned>(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Page<T>, TableError> {
        [Some(prefix), after].into_iter().flatten().try_for_each(Key::check)?;
        let request = self.client.query().table_name(&self.name);
        // Nothing begins with an empty text as DynamoDB sees it: then it is the whole partition.
        let request = match prefix.sk.as_str() {
            "" => request.key_condition_expression("pk = :pk"),
            sk => request
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", AttributeValue::S(sk.to_owned())),
        };
        let request = request
            .expression_attribute_values(":pk", AttributeValue::S(prefix.pk.clone()))
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(Key::item));
        let answer = request.send().await.map_err(|e| service("list", prefix, e))?;
        let rows = answer.items.unwrap_or_default().into_iter().map(|item| read(item, prefix));
        Ok(Page {
            rows: rows.collect::<Result<_, _>>()?,
            next: answer.last_evaluated_key.as_ref().and_then(Key::of_item),
        })
    }

    /// All items whose sort key begins as `prefix` does: for what is known to be few.
    pub async fn query_all<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<Row<T>>, TableError> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = self.query(prefix, after.as_ref(), 1_000).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// The item with the greatest sort key of the partition that `partition` lies in, as it is at this moment.
    pub async fn last<T: DeserializeOwned>(&self, partition: &Key) -> Result<Option<Row<T>>, TableError> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition.pk.clone()))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1);
        let answer = request.send().await.map_err(|e| service("list", partition, e))?;
        answer.items.unwrap_or_default().into_iter().next().map(|item| read(item, partition)).transpose()
    }

    /// Numbered items with their numbers: the `limit` next after `edge` going up, or next before it going down.
    pub async fn numbered<T: DeserializeOwned>(
        &self,
        edge: &Key,
        upwards: bool,
        limit: usize,
    ) -> Result<Vec<(u64, T)>, TableError> {
        edge.check()?;
        let condition = if upwards { "pk = :pk AND sk > :sk" } else { "pk = :pk AND sk < :sk" };
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(edge.pk.clone()))
            .expression_attribute_values(":sk", AttributeValue::S(edge.sk.clone()))
            .consistent_read(true)
            .scan_index_forward(upwards)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|e| service("list", edge, e))?;
        let rows = answer.items.unwrap_or_default().into_iter().map(|item| read::<T>(item, edge));
        rows.map(|row| row.map(|row| (row.key.number().unwrap_or_default(), row.value))).collect()
    }

    /// The mailboxes whose next round is due by `now`, longest due first, at most `limit`. The index lags by moments.
    pub async fn due_mailboxes(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(FirmId, MailboxId, String)>, TableError> {
        let due = self.due(DUE_MAILBOX, now, limit).await?.into_iter();
        Ok(due.filter_map(|(key, at)| key.sync_owner().map(|(firm, mailbox)| (firm, mailbox, at))).collect())
    }

    /// The same for members whose next push is due.
    pub async fn due_members(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(FirmId, MemberId, String)>, TableError> {
        let due = self.due(DUE_PUSH, now, limit).await?.into_iter();
        Ok(due.filter_map(|(key, at)| key.member_owner().map(|(firm, member)| (firm, member, at))).collect())
    }

    /// The connectors that are to be looked at by `now`, longest due first, at most `limit`.
    pub async fn due_connectors(&self, now: Timestamp, limit: usize) -> Result<Vec<(FirmId, ConnectorId)>, TableError> {
        let due = self.due(DUE_CONNECTOR, now, limit).await?;
        Ok(due.into_iter().filter_map(|(key, _)| key.watch_owner()).collect())
    }

    /// The owners of the app registrations to look at by `now`, longest due first, at most `limit`; none is the platform.
    pub async fn due_credentials(&self, now: Timestamp, limit: usize) -> Result<Vec<Option<FirmId>>, TableError> {
        let due = self.due(DUE_CREDENTIAL, now, limit).await?;
        Ok(due.into_iter().filter_map(|(key, _)| key.credential_owner()).collect())
    }

    async fn due(&self, kind: &'static str, now: Timestamp, limit: usize) -> Result<Vec<(Key, String)>, TableError> {
        let edge = Key { pk: kind.to_owned(), sk: now.to_string() };
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_kind = :kind AND due_at <= :now")
            .expression_attribute_values(":kind", AttributeValue::S(edge.pk.clone()))
            .expression_attribute_values(":now", AttributeValue::S(sortable(now)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|e| service("list what is due in", &edge, e))?;
        let due = answer.items.unwrap_or_default().into_iter();
        Ok(due.filter_map(|item| Some((Key::of_item(&item)?, item.get("due_at")?.as_s().ok()?.clone()))).collect())
    }

    /// One write.
    pub async fn write(&self, write: Write) -> Result<(), TableError> {
        let key = write.key().clone();
        key.check()?;
        let result: Result<(), Box<dyn std::error::Error + Send + Sync>> = match write {
            Write::Put { item, guard, .. } => {
                let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
                let request = request
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values());
                request.send().await.map(drop).map_err(Into::into)
            }
            Write::Delete { guard, .. } => {
                let request = self.client.delete_item().table_name(&self.name).set_key(Some(key.item()));
                let request = request
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values());
                request.send().await.map(drop).map_err(Into::into)
            }
            Write::Add { .. } => return self.transact_all(vec![write]).await,
        };
        result.map_err(|source| match condition_failed(source.as_ref()) {
            true => TableError::Conflict { key: key.clone() },
            false => TableError::Service { attempted: "write", key, source },
        })
    }

    /// All writes, or none. A conflict names the first item whose condition failed.
    pub async fn transact(&self, mut writes: Vec<Write>) -> Result<(), TableError> {
        // By itself a write costs half.
        match writes.len() {
            1 => self.write(writes.remove(0)).await,
            _ => self.transact_all(writes).await,
        }
    }

    /// One transaction, which AWS carries out once however often the SDK sends it.
    async fn transact_all(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let Some(first) = writes.first().map(|w| w.key().clone()) else { return Ok(()) };
        let keys: Vec<Key> = writes.iter().map(|w| w.key().clone()).collect();
        keys.iter().try_for_each(Key::check)?;
        let items = writes.into_iter().map(|w| self.transact_item(w)).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|e| service("write", &first, e))?;
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        sent.map(drop).map_err(|e| {
            if let SdkError::ServiceError(s) = &e
                && let TransactWriteItemsError::TransactionCanceledException(cancelled) = s.err()
            {
                let refused =
                    |code: Option<&str>| matches!(code, Some("ConditionalCheckFailed" | "TransactionConflict"));
                let position = cancelled.cancellation_reasons().iter().position(|r| refused(r.code()));
                if let Some(key) = position.and_then(|i| keys.get(i)) {
                    return TableError::Conflict { key: key.clone() };
                }
            }
            service("write", &first, e)
        })
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let item = TransactWriteItem::builder();
        Ok(match write {
            Write::Put { item: value, guard, .. } => item.put(
                Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(value))
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values())
                    .build()?,
            ),
            Write::Delete { key, guard } => item.delete(
                Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key.item()))
                    .set_condition_expression(guard.condition().map(str::to_owned))
                    .set_expression_attribute_names(guard.names())
                    .set_expression_attribute_values(guard.values())
                    .build()?,
            ),
            Write::Add { key, counters } => {
                let parts: Vec<String> = (0..counters.len()).map(|i| format!("#c{i} :c{i}")).collect();
                let mut update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key.item()))
                    .update_expression(format!("ADD {}", parts.join(", ")));
                for (i, (name, by)) in counters.into_iter().enumerate() {
                    update = update
                        .expression_attribute_names(format!("#c{i}"), name)
                        .expression_attribute_values(format!(":c{i}"), AttributeValue::N(by.to_string()));
                }
                item.update(update.build()?)
            }
        }
        .build())
    }

    /// Adds `by` to the counter `last` of `key` and returns what it is then: each number is given out once.
    pub async fn take_numbers(&self, key: &Key, by: u64) -> Result<u64, TableError> {
        self.add_to_last(key, by, None).await
    }

    /// The same, for a counter that DynamoDB forgets after `expires_at`.
    pub async fn count(&self, key: &Key, by: u64, expires_at: Timestamp) -> Result<u64, TableError> {
        self.add_to_last(key, by, Some(expires_at)).await
    }

    async fn add_to_last(&self, key: &Key, by: u64, expires_at: Option<Timestamp>) -> Result<u64, TableError> {
        let set = expires_at.map_or("", |_| " SET #expires = :expires");
        let mut request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .update_expression(format!("ADD #last :by{set}"))
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":by", AttributeValue::N(by.to_string()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        if let Some(at) = expires_at {
            request = request
                .expression_attribute_names("#expires", TTL_ATTRIBUTE)
                .expression_attribute_values(":expires", AttributeValue::N(at.as_second().to_string()));
        }
        let answer = request.send().await.map_err(|e| service("number", key, e))?;
        let last = answer.attributes.as_ref().and_then(|a| a.get("last")?.as_n().ok()?.parse().ok());
        last.ok_or_else(|| service("number", key, "DynamoDB returned no number"))
    }
}

/// A time that sorts as text: UTC, always with three fractional digits.
pub fn sortable(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn condition_failed(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(e) = source {
        if e.is::<aws_sdk_dynamodb::types::error::ConditionalCheckFailedException>() {
            return true;
        }
        source = e.source();
    }
    false
}

fn service(
    attempted: &'static str,
    key: &Key,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TableError {
    TableError::Service { attempted, key: key.clone(), source: source.into() }
}
