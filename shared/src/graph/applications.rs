//! App registrations: lists, adds and removes their credentials. After its creation, a secret is never shown again.
//!
//! An app registration is visible in its own tenant, to callers that may read applications. Changing it needs
//! `Application.ReadWrite.OwnedBy`, and the app's service principal as an owner of the registration.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    client::{Call, Graph, segment},
    graph_error::GraphError,
};
use crate::base::id::ClientId;

/// An app registration, as far as its credentials go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its client secrets.
    #[serde(default, deserialize_with = "each_readable")]
    pub password_credentials: Vec<PasswordCredential>,
    /// Its certificates.
    #[serde(default, deserialize_with = "all_or_none")]
    pub key_credentials: Vec<KeyCredential>,
}

/// A client secret of an app registration, as Graph shows it ever after.
/// Source: <https://learn.microsoft.com/graph/api/resources/passwordcredential>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordCredential {
    /// Entra's id of it.
    pub key_id: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// Its first three characters.
    pub hint: Option<String>,
    /// When it expires.
    #[serde(rename = "endDateTime")]
    pub ends_at: Option<Timestamp>,
}

/// A certificate of an app registration. What greffe does not use of it goes back as it came.
/// Source: <https://learn.microsoft.com/graph/api/resources/keycredential>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyCredential {
    /// Entra's id of it.
    pub key_id: Option<String>,
    /// X.509 in base64; shown only where it is selected of one registration.
    pub key: Option<String>,
    /// When it expires.
    #[serde(rename = "endDateTime")]
    pub ends_at: Option<Timestamp>,
    /// All else.
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl KeyCredential {
    /// Whether it is the certificate `der`.
    pub fn is(&self, der: &[u8]) -> bool {
        self.key.as_ref().is_some_and(|key| BASE64_STANDARD.decode(key).is_ok_and(|key| key == der))
    }
}

/// A client secret that was just made: the only time that its value is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPassword {
    /// Entra's id of it.
    pub key_id: String,
    /// Its value.
    pub secret_text: SecretString,
    /// When it expires.
    #[serde(rename = "endDateTime")]
    pub ends_at: Timestamp,
}

/// Those entries of a list that can be read: one that is odd costs the others nothing.
fn each_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let entries = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

/// A list of which none may be left out, because it is sent back whole.
fn all_or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

fn path(client_id: &ClientId, rest: &str) -> String {
    format!("/applications(appId='{}'){rest}", segment(client_id.as_str()))
}

impl Graph {
    /// An app registration with its credentials.
    /// Source: <https://learn.microsoft.com/graph/api/application-get>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn application(&self, client_id: &ClientId) -> Result<Application, GraphError> {
        let path = path(client_id, "?$select=id,appId,passwordCredentials,keyCredentials");
        self.json(self.get(&path, "read the app registration".to_owned())).await
    }

    /// Makes a client secret. Not repeated by itself: each time makes another one.
    /// Source: <https://learn.microsoft.com/graph/api/application-addpassword>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn add_password(
        &self,
        client_id: &ClientId,
        name: &str,
        ends_at: Timestamp,
    ) -> Result<NewPassword, GraphError> {
        let attempted = "make a client secret for the app".to_owned();
        let body = json!({ "passwordCredential": { "displayName": name, "endDateTime": ends_at } });
        let call = self.get(&path(client_id, "/addPassword"), attempted);
        self.json(Call { method: Method::POST, body: Some(body), repeatable: false, ..call }).await
    }

    /// Removes a client secret.
    /// Source: <https://learn.microsoft.com/graph/api/application-removepassword>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn remove_password(&self, client_id: &ClientId, key_id: &str) -> Result<(), GraphError> {
        let call = self.get(&path(client_id, "/removePassword"), format!("remove the client secret {key_id}"));
        let body = Some(json!({ "keyId": key_id }));
        self.send(Call { method: Method::POST, body, ..call }).await.map(drop)
    }

    /// Puts `all` in the place of an app's certificates.
    /// Source: <https://learn.microsoft.com/graph/applications-how-to-add-certificate>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn set_certificates(&self, client_id: &ClientId, all: &[KeyCredential]) -> Result<(), GraphError> {
        let call = self.get(&path(client_id, ""), "change the certificates of the app".to_owned());
        let body = Some(json!({ "keyCredentials": all }));
        self.send(Call { method: Method::PATCH, body, ..call }).await.map(drop)
    }
}

impl KeyCredential {
    /// A certificate to be added.
    pub fn new(der: &[u8], name: &str) -> Self {
        let rest = json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": name });
        let rest = rest.as_object().cloned().unwrap_or_default();
        Self { key_id: None, key: Some(BASE64_STANDARD.encode(der)), ends_at: None, rest }
    }

    /// Its name.
    pub fn display_name(&self) -> Option<&str> {
        self.rest.get("displayName")?.as_str()
    }
}
