//! The proof of a mail as files that leave the house: the original, what proves it, and a page that says how.
//!
//! Everything is checked before it is given out: the entry against the signed log, the index and the fact against the
//! entry, and every byte of the original.

use aws_smithy_runtime_api::box_error::BoxError;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, future::Either, stream};
use http_body_util::{BodyExt as _, BodyStream};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    aws::table::{Key, Table, TableError},
    base::{
        digest::Digest,
        id::{FirmId, MessageId},
    },
    evidence::{
        authority::StampedCheckpoint,
        inclusion_proof::{LogEntryProof, ProofError, SignedLog},
        log_store::{LogStore, kept_checkpoint, kept_stamp, key},
        proof_page::{ProofFacts, ProofOf, ProvedMail, SCRIPT, page},
        stamp::Stamp,
        zip::{ZipFile, ZipMember},
    },
    firm::{
        Firm,
        fact::StoredFact,
        feed::{Feed, FeedError},
        log_due::LogDue,
    },
    mail::{
        archive::{Archive, OriginalKey},
        message::{Message, Original},
    },
};

/// The files of a proof without the original have fewer bytes.
pub const FILES_BYTES_MAX: u64 = 256 << 10;
/// An original up to this size is read once; a larger one a second time, as it is given out.
const WHOLE_BYTES_MAX: u64 = 4 << 20;

/// A proof that can't be given.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The message has no original.
    #[error("the message has no original")]
    NotArchived,
    /// The log does not reach that far yet.
    #[error("fact {number} is not in the log yet")]
    NotLogged {
        /// The fact by which the message was archived.
        number: u64,
    },
    /// The log says another thing than what is there.
    #[error("{what} is missing, or is not what the log says")]
    Altered {
        /// The key of an object or of an item.
        what: String,
    },
    /// The log proves nothing, or can't be read.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// S3 breaks off.
    #[error("read the original of message {message}")]
    BrokenOff {
        /// The message.
        message: MessageId,
        /// What broke.
        #[source]
        source: BoxError,
    },
}

/// What packages are made from.
#[derive(Debug, Clone, Copy)]
pub struct Packer<'a> {
    /// The index.
    pub table: &'a Table,
    /// The facts.
    pub feed: &'a Feed,
    /// The logs.
    pub logs: &'a LogStore,
    /// The originals.
    pub archive: &'a Archive,
}

/// A proof, as a ZIP file.
#[derive(Debug)]
pub struct ProofPackage {
    archive: Archive,
    key: OriginalKey,
    before: Bytes,
    /// How long the original is that comes next, and its bytes, if they are at hand.
    original: Option<(u64, Option<Bytes>)>,
    after: Bytes,
}

/// A mail whose entry is in the log, and says what the index and the fact say.
pub(super) struct Proven {
    /// The entry.
    pub(super) entry: Vec<u8>,
    /// The proof that it is in the log.
    pub(super) proof: String,
    /// The fact with its salt, if there is one.
    pub(super) fact: Option<Vec<u8>>,
}

/// What an entry says of an original.
#[derive(Deserialize)]
struct EntryLine {
    message: Option<MessageId>,
    sha256: Option<Digest>,
    bytes: Option<u64>,
    fact: Option<Digest>,
}

/// Proves a message: its entry against the signed log, the index and the fact against the entry.
///
/// Errors: it has no original; something is not as it was written; S3 refuses or does not answer.
pub(super) async fn prove(
    log: &mut SignedLog<'_>,
    firm: FirmId,
    found: &Message,
    fact: Option<&StoredFact>,
) -> Result<Proven, PackageError> {
    let original = found.original().ok_or(PackageError::NotArchived)?;
    let LogEntryProof { entry, text } = log.prove(original.number).await?;
    let altered = |what: String| PackageError::Altered { what };
    let line: EntryLine =
        serde_json::from_slice(&entry).map_err(|_| altered(key(firm, &kept_checkpoint(log.checkpoint.size))))?;
    let logged = (line.message, line.sha256, line.bytes);
    if logged != (Some(found.id), Some(original.sha256), Some(original.bytes)) {
        return Err(altered(Key::message(firm, found.id).to_string()));
    }
    // One that was erased leaves its digest only.
    let fact = fact.and_then(StoredFact::canonical);
    if fact.as_deref().is_some_and(|fact| line.fact != Some(Digest::of(fact))) {
        return Err(altered(Key::fact(firm, original.number).to_string()));
    }
    Ok(Proven { entry, proof: text, fact })
}

/// The page that goes with a proof of `of` by this log, in the firm's language.
pub(super) fn readme(
    firm: &Firm,
    log: &SignedLog<'_>,
    stamp: Option<&(Stamp, Vec<u8>)>,
    of: ProofOf<'_>,
) -> (&'static str, Vec<u8>) {
    let (log_size, stamped_at) = (log.checkpoint.size, stamp.map(|(stamp, _)| stamp.at));
    let facts = ProofFacts { firm: &firm.name, log_size, keys: &log.keys, stamped_at, of };
    ("README.html", page(firm.language, &facts).into_bytes())
}

/// What goes with every proof by this log: the script, the checkpoint, the keys and the stamp.
pub(super) fn common_files(
    log: &SignedLog<'_>,
    stamp: Option<&(Stamp, Vec<u8>)>,
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let keys = log.keys.texts().iter().map(|key| format!("{key}\n")).collect::<String>();
    let files = [
        ("check.py", Some(SCRIPT.as_bytes().to_vec())),
        ("checkpoint.txt", Some(log.note.clone().into_bytes())),
        ("key.txt", Some(keys.into_bytes())),
        ("key.pem", log.keys.pem().map(String::into_bytes)),
        ("stamp.tsr", stamp.map(|(_, answer)| answer.clone())),
    ];
    files.into_iter().filter_map(|(name, bytes)| Some((name, bytes?)))
}

impl Packer<'_> {
    /// How many entries the firm's log has, as far as the index knows; there is a checkpoint of that size.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn log_size(&self, firm: FirmId) -> Result<u64, TableError> {
        Ok(self.table.get::<LogDue>(&Key::log_due(firm)).await?.map_or(0, |row| row.value.size))
    }

    /// The proof of one message, with or without its original.
    ///
    /// Cost: up to ten GETs, one of them of the original, or two where that is larger than 4 MB.
    ///
    /// Errors: the message has no original, or the log has it not yet; something is not as it was written; S3 or the
    /// table refuses or does not answer.
    pub async fn message(&self, firm: &Firm, found: &Message, whole: bool) -> Result<ProofPackage, PackageError> {
        let original = found.original().ok_or(PackageError::NotArchived)?;
        let number = original.number;
        let size = self.log_size(firm.id).await?;
        if size < number {
            return Err(PackageError::NotLogged { number });
        }
        let (mut log, stamp) = self.find_signed_log(firm.id, number, size).await?;
        let fact = self.feed.stored(firm.id, number).await?;
        let Proven { entry, proof, fact } = prove(&mut log, firm.id, found, fact.as_ref()).await?;
        let read = if whole { Some(self.read(firm.id, found.id, original).await?) } else { None };
        let mail = ProvedMail {
            subject: &found.subject,
            from: found.from.as_deref(),
            received_at: found.received_at,
            archived_at: original.archived_at,
            sha256: original.sha256,
            bytes: original.bytes,
            number,
            has_original: whole,
        };
        let readme = readme(firm, &log, stamp.as_ref(), ProofOf::Mail(mail));
        let own = [("entry.json", Some(entry)), ("fact.json", fact), ("proof.txt", Some(proof.into_bytes()))];
        let own = own.into_iter().filter_map(|(name, bytes)| Some((name, bytes?)));
        let files = [readme].into_iter().chain(own).chain(common_files(&log, stamp.as_ref()));
        let (mut zip, mut before) = (ZipFile::new(original.archived_at), Vec::new());
        for (name, bytes) in files {
            before.extend(zip.begin(&ZipMember::of(name, &bytes)));
            before.extend(bytes);
        }
        let key = original.key(firm.id, found.id);
        let original = read.map(|(member, bytes)| {
            before.extend(zip.begin(&member));
            (u64::from(member.bytes), bytes)
        });
        let (before, after) = (before.into(), zip.end().into());
        Ok(ProofPackage { archive: self.archive.clone(), key, before, original, after })
    }

    /// The log as it was stamped first with entry `number` in it, or else as it is with `size` entries; and the stamp,
    /// with the authority's answer.
    ///
    /// Errors: the log or the stamp is not as it was written; S3 or the table refuses or does not answer.
    pub async fn find_signed_log(
        &self,
        firm: FirmId,
        number: u64,
        size: u64,
    ) -> Result<(SignedLog<'_>, Option<(Stamp, Vec<u8>)>), PackageError> {
        // The first stamp of the entry says the most about its time.
        let first: Vec<(u64, StampedCheckpoint)> =
            self.table.numbered(&Key::stamp(firm, number.saturating_sub(1)), true, 1).await?;
        let Some((stamped, _)) = first.first().filter(|(stamped, _)| *stamped <= size) else {
            return Ok((SignedLog::open(self.logs, firm, size).await?, None));
        };
        let log = SignedLog::open(self.logs, firm, *stamped).await?;
        let stamp = self.read_stamp(firm, *stamped, &log).await?;
        Ok((log, Some(stamp)))
    }

    /// The stamp of the log as it was then, and the authority's answer.
    async fn read_stamp(&self, firm: FirmId, size: u64, log: &SignedLog<'_>) -> Result<(Stamp, Vec<u8>), PackageError> {
        let name = kept_stamp(size);
        let altered = || PackageError::Altered { what: key(firm, &name) };
        let answer = self.logs.find(firm, &name).await.map_err(ProofError::from)?.ok_or_else(altered)?.bytes;
        let stamp = Stamp::open(&answer, log.note.as_bytes()).map_err(|_| altered())?;
        Ok((stamp, answer))
    }

    /// Reads the original to its end: what it is as a member of a ZIP file, and its bytes, if they are few.
    pub(super) async fn read(
        &self,
        firm: FirmId,
        message: MessageId,
        expected: &Original,
    ) -> Result<(ZipMember, Option<Bytes>), PackageError> {
        let key = expected.key(firm, message).to_string();
        let altered = || PackageError::Altered { what: key.clone() };
        let found = self.logs.bucket.open(&key).await.map_err(ProofError::from)?;
        let mut body = found.ok_or_else(altered)?.body;
        let (mut sha256, mut crc32, mut bytes) = (Sha256::new(), crc32fast::Hasher::new(), 0u64);
        let mut whole = (expected.bytes <= WHOLE_BYTES_MAX).then(Vec::new);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|source| PackageError::BrokenOff { message, source })?;
            let Ok(data) = frame.into_data() else { continue };
            sha256.update(&data);
            crc32.update(&data);
            bytes += data.len() as u64;
            if bytes > expected.bytes {
                break;
            }
            if let Some(whole) = &mut whole {
                whole.extend_from_slice(&data);
            }
        }
        if Digest::from(sha256.finalize()) != expected.sha256 || bytes != expected.bytes {
            return Err(altered());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let member = ZipMember { name: "original.eml".to_owned(), bytes, crc32: crc32.finalize() };
        Ok((member, whole.map(Bytes::from)))
    }
}

impl ProofPackage {
    /// Its length.
    pub fn bytes(&self) -> u64 {
        let original = self.original.as_ref().map_or(0, |(bytes, _)| *bytes);
        self.before.len() as u64 + original + self.after.len() as u64
    }

    /// Its bytes, as they come.
    ///
    /// Errors, within the stream: S3 refuses or does not answer, or the object ends early.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
        let Self { archive, key, before, original, after } = self;
        let one = |bytes: Bytes| stream::once(async move { Ok::<_, BoxError>(bytes) });
        let middle = match original {
            None => Either::Left(one(Bytes::new())),
            Some((_, Some(bytes))) => Either::Left(one(bytes)),
            Some((_, None)) => Either::Right(
                stream::once(async move {
                    let body = archive.open(key, None).await?;
                    Ok::<_, BoxError>(BodyStream::new(body).try_filter_map(async |frame| Ok(frame.into_data().ok())))
                })
                .try_flatten(),
            ),
        };
        one(before).chain(middle).chain(one(after))
    }
}
