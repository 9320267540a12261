//! Mailboxes, their folders, and whether their mail is kept.

pub(super) mod activation;
pub(super) mod folders;
pub(super) mod rules;
mod view;

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    access::mailbox_access::{self, MailboxAccessError, MailboxChanges, MailboxToAdd},
    app::App,
    aws::{
        queue::MailboxJob,
        table::{Key, Row},
    },
    base::{
        id::{ConnectorId, ExternalId, FirmId, MailboxId, MemberId},
        telemetry::ErrorChain,
    },
    firm::{external_id::ExternalIdOwner, member::Member},
    mail::{
        folder::FolderState,
        mailbox::{Mailbox, MailboxKind, MailboxState},
        mailbox_progress::Progress,
        sync_state::SyncState,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use self::view::{HintView, MailboxView, view};
use super::{
    creation::{Creation, create_once},
    paging::{Item, Listed, Page, PageQuery},
};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, SoughtAddress, given, given_word, present},
    field::{Address, OwnId},
    precondition::{ETag, IfMatch, Tagged},
};

/// A new mailbox.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMailbox {
    /// The connector that opens it. Defaults to the member's.
    #[schema(value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Defaults to the member's address.
    address: Option<Address>,
    /// Defaults to `user`.
    kind: Option<MailboxKind>,
    /// The member that the mailbox belongs to. greffe uses the member's address, and the member's connector if none is
    /// given.
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
    /// Your own id of the mailbox. If a mailbox of the firm has it already, that one is returned, and none is added.
    #[serde(default)]
    external_id: Option<OwnId>,
}

/// A change of a mailbox. Omitted fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailboxChange {
    /// Another connector, which has to open the same mailbox.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Another address of the same mailbox.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    address: Option<Address>,
    /// The member that the mailbox belongs to; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<Option<MemberId>>,
    /// Your own id, by which a repeated creation finds it; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<Option<OwnId>>,
}

impl NewMailbox {
    /// The connector, the address and whose mailbox it is.
    fn resolve(self, member: Option<&Member>) -> Answer<(ConnectorId, String, MailboxKind)> {
        let missing = |field| invalid(format!("{field}: it is missing"));
        match member {
            Some(_) if self.address.is_some() => Err(invalid("address: it follows from the member")),
            Some(_) if self.kind == Some(MailboxKind::Shared) => Err(invalid("kind: a member's mailbox is not shared")),
            Some(member) => Ok((self.connector.unwrap_or(member.connector), member.address.clone(), MailboxKind::User)),
            None => Ok((
                self.connector.ok_or_else(|| missing("connector"))?,
                self.address.ok_or_else(|| missing("address"))?.into_inner(),
                self.kind.ok_or_else(|| missing("kind"))?,
            )),
        }
    }
}

/// Which state of a mailbox it is: of its settings, not of its progress.
pub(super) fn tag(mailbox: &Mailbox) -> ETag {
    ETag::of(mailbox)
}

/// The mailbox as it is at this moment, with how far it is.
pub(super) async fn shown(app: &App, mailbox: Mailbox) -> Answer<Tagged<MailboxView>> {
    let tag = tag(&mailbox);
    let (firm, id) = (mailbox.firm, mailbox.id);
    let sync = Key::sync(firm, id);
    let (progress, sync) = tokio::try_join!(Progress::read(&app.table, firm, id), app.table.get::<SyncState>(&sync))?;
    let folders = match mailbox.kind {
        MailboxKind::Shared => FolderState::all(&app.table, firm, id).await?.into_iter().map(|row| row.value).collect(),
        MailboxKind::User => Vec::new(),
    };
    let hints = HintView::list(&mailbox, &folders);
    let view = view(mailbox, progress, sync.map(|row| row.value), app.clock.now());
    Ok(Tagged(tag, view.with_hints(hints)))
}

pub(super) async fn find(app: &App, firm: FirmId, id: MailboxId) -> Answer<Row<Mailbox>> {
    Mailbox::find(&app.table, firm, id).await?.ok_or_else(|| not_found("mailbox"))
}

/// Adds a mailbox, after checking that the connector can open it.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes", tag = "mailboxes", operation_id = "create_mailbox",
    responses(
        (status = 200, body = MailboxView, description = "A mailbox has this `external_id` already: it is as shown."),
        (status = 201, body = MailboxView, headers(("Location" = String, description = "The mailbox's address"))),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`address_taken`, `not_connected`, `sign_in_required`"
        ),
        (
            status = 422, body = Problem, content_type = "application/problem+json",
            description = "`mailbox_out_of_reach`"
        ),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(mut new): Json<NewMailbox>,
) -> Answer<Response> {
    let external_id = new.external_id.take().map(OwnId::into_inner);
    let known = || known(&app, firm.id(), external_id.as_ref());
    let create = async {
        let member = match new.member {
            Some(member) => Some(mailbox_access::named_member(&app, firm.id(), member).await?),
            None => None,
        };
        let (connector, address, kind) = new.resolve(member.as_ref())?;
        let (member, external_id) = (member.map(|member| member.id), external_id.clone());
        let to_add = MailboxToAdd { connector, address, kind, member, external_id };
        Ok(mailbox_access::add_mailbox(&app, firm.id(), to_add).await?)
    };
    let mailbox = match create_once(known, create).await? {
        Creation::New(mailbox) => mailbox,
        Creation::Existing(there) => return Ok(shown(&app, there).await?.into_response()),
    };
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox added");
    let location = [(header::LOCATION, format!("/v1/firms/{}/mailboxes/{}", mailbox.firm, mailbox.id))];
    let (tag, hints) = (tag(&mailbox), HintView::list(&mailbox, &[]));
    let shown = view(mailbox, Progress::default(), None, app.clock.now()).with_hints(hints);
    Ok((StatusCode::CREATED, location, Tagged(tag, shown)).into_response())
}

impl From<MailboxAccessError> for Failure {
    fn from(error: MailboxAccessError) -> Self {
        let detail = error.to_string();
        match error {
            MailboxAccessError::UnknownConnector | MailboxAccessError::UnknownMember => invalid(detail),
            MailboxAccessError::Taken(..) | MailboxAccessError::TakenJustNow | MailboxAccessError::AddressTaken => {
                Problem::new(Code::AddressTaken, detail).into()
            }
            MailboxAccessError::ConnectorDeleted => Problem::new(Code::ConnectorDeleted, detail).into(),
            MailboxAccessError::ExternalIdTaken => Problem::new(Code::ExternalIdTaken, detail).into(),
            MailboxAccessError::AnotherMailbox { .. } => Problem::new(Code::MailboxOutOfReach, detail).into(),
            MailboxAccessError::Reach(error) => error.into(),
            MailboxAccessError::Feed(error) => error.into(),
        }
    }
}

/// The mailbox of the firm that has this external id already.
async fn known(app: &App, firm: FirmId, external: Option<&ExternalId>) -> Answer<Option<Mailbox>> {
    Ok(ExternalIdOwner::Mailbox.existing(&app.table, Some(firm), external, |id| Key::mailbox(firm, id)).await?)
}

impl Item for Mailbox {
    type Id = MailboxId;

    fn id(&self) -> MailboxId {
        self.id
    }

    fn name(&self) -> &str {
        &self.address
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// Changes the connector or the address of a mailbox, or the member that it is linked to.
///
/// greffe checks that a new connector or address opens the same mailbox before it stores the change. A mailbox that was
/// paused, because its connector was deleted, stays paused until it is activated.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "update_mailbox",
    params(IfMatch),
    responses(
        (status = 200, body = MailboxView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`address_taken`, `external_id_taken`, `connector_deleted`, `not_connected`, `sign_in_required`"
        ),
        (
            status = 422, body = Problem, content_type = "application/problem+json",
            description = "`mailbox_out_of_reach`: among others, it is another mailbox"
        ),
    )
)]
pub(super) async fn change(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(change): Json<MailboxChange>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let before = row.value.connector;
    let changes = MailboxChanges {
        connector: change.connector,
        address: change.address.map(Address::into_inner),
        member: change.member,
        external_id: change.external_id.map(|id| id.map(OwnId::into_inner)),
    };
    let mailbox = mailbox_access::change_mailbox(&app, row, changes).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox changed");
    if mailbox.connector != before && mailbox.state == MailboxState::Active {
        queue(&app, mailbox.firm, mailbox.id).await;
    }
    shown(&app, mailbox).await
}

/// Deletes a mailbox: greffe no longer reads it, and its subscription ends. What was archived is kept.
///
/// Its archived mails stay in the list and can still be filed, but their categories in Outlook no longer change. You
/// can add the address again, as a new mailbox.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "delete_mailbox",
    params(IfMatch), responses((status = 204, description = "Deleted."))
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    Mailbox::delete(&row, (&app.table, &app.feed), app.clock.now()).await?;
    tracing::info!(firm.id = %firm.id(), mailbox.id = %mailbox, "mailbox deleted");
    queue(&app, firm.id(), mailbox).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a mailbox, its settings and its progress.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "read_mailbox",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Tagged<MailboxView>> {
    shown(&app, find(&app, firm.id(), mailbox).await?.value).await
}

/// Which mailboxes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MailboxesFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// Only those that this connector opens.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Only those of this member.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
    /// Only those that are so; `active` has those that are `preparing`, too.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    state: Option<MailboxState>,
    /// Only those of this kind.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    kind: Option<MailboxKind>,
    /// Only the one with this address, in any case.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 254, pattern = r"^[^\s@]+@[^\s@]+$")]
    address: Option<SoughtAddress>,
}

/// Lists a firm's mailboxes, with their states and progress.
///
/// With `connector`, `member`, `state`, `kind` or `address`, a page may have few or no items although more follow,
/// because one request examines at most 1,000 mailboxes. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes", tag = "mailboxes", operation_id = "list_mailboxes",
    params(MailboxesFilter, PageQuery), responses((status = 200, body = Page<MailboxView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<MailboxesFilter>,
) -> Answer<Json<Page<MailboxView>>> {
    let firm = firm.id();
    let MailboxesFilter { external_id, connector, member, state, kind, address } = filter;
    let of_mailbox = state.is_some() || kind.is_some() || address.is_some();
    let is_filtered = connector.is_some() || member.is_some() || of_mailbox;
    let wanted = is_filtered.then_some(|mailbox: &Mailbox| {
        connector.is_none_or(|connector| connector == mailbox.connector)
            && (member.is_none() || member == mailbox.member)
            && state.is_none_or(|state| state == mailbox.state)
            && kind.is_none_or(|kind| kind == mailbox.kind)
            && address.as_ref().is_none_or(|address| address.0 == mailbox.address)
    });
    let Page { items, next } = match &external_id {
        Some(external) => Page::of(known(&app, firm, Some(external)).await?, wanted),
        None => part.read(&app.table, &Key::mailbox_prefix(firm), |id| Key::mailbox(firm, id), wanted).await?,
    };
    let keys =
        |key: fn(FirmId, MailboxId) -> Key| items.iter().map(|mailbox| key(firm, mailbox.id)).collect::<Vec<_>>();
    let (progress, syncs) = (keys(Key::progress), keys(Key::sync));
    let (progress, syncs) =
        tokio::try_join!(app.table.get_all::<Progress>(&progress), app.table.get_all::<SyncState>(&syncs))?;
    let mut progress: HashMap<Key, Progress> = progress.into_iter().map(|row| (row.key, row.value)).collect();
    let mut syncs: HashMap<Key, SyncState> = syncs.into_iter().map(|row| (row.key, row.value)).collect();
    let now = app.clock.now();
    let items = items.into_iter().map(|mailbox| {
        let id = mailbox.id;
        let progress = progress.remove(&Key::progress(firm, id)).unwrap_or_default();
        view(mailbox, progress, syncs.remove(&Key::sync(firm, id)), now)
    });
    Ok(Json(Page { items: items.collect(), next }))
}

/// Has the mailbox looked at now. Without this the schedule finds it, a little later: that is no reason to fail.
pub(super) async fn queue(app: &App, firm: FirmId, mailbox: MailboxId) {
    let cause = app.random.uuid();
    let job = MailboxJob::new(firm, mailbox, app.clock.now(), cause);
    tracing::info!(mailbox.id = %mailbox, %cause, "a look was asked for");
    if let Err(error) = app.queue.send(&job).await {
        tracing::warn!(mailbox.id = %mailbox, error = %ErrorChain(&error), "the schedule has to find the mailbox");
    }
}
