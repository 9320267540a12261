//! Verification of the bucket: each original is what its entry says, and no other object is there.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::TableError,
    base::id::{FirmId, MessageId},
    evidence::{
        bucket::ObjectHead,
        report::FindingKind,
        verify::{AT_ONCE, Verifier, VerifyError},
        verify_state::{ExpectedOriginal, MOVE_SLACK, OriginalMismatch, VerifyState},
        versions::KeyVersions,
    },
    firm::retention::KeptUntil,
    mail::{
        archive::{OriginalKey, StoredObject, root},
        message::{Message, MessageState},
        retention_keeper::KeepingRules,
    },
};

/// How far a retention may fall short: an hour, because S3 counts from its own clock.
const LOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);
/// Of an object that lies there two days after its end.
const NOT_REMOVED: &str = "it has expired, and S3 did not remove it";
/// How long after its end S3 may take to remove an original. Source:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>
const EXPIRY_SLACK: SignedDuration = SignedDuration::from_hours(48);

/// What an original lies under at S3.
struct InspectedOriginal {
    key: String,
    look: ExpectedOriginal,
    /// What lies there; none if nothing does.
    there: Option<StoredObject>,
    /// Whether Object Lock keeps it as long as it should.
    is_kept: bool,
    /// Whether it is under a legal hold of S3.
    is_held: bool,
}

impl Verifier<'_> {
    /// Looks at originals, some side by side.
    pub(super) async fn compare_originals(
        &self,
        firm: FirmId,
        originals: Vec<ExpectedOriginal>,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        state.originals += originals.len() as u64;
        let looks = originals.into_iter().map(|look| async move {
            let key = OriginalKey::new(firm, look.message, look.until).to_string();
            let Some(head) = self.store.bucket.head(&key).await? else {
                return Ok(InspectedOriginal { key, look, there: None, is_kept: true, is_held: false });
            };
            let there = self.content(&key, &head).await?;
            let is_kept = look.until.has_ended(self.now)
                || self.locked_until(look.at).is_none_or(|until| head.retained_until >= Some(until));
            Ok::<_, VerifyError>(InspectedOriginal { key, look, there, is_kept, is_held: head.is_held })
        });
        let looks: Vec<_> = looks.collect();
        let mut seen = stream::iter(looks).buffered(AT_ONCE);
        while let Some(InspectedOriginal { key, look, there, is_kept, is_held }) = seen.try_next().await? {
            let ExpectedOriginal { message, expected, until, is_filed, .. } = look;
            if self.lock_days.is_some() && there.is_some() && (is_filed || is_held) {
                state.holds.push((OriginalKey::new(firm, message, until), is_held));
            }
            state.bytes_read += there.filter(|_| self.reads).map_or(0, |there| there.bytes);
            state.originals_expired += u64::from(until.has_ended(self.now));
            if there.is_none() && until.has_ended(self.now) {
                state.expired.push((message, until));
                continue;
            }
            if until.end().is_some_and(|end| end + EXPIRY_SLACK <= self.now) {
                state.note_finding(FindingKind::Extra, &key, NOT_REMOVED);
            }
            if there != Some(expected) {
                state.mismatches.push(OriginalMismatch { key, look, there });
            } else if !is_kept {
                state.note_finding(FindingKind::Unlocked, key, "Object Lock does not keep it as long as it should");
            }
        }
        Ok(())
    }

    /// Until when Object Lock has to keep what was stored then, if that is not over yet.
    fn locked_until(&self, at: Timestamp) -> Option<Timestamp> {
        let days = i64::try_from(self.lock_days?).ok()?;
        // The clock of S3 is another one.
        let until = at.checked_add(SignedDuration::from_hours(days.checked_mul(24)?) - LOCK_SLACK).ok()?;
        (until > self.now).then_some(until)
    }

    /// What lies there, by the checksum that S3 keeps or by every byte.
    async fn content(&self, key: &str, head: &ObjectHead) -> Result<Option<StoredObject>, VerifyError> {
        match head.sha256 {
            Some(sha256) if !self.reads => Ok(Some(StoredObject { sha256, bytes: head.bytes })),
            // A checksum of another kind says nothing.
            _ => self.read(key).await,
        }
    }

    /// What an object's bytes are, as far as they come.
    async fn read(&self, key: &str) -> Result<Option<StoredObject>, VerifyError> {
        let Some(found) = self.store.bucket.open(key).await? else { return Ok(None) };
        let (mut body, mut hasher, mut bytes) = (found.body, Sha256::new(), 0);
        // What breaks off is shorter than it was.
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(chunk) = frame.into_data() {
                bytes += chunk.len() as u64;
                hasher.update(&chunk);
            }
        }
        Ok(Some(StoredObject { sha256: hasher.finalize().into(), bytes }))
    }

    /// Compares the objects in the bucket with the index.
    pub(super) async fn compare_objects(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        for until in self.store.bucket.kept_until().await? {
            let folder = format!("{}firms/{firm}/", root(until));
            let known: &[&str] = if until.is_ever() { &["log/", "mailboxes/"] } else { &["mailboxes/"] };
            for name in self.store.bucket.folders(&folder).await? {
                if !known.iter().any(|known| name.strip_prefix(&folder) == Some(known)) {
                    state.note_finding(FindingKind::Extra, name, "greffe puts nothing there");
                }
            }
            self.compare_objects_below(firm, &format!("{folder}mailboxes/"), state).await?;
        }
        Ok(())
    }

    async fn compare_objects_below(
        &self,
        firm: FirmId,
        prefix: &str,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        // Not by the table: what it has of this may not be understood.
        let rules = state.keeping.before(Timestamp::MAX).rules(firm);
        let mut next = None;
        loop {
            let (objects, more) = self.store.bucket.versions(prefix, next).await?;
            let keys: Vec<(Option<OriginalKey>, &KeyVersions)> =
                objects.iter().map(|object| (OriginalKey::parse(&object.key), object)).collect();
            let asked: BTreeSet<MessageId> = keys.iter().filter_map(|(key, _)| Some((*key)?.message)).collect();
            let messages = self.read_messages(firm, asked.into_iter().collect(), state).await?;
            let mut copies = Vec::new();
            for (key, object) in keys {
                let Some(OriginalKey { message: id, until, .. }) = key else {
                    state.note_finding(FindingKind::Extra, &object.key, "greffe puts nothing there");
                    continue;
                };
                state.mailboxes.insert(id.mailbox);
                let is_of_index = messages.get(&id).is_some_and(|message| {
                    // A round that was interrupted stored it, and goes on.
                    message.original().is_some()
                        || matches!(message.state, MessageState::Pending | MessageState::Failed(_))
                });
                if !is_of_index && !state.told.contains(&id) {
                    let is_erased = state.erased.iter().any(|fact| fact.message == Some(id));
                    let erased = "it was erased, and is still there";
                    let detail = if is_erased { erased } else { "neither the index nor the log tells of it" };
                    state.note_finding(FindingKind::Extra, &object.key, detail);
                } else if until.has_ended(self.now) {
                    // What S3 removed leaves a delete marker for a while.
                    let is_late = until.end().is_some_and(|end| end + EXPIRY_SLACK <= self.now) && !object.is_hidden;
                    let is_own = messages.get(&id).and_then(Message::original).is_some_and(|own| own.until == until);
                    if is_late && !is_own {
                        state.note_finding(FindingKind::Extra, &object.key, NOT_REMOVED);
                    }
                } else if !object.is_written_once() {
                    state.rewritten.push(object.key.clone());
                } else if let Some(message) = messages.get(&id)
                    && let Some(original) = message.original()
                    && original.until != until
                    && !state.told.contains(&id)
                {
                    let has_lain = state.places.get(&id).is_some_and(|places| places.contains(&until));
                    // A round that was cut off stored it before the one that told of it.
                    let is_earlier = object.written_at.is_some_and(|at| at < original.archived_at);
                    let is_left = match until < original.until {
                        true => has_lain || self.may_be_left(id, object.written_at, state),
                        // What would be kept longer is deleted, unless Object Lock keeps it.
                        false => state.is_shortening() && has_lain && !state.is_put_back(id, object.written_at),
                    };
                    let may_be_made = until > original.until || state.is_shortening();
                    let may_stay = is_earlier
                        || is_left
                        || may_be_made && self.is_being_made(rules.as_ref(), message, until).await?;
                    match may_stay || has_lain {
                        true => copies.push((object.key.clone(), original.stored(), may_stay)),
                        false => state.note_finding(FindingKind::Extra, &object.key, "no entry says that it lay there"),
                    }
                }
            }
            self.compare_copies(copies, state).await?;
            next = more;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether a copy that expires before its original may be left of a move that broke off: one that came before the
    /// last move, or was made while an erasure had originals kept less long.
    fn may_be_left(&self, message: MessageId, written_at: Option<Timestamp>, state: &VerifyState) -> bool {
        let Some(at) = written_at.filter(|at| *at < self.now) else { return true };
        let was_moved = state.moved_at.contains_key(&message) && !state.is_put_back(message, written_at);
        let is_within = |(begun, end): &(Timestamp, Option<Timestamp>)| {
            at.duration_since(*begun) >= -MOVE_SLACK && end.is_none_or(|end| at.duration_since(end) <= MOVE_SLACK)
        };
        was_moved || state.shortenings.iter().any(is_within)
    }

    /// Whether a keeper, or a confirmed erasure, may be about to have the original of a message there.
    async fn is_being_made(
        &self,
        rules: Option<&KeepingRules>,
        message: &Message,
        until: KeptUntil,
    ) -> Result<bool, TableError> {
        match rules {
            Some(rules) => Ok(rules.kept_until(self.table, message).await? == Some(until)),
            None => Ok(false),
        }
    }

    /// Looks at objects that lie where an original did that is kept longer, or less long: copies that are left, or that
    /// are being made.
    async fn compare_copies(
        &self,
        copies: Vec<(String, StoredObject, bool)>,
        state: &mut VerifyState,
    ) -> Result<(), VerifyError> {
        let heads = copies.into_iter().map(|(key, expected, may_stay)| async move {
            let Some(head) = self.store.bucket.head(&key).await? else { return Ok((key, Err("it can't be read"))) };
            let is_locked = head.is_held || head.retained_until > Some(self.now);
            let copy = match self.content(&key, &head).await? == Some(expected) {
                false => Err("it is no copy of its message's original"),
                true if !may_stay && !is_locked => Err("the original is kept less long, and this copy would stay"),
                true => Ok(()),
            };
            Ok::<_, VerifyError>((key, copy))
        });
        let heads: Vec<_> = heads.collect();
        let mut seen = stream::iter(heads).buffered(AT_ONCE);
        while let Some((key, copy)) = seen.try_next().await? {
            match copy {
                Ok(()) => state.copies_left += 1,
                Err(detail) => state.note_finding(FindingKind::Extra, key, detail),
            }
        }
        Ok(())
    }
}
