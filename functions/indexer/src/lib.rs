//! Brings the index of each firm's mails up to its feed (`shared/src/search`), and keeps originals longer where that is
//! asked for (`shared/src/mail/retention_keeper.rs`).
//!
//! The schedule starts it. It needs no queue: the index `due` lists the indexes that are due, one that failed stays
//! due, and two indexers of one firm do no harm.

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::{
        table::TableError,
        worker::{self, Deadline},
    },
    base::{
        id::FirmId,
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    mail::retention_keeper::KEEPER_PATIENCE,
    search::indexer::IndexingError,
};

/// Indexes that are worked at side by side: each holds a thousand mails, or the largest segment twice.
const FIRMS_AT_ONCE: usize = 2;

/// What starts the function: `{"schedule":"index"}`, or by a person's hand `{"rebuild":"FIRM"}`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A schedule.
    Schedule {
        /// Which one.
        schedule: Schedule,
    },
    /// Make the index of a firm again from its feed and its originals.
    Rebuild {
        /// The firm.
        rebuild: FirmId,
    },
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Bring every index that is due up to its feed.
    Index,
}

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many facts were indexed.
    pub indexed: u64,
    /// How many indexes could not be brought up to their feeds, or keepers not to their end.
    pub failed: usize,
}

/// What the function could not do at all.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// What is due could not be read; the schedule comes again in a minute.
    #[error(transparent)]
    Due(#[from] TableError),
    /// The index could not be begun again.
    #[error(transparent)]
    Rebuild(#[from] IndexingError),
}

impl From<IndexerError> for Diagnostic {
    fn from(error: IndexerError) -> Self {
        Self { error_type: "IndexerError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Brings every index that is due up to its feed, or begins one again.
///
/// Errors: the table, or S3 for a rebuild, refuses or does not answer.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, IndexerError> {
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    // Boxed, because the compiler gives up on futures that are nested so deeply.
    match event.payload {
        Input::Schedule { schedule: Schedule::Index } => {
            let output = Box::pin(index(app, app.clock.now(), &deadline)).await?;
            Tally::one(Counter::IndexRuns).publish(app.clock.now());
            Ok(output)
        }
        Input::Rebuild { rebuild } => Box::pin(self::rebuild(app, rebuild, &deadline)).await,
    }
}

/// Brings every index that is due by `until` up to its feed. One that fails holds up no other.
///
/// Errors: the table refuses or does not answer.
pub async fn index(app: &App, until: Timestamp, deadline: &Deadline) -> Result<Output, IndexerError> {
    let due = app.table.due_indexes(until).await?;
    let follow = |firm| follow(app, firm, deadline);
    let (indexed, failed) = worker::for_each_firm(&due, FIRMS_AT_ONCE, deadline, follow).await;
    if indexed > 0 || failed > 0 {
        tracing::info!(indexes = due.len(), indexed, failed, "indexes were brought up to their feeds");
    }
    Ok(Output { indexed, failed })
}

/// Makes the index of a firm again, as far as the time reaches; the schedule does the rest.
///
/// Errors: S3 refuses or does not answer.
pub async fn rebuild(app: &App, firm: FirmId, deadline: &Deadline) -> Result<Output, IndexerError> {
    app.indexer().restart(firm, None).await?;
    let indexed = follow(app, firm, deadline).await;
    Ok(Output { indexed: indexed.unwrap_or_default(), failed: usize::from(indexed.is_none()) })
}

/// How many facts were indexed; none if the index could not be brought up to its feed, or the keeper not to its end.
async fn follow(app: &App, firm: FirmId, deadline: &Deadline) -> Option<u64> {
    let indexed = follow_index(app, firm, deadline).await;
    // It is no part of the index: neither holds up the other.
    let kept = keep(app, firm, deadline).await;
    let has_failed = kept.of(Counter::KeeperFailures) > 0;
    kept.publish(app.clock.now());
    indexed.filter(|_| !has_failed)
}

/// Has the keeper follow the firm's feed. Returns what the operator learns of it: a keeper that fails, or is behind for
/// too long ([`Counter::KeeperFailures`]), and originals that are not as they were written
/// ([`Counter::EvidenceFaults`]).
pub async fn keep(app: &App, firm: FirmId, deadline: &Deadline) -> Tally {
    let (now, tally) = (app.clock.now(), Tally::default());
    match app.keeper().follow(firm, deadline).await {
        Ok(kept) => {
            tally.count(Counter::EvidenceFaults, u64::from(kept.failed > 0));
            if let Some(since) = kept.behind_since.filter(|since| *since + KEEPER_PATIENCE <= now) {
                tracing::error!(firm.id = %firm, %since, "the keeper of originals is behind");
                tally.count(Counter::KeeperFailures, 1);
            }
        }
        Err(error) => {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "originals could not be kept longer");
            tally.count(Counter::KeeperFailures, 1);
        }
    }
    tally
}

async fn follow_index(app: &App, firm: FirmId, deadline: &Deadline) -> Option<u64> {
    match app.indexer().follow(&app.table, firm, &app.clock, deadline).await {
        Ok(indexed) => Some(indexed.added),
        Err(error) => {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an index could not be brought up to its feed");
            None
        }
    }
}
