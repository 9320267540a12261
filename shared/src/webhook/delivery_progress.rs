//! How far a webhook is, and what keeps it from the next event.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{DUE_WEBHOOK, Key, Row, Table, TableError, sortable},
    base::id::{FirmId, WebhookId},
    webhook::feed_place::FeedPlace,
};

/// How far a webhook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryProgress {
    /// Everything up to here is posted.
    #[serde(with = "as_text")]
    pub place: FeedPlace,
    /// What keeps it from the next event, if something does.
    #[serde(default)]
    pub failing: Option<DeliveryTrouble>,
    #[serde(default)]
    due_kind: Option<String>,
    #[serde(default)]
    due_at: Option<String>,
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::webhook::feed_place::FeedPlace;

    pub(super) fn serialize<S: Serializer>(place: &FeedPlace, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(place)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<FeedPlace, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// That an address does not take the next event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTrouble {
    /// Since when.
    pub since: Timestamp,
    /// How often the event was posted.
    pub tries: u32,
    /// When it is posted again.
    pub next_try: Timestamp,
}

/// The pause after the first failure; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// An address that fails for so long is paused.
pub const FAILING_MAX: Duration = Duration::from_secs(24 * 3600);

impl DeliveryTrouble {
    /// The trouble after one more failure. `asked`: how long the receiver asks to wait.
    pub(super) fn after(before: Option<&Self>, asked: Option<Duration>, now: Timestamp) -> Self {
        let (since, tries) = before.map_or((now, 0), |before| (before.since, before.tries));
        let pause = PAUSE.saturating_mul(1 << tries.min(10)).max(asked.unwrap_or_default()).min(PAUSE_MAX);
        Self { since, tries: tries + 1, next_try: now + pause }
    }

    /// Whether it has lasted too long.
    pub(super) fn is_hopeless(&self, now: Timestamp) -> bool {
        self.since + FAILING_MAX <= now
    }
}

impl DeliveryProgress {
    /// At a place, with nothing in the way.
    pub fn at(place: FeedPlace) -> Self {
        Self { place, failing: None, due_kind: None, due_at: None }
    }

    /// At a place where an address fails; due when it is tried again.
    pub(super) fn failing(place: FeedPlace, trouble: DeliveryTrouble) -> Self {
        let due_at = Some(sortable(trouble.next_try));
        Self { place, failing: Some(trouble), due_kind: Some(DUE_WEBHOOK.to_owned()), due_at }
    }

    /// How far a webhook is, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: Option<FirmId>, id: WebhookId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::webhook_progress(firm, id)).await
    }

    /// Has everything after `place` posted, again or for the first time. False if there is no such webhook.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn send_since(
        table: &Table,
        (firm, id): (Option<FirmId>, WebhookId),
        place: FeedPlace,
    ) -> Result<bool, TableError> {
        let key = Key::webhook_progress(firm, id);
        let moved = table.update(&key, |progress: Option<Self>| progress.map(|_| Self::at(place))).await?;
        Ok(moved.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_not_taken_is_tried_with_pauses_up_to_an_hour_until_a_day_is_over() {
        let began = Timestamp::UNIX_EPOCH;
        let (mut trouble, mut now, mut pauses) = (None, began, Vec::new());
        loop {
            let next = DeliveryTrouble::after(trouble.as_ref(), None, now);
            if next.is_hopeless(now) {
                break;
            }
            pauses.push(next.next_try.duration_since(now).as_secs());
            now = next.next_try;
            trouble = Some(next);
        }
        assert_eq!(pauses[..8], [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(pauses.len(), 29);
        let asked = DeliveryTrouble::after(None, Some(Duration::from_secs(300)), began);
        assert_eq!(asked.next_try, began + Duration::from_secs(300));
        let long = DeliveryTrouble::after(None, Some(Duration::from_secs(90_000)), began);
        assert_eq!(long.next_try, began + PAUSE_MAX);
    }
}
