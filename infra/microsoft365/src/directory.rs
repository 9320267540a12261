//! Entra's directory: tenants, their people and shared mailboxes, app registrations and what was consented to.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mailbox::{self, Language};
use crate::world::{Microsoft365, World};

/// The tenant that all personal accounts belong to (id-token-claims-reference).
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A client secret of an app registration.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret {
    /// What the client sends.
    pub value: String,
    /// From then on the token endpoint answers AADSTS7000222.
    pub expires: Option<Timestamp>,
    /// Its name in the list of credentials.
    pub name: Option<String>,
    /// Until then the token endpoint does not know it yet: AADSTS7000215.
    pub effective: Option<Timestamp>,
}

impl Secret {
    /// A secret without a name, known everywhere.
    pub fn new(value: impl Into<String>, expires: Option<Timestamp>) -> Self {
        Self { value: value.into(), expires, name: None, effective: None }
    }
}

/// A certificate of an app registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Certificate {
    /// Its id.
    pub key_id: Uuid,
    /// X.509 in base64.
    pub key: String,
    /// When it ends, as it says itself.
    pub expires: Timestamp,
    /// Its name in the list of credentials.
    pub name: Option<String>,
    /// Until then the token endpoint does not know it yet: AADSTS700027.
    pub effective: Option<Timestamp>,
}

/// A federated identity credential: whose tokens stand for the app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Federated {
    /// The issuer, to the letter.
    pub issuer: String,
    /// The subject, to the letter.
    pub subject: String,
    /// The audience: one value, to the letter.
    pub audience: String,
    /// Until then the token endpoint does not know it yet: AADSTS70021.
    pub effective: Option<Timestamp>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(redacted, expires {:?})", self.expires)
    }
}

/// Whose accounts may use an app registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Accounts of one tenant, by its id: `/common` is refused with AADSTS50194.
    Tenant(Uuid),
    /// Accounts of any organisation.
    Organizations,
    /// Accounts of any organisation, and personal ones.
    OrganizationsAndPersonal,
}

/// Which memberships an app's tokens name, as `groupMembershipClaims` of the manifest has it. Of groups this world
/// knows none.
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-app-manifest>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupMembershipClaims {
    /// None: a registration begins so.
    #[default]
    None,
    /// Groups only.
    SecurityGroup,
    /// Directory roles, in the claim `wids`.
    DirectoryRole,
    /// Both.
    All,
}

/// A role of the directory that this world gives a meaning to.
/// Source: <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryRole {
    /// Global Administrator: may consent to everything.
    GlobalAdministrator,
    /// Privileged Role Administrator: may consent to everything, too.
    PrivilegedRoleAdministrator,
    /// Application Administrator: may consent for everybody, but not to application permissions of Graph.
    ApplicationAdministrator,
    /// Cloud Application Administrator: the same.
    CloudApplicationAdministrator,
    /// User Administrator: may consent no more than anybody.
    UserAdministrator,
}

impl DirectoryRole {
    const ALL: [Self; 5] = [
        Self::GlobalAdministrator,
        Self::PrivilegedRoleAdministrator,
        Self::ApplicationAdministrator,
        Self::CloudApplicationAdministrator,
        Self::UserAdministrator,
    ];

    /// The id of the role's template, the same in every tenant: what stands in `wids`.
    pub const fn template_id(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "62e90394-69f5-4237-9190-012177145e10",
            Self::PrivilegedRoleAdministrator => "e8611ab8-c189-46e8-94e1-60213ab1f814",
            Self::ApplicationAdministrator => "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            Self::CloudApplicationAdministrator => "158c047a-c907-4556-b7ef-446551a6b5f7",
            Self::UserAdministrator => "fe930be7-5e62-47db-91af-98c3a49a38b1",
        }
    }

    /// Whether it may consent to application permissions of Graph (grant-admin-consent, prerequisites).
    fn grants_application_permissions(self) -> bool {
        matches!(self, Self::GlobalAdministrator | Self::PrivilegedRoleAdministrator)
    }

    /// Whether it may consent to delegated permissions for everybody.
    fn grants_delegated_permissions(self) -> bool {
        self.grants_application_permissions()
            || matches!(self, Self::ApplicationAdministrator | Self::CloudApplicationAdministrator)
    }
}

/// What `wids` names beside the roles that were given: every member's own, and a guest's.
const MEMBER_ROLE: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const GUEST_ROLE: &str = "10dae51f-b6af-4016-8d66-8c2a99b929b3";

/// An app registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// Name on the consent page.
    pub name: String,
    /// Secrets; any that has not expired is accepted, as during a rotation.
    pub client_secrets: Vec<Secret>,
    /// Redirect URIs of platform Web, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Whose accounts may use it.
    pub audience: Audience,
    /// Delegated Graph permissions listed in the registration: what admin consent grants for everybody.
    pub delegated: Vec<String>,
    /// Application Graph permissions listed in the registration: what admin consent grants to the app itself.
    pub application: Vec<String>,
    /// Certificates.
    #[serde(default)]
    pub certificates: Vec<Certificate>,
    /// Federated identity credentials.
    #[serde(default)]
    pub federated: Vec<Federated>,
    /// The tenant that a registration for many is made in.
    #[serde(default)]
    pub home: Option<Uuid>,
    /// Whether the app's own service principal is among the owners of the registration.
    #[serde(default)]
    pub owns_itself: bool,
    /// Which memberships its tokens name.
    #[serde(default)]
    pub group_membership_claims: GroupMembershipClaims,
}

impl App {
    /// A multitenant registration with one secret that does not expire.
    pub fn new(client_id: impl Into<String>, secret: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            name: "greffe".to_owned(),
            client_secrets: vec![Secret::new(secret, None)],
            redirect_uris: vec![redirect_uri.into()],
            audience: Audience::Organizations,
            delegated: Vec::new(),
            application: Vec::new(),
            certificates: Vec::new(),
            federated: Vec::new(),
            home: None,
            owns_itself: false,
            group_membership_claims: GroupMembershipClaims::None,
        }
    }

    /// Whether it is registered in this tenant. A registration made in the portal has its service principal there.
    pub(crate) fn is_of(&self, tenant: &str) -> bool {
        let home = match self.audience {
            Audience::Tenant(home) => Some(home),
            Audience::Organizations | Audience::OrganizationsAndPersonal => self.home,
        };
        home.is_some_and(|home| home.to_string() == tenant)
    }

    /// Limits the registration to one tenant.
    pub fn single_tenant(self, tenant: Uuid) -> Self {
        Self { audience: Audience::Tenant(tenant), ..self }
    }

    /// Sets which memberships its tokens name.
    pub fn with_group_membership_claims(self, group_membership_claims: GroupMembershipClaims) -> Self {
        Self { group_membership_claims, ..self }
    }

    /// Allows personal accounts too.
    pub fn with_personal_accounts(self) -> Self {
        Self { audience: Audience::OrganizationsAndPersonal, ..self }
    }

    /// Sets the delegated and application permissions that it lists.
    pub fn with_permissions(self, delegated: &[&str], application: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self { delegated: owned(delegated), application: owned(application), ..self }
    }
}

/// One tenant of the simulated world; a handle that may be cloned.
#[derive(Clone)]
pub struct Tenant {
    pub(crate) world: Microsoft365,
    pub(crate) id: Uuid,
}

impl Tenant {
    /// The tenant's GUID, as in `tid` and in `/organization`.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Adds a person with a mailbox; returns the object id. Adding again changes nothing.
    pub fn add_user(&self, address: &str, display_name: &str) -> Result<Uuid> {
        self.add(address, display_name, false)
    }

    /// Adds a shared mailbox, whose own account cannot sign in. Adding again changes nothing.
    pub fn add_shared_mailbox(&self, address: &str, display_name: &str) -> Result<Uuid> {
        self.add(address, display_name, true)
    }

    /// Gives an account a further address (proxyAddresses). It is no name to sign in with.
    pub fn add_alias(&self, user: &str, alias: &str) -> Result<()> {
        self.put_address(user, alias, false)
    }

    /// Gives an account another mail address than its sign-in name, which stays a further address of its.
    pub fn set_mail(&self, user: &str, mail: &str) -> Result<()> {
        self.put_address(user, mail, true)
    }

    fn put_address(&self, user: &str, address: &str, main: bool) -> Result<()> {
        self.world.store().write(|db| {
            let user = account(db, user)?;
            if main {
                db.execute("UPDATE aliases SET main = 0 WHERE user = ?", [&user.id])?;
            }
            db.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)", params![user.id, address, main])?;
            Ok(())
        })
    }

    /// Gives a user Exchange's Full Access to a mailbox. Granting again changes nothing.
    pub fn grant_full_access(&self, user: &str, mailbox: &str) -> Result<()> {
        self.world.store().write(|db| {
            let (user, mailbox) = (account(db, user)?, account(db, mailbox)?);
            db.execute("INSERT OR IGNORE INTO full_access VALUES (?, ?)", params![user.id, mailbox.id])?;
            Ok(())
        })
    }

    /// Adds somebody of another organisation as a guest; returns the object id that the guest has here. `address` is
    /// what the guest signs in with here, such as `eve_elsewhere.example#EXT#@lumen.example`. Adding again changes
    /// nothing.
    /// Source: <https://learn.microsoft.com/entra/external-id/user-properties>
    pub fn add_guest(&self, address: &str, display_name: &str) -> Result<Uuid> {
        let id = self.add(address, display_name, false)?;
        self.world.store().write(|db| {
            db.execute("INSERT OR IGNORE INTO guests VALUES (?)", [id.to_string()])?;
            Ok(())
        })?;
        Ok(id)
    }

    /// Makes a user Global Administrator.
    pub fn make_admin(&self, address: &str) -> Result<()> {
        self.assign_role(address, DirectoryRole::GlobalAdministrator)
    }

    /// Gives a user a directory role, active from now on.
    pub fn assign_role(&self, address: &str, role: DirectoryRole) -> Result<()> {
        self.put_role(address, role, true)
    }

    /// Makes a user eligible for a role (Privileged Identity Management): it counts for nothing until it is
    /// [activated](Self::assign_role).
    pub fn make_eligible(&self, address: &str, role: DirectoryRole) -> Result<()> {
        self.put_role(address, role, false)
    }

    /// Takes a role away, active or eligible.
    pub fn remove_role(&self, address: &str, role: DirectoryRole) -> Result<()> {
        self.world.store().write(|db| {
            let user = account(db, address)?;
            db.execute("DELETE FROM directory_roles WHERE user = ? AND role = ?", [&user.id, role.template_id()])?;
            Ok(())
        })
    }

    fn put_role(&self, address: &str, role: DirectoryRole, active: bool) -> Result<()> {
        self.world.store().write(|db| {
            let user = account(db, address)?;
            let put = "INSERT OR REPLACE INTO directory_roles VALUES (?, ?, ?)";
            db.execute(put, params![user.id, role.template_id(), active])?;
            Ok(())
        })
    }

    /// Verifies one more domain; `/organization` lists it beside the first.
    pub fn verify_domain(&self, name: &str) -> Result<()> {
        self.world.store().write(|db| {
            db.execute("INSERT OR IGNORE INTO domains VALUES (?, ?)", params![self.id.to_string(), name])?;
            Ok(())
        })
    }

    /// Switches the admin consent workflow on or off (the default): on, who may not consent meets AADSTS90095 in place
    /// of 90094.
    pub fn set_consent_workflow(&self, on: bool) -> Result<()> {
        self.world.store().write(|db| {
            let sql =
                if on { "INSERT OR IGNORE INTO reviewed VALUES (?)" } else { "DELETE FROM reviewed WHERE tenant = ?" };
            db.execute(sql, [self.id.to_string()])?;
            Ok(())
        })
    }

    /// Enables or disables an account: a disabled one gets AADSTS50057 at the next token request.
    pub fn set_enabled(&self, address: &str, enabled: bool) -> Result<()> {
        self.set(address, "UPDATE users SET enabled = ?2 WHERE id = ?1", enabled)
    }

    /// Gives or takes the Exchange licence: without it Graph answers `MailboxNotEnabledForRESTAPI`.
    pub fn set_licensed(&self, address: &str, licensed: bool) -> Result<()> {
        self.set(address, "UPDATE users SET licensed = ?2 WHERE id = ?1", licensed)
    }

    /// Deletes a person: tokens get AADSTS50034, and Graph knows nobody of that name or id.
    pub fn remove_user(&self, address: &str) -> Result<()> {
        self.world.store().write(|db| {
            let user = account(db, address)?;
            for table in ["directory_roles", "guests"] {
                db.execute(&format!("DELETE FROM {table} WHERE user = ?"), [&user.id])?;
            }
            db.execute("DELETE FROM users WHERE id = ?", [user.id])?;
            Ok(())
        })
    }

    /// Renames the well-known folders of a mailbox as Exchange does when its language changes.
    pub fn set_language(&self, address: &str, language: Language) -> Result<()> {
        self.world.store().write(|db| {
            let mailbox = account(db, address)?;
            mailbox::rename_well_known(db, &mailbox.id, language)
        })
    }

    /// Switches user consent on (the default) or off: off, users meet AADSTS90094 and an admin must consent.
    pub fn set_user_consent(&self, allowed: bool) -> Result<()> {
        self.world.store().write(|db| {
            db.execute("UPDATE tenants SET user_consent = ?2 WHERE id = ?1", params![self.id.to_string(), allowed])?;
            Ok(())
        })
    }

    /// Consents for the whole organisation to all that the registration lists, as the admin consent page does.
    pub fn grant_admin_consent(&self, client_id: &str) -> Result<()> {
        let effective = self.world.now();
        self.world.store().write(|db| {
            let app = app(db, client_id)?.ok_or_else(|| Error::unknown("app", client_id))?;
            consent_for_everybody(db, &self.id.to_string(), &app, effective)
        })
    }

    /// Takes back all consent to an app: refreshes get AADSTS65001, client credentials AADSTS700016.
    pub fn withdraw_consent(&self, client_id: &str) -> Result<()> {
        self.world.store().write(|db| {
            let key = params![self.id.to_string(), client_id];
            db.execute("DELETE FROM consents WHERE tenant = ? AND app = ?", key)?;
            db.execute("DELETE FROM roles WHERE tenant = ? AND app = ?", key)?;
            Ok(())
        })
    }

    /// Revokes a user's sessions: refresh tokens get AADSTS50173; access tokens live on to their end.
    pub fn revoke_sessions(&self, address: &str) -> Result<()> {
        self.set(address, "UPDATE refresh_tokens SET revoked = ?2 WHERE user = ?1", true)
    }

    /// Lets an app's application permissions reach every mailbox again.
    pub fn unrestrict_app(&self, client_id: &str) -> Result<()> {
        self.world.store().write(|db| {
            db.execute("DELETE FROM app_scopes WHERE client_id = ?", [client_id])?;
            Ok(())
        })
    }

    /// Limits an app's application permissions to these mailboxes, as an application access policy does.
    pub fn restrict_app(&self, client_id: &str, mailboxes: &[&str]) -> Result<()> {
        self.world.store().write(|db| {
            for mailbox in mailboxes {
                let mailbox = account(db, mailbox)?;
                db.execute("INSERT OR IGNORE INTO app_scopes VALUES (?, ?)", params![client_id, mailbox.id])?;
            }
            Ok(())
        })
    }

    fn set(&self, address: &str, sql: &str, value: bool) -> Result<()> {
        self.world.store().write(|db| {
            let user = account(db, address)?;
            db.execute(sql, params![user.id, value])?;
            Ok(())
        })
    }

    fn add(&self, address: &str, display_name: &str, shared: bool) -> Result<Uuid> {
        self.world.store().write(|db| {
            if let Some(known) = find_account(db, address)? {
                return Ok(known.uuid());
            }
            let id = self.world.0.uuid();
            db.execute(
                "INSERT INTO users (id, tenant, address, name, shared) VALUES (?, ?, ?, ?, ?)",
                params![id.to_string(), self.id.to_string(), address, display_name, shared],
            )?;
            mailbox::create(db, &self.world.0, &id.to_string())?;
            Ok(id)
        })
    }
}

/// One row of the tenants.
#[derive(Debug, Clone)]
pub(crate) struct TenantRow {
    pub id: String,
    pub name: String,
    pub domain: String,
    pub user_consent: bool,
}

/// A person or a shared mailbox; its `id` names the mailbox as well.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub id: String,
    pub tenant: String,
    pub address: String,
    pub name: String,
    pub shared: bool,
    pub guest: bool,
    pub enabled: bool,
    pub licensed: bool,
}

impl Account {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant: row.get("tenant")?,
            address: row.get("address")?,
            name: row.get("name")?,
            shared: row.get("shared")?,
            guest: row.get("guest")?,
            enabled: row.get("enabled")?,
            licensed: row.get("licensed")?,
        })
    }

    /// Whether it is a personal account.
    pub fn is_personal(&self) -> bool {
        self.tenant == CONSUMERS
    }

    fn uuid(&self) -> Uuid {
        // Ids are written by `Tenant::add` only; a nil id would show a foreign hand in the file.
        self.id.parse().unwrap_or_default()
    }
}

impl World {
    /// Returns the tenant of this domain, made now if it is new.
    pub(crate) fn tenant_id(&self, name: &str, domain: &str) -> Result<Uuid> {
        self.store.write(|db| {
            let known: Option<String> = find_tenant(db, domain)?.map(|tenant| tenant.id);
            if let Some(id) = known.and_then(|id| id.parse().ok()) {
                return Ok(id);
            }
            let id = match domain {
                "outlook.com" => Uuid::try_parse(CONSUMERS).unwrap_or_default(),
                _ => self.uuid(),
            };
            db.execute(
                "INSERT INTO tenants (id, name, domain) VALUES (?, ?, ?)",
                params![id.to_string(), name, domain],
            )?;
            Ok(id)
        })
    }

    /// Every app registration, by client id.
    pub(crate) fn apps(&self) -> Result<Vec<App>> {
        self.store.read(|db| {
            let mut statement = db.prepare_cached("SELECT client_id FROM apps ORDER BY client_id")?;
            let ids: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            ids.iter().filter_map(|id| app(db, id).transpose()).collect()
        })
    }

    /// Writes an app registration over an older one of the same client id.
    pub(crate) fn register(&self, app: &App) -> Result<()> {
        self.store.write(|db| put_app(db, app))
    }
}

/// Writes an app registration over an older one of the same client id.
pub(crate) fn put_app(db: &Connection, app: &App) -> Result<()> {
    let body = serde_json::to_string(app).map_err(|error| Error::Damaged("app registration", error))?;
    db.execute("INSERT OR REPLACE INTO apps VALUES (?, ?)", params![app.client_id, body])?;
    Ok(())
}

/// The tenant of this id or domain.
pub(crate) fn find_tenant(db: &Connection, id_or_domain: &str) -> Result<Option<TenantRow>> {
    Ok(db
        .query_row(
            "SELECT id, name, domain, user_consent FROM tenants WHERE id = lower(?1) OR domain = ?1
                 OR id = (SELECT tenant FROM domains WHERE name = ?1)",
            [id_or_domain],
            |row| Ok(TenantRow { id: row.get(0)?, name: row.get(1)?, domain: row.get(2)?, user_consent: row.get(3)? }),
        )
        .optional()?)
}

const ACCOUNTS: &str = "SELECT *, EXISTS (SELECT 1 FROM guests WHERE user = users.id) AS guest FROM users";

/// The account of this object id or address.
pub(crate) fn find_account(db: &Connection, id_or_address: &str) -> Result<Option<Account>> {
    Ok(db
        .query_row(&format!("{ACCOUNTS} WHERE id = lower(?1) OR address = ?1"), [id_or_address], Account::from_row)
        .optional()?)
}

/// The account that has this further address. Exchange takes one in the place of the sign-in name; the directory does
/// not.
/// Source: <https://camerondwyer.com/2023/07/07/microsoft-graph-api-inconsistent-support-for-user-id-upn-and-smtp-address-to-identify-users/>
pub(crate) fn find_mailbox(db: &Connection, address: &str) -> Result<Option<Account>> {
    let by_address = "WHERE id = (SELECT user FROM aliases WHERE address = ?1)";
    Ok(db.query_row(&format!("{ACCOUNTS} {by_address}"), [address], Account::from_row).optional()?)
}

/// The account of this object id or address, which the caller says exists.
pub(crate) fn account(db: &Connection, id_or_address: &str) -> Result<Account> {
    find_account(db, id_or_address)?.ok_or_else(|| Error::unknown("account", id_or_address))
}

/// The accounts of one tenant, or of all, by address.
pub(crate) fn accounts(db: &Connection, tenant: Option<&str>) -> Result<Vec<Account>> {
    let sql = format!("{ACCOUNTS} WHERE ?1 IS NULL OR tenant = ?1 ORDER BY address");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([tenant], Account::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The registration of this client id.
pub(crate) fn app(db: &Connection, client_id: &str) -> Result<Option<App>> {
    let body: Option<String> = db
        .query_row("SELECT body FROM apps WHERE client_id = lower(?1) OR client_id = ?1", [client_id], |row| row.get(0))
        .optional()?;
    body.map(|body| serde_json::from_str(&body).map_err(|error| Error::Damaged("app registration", error))).transpose()
}

/// The ids of the roles that a user holds now, as `wids` lists them: those given and active, and every member's or
/// guest's own.
pub(crate) fn role_ids(db: &Connection, account: &Account) -> Result<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT role FROM directory_roles WHERE user = ? AND active ORDER BY role")?;
    let mut ids: Vec<String> =
        statement.query_map([&account.id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    ids.push(if account.guest { GUEST_ROLE } else { MEMBER_ROLE }.to_owned());
    Ok(ids)
}

fn active_roles(db: &Connection, account: &Account) -> Result<Vec<DirectoryRole>> {
    let ids = role_ids(db, account)?;
    let known = DirectoryRole::ALL.into_iter();
    Ok(known.filter(|role| ids.iter().any(|id| id == role.template_id())).collect())
}

/// Whether this account may consent for everybody to what is asked: application permissions take more than delegated
/// ones.
pub(crate) fn may_consent_for_everybody(db: &Connection, account: &Account, application: bool) -> Result<bool> {
    let may = |role: DirectoryRole| match application {
        true => role.grants_application_permissions(),
        false => role.grants_delegated_permissions(),
    };
    Ok(account.enabled && active_roles(db, account)?.into_iter().any(may))
}

/// The domains that are verified in a tenant, the default one first.
pub(crate) fn verified_domains(db: &Connection, tenant: &TenantRow) -> Result<Vec<String>> {
    let mut statement = db.prepare_cached("SELECT name FROM domains WHERE tenant = ? ORDER BY name")?;
    let rows = statement.query_map([&tenant.id], |row| row.get(0))?;
    let others = rows.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(std::iter::once(tenant.domain.clone()).chain(others).collect())
}

/// What meets somebody who may not consent: an administrator is needed, who in some organisations can be asked from
/// there.
pub(crate) fn consent_refusal(db: &Connection, tenant: &str) -> Result<u32> {
    let reviewed = db.prepare_cached("SELECT 1 FROM reviewed WHERE tenant = ?")?.exists([tenant])?;
    Ok(if reviewed { 90095 } else { 90094 })
}

/// The addresses of an account, the main one first: its `mail`.
pub(crate) fn addresses(db: &Connection, account: &Account) -> Result<Vec<String>> {
    let mut statement = db.prepare_cached("SELECT address FROM aliases WHERE user = ? ORDER BY main DESC, address")?;
    let rows = statement.query_map([&account.id], |row| row.get(0))?;
    let mut all: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    let main = db.prepare_cached("SELECT 1 FROM aliases WHERE user = ? AND main")?.exists([&account.id])?;
    all.insert(usize::from(main), account.address.clone());
    Ok(all)
}

/// Whether a user has Full Access to a mailbox that is not their own.
pub(crate) fn has_full_access(db: &Connection, user: &str, mailbox: &str) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM full_access WHERE user = ? AND mailbox = ?")?.exists([user, mailbox])?)
}

/// Whether an application access policy leaves this mailbox to the app.
pub(crate) fn in_scope(db: &Connection, client_id: &str, mailbox: &str) -> Result<bool> {
    Ok(db.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM app_scopes WHERE client_id = ?1)
             OR EXISTS (SELECT 1 FROM app_scopes WHERE client_id = ?1 AND mailbox = ?2)",
        [client_id, mailbox],
        |row| row.get(0),
    )?)
}

/// Records the scopes a user agreed to.
pub(crate) fn consent(db: &Connection, tenant: &str, app: &str, user: &str, scopes: &[String]) -> Result<()> {
    for scope in scopes {
        db.execute("INSERT OR IGNORE INTO consents VALUES (?, ?, ?, ?)", params![tenant, app, user, scope])?;
    }
    Ok(())
}

/// Records what the registration lists as granted for everybody in the tenant; roles count from `effective` on.
pub(crate) fn consent_for_everybody(db: &Connection, tenant: &str, app: &App, effective: Timestamp) -> Result<()> {
    consent(db, tenant, &app.client_id, "", &app.delegated)?;
    // A registration without delegated permissions still gets its service principal in the tenant.
    consent(db, tenant, &app.client_id, "", &["openid".to_owned()])?;
    for role in &app.application {
        db.execute(
            "INSERT OR IGNORE INTO roles VALUES (?, ?, ?, ?)",
            params![tenant, app.client_id, role, effective.as_millisecond()],
        )?;
    }
    Ok(())
}

/// The scopes that hold for a user: their own consent and the organisation's.
pub(crate) fn consented(db: &Connection, tenant: &str, app: &str, user: &str) -> Result<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT scope FROM consents WHERE tenant = ? AND app = ? AND user IN ('', ?)")?;
    let rows = statement.query_map([tenant, app, user], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The application permissions that already count, or nothing if the app was never consented to in the tenant.
pub(crate) fn effective_roles(db: &Connection, tenant: &str, app: &str, now: Timestamp) -> Result<Option<Vec<String>>> {
    let known = db.prepare_cached("SELECT 1 FROM consents WHERE tenant = ? AND app = ?")?.exists([tenant, app])?;
    if !known {
        return Ok(None);
    }
    let mut statement =
        db.prepare_cached("SELECT role FROM roles WHERE tenant = ? AND app = ? AND effective_ms <= ?")?;
    let rows = statement.query_map(params![tenant, app, now.as_millisecond()], |row| row.get(0))?;
    Ok(Some(rows.collect::<rusqlite::Result<_>>()?))
}
