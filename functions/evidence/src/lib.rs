//! Appends the facts of each firm's feed to its transparency log (`shared/src/evidence`).
//!
//! The schedule starts it. It needs no queue: the index `due` lists the logs that are due, a log that failed stays due,
//! and two appenders of one log do no harm.

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
};

/// Logs that are appended to side by side.
const FIRMS_AT_ONCE: usize = 8;

/// What starts the function: `{"schedule":"append"}`.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Which schedule.
    pub schedule: Schedule,
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Append to every log that is due.
    Append,
}

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many entries were appended.
    pub appended: u64,
    /// How many logs could not be appended to.
    pub failed: usize,
}

/// What is due could not be read; the schedule comes again in a minute.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EvidenceError(#[from] TableError);

impl From<EvidenceError> for Diagnostic {
    fn from(error: EvidenceError) -> Self {
        Self { error_type: "EvidenceError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Appends to every log that is due.
///
/// Errors: what is due can't be read. A log that can't be appended to is in the output.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, EvidenceError> {
    let Input { schedule: Schedule::Append } = event.payload;
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    // Boxed, because the compiler gives up on a future that is nested so deeply.
    let output = Box::pin(append(app, app.clock.now(), &deadline)).await?;
    Tally::one(Counter::AppendRuns).publish(app.clock.now());
    Ok(output)
}

/// Appends to every log that is due by `until`. One that can't be appended to holds up no other.
///
/// Errors: the table refuses or does not answer.
pub async fn append(app: &App, until: Timestamp, deadline: &Deadline) -> Result<Output, EvidenceError> {
    let due = app.table.due_logs(until).await?;
    let follow = |firm| follow(app, firm, deadline);
    let (appended, failed) = worker::for_each_firm(&due, FIRMS_AT_ONCE, deadline, follow).await;
    if appended > 0 || failed > 0 {
        tracing::info!(logs = due.len(), appended, failed, "logs were brought up to their feeds");
    }
    Ok(Output { appended, failed })
}

/// How many entries were appended; none if the log could not be appended to.
async fn follow(app: &App, firm: FirmId, deadline: &Deadline) -> Option<u64> {
    match app.appender().follow(&app.table, firm, &app.clock, app.config.log_pause, deadline).await {
        Ok(appended) => {
            stamp(app, firm, appended.size).await;
            Some(appended.added)
        }
        Err(error) => {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "a log could not be appended to");
            None
        }
    }
}

/// Has the log's checkpoint stamped, if an authority is named and it is time. What fails is tried again when the log is
/// due next.
async fn stamp(app: &App, firm: FirmId, size: u64) {
    let Some(authority) = &app.stamps else { return };
    match authority.stamp_if_due((&app.table, &app.logs), firm, size, app.clock.now()).await {
        Ok(true) => tracing::info!(firm.id = %firm, size, "a checkpoint was stamped"),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "a checkpoint could not be stamped");
            Tally::one(Counter::StampFailures).publish(app.clock.now());
        }
    }
}
