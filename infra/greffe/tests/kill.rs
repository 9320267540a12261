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
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The moments differ from run to run with the machine's own speed; what must come out does not.
#[test]
fn a_demo_that_is_killed_twenty_times_ends_complete_and_without_doubles() {
    let data = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for i in 0..KILLS {
        let mut child = demo(data.path());
        // From the first write to well into the work, in no even steps.
        sleep(Duration::from_millis(60 + u64::from(i * i * 7 % 1_400)));
        if i % 5 == 0 {
            // Not by a macro, which a test captures.
            stderr().write_all(format!("kill {} of {KILLS}\n", i + 1).as_bytes()).unwrap();
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > KILLS / 2, "only {killed} were killed before they ended by themselves");

    let ended = demo(data.path()).wait_with_output().unwrap();
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(ended.status.success(), "{summary:#}");
    assert_eq!(summary["archived"], summary["expected"]);
    assert_eq!((&summary["duplicates"], &summary["digests_match"]), (&Value::from(0), &Value::from(true)));

    let again = demo(data.path()).wait_with_output().unwrap();
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["archived"], summary["archived"], "a further run changes nothing");
}
