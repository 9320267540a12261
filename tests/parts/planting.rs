//! Planting: mails that nobody archived, filings that nobody made, and erasures that are hidden or told otherwise are
//! found and named, each as what it is; and what a function was at when it died is no finding.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    aws::table::{Key, Write},
    base::{digest::Digest, id::MessageId},
    evidence::{
        erasure::{ErasedScope, Erasure},
        log_store::key as log_key,
        report::FindingKind::{self, Altered, Extra, Missing},
    },
    firm::fact::{Fact, FactEvent},
    mail::{
        archive,
        message::{Message, MessageState, Original},
    },
};

use super::{
    damage::{Archive, Item, changed, name},
    dying::dying,
};

const PLANTED: &[u8] = b"From: evil@x.example\r\n\r\nPlanted\r\n";

impl Archive {
    /// An item like `item`, of a mail that nobody archived, with that number and state; its object lies in the bucket.
    async fn plant(&self, item: &Item, number: u64, state: &str) -> Item {
        let mailbox = item["id"].as_s().unwrap().split('.').next().unwrap().parse().unwrap();
        let id = MessageId::of(mailbox, &"AAkPlanted".parse().unwrap());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut planted = item.clone();
        planted.extend([
            ("sk".to_owned(), text(&format!("MESSAGE#{}", id.local()))),
            ("id".to_owned(), text(&id.to_string())),
            ("immutable_id".to_owned(), text("AAkPlanted")),
            ("sha256".to_owned(), text(&Digest::of(PLANTED).to_string())),
            ("bytes".to_owned(), AttributeValue::N(PLANTED.len().to_string())),
            ("number".to_owned(), AttributeValue::N(number.to_string())),
            ("state".to_owned(), text(state)),
        ]);
        planted.remove("filing");
        self.put_item(&planted).await;
        self.put(&archive::key(self.firm, id), PLANTED).await;
        planted
    }

    /// Every way to change one attribute of an item, below others too; and the item without it.
    async fn finds_each_change_of(&self, item: &Item, but: &[&str]) {
        for attribute in item.keys().filter(|name| !["pk", "sk", "version"].contains(&name.as_str())) {
            for change in changes(&item[attribute]) {
                let (path, value) = change;
                let path = format!("{attribute}{path}");
                if but.contains(&path.as_str()) {
                    continue;
                }
                let mut other = item.clone();
                match value {
                    Some(value) => drop(other.insert(attribute.clone(), value)),
                    None => drop(other.remove(attribute)),
                }
                self.put_item(&other).await;
                assert_eq!(self.verify().await, [(Altered, name(item))], "{path} of {item:?}");
            }
        }
        self.put_item(item).await;
    }

    async fn finds_it_removed(&self, item: &Item) {
        self.remove_item(item).await;
        assert_eq!(self.verify().await, [(Missing, name(item))], "{item:?}");
        self.put_item(item).await;
    }

    async fn finds_it_added(&self, item: &Item, sk: &str) {
        let mut added = item.clone();
        added.insert("sk".to_owned(), AttributeValue::S(sk.to_owned()));
        self.put_item(&added).await;
        assert_eq!(self.verify().await, [(Extra, name(&added))], "{added:?}");
        self.remove_item(&added).await;
    }
}

/// The changes of a value: where it is, and what it is then.
fn changes(value: &AttributeValue) -> Vec<(String, Option<AttributeValue>)> {
    match value {
        AttributeValue::M(fields) => {
            let of = |(name, value): (&String, &AttributeValue)| {
                let inner = changes(value).into_iter().map({
                    let name = name.clone();
                    move |(path, value)| (format!(".{name}{path}"), name.clone(), value)
                });
                inner.collect::<Vec<_>>()
            };
            let all = fields.iter().flat_map(of).filter(|(.., value)| value.is_some());
            let all = all.map(|(path, name, value)| {
                let mut other = fields.clone();
                other.insert(name, value.unwrap());
                (path, Some(AttributeValue::M(other)))
            });
            all.collect()
        }
        AttributeValue::Null(_) | AttributeValue::L(_) => Vec::new(),
        value => {
            let item = Item::from([("a".to_owned(), value.clone())]);
            vec![(String::new(), Some(changed(&item, "a")["a"].clone()))]
        }
    }
}

#[tokio::test]
async fn a_planted_mail_is_named_whatever_its_number_and_state() {
    let (archive, messages) = Archive::of_mails().await;
    let (app, firm) = (&archive.world.host.app, archive.firm);
    archive.erase(json!({ "kind": "message", "message": messages[2] })).await;
    let void = app.feed.take_numbers(firm, 1).await.unwrap();
    app.feed
        .record(firm, void, &Fact { id: format!("void-{void}"), ..Fact::restored(0, 0, Timestamp::MIN) })
        .await
        .unwrap();
    archive.append().await;
    let facts = archive.facts().await;
    let number = |is: &dyn Fn(&Item) -> bool| -> u64 {
        facts.iter().find(|fact| is(fact)).unwrap()["sk"].as_s().unwrap().parse().unwrap()
    };
    let erased = number(&|fact| fact["id"].as_s().unwrap().starts_with("erased-"));
    let filed = number(&|fact| fact["type"].as_s().unwrap() == "message_filed");
    let other = number(&|fact| fact["type"].as_s().unwrap() == "message_archived");
    let beyond = facts.len() as u64 + 1;
    let items = archive.messages(messages[0].mailbox).await;
    let item = items.iter().find(|item| item.get("sha256").is_some()).unwrap();
    for number in [0, void, erased, filed, other, beyond, 9_999] {
        for state in ["marked", "announced", "archived"] {
            // A round that died may have left the number to a reader.
            if (number, state) == (void, "archived") {
                continue;
            }
            let planted = archive.plant(item, number, state).await;
            assert_eq!(archive.verify().await, [(Extra, name(&planted))], "{number} {state}");
            // No round is at it after a day.
            archive.remove_item(&planted).await;
            archive.remove(&archive::key(firm, planted["id"].as_s().unwrap().parse().unwrap())).await;
        }
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn a_mail_that_a_round_is_at_is_no_finding_and_one_that_no_round_goes_on_with_is() {
    let (archive, messages) = Archive::of_mails().await;
    let (app, firm) = (&archive.world.host.app, archive.firm);
    let id = MessageId::of(messages[0].mailbox, &"AAkInWork".parse().unwrap());
    archive.put(&archive::key(firm, id), PLANTED).await;
    let (number, archived_at) = (app.feed.take_numbers(firm, 1).await.unwrap(), archive.world.clock.now());
    let like = app.table.get::<Message>(&Key::message(firm, messages[4])).await.unwrap().unwrap().value;
    let (sha256, bytes) = (Digest::of(PLANTED), PLANTED.len() as u64);
    let original = Original { sha256, bytes, archived_at, number, until: Default::default() };
    let (immutable_id, state) = ("AAkInWork".parse().unwrap(), MessageState::Archived(original));
    let message = Message { id, immutable_id, state, ..like };
    app.table.write(Write::insert(Key::message(firm, id), &message)).await.unwrap();
    archive.is_proved(&archive.verify().await, "its fact is not written yet");
    let void = Fact { id: format!("void-{number}"), ..Fact::restored(0, 0, archived_at) };
    app.feed.record(firm, number, &void).await.unwrap();
    archive.is_proved(&archive.verify().await, "a reader gave its number up");
    archive.world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(archive.verify().await, [(Extra, Key::message(firm, id).to_string())]);
}

#[tokio::test]
async fn every_change_of_where_mail_is_filed_is_found() {
    let (archive, messages) = Archive::of_mails().await;
    // Filed to another dossier, and once more where another mail was.
    archive.file(messages[0], json!("2026/19")).await;
    archive.file(messages[4], json!("2026/19")).await;
    archive.append().await;
    archive.is_proved(&archive.verify().await, "nothing was changed");
    let mailbox = format!("FIRM#{}#MAILBOX#{}", archive.firm, messages[0].mailbox);
    let histories = archive.items(&mailbox, "FILING#").await;
    assert_eq!(histories.len(), 5);
    for item in &histories {
        archive.finds_each_change_of(item, &[]).await;
        archive.finds_it_removed(item).await;
    }
    for (message, count) in [(messages[0], 3), (messages[5], 1)] {
        archive.finds_it_added(&histories[0], &format!("FILING#{}#{count:010}", message.local())).await;
    }
    archive.finds_it_added(&histories[0], "FILING#other").await;
    let dossier = format!("FIRM#{}#DOSSIER#2026/19", archive.firm);
    let listed = archive.items(&dossier, "").await;
    assert_eq!(listed.len(), 2);
    for item in &listed {
        archive.finds_it_removed(item).await;
        let mut other = item.clone();
        other.insert("message".to_owned(), AttributeValue::S(messages[5].to_string()));
        archive.put_item(&other).await;
        assert_eq!(archive.verify().await, [(Altered, name(item))]);
        archive.put_item(item).await;
    }
    archive.finds_it_added(&listed[0], &format!("{:020}", 9_999)).await;
    for item in archive.messages(messages[0].mailbox).await {
        if let Some(filing) = item.get("filing") {
            for (path, other) in changes(filing) {
                let mut item = item.clone();
                item.insert("filing".to_owned(), other.unwrap());
                archive.put_item(&item).await;
                assert_eq!(archive.verify().await, [(Altered, name(&item))], "{path} of {filing:?}");
            }
            archive.put_item(&item).await;
        }
    }
    // A fact that is told twice, where the log does not reach.
    let facts = archive.facts().await;
    let mut again = facts.iter().find(|fact| fact["type"].as_s().unwrap() == "message_filed").unwrap().clone();
    again.insert("sk".to_owned(), AttributeValue::S(format!("{:020}", facts.len() + 1)));
    archive.put_item(&again).await;
    assert_eq!(archive.verify().await, [(Extra, name(&again))]);
    let mut again = facts.iter().find(|fact| fact["type"].as_s().unwrap() == "message_archived").unwrap().clone();
    again.insert("sk".to_owned(), AttributeValue::S(format!("{:020}", facts.len() + 1)));
    archive.put_item(&again).await;
    assert_eq!(archive.verify().await, [(Extra, name(&again))]);
    archive.remove_item(&again).await;
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn a_mail_whose_history_is_cut_is_erased_under_no_hold() {
    let (archive, messages) = Archive::of_mails().await;
    let hold = json!({ "dossier": "2026/18", "held": true, "reason": "Case 7" });
    archive.world.put(&format!("/v1/firms/{}/holds", archive.firm), hold).await.ok();
    let mailbox = format!("FIRM#{}#MAILBOX#{}", archive.firm, messages[1].mailbox);
    let history = archive.items(&mailbox, &format!("FILING#{}", messages[1].local())).await;
    assert_eq!(history.len(), 2, "it was filed there, and taken out again");
    let erasure = json!({ "kind": "message", "message": messages[1] });
    let mut other = history[0].clone();
    other.insert("dossier".to_owned(), AttributeValue::S("2026/99".to_owned()));
    archive.remove_item(&history[0]).await;
    assert_eq!(archive.refusal(erasure.clone()).await["reason"], "held");
    archive.put_item(&other).await;
    assert_eq!(archive.refusal(erasure).await["reason"], "held");
}

#[tokio::test]
async fn what_is_left_of_an_erased_mail_is_as_its_record_says_and_is_there() {
    let (archive, messages) = Archive::of_mails().await;
    archive.erase(json!({ "kind": "message", "message": messages[2] })).await;
    archive.erase(json!({ "kind": "messages", "messages": [messages[3]] })).await;
    archive.append().await;
    archive.is_proved(&archive.verify().await, "nothing was changed");
    let items = archive.messages(messages[0].mailbox).await;
    for message in [messages[2], messages[3]] {
        let item = items.iter().find(|item| item["id"].as_s().unwrap() == &message.to_string()).unwrap();
        // Nothing that is signed tells of the folder.
        archive.finds_each_change_of(item, &["folder"]).await;
        archive.finds_it_removed(item).await;
        let others = items.iter().find(|item| item["id"].as_s().unwrap() == &messages[4].to_string()).unwrap();
        for state in ["pending", "gone"] {
            let mut back = others.clone();
            for name in ["sk", "id", "immutable_id", "version"] {
                back.insert(name.to_owned(), item[name].clone());
            }
            back.insert("state".to_owned(), AttributeValue::S(state.to_owned()));
            back.insert("at".to_owned(), item["at"].clone());
            archive.put_item(&back).await;
            assert_eq!(archive.verify().await, [(Altered, name(item))], "{state}");
        }
        archive.put_item(item).await;
    }
    let mut added = items.iter().find(|item| item["id"].as_s().unwrap() == &messages[2].to_string()).unwrap().clone();
    let never = MessageId::of(messages[0].mailbox, &"AAkNever".parse().unwrap());
    added.insert("sk".to_owned(), AttributeValue::S(format!("MESSAGE#{}", never.local())));
    archive.put_item(&added).await;
    assert_eq!(archive.verify().await, [(Extra, name(&added))], "it was never archived");
    archive.remove_item(&added).await;
    for item in archive.items(&format!("FIRM#{}", archive.firm), "ERASURE#").await {
        // What it came to, and when it was asked for, is only there.
        let but = [
            "created_at",
            "has_begun",
            "progress.at",
            "progress.originals",
            "progress.events",
            "progress.shortened",
            "erased.originals",
            "erased.events",
            "erased.shortened",
            "confirmed.at",
        ];
        archive.finds_each_change_of(&item, &but).await;
        archive.finds_it_removed(&item).await;
    }
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn a_mail_that_comes_back_after_it_was_erased_is_named() {
    let (archive, messages) = Archive::of_mails().await;
    archive.erase(json!({ "kind": "message", "message": messages[2] })).await;
    let items = archive.messages(messages[2].mailbox).await;
    let item = items.iter().find(|item| item["id"].as_s().unwrap() == &messages[2].to_string()).unwrap();
    archive.remove_item(item).await;
    // A round lists it again, and takes it for a new one.
    let (app, firm) = (&archive.world.host.app, archive.firm);
    let like = app.table.get::<Message>(&Key::message(firm, messages[4])).await.unwrap().unwrap().value;
    let (id, number) = (messages[2], app.feed.take_numbers(firm, 1).await.unwrap());
    let (archived_at, sha256, bytes) = (archive.world.clock.now(), Digest::of(PLANTED), PLANTED.len() as u64);
    let original = Original { sha256, bytes, archived_at, number, until: Default::default() };
    let immutable_id = item["immutable_id"].as_s().unwrap().parse().unwrap();
    let message = Message { id, immutable_id, state: MessageState::Marked(original), ..like };
    archive.put(&archive::key(firm, id), PLANTED).await;
    app.table.write(Write::overwrite(Key::message(firm, id), &message)).await.unwrap();
    let what = FactEvent::MessageArchived {
        mailbox: id.mailbox,
        message: id,
        sha256,
        bytes,
        received_at: message.received_at,
        subject: message.subject.clone(),
        from: message.from.clone(),
        archived_at: Some(archived_at),
        until: Default::default(),
        mail: message.facts(),
    };
    let fact = Fact { id: format!("{id}-archived"), at: archived_at, what };
    app.feed.record(firm, number, &fact).await.unwrap();
    archive.append().await;
    assert_eq!(archive.state(id).await["state"], "marked");
    assert_eq!(archive.verify().await, [(Extra, name(item))]);
}

#[tokio::test]
async fn an_erasure_that_is_cut_off_is_no_missing_evidence() {
    let (archive, messages) = Archive::of_mails().await;
    let mailbox = messages[0].mailbox;
    archive.world.post(&format!("/v1/firms/{}/mailboxes/{mailbox}/pause", archive.firm), json!({})).await.ok();
    let erasure = Erasure {
        firm: archive.firm,
        scope: ErasedScope::Mailbox(mailbox),
        asked_by: "Ada".to_owned(),
        by: "operator".to_owned(),
        confirmed_by: None,
        order: None,
        reason: "Article 17".to_owned(),
        mailboxes: Default::default(),
        shortened: Default::default(),
    };
    let (mut has_ended, mut was_under_way) = (false, false);
    for calls in (8..).step_by(6) {
        let (app, died) = dying(&archive.world, calls, calls % 4 == 0);
        let eraser = app.eraser();
        has_ended = tokio::select! {
            erased = Box::pin(eraser.erase(&erasure)) => erased.map(|_| true).unwrap(),
            () = died.notified() => false,
        };
        let report = Box::pin(archive.verify_with(true, None)).await;
        assert!(report.proved, "{calls}: {report}");
        was_under_way |= report.firms[0].erasures_under_way > 0;
        if has_ended {
            assert_eq!(report.firms[0].erasures_under_way, 0, "{report}");
            break;
        }
        assert!(calls < 600, "it never ends");
    }
    assert!(has_ended && was_under_way);
}

#[tokio::test]
async fn an_append_that_is_cut_off_is_no_missing_checkpoint() {
    let (archive, messages) = Archive::of_mails().await;
    for (has_effect, message) in [(false, messages[2]), (true, messages[3])] {
        for calls in 0.. {
            archive.file(message, json!(format!("D-{calls}"))).await;
            let (app, died) = dying(&archive.world, calls, has_effect);
            let appender = app.appender();
            let lives = tokio::select! {
                appended = appender.append(archive.firm, app.clock.now()) => appended.map(|_| true).unwrap(),
                () = died.notified() => false,
            };
            archive.is_proved(&archive.verify().await, &format!("it died at call {calls}"));
            if lives {
                break;
            }
            archive.append().await;
        }
    }
}

#[tokio::test]
async fn an_item_that_can_not_be_read_is_named_and_keeps_nothing_else_from_being_found() {
    let (archive, messages) = Archive::of_mails().await;
    let (world, firm) = (&archive.world, archive.firm);
    let periods = json!({ "default_years": null, "classes": [{ "name": "Tax", "years": 9 }], "reason": "The law" });
    world.put(&format!("/v1/firms/{firm}/retention"), periods).await.ok();
    let class = json!({ "dossier": "2026/17", "class": "Tax", "reason": "The law" });
    world.put(&format!("/v1/firms/{firm}/retention/dossiers"), class).await.ok();
    let hold = json!({ "dossier": "2026/18", "held": true, "reason": "Case 7" });
    world.put(&format!("/v1/firms/{firm}/holds"), hold).await.ok();
    archive.erase(json!({ "kind": "message", "message": messages[2] })).await;
    archive.is_proved(&archive.verify().await, "nothing was changed");
    let of_firm = archive.items(&format!("FIRM#{firm}"), "").await;
    let is_asked = |item: &&Item| {
        ["HOLD#", "CLASS#", "ERASURE#"].iter().any(|begin| item["sk"].as_s().unwrap().starts_with(begin))
    };
    let own: Vec<&Item> = of_firm.iter().filter(is_asked).collect();
    assert_eq!(own.len(), 3);
    let other = archive::key(firm, messages[4]);
    let bytes = archive.object(&other).await;
    archive.put(&other, b"altered").await;
    for item in own {
        for attribute in item.keys().filter(|name| !["pk", "sk", "seal"].contains(&name.as_str())) {
            let mut less = item.clone();
            less.remove(attribute);
            archive.put_item(&less).await;
            let found = archive.verify().await;
            let both = [(Altered, name(item)), (FindingKind::Truncated, other.clone())];
            assert_eq!(found, both, "{attribute} of {item:?}");
        }
        archive.put_item(item).await;
    }
    archive.put(&other, &bytes).await;
    archive.is_proved(&archive.verify().await, "all is as it was");
}

#[tokio::test]
async fn each_version_of_the_head_is_one_of_the_checkpoints() {
    let (archive, messages) = Archive::of_mails().await;
    archive.keep_versions().await;
    archive.file(messages[2], json!("2026/20")).await;
    archive.append().await;
    archive.is_proved(&archive.verify().await, "the head has an older version");
    let (head, junk) = (log_key(archive.firm, "checkpoint"), log_key(archive.firm, "junk"));
    let bytes = archive.object(&head).await;
    archive.put(&head, b"another").await;
    archive.put(&head, &bytes).await;
    assert_eq!(archive.verify().await, [(Altered, head.clone())]);
    archive.remove_newer_versions(&head).await;
    archive.put(&head, &bytes).await;
    archive.put(&junk, b"junk").await;
    archive.remove(&junk).await;
    assert_eq!(archive.verify().await, [(Extra, junk)], "a delete marker hides it");
}

#[tokio::test]
async fn a_table_that_lost_an_erasure_and_a_hold_says_so() {
    let (archive, messages) = Archive::of_mails().await;
    archive.append().await;
    let (app, firm) = (&archive.world.host.app, archive.firm);
    let (facts, items) = (archive.facts().await, archive.messages(messages[0].mailbox).await);
    let dossier = archive.items(&format!("FIRM#{firm}#DOSSIER#2026/17"), "").await;
    let history = archive.items(&format!("FIRM#{firm}#MAILBOX#{}", messages[0].mailbox), "FILING#").await;
    let hold = json!({ "dossier": "2026/18", "held": true, "reason": "Case 7" });
    archive.world.put(&format!("/v1/firms/{firm}/holds"), hold).await.ok();
    archive.erase(json!({ "kind": "message", "message": messages[0] })).await;
    archive.erase(json!({ "kind": "messages", "messages": [messages[2]] })).await;
    archive.append().await;
    // The table goes back to a time before both.
    for item in archive.facts().await.iter().chain(&archive.items(&format!("FIRM#{firm}"), "HOLD#").await) {
        archive.remove_item(item).await;
    }
    for item in archive.items(&format!("FIRM#{firm}"), "ERASURE#").await {
        archive.remove_item(&item).await;
    }
    for item in facts.iter().chain(&items).chain(&dossier).chain(&history) {
        archive.put_item(item).await;
    }
    app.table.write(Write::discard(Key::feed_counter(firm))).await.unwrap();
    app.feed.take_numbers(firm, facts.len() as u64).await.unwrap();
    app.appender().resume(firm, archive.world.clock.now()).await.unwrap();
    archive.append().await;
    let report = Box::pin(archive.verify_with(true, None)).await;
    assert!(report.proved, "{report}");
    assert_eq!((report.firms[0].erasures_under_way, report.firms[0].keeping_lost.len()), (2, 1), "{report}");
    let said = report.to_string();
    assert!(said.contains("run it again") && said.contains("set these again"), "{said}");
    archive.erase(json!({ "kind": "message", "message": messages[0] })).await;
    archive.erase(json!({ "kind": "messages", "messages": [messages[2]] })).await;
    let report = Box::pin(archive.verify_with(true, None)).await;
    assert!(report.proved && report.firms[0].erasures_under_way == 0, "{report}");
}

#[tokio::test]
async fn an_archive_without_anything_is_not_proved_and_a_firm_that_the_table_lacks_is_named() {
    let (archive, _) = Archive::of_mails().await;
    let own = archive.items(&format!("FIRM#{}", archive.firm), "").await;
    let firm = own
        .iter()
        .find(|item| item["sk"].as_s().unwrap() == "FIRM")
        .unwrap_or_else(|| panic!("{:?}", own.iter().map(name).collect::<Vec<_>>()));
    archive.finds_it_removed(firm).await;
    let report = archive.verify_with(false, None).await;
    assert!(report.proved, "{report}");
    let empty = Archive::over(tests::World::new().await, archive.firm).await;
    let report = empty.verify_with(false, None).await;
    assert!(!report.proved && report.to_string().contains("nothing to prove"), "{report}");
    let firm = empty.world.firm("Lumen").await;
    let report = empty.verify_with(false, None).await;
    assert!(!report.proved && report.to_string().contains("nothing to prove"), "{firm} {report}");
    let kinds: BTreeSet<FindingKind> = report.findings().map(|finding| finding.kind).collect();
    assert!(kinds.is_empty(), "{report}");
    let _: Value = serde_json::to_value(&report).unwrap();
}
