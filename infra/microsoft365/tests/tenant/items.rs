//! Calendar events, To Do tasks, contacts and app registrations.

use microsoft365::{App, Secret, Times};
use serde_json::{Value, json};

use crate::contract::judge;
use crate::office::*;

const EXTENDED: &str = "String {66f5a359-4659-4638-81a3-d1d2b2f5c5b4} Name GreffeId";
const ALL: &str = "User.Read Calendars.ReadWrite Tasks.ReadWrite Contacts.ReadWrite MailboxSettings.ReadWrite";

fn event(transaction: &str) -> Value {
    json!({
        "subject": "Deadline",
        "start": { "dateTime": "2026-10-05T00:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2026-10-06T00:00:00", "timeZone": "UTC" },
        "isAllDay": true, "isReminderOn": false, "showAs": "free", "transactionId": transaction,
        "singleValueExtendedProperties": [{ "id": EXTENDED, "value": "42" }],
    })
}

fn marked(collection: &str, value: &str) -> String {
    let filter = format!("singleValueExtendedProperties/Any(ep: ep/id eq '{EXTENDED}' and ep/value eq '{value}')");
    format!("/me/{collection}?{}", encoded(&[("$filter", &filter), ("$select", "id")]))
}

#[tokio::test]
async fn items_are_made_found_and_deleted_as_microsoft_describes_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("traffic.jsonl");
    let office = Office::open_with(|options| options.traffic = Some(log.clone())).await;
    let graph = office.user_with(ADA, ALL).await;

    let (status, made) = graph.json("POST", "/me/events", event("t1")).await;
    assert_eq!((status, made.get("singleValueExtendedProperties")), (201, None), "{made}");
    assert_eq!(graph.ok(&marked("events", "42")).await["value"][0]["id"], made["id"]);
    assert_eq!(graph.ok(&marked("events", "43")).await["value"], json!([]));
    assert_eq!(office.world.events(ADA).unwrap(), ["Deadline"]);
    let path = format!("/me/events/{}", made["id"].as_str().unwrap());
    assert_eq!(graph.send("DELETE", &path).await.status(), 204);
    assert_eq!(graph.send("DELETE", &path).await.status(), 404);

    let contact = json!({ "givenName": "N", "singleValueExtendedProperties": [{ "id": EXTENDED, "value": "7" }] });
    let (status, made) = graph.json("POST", "/me/contacts", contact).await;
    assert_eq!((status, &made["displayName"]), (201, &json!("N")));
    assert_eq!(graph.ok(&marked("contacts", "7")).await["value"][0]["id"], made["id"]);
    assert_eq!(graph.send("DELETE", &format!("/me/contacts/{}", made["id"].as_str().unwrap())).await.status(), 204);

    let lists = graph.ok("/me/todo/lists").await;
    let list =
        lists["value"].as_array().unwrap().iter().find(|list| list["wellknownListName"] == "defaultList").unwrap();
    let tasks = format!("/me/todo/lists/{}/tasks", list["id"].as_str().unwrap());
    let due = json!({ "dateTime": "2026-10-05T17:30:00", "timeZone": "UTC" });
    let (status, made) = graph.json("POST", &tasks, json!({ "title": "t", "dueDateTime": due })).await;
    assert_eq!((status, &made["dueDateTime"]["dateTime"]), (201, &json!("2026-10-05T00:00:00.0000000")));
    assert_eq!(graph.ok(&format!("{tasks}?$top=1")).await["value"][0]["title"], "t");
    assert_eq!(graph.send("DELETE", &format!("{tasks}/{}", made["id"].as_str().unwrap())).await.status(), 204);
    assert!(office.world.tasks(ADA).unwrap().is_empty() && office.world.contacts(ADA).unwrap().is_empty());

    let (_, category) = graph.json("POST", "/me/outlook/masterCategories", json!({ "displayName": "A" })).await;
    let path = format!("/me/outlook/masterCategories/{}", category["id"].as_str().unwrap());
    assert_eq!(graph.send("DELETE", &path).await.status(), 204);
    judge(&log);
}

#[tokio::test]
async fn a_transaction_id_is_used_once_even_if_its_answer_was_lost_or_its_event_deleted() {
    let office = Office::open().await;
    let graph = office.user_with(ADA, ALL).await;
    office.world.faults().lose_answer("event create", Times::N(1));
    assert_eq!(graph.json("POST", "/me/events", event("t1")).await.0, 504);
    let (status, refused) = graph.json("POST", "/me/events", event("t1")).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("ErrorDuplicateTransactionId")));
    let existing = refused["error"]["@event.existingEventId"].as_str().unwrap();
    assert_eq!(office.world.events(ADA).unwrap().len(), 1);
    assert_eq!(graph.send("DELETE", &format!("/me/events/{existing}")).await.status(), 204);
    assert_eq!(graph.json("POST", "/me/events", event("t1")).await.0, 409);
    assert_eq!(graph.json("POST", "/me/events", event("t2")).await.0, 201);
}

#[tokio::test]
async fn each_kind_needs_its_own_right_and_an_access_policy_does_not_reach_tasks() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    for path in ["/me/events", "/me/contacts", "/me/todo/lists"] {
        let (status, body) = graph.get(path).await;
        assert_eq!((status, &body["error"]["code"]), (403, &json!("ErrorAccessDenied")), "{path}");
    }
    let rights = ["Calendars.ReadWrite", "Tasks.ReadWrite.All", "Contacts.ReadWrite"];
    office.world.register_app(app().with_permissions(&[], &rights)).unwrap();
    office.tenant.restrict_app(CLIENT, &[BOB]).unwrap();
    let graph = office.app().await;
    for (kind, status) in [("events", 403), ("contacts", 403), ("todo/lists", 200)] {
        assert_eq!(graph.get(&format!("/users/{ADA}/{kind}")).await.0, status, "{kind}");
        assert_eq!(graph.get(&format!("/users/{BOB}/{kind}")).await.0, 200, "{kind}");
    }
}

#[tokio::test]
async fn what_an_event_may_not_be_is_refused() {
    let office = Office::open().await;
    let graph = office.user_with(ADA, ALL).await;
    let with = |name: &str, value: Value| {
        let mut event = event("t");
        event[name] = value;
        event
    };
    let noon = json!({ "dateTime": "2026-10-05T12:00:00", "timeZone": "UTC" });
    for bad in [
        with("start", noon.clone()),
        with("end", json!({ "dateTime": "2026-10-05T00:00:00", "timeZone": "UTC" })),
        with("start", json!({ "dateTime": "2026-10-05T00:00:00Z", "timeZone": "UTC" })),
        with("start", json!({ "dateTime": "2026-10-05T00:00:00", "timeZone": "Mars" })),
        with("showAs", json!("asleep")),
        with("id", json!("x")),
        json!({ "subject": "x" }),
    ] {
        assert_eq!(graph.json("POST", "/me/events", bad.clone()).await.0, 400, "{bad}");
    }
    assert!(office.world.events(ADA).unwrap().is_empty());
}

#[tokio::test]
async fn the_end_of_a_secret_is_told_in_the_registrations_own_tenant_to_who_may_read_it() {
    let office = Office::open().await;
    let own = App { client_secrets: vec![Secret::new("abc~secret", Some(start()))], ..app() };
    let own =
        App { client_id: "0b1d5f3a-3c1b-4f7e-8f52-7a1f8a1f0c22".to_owned(), ..own }.single_tenant(office.tenant.id());
    office.world.register_app(own.clone()).unwrap();
    let read = app().with_permissions(&[], &["Application.Read.All"]);
    let path = |client_id: &str| format!("/applications(appId='{client_id}')?$select=id,appId,passwordCredentials");
    let (status, body) = office.user(ADA).await.get(&path(&own.client_id)).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
    office.world.register_app(read).unwrap();
    let graph = office.app().await;
    let shown = graph.ok(&path(&own.client_id)).await;
    let credential = &shown["passwordCredentials"][0];
    assert_eq!((&credential["hint"], &credential["secretText"]), (&json!("abc"), &Value::Null));
    assert_eq!(credential["endDateTime"], start().to_string());
    // A registration for every organisation lies in its publisher's tenant.
    assert_eq!(graph.get(&path(CLIENT)).await.0, 404);
}
