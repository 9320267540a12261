//! Firms.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::deletion::delete_firm,
    app::App,
    aws::table::Key,
    base::{
        id::{ExternalId, FirmId},
        language::Language,
    },
    firm::{
        Firm, ListedFirm,
        audit::{Actor, AuditEntry, source_ip},
        external_id::ExternalIdOwner,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, RequestId, invalid, not_found, not_named},
    extract::{Json, given, present},
    field::{Domain, Name, OwnId, TimeZone},
    precondition::{ETag, IfMatch, Tagged},
    routes::{
        creation::{Creation, create_once},
        paging::{Item, Listed, Page, PageQuery, Sort},
    },
};

/// Most domains of one firm.
const DOMAINS_MAX: usize = 100;

/// A new firm.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFirm {
    name: Name,
    /// The firm's own mail domains: at most 100.
    domains: Vec<Domain>,
    language: Language,
    time_zone: TimeZone,
    /// The operator's own id of the firm. If a firm has it already, that one is returned, and none is created.
    #[serde(default)]
    external_id: Option<OwnId>,
}

/// A change of a firm. Omitted fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirmChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    /// At most 100.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 100)]
    domains: Option<Vec<Domain>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    language: Option<Language>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    time_zone: Option<TimeZone>,
    /// Whether later mails of a conversation that was filed are filed to the same dossier.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    replies_follow: Option<bool>,
    /// Whether new mail is filed to the dossier that it would be proposed for by its contacts.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    file_by_contact: Option<bool>,
    /// The operator's own id of the firm; null for none. Needs the operator's key.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<Option<OwnId>>,
}

/// A firm.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirmView {
    #[schema(value_type = String, format = "uuid")]
    id: FirmId,
    name: String,
    domains: Vec<String>,
    language: Language,
    time_zone: String,
    /// Whether later mails of a conversation that was filed are filed to the same dossier.
    replies_follow: bool,
    /// Whether new mail is filed to the dossier that it would be proposed for by its contacts.
    file_by_contact: bool,
    /// The operator's own id of the firm.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it was deleted; null if it was not. What was archived can still be read with the operator's key.
    #[schema(value_type = Option<String>, format = "date-time")]
    ended_at: Option<Timestamp>,
}

impl From<Firm> for FirmView {
    fn from(firm: Firm) -> Self {
        let Firm { id, name, domains, language, time_zone, replies_follow, external_id, created_at, ended_at, .. } =
            firm;
        let file_by_contact = firm.file_by_contact.is_some();
        Self {
            id,
            name,
            domains,
            language,
            time_zone,
            replies_follow,
            file_by_contact,
            external_id,
            created_at,
            ended_at,
        }
    }
}

/// A firm with its tag.
fn shown(firm: Firm) -> Tagged<FirmView> {
    Tagged(tag(&firm), firm.into())
}

fn tag(firm: &Firm) -> ETag {
    let Firm { name, domains, language, time_zone, replies_follow, file_by_contact, ended_at, external_id, .. } = firm;
    ETag::of(&(name, domains, language, time_zone, replies_follow, file_by_contact, ended_at, external_id))
}

fn read_domains(domains: Vec<Domain>) -> Answer<Vec<String>> {
    if domains.len() > DOMAINS_MAX {
        return Err(invalid(format!("domains: at most {DOMAINS_MAX}")));
    }
    Ok(domains.into_iter().map(Domain::into_inner).collect::<BTreeSet<_>>().into_iter().collect())
}

/// The firm that has this external id already.
async fn known(app: &App, external: Option<&ExternalId>) -> Answer<Option<Firm>> {
    Ok(ExternalIdOwner::Firm.existing(&app.table, None, external, Key::firm).await?)
}

/// Creates a firm, with its mail domains, language and time zone.
#[utoipa::path(
    post, path = "/v1/firms", tag = "firms", operation_id = "create_firm",
    responses(
        (status = 200, body = FirmView, description = "A firm has this `external_id` already: it is as shown."),
        (status = 201, body = FirmView, headers(("Location" = String, description = "The firm's address"))),
    )
)]
pub(super) async fn create(
    _: Operator,
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    Json(new): Json<NewFirm>,
) -> Answer<Response> {
    let firm = Firm {
        id: FirmId::draw(&app.random),
        name: new.name.into_inner(),
        domains: read_domains(new.domains)?,
        language: new.language,
        replies_follow: false,
        file_by_contact: None,
        retention: None,
        time_zone: new.time_zone.into_inner(),
        marks: None,
        external_id: new.external_id.map(OwnId::into_inner),
        created_at: app.clock.now(),
        ended_at: None,
    };
    // The gate can't note what is done to a firm that is not there yet.
    let made = AuditEntry {
        at: firm.created_at,
        who: Actor::Operator,
        action: "POST /v1/firms".to_owned(),
        path: "/v1/firms".to_owned(),
        from: source_ip(&headers),
        request: request.into_inner(),
        outcome: Some(StatusCode::CREATED.as_u16()),
    };
    let known = || known(&app, firm.external_id.as_ref());
    let create = async { Ok(firm.insert(&app.table, &made).await?) };
    if let Creation::Existing(there) = create_once(known, create).await? {
        return Ok(shown(there).into_response());
    }
    tracing::info!(firm.id = %firm.id, "firm created");
    let location = [(header::LOCATION, format!("/v1/firms/{}", firm.id))];
    Ok((StatusCode::CREATED, location, shown(firm)).into_response())
}

/// Which firms are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FirmsFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// `true`: only those that were deleted; `false`: only those that were not.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<bool>)]
    ended: Option<bool>,
}

impl Item for Firm {
    type Id = FirmId;

    fn id(&self) -> FirmId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// Lists all firms. A deleted firm has `ended_at`.
///
/// With `ended`, a page may have few or no items although more follow. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms", tag = "firms", operation_id = "list_firms", params(FirmsFilter, PageQuery),
    responses((status = 200, body = Page<FirmView>))
)]
pub(super) async fn list(
    _: Operator,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<FirmsFilter>,
) -> Answer<Json<Page<FirmView>>> {
    let is_wanted = |firm: &Firm| filter.ended.is_none_or(|ended| ended == firm.ended_at.is_some());
    let shown =
        |page: Page<Firm>| Json(Page { items: page.items.into_iter().map(FirmView::from).collect(), next: page.next });
    if filter.external_id.is_some() {
        return Ok(shown(Page::of(known(&app, filter.external_id.as_ref()).await?, Some(is_wanted))));
    }
    let prefix = Key::listed_firm_prefix();
    let page = match part.sort.unwrap_or_default() {
        Sort::Id => {
            let (app, prefix) = (&app, &prefix);
            let read = |after: Option<FirmId>, at_once| async move {
                let edge = after.map(Key::listed_firm);
                let page = app.table.query::<ListedFirm>(prefix, edge.as_ref(), at_once).await?;
                let firms = all_firms(app, page.rows.iter().map(|row| &row.value)).await?;
                let mut firms: HashMap<FirmId, Firm> = firms.into_iter().map(|firm| (firm.id, firm)).collect();
                let rows = page.rows.into_iter().map(|row| (row.value.id, firms.remove(&row.value.id)));
                Ok((rows.collect(), page.next.is_some()))
            };
            let wanted = filter.ended.is_some().then_some(|firm: &Option<Firm>| firm.as_ref().is_some_and(is_wanted));
            let Page { items, next } = part.by_id(prefix, read, wanted).await?;
            Page { items: items.into_iter().flatten().collect(), next }
        }
        _ => {
            let listed = app.table.query_all::<ListedFirm>(&prefix).await?;
            part.cut(&prefix, all_firms(&app, listed.iter().map(|row| &row.value)).await?, Some(is_wanted))?
        }
    };
    Ok(shown(page))
}

async fn all_firms(app: &App, listed: impl Iterator<Item = &ListedFirm>) -> Answer<Vec<Firm>> {
    let keys: Vec<Key> = listed.map(|listed| Key::firm(listed.id)).collect();
    Ok(app.table.get_all(&keys).await?.into_iter().map(|row| row.value).collect())
}

/// Shows a firm: its name, mail domains, language, time zone and settings.
#[utoipa::path(
    get, path = "/v1/firms/{firm}", tag = "firms", operation_id = "read_firm",
    responses((status = 200, body = FirmView))
)]
pub(super) async fn read(firm: FirmScope, State(app): State<Arc<App>>) -> Answer<Tagged<FirmView>> {
    let firm = Firm::find(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    Ok(shown(firm))
}

/// Changes the given fields of a firm.
///
/// If you change the language, the Outlook categories to which you gave no names of your own get their names in the new
/// language, and dates and contacts in Outlook are updated within a day.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}", tag = "firms", operation_id = "update_firm", params(IfMatch),
    responses(
        (status = 200, body = FirmView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`external_id_taken`"),
    )
)]
pub(super) async fn change(
    scope: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
    Json(change): Json<FirmChange>,
) -> Answer<Tagged<FirmView>> {
    // It is the operator's word for the firm, and unique among all firms.
    if change.external_id.is_some() && !scope.is_operator() {
        return Err(Problem::new(
            Code::OperatorKeyNeeded,
            "external_id: a firm's key can't set it. Nothing was changed.",
        )
        .into());
    }
    let mut row = Firm::row(&app.table, scope.id()).await?.ok_or_else(|| not_found("firm"))?;
    let firm = &mut row.value;
    let before = firm.external_id.clone();
    condition.check(&tag(firm))?;
    firm.name = change.name.map_or_else(|| firm.name.clone(), Name::into_inner);
    firm.time_zone = change.time_zone.map_or_else(|| firm.time_zone.clone(), TimeZone::into_inner);
    firm.replies_follow = change.replies_follow.unwrap_or(firm.replies_follow);
    if let Some(wanted) = change.file_by_contact {
        firm.file_by_contact = firm.file_by_contact.take().or_else(|| Some(scope.by())).filter(|_| wanted);
    }
    if let Some(domains) = change.domains {
        firm.domains = read_domains(domains)?;
    }
    if let Some(language) = change.language {
        firm.set_language(language);
    }
    if let Some(external_id) = change.external_id {
        firm.external_id = external_id.map(OwnId::into_inner);
    }
    let external_id = firm.external_id.clone();
    let stored = Firm::replace(&row, before.as_ref(), &app.table).await;
    stored.map_err(|error| not_named(ExternalIdOwner::Firm, None, external_id.as_ref(), error))?;
    tracing::info!(firm.id = %row.value.id, "firm changed");
    Ok(shown(row.value))
}

/// Deletes a firm and ends greffe's access to its Microsoft 365. Archived mail is kept.
///
/// The firm's keys, webhooks and connectors are deleted; its mailboxes are paused and their subscriptions end; nothing
/// more is pushed to its members. greffe removes the credentials that it created at Entra, and deletes the stored
/// client secret. The operator can still read the firm and its mail; nobody can change them. Its `external_id` can be
/// given to another firm. This can't be undone. If the request is interrupted, send it again: greffe then
/// finishes the remaining steps and answers 204.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}", tag = "firms", operation_id = "delete_firm", params(IfMatch),
    responses(
        (status = 204, description = "Deleted."),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`conflict`: greffe is changing the firm's credential at this moment"
        ),
    )
)]
pub(super) async fn delete(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let row = Firm::row(&app.table, firm.id()).await?.ok_or_else(|| not_found("firm"))?;
    condition.check(&tag(&row.value))?;
    Box::pin(delete_firm(&app, row)).await?;
    tracing::info!(firm.id = %firm.id(), "firm deleted");
    Ok(StatusCode::NO_CONTENT)
}
