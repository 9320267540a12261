//! Reconciliation: compares the mails in the folders with the archive.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{FolderId, ImmutableId, MailboxId, MessageId},
    mail::{
        folder::FolderState,
        mailbox::{Mailbox, MailboxState},
        sync_state::SyncState,
        trouble::Fault,
        walk::{MissingMail, Walk, WalkTally},
    },
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::{
    mailboxes::{find, queue},
    views::ProblemView,
};
use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Id, Json},
};

/// Options of a reconciliation.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReconciliation {
    /// Only report missing mail; archive nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A comparison of the folders with the archive.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReconciliationView {
    state: RunState,
    /// Whether missing mail is only reported.
    dry_run: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    began_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    /// It counts mail that arrived before this time, five minutes before it began. Newer mail is left to the usual
    /// rounds.
    #[schema(value_type = Option<String>, format = "date-time")]
    arrived_before: Option<Timestamp>,
    /// How many folders are counted; null unless it is running. The numbers grow until all are.
    counting: Option<CountingView>,
    /// When the next automatic one starts.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_at: Option<Timestamp>,
    /// All folders together.
    #[serde(flatten)]
    total: TallyView,
    folders: Vec<FolderTally>,
}

/// How far it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RunState {
    /// There was none yet.
    Never,
    /// It is under way, or about to begin.
    Running,
    /// It is done.
    Done,
}

/// The progress of a comparison that is running.
#[derive(Serialize, ToSchema)]
struct CountingView {
    /// Folders that are counted to their end.
    counted: usize,
    /// All folders that are compared.
    folders: usize,
}

/// Numbers of mails.
#[derive(Serialize, ToSchema)]
struct TallyView {
    /// They lie there.
    listed: u64,
    /// How many of them are to be archived.
    due: u64,
    /// How many of them are archived.
    kept: u64,
    /// Missing mails. greffe archives them unless this is a dry run.
    found: u64,
}

impl From<WalkTally> for TallyView {
    fn from(WalkTally { listed, due, kept, found }: WalkTally) -> Self {
        Self { listed, due, kept, found }
    }
}

/// One folder.
#[derive(Serialize, ToSchema)]
struct FolderTally {
    #[schema(value_type = String)]
    id: FolderId,
    display_name: String,
    #[serde(flatten)]
    tally: TallyView,
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
    /// Examples of the missing mails.
    missing: Vec<MissingView>,
    /// The problem that stops the listing of this folder; null if there is none. Until it is solved, the reconciliation
    /// stays open.
    problem: Option<ProblemView>,
}

/// A mail that should be archived and was missing.
#[derive(Serialize, ToSchema)]
struct MissingView {
    /// Its id in greffe, once it is archived.
    #[schema(value_type = String)]
    message: MessageId,
    /// Microsoft's id.
    #[schema(value_type = String)]
    immutable_id: ImmutableId,
    #[schema(value_type = String, format = "date-time")]
    received_at: Timestamp,
}

impl FolderTally {
    fn of(mailbox: MailboxId, folder: &FolderState, walk: &Walk) -> Self {
        let missing = walk.missing.iter().cloned().map(|MissingMail { immutable_id, received_at }| MissingView {
            message: MessageId::of(mailbox, &immutable_id),
            immutable_id,
            received_at,
        });
        Self {
            id: folder.id().clone(),
            display_name: folder.place.display_name.clone(),
            tally: walk.tally.into(),
            ended_at: walk.ended_at,
            missing: missing.collect(),
            problem: walk.trouble.clone().map(|trouble| Fault { thing: folder.list(), trouble }.noted().into()),
        }
    }
}

async fn shown(app: &App, mailbox: &Mailbox) -> Answer<ReconciliationView> {
    let (firm, id) = (mailbox.firm, mailbox.id);
    let key = Key::sync(firm, id);
    let (sync, folders) = tokio::try_join!(app.table.get::<SyncState>(&key), FolderState::all(&app.table, firm, id))?;
    let sync = sync.map(|row| row.value).unwrap_or_default();
    let run = sync.reconciliation;
    let walked =
        |folder: &FolderState| folder.comparison.clone().filter(|walk| Some(walk.run) == run.map(|run| run.run));
    let selection = mailbox.selection.as_ref();
    let compared = selection.map_or(0, |chosen| chosen.kept(folders.iter().map(|row| &row.value.place)).len());
    let walks: Vec<(FolderState, Walk)> =
        folders.into_iter().filter_map(|row| walked(&row.value).map(|walk| (row.value, walk))).collect();
    let total = walks.iter().map(|(_, walk)| walk.tally).fold(WalkTally::default(), |a, b| a + b);
    let counted = walks.iter().filter(|(_, walk)| walk.ended_at.is_some()).count();
    let counting = run.filter(|run| run.ended_at.is_none()).map(|_| CountingView { counted, folders: compared });
    Ok(ReconciliationView {
        state: match run {
            None => RunState::Never,
            Some(run) if run.ended_at.is_some() => RunState::Done,
            Some(_) => RunState::Running,
        },
        dry_run: run.is_some_and(|run| run.dry_run),
        began_at: run.map(|run| run.run),
        ended_at: run.and_then(|run| run.ended_at),
        arrived_before: run.map(|run| run.until()),
        counting,
        next_at: sync.reconcile_at,
        total: total.into(),
        folders: walks.iter().map(|(folder, walk)| FolderTally::of(id, folder, walk)).collect(),
    })
}

/// Shows the running or the last reconciliation of a mailbox. greffe runs one about once a day.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes/{mailbox}/reconciliation", tag = "mailboxes",
    operation_id = "read_reconciliation", responses((status = 200, body = ReconciliationView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Json<ReconciliationView>> {
    let mailbox = find(&app, firm.id(), mailbox).await?.value;
    Ok(Json(shown(&app, &mailbox).await?))
}

/// Starts a reconciliation of a mailbox: it compares the chosen folders with the archive.
///
/// It finds mail that Microsoft did not report, and archives it. A dry run only counts it.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/reconcile", tag = "mailboxes", operation_id = "reconcile_mailbox",
    responses(
        (status = 202, body = ReconciliationView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`mailbox_inactive`"),
    )
)]
pub(super) async fn start(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    new: Option<Json<NewReconciliation>>,
) -> Answer<impl IntoResponse> {
    let mailbox = find(&app, firm.id(), mailbox).await?.value;
    if mailbox.state != MailboxState::Active {
        return Err(Problem::new(Code::MailboxInactive, "The mailbox is not active.").into());
    }
    let dry_run = new.is_some_and(|Json(new)| new.dry_run);
    SyncState::reconcile(&app.table, mailbox.firm, mailbox.id, dry_run, app.clock.now()).await?;
    queue(&app, mailbox.firm, mailbox.id).await;
    Ok((StatusCode::ACCEPTED, Json(shown(&app, &mailbox).await?)))
}
