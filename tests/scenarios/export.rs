//! D5: what was archived leaves in numbers, with its proofs, and comes in again elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use futures::future::LocalBoxFuture;
use local::{
    export::{ExportHereError, Exported, Wanted, export, import, sign_with, write_key},
    provision::BUCKET,
};
use serde_json::{Value, json};
use shared::{
    aws::secrets::EVIDENCE_KEY,
    evidence::{erasure::ROUND_TIME, import::ImportError, report::Report, stamp::StampRoots, verify::Verifier},
    mail::archive,
};
use tests::{Registry, World, message_id};

/// Six mails, one of them large, of which three are in a dossier and one was; and after the log more of all of it.
async fn archived() -> (World, Registry, Vec<String>) {
    let world = World::new().await;
    let registry = world.registry().await;
    let mut mails = Vec::new();
    for number in 0..5 {
        mails.push(message_id(&registry, &world.deliver("inbox", &format!("=Mail \"{number}\", Dupont"))).to_string());
    }
    let large = format!("Subject: Large\r\n\r\n{}", "0123456789abcdef\r\n".repeat(300_000));
    let large = microsoft365::Mail::new(large, world.clock.now());
    let large = world.microsoft.deliver(tests::ADA, "inbox", large).unwrap();
    mails.push(message_id(&registry, &large.immutable_id).to_string());
    world.run_until_idle().await;
    for (mail, dossier) in
        [(0, json!("2026/17")), (1, json!("2026/17")), (2, json!("2026/17")), (2, json!(null)), (5, json!("2026/17"))]
    {
        file(&world, &registry, &mails[mail], dossier).await;
    }
    world.host.append_logs().await;
    file(&world, &registry, &mails[0], json!("2026/99")).await;
    file(&world, &registry, &mails[3], json!("2026/17")).await;
    mails.push(message_id(&registry, &world.deliver("inbox", "Beyond")).to_string());
    world.run_until_idle().await;
    (world, registry, mails)
}

async fn file(world: &World, registry: &Registry, mail: &str, dossier: Value) {
    let path = format!("/v1/firms/{}/messages/{mail}/file", registry.firm);
    world.post(&path, json!({ "dossier": dossier })).await.ok();
}

fn whole(registry: &Registry) -> Wanted {
    let firm = registry.firm.parse().unwrap();
    Wanted { firm, mailbox: None, dossier: None, from: None, since: None, until: None, words: None }
}

/// In a box: all of it would not fit on the stack of a thread.
fn exported<'a>(
    world: &'a World,
    to: &'a Path,
    wanted: Wanted,
    part_bytes: u64,
) -> LocalBoxFuture<'a, Result<Exported, ExportHereError>> {
    Box::pin(async move { export(&world.host.app, to, wanted, part_bytes, &|_| {}).await })
}

fn verified(world: &World) -> LocalBoxFuture<'_, Report> {
    Box::pin(async move {
        let app = &world.host.app;
        let (table, store, roots, now) = (&app.table, &app.logs, &StampRoots::default(), app.clock.now());
        let key = &app.secrets.read_afresh(EVIDENCE_KEY).await.unwrap();
        Verifier { table, store, key, reads: true, share: None, roots, lock_days: None, now, tell: &|_| {} }
            .verify()
            .await
            .unwrap()
    })
}

/// The ZIP files of an export.
fn zips(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut zips: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "zip")).collect();
    zips.sort();
    zips
}

/// What the script of a ZIP file of mails says, as Python unpacks it; none where there is no Python.
fn checked(zip: &Path) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let unzip =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])";
    let unpacked = Command::new("python3").args(["-c", unzip]).arg(zip).arg(folder.path()).output().ok()?;
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let check = Command::new("python3").arg("check.py").current_dir(folder.path()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let index: Vec<Value> = serde_json::from_slice(&fs::read(folder.path().join("index.json")).unwrap()).unwrap();
    for mail in &index {
        let bytes = fs::metadata(folder.path().join(mail["file"].as_str().unwrap())).unwrap().len();
        assert_eq!(mail["bytes"], bytes);
    }
    let csv = fs::read_to_string(folder.path().join("index.csv")).unwrap();
    assert_eq!(csv.lines().count(), index.len() + 1);
    assert!(!csv.contains(",\"="), "a spreadsheet would compute it: {csv}");
    Some(String::from_utf8(check.stdout).unwrap())
}

#[tokio::test]
async fn a_firm_leaves_with_its_proofs_and_verifies_where_it_comes_in() {
    let (world, registry, mails) = archived().await;
    let folder = tempfile::tempdir().unwrap();
    let done = exported(&world, folder.path(), whole(&registry), 1).await.unwrap();
    // What came after the log is not in it.
    assert_eq!((done.mails, done.left_out.len()), (6, 0));
    let parts = zips(folder.path());
    assert_eq!(parts.len(), 7, "one for each mail, and the rest");
    for part in &parts[1..] {
        let Some(said) = checked(part) else { break };
        assert!(said.contains("PROVED: mails/"), "{said}");
    }
    // Elsewhere nobody knows the key at first.
    let other = World::new().await;
    let refused = import(&other.host.app, folder.path(), &|_| {}).await.unwrap_err();
    assert!(matches!(refused, ExportHereError::Import(_, ImportError::OtherKey)), "{refused}");
    assert_eq!(other.objects().await.len(), 0);
    let key = folder.path().join("key.txt");
    write_key(&world.host.app, &key).await.unwrap();
    sign_with(&other.host.app, &key).await.unwrap();
    assert_eq!(import(&other.host.app, folder.path(), &|_| {}).await.unwrap().mails, 6);
    let report = verified(&other).await;
    assert!(report.proved && report.firms[0].originals == 6, "{report}");
    // Each mail is where it was when the log was signed.
    let list = async |query: &str| {
        let found = other.get(&format!("/v1/firms/{}/messages?{query}", registry.firm)).await.ok();
        let mut ids: Vec<String> =
            found["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let sorted = |places: &[usize]| {
        let mut ids: Vec<String> = places.iter().map(|place| mails[*place].clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(list("").await, sorted(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(list("dossier=2026/17").await, sorted(&[0, 1, 5]));
    // The log goes on there, signed by the old key and the new one.
    file(&other, &registry, &mails[4], json!("2026/18")).await;
    other.host.append_logs().await;
    let report = verified(&other).await;
    assert!(report.proved && report.firms[0].checkpoints == 2 && report.firms[0].facts_beyond == 0, "{report}");
    let again = import(&other.host.app, folder.path(), &|_| {}).await.unwrap_err();
    assert!(matches!(again, ExportHereError::Import(_, ImportError::Known(_))), "{again}");
}

#[tokio::test]
async fn a_firm_with_periods_leaves_as_it_is_kept_and_without_what_has_expired() {
    let (world, registry, mails) = archived().await;
    let of_firm = |path: &str| format!("/v1/firms/{}/{path}", registry.firm);
    let classes = json!([{ "name": "Tax", "years": 10 }]);
    let periods = json!({ "default_years": 7, "classes": classes, "reason": "The law" });
    world.put(&of_firm("retention"), periods).await.ok();
    for (dossier, class) in [("2026/18", json!("Tax")), ("2026/19", json!("Tax")), ("2026/19", Value::Null)] {
        let class = json!({ "dossier": dossier, "class": class, "reason": "A tax matter" });
        world.put(&of_firm("retention/dossiers"), class).await.ok();
    }
    for (dossier, held) in [("2026/20", true), ("2026/21", true), ("2026/20", false)] {
        world.put(&of_firm("holds"), json!({ "dossier": dossier, "held": held, "reason": "A claim" })).await.ok();
    }
    world.clock.advance(std::time::Duration::from_secs(61));
    let deliver = async |subject: &str| {
        let mail = message_id(&registry, &world.deliver("inbox", subject)).to_string();
        world.run_until_idle().await;
        mail
    };
    let (gone, taxed, later) = (deliver("Gone").await, deliver("Taxed").await, deliver("Longer later").await);
    file(&world, &registry, &taxed, json!("2026/18")).await;
    world.host.index().await;
    world.host.append_logs().await;
    // The log does not have that yet.
    file(&world, &registry, &later, json!("2026/18")).await;
    world.host.index().await;
    world.clock.advance(std::time::Duration::from_secs(8 * 366 * 86_400));
    let folder = tempfile::tempdir().unwrap();
    let done = exported(&world, folder.path(), whole(&registry), 1 << 30).await.unwrap();
    assert_eq!((done.mails, done.left_out.len()), (mails.len() as u64 + 2, 0));
    let other = World::new().await;
    other.clock.advance(std::time::Duration::from_secs(8 * 366 * 86_400));
    let key = folder.path().join("key.txt");
    write_key(&world.host.app, &key).await.unwrap();
    sign_with(&other.host.app, &key).await.unwrap();
    import(&other.host.app, folder.path(), &|_| {}).await.unwrap();
    let report = verified(&other).await;
    assert!(report.proved, "{report}");
    assert_eq!((report.firms[0].originals, report.firms[0].originals_expired), (mails.len() as u64 + 3, 2));
    for settings in ["holds", "retention", "retention/dossiers"] {
        let there = world.get(&of_firm(settings)).await.ok();
        assert_eq!(other.get(&of_firm(settings)).await.ok(), there, "{settings}");
    }
    assert_eq!(other.get(&of_firm("holds")).await.ok()["items"].as_array().unwrap().len(), 1);
    let state = async |mail: &str| other.get(&of_firm(&format!("messages/{mail}"))).await.ok()["state"].clone();
    assert_eq!((state(&gone).await, state(&taxed).await), (json!("expired"), json!("announced")));
}

#[tokio::test]
async fn an_export_that_was_killed_goes_on_and_ends_the_same() {
    let (world, registry, _) = archived().await;
    let (once, twice) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    exported(&world, once.path(), whole(&registry), 1).await.unwrap();
    // As a kill leaves it: some ZIP files, and one that is not finished.
    let manifest =
        |folder: &Path| -> Value { serde_json::from_slice(&fs::read(folder.join("export.json")).unwrap()).unwrap() };
    let mut begun = manifest(once.path());
    begun["parts"].as_array_mut().unwrap().truncate(2);
    (begun["rest"], begun["is_done"]) = (json!(null), json!(false));
    fs::write(twice.path().join("export.json"), begun.to_string()).unwrap();
    for zip in zips(once.path()).iter().filter(|zip| zip.to_string_lossy().contains("mails-0000")).take(2) {
        fs::copy(zip, twice.path().join(zip.file_name().unwrap())).unwrap();
    }
    fs::write(twice.path().join("mails-00003.zip.unfinished"), "half").unwrap();
    exported(&world, twice.path(), whole(&registry), 1).await.unwrap();
    assert_eq!(manifest(twice.path()), manifest(once.path()));
    let bytes = |folder: &Path| zips(folder).into_iter().map(|zip| fs::read(zip).unwrap()).collect::<Vec<_>>();
    assert_eq!(bytes(twice.path()), bytes(once.path()));
    let of_another = Wanted { dossier: Some("2026/17".to_owned()), ..whole(&registry) };
    let refused = exported(&world, twice.path(), of_another, 1).await.unwrap_err();
    assert!(matches!(refused, ExportHereError::Other(_)), "{refused}");
}

#[tokio::test]
async fn what_is_left_of_erased_mail_comes_in_with_its_erasure_and_an_altered_file_does_not() {
    let (world, registry, mails) = archived().await;
    let erasures = format!("/v1/firms/{}/erasures", registry.firm);
    for target in
        [json!({ "kind": "message", "message": mails[3] }), json!({ "kind": "messages", "messages": [mails[4]] })]
    {
        let new = json!({ "target": target, "asked_by": "Ada", "reason": "Article 17" });
        let id = world.post(&erasures, new).await.ok()["id"].as_str().unwrap().to_owned();
        Box::pin(world.host.erase()).await;
        world.post(&format!("{erasures}/{id}/confirm"), json!({})).await.ok();
        Box::pin(world.host.erase()).await;
        world.clock.advance(ROUND_TIME);
        Box::pin(world.host.erase()).await;
    }
    world.host.append_logs().await;
    let folder = tempfile::tempdir().unwrap();
    exported(&world, folder.path(), whole(&registry), u64::MAX).await.unwrap();
    let other = World::new().await;
    let key = folder.path().join("key.txt");
    write_key(&world.host.app, &key).await.unwrap();
    sign_with(&other.host.app, &key).await.unwrap();
    for zip in zips(folder.path()) {
        let bytes = fs::read(&zip).unwrap();
        let mut altered = bytes.clone();
        altered[bytes.len() / 3] ^= 1;
        fs::write(&zip, &altered).unwrap();
        let refused = import(&other.host.app, folder.path(), &|_| {}).await.unwrap_err();
        assert!(matches!(&refused, ExportHereError::Altered(path) if *path == zip), "{refused}");
        fs::write(&zip, &bytes).unwrap();
    }
    assert_eq!(other.objects().await.len(), 0, "nothing is taken in");
    import(&other.host.app, folder.path(), &|_| {}).await.unwrap();
    let report = verified(&other).await;
    assert!(report.proved, "{report}");
    let there = other.get(&format!("/v1/firms/{}/messages/{}", registry.firm, mails[4])).await.ok();
    assert_eq!((&there["state"], &there["erasure"]["reason"]), (&json!("removed"), &json!("Article 17")), "{there}");
    assert_eq!(other.get(&erasures).await.ok()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_import_that_was_killed_is_begun_again() {
    let (world, registry, _) = archived().await;
    let folder = tempfile::tempdir().unwrap();
    exported(&world, folder.path(), whole(&registry), u64::MAX).await.unwrap();
    let other = World::new().await;
    write_key(&world.host.app, &folder.path().join("key.txt")).await.unwrap();
    sign_with(&other.host.app, &folder.path().join("key.txt")).await.unwrap();
    // It dies within the rest, which is cut off.
    let (rest, whole) = (folder.path().join("firm.zip"), fs::read(folder.path().join("firm.zip")).unwrap());
    let cut = whole.windows(9).position(|bytes| bytes == b"messages/").unwrap();
    fs::write(&rest, &whole[..cut + 200]).unwrap();
    assert!(import(&other.host.app, folder.path(), &|_| {}).await.is_err());
    fs::write(&rest, whole).unwrap();
    import(&other.host.app, folder.path(), &|_| {}).await.unwrap();
    assert!(verified(&other).await.proved);
}

#[tokio::test]
async fn a_dossier_leaves_with_a_proof_of_each_mail_and_is_no_firm() {
    let (world, registry, _) = archived().await;
    world.host.append_logs().await;
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { dossier: Some("2026/17".to_owned()), ..whole(&registry) };
    assert_eq!(exported(&world, folder.path(), wanted, u64::MAX).await.unwrap().mails, 3);
    assert_eq!(zips(folder.path()).len(), 1);
    if let Some(said) = checked(&zips(folder.path())[0]) {
        assert_eq!(said.matches("PROVED").count(), 3, "{said}");
    }
    let refused = import(&World::new().await.host.app, folder.path(), &|_| {}).await.unwrap_err();
    assert!(matches!(refused, ExportHereError::NotWhole(_)), "{refused}");
}

#[tokio::test]
async fn a_mail_that_is_not_as_it_was_written_is_left_out_and_named() {
    let (world, registry, mails) = archived().await;
    let (firm, damaged) = (registry.firm.parse().unwrap(), mails[1].parse().unwrap());
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    let put = s3
        .put_object()
        .bucket(BUCKET)
        .key(archive::key(firm, damaged))
        .body(b"Subject: Another\r\n\r\n".to_vec().into());
    put.send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let done = exported(&world, folder.path(), whole(&registry), u64::MAX).await.unwrap();
    assert_eq!((done.mails, done.left_out.len()), (5, 1));
    assert_eq!(done.left_out[0].message, damaged);
    let refused = import(&World::new().await.host.app, folder.path(), &|_| {}).await.unwrap_err();
    assert!(matches!(refused, ExportHereError::NotWhole(_)), "{refused}");
}
