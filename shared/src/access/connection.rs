//! A connection: what a sign-in, a consent or the operator's grant leaves a connector with.

use std::{iter, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::{
        app_owner::AppOwner,
        clients::Clients,
        connect_link::CONNECT_LINK_LIFETIME,
        connector::{Access, AwaitingGrant, ConnectedAccount, Connector, ConnectorState, Rights},
        connector_watch::{self, ConnectorWatch},
        credential_record::CredentialError,
        entra::Issued,
        held_registration::HeldRegistration,
        return_address::ReturnAddress,
        tenancy::{self, HeldTenancy, TenantProof, WaitingConnector},
    },
    aws::{
        identity::IdentityError,
        table::{Key, Row, TableError, Write},
    },
    base::{
        id::{ConnectorId, ExternalId, FirmId, TenantId},
        metric::{Counter, Tally},
        telemetry::ErrorChain,
    },
    firm::{
        audit::{Actor, AuditEntry},
        external_id::ExternalIdOwner,
        fact::{Fact, FactEvent},
        feed::FeedError,
    },
    graph::{EntraError, TokenError},
    problem::{Code, Problem, of_app_not_allowed, of_token_refusal},
};

/// Waits for rights to spread at Microsoft after a consent: all together shorter than a browser is kept waiting.
const RIGHTS_WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];

/// Changes of a connector. None leaves what is.
#[derive(Debug, Clone)]
pub struct ConnectorChanges {
    /// Another name.
    pub name: Option<String>,
    /// The rights that it shall have.
    pub rights: Rights,
    /// When the client secret of its app registration expires, and whose registration that is.
    pub secret_expires_at: Option<(AppOwner, Timestamp)>,
    /// The caller's own id of it, or none.
    pub external_id: Option<Option<ExternalId>>,
}

/// A connector that is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorChangeError {
    /// A personal account has no organisation, and opens no shared mailboxes.
    #[error("a personal account is connected")]
    Personal,
    /// Another connector of the firm has the external id.
    #[error("another connector has the external id")]
    ExternalIdTaken,
    /// When the client secret expires could not be stored.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The table refuses or does not answer.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Changes a connector. Rights that need consent take effect after the next sign-in; an organisation-wide sign-in that
/// waits for the operator's grant and is no longer wanted is withdrawn.
///
/// Errors: `Conflict` if another wrote first; the rights are not for a personal account; the external id is taken;
/// another function works at the credential; the table refuses or does not answer.
pub async fn change(
    clients: &Clients,
    mut row: Row<Connector>,
    changes: ConnectorChanges,
) -> Result<Connector, ConnectorChangeError> {
    let ConnectorChanges { name, rights, secret_expires_at, external_id } = changes;
    if row.value.is_personal() && (rights.access == Access::Organization || rights.shared_mailboxes) {
        return Err(ConnectorChangeError::Personal);
    }
    let before = row.value.external_id.clone();
    row.value = row.value.wanting(rights);
    row.value.name = name.unwrap_or(row.value.name);
    row.value.external_id = external_id.unwrap_or(row.value.external_id);
    let mut withdrawn = None;
    if row.value.awaiting_grant.is_some() && rights.access != Access::Organization {
        withdrawn = tenancy::leave(&clients.table, &row.value).await?;
        row.value.awaiting_grant = None;
        row.value.sign_in_problem.take_if(|problem| problem.code == Code::TenantGrantRequired);
    }
    if let Some((owner, expires_at)) = secret_expires_at {
        HeldRegistration::take(clients, owner).await?.enter(expires_at).await?;
    }
    let (firm, id, after) = (Some(row.value.firm), row.value.id, row.value.external_id.as_ref());
    let named = ExternalIdOwner::Connector.change(firm, (before.as_ref(), after), id);
    let writes = [Write::replace(&row)].into_iter().chain(withdrawn).chain(named).collect();
    match clients.table.transact(writes).await {
        Err(error) if ExternalIdOwner::Connector.is_taken(firm, after, &error) => {
            Err(ConnectorChangeError::ExternalIdTaken)
        }
        stored => Ok(stored.map(|()| row.value)?),
    }
}

/// What a sign-in began with.
#[derive(Debug, Clone, Default)]
pub(super) struct SignInOrigin {
    /// The digest of the link.
    pub(super) link: Option<String>,
    /// Where the browser goes in the end.
    pub(super) back: Option<ReturnAddress>,
}

/// A link that connected its connector: it counts no longer.
#[derive(Serialize, Deserialize)]
pub(super) struct UsedLink {
    /// For DynamoDB's TTL: by then the link is too old anyway.
    pub(super) expires_at: i64,
}

/// What the firm's audit trail has of a sign-in.
pub(super) fn signed_in_at(
    clients: &Clients,
    connector: &Connector,
    who: Actor,
    from: Option<String>,
    at: Timestamp,
    outcome: u16,
) -> AuditEntry {
    let path = format!("/v1/firms/{}/connectors/{}", connector.firm, connector.id);
    let (action, request) = ("GET /oauth/callback".to_owned(), clients.random.uuid().to_string());
    AuditEntry { at, who, action, path, from, request, outcome: Some(outcome) }
}

/// How a browser came back.
pub(super) struct ReturnedBrowser {
    /// The address that it came from, if known.
    pub(super) from: Option<String>,
    /// What it began with.
    pub(super) began: SignInOrigin,
}

/// A connector that works.
#[derive(Debug)]
pub struct NewConnection {
    /// Its name.
    pub connector: String,
    /// Who is connected.
    pub address: String,
}

/// That a tenant has been opened for the app, and by whom.
pub(super) struct Consent {
    pub(super) account: ConnectedAccount,
    pub(super) proof: TenantProof,
    pub(super) verified_domains: Option<Vec<String>>,
}

pub(super) async fn finish_consent(
    clients: &Clients,
    connector: &Connector,
    Consent { account, proof, verified_domains }: Consent,
    browser: Option<ReturnedBrowser>,
) -> Result<NewConnection, Problem> {
    // What proves the consent is not the redirect but a token that Entra issues for it. It does not prove who gave it,
    // nor when.
    let tenant = &account.tenant_id;
    let app = connector.into();
    let issued = clients.tokens.as_app(&app, |registration| async move {
        Ok(clients.tokens.entra().client_credentials(tenant, &registration, None).await?)
    });
    let issued = issued.await.map_err(from_token)?;
    holds_rights(clients, &issued).await?;
    let brought = NewCredentials { issued: &issued, account, organization: Some((proof, verified_domains)), browser };
    connect(clients, connector, brought).await
}

/// Whether the app holds rights in the tenant: Entra issues tokens before anybody consents, without rights. They may
/// spread for a while after the consent, so a refusal is believed only when it lasts.
async fn holds_rights(clients: &Clients, issued: &Issued) -> Result<(), Problem> {
    let graph = clients.graph_with(issued.access.clone());
    let mut waits = RIGHTS_WAITS.iter();
    loop {
        match (graph.may_look_up_users().await, waits.next()) {
            (Err(error), Some(wait)) if error.is_forbidden() => clients.clock.sleep(*wait).await,
            (Err(error), None) if error.is_forbidden() => {
                let problem = Problem::from(error);
                let (code, message) = (problem.microsoft_code.unwrap_or_default(), problem.microsoft_message);
                let detail =
                    "Nobody has consented, or the consent has not spread at Microsoft: try again in some minutes.";
                return Err(Problem::new(Code::ConsentRequired, detail).from_microsoft(code, message));
            }
            _ => return Ok(()),
        }
    }
}

/// The operator grants the sign-in that `connector` waits with, for `tenant` and no other. A connector that works
/// already stays as it is.
///
/// Errors: `not_connected` or `nothing_to_grant` where nothing waits; what Entra answers where the consent is missing.
pub async fn grant(clients: &Clients, connector: &Connector, tenant: &TenantId) -> Result<(), Problem> {
    if connector.organization().is_some_and(|waits| waits != tenant) {
        let detail = "The connector waits for another tenant: see GET /v1/tenants.";
        return Err(Problem::new(Code::TenantGrantRequired, detail));
    }
    let Some(AwaitingGrant { account, rights, verified_domains }) = connector.awaiting_grant.clone() else {
        return match connector.access == Access::Organization && connector.account.is_some() {
            true => Ok(()),
            false => Err(nothing_waits(connector)),
        };
    };
    let consent = Consent { account, proof: TenantProof::Operator, verified_domains };
    finish_consent(clients, &connector.clone().with_rights(rights), consent, None).await.map(drop)
}

fn nothing_waits(connector: &Connector) -> Problem {
    match connector.account {
        Some(_) => Problem::new(Code::NothingToGrant, "Nothing was changed."),
        None => Problem::new(Code::NotConnected, "The connector does not wait for a grant."),
    }
}

/// What a connector works with from now on.
pub(super) struct NewCredentials<'a> {
    pub(super) issued: &'a Issued,
    pub(super) account: ConnectedAccount,
    /// With organisation-wide access: what speaks for it, and the tenant's domains.
    pub(super) organization: Option<(TenantProof, Option<Vec<String>>)>,
    /// None where no browser came: the audit trail has its entry already.
    pub(super) browser: Option<ReturnedBrowser>,
}

/// From now on the connector works with what this sign-in brought; its mailboxes are due at once. Where the tenant
/// can't be given to the firm, the sign-in waits for the operator.
pub(super) async fn connect(
    clients: &Clients,
    asked: &Connector,
    brought: NewCredentials<'_>,
) -> Result<NewConnection, Problem> {
    let NewCredentials { issued, account, organization, browser } = brought;
    let now = clients.clock.now();
    let what = FactEvent::ConnectorConnected { connector: asked.id, account: account.address.clone() };
    let fact = Fact { id: format!("{}-{}-{}", asked.id, what.name(), now.as_millisecond()), at: now, what };
    let mut tries = clients.table.tries();
    let name = loop {
        let mut row = find_row(clients, asked.firm, asked.id).await?;
        let tenancy = match &organization {
            Some((proof, verified_domains)) => {
                if *proof == TenantProof::Operator && row.value.awaiting_grant.is_none() {
                    return Err(nothing_waits(&row.value));
                }
                let mut held = HeldTenancy::read(&clients.table, &account.tenant_id).await.map_err(from_table)?;
                if !held.value.admit(asked.firm, *proof, now) {
                    let (account, rights) = (account.clone(), asked.rights());
                    let awaiting = AwaitingGrant { account, rights, verified_domains: verified_domains.clone() };
                    match await_grant(clients, row, held, awaiting, now).await {
                        Err(error) if tries.again(&error).await => continue,
                        other => other.map_err(from_table)?,
                    }
                    return Err(Problem::new(
                        Code::TenantGrantRequired,
                        "The sign-in is complete, and waits for the operator.",
                    ));
                }
                held.value.withdraw(asked.id);
                let elsewhere =
                    leave_other_tenant(clients, &row.value, &account.tenant_id).await.map_err(from_table)?;
                [held.write(), elsewhere]
            }
            None => [tenancy::leave(&clients.table, &row.value).await.map_err(from_table)?, None],
        };
        let domains = organization.as_ref().and_then(|(_, domains)| domains.clone());
        row.value = connected(row.value, (account.clone(), asked.rights()), domains, now);
        let tokens = clients.tokens.keep(asked.firm, asked.id, issued).await.map_err(from_token)?;
        let watch = ConnectorWatch::write(asked.firm, asked.id, now);
        let visit = match &browser {
            Some(browser) => visit(clients, asked, browser, &account, now).await.map_err(from_table)?,
            None => Vec::new(),
        };
        let writes = [Write::replace(&row), tokens, watch].into_iter();
        let writes = writes.chain(visit).chain(tenancy.into_iter().flatten()).collect();
        match clients.feed.tell_with(asked.firm, writes, fact.clone()).await {
            Ok(()) => break row.value.name,
            // A function refreshed the old token, or noted that it is dead, this very moment.
            Err(FeedError::Table(error)) if tries.again(&error).await => {}
            Err(FeedError::Table(error)) => return Err(from_table(error)),
            Err(error) => return Err(internal(&error)),
        }
    };
    tracing::info!(firm.id = %asked.firm, connector.id = %asked.id, "connector connected");
    if let Err(error) = connector_watch::all_due(&clients.table, asked.firm, asked.id, now).await {
        // The schedule finds them, a little later.
        tracing::warn!(connector.id = %asked.id, error = %ErrorChain(&error), "what it reaches could not be made due");
    }
    Ok(NewConnection { connector: name, address: account.address })
}

/// The connector as it works from now on, with the rights that were asked for. Wishes that were changed during the
/// sign-in stay wishes. Pure.
fn connected(
    connector: Connector,
    (account, rights): (ConnectedAccount, Rights),
    verified_domains: Option<Vec<String>>,
    now: Timestamp,
) -> Connector {
    let wanted = connector.as_wanted().rights();
    let connected = Connector {
        state: ConnectorState::Connected,
        account: Some(account),
        connected_at: Some(now),
        problem: None,
        sign_in_problem: None,
        verified_domains,
        awaiting_grant: None,
        silence: None,
        ..connector.with_rights(rights)
    };
    connected.wanting(wanted)
}

/// What is written of a person who came by a browser: the audit trail's entry, and that the link was used. A link that
/// a mail filter opened is still good; one that connected somebody is not.
async fn visit(
    clients: &Clients,
    asked: &Connector,
    browser: &ReturnedBrowser,
    account: &ConnectedAccount,
    now: Timestamp,
) -> Result<Vec<Write>, TableError> {
    let who = Actor::Account { address: account.address.clone() };
    let entry = signed_in_at(clients, asked, who, browser.from.clone(), now, 200);
    let entry = entry.next(&clients.table, asked.firm).await?;
    let link = browser.began.link.as_ref().map(|link| {
        let used = UsedLink { expires_at: (now + CONNECT_LINK_LIFETIME).as_second() };
        Write::overwrite(Key::used_link(asked.firm, link), &used)
    });
    Ok(iter::once(entry).chain(link).collect())
}

/// Keeps a sign-in for the operator's grant. The connector stays as it was; what it waits for elsewhere it gives up.
async fn await_grant(
    clients: &Clients,
    mut row: Row<Connector>,
    mut held: HeldTenancy,
    awaiting: AwaitingGrant,
    now: Timestamp,
) -> Result<(), TableError> {
    let elsewhere = leave_other_tenant(clients, &row.value, &awaiting.account.tenant_id).await?;
    let (firm, connector, address) = (row.value.firm, row.value.id, awaiting.account.address.clone());
    held.value.wait(WaitingConnector { firm, connector, address, since: now });
    row.value.awaiting_grant = Some(awaiting);
    let writes = [Write::replace(&row)].into_iter().chain(held.write()).chain(elsewhere).collect();
    clients.table.transact(writes).await?;
    tracing::warn!(firm.id = %firm, connector.id = %connector, "a connector waits for the operator's grant");
    Tally::one(Counter::OperatorNeeded).publish(now);
    Ok(())
}

/// The write by which a connector waits no more for another tenant than `tenant`.
async fn leave_other_tenant(
    clients: &Clients,
    connector: &Connector,
    tenant: &TenantId,
) -> Result<Option<Write>, TableError> {
    match connector.awaiting_grant.as_ref().filter(|awaiting| awaiting.account.tenant_id != *tenant) {
        Some(_) => tenancy::leave(&clients.table, connector).await,
        None => Ok(None),
    }
}

pub(super) async fn find_row(
    clients: &Clients,
    firm: FirmId,
    connector: ConnectorId,
) -> Result<Row<Connector>, Problem> {
    let found = Connector::find(&clients.table, firm, connector).await.map_err(from_table)?;
    found.ok_or_else(|| Problem::new(Code::ConnectorDeleted, "Ask the person who sent you the link for a new one."))
}

pub(super) fn from_table(error: TableError) -> Problem {
    internal(&error)
}

pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = %ErrorChain(error), "sign-in failed");
    Problem::new(Code::Internal, "The sign-in could not be recorded.")
}

pub(super) fn from_token(error: TokenError) -> Problem {
    match error.refusal() {
        Some(refusal) => Problem::new(of_token_refusal(refusal), "Microsoft refused to issue a token.")
            .from_microsoft(refusal.code(), Some(refusal.error_description.clone())),
        None => {
            tracing::error!(error = %ErrorChain(&error), "sign-in failed");
            match error {
                TokenError::NoPlatformApp => Problem::new(Code::NoPlatformApp, error.to_string()),
                TokenError::Entra(EntraError::Identity(IdentityError::Disabled)) => {
                    Problem::new(Code::FederationOff, error.to_string())
                }
                TokenError::Entra(
                    EntraError::Unreachable(_) | EntraError::Unwell { .. } | EntraError::Unreadable(_),
                ) => Problem::new(Code::MicrosoftBusy, error.to_string()),
                TokenError::NotAllowed(not) => Problem::new(of_app_not_allowed(not), not.to_string()),
                TokenError::Entra(_) => Problem::new(Code::MicrosoftRefused, error.to_string()),
                TokenError::Secret(secret) if secret.needs_the_operator() => {
                    Problem::new(Code::SecretsUnreadable, secret.to_string())
                }
                _ => Problem::new(Code::Internal, "The sign-in could not be completed."),
            }
        }
    }
}
