//! A mailbox's share of the functions while there are too few: one round a minute, and twenty more at once.
//!
//! A round takes in all mail that came before it, so a mailbox that is flooded loses nothing by fewer rounds. Where
//! jobs find a function at once, there are enough for all, and no mailbox waits.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A mailbox may have a round in each of these.
const SHARE: Duration = Duration::from_secs(60);
/// So many rounds more it may have at once: a person who gets a mail every ten seconds for three minutes is no flood.
const BEYOND_MAX: u8 = 20;
/// No more are remembered, so that half an hour of quiet gives the whole share back.
const BEYOND_NOTED_MAX: u8 = 30;
/// A job that waited so long for a function shows that there are too few.
const SCARCE_AFTER: Duration = Duration::from_secs(1);

/// How many rounds a mailbox had beyond its share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcessRounds {
    count: u8,
    /// When the last round ended: until then a job waited for it, and for no function.
    ended_at: Option<Timestamp>,
}

impl ExcessRounds {
    /// Whether there is none.
    pub fn is_zero(&self) -> bool {
        self.count == 0
    }

    /// The share after a round from `began` to `ended`; `last` is when the round before it began. Pure.
    pub fn after(self, last: Option<Timestamp>, began: Timestamp, ended: Timestamp) -> Self {
        let given_back = last.map_or(u64::MAX, |last| {
            let since = Duration::try_from(began.duration_since(last)).unwrap_or_default();
            since.as_secs() / SHARE.as_secs()
        });
        let left = u64::from(self.count).saturating_add(1).saturating_sub(given_back);
        let count = u8::try_from(left).unwrap_or(u8::MAX).min(BEYOND_NOTED_MAX);
        Self { count, ended_at: Some(ended).filter(|_| count > 0) }
    }

    /// How long the mailbox lets others go first, for a job that was sent at `sent_at`; none if it need not. Pure.
    pub fn wait(self, last: Option<Timestamp>, sent_at: Timestamp, now: Timestamp) -> Option<Duration> {
        let is_scarce = self.ended_at.map_or(sent_at, |ended| ended.max(sent_at)) + SCARCE_AFTER <= now;
        let again_at = last? + SHARE;
        (is_scarce && self.count > BEYOND_MAX && again_at > now)
            .then(|| Duration::try_from(again_at.duration_since(now)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_mailbox_with_a_mail_now_and_then_never_waits_and_one_with_a_round_every_few_seconds_does_where_jobs_wait() {
        let (mut lone, mut flooded) = (ExcessRounds::default(), ExcessRounds::default());
        for n in 1..40 {
            lone = lone.after(Some(at(600 * (n - 1))), at(600 * n), at(600 * n + 1));
            flooded = flooded.after(Some(at(6 * (n - 1))), at(6 * n), at(6 * n + 4));
        }
        let (last, now) = (Some(at(6 * 39)), at(6 * 39 + 14));
        assert!(lone.is_zero() && lone.wait(last, at(0), now).is_none());
        assert_eq!(flooded.wait(last, at(0), now), Some(Duration::from_secs(46)));
        assert_eq!(flooded.wait(last, now, now), None, "a function was there at once");
        assert_eq!(flooded.wait(last, at(0), at(6 * 39 + 4)), None, "it waited for the round before only");
        assert_eq!(flooded.wait(last, at(0), at(6 * 39 + 60)), None, "its share is a round a minute");
    }

    #[test]
    fn after_half_an_hour_of_quiet_a_flooded_mailbox_has_its_whole_share_again() {
        let flooded = (0..100).fold(ExcessRounds::default(), |beyond, _| beyond.after(Some(at(0)), at(1), at(1)));
        assert!(!flooded.after(Some(at(0)), at(29 * 60), at(29 * 60)).is_zero());
        assert!(flooded.after(Some(at(0)), at(31 * 60), at(31 * 60)).is_zero());
    }
}
