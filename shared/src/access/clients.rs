//! The wired clients that the domain works with: what `access` and `health` take in place of the whole
//! [`App`](crate::app::App).

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::{
    access::{
        connector::Connector,
        entra::Entra,
        token::{ConnectorTokens, Tokens},
    },
    aws::{identity::Identity, queue::DeliveryQueue, secrets::Secrets, table::Table},
    base::{clock::Clock, config::Config, random::Random},
    firm::feed::Feed,
    graph::{Graph, TokenSource},
};

/// State, facts, secrets and tokens, and the way to Graph.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The environment.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// State.
    pub table: Table,
    /// Facts.
    pub feed: Feed,
    /// Secrets.
    pub secrets: Arc<Secrets>,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    http: reqwest::Client,
}

impl Clients {
    /// Over AWS as `aws` reaches it, with the given time and randomness.
    pub fn new(config: Config, aws: &SdkConfig, http: reqwest::Client, clock: Clock, random: Random) -> Self {
        let table = Table::new(aws_sdk_dynamodb::Client::new(aws), config.table.clone(), clock.clone(), random.clone());
        let secrets = Arc::new(Secrets::new(aws_sdk_secretsmanager::Client::new(aws), clock.clone(), random.clone()));
        let identity = Identity::new(aws_sdk_sts::Client::new(aws));
        let microsoft = config.microsoft.clone();
        let entra = Entra::new(http.clone(), microsoft, &config.public_url, identity, clock.clone(), random.clone());
        let tokens = Tokens::new(
            table.clone(),
            secrets.clone(),
            entra,
            config.app_client_id.clone(),
            clock.clone(),
            random.clone(),
        );
        let sqs = aws_sdk_sqs::Client::new(aws);
        let deliveries = DeliveryQueue::new(sqs, config.delivery_queue_url.clone(), random.clone());
        let bus = (aws_sdk_eventbridge::Client::new(aws), config.event_bus.clone());
        let feed = Feed::new(table.clone(), bus, deliveries, clock.clone(), random.clone());
        Self { config, clock, random, table, feed, secrets, tokens: Arc::new(tokens), http }
    }

    /// Graph as `connector` may ask it about one mailbox: its own gate of four requests at a time.
    pub fn graph(&self, connector: &Connector) -> Graph {
        self.graph_with(ConnectorTokens::new(self.tokens.clone(), connector.clone()))
    }

    /// Graph with this token.
    pub fn graph_with(&self, tokens: impl TokenSource + 'static) -> Graph {
        let origin = self.config.microsoft.graph.clone();
        Graph::new(self.http.clone(), origin, tokens, self.clock.clone(), self.random.clone())
    }
}
