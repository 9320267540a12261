//! The program, killed.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

use std::{
    io::{Write as _, stderr},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::Value;

/// How often the demo is killed.
const KILLS: u32 = 20;

fn demo(data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_greffe"))
        .args(["demo", "--once", "--json", "--data"])
        .arg(data)
        .env_remove("AWS_ENDPOINT_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the demo to its end, and returns its summary.
fn summary(data: &Path) -> Value {
    let ended = demo(data).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    let summary: Value =
        serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}; it told: {told}"));
    assert!(ended.status.success(), "{summary:#}; it told: {told}");
    summary
}

/// The moments differ from run to run with the machine's own speed; what must come out does not.
#[test]
fn a_demo_that_is_killed_twenty_times_ends_complete_and_without_doubles() {
    let data = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for i in 0..KILLS {
        let mut child = demo(data.path());
        // From the first write to well into the work, in no even steps.
        sleep(Duration::from_millis(60 + u64::from(i * i * 7 % 500)));
        if i % 5 == 0 {
            // Not by a macro, which a test captures.
            stderr().write_all(format!("kill {} of {KILLS}\n", i + 1).as_bytes()).unwrap();
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > KILLS / 2, "only {killed} were killed before they ended by themselves");

    let ended = summary(data.path());
    assert_eq!(ended["archived"], ended["expected"]);
    assert_eq!((&ended["duplicates"], &ended["digests_match"]), (&Value::from(0), &Value::from(true)));

    let again = summary(data.path());
    assert_eq!(again["archived"], ended["archived"], "a further run changes nothing");
}
