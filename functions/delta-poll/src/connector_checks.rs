//! Checks the connectors that are due, with or without active mailboxes.

use futures::StreamExt as _;
use shared::{
    app::App,
    aws::{table::TableError, worker::Deadline},
    base::telemetry::ErrorChain,
    health::connector_check,
};

/// Connectors looked at by one run of the schedule; the rest is due a minute later still.
const CONNECTORS_MAX: usize = 50;
/// Connectors looked at side by side.
const AT_ONCE: usize = 8;

/// Looks at every connector that is due; one that can't be looked at stays due and holds up no other.
pub(crate) async fn check_connectors(app: &App, deadline: &Deadline) -> Result<(), TableError> {
    let due = app.table.due_connectors(app.clock.now(), CONNECTORS_MAX).await?;
    let looks = due.into_iter().map(|(firm, connector)| async move {
        if deadline.is_near() {
            return;
        }
        if let Err(error) = connector_check::check_connector(app, firm, connector).await {
            tracing::warn!(firm.id = %firm, connector.id = %connector, error = %ErrorChain(&error), "a look failed");
        }
    });
    let looks: Vec<_> = looks.collect();
    futures::stream::iter(looks).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    Ok(())
}
