//! The console in a real browser.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

use std::{
    env,
    io::{Write as _, stderr},
    path::Path,
    process::Command,
};

/// A program of this name in one of the folders where programs are.
fn is_there(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// One journey; `.ci/run` makes all of them, and looks at every page.
#[test]
fn a_person_enters_by_the_demos_link_and_finds_and_files_a_mail_that_turns_green_in_outlook() {
    if !(is_there("chromium") && is_there("python3")) {
        // Not by a macro, which a test captures.
        stderr().write_all(b"not looked at in a browser: apt-get install chromium python3\n").unwrap();
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser/run");
    let mut journey = Command::new(run);
    journey.args(["--short", env!("CARGO_BIN_EXE_greffe")]).env("GREFFE_BROWSER_WORK", work.path());
    let ended = journey.env_remove("AWS_ENDPOINT_URL").output().unwrap();
    let told = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&told));
}
