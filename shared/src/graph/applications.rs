//! App registrations: until when their client secrets are good.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    client::{Graph, segment},
    error::GraphError,
};
use crate::id::ClientId;

/// A client secret of an app registration, as Graph shows it ever after.
/// Source: <https://learn.microsoft.com/graph/api/resources/passwordcredential>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordCredential {
    /// Its first three characters.
    pub hint: Option<String>,
    /// When it ends.
    #[serde(rename = "endDateTime")]
    pub ends_at: Option<Timestamp>,
}

impl Graph {
    /// The client secrets of an app registration. Its own tenant shows it, and only to who may read applications.
    /// Source: <https://learn.microsoft.com/graph/api/application-get>
    pub async fn client_secrets(&self, client_id: &ClientId) -> Result<Vec<PasswordCredential>, GraphError> {
        let path =
            format!("/applications(appId='{}')?$select=id,appId,passwordCredentials", segment(client_id.as_str()));
        let app: WireApplication = self.json(self.get(&path, "read the app registration".to_owned())).await?;
        Ok(app.password_credentials)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireApplication {
    #[serde(default)]
    password_credentials: Vec<PasswordCredential>,
}
