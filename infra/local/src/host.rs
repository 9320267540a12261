//! Does what AWS does around the functions: API Gateway and the function URL, the event sources of the queues, the
//! schedules, Secrets Manager's rotations, and the identity tokens.

use std::{
    fs::DirBuilder,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, Request},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use secrecy::SecretString;
use shared::{
    access::rotation::RotationStep,
    app::App,
    aws::{
        secrets::{self, SecretError},
        worker::{Deadline, WorkerInput, WorkerOutput},
    },
    base::{
        clock::Clock,
        config::{Config, ConfigError},
        http::HttpClientError,
        random::Random,
        telemetry::ErrorChain,
    },
    webhook::deliver::OutboundClient,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{
    machine::{Machine, MachineError},
    provision::{self, ProvisionError},
    slow_connections::{self, Patience},
    welcome,
};

/// As in template.yaml: the time that `delta-poll` and `calendar-push` are given.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(120);
/// As in template.yaml: how many functions each queue feeds at a time.
pub const CONCURRENCY: usize = 4;
/// As in template.yaml: how many webhooks are posted to at a time.
pub const DELIVERY_CONCURRENCY: usize = 10;
/// As in template.yaml: how many jobs a function is given, as many as it works at side by side.
pub const MAIL_BATCH: i32 = 4;
const PUSH_BATCH: i32 = 10;
/// One webhook does not wait for another.
const DELIVERY_BATCH: i32 = 1;
/// How long one receive waits for a job.
const RECEIVE_SECONDS: i32 = 20;
/// The pause after the queue could not be read.
const RECEIVE_PAUSE: Duration = Duration::from_secs(1);

/// What a machine is told before it starts.
#[derive(Debug, Default)]
pub struct Settings {
    /// Variables that stand in for the environment's.
    pub variables: Vec<(&'static str, String)>,
    /// The operator's API key; without one, the one that is stored stays, or a new one is drawn.
    pub operator_key: Option<SecretString>,
    /// The client secret of the platform's own app; replaces the one that is stored.
    pub app_client_secret: Option<SecretString>,
    /// Where keys, ids and jitter come from.
    pub random: Random,
    /// What reaches Microsoft; without one, a client of its own.
    pub http: Option<reqwest::Client>,
    /// The page of the simulated Microsoft 365 beside it, for people who open its address in a browser.
    pub tenant_page: Option<String>,
}

/// Greffe on one machine.
pub struct Host {
    /// What a handler receives, for whoever looks from outside.
    pub app: App,
    /// AWS as it is reached here.
    pub machine: Machine,
    /// Where the API is served.
    pub address: SocketAddr,
    /// What feeds `delta-poll`.
    pub source: EventSource,
    /// What feeds `delta-poll` with older mail.
    pub older_source: EventSource,
    /// What feeds `calendar-push`.
    pub push_source: EventSource,
    /// What feeds `webhook-delivery`.
    pub delivery_source: EventSource,
    /// What `secret-expiry` receives.
    pub secret_expiry: App,
    /// What `evidence` receives.
    pub evidence: App,
    /// What `indexer` receives.
    pub indexer: App,
    /// What `erasure` receives.
    pub erasure: App,
    /// What `check` receives.
    pub check: App,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Greffe cannot start on this machine.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No AWS.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A resource is missing.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A variable is missing or malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
    /// A secret could not be seeded.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The directory for large mails.
    #[error("prepare the spool directory {path}")]
    Spool {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The port can't be had.
    #[error("listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The listener has no address.
    #[error("ask the listener for its address")]
    Address(#[source] std::io::Error),
}

/// A listener on that port of this machine; 0 takes a free one.
pub async fn listen(port: u16) -> Result<TcpListener, HostError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| HostError::Listen { port, source })
}

impl Host {
    /// Makes what is missing over the data directory `dir`, and answers on `listener`. Nothing works by itself yet.
    pub async fn open(
        dir: &FsPath,
        listener: TcpListener,
        clock: Clock,
        settings: Settings,
    ) -> Result<Self, HostError> {
        let machine = Machine::open(&dir.join("aws"), clock.clone()).await?;
        Self::over(machine, dir, listener, clock, settings).await
    }

    /// A host that uses AWS as `machine` reaches it.
    pub async fn over(
        machine: Machine,
        dir: &FsPath,
        listener: TcpListener,
        clock: Clock,
        settings: Settings,
    ) -> Result<Self, HostError> {
        let queues = provision::provision(&machine.aws).await?;
        if let Some(engines) = machine.engines.clone() {
            // The functions that held jobs died with the process before this one.
            let _ = tokio::task::spawn_blocking(move || engines.release_received()).await;
        }
        let address = listener.local_addr().map_err(HostError::Address)?;
        if let Some(engines) = &machine.engines {
            // Entra takes https only; on this machine the simulated one leaves TLS out, as it does for notices.
            engines.enable_identity_federation(format!("https://{address}/aws-identity"));
        }
        // What a killed process was reading when it died is read again.
        let spool = dir.join("spool");
        let _ = std::fs::remove_dir_all(&spool);
        let prepared = DirBuilder::new().recursive(true).mode(0o700).create(&spool);
        prepared.map_err(|source| HostError::Spool { path: spool.clone(), source })?;

        let defaults = [
            ("GREFFE_TABLE", provision::TABLE.to_owned()),
            ("GREFFE_BUCKET", provision::BUCKET.to_owned()),
            ("GREFFE_INDEX_BUCKET", provision::INDEX_BUCKET.to_owned()),
            ("GREFFE_EVENT_BUS", provision::EVENT_BUS.to_owned()),
            ("GREFFE_MAIL_QUEUE_URL", queues.mail.clone()),
            ("GREFFE_OLDER_QUEUE_URL", queues.older.clone()),
            ("GREFFE_PUSH_QUEUE_URL", queues.push.clone()),
            ("GREFFE_DELIVERY_QUEUE_URL", queues.delivery.clone()),
            ("GREFFE_PUBLIC_URL", format!("http://{address}")),
            ("GREFFE_WEBHOOK_URL", format!("https://{address}/webhook")),
            ("GREFFE_SPOOL_DIR", spool.display().to_string()),
        ];
        let config = Config::from_lookup(|name| {
            let told = settings.variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
            let set = || std::env::var(name).ok().filter(|v| !v.is_empty());
            told.or_else(set).or_else(|| defaults.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()))
        })?;
        let http = settings.http.clone().map_or_else(shared::base::http::http_client, Ok)?;
        let over =
            |aws: &SdkConfig| App::new(config.clone(), aws, http.clone(), clock.clone(), settings.random.clone());
        let app = over(&machine.aws);
        seed(&app, &settings).await?;

        // As on AWS, a function shares nothing with another but what is stored.
        let function = |name: &'static str| over(&machine.as_function(name));
        let router = gateway(function, settings.tenant_page).merge(identity(machine.engines.clone()));
        let (secret_expiry, evidence) = (function("secret-expiry"), function("evidence"));
        let (indexer, erasure, check) = (function("indexer"), function("erasure"), function("check"));
        let client = aws_sdk_sqs::Client::new(&machine.aws);
        let outside = OutboundClient::new(config.ca_bundle.as_deref())?;
        let source = |name, handler, url| EventSource {
            handler,
            app: function(name),
            outside: outside.clone(),
            client: client.clone(),
            url,
        };
        let push_source = source("calendar-push", Handler::CalendarPush, queues.push);
        let delivery_source = source("webhook-delivery", Handler::WebhookDelivery, queues.delivery);
        let older_source = source("delta-poll", Handler::DeltaPoll, queues.older);
        let source = source("delta-poll", Handler::DeltaPoll, queues.mail);
        let (stop, tasks) = (CancellationToken::new(), JoinSet::new());
        let mut host = Self {
            app,
            machine,
            address,
            source,
            older_source,
            push_source,
            delivery_source,
            secret_expiry,
            evidence,
            indexer,
            erasure,
            check,
            stop,
            tasks,
        };
        host.serve(listener, router);
        Ok(host)
    }

    /// The environment of the function `name` in a process of its own, as the template gives it, with AWS at `aws`.
    pub fn environment(&self, name: &str, aws: &str) -> Vec<(&'static str, String)> {
        let config = &self.app.config;
        let webhook = config.webhook_url().unwrap_or_default();
        let client = config.app_client_id.as_ref().map(ToString::to_string);
        let environment = [
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", "60"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_SDK_UA_APP_ID", name),
            ("AWS_ACCESS_KEY_ID", aws::Cloud::ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", aws::Cloud::SECRET_ACCESS_KEY),
            ("AWS_REGION", aws::Cloud::REGION),
            ("AWS_DEFAULT_REGION", aws::Cloud::REGION),
            ("AWS_ENDPOINT_URL", aws),
            ("GREFFE_TABLE", &config.table),
            ("GREFFE_BUCKET", &config.bucket),
            ("GREFFE_INDEX_BUCKET", &config.index_bucket),
            ("GREFFE_EVENT_BUS", config.event_bus.as_deref().unwrap_or_default()),
            ("GREFFE_MAIL_QUEUE_URL", &config.mail_queue_url),
            ("GREFFE_OLDER_QUEUE_URL", &config.older_queue_url),
            ("GREFFE_PUSH_QUEUE_URL", &config.push_queue_url),
            ("GREFFE_DELIVERY_QUEUE_URL", &config.delivery_queue_url),
            ("GREFFE_APP_CLIENT_ID", client.as_deref().unwrap_or_default()),
            ("GREFFE_PUBLIC_URL", &config.public_url.at("")),
            ("GREFFE_WEBHOOK_URL", webhook),
            ("GREFFE_SPOOL_DIR", &config.spool_dir.display().to_string()),
            ("GREFFE_LOGIN_URL", &config.microsoft.login.at("")),
            ("GREFFE_GRAPH_URL", &config.microsoft.graph.at("")),
        ];
        environment.map(|(name, value)| (name, value.to_owned())).into()
    }

    /// Lets the queues and, `every` so often, the schedules start the functions from now on.
    pub fn run(&mut self, every: Duration) {
        let sources = [&self.source, &self.older_source, &self.push_source, &self.delivery_source];
        for source in sources.into_iter().flat_map(|source| std::iter::repeat_n(source, source.concurrency())) {
            let (source, stop) = (source.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                while !stop.is_cancelled() {
                    let jobs = tokio::select! {
                        jobs = source.receive(RECEIVE_SECONDS) => jobs,
                        () = stop.cancelled() => return,
                    };
                    // What has begun is ended.
                    source.invoke(jobs).await;
                }
            });
        }
        let (apps, deliveries) = (self.scheduled(), self.delivery_source.clone());
        let (evidence, indexer, erasure) = (self.evidence.clone(), self.indexer.clone(), self.erasure.clone());
        let checked = self.check.clone();
        let (engines, stop) = (self.machine.engines.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(every);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stop.cancelled() => return,
                }
                tick(&apps, engines.clone()).await;
                deliveries.tick().await;
                append_logs(&evidence, evidence.clock.now()).await;
                index(&indexer, indexer.clock.now()).await;
                erase(&erasure, erasure.clock.now()).await;
                check_archives(&checked).await;
            }
        });
    }

    /// What the functions that a schedule starts receive.
    fn scheduled(&self) -> [App; 3] {
        [self.source.app.clone(), self.push_source.app.clone(), self.secret_expiry.clone()]
    }

    /// One minute of the schedule, and what the engines do as time goes by.
    pub async fn tick(&self) {
        tick(&self.scheduled(), self.machine.engines.clone()).await;
        self.delivery_source.tick().await;
    }

    fn serve(&mut self, listener: TcpListener, router: Router) {
        let stop = self.stop.clone();
        self.tasks.spawn(slow_connections::serve(listener, router, Patience::default(), stop));
    }

    /// Brings every log up to its feed.
    pub async fn append_logs(&self) {
        append_logs(&self.evidence, Timestamp::MAX).await;
    }

    /// Brings every index up to its feed.
    pub async fn index(&self) {
        index(&self.indexer, Timestamp::MAX).await;
    }

    /// Checks the share of each archive that is due.
    pub async fn check(&self) {
        check_archives(&self.check).await;
    }

    /// Previews what is to be erased, and erases what was confirmed.
    pub async fn erase(&self) {
        erase(&self.erasure, self.erasure.clock.now()).await;
    }

    /// Lets what is under way end, proves what came, and stops.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.append_logs().await;
    }
}

/// API Gateway and the function URL.
fn gateway(function: impl Fn(&'static str) -> App, tenant_page: Option<String>) -> Router {
    let oauth_callback = oauth_callback::router(function("oauth-callback"));
    let graph_webhook = graph_webhook::router(function("graph-webhook"));
    let api = api::router(function("api"));
    let documents = api::documents(function("documents"));
    let client = console::ApiClient::Process(served(api.clone(), documents.clone()));
    let console = console::router(function("console"), client);
    let home = get(async move |headers: HeaderMap| welcome::page(&headers, tenant_page.as_deref()));
    Router::new().route("/", home).fallback(
        move |ConnectInfo(caller): ConnectInfo<SocketAddr>, mut request: Request| {
            // As API Gateway does, behind whatever the caller claims.
            if let Ok(address) = caller.ip().to_string().parse() {
                request.headers_mut().append("x-forwarded-for", address);
            }
            let function = match request.uri().path() {
                path if path.starts_with("/oauth/") => oauth_callback.clone(),
                path if path == "/console" || path.starts_with("/console/") => console.clone(),
                path if path == "/webhook" || path.starts_with("/webhook/") => graph_webhook.clone(),
                path if api::is_of_documents(path) => documents.clone(),
                _ => api.clone(),
            };
            function.oneshot(request)
        },
    )
}

/// The API as API Gateway serves it: each path by its function.
fn served(api: Router, documents: Router) -> Router {
    Router::new().fallback(move |request: Request| {
        let function = if api::is_of_documents(request.uri().path()) { &documents } else { &api };
        function.clone().oneshot(request)
    })
}

/// Where AWS shows the keys by which others verify its word for us.
fn identity(engines: Option<aws::Cloud>) -> Router {
    let document = async move |Path(document): Path<String>| {
        let found =
            tokio::task::spawn_blocking(move || engines.and_then(|engines| engines.identity_document(&document)));
        found.await.ok().flatten().map(Json).ok_or(StatusCode::NOT_FOUND)
    };
    Router::new().route("/aws-identity/.well-known/{document}", get(document))
}

/// The schedules of `delta-poll`, `calendar-push` and `secret-expiry`.
async fn tick([mail, push, credentials]: &[App; 3], engines: Option<aws::Cloud>) {
    let mut rotations = Vec::new();
    if let Some(engines) = engines {
        let ticked = tokio::task::spawn_blocking(move || {
            engines.tick();
            engines.rotations()
        });
        rotations = ticked.await.unwrap_or_default();
    }
    let poll = WorkerInput::Schedule { schedule: delta_poll::Schedule::Poll };
    if let Err(error) = delta_poll::handle(mail, LambdaEvent::new(poll, context(mail))).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of polls failed");
    }
    let reconcile = WorkerInput::Schedule { schedule: calendar_push::Schedule::Reconcile };
    if let Err(error) = calendar_push::handle(push, LambdaEvent::new(reconcile, context(push))).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of comparisons failed");
    }
    let event = secret_expiry::Input::Schedule { schedule: secret_expiry::Schedule::Watch };
    if let Err(error) = secret_expiry::handle(credentials, LambdaEvent::new(event, context(credentials))).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of credentials failed");
    }
    for (secret_id, client_request_token) in rotations {
        rotate(credentials, &secret_id, &client_request_token).await;
    }
}

/// The schedule of `evidence`, with the logs that are due by `until`.
async fn append_logs(app: &App, until: Timestamp) {
    let deadline = Deadline::before(context(app).deadline, app.clock.clone());
    if let Err(error) = Box::pin(evidence::append(app, until, &deadline)).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of logs failed");
    }
}

/// The schedule of `indexer`, with the indexes that are due by `until`.
async fn index(app: &App, until: Timestamp) {
    let deadline = Deadline::before(context(app).deadline, app.clock.clone());
    if let Err(error) = Box::pin(indexer::index(app, until, &deadline)).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of indexes failed");
    }
}

/// The schedule of `check`.
async fn check_archives(app: &App) {
    let deadline = Deadline::before(context(app).deadline, app.clock.clone());
    if let Err(error) = Box::pin(check::check(app, &deadline)).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of checks failed");
    }
}

/// The schedule of `erasure`, with what is due by `until`.
async fn erase(app: &App, until: Timestamp) {
    let deadline = Deadline::before(context(app).deadline, app.clock.clone());
    if let Err(error) = Box::pin(erasure::erase(app, until, &deadline)).await {
        tracing::error!(error = %ErrorChain(&error), "the schedule of erasures failed");
    }
}

/// A function that a queue feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handler {
    DeltaPoll,
    CalendarPush,
    WebhookDelivery,
}

impl Handler {
    /// What it answers to a batch; none if it gave up.
    async fn handle(self, app: &App, outside: &OutboundClient, batch: SqsEvent) -> Option<WorkerOutput> {
        let context = context(app);
        match self {
            Self::DeltaPoll => delta_poll::handle(app, LambdaEvent::new(WorkerInput::Jobs(batch), context)).await.ok(),
            Self::CalendarPush => {
                calendar_push::handle(app, LambdaEvent::new(WorkerInput::Jobs(batch), context)).await.ok()
            }
            Self::WebhookDelivery => {
                webhook_delivery::handle(app, outside, LambdaEvent::new(WorkerInput::Jobs(batch), context)).await.ok()
            }
        }
    }
}

/// What Secrets Manager does of a rotation: it has the function take the four steps, and begins again later if one
/// fails.
async fn rotate(app: &App, secret_id: &str, token: &str) {
    for step in
        [RotationStep::CreateSecret, RotationStep::SetSecret, RotationStep::TestSecret, RotationStep::FinishSecret]
    {
        let (secret_id, client_request_token) = (secret_id.to_owned(), token.to_owned());
        let event = secret_expiry::Input::Rotation { step, secret_id, client_request_token };
        if let Err(error) = secret_expiry::handle(app, LambdaEvent::new(event, context(app))).await {
            tracing::warn!(error = %ErrorChain(&error), "a step of a rotation failed; the rotation begins again");
            return;
        }
    }
}

/// The queue's event source: batches go to the function, what it has done with is deleted, the rest comes again.
#[derive(Clone)]
pub struct EventSource {
    handler: Handler,
    app: App,
    outside: OutboundClient,
    client: aws_sdk_sqs::Client,
    url: String,
}

impl EventSource {
    /// How many functions it feeds at a time.
    fn concurrency(&self) -> usize {
        if self.handler == Handler::WebhookDelivery { DELIVERY_CONCURRENCY } else { CONCURRENCY }
    }

    /// How many jobs it gives a function.
    fn batch_size(&self) -> i32 {
        match self.handler {
            Handler::DeltaPoll => MAIL_BATCH,
            Handler::CalendarPush => PUSH_BATCH,
            Handler::WebhookDelivery => DELIVERY_BATCH,
        }
    }

    /// The schedule of `webhook-delivery`.
    async fn tick(&self) {
        let deliver = WorkerInput::Schedule { schedule: webhook_delivery::Schedule::Deliver };
        let event = LambdaEvent::new(deliver, context(&self.app));
        if let Err(error) = webhook_delivery::handle(&self.app, &self.outside, event).await {
            tracing::error!(error = %ErrorChain(&error), "the schedule of webhooks failed");
        }
    }

    /// Hands the jobs that wait to the function; how many there were.
    pub async fn step(&self) -> usize {
        let jobs = self.receive(0).await;
        let count = jobs.len();
        self.invoke(jobs).await;
        count
    }

    /// Waits up to `seconds` for jobs.
    async fn receive(&self, seconds: i32) -> Vec<Message> {
        let receive = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(self.batch_size())
            .wait_time_seconds(seconds)
            .message_system_attribute_names(MessageSystemAttributeName::All);
        match receive.send().await {
            Ok(received) => received.messages.unwrap_or_default(),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "the queue can't be read");
                tokio::time::sleep(RECEIVE_PAUSE).await;
                Vec::new()
            }
        }
    }

    /// One invocation with a batch of jobs. A function that panics or overstays is one that never answered: its jobs
    /// come again.
    async fn invoke(&self, messages: Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(record).collect();
        let (handler, app, outside) = (self.handler, self.app.clone(), self.outside.clone());
        // Aborted when it overstays, and when nobody waits for it any more.
        let mut run = JoinSet::new();
        run.spawn(async move { handler.handle(&app, &outside, event).await });
        let failed: Vec<String> = match tokio::time::timeout(FUNCTION_TIMEOUT, run.join_next()).await {
            Ok(Some(Ok(Some(WorkerOutput::Jobs(response))))) => {
                response.batch_item_failures.into_iter().map(|f| f.item_identifier).collect()
            }
            ended => {
                tracing::error!(in_time = ended.is_ok(), "the function did not answer");
                return;
            }
        };
        let done = messages.into_iter().filter(|m| !failed.iter().any(|id| Some(id.as_str()) == m.message_id()));
        let entries = done.enumerate().filter_map(|(i, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(i.to_string());
            entry.set_receipt_handle(message.receipt_handle).build().ok()
        });
        let entries: Vec<_> = entries.collect();
        if entries.is_empty() {
            return;
        }
        let delete = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        if let Err(error) = delete.send().await {
            tracing::warn!(
                error = %ErrorChain(&error),
                "finished jobs could not be deleted; they come again"
            );
        }
    }
}

/// A job as Lambda hands it on. Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn record(message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = message.message_id.clone();
    record.receipt_handle = message.receipt_handle.clone();
    record.body = message.body.clone();
    record.attributes =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    record.event_source = Some("aws:sqs".to_owned());
    record.aws_region = Some(aws::Cloud::REGION.to_owned());
    record
}

fn context(app: &App) -> Context {
    let mut context = Context::default();
    context.request_id = app.random.uuid().to_string();
    let deadline = app.clock.now() + FUNCTION_TIMEOUT;
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap_or_default();
    context.env_config = Arc::default();
    context
}

/// The secrets that the template makes: drawn once, and kept from then on.
async fn seed(app: &App, settings: &Settings) -> Result<(), SecretError> {
    let ring = serde_json::json!({ "current": "k1", "k1": app.random.token() }).to_string();
    app.secrets.seed(secrets::KEYRING, &ring.into()).await?;
    app.secrets.seed(secrets::NOTIFICATION_KEY, &app.random.token().into()).await?;
    app.secrets.seed(secrets::CONSOLE_KEY, &app.random.token().into()).await?;
    app.secrets.seed(secrets::EVIDENCE_KEY, &app.random.token().into()).await?;
    match &settings.operator_key {
        Some(key) => app.secrets.write(secrets::OPERATOR_KEY, key).await?,
        None => app.secrets.seed(secrets::OPERATOR_KEY, &app.random.token().into()).await?,
    }
    if let Some(client_secret) = &settings.app_client_secret {
        app.secrets.write(secrets::APP_CLIENT_SECRET, client_secret).await?;
    }
    Ok(())
}
