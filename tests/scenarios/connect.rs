//! C1, C4: connecting again, differently; accounts of every kind; what Microsoft refuses; and what nobody may do.

use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tests::{ADA, Browser, CLIENT_ID, OWN_CLIENT_ID, OWN_CLIENT_SECRET, Registry, World};

use microsoft365::{ConsentFault, Mail, Times};

const ADMIN: &str = "admin@lumen.example";
const BOB: &str = "bob@lumen.example";
const EVE: &str = "eve@outlook.com";
const READ: [&str; 5] = ["openid", "profile", "offline_access", "User.Read", "Mail.Read"];

fn administered(world: &World) {
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
}

/// The scopes that a browser is sent to Microsoft for, without their resource.
async fn asked_for(world: &World, firm: &str, connector: &str) -> Vec<String> {
    let page = Url::parse(&world.begin_sign_in(firm, connector).await.page).unwrap();
    let scope = page.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    scope.split(' ').map(|scope| scope.rsplit('/').next().unwrap().to_owned()).collect()
}

async fn with_options(world: &World, firm: &str, options: Value) -> String {
    let mut body = json!({ "name": "Microsoft 365", "access": "delegated", "app": null });
    body.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let made = world.post(&format!("/v1/firms/{firm}/connectors"), body).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

/// A browser of a person that came back from Microsoft: where it is sent, or none if it gets a page.
async fn sent_back(world: &World, callback: &str, cookie: &str) -> Option<String> {
    let back = world.http.get(callback).header("cookie", cookie).send().await.unwrap();
    back.headers().get("location").map(|to| to.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_person_comes_back_to_the_applications_page_with_its_state_and_the_outcome() {
    let world = World::with(&[("GREFFE_RETURN_ORIGINS", "https://app.example")]).await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let path = format!("/v1/firms/{firm}/connectors/{connector}/link");
    let link = async |url: &str| {
        let made = world.post(&path, json!({ "return_url": url, "state": "s-1" })).await.ok();
        made["connect_url"].as_str().unwrap().to_owned()
    };
    let depart = async |link: &str| Browser::sent_on(&world.http.get(link).send().await.unwrap());
    let end = |outcome: &str| format!("outcome={outcome}&connector={connector}");

    // A person who declines comes back, too, and so does one who accepts; to this machine, because greffe is on it.
    let app = "https://app.example/done?tab=2";
    let browser = depart(&link(app).await).await;
    let callback = world.decide(&browser.page, ADA, "deny").await;
    let to = sent_back(&world, &callback, &browser.cookie).await.unwrap();
    assert!(to.starts_with(&format!("{app}&{}&code=", end("failed"))) && to.ends_with("&state=s-1"), "{to}");
    assert_eq!(sent_back(&world, &callback, &browser.cookie).await, None, "once");
    let browser = depart(&link("http://127.0.0.1:4000/done").await).await;
    let callback = world.decide(&browser.page, ADA, "accept").await;
    assert_eq!(sent_back(&world, &callback, "greffe_sign_in=other").await, None, "another browser gets a page");
    let to = sent_back(&world, &callback, &browser.cookie).await.unwrap();
    assert_eq!(to, format!("http://127.0.0.1:4000/done?{}&state=s-1", end("connected")));
    assert!(!to.contains("ada") && !to.contains("lumen"), "nothing personal: {to}");
    assert_eq!(world.connector_view(&firm, &connector).await["state"], "connected");

    for url in ["https://evil.example/", "https://app.example@evil.example/", "http://evil.example/", "done"] {
        assert_eq!(world.post(&path, json!({ "return_url": url })).await.problem(), "invalid_request", "{url}");
    }
}

#[tokio::test]
async fn the_way_back_is_kept_while_an_administrator_consents() {
    let world = World::new().await;
    administered(&world);
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    let new = json!({ "return_url": "http://localhost:4000/" });
    let made = world.post(&format!("/v1/firms/{firm}/connectors/{connector}/link"), new).await.ok();
    let mut browser = Browser::sent_on(&world.http.get(made["connect_url"].as_str().unwrap()).send().await.unwrap());
    let callback = world.decide(&browser.page, ADMIN, "accept").await;
    let on = world.http.get(&callback).header("cookie", &browser.cookie).send().await.unwrap();
    browser = Browser::sent_on(&on);
    let callback = world.decide(&browser.page, ADMIN, "accept").await;
    let to = sent_back(&world, &callback, &browser.cookie).await.unwrap();
    assert_eq!(to, format!("http://localhost:4000/?outcome=connected&connector={connector}"));
}

#[tokio::test]
async fn a_connector_is_upgraded_and_downgraded_without_losing_anything() {
    let world = World::new().await;
    administered(&world);
    world.tenant.add_user(BOB, "Bob").unwrap();
    let registry = world.registry().await;
    let path = format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector);
    let mut mails = vec![world.deliver("inbox", "As Ada")];
    world.run_until_idle().await;

    let wished = world.patch(&path, json!({ "access": "organization", "name": "All of Lumen" })).await.ok();
    assert_eq!((&wished["name"], &wished["access"]), (&json!("All of Lumen"), &json!("delegated")));
    assert_eq!(wished["wanted"]["access"], "organization");
    // The wish alone changes nothing, nor does a sign-in that comes to nothing.
    let browser = world.begin_sign_in(&registry.firm, &registry.connector).await;
    let callback = world.decide(&browser.page, ADMIN, "cancel").await;
    assert!(!world.complete_sign_in(&callback, &browser.cookie).await.told().status.is_success());
    world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    mails.push(world.deliver("inbox", "Still as Ada"));
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 2);

    world.sign_in(&registry.firm, &registry.connector, ADMIN).await.ok();
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!((&shown["access"], &shown["wanted"]), (&json!("organization"), &Value::Null));
    assert_eq!((&shown["state"], &shown["connected_as"]), (&json!("connected"), &json!(ADMIN)));
    let bobs = world.mailbox(&registry.firm, &registry.connector, BOB).await;
    let bobs = Registry { firm: registry.firm.clone(), connector: registry.connector.clone(), mailbox: bobs };
    world.activate(&bobs).await;
    // The app works by itself, whatever becomes of Ada.
    world.tenant.revoke_sessions(ADA).unwrap();
    world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    mails.push(world.deliver("inbox", "As the organisation"));
    world.run_until_idle().await;
    assert_eq!(world.objects().await.len(), 3);

    world.patch(&path, json!({ "access": "delegated" })).await.ok();
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!((&shown["access"], &shown["connected_as"]), (&json!("delegated"), &json!(ADA)));
    mails.push(world.deliver("inbox", "As Ada again"));
    world.pass(std::time::Duration::from_secs(3600)).await;
    for mail in &mails {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    assert_eq!((world.objects().await.len(), world.feed(&registry.firm).await.len()), (4, 4));
    // Bob's is out of Ada's reach now, and says so; it is not forgotten.
    let path = format!("/v1/firms/{}/mailboxes/{}", bobs.firm, bobs.mailbox);
    assert_eq!(world.get(&path).await.ok()["problem"]["code"], "mailbox_out_of_reach");
    world.settle(&registry).await;
}

#[tokio::test]
async fn only_the_rights_that_the_options_need_are_asked_for() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let asked = async |options| {
        let connector = with_options(&world, &firm, options).await;
        asked_for(&world, &firm, &connector).await
    };
    let marking = ["Mail.ReadWrite", "MailboxSettings.ReadWrite"];
    assert_eq!(asked(json!({})).await, [&READ[..], &marking].concat());
    assert_eq!(asked(json!({ "mark": false })).await, READ);
    let shared = json!({ "mark": false, "shared_mailboxes": true });
    assert_eq!(asked(shared).await, [&READ[..], &["Mail.Read.Shared"]].concat());
    assert_eq!(asked(json!({ "access": "organization" })).await, READ[..4]);
}

#[tokio::test]
async fn without_marking_nothing_is_written_in_outlook_until_it_is_wanted() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = with_options(&world, &firm, json!({ "mark": false })).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    let unmarked = world.deliver("inbox", "Only read");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &unmarked).await.ok()["state"], "announced");
    let kinds = world.microsoft.requests().by_kind;
    assert!(!kinds.contains_key("message patch") && !kinds.contains_key("category create"), "{kinds:?}");
    world.pass(std::time::Duration::from_secs(3600)).await;
    assert_eq!(world.microsoft.requests().by_kind.get("message patch"), None);

    // More needs somebody who grants it; less holds at once.
    let path = format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector);
    let wished = world.patch(&path, json!({ "mark": true })).await.ok();
    assert_eq!((&wished["mark"], &wished["wanted"]["mark"]), (&json!(false), &json!(true)));
    world.sign_in(&registry.firm, &registry.connector, ADA).await.ok();
    let marked = world.deliver("inbox", "Marked");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &marked).await.ok()["state"], "marked");
    let wished = world.patch(&path, json!({ "mark": false })).await.ok();
    assert_eq!((&wished["mark"], &wished["wanted"]), (&json!(false), &Value::Null));
    let unmarked = world.deliver("inbox", "Only read again");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &unmarked).await.ok()["state"], "announced");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_personal_account_connects_its_own_mailbox_and_hears_what_it_cannot_do() {
    let world = World::new().await;
    let personal = world.microsoft.personal_accounts().unwrap();
    personal.add_user(EVE, "Eve").unwrap();
    let firm = world.firm("Eve").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, EVE).await.ok();
    let mailbox = world.mailbox(&firm, &connector, EVE).await;
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    // Refreshed with scopes in full, the opaque token is good for Graph.
    world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    let mail = Mail::new("From: a@acme.example\r\nSubject: Hello\r\n\r\nHello.\r\n", world.clock.now());
    let mail = world.microsoft.deliver(EVE, "inbox", mail).unwrap().immutable_id;
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");

    let path = format!("/v1/firms/{}/mailboxes", registry.firm);
    let shared = json!({ "connector": registry.connector, "address": "office@outlook.com", "kind": "shared" });
    let refused = world.post(&path, shared).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("personal account"), "{}", refused.body);
    assert_eq!(refused.problem(), "not_for_personal_accounts");
    let path = format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector);
    for change in [json!({ "access": "organization" }), json!({ "shared_mailboxes": true })] {
        let refused = world.patch(&path, change).await;
        assert_eq!(refused.problem(), "not_for_personal_accounts");
    }
    // Where work accounts are needed, Microsoft's own page refuses a personal one.
    for options in [json!({ "access": "organization" }), json!({ "shared_mailboxes": true })] {
        let connector = with_options(&world, &registry.firm, options).await;
        let page = Url::parse(&world.begin_sign_in(&registry.firm, &connector).await.page).unwrap();
        assert!(page.path().starts_with("/organizations/"), "{page}");
    }

    personal.revoke_sessions(EVE).unwrap();
    world.pass(std::time::Duration::from_secs(2 * 3600)).await;
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!(shown["problem"]["microsoft_code"], "AADSTS70000");
    assert_eq!(shown["problem"]["code"], "sign_in_required");
}

#[tokio::test]
async fn a_shared_mailbox_is_opened_by_a_user_who_may() {
    let world = World::new().await;
    world.tenant.add_shared_mailbox("office@lumen.example", "Office").unwrap();
    let firm = world.firm("Lumen").await;
    let connector = with_options(&world, &firm, json!({ "shared_mailboxes": true })).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let path = format!("/v1/firms/{firm}/mailboxes");
    let shared = json!({ "connector": connector, "address": "office@lumen.example", "kind": "shared" });
    assert_eq!(world.post(&path, shared.clone()).await.problem(), "mailbox_out_of_reach");
    world.tenant.grant_full_access(ADA, "office@lumen.example").unwrap();
    let mailbox = world.post(&path, shared).await.ok()["id"].as_str().unwrap().to_owned();
    let selection = json!({ "mode": "all", "folders": [] });
    world.put(&format!("{path}/{mailbox}/selection"), selection).await.ok();
    let registry = Registry { firm, connector, mailbox };
    world.activate(&registry).await;
    let mail = Mail::new("From: a@acme.example\r\nSubject: Hello\r\n\r\nHello.\r\n", world.clock.now());
    let mail = world.microsoft.deliver("office@lumen.example", "inbox", mail).unwrap().immutable_id;
    world.pass(std::time::Duration::from_secs(180)).await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
}

#[tokio::test]
async fn a_firms_own_app_may_be_named_by_a_domain_and_there_is_one() {
    let world = World::new().await;
    administered(&world);
    let firm = world.firm("Lumen").await;
    let own = |tenant: &str, client: &str| json!({ "tenant_id": tenant, "client_id": client, "client_secret": OWN_CLIENT_SECRET });
    let connector = world.connector(&firm, "organization", own("lumen.example", OWN_CLIENT_ID)).await;
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    let registry = Registry { firm: firm.clone(), connector, mailbox };
    world.activate(&registry).await;
    let mail = world.deliver("inbox", "By the firm's own app");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    let body = json!({ "name": "x", "access": "delegated", "app": own("lumen.example", CLIENT_ID) });
    assert_eq!(world.post(&format!("/v1/firms/{firm}/connectors"), body).await.problem(), "other_own_app");
    // Another firm may bring the very same one.
    let other = world.firm("Other").await;
    world.connector(&other, "delegated", own("lumen.example", OWN_CLIENT_ID)).await;
    world.settle(&registry).await;
}

#[tokio::test]
async fn what_microsoft_refuses_at_sign_in_is_told_with_its_code() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    for code in [50076, 50079, 50057, 65004, 90094, 90095, 53003, 7_000_222, 123_456] {
        let connector = world.connector(&firm, "delegated", Value::Null).await;
        match code {
            7_000_222 => world.microsoft.faults().token(code, Times::Forever),
            code => world.microsoft.faults().authorize(code, Times::N(1)),
        }
        let refused = world.sign_in(&firm, &connector, ADA).await;
        assert_eq!(refused.body["microsoft_code"], format!("AADSTS{code}"), "{}", refused.body);
        assert!(refused.body["microsoft_message"].as_str().unwrap().contains("Scripted"), "{}", refused.body);
        let problem = refused.problem();
        world.microsoft.faults().clear();
        // Whoever sent the link sees what became of it, and whose turn it is.
        let shown = world.connector_view(&firm, &connector).await;
        assert_eq!((&shown["state"], &shown["problem"]), (&json!("awaiting_sign_in"), &Value::Null));
        assert_eq!(shown["sign_in_problem"]["code"], problem);
        assert_eq!(shown["sign_in_problem"]["microsoft_code"], format!("AADSTS{code}"));
        world.sign_in(&firm, &connector, ADA).await.ok();
        assert_eq!(world.connector_view(&firm, &connector).await["sign_in_problem"], Value::Null);
    }
}

#[tokio::test]
async fn a_sign_in_is_proven_by_the_new_key_when_microsoft_changes_it() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let asked = || world.microsoft.requests().sign_in.get("keys").copied().unwrap_or_default();
    assert_eq!(asked(), 1);
    world.microsoft.rotate_signing_key().unwrap();
    world.sign_in(&firm, &connector, ADA).await.ok();
    assert_eq!(asked(), 2, "a key that nobody knows yet is looked up at once");
    world.sign_in(&firm, &connector, ADA).await.ok();
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn what_went_wrong_is_told_in_the_callers_language() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.microsoft.faults().authorize(50079, Times::N(1));
    world.sign_in(&firm, &connector, ADA).await.problem();
    let url = format!("http://{}/v1/firms/{firm}/connectors/{connector}", world.host.address);
    for (asked, meaning) in [
        ("fr-BE, en;q=0.5", "La deuxième étape de connexion"),
        ("nl", "De tweede aanmeldstap"),
        ("de-CH", "Der zweite Anmeldeschritt"),
        ("it", "The second sign-in step"),
    ] {
        let request = tests::http().get(&url).bearer_auth(tests::OPERATOR_KEY);
        let shown: Value = request.header("accept-language", asked).send().await.unwrap().json().await.unwrap();
        let told = shown["sign_in_problem"]["meaning"].as_str().unwrap();
        assert!(told.starts_with(meaning), "{asked}: {told}");
    }
    let missing = tests::http().get(format!("{url}0")).bearer_auth(tests::OPERATOR_KEY);
    let missing: Value = missing.header("accept-language", "fr").send().await.unwrap().json().await.unwrap();
    assert_ne!(missing["title"], shared::problem::Code::InvalidRequest.meaning());
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_refused() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let (mine, theirs) = (
        world.connector(&firm, "delegated", Value::Null).await,
        world.connector(&firm, "delegated", Value::Null).await,
    );
    let (my_browser, their_browser) =
        (world.begin_sign_in(&firm, &mine).await, world.begin_sign_in(&firm, &theirs).await);
    let my_callback = world.decide(&my_browser.page, BOB, "accept").await;
    let stolen = Url::parse(&world.decide(&their_browser.page, ADA, "accept").await).unwrap();
    let stolen = stolen.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let mut forged = Url::parse(&my_callback).unwrap();
    let kept: Vec<_> = forged.query_pairs().into_owned().filter(|(name, _)| name != "code").collect();
    forged.query_pairs_mut().clear().extend_pairs(kept).append_pair("code", &stolen);
    let refused = world.complete_sign_in(forged.as_str(), &my_browser.cookie).await.told();
    assert_eq!(refused.body["microsoft_code"], "AADSTS501481", "PKCE binds a code to the sign-in it began with");
    assert!(!refused.body.to_string().contains(&stolen));
    // What was tried with it spent that state, too.
    let again = world.complete_sign_in(&my_callback, &my_browser.cookie).await.told();
    assert_eq!(again.problem(), "sign_in_used");
    assert_eq!(world.connector_view(&firm, &mine).await["state"], "awaiting_sign_in");
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_is_over() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let browser = world.begin_sign_in(&firm, &connector).await;
    let callback = world.decide(&browser.page, ADA, "accept").await;
    world.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(world.complete_sign_in(&callback, &browser.cookie).await.told().problem(), "sign_in_timed_out");
    let shown = world.connector_view(&firm, &connector).await;
    assert_eq!(shown["sign_in_problem"]["code"], "sign_in_timed_out", "{shown}");
    assert_eq!(world.complete_sign_in(&callback, &browser.cookie).await.told().problem(), "sign_in_timed_out", "again");

    let link = world.connector_view(&firm, &connector).await["connect_url"].as_str().unwrap().to_owned();
    world.clock.advance(std::time::Duration::from_secs(24 * 3600 + 1));
    let http = tests::http();
    assert_eq!(http.get(link).send().await.unwrap().status(), StatusCode::BAD_REQUEST, "a link that is a day old");
}

#[tokio::test]
async fn a_connector_is_reconnected_by_its_own_account_only() {
    let world = World::new().await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let elsewhere = world.microsoft.tenant("Elsewhere", "elsewhere.example").unwrap();
    elsewhere.add_user("mallory@elsewhere.example", "Mallory").unwrap();
    elsewhere.make_admin("mallory@elsewhere.example").unwrap();
    let registry = world.registry().await;
    for other in [BOB, "mallory@elsewhere.example"] {
        let refused = world.sign_in(&registry.firm, &registry.connector, other).await;
        assert_eq!(refused.problem(), "wrong_account", "{other}");
    }
    let path = format!("/v1/firms/{}/connectors/{}", registry.firm, registry.connector);
    world.patch(&path, json!({ "access": "organization" })).await.ok();
    let refused = world.sign_in(&registry.firm, &registry.connector, "mallory@elsewhere.example").await;
    assert_eq!(refused.problem(), "wrong_account", "an administrator of another tenant");
    let shown = world.connector_view(&registry.firm, &registry.connector).await;
    assert_eq!((&shown["state"], &shown["connected_as"]), (&json!("connected"), &json!(ADA)));
    let mail = world.deliver("inbox", "As before");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &mail).await.ok()["state"], "marked");
    world.settle(&registry).await;
}

#[tokio::test]
async fn a_consent_that_names_another_tenant_binds_nothing() {
    let world = World::new().await;
    administered(&world);
    let victim = world.microsoft.tenant("Victim", "victim.example").unwrap();
    victim.grant_admin_consent(CLIENT_ID).unwrap();
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "organization", Value::Null).await;
    world.microsoft.faults().consent(ConsentFault::ForgedTenant(victim.id()), Times::N(1));
    assert_eq!(world.sign_in(&firm, &connector, ADMIN).await.problem(), "wrong_account");
    let shown = world.connector_view(&firm, &connector).await;
    assert_eq!((&shown["state"], &shown["connected_as"]), (&json!("awaiting_sign_in"), &Value::Null));
}

#[tokio::test]
async fn a_link_that_was_changed_leads_nowhere() {
    let world = World::new().await;
    let (firm, other) = (world.firm("Lumen").await, world.firm("Other").await);
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let others = world.connector(&other, "delegated", Value::Null).await;
    let link = world.connector_view(&firm, &connector).await["connect_url"].as_str().unwrap().to_owned();
    let (root, ticket) = link.rsplit_once('/').unwrap();
    let http = tests::http();
    let mut changed = ticket.to_owned().into_bytes();
    let last = changed.len() - 5;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for ticket in [changed.as_str(), &connector, &others, "x", "k1.", &format!("{ticket}A")] {
        let answer = http.get(format!("{root}/{ticket}")).header("accept", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{ticket}");
        assert!(answer.headers().get("location").is_none());
    }
    // Nor does a state that names another firm find the sign-in of this one.
    let browser = world.begin_sign_in(&firm, &connector).await;
    let callback = world.decide(&browser.page, ADA, "accept").await;
    let refused = world.complete_sign_in(&callback.replace(&firm, &other), &browser.cookie).await.told();
    assert_eq!(refused.problem(), "sign_in_expired");
    assert!(world.complete_sign_in(&callback, &browser.cookie).await.told().status.is_success());
}

/// Opens a link or comes back by one, in a browser with these cookies, as a program.
async fn opened(url: &str, cookies: &str) -> (StatusCode, Value) {
    let request = tests::http().get(url).header("cookie", cookies).header("accept", "application/json");
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn two_sign_ins_in_one_browser_both_count_whichever_ends_first() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    for first in [0, 1] {
        let connectors = [
            world.connector(&firm, "delegated", Value::Null).await,
            world.connector(&firm, "delegated", Value::Null).await,
        ];
        let one = world.begin_sign_in(&firm, &connectors[0]).await;
        let two = world.begin_sign_in(&firm, &connectors[1]).await;
        let jar = format!("{}; {}", one.cookie, two.cookie);
        let back = [world.decide(&one.page, ADA, "accept").await, world.decide(&two.page, ADA, "accept").await];
        for callback in [&back[first], &back[1 - first]] {
            let (status, body) = opened(callback, &jar).await;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        // Neither cookie stands for the other sign-in.
        let (one, two) =
            (world.begin_sign_in(&firm, &connectors[0]).await, world.begin_sign_in(&firm, &connectors[1]).await);
        let callback = world.decide(&one.page, ADA, "accept").await;
        assert_eq!(opened(&callback, &two.cookie).await.1["code"], "sign_in_other_browser");
    }
}

#[tokio::test]
async fn the_page_of_a_link_that_leads_nowhere_says_why() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let link = async || world.connector_view(&firm, &connector).await["connect_url"].as_str().unwrap().to_owned();
    let (used, other) = (link().await, link().await);
    let code =
        async |url: &str, cookies: &str| opened(url, cookies).await.1["code"].as_str().unwrap_or_default().to_owned();

    // A mail filter opens a link before the person does: it still works.
    assert!(opened(&used, "").await.0.is_redirection());
    let browser = Browser::sent_on(&tests::http().get(&used).send().await.unwrap());
    let callback = world.decide(&browser.page, ADA, "accept").await;
    assert_eq!(code(&callback, "").await, "sign_in_other_browser");
    assert_eq!(opened(&callback, &browser.cookie).await.0, StatusCode::OK);
    // From now on it connects nobody, in whatever browser; another link of the connector does.
    assert_eq!(code(&callback, &browser.cookie).await, "already_connected");
    assert_eq!(code(&callback, "").await, "already_connected");
    assert_eq!(code(&used, "").await, "already_connected");
    assert!(opened(&other, "").await.0.is_redirection());
    for (language, part) in [
        ("en", "the connector is connected, and nothing is left to do"),
        ("fr", "le connecteur est connecté"),
        ("nl", "de connector is verbonden"),
        ("de", "der Konnektor ist verbunden"),
    ] {
        let page = tests::http().get(&used).header("accept-language", language).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains(part), "{page}");
    }
    // The person may be needed again; the link that they used before is not the one.
    world.tenant.revoke_sessions(ADA).unwrap();
    let mailbox = world.mailbox(&firm, &connector, ADA).await;
    world.activate(&Registry { firm: firm.clone(), connector: connector.clone(), mailbox }).await;
    world.pass(std::time::Duration::from_secs(2 * 3600)).await;
    assert_eq!(world.connector_view(&firm, &connector).await["state"], "action_required");
    assert_eq!(code(&used, "").await, "link_used");
    assert_eq!(code(&link().await.replace("/k1.", "/k1.A"), "").await, "link_damaged");
    world.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(code(&used, "").await, "link_expired");
}

#[tokio::test]
async fn no_parameter_sends_a_browser_elsewhere() {
    let world = World::new().await;
    let firm = world.firm("Lumen").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    let link = world.connector_view(&firm, &connector).await["connect_url"].as_str().unwrap().to_owned();
    let http = tests::http();
    let evil = "https://evil.example/";
    for name in ["redirect_uri", "return_url", "next", "state", "authority", "login_hint"] {
        let answer = http.get(format!("{link}?{name}={evil}")).header("host", "evil.example").send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(&world.host.app.config.microsoft.login.at("/")), "{location}");
        assert!(!location.contains("evil"), "{location}");
        let back = format!("http://{}/oauth/callback?{name}={evil}&error=x", world.host.address);
        let answer = http.get(back).send().await.unwrap();
        assert!(answer.headers().get("location").is_none());
        assert!(!answer.text().await.unwrap().contains("evil.example"));
    }
}
