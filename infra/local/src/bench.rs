//! Figures of the mail path, measured side by side with what Graph's limits allow.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use microsoft365::{Mail, NoticeFault, Times};

use crate::demo::{ADDRESS, Demo, DemoError, Mails};

/// How long Graph takes for an answer.
const LATENCY: Duration = Duration::from_millis(100);
/// The size of each mail.
const MAIL_BYTES: u64 = 20_000;
/// Graph's own limit for one mailbox.
const PARALLEL: f64 = 4.0;

/// One mailbox's backlog, from the moment it is looked at to the last mark.
#[derive(Debug)]
pub struct Throughput {
    mails: u64,
    seconds: f64,
    requests: u64,
    throttled: u64,
}

/// Takes in `mails` mails of 20 KB of one mailbox, Graph answering after 100 ms.
pub async fn throughput(data: &Path, mails: u64) -> Result<Throughput, DemoError> {
    let demo = Demo::start(data, Mails::load(None)?).await?;
    let (firm, mailbox) = demo.connect().await?;
    let world = demo.world().clone();
    while world.subscriptions(ADDRESS)?.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.faults().notices(NoticeFault::Drop, Times::Forever);
    for n in 0..mails {
        world.deliver(ADDRESS, "inbox", Mail::generated(n, MAIL_BYTES, Timestamp::now()))?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.faults().latency(LATENCY);
    let before = world.requests();
    let began = Instant::now();
    demo.look_again(firm, mailbox).await?;
    demo.wait(firm, mailbox, &|_| {}, |progress| progress.archived as u64 >= mails).await?;
    let after = world.requests();
    let figures = Throughput {
        mails,
        seconds: began.elapsed().as_secs_f64(),
        requests: after.graph - before.graph,
        throttled: after.throttled - before.throttled,
    };
    demo.stop().await;
    Ok(figures)
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ceiling = self.requests as f64 * LATENCY.as_secs_f64() / PARALLEL;
        writeln!(f, "| one mailbox, {} mails of 20 KB, answers after 100 ms | |", self.mails)?;
        writeln!(f, "| --- | --- |")?;
        writeln!(f, "| seconds, kept and marked | {:.1} |", self.seconds)?;
        writeln!(f, "| seconds that four requests at a time allow | {ceiling:.1} |")?;
        writeln!(f, "| share of what they allow | {:.1} % |", 100.0 * ceiling / self.seconds)?;
        writeln!(f, "| Graph requests for each mail | {:.3} |", self.requests as f64 / self.mails as f64)?;
        write!(f, "| answers 429 | {} |", self.throttled)
    }
}
