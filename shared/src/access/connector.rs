//! Connectors: a firm's named access to Microsoft 365.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{entra::Authority, silent_tenant::Silence},
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{ClientId, ConnectorId, ExternalId, FirmId, MailboxId, TenantId},
    firm::{
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::{Feed, FeedError},
    },
    graph::{Graph, GraphError, GraphUser},
    mail::mailbox::MailboxKind,
    problem::NotedProblem,
};

/// The tenant that all personal accounts belong to.
/// Source: <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Whose rights a connector uses: those of the user who signed in, or those of the organisation.
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
    ///
    /// Errors: the table refuses or does not answer.
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

/// The rights of a connector, requested or granted. greffe requests only the rights that these options need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Whose rights it uses.
    pub access: Access,
    /// Whether greffe sets a category on archived mail in Outlook. If false, greffe never writes to the mailbox.
    pub mark: bool,
    /// Whether the connector also opens the shared mailboxes of the signed-in user. Organisation-wide access always
    /// does.
    pub shared_mailboxes: bool,
    /// Whether greffe writes dates to Outlook's calendar or To Do.
    #[serde(default)]
    pub dates: bool,
    /// Whether greffe writes contacts to Outlook.
    #[serde(default)]
    pub contacts: bool,
}

impl Rights {
    /// What the signed-in user is asked to grant. Subscriptions need the read right even where the write right is held.
    /// Source: <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>
    pub fn scopes(self) -> Vec<&'static str> {
        let mut scopes = vec!["openid", "profile", "offline_access", "User.Read"];
        if self.access == Access::Delegated {
            scopes.push("Mail.Read");
            if self.mark {
                scopes.extend(["Mail.ReadWrite", "MailboxSettings.ReadWrite"]);
            }
            if self.shared_mailboxes {
                scopes.push("Mail.Read.Shared");
            }
            if self.shared_mailboxes && self.mark {
                scopes.push("Mail.ReadWrite.Shared");
            }
            if self.dates {
                scopes.extend(["Calendars.ReadWrite", "Tasks.ReadWrite"]);
            }
            if self.contacts {
                scopes.push("Contacts.ReadWrite");
            }
        }
        scopes
    }

    /// Whether a grant of `self` includes `other`.
    pub fn include(self, other: Self) -> bool {
        let held = self.scopes();
        self.access == other.access && other.scopes().iter().all(|scope| held.contains(scope))
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

/// Who is connected: the tenant and, with delegated access, the user. The pair of ids is the key, the rest is for
/// people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectedAccount {
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
    /// Whose rights it uses.
    pub access: Access,
    /// Whether greffe sets a category on archived mail in Outlook.
    pub mark: bool,
    /// Whether the connector also opens the shared mailboxes of the signed-in user.
    pub shared_mailboxes: bool,
    /// Whether dates are pushed to Outlook.
    #[serde(default)]
    pub dates: bool,
    /// Whether greffe writes contacts to Outlook.
    #[serde(default)]
    pub contacts: bool,
    /// What the next sign-in asks for, if that is more or other than what it has. Until then it works as it does.
    pub wanted: Option<Rights>,
    /// The firm's own app registration; none for the platform's.
    pub app: Option<OwnApp>,
    /// Whether it works.
    pub state: ConnectorState,
    /// Who is connected.
    pub account: Option<ConnectedAccount>,
    /// When they signed in: what somebody found out through an earlier sign-in says nothing of this one.
    pub connected_at: Option<Timestamp>,
    /// The problem that stops it; null if it works.
    pub problem: Option<NotedProblem>,
    /// What the last sign-in failed at, if it did.
    #[serde(default)]
    pub sign_in_problem: Option<NotedProblem>,
    /// The domains that are verified in the tenant, in lower case, as Microsoft listed them at the last
    /// organisation-wide sign-in; none if Microsoft did not.
    #[serde(default)]
    pub verified_domains: Option<Vec<String>>,
    /// The organisation-wide sign-in that waits for the operator's grant, if one does.
    #[serde(default)]
    pub awaiting_grant: Option<AwaitingGrant>,
    /// How long Microsoft has not answered about its mailboxes, if it did not lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// The caller's own id of it, if it was given one.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A sign-in that gives organisation-wide access once the operator grants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitingGrant {
    /// Whom it connects.
    pub account: ConnectedAccount,
    /// What was asked for.
    pub rights: Rights,
    /// See [`Connector::verified_domains`].
    pub verified_domains: Option<Vec<String>>,
}

/// Why a mailbox can't be reached through a connector.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Nobody has signed in yet.
    #[error("the connector is not connected")]
    NotConnected,
    /// The connected user is another one than the mailbox's.
    #[error("the mailbox is not the connected user's own")]
    AnothersMailbox,
    /// Outlook.com knows no shared mailboxes.
    #[error("a personal account opens no shared mailbox: connect a work or school account for it")]
    PersonalAccount,
    /// Nobody was asked for the right to open shared mailboxes.
    #[error("the connector does not open shared mailboxes: set shared_mailboxes, then open its connect_url")]
    NoSharedMailboxes,
    /// More than one account of the organisation has the address.
    #[error("several accounts have the address {0}")]
    Ambiguous(String),
    /// Graph does not give it.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Connector {
    /// Tries to open the mailbox of `address`: how requests to Graph name it from then on.
    ///
    /// Errors: the account is unknown, ambiguous or out of reach, or Graph does not answer.
    pub async fn reach(&self, graph: &Graph, address: &str, kind: MailboxKind) -> Result<GraphUser, ReachError> {
        let user = self.identify(graph, address, kind).await?;
        graph.folders(&user).await?;
        Ok(user)
    }

    /// How requests to Graph name the account of `address`, as far as this connector may look it up.
    ///
    /// Errors: the account is unknown, ambiguous or out of reach, or Graph does not answer.
    pub async fn identify(&self, graph: &Graph, address: &str, kind: MailboxKind) -> Result<GraphUser, ReachError> {
        // One that asked for a person is tried all the same: perhaps somebody has acted.
        if self.state == ConnectorState::AwaitingSignIn {
            return Err(ReachError::NotConnected);
        }
        Ok(match (self.access, kind) {
            (Access::Delegated, MailboxKind::User) => {
                let me = graph.me().await?;
                if !me.is(address) {
                    return Err(ReachError::AnothersMailbox);
                }
                GraphUser::new(&me.id)
            }
            (Access::Delegated, MailboxKind::Shared) if self.is_personal() => return Err(ReachError::PersonalAccount),
            (Access::Delegated, MailboxKind::Shared) if !self.shared_mailboxes => {
                return Err(ReachError::NoSharedMailboxes);
            }
            // Who signed in may not be allowed to look others up; the address needs no looking up.
            (Access::Delegated, MailboxKind::Shared) => GraphUser::new(address),
            (Access::Organization, MailboxKind::User | MailboxKind::Shared) => {
                GraphUser::new(&in_organization(graph, address).await?)
            }
        })
    }

    /// Loads the connector for a round that begins now. If Microsoft recently did not answer for its tenant, only this
    /// round tests whether it answers again.
    ///
    /// Errors: `Conflict` if another round finds it out; the table refuses or does not answer.
    pub async fn probe(row: Row<Self>, table: &Table, mailbox: MailboxId, now: Timestamp) -> Result<Self, TableError> {
        let Some(probed) = row.value.silence.as_ref().and_then(|silence| silence.probed(mailbox, now)) else {
            return Ok(row.value);
        };
        let probing = Self { silence: Some(probed), ..row.value.clone() };
        let row = row.with(probing);
        table.write(Write::replace(&row)).await?;
        Ok(row.value)
    }

    /// Notes that Microsoft did not answer a round about `mailbox`; or, without one, that it answers.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn note_silence(
        &self,
        table: &Table,
        mailbox: Option<MailboxId>,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let noted = |connector: Self| {
            let silence = mailbox.map(|mailbox| Silence::after(connector.silence.as_ref(), mailbox, now));
            Self { silence, ..connector }
        };
        table.update(&Key::connector(self.firm, self.id), |connector| connector.map(noted)).await.map(drop)
    }

    /// The connector of that firm, if there is one.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn find(table: &Table, firm: FirmId, id: ConnectorId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::connector(firm, id)).await
    }

    /// All connectors of a firm: they are few.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of_firm(table: &Table, firm: FirmId) -> Result<Vec<Self>, TableError> {
        let rows = table.query_all::<Self>(&Key::connector_prefix(firm)).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// The tenant that it has organisation-wide access to, or waits for.
    pub fn organization(&self) -> Option<&TenantId> {
        let connected = self.account.as_ref().filter(|_| self.access == Access::Organization);
        let account = connected.or(self.awaiting_grant.as_ref().map(|awaiting| &awaiting.account));
        account.map(|account| &account.tenant_id)
    }

    /// Whether it has organisation-wide access to `tenant`.
    pub fn works_in(&self, tenant: &TenantId) -> bool {
        self.access == Access::Organization && self.account.as_ref().is_some_and(|a| a.tenant_id == *tenant)
    }

    /// Stores a new connector.
    ///
    /// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
    pub async fn insert(&self, table: &Table) -> Result<(), TableError> {
        let named = ExternalIdOwner::Connector.give(Some(self.firm), self.external_id.as_ref(), self.id);
        table
            .transact([Write::insert(Key::connector(self.firm, self.id), self)].into_iter().chain(named).collect())
            .await
    }

    /// Where its user signs in. A firm's own app lives in one tenant; the platform's serves all.
    pub fn authority(&self) -> Authority {
        match (&self.app, self.access) {
            (Some(app), _) => Authority::tenant(&app.tenant_id),
            // Personal accounts have no shared mailboxes, and may not be asked for the right to open them.
            (None, Access::Delegated) if !self.shared_mailboxes => Authority::common(),
            (None, Access::Delegated | Access::Organization) => Authority::organizations(),
        }
    }

    /// See [`Rights::scopes`].
    pub fn scopes(&self) -> Vec<&'static str> {
        self.rights().scopes()
    }

    /// What it has.
    pub fn rights(&self) -> Rights {
        let Self { access, mark, shared_mailboxes, dates, contacts, .. } = *self;
        Rights { access, mark, shared_mailboxes, dates, contacts }
    }

    /// Replaces the rights.
    pub fn with_rights(self, Rights { access, mark, shared_mailboxes, dates, contacts }: Rights) -> Self {
        Self { access, mark, shared_mailboxes, dates, contacts, ..self }
    }

    /// The connector as it will be after its next sign-in.
    pub fn as_wanted(&self) -> Self {
        let rights = self.wanted.unwrap_or(self.rights());
        Self { wanted: None, ..self.clone().with_rights(rights) }
    }

    /// Replaces the requested rights. Rights that need no consent apply at once, others after the next
    /// sign-in.
    pub fn wanting(self, rights: Rights) -> Self {
        if self.state == ConnectorState::AwaitingSignIn || self.rights().include(rights) {
            return Self { wanted: None, ..self.with_rights(rights) };
        }
        Self { wanted: Some(rights), ..self }
    }

    /// Whether a personal account is connected (Outlook.com), which belongs to no organisation.
    pub fn is_personal(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.tenant_id.as_str() == PERSONAL_TENANT)
    }

    /// Turns a working connector into one that asks for a person, and tells of it. One that asks already keeps its
    /// first problem, and one that somebody has connected since `self` was read works.
    ///
    /// Errors: the table refuses or does not answer. A change meanwhile and a failure of the event bus are no errors:
    /// the next look finds out.
    pub async fn require_action(&self, feed: &Feed, table: &Table, problem: NotedProblem) -> Result<(), FeedError> {
        let (state, at) = (ConnectorState::ActionRequired, problem.since);
        let what = FactEvent::ConnectorActionRequired {
            connector: self.id,
            code: problem.code,
            microsoft_code: problem.microsoft_code.clone(),
        };
        self.turn(feed, table, ConnectorState::Connected, (state, Some(problem)), at, what).await
    }

    /// Turns a connector that asked for a person into one that works: it was just seen to.
    ///
    /// Errors: the table refuses or does not answer. A change meanwhile and a failure of the event bus are no errors:
    /// the next look finds out.
    pub async fn recovered(&self, feed: &Feed, table: &Table, at: Timestamp) -> Result<(), FeedError> {
        let what = FactEvent::ConnectorConnected { connector: self.id, account: self.connected_as() };
        self.turn(feed, table, ConnectorState::ActionRequired, (ConnectorState::Connected, None), at, what).await
    }

    /// The address or sign-in name of the connected account.
    pub fn connected_as(&self) -> String {
        self.account.as_ref().map(|account| account.address.clone()).unwrap_or_default()
    }

    async fn turn(
        &self,
        feed: &Feed,
        table: &Table,
        from: ConnectorState,
        (state, problem): (ConnectorState, Option<NotedProblem>),
        at: Timestamp,
        what: FactEvent,
    ) -> Result<(), FeedError> {
        let Some(mut row) = Self::find(table, self.firm, self.id).await? else { return Ok(()) };
        if row.value.state != from || row.value.connected_at != self.connected_at {
            return Ok(());
        }
        row.value.state = state;
        row.value.problem = problem;
        let fact = Fact { id: format!("{}-{}-{}", self.id, what.name(), at.as_millisecond()), at, what };
        match feed.tell_with(self.firm, vec![Write::replace(&row)], fact).await {
            // Somebody changes it this moment: the next round looks again.
            Err(FeedError::Table(TableError::Conflict { .. })) => Ok(()),
            other => other,
        }
    }
}

/// The object id of the account of `address`, in the organisation that `graph` may look up: its sign-in name, or else
/// its mail address or one of its further addresses.
async fn in_organization(graph: &Graph, address: &str) -> Result<String, ReachError> {
    let unknown = match graph.user(&GraphUser::new(address)).await {
        Ok(user) => return Ok(user.id),
        Err(error) if error.status() == Some(404) => error,
        Err(error) => return Err(error.into()),
    };
    let mut found = graph.users_with_address(address).await?;
    match (found.pop(), found.pop()) {
        (Some(user), None) => Ok(user.id),
        (Some(_), Some(_)) => Err(ReachError::Ambiguous(address.to_owned())),
        (None, _) => Err(unknown.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Rights =
        Rights { access: Access::Delegated, mark: false, shared_mailboxes: false, dates: false, contacts: false };

    #[test]
    fn only_the_rights_that_the_options_need_are_asked_for() {
        let scopes = |rights: Rights| rights.scopes().split_off(4);
        assert_eq!(scopes(READ), ["Mail.Read"]);
        let marking = Rights { mark: true, ..READ };
        assert_eq!(scopes(marking), ["Mail.Read", "Mail.ReadWrite", "MailboxSettings.ReadWrite"]);
        assert_eq!(scopes(Rights { shared_mailboxes: true, ..READ }), ["Mail.Read", "Mail.Read.Shared"]);
        let shared = scopes(Rights { shared_mailboxes: true, ..marking });
        assert!(shared.ends_with(&["Mail.Read.Shared", "Mail.ReadWrite.Shared"]));
        assert_eq!(scopes(Rights { dates: true, ..READ }), ["Mail.Read", "Calendars.ReadWrite", "Tasks.ReadWrite"]);
        assert_eq!(scopes(Rights { contacts: true, ..READ }), ["Mail.Read", "Contacts.ReadWrite"]);
        let all = Rights { shared_mailboxes: true, dates: true, contacts: true, ..marking };
        assert!(scopes(Rights { access: Access::Organization, ..all }).is_empty());
    }

    #[test]
    fn less_is_granted_with_more_and_never_the_other_way() {
        let all = Rights { mark: true, dates: true, ..READ };
        assert!(all.include(READ) && !READ.include(all));
        let organization = Rights { access: Access::Organization, ..READ };
        assert!(!all.include(organization));
        assert!(organization.include(Rights { mark: true, dates: true, ..organization }));
    }
}
