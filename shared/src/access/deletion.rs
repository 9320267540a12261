//! Ends access: of a connector with what it reaches, and of a firm. What was archived is kept; to remove that is
//! erasure, which is another matter.
//!
//! Each step may run again. So a request that broke off is sent again and goes on.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    access::{
        app_claim,
        app_owner::AppOwner,
        clients::Clients,
        connector::{Connector, OwnApp},
        credential_record::CredentialError,
        held_registration::HeldRegistration,
        tenancy,
    },
    aws::table::{Key, Row, TableError, Write},
    base::{
        clock::TimeLimit,
        id::{FirmId, SubscriptionId},
        telemetry::ErrorChain,
    },
    firm::{
        Firm,
        api_key::ApiKey,
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::FeedError,
    },
    mail::{mailbox::Mailbox, sync_state::SyncState},
    webhook::Webhook,
};

/// Mailboxes that are paused side by side.
const MAILBOXES_AT_ONCE: usize = 8;
/// How long a request takes at most to end subscriptions at Graph. Those that are left end by themselves within a week,
/// and their notices set off nothing.
const UNSUBSCRIBE_TIME_MAX: Duration = Duration::from_secs(15);

/// Deletes a connector: its mailboxes are paused and their subscriptions end, its tokens are forgotten, and its tenant
/// is free. With the last connector that uses it, the firm's own app registration goes, too. Mailboxes and members stay
/// and may be given another connector.
///
/// Errors: `Busy` while another function works at the app registration; Secrets Manager or the table.
pub async fn delete_connector(clients: &Clients, connector: &Connector) -> Result<(), CredentialError> {
    let (table, firm, id) = (&clients.table, connector.firm, connector.id);
    let mailboxes = Mailbox::of_connector(table, firm, id).await?;
    let subscriptions = subscriptions_of(clients, &mailboxes).await?;
    stream::iter(mailboxes)
        .map(|row| async move { lose_connector(clients, row).await })
        .buffer_unordered(MAILBOXES_AT_ONCE)
        .try_collect::<()>()
        .await?;
    unsubscribe(clients, connector, subscriptions).await;
    let is_last = |others: Vec<Connector>| !others.iter().any(|other| other.id != id && other.app.is_some());
    if connector.app.is_some() && is_last(Connector::of_firm(table, firm).await?) {
        end_own_app(clients, firm).await?;
    }
    let mut tries = table.tries();
    let (at, what) = (clients.clock.now(), FactEvent::ConnectorDeleted { connector: id });
    let fact = Fact { id: format!("{id}-deleted"), at, what };
    loop {
        // Another request may have deleted it meanwhile, and told that.
        let Some(row) = Connector::find(table, firm, id).await? else { return Ok(()) };
        let left = tenancy::leave(table, &row.value).await?;
        let gone = [Key::tokens(firm, id), Key::watch(firm, id)].map(Write::discard);
        let named = ExternalIdOwner::Connector.release(Some(firm), row.value.external_id.as_ref());
        let writes = [Write::remove(&row)].into_iter().chain(gone).chain(left).chain(named).collect();
        match clients.feed.tell_with(firm, writes, fact.clone()).await {
            Err(FeedError::Table(error)) if tries.again(&error).await => {}
            ended => return Ok(ended?),
        }
    }
}

async fn subscriptions_of(clients: &Clients, mailboxes: &[Row<Mailbox>]) -> Result<Vec<SubscriptionId>, TableError> {
    let syncs: Vec<Key> = mailboxes.iter().map(|row| Key::sync(row.value.firm, row.value.id)).collect();
    let syncs = clients.table.get_all::<SyncState>(&syncs).await?;
    Ok(syncs.into_iter().filter_map(|row| row.value.subscription.map(|held| held.id)).collect())
}

async fn lose_connector(clients: &Clients, mut row: Row<Mailbox>) -> Result<(), TableError> {
    let (firm, id) = (row.value.firm, row.value.id);
    let mut tries = clients.table.tries();
    loop {
        match Mailbox::lose_connector(row, &clients.table, clients.clock.now()).await {
            Err(error) if tries.again(&error).await => {}
            other => return other,
        }
        match Mailbox::find(&clients.table, firm, id).await? {
            Some(again) => row = again,
            None => return Ok(()),
        }
    }
}

/// Ends subscriptions, as far as Graph does so in time.
async fn unsubscribe(clients: &Clients, connector: &Connector, subscriptions: Vec<SubscriptionId>) {
    if subscriptions.is_empty() {
        return;
    }
    let graph = clients.graph(connector);
    let all = async {
        for id in &subscriptions {
            if let Err(error) = graph.unsubscribe(id).await {
                tracing::info!(connector.id = %connector.id, error = %ErrorChain(&error), "a subscription ends by itself");
                if error.concerns_connection() {
                    return;
                }
            }
        }
    };
    if TimeLimit::after(UNSUBSCRIBE_TIME_MAX).hold(all).await.is_none() {
        tracing::info!(connector.id = %connector.id, "some subscriptions end by themselves");
    }
}

/// Ends the firm's own app registration, if it has one.
async fn end_own_app(clients: &Clients, firm: FirmId) -> Result<(), CredentialError> {
    let Some(own) = clients.table.get::<OwnApp>(&Key::own_app(firm)).await? else { return Ok(()) };
    match HeldRegistration::take(clients, AppOwner::Firm(firm)).await {
        Ok(held) => held.end(firm).await,
        // There is no credential of it.
        Err(CredentialError::Missing) => {
            app_claim::release_client_id(&clients.table, firm, &own.value.client_id).await?;
            Ok(clients.table.write(Write::discard(Key::own_app(firm))).await?)
        }
        Err(error) => Err(error),
    }
}

/// Deletes a firm: its keys and its webhooks are gone, and all its connectors with what they reach. The operator still
/// reads what was archived. A firm that is deleted already is looked through once more.
///
/// Errors: `Conflict` if another changed the firm since `row` was read; as of [`delete_connector`].
pub async fn delete_firm(clients: &Clients, mut row: Row<Firm>) -> Result<(), CredentialError> {
    let (table, firm) = (&clients.table, row.value.id);
    if row.value.ended_at.is_none() {
        row.value.ended_at = Some(clients.clock.now());
        // Another firm may be called so from now on.
        let named = ExternalIdOwner::Firm.release(None, row.value.external_id.take().as_ref());
        let (at, what) = (clients.clock.now(), FactEvent::FirmDeleted);
        let fact = Fact { id: format!("{firm}-deleted"), at, what };
        clients.feed.tell_with(firm, [Write::replace(&row)].into_iter().chain(named).collect(), fact).await?;
    }
    for key in ApiKey::list(table, firm).await? {
        ApiKey::revoke(table, firm, key.id).await?;
    }
    for webhook in Webhook::list(table, Some(firm)).await? {
        Webhook::delete(table, (Some(firm), webhook.id), |_| true).await?;
    }
    for connector in Connector::of_firm(table, firm).await? {
        delete_connector(clients, &connector).await?;
    }
    end_own_app(clients, firm).await
}
