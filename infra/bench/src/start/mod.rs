//! How soon a function works: the built programs, started as Lambda starts them, beside the same handler in Python and
//! Node.
//!
//! AWS answers on loopback, over TLS: in a first answer are a handshake and a call. All programs are started in turn,
//! so that what else the machine does strikes them alike.

mod others;
mod runtime;
mod starts;
mod tls;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use shared::base::clock::Clock;
use tokio::{net::TcpListener, process::Command};

pub(super) use self::others::node_program;
pub use self::starts::Starts;
use self::{starts::Took, tls::Tls};
use super::{BenchError, Row};
use local::{
    host::{Host, Settings},
    loopback,
};

const OPERATOR_KEY: &str = "the-operators-key-of-a-benchmark";
/// What the other languages' handler does is what this function does.
const COMPARED: &str = "calendar-push";

/// The first event of each function.
fn events() -> [(&'static str, Value); 13] {
    let operator = json!({ "authorization": format!("Bearer {OPERATOR_KEY}") });
    let firm = "/v1/firms/00000000-0000-4000-8000-000000000000";
    [
        ("graph-webhook", runtime::request("POST", "/", json!({}), r#"{"value":[{"clientState":"of nobody"}]}"#)),
        ("delta-poll", json!({ "schedule": "poll" })),
        (COMPARED, json!({ "schedule": "reconcile" })),
        ("webhook-delivery", json!({ "schedule": "deliver" })),
        ("evidence", json!({ "schedule": "append" })),
        ("indexer", json!({ "schedule": "index" })),
        ("erasure", json!({ "schedule": "erase" })),
        ("check", json!({ "schedule": "check" })),
        ("secret-expiry", json!({ "schedule": "watch" })),
        ("oauth-callback", runtime::request("GET", "/oauth/connect/of-nobody", json!({}), "")),
        ("api", runtime::request("GET", firm, operator.clone(), "")),
        ("documents", runtime::request("GET", &format!("{firm}/messages"), operator, "")),
        ("console", runtime::request("GET", "/console/sign-in", json!({}), "")),
    ]
}

/// A program, and how long its starts took.
struct Program {
    /// As it is shown.
    name: String,
    command: Vec<PathBuf>,
    function: &'static str,
    event: Value,
    took: Vec<Took>,
}

/// Starts everything that there is.
pub(super) async fn functions(data: &Path, starts: &Starts) -> Result<Vec<Row>, BenchError> {
    let (mut rows, mut programs) = (Vec::new(), Vec::new());
    for (function, event) in events() {
        let folder = starts.functions.join(function);
        let Some(path) = [folder.join("bootstrap"), folder].into_iter().find(|path| path.is_file()) else {
            rows.push(Row::new(format!("{function}: not built, see --functions"), "", ""));
            continue;
        };
        let zipped = std::process::Command::new("gzip").arg("-c").arg(&path).output()?.stdout.len();
        rows.push(Row::new(format!("{function}, zipped, MB"), format!("{:.2}", zipped as f64 / 1e6), "≤ 4"));
        programs.push(Program { name: function.into(), command: vec![path], function, event, took: Vec::new() });
    }
    for (language, found) in [("Python", others::python(starts)?), ("Node", others::node(starts)?)] {
        let Some(command) = found else {
            let option = language.to_lowercase();
            rows.push(Row::new(format!("{language}: left out, install it by --with-{option}"), "", ""));
            continue;
        };
        let (name, event) = (format!("{COMPARED} in {language}"), json!({ "schedule": "reconcile" }));
        programs.push(Program { name, command, function: COMPARED, event, took: Vec::new() });
    }

    let settings = Settings { operator_key: Some(OPERATOR_KEY.into()), ..Settings::default() };
    let host = Host::open(data, TcpListener::bind(("127.0.0.1", 0)).await?, Clock::system(), settings).await?;
    let engines = host.machine.engines.as_ref().ok_or(BenchError::Silent)?.connector();
    let authority = data.join("authority.pem");
    let listener = Tls::listen(&authority).await?;
    let aws = format!("https://{}", listener.address()?);
    let serving = tokio::spawn(loopback::serve(engines, listener));
    // The first round only warms what lies on disk.
    for round in 0..=starts.starts {
        for program in &mut programs {
            let mut command = Command::new(&program.command[0]);
            command.args(&program.command[1..]).env_clear().envs(host.environment(program.function, &aws));
            command
                .env("AWS_CA_BUNDLE", &authority)
                .env("NODE_EXTRA_CA_CERTS", &authority)
                .env("NODE_NO_WARNINGS", "1");
            let took = runtime::start(&program.name, command, &program.event).await?;
            program.took.extend((round > 0).then_some(took));
        }
    }
    serving.abort();
    host.stop().await;
    rows.extend(programs.iter().flat_map(Program::rows));
    let ours = programs.iter().find(|program| program.name == COMPARED);
    let others = programs.iter().filter(|program| program.name != program.function);
    rows.extend(ours.into_iter().flat_map(|ours| others.clone().flat_map(|other| other.compared_with(ours))));
    Ok(rows)
}

impl Program {
    fn median(&self, of: impl Fn(&Took) -> Duration) -> f64 {
        let mut all: Vec<_> = self.took.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).map_or(f64::NAN, Duration::as_secs_f64) * 1_000.0
    }

    fn rows(&self) -> [Row; 2] {
        let (ready, answered) = if self.name == self.function { ("≤ 6", "≤ 12") } else { ("", "") };
        let row = |what, median, target| {
            Row::new(format!("{}, ms to the first {what}", self.name), format!("{median:.1}"), target)
        };
        [
            row("request for work", self.median(|took| took.ready), ready),
            row("answer", self.median(|took| took.answered), answered),
        ]
    }

    fn compared_with(&self, ours: &Self) -> [Row; 2] {
        let row = |what, times| {
            Row::new(format!("{}, times longer to the first {what}", self.name), format!("{times:.0}"), "≥ 25")
        };
        [
            row("request for work", self.median(|took| took.ready) / ours.median(|took| took.ready)),
            row("answer", self.median(|took| took.answered) / ours.median(|took| took.answered)),
        ]
    }
}
