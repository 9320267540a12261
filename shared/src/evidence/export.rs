//! Export: ZIP files of originals with their proofs and an index, and the rest of a firm's archive, so that another
//! deployment can import all of it ([`import`](super::import)).
//!
//! An export is the archive as it was when its checkpoint was signed: what came later is not in it. Each ZIP file of
//! mails stands by itself. It is written as it is made, in constant memory whatever its size. A mail that is not as it
//! was written is left out and named; it holds up no other.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::{
    aws::table::{Key, TableError},
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
        telemetry::ErrorChain,
    },
    evidence::{
        authority::StampedCheckpoint,
        bucket::BucketError,
        erasure::ErasureOrder,
        inclusion_proof::{ProofError, SignedLog},
        log_entry::{ARCHIVED, RETENTION_CHANGED},
        log_store::CHECKPOINT,
        proof_package::{PackageError, Packer, Proven, common_files, prove, readme},
        proof_page::ProofOf,
        stamp::Stamp,
        tlog::{LogTile, TILE_WIDTH, TileKind},
        zip::{ZipFile, ZipMember},
    },
    firm::{Firm, fact::StoredFact, feed::FeedError, retention::KeptUntil},
    mail::{
        filing::{self, FilingId},
        mailbox::Mailbox,
        message::{Message, MessageState, Original},
    },
};

/// Originals that are read ahead.
const READ_AHEAD: usize = 8;
/// Items of the table in one file.
const ITEMS_PER_FILE: usize = 5_000;
/// More stamps than a log has in a hundred years.
const STAMPS_MAX: usize = 100_000;
/// Items that are read at a time.
const PAGE: usize = 1_000;

/// An export that can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log proves nothing, or can't be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It can't be written.
    #[error("write the export")]
    Write(#[from] std::io::Error),
    /// A fact is missing of those that the log has.
    #[error("fact {number} is missing, though the log has its entry")]
    FactMissing {
        /// Its number.
        number: u64,
    },
}

impl From<ProofError> for ExportError {
    fn from(error: ProofError) -> Self {
        Self::Package(error.into())
    }
}

/// A mail that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The message.
    pub message: MessageId,
    /// Why.
    pub reason: String,
}

/// A ZIP file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenZip {
    /// Its mails.
    pub mails: u64,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// The mails that were left out.
    pub left_out: Vec<LeftOut>,
}

/// The log that proves an export, and its stamp, if it has one.
pub type StampedLog<'a> = (SignedLog<'a>, Option<(Stamp, Vec<u8>)>);

/// What `index.json` and `index.csv` say of a mail.
#[derive(Debug, Serialize)]
struct Line<'a> {
    number: u64,
    message: MessageId,
    received_at: Timestamp,
    archived_at: Timestamp,
    from: Option<&'a str>,
    subject: &'a str,
    dossier: Option<&'a str>,
    has_attachments: bool,
    bytes: u64,
    sha256: Digest,
    file: String,
}

/// The names of the columns of `index.csv`.
const COLUMNS: &str =
    "number,message,received_at,archived_at,from,subject,dossier,has_attachments,bytes,sha256,file\r\n";

impl<'a> Line<'a> {
    fn of(message: &'a Message, original: &Original) -> Self {
        Self {
            number: original.number,
            message: message.id,
            received_at: message.received_at,
            archived_at: original.archived_at,
            from: message.from.as_deref(),
            subject: &message.subject,
            dossier: message.dossier(),
            has_attachments: message.has_attachments,
            bytes: original.bytes,
            sha256: original.sha256,
            file: format!("{}original.eml", folder(original.number)),
        }
    }

    /// Source: RFC 4180
    fn csv(&self) -> String {
        let Self { number, message, received_at, archived_at, has_attachments, bytes, sha256, file, .. } = self;
        let [from, subject, dossier] =
            [self.from.unwrap_or_default(), self.subject, self.dossier.unwrap_or_default()].map(quoted);
        format!(
            "{number},{message},{received_at},{archived_at},{from},{subject},{dossier},{has_attachments},{bytes},\
             {sha256},{file}\r\n"
        )
    }
}

/// A text of strangers as a cell. A spreadsheet must not take it for a formula, so one that looks like it begins with
/// an apostrophe; `index.json` has it as it is.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// What the facts of an export tell of its mails.
#[derive(Default)]
struct MailsOfFacts {
    /// How often each message was filed.
    filings: HashMap<MessageId, u32>,
    /// Until when each original is kept, where the firm has periods.
    kept: HashMap<MessageId, KeptUntil>,
    /// The mailboxes that have messages.
    mailboxes: BTreeSet<MailboxId>,
}

/// The folder of a mail.
fn folder(number: u64) -> String {
    format!("mails/{number:012}/")
}

/// A ZIP file that is being written.
struct Zip<'w> {
    file: ZipFile,
    out: &'w mut (dyn AsyncWrite + Unpin + Send),
    sha256: Sha256,
    bytes: u64,
}

impl<'w> Zip<'w> {
    fn new(at: Timestamp, out: &'w mut (dyn AsyncWrite + Unpin + Send)) -> Self {
        Self { file: ZipFile::new(at), out, sha256: Sha256::new(), bytes: 0 }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).await
    }

    async fn begin(&mut self, member: &ZipMember) -> std::io::Result<()> {
        let head = self.file.begin(member);
        self.write(&head).await
    }

    async fn add(&mut self, name: impl Into<String>, content: &[u8]) -> std::io::Result<()> {
        self.begin(&ZipMember::of(name, content)).await?;
        self.write(content).await
    }

    async fn end(mut self, mails: u64, left_out: Vec<LeftOut>) -> std::io::Result<WrittenZip> {
        let end = std::mem::replace(&mut self.file, ZipFile::new(Timestamp::UNIX_EPOCH)).end();
        self.write(&end).await?;
        self.out.flush().await?;
        Ok(WrittenZip { mails, bytes: self.bytes, sha256: self.sha256.finalize().into(), left_out })
    }
}

impl Packer<'_> {
    /// Writes the originals of these messages with their proofs by `log`, and an index. `tell` gets the bytes of each.
    ///
    /// Cost: a GET and a read of the table for each mail, and another GET for each that is larger than 4 MB.
    ///
    /// Errors: the log or `out` fails, S3 or the table refuses or does not answer. A mail that is not as it was written
    /// is no error.
    pub async fn export_mails(
        &self,
        firm: &Firm,
        (log, stamp): &mut StampedLog<'_>,
        messages: &[Message],
        out: &mut (dyn AsyncWrite + Unpin + Send),
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<WrittenZip, ExportError> {
        let at = messages.iter().filter_map(|message| Some(message.original()?.archived_at)).max();
        let mut zip = Zip::new(at.unwrap_or_default(), out);
        let (mut csv, mut json, mut left_out, mut mails) = (COLUMNS.to_owned(), Vec::new(), Vec::new(), 0);
        // What has expired is no longer there.
        let now = self.table.now();
        let gets = messages.iter().filter_map(|message| Some((message, message.original()?)));
        let gets = gets.filter(|(_, original)| !original.until.has_ended(now));
        let gets = gets.map(|(message, original)| async move {
            let fact = self.feed.stored(firm.id, original.number);
            let (read, fact) = futures::join!(self.read(firm.id, message.id, original), fact);
            (message, original, read, fact)
        });
        let gets: Vec<_> = gets.collect();
        let mut gets = stream::iter(gets).buffered(READ_AHEAD);
        while let Some((message, original, read, fact)) = gets.next().await {
            let proof = prove(log, firm.id, message, fact?.as_ref()).await;
            let ((member, bytes), Proven { entry, proof, fact }) = match (read, proof) {
                (Ok(read), Ok(proof)) => (read, proof),
                (Err(error), _) | (_, Err(error)) if is_of_the_mail(&error) => {
                    left_out.push(LeftOut { message: message.id, reason: ErrorChain(&error).to_string() });
                    continue;
                }
                (Err(error), _) | (_, Err(error)) => return Err(error.into()),
            };
            let folder = folder(original.number);
            zip.add(format!("{folder}entry.json"), &entry).await?;
            zip.add(format!("{folder}proof.txt"), proof.as_bytes()).await?;
            if let Some(fact) = fact {
                zip.add(format!("{folder}fact.json"), &fact).await?;
            }
            zip.begin(&ZipMember { name: format!("{folder}{}", member.name), ..member }).await?;
            self.write_original(firm.id, message.id, (original, bytes), &mut zip).await?;
            let line = Line::of(message, original);
            csv += &line.csv();
            json.push(serde_json::to_string(&line).unwrap_or_default());
            mails += 1;
            tell(original.bytes);
        }
        let readme = readme(firm, log, stamp.as_ref(), ProofOf::Mails(mails));
        for (name, bytes) in [readme].into_iter().chain(common_files(log, stamp.as_ref())) {
            zip.add(name, &bytes).await?;
        }
        zip.add("index.csv", csv.as_bytes()).await?;
        zip.add("index.json", format!("[{}]\n", json.join(",\n")).as_bytes()).await?;
        Ok(zip.end(mails, left_out).await?)
    }

    /// Writes the bytes of an original: those at hand, or those that are read once more.
    async fn write_original(
        &self,
        firm: FirmId,
        message: MessageId,
        (original, bytes): (&Original, Option<Bytes>),
        zip: &mut Zip<'_>,
    ) -> Result<(), ExportError> {
        if let Some(bytes) = bytes {
            return Ok(zip.write(&bytes).await?);
        }
        let broken = |source| PackageError::BrokenOff { message, source };
        let body = self.archive.open(original.key(firm, message), None).await;
        let (mut body, mut left) = (body.map_err(|source| broken(source.into()))?, original.bytes);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            left = left.checked_sub(data.len() as u64).ok_or_else(|| broken("it is longer than it was".into()))?;
            zip.write(&data).await?;
        }
        if left > 0 { Err(broken("it is shorter than it was".into()).into()) } else { Ok(()) }
    }

    /// Writes what belongs to a firm's archive beside its originals, as it was when `log` was signed: the log, and what
    /// the table has of the firm, its mailboxes, its mails and its facts.
    ///
    /// Errors: something is missing; `out`, S3 or the table fails.
    pub async fn export_rest(
        &self,
        firm: &Firm,
        log: &SignedLog<'_>,
        out: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<WrittenZip, ExportError> {
        let size = log.checkpoint.size;
        let mut zip = Zip::new(firm.created_at, out);
        zip.add("firm.json", &json(firm)).await?;
        let mailboxes = self.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm.id)).await?;
        let mailboxes: Vec<Mailbox> = mailboxes.into_iter().map(|row| row.value).collect();
        zip.add("mailboxes.json", &json(&mailboxes)).await?;
        for name in self.logs.names(firm.id, "").await? {
            if !is_of_size(&name, size) {
                continue;
            }
            let object = self.logs.find(firm.id, &name).await?;
            let object = object.ok_or_else(|| ProofError::Broken { key: name.clone() })?;
            zip.add(format!("log/{name}"), &object.bytes).await?;
        }
        zip.add(format!("log/{CHECKPOINT}"), log.note.as_bytes()).await?;
        let told = self.write_facts(firm, size, &mut zip).await?;
        for mailbox in &told.mailboxes {
            self.write_messages(firm.id, *mailbox, (size, &told), &mut zip).await?;
        }
        let stamps: Vec<(u64, StampedCheckpoint)> =
            self.table.numbered(&Key::stamp(firm.id, 0), true, STAMPS_MAX).await?;
        let stamps: Vec<_> = stamps.into_iter().filter(|(stamped, _)| *stamped <= size).collect();
        zip.add("stamps.json", &json(&stamps)).await?;
        let erasures = self.table.query_all::<ErasureOrder>(&Key::erasure_prefix(firm.id)).await?;
        let erasures = erasures.into_iter().map(|row| row.value);
        let erasures: Vec<ErasureOrder> = erasures.filter(ErasureOrder::may_be_recorded).collect();
        zip.add("erasures.json", &json(&erasures)).await?;
        Ok(zip.end(0, Vec::new()).await?)
    }

    /// Writes the facts that the log has.
    async fn write_facts(&self, of: &Firm, size: u64, zip: &mut Zip<'_>) -> Result<MailsOfFacts, ExportError> {
        let (firm, has_periods) = (of.id, of.retention.is_some());
        let (mut from, mut told) = (0, MailsOfFacts::default());
        while from < size {
            let page: Vec<(u64, StoredFact)> = self.table.numbered(&Key::fact(firm, from), true, PAGE).await?;
            let facts: Vec<(u64, StoredFact)> = page.into_iter().take_while(|(number, _)| *number <= size).collect();
            let follows = facts.iter().zip(from + 1..).find(|((number, _), expected)| number != expected);
            let number = follows.map(|(_, expected)| expected).or(facts.is_empty().then_some(from + 1));
            if let Some(number) = number {
                return Err(ExportError::FactMissing { number });
            }
            for (_, fact) in &facts {
                let filing = fact.text("id").and_then(|id| id.parse::<FilingId>().ok());
                told.filings.extend(filing.map(|of| (of.message, of.count)));
                let is_about = matches!(fact.text("type"), Some(ARCHIVED | RETENTION_CHANGED)) && has_periods;
                let message = fact.text("message").filter(|_| is_about).and_then(|id| id.parse().ok());
                told.kept.extend(message.map(|message| (message, fact.until())));
                told.mailboxes.extend(fact.text("message").and_then(|id| Some(id.parse::<MessageId>().ok()?.mailbox)));
            }
            let first = from + 1;
            from += facts.len() as u64;
            zip.add(format!("facts/{first:012}.jsonl"), &lines(&facts)).await?;
        }
        Ok(told)
    }

    /// Writes the mails of a mailbox as they were filed when the log had that size, and how they came to it.
    async fn write_messages(
        &self,
        firm: FirmId,
        mailbox: MailboxId,
        (size, told): (u64, &MailsOfFacts),
        zip: &mut Zip<'_>,
    ) -> Result<(), ExportError> {
        let (prefix, mut after, mut parts) = (Key::message_prefix(firm, mailbox), None, 0);
        let (mut messages, mut history) = (Vec::new(), Vec::new());
        loop {
            let page = self.table.query::<Message>(&prefix, after.as_ref(), PAGE).await?;
            for row in page.rows {
                let Some(message) = settled(row.value, size, &told.kept) else { continue };
                let changes = match message.filing {
                    Some(_) => filing::history(self.table, firm, message.id).await?,
                    None => Vec::new(),
                };
                let filed = told.filings.get(&message.id).copied().unwrap_or_default();
                let changes: Vec<_> = changes.into_iter().filter(|change| change.count <= filed).collect();
                let filing = changes.last().cloned();
                history.extend(changes.into_iter().map(|change| (message.id, change)));
                messages.push(Message { filing, ..message });
            }
            after = page.next;
            if messages.len() >= ITEMS_PER_FILE || after.is_none() {
                parts += 1;
                zip.add(format!("messages/{mailbox}-{parts:06}.jsonl"), &lines(&messages)).await?;
                zip.add(format!("filings/{mailbox}-{parts:06}.jsonl"), &lines(&history)).await?;
                messages.clear();
                history.clear();
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// A message that was archived when the log had that size, with no step ahead: no other deployment can take it. Or what
/// is left of one that was erased, so that it is archived nowhere again.
fn settled(message: Message, size: u64, kept: &HashMap<MessageId, KeptUntil>) -> Option<Message> {
    if message.state.is_left_over() {
        return Some(message);
    }
    let original = message.original().filter(|original| original.number <= size)?.clone();
    // As it was kept then: a later change is not in the log.
    let until = kept.get(&message.id).copied().unwrap_or(original.until);
    let state = match message.state {
        MessageState::Archived(_) => MessageState::Announced(original),
        state => state,
    };
    let state = state.kept_until(until);
    Some(Message { state, trouble: None, seen: None, ..message })
}

/// Whether an object belongs to the log as it was with that size; the head is another by then.
fn is_of_size(name: &str, size: u64) -> bool {
    if let Ok(tile) = name.parse::<LogTile>() {
        let level = if let TileKind::Hashes(level) = tile.kind { u32::from(level) } else { 0 };
        let last = (tile.n * TILE_WIDTH + tile.width).checked_shl(8 * level);
        return last.is_some_and(|last| last <= size);
    }
    let numbered = name.strip_prefix("checkpoints/").or_else(|| name.strip_prefix("stamps/")?.strip_suffix(".tsr"));
    match numbered.and_then(|number| number.parse::<u64>().ok()) {
        Some(number) => number <= size,
        None => name.starts_with("keys/"),
    }
}

/// Whether it is the mail that is not as it was written, and not the log or the network.
fn is_of_the_mail(error: &PackageError) -> bool {
    matches!(error, PackageError::Altered { .. } | PackageError::NotArchived)
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Every type that is stored is JSON, too.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn lines<T: Serialize>(items: &[T]) -> Vec<u8> {
    items.iter().flat_map(json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_looks_like_a_formula_is_none_in_a_spreadsheet() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("Re: \"quoted\", and more"), "\"Re: \"\"quoted\"\", and more\"");
    }

    #[test]
    fn what_came_after_the_checkpoint_is_no_part_of_the_log_then() {
        for (name, is_in) in [
            ("tile/0/000", true),
            ("tile/0/001.p/44", true),
            ("tile/0/001.p/45", false),
            ("tile/entries/001.p/44", true),
            ("tile/1/000.p/1", true),
            ("tile/1/000.p/2", false),
            ("checkpoints/300", true),
            ("checkpoints/301", false),
            ("stamps/299.tsr", true),
            ("stamps/301.tsr", false),
            ("keys/0a0b0c0d", true),
            ("checkpoint", false),
        ] {
            assert_eq!(is_of_size(name, 300), is_in, "{name}");
        }
    }
}
