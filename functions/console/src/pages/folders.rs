//! Which folders of a mailbox are kept: the tree, and what a choice comes to before it is stored.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::Path, http::Method, response::Response};
use serde::Deserialize;
use serde_json::json;
use shared::base::id::{FirmId, MailboxId};

use super::view::MailboxView;
use crate::{
    api_client::{PageError, Refusal},
    form::{Fields, TAG_FIELD},
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

/// A folder as the API lists it.
#[derive(Debug, Clone, Deserialize)]
struct FolderView {
    id: String,
    display_name: String,
    parent_id: Option<String>,
    items: Option<u64>,
    hidden: bool,
    selectable: bool,
    gone: bool,
}

#[derive(Deserialize)]
struct Folders {
    items: Vec<FolderView>,
    current: bool,
}

/// Folders on a page, beside those above them: a page stays small, and a tree may have thousands.
const FOLDERS_SHOWN: usize = 120;

/// How folders are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FolderChoiceMode {
    Include,
    Exclude,
    All,
}

impl FolderChoiceMode {
    fn of(name: &str) -> Self {
        match name {
            "exclude" => Self::Exclude,
            "all" => Self::All,
            _ => Self::Include,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::All => "all",
        }
    }
}

/// A folder as it stands in the tree.
struct Branch {
    folder: FolderView,
    ticked: bool,
    /// Whether a list of folders below it begins here.
    opens: bool,
    /// How many lists end behind it.
    closes: Vec<()>,
    /// The folders below it.
    below: BelowCount,
    /// Those of them that the page does not show.
    unseen: BelowCount,
    /// A folder above it is ticked.
    covered: bool,
}

impl Branch {
    /// Some below it are ticked, and it is not.
    fn is_mixed(&self) -> bool {
        !self.ticked && self.below.ticked > 0
    }
}

/// Folders that can be kept, and how many of them are ticked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct BelowCount {
    all: usize,
    ticked: usize,
}

/// What a choice comes to.
#[derive(Debug, PartialEq, Eq)]
struct SelectionOutcome {
    folders: usize,
    mails: u64,
}

/// Folders in the order of the tree: each behind its parent, and alphabetical beside each other. `all`: with those that
/// are not shown.
fn branches(folders: &[FolderView], all: &[FolderView], ticked: &BTreeSet<String>) -> Vec<Branch> {
    let shown: BTreeSet<&str> = folders.iter().map(|folder| folder.id.as_str()).collect();
    let mut below: BTreeMap<Option<&str>, Vec<&FolderView>> = BTreeMap::new();
    for folder in folders.iter().filter(|folder| !folder.hidden && !folder.gone) {
        let parent = folder.parent_id.as_deref().filter(|parent| shown.contains(parent));
        below.entry(parent).or_default().push(folder);
    }
    let (mut branches, mut open): (Vec<Branch>, Vec<std::vec::IntoIter<&FolderView>>) = (Vec::new(), Vec::new());
    open.extend(below.get(&None).cloned().map(Vec::into_iter));
    while let Some(siblings) = open.last_mut() {
        match siblings.next() {
            Some(folder) => {
                let children = below.get(&Some(folder.id.as_str())).cloned().unwrap_or_default();
                let opens = !children.is_empty();
                branches.push(Branch {
                    folder: folder.clone(),
                    ticked: ticked.contains(&folder.id),
                    opens,
                    closes: Vec::new(),
                    below: BelowCount::default(),
                    unseen: BelowCount::default(),
                    covered: false,
                });
                if opens {
                    open.push(children.into_iter());
                }
            }
            None => {
                open.pop();
                if let (false, Some(last)) = (open.is_empty(), branches.last_mut()) {
                    last.closes.push(());
                }
            }
        }
    }
    note_below(&mut branches, all, ticked);
    branches
}

/// The folders whose name has `wanted` in it, whatever the case, with those above them; all if nothing is wanted.
fn found(folders: &[FolderView], wanted: &str) -> Vec<FolderView> {
    let wanted = wanted.to_lowercase();
    with_those_above(folders, |folder| folder.display_name.to_lowercase().contains(&wanted))
}

/// The folders that are meant, with those above them.
fn with_those_above(folders: &[FolderView], is_meant: impl Fn(&FolderView) -> bool) -> Vec<FolderView> {
    let by_id: BTreeMap<&str, &FolderView> = folders.iter().map(|folder| (folder.id.as_str(), folder)).collect();
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    for folder in folders.iter().filter(|folder| is_meant(folder)) {
        let mut at = Some(folder);
        // What is kept already has all that is above it, so a circle ends this too.
        while let Some(folder) = at.filter(|folder| kept.insert(&folder.id)) {
            at = folder.parent_id.as_deref().and_then(|parent| by_id.get(parent).copied());
        }
    }
    folders.iter().filter(|folder| kept.contains(folder.id.as_str())).cloned().collect()
}

/// The part of a tree that a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TreePart {
    /// The place of its first folder, from 0.
    from: usize,
    /// The place behind its last one.
    to: usize,
    /// The folders of the whole tree.
    all: usize,
}

impl TreePart {
    /// The part that begins at `from`, or the last one.
    fn of(all: usize, from: usize) -> Self {
        let last = all.saturating_sub(1) / FOLDERS_SHOWN * FOLDERS_SHOWN;
        let from = from.min(last);
        Self { from, to: all.min(from + FOLDERS_SHOWN), all }
    }

    fn is_all(self) -> bool {
        self.to - self.from == self.all
    }

    fn has_next(self) -> bool {
        self.to < self.all
    }

    fn has_previous(self) -> bool {
        self.from > 0
    }
}

/// The part of the tree of `folders` that begins at `from`, in the order of the tree.
fn part(folders: &[FolderView], all: &[FolderView], ticked: &BTreeSet<String>, from: usize) -> (Vec<Branch>, TreePart) {
    let whole = branches(folders, all, ticked);
    let part = TreePart::of(whole.len(), from);
    if part.is_all() {
        return (whole, part);
    }
    let meant: BTreeSet<&str> = whole[part.from..part.to].iter().map(|branch| branch.folder.id.as_str()).collect();
    (branches(&with_those_above(folders, |folder| meant.contains(folder.id.as_str())), all, ticked), part)
}

/// The ids above a folder, the nearest first.
fn above<'a>(parents: &BTreeMap<&str, &'a str>, id: &str) -> Vec<&'a str> {
    let first = parents.get(id).copied();
    // A tree has no circle; whatever comes, this ends.
    std::iter::successors(first, |at| parents.get(at).copied()).take(parents.len()).collect()
}

fn parents(folders: &[FolderView]) -> BTreeMap<&str, &str> {
    folders.iter().filter_map(|folder| Some((folder.id.as_str(), folder.parent_id.as_deref()?))).collect()
}

/// Notes how many folders lie below each, and how many of them are ticked.
fn note_below(branches: &mut [Branch], folders: &[FolderView], ticked: &BTreeSet<String>) {
    let (parents, mut below) = (parents(folders), BTreeMap::<&str, BelowCount>::new());
    let (mut seen, shown) =
        (BTreeMap::<&str, BelowCount>::new(), branches.iter().map(|branch| branch.folder.id.clone()));
    let shown: BTreeSet<String> = shown.collect();
    for folder in folders.iter().filter(|folder| folder.selectable && !folder.hidden && !folder.gone) {
        for id in above(&parents, &folder.id) {
            let is_ticked = usize::from(ticked.contains(&folder.id));
            let tallies = shown.contains(&folder.id).then(|| seen.entry(id).or_default());
            for tally in tallies.into_iter().chain([below.entry(id).or_default()]) {
                *tally = BelowCount { all: tally.all + 1, ticked: tally.ticked + is_ticked };
            }
        }
    }
    for branch in branches {
        let id = branch.folder.id.as_str();
        let of = |tallies: &BTreeMap<&str, BelowCount>| tallies.get(id).copied().unwrap_or_default();
        let (all, shown) = (of(&below), of(&seen));
        branch.below = all;
        branch.unseen = BelowCount { all: all.all - shown.all, ticked: all.ticked - shown.ticked };
        branch.covered = above(&parents, id).into_iter().any(|above| ticked.contains(above));
    }
}

/// The ticked folders, with all that can be kept below them.
fn with_those_below(folders: &[FolderView], ticked: &BTreeSet<String>) -> BTreeSet<String> {
    let parents = parents(folders);
    let is_below = |folder: &&FolderView| above(&parents, &folder.id).into_iter().any(|above| ticked.contains(above));
    let below = folders.iter().filter(|folder| folder.selectable && !folder.hidden).filter(is_below);
    ticked.iter().cloned().chain(below.map(|folder| folder.id.clone())).collect()
}

/// What the choice comes to, as `shared::mail::selection` has it.
fn outcome(folders: &[FolderView], mode: FolderChoiceMode, ticked: &BTreeSet<String>) -> SelectionOutcome {
    let mut excluded: BTreeSet<&str> = BTreeSet::new();
    let (mut count, mut mails) = (0, 0_u64);
    // Parents come before their children.
    for folder in folders {
        let below = folder.parent_id.as_deref().is_some_and(|parent| excluded.contains(parent));
        if below || ticked.contains(&folder.id) {
            excluded.insert(&folder.id);
        }
        let kept = folder.selectable
            && match mode {
                FolderChoiceMode::Include => ticked.contains(&folder.id),
                FolderChoiceMode::Exclude => !folder.hidden && !excluded.contains(folder.id.as_str()),
                FolderChoiceMode::All => !folder.hidden,
            };
        if kept {
            count += 1;
            mails = mails.saturating_add(folder.items.unwrap_or_default());
        }
    }
    SelectionOutcome { folders: count, mails }
}

#[derive(Template)]
#[template(path = "folders.html")]
struct FoldersPage {
    s: Shell,
    m: MailboxView,
    branches: Vec<Branch>,
    part: TreePart,
    /// What the names of the folders that are shown have in them.
    wanted: String,
    /// The ticked folders that are not shown.
    unseen: Vec<String>,
    mode: &'static str,
    /// The tag of what is stored.
    tag: String,
    current: bool,
    /// What the choice comes to, once somebody asked.
    outcome: Option<SelectionOutcome>,
    refusal: Option<Refusal>,
}

impl FoldersPage {
    fn is_overtaken(&self) -> bool {
        self.refusal.as_ref().is_some_and(Refusal::is_overtaken)
    }

    fn has_folders_below(&self) -> bool {
        self.branches.iter().any(|branch| branch.below.all > 0)
    }

    /// What the tick of a folder says of those below it, in words; empty where it says nothing.
    fn below(&self, branch: &Branch) -> String {
        let t = &self.s.t;
        match (self.mode, branch.ticked, branch.below) {
            ("all", ..) | (_, true, BelowCount { all: 0, .. }) => String::new(),
            ("exclude", _, _) if branch.covered => t.say("folder-covered"),
            ("exclude", true, _) => t.say("folder-below-all"),
            (_, true, BelowCount { all, ticked }) if all == ticked => t.say("folder-below-all"),
            (_, true, BelowCount { ticked: 0, .. }) => t.say("folder-below-none"),
            (_, true, _) => t.say("folder-below-some"),
            (_, false, _) if branch.is_mixed() => t.say("folder-mixed"),
            (_, false, _) => String::new(),
        }
    }

    fn is_mode(&self, mode: &str) -> bool {
        self.mode == mode
    }

    /// Which folders are shown, of how many.
    fn part_text(&self) -> String {
        let TreePart { from, to, all } = self.part;
        let shown = format!("{}–{}", self.s.t.number(from + 1), self.s.t.number(to));
        self.s.t.say_two("folders-part", &shown, &self.s.t.number(all))
    }
}

/// What somebody chose, and has not stored.
struct FolderChoice {
    mode: FolderChoiceMode,
    ticked: BTreeSet<String>,
    /// The folders that they look for.
    wanted: String,
    /// The place in the tree from which folders are shown.
    from: usize,
    /// Whether they want what lies below the ticked folders ticked, too.
    with_below: bool,
    /// Whether they asked what it comes to.
    asked: bool,
    /// The tag of what was stored when the page was opened.
    tag: String,
}

async fn shown(
    firm_page: &FirmPage,
    mailbox: MailboxId,
    choice: Option<FolderChoice>,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    firm_page.manager()?;
    let (own, folders) =
        (firm_page.v1(&format!("/mailboxes/{mailbox}")), firm_page.v1(&format!("/mailboxes/{mailbox}/folders")));
    let ((m, stored), Folders { items, current }) =
        tokio::try_join!(firm_page.api().get_tagged::<MailboxView>(&own), firm_page.api().get::<Folders>(&folders))?;
    let FolderChoice { mode, ticked, wanted, from, with_below, asked, tag } = choice.unwrap_or_else(|| {
        let (mode, ticked) = match &m.selection {
            Some(selection) => (FolderChoiceMode::of(&selection.mode), selection.folders.iter().cloned().collect()),
            None => (FolderChoiceMode::Include, BTreeSet::new()),
        };
        FolderChoice {
            mode,
            ticked,
            wanted: String::new(),
            from: 0,
            with_below: false,
            asked: false,
            tag: String::new(),
        }
    });
    // A person who opens the page, or learns that somebody else changed it, sees the stored state: its tag counts.
    let has_seen = tag.is_empty() || refusal.as_ref().is_some_and(Refusal::is_overtaken);
    let tag = if has_seen { stored } else { tag };
    let ticked = if with_below { with_those_below(&items, &ticked) } else { ticked };
    let outcome = asked.then(|| outcome(&items, mode, &ticked));
    let (branches, part) = part(&found(&items, &wanted), &items, &ticked, from);
    let seen: BTreeSet<&str> = branches.iter().map(|branch| branch.folder.id.as_str()).collect();
    let unseen = ticked.iter().filter(|id| !seen.contains(id.as_str())).cloned().collect();
    let s = firm_page.shell("mailboxes");
    let mode = mode.name();
    Ok(page_saying(refusal, |refusal| FoldersPage {
        s,
        m,
        branches,
        part,
        wanted,
        unseen,
        mode,
        tag,
        current,
        outcome,
        refusal,
    }))
}

/// The tree.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
) -> Result<Response, PageError> {
    shown(&firm_page, mailbox, None, None).await
}

/// Looks for folders, shows what a choice comes to, or stores it.
pub(crate) async fn choose(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let mode = FolderChoiceMode::of(typed.get("mode"));
    let ticked: BTreeSet<String> = typed.all("folder").map(str::to_owned).collect();
    let wanted = if typed.get("do") == "all" { "" } else { typed.get("q") }.to_owned();
    let from: usize = typed.get("from").parse().unwrap_or_default();
    let from = match typed.get("do") {
        "find" | "all" => 0,
        "next" => from.saturating_add(FOLDERS_SHOWN),
        "previous" => from.saturating_sub(FOLDERS_SHOWN),
        _ => from,
    };
    let asked = matches!(typed.get("do"), "see" | "store");
    let tag = typed.get(TAG_FIELD).to_owned();
    let choice = FolderChoice { mode, ticked, wanted, from, with_below: typed.get("do") == "below", asked, tag };
    if typed.get("do") != "store" {
        return shown(&firm_page, mailbox, Some(choice), None).await;
    }
    let named: Vec<&String> = if mode == FolderChoiceMode::All { Vec::new() } else { choice.ticked.iter().collect() };
    let path = firm_page.v1(&format!("/mailboxes/{mailbox}/selection"));
    let body = json!({ "mode": mode.name(), "folders": named });
    match firm_page.api().replaced(&typed, Method::PUT, &path, body).await? {
        Ok(()) => Ok(firm_page.done(&format!("/mailboxes/{mailbox}"), Said::Saved)),
        Err(refusal) => shown(&firm_page, mailbox, Some(choice), Some(refusal)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: &str, parent: Option<&str>, selectable: bool) -> FolderView {
        let parent_id = parent.map(str::to_owned);
        FolderView {
            id: id.to_owned(),
            display_name: id.to_uppercase(),
            parent_id,
            items: Some(10),
            hidden: false,
            selectable,
            gone: false,
        }
    }

    fn tree() -> Vec<FolderView> {
        vec![
            folder("inbox", None, true),
            folder("junk", None, false),
            folder("clients", Some("inbox"), true),
            folder("acme", Some("clients"), true),
            folder("sent", None, true),
        ]
    }

    fn ticked(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_choice_comes_to_what_the_selection_keeps() {
        let of = |mode, ids: &[&str]| outcome(&tree(), mode, &ticked(ids)).folders;
        assert_eq!(of(FolderChoiceMode::Include, &["inbox", "acme"]), 2);
        assert_eq!(of(FolderChoiceMode::Exclude, &["clients"]), 2);
        assert_eq!(of(FolderChoiceMode::Exclude, &[]), 4);
        assert_eq!(of(FolderChoiceMode::All, &["inbox"]), 4);
        assert_eq!(outcome(&tree(), FolderChoiceMode::All, &ticked(&[])).mails, 40);
    }

    #[test]
    fn folders_are_found_by_a_part_of_their_name_with_those_above_them() {
        let of = |wanted: &str| found(&tree(), wanted).into_iter().map(|folder| folder.id).collect::<Vec<_>>();
        assert_eq!(of("cm"), ["inbox", "clients", "acme"]);
        assert_eq!(of("SENT"), ["sent"]);
        assert_eq!(of("nothing"), [""; 0]);
        assert_eq!(of("").len(), tree().len());
        let mut circle = tree();
        circle[0].parent_id = Some("acme".to_owned());
        assert_eq!(found(&circle, "acme").len(), 3);
    }

    #[test]
    fn a_large_tree_is_shown_in_parts_each_with_the_folders_above_it() {
        let mut large = vec![folder("inbox", None, true)];
        large.extend((0..400).map(|n| folder(&format!("client-{n:03}"), Some("inbox"), true)));
        let ids = |from| {
            let (branches, part) = part(&large, &large, &ticked(&["client-399"]), from);
            assert!(
                branches[0].folder.id == "inbox"
                    && branches[0].is_mixed()
                    && branches.last().unwrap().closes.len() == 1
            );
            let last = branches.last().unwrap().folder.id.clone();
            (branches[1].folder.id.clone(), last, branches.len(), part.has_previous(), part.has_next())
        };
        let shown = |first: &str, last: &str, count, previous, next| (first.into(), last.into(), count, previous, next);
        assert_eq!(ids(0), shown("client-000", "client-118", 120, false, true));
        assert_eq!(ids(120), shown("client-119", "client-238", 121, true, true));
        assert_eq!(ids(360), shown("client-359", "client-399", 42, true, false));
        assert_eq!(ids(9_000), ids(360));
        assert_eq!(part(&tree(), &tree(), &ticked(&[]), 300).1, TreePart { from: 0, to: 5, all: 5 });
        assert!(part(&[], &[], &ticked(&[]), 0).1.is_all());
    }

    #[test]
    fn a_folder_knows_what_is_ticked_below_it_also_where_that_is_not_shown() {
        let of = |folders: &[FolderView], ids: &[&str], at: &str| {
            let branches = branches(folders, &tree(), &ticked(ids));
            let branch = branches.iter().find(|branch| branch.folder.id == at).unwrap();
            ((branch.below.all, branch.below.ticked), (branch.unseen.all, branch.unseen.ticked), branch.covered)
        };
        assert_eq!(of(&tree(), &["inbox", "acme"], "inbox"), ((2, 1), (0, 0), false));
        assert_eq!(of(&tree(), &["inbox"], "acme"), ((0, 0), (0, 0), true));
        assert_eq!(of(&found(&tree(), "clients"), &["acme"], "clients"), ((1, 1), (1, 1), false));
        assert_eq!(with_those_below(&tree(), &ticked(&["clients", "sent"])), ticked(&["clients", "sent", "acme"]));
    }

    #[test]
    fn the_tree_has_each_folder_behind_its_parent_and_ends_each_list() {
        let branches = branches(&tree(), &tree(), &ticked(&["acme"]));
        let shape: Vec<_> =
            branches.iter().map(|b| (b.folder.id.as_str(), b.opens, b.closes.len(), b.ticked, b.is_mixed())).collect();
        let expected = [
            ("inbox", true, 0, false, true),
            ("clients", true, 0, false, true),
            ("acme", false, 2, true, false),
            ("junk", false, 0, false, false),
            ("sent", false, 0, false, false),
        ];
        assert_eq!(shape, expected);
        assert_eq!(branches.iter().filter(|b| b.opens).count(), branches.iter().map(|b| b.closes.len()).sum::<usize>());
    }
}
