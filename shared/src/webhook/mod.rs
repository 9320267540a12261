//! Webhooks: addresses of the business application to which greffe posts each event, signed by Standard Webhooks 1.0;
//! uses `base`, `aws`, `problem` and `firm`.
//!
//! An address has a place in a feed: of its firm, or of all firms for an address of the operator's. What lies behind
//! the place is posted in order, and the place moves on with each success. So an announcement is only a hint, and
//! nothing is lost with one.

pub mod deliver;
pub mod delivery;
pub mod delivery_progress;
pub mod feed_place;
pub mod missed;
pub mod sign;
pub mod webhook_url;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::{
        secrets::{Sealed, SecretError, Secrets},
        table::{Key, Row, Table, TableError, Write},
    },
    base::{
        id::{ExternalId, FirmId, WebhookId},
        random::Random,
    },
    firm::{
        external_id::ExternalIdOwner,
        fact::EventType,
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
    problem::Code,
    webhook::{
        delivery_progress::DeliveryProgress, feed_place::FeedPlace, sign::WebhookSecret, webhook_url::WebhookUrl,
    },
};

/// Most webhooks of one firm, or of the operator.
pub const WEBHOOKS_MAX: usize = 10;
/// Most secrets of a webhook that sign at a time.
pub const SECRETS_MAX: usize = 5;
/// Events that are read at a time to find one that a webhook gets, and how often.
const EVENTS_OF_A_LOOK: usize = 100;
/// See [`EVENTS_OF_A_LOOK`].
const LOOKS_MAX: usize = 10;
/// How long a replaced secret still signs beside the new one.
pub const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// An address that events are posted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it gets; none for those of all firms.
    pub firm: Option<FirmId>,
    /// The address.
    pub url: WebhookUrl,
    /// The types of events that it gets; empty for all.
    #[serde(default)]
    pub types: BTreeSet<EventType>,
    /// Whether events are posted.
    pub state: WebhookState,
    /// Why greffe paused it, if it did.
    #[serde(default)]
    pub problem: Option<WebhookProblem>,
    secret: Sealed,
    /// The one before it.
    #[serde(default)]
    previous: Option<PreviousSecret>,
    /// Those before that one, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<PreviousSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What the business application calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}

/// Whether events are posted to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Events are posted.
    Active,
    /// Events wait in the feed.
    Paused,
}

/// Why greffe paused a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookProblem {
    /// The code of the problem in the catalogue.
    pub code: Code,
    /// Since when.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PreviousSecret {
    secret: Sealed,
    until: Timestamp,
}

/// What came of a change of a webhook, or of its deletion.
#[derive(Debug)]
pub enum ChangedWebhook {
    /// It is as shown; or it was, and is deleted.
    Changed(Box<Webhook>),
    /// It may not be changed as it is, and stays as shown.
    Refused(Box<Webhook>),
    /// There is none.
    Missing,
}

/// How many webhooks a firm, or the operator, ever made: what two that are made at the same time conflict on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct WebhookCount {
    made: u64,
}

impl WebhookCount {
    async fn one_more(table: &Table, firm: Option<FirmId>) -> Result<Write, TableError> {
        let key = Key::webhook_count(firm);
        Ok(match table.get::<Self>(&key).await? {
            Some(mut row) => {
                row.value.made = row.value.made.saturating_add(1);
                Write::replace(&row)
            }
            None => Write::insert(key, &Self { made: 1 }),
        })
    }
}

/// A webhook that could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There are [`WEBHOOKS_MAX`].
    #[error("there are at most {WEBHOOKS_MAX} webhooks")]
    TooMany,
    /// [`SECRETS_MAX`] secrets sign.
    #[error("at most {SECRETS_MAX} secrets sign at a time, and one of them ends at {until}")]
    TooManySecrets {
        /// Until when the oldest one signs.
        until: Timestamp,
        /// How long that is from now.
        wait: Duration,
    },
    /// The table or the feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The key ring.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl From<TableError> for WebhookError {
    fn from(error: TableError) -> Self {
        Self::Feed(error.into())
    }
}

impl Webhook {
    /// Makes and stores a webhook that gets what comes after `place`. Its secret is shown this once.
    ///
    /// Errors: there are [`WEBHOOKS_MAX`]; `Conflict` if another has this external id; the table, or the key ring.
    pub async fn create(
        (table, secrets, random): (&Table, &Secrets, &Random),
        (firm, place): (Option<FirmId>, FeedPlace),
        (url, types, external_id): (WebhookUrl, BTreeSet<EventType>, Option<ExternalId>),
        now: Timestamp,
    ) -> Result<(Self, WebhookSecret), WebhookError> {
        let (id, secret) = (WebhookId::draw(random), WebhookSecret::draw(random));
        let sealed = secrets.seal(&owner(id), secret.expose()).await?;
        let state = WebhookState::Active;
        let webhook = Self {
            id,
            firm,
            url,
            types,
            state,
            problem: None,
            secret: sealed,
            previous: None,
            earlier: Vec::new(),
            created_at: now,
            external_id,
        };
        let external_id = webhook.external_id.as_ref();
        let progress = DeliveryProgress::at(place);
        let mut tries = table.tries();
        loop {
            // Of two webhooks that are made at the same time one conflicts here, and is counted again.
            let counted = WebhookCount::one_more(table, firm).await?;
            if Self::list(table, firm).await?.len() >= WEBHOOKS_MAX {
                return Err(WebhookError::TooMany);
            }
            let writes = [
                counted,
                Write::insert(Key::webhook(firm, id), &webhook),
                Write::insert(Key::webhook_progress(firm, id), &progress),
            ];
            let named = ExternalIdOwner::Webhook.give(firm, external_id, id);
            match table.transact(writes.into_iter().chain(named).collect()).await {
                Err(error)
                    if !ExternalIdOwner::Webhook.is_taken(firm, external_id, &error) && tries.again(&error).await => {}
                made => {
                    made?;
                    return Ok((webhook, secret));
                }
            }
        }
    }

    /// The firm's webhooks, or the operator's.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn list(table: &Table, firm: Option<FirmId>) -> Result<Vec<Self>, TableError> {
        let rows = table.query_all(&Key::webhook_prefix(firm)).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// The webhook, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: Option<FirmId>, id: WebhookId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::webhook(firm, id)).await
    }

    /// Changes a webhook, unless `change` says false of it. One that is active is tried at once, and what came of a try
    /// that was under way is forgotten. Of one that greffe had paused, the feed says that it goes on.
    ///
    /// Errors: `Conflict` if another has its external id; the table refuses or does not answer.
    pub async fn change(
        (feed, now): (&Feed, Timestamp),
        (firm, id): (Option<FirmId>, WebhookId),
        change: impl Fn(&mut Self) -> bool + Send + Sync,
    ) -> Result<ChangedWebhook, FeedError> {
        let table = feed.table();
        let mut tries = table.tries();
        loop {
            let Some(mut row) = Self::find(table, firm, id).await? else { return Ok(ChangedWebhook::Missing) };
            let before = row.value.clone();
            if !change(&mut row.value) {
                return Ok(ChangedWebhook::Refused(before.into()));
            }
            let mut writes = Vec::new();
            if row.value.state == WebhookState::Active {
                row.value.problem = None;
                let progress = DeliveryProgress::find(table, firm, id).await?;
                writes.extend(progress.map(|row| {
                    let rested = DeliveryProgress::at(row.value.place);
                    Write::replace(&row.with(rested))
                }));
            }
            writes.push(Write::replace(&row));
            let external_ids = (before.external_id.as_ref(), row.value.external_id.as_ref());
            let named = ExternalIdOwner::Webhook.change(firm, external_ids, id);
            let writes = writes.into_iter().chain(named).collect();
            let goes_on = before.problem.is_some() && row.value.state == WebhookState::Active;
            let changed = match firm.filter(|_| goes_on) {
                Some(firm) => {
                    let id_of_fact = format!("{id}-resumed-{}", now.as_millisecond());
                    let fact = Fact { id: id_of_fact, at: now, what: FactEvent::WebhookResumed { webhook: id } };
                    feed.tell_with(firm, writes, fact).await
                }
                None => table.transact(writes).await.map_err(FeedError::from),
            };
            match changed {
                Err(FeedError::Table(error))
                    if !ExternalIdOwner::Webhook.is_taken(firm, external_ids.1, &error)
                        && tries.again(&error).await => {}
                changed => return changed.map(|()| ChangedWebhook::Changed(row.value.into())),
            }
        }
    }

    /// Gives it a new secret, which is shown this once. Those before still sign, each for [`SECRET_OVERLAP`] after it
    /// was replaced. None if there is no such webhook.
    ///
    /// Errors: [`SECRETS_MAX`] sign already; the table, or the key ring.
    pub async fn rotate(
        (feed, secrets, random): (&Feed, &Secrets, &Random),
        (firm, id): (Option<FirmId>, WebhookId),
        now: Timestamp,
    ) -> Result<Option<(Self, WebhookSecret)>, WebhookError> {
        let secret = WebhookSecret::draw(random);
        let sealed = secrets.seal(&owner(id), secret.expose()).await?;
        match Self::change((feed, now), (firm, id), |webhook| webhook.sign_with(sealed.clone(), now)).await? {
            ChangedWebhook::Changed(webhook) => Ok(Some((*webhook, secret))),
            ChangedWebhook::Refused(webhook) => {
                let until = webhook.replaced(now).last().map_or(now, |oldest| oldest.until);
                let wait = until.duration_since(now).unsigned_abs();
                Err(WebhookError::TooManySecrets { until, wait })
            }
            ChangedWebhook::Missing => Ok(None),
        }
    }

    /// Signs with `secret`, and for a while with those before; false if they would be too many.
    fn sign_with(&mut self, secret: Sealed, now: Timestamp) -> bool {
        let replaced: Vec<PreviousSecret> = self.replaced(now).cloned().collect();
        let fits = replaced.len() + 2 <= SECRETS_MAX;
        if fits {
            let before = std::mem::replace(&mut self.secret, secret);
            self.previous = Some(PreviousSecret { secret: before, until: now + SECRET_OVERLAP });
            self.earlier = replaced;
        }
        fits
    }

    /// Removes a webhook that `may` be; what was posted is forgotten after a while.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn delete(
        table: &Table,
        (firm, id): (Option<FirmId>, WebhookId),
        may: impl Fn(&Self) -> bool + Send + Sync,
    ) -> Result<ChangedWebhook, TableError> {
        let mut tries = table.tries();
        loop {
            let Some(row) = Self::find(table, firm, id).await? else { return Ok(ChangedWebhook::Missing) };
            if !may(&row.value) {
                return Ok(ChangedWebhook::Refused(row.value.into()));
            }
            let writes = [Write::remove(&row), Write::discard(Key::webhook_progress(firm, id))];
            let named = ExternalIdOwner::Webhook.release(firm, row.value.external_id.as_ref());
            match table.transact(writes.into_iter().chain(named).collect()).await {
                Err(error) if tries.again(&error).await => {}
                deleted => return deleted.map(|()| ChangedWebhook::Changed(row.value.into())),
            }
        }
    }

    /// The secrets before the present one that still sign at `now`, the newest first.
    fn replaced(&self, now: Timestamp) -> impl Iterator<Item = &PreviousSecret> {
        self.previous.iter().chain(&self.earlier).filter(move |replaced| replaced.until > now)
    }

    /// Until when the secret before the present one signs, if it still does at `now`.
    pub fn previous_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.replaced(now).next().map(|previous| previous.until)
    }

    /// The secrets that sign at `now`, the present one first.
    ///
    /// Errors: the key ring does not open them.
    pub async fn secrets(&self, secrets: &Secrets, now: Timestamp) -> Result<Vec<WebhookSecret>, SecretError> {
        let mut opened = Vec::new();
        for sealed in [&self.secret].into_iter().chain(self.replaced(now).map(|replaced| &replaced.secret)) {
            let text: SecretString = secrets.open(&owner(self.id), sealed).await?;
            opened.push(WebhookSecret::from_text(text));
        }
        Ok(opened)
    }

    /// Whether the feed has an event after `place` that it gets. Of a long feed only the beginning is looked at, and
    /// the rest may have one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn gets_any_after(
        &self,
        (table, feed): (&Table, &Feed),
        mut place: FeedPlace,
        now: Timestamp,
    ) -> Result<bool, FeedError> {
        for _ in 0..LOOKS_MAX {
            let (events, reached) = place.read((table, feed), self.firm, EVENTS_OF_A_LOOK, now).await?;
            if events.iter().any(|(event, _)| self.gets(event.event.fact.what.event_type())) {
                return Ok(true);
            }
            if events.is_empty() {
                return Ok(false);
            }
            place = reached;
        }
        Ok(true)
    }

    /// Whether it gets events of this type.
    pub fn gets(&self, event_type: EventType) -> bool {
        self.types.is_empty() || self.types.contains(&event_type)
    }
}

/// What its secrets are sealed for.
fn owner(id: WebhookId) -> String {
    format!("webhook {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replaced_secrets_of_a_webhook_are_those_of_one_day_also_of_one_that_an_older_version_wrote() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let signing = |sample: &str, now| crate::aws::table::frozen::<Webhook>(sample).replaced(now).count();
        assert_eq!((signing("webhook", now), signing("webhook-secrets", now)), (1, 2));
        let later: Timestamp = "2026-11-29T23:00:00Z".parse().unwrap();
        assert_eq!((signing("webhook", later), signing("webhook-secrets", later)), (1, 1));
    }

    #[test]
    fn a_count_of_webhooks_that_an_older_version_wrote_is_read() {
        let count: WebhookCount = crate::aws::table::frozen("webhook-count");
        assert_eq!(count.made, 3);
    }
}
