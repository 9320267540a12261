//! Mailboxes through their connectors: a mailbox is added, or given another connector or address, once the connector
//! has opened it.

use std::collections::BTreeMap;

use crate::{
    access::{
        clients::Clients,
        connector::{Connector, ReachError},
        connector_watch,
    },
    aws::table::{Row, TableError},
    base::id::{ConnectorId, ExternalId, FirmId, FolderId, MailboxId, MemberId},
    firm::{external_id::ExternalIdOwner, feed::FeedError, member::Member},
    graph::GraphUser,
    mail::{
        mailbox::{Mailbox, MailboxKind, MailboxState},
        rules::Rules,
        selection::Selection,
    },
};

/// A mailbox to add.
#[derive(Debug, Clone)]
pub struct MailboxToAdd {
    /// The connector that opens it.
    pub connector: ConnectorId,
    /// Its address.
    pub address: String,
    /// Whose it is.
    pub kind: MailboxKind,
    /// The member that it belongs to.
    pub member: Option<MemberId>,
    /// The caller's own id of it.
    pub external_id: Option<ExternalId>,
}

/// Changes of a mailbox. None leaves what is.
#[derive(Debug, Clone, Default)]
pub struct MailboxChanges {
    /// Another connector, which has to open the same mailbox.
    pub connector: Option<ConnectorId>,
    /// Another address of the same mailbox.
    pub address: Option<String>,
    /// The member that it belongs to, or nobody's.
    pub member: Option<Option<MemberId>>,
    /// The caller's own id of it, or none.
    pub external_id: Option<Option<ExternalId>>,
}

/// A mailbox that is not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum MailboxAccessError {
    /// The firm has no such connector.
    #[error("connector: the firm has none with this id")]
    UnknownConnector,
    /// The mailbox lost its connector, and the change names no other one.
    #[error("Its connector was deleted. Nothing was changed.")]
    ConnectorDeleted,
    /// The firm has no such member.
    #[error("member: the firm has none with this id")]
    UnknownMember,
    /// The firm has the mailbox already, under this id and address.
    #[error("It is the mailbox {0}, which was added as {1}.")]
    Taken(MailboxId, String),
    /// Another request adds the same mailbox at this moment.
    #[error("Another request adds it at this moment.")]
    TakenJustNow,
    /// Another mailbox of the firm has the address.
    #[error("Another mailbox of the firm has this address.")]
    AddressTaken,
    /// Another mailbox of the firm has the external id.
    #[error("external_id: another has it. Nothing was changed.")]
    ExternalIdTaken,
    /// The address opens another mailbox than before.
    #[error("{address} is another mailbox than {before}.")]
    AnotherMailbox {
        /// The new address.
        address: String,
        /// The address so far.
        before: String,
    },
    /// The connector can't open it.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The table or the event bus refuses or does not answer.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl From<TableError> for MailboxAccessError {
    fn from(error: TableError) -> Self {
        Self::Feed(error.into())
    }
}

/// The member of the firm that a request names.
///
/// Errors: the firm has none with this id; the table refuses or does not answer.
pub async fn named_member(clients: &Clients, firm: FirmId, member: MemberId) -> Result<Member, MailboxAccessError> {
    let found = Member::find(&clients.table, firm, member).await?;
    Ok(found.ok_or(MailboxAccessError::UnknownMember)?.value)
}

/// Adds a mailbox after its connector has opened it. Nothing of it is archived before it is activated.
///
/// Errors: the firm has no such connector, or has the mailbox already; the connector can't open it; the table or the
/// event bus refuses or does not answer.
pub async fn add_mailbox(clients: &Clients, firm: FirmId, new: MailboxToAdd) -> Result<Mailbox, MailboxAccessError> {
    let MailboxToAdd { connector, address, kind, member, external_id } = new;
    let (user, root) = open(clients, firm, connector, (&address, kind)).await?;
    let mailbox = Mailbox {
        id: MailboxId::draw(&clients.random),
        firm,
        connector,
        address,
        user,
        root: Some(root),
        kind,
        member,
        external_id,
        state: MailboxState::Inactive,
        // Of a shared one all is kept: it is nobody's own.
        selection: (kind == MailboxKind::Shared).then(Selection::all),
        rules: Rules::default(),
        dossiers: BTreeMap::new(),
        activated_at: None,
        history: None,
        grant: None,
        created_at: clients.clock.now(),
    };
    let taken = |first: Mailbox| MailboxAccessError::Taken(first.id, first.address);
    if let Some(first) = mailbox.find_duplicate(&clients.table).await? {
        return Err(taken(first));
    }
    match mailbox.insert(&clients.table).await {
        Ok(()) => Ok(mailbox),
        Err(TableError::Conflict { .. }) => {
            let first = mailbox.find_duplicate(&clients.table).await?;
            Err(first.map_or(MailboxAccessError::TakenJustNow, taken))
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes a mailbox. A new connector or address has to open the same mailbox as before.
///
/// Errors: `Conflict` if another wrote first; the firm has no such connector or member; the connector was deleted,
/// can't open the mailbox, or opens another one; the address or the external id is taken; the table or the event bus
/// refuses or does not answer.
pub async fn change_mailbox(
    clients: &Clients,
    mut row: Row<Mailbox>,
    changes: MailboxChanges,
) -> Result<Mailbox, MailboxAccessError> {
    let before = row.value.clone();
    let (firm, mailbox) = (before.firm, &mut row.value);
    if let Some(member) = changes.member {
        mailbox.member = match member {
            Some(member) => Some(named_member(clients, firm, member).await?.id),
            None => None,
        };
    }
    if let Some(connector) = changes.connector {
        mailbox.connector = find_connector(clients, firm, connector).await?.id;
    }
    mailbox.address = changes.address.unwrap_or_else(|| mailbox.address.clone());
    mailbox.external_id = changes.external_id.unwrap_or_else(|| mailbox.external_id.clone());
    if mailbox.connector != before.connector || mailbox.address != before.address {
        let opened = open(clients, firm, mailbox.connector, (&mailbox.address, mailbox.kind)).await;
        let (user, root) = opened.map_err(|error| match error {
            MailboxAccessError::UnknownConnector => MailboxAccessError::ConnectorDeleted,
            other => other,
        })?;
        if mailbox.root.as_ref().is_some_and(|known| *known != root) {
            let (address, before) = (mailbox.address.clone(), before.address);
            return Err(MailboxAccessError::AnotherMailbox { address, before });
        }
        mailbox.user = user;
    }
    let is_named = |error: &TableError, mailbox: &Mailbox| {
        ExternalIdOwner::Mailbox.is_taken(Some(firm), mailbox.external_id.as_ref(), error)
    };
    match Mailbox::replace(&row, &before, &clients.table, clients.clock.now()).await {
        Ok(()) => Ok(row.value),
        Err(error) if row.value.is_taken(&error) => Err(MailboxAccessError::AddressTaken),
        Err(error) if is_named(&error, &row.value) => Err(MailboxAccessError::ExternalIdTaken),
        Err(error) => Err(error.into()),
    }
}

/// Opens a mailbox through a connector. Returns its name in Graph's paths and the id of its root folder.
async fn open(
    clients: &Clients,
    firm: FirmId,
    connector: ConnectorId,
    (address, kind): (&str, MailboxKind),
) -> Result<(GraphUser, FolderId), MailboxAccessError> {
    let connector = find_connector(clients, firm, connector).await?;
    let graph = clients.graph(&connector);
    let user = connector.reach(&graph, address, kind).await?;
    let root = graph.root_folder(&user).await.map_err(ReachError::from)?;
    connector_watch::seen_working(clients, &connector).await?;
    Ok((user, root))
}

async fn find_connector(clients: &Clients, firm: FirmId, id: ConnectorId) -> Result<Connector, MailboxAccessError> {
    let found = Connector::find(&clients.table, firm, id).await?;
    Ok(found.ok_or(MailboxAccessError::UnknownConnector)?.value)
}
