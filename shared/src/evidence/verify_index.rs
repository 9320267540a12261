//! Verification from the index: each message of the table has a fact, but those that a round is at.
//!
//! A round stores a message as `archived` with a number of the feed, and writes the fact right afterwards. If it died
//! in between, or a reader gave the number up, the next round goes on. So a message without a fact is `archived` and no
//! more, was archived a short time ago, and nothing else has its number.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    aws::table::Key,
    base::id::{FirmId, MailboxId, MessageId},
    evidence::{
        log_entry::{LoggedEntry, entry},
        report::FindingKind,
        verify::{PAGE, Verifier, VerifyError},
        verify_state::{ArchivedFact, ExpectedOriginal, VerifyState},
    },
    firm::{fact::StoredFact, feed::FeedCounter},
    mail::{
        archive::StoredObject,
        message::{Message, MessageState, Original},
    },
};

/// How long after a mail was archived its fact may be missing: a round that died is gone on with long before.
const ROUND_PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// How far the clock of the function that archived it may differ from this one.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

/// What the facts say of a message that none of those that were read tells of.
enum Unclaimed {
    /// A round, or an erasure, is at it.
    UnderWay,
    /// Its fact came after the others were read.
    Told,
    /// Something is wrong.
    Found(FindingKind, String),
}

impl Verifier<'_> {
    /// Compares each message of the index with the log and the facts; one that no fact has yet, with the bucket.
    pub(super) async fn compare_index(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let mailboxes = self.table.query_all::<serde_json::Value>(&Key::mailbox_prefix(firm)).await?;
        let stored: BTreeSet<MailboxId> = mailboxes.iter().filter_map(|row| row.key.mailbox_of(firm)).collect();
        state.mailboxes.extend(&stored);
        for mailbox in state.mailboxes.clone() {
            self.compare_histories(firm, mailbox, state).await?;
            let (prefix, mut after) = (Key::message_prefix(firm, mailbox), None);
            loop {
                let page = self.table.inspect::<serde_json::Value>(&prefix, after.as_ref(), PAGE).await?;
                state.altered.extend(page.altered);
                let messages: Vec<_> =
                    page.rows.into_iter().filter_map(|row| state.read_indexed(mailbox, row)).collect();
                self.compare_unclaimed(firm, &messages, state).await?;
                self.compare_listed(firm, &messages, state).await?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        self.compare_dossiers(firm, state).await?;
        // A mailbox and the fact that it was deleted go together, and the facts were read last.
        let told = std::mem::take(&mut state.mailboxes_told);
        for (mailbox, number) in told.into_iter().filter(|(mailbox, _)| !stored.contains(mailbox)) {
            if !state.mailboxes_deleted.contains(&mailbox) && !state.erasures.is_emptied(mailbox) {
                let detail = format!("fact {number} tells of a mail of it, and none that it was deleted");
                state.note_finding(FindingKind::Missing, Key::mailbox(firm, mailbox), detail);
            }
        }
        Ok(())
    }

    /// Looks at the messages that no fact tells of.
    async fn compare_unclaimed(
        &self,
        firm: FirmId,
        messages: &[(MessageId, Message)],
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let mut in_work = Vec::new();
        for (id, message) in messages {
            let found = match message.original() {
                Some(original) if state.is_claimed(original.number, *id) => continue,
                Some(original) => self.judge(firm, (*id, message), original, state).await?,
                None if message.state.is_left_over() && !state.erasures.may_have(*id) => {
                    let detail = "no record says that it was erased".to_owned();
                    Unclaimed::Found(FindingKind::Extra, detail)
                }
                None => continue,
            };
            match found {
                Unclaimed::Found(kind, detail) => {
                    state.told.insert(*id);
                    state.note_finding(kind, Key::message(firm, *id), detail);
                }
                Unclaimed::Told => {}
                Unclaimed::UnderWay => in_work.extend(message.original().map(|original| ExpectedOriginal {
                    message: *id,
                    number: original.number,
                    is_sure: true,
                    expected: StoredObject { sha256: original.sha256, bytes: original.bytes },
                    until: original.until,
                    at: original.archived_at,
                    is_filed: message.filing.is_some(),
                })),
            }
        }
        self.compare_originals(firm, in_work, state).await
    }

    /// What it means that none of the facts that were read tells of this original.
    async fn judge(
        &self,
        firm: FirmId,
        (id, message): (MessageId, &Message),
        original: &Original,
        state: &mut VerifyState,
    ) -> Result<Unclaimed, VerifyError> {
        let number = original.number;
        let extra = |detail: String| Ok(Unclaimed::Found(FindingKind::Extra, detail));
        if number == 0 || state.claimant(number).is_some() {
            return extra(format!("fact {number} does not tell of it"));
        }
        if let Some(erased) = state.erased_fact(number) {
            if erased.message == Some(id) && state.erasures.is_under_way(id, number) {
                state.erasures.under_way.insert(id);
                return Ok(Unclaimed::UnderWay);
            }
            return extra(format!("fact {number} was erased"));
        }
        let fact = self.table.get::<StoredFact>(&Key::fact(firm, number)).await?.map(|row| row.value);
        match fact {
            None => {
                let counter = self.table.get::<FeedCounter>(&Key::feed_counter(firm)).await?;
                if counter.is_none_or(|row| row.value.last < number) {
                    return extra(format!("the number {number} was given to nothing yet"));
                }
            }
            // A reader gave the number up.
            Some(fact) if fact.is_void() && fact.text("id") == Some(&format!("void-{number}")) => {}
            Some(fact) => {
                let made = entry(firm, number, &fact).ok();
                let claim = made.and_then(|made| ArchivedFact::of(&LoggedEntry::read(&made)?, Some(&fact)));
                return match claim.filter(|claim| claim.message == id) {
                    Some(claim) if number > state.reached && claim.differences(message).is_empty() => {
                        Ok(Unclaimed::Told)
                    }
                    _ => extra(format!("fact {number} does not tell of it")),
                };
            }
        }
        let age = self.now.duration_since(original.archived_at);
        match &message.state {
            MessageState::Archived(_) if (-CLOCK_SLACK..=ROUND_PATIENCE).contains(&age) => Ok(Unclaimed::UnderWay),
            MessageState::Archived(_) => {
                let at = original.archived_at;
                extra(format!("no fact tells of it, and no round is at what was archived at {at}"))
            }
            state => extra(format!("it is {}, and no fact tells of it", state.name())),
        }
    }
}
