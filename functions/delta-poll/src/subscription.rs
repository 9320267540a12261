//! Subscriptions: makes, renews and replaces the one that tells of a mailbox's new mail.

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    access::connector::{Access, Connector},
    aws::secrets::{MacKey, NOTIFICATION_KEY},
    base::{id::SubscriptionId, metric::Counter},
    graph::{Disposition, GraphError, SUBSCRIPTION_LIFETIME},
    mail::{
        mailbox::MailboxKind,
        notification::{client_state, notification_url},
        sync_state::{HeldSubscription, SyncState},
        trouble::MailboxPart,
    },
};

use crate::round::Round;

/// A subscription is renewed this long before it ends.
const RENEWAL_MARGIN: Duration = Duration::from_secs(48 * 3600);
/// A subscription that was seen within this time is not checked, whatever a poll finds.
const SUBSCRIPTION_TRUSTED_FOR: Duration = Duration::from_secs(5 * 60);

impl Round<'_> {
    /// The subscription that tells of new mail: `before`, or the one that is made, renewed or put in its place now.
    /// Where there can be none, polls have to do: mail waits for no subscription.
    pub async fn subscription(
        &self,
        connector: &Connector,
        before: Option<&HeldSubscription>,
        look: bool,
    ) -> Option<HeldSubscription> {
        // A signed-in user may subscribe to the own mailbox only, whatever rights there are on others.
        if connector.access == Access::Delegated && self.mailbox.kind == MailboxKind::Shared {
            self.works(&MailboxPart::Notifications);
            return before.cloned();
        }
        let now = self.app.clock.now();
        let Ok(webhook) = self.app.config.webhook_url() else { return before.cloned() };
        let url = notification_url(webhook, self.mailbox.id);
        let goes_here = |held: &HeldSubscription| held.url.as_deref().is_some_and(|to| to == url || to == webhook);
        let moved = |held: &HeldSubscription| held.url.is_some() && !goes_here(held);
        let held = before.filter(|held| held.expires_at > now);
        let fails = self.fails(&MailboxPart::Notifications);
        match held {
            Some(held) if !look && !fails && !moved(held) && held.expires_at - RENEWAL_MARGIN > now => {
                return before.cloned();
            }
            _ if !look && self.rests(&MailboxPart::Notifications) => return before.cloned(),
            _ => {}
        }
        let ends = now + SUBSCRIPTION_LIFETIME;
        let granted = match held {
            // One that goes elsewhere is of no use, however long it lasts.
            Some(held) if goes_here(held) => {
                match self.graph_for_helper(&MailboxPart::Notifications).renew(&held.id, ends).await {
                    Err(e) if e.is_gone() => self.subscribe(&url, Some(&held.id), ends).await,
                    other => other.map(|granted| held.renewed(granted, now)),
                }
            }
            held => self.subscribe(&url, held.map(|held| &held.id), ends).await,
        };
        match granted {
            Ok(held) => {
                self.works(&MailboxPart::Notifications);
                Some(held)
            }
            Err(error) => {
                // A refusal says that there is none; an outage says nothing of the one that is held.
                let refused = error.status().is_some() && !matches!(error.disposition(), Disposition::RetryAfter(_));
                self.tally.count(Counter::SubscriptionRefusals, 1);
                self.failed(MailboxPart::Notifications, &error);
                before.filter(|_| !refused).cloned()
            }
        }
    }

    async fn subscribe(
        &self,
        url: &str,
        held: Option<&SubscriptionId>,
        ends: Timestamp,
    ) -> Result<HeldSubscription, GraphError> {
        let key = self.app.secrets.read(NOTIFICATION_KEY).await.map_err(|error| GraphError::Unreadable {
            attempted: "read the notification key".to_owned(),
            source: Box::new(error),
        })?;
        let state = client_state(&MacKey::new(&key), self.mailbox.firm, self.mailbox.id);
        let graph = self.graph_for_helper(&MailboxPart::Notifications);
        let granted = graph.subscribe(&self.mailbox.user, url, held, &state, ends).await?;
        Ok(HeldSubscription::granted(granted, url, self.app.clock.now()))
    }

    /// Whether notices can't come by this subscription: there is none, it has ended, or it goes to another address.
    pub fn lacks_subscription(&self, held: Option<&HeldSubscription>) -> bool {
        let Ok(webhook) = self.app.config.webhook_url() else { return false };
        let url = notification_url(webhook, self.mailbox.id);
        let is_of_use = |held: &&HeldSubscription| {
            held.expires_at > self.app.clock.now() && held.url.as_ref().is_none_or(|to| *to == url || to == webhook)
        };
        held.filter(is_of_use).is_none()
    }

    /// Whether to check the subscription, because a poll found mail that it did not announce.
    pub fn doubts_subscription(&self, sync: &SyncState) -> bool {
        let now = self.app.clock.now();
        let long_ago = |held: &HeldSubscription| held.seen_at.is_none_or(|at| at + SUBSCRIPTION_TRUSTED_FOR <= now);
        sync.subscription.as_ref().is_some_and(long_ago)
    }
}
