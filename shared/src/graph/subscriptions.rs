//! Subscriptions to change notifications.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Call, Graph, GraphUser, segment},
    graph_error::GraphError,
};
use crate::base::id::SubscriptionId;

/// How long a subscription is asked for: a little under the longest that Graph grants for messages (10,080 minutes).
/// Source: <https://learn.microsoft.com/graph/api/resources/subscription>
pub const SUBSCRIPTION_LIFETIME: Duration = Duration::from_secs(10_000 * 60);
/// How many of the mailbox's four places a request takes. A subscription is no resource of Outlook, whose limit they
/// keep, and mail does not wait for its answer. Source: <https://learn.microsoft.com/graph/throttling-limits>
const PLACES: usize = 0;

/// The combinations of changes that are asked for. Graph gives an app one subscription for each combination and
/// mailbox, so a second firm that keeps the same mailbox by the same app gets the second one. A deletion only sets off
/// one more look.
const COMBINATIONS: [&str; 2] = ["created", "created,deleted"];
/// The change that only a tried subscription is for.
const TRIED_CHANGE: &str = "deleted";
/// How long a tried subscription would live if it were forgotten: the least that Graph grants.
const TRIED_LIFETIME: Duration = Duration::from_secs(45 * 60);

/// A subscription as Graph granted it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// When it ends; Graph may grant another time than was asked for.
    #[serde(rename = "expirationDateTime")]
    pub expires_at: Timestamp,
}

impl Subscription {
    /// Refuses a subscription that has ended, and limits its end to `asked`: with a later end it would not be renewed
    /// in time.
    fn lasting(self, now: Timestamp, asked: Timestamp, attempted: &str) -> Result<Self, GraphError> {
        if self.expires_at <= now {
            let source = "the subscription has ended before it began".into();
            return Err(GraphError::Unreadable { attempted: attempted.to_owned(), source });
        }
        Ok(Self { expires_at: self.expires_at.min(asked), ..self })
    }
}

/// A subscription as the list shows it.
struct ListedSubscription {
    id: SubscriptionId,
    resource: String,
    change_type: String,
    notification_url: String,
}

impl ListedSubscription {
    fn read(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            id: text("id").parse().ok()?,
            resource: text("resource"),
            change_type: text("changeType"),
            notification_url: text("notificationUrl"),
        })
    }
}

/// A mailbox's messages, as a subscription names them.
fn resource(user: &GraphUser) -> String {
    format!("{}/messages", user.path().trim_start_matches('/'))
}

impl Graph {
    /// Asks to be told of every message created in, or moved into, any folder of the mailbox. `notification_url` names
    /// the mailbox of one firm: only a subscription that goes there, or that is `held`, is replaced. Another firm's
    /// stays. Graph calls `notification_url` for its handshake before this returns. One that exists already for the
    /// same is replaced.
    /// Source: <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn subscribe(
        &self,
        user: &GraphUser,
        notification_url: &str,
        held: Option<&SubscriptionId>,
        client_state: &str,
        expires_at: Timestamp,
    ) -> Result<Subscription, GraphError> {
        let resource = resource(user);
        let create = |change_type: &str| Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({
                "changeType": change_type,
                "notificationUrl": notification_url,
                "lifecycleNotificationUrl": notification_url,
                "resource": resource,
                "expirationDateTime": expires_at,
                "clientState": client_state,
            })),
            repeatable: false,
            places: PLACES,
            ..self.get("/subscriptions", "subscribe to the mailbox's messages".to_owned())
        };
        let is_ours = |old: &ListedSubscription| old.notification_url == notification_url || held == Some(&old.id);
        let ask = async |change_type: &str| -> Result<Subscription, GraphError> {
            let call = create(change_type);
            let attempted = call.attempted.clone();
            self.json::<Subscription>(call).await?.lasting(self.now(), expires_at, &attempted)
        };
        let mut granted = ask(COMBINATIONS[0]).await;
        if granted.as_ref().is_err_and(is_taken) {
            // Graph's answer was lost, or another function's state was: the old one is worth nothing without its
            // clientState.
            let there = self.subscriptions_of(&resource).await?;
            for old in there.iter().filter(|old| old.change_type != TRIED_CHANGE && is_ours(old)) {
                self.unsubscribe(&old.id).await?;
            }
            for combination in COMBINATIONS {
                granted = ask(combination).await;
                if !granted.as_ref().is_err_and(is_taken) {
                    break;
                }
            }
        }
        granted
    }

    /// Makes a subscription that only shows whether there can be one: Graph calls `notification_url` for its handshake.
    /// It is for deletions, so that it is none of those that [`Graph::subscribe`] makes, and without a genuine
    /// `clientState`, so that its notices set off nothing. The caller ends it; forgotten, it ends by itself
    /// within the hour.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn try_subscription(
        &self,
        user: &GraphUser,
        notification_url: &str,
        now: Timestamp,
    ) -> Result<SubscriptionId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({
                "changeType": TRIED_CHANGE,
                "notificationUrl": notification_url,
                "lifecycleNotificationUrl": notification_url,
                "resource": resource(user),
                "expirationDateTime": now + TRIED_LIFETIME,
                "clientState": "a connection is being validated",
            })),
            repeatable: false,
            ..self.get("/subscriptions", "try to subscribe".to_owned())
        };
        self.json::<Subscription>(call).await.map(|granted| granted.id)
    }

    /// What [`Graph::try_subscription`] left behind for this mailbox.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn tried_subscriptions(&self, user: &GraphUser) -> Result<Vec<SubscriptionId>, GraphError> {
        let there = self.subscriptions_of(&resource(user)).await?;
        Ok(there.into_iter().filter(|s| s.change_type == TRIED_CHANGE).map(|s| s.id).collect())
    }

    /// The app's own subscriptions to `resource`.
    /// Source: <https://learn.microsoft.com/graph/api/subscription-list>
    async fn subscriptions_of(&self, resource: &str) -> Result<Vec<ListedSubscription>, GraphError> {
        let listed = self.list(self.url("/subscriptions"), &[], "list the subscriptions").await?;
        let mut there: Vec<_> = listed.entries.iter().filter_map(ListedSubscription::read).collect();
        there.retain(|held| held.resource.eq_ignore_ascii_case(resource));
        Ok(there)
    }

    /// Moves the end of a subscription; 404 when it is gone already.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn renew(&self, id: &SubscriptionId, expires_at: Timestamp) -> Result<Subscription, GraphError> {
        let call = Call {
            method: Method::PATCH,
            body: Some(json!({ "expirationDateTime": expires_at })),
            places: PLACES,
            ..self.get(&format!("/subscriptions/{}", segment(id.as_str())), format!("renew subscription {id}"))
        };
        let attempted = call.attempted.clone();
        self.json::<Subscription>(call).await?.lasting(self.now(), expires_at, &attempted)
    }

    /// Ends a subscription; one that is gone already is ended.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn unsubscribe(&self, id: &SubscriptionId) -> Result<(), GraphError> {
        self.delete(&format!("/subscriptions/{}", segment(id.as_str())), format!("end subscription {id}")).await
    }
}

/// Whether there is one of this combination already.
fn is_taken(error: &GraphError) -> bool {
    error.status() == Some(409)
}
