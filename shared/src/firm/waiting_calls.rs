//! Calls that wait for events: one for each key, and a maximum for all keys. Each occupies a function, so all functions
//! share the count, in one item.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    aws::table::{Key, Table, TableError},
    base::random::Random,
};

/// The longest that a call may wait, in seconds: API Gateway gives up after thirty.
pub const WAIT_SECONDS_MAX: u8 = 20;

/// The calls that wait at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingCalls {
    calls: Vec<WaitingCall>,
}

/// A call that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingCall {
    id: Uuid,
    /// Whose it is: the id of the key, or `operator`.
    by: String,
    /// When it is over, whatever became of the function.
    until: Timestamp,
}

impl WaitingCall {
    /// Lets a call wait for `wait`; none if the key waits already, or `most` calls do.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn begin(
        (table, random): (&Table, &Random),
        by: &str,
        (now, wait): (Timestamp, Duration),
        most: usize,
    ) -> Result<Option<Self>, TableError> {
        let call = Self { id: random.uuid(), by: by.to_owned(), until: now + wait };
        let key = Key::waiting_calls();
        let waiting = table.update(&key, |there: Option<WaitingCalls>| {
            let mut calls = there.clone().unwrap_or_default().calls;
            calls.retain(|other| other.until > now);
            if calls.len() >= most || calls.iter().any(|other| other.by == call.by) {
                return there;
            }
            calls.push(call.clone());
            Some(WaitingCalls { calls })
        });
        let waits = waiting.await?.is_some_and(|waiting| waiting.calls.contains(&call));
        Ok(waits.then_some(call))
    }

    /// Whether it may wait on.
    pub fn goes_on(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Lets the key's next call wait.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn end(self, table: &Table) -> Result<(), TableError> {
        let key = Key::waiting_calls();
        let ended = table.update(&key, |there: Option<WaitingCalls>| {
            let mut waiting = there?;
            waiting.calls.retain(|other| other.id != self.id);
            Some(waiting).filter(|waiting| !waiting.calls.is_empty())
        });
        ended.await.map(drop)
    }
}
