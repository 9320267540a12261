//! A copy: one entry in one member's Outlook, and the next step to where it shall be.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::{clock::next_try, id::EntryId},
    graph::{Done, GraphCode, GraphError, Item, Place, Shown, Step},
    problem::Noted,
};

/// An item of ours in Microsoft 365.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What it is.
    pub place: Place,
    /// Its id there.
    pub id: String,
    /// The digest of what was sent last; empty where nobody knows what it says.
    pub sent: String,
    /// Its version after that.
    pub etag: Option<String>,
    /// The digest of how it showed after that.
    pub seen: Option<String>,
}

/// An item of ours that has to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What it is.
    pub place: Place,
    /// Its id.
    pub id: String,
}

/// What went wrong with a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means, and Microsoft's own code.
    pub problem: Noted,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; none if a person has to change something first.
    pub next_try: Option<Timestamp>,
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
    pub left: Vec<Left>,
    /// Where something may lie that an answer never told of.
    #[serde(default)]
    pub unsure: BTreeSet<Place>,
    /// How often it was made anew: each time needs a transaction id of its own.
    pub generation: u32,
    /// What went wrong.
    pub failure: Option<Failure>,
}

impl Copy {
    /// One of which nothing is there.
    pub fn new(entry: EntryId) -> Self {
        Self { entry, placed: None, left: Vec::new(), unsure: BTreeSet::new(), generation: 0, failure: None }
    }

    /// Whether nothing is left of it, as far as anybody knows.
    pub fn is_nowhere(&self) -> bool {
        self.placed.is_none() && self.left.is_empty() && self.unsure.is_empty()
    }

    /// Whether it is as `wanted` says.
    pub fn is_as(&self, wanted: Option<&Item>) -> bool {
        self.next_step(wanted).is_none()
    }

    /// The next step to where it shall be; none if it is there.
    pub fn next_step(&self, wanted: Option<&Item>) -> Option<Step> {
        if let Some(place) = self.unsure.first() {
            return Some(Step::Find(*place));
        }
        if let Some(left) = self.left.first() {
            return Some(Step::Remove(left.place, left.id.clone()));
        }
        match (&self.placed, wanted) {
            (None, None) => None,
            (None, Some(item)) => Some(Step::Create(item.clone())),
            (Some(placed), Some(item)) if placed.place == item.place() => {
                (placed.sent != item.digest()).then(|| Step::Update(placed.id.clone(), item.clone()))
            }
            // Switched off, deleted, or wanted elsewhere: there it is made once it is gone here.
            (Some(placed), _) => Some(Step::Remove(placed.place, placed.id.clone())),
        }
    }

    /// Takes note of what came of a step.
    pub fn stepped(&mut self, step: &Step, done: Done) {
        match (step, done) {
            (Step::Find(place), Done::Found(ids)) => {
                self.unsure.remove(place);
                let known = self.placed.as_ref().map(|placed| placed.id.clone());
                for id in ids.into_iter().filter(|id| Some(id) != known.as_ref()) {
                    match &self.placed {
                        None => {
                            self.placed =
                                Some(Placed { place: *place, id, sent: String::new(), etag: None, seen: None });
                        }
                        Some(_) => self.left.push(Left { place: *place, id }),
                    }
                }
            }
            (Step::Remove(_, id), _) => {
                self.left.retain(|left| left.id != *id);
                if self.placed.as_ref().is_some_and(|placed| placed.id == *id) {
                    self.gone();
                }
            }
            (Step::Create(item) | Step::Update(_, item), Done::Shown(Shown { id, etag, seen })) => {
                self.placed = Some(Placed { place: item.place(), id, sent: item.digest().to_owned(), etag, seen });
                self.failure = None;
            }
            (Step::Find(_) | Step::Create(_) | Step::Update(..), _) => {}
        }
    }

    /// It is not there any more; it may be made again.
    pub fn gone(&mut self) {
        self.placed = None;
        self.generation += 1;
    }

    /// Whether a refusal only shows that things are otherwise than was thought, so that another step may do.
    pub fn learned(&mut self, step: &Step, error: &GraphError) -> bool {
        let duplicate = error.code().is("ErrorDuplicateTransactionId");
        match step {
            // The id was used: by an event that is there, or by one that was deleted since.
            Step::Create(item) if duplicate => {
                self.generation += 1;
                self.unsure.insert(item.place());
                true
            }
            Step::Update(..) if error.is_gone() => {
                self.gone();
                true
            }
            _ => false,
        }
    }

    /// Takes note that nobody knows whether something was made.
    pub fn doubt(&mut self, step: &Step) {
        if let Step::Create(item) = step {
            self.unsure.insert(item.place());
        }
    }

    /// Takes note of a refusal that concerns this copy only.
    pub fn failed(&mut self, error: &GraphError, now: Timestamp) {
        let attempts = self.failure.as_ref().map_or(0, |failure| failure.attempts) + 1;
        let since = self.failure.as_ref().map_or(now, |failure| failure.problem.since);
        let code = crate::problem::of_refused_item(error);
        let microsoft_code = GraphCode::to_string(&error.code());
        let problem = Noted { code, microsoft_code, since };
        self.failure = Some(Failure { problem, attempts, next_try: next_try(attempts, now) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ContactContent;

    fn item(name: &str) -> Item {
        ContactContent { display_name: name.to_owned(), ..ContactContent::default() }.into()
    }

    fn shown(id: &str) -> Done {
        Done::Shown(Shown { id: id.to_owned(), etag: Some("1".to_owned()), seen: Some("s".to_owned()) })
    }

    fn copy() -> Copy {
        Copy::new("contact#1".parse().unwrap())
    }

    /// Steps until nothing is left to do.
    fn walk(copy: &mut Copy, wanted: Option<&Item>, mut outlook: impl FnMut(&Step) -> Done) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(step) = copy.next_step(wanted) {
            told.push(match &step {
                Step::Find(_) => "find".to_owned(),
                Step::Remove(_, id) => format!("remove {id}"),
                Step::Create(_) => "create".to_owned(),
                Step::Update(id, _) => format!("update {id}"),
            });
            let done = outlook(&step);
            copy.stepped(&step, done);
            assert!(told.len() < 10, "{told:?}");
        }
        told
    }

    #[test]
    fn it_is_made_once_changed_when_it_says_another_thing_and_removed() {
        let mut copy = copy();
        assert_eq!(walk(&mut copy, Some(&item("a")), |_| shown("x")), ["create"]);
        assert_eq!(walk(&mut copy, Some(&item("a")), |_| shown("x")), Vec::<String>::new());
        assert_eq!(walk(&mut copy, Some(&item("b")), |_| shown("x")), ["update x"]);
        assert_eq!(walk(&mut copy, None, |_| Done::Removed), ["remove x"]);
        assert!(copy.is_nowhere());
    }

    #[test]
    fn what_may_have_been_made_is_looked_for_before_it_is_made_again() {
        let mut doubted = copy();
        doubted.doubt(&Step::Create(item("a")));
        let mut found = doubted.clone();
        let told = walk(&mut found, Some(&item("a")), |step| match step {
            Step::Find(_) => Done::Found(vec!["x".to_owned(), "y".to_owned()]),
            Step::Remove(..) => Done::Removed,
            _ => shown("x"),
        });
        assert_eq!(told, ["find", "remove y", "update x"]);
        let told = walk(&mut doubted, Some(&item("a")), |step| match step {
            Step::Find(_) => Done::Found(Vec::new()),
            _ => shown("z"),
        });
        assert_eq!(told, ["find", "create"]);
    }

    #[test]
    fn what_was_doubted_and_is_wanted_no_more_goes() {
        let mut copy = copy();
        copy.doubt(&Step::Create(item("a")));
        let told = walk(&mut copy, None, |step| match step {
            Step::Find(_) => Done::Found(vec!["x".to_owned()]),
            _ => Done::Removed,
        });
        assert_eq!((told, copy.is_nowhere()), (vec!["find".to_owned(), "remove x".to_owned()], true));
    }
}
