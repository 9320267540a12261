//! O2: the console, as a browser without scripts goes through it.

use std::{sync::Mutex, time::Duration};

use microsoft365::{Mail, Times, ValueFault};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tests::{ADA, Browser, Registry, World, message_id};

const BOB: &str = "bob@lumen.example";

/// A page as it came.
pub(crate) struct Page {
    status: StatusCode,
    to: Option<String>,
    headers: header::HeaderMap,
    html: String,
}

impl Page {
    /// The value of the hidden field `name` of its first form that has one.
    #[track_caller]
    fn field(&self, name: &str) -> String {
        let field = self.html.split(&format!("name=\"{name}\" value=\"")).nth(1);
        field.unwrap_or_else(|| panic!("no field {name} in {}", self.html)).split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    fn shows(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.html.contains(text), "{text} in {}", self.html);
        }
    }
}

/// A browser with its cookies.
pub(crate) struct Visitor<'a> {
    world: &'a World,
    http: reqwest::Client,
    cookie: String,
    /// The cookie of what a form did, until a page has said it.
    said: Mutex<String>,
    language: &'static str,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, http: tests::http(), cookie: String::new(), said: Mutex::default(), language: "en" }
    }

    /// Accepts an invitation of `firm` as `account`.
    pub(crate) async fn invited(world: &'a World, firm: &str, role: &str, account: &str) -> Self {
        let made = world.post(&format!("/v1/firms/{firm}/invitations"), json!({ "role": role })).await.ok();
        let mut visitor = Self::new(world);
        let page = visitor.enter(made["url"].as_str().unwrap(), account).await;
        assert_eq!(page.to.as_deref(), Some(format!("/console/firms/{firm}").as_str()));
        visitor
    }

    /// Opens a link of an invitation, signs in, and comes back.
    pub(crate) async fn enter(&mut self, link: &str, account: &str) -> Page {
        let page = self.get(link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let way = page.html.split("href=\"/oauth/console").nth(1).unwrap().split('"').next().unwrap();
        self.sign_in(&format!("/oauth/console{}", way.replace("&amp;", "&").replace("&#38;", "&")), account).await
    }

    async fn sign_in(&mut self, way: &str, account: &str) -> Page {
        let departed = self.http.get(self.address(way)).send().await.unwrap();
        let browser = Browser::sent_on(&departed);
        let callback = self.world.decide(&browser.page, account, "accept").await;
        let back = self.http.get(callback).header(header::COOKIE, &browser.cookie).send().await.unwrap();
        let page = self.page(back).await;
        if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        page
    }

    fn address(&self, path: &str) -> String {
        match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("http://{}{path}", self.world.host.address),
        }
    }

    /// The cookies of the next request.
    fn cookies(&self) -> String {
        format!("{}; {}", self.cookie, self.said.lock().unwrap())
    }

    async fn get(&self, path: &str) -> Page {
        let request = self.http.get(self.address(path)).header(header::COOKIE, self.cookies());
        self.page(request.header(header::ACCEPT_LANGUAGE, self.language).send().await.unwrap()).await
    }

    /// What a script is answered that asks for the element `part` of a page.
    async fn part(&self, path: &str, part: &'static str) -> Page {
        let request = self.http.get(self.address(path)).header(header::COOKIE, self.cookies());
        self.page(request.header("hx-request", "true").header("hx-target", part).send().await.unwrap()).await
    }

    /// What a script is answered that sends a form for the element `part` of a page.
    async fn send_for(&self, path: &str, fields: &[(&str, &str)], part: &'static str) -> Page {
        let request = self.form(path, fields).header("hx-request", "true").header("hx-target", part);
        self.page(request.send().await.unwrap()).await
    }

    /// Sends a form as the browser does: with the token of `page`.
    async fn submit(&self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(path, &[&[("token", page.field("token").as_str())], fields].concat(), "same-origin").await
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)], site: &str) -> Page {
        self.page(self.form(path, fields).header("sec-fetch-site", site).send().await.unwrap()).await
    }

    /// A form with the cookies, before it is sent.
    fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.http.post(self.address(path)).header(header::COOKIE, self.cookies());
        let body = reqwest::Url::parse_with_params("http://form.example", fields).unwrap();
        let body = body.query().unwrap_or_default().to_owned();
        let request = request.header(header::ACCEPT_LANGUAGE, self.language);
        request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
    }

    async fn page(&self, response: reqwest::Response) -> Page {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        if let Some(said) = cookies.rfind(|cookie| cookie.starts_with("greffe_said=")) {
            said.split(';').next().unwrap().clone_into(&mut self.said.lock().unwrap());
        }
        let to = headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        Page { status, to, headers, html: response.text().await.unwrap() }
    }
}

/// A firm with one archived mail: its id at Graph, and in greffe.
async fn one_mail(world: &World) -> (Registry, String, String) {
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let message = message_id(&registry, &mail).to_string();
    (registry, mail, message)
}

fn home(registry: &Registry) -> String {
    format!("/console/firms/{}", registry.firm)
}

#[tokio::test]
async fn an_administrator_comes_by_an_invitation_finds_a_mail_reads_and_files_it() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "The lease of <b>Duval & Sons</b>");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;

    let page = visitor.get(&home(&registry)).await;
    page.shows(&["Lumen Avocats", "Nothing needs anyone", "Yes. All mail", ADA, "one mail"]);
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.html.len() <= 60_000 && !page.html.contains("style=") && !page.html.contains("onclick"));

    let documents = format!("{}/documents", home(&registry));
    let found = visitor.get(&format!("{documents}?q=lease")).await;
    found.shows(&["The <mark>lease</mark> of &#60;b&#62;Duval &#38; Sons&#60;/b&#62;", "mark kept"]);
    visitor.get(&format!("{documents}?q=nowhere")).await.shows(&["No mail fits"]);

    let message = message_id(&registry, &mail).to_string();
    let read = visitor.get(&format!("{documents}/{message}?q=lease")).await;
    read.shows(&["<iframe class=\"paper\" sandbox=\"allow-popups", "SHA-256", "Download the original"]);
    let frame = visitor.get(&format!("{documents}/{message}/page")).await;
    let policy = frame.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(frame.status.is_success() && policy.contains("sandbox") && policy.contains("default-src 'none'"));
    let original = visitor.get(&format!("{documents}/{message}/original")).await;
    assert_eq!(original.headers[header::CONTENT_TYPE], "message/rfc822");

    let filed = [("message", message.as_str()), ("dossier", "Duval 7"), ("back", &documents)];
    let filed = visitor.submit(&read, &documents, &filed).await;
    assert_eq!(filed.status, StatusCode::SEE_OTHER);
    visitor.get(filed.to.as_deref().unwrap()).await.shows(&["One mail is filed", "Filed in Duval 7", "mark filed"]);
    // The trail names the person, as it names a key.
    let trail = world.get(&format!("/v1/firms/{}/audit", registry.firm)).await.ok();
    let entries = trail["items"].as_array().unwrap();
    let by_person: Vec<&Value> = entries.iter().filter(|entry| entry["who"]["kind"] == "user").collect();
    assert!(by_person.iter().all(|entry| entry["who"]["address"] == ADA), "{by_person:?}");
    for action in
        ["GET /oauth/callback", "POST /v1/firms/{firm}/messages/file", "GET /v1/firms/{firm}/messages/{message}/html"]
    {
        assert!(by_person.iter().any(|entry| entry["action"] == action), "{action} in {trail}");
    }
}

#[tokio::test]
async fn of_many_mailboxes_home_lists_those_that_need_somebody_and_the_list_goes_on_page_by_page() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.tenant.add_user("admin@lumen.example", "Admin").unwrap();
    world.tenant.make_admin("admin@lumen.example").unwrap();
    world.tenant.add_shared_mailbox("office@lumen.example", "Office").unwrap();
    let connector = world.connector(&registry.firm, "organization", Value::Null).await;
    world.sign_in(&registry.firm, &connector, "admin@lumen.example").await.ok();
    world.deliver("inbox", "For Ada");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    visitor.get(&home(&registry)).await.shows(&["Yes. All mail"]);
    let mails = format!("{}/documents", home(&registry));
    visitor.get(&mails).await.shows(&["<select name=\"mailbox\">"]);
    let office = json!({ "connector": connector, "address": "office@lumen.example", "kind": "shared" });
    world.post(&format!("/v1/firms/{}/mailboxes", registry.firm), office).await.ok();
    for n in 10..61 {
        let address = format!("person{n}@lumen.example");
        world.tenant.add_user(&address, &address).unwrap();
        world.mailbox(&registry.firm, &connector, &address).await;
    }
    let page = visitor.get(&home(&registry)).await;
    page.shows(&["Mailboxes (53)"]);
    let table = page.html.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert_eq!(table.matches("<bdi>").count(), 20, "{table}");
    assert!(!table.contains(ADA), "it is complete");

    let list = format!("{}/mailboxes", home(&registry));
    let first = visitor.get(&list).await;
    let (own, shared) = first.html.split_once(">Shared<").unwrap();
    assert_eq!((own.matches("<bdi>person").count(), shared.matches("<bdi>office").count()), (49, 1));
    let more = after(&first.html, &format!("href=\"{list}?")).replace("&#38;", "&");
    let second = visitor.get(&format!("{list}?{more}")).await;
    second.shows(&["person59", "person60"]);
    assert!(!second.html.contains("office@") && !second.html.contains("person58"), "{}", second.html);

    // A mailbox is chosen by its address where there are too many for a list.
    let of = async |mailbox: &str| visitor.get(&format!("{mails}?mailbox={mailbox}")).await;
    of("ADA@Lumen.example").await.shows(&["For Ada", &format!("name=\"mailbox\" value=\"{ADA}\"")]);
    for none in ["person10@lumen.example", "nobody@lumen.example"] {
        of(none).await.shows(&["No mail fits", &format!("value=\"{none}\"")]);
    }
}

#[tokio::test]
async fn a_person_sees_their_own_firms_only_and_no_page_of_another() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Confidential");
    world.run_until_idle().await;
    let other = world.firm("Other").await;
    let visitor = Visitor::invited(&world, &other, "administrator", ADA).await;

    let chosen = visitor.get("/console/firms").await;
    assert!(chosen.html.contains("Other") && !chosen.html.contains("Lumen Avocats"), "{}", chosen.html);
    let message = message_id(&registry, &mail);
    let nowhere = "/console/firms/00000000-0000-4000-8000-000000000000";
    let below = [
        "".to_owned(),
        "/documents".to_owned(),
        format!("/documents/{message}"),
        format!("/documents/{message}/page"),
        format!("/documents/{message}/original"),
        format!("/documents/{message}/attachments/1"),
        "/proposals".to_owned(),
        "/mailboxes".to_owned(),
        "/mailboxes/new".to_owned(),
        "/connectors".to_owned(),
        "/connectors/new".to_owned(),
        format!("/connectors/{}", registry.connector),
        "/people".to_owned(),
        "/entries/dates".to_owned(),
        "/entries/contacts".to_owned(),
        "/webhooks".to_owned(),
        "/audit".to_owned(),
        "/settings".to_owned(),
        "/keys".to_owned(),
        "/erasures".to_owned(),
        "/erasures/new".to_owned(),
        "/retention".to_owned(),
        format!("/erasures/new?kind=messages&message={message}"),
        "/members".to_owned(),
        "/members/new".to_owned(),
        format!("/mailboxes/{}/folders", registry.mailbox),
        format!("/mailboxes/{}/dossiers", registry.mailbox),
        format!("/mailboxes/{}/rules", registry.mailbox),
        format!("/mailboxes/{}", registry.mailbox),
    ];
    for below in below {
        let (theirs, absent) = (
            visitor.get(&format!("{}{below}", home(&registry))).await,
            visitor.get(&format!("{nowhere}{below}")).await,
        );
        assert_eq!((theirs.status, absent.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{below}");
        let blind =
            |page: &Page| page.html.replace(&registry.firm, "").replace("00000000-0000-4000-8000-000000000000", "");
        assert_eq!(blind(&theirs), blind(&absent), "{below}");
        // Nor does another firm's id lead anywhere under one's own.
        if below.contains(&registry.mailbox) {
            let own = visitor.get(&format!("/console/firms/{other}{below}")).await;
            assert_eq!(own.status, StatusCode::NOT_FOUND, "{below}");
        }
    }
    let nobody = Visitor::new(&world).get(&home(&registry)).await;
    assert!(nobody.to.unwrap().starts_with("/console/sign-in?to="));
}

#[tokio::test]
async fn a_reader_reads_a_clerk_files_and_neither_sets_anything_up() {
    let world = World::new().await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let message = message_id(&registry, &mail).to_string();
    let (documents, mailbox) =
        (format!("{}/documents", home(&registry)), format!("{}/mailboxes/{}", home(&registry), registry.mailbox));
    let reader = Visitor::invited(&world, &registry.firm, "reader", BOB).await;
    let page = reader.get(&documents).await;
    assert!(
        page.html.contains("A mail")
            && !page.html.contains("name=\"dossier\" list=\"dossiers\" maxlength=\"200\" autocomplete")
    );
    let fields = [("message", message.as_str()), ("dossier", "7")];
    let refused = reader.submit(&page, &documents, &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows(&["Your role does not allow this"]);
    assert_eq!(world.message(&registry, &mail).await.ok()["dossier"], Value::Null);

    // The role counts from the next request on.
    let users = world.get(&format!("/v1/firms/{}/users", registry.firm)).await.ok();
    let user = format!("/v1/firms/{}/users/{}", registry.firm, users["items"][0]["id"].as_str().unwrap());
    world.put(&user, json!({ "role": "clerk" })).await.ok();
    assert_eq!(reader.submit(&page, &documents, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.message(&registry, &mail).await.ok()["dossier"], "7");
    let paused = reader.submit(&page, &mailbox, &[("do", "pause")]).await;
    assert_eq!(paused.status, StatusCode::FORBIDDEN);
    world.put(&user, json!({ "role": "administrator" })).await.ok();
    assert_eq!(reader.submit(&page, &mailbox, &[("do", "pause")]).await.status, StatusCode::SEE_OTHER);
    reader.get(&mailbox).await.shows(&["Paused", "Switch on"]);

    assert_eq!(world.delete(&user).await.status, StatusCode::NO_CONTENT);
    assert_eq!(reader.get(&documents).await.status, StatusCode::NOT_FOUND);
    reader.get("/console/firms").await.shows(&["no firm has let you in", BOB]);
}

#[tokio::test]
async fn an_invitation_lets_one_account_in_for_a_week() {
    let world = World::new().await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let firm = world.firm("Lumen Avocats").await;
    let invite = async || {
        let made = world.post(&format!("/v1/firms/{firm}/invitations"), json!({ "role": "clerk" })).await.ok();
        made["url"].as_str().unwrap().to_owned()
    };
    let link = invite().await;
    // Mail filters open links.
    Visitor::new(&world).get(&link).await.shows(&["Lumen Avocats invites you", "read mail and to file it"]);
    let mut ada = Visitor::new(&world);
    assert_eq!(ada.enter(&link, ADA).await.status, StatusCode::SEE_OTHER);
    // Who used it may come again; somebody else may not.
    assert_eq!(ada.enter(&link, ADA).await.status, StatusCode::SEE_OTHER);
    let refused = Visitor::new(&world).enter(&link, BOB).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.shows(&["This invitation can&#39;t be used"]);

    let (late, damaged) = (invite().await, invite().await.replace("invitation.", "invitation.x"));
    world.clock.advance(Duration::from_secs(8 * 24 * 3600));
    for link in [late, damaged] {
        let page = Visitor::new(&world).get(&link).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        page.shows(&["This link can&#39;t be used"]);
    }
    let users = world.get(&format!("/v1/firms/{firm}/users")).await.ok();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let mailbox = format!("{}/mailboxes/{}", home(&registry), registry.mailbox);
    let page = visitor.get(&mailbox).await;
    let token = page.field("token");
    for site in ["cross-site", "same-site"] {
        let refused = visitor.send(&mailbox, &[("token", &token), ("do", "pause")], site).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    // Without the token of this session nothing is done, and nothing is lost.
    for token in ["", "x"] {
        let asked = visitor.send(&mailbox, &[("token", token), ("do", "pause")], "same-origin").await;
        assert_eq!(asked.status, StatusCode::CONFLICT);
        asked.shows(&["name=\"do\" value=\"pause\""]);
    }
    let state = async || {
        world.get(&format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox)).await.ok()["state"].clone()
    };
    assert_ne!(state().await, "paused");
    visitor.send(&mailbox, &[("token", &token), ("do", "pause")], "same-origin").await;
    assert_eq!(state().await, "paused");
}

#[tokio::test]
async fn what_was_typed_survives_a_session_that_is_over() {
    let world = World::new().await;
    let (registry, mail, message) = one_mail(&world).await;
    let documents = format!("{}/documents", home(&registry));
    let mut visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let page = visitor.get(&documents).await;
    world.clock.advance(Duration::from_secs(9 * 3600));
    let fields = [("message", message.as_str()), ("dossier", "Duval & Sons")];
    let over = visitor.submit(&page, &documents, &fields).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    over.shows(&["Your session had ended", "value=\"Duval &#38; Sons\"", &format!("action=\"{documents}\"")]);

    // In another tab the person signs in again; then the form is sent once more, and confirmed.
    let entered = visitor.sign_in("/oauth/console?to=/console/firms", ADA).await;
    assert_eq!(entered.to.as_deref(), Some("/console/firms"));
    let again = visitor
        .send(&documents, &[&[("token", over.field("token").as_str())], &fields[..]].concat(), "same-origin")
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(visitor.submit(&again, &documents, &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.message(&registry, &mail).await.ok()["dossier"], "Duval & Sons");

    let page = visitor.get(&documents).await;
    assert_eq!(visitor.submit(&page, "/console/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(visitor.get(&documents).await.to.unwrap().starts_with("/console/sign-in"));
}

#[tokio::test]
async fn a_form_with_a_client_secret_is_to_be_typed_again_once_its_session_is_over() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let connector = format!("{}/connectors/{}", home(&registry), registry.connector);
    let page = visitor.get(&connector).await;
    world.clock.advance(Duration::from_secs(9 * 3600));
    let fields = [("do", "own-app"), ("client_secret", "a-secret-of-entra")];
    let over = visitor.submit(&page, &connector, &fields).await;
    over.shows(&["keeps no client secret"]);
    visitor.sign_in("/oauth/console?to=/console/firms", ADA).await;
    let token = page.field("token");
    let fields = [("token", token.as_str()), fields[0], fields[1]];
    let again = visitor.send(&connector, &fields, "same-origin").await;
    for page in [over, again] {
        assert!(!page.html.contains("a-secret-of-entra") && !page.html.contains("Send once more"), "{}", page.html);
    }
}

#[tokio::test]
async fn filing_without_a_mail_or_a_dossier_says_what_is_missing() {
    let world = World::new().await;
    let (registry, mail, message) = one_mail(&world).await;
    let documents = format!("{}/documents", home(&registry));
    let visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let page = visitor.get(&documents).await;
    let none = visitor.submit(&page, &documents, &[("dossier", "Duval 7")]).await;
    none.shows(&["role=\"alert\"", "at least one mail", "value=\"Duval 7\""]);
    let nowhere = visitor.submit(&page, &documents, &[("message", &message), ("dossier", "")]).await;
    nowhere.shows(&["role=\"alert\"", "Type the dossier", " checked"]);
    assert_eq!(world.message(&registry, &mail).await.ok()["dossier"], Value::Null);
}

/// A mail with one that is attached to it, which has a file.
const WITHIN: &str = "From: client@acme.example\r\nSubject: Forwarded\r\nContent-Type: multipart/mixed; boundary=b\r\n\
    \r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the power of attorney, and <b>sign</b> it.\r\n--b\r\n\
    Content-Type: message/rfc822\r\n\r\nFrom: notary@acme.example\r\nSubject: The deed\r\n\
    Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nThe inner text.\r\n--c\r\n\
    Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=deed.pdf\r\n\r\nPDF\r\n--c--\r\n\r\n--b--\r\n";

#[tokio::test]
async fn a_search_says_why_a_mail_was_found_and_marks_the_words_once_it_is_opened() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.microsoft.deliver(ADA, "inbox", Mail::new(WITHIN.to_owned(), world.clock.now())).unwrap();
    let filler = "Nothing of that. ".repeat(100);
    let long = format!("Subject: Long\r\nContent-Type: text/plain\r\n\r\n{filler}An annuity.\r\n");
    world.microsoft.deliver(ADA, "inbox", Mail::new(long, world.clock.now())).unwrap();
    world.run_until_idle().await;
    let documents = format!("{}/documents", home(&registry));
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let excerpt = "See the power of <mark>attorney</mark>, and &#60;b&#62;sign&#60;/b&#62; it.";
    let found = visitor.get(&format!("{documents}?q=attorney")).await;
    found.shows(&[excerpt, "The last archived stands first."]);
    visitor.get(&format!("{documents}?q=annuity")).await.shows(&["Found further on in the text"]);
    let own = format!("{documents}/{}", message_id(&registry, &mail.immutable_id));
    visitor.get(&format!("{own}?q=attorney")).await.shows(&["Found in the text", "class=\"passages\""]);
    let plain = visitor.get(&own).await;
    assert!(!plain.html.contains("<mark>") && !plain.html.contains("class=\"passages\""), "{}", plain.html);
}

#[tokio::test]
async fn a_mail_that_is_attached_to_another_is_read_and_its_files_saved() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.microsoft.deliver(ADA, "inbox", Mail::new(WITHIN.to_owned(), world.clock.now())).unwrap();
    world.run_until_idle().await;
    let own = format!("{}/documents/{}", home(&registry), message_id(&registry, &mail.immutable_id));
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    visitor.get(&format!("{own}?q=forwarded")).await.shows(&[&format!("{own}?q=forwarded&#38;within=1#reader")]);
    let inner = visitor.get(&format!("{own}?q=forwarded&within=1")).await;
    inner.shows(&["The deed</h2>", "notary@acme.example", "Back to the mail that it is attached to", "deed.pdf"]);
    inner.shows(&[&format!("src=\"{own}/page?within=1\""), &format!("href=\"{own}/attachments/1?within=1\"")]);
    visitor.get(&format!("{own}/page?within=1")).await.shows(&["The inner text."]);
    let file = visitor.get(&format!("{own}/attachments/1?within=1")).await;
    assert_eq!((file.status, file.html.trim()), (StatusCode::OK, "PDF"));
    assert_eq!(visitor.get(&format!("{own}?within=7")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ticked_mails_leave_another_dossier_only_after_the_page_has_said_so() {
    let world = World::new().await;
    let registry = world.registry().await;
    let ids = ["One", "Two", "Three"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let messages = ids.each_ref().map(|id| message_id(&registry, id).to_string());
    let file = async |message: &str, dossier: &str| {
        let path = format!("/v1/firms/{}/messages/{message}/file", registry.firm);
        world.post(&path, json!({ "dossier": dossier })).await.ok();
    };
    file(&messages[0], "Old 1").await;
    let documents = format!("{}/documents", home(&registry));
    let clerk = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let page = clerk.get(&documents).await;
    assert_eq!(page.field("list"), "1");
    let [one, two, three] = messages.each_ref().map(String::as_str);
    let ticked = [("list", "1"), ("dossier", "New"), ("message", one), ("message", two)];
    let asked = clerk.submit(&page, &documents, &ticked).await;
    asked.shows(&["role=\"alert\"", "one of these mails is in another dossier (Old 1)", "value=\"New\"", " checked"]);
    assert_eq!(asked.field("moved"), one);
    let dossier = async |id: &str| world.message(&registry, id).await.ok()["dossier"].clone();
    assert_eq!((dossier(&ids[0]).await, dossier(&ids[1]).await), (json!("Old 1"), Value::Null));
    // One that was ticked since is asked about, too.
    file(three, "Old 3").await;
    let more = [&ticked[..], &[("moved", one), ("message", three)]].concat();
    let asked = clerk.submit(&page, &documents, &more).await;
    asked.shows(&["one of these mails is in another dossier (Old 3)"]);
    let sure = clerk.submit(&page, &documents, &[&more[..], &[("moved", three)]].concat()).await;
    assert_eq!(sure.status, StatusCode::SEE_OTHER);
    for id in &ids {
        assert_eq!(dossier(id).await, "New");
    }
}

#[tokio::test]
async fn a_whole_conversation_is_filed_and_its_dossier_proposed_beside_any_search() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "The lease");
    world.deliver("inbox", "Something else");
    world.run_until_idle().await;
    let message = message_id(&registry, &mail).to_string();
    let documents = format!("{}/documents", home(&registry));
    let visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let read = visitor.get(&format!("{documents}/{message}")).await;
    read.shows(&["id=\"reader\"", "name=\"conversation\""]);
    let fields = [("message", message.as_str()), ("dossier", "Duval 7"), ("conversation", "1"), ("back", &documents)];
    let filed = visitor.submit(&read, &documents, &fields).await;
    visitor.get(filed.to.as_deref().unwrap()).await.shows(&["One mail is filed", "Filed in Duval 7"]);
    visitor.get(&format!("{documents}?q=something")).await.shows(&["<option value=\"Duval 7\">"]);
}

#[tokio::test]
async fn home_does_not_say_that_all_is_in_while_a_connection_waits_for_somebody() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    visitor.get(&home(&registry)).await.shows(&["Yes. All mail"]);
    world.tenant.revoke_sessions(ADA).unwrap();
    world.clock.advance(Duration::from_secs(2 * 3600));
    world.deliver("inbox", "Another");
    world.run_until_idle().await;
    let page = visitor.get(&home(&registry)).await;
    page.shows(&["Not yet, or not surely", "dot needed"]);
    assert!(!page.html.contains("Yes. All mail"), "{}", page.html);
}

#[tokio::test]
async fn a_firm_that_has_ended_keeps_nobody_out_of_another() {
    let world = World::new().await;
    let (ended, other) = (world.firm("Ended").await, world.firm("Other").await);
    let mut visitor = Visitor::invited(&world, &ended, "reader", ADA).await;
    let made = world.post(&format!("/v1/firms/{other}/invitations"), json!({ "role": "reader" })).await.ok();
    visitor.enter(made["url"].as_str().unwrap(), ADA).await;
    assert_eq!(visitor.get("/console").await.to.as_deref(), Some("/console/firms"));
    assert!(world.delete(&format!("/v1/firms/{ended}")).await.status.is_success());
    let only = format!("/console/firms/{other}");
    assert_eq!(visitor.get("/console").await.to.as_deref(), Some(only.as_str()));
    let firms = visitor.get("/console/firms").await;
    firms.shows(&["Other"]);
    assert!(!firms.html.contains("Ended"), "{}", firms.html);
    assert!(world.delete(&format!("/v1/firms/{other}")).await.status.is_success());
    assert_eq!(visitor.get("/console").await.to.as_deref(), Some("/console/firms"));
    visitor.get("/console/firms").await.shows(&["no firm has let you in"]);
}

#[tokio::test]
async fn an_administrator_removes_a_member_a_mailbox_and_a_connection_and_what_is_kept_stays() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector, "push": null });
    let member = world.post(&format!("/v1/firms/{}/members", registry.firm), member).await.ok();
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    for (list, id) in [
        ("members", member["id"].as_str().unwrap()),
        ("mailboxes", registry.mailbox.as_str()),
        ("connectors", registry.connector.as_str()),
    ] {
        let list = format!("{}/{list}", home(&registry));
        let own = format!("{list}/{id}");
        let page = visitor.get(&own).await;
        page.shows(&["name=\"do\" value=\"remove\""]);
        let removed = visitor.submit(&page, &own, &[("do", "remove")]).await;
        assert_eq!(removed.to.as_deref(), Some(list.as_str()), "{}", removed.html);
        assert_eq!(visitor.get(&own).await.status, StatusCode::NOT_FOUND);
    }
    visitor.get(&format!("{}/documents", home(&registry))).await.shows(&["A mail", "mark kept"]);
}

#[tokio::test]
async fn an_address_without_an_id_is_a_page_that_is_not_there() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    for below in ["/documents/x", "/mailboxes/x", "/erasures/x", "/webhooks/x", "/entries/x"] {
        let page = visitor.get(&format!("{}{below}", home(&registry))).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{below}: {}", page.html);
        page.shows(&["<h1>"]);
    }
}

#[tokio::test]
async fn the_operator_comes_by_a_link_that_opens_once_for_ten_minutes() {
    let world = World::new().await;
    let firm = world.firm("Lumen Avocats").await;
    let link = async || world.post("/v1/operator-links", json!({})).await.ok()["url"].as_str().unwrap().to_owned();
    let first = link().await;
    let mut operator = Visitor::new(&world);
    operator.get(&first).await.shows(&["Open the console as the operator"]);
    let opened = operator.send(&first, &[], "same-origin").await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    operator.cookie = opened.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(operator.get("/console/firms").await.to.as_deref(), Some("/console/operator"));
    let page = operator.get("/console/operator").await;
    let state = ["One firm.", "The API answers: version ", "Your app registration: ", "class=\"dot good\""];
    page.shows(&[&["Lumen Avocats", "New firm"][..], &state].concat());
    let typed =
        [("do", "create"), ("name", "Cabinet Duval"), ("language", "fr"), ("time_zone", "Mars"), ("domains", "")];
    let refused = operator.submit(&page, "/console/operator", &typed).await;
    refused.shows(&["role=\"alert\"", "value=\"Cabinet Duval\"", "value=\"Mars\""]);
    let typed = [&typed[..3], &[("time_zone", "Europe/Paris"), ("domains", "duval.example\nduval.test")]].concat();
    let made = operator.submit(&page, "/console/operator", &typed).await.to.unwrap();
    assert!(made.starts_with("/console/firms/") && made.ends_with("/people"), "{made}");
    let shown = world.get(&made.replace("/console", "/v1").replace("/people", "")).await.ok();
    assert_eq!((&shown["name"], &shown["domains"]), (&json!("Cabinet Duval"), &json!(["duval.example", "duval.test"])));
    operator.get(&format!("/console/firms/{firm}")).await.shows(&["No mailbox is set up yet"]);
    assert_eq!(Visitor::new(&world).send(&first, &[], "same-origin").await.status, StatusCode::BAD_REQUEST);
    let late = link().await;
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(Visitor::new(&world).send(&late, &[], "same-origin").await.status, StatusCode::BAD_REQUEST);
    world.clock.advance(Duration::from_secs(3600));
    assert!(operator.get("/console/firms").await.to.unwrap().starts_with("/console/sign-in"));
    // A firm's key makes no such link.
    let key = world.post(&format!("/v1/firms/{firm}/keys"), json!({ "name": "dms" })).await.ok();
    let answer = world.request(key["key"].as_str(), reqwest::Method::POST, "/v1/operator-links", Some(json!({}))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_speak_the_language_that_was_chosen_or_the_browsers_or_the_firms() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    for (language, title) in
        [("fr-BE,fr;q=0.9", "Accueil"), ("nl", "Postvakken"), ("de-CH", "Postfächer"), ("es", "Mailboxes")]
    {
        visitor.language = language;
        visitor.get(&home(&registry)).await.shows(&[title]);
    }
    let chosen = visitor.get(&format!("/console/language/nl?to={}", home(&registry))).await;
    assert_eq!(chosen.to, Some(home(&registry)));
    let cookie = chosen.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    visitor.cookie = format!("{}; {cookie}", visitor.cookie);
    visitor.get(&home(&registry)).await.shows(&["lang=\"nl\"", "Postvakken"]);
    assert_eq!(visitor.get("/console/language/nl?to=//evil.example").await.to.as_deref(), Some("/console"));
}

/// The value of the attribute that stands behind `before`.
#[track_caller]
fn after<'a>(html: &'a str, before: &str) -> &'a str {
    let rest = html.split(before).nth(1);
    rest.unwrap_or_else(|| panic!("no {before} in {html}")).split('"').next().unwrap()
}

#[tokio::test]
async fn the_first_run_leads_to_the_first_kept_mail_in_each_language() {
    for (language, connected, complete) in [
        ("en", "Connected to Kanzlei via", "Complete"),
        ("fr", "Connecté à Kanzlei via", "Complète"),
        ("nl", "Verbonden met Kanzlei via", "Volledig"),
        ("de", "Verbunden mit Kanzlei über", "Vollständig"),
    ] {
        let world = World::new().await;
        let firm = world.firm("Lumen Avocats").await;
        let mut visitor = Visitor::invited(&world, &firm, "administrator", ADA).await;
        visitor.language = language;
        let home = format!("/console/firms/{firm}");
        let start = visitor.get(&home).await;
        start.shows(&["class=\"steps\"", &format!("href=\"{home}/connectors/new\"")]);

        let new = format!("{home}/connectors/new");
        let form = visitor.get(&new).await;
        let made = visitor.submit(&form, &new, &[("name", "Kanzlei"), ("access", "delegated"), ("mark", "1")]).await;
        let connector = made.to.unwrap();
        let waiting = visitor.get(&connector).await;
        waiting.shows(&["hx-trigger=\"every 3s\""]);
        // It turns green by itself once somebody signed in elsewhere.
        let link = format!("http{}", after(&waiting.html, "<input readonly value=\"http"));
        let browser = Browser::sent_on(&visitor.http.get(&link).send().await.unwrap());
        let callback = world.decide(&browser.page, ADA, "accept").await;
        assert!(world.complete_sign_in(&callback, &browser.cookie).await.told().status.is_success());
        let page = visitor.get(&connector).await;
        page.shows(&[connected, "dot good"]);
        let tested = visitor.submit(&page, &connector, &[("do", "validate")]).await;
        assert!(tested.status.is_success() && tested.html.matches("class=\"dot ").count() > 8, "{}", tested.html);

        visitor.get(&home).await.shows(&[&format!("href=\"{home}/mailboxes/new\"")]);
        let new = format!("{home}/mailboxes/new");
        let form = visitor.get(&new).await;
        let connector = connector.rsplit('/').next().unwrap();
        let refused = [("connector", connector), ("address", "nobody@lumen.example"), ("kind", "user")];
        let refused = visitor.submit(&form, &new, &refused).await;
        refused.shows(&["role=\"alert\"", "value=\"nobody@lumen.example\""]);
        let made = visitor.submit(&form, &new, &[("connector", connector), ("address", ADA), ("kind", "user")]).await;
        let mailbox = made.to.unwrap();

        let folders = format!("{mailbox}/folders");
        let tree = visitor.get(&folders).await;
        let inbox = tree.html.split("name=\"folder\" value=\"").find(|part| part.contains("<bdi>Inbox</bdi>")).unwrap();
        let inbox = inbox.split('"').next().unwrap();
        let choice = [("mode", "include"), ("folder", inbox)];
        let seen = visitor.submit(&tree, &folders, &[&choice[..], &[("do", "see")]].concat()).await;
        seen.shows(&["value=\"store\"", " checked"]);
        assert_eq!(world.get(&mailbox.replace("/console", "/v1")).await.ok()["selection"], Value::Null);
        // Looking for another folder neither stores nor loses what was ticked.
        let search = [&choice[..], &[("q", "SENT"), ("do", "find")]].concat();
        let found = visitor.submit(&tree, &folders, &search).await;
        found.shows(&["<bdi>Sent", &format!("type=\"hidden\" name=\"folder\" value=\"{inbox}\"")]);
        assert!(!found.html.contains("<bdi>Inbox</bdi>") && !found.html.contains("value=\"store\""), "{}", found.html);
        let stored = visitor.submit(&seen, &folders, &[&choice[..], &[("do", "store")]].concat()).await;
        assert_eq!(stored.to.as_deref(), Some(mailbox.as_str()));

        // Rules can be left out.
        visitor.get(&home).await.shows(&[&format!("href=\"{mailbox}/rules\""), &format!("href=\"{mailbox}\"")]);
        let rules = format!("{mailbox}/rules");
        let form = visitor.get(&rules).await;
        let typed = [("senders", "news@shop.example, ads@shop.example"), ("mark", "1")];
        visitor.submit(&form, &rules, &[&typed[..], &[("do", "see")]].concat()).await.shows(&["ads@shop.example"]);
        visitor.submit(&form, &rules, &[&typed[..], &[("do", "store")]].concat()).await;
        let wrong = visitor.submit(&form, &rules, &[("senders", "no address"), ("do", "store")]).await;
        wrong.shows(&["role=\"alert\"", "no address"]);

        let page = visitor.get(&mailbox).await;
        visitor.submit(&page, &mailbox, &[("do", "activate")]).await;
        world.run_until_idle().await;
        world.deliver("inbox", "The first one");
        world.run_until_idle().await;
        visitor.get(&format!("{home}/documents?q=first")).await.shows(&["The first one", "mark kept"]);
        let end = visitor.get(&home).await;
        end.shows(&[complete]);
        assert!(!end.html.contains("class=\"steps\""), "{}", end.html);
    }
}

#[tokio::test]
async fn an_administrator_invites_changes_and_removes_people() {
    let world = World::new().await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let firm = world.firm("Lumen Avocats").await;
    let ada = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let people = format!("/console/firms/{firm}/people");
    let page = ada.get(&people).await;
    let made = ada.submit(&page, &people, &[("do", "invite"), ("role", "clerk")]).await;
    let link = format!("http{}", after(&made.html, "<input readonly value=\"http"));
    let mut bob = Visitor::new(&world);
    assert_eq!(bob.enter(&link, BOB).await.status, StatusCode::SEE_OTHER);
    assert_eq!(bob.get(&people).await.status, StatusCode::FORBIDDEN);
    let home = bob.get(&format!("/console/firms/{firm}")).await;
    assert!(!home.html.contains(&people) && !home.html.contains("class=\"steps\""), "{}", home.html);

    let page = ada.get(&people).await;
    let bobs = page.html.split("<li>").find(|card| card.contains(BOB)).unwrap();
    let user = after(bobs, "name=\"user\" value=\"").to_owned();
    ada.submit(&page, &people, &[("do", "role"), ("user", &user), ("role", "administrator")]).await;
    assert_eq!(bob.get(&people).await.status, StatusCode::OK);
    // Of two who take the role from each other at the same moment, one stays administrator.
    let adas = page.html.split("<li>").find(|card| card.contains(ADA) && card.contains("name=\"user\"")).unwrap();
    let own = after(adas, "name=\"user\" value=\"").to_owned();
    let page = bob.get(&people).await;
    let (one, other) = ([("do", "remove"), ("user", user.as_str())], [("do", "remove"), ("user", own.as_str())]);
    let adas_page = ada.get(&people).await;
    tokio::join!(ada.submit(&adas_page, &people, &one), bob.submit(&page, &people, &other));
    let left = world.get(&format!("/v1/firms/{firm}/users")).await.ok();
    let left = left["items"].as_array().unwrap().clone();
    assert_eq!((left.len(), &left[0]["role"]), (1, &json!("administrator")));
    let last = left[0]["id"].as_str().unwrap().to_owned();
    let (who, _) = if last == own { (&ada, &bob) } else { (&bob, &ada) };
    let page = who.get(&people).await;
    for deed in [vec![("do", "remove")], vec![("do", "role"), ("role", "reader")]] {
        let refused = who.submit(&page, &people, &[deed, vec![("user", last.as_str())]].concat()).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.shows(&["the firm&#39;s last administrator"]);
    }
    // The operator may: the firm can be left to nobody.
    assert_eq!(world.delete(&format!("/v1/firms/{firm}/users/{last}")).await.status, StatusCode::NO_CONTENT);
    let ada = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let bob = Visitor::invited(&world, &firm, "clerk", BOB).await;
    let page = ada.get(&people).await;
    ada.submit(&page, &people, &[("do", "remove"), ("user", &user)]).await;
    assert_eq!(bob.get(&people).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_member_is_linked_tested_and_given_dates_without_knowing_the_api() {
    let world = World::new().await;
    world.register_for_push();
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let new = format!("{}/members/new", home(&registry));
    let form = visitor.get(&new).await;
    let typed = [("name", "Ada"), ("address", "nobody@lumen.example"), ("connector", registry.connector.as_str())];
    visitor.submit(&form, &new, &typed).await.shows(&["role=\"alert\"", "value=\"nobody@lumen.example\""]);
    let typed = [("name", "Ada"), ("address", ADA), ("connector", registry.connector.as_str())];
    let member = visitor.submit(&form, &new, &typed).await.to.unwrap();
    let page = visitor.get(&member).await;
    page.shows(&["switched off", ADA]);
    visitor.submit(&page, &member, &[("test", "mail")]).await.shows(&["class=\"dot good\"", "works"]);
    // Where scripts run, each dot waits for its own answer.
    let token = page.field("token");
    let all = [("token", token.as_str()), ("test", "all")];
    let waiting = visitor.send_for(&member, &all, "section#tests").await;
    assert_eq!(waiting.html.matches("hx-trigger=\"load\"").count(), 4, "{}", waiting.html);
    let one = [("token", token.as_str()), ("test", "mail")];
    let one = visitor.send_for(&member, &one, "li#check-mail").await;
    one.shows(&["<li id=\"check-mail\"><span class=\"dot good\""]);
    let all = visitor.submit(&page, &member, &[("test", "all")]).await;
    assert_eq!(all.html.matches("<li id=\"check-").count(), 4, "{}", all.html);
    visitor.submit(&page, &member, &[("dates", "1"), ("target", "todo")]).await;
    let shown = world.get(&member.replace("/console", "/v1")).await.ok();
    assert_eq!(shown["push"], json!({ "dates": true, "contacts": false, "target": "todo" }));
    visitor.get(&member).await.shows(&["nothing yet", " selected"]);
    visitor.get(&format!("{}/members", home(&registry))).await.shows(&["Ada", "Dates"]);
}

#[tokio::test]
async fn dates_are_given_to_members_and_taken_from_them_many_at_once() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    let member = world.pushed_member(&firm, ADA, "calendar").await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", firm.id);
    let home = format!("/console/firms/{}", firm.id);
    for number in 1..=3 {
        let date = json!({ "kind": "deadline", "title": format!("Appeal {number}"), "start": "2026-07-01T17:00:00",
            "members": [], "version": 1 });
        world.put(&of_firm(&format!("dates/D-{number}")), date).await.ok();
    }
    let contact = json!({ "name": "Court", "emails": ["office@court.example"], "members": [], "version": 1 });
    world.put(&of_firm("contacts/C-1"), contact).await.ok();
    let visitor = Visitor::invited(&world, &firm.id, "administrator", ADA).await;
    let dates = format!("{}/entries/dates", home);
    let page = visitor.get(&dates).await;
    page.shows(&["Appeal 1", "Deadline · 1 Jul 2026 17:00", "In nobody&#39;s Outlook"]);
    let chosen = [("entry", "D-1"), ("entry", "D-3"), ("member", member.as_str())];
    let given = visitor.submit(&page, &dates, &[&chosen[..], &[("do", "give")]].concat()).await.to.unwrap();
    world.run_until_idle().await;
    visitor.get(&given).await.shows(&["2 entries are changed", "</bdi>: in Outlook"]);
    let members = async |date: &str| world.get(&of_firm(&format!("dates/{date}"))).await.ok()["members"].clone();
    assert_eq!((members("D-1").await, members("D-2").await), (json!([member]), json!([])));
    let only = visitor.get(&format!("{dates}?member={member}")).await;
    assert!(only.html.contains("Appeal 3") && !only.html.contains("Appeal 2"), "{}", only.html);
    visitor.submit(&page, &dates, &[&chosen[..], &[("do", "take")]].concat()).await;
    assert_eq!(members("D-3").await, json!([]));
    visitor.get(&format!("{}/entries/contacts", home)).await.shows(&["Court", "office@court.example"]);
    // Nothing chosen changes nothing, and the page says so; a reader can't choose.
    let none = visitor.submit(&page, &dates, &[("do", "give"), ("member", member.as_str())]).await;
    none.shows(&["role=\"alert\"", "Choose at least one entry", " selected"]);
    world.tenant.add_user(BOB, "Bob").unwrap();
    let page = Visitor::invited(&world, &firm.id, "reader", BOB).await.get(&dates).await;
    assert!(page.html.contains("Appeal 1") && !page.html.contains("type=\"checkbox\""), "{}", page.html);
}

#[tokio::test]
async fn a_webhook_is_added_tried_paused_and_removed_without_knowing_the_api() {
    let world = World::new().await;
    let registry = world.registry().await;
    let application = crate::webhooks::Application::start().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let webhooks = format!("{}/webhooks", home(&registry));
    let page = visitor.get(&webhooks).await;
    let wrong = visitor.submit(&page, &webhooks, &[("url", "ftp://nowhere.example")]).await;
    wrong.shows(&["role=\"alert\"", "value=\"ftp://nowhere.example\""]);
    let made = visitor.submit(&page, &webhooks, &[("url", application.url.as_str())]).await;
    made.shows(&["It is shown this once", "value=\"whsec_", "Works"]);
    let list = visitor.get(&webhooks).await;
    let one = format!("{webhooks}/{}", after(&list.html, &format!("href=\"{webhooks}/")));
    let page = visitor.get(&one).await;
    assert!(!page.html.contains("whsec_"), "{}", page.html);
    application.always(Some(204));
    visitor.submit(&page, &one, &[("do", "test")]).await;
    world.deliver("inbox", "Posted");
    world.run_until_idle().await;
    let page = visitor.get(&one).await;
    page.shows(&["message_archived", "Test", "204"]);
    application.taken();
    let number = after(&page.html, "name=\"number\" value=\"").to_owned();
    visitor.submit(&page, &one, &[("do", "again"), ("number", &number)]).await;
    world.run_until_idle().await;
    assert_eq!(application.taken().len(), 1);
    let unknown = visitor.submit(&page, &one, &[("do", "again"), ("number", "999")]).await;
    assert_eq!(unknown.status, StatusCode::CONFLICT);
    visitor.submit(&page, &one, &[("do", "pause")]).await;
    visitor.get(&one).await.shows(&["Paused", "Go on"]);
    visitor.submit(&page, &one, &[("do", "go-on")]).await;
    visitor.submit(&page, &one, &[("do", "secret")]).await.shows(&["value=\"whsec_"]);
    visitor.submit(&page, &one, &[("do", "remove")]).await;
    assert_eq!(visitor.get(&one).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_audit_trail_says_who_read_which_mail_and_who_changed_what() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "The lease");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let message = message_id(&registry, &mail);
    visitor.get(&format!("{}/documents/{message}", home(&registry))).await;
    let record = format!("{}/audit", home(&registry));
    let page = visitor.get(&record).await;
    page.shows(&["read mail", "added a mailbox", "Your provider", ADA, &format!("/documents/{message}\">"), "done"]);
    assert!(!page.html.contains("did-"), "{}", page.html);
    // Page by page, each deed once.
    for number in 0..60 {
        world.post(&format!("/v1/firms/{}/keys", registry.firm), json!({ "name": format!("key {number}") })).await;
    }
    let first = visitor.get(&record).await;
    let older = after(&first.html, &format!("href=\"{record}?")).replace("&#38;", "&").replace("&amp;", "&");
    let second = visitor.get(&format!("{record}?{older}")).await;
    let rows = |page: &Page| page.html.matches("made a key").count();
    assert_eq!((rows(&first) + rows(&second), first.html.contains("outcome unknown")), (60, false));
    let clerk = async || {
        world.tenant.add_user(BOB, "Bob").unwrap();
        Visitor::invited(&world, &registry.firm, "clerk", BOB).await
    };
    assert_eq!(clerk().await.get(&record).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_mailbox_is_compared_and_older_mail_is_released_and_kept() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "One");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let own = format!("{}/mailboxes/{}", home(&registry), registry.mailbox);
    let page = visitor.get(&own).await;
    page.shows(&["Is everything there?", "Compare now"]);
    assert!(!page.html.contains("Mail from before"), "{}", page.html);
    visitor.submit(&page, &own, &[("do", "check")]).await;
    world.run_until_idle().await;
    visitor.get(&own).await.shows(&["none is missing", "Folder by folder"]);
    // Only the operator releases older mail.
    let released = visitor.submit(&page, &own, &[("do", "grant"), ("since", "2025-01-01")]).await;
    assert_eq!(released.status, StatusCode::NOT_FOUND);
    let grant = format!("/v1/firms/{}/mailboxes/{}/grant", registry.firm, registry.mailbox);
    world.put(&grant, json!({ "since": "2025-01-01" })).await.ok();
    let page = visitor.get(&own).await;
    page.shows(&["Your provider released mail from 1 Jan 2025 on.", "Keep older mail"]);
    let early = visitor.submit(&page, &own, &[("do", "history"), ("since", "2020-01-01")]).await;
    early.shows(&["role=\"alert\""]);
    visitor.submit(&page, &own, &[("do", "history"), ("since", "2025-06-01")]).await;
    world.run_until_idle().await;
    visitor.get(&own).await.shows(&["All older mail has been looked at."]);
}

#[tokio::test]
async fn mails_that_may_belong_to_a_dossier_are_shown_and_filed_together() {
    let world = World::new().await;
    let registry = world.registry().await;
    let contact =
        json!({ "name": "Locksmith", "emails": ["client@acme.example"], "dossier": "2026/14", "members": [] });
    world.put(&format!("/v1/firms/{}/contacts/C-1", registry.firm), contact).await.ok();
    let mails = ["A lock", "A door"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let proposals = format!("{}/proposals", home(&registry));
    let page = visitor.get(&proposals).await;
    page.shows(&["A lock", "A door", "2026/14"]);
    let ticked = mails.each_ref().map(|mail| format!("{} 2026/14", message_id(&registry, mail)));
    let ticked = ticked.each_ref().map(|proposal| ("proposal", proposal.as_str()));
    let filed = visitor.submit(&page, &proposals, &ticked).await;
    visitor.get(filed.to.as_deref().unwrap()).await.shows(&["2 mails are filed", "No mail waits for a dossier"]);
    assert_eq!(world.message(&registry, &mails[0]).await.ok()["dossier"], "2026/14");
}

#[tokio::test]
async fn what_a_form_did_is_said_once_and_not_again_when_the_page_is_loaded_again() {
    let world = World::new().await;
    let (registry, _, message) = one_mail(&world).await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let (mailbox, documents) =
        (format!("{}/mailboxes/{}", home(&registry), registry.mailbox), format!("{}/documents", home(&registry)));
    let (rules, proposals) = (format!("{mailbox}/rules"), format!("{}/proposals", home(&registry)));
    let rule = format!("{proposals}/rules");
    let said = "<p class=\"said\" role=\"status\">";
    let forms = [
        (&mailbox, &mailbox, "do=pause", "It is paused."),
        (&mailbox, &mailbox, "do=activate", "The mailbox is switched on."),
        (&rules, &rules, "do=store&mark=1", "Saved."),
        (&proposals, &rule, "file_by_contact=1", "Saved."),
        (&documents, &documents, &*format!("message={message}&dossier=7"), "One mail is filed as you asked."),
    ];
    for (page, to, fields, words) in forms {
        let page = visitor.get(page).await;
        assert!(!page.html.contains(said), "{}", page.html);
        let fields: Vec<_> = fields.split('&').map(|field| field.split_once('=').unwrap()).collect();
        let next = visitor.submit(&page, to, &fields).await.to.unwrap();
        assert!(!next.contains('?'), "{next}");
        visitor.get(&next).await.shows(&[&format!("{said}{words}")]);
        let again = visitor.get(&next).await;
        assert!(!again.html.contains(said), "{}", again.html);
    }
    // A form where nothing is ticked says what is missing.
    let none = visitor.submit(&visitor.get(&proposals).await, &proposals, &[]).await;
    none.shows(&["role=\"alert\"", "Choose at least one mail"]);
}

#[tokio::test]
async fn rules_and_folders_that_somebody_else_changed_meanwhile_are_not_overwritten_in_silence() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let mailbox = format!("{}/mailboxes/{}", home(&registry), registry.mailbox);
    let stored = async || world.get(&mailbox.replace("/console", "/v1")).await.ok();
    let rules = format!("{mailbox}/rules");
    let (one, other) = (visitor.get(&rules).await, visitor.get(&rules).await);
    let (tag, old) = (one.field("tag"), other.field("tag"));
    let of =
        |tag: &str, sender: &'static str| [("tag", tag.to_owned()), ("senders", sender.into()), ("do", "store".into())];
    let save = async |tag: &str, sender: &'static str| {
        let fields = of(tag, sender);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        visitor.submit(&one, &rules, &fields).await
    };
    assert_eq!(save(&tag, "one@shop.example").await.status, StatusCode::SEE_OTHER);
    let late = save(&old, "other@shop.example").await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.shows(&["somebody else has changed this", "<bdi>one@shop.example</bdi>", ">other@shop.example</textarea>"]);
    assert_eq!(stored().await["rules"]["excluded_senders"], json!(["one@shop.example"]));
    // Whoever saw the newer state may replace it.
    assert_eq!(save(&late.field("tag"), "other@shop.example").await.status, StatusCode::SEE_OTHER);
    assert_eq!(stored().await["rules"]["excluded_senders"], json!(["other@shop.example"]));

    let folders = format!("{mailbox}/folders");
    let page = visitor.get(&folders).await;
    let old = page.field("tag");
    world
        .put(&format!("{}/selection", mailbox.replace("/console", "/v1")), json!({ "mode": "all", "folders": [] }))
        .await
        .ok();
    let choice = [("tag", old.as_str()), ("mode", "exclude"), ("do", "store")];
    let late = visitor.submit(&page, &folders, &choice).await;
    late.shows(&["somebody else has changed this", "<p class=\"said\">All folders.", "value=\"exclude\" checked"]);
    assert_eq!(stored().await["selection"]["mode"], "all");
    let choice = [("tag", late.field("tag")), ("mode", "exclude".to_owned()), ("do", "store".to_owned())];
    let choice = choice.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(visitor.submit(&late, &folders, &choice).await.status, StatusCode::SEE_OTHER);
    assert_eq!(stored().await["selection"]["mode"], "exclude");
}

#[tokio::test]
async fn a_connection_and_a_member_that_somebody_else_changed_meanwhile_are_not_overwritten_in_silence() {
    let world = World::new().await;
    world.register_for_push();
    let registry = world.registry().await;
    let of_firm = |below: &str| format!("/v1/firms/{}{below}", registry.firm);
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector, "push": null });
    let member = world.post(&of_firm("/members"), member).await.ok()["id"].as_str().unwrap().to_owned();
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let (connector, member) = (format!("/connectors/{}", registry.connector), format!("/members/{member}"));
    let renamed = json!({ "name": "Reception" });
    let switched = json!({ "push": { "dates": true, "contacts": false, "target": "todo" } });
    let typed: [&[(&str, &str)]; 2] = [&[("name", "Office"), ("access", "delegated")], &[("contacts", "1")]];
    for (below, elsewhere, typed, shown) in [
        (&connector, renamed, typed[0], ["Reception · Through one person", "value=\"Office\""]),
        (&member, switched, typed[1], ["Dates: To Do", "name=\"contacts\" value=\"1\" checked"]),
    ] {
        let page = visitor.get(&format!("{}{below}", home(&registry))).await;
        world.patch(&of_firm(below), elsewhere).await.ok();
        // The link of a connection is another one each time.
        let stored = async || {
            let mut stored = world.get(&of_firm(below)).await.ok();
            stored.as_object_mut().unwrap().remove("connect_url");
            stored
        };
        let before = stored().await;
        let send = async |tag: &str| {
            let fields = [&[("do", "change"), ("tag", tag)], typed].concat();
            visitor.submit(&page, &format!("{}{below}", home(&registry)), &fields).await
        };
        let late = send(&page.field("tag")).await;
        assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{below}");
        late.shows(&["somebody else has changed this"]);
        late.shows(&shown);
        assert_eq!(stored().await, before, "{below}");
        // A person who saw the newer state may replace it.
        assert_eq!(send(&late.field("tag")).await.status, StatusCode::SEE_OTHER, "{below}");
        assert_ne!(stored().await, before, "{below}");
    }
}

#[tokio::test]
async fn a_clerk_lets_a_folder_stand_for_a_dossier_and_ends_it() {
    let world = World::new().await;
    let registry = world.registry().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let mailbox = format!("{}/mailboxes/{}", home(&registry), registry.mailbox);
    world
        .put(&format!("{}/selection", mailbox.replace("/console", "/v1")), json!({ "mode": "all", "folders": [] }))
        .await
        .ok();
    let clerk = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let dossiers = format!("{mailbox}/dossiers");
    clerk.get(&mailbox).await.shows(&[&format!("href=\"{dossiers}\">Let a folder stand for a dossier")]);
    let page = clerk.get(&dossiers).await;
    page.shows(&["No folder of this mailbox stands for a dossier.", ">Inbox/Clients</option>"]);
    page.shows(&["Only folders whose mail is kept are offered."]);
    let old = page.field("tag");
    let choice = [("tag", old.as_str()), ("folder", &clients), ("dossier", "2026/7")];
    let saved = clerk.submit(&page, &dossiers, &choice).await;
    assert_eq!(saved.to.as_deref(), Some(dossiers.as_str()));
    let page = clerk.get(&dossiers).await;
    page.shows(&["Saved.", "<bdi>Inbox/Clients</bdi>", "<bdi>2026/7</bdi>"]);
    clerk.get(&mailbox).await.shows(&["Mail in one folder is filed to its dossier:", "<bdi>2026/7</bdi>"]);
    world.deliver(&clients, "A lease");
    world.run_until_idle().await;
    clerk.get(&format!("{}/documents", home(&registry))).await.shows(&["A lease", "Filed in 2026/7"]);
    // A second tab that saw the older state is told, and what was typed is kept.
    let choice = [("tag", old.as_str()), ("folder", clients.as_str()), ("dossier", "2026/8")];
    let late = clerk.submit(&page, &dossiers, &choice).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.shows(&["somebody else has changed this", "value=\"2026/8\"", "<bdi>2026/7</bdi>"]);
    let end = [("tag", late.field("tag")), ("end", clients.clone())];
    let end = end.each_ref().map(|(name, value)| (*name, value.as_str()));
    clerk.submit(&late, &dossiers, &end).await;
    clerk.get(&dossiers).await.shows(&["No folder of this mailbox stands for a dossier."]);
}

#[tokio::test]
async fn what_a_ticked_folder_means_for_those_below_it_stands_beside_it() {
    let world = World::new().await;
    let registry = world.registry().await;
    let clients = world.microsoft.create_folder(ADA, "inbox", "Clients").unwrap();
    let acme = world.microsoft.create_folder(ADA, &clients, "Acme").unwrap();
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let folders = format!("{}/mailboxes/{}/folders", home(&registry), registry.mailbox);
    let page = visitor.get(&folders).await;
    let seen = async |mode: &str, ticked: &[&str], deed: &str| {
        let ticked = ticked.iter().map(|id| ("folder", *id)).chain([("mode", mode), ("do", deed)]).collect::<Vec<_>>();
        visitor.submit(&page, &folders, &ticked).await
    };
    let beside = |page: &Page, name: &str| {
        let row = page.html.split(&format!("<bdi>{name}</bdi>")).nth(1).unwrap().split("</span>").next().unwrap();
        row.split("<small class=\"below\">").nth(1).map(|words| words.split('<').next().unwrap().to_owned())
    };
    let said = |words: &str| Some(words.to_owned());
    for (mode, ticked, of_clients, of_acme) in [
        ("include", &[clients.as_str()][..], "without those below", ""),
        ("include", &[&clients, &acme], "with all below", ""),
        ("include", &[&acme], "some below are ticked", ""),
        ("exclude", &[&clients], "with all below", "left out with the folder above"),
        ("all", &[&clients], "", ""),
    ] {
        let page = seen(mode, ticked, "see").await;
        assert_eq!(beside(&page, "Clients"), said(of_clients), "{mode} {ticked:?}");
        assert_eq!(beside(&page, "Acme").unwrap_or_default(), of_acme, "{mode} {ticked:?}");
    }
    let all = seen("include", &[&clients], "below").await;
    assert_eq!(beside(&all, "Clients"), said("with all below"));
    all.shows(&[&format!("value=\"{acme}\" checked")]);
}

#[tokio::test]
async fn what_the_page_of_a_mail_leaves_out_is_said_and_only_then() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let read = async |rest: &str| {
        let mime = format!(
            "From: duval@cabinet.example\r\nTo: {ADA}\r\nSubject: Plan\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>{rest}\r\n"
        );
        let mail = world.microsoft.deliver(ADA, "inbox", Mail::new(mime, world.clock.now())).unwrap();
        world.run_until_idle().await;
        let message = message_id(&registry, &mail.immutable_id);
        visitor.get(&format!("{}/documents/{message}", home(&registry))).await
    };
    let whole = read("").await;
    assert!(!whole.html.contains("Images from the web") && !whole.html.contains("longer than what is shown"));
    read("<img src=\"https://tracker.example/p.gif\">").await.shows(&["Images from the web", "images=remote"]);
    read(&"<p>word</p>".repeat(300_000)).await.shows(&["This mail is longer than what is shown here."]);
}

#[tokio::test]
async fn a_refused_field_is_named_in_the_persons_language() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    visitor.language = "nl";
    let rules = format!("{}/mailboxes/{}/rules", home(&registry), registry.mailbox);
    let page = visitor.get(&rules).await;
    let wrong = visitor.submit(&page, &rules, &[("senders", "a@b.example\nkeinadres"), ("do", "store")]).await;
    wrong.shows(&[
        "regel 2 past niet. Hier hoort een e-mailadres",
        "Er is niets gewijzigd.",
        "<details class=\"fold\"><summary>",
    ]);
    let webhooks = format!("{}/webhooks", home(&registry));
    let wrong = visitor.submit(&page, &webhooks, &[("url", "ftp://nowhere.example")]).await;
    wrong.shows(&["“Adres” past niet."]);
}

#[tokio::test]
async fn an_administrator_changes_the_firms_name_language_and_marks() {
    let world = World::new().await;
    let firm = world.firm("Lumen Avocats").await;
    let visitor = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let settings = format!("/console/firms/{firm}/settings");
    let page = visitor.get(&settings).await;
    page.shows(&["value=\"Lumen Avocats\"", "Europe/Paris", "value=\"greffe: received\"", ">lumen.example</textarea>"]);
    let typed = [("do", "firm"), ("name", "Lumen & Co"), ("language", "nl"), ("domains", "a.example, b.example")];
    let wrong = visitor.submit(&page, &settings, &[&typed[..], &[("time_zone", "Mars")]].concat()).await;
    wrong.shows(&["“Time zone” does not fit.", "value=\"Lumen &#38; Co\"", "value=\"Mars\""]);
    let typed = [&typed[..], &[("time_zone", "Europe/Brussels")]].concat();
    let stored = visitor.submit(&page, &settings, &typed).await.to.unwrap();
    visitor.get(&stored).await.shows(&["Saved.", "value=\"nl\" selected"]);
    let shown = world.get(&format!("/v1/firms/{firm}")).await.ok();
    assert_eq!((&shown["name"], &shown["domains"]), (&json!("Lumen & Co"), &json!(["a.example", "b.example"])));
    let marks = [
        ("do", "marks"),
        ("received_name", "Bewaard"),
        ("received_color", "preset13"),
        ("filed_name", "Geklasseerd"),
        ("filed_color", "preset7"),
    ];
    visitor.submit(&page, &settings, &marks).await;
    let stored = world.get(&format!("/v1/firms/{firm}/marks")).await.ok();
    assert_eq!(stored["filed"], json!({ "name": "Geklasseerd", "color": "preset7" }));
    // Of two who save, the second sees what holds.
    let tags = visitor.get(&settings).await.html;
    let old = tags.split("name=\"tag\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    world.patch(&format!("/v1/firms/{firm}"), json!({ "name": "Theirs" })).await.ok();
    let late = visitor.submit(&page, &settings, &[&typed[..], &[("tag", old)]].concat()).await;
    late.shows(&["somebody else has changed this", "<bdi>Theirs · Nederlands", "value=\"Lumen &#38; Co\""]);
    assert_eq!(world.get(&format!("/v1/firms/{firm}")).await.ok()["name"], "Theirs");
    world.tenant.add_user(BOB, "Bob").unwrap();
    let clerk = Visitor::invited(&world, &firm, "clerk", BOB).await;
    assert_eq!(clerk.get(&settings).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_administrator_makes_a_key_for_a_program_which_is_shown_once_and_revokes_it() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let keys = format!("{}/keys", home(&registry));
    let page = visitor.get(&keys).await;
    page.shows(&["No program has a key yet", "name=\"right\" value=\"read\" checked"]);
    let none = visitor.submit(&page, &keys, &[("do", "make"), ("name", "Dossiers")]).await;
    none.shows(&["“What it may do” does not fit.", "value=\"Dossiers\""]);
    let typed = [("do", "make"), ("name", "Dossiers"), ("right", "read"), ("right", "file")];
    let made = visitor.submit(&page, &keys, &typed).await;
    let key = after(&made.html, "<input readonly value=\"").to_owned();
    made.shows(&["It is shown this once", "Read mail and settings · File mail to dossiers", "Never used."]);
    let messages = format!("/v1/firms/{}/messages", registry.firm);
    let ask = async || world.request(Some(&key), reqwest::Method::GET, &messages, None).await.status;
    assert_eq!(ask().await, StatusCode::OK);
    let list = visitor.get(&keys).await;
    assert!(!list.html.contains(&key) && list.html.contains("Used last on"), "{}", list.html);
    let id = after(&list.html, "name=\"key\" value=\"").to_owned();
    visitor.submit(&list, &keys, &[("do", "revoke"), ("key", &id)]).await;
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_mailbox_is_added_for_a_member_without_an_address() {
    let world = World::new().await;
    let firm = world.firm("Lumen Avocats").await;
    let connector = world.connector(&firm, "delegated", Value::Null).await;
    world.sign_in(&firm, &connector, ADA).await.ok();
    let member = json!({ "name": "Ada", "address": ADA, "connector": connector, "push": null });
    let member = world.post(&format!("/v1/firms/{firm}/members"), member).await.ok();
    let visitor = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let new = format!("/console/firms/{firm}/mailboxes/new");
    let form = visitor.get(&new).await;
    form.shows(&["by the address below", ">Ada</option>"]);
    let typed =
        [("member", member["id"].as_str().unwrap()), ("connector", &connector), ("address", ""), ("kind", "user")];
    let made = visitor.submit(&form, &new, &typed).await.to.unwrap();
    let mailbox = world.get(&made.replace("/console", "/v1")).await.ok();
    assert_eq!((&mailbox["address"], &mailbox["member"]), (&json!(ADA), &member["id"]));
}

#[tokio::test]
async fn a_member_shows_what_would_change_in_their_outlook_and_changes_nothing() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    let member = world.pushed_member(&firm, ADA, "calendar").await;
    let visitor = Visitor::invited(&world, &firm.id, "administrator", ADA).await;
    let own = format!("/console/firms/{}/members/{member}", firm.id);
    let page = visitor.get(&own).await;
    visitor.submit(&page, &own, &[("do", "preview")]).await.shows(&["Nothing: all is in this Outlook"]);
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [member] });
    world.put(&format!("/v1/firms/{}/dates/D-1", firm.id), date).await.ok();
    let preview = visitor.submit(&page, &own, &[("do", "preview")]).await;
    preview.shows(&["One difference.", "<bdi>D-1</bdi>: would be written", "name=\"dates\" value=\"1\" checked"]);
}

#[tokio::test]
async fn every_page_of_a_firm_has_help_and_leads_to_its_section_of_the_guide() {
    let world = World::new().await;
    let (registry, _, message) = one_mail(&world).await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let mailbox = format!("/mailboxes/{}", registry.mailbox);
    for below in [
        "",
        "/documents",
        &format!("/documents/{message}"),
        "/proposals",
        "/mailboxes",
        "/mailboxes/new",
        &mailbox,
        &format!("{mailbox}/folders"),
        &format!("{mailbox}/dossiers"),
        &format!("{mailbox}/rules"),
        "/connectors",
        "/connectors/new",
        &format!("/connectors/{}", registry.connector),
        "/members",
        "/members/new",
        "/entries/dates",
        "/webhooks",
        "/people",
        "/settings",
        "/keys",
        "/audit",
        "/erasures",
        "/erasures/new",
        "/retention",
    ] {
        let page = visitor.get(&format!("{}{below}", home(&registry))).await;
        assert_eq!(page.html.matches("<details class=\"help\">").count(), 1, "{below}: {}", page.html);
        assert_eq!(page.html.matches("href=\"/console/guide#").count(), 1, "{below}: {}", page.html);
    }
    // Nobody has to be signed in to read it.
    let guide = Visitor::new(&world).get("/console/guide").await;
    guide.shows(&["<h2 id=\"rules\">Rules</h2>", "<a href=\"#rules\">Rules</a>", "lang=\"en\""]);
    assert!(guide.html.len() < 60_000, "{} bytes", guide.html.len());
}

#[tokio::test]
async fn the_audit_trail_names_the_mailbox_says_why_something_was_refused_and_leads_there_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let mailbox = format!("{}/mailboxes/{}", home(&registry), registry.mailbox);
    let page = visitor.get(&format!("{mailbox}/rules")).await;
    visitor.submit(&page, &format!("{mailbox}/rules"), &[("senders", "no address"), ("do", "store")]).await;
    visitor.get(&format!("{}/audit", home(&registry))).await.shows(&[
        &format!("changed rules <a href=\"{mailbox}\"><bdi>{ADA}</bdi></a>"),
        "refused: a field did not fit",
        &format!("<a href=\"{mailbox}\">Try again</a>"),
    ]);
}

#[tokio::test]
async fn home_names_all_that_waits_each_with_the_page_where_it_is_done() {
    let world = World::new().await;
    let firm = world.pushing_firm_of(ADA).await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let member = world.pushed_member(&firm, ADA, "calendar").await;
    let of_firm = |below: &str| format!("/v1/firms/{}/{below}", firm.id);
    let home = format!("/console/firms/{}", firm.id);
    let mailbox = world.mailbox(&firm.id, &firm.connector, ADA).await;
    let choice = json!({ "mode": "all", "folders": [] });
    world.put(&of_firm(&format!("mailboxes/{mailbox}/selection")), choice).await.ok();
    world.post(&of_firm(&format!("mailboxes/{mailbox}/activate")), json!({})).await.ok();
    world.run_until_idle().await;
    world.deliver("inbox", "A lock");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &firm.id, "administrator", ADA).await;
    visitor.get(&home).await.shows(&["Nothing needs anyone", "is kept, as of 2 Mar 2026"]);

    world.post(&of_firm(&format!("mailboxes/{mailbox}/pause")), json!({})).await;
    let contact =
        json!({ "name": "Locksmith", "emails": ["client@acme.example"], "dossier": "2026/14", "members": [] });
    world.put(&of_firm("contacts/C-1"), contact).await.ok();
    let webhook = world.post(&of_firm("webhooks"), json!({ "url": "http://127.0.0.1:9/greffe" })).await.ok();
    let webhook = webhook["id"].as_str().unwrap();
    world.patch(&of_firm(&format!("webhooks/{webhook}")), json!({ "state": "paused" })).await.ok();
    let target = json!({ "kind": "sender", "from": "@acme.example", "mailbox": null });
    let erasure = json!({ "target": target, "asked_by": "Ada", "reason": "Spam" });
    let erasure = world.post(&of_firm("erasures"), erasure).await.ok();
    world.host.erase().await;
    // An entry that Outlook refuses.
    world.microsoft.faults().fail("event create", 400, Times::Forever);
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [member] });
    world.put(&of_firm("dates/D-1"), date).await.ok();
    for _ in 0..40 {
        world.pass(Duration::from_secs(60)).await;
    }
    let page = visitor.get(&home).await;
    page.shows(&[
        &format!("One date or contact is not in {ADA}&#39;s Outlook."),
        &format!("href=\"{home}/entries/dates?member={member}\""),
        "ada@lumen.example is paused: nothing is read.",
        "One mail may belong to a dossier.",
        "is paused.",
        "An erasure waits for you to confirm it.",
        &format!("href=\"{home}/mailboxes/{mailbox}\""),
        &format!("href=\"{home}/webhooks/{webhook}\""),
        &format!("href=\"{home}/erasures/{}\"", erasure["id"].as_str().unwrap()),
        &format!("href=\"{home}/proposals\""),
    ]);
    // Who can't do anything about it is not asked to.
    let reader = Visitor::invited(&world, &firm.id, "reader", BOB).await;
    reader.get(&home).await.shows(&["Nothing needs anyone"]);
    for below in ["folders", "rules"] {
        let page = reader.get(&format!("{home}/mailboxes/{mailbox}/{below}")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{below}");
    }
}

#[tokio::test]
async fn of_many_members_whose_outlook_lacks_something_home_names_ten_and_says_that_there_may_be_more() {
    let world = World::new().await;
    let firm = world.pushing_firm().await;
    let mailbox = world.mailbox(&firm.id, &firm.connector, ADA).await;
    let mailbox = format!("/v1/firms/{}/mailboxes/{mailbox}", firm.id);
    world.put(&format!("{mailbox}/selection"), json!({ "mode": "all", "folders": [] })).await.ok();
    world.post(&format!("{mailbox}/activate"), json!({})).await.ok();
    let switches = json!({ "dates": true, "contacts": false, "target": "calendar" });
    let mut members = Vec::new();
    for number in 0..11 {
        members.push(world.member_with(&firm, &format!("person{number}@lumen.example"), switches.clone()).await);
    }
    let visitor = Visitor::invited(&world, &firm.id, "administrator", ADA).await;
    world.microsoft.faults().fail("event create", 400, Times::Forever);
    let named = async |members: &[String]| {
        let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": members });
        world.put(&format!("/v1/firms/{}/dates/D-1", firm.id), date).await.ok();
        for _ in 0..40 {
            world.pass(Duration::from_secs(60)).await;
        }
        let page = visitor.get(&format!("/console/firms/{}", firm.id)).await;
        (
            page.html.matches("\"Open: One date or contact is not in person").count(),
            page.html.contains("Perhaps the Outlook of other members"),
        )
    };
    assert_eq!(named(&members[..10]).await, (10, false));
    assert_eq!(named(&members).await, (10, true));
}

#[tokio::test]
async fn a_mail_that_microsoft_does_not_give_out_is_found_with_when_it_is_tried_again() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "A broken mail");
    world.microsoft.faults().value(&mail, ValueFault::Status(400), Times::Forever);
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let found = format!("{}/documents?mailbox={}&amp;filed=failed", home(&registry), registry.mailbox);
    visitor.get(&format!("{}/mailboxes/{}", home(&registry), registry.mailbox)).await.shows(&[&found]);
    visitor.get(&found.replace("&amp;", "&")).await.shows(&["A broken mail", "Not given out by Microsoft yet"]);
    let own = format!("{}/documents/{}", home(&registry), message_id(&registry, &mail));
    visitor.get(&own).await.shows(&["greffe asked for it", "greffe tries again by itself: 2 Mar 2026"]);
}

#[tokio::test]
async fn mails_that_are_not_archived_stand_in_one_list_and_are_tried_again_one_or_all() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails: Vec<String> = (0..3).map(|number| world.deliver("inbox", &format!("Broken {number}"))).collect();
    for mail in &mails {
        world.microsoft.faults().value(mail, ValueFault::Status(400), Times::Forever);
    }
    world.run_until_idle().await;
    world.microsoft.faults().clear();
    let failed = format!("{}/failed", home(&registry));
    world.tenant.add_user(BOB, "Bob").unwrap();
    let reader = Visitor::invited(&world, &registry.firm, "reader", BOB).await;
    let page = reader.get(&failed).await;
    page.shows(&["Broken 0", "Broken 2", ADA]);
    assert!(!page.html.contains("Try all again"));
    let clerk = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let page = clerk.get(&failed).await;
    let one = message_id(&registry, &mails[1]).to_string();
    page.shows(&["Try again: Broken 1", &format!("value=\"{one}\""), "Try all again"]);
    clerk.submit(&page, &failed, &[("message", &one)]).await;
    clerk.get(&failed).await.shows(&["greffe asks Microsoft for one mail again."]);
    world.run_until_idle().await;
    let page = clerk.get(&failed).await;
    page.shows(&["Broken 0", "Broken 2"]);
    assert!(!page.html.contains("Broken 1"));
    clerk.submit(&page, &failed, &[("all", "1")]).await;
    clerk.get(&failed).await.shows(&["greffe asks Microsoft for 2 mails again."]);
    world.run_until_idle().await;
    clerk.get(&failed).await.shows(&["No mail is missing"]);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_in_words() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let rules = format!("{}/mailboxes/{}/rules", home(&registry), registry.mailbox);
    let page = visitor.get(&rules).await;
    let large = visitor.submit(&page, &rules, &[("senders", &"x".repeat(3 << 20)), ("do", "store")]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    large.shows(&["<h1>", "Nothing was changed"]);
}

#[tokio::test]
async fn mail_is_found_by_day_by_way_by_attachment_and_by_whether_it_is_filed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails = ["A lease", "A judgment"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let documents = format!("{}/documents", home(&registry));
    let all = visitor.get(&documents).await;
    all.shows(&["<p id=\"hits\" class=\"quiet\" role=\"status\">2 mails.", "hx-replace-url=\"true\""]);
    let lease = message_id(&registry, &mails[0]).to_string();
    visitor.submit(&all, &documents, &[("message", &lease), ("dossier", "Duval 7")]).await;
    let today = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let tomorrow = today.tomorrow().unwrap();
    for (query, lease, judgment) in [
        ("filed=no".to_owned(), false, true),
        ("filed=yes".to_owned(), true, false),
        ("filed=yes&dossier=Duval%207".to_owned(), true, false),
        ("filed=no&dossier=Duval%207".to_owned(), false, false),
        ("direction=received".to_owned(), true, true),
        ("direction=sent".to_owned(), false, false),
        (format!("since={today}&until={today}"), true, true),
        (format!("since={tomorrow}"), false, false),
        ("attachments=1".to_owned(), false, false),
    ] {
        let page = visitor.get(&format!("{documents}?{query}")).await;
        let has = |subject: &str| page.html.contains(&format!("<bdi>{subject}</bdi>"));
        assert_eq!((has("A lease"), has("A judgment")), (lease, judgment), "{query}: {}", page.html);
        assert!(page.html.contains("class=\"fold filters\" open"), "{query}");
    }
    // Every mail of the page is ticked by one link, and the search stays.
    let ticked = visitor.get(&format!("{documents}?direction=received&tick=all")).await;
    assert_eq!(ticked.html.matches(" checked").count(), 2, "{}", ticked.html);
    ticked.shows(&["Untick all", &format!("href=\"{documents}?direction=received\"")]);
}

#[tokio::test]
async fn another_language_keeps_what_is_searched() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let documents = format!("{}/documents", home(&registry));
    // While somebody types, the address of the page follows, and the links of the page do not.
    let referer = async |before: String| {
        let request = visitor.http.get(visitor.address(&format!("/console/language/nl?to={documents}")));
        visitor.page(request.header(header::REFERER, before).send().await.unwrap()).await.to.unwrap()
    };
    let searched = format!("{documents}?q=lease&filed=no");
    assert_eq!(referer(visitor.address(&searched)).await, searched);
    for elsewhere in ["https://evil.example/console/firms/1", "http://evil.example", "x"] {
        assert_eq!(referer(elsewhere.to_owned()).await, documents);
    }
}

#[tokio::test]
async fn an_administrator_makes_filing_by_contact_a_rule_and_a_clerk_can_not() {
    let world = World::new().await;
    world.tenant.add_user(BOB, "Bob").unwrap();
    let registry = world.registry().await;
    let proposals = format!("{}/proposals", home(&registry));
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let page = visitor.get(&proposals).await;
    page.shows(&["File new mail by its contacts", "File replies with their conversation"]);
    let stored = visitor.submit(&page, &format!("{proposals}/rules"), &[("file_by_contact", "1")]).await;
    let page = visitor.get(stored.to.as_deref().unwrap()).await;
    page.shows(&["name=\"file_by_contact\" value=\"1\" checked"]);
    let firm = world.get(&format!("/v1/firms/{}", registry.firm)).await.ok();
    assert_eq!((&firm["file_by_contact"], &firm["replies_follow"]), (&json!(true), &json!(false)));

    let clerk = Visitor::invited(&world, &registry.firm, "clerk", BOB).await;
    let page = clerk.get(&proposals).await;
    assert!(!page.html.contains("file_by_contact"), "{}", page.html);
    let refused = clerk.submit(&page, &format!("{proposals}/rules"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    assert_eq!(world.get(&format!("/v1/firms/{}", registry.firm)).await.ok()["file_by_contact"], true);
}

#[tokio::test]
async fn a_search_that_is_refused_says_so_in_place_of_an_empty_list() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let refused = visitor.get(&format!("{}/documents?mailbox=nothing", home(&registry))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.shows(&["id=\"list\"", "role=\"alert\"", "mailbox"]);
}

#[tokio::test]
async fn a_firms_own_app_is_given_a_certificate_or_the_values_of_no_secret() {
    let world = World::new().await;
    let firm = world.firm("Lumen Avocats").await;
    let visitor = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let new = format!("/console/firms/{firm}/connectors/new");
    let form = visitor.get(&new).await;
    let own =
        [("tenant_id", "lumen.example"), ("client_id", "0d5fdd2c-6f1b-4a0e-9c56-1f6f3d2f4a11"), ("client_secret", "s")];
    let made = visitor.submit(&form, &new, &[&own[..], &[("name", "Ours"), ("access", "delegated")]].concat()).await;
    let connector = made.to.unwrap();
    let page = visitor.get(&connector).await;
    visitor
        .submit(&page, &connector, &[("do", "certificate")])
        .await
        .shows(&["BEGIN CERTIFICATE", "value=\"use-certificate\""]);
    let federation = visitor.submit(&page, &connector, &[("do", "federation")]).await;
    federation.shows(&["Issuer", "value=\"arn:aws:iam::", "value=\"use-federation\""]);
    // What Microsoft refuses is said, and the secret stays.
    let refused = visitor.submit(&page, &connector, &[("do", "use-federation")]).await;
    refused.shows(&["role=\"alert\""]);
    let refused = visitor.submit(&page, &connector, &[("do", "renew")]).await;
    refused.shows(&["role=\"alert\""]);
}

#[tokio::test]
async fn an_administrator_sets_how_long_mail_is_kept_and_for_which_dossiers_longer() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let (erasures, retention) = (format!("{}/erasures", home(&registry)), format!("{}/retention", home(&registry)));
    visitor.get(&erasures).await.shows(&[&format!("href=\"{retention}\"")]);
    let page = visitor.get(&retention).await;
    page.shows(&["Without a number, mail is kept for ever.", "name=\"default_years\""]);
    let class = [("class", "Tax"), ("years", "10"), ("class", ""), ("years", "")];
    let periods = [("do", "periods"), ("default_years", "seven"), ("reason", "The law")];
    let refused = visitor.submit(&page, &retention, &[&periods[..], &class[..]].concat()).await;
    refused.shows(&["Nothing was changed", "value=\"seven\"", "value=\"Tax\"", "value=\"The law\""]);
    let periods = [("do", "periods"), ("default_years", "7"), ("reason", "The law")];
    // Years of no class are not passed over in silence.
    let nameless = [("class", ""), ("years", "12")];
    let refused = visitor.submit(&refused, &retention, &[&periods[..], &nameless[..]].concat()).await;
    refused.shows(&["Nothing was changed", "value=\"12\""]);
    visitor.submit(&refused, &retention, &[&periods[..], &class[..]].concat()).await;
    let page = visitor.get(&retention).await;
    page.shows(&["name=\"default_years\" inputmode=\"numeric\" maxlength=\"3\" autocomplete=\"off\" value=\"7\""]);
    let dossier = [("do", "class"), ("dossier", "2026/7"), ("class", "Tax"), ("reason", "A tax matter")];
    visitor.submit(&page, &retention, &dossier).await;
    visitor.get(&retention).await.shows(&["<bdi>2026/7</bdi>", "<bdi>Tax</bdi>"]);
    visitor.get(&format!("{}/audit", home(&registry))).await.shows(&["changed how long mail is kept"]);

    // What the periods ask for is erased as everything else is.
    let new = format!("{erasures}/new");
    let form = visitor.get(&format!("{new}?kind=retention")).await;
    form.shows(&["Apply the retention periods"]);
    let own = visitor.submit(&form, &new, &[("kind", "retention"), ("reason", "The law")]).await.to.unwrap();
    visitor.get(&own).await.shows(&["is looking at what would go", "Apply the retention periods"]);
    Box::pin(world.host.erase()).await;
    visitor.get(&own).await.shows(&["Nothing to do: no mail has expired"]);

    // The page of a mail says until when it is kept, and once it has expired, since when it is gone.
    world.clock.advance(std::time::Duration::from_secs(61));
    let mail = message_id(&registry, &world.deliver("inbox", "Seven years")).to_string();
    world.run_until_idle().await;
    let page = format!("{}/documents/{mail}", home(&registry));
    let end = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).year() + 8;
    visitor.get(&page).await.shows(&[&format!("It is kept until 1 Jan {end}")]);
    world.clock.advance(std::time::Duration::from_secs(8 * 366 * 86_400));
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    visitor.get(&page).await.shows(&["Expired: its retention period is over", &format!("1 Jan {end}")]);
}

#[tokio::test]
async fn a_mail_is_erased_once_its_number_was_typed_and_a_hold_keeps_it_from_that() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mails = ["Newsletter", "Judgment"].map(|subject| world.deliver("inbox", subject));
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let [newsletter, judgment] = mails.each_ref().map(|mail| message_id(&registry, mail).to_string());
    let (erasures, documents) = (format!("{}/erasures", home(&registry)), format!("{}/documents", home(&registry)));
    let list = visitor.get(&documents).await;
    visitor.submit(&list, &documents, &[("message", &judgment), ("dossier", "2026/7")]).await;

    // The ticked mails of the list lead to the form, which names them.
    let ticked = [("message", newsletter.as_str()), ("message", judgment.as_str()), ("erase", "1")];
    let form = visitor.submit(&list, &documents, &ticked).await.to.unwrap();
    visitor.get(&form).await.shows(&["Erase 2 chosen mails", "Newsletter", "Judgment"]);
    let new = format!("{erasures}/new");
    visitor.get(&new).await.shows(&["?kind=sender", "?kind=rules", "?kind=mailbox", "?kind=member"]);
    let one = visitor.get(&format!("{documents}/{newsletter}")).await;
    let form = after(&one.html, &format!("href=\"{new}?")).replace("&amp;", "&");
    let form = visitor.get(&format!("{new}?{form}")).await;
    form.shows(&["Newsletter", &format!("name=\"message\" value=\"{newsletter}\"")]);
    let asked = [("kind", "messages"), ("message", newsletter.as_str()), ("reason", "Spam")];
    let own = visitor.submit(&form, &new, &asked).await.to.unwrap();
    visitor.get(&own).await.shows(&[
        "is looking at what would go",
        "<bdi>Newsletter</bdi>",
        "hx-trigger=\"every 3s\"",
        ADA,
        "Spam",
    ]);
    world.host.erase().await;
    let page = visitor.get(&own).await;
    page.shows(&["One mail with its attachments.", "The mails in Outlook. greffe deletes nothing there.", "Who asked"]);
    let wrong = visitor.submit(&page, &own, &[("mails", "2")]).await;
    wrong.shows(&["role=\"alert\"", "Nothing was erased: the number is 1."]);
    world.host.erase().await;
    visitor.get(&format!("{documents}/{newsletter}")).await.shows(&["Newsletter"]);
    assert_eq!(visitor.submit(&page, &own, &[("mails", "1")]).await.to, Some(own.clone()));
    visitor.get(&own).await.shows(&["It is being erased"]);
    world.host.erase().await;
    world.clock.advance(Duration::from_secs(200));
    world.host.erase().await;
    visitor.get(&own).await.shows(&["Erased on 2 Mar 2026", "dot good"]);
    let erased = visitor.get(&format!("{documents}/{newsletter}")).await;
    erased.shows(&["Erased on request", "<bdi>Spam</bdi>", &format!("<bdi>{ADA}</bdi>"), &own]);

    // A dossier under a hold.
    let page = visitor.get(&erasures).await;
    let held = [("do", "hold"), ("dossier", "2026/7"), ("reason", "The case is pending")];
    visitor.submit(&page, &erasures, &held).await;
    visitor.get(&erasures).await.shows(&["The case is pending", "Lift the hold"]);
    let sender = [("kind", "sender"), ("from", "@acme.example"), ("mailbox", ""), ("reason", "Spam")];
    let own = visitor.submit(&page, &new, &sender).await.to.unwrap();
    world.host.erase().await;
    let refused = visitor.get(&own).await;
    refused.shows(&["a dossier under a legal hold", "kind=sender&#38;from=%40acme.example"]);
    let lifted = [("do", "lift"), ("dossier", "2026/7"), ("reason", "It ended")];
    visitor.submit(&refused, &erasures, &lifted).await;
    assert!(!visitor.get(&erasures).await.html.contains("The case is pending"));
    visitor
        .get(&format!("{}/audit", home(&registry)))
        .await
        .shows(&["set or lifted a legal hold", "asked to erase mail"]);
    // It is for who may set things up.
    world.tenant.add_user(BOB, "Bob").unwrap();
    let clerk = Visitor::invited(&world, &registry.firm, "clerk", BOB).await;
    for page in [&erasures, &new, &own] {
        assert_eq!(clerk.get(page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
}

#[tokio::test]
async fn a_mail_says_when_the_archive_was_checked_last() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "A mail");
    world.run_until_idle().await;
    let visitor = Visitor::invited(&world, &registry.firm, "reader", ADA).await;
    let own = format!("{}/documents/{}", home(&registry), message_id(&registry, &mail));
    let before = visitor.get(&own).await;
    before.shows(&["The log has it within a quarter of an hour"]);
    assert!(!before.html.contains("checked each day"));
    world.host.append_logs().await;
    world.host.check().await;
    let after = visitor.get(&own).await;
    after.shows(&["checked each day, last on 2 Mar 2026", "as it was written", "in your firm&#39;s log"]);
}

#[tokio::test]
async fn what_was_typed_is_shown_again_in_every_form_that_the_api_refuses() {
    let world = World::new().await;
    let (registry, _, message) = one_mail(&world).await;
    let member = json!({ "name": "Ada", "address": ADA, "connector": registry.connector, "push": null });
    world.post(&format!("/v1/firms/{}/members", registry.firm), member).await.ok();
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "members": [] });
    world.put(&format!("/v1/firms/{}/dates/D-1", registry.firm), date).await.ok();
    let grant = format!("/v1/firms/{}/mailboxes/{}/grant", registry.firm, registry.mailbox);
    world.put(&grant, json!({ "since": "2025-01-01" })).await.ok();
    let visitor = Visitor::invited(&world, &registry.firm, "administrator", ADA).await;
    let at = |below: &str| format!("{}{below}", home(&registry));
    let long = "x".repeat(201);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let connector = format!("/connectors/{}", registry.connector);
    let mailbox = format!("/mailboxes/{}", registry.mailbox);
    let named = format!("name=\"name\" required maxlength=\"200\" value=\"{long}\"");
    let filed = format!("name=\"dossier\" value=\"{long}\"");
    let ticked = format!("value=\"{message}\" aria-label=\"Choose: A mail\" checked");
    type Form<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let forms: &[Form<'_>] = &[
        (
            &connector,
            &[("do", "change"), ("name", &long), ("access", "organization"), ("contacts", "1")],
            &[&named, "value=\"organization\" checked", "name=\"contacts\" value=\"1\" checked", " open"],
        ),
        ("/connectors/new", &[("name", &long), ("access", "organization"), ("dates", "1")], &[&named]),
        (&mailbox, &[("do", "history"), ("since", "2020-01-01")], &["name=\"since\" required value=\"2020-01-01\""]),
        ("/documents", &[("message", &message), ("dossier", &long)], &[&filed, &ticked]),
        (
            "/entries/dates",
            &[("do", "give"), ("entry", "D-1"), ("member", nobody)],
            &["name=\"entry\" value=\"D-1\" checked"],
        ),
        ("/erasures", &[("do", "hold"), ("dossier", "2026/7"), ("reason", &long)], &["value=\"2026/7\"", &long]),
        (
            "/erasures/new",
            &[("kind", "sender"), ("from", "@a.example"), ("reason", &long), ("asked_by", "Bob")],
            &["value=\"@a.example\"", "value=\"Bob\"", &long],
        ),
        // Where there is no field for it, it can be sent once more.
        (
            "/proposals",
            &[("proposal", &format!("{message} {long}"))],
            &["What you typed is kept", &long, "Send once more"],
        ),
    ];
    for (below, fields, kept) in forms {
        let page = visitor.get(&at(below)).await;
        let refused = visitor.submit(&page, &at(below), fields).await;
        assert!(refused.status.is_client_error(), "{below}: {} {}", refused.status, refused.html);
        refused.shows(kept);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_at_once_makes_one_thing() {
    let world = World::new().await;
    let firm = world.firm("Lumen Avocats").await;
    let visitor = Visitor::invited(&world, &firm, "administrator", ADA).await;
    let new = format!("/console/firms/{firm}/connectors/new");
    let form = visitor.get(&new).await;
    let once = form.field("once");
    let typed = [("once", once.as_str()), ("name", "Ours"), ("access", "delegated")];
    let (one, other) = tokio::join!(visitor.submit(&form, &new, &typed), visitor.submit(&form, &new, &typed));
    assert_eq!((one.status, &one.to), (StatusCode::SEE_OTHER, &other.to));
    let count = async || {
        let made = world.get(&format!("/v1/firms/{firm}/connectors")).await.ok();
        made["items"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 1);
    // Other words, after the button Back, make another one.
    visitor.submit(&form, &new, &[&typed[..1], &[("name", "Theirs"), ("access", "delegated")]].concat()).await;
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn a_part_of_a_page_is_never_replaced_by_what_went_wrong() {
    let world = World::new().await;
    let registry = world.registry().await;
    let visitor = Visitor::invited(&world, &registry.firm, "clerk", ADA).await;
    let documents = format!("{}/documents?q=lease", home(&registry));
    assert_eq!(visitor.part(&documents, "section#list").await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(9 * 3600));
    // A page that looks again by itself stays, with what is typed in it. A search leads to the sign-in, and back.
    let live = visitor.part(&home(&registry), "div#live").await;
    assert_eq!((live.status, live.headers.get("hx-redirect")), (StatusCode::NO_CONTENT, None));
    let search = visitor.part(&documents, "section#list").await;
    assert_eq!(search.headers["hx-redirect"], documents.as_str());
    assert!(visitor.get(&documents).await.to.unwrap().contains("q%3Dlease"));
}
