//! Problems as they are stored, until they are solved.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{catalogue::Code, microsoft::of_graph_error};
use crate::graph::GraphError;

/// A problem as a connector or a mailbox keeps it, until somebody has seen to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedProblem {
    /// The code of the problem in the catalogue.
    pub code: Code,
    /// Microsoft's error code.
    pub microsoft_code: String,
    /// Since when.
    pub since: Timestamp,
}

/// The first pause before it is looked whether somebody has seen to a problem.
const LOOK_PAUSE: Duration = Duration::from_secs(2 * 60);
/// While a person has to act, it is looked this often at least.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

impl NotedProblem {
    /// What Graph or Entra refused, since now.
    pub fn of(error: &GraphError, since: Timestamp) -> Self {
        Self { code: of_graph_error(error), microsoft_code: error.code().to_string(), since }
    }

    /// How long to wait before it is looked whether somebody has seen to it: as long as it has lasted, within bounds.
    pub fn pause(&self, now: Timestamp) -> Duration {
        let lasted = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        lasted.clamp(LOOK_PAUSE, LOOK_PAUSE_MAX)
    }
}
