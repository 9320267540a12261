//! Keys: where each item of the table lies. Every key is spelled here, and nothing scans.
//!
//! One table, `pk` and `sk`, and one index `due` (`due_kind`, `due_at`, keys only). All that belongs to a firm lies in
//! partitions that begin with `FIRM#{firm}`, and every key of it takes a [`FirmId`].
//!
//! | what | pk | sk | read by |
//! | --- | --- | --- | --- |
//! | a firm | `FIRM#f` | `FIRM` | key |
//! | an API key | `FIRM#f` | `KEY#id` | key (the key itself names the firm) |
//! | how many keys were made | `FIRM#f` | `KEYS` | key |
//! | what a firm may still call this minute | `FIRM#f` | `ALLOWANCE#minute` | key; TTL |
//! | a request that may be sent again | `FIRM#f`, `OPERATOR` | `IDEMPOTENCY#digest of its key` | key; TTL |
//! | a part of its answer, if that is long | `FIRM#f#ANSWER#digest`, `OPERATOR#ANSWER#digest` | its number, 5 digits |
//! key, in batches; TTL |
//! | the audit trail | `FIRM#f#AUDIT` | `N#` and its number, 20 digits; before there was a chain, `AT#time#request` |
//! partition, either way |
//! | the firm's own app registration | `FIRM#f` | `APP` | key |
//! | the audience that AWS vouches with | `FIRM#f`, `PLATFORM` | `AUDIENCE` | key |
//! | the firms that have access to a tenant, or wait for it | `OPERATOR` | `TENANT#tenant id` | key; all by prefix |
//! | to whom a client id belongs | `OPERATOR` | `APP#client id` | key |
//! | until when its credential is good | `FIRM#f` | `CREDENTIAL` | key; index `due` daily, and while it is rotated |
//! | the same of the platform's own | `PLATFORM` | `CREDENTIAL` | key; index `due` |
//! | a connector | `FIRM#f` | `CONNECTOR#c` | key; all of a firm by prefix |
//! | a connector's tokens | `FIRM#f` | `TOKENS#c` | key |
//! | when a connector is looked at | `FIRM#f` | `WATCH#c` | index `due` |
//! | a sign-in under way | `FIRM#f` | `SIGNIN#digest of its state` | key; TTL |
//! | that a link to connect was used | `FIRM#f` | `LINK#its digest` | key; TTL |
//! | a console user | `FIRM#f` | `USER#u` | key; all of a firm by prefix |
//! | the firms that a console user may enter | `USER#u` | `FIRMS` | key |
//! | a session of the console | `SESSION#digest of its cookie` | `SESSION` | key; TTL |
//! | a sign-in to the console under way | `SIGNIN#digest of its state` | `SIGNIN` | key; TTL |
//! | that an invitation or an operator's link was used | `PASS#its digest` | `PASS` | key; TTL |
//! | a member | `FIRM#f` | `MEMBER#m` | key; all of a firm by prefix |
//! | that a member has an address | `FIRM#f` | `MEMBERADDRESS#a` | key |
//! | a mailbox | `FIRM#f` | `MAILBOX#m` | key; all of a firm by prefix |
//! | that an address is taken | `FIRM#f` | `ADDRESS#a` | condition only |
//! | that the mailbox with a root folder is known | `FIRM#f` | `ROOTFOLDER#id` | condition only |
//! | the last number of the feed | `FIRM#f` | `FEED` | key |
//! | that a message is filed there | `FIRM#f#DOSSIER#d` | its number, 20 digits | range, newest first |
//! | that there is a firm | `FIRMS` | its id | prefix |
//! | what has an external id of the caller's own | `FIRM#f`; of a firm, `OPERATOR` | `NAMED#noun#external id` | key |
//! | how far the joint feed of all firms goes | `OPERATOR` | `FEED` | key |
//! | up to where a firm's feed stands in it | `OPERATOR` | `JOINED#f` | key, in batches |
//! | a stretch of it | `OPERATOR#FEED` | its number, 20 digits | range, upwards |
//! | a webhook | `FIRM#f`, `OPERATOR` | `WEBHOOK#w` | key, prefix |
//! | how many webhooks were made | `FIRM#f`, `OPERATOR` | `WEBHOOKS` | key |
//! | how far a webhook is | `FIRM#f`, `OPERATOR` | `POSTED#w` | key; index `due` when it is tried again |
//! | one try to post an event | `FIRM#f#WEBHOOK#w`, `OPERATOR#WEBHOOK#w` | `time#event` | range, newest first; TTL |
//! | the calls that wait for events | `OPERATOR` | `WAITING` | key |
//! | when a firm's log is due | `FIRM#f` | `LOG` | key; index `due` |
//! | that a checkpoint of a firm's log was stamped | `FIRM#f#STAMP` | its size, 20 digits | range, either way |
//! | how far the check of a firm's archive is | `FIRM#f` | `CHECK` | key |
//! | an erasure that was asked for | `FIRM#f` | `ERASURE#e` | key, prefix; index `due` while there is something to do |
//! | a page of what an erasure by the periods found | `FIRM#f` | `ERASED#e#n`, the page as ten digits | key |
//! | that a dossier is under a legal hold | `FIRM#f` | `HOLD#d` | key, prefix |
//! | the class of a dossier, by which its mail is kept | `FIRM#f` | `CLASS#d` | key, prefix |
//! | how far the keeper of a firm's originals is | `FIRM#f` | `KEEPER` | key |
//! | a fact of the feed | `FIRM#f#FEED` | its number, 20 digits | range, either way |
//! | a mailbox's rounds | `FIRM#f#MAILBOX#m` | `SYNC` | key; index `due` when a round is due |
//! | whose turn it is at a mailbox | `FIRM#f#MAILBOX#m` | `TURN` | key |
//! | a mailbox's progress | `FIRM#f#MAILBOX#m` | `PROGRESS` | key |
//! | a folder, and how far it is read | `FIRM#f#MAILBOX#m` | `FOLDER#id` | all by prefix |
//! | where the changes of the tree go on | `FIRM#f#MAILBOX#m` | `TREE` | key |
//! | what the baseline saw | `FIRM#f#MAILBOX#m` | `BASELINE#folder#page` | prefix |
//! | work: a page's messages with steps ahead | `FIRM#f#MAILBOX#m` | `WORK#page#n` | prefix |
//! | a message | `FIRM#f#MAILBOX#m` | `MESSAGE#digest` | key, in batches |
//! | a change of where a message is filed | `FIRM#f#MAILBOX#m` | `FILING#digest#count` | prefix |
//! | the dossier of later mails of a conversation | `FIRM#f` | `CONVERSATION#id` | key, in batches |
//! | where the parts of a large message lie | `FIRM#f#MAILBOX#m` | `PARTS#digest` | key |
//! | a date, a contact | `FIRM#f#DATE`, `FIRM#f#CONTACT` | its external id | key, in batches; all of a firm |
//! | a bulk | `FIRM#f` | `BULK#b` | key; TTL |
//! | what rounds remember of a member | `FIRM#f#MEMBER#m` | `OUTBOX` | key |
//! | the containers that greffe made in a member's Outlook | `FIRM#f#MEMBER#m` | `HOMES` | key |
//! | when a member's round is due | `FIRM#f#MEMBER#m` | `DUE` | index `due` |
//! | how far a member is with a bulk | `FIRM#f#MEMBER#m` | `BULK#b` | key, in batches |
//! | work: entries with steps ahead | `FIRM#f#MEMBER#m` | `WORK#time#id` | prefix |
//! | a copy of an entry | `FIRM#f#MEMBER#m` | `COPY#kind#external id` | key, in batches; prefix |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::base::{
    digest::Digest,
    id::{
        BulkId, ClientId, ConnectorId, ConversationId, EntryId, EntryKind, ErasureId, ExternalId, FirmId, FolderId,
        KeyId, MailboxId, MemberId, MessageId, TenantId, UserId, WebhookId,
    },
};

/// The longest keys that DynamoDB takes, in bytes.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const PARTITION_KEY_BYTES_MAX: usize = 2_048;
const SORT_KEY_BYTES_MAX: usize = 1_024;

/// An item as the SDK has it.
pub(super) type TableItem = HashMap<String, AttributeValue>;

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    /// A digest of it, which says nothing of where it lies.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("{}\n{}", self.pk, self.sk).as_bytes())
    }

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

    /// A part of the answer to such a request. The parts have a partition of their own: writing them slows nothing
    /// else.
    pub fn answer_part(firm: Option<FirmId>, digest: &str, part: u32) -> Self {
        let owner = firm.map_or_else(|| "OPERATOR".to_owned(), |firm| format!("FIRM#{firm}"));
        Self { pk: format!("{owner}#ANSWER#{digest}"), sk: format!("{part:05}") }
    }

    /// An entry of the audit trail, by its number.
    pub fn audit(firm: FirmId, number: u64) -> Self {
        Self { sk: format!("N#{number:020}"), ..Self::audit_prefix(firm) }
    }

    /// The entry that a [`Key::audit_cursor`] names: a number, or in older entries a time and a request. None if it
    /// names none.
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
    pub(super) fn credential_owner(&self) -> Option<Option<FirmId>> {
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
    pub(super) fn watch_owner(&self) -> Option<(FirmId, ConnectorId)> {
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

    /// A console user of a firm.
    pub fn user(firm: FirmId, user: UserId) -> Self {
        Self::of_firm(firm, format!("USER#{user}"))
    }

    /// All console users of a firm.
    pub fn user_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "USER#".to_owned())
    }

    /// The firms that a console user may enter.
    pub fn user_firms(user: UserId) -> Self {
        Self { pk: format!("USER#{user}"), sk: "FIRMS".to_owned() }
    }

    /// A session of the console, by the digest of its cookie.
    pub fn session(cookie_digest: &str) -> Self {
        Self { pk: format!("SESSION#{cookie_digest}"), sk: "SESSION".to_owned() }
    }

    /// A sign-in to the console under way, by the digest of its state.
    pub fn console_sign_in(state_digest: &str) -> Self {
        Self { pk: format!("SIGNIN#{state_digest}"), sk: "SIGNIN".to_owned() }
    }

    /// That an invitation or a link of the operator was used, by its digest.
    pub fn used_pass(pass_digest: &str) -> Self {
        Self { pk: format!("PASS#{pass_digest}"), sk: "PASS".to_owned() }
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

    /// The firm that a [`Key::feed_counter`] belongs to.
    pub(super) fn feed_owner(&self) -> Option<FirmId> {
        self.pk.strip_prefix("FIRM#")?.parse().ok().filter(|_| self.sk == "FEED")
    }

    /// That there is a firm: all of them lie together.
    pub fn listed_firm(firm: FirmId) -> Self {
        Self { pk: "FIRMS".to_owned(), sk: firm.to_string() }
    }

    /// All firms with a [`Key::listed_firm`].
    pub fn listed_firm_prefix() -> Self {
        Self { pk: "FIRMS".to_owned(), sk: String::new() }
    }

    /// What the caller gave this external id to; a firm itself has its name in the operator's partition.
    pub fn named(firm: Option<FirmId>, noun: &str, external: &ExternalId) -> Self {
        let sk = format!("NAMED#{noun}#{external}");
        match firm {
            Some(firm) => Self::of_firm(firm, sk),
            None => Self { pk: "OPERATOR".to_owned(), sk },
        }
    }

    /// How far the joint feed of all firms goes.
    pub fn joint_feed() -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: "FEED".to_owned() }
    }

    /// Up to which number a firm's feed stands in the joint feed.
    pub fn joined(firm: FirmId) -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: format!("JOINED#{firm}") }
    }

    /// A stretch of the joint feed, by its number.
    pub fn stretch(number: u64) -> Self {
        Self { pk: "OPERATOR#FEED".to_owned(), sk: format!("{number:020}") }
    }

    /// A webhook; those of no firm are the operator's.
    pub fn webhook(firm: Option<FirmId>, webhook: WebhookId) -> Self {
        Self { sk: format!("WEBHOOK#{webhook}"), ..Self::webhook_prefix(firm) }
    }

    /// What is held to a version while a webhook is made.
    pub fn webhook_count(firm: Option<FirmId>) -> Self {
        Self { sk: "WEBHOOKS".to_owned(), ..Self::webhook_prefix(firm) }
    }

    /// All webhooks of a firm, or of the operator.
    pub fn webhook_prefix(firm: Option<FirmId>) -> Self {
        let sk = "WEBHOOK#".to_owned();
        match firm {
            Some(firm) => Self::of_firm(firm, sk),
            None => Self { pk: "OPERATOR".to_owned(), sk },
        }
    }

    /// How far a webhook is.
    pub fn webhook_progress(firm: Option<FirmId>, webhook: WebhookId) -> Self {
        Self { sk: format!("POSTED#{webhook}"), ..Self::webhook_prefix(firm) }
    }

    /// The webhook that a [`Key::webhook_progress`] belongs to.
    pub(super) fn webhook_owner(&self) -> Option<(Option<FirmId>, WebhookId)> {
        let webhook = self.sk.strip_prefix("POSTED#")?.parse().ok()?;
        match self.pk.as_str() {
            "OPERATOR" => Some((None, webhook)),
            pk => Some((Some(pk.strip_prefix("FIRM#")?.parse().ok()?), webhook)),
        }
    }

    /// One try to post an event to a webhook.
    pub fn delivery(firm: Option<FirmId>, webhook: WebhookId, at: Timestamp, event: &str) -> Self {
        Self { sk: format!("{}#{event}", sortable(at)), ..Self::delivery_prefix(firm, webhook) }
    }

    /// All that was posted to a webhook.
    pub fn delivery_prefix(firm: Option<FirmId>, webhook: WebhookId) -> Self {
        let owner = firm.map_or_else(|| "OPERATOR".to_owned(), |firm| format!("FIRM#{firm}"));
        Self { pk: format!("{owner}#WEBHOOK#{webhook}"), sk: String::new() }
    }

    /// The delivery that a [`Key::delivery_cursor`] names; none if it names none.
    pub fn delivery_before(firm: Option<FirmId>, webhook: WebhookId, cursor: &str) -> Option<Self> {
        let is_one = cursor.split_once('#').is_some_and(|(time, _)| time.parse::<Timestamp>().is_ok());
        is_one.then(|| Self { sk: cursor.to_owned(), ..Self::delivery_prefix(firm, webhook) })
    }

    /// What names a [`Key::delivery`], in order.
    pub fn delivery_cursor(&self) -> &str {
        &self.sk
    }

    /// The calls that wait for events.
    pub fn waiting_calls() -> Self {
        Self { pk: "OPERATOR".to_owned(), sk: "WAITING".to_owned() }
    }

    /// When the firm's log is due.
    pub fn log_due(firm: FirmId) -> Self {
        Self::of_firm(firm, "LOG".to_owned())
    }

    /// When the firm's index of words is due.
    pub fn index_due(firm: FirmId) -> Self {
        Self::of_firm(firm, "INDEX".to_owned())
    }

    /// The firm that a [`Key::index_due`] belongs to.
    pub(super) fn index_owner(&self) -> Option<FirmId> {
        self.pk.strip_prefix("FIRM#")?.parse().ok().filter(|_| self.sk == "INDEX")
    }

    /// The firm that a [`Key::log_due`] belongs to.
    pub(super) fn log_owner(&self) -> Option<FirmId> {
        self.pk.strip_prefix("FIRM#")?.parse().ok().filter(|_| self.sk == "LOG")
    }

    /// How far the check of the firm's archive is.
    pub fn archive_check(firm: FirmId) -> Self {
        Self::of_firm(firm, "CHECK".to_owned())
    }

    /// An erasure that was asked for.
    pub fn erasure(firm: FirmId, erasure: ErasureId) -> Self {
        Self::of_firm(firm, format!("ERASURE#{erasure}"))
    }

    /// A page of the messages that an erasure by the retention periods found.
    pub fn erasure_page(firm: FirmId, erasure: ErasureId, page: u64) -> Self {
        Self::of_firm(firm, format!("ERASED#{erasure}#{page:010}"))
    }

    /// All erasures that were asked for.
    pub fn erasure_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "ERASURE#".to_owned())
    }

    /// The erasure that a [`Key::erasure`] belongs to.
    pub(super) fn erasure_owner(&self) -> Option<(FirmId, ErasureId)> {
        Some((self.pk.strip_prefix("FIRM#")?.parse().ok()?, self.sk.strip_prefix("ERASURE#")?.parse().ok()?))
    }

    /// That a dossier is under a legal hold.
    pub fn hold(firm: FirmId, dossier: &str) -> Self {
        Self::of_firm(firm, format!("HOLD#{dossier}"))
    }

    /// All dossiers that are under a legal hold.
    pub fn hold_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "HOLD#".to_owned())
    }

    /// The class of a dossier, by which its mail is kept.
    pub fn dossier_class(firm: FirmId, dossier: &str) -> Self {
        Self::of_firm(firm, format!("CLASS#{dossier}"))
    }

    /// All dossiers that are in a class.
    pub fn dossier_class_prefix(firm: FirmId) -> Self {
        Self::of_firm(firm, "CLASS#".to_owned())
    }

    /// How far the keeper of a firm's originals is in the feed.
    pub fn keeper(firm: FirmId) -> Self {
        Self::of_firm(firm, "KEEPER".to_owned())
    }

    /// That the checkpoint with this size of the firm's log was stamped.
    pub fn stamp(firm: FirmId, size: u64) -> Self {
        Self { pk: format!("FIRM#{firm}#STAMP"), sk: format!("{size:020}") }
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

    /// Whose turn it is at a mailbox: that of live mail, or that of older mail.
    pub fn turn(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "TURN".to_owned())
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

    /// All that the baselines of a mailbox saw.
    pub fn baselines_prefix(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "BASELINE#".to_owned())
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

    /// All messages of a mailbox.
    pub fn message_prefix(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "MESSAGE#".to_owned())
    }

    /// The message of a mailbox that a [`Key::message`] is of.
    pub fn message_of(&self, mailbox: MailboxId) -> Option<MessageId> {
        MessageId::from_local(mailbox, self.sk.strip_prefix("MESSAGE#")?).ok()
    }

    /// An entry.
    pub fn entry(firm: FirmId, kind: EntryKind, id: &ExternalId) -> Self {
        Self { sk: id.to_string(), ..Self::entry_prefix(firm, kind) }
    }

    /// All entries of a kind.
    pub fn entry_prefix(firm: FirmId, kind: EntryKind) -> Self {
        let kind = match kind {
            EntryKind::Date => "DATE",
            EntryKind::Contact => "CONTACT",
        };
        Self { pk: format!("FIRM#{firm}#{kind}"), sk: String::new() }
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

    /// The containers that greffe made in a member's Outlook.
    pub fn containers(firm: FirmId, member: MemberId) -> Self {
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

    /// A member's copies of entries of one kind.
    pub fn copy_prefix_of(firm: FirmId, member: MemberId, kind: EntryKind) -> Self {
        Self::of_member(firm, member, format!("COPY#{}#", kind.name()))
    }

    /// The `count`th change of where a message is filed.
    pub fn filing(firm: FirmId, message: MessageId, count: u32) -> Self {
        Self::of_mailbox(firm, message.mailbox, format!("FILING#{}#{count:010}", message.local()))
    }

    /// The dossier that later mails of a conversation are filed to.
    pub fn conversation(firm: FirmId, conversation: ConversationId) -> Self {
        Self::of_firm(firm, format!("CONVERSATION#{conversation}"))
    }

    /// Where the parts of a large message lie.
    pub fn parts(firm: FirmId, message: MessageId) -> Self {
        Self::of_mailbox(firm, message.mailbox, format!("PARTS#{}", message.local()))
    }

    /// All changes of where the messages of a mailbox are filed.
    pub fn filings_prefix(firm: FirmId, mailbox: MailboxId) -> Self {
        Self::of_mailbox(firm, mailbox, "FILING#".to_owned())
    }

    /// The message of a mailbox that a [`Key::filing`] is of, and the change that it is.
    pub fn filing_of(&self, mailbox: MailboxId) -> Option<(MessageId, u32)> {
        let (local, count) = self.sk.strip_prefix("FILING#")?.split_once('#')?;
        Some((MessageId::from_local(mailbox, local).ok()?, count.parse().ok()?))
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

    /// The number of a [`Key::fact`], a [`Key::filed`] or a [`Key::stretch`].
    pub fn number(&self) -> Option<u64> {
        self.sk.parse().ok()
    }

    /// Whether DynamoDB takes it. What a caller of the API sent may be part of a key, and may be too long.
    pub(super) fn fits(&self) -> bool {
        self.pk.len() <= PARTITION_KEY_BYTES_MAX && self.sk.len() <= SORT_KEY_BYTES_MAX
    }

    /// The attributes that name it.
    pub(super) fn item(&self) -> TableItem {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    /// Whether it stays after the firm was erased: itself, its log and feed, and what was erased.
    pub fn outlives(&self, firm: FirmId) -> bool {
        let own = [Self::firm(firm), Self::log_due(firm), Self::index_due(firm), Self::feed_counter(firm)];
        own.contains(self) || self.begins_as(&Self::erasure_prefix(firm))
    }

    /// The mailbox of the firm that a [`Key::mailbox`] is the key of.
    pub fn mailbox_of(&self, firm: FirmId) -> Option<MailboxId> {
        let mailbox = self.sk.strip_prefix("MAILBOX#")?.parse().ok()?;
        (*self == Self::mailbox(firm, mailbox)).then_some(mailbox)
    }

    /// The number of a [`Key::audit`]; none of an entry of a version that had no chain.
    pub fn audit_number(&self) -> Option<u64> {
        self.sk.strip_prefix("N#")?.parse().ok()
    }

    /// Whether an item there has a seal: what is evidence, and what decides over it. A fact has none, because all that
    /// is stored of it is in its log entry; neither has what is counted up in place, or what rounds note for
    /// themselves.
    pub(super) fn is_sealed(&self) -> bool {
        let has = |begins: &[&str]| begins.iter().any(|begin| self.sk.starts_with(begin));
        let Some(of_firm) = self.pk.strip_prefix("FIRM#") else { return self.pk == "FIRMS" };
        match of_firm.split('#').nth(1) {
            None => !has(&["FEED", "ALLOWANCE#", "IDEMPOTENCY#"]),
            Some("MAILBOX") => has(&["MESSAGE#", "FILING#"]),
            Some(noun) => ["AUDIT", "DOSSIER", "STAMP"].contains(&noun),
        }
    }

    /// The prefix of everything that lies in the partition of this key.
    pub fn partition(&self) -> Key {
        Key { pk: self.pk.clone(), sk: String::new() }
    }

    /// The key of an item.
    pub(super) fn of_item(item: &TableItem) -> Option<Self> {
        Some(Self { pk: item.get("pk")?.as_s().ok()?.clone(), sk: item.get("sk")?.as_s().ok()?.clone() })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

/// A time that sorts as text: UTC, always with three fractional digits.
pub fn sortable(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::base::{id::ImmutableId, random::Random};

    /// Every kind of key, by the name of what spells it, for some firms, ids and texts that are hard to tell apart.
    #[allow(clippy::too_many_lines, reason = "one list of all kinds")]
    fn kinds() -> BTreeMap<&'static str, Vec<Key>> {
        let random = Random::seeded(1);
        let (mut found, texts) = (BTreeMap::<_, Vec<Key>>::new(), ["a", "a#b", "KEY#a", "FIRM#a", "#", "Ä b", "A"]);
        let firms = [(); 2].map(|()| FirmId::draw(&random));
        for firm in firms {
            let (connector, member) = (ConnectorId::draw(&random), MemberId::draw(&random));
            let user = UserId::draw(&random);
            let (mailbox, bulk, key) = (MailboxId::draw(&random), BulkId::draw(&random), KeyId::draw(&random));
            let mut add = |name, key| found.entry(name).or_default().push(key);
            add("firm", Key::firm(firm));
            add("api_key", Key::api_key(firm, key));
            add("api_key_count", Key::api_key_count(firm));
            add("user", Key::user(firm, user));
            add("user_firms", Key::user_firms(user));
            add("own_app", Key::own_app(firm));
            add("connector", Key::connector(firm, connector));
            add("tokens", Key::tokens(firm, connector));
            add("watch", Key::watch(firm, connector));
            add("member", Key::member(firm, member));
            add("mailbox", Key::mailbox(firm, mailbox));
            add("feed_counter", Key::feed_counter(firm));
            add("listed_firm", Key::listed_firm(firm));
            add("joined", Key::joined(firm));
            add("log_due", Key::log_due(firm));
            add("stamp", Key::stamp(firm, 7));
            add("erasure", Key::erasure(firm, ErasureId::draw(&random)));
            add("erasure_page", Key::erasure_page(firm, ErasureId::draw(&random), 1));
            add("index_due", Key::index_due(firm));
            add("archive_check", Key::archive_check(firm));
            add("sync", Key::sync(firm, mailbox));
            add("turn", Key::turn(firm, mailbox));
            add("progress", Key::progress(firm, mailbox));
            add("tree", Key::tree(firm, mailbox));
            add("bulk", Key::bulk(firm, bulk));
            add("bulk_progress", Key::bulk_progress(firm, member, bulk));
            add("keeper", Key::keeper(firm));
            add("outbox", Key::outbox(firm, member));
            add("containers", Key::containers(firm, member));
            add("push_due", Key::push_due(firm, member));
            for number in [0, 9, 10, u64::MAX] {
                add("audit", Key::audit(firm, number));
                add("fact", Key::fact(firm, number));
                add("allowance", Key::allowance(firm, (number >> 1) as i64));
            }
            for text in texts {
                let message =
                    MessageId::of(mailbox, &text.replace(['#', ' ', 'Ä'], "-").parse::<ImmutableId>().unwrap());
                add("message", Key::message(firm, message));
                add("parts", Key::parts(firm, message));
                add("conversation", Key::conversation(firm, ConversationId::of(text)));
                for count in [0, 9, 10, u32::MAX] {
                    add("filing", Key::filing(firm, message, count));
                    add("filed", Key::filed(firm, text, count.into()));
                }
                add("member_address", Key::member_address(firm, text));
                add("address", Key::address(firm, text));
                add("hold", Key::hold(firm, text));
                add("dossier_class", Key::dossier_class(firm, text));
                for kind in EntryKind::ALL {
                    let external: ExternalId = text.parse().unwrap();
                    add("entry", Key::entry(firm, kind, &external));
                    add("copy", Key::copy(firm, member, &EntryId { kind, external }));
                }
                add("named", Key::named(Some(firm), "mailbox", &text.parse().unwrap()));
            }
            for folder in ["AAMk", "AAMkA", "inbox"].map(|id| id.parse::<FolderId>().unwrap()) {
                add("root_folder", Key::root_folder(firm, &folder));
                add("folder", Key::folder(firm, mailbox, &folder));
                add("baseline", Key::baseline(firm, mailbox, &folder, "1"));
            }
            for page in ["1", "10", "2"] {
                add("work", Key::work(firm, mailbox, page));
                add("push_work", Key::push_work(firm, member, page));
                add("sign_in", Key::sign_in(firm, page));
                add("used_link", Key::used_link(firm, page));
            }
        }
        let mut add = |name, key| found.entry(name).or_default().push(key);
        let webhook = WebhookId::draw(&random);
        for owner in firms.map(Some).into_iter().chain([None]) {
            add("webhook", Key::webhook(owner, webhook));
            add("webhook_progress", Key::webhook_progress(owner, webhook));
            add("webhook_count", Key::webhook_count(owner));
            for event in ["a", "b"] {
                add("delivery", Key::delivery(owner, webhook, Timestamp::UNIX_EPOCH, event));
            }
            add("credential", Key::credential(owner));
            add("audience", Key::audience(owner));
            for digest in ["d1", "d2"] {
                add("idempotency", Key::idempotency(owner, digest));
                (0..3).for_each(|part| add("answer_part", Key::answer_part(owner, digest, part)));
            }
        }
        for digest in ["d1", "d2"] {
            add("session", Key::session(digest));
            add("console_sign_in", Key::console_sign_in(digest));
            add("used_pass", Key::used_pass(digest));
        }
        add("named", Key::named(None, "firm", &"a".parse().unwrap()));
        add("joint_feed", Key::joint_feed());
        add("waiting_calls", Key::waiting_calls());
        for number in [0, 9, 10, u64::MAX] {
            add("stretch", Key::stretch(number));
        }
        for id in ["contoso.example", "6f9619ff-8b86-4011-b42d-00c04fc964ff"] {
            add("app_claim", Key::app_claim(&id.parse().unwrap()));
            add("tenant", Key::tenant(&id.parse().unwrap()));
        }
        found
    }

    /// Every prefix, by the name of what spells it, and the kind that it is a prefix of.
    fn prefixes() -> Vec<(&'static str, Key, &'static str)> {
        let keys = kinds();
        let (firm, mailbox) = Key::of_item(&keys["sync"][0].item()).unwrap().sync_owner().unwrap();
        let (_, member) = keys["push_due"][0].member_owner().unwrap();
        let folder: FolderId = "AAMk".parse().unwrap();
        let message = MessageId::of(mailbox, &"a".parse().unwrap());
        let (owner, webhook) = keys["webhook_progress"][0].webhook_owner().unwrap();
        let delivery = Key::delivery_prefix(owner, webhook);
        vec![
            ("api_key_prefix", Key::api_key_prefix(firm), "api_key"),
            ("audit_prefix", Key::audit_prefix(firm), "audit"),
            ("tenant_prefix", Key::tenant_prefix(), "tenant"),
            ("webhook_prefix", Key::webhook_prefix(Some(firm)), "webhook"),
            ("delivery_prefix", delivery, "delivery"),
            ("listed_firm_prefix", Key::listed_firm_prefix(), "listed_firm"),
            ("folder_prefix", Key::folder_prefix(firm, mailbox), "folder"),
            ("baseline_prefix", Key::baseline_prefix(firm, mailbox, &folder), "baseline"),
            ("baselines_prefix", Key::baselines_prefix(firm, mailbox), "baseline"),
            ("work_prefix", Key::work_prefix(firm, mailbox), "work"),
            ("message_prefix", Key::message_prefix(firm, mailbox), "message"),
            ("entry_prefix", Key::entry_prefix(firm, EntryKind::Date), "entry"),
            ("push_work_prefix", Key::push_work_prefix(firm, member), "push_work"),
            ("copy_prefix", Key::copy_prefix(firm, member), "copy"),
            ("copy_prefix_of", Key::copy_prefix_of(firm, member, EntryKind::Contact), "copy"),
            ("filing_prefix", Key::filing_prefix(firm, message), "filing"),
            ("filings_prefix", Key::filings_prefix(firm, mailbox), "filing"),
            ("connector_prefix", Key::connector_prefix(firm), "connector"),
            ("member_prefix", Key::member_prefix(firm), "member"),
            ("user_prefix", Key::user_prefix(firm), "user"),
            ("erasure_prefix", Key::erasure_prefix(firm), "erasure"),
            ("hold_prefix", Key::hold_prefix(firm), "hold"),
            ("dossier_class_prefix", Key::dossier_class_prefix(firm), "dossier_class"),
            ("mailbox_prefix", Key::mailbox_prefix(firm), "mailbox"),
        ]
    }

    #[test]
    fn every_key_that_is_spelled_here_stands_in_these_tests() {
        let code = include_str!("table_key.rs").split("#[cfg(test)]").next().unwrap();
        let spelled = code.split("    pub fn ").skip(1).filter_map(|text| {
            let (name, rest) = text.split_once('(')?;
            rest.split('{').next()?.contains("-> Self").then_some(name)
        });
        let spelled: BTreeSet<&str> = spelled.collect();
        let tested: BTreeSet<&str> = kinds().into_keys().chain(prefixes().iter().map(|(name, ..)| *name)).collect();
        assert_eq!(spelled, tested);
    }

    #[test]
    fn no_two_keys_meet_and_each_is_read_back_as_it_was_written() {
        let mut seen = BTreeMap::new();
        for (kind, key) in kinds().into_iter().flat_map(|(kind, keys)| keys.into_iter().map(move |key| (kind, key))) {
            assert_eq!(Key::of_item(&key.item()).as_ref(), Some(&key));
            assert!(key.fits(), "{key}");
            let before = seen.insert((key.pk.clone(), key.sk.clone()), kind);
            assert_eq!(before, None, "{kind} lies where another lies: {key}");
        }
    }

    #[test]
    fn a_prefix_begins_its_own_kind_and_no_other() {
        for (name, prefix, own) in prefixes() {
            let kinds = kinds().into_iter().filter(|(_, keys)| keys.iter().any(|key| key.begins_as(&prefix)));
            assert_eq!(kinds.map(|(kind, _)| kind).collect::<Vec<_>>(), [own], "{name}");
        }
        let random = Random::seeded(2);
        let (firm, mailbox) = (FirmId::draw(&random), MailboxId::draw(&random));
        let (short, long): (FolderId, FolderId) = ("AAMk".parse().unwrap(), "AAMkA".parse().unwrap());
        assert!(!Key::baseline(firm, mailbox, &long, "1").begins_as(&Key::baseline_prefix(firm, mailbox, &short)));
        assert!("AAMk#A".parse::<FolderId>().is_err(), "its pages would lie among those of AAMk");
    }

    #[test]
    fn a_key_names_its_owner() {
        let keys = kinds();
        let firm = |key: &Key| key.pk["FIRM#".len()..][..36].parse::<FirmId>().unwrap();
        for key in &keys["sync"] {
            assert_eq!(key.sync_owner().map(|(firm, mailbox)| Key::sync(firm, mailbox)).as_ref(), Some(key));
        }
        for key in &keys["push_due"] {
            assert_eq!(key.member_owner().map(|(firm, member)| Key::push_due(firm, member)).as_ref(), Some(key));
        }
        for key in &keys["watch"] {
            assert_eq!(key.watch_owner().map(|(firm, id)| Key::watch(firm, id)).as_ref(), Some(key));
            assert_eq!(key.watch_owner().map(|(firm, _)| firm), Some(firm(key)));
        }
        for key in &keys["webhook_progress"] {
            assert_eq!(key.webhook_owner().map(|(firm, id)| Key::webhook_progress(firm, id)).as_ref(), Some(key));
        }
        let (owner, webhook) = keys["webhook_progress"][0].webhook_owner().unwrap();
        for key in keys["delivery"].iter().filter(|key| key.begins_as(&Key::delivery_prefix(owner, webhook))) {
            assert_eq!(Key::delivery_before(owner, webhook, key.delivery_cursor()).as_ref(), Some(key));
        }
        for key in &keys["feed_counter"] {
            assert_eq!(key.feed_owner().map(Key::feed_counter).as_ref(), Some(key));
        }
        for key in &keys["log_due"] {
            assert_eq!(key.log_owner().map(Key::log_due).as_ref(), Some(key));
        }
        for key in &keys["erasure"] {
            assert_eq!(key.erasure_owner().map(|(firm, id)| Key::erasure(firm, id)).as_ref(), Some(key));
        }
        for key in &keys["index_due"] {
            assert_eq!(key.index_owner().map(Key::index_due).as_ref(), Some(key));
        }
        for key in &keys["message"] {
            let (of, mailbox) = key.owner::<MailboxId>("#MAILBOX#").unwrap();
            assert_eq!(key.message_of(mailbox).map(|message| Key::message(of, message)).as_ref(), Some(key));
        }
        for key in &keys["credential"] {
            assert_eq!(key.credential_owner().map(Key::credential).as_ref(), Some(key));
        }
        for key in &keys["audit"] {
            let again = key.audit_cursor().and_then(|cursor| Key::audit_after(firm(key), cursor));
            assert_eq!(again.as_ref(), Some(key));
        }
    }

    #[test]
    fn numbers_and_times_sort_as_text() {
        let random = Random::seeded(3);
        let firm = FirmId::draw(&random);
        let message = MessageId::of(MailboxId::draw(&random), &"a".parse().unwrap());
        let numbers = [0, 1, 9, 10, 11, 99, 100, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        let in_order = |keys: Vec<Key>| assert!(keys.is_sorted_by(|one, next| one.sk < next.sk), "{keys:?}");
        in_order(numbers.iter().map(|number| Key::fact(firm, *number)).collect());
        in_order(numbers.iter().map(|number| Key::stretch(*number)).collect());
        in_order(numbers.iter().map(|number| Key::filed(firm, "D", *number)).collect());
        in_order(numbers.iter().map(|number| Key::audit(firm, *number)).collect());
        in_order([0, 1, 9, 10, 99, u32::MAX].iter().map(|count| Key::filing(firm, message, *count)).collect());
        in_order([0, 1, 9, 10, 99_999].iter().map(|part| Key::answer_part(None, "d", *part)).collect());
        // Entries of versions without a chain come before those with a number.
        in_order(vec![Key::audit_after(firm, "2026-01-01T00:00:00Z#x").unwrap(), Key::audit(firm, 1)]);
        for (key, number) in numbers.map(|number| (Key::fact(firm, number), number)) {
            assert_eq!(key.number(), Some(number));
        }
        let times =
            ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.001Z"];
        let times =
            times.into_iter().chain(["2026-03-02T08:00:00.01Z", "2026-03-02T08:00:01Z", "9999-12-30T22:00:00Z"]);
        let times: Vec<String> = times.map(|time| sortable(time.parse().unwrap())).collect();
        assert!(times.is_sorted_by(|one, next| one < next && one.len() == next.len()), "{times:?}");
    }
}
