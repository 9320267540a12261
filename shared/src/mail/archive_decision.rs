//! Whether an entry of a delta page is a mail to archive.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{graph::Mail, mail::rules::SkipReason};

/// Which round a folder is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderPhase {
    /// The first round, not complete yet.
    Baseline,
    /// Every later one, also after the link died.
    Following,
}

/// What an entry of a page means for a mail that is not kept yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveDecision {
    /// It is to be archived.
    Archive,
    /// It is not, and why.
    Skip(SkipReason),
    /// It lay there before the activation: the baseline remembers it.
    AlreadyThere,
}

/// Exchange's clock and ours differ by less.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

/// Whether the mail arrived since `activated_at`. A date in the future proves nothing: imported mail has such.
pub fn is_new(received_at: Timestamp, activated_at: Timestamp, now: Timestamp) -> bool {
    received_at >= activated_at && received_at <= now + CLOCKS_DIFFER
}

/// Decides whether to archive an unknown mail in a chosen folder. Pure. `new`: the result of [`is_new`]; `seen`:
/// whether the baseline remembers it.
pub fn decide(mail: &Mail, new: bool, phase: FolderPhase, seen: bool) -> ArchiveDecision {
    match (new, phase) {
        (true, _) if mail.is_draft == Some(true) => ArchiveDecision::Skip(SkipReason::Draft),
        (true, _) => ArchiveDecision::Archive,
        (false, FolderPhase::Baseline) => ArchiveDecision::AlreadyThere,
        (false, FolderPhase::Following) if seen => ArchiveDecision::AlreadyThere,
        // An older mail that the baseline did not see was moved in.
        (false, FolderPhase::Following) if mail.is_draft == Some(true) => ArchiveDecision::Skip(SkipReason::Draft),
        (false, FolderPhase::Following) => ArchiveDecision::Archive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(is_draft: bool) -> Mail {
        Mail {
            immutable_id: "AAk".parse().unwrap(),
            received_at: None,
            subject: String::new(),
            from: None,
            recipients: vec![],
            internet_message_id: None,
            is_draft: Some(is_draft),
            has_attachments: false,
            categories: vec![],
            etag: None,
            conversation: None,
        }
    }

    fn decided(received: i64, phase: FolderPhase, seen: bool, draft: bool) -> ArchiveDecision {
        let at = |s| Timestamp::from_second(s).unwrap();
        decide(&mail(draft), is_new(at(received), at(1_000), at(2_000)), phase, seen)
    }

    #[test]
    fn new_mail_is_kept_even_if_it_arrives_while_the_baseline_runs() {
        assert_eq!(decided(1_000, FolderPhase::Baseline, false, false), ArchiveDecision::Archive);
        assert_eq!(decided(1_001, FolderPhase::Following, false, false), ArchiveDecision::Archive);
    }

    #[test]
    fn older_mail_is_kept_only_once_it_was_moved_in() {
        assert_eq!(decided(999, FolderPhase::Baseline, false, false), ArchiveDecision::AlreadyThere);
        assert_eq!(decided(999, FolderPhase::Following, true, false), ArchiveDecision::AlreadyThere);
        assert_eq!(decided(999, FolderPhase::Following, false, false), ArchiveDecision::Archive);
    }

    #[test]
    fn a_date_in_the_future_makes_no_mail_new() {
        let in_2100 = 4_102_444_800;
        assert_eq!(decided(in_2100, FolderPhase::Baseline, false, false), ArchiveDecision::AlreadyThere);
        assert_eq!(decided(in_2100, FolderPhase::Following, true, false), ArchiveDecision::AlreadyThere);
        assert_eq!(decided(in_2100, FolderPhase::Following, false, false), ArchiveDecision::Archive);
    }

    #[test]
    fn a_draft_is_never_kept() {
        assert_eq!(decided(1_001, FolderPhase::Following, false, true), ArchiveDecision::Skip(SkipReason::Draft));
        assert_eq!(decided(999, FolderPhase::Following, false, true), ArchiveDecision::Skip(SkipReason::Draft));
    }
}
