//! Retention: where mail lies by its period, what keeps it longer, what S3 removes, and that index, search and
//! verification agree.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{BucketLifecycleConfiguration, LifecycleRule, LifecycleRuleFilter};
use futures::future::LocalBoxFuture;
use jiff::{Timestamp, tz::TimeZone};
use local::provision::BUCKET;
use serde_json::{Value, json};
use shared::{
    aws::{table::Key, worker::Deadline},
    base::{
        id::{ErasureId, MessageId},
        metric::Counter,
        random::Random,
    },
    evidence::{
        erasure::{ErasedScope, Eraser, Erasure, ErasureOrder, ROUND_TIME, WORK_TIME},
        report::{FindingKind, FirmReport},
    },
    firm::retention::KeptUntil,
    mail::{
        archive::{OriginalKey, key},
        retention_keeper::{Keeper, KeeperPlace},
    },
};
use tests::{Registry, World};

use crate::{
    damage::{Archive, Item, changed, name},
    dying::{counting, dying, waiting},
};

/// A firm that keeps its mail for seven years, and mail of dossiers of the class `Tax` for ten.
struct Kept {
    archive: Archive,
    registry: Registry,
    /// The year in which its mail comes.
    year: u16,
}

impl Kept {
    fn begun() -> LocalBoxFuture<'static, Self> {
        Box::pin(async {
            let kept = Self::over(World::new().await).await;
            kept.set_periods(json!(7)).await;
            kept
        })
    }

    /// Of a firm without periods.
    fn over(world: World) -> LocalBoxFuture<'static, Self> {
        Box::pin(async {
            let registry = world.registry().await;
            let archive = Archive::over(world, registry.firm.parse().unwrap()).await;
            let year = archive.world.clock.now().to_zoned(TimeZone::UTC).year().try_into().unwrap();
            Self { archive, registry, year }
        })
    }

    async fn set_periods(&self, default_years: Value) {
        let classes = json!([{ "name": "Tax", "years": 10 }]);
        let periods = json!({ "default_years": default_years, "classes": classes, "reason": "The law" });
        self.archive.world.put(&self.of_firm("retention"), periods).await.ok();
        // A firm is kept in mind for a minute.
        self.archive.world.clock.advance(Duration::from_secs(61));
    }

    async fn class(&self, dossier: &str, class: Value) {
        let change = json!({ "dossier": dossier, "class": class, "reason": "A tax matter" });
        self.archive.world.put(&self.of_firm("retention/dossiers"), change).await.ok();
    }

    async fn hold(&self, dossier: &str, held: bool) {
        let hold = json!({ "dossier": dossier, "held": held, "reason": "The case is pending" });
        self.archive.world.put(&self.of_firm("holds"), hold).await.ok();
    }

    fn of_firm(&self, path: &str) -> String {
        format!("/v1/firms/{}/{path}", self.archive.firm)
    }

    async fn mail(&self, subject: &str) -> MessageId {
        self.archive.deliver(&self.registry, subject).await
    }

    /// Where a mail lies that is kept so many years.
    fn at(&self, message: MessageId, years: u16) -> String {
        OriginalKey::new(self.archive.firm, message, KeptUntil::of_year(self.year + years)).to_string()
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.archive.s3().list_objects_v2().bucket(BUCKET).send().await.unwrap();
        let keys = listed.contents().iter().map(|object| object.key().unwrap().to_owned());
        keys.filter(|key| key.ends_with(".eml")).collect()
    }

    /// The keeper and the indexer follow the feed, and the log is brought up to it.
    async fn follow(&self) {
        Box::pin(self.archive.world.host.index()).await;
        self.archive.append().await;
    }

    /// The clock moves to the first of January after that many years.
    fn new_year(&self, after_years: u16) {
        let then: Timestamp = format!("{}-01-01T00:00:01Z", self.year + after_years + 1).parse().unwrap();
        let clock = &self.archive.world.clock;
        clock.advance(then.duration_since(clock.now()).try_into().unwrap());
    }

    fn proved(&self) -> LocalBoxFuture<'_, FirmReport> {
        Box::pin(async {
            let report = self.archive.verify_with(true, None).await;
            assert!(report.proved, "{report}");
            report.firms[0].clone()
        })
    }
}

#[tokio::test]
async fn new_mail_lies_under_the_year_until_which_it_is_kept_and_without_periods_where_it_always_did() {
    let kept = Kept::begun().await;
    let mail = kept.mail("Seven years").await;
    assert_eq!(kept.keys().await, [kept.at(mail, 7)]);
    let shown = kept.archive.state(mail).await;
    assert_eq!(shown["kept_until"], format!("{}-01-01T00:00:00Z", kept.year + 8));
    kept.set_periods(Value::Null).await;
    let other = kept.mail("For ever").await;
    assert_eq!(kept.keys().await, [key(kept.archive.firm, other), kept.at(mail, 7)]);
    assert_eq!(kept.archive.state(other).await["kept_until"], Value::Null);
    kept.archive.append().await;
    assert_eq!(kept.proved().await.originals, 2);
    // A longer period holds for what is archived, too.
    kept.follow().await;
    assert_eq!(kept.archive.state(mail).await["kept_until"], Value::Null);
    let report = kept.proved().await;
    assert_eq!((report.originals, report.copies_left), (2, 1));
}

#[tokio::test]
async fn a_class_and_a_hold_keep_mail_longer_and_feed_and_log_tell_of_it() {
    let kept = Kept::begun().await;
    let [taxed, held, plain] = ["Taxed", "Held", "Plain"];
    let (taxed, held, plain) = (kept.mail(taxed).await, kept.mail(held).await, kept.mail(plain).await);
    kept.class("2026/1", json!("Tax")).await;
    kept.follow().await;
    kept.archive.file(taxed, json!("2026/1")).await;
    kept.archive.file(held, json!("2026/2")).await;
    kept.archive.file(held, json!(null)).await;
    kept.hold("2026/2", true).await;
    kept.follow().await;
    let firm = kept.archive.firm;
    let mut keys = vec![kept.at(taxed, 7), kept.at(taxed, 10), kept.at(held, 7), key(firm, held), kept.at(plain, 7)];
    keys.sort();
    assert_eq!(kept.keys().await, keys);
    let feed = kept.archive.world.facts(&kept.registry.firm).await;
    assert_eq!(feed.iter().filter(|fact| *fact == "retention_changed").count(), 2, "{feed:?}");
    let report = kept.proved().await;
    assert_eq!((report.originals, report.copies_left, report.facts_beyond), (3, 2, 0));
    assert_eq!(kept.archive.object(&kept.at(taxed, 10)).await, kept.archive.object(&kept.at(taxed, 7)).await);
    // A dossier that is in no class is not taken out of one once more.
    let count = kept.archive.facts().await.len();
    kept.class("2026/9", Value::Null).await;
    assert_eq!(kept.archive.facts().await.len(), count);
    // Nothing is done a second time, and less time is no matter of the keeper.
    kept.hold("2026/2", false).await;
    kept.class("2026/1", Value::Null).await;
    kept.set_periods(json!(1)).await;
    kept.follow().await;
    assert_eq!(kept.keys().await, keys);
    assert_eq!(kept.archive.found("Taxed").await, 1);
    let refused = json!({ "default_years": 7, "classes": [], "reason": "The law" });
    kept.class("2026/1", json!("Tax")).await;
    assert_eq!(kept.archive.world.put(&kept.of_firm("retention"), refused).await.problem(), "invalid_request");
}

#[tokio::test]
async fn what_expires_is_removed_by_s3_and_index_search_and_verification_agree() {
    for versions in [false, true] {
        let kept = Kept::begun().await;
        if versions {
            kept.archive.keep_versions().await;
        }
        let (gone, taxed, held) = (kept.mail("Gone").await, kept.mail("Taxed").await, kept.mail("Held").await);
        kept.class("2026/1", json!("Tax")).await;
        kept.archive.file(gone, json!("2026/3")).await;
        kept.archive.file(taxed, json!("2026/1")).await;
        kept.archive.file(held, json!("2026/2")).await;
        kept.hold("2026/2", true).await;
        kept.follow().await;
        kept.new_year(6);
        assert!(kept.archive.state(gone).await["sha256"].is_string());
        assert_eq!(kept.archive.found("Gone").await, 1);
        kept.new_year(7);
        assert_eq!(kept.keys().await, [key(kept.archive.firm, held), kept.at(taxed, 10)]);
        let shown = kept.archive.state(gone).await;
        assert_eq!((&shown["state"], &shown["sha256"]), (&json!("expired"), &Value::Null), "{shown}");
        assert_eq!(shown["kept_until"], format!("{}-01-01T00:00:00Z", kept.year + 8));
        let content = kept.archive.world.get(&kept.of_firm(&format!("messages/{gone}/content"))).await;
        assert_eq!(content.problem(), "not_archived");
        let file = kept.of_firm(&format!("messages/{gone}/file"));
        let filed = kept.archive.world.post(&file, json!({ "dossier": "2026/2" })).await;
        assert_eq!(filed.problem(), "not_archived");
        for path in ["messages", "messages?q=Gone", "messages?dossier=2026/3"] {
            let listed = kept.archive.world.get(&kept.of_firm(path)).await.ok();
            let ids: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|mail| &mail["id"]).collect();
            assert!(!ids.contains(&&json!(gone)), "{path}: {listed}");
        }
        let report = kept.proved().await;
        assert_eq!((report.originals, report.originals_expired), (3, 1));
        kept.follow().await;
        // The index of words is made again without it.
        let app = &kept.archive.world.host.app;
        Box::pin(app.indexer().restart(kept.archive.firm, None)).await.unwrap();
        kept.follow().await;
        assert_eq!((kept.archive.found("Taxed").await, kept.archive.found("Gone").await), (1, 0));
        kept.archive.world.clock.advance(Duration::from_secs(100 * 86_400));
        kept.proved().await;
        // What is left of it goes by an erasure, which is confirmed.
        kept.set_periods(json!(7)).await;
        assert_eq!(kept.archive.erase(json!({ "kind": "retention" })).await["shortened"], 0);
        let left = kept.archive.state(gone).await;
        assert_eq!((&left["state"], &left["subject"]), (&json!("expired"), &json!("")));
        assert_eq!(left["kept_until"], shown["kept_until"], "the end of its year, and not the day of the erasure");
        assert_eq!(kept.archive.refusal(json!({ "kind": "retention" })).await["reason"], "as_asked");
        let report = kept.proved().await;
        assert_eq!((report.originals_erased, report.originals_expired), (1, 0));
    }
}

#[tokio::test]
async fn only_a_confirmed_erasure_keeps_mail_less_long_and_a_hold_refuses_it() {
    let kept = Kept::begun().await;
    kept.archive.keep_versions().await;
    kept.set_periods(Value::Null).await;
    let (mail, held) = (kept.mail("Now three years").await, kept.mail("Held").await);
    kept.archive.file(held, json!("2026/2")).await;
    kept.hold("2026/2", true).await;
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    let firm = kept.archive.firm;
    assert_eq!(kept.keys().await.len(), 2);
    let erasure = kept.archive.ask(json!({ "kind": "retention" })).await;
    Box::pin(kept.archive.world.host.erase()).await;
    let preview = kept.archive.progress(&erasure).await;
    assert_eq!((&preview["originals"], &preview["shortened"]), (&json!(0), &json!(1)), "{preview}");
    assert!(kept.keys().await.contains(&key(firm, mail)), "nothing is done yet");
    assert_eq!(kept.archive.erase(json!({ "kind": "retention" })).await["shortened"], 1);
    let carried_out = kept.archive.world.get(&erasure).await.ok();
    assert_eq!(carried_out["confirmed_by"], Value::Null, "another one was confirmed");
    let confirmed = kept.archive.world.get(&kept.of_firm("erasures")).await.ok();
    let confirmed = confirmed["items"].as_array().unwrap().iter().filter(|one| one["confirmed_by"] == "operator");
    assert_eq!(confirmed.map(|one| one["reason"].clone()).collect::<Vec<_>>(), ["Article 17"]);
    let facts = kept.archive.facts().await;
    let record = facts.iter().find(|fact| fact["id"].as_s().unwrap().starts_with("shortened-")).unwrap();
    let text = |name: &str| record[name].as_s().unwrap().clone();
    assert_eq!([text("confirmed_by"), text("reason")], ["operator", "Article 17"]);
    let log = kept.archive.world.get(&kept.of_firm("log")).await.ok();
    assert_eq!(log["size"], facts.len(), "the log has all of it already");
    let mut keys = vec![kept.at(mail, 3), key(firm, held)];
    keys.sort();
    assert_eq!(kept.keys().await, keys);
    let versions = kept.archive.s3().list_object_versions().bucket(BUCKET).prefix(key(firm, mail));
    let versions = versions.send().await.unwrap();
    assert_eq!((versions.versions().len(), versions.delete_markers().len()), (0, 0), "no version is left");
    kept.archive.append().await;
    let report = kept.proved().await;
    assert_eq!((report.originals, report.copies_left), (2, 0));
    // A copy that would be kept longer does not come back.
    let bytes = kept.archive.object(&kept.at(mail, 3)).await;
    kept.archive.put(&key(firm, mail), &bytes).await;
    assert_eq!(kept.archive.verify().await, [(FindingKind::Extra, key(firm, mail))]);
    kept.archive.remove_all_versions(&key(firm, mail)).await;
    assert_eq!(kept.archive.refusal(json!({ "kind": "message", "message": held })).await["reason"], "held");
    // An erasure takes every copy, wherever it is kept.
    kept.set_periods(json!(5)).await;
    kept.follow().await;
    assert_eq!(kept.keys().await.len(), 3);
    kept.archive.erase(json!({ "kind": "message", "message": mail })).await;
    assert_eq!(kept.keys().await, [key(firm, held)]);
    kept.proved().await;
}

#[tokio::test]
async fn a_copy_that_is_put_back_while_a_shortening_goes_on_is_found() {
    let kept = Kept::begun().await;
    kept.set_periods(Value::Null).await;
    let (archive, mail) = (&kept.archive, kept.mail("Now three years").await);
    let (world, before) = (&archive.world, key(archive.firm, mail));
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    let bytes = archive.object(&before).await;
    let erasure = archive.ask(json!({ "kind": "retention" })).await;
    Box::pin(world.host.erase()).await;
    world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    archive.is_proved(&archive.verify().await, "nothing is done yet");
    Box::pin(world.host.erase()).await;
    assert_eq!(archive.progress(&erasure).await["state"], "confirmed", "all is done once more");
    archive.is_proved(&archive.verify().await, "it is kept less long");
    world.clock.advance(Duration::from_secs(120));
    archive.put(&before, &bytes).await;
    assert_eq!(archive.verify().await, [(FindingKind::Extra, before.clone())]);
    archive.remove(&before).await;
    world.clock.advance(ROUND_TIME);
    Box::pin(world.host.erase()).await;
    assert_eq!(archive.progress(&erasure).await["state"], "erased");
    kept.proved().await;
    // The index says that it is where it was first.
    let item = archive.messages(mail.mailbox).await.into_iter().find(|item| item.contains_key("until_year")).unwrap();
    let mut ever = item.clone();
    ever.remove("until_year");
    archive.put_item(&ever).await;
    assert_eq!(archive.verify().await, [(FindingKind::Altered, name(&item))]);
    archive.put_item(&item).await;
    // Neither does a copy come by itself that expires before its original.
    world.clock.advance(Duration::from_secs(120));
    let shorter = kept.at(mail, 2);
    archive.put(&shorter, &bytes).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(archive.verify().await, [(FindingKind::Extra, shorter)]);
}

#[tokio::test]
async fn a_copy_that_would_expire_before_its_original_is_found() {
    let kept = Kept::begun().await;
    kept.set_periods(Value::Null).await;
    let (archive, mail) = (&kept.archive, kept.mail("For ever").await);
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    archive.ask(json!({ "kind": "retention" })).await;
    Box::pin(archive.world.host.erase()).await;
    let bytes = archive.object(&key(archive.firm, mail)).await;
    // Nobody confirmed that it is kept less long, and to no other year anything would have it moved.
    for years in [3, 2] {
        let copy = kept.at(mail, years);
        archive.put(&copy, &bytes).await;
        archive.world.clock.advance(Duration::from_secs(1));
        assert_eq!(archive.verify().await, [(FindingKind::Extra, copy.clone())]);
        archive.remove(&copy).await;
    }
    kept.proved().await;
}

#[tokio::test]
async fn every_change_of_an_original_that_is_kept_longer_is_found_and_named() {
    use FindingKind::{Altered, Extra, Missing};
    let kept = Kept::begun().await;
    kept.archive.keep_versions().await;
    let (mail, other) = (kept.mail("Kept longer").await, kept.mail("Another").await);
    kept.class("2026/1", json!("Tax")).await;
    kept.archive.file(mail, json!("2026/1")).await;
    kept.follow().await;
    kept.archive.is_proved(&kept.archive.verify().await, "all is as it was written");
    let (now, before) = (kept.at(mail, 10), kept.at(mail, 7));
    let bytes = kept.archive.object(&now).await;
    // S3 removed it before its time, or somebody did.
    kept.archive.remove(&now).await;
    assert_eq!(kept.archive.verify().await, [(Missing, now.clone())]);
    let mut altered = bytes.clone();
    altered[0] ^= 1;
    kept.archive.put(&now, &altered).await;
    assert_eq!(kept.archive.verify().await, [(Altered, now.clone())]);
    kept.archive.remove_newer_versions(&now).await;
    kept.archive.is_proved(&kept.archive.verify().await, "it is back");
    // The copy that is left is no evidence, and still no other mail may lie there.
    kept.archive.remove_newer_versions(&before).await;
    let elsewhere = kept.at(other, 12);
    kept.archive.put(&elsewhere, &bytes).await;
    assert_eq!(kept.archive.verify().await, [(Extra, elsewhere.clone())]);
    kept.archive.remove_all_versions(&elsewhere).await;
    // The index says that it is kept less long, or longer, or for ever.
    let items = kept.archive.messages(mail.mailbox).await;
    let item = items.into_iter().find(|item| item.get("filing").is_some_and(AttributeValue::is_m)).unwrap();
    let mut back = item.clone();
    back.insert("until_year".to_owned(), AttributeValue::N((kept.year + 7).to_string()));
    let mut ever = item.clone();
    ever.remove("until_year");
    for item in [&changed(&item, "until_year"), &back, &ever] {
        kept.archive.put_item(item).await;
        assert_eq!(kept.archive.verify().await, [(Altered, name(item))]);
    }
    kept.archive.put_item(&item).await;
    kept.archive.is_proved(&kept.archive.verify().await, "all is as it was written again");
}

#[tokio::test]
async fn a_keeper_that_dies_at_any_call_is_gone_on_with() {
    for has_effect in [false, true] {
        let kept = Kept::begun().await;
        let mail = kept.mail("Kept longer").await;
        kept.class("2026/1", json!("Tax")).await;
        kept.archive.file(mail, json!("2026/1")).await;
        for calls in 0.. {
            assert!(calls < 40, "it makes far fewer calls");
            let (app, died) = dying(&kept.archive.world, calls, has_effect);
            let (keeper, deadline) = (app.keeper(), Deadline::before(u64::MAX, kept.archive.world.clock.clone()));
            let lived = tokio::select! {
                done = Box::pin(keeper.follow(kept.archive.firm, &deadline)) => done.map(|_| true).unwrap(),
                () = died.notified() => false,
            };
            kept.archive.world.clock.advance(Duration::from_secs(11));
            kept.archive.append().await;
            kept.proved().await;
            if lived {
                break;
            }
        }
        assert_eq!(kept.archive.state(mail).await["kept_until"], format!("{}-01-01T00:00:00Z", kept.year + 11));
        let feed = kept.archive.world.facts(&kept.registry.firm).await;
        assert_eq!(feed.iter().filter(|fact| *fact == "retention_changed").count(), 1, "{feed:?}");
    }
}

/// A mail of a firm whose new periods ask for less, and the erasure that has it kept less long.
async fn to_shorten(kept: &Kept) -> (MessageId, Erasure) {
    kept.set_periods(Value::Null).await;
    let mail = kept.mail("Pending").await;
    kept.archive.file(mail, json!("2026/2")).await;
    kept.follow().await;
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    let scope = ErasedScope::Expired(ErasureId::draw(&Random::seeded(1)), BTreeSet::new());
    let (asked_by, by, reason) = ("Ada".to_owned(), "operator".to_owned(), "The law".to_owned());
    let firm = kept.archive.firm;
    (
        mail,
        Erasure {
            firm,
            scope,
            asked_by,
            by,
            confirmed_by: None,
            order: None,
            reason,
            mailboxes: BTreeSet::new(),
            shortened: [mail].into(),
        },
    )
}

#[tokio::test]
async fn a_hold_that_is_set_at_any_call_of_a_shortening_keeps_the_mail_for_ever() {
    for calls in 0.. {
        assert!(calls < 80, "it makes far fewer calls");
        let kept = Kept::begun().await;
        let (mail, erasure) = to_shorten(&kept).await;
        let (app, waits, goes_on) = waiting(&kept.archive.world, calls);
        let eraser = app.eraser();
        let mut erased = Box::pin(eraser.erase(&erasure));
        let has_ended = tokio::select! {
            ended = &mut erased => ended.map(|_| true).unwrap(),
            () = waits.notified() => false,
        };
        kept.hold("2026/2", true).await;
        kept.follow().await;
        if !has_ended {
            goes_on.notify_one();
            erased.await.unwrap();
        }
        kept.follow().await;
        assert_eq!(kept.archive.state(mail).await["kept_until"], Value::Null, "call {calls}");
        kept.proved().await;
        assert!(kept.keys().await.contains(&key(kept.archive.firm, mail)), "call {calls}");
        if has_ended {
            break;
        }
    }
}

/// What the table has of the firm under such a key.
async fn setting(kept: &Kept, sk: &str) -> Item {
    kept.archive.items(&format!("FIRM#{}", kept.archive.firm), sk).await.remove(0)
}

#[tokio::test]
async fn every_change_of_a_hold_a_class_or_a_period_in_the_table_alone_is_found_and_named() {
    use FindingKind::{Altered, Extra, Missing};
    let kept = Kept::begun().await;
    let archive = &kept.archive;
    kept.mail("Seven years").await;
    kept.class("2026/1", json!("Tax")).await;
    kept.hold("2026/2", true).await;
    kept.hold("2026/3", true).await;
    kept.hold("2026/3", false).await;
    for is_logged in [false, true] {
        if is_logged {
            kept.follow().await;
        }
        archive.is_proved(&archive.verify().await, "the table has what the facts say");
        for (sk, attributes) in [("HOLD#", &["dossier", "reason", "by", "at"][..]), ("CLASS#", &["dossier", "class"])] {
            let item = setting(&kept, sk).await;
            for attribute in attributes {
                archive.put_item(&changed(&item, attribute)).await;
                assert_eq!(archive.verify().await, [(Altered, name(&item))], "{attribute}");
            }
            archive.remove_item(&item).await;
            assert_eq!(archive.verify().await, [(Missing, name(&item))]);
            archive.put_item(&item).await;
            let other = changed(&changed(&item, "sk"), "dossier");
            archive.put_item(&other).await;
            assert_eq!(archive.verify().await, [(Extra, name(&other))]);
            archive.remove_item(&other).await;
        }
        let firm = archive.items(&format!("FIRM#{}", archive.firm), "FIRM").await.remove(0);
        let mut shorter = firm.clone();
        let periods = shorter.get_mut("retention").and_then(|periods| periods.as_m().ok().cloned()).unwrap();
        for (name_of, value) in [("default", Some(AttributeValue::N("1".to_owned()))), ("classes", None)] {
            let mut periods = periods.clone();
            match value {
                Some(value) => drop(periods.insert(name_of.to_owned(), value)),
                None => drop(periods.insert(name_of.to_owned(), AttributeValue::M(Item::new()))),
            }
            shorter.insert("retention".to_owned(), AttributeValue::M(periods));
            archive.put_item(&shorter).await;
            assert_eq!(archive.verify().await, [(Altered, name(&firm))], "{name_of}");
        }
        shorter.remove("retention");
        archive.put_item(&shorter).await;
        assert_eq!(archive.verify().await, [(Altered, name(&firm))]);
        archive.put_item(&firm).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was written");
    // The check by the schedule finds it, whichever share of the archive it looks at.
    let hold = setting(&kept, "HOLD#").await;
    archive.remove_item(&hold).await;
    for _ in 0..2 {
        assert_eq!(archive.checked().await.map(|(_, findings)| findings), Some(1));
        archive.world.clock.advance(Duration::from_secs(23 * 3600));
    }
    // Where the fact is not as it was, nothing else can be said.
    archive.put_item(&hold).await;
    let facts = archive.facts().await;
    let fact = facts.into_iter().find(|fact| fact["id"].as_s().unwrap().starts_with("hold-")).unwrap();
    archive.put_item(&changed(&fact, "dossier")).await;
    assert_eq!(archive.verify().await, [(Altered, name(&fact))]);
}

#[tokio::test]
async fn a_copy_that_lies_where_no_entry_says_is_found_also_of_a_mail_that_has_expired() {
    for versions in [false, true] {
        let kept = Kept::begun().await;
        let archive = &kept.archive;
        if versions {
            archive.keep_versions().await;
        }
        let (mail, plain) = (kept.mail("Kept longer").await, kept.mail("Plain").await);
        kept.class("2026/1", json!("Tax")).await;
        archive.file(mail, json!("2026/1")).await;
        kept.follow().await;
        archive.world.clock.advance(Duration::from_secs(3600));
        assert_eq!(kept.proved().await.copies_left, 1, "its copy of before expires by its own rule");
        let bytes = [archive.object(&kept.at(mail, 10)).await, archive.object(&kept.at(plain, 7)).await];
        for years in [0, 7, 10] {
            if years > 0 {
                kept.new_year(years);
            }
            archive.is_proved(&archive.verify().await, "nothing else lies there");
            for (id, bytes) in [mail, plain].into_iter().zip(&bytes) {
                for key in [kept.at(id, 12), key(archive.firm, id)] {
                    archive.put(&key, bytes).await;
                    assert_eq!(archive.verify().await, [(FindingKind::Extra, key.clone())], "{years}");
                    archive.remove_all_versions(&key).await;
                }
            }
        }
        // S3 would have removed it.
        archive.world.clock.advance(Duration::from_secs(3 * 86_400));
        let late = kept.at(plain, 9);
        archive.put(&late, &bytes[1]).await;
        assert_eq!(archive.verify().await, [(FindingKind::Extra, late)]);
    }
}

#[tokio::test]
async fn a_byte_on_the_disk_of_a_copy_that_is_left_is_found_by_reading_it() {
    let kept = Kept::begun().await;
    let mail = kept.mail("Kept longer").await;
    kept.class("2026/1", json!("Tax")).await;
    kept.archive.file(mail, json!("2026/1")).await;
    kept.follow().await;
    let bytes = kept.archive.object(&kept.at(mail, 10)).await;
    let mut altered = bytes.clone();
    altered[9] ^= 1;
    let mut found = BTreeSet::new();
    for blob in kept.archive.blobs(&bytes) {
        std::fs::write(&blob, &altered).unwrap();
        let report = kept.archive.verify_with(true, None).await;
        found.extend(report.findings().map(|finding| (finding.kind, finding.what.clone())));
        std::fs::write(&blob, &bytes).unwrap();
    }
    let both = [(FindingKind::Altered, kept.at(mail, 10)), (FindingKind::Extra, kept.at(mail, 7))];
    assert_eq!(found, BTreeSet::from(both));
}

#[tokio::test]
async fn what_expired_though_it_was_to_be_kept_longer_is_named() {
    let kept = Kept::begun().await;
    let (held, longer, freed, plain) =
        (kept.mail("Held").await, kept.mail("Longer").await, kept.mail("Freed").await, kept.mail("Plain").await);
    kept.class("2026/1", json!("Tax")).await;
    for (mail, dossier) in [(held, "2026/2"), (longer, "2026/1"), (freed, "2026/3"), (plain, "2026/4")] {
        kept.archive.file(mail, json!(dossier)).await;
    }
    kept.hold("2026/2", true).await;
    kept.hold("2026/3", true).await;
    kept.hold("2026/3", false).await;
    // No keeper runs before the end.
    kept.archive.append().await;
    kept.new_year(7);
    let mut found = [(FindingKind::Missing, kept.at(held, 7)), (FindingKind::Missing, kept.at(longer, 7))];
    found.sort();
    assert_eq!(kept.archive.verify().await, found);
    let report = kept.archive.verify_with(false, None).await;
    assert_eq!(report.firms[0].originals_expired, 2, "{report}");
    // What is asked for after the end comes too late, and is no fault.
    kept.hold("2026/4", true).await;
    kept.archive.append().await;
    assert_eq!(kept.archive.verify().await, found);
}

#[tokio::test]
async fn a_keeper_notes_since_when_it_has_not_come_to_its_end() {
    let kept = Kept::begun().await;
    let mail = kept.mail("Kept longer").await;
    kept.archive.file(mail, json!("2026/1")).await;
    kept.follow().await;
    kept.class("2026/1", json!("Tax")).await;
    let began = kept.archive.world.clock.now();
    let (app, key) = (&kept.archive.world.host.app, Key::keeper(kept.archive.firm));
    let place = async || app.table.get::<KeeperPlace>(&key).await.unwrap().unwrap().value.behind_since;
    let mut seen = BTreeSet::new();
    for calls in 0.. {
        assert!(calls < 40, "it makes far fewer calls");
        let (dying_app, died) = dying(&kept.archive.world, calls, true);
        let (keeper, deadline) = (dying_app.keeper(), Deadline::before(u64::MAX, kept.archive.world.clock.clone()));
        let lived = tokio::select! {
            done = Box::pin(keeper.follow(kept.archive.firm, &deadline)) => done.map(|_| true).unwrap(),
            () = died.notified() => false,
        };
        seen.insert(place().await);
        kept.archive.world.clock.advance(Duration::from_secs(11));
        if lived {
            break;
        }
    }
    assert_eq!(place().await, None);
    let since = seen.into_iter().flatten().next().unwrap();
    assert!(since >= began && since < kept.archive.world.clock.now(), "{since}");
}

#[tokio::test]
async fn a_keeper_that_fails_counts_for_the_alarm_and_an_original_that_is_missing_as_a_fault() {
    let world = World::with(&[("GREFFE_LOCK_DAYS", "1")]).await;
    let kept = Kept::over(world).await;
    let (archive, counters) = (&kept.archive, [Counter::KeeperFailures, Counter::EvidenceFaults]);
    let counted = async || {
        let deadline = Deadline::before(u64::MAX, archive.world.clock.clone());
        let tally = Box::pin(indexer::keep(&archive.world.host.app, archive.firm, &deadline)).await;
        counters.map(|counter| tally.of(counter))
    };
    let held = kept.mail("Held").await;
    archive.file(held, json!("2026/2")).await;
    assert_eq!(counted().await, [0, 0], "nothing is to be held");
    kept.hold("2026/2", true).await;
    assert_eq!(counted().await, [1, 0], "the bucket has no Object Lock, though it should");
    assert_eq!(counted().await, [1, 0], "it is tried again");
    archive.keep_versions().await;
    archive.lock(1).await;
    assert_eq!(counted().await, [0, 0]);
    kept.hold("2026/2", false).await;
    archive.remove(&key(archive.firm, held)).await;
    assert_eq!(counted().await, [0, 1]);
}

#[tokio::test]
async fn a_rule_of_the_bucket_that_somebody_changed_is_found_and_named() {
    let kept = Kept::begun().await;
    let (archive, s3) = (&kept.archive, kept.archive.s3());
    kept.mail("Seven years").await;
    archive.append().await;
    let rules = s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap().rules.unwrap();
    archive.is_proved(&archive.verify().await, "the rules are those that greffe asks for");
    let put = async |rules: &[LifecycleRule]| {
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules.to_vec())).build().unwrap();
        let put = s3.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules);
        put.send().await.unwrap();
    };
    let found = async || -> Vec<FindingKind> { archive.verify().await.into_iter().map(|(kind, _)| kind).collect() };
    put(&rules[1..]).await;
    assert_eq!(found().await, [FindingKind::Missing]);
    let mut changed = rules.clone();
    changed[7].expiration = rules[6].expiration.clone();
    put(&changed).await;
    assert_eq!(found().await, [FindingKind::Altered]);
    let (mut more, mut other) = (rules.clone(), rules[90].clone());
    other.filter = Some(LifecycleRuleFilter::builder().prefix("").build());
    other.id = Some("other".to_owned());
    more.push(other);
    put(&more).await;
    assert_eq!(found().await, [FindingKind::Extra]);
    // Those that are of no year: for older versions and the markers over them, and for what was not completed.
    for (id, count) in [("forget-what-was-removed", 2), ("forget-what-was-not-completed", 1)] {
        let without: Vec<_> = rules.iter().filter(|rule| rule.id() != Some(id)).cloned().collect();
        put(&without).await;
        assert_eq!(found().await, vec![FindingKind::Missing; count], "{id}");
    }
    let deadline = Deadline::before(u64::MAX, archive.world.clock.clone());
    assert_eq!(Box::pin(check::check(&archive.world.host.app, &deadline)).await.unwrap().findings, 1);
    put(&rules).await;
    archive.is_proved(&archive.verify().await, "they are as they were");
}

#[tokio::test]
async fn an_erasure_by_the_periods_takes_any_number_of_mails_whatever_call_it_dies_at() {
    let kept = Kept::begun().await;
    kept.set_periods(Value::Null).await;
    let (archive, mut mails) = (&kept.archive, Vec::new());
    for n in 0..5 {
        mails.push(kept.mail(&format!("Number {n}")).await);
    }
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    let erasure = archive.ask(json!({ "kind": "retention" })).await;
    let id = (archive.firm, erasure.rsplit('/').next().unwrap().parse::<ErasureId>().unwrap());
    for wanted in ["previewed", "erased"] {
        let mut calls = 0;
        while archive.progress(&erasure).await["state"] != wanted {
            assert!(calls < 4_000, "{wanted}: it makes far fewer calls");
            let (app, died) = dying(&archive.world, calls, calls % 2 == 0);
            let table = &archive.world.host.app.table;
            if let Some(order) = ErasureOrder::take(table, id, archive.world.clock.now()).await.unwrap() {
                let eraser = Eraser { page: 2, ..app.eraser() };
                tokio::select! {
                    _ = Box::pin(ErasureOrder::work(order, &eraser)) => {},
                    () = died.notified() => {}
                }
            }
            calls += 13;
            archive.world.clock.advance(WORK_TIME + Duration::from_secs(1));
        }
        if wanted == "previewed" {
            assert_eq!(archive.progress(&erasure).await["shortened"], 5);
            // What comes later is not among what is confirmed.
            kept.set_periods(Value::Null).await;
            kept.mail("Later").await;
            kept.set_periods(json!(3)).await;
            archive.world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
        }
    }
    let keys: Vec<String> = mails.iter().map(|mail| kept.at(*mail, 3)).collect();
    assert_eq!(kept.keys().await.len(), 6);
    let there = kept.keys().await;
    assert!(keys.iter().all(|key| there.contains(key)), "all five are kept less long: {there:?}");
    archive.append().await;
    kept.proved().await;
    assert_eq!(archive.items(&format!("FIRM#{}", archive.firm), "ERASED#").await.len(), 0, "no page is left");
}

#[tokio::test]
async fn an_erasure_by_the_periods_reads_the_feed_once_for_many_pages() {
    let kept = Kept::begun().await;
    kept.set_periods(json!(1)).await;
    let archive = &kept.archive;
    for n in 0..12 {
        kept.mail(&format!("Number {n}")).await;
    }
    kept.new_year(1);
    archive.append().await;
    let erasure = archive.ask(json!({ "kind": "retention" })).await;
    let id = (archive.firm, erasure.rsplit('/').next().unwrap().parse::<ErasureId>().unwrap());
    // What begins at the first number reads all of the feed.
    let (app, readings) = counting(&archive.world, "\":sk\":{\"S\":\"00000000000000000000\"}");
    let work = async || {
        let table = &archive.world.host.app.table;
        let order = ErasureOrder::take(table, id, archive.world.clock.now()).await.unwrap().unwrap();
        Box::pin(ErasureOrder::work(order, &Eraser { page: 2, ..app.eraser() })).await.unwrap();
        readings.swap(0, Ordering::SeqCst)
    };
    assert!(work().await <= 2, "once to find what has expired, and once for the facts of all pages");
    assert_eq!(archive.progress(&erasure).await["events"], 12);
    archive.world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    assert_eq!(work().await, 1);
    archive.world.clock.advance(ROUND_TIME);
    assert_eq!(work().await, 1, "and all once more");
    assert_eq!(archive.progress(&erasure).await["state"], "erased");
    archive.append().await;
    kept.proved().await;
}

#[tokio::test]
async fn the_dossiers_that_are_in_a_class_are_listed_page_by_page() {
    let kept = Kept::begun().await;
    let world = &kept.archive.world;
    for n in 1..4 {
        kept.class(&format!("2026/{n}"), json!("Tax")).await;
    }
    let list = kept.of_firm("retention/dossiers");
    let first = world.get(&format!("{list}?limit=2")).await.ok();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (2, &json!("2026/2")));
    let rest = world.get(&format!("{list}?limit=2&after=2026/2")).await.ok();
    assert_eq!(rest, json!({ "items": [{ "dossier": "2026/3", "class": "Tax" }], "next": null }));
}

#[tokio::test]
async fn what_was_held_before_s3_was_asked_to_hold_it_is_held_then() {
    let kept = Kept::begun().await;
    let archive = &kept.archive;
    archive.keep_versions().await;
    archive.lock(1).await;
    let held = kept.mail("Held").await;
    archive.file(held, json!("2026/2")).await;
    kept.hold("2026/2", true).await;
    kept.follow().await;
    let key = key(archive.firm, held);
    assert!(!archive.is_held(&key).await);
    let app = &archive.world.host.app;
    let keeper = Keeper { has_lock: true, ..app.keeper() };
    for _ in 0..2 {
        let deadline = Deadline::before(u64::MAX, archive.world.clock.clone());
        Box::pin(keeper.follow(archive.firm, &deadline)).await.unwrap();
        assert!(archive.is_held(&key).await);
        assert!(app.table.get::<KeeperPlace>(&Key::keeper(archive.firm)).await.unwrap().unwrap().value.has_holds);
    }
    archive.append().await;
    assert!(Box::pin(archive.verify_with(false, Some(1))).await.proved);
}

#[tokio::test]
async fn with_object_lock_s3_holds_what_a_legal_hold_keeps_until_it_is_lifted() {
    for periods in [false, true] {
        let world = World::with(&[("GREFFE_LOCK_DAYS", "1")]).await;
        let kept = Kept::over(world).await;
        let (archive, days) = (&kept.archive, Some(1));
        archive.keep_versions().await;
        archive.lock(1).await;
        if periods {
            kept.set_periods(json!(7)).await;
        }
        let (held, later, free) = (kept.mail("Held").await, kept.mail("Later").await, kept.mail("Free").await);
        archive.file(held, json!("2026/2")).await;
        archive.file(held, json!(null)).await;
        archive.file(free, json!("2026/3")).await;
        kept.hold("2026/2", true).await;
        kept.follow().await;
        archive.file(later, json!("2026/2")).await;
        kept.follow().await;
        let key = |message| key(archive.firm, message);
        assert!(archive.is_held(&key(held)).await && archive.is_held(&key(later)).await, "{periods}");
        let own = if periods { kept.at(free, 7) } else { key(free) };
        assert!(!archive.is_held(&own).await);
        assert!(Box::pin(archive.verify_with(false, days)).await.proved);
        // The keeper has done all there was to do: what is not so is found at once.
        archive.world.clock.advance(Duration::from_secs(1));
        archive.set_hold(&key(held), "OFF").await;
        let report = Box::pin(archive.verify_with(false, days)).await;
        let found: Vec<_> = report.findings().map(|finding| (finding.kind, finding.what.clone())).collect();
        assert_eq!(found, [(FindingKind::Unlocked, key(held))], "{report}");
        // A mail that it has not looked at yet takes nothing from what it has.
        archive.file(free, json!("2026/2")).await;
        let report = Box::pin(archive.verify_with(false, days)).await;
        let found: Vec<_> = report.findings().map(|finding| (finding.kind, finding.what.clone())).collect();
        assert_eq!(found, [(FindingKind::Unlocked, key(held))], "{report}");
        archive.set_hold(&key(held), "ON").await;
        assert!(Box::pin(archive.verify_with(false, days)).await.proved, "the keeper has time");
        let other = kept.mail("Other").await;
        archive.file(other, json!("2026/3")).await;
        kept.follow().await;
        let free = other;
        let own = if periods { kept.at(free, 7) } else { key(free) };
        // The retention of the lock is over; the hold is not, and nobody but the keeper lifts it.
        archive.world.clock.advance(Duration::from_secs(2 * 86_400));
        let version =
            archive.s3().head_object().bucket(BUCKET).key(key(held)).send().await.unwrap().version_id.unwrap();
        let delete = archive.s3().delete_object().bucket(BUCKET).key(key(held)).version_id(version);
        assert!(delete.bypass_governance_retention(true).send().await.is_err());
        // What was changed at S3 is found.
        for (message, status, kind) in [(held, "OFF", FindingKind::Unlocked), (free, "ON", FindingKind::Extra)] {
            let at = if message == free { own.clone() } else { key(message) };
            archive.set_hold(&at, status).await;
            let report = Box::pin(archive.verify_with(false, days)).await;
            let found: Vec<_> = report.findings().map(|finding| (finding.kind, finding.what.clone())).collect();
            assert_eq!(found, [(kind, at.clone())], "{report}");
            archive.set_hold(&at, if status == "ON" { "OFF" } else { "ON" }).await;
        }
        // Lifted, but S3 does not know yet: nothing goes before.
        kept.hold("2026/2", false).await;
        let refused = archive.refusal(json!({ "kind": "message", "message": held })).await;
        assert_eq!(refused["reason"], "held", "{refused}");
        assert!(Box::pin(archive.verify_with(false, days)).await.proved, "the keeper has time");
        kept.follow().await;
        assert!(!archive.is_held(&key(held)).await && !archive.is_held(&key(later)).await);
        archive.world.clock.advance(Duration::from_secs(86_400));
        assert!(Box::pin(archive.verify_with(false, days)).await.proved);
        archive.erase(json!({ "kind": "message", "message": held })).await;
        assert!(Box::pin(archive.verify_with(false, days)).await.proved);
    }
}

#[tokio::test]
async fn what_object_lock_keeps_is_kept_less_long_once_the_lock_is_over() {
    let kept = Kept::begun().await;
    kept.set_periods(Value::Null).await;
    let (archive, retention) = (&kept.archive, json!({ "kind": "retention" }));
    archive.keep_versions().await;
    let free = kept.mail("Free").await;
    archive.lock(30).await;
    let locked = kept.mail("Locked").await;
    kept.set_periods(json!(3)).await;
    kept.follow().await;
    assert_eq!(archive.erase(retention.clone()).await["shortened"], 1, "it passes over what is locked");
    assert_eq!(kept.keys().await, [key(archive.firm, locked), kept.at(free, 3)]);
    let refused = archive.refusal(retention.clone()).await;
    assert_eq!(refused["reason"], "locked");
    assert!(refused["until"].is_string(), "{refused}");
    archive.world.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(archive.erase(retention).await["shortened"], 1);
    let mut keys = [kept.at(free, 3), kept.at(locked, 3)];
    keys.sort();
    assert_eq!(kept.keys().await, keys);
    kept.proved().await;
}
