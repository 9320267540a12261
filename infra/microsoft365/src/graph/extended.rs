//! Extended properties of events and contacts: written with the item, shown never, found by `$filter`
//! (extended-properties-overview).

use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::{Query, Select, invalid};
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// Graph's page where nothing else is asked for.
const PAGE: usize = 10;
const PAGE_MAX: usize = 1000;

/// The extended properties that a POST brings; an id has the form `String {guid} Name NAME`.
pub(super) fn read(body: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let wrong = || Problem::bad_request("Cannot convert the value of property 'singleValueExtendedProperties'.");
    let Some(given) = body.get("singleValueExtendedProperties") else { return Ok(Map::new()) };
    let mut properties = Map::new();
    for property in given.as_array().ok_or_else(wrong)? {
        let text = |name| property.get(name).and_then(Value::as_str);
        let (Some(id), Some(value)) = (text("id"), text("value")) else { return Err(wrong()) };
        if !(id.starts_with("String {") && id.contains("} Name ")) {
            return Err(Problem::new(400, "ErrorInvalidExtendedProperty", "The extended property's id is not valid."));
        }
        properties.insert(id.to_owned(), value.into());
    }
    Ok(properties)
}

/// A page of items, all or those with one extended property of a value.
pub(super) fn list(
    asked: &Asked<'_>,
    mailbox: &Account,
    (kind, parent): (ItemKind, &str),
    properties: &[&'static str],
    name: &str,
) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip", "filter"])?;
    let wanted = query.get("filter").map(filter).transpose()?;
    let mut items = asked.world.store.read(|db| items::all(db, &mailbox.id, kind, parent))?;
    items.retain(|item| match &wanted {
        // Names are case-sensitive, values are not.
        Some((id, value)) => {
            item.extended.get(id).and_then(Value::as_str).is_some_and(|held| held.eq_ignore_ascii_case(value))
        }
        None => true,
    });
    page(asked, &query, items, &query.select(properties)?, &format!("users('{}')/{name}", mailbox.id))
}

/// The page of `items` that `$skip` and `$top` name, with a link to the next one.
pub(super) fn page(asked: &Asked<'_>, query: &Query, items: Vec<Item>, select: &Select, context: &str) -> Answer {
    let top = query.number("top", 1, PAGE_MAX)?.or(asked.prefer.page_size).unwrap_or(PAGE).min(PAGE_MAX);
    let skip = query.number("skip", 0, usize::MAX)?.unwrap_or(0);
    let more = items.len() > skip.saturating_add(top);
    let value = items.into_iter().skip(skip).take(top).map(|mut item| {
        select.keep(&mut item.body);
        shown(asked, item.body)
    });
    let mut page = json!({ "@odata.context": asked.context(context), "value": value.collect::<Vec<_>>() });
    if more {
        let options = query.replaced("skip", &(skip + top).to_string());
        page["@odata.nextLink"] = format!("{}/v1.0{}?{options}", asked.world.origin, asked.call.path).into();
    }
    Ok(Reply::json(page))
}

/// An item as an answer of its own.
pub(super) fn entity(asked: &Asked<'_>, item: &Item, context: String) -> Value {
    let mut shown = shown(asked, item.body.clone());
    shown["@odata.context"] = context.into();
    shown
}

/// An item as it is shown to whoever asks: bodies are HTML, unless text is preferred.
pub(super) fn shown(asked: &Asked<'_>, mut body: Map<String, Value>) -> Value {
    if let Some(text) = body.get_mut("body").filter(|_| !asked.prefer.text_bodies)
        && let Some(content) = text["content"].as_str()
    {
        *text = json!({ "contentType": "html", "content": format!("<html><body>{content}</body></html>\r\n") });
    }
    body.into()
}

/// Changes an item: `apply` gives properties their new values.
pub(super) fn patch(
    asked: &Asked<'_>,
    mailbox: &Account,
    kind: ItemKind,
    id: &str,
    context: &str,
    apply: impl FnOnce(&mut Map<String, Value>) -> Result<(), Problem>,
) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let found = asked.world.store.read(|db| items::find(db, &mailbox.id, kind, id))?;
    let (parent, mut item) = found.ok_or_else(Problem::item_not_found)?;
    apply(&mut item.body)?;
    items::stamp(asked.world, kind, &mut item.body);
    asked.world.store.write(|db| items::update(db, &mailbox.id, kind, &parent, &item))?;
    Ok(Reply::json(entity(asked, &item, asked.context(context))))
}

/// Deletes an item.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, kind: ItemKind, id: &str) -> Answer {
    let removed = asked.world.store.write(|db| items::remove(db, &mailbox.id, kind, id))?;
    removed.then(Reply::no_content).ok_or_else(Problem::item_not_found)
}

/// The one form that is simulated: `singleValueExtendedProperties/Any(ep: ep/id eq 'ID' and ep/value eq 'VALUE')`.
fn filter(text: &str) -> Result<(String, String), Problem> {
    let condition = text.strip_prefix("singleValueExtendedProperties/Any(ep: ep/id eq '");
    let parts = condition.and_then(|rest| rest.strip_suffix("')")?.split_once("' and ep/value eq '"));
    let (id, value) = parts.ok_or_else(|| invalid(format!("Invalid filter clause: {text}")))?;
    Ok((id.to_owned(), value.replace("''", "'")))
}
