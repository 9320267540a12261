//! How long a firm's mail is kept.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    firm::{
        Firm,
        retention::{CLASSES_MAX, PERIOD_YEARS, Retention, RetentionPeriod},
    },
    mail::retention_keeper::{DossierClass, set_periods},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found},
    extract::{Json, Query, given, given_word},
    field::{Limit, Name},
    precondition::{ETag, IfMatch, Tagged},
    routes::page::Page,
};

/// A class of dossiers with its period.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClass {
    name: Name,
    /// For how many years mail of such dossiers is kept after the end of the calendar year in which it was received, if
    /// that is longer than by default. Null keeps it for ever.
    #[schema(required, minimum = 1, maximum = 90)]
    #[serde(deserialize_with = "Option::deserialize")]
    years: Option<u16>,
}

/// How long mail is to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionChange {
    /// For how many years mail is kept after the end of the calendar year in which it was received. Null keeps it for
    /// ever.
    #[schema(required, minimum = 1, maximum = 90)]
    #[serde(deserialize_with = "Option::deserialize")]
    default_years: Option<u16>,
    /// All classes of dossiers: at most 20. A class that a dossier is in can't be left out.
    #[schema(max_items = 20)]
    classes: Vec<NewClass>,
    /// Why. It stays in the archive.
    reason: Name,
}

/// A class of dossiers with its period.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClassView {
    name: String,
    /// For how many years mail of such dossiers is kept after the end of the calendar year in which it was received, if
    /// that is longer than by default; null for ever.
    years: Option<u16>,
}

/// How long mail is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct RetentionView {
    /// For how many years mail is kept after the end of the calendar year in which it was received; null for ever.
    default_years: Option<u16>,
    classes: Vec<ClassView>,
}

/// The class of a dossier.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DossierClassChange {
    /// The dossier's id or name in the business application.
    dossier: Name,
    /// The name of the class; null for none.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    class: Option<Name>,
    /// Why. It stays in the archive.
    reason: Name,
}

/// A dossier and its class.
#[derive(Serialize, ToSchema)]
pub(crate) struct DossierClassView {
    dossier: String,
    /// The name of the class; null for none.
    class: Option<String>,
}

/// Which part of the list of dossiers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DossierPart {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    after: Option<Name>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

impl From<Option<Retention>> for RetentionView {
    fn from(retention: Option<Retention>) -> Self {
        let Retention { default, classes } = retention.unwrap_or_default();
        let class = |(name, years): (String, Option<RetentionPeriod>)| ClassView { name, years: years.map(u16::from) };
        Self { default_years: default.map(u16::from), classes: classes.into_iter().map(class).collect() }
    }
}

fn period(field: &str, years: Option<u16>) -> Answer<Option<RetentionPeriod>> {
    let read = years.map(RetentionPeriod::try_from).transpose();
    read.map_err(|_| invalid(format!("{field}: {} to {}, or null", PERIOD_YEARS.start(), PERIOD_YEARS.end())))
}

async fn in_classes(app: &App, firm: &FirmScope) -> Answer<Vec<DossierClass>> {
    let found = app.table.query_all::<DossierClass>(&Key::dossier_class_prefix(firm.id())).await?;
    Ok(found.into_iter().map(|row| row.value).collect())
}

/// Shows how long the firm's mail is kept: by default, and by class of dossier.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/retention", tag = "evidence", operation_id = "read_retention",
    responses((status = 200, body = RetentionView))
)]
pub(super) async fn read(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Tagged<RetentionView>> {
    let found = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    Ok(shown_periods(found.retention))
}

fn shown_periods(periods: Option<Retention>) -> Tagged<RetentionView> {
    let view = RetentionView::from(periods);
    Tagged(ETag::of(&view), view)
}

/// Sets how long the firm's mail is kept: by default, and by class of dossier.
///
/// A mail is kept for the default period or that of its dossier's class, whichever is longer. The period begins at the
/// end of the calendar year (UTC) in which the mail was received. A mail is kept at least until the end of the year in
/// which it was archived. Without any period it is kept for ever; so is a mail that is or was filed to a dossier under
/// a legal hold. A longer period holds for archived mail, too, within about half an hour. A shorter one holds for new
/// mail only: for archived mail, request an erasure with the target `retention`. The log records who changed the
/// periods, and why.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/retention", tag = "evidence", operation_id = "set_retention", params(IfMatch),
    responses((status = 200, body = RetentionView))
)]
pub(super) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(change): Json<RetentionChange>,
) -> Answer<Tagged<RetentionView>> {
    if change.classes.len() > CLASSES_MAX {
        return Err(invalid(format!("classes: at most {CLASSES_MAX}")));
    }
    let default = period("default_years", change.default_years)?;
    let mut classes = BTreeMap::new();
    for NewClass { name, years } in change.classes {
        if classes.insert(name.into_inner(), period("classes.years", years)?).is_some() {
            return Err(invalid("classes: two have the same name"));
        }
    }
    if let Some(used) = in_classes(&app, &firm).await?.into_iter().find(|of| !classes.contains_key(&of.class)) {
        return Err(invalid(format!("classes: dossier {} is in class {}", used.dossier, used.class)));
    }
    let row = Firm::row(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let Tagged(now, _) = shown_periods(row.value.retention.clone());
    condition.check(&now)?;
    let (by, reason, id) = (firm.by(), change.reason.into_inner(), app.random.uuid());
    let changed = set_periods(&app.feed, row, Retention { default, classes }, (&by, &reason), id).await?;
    tracing::info!(firm.id = %firm.id(), "retention periods changed");
    Ok(shown_periods(changed.retention))
}

/// Lists the dossiers that are in a class, by their names.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "list_dossier_classes",
    params(DossierPart), responses((status = 200, body = Page<DossierClassView>))
)]
pub(super) async fn dossiers(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(DossierPart { after, limit }): Query<DossierPart>,
) -> Answer<Json<Page<DossierClassView>>> {
    let (prefix, limit) = (Key::dossier_class_prefix(firm.id()), limit.unwrap_or_default().get());
    let after = after.map(|dossier| Key::dossier_class(firm.id(), &dossier.into_inner()));
    let page = app.table.query::<DossierClass>(&prefix, after.as_ref(), limit).await?;
    let next = page.next.and_then(|_| page.rows.last().map(|row| row.value.dossier.clone()));
    let views = page.rows.into_iter().map(|row| row.value);
    let views = views.map(|DossierClass { dossier, class }| DossierClassView { dossier, class: Some(class) });
    Ok(Json(Page { items: views.collect(), next }))
}

/// Puts a dossier in a retention class, or takes it out of its class.
///
/// Archived mail of the dossier is kept longer within about half an hour, if the period asks for that. This
/// never shortens the time for which mail is kept. The log records who did it, and why.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "set_dossier_class",
    responses((status = 200, body = DossierClassView))
)]
pub(super) async fn set_class(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(DossierClassChange { dossier, class, reason }): Json<DossierClassChange>,
) -> Answer<Json<DossierClassView>> {
    let (dossier, class, reason) = (dossier.into_inner(), class.map(Name::into_inner), reason.into_inner());
    let found = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let is_known = |class: &String| found.retention.as_ref().is_some_and(|known| known.classes.contains_key(class));
    if class.as_ref().is_some_and(|class| !is_known(class)) {
        return Err(invalid("class: there is no such class"));
    }
    let (by, id) = (firm.by(), app.random.uuid());
    DossierClass::set(&app.feed, firm.id(), (&dossier, class.as_deref()), (&by, &reason), id).await?;
    tracing::info!(firm.id = %firm.id(), "the class of a dossier changed");
    Ok(Json(DossierClassView { dossier, class }))
}
