//! Why an erasure is refused, or could not be ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::TableError,
    base::id::{MailboxId, MemberId},
    evidence::{appender::AppendError, bucket::BucketError, log_entry::EntryError, versions::ObjectLock},
    firm::feed::FeedError,
    mail::retention_keeper::KeeperError,
    search::indexer::IndexingError,
};

/// An erasure that is refused, or could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Object Lock keeps an original.
    #[error("S3 keeps {key} until {until} (Object Lock): it can't be erased before")]
    Locked {
        /// Its key.
        key: String,
        /// Until when.
        until: Timestamp,
    },
    /// S3 keeps an original under a legal hold, and no dossier is under one that would.
    #[error("S3 still has {0} under a legal hold, which greffe lifts within half an hour: try again then")]
    HeldByS3(String),
    /// A legal hold keeps a message.
    #[error("dossier {0} is under a legal hold: it can't be erased before that is lifted")]
    Held(String),
    /// New mail still comes.
    #[error("mailbox {0} is active: pause or delete it first")]
    Active(MailboxId),
    /// The firm goes on.
    #[error("the firm is not deleted: delete it first")]
    FirmGoesOn,
    /// There is something of the member in its Outlook.
    #[error("member {0} has dates or contacts in Outlook: end what is pushed to it first")]
    Pushed(MemberId),
    /// Nothing is known of it.
    #[error("nothing is archived of it")]
    Unknown,
    /// The retention periods ask for nothing.
    #[error("no mail has expired, and none is kept longer than the retention periods ask for")]
    AsAsked,
    /// A fact is not as any version of greffe writes it.
    #[error(transparent)]
    Fact(#[from] EntryError),
    /// The log can't be brought up to the feed.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An original can't be kept less long.
    #[error(transparent)]
    Keep(#[from] KeeperError),
    /// The index of words can't be written.
    #[error(transparent)]
    Index(#[from] IndexingError),
    /// S3.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl EraseError {
    /// Of an original that something keeps.
    pub(super) fn locked(key: String, lock: ObjectLock) -> Self {
        match lock {
            ObjectLock::Until(until) => Self::Locked { key, until },
            ObjectLock::Hold => Self::HeldByS3(key),
        }
    }

    /// Of what is filed to a dossier under a hold, if it is.
    pub(super) fn refuse_held(holding: Option<String>) -> Result<(), Self> {
        holding.map_or(Ok(()), |dossier| Err(Self::Held(dossier)))
    }

    /// Why it is refused, and until when Object Lock keeps what is asked for; none if it is no refusal but a failure.
    pub(super) fn refusal(&self) -> Option<(ErasureRefusal, Option<Timestamp>)> {
        Some(match self {
            Self::Locked { until, .. } => (ErasureRefusal::Locked, Some(*until)),
            Self::Held(_) | Self::HeldByS3(_) => (ErasureRefusal::Held, None),
            Self::Active(_) => (ErasureRefusal::Active, None),
            Self::FirmGoesOn => (ErasureRefusal::FirmGoesOn, None),
            Self::Pushed(_) => (ErasureRefusal::Pushed, None),
            Self::Unknown => (ErasureRefusal::Unknown, None),
            Self::AsAsked => (ErasureRefusal::AsAsked, None),
            Self::Fact(_)
            | Self::Append(_)
            | Self::Keep(_)
            | Self::Index(_)
            | Self::Log(_)
            | Self::Table(_)
            | Self::Feed(_) => return None,
        })
    }
}

/// Why an erasure is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureRefusal {
    /// Object Lock keeps an original.
    Locked,
    /// A message is, or was, filed to a dossier under a legal hold, or S3 still has a hold on it that was lifted.
    Held,
    /// The mailbox is active.
    Active,
    /// The firm is not deleted.
    FirmGoesOn,
    /// The member has dates or contacts in Outlook.
    Pushed,
    /// Nothing is archived of it.
    Unknown,
    /// No mail has expired, and none is kept longer than the retention periods ask for.
    AsAsked,
}
