//! What is pushed: how near to Graph's limits the first time, and what it costs when nothing has changed.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    BenchError, Row,
    mail::{LATENCY, PARALLEL, PATIENCE, Subject, percent, work_through},
    other_side::{Counts, Order, address},
    process,
};
use local::client::text;

/// Rows of one request.
const ROWS: usize = 2_000;

/// How much is pushed.
#[derive(Debug, Clone, clap::Args)]
pub struct Contacts {
    /// Contacts that are pushed.
    #[arg(long, default_value_t = 10_000)]
    contacts: usize,
    /// Members that they are for, each for one.
    #[arg(long, default_value_t = 20)]
    members: usize,
}

/// Members of one firm, to whom contacts are pushed.
struct Members {
    subject: Subject,
    ids: Vec<String>,
}

impl Members {
    /// Every member's Outlook was looked at once, and has no pushed item.
    async fn start(data: &Path, count: usize) -> Result<Self, BenchError> {
        let mut members = Self { subject: Subject::connected(data, count).await?, ids: Vec::new() };
        let path = members.path("members");
        for n in 0..count {
            let push = json!({ "dates": false, "contacts": true, "target": "calendar" });
            let connector = &members.subject.connector;
            let member = json!({ "name": address(n), "address": address(n), "connector": connector, "push": push });
            let member = members.subject.client.api(Method::POST, &path, Some(member)).await?;
            members.ids.push(text(&member, "id")?);
        }
        members.rounds().await;
        Ok(members)
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/firms/{}/{rest}", self.subject.firm)
    }

    /// Works through all jobs; how long that took.
    async fn rounds(&self) -> Duration {
        work_through(&self.subject.host.push_source).await
    }

    /// Says `contacts` contacts, each for one member in turn.
    async fn say(&self, contacts: usize) -> Result<(), BenchError> {
        let path = self.path("contacts/bulk");
        let rows: Vec<Value> = (0..contacts)
            .map(|n| {
                json!({
                    "external_id": n.to_string(), "given_name": "Person", "surname": format!("Number {n}"),
                    "company": "Acme", "emails": [format!("person{n}@acme.example")],
                    "phones": [{ "number": format!("+32 2 555 {n:05}") }],
                    "addresses": [{ "street": format!("Rue de la Loi {n}"), "postal_code": "1000", "city": "Brussels" }],
                    "members": [self.ids[n % self.ids.len()]],
                })
            })
            .collect();
        for rows in rows.chunks(ROWS) {
            self.subject.client.api(Method::POST, &path, Some(json!({ "rows": rows }))).await?;
        }
        Ok(())
    }

    async fn placed(&self) -> Result<u64, BenchError> {
        let mut placed = 0;
        for member in &self.ids {
            let path = self.path(&format!("members/{member}/push"));
            placed +=
                self.subject.client.api(Method::GET, &path, None).await?["copies"]["placed"].as_u64().unwrap_or(0);
        }
        Ok(placed)
    }

    /// Has both sides compared as a whole: switches that change ask for it.
    async fn compare(&self) -> Result<(), BenchError> {
        for member in &self.ids {
            let path = self.path(&format!("members/{member}"));
            let push = json!({ "push": { "dates": false, "contacts": true, "target": "todo" } });
            self.subject.client.api(Method::PATCH, &path, Some(push)).await?;
        }
        self.rounds().await;
        Ok(())
    }

    async fn count(&mut self) -> Result<Counts, BenchError> {
        self.subject.other.order(&Order::Count).await
    }
}

/// Contacts for members, Graph answering after 100 ms; then the same again.
pub(super) async fn contacts(data: &Path, scale: &Contacts) -> Result<Vec<Row>, BenchError> {
    let (contacts, count) = (scale.contacts, scale.members);
    let mut members = Members::start(data, count).await?;
    members.say(contacts).await?;
    members.subject.other.order::<()>(&Order::Latency(LATENCY.as_millis() as u64)).await?;
    let (before, cpu, began) = (members.count().await?, process::cpu()?, Instant::now());
    let mut took = Duration::ZERO;
    loop {
        took += members.rounds().await;
        if members.placed().await? >= contacts as u64 {
            break;
        }
        if began.elapsed() > PATIENCE * 10 {
            return Err(BenchError::Stuck);
        }
    }
    let (first, cpu) = (members.count().await?, process::cpu()?.saturating_sub(cpu));
    let floor = LATENCY.mul_f64(contacts.div_ceil(count) as f64 / PARALLEL as f64);

    members.subject.other.order::<()>(&Order::Latency(0)).await?;
    members.say(contacts).await?;
    members.compare().await?;
    let second = members.count().await?;
    let pages = (second.delta_pages - first.delta_pages) as f64;
    let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
    Ok(vec![
        Row::new(
            format!("{contacts} contacts for {count} members, share of what four requests at a time allow"),
            percent(floor, took),
            "≥ 90 %",
        ),
        Row::new("the same, seconds", seconds(took), ""),
        Row::new("the floor, seconds", seconds(floor), ""),
        Row::new(
            "Graph requests a contact",
            format!("{:.3}", (first.graph - before.graph) as f64 / contacts as f64),
            "",
        ),
        Row::new("answers 429", (first.throttled - before.throttled).to_string(), "0"),
        Row::new("CPU a contact, ms", format!("{:.3}", cpu.as_secs_f64() * 1e3 / contacts as f64), ""),
        Row::new(
            "said again with no change and compared as a whole, writes",
            (second.writes - first.writes).to_string(),
            "0",
        ),
        Row::new("the same, delta pages for 100 contacts", format!("{:.2}", pages * 100.0 / contacts as f64), "≤ 1"),
    ])
}
