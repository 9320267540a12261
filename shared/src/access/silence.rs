//! A tenant that Microsoft does not answer for: one mailbox asks, and the others wait.
//!
//! A request without an answer holds a function for twenty seconds. If all mailboxes of a large tenant did so, those of
//! all other firms would wait for them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::id::MailboxId;

/// Rounds of different mailboxes after each other, none of which Microsoft answered: then it is the tenant.
const ROUNDS_MAX: u32 = 3;
/// The first pause; doubled after each further round without an answer.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(4 * 60);
/// A silence that is older says nothing any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);

/// That Microsoft did not answer, round after round, whichever mailbox it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// So many rounds, none of which had any answer.
    rounds: u32,
    /// The mailbox of the last one.
    mailbox: MailboxId,
    /// When that was.
    at: Timestamp,
    /// No round is begun before.
    until: Timestamp,
}

impl Silence {
    /// How long a round has to wait, if it has to.
    pub fn waits(&self, now: Timestamp) -> Option<Duration> {
        let wait = self.until.duration_since(now).try_into().ok()?;
        (self.is_tenants() && self.until > now).then_some(wait)
    }

    fn is_tenants(&self) -> bool {
        self.rounds >= ROUNDS_MAX
    }

    /// The silence after one more round without an answer. One mailbox alone says nothing of the others. Pure.
    pub fn after(before: Option<&Self>, mailbox: MailboxId, now: Timestamp) -> Self {
        let before = before.filter(|before| before.at + FORGOTTEN_AFTER > now);
        let rounds = match before {
            Some(before) if before.mailbox == mailbox && !before.is_tenants() => before.rounds,
            before => before.map_or(0, |before| before.rounds).saturating_add(1),
        };
        let pause = match rounds.checked_sub(ROUNDS_MAX) {
            Some(more) => PAUSE.saturating_mul(1 << more.min(8)).min(PAUSE_MAX),
            None => Duration::ZERO,
        };
        Self { rounds, mailbox, at: now, until: now + pause }
    }

    /// The same for the one round that finds out whether the tenant is silent still: none other begins meanwhile. None
    /// where no tenant is silent.
    pub fn probed(&self, now: Timestamp) -> Option<Self> {
        self.is_tenants().then(|| Self { until: now + PAUSE, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_mailbox_without_an_answer_stops_no_other() {
        let mailbox = MailboxId::draw(&Random::seeded(1));
        let silence = (0..50).fold(None, |before, i| Some(Silence::after(before.as_ref(), mailbox, at(i))));
        assert_eq!(silence.unwrap().waits(at(50)), None);
    }

    #[test]
    fn after_three_mailboxes_without_an_answer_the_tenant_waits_longer_each_time_and_four_minutes_at_most() {
        let random = Random::seeded(1);
        let mut silence = None;
        let waits = (0..9).map(|_| {
            let next = Silence::after(silence.as_ref(), MailboxId::draw(&random), at(0));
            silence = Some(next.clone());
            next.waits(at(0)).map(|wait| wait.as_secs())
        });
        let expected = [0, 0, 30, 60, 120, 240, 240, 240, 240].map(|s| (s > 0).then_some(s));
        assert_eq!(waits.collect::<Vec<_>>(), expected);
        assert_eq!(silence.as_ref().unwrap().waits(at(240)), None);
        // What was long ago counts for nothing.
        let later = Silence::after(silence.as_ref(), MailboxId::draw(&random), at(601));
        assert_eq!(later.waits(at(601)), None);
    }
}
