//! Time, injected: every module asks this clock and none asks the system. What no manual clock may move stands here
//! too: the time that another machine judges by its own, and how long somebody waits for the network.

#![allow(clippy::disallowed_methods, reason = "this is where the system is asked")]

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tokio::time::Instant;

/// Clocks of two functions differ by less than this: AWS keeps them within milliseconds.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// Where the time comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock(TimeSource);

#[derive(Clone)]
enum TimeSource {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(TimeSource::System)
    }

    /// A clock that moves only by [`Clock::advance`] and by sleeping on it.
    pub fn manual(start: Timestamp) -> Self {
        Self(TimeSource::Manual(Arc::new(AtomicI64::new(start.as_millisecond()))))
    }

    /// Now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let millis = match &self.0 {
            TimeSource::System => Timestamp::now().as_millisecond(),
            TimeSource::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    /// Moves a manual clock forward; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let TimeSource::Manual(millis) = &self.0 {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Waits. On a manual clock the time passes at once.
    pub async fn sleep(&self, time: Duration) {
        match &self.0 {
            TimeSource::System => tokio::time::sleep(time).await,
            TimeSource::Manual(_) => {
                self.advance(time);
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The machine's own time, for a signature: who checks it compares it with his own time.
pub fn machine_time() -> SystemTime {
    SystemTime::now()
}

/// Until when somebody waits for answers of the network, by the machine's own time.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit(Instant);

impl TimeLimit {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// This one, or the other if that ends sooner.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// So much later than this.
    pub fn later(self, time: Duration) -> Self {
        Self(self.0 + time)
    }

    /// What `work` comes to, or nothing once the time is over; then `work` is dropped.
    pub async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.0, work).await.ok()
    }
}

/// What passed on the machine since something began: how long an answer of the network took.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it began.
    pub fn read(self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// The first pause after a failure; each further one is four times as long.
const RETRY_PAUSE_SECONDS: u64 = 60;
/// The longest pause.
const RETRY_PAUSE_SECONDS_MAX: u64 = 24 * 3600;
/// After this many tries (about ten days) a message rests as failed.
pub const ATTEMPTS_MAX: u32 = 15;

/// When a message that failed `attempts` times is tried again.
pub fn next_try(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let pause = RETRY_PAUSE_SECONDS.saturating_mul(4u64.saturating_pow(attempts.saturating_sub(1)));
    Some(now + Duration::from_secs(pause.min(RETRY_PAUSE_SECONDS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_of_a_failed_message_grow_to_a_day_and_then_end() {
        let now = Timestamp::UNIX_EPOCH;
        let pause = |n| next_try(n, now).map(|t| t.as_second());
        assert_eq!([pause(1), pause(2), pause(3)], [Some(60), Some(240), Some(960)]);
        assert_eq!(pause(14), Some(24 * 3600));
        assert_eq!(pause(15), None);
    }
}
