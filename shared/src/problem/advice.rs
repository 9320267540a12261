//! The advice of a catalogue entry: who acts, whether signing in again helps, and the text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponsibleParty {
    /// The operator of greffe.
    Operator,
    /// The firm's administrator, who connects mailboxes and chooses folders.
    FirmAdministrator,
    /// The administrator of the firm's Microsoft 365 (Entra, Exchange): often an IT department or supplier.
    TenantAdministrator,
    /// The owner of the app registration: the operator, or for the firm's own app its Microsoft 365
    /// administrator.
    AppOwner,
    /// The person whose account is connected.
    User,
    /// The developer of the business application.
    Integrator,
    /// Nobody: it passes.
    Nobody,
}

/// Whether signing in again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reconnect {
    /// Signing in again repairs it.
    Yes,
    /// It changes nothing: once the cause is gone, work goes on by itself.
    No,
    /// Not by itself: first the cause has to go, then sign in if the connection is not back by then.
    AfterFix,
}

/// What a person reads, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// What the problem means, in a sentence.
    pub meaning: &'static str,
    /// What the person whose turn it is does next.
    pub next_action: &'static str,
}
