//! How long a firm's mail is kept.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
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
    precondition::{ETag, IfMatch, Tagged, tagged},
    routes::paging::{Page, examined, page_by_name},
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

/// Which dossiers are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DossiersQuery {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    after: Option<Name>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// `id` (default): by the dossiers as they are written; `name`: case and accents make no difference. Use the same
    /// for all pages of a list.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    sort: Option<DossierSort>,
    /// Only this dossier. The answer then has its `ETag`, if it is in a class.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    dossier: Option<Name>,
    /// Only dossiers in this class.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    class: Option<Name>,
}

/// In which order dossiers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DossierSort {
    /// As they are written.
    Id,
    /// Case and accents make no difference.
    Name,
}

impl From<DossierClass> for DossierClassView {
    fn from(DossierClass { dossier, class }: DossierClass) -> Self {
        Self { dossier, class: Some(class) }
    }
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

/// Lists the dossiers that have a retention class, sorted by name.
///
/// With `class`, a page may have few or no items although more follow, because one request examines at most 1,000
/// dossiers. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "list_dossier_classes",
    params(DossiersQuery), responses((status = 200, body = Page<DossierClassView>))
)]
pub(super) async fn dossiers(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(DossiersQuery { after, limit, sort, dossier, class }): Query<DossiersQuery>,
) -> Answer<Response> {
    let (app, scope, after) = (&*app, firm, after.map(Name::into_inner));
    let firm = scope.id();
    let class = class.map(Name::into_inner);
    let wanted = class.map(|class| move |of: &DossierClass| of.class == class);
    if let Some(dossier) = dossier {
        let found = app.table.get::<DossierClass>(&Key::dossier_class(firm, &dossier.into_inner())).await?;
        let page = Page::of(found.map(|row| row.value), wanted);
        let tag = page.items.first().map(ETag::of);
        return Ok(tagged(tag, page.map(DossierClassView::from)));
    }
    if sort == Some(DossierSort::Name) {
        let (all, part) = (in_classes(app, &scope).await?, (after.as_deref(), limit.unwrap_or_default()));
        let page = page_by_name(all, |of| &of.dossier, part, wanted)?;
        return Ok(tagged(None, page.map(DossierClassView::from)));
    }
    let prefix = &Key::dossier_class_prefix(firm);
    let read = |after: Option<String>, at_once| async move {
        let after = after.map(|dossier| Key::dossier_class(firm, &dossier));
        let page = app.table.query::<DossierClass>(prefix, after.as_ref(), at_once).await?;
        let rows = page.rows.into_iter().map(|row| (row.value.dossier.clone(), row.value));
        Answer::Ok((rows.collect(), page.next.is_some()))
    };
    let (items, next) = examined(after, limit.unwrap_or_default(), read, wanted).await?;
    Ok(tagged(None, Page { items, next }.map(DossierClassView::from)))
}

/// Puts a dossier in a retention class, or takes it out of its class.
///
/// Archived mail of the dossier is kept longer within about half an hour, if the period asks for that. This never
/// shortens the time for which mail is kept. The log records who did it, and why. `If-Match` takes the `ETag` that
/// `GET` has with `dossier`; `If-None-Match: *` puts a dossier in a class only if it is in none.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/retention/dossiers", tag = "evidence", operation_id = "set_dossier_class",
    params(IfMatch), responses((status = 200, body = DossierClassView))
)]
pub(super) async fn set_class(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(DossierClassChange { dossier, class, reason }): Json<DossierClassChange>,
) -> Answer<Response> {
    let (dossier, class, reason) = (dossier.into_inner(), class.map(Name::into_inner), reason.into_inner());
    let found = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    let is_known = |class: &String| found.retention.as_ref().is_some_and(|known| known.classes.contains_key(class));
    if class.as_ref().is_some_and(|class| !is_known(class)) {
        return Err(invalid("class: there is no such class"));
    }
    let before = app.table.get::<DossierClass>(&Key::dossier_class(firm.id(), &dossier)).await?;
    condition.check_either(before.as_ref().map(|row| ETag::of(&row.value)).as_ref(), "dossier in a class")?;
    let (by, id) = (firm.by(), app.random.uuid());
    let of = class.clone().map(|class| DossierClass { dossier: dossier.clone(), class });
    let tag = of.as_ref().map(ETag::of);
    DossierClass::set(&app.feed, firm.id(), (&dossier, before), of, (&by, &reason), id).await?;
    tracing::info!(firm.id = %firm.id(), "the class of a dossier changed");
    Ok(tagged(tag, DossierClassView { dossier, class }))
}
