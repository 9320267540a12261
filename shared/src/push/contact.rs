//! Contacts: persons and organisations, and how they show in Outlook.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    base::language::Language,
    graph::{ContactContent, OutlookItem, PhysicalAddress},
};

/// What a contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactKind {
    /// Somebody.
    Person,
    /// A company, a court, an authority.
    Organisation,
}

/// Which of several telephone numbers or addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContactAt)]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum ContactSlot {
    Business,
    Home,
    Mobile,
    Other,
}

/// A telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// Which: business, container or mobile.
    pub at: ContactSlot,
    /// As it is dialled.
    pub number: String,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "its name says what each is")]
pub struct Address {
    /// Which: business, container or other.
    pub at: ContactSlot,
    pub street: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
}

/// What the business application says of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "its name says what each is")]
pub struct Contact {
    pub kind: ContactKind,
    /// The name shown.
    pub name: String,
    pub title: Option<String>,
    pub given_name: Option<String>,
    pub middle_name: Option<String>,
    pub surname: Option<String>,
    pub company: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub emails: Vec<String>,
    pub phones: Vec<Phone>,
    pub addresses: Vec<Address>,
    pub website: Option<String>,
    pub notes: Option<String>,
    pub dossier: Option<String>,
}

impl Contact {
    /// How it shows in Outlook.
    pub fn item(&self, language: Language) -> OutlookItem {
        let phones = |at| self.phones.iter().filter(move |phone| phone.at == at).map(|phone| phone.number.clone());
        let company = match self.kind {
            ContactKind::Person => self.company.clone(),
            ContactKind::Organisation => Some(self.company.clone().unwrap_or_else(|| self.name.clone())),
        };
        let word = if language == Language::German { "Akte" } else { "Dossier" };
        let dossier = self.dossier.as_ref().map(|dossier| format!("{word}: {dossier}"));
        let notes = [self.notes.clone(), dossier].into_iter().flatten().collect::<Vec<_>>().join("\n");
        OutlookItem::from(ContactContent {
            display_name: self.name.clone(),
            title: self.title.clone(),
            given_name: self.given_name.clone(),
            middle_name: self.middle_name.clone(),
            surname: self.surname.clone(),
            company,
            department: self.department.clone(),
            job_title: self.job_title.clone(),
            emails: self.emails.clone(),
            business_phones: phones(ContactSlot::Business).collect(),
            home_phones: phones(ContactSlot::Home).collect(),
            mobile_phone: phones(ContactSlot::Mobile).next(),
            business_address: self.address(ContactSlot::Business),
            home_address: self.address(ContactSlot::Home),
            other_address: self.address(ContactSlot::Other),
            website: self.website.clone(),
            notes,
        })
    }

    fn address(&self, at: ContactSlot) -> PhysicalAddress {
        let Some(address) = self.addresses.iter().find(|address| address.at == at).cloned() else {
            return PhysicalAddress::default();
        };
        let Address { street, postal_code, city, state, country, .. } = address;
        PhysicalAddress { street, postal_code, city, state, country }
    }
}
