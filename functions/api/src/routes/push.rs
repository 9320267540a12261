//! The state of what is pushed to a member, and a preview of the next comparison.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    access::connector::Connector,
    app::App,
    aws::table::Key,
    base::id::{EntryId, EntryKind, ExternalId, MemberId},
    firm::Firm,
    graph::{ItemContainers, OutlookItemKind},
    problem::{Code, Problem},
    push::{
        Copy, Difference, Outbox, Outlook, PushChoice, PushWork, Verdict,
        preview::{self, PreviewError, PushPreview},
    },
};
use utoipa::ToSchema;

use super::{members, views::ProblemView};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, not_found},
    extract::{Id, Json},
};

/// What greffe writes to a member's Outlook, and its state.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushView {
    /// What greffe writes to this member's Outlook; null for nothing.
    push: Option<members::Switches>,
    /// The problem that stops writing to this member's Outlook, and the next action.
    problem: Option<ProblemView>,
    /// The state of dates.
    dates: PushKindView,
    /// The state of contacts.
    contacts: PushKindView,
    /// When greffe last checked the member's Outlook for changes.
    #[schema(value_type = Option<String>, format = "date-time")]
    checked_at: Option<Timestamp>,
    /// When greffe last compared all items with the entries.
    #[schema(value_type = Option<String>, format = "date-time")]
    compared_at: Option<Timestamp>,
    /// The number of dates and contacts in each state.
    copies: CopyCounts,
}

/// The state of all dates or of all contacts.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushKindView {
    /// The kind of item in Outlook; null if they are switched off.
    place: Option<OutlookItemKind>,
    /// The problem that stops all of them, and the next action.
    problem: Option<ProblemView>,
    /// The name of the folder or list, if it differs from the firm's name because that name was in use.
    container: Option<String>,
    copies: CopyCounts,
}

/// The number of copies in each state.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct CopyCounts {
    /// In Outlook.
    placed: usize,
    /// Not written yet.
    waiting: usize,
    /// Failed. The entries show the reason.
    failed: usize,
}

/// Shows how many dates and contacts are in a member's Outlook, and what keeps others out.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/members/{member}/push", tag = "members", operation_id = "read_push",
    responses((status = 200, body = PushView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
) -> Answer<Json<PushView>> {
    let push = members::find(&app, firm.id(), member).await?.value.push;
    let firm = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let wish = PushChoice { push, language: firm.language };
    let outbox = app.table.get::<Outbox>(&Key::outbox(firm.id, member)).await?.map(|row| row.value);
    let outbox = outbox.unwrap_or_default();
    let containers = app
        .table
        .get::<ItemContainers>(&Key::containers(firm.id, member))
        .await?
        .map(|row| row.value)
        .unwrap_or_default();
    let now = app.clock.now();
    let copies = app.table.query_all::<Copy>(&Key::copy_prefix(firm.id, member)).await?;
    let work = app.table.query_all::<PushWork>(&Key::push_work_prefix(firm.id, member)).await?;
    let waiting: BTreeSet<EntryId> = work.iter().flat_map(|row| row.value.waiting()).collect();
    let failed: BTreeSet<&EntryId> =
        copies.iter().filter(|row| row.value.has_failed()).map(|row| &row.value.entry).collect();
    let count = |kinds: &[EntryKind]| CopyCounts {
        placed: copies.iter().filter(|row| kinds.contains(&row.value.entry.kind) && row.value.placed.is_some()).count(),
        // What failed is tried again, and counted once.
        waiting: waiting.iter().filter(|entry| kinds.contains(&entry.kind) && !failed.contains(entry)).count(),
        failed: failed.iter().filter(|entry| kinds.contains(&entry.kind)).count(),
    };
    let of = |kind| PushKindView {
        place: wish.place(kind),
        problem: outbox.problem_of(kind, now).cloned().map(ProblemView::from),
        container: wish.place(kind).and_then(|place| containers.names.get(&place).cloned()),
        copies: count(&[kind]),
    };
    let problem =
        EntryKind::ALL.into_iter().find_map(|kind| outbox.problem_of(kind, now)).cloned().map(ProblemView::from);
    let (dates, contacts, copies) = (of(EntryKind::Date), of(EntryKind::Contact), count(&EntryKind::ALL));
    let Outbox { checked_at, compared_at, .. } = outbox;
    Ok(Json(PushView { push: push.map(Into::into), problem, dates, contacts, checked_at, compared_at, copies }))
}

/// A difference that greffe would correct.
#[derive(Serialize, ToSchema)]
pub(crate) struct DifferenceView {
    #[serde(rename = "noun")]
    kind: EntryKind,
    #[schema(value_type = String)]
    external_id: ExternalId,
    verdict: Verdict,
    /// The difference in words.
    text: String,
}

/// The result of a comparison.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// The differences.
    differences: Vec<DifferenceView>,
    /// The number of dates and contacts that are up to date.
    unchanged: usize,
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let text = difference.to_string();
        let Difference { entry: EntryId { kind, external }, verdict } = difference;
        Self { kind, external_id: external, verdict, text }
    }
}

impl From<PreviewError> for Failure {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::Graph(error) if error.concerns_service() => Problem::of_service(error).into(),
            PreviewError::Graph(error) => error.into(),
            PreviewError::Table(error) => error.into(),
        }
    }
}

/// Compares a member's dates and contacts with the member's Outlook. Changes nothing.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/members/{member}/push/preview", tag = "members", operation_id = "preview_push",
    responses(
        (status = 200, body = PreviewView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`connector_deleted`, `not_connected`, `sign_in_required`"
        ),
        (
            status = 422, body = Problem, content_type = "application/problem+json",
            description = "`push_forbidden`: Microsoft refuses the dates, the tasks or the contacts of this member"
        ),
        (
            status = 503, body = Problem, content_type = "application/problem+json",
            description = "Microsoft asks greffe to wait"
        ),
    )
)]
pub(super) async fn preview(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
) -> Answer<Json<PreviewView>> {
    let (id, member) = (firm.id(), members::find(&app, firm.id(), member).await?.value);
    let firm = Firm::find(&app.table, id).await?.ok_or_else(|| not_found("firm"))?;
    let connector = Connector::find(&app.table, id, member.connector).await?;
    let deleted = || Problem::new(Code::ConnectorDeleted, "The member's connector was deleted.");
    let connector = connector.ok_or_else(deleted)?;
    let wish = PushChoice { push: member.push, language: firm.language };
    let graph = app.graph(&connector.value);
    let outlook = Outlook { graph, user: member.user, firm: &firm, member: member.id };
    let PushPreview { differences, unchanged } = preview::preview(&outlook, &app.table, &wish).await?;
    let differences = differences.into_iter().map(DifferenceView::from).collect();
    Ok(Json(PreviewView { differences, unchanged }))
}
