//! Mailboxes, their folders, and whether their mail is kept.

pub(super) mod folders;
pub(super) mod rules;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::{
    access::{connector::Connector, watch},
    app::App,
    aws::{
        queue::Job,
        table::{Key, Row, TableError},
    },
    base::{
        id::{ConnectorId, ExternalId, FirmId, FolderId, MailboxId, MemberId},
        telemetry::Chain,
    },
    firm::{member::Member, named::Named},
    graph::GraphUser,
    mail::{
        folder::FolderState,
        hint::{HintCode, HintText},
        mailbox::{FolderDossier, Grant, History, Mailbox, MailboxKind, MailboxState, Preparing, SinceError, Sync},
        progress::Progress,
        rules::Rules,
        selection::{Mode, Selection},
        trouble::{Fault, Thing},
        walk::HistoryProgress,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    page::{Item, Listed, Page, SortedPart},
    views::ProblemView,
};
use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, SoughtAddress, given, given_word, present},
    field::{Address, OwnId},
    language,
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
    #[schema(value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Another address of the same mailbox.
    address: Option<Address>,
    /// The member that the mailbox belongs to; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<Option<MemberId>>,
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

/// A mailbox.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailboxView {
    #[schema(value_type = String, format = "uuid")]
    id: MailboxId,
    #[schema(value_type = String, format = "uuid")]
    connector: ConnectorId,
    address: String,
    kind: MailboxKind,
    /// The member that it belongs to, if any.
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
    /// Your own id of the mailbox.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    state: MailboxStateView,
    /// The progress of the first reading of the folders; null unless the state is `preparing`.
    preparing: Option<PreparingView>,
    /// The chosen folders; null before the first choice.
    selection: Option<SelectionView>,
    rules: RulesView,
    /// The folders that stand for dossiers.
    dossiers: Vec<FolderDossierView>,
    /// Mail that arrived before this time is not archived.
    #[schema(value_type = Option<String>, format = "date-time")]
    activated_at: Option<Timestamp>,
    /// The archiving of older mail and its progress; null if there is none.
    history: Option<HistoryView>,
    /// The operator's grant for older mail.
    grant: Option<GrantView>,
    progress: ProgressView,
    /// The problem that stopped the last round if a person has to act; otherwise the problem that has lasted longest.
    problem: Option<ProblemView>,
    /// The parts that are incomplete now, with the reason. Empty if all mail is archived. An entry disappears when the
    /// part works again.
    incomplete: Vec<IncompleteView>,
    /// Recommendations for an administrator. They stop nothing. Empty in a list.
    hints: Vec<HintView>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// Whether mail is archived.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailboxStateView {
    /// Added, not activated yet.
    Inactive,
    /// New mail is being kept. Older mail that is moved into a folder counts once that folder was read for the first
    /// time.
    Preparing,
    /// Mail is being kept, older mail that is moved in included.
    Active,
    /// Nothing is read until it is activated again; then what came meanwhile is kept too.
    Paused,
}

/// The progress of the first reading of the chosen folders.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreparingView {
    /// Folders that are ready.
    ready: u32,
    /// The number of chosen folders; null until greffe has listed the folders.
    folders: Option<u32>,
}

/// A part of the mailbox that fails. Everything else continues.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncompleteView {
    part: PartView,
    /// The folder, if the part belongs to a folder.
    #[schema(value_type = Option<String>)]
    folder: Option<FolderId>,
    /// The folder's name in the mailbox's language.
    display_name: Option<String>,
    problem: ProblemView,
}

/// A part of a mailbox that can fail separately.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PartView {
    /// The mailbox as a whole.
    Mailbox,
    /// New mail of a folder.
    Folder,
    /// History or reconciliation of a folder.
    FolderList,
    /// Folders that were made or moved lately.
    FolderTree,
    /// Notifications of new mail; polls find it instead.
    Notifications,
    /// Colours of the marks.
    Categories,
    /// Marks; mail is kept without.
    Marks,
    /// Which folders a notification is about; all are read instead.
    NewestMails,
}

impl From<&Fault> for IncompleteView {
    fn from(fault: &Fault) -> Self {
        let part = match &fault.thing {
            Thing::Mailbox => PartView::Mailbox,
            Thing::Folder { .. } => PartView::Folder,
            Thing::List { .. } => PartView::FolderList,
            Thing::Tree => PartView::FolderTree,
            Thing::Notifications => PartView::Notifications,
            Thing::Categories => PartView::Categories,
            Thing::Marks => PartView::Marks,
            Thing::Newest => PartView::NewestMails,
        };
        let folder = fault.thing.folder();
        Self {
            part,
            folder: folder.map(|(id, _)| id.clone()),
            display_name: folder.map(|(_, name)| name.to_owned()),
            problem: fault.noted().into(),
        }
    }
}

/// Something that an administrator should check.
#[derive(Serialize, ToSchema)]
pub(crate) struct HintView {
    code: HintCode,
    /// What it means, in the caller's language.
    meaning: &'static str,
    /// What the Microsoft 365 administrator should do.
    next_action: &'static str,
    /// The same as commands of Exchange Online PowerShell.
    commands: Vec<String>,
}

impl HintView {
    fn list(mailbox: &Mailbox, folders: &[FolderState]) -> Vec<Self> {
        let view = |code: HintCode| {
            let HintText { meaning, next_action } = code.text(language::of_caller());
            Self { code, meaning, next_action, commands: code.commands(&mailbox.address) }
        };
        HintCode::of(mailbox, folders).into_iter().map(view).collect()
    }
}

/// The chosen folders.
#[derive(Serialize, ToSchema)]
pub(crate) struct SelectionView {
    mode: Mode,
    /// The folders that were named.
    #[schema(value_type = Vec<String>)]
    folders: Vec<FolderId>,
}

/// A folder that stands for a dossier.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderDossierView {
    /// The id of the folder.
    #[schema(value_type = String)]
    folder: FolderId,
    dossier: String,
}

/// Which mail of the chosen folders is skipped, and whether greffe sets categories.
#[derive(Serialize, ToSchema)]
pub(crate) struct RulesView {
    ignore_internal: bool,
    /// Addresses, in lower case.
    excluded_senders: Vec<String>,
    /// Domains, in lower case and ASCII.
    excluded_domains: Vec<String>,
    mark: bool,
}

impl From<Rules> for RulesView {
    fn from(Rules { ignore_internal, excluded_senders, excluded_domains, mark }: Rules) -> Self {
        Self { ignore_internal, excluded_senders, excluded_domains, mark }
    }
}

/// The progress of a mailbox. Each mail is counted once.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// Mails found that should be archived.
    discovered: i64,
    /// Originals in the archive.
    archived: i64,
    /// Skipped mails, by reason.
    skipped: SkippedView,
    /// Mails that greffe has not been able to download yet.
    failed: i64,
    /// Mails that were deleted for good before they could be read. They are not in the archive.
    gone: i64,
    /// Mails that remain to be archived, including older mail that is already counted.
    remaining: i64,
    /// Mails archived per minute, recently.
    per_minute: f64,
    /// The expected end at the present rate; null if nothing remains or nothing is being archived.
    #[schema(value_type = Option<String>, format = "date-time")]
    expected_end: Option<Timestamp>,
}

/// The archiving of older mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryView {
    /// Since this date.
    #[schema(value_type = String, format = "date")]
    since: Date,
    state: HistoryState,
    /// The number of mails; null during the count.
    total: Option<u64>,
    /// The number of mails examined.
    checked: u64,
    /// The number of mails that were not archived before.
    found: u64,
}

/// The state of the archiving of older mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HistoryState {
    /// It has not begun.
    Waiting,
    /// The mails are being counted.
    Counting,
    /// They are being taken in.
    Running,
    /// All were looked at.
    Done,
}

impl HistoryView {
    fn of(since: Date, progress: Option<HistoryProgress>) -> Self {
        let progress = progress.filter(|progress| progress.since == since);
        let state = match progress {
            None => HistoryState::Waiting,
            Some(HistoryProgress { done: true, .. }) => HistoryState::Done,
            Some(HistoryProgress { total: None, .. }) => HistoryState::Counting,
            Some(_) => HistoryState::Running,
        };
        let (listed, found) = progress.map_or((0, 0), |progress| (progress.listed, progress.found));
        Self { since, state, total: progress.and_then(|progress| progress.total), checked: listed, found }
    }

    /// Mails that were not looked at yet.
    fn ahead(&self) -> i64 {
        match self.state {
            HistoryState::Running => i64::try_from(self.total.unwrap_or(0).saturating_sub(self.checked)).unwrap_or(0),
            _ => 0,
        }
    }
}

/// What the operator granted: mail from before the activation.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantView {
    /// The earliest date.
    #[schema(value_type = String, format = "date")]
    since: Date,
    /// The last day on which the grant can be used; null for no end.
    #[schema(value_type = Option<String>, format = "date")]
    until: Option<Date>,
}

/// Skipped mails, by reason.
#[derive(Serialize, ToSchema)]
pub(crate) struct SkippedView {
    /// It is a draft.
    draft: i64,
    /// It is internal mail, excluded by a rule.
    internal: i64,
    /// From an excluded sender.
    excluded_sender: i64,
    /// From an excluded domain.
    excluded_domain: i64,
    /// It was in the folder before the activation.
    already_there: i64,
}

impl ProgressView {
    fn of(progress: Progress, ahead: i64, sync: &Sync, now: Timestamp) -> Self {
        let remaining = progress.open() + ahead;
        let per_minute = sync.per_minute(now, progress.archived);
        let ends =
            (remaining > 0 && per_minute > 0.0).then(|| Duration::from_secs_f64(remaining as f64 / per_minute * 60.0));
        let Progress { discovered, archived, failed, gone, .. } = progress;
        let skipped = SkippedView {
            draft: progress.skipped_draft,
            internal: progress.skipped_internal,
            excluded_sender: progress.skipped_excluded_sender,
            excluded_domain: progress.skipped_excluded_domain,
            already_there: progress.skipped_already_there,
        };
        let expected_end = ends.map(|ends| now + ends);
        Self { discovered, archived, skipped, failed, gone, remaining, per_minute, expected_end }
    }
}

fn view(mailbox: Mailbox, progress: Progress, sync: Option<Sync>, now: Timestamp) -> MailboxView {
    let Mailbox { id, connector, address, kind, member, external_id, state, selection, rules, dossiers, .. } = mailbox;
    let Mailbox { activated_at, created_at, .. } = mailbox;
    let sync = sync.unwrap_or_default();
    let progress = progress + sync.counts;
    let history = mailbox.history.map(|history| HistoryView::of(history.since, sync.history));
    let ahead = history.as_ref().map_or(0, HistoryView::ahead);
    let lasting = if state == MailboxState::Active { sync.faults.lasting(now) } else { Vec::new() };
    let problem = sync.problem.clone().or_else(|| lasting.first().map(|fault| fault.noted()));
    let preparing = sync.preparing.filter(|_| state == MailboxState::Active);
    MailboxView {
        id,
        connector,
        address,
        kind,
        member,
        external_id,
        state: match state {
            MailboxState::Inactive => MailboxStateView::Inactive,
            MailboxState::Active if preparing.is_some() => MailboxStateView::Preparing,
            MailboxState::Active => MailboxStateView::Active,
            MailboxState::Paused => MailboxStateView::Paused,
        },
        preparing: preparing
            .map(|Preparing { ready, folders }| PreparingView { ready, folders: (folders > 0).then_some(folders) }),
        selection: selection.map(|Selection { mode, folders }| SelectionView { mode, folders }),
        rules: rules.into(),
        dossiers: dossiers
            .into_iter()
            .map(|(folder, FolderDossier { dossier, .. })| FolderDossierView { folder, dossier })
            .collect(),
        activated_at,
        history,
        grant: mailbox.grant.map(|Grant { since, until }| GrantView { since, until }),
        progress: ProgressView::of(progress, ahead, &sync, now),
        problem: problem.map(ProblemView::from),
        incomplete: lasting.into_iter().map(IncompleteView::from).collect(),
        hints: Vec::new(),
        created_at,
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
    let (progress, sync) = tokio::try_join!(Progress::read(&app.table, firm, id), app.table.get::<Sync>(&sync))?;
    let folders = match mailbox.kind {
        MailboxKind::Shared => FolderState::all(&app.table, firm, id).await?.into_iter().map(|row| row.value).collect(),
        MailboxKind::User => Vec::new(),
    };
    let hints = HintView::list(&mailbox, &folders);
    let view = view(mailbox, progress, sync.map(|row| row.value), app.clock.now());
    Ok(Tagged(tag, MailboxView { hints, ..view }))
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
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`address_taken`, `not_connected`, `sign_in_required`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`mailbox_out_of_reach`"),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(mut new): Json<NewMailbox>,
) -> Answer<Response> {
    let external_id = new.external_id.take().map(OwnId::into_inner);
    if let Some(there) = known(&app, firm.id(), external_id.as_ref()).await? {
        return Ok(shown(&app, there).await?.into_response());
    }
    let member = match new.member {
        Some(member) => Some(of_firm(&app, firm.id(), member).await?),
        None => None,
    };
    let (connector, address, kind) = new.resolve(member.as_ref())?;
    let connector = opening(&app, firm.id(), connector).await?;
    let (user, root) = open(&app, &connector, &address, kind).await?;
    let mailbox = Mailbox {
        id: MailboxId::draw(&app.random),
        firm: firm.id(),
        connector: connector.id,
        address,
        user,
        root: Some(root),
        kind,
        member: member.map(|member| member.id),
        external_id,
        state: MailboxState::Inactive,
        // Of a shared one all is kept: it is nobody's own.
        selection: (kind == MailboxKind::Shared).then(Selection::all),
        rules: Rules::default(),
        dossiers: BTreeMap::new(),
        activated_at: None,
        history: None,
        grant: None,
        created_at: app.clock.now(),
    };
    let first = mailbox.twin(&app.table).await?;
    let is_added = match &first {
        Some(_) => false,
        None => match mailbox.insert(&app.table).await {
            // Another request added it just now.
            Err(TableError::Conflict { .. }) => false,
            inserted => inserted.map(|()| true)?,
        },
    };
    if !is_added {
        // Perhaps it was added by the same request, sent twice at once.
        if let Some(there) = known(&app, firm.id(), mailbox.external_id.as_ref()).await? {
            return Ok(shown(&app, there).await?.into_response());
        }
        let first = match first {
            Some(first) => Some(first),
            None => mailbox.twin(&app.table).await?,
        };
        let taken = first.map(|first| format!("It is the mailbox {}, which was added as {}.", first.id, first.address));
        let detail = taken.unwrap_or_else(|| "Another request adds it at this moment.".to_owned());
        return Err(Problem::new(Code::AddressTaken, detail).into());
    }
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox added");
    let location = [(header::LOCATION, format!("/v1/firms/{}/mailboxes/{}", mailbox.firm, mailbox.id))];
    let (tag, hints) = (tag(&mailbox), HintView::list(&mailbox, &[]));
    let shown = MailboxView { hints, ..view(mailbox, Progress::default(), None, app.clock.now()) };
    Ok((StatusCode::CREATED, location, Tagged(tag, shown)).into_response())
}

/// The mailbox of the firm that has this external id already.
async fn known(app: &App, firm: FirmId, external: Option<&ExternalId>) -> Answer<Option<Mailbox>> {
    let Some(external) = external else { return Ok(None) };
    let Some(id) = Named::Mailbox.find(&app.table, Some(firm), external).await? else { return Ok(None) };
    Ok(Mailbox::find(&app.table, firm, id).await?.map(|row| row.value))
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

/// The member that a request names.
async fn of_firm(app: &App, firm: FirmId, member: MemberId) -> Answer<Member> {
    let found = Member::find(&app.table, firm, member).await?;
    Ok(found.ok_or_else(|| invalid("member: the firm has none with this id"))?.value)
}

/// The connector that a request names.
async fn opening(app: &App, firm: FirmId, connector: ConnectorId) -> Answer<Connector> {
    let found = Connector::find(&app.table, firm, connector).await?;
    Ok(found.ok_or_else(|| invalid("connector: the firm has none with this id"))?.value)
}

/// Checks that the connector can open a mailbox. Returns its name in Graph's paths and the id of its root folder.
async fn open(app: &App, connector: &Connector, address: &str, kind: MailboxKind) -> Answer<(GraphUser, FolderId)> {
    let graph = app.graph(connector);
    let user = connector.reach(&graph, address, kind).await?;
    let root = graph.root_folder(&user).await?;
    watch::seen_working(app, connector).await?;
    Ok((user, root))
}

/// Changes the connector, the address or the member of a mailbox.
///
/// greffe checks that a new connector or address opens the same mailbox before it stores the change. A mailbox that was
/// paused, because its connector was deleted, stays paused until it is activated.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "update_mailbox", params(IfMatch),
    responses(
        (status = 200, body = MailboxView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`address_taken`, `not_connected`, `sign_in_required`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`mailbox_out_of_reach`: among others, it is another mailbox"),
    )
)]
pub(super) async fn change(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(change): Json<MailboxChange>,
) -> Answer<Tagged<MailboxView>> {
    let mut row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let before = row.value.clone();
    let mailbox = &mut row.value;
    if let Some(member) = change.member {
        mailbox.member = match member {
            Some(member) => Some(of_firm(&app, firm.id(), member).await?.id),
            None => None,
        };
    }
    mailbox.address = change.address.map_or_else(|| mailbox.address.clone(), Address::into_inner);
    mailbox.connector = change.connector.unwrap_or(mailbox.connector);
    let moved = mailbox.connector != before.connector;
    if change.connector.is_some() && Connector::find(&app.table, firm.id(), mailbox.connector).await?.is_none() {
        return Err(invalid("connector: the firm has none with this id"));
    }
    if moved || mailbox.address != before.address {
        let connector = opening(&app, firm.id(), mailbox.connector).await?;
        let (user, root) = open(&app, &connector, &mailbox.address, mailbox.kind).await?;
        if mailbox.root.as_ref().is_some_and(|known| *known != root) {
            let detail = format!("{} is another mailbox than {}.", mailbox.address, before.address);
            return Err(Problem::new(Code::MailboxOutOfReach, detail).into());
        }
        mailbox.user = user;
    }
    let stored = Mailbox::replace(&row, &before.address, moved, &app.table, app.clock.now()).await;
    stored.map_err(|error| match row.value.is_taken(&error) {
        true => Problem::new(Code::AddressTaken, "Another mailbox of the firm has this address.").into(),
        false => Failure::from(error),
    })?;
    tracing::info!(firm.id = %row.value.firm, mailbox.id = %row.value.id, "mailbox changed");
    if moved && row.value.state == MailboxState::Active {
        queue(&app, row.value.firm, row.value.id).await;
    }
    shown(&app, row.value).await
}

/// Deletes a mailbox: greffe no longer reads it, and its subscription ends. What was archived is kept.
///
/// Its archived mails stay in the list and can still be filed, but their categories in Outlook no longer change. You
/// can add the address again, as a new mailbox.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "delete_mailbox", params(IfMatch),
    responses((status = 204, description = "Deleted."))
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    Mailbox::delete(&row, &app.table, app.clock.now()).await?;
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
    /// Only the one with this address, in any case.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 254)]
    address: Option<SoughtAddress>,
}

/// Lists a firm's mailboxes.
///
/// With `connector`, `member`, `state` or `address`, a page may have few or no items although more follow, because one
/// request examines at most 1,000 mailboxes. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes", tag = "mailboxes", operation_id = "list_mailboxes", params(MailboxesFilter, SortedPart),
    responses((status = 200, body = Page<MailboxView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<MailboxesFilter>,
) -> Answer<Json<Page<MailboxView>>> {
    let firm = firm.id();
    let MailboxesFilter { connector, member, state, address } = filter;
    let is_filtered = connector.is_some() || member.is_some() || state.is_some() || address.is_some();
    let wanted = is_filtered.then_some(|mailbox: &Mailbox| {
        connector.is_none_or(|connector| connector == mailbox.connector)
            && (member.is_none() || member == mailbox.member)
            && state.is_none_or(|state| state == mailbox.state)
            && address.as_ref().is_none_or(|address| address.0 == mailbox.address)
    });
    let Page { items, next } = match &part.external_id {
        Some(external) => Page::of(known(&app, firm, Some(external)).await?, wanted),
        None => part.read(&app.table, &Key::mailbox_prefix(firm), |id| Key::mailbox(firm, id), wanted).await?,
    };
    let keys =
        |key: fn(FirmId, MailboxId) -> Key| items.iter().map(|mailbox| key(firm, mailbox.id)).collect::<Vec<_>>();
    let (progress, syncs) = (keys(Key::progress), keys(Key::sync));
    let (progress, syncs) =
        tokio::try_join!(app.table.get_all::<Progress>(&progress), app.table.get_all::<Sync>(&syncs))?;
    let mut progress: HashMap<Key, Progress> = progress.into_iter().map(|row| (row.key, row.value)).collect();
    let mut syncs: HashMap<Key, Sync> = syncs.into_iter().map(|row| (row.key, row.value)).collect();
    let now = app.clock.now();
    let items = items.into_iter().map(|mailbox| {
        let id = mailbox.id;
        let progress = progress.remove(&Key::progress(firm, id)).unwrap_or_default();
        view(mailbox, progress, syncs.remove(&Key::sync(firm, id)), now)
    });
    Ok(Json(Page { items: items.collect(), next }))
}

/// The date from which mail is archived.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activation {
    /// Mail since this date too, where the operator granted it; null for mail from now on.
    #[schema(value_type = Option<String>, format = "date")]
    since: Option<Date>,
}

fn refused(error: SinceError) -> Failure {
    let detail = format!("since: {error}");
    match error {
        SinceError::NoGrant | SinceError::NotSoFar(_) | SinceError::Ended(_) => {
            Problem::new(Code::GrantRequired, detail).into()
        }
        SinceError::Kept(_) | SinceError::NotPast(_) => invalid(detail),
    }
}

/// Starts archiving new mail of a mailbox, or resumes after a pause.
///
/// With `since`, older mail is archived too, if the operator has granted it. A later call can only set an earlier
/// `since`.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/activate", tag = "mailboxes", operation_id = "activate_mailbox",
    responses(
        (status = 200, body = MailboxView),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`grant_required`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`no_selection`, `connector_deleted`"),
    )
)]
pub(super) async fn activate(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    activation: Option<Json<Activation>>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    if row.value.selection.is_none() {
        return Err(Problem::new(Code::NoSelection, "Choose its folders first, with PUT on its selection.").into());
    }
    if Connector::find(&app.table, firm.id(), row.value.connector).await?.is_none() {
        return Err(
            Problem::new(Code::ConnectorDeleted, "Give the mailbox another connector first, with PATCH.").into()
        );
    }
    let now = app.clock.now();
    let history = match activation.and_then(|Json(activation)| activation.since) {
        Some(since) => History::since(&row.value, since, now).map_err(refused)?,
        None => None,
    };
    let mailbox = Mailbox::activate(row, &app.table, history, now).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox activated");
    queue(&app, mailbox.firm, mailbox.id).await;
    shown(&app, mailbox).await
}

/// Allows greffe to archive mail that arrived before the activation of a mailbox. Replaces an earlier grant.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "grant_history", params(IfMatch),
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn grant(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(GrantView { since, until }): Json<GrantView>,
) -> Answer<Tagged<MailboxView>> {
    if until.is_some_and(|until| until < since) {
        return Err(invalid("until: it is before since"));
    }
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let mailbox = Mailbox::grant(row, &app.table, Some(Grant { since, until })).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, %since, "history granted");
    shown(&app, mailbox).await
}

/// Revokes the permission to archive a mailbox's older mail. An intake that has started continues.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "revoke_history", params(IfMatch),
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn revoke(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let mailbox = Mailbox::grant(row, &app.table, None).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "grant taken back");
    shown(&app, mailbox).await
}

/// Pauses a mailbox. Mail that arrives during the pause is archived after the next activation.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/pause", tag = "mailboxes", operation_id = "pause_mailbox",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn pause(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Tagged<MailboxView>> {
    let mailbox = Mailbox::pause(find(&app, firm.id(), mailbox).await?, &app.table).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox paused");
    shown(&app, mailbox).await
}

/// Has the mailbox looked at now. Without this the schedule finds it, a little later: that is no reason to fail.
pub(super) async fn queue(app: &App, firm: FirmId, mailbox: MailboxId) {
    let cause = app.random.uuid();
    let job = Job::new(firm, mailbox, app.clock.now(), cause);
    tracing::info!(mailbox.id = %mailbox, %cause, "a look was asked for");
    if let Err(error) = app.queue.send(&job).await {
        tracing::warn!(mailbox.id = %mailbox, error = %Chain(&error), "the schedule has to find the mailbox");
    }
}
