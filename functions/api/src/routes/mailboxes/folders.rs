//! The folders of a mailbox, and which of them are kept.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::connector::Connector,
    app::App,
    aws::table::Key,
    base::id::{FirmId, FolderId, MailboxId},
    graph::{Disposition, MailFolder, WellKnown},
    mail::{
        archive_decision::FolderPhase,
        filing,
        folder::{FolderState, known_tree},
        mailbox::{FOLDER_DOSSIERS_MAX, FolderDossier, Mailbox, MailboxKind, MailboxState},
        selection::{self, Selection, SelectionMode},
        sync_state::SyncState,
        trouble::Fault,
        walk::WalkTally,
    },
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::{MailboxView, find, queue, shown, tag};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid},
    extract::{Id, Json},
    field::Name,
    precondition::{IfMatch, Tagged},
    routes::views::ProblemView,
};

/// A folder.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderView {
    #[schema(value_type = String)]
    id: FolderId,
    /// Its name in the mailbox's language.
    display_name: String,
    /// The parent folder; null for a top folder.
    #[schema(value_type = Option<String>)]
    parent_id: Option<FolderId>,
    /// The names of the folder and its parents from the top, separated by slashes.
    path: String,
    /// The number of items in the folder; null while Microsoft does not answer.
    items: Option<u64>,
    /// Whether Outlook hides it.
    hidden: bool,
    /// Its name that is the same in every language, such as `inbox`.
    well_known: Option<&'static str>,
    /// Whether the folder can be chosen. Drafts, deleted items and similar folders can't.
    selectable: bool,
    /// Whether its mail is archived.
    selected: bool,
    /// Whether the folder was chosen and has been deleted since. If it is restored, archiving continues.
    gone: bool,
    /// The number of mails, from the last reconciliation; null before the first one of this folder.
    mails: Option<MailsView>,
    /// The progress of the first reading; null if the folder is not selected.
    reading: Option<ReadingView>,
    /// The problem that stops the reading of this folder; null if there is none. It disappears when the reading works
    /// again.
    problem: Option<ProblemView>,
    /// Entries that Microsoft listed without an id, so that greffe could not read them; a reconciliation finds their
    /// mails.
    unreadable: u64,
}

/// The progress of the first reading of a folder.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadingView {
    /// Whether the first reading is complete. From then on, older mail that is moved into the folder is archived.
    ready: bool,
    /// The number of mails listed so far.
    listed: u64,
}

/// What greffe knows of a folder beside the tree.
struct KnownOf {
    mails: Option<MailsView>,
    reading: Option<ReadingView>,
    problem: Option<ProblemView>,
    unreadable: u64,
}

impl KnownOf {
    fn of(folder: Option<&FolderState>, kept: bool, lasting: &[&Fault]) -> Self {
        let is_of = |folder: &FolderState, fault: &Fault| fault.thing.folder().is_some_and(|(id, _)| id == folder.id());
        let fault = folder.and_then(|folder| lasting.iter().find(|fault| is_of(folder, fault)));
        let reading =
            |folder: &FolderState| ReadingView { ready: folder.phase == FolderPhase::Following, listed: folder.listed };
        Self {
            mails: MailsView::of(folder),
            reading: folder.filter(|_| kept).map(reading),
            problem: fault.filter(|_| kept).map(|fault| fault.noted().into()),
            unreadable: folder.map_or(0, |folder| folder.unreadable),
        }
    }
}

/// Mails of one folder, counted by a reconciliation.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailsView {
    /// They lie there.
    listed: u64,
    /// How many of them are to be archived.
    due: u64,
    /// How many of them are archived.
    kept: u64,
    /// When they were counted.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

impl MailsView {
    fn of(folder: Option<&FolderState>) -> Option<Self> {
        let walk = folder?.comparison.as_ref()?;
        let WalkTally { listed, due, kept, .. } = walk.tally;
        Some(Self { listed, due, kept, at: walk.ended_at? })
    }
}

/// A mailbox's folders.
#[derive(Serialize, ToSchema)]
pub(crate) struct Folders {
    /// Parents before their children.
    items: Vec<FolderView>,
    /// Whether Microsoft listed the folders just now. If not, Microsoft does not answer at the moment, and these are
    /// the folders as greffe last saw them.
    current: bool,
}

async fn connector_of(app: &App, mailbox: &Mailbox) -> Answer<Connector> {
    let found = Connector::find(&app.table, mailbox.firm, mailbox.connector).await?;
    let deleted = || Problem::new(Code::ConnectorDeleted, "Give the mailbox another connector first, with PATCH.");
    Ok(found.ok_or_else(deleted)?.value)
}

/// Lists the folders of a mailbox, read from Microsoft now. If Microsoft does not answer, it lists the folders of an
/// active mailbox as greffe last read them.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/mailboxes/{mailbox}/folders", tag = "mailboxes", operation_id = "list_folders",
    responses(
        (status = 200, body = Folders),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`connector_deleted`"),
    )
)]
pub(crate) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
) -> Answer<Json<Folders>> {
    let mailbox = find(&app, firm.id(), mailbox).await?.value;
    let graph = app.graph(&connector_of(&app, &mailbox).await?);
    let sync_key = Key::sync(mailbox.firm, mailbox.id);
    let (listed, known, sync) = tokio::join!(
        graph.folders(&mailbox.user),
        FolderState::all(&app.table, mailbox.firm, mailbox.id),
        app.table.get::<SyncState>(&sync_key),
    );
    let known: HashMap<FolderId, FolderState> =
        known?.into_iter().map(|row| (row.value.id().clone(), row.value)).collect();
    let (tree, current) = match listed {
        Ok(tree) => (tree, true),
        Err(error) => match known_tree(known.values()) {
            Some(tree) if error.disposition() != Disposition::Ask => (tree, false),
            _ => return Err(error.into()),
        },
    };
    let faults = sync?.map(|row| row.value.faults).unwrap_or_default();
    let mut items = folder_views(tree, mailbox.selection.as_ref(), &known, &faults.lasting(app.clock.now()));
    if !current {
        items.iter_mut().for_each(|folder| folder.items = None);
    }
    Ok(Json(Folders { items, current }))
}

fn folder_views(
    tree: Vec<MailFolder>,
    selection: Option<&Selection>,
    known: &HashMap<FolderId, FolderState>,
    lasting: &[&Fault],
) -> Vec<FolderView> {
    let selectable = selection::readable(&tree);
    let kept = selection.map(|selection| selection.kept(&tree)).unwrap_or_default();
    let there: HashSet<FolderId> = tree.iter().map(|folder| folder.id.clone()).collect();
    let mut paths: HashMap<FolderId, String> = HashMap::new();
    let mut views = Vec::with_capacity(tree.len());
    // The root, in which the top ones lie, is no folder that anybody sees.
    for folder in tree.into_iter().filter(|folder| !folder.is_root()) {
        let above = folder.parent.as_ref().and_then(|parent| paths.get(parent));
        let path = match above {
            Some(above) => format!("{above}/{}", folder.display_name),
            None => folder.display_name.clone(),
        };
        let parent_id = above.is_some().then_some(folder.parent).flatten();
        paths.insert(folder.id.clone(), path.clone());
        let selected = kept.contains(&folder.id);
        let KnownOf { mails, reading, problem, unreadable } = KnownOf::of(known.get(&folder.id), selected, lasting);
        views.push(FolderView {
            selectable: selectable.contains(&folder.id),
            selected,
            gone: false,
            mails,
            reading,
            problem,
            unreadable,
            id: folder.id,
            display_name: folder.display_name,
            parent_id,
            path,
            items: Some(folder.items),
            hidden: folder.hidden,
            well_known: folder.well_known.map(|well_known| well_known.name()),
        });
    }
    let named = selection.map(|selection| selection.folders.as_slice()).unwrap_or_default();
    views.extend(named.iter().filter(|id| !there.contains(*id)).map(|id| {
        let display_name = known.get(id).map(|folder| folder.place.display_name.clone()).unwrap_or_default();
        FolderView {
            id: id.clone(),
            path: display_name.clone(),
            display_name,
            parent_id: None,
            items: Some(0),
            hidden: false,
            well_known: None,
            selectable: false,
            selected: false,
            gone: true,
            mails: MailsView::of(known.get(id)),
            reading: None,
            problem: None,
            unreadable: 0,
        }
    }));
    views
}

/// The folders whose mail is archived.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSelection {
    mode: SelectionMode,
    /// Ids, or well-known names such as `inbox` and `sentitems`. Empty with the mode `all`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    folders: Vec<FolderId>,
}

/// Chooses the folders whose mail is archived. For an active mailbox, the choice takes effect at once.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/selection", tag = "mailboxes", operation_id = "select_folders",
    params(IfMatch),
    responses(
        (status = 200, body = MailboxView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`connector_deleted`"),
    )
)]
pub(crate) async fn select(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(new): Json<NewSelection>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    if row.value.kind == MailboxKind::Shared && new.mode != SelectionMode::All {
        return Err(invalid("mode: of a shared mailbox all is kept"));
    }
    let graph = app.graph(&connector_of(&app, &row.value).await?);
    let tree = graph.folders(&row.value.user).await?;
    let selection = Selection::of(new.mode, &new.folders, &tree).map_err(|error| match error.place() {
        Some(place) => invalid(format!("folders[{place}]: {error}")),
        None => invalid(format!("folders: {error}")),
    })?;
    let mailbox = Mailbox::select(row, &app.table, selection).await?;
    if mailbox.state == MailboxState::Active {
        SyncState::look_at_folders(&app.table, mailbox.firm, mailbox.id, app.clock.now()).await?;
        queue(&app, mailbox.firm, mailbox.id).await;
    }
    shown(&app, mailbox).await
}

/// The dossier of a folder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFolderDossier {
    /// The id of the folder, or its well-known name, such as `inbox`.
    #[schema(value_type = String, min_length = 1, max_length = 512)]
    folder: FolderId,
    /// The dossier's id or name in the business application; null for none.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    dossier: Option<Name>,
}

/// Links a folder to a dossier, so that mail in it is filed there; or removes the link.
///
/// greffe files the archived mail of the folder to the dossier, and what a person moves there later. If a person moves
/// a mail from there to another folder that greffe reads, greffe takes it out of the dossier, or files it to the
/// dossier of the new folder. Deleting a mail, or moving it to a folder that greffe does not read, changes nothing. A
/// mail that was filed in another way keeps its dossier until it is moved. A folder whose mail is not archived is
/// refused: choose it first.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/dossiers", tag = "mailboxes", operation_id = "file_by_folder",
    params(IfMatch),
    responses(
        (status = 200, body = MailboxView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`connector_deleted`"),
    )
)]
pub(crate) async fn file_by(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(new): Json<NewFolderDossier>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let folder = by_well_known_name(&app, firm.id(), mailbox, new.folder).await?;
    let (dossier, before) = (new.dossier.map(Name::into_inner), row.value.dossiers.get(&folder));
    if before.is_none() && dossier.is_some() && row.value.dossiers.len() >= FOLDER_DOSSIERS_MAX {
        return Err(invalid(format!("folder: at most {FOLDER_DOSSIERS_MAX} folders of a mailbox stand for dossiers")));
    }
    // The same link once more changes nothing, whatever has become of the folder.
    if dossier.is_some() && before.map(|before| &before.dossier) != dossier.as_ref() {
        refuse_unread(&app, &row.value, &folder).await?;
    }
    let dossier = dossier.map(|dossier| FolderDossier { dossier, by: firm.by(), at: app.clock.now() });
    let mailbox = filing::stand_for(row, &app.table, folder, dossier).await?;
    if mailbox.state == MailboxState::Active {
        queue(&app, mailbox.firm, mailbox.id).await;
    }
    shown(&app, mailbox).await
}

/// The folder of the mailbox that has this well-known name; else what was named is an id.
///
/// Errors: greffe knows no folder of the mailbox with that name.
pub(crate) async fn by_well_known_name(
    app: &App,
    firm: FirmId,
    mailbox: MailboxId,
    name: FolderId,
) -> Answer<FolderId> {
    let Some(well_known) = WellKnown::named(name.as_str()) else { return Ok(name) };
    let folders = FolderState::all(&app.table, firm, mailbox).await?;
    let found = folders.into_iter().find(|row| row.value.place.well_known == Some(well_known));
    found.map(|row| row.value.place.id).ok_or_else(|| invalid(format!("folder: greffe knows no folder {name} there")))
}

/// A folder whose mail greffe does not read files nothing. Where Microsoft can't be asked, the tree as greffe knows it
/// decides.
///
/// Errors: the mailbox has no such folder, or its mail is not archived.
async fn refuse_unread(app: &App, mailbox: &Mailbox, folder: &FolderId) -> Answer<()> {
    let listed = match connector_of(app, mailbox).await {
        Ok(connector) => app.graph(&connector).folders(&mailbox.user).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let tree = match listed {
        Ok(tree) => tree,
        Err(failure) => {
            let known = FolderState::all(&app.table, mailbox.firm, mailbox.id).await?;
            known_tree(known.iter().map(|row| &row.value)).ok_or(failure)?
        }
    };
    if !tree.iter().any(|known| known.id == *folder && !known.is_root()) {
        return Err(invalid("folder: the mailbox has no folder with this id"));
    }
    match mailbox.selection.as_ref().is_some_and(|selection| selection.kept(&tree).contains(folder)) {
        true => Ok(()),
        false => Err(invalid("folder: its mail is not archived. Choose it first, with PUT on the mailbox's selection")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: &str, parent: &str, well_known: Option<WellKnown>) -> MailFolder {
        MailFolder {
            id: id.parse().unwrap(),
            parent: Some(parent.parse().unwrap()),
            display_name: id.to_uppercase(),
            items: 0,
            hidden: false,
            search: false,
            well_known,
        }
    }

    fn tree() -> Vec<MailFolder> {
        vec![
            MailFolder::root("root".parse().unwrap()),
            folder("posteingang", "root", Some(WellKnown::Inbox)),
            folder("papierkorb", "root", Some(WellKnown::DeletedItems)),
            folder("mandanten", "posteingang", None),
            folder("acme", "mandanten", None),
        ]
    }

    #[test]
    fn the_tree_shows_paths_from_the_top_and_what_may_be_chosen() {
        let folders = vec!["mandanten".parse().unwrap(), "geloescht".parse().unwrap()];
        let selection = Selection { mode: SelectionMode::Include, folders };
        let views = folder_views(tree(), Some(&selection), &HashMap::new(), &[]);
        let shown: Vec<_> = views
            .iter()
            .map(|v| (v.path.as_str(), v.parent_id.as_ref().map(FolderId::as_str), v.selectable, v.selected))
            .collect();
        let expected = [
            ("POSTEINGANG", None, true, false),
            ("PAPIERKORB", None, false, false),
            ("POSTEINGANG/MANDANTEN", Some("posteingang"), true, true),
            ("POSTEINGANG/MANDANTEN/ACME", Some("mandanten"), true, false),
            ("", None, false, false),
        ];
        assert_eq!(shown, expected);
        assert_eq!(views.iter().map(|v| v.gone).collect::<Vec<_>>(), [false, false, false, false, true]);
    }
}
