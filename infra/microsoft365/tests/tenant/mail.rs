use base64::Engine as _;
use futures::StreamExt as _;
use jiff::SignedDuration;
use microsoft365::{Language, Mail, Times, ValueFault};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::office::*;

#[tokio::test]
async fn folders_come_ten_to_a_page_one_level_at_a_time_and_in_the_mailboxs_language() {
    let office = Office::open().await;
    let inbox = office.world.create_folder(ADA, "inbox", "Clients").unwrap();
    office.world.create_search_folder(ADA, "msgfolderroot", "Unread").unwrap();
    for number in 0..4 {
        office.world.create_folder(ADA, "msgfolderroot", &format!("Case {number}")).unwrap();
    }
    office.tenant.set_language(ADA, Language::German).unwrap();
    let graph = office.user(ADA).await;
    let first = graph.ok("/me/mailFolders").await;
    assert_eq!(first["value"].as_array().unwrap().len(), 10);
    let second = graph.ok(first["@odata.nextLink"].as_str().unwrap()).await;
    let all: Vec<&Value> =
        first["value"].as_array().unwrap().iter().chain(second["value"].as_array().unwrap()).collect();
    let names: Vec<&str> = all.iter().map(|folder| folder["displayName"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 13);
    assert!(
        names.contains(&"Posteingang") && !names.contains(&"Clients") && !names.contains(&"Synchronisierungsprobleme")
    );
    let search = all.iter().find(|folder| folder["displayName"] == "Unread").unwrap();
    assert_eq!(search["@odata.type"], "#microsoft.graph.mailSearchFolder");
    let below = graph.ok("/me/mailFolders('Inbox')/childFolders?$select=displayName").await;
    assert_eq!(below["value"], json!([{ "id": inbox, "displayName": "Clients" }]));
    let hidden = graph.ok("/me/mailFolders?includeHiddenFolders=true&$top=100").await;
    assert_eq!(hidden["value"].as_array().unwrap().len(), 14);
    assert_eq!(graph.ok("/me/mailFolders/inbox").await["displayName"], "Posteingang");
    assert_eq!(code(&graph.get("/me/mailFolders/clutter").await.1), "ErrorItemNotFound");
}

#[tokio::test]
async fn only_what_is_selected_is_returned_and_unknown_properties_are_refused() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    let graph = office.user(ADA).await;
    let message = graph.ok(&format!("/me/messages/{id}?$select=subject,internetMessageId")).await;
    let mut names: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["@odata.context", "@odata.etag", "id", "internetMessageId", "subject"]);
    assert_eq!(message["internetMessageId"], "<invoice@justice.example>");
    let (status, body) = graph.get(&format!("/me/messages/{id}?$select=subjekt")).await;
    assert_eq!((status, code(&body)), (400, "RequestBroker--ParseUri"));
    let whole = graph.ok(&format!("/me/messages/{id}")).await;
    assert_eq!(whole["from"]["emailAddress"], json!({ "name": "Court", "address": "court@justice.example" }));
    assert_eq!(whole["sentDateTime"], "2026-10-01T07:00:00Z");
    assert_eq!(whole["body"]["content"].as_str().unwrap().trim(), "Hello invoice");
}

#[tokio::test]
async fn a_default_id_dies_with_a_move_and_an_immutable_id_does_not() {
    let office = Office::open().await;
    let immutable = office.mail("invoice");
    let graph = office.user(ADA).await;
    let default = async || {
        let list = graph.request("GET", "/me/messages").send().await.unwrap();
        answer(list).await.1["value"][0]["id"].as_str().unwrap().to_owned()
    };
    let before = default().await;
    assert_ne!(before, immutable);
    let translation =
        json!({ "inputIds": [before, "nonsense"], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId" });
    let (status, translated) = graph.json("POST", "/me/translateExchangeIds", translation).await;
    assert_eq!((status, &translated["value"][0]["targetId"]), (200, &immutable.as_str().into()));
    let (status, moved) =
        graph.json("POST", &format!("/me/messages/{before}/move"), json!({ "destinationId": "archive" })).await;
    assert_eq!((status, &moved["id"]), (201, &immutable.as_str().into()));
    assert_ne!(default().await, before);
    let (status, body) = graph.get(&format!("/me/messages/{before}")).await;
    assert_eq!((status, code(&body)), (404, "ErrorItemNotFound"));
    assert_eq!(graph.get(&format!("/me/messages/{immutable}/$value")).await.0, 200);
    assert_eq!(graph.get(&format!("/me/messages/{}", immutable.to_lowercase())).await.0, 404);
    assert_eq!(graph.send("DELETE", &format!("/me/messages/{immutable}")).await.status(), 204);
    assert_eq!(office.world.messages(ADA).unwrap()[0].well_known.as_deref(), Some("deleteditems"));
}

#[tokio::test]
async fn patching_categories_replaces_the_list_and_touches_nothing_else() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    office.world.set_categories(ADA, &id, &["Mine"]).unwrap();
    let graph = office.user(ADA).await;
    let path = format!("/me/messages/{id}");
    let before = graph.ok(&path).await;
    let (status, after) = graph.json("PATCH", &path, json!({ "categories": ["Archived"] })).await;
    assert_eq!((status, &after["categories"]), (200, &json!(["Archived"])));
    assert_ne!(after["changeKey"], before["changeKey"]);
    let (status, body) = graph.json("PATCH", &path, json!({ "categories": ["x"], "id": id })).await;
    assert_eq!((status, body["error"]["message"].as_str().unwrap().contains("Set action is invalid")), (400, true));
    let stale = graph.request("PATCH", &path).header("if-match", before["@odata.etag"].as_str().unwrap());
    let (status, body) = answer(stale.json(&json!({ "categories": ["x"] })).send().await.unwrap()).await;
    assert_eq!((status, code(&body)), (412, "ErrorIrresolvableConflict"));
    office.world.faults().conflict(&id, Times::N(1));
    assert_eq!(graph.json("PATCH", &path, json!({ "categories": ["x"] })).await.0, 412);
    assert_eq!(office.world.messages(ADA).unwrap()[0].categories, ["Archived"]);
}

#[tokio::test]
async fn a_category_is_made_once() {
    let office = Office::open().await;
    let graph = office.user(ADA).await;
    let category = json!({ "displayName": "Archived", "color": "preset4" });
    assert_eq!(graph.json("POST", "/me/outlook/masterCategories", category.clone()).await.0, 201);
    assert_eq!(graph.json("POST", "/me/outlook/masterCategories", category).await.0, 409);
    assert_eq!(graph.ok("/me/outlook/masterCategories").await["value"][0]["color"], "preset4");
    let wrong = json!({ "displayName": "Other", "color": "green" });
    assert_eq!(graph.json("POST", "/me/outlook/masterCategories", wrong).await.0, 400);
}

#[tokio::test]
async fn the_original_comes_byte_for_byte_without_a_length() {
    let office = Office::open().await;
    let odd = b"no header at all \xff\xfe\r\n.\r\nFrom x\0".to_vec();
    let id = office.world.deliver(ADA, "inbox", Mail::new(odd.clone(), office.now())).unwrap().immutable_id;
    let graph = office.user(ADA).await;
    let answer = graph.send("GET", &format!("/me/messages/{id}/$value")).await;
    assert!(answer.content_length().is_none());
    assert_eq!(answer.bytes().await.unwrap(), odd);
}

#[tokio::test]
async fn a_generated_mail_is_exactly_as_long_as_asked_and_the_same_at_each_read() {
    let office = Office::open().await;
    let bytes = 3_000_017;
    let id = office.world.deliver(ADA, "inbox", Mail::generated(7, bytes, office.now())).unwrap().immutable_id;
    let held = &office.world.messages(ADA).unwrap()[0];
    let graph = office.user(ADA).await;
    let read = graph.send("GET", &format!("/me/messages/{id}/$value")).await.bytes().await.unwrap();
    assert_eq!((read.len() as u64, held.bytes), (bytes, bytes));
    assert_eq!(hex::encode(Sha256::digest(&read)), held.sha256_hex);
    let parsed = mail_parser::MessageParser::default().parse(&read).unwrap();
    let attachment = parsed.attachment(0).unwrap().contents();
    assert!(attachment.len() as u64 > bytes * 57 / 78 - 2000, "{}", attachment.len());
    let raw = std::str::from_utf8(&read).unwrap().rsplit_once("base64\r\n\r\n").unwrap().1;
    let raw: String = raw.split("--=_greffe").next().unwrap().split_whitespace().collect();
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(raw).unwrap(), attachment);
    assert_eq!(graph.ok(&format!("/me/messages/{id}")).await["hasAttachments"], true);
}

/// Peak resident memory of this process in kB, where the system tells it.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test]
async fn a_mail_of_150_mb_flows_through_little_memory() {
    let office = Office::open().await;
    let id = office.world.deliver(ADA, "inbox", Mail::generated(1, 150_000_000, office.now())).unwrap().immutable_id;
    let graph = office.user(ADA).await;
    let before = peak_kb();
    let mut body = graph.send("GET", &format!("/me/messages/{id}/$value")).await.bytes_stream();
    let (mut hash, mut length) = (Sha256::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.unwrap();
        length += chunk.len();
        hash.update(&chunk);
    }
    assert_eq!(length, 150_000_000);
    assert_eq!(hex::encode(hash.finalize()), office.world.messages(ADA).unwrap()[0].sha256_hex);
    if let (Some(before), Some(after)) = (before, peak_kb()) {
        assert!(after - before < 64 * 1024, "grew by {} kB", after - before);
    }
}

#[tokio::test]
async fn reading_the_original_fails_as_scripted() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    let graph = office.user(ADA).await;
    let path = format!("/me/messages/{id}/$value");
    for status in [404, 500, 504] {
        office.world.faults().value(&id, ValueFault::Status(status), Times::N(1));
        assert_eq!(graph.get(&path).await.0, status);
    }
    office.world.faults().value(&id, ValueFault::OtherBytes, Times::N(1));
    let other = graph.send("GET", &path).await.text().await.unwrap();
    assert!(other != text("invoice") && other.ends_with(&text("invoice")));
    office.world.faults().value(&id, ValueFault::CutAfter(20), Times::Forever);
    for _ in 0..2 {
        assert!(graph.send("GET", &path).await.bytes().await.is_err());
    }
    office.world.faults().clear();
    assert_eq!(graph.send("GET", &path).await.text().await.unwrap(), text("invoice"));
}

#[tokio::test]
async fn a_stalled_original_sends_its_beginning_and_no_end() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    let graph = office.user(ADA).await;
    office.world.faults().value(&id, ValueFault::StallAfter(20), Times::N(1));
    let mut answer = graph.send("GET", &format!("/me/messages/{id}/$value")).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), text("invoice")[..20]);
    let rest = tokio::time::timeout(std::time::Duration::from_millis(50), answer.chunk()).await;
    assert!(rest.is_err());
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_has_worked() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    let graph = office.user(ADA).await;
    office.world.faults().lose_answer("message patch", Times::N(1));
    let categories = json!({ "categories": ["Archived"] });
    let (status, _) = graph.json("PATCH", &format!("/me/messages/{id}"), categories).await;
    assert_eq!(status, 504);
    assert_eq!(office.world.messages(ADA).unwrap()[0].categories, ["Archived"]);
}

#[tokio::test]
async fn each_request_needs_its_permission() {
    let office = Office::open().await;
    let id = office.mail("invoice");
    let basic = office.user_with(ADA, "openid User.Read Mail.ReadBasic").await;
    let message = basic.ok(&format!("/me/messages/{id}")).await;
    assert!(message.get("body").is_none() && message.get("bodyPreview").is_none());
    let (status, body) = basic.get(&format!("/me/messages/{id}/$value")).await;
    assert_eq!((status, code(&body)), (403, "ErrorAccessDenied"));
    assert_eq!(basic.json("PATCH", &format!("/me/messages/{id}"), json!({ "categories": [] })).await.0, 403);
    assert_eq!(basic.get("/me/outlook/masterCategories").await.0, 403);
    assert_eq!(code(&basic.get("/users").await.1), "Authorization_RequestDenied");
    let nobody = Graph { office: &office, token: "x".to_owned() };
    let (status, body) = nobody.get("/me").await;
    assert_eq!((status, code(&body)), (401, "InvalidAuthenticationToken"));
    office.pass(SignedDuration::from_hours(2));
    assert_eq!(basic.get("/me").await.0, 401);
}

#[tokio::test]
async fn a_shared_mailbox_opens_to_delegates_and_to_the_app() {
    let office = Office::open().await;
    let path = format!("/users/{INFO}/mailFolders/inbox/messages");
    let ada = office.user(ADA).await;
    assert_eq!(ada.get(&path).await.0, 403);
    office.tenant.grant_full_access(ADA, INFO).unwrap();
    assert_eq!(ada.get(&path).await.0, 200);
    assert_eq!(ada.get(&format!("/users/{INFO}/outlook/masterCategories")).await.0, 403);
    let own_only = office.user_with(ADA, "Mail.ReadWrite").await;
    assert_eq!(own_only.get(&path).await.0, 403);
    let app = office.app().await;
    assert_eq!(app.get(&path).await.0, 200);
    let (status, body) = app.get("/me/messages").await;
    assert_eq!((status, code(&body)), (400, "BadRequest"));
    office.tenant.restrict_app(CLIENT, &[INFO]).unwrap();
    assert_eq!(app.get(&path).await.0, 200);
    assert_eq!(app.get(&format!("/users/{ADA}/messages")).await.0, 403);
    assert_eq!(code(&app.get("/users/nobody@kanzlei.example/messages").await.1), "ErrorInvalidUser");
    office.tenant.set_licensed(INFO, false).unwrap();
    assert_eq!(code(&app.get(&path).await.1), "MailboxNotEnabledForRESTAPI");
}

#[tokio::test]
async fn another_tenants_mailbox_does_not_exist() {
    let office = Office::open().await;
    let other = office.world.tenant("Andere", "andere.example").unwrap();
    other.add_user("eve@andere.example", "Eve").unwrap();
    let app = office.app().await;
    assert_eq!(app.get("/users/eve@andere.example/messages").await.0, 404);
    let people = app.ok("/users?$select=mail&$top=2").await;
    assert_eq!(people["value"].as_array().unwrap().len(), 2);
    let rest = app.ok(people["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(rest["value"][0]["mail"], INFO);
    assert!(rest.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn a_mail_is_delivered_once_per_key_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::reopen(dir.path()).await;
    let deliver =
        |office: &Office| office.world.deliver(ADA, "inbox", Mail::new(text("a"), office.now()).with_key("1")).unwrap();
    let first = deliver(&office);
    assert_eq!(deliver(&office), first);
    let held = office.world.messages(ADA).unwrap();
    drop(office);
    let office = Office::reopen(dir.path()).await;
    assert_eq!(deliver(&office), first);
    assert_eq!(office.world.messages(ADA).unwrap(), held);
    let graph = office.user(ADA).await;
    assert_eq!(
        graph.send("GET", &format!("/me/messages/{}/$value", first.immutable_id)).await.text().await.unwrap(),
        text("a")
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let office = Office::open().await;
    for number in 0..12 {
        office.mail(&format!("m{number}"));
        office.pass(SignedDuration::from_mins(1));
    }
    let graph = office.user(ADA).await;
    let page = graph.ok("/me/mailFolders/inbox/messages?$select=subject").await;
    assert_eq!(page["value"].as_array().unwrap().len(), 10);
    assert_eq!(page["value"][0]["subject"], "m11");
    let rest = graph.ok(page["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(rest["value"][1]["subject"], "m0");
    let filter =
        "/me/messages?$filter=receivedDateTime%20ge%202026-10-02T10:10:00Z&$orderby=receivedDateTime&$select=subject";
    let late = graph.ok(filter).await;
    assert_eq!(
        late["value"].as_array().unwrap().iter().map(|m| m["subject"].as_str().unwrap()).collect::<Vec<_>>(),
        ["m10", "m11"]
    );
    assert_eq!(graph.get("/me/messages?$top=1001").await.0, 400);
    assert_eq!(graph.get("/me/messages?$filter=contains(subject,'m')").await.0, 400);
}

#[tokio::test]
async fn odd_mails_are_all_served() {
    let office = Office::open().await;
    let odd: [&[u8]; 7] = [
        b"",
        b"\r\n\r\n",
        b"Subject: =?utf-8?B?!!!?=\r\nDate: 99 Foo 0000\r\n\r\nx",
        b"Date: Mon, 01 Jan 0001 00:00:00 +9999\r\nFrom: <>\r\nTo: undisclosed:;\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n--\r\n",
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
        b"\xff\xff\xff: \x00\r\nMessage-ID: a b c\r\nReferences: <\r\n\r\n\x80",
    ];
    for mime in odd {
        office.world.deliver(ADA, "inbox", Mail::new(mime.to_vec(), office.now())).unwrap();
    }
    for mime in corpus() {
        office.world.deliver(ADA, "inbox", Mail::new(mime, office.now())).unwrap();
    }
    let graph = office.user(ADA).await;
    let page = graph.ok("/me/mailFolders/inbox/messages?$top=1000&$orderby=receivedDateTime").await;
    let served = page["value"].as_array().unwrap();
    assert_eq!(served.len(), office.world.messages(ADA).unwrap().len());
    assert!(served.iter().any(|message| message["@odata.type"] == "#microsoft.graph.eventMessageRequest"));
}

/// Mails kept beside the project for such tests, if they are there.
fn corpus() -> Vec<Vec<u8>> {
    let Some(root) = crate::contract::beside("shared/corpus") else {
        return Vec::new();
    };
    let (mut mails, mut dirs) = (Vec::new(), vec![root]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "eml") {
                mails.push(std::fs::read(path).unwrap());
            }
        }
    }
    mails
}
