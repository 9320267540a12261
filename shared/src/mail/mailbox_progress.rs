//! How far a mailbox is. Most is counted in an item of its own, in the transaction that makes it true; what a round
//! found of pages that bring few mails is counted in the item of its rounds (`fresh`).

use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::id::{FirmId, MailboxId},
    mail::rules::SkipReason,
};

/// How far a mailbox is, counted exactly once each: every counter moves in the transaction that makes its fact true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Mails found that are to be kept, and those skipped with a reason.
    #[serde(skip_serializing_if = "is_zero")]
    pub discovered: i64,
    /// Originals stored.
    #[serde(skip_serializing_if = "is_zero")]
    pub archived: i64,
    /// Mails that have failed and are not archived.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: i64,
    /// Mails that were deleted for good before they could be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub gone: i64,
    /// Skipped: still being written.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped_draft: i64,
    /// Skipped: the firm's internal mail.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped_internal: i64,
    /// Skipped: from a sender that is excluded.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped_excluded_sender: i64,
    /// Skipped: from a domain that is excluded.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped_excluded_domain: i64,
    /// Not even looked at: lay there before the activation.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped_already_there: i64,
}

impl Progress {
    /// The counter of what is skipped for this reason.
    pub fn skipped(&mut self, reason: SkipReason) -> &mut i64 {
        match reason {
            SkipReason::Draft => &mut self.skipped_draft,
            SkipReason::Internal => &mut self.skipped_internal,
            SkipReason::ExcludedSender => &mut self.skipped_excluded_sender,
            SkipReason::ExcludedDomain => &mut self.skipped_excluded_domain,
        }
    }

    /// What is counted of that mailbox in an item of its own. What its rounds settled stands in `SyncState::counts`.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn read(table: &Table, firm: FirmId, mailbox: MailboxId) -> Result<Self, TableError> {
        Ok(table.get(&Key::progress(firm, mailbox)).await?.map(|row| row.value).unwrap_or_default())
    }

    /// Whether nothing is counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Mails that are to be kept, and are neither archived nor failed nor gone yet.
    pub fn open(&self) -> i64 {
        let skipped =
            self.skipped_draft + self.skipped_internal + self.skipped_excluded_sender + self.skipped_excluded_domain;
        (self.discovered - skipped - self.archived - self.failed - self.gone).max(0)
    }

    /// The write that adds `self` to what is counted; none when there is nothing to add.
    pub fn add_to(&self, firm: FirmId, mailbox: MailboxId) -> Option<Write> {
        let counters = [
            ("discovered", self.discovered),
            ("archived", self.archived),
            ("failed", self.failed),
            ("gone", self.gone),
            ("skipped_draft", self.skipped_draft),
            ("skipped_internal", self.skipped_internal),
            ("skipped_excluded_sender", self.skipped_excluded_sender),
            ("skipped_excluded_domain", self.skipped_excluded_domain),
            ("skipped_already_there", self.skipped_already_there),
        ];
        let moved: Vec<_> = counters.into_iter().filter(|(_, by)| *by != 0).map(|(n, by)| (n.to_owned(), by)).collect();
        (!moved.is_empty()).then(|| Write::add(Key::progress(firm, mailbox), moved))
    }
}

impl std::ops::Add for Progress {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            discovered: self.discovered + other.discovered,
            archived: self.archived + other.archived,
            failed: self.failed + other.failed,
            gone: self.gone + other.gone,
            skipped_draft: self.skipped_draft + other.skipped_draft,
            skipped_internal: self.skipped_internal + other.skipped_internal,
            skipped_excluded_sender: self.skipped_excluded_sender + other.skipped_excluded_sender,
            skipped_excluded_domain: self.skipped_excluded_domain + other.skipped_excluded_domain,
            skipped_already_there: self.skipped_already_there + other.skipped_already_there,
        }
    }
}

/// What is zero is not stored.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}
