//! Headers, of a mail and of its parts.

use std::{fmt::Write as _, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use mail_parser::{Addr, Address, ContentType, HeaderName, HeaderValue, Message, MessageParser};
use serde::{Deserialize, Serialize};

use super::{
    charset::decoded,
    flow::LineFlow,
    name::safe_name,
    transfer::{Transfer, TransferDecoder},
};

/// Longest text of a header that is shown, in characters.
const TEXT_CHARS_MAX: usize = 1_000;
/// Most people of one header that are shown.
const PEOPLE_MAX: usize = 500;
/// Most ids of one header that are kept.
const IDS_MAX: usize = 100;
/// Longest boundary that is looked for (RFC 2046: 70).
const BOUNDARY_BYTES_MAX: usize = 200;

/// Somebody whom a mail names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: Option<String>,
    /// The address, as it is written.
    pub address: Option<String>,
}

/// What the head of a mail says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailHead {
    /// The subject; empty if it has none.
    pub subject: String,
    /// `From`.
    pub from: Vec<Person>,
    /// `Reply-To`.
    pub reply_to: Vec<Person>,
    /// `To`.
    pub to: Vec<Person>,
    /// `Cc`.
    pub cc: Vec<Person>,
    /// `Bcc`.
    pub bcc: Vec<Person>,
    /// `Date`: what the sender's clock said.
    pub date: Option<Timestamp>,
    /// `Message-ID`, without its brackets.
    pub message_id: Option<String>,
    /// `In-Reply-To` and `References`: the mails before it, the first one first.
    pub references: Vec<String>,
    /// A header names more people than are shown, or the head is longer than what is read of it.
    pub is_cut: bool,
}

/// What the head of a part says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHead {
    /// `type/subtype` in lower case; none if it names none that can be read.
    pub content_type: Option<String>,
    /// The charset of a text.
    pub charset: Option<String>,
    /// What the lines of a text mean.
    #[serde(default)]
    pub flow: LineFlow,
    /// How its body is encoded.
    pub transfer: Transfer,
    /// It says that it is an attachment.
    pub is_attachment: bool,
    /// The name of its file, made safe.
    pub name: Option<String>,
    /// Its `Content-ID`, without brackets.
    pub content_id: Option<String>,
    /// What is between its parts.
    #[serde(skip)]
    pub(super) boundary: Option<Vec<u8>>,
}

impl MailHead {
    /// `block`: the lines of the head; `hint`: the charset of bytes that name none.
    pub(super) fn read(block: &[u8], hint: Option<&str>) -> Self {
        static PARSER: LazyLock<MessageParser> =
            LazyLock::new(|| MessageParser::new().with_minimal_headers().with_message_ids().default_header_ignore());
        parsed(&PARSER, (block, hint), |mail| {
            let all = |name: HeaderName<'static>| {
                let values = mail.headers().iter().filter(move |header| header.name == name);
                values.filter_map(|header| header.value.as_address()).flat_map(Address::iter)
            };
            let people = |name| {
                let people = all(name).take(PEOPLE_MAX).map(person);
                people.filter(|person| *person != Person::default()).collect()
            };
            let named = [HeaderName::From, HeaderName::ReplyTo, HeaderName::To, HeaderName::Cc, HeaderName::Bcc];
            let is_cut = named.into_iter().any(|name| all(name).nth(PEOPLE_MAX).is_some());
            let ids = |name: HeaderName<'static>| {
                let values = mail.headers().iter().filter(move |header| header.name == name);
                values.flat_map(|header| texts(&header.value)).take(IDS_MAX)
            };
            let mut references: Vec<String> = Vec::new();
            for id in ids(HeaderName::References).chain(ids(HeaderName::InReplyTo)) {
                if !references.contains(&id) {
                    references.push(id);
                }
            }
            let date = first(mail, HeaderName::Date).and_then(HeaderValue::as_datetime).filter(|date| date.is_valid());
            Self {
                subject: first(mail, HeaderName::Subject).and_then(HeaderValue::as_text).map(shown).unwrap_or_default(),
                from: people(HeaderName::From),
                reply_to: people(HeaderName::ReplyTo),
                to: people(HeaderName::To),
                cc: people(HeaderName::Cc),
                bcc: people(HeaderName::Bcc),
                date: date.and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
                message_id: ids(HeaderName::MessageId).next(),
                references,
                is_cut,
            }
        })
    }

    /// The `Message-ID` of the mail that its thread begins with: the first one that it refers to, else its own.
    pub fn thread(&self) -> Option<&str> {
        self.references.first().or(self.message_id.as_ref()).map(String::as_str)
    }
}

impl PartHead {
    /// `block`: the lines of the head.
    pub(super) fn read(block: &[u8]) -> Self {
        static PARSER: LazyLock<MessageParser> =
            LazyLock::new(|| MessageParser::new().with_mime_headers().default_header_ignore());
        parsed(&PARSER, (block, None), |part| {
            let of = |name| first(part, name).and_then(HeaderValue::as_content_type);
            let (kind, disposition) = (of(HeaderName::ContentType), of(HeaderName::ContentDisposition));
            let attribute = |name| kind.and_then(|kind| kind.attribute(name)).map(str::to_owned);
            let flow = LineFlow::named(attribute("format").as_deref(), attribute("delsp").as_deref());
            let name = disposition.and_then(|of| of.attribute("filename").or_else(|| of.attribute("name")));
            let name = name.or_else(|| kind.and_then(|of| of.attribute("name").or_else(|| of.attribute("filename"))));
            let boundary = attribute("boundary").map(|boundary| boundary.trim_end().as_bytes().to_vec());
            let transfer = first(part, HeaderName::ContentTransferEncoding);
            Self {
                content_type: kind.and_then(content_type),
                charset: attribute("charset"),
                flow,
                transfer: transfer.and_then(HeaderValue::as_text).map(Transfer::named).unwrap_or_default(),
                is_attachment: disposition.is_some_and(ContentType::is_attachment),
                name: name.and_then(safe_name),
                content_id: first(part, HeaderName::ContentId).and_then(|id| texts(id).next()),
                boundary: boundary.filter(|boundary| (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len())),
            }
        })
    }

    /// Whether it has parts of its own.
    pub(super) fn is_multipart(&self) -> bool {
        self.content_type.as_ref().is_some_and(|kind| kind.starts_with("multipart/"))
    }
}

/// The first header of that name: a second one is somebody's mistake, or a trick.
fn first<'a, 'x>(mail: &'a Message<'x>, name: HeaderName<'static>) -> Option<&'a HeaderValue<'x>> {
    mail.headers().iter().find(|header| header.name == name).map(|header| &header.value)
}

/// What `read` makes of a head.
fn parsed<T: Default>(
    parser: &MessageParser,
    (block, hint): (&[u8], Option<&str>),
    read: impl Fn(&Message<'_>) -> T,
) -> T {
    let text = in_utf8(&decoded(block, None, hint)) + "\r\n\r\n";
    parser.parse_headers(text.as_bytes()).map(|mail| read(&mail)).unwrap_or_default()
}

/// Rewrites each run of encoded words in one charset as one word in UTF-8: a character may be split over two words,
/// and some charsets only [`decoded`] knows.
fn in_utf8(text: &str) -> String {
    let (mut written, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        written.push_str(before);
        let Some((charset, mut bytes, mut after)) = encoded_word(from) else {
            written.push_str(&from[..2]);
            rest = &from[2..];
            continue;
        };
        while let Some((_, more, beyond)) =
            encoded_word(after.trim_ascii_start()).filter(|(other, ..)| other.eq_ignore_ascii_case(charset))
        {
            bytes.extend(more);
            after = beyond;
        }
        let _ = write!(written, "=?utf-8?B?{}?=", STANDARD.encode(decoded(&bytes, Some(charset), None)));
        rest = after;
    }
    written + rest
}

/// The charset, the bytes, and what comes after the encoded word that a text begins with.
/// Source: RFC 2047, section 2; RFC 2231, section 5
fn encoded_word(text: &str) -> Option<(&str, Vec<u8>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, after) = rest.split_once("?=")?;
    let charset = charset.split('*').next().filter(|charset| !charset.contains(char::is_whitespace))?;
    if content.contains('?') || content.contains('\n') {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => TransferDecoder::all(Transfer::Base64, content.as_bytes()),
        "Q" | "q" => TransferDecoder::all(Transfer::QuotedPrintable, content.replace('_', "=20").as_bytes()),
        _ => return None,
    };
    Some((charset, bytes, after))
}

/// A text of a header: one line, without control characters, not too long.
fn shown(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS_MAX).collect();
    line.trim().to_owned()
}

fn person(addr: &Addr<'_>) -> Person {
    let text = |text: Option<&str>| text.map(shown).filter(|text| !text.is_empty());
    Person { name: text(addr.name()), address: text(addr.address()) }
}

fn texts<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = String> + use<'a> {
    let many = value.as_text_list().unwrap_or_default().iter().map(AsRef::as_ref);
    let one = value.as_text().filter(|_| many.len() == 0);
    many.chain(one).map(shown).filter(|id| !id.is_empty())
}

/// `type/subtype` in lower case.
fn content_type(of: &ContentType<'_>) -> Option<String> {
    let is_token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let (kind, subtype) = (of.ctype(), of.subtype()?);
    (is_token(kind) && is_token(subtype)).then(|| format!("{kind}/{subtype}").to_lowercase())
}
