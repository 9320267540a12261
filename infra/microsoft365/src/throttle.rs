//! Outlook's limits per app and mailbox: 4 requests at a time, 10,000 in ten minutes (throttling-limits, "Outlook
//! service limits").

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// Requests that may run at a time.
pub(crate) const CONCURRENT_MAX: u32 = 4;
/// Requests in [`WINDOW_MS`], refused ones included.
const REQUESTS_MAX: usize = 10_000;
const WINDOW_MS: i64 = 10 * 60 * 1000;

#[derive(Default)]
struct Budget {
    running: u32,
    recent_ms: VecDeque<i64>,
}

type Budgets = Arc<Mutex<HashMap<(String, String), Budget>>>;

/// The budgets of all apps and mailboxes. In memory: a restarted Graph has forgotten them.
#[derive(Default)]
pub(crate) struct Throttle(Budgets);

/// A running request; dropping it frees its place.
#[derive(Debug)]
pub(crate) struct Slot {
    budgets: Budgets,
    key: (String, String),
}

/// Why a request is refused and for how many seconds.
#[derive(Debug)]
pub(crate) struct Refused {
    pub reason: &'static str,
    pub retry_after_s: u64,
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} running, {} recent", self.running, self.recent_ms.len())
    }
}

impl Throttle {
    /// Takes a place for one request; the refused count as well.
    pub fn enter(&self, app: &str, mailbox: &str, now: Timestamp) -> Result<Slot, Refused> {
        let now_ms = now.as_millisecond();
        let key = (app.to_owned(), mailbox.to_owned());
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = budgets.entry(key.clone()).or_default();
        while budget.recent_ms.front().is_some_and(|&at| at <= now_ms - WINDOW_MS) {
            budget.recent_ms.pop_front();
        }
        budget.recent_ms.push_back(now_ms);
        if budget.recent_ms.len() > REQUESTS_MAX {
            // The oldest requests that have to leave the window before one more fits.
            let leaving = budget.recent_ms[budget.recent_ms.len() - 1 - REQUESTS_MAX];
            let wait_ms = (leaving + WINDOW_MS - now_ms).max(1000);
            return Err(Refused {
                reason: "Application is over its MailboxRequests limit.",
                retry_after_s: wait_ms.unsigned_abs().div_ceil(1000),
            });
        }
        if budget.running >= CONCURRENT_MAX {
            return Err(Refused { reason: "Application is over its MailboxConcurrency limit.", retry_after_s: 1 });
        }
        budget.running += 1;
        drop(budgets);
        Ok(Slot { budgets: Arc::clone(&self.0), key })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = budgets.get_mut(&self.key) {
            budget.running = budget.running.saturating_sub(1);
        }
    }
}
