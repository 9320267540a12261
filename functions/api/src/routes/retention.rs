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
    mail::keeper::{DossierClass, set_periods},
};
use utoipa::ToSchema;

use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found},
    extract::Json,
    field::Name,
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

/// A dossier that is in a class.
#[derive(Serialize, ToSchema)]
pub(crate) struct DossierClassView {
    dossier: String,
    /// The name of the class.
    class: String,
}

/// The dossiers that are in a class.
#[derive(Serialize, ToSchema)]
pub(crate) struct DossierClasses {
    items: Vec<DossierClassView>,
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
pub(super) async fn read(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<RetentionView>> {
    let found = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    Ok(Json(found.retention.into()))
}

/// Sets how long the firm's mail is kept: by default, and by class of dossier.
///
/// A mail is kept for the longer of the two periods, from the end of the calendar year (UTC) in which it was received,
/// and at least until the end of the year in which it was archived. Without any period it is kept for ever; so is a
/// mail that is or was filed to a dossier under a legal hold. A longer period holds for archived mail, too, within
/// about half an hour. A shorter one holds for new mail only: for archived mail, request an erasure with the target
/// `retention`. The log records who changed the periods, and why.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/retention", tag = "evidence", operation_id = "set_retention",
    responses((status = 200, body = RetentionView))
)]
pub(super) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(change): Json<RetentionChange>,
) -> Answer<Json<RetentionView>> {
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
    let (by, reason, id) = (firm.by(), change.reason.into_inner(), app.random.uuid());
    let changed = set_periods(&app.feed, row, Retention { default, classes }, (&by, &reason), id).await?;
    tracing::info!(firm.id = %firm.id(), "retention periods changed");
    Ok(Json(changed.retention.into()))
}

/// Lists the dossiers that are in a class.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "list_dossier_classes",
    responses((status = 200, body = DossierClasses))
)]
pub(super) async fn dossiers(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Json<DossierClasses>> {
    let view = |DossierClass { dossier, class }| DossierClassView { dossier, class };
    Ok(Json(DossierClasses { items: in_classes(&app, &firm).await?.into_iter().map(view).collect() }))
}

/// Puts a dossier in a retention class, or takes it out of its class.
///
/// Archived mail of the dossier is kept longer within about half an hour, if the period asks for that. It is never kept
/// less long by this. The log records who did it, and why.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "set_dossier_class",
    responses((status = 200, body = DossierClasses))
)]
pub(super) async fn set_class(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(DossierClassChange { dossier, class, reason }): Json<DossierClassChange>,
) -> Answer<Json<DossierClasses>> {
    let (dossier, class, reason) = (dossier.into_inner(), class.map(Name::into_inner), reason.into_inner());
    let found = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let is_known = |class: &String| found.retention.as_ref().is_some_and(|known| known.classes.contains_key(class));
    if class.as_ref().is_some_and(|class| !is_known(class)) {
        return Err(invalid("class: there is no such class"));
    }
    let (by, id) = (firm.by(), app.random.uuid());
    DossierClass::set(&app.feed, firm.id(), (&dossier, class.as_deref()), (&by, &reason), id).await?;
    tracing::info!(firm.id = %firm.id(), "the class of a dossier changed");
    dossiers(firm, State(app)).await
}
