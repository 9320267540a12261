//! What the documents print is what happens: their commands are run in their order, by a shell, and their answers
//! held against the printed ones.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::{Value, json};
use tests::{OPERATOR_KEY, World, template::root};
use tokio::process::Command;

use crate::webhooks::Application;

/// A block of the document.
#[derive(Debug)]
enum Block {
    /// Commands of a shell.
    Shell(String),
    /// The answer to the last of them: a status, and perhaps JSON with dots for what is different each time.
    Answer(u16, String),
}

/// The indented blocks of the section under this heading.
fn blocks(document: &str, heading: &str) -> Vec<Block> {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).expect("the section is there");
    blocks_of(section.split("\n## ").next().unwrap())
}

/// The indented blocks of a text.
fn blocks_of(section: &str) -> Vec<Block> {
    let paragraphs = section.split("\n\n").filter(|paragraph| paragraph.starts_with("    "));
    let read = paragraphs.map(|paragraph| {
        let text: Vec<&str> = paragraph.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        let text = text.join("\n");
        match text.get(..3).and_then(|status| status.parse().ok()) {
            Some(status) => Block::Answer(status, text[3..].trim().to_owned()),
            None => Block::Shell(text),
        }
    });
    read.collect()
}

/// Whether commands can be run as they are printed, with nothing but greffe.
fn runs_offline(shell: &str) -> bool {
    let begins = ["curl ", "export ", "sha256sum "].iter().any(|command| shell.starts_with(command));
    begins && !["…", "$(output", "aws ", "az "].iter().any(|other| shell.contains(other))
}

/// The fields that a printed answer names: the name, and its value, unless that is different each time.
fn fields(printed: &str) -> Vec<(String, Option<Value>)> {
    let mut found = Vec::new();
    for part in printed.split(['{', ',', '}']) {
        let Some((name, value)) = part.trim().split_once(':') else { continue };
        let Ok(name) = serde_json::from_str::<String>(name.trim_start_matches('[')) else { continue };
        found.push((name, serde_json::from_str(value.trim()).ok().filter(|_| !value.contains('…'))));
    }
    found
}

/// Whether a field with this name, and this value if there is one, is anywhere in the answer.
fn has(answer: &Value, name: &str, value: Option<&Value>) -> bool {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .any(|(own, held)| own == name && value.is_none_or(|value| value == held) || has(held, name, value)),
        Value::Array(items) => items.iter().any(|item| has(item, name, value)),
        _ => false,
    }
}

/// A `curl` that also leaves status and answer in files.
fn leave_answers(folder: &Path) {
    let curl = r#"#!/bin/sh
PATH=${PATH#*:}
case " $* " in
*" -o "* | *" -OJ "*) curl -w '%{http_code}' "$@" >"$ANSWERS/status" ;;
*) curl -o "$ANSWERS/body" -w '%{http_code}' "$@" >"$ANSWERS/status" && cat "$ANSWERS/body" ;;
esac
"#;
    std::fs::write(folder.join("curl"), curl).unwrap();
    std::fs::set_permissions(folder.join("curl"), Permissions::from_mode(0o755)).unwrap();
}

/// A reader with a shell, who types in what is printed.
struct Reader<'a> {
    world: &'a World,
    folder: tempfile::TempDir,
    path: String,
}

impl<'a> Reader<'a> {
    /// One who knows the variables that `cargo run` prints.
    fn new(world: &'a World, firm: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        leave_answers(folder.path());
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let address = &world.host.address;
        let microsoft = world.microsoft.origin();
        let variables =
            format!("export GREFFE=http://{address} MICROSOFT={microsoft} OPERATOR_KEY={OPERATOR_KEY} FIRM={firm}");
        std::fs::write(folder.path().join("variables"), variables).unwrap();
        Self { world, folder, path }
    }

    async fn types(&self, text: &str) {
        std::fs::write(self.folder.path().join("body"), "").unwrap();
        let script = format!("set -euo pipefail\n. ./variables\n{text}\nexport -p >variables\n");
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(&script).current_dir(self.folder.path()).env("PATH", &self.path);
        let ran = bash.env("ANSWERS", self.folder.path()).output().await.unwrap();
        assert!(ran.status.success(), "{text}\n{}", String::from_utf8_lossy(&ran.stderr));
        self.world.run_until_idle().await;
    }

    /// The status and the answer that came last.
    fn sees(&self) -> (String, Value) {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        (read("status"), serde_json::from_str(&read("body")).unwrap_or(Value::Null))
    }
}

/// Whether the tools that the documents use are on this machine; `.ci/run` installs them.
#[allow(clippy::print_stderr, reason = "who runs the tests has to know")]
async fn can_type() -> bool {
    let found = Command::new("sh").arg("-c").arg("command -v bash && command -v curl && command -v jq").output().await;
    let found = found.unwrap().status.success();
    if !found {
        eprintln!("not run, for want of bash, curl or jq: apt-get install curl jq");
    }
    found
}

#[tokio::test]
async fn the_first_five_minutes_go_as_they_are_printed() {
    if !can_type().await {
        return;
    }
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "Before");
    world.run_until_idle().await;
    let application = Application::start().await;
    application.always(Some(204));
    let document = std::fs::read_to_string(root().join("docs/integrator.md")).unwrap();
    let document = document.replace("http://127.0.0.1:4000/greffe", &application.url);
    let reader = Reader::new(&world, &registry.firm);
    let (mut shells, mut answers) = (0, 0);
    for block in blocks(&document, "The first five minutes") {
        match block {
            // What each reader puts in.
            Block::Shell(text) if text.contains("GREFFE=…") => {}
            Block::Shell(text) => {
                reader.types(&text).await;
                shells += 1;
                if text.contains("\"kind\":\"test\"") {
                    assert_eq!(application.taken().len(), 1, "the test came");
                    world.clock.advance(Duration::from_secs(1));
                    world.deliver("inbox", "A mail for the first webhook");
                    world.run_until_idle().await;
                    assert_eq!(application.taken().len(), 1, "the mail came");
                }
            }
            Block::Answer(status, printed) => {
                let (came, answer) = reader.sees();
                assert_eq!(came, status.to_string(), "{printed}");
                for (name, value) in fields(&printed) {
                    assert!(has(&answer, &name, value.as_ref()), "{name}: {value:?} is printed, and came {answer}");
                }
                answers += 1;
            }
        }
    }
    assert_eq!((shells, answers), (7, 4));
}

/// What printed answers have that show what the sandbox does not have: a failed check, a firm that waits, a mail that
/// rules skip, a mailbox that is new. They are not compared.
const ILLUSTRATIONS: [&str; 5] =
    ["right_missing", "\"waiting\":[{", "\"reason\":\"internal\"", "\"missing\":[{", "\"state\":\"inactive\""];

/// Commands whose answers are as printed, value for value.
const EXACT: [&str; 3] = ["--data-urlencode", "/proposals", "/contacts/C-1"];

/// How many items a printed answer has at least.
fn items_of(printed: &str) -> usize {
    let first = printed.split_once("\"items\":[{").and_then(|(_, items)| items.split_once(':'));
    first.map_or(0, |(name, _)| printed.matches(&format!("{{{name}:")).count())
}

/// Runs every block of a document that can be run, in order, and holds the answers against the printed ones: their
/// status, and the names of their fields. How many blocks of each kind there were.
async fn follow(reader: &Reader<'_>, document: &str) -> (usize, usize) {
    let mut counts = (0, 0);
    for section in document.split("\n#") {
        let (mut last, mut is_answered) = (None::<String>, false);
        for block in blocks_of(section) {
            match block {
                Block::Shell(text) => {
                    (last, is_answered) = (runs_offline(&text).then_some(text), false);
                    if let Some(text) = &last {
                        reader.types(text).await;
                        counts.0 += 1;
                    }
                }
                Block::Answer(status, printed) => {
                    let is_shown = !ILLUSTRATIONS.iter().any(|illustration| printed.contains(illustration));
                    let Some(text) = last.as_ref().filter(|_| is_shown) else { continue };
                    // A second answer is that to the same commands, typed again.
                    if is_answered {
                        reader.types(text).await;
                    }
                    is_answered = true;
                    let (came, answer) = reader.sees();
                    assert_eq!(came, status.to_string(), "{text}\n{printed}\n{answer}");
                    let is_exact = EXACT.iter().any(|part| text.contains(part));
                    for (name, value) in fields(&printed) {
                        let value = value.filter(|_| is_exact);
                        let is_there = has(&answer, &name, value.as_ref());
                        assert!(is_there, "{text}\n{name}: {value:?} is printed, and came {answer}");
                    }
                    let items = answer["items"].as_array().map_or(0, Vec::len);
                    assert!(items >= items_of(&printed), "{text}\n{printed}\n{answer}");
                    counts.1 += 1;
                }
            }
        }
    }
    counts
}

#[test]
fn every_command_of_the_integrators_guide_runs_as_it_is_printed() {
    let document = std::fs::read_to_string(root().join("docs/integrator.md")).unwrap();
    let is_command = |text: &str| {
        let first = text.split_whitespace().next().unwrap_or_default();
        ["curl", "export"].contains(&first) || first.contains("=$(")
    };
    let mut not_run: Vec<String> = Vec::new();
    for block in blocks_of(&document) {
        match block {
            Block::Shell(text) if is_command(&text) && !runs_offline(&text) => not_run.push(text),
            _ => {}
        }
    }
    // What `cargo run` prints for this reader alone.
    assert_eq!(not_run, ["export GREFFE=… MICROSOFT=… OPERATOR_KEY=… FIRM=…"]);
}

/// The rows of the table with this heading: what stands in each cell.
fn rows<'d>(document: &'d str, heading: &str) -> Vec<Vec<&'d str>> {
    let (_, table) = document.split_once(heading).expect("the table is there");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_table_of_lists_has_each_list_with_its_filters_its_order_and_whether_it_has_pages() {
    let read = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).unwrap();
    let description: Value = serde_json::from_str(&read("openapi.json")).unwrap();
    let document = read("integrator.md");
    let table = rows(&document, "| list | order | filters |");
    for (path, item) in description["paths"].as_object().unwrap() {
        let list = &item["get"];
        if !list["operationId"].as_str().is_some_and(|id| id.starts_with("list_")) {
            continue;
        }
        let name = match path.rsplit('/').next().unwrap() {
            "events" if path == "/v1/events" => "events of all firms",
            "deliveries" => "deliveries of a webhook",
            "file" => "filings of a message",
            noun => noun,
        };
        let row = table.iter().find(|row| row[0].split(", ").any(|list| list == name));
        let row = row.unwrap_or_else(|| panic!("{path} has no row"));
        let parameters = list["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        let names: Vec<&str> = parameters.filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(row[1].contains("one page"), !names.contains(&"after"), "{path}");
        for ordering in ["sort", "order"] {
            assert_eq!(row[1].contains(&format!("`{ordering}")), names.contains(&ordering), "{path}: {ordering}");
        }
        // Those of mails have a table of their own; that of attachments names a mail within a mail.
        let is_filter = |name: &&str| !["after", "limit", "sort", "order", "wait", "within"].contains(name);
        let is_told = |name: &&str| row[2].contains(&format!("`{name}`")) || row[2] == "see \"Find a mail\"";
        let missing: Vec<&str> = names.into_iter().filter(is_filter).filter(|name| !is_told(name)).collect();
        assert!(missing.is_empty(), "{path}: {missing:?}");
    }
}

#[tokio::test]
async fn what_the_documents_print_can_be_typed_in_from_top_to_bottom() {
    if !can_type().await {
        return;
    }
    let world = World::new().await;
    world.register_for_push();
    let registry = world.registry().await;
    // As in the sandbox: the demo's mails, whose recipients are the firm's own people.
    let firm = format!("/v1/firms/{}", registry.firm);
    world.patch(&firm, json!({ "domains": ["lumen.example", "mdk.example"] })).await.ok();
    let mut mails: Vec<_> = std::fs::read_dir(root().join("infra/local/mail")).unwrap().map(Result::unwrap).collect();
    mails.retain(|mail| mail.path().extension().is_some_and(|extension| extension == "eml"));
    mails.sort_by_key(std::fs::DirEntry::path);
    for mail in mails {
        let mail = microsoft365::Mail::new(std::fs::read(mail.path()).unwrap(), world.clock.now());
        world.microsoft.deliver(tests::ADA, "inbox", mail).unwrap();
    }
    world.run_until_idle().await;
    let reader = Reader::new(&world, &registry.firm);
    let read = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).unwrap();
    // The receiver listens in the first five minutes, which have a test of their own.
    let (shells, answers) = follow(&reader, &read("integrator.md")).await;
    assert!(shells >= 30 && answers >= 15, "{shells} {answers}");
    let (shells, _) = follow(&reader, &read("operator.md")).await;
    assert!(shells >= 4);
    // The administrator's guide is about the console: it may have no command at all.
    follow(&reader, &read("administrator.md")).await;
}
