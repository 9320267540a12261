//! Mailboxes: the list, and one of them with how far it is.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::Method,
    response::Response,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::{
    id::{FirmId, MailboxId},
    name_order::name_order,
};

use super::{
    members::MemberName,
    view::{self, ConnectorView, Listed, MailboxView, ProblemView},
};
use crate::{
    api_client::{PageError, Refusal, and},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page, page_saying},
};

/// Mailboxes of one kind that a page lists.
const GROUP_PAGE: usize = 50;

/// Mailboxes of one kind.
struct MailboxGroup {
    is_shared: bool,
    mailboxes: Vec<MailboxView>,
    /// The query of those that follow.
    next: Option<String>,
}

impl MailboxGroup {
    async fn read(firm_page: &FirmPage, kind: &str, after: &str) -> Result<Self, PageError> {
        let after = and("after", after);
        let path = firm_page.v1(&format!("/mailboxes?kind={kind}&sort=name&limit={GROUP_PAGE}{after}"));
        let Listed { items, next } = firm_page.api().get(&path).await?;
        let next = next.map(|next| format!("?kind={kind}{}", and("after", &next)));
        Ok(Self { is_shared: kind == "shared", mailboxes: items, next })
    }
}

#[derive(Template)]
#[template(path = "mailboxes.html")]
struct MailboxesPage {
    s: Shell,
    /// Those of one person, and shared ones; none of them is empty.
    groups: Vec<MailboxGroup>,
    moves: bool,
}

/// Which page: both kinds from their beginning, or one kind from a place on.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct MailboxesQuery {
    kind: String,
    after: String,
}

/// The list: mailboxes of people, and shared ones apart.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<MailboxesQuery>) -> Result<Response, PageError> {
    let mut groups = match which.kind.as_str() {
        kind @ ("user" | "shared") => vec![MailboxGroup::read(&firm_page, kind, &which.after).await?],
        _ => {
            let (own, shared) = tokio::try_join!(
                MailboxGroup::read(&firm_page, "user", ""),
                MailboxGroup::read(&firm_page, "shared", "")
            )?;
            vec![own, shared]
        }
    };
    groups.retain(|group| !group.mailboxes.is_empty());
    let moves = groups.iter().flat_map(|group| &group.mailboxes).any(MailboxView::moves);
    Ok(page(&MailboxesPage { s: firm_page.shell("mailboxes"), groups, moves }))
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    s: Shell,
    m: MailboxView,
    check: ReconciliationView,
    /// The days that were typed, where they were refused.
    typed: Fields,
    refusal: Option<Refusal>,
}

/// The last comparison of the folders with what is kept.
#[derive(Deserialize)]
struct ReconciliationView {
    state: String,
    dry_run: bool,
    ended_at: Option<Timestamp>,
    listed: u64,
    found: u64,
    folders: Vec<FolderTally>,
}

#[derive(Deserialize)]
struct FolderTally {
    display_name: String,
    listed: u64,
    due: u64,
    kept: u64,
    found: u64,
    problem: Option<ProblemView>,
}

impl MailboxPage {
    /// The day that was typed into that form.
    fn day(&self, form: &str, name: &str) -> String {
        self.typed.of_form(form).get(name).to_owned()
    }

    /// Mails that were skipped by rules.
    fn skipped(&self) -> i64 {
        let skipped = &self.m.progress.skipped;
        skipped.internal + skipped.excluded_sender + skipped.excluded_domain
    }

    /// What the last check found, in words.
    fn checked(&self) -> String {
        let t = &self.s.t;
        match (self.check.state.as_str(), self.check.ended_at) {
            ("running", _) => t.say("check-running"),
            (_, Some(at)) if self.check.found == 0 => {
                t.say_two("check-complete", &t.time(at), &t.number(self.check.listed))
            }
            (_, Some(at)) if self.check.dry_run => t.say_two("check-would", &t.time(at), &t.number(self.check.found)),
            (_, Some(at)) => t.say_two("check-found", &t.time(at), &t.number(self.check.found)),
            _ => t.say("check-never"),
        }
    }

    /// Whether nothing is read of it.
    fn is_off(&self) -> bool {
        matches!(self.m.state.as_str(), "inactive" | "paused")
    }

    /// The released days, in words.
    fn granted(&self) -> String {
        let Some(grant) = &self.m.grant else { return String::new() };
        let t = &self.s.t;
        let day = |day: Date| t.local(day.at(0, 0, 0, 0), false);
        match grant.until {
            Some(until) => t.say_two("grant-between", &day(grant.since), &day(until)),
            None => t.say_name("grant-since", &day(grant.since)),
        }
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

async fn shown(
    firm_page: &FirmPage,
    mailbox: MailboxId,
    (typed, refusal): (Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    let own = firm_page.v1(&format!("/mailboxes/{mailbox}"));
    let check = format!("{own}/reconciliation");
    let (m, check) = tokio::try_join!(firm_page.api().get(&own), firm_page.api().get(&check))?;
    let s = firm_page.shell("mailboxes");
    Ok(page_saying(refusal, |refusal| MailboxPage { s, m, check, typed, refusal }))
}

/// One mailbox.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
) -> Result<Response, PageError> {
    shown(&firm_page, mailbox, (Fields::default(), None)).await
}

/// Switches it on or pauses it, has it checked, releases older mail, has older mail kept, or removes it.
pub(crate) async fn change(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    fields: Fields,
) -> Result<Response, PageError> {
    let day = |name: &str| Some(fields.get(name)).filter(|day| !day.is_empty()).map(str::to_owned);
    let (method, deed, body) = match fields.get("do") {
        "activate" => (Method::POST, "activate", Some(json!({ "since": null }))),
        "history" => (Method::POST, "activate", Some(json!({ "since": day("since") }))),
        "pause" => (Method::POST, "pause", None),
        "check" => (Method::POST, "reconcile", Some(json!({ "dry_run": false }))),
        "look" => (Method::POST, "reconcile", Some(json!({ "dry_run": true }))),
        "grant" => (Method::PUT, "grant", Some(json!({ "since": day("since"), "until": day("until") }))),
        "revoke" => (Method::DELETE, "grant", None),
        "remove" => {
            let own = firm_page.v1(&format!("/mailboxes/{mailbox}"));
            firm_page.api().send::<IgnoredAny>(Method::DELETE, &own, None).await?;
            return Ok(firm_page.done("/mailboxes", Said::Removed));
        }
        _ => return Err(PageError::NotFound),
    };
    let said = match deed {
        "activate" if fields.get("do") == "activate" => Said::On,
        "activate" | "reconcile" => Said::Begun,
        "pause" => Said::Paused,
        _ => Said::Saved,
    };
    let path = firm_page.v1(&format!("/mailboxes/{mailbox}/{deed}"));
    match firm_page.api().tried::<IgnoredAny>(method, &path, body).await? {
        Ok(_) => Ok(firm_page.done(&format!("/mailboxes/{mailbox}"), said)),
        Err(refusal) => shown(&firm_page, mailbox, (fields, Some(refusal))).await,
    }
}

#[derive(Template)]
#[template(path = "mailbox_new.html")]
struct NewMailboxPage {
    s: Shell,
    connectors: Vec<ConnectorView>,
    members: Vec<MemberName>,
    typed: Fields,
    refusal: Option<Refusal>,
}

async fn new_shown(firm_page: &FirmPage, typed: Fields, refusal: Option<Refusal>) -> Result<Response, PageError> {
    firm_page.manager()?;
    let members = firm_page.v1("/members");
    let (connectors, mut members) =
        tokio::try_join!(view::connected(firm_page), view::all::<MemberName>(firm_page.api(), &members))?;
    members.sort_by_cached_key(|member| name_order(&member.name));
    let s = firm_page.shell("mailboxes");
    Ok(page_saying(refusal, |refusal| NewMailboxPage { s, connectors, members, typed, refusal }))
}

/// The form of a new mailbox.
pub(crate) async fn new(firm_page: FirmPage) -> Result<Response, PageError> {
    new_shown(&firm_page, Fields::default(), None).await
}

#[derive(Deserialize)]
struct NewMailbox {
    id: String,
}

/// Adds it. What was typed is shown again where it is refused.
pub(crate) async fn create(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let body = match typed.get("member") {
        "" => json!({
            "connector": typed.get("connector"), "address": typed.get("address"), "kind": typed.get("kind"),
        }),
        member => json!({ "member": member }),
    };
    match firm_page.api().made_once::<NewMailbox>(&typed, &firm_page.v1("/mailboxes"), body).await? {
        Ok(made) => Ok(firm_page.done(&format!("/mailboxes/{}", made.id), Said::Added)),
        Err(refusal) => new_shown(&firm_page, typed, Some(refusal)).await,
    }
}
