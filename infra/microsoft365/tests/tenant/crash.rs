use std::process::Command;

use microsoft365::Mail;

use crate::office::*;

const DIR: &str = "MICROSOFT365_CRASH_DIR";

#[tokio::test]
async fn a_killed_process_comes_back_with_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::dies_after_its_last_delivery", "--ignored"])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(!child.status.success());
    let office = Office::reopen(dir.path()).await;
    let held = office.world.messages(ADA).unwrap();
    assert_eq!(held.len(), 50);
    let again = office.world.deliver(ADA, "inbox", Mail::new(text("m7"), office.now()).with_key("7")).unwrap();
    assert_eq!(again.immutable_id, held[7].immutable_id);
}

#[tokio::test]
#[ignore = "the other half of the test above, run by it in a process of its own"]
async fn dies_after_its_last_delivery() {
    let dir = std::env::var_os(DIR).unwrap();
    let office = Office::reopen(dir.as_ref()).await;
    for number in 0..50 {
        let mail = Mail::new(text(&format!("m{number}")), office.now());
        office.world.deliver(ADA, "inbox", mail.with_key(number.to_string())).unwrap();
    }
    std::process::abort();
}
