//! The check by the schedule: a share a day, found what is wrong in it, and told.

use shared::{aws::table::Key, evidence::check::ArchiveCheck};
use std::time::Duration;

use super::damage::Archive;

impl Archive {
    /// What the check of a day told, if there was one: originals and findings.
    pub async fn checked(&self) -> Option<(u64, u64)> {
        let before = self.facts_of_checks().await;
        Box::pin(self.world.host.check()).await;
        let after = self.facts_of_checks().await;
        after.get(before.len()).copied()
    }

    async fn facts_of_checks(&self) -> Vec<(u64, u64)> {
        let facts = self.world.get(&format!("/v1/firms/{}/events?limit=100", self.firm)).await.ok();
        let checks = facts["items"].as_array().unwrap().iter().filter(|fact| fact["type"] == "archive_checked");
        checks.map(|fact| (fact["originals"].as_u64().unwrap(), fact["findings"].as_u64().unwrap())).collect()
    }
}

#[tokio::test]
async fn each_day_a_share_is_checked_and_what_is_altered_in_it_is_found_within_four_weeks() {
    let (archive, messages) = Archive::of_mails().await;
    let webhook = serde_json::json!({ "url": "http://127.0.0.1:9/" });
    archive.world.post(&format!("/v1/firms/{}/webhooks", archive.firm), webhook).await.ok();
    // All seven mails lie in the first bundle of the log, which is the first share.
    assert_eq!(archive.checked().await, Some((7, 0)));
    assert_eq!(archive.checked().await, None, "not before the next day");
    archive.append().await;
    let key = shared::mail::archive::key(archive.firm, messages[0]);
    archive.put(&key, b"altered").await;
    for day in 1..28 {
        archive.world.clock.advance(Duration::from_secs(23 * 3600));
        let (originals, findings) = archive.checked().await.unwrap();
        assert_eq!((originals, findings), (0, 0), "day {day}: another share");
        archive.append().await;
    }
    archive.world.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(archive.checked().await, Some((7, 1)));
    let table = &archive.world.host.app.table;
    let state = table.get::<ArchiveCheck>(&Key::archive_check(archive.firm)).await.unwrap().unwrap().value;
    assert_eq!((state.part, state.findings), (29, 1));
}
