//! One story: a seed, a mailbox, a few dozen things that happen, and the judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use microsoft365::{Held, Lifecycle, NoticeFault, RetryAfter, Times, ValueFault};
use serde_json::{Value, json};
use shared::mail::archive;
use tests::{ADA, Answer, Registry, World, message_id};

use crate::{
    dice::Dice,
    fault::{self, KINDS},
    gate::Gate,
    outlook::Outlook,
};

const GREY: &str = "greffe: received";
const GREEN: &str = "greffe: filed";
const STEPS: usize = 50;

struct Story {
    dice: Dice,
    world: World,
    gate: Gate,
    registry: Registry,
    outlook: Outlook,
    /// Mail since this day is kept, if history was asked for.
    since: Option<Date>,
}

/// Tells the story of this seed and judges how it ends; its history.
pub async fn run(seed: u64) -> Vec<String> {
    let gate = Gate::new(seed);
    let keeper = tokio::spawn(gate.clone().keep());
    let world = World::behind(&gate).await;
    let mut dice = Dice::new(seed);
    let mut outlook = Outlook::new(&mut dice, &world);
    for n in 0..dice.below(40) {
        outlook.deliver_old(&mut dice, &world, n);
    }
    let registry = world.registry_of(outlook.selection()).await;
    let mut story = Story { dice, world, gate, registry, outlook, since: None };
    // The operator grants more than anybody asks for.
    let grant = json!({ "since": "2024-01-01", "until": null });
    story.world.put(&format!("{}/grant", story.path()), grant).await.ok();
    for n in 0..STEPS {
        story.happen(n).await;
    }
    story.calm_down().await;
    let Story { dice, world, gate, registry, outlook, .. } = &mut story;
    Box::pin(fault::alone(dice, gate, (world, registry), outlook)).await;
    story.judge().await;
    keeper.abort();
    story.gate.history()
}

impl Story {
    async fn happen(&mut self, n: usize) {
        let what = self.dice.below(37);
        self.gate.tell(format!("step {n}: {what} at {}", self.world.clock.now()));
        match what {
            0..=4 => {
                for i in 0..=self.dice.below(12) {
                    self.outlook.deliver_new(&mut self.dice, &self.world, 1_000 + n * 20 + i);
                }
            }
            5..=8 => self.outlook.work(&mut self.dice, &self.world),
            9..=12 => self.fault(),
            13 => drop(self.world.microsoft.deliver_notices().await),
            14..=19 => self.function().await,
            20 | 21 => self.time(600).await,
            // The clock jumps: tokens and subscriptions end meanwhile.
            26 => self.time(3 * 86_400).await,
            27 => self.access().await,
            28 => self.forged().await,
            29 => self.lifecycle(),
            // The feed is read while it is written: gaps are met, and filled.
            22 => drop(self.world.feed(&self.registry.firm).await),
            23..=25 => self.file().await,
            // The archive is compared with the folders: nothing that lies there for good is taken in by it.
            // A mailbox that is paused refuses it.
            31 | 32 => drop(self.post("reconcile", json!({})).await),
            33 => drop(self.post("pause", json!({})).await),
            34 | 35 => self.ask_for_history().await,
            // A mailbox is activated again: nothing changes by it, but that it is not paused any more.
            _ => drop(self.post("activate", json!({ "since": null })).await),
        }
    }

    /// The firm asks for older mail; that it can go further back, and not less far.
    async fn ask_for_history(&mut self) {
        let days = Duration::from_secs(86_400 * self.dice.below(250) as u64);
        let since = (self.world.clock.now() - days).to_zoned(TimeZone::UTC).date();
        let answer = self.post("activate", json!({ "since": since.to_string() })).await;
        if answer.status.is_success() {
            self.since = Some(since);
        }
    }

    async fn post(&self, what: &str, body: Value) -> Answer {
        self.world.post(&format!("{}/{what}", self.path()), body).await
    }

    /// Where the API has the mailbox.
    fn path(&self) -> String {
        format!("/v1/firms/{}/mailboxes/{}", self.registry.firm, self.registry.mailbox)
    }

    async fn time(&mut self, seconds_max: usize) {
        let seconds = self.dice.below(seconds_max) as u64;
        self.world.clock.advance(Duration::from_secs(seconds));
        self.world.host.tick().await;
    }

    /// Access is taken away, and given back some time.
    async fn access(&mut self) {
        let tenant = &self.world.tenant;
        match self.dice.below(6) {
            0 => tenant.revoke_sessions(ADA).unwrap(),
            1 => tenant.set_enabled(ADA, false).unwrap(),
            2 => tenant.set_licensed(ADA, false).unwrap(),
            _ => self.restore().await,
        }
    }

    async fn restore(&self) {
        self.world.tenant.set_enabled(ADA, true).unwrap();
        self.world.tenant.set_licensed(ADA, true).unwrap();
        self.world.microsoft.faults().clear();
        self.world.sign_in(&self.registry.firm, &self.registry.connector, ADA).await.ok();
    }

    /// Somebody guesses where notices go.
    async fn forged(&mut self) {
        let subscription = self.world.microsoft.subscriptions(ADA).unwrap().first().cloned().unwrap_or_default();
        let notice = json!({
            "subscriptionId": subscription,
            "subscriptionExpirationDateTime": "2036-01-01T00:00:00Z",
            "changeType": "created",
            "clientState": "x".repeat(self.dice.below(200)),
            "resource": "me/messages",
            "tenantId": self.world.tenant.id(),
        });
        let notices = json!({ "value": [notice] });
        let answer = self.world.request(None, reqwest::Method::POST, "/webhook", Some(notices)).await;
        assert_eq!(answer.status, 202, "a forged notice");
    }

    /// Graph tells something about a subscription.
    fn lifecycle(&mut self) {
        let subscriptions = self.world.microsoft.subscriptions(ADA).unwrap();
        let kinds = [Lifecycle::ReauthorizationRequired, Lifecycle::SubscriptionRemoved, Lifecycle::Missed];
        let kind = self.dice.pick(&kinds);
        if let Some(subscription) = subscriptions.first() {
            self.world.microsoft.send_lifecycle(subscription, kind).unwrap();
        }
    }

    /// The business application files a mail, or takes it out again. Every third time the function dies on the way;
    /// then the application says it again.
    async fn file(&mut self) {
        let ids: Vec<String> = self.outlook.tales.keys().cloned().collect();
        if ids.is_empty() {
            return;
        }
        let id = self.dice.pick(&ids);
        let dossier = self.dice.pick(&[Some("A"), Some("B"), None]);
        let path = format!("/v1/firms/{}/messages/{}/file", self.registry.firm, message_id(&self.registry, &id));
        self.outlook.tales.get_mut(&id).unwrap().filed = true;
        let body = json!({ "dossier": dossier });
        if self.dice.once_in(3) {
            self.gate.kill_after(self.dice.below(12));
            let _ = self.gate.or_death(self.world.post(&path, body.clone())).await;
        }
        if self.world.post(&path, body).await.status.is_success() {
            self.outlook.tales.get_mut(&id).unwrap().dossier = dossier;
        }
    }

    /// What goes wrong at Microsoft's.
    fn fault(&mut self) {
        let held = self.world.microsoft.messages(ADA).unwrap();
        let some = held.get(self.dice.below(held.len().max(1))).map(|h| h.immutable_id.clone()).unwrap_or_default();
        let times = Times::N(1 + self.dice.below(4) as u32);
        let faults = self.world.microsoft.faults();
        let kinds = ["message value", "message delta", "message patch", "message", "subscription create"];
        match self.dice.below(15) {
            0 | 1 => faults.value(&some, ValueFault::Status(self.dice.pick(&[404, 500, 503, 504])), times),
            2 => faults.value(&some, ValueFault::CutAfter(self.dice.below(200) as u64), times),
            3 => faults.fail(self.dice.pick(&kinds), self.dice.pick(&[500, 502, 503, 504]), times),
            4 => faults.lose_answer(self.dice.pick(&["message patch", "subscription create"]), times),
            5 => faults.conflict(&some, times),
            6 => faults.delta_gone(ADA, times),
            7 => faults.throttle(ADA, RetryAfter::Whole(self.dice.below(40) as u32), times),
            8 => faults.throttle(ADA, self.dice.pick(&[RetryAfter::Missing, RetryAfter::Fractional(2.5)]), times),
            9 => faults.notices(NoticeFault::Drop, times),
            10 => {
                let late = SignedDuration::from_secs(self.dice.below(7_200) as i64);
                faults.notices(NoticeFault::Delay(late), times);
            }
            11 => faults.notices(NoticeFault::Duplicate, times),
            _ => {
                let kind = self.dice.pick(&KINDS);
                let (thing, answer) = (self.some_thing(kind, some), fault::odd(&mut self.dice, kind));
                let times = if self.dice.once_in(4) { Times::Forever } else { times };
                self.world.microsoft.faults().answer(kind, thing.as_deref(), answer, times);
            }
        }
    }

    /// What an odd answer to requests of this kind is about: one thing, or all.
    fn some_thing(&mut self, kind: &str, mail: String) -> Option<String> {
        match kind {
            _ if self.dice.once_in(2) => None,
            "message" | "message value" | "message patch" => Some(mail),
            "message delta" | "messages" | "folder" => {
                let folder = self.outlook.some_folder(&mut self.dice);
                self.world.microsoft.folder_id(ADA, &folder).ok()
            }
            _ => None,
        }
    }

    /// Functions run, while a person works. One time in three they die on the way, one time in three AWS is in trouble.
    async fn function(&mut self) {
        self.gate.some_trouble(&mut self.dice, 160);
        let Self { dice, world, gate, outlook, .. } = self;
        let host = &world.host;
        let functions = async { tokio::join!(host.source.step(), host.source.step(), host.older_source.step()) };
        let meanwhile = async {
            for _ in 0..dice.below(4) {
                gate.turn().await;
                outlook.work(dice, world);
            }
        };
        gate.or_death(async { tokio::join!(functions, meanwhile) }).await;
    }

    /// Nothing goes wrong any more, and enough time passes for every pause to end.
    async fn calm_down(&mut self) {
        self.restore().await;
        self.post("activate", json!({ "since": null })).await.ok();
        for _ in 0..8 {
            self.world.pass(Duration::from_secs(13 * 60)).await;
        }
        for _ in 0..5 {
            self.world.pass(Duration::from_secs(12 * 3600)).await;
        }
    }

    async fn judge(&self) {
        let (world, firm) = (&self.world, &self.registry.firm);
        let held: BTreeMap<String, Held> =
            world.microsoft.messages(ADA).unwrap().into_iter().map(|h| (h.immutable_id.clone(), h)).collect();
        let mut objects: BTreeSet<String> = world.objects().await.into_iter().collect();
        let mut archived = BTreeSet::new();
        let facts = self.facts().await;
        let indexed = self.indexed().await;
        let listed: BTreeMap<String, &Value> =
            indexed.iter().map(|m| (m["id"].as_str().unwrap().to_owned(), m)).collect();
        assert_eq!(listed.len(), indexed.len(), "listed twice");
        let lists = BTreeMap::from([("A", self.filed_to("A").await), ("B", self.filed_to("B").await)]);
        for (id, tale) in &self.outlook.tales {
            let message = message_id(&self.registry, id);
            let index = listed.get(&message.to_string());
            let there = held.get(id);
            let asked_for = self.since.is_some_and(|since| tale.received.to_zoned(TimeZone::UTC).date() >= since);
            let chosen = there.is_some_and(|held| self.outlook.keeps(Outlook::folder_of(held)));
            let must = chosen && !tale.draft && (tale.new || asked_for || !tale.lay_there);
            let never = tale.draft || !tale.was_chosen || (tale.lay_there && !tale.moved && !asked_for);
            assert!(!must || index.is_some(), "lost: {id}, {message}");
            assert!(!never || index.is_none(), "kept for no reason: {id} is {index:?}");
            let Some(index) = index else { continue };
            if index["state"] == "gone" {
                assert!(there.is_none(), "gone though it lies there: {id}: {index}");
                continue;
            }
            assert_eq!(index["sha256"], tale.sha256, "altered: {id}: {index}");
            assert!(objects.remove(&archive::key(firm.parse().unwrap(), message)), "no object: {id}");
            archived.insert(message.to_string());
            assert_eq!(index["dossier"].as_str(), tale.dossier, "the dossier of {id}");
            let told = self.facts_of(&message.to_string(), &facts);
            if tale.filed {
                let filings = world.get(&format!("/v1/firms/{firm}/messages/{message}/file")).await.ok();
                let filings = filings["items"].as_array().unwrap().iter().map(|f| f["dossier"].clone());
                assert_eq!(filings.collect::<Vec<_>>(), told, "told of the filings of {id}");
            }
            assert!(told.windows(2).all(|two| two[0] != two[1]), "filed twice: {id} {told:?}");
            for dossier in ["A", "B"] {
                let listed = lists[dossier].iter().filter(|listed| **listed == message.to_string()).count();
                assert_eq!(listed, usize::from(tale.dossier == Some(dossier)), "in the list of {dossier}: {id}");
            }
            if let Some(there) = there {
                let is_ours = |name: &&String| *name == GREY || *name == GREEN;
                let own: BTreeSet<String> = there.categories.iter().filter(|name| !is_ours(name)).cloned().collect();
                assert_eq!(own, tale.own, "the person's own categories: {id}");
                let marks: Vec<&String> = there.categories.iter().filter(is_ours).collect();
                let mark = if tale.dossier.is_some() { GREEN } else { GREY };
                assert_eq!(marks, [mark], "the mark of {id}: {index}");
            }
        }
        // What was read and died before its item was written is an object of a mail that is gone since.
        for key in &objects {
            let known = self.outlook.tales.keys().any(|id| {
                let gone = !held.contains_key(id);
                gone && archive::key(firm.parse().unwrap(), message_id(&self.registry, id)) == *key
            });
            assert!(known, "an object that nobody knows: {key}");
        }

        let told: Vec<String> = facts
            .iter()
            .filter(|fact| fact["type"] == "message_archived")
            .filter_map(|fact| fact["message"].as_str().map(str::to_owned))
            .collect();
        let once: BTreeSet<String> = told.iter().cloned().collect();
        assert_eq!(told.len(), once.len(), "told twice");
        assert_eq!(once, archived, "told of other messages than archived");
        let progress = world.progress(&self.registry).await;
        assert_eq!(progress["archived"], archived.len(), "{progress}");
        assert_eq!(progress["remaining"], 0, "{progress}");
        let of = |count: &Value| count.as_i64().unwrap();
        // What a person threw away before it was read can't be archived any more, and is listed as gone.
        let gone = indexed.iter().filter(|message| message["state"] == "gone").count() as i64;
        assert_eq!((of(&progress["failed"]), of(&progress["gone"])), (0, gone), "{progress}");
        let settled = of(&progress["archived"]) + of(&progress["skipped"]["draft"]) + gone;
        assert_eq!(progress["discovered"], settled, "everything is counted once: {progress}");
        let mut history = world.get(&self.path()).await.ok()["history"].take();
        let done = self.since.map(|since| (json!(since), json!("done")));
        assert_eq!((history["since"].take(), history["state"].take()), done.unwrap_or_default(), "{history}");
        assert_eq!(world.host.source.step().await, 0, "a job still waits");
        assert_eq!(world.host.older_source.step().await, 0, "a job of older mail still waits");
    }

    /// Where the feed says that a message was filed, in order; null where it was taken out.
    fn facts_of(&self, message: &str, facts: &[Value]) -> Vec<Value> {
        let filings = facts.iter().filter(|fact| {
            fact["message"] == message && (fact["type"] == "message_filed" || fact["type"] == "message_unfiled")
        });
        filings.map(|fact| fact["dossier"].clone()).collect()
    }

    /// All facts of the feed, read to its end.
    async fn facts(&self) -> Vec<Value> {
        let (mut facts, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/v1/firms/{}/events?limit=100&after={after}", self.registry.firm);
            let page = self.world.get(&path).await.ok();
            facts.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_u64() {
                Some(next) if next > after => after = next,
                _ => return facts,
            }
        }
    }

    /// The firm's list of messages, read to its end.
    async fn indexed(&self) -> Vec<Value> {
        let (mut messages, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/firms/{}/messages?limit=100{after}", self.registry.firm);
            let page = self.world.get(&path).await.ok();
            messages.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return messages,
            }
        }
    }

    /// The messages that a dossier's list shows.
    async fn filed_to(&self, dossier: &str) -> Vec<String> {
        let path = format!("/v1/firms/{}/messages?dossier={dossier}&limit=100", self.registry.firm);
        let page = self.world.get(&path).await.ok();
        page["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect()
    }
}
