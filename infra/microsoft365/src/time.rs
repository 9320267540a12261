//! Moments.

use jiff::{SignedDuration, Timestamp};

/// A later moment; the far end of time if there is none.
pub(crate) fn after(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
