//! O7: every operation of the API has an example in openapi.json, and each example is what happens: this journey makes
//! all of them, and holds request and answer against `docs/examples.json`.
//!
//! `UPDATE_DOCS=1 cargo test --workspace --test scenarios examples` writes them anew; then the description.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use microsoft365::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    ADA, Answer, CLIENT_ID, CLIENT_SECRET, OPERATOR_KEY, OWN_CLIENT_ID, OWN_CLIENT_SECRET, World, template::root,
};
use uuid::Uuid;

use crate::{console::Visitor, webhooks::Application};

const ADMIN: &str = "admin@lumen.example";
/// Longer texts are cut: a link, a certificate.
const SHOWN_CHARS_MAX: usize = 80;

/// What was asked and answered, as it is shown.
struct Journey<'a> {
    world: &'a World,
    /// What openapi.json says.
    description: Value,
    /// Method and path of each operation.
    operations: BTreeMap<String, (Method, String)>,
    /// What is shown in the place of each id.
    shown: BTreeMap<String, String>,
    examples: BTreeMap<String, Value>,
}

impl<'a> Journey<'a> {
    async fn begin(world: &'a World) -> Self {
        let description = world.request(None, Method::GET, "/openapi.json", None).await.ok();
        let mut operations = BTreeMap::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                operations.insert(id, (method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
        Self { world, description, operations, shown: BTreeMap::new(), examples: BTreeMap::new() }
    }

    /// Makes an operation. `given`: what stands in the path for each name in order, then perhaps a query.
    /// In a box: a hundred calls in one test would not fit on the stack of a thread.
    fn call<'s>(&'s mut self, operation: &'s str, given: &'s [&'s str], body: Value) -> LocalBoxFuture<'s, Value> {
        Box::pin(self.called(operation, given, body))
    }

    async fn called(&mut self, operation: &str, given: &[&str], body: Value) -> Value {
        let (method, template) = self.operations[operation].clone();
        let mut values = given.iter();
        let parts = template.split('/').map(|part| match part.starts_with('{') {
            true => values.next().unwrap_or_else(|| panic!("{operation}: {part}")).replace('#', "%23"),
            false => part.to_owned(),
        });
        let mut path = parts.collect::<Vec<_>>().join("/");
        path.extend(values.next().map(|query| format!("?{query}")));
        let sent = (!body.is_null()).then_some(body.clone());
        let answer = self.world.request(Some(OPERATOR_KEY), method, &path, sent).await;
        assert!(answer.status.is_success(), "{operation} {path}: {} {}", answer.status, answer.body);
        self.compare_headers(operation, &template, &answer);
        let mut example = json!({ "status": answer.status.as_u16() });
        for (name, value) in [("request", &body), ("response", &answer.body)] {
            if !value.is_null() {
                example[name] = self.as_shown(value);
            }
        }
        let twice = self.examples.insert(operation.to_owned(), example);
        assert!(twice.is_none(), "{operation} has two examples");
        self.world.run_until_idle().await;
        answer.body
    }

    /// Every header of an answer is described, but for those that HTTP has for all.
    fn compare_headers(&self, operation: &str, path: &str, answer: &Answer) {
        let (method, _) = &self.operations[operation];
        let responses = &self.description["paths"][path][method.as_str().to_lowercase()]["responses"];
        let described = &responses[answer.status.as_str()];
        assert!(described.is_object(), "{operation}: {} is not described", answer.status);
        let described = described["headers"].as_object().into_iter().flatten();
        let described: BTreeSet<String> = described.map(|(name, _)| name.to_lowercase()).collect();
        let of_http = [
            "cache-control",
            "content-length",
            "content-type",
            "date",
            "strict-transport-security",
            "transfer-encoding",
            "vary",
            "x-content-type-options",
        ];
        for name in answer.headers.keys().map(|name| name.as_str()) {
            let is_known = of_http.contains(&name) || described.contains(name);
            assert!(is_known, "{operation}: {name} is not described");
        }
        for name in ["x-request-id", "greffe-version"] {
            assert!(answer.headers.contains_key(name) && described.contains(name), "{operation}: {name}");
        }
    }

    /// The value with ids that are the same in each journey, and without what is long.
    fn as_shown(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.as_shown(value))).collect(),
            Value::Array(items) => items.iter().map(|item| self.as_shown(item)).collect(),
            Value::String(text) => {
                let here = format!("http://{}", self.world.host.address);
                let text = self.with_shown_ids(&text.replace(&here, "https://greffe.example"));
                match text.char_indices().nth(SHOWN_CHARS_MAX) {
                    Some((end, _)) => format!("{}…", &text[..end]).into(),
                    None => text.into(),
                }
            }
            other => other.clone(),
        }
    }

    fn with_shown_ids(&mut self, text: &str) -> String {
        let (mut shown, mut rest) = (String::new(), text);
        while !rest.is_empty() {
            let id =
                rest.get(..36).filter(|id| Uuid::try_parse(id).is_ok() && ![CLIENT_ID, OWN_CLIENT_ID].contains(id));
            let taken = match id {
                Some(id) => {
                    let number = self.shown.len() + 1;
                    let new = || format!("00000000-0000-4000-8000-{number:012}");
                    shown.push_str(self.shown.entry(id.to_owned()).or_insert_with(new));
                    36
                }
                None => {
                    let first = rest.chars().next().map_or(0, char::len_utf8);
                    shown.push_str(&rest[..first]);
                    first
                }
            };
            rest = &rest[taken..];
        }
        shown
    }
}

/// What keeps two values from having one shape: another field, or another kind. What is null may be anything.
fn difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Object(one), Value::Object(other)) => {
            let names = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
            if names(one) != names(other) {
                return Some(format!("{:?} and {:?}", names(one), names(other)));
            }
            one.iter().find_map(|(name, value)| Some(format!("{name}: {}", difference(value, &other[name])?)))
        }
        (Value::Array(one), Value::Array(other)) => difference(one.first()?, other.first()?),
        _ => {
            let kind = |value: &Value| (value.is_string(), value.is_number(), value.is_boolean(), value.is_array());
            (kind(one) != kind(other)).then(|| format!("{one} and {other}"))
        }
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// The platform's app and the firm's may do all that an example shows.
fn prepare(world: &World) {
    world.register_for_push();
    world.tenant.add_user(ADMIN, "Administrator").unwrap();
    world.tenant.make_admin(ADMIN).unwrap();
    for (client_id, secrets) in
        [(CLIENT_ID, [CLIENT_SECRET, "platform8Q~new"]), (OWN_CLIENT_ID, [OWN_CLIENT_SECRET, "own8Q~the-new-value"])]
    {
        let mut app = world.microsoft.app(client_id).unwrap();
        app.home = Some(world.tenant.id());
        app.owns_itself = true;
        app.application.push("Application.ReadWrite.OwnedBy".to_owned());
        app.client_secrets = secrets.map(|secret| Secret::new(secret, None)).to_vec();
        world.microsoft.register_app(app).unwrap();
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one journey of an integrator")]
async fn each_example_of_the_description_is_what_happens() {
    let world = World::with(&[("GREFFE_APP_TENANT_ID", "lumen.example")]).await;
    prepare(&world);
    let application = Application::start().await;
    application.always(Some(204));
    let mut journey = Journey::begin(&world).await;
    let nothing = Value::Null;
    journey.call("get_health", &[], nothing.clone()).await;

    // A firm with its keys.
    let new = json!({ "name": "Cabinet Duval", "domains": ["lumen.example"], "language": "fr",
        "time_zone": "Europe/Brussels", "external_id": "customer-7" });
    let firm = id(&journey.call("create_firm", &[], new).await);
    let firm = firm.as_str();
    journey.call("update_firm", &[firm], json!({ "name": "Cabinet Duval & Fils" })).await;
    journey.call("read_firm", &[firm], nothing.clone()).await;
    journey.call("list_firms", &["limit=10"], nothing.clone()).await;
    let key =
        json!({ "name": "Dossier application", "rights": ["read", "file"], "expires_at": "2027-01-01T00:00:00Z" });
    let key = id(&journey.call("create_key", &[firm], key).await);
    journey.call("list_keys", &[firm], nothing.clone()).await;
    journey.call("revoke_key", &[firm, &key], nothing.clone()).await;

    // A connector, a member and a mailbox.
    let new = json!({ "name": "Office", "access": "organization", "dates": true, "contacts": true,
        "external_id": "office-1" });
    let connector = id(&journey.call("create_connector", &[firm], new).await);
    let connector = connector.as_str();
    let back = json!({ "return_url": "http://127.0.0.1:4000/connected", "state": "s-1" });
    journey.call("create_sign_in_link", &[firm, connector], back).await;
    world.sign_in(firm, connector, ADMIN).await.ok();
    journey.call("read_connector", &[firm, connector], nothing.clone()).await;
    journey.call("update_connector", &[firm, connector], json!({ "name": "Head office" })).await;
    journey.call("list_connectors", &[firm, "state=connected"], nothing.clone()).await;
    let new = json!({ "name": "Ada Lambert", "address": ADA, "aliases": ["a.lambert@lumen.example"],
        "connector": connector, "push": { "dates": true, "contacts": true, "target": "calendar" },
        "external_id": "person-12" });
    let member = id(&journey.call("create_member", &[firm], new).await);
    let member = member.as_str();
    journey.call("read_member", &[firm, member], nothing.clone()).await;
    journey.call("list_members", &[firm, "address=ada@lumen.example"], nothing.clone()).await;
    journey.call("update_member", &[firm, member], json!({ "name": "Ada Lambert-Duval" })).await;
    journey.call("test_member", &[firm, member], json!({ "service": "calendar" })).await;
    let mailbox =
        id(&journey.call("create_mailbox", &[firm], json!({ "member": member, "external_id": "box-12" })).await);
    let mailbox = mailbox.as_str();
    journey.call("validate_connector", &[firm, connector], json!({ "mailbox": mailbox })).await;
    let folders = journey.call("list_folders", &[firm, mailbox], nothing.clone()).await;
    let selection = json!({ "mode": "include", "folders": ["inbox", "sentitems"] });
    journey.call("select_folders", &[firm, mailbox], selection).await;
    let rules = json!({ "ignore_internal": true, "excluded_senders": ["me@gmx.example"], "excluded_domains": ["news.example"] });
    journey.call("set_rules", &[firm, mailbox], rules).await;
    journey.call("grant_history", &[firm, mailbox], json!({ "since": "2025-01-01", "until": "2026-12-31" })).await;
    journey.call("activate_mailbox", &[firm, mailbox], json!({ "since": "2025-06-01" })).await;
    journey.call("revoke_history", &[firm, mailbox], nothing.clone()).await;
    let marks = json!({ "received": { "name": "Au greffe", "color": "preset12" }, "filed": { "name": "Classé", "color": "preset4" } });
    journey.call("set_marks", &[firm], marks).await;
    journey.call("read_marks", &[firm], nothing.clone()).await;

    // Webhooks, and mail that they hear of.
    let hook = json!({ "url": application.url, "types": ["message_archived", "message_filed"] });
    let webhook = id(&journey.call("create_webhook", &[firm], hook.clone()).await);
    let operators = id(&journey.call("create_operators_webhook", &[], hook).await);
    let mime = format!(
        "From: Client <client@acme.example>\r\nTo: {ADA}\r\nSubject: Appeal\r\nMessage-ID: <7@acme.example>\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease file it.\r\n\
         --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=appeal.pdf\r\n\r\nPDF\r\n--b--\r\n"
    );
    world.microsoft.deliver(ADA, "inbox", microsoft365::Mail::new(mime, world.clock.now())).unwrap();
    world.run_until_idle().await;
    let listed = journey.call("list_messages", &[firm, "q=appeal"], nothing.clone()).await;
    let message = id(&listed["items"][0]);
    let message = message.as_str();
    journey.call("read_message", &[firm, message], nothing.clone()).await;
    journey.call("read_text", &[firm, message], nothing.clone()).await;
    journey.call("read_html", &[firm, message], nothing.clone()).await;
    journey.call("list_attachments", &[firm, message], nothing.clone()).await;
    journey.call("read_attachment", &[firm, message, "1"], nothing.clone()).await;
    journey.call("read_original", &[firm, message], nothing.clone()).await;
    journey.call("file_message", &[firm, message], json!({ "dossier": "2026/017" })).await;
    journey.call("file_messages", &[firm], json!({ "messages": [message], "dossier": "2026/018" })).await;
    journey.call("retry_messages", &[firm], json!({ "messages": [message] })).await;
    journey.call("list_filings", &[firm, message], nothing.clone()).await;
    journey.call("file_conversation", &[firm, message], json!({ "dossier": "2026/017" })).await;
    journey.call("list_proposals", &[firm], nothing.clone()).await;
    let proposals = json!({ "proposals": [{ "message": message, "dossier": "2026/018" }] });
    journey.call("accept_proposals", &[firm], proposals).await;
    let inbox = folders["items"].as_array().unwrap().iter().find(|folder| folder["well_known"] == "inbox").unwrap();
    let by_folder = json!({ "folder": inbox["id"], "dossier": "2026/017" });
    journey.call("file_by_folder", &[firm, mailbox], by_folder).await;
    journey.call("unfile_message", &[firm, message], nothing.clone()).await;
    journey.call("preview_rules", &[firm, mailbox], json!({ "excluded_senders": ["client@acme.example"] })).await;
    journey.call("list_events", &[firm, "after=0&limit=1"], nothing.clone()).await;
    journey.call("list_all_events", &["limit=1"], nothing.clone()).await;
    for (owner, webhook, word) in [(Some(firm), webhook.as_str(), ""), (None, operators.as_str(), "operators_")] {
        let at = || owner.into_iter().chain([webhook]).collect::<Vec<&str>>();
        let named = |verb: &str, noun: &str| format!("{verb}_{word}{noun}");
        journey.call(&named("read", "webhook"), &at(), nothing.clone()).await;
        journey.call(&named("list", "webhooks"), owner.as_slice(), nothing.clone()).await;
        journey.call(&named("update", "webhook"), &at(), json!({ "types": ["message_archived"] })).await;
        journey.call(&named("rotate", "webhook_secret"), &at(), nothing.clone()).await;
        journey.call(&named("send", "webhook"), &at(), json!({ "kind": "test" })).await;
        journey.call(&named("list", "deliveries"), &[at(), vec!["limit=1"]].concat(), nothing.clone()).await;
        journey.call(&named("delete", "webhook"), &at(), nothing.clone()).await;
    }

    // Dates and contacts.
    let date = json!({ "kind": "deadline", "title": "Appeal", "start": "2026-07-01T17:00:00", "reminder_minutes": 1440,
        "dossier": "2026/017", "members": [member], "version": 1 });
    journey.call("put_date", &[firm, "D-1"], date).await;
    journey.call("read_date", &[firm, "D-1"], nothing.clone()).await;
    journey.call("list_dates", &[firm, "limit=10"], nothing.clone()).await;
    let contact =
        json!({ "name": "Court of Appeal", "emails": ["office@court.example"], "members": [member], "version": 1 });
    journey.call("put_contact", &[firm, "C-1"], contact).await;
    journey.call("read_contact", &[firm, "C-1"], nothing.clone()).await;
    journey.call("list_contacts", &[firm, "limit=10"], nothing.clone()).await;
    let rows = json!({ "rows": [{ "external_id": "D-2", "kind": "reminder", "title": "Call", "start": "2026-07-02T09:00:00",
        "members": [member] }] });
    journey.call("put_dates", &[firm], rows).await;
    let rows =
        json!({ "rows": [{ "external_id": "C-2", "given_name": "Marie", "surname": "Client", "members": [member] }] });
    let bulk = journey.call("put_contacts", &[firm], rows).await["bulk"].as_str().unwrap().to_owned();
    journey.call("read_bulk", &[firm, &bulk], nothing.clone()).await;
    journey.call("change_date_members", &[firm], json!({ "entries": ["D-1"], "remove": [member] })).await;
    journey.call("change_contact_members", &[firm], json!({ "entries": ["C-1"], "add": [member] })).await;
    journey.call("read_push", &[firm, member], nothing.clone()).await;
    journey.call("preview_push", &[firm, member], nothing.clone()).await;
    journey.call("delete_date", &[firm, "D-1", "version=2"], nothing.clone()).await;
    journey.call("delete_contact", &[firm, "C-1", "version=2"], nothing.clone()).await;

    // Reconciliation, and what else there is about a mailbox.
    journey.call("reconcile_mailbox", &[firm, mailbox], json!({ "dry_run": true })).await;
    journey.call("read_reconciliation", &[firm, mailbox], nothing.clone()).await;
    journey.call("pause_mailbox", &[firm, mailbox], nothing.clone()).await;
    journey.call("read_mailbox", &[firm, mailbox], nothing.clone()).await;
    journey.call("list_mailboxes", &[firm, "state=paused"], nothing.clone()).await;
    journey.call("update_mailbox", &[firm, mailbox], json!({ "member": null })).await;
    journey.call("list_audit_entries", &[firm, "limit=1"], nothing.clone()).await;

    // An app registration of the firm's own, and the platform's.
    let own = json!({ "name": "Own app", "access": "organization", "app": { "tenant_id": world.tenant.id().to_string(),
        "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET } });
    let own = id(&world.post(&format!("/v1/firms/{firm}/connectors"), own).await.ok());
    world.sign_in(firm, &own, ADMIN).await.ok();
    journey.call("read_federation", &[firm], nothing.clone()).await;
    journey.call("grant_app", &[firm], nothing.clone()).await;
    journey.call("replace_secret", &[firm, &own], json!({ "client_secret": "own8Q~the-new-value" })).await;
    journey.call("make_certificate", &[firm, &own], json!({ "add": true })).await;
    journey.call("rotate_secret", &[firm, &own], nothing.clone()).await;
    journey.call("read_platform", &[], nothing.clone()).await;
    journey.call("read_platform_federation", &[], nothing.clone()).await;
    journey.call("update_platform", &[], json!({ "secret_expires_at": "2027-01-01T00:00:00Z" })).await;
    journey.call("replace_platform_secret", &[], json!({ "client_secret": "platform8Q~new" })).await;
    journey.call("make_platform_certificate", &[], json!({ "add": true })).await;
    journey.call("rotate_platform_secret", &[], nothing.clone()).await;

    // A second firm in the same tenant waits for the operator.
    let second = world.firm("Second").await;
    let waits = world.connector(&second, "organization", Value::Null).await;
    assert_eq!(world.sign_in(&second, &waits, ADMIN).await.problem(), "tenant_grant_required");
    let tenants = journey.call("list_tenants", &[], nothing.clone()).await;
    let tenant = tenants["items"][0]["tenant_id"].clone();
    journey.call("grant_connector", &[&second, &waits], json!({ "tenant_id": tenant })).await;

    // People who enter the console.
    journey.call("create_operator_link", &[], nothing.clone()).await;
    let invitation = journey.call("create_invitation", &[firm], json!({ "role": "clerk" })).await;
    Visitor::new(&world).enter(invitation["url"].as_str().unwrap(), ADA).await;
    let users = journey.call("list_users", &[firm], nothing.clone()).await;
    let user = id(&users["items"][0]);
    journey.call("read_user", &[firm, &user], nothing.clone()).await;
    journey.call("update_user", &[firm, &user], json!({ "role": "reader" })).await;
    journey.call("remove_user", &[firm, &user], nothing.clone()).await;

    // Evidence.
    world.host.append_logs().await;
    journey.call("read_log", &[firm], nothing.clone()).await;
    journey.call("read_proof", &[firm, message], nothing.clone()).await;
    let hold = json!({ "dossier": "2026/099", "held": true, "reason": "The case is pending" });
    journey.call("set_hold", &[firm], hold).await;
    journey.call("list_holds", &[firm], nothing.clone()).await;
    let classes = json!([{ "name": "Tax", "years": 10 }, { "name": "Real estate", "years": null }]);
    let periods = json!({ "default_years": 7, "classes": classes, "reason": "Articles of the profession" });
    journey.call("set_retention", &[firm], periods).await;
    journey.call("read_retention", &[firm], nothing.clone()).await;
    let class = json!({ "dossier": "2026/017", "class": "Tax", "reason": "A tax matter" });
    journey.call("set_dossier_class", &[firm], class).await;
    journey.call("list_dossier_classes", &[firm], nothing.clone()).await;
    let removal = json!({ "target": { "kind": "sender", "from": "@acme.example", "mailbox": mailbox },
        "asked_by": "Ada Lambert", "reason": "Private newsletters" });
    let erasure = id(&journey.call("create_erasure", &[firm], removal).await);
    world.host.erase().await;
    journey.call("read_erasure", &[firm, &erasure], nothing.clone()).await;
    journey.call("list_erasures", &[firm, "limit=10"], nothing.clone()).await;
    journey.call("confirm_erasure", &[firm, &erasure], nothing.clone()).await;

    journey.call("delete_mailbox", &[firm, mailbox], nothing.clone()).await;
    journey.call("delete_member", &[firm, member], nothing.clone()).await;
    journey.call("delete_connector", &[firm, connector], nothing.clone()).await;
    journey.call("delete_firm", &[firm], nothing).await;

    let Journey { operations, mut examples, .. } = journey;
    let lacking: Vec<&String> = operations.keys().filter(|id| !examples.contains_key(*id)).collect();
    assert!(lacking.is_empty(), "without an example: {lacking:?}");
    let path = root().join("docs/examples.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        // The receiver of the test has another port each time.
        for name in ["create_webhook", "create_operators_webhook"] {
            examples.get_mut(name).unwrap()["request"]["url"] = json!("https://application.example/greffe");
        }
        let text = serde_json::to_string_pretty(&examples)
            .unwrap()
            .replace(&application.url, "https://application.example/greffe");
        std::fs::write(&path, text + "\n").unwrap();
    }
    let shown: BTreeMap<String, Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (operation, example) in &examples {
        let shown = shown.get(operation).unwrap_or_else(|| panic!("{operation}: docs/examples.json has none"));
        assert_eq!(shown["status"], example["status"], "{operation}");
        assert_eq!(difference(shown, example), None, "{operation}: docs/examples.json shows another shape");
    }
    assert_eq!(shown.len(), examples.len(), "docs/examples.json has examples of operations that there are not");
}
