//! Contacts.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Call, Graph, GraphUser, segment},
    extended,
    graph_error::GraphError,
};
use crate::base::id::ContactId;

impl Graph {
    /// Makes a contact in the default folder. When the answer was lost it may be there all the same:
    /// [`Graph::contacts_tagged`] tells. Source: <https://learn.microsoft.com/graph/api/user-post-contacts>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_contact(&self, user: &GraphUser, name: &str, tag: &str) -> Result<ContactId, GraphError> {
        let call = Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({ "displayName": name, "singleValueExtendedProperties": extended::property(tag) })),
            repeatable: false,
            ..self.get(&format!("{}/contacts", user.path()), "make a contact".to_owned())
        };
        self.json::<WireContact>(call).await.map(|contact| contact.id)
    }

    /// The contacts that carry `tag`.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn contacts_tagged(&self, user: &GraphUser, tag: &str) -> Result<Vec<ContactId>, GraphError> {
        self.tagged(user, "contacts", tag).await
    }

    /// Deletes a contact; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/contact-delete>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delete_contact(&self, user: &GraphUser, id: &ContactId) -> Result<(), GraphError> {
        let path = format!("{}/contacts/{}", user.path(), segment(id.as_str()));
        self.delete(&path, format!("delete contact {id}")).await
    }
}

#[derive(Deserialize)]
struct WireContact {
    id: ContactId,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhysicalAddress {
    /// Street and number; may have several lines.
    pub street: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// The state or province.
    pub state: Option<String>,
    /// The country or region.
    pub country: Option<String>,
}

impl PhysicalAddress {
    fn wire(&self) -> Value {
        json!({
            "street": self.street, "postalCode": self.postal_code, "city": self.city, "state": self.state,
            "countryOrRegion": self.country,
        })
    }
}

/// All that we say of a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "its name says what each is")]
pub struct ContactContent {
    /// The name shown. It is sent with every change: Outlook makes up another from the parts otherwise.
    pub display_name: String,
    pub title: Option<String>,
    pub given_name: Option<String>,
    pub middle_name: Option<String>,
    pub surname: Option<String>,
    pub company: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    /// At most three: Outlook holds no more.
    pub emails: Vec<String>,
    /// At most two.
    pub business_phones: Vec<String>,
    /// At most two.
    pub home_phones: Vec<String>,
    pub mobile_phone: Option<String>,
    pub business_address: PhysicalAddress,
    pub home_address: PhysicalAddress,
    pub other_address: PhysicalAddress,
    pub website: Option<String>,
    pub notes: String,
}

impl ContactContent {
    /// The properties of a POST or PATCH. Source: <https://learn.microsoft.com/graph/api/resources/contact>
    pub(super) fn wire(&self) -> Value {
        let email = |address: &String| json!({ "address": address, "name": self.display_name });
        json!({
            "displayName": self.display_name,
            "title": self.title,
            "givenName": self.given_name,
            "middleName": self.middle_name,
            "surname": self.surname,
            "companyName": self.company,
            "department": self.department,
            "jobTitle": self.job_title,
            "emailAddresses": self.emails.iter().map(email).collect::<Vec<_>>(),
            "businessPhones": self.business_phones,
            "homePhones": self.home_phones,
            "mobilePhone": self.mobile_phone,
            "businessAddress": self.business_address.wire(),
            "homeAddress": self.home_address.wire(),
            "otherAddress": self.other_address.wire(),
            "businessHomePage": self.website,
            "personalNotes": self.notes,
        })
    }
}

/// The properties by which it is seen that a person changed a contact.
pub(super) const CONTACT_WATCHED: [&str; 17] = [
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
