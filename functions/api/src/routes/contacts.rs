//! Contacts: persons and organisations for members' Outlook.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    app::App,
    base::{
        address,
        id::{BulkId, MemberId},
    },
    graph::OutlookItem,
    problem::Problem,
    push::{
        PushChoice,
        contact::{Address, Contact, ContactKind, ContactSlot, Phone},
        entry::Entry,
        intake::{FieldError, NewEntry},
    },
};
use utoipa::ToSchema;

use super::{
    entries::{
        self, BulkResult, BulkView, Deletion, EntriesFilter, EntryView, External, MemberChange, MemberRef, Resource,
        line, lines, unfit,
    },
    paging::Page,
};
use crate::{
    auth::FirmScope,
    error::Answer,
    extract::{Id, Json, Query},
    precondition::{IfMatch, Tagged},
};

/// Longest single line: Outlook's own limit.
const LINE_CHARS_MAX: usize = 255;
/// Longest notes.
const NOTES_CHARS_MAX: usize = 30_000;
/// E-mail addresses that Outlook holds.
const EMAILS_MAX: usize = 3;

/// The content of a contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContact {
    /// Defaults to a person.
    #[serde(default = "person")]
    kind: ContactKind,
    /// The displayed name. By default, greffe builds it from the parts of the name or the company.
    name: Option<String>,
    title: Option<String>,
    given_name: Option<String>,
    middle_name: Option<String>,
    surname: Option<String>,
    company: Option<String>,
    department: Option<String>,
    job_title: Option<String>,
    /// At most three.
    #[serde(default)]
    emails: Vec<String>,
    /// At most two of business, two of home, and one mobile.
    #[serde(default)]
    phones: Vec<PhoneView>,
    /// At most one of each kind.
    #[serde(default)]
    addresses: Vec<AddressView>,
    website: Option<String>,
    notes: Option<String>,
    /// The dossier that it belongs to.
    dossier: Option<String>,
    /// The ids of the members that it is for.
    #[serde(default)]
    #[schema(value_type = Vec<MemberRef>)]
    members: Vec<MemberId>,
    /// The version number of the business application. A request with a version that is not higher than the stored one
    /// changes nothing.
    version: Option<u64>,
}

fn person() -> ContactKind {
    ContactKind::Person
}

fn business() -> ContactSlot {
    ContactSlot::Business
}

/// A telephone number.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactPhone)]
pub(crate) struct PhoneView {
    /// Business, home or mobile. Defaults to business.
    #[serde(default = "business")]
    kind: ContactSlot,
    number: String,
}

/// A postal address.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactAddress)]
pub(crate) struct AddressView {
    /// Business, home or other. Defaults to business.
    #[serde(default = "business")]
    kind: ContactSlot,
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    state: Option<String>,
    country: Option<String>,
}

/// A contact.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactView {
    kind: ContactKind,
    name: String,
    title: Option<String>,
    given_name: Option<String>,
    middle_name: Option<String>,
    surname: Option<String>,
    company: Option<String>,
    department: Option<String>,
    job_title: Option<String>,
    emails: Vec<String>,
    phones: Vec<PhoneView>,
    addresses: Vec<AddressView>,
    website: Option<String>,
    notes: Option<String>,
    dossier: Option<String>,
}

impl Resource for Contact {
    type New = NewContact;
    type View = ContactView;

    fn read(new: NewContact, _: &str) -> Result<NewEntry<Self>, FieldError> {
        let text = |field: &str, text: Option<String>| line(field, text, LINE_CHARS_MAX);
        let (given_name, middle_name) = (text("given_name", new.given_name)?, text("middle_name", new.middle_name)?);
        let (surname, company) = (text("surname", new.surname)?, text("company", new.company)?);
        let parts = [&given_name, &middle_name, &surname].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let made_up = Some(parts).filter(|name| !name.is_empty()).or_else(|| company.clone());
        let name = text("name", new.name)?.or(made_up);
        let content = Self {
            kind: new.kind,
            name: name.ok_or_else(|| unfit("name", "a contact has a name, a part of one, or a company"))?,
            title: text("title", new.title)?,
            given_name,
            middle_name,
            surname,
            company,
            department: text("department", new.department)?,
            job_title: text("job_title", new.job_title)?,
            emails: read_emails(new.emails)?,
            phones: read_phones(new.phones)?,
            addresses: read_addresses(new.addresses)?,
            website: text("website", new.website)?,
            notes: lines("notes", new.notes, NOTES_CHARS_MAX)?,
            dossier: text("dossier", new.dossier)?,
        };
        Ok(NewEntry { version: new.version, members: new.members, content })
    }

    fn view(contact: Self) -> ContactView {
        let phones = contact.phones.into_iter().map(|Phone { at: kind, number }| PhoneView { kind, number });
        let addresses = contact.addresses.into_iter().map(|address| {
            let Address { at: kind, street, postal_code, city, state, country } = address;
            AddressView { kind, street, postal_code, city, state, country }
        });
        ContactView {
            kind: contact.kind,
            name: contact.name,
            title: contact.title,
            given_name: contact.given_name,
            middle_name: contact.middle_name,
            surname: contact.surname,
            company: contact.company,
            department: contact.department,
            job_title: contact.job_title,
            emails: contact.emails,
            phones: phones.collect(),
            addresses: addresses.collect(),
            website: contact.website,
            notes: contact.notes,
            dossier: contact.dossier,
        }
    }

    fn item(wish: &PushChoice, member: MemberId, entry: &Entry<Self>) -> Option<OutlookItem> {
        wish.contact(member, Some(entry))
    }
}

fn read_emails(emails: Vec<String>) -> Result<Vec<String>, FieldError> {
    if emails.len() > EMAILS_MAX {
        return Err(unfit("emails", format!("Outlook holds {EMAILS_MAX} e-mail addresses of a contact")));
    }
    let read = emails.into_iter().enumerate().map(|(i, email)| {
        let field = format!("emails[{i}]");
        let email = line(&field, Some(email), LINE_CHARS_MAX)?;
        // Exchange drops anything else, and says nothing.
        email
            .filter(|email| address::is_kept_as_written(email))
            .ok_or_else(|| unfit(&field, "not an address such as ada@cabinet.example"))
    });
    read.collect()
}

fn read_phones(phones: Vec<PhoneView>) -> Result<Vec<Phone>, FieldError> {
    let mut read: Vec<Phone> = Vec::with_capacity(phones.len());
    for (i, PhoneView { kind, number }) in phones.into_iter().enumerate() {
        let field = format!("phones[{i}]");
        let most = match kind {
            ContactSlot::Business | ContactSlot::Home => 2,
            ContactSlot::Mobile => 1,
            ContactSlot::Other => return Err(unfit(&format!("{field}.kind"), "business, home or mobile")),
        };
        if read.iter().filter(|phone| phone.at == kind).count() == most {
            return Err(unfit(&field, format!("Outlook holds {most} of this kind")));
        }
        let number = line(&format!("{field}.number"), Some(number), LINE_CHARS_MAX)?;
        let number = number.ok_or_else(|| unfit(&format!("{field}.number"), "it is empty"))?;
        read.push(Phone { at: kind, number });
    }
    Ok(read)
}

fn read_addresses(addresses: Vec<AddressView>) -> Result<Vec<Address>, FieldError> {
    let mut read: Vec<Address> = Vec::with_capacity(addresses.len());
    for (i, address) in addresses.into_iter().enumerate() {
        let AddressView { kind: at, street, postal_code, city, state, country } = address;
        let field = |name: &str| format!("addresses[{i}].{name}");
        if at == ContactSlot::Mobile {
            return Err(unfit(&field("kind"), "business, home or other"));
        }
        if read.iter().any(|address| address.at == at) {
            return Err(unfit(&field("kind"), "Outlook holds one address of each kind"));
        }
        let text = |name: &str, text| line(&field(name), text, LINE_CHARS_MAX);
        read.push(Address {
            at,
            street: lines(&field("street"), street, LINE_CHARS_MAX)?,
            postal_code: text("postal_code", postal_code)?,
            city: text("city", city)?,
            state: text("state", state)?,
            country: text("country", country)?,
        });
    }
    Ok(read)
}

/// Many contacts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactRows {
    /// At most 5,000. Each row is the body of a PUT with an `external_id`; or `external_id`, `deleted: true` and an
    /// optional `version`.
    #[schema(min_items = 1, max_items = 5000, value_type = Vec<NewContact>)]
    rows: Vec<Value>,
}

/// Creates or replaces a contact, and updates it in the Outlook of each of its members.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/contacts/{external_id}", tag = "contacts", operation_id = "put_contact",
    params(IfMatch),
    responses(
        (
            status = 200, body = EntryView<ContactView>,
            description = "Unchanged or replaced. A late or repeated request changes nothing"
        ),
        (status = 201, body = EntryView<ContactView>, description = "Created"),
        (
            status = 404, body = Problem, content_type = "application/problem+json",
            description = "`not_found`: it was deleted with a version that is not lower. Nothing was changed."
        ),
    )
)]
pub(super) async fn put(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
    condition: IfMatch,
    Json(new): Json<NewContact>,
) -> Answer<(StatusCode, Tagged<EntryView<ContactView>>)> {
    entries::put::<Contact>(&app, firm.id(), id.into_inner(), new, &condition).await
}

/// Deletes a contact, and removes it from the Outlook of each of its members.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/contacts/{external_id}", tag = "contacts", operation_id = "delete_contact",
    params(Deletion, IfMatch), responses((status = 204, description = "Deleted. A late request changes nothing"))
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
    Query(deletion): Query<Deletion>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    entries::delete::<Contact>(&app, firm.id(), id.into_inner(), deletion.version, &condition).await
}

/// Shows a contact, and whether it is in the Outlook of each of its members.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/contacts/{external_id}", tag = "contacts", operation_id = "read_contact",
    responses((status = 200, body = EntryView<ContactView>))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<External>,
) -> Answer<Tagged<EntryView<ContactView>>> {
    entries::read::<Contact>(&app, firm.id(), &id.into_inner()).await
}

/// Lists a firm's contacts, with the state of each in the Outlook of its members.
///
/// A page may have fewer items than its limit although more follow. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/contacts", tag = "contacts", operation_id = "list_contacts", params(EntriesFilter),
    responses((status = 200, body = Page<EntryView<ContactView>>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<EntriesFilter>,
) -> Answer<Json<Page<EntryView<ContactView>>>> {
    let (items, next) = entries::list::<Contact>(&app, firm.id(), which).await?;
    Ok(Json(Page { items, next }))
}

/// Creates, replaces or deletes many contacts in one request.
///
/// Each row is validated separately: valid rows are accepted even if other rows are refused.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/contacts/bulk", tag = "contacts", operation_id = "put_contacts",
    request_body = ContactRows, responses((status = 200, body = BulkResult))
)]
pub(super) async fn bulk(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(rows): Json<ContactRows>,
) -> Answer<Json<BulkResult>> {
    Ok(Json(entries::bulk::<Contact>(&app, firm.id(), rows.rows).await?))
}

/// Adds many contacts to the Outlook of some members, or removes them from it.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/contacts/members", tag = "contacts", operation_id = "change_contact_members",
    request_body = MemberChange, responses((status = 200, body = BulkResult))
)]
pub(super) async fn members(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(change): Json<MemberChange>,
) -> Answer<Json<BulkResult>> {
    Ok(Json(entries::change_members::<Contact>(&app, firm.id(), change).await?))
}

/// Shows how many contacts or dates of a bulk request are already in the members' Outlook.
///
/// greffe deletes this record after thirty days.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/bulks/{bulk}", tag = "bulks", operation_id = "read_bulk",
    responses((status = 200, body = BulkView))
)]
pub(super) async fn bulk_progress(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(bulk): Id<BulkId>,
) -> Answer<Json<BulkView>> {
    Ok(Json(entries::bulk_progress(&app, firm.id(), bulk).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(new: Value) -> Result<Contact, String> {
        let said = Contact::read(serde_json::from_value(new).unwrap(), "UTC");
        said.map(|said| said.content).map_err(|error| error.field)
    }

    #[test]
    fn a_name_is_made_from_what_is_there() {
        let name = |new| read(new).unwrap().name;
        assert_eq!(name(json!({ "given_name": "Ada", "surname": "Lambert", "company": "Lumen" })), "Ada Lambert");
        assert_eq!(name(json!({ "company": "Lumen" })), "Lumen");
        assert_eq!(name(json!({ "name": "L", "surname": "Lambert" })), "L");
        assert_eq!(read(json!({ "notes": "x" })).unwrap_err(), "name");
    }

    #[test]
    fn what_outlook_can_not_hold_names_its_field() {
        let with = |field: &str, value: Value| {
            let mut new = json!({ "name": "N" });
            new[field] = value;
            read(new).unwrap_err()
        };
        assert_eq!(with("emails", json!(["a@b", "c@d", "e@f", "g@h"])), "emails");
        assert_eq!(with("emails", json!(["a@b.example", "nobody"])), "emails[1]");
        let mobile = json!({ "kind": "mobile", "number": "1" });
        assert_eq!(with("phones", json!([mobile, mobile])), "phones[1]");
        assert_eq!(with("addresses", json!([{ "city": "A" }, { "city": "B" }])), "addresses[1].kind");
        assert_eq!(with("title", json!("a\nb")), "title");
    }
}
