//! Mailboxes, their folders, and whether their mail is kept.

pub(super) mod folders;
pub(super) mod rules;

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
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
        id::{ConnectorId, FirmId, FolderId, MailboxId, MemberId},
        telemetry::Chain,
    },
    firm::member::Member,
    mail::{
        folder::FolderState,
        hint::{HintCode, HintText},
        mailbox::{Grant, History, Mailbox, MailboxKind, MailboxState, Preparing, Progress, SinceError, Sync},
        rules::Rules,
        selection::{Mode, Selection},
        trouble::{Fault, Thing},
        walk::HistoryProgress,
    },
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::{
    page::{Page, Part},
    views::ProblemView,
};
use crate::{
    auth::{FirmScope, Operator},
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, Query},
    field::Address,
    language,
};

/// A mailbox to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMailbox {
    /// The connector that opens it; null for the member's.
    #[schema(value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Null for the member's.
    address: Option<Address>,
    /// Null for `user`, which a member's is.
    kind: Option<MailboxKind>,
    /// The member whose mailbox it is: its address and, unless one is named, its connector are taken.
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
}

impl NewMailbox {
    /// The connector, the address and whose mailbox it is.
    fn resolve(self, member: Option<&Member>) -> Answer<(ConnectorId, String, MailboxKind)> {
        let missing = |field| invalid(format!("missing field `{field}`"));
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
    /// The member whose it is, if it was added for one.
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
    state: MailboxStateView,
    /// How far the first reading of the folders is; null unless the state is `preparing`.
    preparing: Option<PreparingView>,
    /// Which folders are kept; null while none were chosen.
    selection: Option<SelectionView>,
    rules: RulesView,
    /// Mail that arrived before is not kept.
    #[schema(value_type = Option<String>, format = "date-time")]
    activated_at: Option<Timestamp>,
    /// Older mail that is kept all the same, and how far that is; null for none.
    history: Option<HistoryView>,
    /// What the operator granted.
    grant: Option<GrantView>,
    progress: ProgressView,
    /// What kept the last round from its end, if a person has to act; else what fails longest.
    problem: Option<ProblemView>,
    /// What is not complete at the moment, and why. It ends by itself. Empty while all is in.
    incomplete: Vec<IncompleteView>,
    /// What an administrator should see to, although it keeps nothing from working; empty in a list.
    hints: Vec<HintView>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// Whether mail is being kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailboxStateView {
    /// Added, not activated yet.
    Inactive,
    /// New mail is being kept. Older mail that is moved into a folder counts once that folder was read for the first time.
    Preparing,
    /// Mail is being kept, older mail that is moved in included.
    Active,
    /// Nothing is read until it is activated again; then what came meanwhile is kept too.
    Paused,
}

/// How many of the chosen folders were read for the first time.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreparingView {
    /// Folders that are ready.
    ready: u32,
    /// Folders that are kept; 0 while they are being looked up.
    folders: u32,
}

/// A part of the mailbox that fails by itself, while all else goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncompleteView {
    part: PartView,
    /// The folder, where the part is one of a folder.
    #[schema(value_type = Option<String>)]
    folder: Option<FolderId>,
    /// The folder's name in the mailbox's language.
    display_name: Option<String>,
    problem: ProblemView,
}

/// What can fail by itself.
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

/// What an administrator should see to.
#[derive(Serialize, ToSchema)]
pub(crate) struct HintView {
    code: HintCode,
    /// What it means, in the caller's language.
    meaning: &'static str,
    /// What the Microsoft 365 administrator does.
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

/// Which folders are kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct SelectionView {
    mode: Mode,
    /// The folders that were named.
    #[schema(value_type = Vec<String>)]
    folders: Vec<FolderId>,
}

/// Which mail of the chosen folders is not kept, and whether mail is marked.
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

/// How far it is. Every mail is counted once.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// Mails found that are to be kept.
    discovered: i64,
    /// Originals in the archive.
    archived: i64,
    /// Mails that are not kept, by reason.
    skipped: SkippedView,
    /// Mails that Microsoft refuses to give so far.
    failed: i64,
    /// Mails that were deleted for good before they could be read. They are not in the archive.
    gone: i64,
    /// Mails that are still to be archived, history included as far as it is counted.
    remaining: i64,
    /// Mails archived in a minute of late.
    per_minute: f64,
    /// When it will have come to its end at this rate; null where nothing is left, or nothing moves.
    #[schema(value_type = Option<String>, format = "date-time")]
    expected_end: Option<Timestamp>,
}

/// Older mail that is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryView {
    /// Since this date.
    #[schema(value_type = String, format = "date")]
    since: Date,
    state: HistoryState,
    /// How many mails there are; null while they are being counted.
    total: Option<u64>,
    /// How many of them were looked at.
    checked: u64,
    /// How many of those were not kept before.
    found: u64,
}

/// How far history is.
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
    /// As far back as this date.
    #[schema(value_type = String, format = "date")]
    since: Date,
    /// The last day on which it can be made use of; null for no end.
    #[schema(value_type = Option<String>, format = "date")]
    until: Option<Date>,
}

/// Mails that are not kept, by reason.
#[derive(Serialize, ToSchema)]
pub(crate) struct SkippedView {
    /// Still being written.
    draft: i64,
    /// The firm's internal mail, by a rule.
    internal: i64,
    /// From an excluded sender.
    excluded_sender: i64,
    /// From an excluded domain.
    excluded_domain: i64,
    /// Lay there before the activation.
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
    let Mailbox { id, connector, address, kind, member, state, selection, rules, activated_at, created_at, .. } =
        mailbox;
    let sync = sync.unwrap_or_default();
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
        state: match state {
            MailboxState::Inactive => MailboxStateView::Inactive,
            MailboxState::Active if preparing.is_some() => MailboxStateView::Preparing,
            MailboxState::Active => MailboxStateView::Active,
            MailboxState::Paused => MailboxStateView::Paused,
        },
        preparing: preparing.map(|Preparing { ready, folders }| PreparingView { ready, folders }),
        selection: selection.map(|Selection { mode, folders }| SelectionView { mode, folders }),
        rules: rules.into(),
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

/// The mailbox as it is at this moment, with how far it is.
pub(super) async fn shown(app: &App, mailbox: Mailbox) -> Answer<Json<MailboxView>> {
    let (firm, id) = (mailbox.firm, mailbox.id);
    let sync = Key::sync(firm, id);
    let (progress, sync) = tokio::try_join!(Progress::read(&app.table, firm, id), app.table.get::<Sync>(&sync))?;
    let folders = match mailbox.kind {
        MailboxKind::Shared => FolderState::all(&app.table, firm, id).await?.into_iter().map(|row| row.value).collect(),
        MailboxKind::User => Vec::new(),
    };
    let hints = HintView::list(&mailbox, &folders);
    Ok(Json(MailboxView { hints, ..view(mailbox, progress, sync.map(|row| row.value), app.clock.now()) }))
}

pub(super) async fn find(app: &App, firm: FirmId, id: MailboxId) -> Answer<Row<Mailbox>> {
    Mailbox::find(&app.table, firm, id).await?.ok_or_else(|| not_found("mailbox"))
}

/// Adds a mailbox, once the connector could open it.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes", tag = "mailboxes", operation_id = "create_mailbox",
    responses(
        (status = 201, body = MailboxView, headers(("Location" = String, description = "The mailbox's address"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`address_taken`, `not_connected`, `sign_in_required`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`mailbox_out_of_reach`"),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewMailbox>,
) -> Answer<impl IntoResponse> {
    let member = match new.member {
        Some(member) => Some(Member::find(&app.table, firm.id(), member).await?.map(|row| row.value)),
        None => None,
    };
    let member =
        member.map(|found| found.ok_or_else(|| invalid("member: the firm has none with this id"))).transpose()?;
    let (connector, address, kind) = new.resolve(member.as_ref())?;
    let connector = Connector::find(&app.table, firm.id(), connector).await?;
    let connector = connector.ok_or_else(|| invalid("connector: the firm has none with this id"))?.value;
    let graph = app.graph(&connector);
    let user = connector.reach(&graph, &address, kind).await?;
    let root = graph.root_folder(&user).await?;
    watch::seen_working(&app, &connector).await?;
    let mailbox = Mailbox {
        id: MailboxId::draw(&app.random),
        firm: firm.id(),
        connector: connector.id,
        address,
        user,
        root: Some(root),
        kind,
        member: member.map(|member| member.id),
        state: MailboxState::Inactive,
        // Of a shared one all is kept: it is nobody's own.
        selection: (kind == MailboxKind::Shared).then(Selection::all),
        rules: Rules::default(),
        activated_at: None,
        history: None,
        grant: None,
        created_at: app.clock.now(),
    };
    let taken = |first: Option<Mailbox>| match first {
        Some(first) => format!("It is the mailbox {}, which was added as {}.", first.id, first.address),
        None => "The field address names it.".to_owned(),
    };
    if let Some(first) = mailbox.twin(&app.table).await? {
        return Err(Problem::new(Code::AddressTaken, taken(Some(first))).into());
    }
    match mailbox.insert(&app.table).await {
        // Another request added it just now.
        Err(TableError::Conflict { .. }) => {
            return Err(Problem::new(Code::AddressTaken, taken(mailbox.twin(&app.table).await?)).into());
        }
        other => other?,
    }
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox added");
    let location = [(header::LOCATION, format!("/v1/firms/{}/mailboxes/{}", mailbox.firm, mailbox.id))];
    let hints = HintView::list(&mailbox, &[]);
    let shown = MailboxView { hints, ..view(mailbox, Progress::default(), None, app.clock.now()) };
    Ok((StatusCode::CREATED, location, Json(shown)))
}

/// Shows a mailbox and how far it is.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes/{mailbox}", tag = "mailboxes", operation_id = "read_mailbox",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Json<MailboxView>> {
    shown(&app, find(&app, firm.id(), mailbox).await?.value).await
}

/// Lists a firm's mailboxes.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes", tag = "mailboxes", operation_id = "list_mailboxes", params(Part),
    responses((status = 200, body = Page<MailboxView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(part): Query<Part>,
) -> Answer<Json<Page<MailboxView>>> {
    let firm = firm.id();
    let key = |mailbox| Key::mailbox(firm, mailbox);
    let Page { items, next } =
        part.read(&app.table, &Key::mailbox_prefix(firm), key, |mailbox: &Mailbox| mailbox.id).await?;
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

/// From when mail is kept.
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

/// Begins to keep mail, or goes on after a pause. A date given later only goes further back.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/activate", tag = "mailboxes", operation_id = "activate_mailbox",
    responses(
        (status = 200, body = MailboxView),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`grant_required`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`no_selection`"),
    )
)]
pub(super) async fn activate(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    activation: Option<Json<Activation>>,
) -> Answer<Json<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    if row.value.selection.is_none() {
        return Err(Problem::new(Code::NoSelection, "PUT its selection first.").into());
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

/// Grants mail from before the activation, instead of what was granted before. The operator's key only.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "grant_history",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn grant(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    Json(GrantView { since, until }): Json<GrantView>,
) -> Answer<Json<MailboxView>> {
    if until.is_some_and(|until| until < since) {
        return Err(invalid("until: it is before since"));
    }
    let row = find(&app, firm.id(), mailbox).await?;
    let mailbox = Mailbox::grant(row, &app.table, Some(Grant { since, until })).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, %since, "history granted");
    shown(&app, mailbox).await
}

/// Takes a grant back. What was begun with it goes on. The operator's key only.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/mailboxes/{mailbox}/grant", tag = "mailboxes", operation_id = "revoke_history",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn revoke(
    _: Operator,
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Json<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    let mailbox = Mailbox::grant(row, &app.table, None).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "grant taken back");
    shown(&app, mailbox).await
}

/// Reads no more mail until the mailbox is activated again; what comes meanwhile is kept then.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/pause", tag = "mailboxes", operation_id = "pause_mailbox",
    responses((status = 200, body = MailboxView))
)]
pub(super) async fn pause(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Json<MailboxView>> {
    let mailbox = Mailbox::pause(find(&app, firm.id(), mailbox).await?, &app.table).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "mailbox paused");
    shown(&app, mailbox).await
}

/// Has the mailbox looked at now. Without this the schedule finds it, a little later: that is no reason to fail.
pub(super) async fn queue(app: &App, firm: FirmId, mailbox: MailboxId) {
    let cause = app.random.uuid();
    let job = Job { firm, mailbox, sent_at: app.clock.now(), subscription: false, notice: false, cause };
    tracing::info!(mailbox.id = %mailbox, %cause, "a look was asked for");
    if let Err(error) = app.queue.send(&job).await {
        tracing::warn!(mailbox.id = %mailbox, error = %Chain(&error), "the schedule has to find the mailbox");
    }
}
