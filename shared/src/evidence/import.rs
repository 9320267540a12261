//! Import: what [`export`](super::export) wrote of a whole firm, taken in by a deployment that does not know
//! the firm. Afterwards it verifies there.
//!
//! The log goes on where it was, so a key of this deployment must have signed its checkpoint: the operator takes the
//! lines of the secret along. Everything is written under the condition that it is new or the same, and the firm itself
//! last; so an import that died is begun again, and until it ends nobody meets the firm.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufReader, Seek},
    path::Path,
};

use aws_sdk_s3::primitives::{ByteStream, Length};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    aws::table::{Key, Table, TableError, Write},
    base::{
        digest::Digest,
        id::{FirmId, MessageId},
    },
    evidence::{
        authority::StampedCheckpoint,
        bucket::BucketError,
        checkpoint::{Checkpoint, CheckpointError, LogKeys, VerifyingKeys, WeakKeyError},
        erasure::ErasureOrder,
        log_store::{CHECKPOINT, LogStore},
        zip::{FoundMember, ZipError, ZipReader},
    },
    firm::{
        Firm, ListedFirm,
        fact::StoredFact,
        feed::{Feed, FeedError},
        index_due::IndexDue,
        log_due::LogDue,
        retention::KeptUntil,
    },
    mail::{
        archive::{OriginalKey, StoredObject},
        filing::DossierMessage,
        keeping_history::KeepingChange,
        mailbox::{Mailbox, MailboxState},
        message::{FilingRecord, Message},
    },
};

/// Whatever is read whole has fewer bytes.
const WHOLE_BYTES_MAX: u32 = 64 << 20;
/// Originals up to this size pass through memory.
const SMALL_BYTES_MAX: u64 = 1 << 20;
/// Writes side by side.
const AT_ONCE: usize = 16;

/// An import that can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The firm is here already.
    #[error("firm {0} is here already: import into a deployment that does not know it")]
    Known(FirmId),
    /// The checkpoint of the log is not to be believed.
    #[error("the checkpoint of the log is not as it was signed")]
    Checkpoint(#[source] CheckpointError),
    /// The log was signed by no key of this deployment.
    #[error(
        "no line of this deployment's secret greffe/evidence-key signed the log: add the lines of the secret of the \
         deployment that it comes from"
    )]
    OtherKey,
    /// The secret gives no keys.
    #[error(transparent)]
    WeakKey(#[from] WeakKeyError),
    /// A file can't be opened.
    #[error("open the file")]
    Open(#[from] std::io::Error),
    /// It is no export of greffe, or was changed.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// A member is missing, or is not what its name says.
    #[error("{0} is missing, or is not what greffe writes")]
    Malformed(String),
    /// S3.
    #[error(transparent)]
    Log(#[from] BucketError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// What takes a firm in.
#[derive(Debug, Clone, Copy)]
pub struct Importer<'a> {
    /// The index.
    pub table: &'a Table,
    /// The facts.
    pub feed: &'a Feed,
    /// The bucket.
    pub store: &'a LogStore,
    /// The secret that the keys of the logs come from.
    pub key: &'a SecretString,
    /// The time.
    pub now: Timestamp,
}

/// A firm that may be taken in.
#[derive(Debug)]
pub struct Admitted {
    firm: Firm,
    size: u64,
    /// Until when originals are kept, if not for ever.
    kept: HashMap<MessageId, KeptUntil>,
}

/// What an entry says of its original.
#[derive(Deserialize)]
struct ImportedEntry {
    message: MessageId,
    sha256: Digest,
    bytes: u64,
}

impl Importer<'_> {
    /// Whether the firm whose archive `rest` is of may be taken in; nothing is written.
    ///
    /// Errors: the firm is here, its log was signed by others, or the file can't be read.
    pub async fn admit(&self, rest: &Path) -> Result<Admitted, ImportError> {
        let (mut zip, mut firm, mut head, mut kept) = (open(rest)?, None::<Firm>, None, HashMap::new());
        while let Some(found) = zip.next_member()? {
            match found.member.name.as_str() {
                "firm.json" => firm = Some(read(&mut zip, &found)?),
                name if name.strip_prefix("log/") == Some(CHECKPOINT) => {
                    head = Some(zip.content(&found, WHOLE_BYTES_MAX)?);
                }
                name if name.starts_with("messages/") => {
                    let messages: Vec<Message> = lines(&mut zip, &found)?;
                    let until = |message: &Message| Some((message.id, message.original()?.until));
                    kept.extend(messages.iter().filter_map(until).filter(|(_, until)| !until.is_ever()));
                }
                _ => {}
            }
        }
        let lacks = |name: &str| ImportError::Malformed(name.to_owned());
        let (firm, head) = (firm.ok_or_else(|| lacks("firm.json"))?, head.ok_or_else(|| lacks(CHECKPOINT))?);
        if Firm::find(self.table, firm.id).await?.is_some() {
            return Err(ImportError::Known(firm.id));
        }
        // While a key is replaced two sign: one of them has to be ours.
        let own = LogKeys::of(firm.id, self.key)?.verifying();
        let signers = Checkpoint::signers(&head);
        let beside = beside(rest, firm.id)?;
        let opened = Checkpoint::open(firm.id, &head, &own.and(&beside)).map_err(ImportError::Checkpoint)?;
        if !own.by_id().any(|(id, _)| signers.iter().any(|signer| signer == id)) {
            return Err(ImportError::OtherKey);
        }
        Ok(Admitted { size: opened.0.size, firm, kept })
    }

    /// Stores the originals of a ZIP file of mails, but those that have expired; how many there are. `tell` gets the
    /// bytes of each.
    ///
    /// Errors: the file was changed or can't be read; another original lies at its place; S3 refuses.
    pub async fn originals(
        &self,
        Admitted { firm, kept, .. }: &Admitted,
        file: &Path,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<u64, ImportError> {
        let (mut zip, mut entry, mut waiting, mut count) =
            (open(file)?, None::<(String, ImportedEntry)>, Vec::new(), 0);
        while let Some(found) = zip.next_member()? {
            let Some((folder, name)) = found.member.name.rsplit_once('/') else { continue };
            match name {
                "entry.json" => entry = Some((folder.to_owned(), read(&mut zip, &found)?)),
                "original.eml" => {
                    let own = entry.take().filter(|(of, _)| of == folder);
                    let (_, line) = own.ok_or_else(|| ImportError::Malformed(found.member.name.clone()))?;
                    let stored = StoredObject { sha256: line.sha256, bytes: line.bytes };
                    let body = match line.bytes <= SMALL_BYTES_MAX {
                        true => ByteStream::from(zip.content(&found, WHOLE_BYTES_MAX)?),
                        false => part_of(file, &found).await?,
                    };
                    let until = kept.get(&line.message).copied().unwrap_or_default();
                    // S3 would remove it at once.
                    if until.has_ended(self.now) {
                        count += 1;
                        continue;
                    }
                    let key = OriginalKey::new(firm.id, line.message, until).to_string();
                    waiting.push((key, body, stored));
                }
                _ => {}
            }
            if waiting.len() == AT_ONCE {
                count += self.keep(std::mem::take(&mut waiting), tell).await?;
            }
        }
        Ok(count + self.keep(waiting, tell).await?)
    }

    async fn keep(
        &self,
        originals: Vec<(String, ByteStream, StoredObject)>,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<u64, ImportError> {
        let count = originals.len() as u64;
        let puts = originals.into_iter().map(|(key, body, stored)| async move {
            self.store.bucket.import_original(&key, body, stored).await?;
            tell(stored.bytes);
            Ok::<_, BucketError>(())
        });
        let puts: Vec<_> = puts.collect();
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(count)
    }

    /// Takes in the log and what the table has, and at last the firm itself. Its mailboxes are paused, because their
    /// connectors are not here.
    ///
    /// Errors: the file was changed or can't be read; another object lies where one belongs; S3 or the table refuses.
    pub async fn rest(&self, Admitted { mut firm, size, .. }: Admitted, file: &Path) -> Result<Firm, ImportError> {
        let (mut zip, mut head, mut changes) = (open(file)?, Vec::new(), BTreeMap::new());
        while let Some(found) = zip.next_member()? {
            let name = found.member.name.clone();
            match name.split_once('/').unwrap_or(("", &name)) {
                ("log", CHECKPOINT) => head = zip.content(&found, WHOLE_BYTES_MAX)?,
                ("log", name) => self.store.keep(firm.id, name, zip.content(&found, WHOLE_BYTES_MAX)?).await?,
                ("facts", _) => {
                    let facts: Vec<(u64, StoredFact)> = lines(&mut zip, &found)?;
                    let key = |number| Key::fact(firm.id, number);
                    changes.extend(facts.iter().filter_map(|(n, fact)| Some((*n, KeepingChange::recorded(fact)?))));
                    self.write(facts.iter().map(|(number, fact)| Write::overwrite(key(*number), fact))).await?;
                }
                ("messages", _) => {
                    let messages: Vec<Message> = lines(&mut zip, &found)?;
                    let writes = messages.iter().flat_map(|message| written(firm.id, message));
                    self.write(writes).await?;
                }
                ("filings", _) => {
                    let filings: Vec<(MessageId, FilingRecord)> = lines(&mut zip, &found)?;
                    let key = |id, count| Key::filing(firm.id, id, count);
                    self.write(filings.iter().map(|(id, filing)| Write::overwrite(key(*id, filing.count), filing)))
                        .await?;
                }
                ("", "mailboxes.json") => {
                    let mailboxes: Vec<Mailbox> = read(&mut zip, &found)?;
                    let paused = mailboxes.into_iter().map(|own| Mailbox { state: MailboxState::Paused, ..own });
                    self.write(paused.map(|own| Write::overwrite(Key::mailbox(firm.id, own.id), &own))).await?;
                }
                ("", "stamps.json") => {
                    let stamps: Vec<(u64, StampedCheckpoint)> = read(&mut zip, &found)?;
                    let key = |size| Key::stamp(firm.id, size);
                    self.write(stamps.iter().map(|(size, stamp)| Write::overwrite(key(*size), stamp))).await?;
                }
                ("", "erasures.json") => {
                    let erasures: Vec<ErasureOrder> = read(&mut zip, &found)?;
                    let key = |order: &ErasureOrder| Key::erasure(firm.id, order.id);
                    self.write(erasures.iter().map(|order| Write::overwrite(key(order), order))).await?;
                }
                _ => {}
            }
        }
        // In the order in which they were made: the last one holds.
        // Periods that were set meanwhile have no fact here. An erased firm has none.
        let has_periods = firm.retention.take().is_some();
        for change in changes.into_values() {
            match change {
                KeepingChange::Periods(periods) => firm.retention = has_periods.then_some(periods),
                change => self.write(change.write(firm.id).into_iter()).await?,
            }
        }
        let there = self.store.find(firm.id, CHECKPOINT).await?;
        if there.is_none_or(|there| there.bytes != head) {
            self.store.replace_head(firm.id, &head, None).await?;
        }
        let given_out = self.feed.last_number(firm.id).await?;
        if given_out < size {
            self.feed.take_numbers(firm.id, size - given_out).await?;
        }
        let listed = Write::overwrite(Key::listed_firm(firm.id), &ListedFirm { id: firm.id });
        let due = [LogDue::at(firm.id, self.now, size), IndexDue::at(firm.id, self.now)];
        self.write(due.into_iter().chain([listed])).await?;
        self.table.write(Write::insert(Key::firm(firm.id), &firm)).await?;
        Ok(firm)
    }

    async fn write(&self, writes: impl Iterator<Item = Write>) -> Result<(), TableError> {
        let writes: Vec<_> = writes.map(|write| self.table.write(write)).collect();
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// A message, and its place in the list of its dossier.
fn written(firm: FirmId, message: &Message) -> impl Iterator<Item = Write> {
    let filed = message.filing.as_ref().and_then(|filing| Some((filing.dossier.as_deref()?, filing.number)));
    let filed = filed.map(|(dossier, number)| {
        Write::overwrite(Key::filed(firm, dossier, number), &DossierMessage { message: message.id })
    });
    [Write::overwrite(Key::message(firm, message.id), message)].into_iter().chain(filed)
}

/// The keys that verify the log, as they lie beside it.
fn beside(rest: &Path, firm: FirmId) -> Result<VerifyingKeys, ImportError> {
    let (mut zip, mut texts) = (open(rest)?, Vec::new());
    while let Some(found) = zip.next_member()? {
        if found.member.name.starts_with("log/keys/") {
            let text = String::from_utf8(zip.content(&found, WHOLE_BYTES_MAX)?);
            texts.extend(text.ok().map(|text| text.trim_end().to_owned()));
        }
    }
    Ok(VerifyingKeys::of(firm, texts))
}

fn open(path: &Path) -> Result<ZipReader<BufReader<File>>, ImportError> {
    Ok(ZipReader::new(BufReader::new(File::open(path)?)))
}

/// The bytes of a member as they lie in the file.
async fn part_of(file: &Path, found: &FoundMember) -> Result<ByteStream, ImportError> {
    let bytes = Length::Exact(found.member.bytes.into());
    let part = ByteStream::read_from().path(file).offset(found.offset).length(bytes).build().await;
    part.map_err(|error| ImportError::Open(std::io::Error::other(error)))
}

fn read<T: DeserializeOwned, R: std::io::Read + Seek>(
    zip: &mut ZipReader<R>,
    found: &FoundMember,
) -> Result<T, ImportError> {
    let bytes = zip.content(found, WHOLE_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|_| ImportError::Malformed(found.member.name.clone()))
}

fn lines<T: DeserializeOwned, R: std::io::Read + Seek>(
    zip: &mut ZipReader<R>,
    found: &FoundMember,
) -> Result<Vec<T>, ImportError> {
    let bytes = zip.content(found, WHOLE_BYTES_MAX)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read: Result<Vec<T>, _> = lines.map(serde_json::from_slice).collect();
    read.map_err(|_| ImportError::Malformed(found.member.name.clone()))
}
