//! R1 to R5: which folders are kept, and how they are followed as people change them.

use std::time::Duration;

use microsoft365::{Language, Times};
use serde_json::{Value, json};
use tests::{ADA, Registry, World};

const QUARTER: Duration = Duration::from_secs(16 * 60);

/// Ada's mailbox, active, with this selection.
async fn keeping(world: &World, selection: Value) -> Registry {
    let firm = world.firm("Lumen Avocats").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.put(&path(&registry, "/selection"), selection).await.ok();
    world.activate(&registry).await;
    registry
}

fn path(registry: &Registry, rest: &str) -> String {
    format!("/v1/firms/{}/mailboxes/{}{rest}", registry.firm, registry.mailbox)
}

async fn folders(world: &World, registry: &Registry) -> Vec<Value> {
    world.get(&path(registry, "/folders")).await.ok()["items"].as_array().unwrap().clone()
}

async fn state(world: &World, registry: &Registry, mail: &str) -> Value {
    let answer = world.message(registry, mail).await;
    if answer.status == 404 { Value::Null } else { answer.ok()["state"].clone() }
}

#[tokio::test]
async fn r1_a_tree_of_many_pages_and_twelve_levels_is_shown_whole_and_any_folder_of_it_can_be_kept() {
    let world = World::new().await;
    world.tenant.set_language(ADA, Language::French).unwrap();
    for n in 0..130 {
        world.microsoft.create_folder(ADA, "msgfolderroot", &format!("Dossier {n:03}")).unwrap();
    }
    let mut deepest = "inbox".to_owned();
    for level in 1..=12 {
        deepest = world.microsoft.create_folder(ADA, &deepest, &format!("Niveau {level}")).unwrap();
    }
    world.microsoft.create_search_folder(ADA, "msgfolderroot", "Non lus").unwrap();
    let hidden = world.microsoft.create_folder(ADA, "msgfolderroot", "Réglages").unwrap();
    world.microsoft.hide_folder(ADA, &hidden, true).unwrap();

    let registry = keeping(&world, json!({ "mode": "include", "folders": ["inbox", "sentitems", deepest] })).await;
    let shown = folders(&world, &registry).await;
    let find = |id: &str| shown.iter().find(|f| f["id"] == id || f["well_known"] == id).unwrap().clone();
    assert!(find(&deepest)["path"].as_str().unwrap().starts_with("Boîte de réception/Niveau 1/Niveau 2/"));
    assert_eq!(find(&deepest)["path"].as_str().unwrap().split('/').count(), 13);
    assert_eq!(shown.iter().filter(|f| f["display_name"].as_str().unwrap().starts_with("Dossier ")).count(), 130);
    assert_eq!(find(&hidden)["hidden"], true);
    let search = shown.iter().find(|f| f["display_name"] == "Non lus").unwrap();
    assert_eq!((&search["selectable"], &search["selected"]), (&json!(false), &json!(false)));
    assert!(shown.iter().all(|f| f["display_name"] != "Racine de la banque d'informations"));

    let (deep, sent) = (world.deliver(&deepest, "Au fond"), world.deliver("sentitems", "Envoyé"));
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &deep).await, "marked");
    assert_eq!(state(&world, &registry, &sent).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r2_what_is_excluded_stays_out_with_all_below_it_and_what_is_made_later_elsewhere_is_kept() {
    let world = World::new().await;
    let private = world.microsoft.create_folder(ADA, "msgfolderroot", "Private").unwrap();
    let within = world.microsoft.create_folder(ADA, &private, "Doctor").unwrap();
    let registry = keeping(&world, json!({ "mode": "exclude", "folders": [private] })).await;

    let (not, nor) = (world.deliver(&private, "Not"), world.deliver(&within, "Nor this"));
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let later = world.microsoft.create_folder(ADA, &private, "Later").unwrap();
    let never = world.deliver(&later, "Neither");
    let kept = world.deliver(&clients, "In a new folder");
    world.clock.advance(Duration::from_secs(61));
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &kept).await, "marked", "within seconds, by its notice alone");
    for mail in [&not, &nor, &never] {
        assert_eq!(state(&world, &registry, mail).await, Value::Null);
    }

    // Renamed it is the same folder; moved out of the excluded one it is kept, and back in it is not.
    world.microsoft.rename_folder(ADA, &private, "Geheim").unwrap();
    world.microsoft.move_folder(ADA, &within, "inbox").unwrap();
    world.pass(QUARTER).await;
    assert_eq!(state(&world, &registry, &nor).await, "marked", "it came in with its folder");
    assert_eq!(state(&world, &registry, &not).await, Value::Null);
    world.microsoft.move_folder(ADA, &within, &private).unwrap();
    world.pass(QUARTER).await;
    let again = world.deliver(&within, "Out again");
    world.pass(QUARTER).await;
    assert_eq!(state(&world, &registry, &again).await, Value::Null);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r3_what_is_never_read_is_told_by_its_well_known_name_in_every_language() {
    for language in [Language::English, Language::German, Language::French, Language::Italian] {
        let world = World::new().await;
        world.tenant.set_language(ADA, language).unwrap();
        // A person's own folder may be called as a well-known one is elsewhere.
        let misleading = world.microsoft.create_folder(ADA, "inbox", "Deleted Items").unwrap();
        let registry = keeping(&world, json!({ "mode": "all", "folders": [] })).await;
        let mut out = Vec::new();
        for name in [
            "drafts",
            "deleteditems",
            "junkemail",
            "conversationhistory",
            "archive",
            "outbox",
            "syncissues",
            "conflicts",
        ] {
            out.push(world.deliver(name, name));
            let below = world.microsoft.create_folder(ADA, name, "Below").unwrap();
            out.push(world.deliver(&below, name));
        }
        let mail = world.deliver(&misleading, "Mine");
        world.pass(QUARTER).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked");
        assert_eq!(world.objects().await.len(), 1);
        for mail in &out {
            assert_eq!(state(&world, &registry, mail).await, Value::Null);
        }
        let selectable = |f: &&Value| f["selectable"] == true;
        assert_eq!(
            folders(&world, &registry).await.iter().filter(selectable).count(),
            3,
            "Inbox, Sent Items and that one"
        );
    }
}

#[tokio::test]
async fn r5_a_folder_that_is_made_and_filled_with_old_mail_is_kept_whole() {
    let world = World::new().await;
    let registry = keeping(&world, json!({ "mode": "exclude", "folders": ["sentitems"] })).await;
    let year_ago = world.clock.now() - Duration::from_secs(365 * 86_400);
    let old: Vec<String> = (0..150).map(|n| world.deliver_at("archive", &format!("Old {n}"), year_ago)).collect();
    let case = world.microsoft.create_folder(ADA, "msgfolderroot", "Case 12").unwrap();
    for mail in &old {
        world.microsoft.move_message(ADA, mail, &case).unwrap();
    }
    world.pass(QUARTER).await;
    assert_eq!(world.objects().await.len(), 150);
    assert_eq!(world.progress(&registry).await["archived"], 150);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r5_a_folder_that_is_thrown_away_is_not_read_and_goes_on_where_it_was_once_it_is_back() {
    for mode in ["all", "include"] {
        let world = World::new().await;
        let year_ago = world.clock.now() - Duration::from_secs(365 * 86_400);
        let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
        let lay_there = world.deliver_at(&clients, "Lay there", year_ago);
        let chosen = if mode == "include" { json!(["inbox", clients]) } else { json!([]) };
        let registry = keeping(&world, json!({ "mode": mode, "folders": chosen })).await;

        world.microsoft.move_folder(ADA, &clients, "deleteditems").unwrap();
        world.pass(QUARTER).await;
        let meanwhile = world.deliver(&clients, "Meanwhile");
        let old = world.deliver_at("archive", "Old", year_ago);
        world.microsoft.move_message(ADA, &old, &clients).unwrap();
        world.pass(QUARTER).await;
        assert_eq!(world.objects().await.len(), 0, "{mode}");

        world.microsoft.move_folder(ADA, &clients, "inbox").unwrap();
        world.pass(QUARTER).await;
        assert_eq!(state(&world, &registry, &meanwhile).await, "marked", "{mode}");
        assert_eq!(state(&world, &registry, &old).await, "marked", "{mode}");
        assert_eq!(state(&world, &registry, &lay_there).await, Value::Null, "the baseline saw it: {mode}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn r5_a_chosen_folder_that_is_thrown_away_is_read_for_eighteen_minutes_at_most() {
    let minute = Duration::from_secs(60);
    for (is_notified, minutes) in [(true, 0), (true, 9), (false, 0), (false, 4), (false, 25)] {
        let world = World::new().await;
        let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
        if !is_notified {
            world.microsoft.faults().fail("subscription create", 403, Times::Forever);
        }
        let registry = keeping(&world, json!({ "mode": "include", "folders": ["inbox", clients] })).await;
        for _ in 0..minutes {
            world.pass(minute).await;
        }
        world.microsoft.move_folder(ADA, &clients, "deleteditems").unwrap();
        for _ in 0..18 {
            world.pass(minute).await;
        }
        let mail = world.deliver(&clients, "Thrown away");
        for _ in 0..20 {
            world.pass(minute).await;
        }
        assert_eq!(state(&world, &registry, &mail).await, Value::Null, "{is_notified} {minutes}");
    }
}

#[tokio::test]
async fn r1_a_chosen_folder_that_is_deleted_is_shown_as_gone_and_holds_up_no_other() {
    let world = World::new().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let registry = keeping(&world, json!({ "mode": "include", "folders": ["inbox", clients] })).await;
    let kept = world.deliver(&clients, "Kept before");
    world.run_until_idle().await;
    world.microsoft.delete_folder(ADA, &clients).unwrap();
    let mail = world.deliver("inbox", "Goes on");
    world.pass(QUARTER).await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
    assert_eq!(state(&world, &registry, &kept).await, "marked", "what was archived stays");
    let shown = folders(&world, &registry).await;
    let gone: Vec<&Value> = shown.iter().filter(|folder| folder["gone"] == true).collect();
    assert_eq!(gone.len(), 1);
    assert_eq!((&gone[0]["id"], &gone[0]["display_name"]), (&json!(clients), &json!("Clients")));

    // Once it is known to be gone, it is not asked for again.
    let before = world.microsoft.requests().by_kind["message delta"];
    world.pass(4 * QUARTER).await;
    assert_eq!(world.microsoft.requests().by_kind["message delta"], before + 1);
    world.settle(&registry).await;
}

#[tokio::test]
async fn r2_the_tree_is_followed_when_its_delta_link_is_dead_and_where_there_is_no_delta() {
    let world = World::new().await;
    let registry = keeping(&world, json!({ "mode": "all", "folders": [] })).await;
    let first = world.microsoft.create_folder(ADA, "inbox", "First").unwrap();
    let one = world.deliver(&first, "One");
    world.microsoft.faults().delta_gone(ADA, microsoft365::Times::N(5));
    world.pass(QUARTER).await;
    assert_eq!(state(&world, &registry, &one).await, "marked");

    world.microsoft.faults().fail("folder delta", 400, microsoft365::Times::Forever);
    let second = world.microsoft.create_folder(ADA, &first, "Second").unwrap();
    let two = world.deliver(&second, "Two");
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(state(&world, &registry, &two).await, "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn r4_of_a_shared_mailbox_all_is_kept_without_a_choice() {
    let world = World::new().await;
    world.tenant.add_user("admin@lumen.example", "The administrator").unwrap();
    world.tenant.make_admin("admin@lumen.example").unwrap();
    world.tenant.add_shared_mailbox("office@lumen.example", "Office").unwrap();
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    world.sign_in(&firm, &connector, "admin@lumen.example").await.ok();
    let body = json!({ "connector": connector, "address": "office@lumen.example", "kind": "shared" });
    let added = world.post(&format!("/v1/firms/{firm}/mailboxes"), body).await.ok();
    assert_eq!(added["selection"]["mode"], "all");
    let registry = Registry { firm, connector, mailbox: added["id"].as_str().unwrap().to_owned() };
    let some = world.put(&path(&registry, "/selection"), json!({ "mode": "include", "folders": ["inbox"] })).await;
    assert_eq!(some.problem(), "invalid_request");
    world.activate(&registry).await;
    let claims = world.microsoft.create_folder("office@lumen.example", "inbox", "Claims").unwrap();
    let mail = microsoft365::Mail::new("From: a@acme.example\r\nSubject: Hail\r\n\r\nHail.\r\n", world.clock.now());
    let mail = world.microsoft.deliver("office@lumen.example", &claims, mail).unwrap().immutable_id;
    world.pass(QUARTER).await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
}
