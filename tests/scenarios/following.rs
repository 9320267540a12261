//! D6: what is filed has others follow: the rest of a conversation, what a person moves to a folder, proposals.

use std::time::Duration;

use microsoft365::{Mail, Times};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::{
    aws::table::Key,
    mail::{folder::FolderState, message::Message},
};
use tests::{ADA, Registry, World, message_id};

const GREY: &str = "greffe: received";
const GREEN: &str = "greffe: filed";
const INBOX: &str = "inbox";

struct Office {
    world: World,
    registry: Registry,
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.registry_of(json!({ "mode": "all", "folders": [] })).await;
        Self { world, registry }
    }

    fn below(&self, path: &str) -> String {
        format!("/v1/firms/{}/{path}", self.registry.firm)
    }

    /// A mail that refers to others.
    fn deliver(&self, id: &str, references: &str, subject: &str) -> String {
        let references = if references.is_empty() { String::new() } else { format!("References: {references}\r\n") };
        let mime = format!(
            "From: Client <client@acme.example>\r\nTo: {ADA}\r\nSubject: {subject}\r\nMessage-ID: <{id}@acme.example>\r\n\
             {references}\r\n{subject}.\r\n"
        );
        self.world.microsoft.deliver(ADA, INBOX, Mail::new(mime, self.world.clock.now())).unwrap().immutable_id
    }

    fn id(&self, mail: &str) -> String {
        message_id(&self.registry, mail).to_string()
    }

    async fn message(&self, mail: &str) -> Value {
        self.world.message(&self.registry, mail).await.ok()
    }

    /// Where a mail is filed, and by what.
    async fn filing(&self, mail: &str) -> (Option<String>, Option<String>) {
        let message = self.message(mail).await;
        let text = |name: &str| message[name].as_str().map(str::to_owned);
        (text("dossier"), text("filed_through"))
    }

    fn mark(&self, mail: &str) -> Vec<String> {
        let all = self.world.microsoft.messages(ADA).unwrap().into_iter();
        all.filter(|held| held.immutable_id == mail).flat_map(|held| held.categories).collect()
    }

    async fn file(&self, mail: &str, dossier: Value) {
        let path = self.below(&format!("messages/{}/file", self.id(mail)));
        self.world.post(&path, json!({ "dossier": dossier })).await.ok();
        self.world.run_until_idle().await;
    }

    async fn file_conversation(&self, mail: &str, dossier: Value) -> Value {
        let path = self.below(&format!("messages/{}/conversation/file", self.id(mail)));
        let filed = self.world.post(&path, json!({ "dossier": dossier })).await.ok();
        self.world.run_until_idle().await;
        filed
    }

    /// A folder of Ada's that stands for a dossier.
    async fn folder(&self, name: &str, dossier: Value) -> String {
        let folder = self.world.microsoft.create_folder(ADA, "msgfolderroot", name).unwrap();
        self.world.pass(Duration::from_secs(16 * 60)).await;
        if !dossier.is_null() {
            self.stands_for(&folder, dossier).await;
        }
        folder
    }

    async fn stands_for(&self, folder: &str, dossier: Value) -> Value {
        let path = self.below(&format!("mailboxes/{}/dossiers", self.registry.mailbox));
        let mailbox = self.world.put(&path, json!({ "folder": folder, "dossier": dossier })).await.ok();
        self.world.pass(Duration::from_secs(16 * 60)).await;
        mailbox
    }

    async fn drag(&self, mail: &str, folder: &str) {
        self.world.microsoft.move_message(ADA, mail, folder).unwrap();
        self.world.pass(Duration::from_secs(16 * 60)).await;
    }
}

#[tokio::test]
async fn d6_a_folder_that_the_mailbox_does_not_have_stands_for_no_dossier() {
    let office = Office::new().await;
    let folder = office.folder("Duval", Value::Null).await;
    let path = office.below(&format!("mailboxes/{}/dossiers", office.registry.mailbox));
    let link = async |folder: &str, dossier: Value| {
        office.world.put(&path, json!({ "folder": folder, "dossier": dossier })).await
    };
    // Where Microsoft does not answer, the tree as greffe knows it decides.
    for is_busy in [false, true] {
        if is_busy {
            for kind in ["folder", "folders", "folder delta"] {
                office.world.microsoft.faults().fail(kind, 503, Times::Forever);
            }
        }
        let refused = link("no-such-folder", json!("7")).await;
        assert_eq!(refused.body["code"], "invalid_request", "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().starts_with("folder: "), "{}", refused.body);
        link(&folder, json!("7")).await.ok();
        link(&folder, Value::Null).await.ok();
    }
}

#[tokio::test]
async fn d6_a_folder_whose_mail_is_not_archived_stands_for_no_dossier_until_it_is_chosen() {
    let office = Office::new().await;
    let mailbox = office.below(&format!("mailboxes/{}", office.registry.mailbox));
    let (selection, dossiers) = (format!("{mailbox}/selection"), format!("{mailbox}/dossiers"));
    let folder = office.world.microsoft.create_folder(ADA, "msgfolderroot", "Duval").unwrap();
    let choose = async |folders: &[&str]| {
        office.world.put(&selection, json!({ "mode": "include", "folders": folders })).await.ok();
        office.world.run_until_idle().await;
    };
    let link =
        async |dossier: Value| office.world.put(&dossiers, json!({ "folder": folder, "dossier": dossier })).await;
    choose(&["inbox"]).await;
    let refused = link(json!("7")).await;
    assert_eq!(refused.body["code"], "invalid_request", "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("PUT on the mailbox's selection"), "{}", refused.body);
    choose(&["inbox", &folder]).await;
    link(json!("7")).await.ok();
    // Once it is no longer kept, its link can be repeated and removed, and not be another one.
    choose(&["inbox"]).await;
    assert_eq!(link(json!("8")).await.problem(), "invalid_request");
    assert_eq!(link(json!("7")).await.ok()["dossiers"][0]["dossier"], "7");
    assert_eq!(link(Value::Null).await.ok()["dossiers"], json!([]));
    // Of a mailbox without any choice, none is kept.
    let firm = &office.registry.firm;
    office.world.tenant.add_user("max@lumen.example", "Max").unwrap();
    let connector = office.world.connector(firm, "delegated", Value::Null).await;
    office.world.sign_in(firm, &connector, "max@lumen.example").await.ok();
    let new = json!({ "connector": connector, "address": "max@lumen.example", "kind": "user" });
    let other = office.world.post(&office.below("mailboxes"), new).await.ok()["id"].as_str().unwrap().to_owned();
    let path = office.below(&format!("mailboxes/{other}/dossiers"));
    let inbox = office.world.get(&office.below(&format!("mailboxes/{other}/folders"))).await.ok();
    let inbox = inbox["items"].as_array().unwrap().iter().find(|folder| folder["well_known"] == "inbox").unwrap();
    let refused = office.world.put(&path, json!({ "folder": inbox["id"], "dossier": "7" })).await;
    assert_eq!(refused.problem(), "invalid_request");
}

fn filed(dossier: &str, through: &str) -> (Option<String>, Option<String>) {
    (Some(dossier.to_owned()), Some(through.to_owned()))
}

const NOWHERE: (Option<String>, Option<String>) = (None, None);

#[tokio::test]
async fn d6_a_conversation_is_filed_whole_and_later_replies_follow_if_the_firm_wants_that() {
    let office = Office::new().await;
    let world = &office.world;
    let first = office.deliver("1", "", "Lease");
    world.run_until_idle().await;
    let reply = office.deliver("2", "<1@acme.example>", "Re: Lease");
    let apart = office.deliver("9", "", "Lease");
    world.run_until_idle().await;
    for is_indexed in [false, true] {
        if is_indexed {
            world.host.index().await;
        }
        let path = office.below(&format!("messages?conversation_of={}", office.id(&reply)));
        let listed = world.get(&path).await.ok();
        let subjects: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|item| &item["subject"]).collect();
        assert_eq!(subjects, ["Re: Lease", "Lease"], "indexed: {is_indexed}");
        assert_eq!(listed["complete_to"], Value::Null);
    }
    let filing = office.file_conversation(&reply, json!("D-1")).await;
    assert_eq!((filing["items"].as_array().unwrap().len(), &filing["is_complete"]), (2, &json!(true)));
    assert_eq!(office.filing(&first).await, filed("D-1", "conversation"));
    assert_eq!(office.filing(&reply).await, filed("D-1", "conversation"));
    assert_eq!(office.filing(&apart).await, NOWHERE);
    assert_eq!((office.mark(&first), office.mark(&apart)), (vec![GREEN.to_owned()], vec![GREY.to_owned()]));
    let again = office.file_conversation(&first, json!("D-1")).await;
    assert_eq!(again["items"], json!([]), "what is there stays as it is");

    // The firm did not ask for more.
    let unasked = office.deliver("3", "<1@acme.example> <2@acme.example>", "Re: Lease");
    world.run_until_idle().await;
    assert_eq!(office.filing(&unasked).await, NOWHERE);

    let firm = format!("/v1/firms/{}", office.registry.firm);
    assert_eq!(world.patch(&firm, json!({ "replies_follow": true })).await.ok()["replies_follow"], true);
    let later = office.deliver("4", "<1@acme.example> <2@acme.example>", "Re: Lease");
    let other = office.deliver("10", "<9@acme.example>", "Re: Lease");
    world.run_until_idle().await;
    assert_eq!(office.filing(&later).await, filed("D-1", "conversation"));
    assert_eq!(
        (office.mark(&later), office.message(&later).await["state"].clone()),
        (vec![GREEN.to_owned()], json!("marked"))
    );
    assert_eq!(office.filing(&other).await, NOWHERE);
    let facts = world.get(&office.below("events?after=0&limit=100")).await.ok();
    let fact = facts["items"].as_array().unwrap().iter().rfind(|fact| fact["type"] == "message_filed").unwrap().clone();
    assert_eq!(
        (&fact["message"], &fact["through"], &fact["by"]),
        (&json!(office.id(&later)), &json!("conversation"), &json!("operator"))
    );

    // Taken out again, nothing follows any more.
    assert_eq!(office.file_conversation(&first, Value::Null).await["items"].as_array().unwrap().len(), 3);
    let last = office.deliver("5", "<1@acme.example>", "Re: Lease");
    world.run_until_idle().await;
    assert_eq!((office.filing(&first).await, office.filing(&last).await), (NOWHERE, NOWHERE));
    assert_eq!(world.progress(&office.registry).await["archived"], 7, "counted once");
    world.settle(&office.registry).await;
}

#[tokio::test]
async fn d6_a_conversation_is_the_same_in_all_mailboxes_and_no_other_firms() {
    let office = Office::new().await;
    let world = &office.world;
    let mail = office.deliver("1", "", "Lease");
    world.run_until_idle().await;
    let other = world.firm("Other").await;
    let key = world.post(&format!("/v1/firms/{other}/keys"), json!({ "name": "other" })).await.ok();
    let theirs = format!("/v1/firms/{other}/messages/{}/conversation/file", office.id(&mail));
    let refused = world.request(key["key"].as_str(), Method::POST, &theirs, Some(json!({ "dossier": "X" }))).await;
    assert_eq!(refused.problem(), "not_found");
    let path = format!("/v1/firms/{other}/messages?conversation_of={}", office.id(&mail));
    assert_eq!(world.request(key["key"].as_str(), Method::GET, &path, None).await.problem(), "not_found");
    let absent = office.below(&format!("messages/{}/conversation/file", office.id("AAkUnknown")));
    assert_eq!(world.post(&absent, json!({ "dossier": "X" })).await.problem(), "not_found");
    assert_eq!(office.filing(&mail).await, NOWHERE);
}

#[tokio::test]
async fn d6_what_is_dragged_to_a_folder_is_filed_and_turns_green_and_what_is_dragged_on_is_not() {
    let office = Office::new().await;
    let (dupont, other) = (office.folder("Dupont", json!("2026/017")).await, office.folder("Read", Value::Null).await);
    let mail = office.deliver("1", "", "Lease");
    office.world.run_until_idle().await;
    assert_eq!(office.filing(&mail).await, NOWHERE);

    office.drag(&mail, &dupont).await;
    assert_eq!(office.filing(&mail).await, filed("2026/017", "folder"));
    assert_eq!(
        (office.message(&mail).await["filed_by"].clone(), office.mark(&mail)),
        (json!("operator"), vec![GREEN.to_owned()])
    );
    // What changes about it there says nothing new.
    office.world.microsoft.set_read(ADA, &mail, true).unwrap();
    office.world.pass(Duration::from_secs(16 * 60)).await;
    office.drag(&mail, &other).await;
    assert_eq!((office.filing(&mail).await, office.mark(&mail)), (NOWHERE, vec![GREY.to_owned()]));
    office.drag(&mail, &dupont).await;
    assert_eq!(office.filing(&mail).await, filed("2026/017", "folder"));

    // To where greffe does not read: it stays.
    office.drag(&mail, "deleteditems").await;
    assert_eq!(office.filing(&mail).await, filed("2026/017", "folder"));
    office.world.microsoft.delete_message(ADA, &mail).unwrap();
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(office.filing(&mail).await.0.as_deref(), Some("2026/017"));

    // What a rule of Outlook's puts there at once is filed once it is archived.
    let direct = office.world.deliver(&dupont, "Straight there");
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(
        (office.filing(&direct).await, office.mark(&direct)),
        (filed("2026/017", "folder"), vec![GREEN.to_owned()])
    );
    let told = office.world.feed(&office.registry.firm).await;
    let count = |of: &str| told.iter().filter(|fact| *fact == of).count();
    assert_eq!((count("message_archived"), count("message_filed"), count("message_unfiled")), (2, 3, 1));
}

#[tokio::test]
async fn d6_a_filing_by_hand_holds_until_the_mail_is_moved_again() {
    let office = Office::new().await;
    let (d, e) = (office.folder("D", json!("D")).await, office.folder("E", json!("E")).await);
    let mail = office.deliver("1", "", "Lease");
    office.world.run_until_idle().await;
    office.drag(&mail, &d).await;
    office.file(&mail, json!("X")).await;
    office.world.microsoft.set_read(ADA, &mail, true).unwrap();
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(office.filing(&mail).await, filed("X", "request"));
    office.drag(&mail, &e).await;
    assert_eq!(office.filing(&mail).await, filed("E", "folder"));
    office.file(&mail, Value::Null).await;
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(office.filing(&mail).await, NOWHERE);
    office.drag(&mail, &d).await;
    assert_eq!(office.filing(&mail).await, filed("D", "folder"));
    let history = office.world.get(&office.below(&format!("messages/{}/file", office.id(&mail)))).await.ok();
    let through: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|filing| &filing["through"]).collect();
    assert_eq!(through, ["folder", "request", "folder", "request", "folder"]);
    office.world.settle(&office.registry).await;
}

#[tokio::test]
async fn d6_a_folder_that_stands_for_another_dossier_files_there_what_it_filed_and_nothing_else() {
    let office = Office::new().await;
    let folder = office.folder("Dupont", json!("2026/017")).await;
    let (by_folder, by_hand) = (office.deliver("1", "", "Lease"), office.deliver("2", "", "Other"));
    office.world.run_until_idle().await;
    for mail in [&by_folder, &by_hand] {
        office.drag(mail, &folder).await;
    }
    office.file(&by_hand, json!("X")).await;
    office.stands_for(&folder, json!("2026/018")).await;
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(office.filing(&by_folder).await, filed("2026/018", "folder"));
    assert_eq!(office.filing(&by_hand).await, filed("X", "request"));
    office.stands_for(&folder, Value::Null).await;
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(office.filing(&by_folder).await, filed("2026/018", "folder"));
    assert_eq!(office.mark(&by_folder), vec![GREEN.to_owned()]);
}

#[tokio::test]
async fn d6_what_lies_in_a_folder_is_filed_once_it_stands_for_a_dossier_and_a_dead_link_unfiles_nothing() {
    let office = Office::new().await;
    let folder = office.folder("Dupont", Value::Null).await;
    let (lies, by_hand) = (office.world.deliver(&folder, "Lies there"), office.world.deliver(&folder, "By hand"));
    office.world.pass(Duration::from_secs(16 * 60)).await;
    office.file(&by_hand, json!("X")).await;
    let mailbox = office.stands_for(&folder, json!("2026/017")).await;
    assert_eq!(mailbox["dossiers"], json!([{ "folder": folder, "dossier": "2026/017" }]));
    let expected = [filed("2026/017", "folder"), filed("X", "request")];
    assert_eq!([office.filing(&lies).await, office.filing(&by_hand).await], expected);

    let told = office.world.feed(&office.registry.firm).await.len();
    for id in [&folder, &office.world.microsoft.folder_id(ADA, INBOX).unwrap()] {
        let (firm, mailbox) = (office.registry.firm.parse().unwrap(), office.registry.mailbox.parse().unwrap());
        let key = Key::folder(firm, mailbox, &id.parse().unwrap());
        let lost = |state: Option<FolderState>| state.map(|state| state.restarted());
        office.world.host.app.table.update(&key, lost).await.unwrap();
    }
    office.world.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!([office.filing(&lies).await, office.filing(&by_hand).await], expected);
    assert_eq!(office.world.feed(&office.registry.firm).await.len(), told);

    // The folder stands for nothing any more: what it filed stays.
    assert_eq!(office.stands_for(&folder, Value::Null).await["dossiers"], json!([]));
    assert_eq!(office.filing(&lies).await, expected[0]);
    office.world.settle(&office.registry).await;
}

#[tokio::test]
async fn a_folder_that_an_older_version_read_is_read_once_more_and_nothing_is_archived_twice() {
    let office = Office::new().await;
    let world = &office.world;
    let kept = office.deliver("1", "", "Kept");
    world.run_until_idle().await;
    let (firm, mailbox) = (office.registry.firm.parse().unwrap(), office.registry.mailbox.parse().unwrap());
    let inbox = world.microsoft.folder_id(ADA, INBOX).unwrap();
    let key = Key::folder(firm, mailbox, &inbox.parse().unwrap());
    let older = |state: Option<FolderState>| state.map(|state| FolderState { selection: 0, ..state });
    let before = world.host.app.table.update(&key, older).await.unwrap().unwrap();
    let old = world
        .microsoft
        .deliver(
            ADA,
            "archive",
            Mail::new("Subject: Old\r\n\r\nx\r\n".to_owned(), "2020-01-01T00:00:00Z".parse().unwrap()),
        )
        .unwrap();
    world.microsoft.move_message(ADA, &old.immutable_id, INBOX).unwrap();
    for _ in 0..3 {
        world.pass(Duration::from_secs(16 * 60)).await;
    }
    let after = world.host.app.table.get::<FolderState>(&key).await.unwrap().unwrap().value;
    assert_eq!((after.reading, after.selection > 0, after.rereads), (before.reading + 1, true, false));
    let new = office.deliver("2", "<1@acme.example>", "New");
    world.run_until_idle().await;
    let told = world.feed(&office.registry.firm).await;
    assert_eq!(told.iter().filter(|fact| *fact == "message_archived").count(), 3, "{told:?}");
    let message = |mail: &str| Key::message(firm, message_id(&office.registry, mail));
    for mail in [&kept, &new] {
        let row = world.host.app.table.get::<Message>(&message(mail)).await.unwrap().unwrap();
        assert!(row.value.conversation.is_some());
    }
    world.settle(&office.registry).await;
}

#[tokio::test]
async fn d6_new_mail_is_filed_by_its_contacts_where_the_firm_made_that_its_rule() {
    let office = Office::new().await;
    let world = &office.world;
    let contact = json!({
        "kind": "person", "name": "c1", "surname": "c1", "emails": ["client@acme.example"], "dossier": "D-1", "members": []
    });
    world.put(&office.below("contacts/c1"), contact).await.ok();
    let before = office.deliver("0", "", "Before");
    world.run_until_idle().await;
    let firm = format!("/v1/firms/{}", office.registry.firm);
    assert_eq!(world.patch(&firm, json!({ "file_by_contact": true })).await.ok()["file_by_contact"], true);

    let mail = office.deliver("1", "", "Lease");
    let both = "From: judge@court.example\r\nTo: ada@lumen.example, client@acme.example\r\nSubject: Both\r\n\r\nx\r\n";
    let both = world.microsoft.deliver(ADA, INBOX, Mail::new(both.to_owned(), world.clock.now())).unwrap();
    world.run_until_idle().await;
    assert_eq!((office.filing(&mail).await, office.mark(&mail)), (filed("D-1", "contact"), vec![GREEN.to_owned()]));
    assert_eq!(office.filing(&both.immutable_id).await, NOWHERE, "one of them is nobody's contact");
    assert_eq!(office.filing(&before).await, NOWHERE, "it stays a proposal");
    let facts = world.get(&office.below("events?after=0&limit=100&type=message_filed")).await.ok();
    assert_eq!((&facts["items"][0]["by"], facts["items"].as_array().unwrap().len()), (&json!("operator"), 1));

    // The folder and the conversation come first, and what a person takes out stays out.
    office.file(&mail, Value::Null).await;
    assert_eq!(office.filing(&mail).await.0, None);
    world.patch(&firm, json!({ "file_by_contact": false })).await.ok();
    let after = office.deliver("2", "", "Lease");
    world.run_until_idle().await;
    assert_eq!(office.filing(&after).await, NOWHERE);
    world.settle(&office.registry).await;
}

#[tokio::test]
async fn d6_a_mail_whose_outside_people_are_contacts_of_one_dossier_is_proposed_and_filed_when_that_is_accepted() {
    let office = Office::new().await;
    let world = &office.world;
    for (id, email, dossier) in [("c1", "client@acme.example", "D-1"), ("c2", "judge@court.example", "D-2")] {
        let contact = json!({ "kind": "person", "name": id, "surname": id, "emails": [email], "dossier": dossier, "members": [] });
        world.put(&office.below(&format!("contacts/{id}")), contact).await.ok();
    }
    let mails = ["One", "Two", "Three"].map(|subject| office.deliver(subject, "", subject));
    let two = "From: judge@court.example\r\nTo: ada@lumen.example, client@acme.example\r\nSubject: Both\r\n\r\nx\r\n";
    world.microsoft.deliver(ADA, INBOX, Mail::new(two.to_owned(), world.clock.now())).unwrap();
    world.run_until_idle().await;
    office.file(&mails[2], json!("elsewhere")).await;

    let proposed = world.get(&office.below("proposals")).await.ok();
    let items = proposed["items"].as_array().unwrap();
    let mut told: Vec<_> =
        items.iter().map(|item| (item["id"].as_str().unwrap(), item["proposed_dossier"].as_str().unwrap())).collect();
    told.sort_unstable();
    let mut expected = [office.id(&mails[0]), office.id(&mails[1])];
    expected.sort_unstable();
    assert_eq!(told, [(expected[0].as_str(), "D-1"), (expected[1].as_str(), "D-1")]);
    assert_eq!(office.filing(&mails[0]).await, NOWHERE, "nothing is filed by itself");
    for (filter, found) in [
        ("dossier=D-1".to_owned(), 2),
        ("dossier=D-2".to_owned(), 0),
        ("from=@acme.example".to_owned(), 2),
        ("from=judge@court.example".to_owned(), 0),
        (format!("mailbox={}", office.registry.mailbox), 2),
        (format!("mailbox={}", "00000000-0000-4000-8000-000000000000"), 0),
        ("since=2020-01-01T00:00:00Z".to_owned(), 2),
        ("until=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let narrowed = world.get(&office.below(&format!("proposals?{filter}"))).await.ok();
        assert_eq!(narrowed["items"].as_array().unwrap().len(), found, "{filter}");
    }

    // What somebody files meanwhile stays as it is.
    let by_hand = world.post(&office.below(&format!("messages/{}/file", told[0].0)), json!({ "dossier": "D-9" })).await;
    assert_eq!(by_hand.ok()["dossier"], "D-9");
    let late = json!({ "proposals": [{ "message": told[0].0, "dossier": "D-1" }] });
    let late = world.post(&office.below("proposals/accept"), late).await.ok();
    assert_eq!(late["items"][0]["problem"]["code"], "not_proposed", "{late}");
    // Nor is anything filed by a proposal that was never made.
    let never = json!({ "proposals": [{ "message": told[1].0, "dossier": "D-2" }] });
    let never = world.post(&office.below("proposals/accept"), never).await.ok();
    assert_eq!(never["items"][0]["problem"]["code"], "not_proposed", "{never}");

    // A text that is no id keeps no other from being filed.
    let accepted: Vec<Value> =
        told[1..].iter().map(|(id, dossier)| json!({ "message": id, "dossier": dossier })).collect();
    let accepted = [vec![json!({ "message": "x", "dossier": "D" })], accepted].concat();
    let answers = world.post(&office.below("proposals/accept"), json!({ "proposals": accepted })).await.ok();
    let (answers, accepted) = (answers["items"].as_array().unwrap(), accepted.len());
    assert_eq!((answers.len(), &answers[0]["problem"]["code"]), (accepted, &json!("invalid_request")));
    assert!(answers[1..].iter().all(|item| item["problem"].is_null()));
    world.run_until_idle().await;
    for mail in &mails[..2] {
        let expected = if office.id(mail) == told[0].0 { filed("D-9", "request") } else { filed("D-1", "contact") };
        assert_eq!((office.filing(mail).await, office.mark(mail)), (expected, vec![GREEN.to_owned()]));
    }
    assert_eq!(world.get(&office.below("proposals")).await.ok()["items"], json!([]));
    for bad in [
        json!([]),
        json!([{ "message": 7, "dossier": "D" }]),
        json!([{ "message": office.id(&mails[0]), "dossier": "" }]),
    ] {
        let refused = world.post(&office.below("proposals/accept"), json!({ "proposals": bad })).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    world.settle(&office.registry).await;
}
