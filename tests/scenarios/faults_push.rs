//! R14 and P5: answers of another form than Graph documents, in what is pushed. Nothing is made twice, and what one
//! entry lacks costs the others nothing.

use std::time::Duration;

use microsoft365::{Scripted, Times};
use serde_json::{Value, json};
use tests::{
    ADA, World,
    outlook::{Firm, texts},
};

const QUARTER: Duration = Duration::from_secs(16 * 60);

async fn world(target: &str) -> (World, Firm, String) {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, target).await;
    (world, firm, ada)
}

fn hearing(title: &str, member: &str) -> Value {
    let (start, end) = ("2026-07-01T09:00:00", "2026-07-01T10:00:00");
    json!({ "kind": "appointment", "title": title, "start": start, "end": end, "members": [member] })
}

fn court(name: &str, member: &str) -> Value {
    json!({ "name": name, "members": [member] })
}

fn text(from: &str, to: &str) -> Scripted {
    Scripted::Text(from.to_owned(), to.to_owned())
}

fn raw(status: u16, body: &str) -> Scripted {
    Scripted::Raw(status, vec![], body.as_bytes().to_vec())
}

fn tasks(world: &World) -> Vec<Value> {
    world.microsoft.task_items(ADA).unwrap().into_iter().flat_map(|(_, tasks)| tasks).collect()
}

fn ids(items: &[Value]) -> Vec<String> {
    let mut ids = texts(items, "id");
    ids.sort();
    ids
}

#[tokio::test]
async fn lists_without_an_end_are_not_read_for_ever_and_make_nothing_twice() {
    for (kinds, target) in [
        (&["events", "contact delta", "contact folders"][..], "calendar"),
        (&["task delta", "tasks", "task lists"], "todo"),
    ] {
        let (world, firm, ada) = world(target).await;
        world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
        world.say(&firm, "contacts", "C", court("Court", &ada)).await;
        for kind in kinds {
            world.microsoft.faults().answer(kind, None, Scripted::Endless, Times::Forever);
        }
        let before = world.microsoft.requests().graph;
        for _ in 0..4 {
            world.pass(QUARTER).await;
        }
        let asked = world.microsoft.requests().graph - before;
        assert!(asked < 200, "{asked} requests in an hour");
        world.microsoft.faults().clear();
        world.pass(QUARTER).await;
        world.pass(QUARTER).await;
        let dates = if target == "todo" { tasks(&world).len() } else { world.events(ADA).len() };
        assert_eq!((dates, world.contacts(ADA).len()), (1, 1));
        let push = world.get(&format!("/v1/firms/{}/members/{ada}/push", firm.id)).await.ok();
        assert_eq!(push["problem"], Value::Null, "{push}");
    }
}

#[tokio::test]
async fn an_item_that_is_shown_oddly_is_not_made_anew() {
    let (world, firm, ada) = world("calendar").await;
    for name in ["1", "2", "3"] {
        world.say(&firm, "dates", name, hearing(name, &ada)).await;
        world.say(&firm, "contacts", name, court(name, &ada)).await;
    }
    let (events, contacts) = (ids(&world.events(ADA)), ids(&world.contacts(ADA)));
    let odd_event = Scripted::Property(Some(events[1].clone()), "id", Value::Null);
    let odd_contact = Scripted::Property(Some(contacts[1].clone()), "id", json!(7));
    for (event, contact) in [
        (odd_event, odd_contact),
        (Scripted::Twice, Scripted::Twice),
        (Scripted::Property(None, "@removed", Value::Null), Scripted::Property(None, "@removed", Value::Null)),
        (text("\"subject\":\"2\"", "\"subject\":\"\\ud83d\""), text("\"displayName\":\"2\"", "\"displayName\":1e999")),
    ] {
        world.microsoft.faults().answer("events", None, event.clone(), Times::Forever);
        world.microsoft.faults().answer("contact delta", None, contact, Times::Forever);
        // A whole comparison each day.
        for _ in 0..3 {
            world.pass(Duration::from_secs(12 * 3600)).await;
        }
        world.microsoft.faults().clear();
        world.pass(QUARTER).await;
        let now = (ids(&world.events(ADA)), ids(&world.contacts(ADA)));
        assert_eq!(now, (events.clone(), contacts.clone()), "{event:?}");
    }
}

#[tokio::test]
async fn a_task_whose_links_are_odd_costs_the_others_nothing() {
    let (world, firm, ada) = world("todo").await;
    for name in ["1", "2", "3"] {
        world.say(&firm, "dates", name, hearing(name, &ada)).await;
    }
    let before = ids(&tasks(&world));
    world.microsoft.faults().answer(
        "tasks",
        None,
        Scripted::Property(Some(before[0].clone()), "linkedResources", Value::Null),
        Times::Forever,
    );
    // The answer to the making of one more is lost: it is looked for among the others.
    world.microsoft.faults().lose_answer("task create", Times::N(1));
    world.say(&firm, "dates", "4", hearing("4", &ada)).await;
    for _ in 0..3 {
        world.pass(QUARTER).await;
    }
    assert_eq!(tasks(&world).len(), 4);
    assert!(before.iter().all(|id| ids(&tasks(&world)).contains(id)));
}

#[tokio::test]
async fn a_persons_own_category_is_not_taken_away_because_graph_left_it_out() {
    let (world, firm, ada) = world("calendar").await;
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    let event = world.events(ADA).remove(0);
    let id = event["id"].as_str().unwrap();
    let categories = json!(["Red category", event["categories"][0]]);
    world.microsoft.edit_item(ADA, id, json!({ "categories": categories })).unwrap();
    world.microsoft.faults().answer("event", None, text("\"categories\"", "\"kategorien\""), Times::N(1));
    let mut deadline = hearing("Hearing", &ada);
    deadline["kind"] = json!("deadline");
    world.say(&firm, "dates", "D", deadline).await;
    for _ in 0..3 {
        world.pass(QUARTER).await;
    }
    let event = world.events(ADA).remove(0);
    let names: Vec<&str> = event["categories"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"Red category") && names.len() == 2 && json!(names) != categories, "{names:?}");
}

#[tokio::test]
async fn what_a_gateway_says_of_one_item_is_no_word_of_graphs() {
    let (world, firm, ada) = world("calendar").await;
    for name in ["1", "2"] {
        world.say(&firm, "contacts", name, court(name, &ada)).await;
        world.say(&firm, "dates", name, hearing(name, &ada)).await;
    }
    for kind in ["contact delete", "event delete"] {
        world.microsoft.faults().answer(kind, None, raw(404, "<html>404</html>"), Times::N(2));
    }
    world.unsay(&firm, "contacts", "1").await;
    world.unsay(&firm, "dates", "1").await;
    for _ in 0..4 {
        world.pass(QUARTER).await;
    }
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["2"]);
    assert_eq!(texts(&world.events(ADA), "subject"), ["2"]);
    let before = (ids(&world.contacts(ADA)), ids(&world.events(ADA)));
    // Nor is a change that met one.
    for kind in ["contact patch", "event patch"] {
        world.microsoft.faults().answer(kind, None, raw(404, "<html>404</html>"), Times::N(2));
    }
    world.say(&firm, "contacts", "2", court("Two", &ada)).await;
    world.say(&firm, "dates", "2", hearing("Two", &ada)).await;
    for _ in 0..4 {
        world.pass(QUARTER).await;
    }
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Two"]);
    assert_eq!(texts(&world.events(ADA), "subject"), ["Two"]);
    assert_eq!((ids(&world.contacts(ADA)), ids(&world.events(ADA))), before);
}

#[tokio::test]
async fn what_is_accepted_and_not_done_or_answered_oddly_is_there_once_in_the_end() {
    for (kind, fault) in [
        ("contact create", raw(202, "")),
        ("contact create", raw(200, "{}")),
        ("event create", raw(204, "")),
        ("event create", raw(200, r#"{"error":{"code":"x"}}"#)),
        ("contact folder create", raw(200, "{}")),
        ("contact delta", text("deltaLink\":\"http://", "deltaLink\":\"http://elsewhere.example/")),
        ("batch", text("\"id\":\"0\"", "\"id\":null")),
        ("batch", raw(200, r#"{"responses":[]}"#)),
        ("batch", text("\"headers\"", "\"kopf\"")),
    ] {
        let (world, firm, ada) = world("calendar").await;
        world.microsoft.faults().answer(kind, None, fault.clone(), Times::N(2));
        world.say(&firm, "contacts", "1", court("Court", &ada)).await;
        world.say(&firm, "dates", "1", hearing("Hearing", &ada)).await;
        for _ in 0..4 {
            world.pass(QUARTER).await;
        }
        assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court"], "{kind} {fault:?}");
        assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"], "{kind} {fault:?}");
        let push = world.get(&format!("/v1/firms/{}/members/{ada}/push", firm.id)).await.ok();
        assert_eq!((&push["problem"], &push["copies"]["failed"]), (&Value::Null, &json!(0)), "{kind} {fault:?} {push}");
    }
}
