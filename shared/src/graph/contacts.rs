//! Contacts.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, segment},
    error::GraphError,
    extended,
};
use crate::id::ContactId;

impl Graph {
    /// Makes a contact in the default folder. When the answer was lost it may be there all the same:
    /// [`Graph::contacts_marked`] tells. Source: <https://learn.microsoft.com/graph/api/user-post-contacts>
    pub async fn create_contact(&self, user: &GraphUser, name: &str, mark: &str) -> Result<ContactId, GraphError> {
        let call = Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({ "displayName": name, "singleValueExtendedProperties": extended::property(mark) })),
            repeatable: false,
            ..self.get(&format!("{}/contacts", user.path()), "make a contact".to_owned())
        };
        self.json::<WireContact>(call).await.map(|contact| contact.id)
    }

    /// The contacts that carry `mark`.
    pub async fn contacts_marked(&self, user: &GraphUser, mark: &str) -> Result<Vec<ContactId>, GraphError> {
        self.marked(user, "contacts", mark).await
    }

    /// Deletes a contact; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/contact-delete>
    pub async fn delete_contact(&self, user: &GraphUser, id: &ContactId) -> Result<(), GraphError> {
        let path = format!("{}/contacts/{}", user.path(), segment(id.as_str()));
        self.delete(&path, format!("delete contact {id}")).await
    }
}

#[derive(Deserialize)]
struct WireContact {
    id: ContactId,
}
