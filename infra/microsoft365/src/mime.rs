//! Mails: what is delivered, what Outlook makes of it, and the stream of `$value`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use mail_parser::{Addr, Address, HeaderValue, MessageParser, MimeHeaders as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::error::Result;
use crate::store::{Store, StoredMime};

/// How much of a body is in memory at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Graph's `bodyPreview` holds the first 255 characters (message resource type).
const PREVIEW_CHARS_MAX: usize = 255;

/// The type of an ordinary message.
pub(crate) const MESSAGE: &str = "#microsoft.graph.message";

/// The bytes of a mail.
#[derive(Debug, Clone)]
pub enum Mime {
    /// Exactly these bytes, which need not be a proper mail.
    Bytes(Bytes),
    /// A valid mail of `bytes` bytes with one base64 attachment, always the same for one `seed`; it is made while it is
    /// read and never held whole. Below about 1 kB the mail is a little longer than asked.
    Generated {
        /// Decides every byte.
        seed: u64,
        /// Length of the whole mail.
        bytes: u64,
    },
}

/// A mail on its way into a folder.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its content.
    pub mime: Mime,
    /// Graph's `receivedDateTime`, kept in whole seconds as Graph does.
    pub received: Timestamp,
    /// Delivers once per key and mailbox: a repeated delivery returns the message of the first.
    pub key: Option<String>,
    /// Graph's `isDraft`.
    pub is_draft: bool,
    /// Graph's `isRead`.
    pub is_read: bool,
}

impl Mail {
    /// An unread mail of these bytes.
    pub fn new(mime: impl Into<Bytes>, received: Timestamp) -> Self {
        Self { mime: Mime::Bytes(mime.into()), received, key: None, is_draft: false, is_read: false }
    }

    /// An unread mail that is made while it is read.
    pub fn generated(seed: u64, bytes: u64, received: Timestamp) -> Self {
        Self { mime: Mime::Generated { seed, bytes }, ..Self::new(Bytes::new(), received) }
    }

    /// Sets the key; a mail is delivered once for each key.
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// The bytes of a message on their way out.
pub(crate) type MimeStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Where the store finds the bytes of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Source {
    Kept { digest: String },
    Generated { seed: u64, bytes: u64 },
}

/// A name and an address, as Graph's `emailAddress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipient {
    pub name: String,
    pub address: String,
}

/// What Exchange reads from a mail when it arrives.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Properties {
    /// `#microsoft.graph.message` or a type derived from it.
    pub odata_type: String,
    pub subject: Option<String>,
    pub from: Option<Recipient>,
    pub sender: Option<Recipient>,
    pub to: Vec<Recipient>,
    pub cc: Vec<Recipient>,
    pub bcc: Vec<Recipient>,
    pub reply_to: Vec<Recipient>,
    pub sent: Option<Timestamp>,
    pub internet_message_id: Option<String>,
    pub has_attachments: bool,
    pub preview: String,
    pub conversation_id: String,
    pub importance: String,
}

/// A mail whose bytes are kept.
pub(crate) struct Kept {
    pub source: Source,
    pub properties: Properties,
    pub bytes: u64,
    pub sha256_hex: String,
}

/// Keeps the bytes of a mail and reads its properties. Costs one pass over the bytes.
pub(crate) fn keep(store: &Store, mime: &Mime) -> Result<Kept> {
    match mime {
        Mime::Bytes(bytes) => {
            let digest = hex::encode(Sha256::digest(bytes));
            store.keep_mime(&digest, bytes)?;
            Ok(Kept {
                source: Source::Kept { digest: digest.clone() },
                properties: Properties::read(bytes),
                bytes: bytes.len() as u64,
                sha256_hex: digest,
            })
        }
        &Mime::Generated { seed, bytes } => {
            let mail = Generated::new(seed, bytes);
            let properties = Properties::read(mail.head.as_bytes());
            let (mut hash, mut length) = (Sha256::new(), 0);
            for chunk in mail {
                length += chunk.len() as u64;
                hash.update(&chunk);
            }
            Ok(Kept {
                source: Source::Generated { seed, bytes },
                properties: Properties { has_attachments: true, ..properties },
                bytes: length,
                sha256_hex: hex::encode(hash.finalize()),
            })
        }
    }
}

/// The bytes of a message, a chunk at a time.
pub(crate) fn stream(store: &Store, source: &Source) -> Result<MimeStream> {
    match source {
        &Source::Generated { seed, bytes } => Ok(stream::iter(Generated::new(seed, bytes).map(Ok)).boxed()),
        Source::Kept { digest } => match store.mime(digest)? {
            StoredMime::Bytes(bytes) => Ok(stream::iter(slices(bytes).map(Ok)).boxed()),
            StoredMime::File(path) => Ok(stream::once(tokio::fs::File::open(path))
                .flat_map(|opened| match opened {
                    Ok(file) => stream::try_unfold(file, |mut file| async move {
                        let mut chunk = vec![0; CHUNK_BYTES];
                        let read = file.read(&mut chunk).await?;
                        chunk.truncate(read);
                        Ok((read > 0).then(|| (Bytes::from(chunk), file)))
                    })
                    .left_stream(),
                    Err(error) => stream::once(async { Err(error) }).right_stream(),
                })
                .boxed()),
        },
    }
}

/// The whole bytes of a message of ordinary size: for `body` and `internetMessageHeaders`. Of a generated mail only its
/// head.
pub(crate) fn head(store: &Store, source: &Source) -> Result<Bytes> {
    match source {
        &Source::Generated { seed, bytes } => Ok(Generated::new(seed, bytes).head.into()),
        Source::Kept { digest } => match store.mime(digest)? {
            StoredMime::Bytes(bytes) => Ok(bytes),
            StoredMime::File(path) => Ok(std::fs::read(path)?.into()),
        },
    }
}

/// The text of a mail as Graph's `itemBody`: content type and content.
pub(crate) fn body(mime: &[u8]) -> (&'static str, String) {
    let parsed = MessageParser::default().parse(mime);
    let Some(parsed) = parsed else {
        return ("text", String::new());
    };
    let is_html = parsed.html_body.first().and_then(|&at| parsed.part(at)).is_some_and(|part| part.is_text_html());
    if is_html && let Some(html) = parsed.body_html(0) {
        return ("html", html.into_owned());
    }
    ("text", parsed.body_text(0).unwrap_or_default().into_owned())
}

/// The header fields of a mail, in their order, unfolded.
pub(crate) fn header_fields(mime: &[u8]) -> Vec<(String, String)> {
    MessageParser::default().parse_headers(mime).map_or_else(Vec::new, |parsed| {
        parsed
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.replace(['\r', '\n'], "").trim().to_owned()))
            .collect()
    })
}

fn slices(mut bytes: Bytes) -> impl Iterator<Item = Bytes> + Send {
    std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(CHUNK_BYTES))))
}

impl Properties {
    /// Reads whatever bytes there are; what is missing or senseless is simply absent.
    pub fn read(mime: &[u8]) -> Self {
        let Some(parsed) = MessageParser::default().parse(mime) else {
            return Self { odata_type: MESSAGE.to_owned(), importance: "normal".to_owned(), ..Self::default() };
        };
        let from = parsed.from().and_then(|from| recipients(Some(from)).into_iter().next());
        let preview: String = parsed
            .body_preview(4 * PREVIEW_CHARS_MAX)
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(PREVIEW_CHARS_MAX)
            .collect();
        let internet_message_id = parsed.message_id().map(|id| format!("<{id}>"));
        Self {
            odata_type: odata_type(&parsed).to_owned(),
            subject: parsed.subject().map(str::to_owned),
            sender: parsed
                .sender()
                .and_then(|sender| recipients(Some(sender)).into_iter().next())
                .or_else(|| from.clone()),
            to: recipients(parsed.to()),
            cc: recipients(parsed.cc()),
            bcc: recipients(parsed.bcc()),
            reply_to: recipients(parsed.reply_to()),
            sent: parsed
                .date()
                .filter(|date| date.is_valid())
                .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
            // hasAttachments ignores inline images (message resource type).
            has_attachments: parsed.attachments().any(|part| {
                let inline = part.content_disposition().is_some_and(|disposition| disposition.is_inline());
                !inline && part.content_id().is_none()
            }),
            preview,
            conversation_id: conversation(&parsed, internet_message_id.as_deref()),
            importance: importance(&parsed).to_owned(),
            internet_message_id,
            from,
        }
    }
}

fn recipients(address: Option<&Address<'_>>) -> Vec<Recipient> {
    let recipient = |addr: &Addr<'_>| {
        let address = addr.address().unwrap_or_default().to_owned();
        // Exchange shows the address where a name is missing.
        let name = addr.name().map_or_else(|| address.clone(), str::to_owned);
        Recipient { name, address }
    };
    address.map_or_else(Vec::new, |address| address.iter().map(recipient).collect())
}

/// Meeting mails come as types derived from message (delta-query-messages).
fn odata_type(parsed: &mail_parser::Message<'_>) -> &'static str {
    let method = parsed.parts.iter().find_map(|part| {
        let kind = part.content_type()?;
        let calendar = kind.ctype().eq_ignore_ascii_case("text")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("calendar"));
        calendar.then(|| kind.attribute("method").unwrap_or_default().to_ascii_uppercase())
    });
    match method.as_deref() {
        Some("REQUEST") => "#microsoft.graph.eventMessageRequest",
        Some("REPLY" | "COUNTER") => "#microsoft.graph.eventMessageResponse",
        Some("CANCEL") => "#microsoft.graph.eventMessage",
        _ => MESSAGE,
    }
}

/// Mails of one thread share the conversation of the first mail that they refer to.
fn conversation(parsed: &mail_parser::Message<'_>, own: Option<&str>) -> String {
    let first = |value: &HeaderValue<'_>| match value {
        HeaderValue::Text(id) => Some(id.to_string()),
        HeaderValue::TextList(ids) => ids.first().map(ToString::to_string),
        _ => None,
    };
    let root = first(parsed.references())
        .or_else(|| first(parsed.in_reply_to()))
        .or_else(|| own.map(|id| id.trim_matches(['<', '>']).to_owned()))
        .or_else(|| parsed.thread_name().map(str::to_owned))
        .unwrap_or_default();
    let digest = Sha256::digest(root.as_bytes());
    format!("AAQkAGI{}=", STANDARD.encode(&digest[..15]).replace(['+', '/'], "-"))
}

fn importance(parsed: &mail_parser::Message<'_>) -> &'static str {
    let stated = |name: &'static str| parsed.header_raw(name).map(|value| value.trim().to_ascii_lowercase());
    match (stated("Importance").as_deref(), stated("X-Priority").as_deref()) {
        (Some("high"), _) | (None, Some("1" | "2")) => "high",
        (Some("low"), _) | (None, Some("4" | "5")) => "low",
        _ => "normal",
    }
}

/// Characters of a full base64 line; any such line is valid because it decodes to whole bytes.
const LINE_CHARS: usize = 76;
/// A full line with its line end.
const LINE_BYTES: u64 = LINE_CHARS as u64 + 2;
/// Different lines of one generated attachment; the rest repeats them in a changing order.
const LINES_DIFFERENT: usize = 251;
/// Lines of one chunk.
const CHUNK_LINES: u64 = 512;

/// A mail that exists only while it is read.
struct Generated {
    head: String,
    pool: Arc<Vec<u8>>,
    next_line: u64,
    lines: u64,
    stage: Stage,
}

enum Stage {
    Head,
    Lines,
    Done,
}

const GENERATED_TAIL: &str = "--=_greffe--\r\n";

impl Generated {
    fn new(seed: u64, bytes: u64) -> Self {
        let text = |padding: u64| {
            format!(
                "From: Generator <generator@mail.example>\r\nTo: Archive <archive@mail.example>\r\nSubject: Generated mail {seed}\r\n\
                 Date: Mon, 05 Jan 2026 08:00:00 +0000\r\nMessage-ID: <generated.{seed}.{bytes}@mail.example>\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/mixed; boundary=\"=_greffe\"\r\n\r\n--=_greffe\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
                 A generated mail with one attachment.{}\r\n--=_greffe\r\nContent-Type: application/octet-stream; name=\"data.bin\"\r\n\
                 Content-Disposition: attachment; filename=\"data.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                ".".repeat(padding as usize)
            )
        };
        let room = bytes.saturating_sub((text(0).len() + GENERATED_TAIL.len()) as u64);
        let lines = room / LINE_BYTES;
        Self { head: text(room % LINE_BYTES), pool: Arc::new(pool(seed)), next_line: 0, lines, stage: Stage::Head }
    }
}

impl Iterator for Generated {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Head => {
                self.stage = Stage::Lines;
                Some(self.head.clone().into())
            }
            Stage::Lines if self.next_line == self.lines => {
                self.stage = Stage::Done;
                Some(Bytes::from_static(GENERATED_TAIL.as_bytes()))
            }
            Stage::Lines => {
                let until = self.lines.min(self.next_line + CHUNK_LINES);
                let mut chunk = Vec::with_capacity(((until - self.next_line) * LINE_BYTES) as usize);
                for line in self.next_line..until {
                    let which = ((line * 31 + line / LINES_DIFFERENT as u64) % LINES_DIFFERENT as u64) as usize;
                    chunk.extend_from_slice(&self.pool[which * LINE_BYTES as usize..(which + 1) * LINE_BYTES as usize]);
                }
                self.next_line = until;
                Some(chunk.into())
            }
            Stage::Done => None,
        }
    }
}

fn pool(seed: u64) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed;
    let mut next = || {
        // splitmix64, public domain, Sebastiano Vigna
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut pool = Vec::with_capacity(LINES_DIFFERENT * LINE_BYTES as usize);
    for _ in 0..LINES_DIFFERENT {
        for _ in 0..LINE_CHARS {
            pool.push(ALPHABET[(next() % 64) as usize]);
        }
        pool.extend_from_slice(b"\r\n");
    }
    pool
}
