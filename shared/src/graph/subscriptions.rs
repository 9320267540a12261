//! Subscriptions to change notifications.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, segment},
    error::GraphError,
};
use crate::id::SubscriptionId;

/// How long a subscription is asked for: a little under the longest that Graph grants for messages (10,080 minutes).
/// Source: <https://learn.microsoft.com/graph/api/resources/subscription>
pub const SUBSCRIPTION_LIFETIME: Duration = Duration::from_secs(10_000 * 60);

/// A subscription as Graph granted it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// When it ends; Graph may grant another time than was asked for.
    #[serde(rename = "expirationDateTime")]
    pub expires_at: Timestamp,
    /// What it is for.
    #[serde(default)]
    resource: String,
}

impl Graph {
    /// Asks to be told of every message created in, or moved into, any folder of the mailbox. Graph calls
    /// `notification_url` for its handshake before this returns. One that exists already for the same is replaced.
    /// Source: <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>
    pub async fn subscribe(
        &self,
        user: &GraphUser,
        notification_url: &str,
        client_state: &str,
        expires_at: Timestamp,
    ) -> Result<Subscription, GraphError> {
        let resource = format!("{}/messages", user.path().trim_start_matches('/'));
        let create = || Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({
                "changeType": "created",
                "notificationUrl": notification_url,
                "lifecycleNotificationUrl": notification_url,
                "resource": resource,
                "expirationDateTime": expires_at,
                "clientState": client_state,
            })),
            repeatable: false,
            ..self.get("/subscriptions", "subscribe to the mailbox's messages".to_owned())
        };
        match self.json(create()).await {
            Err(e) if e.status() == Some(409) => {
                // An answer of ours was lost, or another's state was: the old one is worth nothing without its clientState.
                let list: WireList = self.json(self.get("/subscriptions", "list the subscriptions".to_owned())).await?;
                for old in list.value.into_iter().filter(|s| s.resource.eq_ignore_ascii_case(&resource)) {
                    self.unsubscribe(&old.id).await?;
                }
                self.json(create()).await
            }
            other => other,
        }
    }

    /// Moves the end of a subscription; 404 when it is gone already.
    pub async fn renew(&self, id: &SubscriptionId, expires_at: Timestamp) -> Result<Subscription, GraphError> {
        let call = Call {
            method: Method::PATCH,
            body: Some(json!({ "expirationDateTime": expires_at })),
            ..self.get(&format!("/subscriptions/{}", segment(id.as_str())), format!("renew subscription {id}"))
        };
        self.json(call).await
    }

    /// Ends a subscription; one that is gone already is ended.
    pub async fn unsubscribe(&self, id: &SubscriptionId) -> Result<(), GraphError> {
        let call = Call {
            method: Method::DELETE,
            ..self.get(&format!("/subscriptions/{}", segment(id.as_str())), format!("end subscription {id}"))
        };
        match self.send(call).await {
            Err(e) if e.is_gone() => Ok(()),
            other => other.map(drop),
        }
    }
}

#[derive(Deserialize)]
struct WireList {
    value: Vec<Subscription>,
}
