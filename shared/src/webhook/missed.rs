//! Sends jobs again for events whose announcement was lost: for ten minutes after each event, and once an hour for a
//! week.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    aws::{queue::DeliveryJob, table::Table, worker::ScheduleError},
    base::id::FirmId,
    firm::feed::{Feed, FeedError},
    webhook::{Webhook, WebhookState, delivery_progress::DeliveryProgress, feed_place::FeedPlace},
};

/// How long after an event each run of the schedule sends jobs for it.
const LOOK_BACK: Duration = Duration::from_secs(600);
/// How long after an event the run of each hour does: a queue or a schedule that fails for days loses nothing.
const LOOK_BACK_HOURLY: Duration = Duration::from_secs(7 * 24 * 3600);
/// Firms whose webhooks are looked at side by side.
const OWNERS_AT_ONCE: usize = 16;

/// Queues a job for each webhook that lacks recent events, for at most `limit` firms; once an hour for ten times as
/// many. Returns the number of jobs.
///
/// Errors: the table or the queue refuses or does not answer.
pub async fn announce_missed(
    (table, feed): (&Table, &Feed),
    now: Timestamp,
    limit: usize,
) -> Result<usize, ScheduleError> {
    let back = look_back(now);
    let limit = if back == LOOK_BACK { limit } else { limit.saturating_mul(10) };
    let news = table.feeds_since(now - back, limit).await?;
    let firms = news.iter().map(|(firm, _)| Some(*firm)).chain((!news.is_empty()).then_some(None));
    let queued = firms.map(|firm| announce_to_owner((table, feed), firm, now));
    let queued: Vec<_> = queued.collect();
    stream::iter(queued).buffer_unordered(OWNERS_AT_ONCE).try_fold(0, async |all, some| Ok(all + some)).await
}

/// Announces what the webhooks of one firm, or of the operator, missed.
async fn announce_to_owner(
    (table, feed): (&Table, &Feed),
    firm: Option<FirmId>,
    now: Timestamp,
) -> Result<usize, ScheduleError> {
    let mut queued = 0;
    for webhook in Webhook::list(table, firm).await? {
        if webhook.state == WebhookState::Active && is_behind((table, feed), firm, &webhook, now).await? {
            feed.deliveries().send(&DeliveryJob::new(firm, webhook.id, now, Uuid::nil())).await?;
            queued += 1;
        }
    }
    Ok(queued)
}

/// How far a run looks back that begins at `now`.
fn look_back(now: Timestamp) -> Duration {
    if now.as_second().div_euclid(60) % 60 == 0 { LOOK_BACK_HOURLY } else { LOOK_BACK }
}

/// Whether a webhook lacks events, and does not wait for a retry.
async fn is_behind(
    (table, feed): (&Table, &Feed),
    firm: Option<FirmId>,
    webhook: &Webhook,
    now: Timestamp,
) -> Result<bool, ScheduleError> {
    let Some(progress) = DeliveryProgress::find(table, firm, webhook.id).await? else { return Ok(false) };
    Ok(match (progress.value.failing, progress.value.place, firm) {
        (Some(_), ..) => false,
        (None, FeedPlace::Firm(number), Some(firm)) => number < feed.last_number(firm).await.map_err(of_table)?,
        (None, place, _) => {
            let (events, _) = place.read((table, feed), firm, 1, now).await.map_err(of_table)?;
            !events.is_empty()
        }
    })
}

fn of_table(error: FeedError) -> ScheduleError {
    match error {
        FeedError::Table(error) => error.into(),
        FeedError::Bus { .. } => unreachable!("a number is read from the table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_of_each_hour_looks_back_for_a_week() {
        let runs = (0..120).map(|minute| look_back(Timestamp::from_second(minute * 60 + 7).unwrap()));
        assert_eq!(runs.filter(|back| *back == LOOK_BACK_HOURLY).count(), 2);
    }
}
