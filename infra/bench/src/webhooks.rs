//! Webhooks: how soon after its fact an event is at the business application.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, routing::post};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use shared::firm::fact::{Fact, FactEvent};
use tokio::{net::TcpListener, sync::mpsc};

use super::{BenchError, Row, search::SearchSubject};

/// How often the schedule comes.
const MINUTE: Duration = Duration::from_secs(60);
/// Events before those that are measured: connections and caches are made.
const WARMING: u64 = 10;
/// How long one event may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is posted.
#[derive(Debug, Clone, clap::Args)]
pub struct Posts {
    /// Events, one after another.
    #[arg(long, default_value_t = 500)]
    posts: u64,
}

/// What was taken: the id of the event, and when.
type Taken = (String, Instant);

/// One firm with one webhook, whose application takes everything at once.
pub(super) async fn latency(data: &Path, scale: &Posts) -> Result<Vec<Row>, BenchError> {
    let mut subject = SearchSubject::start(data).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let (taken, mut came) = mpsc::unbounded_channel();
    let application = Router::new().route("/", post(take)).with_state(taken);
    let application = tokio::spawn(async move { axum::serve(listener, application).await });
    let path = format!("/v1/firms/{}/webhooks", subject.firm);
    subject.client.api(Method::POST, &path, Some(json!({ "url": url }))).await?;
    subject.host.run(MINUTE);
    let mut took = Vec::new();
    for number in 0..WARMING + scale.posts {
        let id = format!("bench-{number}");
        let what = FactEvent::ArchiveChecked { originals: number, findings: 0 };
        let fact = Fact { id: id.clone(), at: Timestamp::now(), what };
        let began = Instant::now();
        subject.app().feed.tell_with(subject.firm, Vec::new(), fact).await?;
        let at = arrival(&mut came, &id).await?;
        took.push(at.duration_since(began));
    }
    application.abort();
    let mut warm = took.split_off(WARMING.try_into().unwrap_or_default());
    warm.sort();
    let ms = |share: f64| warm[((warm.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(vec![
        Row::new(
            format!("{} events, each after the last was taken: median, ms", scale.posts),
            format!("{:.1}", ms(0.5)),
            "",
        ),
        Row::new("95th percentile, ms", format!("{:.1}", ms(0.95)), "≤ 2,000"),
        Row::new("the slowest, ms", format!("{:.1}", ms(1.0)), ""),
    ])
}

/// When the event with this id was taken.
async fn arrival(came: &mut mpsc::UnboundedReceiver<Taken>, id: &str) -> Result<Instant, BenchError> {
    let wait = async {
        loop {
            let (taken, at) = came.recv().await.ok_or(BenchError::Silent)?;
            if taken == id {
                return Ok(at);
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or(Err(BenchError::Silent))
}

async fn take(State(taken): State<mpsc::UnboundedSender<Taken>>, Json(posted): Json<Value>) {
    let at = Instant::now();
    if let Some(id) = posted["data"]["event"]["id"].as_str() {
        let _ = taken.send((id.to_owned(), at));
    }
}
