//! Evidence: what the log costs, how fast an archive is verified, and how large a proof is.

use std::{path::Path, sync::Mutex, sync::PoisonError, time::Instant};

use jiff::Timestamp;
use shared::{
    aws::secrets::EVIDENCE_KEY,
    evidence::{
        inclusion_proof::SignedLog,
        report::Report,
        stamp::StampRoots,
        verify::{Verifier, VerifyProgress},
    },
};

use super::{
    BenchError, Row,
    cost::dollars,
    meter::{Meter, Usage},
    process,
    search::SearchSubject,
};

/// Appends of each size, for the cost.
const APPENDS: u64 = 24;
/// Mails of an append.
const SIZES: [u64; 3] = [1, 17, 64];

/// What is proved.
#[derive(Debug, Clone, clap::Args)]
pub struct Proved {
    /// Mails of the firm whose archive is verified.
    #[arg(long, default_value_t = 10_000)]
    proved: u64,
}

/// Brings the log up to the feed, and says what was asked of AWS.
async fn append(subject: &SearchSubject) -> Result<Usage, BenchError> {
    let meter = Meter::default();
    let app = subject.metered(&meter)?;
    app.secrets.read(EVIDENCE_KEY).await?;
    meter.take();
    while app.appender().append(subject.firm, Timestamp::now()).await?.more {}
    Ok(meter.take())
}

/// The memory at half of a verification and at its end, in MB.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    half: f64,
    end: f64,
}

async fn verify(subject: &SearchSubject, reads: bool) -> Result<(Report, f64, Memory), BenchError> {
    let app = subject.app();
    let key = app.secrets.read(EVIDENCE_KEY).await?;
    let memory = Mutex::new(Memory::default());
    let tell = |progress: VerifyProgress| {
        let now = process::memory_mb().unwrap_or_default();
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if progress.done * 2 <= progress.of { &mut memory.half } else { &mut memory.end };
        *most = most.max(now);
    };
    let (table, store, now, roots) = (&app.table, &app.logs, Timestamp::now(), &StampRoots::default());
    let began = Instant::now();
    let verifier = Verifier { table, store, key: &key, reads, share: None, roots, lock_days: None, now, tell: &tell };
    let report = verifier.verify().await?;
    let took = began.elapsed().as_secs_f64();
    let memory = *memory.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((report, took, memory))
}

/// The log of one firm.
pub(super) async fn log(data: &Path, scale: &Proved) -> Result<Vec<Row>, BenchError> {
    let mails = scale.proved;
    let mut subject = SearchSubject::start(data).await?;
    subject.mails(mails).await?;
    let began = Instant::now();
    let usage = append(&subject).await?;
    let rate = mails as f64 / began.elapsed().as_secs_f64();
    let puts = usage.get("s3:PUT").copied().unwrap_or_default() / mails as f64;
    let backlog = dollars(&usage) / mails as f64 * 1e6;
    let size = subject.app().appender().size(subject.firm).await?;
    let proof = SignedLog::open(&subject.app().logs, subject.firm, size).await?.prove(mails / 2).await?;
    let (by_head, seconds, memory) = verify(&subject, false).await?;
    let (by_byte, reading, _) = verify(&subject, true).await?;
    if !by_head.proved || !by_byte.proved {
        return Err(BenchError::Stuck);
    }
    let bytes: u64 = by_byte.firms.iter().map(|firm| firm.bytes_read).sum();
    let mut rows = vec![
        Row::new(format!("{mails} mails: entries appended a second"), format!("{rate:.0}"), ""),
        Row::new("PUTs a mail of a backlog", format!("{puts:.4}"), "≤ 0.02"),
        Row::new("the log adds to a million mails of a backlog, $", format!("{backlog:.3}"), "≤ 0.10"),
        Row::new("proof of one mail, bytes", proof.text.len().to_string(), "≤ 1,500"),
        Row::new(format!("verify {mails} mails by HEAD, s"), format!("{seconds:.1}"), "≤ 60 for 100,000"),
        Row::new(
            "memory up to half of it, and from there on, MB (with the engines)",
            format!("{:.0}; {:.0}", memory.half, memory.end),
            "flat",
        ),
        Row::new(
            format!("verify by every byte, s; MB/s of {:.0} MB", bytes as f64 / 1e6),
            format!("{reading:.1}; {:.0}", bytes as f64 / 1e6 / reading),
            "≥ 200 MB/s",
        ),
    ];
    for size in SIZES {
        let mut small = SearchSubject::start(&data.join(format!("by-{size}"))).await?;
        let mut sum = 0.0;
        for _ in 0..APPENDS {
            small.mails(size).await?;
            sum += dollars(&append(&small).await?);
        }
        let dollars = sum / (APPENDS * size) as f64 * 1e6;
        rows.push(Row::new(
            format!("the log adds to a million mails, {size} an append, $"),
            format!("{dollars:.2}"),
            "",
        ));
    }
    Ok(rows)
}
