//! Posting: the next events of one address, in order, until it has all or does not take one.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::json;

use crate::{
    aws::{
        queue::{DeliveryJob, DeliveryRequest},
        secrets::{SecretError, Secrets},
        table::{Row, Table, TableError, Write},
        worker::{Deadline, Interrupted, RoundOutcome},
    },
    base::{
        clock::Clock,
        http::{HttpClientError, http_client_builder, retry_after},
        id::FirmId,
        metric::{Counter, Tally},
        random::Random,
    },
    firm::{
        fact::{EventType, Fact, FactEvent},
        feed::{Feed, FeedError},
        joint_feed::FirmEvent,
    },
    problem::Code,
    webhook::{
        Webhook, WebhookProblem, WebhookState,
        delivery::{Delivery, DeliveryFailure, Posted},
        delivery_progress::{DeliveryProgress, DeliveryTrouble},
        feed_place::FeedPlace,
        sign::{WebhookSecret, WebhookSecretError, signatures},
        webhook_url::{NotPublic, PublicResolver},
    },
};

/// How long an address may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// So much of an answer is read at least, and kept; then the connection is closed.
const ANSWER_BYTES_MAX: usize = 500;
/// Events that are read at a time.
const EVENTS_PAGE: usize = 20;
/// The type of the event that tries an address.
const TEST: &str = "test";

/// What posts to the outside: to public addresses only, without redirects and proxies.
#[derive(Debug, Clone)]
pub struct OutboundClient(Client);

impl OutboundClient {
    /// Trusts the public authorities, and those of a PEM file.
    ///
    /// Errors: the TLS roots or the client is not valid.
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self, HttpClientError> {
        let client = http_client_builder(ca_bundle)?.dns_resolver(PublicResolver).no_proxy().timeout(ANSWER_TIME);
        Ok(Self(client.build()?))
    }

    async fn post(&self, clock: &Clock, webhook: &Webhook, message: SignedMessage) -> Posted {
        let began = clock.now();
        let request = self
            .0
            .post(webhook.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.at.as_second())
            .header("webhook-signature", message.signatures)
            .body(message.body);
        let mut posted = match request.send().await {
            Ok(response) => {
                let status = Some(response.status().as_u16());
                let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = retry_after(asked, clock.now());
                match beginning(response).await {
                    Ok(answer) => Posted { status, answer, retry_after, ..Posted::default() },
                    // What came of it is known: the rest says nothing more.
                    Err(_) => Posted { status, retry_after, ..Posted::default() },
                }
            }
            Err(error) => Posted { failure: Some(failure(&error)), ..Posted::default() },
        };
        let took = clock.now().duration_since(began);
        posted.duration_ms = u64::try_from(took.as_millis()).unwrap_or_default();
        posted
    }
}

/// The beginning of an answer, as text.
async fn beginning(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Some(chunk) = response.chunk().await?
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX)]);
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

fn failure(error: &reqwest::Error) -> DeliveryFailure {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return DeliveryFailure::AddressNotPublic;
        }
        source = cause.source();
    }
    if error.is_timeout() { DeliveryFailure::TimedOut } else { DeliveryFailure::Unreachable }
}

/// What is posted.
struct SignedMessage {
    id: String,
    at: Timestamp,
    body: String,
    signatures: String,
}

/// Events that could not be posted, because something of greffe itself fails.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The feed or the table.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The key ring.
    #[error(transparent)]
    Keyring(#[from] SecretError),
    /// What the key ring opened is no secret of a webhook.
    #[error(transparent)]
    Secret(#[from] WebhookSecretError),
}

impl From<TableError> for DeliverError {
    fn from(error: TableError) -> Self {
        Self::Feed(error.into())
    }
}

impl Interrupted for DeliverError {
    fn wait(&self) -> Option<Duration> {
        None
    }
}

/// What posting works with.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// State.
    pub table: &'a Table,
    /// The feed.
    pub feed: &'a Feed,
    /// The key ring.
    pub secrets: &'a Secrets,
    /// The time.
    pub clock: &'a Clock,
    /// Randomness.
    pub random: &'a Random,
    /// The way out.
    pub outside: &'a OutboundClient,
}

/// One address, while it is posted to.
struct DeliveryRound<'a> {
    sender: Sender<'a>,
    webhook: Row<Webhook>,
    secrets: Vec<WebhookSecret>,
}

impl Sender<'_> {
    /// Posts what a job asks for by itself, then all that is new, until the address has it or does not take one.
    ///
    /// Errors: the table, the feed or the key ring; what the address answers is none.
    pub async fn deliver(self, job: &DeliveryJob, deadline: &Deadline) -> Result<RoundOutcome, DeliverError> {
        // Read before the webhook: what comes of another address than the one that it has then is not kept.
        let progress = DeliveryProgress::find(self.table, job.firm, job.webhook).await?;
        let Some(webhook) = Webhook::find(self.table, job.firm, job.webhook).await? else {
            return Ok(RoundOutcome::Finished);
        };
        let secrets = webhook.value.secrets(self.secrets, self.clock.now()).await?;
        let mut round = DeliveryRound { sender: self, webhook, secrets };
        for request in &job.requests {
            round.carry_out(request).await?;
        }
        let Some(progress) = progress else { return Ok(RoundOutcome::Finished) };
        match round.catch_up(progress, deadline).await {
            // The webhook was changed meanwhile: what is behind its place is posted as it is now.
            Err(DeliverError::Feed(FeedError::Table(TableError::Conflict { .. }))) => Ok(RoundOutcome::OutOfTime),
            ended => ended,
        }
    }
}

impl DeliveryRound<'_> {
    /// Posts one event that was asked for, whatever else waits.
    async fn carry_out(&self, request: &DeliveryRequest) -> Result<(), DeliverError> {
        let Sender { table, feed, clock, random, .. } = self.sender;
        match request {
            DeliveryRequest::Test => {
                let (id, at) = (format!("test-{}", random.uuid()), clock.now());
                let body = json!({ "type": TEST, "timestamp": at, "data": { "webhook": self.webhook.value.id } });
                self.post(id, None, 1, body.to_string()).await?;
            }
            DeliveryRequest::Again { firm, number } => {
                let place = FeedPlace::Firm(number.saturating_sub(1));
                let (events, _) = place.read((table, feed), Some(*firm), 1, clock.now()).await?;
                for (event, _) in events.iter().filter(|(event, _)| event.event.number == *number) {
                    self.send(event, 1).await?;
                }
            }
        }
        Ok(())
    }

    /// Posts what is behind its place.
    async fn catch_up(
        &mut self,
        mut progress: Row<DeliveryProgress>,
        deadline: &Deadline,
    ) -> Result<RoundOutcome, DeliverError> {
        let Sender { table, feed, clock, .. } = self.sender;
        let firm = self.webhook.value.firm;
        let rests = |progress: &DeliveryProgress| {
            progress.failing.as_ref().is_some_and(|trouble| trouble.next_try > clock.now())
        };
        if self.webhook.value.state == WebhookState::Paused || rests(&progress.value) {
            return Ok(RoundOutcome::Finished);
        }
        loop {
            let began = progress.value.clone();
            let (events, reached) = began.place.read((table, feed), firm, EVENTS_PAGE, clock.now()).await?;
            let is_end = events.is_empty();
            let (mut place, mut stop) = (began.place, None);
            for (event, behind) in events {
                if self.webhook.value.gets(event.event.fact.what.event_type()) {
                    if deadline.is_near() {
                        stop = Some(DeliveryStop::OutOfTime);
                        break;
                    }
                    let before = began.failing.as_ref().filter(|_| place == began.place);
                    let posted = self.send(&event, before.map_or(0, |trouble| trouble.tries) + 1).await?;
                    if !posted.is_taken() {
                        stop = Some(DeliveryStop::NotTaken(posted));
                        break;
                    }
                }
                place = behind;
            }
            let now_at = DeliveryProgress::at(if stop.is_none() { reached } else { place });
            if let Some(DeliveryStop::NotTaken(posted)) = stop {
                self.note_failure(progress, place, &posted).await?;
                return Ok(RoundOutcome::Finished);
            }
            if now_at != began {
                progress.value = now_at;
                table.write(Write::replace(&progress)).await?;
                progress.written();
            }
            if stop.is_some() {
                return Ok(RoundOutcome::OutOfTime);
            }
            if is_end {
                return Ok(RoundOutcome::Finished);
            }
        }
    }

    /// Plans the next try of an event that was not accepted, or pauses the webhook: at once after a 410, otherwise
    /// after a day. The pause is reported to the owner.
    async fn note_failure(
        &mut self,
        progress: Row<DeliveryProgress>,
        place: FeedPlace,
        posted: &Posted,
    ) -> Result<(), DeliverError> {
        let Sender { table, feed, clock, .. } = self.sender;
        let (now, before) = (clock.now(), progress.value.failing.as_ref().filter(|_| place == progress.value.place));
        let trouble = DeliveryTrouble::after(before, posted.retry_after, now);
        let code = match posted.is_gone() {
            true => Code::WebhookGone,
            false if trouble.is_hopeless(now) => Code::WebhookFailing,
            false => {
                let failing = progress.with(DeliveryProgress::failing(place, trouble));
                return Ok(table.write(Write::replace(&failing)).await?);
            }
        };
        let (firm, webhook) = (self.webhook.value.firm, self.webhook.value.id);
        tracing::warn!(webhook.id = %webhook, problem.code = %code.name(), "a webhook is paused");
        self.webhook.value.state = WebhookState::Paused;
        self.webhook.value.problem = Some(WebhookProblem { code, since: now });
        let progress = progress.with(DeliveryProgress::at(place));
        let writes = vec![Write::replace(&self.webhook), Write::replace(&progress)];
        match firm {
            Some(firm) => {
                let id = format!("{webhook}-paused-{}", now.as_millisecond());
                let what = FactEvent::WebhookPaused { webhook, code };
                feed.tell_with(firm, writes, Fact { id, at: now, what }).await?;
            }
            None => {
                table.transact(writes).await?;
                Tally::one(Counter::PeopleNeeded).publish(now);
            }
        }
        Ok(())
    }

    /// Posts an event, for the `attempt`th time.
    async fn send(&self, FirmEvent { firm, event }: &FirmEvent, attempt: u32) -> Result<Posted, DeliverError> {
        let event_type = event.fact.what.event_type();
        let data = json!({ "firm": firm, "event": event });
        let body = json!({ "type": event_type, "timestamp": event.fact.at, "data": data });
        self.post(event.fact.id.clone(), Some((*firm, event.number, event_type)), attempt, body.to_string()).await
    }

    /// Posts a message, and remembers what came of it.
    async fn post(
        &self,
        id: String,
        about: Option<(FirmId, u64, EventType)>,
        attempt: u32,
        body: String,
    ) -> Result<Posted, DeliverError> {
        let (Sender { table, clock, outside, .. }, webhook) = (self.sender, &self.webhook.value);
        let at = clock.now();
        let signatures = signatures(&self.secrets, &id, at, &body)?;
        let posted = outside.post(clock, webhook, SignedMessage { id: id.clone(), at, body, signatures }).await;
        let taken = posted.is_taken();
        tracing::info!(status = posted.status, failure = ?posted.failure, attempt, taken, "an event was posted");
        Delivery::of((&webhook.url, id), about, attempt, at, &posted).keep(table, webhook.firm, webhook.id).await?;
        Ok(posted)
    }
}

/// Why an address gets no more for now.
enum DeliveryStop {
    /// The function has to end.
    OutOfTime,
    /// It did not take an event.
    NotTaken(Posted),
}
