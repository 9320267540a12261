//! The `greffe` program: the demo, and greffe on one machine.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use bench::{Group, Scale};
use clap::{Parser, Subcommand, ValueEnum as _};
use jiff::Timestamp;
use local::{
    demo::{self, Demo},
    export::{Exported, Wanted},
    folder::{self, ROOM_MIN},
    host::{Host, Settings, listen},
    place::Place,
};
use secrecy::{ExposeSecret as _, SecretString};
use shared::{
    aws::secrets::OPERATOR_KEY,
    base::{
        clock::Clock,
        id::{FirmId, MailboxId, MemberId, MessageId},
        telemetry,
    },
    evidence::{
        erasure::{ErasedCount, ErasedScope, Erasure},
        export::LeftOut,
        report::counted,
        resume::Resumed,
    },
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The engines' own log repeats every refusal that the SDK reports already, the SDK misses connections that are none,
/// and where there are no credentials it asks a machine of AWS for some, which is none either.
const QUIET: &str =
    "warn,s3s=off,aws_smithy_runtime::client::http::connection_poisoning=off,aws_config::meta::credentials=off";

/// How long what is under way may take to end.
const STOP_TIME: Duration = Duration::from_secs(8);
/// How often it is looked whether the disk has room.
const DISK_PAUSE: Duration = Duration::from_secs(2);
/// Tries to remove the demo's temporary folder, and the pause between them.
const REMOVE_TRIES_MAX: usize = 20;
const REMOVE_PAUSE: Duration = Duration::from_millis(100);

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
    /// Prove that everything in an archive is as it was written; exit 0 only if it is. Name each thing that is not.
    Verify(VerifyArguments),
    /// Write mails with their proofs into ZIP files, or a whole firm. Run it again to go on after an interruption.
    Export(ExportArguments),
    /// Take in what was exported of a whole firm, where the firm is not known yet. Then verify.
    Import(ImportArguments),
    /// Erase a message, a mailbox, a member or a firm for good. Without --confirm, only say what would be erased.
    Erase(EraseArguments),
    /// Make the index of words again from the feed and the originals: of one firm, or of each. Nothing is lost by it.
    Index(IndexArguments),
    /// Have the logs go on after the table was restored. Run it before anything else runs.
    Resume(PlaceArguments),
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
    /// Keep everything here, and go on from there the next time (default: a temporary folder, removed at the end).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where an archive is.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("archive").required(true))]
struct PlaceArguments {
    /// The folder of the archive: --data of `demo` or `serve`, which must have ended.
    #[arg(long, value_name = "DIR", group = "archive")]
    data: Option<PathBuf>,
    /// The archive is at AWS, with the region and the credentials of the environment.
    #[arg(long, group = "archive")]
    aws: bool,
    /// The table at AWS: the stack's output StateTable.
    #[arg(long, value_name = "NAME", env = "GREFFE_TABLE", required_if_eq("aws", "true"))]
    table: Option<String>,
    /// The bucket at AWS: the stack's output OriginalsBucket.
    #[arg(long, value_name = "NAME", env = "GREFFE_BUCKET", required_if_eq("aws", "true"))]
    bucket: Option<String>,
}

impl PlaceArguments {
    fn place(&self) -> Place {
        self.place_with(None)
    }

    /// With the bucket of indexes, if it is at AWS.
    fn place_with(&self, index_bucket: Option<String>) -> Place {
        match &self.data {
            Some(data) => Place::Here(data.clone()),
            None => Place::Aws {
                table: self.table.clone().unwrap_or_default(),
                bucket: self.bucket.clone().unwrap_or_default(),
                index_bucket,
            },
        }
    }
}

#[derive(clap::Args)]
struct VerifyArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Read every byte of every original. Without it, the checksums that S3 keeps are compared.
    #[arg(long)]
    read: bool,
    /// Root certificates in PEM: the certificate of each time stamp has to lead to one of them. Without it, imprint,
    /// time and signature of each are checked.
    #[arg(long, value_name = "FILE")]
    stamp_roots: Option<PathBuf>,
    /// For how many days Object Lock has to keep each original: the stack's parameter LockDays. What is kept for less
    /// is named.
    #[arg(long, value_name = "N", env = "GREFFE_LOCK_DAYS")]
    lock_days: Option<u64>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct IndexArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The bucket of indexes at AWS: the stack's output IndexesBucket.
    #[arg(long, value_name = "NAME", env = "GREFFE_INDEX_BUCKET", required_if_eq("aws", "true"))]
    index_bucket: Option<String>,
    /// The firm, by its id (default: each firm).
    #[arg(long, value_name = "ID")]
    firm: Option<FirmId>,
}

#[derive(clap::Args)]
struct ExportArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The bucket of indexes at AWS, for --words: the stack's output IndexesBucket.
    #[arg(long, value_name = "NAME", env = "GREFFE_INDEX_BUCKET")]
    index_bucket: Option<String>,
    /// The firm, by its id. Without any of the choices below, everything of it is exported, and can be imported.
    #[arg(long, value_name = "ID")]
    firm: FirmId,
    /// The folder to write to. An export that was begun there goes on.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Only mails of this mailbox, by its id.
    #[arg(long, value_name = "ID")]
    mailbox: Option<MailboxId>,
    /// Only mails that are filed to this dossier.
    #[arg(long, value_name = "NAME")]
    dossier: Option<String>,
    /// Only mails from this address, or from this domain: @acme.example.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Only mails that arrived at this time or later: 2026-03-02T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only mails that arrived before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only mails that have these words.
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
    /// Also write the lines of the secret greffe/evidence-key to this file: whoever imports needs them. Keep it secret.
    #[arg(long, value_name = "FILE", conflicts_with = "aws")]
    evidence_key: Option<PathBuf>,
    /// A ZIP file has about so many MB.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    part_mb: u64,
    /// Print what was exported as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct ImportArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The folder that the export was written to.
    #[arg(long, value_name = "DIR")]
    export: PathBuf,
    /// A file with the lines of the secret greffe/evidence-key of the deployment that the firm comes from. At AWS, add
    /// them to the secret instead.
    #[arg(long, value_name = "FILE", conflicts_with = "aws")]
    evidence_key: Option<PathBuf>,
}

/// What is erased: one of these.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct ErasedArguments {
    /// The message, by its id.
    #[arg(long, value_name = "ID")]
    message: Option<MessageId>,
    /// The mailbox, by its id: all its messages, and itself. It must not be active.
    #[arg(long, value_name = "ID")]
    mailbox: Option<MailboxId>,
    /// The member, by its id, with the mailboxes of its addresses. Nothing may be pushed to it any more.
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    /// All that the firm has. It must be deleted.
    #[arg(long)]
    whole_firm: bool,
}

#[derive(clap::Args)]
struct EraseArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The bucket of indexes at AWS: the stack's output IndexesBucket.
    #[arg(long, value_name = "NAME", env = "GREFFE_INDEX_BUCKET", required_if_eq("aws", "true"))]
    index_bucket: Option<String>,
    /// The firm, by its id.
    #[arg(long, value_name = "ID")]
    firm: FirmId,
    #[command(flatten)]
    what: ErasedArguments,
    /// Who asked for it; stays in the archive.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; stays in the archive.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Erase it. This can't be undone.
    #[arg(long)]
    confirm: bool,
}

#[derive(clap::Args)]
struct ServeArguments {
    /// Keep everything here.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Answer on this port of 127.0.0.1.
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// The operator's API key (default: one that is drawn once, and kept in the data folder).
    #[arg(long, env = "GREFFE_OPERATOR_KEY", hide_env_values = true)]
    operator_key: Option<String>,
    /// The client secret of the platform's own app registration.
    #[arg(long, env = "GREFFE_APP_CLIENT_SECRET", hide_env_values = true)]
    app_client_secret: Option<String>,
}

fn main() -> ExitCode {
    folder::make_private_files_only();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(telemetry::filter(QUIET)).init();
    let command = Arguments::parse().command;
    let mut runtime = match &command {
        Some(Command::Bench { only: Some(group), .. }) if group.counts_cpu() => runtime::Builder::new_current_thread(),
        _ => runtime::Builder::new_multi_thread(),
    };
    let ended = runtime.enable_all().build().map_err(Into::into).and_then(|runtime| runtime.block_on(run(command)));
    ended.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "greffe: {}", chain(error.as_ref()));
        ExitCode::FAILURE
    })
}

async fn run(command: Option<Command>) -> Ended {
    match command {
        Some(Command::Serve(arguments)) => serve(arguments).await,
        Some(Command::Demo(arguments)) => show(arguments).await,
        Some(Command::Verify(arguments)) => verify(&arguments).await,
        Some(Command::Export(arguments)) => export(arguments).await,
        Some(Command::Import(arguments)) => import(&arguments).await,
        Some(Command::Erase(arguments)) => erase(arguments).await,
        Some(Command::Index(arguments)) => index(arguments).await,
        Some(Command::Resume(arguments)) => resume(&arguments.place()).await,
        Some(Command::Bench { only, scale }) => measure(only, scale).await,
        Some(Command::OtherSide { data, mailboxes }) => {
            bench::other_side(&data, mailboxes).await.map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
        None => show(DemoArguments::default()).await,
    }
}

type Ended = Result<ExitCode, Box<dyn std::error::Error>>;

async fn show(arguments: DemoArguments) -> Ended {
    let end = told_to_end()?;
    let Some(data) = &arguments.data else {
        let place = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix("greffe-demo-").tempdir_in(&place);
        let folder = folder.map_err(|error| format!("make a temporary folder in {}: {error}", place.display()))?;
        let shown = show_in(folder.path(), &arguments, end).await;
        remove(folder.path()).await;
        return shown;
    };
    show_in(data, &arguments, end).await
}

/// Removes a temporary folder. What was stopped in the middle may write one file more.
async fn remove(folder: &Path) {
    for _ in 0..REMOVE_TRIES_MAX {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        tokio::time::sleep(REMOVE_PAUSE).await;
    }
}

async fn show_in(data: &Path, arguments: &DemoArguments, end: impl Future<Output = ()>) -> Ended {
    let mut end = std::pin::pin!(end);
    // An early end has not shown that all is right.
    let early = if arguments.once { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    let mails = demo::Mails::load(arguments.mail.as_deref())?;
    let demo = tokio::select! {
        demo = Demo::start(data, mails) => demo?,
        () = &mut end => return Ok(early),
    };
    let told = tokio::select! {
        told = tell(&demo, arguments) => Some(told),
        () = &mut end => None,
    };
    if !arguments.once && matches!(told, Some(Ok(_))) {
        end.await;
    }
    // What does not end in time is taken up at the next start, as after a kill.
    let _ = tokio::time::timeout(STOP_TIME, demo.stop()).await;
    told.unwrap_or(Ok(early))
}

async fn tell(demo: &Demo, arguments: &DemoArguments) -> Ended {
    let summary = demo.run(|line| progress(line, arguments.json)).await?;
    let is_removed = arguments.data.is_none() && arguments.once;
    let summary = if is_removed { summary.without_paths() } else { summary };
    let mut out = std::io::stdout();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::to_string(&summary)?)?,
        false => writeln!(out, "{summary}")?,
    }
    match (&arguments.data, arguments.once) {
        (Some(_), true) => {}
        (None, true) => progress("the demo's folder is removed now; --data FOLDER keeps it", arguments.json),
        (_, false) => writeln!(out, "{}", demo.invitation().await)?,
    }
    Ok(if summary.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ready once the process is told to end: Ctrl-C, or SIGTERM. From now on neither ends it by itself.
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Progress is for people; where only JSON is wanted it goes to standard error.
fn progress(line: &str, json: bool) {
    let _ = match json {
        true => writeln!(std::io::stderr(), "{line}"),
        false => writeln!(std::io::stdout(), "{line}"),
    };
}

async fn verify(arguments: &VerifyArguments) -> Ended {
    let VerifyArguments { place, read, stamp_roots, lock_days, json } = arguments;
    let how = (*read, *lock_days);
    let told = |line: &str| progress(line, true);
    let report = local::verify::verify(&place.place(), how, stamp_roots.as_deref(), told).await?;
    let mut out = std::io::stdout();
    match json {
        true => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        false => writeln!(out, "{report}")?,
    }
    Ok(if report.proved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints how many events of each firm are in its index.
async fn index(IndexArguments { place, index_bucket, firm }: IndexArguments) -> Ended {
    let rebuilt = local::index::rebuild(&place.place_with(index_bucket), firm, |line| progress(line, true)).await?;
    let mut out = std::io::stdout();
    for (firm, events) in &rebuilt {
        let events = counted(*events, "event is", "events are");
        writeln!(out, "firm {firm}: the index is made again, {events} in it")?;
    }
    if rebuilt.is_empty() {
        writeln!(out, "there is no firm in this archive")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Exits with 1 if a mail was left out.
async fn export(arguments: ExportArguments) -> Ended {
    let ExportArguments { firm, mailbox, dossier, from, since, until, words, .. } = arguments;
    let place = arguments.place.place_with(arguments.index_bucket);
    let wanted = Wanted { firm, mailbox, dossier, from, since, until, words };
    let (to, part_bytes) = (&arguments.to, arguments.part_mb.saturating_mul(1_000_000));
    let app = place.open().await?;
    let exported = local::export::export(&app, to, wanted, part_bytes, &|line| progress(line, true)).await?;
    if let Some(file) = &arguments.evidence_key {
        local::export::write_key(&app, file).await?;
    }
    let Exported { mails, bytes, files, left_out } = &exported;
    let mut out = std::io::stdout();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&exported)?)?;
    } else {
        let mails = counted(*mails, "mail with its proof is", "mails with their proofs are");
        let files = counted(*files as u64, "ZIP file", "ZIP files");
        writeln!(out, "{mails} in {} ({files}, {bytes} bytes)", to.display())?;
        for LeftOut { message, reason } in left_out {
            writeln!(out, "left out: message {message}: {reason}")?;
        }
    }
    Ok(if left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn import(ImportArguments { place, export, evidence_key }: &ImportArguments) -> Ended {
    let told = |line: &str| progress(line, true);
    let app = place.place().found().await?;
    if let Some(file) = evidence_key {
        local::export::sign_with(&app, file).await?;
    }
    let imported = local::export::import(&app, export, &told).await?;
    writeln!(
        std::io::stdout(),
        "firm {} is here with {}; its mailboxes are paused. Run verify now.",
        imported.firm,
        counted(imported.mails, "mail", "mails")
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Says what would be erased, or erases it.
async fn erase(arguments: EraseArguments) -> Ended {
    let EraseArguments { firm, what, by, reason, .. } = arguments;
    let ErasedArguments { message, mailbox, member, whole_firm } = what;
    let place = arguments.place.place_with(arguments.index_bucket);
    let scope = message.map(ErasedScope::Message).or_else(|| mailbox.map(ErasedScope::Mailbox));
    let scope =
        scope.or_else(|| member.map(ErasedScope::Member)).or_else(|| whole_firm.then_some(ErasedScope::Firm(firm)));
    let scope = scope.ok_or("name a message, a mailbox or a member, or --whole-firm")?;
    let (app, erasure) = (
        place.open().await?,
        Erasure {
            firm,
            scope,
            asked_by: by,
            by: "operator".to_owned(),
            confirmed_by: arguments.confirm.then(|| "operator".to_owned()),
            order: None,
            reason,
            mailboxes: Default::default(),
            shortened: Default::default(),
        },
    );
    let mut out = std::io::stdout();
    if !arguments.confirm {
        let ErasedCount { originals, facts, .. } = app.eraser().preview(&erasure).await?;
        writeln!(out, "{} would be erased for good. --confirm erases them.", found(originals, facts))?;
        return Ok(ExitCode::SUCCESS);
    }
    let ErasedCount { originals, facts, .. } = app.eraser().erase(&erasure).await?;
    writeln!(
        out,
        "Erased: {}. What is left: their log entries, which have ids, times and digests, because a log that could forget \
         would prove nothing; and who asked for the erasure, and why. Copies that others have, and backups, are not \
         erased.",
        found(originals, facts)
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What an erasure finds, in words.
fn found(originals: u64, events: u64) -> String {
    format!("{} and {}", counted(originals, "original", "originals"), counted(events, "event", "events"))
}

/// Prints what each firm's table had lost.
async fn resume(place: &Place) -> Ended {
    let mut out = std::io::stdout();
    for (firm, resumed) in local::verify::resume(place).await? {
        match resumed {
            Resumed::Nothing => writeln!(out, "firm {firm}: the table has all that the log has")?,
            Resumed::Lost { first, last } => {
                writeln!(
                    out,
                    "firm {firm}: the table had lost facts between {first} and {last}; it goes on behind them"
                )?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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
    let end = told_to_end()?;
    let data = &arguments.data;
    let listener = listen(arguments.port).await?;
    folder::prepare(data)?;
    folder::room(data, ROOM_MIN)?;
    // A variable that is set to nothing gives no key.
    let given = arguments.operator_key.filter(|key| !key.is_empty());
    let drawn = given.is_none();
    let settings = Settings {
        operator_key: given.map(SecretString::from),
        app_client_secret: arguments.app_client_secret.map(SecretString::from),
        ..Settings::default()
    };
    let mut host = Host::open(data, listener, Clock::system(), settings).await?;
    let mut out = std::io::stdout();
    let place = keep_key(&host, data, drawn).await?;
    host.run(Duration::from_secs(60));
    writeln!(out, "greffe answers on http://{}, described by /openapi.json", host.address)?;
    if let Some(place) = place {
        writeln!(out, "the operator's key is kept in {place}")?;
    }
    tokio::select! {
        () = end => {}
        () = watch_disk(data) => {}
    }
    let _ = tokio::time::timeout(STOP_TIME, host.stop()).await;
    Ok(ExitCode::SUCCESS)
}

/// Keeps the operator's key where the operator finds it, if greffe drew it; the place. A key that was given is known
/// already.
async fn keep_key(host: &Host, data: &Path, drawn: bool) -> Result<Option<String>, Box<dyn std::error::Error>> {
    if host.machine.engines.is_none() {
        return Ok(drawn.then(|| format!("the secret {OPERATOR_KEY} of Secrets Manager")));
    }
    if !drawn {
        folder::keep_operator_key(data, None)?;
        return Ok(None);
    }
    let key = host.app.secrets.read(OPERATOR_KEY).await?;
    Ok(Some(folder::keep_operator_key(data, Some(key.expose_secret()))?.display().to_string()))
}

/// Says it when the disk is full, and when it has room again. Never ends.
async fn watch_disk(data: &Path) {
    let mut full = false;
    loop {
        tokio::time::sleep(DISK_PAUSE).await;
        match folder::room(data, ROOM_MIN) {
            Ok(()) if full => tracing::info!("there is room on the disk again"),
            Err(error) if !full => tracing::error!("{}", chain(&error)),
            _ => continue,
        }
        full = !full;
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |e| e.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
