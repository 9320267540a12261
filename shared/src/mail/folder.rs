//! A mailbox's folders: the tree as Graph last told it, followed as people make, rename, move and delete folders, and
//! how far each folder is read.
//!
//! Whether a folder is kept is stored nowhere: it follows from the selection and the tree ([`Selection::kept`]). What a
//! person takes out of sight keeps its place in its rounds, and goes on there when it comes back; what was deleted for
//! good is forgotten once Exchange can't restore it any more.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, FolderId, MailboxId, MessageId},
    graph::{FolderItem, Link, MailFolder, PageEnd, SELECTION, WellKnownFolders},
    mail::{
        archive_decision::FolderPhase,
        baseline::BaselinePage,
        selection::{Selection, SelectionMode},
        small_page::SmallPage,
        trouble::{MailboxPart, Trouble},
        walk::Walk,
        work::BEHIND,
    },
};

/// A deleted folder can come back for so long: Exchange keeps what was deleted up to 30 days.
/// Source:
/// <https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/change-deleted-item-retention>
const RESTORABLE_FOR: Duration = Duration::from_secs(31 * 86_400);
/// Items forgotten in one transaction.
const FORGOTTEN_PAGE: usize = 50;

/// A folder, and how far it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderState {
    /// The folder itself, and where it lies.
    #[serde(flatten)]
    pub place: MailFolder,
    /// When it was found to be deleted for good.
    #[serde(default)]
    pub gone_at: Option<Timestamp>,
    /// Which round it is in.
    pub phase: FolderPhase,
    /// Where to go on; none at the start of a round from nothing.
    pub link: Option<Link>,
    /// Which properties of mails it tells ([`SELECTION`]): a link keeps those that it began with.
    #[serde(default)]
    pub selection: u32,
    /// Whether the link is in the middle of a round. Such a round reports no change made after it began.
    #[serde(default)]
    pub mid_round: bool,
    /// How many pages were committed.
    pub pages: u64,
    /// How many mails its first round has listed so far.
    #[serde(default)]
    pub listed: u64,
    /// Entries that could not be understood, not even by their id.
    #[serde(default)]
    pub unreadable: u64,
    /// Number of this full reading of the folder. It grows by one each time Graph rejects the link.
    #[serde(default)]
    pub reading: u32,
    /// Whether it reads the whole folder once more: what it does not list has left the folder.
    #[serde(default)]
    pub rereads: bool,
    /// What keeps it from being read, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What the last page found that brought few mails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<SmallPage>,
    /// The walk along its history, the last one.
    #[serde(default)]
    pub history: Option<Walk>,
    /// The comparison with the archive, the last one.
    #[serde(default)]
    pub comparison: Option<Walk>,
}

impl FolderState {
    /// A folder that was never read.
    pub fn new(place: MailFolder) -> Self {
        Self {
            place,
            gone_at: None,
            phase: FolderPhase::Baseline,
            link: None,
            selection: SELECTION,
            mid_round: false,
            pages: 0,
            listed: 0,
            unreadable: 0,
            reading: 0,
            rereads: false,
            trouble: None,
            fresh: None,
            history: None,
            comparison: None,
        }
    }

    /// The folder.
    pub fn id(&self) -> &FolderId {
        &self.place.id
    }

    /// The folders of a mailbox as they are known.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn all(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Vec<Row<Self>>, TableError> {
        table.query_all(&Key::folder_prefix(firm, mailbox)).await
    }

    /// Starts the folder's delta again after Graph rejected the link; the phase and what is stored stay.
    pub fn restarted(&self) -> Self {
        let reading = self.reading.saturating_add(1);
        Self { link: None, selection: SELECTION, mid_round: false, reading, rereads: true, ..self.clone() }
    }

    /// Starts the folder's delta again, so that it lists all mails once more. Before the first round is complete it
    /// does so anyway.
    pub fn read_anew(&self) -> Self {
        if self.phase == FolderPhase::Following { self.restarted() } else { self.clone() }
    }

    /// Whether its link tells less of mails than this version asks for. A round that is under way goes on with it.
    pub fn tells_too_little(&self) -> bool {
        self.link.is_some() && self.selection < SELECTION && !self.mid_round
    }

    /// The oldest full reading whose baseline still counts. While a new full reading is under way, the earlier one
    /// counts too.
    pub fn baseline_since(&self) -> u32 {
        if self.rereads { 0 } else { self.reading }
    }

    /// Notes a failure.
    pub fn failed(&self, trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..self.clone() }
    }

    /// Whether it failed, and its next try is yet to come.
    pub fn rests(&self, now: Timestamp) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.waits(now))
    }

    /// New mail of this folder, as a thing that can fail.
    pub fn thing(&self) -> MailboxPart {
        MailboxPart::Folder { id: self.place.id.clone(), name: self.place.display_name.clone() }
    }

    /// The list of its mails, as a thing that can fail.
    pub fn list(&self) -> MailboxPart {
        MailboxPart::List { id: self.place.id.clone(), name: self.place.display_name.clone() }
    }

    /// The folder's state after a page was read.
    pub fn after(&self, end: PageEnd) -> Self {
        let (phase, link, mid_round, rereads) = match end {
            PageEnd::More(next) => (self.phase, next, true, self.rereads),
            PageEnd::RoundComplete(delta) => (FolderPhase::Following, delta, false, false),
        };
        let selection = if self.link.is_none() { SELECTION } else { self.selection };
        let (link, pages) = (Some(link), self.pages + 1);
        Self { phase, link, selection, mid_round, rereads, pages, trouble: None, ..self.clone() }
    }

    /// The name of the page that is read next: the same until it is committed, and never again afterwards.
    pub fn page_name(&self) -> String {
        page_name(self.id(), self.pages)
    }

    /// Whether a mail is one of a page that brought few mails.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn has_fresh(
        table: &Table,
        firm: FirmId,
        folder: &FolderId,
        message: MessageId,
    ) -> Result<bool, TableError> {
        let row = table.get::<Self>(&Key::folder(firm, message.mailbox, folder)).await?;
        Ok(row.and_then(|row| row.value.fresh).is_some_and(|page| page.holds(message)))
    }

    /// The name of the page that a walk lists next, which sorts after those of live mail.
    pub fn walked_page_name(&self, walk: &Walk) -> String {
        let place = format!("{} {} {}", walk.run, walk.until(), walk.tally.listed);
        format!("{BEHIND}{}", page_digest(self.id(), place.as_bytes()))
    }

    /// Whether it has to be read even where no mail is looked for: it never was, or not to the end, or it failed.
    pub fn is_unread(&self) -> bool {
        self.link.is_none() || self.mid_round || self.rereads || self.trouble.is_some()
    }

    fn was_read(&self) -> bool {
        self.phase == FolderPhase::Following || self.pages > 0
    }
}

/// The name of the page of a folder that is committed after `number` others.
pub fn page_name(folder: &FolderId, number: u64) -> String {
    page_digest(folder, &number.to_be_bytes())
}

fn page_digest(folder: &FolderId, place: &[u8]) -> String {
    let digest = Sha256::new().chain_update(folder.as_str()).chain_update(place).finalize();
    hex::encode(&digest[..12])
}

/// What delta reported about a mailbox's tree.
#[derive(Debug, Default)]
pub struct TreeReport {
    /// The entries, in their order.
    pub items: Vec<FolderItem>,
    /// Whether they are the whole tree: then what is not among them is gone.
    pub whole: bool,
    /// Which folders are well known; empty where nobody asked.
    pub well_known: WellKnownFolders,
}

impl TreeReport {
    /// The whole tree, level by level.
    pub fn tree(folders: Vec<MailFolder>) -> Self {
        let well_known = folders.iter().filter_map(|folder| Some((folder.id.clone(), folder.well_known?))).collect();
        let items = folders.into_iter().map(|folder| FolderItem::Present {
            id: folder.id,
            parent: folder.parent,
            display_name: Some(folder.display_name),
            hidden: Some(folder.hidden),
            search: folder.search,
        });
        Self { items: items.collect(), whole: true, well_known }
    }
}

/// The folders that are not as they were, after `told`. Pure.
///
/// A folder that a person creates or moves into a chosen place gets no baseline, because its mail was moved in with it.
/// It is recognised by appearing between two readings of the tree (`first` is false). A folder that an administrator
/// chose by name existed when it was chosen, so it gets a baseline.
pub fn follow(
    before: &[FolderState],
    told: &TreeReport,
    selection: &Selection,
    first: bool,
    now: Timestamp,
) -> Vec<FolderState> {
    let mut after: BTreeMap<&FolderId, FolderState> = BTreeMap::new();
    if told.whole {
        for folder in before.iter().filter(|folder| !folder.place.is_root()) {
            let gone = FolderState { gone_at: folder.gone_at.or(Some(now)), ..folder.clone() };
            after.insert(folder.id(), gone);
        }
    }
    let known: HashMap<&FolderId, &FolderState> = before.iter().map(|folder| (folder.id(), folder)).collect();
    for item in &told.items {
        match item {
            FolderItem::Present { id, parent, display_name, hidden, search } => {
                let there = after.remove(id).or_else(|| known.get(id).map(|folder| (*folder).clone()));
                let mut folder = there.unwrap_or_else(|| {
                    let place = MailFolder { well_known: None, ..MailFolder::root(id.clone()) };
                    FolderState::new(place)
                });
                folder.gone_at = None;
                let place = &mut folder.place;
                place.parent = parent.clone().or_else(|| place.parent.take());
                place.search |= search;
                place.hidden = hidden.unwrap_or(place.hidden);
                if let Some(name) = display_name {
                    place.display_name.clone_from(name);
                }
                after.insert(id, folder);
            }
            FolderItem::Removed(id) => {
                if let Some(folder) = after.remove(id).or_else(|| known.get(id).map(|folder| (*folder).clone())) {
                    after.insert(id, FolderState { gone_at: folder.gone_at.or(Some(now)), ..folder });
                }
            }
        }
    }
    for (id, name) in &told.well_known {
        let there = after.remove(id).or_else(|| known.get(id).map(|folder| (*folder).clone()));
        let root = || {
            (*name == crate::graph::WellKnown::MsgFolderRoot).then(|| FolderState::new(MailFolder::root(id.clone())))
        };
        if let Some(mut folder) = there.or_else(root) {
            folder.place.well_known = Some(*name);
            if folder.place.is_root() {
                folder.place.parent = None;
            }
            after.insert(id, folder);
        }
    }
    if !first && selection.mode != SelectionMode::Include {
        let kept_before = selection.kept(before.iter().filter(|f| f.gone_at.is_none()).map(|f| &f.place));
        let untouched = before.iter().filter(|folder| !after.contains_key(folder.id()));
        let now_there: Vec<FolderState> =
            untouched.cloned().chain(after.values().cloned()).filter(|folder| folder.gone_at.is_none()).collect();
        let kept_after = selection.kept(now_there.iter().map(|folder| &folder.place));
        for folder in now_there.iter().filter(|f| kept_after.contains(f.id()) && !kept_before.contains(f.id())) {
            if !folder.was_read() {
                let entered = FolderState { phase: FolderPhase::Following, ..folder.clone() };
                match after.get_mut(folder.id()) {
                    Some(changed) => *changed = entered,
                    // Below one that was moved: delta reports neither.
                    None => {
                        let id = known.get(folder.id()).map(|known| known.id());
                        after.extend(id.map(|id| (id, entered)));
                    }
                }
            }
        }
    }
    after.retain(|id, folder| known.get(id) != Some(&&*folder));
    after.into_values().collect()
}

/// The whole tree as it is known, parents before their children; none where it was never read.
pub fn known_tree<'f>(folders: impl Iterator<Item = &'f FolderState>) -> Option<Vec<MailFolder>> {
    let mut below: BTreeMap<Option<&FolderId>, Vec<&MailFolder>> = BTreeMap::new();
    for folder in folders.filter(|folder| folder.gone_at.is_none()) {
        below.entry(folder.place.parent.as_ref()).or_default().push(&folder.place);
    }
    let mut tree = below.remove(&None)?;
    let mut next = 0;
    while let Some(folder) = tree.get(next) {
        let mut children = below.remove(&Some(&folder.id)).unwrap_or_default();
        children.sort_by_key(|folder| &folder.display_name);
        next += 1;
        tree.extend(children);
    }
    Some(tree.into_iter().cloned().collect())
}

/// Forgets a folder that was deleted for good and can't come back, a bounded part of it at a time; true if there was
/// something.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn forget_gone(
    table: &Table,
    firm: FirmId,
    mailbox: MailboxId,
    folders: &[Row<FolderState>],
    now: Timestamp,
) -> Result<bool, TableError> {
    let over = |folder: &&Row<FolderState>| folder.value.gone_at.is_some_and(|at| at + RESTORABLE_FOR <= now);
    let Some(folder) = folders.iter().find(over) else { return Ok(false) };
    let prefix = Key::baseline_prefix(firm, mailbox, folder.value.id());
    let page = table.query::<BaselinePage>(&prefix, None, FORGOTTEN_PAGE).await?;
    let mut writes: Vec<Write> = page.rows.iter().map(Write::remove).collect();
    if page.next.is_none() {
        writes.push(Write::remove(folder));
    }
    table.transact(writes).await?;
    Ok(true)
}

/// The delta link of the folder tree, and the time of its last full reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeLink {
    /// The delta link; none where Graph has no delta for this mailbox's folders.
    pub link: Option<Link>,
    /// When the whole tree was read.
    pub whole_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{graph::WellKnown, mail::selection::tests::tree};

    fn present(id: &str, parent: &str) -> FolderItem {
        FolderItem::Present {
            id: id.parse().unwrap(),
            parent: Some(parent.parse().unwrap()),
            display_name: Some(id.to_owned()),
            hidden: Some(false),
            search: false,
        }
    }

    #[test]
    fn the_known_tree_has_parents_before_their_children_and_nothing_that_is_gone() {
        let folder = |id: &str, parent: Option<&str>| {
            let parent = parent.map(|parent| parent.parse().unwrap());
            FolderState::new(MailFolder { parent, well_known: None, ..MailFolder::root(id.parse().unwrap()) })
        };
        let gone = FolderState { gone_at: Some(Timestamp::UNIX_EPOCH), ..folder("a0", Some("b")) };
        let known =
            [gone, folder("a", Some("c")), folder("b", Some("root")), folder("c", Some("b")), folder("root", None)];
        let ids = |folders: &[FolderState]| {
            known_tree(folders.iter()).map(|tree| tree.into_iter().map(|f| f.id.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(ids(&known), Some(["root", "b", "c", "a"].map(str::to_owned).to_vec()));
        assert_eq!(ids(&[]), None, "it was never read");
    }

    fn removed(id: &str) -> FolderItem {
        FolderItem::Removed(id.parse().unwrap())
    }

    /// A tree that was read, of which every kept folder was read to its end.
    fn read() -> Vec<FolderState> {
        let states = follow(&[], &TreeReport::tree(tree()), &Selection::all(), true, Timestamp::UNIX_EPOCH);
        assert!(states.iter().all(|folder| folder.phase == FolderPhase::Baseline));
        let kept = Selection::all().kept(&tree());
        let read = |folder: FolderState| match kept.contains(folder.id()) {
            true => FolderState { phase: FolderPhase::Following, pages: 1, ..folder },
            false => folder,
        };
        states.into_iter().map(read).collect()
    }

    fn changes(before: &[FolderState], items: Vec<FolderItem>) -> Vec<FolderState> {
        let told = TreeReport { items, ..TreeReport::default() };
        follow(before, &told, &Selection::all(), false, Timestamp::UNIX_EPOCH)
    }

    fn merged(before: Vec<FolderState>, changed: Vec<FolderState>) -> Vec<FolderState> {
        let stays = before.into_iter().filter(|b| changed.iter().all(|c| c.id() != b.id())).collect::<Vec<_>>();
        stays.into_iter().chain(changed).collect()
    }

    fn find<'a>(folders: &'a [FolderState], id: &str) -> &'a FolderState {
        folders.iter().find(|folder| folder.id().as_str() == id).unwrap()
    }

    #[test]
    fn the_first_reading_of_the_tree_is_the_baseline_and_telling_it_again_changes_nothing() {
        let before = read();
        assert_eq!(find(&before, "inbox").place.well_known, Some(WellKnown::Inbox));
        assert_eq!(follow(&before, &TreeReport::tree(tree()), &Selection::all(), false, Timestamp::UNIX_EPOCH), []);
        assert_eq!(changes(&before, vec![present("acme", "clients")]), []);
    }

    #[test]
    fn what_lies_in_a_folder_that_a_person_makes_or_moves_in_was_moved_in_with_it() {
        let before = read();
        let changed = changes(&before, vec![present("new", "clients"), present("below", "new")]);
        assert!(["new", "below"].iter().all(|id| find(&changed, id).phase == FolderPhase::Following));
        // Never kept so far: it lay in the bin when greffe came, and what lies below it comes with it.
        let before = merged(before, changes(&read(), vec![present("deep", "binned")]));
        let changed = changes(&before, vec![present("binned", "inbox")]);
        assert!(["binned", "deep"].iter().all(|id| find(&changed, id).phase == FolderPhase::Following));
    }

    #[test]
    fn a_folder_that_an_administrator_names_has_its_baseline() {
        let before = read();
        let named = Selection { mode: SelectionMode::Include, folders: vec!["new".parse().unwrap()] };
        let told = TreeReport { items: vec![present("new", "clients")], ..TreeReport::default() };
        let changed = follow(&before, &told, &named, false, Timestamp::UNIX_EPOCH);
        assert_eq!(find(&changed, "new").phase, FolderPhase::Baseline);
    }

    #[test]
    fn a_folder_that_is_thrown_away_and_fetched_back_goes_on_where_it_was() {
        let before = read();
        let binned = merged(before.clone(), changes(&before, vec![present("clients", "trash")]));
        let kept = Selection::all().kept(binned.iter().map(|f| &f.place));
        assert!(!kept.contains(&"clients".parse().unwrap()) && !kept.contains(&"acme".parse().unwrap()));
        let back = merged(binned.clone(), changes(&binned, vec![present("clients", "inbox")]));
        assert_eq!(find(&back, "clients"), find(&before, "clients"));
    }

    #[test]
    fn a_folder_that_is_deleted_for_good_is_gone_until_it_is_restored() {
        let before = read();
        let after = merged(before.clone(), changes(&before, vec![removed("acme"), removed("unheard-of")]));
        assert!(find(&after, "acme").gone_at.is_some());
        let restored = merged(after.clone(), changes(&after, vec![present("acme", "clients")]));
        assert_eq!(find(&restored, "acme"), find(&before, "acme"));

        let without: Vec<MailFolder> = tree().into_iter().filter(|f| f.id.as_str() != "acme").collect();
        let changed = follow(&before, &TreeReport::tree(without), &Selection::all(), false, Timestamp::UNIX_EPOCH);
        assert_eq!(changed.iter().map(|f| f.id().as_str()).collect::<Vec<_>>(), ["acme"]);
    }

    #[test]
    fn the_last_thing_told_of_a_folder_counts_and_what_is_left_out_stays() {
        let before = read();
        let renamed = FolderItem::Present {
            id: "acme".parse().unwrap(),
            parent: None,
            display_name: Some("Acme SA".to_owned()),
            hidden: None,
            search: false,
        };
        let changed = changes(&before, vec![removed("acme"), present("acme", "inbox"), renamed]);
        let acme = find(&changed, "acme");
        assert_eq!((acme.place.display_name.as_str(), acme.gone_at), ("Acme SA", None));
        assert_eq!(acme.place.parent.as_ref().unwrap().as_str(), "inbox");
    }

    #[test]
    fn a_page_keeps_its_name_until_it_is_committed_even_if_the_next_link_is_the_same() {
        let state = FolderState::new(tree().remove(1));
        let link: Link = serde_json::from_str("\"https://graph.microsoft.com/v1.0/x\"").unwrap();
        let committed = state.after(PageEnd::RoundComplete(link.clone()));
        assert_eq!(state.page_name(), state.restarted().page_name());
        assert_ne!(state.page_name(), committed.page_name());
        assert_ne!(committed.page_name(), committed.after(PageEnd::RoundComplete(link)).page_name());
    }

    #[test]
    fn a_folder_that_is_read_once_more_goes_by_what_it_lists_then() {
        let link: Link = serde_json::from_str("\"https://graph.microsoft.com/v1.0/x\"").unwrap();
        let state = FolderState::new(tree().remove(1)).after(PageEnd::RoundComplete(link.clone()));
        assert_eq!((state.reading, state.baseline_since()), (0, 0));
        let restarted = state.restarted();
        assert_eq!((restarted.reading, restarted.baseline_since()), (1, 0));
        let going_on = restarted.after(PageEnd::More(link.clone()));
        assert_eq!((going_on.reading, going_on.baseline_since()), (1, 0));
        assert_eq!(going_on.after(PageEnd::RoundComplete(link)).baseline_since(), 1);
    }

    #[test]
    fn a_folder_is_read_from_the_table_as_it_was_written() {
        for place in tree() {
            let state = FolderState::new(place);
            let item: serde_dynamo::Item = serde_dynamo::to_item(&state).unwrap();
            assert_eq!(serde_dynamo::from_item::<_, FolderState>(item).unwrap(), state);
        }
    }
}
