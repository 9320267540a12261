//! Selections: which folders of a mailbox are archived. The choice is stored; the folders follow from it and from the
//! current tree.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::id::FolderId,
    graph::{MailFolder, WELL_KNOWN_NEVER_READ, WellKnown},
};

/// Most bytes of ids that a selection names, so that a mailbox stays one item: some 2,500 folders with ids as Exchange
/// makes them.
const NAMED_BYTES_MAX: usize = 350_000;

/// How folders are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SelectionMode {
    /// The named folders, and no others.
    Include,
    /// All but the named folders and what lies below them, folders made later included.
    Exclude,
    /// All, folders made later included.
    All,
}

/// The chosen folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// How they were chosen.
    pub mode: SelectionMode,
    /// The folders named.
    pub folders: Vec<FolderId>,
}

/// A choice that the tree does not allow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No such folder in this mailbox; the place in the list.
    #[error("the mailbox has no such folder")]
    Unknown(usize),
    /// One of the folders that are never read; the place in the list.
    #[error("the folder is one that is never read, or lies below one")]
    NeverRead(usize),
    /// Folders are named though all are chosen.
    #[error("none can be named with the mode all")]
    Named,
    /// Nothing is left.
    #[error("the choice leaves no folder to keep")]
    Nothing,
    /// More than can be stored.
    #[error("too many folders: choose all, or all except some")]
    TooMany,
}

impl SelectionError {
    /// The place in the list of the folder that it is about; none where it is about the choice as a whole.
    pub fn place(&self) -> Option<usize> {
        match self {
            Self::Unknown(index) | Self::NeverRead(index) => Some(*index),
            Self::Named | Self::Nothing | Self::TooMany => None,
        }
    }
}

/// What is true of a folder, because it is of itself or of one above it.
#[derive(Debug, Clone, Copy, Default)]
struct FolderStanding {
    never_read: bool,
    hidden: bool,
    named: bool,
}

impl Selection {
    /// The whole mailbox.
    pub fn all() -> Self {
        Self { mode: SelectionMode::All, folders: Vec::new() }
    }

    /// A choice that `tree` allows. `named`: ids, or well-known names.
    ///
    /// Errors: a folder is unknown or never read, none can be named, nothing is left, or the list is too long.
    pub fn of(mode: SelectionMode, named: &[FolderId], tree: &[MailFolder]) -> Result<Self, SelectionError> {
        if mode == SelectionMode::All && !named.is_empty() {
            return Err(SelectionError::Named);
        }
        let folders: Vec<FolderId> = named.iter().map(|name| by_well_known_name(tree, name)).collect();
        if folders.iter().map(|id| id.as_str().len()).sum::<usize>() > NAMED_BYTES_MAX {
            return Err(SelectionError::TooMany);
        }
        let readable = readable(tree);
        let there: HashSet<&FolderId> = tree.iter().map(|folder| &folder.id).collect();
        for (index, id) in folders.iter().enumerate() {
            if !there.contains(id) {
                return Err(SelectionError::Unknown(index));
            }
            if mode == SelectionMode::Include && !readable.contains(id) {
                return Err(SelectionError::NeverRead(index));
            }
        }
        let chosen = Self { mode, folders };
        if chosen.kept(tree).is_empty() { Err(SelectionError::Nothing) } else { Ok(chosen) }
    }

    /// The folders that are kept in the tree of these, in any order.
    ///
    /// What Outlook hides is its own bookkeeping, and is kept only where it is named.
    pub fn kept<'a>(&self, tree: impl IntoIterator<Item = &'a MailFolder>) -> HashSet<FolderId> {
        let named: HashSet<&FolderId> = self.folders.iter().collect();
        let standings = standings(tree, &named).into_iter();
        let kept = standings.filter(|(id, standing)| {
            !standing.never_read
                && match self.mode {
                    SelectionMode::Include => named.contains(id),
                    SelectionMode::Exclude => !standing.named && !standing.hidden,
                    SelectionMode::All => !standing.hidden,
                }
        });
        kept.map(|(id, _)| id.clone()).collect()
    }
}

/// The folder that has this well-known name here; else what was named is an id.
fn by_well_known_name(tree: &[MailFolder], name: &FolderId) -> FolderId {
    let named = WellKnown::named(name.as_str());
    let same = |folder: &&MailFolder| named.is_some() && folder.well_known == named;
    tree.iter().find(same).map_or_else(|| name.clone(), |folder| folder.id.clone())
}

/// The folders of a tree that may be chosen: drafts, deleted items and the like are never read, nor what lies below
/// them.
pub fn readable<'a>(tree: impl IntoIterator<Item = &'a MailFolder>) -> HashSet<FolderId> {
    let standings = standings(tree, &HashSet::new()).into_iter();
    standings.filter(|(_, standing)| !standing.never_read).map(|(id, _)| id.clone()).collect()
}

/// How every folder but the root stands. What does not lie below the root, where that is known, is no part of the
/// mailbox that a person sees.
fn standings<'a>(
    tree: impl IntoIterator<Item = &'a MailFolder>,
    named: &HashSet<&FolderId>,
) -> HashMap<&'a FolderId, FolderStanding> {
    let by_id: HashMap<&FolderId, &MailFolder> = tree.into_iter().map(|folder| (&folder.id, folder)).collect();
    let root_known = by_id.values().any(|folder| folder.is_root());
    let mut standings: HashMap<&FolderId, FolderStanding> = HashMap::with_capacity(by_id.len());
    for folder in by_id.values() {
        // Up to the root, or to one that is known, and down again.
        let mut path = Vec::new();
        let mut at = Some(*folder);
        let mut above = FolderStanding { never_read: root_known, ..FolderStanding::default() };
        while let Some(folder) = at {
            if let Some(known) = standings.get(&folder.id) {
                above = *known;
                break;
            }
            if folder.is_root() {
                above = FolderStanding { named: named.contains(&folder.id), ..FolderStanding::default() };
                break;
            }
            path.push(folder);
            if path.len() > by_id.len() {
                // A circle of folders hangs on nothing.
                above.never_read = true;
                break;
            }
            at = folder.parent.as_ref().and_then(|parent| by_id.get(parent).copied());
        }
        for folder in path.into_iter().rev() {
            above.never_read |= folder.search || folder.well_known.is_some_and(|w| WELL_KNOWN_NEVER_READ.contains(&w));
            above.hidden |= folder.hidden;
            above.named |= named.contains(&folder.id);
            standings.insert(&folder.id, above);
        }
    }
    standings
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn folder(id: &str, parent: &str, well_known: Option<WellKnown>) -> MailFolder {
        MailFolder {
            id: id.parse().unwrap(),
            parent: Some(parent.parse().unwrap()),
            display_name: id.to_owned(),
            items: 0,
            hidden: false,
            search: false,
            well_known,
        }
    }

    pub(crate) fn tree() -> Vec<MailFolder> {
        vec![
            MailFolder::root("root".parse().unwrap()),
            // A child before its parent: delta promises no order.
            folder("acme", "clients", None),
            folder("inbox", "root", Some(WellKnown::Inbox)),
            folder("trash", "root", Some(WellKnown::DeletedItems)),
            folder("clients", "inbox", None),
            folder("binned", "trash", None),
        ]
    }

    fn kept_in(tree: &[MailFolder], mode: SelectionMode, named: &[&str]) -> Result<Vec<String>, SelectionError> {
        let named: Vec<FolderId> = named.iter().map(|id| id.parse().unwrap()).collect();
        let mut kept: Vec<String> =
            Selection::of(mode, &named, tree)?.kept(tree).iter().map(ToString::to_string).collect();
        kept.sort();
        Ok(kept)
    }

    fn kept(mode: SelectionMode, named: &[&str]) -> Result<Vec<String>, SelectionError> {
        kept_in(&tree(), mode, named)
    }

    #[test]
    fn an_inclusion_keeps_the_named_folders_and_no_others() {
        assert_eq!(kept(SelectionMode::Include, &["inbox", "acme"]).unwrap(), ["acme", "inbox"]);
        assert_eq!(kept(SelectionMode::Include, &["gone"]), Err(SelectionError::Unknown(0)));
        assert_eq!(kept(SelectionMode::Include, &[]), Err(SelectionError::Nothing));
    }

    #[test]
    fn an_exclusion_takes_all_below_with_it() {
        assert_eq!(kept(SelectionMode::Exclude, &["clients"]).unwrap(), ["inbox"]);
        assert_eq!(kept(SelectionMode::All, &[]).unwrap(), ["acme", "clients", "inbox"]);
        assert_eq!(kept(SelectionMode::Exclude, &["root"]), Err(SelectionError::Nothing));
    }

    #[test]
    fn deleted_items_and_all_below_are_never_read() {
        assert_eq!(kept(SelectionMode::Include, &["inbox", "binned"]), Err(SelectionError::NeverRead(1)));
        assert_eq!(kept(SelectionMode::Include, &["root"]), Err(SelectionError::NeverRead(0)));
        assert!(!kept(SelectionMode::All, &[]).unwrap().contains(&"trash".to_owned()));
    }

    #[test]
    fn what_is_hidden_a_search_or_outside_the_mailbox_is_not_kept() {
        let mut tree = tree();
        tree.push(MailFolder { hidden: true, ..folder("settings", "root", None) });
        tree.push(folder("below", "settings", None));
        tree.push(MailFolder { search: true, ..folder("unread", "root", None) });
        tree.push(folder("outside", "another-root", None));
        tree.push(folder("hen", "egg", None));
        tree.push(folder("egg", "hen", None));
        assert_eq!(kept_in(&tree, SelectionMode::All, &[]).unwrap(), ["acme", "clients", "inbox"]);
        assert_eq!(kept_in(&tree, SelectionMode::Include, &["settings"]).unwrap(), ["settings"]);
        for never in ["unread", "outside", "hen"] {
            assert_eq!(kept_in(&tree, SelectionMode::Include, &[never]), Err(SelectionError::NeverRead(0)), "{never}");
        }
    }

    #[test]
    fn a_folder_goes_by_its_well_known_name_in_every_language() {
        let tree = [
            MailFolder::root("root".parse().unwrap()),
            folder("posteingang", "root", Some(WellKnown::Inbox)),
            folder("acme", "posteingang", None),
        ];
        for (name, id) in [("inbox", "posteingang"), ("Inbox", "posteingang"), ("acme", "acme")] {
            assert_eq!(kept_in(&tree, SelectionMode::Include, &[name]).unwrap(), [id]);
        }
        assert_eq!(kept_in(&tree, SelectionMode::Include, &["sentitems"]), Err(SelectionError::Unknown(0)));
        assert_eq!(kept_in(&tree, SelectionMode::All, &["inbox"]), Err(SelectionError::Named));
    }

    #[test]
    fn a_tree_is_followed_to_any_depth() {
        let mut tree = vec![MailFolder::root("f0".parse().unwrap())];
        tree.extend((1..=5_000).map(|n| folder(&format!("f{n}"), &format!("f{}", n - 1), None)));
        tree.reverse();
        assert_eq!(kept_in(&tree, SelectionMode::All, &[]).unwrap().len(), 5_000);
        assert_eq!(kept_in(&tree, SelectionMode::Exclude, &["f4000"]).unwrap().len(), 3_999);
    }

    #[test]
    fn what_is_named_fits_one_item_or_is_refused() {
        let id = |n: usize| format!("{n:0>150}");
        let mut tree: Vec<MailFolder> = (1..3_000).map(|n| folder(&id(n), &id(0), None)).collect();
        tree.push(MailFolder::root(id(0).parse().unwrap()));
        let name = |count: usize| (1..count).map(|n| id(n).parse().unwrap()).collect::<Vec<FolderId>>();
        assert!(Selection::of(SelectionMode::Include, &name(2_000), &tree).is_ok());
        assert_eq!(Selection::of(SelectionMode::Include, &name(3_000), &tree), Err(SelectionError::TooMany));
        assert_eq!(Selection::of(SelectionMode::All, &[], &tree).unwrap().kept(&tree).len(), 2_999);
    }
}
