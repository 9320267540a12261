//! Trouble: the retry state of one thing that fails, so that nothing else waits for it.
//!
//! A folder, a walk, a mail or a helper stores the start of its fault, the number of tries, and the time of the next
//! try. The pauses grow. A fault that lasts is shown to people; the first success ends it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    base::id::FolderId,
    graph::{Disposition, GraphCode, GraphError},
    problem::{Code, NotedProblem},
};

/// The pause after the first failure; doubled after each further one.
const PAUSE: Duration = Duration::from_secs(30);
/// First pause of a folder's list. Only older mail waits for it.
const LIST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause. The schedule comes by each minute, so what fails is tried every quarter of an hour at least.
const PAUSE_MAX: Duration = Duration::from_secs(13 * 60);
/// How many times greffe follows a wait time named by Graph before it applies its own growing pauses.
const BELIEVED_MAX: u32 = 3;
/// After this many tries, a fault counts as lasting.
const STUBBORN_TRIES: u32 = 2;
/// What fails for a shorter time is not shown.
const SHOWN_AFTER: Duration = Duration::from_secs(3 * 60);
/// How long a whole mailbox fails before a person sees it: Graph may ask it to wait.
const MAILBOX_SHOWN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Since when a thing fails, and when it is tried next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it failed for the first time since it last worked.
    pub since: Timestamp,
    /// How often it was tried since.
    pub tries: u32,
    /// When it is tried next.
    pub not_before: Timestamp,
    /// Microsoft's own code of the last failure.
    pub microsoft_code: GraphCode,
}

impl Trouble {
    /// The trouble after one more failure with `error`. Waits as long as Graph asks, and longer after each failure.
    pub fn after(before: Option<&Self>, error: &GraphError, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        Self::noted(before, error, (PAUSE, tries), now)
    }

    /// Trouble of a folder's list, whose first pauses are short, so that a short fault delays history little.
    pub fn of_list(before: Option<&Self>, error: &GraphError, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        Self::noted(before, error, (LIST_PAUSE, tries), now)
    }

    /// Adds `pause` to the wait if the fault lasts longer than a passing one.
    pub fn resting(self, pause: Duration) -> Self {
        let not_before = if self.is_stubborn() { self.not_before + pause } else { self.not_before };
        Self { not_before, ..self }
    }

    /// Trouble that may be the whole mailbox's: the pauses grow less.
    pub fn along_with_mailbox(before: Option<&Self>, error: &GraphError, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1).min(BELIEVED_MAX);
        Self::noted(before, error, (PAUSE, tries), now)
    }

    fn noted(before: Option<&Self>, error: &GraphError, (first, tries): (Duration, u32), now: Timestamp) -> Self {
        let (microsoft_code, wait) = (error.code(), named_wait(error));
        let own = first.saturating_mul(1 << (tries - 1).min(8)).min(PAUSE_MAX);
        // Graph knows best at first.
        let pause = if !wait.is_zero() && tries <= BELIEVED_MAX { wait } else { own.max(wait) };
        Self { since: before.map_or(now, |before| before.since), tries, not_before: now + pause, microsoft_code }
    }

    /// Whether Graph said that the thing is not there.
    pub fn is_gone(&self) -> bool {
        self.microsoft_code.is("ErrorItemNotFound") || self.microsoft_code.is("ErrorFolderNotFound")
    }

    /// Whether it was tried so often that a passing fault does not explain it: what it goes by may be wrong.
    pub fn is_stubborn(&self) -> bool {
        self.tries >= STUBBORN_TRIES
    }

    /// How long until the next try.
    pub fn pause(&self, now: Timestamp) -> Duration {
        self.not_before.duration_since(now).try_into().unwrap_or_default()
    }

    /// Whether the next try is yet to come.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.not_before > now
    }
}

/// How long Graph asks to wait; zero where it names no time.
fn named_wait(error: &GraphError) -> Duration {
    match (error, error.disposition()) {
        (GraphError::Throttled { .. }, Disposition::RetryAfter(wait)) => wait,
        _ => Duration::ZERO,
    }
}

/// A part of a mailbox that can fail separately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "thing", rename_all = "snake_case")]
pub enum MailboxPart {
    /// The mailbox as a whole.
    Mailbox,
    /// New mail of a folder.
    Folder {
        /// The folder.
        id: FolderId,
        /// Its name in the mailbox's language.
        name: String,
    },
    /// The list of a folder's mails, which history and reconciliation walk along.
    List {
        /// The folder.
        id: FolderId,
        /// Its name in the mailbox's language.
        name: String,
    },
    /// The tree of folders.
    Tree,
    /// The subscription to change notifications.
    Notifications,
    /// The master list of categories.
    Categories,
    /// The marks: none can be set.
    Marks,
    /// The list of the newest mails.
    Newest,
}

impl MailboxPart {
    /// The entry of the catalogue that explains it.
    pub fn code(&self) -> Code {
        match self {
            Self::Mailbox | Self::Newest => Code::MicrosoftBusy,
            Self::Folder { .. } => Code::FolderUnreadable,
            Self::List { .. } => Code::FolderListUnreadable,
            Self::Tree => Code::FolderTreeUnreadable,
            Self::Notifications => Code::NotificationsMissing,
            Self::Categories => Code::CategoriesUnavailable,
            Self::Marks => Code::MarksMissing,
        }
    }

    /// The folder and its name, of which it is a part.
    pub fn folder(&self) -> Option<(&FolderId, &str)> {
        match self {
            Self::Folder { id, name } | Self::List { id, name } => Some((id, name)),
            _ => None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.folder().map(|(id, _)| id) == other.folder().map(|(id, _)| id)
    }
}

/// A thing that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What fails.
    pub thing: MailboxPart,
    /// Since when.
    pub trouble: Trouble,
}

impl Fault {
    /// What people are shown of it.
    pub fn noted(&self) -> NotedProblem {
        let microsoft_code = self.trouble.microsoft_code.to_string();
        NotedProblem { code: self.thing.code(), microsoft_code, since: self.trouble.since }
    }
}

/// All that fails in one mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The trouble of a thing.
    pub fn of(&self, thing: &MailboxPart) -> Option<&Trouble> {
        self.0.iter().find(|fault| fault.thing.is_same(thing)).map(|fault| &fault.trouble)
    }

    /// Whether a thing fails, and its next try is yet to come.
    pub fn rests(&self, thing: &MailboxPart, now: Timestamp) -> bool {
        self.of(thing).is_some_and(|trouble| trouble.waits(now))
    }

    /// Notes that a thing fails.
    pub fn note(&mut self, thing: MailboxPart, trouble: Trouble) {
        self.end(&thing);
        self.0.push(Fault { thing, trouble });
    }

    /// Notes that a thing works.
    pub fn end(&mut self, thing: &MailboxPart) {
        self.0.retain(|fault| !fault.thing.is_same(thing));
    }

    /// Merges another round's changes, from `before` to `after`, into these faults. Parts that it did not change stay.
    #[must_use]
    pub fn changed(mut self, before: &Self, after: &Self) -> Self {
        for fault in before.0.iter().filter(|fault| after.of(&fault.thing).is_none()) {
            self.end(&fault.thing);
        }
        for fault in after.0.iter().filter(|fault| before.of(&fault.thing) != Some(&fault.trouble)) {
            self.note(fault.thing.clone(), fault.trouble.clone());
        }
        self
    }

    /// Forgets folders that are not kept any more.
    pub fn retain_folders(&mut self, is_kept: impl Fn(&FolderId) -> bool) {
        self.0.retain(|fault| fault.thing.folder().is_none_or(|(id, _)| is_kept(id)));
    }

    /// Faults that have lasted long enough to be shown, those of the longest standing first.
    pub fn lasting(&self, now: Timestamp) -> Vec<&Fault> {
        let after = |fault: &Fault| if fault.thing == MailboxPart::Mailbox { MAILBOX_SHOWN_AFTER } else { SHOWN_AFTER };
        // While Graph has the whole mailbox wait, what it says of a folder is the mailbox's matter.
        let waits = self.of(&MailboxPart::Mailbox).map(|trouble| &trouble.microsoft_code);
        let own = |fault: &&Fault| fault.thing == MailboxPart::Mailbox || waits != Some(&fault.trouble.microsoft_code);
        let mut lasting: Vec<&Fault> =
            self.0.iter().filter(own).filter(|fault| fault.trouble.since + after(fault) <= now).collect();
        lasting.sort_by_key(|fault| fault.trouble.since);
        lasting
    }

    /// When something is tried next without which new mail is missing.
    pub fn due(&self) -> impl Iterator<Item = Timestamp> + '_ {
        let holds = |thing: &MailboxPart| matches!(thing, MailboxPart::Folder { .. } | MailboxPart::Tree);
        self.0.iter().filter(move |fault| holds(&fault.thing)).map(|fault| fault.trouble.not_before)
    }

    /// When the list of a folder is tried next, which older mail reads.
    pub fn lists_due(&self) -> impl Iterator<Item = Timestamp> + '_ {
        let lists = self.0.iter().filter(|fault| matches!(fault.thing, MailboxPart::List { .. }));
        lists.map(|fault| fault.trouble.not_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(wait: Option<u64>) -> GraphError {
        let (attempted, code) = (String::new(), GraphCode::new("ErrorServerBusy"));
        match wait {
            Some(seconds) => GraphError::Throttled { attempted, wait: Duration::from_secs(seconds), code },
            None => {
                let (message, request_id) = (String::new(), String::new());
                GraphError::Refused { attempted, status: 503, code, message, request_id }
            }
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour_and_are_never_shorter_than_graph_asks() {
        let mut trouble = None;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let next = Trouble::after(trouble.as_ref(), &error(None), at(0));
            pauses.push(next.not_before.as_second());
            trouble = Some(next);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 780, 780, 780]);
        assert_eq!(Trouble::after(None, &error(Some(77)), at(0)).not_before, at(77));
        let of_list = |before: Option<&Trouble>| Trouble::of_list(before, &error(None), at(0));
        assert_eq!((of_list(None).not_before, of_list(Some(&of_list(None))).not_before), (at(5), at(10)));
    }

    #[test]
    fn a_fault_is_shown_once_it_lasts_and_ends_with_its_thing() {
        let folder = |name: &str| MailboxPart::Folder { id: "a".parse().unwrap(), name: name.to_owned() };
        let mut faults = Faults::default();
        faults.note(folder("Inbox"), Trouble::after(None, &error(None), at(0)));
        let trouble = Trouble::after(faults.of(&folder("Inbox")), &error(None), at(100));
        faults.note(folder("Renamed"), trouble);
        assert_eq!(faults.lasting(at(100)), Vec::<&Fault>::new());
        assert_eq!(faults.lasting(at(180)).len(), 1);
        assert!(faults.rests(&folder(""), at(150)) && !faults.rests(&MailboxPart::Tree, at(150)));
        faults.end(&folder(""));
        assert_eq!(faults, Faults::default());
    }

    #[test]
    fn what_graph_says_of_a_folder_while_the_whole_mailbox_waits_is_the_mailboxs_matter() {
        let folder = MailboxPart::Folder { id: "a".parse().unwrap(), name: "Inbox".to_owned() };
        let mut faults = Faults::default();
        for thing in [folder, MailboxPart::Mailbox] {
            faults.note(thing, Trouble::after(None, &error(Some(10)), at(0)));
        }
        assert_eq!(faults.lasting(at(600)), Vec::<&Fault>::new());
        let shown: Vec<&MailboxPart> = faults.lasting(at(3_600)).into_iter().map(|fault| &fault.thing).collect();
        assert_eq!(shown, [&MailboxPart::Mailbox]);
    }
}
