//! Contacts and their folders: made, changed, found again, deleted, and reported by delta.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::calendar::{only, text};
use super::call::Asked;
use super::query::Query;
use super::{delta, extended};
use crate::directory::Account;
use crate::items::{self, Item, ItemKind};

/// What may be written here.
const WRITABLE: [&str; 18] = [
    "displayName",
    "title",
    "givenName",
    "middleName",
    "surname",
    "companyName",
    "department",
    "jobTitle",
    "emailAddresses",
    "businessPhones",
    "homePhones",
    "mobilePhone",
    "businessAddress",
    "homeAddress",
    "otherAddress",
    "businessHomePage",
    "personalNotes",
    "singleValueExtendedProperties",
];
const PROPERTIES: [&str; 22] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "displayName",
    "title",
    "givenName",
    "middleName",
    "surname",
    "companyName",
    "department",
    "jobTitle",
    "emailAddresses",
    "businessPhones",
    "homePhones",
    "mobilePhone",
    "businessAddress",
    "homeAddress",
    "otherAddress",
    "businessHomePage",
    "personalNotes",
];
const FOLDER_PROPERTIES: [&str; 3] = ["id", "displayName", "parentFolderId"];
/// Telephones of one kind, and e-mail addresses, that Outlook holds.
const PHONES_MAX: usize = 2;
const EMAILS_MAX: usize = 3;

/// The contact folders below the default one, which may be asked for by one extended property.
pub(super) fn folders(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    extended::list(asked, mailbox, (ItemKind::ContactFolder, ""), &FOLDER_PROPERTIES, "contactFolders")
}

/// Makes a contact folder. Exchange has no two of one name in one place, whatever their case.
pub(super) fn create_folder(asked: &Asked<'_>, mailbox: &Account) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &["displayName", "singleValueExtendedProperties"])?;
    let name = text(&body, "displayName")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::bad_request("The property 'displayName' is required."))?;
    let id = items::new_id(asked.world, "AAMkAGI1Cf");
    let Value::Object(shown) =
        json!({ "id": id, "displayName": name, "parentFolderId": format!("{}contacts", mailbox.id) })
    else {
        return Err(Problem::bad_request("A folder is an object."));
    };
    let item = Item { id, body: shown, extended: extended::read(&body)? };
    let taken = asked.world.store.write(|db| {
        let there = items::all(db, &mailbox.id, ItemKind::ContactFolder, "")?;
        let has_name = |item: &Item| item.body["displayName"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(&name));
        if there.iter().any(has_name) {
            return Ok(true);
        }
        items::insert(db, &mailbox.id, ItemKind::ContactFolder, "", &item).map(|()| false)
    })?;
    if taken {
        let message = "A folder with the specified name already exists.";
        return Err(Problem::new(409, "ErrorFolderExists", message));
    }
    let context = asked.context(&format!("users('{}')/contactFolders/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(asked, &item, context)))
}

/// The contact folders in a contact folder.
pub(super) fn child_folders(asked: &Asked<'_>, mailbox: &Account, folder: &str) -> Answer {
    has_folder(asked, mailbox, folder)?;
    extended::list(asked, mailbox, (ItemKind::ContactFolder, folder), &FOLDER_PROPERTIES, "contactFolders")
}

/// Deletes a contact folder with all that is in it.
pub(super) fn delete_folder(asked: &Asked<'_>, mailbox: &Account, folder: &str) -> Answer {
    extended::delete(asked, mailbox, ItemKind::ContactFolder, folder)
}

/// The contacts of a folder (`parent`; empty: the default one), which may be asked for by one extended property.
pub(super) fn list(asked: &Asked<'_>, mailbox: &Account, parent: &str) -> Answer {
    has_folder(asked, mailbox, parent)?;
    extended::list(asked, mailbox, (ItemKind::Contact, parent), &PROPERTIES, "contacts")
}

/// A page of the changes of a folder's contacts.
pub(super) fn changes(asked: &Asked<'_>, mailbox: &Account, parent: &str) -> Answer {
    has_folder(asked, mailbox, parent)?;
    delta::items(asked, mailbox, (ItemKind::Contact, parent), &PROPERTIES, "#microsoft.graph.contact")
}

/// Makes a contact. There is no transaction id: whoever makes it twice has it twice.
pub(super) fn create(asked: &Asked<'_>, mailbox: &Account, parent: &str) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    has_folder(asked, mailbox, parent)?;
    let id = items::new_id(asked.world, "AAMkAGI1Co");
    let address = || json!({});
    let Value::Object(mut shown) = json!({
        "id": id,
        "createdDateTime": asked.world.now().to_string(),
        "categories": [],
        "displayName": "",
        "title": null,
        "givenName": null,
        "middleName": null,
        "surname": null,
        "companyName": null,
        "department": null,
        "jobTitle": null,
        "emailAddresses": [],
        "businessPhones": [],
        "homePhones": [],
        "mobilePhone": null,
        "businessAddress": address(),
        "homeAddress": address(),
        "otherAddress": address(),
        "businessHomePage": null,
        "personalNotes": "",
    }) else {
        return Err(Problem::bad_request("A contact is an object."));
    };
    apply(&mut shown, &body)?;
    items::stamp(asked.world, ItemKind::Contact, &mut shown);
    let item = Item { id, body: shown, extended: extended::read(&body)? };
    asked.world.store.write(|db| items::insert(db, &mailbox.id, ItemKind::Contact, parent, &item))?;
    let context = asked.context(&format!("users('{}')/contacts/$entity", mailbox.id));
    Ok(Reply::created(extended::entity(asked, &item, context)))
}

/// Changes a contact in whatever folder: what is not named stays, collections are replaced whole.
pub(super) fn patch(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    let body = asked.body()?;
    only(&body, &WRITABLE)?;
    let context = format!("users('{}')/contacts/$entity", mailbox.id);
    extended::patch(asked, mailbox, ItemKind::Contact, id, &context, |contact| apply(contact, &body))
}

/// Deletes a contact in whatever folder.
pub(super) fn delete(asked: &Asked<'_>, mailbox: &Account, id: &str) -> Answer {
    extended::delete(asked, mailbox, ItemKind::Contact, id)
}

/// Gives a contact the properties that a request brings. Without a name to show, one is made up again from its parts.
fn apply(contact: &mut Map<String, Value>, body: &Map<String, Value>) -> Result<(), Problem> {
    let too_many = || Problem::new(400, "ErrorInvalidArgument", "The collection holds too many elements.");
    let count = |name: &str| body.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    if count("businessPhones") > PHONES_MAX || count("homePhones") > PHONES_MAX || count("emailAddresses") > EMAILS_MAX
    {
        return Err(too_many());
    }
    for (name, value) in body.iter().filter(|(name, _)| *name != "singleValueExtendedProperties") {
        let value = match value.as_object() {
            _ if name == "emailAddresses" => kept_addresses(value),
            Some(inner) if name.ends_with("Address") => {
                let kept = inner.iter().filter(|(_, value)| !value.is_null());
                Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            _ => value.clone(),
        };
        contact.insert(name.clone(), value);
    }
    let renamed = ["givenName", "middleName", "surname"].iter().any(|name| body.contains_key(*name));
    if renamed && !body.contains_key("displayName") {
        let parts = ["givenName", "middleName", "surname"].map(|name| contact[name].as_str().map(str::to_owned));
        let made_up = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        contact.insert("displayName".to_owned(), made_up.into());
    }
    Ok(())
}

/// Exchange drops what it takes for no address, and says nothing.
fn kept_addresses(value: &Value) -> Value {
    let is_one = |address: &str| {
        let odd = |c: char| c.is_whitespace() || ",;:<>".contains(c);
        address.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
            && !address.contains(odd)
    };
    let given = value.as_array().into_iter().flatten();
    given.filter(|email| email["address"].as_str().is_some_and(is_one)).cloned().collect()
}

fn has_folder(asked: &Asked<'_>, mailbox: &Account, folder: &str) -> Result<(), Problem> {
    if folder.is_empty() {
        return Ok(());
    }
    let found = asked.world.store.read(|db| items::find(db, &mailbox.id, ItemKind::ContactFolder, folder))?;
    found.map(drop).ok_or_else(Problem::item_not_found)
}
