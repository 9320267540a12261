//! D4: a proof leaves the house, and is checked where there is nothing of greffe.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use jiff::Timestamp;
use local::provision::BUCKET;
use microsoft365::Mail;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{aws::secrets::EVIDENCE_KEY, evidence::log_store};
use tempfile::TempDir;
use tests::{ADA, OPERATOR_KEY, Registry, World, message_id};

/// A world in which one mail of that text came, after and before others; its path.
async fn archived(variables: &[(&'static str, &str)], text: &str) -> (World, Registry, String) {
    let world = World::with(variables).await;
    let registry = world.registry().await;
    for number in 0..3 {
        world.deliver("inbox", &format!("Before {number}"));
    }
    world.run_until_idle().await;
    let delivered = world.microsoft.deliver(ADA, "inbox", Mail::new(text.to_owned(), world.clock.now())).unwrap();
    world.run_until_idle().await;
    world.deliver("inbox", "After");
    world.run_until_idle().await;
    let path = format!("/v1/firms/{}/messages/{}", registry.firm, message_id(&registry, &delivered.immutable_id));
    (world, registry, path)
}

const MAIL: &str =
    "Subject: =?utf-8?Q?D=C3=A9lai?= <b>\r\nFrom: Client <client@acme.example>\r\n\r\nThe deadline is Monday.\r\n";

/// The files of a proof, in a folder, as Python's zipfile finds them. None where there is no Python.
struct Files(TempDir);

impl Files {
    async fn of(world: &World, path: &str) -> Option<Self> {
        let url = format!("http://{}{path}", world.host.address);
        let answer = world.http.get(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"application/zip".parse().unwrap())
        );
        let length = answer.content_length();
        let zip = answer.bytes().await.unwrap();
        assert_eq!(length, Some(zip.len() as u64));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proof.zip");
        fs::write(&file, zip).unwrap();
        let unzip = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])";
        let unpacked = Command::new("python3").args(["-c", unzip]).arg(&file).arg(folder.path()).output().ok()?;
        assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// What the script that goes with a proof says.
    fn check(&self) -> Result<String, String> {
        run(self.0.path(), "python3", &["check.py"])
    }
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if output.status.success() { Ok(out) } else { Err(err) }
}

#[tokio::test]
async fn a_proof_is_checked_without_greffe_and_holds_only_as_it_was_given_out() {
    let (world, registry, path) = archived(&[], MAIL).await;
    let early = world.get(&format!("{path}/proof")).await;
    assert_eq!(early.headers["retry-after"], "60", "it is due");
    assert_eq!(early.problem(), "not_in_log");
    let log = async || world.get(&format!("/v1/firms/{}/log", registry.firm)).await.ok();
    assert_eq!((&log().await["size"], &log().await["checkpoint"]), (&0.into(), &Value::Null));
    world.host.append_logs().await;

    // What comes later waits for the next append, and is told when that is.
    let later = world.deliver("inbox", "Later");
    world.run_until_idle().await;
    world.clock.advance(Duration::from_secs(100));
    let later = world.message(&registry, &later).await.ok()["id"].as_str().unwrap().to_owned();
    let early = world.get(&format!("/v1/firms/{}/messages/{later}/proof", registry.firm)).await;
    let next: Timestamp = log().await["next_append_at"].as_str().unwrap().parse().unwrap();
    let wait = next.duration_since(world.clock.now()).as_secs();
    assert!((600..900).contains(&wait), "{wait}");
    assert_eq!(early.headers["retry-after"], wait.to_string());
    assert_eq!(early.problem(), "not_in_log");

    let Some(files) = Files::of(&world, &format!("{path}/proof")).await else { return };
    assert_eq!(files.text("original.eml"), MAIL);
    let said = files.check().unwrap();
    // The key is the one that the API shows, and so is the state of the log.
    let shown = log().await;
    assert_eq!(files.text("key.txt"), format!("{}\n", shown["keys"][0].as_str().unwrap()));
    assert_eq!(files.text("checkpoint.txt"), shown["checkpoint"].as_str().unwrap());
    assert!(
        said.contains(shown["keys"][0].as_str().unwrap()) && said.contains("PROVED: original.eml is entry "),
        "{said}"
    );
    assert!(files.read("proof.txt").len() <= 1_500);
    let page = files.text("README.html");
    assert!(page.contains("<html lang=\"en\">") && page.contains("Délai &lt;b&gt;"), "{page}");

    // The steps by hand, as the page prints them.
    let steps = page.split("<pre>").find(|part| part.starts_with("sha256sum")).unwrap();
    let steps = steps.split("</pre>").next().unwrap().replace("&gt;", ">");
    let steps = run(files.0.path(), "sh", &["-ec", &steps]).unwrap();
    let entry: Value = serde_json::from_str(&files.text("entry.json")).unwrap();
    for digest in [&entry["sha256"], &entry["fact"]] {
        assert!(steps.contains(digest.as_str().unwrap()), "{steps}");
    }
    assert!(steps.contains("Signature Verified Successfully"), "{steps}");

    // One byte of any of them, and nothing is proved.
    for name in ["original.eml", "entry.json", "fact.json", "proof.txt", "checkpoint.txt", "key.txt"] {
        let whole = files.read(name);
        for place in [0, whole.len() / 2, whole.len() - 2] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(files.path(name), changed).unwrap();
            assert!(files.check().is_err(), "byte {place} of {name}");
        }
        fs::write(files.path(name), whole).unwrap();
    }
    assert!(files.check().is_ok());
    // The key as OpenSSL reads it is the one that the page's steps use.
    let pem = files.text("key.pem");
    fs::write(files.path("key.pem"), pem.replacen("MCow", "MCox", 1)).unwrap();
    assert!(files.check().unwrap_err().contains("key.pem"));
    fs::write(files.path("key.pem"), pem).unwrap();
    // Each is in the trail, as a reading of the mail.
    let trail = world.get(&format!("/v1/firms/{}/audit?limit=100", registry.firm)).await.ok();
    assert!(trail.to_string().contains("/messages/{message}/proof"));
}

/// Of every place in trees of many sizes, as others compute it.
#[tokio::test]
async fn a_log_says_when_greffe_appends_next_also_before_it_has_a_key() {
    let world = World::new().await;
    let began = world.clock.now();
    let registry = world.registry().await;
    let log = async || world.get(&format!("/v1/firms/{}/log", registry.firm)).await.ok();
    let before = log().await;
    assert_eq!((&before["keys"], &before["next_append_at"]), (&json!([]), &json!(began)), "{before}");
    world.host.append_logs().await;
    let after = log().await;
    let next = world.clock.now() + Duration::from_secs(15 * 60);
    assert_eq!((after["keys"].as_array().unwrap().len(), &after["next_append_at"]), (1, &json!(next)), "{after}");
}

#[tokio::test]
async fn a_key_that_was_added_signs_also_the_logs_that_nothing_comes_to() {
    let (world, registry, mail) = archived(&[], MAIL).await;
    world.host.append_logs().await;
    let (secrets, log) = (&world.host.app.secrets, format!("/v1/firms/{}/log", registry.firm));
    let old = secrets.read_afresh(EVIDENCE_KEY).await.unwrap();
    let new = "n".repeat(40);
    for (lines, signatures) in [(format!("{}\n{new}", old.expose_secret()), 2), (new, 2)] {
        secrets.write(EVIDENCE_KEY, &lines.into()).await.unwrap();
        world.pass(Duration::from_secs(24 * 60 * 60)).await;
        world.host.append_logs().await;
        let checkpoint = world.get(&log).await.ok()["checkpoint"].as_str().unwrap().to_owned();
        assert_eq!(checkpoint.matches("\n\u{2014} ").count(), signatures, "{checkpoint}");
        let proof = world.get(&format!("{mail}/proof")).await;
        assert_eq!(proof.status, 200, "{}", proof.body);
    }
    world.deliver("inbox", "Signed by the new key alone");
    world.run_until_idle().await;
    world.host.append_logs().await;
    let checkpoint = world.get(&log).await.ok()["checkpoint"].as_str().unwrap().to_owned();
    assert_eq!(checkpoint.matches("\n\u{2014} ").count(), 1, "{checkpoint}");
}

#[tokio::test]
async fn each_mail_of_a_log_is_proved_at_each_of_its_sizes() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut mails = Vec::new();
    for number in 0..5 {
        let mail = world.deliver("inbox", &format!("Mail {number}"));
        world.run_until_idle().await;
        mails.push(message_id(&registry, &mail));
        world.host.append_logs().await;
        for mail in &mails {
            let path = format!("/v1/firms/{}/messages/{mail}/proof", registry.firm);
            let Some(files) = Files::of(&world, &path).await else { return };
            files.check().unwrap();
        }
    }
}

#[tokio::test]
async fn a_large_original_is_proved_beside_its_proof() {
    let mail = format!("Subject: Large\r\n\r\n{}", "0123456789abcdef\r\n".repeat(300_000));
    let (world, _, path) = archived(&[("GREFFE_CONTENT_BYTES_MAX", "1000000")], &mail).await;
    world.host.append_logs().await;
    assert_eq!(world.get(&format!("{path}/proof")).await.problem(), "answer_too_large");
    let Some(files) = Files::of(&world, &format!("{path}/proof?original=false")).await else { return };
    assert!(files.check().is_err() && files.text("README.html").contains("<code>original.eml</code>."));
    fs::write(files.path("original.eml"), &mail).unwrap();
    files.check().unwrap();

    // Where one answer holds it, it flows.
    let (world, _, path) = archived(&[], &mail).await;
    world.host.append_logs().await;
    let Some(files) = Files::of(&world, &format!("{path}/proof")).await else { return };
    files.check().unwrap();
}

#[tokio::test]
async fn no_proof_is_given_out_that_does_not_hold() {
    let (world, registry, path) = archived(&[], MAIL).await;
    world.host.append_logs().await;
    let firm = registry.firm.parse().unwrap();
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    let names = world.host.app.logs.names(firm, "").await.unwrap();
    let eml = world.objects().await.into_iter();
    let eml: Vec<String> = eml.filter(|key| key.contains(&path[path.len() - 32..])).collect();
    let parts = ["tile/entries/", "tile/0/", "checkpoints/", "keys/"];
    let parts = parts.map(|part| names.iter().rfind(|name| name.starts_with(part)).unwrap());
    for key in parts.iter().map(|name| log_store::key(firm, name)).chain(eml) {
        let object = s3.get_object().bucket(BUCKET).key(&key).send().await.unwrap();
        let whole = object.body.collect().await.unwrap().to_vec();
        let changed: Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
        for change in [Some(changed), None] {
            let request = match change {
                Some(bytes) => {
                    s3.put_object().bucket(BUCKET).key(&key).body(bytes.into()).send().await.map(drop).is_ok()
                }
                None => s3.delete_object().bucket(BUCKET).key(&key).send().await.map(drop).is_ok(),
            };
            assert!(request);
            assert_eq!(world.get(&format!("{path}/proof")).await.problem(), "evidence_altered", "{key}");
        }
        s3.put_object().bucket(BUCKET).key(&key).body(whole.into()).send().await.unwrap();
    }
    assert_eq!(world.get(&format!("{path}/proof?original=maybe")).await.problem(), "invalid_request");
}
