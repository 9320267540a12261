//! Members: the firm's people and their Microsoft 365 accounts.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::connector::Connector,
    app::App,
    aws::table::{Key, Row, TableError},
    base::id::{ConnectorId, ExternalId, FirmId, MemberId},
    firm::{
        external_id::ExternalIdOwner,
        member::{DateTarget, Member, Push},
    },
    graph::GraphUser,
    mail::mailbox::MailboxKind,
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    creation::{Creation, create_once},
    entries::intake,
    paging::{Item, Listed, Page, PageQuery},
};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found, not_named},
    extract::{Id, Json, SoughtAddress, given, present},
    field::{Address, Name, OwnId},
    precondition::{ETag, IfMatch, Tagged},
};

/// Most further addresses of one member.
const ALIASES_MAX: usize = 50;

/// What greffe writes to a member's Outlook.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[schema(as = PushSwitches)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switches {
    /// Appointments, deadlines and reminders.
    dates: bool,
    /// Contacts.
    contacts: bool,
    /// Where the dates go.
    target: DateTarget,
}

impl From<Push> for Switches {
    fn from(Push { dates, contacts, target }: Push) -> Self {
        Self { dates, contacts, target }
    }
}

impl From<Switches> for Push {
    fn from(Switches { dates, contacts, target }: Switches) -> Self {
        Self { dates, contacts, target }
    }
}

/// A new member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    name: Name,
    /// The address of the account. The connector must be able to reach it.
    address: Address,
    /// Further addresses of the same person, at most 50. Not every app registration can read them at Microsoft.
    #[serde(default)]
    aliases: Vec<Address>,
    /// The connector that reaches the account.
    #[schema(value_type = String, format = "uuid")]
    connector: ConnectorId,
    /// What is pushed to its Outlook; null for nothing.
    push: Option<Switches>,
    /// Your own id of the member. If a member of the firm has it already, that one is returned, and none is created.
    #[serde(default)]
    external_id: Option<OwnId>,
}

/// Changes of a member. Omitted fields stay (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    address: Option<Address>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    aliases: Option<Vec<Address>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Null for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Switches>)]
    push: Option<Option<Switches>>,
    /// Your own id, by which a repeated creation finds it; null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OwnId>)]
    external_id: Option<Option<OwnId>>,
}

/// A member.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberView {
    #[schema(value_type = String, format = "uuid")]
    id: MemberId,
    name: String,
    address: String,
    aliases: Vec<String>,
    #[schema(value_type = String, format = "uuid")]
    connector: ConnectorId,
    /// What is pushed to its Outlook; null for nothing.
    push: Option<Switches>,
    /// Your own id of the member.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let Member { id, name, address, aliases, connector, push, external_id, created_at, .. } = member;
        Self { id, name, address, aliases, connector, push: push.map(Into::into), external_id, created_at }
    }
}

/// A member with its tag.
fn shown(member: Member) -> Tagged<MemberView> {
    Tagged(ETag::of(&member), member.into())
}

/// The member of the firm that has this external id already.
async fn known(app: &App, firm: FirmId, external: Option<&ExternalId>) -> Answer<Option<Member>> {
    Ok(ExternalIdOwner::Member.existing(&app.table, Some(firm), external, |id| Key::member(firm, id)).await?)
}

impl Item for Member {
    type Id = MemberId;

    fn id(&self) -> MemberId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// The member of that firm.
pub(super) async fn find(app: &App, firm: FirmId, id: MemberId) -> Answer<Row<Member>> {
    Member::find(&app.table, firm, id).await?.ok_or_else(|| not_found("member"))
}

/// The account of `address`, which `connector` has to reach.
async fn account(app: &App, firm: FirmId, connector: ConnectorId, address: &str) -> Answer<GraphUser> {
    let found = Connector::find(&app.table, firm, connector).await?;
    let connector = found.ok_or_else(|| invalid("connector: the firm has none with this id"))?.value;
    Ok(connector.identify(&app.graph(&connector), address, MailboxKind::User).await?)
}

fn read_aliases(aliases: Vec<Address>) -> Answer<Vec<String>> {
    if aliases.len() > ALIASES_MAX {
        return Err(invalid(format!("aliases: a member has at most {ALIASES_MAX}")));
    }
    Ok(aliases.into_iter().map(Address::into_inner).collect())
}

fn stored(member: &Member, result: Result<(), TableError>) -> Answer<()> {
    result.map_err(|error| match member.is_taken(&error) {
        true => Problem::new(Code::MemberExists, "A member has this address.").into(),
        false => not_named(ExternalIdOwner::Member, Some(member.firm), member.external_id.as_ref(), error),
    })
}

/// Creates a member, after checking that the connector can reach the account.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/members", tag = "members", operation_id = "create_member",
    responses(
        (status = 200, body = MemberView, description = "A member has this `external_id` already: it is as shown."),
        (status = 201, body = MemberView, headers(("Location" = String, description = "The member's address"))),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`member_exists`, `not_connected`, `sign_in_required`"
        ),
        (
            status = 422, body = Problem, content_type = "application/problem+json",
            description = "`mailbox_out_of_reach`, `mailbox_unknown`"
        ),
    )
)]
pub(super) async fn create(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewMember>,
) -> Answer<Response> {
    let external = new.external_id.map(OwnId::into_inner);
    let known = || known(&app, firm.id(), external.as_ref());
    let create = async {
        let (address, aliases) = (new.address.into_inner(), read_aliases(new.aliases)?);
        let member = Member {
            id: MemberId::draw(&app.random),
            firm: firm.id(),
            name: new.name.into_inner(),
            user: account(&app, firm.id(), new.connector, &address).await?,
            address,
            aliases,
            connector: new.connector,
            push: new.push.map(Into::into),
            external_id: external.clone(),
            created_at: app.clock.now(),
        };
        stored(&member, member.insert(&app.table).await)?;
        Ok(member)
    };
    let member = match create_once(known, create).await? {
        Creation::New(member) => member,
        Creation::Existing(there) => return Ok(shown(there).into_response()),
    };
    intake(&app).wake(member.firm, [member.id].iter()).await?;
    tracing::info!(firm.id = %member.firm, member.id = %member.id, "member made");
    let location = [(header::LOCATION, format!("/v1/firms/{}/members/{}", member.firm, member.id))];
    Ok((StatusCode::CREATED, location, shown(member)).into_response())
}

/// Shows a member: the Microsoft 365 account, and what greffe writes to its Outlook.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/members/{member}", tag = "members", operation_id = "read_member",
    responses((status = 200, body = MemberView))
)]
pub(super) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
) -> Answer<Tagged<MemberView>> {
    Ok(shown(find(&app, firm.id(), member).await?.value))
}

/// Changes the given fields of a member.
///
/// greffe checks a new address or connector before it stores the change.
#[utoipa::path(
    patch, path = "/v1/firms/{firm}/members/{member}", tag = "members", operation_id = "update_member", params(IfMatch),
    responses(
        (status = 200, body = MemberView),
        (
            status = 409, body = Problem, content_type = "application/problem+json",
            description = "`member_exists`, `external_id_taken`, `not_connected`, `sign_in_required`"
        ),
        (
            status = 422, body = Problem, content_type = "application/problem+json",
            description = "`mailbox_out_of_reach`, `mailbox_unknown`"
        ),
    )
)]
pub(super) async fn update(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
    condition: IfMatch,
    Json(patch): Json<MemberPatch>,
) -> Answer<Tagged<MemberView>> {
    let mut row = find(&app, firm.id(), member).await?;
    condition.check(&ETag::of(&row.value))?;
    let before = row.value.clone();
    let member_id = member;
    let member = &mut row.value;
    if let Some(name) = patch.name {
        member.name = name.into_inner();
    }
    if let Some(address) = patch.address {
        member.address = address.into_inner();
    }
    if let Some(aliases) = patch.aliases {
        member.aliases = read_aliases(aliases)?;
    }
    if let Some(push) = patch.push {
        member.push = push.map(Into::into);
    }
    member.connector = patch.connector.unwrap_or(member.connector);
    if (&member.address, member.connector) != (&before.address, before.connector) {
        member.user = account(&app, firm.id(), member.connector, &member.address).await?;
    }
    if let Some(external_id) = patch.external_id {
        row.value.external_id = external_id.map(OwnId::into_inner);
    }
    stored(&row.value, Member::replace(&row, &before, &app.table, app.clock.now()).await)?;
    intake(&app).wake(firm.id(), [member_id].iter()).await?;
    Ok(shown(row.value))
}

/// Deletes a member. The member's mailbox and archived mail stay.
#[utoipa::path(
    delete, path = "/v1/firms/{firm}/members/{member}", tag = "members", operation_id = "delete_member",
    params(IfMatch), responses((status = 204, description = "Deleted"))
)]
pub(super) async fn delete(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(member): Id<MemberId>,
    condition: IfMatch,
) -> Answer<StatusCode> {
    let row = find(&app, firm.id(), member).await?;
    condition.check(&ETag::of(&row.value))?;
    Member::delete(row, (&app.table, &app.feed), app.clock.now()).await?;
    intake(&app).wake(firm.id(), [member].iter()).await?;
    tracing::info!(firm.id = %firm.id(), member.id = %member, "member forgotten");
    Ok(StatusCode::NO_CONTENT)
}

/// Which members.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MembersFilter {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    external_id: Option<ExternalId>,
    /// Only those that this connector reaches.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    connector: Option<ConnectorId>,
    /// Only the one with this address, in any case.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 254, pattern = r"^[^\s@]+@[^\s@]+$")]
    address: Option<SoughtAddress>,
}

/// Lists a firm's members, with what greffe writes to their Outlook.
///
/// With `connector` or `address`, a page may have few or no items although more follow, because one request examines at
/// most 1,000 members. Read pages until `next` is null.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/members", tag = "members", operation_id = "list_members",
    params(MembersFilter, PageQuery), responses((status = 200, body = Page<MemberView>))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Listed { filter, part }: Listed<MembersFilter>,
) -> Answer<Json<Page<MemberView>>> {
    let firm = firm.id();
    let MembersFilter { external_id, connector, address } = filter;
    let is_filtered = connector.is_some() || address.is_some();
    let wanted = is_filtered.then_some(|member: &Member| {
        connector.is_none_or(|connector| connector == member.connector)
            && address.as_ref().is_none_or(|address| address.0 == member.address)
    });
    let Page { items, next } = match &external_id {
        Some(external) => Page::of(known(&app, firm, Some(external)).await?, wanted),
        None => part.read(&app.table, &Key::member_prefix(firm), |id| Key::member(firm, id), wanted).await?,
    };
    Ok(Json(Page { items: items.into_iter().map(MemberView::from).collect(), next }))
}
