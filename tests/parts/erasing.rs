//! Erasure by the API and the function `erasure`: what is left is proved, and what was cut off goes on.

use std::{collections::BTreeSet, pin::pin, task::Poll};

use futures::future::poll_fn;
use local::provision::INDEX_BUCKET;
use serde_json::{Value, json};
use shared::{
    base::id::{MailboxId, MessageId},
    evidence::erasure::{ROUND_TIME, WORK_TIME},
    mail::archive,
    search::index_head::IndexHead,
};

use super::damage::Archive;

impl Archive {
    /// Asks for an erasure; its path.
    pub async fn ask(&self, target: Value) -> String {
        let new = json!({ "target": target, "asked_by": "Ada", "reason": "Article 17" });
        let asked = self.world.post(&format!("/v1/firms/{}/erasures", self.firm), new).await.ok();
        assert_eq!(asked["progress"]["state"], "requested");
        format!("/v1/firms/{}/erasures/{}", self.firm, asked["id"].as_str().unwrap())
    }

    pub async fn progress(&self, erasure: &str) -> Value {
        self.world.get(erasure).await.ok()["progress"].clone()
    }

    /// Asked for, previewed, confirmed and carried out; what it took.
    pub async fn erase(&self, target: Value) -> Value {
        let erasure = self.ask(target).await;
        Box::pin(self.world.host.erase()).await;
        let preview = self.progress(&erasure).await;
        assert_eq!(preview["state"], "previewed", "{preview}");
        self.world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
        Box::pin(self.world.host.erase()).await;
        assert_eq!(self.progress(&erasure).await["state"], "confirmed", "a round may still be under way");
        self.world.clock.advance(ROUND_TIME);
        Box::pin(self.world.host.erase()).await;
        let erased = self.progress(&erasure).await;
        assert_eq!(erased["state"], "erased", "{erased}");
        for count in ["originals", "events", "shortened"] {
            assert_eq!(erased[count], preview[count], "{count}");
        }
        erased
    }

    /// Adds the member whose mailbox it is, as what is to be erased.
    async fn member(&self) -> Value {
        let of_firm = |noun: &str| format!("/v1/firms/{}/{noun}", self.firm);
        let connector = self.world.get(&of_firm("connectors")).await.ok()["items"][0]["id"].clone();
        let new = json!({ "name": "Ada", "address": tests::ADA, "connector": connector });
        json!({ "kind": "member", "member": self.world.post(&of_firm("members"), new).await.ok()["id"] })
    }

    pub async fn refusal(&self, target: Value) -> Value {
        let erasure = self.ask(target).await;
        Box::pin(self.world.host.erase()).await;
        let refused = self.progress(&erasure).await;
        assert_eq!(refused["state"], "refused", "{refused}");
        let confirmed = self.world.post(&format!("{erasure}/confirm"), Value::Null).await;
        assert_eq!(confirmed.problem(), "erasure_not_previewed");
        refused
    }

    /// Everything that is left is as the log says; how many originals were erased, and how many are left.
    async fn proved(&self) -> (u64, u64) {
        let report = Box::pin(self.verify_with(true, None)).await;
        assert!(report.proved, "{report}");
        (report.firms[0].originals_erased, report.firms[0].originals)
    }

    pub async fn state(&self, message: MessageId) -> Value {
        self.world.get(&format!("/v1/firms/{}/messages/{message}", self.firm)).await.ok()
    }

    pub async fn indexed(&self) -> IndexHead {
        self.world.host.app.indexes.head(self.firm).await.unwrap().unwrap().head.unwrap()
    }

    pub async fn found(&self, words: &str) -> usize {
        let path = format!("/v1/firms/{}/messages?q={words}", self.firm);
        self.world.get(&path).await.ok()["items"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn mails_that_nobody_wants_are_removed_at_once_and_the_index_says_by_whom() {
    let (archive, messages) = Archive::of_mails().await;
    archive.keep_versions().await;
    archive.world.host.index().await;
    assert_eq!(archive.found("Number").await, 7);
    let before = archive.indexed().await;
    let some = json!({ "kind": "messages", "messages": [messages[2], messages[3]] });
    assert_eq!(archive.erase(some).await["originals"], 2);
    assert_eq!(archive.proved().await, (2, 5));
    for message in [messages[2], messages[3]] {
        let removed = archive.state(message).await;
        assert_eq!((&removed["state"], &removed["removed_by"]), (&json!("removed"), &json!("operator")));
        assert_eq!((&removed["subject"], &removed["from"]), (&json!(""), &Value::Null));
        let erasure = &removed["erasure"];
        assert_eq!((&erasure["asked_by"], &erasure["reason"]), (&json!("Ada"), &json!("Article 17")));
        assert_eq!((&erasure["by"], &erasure["confirmed_by"]), (&json!("operator"), &json!("operator")));
        let order = format!("/v1/firms/{}/erasures/{}", archive.firm, erasure["id"].as_str().unwrap());
        assert_eq!(archive.world.get(&order).await.ok()["target"]["kind"], "messages");
        assert!(erasure["at"].is_string(), "{erasure}");
    }
    assert_eq!(archive.found("Number").await, 5, "a search finds them no more");
    let after = archive.indexed().await;
    assert_eq!((after.upto, after.mails()), (before.upto, 5), "the index goes on where it was");
    archive.world.host.index().await;
    assert_eq!(archive.found("Number").await, 5);
    // What the rules would skip, and what one sender wrote, is found by the preview.
    let mailbox = format!("/v1/firms/{}/mailboxes/{}", archive.firm, messages[0].mailbox);
    let rules = json!({ "excluded_senders": ["client@acme.example"] });
    archive.world.put(&format!("{mailbox}/rules"), rules).await.ok();
    let by_rules = archive.ask(json!({ "kind": "rules", "mailbox": messages[0].mailbox })).await;
    Box::pin(archive.world.host.erase()).await;
    assert_eq!(archive.progress(&by_rules).await["originals"], 5);
    assert_eq!(archive.proved().await, (2, 5), "nothing was confirmed");
    let other = archive.refusal(json!({ "kind": "sender", "from": "nobody@acme.example", "mailbox": null })).await;
    assert_eq!(other["reason"], "unknown");
    assert_eq!(archive.erase(json!({ "kind": "sender", "from": "@ACME.example" })).await["originals"], 5);
    assert_eq!(archive.proved().await, (7, 0));
    assert_eq!(archive.found("Number").await, 0);
}

#[tokio::test]
async fn no_word_of_what_was_erased_stays_in_the_bucket_of_the_indexes() {
    let (archive, messages) = Archive::of_mails().await;
    archive.world.host.index().await;
    let (s3, prefix) = (archive.s3(), format!("firms/{}/index/", archive.firm));
    // An indexer died between its two writes: no head names what it wrote.
    let orphan = format!("{prefix}0c239d1d/1-7-5ad0f3e1");
    s3.put_object().bucket(INDEX_BUCKET).key(&orphan).body(b"Number".to_vec().into()).send().await.unwrap();
    archive.erase(json!({ "kind": "messages", "messages": [messages[2]] })).await;
    let page = s3.list_objects_v2().bucket(INDEX_BUCKET).prefix(&prefix).send().await.unwrap();
    let left: BTreeSet<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
    let head = archive.indexed().await;
    let named: Vec<String> = head.segments.iter().map(|segment| format!("{prefix}{}", segment.name)).collect();
    assert_eq!(left, named.iter().map(String::as_str).chain([&*format!("{prefix}head")]).collect());
    assert_eq!((head.mails(), archive.found("Number").await), (6, 6));
    archive.world.host.index().await;
    assert_eq!(archive.found("Number").await, 6);
}

#[tokio::test]
async fn what_is_under_a_legal_hold_is_neither_erased_nor_removed() {
    let (archive, messages) = Archive::of_mails().await;
    let holds = format!("/v1/firms/{}/holds", archive.firm);
    let hold = |held: bool| json!({ "dossier": "2026/18", "held": held, "reason": "Case 7 is pending" });
    let set = archive.world.put(&holds, hold(true)).await.ok();
    assert_eq!((&set["items"][0]["dossier"], &set["items"][0]["by"]), (&json!("2026/18"), &json!("operator")));
    // It was filed there, and taken out again.
    let one = json!({ "kind": "message", "message": messages[1] });
    let some = json!({ "kind": "messages", "messages": [messages[1], messages[2]] });
    for target in [one.clone(), some] {
        let refused = archive.refusal(target).await;
        assert_eq!(refused["reason"], "held");
        assert!(refused["detail"].as_str().unwrap().contains("2026/18"), "{refused}");
    }
    archive
        .world
        .post(&format!("/v1/firms/{}/mailboxes/{}/pause", archive.firm, messages[0].mailbox), json!({}))
        .await
        .ok();
    let mailbox = json!({ "kind": "mailbox", "mailbox": messages[0].mailbox });
    assert_eq!(archive.refusal(mailbox.clone()).await["reason"], "held");
    archive.erase(json!({ "kind": "message", "message": messages[0] })).await;
    assert_eq!(archive.proved().await, (1, 6), "another dossier's mail is not held");
    // What was confirmed before the hold is refused when it is to be carried out.
    archive.world.put(&holds, hold(false)).await.ok();
    let erasure = archive.ask(one.clone()).await;
    Box::pin(archive.world.host.erase()).await;
    archive.world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    archive.world.put(&holds, hold(true)).await.ok();
    Box::pin(archive.world.host.erase()).await;
    assert_eq!(archive.progress(&erasure).await["reason"], "held");
    let lifted = archive.world.put(&holds, hold(false)).await.ok();
    assert_eq!(lifted["items"], json!([]));
    archive.erase(mailbox).await;
    assert_eq!(archive.proved().await, (7, 0));
}

#[tokio::test]
async fn a_firm_that_is_deleted_is_erased_whole_and_its_log_still_proves_that_it_was() {
    let (archive, messages) = Archive::of_mails().await;
    archive.keep_versions().await;
    let (world, firm) = (&archive.world, archive.firm);
    assert_eq!(archive.refusal(json!({ "kind": "firm" })).await["reason"], "firm_goes_on");
    let active = archive.refusal(json!({ "kind": "mailbox", "mailbox": messages[0].mailbox })).await;
    assert_eq!(active["reason"], "active");
    let contact = json!({ "surname": "Duval", "members": [] });
    world.put(&format!("/v1/firms/{firm}/contacts/C-1"), contact).await.ok();
    let (retention, classes) =
        (format!("/v1/firms/{firm}/retention"), json!([{ "name": "Matter of Duval", "years": 9 }]));
    let periods = json!({ "default_years": null, "classes": classes, "reason": "The law" });
    world.put(&retention, periods).await.ok();
    let class = json!({ "dossier": "2026/17", "class": "Matter of Duval", "reason": "The law" });
    world.put(&format!("{retention}/dossiers"), class).await.ok();
    world.delete(&format!("/v1/firms/{firm}")).await;
    assert_eq!(archive.erase(json!({ "kind": "firm" })).await["originals"], 7);
    assert_eq!(archive.proved().await, (7, 0));
    assert_eq!(world.objects().await.iter().filter(|key| key.ends_with(".eml")).count(), 0);
    let left = world.get(&format!("/v1/firms/{firm}")).await.ok();
    assert_eq!((&left["name"], &left["domains"]), (&json!("(erased)"), &json!([])));
    assert_eq!(world.get(&retention).await.ok()["classes"], json!([]));
    for noun in ["mailboxes", "members", "connectors", "contacts", "keys", "retention/dossiers"] {
        let left = world.get(&format!("/v1/firms/{firm}/{noun}")).await.ok();
        assert_eq!(left["items"], json!([]), "{noun}");
    }
    assert_eq!(world.facts(&firm.to_string()).await, ["firm_erased"]);
    // Nothing of it comes again.
    world.run_until_idle().await;
    assert_eq!(archive.proved().await, (7, 0));
}

#[tokio::test]
async fn the_erasure_of_a_firm_is_told_once_although_its_archive_is_checked_meanwhile() {
    let (archive, _) = Archive::of_mails().await;
    let (world, firm) = (&archive.world, archive.firm.to_string());
    world.delete(&format!("/v1/firms/{firm}")).await;
    let erasure = archive.ask(json!({ "kind": "firm" })).await;
    Box::pin(world.host.erase()).await;
    world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    Box::pin(world.host.erase()).await;
    Box::pin(world.host.check()).await;
    assert_eq!(world.facts(&firm).await, ["firm_erased", "archive_checked"]);
    world.clock.advance(ROUND_TIME);
    Box::pin(world.host.erase()).await;
    assert_eq!(world.facts(&firm).await, ["firm_erased"]);
}

#[tokio::test]
async fn a_member_is_erased_with_the_mailboxes_of_its_address() {
    let (archive, messages) = Archive::of_mails().await;
    let (world, firm) = (&archive.world, archive.firm);
    let target = archive.member().await;
    assert_eq!(archive.refusal(target.clone()).await["reason"], "active");
    world.post(&format!("/v1/firms/{firm}/mailboxes/{}/pause", messages[0].mailbox), json!({})).await.ok();
    assert_eq!(archive.erase(target).await["originals"], 7);
    assert_eq!(archive.proved().await, (7, 0));
    for noun in ["mailboxes", "members"] {
        assert_eq!(world.get(&format!("/v1/firms/{firm}/{noun}")).await.ok()["items"], json!([]), "{noun}");
    }
}

/// Lets a future go on so often at most; whether it ended. One that did not is dropped, as a kill drops it.
async fn ends_within(steps: usize, work: impl Future) -> bool {
    let (mut work, mut left) = (pin!(work), steps);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn an_erasure_that_is_killed_again_and_again_ends_and_leaves_nothing_half_done() {
    let (archive, messages) = Archive::of_mails().await;
    let target = json!({ "kind": "mailbox", "mailbox": messages[0].mailbox });
    ends_although_it_is_killed(archive, messages[0].mailbox, target).await;
}

#[tokio::test]
async fn the_erasure_of_a_member_that_is_killed_again_and_again_takes_its_mailbox_whole() {
    let (archive, messages) = Archive::of_mails().await;
    let target = archive.member().await;
    ends_although_it_is_killed(archive, messages[0].mailbox, target).await;
}

async fn ends_although_it_is_killed(archive: Archive, mailbox: MailboxId, target: Value) {
    archive.keep_versions().await;
    let world = &archive.world;
    world.host.index().await;
    assert_eq!(archive.indexed().await.mails(), 7);
    world.post(&format!("/v1/firms/{}/mailboxes/{mailbox}/pause", archive.firm), json!({})).await.ok();
    let erasure = archive.ask(target).await;
    let mut steps = 0;
    for state in ["previewed", "erased"] {
        while archive.progress(&erasure).await["state"] != state {
            steps += 1;
            assert!(steps < 500, "it never ends");
            Box::pin(ends_within(steps, world.host.erase())).await;
            // Nobody else takes it before the one that worked at it is certainly over.
            world.clock.advance(WORK_TIME);
        }
        if state == "previewed" {
            world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
        }
    }
    assert!(steps > 2, "it was cut off often: {steps}");
    assert_eq!(archive.proved().await, (7, 0));
    assert_eq!((archive.found("Number").await, archive.indexed().await.mails()), (0, 0));
    let feed = world.get(&format!("/v1/firms/{}/events?limit=100", archive.firm)).await.ok();
    let left = feed["items"].as_array().unwrap().iter().filter(|event| event["mailbox"] == json!(mailbox));
    let left: Vec<&Value> = left.map(|event| &event["type"]).collect();
    assert_eq!(left, ["mailbox_erased"], "it is told once: {feed}");
}

#[tokio::test]
async fn a_removal_that_is_killed_again_and_again_is_told_once_for_each_mail() {
    let (archive, messages) = Archive::of_mails().await;
    let webhook = json!({ "url": "http://127.0.0.1:9/" });
    archive.world.post(&format!("/v1/firms/{}/webhooks", archive.firm), webhook).await.ok();
    let erasure = archive.ask(json!({ "kind": "messages", "messages": messages })).await;
    let (mut steps, world) = (0, &archive.world);
    for state in ["previewed", "erased"] {
        while archive.progress(&erasure).await["state"] != state {
            steps += 1;
            Box::pin(ends_within(steps, world.host.erase())).await;
            world.clock.advance(WORK_TIME);
        }
        world.post(&format!("{erasure}/confirm"), Value::Null).await;
    }
    let facts = world.facts(&archive.firm.to_string()).await;
    assert_eq!(facts.iter().filter(|fact| *fact == "message_removed").count(), messages.len(), "{facts:?}");
    assert_eq!(archive.proved().await, (7, 0));
}

#[tokio::test]
async fn what_a_round_kept_while_its_mailbox_was_erased_is_erased_too() {
    let (archive, messages) = Archive::of_mails().await;
    let (world, mailbox) = (&archive.world, messages[0].mailbox);
    world.post(&format!("/v1/firms/{}/mailboxes/{mailbox}/pause", archive.firm), json!({})).await.ok();
    let erasure = archive.ask(json!({ "kind": "mailbox", "mailbox": mailbox })).await;
    Box::pin(world.host.erase()).await;
    world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    Box::pin(world.host.erase()).await;
    // A round that had read the mailbox before puts one more original.
    let late = MessageId::of(mailbox, &"AAkLate".parse().unwrap());
    archive.put(&archive::key(archive.firm, late), b"From: a@b.example\r\n\r\nLate\r\n").await;
    world.clock.advance(ROUND_TIME);
    Box::pin(world.host.erase()).await;
    assert_eq!(archive.progress(&erasure).await["state"], "erased");
    assert_eq!(world.objects().await.iter().filter(|key| key.ends_with(".eml")).count(), 0);
}

#[tokio::test]
async fn a_hold_of_a_deleted_firm_can_be_lifted_so_that_it_can_be_erased() {
    let (archive, _) = Archive::of_mails().await;
    let (world, firm) = (&archive.world, archive.firm);
    let holds = format!("/v1/firms/{firm}/holds");
    let hold = |held: bool| json!({ "dossier": "2026/18", "held": held, "reason": "Case 7" });
    world.put(&holds, hold(true)).await.ok();
    world.delete(&format!("/v1/firms/{firm}")).await;
    assert_eq!(archive.refusal(json!({ "kind": "firm" })).await["reason"], "held");
    world.put(&holds, hold(false)).await.ok();
    assert_eq!(archive.erase(json!({ "kind": "firm" })).await["originals"], 7);
}

#[tokio::test]
async fn what_came_a_moment_ago_is_erased_before_its_log_has_begun() {
    let world = tests::World::new().await;
    let registry = world.registry().await;
    let immutable_id = world.deliver("inbox", "At once");
    world.run_until_idle().await;
    let message = tests::message_id(&registry, &immutable_id);
    let archive = Archive::over(world, registry.firm.parse().unwrap()).await;
    archive.erase(json!({ "kind": "message", "message": message })).await;
    assert_eq!(archive.proved().await, (1, 0));
}
