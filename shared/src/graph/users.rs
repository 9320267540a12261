//! Users.

use serde::Deserialize;

use super::{
    client::{Call, Graph, GraphUser, query_value},
    graph_error::GraphError,
};

const SELECT: &str = "?$select=id,displayName,mail,userPrincipalName";
/// Asks the index of the directory that knows all operators. Source:
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
const ADVANCED: &[(&str, &str)] = &[("ConsistencyLevel", "eventual")];

/// A user of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The object id: the same in every app.
    pub id: String,
    /// The name people see.
    pub display_name: Option<String>,
    /// The mailbox's address; none for some personal and unlicensed accounts.
    pub mail: Option<String>,
    /// The sign-in name, mostly an address.
    pub user_principal_name: Option<String>,
}

impl User {
    /// The address to show and to compare: the mailbox's, else the sign-in name.
    pub fn address(&self) -> Option<&str> {
        self.mail.as_deref().or(self.user_principal_name.as_deref())
    }

    /// Whether `address` is one of the user's.
    pub fn is(&self, address: &str) -> bool {
        [&self.mail, &self.user_principal_name].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(address))
    }
}

/// A tenant, as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The name people see.
    pub display_name: Option<String>,
    /// The domains that are proven to be its own.
    pub verified_domains: Option<Vec<VerifiedDomain>>,
}

/// A domain of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VerifiedDomain {
    /// Its name.
    pub name: String,
}

impl Graph {
    /// The signed-in user; there is none with organisation-wide access.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn me(&self) -> Result<User, GraphError> {
        self.json(self.get(&format!("/me{SELECT}"), "read who is signed in".to_owned())).await
    }

    /// The tenant that the token is for. A signed-in user's `User.Read` suffices for what is selected here.
    /// Source: <https://learn.microsoft.com/graph/api/organization-list>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn organization(&self) -> Result<Organization, GraphError> {
        let attempted = "read the organisation";
        let list: WireOrganizations =
            self.json(self.get("/organization?$select=id,displayName,verifiedDomains", attempted.to_owned())).await?;
        list.value.into_iter().next().ok_or_else(|| GraphError::Unreadable {
            attempted: attempted.to_owned(),
            source: "the list of organisations is empty".into(),
        })
    }

    /// The users of the tenant who have this address, whatever their sign-in name: two at most, as one too many says
    /// enough.
    /// Source: <https://learn.microsoft.com/graph/api/user-list>,
    /// <https://learn.microsoft.com/graph/api/resources/user#properties>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn users_with_address(&self, address: &str) -> Result<Vec<User>, GraphError> {
        // A quotation mark within a text is doubled (OData 4.01, URL conventions, 5.1.1.6.1).
        let text = address.replace('\'', "''");
        let filter = format!("mail eq '{text}' or proxyAddresses/any(a:a eq 'smtp:{text}')");
        let path = format!("/users{SELECT}&$count=true&$top=2&$filter={}", query_value(&filter));
        let call = Call { headers: ADVANCED, ..self.get(&path, "look up the user of an address".to_owned()) };
        let list: WireUsers = self.json(call).await?;
        Ok(list.value)
    }

    /// Whether the app may look up the users of the tenant at all.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn may_look_up_users(&self) -> Result<(), GraphError> {
        let call = self.get("/users?$select=id&$top=1", "look up any user".to_owned());
        self.json::<serde::de::IgnoredAny>(call).await.map(drop)
    }

    /// A user of the tenant, by address or object id.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn user(&self, user: &GraphUser) -> Result<User, GraphError> {
        self.json(self.get(&format!("{}{SELECT}", user.path()), "look up a user".to_owned())).await
    }
}

#[derive(Deserialize)]
struct WireUsers {
    value: Vec<User>,
}

#[derive(Deserialize)]
struct WireOrganizations {
    value: Vec<Organization>,
}
