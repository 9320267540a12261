//! Dates in everyone's Outlook: P1 (calendar), P2 (To Do).

use std::time::Duration;

use microsoft365::Times;
use serde_json::{Value, json};
use tests::{ADA, World, outlook::texts};

fn appeal(members: &[&String]) -> Value {
    json!({
        "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "reminder_minutes": 1440,
        "text": "Court of appeal", "dossier": "2026/7", "members": members,
    })
}

#[tokio::test]
async fn p1_a_deadline_stands_in_the_calendar_of_those_whom_it_is_for_at_the_hour_of_the_firm() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.pushed_member(&firm, "bob@lumen.example", "calendar").await;

    let said = world.say(&firm, "dates", "D-1", appeal(&[&ada])).await;
    assert_eq!(
        (said["copies"][0]["state"].as_str(), said["copies"][0]["current"].as_bool()),
        (Some("waiting"), Some(false))
    );

    let events = world.events(ADA);
    assert_eq!(texts(&events, "subject"), ["Appeal"]);
    let event = &events[0];
    // Five in the afternoon of a summer's day in Paris.
    assert_eq!(event["start"], json!({ "dateTime": "2026-07-01T15:00:00.0000000", "timeZone": "UTC" }));
    assert_eq!(event["end"], event["start"]);
    assert_eq!((&event["showAs"], &event["sensitivity"]), (&json!("free"), &json!("normal")));
    assert_eq!((&event["isReminderOn"], &event["reminderMinutesBeforeStart"]), (&json!(true), &json!(1440)));
    assert_eq!(event["categories"], json!(["greffe: deadline"]));
    assert_eq!(event["body"]["content"], "Court of appeal\nDossier: 2026/7");
    assert!(world.events("bob@lumen.example").is_empty());

    let copy = &world.said(&firm, "dates", "D-1").await["copies"][0];
    assert_eq!((&copy["state"], &copy["place"], &copy["problem"]), (&json!("current"), &json!("event"), &Value::Null));
    assert_eq!(copy["graph_id"], event["id"]);
}

#[tokio::test]
async fn whole_days_winter_hours_and_series_are_as_they_were_said() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let holiday = json!({ "kind": "reminder", "title": "Judicial vacation", "start": "2026-07-16", "end": "2026-09-01", "members": [ada] });
    world.say(&firm, "dates", "1", holiday).await;
    let winter = json!({
        "kind": "appointment", "title": "Hearing", "start": "2026-12-01T09:00:00", "end": "2026-12-01T10:30:00",
        "time_zone": "Europe/London", "place": "Room 3", "members": [ada],
        "recurrence": { "every": "week", "interval": 2, "weekdays": ["tuesday", "thursday"], "count": 6 },
    });
    world.say(&firm, "dates", "2", winter).await;

    let events = world.events(ADA);
    assert_eq!((&events[0]["isAllDay"], &events[0]["showAs"]), (&json!(true), &json!("free")));
    assert_eq!(events[0]["start"]["dateTime"], "2026-07-16T00:00:00.0000000");
    assert_eq!(events[0]["end"]["dateTime"], "2026-09-01T00:00:00.0000000");
    assert_eq!(events[1]["start"]["dateTime"], "2026-12-01T09:00:00.0000000");
    assert_eq!((&events[1]["type"], &events[1]["location"]["displayName"]), (&json!("seriesMaster"), &json!("Room 3")));
    assert_eq!(events[1]["recurrence"]["pattern"]["daysOfWeek"], json!(["tuesday", "thursday"]));
    assert_eq!(events[1]["recurrence"]["range"]["numberOfOccurrences"], 6);
}

#[tokio::test]
async fn what_is_said_again_overwrites_and_what_is_late_or_repeated_changes_nothing() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let version = |version: u64, title: &str| {
        let mut date = appeal(&[&ada]);
        (date["version"], date["title"]) = (version.into(), title.into());
        date
    };
    world.say(&firm, "dates", "D", version(2, "second")).await;
    let id = world.events(ADA)[0]["id"].clone();
    let before = world.microsoft.requests().graph;
    let late = world.say(&firm, "dates", "D", version(1, "first")).await;
    assert_eq!((&late["title"], &late["version"]), (&json!("second"), &json!(2)));
    world.say(&firm, "dates", "D", version(2, "second")).await;
    assert_eq!(world.microsoft.requests().graph, before);
    world.say(&firm, "dates", "D", version(3, "third")).await;
    let events = world.events(ADA);
    assert_eq!((texts(&events, "subject"), &events[0]["id"]), (vec!["third".to_owned()], &id));

    // A late word does not bring back what was deleted.
    let path = format!("/v1/firms/{}/dates/D", firm.id);
    world.delete(&format!("{path}?version=5")).await.ok();
    world.run_until_idle().await;
    assert!(world.events(ADA).is_empty());
    world.put(&path, version(4, "fourth")).await;
    world.run_until_idle().await;
    assert!(world.events(ADA).is_empty());
    assert_eq!(world.get(&path).await.problem(), "not_found");
    world.say(&firm, "dates", "D", version(6, "sixth")).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["sixth"]);
}

#[tokio::test]
async fn p2_by_choice_dates_are_tasks_due_on_their_day_in_a_list_of_the_firms_name() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "todo").await;
    // Half past midnight in Paris is still the day before in UTC.
    let night = json!({
        "kind": "deadline", "title": "Filing", "start": "2026-07-02T00:30:00", "reminder_minutes": 60, "members": [ada],
    });
    world.say(&firm, "dates", "D", night).await;
    let tasks = world.tasks(ADA);
    assert_eq!(texts(&tasks, "title"), ["Filing"]);
    assert_eq!(tasks[0]["dueDateTime"]["dateTime"], "2026-07-02T00:00:00.0000000");
    assert_eq!(
        tasks[0]["reminderDateTime"],
        json!({ "dateTime": "2026-07-01T23:30:00", "timeZone": "Romance Standard Time" })
    );
    assert_eq!(tasks[0]["body"]["content"], "00:30");
    assert!(world.events(ADA).is_empty());

    // Ticked off stays ticked off; a list that is deleted is made again.
    let id = tasks[0]["id"].as_str().unwrap();
    world.microsoft.edit_item(ADA, id, json!({ "status": "completed" })).unwrap();
    world.pass(Duration::from_secs(20 * 60)).await;
    assert_eq!(world.tasks(ADA)[0]["status"], "completed");
    let (list, _) = world.microsoft.containers(ADA).unwrap().remove(0);
    world.microsoft.delete_item(ADA, &list).unwrap();
    world.pass(Duration::from_secs(20 * 60)).await;
    assert_eq!(texts(&world.tasks(ADA), "title"), ["Filing"]);
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_found_again_and_not_made_twice() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.microsoft.faults().lose_answer("event create", Times::N(1));
    world.say(&firm, "dates", "D", appeal(&[&ada])).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(texts(&world.events(ADA), "subject"), ["Appeal"]);
    assert_eq!(world.said(&firm, "dates", "D").await["copies"][0]["state"], "current");
}
