//! What the application says is what Outlook shows: P4 (a switch for addresses and one for dates), P5 (the business
//! application is the master, and nothing is there twice).

use std::time::Duration;

use microsoft365::{RetryAfter, Times};
use serde_json::{Value, json};
use tests::{
    ADA, CLIENT_ID, OWN_CLIENT_ID, OWN_CLIENT_SECRET, World,
    outlook::{Firm, texts},
};

const QUARTER: Duration = Duration::from_secs(16 * 60);

fn date(title: &str, members: &[&String]) -> Value {
    let (start, end) = ("2026-07-01T09:00:00", "2026-07-01T10:00:00");
    json!({ "kind": "appointment", "title": title, "start": start, "end": end, "members": members })
}

async fn switch(world: &World, firm: &Firm, member: &str, dates: bool, contacts: bool, target: &str) {
    let push = json!({ "push": { "dates": dates, "contacts": contacts, "target": target } });
    world.patch(&format!("/v1/firms/{}/members/{member}", firm.id), push).await.ok();
    world.run_until_idle().await;
}

#[tokio::test]
async fn p4_a_switch_turned_off_removes_what_is_there_and_turned_on_brings_it_back() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;

    switch(&world, &firm, &ada, true, false, "calendar").await;
    assert!(world.contacts(ADA).is_empty());
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
    assert_eq!(world.said(&firm, "contacts", "C").await["copies"][0]["state"], "switched_off");

    switch(&world, &firm, &ada, false, true, "calendar").await;
    assert_eq!((texts(&world.contacts(ADA), "displayName"), world.events(ADA).len()), (vec!["Court".to_owned()], 0));

    switch(&world, &firm, &ada, true, true, "todo").await;
    assert_eq!((texts(&world.tasks(ADA), "title"), world.events(ADA).len()), (vec!["Hearing".to_owned()], 0));

    switch(&world, &firm, &ada, true, true, "calendar").await;
    assert_eq!((texts(&world.events(ADA), "subject"), world.tasks(ADA).len()), (vec!["Hearing".to_owned()], 0));
}

#[tokio::test]
async fn p5_what_was_deleted_is_made_again_and_what_was_changed_is_set_back_and_the_persons_own_is_left_alone() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    for id in ["1", "2", "3"] {
        world.say(&firm, "dates", id, date(id, &[&ada])).await;
        world.say(&firm, "contacts", id, json!({ "name": id, "members": [ada] })).await;
    }
    let own = world.microsoft.add_event(ADA, "My own").unwrap();
    let (events, contacts) = (world.events(ADA), world.contacts(ADA));
    for (items, title) in [(&events, "subject"), (&contacts, "displayName")] {
        let id = |i: usize| items[i]["id"].as_str().unwrap();
        world.microsoft.delete_item(ADA, id(0)).unwrap();
        world.microsoft.edit_item(ADA, id(1), json!({ title: "mine" })).unwrap();
    }
    // Moved to the default folder is no longer where it shall be.
    world.microsoft.move_contact_home(ADA, contacts[2]["id"].as_str().unwrap()).unwrap();
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["1", "2", "3", "My own"]);
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["1", "2", "3"]);
    assert_eq!(world.microsoft.contacts(ADA).unwrap().len(), 3);
    assert!(world.events(ADA).iter().any(|event| event["id"] == own));

    // The folder thrown away is made again, with all that was in it.
    let (folder, _) = world.microsoft.containers(ADA).unwrap().remove(0);
    world.microsoft.delete_item(ADA, &folder).unwrap();
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["1", "2", "3"]);

    // Nothing differs now: a comparison writes nothing.
    let writes = |world: &World| {
        let requests = world.microsoft.requests().by_kind;
        let writes = requests
            .iter()
            .filter(|(kind, _)| kind.ends_with("create") || kind.ends_with("patch") || kind.ends_with("delete"));
        writes.map(|(_, count)| *count).sum::<u64>()
    };
    let before = writes(&world);
    for _ in 0..3 {
        world.pass(Duration::from_secs(9 * 3600)).await;
    }
    assert_eq!(writes(&world), before);
}

#[tokio::test]
async fn a_dismissed_reminder_stays_dismissed() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    let id = world.events(ADA)[0]["id"].as_str().unwrap().to_owned();
    world.microsoft.edit_item(ADA, &id, json!({ "isReminderOn": false })).unwrap();
    world.pass(QUARTER).await;
    assert_eq!(world.events(ADA)[0]["isReminderOn"], false);
}

#[tokio::test]
async fn what_was_pushed_goes_with_the_member_and_follows_to_another_account() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    world.tenant.add_user("ada.new@lumen.example", "Ada").unwrap();
    let path = format!("/v1/firms/{}/members/{ada}", firm.id);
    world.patch(&path, json!({ "address": "ada.new@lumen.example" })).await.ok();
    world.run_until_idle().await;
    assert!(world.events(ADA).is_empty() && world.contacts(ADA).is_empty());
    assert_eq!(texts(&world.events("ada.new@lumen.example"), "subject"), ["Hearing"]);
    assert_eq!(texts(&world.contacts("ada.new@lumen.example"), "displayName"), ["Court"]);

    world.delete(&path).await.ok();
    world.run_until_idle().await;
    assert!(world.events("ada.new@lumen.example").is_empty() && world.contacts("ada.new@lumen.example").is_empty());
}

#[tokio::test]
async fn a_member_who_was_deleted_is_no_more_among_those_whom_a_date_is_for() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let bob = world.pushed_member(&firm, "bob@lumen.example", "calendar").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada, &bob])).await;
    world.delete(&format!("/v1/firms/{}/members/{bob}", firm.id)).await;
    world.run_until_idle().await;
    let shown = world.said(&firm, "dates", "D").await;
    assert_eq!((&shown["members"], shown["copies"].as_array().unwrap().len()), (&json!([ada]), 1), "{shown}");
}

#[tokio::test]
async fn with_a_persons_own_sign_in_only_what_is_wished_is_asked_for_and_what_is_missing_is_said() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    let ada = world.pushed_member(&firm, ADA, "todo").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    assert_eq!(texts(&world.tasks(ADA), "title"), ["Hearing"]);
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court"]);

    // Bob's connector was never asked to write there.
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    let connector = world.connector(&firm.id, "delegated", Value::Null).await;
    world.sign_in(&firm.id, &connector, "bob@lumen.example").await.ok();
    let push = json!({ "dates": true, "contacts": false, "target": "calendar" });
    let body = json!({ "name": "Bob", "address": "bob@lumen.example", "connector": connector, "push": push });
    let bob = world.post(&format!("/v1/firms/{}/members", firm.id), body).await.ok();
    world.run_until_idle().await;
    let path = format!("/v1/firms/{}/members/{}/push", firm.id, bob["id"].as_str().unwrap());
    let state = world.get(&path).await.ok();
    assert_eq!(state["problem"]["code"], "push_not_granted");
    let bob = bob["id"].as_str().unwrap().to_owned();
    world.say(&firm, "dates", "E", date("Meeting", &[&bob])).await;
    assert!(world.events("bob@lumen.example").is_empty());
    // The wish and a sign-in, and it goes on by itself.
    let wished = format!("/v1/firms/{}/connectors/{connector}", firm.id);
    world.patch(&wished, json!({ "dates": true })).await.ok();
    world.sign_in(&firm.id, &connector, "bob@lumen.example").await.ok();
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(texts(&world.events("bob@lumen.example"), "subject"), ["Meeting"]);
    assert_eq!(world.get(&path).await.ok()["problem"], Value::Null);
}

#[tokio::test]
async fn a_right_that_was_never_asked_for_holds_up_only_what_needs_it() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    let body = json!({ "name": "Bob", "access": "delegated", "app": null, "contacts": true });
    let connector = world.post(&format!("/v1/firms/{}/connectors", firm.id), body).await.ok();
    let bobs = Firm { id: firm.id, connector: connector["id"].as_str().unwrap().to_owned() };
    world.tenant.add_user("bob@lumen.example", "Bob").unwrap();
    world.sign_in(&bobs.id, &bobs.connector, "bob@lumen.example").await.ok();
    let push = json!({ "dates": true, "contacts": true, "target": "calendar" });
    let body = json!({ "name": "Bob", "address": "bob@lumen.example", "connector": bobs.connector, "push": push });
    let bob = world.post(&format!("/v1/firms/{}/members", bobs.id), body).await.ok()["id"].as_str().unwrap().to_owned();
    world.run_until_idle().await;
    world.say(&bobs, "dates", "D", date("Hearing", &[&bob])).await;
    world.say(&bobs, "contacts", "C", json!({ "name": "Court", "members": [bob] })).await;
    assert_eq!(texts(&world.contacts("bob@lumen.example"), "displayName"), ["Court"]);
    let path = format!("/v1/firms/{}/members/{bob}/push", bobs.id);
    let state = world.get(&path).await.ok();
    assert_eq!(
        (&state["dates"]["problem"]["code"], &state["contacts"]["problem"]),
        (&json!("push_not_granted"), &Value::Null)
    );
    let hearing = &world.said(&bobs, "dates", "D").await["copies"][0];
    assert_eq!((&hearing["state"], &hearing["problem"]["who"]), (&json!("waiting"), &json!("firm_administrator")));

    world.clock.advance(Duration::from_secs(20));
    world.patch(&format!("/v1/firms/{}/connectors/{}", bobs.id, bobs.connector), json!({ "dates": true })).await.ok();
    world.sign_in(&bobs.id, &bobs.connector, "bob@lumen.example").await.ok();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(texts(&world.events("bob@lumen.example"), "subject"), ["Hearing"]);
    assert_eq!(world.get(&path).await.ok()["problem"], Value::Null);
}

#[tokio::test]
async fn a_right_that_an_organisation_does_not_give_holds_up_only_what_needs_it() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "dates", "before", date("before", &[&ada])).await;
    let app = world.microsoft.app(CLIENT_ID).unwrap();
    for right in ["Calendars.ReadWrite", "Contacts.ReadWrite"] {
        let (noun, other) = if right.starts_with("Cal") { ("dates", "contacts") } else { ("contacts", "dates") };
        let mut fewer = app.clone();
        fewer.application.retain(|permission| permission != right);
        world.consent_to(fewer).await;
        world.say(&firm, "dates", "D", date(right, &[&ada])).await;
        world.say(&firm, "contacts", "C", json!({ "name": right, "members": [ada] })).await;

        // Who has to act, and for what, stands at the member and at each date or contact that waits for it.
        let path = format!("/v1/firms/{}/members/{ada}/push", firm.id);
        let state = world.get(&path).await.ok();
        let problem = &state[noun]["problem"];
        assert_eq!(
            ["code", "who", "microsoft_code"].map(|name| problem[name].as_str().unwrap()),
            ["push_forbidden", "tenant_administrator", "ErrorAccessDenied"]
        );
        assert_eq!((&state["problem"], &state[other]["problem"]), (problem, &Value::Null));
        assert_eq!(state[noun]["copies"]["waiting"], 1);
        let copy = |said: Value| said["copies"][0].clone();
        let held_up = copy(world.said(&firm, noun, if noun == "dates" { "D" } else { "C" }).await);
        assert_eq!(
            (&held_up["state"], &held_up["current"], &held_up["problem"]),
            (&json!("waiting"), &json!(false), problem)
        );
        let gone_out = copy(world.said(&firm, other, if noun == "dates" { "C" } else { "D" }).await);
        assert_eq!((&gone_out["state"], &gone_out["problem"]), (&json!("current"), &Value::Null));
        assert_eq!(world.connector_view(&firm.id, &firm.connector).await["state"], "connected");
        let preview = world.get(&format!("{path}/preview")).await;
        assert_eq!(preview.body["microsoft_code"], "ErrorAccessDenied", "{}", preview.body);
        assert_eq!(preview.problem(), "push_forbidden");

        // Whatever else is said, Microsoft is not asked again before it is time.
        let kind = if noun == "dates" { "event" } else { "contact" };
        let refused = || {
            let asked = world.microsoft.requests().by_kind;
            asked.iter().filter(|(name, _)| name.starts_with(kind)).map(|(_, count)| *count).sum::<u64>()
        };
        let asked = refused();
        let contact = json!({ "name": "more", "members": [ada] });
        world.say(&firm, other, "more", if noun == "dates" { contact } else { date("more", &[&ada]) }).await;
        assert_eq!(refused(), asked);

        world.consent_to(app.clone()).await;
        world.pass(Duration::from_secs(3600)).await;
        assert_eq!(world.get(&path).await.ok()["problem"], Value::Null);
        assert!(texts(&world.events(ADA), "subject").contains(&right.to_owned()));
        assert!(texts(&world.contacts(ADA), "displayName").contains(&right.to_owned()));
    }
    assert!(texts(&world.events(ADA), "subject").contains(&"before".to_owned()));
}

#[tokio::test]
async fn a_throttled_mailbox_waits_as_long_as_it_is_told_and_others_do_not() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let bob = world.pushed_member(&firm, "bob@lumen.example", "calendar").await;
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(120), Times::N(3));
    let rows: Vec<Value> = (0..50)
        .map(|i| json!({ "external_id": format!("{i}"), "name": format!("{i}"), "members": [ada, bob] }))
        .collect();
    world.post(&format!("/v1/firms/{}/contacts/bulk", firm.id), json!({ "rows": rows })).await.ok();
    world.run_until_idle().await;
    assert_eq!((world.contacts("bob@lumen.example").len(), world.contacts(ADA).len() < 50), (50, true));
    for _ in 0..4 {
        world.pass(Duration::from_secs(125)).await;
    }
    assert_eq!(world.contacts(ADA).len(), 50);
}

#[tokio::test]
async fn a_list_or_folder_of_the_persons_own_with_the_firms_name_stays_the_persons() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let list = world.microsoft.add_task_list(ADA, "Lumen Avocats").unwrap();
    let folder = world.microsoft.add_contact_folder(ADA, "Lumen Avocats").unwrap();
    world.microsoft.add_task(ADA, &list, "My own").unwrap();
    world.microsoft.add_contact_to(ADA, &folder, "My own").unwrap();
    let empty = world.microsoft.add_task_list(ADA, "Lumen Avocats").unwrap();
    let (own_tasks, own_contacts) = (world.tasks(ADA), world.contacts(ADA));
    let ada = world.pushed_member(&firm, ADA, "todo").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    // Ours have the next free name.
    let mut names: Vec<String> = world.microsoft.containers(ADA).unwrap().into_iter().map(|(_, name)| name).collect();
    names.sort();
    let (theirs, ours) = ("Lumen Avocats", "Lumen Avocats (2)");
    assert_eq!(names, [theirs, theirs, theirs, ours, ours]);
    let lists = world.microsoft.task_items(ADA).unwrap();
    assert!(lists.iter().any(|(_, tasks)| *tasks == own_tasks), "{lists:?}");
    let folders = world.microsoft.contact_items(ADA).unwrap();
    assert!(folders.iter().any(|(_, contacts)| *contacts == own_contacts), "{folders:?}");
    switch(&world, &firm, &ada, false, false, "todo").await;
    assert_eq!((world.tasks(ADA), world.contacts(ADA)), (own_tasks, own_contacts));
    let left: Vec<String> = world.microsoft.containers(ADA).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, [folder, list, empty]);
}

#[tokio::test]
async fn a_list_or_folder_of_ours_goes_with_what_was_in_it_unless_a_person_put_something_there() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "todo").await;
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    let containers = || world.microsoft.containers(ADA).unwrap();
    assert_eq!(containers().len(), 2);
    // What is said no more leaves an empty folder, into which the next one goes.
    world.unsay(&firm, "contacts", "C").await;
    assert_eq!(containers().len(), 2);
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    assert_eq!(containers().len(), 2);

    // Ada keeps something of her own in both: they stay until she takes it away.
    let (folder, list) = (containers()[0].0.clone(), containers()[1].0.clone());
    let own = world.microsoft.add_contact_to(ADA, &folder, "My own").unwrap();
    world.microsoft.add_task(ADA, &list, "My own").unwrap();
    switch(&world, &firm, &ada, true, false, "calendar").await;
    assert_eq!(
        (texts(&world.contacts(ADA), "displayName"), texts(&world.tasks(ADA), "title")),
        (vec!["My own".to_owned()], vec!["My own".to_owned()])
    );
    world.microsoft.delete_item(ADA, &own).unwrap();
    world.pass(QUARTER).await;
    assert_eq!(containers(), [(list.clone(), "Lumen Avocats".to_owned())]);

    // The list that stayed is ours still.
    switch(&world, &firm, &ada, true, true, "todo").await;
    assert_eq!(texts(&world.tasks(ADA), "title"), ["Hearing", "My own"]);
    assert_eq!((texts(&world.contacts(ADA), "displayName"), containers().len()), (vec!["Court".to_owned()], 2));
    let own = world.tasks(ADA).into_iter().find(|task| task["title"] == "My own").unwrap();
    world.microsoft.delete_item(ADA, own["id"].as_str().unwrap()).unwrap();
    world.delete(&format!("/v1/firms/{}/members/{ada}", firm.id)).await.ok();
    world.run_until_idle().await;
    assert_eq!((containers(), world.events(ADA)), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_personal_account_has_all_of_it_in_its_own_outlook() {
    const EVE: &str = "eve@outlook.com";
    let world = World::new().await;
    world.microsoft.personal_accounts().unwrap().add_user(EVE, "Eve").unwrap();
    let firm = world.pushing_firm_of(EVE).await;
    let eve = world.pushed_member(&firm, EVE, "calendar").await;
    // The first token has ended: refreshed with scopes in full, the opaque one is good for Graph.
    world.clock.advance(Duration::from_secs(2 * 3600));
    world.say(&firm, "dates", "D", date("Hearing", &[&eve])).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [eve] })).await;
    assert_eq!(texts(&world.events(EVE), "subject"), ["Hearing"]);
    assert_eq!(texts(&world.contacts(EVE), "displayName"), ["Court"]);
    switch(&world, &firm, &eve, true, false, "todo").await;
    assert_eq!((texts(&world.tasks(EVE), "title"), world.events(EVE).len()), (vec!["Hearing".to_owned()], 0));
    // Nobody else can be reached through it.
    let push = json!({ "dates": true, "contacts": false, "target": "calendar" });
    let other = json!({ "name": "Ada", "address": ADA, "connector": firm.connector, "push": push });
    assert!(!world.post(&format!("/v1/firms/{}/members", firm.id), other).await.problem().is_empty());
}

#[tokio::test]
async fn each_kind_of_date_has_its_colour_which_the_person_may_change() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    world.pushed_member(&firm, ADA, "calendar").await;
    let colors = || {
        let categories = world.microsoft.colored_categories(ADA).unwrap();
        categories.into_iter().map(|(name, color)| format!("{name} {color}")).collect::<Vec<_>>()
    };
    let (appointment, deadline) = ("greffe: appointment preset7", "greffe: deadline preset0");
    assert_eq!(colors(), [appointment, deadline, "greffe: reminder preset3"]);
    world.microsoft.color_category(ADA, "greffe: reminder", "preset9").unwrap();
    world.pass(Duration::from_secs(25 * 3600)).await;
    assert_eq!(colors(), [appointment, deadline, "greffe: reminder preset9"]);
}

#[tokio::test]
async fn what_a_comparison_would_do_is_shown_and_not_done() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    for id in ["altered", "as said", "gone"] {
        world.say(&firm, "dates", id, date(id, &[&ada])).await;
    }
    let of = |title: &str| {
        let events = world.events(ADA);
        events.iter().find(|event| event["subject"] == title).unwrap()["id"].as_str().unwrap().to_owned()
    };
    world.microsoft.delete_item(ADA, &of("gone")).unwrap();
    world.microsoft.edit_item(ADA, &of("altered"), json!({ "subject": "mine" })).unwrap();
    world.put(&format!("/v1/firms/{}/contacts/new", firm.id), json!({ "name": "Court", "members": [ada] })).await.ok();

    let path = format!("/v1/firms/{}/members/{ada}/push/preview", firm.id);
    let preview = world.get(&path).await.ok();
    assert_eq!(preview, world.get(&path).await.ok());
    assert_eq!(preview["unchanged"], 1);
    let told = preview["differences"].as_array().unwrap().iter();
    let told = told.map(|it| ["noun", "external_id", "verdict"].map(|name| it[name].as_str().unwrap().to_owned()));
    let told: Vec<[String; 3]> = told.collect();
    assert_eq!(told, [["date", "altered", "altered"], ["date", "gone", "gone"], ["contact", "new", "missing"]]);
    assert_eq!(preview["differences"][1]["text"], "date#gone was removed there and will be made again");
    assert_eq!(texts(&world.events(ADA), "subject"), ["as said", "mine"]);

    world.pass(QUARTER).await;
    assert_eq!(world.get(&path).await.ok(), json!({ "differences": [], "unchanged": 4 }));
}

/// What was put on the event bus, in order.
fn on_the_bus(world: &World) -> Vec<String> {
    let events = world.host.machine.engines.as_ref().unwrap().events_after(0, 1_000).unwrap();
    events.into_iter().map(|event| event.detail_type).collect()
}

#[tokio::test]
async fn through_a_firms_own_app_dates_go_out_long_after_the_first_token_has_ended() {
    let world = World::new().await;
    let own = json!({
        "tenant_id": world.tenant.id().to_string(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET,
    });
    let firm = world.pushing_firm_with(own).await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.clock.advance(Duration::from_secs(2 * 3600));
    world.say(&firm, "dates", "D", date("Hearing", &[&ada])).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
}

#[tokio::test]
async fn access_that_is_lost_while_nothing_but_dates_is_pushed_is_told_and_all_goes_out_once_it_is_back() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.say(&firm, "dates", "before", date("before", &[&ada])).await;
    let webhook = json!({ "url": "http://127.0.0.1:9/", "types": ["connector_action_required"] });
    world.post(&format!("/v1/firms/{}/webhooks", firm.id), webhook).await.ok();
    world.tenant.revoke_sessions(ADA).unwrap();
    world.clock.advance(Duration::from_secs(3601));
    world.say(&firm, "dates", "meanwhile", date("meanwhile", &[&ada])).await;

    let shown = world.connector_view(&firm.id, &firm.connector).await;
    assert_eq!(
        (&shown["state"], &shown["problem"]["code"], &shown["problem"]["microsoft_code"]),
        (&json!("action_required"), &json!("sign_in_required"), &json!("AADSTS50173"))
    );
    let push = format!("/v1/firms/{}/members/{ada}/push", firm.id);
    assert_eq!(world.get(&push).await.ok()["problem"]["code"], "sign_in_required");
    assert_eq!(world.facts(&firm.id).await, ["connector_connected", "connector_action_required"]);
    assert_eq!(on_the_bus(&world), ["ConnectorConnected", "ConnectorActionRequired"]);

    // Whatever is said now, nobody is asked for it.
    let asked = (world.token_requests(), world.microsoft.requests().graph);
    world.unsay(&firm, "dates", "before").await;
    world.say(&firm, "contacts", "meanwhile", json!({ "name": "Court", "members": [ada] })).await;
    assert_eq!((world.token_requests(), world.microsoft.requests().graph), asked);
    assert_eq!(world.said(&firm, "dates", "meanwhile").await["copies"][0]["state"], "waiting");
    for _ in 0..30 {
        world.pass(Duration::from_secs(3600)).await;
    }
    assert_eq!(texts(&world.events(ADA), "subject"), ["before"]);

    world.clock.advance(Duration::from_secs(20));
    world.sign_in(&firm.id, &firm.connector, ADA).await.ok();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["meanwhile"]);
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court"]);
    assert_eq!(world.get(&push).await.ok()["problem"], Value::Null);
    assert_eq!(world.connector_view(&firm.id, &firm.connector).await["state"], "connected");
}
