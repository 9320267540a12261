//! Copies: one entry in one member's Outlook, and its next step.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::{
        clock::{ATTEMPTS_MAX, next_try},
        id::EntryId,
    },
    graph::{
        Disposition, GraphCode, GraphError, ItemStep, OutlookItem, OutlookItemKind, ShownItem, StepOutcome, UNREACHABLE,
    },
    problem::{Code, NotedProblem},
    push::{PushNews, ToldProblem},
};

/// A copy that failed so often becomes a fact of the feed: some minutes after the first refusal.
const LASTING_ATTEMPTS: u32 = 3;
/// The longest pause of a copy that Graph could not see to just then.
const PASSING_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// A pushed item in Microsoft 365.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What it is.
    pub place: OutlookItemKind,
    /// Its id there.
    pub id: String,
    /// The digest of what was sent last; empty where nobody knows what it says.
    pub sent: String,
    /// Its version after that.
    pub etag: Option<String>,
    /// The digest of the item as Graph showed it after the write.
    pub seen: Option<String>,
    /// The digests of what was sent last, property by property: see [`OutlookItem::parts`]. Empty where they are not
    /// known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parts: String,
    /// The digests of the item as Graph showed it after the write, property by property: see [`ShownItem::parts`].
    /// Empty where they are not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown: String,
    /// When it was made; none for what was made before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}

impl Placed {
    /// An item of which nothing is known but that it is there.
    fn found(place: OutlookItemKind, id: String) -> Self {
        Self {
            place,
            id,
            sent: String::new(),
            etag: None,
            seen: None,
            parts: String::new(),
            shown: String::new(),
            made_at: None,
        }
    }
}

/// A pushed item that has to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftoverItem {
    /// What it is.
    pub place: OutlookItemKind,
    /// Its id.
    pub id: String,
}

/// What went wrong with a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFailure {
    /// What it means, and Microsoft's own code.
    pub problem: NotedProblem,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; none if a person has to change something first.
    pub next_try: Option<Timestamp>,
}

impl CopyFailure {
    /// Whether Graph did not answer when it was tried last.
    pub fn is_unanswered(&self) -> bool {
        self.problem.microsoft_code == UNREACHABLE
    }

    /// Whether it is no more than a wait: Microsoft did not serve it now, and was asked a few times only.
    pub fn is_passing(&self) -> bool {
        self.problem.code == Code::MicrosoftBusy && self.next_try.is_some() && self.attempts < LASTING_ATTEMPTS
    }
}

/// The state of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// It is in Outlook and up to date.
    Current,
    /// It is not written yet.
    Waiting,
    /// greffe could not write it: see the problem.
    Failed,
    /// It is not written, because the member's switch is off.
    SwitchedOff,
}

impl CopyState {
    /// The state of what should show as `wanted`. Pure.
    pub fn of(copy: Option<&Copy>, wanted: Option<&OutlookItem>) -> Self {
        let is_current = match copy {
            Some(copy) => copy.is_as(wanted) && !copy.lacks_a_value(),
            None => wanted.is_none(),
        };
        match wanted {
            None if is_current => Self::SwitchedOff,
            _ if is_current => Self::Current,
            _ if copy.is_some_and(Copy::has_failed) => Self::Failed,
            _ => Self::Waiting,
        }
    }

    /// Whether there is nothing left to do.
    pub fn is_current(self) -> bool {
        matches!(self, Self::Current | Self::SwitchedOff)
    }
}

/// One entry in one member's Outlook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Which entry.
    pub entry: EntryId,
    /// Where it lies.
    pub placed: Option<Placed>,
    /// What has to go first.
    #[serde(default)]
    pub left: Vec<LeftoverItem>,
    /// Where an item may lie whose creation was never answered.
    #[serde(default)]
    pub unsure: BTreeSet<OutlookItemKind>,
    /// How often it was made anew: each time needs a transaction id of its own.
    pub generation: u32,
    /// What went wrong.
    pub failure: Option<CopyFailure>,
    /// What the feed says of it.
    #[serde(default, skip_serializing_if = "ToldProblem::is_none")]
    pub told: ToldProblem,
}

impl Copy {
    /// One of which nothing is there.
    pub fn new(entry: EntryId) -> Self {
        Self {
            entry,
            placed: None,
            left: Vec::new(),
            unsure: BTreeSet::new(),
            generation: 0,
            failure: None,
            told: ToldProblem::default(),
        }
    }

    /// Whether nothing is left of it, as far as anybody knows.
    pub fn is_nowhere(&self) -> bool {
        self.placed.is_none() && self.left.is_empty() && self.unsure.is_empty()
    }

    /// Whether it is as `wanted` says.
    pub fn is_as(&self, wanted: Option<&OutlookItem>) -> bool {
        self.next_step(wanted).is_none()
    }

    /// The next step to where it shall be; none if it is there.
    pub fn next_step(&self, wanted: Option<&OutlookItem>) -> Option<ItemStep> {
        if let Some(place) = self.unsure.first() {
            return Some(ItemStep::Find(*place));
        }
        if let Some(left) = self.left.first() {
            return Some(ItemStep::Remove(left.place, left.id.clone()));
        }
        match (&self.placed, wanted) {
            (None, None) => None,
            (None, Some(item)) => Some(ItemStep::Create(item.clone())),
            (Some(placed), Some(item)) if placed.place == item.place() => {
                let changes = || item.changes_since(&placed.sent, &placed.parts);
                (placed.sent != item.digest()).then(|| ItemStep::Update(placed.id.clone(), item.clone(), changes()))
            }
            // Switched off, deleted, or wanted elsewhere: there it is made once it is gone here.
            (Some(placed), _) => Some(ItemStep::Remove(placed.place, placed.id.clone())),
        }
    }

    /// Takes note of what came of a step at `now`.
    pub fn stepped(&mut self, step: &ItemStep, done: StepOutcome, now: Timestamp) {
        match (step, done) {
            (ItemStep::Find(place), StepOutcome::Found(ids)) => {
                self.unsure.remove(place);
                // What is not found where it was may only have been moved: it goes before another is made.
                if let Some(lost) = self.placed.take_if(|placed| placed.place == *place && !ids.contains(&placed.id)) {
                    self.left.push(LeftoverItem { place: lost.place, id: lost.id });
                    self.gone();
                }
                let known = self.placed.as_ref().map(|placed| placed.id.clone());
                for id in ids.into_iter().filter(|id| Some(id) != known.as_ref()) {
                    match &self.placed {
                        None => {
                            self.left.retain(|left| left.id != id);
                            self.placed = Some(Placed::found(*place, id));
                        }
                        Some(_) => self.left.push(LeftoverItem { place: *place, id }),
                    }
                }
            }
            (ItemStep::Remove(_, id), _) => {
                self.left.retain(|left| left.id != *id);
                if self.placed.as_ref().is_some_and(|placed| placed.id == *id) {
                    self.gone();
                }
            }
            (ItemStep::Create(item) | ItemStep::Update(_, item, _), StepOutcome::Shown(shown)) => {
                let is_kept = item.is_kept_by(&shown);
                let ShownItem { id, etag, seen, parts: shown, .. } = shown;
                let made_at = match step {
                    ItemStep::Create(_) => Some(now),
                    _ => self.placed.as_ref().and_then(|placed| placed.made_at),
                };
                // What a person changed meanwhile, and this step did not say, is still to be set back.
                let reveals = match (step, &self.placed) {
                    (ItemStep::Update(_, item, changes), Some(before)) => {
                        changes.reveal(item.place(), &before.shown, &shown)
                    }
                    _ => false,
                };
                let sent = if reveals { String::new() } else { item.digest().to_owned() };
                let (place, parts) = (item.place(), item.parts().to_owned());
                self.placed = Some(Placed { place, id, sent, etag, seen, parts, shown, made_at });
                self.failure = (!is_kept).then(|| CopyFailure {
                    problem: NotedProblem { code: Code::ValueNotKept, microsoft_code: String::new(), since: now },
                    attempts: 1,
                    next_try: None,
                });
            }
            (ItemStep::Find(_) | ItemStep::Create(_) | ItemStep::Update(..), _) => {}
        }
    }

    /// It is not there any more; it may be made again.
    pub fn gone(&mut self) {
        self.placed = None;
        self.generation += 1;
    }

    /// Whether a refusal only shows that things are otherwise than was thought, so that another step may do.
    pub fn learned(&mut self, step: &ItemStep, error: &GraphError) -> bool {
        let duplicate = error.code().is("ErrorDuplicateTransactionId");
        match step {
            // The id was used: by an event that is there, or by one that was deleted since.
            ItemStep::Create(item) if duplicate => {
                self.generation += 1;
                self.unsure.insert(item.place());
                true
            }
            ItemStep::Update(..) if error.is_gone() => {
                self.gone();
                true
            }
            _ => false,
        }
    }

    /// Takes note that Graph may have made something all the same: it is looked for before it is made again.
    pub fn doubt(&mut self, step: &ItemStep, error: &GraphError) {
        if let ItemStep::Create(item) = step
            && error.may_have_worked()
        {
            self.unsure.insert(item.place());
        }
    }

    /// Whether it failed, and not only has to wait.
    pub fn has_failed(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| !failure.is_passing())
    }

    /// Whether something is to be changed before it is tried again: what was sent is there, but not all of it.
    pub fn lacks_a_value(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.problem.code == Code::ValueNotKept)
    }

    /// The fact to record about it, which it notes as recorded. A failure lasts if it is not tried again by itself, or
    /// failed again and again.
    pub fn news(&mut self) -> Option<PushNews> {
        let is_lasting = |failure: &&CopyFailure| failure.next_try.is_none() || failure.attempts >= LASTING_ATTEMPTS;
        let lasting = self.failure.as_ref().filter(is_lasting).map(|failure| &failure.problem);
        self.told.update(lasting, self.failure.is_none())
    }

    /// Takes note of a refusal that concerns this copy only. What passes is tried again within a quarter of an hour,
    /// however long it lasts.
    pub fn failed(&mut self, error: &GraphError, now: Timestamp) {
        let attempts = self.failure.as_ref().map_or(0, |failure| failure.attempts).saturating_add(1);
        let since = self.failure.as_ref().map_or(now, |failure| failure.problem.since);
        let code = crate::problem::of_refused_item(error);
        let microsoft_code = GraphCode::to_string(&error.code());
        let problem = NotedProblem { code, microsoft_code, since };
        let wait = match error.disposition() {
            Disposition::RetryAfter(wait) => Some(wait),
            _ if code == Code::MicrosoftBusy => Some(Duration::ZERO),
            _ => None,
        };
        let next_try = match wait {
            Some(wait) => {
                let own = next_try(attempts.min(ATTEMPTS_MAX - 1), now);
                own.map(|at| at.max(now + wait).min(now + PASSING_PAUSE_MAX))
            }
            None => next_try(attempts, now),
        };
        self.failure = Some(CopyFailure { problem, attempts, next_try });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ContactContent;

    fn item(name: &str) -> OutlookItem {
        ContactContent { display_name: name.to_owned(), ..ContactContent::default() }.into()
    }

    fn shown(id: &str) -> StepOutcome {
        StepOutcome::Shown(ShownItem {
            id: id.to_owned(),
            etag: Some("1".to_owned()),
            seen: Some("s".to_owned()),
            parts: String::new(),
            emails: BTreeSet::new(),
        })
    }

    /// Graph says that it did nothing, which need not be so.
    fn refused() -> GraphError {
        let (attempted, message, request_id) = Default::default();
        GraphError::Refused { attempted, status: 403, code: GraphCode::new("ErrorAccessDenied"), message, request_id }
    }

    fn copy() -> Copy {
        Copy::new("contact#1".parse().unwrap())
    }

    fn now() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_looked_for_and_is_not_there_is_made_again() {
        let mut copy = copy();
        walk(&mut copy, Some(&item("a")), |_| shown("x"));
        copy.unsure.insert(OutlookItemKind::Contact);
        let told = walk(&mut copy, Some(&item("a")), |step| match step {
            ItemStep::Find(_) => StepOutcome::Found(Vec::new()),
            ItemStep::Remove(..) => StepOutcome::Removed,
            _ => shown("y"),
        });
        assert_eq!(told, ["find", "remove x", "create"]);
    }

    #[test]
    fn an_address_that_outlook_did_not_keep_is_said() {
        let contact = ContactContent { emails: vec!["a@x.example".to_owned()], ..ContactContent::default() };
        let mut copy = copy();
        copy.stepped(&ItemStep::Create(contact.into()), shown("x"), now());
        assert!(copy.lacks_a_value() && copy.placed.is_some());
    }

    /// Steps until nothing is left to do.
    fn walk(
        copy: &mut Copy,
        wanted: Option<&OutlookItem>,
        mut outlook: impl FnMut(&ItemStep) -> StepOutcome,
    ) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(step) = copy.next_step(wanted) {
            told.push(match &step {
                ItemStep::Find(_) => "find".to_owned(),
                ItemStep::Remove(_, id) => format!("remove {id}"),
                ItemStep::Create(_) => "create".to_owned(),
                ItemStep::Update(id, ..) => format!("update {id}"),
            });
            let done = outlook(&step);
            copy.stepped(&step, done, now());
            assert!(told.len() < 10, "{told:?}");
        }
        told
    }

    #[test]
    fn a_copy_that_microsoft_is_not_well_for_is_tried_again_every_quarter_of_an_hour_and_a_refused_one_less_and_less() {
        fn refused(status: u16) -> GraphError {
            let (attempted, message, request_id) = (String::new(), String::new(), String::new());
            GraphError::Refused { attempted, status, code: GraphCode::new("Odd"), message, request_id }
        }
        let throttled = |seconds| GraphError::Throttled {
            attempted: String::new(),
            wait: Duration::from_secs(seconds),
            code: GraphCode::new("TooManyRequests"),
        };
        let failed = |times: u32, error: GraphError| {
            let mut copy = copy();
            (0..times).for_each(|_| copy.failed(&error, now()));
            let failure = copy.failure.unwrap();
            (failure.problem.code, failure.next_try.map(|at| at.duration_since(now()).as_secs()))
        };
        let unreadable = || GraphError::Unreadable { attempted: String::new(), source: "it is no JSON".into() };
        assert_eq!(failed(1, unreadable()), (Code::MicrosoftBusy, Some(60)));
        assert_eq!(failed(1, refused(500)), (Code::MicrosoftBusy, Some(60)));
        assert_eq!(failed(100, refused(500)), (Code::MicrosoftBusy, Some(900)));
        assert_eq!(failed(1, throttled(300)), (Code::MicrosoftBusy, Some(300)));
        assert_eq!(failed(1, throttled(3_600)), (Code::MicrosoftBusy, Some(900)));
        assert_eq!(failed(3, refused(400)), (Code::ItemRefused, Some(960)));
        assert_eq!(failed(15, refused(400)), (Code::ItemRefused, None));
    }

    #[test]
    fn it_is_made_once_changed_when_it_says_another_thing_and_removed() {
        let mut copy = copy();
        assert_eq!(walk(&mut copy, Some(&item("a")), |_| shown("x")), ["create"]);
        assert_eq!(walk(&mut copy, Some(&item("a")), |_| shown("x")), Vec::<String>::new());
        assert_eq!(walk(&mut copy, Some(&item("b")), |_| shown("x")), ["update x"]);
        assert_eq!(walk(&mut copy, None, |_| StepOutcome::Removed), ["remove x"]);
        assert!(copy.is_nowhere());
    }

    #[test]
    fn what_may_have_been_made_is_looked_for_before_it_is_made_again() {
        let mut doubted = copy();
        doubted.doubt(&ItemStep::Create(item("a")), &refused());
        let mut found = doubted.clone();
        let told = walk(&mut found, Some(&item("a")), |step| match step {
            ItemStep::Find(_) => StepOutcome::Found(vec!["x".to_owned(), "y".to_owned()]),
            ItemStep::Remove(..) => StepOutcome::Removed,
            _ => shown("x"),
        });
        assert_eq!(told, ["find", "remove y", "update x"]);
        let told = walk(&mut doubted, Some(&item("a")), |step| match step {
            ItemStep::Find(_) => StepOutcome::Found(Vec::new()),
            _ => shown("z"),
        });
        assert_eq!(told, ["find", "create"]);
    }

    #[test]
    fn what_was_doubted_and_is_wanted_no_more_goes() {
        let mut copy = copy();
        copy.doubt(&ItemStep::Create(item("a")), &refused());
        let told = walk(&mut copy, None, |step| match step {
            ItemStep::Find(_) => StepOutcome::Found(vec!["x".to_owned()]),
            _ => StepOutcome::Removed,
        });
        assert_eq!((told, copy.is_nowhere()), (vec!["find".to_owned(), "remove x".to_owned()], true));
    }
}
