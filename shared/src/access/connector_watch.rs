//! When a connector is checked next, and what a check changes: it needs a person, or it works again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        clients::Clients,
        connector::{Access, Connector, ConnectorState},
    },
    aws::table::{DUE_CONNECTOR, Key, Table, TableError, Write, sortable},
    base::{
        id::{ConnectorId, FirmId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::{feed::FeedError, member::Member},
    graph::GraphError,
    mail::mailbox::Mailbox,
    problem::{Code, NotedProblem, ResponsibleParty},
};

/// A connector that works is looked at this often.
pub const PAUSE: Duration = Duration::from_secs(6 * 3600);

/// When a connector is looked at.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConnectorWatch {
    due_kind: String,
    due_at: String,
    /// Since when Graph has taken no token of those that Entra issues.
    #[serde(default)]
    pub refused_since: Option<Timestamp>,
}

impl ConnectorWatch {
    /// The write by which a connector that works at `now` is watched.
    pub fn write(firm: FirmId, connector: ConnectorId, now: Timestamp) -> Write {
        Self::due(firm, connector, now + PAUSE, None)
    }

    /// The write by which a connector is looked at `at` that time. `refused_since`: since when Graph has taken no
    /// token.
    pub fn due(firm: FirmId, connector: ConnectorId, at: Timestamp, refused_since: Option<Timestamp>) -> Write {
        let watch = Self { due_kind: DUE_CONNECTOR.to_owned(), due_at: sortable(at), refused_since };
        Write::overwrite(Key::watch(firm, connector), &watch)
    }
}

impl Connector {
    /// Whether what a problem asks for is the operator's to do: the owner of the app is, unless it is the firm's own.
    fn needs_the_operator(&self, code: Code) -> bool {
        match code.who() {
            ResponsibleParty::Operator => true,
            ResponsibleParty::AppOwner => self.app.is_none(),
            _ => false,
        }
    }

    /// Why nothing of the organisation can be asked any more, where `error` is a refusal of one thing: an administrator
    /// has withdrawn the consent, which Graph says to tokens that live on, to each request by itself. None where only
    /// that one thing is refused.
    async fn refusal_of_all(&self, clients: &Clients, error: &GraphError) -> Option<GraphError> {
        if self.access != Access::Organization || !error.is_forbidden() {
            return None;
        }
        let seen = clients.graph(self).may_look_up_users().await;
        seen.err().filter(|error| error.is_forbidden() || error.concerns_connection())
    }

    /// Takes note of what a person has to do about `error`: on the connector if its token is dead, and on the caller
    /// that met it. `before`: what the caller noted earlier; its `since` stays.
    ///
    /// Errors: the table or the event bus refuses or does not answer.
    pub async fn note(
        &self,
        clients: &Clients,
        error: &GraphError,
        before: Option<&NotedProblem>,
    ) -> Result<NotedProblem, FeedError> {
        let refused = self.refusal_of_all(clients, error).await;
        let error = refused.as_ref().unwrap_or(error);
        let mut problem = NotedProblem::of(error, clients.clock.now());
        if refused.as_ref().is_some_and(GraphError::is_forbidden) {
            problem.code = Code::ConsentRequired;
        }
        tracing::warn!(
            firm.id = %self.firm, connector.id = %self.id, problem.code = %problem.code.name(), error = %ErrorChain(error),
            "a person has to act"
        );
        let tally = Tally::default();
        // What stopped was counted when it did.
        let is_known = self.state == ConnectorState::ActionRequired || before.is_some();
        tally.count(Counter::PeopleNeeded, u64::from(!is_known));
        tally.count(Counter::OperatorNeeded, u64::from(self.needs_the_operator(problem.code)));
        tally.publish(problem.since);
        if refused.is_some() || error.concerns_connection() {
            self.require_action(&clients.feed, &clients.table, problem.clone()).await?;
        }
        Ok(NotedProblem { since: before.map_or(problem.since, |before| before.since), ..problem })
    }
}

/// `connector` was just seen to work: if it asked for a person it does so no more, and all that it reaches is due at
/// once.
///
/// Errors: the table or the event bus refuses or does not answer.
pub async fn seen_working(clients: &Clients, connector: &Connector) -> Result<(), FeedError> {
    if connector.state != ConnectorState::ActionRequired {
        return Ok(());
    }
    let now = clients.clock.now();
    connector.recovered(&clients.feed, &clients.table, now).await?;
    match all_due(&clients.table, connector.firm, connector.id, now).await {
        // Somebody works at a mailbox: it finds out by itself.
        Err(TableError::Conflict { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Has all that a connector reaches looked at, mailboxes and members: somebody has just connected it again.
///
/// Errors: the table refuses or does not answer.
pub async fn all_due(table: &Table, firm: FirmId, connector: ConnectorId, now: Timestamp) -> Result<(), TableError> {
    Member::all_due(table, firm, connector, now).await?;
    Mailbox::all_due(table, firm, connector, now).await
}

/// Turns a connector that only waited for a good credential back, and all that it reaches goes on.
pub(crate) async fn recover(clients: &Clients, connector: &Connector, now: Timestamp) -> Result<(), FeedError> {
    let of_the_app = |code: Code| code.is_of_the_credential() || code == Code::AppGrantRequired;
    let waits = connector.problem.as_ref().is_some_and(|problem| of_the_app(problem.code));
    if connector.state == ConnectorState::ActionRequired && waits {
        connector.recovered(&clients.feed, &clients.table, now).await?;
        all_due(&clients.table, connector.firm, connector.id, now).await?;
    }
    Ok(())
}
