//! Extended properties of events and contacts: written with the item, shown never, found by `$filter` (extended-properties-overview).

use serde_json::{Map, Value, json};

use super::query::{Query, Select, invalid};
use super::{Answer, Asked, Problem, Reply};
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
    kind: ItemKind,
    properties: &[&'static str],
    name: &str,
) -> Answer {
    let query = Query::read(&asked.call.query, &["select", "top", "skip", "filter"])?;
    let wanted = query.get("filter").map(filter).transpose()?;
    let mut items = asked.world.store.read(|db| items::all(db, &mailbox.id, kind, ""))?;
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
        Value::from(item.body)
    });
    let mut page = json!({ "@odata.context": asked.context(context), "value": value.collect::<Vec<_>>() });
    if more {
        let options = query.replaced("skip", &(skip + top).to_string());
        page["@odata.nextLink"] = format!("{}/v1.0{}?{options}", asked.world.origin, asked.call.path).into();
    }
    Ok(Reply::json(page))
}

/// An item as an answer of its own.
pub(super) fn entity(item: &Item, context: String) -> Value {
    let mut shown = item.body.clone();
    shown.insert("@odata.context".to_owned(), context.into());
    shown.into()
}

/// The one form that is simulated: `singleValueExtendedProperties/Any(ep: ep/id eq 'ID' and ep/value eq 'VALUE')`.
fn filter(text: &str) -> Result<(String, String), Problem> {
    let condition = text.strip_prefix("singleValueExtendedProperties/Any(ep: ep/id eq '");
    let parts = condition.and_then(|rest| rest.strip_suffix("')")?.split_once("' and ep/value eq '"));
    let (id, value) = parts.ok_or_else(|| invalid(format!("Invalid filter clause: {text}")))?;
    Ok((id.to_owned(), value.replace("''", "'")))
}
