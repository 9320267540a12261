//! Messages and their originals.

use std::{collections::HashMap, sync::Arc};

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
    archive::Digest,
    feed::{Numbered, What},
    graph::GraphCode,
    id::{FirmId, MailboxId, MessageId},
    message::{Message, SkipReason, State as MessageState},
    problem::{Code, Problem},
    table::Key,
};
use utoipa::{IntoParams, ToSchema};

use super::Page;
use crate::{
    auth::FirmScope,
    error::{Answer, not_found},
    extract::{Id, Json, Query, given},
    field::Limit,
};

/// Facts read in one step of a list.
const FACTS_PER_STEP: usize = 100;
/// Steps of one list: a search that finds little ends here, and goes on with `next`.
const STEPS_MAX: usize = 20;

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
    failure: Option<FailureView>,
    /// Why it is not kept.
    skip_reason: Option<SkipReason>,
}

/// Why a mail could not be archived so far.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailureView {
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
        let mut number = original.as_ref().map(|original| original.number);
        match message.state {
            MessageState::Failed(f) => {
                number = Some(f.number);
                failure = Some(FailureView { code: f.code, attempts: f.attempts, next_try: f.next_try });
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
    #[param(value_type = Option<String>, format = "uuid")]
    mailbox: Option<MailboxId>,
    /// From this address only.
    #[serde(default, deserialize_with = "given")]
    from: Option<String>,
    /// With this text in the subject, in upper or lower case.
    #[serde(default, deserialize_with = "given")]
    q: Option<String>,
    /// `next` of the page before.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// What a list is narrowed to.
struct Filter {
    mailbox: Option<MailboxId>,
    from: Option<String>,
    subject: Option<String>,
}

impl Filter {
    fn admits(&self, mailbox: MailboxId, from: Option<&str>, subject: &str) -> bool {
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
            && self.from.as_ref().is_none_or(|wanted| from.is_some_and(|from| from.to_lowercase() == *wanted))
            && self.subject.as_ref().is_none_or(|wanted| subject.to_lowercase().contains(wanted))
    }

    /// The message that a fact is about, unless the fact alone shows that it is not wanted.
    fn candidate(&self, fact: &What) -> Option<MessageId> {
        match fact {
            What::MessageArchived { mailbox, message, from, subject, .. } => {
                self.admits(*mailbox, from.as_deref(), subject).then_some(*message)
            }
            What::MessageFailed { mailbox, message, .. } => {
                self.mailbox.is_none_or(|wanted| wanted == *mailbox).then_some(*message)
            }
            What::ConnectorActionRequired { .. } | What::ConnectorConnected { .. } | What::Void => None,
        }
    }
}

/// The number under which a message's state was told last: it is listed there, and only there.
fn told_under(message: &Message) -> Option<u64> {
    match &message.state {
        MessageState::Failed(failure) => Some(failure.number),
        _ => message.original().map(|original| original.number),
    }
}

/// Lists the mails that are archived or failed, the last registered first.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages", tag = "messages", params(Which),
    responses((status = 200, body = Page<MessageView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<MessageView>>> {
    let limit = which.limit.unwrap_or_default().get();
    let lower = |text: String| text.to_lowercase();
    let filter = Filter { mailbox: which.mailbox, from: which.from.map(lower), subject: which.q.map(lower) };
    let mut reached = which.after.unwrap_or(u64::MAX);
    let mut items = Vec::new();
    for _ in 0..STEPS_MAX {
        let facts = app.feed.before(firm.id(), reached, FACTS_PER_STEP).await?;
        let mut messages = told(&app, firm.id(), &facts, &filter).await?;
        for Numbered { number, .. } in &facts {
            reached = *number;
            items.extend(messages.remove(number).map(MessageView::from));
            if items.len() == limit {
                return Ok(Json(Page { items, next: Some(reached.to_string()) }));
            }
        }
        if facts.len() < FACTS_PER_STEP {
            return Ok(Json(Page { items, next: None }));
        }
    }
    Ok(Json(Page { items, next: Some(reached.to_string()) }))
}

/// The wanted messages that `facts` tell of, by number.
async fn told(app: &App, firm: FirmId, facts: &[Numbered], filter: &Filter) -> Answer<HashMap<u64, Message>> {
    let mut keys: Vec<Key> = facts
        .iter()
        .filter_map(|numbered| filter.candidate(&numbered.fact.what))
        .map(|message| Key::message(firm, message))
        .collect();
    keys.sort_by_key(Key::to_string);
    // A message may have failed and been archived within the same step, and BatchGetItem takes a key once.
    keys.dedup();
    let rows = app.table.get_all::<Message>(&keys).await?;
    let wanted = rows.into_iter().map(|row| row.value).filter_map(|message| {
        let number = told_under(&message)?;
        filter.admits(message.id.mailbox, message.from.as_deref(), &message.subject).then_some((number, message))
    });
    Ok(wanted.collect())
}

async fn find(app: &App, firm: FirmId, id: MessageId) -> Answer<Message> {
    let row = app.table.get::<Message>(&Key::message(firm, id)).await?;
    Ok(row.ok_or_else(|| not_found("message"))?.value)
}

/// Shows a mail.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}", tag = "messages",
    responses((status = 200, body = MessageView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<MessageView>> {
    Ok(Json(find(&app, firm.id(), message).await?.into()))
}

/// The original of a mail, byte for byte as Microsoft gave it. It flows through, whatever its size.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/content", tag = "messages",
    responses(
        (status = 200, body = Vec<u8>, content_type = "message/rfc822", headers(("ETag" = String, description = "Its SHA-256"))),
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
    let object = app.archive.open(firm.id(), id).await?;
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_LENGTH, original.bytes.to_string()),
        (header::ETAG, format!("\"{}\"", original.sha256)),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", id.local())),
    ];
    Ok((headers, Body::new(object.body.into_inner())).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_no_notice_of_case_and_needs_a_sender_to_compare() {
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let filter = Filter { mailbox: None, from: Some("ada@x.example".into()), subject: Some("überweisung".into()) };
        assert!(filter.admits(mailbox, Some("Ada@X.example"), "WG: ÜBERWEISUNG 7"));
        assert!(!filter.admits(mailbox, None, "Überweisung"));
        assert!(!filter.admits(mailbox, Some("ada@x.example"), "Rechnung"));
        let other = "00000000-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        assert!(!Filter { mailbox: Some(other), from: None, subject: None }.admits(mailbox, None, ""));
    }
}
