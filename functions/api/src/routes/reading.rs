//! The text, the HTML and the attachments of a mail, read from its original on request.

use std::{fmt, ops::Range, str::FromStr, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    base::{
        digest::Digest,
        id::{FirmId, MessageId},
    },
    mail::opened::OpenedMail,
    problem::{Code, Problem},
    reading::{Attachment, MailHead, PartKind, Person, Pictures, is_shown_inline},
    search::highlight::passages,
};
use utoipa::{IntoParams, ToSchema};

use super::messages::{RunView, SearchText, find, not_archived};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure},
    extract::{Id, Json, Nth, Query, given, typed},
    range::{AskedRange, asked},
};

/// How many messages are opened one within another.
const NESTED_MAX: usize = 8;

/// What a page of a mail may do, wherever it is opened: show itself, its own images and style, and open links that a
/// person follows. No script, no form, no origin of its own.
macro_rules! policy {
    ($images:literal) => {
        concat!(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; ",
            "sandbox allow-popups allow-popups-to-escape-sandbox; img-src ",
            $images
        )
    };
}
const POLICY: &str = policy!("data:");
/// The policy of a page that may show images of the web.
const REMOTE_POLICY: &str = policy!("data: https:");
/// What stands before the page of a mail.
const PAGE_START: &str = concat!(
    "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><style>",
    "body{margin:1rem;background:#fff;color:#000;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}",
    "pre{white-space:pre-wrap;font:inherit}img{max-width:100%;height:auto}table{max-width:100%}",
    "</style></head><body>"
);
/// What stands as it is in the name of a file (RFC 8187: attr-char).
const NAME_BYTES: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Whether the mail has more than the page shows.
const IS_CUT: HeaderName = HeaderName::from_static("greffe-is-cut");
/// Bytes that are read of each text of a page; half as many, until the page fits into an answer.
const PAGE_SOURCE_BYTES_MAX: usize = 2 << 20;
/// With fewer, a page has nothing that makes it too long.
const PAGE_SOURCE_BYTES_MIN: usize = 16 << 10;
/// Images of the web that a page would show, and does not.
const WITHHELD: HeaderName = HeaderName::from_static("greffe-images-withheld");

/// Which message within a mail: numbers of attachments that are messages, from the outside to the inside.
#[derive(Debug, Default)]
struct Nesting(Vec<usize>);

impl FromStr for Nesting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split('.').map(|number| number.parse().ok().filter(|number| (1..=9_999).contains(number)));
        let numbers = numbers.collect::<Option<Vec<usize>>>().filter(|numbers| numbers.len() <= NESTED_MAX);
        numbers.map(Self).ok_or("numbers of attachments with dots between them belong here, eight at most")
    }
}

impl fmt::Display for Nesting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|number| write!(f, "-{number}"))
    }
}

/// Which message.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageQuery {
    /// A message within the mail: the number of an attachment that is a message, such as `2`; for one within that
    /// again, both, such as `2.1`. Omit it for the mail itself.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = r"^[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,7}$")]
    within: Option<Nesting>,
}

/// Which text.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TextQuery {
    /// A message within the mail: the number of an attachment that is a message, such as `2`; for one within that
    /// again, both, such as `2.1`. Omit it for the mail itself.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = r"^[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,7}$")]
    within: Option<Nesting>,
    /// Words and phrases to mark, as those of a search.
    #[serde(default, deserialize_with = "typed")]
    #[param(value_type = Option<String>, max_length = 500)]
    q: Option<SearchText>,
}

/// Which images a page may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Images {
    /// Those of the mail itself.
    Own,
    /// Those of the web too. Loading them tells the sender when and from where the mail is read.
    Remote,
}

impl FromStr for Images {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "own" => Ok(Self::Own),
            "remote" => Ok(Self::Remote),
            _ => Err("own or remote belongs here"),
        }
    }
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HtmlQuery {
    /// A message within the mail: the number of an attachment that is a message, such as `2`; for one within that
    /// again, both, such as `2.1`. Omit it for the mail itself.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = r"^[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,7}$")]
    within: Option<Nesting>,
    /// Whether the page may show images of the web, by https. Default `own`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<Images>, inline)]
    images: Option<Images>,
}

/// Somebody whom a mail names.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonView {
    name: Option<String>,
    /// As it is written; not checked.
    address: Option<String>,
}

impl From<Person> for PersonView {
    fn from(Person { name, address }: Person) -> Self {
        Self { name, address }
    }
}

/// What a mail says.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailText {
    subject: String,
    from: Vec<PersonView>,
    reply_to: Vec<PersonView>,
    to: Vec<PersonView>,
    cc: Vec<PersonView>,
    bcc: Vec<PersonView>,
    /// The header Date: what the sender's clock said.
    #[schema(value_type = Option<String>, format = "date-time")]
    date: Option<Timestamp>,
    /// The header Message-ID, without its brackets.
    message_id: Option<String>,
    /// The text. Of a mail that has HTML only, the text of that.
    text: String,
    /// The original has more text than is shown, or more than 500 people in one of these fields.
    is_cut: bool,
    /// The first passages of the text that have words of `q`, piece by piece.
    passages: Vec<Vec<RunView>>,
}

/// A part of a mail that is downloaded on its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachmentView {
    /// Its number among the attachments of the mail, from 1.
    number: usize,
    /// The name of its file, without path, control and direction characters. Made up where the mail names none.
    name: String,
    kind: PartKind,
    /// The type as which it is downloaded: one of a short list, else `application/octet-stream`.
    content_type: &'static str,
    /// The size in bytes.
    bytes: u64,
    /// Whether the HTML may show it, such as a logo. Of images that are too large, the HTML has the names in brackets.
    inline: bool,
}

impl AttachmentView {
    /// `pictures`: the numbers of what the HTML may show.
    fn new(found: Attachment, pictures: &[usize]) -> Self {
        let inline = pictures.contains(&found.number);
        let Attachment { number, name, kind, served, bytes, .. } = found;
        Self { number, name, kind, content_type: served, bytes, inline }
    }
}

/// The attachments of a mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attachments {
    /// In the order of the mail.
    items: Vec<AttachmentView>,
    /// The mail has more parts than greffe tells apart. They are in the original.
    is_cut: bool,
}

/// A page of HTML.
#[derive(ToSchema)]
#[schema(as = HtmlPage, value_type = String)]
#[expect(dead_code, reason = "describes a page")]
struct HtmlPageBody(String);

/// The bytes of an attachment.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes bytes that flow")]
struct AttachmentBytes(Vec<u8>);

/// Opens an original that the caller may read, and says which one it is.
async fn open(app: &App, firm: FirmId, message: MessageId, within: &Nesting) -> Answer<(OpenedMail, Digest)> {
    let found = find(app, firm, message).await?;
    let original = found.original().ok_or_else(|| not_archived(found.state.name()))?;
    let opened =
        OpenedMail::open((&app.archive, Some(&app.table)), original.key(firm, message), original.bytes, &within.0)
            .await?;
    Ok((opened, original.sha256))
}

/// The longest text of an answer: Lambda carries it as a string in JSON, and `content_bytes_max` bytes in Base64.
fn text_bytes_max(app: &App) -> u64 {
    (app.config.content_bytes_max / 3).saturating_mul(4)
}

/// How long a text is as a string in JSON.
fn bytes_in_json(text: &str) -> u64 {
    text.bytes().map(|byte| if matches!(byte, b'"' | b'\\' | 0..b' ') { 2 } else { 1 }).sum()
}

fn answer_too_large() -> Failure {
    let detail = "What the mail shows is longer than one answer may be. Its original has all of it.";
    Problem::new(Code::AnswerTooLarge, detail).into()
}

/// Shows the header fields and the plain text of a mail.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/text", tag = "messages", operation_id = "read_text",
    params(TextQuery),
    responses(
        (status = 200, body = MailText),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`answer_too_large`"),
    )
)]
pub(super) async fn text(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Query(which): Query<TextQuery>,
) -> Answer<Json<MailText>> {
    let (opened, _) = open(&app, firm.id(), message, &which.within.unwrap_or_default()).await?;
    let texts = opened.texts().await?;
    let (text, is_text_cut) = opened.outline.text(|range| texts.get(&range.start).map_or(&[], Vec::as_slice));
    let is_cut = is_text_cut || opened.outline.head.is_cut;
    let MailHead { subject, from, reply_to, to, cc, bcc, date, message_id, .. } = opened.outline.head;
    let passages = which.q.map(|q| passages(&text, &q.into_inner())).unwrap_or_default();
    let passages = passages.into_iter().map(|runs| runs.into_iter().map(RunView::from).collect()).collect();
    let people = |people: Vec<Person>| people.into_iter().map(PersonView::from).collect();
    let (from, reply_to, to) = (people(from), people(reply_to), people(to));
    let (cc, bcc) = (people(cc), people(bcc));
    let mut shown = MailText { subject, from, reply_to, to, cc, bcc, date, message_id, text, is_cut, passages };
    let room = text_bytes_max(&app);
    while !serde_json::to_string(&shown).is_ok_and(|json| bytes_in_json(&json) <= room) {
        if shown.text.is_empty() {
            return Err(answer_too_large());
        }
        shown.text.truncate(shown.text.floor_char_boundary(shown.text.len() / 2));
        shown.is_cut = true;
    }
    Ok(Json(shown))
}

/// Shows a mail as safe HTML: without scripts, forms or the mail's own styles, and with only those images that the mail
/// contains.
///
/// The answer carries a `Content-Security-Policy` with a sandbox. Show it in an `<iframe sandbox>` all the same.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/html", tag = "messages", operation_id = "read_html",
    params(HtmlQuery),
    responses(
        (status = 200, body = HtmlPageBody, content_type = "text/html",
            headers(
                ("Content-Security-Policy" = String, description = "That nothing in it runs or is fetched"),
                ("Referrer-Policy" = String, description = "`no-referrer`"),
                ("Greffe-Images-Withheld" = u64, description = "How many images of the web it would show"),
                ("Greffe-Is-Cut" = bool, description = "Whether the mail has more than the page shows"),
            )),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`answer_too_large`"),
    )
)]
pub(super) async fn html(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Query(which): Query<HtmlQuery>,
) -> Answer<Response> {
    let remote = which.images == Some(Images::Remote);
    let (opened, _) = open(&app, firm.id(), message, &which.within.unwrap_or_default()).await?;
    let (texts, own) = (opened.texts().await?, opened.pictures().await?);
    let texts = |range: Range<u64>| texts.get(&range.start).map_or(&[][..], Vec::as_slice);
    let named = |found: Attachment| Some((found.content_id?, found.name));
    let (mut all, too_large) = opened.outline.pictures();
    let left_out = too_large.iter().cloned().filter_map(named).collect();
    let mut shown = opened.outline.html(texts, &Pictures { own, left_out, remote }, PAGE_SOURCE_BYTES_MAX);
    let room = text_bytes_max(&app);
    if bytes_in_json(&shown.html) > room {
        all.extend(too_large);
        let left_out = all.into_iter().filter_map(named).collect();
        let pictures = Pictures { left_out, remote, ..Pictures::default() };
        let mut most = PAGE_SOURCE_BYTES_MAX;
        shown = opened.outline.html(texts, &pictures, most);
        while bytes_in_json(&shown.html) > room {
            if most < PAGE_SOURCE_BYTES_MIN {
                return Err(answer_too_large());
            }
            most /= 2;
            shown = opened.outline.html(texts, &pictures, most);
        }
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(if remote { REMOTE_POLICY } else { POLICY })),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (WITHHELD, shown.withheld.into()),
        (IS_CUT, HeaderValue::from_static(if shown.is_cut { "true" } else { "false" })),
    ];
    Ok((headers, format!("{PAGE_START}{}</body></html>\n", shown.html)).into_response())
}

/// Lists the attachments of a mail.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/attachments", tag = "messages", operation_id = "list_attachments",
    params(MessageQuery),
    responses(
        (status = 200, body = Attachments),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`answer_too_large`"),
    )
)]
pub(super) async fn attachments(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Query(which): Query<MessageQuery>,
) -> Answer<Json<Attachments>> {
    let (opened, _) = open(&app, firm.id(), message, &which.within.unwrap_or_default()).await?;
    let pictures: Vec<usize> = opened.outline.pictures().0.iter().map(|picture| picture.number).collect();
    let items = opened.outline.attachments().map(|found| AttachmentView::new(found, &pictures)).collect();
    Ok(Json(Attachments { items, is_cut: opened.outline.is_cut }))
}

/// Downloads an attachment of a mail or a part of it.
///
/// A browser may show PNG, JPEG, GIF and WebP within a page. Everything else is offered as a download. HEAD shows the
/// size.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/attachments/{attachment}", tag = "messages",
    operation_id = "read_attachment",
    params(
        MessageQuery,
        (
            "Range" = Option<String>, Header,
            description = "One range of bytes, as `bytes=0-999`. The answer may hold less of it"
        ),
        ("If-Range" = Option<String>, Header, description = "An `ETag`: the range counts only for that attachment"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of what the caller has already"),
    ),
    responses(
        (
            status = 200, body = AttachmentBytes, content_type = "application/octet-stream",
            headers(("Content-Disposition" = String, description = "`inline` or `attachment`, and its name"), ("Content-Security-Policy" = String, description = "That nothing in it runs or is fetched"), ("ETag" = String, description = "What stands for these bytes"), ("Accept-Ranges" = String, description = "`bytes`"))
        ),
        (
            status = 206, body = AttachmentBytes, content_type = "application/octet-stream",
            description = "The part that `Range` names, or as much of it as an answer holds",
            headers(("Content-Disposition" = String, description = "`inline` or `attachment`, and its name"), ("Content-Security-Policy" = String, description = "That nothing in it runs or is fetched"), ("Content-Range" = String, description = "Which bytes of how many"), ("ETag" = String, description = "What stands for these bytes"), ("Accept-Ranges" = String, description = "`bytes`"))
        ),
        (
            status = 304, description = "The caller has it already, as `If-None-Match` says",
            headers(("ETag" = String, description = "What stands for these bytes"))
        ),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`answer_too_large`"),
        (
            status = 416, body = Problem, content_type = "application/problem+json", description = "`range_beyond_end`",
            headers(("Content-Range" = String, description = "Of how many bytes it is"))
        ),
    )
)]
pub(super) async fn attachment(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Nth(number): Nth,
    Query(which): Query<MessageQuery>,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let (within, largest) = (which.within.unwrap_or_default(), app.config.content_bytes_max);
    let (opened, sha256) = open(&app, firm.id(), message, &within).await?;
    let (found, part) = opened.attachment(number)?;
    let (length, etag) = (found.bytes, format!("\"{sha256}{within}-{number}\""));
    let range = match asked(&method, &headers, &etag, length) {
        AskedRange::Same => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()),
        AskedRange::Beyond => {
            let problem = Problem::new(Code::RangeBeyondEnd, format!("The attachment has {length} bytes."));
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((range, Failure::from(problem)).into_response());
        }
        AskedRange::Whole if length > largest && method == Method::GET => {
            let detail = format!("The attachment has {length} bytes, and one answer at most {largest}.");
            return Err(Problem::new(Code::AnswerTooLarge, detail).into());
        }
        AskedRange::Whole => None,
        AskedRange::Part(part) => Some(*part.start()..(part.end() + 1).min(part.start().saturating_add(largest))),
    };
    let wanted = range.clone().unwrap_or(0..length);
    let body = match method == Method::HEAD {
        true => Body::empty(),
        false => Body::from_stream(opened.decoded(part, wanted.clone())),
    };
    let shown = if is_shown_inline(found.served) { "inline" } else { "attachment" };
    let mut answer = vec![
        (header::CONTENT_TYPE, found.served.to_owned()),
        (header::CONTENT_DISPOSITION, disposition(shown, &found.name)),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, (wanted.end - wanted.start).to_string()),
    ];
    let mut status = StatusCode::OK;
    if let Some(Range { start, end }) = range {
        answer.push((header::CONTENT_RANGE, format!("bytes {start}-{}/{length}", end - 1)));
        status = StatusCode::PARTIAL_CONTENT;
    }
    Ok((status, AppendHeaders(answer), body).into_response())
}

/// `Content-Disposition` with a name in any script, and one in ASCII for those who read no other.
/// Source: RFC 6266, sections 4.3 and 5; RFC 8187, section 3.2
fn disposition(shown: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._ ()".contains(c);
    let ascii: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let encoded = percent_encoding::utf8_percent_encode(name, &NAME_BYTES);
    if ascii == name {
        format!("{shown}; filename=\"{ascii}\"")
    } else {
        format!("{shown}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_in_a_header_whatever_its_script_and_adds_no_line_and_no_parameter() {
        assert_eq!(disposition("attachment", "Facture 7.pdf"), "attachment; filename=\"Facture 7.pdf\"");
        assert_eq!(
            disposition("attachment", "définitif;x=\"y\".pdf"),
            "attachment; filename=\"d_finitif_x__y_.pdf\"; filename*=UTF-8''d%C3%A9finitif%3Bx%3D%22y%22.pdf"
        );
        assert!(HeaderValue::from_str(&disposition("inline", "中\r\n文")).is_ok());
    }

    #[test]
    fn a_message_within_others_is_named_by_numbers() {
        assert_eq!("2.1".parse::<Nesting>().unwrap().0, [2, 1]);
        for wrong in ["", "0", "1.", "x", "-1", "1.1.1.1.1.1.1.1.1", "10000"] {
            assert!(wrong.parse::<Nesting>().is_err(), "{wrong}");
        }
    }
}
