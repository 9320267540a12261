//! What was posted to a webhook lately, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{FirmId, WebhookId},
    firm::fact::EventType,
    webhook::webhook_url::WebhookUrl,
};

/// For how long a delivery is remembered.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// One try to post one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When it was posted.
    pub at: Timestamp,
    /// The address that it was posted to; none for those of older versions.
    #[serde(default)]
    pub url: Option<WebhookUrl>,
    /// The id of the event, which is the header `webhook-id`.
    pub event: String,
    /// Its type; none for a test.
    #[serde(default)]
    pub event_type: Option<EventType>,
    /// The firm that it is about; none for a test.
    #[serde(default)]
    pub firm: Option<FirmId>,
    /// Its number in the firm's feed; none for a test.
    #[serde(default)]
    pub number: Option<u64>,
    /// Which try of this event it was.
    pub attempt: u32,
    /// The status that the address answered with, if it answered.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why there is no answer.
    #[serde(default)]
    pub failure: Option<DeliveryFailure>,
    /// How long it took.
    pub duration_ms: u64,
    /// The beginning of the answer.
    #[serde(default)]
    pub answer: String,
    expires_at: i64,
}

/// Why an address did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFailure {
    /// Its host has no public address.
    AddressNotPublic,
    /// No answer in ten seconds.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
}

/// What came of one post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) status: Option<u16>,
    pub(super) failure: Option<DeliveryFailure>,
    pub(super) duration_ms: u64,
    pub(super) answer: String,
    /// How long the address asks to wait.
    pub(super) retry_after: Option<Duration>,
}

impl Posted {
    /// Whether the address took it.
    pub(super) fn is_taken(&self) -> bool {
        self.status.is_some_and(is_success)
    }

    /// Whether there is no such address any more (410 Gone).
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

impl Delivery {
    /// A try to post `event` to `url`, of which `about` names firm, number and type, and what came of it.
    pub(super) fn of(
        (url, event): (&WebhookUrl, String),
        about: Option<(FirmId, u64, EventType)>,
        attempt: u32,
        at: Timestamp,
        posted: &Posted,
    ) -> Self {
        let Posted { status, failure, duration_ms, answer, .. } = posted.clone();
        Self {
            at,
            url: Some(url.clone()),
            event,
            event_type: about.map(|(_, _, event_type)| event_type),
            firm: about.map(|(firm, ..)| firm),
            number: about.map(|(_, number, _)| number),
            attempt,
            status,
            failure,
            duration_ms,
            answer,
            expires_at: (at + KEPT).as_second(),
        }
    }

    /// Remembers it.
    ///
    /// Errors: the table refuses or does not answer.
    pub(super) async fn keep(&self, table: &Table, firm: Option<FirmId>, id: WebhookId) -> Result<(), TableError> {
        table.write(Write::overwrite(Key::delivery(firm, id, self.at, &self.event), self)).await
    }

    /// Whether the address took it.
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(is_success)
    }

    /// What was posted to a webhook, the newest first, or `upwards` the oldest: at most `limit` behind the place of
    /// `edge`.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn list(
        table: &Table,
        (firm, id): (Option<FirmId>, WebhookId),
        (edge, upwards): (Option<Key>, bool),
        limit: usize,
    ) -> Result<Vec<Row<Self>>, TableError> {
        let prefix = Key::delivery_prefix(firm, id);
        match upwards {
            true => Ok(table.query(&prefix, edge.as_ref(), limit).await?.rows),
            false => table.newest(&edge.unwrap_or(prefix), limit).await,
        }
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}
