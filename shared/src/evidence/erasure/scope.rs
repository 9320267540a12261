//! What an erasure erases, and how its record says so.

use std::{collections::BTreeSet, fmt};

use crate::{
    base::id::{ErasureId, FirmId, MailboxId, MemberId, MessageId},
    firm::{
        fact::{FactEvent, StoredFact},
        retention::KeptUntil,
    },
    mail::archive::{self, OriginalKey},
};

/// What is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedScope {
    /// One message.
    Message(MessageId),
    /// Messages that were kept though nobody wanted them, by the erasure that names them.
    Messages(ErasureId, BTreeSet<MessageId>),
    /// Messages whose time is over, by the erasure that names them.
    Expired(ErasureId, BTreeSet<MessageId>),
    /// All messages of a mailbox, and the mailbox itself.
    Mailbox(MailboxId),
    /// A member with what rounds remember of it, and the mailboxes of its address.
    Member(MemberId),
    /// All that a firm had.
    Firm(FirmId),
}

impl ErasedScope {
    /// Whether what is about this message, or about none, is among it.
    pub fn has(&self, message: Option<MessageId>) -> bool {
        match (self, message) {
            (Self::Firm(_), _) => true,
            (Self::Message(own), Some(message)) => *own == message,
            (Self::Messages(_, own) | Self::Expired(_, own), Some(message)) => own.contains(&message),
            (Self::Mailbox(own), Some(message)) => *own == message.mailbox,
            (Self::Member(_), Some(_)) | (_, None) => false,
        }
    }

    /// What a record tells of: its id says what, and of many messages the fact has the ids.
    pub fn recorded(id: &str, fact: Option<&StoredFact>) -> Option<Self> {
        let (kind, id) = id.strip_prefix("erasure-")?.split_once('-')?;
        match kind {
            "message" => id.parse().map(Self::Message).ok(),
            "messages" | "expired" => {
                let (messages, id) = (fact?.texts("messages").filter_map(|id| id.parse().ok()), id.parse().ok()?);
                let of = if kind == "messages" { Self::Messages } else { Self::Expired };
                Some(of(id, messages.collect()))
            }
            "mailbox" => id.parse().map(Self::Mailbox).ok(),
            "member" => id.parse().map(Self::Member).ok(),
            "firm" => id.parse().map(Self::Firm).ok(),
            _ => None,
        }
    }

    /// The event of a mailbox or a firm. Each message has an event of its own, and a member has `member_deleted`.
    pub(super) fn event(&self) -> Option<(String, FactEvent)> {
        match self {
            Self::Mailbox(mailbox) => Some((mailbox.to_string(), FactEvent::MailboxErased { mailbox: *mailbox })),
            Self::Firm(firm) => Some((firm.to_string(), FactEvent::FirmErased)),
            Self::Message(_) | Self::Messages(..) | Self::Expired(..) | Self::Member(_) => None,
        }
    }

    /// The messages that a record has to name, because its id does not.
    pub(super) fn named_messages(&self) -> Vec<MessageId> {
        match self {
            Self::Messages(_, messages) | Self::Expired(_, messages) => messages.iter().copied().collect(),
            _ => Vec::new(),
        }
    }

    /// What the keys of its originals begin with, of those that are kept until `until`.
    pub(super) fn original_prefixes(&self, firm: FirmId, until: KeptUntil) -> Vec<String> {
        let key = |message: &MessageId| OriginalKey::new(firm, *message, until).to_string();
        let root = format!("{}firms/{firm}/mailboxes/", archive::root(until));
        match self {
            Self::Message(message) => vec![key(message)],
            Self::Messages(_, messages) | Self::Expired(_, messages) => messages.iter().map(key).collect(),
            Self::Mailbox(mailbox) => vec![format!("{root}{mailbox}/")],
            Self::Member(_) => Vec::new(),
            Self::Firm(_) => vec![root],
        }
    }
}

/// As the id of the record has it.
impl fmt::Display for ErasedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "erasure-message-{message}"),
            Self::Messages(erasure, _) => write!(f, "erasure-messages-{erasure}"),
            Self::Expired(erasure, _) => write!(f, "erasure-expired-{erasure}"),
            Self::Mailbox(mailbox) => write!(f, "erasure-mailbox-{mailbox}"),
            Self::Member(member) => write!(f, "erasure-member-{member}"),
            Self::Firm(firm) => write!(f, "erasure-firm-{firm}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_of_a_record_says_what_was_erased() {
        let message: MessageId =
            "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let (id, other) = ("1d3f90f6-fac8-4fdb-ae07-de25533902e9", "6f9619ff-8b86-4011-b42d-00c04fc964ff.ff");
        let fact = json!({ "messages": [message, other] });
        let fact: StoredFact = serde_json::from_value(fact).unwrap();
        for (scope, is_of_a_message) in [
            (ErasedScope::Message(message), true),
            (ErasedScope::Messages(id.parse().unwrap(), [message].into()), true),
            (ErasedScope::Expired(id.parse().unwrap(), [message].into()), true),
            (ErasedScope::Mailbox(message.mailbox), true),
            (ErasedScope::Member(id.parse().unwrap()), false),
            (ErasedScope::Firm(id.parse().unwrap()), true),
        ] {
            assert_eq!(ErasedScope::recorded(&scope.to_string(), Some(&fact)).as_ref(), Some(&scope));
            assert_eq!(scope.has(Some(message)), is_of_a_message, "{scope}");
            assert_eq!(scope.has(None), matches!(scope, ErasedScope::Firm(_)), "{scope}");
        }
        let unnamed = format!("erasure-messages-{id}");
        assert_eq!(ErasedScope::recorded(&unnamed, None), None, "only the fact names them");
        for text in ["erasure-", "erasure-message-", "erasure-mailbox-x", "restored-1-2", "erased-00"] {
            assert_eq!(ErasedScope::recorded(text, Some(&fact)), None, "{text}");
        }
    }

    #[test]
    fn originals_are_looked_for_wherever_they_may_be_kept() {
        let firm: FirmId = "0b25d0e2-8f3b-4a4c-9d5a-3f1b7a3a9d11".parse().unwrap();
        let message: MessageId =
            "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let erasure: ErasureId = "1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap();
        for until in [KeptUntil::Ever, KeptUntil::of_year(2036)] {
            let key = OriginalKey::new(firm, message, until).to_string();
            for scope in [
                ErasedScope::Message(message),
                ErasedScope::Messages(erasure, [message].into()),
                ErasedScope::Expired(erasure, [message].into()),
            ] {
                assert_eq!(scope.original_prefixes(firm, until), [key.as_str()], "{scope}");
            }
            for scope in [ErasedScope::Mailbox(message.mailbox), ErasedScope::Firm(firm)] {
                let prefixes = scope.original_prefixes(firm, until);
                assert!(matches!(&prefixes[..], [one] if key.starts_with(one) && one.ends_with('/')), "{prefixes:?}");
            }
            let member = ErasedScope::Member("1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap());
            assert!(member.original_prefixes(firm, until).is_empty(), "its mailboxes are parts of their own");
        }
    }
}
