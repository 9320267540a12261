//! Whose turn it is at a mailbox: that of live mail, or that of older mail.
//!
//! Older mail (history, reconciliations, the rest of first baselines) has a queue and functions of its own, so that
//! live mail waits for none of it. The groups of a FIFO queue are the queue's own: both queues may name one mailbox at
//! the same time. Yet nothing may be found, counted or moved on twice, so a round of live mail takes the mailbox, and
//! older mail works on what nobody took:
//!
//! - Only a round of live mail gives older mail to its functions, at its end
//!   ([`SyncState::older`](super::sync_state::SyncState)). No other round of live mail is under way then, and each that
//!   follows sees it.
//! - While that stands, a round of live mail begins by [`MailboxTurn::take`]. It waits for nobody: every transaction of
//!   a slice of older mail replaces this item too, so that from then on none of a slice that began before succeeds.
//! - No slice begins before the round has given the mailbox back, or its function is certainly dead.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::{
        clock::CLOCK_SKEW,
        id::{FirmId, MailboxId},
    },
};

/// Whose turn it is. There is none before older mail is worked at for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxTurn {
    /// A round of live mail has the mailbox, and will be over by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live_until: Option<Timestamp>,
    /// When the last slice of older mail began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slice_began_at: Option<Timestamp>,
}

impl MailboxTurn {
    /// Live mail takes the mailbox, until `until` at the latest. A slice that is under way can't commit any more.
    ///
    /// Errors: `Conflict` if others were faster at each of sixteen tries; the table refuses or does not answer.
    pub async fn take(table: &Table, firm: FirmId, mailbox: MailboxId, until: Timestamp) -> Result<(), TableError> {
        // A slice that began since the mailbox was taken last has set this to none, so that this changes something.
        Self::set(table, firm, mailbox, Some(until)).await
    }

    /// Live mail gives the mailbox back.
    ///
    /// Errors: as of [`MailboxTurn::take`].
    pub async fn give_back(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<(), TableError> {
        Self::set(table, firm, mailbox, None).await
    }

    async fn set(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        live_until: Option<Timestamp>,
    ) -> Result<(), TableError> {
        let set = |turn: Option<Self>| Some(Self { live_until, ..turn.unwrap_or_default() });
        table.update(&Key::turn(firm, mailbox), set).await.map(drop)
    }

    /// Begins a slice of older mail, or tells how long live mail may have the mailbox still. What the slice commits it
    /// commits together with a replacement of this row.
    ///
    /// Errors: `Conflict` if live mail took the mailbox this moment; the table refuses or does not answer.
    pub async fn begin(
        table: &Table,
        firm: FirmId,
        mailbox: MailboxId,
        now: Timestamp,
    ) -> Result<Result<Row<Self>, Duration>, TableError> {
        let key = Key::turn(firm, mailbox);
        let slice = Self { live_until: None, slice_began_at: Some(now) };
        let Some(row) = table.get::<Self>(&key).await? else {
            table.write(Write::insert(key.clone(), &slice)).await?;
            return Ok(Ok(Row::inserted(key, slice)));
        };
        if let Some(until) = row.value.live_until.map(|until| until + CLOCK_SKEW).filter(|until| *until > now) {
            return Ok(Err(until.duration_since(now).try_into().unwrap_or_default()));
        }
        let mut row = row.with(slice);
        table.write(Write::replace(&row)).await?;
        row.written();
        Ok(Ok(row))
    }
}
