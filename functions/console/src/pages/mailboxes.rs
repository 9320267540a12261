//! Mailboxes: the list, and one of them with how far it is.

use askama::Template;
use axum::{
    extract::Path,
    http::Method,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::id::{FirmId, MailboxId};

use super::view::{self, ConnectorView, MailboxView};
use crate::{
    door::{Refusal, Trouble},
    guest::Fields,
    shell::{FirmShown, Office, Shell, page},
};

#[derive(Template)]
#[template(path = "mailboxes.html")]
struct MailboxesPage {
    s: Shell,
    firm: FirmShown,
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
    Ok(page(&MailboxesPage { s: office.shell("mailboxes"), firm: office.firm.clone(), groups, moves }))
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    s: Shell,
    firm: FirmShown,
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

#[derive(Template)]
#[template(path = "mailbox_new.html")]
struct NewMailboxPage {
    s: Shell,
    connectors: Vec<ConnectorView>,
    typed: Fields,
    refusal: Option<Refusal>,
}

async fn new_shown(office: &Office, typed: Fields, refusal: Option<Refusal>) -> Result<Response, Trouble> {
    if !office.firm.may_manage() {
        return Err(Trouble::Forbidden);
    }
    let mut connectors: Vec<ConnectorView> = view::all(office.api(), &office.v1("/connectors")).await?;
    connectors.retain(|connector| connector.state == "connected");
    Ok(page(&NewMailboxPage { s: office.shell("mailboxes"), connectors, typed, refusal }))
}

/// The form of a new mailbox.
pub(crate) async fn new(office: Office) -> Result<Response, Trouble> {
    new_shown(&office, Fields::default(), None).await
}

#[derive(Deserialize)]
struct NewMailbox {
    id: String,
}

/// Adds it. What was typed is shown again where it is refused.
pub(crate) async fn create(office: Office, typed: Fields) -> Result<Response, Trouble> {
    let body = json!({
        "connector": typed.get("connector"), "address": typed.get("address"), "kind": typed.get("kind"),
    });
    match office.api().send::<NewMailbox>(Method::POST, &office.v1("/mailboxes"), Some(body)).await {
        Ok(made) => Ok(Redirect::to(&office.shell.at(&format!("/mailboxes/{}", made.id))).into_response()),
        Err(Trouble::Refused(refusal)) => new_shown(&office, typed, Some(*refusal)).await,
        Err(other) => Err(other),
    }
}
