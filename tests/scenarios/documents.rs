//! What docs/integrator.md prints is what happens: its commands are run in their order, by a shell, and their answers
//! held against the printed ones.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::Value;
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
    let section = section.split("\n## ").next().unwrap();
    let paragraphs = section.split("\n\n").filter(|paragraph| paragraph.starts_with("    "));
    let read = paragraphs.map(|paragraph| {
        let text: Vec<&str> = paragraph.lines().map(|line| line.strip_prefix("    ").unwrap()).collect();
        let text = text.join("\n");
        match text.get(..3).and_then(|status| status.parse().ok()) {
            Some(status) => Block::Answer(status, text[3..].trim().to_owned()),
            None => Block::Shell(text),
        }
    });
    read.collect()
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
curl -o "$ANSWERS/body" -w '%{http_code}' "$@" >"$ANSWERS/status"
cat "$ANSWERS/body"
"#;
    std::fs::write(folder.join("curl"), curl).unwrap();
    std::fs::set_permissions(folder.join("curl"), Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn the_first_five_minutes_go_as_they_are_printed() {
    let world = World::new().await;
    let registry = world.registry().await;
    world.deliver("inbox", "Before");
    world.run_until_idle().await;
    let application = Application::start().await;
    application.always(Some(204));
    let document = std::fs::read_to_string(root().join("docs/integrator.md")).unwrap();
    let document = document.replace("http://127.0.0.1:4000/greffe", &application.url);
    let folder = tempfile::tempdir().unwrap();
    leave_answers(folder.path());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let (mut shells, mut answers) = (0, 0);
    for block in blocks(&document, "The first five minutes") {
        match block {
            // What each reader puts in.
            Block::Shell(text) if text.contains("GREFFE=…") => {
                let variables = format!(
                    "export GREFFE=http://{} OPERATOR_KEY={OPERATOR_KEY} FIRM={}",
                    world.host.address, registry.firm
                );
                std::fs::write(folder.path().join("variables"), variables).unwrap();
            }
            Block::Shell(text) => {
                std::fs::write(folder.path().join("body"), "").unwrap();
                let script = format!("set -euo pipefail\n. ./variables\n{text}\nexport -p >variables\n");
                let mut bash = Command::new("bash");
                bash.arg("-c").arg(&script).current_dir(folder.path()).env("PATH", &path).env("ANSWERS", folder.path());
                let ran = bash.output().await.unwrap();
                assert!(ran.status.success(), "{text}\n{}", String::from_utf8_lossy(&ran.stderr));
                world.run_until_idle().await;
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
                let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
                assert_eq!(read("status"), status.to_string(), "{printed}");
                let answer = serde_json::from_str(&read("body")).unwrap_or(Value::Null);
                for (name, value) in fields(&printed) {
                    assert!(has(&answer, &name, value.as_ref()), "{name}: {value:?} is printed, and came {answer}");
                }
                answers += 1;
            }
        }
    }
    assert_eq!((shells, answers), (5, 4));
}
