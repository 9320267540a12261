//! Filing: which dossier a mail belongs to.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use shared::{
    app::App,
    base::id::{FirmId, MessageId},
    firm::fact::FiledThrough,
    mail::{
        filing::{self, FilingChange, FilingError},
        list::{MessageFilter, MessageSource},
        message::{FilingRecord, Message},
    },
    problem::{Code, Problem},
    search::{
        conversation::{ConversationMails, follow_conversation},
        find::{Search, SearchCache},
    },
};
use utoipa::ToSchema;

use super::{conversation, find};
use crate::routes::{mailboxes, views::MessageView};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json},
    field::Name,
    language,
};

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
    /// The id of the API key that made the change, or `operator`. Where a mail followed its conversation or its folder,
    /// who filed the conversation or gave the folder its dossier.
    by: String,
    /// What changed it.
    through: FiledThrough,
}

/// The changes of a mail's dossier.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filings {
    /// Oldest first.
    items: Vec<FilingView>,
}

/// Most mails that one request names.
pub(crate) const NAMED_MAX: usize = 100;
/// Most characters of what is no id that stand in the answer.
const ANSWERED_CHARS_MAX: usize = 300;

/// A mail's id. A text that is none is answered with a problem of its own.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "describes an id")]
pub(crate) struct MessageRef(MessageId);

/// A mail as a request names it among others: by its id, or by a text that is none.
#[derive(Debug, Clone)]
pub(crate) struct NamedMail(Result<MessageId, String>);

impl From<MessageId> for NamedMail {
    fn from(id: MessageId) -> Self {
        Self(Ok(id))
    }
}

impl<'de> Deserialize<'de> for NamedMail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(text.parse().map_err(|_| text.chars().take(ANSWERED_CHARS_MAX).collect())))
    }
}

impl NamedMail {
    /// Its id; none if it is named by something else.
    pub(crate) fn id(&self) -> Option<&MessageId> {
        self.0.as_ref().ok()
    }

    /// As the answer names it.
    pub(crate) fn into_text(self) -> String {
        self.0.map_or_else(|text| text, |id| id.to_string())
    }
}

/// Where to file many mails.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFilings {
    /// The ids of the mails.
    #[schema(value_type = Vec<MessageRef>, min_items = 1, max_items = 100)]
    messages: Vec<NamedMail>,
    /// The dossier, in the business application's own words; null takes the mails out of those that they are in.
    #[schema(required)]
    #[serde(deserialize_with = "Option::deserialize")]
    dossier: Option<Name>,
}

/// What came of one of many mails.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledView {
    /// The id, as the request has it.
    message: String,
    /// Why it was not filed, as `not_found`, `not_archived`, or `invalid_request` where this is no id. Null where it is
    /// filed as asked.
    problem: Option<Problem>,
}

/// One result for each mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledMany {
    /// In the order of the request.
    pub(crate) items: Vec<FiledView>,
}

/// Changes where a mail is filed; what was so before stays as it is.
async fn set_dossier(app: &App, firm: &FirmScope, id: MessageId, dossier: Option<&str>) -> Answer<Message> {
    let (by, now) = (firm.by(), app.clock.now());
    Ok(filing::file((&app.table, &app.feed), (firm.id(), id), FilingChange::requested(dossier, &by, now)).await?)
}

impl From<FilingError> for Failure {
    fn from(error: FilingError) -> Self {
        match error {
            FilingError::Unknown => not_found("message"),
            FilingError::NotArchived(_) => {
                Problem::new(Code::NotArchived, format!("Nothing is filed: {error}.")).into()
            }
            FilingError::FiledSince => not_proposed().into(),
            FilingError::Feed(error) => error.into(),
        }
    }
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
/// The response has a result for each mail. A mail that can't be filed does not stop the others. Their categories in
/// Outlook change shortly afterwards. A repeated request has no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/file", tag = "messages", operation_id = "file_messages",
    responses((status = 200, body = FiledMany))
)]
pub(crate) async fn file_many(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewFilings>,
) -> Answer<Json<FiledMany>> {
    if !(1..=NAMED_MAX).contains(&new.messages.len()) {
        return Err(invalid(format!("messages: 1 to {NAMED_MAX} ids")));
    }
    let dossier = new.dossier.map(Name::into_inner);
    let (by, at) = (firm.by(), app.clock.now());
    let change = FilingChange::requested(dossier.as_deref(), &by, at);
    let items = file_each(&app, firm.id(), new.messages.into_iter().map(|named| (named, Ok(change)))).await?;
    Ok(Json(FiledMany { items }))
}

/// The problem of a mail that is not proposed for the dossier.
pub(crate) fn not_proposed() -> Problem {
    let detail = "Nothing is filed: the mail is proposed for another dossier or for none, or was filed meanwhile.";
    Problem::new(Code::NotProposed, detail)
}

/// What the answer says of one of many mails; a failure of ours ends the request.
pub(crate) fn problem_of(failed: Failure) -> Answer<Problem> {
    match failed.told() {
        Some(problem) => Ok(problem.told_in(language::of_caller())),
        None => Err(failed),
    }
}

/// Makes these changes one by one, because each takes the next number of the firm's feed, and has the marks turned. In
/// place of a change may be why it is not made.
pub(crate) async fn file_each(
    app: &App,
    firm: FirmId,
    changes: impl Iterator<Item = (NamedMail, Result<FilingChange<'_>, Problem>)>,
) -> Answer<Vec<FiledView>> {
    let (mut items, mut waiting, mut failure) = (Vec::new(), BTreeSet::new(), None);
    for (named, change) in changes {
        let filed = match (named.id(), change) {
            (Some(id), Ok(change)) => {
                filing::file((&app.table, &app.feed), (firm, *id), change).await.map_err(Failure::from)
            }
            (Some(_), Err(problem)) => Err(problem.into()),
            (None, _) => Err(invalid("this is no message id")),
        };
        let problem = match filed {
            Ok(filed) => {
                waiting.extend((!filed.state.is_final()).then_some(filed.id.mailbox));
                None
            }
            Err(failed) => match problem_of(failed) {
                Ok(problem) => Some(problem),
                Err(failed) => {
                    failure = Some(failed);
                    break;
                }
            },
        };
        items.push(FiledView { message: named.into_text(), problem });
    }
    for mailbox in waiting {
        mailboxes::queue(app, firm, mailbox).await;
    }
    failure.map_or(Ok(items), Err)
}

/// Where the mails of a conversation were filed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledConversation {
    /// The mails that this request filed, the newest first.
    items: Vec<FiledView>,
    /// Whether that is the whole conversation. If not, send the request again: a request files at most 200 mails, and
    /// of mails that came a moment ago not all may be found.
    is_complete: bool,
}

/// Files all archived mails of the conversation that a mail is part of, in all mailboxes, or takes them out of their
/// dossiers.
///
/// Mails belong to one conversation if they have the same conversation id in Exchange, or if References and In-Reply-To
/// name the same first mail. If the firm has `replies_follow`, later mails of the conversation are filed to the same
/// dossier. A repeated request has no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/{message}/conversation/file", tag = "messages",
    operation_id = "file_conversation",
    responses(
        (status = 200, body = FiledConversation),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(crate) async fn file_conversation(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Extension(cache): Extension<Arc<SearchCache>>,
    Id(message): Id<MessageId>,
    Json(new): Json<NewFiling>,
) -> Answer<Json<FiledConversation>> {
    let dossier = new.dossier.map(Name::into_inner);
    let (by, at) = (firm.by(), app.clock.now());
    let first = find(&app, firm.id(), message).await?;
    let keys = conversation(&app, firm.id(), &first).await?;
    let through = FiledThrough::Conversation;
    let change = FilingChange { through, ..FilingChange::requested(dossier.as_deref(), &by, at) };
    let filter = MessageFilter::default();
    let registry = MessageSource { table: &app.table, feed: &app.feed, firm: firm.id(), filter: &filter };
    let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
    let ConversationMails { mails, is_complete } = follow_conversation(&search, (&first, keys), change).await?;
    let items = file_each(&app, firm.id(), mails.iter().map(|mail| (mail.id.into(), Ok(change)))).await?;
    Ok(Json(FiledConversation { items, is_complete }))
}

/// Files a mail to a dossier, or moves it to another dossier.
///
/// Its category in Outlook turns green shortly afterwards. A repeated request has no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "file_message",
    responses(
        (status = 200, body = MessageView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(crate) async fn file(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
    Json(new): Json<NewFiling>,
) -> Answer<Json<MessageView>> {
    set_one(&app, firm, message, new.dossier.map(Name::into_inner).as_deref()).await
}

/// Takes a mail out of its dossier.
///
/// Its category in Outlook turns grey again. A repeated request has no further effect.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/messages/{message}/file", tag = "messages", operation_id = "unfile_message",
    responses((status = 200, body = MessageView))
)]
pub(crate) async fn unfile(
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
pub(crate) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(message): Id<MessageId>,
) -> Answer<Json<Filings>> {
    find(&app, firm.id(), message).await?;
    let history = filing::history(&app.table, firm.id(), message).await?;
    let view = |FilingRecord { dossier, at, by, through, .. }| FilingView { dossier, at, by, through };
    let items = history.into_iter().map(view);
    Ok(Json(Filings { items: items.collect() }))
}
