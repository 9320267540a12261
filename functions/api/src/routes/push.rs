//! What is pushed to a member: how it stands, and what a comparison would do now.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    access::connector::Connector,
    app::App,
    aws::table::Key,
    base::id::{EntryId, ExternalId, MemberId, Noun},
    firm::Firm,
    graph::{Homes, Place},
    problem::Problem,
    push::{Copy, Difference, Outbox, Outlook, PushLinks, PushWork, Said, Sights, Verdict, Wish, compare},
};
use utoipa::ToSchema;

use super::{members, views::ProblemView};
use crate::{
    auth::FirmScope,
    error::{Answer, not_found},
    extract::{Id, Json},
};

/// What is pushed to a member, and how it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushView {
    /// The switches; null for nothing.
    push: Option<members::Switches>,
    /// What keeps something from this member's Outlook, and what to do next.
    problem: Option<ProblemView>,
    /// How it is with dates.
    dates: NounView,
    /// How it is with contacts: what keeps dates away may leave them alone.
    contacts: NounView,
    /// When the member's Outlook was last looked at for changes.
    #[schema(value_type = Option<String>, format = "date-time")]
    checked_at: Option<Timestamp>,
    /// When all of it was last compared with what was said.
    #[schema(value_type = Option<String>, format = "date-time")]
    compared_at: Option<Timestamp>,
    /// Dates and contacts that are in Outlook, on their way, and failed.
    copies: CopyCounts,
}

/// How it is with all entries of one noun.
#[derive(Serialize, ToSchema)]
pub(crate) struct NounView {
    /// As what they are to be there; null where they are switched off.
    place: Option<Place>,
    /// What keeps all of them from this Outlook, and what to do next.
    problem: Option<ProblemView>,
    /// The name of the folder or list that they lie in, where it is not the firm's: another one of that name was there.
    container: Option<String>,
    copies: CopyCounts,
}

/// How many copies are how far.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct CopyCounts {
    /// In Outlook.
    placed: usize,
    /// On their way.
    waiting: usize,
    /// Failed: the entries say why.
    failed: usize,
}

/// Shows what is pushed to a member, and how it stands.
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
    let wish = Wish { push, language: firm.language };
    let outbox = app.table.get::<Outbox>(&Key::outbox(firm.id, member)).await?.map(|row| row.value);
    let outbox = outbox.unwrap_or_default();
    let homes = app.table.get::<Homes>(&Key::homes(firm.id, member)).await?.map(|row| row.value).unwrap_or_default();
    let now = app.clock.now();
    let copies = app.table.query_all::<Copy>(&Key::copy_prefix(firm.id, member)).await?;
    let work = app.table.query_all::<PushWork>(&Key::push_work_prefix(firm.id, member)).await?;
    let waiting: BTreeSet<EntryId> = work.iter().flat_map(|row| row.value.entries()).collect();
    let count = |nouns: &[Noun]| CopyCounts {
        placed: copies.iter().filter(|row| nouns.contains(&row.value.entry.noun) && row.value.placed.is_some()).count(),
        waiting: waiting.iter().filter(|entry| nouns.contains(&entry.noun)).count(),
        failed: copies
            .iter()
            .filter(|row| nouns.contains(&row.value.entry.noun) && row.value.failure.is_some())
            .count(),
    };
    let of = |noun| NounView {
        place: wish.place(noun),
        problem: outbox.problem_of(noun, now).cloned().map(ProblemView::from),
        container: wish.place(noun).and_then(|place| homes.names.get(&place).cloned()),
        copies: count(&[noun]),
    };
    let problem = Noun::ALL.into_iter().find_map(|noun| outbox.problem_of(noun, now)).cloned().map(ProblemView::from);
    let (dates, contacts, copies) = (of(Noun::Date), of(Noun::Contact), count(&Noun::ALL));
    let Outbox { checked_at, compared_at, .. } = outbox;
    Ok(Json(PushView { push: push.map(Into::into), problem, dates, contacts, checked_at, compared_at, copies }))
}

/// Something that a comparison would set right.
#[derive(Serialize, ToSchema)]
pub(crate) struct DifferenceView {
    noun: Noun,
    #[schema(value_type = String)]
    external_id: ExternalId,
    verdict: Verdict,
    /// The same in words.
    text: String,
}

/// What a comparison would do now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// All that is otherwise than it shall be.
    differences: Vec<DifferenceView>,
    /// How many dates and contacts are as they shall be.
    unchanged: usize,
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let text = difference.to_string();
        let Difference { entry: EntryId { noun, external }, verdict } = difference;
        Self { noun, external_id: external, verdict, text }
    }
}

/// Compares what was said with what lies in the member's Outlook, and writes nothing.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/members/{member}/push/preview", tag = "members", operation_id = "preview_push",
    responses(
        (status = 200, body = PreviewView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_connected`, `sign_in_required`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Microsoft asks to wait"),
    )
)]
pub(super) async fn preview(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
) -> Answer<Json<PreviewView>> {
    let table = &app.table;
    let member = members::find(&app, firm.id(), member).await?.value;
    let firm = Firm::find(table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let connector = Connector::find(table, firm.id, member.connector).await?.ok_or_else(|| not_found("connector"))?;
    let homes = table.get::<Homes>(&Key::homes(firm.id, member.id)).await?;
    let mut homes = homes.map(|row| row.value).unwrap_or_default();
    let copies = table.query_all::<Copy>(&Key::copy_prefix(firm.id, member.id)).await?;
    let copies: Vec<Copy> = copies.into_iter().map(|row| row.value).collect();

    let wish = Wish { push: member.push, language: firm.language };
    let graph = app.graph(&connector.value);
    let outlook = Outlook { graph, user: member.user, firm: &firm, member: member.id };
    let (mut said, mut sights) = (Said::new(), Sights::new());
    for noun in Noun::ALL {
        said.extend(outlook.said(table, &wish, noun).await?);
        if let Some(place) = wish.place(noun) {
            sights.insert(place, outlook.look(place, &mut homes, &PushLinks::new()).await?.0);
        }
    }
    let differences = compare(&wish, Some(&said), &copies, &sights, None);
    let differs: BTreeSet<&EntryId> = differences.iter().map(|difference| &difference.entry).collect();
    let unchanged = said.keys().filter(|entry| !differs.contains(entry)).count();
    let differences = differences.into_iter().map(DifferenceView::from).collect();
    Ok(Json(PreviewView { differences, unchanged }))
}
