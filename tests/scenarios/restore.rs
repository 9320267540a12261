//! The restore drill of docs/operator.md: the table as it was at a moment, in another place and at another address, and
//! the bucket as it is now.

use std::{path::Path, time::Duration};

use local::{
    host::{Host, Settings},
    machine::Machine,
    provision::BUCKET,
};
use serde_json::json;
use shared::{
    aws::secrets::EVIDENCE_KEY,
    evidence::{resume::Resumed, stamp::StampRoots, verify::Verifier},
};
use tests::{ADA, CLIENT_ID, World};
use tokio::net::TcpListener;

/// How the files begin that the engine keeps the table in.
const TABLE: &str = "dynamodb";

#[tokio::test]
async fn after_a_restore_of_the_table_nothing_is_lost_and_nothing_is_there_twice() {
    let mut world = World::new().await;
    let registry = world.registry().await;
    let before = world.deliver("inbox", "Before the moment");
    world.run_until_idle().await;
    world.host.append_logs().await;
    let restored = tempfile::tempdir().unwrap();
    let (from, to) = (world.folder().join("aws"), restored.path().join("aws"));
    copy(&from, &to, &|name| name.starts_with(TABLE));
    let after = world.deliver("inbox", "Archived after it, and then forgotten");
    world.run_until_idle().await;
    world.host.append_logs().await;
    // The table goes back. The bucket does not, nor does Microsoft.
    copy(&from, &to, &|name| !name.starts_with(TABLE));
    let kept = versions(&world).await;
    let held = world.microsoft.subscriptions(ADA).unwrap();
    world.host = open(&world, restored.path()).await;
    let (firm, now) = (registry.firm.parse().unwrap(), world.clock.now());
    let resumed = world.host.app.appender().resume(firm, now).await.unwrap();
    assert!(matches!(resumed, Resumed::Lost { .. }), "{resumed:?}");
    assert_eq!(world.host.app.appender().resume(firm, now).await.unwrap(), Resumed::Nothing);

    let meanwhile = world.deliver("inbox", "Arrived while nobody looked");
    world.pass(Duration::from_secs(16 * 60)).await;
    for mail in [&before, &after, &meanwhile] {
        assert_eq!(world.message(&registry, mail).await.ok()["state"], "marked");
    }
    assert_eq!(world.objects().await.len(), 3);
    let now = versions(&world).await;
    assert!(now.len() == 3 && kept.iter().all(|version| now.contains(version)), "an original was written again");
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"; 3]);
    assert_eq!(world.progress(&registry).await["archived"], json!(3));
    for held in world.microsoft.messages(ADA).unwrap() {
        assert_eq!(held.categories, ["greffe: received"]);
    }
    // The subscription that the table knew led to the old address. The new one brings mail without a poll.
    let subscriptions = world.microsoft.subscriptions(ADA).unwrap();
    assert!(subscriptions.len() == 1 && subscriptions != held, "{subscriptions:?}");
    let noticed = world.deliver("inbox", "Announced at the new address");
    world.run_until_idle().await;
    assert_eq!(world.message(&registry, &noticed).await.ok()["state"], "marked");
    assert_eq!(world.feed(&registry.firm).await, ["message_archived"; 4]);
    // The log goes on behind what it had, and says what the table lost.
    world.host.append_logs().await;
    let app = &world.host.app;
    let secret = app.secrets.read(EVIDENCE_KEY).await.unwrap();
    let roots = StampRoots::default();
    let verifier = Verifier {
        table: &app.table,
        store: &app.logs,
        key: &secret,
        share: None,
        reads: true,
        roots: &roots,
        lock_days: None,
        now: app.clock.now(),
        tell: &|_| {},
    };
    let report = verifier.verify().await.unwrap();
    assert!(report.proved && report.firms[0].facts_lost > 0 && report.firms[0].facts_beyond == 0, "{report}");
    world.settle(&registry).await;
}

/// Greffe over another data directory, before the same Microsoft.
async fn open(world: &World, folder: &Path) -> Host {
    let config = &world.host.app.config;
    let microsoft = config.microsoft.graph.at("");
    let variables = vec![
        ("GREFFE_LOGIN_URL", microsoft.clone()),
        ("GREFFE_GRAPH_URL", microsoft),
        ("GREFFE_APP_CLIENT_ID", CLIENT_ID.to_owned()),
    ];
    let machine = Machine::embedded(&folder.join("aws"), world.clock.clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings { variables, ..Settings::default() };
    Host::over(machine, folder, listener, world.clock.clone(), settings).await.unwrap()
}

/// The current version of each original.
async fn versions(world: &World) -> Vec<(String, Option<String>)> {
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    let mut versions = Vec::new();
    for key in world.objects().await {
        let head = s3.head_object().bucket(BUCKET).key(&key).send().await.unwrap();
        versions.push((key, head.version_id));
    }
    versions
}

/// Puts what is named so in `from`, and all that is below it, in its place in `to`.
fn copy(from: &Path, to: &Path, named: &dyn Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_name().to_str().is_some_and(named) {
            true if path.is_dir() => copy(&path, &target, &|_| true),
            true => drop(std::fs::copy(path, target).unwrap()),
            false => {}
        }
    }
}
