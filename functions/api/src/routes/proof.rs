//! The log that proves what was archived, and proofs that are checked without greffe.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{AppendHeaders, IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::{
        digest::Digest,
        id::{FirmId, MessageId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    evidence::{
        check::ArchiveCheck,
        checkpoint::origin,
        inclusion_proof::{ProofError, SignedLog},
        proof_package::{FILES_BYTES_MAX, PackageError, ProofPackage},
    },
    firm::{Firm, log_due::LogDue},
    mail::message::Message,
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::messages::find;
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, not_found},
    extract::{Id, Json, Query, given},
};

/// How often the schedule looks for logs that are due.
const SCHEDULE: Duration = Duration::from_secs(60);

/// The state of a firm's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogView {
    /// The name of the log, which its keys bear too.
    #[schema(example = "greffe/firms/d0a0e2e3-d7aa-4873-a333-409ad942fa5e")]
    origin: String,
    /// How many entries it has: entry `n` tells of event `n`. 0 if nothing is logged yet.
    size: u64,
    /// The root of the tree over them (RFC 6962), in hexadecimal digits.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    root: Option<Digest>,
    /// The checkpoint: name, size and root, signed (c2sp.org/tlog-checkpoint). Keep a copy: with it, nobody can show
    /// you another history later.
    checkpoint: Option<String>,
    /// The keys that signed it (c2sp.org/signed-note): all of them while one is replaced, else one. Empty until the
    /// first events are appended. Note them down: what they signed is the firm's.
    keys: Vec<String>,
    /// When greffe appends next, if there are new events by then.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_append_at: Option<Timestamp>,
    /// The last check of the archive; null before the first. greffe checks a share each day, and everything within four
    /// weeks.
    checked: Option<LastCheck>,
}

/// What the last check of the archive found.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastCheck {
    /// When it was made.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// The originals that it looked at.
    originals: u64,
    /// How many things are not as they were written. The operator has to act if it is not 0.
    findings: u64,
}

/// What goes with a proof.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// Whether the original goes with it; default `true`. Where it is too large for one answer, ask without it and
    /// download it by `/content`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<bool>)]
    original: Option<bool>,
}

/// A ZIP file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes bytes that flow")]
struct ProofZip(Vec<u8>);

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::NotArchived => Problem::new(Code::NotArchived, "The message has no original.").into(),
            PackageError::NotLogged { number } => {
                Problem::new(Code::NotInLog, format!("Event {number} is not in the log yet.")).into()
            }
            PackageError::Altered { .. } | PackageError::Proof(ProofError::Broken { .. }) => altered(&error),
            PackageError::Table(error) => error.into(),
            PackageError::Feed(error) => error.into(),
            error @ (PackageError::Proof(ProofError::Log(_)) | PackageError::BrokenOff { .. }) => {
                Self::Internal(error.into())
            }
        }
    }
}

fn altered(error: &(dyn std::error::Error + 'static)) -> Failure {
    tracing::error!(error = %ErrorChain(error), "what proves a message is not as it was written");
    let detail = format!("{}.", ErrorChain(error));
    Problem::new(Code::EvidenceAltered, detail).into()
}

/// Rings the operator's alarm where something is not as it was written.
fn noted<T>(app: &App, result: Result<T, PackageError>) -> Answer<T> {
    if matches!(result, Err(PackageError::Altered { .. } | PackageError::Proof(ProofError::Broken { .. }))) {
        Tally::one(Counter::EvidenceFaults).publish(app.clock.now());
    }
    Ok(result?)
}

/// A proof of what the log does not reach yet is there after the next append: `Retry-After` says when that is. One that
/// is due comes with the next run of the schedule.
async fn waiting(app: &App, firm: FirmId, result: Answer<ProofPackage>) -> Answer<ProofPackage> {
    match result {
        Err(Failure::Told(problem)) if problem.code == Code::NotInLog => {
            let due = app.table.get::<LogDue>(&Key::log_due(firm)).await?.and_then(|row| row.value.due_at());
            let wait = due.map(|due| due.duration_since(app.clock.now())).filter(|wait| wait.is_positive());
            Err(Failure::later(*problem, wait.map_or(SCHEDULE, |wait| wait.unsigned_abs())))
        }
        result => result,
    }
}

/// Shows the state of the firm's transparency log, which proves what was archived, and the public keys to verify it.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/log", tag = "messages", operation_id = "read_log",
    responses(
        (status = 200, body = LogView),
        (status = 500, body = Problem, content_type = "application/problem+json", description = "`evidence_altered`"),
    )
)]
pub(super) async fn log(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<LogView>> {
    let origin = origin(firm.id());
    let due = app.table.get::<LogDue>(&Key::log_due(firm.id())).await?.map(|row| row.value);
    let (size, next_append_at) = due.map_or((0, None), |due| (due.size, due.due_at()));
    let checked = app.table.get::<ArchiveCheck>(&Key::archive_check(firm.id())).await?.map(|row| row.value);
    let checked =
        checked.map(|check| LastCheck { at: check.checked_at, originals: check.originals, findings: check.findings });
    if size == 0 {
        let (root, checkpoint, keys) = (None, None, Vec::new());
        return Ok(Json(LogView { origin, size, root, checkpoint, keys, next_append_at, checked }));
    }
    let opened = SignedLog::open(&app.logs, firm.id(), size).await;
    let log = noted(&app, opened.map_err(PackageError::from))?;
    let (root, keys) = (Some(log.checkpoint.root), log.keys.texts().to_vec());
    Ok(Json(LogView { origin, size, root, checkpoint: Some(log.note), keys, next_append_at, checked }))
}

/// Downloads a ZIP file that proves that a mail was not changed. It has the original, the proof, and a page in the
/// firm's language that explains how to check it without greffe.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/proof", tag = "messages", operation_id = "read_proof",
    params(ProofQuery),
    responses(
        (status = 200, body = ProofZip, content_type = "application/zip",
            headers(("Content-Disposition" = String, description = "`attachment`, and a name for the file"))),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "`not_archived`, or `not_in_log`: try again after the next append"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`answer_too_large`"),
        (status = 500, body = Problem, content_type = "application/problem+json", description = "`evidence_altered`"),
    )
)]
pub(super) async fn message(
    scope: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<MessageId>,
    Query(which): Query<ProofQuery>,
) -> Answer<Response> {
    let whole = which.original.unwrap_or(true);
    let found = find(&app, scope.id(), id).await?;
    if whole {
        fits(&app, &found)?;
    }
    let firm = Firm::find(&app.table, scope.id()).await?.ok_or_else(|| not_found("firm"))?;
    let package = noted(&app, app.packer().message(&firm, &found, whole).await);
    let package = waiting(&app, scope.id(), package).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, package.bytes().to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"proof-{}.zip\"", id.local())),
    ];
    Ok((AppendHeaders(headers), Body::from_stream(package.into_stream())).into_response())
}

/// Errors: the ZIP file would be larger than an answer may be.
fn fits(app: &App, found: &Message) -> Answer<()> {
    let bytes = found.original().map_or(0, |original| original.bytes.saturating_add(FILES_BYTES_MAX));
    let largest = app.config.content_bytes_max;
    if bytes <= largest {
        return Ok(());
    }
    let detail = format!(
        "With the original it has up to {bytes} bytes, and one answer at most {largest}: ask with original=false, and \
         download the original by /content."
    );
    Err(Problem::new(Code::AnswerTooLarge, detail).into())
}
