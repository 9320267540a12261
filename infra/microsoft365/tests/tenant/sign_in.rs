use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use microsoft365::{App, ConsentFault, DirectoryRole, GroupMembershipClaims, Secret, Times};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::office::*;

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn aadsts(body: &Value) -> u64 {
    let code = body["error_codes"][0].as_u64().unwrap();
    assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{code}: ")));
    code
}

fn refresh_grant(token: &str) -> [(&str, &str); 4] {
    [("grant_type", "refresh_token"), ("client_id", CLIENT), ("client_secret", SECRET), ("refresh_token", token)]
}

#[tokio::test]
async fn a_person_signs_in_and_the_tokens_say_who_it_is() {
    let office = Office::open().await;
    let url = office.authorize_url("common", &[("scope", SCOPES), ("nonce", "n-1"), ("login_hint", ADA)]);
    let page = office.http.get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains(ADA) && page.contains("Mail.ReadWrite") && !page.contains(INFO) && !page.contains("<script"));
    let back = office.decide(&url, ADA, "accept").await;
    assert_eq!(field(&back, "state"), "st&te");
    let (status, tokens) = office.token("common", &code_grant(field(&back, "code"))).await;
    assert_eq!(status, 200);
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["preferred_username"], ADA);
    assert_eq!(claims["tid"], office.tenant.id().to_string());
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["iss"], format!("{}/{}/v2.0", office.origin, office.tenant.id()));
    assert!(!tokens["scope"].as_str().unwrap().contains("offline_access"));
    let graph = Graph { office: &office, token: tokens["access_token"].as_str().unwrap().to_owned() };
    assert_eq!(graph.ok("/me").await["id"], claims["oid"]);
}

#[tokio::test]
async fn an_id_token_is_signed_with_the_published_key() {
    let office = Office::open().await;
    let tokens = office.sign_in(ADA, "openid profile User.Read").await;
    assert!(tokens.get("refresh_token").is_none());
    let keys: Value = office
        .http
        .get(format!("{}/common/discovery/v2.0/keys", office.origin))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let key = &keys["keys"][0];
    let decoding =
        jsonwebtoken::DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[CLIENT]);
    validation.validate_exp = false; // the office's clock is its own
    let header = jsonwebtoken::decode_header(tokens["id_token"].as_str().unwrap()).unwrap();
    assert_eq!(header.kid.as_deref(), key["kid"].as_str());
    jsonwebtoken::decode::<Value>(tokens["id_token"].as_str().unwrap(), &decoding, &validation).unwrap();
}

#[tokio::test]
async fn a_code_is_redeemed_once_in_ten_minutes_at_its_authority_with_its_verifier() {
    let office = Office::open().await;
    let verifier = "a-verifier-of-at-least-forty-three-characters-or-so";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let url = office.authorize_url(
        "organizations",
        &[("scope", SCOPES), ("code_challenge", &challenge), ("code_challenge_method", "S256")],
    );
    let redeem = async |authority: &str, verifier: &str, wait: SignedDuration| {
        let back = office.decide(&url, ADA, "accept").await;
        office.pass(wait);
        let code = field(&back, "code").to_owned();
        let form = [&code_grant(&code)[..], &[("code_verifier", verifier)]].concat();
        let first = office.token(authority, &form).await;
        (first, office.token(authority, &form).await)
    };
    let now = SignedDuration::ZERO;
    let (first, second) = redeem("organizations", verifier, now).await;
    assert_eq!(first.0, 200);
    assert_eq!((second.0, aadsts(&second.1)), (400, 54005));
    assert_eq!(aadsts(&redeem("organizations", "another", now).await.0.1), 501_481);
    assert_eq!(aadsts(&redeem("common", verifier, now).await.0.1), 700_005);
    assert_eq!(aadsts(&redeem("organizations", verifier, SignedDuration::from_mins(11)).await.0.1), 70008);
}

#[tokio::test]
async fn nothing_is_sent_to_a_redirect_uri_that_is_not_registered() {
    let office = Office::open().await;
    let url = office.authorize_url("common", &[("scope", SCOPES)]).replace("callback", "callback%2F");
    let answer = office.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("AADSTS50011"));
}

#[tokio::test]
async fn a_person_may_cancel_and_form_post_brings_the_error_back() {
    let office = Office::open().await;
    let url = office.authorize_url("common", &[("scope", SCOPES)]);
    let back = office.decide(&url, ADA, "cancel").await;
    assert_eq!(field(&back, "error"), "access_denied");
    let url = office.authorize_url("common", &[("scope", SCOPES), ("response_mode", "form_post")]);
    let form = encoded(&[("account", ADA), ("action", "cancel")]);
    let page =
        office.http.post(url).header("content-type", FORM).body(form).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("name=\"error\" value=\"access_denied\"") && page.contains("value=\"st&amp;te\""), "{page}");
    let url = office.authorize_url("common", &[("scope", SCOPES), ("prompt", "none")]);
    let answer = office.http.get(url).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().contains("error=login_required"));
}

#[tokio::test]
async fn where_users_may_not_consent_an_administrator_must() {
    let office = Office::open().await;
    office.tenant.set_user_consent(false).unwrap();
    let url = office.authorize_url("common", &[("scope", "openid Mail.Read")]);
    let back = office.decide(&url, ADA, "accept").await;
    assert!(field(&back, "error_description").starts_with("AADSTS90094"));
    office.tenant.grant_admin_consent(CLIENT).unwrap();
    assert_ne!(field(&office.decide(&url, ADA, "accept").await, "code"), "");
}

#[tokio::test]
async fn a_refresh_token_is_renewed_at_each_use_and_the_old_one_lives_on() {
    let office = Office::open().await;
    let old = office.sign_in(ADA, SCOPES).await["refresh_token"].as_str().unwrap().to_owned();
    let (status, first) = office.token("common", &refresh_grant(&old)).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], old);
    assert_eq!(office.token("common", &refresh_grant(&old)).await.0, 200);
    office.pass(SignedDuration::from_hours(91 * 24));
    assert_eq!(aadsts(&office.token("common", &refresh_grant(&old)).await.1), 700_082);
}

#[tokio::test]
async fn revoked_sessions_and_withdrawn_consent_ask_for_a_new_sign_in() {
    let office = Office::open().await;
    let token = office.sign_in(ADA, SCOPES).await["refresh_token"].as_str().unwrap().to_owned();
    office.tenant.withdraw_consent(CLIENT).unwrap();
    let (status, body) = office.token("common", &refresh_grant(&token)).await;
    assert_eq!((status, aadsts(&body), &body["suberror"]), (400, 65001, &"consent_required".into()));
    office.tenant.revoke_sessions(ADA).unwrap();
    let (_, body) = office.token("common", &refresh_grant(&token)).await;
    assert_eq!((aadsts(&body), &body["error"]), (50173, &"invalid_grant".into()));
    office.tenant.set_enabled(BOB, false).unwrap();
    let url = office.authorize_url("common", &[("scope", SCOPES)]);
    let form = encoded(&[("account", BOB), ("action", "accept")]);
    let page = office.http.post(url).header("content-type", FORM).body(form).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("AADSTS50057"));
}

#[tokio::test]
async fn secrets_are_taken_from_body_or_basic_and_end_when_they_expire() {
    let office = Office::open().await;
    office.tenant.grant_admin_consent(CLIENT).unwrap();
    let authority = office.tenant.id().to_string();
    let mut form = CREDENTIALS;
    form[2].1 = "wrong";
    let (status, body) = office.token(&authority, &form).await;
    assert_eq!((status, aadsts(&body), &body["error"]), (401, 7_000_215, &"invalid_client".into()));
    assert_eq!(aadsts(&office.token(&authority, &[CREDENTIALS[0], CREDENTIALS[1], CREDENTIALS[3]]).await.1), 7_000_218);
    let secret: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = STANDARD.encode(format!("{CLIENT}:{secret}"));
    let url = format!("{}/{authority}/oauth2/v2.0/token", office.origin);
    let request = office.http.post(url).header("authorization", format!("Basic {basic}")).header("content-type", FORM);
    assert_eq!(request.body(encoded(&[CREDENTIALS[0], CREDENTIALS[3]])).send().await.unwrap().status(), 200);
    let expires = Some(office.now());
    office.world.register_app(App { client_secrets: vec![Secret::new(SECRET, expires)], ..app() }).unwrap();
    assert_eq!(aadsts(&office.token(&authority, &CREDENTIALS).await.1), 7_000_222);
}

#[tokio::test]
async fn client_credentials_need_the_tenants_guid_the_default_scope_and_consent() {
    let office = Office::open().await;
    let authority = office.tenant.id().to_string();
    assert_eq!(aadsts(&office.token(&authority, &CREDENTIALS).await.1), 700_016);
    office.tenant.grant_admin_consent(CLIENT).unwrap();
    let (status, tokens) = office.token(&authority, &CREDENTIALS).await;
    assert_eq!(status, 200);
    assert!(tokens.get("refresh_token").is_none() && tokens.get("scope").is_none());
    assert_eq!(aadsts(&office.token("common", &CREDENTIALS).await.1), 9_001_023);
    assert_eq!(aadsts(&office.token("consumers", &CREDENTIALS).await.1), 90130);
    assert_eq!(aadsts(&office.token("kanzlei.example", &CREDENTIALS).await.1), 90002);
    let mut form = CREDENTIALS;
    form[3].1 = "https://graph.microsoft.com/Mail.Read";
    assert_eq!(aadsts(&office.token(&authority, &form).await.1), 1_002_012);
}

#[tokio::test]
async fn an_administrator_consents_and_the_roles_count_some_minutes_later() {
    let office = Office::open().await;
    office.world.faults().delay_roles(SignedDuration::from_mins(5));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", CLIENT).append_pair("redirect_uri", REDIRECT).append_pair("state", "s");
    query.append_pair("scope", "https://graph.microsoft.com/.default");
    let url = format!("{}/organizations/v2.0/adminconsent?{}", office.origin, query.finish());
    let page = office.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(BOB) && !page.contains(ADA));
    let refused = office.decide(&url, ADA, "accept").await;
    assert_eq!((field(&refused, "error"), field(&refused, "admin_consent")), ("access_denied", "True"));
    let granted = office.decide(&url, BOB, "accept").await;
    assert_eq!(field(&granted, "tenant"), office.tenant.id().to_string());
    assert_eq!((field(&granted, "error"), field(&granted, "admin_consent")), ("", "True"));
    let authority = office.tenant.id().to_string();
    let (_, early) = office.token(&authority, &CREDENTIALS).await;
    let folders = format!("/users/{ADA}/mailFolders");
    let graph = Graph { office: &office, token: early["access_token"].as_str().unwrap().to_owned() };
    assert_eq!(graph.get(&folders).await.0, 403);
    office.pass(SignedDuration::from_mins(6));
    let (_, late) = office.token(&authority, &CREDENTIALS).await;
    let graph = Graph { office: &office, token: late["access_token"].as_str().unwrap().to_owned() };
    assert_eq!(graph.get(&folders).await.0, 200);
    let forged = uuid::Uuid::from_u128(7);
    office.world.faults().consent(ConsentFault::ForgedTenant(forged), Times::N(1));
    assert_eq!(field(&office.decide(&url, BOB, "accept").await, "tenant"), forged.to_string());
}

#[tokio::test]
async fn only_some_roles_consent_for_everybody_and_only_while_they_are_active() {
    use DirectoryRole::*;
    let office = Office::open().await;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", CLIENT).append_pair("redirect_uri", REDIRECT).append_pair("state", "s");
    query.append_pair("scope", "https://graph.microsoft.com/.default");
    let url = format!("{}/{}/v2.0/adminconsent?{}", office.origin, office.tenant.id(), query.finish());
    let code = async |account: &str| {
        let back = office.decide(&url, account, "accept").await;
        field(&back, "error_description").split(':').next().unwrap_or_default().to_owned()
    };
    assert_eq!(code(ADA).await, "AADSTS90094");
    office.tenant.set_consent_workflow(true).unwrap();
    assert_eq!(code(ADA).await, "AADSTS90095");
    for role in [UserAdministrator, ApplicationAdministrator, CloudApplicationAdministrator] {
        office.tenant.assign_role(ADA, role).unwrap();
        assert_eq!(code(ADA).await, "AADSTS90095", "application permissions are not {role:?}'s to grant");
    }
    office.tenant.make_eligible(ADA, PrivilegedRoleAdministrator).unwrap();
    assert_eq!(code(ADA).await, "AADSTS90095");
    office.tenant.assign_role(ADA, PrivilegedRoleAdministrator).unwrap();
    assert_eq!(code(ADA).await, "");
    office.tenant.remove_role(ADA, PrivilegedRoleAdministrator).unwrap();
    // Where the registration lists delegated permissions only, more roles suffice.
    office.world.register_app(app().with_permissions(&["User.Read"], &[])).unwrap();
    assert_eq!(code(ADA).await, "");
    let elsewhere = office.world.tenant("Elsewhere", "elsewhere.example").unwrap();
    elsewhere.add_user("eve@elsewhere.example", "Eve").unwrap();
    elsewhere.make_admin("eve@elsewhere.example").unwrap();
    assert_eq!(code("eve@elsewhere.example").await, "AADSTS50020");
}

#[tokio::test]
async fn an_id_token_names_active_roles_if_the_registration_says_so_and_a_guests_own_at_the_tenants_address_only() {
    let office = Office::open().await;
    let wids = async |authority: &str, account: &str| {
        let back = office.decide(&office.authorize_url(authority, &[("scope", SCOPES)]), account, "accept").await;
        let (_, tokens) = office.token(authority, &code_grant(field(&back, "code"))).await;
        claims(&tokens["id_token"])["wids"].clone()
    };
    assert_eq!(wids("organizations", BOB).await, Value::Null);
    office.world.register_app(app().with_group_membership_claims(GroupMembershipClaims::SecurityGroup)).unwrap();
    assert_eq!(wids("organizations", BOB).await, Value::Null);
    office.world.register_app(app().with_group_membership_claims(GroupMembershipClaims::DirectoryRole)).unwrap();
    let member = "b79fbf4d-3ef9-4689-8143-76b194e85509";
    let global = DirectoryRole::GlobalAdministrator.template_id();
    assert_eq!(wids("organizations", BOB).await, json!([global, member]));
    office.tenant.make_eligible(ADA, DirectoryRole::GlobalAdministrator).unwrap();
    assert_eq!(wids("organizations", ADA).await, json!([member]));
    let guest = "eve_elsewhere.example#EXT#@kanzlei.example";
    office.tenant.add_guest(guest, "Eve").unwrap();
    let tenant = office.tenant.id().to_string();
    assert_eq!(wids(&tenant, guest).await, json!(["10dae51f-b6af-4016-8d66-8c2a99b929b3"]));
    let url = office.authorize_url("organizations", &[("scope", SCOPES)]);
    assert!(!office.http.get(url).send().await.unwrap().text().await.unwrap().contains("#EXT#"));
}

#[tokio::test]
async fn a_single_tenant_app_is_refused_at_common() {
    let office = Office::open().await;
    office.world.register_app(app().single_tenant(office.tenant.id())).unwrap();
    let page = office.http.get(office.authorize_url("common", &[("scope", SCOPES)])).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("AADSTS50194"));
    let back = office.decide(&office.authorize_url("kanzlei.example", &[("scope", SCOPES)]), ADA, "accept").await;
    assert_eq!(office.token("kanzlei.example", &code_grant(field(&back, "code"))).await.0, 200);
}

#[tokio::test]
async fn any_row_of_the_error_table_can_be_scripted() {
    let office = Office::open().await;
    for (number, error, status) in
        [(50076, "invalid_grant", 400), (90033, "temporarily_unavailable", 503), (7_000_222, "invalid_client", 401)]
    {
        office.world.faults().token(number, Times::N(1));
        let (got, body) = office.token("common", &refresh_grant("x")).await;
        assert_eq!((got, aadsts(&body), &body["error"]), (status, number.into(), &error.into()));
    }
    assert_eq!(aadsts(&office.token("common", &refresh_grant("x")).await.1), 70000);
}

#[tokio::test]
async fn tokens_and_keys_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::reopen(dir.path()).await;
    let tokens = office.sign_in(ADA, SCOPES).await;
    drop(office);
    let office = Office::reopen(dir.path()).await;
    let graph = Graph { office: &office, token: tokens["access_token"].as_str().unwrap().to_owned() };
    assert_eq!(graph.get("/me").await.0, 200);
    assert_eq!(office.token("common", &refresh_grant(tokens["refresh_token"].as_str().unwrap())).await.0, 200);
}

#[tokio::test]
async fn whoever_tries_things_out_delivers_a_file_or_what_was_typed() {
    let office = Office::open().await;
    let admin = format!("{}/admin", office.origin);
    let page = office.http.get(&admin).send().await.unwrap().text().await.unwrap();
    let place = format!("/admin/mail?address={ADA}");
    assert!(page.contains(&place) && page.contains("multipart/form-data"), "{page}");
    let own = b"Subject: One\r\n\r\n\xe4 \r\n--b is text\r\n".to_vec();
    let form = [b"--b\r\nContent-Disposition: form-data; name=\"mail\"\r\n\r\n", &own[..], b"\r\n--b--\r\n"].concat();
    for (kind, body) in [("application/octet-stream", own.clone()), ("multipart/form-data; boundary=b", form)] {
        let sent = office.http.post(format!("{}{place}", office.origin)).header("content-type", kind).body(body);
        assert_eq!(sent.send().await.unwrap().status().as_u16(), 303, "{kind}");
    }
    let typed = [
        ("do", "deliver"),
        ("address", ADA),
        ("folder", "inbox"),
        ("from", "client@acme.example"),
        ("subject", "D\u{e9}lai"),
        ("text", "Le texte"),
        ("file", "annexe.txt"),
        ("file_text", "L'annexe"),
    ];
    let request = office.http.post(&admin).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(request.body(encoded(&typed)).send().await.unwrap().status().as_u16(), 303);
    let held = office.world.messages(ADA).unwrap();
    let digest = hex::encode(Sha256::digest(&own));
    assert_eq!(held.iter().filter(|held| held.sha256_hex == digest).count(), 2, "byte for byte");
    assert_eq!(held.len(), 3);
    let unknown = office.http.post(format!("{admin}/mail?address=nobody@{}", ADA.split('@').nth(1).unwrap()));
    assert_eq!(unknown.body("x").send().await.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn whoever_tries_things_out_makes_them_happen_on_a_page() {
    let office = Office::open().await;
    let admin = format!("{}/admin", office.origin);
    let page = office.http.get(&admin).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(ADA) && page.contains(CLIENT) && !page.contains(SECRET));
    let act = async |form: &[(&str, &str)]| {
        let request = office.http.post(&admin).header("content-type", "application/x-www-form-urlencoded");
        request.body(encoded(form)).send().await.unwrap().status().as_u16()
    };
    let tokens = office.sign_in(ADA, SCOPES).await;
    let refresh = refresh_grant(tokens["refresh_token"].as_str().unwrap());
    for (form, code) in [
        (vec![("do", "disable"), ("address", ADA)], Some(50057)),
        (vec![("do", "enable"), ("address", ADA)], None),
        (vec![("do", "fail_tokens"), ("code", "50076")], Some(50076)),
        (vec![("do", "repair")], None),
        (vec![("do", "expire_secrets"), ("app", CLIENT), ("secret", "")], Some(7_000_222)),
    ] {
        assert_eq!(act(&form).await, 303, "{form:?}");
        let (status, body) = office.token("common", &refresh).await;
        match code {
            Some(code) => assert_eq!(aadsts(&body), code, "{form:?}"),
            None => assert_eq!(status, 200, "{form:?}"),
        }
    }
    assert_eq!(act(&[("do", "disable"), ("address", "nobody@nowhere.example")]).await, 400);
    assert_eq!(act(&[("do", "fail_tokens"), ("code", "many")]).await, 422);
    assert_eq!(act(&[("do", "nothing")]).await, 422);
}
