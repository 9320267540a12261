//! The pages of the console: how soon they answer, how large they are, and what each asks of AWS.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use jiff::Timestamp;
use local::{client::text, machine::Machine};
use reqwest::{Method, header};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::{
    base::{
        clock::Clock,
        id::{ConnectorId, MailboxId, TenantId, UserId},
        random::Random,
    },
    firm::{
        console_session::ConsoleSession,
        user::{ConsoleUser, UserRole},
    },
    graph::GraphUser,
    mail::{
        mailbox::{Mailbox, MailboxKind, MailboxState},
        rules::Rules,
        selection::Selection,
    },
};

use super::{BenchError, Row, other_side::CLIENT, search::SearchSubject};

/// What is looked at.
#[derive(Debug, Clone, clap::Args)]
pub struct Visits {
    /// Mails of the firm.
    #[arg(long, default_value_t = 10_000)]
    shown: u64,
    /// Its mailboxes.
    #[arg(long, default_value_t = 200)]
    listed: u64,
    /// How often each page is opened.
    #[arg(long, default_value_t = 100)]
    visits: usize,
}

/// Counts the requests to AWS.
#[derive(Debug)]
struct Counting {
    behind: SharedHttpConnector,
    requests: Arc<AtomicU64>,
}

impl HttpConnector for Counting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.behind.call(request)
    }
}

/// A firm with mails and mailboxes, and an administrator who is signed in.
struct Visitor {
    subject: SearchSubject,
    requests: Arc<AtomicU64>,
    cookie: String,
}

/// What opening a page came to.
struct Opened {
    took: Vec<Duration>,
    bytes: usize,
    requests: u64,
}

impl Visitor {
    async fn start(data: &Path, scale: &Visits) -> Result<Self, BenchError> {
        let engines = Machine::embedded(&data.join("aws"), Clock::system()).await?.engines.ok_or(BenchError::Silent)?;
        let (requests, behind) = (Arc::<AtomicU64>::default(), engines.http_client());
        let counted = requests.clone();
        let http = http_client_fn(move |settings, components| {
            let behind = behind.http_connector(settings, components);
            SharedHttpConnector::new(Counting { behind, requests: counted.clone() })
        });
        let mut subject = SearchSubject::over(Machine::reached_by(engines, http).await, data).await?;
        subject.mails(scale.shown).await?;
        subject.index().await?;
        let app = json!({ "tenant_id": "lumen.example", "client_id": CLIENT.0, "client_secret": CLIENT.1 });
        let connector = json!({ "name": "Microsoft 365", "access": "organization", "app": app });
        let path = format!("/v1/firms/{}/connectors", subject.firm);
        let connector = text(&subject.client.api(Method::POST, &path, Some(connector)).await?, "id")?;
        let connector = connector.parse().map_err(|_| BenchError::Silent)?;
        for number in 0..scale.listed {
            mailbox(&subject, connector, number)?.insert(&subject.app().table).await?;
        }
        let cookie = sign_in(&subject).await?;
        Ok(Self { subject, requests, cookie })
    }

    /// Opens each address once.
    async fn open(&self, addresses: &[String]) -> Result<Opened, BenchError> {
        let (client, mut took, mut bytes) = (&self.subject.client, Vec::new(), 0);
        self.requests.store(0, Ordering::Relaxed);
        for address in addresses {
            let url = format!("{}/console/firms/{}{address}", client.base, self.subject.firm);
            let began = Instant::now();
            let page = client.http.get(url).header(header::COOKIE, &self.cookie).send().await?.error_for_status()?;
            bytes = bytes.max(page.bytes().await?.len());
            took.push(began.elapsed());
        }
        took.sort();
        Ok(Opened { took, bytes, requests: self.requests.load(Ordering::Relaxed) / addresses.len() as u64 })
    }
}

fn mailbox(subject: &SearchSubject, connector: ConnectorId, number: u64) -> Result<Mailbox, BenchError> {
    let id: Option<MailboxId> = format!("6f9619ff-8b86-4011-b42d-{number:012}").parse().ok();
    let address = format!("person{number}@lumen.example");
    Ok(Mailbox {
        id: id.ok_or(BenchError::Silent)?,
        firm: subject.firm,
        connector,
        user: GraphUser::new(&address),
        address,
        root: None,
        kind: MailboxKind::User,
        state: MailboxState::Active,
        selection: Some(Selection::all()),
        rules: Rules::default(),
        dossiers: Default::default(),
        activated_at: Some(Timestamp::now()),
        history: None,
        grant: None,
        member: None,
        external_id: None,
        created_at: Timestamp::now(),
    })
}

/// The cookie of an administrator of the firm.
async fn sign_in(subject: &SearchSubject) -> Result<String, BenchError> {
    let (table, now) = (&subject.app().table, Timestamp::now());
    let tenant: TenantId = "lumen.example".parse().map_err(|_| BenchError::Silent)?;
    let (id, address) = (UserId::of(&tenant, "ada"), "ada@lumen.example".to_owned());
    let user = ConsoleUser { id, role: UserRole::Administrator, address: address.clone(), since: now };
    table.transact(user.admit(table, subject.firm).await?).await?;
    let cookie = ConsoleSession::begin((table, &Random::system()), Some(id), address, now).await?;
    Ok(format!("greffe_session={}", cookie.expose_secret()))
}

/// Every page that has a list, of a firm with many mails and mailboxes.
pub(super) async fn pages(data: &Path, scale: &Visits) -> Result<Vec<Row>, BenchError> {
    let visitor = Visitor::start(data, scale).await?;
    let listed = format!("/v1/firms/{}/messages?limit=100", visitor.subject.firm);
    let listed = visitor.subject.client.api(Method::GET, &listed, None).await?;
    let messages = listed["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str());
    let messages: Vec<String> = messages.map(|id| format!("/documents/{id}")).collect();
    let again = |address: &str| vec![address.to_owned(); scale.visits];
    let searches = visitor.subject.queries(scale.visits).into_iter().map(|query| {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("/documents?q={query}")
    });
    let mailbox = "/mailboxes/6f9619ff-8b86-4011-b42d-000000000007";
    let pages = [
        ("Home", again("")),
        ("Mail", again("/documents")),
        ("Mail, a search", searches.collect()),
        ("Mail, one that is read", messages.iter().cycle().take(scale.visits).cloned().collect()),
        ("Mailboxes", again("/mailboxes")),
        ("a mailbox", again(mailbox)),
        ("Connectors", again("/connectors")),
        ("Members", again("/members")),
        ("Dates", again("/entries/dates")),
        ("Audit trail", again("/audit")),
    ];
    let mut rows = Vec::new();
    for (name, addresses) in pages {
        // The first ones are for the caches.
        visitor.open(&addresses[..addresses.len().min(10)]).await?;
        let Opened { took, bytes, requests } = visitor.open(&addresses).await?;
        let ms = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let figure = format!("{:.1}; {:.1}; {:.1}; {requests}", ms(0.5), ms(0.95), bytes as f64 / 1e3);
        rows.push(Row::new(format!("{name}: median and p95, ms; KB; requests to AWS"), figure, "≤ 100 ms; ≤ 60 KB"));
    }
    Ok(rows)
}
