//! Graph's own description judges what the tests before this one said to the simulated tenant and heard from it. Cargo
//! runs a package's tests by name, so this comes last; `cargo test -p tests --test traffic` judges what is left of any
//! run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::PathBuf, process::Command};

#[test]
fn all_traffic_is_as_microsoft_describes_it() {
    let (Some(check), Ok(kept)) = (tests::traffic::contract(), fs::read_dir(tests::traffic::folder())) else { return };
    let logs: Vec<PathBuf> = kept.map(|entry| entry.unwrap().path()).collect();
    if logs.is_empty() {
        return;
    }
    let judged = Command::new("python3").arg(check).args(&logs).output().unwrap();
    let said = String::from_utf8_lossy(&judged.stdout);
    // What was judged is not judged again: a failure shows once, and again when its test has run again.
    for log in &logs {
        fs::remove_file(log).unwrap();
    }
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
}
