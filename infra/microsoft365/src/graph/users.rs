//! People of the directory and the organisation itself.

use serde_json::{Map, Value, json};

use super::query::{Query, Select, invalid};
use super::{Answer, Asked, Problem, Reply};
use crate::directory::{self, Account};

const PAGE: usize = 100;
const PAGE_MAX: usize = 999;

/// Properties of user that can be selected here; those that this world knows nothing of are null.
const PROPERTIES: [&str; 17] = [
    "id",
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "accountEnabled",
    "userType",
    "proxyAddresses",
    "mailNickname",
    "companyName",
    "department",
];
/// What Graph returns of a user without `$select` (user resource type).
const DEFAULT: usize = 11;

const READ_OTHERS: [&str; 4] = ["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All"];
const READ_SELF: [&str; 2] = ["User.Read", "User.ReadWrite"];

fn denied() -> Problem {
    Problem::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

/// What the directory answers about somebody it does not know.
pub(super) fn not_found(name: &str) -> Problem {
    let message =
        format!("Resource '{name}' does not exist or one of its queried reference-property objects are not present.");
    Problem::new(404, "Request_ResourceNotFound", message)
}

/// One user: the signed-in one with User.Read, any with User.ReadBasic.All.
pub(super) fn get(asked: &Asked<'_>, user: &Account) -> Answer {
    let own = asked.caller.user.as_deref() == Some(user.id.as_str());
    let allowed = asked.caller.has_any(&READ_OTHERS) || own && asked.caller.has_any(&READ_SELF);
    if !allowed {
        return Err(denied());
    }
    let query = Query::read(&asked.call.query, &["select"])?;
    let mut shown = json(user, &query.select(&PROPERTIES)?);
    shown["@odata.context"] = asked.context("users/$entity").into();
    Ok(Reply::json(shown))
}

/// All accounts of the tenant, shared mailboxes among them.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    if !asked.caller.has_any(&READ_OTHERS) {
        return Err(denied());
    }
    let query = Query::read(&asked.call.query, &["select", "top", "skiptoken", "filter"])?;
    let select = query.select(&PROPERTIES)?;
    let top = query.number("top", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let mut accounts = asked.world.store.read(|db| directory::accounts(db, Some(&asked.caller.tenant)))?;
    if let Some(filter) = query.get("filter") {
        let wanted = ["mail eq '", "userPrincipalName eq '"].iter().find_map(|start| filter.trim().strip_prefix(start));
        let wanted = wanted.and_then(|rest| rest.strip_suffix('\''));
        let wanted = wanted.ok_or_else(|| invalid(format!("Unsupported filter: {filter}")))?;
        accounts.retain(|account| account.address.eq_ignore_ascii_case(wanted));
    }
    // The skip token is the last address of the page before; to clients it is opaque.
    if let Some(after) = query.get("skiptoken") {
        let last = hex::decode(after).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let last = last.ok_or_else(|| invalid("Invalid skip token.".to_owned()))?;
        accounts.retain(|account| account.address > last);
    }
    let more = accounts.len() > top;
    accounts.truncate(top);
    let mut page = json!({
        "@odata.context": asked.context("users"),
        "value": accounts.iter().map(|account| json(account, &select)).collect::<Vec<_>>(),
    });
    if let Some(last) = accounts.last().filter(|_| more) {
        let options = query.replaced("skiptoken", &hex::encode(&last.address));
        page["@odata.nextLink"] = format!("{}/v1.0/users?{options}", asked.world.origin).into();
    }
    Ok(Reply::json(page))
}

/// The tenant. With User.Read or User.Read.All only id, name and domains are told (organization-list, permission table).
pub(super) fn organization(asked: &Asked<'_>) -> Answer {
    let full = asked.caller.has_any(&["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All"]);
    let reduced =
        asked.caller.has_any(&["User.Read.All"]) || asked.caller.user.is_some() && asked.caller.has_any(&["User.Read"]);
    if !full && !reduced || asked.caller.tenant == directory::CONSUMERS {
        return Err(denied());
    }
    let query = Query::read(&asked.call.query, &["select"])?;
    let select = query.select(&["id", "displayName", "verifiedDomains", "tenantType", "preferredLanguage"])?;
    let tenant = asked.world.store.read(|db| directory::find_tenant(db, &asked.caller.tenant))?;
    let tenant = tenant.ok_or_else(|| not_found(&asked.caller.tenant))?;
    let domains = asked.world.store.read(|db| directory::verified_domains(db, &tenant))?;
    let domains: Vec<Value> = domains
        .iter()
        .map(|name| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": *name == tenant.domain,
                "isInitial": false,
                "name": name,
                "type": "Managed",
            })
        })
        .collect();
    let mut shown = Map::from_iter([
        ("id".to_owned(), json!(tenant.id)),
        ("displayName".to_owned(), json!(tenant.name)),
        ("verifiedDomains".to_owned(), json!(domains)),
    ]);
    if full {
        shown.insert("tenantType".to_owned(), json!("AAD"));
        shown.insert("preferredLanguage".to_owned(), Value::Null);
    }
    select.keep(&mut shown);
    Ok(Reply::json(json!({ "@odata.context": asked.context("organization"), "value": [shown] })))
}

fn json(account: &Account, select: &Select) -> Value {
    let (given, family) = account.name.rsplit_once(' ').unwrap_or((&account.name, ""));
    let mail = account.licensed.then_some(&account.address);
    let mut shown = Map::new();
    for (at, name) in PROPERTIES.into_iter().enumerate() {
        if at >= DEFAULT && !select.names(name) {
            continue;
        }
        let value = match name {
            "id" => json!(account.id),
            "displayName" => json!(account.name),
            "givenName" => json!(given),
            "surname" => json!(family),
            // Without a licence there is no mail address.
            "mail" => json!(mail),
            "userPrincipalName" => json!(account.address),
            "accountEnabled" => json!(account.enabled && !account.shared),
            "userType" => json!("Member"),
            "mailNickname" => json!(account.address.split('@').next()),
            "proxyAddresses" => json!(mail.map(|mail| format!("SMTP:{mail}")).into_iter().collect::<Vec<_>>()),
            "businessPhones" => json!([]),
            _ => Value::Null,
        };
        shown.insert(name.to_owned(), value);
    }
    select.keep(&mut shown);
    shown.into()
}
