//! A tenant that Microsoft does not answer for: one mailbox asks, and the others wait.
//!
//! A request without an answer holds a function for seconds. If all mailboxes of a large tenant did so, those of
//! all other firms would wait for them. But some mailboxes without an answer are not the tenant: one that is not known
//! to be silent asks, and an answer to it ends the silence.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::id::MailboxId;

/// Rounds of different mailboxes after each other, none of which Microsoft answered: then it is the tenant.
const ROUNDS_MAX: u32 = 3;
/// So many different mailboxes without an answer, and none with one in between, speak for all.
const MAILBOXES_MAX: usize = 8;
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
    /// The mailboxes that had no answer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    mailboxes: BTreeSet<MailboxId>,
    /// When that was.
    at: Timestamp,
    /// No round is begun before.
    until: Timestamp,
}

impl Silence {
    /// How long a round of that mailbox has to wait, if it has to.
    pub fn waits(&self, mailbox: MailboxId, now: Timestamp) -> Option<Duration> {
        let wait = self.until.duration_since(now).try_into().ok()?;
        (self.speaks_for(mailbox) && self.until > now).then_some(wait)
    }

    /// Whether it is the tenant's.
    pub fn is_tenants(&self) -> bool {
        self.rounds >= ROUNDS_MAX
    }

    fn speaks_for(&self, mailbox: MailboxId) -> bool {
        self.is_tenants() && (self.mailboxes.contains(&mailbox) || self.mailboxes.len() >= MAILBOXES_MAX)
    }

    /// The silence after one more round without an answer. One mailbox alone says nothing of the others. Pure.
    pub fn after(before: Option<&Self>, mailbox: MailboxId, now: Timestamp) -> Self {
        let before = before.filter(|before| before.at + FORGOTTEN_AFTER > now);
        // A mailbox that asked although the tenant is silent tells only of itself.
        if let Some(before) = before.filter(|before| before.is_tenants() && !before.speaks_for(mailbox)) {
            let mut mailboxes = before.mailboxes.clone();
            mailboxes.insert(mailbox);
            return Self { mailboxes, mailbox, at: now, ..before.clone() };
        }
        let rounds = match before {
            Some(before) if before.mailbox == mailbox && !before.is_tenants() => before.rounds,
            before => before.map_or(0, |before| before.rounds).saturating_add(1),
        };
        let pause = match rounds.checked_sub(ROUNDS_MAX) {
            Some(more) => PAUSE.saturating_mul(1 << more.min(8)).min(PAUSE_MAX),
            None => Duration::ZERO,
        };
        let mut mailboxes = before.map(|before| before.mailboxes.clone()).unwrap_or_default();
        if mailboxes.len() < MAILBOXES_MAX {
            mailboxes.insert(mailbox);
        }
        Self { rounds, mailbox, mailboxes, at: now, until: now + pause }
    }

    /// A new pause for the tenant while the round of `mailbox` finds out whether it is still silent; no other round
    /// begins meanwhile. None if this mailbox is not the one that may ask.
    pub fn probed(&self, mailbox: MailboxId, now: Timestamp) -> Option<Self> {
        self.speaks_for(mailbox).then(|| Self { until: now + PAUSE, ..self.clone() })
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
        assert_eq!(silence.unwrap().waits(mailbox, at(50)), None);
    }

    #[test]
    fn after_three_mailboxes_without_an_answer_the_tenant_waits_longer_each_time_and_four_minutes_at_most() {
        let random = Random::seeded(1);
        let mailboxes: Vec<MailboxId> = (0..3).map(|_| MailboxId::draw(&random)).collect();
        let mut silence = None;
        let waits = (0..9).map(|n| {
            let mailbox = mailboxes[n % 3];
            let next = Silence::after(silence.as_ref(), mailbox, at(0));
            silence = Some(next.clone());
            next.waits(mailbox, at(0)).map(|wait| wait.as_secs())
        });
        let expected = [0, 0, 30, 60, 120, 240, 240, 240, 240].map(|s| (s > 0).then_some(s));
        assert_eq!(waits.collect::<Vec<_>>(), expected);
        let mailbox = mailboxes[0];
        assert_eq!(silence.as_ref().unwrap().waits(mailbox, at(240)), None);
        // What was long ago counts for nothing.
        let later = Silence::after(silence.as_ref(), mailbox, at(601));
        assert_eq!(later.waits(mailbox, at(601)), None);
    }

    #[test]
    fn a_mailbox_that_is_not_known_to_be_silent_asks_until_so_many_are_that_they_speak_for_all() {
        let random = Random::seeded(1);
        let other = MailboxId::draw(&random);
        let mut silence = None;
        let waits = (0..MAILBOXES_MAX + 1).map(|_| {
            let next = Silence::after(silence.as_ref(), MailboxId::draw(&random), at(0));
            silence = Some(next.clone());
            next.waits(other, at(0)).is_some()
        });
        let waits: Vec<bool> = waits.collect();
        assert_eq!(waits.iter().position(|waits| *waits), Some(MAILBOXES_MAX - 1), "{waits:?}");
    }
}
