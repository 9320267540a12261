//! What a round of one member works with, and what stops it.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared::{
    app::App,
    aws::{
        table::{Key, TableError, Write},
        worker::Deadline,
    },
    base::id::{EntryId, EntryKind, MemberId},
    firm::{Firm, feed::FeedError},
    graph::{GraphCode, GraphError, ItemContainers, OutlookItemKind},
    problem::NotedProblem,
    push::{Outlook, PushChoice},
};

/// What lies in a member's Outlook is looked at this often.
pub(crate) const CHECK_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Both sides are compared as a whole this often.
pub(crate) const COMPARE_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// The pause after another changed what this round was about to change, or a container was found to be gone.
pub(crate) const CONFLICT_PAUSE: Duration = Duration::from_secs(2);
/// How many entries of a kind that Graph did not answer for are tried again first; the others follow once one of these
/// is written.
const TRIED_AGAIN_FIRST: u32 = 2;
/// After so many entries that Graph could not see to and none written, the service itself counts as failing.
const UNANSWERED_MAX: u32 = 12;

/// Why a round did not come to its end. What it did so far stays done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    /// It goes on a little later.
    #[error("the round goes on in {0:?}")]
    Wait(Duration),
    /// A container that greffe made is gone.
    #[error("the Outlook container of {0:?} items was deleted")]
    ContainerGone(OutlookItemKind),
    /// A person has to act, or Graph answered what nobody expected.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The table.
    #[error(transparent)]
    Table(TableError),
    /// The feed or the event bus.
    #[error(transparent)]
    Feed(FeedError),
}

impl From<FeedError> for PushError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Table(error) => error.into(),
            other => Self::Feed(other),
        }
    }
}

/// Whether it concerns all that is asked of a mailbox: a token serves all, and Graph counts what is asked, whatever the
/// service.
pub(crate) fn concerns_all(error: &GraphError) -> bool {
    match error {
        GraphError::Token { .. } => true,
        GraphError::Throttled { code, .. } => is_count(code),
        _ => false,
    }
}

/// Whether Graph asks to wait because too much was asked.
fn is_count(code: &GraphCode) -> bool {
    code.is("TooManyRequests") || code.is("ApplicationThrottled")
}

impl From<TableError> for PushError {
    fn from(error: TableError) -> Self {
        match error {
            // Another works at the same member this moment, or the business application changed an entry: look again.
            TableError::Conflict { .. } => Self::Wait(CONFLICT_PAUSE),
            other => Self::Table(other),
        }
    }
}

/// What keeps entries of one kind from a member's Outlook in this round.
#[derive(Debug)]
pub(crate) enum Block {
    /// The signed-in user was never asked for the right.
    NotGranted,
    /// It was noted before, and is not due to be tried again.
    Rests(NotedProblem),
    /// Microsoft refused: a person has to act.
    Refused(GraphError),
    /// It failed before, and is not due to be tried again.
    Waits,
    /// Graph could not see to it, or answered what cannot be understood.
    Fails(GraphError),
}

/// How Graph answers for single entries of one kind in this round.
#[derive(Debug, Default)]
pub(crate) struct KindAnswers {
    /// How many entries that it did not answer for before were tried again.
    tried_again: u32,
    /// Whether it answered for one of these.
    came_again: bool,
    /// Whether some of these wait for that.
    held_back: bool,
    /// How many it could not see to.
    unanswered: u32,
    /// Whether it wrote any.
    wrote: bool,
}

/// What a round works with.
pub(crate) struct Round<'a> {
    pub app: &'a App,
    pub outlook: Outlook<'a>,
    pub wish: PushChoice,
    /// Whether categories may be given colours.
    pub colors: bool,
    /// The containers, made when something is to lie in them.
    pub containers: Mutex<ItemContainers>,
    /// Held while they are written.
    pub keeping: tokio::sync::Mutex<()>,
    /// Held while the container of a kind is looked for or made.
    pub looking: BTreeMap<EntryKind, tokio::sync::Mutex<()>>,
    /// Settlements of one member touch the same counters: one at a time.
    pub settling: tokio::sync::Mutex<()>,
    pub deadline: &'a Deadline,
    /// How often a service failed before this round.
    pub failed_before: BTreeMap<EntryKind, u32>,
    /// How Graph answered in this round.
    pub answers: Mutex<BTreeMap<EntryKind, KindAnswers>>,
    /// The entries that this round has read.
    pub taken: Mutex<HashSet<EntryId>>,
    /// What is not to be tried, or no more.
    pub blocked: Mutex<BTreeMap<EntryKind, Block>>,
    /// Set when Graph asked to wait, or a person has to act for all of it: nothing new is begun.
    pub stopped: AtomicBool,
}

impl Round<'_> {
    /// The containers, as far as they are known.
    pub fn known_containers(&self) -> ItemContainers {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what is new of the containers, whatever becomes of the round. One round of a member runs at a time.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn keep(&self, news: impl FnOnce(&mut ItemContainers)) -> Result<(), TableError> {
        let _one_at_a_time = self.keeping.lock().await;
        let containers = {
            let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
            let before = containers.clone();
            news(&mut containers);
            if *containers == before {
                return Ok(());
            }
            containers.clone()
        };
        keep(self.app, self.outlook.firm, self.outlook.member, &containers).await
    }

    /// The Outlook, for what concerns a whole kind: it gets a few seconds, and more after each time that it failed.
    pub fn outlook_of(&self, kind: EntryKind) -> Outlook<'_> {
        self.outlook.patient(self.failed_before.get(&kind).copied().unwrap_or_default())
    }

    fn answers<T>(&self, kind: EntryKind, note: impl FnOnce(&mut KindAnswers) -> T) -> T {
        note(self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default())
    }

    /// Whether an entry that Graph did not answer for before is tried now.
    pub fn tries_again(&self, kind: EntryKind) -> bool {
        self.answers(kind, |answers| {
            answers.tried_again += 1;
            let tries = answers.came_again || answers.tried_again <= TRIED_AGAIN_FIRST;
            answers.held_back |= !tries;
            tries
        })
    }

    /// Graph wrote an entry; `again`: it did not answer for it before.
    pub fn wrote(&self, kind: EntryKind, again: bool) {
        self.answers(kind, |answers| {
            answers.wrote = true;
            answers.came_again |= again;
        });
    }

    /// Notes that Graph could not see to an entry. Returns whether the service itself counts as failing.
    pub fn unanswered(&self, kind: EntryKind) -> bool {
        self.answers(kind, |answers| {
            answers.unanswered += 1;
            answers.unanswered >= UNANSWERED_MAX && !answers.wrote
        })
    }

    /// Whether entries that were held back can be tried now; true once.
    pub fn frees_held_back(&self) -> bool {
        let frees = |kind| self.answers(kind, |answers| answers.came_again && std::mem::take(&mut answers.held_back));
        EntryKind::ALL.map(frees).contains(&true)
    }

    /// Begins nothing new from now on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new is to be begun.
    pub fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.deadline.is_near()
    }

    /// Whether nothing is to be done about entries of that kind.
    pub fn is_blocked(&self, kind: Option<EntryKind>) -> bool {
        kind.is_some_and(|kind| self.blocked.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&kind))
    }

    /// What Graph refuses or can't do holds up entries of one kind and not the others: nothing more is done about them
    /// in this round.
    ///
    /// Errors: `error`, where it concerns all: a dead token, or a mailbox of which too much was asked.
    pub fn hold_up(&self, kind: Option<EntryKind>, error: PushError) -> Result<(), PushError> {
        match (kind, error) {
            (Some(kind), PushError::Graph(error)) if !concerns_all(&error) => {
                let block = if error.concerns_service() { Block::Refused(error) } else { Block::Fails(error) };
                self.blocked.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_insert(block);
                Ok(())
            }
            (_, other) => Err(other),
        }
    }

    /// Whether nobody in this drain has this entry yet: one at a time works at it.
    pub fn takes(&self, entry: &EntryId) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone())
    }
}

/// Remembers the containers. One round of a member runs at a time.
pub(crate) async fn keep(
    app: &App,
    firm: &Firm,
    member: MemberId,
    containers: &ItemContainers,
) -> Result<(), TableError> {
    app.table.write(Write::overwrite(Key::containers(firm.id, member), containers)).await
}
