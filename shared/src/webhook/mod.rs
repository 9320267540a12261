//! Webhooks: addresses of the business application to which greffe posts each event, signed by Standard Webhooks 1.0;
//! uses `base`, `aws`, `problem` and `firm`.
//!
//! An address has a place in a feed: of its firm, or of all firms for an address of the operator's. What lies behind
//! the place is posted in order, and the place moves on with each success. So an announcement is only a hint, and
//! nothing is lost with one.

pub mod deliver;
pub mod delivery;
pub mod missed;
pub mod sign;
pub mod webhook_url;

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::{
        secrets::{Sealed, SecretError, Secrets},
        table::{DUE_WEBHOOK, Key, Row, Table, TableError, Write, sortable},
    },
    base::{
        id::{ExternalId, FirmId, WebhookId},
        random::Random,
    },
    firm::{
        external_id::ExternalIdOwner,
        fact::EventType,
        feed::{Feed, FeedError},
        joint_feed::{self, FirmEvent, JointCursor},
    },
    problem::Code,
    webhook::{sign::WebhookSecret, webhook_url::WebhookUrl},
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
    /// that was under way is forgotten.
    ///
    /// Errors: `Conflict` if another has its external id; the table refuses or does not answer.
    pub async fn change(
        table: &Table,
        (firm, id): (Option<FirmId>, WebhookId),
        change: impl Fn(&mut Self) -> bool + Send + Sync,
    ) -> Result<ChangedWebhook, TableError> {
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
            match table.transact(writes.into_iter().chain(named).collect()).await {
                Err(error)
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
        (table, secrets, random): (&Table, &Secrets, &Random),
        (firm, id): (Option<FirmId>, WebhookId),
        now: Timestamp,
    ) -> Result<Option<(Self, WebhookSecret)>, WebhookError> {
        let secret = WebhookSecret::draw(random);
        let sealed = secrets.seal(&owner(id), secret.expose()).await?;
        match Self::change(table, (firm, id), |webhook| webhook.sign_with(sealed.clone(), now)).await? {
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

/// A place in a feed: of one firm, or of all. Written as the feed's own `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedPlace {
    /// After this number of a firm's feed.
    Firm(u64),
    /// After this of the joint feed.
    All(JointCursor),
}

impl fmt::Display for FeedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firm(number) => number.fmt(f),
            Self::All(cursor) => cursor.fmt(f),
        }
    }
}

impl FromStr for FeedPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Firm).or_else(|_| text.parse().map(Self::All))
    }
}

impl FeedPlace {
    /// The end of the feed.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn end((table, feed): (&Table, &Feed), firm: Option<FirmId>, now: Timestamp) -> Result<Self, FeedError> {
        Ok(match firm {
            Some(firm) => Self::Firm(feed.last_number(firm).await?),
            None => Self::All(joint_feed::end_of_feed(table, now).await?),
        })
    }

    /// Whether the feed does not go so far. From such a place on, events would be passed over.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn is_ahead(
        self,
        (table, feed): (&Table, &Feed),
        firm: Option<FirmId>,
        now: Timestamp,
    ) -> Result<bool, FeedError> {
        Ok(match (self, firm) {
            (Self::Firm(number), Some(firm)) => number > feed.last_number(firm).await?,
            (Self::Firm(_), None) => true,
            (Self::All(cursor), _) => {
                joint_feed::end_of_feed(table, now).await?;
                cursor.is_ahead(table).await?
            }
        })
    }

    /// The events after it, at most `limit`, each with the place after it, and the place after all.
    ///
    /// Errors: the table refuses or does not answer.
    async fn read(
        self,
        (table, feed): (&Table, &Feed),
        firm: Option<FirmId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<(FirmEvent, Self)>, Self), FeedError> {
        match (self, firm) {
            (Self::Firm(number), Some(firm)) => {
                let (facts, reached) = feed.facts_after(firm, number, limit, now).await?;
                let events = facts.into_iter().map(|event| {
                    let behind = Self::Firm(event.number);
                    (FirmEvent { firm, event }, behind)
                });
                Ok((events.collect(), Self::Firm(reached)))
            }
            (Self::All(cursor), _) => {
                let (events, reached) = joint_feed::events_after((table, feed), cursor, limit, now).await?;
                let events = events.into_iter().map(|(event, behind)| (event, Self::All(behind)));
                Ok((events.collect(), Self::All(reached)))
            }
            (Self::Firm(_), None) => Ok((Vec::new(), self)),
        }
    }
}

/// How far a webhook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryProgress {
    /// Everything up to here is posted.
    #[serde(with = "as_text")]
    pub place: FeedPlace,
    /// What keeps it from the next event, if something does.
    #[serde(default)]
    pub failing: Option<DeliveryTrouble>,
    #[serde(default)]
    due_kind: Option<String>,
    #[serde(default)]
    due_at: Option<String>,
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::FeedPlace;

    pub(super) fn serialize<S: Serializer>(place: &FeedPlace, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(place)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<FeedPlace, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// That an address does not take the next event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTrouble {
    /// Since when.
    pub since: Timestamp,
    /// How often the event was posted.
    pub tries: u32,
    /// When it is posted again.
    pub next_try: Timestamp,
}

/// The pause after the first failure; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// An address that fails for so long is paused.
pub const FAILING_MAX: Duration = Duration::from_secs(24 * 3600);

impl DeliveryTrouble {
    /// The trouble after one more failure. `asked`: how long the receiver asks to wait.
    fn after(before: Option<&Self>, asked: Option<Duration>, now: Timestamp) -> Self {
        let (since, tries) = before.map_or((now, 0), |before| (before.since, before.tries));
        let pause = PAUSE.saturating_mul(1 << tries.min(10)).max(asked.unwrap_or_default()).min(PAUSE_MAX);
        Self { since, tries: tries + 1, next_try: now + pause }
    }

    /// Whether it has lasted too long.
    fn is_hopeless(&self, now: Timestamp) -> bool {
        self.since + FAILING_MAX <= now
    }
}

impl DeliveryProgress {
    /// At a place, with nothing in the way.
    pub fn at(place: FeedPlace) -> Self {
        Self { place, failing: None, due_kind: None, due_at: None }
    }

    /// At a place where an address fails; due when it is tried again.
    fn failing(place: FeedPlace, trouble: DeliveryTrouble) -> Self {
        let due_at = Some(sortable(trouble.next_try));
        Self { place, failing: Some(trouble), due_kind: Some(DUE_WEBHOOK.to_owned()), due_at }
    }

    /// How far a webhook is, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: Option<FirmId>, id: WebhookId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::webhook_progress(firm, id)).await
    }

    /// Has everything after `place` posted, again or for the first time. False if there is no such webhook.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn send_since(
        table: &Table,
        (firm, id): (Option<FirmId>, WebhookId),
        place: FeedPlace,
    ) -> Result<bool, TableError> {
        let key = Key::webhook_progress(firm, id);
        let moved = table.update(&key, |progress: Option<Self>| progress.map(|_| Self::at(place))).await?;
        Ok(moved.is_some())
    }
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

    #[test]
    fn an_event_that_is_not_taken_is_tried_with_pauses_up_to_an_hour_until_a_day_is_over() {
        let began = Timestamp::UNIX_EPOCH;
        let (mut trouble, mut now, mut pauses) = (None, began, Vec::new());
        loop {
            let next = DeliveryTrouble::after(trouble.as_ref(), None, now);
            if next.is_hopeless(now) {
                break;
            }
            pauses.push(next.next_try.duration_since(now).as_secs());
            now = next.next_try;
            trouble = Some(next);
        }
        assert_eq!(pauses[..8], [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(pauses.len(), 29);
        let asked = DeliveryTrouble::after(None, Some(Duration::from_secs(300)), began);
        assert_eq!(asked.next_try, began + Duration::from_secs(300));
        let long = DeliveryTrouble::after(None, Some(Duration::from_secs(90_000)), began);
        assert_eq!(long.next_try, began + PAUSE_MAX);
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for text in ["0", "41", "7.0"] {
            assert_eq!(text.parse::<FeedPlace>().unwrap().to_string(), text);
        }
        assert!("x".parse::<FeedPlace>().is_err());
    }
}
