//! Figures, measured side by side with what they are compared with. AWS and Microsoft 365 are played by a process of
//! their own, so that what this one uses is greffe's; each group of rows has a process of its own too.

mod console;
mod cost;
mod evidence;
mod figure;
mod mail;
mod meter;
mod notices;
mod other_side;
mod process;
mod push;
mod scale;
mod search;
mod start;
mod webhooks;

use std::path::Path;

pub use console::Visits;
pub use cost::Month;
pub use evidence::Proved;
pub use figure::{BenchError, Row};
pub use notices::Notices;
pub use other_side::run as other_side;
pub use push::Contacts;
pub use search::Searches;
pub use start::Starts;
pub use webhooks::Posts;

/// A group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// One mailbox's backlog, against Graph's limits and a raw pump.
    Mailbox,
    /// The largest mails.
    Memory,
    /// Many mailboxes against few.
    Mailboxes,
    /// A connector of many mailboxes, signed in again.
    Reconnected,
    /// A flood of notices.
    Notices,
    /// What mail costs at AWS.
    Cost,
    /// The built functions: how soon they work, and what they weigh.
    Start,
    /// Contacts for members, against Graph's limits.
    Push,
    /// Many mailboxes in one deployment, simulated.
    Scale,
    /// The index of a firm's mails, made and asked.
    Search,
    /// The log that proves a firm's mails, appended to and verified.
    Evidence,
    /// The pages of the console.
    Console,
    /// How soon events are posted.
    Webhooks,
}

impl Group {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 13] = [
        Self::Mailbox,
        Self::Memory,
        Self::Mailboxes,
        Self::Reconnected,
        Self::Notices,
        Self::Cost,
        Self::Start,
        Self::Push,
        Self::Scale,
        Self::Search,
        Self::Evidence,
        Self::Console,
        Self::Webhooks,
    ];

    /// Whether CPU time is measured: then greffe works on one thread, as its functions do.
    pub fn counts_cpu(self) -> bool {
        matches!(self, Self::Mailbox | Self::Cost)
    }
}

/// How much is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Scale {
    /// Mails of the one mailbox.
    #[arg(long, default_value_t = 1_000)]
    pub mails: u64,
    /// Mailboxes, where there are many.
    #[arg(long, default_value_t = 200)]
    pub mailboxes: usize,
    /// Mails of each of those.
    #[arg(long, default_value_t = 20)]
    pub each: u64,
    /// Notices.
    #[command(flatten)]
    pub notices: Notices,
    /// The month that is priced.
    #[command(flatten)]
    pub month: Month,
    /// Starts.
    #[command(flatten)]
    pub starts: Starts,
    /// What is pushed.
    #[command(flatten)]
    pub contacts: Contacts,
    /// What is searched.
    #[command(flatten)]
    pub searches: Searches,
    /// What is proved.
    #[command(flatten)]
    pub proved: Proved,
    /// What is looked at.
    #[command(flatten)]
    pub visits: Visits,
    /// What is posted.
    #[command(flatten)]
    pub posts: Posts,
}

/// Measures one group, with everything below `data`.
pub async fn measure(group: Group, scale: Scale, data: &Path) -> Result<Vec<Row>, BenchError> {
    match group {
        Group::Mailbox => mail::one_mailbox(data, scale.mails, &scale.starts).await,
        Group::Memory => mail::large(data).await,
        Group::Mailboxes => mail::many_mailboxes(data, scale.mailboxes, scale.each).await,
        Group::Reconnected => mail::reconnected(data, scale.mailboxes).await,
        Group::Notices => notices::flood(data, scale.mailboxes, scale.each, &scale.notices).await,
        Group::Cost => cost::mail(data, scale.mails, &scale.month).await,
        Group::Push => push::contacts(data, &scale.contacts).await,
        Group::Scale => Ok(scale::table()),
        Group::Search => search::index(data, &scale.searches).await,
        Group::Evidence => evidence::log(data, &scale.proved).await,
        Group::Console => console::pages(data, &scale.visits).await,
        Group::Webhooks => webhooks::latency(data, &scale.posts).await,
        Group::Start => start::functions(data, &scale.starts).await,
    }
}
