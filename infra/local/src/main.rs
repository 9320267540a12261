//! The `greffe` program: the demo, and greffe on one machine.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand, ValueEnum as _};
use local::{
    bench::{self, Group, Scale},
    demo::{self, Demo},
    host::{Host, Settings},
};
use secrecy::SecretString;
use shared::base::{clock::Clock, telemetry};
use tokio::net::TcpListener;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The engines' own log repeats every refusal that the SDK reports already, and the SDK misses connections that are none.
const QUIET: &str = "warn,s3s=off,aws_smithy_runtime::client::http::connection_poisoning=off";

/// greffe: keeps the original of every mail that a firm chose to keep, exactly once.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Show it all: a local cloud, a simulated Microsoft 365, a firm that connects, and real mail being archived.
    Demo(DemoArguments),
    /// Run greffe on this machine against the Microsoft that the environment names.
    Serve(ServeArguments),
    /// Measure what greffe does and costs, and print a Markdown table. Build with --release.
    Bench {
        /// Only this group, in this process.
        #[arg(long)]
        only: Option<Group>,
        #[command(flatten)]
        scale: Scale,
    },
    /// AWS and Microsoft 365 for a benchmark, told what to do on standard input.
    #[command(hide = true)]
    OtherSide {
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        mailboxes: usize,
    },
}

#[derive(clap::Args, Default)]
struct DemoArguments {
    /// End when every mail is archived, with 0 if everything is right and 1 if anything is not.
    #[arg(long)]
    once: bool,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
    /// Take the mails from this folder of .eml files and the folders in it, instead of our own.
    #[arg(long, value_name = "DIR")]
    mail: Option<PathBuf>,
    /// Keep everything here, and go on from there the next time (default: a new temporary folder).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(clap::Args)]
struct ServeArguments {
    /// Keep everything here.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Answer on this port of 127.0.0.1.
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// The operator's API key.
    #[arg(long, env = "GREFFE_OPERATOR_KEY", hide_env_values = true)]
    operator_key: Option<String>,
    /// The client secret of the platform's own app registration.
    #[arg(long, env = "GREFFE_APP_CLIENT_SECRET", hide_env_values = true)]
    app_client_secret: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(telemetry::filter(QUIET)).init();
    let ended = match Arguments::parse().command {
        Some(Command::Serve(arguments)) => serve(arguments).await,
        Some(Command::Demo(arguments)) => show(arguments).await,
        Some(Command::Bench { only, scale }) => measure(only, scale).await,
        Some(Command::OtherSide { data, mailboxes }) => {
            bench::other_side(&data, mailboxes).await.map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
        None => show(DemoArguments::default()).await,
    };
    ended.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "greffe: {}", chain(error.as_ref()));
        ExitCode::FAILURE
    })
}

type Ended = Result<ExitCode, Box<dyn std::error::Error>>;

async fn show(arguments: DemoArguments) -> Ended {
    let data = match arguments.data {
        Some(data) => data,
        None => tempfile::Builder::new().prefix("greffe-demo-").tempdir()?.keep(),
    };
    let mails = demo::Mails::load(arguments.mail.as_deref())?;
    let demo = Demo::start(&data, mails).await?;
    let summary = demo.run(|line| progress(line, arguments.json)).await?;
    let mut out = std::io::stdout();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::to_string(&summary)?)?,
        false => writeln!(out, "{summary}")?,
    }
    let code = if summary.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if !arguments.once {
        writeln!(out, "{}", demo.invitation())?;
        tokio::signal::ctrl_c().await?;
    }
    demo.stop().await;
    Ok(code)
}

/// Progress is for people; where only JSON is wanted it goes to standard error.
fn progress(line: &str, json: bool) {
    let _ = match json {
        true => writeln!(std::io::stderr(), "{line}"),
        false => writeln!(std::io::stdout(), "{line}"),
    };
}

/// Each group in a process of its own: the memory that one has used says nothing of the next.
async fn measure(only: Option<Group>, scale: Scale) -> Ended {
    let mut out = std::io::stdout();
    if let Some(group) = only {
        let data = tempfile::tempdir()?;
        for row in bench::measure(group, scale, data.path()).await? {
            writeln!(out, "{row}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "| what | figure | target |\n| --- | --- | --- |")?;
    for group in Group::ALL {
        let group = group.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut measured = std::process::Command::new(std::env::current_exe()?);
        if !measured.args(std::env::args_os().skip(1)).args(["--only", &group]).status()?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: ServeArguments) -> Ended {
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let settings = Settings {
        operator_key: arguments.operator_key.map(SecretString::from),
        app_client_secret: arguments.app_client_secret.map(SecretString::from),
        ..Settings::default()
    };
    let mut host = Host::open(&arguments.data, listener, Clock::system(), settings).await?;
    host.run(Duration::from_secs(60));
    writeln!(std::io::stdout(), "greffe answers on http://{}, described by /openapi.json", host.address)?;
    tokio::signal::ctrl_c().await?;
    host.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |e| e.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
