//! Mail folders: the tree, and which of them are well known.

use std::collections::{HashMap, HashSet};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    batch::{BatchOrder, BatchPart},
    client::{Call, Graph, GraphUser, Link, segment},
    graph_error::GraphError,
    messages::MESSAGES_PAGE,
    wire_page::{PageEnd, WirePage},
};
use crate::base::id::FolderId;

/// A folder that Graph knows by a name that is the same in every language.
/// Source: <https://learn.microsoft.com/graph/api/resources/mailfolder>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum WellKnown {
    Archive,
    ConversationHistory,
    DeletedItems,
    Drafts,
    Inbox,
    JunkEmail,
    /// The folder in which the top ones lie; nobody sees it.
    MsgFolderRoot,
    Outbox,
    RecoverableItemsDeletions,
    SearchFolders,
    SentItems,
    SyncIssues,
}

/// Folders that are never read, with all that lies below them, whatever they are called locally.
pub const WELL_KNOWN_NEVER_READ: [WellKnown; 9] = [
    WellKnown::Archive,
    WellKnown::ConversationHistory,
    WellKnown::DeletedItems,
    WellKnown::Drafts,
    WellKnown::JunkEmail,
    WellKnown::Outbox,
    WellKnown::RecoverableItemsDeletions,
    WellKnown::SearchFolders,
    WellKnown::SyncIssues,
];

impl WellKnown {
    /// The folder with this name of Graph's, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    const ALL: [Self; 12] = [
        Self::Archive,
        Self::ConversationHistory,
        Self::DeletedItems,
        Self::Drafts,
        Self::Inbox,
        Self::JunkEmail,
        Self::MsgFolderRoot,
        Self::Outbox,
        Self::RecoverableItemsDeletions,
        Self::SearchFolders,
        Self::SentItems,
        Self::SyncIssues,
    ];

    /// Graph's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::ConversationHistory => "conversationhistory",
            Self::DeletedItems => "deleteditems",
            Self::Drafts => "drafts",
            Self::Inbox => "inbox",
            Self::JunkEmail => "junkemail",
            Self::MsgFolderRoot => "msgfolderroot",
            Self::Outbox => "outbox",
            Self::RecoverableItemsDeletions => "recoverableitemsdeletions",
            Self::SearchFolders => "searchfolders",
            Self::SentItems => "sentitems",
            Self::SyncIssues => "syncissues",
        }
    }
}

/// One folder of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFolder {
    /// Its id, constant.
    pub id: FolderId,
    /// The folder it lies in; the root's id for the top ones.
    pub parent: Option<FolderId>,
    /// Its name in the mailbox's language.
    pub display_name: String,
    /// How many items lie in it, at the moment that Graph told.
    #[serde(skip)]
    pub items: u64,
    /// Whether Outlook hides it.
    pub hidden: bool,
    /// A saved search, which holds nothing of its own.
    pub search: bool,
    /// Which well-known folder it is, if one.
    pub well_known: Option<WellKnown>,
}

/// Which well-known folders a mailbox has: a folder does not say so itself.
pub type WellKnownFolders = HashMap<FolderId, WellKnown>;

/// What the lookups of the well-known names came to.
#[derive(Debug, Default)]
pub struct WellKnownAnswers {
    /// Those that were found.
    pub known: WellKnownFolders,
    /// Those of which nothing can be said.
    pub failed: Vec<(WellKnown, GraphError)>,
}

/// What a page of folder delta says of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderItem {
    /// It is there: new, changed, moved, or told again. What a change leaves out is none.
    Present {
        /// Its id.
        id: FolderId,
        /// The folder it lies in.
        parent: Option<FolderId>,
        /// Its name.
        display_name: Option<String>,
        /// Whether Outlook hides it.
        hidden: Option<bool>,
        /// A saved search.
        search: bool,
    },
    /// It was deleted for good.
    Removed(FolderId),
}

impl FolderItem {
    /// A folder of which nothing new is known, but that it is there.
    pub fn unchanged(id: FolderId) -> Self {
        Self::Present { id, parent: None, display_name: None, hidden: None, search: false }
    }

    /// Which folder it is about.
    pub fn id(&self) -> &FolderId {
        let (Self::Present { id, .. } | Self::Removed(id)) = self;
        id
    }
}

/// One page of a folder delta round: the whole tree in a first round, flat, and what changed in it later.
#[derive(Debug)]
pub struct FolderPage {
    /// Its entries.
    pub items: Vec<FolderItem>,
    /// Whether all of its entries could be read.
    pub is_whole: bool,
    /// Where to go on.
    pub end: PageEnd,
}

const SELECT: &str = "id,displayName,parentFolderId,childFolderCount,totalItemCount,isHidden";
/// The longest name that is kept: Exchange allows no longer one.
const NAME_CHARS_MAX: usize = 255;
/// Most requests spent on one tree: a mailbox with more folders than this many pages is refused, not half read.
const TREE_REQUESTS_MAX: usize = 2_000;

impl Graph {
    /// Every folder of a mailbox, as deep as it goes, parents before their children, hidden ones and the root included.
    /// Source: <https://learn.microsoft.com/graph/api/user-list-mailfolders>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn folders(&self, user: &GraphUser) -> Result<Vec<MailFolder>, GraphError> {
        let attempted = "list the mail folders";
        let WellKnownAnswers { known: well_known, mut failed } = self.well_known_folders(user).await?;
        if let Some((_, error)) = failed.pop() {
            return Err(error);
        }
        let query = format!("?includeHiddenFolders=true&$top=100&$select={SELECT}");
        let mut pages = vec![(self.url(&format!("{}/mailFolders{query}", user.path())), None)];
        let root = well_known.iter().find(|(_, name)| **name == WellKnown::MsgFolderRoot);
        let mut folders: Vec<MailFolder> = root.map(|(id, _)| MailFolder::root(id.clone())).into_iter().collect();
        let mut requests = 0;
        let mut followed = HashSet::new();
        while let Some((url, parent)) = pages.pop() {
            requests += 1;
            if requests > TREE_REQUESTS_MAX || !followed.insert(url.clone()) {
                let source = "the mailbox has too many folders, or their pages have no end".into();
                return Err(GraphError::Unreadable { attempted: attempted.to_owned(), source });
            }
            let page: WirePage = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            for folder in page.entries.into_iter().filter_map(read_folder) {
                if folder.child_folder_count.unwrap_or(0) > 0 {
                    let path =
                        format!("{}/mailFolders/{}/childFolders{query}", user.path(), segment(folder.id.as_str()));
                    pages.push((self.url(&path), Some(folder.id.clone())));
                }
                folders.push(MailFolder {
                    well_known: well_known.get(&folder.id).copied(),
                    search: folder.is_search,
                    parent: folder.parent_folder_id.or_else(|| parent.clone()),
                    display_name: folder.display_name.unwrap_or_default(),
                    items: folder.total_item_count.unwrap_or(0),
                    hidden: folder.is_hidden.unwrap_or(false),
                    id: folder.id,
                });
            }
            if let Some(next) = page.next_link {
                pages.push((self.link(&self.admit(next, attempted)?, attempted)?, parent));
            }
        }
        Ok(folders)
    }

    /// One page of the changes of a mailbox's tree: from `from`, or the first page of all folders.
    /// Source: <https://learn.microsoft.com/graph/api/mailfolder-delta>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn folder_page(&self, user: &GraphUser, from: Option<&Link>) -> Result<FolderPage, GraphError> {
        let attempted = "read a page of the changes of the mail folders".to_owned();
        let prefer = format!("odata.maxpagesize={MESSAGES_PAGE}");
        let headers = [("prefer", prefer.as_str())];
        let mut call = match from {
            Some(link) => Call { url: self.link(link, &attempted)?, ..self.get("", attempted.clone()) },
            None => self.get(&format!("{}/mailFolders/delta?$select={SELECT}", user.path()), attempted.clone()),
        };
        call.headers = &headers;
        let page: WirePage = self.json(call).await?;
        let end = self.page_end(page.next_link, page.delta_link, &attempted)?;
        let all = page.entries.len() + page.unreadable;
        let items: Vec<FolderItem> = page.entries.into_iter().filter_map(read_change).collect();
        Ok(FolderPage { is_whole: items.len() == all, items, end })
    }

    /// Reads one of the mailbox's folders: whether they may be read at all, without walking the tree.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn any_folder(&self, user: &GraphUser) -> Result<(), GraphError> {
        let path = format!("{}/mailFolders?$top=1&$select={SELECT}", user.path());
        self.json::<WirePage>(self.get(&path, "read a mail folder".to_owned())).await.map(drop)
    }

    /// One folder; none if it is gone.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn folder(&self, user: &GraphUser, folder: &FolderId) -> Result<Option<FolderItem>, GraphError> {
        let attempted = format!("read folder {folder}");
        let select = "id,parentFolderId,displayName,isHidden";
        let path = format!("{}/mailFolders/{}?$select={select}", user.path(), segment(folder.as_str()));
        match self.json::<Value>(self.get(&path, attempted.clone())).await {
            Ok(found) if found["id"].is_string() => {
                let text = |name: &str| found[name].as_str();
                Ok(Some(FolderItem::Present {
                    id: folder.clone(),
                    parent: text("parentFolderId").and_then(|parent| parent.parse().ok()),
                    display_name: text("displayName").map(str::to_owned),
                    hidden: found["isHidden"].as_bool(),
                    search: false,
                }))
            }
            Ok(_) => Err(GraphError::Unreadable { attempted, source: "it has no id".into() }),
            Err(e) if e.is_certainly_gone() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The id of the folder in which the top ones lie: as good as the mailbox's own.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn root_folder(&self, user: &GraphUser) -> Result<FolderId, GraphError> {
        let attempted = "find the root folder".to_owned();
        let path = format!("{}/mailFolders/{}?$select=id", user.path(), WellKnown::MsgFolderRoot.name());
        let folder: Value = self.json(self.get(&path, attempted.clone())).await?;
        let unreadable = || GraphError::Unreadable { attempted, source: "it has no id".into() };
        read_folder(folder).map(|folder| folder.id).ok_or_else(unreadable)
    }

    /// Which folder has which well-known name: a folder does not say so itself, each name is asked for. One that can't
    /// be found out costs the others nothing.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn well_known_folders(&self, user: &GraphUser) -> Result<WellKnownAnswers, GraphError> {
        let parts = WellKnown::ALL.map(|folder| BatchPart {
            method: Method::GET,
            path: format!("{}/mailFolders/{}?$select=id", user.path(), folder.name()),
            headers: json!({}),
            body: None,
            attempted: format!("find the folder {}", folder.name()),
        });
        let mut answers = WellKnownAnswers::default();
        for (name, answer) in WellKnown::ALL.into_iter().zip(self.batch(parts.into(), BatchOrder::Parallel).await?) {
            match answer {
                Ok(folder) => {
                    let id = folder["id"].as_str().and_then(|id| id.parse().ok());
                    match id {
                        Some(id) => drop(answers.known.insert(id, name)),
                        None => {
                            let attempted = format!("find the folder {}", name.name());
                            answers
                                .failed
                                .push((name, GraphError::Unreadable { attempted, source: "it has no id".into() }));
                        }
                    }
                }
                // Not every mailbox has every one of them.
                Err(e) if e.is_certainly_gone() => {}
                Err(e) if e.concerns_mailbox() => return Err(e),
                Err(e) => answers.failed.push((name, e)),
            }
        }
        Ok(answers)
    }
}

impl MailFolder {
    /// The folder in which the top ones lie.
    pub fn root(id: FolderId) -> Self {
        Self {
            id,
            parent: None,
            display_name: String::new(),
            items: 0,
            hidden: false,
            search: false,
            well_known: Some(WellKnown::MsgFolderRoot),
        }
    }

    /// Whether it is the folder in which the top ones lie.
    pub fn is_root(&self) -> bool {
        self.well_known == Some(WellKnown::MsgFolderRoot)
    }
}

/// Reads one folder. Only the id is needed: what else is left out, null, or of another form than documented counts as
/// not told.
fn read_folder(entry: Value) -> Option<WireMailFolder> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let number = |name: &str| entry.get(name).and_then(Value::as_u64);
    Some(WireMailFolder {
        id: text("id")?.parse().ok()?,
        is_search: text("@odata.type").is_some_and(|kind| kind.ends_with("mailSearchFolder")),
        display_name: text("displayName").map(|name| name.chars().take(NAME_CHARS_MAX).collect()),
        parent_folder_id: text("parentFolderId").and_then(|id| id.parse().ok()),
        child_folder_count: number("childFolderCount"),
        total_item_count: number("totalItemCount"),
        is_hidden: entry.get("isHidden").and_then(Value::as_bool),
    })
}

fn read_change(entry: Value) -> Option<FolderItem> {
    let removed = entry.get("@removed").is_some_and(|removed| !removed.is_null());
    let folder = read_folder(entry)?;
    Some(match removed {
        true => FolderItem::Removed(folder.id),
        false => FolderItem::Present {
            search: folder.is_search,
            id: folder.id,
            parent: folder.parent_folder_id,
            display_name: folder.display_name,
            hidden: folder.is_hidden,
        },
    })
}

struct WireMailFolder {
    id: FolderId,
    is_search: bool,
    display_name: Option<String>,
    parent_folder_id: Option<FolderId>,
    child_folder_count: Option<u64>,
    total_item_count: Option<u64>,
    is_hidden: Option<bool>,
}

/// Reads any bytes as a page of the changes of folders, and checks what holds of each.
#[cfg(any(test, fuzzing))]
pub fn check_folders_page(bytes: &[u8]) -> bool {
    let Ok(page) = crate::graph::json::read_json::<WirePage>(bytes) else { return false };
    for item in page.entries.into_iter().filter_map(read_change) {
        if let FolderItem::Present { display_name: Some(name), .. } = item {
            assert!(name.chars().count() <= NAME_CHARS_MAX);
        }
    }
    true
}
