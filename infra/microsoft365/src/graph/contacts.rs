//! Contacts of the default folder: made, found again, deleted.

use serde_json::{Value, json};

use super::calendar::{only, text};
use super::extended;
use super::query::Query;
use super::{Answer, Asked, Problem, Reply};
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// What may be written here.
const WRITABLE: [&str; 5] = ["displayName", "givenName", "surname", "companyName", "singleValueExtendedProperties"];
const PROPERTIES: [&str; 11] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "displayName",
    "givenName",
    "surname",
    "companyName",
    "emailAddresses",
    "businessPhones",
];

/// The contacts of the default folder, which may be asked for by one extended property.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    extended::list(asked, mailbox, ItemKind::Contact, &PROPERTIES, "contacts")
}

/// Makes a contact. There is no transaction id: whoever makes it twice has it twice.
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    let (given, family) = (text(&body, "givenName")?, text(&body, "surname")?);
    let made_up = [given.as_deref(), family.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let now = asked.world.now().to_string();
    let id = items::new_id("AAMkAGI1Co");
    let Value::Object(shown) = json!({
        "@odata.etag": format!("W/\"{}\"", hex::encode(&now)),
        "id": id,
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "changeKey": hex::encode(&now),
        "categories": [],
        "displayName": text(&body, "displayName")?.unwrap_or(made_up),
        "givenName": given,
        "surname": family,
        "companyName": text(&body, "companyName")?,
        "emailAddresses": [],
        "businessPhones": [],
    }) else {
        return Err(Problem::bad_request("A contact is an object."));
    };
    let item = Item { id, body: shown, extended: extended::read(&body)? };
    asked.world.store.write(|db| items::insert(db, &mailbox.id, ItemKind::Contact, "", &item))?;
    let context = asked.context(&format!("users('{}')/contacts/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(&item, context)))
}

/// Deletes a contact.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let removed = asked.world.store.write(|db| items::remove(db, &mailbox.id, ItemKind::Contact, "", id))?;
    removed.then(Reply::no_content).ok_or_else(Problem::item_not_found)
}
