//! R12: a grey category when received, a green one when filed; the person's own are left alone; it can be turned off.

use std::time::Duration;

use microsoft365::Times;
use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Registry, World, message_id};

const GREY: &str = "greffe: received";
const GREEN: &str = "greffe: filed";
const HOUR: Duration = Duration::from_secs(3600);

fn file_of(registry: &Registry, mail: &str) -> String {
    format!("/v1/firms/{}/messages/{}/file", registry.firm, message_id(registry, mail))
}

fn categories(world: &World) -> Vec<Vec<String>> {
    world.microsoft.messages(ADA).unwrap().into_iter().map(|mail| mail.categories).collect()
}

#[tokio::test]
async fn r12_the_categories_are_made_grey_and_green_and_a_colour_that_the_person_chose_stays() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "First");
    world.run_until_idle().await;
    let made = |received: &str| [(GREY, received), (GREEN, "preset4")].map(|(n, c)| (n.to_owned(), c.to_owned()));
    assert_eq!(world.microsoft.colored_categories(ADA).unwrap(), made("preset12"));
    world.microsoft.color_category(ADA, GREY, "preset7").unwrap();
    world.pass(2 * HOUR).await;
    world.deliver("inbox", "Second");
    world.run_until_idle().await;
    assert_eq!(world.microsoft.colored_categories(ADA).unwrap(), made("preset7"));
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_category_that_the_person_deletes_is_made_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "First");
    world.run_until_idle().await;
    world.microsoft.delete_category(ADA, GREY).unwrap();
    world.microsoft.delete_category(ADA, GREEN).unwrap();
    world.pass(2 * HOUR).await;
    world.post(&file_of(&registry, &mail), json!({ "dossier": "D1" })).await.ok();
    world.run_until_idle().await;
    assert_eq!(world.microsoft.categories(ADA).unwrap(), [GREY, GREEN]);
    assert_eq!(categories(&world), [[GREEN]]);
    world.settle(&registry).await;
}

#[tokio::test]
async fn names_and_colours_are_the_firms_choice_and_marks_under_an_old_name_give_way() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (old, filed) = (world.deliver("inbox", "Old"), world.deliver("inbox", "Filed"));
    world.run_until_idle().await;
    let path = format!("/v1/firms/{}/marks", registry.firm);
    let mark = |name: &str, color: &str| json!({ "name": name, "color": color });
    let shown = world.get(&path).await.ok();
    assert_eq!(shown, json!({ "received": mark(GREY, "preset12"), "filed": mark(GREEN, "preset4") }));
    // Another name for one, another colour for the other.
    let chosen = json!({ "received": mark("Au greffe", "preset7"), "filed": mark(GREEN, "preset19") });
    assert_eq!(world.put(&path, chosen.clone()).await.ok(), chosen);
    world.post(&file_of(&registry, &filed), json!({ "dossier": "D1" })).await.ok();
    world.deliver("inbox", "New");
    world.run_until_idle().await;
    assert_eq!(categories(&world), [[GREY], [GREEN], ["Au greffe"]], "what is marked stays until it is filed");
    let colors = [(GREY, "preset12"), (GREEN, "preset19"), ("Au greffe", "preset7")];
    assert_eq!(world.microsoft.colored_categories(ADA).unwrap(), colors.map(|(n, c)| (n.to_owned(), c.to_owned())));
    world.post(&file_of(&registry, &old), json!({ "dossier": "D1" })).await.ok();
    world.run_until_idle().await;
    world.delete(&file_of(&registry, &old)).await.ok();
    world.run_until_idle().await;
    assert_eq!(categories(&world), [["Au greffe"], [GREEN], ["Au greffe"]]);

    for (body, named) in [
        (json!({ "received": mark("Same", "none"), "filed": mark("SAME", "none") }), "filed.name"),
        (json!({ "received": mark("", "none"), "filed": mark("B", "none") }), "received.name"),
        (json!({ "received": mark("A;B", "none"), "filed": mark("B", "none") }), "received.name"),
        (json!({ "received": mark("A", "grey"), "filed": mark("B", "none") }), "received.color"),
        (json!({ "received": mark("A", "preset25"), "filed": mark("B", "none") }), "received.color"),
    ] {
        let refused = world.put(&path, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.body["detail"].as_str().unwrap().contains(named), "{}", refused.body);
    }
    world.settle(&registry).await;
}

#[tokio::test]
async fn r12_a_mailbox_whose_marks_are_off_is_never_written_to() {
    let world = World::new().await;
    let registry = world.registry().await;
    let rules = format!("/v1/firms/{}/mailboxes/{}/rules", registry.firm, registry.mailbox);
    world.put(&rules, json!({ "mark": false })).await.ok();
    let mail = world.deliver("inbox", "Unmarked");
    world.run_until_idle().await;
    world.post(&file_of(&registry, &mail), json!({ "dossier": "D1" })).await.ok();
    world.run_until_idle().await;
    let message = world.message(&registry, &mail).await.ok();
    assert_eq!((&message["state"], &message["dossier"]), (&json!("announced"), &json!("D1")));
    assert_eq!(categories(&world), [Vec::<String>::new()]);
    assert_eq!(world.microsoft.categories(ADA).unwrap(), Vec::<String>::new());
    let kinds = world.microsoft.requests().by_kind;
    assert!(!kinds.contains_key("message patch") && !kinds.contains_key("category create"), "{kinds:?}");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r12_what_a_person_does_to_the_categories_meanwhile_is_kept() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..5).map(|i| world.deliver("inbox", &format!("Mail {i}"))).collect();
    world.run_until_idle().await;
    for (i, mail) in mails.iter().enumerate() {
        world.microsoft.set_categories(ADA, mail, &[GREY, "Urgent"][..=i % 2]).unwrap();
        // Somebody changes it between our look and our write.
        world.microsoft.faults().conflict(mail, Times::N(i as u32));
        world.post(&file_of(&registry, mail), json!({ "dossier": "D1" })).await.ok();
    }
    // One took the mark off by hand, and one put the other on.
    world.microsoft.set_categories(ADA, &mails[0], &["Own"]).unwrap();
    world.microsoft.set_categories(ADA, &mails[2], &["Own", "GREFFE: FILED"]).unwrap();
    for _ in 0..4 {
        world.pass(Duration::from_secs(61)).await;
    }
    let expected = [&["Own", GREEN][..], &["Urgent", GREEN], &["Own", "GREFFE: FILED"], &["Urgent", GREEN], &[GREEN]];
    assert_eq!(categories(&world), expected);
    world.settle(&registry).await;
}
