//! The keeper: keeps originals longer where a period, the class of a dossier or a legal hold asks for it.
//!
//! It follows the feed, from a place of its own. A filing or a change of how long it is kept makes it look at that
//! message; a new period, class or hold makes it look at all messages once more. What is to be kept longer is copied to
//! its new key; then one transaction writes the message and the fact. The old copy expires by its own rule. A keeper
//! that dies in between copies again to the same key. It never keeps anything less long: what shortens is an erasure.
//!
//! With Object Lock, S3's own legal hold is on the original of each mail that a legal hold keeps, at the key that never
//! expires. The hold alone would not do: the rule of a year lays a delete marker over what S3 holds, too.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    aws::{
        table::{Key, Row, Table, TableError, Write},
        worker::Deadline,
    },
    base::{
        clock::Clock,
        id::{FirmId, MessageId},
        telemetry::ErrorChain,
    },
    firm::{
        Firm,
        fact::{Fact, FactEvent, NumberedFact, StoredFact},
        feed::{Feed, FeedError},
        retention::{KeptUntil, Retention},
    },
    mail::{
        archive::{Archive, ArchiveError, OriginalKey, StoredObject},
        legal_hold::HeldDossiers,
        message::{Message, Original},
    },
};

/// Facts that are looked at in one go.
const FACTS_PAGE: usize = 500;
/// Originals that are copied side by side.
const COPIES_AT_ONCE: usize = 8;
/// The ids of facts begin so after which all messages are looked at: of a new period, a class of a dossier, a hold.
const TRIGGERS: [&str; 3] = ["retention-", "dossier-class-", "hold-"];
/// A keeper that does not come to its end for so long is one that is stuck.
pub const KEEPER_PATIENCE: Duration = Duration::from_secs(6 * 3600);
/// A lifted hold keeps nothing longer. Only where S3 holds originals, too, all are looked at after it.
const LIFTED: &str = "hold-lifted-";

/// The class of a dossier, by which its mail is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DossierClass {
    /// The dossier.
    pub dossier: String,
    /// The name of the class.
    pub class: String,
}

/// What the log says of a change of periods. The names are in the fact only.
#[derive(Debug, Serialize)]
pub struct RetentionRecord<'a, T> {
    /// What holds from now on.
    #[serde(flatten)]
    pub now: &'a T,
    /// Who: the id of the API key or of the person, or `operator`.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Which class a dossier is of from now on, as the log says it.
#[derive(Serialize)]
struct ClassChange<'a> {
    dossier: &'a str,
    class: Option<&'a str>,
}

/// Stores the periods of a firm, and records them: with who changed them and why.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn set_periods(
    feed: &Feed,
    mut row: Row<Firm>,
    periods: Retention,
    (by, reason): (&str, &str),
    id: Uuid,
) -> Result<Firm, FeedError> {
    let firm = row.value.id;
    row.value.retention = Some(periods.clone());
    let record = RetentionRecord { now: &periods, by, reason };
    feed.record_unseen(firm, vec![Write::replace(&row)], &format!("retention-{id}"), &record).await?;
    Ok(row.value)
}

impl DossierClass {
    /// Puts a dossier in the class `of`, or in none, and records it: with who does it and why. Nothing is recorded if
    /// it is so already, in what was read `before`.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn set(
        feed: &Feed,
        firm: FirmId,
        (dossier, before): (&str, Option<Row<Self>>),
        of: Option<Self>,
        (by, reason): (&str, &str),
        id: Uuid,
    ) -> Result<(), FeedError> {
        let change = ClassChange { dossier, class: of.as_ref().map(|of| of.class.as_str()) };
        let record = RetentionRecord { now: &change, by, reason };
        let write = match (before, &of) {
            (None, None) => return Ok(()),
            (Some(row), Some(of)) if row.value == *of => return Ok(()),
            (Some(row), Some(of)) => Write::replace(&row.with(of.clone())),
            (None, Some(of)) => Write::insert(Key::dossier_class(firm, dossier), of),
            (Some(row), None) => Write::remove(&row),
        };
        feed.record_unseen(firm, vec![write], &format!("dossier-class-{id}"), &record).await
    }
}

/// The periods that a fact of the log tells of; none if it is about something else.
pub fn recorded_periods(fact: &StoredFact) -> Option<Retention> {
    fact.text("id").filter(|id| fact.is_void() && id.starts_with("retention-"))?;
    serde_json::from_value(serde_json::to_value(fact).ok()?).ok()
}

impl DossierClass {
    /// What a fact of the log says of a dossier: its class, or that it is in none. None if the fact is about something
    /// else.
    pub fn recorded(fact: &StoredFact) -> Option<(String, Option<Self>)> {
        fact.text("id").filter(|id| fact.is_void() && id.starts_with("dossier-class-"))?;
        let dossier = fact.text("dossier")?.to_owned();
        let class = fact.text("class").map(|class| Self { dossier: dossier.clone(), class: class.to_owned() });
        Some((dossier, class))
    }
}

/// How far a keeper is in a firm's feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperPlace {
    /// The facts up to this number were looked at.
    pub after: u64,
    /// Their messages are looked at once more, from the fact after this number; none if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_after: Option<u64>,
    /// Since when there are facts that it did not look at, or not once more; none if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_since: Option<Timestamp>,
    /// Whether S3 holds what was held up to here. Not before 0.2.0, and not without Object Lock.
    #[serde(default)]
    pub has_holds: bool,
}

/// What decides until when the mails of a firm are kept.
#[derive(Debug)]
pub struct KeepingRules {
    firm: FirmId,
    periods: Retention,
    classes: HashMap<String, String>,
    held: HeldDossiers,
}

impl KeepingRules {
    /// Of a firm with periods, the class of each dossier that is in one, and the dossiers under a hold.
    pub fn new(firm: FirmId, periods: Retention, classes: HashMap<String, String>, held: BTreeSet<String>) -> Self {
        Self { firm, periods, classes, held: HeldDossiers::from(held) }
    }

    /// As they are now; none of a firm that never had periods: it keeps everything for ever.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(table: &Table, firm: FirmId) -> Result<Option<Self>, TableError> {
        let Some(periods) = Firm::find(table, firm).await?.and_then(|found| found.retention) else { return Ok(None) };
        let classes = table.query_all::<DossierClass>(&Key::dossier_class_prefix(firm)).await?;
        let classes = classes.into_iter().map(|row| (row.value.dossier, row.value.class)).collect();
        Ok(Some(Self { firm, periods, classes, held: HeldDossiers::of(table, firm).await? }))
    }

    /// Until when the original of a message is to be kept; none where it has none.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn kept_until(&self, table: &Table, message: &Message) -> Result<Option<KeptUntil>, TableError> {
        let Some(original) = message.original() else { return Ok(None) };
        Ok(Some(self.end_of(message, original, self.is_held(table, message).await?)))
    }

    fn end_of(&self, message: &Message, original: &Original, is_held: bool) -> KeptUntil {
        if is_held {
            return KeptUntil::Ever;
        }
        let class = message.dossier().and_then(|dossier| self.classes.get(dossier));
        self.periods.kept_until(class.map(String::as_str), message.received_at, original.archived_at)
    }

    /// Whether a legal hold keeps a message.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn is_held(&self, table: &Table, message: &Message) -> Result<bool, TableError> {
        Ok(self.held.holding(table, self.firm, message).await?.is_some())
    }

    /// Whether a filing alone may have a mail kept longer.
    fn depends_on_dossiers(&self) -> bool {
        !self.classes.is_empty() || self.held.any().is_some()
    }
}

/// What keepers came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeptLonger {
    /// Originals that are kept longer than before.
    pub moved: u64,
    /// Originals that could not be copied: they are missing, or not as they were written.
    pub failed: u64,
    /// Since when there is something that was not looked at; none if all was.
    pub behind_since: Option<Timestamp>,
}

/// What a keeper could not do at all.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// An original is missing, or its bytes are not those that were written.
    #[error("{0} is not the original that was written there")]
    NotAsWritten(OriginalKey),
    /// An original could not be copied: S3 refuses or does not answer.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// What a keeper works with.
#[derive(Debug, Clone, Copy)]
pub struct Keeper<'a> {
    /// The messages.
    pub table: &'a Table,
    /// The facts.
    pub feed: &'a Feed,
    /// The originals.
    pub archive: &'a Archive,
    /// The clock.
    pub clock: &'a Clock,
    /// Whether the bucket has Object Lock: then S3 holds the originals that a legal hold keeps.
    pub has_lock: bool,
}

impl Keeper<'_> {
    /// Follows the feed of a firm until its end, or until `deadline` is near.
    ///
    /// Cost: a read of the firm where it has no periods, and with Object Lock two more. Otherwise a read of each fact,
    /// of each message that was filed or is looked at once more, and four requests for each original that is kept
    /// longer. With Object Lock two requests for each that is held, and one for each other that was filed and is looked
    /// at once more.
    ///
    /// Errors: S3 or the table refuses or does not answer. Its place is stored page by page.
    pub async fn follow(&self, firm: FirmId, deadline: &Deadline) -> Result<KeptLonger, KeeperError> {
        let mut kept = KeptLonger::default();
        let key = Key::keeper(firm);
        if !self.has_work(firm, &key).await? {
            return Ok(kept);
        }
        while !deadline.is_near() {
            let place = self.table.get::<KeeperPlace>(&key).await?;
            let before = match &place {
                Some(row) if self.has_lock && !row.value.has_holds => {
                    let behind_since = row.value.behind_since.or(Some(self.clock.now()));
                    KeeperPlace { after: row.value.after, again_after: Some(0), behind_since, has_holds: true }
                }
                Some(row) => row.value.clone(),
                // What was archived before there were periods is looked at once.
                None => KeeperPlace {
                    after: self.feed.last_number(firm).await?,
                    again_after: Some(0),
                    behind_since: Some(self.clock.now()),
                    has_holds: self.has_lock,
                },
            };
            let Some((next, done)) = self.step(firm, &before).await? else {
                kept.behind_since = None;
                break;
            };
            kept.behind_since = next.behind_since;
            (kept.moved, kept.failed) = (kept.moved + done.moved, kept.failed + done.failed);
            let write = match place {
                Some(row) => Write::replace(&row.with(next)),
                None => Write::insert(key.clone(), &next),
            };
            // Another keeper may be at it: what both did is the same.
            match self.table.write(write).await {
                Err(TableError::Conflict { .. }) => break,
                written => written?,
            }
        }
        if kept.moved + kept.failed > 0 {
            tracing::info!(firm.id = %firm, kept.moved, kept.failed, "originals are kept longer");
        }
        Ok(kept)
    }

    /// Whether something may keep mail of the firm longer, or did.
    async fn has_work(&self, firm: FirmId, place: &Key) -> Result<bool, TableError> {
        if KeepingRules::of(self.table, firm).await?.is_some() {
            return Ok(true);
        }
        Ok(self.has_lock
            && (HeldDossiers::of(self.table, firm).await?.any().is_some()
                || self.table.get::<KeeperPlace>(place).await?.is_some()))
    }

    /// What decides now. With Object Lock, holds do so even where there are no periods.
    async fn rules(&self, firm: FirmId) -> Result<Option<KeepingRules>, TableError> {
        let (rules, table) = (KeepingRules::of(self.table, firm).await?, self.table);
        if rules.is_some() || !self.has_lock {
            return Ok(rules);
        }
        let (periods, held) = (Retention::default(), HeldDossiers::of(table, firm).await?);
        Ok(Some(KeepingRules { firm, periods, classes: HashMap::new(), held }))
    }

    /// Looks at the next facts, new ones first; where to go on, and none at the end.
    async fn step(&self, firm: FirmId, place: &KeeperPlace) -> Result<Option<(KeeperPlace, KeptLonger)>, KeeperError> {
        let read = async |after| self.feed.stored_facts_after(firm, after, FACTS_PAGE, self.clock.now()).await;
        let (mut facts, mut next) = (read(place.after).await?, place.clone());
        let is_again = facts.is_empty();
        if let Some((reached, _)) = facts.last() {
            next.after = *reached;
            next.again_after =
                facts.iter().any(|(_, fact)| is_trigger(fact, self.has_lock)).then_some(0).or(next.again_after);
        } else if let Some(after) = place.again_after {
            facts = read(after).await?;
            facts.retain(|(number, _)| *number <= place.after);
            next.again_after = facts.last().map(|(reached, _)| *reached);
        } else {
            return Ok(None);
        }
        let is_all = next.again_after.is_none() && facts.len() < FACTS_PAGE;
        next.behind_since = place.behind_since.or(Some(self.clock.now())).filter(|_| !is_all);
        // Read after the facts: what these changed is in it.
        let Some(rules) = self.rules(firm).await? else { return Ok(None) };
        let asked: BTreeSet<MessageId> =
            facts.iter().filter_map(|(_, fact)| candidate(fact, &rules, is_again)).collect();
        let done = self.keep_all(firm, &rules, asked, is_again).await?;
        Ok(Some((next, done)))
    }

    /// Keeps those of these messages longer that are to be.
    async fn keep_all(
        &self,
        firm: FirmId,
        rules: &KeepingRules,
        asked: BTreeSet<MessageId>,
        is_again: bool,
    ) -> Result<KeptLonger, KeeperError> {
        let keys: Vec<Key> = asked.into_iter().map(|id| Key::message(firm, id)).collect();
        let (rows, now) = (self.table.get_all::<Message>(&keys).await?, self.clock.now());
        let (mut moves, mut holds) = (Vec::new(), Vec::new());
        for row in rows {
            let Some(original) = row.value.original().filter(|original| !original.until.has_ended(now)) else {
                continue;
            };
            let (is_held, is) = (rules.is_held(self.table, &row.value).await?, original.until);
            let wanted = rules.end_of(&row.value, original, is_held);
            // What expires or was never filed was never held, and a filing lifts no hold.
            let may_be_lifted = is_again && is.is_ever() && row.value.filing.is_some();
            if self.has_lock && (is_held || may_be_lifted) {
                holds.push((OriginalKey::new(firm, row.value.id, KeptUntil::Ever), is_held));
            }
            if is < wanted {
                moves.push(self.keep(firm, row, wanted));
            }
        }
        let moved: Vec<Result<Option<NumberedFact>, KeeperError>> =
            stream::iter(moves).buffer_unordered(COPIES_AT_ONCE).collect().await;
        let (mut facts, mut failed, mut ended) = (Vec::new(), 0, Ok(()));
        for moved in moved {
            match moved {
                Ok(fact) => facts.extend(fact),
                Err(error @ KeeperError::NotAsWritten(_)) => {
                    tracing::error!(firm.id = %firm, error = %ErrorChain(&error), "an original can't be kept longer");
                    failed += 1;
                }
                Err(error) => ended = Err(error),
            }
        }
        self.feed.announce_recorded(firm, &facts).await;
        failed += self.hold_all(firm, holds).await?;
        ended.map(|()| KeptLonger { moved: facts.len() as u64, failed, behind_since: None })
    }

    /// Has S3 hold originals, or lift what holds them. Returns how many are missing.
    async fn hold_all(&self, firm: FirmId, holds: Vec<(OriginalKey, bool)>) -> Result<u64, ArchiveError> {
        let looks = holds.into_iter().map(|(key, is_held)| async move {
            let is_there = self.archive.hold(key, is_held).await?;
            if !is_there {
                tracing::error!(firm.id = %firm, %key, "an original that a legal hold is about is missing");
            }
            Ok(u64::from(!is_there))
        });
        let looks: Vec<_> = looks.collect();
        stream::iter(looks).buffer_unordered(COPIES_AT_ONCE).try_fold(0, |sum, one| async move { Ok(sum + one) }).await
    }

    /// Keeps the original of a message until another time: copies it, and then writes the message and the fact. None
    /// if another changed its original meanwhile.
    ///
    /// Errors: the original is missing or not as it was written; S3 or the table refuses or does not answer.
    pub async fn keep(
        &self,
        firm: FirmId,
        mut row: Row<Message>,
        until: KeptUntil,
    ) -> Result<Option<NumberedFact>, KeeperError> {
        let (id, Some(original)) = (row.value.id, row.value.original().cloned()) else { return Ok(None) };
        let stored = StoredObject { sha256: original.sha256, bytes: original.bytes };
        let key = original.key(firm, id);
        if !self.archive.copy(key, until, stored).await? {
            return Err(KeeperError::NotAsWritten(key));
        }
        let mut tries = self.table.tries();
        loop {
            row.value.state = row.value.state.clone().kept_until(until);
            let at = self.clock.now();
            let (mailbox, StoredObject { sha256, bytes }) = (id.mailbox, stored);
            let what = FactEvent::RetentionChanged { mailbox, message: id, sha256, bytes, until };
            let fact = Fact { id: format!("{id}-kept-{}", at.as_millisecond()), at, what };
            match self.feed.record_with(firm, vec![Write::replace(&row)], vec![fact]).await {
                Ok(mut recorded) => {
                    // An erasure may have deleted what lay there before it could know that it is evidence again.
                    if self.archive.find(OriginalKey { until, ..key }).await? != Some(stored) {
                        self.archive.copy(key, until, stored).await?;
                    }
                    return Ok(recorded.pop());
                }
                // It was filed or marked meanwhile, or another keeper was faster.
                Err(FeedError::Table(error)) if tries.again(&error).await => {
                    let found = self.table.get::<Message>(&Key::message(firm, id)).await?;
                    match found.filter(|found| found.value.original().is_some_and(|now| now.until == original.until)) {
                        Some(found) => row = found,
                        None => return Ok(None),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether all messages are to be looked at once more after this fact.
fn is_trigger(fact: &StoredFact, has_lock: bool) -> bool {
    let id = fact.text("id").filter(|id| fact.is_void() && (has_lock || !id.starts_with(LIFTED)));
    id.is_some_and(|id| TRIGGERS.iter().any(|trigger| id.starts_with(trigger)))
}

/// The message that is to be looked at because of this fact.
fn candidate(fact: &StoredFact, rules: &KeepingRules, is_again: bool) -> Option<MessageId> {
    let message = fact.text("message")?.parse().ok()?;
    let is_asked = match fact.text("type")? {
        "message_archived" => is_again || rules.is_short(fact),
        "message_filed" => !is_again && rules.depends_on_dossiers(),
        // An erasure may have had it kept less long while a hold was set.
        "retention_changed" => !is_again,
        _ => false,
    };
    is_asked.then_some(message)
}

impl KeepingRules {
    /// Whether the round that archived a mail did not know the present period yet.
    fn is_short(&self, fact: &StoredFact) -> bool {
        let time = |name: &str| fact.text(name).and_then(|at| at.parse().ok());
        let times = time("received_at").zip(time("archived_at"));
        times.is_none_or(|(received, archived)| fact.until() < self.periods.kept_until(None, received, archived))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_period_a_class_and_a_hold_have_all_messages_looked_at_and_nothing_else_has() {
        for (kind, id, is) in [
            ("void", "retention-1", true),
            ("void", "dossier-class-1", true),
            ("void", "hold-1", true),
            ("void", "hold-lifted-1", false),
            ("void", "erasure-message-1", false),
            ("message_archived", "retention-1", false),
        ] {
            let fact: StoredFact = serde_json::from_value(json!({ "type": kind, "id": id })).unwrap();
            assert_eq!(is_trigger(&fact, false), is, "{kind} {id}");
            assert_eq!(is_trigger(&fact, true), is || id == "hold-lifted-1", "{kind} {id}");
        }
    }
}
