//! Damage: every kind of single change to what is stored is found and named, and nothing else is reported.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention, ObjectLockConfiguration, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
    ObjectLockRetentionMode, ObjectLockRule, VersioningConfiguration,
};
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use local::provision::{BUCKET, TABLE};
use secrecy::SecretString;
use serde_json::json;
use shared::{
    aws::secrets::EVIDENCE_KEY,
    base::{
        digest::Digest,
        id::{ConnectorId, FirmId, MailboxId, MessageId},
    },
    evidence::{
        checkpoint::{Checkpoint, LogKeys},
        erasure::{EraseError, ErasedScope, Erasure},
        log_entry::entry,
        log_store::key,
        report::{FindingKind, Report},
        stamp::StampRoots,
        tlog::{LogTile, TILE_WIDTH, TileKind, Tree, bundle, leaf},
        verify::Verifier,
    },
    firm::{
        fact::{Fact, FactEvent, StoredFact},
        log_due::LogDue,
    },
    mail::archive,
};
use tests::{Registry, World, message_id};

use FindingKind::{Altered, Extra, Forked, Missing, Swapped, Truncated, Unlocked};

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) struct Archive {
    pub world: World,
    pub firm: FirmId,
    key: SecretString,
    roots: StampRoots,
}

impl Archive {
    pub async fn over(world: World, firm: FirmId) -> Self {
        let key = world.host.app.secrets.read(EVIDENCE_KEY).await.unwrap();
        Self { world, firm, key, roots: StampRoots::default() }
    }

    /// Six mails in three appends, one of them filed and one taken out of its dossier again, and a seventh that is not
    /// in the log yet.
    pub fn of_mails() -> LocalBoxFuture<'static, (Self, Vec<MessageId>)> {
        Box::pin(Self::made_of_mails())
    }

    async fn made_of_mails() -> (Self, Vec<MessageId>) {
        let world = World::new().await;
        let registry = world.registry().await;
        let archive = Self::over(world, registry.firm.parse().unwrap()).await;
        let mut messages = Vec::new();
        for round in 0..3 {
            for n in 0..2 {
                messages.push(archive.deliver(&registry, &format!("Number {round}.{n}")).await);
            }
            if round == 1 {
                archive.file(messages[0], json!("2026/17")).await;
                archive.file(messages[1], json!("2026/18")).await;
                archive.file(messages[1], json!(null)).await;
            }
            archive.append().await;
        }
        messages.push(archive.deliver(&registry, "Beyond").await);
        (archive, messages)
    }

    pub async fn deliver(&self, registry: &Registry, subject: &str) -> MessageId {
        let immutable_id = self.world.deliver("inbox", subject);
        self.world.run_until_idle().await;
        message_id(registry, &immutable_id)
    }

    pub async fn file(&self, message: MessageId, dossier: serde_json::Value) {
        let path = format!("/v1/firms/{}/messages/{message}/file", self.firm);
        self.world.post(&path, json!({ "dossier": dossier })).await.ok();
    }

    pub async fn append(&self) {
        self.world.host.append_logs().await;
    }

    async fn verify_by(&self, reads: bool) -> Report {
        self.verify_with(reads, None).await
    }

    /// In a box: a test verifies often, and all of that would not fit on the stack of a thread.
    pub fn verify_with(&self, reads: bool, lock_days: Option<u64>) -> LocalBoxFuture<'_, Report> {
        Box::pin(async move {
            let (table, store, now) = (&self.world.host.app.table, &self.world.host.app.logs, self.world.clock.now());
            let (key, roots, tell) = (&self.key, &self.roots, &|_| {});
            Verifier { table, store, key, reads, share: None, roots, lock_days, now, tell }.verify().await.unwrap()
        })
    }

    /// In a box too.
    pub fn verify(&self) -> LocalBoxFuture<'_, Vec<(FindingKind, String)>> {
        let found = async {
            self.verify_by(false).await.findings().map(|finding| (finding.kind, finding.what.clone())).collect()
        };
        Box::pin(found)
    }

    #[track_caller]
    pub fn is_proved(&self, found: &[(FindingKind, String)], after: &str) {
        assert_eq!(found, [], "{after}");
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.world.host.machine.aws)
    }

    pub async fn object(&self, key: &str) -> Vec<u8> {
        let object = self.s3().get_object().bucket(BUCKET).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// Puts bytes with their true checksum, as one may who has the right to; the version, if the bucket has any.
    pub async fn put(&self, key: &str, bytes: &[u8]) -> String {
        let put = self.s3().put_object().bucket(BUCKET).key(key).body(bytes.to_vec().into());
        let put = put.checksum_sha256(Digest::of(bytes).base64()).send().await.unwrap();
        put.version_id.unwrap_or_default()
    }

    pub async fn keep_versions(&self) {
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        self.s3().put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();
    }

    pub async fn lock(&self, days: i32) {
        let retention = DefaultRetention::builder().mode(ObjectLockRetentionMode::Compliance).days(days).build();
        let rule = ObjectLockRule::builder().default_retention(retention).build();
        let lock = ObjectLockConfiguration::builder().rule(rule).build();
        let lock = self.s3().put_object_lock_configuration().bucket(BUCKET).object_lock_configuration(lock);
        lock.send().await.unwrap();
    }

    /// Puts a legal hold of S3 on an object, or lifts it.
    pub async fn set_hold(&self, key: &str, status: &str) {
        let hold = ObjectLockLegalHold::builder().status(status.into()).build();
        self.s3().put_object_legal_hold().bucket(BUCKET).key(key).legal_hold(hold).send().await.unwrap();
    }

    pub async fn is_held(&self, key: &str) -> bool {
        let head = self.s3().head_object().bucket(BUCKET).key(key).send().await.unwrap();
        head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On)
    }

    async fn remove_version(&self, key: &str, version: &str) {
        self.s3().delete_object().bucket(BUCKET).key(key).version_id(version).send().await.unwrap();
    }

    /// All but the first.
    pub async fn remove_newer_versions(&self, key: &str) {
        let page = self.s3().list_object_versions().bucket(BUCKET).prefix(key).send().await.unwrap();
        for marker in page.delete_markers() {
            self.remove_version(key, marker.version_id().unwrap()).await;
        }
        let own = page.versions().iter().filter(|version| version.key() == Some(key)).rev().skip(1);
        for version in own {
            self.remove_version(key, version.version_id().unwrap()).await;
        }
    }

    pub async fn remove_all_versions(&self, key: &str) {
        self.world.host.app.logs.bucket.erase(key).await.unwrap();
    }

    pub async fn remove(&self, key: &str) {
        self.s3().delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }

    async fn log(&self) -> Vec<String> {
        let names = self.world.host.app.logs.names(self.firm, "").await.unwrap();
        names.iter().map(|name| key(self.firm, name)).collect()
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.world.host.machine.aws)
    }

    pub async fn items(&self, pk: &str, sk: &str) -> Vec<Item> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let query =
            self.dynamodb().query().table_name(TABLE).key_condition_expression("pk = :p AND begins_with(sk, :s)");
        let query = query.expression_attribute_values(":p", text(pk)).expression_attribute_values(":s", text(sk));
        query.send().await.unwrap().items.unwrap()
    }

    pub async fn messages(&self, mailbox: MailboxId) -> Vec<Item> {
        self.items(&format!("FIRM#{}#MAILBOX#{mailbox}", self.firm), "MESSAGE#").await
    }

    pub async fn facts(&self) -> Vec<Item> {
        self.items(&format!("FIRM#{}#FEED", self.firm), "0").await
    }

    pub async fn put_item(&self, item: &Item) {
        self.dynamodb().put_item().table_name(TABLE).set_item(Some(item.clone())).send().await.unwrap();
    }

    pub async fn remove_item(&self, item: &Item) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        self.dynamodb().delete_item().table_name(TABLE).set_key(Some(key.into())).send().await.unwrap();
    }

    /// Every blob that the embedded S3 has on the disk with these bytes.
    pub fn blobs(&self, bytes: &[u8]) -> Vec<PathBuf> {
        let blobs = std::fs::read_dir(self.world.folder().join("aws/blobs")).unwrap();
        let paths = blobs.map(|blob| blob.unwrap().path());
        paths.filter(|path| std::fs::read(path).unwrap() == bytes).collect()
    }
}

pub(super) fn name(item: &Item) -> String {
    format!("{} {}", item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap())
}

/// The same with another value of an attribute, of the same type.
pub(super) fn changed(item: &Item, attribute: &str) -> Item {
    let mut item = item.clone();
    let other = match &item[attribute] {
        AttributeValue::N(number) => AttributeValue::N((number.parse::<u64>().unwrap() + 1).to_string()),
        AttributeValue::S(text) if text.parse::<Timestamp>().is_ok() => {
            AttributeValue::S("2001-01-01T00:00:00Z".to_owned())
        }
        AttributeValue::S(text) if text.len() == 64 => AttributeValue::S("ab".repeat(32)),
        AttributeValue::S(text) => AttributeValue::S(format!("{text}x")),
        AttributeValue::Bool(is) => AttributeValue::Bool(!is),
        other => panic!("{attribute}: {other:?}"),
    };
    item.insert(attribute.to_owned(), other);
    item
}

#[tokio::test]
async fn an_archive_that_is_as_it_was_written_is_proved() {
    let (archive, _) = Archive::of_mails().await;
    let report = archive.verify_by(true).await;
    assert!(report.proved, "{report}");
    let firm = &report.firms[0];
    assert_eq!((firm.originals, firm.checkpoints, firm.facts_beyond), (7, 3, 1), "{firm:?}");
    assert!(firm.bytes_read > 0 && report.to_string().contains("All is proved"), "{report}");
}

#[tokio::test]
async fn every_change_of_an_original_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    for (n, message) in [(0, messages[0]), (6, messages[6])] {
        let (key, other) = (archive::key(archive.firm, message), archive::key(archive.firm, messages[3]));
        let bytes = archive.object(&key).await;
        let mut altered = bytes.clone();
        altered[9] ^= 1;
        archive.put(&key, &altered).await;
        assert_eq!(archive.verify().await, [(Altered, key.clone())], "{n}");
        // Its SHA-256 is not among the checksums of everybody's uploads.
        archive.s3().put_object().bucket(BUCKET).key(&key).body(altered.into()).send().await.unwrap();
        assert_eq!(archive.verify().await, [(Altered, key.clone())], "{n}");
        archive.put(&key, &bytes[..bytes.len() - 1]).await;
        assert_eq!(archive.verify().await, [(Truncated, key.clone())], "{n}");
        archive.remove(&key).await;
        assert_eq!(archive.verify().await, [(Missing, key.clone())], "{n}");
        let others = archive.object(&other).await;
        archive.put(&key, &others).await;
        archive.put(&other, &bytes).await;
        let mut both = [(Swapped, key.clone()), (Swapped, other.clone())];
        both.sort();
        if n == 0 {
            assert_eq!(archive.verify().await, both);
        }
        archive.put(&key, &bytes).await;
        archive.put(&other, &others).await;
        archive.is_proved(&archive.verify().await, "all is as it was");
    }
    let firm = archive.firm;
    let id = MessageId::of(messages[0].mailbox, &"AAkUnknown".parse().unwrap());
    for key in [
        archive::key(firm, id),
        format!("firms/{firm}/mailboxes/{}/messages/other.eml", id.mailbox),
        format!("firms/{firm}/other"),
        format!("firms/{firm}/other/a"),
        "firms/other".to_owned(),
        "other/a".to_owned(),
    ] {
        archive.put(&key, b"Subject: Added\r\n\r\n").await;
        let found = archive.verify().await;
        let [(Extra, what)] = found.as_slice() else { panic!("{key}: {found:?}") };
        assert!(key.starts_with(what.as_str()), "{what}");
        archive.remove(&key).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn a_byte_on_the_disk_is_found_by_reading_it() {
    let (archive, messages) = Archive::of_mails().await;
    let key = archive::key(archive.firm, messages[2]);
    let bytes = archive.object(&key).await;
    let blob = archive.blobs(&bytes).remove(0);
    let mut altered = bytes.clone();
    altered[9] ^= 1;
    for (on_disk, kind) in [(altered.as_slice(), Altered), (&bytes[..bytes.len() / 2], Truncated)] {
        std::fs::write(&blob, on_disk).unwrap();
        archive.is_proved(&archive.verify().await, "its checksum is as it was");
        let report = archive.verify_by(true).await;
        let found: Vec<_> = report.findings().map(|finding| (finding.kind, finding.what.as_str())).collect();
        assert_eq!(found, [(kind, key.as_str())], "{report}");
    }
}

#[tokio::test]
async fn what_a_versioned_bucket_keeps_beside_what_was_written_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    archive.keep_versions().await;
    archive.is_proved(&archive.verify().await, "each object is its own only version");
    archive.append().await;
    archive.is_proved(&archive.verify().await, "the checkpoint has older versions");
    let log = archive.log().await.into_iter().filter(|key| !key.ends_with("/checkpoint"));
    let originals = messages.iter().map(|message| archive::key(archive.firm, *message));
    for key in log.chain(originals).collect::<Vec<_>>() {
        let bytes = archive.object(&key).await;
        let mut altered = bytes.clone();
        altered[bytes.len() / 2] ^= 1;
        let stands_for = [(&altered, "altered"), (&bytes, "the same bytes once more")];
        for (bytes, what) in stands_for {
            let version = archive.put(&key, bytes).await;
            let found = archive.verify().await;
            let kinds = if what == "altered" { vec![Altered, Truncated, Forked] } else { vec![Extra] };
            let [(kind, named)] = found.as_slice() else { panic!("{what} {key}: {found:?}") };
            assert!(kinds.contains(kind) && *named == key, "{what} {key}: {found:?}");
            archive.remove_version(&key, &version).await;
        }
        archive.remove(&key).await;
        assert_eq!(archive.verify().await, [(Missing, key.clone())], "a delete marker hides it");
        // Written once more it is hidden no longer, and what was is still there.
        archive.put(&key, &bytes).await;
        assert_eq!(archive.verify().await, [(Extra, key.clone())], "the marker lies below");
        archive.remove_newer_versions(&key).await;
        archive.is_proved(&archive.verify().await, &key);
    }
    let unknown = MessageId::of(messages[0].mailbox, &"AAkUnknown".parse().unwrap());
    let key = archive::key(archive.firm, unknown);
    archive.put(&key, b"Subject: Added\r\n\r\n").await;
    archive.remove(&key).await;
    assert_eq!(archive.verify().await, [(Extra, key)], "it was there once");
}

#[tokio::test]
async fn what_was_erased_is_told_apart_and_has_to_be_in_the_log() {
    let (archive, messages) = Archive::of_mails().await;
    archive.keep_versions().await;
    let (app, firm) = (&archive.world.host.app, archive.firm);
    let (asked_by, by) = ("Ada".to_owned(), "operator".to_owned());
    let erasure = |scope| Erasure {
        firm,
        scope,
        asked_by: asked_by.clone(),
        by: by.clone(),
        confirmed_by: None,
        order: None,
        reason: "Article 17".to_owned(),
        mailboxes: Default::default(),
        shortened: Default::default(),
    };
    let key = archive::key(firm, messages[0]);
    let (facts, original) = (archive.facts().await, archive.object(&key).await);
    let is_of = |fact: &Item| fact.get("message").is_some_and(|id| id.as_s().unwrap() == &messages[0].to_string());
    let one = erasure(ErasedScope::Message(messages[0]));
    let preview = Box::pin(app.eraser().preview(&one)).await.unwrap();
    assert_eq!((preview.originals, preview.facts), (1, 2), "it came, and was filed");
    archive.is_proved(&archive.verify().await, "a preview changes nothing");
    Box::pin(app.eraser().erase(&one)).await.unwrap();
    let report = archive.verify_with(true, None).await;
    assert!(report.proved && report.firms[0].originals_erased == 1 && report.firms[0].originals == 6, "{report}");
    // Nothing but ids, times and digests is left of it.
    let left = format!("{:?}{:?}", archive.facts().await, archive.messages(messages[0].mailbox).await);
    assert!(!left.contains("Number 0.0") && !left.contains("2026/17"), "{left}");
    let page = archive.s3().list_object_versions().bucket(BUCKET).prefix(&key).send().await.unwrap();
    assert!(page.versions().is_empty() && page.delete_markers().is_empty(), "each version is gone");
    // Begun again it does no more, and Graph lists the mail in vain.
    Box::pin(app.eraser().erase(&one)).await.unwrap();
    assert!(archive.verify_with(true, None).await.proved);
    // What comes back is too many.
    archive.put(&key, &original).await;
    assert_eq!(archive.verify().await, [(Extra, key.clone())]);
    let version = archive.s3().list_object_versions().bucket(BUCKET).prefix(&key).send().await.unwrap();
    archive.remove_version(&key, version.versions()[0].version_id().unwrap()).await;
    // Who erases by hand leaves no record of it.
    let other = facts.iter().find(|fact| !is_of(fact) && fact["type"].as_s().unwrap() == "message_archived").unwrap();
    let number: u64 = other["sk"].as_s().unwrap().parse().unwrap();
    let stored = app.feed.stored(firm, number).await.unwrap().unwrap();
    let hash = leaf(&entry(firm, number, &stored).unwrap());
    app.feed.void_fact(firm, number, hash, archive.world.clock.now()).await.unwrap();
    let found = archive.verify().await;
    assert!(found.contains(&(Altered, name(other))), "{found:?}");
    archive.put_item(other).await;
    archive.is_proved(&archive.verify().await, "all is as it was");
    // A mailbox goes with all it has, once nothing comes any more.
    let all = erasure(ErasedScope::Mailbox(messages[0].mailbox));
    assert!(matches!(Box::pin(app.eraser().erase(&all)).await, Err(EraseError::Active(_))));
    let mailbox = format!("/v1/firms/{firm}/mailboxes/{}", messages[0].mailbox);
    archive.world.post(&format!("{mailbox}/pause"), json!({})).await.ok();
    Box::pin(app.eraser().erase(&all)).await.unwrap();
    let report = archive.verify_with(true, None).await;
    assert!(report.proved && report.firms[0].originals_erased == 7 && report.firms[0].originals == 0, "{report}");
    assert_eq!(archive.world.objects().await.iter().filter(|key| key.ends_with(".eml")).count(), 0);
    let left = format!("{:?}{:?}", archive.facts().await, archive.messages(messages[0].mailbox).await);
    assert!(!left.contains("Number") && !left.contains("acme.example"), "{left}");
}

#[tokio::test]
async fn what_object_lock_keeps_is_not_erased_and_nothing_of_it_goes() {
    let (archive, _) = Archive::of_mails().await;
    archive.keep_versions().await;
    archive.lock(30).await;
    let registry = archive.world.registry().await;
    let message = archive.deliver(&registry, "Locked").await;
    let (app, firm) = (&archive.world.host.app, registry.firm.parse().unwrap());
    let (scope, reason) = (ErasedScope::Message(message), "Article 17".to_owned());
    let erasure = Erasure {
        firm,
        scope,
        asked_by: "Ada".to_owned(),
        by: "operator".to_owned(),
        confirmed_by: None,
        order: None,
        reason,
        mailboxes: Default::default(),
        shortened: Default::default(),
    };
    let refused = Box::pin(app.eraser().erase(&erasure)).await.unwrap_err();
    assert!(matches!(&refused, EraseError::Locked { key, .. } if *key == archive::key(firm, message)), "{refused}");
    assert!(archive.verify_with(true, None).await.proved);
    archive.world.clock.advance(std::time::Duration::from_secs(31 * 86_400));
    Box::pin(app.eraser().erase(&erasure)).await.unwrap();
    assert!(archive.verify_with(true, None).await.proved);
}

#[tokio::test]
async fn a_lock_that_should_be_there_and_is_not_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    let report = archive.verify_with(false, Some(30)).await;
    let of_bucket = report.elsewhere.iter().map(|finding| (finding.kind, finding.what.as_str()));
    assert_eq!(of_bucket.collect::<Vec<_>>(), [(Unlocked, BUCKET)]);
    archive.keep_versions().await;
    archive.lock(30).await;
    let report = archive.verify_with(false, Some(30)).await;
    let keys = messages.iter().map(|message| (Unlocked, archive::key(archive.firm, *message)));
    let keys: BTreeSet<_> = keys.collect();
    let found: BTreeSet<_> = report.findings().map(|finding| (finding.kind, finding.what.clone())).collect();
    assert_eq!(found, keys, "what was stored before has no lock");
    assert!(archive.verify_with(false, Some(31)).await.elsewhere.len() == 1, "it is shorter than it should be");
    archive.world.clock.advance(std::time::Duration::from_secs(31 * 86_400));
    assert!(archive.verify_with(false, Some(30)).await.proved, "the time of all is over");
    let registry = archive.world.registry().await;
    archive.deliver(&registry, "Locked").await;
    assert!(archive.verify_with(false, Some(30)).await.proved);
}

#[tokio::test]
async fn every_change_of_the_index_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    let items = archive.messages(messages[0].mailbox).await;
    let names = [
        "sha256",
        "bytes",
        "number",
        "received_at",
        "subject",
        "from",
        "immutable_id",
        "id",
        "archived_at",
        "internet_message_id",
        "has_attachments",
        "folder",
        "page",
        "version",
        "seal",
    ];
    // One that is filed, one that was, one that never was, and one that is not in the log yet.
    for message in [messages[0], messages[1], messages[4], messages[6]] {
        let item = items.iter().find(|item| item["id"].as_s().unwrap() == &message.to_string()).unwrap();
        let mut changes: Vec<Item> = names.map(|attribute| changed(item, attribute)).into();
        let with = |attribute: &str, value: AttributeValue| {
            let mut item = item.clone();
            item.insert(attribute.to_owned(), value);
            item
        };
        changes.push(with("state", AttributeValue::S("pending".to_owned())));
        changes.push(with("state", AttributeValue::S("no_such_state".to_owned())));
        let filing = json!({ "count": 9, "number": 1, "dossier": "other", "at": "2026-03-02T08:00:00Z", "by": "x" });
        changes.push(with("filing", AttributeValue::M(attributes(&filing))));
        let without = |attribute: &str| {
            let mut item = item.clone();
            item.remove(attribute);
            item
        };
        let state = if item["state"].as_s().unwrap() == "marked" { "announced" } else { "marked" };
        changes.push(with("state", AttributeValue::S(state.to_owned())));
        changes.push(with("recipient_domain", AttributeValue::S("evil.example".to_owned())));
        changes.push(with("of_nobody", AttributeValue::Bool(true)));
        changes.extend([without("from"), without("sha256"), without("folder")]);
        for change in changes {
            archive.put_item(&change).await;
            assert_eq!(archive.verify().await, [(Altered, name(item))], "{change:?}");
        }
        archive.remove_item(item).await;
        assert_eq!(archive.verify().await, [(Missing, name(item))]);
        // An older version leaves no seal, nor what it does not know.
        let mut older = without("seal");
        older.remove("lies_in");
        archive.put_item(&older).await;
        archive.is_proved(&archive.verify().await, "it is as an older version writes it");
        archive.put_item(&changed(&older, "subject")).await;
        assert_eq!(archive.verify().await, [(Altered, name(item))], "the facts say otherwise");
        archive.put_item(item).await;
        archive.is_proved(&archive.verify().await, "all is as it was");
    }
    let mut added = items[0].clone();
    let other = MessageId::of(messages[0].mailbox, &"AAkUnknown".parse().unwrap());
    added.insert("sk".to_owned(), AttributeValue::S(format!("MESSAGE#{}", other.local())));
    archive.put_item(&added).await;
    assert_eq!(archive.verify().await, [(Extra, name(&added))]);
    // The number of a fact that tells of no original.
    let facts = archive.facts().await;
    let filed = facts.iter().find(|fact| fact["type"].as_s().unwrap() == "message_filed").unwrap();
    let number: u64 = filed["sk"].as_s().unwrap().trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    added.insert("number".to_owned(), AttributeValue::N(number.to_string()));
    archive.put_item(&added).await;
    assert_eq!(archive.verify().await, [(Extra, name(&added))]);
}

/// What the messages, the log and the list of firms go by, and who did what.
#[tokio::test]
async fn every_change_of_what_the_table_has_of_the_firm_itself_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    let firm = format!("FIRM#{}", archive.firm);
    archive.world.put(&format!("/v1/firms/{}/holds", archive.firm), held("2026/17")).await.ok();
    let mut sealed: Vec<Item> = Vec::new();
    for sk in ["FIRM", "CONNECTOR#", "HOLD#", "KEY#", "LOG", "MAILBOX#", "TOKENS#", "WATCH#"] {
        sealed.extend(archive.items(&firm, sk).await);
    }
    let (listed, trail) =
        (archive.items("FIRMS", &archive.firm.to_string()).await, archive.items(&format!("{firm}#AUDIT"), "N#").await);
    assert!(sealed.len() >= 6 && listed.len() == 1 && trail.len() >= 4, "{sealed:?} {listed:?} {trail:?}");
    for item in sealed.iter().chain(&listed).chain(&trail) {
        let mut more = item.clone();
        more.insert("of_nobody".to_owned(), AttributeValue::Bool(true));
        archive.put_item(&more).await;
        assert_eq!(archive.verify().await, [(Altered, name(item))], "{item:?}");
        archive.put_item(item).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
    let mailbox = archive.items(&firm, &format!("MAILBOX#{}", messages[0].mailbox)).await;
    let log = archive.items(&firm, "LOG").await;
    // Nothing follows the last entry of the trail.
    for item in listed.iter().chain(&mailbox).chain(&log).chain(&trail[..trail.len() - 1]) {
        archive.remove_item(item).await;
        assert_eq!(archive.verify().await, [(Missing, name(item))], "{item:?}");
        archive.put_item(item).await;
    }
    // An entry that no seal tells of, as versions without seals wrote it, is told by the next one.
    let mut other = changed(&trail[1], "path");
    other.remove("seal");
    archive.put_item(&other).await;
    assert_eq!(archive.verify().await, [(Altered, name(&trail[2]))]);
    archive.put_item(&trail[1]).await;
    // Whoever deletes a mailbox by the API has it told.
    archive.world.delete(&format!("/v1/firms/{}/mailboxes/{}", archive.firm, messages[0].mailbox)).await;
    archive.is_proved(&archive.verify().await, "its messages stay");
    archive.append().await;
    archive.is_proved(&archive.verify().await, "the log says that it was deleted");
}

fn held(dossier: &str) -> serde_json::Value {
    json!({ "dossier": dossier, "held": true, "reason": "Case 7" })
}

fn attributes(value: &serde_json::Value) -> Item {
    let attributes = value.as_object().unwrap().iter().map(|(name, own)| match own {
        serde_json::Value::Number(number) => (name.clone(), AttributeValue::N(number.to_string())),
        text => (name.clone(), AttributeValue::S(text.as_str().unwrap().to_owned())),
    });
    attributes.collect()
}

#[tokio::test]
async fn every_change_of_a_fact_is_found() {
    let (archive, _) = Archive::of_mails().await;
    let facts = archive.facts().await;
    for fact in &facts[..facts.len() - 1] {
        for attribute in fact.keys().filter(|name| !["pk", "sk", "version"].contains(&name.as_str())) {
            let mut change = changed(fact, attribute);
            archive.put_item(&change).await;
            let found = archive.verify().await;
            assert_eq!(found, [(Altered, name(fact))], "{attribute} of {fact:?}");
            change = fact.clone();
            change.insert("more".to_owned(), AttributeValue::Bool(true));
            archive.put_item(&change).await;
            assert_eq!(archive.verify().await, [(Altered, name(fact))], "{fact:?}");
        }
        archive.remove_item(fact).await;
        assert_eq!(archive.verify().await, [(Missing, name(fact))], "{fact:?}");
        archive.put_item(fact).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
    // One more than there was: of a mail that nobody archived.
    let mut added = facts[facts.len() - 1].clone();
    added.insert("sk".to_owned(), AttributeValue::S(format!("{:020}", facts.len() + 1)));
    let message = added["message"].as_s().unwrap();
    let other = message.replace(&message[message.len() - 4..], "0000");
    added.insert("message".to_owned(), AttributeValue::S(other.clone()));
    archive.put_item(&added).await;
    let found = archive.verify().await;
    let local = other.split('.').nth(1).unwrap();
    assert!(matches!(found.as_slice(), [(Missing, item), (Missing, _)] if item.contains(local)), "{found:?}");
}

#[tokio::test]
async fn every_change_of_the_log_is_found() {
    let (archive, _) = Archive::of_mails().await;
    let keys = archive.log().await;
    assert_eq!(keys.iter().filter(|key| key.contains("/tile/")).count(), 6, "{keys:?}");
    for key in &keys {
        let bytes = archive.object(key).await;
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            archive.put(key, &altered).await;
            let found = archive.verify().await;
            assert!(matches!(found.as_slice(), [(Altered | Truncated, what)] if what == key), "{key}: {found:?}");
        }
        archive.put(key, &bytes[..bytes.len() - 1]).await;
        let found = archive.verify().await;
        assert!(matches!(found.as_slice(), [(Altered | Truncated, what)] if what == key), "{key}: {found:?}");
        archive.remove(key).await;
        assert_eq!(archive.verify().await, [(Missing, key.clone())]);
        archive.put(key, &bytes).await;
    }
    for name in ["other", "tile/0/005", "tile/entries/000.p/200", "checkpoints/other"] {
        let key = key(archive.firm, name);
        archive.put(&key, b"added").await;
        assert_eq!(archive.verify().await, [(Extra, key.clone())]);
        archive.remove(&key).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn a_checkpoint_in_the_place_of_another_is_found() {
    let (archive, _) = Archive::of_mails().await;
    let keys = archive.log().await;
    let mut kept: Vec<&String> = keys.iter().filter(|key| key.contains("/checkpoints/")).collect();
    kept.sort_by_key(|key| (key.len(), key.to_owned()));
    let head = key(archive.firm, "checkpoint");
    let (first, second) = (archive.object(kept[0]).await, archive.object(kept[1]).await);
    archive.put(kept[0], &second).await;
    archive.put(kept[1], &first).await;
    let found = archive.verify().await;
    assert_eq!(found, [(Swapped, kept[0].clone()), (Swapped, kept[1].clone())]);
    archive.put(kept[0], &first).await;
    archive.put(kept[1], &second).await;
    // The log is set back.
    let newest = archive.object(&head).await;
    archive.put(&head, &first).await;
    assert_eq!(archive.verify().await, [(Swapped, head.clone())]);
    archive.put(&head, &newest).await;
    // Signed by the very key, and of no history that there was.
    let keys = LogKeys::of(archive.firm, &archive.key).unwrap();
    let other = Checkpoint { size: 2, root: Digest::of(b"other"), previous: None }.sign(archive.firm, &keys);
    archive.put(&key(archive.firm, "checkpoints/2"), &other).await;
    assert_eq!(archive.verify().await, [(Forked, key(archive.firm, "checkpoints/2"))]);
}

#[tokio::test]
async fn a_log_that_is_gone_is_missed() {
    let (archive, _) = Archive::of_mails().await;
    for key in archive.log().await {
        archive.remove(&key).await;
    }
    assert_eq!(archive.verify().await, [(Missing, key(archive.firm, ""))]);
}

/// The log of these facts, all written at once, signed by the firm's own key.
async fn rewrite(archive: &Archive, facts: &[StoredFact]) {
    let (mut tree, mut entries) = (Tree::default(), Vec::new());
    for (fact, number) in facts.iter().zip(1..) {
        entries.push(entry(archive.firm, number, fact).unwrap());
        tree.push(&entries[entries.len() - 1]).unwrap();
    }
    let keys = LogKeys::of(archive.firm, &archive.key).unwrap();
    let mut previous = None;
    for name in archive.log().await {
        let name = name.strip_prefix(&key(archive.firm, "")).unwrap().to_owned();
        let bytes = if let Ok(tile) = name.parse::<LogTile>() {
            let from = usize::try_from(tile.n * TILE_WIDTH).unwrap();
            let own = entries[from..].iter().take(usize::try_from(tile.width).unwrap());
            match tile.kind {
                TileKind::Entries => bundle(own.map(Vec::as_slice)),
                TileKind::Hashes(_) => tree.hashes(tile).unwrap().to_vec(),
            }
        } else {
            continue;
        };
        archive.put(&key(archive.firm, &name), &bytes).await;
    }
    let log = archive.log().await;
    let sizes = log.iter().filter_map(|key| key.rsplit_once("/checkpoints/")?.1.parse::<u64>().ok());
    let mut sizes: Vec<u64> = sizes.collect();
    sizes.sort_unstable();
    for size in sizes {
        let mut begun = Tree::default();
        entries.iter().take(usize::try_from(size).unwrap()).for_each(|entry| begun.push(entry).unwrap());
        let signed = Checkpoint { size, root: begun.root().unwrap(), previous }.sign(archive.firm, &keys);
        archive.put(&key(archive.firm, &format!("checkpoints/{size}")), &signed).await;
        archive.put(&key(archive.firm, "checkpoint"), &signed).await;
        previous = Some(size);
    }
}

#[tokio::test]
async fn a_second_history_with_a_valid_signature_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    let mut facts = Vec::new();
    while let Some(fact) = archive.world.host.app.feed.stored(archive.firm, facts.len() as u64 + 1).await.unwrap() {
        facts.push(fact);
    }
    // What is in the log; the last one is not.
    facts.pop();
    rewrite(&archive, &facts).await;
    archive.is_proved(&archive.verify().await, "the same facts make the same log");
    let place = facts.iter().position(|fact| fact.text("message") == Some(&messages[2].to_string())).unwrap();
    let mut other = serde_json::to_value(&facts[place]).unwrap();
    other["sha256"] = json!("ab".repeat(32));
    facts[place] = serde_json::from_value(other).unwrap();
    rewrite(&archive, &facts).await;
    let report = archive.verify_by(false).await;
    let found: Vec<_> = report.findings().collect();
    let [finding] = found.as_slice() else { panic!("{report}") };
    assert!(finding.kind == Forked && finding.what.contains("/log/tile/entries/"), "{report}");
    assert!(finding.detail.contains(&format!("fact {}", place + 1)), "{report}");
}

/// A log of three levels of tiles, of facts that tell of no mail.
#[tokio::test]
async fn every_change_of_a_larger_log_is_found() {
    let world = World::new().await;
    let firm: FirmId = world.firm("Lumen").await.parse().unwrap();
    let archive = Archive::over(world, firm).await;
    let (app, clock) = (&archive.world.host.app, &archive.world.clock);
    for count in [300, 30, 300] {
        let first = app.feed.take_numbers(firm, count).await.unwrap();
        for number in first..first + count {
            let connector = ConnectorId::draw(&app.random);
            let what = FactEvent::ConnectorConnected { connector, account: "ada@lumen.example".to_owned() };
            let fact = Fact { id: format!("fact-{number}"), at: clock.now(), what };
            app.feed.record(firm, number, &fact).await.unwrap();
        }
        app.table.write(LogDue::at(firm, clock.now(), 0)).await.unwrap();
        archive.append().await;
    }
    archive.is_proved(&archive.verify().await, "nothing was changed");
    for key in archive.log().await {
        let bytes = archive.object(&key).await;
        let mut altered = bytes.clone();
        altered[bytes.len() / 2] ^= 1;
        archive.put(&key, &altered).await;
        let found = archive.verify().await;
        assert!(matches!(found.as_slice(), [(Altered | Truncated, what)] if *what == key), "{key}: {found:?}");
        archive.remove(&key).await;
        let found = archive.verify().await;
        // A tile that got full stands for those before it, which may go.
        match key.contains("/001.p/") {
            true => archive.is_proved(&found, &key),
            false => assert_eq!(found, [(Missing, key.clone())]),
        }
        archive.put(&key, &bytes).await;
    }
}
