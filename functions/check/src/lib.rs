//! Checks a share of each firm's archive a day (`shared/src/evidence/check.rs`): it reads, and tells what it found.
//!
//! The schedule starts it each hour. A firm whose share of the day was checked is passed over, so one that failed, or
//! for which time was too short, is checked an hour later.

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::{
        secrets::{EVIDENCE_KEY, SecretError},
        table::TableError,
        worker::Deadline,
    },
    base::{
        id::FirmId,
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    evidence::{check::Checker, report::EvidenceFinding},
};

/// What starts the function: `{"schedule":"check"}`.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Which schedule.
    pub schedule: Schedule,
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Check what is due.
    Check,
}

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many firms were checked.
    pub checked: usize,
    /// How many things are not as they were written.
    pub findings: usize,
    /// How many firms could not be checked; they are due still.
    pub failed: usize,
}

/// Nothing can be checked; the schedule comes again in an hour.
#[derive(Debug, thiserror::Error)]
pub enum CheckStartError {
    /// The firms can't be listed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The key can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl From<CheckStartError> for Diagnostic {
    fn from(error: CheckStartError) -> Self {
        Self { error_type: "CheckStartError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Checks the archives that are due.
///
/// Errors: the firms can't be listed, or the key can't be read. An archive that can't be checked is in the output.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, CheckStartError> {
    let Input { schedule: Schedule::Check } = event.payload;
    let deadline = Deadline::before(event.context.deadline, app.clock.clone());
    // Boxed, because the compiler gives up on a future that is nested so deeply.
    let output = Box::pin(check(app, &deadline)).await?;
    Tally::one(Counter::CheckRuns).publish(app.clock.now());
    Ok(output)
}

/// Checks the archives that are due, one after another. One that can't be checked holds up no other. One that takes the
/// whole time of a run does so for that run only, because each hour begins with another firm.
///
/// Errors: the table or Secrets Manager refuses or does not answer.
pub async fn check(app: &App, deadline: &Deadline) -> Result<Output, CheckStartError> {
    let mut output = Output { checked: 0, findings: 0, failed: 0 };
    let key = app.secrets.read(EVIDENCE_KEY).await?;
    let (table, feed, store, clock, random) = (&app.table, &app.feed, &app.logs, &app.clock, &app.random);
    let checker = Checker { table, feed, store, key: &key, lock_days: app.config.lock_days, clock, random };
    match store.bucket.find_other_rules().await {
        Ok(findings) => output.findings += tell(app, None, findings),
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "the lifecycle rules could not be checked");
            output.failed += 1;
        }
    }
    let mut firms = app.table.due_logs(Timestamp::MAX).await?;
    let hour = usize::try_from(clock.now().as_second() / 3_600).unwrap_or_default();
    let begins_with = hour % firms.len().max(1);
    firms.rotate_left(begins_with);
    for firm in firms {
        if deadline.is_near() {
            break;
        }
        match deadline.cut_off().hold(Box::pin(checker.check(firm))).await {
            None => {
                tracing::error!(firm.id = %firm, "an archive was not checked in the time of one run");
                output.failed += 1;
            }
            Some(Ok(None)) => {}
            Some(Ok(Some(findings))) => {
                output.checked += 1;
                output.findings += tell(app, Some(firm), findings);
            }
            Some(Err(error)) => {
                tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an archive could not be checked");
                output.failed += 1;
            }
        }
    }
    Ok(output)
}

/// Tells the operator what was found of a firm, or of what all firms share; how much it is.
fn tell(app: &App, firm: Option<FirmId>, findings: Vec<EvidenceFinding>) -> usize {
    let count = findings.len();
    let firm = firm.map(|firm| firm.to_string());
    for EvidenceFinding { kind, what, detail } in findings {
        tracing::error!(firm.id = firm, ?kind, what, detail, "the evidence is not as it was written");
        Tally::one(Counter::EvidenceFaults).publish(app.clock.now());
    }
    count
}
