//! The tree of folders as people change it, and which of them are kept now.

use std::{collections::HashSet, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use shared::{
    aws::table::{Key, Row, TableError, Write},
    base::{id::FolderId, telemetry::ErrorChain},
    graph::{Disposition, FolderItem, GraphError, Link, PageEnd, WELL_KNOWN_NEVER_READ, WellKnown, WellKnownAnswers},
    mail::{
        folder::{FolderState, TreeLink, TreeReport, follow, forget_gone},
        selection::{Selection, SelectionMode},
        sync_state::SyncState,
        trouble::MailboxPart,
    },
};

use crate::round::{Round, RoundError};

/// The pause between two readings of the tree's changes while notices come: a tenth less than a quarter of an hour, so
/// that a change is known within that.
pub const FOLLOW_PAUSE: Duration = Duration::from_secs(15 * 54);
/// Pause between two looks at the tree of a mailbox that is only polled. The rarest polls come up to a tenth sooner
/// than every ten minutes.
const FOLLOW_PAUSE_POLLED: Duration = Duration::from_secs(7 * 60);
/// After a notice that no folder explains the tree is looked at again, but no sooner than this.
const FOLLOW_PAUSE_MIN: Duration = Duration::from_secs(60);
/// The whole tree is read this often, for what its delta may leave out.
const WHOLE_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// Pages of one reading: a hundred thousand folders.
const PAGES_MAX: usize = 1_000;
/// At most so many folders that a reading left out are checked one by one. The others count as there.
const LEFT_OUT_MAX: usize = 50;
/// Of so many looks at which nothing of the tree changed, one is written down, as for the folders.
const QUIET_WRITTEN: u8 = 32;
/// Folders written side by side.
const WRITES_AT_ONCE: usize = 16;

/// The folders that are kept, Inbox and Sent Items first, after a look at the tree if one is due.
/// `known`: all that are known.
pub(crate) async fn read_kept_folders(
    round: &Round<'_>,
    sync: &mut SyncState,
    known: Vec<Row<FolderState>>,
) -> Result<Vec<Row<FolderState>>, RoundError> {
    let (table, firm, mailbox) = (&round.app.table, round.mailbox.firm, round.mailbox.id);
    let Some(selection) = &round.mailbox.selection else { return Ok(Vec::new()) };
    let now = round.app.clock.now();
    let mut folders = known;
    if sync.follow_at.is_none_or(|at| at <= now) && !round.rests(&MailboxPart::Tree) {
        match refresh_tree(round, selection, &mut folders, sync.follow_at.is_none()).await {
            Ok(()) => {
                round.works(&MailboxPart::Tree);
                sync.follow_at = Some(now + follow_pause(sync));
                forget_gone(table, firm, mailbox, &folders, now).await?;
            }
            Err(LookError::Graph(error)) if error.concerns_mailbox() => return Err(error.into()),
            // What was known last is used.
            Err(LookError::Graph(error)) => {
                round.failed(MailboxPart::Tree, &error);
                if folders.is_empty() {
                    folders = match read_named_folders(round, selection, now).await {
                        Ok(named) => named,
                        Err(LookError::Graph(error)) if error.concerns_mailbox() => return Err(error.into()),
                        Err(LookError::Graph(_)) => Vec::new(),
                        Err(LookError::Table(error)) => return Err(error.into()),
                    };
                }
                if folders.is_empty() && round.refused(None, &error) {
                    return Err(error.into());
                }
            }
            Err(LookError::Table(error)) => return Err(error.into()),
        }
    }
    retain_kept(selection, &mut folders);
    Ok(folders)
}

/// Reads each folder that an administrator named by itself, so that its mail comes while the tree can't be read.
/// A folder that is never read can't be chosen, so none of them is one.
async fn read_named_folders(
    round: &Round<'_>,
    selection: &Selection,
    now: Timestamp,
) -> Result<Vec<Row<FolderState>>, LookError> {
    let (table, firm, mailbox) = (&round.app.table, round.mailbox.firm, round.mailbox.id);
    if selection.mode != SelectionMode::Include {
        return Ok(Vec::new());
    }
    let (mut told, graph) = (TreeReport::default(), round.graph_for_helper(&MailboxPart::Tree));
    for folder in selection.folders.iter().take(LEFT_OUT_MAX) {
        told.items.extend(graph.folder(&round.mailbox.user, folder).await?);
    }
    for folder in follow(&[], &told, selection, true, now) {
        table.write(Write::insert(Key::folder(firm, mailbox, folder.id()), &folder)).await?;
    }
    Ok(FolderState::all(table, firm, mailbox).await?)
}

/// The folders that are kept as far as they are known, in the same order.
pub(crate) async fn known(round: &Round<'_>) -> Result<Vec<Row<FolderState>>, RoundError> {
    let Some(selection) = &round.mailbox.selection else { return Ok(Vec::new()) };
    let mut folders = FolderState::all(&round.app.table, round.mailbox.firm, round.mailbox.id).await?;
    retain_kept(selection, &mut folders);
    Ok(folders)
}

/// The ids of those that are kept of these.
pub(crate) fn kept(round: &Round<'_>, folders: &[Row<FolderState>]) -> HashSet<FolderId> {
    let Some(selection) = &round.mailbox.selection else { return HashSet::new() };
    let there = folders.iter().filter(|row| row.value.gone_at.is_none());
    selection.kept(there.map(|row| &row.value.place))
}

fn retain_kept(selection: &Selection, folders: &mut Vec<Row<FolderState>>) {
    let there = folders.iter().filter(|row| row.value.gone_at.is_none());
    let kept = selection.kept(there.map(|row| &row.value.place));
    folders.retain(|row| kept.contains(row.value.id()));
    folders.sort_by_key(|row| match row.value.place.well_known {
        Some(WellKnown::Inbox) => 0,
        Some(WellKnown::SentItems) => 1,
        _ => 2,
    });
}

/// Looks at the tree in the next call of [`read_kept_folders`]: there was a notice, and no folder that is kept explains
/// it. It may be about a folder that delta has not reported yet. False where that can't be, or it was looked at just
/// now.
pub(crate) fn look_again(round: &Round<'_>, sync: &mut SyncState) -> bool {
    let now = round.app.clock.now();
    let followed = round.mailbox.selection.as_ref().is_some_and(|selection| selection.mode != SelectionMode::Include);
    let long_ago = sync.follow_at.is_some_and(|at| at - follow_pause(sync) + FOLLOW_PAUSE_MIN <= now);
    if followed && long_ago {
        sync.follow_at = Some(now);
    }
    followed && long_ago
}

fn follow_pause(sync: &SyncState) -> Duration {
    if sync.subscription.is_some() { FOLLOW_PAUSE } else { FOLLOW_PAUSE_POLLED }
}

/// Why the tree could not be looked at.
enum LookError {
    Graph(GraphError),
    Table(TableError),
}

impl From<GraphError> for LookError {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl From<TableError> for LookError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

/// Reads what changed in the tree, and writes it down. A crash in between reads it again. An error after the folders
/// were written says that a well-known name could not be looked up: the same changes are read once more then.
async fn refresh_tree(
    round: &Round<'_>,
    selection: &Selection,
    folders: &mut Vec<Row<FolderState>>,
    first: bool,
) -> Result<(), LookError> {
    let (table, firm, mailbox) = (&round.app.table, round.mailbox.firm, round.mailbox.id);
    let now = round.app.clock.now();
    let key = Key::tree(firm, mailbox);
    let tree = table.get::<TreeLink>(&key).await?.map(|row| row.value).filter(|_| !first);
    let tree_now = tree.as_ref().filter(|tree| tree.whole_at + WHOLE_PAUSE > now);
    let (mut told, link, unknown) = changes_of_tree(round, tree_now).await?;
    if told.whole {
        told.items.extend(check_left_out(round, selection, folders, &told.items).await?);
    }
    // Whether a folder is one that is never read has to be known before it is read. Those that were named were known.
    let needed = |name: WellKnown| name == WellKnown::MsgFolderRoot || WELL_KNOWN_NEVER_READ.contains(&name);
    let mut unknown = unknown.into_iter().filter(|(name, _)| needed(*name)).map(|(_, error)| error);
    let unknown = unknown.next();
    if first
        && selection.mode != SelectionMode::Include
        && let Some(error) = unknown
    {
        return Err(error.into());
    }
    let is_quiet = tree_now.is_some() && !told.whole && told.items.is_empty() && unknown.is_none();
    if is_quiet && !round.app.random.is_one_in(QUIET_WRITTEN) {
        return Ok(());
    }
    let whole_at = tree.filter(|_| !told.whole).map_or(now, |tree| tree.whole_at);

    let before: Vec<FolderState> = folders.iter().map(|row| row.value.clone()).collect();
    let changed = follow(&before, &told, selection, first, now);
    let writes = changed.iter().map(|folder| {
        let write = match folders.iter().find(|row| row.value.id() == folder.id()) {
            Some(row) => Write::replace(&row.clone().with(folder.clone())),
            None => Write::insert(Key::folder(firm, mailbox, folder.id()), folder),
        };
        table.write(write)
    });
    let writes: Vec<_> = writes.collect();
    futures::stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
    if !changed.is_empty() {
        tracing::info!(mailbox.id = %mailbox, changed = changed.len(), "the tree of folders changed");
        *folders = FolderState::all(table, firm, mailbox).await?;
    }
    match unknown {
        Some(error) => Err(error.into()),
        None => Ok(table.write(Write::overwrite(key, &TreeLink { link, whole_at })).await?),
    }
}

/// Names that could not be looked up, and why.
type Unknown = Vec<(WellKnown, GraphError)>;

/// What changed since `tree`, or the whole tree; and where its changes go on.
async fn changes_of_tree(
    round: &Round<'_>,
    tree: Option<&TreeLink>,
) -> Result<(TreeReport, Option<Link>, Unknown), GraphError> {
    let (user, graph) = (&round.mailbox.user, round.graph_for_helper(&MailboxPart::Tree));
    if let Some(link) = tree.and_then(|tree| tree.link.clone()) {
        match read_pages(round, Some(link)).await {
            Ok(TreePages { items, link, .. }) => {
                let present = |item: &FolderItem| matches!(item, FolderItem::Present { .. });
                // Some well-known folders are made only when they are first used.
                let WellKnownAnswers { known, failed } = match items.iter().any(present) {
                    true => graph.well_known_folders(user).await?,
                    false => Default::default(),
                };
                return Ok((TreeReport { items, whole: false, well_known: known }, Some(link), failed));
            }
            Err(e) if e.disposition() == Disposition::Resync => {}
            // A link that is refused again and again may be what is wrong.
            Err(e) if e.disposition() == Disposition::Fail && round.has_failed_often(&MailboxPart::Tree) => {}
            Err(e) => return Err(e),
        }
    }
    match read_pages(round, None).await {
        // Every mailbox has folders.
        Ok(TreePages { items, .. }) if items.is_empty() => {
            let attempted = "read the mail folders".to_owned();
            Err(GraphError::Unreadable { attempted, source: "there is none".into() })
        }
        Ok(TreePages { items, is_whole, link }) => {
            let WellKnownAnswers { known, failed } = graph.well_known_folders(user).await?;
            Ok((TreeReport { items, whole: is_whole, well_known: known }, Some(link), failed))
        }
        // No delta here: the tree is read level by level instead, as the API shows it.
        Err(e) if !e.concerns_mailbox() => {
            tracing::warn!(mailbox.id = %round.mailbox.id, error = %ErrorChain(&e), "no delta of folders");
            Ok((TreeReport::tree(graph.folders(user).await?), None, Unknown::new()))
        }
        Err(e) => Err(e),
    }
}

/// What the pages of one reading told.
struct TreePages {
    items: Vec<FolderItem>,
    /// Whether all entries could be read.
    is_whole: bool,
    link: Link,
}

async fn read_pages(round: &Round<'_>, mut from: Option<Link>) -> Result<TreePages, GraphError> {
    let (mut items, mut is_whole, mut followed) = (Vec::new(), true, HashSet::new());
    let graph = round.graph_for_helper(&MailboxPart::Tree);
    for _ in 0..PAGES_MAX {
        let page = graph.folder_page(&round.mailbox.user, from.as_ref()).await?;
        items.extend(page.items);
        is_whole &= page.is_whole;
        match page.end {
            PageEnd::More(next) if followed.insert(next.as_str().to_owned()) => from = Some(next),
            PageEnd::More(_) => break,
            PageEnd::RoundComplete(link) => return Ok(TreePages { items, is_whole, link }),
        }
    }
    let attempted = "read the changes of the mail folders".to_owned();
    Err(GraphError::Unreadable { attempted, source: "there is no end to them".into() })
}

/// The kept folders that a reading of the whole tree left out although they are there: each is asked for, because an
/// answer that lacks something does not say that it is gone.
async fn check_left_out(
    round: &Round<'_>,
    selection: &Selection,
    folders: &[Row<FolderState>],
    told: &[FolderItem],
) -> Result<Vec<FolderItem>, GraphError> {
    let there = || folders.iter().map(|row| &row.value).filter(|folder| folder.gone_at.is_none());
    let kept = selection.kept(there().map(|folder| &folder.place));
    let is_told = |id: &FolderId| told.iter().any(|item| item.id() == id);
    let missing = there().filter(|folder| kept.contains(folder.id()) && !is_told(folder.id()));
    let (mut found, graph) = (Vec::new(), round.graph_for_helper(&MailboxPart::Tree));
    for (i, folder) in missing.enumerate() {
        match i < LEFT_OUT_MAX {
            true => found.extend(graph.folder(&round.mailbox.user, folder.id()).await?),
            false => found.push(FolderItem::unchanged(folder.id().clone())),
        }
    }
    Ok(found)
}
