//! The mail path: how fast, how cheap, and in how much memory.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use aws_sdk_s3::{presigning::PresigningConfig, primitives::ByteStream};
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    access::connector::Connector,
    base::{clock::Clock, id::FirmId},
    graph::AccessToken,
};
use tokio::{net::TcpListener, process::Command};

use super::{
    BenchError, Row,
    other_side::{ADMINISTRATOR, CLIENT, Counts, Order, OtherSide, address},
    process,
    start::{Starts, node_program},
};
use local::{
    client::{Client, id, text},
    host::{EventSource, Host, Settings},
    machine::Machine,
    provision,
};

/// The size of a usual mail.
pub(super) const MAIL_BYTES: u64 = 20_000;
/// The largest that Exchange allows.
const LARGE_BYTES: u64 = 150 << 20;
/// Graph's own limit for one mailbox.
pub(super) const PARALLEL: usize = 4;
/// How long Graph takes for an answer.
pub(super) const LATENCY: Duration = Duration::from_millis(100);
/// How long nothing may move.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// So often every mailbox is looked at when nothing is new.
const QUIET_LOOKS: usize = 4;

/// So many mails of one mailbox Graph lets through at once: two requests each.
const MAILS_UNPACED: u64 = 4_000;

/// So many mails the pumps move: greffe and Node move the same ones too, and Graph lets through 10,000 requests.
const PUMPED_MAX: usize = 1_000;

/// What a link to S3 lasts.
const LINK_LASTS: Duration = Duration::from_secs(3_600);

/// The job of a mail in Node.
const NODE_JOB: &str = include_str!("mail_job.mjs");

/// When no job has come for so long, there is none.
const REST: Duration = Duration::from_millis(300);

/// Greffe over another process's AWS and Microsoft 365: one firm, organisation-wide access, mailboxes whose Inbox is
/// kept.
pub(super) struct Subject {
    pub host: Host,
    pub other: OtherSide,
    pub client: Client,
    pub firm: String,
    pub connector: String,
    pub mailboxes: Vec<String>,
}

impl Subject {
    /// Every mailbox was looked at once, and is empty.
    pub async fn start(data: &Path, mailboxes: usize) -> Result<Self, BenchError> {
        Self::keeping(data, mailboxes, &json!({ "mode": "include", "folders": ["inbox"] })).await
    }

    /// A greffe with connected mailboxes whose folders are chosen by `selection`.
    pub async fn keeping(data: &Path, mailboxes: usize, selection: &Value) -> Result<Self, BenchError> {
        let mut subject = Self::connected(data, mailboxes).await?;
        for n in 0..mailboxes {
            subject.add(&address(n), selection).await?;
        }
        subject.look().await?;
        // Older mail comes to its end: there is none.
        while subject.host.older_source.step().await > 0 {}
        Ok(subject)
    }

    /// An organisation of so many people, of whose mail nothing is kept.
    pub async fn connected(data: &Path, people: usize) -> Result<Self, BenchError> {
        let other = OtherSide::start(&data.join("other"), people).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let key = "the-operators-key-of-a-benchmark".to_owned();
        let settings = Settings {
            variables: vec![
                ("GREFFE_LOGIN_URL", other.at.microsoft.clone()),
                ("GREFFE_GRAPH_URL", other.at.microsoft.clone()),
                ("GREFFE_APP_CLIENT_ID", CLIENT.0.to_owned()),
                // As it is deployed, unless somebody listens on the bus.
                ("GREFFE_EVENT_BUS", String::new()),
            ],
            operator_key: Some(SecretString::from(key.clone())),
            app_client_secret: Some(SecretString::from(CLIENT.1)),
            ..Settings::default()
        };
        let machine = Machine::at(&other.at.aws).await?;
        let host = Host::over(machine, &data.join("greffe"), listener, Clock::system(), settings).await?;
        let client = Client { http: shared::base::http::http_client()?, base: base.clone(), key };
        let mut subject =
            Self { host, other, client, firm: String::new(), connector: String::new(), mailboxes: Vec::new() };
        subject.other.order::<()>(&Order::Callback(format!("{base}/oauth/callback"))).await?;
        subject.connect().await?;
        Ok(subject)
    }

    async fn connect(&mut self) -> Result<(), BenchError> {
        let firm =
            json!({ "name": "Bench", "domains": ["lumen.example"], "language": "en", "time_zone": "Europe/Paris" });
        self.firm = text(&self.client.api(Method::POST, "/v1/firms", Some(firm)).await?, "id")?;
        let connector = json!({ "name": "Microsoft 365", "access": "organization", "app": null });
        let path = format!("/v1/firms/{}/connectors", self.firm);
        let connector = self.client.api(Method::POST, &path, Some(connector)).await?;
        self.connector = text(&connector, "id")?;
        Ok(self.client.sign_in(&text(&connector, "connect_url")?, ADMINISTRATOR).await?)
    }

    async fn add(&mut self, address: &str, selection: &Value) -> Result<(), BenchError> {
        let path = format!("/v1/firms/{}/mailboxes", self.firm);
        let mailbox = json!({ "connector": self.connector, "address": address, "kind": "user" });
        let mailbox: String = id(&self.client.api(Method::POST, &path, Some(mailbox)).await?)?;
        self.client.api(Method::PUT, &format!("{path}/{mailbox}/selection"), Some(selection.clone())).await?;
        let activate = format!("{path}/{mailbox}/activate");
        self.client.api(Method::POST, &activate, Some(json!({ "since": null }))).await?;
        self.mailboxes.push(mailbox);
        Ok(())
    }

    /// Queues a job for every mailbox.
    pub async fn queue(&self) -> Result<(), BenchError> {
        let requests = self.mailboxes.iter().map(|mailbox| async move {
            let path = format!("/v1/firms/{}/mailboxes/{mailbox}/activate", self.firm);
            self.client.api(Method::POST, &path, Some(json!({ "since": null }))).await
        });
        let requests: Vec<_> = requests.collect();
        futures::stream::iter(requests).buffer_unordered(8).try_for_each(|_| async { Ok(()) }).await?;
        Ok(())
    }

    /// One round of every mailbox. All jobs are queued before the first one begins.
    async fn look(&self) -> Result<Duration, BenchError> {
        self.queue().await?;
        Ok(work_through(&self.host.source).await)
    }

    pub async fn archived(&self) -> Result<i64, BenchError> {
        let mut archived = 0;
        for mailbox in &self.mailboxes {
            let path = format!("/v1/firms/{}/mailboxes/{mailbox}", self.firm);
            archived += self.client.api(Method::GET, &path, None).await?["progress"]["archived"].as_i64().unwrap_or(0);
        }
        Ok(archived)
    }

    /// Takes in `each` mails of every mailbox; how long it took, and what it asked of Graph.
    async fn take_in(&mut self, each: u64, bytes: u64) -> Result<Taken, BenchError> {
        let mailboxes = self.mailboxes.len();
        let wanted = i64::try_from(each * mailboxes as u64).unwrap_or(i64::MAX) + self.archived().await?;
        self.other.order::<()>(&Order::Deliver { mailboxes, each, bytes }).await?;
        let before: Counts = self.other.order(&Order::Count).await?;
        let cpu = process::cpu()?;
        let mut took = Duration::ZERO;
        let began = Instant::now();
        loop {
            took += self.look().await?;
            if self.archived().await? >= wanted {
                break;
            }
            if began.elapsed() > PATIENCE * 10 {
                return Err(BenchError::Stuck);
            }
        }
        let cpu = process::cpu()?.saturating_sub(cpu);
        let after: Counts = self.other.order(&Order::Count).await?;
        let (graph, throttled) = (after.graph - before.graph, after.throttled - before.throttled);
        Ok(Taken { mails: each * mailboxes as u64, took, cpu, graph, throttled })
    }

    /// A token for Graph.
    async fn token(&self) -> Result<AccessToken, BenchError> {
        let app = &self.host.app;
        let firm: FirmId = self.firm.parse().map_err(|_| BenchError::Silent)?;
        let connector = self.connector.parse().map_err(|_| BenchError::Silent)?;
        let connector = Connector::find(&app.table, firm, connector).await?.ok_or(BenchError::Silent)?.value;
        Ok(app.tokens.new_token(&connector).await?)
    }

    /// Originals of the first mailbox, at Graph: so many that Graph's limit for a mailbox is not reached.
    async fn originals(&mut self) -> Result<Vec<String>, BenchError> {
        let ids: Vec<String> = self.other.order(&Order::Ids(0)).await?;
        let microsoft = &self.other.at.microsoft;
        let url = |id: &String| format!("{microsoft}/v1.0/users/{}/messages/{id}/$value", address(0));
        Ok(ids.iter().take(PUMPED_MAX).map(url).collect())
    }

    /// What only has to be: GET and PUT, four at a time, by the same clients.
    async fn pump(&mut self) -> Result<Taken, BenchError> {
        let (originals, token) = (self.originals().await?, self.token().await?);
        let (http, s3) = (shared::base::http::http_client()?, aws_sdk_s3::Client::new(&self.host.machine.aws));
        let mails = originals.len() as u64;
        let (began, cpu) = (Instant::now(), process::cpu()?);
        let pumped = originals.into_iter().enumerate().map(|(n, url)| {
            let (http, s3, token) = (http.clone(), s3.clone(), token.clone());
            async move {
                let request = http.get(url).bearer_auth(token.expose());
                let answer = request.header("prefer", r#"IdType="ImmutableId""#).send().await?.error_for_status()?;
                let body = ByteStream::from(answer.bytes().await?);
                let put = s3.put_object().bucket(provision::BUCKET).key(format!("pump/{n}")).body(body);
                put.send().await.map_err(|error| BenchError::Archive(error.into()))?;
                Ok::<_, BenchError>(())
            }
        });
        let pumped: Vec<_> = pumped.collect();
        futures::stream::iter(pumped).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        let (took, cpu) = (began.elapsed(), process::cpu()?.saturating_sub(cpu));
        Ok(Taken { mails, took, cpu, graph: mails, throttled: 0 })
    }

    /// The same without the AWS SDK: each mail is put by a link that S3 signed before.
    async fn raw_pump(&mut self) -> Result<Taken, BenchError> {
        let (originals, token) = (self.originals().await?, self.token().await?);
        let (http, s3) = (shared::base::http::http_client()?, aws_sdk_s3::Client::new(&self.host.machine.aws));
        let mails = originals.len() as u64;
        let lasts = PresigningConfig::expires_in(LINK_LASTS).map_err(|error| BenchError::Archive(error.into()))?;
        let mut links = Vec::new();
        for (n, url) in originals.into_iter().enumerate() {
            let put = s3.put_object().bucket(provision::BUCKET).key(format!("raw/{n}")).presigned(lasts.clone());
            links.push((url, put.await.map_err(|error| BenchError::Archive(error.into()))?.uri().to_owned()));
        }
        let (began, cpu) = (Instant::now(), process::cpu()?);
        let pumped = links.into_iter().map(|(from, to)| {
            let (http, token) = (http.clone(), token.clone());
            async move {
                let request = http.get(from).bearer_auth(token.expose());
                let answer = request.header("prefer", r#"IdType="ImmutableId""#).send().await?.error_for_status()?;
                http.put(to).body(answer.bytes().await?).send().await?.error_for_status()?;
                Ok::<_, BenchError>(())
            }
        });
        let pumped: Vec<_> = pumped.collect();
        futures::stream::iter(pumped).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        let (took, cpu) = (began.elapsed(), process::cpu()?.saturating_sub(cpu));
        Ok(Taken { mails, took, cpu, graph: mails, throttled: 0 })
    }

    /// The job of a mail in Node, if Node and its packages are there: the milliseconds of CPU that a mail takes.
    async fn node(&mut self, starts: &Starts) -> Result<Option<f64>, BenchError> {
        let Some(command) = node_program(starts, "mail_job.mjs", NODE_JOB)? else { return Ok(None) };
        let token = self.token().await?;
        let mut node = Command::new(&command[0]);
        node.args(&command[1..]).env("AWS_ENDPOINT_URL", &self.other.at.aws).env("AWS_REGION", "eu-west-3");
        node.env("AWS_ACCESS_KEY_ID", aws::Cloud::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", aws::Cloud::SECRET_ACCESS_KEY);
        node.env("MICROSOFT", &self.other.at.microsoft).env("TOKEN", token.expose()).env("ADDRESS", address(0));
        node.env("TABLE", provision::TABLE).env("BUCKET", provision::BUCKET).kill_on_drop(true);
        let output = node.output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("the job in Node ended with {}: {said}", output.status)).into());
        }
        let NodeCost { mails, cpu_micros } = serde_json::from_slice(&output.stdout)?;
        Ok(Some(cpu_micros as f64 / 1e3 / mails as f64))
    }
}

/// What the job in Node prints.
#[derive(Deserialize)]
struct NodeCost {
    mails: u64,
    cpu_micros: u64,
}

/// What taking in mails came to.
struct Taken {
    mails: u64,
    took: Duration,
    cpu: Duration,
    graph: u64,
    throttled: u64,
}

impl Taken {
    fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.mails as f64
    }
}

/// One mailbox with `mails` mails of 20 KB, Graph answering after 100 ms; then the same mails through the pump.
pub(super) async fn one_mailbox(data: &Path, mails: u64, starts: &Starts) -> Result<Vec<Row>, BenchError> {
    let mut subject = Subject::start(data, 1).await?;
    subject.other.order::<()>(&Order::Latency(LATENCY.as_millis() as u64)).await?;
    let taken = subject.take_in(mails, MAIL_BYTES).await?;
    // CPU is counted where nothing waits, for greffe as for what it is compared with: each wait costs some, too.
    subject.other.order::<()>(&Order::Latency(0)).await?;
    let busy = subject.take_in(mails / 2, MAIL_BYTES).await?;
    let (pump, raw, node) = (subject.pump().await?, subject.raw_pump().await?, subject.node(starts).await?);
    let node = match node {
        Some(node) => Row::new("the same in Node with the official SDKs, ms", format!("{node:.3}"), ""),
        None => Row::new("Node: left out, install it by --with-node", "", ""),
    };
    let floor = LATENCY.mul_f64(taken.graph as f64 / PARALLEL as f64);
    Ok(vec![
        Row::new("one mailbox, share of what four requests at a time allow", percent(floor, taken.took), "≥ 95 %"),
        Row::new("the same, mails", mails.to_string(), "1,000"),
        Row::new("the same, seconds", format!("{:.1}", taken.took.as_secs_f64()), ""),
        Row::new("Graph requests a mail", format!("{:.3}", taken.graph as f64 / mails as f64), "≤ 2.1"),
        Row::new("answers 429", taken.throttled.to_string(), "0"),
        Row::new("CPU a mail, ms", format!("{:.3}", busy.cpu_ms()), ""),
        Row::new("the same while answers take 100 ms", format!("{:.3}", taken.cpu_ms()), ""),
        Row::new("CPU a mail of the pump (GET, PUT), ms", format!("{:.3}", pump.cpu_ms()), ""),
        Row::new("CPU, times the pump's", format!("{:.1}", busy.cpu_ms() / pump.cpu_ms()), "≤ 4"),
        Row::new("CPU a mail of the pump without the AWS SDK, ms", format!("{:.3}", raw.cpu_ms()), ""),
        node,
    ])
}

/// A connector of `mailboxes` mailboxes is signed in again: what the person waits for, and how long until all of them
/// have been looked at.
pub(super) async fn reconnected(data: &Path, mailboxes: usize) -> Result<Vec<Row>, BenchError> {
    let subject = Subject::start(data, mailboxes).await?;
    let path = format!("/v1/firms/{}/connectors/{}", subject.firm, subject.connector);
    let connector = subject.client.api(Method::GET, &path, None).await?;
    let began = Instant::now();
    subject.client.sign_in(&text(&connector, "connect_url")?, ADMINISTRATOR).await?;
    let signed_in = began.elapsed();
    // The schedule finds what is due, page by page.
    subject.host.tick().await;
    let looked = work_through(&subject.host.source).await;
    Ok(vec![
        Row::new(
            format!("signing in again, {mailboxes} mailboxes, seconds"),
            format!("{:.2}", signed_in.as_secs_f64()),
            "≤ 5",
        ),
        Row::new("until all are looked at, seconds", format!("{:.1}", looked.as_secs_f64()), ""),
    ])
}

/// Four of the largest mails at once.
pub(super) async fn large(data: &Path) -> Result<Vec<Row>, BenchError> {
    let mut subject = Subject::start(data, 1).await?;
    let before = process::peak_memory_mb()?;
    let taken = subject.take_in(PARALLEL as u64, LARGE_BYTES).await?;
    Ok(vec![
        Row::new("peak memory before, MB", format!("{before:.0}"), ""),
        Row::new(
            "peak memory with 4 mails of 150 MB at once, MB",
            format!("{:.0}", process::peak_memory_mb()?),
            "< 128",
        ),
        Row::new("the same, seconds", format!("{:.1}", taken.took.as_secs_f64()), ""),
    ])
}

/// As many mails in many mailboxes as in ten, and rounds that find nothing new.
pub(super) async fn many_mailboxes(data: &Path, mailboxes: usize, each: u64) -> Result<Vec<Row>, BenchError> {
    let few = 10;
    // With more, the run would measure Graph's limit of 10,000 requests in ten minutes.
    let each_of_few = (each * mailboxes as u64 / few as u64).min(MAILS_UNPACED);
    let taken_by_few = Subject::start(&data.join("few"), few).await?.take_in(each_of_few, MAIL_BYTES).await?;
    let mut subject = Subject::start(&data.join("many"), mailboxes).await?;
    let taken = subject.take_in(each, MAIL_BYTES).await?;
    // The first round after marking hears of the marks themselves.
    subject.look().await?;
    let before: Counts = subject.other.order(&Order::Count).await?;
    for _ in 0..QUIET_LOOKS {
        subject.look().await?;
    }
    let after: Counts = subject.other.order(&Order::Count).await?;
    let rate = |taken: &Taken| taken.mails as f64 / taken.took.as_secs_f64();
    // A round that Microsoft breaks off with an empty page and a link costs every client one request more.
    let (asked, empty) = (after.graph - before.graph, after.empty_pages - before.empty_pages);
    let quiet = (asked - empty) as f64 / (QUIET_LOOKS * mailboxes) as f64;
    let change = 100.0 * (rate(&taken) / rate(&taken_by_few) - 1.0);
    Ok(vec![
        Row::new(
            format!("{few} mailboxes of {each_of_few} mails, mails a second"),
            format!("{:.0}", rate(&taken_by_few)),
            "",
        ),
        Row::new(format!("{mailboxes} mailboxes of {each} mails, mails a second"), format!("{:.0}", rate(&taken)), ""),
        Row::new("the difference", format!("{change:+.0} %"), "≥ -10 %"),
        Row::new("Graph requests of a round that finds nothing", format!("{quiet:.2}"), "1"),
    ])
}

/// Works through the jobs that wait, with as many functions side by side as the template lets a queue feed; how long it
/// took.
pub(super) async fn work_through(source: &EventSource) -> Duration {
    let began = Instant::now();
    let functions = (0..local::host::CONCURRENCY).map(|_| async {
        let mut moved = Instant::now();
        // A job that goes back to the queue comes again.
        while moved.elapsed() < REST {
            if source.step().await > 0 {
                moved = Instant::now();
            }
        }
    });
    futures::future::join_all(functions).await;
    began.elapsed().saturating_sub(REST)
}

pub(super) fn percent(part: Duration, whole: Duration) -> String {
    format!("{:.1} %", 100.0 * part.as_secs_f64() / whole.as_secs_f64())
}
