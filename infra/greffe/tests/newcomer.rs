//! The program, as somebody meets it who has never seen it.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn greffe(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greffe"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GREFFE_OPERATOR_KEY"] {
        command.env_remove(variable);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn terminate(child: &Child) {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
}

/// A greffe that serves over `data`, once it says so; what it printed, and its address.
fn serving(data: &Path, arguments: &[&str]) -> (Child, String, String) {
    let data = data.to_str().unwrap();
    let mut child = greffe(&[&["serve", "--port", "0", "--data", data], arguments].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = lines.next().unwrap().unwrap();
    let address = said.split("http://").nth(1).unwrap().split(',').next().unwrap().to_owned();
    if arguments.is_empty() {
        said.push_str(&lines.next().unwrap().unwrap());
    }
    (child, said, address)
}

fn all_below(path: &Path, found: &mut Vec<(String, u32)>) {
    let metadata = fs::metadata(path).unwrap();
    found.push((path.display().to_string(), metadata.permissions().mode() & 0o777));
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| all_below(&entry.unwrap().path(), found));
    }
}

#[test]
fn a_demo_of_one_mail_ends_well_and_is_not_told_twice() {
    let (mail, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(mail.path().join("one.eml"), "From: a@acme.example\r\nSubject: One\r\n\r\nOne.\r\n").unwrap();
    for _ in 0..2 {
        let (mail, data) = (mail.path().to_str().unwrap(), data.path().to_str().unwrap());
        let ended = greffe(&["demo", "--once", "--json", "--mail", mail, "--data", data]).output().unwrap();
        let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(ended.status.success(), "{summary:#}");
        assert_eq!(summary["archived"], 1);
    }
}

#[test]
fn a_demo_of_other_mails_in_a_folder_that_has_one_is_refused_and_the_reason_said() {
    let (mail, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |name: &str| fs::write(mail.path().join(name), format!("Subject: {name}\r\n\r\nx\r\n")).unwrap();
    write("one.eml");
    let (mail, data) = (mail.path().to_str().unwrap(), data.path().to_str().unwrap());
    let demo =
        |more: &[&str]| greffe(&[&["demo", "--once", "--json", "--data", data], more].concat()).output().unwrap();
    assert!(demo(&["--mail", mail]).status.success());
    write("two.eml");
    let said = refused(&demo(&["--mail", mail]));
    assert!(said.contains(data) && said.contains("other mails") && said.contains("start without --mail"), "{said}");
    // Without a choice of mails it is the demo that is there.
    let again = demo(&[]);
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert!(again.status.success() && summary["archived"] == 1, "{summary:#}");
}

#[test]
fn an_index_is_made_again_by_one_command_once_greffe_has_ended() {
    let (mail, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(mail.path().join("one.eml"), "From: a@acme.example\r\nSubject: One\r\n\r\nThe timetable.\r\n").unwrap();
    let (mail, data) = (mail.path().to_str().unwrap(), data.path().to_str().unwrap());
    let mut demo = greffe(&["demo", "--mail", mail, "--data", data]).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let variables = lines.find(|line| line.contains("FIRM=")).unwrap();
    let firm = variables.split("FIRM=").nth(1).unwrap().trim();
    let said = refused(&greffe(&["index", "--data", data]).output().unwrap());
    assert!(said.contains("in use by another process: end that one first"), "{said}");
    terminate(&demo);
    lines.for_each(drop);
    assert!(demo.wait().unwrap().success());

    for chosen in [&["--firm", firm][..], &[]] {
        let made = greffe(&[&["index", "--data", data], chosen].concat()).output().unwrap();
        let said = String::from_utf8(made.stdout).unwrap();
        assert!(made.status.success() && said.contains(firm) && said.contains("the index is made again"), "{said}");
    }
    let out = tempfile::tempdir().unwrap();
    let to = out.path().to_str().unwrap();
    let found =
        greffe(&["export", "--data", data, "--firm", firm, "--to", to, "--words", "timetable"]).output().unwrap();
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success() && said.contains("1 mail with its proof is in"), "{said}");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let said = refused(&greffe(&["index", "--data", data, "--firm", nobody]).output().unwrap());
    assert!(said.contains("there is no firm") && said.contains(nobody), "{said}");
}

#[test]
fn what_keeps_it_from_starting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let said = refused(&greffe(&["serve", "--port", &port, "--data", data]).output().unwrap());
    assert!(said.contains(&port), "{said}");

    let file = folder.path().join("a-file");
    fs::write(&file, "x").unwrap();
    let file = file.to_str().unwrap();
    for arguments in [&["serve", "--port", "0", "--data", file][..], &["demo", "--once", "--data", file]] {
        let said = refused(&greffe(arguments).output().unwrap());
        assert!(said.contains(file), "{said}");
    }
    for mail in ["/nowhere/at/all", folder.path().to_str().unwrap()] {
        let said = refused(&greffe(&["demo", "--once", "--mail", mail]).output().unwrap());
        assert!(said.contains(mail), "{said}");
    }
    for (set, missing) in [(None, "AWS_ACCESS_KEY_ID"), (Some("AWS_ACCESS_KEY_ID"), "AWS_SECRET_ACCESS_KEY")] {
        let mut command = greffe(&["serve", "--port", "0", "--data", data]);
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").env("HOME", folder.path());
        set.map(|name| command.env(name, "x"));
        let said = refused(&command.output().unwrap());
        assert!(said.contains(missing), "{said}");
    }
}

#[test]
fn what_works_on_an_archive_says_where_one_may_be() {
    for command in ["verify", "export", "erase", "index", "resume"] {
        let said = refused(&greffe(&[command]).output().unwrap());
        assert!(said.contains("<--data <DIR>|--aws>"), "{command}: {said}");
    }
}

#[test]
fn what_it_keeps_is_open_to_its_owner_only_and_it_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("spool")).unwrap();
    fs::create_dir_all(folder.path().join("aws")).unwrap();
    for open in ["", "aws", "spool"] {
        fs::set_permissions(folder.path().join(open), Permissions::from_mode(0o777)).unwrap();
    }
    let (mut child, said, address) = serving(folder.path(), &[]);
    let mut found = Vec::new();
    all_below(folder.path(), &mut found);
    assert!(found.iter().all(|(_, mode)| mode & 0o077 == 0), "{found:?}");

    let place = folder.path().join("operator-key");
    assert!(said.contains(place.to_str().unwrap()), "{said}");
    let key = fs::read_to_string(&place).unwrap();
    assert!(!said.contains(key.trim()));
    let mut connection = TcpStream::connect(&address).unwrap();
    write!(connection, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/html") && page.contains("/openapi.json"), "{page}");

    terminate(&child);
    assert!(child.wait().unwrap().success());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains(key.trim()));

    // The key stays, until one is given.
    let (mut child, ..) = serving(folder.path(), &[]);
    assert_eq!(fs::read_to_string(&place).unwrap(), key);
    terminate(&child);
    assert!(child.wait().unwrap().success());
    let (mut child, ..) = serving(folder.path(), &["--operator-key", "given"]);
    assert!(!place.exists());
    terminate(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_demo_without_a_folder_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mail = place.path().join("mail");
    fs::create_dir(&mail).unwrap();
    fs::write(mail.join("one.eml"), "Subject: One\r\n\r\nOne.\r\n").unwrap();
    let once = greffe(&["demo", "--once", "--json", "--mail", mail.to_str().unwrap()]).output().unwrap();
    let summary: Value = serde_json::from_slice(&once.stdout).unwrap();
    assert_eq!((&summary["data"], &summary["traffic"]), (&Value::Null, &Value::Null), "they are removed");
    fs::remove_dir_all(&mail).unwrap();

    let mut command = greffe(&["demo"]);
    let mut child = command.env("TMPDIR", place.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("firm"));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    terminate(&child);
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

/// The files below a folder.
fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn an_archive_is_proved_until_one_byte_of_it_is_changed() {
    let (mail, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let body = "From: a@acme.example\r\nSubject: One\r\n\r\nThe one and only.\r\n";
    fs::write(mail.path().join("one.eml"), body).unwrap();
    let (mail, folder) = (mail.path().to_str().unwrap(), data.path().to_str().unwrap());
    let ended = greffe(&["demo", "--once", "--json", "--mail", mail, "--data", folder]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    let proved = greffe(&["verify", "--data", folder, "--read"]).output().unwrap();
    let said = String::from_utf8(proved.stdout).unwrap();
    assert!(proved.status.success() && said.contains("All is proved"), "{said}");
    assert!(said.contains("; 1 original, "), "{said}");

    let blobs = files_below(&data.path().join("aws/blobs"));
    let original = blobs.iter().find(|path| fs::read(path).unwrap() == body.as_bytes()).unwrap();
    fs::write(original, body.replace("only", "0nly")).unwrap();
    let altered = greffe(&["verify", "--data", folder, "--read", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&altered.stdout).unwrap();
    assert_eq!(altered.status.code(), Some(1), "{report:#}");
    let findings = report["firms"][0]["findings"].as_array().unwrap();
    assert_eq!((report["proved"].as_bool(), findings.len()), (Some(false), 1), "{report:#}");
    assert_eq!(findings[0]["kind"], "altered");
    assert!(findings[0]["what"].as_str().unwrap().ends_with(".eml"), "{report:#}");

    let nowhere = data.path().join("nowhere");
    let said = refused(&greffe(&["verify", "--data", nowhere.to_str().unwrap()]).output().unwrap());
    assert!(said.contains("nowhere") && !nowhere.exists(), "{said}");
    refused(&greffe(&["verify"]).output().unwrap());
}
