//! Items that an older version wrote stay readable: `stored/` has one of each kind, as DynamoDB gives it. A sample is
//! never changed.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::{
    access::{
        app_claim::AppClaim,
        connector::{Connector, OwnApp},
        connector_watch::ConnectorWatch,
        console_sign_in::UsedPass,
        credential_record::CredentialRecord,
        tenancy::Tenancy,
    },
    evidence::{
        authority::StampedCheckpoint,
        check::ArchiveCheck,
        erasure::{ErasureBatch, ErasureOrder},
    },
    firm::{
        Firm, ListedFirm,
        api_key::ApiKey,
        audit,
        console_session::ConsoleSession,
        fact::Fact,
        index_due::IndexDue,
        joint_feed::{FactRange, JointHead, JointPosition},
        log_due::LogDue,
        member::{Member, PushDue},
        user::{ConsoleUser, UserFirms},
        waiting_calls::WaitingCalls,
    },
    graph::ItemContainers,
    mail::{
        baseline::BaselinePage,
        filing::{DossierMessage, FollowedConversation},
        folder::{FolderState, TreeLink},
        kept_parts::KeptParts,
        legal_hold::LegalHold,
        mailbox::Mailbox,
        mailbox_progress::Progress,
        mailbox_turn::MailboxTurn,
        message::{FilingRecord, Message},
        retention_keeper::{DossierClass, KeeperPlace},
        sync_state::SyncState,
        work::Work,
    },
    push::{Bulk, BulkProgress, Copy, Outbox, PushWork, contact::Contact, date::Date, entry::Entry},
    webhook::{Webhook, delivery::Delivery, delivery_progress::DeliveryProgress},
};

/// What the tests know of the items under one kind of key.
enum Held {
    /// The samples of them.
    Samples(&'static [&'static str]),
    /// Why there is no sample.
    No(&'static str),
}

use Held::{No, Samples};

/// Every kind of key, by the function of `Key` that spells it.
const KINDS: &[(&str, Held)] = &[
    ("firm", Samples(&["firm", "firm-with-periods"])),
    ("api_key", Samples(&["api-key"])),
    ("api_key_count", Samples(&["key-count"])),
    ("allowance", No("a number that DynamoDB adds to; it is forgotten after minutes")),
    ("idempotency", Samples(&["idempotency", "idempotency-caller", "idempotency-parts"])),
    ("answer_part", Samples(&["answer-part"])),
    ("audit", Samples(&["audit-entry", "audit-entry-numbered"])),
    ("own_app", Samples(&["own-app"])),
    ("credential", Samples(&["credential", "platform-credential"])),
    ("audience", Samples(&["audience"])),
    ("app_claim", Samples(&["app-claim"])),
    ("connector", Samples(&["connector"])),
    ("tokens", Samples(&["tokens"])),
    ("watch", Samples(&["watch"])),
    ("sign_in", Samples(&["sign-in", "sign-in-begun"])),
    ("used_link", Samples(&["used-link"])),
    ("user", Samples(&["user"])),
    ("user_firms", Samples(&["user-firms"])),
    ("session", Samples(&["session"])),
    ("console_sign_in", Samples(&["console-sign-in"])),
    ("used_pass", Samples(&["used-pass"])),
    ("tenant", Samples(&["tenant"])),
    ("member", Samples(&["member"])),
    ("member_address", Samples(&["member-address"])),
    ("named", Samples(&["named"])),
    ("webhook_count", Samples(&["webhook-count"])),
    ("mailbox", Samples(&["mailbox"])),
    ("address", Samples(&["address"])),
    ("root_folder", Samples(&["root-folder"])),
    ("feed_counter", Samples(&["feed-counter"])),
    ("listed_firm", Samples(&["listed-firm"])),
    ("joint_feed", Samples(&["joint-feed"])),
    ("joined", Samples(&["joined"])),
    ("stretch", Samples(&["stretch"])),
    ("waiting_calls", Samples(&["waiting-calls"])),
    ("webhook", Samples(&["webhook", "webhook-secrets"])),
    ("webhook_progress", Samples(&["webhook-progress"])),
    ("delivery", Samples(&["delivery"])),
    (
        "fact",
        Samples(&[
            "fact-connector-connected",
            "fact-mailbox-erased",
            "fact-message-archived",
            "fact-message-failed",
            "fact-message-filed",
            "fact-message-removed",
            "fact-push-failed",
            "fact-retention-changed",
            "fact-salted",
        ]),
    ),
    ("log_due", Samples(&["log-due"])),
    ("stamp", Samples(&["stamp"])),
    ("index_due", Samples(&["index-due"])),
    ("archive_check", Samples(&["archive-check"])),
    ("erasure", Samples(&["erasure", "erasure-confirmed"])),
    ("erasure_page", Samples(&["erasure-page"])),
    ("hold", Samples(&["hold"])),
    ("dossier_class", Samples(&["dossier-class"])),
    ("keeper", Samples(&["keeper"])),
    ("filed", Samples(&["filed"])),
    ("conversation", Samples(&["conversation"])),
    ("parts", Samples(&["parts"])),
    ("sync", Samples(&["sync"])),
    ("turn", Samples(&["turn"])),
    ("progress", Samples(&["progress"])),
    ("tree", Samples(&["tree-link"])),
    ("folder", Samples(&["folder"])),
    ("baseline", Samples(&["baseline-page"])),
    ("work", Samples(&["work"])),
    ("message", Samples(&["message", "message-mark-waits", "message-of-a-year", "message-sealed"])),
    ("entry", Samples(&["contact", "date"])),
    ("bulk", Samples(&["bulk"])),
    ("bulk_progress", Samples(&["bulk-progress"])),
    ("outbox", Samples(&["outbox"])),
    ("containers", Samples(&["containers"])),
    ("push_due", Samples(&["push-due"])),
    ("push_work", Samples(&["push-work"])),
    ("copy", Samples(&["copy"])),
    ("filing", Samples(&["filing"])),
];

fn common_crate() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    common_crate().join("tests/house/stored")
}

fn samples() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Modules with types of items that are private to them: their unit tests read the samples.
const PRIVATE: &[&str] = &[
    "access/app_claim.rs",
    "access/console_sign_in.rs",
    "access/sign_in.rs",
    "access/token.rs",
    "firm/idempotency.rs",
    "firm/joint_feed.rs",
    "firm/api_key.rs",
    "firm/member.rs",
    "firm/external_id.rs",
    "mail/mailbox.rs",
    "webhook/mod.rs",
];

fn is_read_beside_its_type(sample: &str) -> bool {
    let read = |module: &&str| std::fs::read_to_string(common_crate().join("src").join(module)).unwrap();
    PRIVATE.iter().any(|module| read(module).contains(&format!("frozen(\"{sample}\")")))
}

#[test]
fn every_kind_of_key_has_a_sample_or_a_reason_why_there_is_none() {
    let table = std::fs::read_to_string(common_crate().join("src/aws/table_key.rs")).unwrap();
    let spelled = table.lines().filter_map(|line| line.strip_prefix("    pub fn ")?.split_once('('));
    let keys = spelled.filter(|(name, rest)| rest.ends_with(") -> Self {") && !name.contains("prefix"));
    let keys: BTreeSet<&str> = keys.map(|(name, _)| name).collect();
    let known: BTreeSet<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    assert!(keys.len() > 30, "{keys:?}");
    assert_eq!(keys, known, "left: what aws/table_key.rs spells; right: KINDS");

    let named = KINDS.iter().flat_map(|(name, held)| match held {
        Samples(samples) => samples.to_vec(),
        No(reason) => {
            assert!(!reason.is_empty(), "{name}");
            Vec::new()
        }
    });
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), samples());
}

/// DynamoDB's own JSON.
fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
        ("NULL", _) => AttributeValue::Null(true),
        ("L", Value::Array(all)) => AttributeValue::L(all.iter().map(attribute).collect()),
        ("M", Value::Object(all)) => AttributeValue::M(all.iter().map(|(k, v)| (k.clone(), attribute(v))).collect()),
        other => panic!("{other:?}"),
    }
}

fn read<T: DeserializeOwned>(sample: &str, item: HashMap<String, AttributeValue>) {
    if let Err(error) = serde_dynamo::from_item::<_, T>(item) {
        panic!("{sample}: today's type does not read it: {error}");
    }
}

/// Adds a field to a map and to each map in it that says its own kind or state.
fn add_a_field(map: &mut HashMap<String, AttributeValue>) {
    let in_it = map.values_mut().filter_map(|value| match value {
        AttributeValue::M(map) if ["kind", "state"].iter().any(|tag| map.contains_key(*tag)) => Some(map),
        _ => None,
    });
    in_it.for_each(add_a_field);
    map.insert("field_of_a_newer_version".to_owned(), AttributeValue::Bool(true));
}

#[test]
fn every_item_that_an_older_version_wrote_is_read_and_so_is_one_with_more_in_it() {
    for sample in samples() {
        let path = folder().join(format!("{sample}.json"));
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut item: HashMap<String, AttributeValue> =
            value.as_object().unwrap().iter().map(|(k, v)| (k.clone(), attribute(v))).collect();
        // A function reads what a newer one wrote.
        add_a_field(&mut item);
        match sample.as_str() {
            "api-key" => read::<ApiKey>(&sample, item),
            "app-claim" => read::<AppClaim>(&sample, item),
            "audit-entry" | "audit-entry-numbered" => read::<audit::AuditEntry>(&sample, item),
            "baseline-page" => read::<BaselinePage>(&sample, item),
            "bulk" => read::<Bulk>(&sample, item),
            "bulk-progress" => read::<BulkProgress>(&sample, item),
            "connector" => read::<Connector>(&sample, item),
            "contact" => read::<Entry<Contact>>(&sample, item),
            "conversation" => read::<FollowedConversation>(&sample, item),
            "copy" => read::<Copy>(&sample, item),
            "delivery" => read::<Delivery>(&sample, item),
            "credential" | "platform-credential" => read::<CredentialRecord>(&sample, item),
            "date" => read::<Entry<Date>>(&sample, item),
            "fact-connector-connected"
            | "fact-mailbox-erased"
            | "fact-message-archived"
            | "fact-message-failed"
            | "fact-message-filed"
            | "fact-message-removed"
            | "fact-push-failed"
            | "fact-retention-changed"
            | "fact-salted" => {
                read::<Fact>(&sample, item);
            }
            "archive-check" => read::<ArchiveCheck>(&sample, item),
            "erasure" | "erasure-confirmed" => read::<ErasureOrder>(&sample, item),
            "erasure-page" => read::<ErasureBatch>(&sample, item),
            "hold" => read::<LegalHold>(&sample, item),
            "dossier-class" => read::<DossierClass>(&sample, item),
            "keeper" => read::<KeeperPlace>(&sample, item),
            "filed" => read::<DossierMessage>(&sample, item),
            "filing" => read::<FilingRecord>(&sample, item),
            "firm" | "firm-with-periods" => read::<Firm>(&sample, item),
            "folder" => read::<FolderState>(&sample, item),
            "containers" => read::<ItemContainers>(&sample, item),
            "joined" => read::<JointPosition>(&sample, item),
            "joint-feed" => read::<JointHead>(&sample, item),
            "index-due" => read::<IndexDue>(&sample, item),
            "listed-firm" => read::<ListedFirm>(&sample, item),
            "log-due" => read::<LogDue>(&sample, item),
            "stamp" => read::<StampedCheckpoint>(&sample, item),
            "mailbox" => read::<Mailbox>(&sample, item),
            "member" => read::<Member>(&sample, item),
            "message" | "message-mark-waits" | "message-of-a-year" | "message-sealed" => read::<Message>(&sample, item),
            "parts" => read::<KeptParts>(&sample, item),
            "outbox" => read::<Outbox>(&sample, item),
            "own-app" => read::<OwnApp>(&sample, item),
            "progress" => read::<Progress>(&sample, item),
            "push-due" => read::<PushDue>(&sample, item),
            "push-work" => read::<PushWork>(&sample, item),
            "stretch" => read::<FactRange>(&sample, item),
            "sync" => read::<SyncState>(&sample, item),
            "tenant" => read::<Tenancy>(&sample, item),
            "turn" => read::<MailboxTurn>(&sample, item),
            "tree-link" => read::<TreeLink>(&sample, item),
            "session" => read::<ConsoleSession>(&sample, item),
            "used-pass" => read::<UsedPass>(&sample, item),
            "user" => read::<ConsoleUser>(&sample, item),
            "user-firms" => read::<UserFirms>(&sample, item),
            "waiting-calls" => read::<WaitingCalls>(&sample, item),
            "watch" => read::<ConnectorWatch>(&sample, item),
            "webhook" | "webhook-secrets" => read::<Webhook>(&sample, item),
            "webhook-progress" => read::<DeliveryProgress>(&sample, item),
            "work" => read::<Work>(&sample, item),
            other => assert!(is_read_beside_its_type(other), "{other}.json: say here which type reads it"),
        }
    }
}

#[test]
fn each_sample_stands_in_the_document_of_stored_formats() {
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/stored-formats.md");
    let document = std::fs::read_to_string(document).unwrap();
    for sample in samples() {
        assert!(document.contains(&format!("`{sample}.json`")), "docs/stored-formats.md does not name {sample}.json");
    }
}
