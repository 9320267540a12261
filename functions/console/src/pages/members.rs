//! Members: the people whose Outlook greffe writes dates and contacts to; each service tested with a dot.

use askama::Template;
use axum::{extract::Path, http::Method, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::{
    id::{FirmId, MemberId},
    name_order::name_order,
};

use super::{
    check::{CheckView, check_name},
    form_shown::FormShown,
    view::{self, ConnectorView, ProblemView, Standing},
};
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    session::ConsoleRequest,
    shell::{FirmPage, Shell, page, page_saying},
    text::Texts,
};

#[derive(Deserialize)]
struct Switches {
    dates: bool,
    contacts: bool,
    target: String,
}

#[derive(Deserialize)]
struct MemberView {
    id: String,
    name: String,
    address: String,
    push: Option<Switches>,
}

impl MemberView {
    fn has_dates(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.dates)
    }

    fn has_contacts(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.contacts)
    }

    fn has_tasks(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.target == "todo")
    }

    /// What is written to this Outlook, in a line.
    fn switches_in_words(&self, t: &Texts) -> String {
        let target = if self.has_tasks() { t.say("target-todo") } else { t.say("target-calendar") };
        let dates = self.has_dates().then(|| t.say_two("turn-and-action", &t.say("option-dates"), &target));
        let contacts = self.has_contacts().then(|| t.say("option-contacts"));
        let words: Vec<String> = dates.into_iter().chain(contacts).collect();
        if words.is_empty() { t.say("switched-off") } else { words.join(" · ") }
    }
}

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    s: Shell,
    members: Vec<MemberView>,
}

/// The list.
pub(crate) async fn list(firm_page: FirmPage) -> Result<Response, PageError> {
    let mut members: Vec<MemberView> = view::all(firm_page.api(), &firm_page.v1("/members")).await?;
    members.sort_by_cached_key(|member| name_order(&member.name));
    Ok(page(&MembersPage { s: firm_page.shell("members"), members }))
}

#[derive(Template)]
#[template(path = "member_new.html")]
struct NewMemberPage {
    s: Shell,
    connectors: Vec<ConnectorView>,
    typed: Fields,
    refusal: Option<Refusal>,
}

async fn new_shown(firm_page: &FirmPage, typed: Fields, refusal: Option<Refusal>) -> Result<Response, PageError> {
    firm_page.manager()?;
    let connectors = view::connected(firm_page).await?;
    Ok(page(&NewMemberPage { s: firm_page.shell("members"), connectors, typed, refusal }))
}

/// The form of a new member.
pub(crate) async fn new(firm_page: FirmPage) -> Result<Response, PageError> {
    new_shown(&firm_page, Fields::default(), None).await
}

#[derive(Deserialize)]
struct NewMember {
    id: String,
}

/// Links somebody. What was typed is shown again where it is refused.
pub(crate) async fn create(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let body = json!({
        "name": typed.get("name"), "address": typed.get("address"), "connector": typed.get("connector"), "push": null,
    });
    match firm_page.api().made_once::<NewMember>(&typed, &firm_page.v1("/members"), body).await? {
        Ok(made) => Ok(firm_page.done(&format!("/members/{}", made.id), Said::Added)),
        Err(refusal) => new_shown(&firm_page, typed, Some(refusal)).await,
    }
}

#[derive(Deserialize)]
struct CopyCounts {
    placed: u64,
    waiting: u64,
    failed: u64,
}

#[derive(Deserialize)]
struct NounView {
    problem: Option<ProblemView>,
    copies: CopyCounts,
}

/// What a member is called.
#[derive(Deserialize)]
pub(super) struct MemberName {
    pub id: String,
    pub name: String,
}

/// How dates and contacts stand in a member's Outlook.
#[derive(Deserialize)]
pub(super) struct PushView {
    dates: NounView,
    contacts: NounView,
    compared_at: Option<Timestamp>,
}

impl PushView {
    /// What stops all dates, or all contacts.
    pub(super) fn problems(&self) -> impl Iterator<Item = &ProblemView> {
        [&self.dates.problem, &self.contacts.problem].into_iter().flatten()
    }

    /// Dates and contacts that are not in Outlook.
    pub(super) fn failed(&self) -> (u64, u64) {
        (self.dates.copies.failed, self.contacts.copies.failed)
    }
}

/// How dates or contacts stand, with the class of their dot.
struct NounShown<'a> {
    class: &'static str,
    name: String,
    is_on: bool,
    noun: &'a NounView,
}

fn class(is_on: bool, noun: &NounView) -> &'static str {
    let standing = match (noun.problem.is_some() || noun.copies.failed > 0, is_on, noun.copies.waiting) {
        (true, _, _) => Standing::Needed,
        (_, false, _) => Standing::Resting,
        (_, _, 1..) => Standing::Busy,
        _ => Standing::Good,
    };
    standing.class()
}

/// What differs between the entries and this Outlook.
#[derive(Deserialize)]
struct OutlookPreview {
    differences: Vec<PushDifference>,
}

/// One difference.
#[derive(Deserialize)]
struct PushDifference {
    external_id: String,
    verdict: String,
}

impl PushDifference {
    /// What would be done about it.
    fn words(&self, t: &Texts) -> String {
        match self.verdict.as_str() {
            "unwanted" => t.say("preview-unwanted"),
            "gone" => t.say("preview-gone"),
            "altered" => t.say("preview-altered"),
            "outdated" => t.say("preview-outdated"),
            _ => t.say("preview-missing"),
        }
    }
}

/// The services that can be tested, as the API calls them.
const SERVICES: [&str; 4] = ["mail", "calendar", "tasks", "contacts"];

/// A test of a service.
struct MemberTest {
    service: &'static str,
    /// None while a script waits for it.
    check: Option<CheckView>,
}

impl MemberTest {
    /// What is tested, in words.
    fn name(&self, t: &Texts) -> String {
        check_name(self.service, t)
    }

    /// Tests it. `own`: the path of the member.
    async fn run(firm_page: &FirmPage, own: &str, service: &'static str) -> Result<Self, PageError> {
        let body = Some(json!({ "service": service }));
        let check = firm_page.api().tried::<CheckView>(Method::POST, &format!("{own}/test"), body).await?;
        let check = check.unwrap_or_else(|refusal| CheckView::refused(service, refusal));
        Ok(Self { service, check: Some(check) })
    }

    /// Tests what a form asks for: one service, or `all`. `waits`: whether a script asks for each of them itself.
    async fn asked(firm_page: &FirmPage, own: &str, asked: &str, waits: bool) -> Result<Vec<Self>, PageError> {
        let of = |service| Self::run(firm_page, own, service);
        let [mail, calendar, tasks, contacts] = SERVICES;
        Ok(match SERVICES.into_iter().find(|service| *service == asked) {
            Some(service) if waits => vec![Self { service, check: None }],
            Some(service) => vec![of(service).await?],
            None if waits => SERVICES.map(|service| Self { service, check: None }).into(),
            None => {
                let all = tokio::try_join!(of(mail), of(calendar), of(tasks), of(contacts))?;
                vec![all.0, all.1, all.2, all.3]
            }
        })
    }
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    s: Shell,
    m: MemberView,
    push: PushView,
    tests: Vec<MemberTest>,
    /// What greffe would change, once somebody asked.
    preview: Option<OutlookPreview>,
    /// The form of the switches.
    change: FormShown,
    refusal: Option<Refusal>,
}

impl MemberPage {
    /// Whether dates go to To Do, as it is stored or was chosen.
    fn wants_tasks(&self) -> bool {
        match self.change.typed.get("target") {
            "" => self.m.has_tasks(),
            target => target == "todo",
        }
    }

    /// Dates and contacts.
    fn nouns(&self) -> Vec<NounShown<'_>> {
        let t = &self.s.t;
        let dates = (t.say("option-dates"), self.m.has_dates(), &self.push.dates);
        let contacts = (t.say("option-contacts"), self.m.has_contacts(), &self.push.contacts);
        [dates, contacts].map(|(name, is_on, noun)| NounShown { class: class(is_on, noun), name, is_on, noun }).into()
    }

    /// The services that can be tested: name in the API, and in words.
    fn services(&self) -> [(&'static str, String); 4] {
        SERVICES.map(|service| (service, check_name(service, &self.s.t)))
    }
}

async fn shown(
    firm_page: &FirmPage,
    member: MemberId,
    (tests, preview): (Vec<MemberTest>, Option<OutlookPreview>),
    (typed, refusal): (Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    let (own, push) = (firm_page.v1(&format!("/members/{member}")), firm_page.v1(&format!("/members/{member}/push")));
    let ((m, tag), push) =
        tokio::try_join!(firm_page.api().get_tagged::<MemberView>(&own), firm_page.api().get::<PushView>(&push))?;
    let s = firm_page.shell("members");
    let change = FormShown::of("change", &typed, refusal.as_ref(), (tag, m.switches_in_words(&s.t)));
    Ok(page_saying(refusal, |refusal| MemberPage { s, m, push, tests, preview, change, refusal }))
}

/// One member.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, member)): Path<(FirmId, MemberId)>,
) -> Result<Response, PageError> {
    shown(&firm_page, member, (Vec::new(), None), (Fields::default(), None)).await
}

/// Tests a service, shows what would change, changes the switches, or removes the member.
pub(crate) async fn change(
    firm_page: FirmPage,
    request: ConsoleRequest,
    Path((_, member)): Path<(FirmId, MemberId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let own = firm_page.v1(&format!("/members/{member}"));
    if typed.get("do") == "remove" {
        firm_page.api().send::<IgnoredAny>(Method::DELETE, &own, None).await?;
        return Ok(firm_page.done("/members", Said::Removed));
    }
    if typed.get("do") == "preview" {
        let path = format!("{own}/push/preview");
        let (preview, refusal) = match firm_page.api().tried(Method::GET, &path, None).await? {
            Ok(preview) => (Some(preview), None),
            Err(refusal) => (None, Some(refusal)),
        };
        return shown(&firm_page, member, (Vec::new(), preview), (Fields::default(), refusal)).await;
    }
    if !typed.get("test").is_empty() {
        let waits = request.part.as_deref() == Some("section#tests");
        let tests = MemberTest::asked(&firm_page, &own, typed.get("test"), waits).await?;
        return shown(&firm_page, member, (tests, None), (Fields::default(), None)).await;
    }
    let (dates, contacts) = (typed.is_on("dates"), typed.is_on("contacts"));
    let target = if typed.get("target") == "todo" { "todo" } else { "calendar" };
    let push = (dates || contacts).then(|| json!({ "dates": dates, "contacts": contacts, "target": target }));
    match firm_page.api().replaced(&typed, Method::PATCH, &own, json!({ "push": push })).await? {
        Ok(()) => Ok(firm_page.done(&format!("/members/{member}"), Said::Saved)),
        Err(refusal) => shown(&firm_page, member, (Vec::new(), None), (typed, Some(refusal))).await,
    }
}
