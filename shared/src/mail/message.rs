//! A mail and its states.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::recipient_domain,
        digest::Digest,
        id::{ConversationId, ErasureId, FirmId, FolderId, ImmutableId, MessageId},
    },
    firm::{
        fact::{Envelope, FiledThrough, MailFacts},
        retention::KeptUntil,
    },
    graph::{GraphCode, Mail, UNREACHABLE},
    mail::{
        archive::{OriginalKey, StoredObject},
        rules::SkipReason,
        trouble::Trouble,
    },
};

/// Longest subject that is kept in the index, in characters: it keeps an item within one write unit of DynamoDB. The
/// whole one is in the original.
pub const SUBJECT_CHARS_MAX: usize = 160;

/// Stands for a number of the feed until the message is written, which takes the next one.
pub const UNNUMBERED: u64 = 0;

/// The most of what was seen of a mail that is stored with it.
const SEEN_BYTES_MAX: usize = 8 << 10;

/// A mail as greffe knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Graph's id for it, good for the life of the mailbox.
    pub immutable_id: ImmutableId,
    /// The folder it was found in.
    pub folder: FolderId,
    /// The folder that it lies in since, as far as a folder's dossier depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lies_in: Option<FolderId>,
    /// The conversation that it is part of; none where an older version found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// When it arrived in the mailbox.
    pub received_at: Timestamp,
    /// Its subject, cut to [`SUBJECT_CHARS_MAX`].
    pub subject: String,
    /// The sender's address.
    pub from: Option<String>,
    /// The one domain that all its recipients are in, if there is one: what rules ask of them.
    #[serde(default)]
    pub recipient_domain: Option<String>,
    /// The Message-ID header: a hint, never a key.
    pub internet_message_id: Option<String>,
    /// Whether it has attachments that are not inline.
    pub has_attachments: bool,
    /// The page that it was found on, whose work it belongs to while it has steps ahead.
    pub page: String,
    /// What was last done about its filing; none if it never was filed.
    #[serde(default)]
    pub filing: Option<FilingRecord>,
    /// What keeps its next step waiting, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What its mark goes by, where the mark has to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenCategories>,
    /// How far it is.
    #[serde(flatten)]
    pub state: MessageState,
}

/// The categories of a mail in Outlook when Graph last reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCategories {
    /// All its categories.
    pub categories: Vec<String>,
    /// The version that had them: another one is refused with 412.
    pub etag: Option<String>,
}

impl SeenCategories {
    /// Those of this mail.
    pub fn on(mail: &Mail) -> Self {
        Self { categories: mail.categories.clone(), etag: mail.etag.clone() }
    }

    /// Whether it may be stored with a message: of others Graph is asked again.
    pub fn is_small(&self) -> bool {
        self.categories.iter().map(String::len).sum::<usize>() <= SEEN_BYTES_MAX
    }
}

/// How far a mail is. Every step may run twice; a crash repeats work and never skips it.
///
/// ```text
/// pending ──► archived ──► announced ──► marked
///    │                          └──────► unmarked   (Outlook refuses the mark: kept all the same)
///    ├──► skipped
///    ├──► gone                          (deleted for good before it could be read)
///    ├──► erased, removed               (from any state, because somebody asked for it)
///    ├──► expired                       (from any state with an original, as its time ends)
///    └──► failed ──► archived …         (tried again with growing pauses)
/// ```
///
/// A mail that is filed, or taken out of its dossier, goes back from its last step to `announced`: its mark is another
/// one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MessageState {
    /// Found, and to be archived.
    Pending,
    /// Not to be kept.
    Skipped {
        /// The reason.
        reason: SkipReason,
    },
    /// The original is in S3.
    Archived(Original),
    /// The business application was told: the last step where mail is not marked.
    Announced(Original),
    /// Outlook shows it: the last step.
    Marked(Original),
    /// Archived and announced, but Outlook can't show it: the last step too.
    Unmarked {
        /// The original.
        #[serde(flatten)]
        original: Original,
        /// Why not, in Graph's code.
        code: GraphCode,
    },
    /// Graph refuses to give it.
    Failed(MessageFailure),
    /// It was deleted for good before it could be read: the last step, unless Graph lists it again.
    Gone {
        /// When that was certain.
        at: Timestamp,
        /// Its number in the firm's feed.
        number: u64,
    },
    /// It was erased: the last step, whatever Graph lists.
    Erased {
        /// When.
        at: Timestamp,
        /// Who had it erased, and why; none before 0.2.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<ErasureNote>,
    },
    /// It was kept though nobody wanted it, and the firm removed it: the last step, whatever Graph lists.
    Removed {
        /// When.
        at: Timestamp,
        /// Who: the id of the API key or of the person, or `operator`.
        by: String,
        /// Who asked for it, and why; none before 0.2.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<ErasureNote>,
    },
    /// Its original was kept until the end of a year that is over: the last step, whatever Graph lists.
    Expired {
        /// Until when it was kept.
        at: Timestamp,
    },
}

/// Who had a mail erased or removed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureNote {
    /// The erasure; none if it was not asked for by the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
    /// Who asked for it.
    pub asked_by: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    pub by: String,
    /// Who confirmed it, if that was needed: as `by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// Why.
    pub reason: String,
}

/// The original in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
    /// When it was stored.
    pub archived_at: Timestamp,
    /// Its number in the firm's feed: the order in which the registry received it.
    pub number: u64,
    /// Until when it is kept.
    #[serde(default, rename = "until_year", skip_serializing_if = "KeptUntil::is_ever")]
    pub until: KeptUntil,
}

impl Original {
    /// What lies there.
    pub fn stored(&self) -> StoredObject {
        StoredObject { sha256: self.sha256, bytes: self.bytes }
    }

    /// Where it lies in the bucket, as that of this message of the firm.
    pub fn key(&self, firm: FirmId, message: MessageId) -> OriginalKey {
        OriginalKey::new(firm, message, self.until)
    }
}

/// Why a mail is not archived yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFailure {
    /// Graph's own code.
    pub code: GraphCode,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; none when it is given up until a person asks for it.
    pub next_try: Option<Timestamp>,
    /// The number in the firm's feed under which the failure was told.
    pub number: u64,
}

/// One change of where a message is filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilingRecord {
    /// How many there have been of this message, this one counted.
    pub count: u32,
    /// The message's place in the dossier's list: its number in the firm's feed at that time.
    pub number: u64,
    /// The dossier, in the business application's own words; none where it was taken out of one.
    pub dossier: Option<String>,
    /// The time.
    pub at: Timestamp,
    /// Who: the id of the API key, or `operator`; of what follows, who made it follow.
    pub by: String,
    /// By what.
    #[serde(default)]
    pub through: FiledThrough,
}

impl Message {
    /// Takes its next step, which is written with what else is found out about it. Nothing keeps it waiting any more.
    pub fn step_to(&mut self, state: MessageState) {
        (self.state, self.trouble) = (state, None);
    }

    /// A mail as delta told it, `pending` or `skipped`.
    pub fn found(
        id: MessageId,
        mail: &Mail,
        folder: FolderId,
        received_at: Timestamp,
        page: String,
        state: MessageState,
    ) -> Self {
        Self {
            id,
            immutable_id: mail.immutable_id.clone(),
            folder,
            lies_in: None,
            conversation: mail.conversation,
            received_at,
            subject: mail.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
            from: mail.from.clone(),
            recipient_domain: recipient_domain(mail.recipients.iter().map(String::as_str)),
            internet_message_id: mail
                .internet_message_id
                .as_ref()
                .map(|id| id.chars().take(SUBJECT_CHARS_MAX).collect()),
            has_attachments: mail.has_attachments,
            page,
            filing: None,
            trouble: None,
            seen: None,
            state,
        }
    }

    /// What its facts tell of it, beside the envelope.
    pub fn facts(&self) -> MailFacts {
        MailFacts {
            immutable_id: Some(self.immutable_id.clone()),
            internet_message_id: self.internet_message_id.clone(),
            has_attachments: Some(self.has_attachments),
            conversation: self.conversation,
        }
    }

    /// What facts tell of it where there is no original.
    pub fn envelope(&self) -> Envelope {
        let (subject, from) = (Some(self.subject.clone()), self.from.clone());
        Envelope { received_at: Some(self.received_at), subject, from }
    }

    /// Whether it is not archived because Graph did not answer.
    pub fn was_unanswered(&self) -> bool {
        match (&self.state, &self.trouble) {
            (MessageState::Failed(failure), _) => failure.code.is(UNREACHABLE),
            (MessageState::Pending, Some(trouble)) => trouble.microsoft_code.is(UNREACHABLE),
            _ => false,
        }
    }

    /// Whether its last step failed, and the next try is yet to come.
    pub fn rests(&self, now: Timestamp) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.waits(now))
    }

    /// The folder that it lies in, as far as is known.
    pub fn place(&self) -> &FolderId {
        self.lies_in.as_ref().unwrap_or(&self.folder)
    }

    /// The message as it is at `now`: expired if the retention of its original has ended. The table keeps the earlier
    /// state until an administrator has expired mail erased.
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if let Some(at) = self.original().and_then(|original| original.until.end()).filter(|at| *at <= now) {
            self.state = MessageState::Expired { at };
        }
        self
    }

    /// The dossier that it is filed to.
    pub fn dossier(&self) -> Option<&str> {
        self.filing.as_ref()?.dossier.as_deref()
    }

    /// The original, once it is archived.
    pub fn original(&self) -> Option<&Original> {
        match &self.state {
            MessageState::Archived(o)
            | MessageState::Announced(o)
            | MessageState::Marked(o)
            | MessageState::Unmarked { original: o, .. } => Some(o),
            MessageState::Pending
            | MessageState::Skipped { .. }
            | MessageState::Failed(_)
            | MessageState::Gone { .. }
            | MessageState::Erased { .. }
            | MessageState::Removed { .. }
            | MessageState::Expired { .. } => None,
        }
    }
}

impl MessageState {
    /// The state's name as it stands in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Skipped { .. } => "skipped",
            Self::Archived(_) => "archived",
            Self::Announced(_) => "announced",
            Self::Marked(_) => "marked",
            Self::Unmarked { .. } => "unmarked",
            Self::Failed(_) => "failed",
            Self::Gone { .. } => "gone",
            Self::Erased { .. } => "erased",
            Self::Removed { .. } => "removed",
            Self::Expired { .. } => "expired",
        }
    }

    /// Whether it is what an erasure leaves of a message.
    pub fn is_left_over(&self) -> bool {
        matches!(self, Self::Erased { .. } | Self::Removed { .. } | Self::Expired { .. })
    }

    /// Its number in the firm's feed, where it has a fact there; 0 before it has taken one.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Archived(o) | Self::Announced(o) | Self::Marked(o) | Self::Unmarked { original: o, .. } => {
                Some(o.number)
            }
            Self::Failed(failure) => Some(failure.number),
            Self::Gone { number, .. } => Some(*number),
            Self::Pending
            | Self::Skipped { .. }
            | Self::Erased { .. }
            | Self::Removed { .. }
            | Self::Expired { .. } => None,
        }
    }

    /// An archived message becomes announced; other states stay.
    pub fn announced(self) -> Self {
        match self {
            Self::Archived(original) => Self::Announced(original),
            other => other,
        }
    }

    /// Replaces the number in the feed.
    pub fn renumbered(self, number: u64) -> Self {
        match self.with_original(|original| Original { number, ..original }) {
            Self::Failed(failure) => Self::Failed(MessageFailure { number, ..failure }),
            Self::Gone { at, .. } => Self::Gone { at, number },
            other => other,
        }
    }

    /// Replaces the end of retention of the original.
    pub fn kept_until(self, until: KeptUntil) -> Self {
        self.with_original(|original| Original { until, ..original })
    }

    fn with_original(self, change: impl FnOnce(Original) -> Original) -> Self {
        match self {
            Self::Archived(original) => Self::Archived(change(original)),
            Self::Announced(original) => Self::Announced(change(original)),
            Self::Marked(original) => Self::Marked(change(original)),
            Self::Unmarked { original, code } => Self::Unmarked { original: change(original), code },
            other => other,
        }
    }

    /// Whether nothing is left to do, now or later.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Skipped { .. }
            | Self::Marked(_)
            | Self::Unmarked { .. }
            | Self::Gone { .. }
            | Self::Erased { .. }
            | Self::Removed { .. }
            | Self::Expired { .. } => true,
            Self::Failed(failure) => failure.next_try.is_none(),
            Self::Pending | Self::Archived(_) | Self::Announced(_) => false,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message that is filed there.
    pub(crate) fn message(dossier: Option<&str>) -> Message {
        let id: MessageId = "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let filing = |dossier: &str| FilingRecord {
            count: 1,
            number: 7,
            dossier: Some(dossier.to_owned()),
            at: Timestamp::UNIX_EPOCH,
            by: "operator".to_owned(),
            through: FiledThrough::Request,
        };
        Message {
            id,
            immutable_id: "AAk".parse().unwrap(),
            folder: "AQMk".parse().unwrap(),
            lies_in: None,
            conversation: None,
            received_at: Timestamp::UNIX_EPOCH,
            subject: "Facture".to_owned(),
            from: None,
            recipient_domain: None,
            internet_message_id: None,
            has_attachments: false,
            page: "p".to_owned(),
            filing: dossier.map(filing),
            trouble: None,
            seen: None,
            state: MessageState::Pending,
        }
    }

    #[test]
    fn a_message_is_read_from_the_table_as_it_was_written() {
        let (sha256, archived_at) = (Digest::of(b"x"), Timestamp::UNIX_EPOCH);
        let original = Original { sha256, bytes: 1, archived_at, number: 7, until: KeptUntil::Ever };
        let of_a_year = Original { until: KeptUntil::of_year(2036), ..original.clone() };
        let failure =
            MessageFailure { code: GraphCode::new("ErrorItemNotFound"), attempts: 2, next_try: None, number: 3 };
        let code = GraphCode::new("ErrorItemNotFound");
        for state in [
            MessageState::Pending,
            MessageState::Skipped { reason: SkipReason::Draft },
            MessageState::Archived(original.clone()),
            MessageState::Marked(of_a_year),
            MessageState::Announced(original.clone()),
            MessageState::Marked(original.clone()),
            MessageState::Unmarked { original, code },
            MessageState::Failed(failure),
            MessageState::Gone { at: Timestamp::UNIX_EPOCH, number: 4 },
            MessageState::Erased { at: Timestamp::UNIX_EPOCH, note: None },
            MessageState::Removed { at: Timestamp::UNIX_EPOCH, by: "operator".to_owned(), note: None },
            MessageState::Expired { at: Timestamp::UNIX_EPOCH },
        ] {
            let message = Message { state, ..message(Some("D1")) };
            let item: serde_dynamo::Item = serde_dynamo::to_item(&message).unwrap();
            assert_eq!(serde_dynamo::from_item::<_, Message>(item).unwrap(), message);
        }
    }

    #[test]
    fn a_message_is_expired_from_the_moment_on_at_which_its_time_ends() {
        let original = Original {
            sha256: Digest::of(b"x"),
            bytes: 1,
            archived_at: Timestamp::UNIX_EPOCH,
            number: 7,
            until: KeptUntil::of_year(2036),
        };
        let message = Message { state: MessageState::Marked(original), ..message(None) };
        let [before, at] = ["2036-12-31T23:59:59Z", "2037-01-01T00:00:00Z"].map(|at| at.parse().unwrap());
        assert_eq!(message.clone().as_of(before), message);
        let expired = message.as_of(at);
        assert_eq!((&expired.state, expired.original()), (&MessageState::Expired { at }, None));
    }
}
