//! Leaves of a message only that there was one.

use futures::{StreamExt as _, stream};

use crate::{
    aws::table::{Key, Write},
    base::id::{FirmId, MessageId},
    evidence::erasure::eraser::{AT_ONCE, Eraser},
    firm::{
        fact::{Fact, FactEvent, NumberedFact},
        feed::FeedError,
    },
    mail::message::{Message, MessageState},
};

impl Eraser<'_> {
    /// Leaves of messages that there were some, and tells of each once.
    pub(super) async fn blank_all(
        &self,
        firm: FirmId,
        messages: impl IntoIterator<Item = MessageId>,
        state: &MessageState,
    ) -> Result<(), FeedError> {
        let blanks: Vec<_> = messages.into_iter().map(|message| self.blank(firm, message, state.clone())).collect();
        let blanked: Vec<_> = stream::iter(blanks).buffer_unordered(AT_ONCE).collect().await;
        let (told, failed): (Vec<_>, Vec<_>) = blanked.into_iter().partition(Result::is_ok);
        // One that failed keeps no other from being announced: it is not recorded a second time.
        let told: Vec<NumberedFact> = told.into_iter().flatten().flatten().collect();
        self.appender.feed.announce_recorded(firm, &told).await;
        failed.into_iter().try_for_each(|failed| failed.map(drop))
    }

    /// Removes all of a message but its id and state, and records that. None if it was removed before.
    async fn blank(&self, firm: FirmId, id: MessageId, state: MessageState) -> Result<Option<NumberedFact>, FeedError> {
        let mut tries = self.table.tries();
        loop {
            let Some(mut row) = self.table.get::<Message>(&Key::message(firm, id)).await? else { return Ok(None) };
            let filings = self.table.query_all::<serde_json::Value>(&Key::filing_prefix(firm, id)).await?;
            let listed = row.value.filing.as_ref();
            let listed = listed.and_then(|last| Some(Key::filed(firm, last.dossier.as_deref()?, last.number)));
            for key in filings.into_iter().map(|row| row.key).chain(listed) {
                self.table.write(Write::discard(key)).await?;
            }
            let Some((left, what)) = left_of(row.value.clone(), &state) else {
                self.table.write(Write::discard(Key::parts(firm, id))).await?;
                return Ok(None);
            };
            row.value = left;
            let fact = Fact { id: format!("{id}-{}", state.name()), at: self.clock.now(), what };
            match self.appender.feed.record_with(firm, vec![Write::replace(&row)], vec![fact]).await {
                Ok(mut recorded) => {
                    // Afterwards: who writes them looks whether the message is still there.
                    self.table.write(Write::discard(Key::parts(firm, id))).await?;
                    return Ok(recorded.pop());
                }
                // A round works at it at this moment.
                Err(FeedError::Table(error)) if tries.again(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What is left of a message, and the fact of it; none if that is all that there was. One that expired did so at the
/// end of its year.
fn left_of(message: Message, state: &MessageState) -> Option<(Message, FactEvent)> {
    let what = event_of(message.id, &message.state, state)?;
    let state = match (state, message.original().and_then(|original| original.until.end())) {
        (MessageState::Expired { .. }, Some(at)) => MessageState::Expired { at },
        _ => state.clone(),
    };
    Some((blanked(message, state), what))
}

/// The fact of a message that is erased or removed; none if the feed has it already.
fn event_of(message: MessageId, before: &MessageState, after: &MessageState) -> Option<FactEvent> {
    let mailbox = message.mailbox;
    match (before, after) {
        (MessageState::Erased { .. }, _)
        | (MessageState::Removed { .. }, MessageState::Removed { .. })
        | (MessageState::Expired { .. }, MessageState::Expired { .. }) => None,
        (_, MessageState::Removed { by, .. }) => Some(FactEvent::MessageRemoved { mailbox, message, by: by.clone() }),
        _ => Some(FactEvent::MessageErased { mailbox, message }),
    }
}

/// What is left of a message: that there was one.
pub(in crate::evidence) fn blanked(
    Message { id, immutable_id, folder, received_at, .. }: Message,
    state: MessageState,
) -> Message {
    Message {
        id,
        immutable_id,
        folder,
        lies_in: None,
        conversation: None,
        received_at,
        subject: String::new(),
        from: None,
        recipient_domain: None,
        internet_message_id: None,
        has_attachments: false,
        page: String::new(),
        filing: None,
        trouble: None,
        seen: None,
        state,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        base::digest::Digest,
        firm::{fact::EventType, retention::KeptUntil},
        mail::message::{Original, tests::message},
    };

    fn archived(until: KeptUntil) -> Message {
        let (sha256, archived_at) = (Digest::of(b"x"), Timestamp::UNIX_EPOCH);
        let original = Original { sha256, bytes: 1, archived_at, number: 7, until };
        Message { state: MessageState::Marked(original), from: Some("eve@a.example".to_owned()), ..message(Some("D1")) }
    }

    fn at() -> Timestamp {
        "2026-06-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn of_an_erased_message_nothing_is_left_that_was_in_it() {
        let erased = MessageState::Erased { at: at(), note: None };
        let (left, what) = left_of(archived(KeptUntil::Ever), &erased).unwrap();
        let (mailbox, message) = (left.id.mailbox, left.id);
        assert_eq!(what, FactEvent::MessageErased { mailbox, message });
        assert_eq!((left.subject.as_str(), &left.from, &left.filing, left.state), ("", &None, &None, erased));
    }

    #[test]
    fn a_message_expires_at_the_end_of_its_year_whenever_it_is_erased() {
        let expired = MessageState::Expired { at: at() };
        let state = |until| left_of(archived(until), &expired).unwrap().0.state;
        let end = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(state(KeptUntil::of_year(2026)), MessageState::Expired { at: end });
        assert_eq!(state(KeptUntil::Ever), expired);
    }

    #[test]
    fn a_message_is_erased_removed_or_expired_once() {
        let erased = MessageState::Erased { at: at(), note: None };
        let removed = MessageState::Removed { at: at(), by: "operator".to_owned(), note: None };
        let expired = MessageState::Expired { at: at() };
        let of = |before: &MessageState, after: &MessageState| {
            left_of(Message { state: before.clone(), ..message(None) }, after).map(|(_, what)| what.event_type())
        };
        for state in [&erased, &removed, &expired] {
            assert_eq!(of(&erased, state), None, "of an erased one nothing is left");
            assert_eq!(of(state, state), None);
        }
        // An erasure takes the note of an earlier removal with it.
        assert_eq!(of(&removed, &erased), Some(EventType::MessageErased));
        assert_eq!(of(&expired, &erased), Some(EventType::MessageErased));
        assert_eq!(of(&expired, &removed), Some(EventType::MessageRemoved));
    }
}
