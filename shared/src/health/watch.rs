//! Watching connectors. A mailbox that is read shows by itself whether its connector works; one without mailboxes, or whose
//! mailboxes rest, is looked at by nobody else. A look costs a token and a request, and keeps a refresh token from
//! dying of disuse, which it does after ninety days.
//! Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        connector::{Access, Connector, ConnectorState},
        tenancy,
    },
    app::App,
    aws::table::{DUE_CONNECTOR, Key, Table, TableError, Write, sortable},
    base::{
        id::{ConnectorId, FirmId},
        telemetry::Chain,
    },
    firm::{feed::FeedError, member::Member},
    graph::GraphError,
    mail::mailbox::Mailbox,
    problem::Noted,
};

/// A connector that works is looked at this often.
const PAUSE: Duration = Duration::from_secs(6 * 3600);
/// One that just began to ask for a person, or could not be looked at, is looked at this soon; later, less and less often.
const PROBLEM_PAUSE: Duration = Duration::from_secs(3600);

/// When a connector is looked at.
#[derive(Debug, Serialize, Deserialize)]
pub struct Watch {
    due_kind: String,
    due_at: String,
}

impl Watch {
    /// The write by which a connector that works at `now` is watched.
    pub fn write(firm: FirmId, connector: ConnectorId, now: Timestamp) -> Write {
        Self::due(firm, connector, now + PAUSE)
    }

    fn due(firm: FirmId, connector: ConnectorId, at: Timestamp) -> Write {
        let watch = Self { due_kind: DUE_CONNECTOR.to_owned(), due_at: sortable(at) };
        Write::overwrite(Key::watch(firm, connector), &watch)
    }
}

/// Looks at a connector, notes what keeps it from working or that it works again, and when to look next.
pub async fn look(app: &App, firm: FirmId, id: ConnectorId) -> Result<(), FeedError> {
    let Some(row) = Connector::find(&app.table, firm, id).await? else { return Ok(()) };
    let connector = row.value;
    tenancy::adopt(&app.table, &connector).await?;
    let seen = match connector.state {
        ConnectorState::AwaitingSignIn => return Ok(()),
        ConnectorState::Connected | ConnectorState::ActionRequired => probe(app, &connector).await,
    };
    let pause = match seen {
        Ok(()) => {
            seen_working(app, &connector).await?;
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
async fn probe(app: &App, connector: &Connector) -> Result<(), GraphError> {
    let attempted = "ask for an access token".to_owned();
    app.tokens.new_token(connector).await.map_err(|source| GraphError::Token { attempted, source })?;
    match connector.access {
        Access::Delegated => app.graph(connector).me().await.map(drop),
        // What an app may read of an organisation follows from rights that not every connector has.
        Access::Organization => Ok(()),
    }
}

/// `connector` was just seen to work: if it asked for a person it does so no more, and all that it reaches is due at once.
pub async fn seen_working(app: &App, connector: &Connector) -> Result<(), FeedError> {
    if connector.state != ConnectorState::ActionRequired {
        return Ok(());
    }
    let now = app.clock.now();
    connector.recovered(&app.feed, &app.table, now).await?;
    match all_due(&app.table, connector.firm, connector.id, now).await {
        // Somebody works at a mailbox: it finds out by itself.
        Err(TableError::Conflict { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Has all that a connector reaches looked at, mailboxes and members: somebody has just connected it again.
pub async fn all_due(table: &Table, firm: FirmId, connector: ConnectorId, now: Timestamp) -> Result<(), TableError> {
    Member::all_due(table, firm, connector, now).await?;
    Mailbox::all_due(table, firm, connector, now).await
}
