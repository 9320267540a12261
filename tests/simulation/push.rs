//! One story of what is pushed: the application says dates and contacts, changes its mind, and says things twice and
//! late; people delete and change what they find, and keep things of their own beside it; and the judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use microsoft365::{RetryAfter, Times};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{ADA, Answer, CLIENT_ID, OPERATOR_KEY, World, outlook::Firm};

use crate::{dice::Dice, fault, gate::Gate};

const BOB: &str = "bob@lumen.example";
const CLEO: &str = "cleo@lumen.example";
const DAN: &str = "dan@lumen.example";
const PEOPLE: [&str; 4] = [ADA, BOB, CLEO, DAN];
const NOUNS: [&str; 2] = ["dates", "contacts"];
const STEPS: usize = 50;
/// So many entries of each noun: more than one batch.
const ENTRIES: usize = 30;

/// What the application said last of an entry.
#[derive(Default)]
struct Said {
    version: u64,
    /// None once it is deleted.
    title: Option<String>,
    /// Members' ids.
    members: BTreeSet<String>,
}

/// A member, and what it wants.
#[derive(Clone)]
struct Member {
    id: String,
    address: &'static str,
    dates: bool,
    contacts: bool,
    target: &'static str,
}

struct Story {
    dice: Dice,
    world: World,
    gate: Gate,
    firm: Firm,
    members: Vec<Member>,
    said: BTreeMap<(&'static str, String), Said>,
    version: u64,
    own: Own,
}

/// What is a person's own: by address and id, how it shows, and the container it lies in, if it is one that may be
/// thrown away.
type Own = BTreeMap<(&'static str, String), (Value, String)>;

/// Tells the story of this seed and judges how it ends; its history.
pub async fn run(seed: u64) -> Vec<String> {
    let gate = Gate::new(seed);
    let keeper = tokio::spawn(gate.clone().keep());
    let world = World::behind(&gate).await;
    for address in &PEOPLE[1..] {
        world.tenant.add_user(address, address).unwrap();
    }
    let firm = world.pushing_firm().await;
    let (members, said, own) = (Vec::new(), BTreeMap::new(), Own::new());
    let mut story = Story { dice: Dice::new(seed), world, gate, firm, members, said, version: 0, own };
    for address in &PEOPLE[..3] {
        story.join(address).await;
    }
    for n in 0..STEPS {
        story.happen(n).await;
    }
    story.calm_down().await;
    story.judge().await;
    keeper.abort();
    story.gate.history()
}

/// All items of one kind in somebody's Outlook, with the container of each: none for one that can't be thrown away.
fn items(world: &World, address: &str) -> Vec<(Value, String)> {
    let microsoft = &world.microsoft;
    let events = microsoft.event_items(address).unwrap().into_iter().map(|event| (event, String::new()));
    let contained = microsoft.contact_items(address).unwrap().into_iter().chain(microsoft.task_items(address).unwrap());
    events.chain(contained.flat_map(|(name, items)| items.into_iter().map(move |item| (item, name.clone())))).collect()
}

fn id(item: &Value) -> String {
    item["id"].as_str().unwrap().to_owned()
}

fn title(item: &Value) -> &str {
    ["subject", "title", "displayName"].iter().find_map(|name| item[*name].as_str()).unwrap_or_default()
}

/// What a person does in Outlook.
fn person(dice: &mut Dice, world: &World, own: &mut Own) {
    let address = dice.pick(&PEOPLE);
    let microsoft = &world.microsoft;
    let containers = microsoft.containers(address).unwrap();
    match dice.below(10) {
        0..=5 => {
            let mut ours = items(world, address);
            ours.retain(|(item, _)| !own.contains_key(&(address, id(item))));
            if ours.is_empty() {
                return;
            }
            let (item, _) = dice.pick(&ours);
            let name = ["subject", "title", "displayName"].into_iter().find(|name| item.get(*name).is_some()).unwrap();
            match dice.below(4) {
                0 | 1 => microsoft.delete_item(address, &id(&item)).unwrap(),
                // Only contacts can be moved.
                2 if microsoft.move_contact_home(address, &id(&item)).is_ok() => {}
                _ => microsoft.edit_item(address, &id(&item), json!({ name: "mine" })).unwrap(),
            }
        }
        6 if !containers.is_empty() => {
            let (container, _) = dice.pick(&containers);
            microsoft.delete_item(address, &container).unwrap();
            own.retain(|(whose, item), (_, lies_in)| {
                *whose != address || (*lies_in != container && *item != container)
            });
        }
        _ => keep_own(dice, world, own, address, &containers),
    }
}

/// A person makes something, perhaps among ours, perhaps in a container that is called like ours.
fn keep_own(dice: &mut Dice, world: &World, own: &mut Own, address: &'static str, containers: &[(String, String)]) {
    let microsoft = &world.microsoft;
    let name = format!("own {}", dice.below(1_000));
    let made = match dice.below(5) {
        0 => (microsoft.add_event(address, &name).unwrap(), String::new()),
        1 => (microsoft.add_contact(address, &name).unwrap(), String::new()),
        2 => {
            let list = microsoft.add_task_list(address, "Lumen Avocats").unwrap();
            (microsoft.add_task(address, &list, &name).unwrap(), list)
        }
        3 => {
            let folder = microsoft.add_contact_folder(address, "Lumen Avocats").unwrap();
            (microsoft.add_contact_to(address, &folder, &name).unwrap(), folder)
        }
        _ => {
            let Some((container, _)) = containers.get(dice.below(containers.len().max(1))) else { return };
            let made = match container.starts_with("AAMkAGI1Tl") {
                true => microsoft.add_task(address, container, &name).unwrap(),
                false => microsoft.add_contact_to(address, container, &name).unwrap(),
            };
            (made, container.clone())
        }
    };
    let (item, _) = items(world, address).into_iter().find(|(item, _)| id(item) == made.0).unwrap();
    own.insert((address, made.0), (item, made.1));
}

impl Story {
    async fn happen(&mut self, n: usize) {
        let what = self.dice.below(30);
        self.gate.tell(format!("step {n}: {what} at {}", self.world.clock.now()));
        match what {
            0..=4 => self.say().await,
            5..=7 => self.say_many().await,
            8 => self.say_late().await,
            9 => self.share().await,
            10 => self.switch().await,
            11 => self.come_and_go().await,
            12..=14 => person(&mut self.dice, &self.world, &mut self.own),
            15..=18 => self.fault(),
            19..=25 => self.function().await,
            26 | 27 => self.time(1_200).await,
            // Tokens end meanwhile.
            28 => self.time(6 * 3_600).await,
            _ => self.access().await,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/firms/{}/{rest}", self.firm.id)
    }

    /// The application calls. Every third time the function dies on the way; then the application says it again.
    async fn call(&mut self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        let path = self.path(rest);
        let call = || self.world.request(Some(OPERATOR_KEY), method.clone(), &path, body.clone());
        if self.dice.once_in(3) {
            self.gate.kill_after(self.dice.below(16));
            let _ = self.gate.or_death(call()).await;
        }
        call().await
    }

    fn some_members(&mut self) -> BTreeSet<String> {
        let ids: Vec<String> = self.members.iter().map(|member| member.id.clone()).collect();
        ids.into_iter().filter(|_| !self.dice.once_in(3)).collect()
    }

    fn some_entry(&mut self) -> (&'static str, String) {
        (self.dice.pick(&NOUNS), format!("{}", self.dice.below(ENTRIES)))
    }

    /// Something new about an entry, and how it is said.
    fn news(&mut self, (noun, id): &(&'static str, String)) -> (Said, Value) {
        self.version += 1;
        let version = self.version;
        if self.dice.once_in(4) {
            return (Said { version, ..Said::default() }, json!({ "version": version, "deleted": true }));
        }
        let title = format!("{noun} {id} of {version}");
        let members = self.some_members();
        let mut body = match *noun {
            "dates" => {
                let kind = self.dice.pick(&["appointment", "deadline", "reminder"]);
                let day = 1 + self.dice.below(28);
                let (start, end) = (format!("2026-07-{day:02}T09:00:00"), format!("2026-07-{day:02}T10:00:00"));
                json!({ "kind": kind, "title": title, "start": start, "end": end })
            }
            _ => json!({ "name": title }),
        };
        (body["members"], body["version"]) = (members.iter().cloned().collect(), version.into());
        (Said { version, title: Some(title), members }, body)
    }

    async fn say(&mut self) {
        let entry = self.some_entry();
        let (said, body) = self.news(&entry);
        let path = format!("{}/{}", entry.0, entry.1);
        let answer = match said.title {
            Some(_) => self.call(Method::PUT, &path, Some(body)).await,
            None => self.call(Method::DELETE, &format!("{path}?version={}", said.version), None).await,
        };
        answer.ok();
        self.said.insert(entry, said);
    }

    async fn say_many(&mut self) {
        let noun = self.dice.pick(&NOUNS);
        let (mut rows, mut news) = (Vec::new(), Vec::new());
        for _ in 0..=self.dice.below(ENTRIES) {
            let entry = (noun, self.some_entry().1);
            let (said, mut row) = self.news(&entry);
            row["external_id"] = entry.1.as_str().into();
            rows.push(row);
            news.push((entry, said));
        }
        let answer = self.call(Method::POST, &format!("{noun}/bulk"), Some(json!({ "rows": rows }))).await.ok();
        assert_eq!(answer["refused"], 0, "{answer}");
        self.said.extend(news);
    }

    /// A request that was long under way: what it says is old.
    async fn say_late(&mut self) {
        let entry = self.some_entry();
        let Some(version) = self.said.get(&entry).map(|said| said.version).filter(|version| *version > 0) else {
            return;
        };
        let (_, mut body) = self.news(&entry);
        if body["deleted"].is_null() {
            body["version"] = (1 + self.dice.below(usize::try_from(version).unwrap())).into();
            let answer = self.call(Method::PUT, &format!("{}/{}", entry.0, entry.1), Some(body)).await;
            // What was deleted stays so.
            let there = self.said.get(&entry).is_some_and(|said| said.title.is_some());
            assert_eq!(answer.status.as_u16(), if there { 200 } else { 404 });
        }
    }

    /// Somebody gets many entries, and somebody gets them no more.
    async fn share(&mut self) {
        let noun = self.dice.pick(&NOUNS);
        let entries: BTreeSet<String> = (0..10).map(|_| self.some_entry().1).collect();
        let (add, remove) = (self.some_members(), self.some_members());
        let body = json!({ "entries": entries, "add": add, "remove": remove });
        self.call(Method::POST, &format!("{noun}/members"), Some(body)).await.ok();
        for ((of, id), said) in &mut self.said {
            if *of == noun && entries.contains(id) && said.title.is_some() {
                said.members.extend(add.iter().cloned());
                said.members.retain(|member| !remove.contains(member));
            }
        }
    }

    fn wishes(&mut self) -> (bool, bool, &'static str) {
        (!self.dice.once_in(4), !self.dice.once_in(4), self.dice.pick(&["calendar", "todo"]))
    }

    async fn switch(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let at = self.dice.below(self.members.len());
        let (dates, contacts, target) = self.wishes();
        let path = format!("members/{}", self.members[at].id);
        let push = json!({ "push": { "dates": dates, "contacts": contacts, "target": target } });
        self.call(Method::PATCH, &path, Some(push)).await.ok();
        let member = &mut self.members[at];
        (member.dates, member.contacts, member.target) = (dates, contacts, target);
    }

    /// Somebody becomes a member, or is one no more.
    async fn come_and_go(&mut self) {
        let address = self.dice.pick(&PEOPLE);
        match self.members.iter().position(|member| member.address == address) {
            Some(at) => {
                let member = self.members.remove(at);
                // Said twice, it is not there the second time.
                self.call(Method::DELETE, &format!("members/{}", member.id), None).await;
            }
            None => self.join(address).await,
        }
    }

    async fn join(&mut self, address: &'static str) {
        let (dates, contacts, target) = self.wishes();
        let push = json!({ "dates": dates, "contacts": contacts, "target": target });
        let body = json!({ "name": address, "address": address, "connector": self.firm.connector, "push": push });
        // Without access nobody can become a member.
        if let Some(id) = self.world.post(&self.path("members"), body).await.body["id"].as_str() {
            self.members.push(Member { id: id.to_owned(), address, dates, contacts, target });
        }
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
            0 => tenant.withdraw_consent(CLIENT_ID).unwrap(),
            1 => tenant.set_licensed(self.dice.pick(&PEOPLE), false).unwrap(),
            2 => {
                let right = self.dice.pick(&["Calendars.ReadWrite", "Contacts.ReadWrite", "Tasks.ReadWrite.All"]);
                let mut app = self.world.microsoft.app(CLIENT_ID).unwrap();
                app.application.retain(|permission| permission != right);
                self.world.consent_to(app).await;
            }
            _ => self.restore().await,
        }
    }

    async fn restore(&self) {
        for address in PEOPLE {
            self.world.tenant.set_licensed(address, true).unwrap();
        }
        self.world.microsoft.faults().clear();
        self.world.register_for_push();
        self.world.sign_in(&self.firm.id, &self.firm.connector, "admin@lumen.example").await.ok();
    }

    /// What goes wrong at Microsoft's.
    fn fault(&mut self) {
        let address = self.dice.pick(&PEOPLE);
        let times = Times::N(1 + self.dice.below(4) as u32);
        let faults = self.world.microsoft.faults();
        let reads = ["events", "tasks", "task lists", "task delta", "contacts", "contact folders", "contact delta"];
        let makes = ["event create", "task create", "contact create", "task list create", "contact folder create"];
        let changes = ["event patch", "task patch", "contact patch", "event delete", "task delete", "contact delete"];
        let leaves = ["task list delete", "contact folder delete"];
        let kinds = [&reads[..], &makes, &changes, &leaves, &["batch"]].concat();
        let lost = [&makes[..], &changes, &leaves, &["batch"]].concat();
        match self.dice.below(10) {
            7..=9 => {
                let kind = self.dice.pick(&kinds);
                let odd = match kind {
                    _ if reads.contains(&kind) => fault::odd(&mut self.dice, kind),
                    _ if makes.contains(&kind) => fault::odd_making(&mut self.dice),
                    "batch" => fault::odd(&mut self.dice, kind),
                    _ => fault::odd_refusal(&mut self.dice),
                };
                let odd = if reads.contains(&kind) { odd } else { fault::perhaps_done(&mut self.dice, odd) };
                faults.answer(kind, None, odd, times);
            }
            0 | 1 => faults.fail(self.dice.pick(&kinds), self.dice.pick(&[500, 502, 503, 504]), times),
            2..=4 => faults.lose_answer(self.dice.pick(&lost), times),
            5 => faults.delta_gone(address, times),
            _ => {
                let waits = [RetryAfter::Whole(30), RetryAfter::Missing, RetryAfter::Fractional(2.5)];
                faults.throttle(address, self.dice.pick(&waits), times);
            }
        }
    }

    /// Functions run, while people work. One time in three they die on the way, one time in three AWS is in trouble.
    async fn function(&mut self) {
        self.gate.some_trouble(&mut self.dice, 80);
        let Self { dice, world, gate, own, .. } = self;
        let functions = async { tokio::join!(world.host.push_source.step(), world.host.push_source.step()) };
        let meanwhile = async {
            for _ in 0..dice.below(4) {
                gate.turn().await;
                person(dice, world, own);
            }
        };
        gate.or_death(async { tokio::join!(functions, meanwhile) }).await;
    }

    /// Nothing goes wrong any more, and enough time passes for every pause to end.
    async fn calm_down(&mut self) {
        self.restore().await;
        for _ in 0..6 {
            self.world.pass(Duration::from_secs(16 * 60)).await;
        }
        for _ in 0..5 {
            self.world.pass(Duration::from_secs(12 * 3600)).await;
        }
    }

    async fn judge(&self) {
        for address in PEOPLE {
            let member = self.members.iter().find(|member| member.address == address);
            let mut expected = member.map(|member| self.expected(member)).unwrap_or_default();
            expected.sort();
            let mut shown = Vec::new();
            for (item, _) in items(&self.world, address) {
                match self.own.get(&(address, id(&item))) {
                    Some((own, _)) => assert_eq!(item, *own, "a person's own was touched"),
                    None => shown.push(title(&item).to_owned()),
                }
            }
            shown.sort();
            assert_eq!(shown, expected, "in the Outlook of {address}");
            let there: BTreeSet<String> = items(&self.world, address).iter().map(|(item, _)| id(item)).collect();
            let gone = self.own.keys().find(|(whose, own)| *whose == address && !there.contains(own));
            assert_eq!(gone, None, "a person's own is gone");
            let microsoft = &self.world.microsoft;
            let empty = |containers: Vec<(String, Vec<Value>)>| {
                containers.iter().filter(|(name, items)| name == "Lumen Avocats" && items.is_empty()).count()
            };
            let (folders, lists) = (microsoft.contact_items(address).unwrap(), microsoft.task_items(address).unwrap());
            let wanted = member.map_or((false, false), |m| (m.contacts, m.dates && m.target == "todo"));
            assert!(empty(folders) <= usize::from(wanted.0), "an empty folder is left in the Outlook of {address}");
            assert!(empty(lists) <= usize::from(wanted.1), "an empty list is left in the To Do of {address}");
        }
        for member in &self.members {
            let push = self.world.get(&self.path(&format!("members/{}/push", member.id))).await.ok();
            assert_eq!((&push["problem"], &push["copies"]["failed"]), (&Value::Null, &json!(0)), "{push}");
            let placed = self.expected(member).len();
            assert_eq!((&push["copies"]["waiting"], &push["copies"]["placed"]), (&json!(0), &json!(placed)), "{push}");
        }
        assert_eq!(self.world.host.push_source.step().await, 0, "a job still waits");
    }

    /// What a member's Outlook shall show.
    fn expected(&self, member: &Member) -> Vec<String> {
        let wanted = |noun: &str| if noun == "dates" { member.dates } else { member.contacts };
        let said = self.said.iter().filter(|((noun, _), said)| wanted(noun) && said.members.contains(&member.id));
        said.filter_map(|(_, said)| said.title.clone()).collect()
    }
}
