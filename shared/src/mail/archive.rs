//! Originals in S3: written once, never rewritten.
//!
//! A mail is read to its end before anything is written, in memory while it is small and on disk when it is large, and
//! hashed as it flows. Then one conditional PUT carries its SHA-256, which S3 checks against what arrived and keeps as
//! the object's own checksum. A mail that was cut short therefore never touches the archive, an object is there whole
//! or not at all, and its checksum is the digest of the index whatever its size.

use std::{fmt, ops::RangeInclusive, path::PathBuf};

use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, SdkBody},
    types::{ChecksumAlgorithm, ChecksumMode, ObjectLockLegalHold, ObjectLockLegalHoldStatus},
};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::{
    aws::link::Links,
    base::{
        digest::Digest,
        id::{FirmId, MessageId},
    },
    firm::retention::{ExpiryYear, KeptUntil},
    graph::{GraphError, MimeStream},
    mail::kept_parts::{KeptParts, WHOLE_BYTES_MAX},
};

/// The largest original that is taken. Exchange's largest message is 150 MB; as MIME its attachments grow by 37 %.
pub const MIME_BYTES_MAX: u64 = 250 << 20;
/// A mail up to this size stays in memory.
pub const MEMORY_BYTES_MAX: usize = 256 << 10;

/// What lies in the archive under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredObject {
    /// Its SHA-256, as S3 confirms it.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}

/// What storing a mail came to.
#[derive(Debug)]
pub struct StoredMail {
    /// What lies there.
    pub object: StoredObject,
    /// Where its parts lie, if it is large.
    pub parts: Option<KeptParts>,
}

/// An original that could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Graph did not give it, or not whole.
    #[error(transparent)]
    Mime(#[from] GraphError),
    /// Larger than [`MIME_BYTES_MAX`]: a person decides.
    #[error("message {message} is larger than {MIME_BYTES_MAX} bytes")]
    TooLarge {
        /// The message.
        message: MessageId,
    },
    /// Graph gave nothing at all: not a mail.
    #[error("message {message} came without a single byte")]
    Empty {
        /// The message.
        message: MessageId,
    },
    /// The disk for large mails failed.
    #[error("spool message {message} on disk")]
    Spool {
        /// The message.
        message: MessageId,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// S3 refused or did not answer.
    #[error("{attempted} the original of message {message}")]
    Store {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The message.
        message: MessageId,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where an original lies in the bucket: `firms/…`, or if it is kept until the end of a year, `until/{year}/firms/…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginalKey {
    /// The firm.
    pub firm: FirmId,
    /// The message.
    pub message: MessageId,
    /// Until when it is kept.
    pub until: KeptUntil,
}

impl OriginalKey {
    /// Of that message of the firm.
    pub fn new(firm: FirmId, message: MessageId, until: KeptUntil) -> Self {
        Self { firm, message, until }
    }

    /// The key that this text is, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let year = text.strip_prefix(UNTIL).and_then(|rest| rest.split_once('/'));
        let (until, rest) = match year {
            Some((year, rest)) => (KeptUntil::EndOf(year.parse::<u16>().ok()?.try_into().ok()?), rest),
            None => (KeptUntil::Ever, text),
        };
        let mut parts = rest.split('/').skip(1);
        let (firm, mailbox) = (parts.next()?.parse().ok()?, parts.nth(1)?.parse().ok()?);
        let local = parts.nth(1)?.strip_suffix(".eml")?;
        let key = Self { firm, message: MessageId::from_local(mailbox, local).ok()?, until };
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for OriginalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { firm, message, until } = self;
        let (mailbox, local) = (message.mailbox, message.local());
        write!(f, "{}firms/{firm}/mailboxes/{mailbox}/messages/{local}.eml", root(*until))
    }
}

/// Where the original of a message lies that is kept for ever.
pub fn key(firm: FirmId, message: MessageId) -> String {
    OriginalKey::new(firm, message, KeptUntil::Ever).to_string()
}

/// How the keys of all originals begin that are kept until the end of a year.
pub const UNTIL: &str = "until/";

/// How the keys of originals begin that are kept until then.
pub fn root(until: KeptUntil) -> String {
    Option::<ExpiryYear>::from(until).map_or_else(String::new, |year| format!("{UNTIL}{}/", u16::from(year)))
}

/// The bucket of the originals.
#[derive(Debug, Clone)]
pub struct Archive {
    client: Client,
    links: Links,
    bucket: String,
    spool_dir: PathBuf,
}

/// A mail that was read to its end.
enum Spooled {
    Memory(Vec<u8>),
    Disk(tempfile::TempPath),
}

impl Archive {
    /// Over the SDK's client. Large mails pass through `spool_dir`.
    pub fn new(client: Client, links: Links, bucket: String, spool_dir: PathBuf) -> Self {
        Self { client, links, bucket, spool_dir }
    }

    /// Stores the original of one message and tells what lies there then; storing it again changes nothing.
    /// Meanwhile the parts of a large one are found.
    ///
    /// `mime`: Graph's `$value`, RFC 5322 bytes, at most [`MIME_BYTES_MAX`], in constant memory. If the key is taken,
    /// by an earlier try that could not finish, what lies there is the original: Graph may give other bytes at a second
    /// read. Cost: one PUT, and one HEAD if the key is taken.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    ///
    /// Errors: Graph does not give the mail, it is too large or empty, or the disk or S3 fails.
    pub async fn store(&self, key: OriginalKey, mut mime: MimeStream) -> Result<StoredMail, ArchiveError> {
        let message = key.message;
        let (spooled, stored) = self.spool(message, &mut mime).await?;
        let finding = match &spooled {
            Spooled::Disk(path) if stored.bytes > WHOLE_BYTES_MAX => {
                let path = path.to_path_buf();
                Some(tokio::task::spawn_blocking(move || KeptParts::of_file(&path)))
            }
            _ => None,
        };
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ArchiveError::Store {
            attempted: "store",
            message,
            source,
        };
        // A small one makes room for the next reader at once. A large one keeps its place among the four of its mailbox
        // until it is stored, so that no more than four lie on the disk.
        let (body, _on_disk) = match spooled {
            Spooled::Memory(bytes) => {
                drop(mime);
                (ByteStream::from(bytes), None)
            }
            Spooled::Disk(path) => {
                let body = ByteStream::from_path(&path).await.map_err(|e| failed(e.into()))?;
                (body, Some((path, mime)))
            }
        };
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .if_none_match("*")
            .content_type("message/rfc822")
            .checksum_sha256(stored.sha256.base64())
            .body(body)
            .send()
            .await;
        let object = match put {
            Ok(_) => stored,
            Err(e) if e.raw_response().is_some_and(|r| r.status().as_u16() == 412) => {
                let there = self.find(key).await?;
                there.ok_or_else(|| failed("the key is taken, yet nothing with a checksum lies there".into()))?
            }
            Err(e) => return Err(failed(e.into())),
        };
        let parts = match finding.filter(|_| object == stored) {
            Some(finding) => finding.await.ok().and_then(Result::ok).flatten(),
            None => None,
        };
        Ok(StoredMail { object, parts })
    }

    async fn spool(&self, message: MessageId, mime: &mut MimeStream) -> Result<(Spooled, StoredObject), ArchiveError> {
        let spool = |source| ArchiveError::Spool { message, source };
        let (mut hasher, mut length) = (Sha256::new(), 0u64);
        let mut memory = Vec::new();
        let mut disk: Option<(tokio::fs::File, tempfile::TempPath)> = None;
        while let Some(chunk) = mime.chunk().await? {
            length += chunk.len() as u64;
            if length > MIME_BYTES_MAX {
                return Err(ArchiveError::TooLarge { message });
            }
            hasher.update(&chunk);
            if disk.is_none() && memory.len() + chunk.len() > MEMORY_BYTES_MAX {
                let (file, path) = tempfile::NamedTempFile::new_in(&self.spool_dir).map_err(spool)?.into_parts();
                let mut file = tokio::fs::File::from_std(file);
                file.write_all(&std::mem::take(&mut memory)).await.map_err(spool)?;
                disk = Some((file, path));
            }
            match &mut disk {
                Some((file, _)) => file.write_all(&chunk).await.map_err(spool)?,
                None => memory.extend_from_slice(&chunk),
            }
        }
        if length == 0 {
            return Err(ArchiveError::Empty { message });
        }
        let spooled = match disk {
            Some((mut file, path)) => {
                file.flush().await.map_err(spool)?;
                Spooled::Disk(path)
            }
            None => Spooled::Memory(memory),
        };
        Ok((spooled, StoredObject { sha256: hasher.finalize().into(), bytes: length }))
    }

    /// What lies in the archive for a message, by the object's own checksum; nothing is read.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn find(&self, key: OriginalKey) -> Result<Option<StoredObject>, ArchiveError> {
        let message = key.message;
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match head {
            Ok(head) => {
                let sha256 = head.checksum_sha256().and_then(Digest::from_base64);
                let bytes = head.content_length().and_then(|n| n.try_into().ok());
                Ok(sha256.zip(bytes).map(|(sha256, bytes)| StoredObject { sha256, bytes }))
            }
            Err(e) if e.raw_response().is_some_and(|r| r.status().as_u16() == 404) => Ok(None),
            Err(e) => Err(ArchiveError::Store { attempted: "find", message, source: e.into() }),
        }
    }

    /// Copies an original to its key for `until`; a second copy changes nothing. Returns false if the original is
    /// missing or differs from `expected`, or if the new key has other bytes.
    ///
    /// Cost: two HEADs and a COPY.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn copy(
        &self,
        from: OriginalKey,
        until: KeptUntil,
        expected: StoredObject,
    ) -> Result<bool, ArchiveError> {
        let to = OriginalKey { until, ..from };
        if self.find(from).await? != Some(expected) {
            return Ok(false);
        }
        // A key is made of ids and digits: nothing in it needs to be encoded.
        let copy = self.client.copy_object().bucket(&self.bucket).key(to.to_string());
        let copy = copy.copy_source(format!("{}/{from}", self.bucket)).if_none_match("*");
        match copy.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await {
            Err(e) if e.raw_response().is_none_or(|r| r.status().as_u16() != 412) => {
                let (attempted, message) = ("copy", from.message);
                Err(ArchiveError::Store { attempted, message, source: e.into() })
            }
            _ => Ok(self.find(to).await? == Some(expected)),
        }
    }

    /// Has S3 put an original under its own legal hold, or lift it; a second time changes nothing. Returns false if the
    /// original is missing. The bucket has to have Object Lock.
    ///
    /// Cost: a HEAD, and a PUT where it is otherwise.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html>
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn hold(&self, key: OriginalKey, is_held: bool) -> Result<bool, ArchiveError> {
        let failed = |attempted, source| ArchiveError::Store { attempted, message: key.message, source };
        let head = match self.client.head_object().bucket(&self.bucket).key(key.to_string()).send().await {
            Ok(head) => head,
            Err(e) if e.raw_response().is_some_and(|r| r.status().as_u16() == 404) => return Ok(false),
            Err(e) => return Err(failed("find", e.into())),
        };
        let was_held = head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
        if was_held != is_held {
            let status = if is_held { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off };
            let hold = self.client.put_object_legal_hold().bucket(&self.bucket).key(key.to_string());
            let hold = hold.legal_hold(ObjectLockLegalHold::builder().status(status).build());
            // The version that was looked at, whatever is laid over it meanwhile.
            hold.set_version_id(head.version_id).send().await.map_err(|e| failed("hold", e.into()))?;
        }
        Ok(true)
    }

    /// A link by which anybody may read the original for [`crate::aws::link::LINK_LIFETIME`].
    ///
    /// Errors: the link can't be signed.
    pub async fn link(&self, key: OriginalKey) -> Result<String, ArchiveError> {
        let (message, link) = (key.message, self.links.to(&key.to_string()).await);
        link.map_err(|source| ArchiveError::Store { attempted: "sign a link to", message, source })
    }

    /// The original as a stream, or those bytes of it, both ends included.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn open(&self, key: OriginalKey, part: Option<RangeInclusive<u64>>) -> Result<SdkBody, ArchiveError> {
        let (message, read) = (key.message, self.links.read(&key.to_string(), part).await);
        read.map_err(|source| ArchiveError::Store { attempted: "read", message, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{id::MailboxId, random::Random};

    #[test]
    fn an_original_lies_below_its_firm_and_mailbox_and_no_two_share_a_key() {
        let random = Random::seeded(1);
        let (firm, other) = (FirmId::draw(&random), FirmId::draw(&random));
        let mailbox = MailboxId::draw(&random);
        let [a, b] = ["AAMk1", "AAMk2"].map(|id| MessageId::of(mailbox, &id.parse().expect("an immutable id")));
        assert!(key(firm, a).starts_with(&format!("firms/{firm}/mailboxes/{mailbox}/messages/")));
        assert_ne!(key(firm, a), key(firm, b));
        assert_ne!(key(firm, a), key(other, a));
    }

    /// What lies in the bucket stays where it is for ever.
    #[test]
    fn an_original_lies_where_older_versions_put_it() {
        let firm = "d0a0e2e3-d7aa-4873-a333-409ad942fa5e".parse().expect("a firm");
        let message =
            "f57eb6dd-fd84-4d56-ad56-edd25416d16a.2befe57a038d5acbf12c756c79995863".parse().expect("a message");
        let place = "firms/d0a0e2e3-d7aa-4873-a333-409ad942fa5e/mailboxes/f57eb6dd-fd84-4d56-ad56-edd25416d16a/messages/\
                     2befe57a038d5acbf12c756c79995863.eml";
        assert_eq!(key(firm, message), place);
        let of_a_year = OriginalKey::new(firm, message, KeptUntil::of_year(2036));
        assert_eq!(of_a_year.to_string(), format!("until/2036/{place}"));
    }

    #[test]
    fn only_the_key_of_an_original_is_read_as_one() {
        let firm: FirmId = "d0a0e2e3-d7aa-4873-a333-409ad942fa5e".parse().expect("a firm");
        let message =
            "f57eb6dd-fd84-4d56-ad56-edd25416d16a.2befe57a038d5acbf12c756c79995863".parse().expect("a message");
        for until in [KeptUntil::Ever, KeptUntil::of_year(2036)] {
            let key = OriginalKey::new(firm, message, until);
            assert_eq!(OriginalKey::parse(&key.to_string()), Some(key));
        }
        let key = OriginalKey::new(firm, message, KeptUntil::Ever).to_string();
        let others = ["until/1999/", "until/02036/", "until/+2036/", "until/2036//", "until/", "x/", "/"];
        let others = others.iter().map(|root| format!("{root}{key}"));
        for other in others.chain([key.to_uppercase(), format!("{key}.eml"), key.replace("messages", "mails")]) {
            assert_eq!(OriginalKey::parse(&other), None, "{other}");
        }
    }
}
