//! How many requests one mailbox may be asked: Graph serves an app 10,000 in ten minutes for each, with all
//! its tokens together.
//! Source: <https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits>

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Live mail stops here: what the console, the calendar and a person's tests ask of the same mailbox is not counted.
const REQUESTS_MAX: u32 = 9_850;
/// What may wait stops here, so that live mail always has room: 95 % of what Graph allows, over the longer window.
const REQUESTS_MAX_BEHIND: u32 = 9_680;
/// Requests are remembered by so many seconds.
const SLOT_SECONDS: i64 = 10;
/// Ten minutes, and the slot that is not full.
const SLOTS: i64 = 61;

/// The requests of the last ten minutes, by slots of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(BTreeMap<String, u32>);

fn slot(now: Timestamp) -> i64 {
    now.as_second().div_euclid(SLOT_SECONDS)
}

/// A slot as it stands in the table: text that sorts.
fn name(slot: i64) -> String {
    format!("{slot:09}")
}

impl Spent {
    /// What both have spent.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (slot, count) in &other.0 {
            let spent = self.0.entry(slot.clone()).or_default();
            *spent = spent.saturating_add(*count);
        }
        self
    }

    /// What was spent since it was `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let more = self
            .0
            .iter()
            .map(|(slot, count)| (slot.clone(), count.saturating_sub(before.0.get(slot).copied().unwrap_or_default())));
        Self(more.filter(|(_, count)| *count > 0).collect())
    }

    /// Notes `requests` more.
    ///
    /// Errors: how long to wait until they fit under `max`.
    pub fn spend(&mut self, now: Timestamp, requests: u32, max: u32) -> Result<(), Duration> {
        let this = slot(now);
        let oldest = name(this - SLOTS + 1);
        self.0.retain(|slot, _| *slot >= oldest);
        let mut spent: u32 = self.0.values().sum();
        let mut wait = None;
        for (slot, count) in &self.0 {
            if spent + requests <= max {
                break;
            }
            // Once this slot leaves the window, there is more room.
            spent -= count;
            wait = slot.parse::<i64>().ok().map(|slot| (slot + SLOTS) * SLOT_SECONDS);
        }
        match wait {
            Some(second) => Err(Duration::from_secs((second - now.as_second()).unsigned_abs())),
            None => {
                *self.0.entry(name(this)).or_default() += requests;
                Ok(())
            }
        }
    }
}

/// What is left to ask of one mailbox, for all that share it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    spent: Arc<Mutex<Spent>>,
    max: u32,
}

impl Budget {
    /// A budget from which `spent` is already taken.
    pub fn of(spent: Spent) -> Self {
        Self { spent: Arc::new(Mutex::new(spent)), max: REQUESTS_MAX }
    }

    /// Shares this budget, with the lower limit of older mail.
    pub fn behind(&self) -> Self {
        Self { max: REQUESTS_MAX_BEHIND, ..self.clone() }
    }

    /// Notes `requests` more.
    ///
    /// Errors: how long to wait until they fit.
    pub fn spend(&self, now: Timestamp, requests: u32) -> Result<(), Duration> {
        self.lock().spend(now, requests, self.max)
    }

    /// The requests counted so far.
    pub fn spent(&self) -> Spent {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn no_ten_minutes_see_more_requests_than_allowed() {
        let mut spent = Spent::default();
        let mut asked: Vec<i64> = Vec::new();
        let mut second = 0;
        while second < 3_600 {
            match spent.spend(at(second), 1, 1_000) {
                Ok(()) => {
                    asked.push(second);
                    // Three a second.
                    second += i64::from(asked.len().is_multiple_of(3));
                }
                Err(wait) => second += i64::try_from(wait.as_secs()).unwrap(),
            }
        }
        let most = asked.iter().map(|from| asked.iter().filter(|s| (*from..from + 600).contains(s)).count()).max();
        assert_eq!(most, Some(1_000));
        // Over an hour, nearly all that the limit allows.
        assert!(asked.len() >= 5_800, "{}", asked.len());
    }

    #[test]
    fn what_may_wait_leaves_room_for_live_mail() {
        let budget = Budget::of(Spent::default());
        budget.behind().spend(at(0), REQUESTS_MAX_BEHIND).unwrap();
        assert_eq!(budget.behind().spend(at(30), 20), Err(Duration::from_secs(610 - 30)));
        budget.spend(at(30), 20).unwrap();
        budget.behind().spend(at(610), 20).unwrap();
    }

    #[test]
    fn what_two_spend_at_the_same_time_adds_up() {
        let spend = |spent: &Spent, requests| {
            let mut spent = spent.clone();
            spent.spend(at(100), requests, 100).unwrap();
            spent
        };
        let before = spend(&Spent::default(), 7);
        let (live, older) = (spend(&before, 10), spend(&before, 20));
        assert_eq!(live.and(&older.since(&before)), spend(&Spent::default(), 37));
    }

    #[test]
    fn what_was_spent_goes_with_the_mailbox_from_one_function_to_the_next() {
        let mut spent = Spent::default();
        spent.spend(at(100), 7, 10).unwrap();
        let item: serde_dynamo::AttributeValue = serde_dynamo::to_attribute_value(&spent).unwrap();
        let mut again: Spent = serde_dynamo::from_attribute_value(item).unwrap();
        assert!(again.spend(at(160), 4, 10).is_err());
    }
}
