//! Messages and their originals.

use std::{collections::BTreeSet, str::FromStr, sync::Arc};

use axum::{
    Extension,
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
    base::id::{ConversationId, FirmId, FolderId, MailboxId, MessageId},
    firm::feed::FiledThrough,
    mail::{
        filing::{self, FilingChange, FilingError, FollowedConversation},
        list::{InDossier, Keeping, MailDirection, MessageFilter, Registry},
        mailbox::Mailbox,
        message::{Filing, Message},
        opened::{self, NESTED_BYTES_MAX, OpenMailError},
    },
    problem::{Code, Problem},
    search::{
        find::{ConversationKeys, FoundIn, FoundMail, MailField, Search, SearchCache, SearchError, SearchWords},
        marks::Run,
        words::Phrases,
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{mailboxes, views::MessageView};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, Query, given, typed},
    field::{Limit, NAME_CHARS_MAX, Name},
    language,
    range::{Asked, asked},
};

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WantedState {
    /// The original is in the archive.
    Archived,
    /// Microsoft refuses to give it; greffe tries again.
    Failed,
    /// It was deleted before it could be read.
    Gone,
}

/// Which way a mail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// From others.
    Received,
    /// From the mailbox's own address.
    Sent,
}

macro_rules! named {
    ($type:ident { $($name:literal => $variant:ident),+ }, $expected:literal) => {
        impl FromStr for $type {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($expected),
                }
            }
        }
    };
}

named!(WantedState { "archived" => Archived, "failed" => Failed, "gone" => Gone }, "archived, failed or gone belongs here");
named!(Direction { "received" => Received, "sent" => Sent }, "received or sent belongs here");

/// Characters of what one search may ask for.
const SEARCH_CHARS_MAX: usize = 500;

/// Which mails.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessagesFilter {
    /// Words that the mail has in its subject, its people, the names of its attachments or its text, in any order. A
    /// phrase stands between quotes. The last word may be the beginning of one, unless a space follows it. Case and
    /// accents make no difference.
    #[serde(default, deserialize_with = "typed")]
    #[param(value_type = Option<String>, max_length = 500)]
    q: Option<SearchText>,
    /// Only mail of this mailbox.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    mailbox: Option<MailboxId>,
    /// Only mail that was found in this folder, by its id.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 512, pattern = r##"^[!"$-~]+$"##)]
    folder: Option<FolderId>,
    /// Only mail from this address, or from this domain: `@acme.example`.
    #[serde(default, deserialize_with = "given")]
    from: Option<String>,
    /// Only mail to this address, or to this domain: `@acme.example`. Copies count.
    #[serde(default, deserialize_with = "given")]
    to: Option<String>,
    /// Only mail that arrived at this time or later.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<Timestamp>,
    /// Only mail that arrived before this time.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    until: Option<Timestamp>,
    /// Only mail of this dossier.
    #[serde(default, deserialize_with = "given")]
    dossier: Option<String>,
    /// Only mail that is filed to a dossier, or only mail that is not. Not together with `dossier`.
    #[serde(default, deserialize_with = "given")]
    filed: Option<bool>,
    /// Only mail in this state.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<WantedState>, inline)]
    state: Option<WantedState>,
    /// Only mail with attachments, or only mail without.
    #[serde(default, deserialize_with = "given")]
    attachments: Option<bool>,
    /// Only mail that went this way.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<Direction>, inline)]
    direction: Option<Direction>,
    /// Only mail of the same conversation as this mail, in all mailboxes.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, inline, pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}$")]
    conversation_of: Option<MessageId>,
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// What a person types to search.
#[derive(Debug)]
pub(super) struct SearchText(Phrases);

impl SearchText {
    pub(super) fn into_inner(self) -> Phrases {
        self.0
    }
}

impl FromStr for SearchText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.chars().count() <= SEARCH_CHARS_MAX;
        fits.then(|| Self(Phrases::read(text))).ok_or_else(|| format!("at most {SEARCH_CHARS_MAX} characters"))
    }
}

/// A piece of a text.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunView {
    text: String,
    /// It is what was searched for.
    marked: bool,
}

impl From<Run> for RunView {
    fn from(Run { text, is_marked }: Run) -> Self {
        Self { text, marked: is_marked }
    }
}

/// Where in a mail something was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct MatchView {
    /// `subject`; `people`: who wrote it and to whom; `beginning` of the text; or `original`: further on, where `/text`
    /// with the same `q` shows it.
    part: &'static str,
    /// What the part says, piece by piece. Empty for `original`.
    runs: Vec<RunView>,
}

impl From<FoundIn> for MatchView {
    fn from(FoundIn { field, runs }: FoundIn) -> Self {
        let part = match field {
            MailField::Subject => "subject",
            MailField::People => "people",
            MailField::Beginning => "beginning",
            MailField::Original => "original",
        };
        Self { part, runs: runs.into_iter().map(RunView::from).collect() }
    }
}

/// A mail of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundMessage {
    #[serde(flatten)]
    message: MessageView,
    /// Where the words of `q` were found. Empty without `q`.
    matches: Vec<MatchView>,
}

/// A page of mails.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundMessages {
    items: Vec<FoundMessage>,
    /// Pass this as `after` to read the next page; null on the last page.
    next: Option<String>,
    /// Null where the answer is complete. Otherwise new mail came faster than its texts were indexed: mails with
    /// greater numbers were searched by their subjects and senders only. Ask again later.
    complete_to: Option<u64>,
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Feed(error) => error.into(),
            error => Self::Internal(error.into()),
        }
    }
}

impl MessagesFilter {
    async fn into_filter(self, app: &App, firm: FirmId) -> Answer<MessageFilter> {
        let dossier = match (self.dossier, self.filed) {
            (Some(_), Some(_)) => return Err(invalid("dossier and filed: only one of them")),
            (Some(dossier), None) if dossier.chars().count() > NAME_CHARS_MAX => {
                return Err(invalid("dossier: at most 200 characters"));
            }
            (Some(dossier), None) => Some(InDossier::Of(dossier)),
            (None, Some(true)) => Some(InDossier::Any),
            (None, Some(false)) => Some(InDossier::None),
            (None, None) => None,
        };
        let direction = match self.direction {
            None => None,
            Some(direction) => {
                let all = app.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm)).await?;
                let addresses = all.into_iter().map(|row| (row.value.id, row.value.address)).collect();
                let way = if direction == Direction::Sent { MailDirection::Sent } else { MailDirection::Received };
                Some((way, addresses))
            }
        };
        let keeping = self.state.map(|state| match state {
            WantedState::Archived => Keeping::Archived,
            WantedState::Failed => Keeping::Failed,
            WantedState::Gone => Keeping::Gone,
        });
        Ok(MessageFilter {
            mailbox: self.mailbox,
            folder: self.folder,
            from: self.from,
            since: self.since,
            until: self.until,
            dossier,
            keeping,
            has_attachments: self.attachments,
            direction,
        })
    }
}

/// Lists a firm's mails, newest entry first. Filters narrow the list.
///
/// A page may be empty and still have a `next`, because a request examines at most 2,000 entries. Mail that arrives
/// while you page does not change the pages that follow.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages", tag = "messages", operation_id = "list_messages", params(MessagesFilter),
    responses((status = 200, body = FoundMessages))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Extension(cache): Extension<Arc<SearchCache>>,
    Query(mut which): Query<MessagesFilter>,
) -> Answer<Json<FoundMessages>> {
    let page = (which.after, which.limit.unwrap_or_default().get());
    let phrases = match which.q.take().map(SearchText::into_inner) {
        // Nothing fits a text without any word, such as a sign alone.
        Some(phrases) if phrases.is_empty() => {
            return Ok(Json(FoundMessages { items: Vec::new(), next: None, complete_to: None }));
        }
        phrases => phrases.unwrap_or_default(),
    };
    let conversation = match which.conversation_of {
        Some(message) => Some(conversation(&app, firm.id(), &find(&app, firm.id(), message).await?).await?),
        None => None,
    };
    let words = SearchWords { phrases, to: which.to.take(), conversation };
    let filter = which.into_filter(&app, firm.id()).await?;
    let registry = Registry { table: &app.table, feed: &app.feed, firm: firm.id(), filter: &filter };
    let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
    let found = Box::pin(search.find(&words, page, app.clock.now())).await?;
    let items = found.items.into_iter().map(|FoundMail { message, matches }| FoundMessage {
        message: message.into(),
        matches: matches.into_iter().map(MatchView::from).collect(),
    });
    let next = found.next.map(|number| number.to_string());
    Ok(Json(FoundMessages { items: items.collect(), next, complete_to: found.complete_to }))
}

pub(super) fn not_archived(state: &str) -> Failure {
    Problem::new(Code::NotArchived, format!("The state of the message is {state}.")).into()
}

impl From<OpenMailError> for Failure {
    fn from(error: OpenMailError) -> Self {
        match error {
            OpenMailError::NoAttachment => not_found("attachment"),
            OpenMailError::NoMessage => not_found("message"),
            OpenMailError::NestedTooLarge => {
                let largest = format!("A message within another one may have {NESTED_BYTES_MAX} bytes to be opened.");
                Problem::new(Code::AnswerTooLarge, largest).into()
            }
            OpenMailError::Archive(error) => error.into(),
            OpenMailError::BrokenOff { .. } => Self::Internal(error.into()),
        }
    }
}

/// What the mails of a conversation are found by.
async fn conversation(app: &App, firm: FirmId, message: &Message) -> Answer<ConversationKeys> {
    let original = message.original().ok_or_else(|| not_archived(message.state.name()))?;
    let head = opened::head(&app.archive, (firm, message.id), original.bytes).await?;
    Ok(ConversationKeys::of(message, &head))
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
/// HEAD returns only its size and its SHA-256.
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
    let original = message.original().ok_or_else(|| not_archived(message.state.name()))?;
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
    /// The id of the API key that made the change, or `operator`. Where a mail followed its conversation or its folder,
    /// who filed the conversation or gave the folder its dossier.
    by: String,
    /// By what it was changed.
    through: FiledThrough,
}

/// The changes of a mail's dossier.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filings {
    /// Oldest first.
    items: Vec<FilingView>,
}

/// Most mails that are filed by one request.
const FILED_MAX: usize = 100;
/// Most mails of a conversation that are filed by one request.
const CONVERSATION_FILED_MAX: usize = 200;

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
    pub(super) items: Vec<FiledView>,
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
pub(super) async fn file_many(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewFilings>,
) -> Answer<Json<FiledMany>> {
    if !(1..=FILED_MAX).contains(&new.messages.len()) {
        return Err(invalid(format!("messages: 1 to {FILED_MAX} ids")));
    }
    let dossier = new.dossier.map(Name::into_inner);
    let (by, at) = (firm.by(), app.clock.now());
    let change = FilingChange::requested(dossier.as_deref(), &by, at);
    let items = file_each(&app, firm.id(), new.messages.into_iter().map(|id| (id, change))).await?;
    Ok(Json(FiledMany { items }))
}

/// Makes these changes one by one, because each takes the next number of the firm's feed, and has the marks turned.
pub(super) async fn file_each(
    app: &App,
    firm: FirmId,
    changes: impl Iterator<Item = (MessageId, FilingChange<'_>)>,
) -> Answer<Vec<FiledView>> {
    let (mut items, mut waiting, mut failure) = (Vec::new(), BTreeSet::new(), None);
    for (id, change) in changes {
        let problem = match filing::file((&app.table, &app.feed), (firm, id), change).await.map_err(Failure::from) {
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
        mailboxes::queue(app, firm, mailbox).await;
    }
    failure.map_or(Ok(items), Err)
}

/// Where the mails of a conversation were filed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiledConversation {
    /// The mails that were not there yet, the last registered first.
    items: Vec<FiledView>,
    /// Whether that is the whole conversation. If not, send the request again: a request files at most 200 mails, and
    /// of mails that came a moment ago not all may be found.
    is_complete: bool,
}

/// Files all archived mails of the conversation that a mail is part of, in all mailboxes, or takes them out of their
/// dossiers.
///
/// Mails are of one conversation if Exchange says so, or if their headers References and In-Reply-To lead to the same
/// mail. If the firm has `replies_follow`, later mails of the conversation follow. Repeating the request changes
/// nothing.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/{message}/conversation/file", tag = "messages",
    operation_id = "file_conversation",
    responses(
        (status = 200, body = FiledConversation),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(super) async fn file_conversation(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Extension(cache): Extension<Arc<SearchCache>>,
    Id(message): Id<MessageId>,
    Json(new): Json<NewFiling>,
) -> Answer<Json<FiledConversation>> {
    let dossier = new.dossier.map(Name::into_inner);
    let (by, at) = (firm.by(), app.clock.now());
    let first = find(&app, firm.id(), message).await?;
    let words = SearchWords { conversation: Some(conversation(&app, firm.id(), &first).await?), ..Default::default() };
    let followed = dossier.clone().map(|dossier| FollowedConversation { dossier, by: by.clone(), at });
    // First, so that no mail comes between: what is archived from now on follows, what was before is found.
    follow(&app, firm.id(), [&first], followed.as_ref()).await?;
    let filter = MessageFilter { keeping: Some(Keeping::Archived), ..MessageFilter::default() };
    let registry = Registry { table: &app.table, feed: &app.feed, firm: firm.id(), filter: &filter };
    let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
    let (mut after, mut found, mut is_complete) = (None, vec![], true);
    while found.len() < CONVERSATION_FILED_MAX {
        let page = Box::pin(search.find(&words, (after, Limit::MAX), at)).await?;
        is_complete &= page.complete_to.is_none();
        found.extend(
            page.items.into_iter().map(|mail| mail.message).filter(|mail| mail.dossier() != dossier.as_deref()),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    is_complete &= after.is_none() && found.len() <= CONVERSATION_FILED_MAX;
    found.truncate(CONVERSATION_FILED_MAX);
    follow(&app, firm.id(), &found, followed.as_ref()).await?;
    let through = FiledThrough::Conversation;
    let change = FilingChange { through, ..FilingChange::requested(dossier.as_deref(), &by, at) };
    let items = file_each(&app, firm.id(), found.iter().map(|mail| (mail.id, change))).await?;
    Ok(Json(FiledConversation { items, is_complete }))
}

/// Has later mails of the conversations of these mails follow, each in its own mailbox.
async fn follow(
    app: &App,
    firm: FirmId,
    mails: impl IntoIterator<Item = &Message>,
    followed: Option<&FollowedConversation>,
) -> Answer<()> {
    let conversations: BTreeSet<ConversationId> = mails.into_iter().filter_map(|mail| mail.conversation).collect();
    Ok(FollowedConversation::set(&app.table, firm, conversations, followed).await?)
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
    let view = |Filing { dossier, at, by, through, .. }| FilingView { dossier, at, by, through };
    let items = history.into_iter().map(view);
    Ok(Json(Filings { items: items.collect() }))
}
