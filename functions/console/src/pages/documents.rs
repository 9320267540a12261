//! Documents: search, the list, and a mail beside it.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use futures::future::try_join_all;
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::id::{FirmId, MessageId};

use super::view::{MailboxChoice, MessageView};
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page as render, page_with},
    text::Texts,
};

/// Mails on a page of the list.
const LIST_PAGE: usize = 50;
/// Characters of an excerpt from the first word that was found on.
const EXCERPT_CHARS_MAX: usize = 120;
/// Characters of an excerpt before that word.
const LEAD_CHARS_MAX: usize = 40;
/// Mails that are asked for side by side.
const READ_AT_ONCE: usize = 10;
/// Longest text of a search that is passed on.
const TEXT_CHARS_MAX: usize = 200;
/// Dossiers that are proposed, the latest first.
const DOSSIERS_MAX: usize = 20;

/// What is looked for, as the address of the page has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SearchQuery {
    q: String,
    from: String,
    dossier: String,
    mailbox: String,
    /// `yes`, `no`, `failed` for mail that is not archived yet, or empty for all.
    filed: String,
    /// `received`, `sent`, or empty for both.
    direction: String,
    /// A day, such as `2026-03-02`.
    since: String,
    /// The last day.
    until: String,
    /// Not empty: only mail with attachments.
    attachments: String,
    after: String,
    /// `all`: every mail of the page is ticked.
    tick: String,
}

impl SearchQuery {
    /// What a query in an address says.
    fn of(fields: &Fields) -> Self {
        let of = |name: &str| fields.get(name).to_owned();
        Self {
            q: of("q"),
            from: of("from"),
            dossier: of("dossier"),
            mailbox: of("mailbox"),
            filed: of("filed"),
            direction: of("direction"),
            since: of("since"),
            until: of("until"),
            attachments: of("attachments"),
            after: of("after"),
            tick: of("tick"),
        }
    }

    fn bounded(mut self) -> Self {
        for text in [
            &mut self.q,
            &mut self.from,
            &mut self.dossier,
            &mut self.mailbox,
            &mut self.filed,
            &mut self.direction,
            &mut self.since,
            &mut self.until,
            &mut self.attachments,
            &mut self.after,
        ] {
            *text = text.trim().chars().take(TEXT_CHARS_MAX).collect();
        }
        self
    }

    /// The fields that stand beside the words, folded away until one of them is used.
    fn filters(&self) -> [(&'static str, &str); 5] {
        [
            ("filed", &self.filed),
            ("direction", &self.direction),
            ("since", &self.since),
            ("until", &self.until),
            ("attachments", &self.attachments),
        ]
    }

    /// The query of an address, from `?` on; empty if nothing is looked for.
    fn query(&self, with_place: bool) -> String {
        let after = if with_place { self.after.as_str() } else { "" };
        let fields = [("q", &*self.q), ("from", &self.from), ("dossier", &self.dossier), ("mailbox", &self.mailbox)];
        let fields = fields.into_iter().chain(self.filters()).chain([("after", after)]);
        let fields = fields.map(|(name, value)| and(name, value)).collect::<String>();
        fields.replacen('&', "?", 1)
    }

    /// What the API is asked for. `mailbox`: its id. Days are those of `zone`; what is no day is left to the API, which
    /// refuses it.
    fn asked(&self, mailbox: &str, zone: &TimeZone) -> String {
        let start = |text: &str, later: i64| {
            let day = text.parse::<Date>().ok()?.checked_add(Span::new().days(later)).ok()?;
            Some(day.to_zoned(zone.clone()).ok()?.timestamp().to_string())
        };
        let time = |text: &str, later: i64| start(text, later).unwrap_or_else(|| text.to_owned());
        let filed = match self.filed.as_str() {
            "yes" => "true",
            "no" => "false",
            "failed" => "",
            other => other,
        };
        let state = if self.filed == "failed" { "failed" } else { "" };
        let attachments = if self.attachments.is_empty() { "" } else { "true" };
        [
            ("q", self.q.as_str()),
            ("from", &self.from),
            ("dossier", &self.dossier),
            ("mailbox", mailbox),
            // The API takes one of the two; mail of a dossier is filed.
            ("filed", if self.dossier.is_empty() { filed } else { "" }),
            ("state", state),
            ("direction", &self.direction),
            ("since", &time(&self.since, 0)),
            ("until", &time(&self.until, 1)),
            ("attachments", attachments),
            ("after", &self.after),
        ]
        .into_iter()
        .map(|(name, value)| and(name, value))
        .collect()
    }

    /// Whether anything is looked for.
    fn is_narrowed(&self) -> bool {
        !self.query(false).is_empty()
    }

    /// Whether one of the folded filters is used.
    fn is_filtered(&self) -> bool {
        self.filters().iter().any(|(_, value)| !value.is_empty())
    }

    /// Whether nothing can fit: mail of a dossier that is not filed, or not archived.
    fn is_empty_by_itself(&self) -> bool {
        !self.dossier.is_empty() && matches!(self.filed.as_str(), "no" | "failed")
    }

    fn ticks_all(&self) -> bool {
        self.tick == "all"
    }
}

/// The list beside which a mail is read.
struct ListShown {
    search: SearchQuery,
    rows: Vec<FoundRow>,
    /// The query of the next page.
    next: Option<String>,
    mailboxes: MailboxChoice,
    dossiers: Vec<String>,
    /// Mails with greater numbers were searched by their subjects and senders only.
    complete_to: Option<u64>,
    /// Why nothing was searched.
    refusal: Option<Refusal>,
    /// Why nothing was filed.
    filing: Option<Refusal>,
    /// Mails that would be moved out of another dossier, as the page says: the form moves them when it is sent again.
    moved: Vec<String>,
}

/// A piece of a text, and whether words of the search are in it.
#[derive(Debug, Deserialize)]
struct Run {
    text: String,
    marked: bool,
}

/// A part of a mail in which words of the search are.
#[derive(Debug, Deserialize)]
struct Match {
    part: String,
    runs: Vec<Run>,
}

/// A mail of the list.
#[derive(Debug, Deserialize)]
struct FoundRow {
    #[serde(flatten)]
    view: MessageView,
    matches: Vec<Match>,
}

/// What stands around the first word that was found: some characters before it, and [`EXCERPT_CHARS_MAX`] in all.
fn excerpt(runs: &[Run]) -> Vec<Run> {
    let first = runs.iter().position(|run| run.marked).unwrap_or_default();
    let lead = first.checked_sub(1).and_then(|before| runs.get(before)).map(|run| {
        let skipped = run.text.chars().count().saturating_sub(LEAD_CHARS_MAX);
        let text: String = run.text.chars().skip(skipped).collect();
        let text = if skipped > 0 || first > 1 { format!("…{text}") } else { text };
        Run { text, marked: false }
    });
    let mut shown: Vec<Run> = lead.into_iter().collect();
    let mut left = EXCERPT_CHARS_MAX;
    for run in runs.iter().skip(first) {
        let text: String = run.text.chars().take(left).collect();
        let is_cut = text.len() < run.text.len();
        left -= text.chars().count();
        shown.push(Run { text: if is_cut { format!("{text}…") } else { text }, marked: run.marked });
        if is_cut || left == 0 {
            break;
        }
    }
    shown
}

impl FoundRow {
    /// The subject with what was found in it; none if nothing was.
    fn marked_subject(&self) -> Option<&[Run]> {
        self.matches.iter().find(|found| found.part == "subject").map(|found| found.runs.as_slice())
    }

    /// The words around what was found elsewhere, if the index has them.
    fn excerpt(&self) -> Option<Vec<Run>> {
        let elsewhere = |part: &str| self.matches.iter().find(move |found| found.part == part);
        elsewhere("beginning").or_else(|| elsewhere("people")).map(|found| excerpt(&found.runs))
    }

    /// Whether only the original shows what was found.
    fn is_found_further_on(&self) -> bool {
        self.matches.iter().any(|found| found.part == "original")
    }
}

/// A page of a search.
#[derive(Default, Deserialize)]
struct Found {
    items: Vec<FoundRow>,
    next: Option<String>,
    complete_to: Option<u64>,
}

impl ListShown {
    async fn of(firm_page: &FirmPage, search: SearchQuery) -> Result<Self, PageError> {
        let search = search.bounded();
        let (mailboxes, mailbox) = MailboxChoice::of(firm_page, &search.mailbox).await?;
        let found = match mailbox.filter(|_| !search.is_empty_by_itself()) {
            Some(mailbox) => {
                let query = search.asked(&mailbox, &firm_page.shell.t.zone);
                let path = firm_page.v1(&format!("/messages?limit={LIST_PAGE}{query}"));
                firm_page.api().tried::<Found>(Method::GET, &path, None).await?
            }
            None => Ok(Found::default()),
        };
        let (page, refusal) = match found {
            Ok(page) => (page, None),
            Err(refusal) => (Found::default(), Some(refusal)),
        };
        let next = page.next.map(|after| SearchQuery { after, ..search.clone() }.query(true));
        // What is looked for says nothing of where other mail is filed.
        let newest: Found = match search.is_narrowed() {
            true => firm_page.api().get(&firm_page.v1(&format!("/messages?limit={LIST_PAGE}"))).await?,
            false => Found::default(),
        };
        let mut seen = BTreeSet::new();
        let dossiers = page.items.iter().chain(&newest.items).filter_map(|row| row.view.dossier.clone());
        let dossiers = dossiers.filter(|dossier| seen.insert(dossier.clone())).take(DOSSIERS_MAX).collect();
        let complete_to = page.complete_to;
        let (rows, moved) = (page.items, Vec::new());
        Ok(Self { search, rows, next, mailboxes, dossiers, complete_to, refusal, filing: None, moved })
    }
}

impl ListShown {
    /// How many mails there are, as far as the answer tells.
    fn hits(&self, t: &Texts) -> String {
        match (self.rows.len(), &self.next, self.search.after.as_str()) {
            (0, ..) => String::new(),
            (count, Some(_), _) => t.say_n("hits-page", count),
            (count, None, "") => t.say_n("hits-all", count),
            (count, None, _) => t.say_n("hits-end", count),
        }
    }

    /// The query by which every mail of the page is ticked, or none is any more.
    fn ticking(&self) -> String {
        let query = self.search.query(true);
        match (self.search.ticks_all(), query.is_empty()) {
            (true, _) => query,
            (false, true) => "?tick=all".to_owned(),
            (false, false) => format!("{query}&tick=all"),
        }
    }
}

/// Somebody whom a mail names.
#[derive(Deserialize)]
struct PersonView {
    name: Option<String>,
    address: Option<String>,
}

impl PersonView {
    fn shown(&self) -> String {
        match (&self.name, &self.address) {
            (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
            (name, address) => address.clone().or(name.clone()).unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct MailText {
    subject: String,
    from: Vec<PersonView>,
    to: Vec<PersonView>,
    cc: Vec<PersonView>,
    date: Option<Timestamp>,
    is_cut: bool,
    passages: Vec<Vec<Run>>,
}

#[derive(Deserialize)]
struct AttachmentView {
    number: usize,
    name: String,
    kind: String,
    bytes: u64,
    inline: bool,
}

#[derive(Deserialize)]
struct Attachments {
    items: Vec<AttachmentView>,
}

/// The log that a mail is proved by.
#[derive(Deserialize)]
struct LogView {
    /// How many entries it has: the first events.
    size: u64,
    checked: Option<LastCheck>,
}

/// The last check of a share of the archive.
#[derive(Deserialize)]
struct LastCheck {
    at: Timestamp,
    originals: u64,
    findings: u64,
}

/// A mail that is read.
struct MailShown {
    view: MessageView,
    head: Option<MailText>,
    attachments: Vec<AttachmentView>,
    log: Option<LogView>,
    /// Which message within the mail is shown, such as `4.1`; empty for the mail itself.
    within: String,
    /// Whether images of the web are shown.
    remote: bool,
    /// Whether it has images of the web that are not.
    withheld: bool,
    /// Whether it has more than is shown.
    is_cut: bool,
}

impl MailShown {
    fn people(people: &[PersonView]) -> String {
        people.iter().map(PersonView::shown).collect::<Vec<_>>().join(", ")
    }

    fn from(&self) -> String {
        self.head.as_ref().map(|head| Self::people(&head.from)).unwrap_or_default()
    }

    fn to(&self) -> String {
        self.head.as_ref().map(|head| Self::people(&head.to)).unwrap_or_default()
    }

    fn cc(&self) -> String {
        self.head.as_ref().map(|head| Self::people(&head.cc)).unwrap_or_default()
    }

    fn date(&self) -> Timestamp {
        self.head.as_ref().and_then(|head| head.date).unwrap_or(self.view.received_at)
    }

    /// The subject of what is read.
    fn title(&self, t: &Texts) -> String {
        let attached = self.head.as_ref().filter(|_| !self.within.is_empty());
        let Some(head) = attached else { return self.view.title(t) };
        if head.subject.trim().is_empty() { t.say("mail-no-subject") } else { head.subject.clone() }
    }

    /// Passages of the text with words of the search.
    fn passages(&self) -> &[Vec<Run>] {
        self.head.as_ref().map(|head| head.passages.as_slice()).unwrap_or_default()
    }

    /// Its number, and whether the log has it already.
    fn evidence_number(&self, t: &Texts) -> String {
        let Some(number) = self.view.number else { return String::new() };
        match &self.log {
            Some(log) if number > log.size => t.say_n("evidence-not-yet", number),
            _ => t.say_n("evidence-number", number),
        }
    }

    fn checked(&self) -> Option<&LastCheck> {
        self.log.as_ref().and_then(|log| log.checked.as_ref())
    }

    /// The query of an attachment that is a message, from `&` on: it is read, not saved.
    fn within_of(&self, attachment: &AttachmentView) -> String {
        let number = attachment.number.to_string();
        and("within", &if self.within.is_empty() { number } else { format!("{}.{number}", self.within) })
    }

    /// The query of the page of what is read, or of one of its attachments; empty if it needs none.
    fn inner(&self, images: bool) -> String {
        let images = if images && self.remote { "remote" } else { "" };
        format!("{}{}", and("within", &self.within), and("images", images)).replacen('&', "?", 1)
    }
}

#[derive(Template)]
#[template(path = "documents.html")]
struct DocumentsPage {
    s: Shell,
    list: ListShown,
    mail: Option<MailShown>,
    /// What was typed to file, where that was refused.
    typed: Fields,
}

impl DocumentsPage {
    fn is_read(&self, row: &FoundRow) -> bool {
        self.mail.as_ref().is_some_and(|mail| mail.view.id == row.view.id)
    }

    /// The address of the mail that is read, with the search and with `more`, which begins with `&`.
    fn reading(&self, more: &str) -> String {
        let id = self.mail.as_ref().map_or("", |mail| mail.view.id.as_str());
        let query = format!("{}{more}", self.list.search.query(true).replacen('?', "&", 1)).replacen('&', "?", 1);
        self.s.at(&format!("/documents/{id}{query}#reader"))
    }

    /// The mail with the images of the web.
    fn with_images(&self) -> String {
        let within = self.mail.as_ref().map_or("", |mail| mail.within.as_str());
        self.reading(&format!("{}&images=remote", and("within", within)))
    }

    /// Where a form comes back to.
    fn back(&self) -> String {
        let mail = self.mail.as_ref().map(|mail| format!("/{}", mail.view.id)).unwrap_or_default();
        self.s.at(&format!("/documents{mail}{}", self.list.search.query(true)))
    }
}

/// The list.
pub(crate) async fn list(firm_page: FirmPage, Query(search): Query<SearchQuery>) -> Result<Response, PageError> {
    let list = ListShown::of(&firm_page, search).await?;
    let status = list.refusal.as_ref().map(Refusal::status);
    Ok(page_with(
        &DocumentsPage { s: firm_page.shell("documents"), list, mail: None, typed: Fields::default() },
        status,
    ))
}

/// Which page of a mail.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reading {
    images: String,
    within: String,
}

impl Reading {
    fn remote(&self) -> bool {
        self.images == "remote"
    }

    /// The query of the API, from `?` on; empty if it needs none. `q`: words whose passages are shown.
    fn asked(&self, q: &str) -> String {
        let images = if self.remote() { "remote" } else { "" };
        format!("{}{}{}", and("within", &self.within), and("images", images), and("q", q)).replacen('&', "?", 1)
    }
}

/// The list, and a mail beside it.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, message)): Path<(FirmId, MessageId)>,
    Query(search): Query<SearchQuery>,
    Query(reading): Query<Reading>,
) -> Result<Response, PageError> {
    let q = search.clone().bounded().q;
    let of = |rest: &str| firm_page.v1(&format!("/messages/{message}{rest}"));
    let own = of("");
    let (list, view) = tokio::try_join!(ListShown::of(&firm_page, search), firm_page.api().get::<MessageView>(&own))?;
    let remote = reading.remote();
    let plain = Reading { images: String::new(), ..reading };
    let (head, attachments, log, page) = match view.sha256 {
        Some(_) => {
            let within = plain.asked("");
            let text = of(&format!("/text{}", plain.asked(&q)));
            let (attachments, html) = (of(&format!("/attachments{within}")), of(&format!("/html{within}")));
            let log = firm_page.v1("/log");
            let (head, attachments, log, page) = tokio::try_join!(
                firm_page.api().get::<MailText>(&text),
                firm_page.api().get::<Attachments>(&attachments),
                // The mail can be read also where its log can't.
                async { Ok(firm_page.api().get::<LogView>(&log).await.ok()) },
                PageOmissions::of(&firm_page, &html),
            )?;
            (Some(head), attachments.items, log, page)
        }
        None => (None, Vec::new(), None, PageOmissions::default()),
    };
    let (withheld, is_cut) = (page.images && !remote, page.rest || head.as_ref().is_some_and(|head| head.is_cut));
    let attachments = attachments.into_iter().filter(|attachment| !attachment.inline).collect();
    let mail = Some(MailShown { view, head, attachments, log, within: plain.within, remote, withheld, is_cut });
    Ok(render(&DocumentsPage { s: firm_page.shell("documents"), list, mail, typed: Fields::default() }))
}

/// What the page of a mail leaves out.
#[derive(Default)]
struct PageOmissions {
    /// Images of the web.
    images: bool,
    /// What is beyond the longest page.
    rest: bool,
}

impl PageOmissions {
    /// Of the page at `path`.
    async fn of(firm_page: &FirmPage, path: &str) -> Result<Self, PageError> {
        let answer = firm_page.api().stream(path, &[]).await?;
        let says = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let images = says("greffe-images-withheld").is_some_and(|count| count != "0");
        Ok(Self { images, rest: says("greffe-is-cut") == Some("true") })
    }
}

/// The headers of an answer that the browser gets as the API gave them.
const HANDED_ON: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_DISPOSITION,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_RANGE,
    header::LOCATION,
    header::ETAG,
];

fn handed_on(from: Response) -> Response {
    let (parts, body) = from.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    for name in HANDED_ON {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The mail as a page, for a frame that may do nothing.
pub(crate) async fn page(
    firm_page: FirmPage,
    Path((_, message)): Path<(FirmId, MessageId)>,
    Query(reading): Query<Reading>,
) -> Result<Response, PageError> {
    let query = reading.asked("");
    let answer = firm_page.api().stream(&firm_page.v1(&format!("/messages/{message}/html{query}")), &[]).await?;
    let mut response = handed_on(answer);
    // A page of a mail never goes without its own policy.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    Ok(response)
}

/// The original, to save.
pub(crate) async fn original(
    firm_page: FirmPage,
    Path((_, message)): Path<(FirmId, MessageId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(handed_on(
        firm_page.api().stream(&firm_page.v1(&format!("/messages/{message}/content")), &ranges(&headers)).await?,
    ))
}

/// The proof of the mail, to save: a ZIP file that is checked without greffe.
pub(crate) async fn proof(
    firm_page: FirmPage,
    Path((_, message)): Path<(FirmId, MessageId)>,
) -> Result<Response, PageError> {
    Ok(handed_on(firm_page.api().stream(&firm_page.v1(&format!("/messages/{message}/proof")), &[]).await?))
}

/// An attachment, to save.
pub(crate) async fn attachment(
    firm_page: FirmPage,
    Path((_, message, number)): Path<(FirmId, MessageId, u16)>,
    Query(Reading { within, .. }): Query<Reading>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let within = and("within", &within).replacen('&', "?", 1);
    let path = firm_page.v1(&format!("/messages/{message}/attachments/{number}{within}"));
    let mut response = handed_on(firm_page.api().stream(&path, &ranges(&headers)).await?);
    // It is saved, and nothing of it is shown within the console.
    let saved = response.headers().get(header::CONTENT_DISPOSITION).is_some();
    if !saved && response.status() != StatusCode::SEE_OTHER {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    Ok(response)
}

/// What a browser that goes on with a download asks for.
fn ranges(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let names = [header::RANGE, header::IF_RANGE];
    names.into_iter().filter_map(|name| Some((name.clone(), headers.get(&name)?.clone()))).collect()
}

#[derive(Deserialize)]
struct Filed {
    problem: Option<IgnoredAny>,
}

/// What came of filing many.
#[derive(Deserialize)]
pub(super) struct FiledMany {
    items: Vec<Filed>,
}

impl FiledMany {
    /// The counts of filed and refused mails, for the next page.
    pub(super) fn said(&self) -> Said {
        let (filed, kept): (Vec<_>, Vec<_>) = self.items.iter().partition(|item| item.problem.is_none());
        let count = |items: Vec<_>| u32::try_from(items.len()).unwrap_or(u32::MAX);
        Said::Filed(count(filed), count(kept))
    }
}

/// Files the chosen mails, or takes them out of their dossiers.
pub(crate) async fn file(firm_page: FirmPage, fields: Fields) -> Result<Response, PageError> {
    let messages: Vec<&str> = fields.all("message").take(100).collect();
    let dossier = if fields.is_on("unfile") { None } else { Some(fields.get("dossier")) };
    let own = firm_page.shell.at("/documents");
    let back = Some(fields.get("back")).filter(|back| back.starts_with(&own) && !back.contains('\\')).unwrap_or(&own);
    if fields.is_on("erase") && !messages.is_empty() {
        let messages: String = messages.iter().map(|message| and("message", message)).collect();
        return Ok(firm_page.to(&format!("/erasures/new?kind=messages{messages}")));
    }
    let t = &firm_page.shell.t;
    let lacks = match (messages.first(), dossier) {
        (None, _) => Some(t.say("choose-a-mail")),
        (_, Some("")) => Some(t.say("type-a-dossier")),
        _ => None,
    };
    if let Some(lacks) = lacks {
        return refused(&firm_page, fields.clone(), back, Refusal::of_form(lacks)).await;
    }
    if let Some(dossier) = dossier.filter(|_| fields.is_on("list")) {
        let unsaid: Vec<&str> = messages.iter().copied().filter(|message| !fields.has("moved", message)).collect();
        let moved = filed_elsewhere(&firm_page, &unsaid, dossier).await?;
        if !moved.is_empty() {
            let dossiers: BTreeSet<&str> = moved.iter().filter_map(|mail| mail.dossier.as_deref()).collect();
            let dossiers: Vec<&str> = dossiers.into_iter().collect();
            let says = Refusal::of_form(t.say_n_name("file-moves", moved.len(), &dossiers.join(", ")));
            let mut typed = fields.clone();
            typed.0.extend(moved.into_iter().map(|mail| ("moved".to_owned(), mail.id)));
            return refused(&firm_page, typed, back, says).await;
        }
    }
    let (path, body) = match messages.first().filter(|_| fields.is_on("conversation")) {
        Some(first) => (firm_page.v1(&format!("/messages/{first}/conversation/file")), json!({ "dossier": dossier })),
        None => (firm_page.v1("/messages/file"), json!({ "messages": messages, "dossier": dossier })),
    };
    let done = match firm_page.api().tried::<FiledMany>(Method::POST, &path, Some(body)).await? {
        Ok(done) => done,
        Err(refusal) => return refused(&firm_page, fields.clone(), back, refusal).await,
    };
    Ok(done.said().with(Redirect::to(back).into_response()))
}

/// Those of the mails that are filed to another dossier than this one.
async fn filed_elsewhere(
    firm_page: &FirmPage,
    messages: &[&str],
    dossier: &str,
) -> Result<Vec<MessageView>, PageError> {
    let mut elsewhere = Vec::new();
    for part in messages.chunks(READ_AT_ONCE) {
        let asked = part.iter().map(|message| async move {
            let path = firm_page.v1(&format!("/messages/{}", encoded(message)));
            firm_page.api().tried::<MessageView>(Method::GET, &path, None).await
        });
        let views = try_join_all(asked).await?.into_iter().flatten();
        elsewhere.extend(views.filter(|view| view.dossier.as_deref().is_some_and(|filed| filed != dossier)));
    }
    Ok(elsewhere)
}

/// The list that the form came from, with what was typed and ticked, and why it was refused.
async fn refused(firm_page: &FirmPage, typed: Fields, back: &str, refusal: Refusal) -> Result<Response, PageError> {
    let query = back.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let search = SearchQuery::of(&Fields::of(query.as_bytes()));
    let moved = typed.all("moved").map(str::to_owned).collect();
    let list = ListShown { filing: Some(refusal), moved, ..ListShown::of(firm_page, search).await? };
    let status = list.filing.as_ref().map(Refusal::status);
    Ok(page_with(&DocumentsPage { s: firm_page.shell("documents"), list, mail: None, typed }, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_kept_in_the_address_and_bounded() {
        let search =
            SearchQuery { q: " b & c ".to_owned(), mailbox: "m".to_owned(), ..SearchQuery::default() }.bounded();
        assert_eq!(search.query(true), "?q=b%20%26%20c&mailbox=m");
        assert!(search.is_narrowed() && !SearchQuery::default().is_narrowed());
        let days = SearchQuery { since: "2026-03-02".into(), until: "2026-03-02".into(), ..SearchQuery::default() };
        let paris = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(days.asked("m", &paris), "&mailbox=m&since=2026-03-01T23%3A00%3A00Z&until=2026-03-02T23%3A00%3A00Z");
        assert!(days.is_filtered() && !search.is_filtered());
        let of_dossier = SearchQuery { dossier: "7".into(), filed: "yes".into(), ..SearchQuery::default() };
        assert_eq!(of_dossier.asked("", &paris), "&dossier=7");
        let failed = SearchQuery { filed: "failed".into(), ..SearchQuery::default() };
        assert_eq!(failed.asked("m", &paris), "&mailbox=m&state=failed");
        let long = SearchQuery { q: "é".repeat(1_000), after: "7".to_owned(), ..SearchQuery::default() }.bounded();
        assert_eq!(long.q.chars().count(), TEXT_CHARS_MAX);
        assert!(long.query(true).ends_with("&after=7") && !long.query(false).contains("after"));
    }

    #[test]
    fn an_excerpt_shows_what_stands_around_the_first_word_that_was_found() {
        let run = |text: &str, marked: bool| Run { text: text.to_owned(), marked };
        let shown = |runs: &[Run]| {
            let mark = |run: Run| if run.marked { format!("[{}]", run.text) } else { run.text };
            excerpt(runs).into_iter().map(mark).collect::<String>()
        };
        assert_eq!(shown(&[run("Le ", false), run("délai", true), run(" court.", false)]), "Le [délai] court.");
        let long = shown(&[run(&"é".repeat(300), false), run("délai", true), run(&"à".repeat(300), false)]);
        assert_eq!(long, format!("…{}[délai]{}…", "é".repeat(40), "à".repeat(115)));
        let many = [run("a", false), run("b", true), run(&"c".repeat(200), false), run("d", true)];
        assert_eq!(shown(&many), format!("a[b]{}…", "c".repeat(119)));
    }

    #[test]
    fn a_person_is_shown_by_name_and_address_once() {
        let person = |name: Option<&str>, address: Option<&str>| {
            PersonView { name: name.map(str::to_owned), address: address.map(str::to_owned) }.shown()
        };
        assert_eq!(person(Some("Ada"), Some("ada@a.example")), "Ada <ada@a.example>");
        assert_eq!(person(Some("ada@a.example"), Some("ada@a.example")), "ada@a.example");
        assert_eq!(person(Some("Ada"), None), "Ada");
        assert_eq!(person(None, None), "");
    }
}
