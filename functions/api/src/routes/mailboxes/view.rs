//! What the API shows of a mailbox.

use std::time::Duration;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::{
    base::id::{ConnectorId, ExternalId, FolderId, MailboxId, MemberId},
    mail::{
        folder::FolderState,
        hint::{HintCode, HintText},
        mailbox::{FolderDossier, Mailbox, MailboxKind, MailboxState, OlderMailGrant},
        mailbox_progress::Progress,
        rules::Rules,
        selection::{Selection, SelectionMode},
        sync_state::{Preparing, SyncState},
        trouble::{Fault, MailboxPart},
        walk::HistoryProgress,
    },
};
use utoipa::ToSchema;

use crate::language;
use crate::routes::views::ProblemView;

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

impl MailboxView {
    /// Adds recommendations.
    pub(super) fn with_hints(self, hints: Vec<HintView>) -> Self {
        Self { hints, ..self }
    }
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
            MailboxPart::Mailbox => PartView::Mailbox,
            MailboxPart::Folder { .. } => PartView::Folder,
            MailboxPart::List { .. } => PartView::FolderList,
            MailboxPart::Tree => PartView::FolderTree,
            MailboxPart::Notifications => PartView::Notifications,
            MailboxPart::Categories => PartView::Categories,
            MailboxPart::Marks => PartView::Marks,
            MailboxPart::Newest => PartView::NewestMails,
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
    /// What to do, as commands of Exchange Online PowerShell.
    commands: Vec<String>,
}

impl HintView {
    pub(super) fn list(mailbox: &Mailbox, folders: &[FolderState]) -> Vec<Self> {
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
    mode: SelectionMode,
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
    pub(super) since: Date,
    /// The last day on which the grant can be used; null for no end.
    #[schema(value_type = Option<String>, format = "date")]
    pub(super) until: Option<Date>,
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
    fn of(progress: Progress, ahead: i64, sync: &SyncState, now: Timestamp) -> Self {
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

pub(super) fn view(mailbox: Mailbox, progress: Progress, sync: Option<SyncState>, now: Timestamp) -> MailboxView {
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
        grant: mailbox.grant.map(|OlderMailGrant { since, until }| GrantView { since, until }),
        progress: ProgressView::of(progress, ahead, &sync, now),
        problem: problem.map(ProblemView::from),
        incomplete: lasting.into_iter().map(IncompleteView::from).collect(),
        hints: Vec::new(),
        created_at,
    }
}
