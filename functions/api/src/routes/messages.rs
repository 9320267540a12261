//! Messages and their originals.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    graph::GraphCode,
    mail::{
        filing::{self, FilingError},
        message::{Filing, Message, State as MessageState},
        rules::SkipReason,
        search::MessageFilter,
    },
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::{Page, mailboxes};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, not_found},
    extract::{Id, Json, Query, given},
    field::{Limit, Name},
};

/// A mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageView {
    #[schema(value_type = String)]
    id: MessageId,
    #[schema(value_type = String, format = "uuid")]
    mailbox: MailboxId,
    /// Its subject, perhaps cut; the whole one is in the original.
    subject: String,
    /// The sender's address.
    from: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    received_at: Timestamp,
    /// The header Message-ID: a hint, never a key.
    internet_message_id: Option<String>,
    has_attachments: bool,
    /// `pending`, `skipped`, `archived`, `announced`, `marked`, `unmarked` or `failed`. The original is there from
    /// `archived` on; `unmarked` means that Outlook can't show it.
    state: &'static str,
    /// The SHA-256 of the original, in hex.
    #[schema(value_type = Option<String>)]
    sha256: Option<Digest>,
    /// The length of the original.
    bytes: Option<u64>,
    #[schema(value_type = Option<String>, format = "date-time")]
    archived_at: Option<Timestamp>,
    /// Its number in the firm's feed.
    number: Option<u64>,
    /// Why it could not be archived so far.
    failure: Option<MessageFailureView>,
    /// Why it is not kept.
    skip_reason: Option<SkipReason>,
    /// The dossier that it is filed to.
    dossier: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    filed_at: Option<Timestamp>,
    /// Who filed it: the id of the API key, or `operator`.
    filed_by: Option<String>,
}

/// Why a mail could not be archived so far.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageFailureView {
    /// Microsoft's own code.
    #[schema(value_type = String)]
    code: GraphCode,
    attempts: u32,
    /// Null when it is given up.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let original = message.original().cloned();
        let (mut failure, mut skip_reason) = (None, None);
        let state = message.state.name();
        let filing = message.filing.filter(|filing| filing.dossier.is_some());
        let mut number = original.as_ref().map(|original| original.number);
        match message.state {
            MessageState::Failed(f) => {
                number = Some(f.number);
                failure = Some(MessageFailureView { code: f.code, attempts: f.attempts, next_try: f.next_try });
            }
            MessageState::Skipped { reason } => skip_reason = Some(reason),
            _ => {}
        }
        Self {
            id: message.id,
            mailbox: message.id.mailbox,
            subject: message.subject,
            from: message.from,
            received_at: message.received_at,
            internet_message_id: message.internet_message_id,
            has_attachments: message.has_attachments,
            state,
            sha256: original.as_ref().map(|original| original.sha256),
            bytes: original.as_ref().map(|original| original.bytes),
            archived_at: original.map(|original| original.archived_at),
            number,
            failure,
            skip_reason,
            filed_at: filing.as_ref().map(|filing| filing.at),
            filed_by: filing.as_ref().map(|filing| filing.by.clone()),
            dossier: filing.and_then(|filing| filing.dossier),
        }
    }
}

/// Which mails.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this mailbox only.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$")]
    mailbox: Option<MailboxId>,
    /// From this address only.
    #[serde(default, deserialize_with = "given")]
    from: Option<String>,
    /// With this text in the subject, in upper or lower case.
    #[serde(default, deserialize_with = "given")]
    q: Option<String>,
    /// Filed to this dossier only.
    #[serde(default, deserialize_with = "given")]
    dossier: Option<String>,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Lists the mails that are archived or failed, or those of a dossier, the last registered first.
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

async fn find(app: &App, firm: FirmId, id: MessageId) -> Answer<Message> {
    let row = app.table.get::<Message>(&Key::message(firm, id)).await?;
    Ok(row.ok_or_else(|| not_found("message"))?.value)
}

/// Shows a mail.
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

/// The original of a mail, byte for byte as Microsoft gave it. It flows through, whatever its size.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/content", tag = "messages", operation_id = "read_original",
    responses(
        (status = 200, body = Original, content_type = "message/rfc822", headers(("ETag" = String, description = "Its SHA-256"))),
        (status = 303, description = "A large one: read it at `Location`, within five minutes and without a key"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(super) async fn content(firm: FirmScope, State(app): State<Arc<App>>, Id(id): Id<MessageId>) -> Answer<Response> {
    let message = find(&app, firm.id(), id).await?;
    let original = message.original().ok_or_else(|| {
        Problem::new(Code::NotArchived, format!("The state of the message is {}.", message.state.name()))
    })?;
    if original.bytes > app.config.content_bytes_max {
        return Ok(Redirect::to(&app.archive.link(firm.id(), id).await?).into_response());
    }
    let bytes = app.archive.open(firm.id(), id).await?;
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_LENGTH, original.bytes.to_string()),
        (header::ETAG, format!("\"{}\"", original.sha256)),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", id.local())),
    ];
    Ok((headers, Body::new(bytes)).into_response())
}

/// Where to file a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFiling {
    /// The dossier, in the business application's own words; null takes the mail out of the one that it is in.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    dossier: Option<Name>,
}

/// A change of where a mail is filed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilingView {
    /// Null where it was taken out of its dossier.
    dossier: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Who did it: the id of the API key, or `operator`.
    by: String,
}

/// All that was done about the filing of a mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filings {
    /// Oldest first.
    items: Vec<FilingView>,
}

/// Changes where a mail is filed, and has its mark turned; what was so before stays as it is.
async fn set_dossier(app: &App, firm: FirmScope, id: MessageId, dossier: Option<String>) -> Answer<Json<MessageView>> {
    let (by, now) = (firm.by(), app.clock.now());
    let filed = filing::file((&app.table, &app.feed), (firm.id(), id), dossier.as_deref(), &by, now).await;
    let message = filed.map_err(|error| match error {
        FilingError::Unknown => not_found("message"),
        FilingError::NotArchived(_) => Problem::new(Code::NotArchived, format!("Nothing is filed: {error}.")).into(),
        FilingError::Feed(error) => Failure::from(error),
    })?;
    if !message.state.is_final() {
        mailboxes::queue(app, firm.id(), id.mailbox).await;
    }
    Ok(Json(message.into()))
}

/// Files a mail to a dossier, or to another one. Its mark in Outlook turns green in the background. Said again, nothing changes.
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
    set_dossier(&app, firm, message, new.dossier.map(Name::into_inner)).await
}

/// Takes a mail out of its dossier. Its mark in Outlook turns grey again. Said again, nothing changes.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "unfile_message",
    responses((status = 200, body = MessageView))
)]
pub(super) async fn unfile(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<MessageView>> {
    set_dossier(&app, firm, message, None).await
}

/// Shows where a mail was ever filed, when and by whom.
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
