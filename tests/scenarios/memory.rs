//! R10, D1: a mail as large as Exchange allows.

use microsoft365::Mail;
use reqwest::{Method, StatusCode, header::HeaderMap};
use tests::{ADA, OPERATOR_KEY, World};

/// A message of 150 MB, as MIME.
const BYTES: u64 = 150_000_000 / 3 * 4;
/// What the whole process may grow by: greffe, the engines and the simulated tenant together.
const GROWTH_KB_MAX: u64 = 64 * 1024;

/// Peak memory of this process so far. Source: proc(5).
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

#[tokio::test]
async fn r10_a_mail_of_150_mb_is_archived_in_constant_memory() {
    let world = World::on_disk().await;
    let registry = world.registry().await;
    world.deliver("inbox", "A small one first");
    world.run_until_idle().await;
    let before = peak_kb();
    let large = Mail::generated(1, BYTES, world.clock.now());
    let large = world.microsoft.deliver(ADA, "inbox", large).unwrap().immutable_id;
    world.run_until_idle().await;
    let grown = peak_kb() - before;
    let message = world.message(&registry, &large).await.ok();
    assert_eq!((message["state"].as_str(), message["bytes"].as_u64()), (Some("marked"), Some(BYTES)));
    assert!(grown < GROWTH_KB_MAX, "grew by {grown} KB");

    // It is read in as little: its parts are found while it passes, and from then on a part of it is read alone.
    let path = format!("/v1/firms/{}/messages/{}/attachments", registry.firm, message["id"].as_str().unwrap());
    let listed = world.get(&path).await.ok();
    let length = listed["items"][0]["bytes"].as_u64().unwrap();
    assert!(length > 140_000_000, "{length}");
    for start in [0, length / 2, length - 1_000] {
        let mut range = HeaderMap::new();
        range.insert("range", format!("bytes={start}-{}", start + 999).parse().unwrap());
        let part = world.request_with(Some(OPERATOR_KEY), Method::GET, &format!("{path}/1"), range, None).await;
        assert_eq!(
            (part.status, &part.headers["content-length"]),
            (StatusCode::PARTIAL_CONTENT, &"1000".parse().unwrap())
        );
    }
    let grown = peak_kb() - before;
    assert!(grown < GROWTH_KB_MAX, "grew by {grown} KB");
}
