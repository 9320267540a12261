//! Continuing after a restore: the table is older than the log, which has facts that the table lost.
//!
//! The numbers of those facts may not be given out again. So before anything else runs, one fact says after which
//! number and up to which some were lost (`restored-{before}-{size}`), each of them gets a fact that stands for it
//! (`lost-{hash of its entry}`), and the counter moves behind all of these. The first of these facts is logged like any
//! other, so the log itself says that the table was restored. Facts of these kinds are void: no reader of the feed sees
//! them.
//!
//! A number may be missing below the counter: it was given out at the moment that the table was taken back to, and its
//! fact was not written yet.

use jiff::Timestamp;

use crate::{
    aws::table::Key,
    base::id::FirmId,
    evidence::{
        appender::{AppendError, Appender},
        inclusion_proof::{ProofError, SignedLog},
        log_entry::entry,
        tlog::leaf,
    },
    firm::{
        fact::{Fact, StoredFact},
        feed::{FeedError, Recorded},
    },
};

/// Facts that are read at a time.
const PAGE: usize = 1_000;

/// What was done for a firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The table has all that the log has.
    Nothing,
    /// Facts were lost.
    Lost {
        /// The number of the first.
        first: u64,
        /// The size of the log: the number of the last that may be lost.
        last: u64,
    },
}

/// A log that can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The log can't be read, or is not as it was written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log proves nothing, or can't be read.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The table.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Something gave the numbers of lost facts out again.
    #[error(
        "number {number} was given out again after the restore: stop all functions, restore the table once more, and \
         run this before anything else"
    )]
    GivenOutAgain {
        /// The first such number.
        number: u64,
    },
}

/// What a restored table has under the numbers of the log.
struct KeptFacts {
    /// Numbers without a fact.
    missing: Vec<u64>,
    /// Facts that may have been given the number again: the newest, and those that fill a number.
    doubtful: Vec<(u64, StoredFact)>,
}

impl Appender<'_> {
    /// Has the firm's feed go on behind its log, after the table was restored. Repeating it changes nothing.
    ///
    /// Errors: the log is not as it was written; the table has another fact than the log under some number; S3 or the
    /// table refuses or does not answer.
    pub async fn resume(&self, firm: FirmId, now: Timestamp) -> Result<Resumed, ResumeError> {
        let size = self.size(firm).await?;
        let last = self.feed.last_number(firm).await?;
        let KeptFacts { missing, doubtful } = self.kept_facts(firm, size.min(last)).await?;
        let lost: Vec<u64> = missing.into_iter().chain(last + 1..=size).collect();
        let Some(first) = lost.first().copied() else { return Ok(Resumed::Nothing) };
        let mut log = SignedLog::open(self.store, firm, size).await?;
        for (number, fact) in doubtful {
            let logged = log.prove(number).await?.entry;
            if fact.erased() != Some(leaf(&logged)) && entry(firm, number, &fact).ok() != Some(logged) {
                return Err(ResumeError::GivenOutAgain { number });
            }
        }
        // A run that is killed below starts again and finds fewer missing numbers. The fact that names them stays.
        if last >= size {
            let own = self.feed.take_numbers(firm, 1).await?;
            self.feed.record(firm, own, &Fact::restored(first - 1, size, now)).await?;
        } else if !self.has_restored(firm, size).await?
            && self.feed.record(firm, size + 1, &Fact::restored(first - 1, size, now)).await? == Recorded::NumberGivenUp
        {
            return Err(ResumeError::GivenOutAgain { number: size + 1 });
        }
        for number in lost {
            let hash = leaf(&log.prove(number).await?.entry);
            if self.feed.record(firm, number, &Fact::lost(hash, now)).await? == Recorded::NumberGivenUp {
                return Err(ResumeError::GivenOutAgain { number });
            }
        }
        if last < size {
            let taken = self.feed.take_numbers(firm, size + 1 - last).await?;
            if taken != last + 1 {
                return Err(ResumeError::GivenOutAgain { number: taken });
            }
        }
        Ok(Resumed::Lost { first, last: size })
    }

    /// Whether an earlier try said behind the log what was lost.
    async fn has_restored(&self, firm: FirmId, size: u64) -> Result<bool, FeedError> {
        let fact = self.feed.stored(firm, size + 1).await?;
        Ok(fact.is_some_and(|fact| {
            fact.text("id").is_some_and(|id| id.starts_with("restored-") && id.ends_with(&format!("-{size}")))
        }))
    }

    /// What the table has under the numbers up to `last`.
    async fn kept_facts(&self, firm: FirmId, last: u64) -> Result<KeptFacts, FeedError> {
        let (mut missing, mut doubtful, mut newest, mut next) = (Vec::new(), Vec::new(), None, 1);
        while next <= last {
            let page: Vec<(u64, StoredFact)> =
                self.feed.table().numbered(&Key::fact(firm, next - 1), true, PAGE).await?;
            let Some((reached, _)) = page.last() else { break };
            let reached = *reached;
            for (number, fact) in page.into_iter().take_while(|(number, _)| *number <= last) {
                missing.extend(next..number);
                next = number + 1;
                // A reader that came before this fills what is missing.
                if fact.is_void() && fact.text("id") == Some(&format!("void-{number}")) {
                    doubtful.push((number, fact));
                } else if fact.lost().is_none() {
                    newest = Some((number, fact));
                }
            }
            if reached > last {
                break;
            }
        }
        missing.extend(next..=last);
        doubtful.extend(newest);
        Ok(KeptFacts { missing, doubtful })
    }
}
