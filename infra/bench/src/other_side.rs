//! AWS and Microsoft 365 in a process of their own, so that what greffe itself costs can be told from what they cost.
//! It does what it is told, a line at a time, and ends when nobody tells it anything any more.

use std::{
    io::Write as _,
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use microsoft365::{App, GroupMembershipClaims, Mail, Microsoft365, NoticeFault, Options, Times};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinSet,
};

use super::{BenchError, meter::Meter};
use local::loopback;

/// The app's client id and secret.
pub(super) const CLIENT: (&str, &str) = ("5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11", "a-client-secret-of-a-benchmark");
const APPLICATION: [&str; 5] =
    ["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All", "Contacts.ReadWrite"];

/// Who may consent for the organisation.
pub(super) const ADMINISTRATOR: &str = "admin@lumen.example";

/// The address of the mailbox with this number.
pub(super) fn address(mailbox: usize) -> String {
    format!("person{mailbox}@lumen.example")
}

/// Where the other side answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Endpoints {
    pub aws: String,
    pub microsoft: String,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Registers the app, to which browsers come back at this address.
    Callback(String),
    /// Delivers `each` mails of `bytes` to each of the first `mailboxes`.
    Deliver { mailboxes: usize, each: u64, bytes: u64 },
    /// Every Graph request takes so many milliseconds from now on.
    Latency(u64),
    /// Tells the counts since it began.
    Count,
    /// Tells the immutable ids of all mails of a mailbox.
    Ids(usize),
    /// Tells what was asked of AWS since the last time; counting begins with the first.
    Usage,
    /// Sends notices, and tells how they were answered.
    Flood(Flood),
}

/// Notices, one to a request, of each mailbox in turn, and mail that arrives meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Flood {
    pub url: String,
    /// The client states of the mailboxes, in their order.
    pub states: Vec<String>,
    pub per_second: u32,
    pub seconds: u32,
    /// Mails for each mailbox, evenly.
    pub each: u64,
    pub bytes: u64,
}

/// How a flood was answered, counted from when each notice was to be sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Answers {
    /// Mails that were delivered.
    pub mails: u64,
    pub taken: u64,
    pub refused: u64,
    pub median_ms: f64,
    pub p99_ms: f64,
}

/// How many requests came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Counts {
    pub graph: u64,
    pub batches: u64,
    pub throttled: u64,
    /// Of items: made, changed, deleted.
    pub writes: u64,
    /// Pages of what changed.
    pub delta_pages: u64,
    /// Of these, the ones that Microsoft left empty although the round went on.
    pub empty_pages: u64,
}

/// Answers in this process until its standard input ends.
pub async fn run(data: &Path, mailboxes: usize) -> Result<(), BenchError> {
    let engines = aws::Cloud::open(&data.join("aws"), std::sync::Arc::new(SystemTime::now))?;
    let (aws, microsoft) = (listener().await?, listener().await?);
    let origin = format!("http://{}", microsoft.local_addr()?);
    let world = Microsoft365::open(Options { dir: Some(data.join("microsoft365")), ..Options::new(origin.as_str()) })?;
    let tenant = world.tenant("Lumen Avocats", "lumen.example")?;
    for mailbox in 0..mailboxes {
        tenant.add_user(&address(mailbox), "A person")?;
    }
    tenant.add_user(ADMINISTRATOR, "The administrator")?;
    tenant.make_admin(ADMINISTRATOR)?;
    // What is measured is asked for, not waited for.
    world.faults().notices(NoticeFault::Drop, Times::Forever);
    let endpoints = Endpoints { aws: format!("http://{}", aws.local_addr()?), microsoft: origin };
    let ticking = engines.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            let ticking = ticking.clone();
            let _ = tokio::task::spawn_blocking(move || ticking.tick()).await;
        }
    });
    let meter = Meter::default();
    tokio::spawn(loopback::serve(meter.before(engines.connector()), aws));
    tokio::spawn(world.clone().serve(microsoft));
    let (heard, mut orders) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|order| heard.send(order)));
    tell(&endpoints)?;
    while let Some(order) = orders.recv().await {
        match serde_json::from_str(&order)? {
            Order::Callback(redirect_uri) => {
                let app = App::new(CLIENT.0, CLIENT.1, redirect_uri);
                let app = app.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
                world.register_app(app.with_permissions(&["User.Read"], &APPLICATION))?;
                tell(&())?;
            }
            Order::Deliver { mailboxes, each, bytes } => {
                for (mailbox, n) in (0..mailboxes).flat_map(|mailbox| (0..each).map(move |n| (mailbox, n))) {
                    deliver(&world, mailbox, n, bytes)?;
                }
                tell(&())?;
            }
            Order::Latency(milliseconds) => {
                world.faults().latency(Duration::from_millis(milliseconds));
                tell(&())?;
            }
            Order::Count => {
                let counts = world.requests();
                let of =
                    |is: fn(&str) -> bool| counts.by_kind.iter().filter(|(kind, _)| is(kind)).map(|(_, n)| n).sum();
                let writes = of(|kind| ["create", "patch", "delete"].iter().any(|end| kind.ends_with(end)));
                let delta_pages = of(|kind| kind.ends_with("delta"));
                let (graph, batches, throttled) = (counts.graph, counts.batches, counts.throttled);
                let empty_pages = counts.empty_pages;
                tell(&Counts { graph, batches, throttled, writes, delta_pages, empty_pages })?;
            }
            Order::Usage => tell(&meter.take())?,
            Order::Flood(flood) => tell(&send(&world, flood).await?)?,
            Order::Ids(mailbox) => {
                let held = world.messages(&address(mailbox))?;
                tell(&held.into_iter().map(|held| held.immutable_id).collect::<Vec<_>>())?;
            }
        }
    }
    Ok(())
}

fn deliver(world: &Microsoft365, mailbox: usize, n: u64, bytes: u64) -> Result<(), BenchError> {
    let mail = Mail::generated(mailbox as u64 * 1_000_003 + n, bytes, Timestamp::now());
    world.deliver(&address(mailbox), "inbox", mail)?;
    Ok(())
}

/// Nobody waits for an answer before the next notice is sent.
async fn send(world: &Microsoft365, flood: Flood) -> Result<Answers, BenchError> {
    let http = shared::base::http::http_client()?;
    let (notices, mailboxes) = (u64::from(flood.per_second) * u64::from(flood.seconds), flood.states.len() as u64);
    let mails = flood.each * mailboxes;
    let bodies = flood.states.iter().map(|state| json!({ "value": [{ "clientState": state }] }).to_string());
    let bodies: Vec<String> = bodies.collect();
    let (mut sent, began) = (JoinSet::new(), tokio::time::Instant::now());
    let mut delivered = 0;
    for n in 0..notices {
        let at = began + Duration::from_secs(1) * u32::try_from(n).unwrap_or(u32::MAX) / flood.per_second;
        tokio::time::sleep_until(at).await;
        // Every mail is followed by a notice of its mailbox.
        while delivered < mails && delivered * notices.saturating_sub(mailboxes) <= n * mails {
            deliver(world, (delivered % mailboxes) as usize, delivered, flood.bytes)?;
            delivered += 1;
        }
        let request = http.post(&flood.url).body(bodies[(n % mailboxes) as usize].clone());
        sent.spawn(async move {
            let answer = request.send().await;
            (at.elapsed(), answer.is_ok_and(|answer| answer.status().is_success()))
        });
    }
    let answers = sent.join_all().await;
    let mut times: Vec<Duration> = answers.iter().map(|(took, _)| *took).collect();
    times.sort_unstable();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).map_or(f64::NAN, |t| t.as_secs_f64() * 1_000.0);
    let taken = answers.iter().filter(|(_, taken)| *taken).count() as u64;
    Ok(Answers { mails: delivered, taken, refused: notices - taken, median_ms: at(0.5), p99_ms: at(0.99) })
}

async fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0)).await
}

fn tell(what: &impl Serialize) -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(what)?)?;
    Ok(out.flush()?)
}

/// The other side, as the process that measures sees it. It ends with this value.
pub(super) struct OtherSide {
    pub at: Endpoints,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl OtherSide {
    pub async fn start(data: &Path, mailboxes: usize) -> Result<Self, BenchError> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["other-side", "--mailboxes", &mailboxes.to_string(), "--data"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let silent = || BenchError::Silent;
        let orders = process.stdin.take().ok_or_else(silent)?;
        let mut answers = BufReader::new(process.stdout.take().ok_or_else(silent)?).lines();
        let at = serde_json::from_str(&answers.next_line().await?.ok_or_else(silent)?)?;
        Ok(Self { at, orders, answers, _process: process })
    }

    pub async fn order<T: for<'de> Deserialize<'de>>(&mut self, order: &Order) -> Result<T, BenchError> {
        self.orders.write_all(format!("{}\n", serde_json::to_string(order)?).as_bytes()).await?;
        let answer = self.answers.next_line().await?.ok_or(BenchError::Silent)?;
        Ok(serde_json::from_str(&answer)?)
    }
}
