//! An original that is opened to be read: where its parts lie, and their bytes as they are needed.

use std::{collections::HashMap, ops::Range};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::body::SdkBody;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, future::Either, stream};
use http_body_util::{BodyExt as _, BodyStream};

use crate::{
    aws::table::{Key, Table},
    base::{
        id::{FirmId, MessageId},
        telemetry::ErrorChain,
    },
    mail::{
        archive::{Archive, ArchiveError, OriginalKey},
        kept_parts::{KeptParts, WHOLE_BYTES_MAX},
        message::Message,
    },
    reading::{Attachment, MailHead, MailPart, Outline, PartKind, Scanned, Scanner, Transfer, TransferDecoder},
};

/// The head of a mail is looked for in so many bytes.
const HEAD_READ_BYTES: u64 = 64 << 10;
/// The largest message within another one that is held in memory. A larger one is read where it lies, unless it is
/// encoded.
pub const NESTED_BYTES_MAX: u64 = 16 << 20;

/// A mail that can't be opened, or whose bytes stop coming.
#[derive(Debug, thiserror::Error)]
pub enum OpenMailError {
    /// S3 refuses or does not answer.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// S3 breaks off.
    #[error("read the original of message {message}")]
    BrokenOff {
        /// The message.
        message: MessageId,
        /// What broke.
        #[source]
        source: BoxError,
    },
    /// It has no attachment with that number.
    #[error("there is no such attachment")]
    NoAttachment,
    /// The attachment with that number is no message.
    #[error("there is no such message")]
    NoMessage,
    /// A message within another one is encoded, and larger than [`NESTED_BYTES_MAX`].
    #[error("an encoded message within another one may have {NESTED_BYTES_MAX} bytes to be opened")]
    NestedTooLarge,
}

/// What the head of an original of `bytes` bytes says.
///
/// Cost: one GET of its beginning.
///
/// Errors: S3 refuses, does not answer or breaks off.
pub async fn head(archive: &Archive, key: OriginalKey, bytes: u64) -> Result<MailHead, OpenMailError> {
    let last = bytes.min(HEAD_READ_BYTES).saturating_sub(1);
    let body = archive.open(key, Some(0..=last)).await?;
    let broken = |source| OpenMailError::BrokenOff { message: key.message, source };
    let read = body.collect().await.map_err(broken)?;
    Ok(Outline::of(&read.to_bytes()).head)
}

/// The mail with the subject of its original, if Microsoft could not decode it (U+FFFD). Facts keep Microsoft's, and so
/// does a mail whose original can't be read or has none.
///
/// Cost: a GET for such a mail, nothing for others.
pub async fn with_own_subject(archive: &Archive, firm: FirmId, mut message: Message) -> Message {
    let is_broken = message.subject.contains(char::REPLACEMENT_CHARACTER);
    if let Some(original) = message.original().filter(|_| is_broken) {
        match head(archive, original.key(firm, message.id), original.bytes).await {
            Ok(MailHead { subject, .. }) if !subject.is_empty() => message.subject = subject,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(firm.id = %firm, error = %ErrorChain(&error), "the subject of an original is not read");
            }
        }
    }
    message
}

/// A mail that is being read.
#[derive(Debug)]
pub struct OpenedMail {
    archive: Archive,
    key: OriginalKey,
    /// Its head and its parts.
    pub outline: Outline,
    /// All its bytes; a large one stays where it is.
    whole: Option<Bytes>,
    /// Where it begins in the original, if it stays there.
    start: u64,
}

impl OpenedMail {
    /// Opens an original of `bytes` bytes, or a message within it. `within`: numbers of attachments that are messages,
    /// from the outside to the inside.
    ///
    /// Cost: one GET of a mail of up to 4 MB, which is kept in memory. Of a larger one the parts are kept in `table`:
    /// one read of the table, or if it lacks them one GET of all of the mail.
    ///
    /// Errors: S3 refuses, does not answer or breaks off; `within` names no message, or a large one that is encoded.
    pub async fn open(
        (archive, table): (&Archive, Option<&Table>),
        original: OriginalKey,
        bytes: u64,
        within: &[usize],
    ) -> Result<Self, OpenMailError> {
        let OriginalKey { firm, message, .. } = original;
        let table = table.filter(|_| bytes > WHOLE_BYTES_MAX);
        let kept = match table {
            Some(table) => KeptParts::find(table, firm, message).await,
            None => None,
        };
        let (scanned, whole) = match kept {
            Some(scanned) => (scanned, None),
            None => {
                let (scanned, whole) = scan(archive, original, bytes).await?;
                if let Some((table, parts)) = table.zip(KeptParts::of(&scanned)) {
                    keep(&parts, table, firm, message).await;
                }
                (scanned, whole)
            }
        };
        let (archive, outline) = (archive.clone(), Outline::new(scanned));
        let mut opened = Self { archive, key: original, outline, whole, start: 0 };
        for number in within {
            let (inner, part) = opened.attachment(*number)?;
            if inner.kind != PartKind::Message {
                return Err(OpenMailError::NoMessage);
            }
            let body = part.body.clone();
            if body.end - body.start <= NESTED_BYTES_MAX {
                let bytes = opened.content(part).await?;
                (opened.outline, opened.whole, opened.start) = (Outline::of(&bytes), Some(bytes.into()), 0);
                continue;
            }
            if part.about.transfer != Transfer::Identity {
                return Err(OpenMailError::NestedTooLarge);
            }
            // It lies in the original as it is: it passes once, and its parts are read from there.
            let passed = opened.stored(body.clone()).try_fold(Scanner::new(), async |mut scanner, piece| {
                scanner.feed(&piece);
                Ok(scanner)
            });
            let scanner = passed.await.map_err(|source| OpenMailError::BrokenOff { message, source })?;
            opened.outline = Outline::new(scanner.finish());
            opened.start += body.start;
        }
        Ok(opened)
    }

    /// The attachment with that number, and the part that it is.
    ///
    /// Errors: there is none.
    pub fn attachment(&self, number: usize) -> Result<(Attachment, &MailPart), OpenMailError> {
        self.outline.attachment(number).ok_or(OpenMailError::NoAttachment)
    }

    /// The texts, by where they begin.
    ///
    /// Errors: S3 refuses, does not answer or breaks off.
    pub async fn texts(&self) -> Result<HashMap<u64, Vec<u8>>, OpenMailError> {
        let mut texts = HashMap::new();
        for range in self.outline.texts() {
            texts.insert(range.start, self.bytes(range).await?);
        }
        Ok(texts)
    }

    /// The images of the mail that its HTML may show, by their Content-ID, each as a `data:` URL.
    ///
    /// Errors: S3 refuses or does not answer, or breaks off.
    pub async fn pictures(&self) -> Result<HashMap<String, String>, OpenMailError> {
        let mut pictures = HashMap::new();
        for Attachment { number, served, content_id, .. } in self.outline.pictures().0 {
            let bytes = self.content(self.attachment(number)?.1).await?;
            let url = format!("data:{served};base64,{}", STANDARD.encode(bytes));
            pictures.extend(content_id.map(|id| (id, url)));
        }
        Ok(pictures)
    }

    /// Those bytes of a part, decoded as they come.
    ///
    /// Errors, within the stream: S3 refuses or does not answer, or the object ends early.
    pub fn decoded(
        &self,
        part: &MailPart,
        wanted: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
        let decoder = Some(TransferDecoder::new(part.about.transfer));
        let (skipped, before) = match (part.about.transfer, part.lines) {
            (Transfer::Identity, _) => (wanted.start, wanted.start),
            (Transfer::Base64, Some(lines)) => lines.at(wanted.start),
            _ => (0, 0),
        };
        let pieces = Box::pin(self.stored((part.body.start + skipped).min(part.body.end)..part.body.end));
        stream::try_unfold((pieces, decoder, before), move |(mut pieces, mut decoder, mut passed)| {
            let wanted = wanted.clone();
            async move {
                while let Some(decoding) = &mut decoder.as_mut().filter(|_| passed < wanted.end) {
                    let mut decoded = Vec::new();
                    match pieces.try_next().await? {
                        Some(piece) => decoding.decode(&piece, &mut decoded),
                        None => {
                            decoding.finish(&mut decoded);
                            decoder = None;
                        }
                    }
                    let before = passed;
                    passed += decoded.len() as u64;
                    let inside = wanted.start.max(before).min(passed)..wanted.end.min(passed).max(before);
                    let piece = Bytes::from(decoded).slice(within(before, &inside));
                    if !piece.is_empty() {
                        return Ok(Some((piece, (pieces, decoder, passed))));
                    }
                }
                Ok(None)
            }
        })
    }

    /// All of a part, decoded.
    async fn content(&self, part: &MailPart) -> Result<Vec<u8>, OpenMailError> {
        Ok(TransferDecoder::all(part.about.transfer, &self.bytes(part.body.clone()).await?))
    }

    async fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>, OpenMailError> {
        let bytes = self.stored(range).try_fold(Vec::new(), async |mut all, piece| {
            all.extend_from_slice(&piece);
            Ok(all)
        });
        bytes.await.map_err(|source| OpenMailError::BrokenOff { message: self.key.message, source })
    }

    /// Those bytes of the mail, from memory or as S3 gives them.
    fn stored(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
        let range = self.start + range.start..self.start + range.end;
        if let Some(whole) = &self.whole {
            let Range { start, end } = within(0, &range);
            let end = end.min(whole.len());
            return Either::Left(stream::iter([Ok(whole.slice(start.min(end)..end))]));
        }
        let (archive, key) = (self.archive.clone(), self.key);
        let opened = async move {
            // A range of HTTP has both its ends, so none is empty.
            let body = match range.end.checked_sub(1).filter(|_| !range.is_empty()) {
                Some(last) => archive.open(key, Some(range.start..=last)).await?,
                None => SdkBody::empty(),
            };
            Ok::<_, BoxError>(BodyStream::new(body).try_filter_map(async |frame| Ok(frame.into_data().ok())))
        };
        Either::Right(stream::once(opened).try_flatten())
    }
}

/// Keeps the parts of a mail, unless it is erased at this moment: its item is blanked before they are discarded.
async fn keep(parts: &KeptParts, table: &Table, firm: FirmId, message: MessageId) {
    parts.keep(table, firm, message).await;
    let row = table.get::<Message>(&Key::message(firm, message)).await;
    if row.is_ok_and(|row| row.is_none_or(|row| row.value.original().is_none())) {
        // No reader may delete.
        KeptParts::default().keep(table, firm, message).await;
    }
}

/// Finds the parts of an original while it passes, and keeps all of it if it is small.
async fn scan(archive: &Archive, key: OriginalKey, bytes: u64) -> Result<(Scanned, Option<Bytes>), OpenMailError> {
    let (message, mut body) = (key.message, archive.open(key, None).await?);
    let (mut scanner, mut whole) = (Scanner::new(), (bytes <= WHOLE_BYTES_MAX).then(Vec::new));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| OpenMailError::BrokenOff { message, source })?;
        if let Ok(data) = frame.into_data() {
            scanner.feed(&data);
            if let Some(whole) = &mut whole {
                whole.extend_from_slice(&data);
            }
        }
    }
    Ok((scanner.finish(), whole.map(Bytes::from)))
}

/// A range as it lies in a buffer that begins at `start`.
fn within(start: u64, range: &Range<u64>) -> Range<usize> {
    let at = |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
    at(range.start)..at(range.end).max(at(range.start))
}
