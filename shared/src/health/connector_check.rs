//! Scheduled checks of connectors. A mailbox that is read shows whether its connector works; a connector without active
//! mailboxes is checked here. A check costs a token and a request. It also keeps the refresh token, which expires after
//! ninety days without use.
//! Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    access::{
        clients::Clients,
        connector::{Access, Connector, ConnectorState},
        connector_watch::{self, ConnectorWatch, PAUSE},
        tenancy,
    },
    aws::table::{Key, Write},
    base::{
        id::{ConnectorId, FirmId},
        telemetry::ErrorChain,
    },
    firm::{ListedFirm, feed::FeedError, index_due::IndexDue, log_due::LogDue},
    graph::GraphError,
    problem::{Code, NotedProblem},
};

/// One that just began to ask for a person, or could not be looked at, is looked at this soon; later, less and less
/// often.
const PROBLEM_PAUSE: Duration = Duration::from_secs(3600);

/// Looks at a connector, notes what keeps it from working or that it works again, and when to look next.
///
/// Errors: the table or the event bus refuses or does not answer.
pub async fn check_connector(clients: &Clients, firm: FirmId, id: ConnectorId) -> Result<(), FeedError> {
    let Some(row) = Connector::find(&clients.table, firm, id).await? else {
        // It was deleted while somebody looked at it.
        return Ok(clients.table.write(Write::discard(Key::watch(firm, id))).await?);
    };
    let connector = row.value;
    tenancy::add_missing(&clients.table, &connector).await?;
    ListedFirm::add_missing(&clients.table, firm).await?;
    LogDue::add_missing(&clients.table, firm, clients.clock.now()).await?;
    IndexDue::add_missing(&clients.table, firm, clients.clock.now()).await?;
    let seen = match connector.state {
        ConnectorState::AwaitingSignIn => return Ok(()),
        ConnectorState::Connected | ConnectorState::ActionRequired => probe(clients, &connector).await,
    };
    let mut refused_since = None;
    let pause = match seen {
        Ok(()) => {
            connector_watch::seen_working(clients, &connector).await?;
            PAUSE
        }
        Err(error) if error.concerns_connection() => {
            let problem = connector.note(clients, &error, None).await?;
            let lasted = connector.problem.as_ref().map_or(Duration::ZERO, |before| since(before, problem.since));
            lasted.clamp(PROBLEM_PAUSE, PAUSE)
        }
        Err(error) if error.status() == Some(401) => {
            let now = clients.clock.now();
            let before = clients
                .table
                .get::<ConnectorWatch>(&Key::watch(firm, id))
                .await?
                .and_then(|row| row.value.refused_since);
            // An outage of Microsoft's passes. What lasts may be about this connection, and a sign-in is all that a
            // person can try.
            if before.is_some_and(|since| since + PROBLEM_PAUSE <= now) {
                let microsoft_code = error.code().to_string();
                let problem = NotedProblem { code: Code::SignInRequired, microsoft_code, since: now };
                connector.require_action(&clients.feed, &clients.table, problem).await?;
            }
            refused_since = before.or(Some(now));
            PROBLEM_PAUSE
        }
        Err(error) => {
            tracing::info!(connector.id = %id, error = %ErrorChain(&error), "a connector could not be looked at");
            PROBLEM_PAUSE
        }
    };
    Ok(clients.table.write(ConnectorWatch::due(firm, id, clients.clock.now() + pause, refused_since)).await?)
}

fn since(problem: &NotedProblem, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(problem.since)).unwrap_or_default()
}

/// A token at hand proves nothing: a new one is asked for, and where somebody signed in Graph is asked who that is.
async fn probe(clients: &Clients, connector: &Connector) -> Result<(), GraphError> {
    let attempted = "ask for an access token".to_owned();
    clients.tokens.new_token(connector).await.map_err(|source| GraphError::Token { attempted, source })?;
    match connector.access {
        Access::Delegated => clients.graph(connector).me().await.map(drop),
        // A token says nothing of the consent: an administrator may have withdrawn the rights of an app that is known
        // still.
        Access::Organization if connector.state == ConnectorState::ActionRequired => {
            clients.graph(connector).may_look_up_users().await
        }
        Access::Organization => Ok(()),
    }
}
