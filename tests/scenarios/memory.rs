//! R10: a mail as large as Exchange allows.

use microsoft365::Mail;
use tests::{ADA, World};

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
}
