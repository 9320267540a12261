//! Home: what needs somebody, whether everything is in, and how much comes.

use askama::Template;
use axum::response::Response;
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{
    needs::{self, Need},
    view::{self, ConnectorView, Listed, MailboxView},
};
use crate::{
    api_client::PageError,
    shell::{FirmPage, Shell, page as render},
};

/// Days of the chart.
const DAYS: usize = 14;
/// Mails of one page of events that is read for it.
const CHART_PAGE: usize = 100;
/// Such pages at most.
const CHART_PAGES: usize = 3;
/// Days before its end from which a secret is mentioned.
const SECRET_DAYS: i64 = 60;
/// Mailboxes that are listed, those that need somebody first.
const MAILBOXES_MAX: usize = 20;
/// The chart, in units of its own.
const BAR_WIDTH: usize = 30;
const CHART_HEIGHT: u64 = 96;

/// A step to the first kept mail.
struct Step {
    title: String,
    what: String,
    done: bool,
    /// Whether the next step can be done without it.
    optional: bool,
    to: String,
}

/// The five steps of a firm that has not done all of them.
fn steps(s: &Shell, connectors: &[ConnectorView], mailboxes: &[MailboxView]) -> Vec<Step> {
    let t = &s.t;
    let first = mailboxes.first().map(|mailbox| s.at(&format!("/mailboxes/{}", mailbox.id)));
    let below = |rest: &str| first.as_ref().map(|first| format!("{first}{rest}")).unwrap_or_default();
    let connector = match connectors.first() {
        Some(connector) => s.at(&format!("/connectors/{}", connector.id)),
        None => s.at("/connectors/new"),
    };
    let active = mailboxes.iter().any(|mailbox| mailbox.activated_at.is_some());
    let ruled = mailboxes.iter().any(|mailbox| {
        let rules = &mailbox.rules;
        rules.ignore_internal || !rules.excluded_senders.is_empty() || !rules.excluded_domains.is_empty()
    });
    let step = |title, what, done, to| Step { title, what, done, optional: false, to };
    let steps = vec![
        step(
            t.say("first-connect"),
            t.say("first-connect-what"),
            connectors.iter().any(|c| c.state == "connected"),
            connector,
        ),
        step(t.say("first-mailbox"), t.say("first-mailbox-what"), !mailboxes.is_empty(), s.at("/mailboxes/new")),
        step(
            t.say("first-folders"),
            t.say("first-folders-what"),
            mailboxes.iter().any(|m| m.selection.is_some()),
            below("/folders"),
        ),
        // A firm may want no rules.
        Step {
            optional: true,
            ..step(t.say("first-rules"), t.say("first-rules-what"), ruled || active, below("/rules"))
        },
        step(t.say("first-activate"), t.say("first-activate-what"), active, below("")),
    ];
    // Once mail is kept, the list has done its work.
    if active { Vec::new() } else { steps }
}

/// A day of the chart.
struct Bar {
    x: usize,
    y: i64,
    height: u64,
    day: String,
    label: String,
    mails: u64,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    s: Shell,
    steps: Vec<Step>,
    needs: Vec<Need>,
    /// The first [`MAILBOXES_MAX`] of them.
    mailboxes: Vec<MailboxView>,
    has_more: bool,
    /// How many there are, if that is known.
    mailboxes_count: Option<usize>,
    is_complete: bool,
    /// When that was so.
    as_of: String,
    chart: Vec<Bar>,
    secrets: Vec<String>,
}

impl HomePage {
    fn chart_width(&self) -> usize {
        self.chart.len() * BAR_WIDTH
    }

    /// Whether the step can be done now: those before it are done, or can be left out.
    fn is_next(&self, step: &Step) -> bool {
        let before = self.steps.iter().take_while(|other| other.title != step.title);
        !step.done && before.into_iter().all(|other| other.done || other.optional)
    }
}

/// Home.
pub(crate) async fn page(firm_page: FirmPage) -> Result<Response, PageError> {
    let s = firm_page.shell("home");
    let (mailboxes, connectors) = (firm_page.v1("/mailboxes"), firm_page.v1("/connectors"));
    let (Listed { items: mut mailboxes, next }, connectors) = tokio::try_join!(
        view::first::<MailboxView>(firm_page.api(), &mailboxes),
        view::all::<ConnectorView>(firm_page.api(), &connectors),
    )?;
    let (mut needs, chart) =
        tokio::try_join!(needs::all(&firm_page, &s, (&connectors, &mailboxes)), chart(&firm_page, &s))?;
    let as_of = s.t.time(firm_page.api().clock.now());
    let secrets = connectors.iter().filter_map(|connector| {
        let secret = connector.secret.as_ref()?;
        let (days, end) = (secret.days_left?, secret.expires_at?);
        let ends = s.t.say_two("secret-ends", &connector.name, &s.t.day(end));
        (0..=SECRET_DAYS).contains(&days).then(|| format!("{ends} {}", s.t.say_n("secret-days", days)))
    });
    let secrets = secrets.collect();
    let steps = if firm_page.shell.may_manage() { steps(&s, &connectors, &mailboxes) } else { Vec::new() };
    if !steps.is_empty() {
        // The steps say it better.
        needs.clear();
    }
    view::note_connectors(&mut mailboxes, &connectors);
    let is_good = |mailbox: &MailboxView| mailbox.standing() == view::Standing::Good;
    // Of a list that goes on, the rest is unknown.
    let is_complete = next.is_none() && mailboxes.iter().all(is_good);
    let mailboxes_count = next.is_none().then_some(mailboxes.len());
    let has_more = mailboxes.len() > MAILBOXES_MAX;
    mailboxes.sort_by(|one, other| (is_good(one), &one.address).cmp(&(is_good(other), &other.address)));
    mailboxes.truncate(MAILBOXES_MAX);
    Ok(render(&HomePage { s, steps, needs, mailboxes, has_more, mailboxes_count, is_complete, as_of, chart, secrets }))
}

/// Mails of each of the last days, as far back as the newest mails tell of whole days.
async fn chart(firm_page: &FirmPage, s: &Shell) -> Result<Vec<Bar>, PageError> {
    let (times, reaches_back) = newest(firm_page).await?;
    let day_of = |time: Timestamp| time.to_zoned(s.t.zone.clone()).date();
    let Some(last) = times.iter().max().map(|time| day_of(*time)) else { return Ok(Vec::new()) };
    // The oldest day that was read may be cut off.
    let first = times.iter().min().map(|time| day_of(*time)).unwrap_or(last);
    let whole = |day: &Date| reaches_back || *day > first;
    let days: Vec<Date> =
        (0..DAYS as i64).filter_map(|back| last.checked_sub(jiff::Span::new().days(back)).ok()).filter(whole).collect();
    let count = |day: &Date| times.iter().filter(|time| day_of(**time) == *day).count() as u64;
    let most = days.iter().map(count).max().unwrap_or(1).max(1);
    let bars = days.iter().rev().enumerate().map(|(place, day)| {
        let mails = count(day);
        let height = if mails == 0 { 0 } else { (mails * CHART_HEIGHT / most).max(2) };
        let shown = day.to_zoned(s.t.zone.clone()).map(|zoned| s.t.day(zoned.timestamp())).unwrap_or_default();
        let label = s.t.say_n("chart-mails", mails);
        Bar { x: place * BAR_WIDTH + 4, y: (CHART_HEIGHT - height).cast_signed(), height, day: shown, label, mails }
    });
    Ok(bars.collect())
}

/// An event, of which only its time counts.
#[derive(Deserialize)]
struct EventView {
    at: Timestamp,
}

#[derive(Deserialize)]
struct Events {
    items: Vec<EventView>,
    next: u64,
}

/// When the newest mails were archived, and whether these are all.
async fn newest(firm_page: &FirmPage) -> Result<(Vec<Timestamp>, bool), PageError> {
    let path = firm_page.v1(&format!("/events?type=message_archived&order=desc&limit={CHART_PAGE}"));
    let (mut times, mut after) = (Vec::new(), String::new());
    for _ in 0..CHART_PAGES {
        let page: Events = firm_page.api().get(&format!("{path}{after}")).await?;
        let is_full = page.items.len() == CHART_PAGE;
        times.extend(page.items.iter().map(|event| event.at));
        if page.next == 0 {
            return Ok((times, true));
        }
        // For a page that is not full, a thousand events were read.
        if !is_full {
            break;
        }
        after = format!("&after={}", page.next);
    }
    Ok((times, false))
}
