//! Watching connectors. A mailbox that is read shows by itself whether its connector works; one without mailboxes, or whose
//! mailboxes rest, is looked at by nobody else. A look costs a token and a request, and keeps a refresh token from
//! dying of disuse, which it does after ninety days.
//! Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    access::{
        clients::Clients,
        connector::{Access, Connector, ConnectorState},
        tenancy,
        watch::{self, PAUSE, Watch},
    },
    base::{
        id::{ConnectorId, FirmId},
        telemetry::Chain,
    },
    firm::feed::FeedError,
    graph::GraphError,
    problem::Noted,
};

/// One that just began to ask for a person, or could not be looked at, is looked at this soon; later, less and less often.
const PROBLEM_PAUSE: Duration = Duration::from_secs(3600);

/// Looks at a connector, notes what keeps it from working or that it works again, and when to look next.
pub async fn look(app: &Clients, firm: FirmId, id: ConnectorId) -> Result<(), FeedError> {
    let Some(row) = Connector::find(&app.table, firm, id).await? else { return Ok(()) };
    let connector = row.value;
    tenancy::adopt(&app.table, &connector).await?;
    let seen = match connector.state {
        ConnectorState::AwaitingSignIn => return Ok(()),
        ConnectorState::Connected | ConnectorState::ActionRequired => probe(app, &connector).await,
    };
    let pause = match seen {
        Ok(()) => {
            watch::seen_working(app, &connector).await?;
            PAUSE
        }
        Err(error) if error.concerns_connection() => {
            let problem = connector.note(app, &error, None).await?;
            let lasted = connector.problem.as_ref().map_or(Duration::ZERO, |before| since(before, problem.since));
            lasted.clamp(PROBLEM_PAUSE, PAUSE)
        }
        Err(error) => {
            tracing::info!(connector.id = %id, error = %Chain(&error), "a connector could not be looked at");
            PROBLEM_PAUSE
        }
    };
    Ok(app.table.write(Watch::due(firm, id, app.clock.now() + pause)).await?)
}

fn since(problem: &Noted, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(problem.since)).unwrap_or_default()
}

/// A token at hand proves nothing: a new one is asked for, and where somebody signed in Graph is asked who that is.
async fn probe(app: &Clients, connector: &Connector) -> Result<(), GraphError> {
    let attempted = "ask for an access token".to_owned();
    app.tokens.new_token(connector).await.map_err(|source| GraphError::Token { attempted, source })?;
    match connector.access {
        Access::Delegated => app.graph(connector).me().await.map(drop),
        // What an app may read of an organisation follows from rights that not every connector has.
        Access::Organization => Ok(()),
    }
}
