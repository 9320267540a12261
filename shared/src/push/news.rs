//! Facts about failed pushes, and about failures that ended after they were recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::id::{EntryId, EntryKind, FirmId, MemberId},
    firm::fact::{Fact, FactEvent},
    problem::{Code, NotedProblem},
    push::item_tag,
};

/// What the feed says of one copy, or of the entries of one kind of a member: the problem of its last fact. It has a
/// fact for a problem once, and of another one again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToldProblem(Option<Code>);

/// What a push came to, where the feed has to tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushNews {
    /// It failed, and will not come right soon by itself.
    Failed(NotedProblem),
    /// What had failed is as it shall be.
    Recovered,
}

impl ToldProblem {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The fact to record now, which it notes as recorded. `lasting`: the problem, if it does not end by itself;
    /// `is_right`: there is no problem.
    pub fn update(&mut self, lasting: Option<&NotedProblem>, is_right: bool) -> Option<PushNews> {
        match (self.0, lasting) {
            (Some(told), Some(problem)) if told == problem.code => None,
            (_, Some(problem)) => {
                self.0 = Some(problem.code);
                Some(PushNews::Failed(problem.clone()))
            }
            (Some(_), None) if is_right => {
                self.0 = None;
                Some(PushNews::Recovered)
            }
            _ => None,
        }
    }
}

impl PushNews {
    /// The fact about one entry of a member.
    pub fn of_entry(self, (firm, member): (FirmId, MemberId), entry: &EntryId, at: Timestamp) -> Fact {
        // The id lies in the log, where nothing of the application's own may stand.
        self.fact(item_tag(firm, member, entry), member, (entry.kind, Some(entry)), at)
    }

    /// The fact about all dates, or all contacts, of a member.
    pub fn of_kind(self, member: MemberId, kind: EntryKind, at: Timestamp) -> Fact {
        self.fact(format!("{member}-{}", kind.name()), member, (kind, None), at)
    }

    fn fact(self, of: String, member: MemberId, (kind, entry): (EntryKind, Option<&EntryId>), at: Timestamp) -> Fact {
        let external_id = entry.map(|entry| entry.external.clone());
        let (name, what) = match self {
            Self::Failed(NotedProblem { code, microsoft_code, .. }) => {
                ("failed", FactEvent::PushFailed { member, kind, external_id, code, microsoft_code })
            }
            Self::Recovered => ("recovered", FactEvent::PushRecovered { member, kind, external_id }),
        };
        Fact { id: format!("{of}-{name}-{}", at.as_millisecond()), at, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(code: Code) -> NotedProblem {
        NotedProblem { code, microsoft_code: String::new(), since: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_problem_is_told_once_another_one_again_and_its_end_once() {
        let (one, other) = (noted(Code::PushForbidden), noted(Code::ValueNotKept));
        let mut told = ToldProblem::default();
        assert_eq!(told.update(None, true), None, "nothing was wrong");
        assert_eq!(told.update(Some(&one), false), Some(PushNews::Failed(one.clone())));
        assert_eq!(told.update(Some(&one), false), None);
        assert_eq!(told.update(None, false), None, "it is tried again, and nobody knows yet");
        assert_eq!(told.update(Some(&other), false), Some(PushNews::Failed(other)));
        assert_eq!(told.update(None, true), Some(PushNews::Recovered));
        assert_eq!(told.update(None, true), None);
    }

    #[test]
    fn the_id_of_a_fact_says_nothing_of_the_applications_own() {
        let (firm, member) = ("a739aab7-a7e6-460b-8ca3-13db1c3d67a3", "1d3f90f6-fac8-4fdb-ae07-de25533902e9");
        let of = (firm.parse().unwrap(), member.parse().unwrap());
        let fact = PushNews::Recovered.of_entry(of, &"date#Duval".parse().unwrap(), Timestamp::UNIX_EPOCH);
        assert!(!fact.id.contains("Duval") && fact.id.ends_with("-recovered-0"), "{}", fact.id);
    }
}
