//! What the program writes, searched for secrets.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where secrets belong: greffe's own Secrets Manager, the demo's memory of both sides, and the other side's own state.
const THEIR_PLACES: [&str; 3] = ["aws/secrets.sqlite", "demo.json", "microsoft365"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn a_whole_demo_writes_no_secret_anywhere_but_where_secrets_belong() {
    let data = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_greffe"))
        .args(["demo", "--once", "--json", "--data"])
        .arg(data.path())
        .env("RUST_LOG", "debug")
        .env_remove("AWS_ENDPOINT_URL")
        .output()
        .unwrap();
    assert!(ended.status.success());

    let memory: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo.json")).unwrap()).unwrap();
    let mut stored = std::fs::read(data.path().join("aws/secrets.sqlite")).unwrap();
    stored.extend(std::fs::read(data.path().join("aws/secrets.sqlite-wal")).unwrap_or_default());
    let secrets: Vec<&str> = ["operator_key", "client_secret"].map(|name| memory[name].as_str().unwrap()).to_vec();
    for secret in &secrets {
        assert!(holds(&stored, secret), "the search does not find what is there");
    }

    let mut all = Vec::new();
    files(data.path(), &mut all);
    let elsewhere = all.iter().filter(|path| {
        let path = path.strip_prefix(data.path()).unwrap().to_string_lossy();
        !THEIR_PLACES.iter().any(|place| path.starts_with(place))
    });
    let mut written: Vec<(String, Vec<u8>)> =
        elsewhere.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    assert!(written.len() > 40, "the originals, the tables, the queue and the traffic are searched");
    written.push(("standard output".to_owned(), ended.stdout));
    written.push(("standard error".to_owned(), ended.stderr));
    for (name, bytes) in &written {
        for secret in &secrets {
            assert!(!holds(bytes, secret), "a secret stands in {name}");
        }
    }
    // Every token that was used travelled in this header.
    let (_, traffic) = written.iter().find(|(name, _)| name.ends_with("traffic.jsonl")).unwrap();
    let text = String::from_utf8_lossy(traffic);
    assert!(text.contains("Bearer ") && text.matches("Bearer ").count() == text.matches("Bearer redacted").count());
    for (name, bytes) in written.iter().filter(|(name, _)| name.starts_with("standard")) {
        assert!(!holds(bytes, "Bearer "), "a token stands in {name}");
    }
}
