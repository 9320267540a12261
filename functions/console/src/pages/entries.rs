//! Dates and contacts: what the business application sent, who is to have it, and how it stands in each Outlook.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::Method,
    response::Response,
};
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::json;
use shared::base::{id::FirmId, name_order::name_order};

use super::view::{self, Listed, ProblemView};
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
    text::Texts,
};

/// Entries of one page.
const ENTRIES: usize = 50;

/// Which nouns the pages are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EntriesPath {
    /// Appointments, deadlines and reminders.
    Dates,
    /// People and companies.
    Contacts,
}

impl EntriesPath {
    /// As in addresses.
    fn name(self) -> &'static str {
        match self {
            Self::Dates => "dates",
            Self::Contacts => "contacts",
        }
    }
}

/// A date or a contact, as far as the page shows it.
#[derive(Deserialize)]
struct EntryView {
    external_id: String,
    kind: String,
    /// What a date is called; what a contact is addressed by, such as "Dr".
    title: Option<String>,
    /// What a contact is called.
    name: Option<String>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    all_day: bool,
    #[serde(default)]
    emails: Vec<String>,
    dossier: Option<String>,
    copies: Vec<CopyView>,
}

#[derive(Deserialize)]
struct CopyView {
    member: String,
    wanted: bool,
    state: String,
    problem: Option<ProblemView>,
}

/// How an entry stands in one Outlook.
struct CopyShown<'a> {
    member: &'a str,
    class: &'static str,
    state: String,
    problem: Option<&'a ProblemView>,
}

impl EntryView {
    fn title(&self) -> &str {
        self.name.as_deref().or(self.title.as_deref()).unwrap_or_default()
    }

    /// What it is, and when, in the zone in which it was sent.
    fn about(&self, t: &Texts) -> String {
        let kind = match self.kind.as_str() {
            "appointment" => t.say("date-appointment"),
            "deadline" => t.say("date-deadline"),
            "reminder" => t.say("date-reminder"),
            "organisation" => t.say("contact-organisation"),
            _ => t.say("contact-person"),
        };
        let when = self.start.as_deref().and_then(|start| {
            let day = start.parse::<jiff::civil::Date>().map(|day| day.at(0, 0, 0, 0));
            start.parse::<DateTime>().or(day).ok()
        });
        match when {
            Some(when) => format!("{kind} · {}", t.local(when, !self.all_day)),
            None if self.emails.is_empty() => kind,
            None => format!("{kind} · {}", self.emails.join(", ")),
        }
    }
}

#[derive(Template)]
#[template(path = "entries.html")]
struct EntriesPage {
    s: Shell,
    noun: EntriesPath,
    entries: Vec<EntryView>,
    members: Vec<MemberName>,
    names: BTreeMap<String, String>,
    /// The member whose entries are shown; empty for all.
    member: String,
    next: Option<String>,
    /// What was ticked and chosen, where it was refused.
    typed: Fields,
    refusal: Option<Refusal>,
}

impl EntriesPage {
    fn copies<'a>(&'a self, entry: &'a EntryView) -> Vec<CopyShown<'a>> {
        let t = &self.s.t;
        let shown = entry.copies.iter().filter(|copy| copy.wanted || copy.state != "current").map(|copy| {
            let (class, state) = match copy.state.as_str() {
                "current" => ("dot good", t.say("copy-current")),
                _ if copy.problem.is_some() => ("dot needed", t.say("copy-failed")),
                "waiting" => ("dot busy", t.say("copy-waiting")),
                "switched_off" => ("dot resting", t.say("switched-off")),
                _ => ("dot needed", t.say("copy-failed")),
            };
            let member = self.names.get(&copy.member).map_or("", String::as_str);
            let problem = copy.problem.as_ref().filter(|problem| !self.stops_several(&copy.member, problem));
            CopyShown { member, class, state, problem }
        });
        shown.collect()
    }

    /// Each member's problems.
    fn problems(&self) -> impl Iterator<Item = (&str, &ProblemView)> {
        let copies = self.entries.iter().flat_map(|entry| &entry.copies);
        copies.filter_map(|copy| Some((copy.member.as_str(), copy.problem.as_ref()?)))
    }

    fn stops_several(&self, member: &str, problem: &ProblemView) -> bool {
        self.problems().filter(|(of, other)| *of == member && other.meaning == problem.meaning).count() > 1
    }

    /// What stops several entries of a member, said once.
    fn common(&self) -> Vec<(&str, &ProblemView)> {
        let mut common: Vec<(&str, &ProblemView)> = Vec::new();
        for (member, problem) in self.problems().filter(|(member, problem)| self.stops_several(member, problem)) {
            let name = self.names.get(member).map_or("", String::as_str);
            if !common.iter().any(|(of, other)| *of == name && other.meaning == problem.meaning) {
                common.push((name, problem));
            }
        }
        common
    }

    fn is_dates(&self) -> bool {
        self.noun == EntriesPath::Dates
    }
}

#[derive(Deserialize)]
struct MemberName {
    id: String,
    name: String,
}

/// Which page.
#[derive(Default, Deserialize)]
pub(crate) struct EntriesQuery {
    #[serde(default)]
    after: String,
    #[serde(default)]
    member: String,
}

async fn shown(
    firm_page: &FirmPage,
    noun: EntriesPath,
    which: EntriesQuery,
    (typed, refusal): (Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    let (after, of) = (and("after", &which.after), and("member", &which.member));
    let path = firm_page.v1(&format!("/{}?limit={ENTRIES}{after}{of}", noun.name()));
    let members = firm_page.v1("/members");
    let (listed, mut members) = tokio::try_join!(
        firm_page.api().get::<Listed<EntryView>>(&path),
        view::all::<MemberName>(firm_page.api(), &members)
    )?;
    members.sort_by_cached_key(|member| name_order(&member.name));
    let names = members.iter().map(|member| (member.id.clone(), member.name.clone())).collect();
    let next = listed.next.map(|next| format!("?after={}{of}", encoded(&next)));
    let (s, entries) = (firm_page.shell("entries"), listed.items);
    let member = which.member;
    Ok(page_saying(refusal, |refusal| EntriesPage { s, noun, entries, members, names, member, next, typed, refusal }))
}

/// The list of one noun.
pub(crate) async fn list(
    firm_page: FirmPage,
    Path((_, noun)): Path<(FirmId, EntriesPath)>,
    Query(which): Query<EntriesQuery>,
) -> Result<Response, PageError> {
    shown(&firm_page, noun, which, (Fields::default(), None)).await
}

#[derive(Deserialize)]
struct BulkResult {
    taken: u32,
    unchanged: u32,
    refused: u32,
}

/// Gives chosen entries to a member, or takes them from one.
pub(crate) async fn change(
    firm_page: FirmPage,
    Path((_, noun)): Path<(FirmId, EntriesPath)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let entries: Vec<&str> = typed.all("entry").collect();
    let which = EntriesQuery { member: typed.get("of").to_owned(), ..EntriesQuery::default() };
    if entries.is_empty() {
        let refusal = Refusal::of_form(firm_page.shell.t.say("choose-an-entry"));
        return shown(&firm_page, noun, which, (typed.clone(), Some(refusal))).await;
    }
    let side = if typed.get("do") == "take" { "remove" } else { "add" };
    let body = json!({ "entries": entries, side: [typed.get("member")] });
    let path = firm_page.v1(&format!("/{}/members", noun.name()));
    match firm_page.api().tried::<BulkResult>(Method::POST, &path, Some(body)).await? {
        Ok(BulkResult { taken, unchanged, refused }) => {
            let back = format!("/entries/{}?member={}", noun.name(), encoded(&which.member));
            Ok(firm_page.done(&back, Said::Entries(taken + unchanged, refused)))
        }
        Err(refusal) => shown(&firm_page, noun, which, (typed.clone(), Some(refusal))).await,
    }
}
