use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use microsoft365::{Mail, Times};
use serde_json::Value;

use crate::office::*;

const INBOX: &str = "/me/mailFolders/inbox/messages/delta?$select=subject,categories";

/// What a client knows after a round: the last word on each id counts.
fn outcome(told: &[Value]) -> BTreeMap<String, Option<String>> {
    told.iter()
        .map(|item| {
            (
                item["id"].as_str().unwrap().to_owned(),
                item.get("@removed").is_none().then(|| item["subject"].as_str().unwrap_or_default().to_owned()),
            )
        })
        .collect()
}

fn subjects(told: &[Value]) -> BTreeSet<String> {
    outcome(told).into_values().flatten().collect()
}

#[tokio::test]
async fn the_first_round_tells_everything_and_the_next_only_what_changed() {
    let office = Office::open().await;
    let ids: Vec<String> = (0..25).map(|number| office.mail(&format!("m{number}"))).collect();
    let graph = office.user(ADA).await;
    let (told, link) = graph.round(INBOX, 4).await;
    assert_eq!(outcome(&told).len(), 25);
    office.world.set_read(ADA, &ids[3], true).unwrap();
    office.world.move_message(ADA, &ids[4], "archive").unwrap();
    office.world.delete_message(ADA, &ids[5]).unwrap();
    office.mail("new");
    let (told, link) = graph.round(&link, 4).await;
    let outcome = outcome(&told);
    assert_eq!(outcome[&ids[3]].as_deref(), Some("m3"));
    assert_eq!((&outcome[&ids[4]], &outcome[&ids[5]]), (&None, &None));
    assert!(subjects(&told).contains("new"));
    let (told, _) = graph.round("/me/mailFolders/archive/messages/delta?$select=subject", 4).await;
    assert_eq!(subjects(&told), BTreeSet::from(["m4".to_owned()]));
    office.world.move_message(ADA, &ids[4], "inbox").unwrap();
    let (told, _) = graph.round(&link, 4).await;
    assert!(subjects(&told).contains("m4"), "moved in");
}

#[tokio::test]
async fn some_pages_are_empty_and_some_items_come_twice() {
    let office = Office::open().await;
    for number in 0..30 {
        office.mail(&format!("m{number}"));
    }
    let graph = office.user(ADA).await;
    let (told, _) = graph.round(INBOX, 3).await;
    assert_eq!(subjects(&told).len(), 30);
    assert!(told.len() > 30);
    let first = graph.ok(INBOX).await;
    let second = graph.ok(first["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(second["value"].as_array().unwrap().len(), 0);
    assert!(second["@odata.nextLink"].is_string());
}

#[tokio::test]
async fn our_own_category_comes_back_as_an_update() {
    let office = Office::open().await;
    let id = office.mail("m");
    let graph = office.user(ADA).await;
    let (_, link) = graph.round(INBOX, 10).await;
    graph.json("PATCH", &format!("/me/messages/{id}"), serde_json::json!({ "categories": ["Archived"] })).await;
    let (told, _) = graph.round(&link, 10).await;
    assert!(told.iter().any(|item| item["id"] == id && item["categories"][0] == "Archived"));
}

#[tokio::test]
async fn only_the_last_three_generations_of_a_chain_are_known() {
    let office = Office::open().await;
    for number in 0..30 {
        office.mail(&format!("m{number}"));
    }
    let graph = office.user(ADA).await;
    let mut links = vec![format!("{}/v1.0{INBOX}", office.origin)];
    for _ in 0..4 {
        let page = graph.ok(links.last().unwrap()).await;
        links.push(page["@odata.nextLink"].as_str().or(page["@odata.deltaLink"].as_str()).unwrap().to_owned());
    }
    assert_eq!(graph.get(&links[2]).await.0, 200, "a crash may repeat a page");
    let (status, body) = graph.get(&links[1]).await;
    assert_eq!((status, code(&body)), (410, "SyncStateNotFound"));
    office.world.faults().delta_gone(ADA, Times::N(1));
    assert_eq!(graph.get(&links[4]).await.0, 410, "also in the middle of paging");
    assert_eq!(graph.get(&links[4]).await.0, 200);
}

#[tokio::test]
async fn generations_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::reopen(dir.path()).await;
    office.mail("old");
    let graph = office.user(ADA).await;
    let (_, link) = graph.round(INBOX, 10).await;
    let (path, token) =
        (link.strip_prefix(&office.origin).unwrap().strip_prefix("/v1.0").unwrap().to_owned(), graph.token.clone());
    office.mail("new");
    drop(office);
    let office = Office::reopen(dir.path()).await;
    let graph = Graph { office: &office, token };
    let (told, _) = graph.round(&path, 10).await;
    assert!(subjects(&told).contains("new"));
}

#[tokio::test]
async fn a_filter_hides_old_mail_and_stops_at_five_thousand() {
    let office = Office::open().await;
    for number in 0..5_010 {
        let mail = Mail::new(format!("Subject: m{number}\r\n\r\n"), office.now());
        office.world.deliver(ADA, "inbox", mail).unwrap();
    }
    let old = office.now() - SignedDuration::from_hours(48);
    let old = office.world.deliver(ADA, "archive", Mail::new(text("old"), old)).unwrap();
    let graph = office.user(ADA).await;
    let filtered =
        "/me/mailFolders/inbox/messages/delta?$select=subject&$filter=receivedDateTime%20ge%202026-10-02T00:00:00Z";
    let (told, link) = graph.round(filtered, 1000).await;
    assert_eq!(outcome(&told).len(), 5000);
    office.world.move_message(ADA, &old.immutable_id, "inbox").unwrap();
    assert!(!subjects(&graph.round(&link, 1000).await.0).contains("old"));
    let (told, _) = graph.round("/me/mailFolders/inbox/messages/delta?$select=subject", 1000).await;
    assert_eq!(outcome(&told).len(), 5011);
    let (status, _) = graph.get("/me/mailFolders/inbox/messages/delta?$filter=isRead%20eq%20false").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn ids_and_page_sizes_follow_each_requests_preference() {
    let office = Office::open().await;
    let immutable = office.mail("m");
    let graph = office.user(ADA).await;
    let default = answer(graph.request("GET", INBOX).send().await.unwrap()).await.1;
    assert_ne!(default["value"][0]["id"], immutable);
    assert_eq!(graph.ok(INBOX).await["value"][0]["id"], immutable);
}

#[tokio::test]
async fn a_mail_that_left_and_came_back_can_look_gone() {
    let office = Office::open().await;
    let id = office.mail("m");
    let graph = office.user(ADA).await;
    let (_, link) = graph.round(INBOX, 10).await;
    office.world.move_message(ADA, &id, "archive").unwrap();
    office.world.move_message(ADA, &id, "inbox").unwrap();
    office.world.faults().tell_removals_last(true);
    let (told, _) = graph.round(&link, 10).await;
    assert_eq!(outcome(&told)[&id], None);
}

#[tokio::test]
async fn folder_delta_tells_the_whole_tree_and_what_happens_to_it() {
    let office = Office::open().await;
    let case = office.world.create_folder(ADA, "inbox", "Case").unwrap();
    let graph = office.user(ADA).await;
    let (told, link) = graph.round("/me/mailFolders/delta", 5).await;
    assert!(told.iter().any(|folder| folder["id"] == case.as_str()));
    office.world.move_folder(ADA, &case, "archive").unwrap();
    let (told, link) = graph.round(&link, 5).await;
    let archive = graph.ok("/me/mailFolders/archive").await;
    assert!(told.iter().any(|folder| folder["id"] == case.as_str() && folder["parentFolderId"] == archive["id"]));
    office.world.delete_folder(ADA, &case).unwrap();
    let (told, _) = graph.round(&link, 5).await;
    assert!(told.iter().any(|folder| folder["id"] == case.as_str() && folder["@removed"]["reason"] == "deleted"));
    assert_eq!(graph.get(&format!("/me/mailFolders/{case}/messages/delta")).await.0, 404);
}
