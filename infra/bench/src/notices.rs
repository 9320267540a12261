//! A flood of genuine notices, and mail arriving beneath it: how soon each is answered, and whether anything is lost.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use shared::{
    aws::secrets::{MacKey, NOTIFICATION_KEY},
    mail::notification::client_state,
};

use super::{
    BenchError, Row,
    mail::{MAIL_BYTES, Subject},
    other_side::{Answers, Flood, Order},
    process,
};

/// How often the schedule comes.
const MINUTE: Duration = Duration::from_secs(60);
/// How long the mail that arrived may take to be archived after the last notice.
const PATIENCE: Duration = Duration::from_secs(300);

/// The notices of a flood.
#[derive(Debug, Clone, clap::Args)]
pub struct Notices {
    /// Notices a second.
    #[arg(long, default_value_t = 1_000)]
    notices: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// `each` mails for each of many mailboxes, in so much time; every mailbox is spoken of again and again.
pub(super) async fn flood(data: &Path, mailboxes: usize, each: u64, told: &Notices) -> Result<Vec<Row>, BenchError> {
    let mut subject = Subject::start(data, mailboxes).await?;
    let app = &subject.host.app;
    let key = MacKey::new(&app.secrets.read(NOTIFICATION_KEY).await?);
    let firm = subject.firm.parse().map_err(|_| BenchError::Silent)?;
    let states = subject.mailboxes.iter().filter_map(|id| Some(client_state(&key, firm, id.parse().ok()?)));
    let flood = Flood {
        url: format!("http://{}/webhook", subject.host.address),
        states: states.collect(),
        per_second: told.notices,
        seconds: told.seconds,
        each,
        bytes: MAIL_BYTES,
    };
    subject.host.run(MINUTE);
    let before = process::memory_mb()?;
    let answers: Answers = subject.other.order(&Order::Flood(flood)).await?;
    let after = process::memory_mb()?;
    let (ended, wanted) = (Instant::now(), i64::try_from(answers.mails).unwrap_or(i64::MAX));
    let mut archived = subject.archived().await?;
    while archived < wanted && ended.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_secs(1)).await;
        archived = subject.archived().await?;
    }
    let drained = ended.elapsed();
    Ok(vec![
        Row::new(
            "notices, one a request",
            format!("{} in {} s", answers.taken + answers.refused, told.seconds),
            "1,000 a second",
        ),
        Row::new("answered, median, ms", format!("{:.1}", answers.median_ms), ""),
        Row::new("answered, 99th percentile, ms", format!("{:.1}", answers.p99_ms), "≤ 50"),
        Row::new("notices not taken", answers.refused.to_string(), "0"),
        Row::new(format!("mails of {wanted} in {mailboxes} mailboxes lost"), (wanted - archived).to_string(), "0"),
        Row::new("seconds until all were archived, after the last notice", format!("{:.0}", drained.as_secs_f64()), ""),
        Row::new("memory before, MB", format!("{before:.0}"), ""),
        Row::new("memory after the last notice, MB", format!("{after:.0}"), "flat"),
        Row::new("memory when all was archived, MB", format!("{:.0}", process::memory_mb()?), "flat"),
    ])
}
