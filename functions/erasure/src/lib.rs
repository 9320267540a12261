//! Previews and carries out erasures (`shared/src/evidence/erasure/`): the only function that may delete
//! what is archived.
//!
//! The schedule starts it, and nothing else: it does what the index `due` lists, and carries out nothing that was not
//! confirmed. One that is cut off is due again.

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::{table::TableError, worker::Deadline},
    base::{
        id::{ErasureId, FirmId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    evidence::erasure::ErasureOrder,
};

/// What starts the function: `{"schedule":"erase"}`.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Which schedule.
    pub schedule: Schedule,
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Preview what was requested, and erase what was confirmed.
    Erase,
}

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many erasures were previewed, refused or carried out.
    pub done: usize,
    /// How many could not be ended; they are due again.
    pub failed: usize,
}

/// What is due could not be done whole; the schedule comes again in a minute.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// What is due could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Erasures that were begun could not be ended.
    #[error("{0} erasures could not be ended: see the lines before this one")]
    Failed(usize),
}

impl From<ErasureError> for Diagnostic {
    fn from(error: ErasureError) -> Self {
        Self { error_type: "ErasureError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Works at every erasure that is due.
///
/// Errors: what is due can't be read, or erasures that were begun did not end.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, ErasureError> {
    let Input { schedule: Schedule::Erase } = event.payload;
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    // Boxed, because the compiler gives up on a future that is nested so deeply.
    let output = Box::pin(erase(app, app.clock.now(), &deadline)).await?;
    Tally::one(Counter::EraseRuns).publish(app.clock.now());
    // An error rings the alarm.
    if output.failed > 0 { Err(ErasureError::Failed(output.failed)) } else { Ok(output) }
}

/// Works at every erasure that is due by `until`, one after another.
///
/// Errors: the table refuses or does not answer.
pub async fn erase(app: &App, until: Timestamp, deadline: &Deadline) -> Result<Output, ErasureError> {
    let mut output = Output { done: 0, failed: 0 };
    for erasure in app.table.due_erasures(until).await? {
        if deadline.is_near() {
            break;
        }
        match Box::pin(work(app, erasure, until, deadline)).await {
            Ok(done) => output.done += usize::from(done),
            Err(error) => {
                let (firm, id) = erasure;
                tracing::error!(firm.id = %firm, erasure.id = %id, error = %ErrorChain(error.as_ref()), "an erasure did not end");
                output.failed += 1;
            }
        }
    }
    Ok(output)
}

/// Whether it was this function's turn, and ended.
async fn work(
    app: &App,
    erasure: (FirmId, ErasureId),
    until: Timestamp,
    deadline: &Deadline,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let Some(order) = ErasureOrder::take(&app.table, erasure, until).await? else { return Ok(false) };
    let eraser = app.eraser();
    let work = ErasureOrder::work(order, &eraser);
    match deadline.cut_off().hold(Box::pin(work)).await {
        Some(ended) => Ok(ended.map(|_| true)?),
        // Cut off as by a kill: what is erased is erased, and the rest is gone on with.
        None => {
            ErasureOrder::give_back(&app.table, erasure, app.clock.now()).await?;
            Ok(false)
        }
    }
}
