//! Continuing after a restore: the table is older than the log, which has facts that the table lost.
//!
//! The numbers of those facts may not be given out again. So before anything else runs, each gets a fact that stands
//! for the lost one (`lost-{hash of its entry}`), one more fact says which numbers were lost
//! (`restored-{last}-{size}`), and the counter moves behind all of these. That last fact is logged like any other, so
//! the log itself says that the table was restored. Facts of these kinds are void: no reader of the feed sees them.

use jiff::Timestamp;

use crate::{
    base::id::FirmId,
    evidence::{
        appender::{AppendError, Appender},
        entry::entry,
        inclusion_proof::{ProofError, SignedLog},
        tlog::leaf,
    },
    firm::{
        fact::Fact,
        feed::{FeedError, Recorded},
    },
};

/// What was done for a firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The table has all that the log has.
    Nothing,
    /// These facts were lost.
    Lost {
        /// The number of the first.
        first: u64,
        /// The number of the last: the size of the log.
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

impl Appender<'_> {
    /// Has the firm's feed go on behind its log, after the table was restored. Repeating it changes nothing.
    ///
    /// Errors: the log is not as it was written; the table has another fact than the log under some number; S3 or the
    /// table refuses or does not answer.
    pub async fn resume(&self, firm: FirmId, now: Timestamp) -> Result<Resumed, ResumeError> {
        let size = self.size(firm).await?;
        let last = self.feed.last_number(firm).await?;
        if last >= size {
            return Ok(Resumed::Nothing);
        }
        let mut log = SignedLog::open(self.store, firm, size).await?;
        if last > 0 {
            let kept = self.feed.stored(firm, last).await?.and_then(|fact| entry(firm, last, &fact).ok());
            if kept != Some(log.prove(last).await?.entry) {
                return Err(AppendError::Forked { number: last }.into());
            }
        }
        for number in last + 1..=size {
            let hash = leaf(&log.prove(number).await?.entry);
            if self.feed.record(firm, number, &Fact::lost(hash, now)).await? == Recorded::NumberGivenUp {
                return Err(ResumeError::GivenOutAgain { number });
            }
        }
        // The counter moves last, so whoever dies before it begins again.
        let own = size + 1;
        if self.feed.record(firm, own, &Fact::restored(last, size, now)).await? == Recorded::NumberGivenUp {
            return Err(ResumeError::GivenOutAgain { number: own });
        }
        let first = self.feed.take_numbers(firm, own - last).await?;
        if first != last + 1 {
            return Err(ResumeError::GivenOutAgain { number: first });
        }
        Ok(Resumed::Lost { first: last + 1, last: size })
    }
}
