//! What Microsoft answers in place of the truth, and a fault by itself: in a mailbox that is whole, what it is about
//! waits, everything else goes on within seconds, a person is told while it lasts, and that it is over.

use std::time::Duration;

use microsoft365::{Lifecycle, Scripted, Times};
use serde_json::{Value, json};
use tests::{ADA, Registry, World, message_id};

use crate::{dice::Dice, gate::Gate, outlook::Outlook};

/// What is answered by odd answers, by the names of the simulated tenant.
pub const KINDS: [&str; 13] = [
    "message delta",
    "message delta",
    "messages",
    "message",
    "message value",
    "message patch",
    "batch",
    "folder delta",
    "folder",
    "folders",
    "categories",
    "subscription create",
    "subscription renew",
];
/// Kinds that are answered with a page of entries.
const PAGES: [&str; 12] = [
    "message delta",
    "messages",
    "folder delta",
    "folders",
    "categories",
    "events",
    "tasks",
    "task lists",
    "task delta",
    "contacts",
    "contact folders",
    "contact delta",
];
/// Everything else goes on within so much.
const SECONDS: Duration = Duration::from_secs(15);
const MINUTE: Duration = Duration::from_secs(61);
const SEVERAL_HOURS: Duration = Duration::from_secs(3 * 3600);
/// Polls, and tries of what fails, come at least so often.
const QUARTER: Duration = Duration::from_secs(18 * 60);
/// Mails that arrive beside the one that a fault is about.
const OTHERS: usize = 4;

fn text(from: &str, to: &str) -> Scripted {
    Scripted::Text(from.to_owned(), to.to_owned())
}

fn raw(status: u16, body: &str) -> Scripted {
    Scripted::Raw(status, vec![], body.as_bytes().to_vec())
}

/// Waits that are named in each way there is.
fn waits(dice: &mut Dice, status: u16) -> Scripted {
    let named = dice.pick(&["7", "2.128", "0", "-5", "1e300", "soon", "Mon, 02 Mar 2026 08:02:00 GMT"]);
    Scripted::Raw(status, vec![("retry-after", named.to_owned())], Vec::new())
}

/// An answer to a request of this kind. Nothing here says that a thing is gone that is there, or done that is not:
/// greffe would have to believe it.
pub fn odd(dice: &mut Dice, kind: &str) -> Scripted {
    match dice.below(3) {
        0 => Scripted::Late(Duration::from_millis(2)),
        1 => harmless(dice, kind).unwrap_or(Scripted::Half),
        _ => failing(dice, kind),
    }
}

/// An answer that is odd, and has all that is needed.
fn harmless(dice: &mut Dice, kind: &str) -> Option<Scripted> {
    Some(match dice.below(4) {
        0 if PAGES.contains(&kind) => Scripted::Twice,
        1 => Scripted::Header("retry-after", "600".to_owned()),
        2 if kind == "message delta" => text("\"subject\":\"", "\"subject\":\"\\ud83d"),
        3 if kind == "message delta" => {
            let odd = [Value::Null, json!(7), json!([{}]), json!({ "emailAddress": null })];
            let name = dice.pick(&["toRecipients", "from", "subject", "receivedDateTime", "categories"]);
            Scripted::Property(None, name, dice.pick(&odd))
        }
        _ => return None,
    })
}

/// A refusal of a change, of which nothing was done.
pub fn odd_refusal(dice: &mut Dice) -> Scripted {
    let status = dice.pick(&[429, 500, 502, 503, 504]);
    match dice.below(3) {
        0 => Scripted::Status(status, Some(7)),
        1 => waits(dice, status),
        _ => raw(404, "<html>404</html>"),
    }
}

/// An answer to what makes a thing, and has not made it.
pub fn odd_making(dice: &mut Dice) -> Scripted {
    match dice.below(3) {
        0 => dice.pick(&[raw(202, ""), raw(204, ""), raw(200, "{}"), raw(200, r#"{"error":{"code":"x"}}"#)]),
        1 => dice.pick(&[Scripted::Garbage, Scripted::Half]),
        _ => odd_refusal(dice),
    }
}

/// That answer, perhaps to a request that is carried out all the same.
pub fn perhaps_done(dice: &mut Dice, answer: Scripted) -> Scripted {
    match dice.below(4) {
        0 => Scripted::Done(Box::new(answer)),
        1 => Scripted::Done(Box::new(Scripted::Status(dice.pick(&[403, 429, 500, 503, 504]), None))),
        _ => answer,
    }
}

/// An answer from which nothing can be had.
fn failing(dice: &mut Dice, kind: &str) -> Scripted {
    let status = dice.pick(&[500, 502, 503, 504]);
    match (dice.below(10), kind) {
        (0 | 1, _) => Scripted::Status(status, Some(dice.below(40) as u32).filter(|_| dice.once_in(2))),
        (2, _) => waits(dice, 429),
        (3, _) => waits(dice, 503),
        (4, _) => raw(404, "<html>404</html>"),
        (5, _) => Scripted::Garbage,
        (6, _) => Scripted::Half,
        (7, "message delta") => dice.pick(&[
            Scripted::Endless,
            Scripted::Status(403, None),
            Scripted::Status(410, None),
            text("deltaLink\":\"http://", "deltaLink\":\"http://elsewhere.example/"),
        ]),
        (7, _) if PAGES.contains(&kind) => Scripted::Endless,
        (7 | 8, "message value") => dice.pick(&[
            Scripted::Header("content-encoding", "gzip".to_owned()),
            raw(206, "Subject: A part\r\n"),
            raw(200, "upstream connect error or disconnect"),
        ]),
        (7 | 8, "message patch") => Scripted::Status(status, None),
        (7, "batch") => dice.pick(&[raw(200, r#"{"responses":[]}"#), raw(200, r#"{"responses":null}"#)]),
        (8, _) if PAGES.contains(&kind) => text("\"value\"", "\"values\""),
        (_, "message patch") => waits(dice, 504),
        (_, "message value") => raw(200, ""),
        _ => dice.pick(&["", "{}", "null", "[]", r#"{"value":null}"#].map(|body| raw(200, body))),
    }
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// One mail: its original.
    Original,
    /// One mail: its mark.
    Mark,
    /// One folder.
    Folder,
    /// The tree of folders.
    Tree,
    /// The marks of all mails.
    Marks,
    /// The subscription to notices.
    Notifications,
    /// The list of categories.
    Categories,
    /// Nothing: all that is needed can be had.
    Nothing,
}

/// One fault, in a mailbox where all is well: what it is about, what goes on, and what people are told.
pub async fn alone(dice: &mut Dice, gate: &Gate, (world, registry): (&World, &Registry), outlook: &mut Outlook) {
    let about = dice.pick(&[
        About::Original,
        About::Mark,
        About::Folder,
        About::Folder,
        About::Tree,
        About::Marks,
        About::Notifications,
        About::Categories,
        About::Nothing,
    ]);
    // The list of categories is looked at again after an hour.
    world.pass(SEVERAL_HOURS).await;
    let faults = world.microsoft.faults();
    let mut kept = outlook.kept_folders();
    let folder = kept.remove(dice.below(kept.len()));
    let id = world.microsoft.folder_id(ADA, &folder).unwrap();
    if about == About::Folder {
        faults.answer("message delta", Some(&id), failing(dice, "message delta"), Times::Forever);
    }
    let odd = outlook.deliver_to(world, 5_000, &folder);
    match about {
        About::Folder => {}
        About::Original => faults.answer("message value", Some(&odd), failing(dice, "message value"), Times::Forever),
        About::Mark => faults.answer("message patch", Some(&odd), failing(dice, "message patch"), Times::Forever),
        About::Marks => faults.answer("batch", None, failing(dice, "batch"), Times::Forever),
        About::Tree => {
            for kind in ["folder delta", "folders"] {
                faults.answer(kind, None, failing(dice, "folders"), Times::Forever);
            }
        }
        About::Notifications => {
            for kind in ["subscription create", "subscription renew"] {
                faults.answer(kind, None, failing(dice, kind), Times::Forever);
            }
            let subscriptions = world.microsoft.subscriptions(ADA).unwrap();
            world.microsoft.send_lifecycle(&subscriptions[0], Lifecycle::ReauthorizationRequired).unwrap();
        }
        About::Categories => faults.answer("categories", None, failing(dice, "categories"), Times::Forever),
        About::Nothing => {
            for kind in ["message delta", "folder delta", "categories"] {
                let answer = harmless(dice, kind).unwrap_or(Scripted::Late(Duration::from_millis(2)));
                faults.answer(kind, None, answer, Times::Forever);
            }
        }
    }
    let others: Vec<String> = (0..OTHERS).map(|n| outlook.deliver_to(world, 5_001 + n, &dice.pick(&kept))).collect();
    gate.tell(format!("alone: {about:?} {folder}"));
    world.run_until_idle().await;
    world.pass(SECONDS).await;

    let state = async |mail: &String| {
        let answer = world.message(registry, mail).await;
        answer.body["state"].as_str().unwrap_or("unknown").to_owned()
    };
    for mail in &others {
        let state = state(mail).await;
        let (is_kept, is_marked) = (["announced", "archived"].contains(&state.as_str()), state == "marked");
        assert!(is_marked || about == About::Marks && is_kept, "{about:?} holds up another mail: {state}");
    }
    for _ in 0..8 {
        world.pass(MINUTE).await;
    }
    if about == About::Tree {
        world.pass(QUARTER).await;
        world.pass(QUARTER).await;
    }
    let mailbox = async || world.get(&format!("/v1/firms/{}/mailboxes/{}", registry.firm, registry.mailbox)).await.ok();
    let (shown, mark) = (mailbox().await, state(&odd).await);
    let is_told = match about {
        About::Original => mark == "failed",
        About::Mark => ["announced", "unmarked"].contains(&mark.as_str()),
        About::Folder => shown["incomplete"][0]["folder"] == json!(id) && shown["problem"]["code"].is_string(),
        About::Tree => shown["problem"]["code"] == "folder_tree_unreadable",
        About::Marks => shown["problem"]["code"] == "marks_missing",
        About::Notifications => shown["problem"]["code"] == "notifications_missing",
        About::Categories => shown["problem"]["code"] == "categories_unavailable",
        About::Nothing => mark == "marked" && shown["problem"].is_null(),
    };
    assert!(is_told, "{about:?} is not told: {mark}, {shown}");
    if about == About::Original {
        let id = message_id(registry, &odd).to_string();
        let facts = world.get(&format!("/v1/firms/{}/messages/{id}", registry.firm)).await.ok();
        assert!(facts["failure"].is_object(), "{facts}");
    }

    faults.clear();
    for _ in 0..2 {
        world.pass(QUARTER).await;
    }
    let shown = mailbox().await;
    assert_eq!((&shown["problem"], &shown["incomplete"]), (&Value::Null, &json!([])), "{about:?} is told still");
}
