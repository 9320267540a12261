//! The wired clients that a handler receives, built once per cold start.

use std::ops::Deref;

use aws_config::{BehaviorVersion, SdkConfig, environment::EnvironmentVariableCredentialsProvider};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use crate::{
    access::clients::Clients,
    aws::{
        link::Links,
        queue::{MailQueue, PushQueue},
    },
    base::{
        clock::Clock,
        config::{Aws, Config, ConfigError},
        http::{HttpClientError, http_client_builder},
        random::Random,
        recent::Recent,
    },
    evidence::{
        appender::Appender,
        authority::StampAuthority,
        bucket::ArchiveBucket,
        erasure::{Eraser, REMOVED_MAX},
        log_store::LogStore,
        proof_package::Packer,
    },
    mail::{archive::Archive, retention_keeper::Keeper, rules::RecentPeople},
    push::proposal::Proposer,
    search::{indexer::Indexer, store::IndexStore},
};

/// Everything that a handler works with.
#[derive(Debug, Clone)]
pub struct App {
    /// What the domain works with.
    pub clients: Clients,
    /// Originals.
    pub archive: Archive,
    /// The logs that prove them.
    pub logs: LogStore,
    /// Who stamps the logs, if the operator named somebody.
    pub stamps: Option<StampAuthority>,
    /// The indexes of their words.
    pub indexes: IndexStore,
    /// Jobs that name mailboxes.
    pub queue: MailQueue,
    /// Jobs that name mailboxes, about older mail.
    pub older_queue: MailQueue,
    /// Jobs that name members.
    pub push_queue: PushQueue,
    /// Who of a firm is internal.
    pub people: RecentPeople,
    /// What the dossiers of a firm's mails are proposed by.
    pub proposers: Recent<Proposer>,
}

impl Deref for App {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

/// A function that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is missing or malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
}

impl App {
    /// What brings logs up to their feeds.
    pub fn appender(&self) -> Appender<'_> {
        Appender { store: &self.logs, feed: &self.feed, secrets: &self.secrets }
    }

    /// What makes proofs that leave the house.
    pub fn packer(&self) -> Packer<'_> {
        Packer { table: &self.table, feed: &self.feed, logs: &self.logs, archive: &self.archive }
    }

    /// What erases. Of the functions of a deployment only `erasure` has the rights that it needs.
    pub fn eraser(&self) -> Eraser<'_> {
        let (table, appender, indexer) = (&self.table, self.appender(), self.indexer());
        Eraser { table, appender, indexer, page: REMOVED_MAX, clock: &self.clock }
    }

    /// What keeps originals longer where that is asked for.
    pub fn keeper(&self) -> Keeper<'_> {
        let (table, feed, archive, clock) = (&self.table, &self.feed, &self.archive, &self.clock);
        Keeper { table, feed, archive, clock, has_lock: self.config.lock_days.is_some() }
    }

    /// What brings indexes up to their feeds.
    pub fn indexer(&self) -> Indexer<'_> {
        Indexer { store: &self.indexes, archive: &self.archive, feed: &self.feed, random: &self.random }
    }

    /// As on Lambda: the environment names everything, AWS answers.
    ///
    /// Credentials and region of a function are in its environment and nowhere else, so none of the other places is
    /// looked at in which the SDK can find them: files, other accounts' roles, the network. That is 4 % of a function's
    /// size.
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
    ///
    /// Errors: a setting is missing or wrong, or no client can be made with it.
    pub fn connect() -> Result<Self, StartError> {
        let (config, place) = (Config::from_env()?, Aws::from_env()?);
        let http = http_client_builder(config.ca_bundle.as_deref())?.build().map_err(HttpClientError::from)?;
        let mut aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
            .http_client(crate::aws::sdk_http::over(http.clone()))
            .region(place.region);
        aws.set_endpoint_url(place.endpoint_url);
        aws.set_app_name(place.app_name);
        Ok(Self::new(config, &aws.build(), http, Clock::system(), Random::system()))
    }

    /// Over AWS as `aws` reaches it, with the given time and randomness.
    pub fn new(config: Config, aws: &SdkConfig, http: reqwest::Client, clock: Clock, random: Random) -> Self {
        // Another endpoint than AWS's own has no name for each bucket.
        let s3 = aws_sdk_s3::config::Builder::from(aws).force_path_style(aws.endpoint_url().is_some()).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let links = Links::new(aws.clone(), config.bucket.clone());
        let stamps = config.timestamp_url.clone();
        let stamps = stamps.map(|url| StampAuthority::new(http.clone(), url, config.timestamp_pause, random.clone()));
        let index_links = Links::new(aws.clone(), config.index_bucket.clone());
        let indexes = IndexStore::new(s3.clone(), index_links, config.index_bucket.clone());
        Self {
            stamps,
            indexes,
            logs: LogStore { bucket: ArchiveBucket::new(s3.clone(), links.clone(), config.bucket.clone()) },
            archive: Archive::new(s3, links, config.bucket.clone(), config.spool_dir.clone()),
            queue: MailQueue::new(aws_sdk_sqs::Client::new(aws), config.mail_queue_url.clone(), random.clone()),
            older_queue: MailQueue::new(aws_sdk_sqs::Client::new(aws), config.older_queue_url.clone(), random.clone()),
            push_queue: PushQueue::new(aws_sdk_sqs::Client::new(aws), config.push_queue_url.clone(), random.clone()),
            people: RecentPeople::default(),
            proposers: Recent::default(),
            clients: Clients::new(config, aws, http, clock, random),
        }
    }
}
