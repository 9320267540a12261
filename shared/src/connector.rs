//! Connectors: a firm's named access to Microsoft 365.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    entra::Authority,
    graph::{Graph, GraphError, GraphUser},
    id::{ClientId, ConnectorId, FirmId, TenantId},
    mailbox::Kind,
    problem::Code,
    table::{Key, Row, Table, TableError, Write},
};

/// By whose rights a connector works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// The signed-in user's: the mailboxes that this user may open, and only those.
    Delegated,
    /// The app's own, by an administrator's consent: independent of any user.
    Organization,
}

/// A firm's own app registration. Its client secret lies in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnApp {
    /// The tenant that it is registered in and used for.
    pub tenant_id: TenantId,
    /// Its client id.
    pub client_id: ClientId,
}

impl OwnApp {
    /// Makes it the one app registration of that firm; false if the firm brought another one before.
    pub async fn claim(&self, table: &Table, firm: FirmId) -> Result<bool, TableError> {
        let key = Key::own_app(firm);
        match table.write(Write::insert(key.clone(), self)).await {
            Ok(()) => Ok(true),
            Err(TableError::Conflict { .. }) => {
                Ok(table.get::<Self>(&key).await?.is_some_and(|row| row.value == *self))
            }
            Err(e) => Err(e),
        }
    }
}

/// Whether a connector works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorState {
    /// Made, and nobody has signed in yet.
    AwaitingSignIn,
    /// It works.
    Connected,
    /// It does not, and a person has to act: see its problem.
    ActionRequired,
}

/// Who is connected: the tenant and, with delegated access, the user. The pair of ids is the key, the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user's object id; none with organisation-wide access.
    pub user_id: Option<String>,
    /// The address or sign-in name shown.
    pub address: String,
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// Its id.
    pub id: ConnectorId,
    /// Its firm.
    pub firm: FirmId,
    /// Its name, in the firm's own words.
    pub name: String,
    /// By whose rights it works.
    pub access: Access,
    /// The firm's own app registration; none for the platform's.
    pub app: Option<OwnApp>,
    /// Whether it works.
    pub state: ConnectorState,
    /// Who is connected.
    pub account: Option<Account>,
    /// What keeps it from working.
    pub problem: Option<ConnectorProblem>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What keeps a connector from working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorProblem {
    /// Our entry in the catalogue.
    pub code: Code,
    /// Microsoft's own code.
    pub microsoft_code: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a mailbox can't be reached through a connector.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Nobody has signed in yet.
    #[error("the connector is not connected")]
    NotConnected,
    /// A person has to act first.
    #[error("the connector does not work since {}", .0.since)]
    ActionRequired(ConnectorProblem),
    /// The connected user is another one than the mailbox's.
    #[error("the mailbox is not the connected user's own")]
    AnothersMailbox,
    /// Graph does not give it.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Connector {
    /// Tries to open the mailbox of `address`: how Graph is told of it from then on.
    pub async fn reach(&self, graph: &Graph, address: &str, kind: Kind) -> Result<GraphUser, ReachError> {
        let user = self.identify(graph, address, kind).await?;
        graph.folders(&user).await?;
        Ok(user)
    }

    /// How Graph is told of the account of `address`, by all that this connector may look up.
    pub async fn identify(&self, graph: &Graph, address: &str, kind: Kind) -> Result<GraphUser, ReachError> {
        match (self.state, &self.problem) {
            (ConnectorState::AwaitingSignIn, _) => return Err(ReachError::NotConnected),
            (ConnectorState::ActionRequired, Some(problem)) => return Err(ReachError::ActionRequired(problem.clone())),
            (ConnectorState::Connected | ConnectorState::ActionRequired, _) => {}
        }
        Ok(match (self.access, kind) {
            (Access::Delegated, Kind::User) => {
                let me = graph.me().await?;
                if !me.is(address) {
                    return Err(ReachError::AnothersMailbox);
                }
                GraphUser::new(&me.id)
            }
            // Who signed in may not be allowed to look others up; the address needs no looking up.
            (Access::Delegated, Kind::Shared) => GraphUser::new(address),
            (Access::Organization, Kind::User | Kind::Shared) => {
                GraphUser::new(&graph.user(&GraphUser::new(address)).await?.id)
            }
        })
    }

    /// The connector of that firm, if there is one.
    pub async fn find(table: &Table, firm: FirmId, id: ConnectorId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::connector(firm, id)).await
    }

    /// Stores a new connector.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        table.write(Write::insert(Key::connector(self.firm, self.id), self)).await
    }

    /// Where its user signs in. A firm's own app lives in one tenant; the platform's serves all.
    pub fn authority(&self) -> Authority {
        match (&self.app, self.access) {
            (Some(app), _) => Authority::tenant(&app.tenant_id),
            (None, Access::Delegated) => Authority::common(),
            (None, Access::Organization) => Authority::organizations(),
        }
    }

    /// What the signed-in user is asked to grant. Subscriptions need the read right even where the write right is held.
    /// Source: <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>
    pub fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = vec!["openid", "profile", "offline_access", "User.Read"];
        if self.access == Access::Delegated {
            scopes.extend(["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite"]);
        }
        scopes
    }

    /// Turns a working connector into one that asks for a person. One that asks already keeps its first problem.
    pub async fn require_action(
        table: &Table,
        firm: FirmId,
        id: ConnectorId,
        problem: ConnectorProblem,
    ) -> Result<(), TableError> {
        let Some(mut row) = Self::find(table, firm, id).await? else { return Ok(()) };
        if row.value.state != ConnectorState::Connected {
            return Ok(());
        }
        row.value.state = ConnectorState::ActionRequired;
        row.value.problem = Some(problem);
        match table.write(Write::replace(&row)).await {
            // Somebody is reconnecting it this moment: what they find out is newer.
            Err(TableError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }
}
