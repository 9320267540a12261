//! A firm's marks: the categories that greffe sets in Outlook.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    firm::{Firm, marks::Marks},
    graph::{CategoryName, Color, Mark},
};
use utoipa::ToSchema;

use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found},
    extract::Json,
    precondition::{ETag, IfMatch, Tagged},
};

/// One mark: a category of Outlook.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Mark)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkView {
    /// The category's name, which is the mark.
    name: CategoryName,
    /// The category's colour. greffe does not change the colour of a category that exists already.
    color: Color,
}

impl From<Mark> for MarkView {
    fn from(Mark { name, color }: Mark) -> Self {
        Self { name, color }
    }
}

impl From<MarkView> for Mark {
    fn from(MarkView { name, color }: MarkView) -> Self {
        Self { name, color }
    }
}

/// A firm's marks in Outlook.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarksView {
    /// Of a mail that was received.
    received: MarkView,
    /// Of a mail that is filed.
    filed: MarkView,
}

impl From<Marks> for MarksView {
    fn from(marks: Marks) -> Self {
        Self { received: marks.received.into(), filed: marks.filed.into() }
    }
}

/// Shows the names and colours of the Outlook categories that greffe sets on a firm's mail.
///
/// They follow the firm's language unless the firm has set its own.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/marks", tag = "firms", operation_id = "read_marks",
    responses((status = 200, body = MarksView))
)]
pub(super) async fn read(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Tagged<MarksView>> {
    let firm = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    Ok(shown_marks(firm.marks()))
}

fn shown_marks(marks: Marks) -> Tagged<MarksView> {
    let view = MarksView::from(marks);
    Tagged(ETag::of(&view), view)
}

/// Sets the names and colours of the Outlook categories that greffe sets on a firm's mail.
///
/// A mail that already has a category keeps it until it is filed or taken out of its dossier.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/marks", tag = "firms", operation_id = "set_marks", params(IfMatch),
    responses((status = 200, body = MarksView))
)]
pub(super) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(new): Json<MarksView>,
) -> Answer<Tagged<MarksView>> {
    let marks = Marks::new(new.received.into(), new.filed.into());
    let marks = marks.ok_or_else(|| invalid("filed.name: it is the name of the other mark"))?;
    let row = Firm::row(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let Tagged(now, _) = shown_marks(row.value.marks());
    condition.check(&now)?;
    let marks = Firm::mark_with(row, &app.table, marks).await?;
    tracing::info!(firm.id = %firm.id(), "marks set");
    Ok(shown_marks(marks))
}
