//! Messages: what a folder holds, page by page, and the MIME of one.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use reqwest::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    client::{Call, Graph, GraphAnswer, GraphUser, Link, Patience, next_chunk, query_value, segment},
    graph_error::GraphError,
    wire_page::{PageEnd, WireEntry, WirePage},
};
use crate::base::id::{ConversationId, FolderId, ImmutableId};
#[cfg(any(test, fuzzing))]
use crate::graph::json::read_json;

/// Messages asked for in one page of delta.
pub const MESSAGES_PAGE: usize = 100;
const SELECT: &str = "receivedDateTime,subject,from,toRecipients,ccRecipients,bccRecipients,internetMessageId,isDraft,\
                      categories,hasAttachments,conversationId";
/// Which `SELECT` it is: a delta link goes on with the one that it began with.
pub const SELECTION: u32 = 1;
/// A name of a header field is no longer than a line (RFC 5322 §2.1.1).
const HEAD_BYTES_MAX: usize = 998;
/// The longest address that is kept: those of X.400 are longer than those of SMTP.
const ADDRESS_BYTES_MAX: usize = 1_024;
/// The longest version of an item that is kept.
const ETAG_BYTES_MAX: usize = 512;
/// The newest mails that are asked for where they lie.
const NEWEST: usize = 50;
const IMMUTABLE: &str = r#"IdType="ImmutableId""#;

/// Where the newest mails of a mailbox lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestFolders {
    /// The folders, each once.
    pub folders: BTreeSet<FolderId>,
    /// When the oldest of these mails arrived; none if the mailbox has no others.
    pub back_to: Option<Timestamp>,
}

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
    /// Whether it is still being written. An update may leave it out.
    pub is_draft: Option<bool>,
    /// Whether it has attachments that are not inline.
    pub has_attachments: bool,
    /// All its categories, the person's own among them.
    pub categories: Vec<String>,
    /// The version of the item that this was read from.
    pub etag: Option<String>,
    /// The conversation that it is part of.
    pub conversation: Option<ConversationId>,
}

/// One entry of a delta page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeltaItem {
    /// It lies in the folder: new, changed, or told again.
    Present(Mail),
    /// It left the folder: deleted or moved out.
    Removed(ImmutableId),
}

/// One page of a folder's delta round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaPage {
    /// Its entries, none, some told twice.
    pub items: Vec<DeltaItem>,
    /// Entries without an id, which can't be asked for either.
    pub unreadable: u64,
    /// Where to go on.
    pub end: PageEnd,
}

/// Some of the mails that lie in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPage {
    /// The mails.
    pub mails: Vec<Mail>,
    /// So many entries can't be read.
    pub unreadable: u64,
    /// Where to go on. It counts places, so it skips a mail for each that leaves the folder meanwhile.
    pub next: Option<Link>,
}

/// The mails that arrived from the one moment on and before the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedPeriod {
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
}

impl ReceivedPeriod {
    fn filter(self) -> impl fmt::Display {
        let Self { since, until } = self;
        let filter = format!("receivedDateTime ge {since:.0} and receivedDateTime lt {until:.0}");
        query_value(&filter).to_string()
    }
}

impl Graph {
    /// At most `top` (1 to 1,000) of a folder's mails that arrived in that time, oldest first, drafts included.
    /// Source: <https://learn.microsoft.com/graph/api/mailfolder-list-messages>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn arrivals(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        arrivals: ReceivedPeriod,
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
                self.get(&path, attempted.clone())
            }
        };
        call.headers = &[("prefer", IMMUTABLE)];
        let page: MessagesPage = self.json(call).await?;
        let (mails, unreadable) = (page.mails().collect(), page.unreadable);
        Ok(MailPage { mails, unreadable, next: page.next_link.map(|link| self.admit(link, &attempted)).transpose()? })
    }

    /// How many of a folder's mails arrived in that time.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn count_arrivals(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        arrivals: ReceivedPeriod,
    ) -> Result<u64, GraphError> {
        let options = format!("$count=true&$top=1&$filter={}&$select=id", arrivals.filter());
        let path = format!("{}/mailFolders/{}/messages?{options}", user.path(), segment(folder.as_str()));
        let mut call = self.get(&path, format!("count the mails of folder {folder}"));
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WirePage = self.json(call).await?;
        Ok(page.count.unwrap_or(page.entries.len() as u64))
    }

    /// One page of a folder's messages: from `from`, or the first page of a first round.
    ///
    /// A dead link is [`Disposition::Resync`](super::Disposition::Resync). One caller per folder at a time: a newer
    /// link kills the older ones. Source: <https://learn.microsoft.com/graph/delta-query-messages>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delta_page(
        &self,
        user: &GraphUser,
        folder: &FolderId,
        from: Option<&Link>,
    ) -> Result<DeltaPage, GraphError> {
        let attempted = format!("read a page of folder {folder}");
        let prefer = format!("odata.maxpagesize={MESSAGES_PAGE}, {IMMUTABLE}");
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
        let page: MessagesPage = self.json(call).await?;
        let end = self.page_end(page.next_link, page.delta_link, &attempted)?;
        Ok(DeltaPage { items: page.items, unreadable: page.unreadable, end })
    }

    /// What Graph says of one mail now.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn mail(&self, user: &GraphUser, id: &ImmutableId) -> Result<Mail, GraphError> {
        let path = format!("{}/messages/{}?$select={SELECT}", user.path(), segment(id.as_str()));
        let mut call = self.get(&path, format!("read message {id}"));
        call.headers = &[("prefer", IMMUTABLE)];
        let attempted = call.attempted.clone();
        let WireEntry(entry) = self.json(call).await?;
        match entry.and_then(read_entry) {
            Some(DeltaItem::Present(mail)) => Ok(mail),
            _ => Err(GraphError::Unreadable { attempted, source: "it has no id".into() }),
        }
    }

    /// The folder in which a mail lies now.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn folder_of(&self, user: &GraphUser, id: &ImmutableId) -> Result<Option<FolderId>, GraphError> {
        let path = format!("{}/messages/{}?$select=parentFolderId", user.path(), segment(id.as_str()));
        let mut call = self.get(&path, format!("ask where message {id} lies"));
        call.headers = &[("prefer", IMMUTABLE)];
        let mail: Value = self.json(call).await?;
        Ok(parent_folder(&mail))
    }

    /// The mail that arrived last in the Inbox, if there is any: there are no drafts among those.
    /// Source: <https://learn.microsoft.com/graph/api/mailfolder-list-messages>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn newest_mail(&self, user: &GraphUser) -> Result<Option<Mail>, GraphError> {
        let options = format!("$top=1&$orderby=receivedDateTime%20desc&$select={SELECT}");
        let path = format!("{}/mailFolders/inbox/messages?{options}", user.path());
        let mut call = self.get(&path, "read the newest message".to_owned());
        call.headers = &[("prefer", IMMUTABLE)];
        let page: MessagesPage = self.json(call).await?;
        Ok(page.mails().next())
    }

    /// Where the mailbox's newest mails lie: what a notice is about is among them, as a rule.
    /// Source: <https://learn.microsoft.com/graph/api/user-list-messages>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn newest_folders(&self, user: &GraphUser) -> Result<NewestFolders, GraphError> {
        let options = format!("$top={NEWEST}&$orderby=receivedDateTime%20desc&$select=parentFolderId,receivedDateTime");
        let path = format!("{}/messages?{options}", user.path());
        let mut call = self.get(&path, "list the newest mails".to_owned());
        call.headers = &[("prefer", IMMUTABLE)];
        let page: WirePage = self.json(call).await?;
        let received = |entry: &Value| moment(entry.get("receivedDateTime")?.as_str()?);
        let back_to = page.next_link.as_ref().and_then(|_| page.entries.iter().filter_map(received).min());
        Ok(NewestFolders { folders: page.entries.iter().filter_map(parent_folder).collect(), back_to })
    }

    /// The MIME of one mail as a stream. Graph makes it anew at each read, so two reads may differ in bytes.
    /// Source: <https://learn.microsoft.com/graph/outlook-get-mime-message>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn mime(&self, user: &GraphUser, id: &ImmutableId) -> Result<MimeStream, GraphError> {
        let path = format!("{}/messages/{}/$value", user.path(), segment(id.as_str()));
        let mut call = self.get(&path, format!("read the MIME of message {id}"));
        call.headers = &[("prefer", IMMUTABLE)];
        let answer = self.send(call).await?;
        let GraphAnswer { response, attempted, place, patience } = answer;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        if response.status() != StatusCode::OK || encoding.is_some_and(|encoding| encoding != "identity") {
            let source = "it is a part of the mail, or another form of it".into();
            return Err(GraphError::Unreadable { attempted, source });
        }
        Ok(MimeStream { response, attempted, head: Some(Vec::new()), patience, _place: place })
    }
}

/// The bytes of one mail as they come. Holds one of the mailbox's four places until it is dropped.
#[derive(Debug)]
pub struct MimeStream {
    response: reqwest::Response,
    attempted: String,
    /// How it begins, until that shows that it is a mail.
    head: Option<Vec<u8>>,
    patience: Patience,
    _place: Option<OwnedSemaphorePermit>,
}

impl MimeStream {
    /// The next bytes, or none at the end. A body that is cut short is an error, never an end.
    ///
    /// A mail begins with the name of a header field (RFC 5322 §2.2). What begins otherwise is a page of a proxy, sent
    /// with 200 in the place of the mail: an original is never rewritten, so it must not become one.
    ///
    /// Errors: Graph does not answer to the end, or something else than a mail came.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, GraphError> {
        let attempted = || self.attempted.clone();
        let chunk = next_chunk(&mut self.response, &self.patience).await;
        let chunk = chunk.map_err(|source| GraphError::Unreachable { attempted: attempted(), source })?;
        let Some(head) = &mut self.head else { return Ok(chunk) };
        let bytes = chunk.as_deref().unwrap_or_default();
        head.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX)]);
        match begins_like_a_mail(head) {
            Some(true) => self.head = None,
            // What is empty is told as such.
            None if chunk.is_some() || head.is_empty() => {}
            _ => {
                let source = "it is a page, and no mail".into();
                return Err(GraphError::Unreadable { attempted: attempted(), source });
            }
        }
        Ok(chunk)
    }
}

/// Whether bytes begin with the name of a header field and a colon, or as mails do in an mbox file; none while that
/// does not show yet.
fn begins_like_a_mail(head: &[u8]) -> Option<bool> {
    let head = head.trim_ascii_start();
    if !head.first()?.is_ascii_alphanumeric() {
        return Some(false);
    }
    match head.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b':') {
        Some(end) if head[end] == b':' => Some(true),
        Some(end) if matches!(head[end], b' ' | b'\t') => match head[end..].trim_ascii_start().first() {
            _ if head.starts_with(b"From ") => Some(true),
            next => next.map(|next| *next == b':'),
        },
        Some(_) => Some(false),
        None if head.len() < HEAD_BYTES_MAX => None,
        None => Some(false),
    }
}

/// A page of mails, read entry by entry: what one of them lacks or spells otherwise costs the others nothing.
#[derive(Debug, Deserialize)]
#[serde(from = "WirePage")]
struct MessagesPage {
    items: Vec<DeltaItem>,
    unreadable: u64,
    next_link: Option<String>,
    delta_link: Option<String>,
}

impl MessagesPage {
    fn mails(&self) -> impl Iterator<Item = Mail> + '_ {
        self.items.iter().filter_map(|item| match item {
            DeltaItem::Present(mail) => Some(mail.clone()),
            DeltaItem::Removed(_) => None,
        })
    }
}

impl From<WirePage> for MessagesPage {
    fn from(wire: WirePage) -> Self {
        let WirePage { entries, unreadable, next_link, delta_link, .. } = wire;
        let all = entries.len() + unreadable;
        let items: Vec<DeltaItem> = entries.into_iter().filter_map(read_entry).collect();
        Self { unreadable: (all - items.len()) as u64, items, next_link, delta_link }
    }
}

/// Reads one entry. Only the id is needed: what else is left out, null, or of another form than documented counts as
/// not told.
fn read_entry(mut entry: Value) -> Option<DeltaItem> {
    let immutable_id: ImmutableId = entry.get("id")?.as_str()?.parse().ok()?;
    if let Some(removed) = entry.get("@removed").filter(|removed| !removed.is_null()) {
        // Whatever else stands there does not say that the mail is gone.
        removed.get("reason").and_then(Value::as_str)?;
        return Some(DeltaItem::Removed(immutable_id));
    }
    let mut text = |name: &str| match entry.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (etag, subject, internet_message_id) = (text("@odata.etag"), text("subject"), text("internetMessageId"));
    let conversation = text("conversationId").filter(|id| !id.is_empty()).map(|id| ConversationId::of(&id));
    let received_at = text("receivedDateTime").and_then(|time| moment(&time));
    let list = |name: &str| entry.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is = |name: &str| entry.get(name).and_then(Value::as_bool).unwrap_or(false);
    let recipients = ["toRecipients", "ccRecipients", "bccRecipients"].into_iter().flat_map(list);
    Some(DeltaItem::Present(Mail {
        immutable_id,
        received_at,
        subject: subject.unwrap_or_default(),
        from: entry.get("from").and_then(address),
        recipients: recipients.map(|recipient| address(recipient).unwrap_or_default()).collect(),
        internet_message_id,
        is_draft: entry.get("isDraft").and_then(Value::as_bool),
        has_attachments: is("hasAttachments"),
        categories: list("categories").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        etag: etag.filter(|etag| etag.len() <= ETAG_BYTES_MAX),
        conversation,
    }))
}

/// The folder that an entry lies in.
fn parent_folder(entry: &Value) -> Option<FolderId> {
    entry.get("parentFolderId")?.as_str()?.parse().ok()
}

/// The address of a sender or a recipient. One that is longer than any that Exchange has is none.
fn address(recipient: &Value) -> Option<String> {
    let address = recipient.get("emailAddress")?.get("address")?.as_str()?;
    (address.len() <= ADDRESS_BYTES_MAX).then(|| address.to_owned())
}

/// A moment with its offset, or without one in UTC, as Graph tells all others.
fn moment(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    text.parse().ok().or_else(local)
}

/// Reads any bytes as a page of mails, and checks what holds of each.
#[cfg(any(test, fuzzing))]
pub fn check_mails_page(bytes: &[u8]) -> bool {
    let Ok(page) = read_json::<MessagesPage>(bytes) else { return false };
    assert!(page.items.len() + page.unreadable as usize <= bytes.len());
    for mail in page.mails() {
        assert!(mail.from.iter().chain(&mail.recipients).all(|address| address.len() <= ADDRESS_BYTES_MAX));
        assert!(mail.etag.is_none_or(|etag| etag.len() <= ETAG_BYTES_MAX));
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({
            "@odata.type": "#microsoft.graph.message", "@odata.etag": "W/\"CQ\"", "id": "AAk1",
            "receivedDateTime": "2026-03-02T08:00:00Z", "subject": "Facture",
            "from": { "emailAddress": { "name": "C", "address": "c@acme.example" } },
            "toRecipients": [{ "emailAddress": { "address": "ada@lumen.example" } }],
            "ccRecipients": [], "bccRecipients": [], "internetMessageId": "<1@acme.example>", "isDraft": false,
            "categories": ["Blue"], "hasAttachments": true, "conversationId": "AAQk1",
        })
    }

    fn page(value: &Value) -> MessagesPage {
        let text = json!({ "value": value, "@odata.deltaLink": "https://graph.microsoft.com/v1.0/x" }).to_string();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_one_entry_lacks_or_spells_otherwise_costs_the_others_nothing() {
        let whole = page(&json!([entry()])).mails().next().unwrap();
        assert_eq!((whole.subject.as_str(), whole.recipients.len()), ("Facture", 1));
        for odd in [Value::Null, json!(7), json!("text"), json!([null]), json!({}), json!([{ "emailAddress": null }])] {
            for name in entry().as_object().unwrap().keys().filter(|name| *name != "id") {
                let mut changed = entry();
                changed[name] = odd.clone();
                let page = page(&json!([changed, entry()]));
                assert_eq!((page.items.len(), page.unreadable), (2, 0), "{name}: {odd}");
                assert_eq!(page.mails().last(), Some(whole.clone()));
            }
        }
        let page = page(&json!([null, 7, {}, { "id": null }, { "id": "" }, entry()]));
        assert_eq!((page.items.len(), page.unreadable), (1, 5));
    }

    #[test]
    fn a_removed_entry_is_known_by_its_id_alone() {
        let removed = json!({ "id": "AAk1", "@removed": { "reason": "deleted" }, "receivedDateTime": 3 });
        assert_eq!(page(&json!([removed])).items, [DeltaItem::Removed("AAk1".parse().unwrap())]);
        for odd in [json!("no"), json!(false), json!({})] {
            let page = page(&json!([{ "id": "AAk1", "@removed": odd }]));
            assert_eq!((page.items.len(), page.unreadable), (0, 1), "{odd}");
        }
    }

    #[test]
    fn a_mail_begins_with_the_name_of_a_header_field() {
        for mail in ["Received: from", "\r\nX-1_a: b", "Subject :x", "From ada@lumen.example Mon", "0: x"] {
            assert_eq!(begins_like_a_mail(mail.as_bytes()), Some(true), "{mail}");
        }
        for other in
            ["<html>", "{\"error\":{}}", "\u{1f}\u{8b}", "Bad gateway", "Bad\r\nX: y", &"a".repeat(2_000), ": x"]
        {
            assert_eq!(begins_like_a_mail(other.as_bytes()), Some(false), "{other}");
        }
        assert!(["", " ", "Rec", "Subject "].iter().all(|part| begins_like_a_mail(part.as_bytes()).is_none()));
    }

    #[test]
    fn moments_without_an_offset_are_in_utc() {
        let moments = ["2026-03-02T08:00:00Z", "2026-03-02T08:00:00.0000000", "2026-03-02T09:00:00+01:00"];
        assert!(moments.iter().all(|text| moment(text) == moment(moments[0]) && moment(text).is_some()));
        assert_eq!(moment("yesterday"), None);
    }
}
