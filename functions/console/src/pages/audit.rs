//! The audit trail: who did what, who read what, and what came of it. Newest first.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::Query, response::Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::view;
use crate::{
    api_client::{PageError, and, encoded},
    shell::{FirmPage, Shell, page},
    text::Texts,
};

/// Entries of one page.
const ENTRIES: usize = 100;

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum AuditActor {
    Operator,
    Key { id: String },
    User { address: String },
    Visitor,
    Account { address: String },
}

/// An entry of the audit trail: a deed that begins, or what came of it.
#[derive(Debug, Clone, Deserialize)]
struct AuditEntryView {
    at: Timestamp,
    who: AuditActor,
    action: String,
    path: String,
    from: Option<String>,
    request: String,
    outcome: Option<u16>,
}

#[derive(Deserialize)]
struct Trail {
    items: Vec<AuditEntryView>,
    next: Option<String>,
    broken_at: Option<u64>,
}

/// One deed of each request, newest first, with what came of it. `told`: the requests whose outcome the page before
/// has. Beside them, those whose beginning the next page has.
fn deeds(entries: Vec<AuditEntryView>, told: BTreeSet<String>) -> (Vec<AuditEntryView>, BTreeSet<String>) {
    let (mut deeds, mut open) = (Vec::new(), told);
    for entry in entries {
        match entry.outcome {
            // A sign-in is one entry, with its outcome; anything else has begun before.
            Some(_) if entry.action.contains("/oauth/") => deeds.push(entry),
            Some(_) => {
                open.insert(entry.request.clone());
                deeds.push(entry);
            }
            None if open.remove(&entry.request) => {}
            None => deeds.push(entry),
        }
    }
    (deeds, open)
}

/// The key of a text: the test of the catalogues looks for these calls.
const fn key(key: &'static str) -> &'static str {
    key
}

/// The text that says what was done.
fn did(action: &str) -> &'static str {
    let (method, route) = action.split_once(' ').unwrap_or_default();
    let below = route.strip_prefix("/v1/firms/{firm}").unwrap_or(route);
    let mut parts = below.split('/').skip(1);
    let (noun, last) = (parts.next().unwrap_or_default(), below.rsplit('/').next().unwrap_or_default());
    match (noun, last, method) {
        ("oauth", ..) => key("did-sign-in"),
        ("messages", "proof", _) => key("did-proof"),
        ("messages", "file", "DELETE") => key("did-unfile"),
        ("messages", "file", _) | ("proposals", "accept", _) => key("did-file"),
        ("messages", "retry", _) => key("did-retry"),
        ("messages", "messages", _) | ("proposals", ..) => key("did-list"),
        ("messages", ..) => key("did-read"),
        ("mailboxes", "activate", _) => key("did-activate"),
        ("mailboxes", "pause", _) => key("did-pause"),
        ("mailboxes", "selection", _) => key("did-folders"),
        ("mailboxes", "rules", _) => key("did-rules"),
        ("mailboxes", "dossiers", _) => key("did-folder-dossiers"),
        ("mailboxes", "grant", _) => key("did-grant-history"),
        ("mailboxes", "reconcile", _) => key("did-reconcile"),
        ("mailboxes", "mailboxes", _) => key("did-mailbox-add"),
        ("mailboxes", _, "DELETE") => key("did-mailbox-remove"),
        ("mailboxes", ..) => key("did-mailbox"),
        ("connectors", "validate", _) => key("did-validate"),
        ("connectors", "secret" | "certificate" | "rotate", _) => key("did-secret"),
        ("connectors", _, "DELETE") => key("did-connector-remove"),
        ("connectors", ..) => key("did-connector"),
        ("members", "test", _) => key("did-member-test"),
        ("members", _, "DELETE") => key("did-member-remove"),
        ("members", ..) => key("did-member"),
        ("dates", ..) => key("did-dates"),
        ("contacts", ..) => key("did-contacts"),
        ("keys", _, "DELETE") => key("did-key-remove"),
        ("keys", ..) => key("did-key"),
        ("webhooks", ..) => key("did-webhook"),
        ("erasures", "confirm", _) => key("did-erase-confirm"),
        ("erasures", ..) => key("did-erase"),
        ("holds", ..) => key("did-hold"),
        ("retention", ..) => key("did-retention"),
        ("users" | "invitations", ..) => key("did-people"),
        ("marks", ..) => key("did-marks"),
        ("", _, "PATCH") => key("did-firm"),
        _ => key("did-other"),
    }
}

/// Why something was refused or failed, by its status.
fn reason(status: u16, t: &Texts) -> String {
    match status {
        401 | 403 => t.say("reason-role"),
        404 => t.say("reason-absent"),
        409 => t.say("reason-stood"),
        412 => t.say("reason-overtaken"),
        422 => t.say("reason-microsoft"),
        429 => t.say("reason-busy"),
        500.. => t.say("reason-down"),
        _ => t.say("reason-wrong"),
    }
}

/// The page where somebody does again what was refused, below the firm's; none for what only reads, and for what a
/// person does elsewhere.
fn again(entry: &AuditEntryView) -> Option<String> {
    let below = entry.path.strip_prefix("/v1/firms/")?.split_once('/')?.1;
    let (mut parts, is_read) = (below.split('/'), entry.action.starts_with("GET "));
    let (noun, id) = (parts.next()?, parts.next());
    let id = id.filter(|id| id.contains('-'));
    match (noun, id) {
        _ if is_read || entry.outcome.is_none_or(|status| status < 400) => None,
        ("mailboxes" | "connectors" | "members" | "webhooks" | "erasures", Some(id)) => Some(format!("/{noun}/{id}")),
        ("mailboxes" | "connectors" | "members", None) => Some(format!("/{noun}/new")),
        ("webhooks" | "erasures" | "keys" | "retention" | "proposals", _) => Some(format!("/{noun}")),
        ("messages", None) if below.ends_with("/retry") => Some("/failed".to_owned()),
        ("messages", _) => Some("/documents".to_owned()),
        ("dates" | "contacts", _) => Some(format!("/entries/{noun}")),
        ("users" | "invitations", _) => Some("/people".to_owned()),
        ("holds", _) => Some("/erasures".to_owned()),
        ("marks", _) => Some("/settings".to_owned()),
        _ => None,
    }
}

/// A deed as the page shows it.
struct DeedShown {
    at: Timestamp,
    who: String,
    what: String,
    /// Where the mail is that was read or filed.
    mail: Option<String>,
    /// Which mailbox it was about, by its id and its address.
    mailbox: Option<(String, String)>,
    class: &'static str,
    outcome: String,
    /// The page where it can be done again.
    again: Option<String>,
    from: String,
    /// The route, for what has no words of its own.
    action: String,
    /// How often it was read on end: a page that shows a mail reads several of its parts.
    times: usize,
    reads: bool,
}

impl DeedShown {
    /// `names`: of keys and of mailboxes, by their ids.
    fn of(entry: AuditEntryView, names: &BTreeMap<String, String>, t: &Texts) -> Self {
        let who = match &entry.who {
            AuditActor::Operator => t.say("actor-operator"),
            AuditActor::Key { id } => match names.get(id) {
                Some(name) => t.say_name("actor-key", name),
                None => t.say("actor-former-key"),
            },
            AuditActor::Visitor => t.say("actor-visitor"),
            AuditActor::User { address } | AuditActor::Account { address } => address.clone(),
        };
        let (class, outcome) = match entry.outcome {
            Some(200..=399) => ("dot good", t.say("outcome-done")),
            Some(status) => ("dot needed", t.say_two("turn-and-action", &t.say("outcome-refused"), &reason(status, t))),
            None => ("dot resting", t.say("outcome-open")),
        };
        let mail = entry.path.split("/messages/").nth(1).and_then(|rest| rest.split('/').next());
        let mail = mail.filter(|id| id.contains('.')).map(str::to_owned);
        let mailbox = entry.path.split("/mailboxes/").nth(1).and_then(|rest| rest.split('/').next());
        let mailbox = mailbox.and_then(|id| Some((id.to_owned(), names.get(id)?.clone())));
        let again = again(&entry);
        let did = did(&entry.action);
        let action = if did == "did-other" { entry.action } else { String::new() };
        let from = entry.from.unwrap_or_default();
        Self {
            at: entry.at,
            who,
            what: t.say(did),
            mail,
            mailbox,
            class,
            outcome,
            again,
            from,
            action,
            times: 1,
            reads: matches!(did, "did-read" | "did-list"),
        }
    }

    /// Whether both read the same: the same in everything but its time. What changes something stands for itself.
    fn is_as(&self, other: &Self) -> bool {
        let of = |deed: &Self| (deed.who.clone(), deed.what.clone(), deed.mail.clone(), deed.class, deed.from.clone());
        self.reads && of(self) == of(other)
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    s: Shell,
    deeds: Vec<DeedShown>,
    older: Option<String>,
    /// An entry was changed or removed.
    is_broken: bool,
}

#[derive(Deserialize)]
struct KeyView {
    id: String,
    name: String,
}

/// Which page.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    #[serde(default)]
    after: String,
    /// The requests whose outcome the page before has, between spaces.
    #[serde(default)]
    open: String,
}

/// The audit trail.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<AuditQuery>) -> Result<Response, PageError> {
    let after = and("after", &which.after);
    let trail = firm_page.v1(&format!("/audit?order=desc&limit={ENTRIES}{after}"));
    let keys = firm_page.v1("/keys");
    let mailboxes = firm_page.v1("/mailboxes");
    let (trail, keys, mailboxes) = tokio::try_join!(
        firm_page.api().get::<Trail>(&trail),
        firm_page.api().get::<view::Listed<KeyView>>(&keys),
        view::all::<view::MailboxName>(firm_page.api(), &mailboxes)
    )?;
    let keys = keys.items.into_iter().map(|key| (key.id, key.name));
    let names = keys.chain(mailboxes.into_iter().map(|mailbox| (mailbox.id, mailbox.address))).collect();
    let told = which.open.split_whitespace().map(str::to_owned).collect();
    let (deeds, open) = deeds(trail.items, told);
    let older = trail.next.map(|next| {
        let open = open.into_iter().collect::<Vec<_>>().join(" ");
        format!("?after={}&open={}", encoded(&next), encoded(&open))
    });
    let s = firm_page.shell("audit");
    let mut shown: Vec<DeedShown> = Vec::new();
    for deed in deeds.into_iter().map(|entry| DeedShown::of(entry, &names, &s.t)) {
        match shown.last_mut().filter(|last| last.is_as(&deed)) {
            Some(last) => last.times += 1,
            None => shown.push(deed),
        }
    }
    Ok(page(&AuditPage { s, deeds: shown, older, is_broken: trail.broken_at.is_some() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(request: &str, outcome: Option<u16>) -> AuditEntryView {
        AuditEntryView {
            at: "2026-03-02T08:00:00Z".parse().unwrap(),
            who: AuditActor::Visitor,
            action: "POST /v1/firms/{firm}/keys".to_owned(),
            path: String::new(),
            from: None,
            request: request.to_owned(),
            outcome,
        }
    }

    #[test]
    fn a_deed_is_shown_once_also_where_its_two_entries_lie_on_two_pages() {
        let shown = |(deeds, open): (Vec<AuditEntryView>, BTreeSet<String>)| {
            (deeds.into_iter().map(|deed| (deed.request, deed.outcome)).collect::<Vec<_>>(), open)
        };
        let first = vec![entry("c", Some(201)), entry("c", None), entry("b", Some(403))];
        let (deeds_shown, open) = shown(deeds(first, BTreeSet::new()));
        assert_eq!(deeds_shown, [("c".to_owned(), Some(201)), ("b".to_owned(), Some(403))]);
        let second = vec![entry("b", None), entry("a", None)];
        assert_eq!(shown(deeds(second, open)), (vec![("a".to_owned(), None)], BTreeSet::new()));
    }

    #[test]
    fn what_was_refused_is_done_again_on_its_page_and_what_only_reads_is_not() {
        let id = "1d3f90f6-fac8-4fdb-ae07-de25533902e9";
        let page = |action: &str, below: &str, outcome| {
            let path = format!("/v1/firms/{id}{below}");
            again(&AuditEntryView { path, action: action.to_owned(), ..entry("a", outcome) })
        };
        assert_eq!(page("POST x", &format!("/mailboxes/{id}/activate"), Some(409)), Some(format!("/mailboxes/{id}")));
        assert_eq!(page("POST x", "/connectors", Some(400)), Some("/connectors/new".to_owned()));
        assert_eq!(page("POST x", "/dates/members", Some(400)), Some("/entries/dates".to_owned()));
        assert_eq!(page("POST x", "/connectors", Some(201)), None);
        assert_eq!(page("GET x", "/messages", Some(403)), None);
    }

    #[test]
    fn what_was_done_is_said_by_its_route() {
        for (action, key) in [
            ("POST /v1/firms/{firm}/mailboxes", "did-mailbox-add"),
            ("POST /v1/firms/{firm}/mailboxes/{mailbox}/activate", "did-activate"),
            ("GET /v1/firms/{firm}/messages/{message}/content", "did-read"),
            ("GET /v1/firms/{firm}/messages", "did-list"),
            ("POST /v1/firms/{firm}/messages/retry", "did-retry"),
            ("PUT /v1/firms/{firm}/mailboxes/{mailbox}/dossiers", "did-folder-dossiers"),
            ("DELETE /v1/firms/{firm}/messages/{message}/file", "did-unfile"),
            ("PUT /v1/firms/{firm}/users/{user}", "did-people"),
            ("PATCH /v1/firms/{firm}", "did-firm"),
            ("POST /v1/firms/{firm}/erasures", "did-erase"),
            ("POST /v1/firms/{firm}/erasures/{erasure}/confirm", "did-erase-confirm"),
            ("PUT /v1/firms/{firm}/holds", "did-hold"),
            ("PUT /v1/firms/{firm}/retention", "did-retention"),
            ("PUT /v1/firms/{firm}/retention/dossiers", "did-retention"),
            ("GET /oauth/callback", "did-sign-in"),
            ("POST /v1/firms/{firm}/new-noun", "did-other"),
        ] {
            assert_eq!(did(action), key, "{action}");
        }
    }
}
