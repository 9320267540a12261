//! Mailboxes: the list, and one of them with how far it is.

use askama::Template;
use axum::{
    extract::Path,
    http::Method,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::de::IgnoredAny;
use serde_json::json;
use shared::base::id::{FirmId, MailboxId};

use super::view::MailboxView;
use crate::{
    door::Trouble,
    guest::Fields,
    shell::{Office, Shell, page},
};

#[derive(Template)]
#[template(path = "mailboxes.html")]
struct MailboxesPage {
    s: Shell,
    /// Those of one person, and shared ones; none of them is empty.
    groups: Vec<Vec<MailboxView>>,
    moves: bool,
}

/// The list: mailboxes of people, and shared ones apart.
pub(crate) async fn list(office: Office) -> Result<Response, Trouble> {
    let all = MailboxView::all(&office).await?;
    let moves = all.iter().any(MailboxView::moves);
    let (shared, own): (Vec<_>, Vec<_>) = all.into_iter().partition(MailboxView::is_shared);
    let groups = [own, shared].into_iter().filter(|group| !group.is_empty()).collect();
    Ok(page(&MailboxesPage { s: office.shell("mailboxes"), groups, moves }))
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    s: Shell,
    firm: crate::shell::FirmShown,
    m: MailboxView,
}

impl MailboxPage {
    /// Which folders are kept, in words.
    fn folders(&self) -> String {
        match &self.m.selection {
            None => self.s.t.say("folders-none"),
            Some(selection) => match selection.mode.as_str() {
                "include" => self.s.t.say_n("folders-include", selection.folders.len() as i64),
                "exclude" => self.s.t.say_n("folders-exclude", selection.folders.len() as i64),
                _ => self.s.t.say("folders-all"),
            },
        }
    }

    /// What is skipped, in words.
    fn rules(&self) -> Vec<String> {
        let (t, rules) = (&self.s.t, &self.m.rules);
        let mut words = Vec::new();
        if rules.ignore_internal {
            words.push(t.say("rules-internal"));
        }
        if !rules.excluded_senders.is_empty() {
            words.push(t.say_n("rules-senders", rules.excluded_senders.len() as i64));
        }
        if !rules.excluded_domains.is_empty() {
            words.push(t.say_n("rules-domains", rules.excluded_domains.len() as i64));
        }
        if words.is_empty() {
            words.push(t.say("rules-none"));
        }
        words.push(if rules.mark { t.say("rules-mark") } else { t.say("rules-no-mark") });
        words
    }

    /// Mails that were skipped by rules.
    fn skipped(&self) -> i64 {
        let skipped = &self.m.progress.skipped;
        skipped.internal + skipped.excluded_sender + skipped.excluded_domain
    }

    /// How far older mail is, in words.
    fn history(&self) -> String {
        let Some(history) = &self.m.history else { return String::new() };
        let (t, checked) = (&self.s.t, self.s.t.number(history.checked));
        match (history.state.as_str(), history.total) {
            ("done", _) => t.say("history-done"),
            (_, Some(total)) => t.say_two("history-running", &checked, &t.number(total)),
            _ => t.say("history-counting"),
        }
    }
}

/// One mailbox.
pub(crate) async fn read(office: Office, Path((_, mailbox)): Path<(FirmId, MailboxId)>) -> Result<Response, Trouble> {
    let m: MailboxView = office.api().get(&office.v1(&format!("/mailboxes/{mailbox}"))).await?;
    Ok(page(&MailboxPage { s: office.shell("mailboxes"), firm: office.firm.clone(), m }))
}

/// Switches it on, or pauses it.
pub(crate) async fn change(
    office: Office,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    fields: Fields,
) -> Result<Response, Trouble> {
    let (deed, body) = match fields.get("do") {
        "activate" => ("activate", Some(json!({ "since": null }))),
        "pause" => ("pause", None),
        _ => return Err(Trouble::NotFound),
    };
    let path = office.v1(&format!("/mailboxes/{mailbox}/{deed}"));
    office.api().send::<IgnoredAny>(Method::POST, &path, body).await?;
    Ok(Redirect::to(&office.shell.at(&format!("/mailboxes/{mailbox}"))).into_response())
}
