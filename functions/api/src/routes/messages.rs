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
    aws::table::Key,
    base::{
        digest::Digest,
        id::{FirmId, MailboxId, MessageId},
    },
    firm::feed::{Numbered, What},
    graph::GraphCode,
    mail::{
        filing::{self, Filed, FilingError},
        message::{Filing, Message, State as MessageState},
        rules::SkipReason,
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

/// Numbers looked at in one step of a list.
const PER_STEP: usize = 100;
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

/// What a list is narrowed to.
#[derive(Default)]
pub(super) struct Filter {
    mailbox: Option<MailboxId>,
    from: Option<String>,
    subject: Option<String>,
    dossier: Option<String>,
}

impl Filter {
    /// All mail of this mailbox.
    pub fn of(mailbox: MailboxId) -> Self {
        Self { mailbox: Some(mailbox), ..Self::default() }
    }

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
            _ => None,
        }
    }

    /// The next numbers of the firm's registry below `before`, each with the message that may be wanted under it.
    async fn step(&self, app: &App, firm: FirmId, before: u64) -> Answer<Vec<(u64, Option<MessageId>)>> {
        if let Some(dossier) = &self.dossier {
            let edge = Key::filed(firm, dossier, before);
            let filed = app.table.numbered::<Filed>(&edge, false, PER_STEP).await?;
            return Ok(filed.into_iter().map(|(number, filed)| (number, Some(filed.message))).collect());
        }
        let facts = app.feed.before(firm, before, PER_STEP).await?;
        let candidate = |Numbered { number, fact }: Numbered| (number, self.candidate(&fact.what));
        Ok(facts.into_iter().map(candidate).collect())
    }

    /// The wanted ones of these messages, by the number under which they are listed.
    async fn wanted(
        &self,
        app: &App,
        firm: FirmId,
        step: &[(u64, Option<MessageId>)],
    ) -> Answer<HashMap<u64, Message>> {
        let mut keys: Vec<Key> = step.iter().filter_map(|(_, id)| Some(Key::message(firm, (*id)?))).collect();
        keys.sort_by_key(Key::to_string);
        // A message may have failed and been archived within the same step, and BatchGetItem takes a key once.
        keys.dedup();
        let rows = app.table.get_all::<Message>(&keys).await?;
        let wanted = rows.into_iter().map(|row| row.value).filter_map(|message| {
            let number = self.listed_under(&message)?;
            self.admits(message.id.mailbox, message.from.as_deref(), &message.subject).then_some((number, message))
        });
        Ok(wanted.collect())
    }

    /// The number under which a message is listed, and only there: that of its filing, else that under which its state was told
    /// last.
    fn listed_under(&self, message: &Message) -> Option<u64> {
        match (&self.dossier, &message.state) {
            (Some(dossier), _) => {
                message.filing.as_ref().filter(|last| last.dossier.as_ref() == Some(dossier)).map(|last| last.number)
            }
            (None, MessageState::Failed(failure)) => Some(failure.number),
            (None, _) => message.original().map(|original| original.number),
        }
    }

    /// What `show` makes of the wanted messages, the last registered first, below the number `after`.
    pub async fn list<T>(
        &self,
        app: &App,
        firm: FirmId,
        after: Option<u64>,
        limit: Option<Limit>,
        show: impl Fn(Message) -> Option<T>,
    ) -> Answer<Page<T>> {
        let limit = limit.unwrap_or_default().get();
        let mut reached = after.unwrap_or(u64::MAX);
        let mut items = Vec::new();
        for _ in 0..STEPS_MAX {
            let step = self.step(app, firm, reached).await?;
            let mut messages = self.wanted(app, firm, &step).await?;
            for (number, _) in &step {
                reached = *number;
                items.extend(messages.remove(number).and_then(&show));
                if items.len() == limit {
                    return Ok(Page { items, next: Some(reached.to_string()) });
                }
            }
            if step.len() < PER_STEP {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page { items, next: Some(reached.to_string()) })
    }
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
    let lower = |text: String| text.to_lowercase();
    let filter = Filter {
        mailbox: which.mailbox,
        from: which.from.map(lower),
        subject: which.q.map(lower),
        dossier: which.dossier,
    };
    let show = |message| Some(MessageView::from(message));
    Ok(Json(filter.list(&app, firm.id(), which.after, which.limit, show).await?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_no_notice_of_case_and_needs_a_sender_to_compare() {
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let filter =
            Filter { from: Some("ada@x.example".into()), subject: Some("überweisung".into()), ..Filter::default() };
        assert!(filter.admits(mailbox, Some("Ada@X.example"), "WG: ÜBERWEISUNG 7"));
        assert!(!filter.admits(mailbox, None, "Überweisung"));
        assert!(!filter.admits(mailbox, Some("ada@x.example"), "Rechnung"));
        let other = "00000000-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        assert!(!Filter::of(other).admits(mailbox, None, ""));
    }
}
