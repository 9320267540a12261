//! Checks when the credentials of app registrations expire: sends reminders, and rotates them.
//!
//! Two things start it: the schedule, and Secrets Manager, which runs one step of a rotation. What happens is in
//! `shared/src/access/rotation.rs`, over `shared/src/access/held_registration.rs`.

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::{Deserialize, Serialize};
use shared::{
    access::{
        app_owner::AppOwner,
        credential_record::{CredentialError, CredentialRecord},
        rotation::{self, RotationStep},
    },
    app::App,
    aws::table::TableError,
    base::{
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
};

/// Registrations looked at in one run; the rest is due still when the next one comes.
const DUE_MAX: usize = 100;

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// One step of a rotation, as Secrets Manager sends it.
    #[serde(rename_all = "PascalCase")]
    Rotation {
        /// Which.
        step: RotationStep,
        /// The secret's ARN.
        secret_id: String,
        /// The version that the rotation brings.
        client_request_token: String,
    },
    /// The schedule: `{"schedule":"watch"}`.
    Schedule {
        /// Which one.
        schedule: Schedule,
    },
}

/// A schedule's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Look at every registration that is due.
    Watch,
}

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Output {
    /// How many registrations were looked at.
    pub watched: usize,
}

/// A run that failed. The schedule or Secrets Manager starts it again.
#[derive(Debug, thiserror::Error)]
pub enum ExpiryError {
    /// What is due could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The step could not be taken.
    #[error("take the step {step:?} of a rotation")]
    Step {
        /// Which.
        step: RotationStep,
        /// Why.
        #[source]
        source: CredentialError,
    },
}

impl From<ExpiryError> for Diagnostic {
    fn from(error: ExpiryError) -> Self {
        Self { error_type: "ExpiryError".to_owned(), error_message: ErrorChain(&error).to_string() }
    }
}

/// Looks at what is due, or takes one step of a rotation.
///
/// Errors: what is due can't be read, or the step can't be taken.
pub async fn handle(app: &App, event: LambdaEvent<Input>) -> Result<Output, ExpiryError> {
    match event.payload {
        Input::Rotation { step, secret_id, client_request_token } => {
            let taken = rotation::step(app, step, &secret_id, &client_request_token).await;
            taken.map_err(|source| ExpiryError::Step { step, source })?;
            tracing::info!(?step, "a step of a rotation was taken");
            Ok(Output { watched: 1 })
        }
        Input::Schedule { schedule: Schedule::Watch } => watch(app).await,
    }
}

/// One registration that can't be looked at holds up no other: it stays due.
async fn watch(app: &App) -> Result<Output, ExpiryError> {
    let due = app.table.due_credentials(app.clock.now(), DUE_MAX).await?;
    let mut owners: Vec<AppOwner> = due.into_iter().map(AppOwner::of_item).collect();
    // The platform's own is known from the environment, and is an item from the first look on.
    let platform = app.config.app_client_id.is_some() && !owners.contains(&AppOwner::Platform);
    if platform && CredentialRecord::find(&app.table, AppOwner::Platform).await?.is_none() {
        owners.push(AppOwner::Platform);
    }
    let mut failed = 0;
    for owner in &owners {
        if let Err(error) = rotation::watch(app, *owner).await {
            tracing::error!(?owner, error = %ErrorChain(&error), "an app registration could not be looked at");
            failed += 1;
        }
    }
    if !owners.is_empty() {
        tracing::info!(watched = owners.len(), failed, "app registrations looked at");
    }
    Tally::one(Counter::WatchRuns).publish(app.clock.now());
    Ok(Output { watched: owners.len() })
}
