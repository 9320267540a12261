//! What several routes show: problems, messages, connectors and their credentials.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    access::{
        app_claim,
        app_owner::AppOwner,
        connect_link::connect_url,
        connector::{Access, Connector, ConnectorState, OwnApp, Rights},
        credential::Credential,
        credential_record::{CredentialRecord, ExpirySource},
        reminder::days_left,
    },
    app::App,
    base::{
        digest::Digest,
        id::{ClientId, ConnectorId, ErasureId, ExternalId, MailboxId, MessageId, TenantId},
    },
    firm::{
        Firm,
        fact::{CredentialKind, FiledThrough},
    },
    graph::{GraphCode, TokenError},
    mail::{
        message::{ErasureNote, Message, MessageState},
        rules::SkipReason,
    },
    problem::{Code, NotedProblem, ResponsibleParty, Text, of_app_not_allowed},
};
use utoipa::ToSchema;

use crate::{error::Answer, language};

/// A mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageView {
    #[schema(value_type = String)]
    id: MessageId,
    #[schema(value_type = String, format = "uuid")]
    mailbox: MailboxId,
    /// The subject. A long one is shortened; the original has all of it. Lists and `read_message` take it from the
    /// original if Microsoft could not decode it.
    subject: String,
    /// The sender's address.
    from: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    received_at: Timestamp,
    /// The header Message-ID. It is not unique.
    internet_message_id: Option<String>,
    has_attachments: bool,
    /// `pending`, `skipped`, `archived`, `announced`, `marked`, `unmarked`, `failed`, `gone`, `erased`, `removed` or
    /// `expired`. The original is there from `archived` on; `unmarked` means that Outlook can't show it.
    state: &'static str,
    /// The SHA-256 of the original, in hex.
    #[schema(value_type = Option<String>)]
    sha256: Option<Digest>,
    /// The size of the original in bytes.
    bytes: Option<u64>,
    #[schema(value_type = Option<String>, format = "date-time")]
    archived_at: Option<Timestamp>,
    /// Until when the original is kept; null for ever.
    #[schema(value_type = Option<String>, format = "date-time")]
    kept_until: Option<Timestamp>,
    /// Its number in the firm's feed.
    number: Option<u64>,
    /// Why it is not archived yet.
    failure: Option<MessageFailureView>,
    /// Why it is not archived.
    skip_reason: Option<SkipReason>,
    /// The dossier that it is filed to.
    dossier: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    filed_at: Option<Timestamp>,
    /// The id of the API key that filed it, or `operator`. Where it followed its conversation or its folder, who filed
    /// the conversation or gave the folder its dossier.
    filed_by: Option<String>,
    /// What filed it: a person, a conversation, a folder or a proposal.
    filed_through: Option<FiledThrough>,
    /// Who removed it: the id of the API key or of the person, or `operator`.
    removed_by: Option<String>,
    /// Who had it erased or removed, when and why; null if it was not, or by a version before 0.2.0.
    erasure: Option<MessageErasureView>,
}

/// Who had a mail erased or removed, when and why.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageErasure)]
pub(crate) struct MessageErasureView {
    /// The erasure; null if the operator carried it out by command.
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<ErasureId>,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Who asked for it.
    asked_by: String,
    reason: String,
    /// Whose request it was: the id of the API key or of the person, or `operator`.
    by: String,
    /// Who confirmed it: the id of the API key or of the person, or `operator`.
    confirmed_by: Option<String>,
}

impl MessageErasureView {
    fn of(at: Timestamp, note: ErasureNote) -> Self {
        let ErasureNote { erasure: id, asked_by, by, confirmed_by, reason } = note;
        Self { id, at, asked_by, reason, by, confirmed_by }
    }
}

/// Why a mail is not archived yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageFailureView {
    /// Microsoft's error code.
    #[schema(value_type = String)]
    code: GraphCode,
    attempts: u32,
    /// When greffe tries again; null if it has given up.
    #[schema(value_type = Option<String>, format = "date-time")]
    next_try: Option<Timestamp>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let original = message.original().cloned();
        let mut kept_until = original.as_ref().and_then(|original| original.until.end());
        let (mut failure, mut skip_reason, mut removed_by, mut erasure) = (None, None, None, None);
        let state = message.state.name();
        let filing = message.filing.filter(|filing| filing.dossier.is_some());
        let mut number = original.as_ref().map(|original| original.number);
        match message.state {
            MessageState::Failed(f) => {
                number = Some(f.number);
                failure = Some(MessageFailureView { code: f.code, attempts: f.attempts, next_try: f.next_try });
            }
            MessageState::Gone { number: n, .. } => number = Some(n),
            MessageState::Skipped { reason } => skip_reason = Some(reason),
            MessageState::Erased { at, note } => erasure = note.map(|note| MessageErasureView::of(at, note)),
            MessageState::Removed { at, by, note } => {
                removed_by = Some(by);
                erasure = note.map(|note| MessageErasureView::of(at, note));
            }
            MessageState::Expired { at } => kept_until = Some(at),
            _ => {}
        }
        Self {
            id: message.id,
            mailbox: message.id.mailbox,
            subject: message.subject,
            from: message.from,
            received_at: message.received_at,
            internet_message_id: message.internet_message_id,
            has_attachments: message.has_attachments,
            state,
            sha256: original.as_ref().map(|original| original.sha256),
            bytes: original.as_ref().map(|original| original.bytes),
            archived_at: original.map(|original| original.archived_at),
            kept_until,
            number,
            failure,
            skip_reason,
            removed_by,
            erasure,
            filed_at: filing.as_ref().map(|filing| filing.at),
            filed_by: filing.as_ref().map(|filing| filing.by.clone()),
            filed_through: filing.as_ref().map(|filing| filing.through),
            dossier: filing.and_then(|filing| filing.dossier),
        }
    }
}

/// A connector.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectorView {
    #[schema(value_type = String, format = "uuid")]
    id: ConnectorId,
    name: String,
    access: Access,
    /// Whether greffe sets a category on archived mail in Outlook.
    mark: bool,
    /// Whether the connector also opens the shared mailboxes of the signed-in user.
    shared_mailboxes: bool,
    /// Whether greffe writes dates to Outlook's calendar or To Do.
    dates: bool,
    /// Whether greffe writes contacts to Outlook.
    contacts: bool,
    /// The rights that the next sign-in at `connect_url` requests, if they differ from the present ones.
    wanted: Option<RightsView>,
    /// The firm's app registration; null if the connector uses the operator's.
    app: Option<AppView>,
    state: ConnectorState,
    /// The address of the account that signed in.
    connected_as: Option<String>,
    /// The organisation that the connector can access or waits for; null for delegated access.
    organization: Option<OrganizationView>,
    /// The link that a person opens in a browser to connect, or to connect again. It is valid for one day; each
    /// response has a new one. Null for a key without the right `manage`, and if greffe can't read its signing keys.
    connect_url: Option<String>,
    /// The problem that stops it; null if it works.
    problem: Option<ProblemView>,
    /// Why the last sign-in failed; null after a successful sign-in.
    sign_in_problem: Option<ProblemView>,
    /// What greffe knows about the credential of the app registration.
    secret: Option<SecretView>,
    /// Your own id of the connector.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

/// The rights of a connector. greffe requests only the rights that these options need.
#[derive(Serialize, ToSchema)]
#[schema(as = Rights)]
pub(crate) struct RightsView {
    /// Whose rights it uses.
    access: Access,
    /// Whether greffe sets a category on archived mail in Outlook. If false, greffe never writes to the mailbox.
    mark: bool,
    /// Whether the connector also opens the shared mailboxes of the signed-in user. Organisation-wide access always
    /// does.
    shared_mailboxes: bool,
    /// Whether greffe writes dates to Outlook's calendar or To Do.
    dates: bool,
    /// Whether greffe writes contacts to Outlook.
    contacts: bool,
}

impl From<Rights> for RightsView {
    fn from(Rights { access, mark, shared_mailboxes, dates, contacts }: Rights) -> Self {
        Self { access, mark, shared_mailboxes, dates, contacts }
    }
}

/// The Microsoft 365 tenant of a connector, compared with the firm's domains. A difference is allowed: a firm's domain
/// may be in another tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// Whether it waits for the operator's grant.
    awaits_grant: bool,
    /// The domains that are verified in the tenant; null if Microsoft did not list them.
    verified_domains: Option<Vec<String>>,
    /// The firm's `domains` that are not verified in the tenant; null if unknown.
    unverified_domains: Option<Vec<String>>,
}

impl OrganizationView {
    async fn of(app: &App, connector: &Connector) -> Answer<Option<Self>> {
        let Some(tenant_id) = connector.organization().cloned() else { return Ok(None) };
        let awaiting = connector.awaiting_grant.as_ref();
        let verified = awaiting.map_or(&connector.verified_domains, |awaiting| &awaiting.verified_domains).clone();
        let unverified = match &verified {
            Some(verified) => {
                let firm = Firm::find(&app.table, connector.firm).await?;
                firm.map(|firm| firm.domains.into_iter().filter(|domain| !verified.contains(domain)).collect())
            }
            None => None,
        };
        let awaits_grant = awaiting.is_some();
        Ok(Some(Self { tenant_id, awaits_grant, verified_domains: verified, unverified_domains: unverified }))
    }
}

/// A firm's own app registration, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppView {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    #[schema(value_type = String)]
    client_id: ClientId,
}

impl From<OwnApp> for AppView {
    fn from(OwnApp { tenant_id, client_id }: OwnApp) -> Self {
        Self { tenant_id, client_id }
    }
}

/// A problem, with the person who has to act.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemView {
    code: Code,
    meaning: &'static str,
    who: ResponsibleParty,
    next_action: &'static str,
    /// Microsoft's error code; null if the error does not come from Microsoft.
    microsoft_code: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

impl From<NotedProblem> for ProblemView {
    fn from(problem: NotedProblem) -> Self {
        let NotedProblem { code, microsoft_code, since } = problem;
        let Text { meaning, next_action } = code.text(language::of_caller());
        let who = code.who();
        let microsoft_code = Some(microsoft_code).filter(|code| !code.is_empty());
        Self { code, meaning, who, next_action, microsoft_code, since }
    }
}

/// `linked`: with the link that connects it, which is for callers who may manage.
pub(super) async fn view(app: &App, connector: Connector, linked: bool) -> Answer<ConnectorView> {
    let connect_url = match connect_url(app, &connector, None).await {
        _ if !linked => None,
        Ok(url) => Some(url),
        // The rest is shown all the same: its problem says whose turn it is.
        Err(TokenError::Secret(error)) if error.needs_the_operator() => None,
        Err(error) => return Err(error.into()),
    };
    let secret = SecretView::of(app, AppOwner::of(&connector)).await?;
    let organization = OrganizationView::of(app, &connector).await?;
    let obstacle = match app.tokens.why_not_allowed(&connector).await {
        Ok(obstacle) => obstacle,
        // Only work that needs the secret has to report this error.
        Err(TokenError::Secret(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let since = connector.connected_at.unwrap_or(connector.created_at);
    let obstacle =
        obstacle.map(|not| NotedProblem { code: of_app_not_allowed(not), microsoft_code: String::new(), since });
    let Connector { id, name, access, mark, shared_mailboxes, dates, contacts, wanted, .. } = connector;
    let Connector { app, state, account, problem, sign_in_problem, external_id, created_at, .. } = connector;
    let app = app.map(AppView::from);
    let connected_as = account.map(|account| account.address);
    // What has ended does not work, though nobody may have met a refusal yet.
    let problem = problem.or_else(|| secret.as_ref().and_then(SecretView::problem)).or(obstacle);
    let (problem, sign_in_problem) = (problem.map(ProblemView::from), sign_in_problem.map(ProblemView::from));
    Ok(ConnectorView {
        id,
        name,
        access,
        mark,
        shared_mailboxes,
        dates,
        contacts,
        wanted: wanted.map(RightsView::from),
        app,
        state,
        connected_as,
        organization,
        connect_url,
        problem,
        sign_in_problem,
        secret,
        external_id,
        created_at,
    })
}

/// A credential, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretView {
    credential: CredentialKind,
    /// When it expires; null if the date is unknown or if it does not expire.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub(super) expires_at: Option<Timestamp>,
    /// Whole days until it expires; negative afterwards.
    days_left: Option<i64>,
    /// Where greffe knows the date from.
    source: ExpirySource,
    /// Whether it has expired.
    expired: bool,
    /// When the running rotation started.
    #[schema(value_type = Option<String>, format = "date-time")]
    rotating_since: Option<Timestamp>,
    /// With `federated`: the audience of the federated credential at Entra; see `/app/federation`.
    audience: Option<String>,
    /// With `federated`: whether Entra already trusts this audience. False while the old, shared audience is in use.
    audience_in_use: Option<bool>,
}

impl SecretView {
    /// None before anything is known.
    pub(super) async fn of(app: &App, owner: AppOwner) -> Answer<Option<Self>> {
        let now = app.clock.now();
        let Some(known) = CredentialRecord::find(&app.table, owner).await? else { return Ok(None) };
        let federated = match known.credential {
            CredentialKind::Federated => {
                let audience = app_claim::audience(&app.table, &app.random, owner).await?;
                let current = Credential::parse(&app.secrets.read(&owner.secret_id()).await?);
                Some((audience.as_str().to_owned(), !current.is_by_shared_audience()))
            }
            CredentialKind::Secret | CredentialKind::Certificate => None,
        };
        let (audience, audience_in_use) = federated.unzip();
        Ok(Some(Self {
            audience,
            audience_in_use,
            credential: known.credential,
            expires_at: known.end(now),
            days_left: known.end(now).map(|end| days_left(end, now)),
            source: known.source,
            expired: known.end(now).is_some_and(|end| end <= now),
            rotating_since: known.rotation.map(|rotation| rotation.since),
        }))
    }

    /// What a connector with it has to say.
    pub(super) fn problem(&self) -> Option<NotedProblem> {
        let code = self.credential.ended()?;
        let since = self.expires_at.filter(|_| self.expired)?;
        Some(NotedProblem { code, microsoft_code: String::new(), since })
    }
}
