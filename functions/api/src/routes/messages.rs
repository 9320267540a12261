//! Messages and their originals.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{FirmId, MailboxId, MessageId},
    mail::{
        filing::{self, FilingError},
        message::{Filing, Message},
        search::MessageFilter,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::{mailboxes, page::Page, views::MessageView};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, Query, given},
    field::{Limit, Name},
    language,
    range::{Asked, asked},
};

/// Which mails.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only mail of this mailbox.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    mailbox: Option<MailboxId>,
    /// Only mail from this address.
    #[serde(default, deserialize_with = "given")]
    from: Option<String>,
    /// Only mail with this text in the subject. Case is ignored.
    #[serde(default, deserialize_with = "given")]
    q: Option<String>,
    /// Only mail of this dossier.
    #[serde(default, deserialize_with = "given")]
    dossier: Option<String>,
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Lists the mails that are archived, failed or gone, or those of a dossier, the last registered first.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages", tag = "messages", operation_id = "list_messages", params(Which),
    responses((status = 200, body = Page<MessageView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<MessageView>>> {
    let filter = MessageFilter::new(which.mailbox, which.from, which.q, which.dossier);
    Ok(Json(found(&app, &firm, &filter, (which.after, which.limit), |message| Some(message.into())).await?))
}

/// A page of what `show` makes of the messages that `filter` admits.
pub(super) async fn found<T>(
    app: &App,
    firm: &FirmScope,
    filter: &MessageFilter,
    (after, limit): (Option<u64>, Option<Limit>),
    show: impl Fn(Message) -> Option<T>,
) -> Answer<Page<T>> {
    let limit = limit.unwrap_or_default().get();
    let found = filter.search((&app.table, &app.feed), firm.id(), after, limit, show).await?;
    Ok(Page { items: found.items, next: found.next.map(|number| number.to_string()) })
}

pub(super) async fn find(app: &App, firm: FirmId, id: MessageId) -> Answer<Message> {
    let row = app.table.get::<Message>(&Key::message(firm, id)).await?;
    Ok(row.ok_or_else(|| not_found("message"))?.value)
}

/// Shows the metadata of a mail.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}", tag = "messages", operation_id = "read_message",
    responses((status = 200, body = MessageView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<MessageView>> {
    Ok(Json(find(&app, firm.id(), message).await?.into()))
}

/// The bytes of a mail as Microsoft gave them (RFC 5322).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes bytes that flow")]
struct Original(Vec<u8>);

/// Downloads the original of a mail (MIME) or a part of it, byte for byte as Microsoft delivered it.
///
/// HEAD shows its size and its SHA-256 only.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/content", tag = "messages", operation_id = "read_original",
    params(
        ("Range" = Option<String>, Header, description = "One range of bytes, as `bytes=0-999`"),
        ("If-Range" = Option<String>, Header, description = "An `ETag`: the range counts only for that original"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of what the caller has already"),
    ),
    responses(
        (status = 200, body = Original, content_type = "message/rfc822", headers(("ETag" = String, description = "Its SHA-256"))),
        (status = 206, body = Original, content_type = "message/rfc822", description = "The part that `Range` names",
            headers(("Content-Range" = String, description = "Which bytes of how many"))),
        (status = 303, description = "A large original: download it from `Location` within five minutes, without a key"),
        (status = 304, description = "The caller has it already, as `If-None-Match` says"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "`range_beyond_end`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(super) async fn content(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<MessageId>,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let message = find(&app, firm.id(), id).await?;
    let original = message.original().ok_or_else(|| {
        Problem::new(Code::NotArchived, format!("The state of the message is {}.", message.state.name()))
    })?;
    let (length, etag) = (original.bytes, format!("\"{}\"", original.sha256));
    let part = match asked(&method, &headers, &etag, length) {
        Asked::Same => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()),
        Asked::Beyond => {
            let problem = Problem::new(Code::RangeBeyondEnd, format!("The original has {length} bytes."));
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((range, Failure::from(problem)).into_response());
        }
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
    };
    // The index has all that HEAD shows, and a link is good for GET only.
    let body = if method == Method::HEAD {
        Body::empty()
    } else if length > app.config.content_bytes_max {
        return Ok(Redirect::to(&app.archive.link(firm.id(), id).await?).into_response());
    } else {
        Body::new(app.archive.open(firm.id(), id, part.clone()).await?)
    };
    let mut headers = vec![
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", id.local())),
    ];
    let (status, bytes) = match part {
        None => (StatusCode::OK, length),
        Some(part) => {
            let (first, last) = part.into_inner();
            headers.push((header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}")));
            (StatusCode::PARTIAL_CONTENT, last - first + 1)
        }
    };
    headers.push((header::CONTENT_LENGTH, bytes.to_string()));
    Ok((status, AppendHeaders(headers), body).into_response())
}

/// Where to file a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFiling {
    /// The dossier's id or name in the business application; null takes the mail out of its dossier.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    dossier: Option<Name>,
}

/// A change of where a mail is filed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilingView {
    /// The dossier; null if the mail was taken out of its dossier.
    dossier: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// The id of the API key that made the change, or `operator`.
    by: String,
}

/// The changes of a mail's dossier.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filings {
    /// Oldest first.
    items: Vec<FilingView>,
}

/// Most mails that are filed by one request.
const FILED_MAX: usize = 100;

/// A mail's id.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}$")]
#[expect(dead_code, reason = "describes an id")]
struct MessageRef(MessageId);

/// Where to file many mails.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFilings {
    /// The ids of the mails.
    #[schema(value_type = Vec<MessageRef>, min_items = 1, max_items = 100)]
    messages: Vec<MessageId>,
    /// The dossier, in the business application's own words; null takes the mails out of those that they are in.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    dossier: Option<Name>,
}

/// What came of one of many mails.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledView {
    #[schema(value_type = String)]
    message: MessageId,
    /// Why it was not filed, as `not_found` or `not_archived`. Null where it is filed as asked.
    problem: Option<Problem>,
}

/// What came of many mails.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledMany {
    /// In the order of the request.
    items: Vec<FiledView>,
}

/// Changes where a mail is filed; what was so before stays as it is.
async fn set_dossier(app: &App, firm: &FirmScope, id: MessageId, dossier: Option<&str>) -> Answer<Message> {
    let (by, now) = (firm.by(), app.clock.now());
    let filed = filing::file((&app.table, &app.feed), (firm.id(), id), dossier, &by, now).await;
    filed.map_err(|error| match error {
        FilingError::Unknown => not_found("message"),
        FilingError::NotArchived(_) => Problem::new(Code::NotArchived, format!("Nothing is filed: {error}.")).into(),
        FilingError::Feed(error) => Failure::from(error),
    })
}

/// Changes where a mail is filed, and has its mark turned.
async fn set_one(app: &App, firm: FirmScope, id: MessageId, dossier: Option<&str>) -> Answer<Json<MessageView>> {
    let message = set_dossier(app, &firm, id, dossier).await?;
    if !message.state.is_final() {
        mailboxes::queue(app, firm.id(), id.mailbox).await;
    }
    Ok(Json(message.into()))
}

/// Files up to 100 mails to a dossier, or takes them out of their dossiers.
///
/// Each mail has an answer of its own; one that can't be filed does not keep the others from being filed. Their
/// categories in Outlook change shortly afterwards. Repeating the request changes nothing.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/file", tag = "messages", operation_id = "file_messages",
    responses((status = 200, body = FiledMany))
)]
pub(super) async fn file_many(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewFilings>,
) -> Answer<Json<FiledMany>> {
    if !(1..=FILED_MAX).contains(&new.messages.len()) {
        return Err(invalid(format!("messages: 1 to {FILED_MAX} ids")));
    }
    let dossier = new.dossier.map(Name::into_inner);
    let (mut items, mut waiting, mut failure) = (Vec::new(), BTreeSet::new(), None);
    // One by one: each takes the next number of the firm's feed.
    for id in new.messages {
        let problem = match set_dossier(&app, &firm, id, dossier.as_deref()).await {
            Ok(filed) => {
                waiting.extend((!filed.state.is_final()).then_some(id.mailbox));
                None
            }
            Err(Failure::Told(problem)) => Some(problem.told_in(language::of_caller())),
            Err(other) => {
                failure = Some(other);
                break;
            }
        };
        items.push(FiledView { message: id, problem });
    }
    for mailbox in waiting {
        mailboxes::queue(&app, firm.id(), mailbox).await;
    }
    failure.map_or(Ok(Json(FiledMany { items })), Err)
}

/// Files a mail to a dossier, or moves it to another dossier.
///
/// Its category in Outlook turns green shortly afterwards. Repeating the request changes nothing.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "file_message",
    responses(
        (status = 200, body = MessageView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(super) async fn file(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Json(new): Json<NewFiling>,
) -> Answer<Json<MessageView>> {
    set_one(&app, firm, message, new.dossier.map(Name::into_inner).as_deref()).await
}

/// Takes a mail out of its dossier.
///
/// Its category in Outlook turns grey again. Repeating the request changes nothing.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "unfile_message",
    responses((status = 200, body = MessageView))
)]
pub(super) async fn unfile(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<MessageView>> {
    set_one(&app, firm, message, None).await
}

/// Lists the dossiers that a mail was filed to, with the time and the person of each change.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "list_filings",
    responses((status = 200, body = Filings))
)]
pub(super) async fn filings(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<Filings>> {
    find(&app, firm.id(), message).await?;
    let history = filing::history(&app.table, firm.id(), message).await?;
    let items = history.into_iter().map(|Filing { dossier, at, by, .. }| FilingView { dossier, at, by });
    Ok(Json(Filings { items: items.collect() }))
}
