//! Messages: the list, the search and the metadata of archived mails.

pub(super) mod content;
pub(super) mod filing;
pub(super) mod retry;

use std::{str::FromStr, sync::Arc};

use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{FirmId, FolderId, MailboxId, MessageId},
    graph::WellKnown,
    mail::{
        list::{ArchiveFilter, InDossier, MailDirection, MessageFilter, MessageSource},
        mailbox::Mailbox,
        message::Message,
        opened::{self, NESTED_BYTES_MAX, OpenMailError, with_own_subject},
    },
    problem::{Code, Problem},
    search::{
        find::{ConversationKeys, FoundIn, FoundMail, MailField, Search, SearchCache, SearchError, SearchWords},
        highlight::TextPiece,
        words::Phrases,
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{mailboxes::folders::by_well_known_name, paging::in_feed, views::MessageView};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::{Id, Json, Query, SoughtParty, given, typed},
    field::{Limit, Moment, NAME_CHARS_MAX},
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
    /// Only mail that was found in this folder: its id, or with `mailbox` its well-known name, such as `inbox`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 512, pattern = r##"^[!"$-~]+$"##)]
    folder: Option<FolderId>,
    /// Only mail from this address, or from this domain: `@acme.example`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 320, pattern = r"^[^\s@]*@[^\s@]+$")]
    from: Option<SoughtParty>,
    /// Only mail to this address, or to this domain: `@acme.example`. Copies count.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 320, pattern = r"^[^\s@]*@[^\s@]+$")]
    to: Option<SoughtParty>,
    /// Only mail that arrived at this time or later.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<Moment>,
    /// Only mail that arrived before this time.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    until: Option<Moment>,
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

impl From<TextPiece> for RunView {
    fn from(TextPiece { text, is_match }: TextPiece) -> Self {
        Self { text, marked: is_match }
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
            WantedState::Archived => ArchiveFilter::Archived,
            WantedState::Failed => ArchiveFilter::Failed,
            WantedState::Gone => ArchiveFilter::Gone,
        });
        let folder = match self.folder {
            Some(name) if WellKnown::named(name.as_str()).is_some() => {
                let needs = "folder: with a well-known name, `mailbox` has to be given, too";
                Some(by_well_known_name(app, firm, self.mailbox.ok_or_else(|| invalid(needs))?, name).await?)
            }
            Some(id) => Some(id),
            None => None,
        };
        Ok(MessageFilter {
            mailbox: self.mailbox,
            folder,
            from: self.from.map(|SoughtParty(from)| from),
            since: self.since.map(Moment::into_inner),
            until: self.until.map(Moment::into_inner),
            dossier,
            keeping,
            has_attachments: self.attachments,
            direction,
        })
    }
}

/// Lists or searches a firm's mails. Those that greffe archived last come first.
///
/// A page may be empty and still have a `next`, because a request examines at most 2,000 entries. Mail that arrives
/// while you page does not change the pages that follow.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages", tag = "messages", operation_id = "list_messages", params(MessagesFilter),
    responses(
        (status = 200, body = FoundMessages),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`not_archived`: there is no original of the mail that `conversation_of` names"
        ),
    )
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Extension(cache): Extension<Arc<SearchCache>>,
    Query(mut which): Query<MessagesFilter>,
) -> Answer<Json<FoundMessages>> {
    in_feed(&app, firm.id(), which.after).await?;
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
    let words = SearchWords { phrases, to: which.to.take().map(|SoughtParty(to)| to), conversation };
    let filter = which.into_filter(&app, firm.id()).await?;
    let registry = MessageSource { table: &app.table, feed: &app.feed, firm: firm.id(), filter: &filter };
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
            OpenMailError::NoMessage => {
                Problem::new(Code::NotFound, "within: the attachment with this number is no message.").into()
            }
            OpenMailError::NestedTooLarge => {
                let largest = format!("An encoded message within another one may have {NESTED_BYTES_MAX} bytes.");
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
    let head = opened::head(&app.archive, original.key(firm, message.id), original.bytes).await?;
    Ok(ConversationKeys::of(message, &head))
}

pub(super) async fn find(app: &App, firm: FirmId, id: MessageId) -> Answer<Message> {
    let row = app.table.get::<Message>(&Key::message(firm, id)).await?;
    Ok(row.ok_or_else(|| not_found("message"))?.value.as_of(app.clock.now()))
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
    let message = find(&app, firm.id(), message).await?;
    Ok(Json(with_own_subject(&app.archive, firm.id(), message).await.into()))
}
