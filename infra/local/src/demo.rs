//! The demo: a firm connects to a simulated Microsoft 365, and mail is archived. At the end, everything is compared
//! with the simulated tenant.
//!
//! Each step first checks whether it was done, so a killed demo continues where it stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use include_dir::{Dir, include_dir};
use jiff::Timestamp;
use microsoft365::{App, GroupMembershipClaims, Held, Mail, Microsoft365, Options, Tenant};
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::{
    base::{
        clock::Clock,
        id::{FirmId, MailboxId, MessageId},
        random::Random,
        telemetry::ErrorChain,
    },
    firm::feed::GAP_PATIENCE,
    mail::archive,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    client::{Client, ClientError, id, text},
    folder::{self, FolderError, ROOM_MIN},
    host::{Host, HostError, Settings, listen},
    provision::BUCKET,
};

static OUR_MAILS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mail");
/// The large mail of our own set, made while it is read.
const LARGE_MAIL_BYTES: u64 = 40 << 20;
/// Mails that lie in the Inbox before the activation.
const BEFORE_ACTIVATION: usize = 5;
/// Minutes pass quickly here.
const SCHEDULE: Duration = Duration::from_secs(2);
/// How long the demo waits after a mail failed: all other mail has come by then.
const FAILED_PATIENCE: Duration = Duration::from_secs(20);
/// The demo gives up when nothing moves for this long.
const PATIENCE: Duration = Duration::from_secs(180);

/// What the other side's page is good for.
const TENANT: &str = "Buttons for what people, administrators and faults do in Microsoft 365";
const ADDRESS: &str = "ada.lambert@lumen.example";
/// The domain of those to whom our own mails are addressed: people of the firm.
const MAILS_DOMAIN: &str = "mdk.example";
const CLIENT_ID: &str = "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a11";
const DELEGATED: [&str; 6] = [
    "User.Read",
    "Mail.Read",
    "Mail.ReadWrite",
    "Mail.Read.Shared",
    "Mail.ReadWrite.Shared",
    "MailboxSettings.ReadWrite",
];
const APPLICATION: [&str; 4] = ["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All"];

/// The mails of the demo.
pub struct Mails {
    /// By name.
    list: Vec<(String, Content)>,
    /// The folder that a person chose.
    from: Option<PathBuf>,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    Generated(u64),
}

impl Mails {
    /// How many bytes they are.
    fn bytes(&self) -> u64 {
        let bytes = self.list.iter().map(|(_, content)| match content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Generated(bytes) => *bytes,
        });
        bytes.sum()
    }

    /// The SHA-256 of their names and contents, in hex.
    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, content) in &self.list {
            hasher.update(Sha256::digest(name));
            match content {
                Content::Bytes(bytes) => hasher.update(Sha256::digest(bytes)),
                Content::Generated(bytes) => hasher.update(bytes.to_be_bytes()),
            }
        }
        hex::encode(hasher.finalize())
    }

    /// Those of `dir` and the folders in it, or our own.
    ///
    /// Errors: the file or folder that can't be read, or that has no mail.
    pub fn load(dir: Option<&Path>) -> Result<Self, DemoError> {
        let mut mails = Vec::new();
        match dir {
            Some(dir) => read_dir(dir, dir, &mut mails)?,
            None => {
                let files = OUR_MAILS.files().filter(|f| is_mail(f.path()));
                mails.extend(files.map(|f| (f.path().display().to_string(), Content::Bytes(f.contents().to_vec()))));
                mails.push(("a mail of 40 MB".to_owned(), Content::Generated(LARGE_MAIL_BYTES)));
            }
        }
        mails.sort_by(|a, b| a.0.cmp(&b.0));
        match mails.is_empty() {
            true => Err(DemoError::NoMail(dir.map(Path::to_owned).unwrap_or_default())),
            false => Ok(Self { list: mails, from: dir.map(Path::to_owned) }),
        }
    }
}

fn is_mail(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml"))
}

fn read_dir(top: &Path, dir: &Path, mails: &mut Vec<(String, Content)>) -> Result<(), DemoError> {
    for entry in std::fs::read_dir(dir).map_err(files("read", dir))? {
        let path = entry.map_err(files("read", dir))?.path();
        if path.is_dir() {
            read_dir(top, &path, mails)?;
        } else if is_mail(&path) {
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            mails.push((name, Content::Bytes(std::fs::read(&path).map_err(files("read", &path))?)));
        }
    }
    Ok(())
}

fn address(listener: &TcpListener) -> Result<SocketAddr, DemoError> {
    Ok(listener.local_addr().map_err(HostError::Address)?)
}

/// What a demo remembers between two starts over the same folder.
#[derive(Serialize, Deserialize)]
struct Memory {
    greffe_port: u16,
    microsoft_port: u16,
    operator_key: String,
    client_secret: String,
    firm: Option<FirmId>,
    /// How the story ended, once it has ended well. What a person does afterwards is no part of it.
    #[serde(default)]
    ended: Option<Summary>,
    /// The digest of its mails.
    #[serde(default)]
    mails: Option<String>,
}

impl Memory {
    fn load(data: &Path) -> Result<Option<Self>, DemoError> {
        let path = data.join("demo.json");
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(|e| files("read", &path)(e.into()))?)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(files("read", &path)(e)),
        }
    }

    /// Written aside and renamed, so that a kill leaves the old or the new one.
    fn save(&self, data: &Path) -> Result<(), DemoError> {
        let (aside, path) = (data.join("demo.json.new"), data.join("demo.json"));
        let json = serde_json::to_vec_pretty(self).map_err(unexpected)?;
        std::fs::write(&aside, json).and_then(|()| std::fs::rename(&aside, &path)).map_err(files("write", &path))
    }

    /// Whether the story is that of `mails`. One that has ended is its own without a choice of mails.
    fn is_of(&self, mails: &Mails) -> bool {
        match (&self.ended, &self.mails) {
            (Some(_), _) if mails.from.is_none() => true,
            (_, Some(digest)) => *digest == mails.digest(),
            (Some(ended), None) => ended.expected == mails.list.len(),
            (None, None) => true,
        }
    }
}

/// A demo that could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Greffe's own API.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An answer without what it must have.
    #[error("{0}")]
    Unexpected(String),
    /// Nothing moved for too long.
    #[error("nothing moved for {} seconds: {at}", PATIENCE.as_secs())]
    Stuck {
        /// How far it was.
        at: String,
    },
    /// The archive could not be listed.
    #[error("list the archive")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The simulated tenant.
    #[error("the simulated Microsoft 365: {0}")]
    World(#[from] microsoft365::Error),
    /// A file or folder.
    #[error("{what} {path}")]
    Files {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The folder has the demo of other mails.
    #[error(
        "{data} has the demo of other mails, and delivers no more. Give another --data; or start without --mail, and \
         deliver a mail on the page of the simulated Microsoft 365 that it names"
    )]
    OtherMails {
        /// The folder.
        data: PathBuf,
    },
    /// A folder without mail.
    #[error("there is no .eml file in {0}, nor in its folders")]
    NoMail(PathBuf),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No HTTP client.
    #[error(transparent)]
    Http(#[from] shared::base::http::HttpClientError),
    /// Greffe itself did not start.
    #[error(transparent)]
    Host(#[from] HostError),
}

fn files(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DemoError {
    let path = path.to_owned();
    move |source| DemoError::Files { what, path, source }
}

/// A running demo.
pub struct Demo {
    host: Host,
    world: Microsoft365,
    world_task: JoinHandle<std::io::Result<()>>,
    data: PathBuf,
    memory: std::sync::Mutex<Memory>,
    client: Client,
    mails: Mails,
}

impl Demo {
    /// Starts the simulated tenant and greffe over `data`.
    pub async fn start(data: &Path, mails: Mails) -> Result<Self, DemoError> {
        folder::prepare(data)?;
        let known = Memory::load(data)?;
        if known.as_ref().is_some_and(|memory| !memory.is_of(&mails)) {
            return Err(DemoError::OtherMails { data: data.to_owned() });
        }
        // A mail may lie on the disk twice while it is archived.
        let told = known.as_ref().is_some_and(|memory| memory.ended.is_some());
        folder::room(data, if told { ROOM_MIN } else { ROOM_MIN + 2 * mails.bytes() })?;
        // The ports stay: links and subscriptions name them.
        let port = |of: fn(&Memory) -> u16| known.as_ref().map_or(0, of);
        let greffe = listen(port(|m| m.greffe_port)).await?;
        let microsoft = listen(port(|m| m.microsoft_port)).await?;
        let (greffe_at, microsoft_at) = (address(&greffe)?, address(&microsoft)?);
        let memory = known.unwrap_or_else(|| {
            let random = Random::system();
            Memory {
                greffe_port: greffe_at.port(),
                microsoft_port: microsoft_at.port(),
                operator_key: random.token(),
                client_secret: random.token(),
                firm: None,
                ended: None,
                mails: Some(mails.digest()),
            }
        });
        memory.save(data)?;

        let origin = format!("http://{microsoft_at}");
        let world = Microsoft365::open(Options {
            dir: Some(data.join("microsoft365")),
            traffic: Some(data.join("traffic.jsonl")),
            ..Options::new(origin.as_str())
        })?;
        let callback = format!("http://{greffe_at}/oauth/callback");
        let app = App::new(CLIENT_ID, &memory.client_secret, callback).with_personal_accounts();
        let app = app.with_group_membership_claims(GroupMembershipClaims::DirectoryRole);
        world.register_app(app.with_permissions(&DELEGATED, &APPLICATION))?;
        let tenant: Tenant = world.tenant("Lumen Avocats", "lumen.example")?;
        tenant.verify_domain(MAILS_DOMAIN)?;
        tenant.add_user(ADDRESS, "Ada Lambert")?;
        // Not for the story, but for whoever tries things out when it is told.
        tenant.add_user("admin@lumen.example", "Lumen's administrator")?;
        tenant.make_admin("admin@lumen.example")?;
        tenant.add_shared_mailbox("office@lumen.example", "Lumen's office")?;
        tenant.grant_full_access(ADDRESS, "office@lumen.example")?;
        world.personal_accounts()?.add_user("eve@outlook.com", "Eve")?;
        let world_task = tokio::spawn(world.clone().serve(microsoft));

        let settings = Settings {
            variables: vec![
                ("GREFFE_LOGIN_URL", origin.clone()),
                ("GREFFE_GRAPH_URL", origin.clone()),
                ("GREFFE_APP_CLIENT_ID", CLIENT_ID.to_owned()),
                ("GREFFE_PUBLIC_URL", format!("http://{greffe_at}")),
                ("GREFFE_WEBHOOK_URL", format!("https://{greffe_at}/webhook")),
            ],
            operator_key: Some(SecretString::from(memory.operator_key.clone())),
            app_client_secret: Some(SecretString::from(memory.client_secret.clone())),
            tenant_page: Some(format!("{origin}/admin")),
            ..Settings::default()
        };
        let mut host = Host::open(data, greffe, Clock::system(), settings).await?;
        host.run(SCHEDULE);
        let (http, base) = (shared::base::http::http_client()?, format!("http://{}", host.address));
        let client = Client { http, base, key: memory.operator_key.clone() };
        Ok(Self { host, world, world_task, data: data.to_owned(), memory: memory.into(), client, mails })
    }

    /// Runs the whole story and compares the end with what the tenant held. `tell` is told how far it is. A story that
    /// ended well in an earlier start is not run again: somebody may have gone on from there.
    ///
    /// Errors: [`DemoError::Folder`] if the disk is full, whatever failed by it.
    pub async fn run(&self, tell: impl Fn(&str)) -> Result<Summary, DemoError> {
        let ended = self.memory().ended.clone();
        if let Some(ended) = ended {
            tell("the story ended in an earlier start: here is how; what was changed since then is not compared");
            let (data, traffic) = (Some(self.data.clone()), Some(self.data.join("traffic.jsonl")));
            return Ok(Summary { data, traffic, ..ended });
        }
        let summary = match self.story(tell).await {
            Ok(summary) => summary,
            Err(error) => {
                folder::room(&self.data, ROOM_MIN)?;
                return Err(error);
            }
        };
        if summary.is_right() {
            let mut memory = self.memory();
            memory.ended = Some(summary.clone());
            memory.save(&self.data)?;
        }
        Ok(summary)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn story(&self, tell: impl Fn(&str)) -> Result<Summary, DemoError> {
        let began = Instant::now();
        let firm = self.firm().await?;
        tell(&format!("firm: Lumen Avocats ({firm})"));
        let connector = self.connector(firm).await?;
        tell(&format!("connector: connected to Microsoft 365 via {ADDRESS}"));

        let day = |n: usize| Timestamp::now() - Duration::from_secs(86_400 * (n as u64 + 1));
        for (i, (_, content)) in self.mails.list.iter().enumerate().take(BEFORE_ACTIVATION) {
            self.deliver("inbox", content, day(i), format!("before {i}"))?;
        }
        // The first mail of the set arrived long ago, in a folder that is not chosen; it is moved in later.
        let folder = self.folder("Clients")?;
        self.deliver(&folder, &self.mails.list[0].1, day(30), "mail 0".to_owned())?;

        let mailbox = self.mailbox(firm, &connector).await?;
        tell(&format!(
            "mailbox: {ADDRESS}, Inbox and Sent Items, active; mails that lie there already: {}",
            BEFORE_ACTIVATION.min(self.mails.list.len())
        ));
        for (i, (_, content)) in self.mails.list.iter().enumerate().skip(1) {
            let folder = if i % 4 == 0 { "sentitems" } else { "inbox" };
            self.deliver(folder, content, Timestamp::now(), format!("mail {i}"))?;
        }
        let (_, last) = &self.mails.list[self.mails.list.len() - 1];
        self.deliver(&folder, last, Timestamp::now(), "not chosen".to_owned())?;
        tell(&format!(
            "{} mails have arrived; one more lies in a folder that is not chosen",
            self.mails.list.len() - 1
        ));

        let expected = self.mails.list.len();
        // Moved in before the first round ended, it could not be told from what lay there. A set of one has no other
        // mail that shows the end of it.
        let begun = |progress: &Progress| {
            progress.archived >= 1 || (expected == 1 && progress.skipped.already_there >= expected as i64)
        };
        self.wait(firm, mailbox, &tell, begun).await?;
        self.move_in()?;
        tell("an old mail was moved into the Inbox");
        let finished =
            |progress: &Progress| progress.archived + progress.failed >= expected as i64 && self.all_marked();
        self.wait(firm, mailbox, &tell, finished).await?;
        self.judge(firm, mailbox, began).await
    }

    /// Makes a round of the mailbox due now.
    async fn look_again(&self, firm: FirmId, mailbox: MailboxId) -> Result<(), DemoError> {
        let path = format!("/v1/firms/{firm}/mailboxes/{mailbox}/activate");
        Ok(self.client.api(Method::POST, &path, Some(json!({ "since": null }))).await.map(drop)?)
    }

    /// The address of what is served, and what to try next, for whoever wants to look on. The last line is a link by
    /// which somebody enters the console as the firm's administrator.
    pub async fn invitation(&self) -> String {
        let entry = self.entry().await;
        let memory = self.memory();
        let (base, key) = (format!("http://{}", self.host.address), &memory.operator_key);
        let firm = memory.firm.map(|firm| firm.to_string()).unwrap_or_default();
        format!(
            "\ngreffe answers on {base} (described by {base}/openapi.json); the operator's key is {key}\n\
             {TENANT}: http://127.0.0.1:{microsoft}/admin\n\
             Ada's Outlook, where marks turn grey and green: http://127.0.0.1:{microsoft}/outlook/{ADDRESS}\n\n\
             Try next, in another terminal:\n\
             \x20 # the last three mails that were archived\n\
             \x20 curl -s -H 'Authorization: Bearer {key}' '{base}/v1/firms/{firm}/messages?limit=3'\n\
             \x20 # what happened in the firm, oldest first\n\
             \x20 curl -s -H 'Authorization: Bearer {key}' '{base}/v1/firms/{firm}/events?limit=10'\n\
             docs/integrator.md explains the API. Its commands need these variables:\n\
             \x20 export GREFFE={base} MICROSOFT=http://127.0.0.1:{microsoft} OPERATOR_KEY={key} FIRM={firm}\n\nCtrl-C ends it.\n\n\
             The console, as the firm's administrator: open this in a browser, and choose an account.\n{entry}",
            microsoft = memory.microsoft_port
        )
    }

    /// A link by which somebody enters the console as the firm's administrator; the console's address if there is none.
    async fn entry(&self) -> String {
        let console = || format!("http://{}/console", self.host.address);
        let firm = self.memory().firm;
        let Some(firm) = firm else { return console() };
        let path = format!("/v1/firms/{firm}/invitations");
        let made = self.client.api(Method::POST, &path, Some(json!({ "role": "administrator" }))).await;
        made.ok().and_then(|made| text(&made, "url").ok()).unwrap_or_else(console)
    }

    /// Ends what was started.
    pub async fn stop(self) {
        self.host.stop().await;
        self.world_task.abort();
    }

    async fn firm(&self) -> Result<FirmId, DemoError> {
        let known = self.memory().firm;
        if let Some(firm) = known {
            return Ok(firm);
        }
        let body = json!({
            "name": "Lumen Avocats", "domains": ["lumen.example", MAILS_DOMAIN],
            "language": "fr", "time_zone": "Europe/Paris",
        });
        let made = self.client.api(Method::POST, "/v1/firms", Some(body)).await?;
        let firm: FirmId = id(&made)?;
        let mut memory = self.memory();
        memory.firm = Some(firm);
        memory.save(&self.data)?;
        Ok(firm)
    }

    /// The first thing of a list, or one that is made of `body` where there is none.
    async fn first_or_made(&self, path: &str, body: Value) -> Result<Value, DemoError> {
        let mut list = self.client.api(Method::GET, path, None).await?;
        match list.pointer_mut("/items/0").map(Value::take) {
            Some(there) => Ok(there),
            None => Ok(self.client.api(Method::POST, path, Some(body)).await?),
        }
    }

    /// A connected connector: made if there is none, and signed in to through Microsoft's own pages.
    async fn connector(&self, firm: FirmId) -> Result<String, DemoError> {
        let path = format!("/v1/firms/{firm}/connectors");
        let body = json!({ "name": "Microsoft 365", "access": "delegated", "app": null });
        let connector = self.first_or_made(&path, body).await?;
        let id = text(&connector, "id")?;
        let connector = self.client.api(Method::GET, &format!("{path}/{id}"), None).await?;
        if connector["state"] != "connected" {
            self.client.sign_in(&text(&connector, "connect_url")?, ADDRESS).await?;
        }
        Ok(id)
    }

    /// The mailbox, with Inbox and Sent Items chosen, active. Activating again makes a round due: what a kill lost is
    /// found.
    async fn mailbox(&self, firm: FirmId, connector: &str) -> Result<MailboxId, DemoError> {
        let path = format!("/v1/firms/{firm}/mailboxes");
        let body = json!({ "connector": connector, "address": ADDRESS, "kind": "user" });
        let mailbox = self.first_or_made(&path, body).await?;
        let id: MailboxId = id(&mailbox)?;
        let selection = json!({ "mode": "include", "folders": ["inbox", "sentitems"] });
        self.client.api(Method::PUT, &format!("{path}/{id}/selection"), Some(selection)).await?;
        self.look_again(firm, id).await?;
        Ok(id)
    }

    fn deliver(&self, folder: &str, content: &Content, received: Timestamp, key: String) -> Result<(), DemoError> {
        let mail = match content {
            Content::Bytes(bytes) => Mail::new(bytes.clone(), received),
            Content::Generated(bytes) => Mail::generated(7, *bytes, received),
        };
        self.world.deliver(ADDRESS, folder, mail.with_key(key))?;
        Ok(())
    }

    /// The folder of that name beside the Inbox, made once.
    fn folder(&self, name: &str) -> Result<String, DemoError> {
        let held = self.world.messages(ADDRESS)?;
        let there =
            held.into_iter().find(|h| h.key.as_deref() == Some("not chosen") || h.key.as_deref() == Some("mail 0"));
        match there {
            Some(held) if held.well_known.is_none() => Ok(held.folder),
            _ => Ok(self.world.create_folder(ADDRESS, "msgfolderroot", name)?),
        }
    }

    fn move_in(&self) -> Result<(), DemoError> {
        let held = self.world.messages(ADDRESS)?;
        let old = held.iter().find(|h| h.key.as_deref() == Some("mail 0") && h.well_known.is_none());
        if let Some(old) = old {
            self.world.move_message(ADDRESS, &old.immutable_id, "inbox")?;
        }
        Ok(())
    }

    fn all_marked(&self) -> bool {
        let held = self.world.messages(ADDRESS).unwrap_or_default();
        held.iter().filter(|h| is_expected(h)).all(|h| !h.categories.is_empty())
    }

    /// Waits until `done`, telling what moves.
    async fn wait(
        &self,
        firm: FirmId,
        mailbox: MailboxId,
        tell: &impl Fn(&str),
        done: impl Fn(&Progress) -> bool,
    ) -> Result<(), DemoError> {
        let (mut seen, mut moved) = (Progress::default(), Instant::now());
        loop {
            let answer = self.client.api(Method::GET, &format!("/v1/firms/{firm}/mailboxes/{mailbox}"), None).await?;
            let progress = Progress::deserialize(&answer["progress"])
                .map_err(|e| DemoError::Unexpected(format!("progress is not as documented: {e}")))?;
            if progress != seen {
                tell(&format!(
                    "  found {:>3}   archived {:>3}   failed {:>3}   there before {:>3}",
                    progress.discovered, progress.archived, progress.failed, progress.skipped.already_there
                ));
                (seen, moved) = (progress, Instant::now());
            }
            // A mail that failed is named at the end.
            if done(&seen) || (seen.failed > 0 && moved.elapsed() > FAILED_PATIENCE) {
                return Ok(());
            }
            folder::room(&self.data, ROOM_MIN)?;
            if moved.elapsed() > PATIENCE {
                return Err(DemoError::Stuck { at: format!("{seen:?}") });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Compares the archive with what the tenant holds: every message that ought to be kept, byte for byte and once,
    /// and nothing else.
    async fn judge(&self, firm: FirmId, mailbox: MailboxId, began: Instant) -> Result<Summary, DemoError> {
        let held = self.world.messages(ADDRESS)?;
        let (expected, others): (Vec<&Held>, Vec<&Held>) = held.iter().partition(|h| is_expected(h));
        let objects = self.objects(firm).await?;
        let mut summary = Summary {
            expected: self.mails.list.len(),
            archived: 0,
            skipped: BTreeMap::new(),
            failed: 0,
            digests_match: true,
            duplicates: 0,
            marked: 0,
            seconds: 0.0,
            graph_requests: self.world.requests().graph,
            throttled: self.world.requests().throttled,
            traffic: Some(self.data.join("traffic.jsonl")),
            data: Some(self.data.clone()),
            wrong: Vec::new(),
        };
        let mut keys = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for held in &expected {
            let message = MessageId::of(mailbox, &held.immutable_id.parse().map_err(unexpected)?);
            let key = archive::key(firm, message);
            let name = held.key.clone().unwrap_or_default();
            let index = self.client.api(Method::GET, &format!("/v1/firms/{firm}/messages/{message}"), None).await;
            let index = index.unwrap_or_default();
            if index["state"] == "failed" {
                summary.failed += 1;
                summary.wrong.push(format!("{name}: failed with {}", index["failure"]["code"]));
                continue;
            }
            let Some(copies) = objects.get(&key) else {
                summary.wrong.push(format!("{name}: not in the archive"));
                continue;
            };
            summary.archived += 1;
            let (content, length) = self.digest_of_content(firm, message).await?;
            let digests = [content.as_str(), index["sha256"].as_str().unwrap_or_default()];
            let mut digests = digests.into_iter().chain(copies.iter().map(String::as_str));
            if digests.any(|digest| digest != held.sha256_hex) || length != held.bytes || index["bytes"] != held.bytes {
                summary.digests_match = false;
                summary.wrong.push(format!("{name}: not the bytes that Graph served"));
            }
            match held.categories.len() {
                1 => summary.marked += 1,
                _ => summary.wrong.push(format!("{name}: categories are {:?}", held.categories)),
            }
            if !index["number"].as_u64().is_some_and(|n| numbers.insert(n)) {
                summary.wrong.push(format!("{name}: no number of its own in the feed"));
            }
            keys.insert(key);
        }
        summary.duplicates = objects.keys().filter(|key| !keys.contains(*key)).count();
        for key in objects.keys().filter(|key| !keys.contains(*key)) {
            summary.wrong.push(format!("{key}: nobody expects it"));
        }
        for held in others {
            let reason = if held.well_known.is_some() { "before_activation" } else { "folder_not_selected" };
            *summary.skipped.entry(reason.to_owned()).or_default() += 1;
            if !held.categories.is_empty() {
                summary.wrong.push(format!("{}: marked, though not kept", held.key.clone().unwrap_or_default()));
            }
        }
        let patience = Instant::now() + 2 * GAP_PATIENCE;
        let told = loop {
            let told = self.told(firm).await?;
            // A kill may have left a number unused, which a reader passes over only after a while.
            if told.len() >= expected.len() || Instant::now() > patience {
                break told;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        if told.len() != expected.len() || told.iter().collect::<BTreeSet<_>>().len() != told.len() {
            summary.wrong.push(format!("the feed tells of {} messages", told.len()));
        }
        summary.seconds = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        Ok(summary)
    }

    /// The messages that the feed tells were archived.
    async fn told(&self, firm: FirmId) -> Result<Vec<String>, DemoError> {
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let page =
                self.client.api(Method::GET, &format!("/v1/firms/{firm}/events?limit=100&after={after}"), None).await?;
            let facts = page["items"].as_array().cloned().unwrap_or_default();
            let archived = facts.iter().filter(|f| f["type"] == "message_archived");
            told.extend(archived.filter_map(|f| f["message"].as_str().map(str::to_owned)));
            let next = page["next"].as_u64().unwrap_or(after);
            if next == after {
                return Ok(told);
            }
            after = next;
        }
    }

    /// The checksums of each original of the firm, by its key without the year until which it is kept: when that
    /// changes, a copy is left.
    async fn objects(&self, firm: FirmId) -> Result<BTreeMap<String, BTreeSet<String>>, DemoError> {
        let aws = &self.host.machine.aws;
        let config = aws_sdk_s3::config::Builder::from(aws).force_path_style(aws.endpoint_url().is_some()).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        let own = format!("firms/{firm}/mailboxes/");
        let mut objects = BTreeMap::<String, BTreeSet<String>>::new();
        for prefix in [own.as_str(), archive::UNTIL] {
            let mut pages = client.list_objects_v2().bucket(BUCKET).prefix(prefix).into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|e| DemoError::Archive(e.into()))?;
                for key in page.contents().iter().filter_map(|object| object.key()) {
                    let Some(begins) = key.find(&own) else { continue };
                    let head = client.head_object().bucket(BUCKET).key(key);
                    let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled);
                    let head = head.send().await.map_err(|e| DemoError::Archive(e.into()))?;
                    let checksum = head.checksum_sha256().and_then(hex_of_base64).unwrap_or_default();
                    objects.entry(key[begins..].to_owned()).or_default().insert(checksum);
                }
            }
        }
        Ok(objects)
    }

    async fn digest_of_content(&self, firm: FirmId, message: MessageId) -> Result<(String, u64), DemoError> {
        let mut response =
            self.client.send(Method::GET, &format!("/v1/firms/{firm}/messages/{message}/content"), None).await?;
        let (mut hasher, mut length) = (Sha256::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(ClientError::Http)? {
            length += chunk.len() as u64;
            hasher.update(&chunk);
        }
        Ok((hex::encode(hasher.finalize()), length))
    }
}

fn is_expected(held: &Held) -> bool {
    held.key.as_deref().is_some_and(|key| key.starts_with("mail "))
}

fn hex_of_base64(checksum: &str) -> Option<String> {
    let bytes = aws_smithy_types::base64::decode(checksum).ok()?;
    Some(hex::encode(bytes))
}

fn unexpected(error: impl std::error::Error + 'static) -> DemoError {
    DemoError::Unexpected(ErrorChain(&error).to_string())
}

/// The mailbox's progress, as the API tells it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
struct Progress {
    discovered: i64,
    archived: i64,
    failed: i64,
    skipped: Skipped,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
struct Skipped {
    already_there: i64,
}

/// How a demo ended, compared with what the tenant really held.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Messages that ought to be kept.
    expected: usize,
    /// Of those, how many are in the archive.
    archived: usize,
    /// Messages of the tenant that ought not to be kept, by reason.
    skipped: BTreeMap<String, usize>,
    /// Messages that Graph refused.
    failed: usize,
    /// Whether content, index, the object's own checksum and the tenant's digest are equal for every message.
    digests_match: bool,
    /// Objects in the archive that nobody expects.
    duplicates: usize,
    /// Messages that Outlook shows as received.
    marked: usize,
    /// From the first request to the last comparison.
    seconds: f64,
    /// Requests to Graph, each part of a batch counted.
    graph_requests: u64,
    /// Of those, how many Graph answered with 429.
    throttled: u64,
    /// The log of all traffic with Graph; none if it is removed at the end.
    traffic: Option<PathBuf>,
    /// Where everything lies; none if it is removed at the end.
    data: Option<PathBuf>,
    /// What is not as it ought to be.
    wrong: Vec<String>,
}

impl Summary {
    /// Whether the archive is what the tenant held: all of it, once, and nothing else.
    pub fn is_right(&self) -> bool {
        let complete = self.archived == self.expected && self.marked == self.expected;
        complete && self.digests_match && self.duplicates == 0 && self.failed == 0 && self.wrong.is_empty()
    }

    /// Without the paths of a folder that is removed at the end.
    #[must_use]
    pub fn without_paths(self) -> Self {
        Self { traffic: None, data: None, ..self }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_kept: Vec<String> = self.skipped.iter().map(|(r, n)| format!("{n} {}", r.replace('_', " "))).collect();
        writeln!(f)?;
        writeln!(f, "archived {} of {}, marked {}, failed {}", self.archived, self.expected, self.marked, self.failed)?;
        writeln!(f, "correctly skipped: {}", not_kept.join(", "))?;
        let same =
            if self.digests_match { "every original is byte for byte what Graph served" } else { "DIGESTS DIFFER" };
        writeln!(f, "{same}; {} too many in the archive", self.duplicates)?;
        writeln!(
            f,
            "{:.1} seconds, {} requests to Graph, {} throttled",
            self.seconds, self.graph_requests, self.throttled
        )?;
        for wrong in &self.wrong {
            writeln!(f, "WRONG: {wrong}")?;
        }
        match &self.traffic {
            Some(traffic) => write!(f, "traffic: {}", traffic.display()),
            None => Ok(()),
        }
    }
}
