//! An archive as it was exported by the version that its folder names. No test writes it: every later version takes it
//! in and proves it.

use std::path::{Path, PathBuf};

use local::export::{import, sign_with};
use secrecy::SecretString;
use shared::{
    aws::{secrets::EVIDENCE_KEY, table::Key},
    evidence::{
        report::FindingKind,
        stamp::StampRoots,
        verify::{Verifier, VerifyError},
    },
    mail::message::Message,
};
use tests::World;

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("parts/archive-{version}"))
}

/// Six mails, four filings, and a key that was replaced between two checkpoints.
#[tokio::test]
async fn an_archive_of_0_2_0_is_taken_in_and_proved() {
    let (world, folder) = (World::new().await, folder("0.2.0"));
    let app = &world.host.app;
    sign_with(app, &folder.join("evidence-key.txt")).await.unwrap();
    let imported = Box::pin(import(app, &folder, &|_| {})).await.unwrap();
    assert_eq!((imported.firm.to_string().as_str(), imported.mails), ("dfaa0c06-60eb-41ae-82f5-610966bc7bed", 6));
    let key = app.secrets.read_afresh(EVIDENCE_KEY).await.unwrap();
    let report = Box::pin(verified(&world, &key)).await.unwrap();
    let firm = &report.firms[0];
    assert!(report.proved, "{report}");
    assert_eq!((firm.log_size, firm.checkpoints, firm.originals, firm.bytes_read), (12, 2, 6, 1_158), "{report}");
    // It is that archive, and not any that agrees with itself.
    let message = "cf262953-fb48-4995-8d4f-ecd5d42ac248.cd6b170ba9d3ecdecbdc7bca95b357c9".parse().unwrap();
    let stored = app.table.get::<Message>(&Key::message(imported.firm, message)).await.unwrap().unwrap().value;
    assert_eq!((stored.dossier(), stored.original().unwrap().number), (Some("2026/19"), 2));
    let head = app.logs.find(imported.firm, "checkpoint").await.unwrap().unwrap().bytes;
    assert!(String::from_utf8(head).unwrap().starts_with(
        "greffe/firms/dfaa0c06-60eb-41ae-82f5-610966bc7bed\n12\n9X4Mb+Ys37uJ6DF0UpLzl1Q2nAowb38X7Vt+YES/2K0=\nprevious 11\n\n"
    ));
    // And nothing but its own keys prove it.
    let other: SecretString = "x".repeat(40).into();
    let report = Box::pin(verified(&world, &other)).await.unwrap();
    assert!(report.findings().any(|finding| finding.kind == FindingKind::Forked), "{report}");
}

async fn verified(world: &World, key: &SecretString) -> Result<shared::evidence::report::Report, VerifyError> {
    let app = &world.host.app;
    let (table, store, roots, now) = (&app.table, &app.logs, &StampRoots::default(), app.clock.now());
    Verifier { table, store, key, reads: true, share: None, roots, lock_days: None, now, tell: &|_| {} }.verify().await
}
