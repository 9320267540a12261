//! What goes wrong with one entry, one container or one service of an Outlook delays that one and no other (R14, P5),
//! and what a person does there is kept where it is their own.

use std::time::Duration;

use jiff::{civil::DateTime, tz::TimeZone};
use microsoft365::{RetryAfter, Scripted, Times};
use serde_json::{Value, json};
use tests::{
    ADA, World,
    outlook::{Firm, texts},
};

const QUARTER: Duration = Duration::from_secs(16 * 60);

async fn world() -> (World, Firm, String) {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    (world, firm, ada)
}

fn hearing(title: &str, member: &str) -> Value {
    let (start, end) = ("2026-07-01T09:00:00", "2026-07-01T10:00:00");
    json!({
        "kind": "appointment", "title": title, "start": start, "end": end, "time_zone": "Europe/Brussels",
        "reminder_minutes": 15, "members": [member],
    })
}

async fn push_state(world: &World, firm: &Firm, member: &str) -> Value {
    world.get(&format!("/v1/firms/{}/members/{member}/push", firm.id)).await.ok()
}

#[tokio::test]
async fn a_contact_folder_of_the_firms_name_that_is_not_ours_is_left_alone_and_the_next_name_is_taken_and_shown() {
    let (world, firm, ada) = world().await;
    world.microsoft.add_contact_folder(ADA, "Lumen Avocats").unwrap();
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
    let folders: Vec<(String, usize)> =
        world.microsoft.contact_items(ADA).unwrap().into_iter().map(|(name, items)| (name, items.len())).collect();
    assert!(folders.contains(&("Lumen Avocats (2)".to_owned(), 1)), "{folders:?}");
    assert!(folders.contains(&("Lumen Avocats".to_owned(), 0)), "{folders:?}");
    let state = push_state(&world, &firm, &ada).await;
    assert_eq!((&state["contacts"]["container"], &state["problem"]), (&json!("Lumen Avocats (2)"), &Value::Null));
}

#[tokio::test]
async fn two_firms_of_one_name_have_a_task_list_each() {
    let world = World::new().await;
    let (one, other) = (world.pushing_firm().await, world.firm("Lumen Avocats").await);
    let ada = world.pushed_member(&one, ADA, "todo").await;
    world.say(&one, "dates", "D", hearing("First", &ada)).await;
    // The other firm reaches Ada through her own sign-in.
    let body = json!({ "name": ADA, "access": "delegated", "app": null, "dates": true, "contacts": true });
    let connector = world.post(&format!("/v1/firms/{other}/connectors"), body).await.ok();
    let other = Firm { id: other, connector: connector["id"].as_str().unwrap().to_owned() };
    world.sign_in(&other.id, &other.connector, ADA).await.ok();
    let ada = world.pushed_member(&other, ADA, "todo").await;
    world.say(&other, "dates", "D", hearing("Second", &ada)).await;
    let lists: Vec<Vec<String>> = world
        .microsoft
        .task_items(ADA)
        .unwrap()
        .into_iter()
        .filter(|(name, _)| name.starts_with("Lumen"))
        .map(|(_, tasks)| texts(&tasks, "title"))
        .collect();
    assert_eq!(lists, [["First"], ["Second"]]);
}

#[tokio::test]
async fn contacts_that_fail_hold_up_no_date_are_shown_after_some_minutes_and_come_by_themselves() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().fail("contact folder create", 503, Times::Forever);
    world.microsoft.faults().fail("contact folders", 500, Times::Forever);
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null, "it may pass");
    for _ in 0..7 {
        world.pass(Duration::from_secs(60)).await;
    }
    let state = push_state(&world, &firm, &ada).await;
    assert!(state["contacts"]["problem"]["code"].is_string(), "{state}");
    assert_eq!(state["dates"]["problem"], Value::Null);
    world.microsoft.faults().clear();
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court"]);
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null);
}

#[tokio::test]
async fn a_date_that_microsoft_forbids_keeps_no_other_from_the_calendar() {
    let (world, firm, ada) = world().await;
    let denied = Scripted::Raw(403, vec![], br#"{"error":{"code":"ErrorAccessDenied","message":"Denied."}}"#.to_vec());
    world.microsoft.faults().answer("event create", None, denied, Times::N(1));
    world.say(&firm, "dates", "D", hearing("Forbidden", &ada)).await;
    let copy = world.said(&firm, "dates", "D").await["copies"][0].clone();
    assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!("failed"), &json!("item_refused")), "{copy}");
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null);
    world.say(&firm, "dates", "E", hearing("Hearing", &ada)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
}

#[tokio::test]
async fn a_date_that_microsoft_does_not_serve_once_waits_and_has_not_failed() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().fail("event create", 503, Times::N(1));
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    let copy = world.said(&firm, "dates", "D").await["copies"][0].clone();
    assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!("waiting"), &json!("microsoft_busy")), "{copy}");
    assert!(copy["next_try"].is_string(), "{copy}");
    let counts = push_state(&world, &firm, &ada).await["copies"].clone();
    assert_eq!((&counts["waiting"], &counts["failed"]), (&json!(1), &json!(0)));
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"]);
}

/// Dates and contacts of these names, each sort in one batch; what follows happens.
async fn say_all(world: &World, firm: &Firm, member: &str, names: &[&str]) {
    for noun in ["dates", "contacts"] {
        let rows: Vec<Value> = names
            .iter()
            .map(|name| match noun {
                "dates" => hearing(name, member),
                _ => json!({ "name": name, "members": [member] }),
            })
            .zip(names)
            .map(|(mut row, name)| {
                row["external_id"] = json!(name);
                row
            })
            .collect();
        world.post(&format!("/v1/firms/{}/{noun}/bulk", firm.id), json!({ "rows": rows })).await.ok();
    }
    world.run_until_idle().await;
}

/// What lies in Ada's Outlook: dates and contacts.
fn there(world: &World, target: &str) -> [Vec<String>; 2] {
    let dates = match target {
        "todo" => texts(&world.tasks(ADA), "title"),
        _ => texts(&world.events(ADA), "subject"),
    };
    [dates, texts(&world.contacts(ADA), "displayName")]
}

#[tokio::test]
async fn an_entry_that_graph_never_answers_for_keeps_no_other_of_its_batch_from_the_outlook() {
    for (target, kind) in [("calendar", "event create"), ("todo", "task create"), ("calendar", "contact create")] {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, target).await;
        world.microsoft.faults().answer(kind, Some("Nobody"), Scripted::Silent, Times::Forever);
        say_all(&world, &firm, &ada, &["Court", "Nobody", "Notary"]).await;
        let (some, all) = (vec!["Court", "Notary"], vec!["Court", "Nobody", "Notary"]);
        let expected = if kind == "contact create" { [&all, &some] } else { [&some, &all] };
        assert_eq!(there(&world, target), expected.map(|names| names.clone()), "{kind}");
        let state = push_state(&world, &firm, &ada).await;
        assert_eq!((&state["problem"], &state["copies"]["waiting"]), (&Value::Null, &json!(1)), "{kind}: {state}");
        // What comes meanwhile does not wait for it either.
        say_all(&world, &firm, &ada, &["Bailiff"]).await;
        assert!(there(&world, target).iter().all(|names| names.contains(&"Bailiff".to_owned())), "{kind}");
        world.microsoft.faults().clear();
        for _ in 0..3 {
            world.pass(QUARTER).await;
        }
        let all = ["Bailiff", "Court", "Nobody", "Notary"];
        assert_eq!(there(&world, target), [all, all], "{kind}");
    }
}

#[tokio::test]
async fn an_entry_that_graph_asks_to_wait_for_keeps_no_other_from_the_outlook_and_is_told_when_it_lasts() {
    for (target, kind) in [("calendar", "event create"), ("todo", "task create")] {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, target).await;
        let throttled = Scripted::Status(429, Some(3_600));
        world.microsoft.faults().answer(kind, Some("Slow"), throttled, Times::Forever);
        say_all(&world, &firm, &ada, &["Court", "Notary", "Slow"]).await;
        assert_eq!(there(&world, target), [vec!["Court", "Notary"], vec!["Court", "Notary", "Slow"]], "{target}");
        let copy = world.said(&firm, "dates", "Slow").await["copies"][0].clone();
        assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!("waiting"), &json!("microsoft_busy")), "{copy}");
        assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null);
        // Alone it is its own matter, too.
        say_all(&world, &firm, &ada, &["Slow too"]).await;
        say_all(&world, &firm, &ada, &["Bailiff"]).await;
        assert!(there(&world, target).iter().all(|names| names.contains(&"Bailiff".to_owned())), "{target}");
        for _ in 0..60 {
            world.pass(Duration::from_secs(60)).await;
        }
        let failed = json!(["push_failed", ada, "date", "Slow", "microsoft_busy"]);
        assert!(told(&world, &firm).await.contains(&failed), "{:?}", told(&world, &firm).await);
        world.microsoft.faults().clear();
        world.pass(QUARTER).await;
        assert_eq!(there(&world, target), [["Bailiff", "Court", "Notary", "Slow", "Slow too"]; 2], "{target}");
        assert_eq!(push_state(&world, &firm, &ada).await["copies"]["waiting"], 0);
    }
}

/// The names of the firm's folders and lists in Ada's Outlook.
fn containers(world: &World) -> Vec<String> {
    let (folders, lists) = (world.microsoft.contact_items(ADA).unwrap(), world.microsoft.task_items(ADA).unwrap());
    folders.into_iter().chain(lists).map(|(name, _)| name).filter(|name| name.starts_with("Lumen")).collect()
}

#[tokio::test]
async fn what_graph_makes_and_refuses_all_the_same_is_there_once() {
    let refusals = [403, 429, 500, 503, 504].map(|status| Scripted::Status(status, Some(7)));
    let answers: Vec<Scripted> = refusals.into_iter().chain([Scripted::Garbage, Scripted::Half]).collect();
    let done = |answer: &Scripted| Scripted::Done(Box::new(answer.clone()));
    for (target, kinds) in [("calendar", &["event create", "contact create"][..]), ("todo", &["task create", "batch"])]
    {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, target).await;
        let mut names = Vec::new();
        for kind in kinds {
            for (i, answer) in answers.iter().enumerate() {
                let more = ["one", "two"].map(|name| format!("{kind} {i} {name}"));
                world.microsoft.faults().answer(kind, None, done(answer), Times::N(2));
                say_all(&world, &firm, &ada, &[&more[0], &more[1]]).await;
                for _ in 0..3 {
                    world.pass(QUARTER).await;
                }
                world.microsoft.faults().clear();
                world.pass(QUARTER).await;
                names.extend(more);
                names.sort();
                assert_eq!(there(&world, target), [names.clone(), names.clone()], "{kind} {answer:?}");
            }
        }
        for _ in 0..3 {
            world.pass(Duration::from_secs(12 * 3600)).await;
        }
        assert_eq!(there(&world, target), [names.clone(), names], "{target}");
        let push = push_state(&world, &firm, &ada).await;
        assert_eq!((&push["problem"], &push["copies"]["failed"]), (&Value::Null, &json!(0)), "{push}");
        // Nor was there ever one that had to go again.
        let asked = world.microsoft.requests().by_kind;
        let deleted = ["event delete", "contact delete", "task delete"].map(|kind| asked.get(kind).copied());
        assert_eq!(deleted, [None; 3], "{target}");
    }
    for answer in &answers {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, "todo").await;
        for kind in ["contact folder create", "task list create"] {
            world.microsoft.faults().answer(kind, None, done(answer), Times::N(2));
        }
        say_all(&world, &firm, &ada, &["Court"]).await;
        for _ in 0..4 {
            world.pass(QUARTER).await;
        }
        assert_eq!(there(&world, "todo"), [["Court"], ["Court"]], "{answer:?}");
        assert_eq!(containers(&world), ["Lumen Avocats", "Lumen Avocats"], "{answer:?}");
    }
}

#[tokio::test]
async fn a_mailbox_that_graph_asks_to_wait_for_says_so_when_it_lasts() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().throttle(ADA, RetryAfter::Whole(3_600), Times::Forever);
    say_all(&world, &firm, &ada, &["Court", "Notary"]).await;
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null, "it may pass");
    for _ in 0..20 {
        world.pass(Duration::from_secs(60)).await;
    }
    let state = push_state(&world, &firm, &ada).await;
    assert_eq!(state["problem"]["code"], "microsoft_busy", "{state}");
    world.microsoft.faults().clear();
    world.pass(QUARTER).await;
    assert_eq!(there(&world, "calendar"), [["Court", "Notary"]; 2]);
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null);
}

#[tokio::test]
async fn a_batch_that_is_refused_because_of_one_entry_keeps_no_other_from_the_outlook() {
    let raw = |status, code: &str| {
        let body = json!({ "error": { "code": code, "message": "x" } });
        Scripted::Raw(status, vec![], body.to_string().into_bytes())
    };
    for (fault, state, code) in [
        (raw(403, "ErrorAccessDenied"), "failed", "item_refused"),
        (raw(400, "BadRequest"), "failed", "item_refused"),
        (raw(429, "TooManyRequests"), "waiting", "microsoft_busy"),
        (raw(500, "InternalServerError"), "waiting", "microsoft_busy"),
        (Scripted::Garbage, "waiting", "microsoft_busy"),
    ] {
        let (world, firm, ada) = world().await;
        world.microsoft.faults().answer("batch", Some("Nobody"), fault.clone(), Times::Forever);
        say_all(&world, &firm, &ada, &["Court", "Nobody", "Notary"]).await;
        assert_eq!(there(&world, "calendar"), [["Court", "Notary"]; 2], "{fault:?}");
        for noun in ["dates", "contacts"] {
            let copy = world.said(&firm, noun, "Nobody").await["copies"][0].clone();
            assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!(state), &json!(code)), "{fault:?}");
        }
        assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null, "{fault:?}");
        say_all(&world, &firm, &ada, &["Bailiff"]).await;
        world.microsoft.faults().clear();
        for _ in 0..3 {
            world.pass(QUARTER).await;
        }
        assert_eq!(there(&world, "calendar"), [["Bailiff", "Court", "Nobody", "Notary"]; 2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_told_when_it_lasts_and_its_end_too_though_nothing_is_to_be_written() {
    let kinds = [
        ("calendar", "events", "date"),
        ("todo", "task lists", "date"),
        ("todo", "task delta", "date"),
        ("todo", "contact folders", "contact"),
        ("todo", "contact delta", "contact"),
    ];
    for fault in [Scripted::Status(403, None), Scripted::Status(503, None), Scripted::Garbage, Scripted::Half] {
        for (target, kind, noun) in kinds {
            let world = World::new().await;
            let firm = world.pushing_firm().await;
            let ada = world.pushed_member(&firm, ADA, target).await;
            say_all(&world, &firm, &ada, &["Court"]).await;
            world.microsoft.faults().answer(kind, None, fault.clone(), Times::Forever);
            world.pass(QUARTER).await;
            for _ in 0..10 {
                world.pass(Duration::from_secs(60)).await;
            }
            // The other noun goes on.
            say_all(&world, &firm, &ada, &["Notary"]).await;
            let [dates, contacts] = there(&world, target);
            let others = if noun == "date" { contacts } else { dates };
            assert_eq!(others, ["Court", "Notary"], "{kind} {fault:?}");
            let types =
                async || told(&world, &firm).await.iter().map(|fact| json!([fact[0], fact[2]])).collect::<Vec<_>>();
            let failed = json!(["push_failed", noun]);
            assert_eq!(types().await, std::slice::from_ref(&failed), "{kind} {fault:?}");
            world.microsoft.faults().clear();
            for _ in 0..5 {
                world.pass(QUARTER).await;
            }
            assert_eq!(types().await, [failed, json!(["push_recovered", noun])], "{kind} {fault:?}");
            assert_eq!(there(&world, target), [["Court", "Notary"]; 2], "{kind} {fault:?}");
            assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null, "{kind} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_container_that_is_said_once_not_to_be_there_is_made_no_second_time() {
    let gone = Scripted::Status(404, None);
    for kind in ["task create", "contact create", "tasks"] {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, "todo").await;
        say_all(&world, &firm, &ada, &["Court"]).await;
        world.microsoft.faults().answer(kind, None, gone.clone(), Times::N(1));
        if kind == "tasks" {
            world.microsoft.faults().lose_answer("task create", Times::N(1));
        }
        say_all(&world, &firm, &ada, &["Notary"]).await;
        for _ in 0..3 {
            world.pass(QUARTER).await;
        }
        assert_eq!(there(&world, "todo"), [["Court", "Notary"]; 2], "{kind}");
        assert_eq!(containers(&world), ["Lumen Avocats", "Lumen Avocats"], "{kind}");
        assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null, "{kind}");
    }
}

#[tokio::test]
async fn dates_go_out_while_the_list_of_categories_fails() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().fail("categories", 503, Times::Forever);
    for title in ["Appeal", "Hearing", "Trial"] {
        world.say(&firm, "dates", title, hearing(title, &ada)).await;
        assert!(texts(&world.events(ADA), "subject").contains(&title.to_owned()), "{title}");
        world.pass(Duration::from_secs(60)).await;
    }
    world.pass(QUARTER).await;
    assert_eq!(push_state(&world, &firm, &ada).await["problem"], Value::Null);
}

#[tokio::test]
async fn a_failure_of_what_is_wanted_no_more_or_elsewhere_is_over_and_its_end_is_told() {
    for elsewhere in [false, true] {
        let (world, firm, ada) = world().await;
        world.microsoft.faults().fail("contact create", 400, Times::Forever);
        world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
        // It is tried until nothing more is to be hoped for.
        for _ in 0..10 {
            world.pass(Duration::from_secs(86_400)).await;
        }
        let failed = json!(["push_failed", ada, "contact", "C", "item_refused"]);
        assert_eq!(told(&world, &firm).await, std::slice::from_ref(&failed));
        let change = match elsewhere {
            true => {
                world.microsoft.faults().clear();
                world.tenant.add_user("ada.new@lumen.example", "Ada").unwrap();
                json!({ "address": "ada.new@lumen.example" })
            }
            false => json!({ "push": { "dates": true, "contacts": false, "target": "calendar" } }),
        };
        world.patch(&format!("/v1/firms/{}/members/{ada}", firm.id), change).await.ok();
        world.run_until_idle().await;
        world.pass(QUARTER).await;
        let recovered = json!(["push_recovered", ada, "contact", "C", null]);
        assert_eq!(told(&world, &firm).await, [failed, recovered], "{elsewhere}");
    }
}

#[tokio::test]
async fn a_date_that_microsoft_is_not_well_for_waits_is_told_as_an_outage_and_comes_by_itself() {
    for fault in [Scripted::Status(500, None), Scripted::Garbage] {
        let (world, firm, ada) = world().await;
        world.microsoft.faults().answer("event create", Some("Hearing"), fault.clone(), Times::Forever);
        world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
        let copy = async || world.said(&firm, "dates", "D").await["copies"][0].clone();
        let shown = copy().await;
        assert_eq!(
            (&shown["state"], &shown["problem"]["code"]),
            (&json!("waiting"), &json!("microsoft_busy")),
            "{fault:?} {shown}"
        );
        for _ in 0..40 {
            world.pass(Duration::from_secs(60)).await;
        }
        assert_eq!(told(&world, &firm).await, [json!(["push_failed", ada, "date", "D", "microsoft_busy"])]);
        assert_eq!(copy().await["state"], "failed", "{fault:?}");
        world.microsoft.faults().clear();
        world.pass(QUARTER).await;
        assert_eq!(texts(&world.events(ADA), "subject"), ["Hearing"], "{fault:?}");
    }
}

#[tokio::test]
async fn an_entry_whose_answer_is_cut_off_keeps_no_other_from_the_outlook_and_is_there_once() {
    for target in ["calendar", "todo"] {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, target).await;
        world.microsoft.faults().answer("batch", Some("Nobody"), Scripted::Cut, Times::Forever);
        let all = ["Court", "Nobody", "Notary"];
        say_all(&world, &firm, &ada, &all).await;
        assert_eq!(there(&world, target), [all, all], "{target}: it was carried out");
        let state = push_state(&world, &firm, &ada).await;
        assert_eq!((&state["problem"], &state["copies"]["waiting"]), (&Value::Null, &json!(2)), "{target}: {state}");
        world.microsoft.faults().clear();
        for _ in 0..3 {
            world.pass(QUARTER).await;
        }
        assert_eq!(there(&world, target), [all, all], "{target}");
        assert_eq!(push_state(&world, &firm, &ada).await["copies"]["waiting"], 0);
    }
}

#[tokio::test]
async fn what_graph_carries_out_after_it_was_made_anew_does_not_stay_there_twice() {
    for target in ["todo", "calendar"] {
        let world = World::new().await;
        let firm = world.pushing_firm().await;
        let ada = world.pushed_member(&firm, ADA, target).await;
        // Nothing of the first batch is carried out in time.
        world.microsoft.faults().answer("batch", Some("Court"), Scripted::Silent, Times::N(2));
        say_all(&world, &firm, &ada, &["Court", "Notary"]).await;
        assert_eq!(there(&world, target), [["Court", "Notary"]; 2], "{target}");
        let dates = if target == "todo" { world.tasks(ADA) } else { Vec::new() };
        for item in dates.iter().chain(&world.contacts(ADA)) {
            world.microsoft.repeat_item(ADA, item["id"].as_str().unwrap()).unwrap();
        }
        world.pass(Duration::from_secs(3 * 60)).await;
        assert_eq!(there(&world, target), [["Court", "Notary"]; 2], "{target}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_keeps_the_other_waiting_for_some_seconds_only() {
    let (world, firm, ada) = world().await;
    for kind in ["contact create", "contacts", "contact folders", "contact folder create"] {
        world.microsoft.faults().answer(kind, None, Scripted::Silent, Times::Forever);
    }
    let asked = tokio::time::Instant::now();
    say_all(&world, &firm, &ada, &["Court", "Notary"]).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Court", "Notary"]);
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    let state = push_state(&world, &firm, &ada).await;
    assert_eq!((&state["problem"], &state["copies"]["waiting"]), (&Value::Null, &json!(2)), "{state}");
    world.microsoft.faults().clear();
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court", "Notary"]);
}

/// What the feed tells of pushes.
async fn told(world: &World, firm: &Firm) -> Vec<Value> {
    let page = world.get(&format!("/v1/firms/{}/events?type=push_failed,push_recovered", firm.id)).await.ok();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|event| json!([event["type"], event["member"], event["kind"], event["external_id"], event["code"]]))
        .collect()
}

#[tokio::test]
async fn the_feed_tells_that_a_deadline_does_not_reach_a_calendar_and_that_it_did_in_the_end() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().fail("event create", 400, Times::Forever);
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    world.say(&firm, "contacts", "C", json!({ "name": "Court", "members": [ada] })).await;
    assert_eq!(told(&world, &firm).await, [] as [Value; 0], "it is tried again");
    for _ in 0..40 {
        world.pass(Duration::from_secs(60)).await;
    }
    let failed = json!(["push_failed", ada, "date", "D", "item_refused"]);
    assert_eq!(told(&world, &firm).await, std::slice::from_ref(&failed), "it is told once");
    let copy = world.said(&firm, "dates", "D").await["copies"][0].clone();
    assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!("failed"), &json!("item_refused")));
    world.microsoft.faults().clear();
    // Said again, it comes at once.
    world.say(&firm, "dates", "D", hearing("Trial", &ada)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Trial"]);
    let recovered = json!(["push_recovered", ada, "date", "D", null]);
    assert_eq!(told(&world, &firm).await, [failed, recovered]);
}

#[tokio::test]
async fn the_feed_tells_once_that_all_contacts_of_a_member_wait_and_that_they_came() {
    let (world, firm, ada) = world().await;
    world.microsoft.faults().fail("contact folder create", 503, Times::Forever);
    world.microsoft.faults().fail("contact folders", 500, Times::Forever);
    for id in ["C1", "C2"] {
        world.say(&firm, "contacts", id, json!({ "name": id, "members": [ada] })).await;
    }
    assert_eq!(told(&world, &firm).await, [] as [Value; 0], "it may pass");
    for _ in 0..40 {
        world.pass(Duration::from_secs(60)).await;
    }
    let all = told(&world, &firm).await;
    let [failed] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(failed.as_array().unwrap()[..4], [json!("push_failed"), json!(ada), json!("contact"), Value::Null]);
    world.microsoft.faults().clear();
    world.pass(QUARTER).await;
    assert_eq!(told(&world, &firm).await[1], json!(["push_recovered", ada, "contact", null, null]));
}

#[tokio::test]
async fn a_change_of_the_title_leaves_a_dismissed_reminder_and_a_persons_category_alone() {
    let (world, firm, ada) = world().await;
    world.say(&firm, "dates", "D", hearing("Hearing", &ada)).await;
    let event = world.events(ADA).remove(0);
    let id = event["id"].as_str().unwrap();
    let categories = json!(["Red category", event["categories"][0]]);
    world.microsoft.edit_item(ADA, id, json!({ "isReminderOn": false, "categories": categories })).unwrap();
    world.pass(QUARTER).await;
    world.say(&firm, "dates", "D", hearing("Trial", &ada)).await;
    let event = world.events(ADA).remove(0);
    assert_eq!((&event["subject"], &event["isReminderOn"]), (&json!("Trial"), &json!(false)));
    assert_eq!(event["categories"], categories);

    // Another kind has another category, and only ours changes.
    let mut deadline = hearing("Trial", &ada);
    deadline["kind"] = json!("deadline");
    world.say(&firm, "dates", "D", deadline).await;
    let event = world.events(ADA).remove(0);
    let mut names: Vec<&str> = event["categories"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    assert_eq!((names.len(), names[0]), (2, "Red category"), "{names:?}");
    assert!(names[1].starts_with("greffe") && json!(names[1]) != categories[1]);

    // A new time is to be thought of anew.
    let mut moved = hearing("Trial", &ada);
    moved["start"] = json!("2026-07-01T08:00:00");
    world.say(&firm, "dates", "D", moved).await;
    assert_eq!(world.events(ADA)[0]["isReminderOn"], true);
}

#[tokio::test]
async fn what_was_made_and_deleted_between_two_looks_is_there_again_within_a_quarter_of_an_hour() {
    let (world, firm, ada) = world().await;
    world.say(&firm, "contacts", "1", json!({ "name": "Court", "members": [ada] })).await;
    world.pass(QUARTER).await;
    world.clock.advance(Duration::from_secs(3 * 60));
    world.say(&firm, "contacts", "2", json!({ "name": "Notary", "members": [ada] })).await;
    let notary = world.contacts(ADA).into_iter().find(|contact| contact["displayName"] == "Notary").unwrap();
    world.microsoft.delete_item(ADA, notary["id"].as_str().unwrap()).unwrap();
    world.pass(QUARTER).await;
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["Court", "Notary"]);
}

#[tokio::test]
async fn a_time_reaches_outlook_as_the_right_moment_in_any_zone_and_in_the_hour_that_exists_twice() {
    let (world, firm, ada) = world().await;
    let moments = [
        ("1", "Asia/Kolkata", "2026-07-01T09:00:00", "2026-07-01T03:30:00"),
        ("2", "europe/brussels", "2026-07-01T09:00:00", "2026-07-01T07:00:00"),
        ("3", "America/Argentina/Buenos_Aires", "2026-07-01T09:00:00", "2026-07-01T12:00:00"),
        ("4", "Europe/Brussels", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00"),
        ("5", "Europe/Brussels", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00"),
        ("6", "Antarctica/Troll", "2026-07-01T09:00:00", "2026-07-01T07:00:00"),
    ];
    for (id, zone, start, _) in moments {
        let date = json!({ "kind": "deadline", "title": id, "start": start, "time_zone": zone, "members": [ada] });
        world.say(&firm, "dates", id, date).await;
    }
    let events = world.events(ADA);
    for (id, _, _, utc) in moments {
        let event = events.iter().find(|event| event["subject"] == id).unwrap();
        assert_eq!(event["start"]["dateTime"].as_str().unwrap()[..19], *utc, "{id}");
    }
    // A calendar that shows Brussels shows both, an hour apart; and a comparison changes nothing about either.
    let seen = |event: &Value| {
        let utc: DateTime = event["start"]["dateTime"].as_str().unwrap().parse().unwrap();
        let moment = utc.to_zoned(TimeZone::UTC).unwrap().timestamp();
        moment.to_zoned(TimeZone::get("Europe/Brussels").unwrap()).strftime("%H:%M%:z").to_string()
    };
    let view = |id: &str| seen(world.events(ADA).iter().find(|event| event["subject"] == id).unwrap());
    let changes = || world.microsoft.requests().by_kind.get("event patch").copied();
    let before = changes();
    for _ in 0..3 {
        world.pass(Duration::from_secs(12 * 3600)).await;
    }
    assert_eq!((view("4").as_str(), view("5").as_str()), ("02:30+02:00", "02:30+01:00"));
    assert_eq!(changes(), before);

    let put = async |body: Value| world.put(&format!("/v1/firms/{}/dates/x", firm.id), body).await;
    let skipped =
        json!({ "kind": "deadline", "title": "x", "start": "2026-03-29T02:30:00", "time_zone": "Europe/Brussels" });
    assert_eq!(put(skipped).await.problem(), "invalid_request");
    let monthly = json!({
        "kind": "appointment", "title": "x", "start": "2026-01-31T09:00:00", "end": "2026-01-31T10:00:00",
        "recurrence": { "every": "month" },
    });
    let hints = put(monthly).await.ok()["hints"].clone();
    assert!(hints[0].as_str().unwrap().contains("last day"), "{hints}");
}

#[tokio::test]
async fn an_address_that_exchange_would_drop_is_refused_with_its_field() {
    let (world, firm, _) = world().await;
    for email in ["a@x.example,", "<a@x.example>", "a@x.example;b@y.example", "mailto:a@x.example", "a@x", "@x.example"]
    {
        let contact = json!({ "name": "A", "emails": ["ok@x.example", email] });
        let answer = world.put(&format!("/v1/firms/{}/contacts/c", firm.id), contact).await;
        assert!(answer.body["detail"].as_str().unwrap_or_default().contains("emails[1]"), "{email}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_a_member_leaves_behind_is_removed_although_graph_refuses_for_a_while() {
    for kind in ["contact delete", "batch"] {
        let (world, firm, ada) = world().await;
        for name in ["C", "D"] {
            world.say(&firm, "contacts", name, json!({ "name": name, "members": [ada] })).await;
        }
        world.microsoft.faults().fail(kind, 503, Times::N(4));
        world.delete(&format!("/v1/firms/{}/members/{ada}", firm.id)).await;
        world.run_until_idle().await;
        for _ in 0..4 {
            world.pass(QUARTER).await;
        }
        assert_eq!(texts(&world.contacts(ADA), "displayName"), [""; 0], "{kind}");
    }
}

#[tokio::test]
async fn what_a_person_changed_just_before_the_application_changed_something_else_is_set_back() {
    let (world, firm, ada) = world().await;
    let contact = |phone: &str| {
        let phones = [json!({ "kind": "mobile", "number": phone })];
        json!({ "name": "Court", "job_title": "Judge", "phones": phones, "members": [ada] })
    };
    world.say(&firm, "contacts", "C", contact("+32 2 1")).await;
    let id = world.contacts(ADA)[0]["id"].as_str().unwrap().to_owned();
    world.microsoft.edit_item(ADA, &id, json!({ "jobTitle": "mine" })).unwrap();
    world.say(&firm, "contacts", "C", contact("+32 2 2")).await;
    let shown = &world.contacts(ADA)[0];
    assert_eq!((&shown["jobTitle"], &shown["mobilePhone"]), (&json!("Judge"), &json!("+32 2 2")));
}

#[tokio::test]
async fn an_address_that_exchange_did_not_keep_is_seen_by_the_comparison_and_told_at_its_contact() {
    let (world, firm, ada) = world().await;
    let court = |email: &str| json!({ "name": "Court", "emails": ["ok@court.example", email], "members": [ada] });
    world.say(&firm, "contacts", "c", court("odd@court.example")).await;
    let path = format!("/v1/firms/{}/contacts/c", firm.id);
    assert_eq!(world.get(&path).await.ok()["copies"][0]["problem"], Value::Null);
    // Exchange took it, and shows it no more.
    for kind in ["contact delta", "contacts", "contact patch"] {
        let dropped = Scripted::Text("\"odd@court.example\"".to_owned(), "\"\"".to_owned());
        world.microsoft.faults().answer(kind, None, dropped, Times::Forever);
    }
    for _ in 0..3 {
        world.pass(Duration::from_secs(12 * 3600)).await;
    }
    let copy = world.get(&path).await.ok()["copies"][0].clone();
    assert_eq!((&copy["state"], &copy["problem"]["code"]), (&json!("failed"), &json!("value_not_kept")), "{copy}");
    let asked = || world.microsoft.requests().by_kind["contact patch"];
    let before = asked();
    for _ in 0..4 {
        world.pass(Duration::from_secs(12 * 3600)).await;
    }
    assert_eq!(asked(), before, "it is not said again and again");

    world.say(&firm, "contacts", "c", court("right@court.example")).await;
    assert_eq!(world.get(&path).await.ok()["copies"][0]["problem"], Value::Null);
}
