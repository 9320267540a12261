//! What the index has of a mail.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    base::{
        address::{compared, sought},
        id::{ConversationId, MailboxId, MessageId},
    },
    firm::{
        fact::{Envelope, Fact, FactEvent, MailFacts},
        retention::KeptUntil,
    },
    reading::{MailHead, Outline, Person, is_shown_inline},
};

/// Characters of a mail's text that hits show.
pub(super) const BEGINNING_CHARS: usize = 300;
/// Characters of a mail's people that hits show.
const PEOPLE_CHARS: usize = 300;
/// Bytes of a mail's text that are indexed.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// What the index has of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexedMail {
    pub number: u64,
    pub message: MessageId,
    /// The length of its original, and until when that is kept; none where there is none.
    pub original: Option<(u64, KeptUntil)>,
    pub received_at: Timestamp,
    /// What it is filtered by, as [`mailbox_key`] and others make it.
    pub keys: BTreeSet<String>,
    /// What is searched, each on its own.
    pub texts: Vec<String>,
    /// Who wrote it and to whom.
    pub people: String,
    /// How its text begins.
    pub beginning: String,
}

/// What a mail of a mailbox is found by.
pub(super) fn mailbox_key(mailbox: MailboxId) -> String {
    format!("mailbox:{mailbox}")
}

/// What a mail from an address, or from `@domain`, is found by.
pub(super) fn sender_key(address: &str) -> String {
    format!("from:{}", sought(address))
}

/// What a mail to an address, or to `@domain`, is found by.
pub(super) fn recipient_key(address: &str) -> String {
    format!("to:{}", sought(address))
}

/// What a mail of a conversation of its mailbox is found by.
pub(super) fn conversation_key(conversation: ConversationId) -> String {
    format!("conversation:{conversation}")
}

/// What a mail of a thread is found by: the `Message-ID` of the mail that it begins with, in whichever mailbox.
pub(super) fn thread_key(first: &str) -> String {
    format!("thread:{}", ConversationId::of(first))
}

/// What a mail with attachments is found by.
pub(super) const ATTACHMENTS_KEY: &str = "attachments";

impl IndexedMail {
    /// What a fact says of a mail; none if it is about something else.
    pub(super) fn of(number: u64, fact: &Fact) -> Option<Self> {
        let (mailbox, message, envelope, facts, original) = match &fact.what {
            FactEvent::MessageArchived { mailbox, message, bytes, received_at, subject, from, mail, until, .. } => {
                let (received_at, subject) = (Some(*received_at), Some(subject.clone()));
                let original = Some((*bytes, *until));
                (*mailbox, *message, Envelope { received_at, subject, from: from.clone() }, mail, original)
            }
            FactEvent::MessageFailed { mailbox, message, envelope, mail, .. }
            | FactEvent::MessageGone { mailbox, message, envelope, mail } => {
                (*mailbox, *message, envelope.clone(), mail, None)
            }
            _ => return None,
        };
        let Envelope { received_at, subject, from } = envelope;
        let mut mail = Self {
            number,
            message,
            original,
            received_at: received_at.unwrap_or(fact.at),
            keys: BTreeSet::from([mailbox_key(mailbox)]),
            texts: subject.into_iter().collect(),
            people: String::new(),
            beginning: String::new(),
        };
        let MailFacts { has_attachments, conversation, .. } = facts;
        mail.keys.extend(conversation.map(conversation_key));
        mail.keys.extend(has_attachments.unwrap_or(false).then(|| ATTACHMENTS_KEY.to_owned()));
        if let Some(from) = from {
            mail.is_from(&from);
            mail.texts.push(from.clone());
            mail.people = from;
        }
        Some(mail)
    }

    fn is_from(&mut self, address: &str) {
        self.keys.insert(sender_key(address));
        if let Some((address, domain)) = compared(address) {
            self.keys.extend([sender_key(&address), sender_key(&format!("@{domain}"))]);
        }
    }

    /// Adds what its original says.
    pub(super) fn read(&mut self, outline: &Outline, mut text: String) {
        let MailHead { subject, from, to, cc, bcc, .. } = &outline.head;
        self.keys.extend(outline.head.thread().map(thread_key));
        for address in from.iter().filter_map(|person| person.address.as_deref()) {
            self.is_from(address);
        }
        let recipients = || to.iter().chain(cc).chain(bcc);
        for (address, domain) in recipients().filter_map(|person| compared(person.address.as_deref()?)) {
            self.keys.extend([recipient_key(&address), recipient_key(&format!("@{domain}"))]);
        }
        let people: Vec<String> = from.iter().chain(recipients()).map(shown).filter(|text| !text.is_empty()).collect();
        let attachments: Vec<_> = outline.attachments().collect();
        if attachments.iter().any(|file| !(is_shown_inline(file.served) && file.content_id.is_some())) {
            self.keys.insert(ATTACHMENTS_KEY.to_owned());
        }
        self.beginning = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(BEGINNING_CHARS).collect();
        // The fact has the beginning of the subject, and the sender's address.
        self.texts.retain(|known| !subject.contains(known.as_str()));
        self.texts.push(subject.clone());
        self.texts.extend(attachments.into_iter().map(|file| file.name));
        if !people.is_empty() {
            self.people = people.join(", ").chars().take(PEOPLE_CHARS).collect();
        }
        self.texts.extend(people);
        let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        self.texts.push(text);
    }

    /// The bytes of what is searched in it.
    pub(super) fn weight(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }
}

fn shown(person: &Person) -> String {
    match (&person.name, &person.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::digest::Digest;

    pub(in crate::search) fn archived(number: u64, subject: &str, from: &str) -> Fact {
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let at = Timestamp::from_second(1_700_000_000 + i64::try_from(number).unwrap()).unwrap();
        let what = FactEvent::MessageArchived {
            mailbox,
            message: MessageId::of(mailbox, &format!("AAk{number}").parse().unwrap()),
            sha256: Digest::of(b""),
            bytes: 1,
            received_at: at,
            subject: subject.to_owned(),
            from: Some(from.to_owned()),
            archived_at: None,
            until: KeptUntil::Ever,
            mail: MailFacts::default(),
        };
        Fact { id: number.to_string(), at, what }
    }

    #[test]
    fn a_mail_has_what_its_fact_and_its_original_say() {
        let mut mail = IndexedMail::of(7, &archived(7, "Bail", "Ada@X.example")).unwrap();
        assert!(mail.keys.contains("from:ada@x.example") && mail.keys.contains("from:@x.example"));
        let original = b"From: Ada <ada@x.example>\r\nReferences: <1@x.example> <2@x.example>\r\nTo: Bob <bob@Y.example>, c@z.example\r\nSubject: Bail 7\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n Bob\r\n--b\r\n\
            Content-Disposition: attachment; filename=plan.pdf\r\n\r\n%PDF\r\n--b--\r\n";
        let outline = Outline::of(original);
        let (text, _) =
            outline.text(|range| &original[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]);
        mail.read(&outline, text);
        let thread = thread_key("1@x.example");
        for key in ["to:bob@y.example", "to:@z.example", "attachments", &thread] {
            assert!(mail.keys.contains(key), "{key}: {:?}", mail.keys);
        }
        assert_eq!(mail.people, "Ada <ada@x.example>, Bob <bob@Y.example>, c@z.example");
        assert_eq!(mail.beginning, "Bonjour Bob");
        assert_eq!(mail.texts.iter().filter(|text| text.contains("Bail")).count(), 1);
        assert!(mail.texts.contains(&"plan.pdf".to_owned()));
        let void = Fact { what: FactEvent::Void, ..archived(8, "", "") };
        assert_eq!(IndexedMail::of(8, &void), None);
    }
}
