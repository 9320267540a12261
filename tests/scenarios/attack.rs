//! Attacks: what somebody with one firm's key, an account at Microsoft and patience tries, through Microsoft's own
//! pages.

use std::time::Duration;

use microsoft365::{DirectoryRole, GroupMembershipClaims};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::{
    access::{
        connector::{ConnectedAccount, Connector, ConnectorState},
        tenancy::{self, HeldTenancy},
    },
    aws::table::Write,
};
use tests::{ADA, Arrived, Browser, CLIENT_ID, OWN_CLIENT_ID, OWN_CLIENT_SECRET, World};

const ADMIN: &str = "admin@lumen.example";
/// An ordinary user of the victim's tenant.
const MALLORY: &str = "mallory@lumen.example";

/// A world in which a firm has organisation-wide access to Lumen's tenant, and another firm wants it.
struct Scene {
    world: World,
    victim: String,
    attacker: String,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        world.tenant.add_user(ADMIN, "The administrator").unwrap();
        world.tenant.make_admin(ADMIN).unwrap();
        world.tenant.add_user(MALLORY, "Mallory").unwrap();
        let victim = world.firm("Lumen").await;
        let connector = organization(&world, &victim).await;
        world.sign_in(&victim, &connector, ADMIN).await.ok();
        let attacker = world.firm("Elsewhere").await;
        Self { world, victim, attacker }
    }

    /// How Entra tells roles: not at all unless the registration says so.
    fn roles_are_told(&self, told: bool) {
        for client_id in [CLIENT_ID, OWN_CLIENT_ID] {
            let app = self.world.microsoft.app(client_id).unwrap();
            let claims = if told { GroupMembershipClaims::DirectoryRole } else { GroupMembershipClaims::None };
            self.world.microsoft.register_app(app.with_group_membership_claims(claims)).unwrap();
        }
    }

    /// Nothing of the tenant is open to this connector, however it is asked.
    async fn stays_closed(&self, connector: &str) {
        let Self { world, attacker, .. } = self;
        let shown = world.connector_view(attacker, connector).await;
        assert_eq!((&shown["state"], &shown["connected_as"]), (&json!("awaiting_sign_in"), &Value::Null));
        let body = json!({ "connector": connector, "address": ADA, "kind": "user" });
        let refused = world.post(&format!("/v1/firms/{attacker}/mailboxes"), body).await;
        assert!(refused.status.is_client_error(), "{}", refused.body);
        let path = format!("/v1/firms/{attacker}/connectors/{connector}/validate");
        let checked = world.post(&path, json!({ "mailbox": ADA })).await;
        assert!(checked.status.is_client_error() || checked.body["ok"] == false, "{}", checked.body);
    }

    async fn tenants(&self) -> Vec<Value> {
        self.world.get("/v1/tenants").await.ok()["items"].as_array().unwrap().clone()
    }

    /// Grants what the connector waits for, or has; of one that waits for nothing, some tenant.
    async fn grant(&self, firm: &str, connector: &str) -> tests::Answer {
        let tenant = self.world.connector_view(firm, connector).await["organization"]["tenant_id"].clone();
        let tenant = if tenant.is_null() { json!("6f9619ff-8b86-4011-b42d-00c04fc964ff") } else { tenant };
        self.grant_of(firm, connector, &tenant).await
    }

    async fn grant_of(&self, firm: &str, connector: &str, tenant: &Value) -> tests::Answer {
        let path = format!("/v1/firms/{firm}/connectors/{connector}/grant");
        self.world.post(&path, json!({ "tenant_id": tenant })).await
    }
}

async fn organization(world: &World, firm: &str) -> String {
    world.connector(firm, "organization", Value::Null).await
}

/// The first page, as `account`: where the browser is sent then.
async fn step_one(world: &World, firm: &str, connector: &str, account: &str) -> Arrived {
    let browser = world.begin_sign_in(firm, connector).await;
    let callback = world.decide(&browser.page, account, "accept").await;
    world.complete_sign_in(&callback, &browser.cookie).await
}

/// The second page is left; the browser calls us as if somebody had consented there.
async fn pretend_consent(world: &World, browser: &Browser) -> tests::Answer {
    let page = reqwest::Url::parse(&browser.page).unwrap();
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let callback = format!("http://{}/oauth/callback?state={state}&admin_consent=True", world.host.address);
    world.complete_sign_in(&callback, &browser.cookie).await.told()
}

/// The last sign-ins that the firm's trail has: who, and what came of it.
async fn trail(world: &World, firm: &str) -> Vec<(String, u64)> {
    let entries = world.get(&format!("/v1/firms/{firm}/audit?limit=100")).await.ok();
    let entries = entries["items"].as_array().unwrap().clone();
    let sign_ins = entries.into_iter().filter(|entry| entry["action"] == "GET /oauth/callback");
    let told = |entry: Value| {
        (entry["who"]["address"].as_str().unwrap_or("nobody").to_owned(), entry["outcome"].as_u64().unwrap())
    };
    sign_ins.map(told).collect()
}

#[tokio::test]
async fn an_ordinary_user_opens_no_organisation_that_consented_for_another_firm() {
    let scene = Scene::new().await;
    let (world, attacker) = (&scene.world, &scene.attacker);
    let connector = organization(world, attacker).await;
    let refused = step_one(world, attacker, &connector, MALLORY).await.told();
    assert!(refused.body["next_action"].as_str().unwrap().contains("activate"), "{}", refused.body);
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::FORBIDDEN, "administrator_role_missing"));
    scene.stays_closed(&connector).await;
    let shown = world.connector_view(attacker, &connector).await;
    assert_eq!(shown["sign_in_problem"]["code"], "administrator_role_missing");
    assert_eq!(trail(world, attacker).await, [(MALLORY.to_owned(), 403)]);
    assert_eq!(scene.tenants().await[0]["waiting"], json!([]), "who may not at all waits for nothing");
}

#[tokio::test]
async fn an_administrator_who_leaves_the_consent_page_connects_nothing() {
    let world = World::new().await;
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    let firm = world.firm("Lumen").await;
    let connector = organization(&world, &firm).await;
    let Arrived::GoOn(browser) = step_one(&world, &firm, &connector, ADMIN).await else { panic!("no second page") };
    assert_eq!(pretend_consent(&world, &browser).await.problem(), "consent_required");
    let shown = world.connector_view(&firm, &connector).await;
    assert_eq!(
        (&shown["state"], &shown["sign_in_problem"]["code"]),
        (&json!("awaiting_sign_in"), &json!("consent_required"))
    );
    assert_eq!(world.get("/v1/tenants").await.ok()["items"], json!([]), "the tenant belongs to nobody yet");
    // Consent really given, it works.
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    assert_eq!(world.connector_view(&firm, &connector).await["state"], "connected");
}

#[tokio::test]
async fn a_key_that_may_only_read_sees_no_link_that_connects_and_no_cursor_is_guessed() {
    let scene = Scene::new().await;
    let (world, firm) = (&scene.world, &scene.victim);
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "reader", "rights": ["read"] })).await.ok();
    let connectors = format!("/v1/firms/{firm}/connectors");
    let seen = world.request(key["key"].as_str(), Method::GET, &connectors, None).await.ok();
    assert_eq!(seen["items"][0]["connect_url"], Value::Null);
    assert!(world.get(&connectors).await.ok()["items"][0]["connect_url"].is_string());
    for cursor in ["zzzz", "-1", "%00%ff", "99999999999999999999999"] {
        let answer = world.get(&format!("/v1/firms/{firm}/audit?after={cursor}")).await;
        assert_eq!(answer.problem(), "invalid_request", "{cursor}");
    }
}

#[tokio::test]
async fn where_roles_are_not_told_neither_a_refused_consent_nor_a_pretended_one_opens_anything() {
    let scene = Scene::new().await;
    scene.roles_are_told(false);
    let (world, attacker) = (&scene.world, &scene.attacker);
    let connector = organization(world, attacker).await;

    let Arrived::GoOn(browser) = step_one(world, attacker, &connector, MALLORY).await else { panic!("no second page") };
    let callback = world.decide(&browser.page, MALLORY, "accept").await;
    assert!(callback.contains("AADSTS90094"), "{callback}");
    // Microsoft refused; the browser does not tell.
    let waits = pretend_consent(world, &browser).await;
    assert_eq!(waits.body["who"], "operator");
    assert!(!waits.body.to_string().contains(&scene.victim), "whose the tenant is, is told to nobody: {}", waits.body);
    assert_eq!(waits.problem(), "tenant_grant_required");
    scene.stays_closed(&connector).await;
    // Once more with the same state, and with the refusal after all: it counted once.
    assert_eq!(pretend_consent(world, &browser).await.problem(), "sign_in_used");
    assert_eq!(world.complete_sign_in(&callback, &browser.cookie).await.told().problem(), "sign_in_used");
    assert_eq!(trail(world, attacker).await, [(MALLORY.to_owned(), 409)]);
    world.pass(Duration::from_secs(7 * 3600)).await;
    scene.stays_closed(&connector).await;

    let tenants = scene.tenants().await;
    assert_eq!(tenants.len(), 1, "{tenants:?}");
    assert_eq!(tenants[0]["firms"][0]["firm"], json!(scene.victim));
    let waiting = &tenants[0]["waiting"][0];
    assert_eq!((&waiting["firm"], &waiting["address"]), (&json!(attacker), &json!(MALLORY)));
    // Neither firm can grant it, nor see who else is there.
    for firm in [attacker, &scene.victim] {
        let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "key" })).await.ok();
        let key = key["key"].as_str();
        let path = format!("/v1/firms/{attacker}/connectors/{connector}/grant");
        assert_eq!(world.request(key, Method::POST, &path, Some(json!({}))).await.problem(), "not_found");
        assert_eq!(world.request(key, Method::GET, "/v1/tenants", None).await.problem(), "not_found");
    }
}

#[tokio::test]
async fn only_roles_that_may_consent_to_application_rights_open_an_organisation_and_only_while_active() {
    use DirectoryRole::*;
    let world = World::new().await;
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    let firm = world.firm("Lumen").await;
    let connector = organization(&world, &firm).await;
    for role in [UserAdministrator, ApplicationAdministrator, CloudApplicationAdministrator] {
        world.tenant.assign_role(ADMIN, role).unwrap();
        assert_eq!(world.sign_in(&firm, &connector, ADMIN).await.problem(), "administrator_role_missing", "{role:?}");
    }
    for role in [PrivilegedRoleAdministrator, GlobalAdministrator] {
        let connector = organization(&world, &firm).await;
        world.tenant.make_eligible(ADMIN, role).unwrap();
        assert_eq!(world.sign_in(&firm, &connector, ADMIN).await.problem(), "administrator_role_missing", "{role:?}");
        world.tenant.assign_role(ADMIN, role).unwrap();
        world.sign_in(&firm, &connector, ADMIN).await.ok();
        assert_eq!(world.connector_view(&firm, &connector).await["state"], "connected", "{role:?}");
        world.tenant.remove_role(ADMIN, role).unwrap();
    }
    // Who may connect a person's mailbox does not change by this.
    let own = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &own, ADA).await.ok();
}

#[tokio::test]
async fn a_second_firm_waits_for_the_operators_grant_even_as_an_administrator() {
    let scene = Scene::new().await;
    let (world, second) = (&scene.world, &scene.attacker);
    let connector = organization(world, second).await;
    assert_eq!(scene.grant(second, &connector).await.problem(), "not_connected", "nobody signed in");
    assert_eq!(world.sign_in(second, &connector, ADMIN).await.problem(), "tenant_grant_required");
    scene.stays_closed(&connector).await;
    let shown = world.connector_view(second, &connector).await;
    assert_eq!(shown["sign_in_problem"]["who"], "operator");
    assert_eq!(shown["organization"]["awaits_grant"], true);

    world.clock.advance(Duration::from_secs(1));
    // A grant that was meant for another tenant opens nothing.
    let another = json!("6f9619ff-8b86-4011-b42d-00c04fc964ff");
    assert_eq!(scene.grant_of(second, &connector, &another).await.problem(), "tenant_grant_required");
    scene.stays_closed(&connector).await;
    let granted = scene.grant(second, &connector).await.ok();
    assert_eq!((&granted["state"], &granted["connected_as"]), (&json!("connected"), &json!(ADMIN)));
    assert_eq!((&granted["sign_in_problem"], &granted["organization"]["awaits_grant"]), (&Value::Null, &json!(false)));
    world.mailbox(second, &connector, ADA).await;
    let tenants = scene.tenants().await;
    let firms: Vec<&Value> = tenants[0]["firms"].as_array().unwrap().iter().map(|holder| &holder["firm"]).collect();
    assert_eq!(firms, [&json!(scene.victim), &json!(second)]);
    assert_eq!(tenants[0]["waiting"], json!([]));
    let audit = world.get(&format!("/v1/firms/{second}/audit?limit=100")).await.ok();
    let grants = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["action"].as_str().unwrap().ends_with("/grant") && !e["outcome"].is_null());
    assert_eq!(
        grants.map(|e| (e["who"]["kind"].clone(), e["outcome"].clone())).collect::<Vec<_>>(),
        [409, 409, 200].map(|outcome| (json!("operator"), json!(outcome))),
    );
    // The firm has access now: to connect again, or one more connector, needs no second grant.
    assert_eq!(scene.grant(second, &connector).await.ok()["state"], "connected");
    world.sign_in(second, &connector, ADMIN).await.ok();
    let another = organization(world, second).await;
    world.sign_in(second, &another, ADMIN).await.ok();
}

#[tokio::test]
async fn the_operators_grant_opens_nothing_without_microsofts_consent() {
    let scene = Scene::new().await;
    scene.roles_are_told(false);
    let (world, firm) = (&scene.world, &scene.attacker);
    let connector = organization(world, firm).await;
    assert_eq!(world.sign_in(firm, &connector, ADMIN).await.problem(), "tenant_grant_required");
    world.tenant.withdraw_consent(CLIENT_ID).unwrap();
    assert_eq!(scene.grant(firm, &connector).await.problem(), "app_unknown");
    scene.stays_closed(&connector).await;
    world.tenant.grant_admin_consent(CLIENT_ID).unwrap();
    assert_eq!(scene.grant(firm, &connector).await.ok()["state"], "connected");
}

#[tokio::test]
async fn an_administrator_of_another_organisation_and_a_guest_open_nothing() {
    let scene = Scene::new().await;
    let (world, attacker) = (&scene.world, &scene.attacker);
    let elsewhere = world.microsoft.tenant("Elsewhere", "elsewhere.example").unwrap();
    elsewhere.add_user("eve@elsewhere.example", "Eve").unwrap();
    elsewhere.make_admin("eve@elsewhere.example").unwrap();
    let connector = organization(world, attacker).await;
    // Eve proves her own organisation, and calls us as if Lumen had consented.
    let Arrived::GoOn(browser) = step_one(world, attacker, &connector, "eve@elsewhere.example").await else { panic!() };
    let page = reqwest::Url::parse(&browser.page).unwrap();
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let (address, lumen) = (world.host.address, world.tenant.id());
    let callback = format!("http://{address}/oauth/callback?state={state}&admin_consent=True&tenant={lumen}");
    assert_eq!(world.complete_sign_in(&callback, &browser.cookie).await.told().problem(), "wrong_account");
    scene.stays_closed(&connector).await;
    // Without a word about the tenant it is Eve's own that is connected, and Lumen is as closed as before.
    elsewhere.grant_admin_consent(CLIENT_ID).unwrap();
    let Arrived::GoOn(browser) = step_one(world, attacker, &connector, "eve@elsewhere.example").await else { panic!() };
    pretend_consent(world, &browser).await.ok();
    let shown = world.connector_view(attacker, &connector).await;
    assert_eq!(shown["organization"]["tenant_id"], json!(elsewhere.id()));
    let body = json!({ "connector": connector, "address": ADA, "kind": "user" });
    let refused = world.post(&format!("/v1/firms/{attacker}/mailboxes"), body).await;
    assert!(refused.status.is_client_error(), "{}", refused.body);

    // As a guest of Lumen she has an account there, and no role. A guest signs in at the tenant's own address only.
    let guest = "eve_elsewhere.example#EXT#@lumen.example";
    world.tenant.add_guest(guest, "Eve").unwrap();
    let own = json!({ "tenant_id": lumen, "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET });
    let connector = world.connector(attacker, "organization", own).await;
    let browser = world.begin_sign_in(attacker, &connector).await;
    let callback = world.decide(&browser.page, &guest.replace('#', "%23"), "accept").await;
    let refused = world.complete_sign_in(&callback, &browser.cookie).await.told();
    assert_eq!(refused.problem(), "administrator_role_missing");
}

#[tokio::test]
async fn a_firms_own_app_proves_no_more_than_the_platforms() {
    let scene = Scene::new().await;
    let (world, attacker) = (&scene.world, &scene.attacker);
    world.tenant.grant_admin_consent(OWN_CLIENT_ID).unwrap();
    let own = json!({
        "tenant_id": world.tenant.id(), "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET,
    });
    let connector = world.connector(attacker, "organization", own).await;
    assert_eq!(world.sign_in(attacker, &connector, MALLORY).await.problem(), "administrator_role_missing");
    scene.roles_are_told(false);
    let Arrived::GoOn(browser) = step_one(world, attacker, &connector, MALLORY).await else { panic!() };
    assert_eq!(pretend_consent(world, &browser).await.problem(), "tenant_grant_required");
    scene.stays_closed(&connector).await;
}

#[tokio::test]
async fn an_upgrade_that_waits_leaves_the_connector_as_it_is_and_can_be_withdrawn() {
    let scene = Scene::new().await;
    let (world, firm) = (&scene.world, &scene.attacker);
    let connector = world.connector(firm, "delegated", Value::Null).await;
    world.sign_in(firm, &connector, MALLORY).await.ok();
    let path = format!("/v1/firms/{firm}/connectors/{connector}");
    world.patch(&path, json!({ "access": "organization" })).await.ok();
    assert_eq!(world.sign_in(firm, &connector, ADMIN).await.problem(), "tenant_grant_required");
    let shown = world.connector_view(firm, &connector).await;
    assert_eq!(
        (&shown["state"], &shown["access"], &shown["connected_as"]),
        (&json!("connected"), &json!("delegated"), &json!(MALLORY))
    );
    world.mailbox(firm, &connector, MALLORY).await;
    let body = json!({ "connector": connector, "address": ADA, "kind": "user" });
    assert!(world.post(&format!("/v1/firms/{firm}/mailboxes"), body).await.status.is_client_error());
    let shown = world.patch(&path, json!({ "access": "delegated" })).await.ok();
    assert_eq!((&shown["organization"], &shown["sign_in_problem"]), (&Value::Null, &Value::Null));
    assert_eq!(scene.tenants().await[0]["waiting"], json!([]));
    assert_eq!(scene.grant(firm, &connector).await.problem(), "nothing_to_grant");

    // Once more, and granted.
    world.patch(&path, json!({ "access": "organization" })).await.ok();
    world.sign_in(firm, &connector, ADMIN).await.problem();
    world.clock.advance(Duration::from_secs(1));
    let granted = scene.grant(firm, &connector).await.ok();
    assert_eq!((&granted["access"], &granted["connected_as"]), (&json!("organization"), &json!(ADMIN)));
    world.mailbox(firm, &connector, ADA).await;
}

#[tokio::test]
async fn a_tenant_is_free_again_with_its_firms_last_connector_and_when_the_firm_is_erased() {
    let scene = Scene::new().await;
    let (world, firm) = (&scene.world, &scene.attacker);
    let first = world.get(&format!("/v1/firms/{}/connectors", scene.victim)).await.ok();
    let path = format!("/v1/firms/{}/connectors/{}", scene.victim, first["items"][0]["id"].as_str().unwrap());
    let another = organization(world, &scene.victim).await;
    world.sign_in(&scene.victim, &another, ADMIN).await.ok();
    for (path, connector) in [
        (path, first["items"][0]["id"].as_str().unwrap()),
        (format!("/v1/firms/{}/connectors/{another}", scene.victim), another.as_str()),
    ] {
        let waits = organization(world, firm).await;
        assert_eq!(world.sign_in(firm, &waits, ADMIN).await.problem(), "tenant_grant_required");
        world.patch(&path, json!({ "access": "delegated" })).await.ok();
        world.sign_in(&scene.victim, connector, ADA).await.ok();
    }
    let connector = organization(world, firm).await;
    world.sign_in(firm, &connector, ADMIN).await.ok();
    tenancy::release_tenants(&world.host.app.table, firm.parse().unwrap()).await.unwrap();
    assert_eq!(scene.tenants().await, [] as [Value; 0]);
}

#[tokio::test]
async fn of_two_firms_that_were_connected_before_both_work_on_and_the_earlier_is_the_owner() {
    let scene = Scene::new().await;
    let (world, later) = (&scene.world, &scene.attacker);
    let connector = organization(world, later).await;
    // As an earlier version left it: connected, and no tenant written down.
    let table = &world.host.app.table;
    let mut row = Connector::find(table, later.parse().unwrap(), connector.parse().unwrap()).await.unwrap().unwrap();
    let (tenant_id, address) = (world.tenant.id().to_string().parse().unwrap(), ADMIN.to_owned());
    row.value.account = Some(ConnectedAccount { tenant_id, user_id: None, address });
    row.value.state = ConnectorState::Connected;
    row.value.connected_at = Some(world.clock.now());
    table.write(Write::replace(&row)).await.unwrap();
    tenancy::release_tenants(table, scene.victim.parse().unwrap()).await.unwrap();
    let victims = world.get(&format!("/v1/firms/{}/connectors", scene.victim)).await.ok();
    let victims = victims["items"][0]["id"].as_str().unwrap().to_owned();
    let find = async |firm: &str, id: &str| {
        Connector::find(table, firm.parse().unwrap(), id.parse().unwrap()).await.unwrap().unwrap()
    };
    let mut row = find(&scene.victim, &victims).await;
    row.value.connected_at = Some(world.clock.now() - Duration::from_secs(86_400));
    table.write(Write::replace(&row)).await.unwrap();

    for (firm, id) in [(later, &connector), (&scene.victim, &victims)] {
        shared::health::connector_check::check_connector(&world.host.app, firm.parse().unwrap(), id.parse().unwrap())
            .await
            .unwrap();
    }
    let tenants = scene.tenants().await;
    let firms: Vec<&Value> = tenants[0]["firms"].as_array().unwrap().iter().map(|holder| &holder["firm"]).collect();
    assert_eq!(firms, [&json!(scene.victim), &json!(later)]);
    world.mailbox(later, &connector, ADA).await;
}

#[tokio::test]
async fn of_two_firms_that_connect_one_tenant_at_once_one_has_it() {
    let world = World::new().await;
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    let mut browsers = Vec::new();
    for name in ["One", "Two"] {
        let firm = world.firm(name).await;
        let connector = organization(&world, &firm).await;
        let Arrived::GoOn(browser) = step_one(&world, &firm, &connector, ADMIN).await else { panic!() };
        browsers.push((world.decide(&browser.page, ADMIN, "accept").await, browser.cookie));
    }
    let [one, two] = [&browsers[0], &browsers[1]];
    let (one, two) = tokio::join!(world.complete_sign_in(&one.0, &one.1), world.complete_sign_in(&two.0, &two.1));
    let (one, two) = (one.told(), two.told());
    assert!(one.status.is_success() != two.status.is_success(), "{} {}", one.body, two.body);
    let loser = if one.status.is_success() { two } else { one };
    assert_eq!(loser.problem(), "tenant_grant_required");
    let tenant = world.tenant.id().to_string().parse().unwrap();
    let held = HeldTenancy::read(&world.host.app.table, &tenant).await.unwrap();
    assert_eq!((held.value.holders.len(), held.value.waiting.len()), (1, 1));
}

#[tokio::test]
async fn the_domains_that_microsoft_verified_are_shown_beside_the_firms_own() {
    let world = World::new().await;
    world.tenant.add_user(ADMIN, "The administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    world.tenant.verify_domain("Lumen-Avocats.example").unwrap();
    let body = json!({
        "name": "Lumen", "domains": ["lumen.example", "other.example"], "language": "en", "time_zone": "Europe/Paris",
    });
    let firm = world.post("/v1/firms", body).await.ok()["id"].as_str().unwrap().to_owned();
    let connector = organization(&world, &firm).await;
    assert_eq!(world.connector_view(&firm, &connector).await["organization"], Value::Null);
    world.sign_in(&firm, &connector, ADMIN).await.ok();
    assert_eq!(
        world.connector_view(&firm, &connector).await["organization"],
        json!({
            "tenant_id": world.tenant.id(),
            "awaits_grant": false,
            "verified_domains": ["lumen.example", "lumen-avocats.example"],
            "unverified_domains": ["other.example"],
        })
    );
}
