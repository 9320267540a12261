//! The folders of a mailbox that stand for a dossier: greffe files the mail that lies there, or is moved there.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::Method,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::id::{FirmId, MailboxId};

use super::view::MailboxView;
use crate::{
    api_client::{PageError, Refusal},
    form::{Fields, TAG_FIELD},
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

/// Folders that are listed to choose one of: a page stays small, and a mailbox may have thousands.
const FOLDERS_LISTED_MAX: usize = 100;

/// A folder as the API lists it.
#[derive(Deserialize)]
struct FolderPath {
    id: String,
    path: String,
    selected: bool,
}

#[derive(Default, Deserialize)]
struct FolderPaths {
    items: Vec<FolderPath>,
    current: bool,
}

/// A folder that stands for a dossier.
#[derive(Debug, PartialEq, Eq)]
struct LinkedFolder {
    id: String,
    /// None if the folder is gone, or Microsoft does not say what it is called.
    path: Option<String>,
    dossier: String,
}

/// The folders to choose one of.
#[derive(Debug, PartialEq, Eq)]
struct FolderChoices {
    /// Id and path of each.
    shown: Vec<(String, String)>,
    /// Whether there are more.
    goes_on: bool,
}

impl FolderChoices {
    /// The folders whose mail is archived, with `wanted` in their path, whatever the case.
    fn of(folders: Vec<FolderPath>, wanted: &str) -> Self {
        let wanted = wanted.trim().to_lowercase();
        let fits = |folder: &FolderPath| folder.selected && folder.path.to_lowercase().contains(&wanted);
        let mut shown: Vec<_> = folders.into_iter().filter(fits).map(|folder| (folder.id, folder.path)).collect();
        let goes_on = shown.len() > FOLDERS_LISTED_MAX;
        shown.truncate(FOLDERS_LISTED_MAX);
        Self { shown, goes_on }
    }
}

#[derive(Template)]
#[template(path = "folder_dossiers.html")]
struct FolderDossiersPage {
    s: Shell,
    m: MailboxView,
    /// The tag of what is shown.
    tag: String,
    linked: Vec<LinkedFolder>,
    choices: FolderChoices,
    wanted: String,
    /// Whether Microsoft listed the folders just now.
    current: bool,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl FolderDossiersPage {
    /// The path of a folder, or what stands for it.
    fn path(&self, link: &LinkedFolder) -> String {
        link.path.clone().unwrap_or_else(|| self.s.t.say("folder-unknown"))
    }
}

/// Which folders are looked for.
#[derive(Default, Deserialize)]
pub(crate) struct FoldersQuery {
    #[serde(default)]
    q: String,
}

async fn shown(
    firm_page: &FirmPage,
    mailbox: MailboxId,
    wanted: String,
    (typed, refusal): (Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    if !firm_page.shell.may_file() {
        return Err(PageError::Forbidden);
    }
    let own = firm_page.v1(&format!("/mailboxes/{mailbox}"));
    let folders = format!("{own}/folders");
    let ((m, stored), folders) = tokio::try_join!(
        firm_page.api().get_tagged::<MailboxView>(&own),
        firm_page.api().tried::<FolderPaths>(Method::GET, &folders, None)
    )?;
    // A link can be ended also where the folders can't be read.
    let (folders, unread) = match folders {
        Ok(folders) => (folders, None),
        Err(refusal) => (FolderPaths { current: true, ..FolderPaths::default() }, Some(refusal)),
    };
    let refusal = refusal.or(unread);
    // A person who opens the page, or learns that somebody else changed it, sees the stored state: its tag counts.
    let has_seen = typed.get(TAG_FIELD).is_empty() || refusal.as_ref().is_some_and(Refusal::is_overtaken);
    let tag = if has_seen { stored } else { typed.get(TAG_FIELD).to_owned() };
    let paths: BTreeMap<&str, &str> =
        folders.items.iter().map(|folder| (folder.id.as_str(), folder.path.as_str())).collect();
    let linked = m.dossiers.iter().map(|link| {
        let path = paths.get(link.folder.as_str()).filter(|path| !path.is_empty()).map(|path| (*path).to_owned());
        LinkedFolder { id: link.folder.clone(), path, dossier: link.dossier.clone() }
    });
    let mut linked: Vec<LinkedFolder> = linked.collect();
    linked.sort_by(|one, other| one.path.cmp(&other.path));
    let current = folders.current;
    let choices = FolderChoices::of(folders.items, &wanted);
    let s = firm_page.shell("mailboxes");
    Ok(page_saying(refusal, |refusal| FolderDossiersPage {
        s,
        m,
        tag,
        linked,
        choices,
        wanted,
        current,
        typed,
        refusal,
    }))
}

/// The folders that stand for a dossier, and the form of another one.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    Query(FoldersQuery { q }): Query<FoldersQuery>,
) -> Result<Response, PageError> {
    shown(&firm_page, mailbox, q, (Fields::default(), None)).await
}

/// Lets a folder stand for a dossier, or for none any more.
pub(crate) async fn change(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let (body, said) = match typed.get("end") {
        "" => (json!({ "folder": typed.get("folder"), "dossier": typed.get("dossier") }), Said::Saved),
        folder => (json!({ "folder": folder, "dossier": Value::Null }), Said::Removed),
    };
    let path = format!("/mailboxes/{mailbox}/dossiers");
    match firm_page.api().replaced(&typed, Method::PUT, &firm_page.v1(&path), body).await? {
        Ok(()) => Ok(firm_page.done(&path, said)),
        Err(refusal) => shown(&firm_page, mailbox, typed.get("q").to_owned(), (typed, Some(refusal))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str, selected: bool) -> FolderPath {
        FolderPath { id: path.to_lowercase(), path: path.to_owned(), selected }
    }

    #[test]
    fn a_folder_is_chosen_of_those_whose_mail_is_archived_and_found_by_a_part_of_its_path() {
        let folders = || vec![folder("Inbox", true), folder("Inbox/Acme", true), folder("Junk", false)];
        let of = |wanted: &str| FolderChoices::of(folders(), wanted).shown.into_iter().map(|(id, _)| id);
        assert_eq!(of("").collect::<Vec<_>>(), ["inbox", "inbox/acme"]);
        assert_eq!(of(" ACME ").collect::<Vec<_>>(), ["inbox/acme"]);
        assert_eq!(of("junk").count(), 0);
        let many = (0..=FOLDERS_LISTED_MAX).map(|n| folder(&format!("Client {n}"), true)).collect();
        let many = FolderChoices::of(many, "");
        assert_eq!((many.shown.len(), many.goes_on), (FOLDERS_LISTED_MAX, true));
    }
}
