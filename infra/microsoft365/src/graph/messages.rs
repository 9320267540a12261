//! Messages: metadata, MIME content, categories, moves and the translation of ids.

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use rusqlite::types::ToSql;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Content, Problem, Reply};
use super::call::Asked;
use super::query::{Clause, Query, Select, filter, invalid};
use crate::directory::Account;
use crate::faults::ValueFault;
use crate::mailbox;
use crate::message::Message;
use crate::mime::{self, MimeStream, Recipient};

/// Graph's page where nothing else is asked for (user-list-messages).
const PAGE: usize = 10;
const PAGE_MAX: usize = 1000;
/// Ids in one translation (user-translateexchangeids).
const IDS_MAX: usize = 1000;

/// Properties of message in v1.0 that can be selected.
pub(super) const PROPERTIES: [&str; 34] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "internetMessageHeaders",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "uniqueBody",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
    "attachments",
    "extensions",
    "event",
];

/// Messages of a folder or of the mailbox, newest first unless asked otherwise.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account, folder: Option<&str>) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip", "filter", "orderby", "count"])?;
    let select = query.select(&PROPERTIES)?;
    let top = query.number("top", 1, PAGE_MAX)?;
    let top = top.or(asked.prefer.page_size).unwrap_or(PAGE).min(PAGE_MAX);
    let skip = query.number("skip", 0, usize::MAX)?.unwrap_or(0);
    let order = match query.get("orderby").map(str::trim) {
        None | Some("receivedDateTime desc") => "DESC",
        Some("receivedDateTime" | "receivedDateTime asc") => "ASC",
        Some(other) => return Err(invalid(format!("Sorting by '{other}' is not supported."))),
    };
    let clauses = query.get("filter").map(filter).transpose()?.unwrap_or_default();
    let found = asked.world.store.read(|db| {
        let mut sql = "FROM messages WHERE mailbox = ?".to_owned();
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(mailbox.id.clone())];
        if let Some(folder) = folder {
            let Some(folder) = mailbox::find_folder(db, &mailbox.id, folder)? else {
                return Ok(None);
            };
            sql += " AND folder = ?";
            values.push(Box::new(folder.id));
        }
        for clause in &clauses {
            let (condition, value): (String, Box<dyn ToSql>) = match clause {
                Clause::Received(comparison, moment) => {
                    (format!("received * 1000 {} ?", comparison.sql()), Box::new(moment.as_millisecond()))
                }
                Clause::IsRead(read) => ("is_read = ?".to_owned(), Box::new(*read)),
                Clause::IsDraft(draft) => ("is_draft = ?".to_owned(), Box::new(*draft)),
                Clause::InternetMessageId(id) => ("internet_message_id = ?".to_owned(), Box::new(id.clone())),
            };
            sql += &format!(" AND {condition}");
            values.push(value);
        }
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let total: usize = db.query_row(&format!("SELECT count(*) {sql}"), values.as_slice(), |row| {
            Ok(usize::try_from(row.get::<_, i64>(0)?).unwrap_or_default())
        })?;
        let mut statement =
            db.prepare_cached(&format!("SELECT * {sql} ORDER BY received {order}, id LIMIT {top} OFFSET {skip}"))?;
        let rows = statement.query_map(values.as_slice(), Message::from_row)?;
        Ok(Some((rows.collect::<rusqlite::Result<Vec<_>>>()?, total)))
    })?;
    let (messages, total) = found.ok_or_else(Problem::folder_not_found)?;
    let value: Result<Vec<Value>, Problem> = messages.iter().map(|message| json(asked, message, &select)).collect();
    let mut page = json!({
        "@odata.context": asked.context(&format!("users('{}')/messages", mailbox.id)),
        "value": value?,
    });
    if query.is_true("count") {
        page["@odata.count"] = total.into();
    }
    if skip + top < total {
        let options = query.replaced("skip", &(skip + top).to_string());
        page["@odata.nextLink"] = format!("{}/v1.0{}?{options}", asked.world.origin, asked.call.path).into();
    }
    Ok(Reply::json(page))
}

/// One message.
pub(super) fn get(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let query = Query::read(&asked.call.query, &["select"])?;
    let select = query.select(&PROPERTIES)?;
    let message = find(asked, mailbox, id)?;
    entity(asked, mailbox, &message, &select).map(Reply::json)
}

/// The MIME content, made while it is sent: no length is known beforehand (outlook-get-mime-message).
pub(super) fn value(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let message = find(asked, mailbox, id)?;
    let mut content = mime::stream(&asked.world.store, &message.source)?;
    match asked.world.faults.next_value(&message.immutable_id) {
        None => {}
        Some(ValueFault::Status(404)) => return Err(Problem::item_not_found()),
        Some(ValueFault::Status(status)) => return Err(Problem::scripted(status)),
        Some(ValueFault::OtherBytes) => {
            let header = format!("X-MS-Exchange-Read: {}\r\n", asked.world.uuid());
            content = futures::stream::iter([Ok(Bytes::from(header))]).chain(content).boxed();
        }
        Some(ValueFault::CutAfter(bytes)) => {
            let cut = futures::stream::once(async {
                // What was read so far is sent before the connection breaks.
                tokio::task::yield_now().await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            });
            content = first_bytes(content, bytes).chain(cut).boxed();
        }
        Some(ValueFault::StallAfter(bytes)) => {
            content = first_bytes(content, bytes).chain(futures::stream::pending()).boxed();
        }
    }
    Ok(Reply::new(http::StatusCode::OK, Content::Stream(content)))
}

/// The first so many bytes of a content.
fn first_bytes(content: MimeStream, bytes: u64) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    content.scan(bytes, |left, chunk| {
        let chunk = chunk.map(|mut chunk| {
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
            chunk
        });
        let empty = chunk.as_ref().is_ok_and(Bytes::is_empty);
        std::future::ready((!empty).then_some(chunk))
    })
}

/// Changes categories or the read state; anything that came from a GET and is sent back spoils the request.
/// Source: message-update; "Set action is invalid for property" as in public threads.
pub(super) fn patch(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let body = asked.body()?;
    if let Some(name) = body.keys().find(|name| !matches!(name.as_str(), "categories" | "isRead")) {
        return Err(Problem::new(
            400,
            "ErrorInvalidPropertySet",
            format!("Set action is invalid for property. Property: {name}"),
        ));
    }
    let invalid = |name| Problem::bad_request(format!("Cannot convert the value of property '{name}'."));
    let categories = match body.get("categories") {
        None => None,
        Some(Value::Array(names)) => {
            let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
            let mut names = names.ok_or_else(|| invalid("categories"))?;
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
            Some(names)
        }
        Some(_) => return Err(invalid("categories")),
    };
    let read = match body.get("isRead") {
        None => None,
        Some(Value::Bool(read)) => Some(*read),
        Some(_) => return Err(invalid("isRead")),
    };
    let wanted_etag = asked.call.headers.get(http::header::IF_MATCH).and_then(|value| value.to_str().ok());
    let message = find(asked, mailbox, id)?;
    let conflicts = asked.world.faults.next_conflict(&message.immutable_id);
    let changed = asked.world.store.write(|db| {
        // Looked up again in the transaction: what it was before does not count.
        let Some(mut message) = mailbox::find_message(db, &mailbox.id, id)? else {
            return Ok(None);
        };
        if conflicts || wanted_etag.is_some_and(|wanted| wanted != "*" && wanted != message.etag()) {
            return Ok(Some(Err(())));
        }
        if let Some(categories) = &categories {
            message = mailbox::set_categories(db, asked.world, &message, categories)?;
        }
        if let Some(read) = read {
            message = mailbox::set_read(db, asked.world, &message, read)?;
        }
        Ok(Some(Ok(message)))
    })?;
    let message = changed.ok_or_else(Problem::item_not_found)?.map_err(|()| {
        Problem::new(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does not match the \
             current change key for the item.",
        )
    })?;
    entity(asked, mailbox, &message, &Query::default().select(&PROPERTIES)?).map(Reply::json)
}

/// Moves a message and answers with it in its new place, where its default id is another one.
pub(super) fn move_to(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let body = asked.body()?;
    // The model spells it DestinationId, the documentation destinationId; both are taken.
    let destination = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("destinationId"));
    let Some(destination) = destination.and_then(|(_, value)| value.as_str()) else {
        return Err(Problem::bad_request("The parameter 'DestinationId' is missing."));
    };
    let moved = asked.world.store.write(|db| {
        let Some(message) = mailbox::find_message(db, &mailbox.id, id)? else {
            return Ok(Err(Problem::item_not_found()));
        };
        let Some(folder) = mailbox::find_folder(db, &mailbox.id, destination)? else {
            return Ok(Err(Problem::folder_not_found()));
        };
        Ok(Ok(mailbox::move_to(db, asked.world, &message, &folder)?))
    })??;
    entity(asked, mailbox, &moved, &Query::default().select(&PROPERTIES)?).map(Reply::created)
}

/// Deletes as Outlook does: into Deleted Items first, from there out of sight.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    asked.world.store.write(|db| {
        let Some(message) = mailbox::find_message(db, &mailbox.id, id)? else {
            return Ok(Err(Problem::item_not_found()));
        };
        let bin = mailbox::find_folder(db, &mailbox.id, "deleteditems")?;
        let next = match bin {
            Some(bin) if bin.id != message.folder => Some(bin),
            _ => mailbox::find_folder(db, &mailbox.id, "recoverableitemsdeletions")?,
        };
        match next {
            Some(folder) => mailbox::move_to(db, asked.world, &message, &folder).map(drop)?,
            None => mailbox::purge(db, asked.world, &message)?,
        }
        Ok(Ok(()))
    })??;
    Ok(Reply::no_content())
}

/// Translates between default and immutable ids of one mailbox.
pub(super) fn translate_ids(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    let body = asked.body()?;
    let parameter =
        |name: &str| body.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let format = |name: &str| match parameter(name).and_then(Value::as_str) {
        Some("restId") => Ok(false),
        Some("restImmutableEntryId") => Ok(true),
        other => Err(Problem::bad_request(format!("The id type {other:?} of {name} is not supported."))),
    };
    let (from_immutable, to_immutable) = (format("sourceIdType")?, format("targetIdType")?);
    let ids = parameter("inputIds").and_then(Value::as_array).filter(|ids| ids.len() <= IDS_MAX);
    let ids: Option<Vec<&str>> = ids.and_then(|ids| ids.iter().map(Value::as_str).collect());
    let ids = ids.ok_or_else(|| Problem::bad_request("InputIds is a list of at most 1000 ids."))?;
    let value = asked.world.store.read(|db| {
        let mut value = Vec::new();
        for id in ids {
            let found = mailbox::find_message(db, &mailbox.id, id)?.filter(|message| message.id(from_immutable) == id);
            value.push(match found {
                Some(message) => json!({ "sourceId": id, "targetId": message.id(to_immutable) }),
                None => json!({
                    "sourceId": id,
                    "errorDetails": { "code": "ErrorInvalidIdMalformed", "message": "Id is malformed." },
                }),
            });
        }
        Ok(value)
    })?;
    Ok(Reply::json(json!({
        "@odata.context": asked.context("Collection(microsoft.graph.convertIdResult)"),
        "value": value,
    })))
}

fn find(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Result<Message, Problem> {
    let found = asked.world.store.read(|db| mailbox::find_message(db, &mailbox.id, id))?;
    found.ok_or_else(Problem::item_not_found)
}

fn entity(asked: &Asked<'_>, mailbox: &Account, message: &Message, select: &Select) -> Result<Value, Problem> {
    let mut entity = json(asked, message, select)?;
    entity["@odata.context"] = asked.context(&format!("users('{}')/messages/$entity", mailbox.id)).into();
    Ok(entity)
}

/// A message as Graph shows it to this caller: what is selected, ids as preferred, no content for Mail.ReadBasic.
pub(super) fn json(asked: &Asked<'_>, message: &Message, select: &Select) -> Result<Value, Problem> {
    let Message { properties, .. } = message;
    let moment = |moment: Timestamp| Value::from(moment.to_string());
    let id = message.id(asked.prefer.immutable_ids);
    let Value::Object(mut shown) = json!({
        "@odata.etag": message.etag(),
        "id": id,
        "createdDateTime": moment(message.created),
        "lastModifiedDateTime": moment(message.modified),
        "changeKey": message.change_key(),
        "categories": message.categories,
        "receivedDateTime": moment(message.received),
        "sentDateTime": moment(properties.sent.unwrap_or(message.received)),
        "hasAttachments": properties.has_attachments,
        "internetMessageId": properties.internet_message_id,
        "subject": properties.subject,
        "bodyPreview": properties.preview,
        "importance": properties.importance,
        "parentFolderId": message.folder,
        "conversationId": properties.conversation_id,
        "isDeliveryReceiptRequested": false,
        "isReadReceiptRequested": false,
        "isRead": message.is_read,
        "isDraft": message.is_draft,
        "webLink": format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem"),
        "inferenceClassification": "focused",
        "sender": properties.sender.as_ref().map(recipient),
        "from": properties.from.as_ref().map(recipient),
        "toRecipients": recipients(&properties.to),
        "ccRecipients": recipients(&properties.cc),
        "bccRecipients": recipients(&properties.bcc),
        "replyTo": recipients(&properties.reply_to),
        "flag": { "flagStatus": "notFlagged" },
    }) else {
        return Err(Problem::new(500, "UnknownError", ""));
    };
    if properties.odata_type != mime::MESSAGE {
        shown.insert("@odata.type".to_owned(), properties.odata_type.clone().into());
    }
    if asked.reads_basic_only() {
        shown.remove("bodyPreview");
    } else if select.has("body") || select.names("uniqueBody") || select.names("internetMessageHeaders") {
        content(asked, message, select, &mut shown)?;
    }
    select.keep(&mut shown);
    Ok(shown.into())
}

fn content(
    asked: &Asked<'_>,
    message: &Message,
    select: &Select,
    shown: &mut Map<String, Value>,
) -> Result<(), Problem> {
    let mime = mime::head(&asked.world.store, &message.source)?;
    let (kind, text) = mime::body(&mime);
    let body = json!({ "contentType": kind, "content": text });
    if select.names("uniqueBody") {
        shown.insert("uniqueBody".to_owned(), body.clone());
    }
    shown.insert("body".to_owned(), body);
    if select.names("internetMessageHeaders") {
        let fields =
            mime::header_fields(&mime).into_iter().map(|(name, value)| json!({ "name": name, "value": value }));
        shown.insert("internetMessageHeaders".to_owned(), fields.collect());
    }
    Ok(())
}

fn recipient(recipient: &Recipient) -> Value {
    json!({ "emailAddress": { "name": recipient.name, "address": recipient.address } })
}

fn recipients(list: &[Recipient]) -> Value {
    list.iter().map(recipient).collect()
}
