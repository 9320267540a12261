//! Contacts in everyone's Outlook: P3.

use std::time::Duration;

use microsoft365::Times;
use serde_json::{Value, json};
use tests::{ADA, World, outlook::texts};

const BOB: &str = "bob@lumen.example";

fn court(members: &[&String]) -> Value {
    json!({
        "kind": "organisation", "name": "Court of appeal", "emails": ["registry@court.example"],
        "phones": [{ "kind": "business", "number": "+33 1 00" }, { "kind": "mobile", "number": "+33 6 00" }],
        "addresses": [{ "kind": "business", "street": "Place 1", "postal_code": "75001", "city": "Paris", "country": "France" }],
        "notes": "Opens at nine", "members": members,
    })
}

#[tokio::test]
async fn p3_a_contact_stands_in_a_folder_of_the_firms_name_of_each_member_whom_it_is_for() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let (ada, bob) = (world.pushed_member(&firm, ADA, "calendar").await, world.pushed_member(&firm, BOB, "todo").await);
    world.say(&firm, "contacts", "C%201%2F%C3%A9", court(&[&ada, &bob])).await;
    for address in [ADA, BOB] {
        let contacts = world.contacts(address);
        assert_eq!(texts(&contacts, "displayName"), ["Court of appeal"], "{address}");
        assert_eq!(contacts[0]["companyName"], "Court of appeal");
        assert_eq!(contacts[0]["emailAddresses"][0]["address"], "registry@court.example");
        assert_eq!(
            (&contacts[0]["businessPhones"], &contacts[0]["mobilePhone"]),
            (&json!(["+33 1 00"]), &json!("+33 6 00"))
        );
        assert_eq!(contacts[0]["businessAddress"]["city"], "Paris");
    }
    // What is no longer said is gone from the contact too, and its name stays.
    let less = json!({ "kind": "organisation", "name": "Court of appeal", "members": [ada] });
    world.say(&firm, "contacts", "C%201%2F%C3%A9", less).await;
    let contact = &world.contacts(ADA)[0];
    assert_eq!((&contact["emailAddresses"], &contact["mobilePhone"]), (&json!([]), &Value::Null));
    assert_eq!(
        (contact["displayName"].as_str(), contact["businessAddress"].get("city")),
        (Some("Court of appeal"), None)
    );
    assert!(world.contacts(BOB).is_empty());
}

#[tokio::test]
async fn of_thousands_of_rows_the_good_ones_are_taken_and_each_other_says_why_not() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let row =
        |id: usize| json!({ "external_id": format!("C{id}"), "surname": format!("Client {id:03}"), "members": [ada] });
    let mut rows: Vec<Value> = (0..120).map(row).collect();
    rows[7]["emails"] = json!(["nobody"]);
    rows[8]["surname"] = json!(7);
    rows[9]["members"] = json!(["6f9619ff-8b86-4011-b42d-00c04fc964ff"]);
    rows[10].as_object_mut().unwrap().remove("external_id");
    rows[11]["nonsense"] = json!(true);
    let path = format!("/v1/firms/{}/contacts", firm.id);
    let bulk = world.post(&format!("{path}/bulk"), json!({ "rows": rows })).await.ok();
    assert_eq!((bulk["taken"].as_u64(), bulk["refused"].as_u64()), (Some(115), Some(5)));
    let fields: Vec<&str> = (7..12).map(|i| bulk["results"][i]["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["emails[0]", "surname", "members[0]", "external_id", "nonsense"]);
    assert!((7..12).all(|i| bulk["results"][i]["reason"].as_str().is_some_and(|reason| !reason.is_empty())));

    let progress = format!("/v1/firms/{}/bulks/{}", firm.id, bulk["bulk"].as_str().unwrap());
    assert_eq!(world.get(&progress).await.ok()["waiting"], 115);
    world.run_until_idle().await;
    let done = world.get(&progress).await.ok();
    assert_eq!((&done["done"], &done["failed"], &done["waiting"]), (&json!(115), &json!(0), &json!(0)));
    assert_eq!(world.contacts(ADA).len(), 115);

    // The same again is no work for anybody.
    let before = world.microsoft.requests().graph;
    let again: Vec<Value> = (20..120).map(row).collect();
    let bulk = world.post(&format!("{path}/bulk"), json!({ "rows": again })).await.ok();
    assert_eq!(bulk["unchanged"], 100);
    world.run_until_idle().await;
    assert_eq!(world.microsoft.requests().graph, before);
}

#[tokio::test]
async fn p3_members_are_added_to_many_contacts_at_once_and_taken_away_again() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let (ada, bob) =
        (world.pushed_member(&firm, ADA, "calendar").await, world.pushed_member(&firm, BOB, "calendar").await);
    for id in ["1", "2", "3"] {
        world.say(&firm, "contacts", id, json!({ "name": id, "members": [ada] })).await;
    }
    let path = format!("/v1/firms/{}/contacts/members", firm.id);
    let change = json!({ "entries": ["1", "3", "nobody"], "add": [bob], "remove": [ada] });
    let changed = world.post(&path, change).await.ok();
    assert_eq!((&changed["taken"], &changed["results"][2]["outcome"]), (&json!(2), &json!("refused")));
    world.run_until_idle().await;
    assert_eq!(texts(&world.contacts(ADA), "displayName"), ["2"]);
    assert_eq!(texts(&world.contacts(BOB), "displayName"), ["1", "3"]);
    let listed = world.get(&format!("/v1/firms/{}/contacts?member={bob}", firm.id)).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_contact_that_microsoft_refuses_holds_up_no_other_and_says_why() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.microsoft.faults().fail("contact create", 400, Times::N(1));
    let rows: Vec<Value> =
        (0..30).map(|i| json!({ "external_id": i.to_string(), "name": i.to_string(), "members": [ada] })).collect();
    world.post(&format!("/v1/firms/{}/contacts/bulk", firm.id), json!({ "rows": rows })).await.ok();
    world.run_until_idle().await;
    assert_eq!(world.contacts(ADA).len(), 29);
    let listed = world.get(&format!("/v1/firms/{}/contacts?limit=100", firm.id)).await.ok();
    let failed: Vec<&Value> =
        listed["items"].as_array().unwrap().iter().filter(|item| item["copies"][0]["state"] == "failed").collect();
    let problem = &failed[0]["copies"][0]["problem"];
    assert_eq!((failed.len(), &problem["code"]), (1, &json!("item_refused")));
    assert!(problem["next_action"].as_str().is_some_and(|next| !next.is_empty()));
    // It is tried again by itself.
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(world.contacts(ADA).len(), 30);
}

#[tokio::test]
async fn a_contact_whose_answer_was_lost_is_found_again_and_not_made_twice() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    world.microsoft.faults().lose_answer("contact create", Times::N(3));
    let rows: Vec<Value> =
        (0..30).map(|i| json!({ "external_id": i.to_string(), "name": format!("{i:02}"), "members": [ada] })).collect();
    world.post(&format!("/v1/firms/{}/contacts/bulk", firm.id), json!({ "rows": rows })).await.ok();
    world.run_until_idle().await;
    for _ in 0..6 {
        world.pass(Duration::from_secs(120)).await;
    }
    let names: Vec<String> = (0..30).map(|i| format!("{i:02}")).collect();
    assert_eq!(texts(&world.contacts(ADA), "displayName"), names);
}

#[tokio::test]
async fn rows_that_are_for_one_member_each_go_out_in_full_batches() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let bob = world.pushed_member(&firm, BOB, "calendar").await;
    let row = |n: usize| {
        let member = if n.is_multiple_of(2) { &ada } else { &bob };
        json!({ "external_id": n.to_string(), "name": n.to_string(), "members": [member] })
    };
    let rows: Vec<Value> = (0..80).map(row).collect();
    let sent = || world.microsoft.requests().batches;
    let before = sent();
    world.post(&format!("/v1/firms/{}/contacts/bulk", firm.id), json!({ "rows": rows })).await.ok();
    world.run_until_idle().await;
    assert_eq!((world.contacts(ADA).len(), world.contacts(BOB).len()), (40, 40));
    assert_eq!(sent() - before, 4);
}

#[tokio::test]
async fn a_failure_is_over_once_what_is_there_is_what_is_said() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let ada = world.pushed_member(&firm, ADA, "calendar").await;
    let named = |name: &str| json!({ "name": name, "members": [ada] });
    let failed = async || {
        let push = world.get(&format!("/v1/firms/{}/members/{ada}/push", firm.id)).await.ok();
        push["contacts"]["copies"]["failed"].clone()
    };
    world.say(&firm, "contacts", "C", named("Court")).await;
    world.microsoft.faults().fail("contact patch", 400, Times::N(1));
    world.say(&firm, "contacts", "C", named("Tribunal")).await;
    assert_eq!(failed().await, 1);
    world.clock.advance(Duration::from_secs(3600));
    world.say(&firm, "contacts", "C", named("Court")).await;
    assert_eq!((failed().await, texts(&world.contacts(ADA), "displayName")), (json!(0), vec!["Court".to_owned()]));
}
