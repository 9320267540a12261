//! What the operator can follow in the logs.

#![allow(clippy::unwrap_used, reason = "a scenario ends where something is not as told")]

use std::sync::{Arc, Mutex};

use serde_json::Value;
use shared::base::telemetry;
use tests::World;

#[tokio::test]
async fn one_cause_leads_from_the_notice_to_the_mark() {
    let world = World::new().await;
    let registry = world.registry().await;
    let log = Log::default();
    let out = log.clone();
    let _listening = tracing::subscriber::set_default(telemetry::json(telemetry::filter("info"), move || out.clone()));
    world.deliver("inbox", "Confidential");
    world.microsoft.deliver_notices().await.unwrap();
    world.run_jobs().await;

    let noticed = log.lines("graph_webhook", "notices were taken");
    let cause = noticed[0]["cause"].as_str().unwrap();
    let rounds = log.lines("delta_poll", "a round ended");
    let round = rounds.iter().find(|line| line["span"]["cause"] == cause).unwrap();
    assert_eq!(["found", "archived", "marked", "failed"].map(|name| round[name].as_u64()), [1, 1, 1, 0].map(Some));
    assert_eq!(round["span"]["mailbox.id"], registry.mailbox);
    assert!(!log.text().contains("Confidential"));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of a function that say this.
    fn lines(&self, function: &str, message: &str) -> Vec<Value> {
        let lines: Vec<Value> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().filter(|line| line["target"] == function && line["message"] == message).collect()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
