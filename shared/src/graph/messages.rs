//! Messages: what a folder holds, page by page, and the MIME of one.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    client::{Call, Graph, GraphUser, Link, query_value, segment},
    error::GraphError,
};
use crate::base::id::{FolderId, ImmutableId};

/// Messages asked for in one page of delta.
pub const PAGE_ITEMS: usize = 100;
const SELECT: &str = "receivedDateTime,subject,from,toRecipients,ccRecipients,bccRecipients,internetMessageId,isDraft,\
                      categories,hasAttachments";
/// The newest mails that are asked for where they lie.
const NEWEST: usize = 50;
const IMMUTABLE: &str = r#"IdType="ImmutableId""#;

/// What Graph says of a mail without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The id that survives moves within the mailbox.
    pub immutable_id: ImmutableId,
    /// When it arrived. An update may leave it out.
    pub received_at: Option<Timestamp>,
    /// Its subject, perhaps empty.
    pub subject: String,
    /// The sender's address, perhaps none.
    pub from: Option<String>,
    /// The addresses in To, Cc and Bcc, each empty where Graph tells none.
    pub recipients: Vec<String>,
    /// The Message-ID header: a hint, never a key.
    pub internet_message_id: Option<String>,
    /// Whether it is still being written.
    pub is_draft: bool,
    /// Whether it has attachments that are not inline.
    pub has_attachments: bool,
    /// All its categories, the person's own among them.
    pub categories: Vec<String>,
    /// The version of the item that this was read from.
    pub etag: Option<String>,
}

/// One entry of a delta page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeltaItem {
    /// It lies in the folder: new, changed, or told again.
    Present(Mail),
    /// It left the folder: deleted or moved out.
    Removed(ImmutableId),
}

/// How a page ends: exactly one of both, as Graph sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEnd {
    /// More pages of this round.
    More(Link),
    /// The round is complete; the next one starts here.
    RoundComplete(Link),
}

/// One page of a folder's delta round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaPage {
    /// Its entries, none, some told twice.
    pub items: Vec<DeltaItem>,
    /// Where to go on.
    pub end: PageEnd,
}

/// Some of the mails that lie in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPage {
    /// The mails.
    pub mails: Vec<Mail>,
    /// Where to go on. It counts places, so it skips a mail for each that leaves the folder meanwhile.
    pub next: Option<Link>,
}

/// The mails that arrived from the one moment on and before the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrivals {
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
}

impl Arrivals {
    fn filter(self) -> impl fmt::Display {
        let Self { since, until } = self;
        let filter = format!("receivedDateTime ge {since:.0} and receivedDateTime lt {until:.0}");
        query_value(&filter).to_string()
    }
}

impl Graph {
    /// At most `top` (1 to 1,000) of a folder's mails that arrived in that time, oldest first, drafts included.
    /// Source: <https://learn.microsoft.com/graph/api/mailfolder-list-messages>
    pub async fn arrivals(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        arrivals: Arrivals,
        top: usize,
        from: Option<&Link>,
    ) -> Result<MailPage, GraphError> {
        let attempted = format!("list the mails of folder {folder}");
        let mut call = match from {
            Some(link) => Call { url: self.link(link, &attempted)?, ..self.get("", attempted.clone()) },
            None => {
                let filter = arrivals.filter();
                let options = format!("$top={top}&$orderby=receivedDateTime%20asc&$filter={filter}&$select={SELECT}");
                let path = format!("{}/mailFolders/{}/messages?{options}", user.path(), segment(folder.as_str()));
                self.get(&path, attempted)
            }
        };
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WireMails = self.json(call).await?;
        Ok(MailPage { mails: page.value.into_iter().map(Mail::from).collect(), next: page.next_link.map(Link::new) })
    }

    /// How many of a folder's mails arrived in that time.
    pub async fn count_arrivals(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        arrivals: Arrivals,
    ) -> Result<u64, GraphError> {
        let options = format!("$count=true&$top=1&$filter={}&$select=id", arrivals.filter());
        let path = format!("{}/mailFolders/{}/messages?{options}", user.path(), segment(folder.as_str()));
        let mut call = self.get(&path, format!("count the mails of folder {folder}"));
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WireMails = self.json(call).await?;
        Ok(page.count.unwrap_or(page.value.len() as u64))
    }

    /// One page of a folder's messages: from `from`, or the first page of a first round.
    ///
    /// A dead link is [`Disposition::Resync`](super::Disposition::Resync). One caller per folder at a time: a newer link
    /// kills the older ones. Source: <https://learn.microsoft.com/graph/delta-query-messages>
    pub async fn delta_page(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        from: Option<&Link>,
    ) -> Result<DeltaPage, GraphError> {
        let attempted = format!("read a page of folder {folder}");
        let prefer = format!("odata.maxpagesize={PAGE_ITEMS}, {IMMUTABLE}");
        let headers = [("prefer", prefer.as_str())];
        let mut call = match from {
            Some(link) => {
                let url = self.link(link, &attempted)?;
                Call { url, ..self.get("", attempted.clone()) }
            }
            None => {
                let path =
                    format!("{}/mailFolders/{}/messages/delta?$select={SELECT}", user.path(), segment(folder.as_str()));
                self.get(&path, attempted.clone())
            }
        };
        call.headers = &headers;
        let page: WirePage = self.json(call).await?;
        let end = page_end(page.next_link, page.delta_link, attempted)?;
        Ok(DeltaPage { items: page.value.into_iter().map(DeltaItem::from).collect(), end })
    }

    /// What Graph says of one mail now.
    pub async fn mail(&self, user: &GraphUser, id: &ImmutableId) -> Result<Mail, GraphError> {
        let path = format!("{}/messages/{}?$select={SELECT}", user.path(), segment(id.as_str()));
        let mut call = self.get(&path, format!("read message {id}"));
        call.headers = &[("prefer", IMMUTABLE)];
        self.json::<WireMail>(call).await.map(Mail::from)
    }

    /// The mail that arrived last in the Inbox, if there is any: there are no drafts among those.
    /// Source: <https://learn.microsoft.com/graph/api/mailfolder-list-messages>
    pub async fn newest_mail(&self, user: &GraphUser) -> Result<Option<Mail>, GraphError> {
        let options = format!("$top=1&$orderby=receivedDateTime%20desc&$select={SELECT}");
        let path = format!("{}/mailFolders/inbox/messages?{options}", user.path());
        let mut call = self.get(&path, "read the newest message".to_owned());
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WireMails = self.json(call).await?;
        Ok(page.value.into_iter().next().map(Mail::from))
    }

    /// The folders in which the mailbox's newest mails lie, each once: what a notice is about is among them, as a rule.
    /// Source: <https://learn.microsoft.com/graph/api/user-list-messages>
    pub async fn newest_folders(&self, user: &GraphUser) -> Result<BTreeSet<FolderId>, GraphError> {
        let options = format!("$top={NEWEST}&$orderby=receivedDateTime%20desc&$select=parentFolderId");
        let path = format!("{}/messages?{options}", user.path());
        let mut call = self.get(&path, "list the newest mails".to_owned());
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WirePlaces = self.json(call).await?;
        Ok(page.value.into_iter().filter_map(|mail| mail.parent_folder_id).collect())
    }

    /// The MIME of one mail as a stream. Graph makes it anew at each read, so two reads may differ in bytes.
    /// Source: <https://learn.microsoft.com/graph/outlook-get-mime-message>
    pub async fn mime(&self, user: &GraphUser, id: &ImmutableId) -> Result<MimeStream, GraphError> {
        let path = format!("{}/messages/{}/$value", user.path(), segment(id.as_str()));
        let mut call = self.get(&path, format!("read the MIME of message {id}"));
        call.headers = &[("prefer", IMMUTABLE)];
        let answer = self.send(call).await?;
        Ok(MimeStream { response: answer.response, attempted: answer.attempted, _place: answer.place })
    }
}

/// The bytes of one mail as they come. Holds one of the mailbox's four places until it is dropped.
#[derive(Debug)]
pub struct MimeStream {
    response: reqwest::Response,
    attempted: String,
    _place: Option<OwnedSemaphorePermit>,
}

impl MimeStream {
    /// The next bytes, or none at the end. A body that is cut short is an error, never an end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, GraphError> {
        self.response
            .chunk()
            .await
            .map_err(|e| GraphError::Unreachable { attempted: self.attempted.clone(), source: e.without_url() })
    }
}

/// A page of delta has exactly one link.
pub(super) fn page_end(next: Option<String>, delta: Option<String>, attempted: String) -> Result<PageEnd, GraphError> {
    match (next, delta) {
        (Some(next), None) => Ok(PageEnd::More(Link::new(next))),
        (None, Some(delta)) => Ok(PageEnd::RoundComplete(Link::new(delta))),
        _ => Err(GraphError::Unreadable { attempted, source: "a page must have exactly one link".into() }),
    }
}

#[derive(Deserialize)]
struct WirePage {
    value: Vec<WireItem>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta_link: Option<String>,
}

#[derive(Deserialize)]
struct WireMails {
    value: Vec<WireMail>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.count")]
    count: Option<u64>,
}

#[derive(Deserialize)]
struct WirePlaces {
    value: Vec<WirePlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlace {
    parent_folder_id: Option<FolderId>,
}

#[derive(Deserialize)]
struct WireItem {
    #[serde(rename = "@removed")]
    removed: Option<serde_json::Value>,
    #[serde(flatten)]
    mail: WireMail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMail {
    id: ImmutableId,
    #[serde(rename = "@odata.etag")]
    etag: Option<String>,
    received_date_time: Option<Timestamp>,
    subject: Option<String>,
    from: Option<Recipient>,
    #[serde(default)]
    to_recipients: Vec<Recipient>,
    #[serde(default)]
    cc_recipients: Vec<Recipient>,
    #[serde(default)]
    bcc_recipients: Vec<Recipient>,
    internet_message_id: Option<String>,
    is_draft: Option<bool>,
    has_attachments: Option<bool>,
    categories: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: Option<EmailAddress>,
}

impl Recipient {
    fn address(self) -> Option<String> {
        self.email_address?.address
    }
}

#[derive(Deserialize)]
struct EmailAddress {
    address: Option<String>,
}

impl From<WireItem> for DeltaItem {
    fn from(item: WireItem) -> Self {
        match item.removed {
            Some(_) => Self::Removed(item.mail.id),
            None => Self::Present(item.mail.into()),
        }
    }
}

impl From<WireMail> for Mail {
    fn from(mail: WireMail) -> Self {
        Self {
            immutable_id: mail.id,
            received_at: mail.received_date_time,
            subject: mail.subject.unwrap_or_default(),
            from: mail.from.and_then(Recipient::address),
            recipients: [mail.to_recipients, mail.cc_recipients, mail.bcc_recipients]
                .into_iter()
                .flatten()
                .map(|recipient| recipient.address().unwrap_or_default())
                .collect(),
            internet_message_id: mail.internet_message_id,
            is_draft: mail.is_draft.unwrap_or(false),
            has_attachments: mail.has_attachments.unwrap_or(false),
            categories: mail.categories.unwrap_or_default(),
            etag: mail.etag,
        }
    }
}
