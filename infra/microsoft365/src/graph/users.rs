//! People of the directory and the organisation itself.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::{Query, Select, invalid};
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
    let addresses = asked.world.store.read(|db| directory::addresses(db, user))?;
    let mut shown = json(user, &addresses, &query.select(&PROPERTIES)?);
    shown["@odata.context"] = asked.context("users/$entity").into();
    Ok(Reply::json(shown))
}

/// What a filter asks of an account: one comparison, or several joined by `or`. These properties take `eq` in the plain
/// index and in the advanced one alike (aad-advanced-queries). A quotation mark within a text is doubled.
enum Equals {
    Mail(String),
    SignInName(String),
    Proxy(String),
}

impl Equals {
    fn read(filter: &str) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        let mut rest = filter.trim();
        loop {
            let (make, closing, after): (fn(String) -> Self, &str, &str) = None
                .or_else(|| Some((Self::Mail as fn(String) -> Self, "'", rest.strip_prefix("mail eq '")?)))
                .or_else(|| Some((Self::SignInName as _, "'", rest.strip_prefix("userPrincipalName eq '")?)))
                .or_else(|| {
                    let (variable, after) = rest.strip_prefix("proxyAddresses/any(")?.split_once(':')?;
                    Some((Self::Proxy as _, "')", after.strip_prefix(variable)?.strip_prefix(" eq '")?))
                })?;
            let mut text = String::new();
            let mut after = after;
            rest = loop {
                let (before, behind) = after.split_once('\'')?;
                text.push_str(before);
                match behind.strip_prefix('\'') {
                    Some(behind) => {
                        text.push('\'');
                        after = behind;
                    }
                    None => break behind.strip_prefix(&closing[1..])?,
                }
            };
            all.push(make(text));
            match rest.trim_start() {
                "" => return Some(all),
                more => rest = more.strip_prefix("or ")?.trim_start(),
            }
        }
    }

    fn is(&self, account: &Account, addresses: &[String]) -> bool {
        let mail = addresses.first().filter(|_| account.licensed);
        match self {
            Self::Mail(text) => mail.is_some_and(|mail| mail.eq_ignore_ascii_case(text)),
            Self::SignInName(text) => account.address.eq_ignore_ascii_case(text),
            Self::Proxy(text) => proxies(account, addresses).iter().any(|proxy| proxy.eq_ignore_ascii_case(text)),
        }
    }
}

/// All that mail may be sent to, the main address in capitals (user resource type, proxyAddresses).
fn proxies(account: &Account, addresses: &[String]) -> Vec<String> {
    let kind = |i: usize| if i == 0 { "SMTP" } else { "smtp" };
    let all = addresses.iter().enumerate().map(|(i, address)| format!("{}:{address}", kind(i)));
    all.filter(|_| account.licensed).collect()
}

/// All accounts of the tenant, shared mailboxes among them.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    if !asked.caller.has_any(&READ_OTHERS) {
        return Err(denied());
    }
    let query = Query::read(&asked.call.query, &["select", "top", "skiptoken", "filter", "count"])?;
    let select = query.select(&PROPERTIES)?;
    let top = query.number("top", 1, PAGE_MAX)?.unwrap_or(PAGE);
    let mut accounts = asked.world.store.read(|db| {
        let accounts = directory::accounts(db, Some(&asked.caller.tenant))?;
        accounts
            .into_iter()
            .map(|account| Ok((directory::addresses(db, &account)?, account)))
            .collect::<crate::Result<Vec<_>>>()
    })?;
    if let Some(filter) = query.get("filter") {
        let wanted = Equals::read(filter).ok_or_else(|| invalid(format!("Unsupported filter: {filter}")))?;
        accounts.retain(|(addresses, account)| wanted.iter().any(|wanted| wanted.is(account, addresses)));
    }
    // Only the advanced index counts.
    let advanced = asked.call.headers.get("consistencylevel").is_some_and(|level| level == "eventual");
    let count = (query.get("count") == Some("true") && advanced).then_some(accounts.len());
    // The skip token is the last address of the page before; to clients it is opaque.
    if let Some(after) = query.get("skiptoken") {
        let last = hex::decode(after).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let last = last.ok_or_else(|| invalid("Invalid skip token.".to_owned()))?;
        accounts.retain(|(_, account)| account.address > last);
    }
    let more = accounts.len() > top;
    accounts.truncate(top);
    let mut page = json!({
        "@odata.context": asked.context("users"),
        "value": accounts.iter().map(|(addresses, account)| json(account, addresses, &select)).collect::<Vec<_>>(),
    });
    if let Some(count) = count {
        page["@odata.count"] = count.into();
    }
    if let Some((_, last)) = accounts.last().filter(|_| more) {
        let options = query.replaced("skiptoken", &hex::encode(&last.address));
        page["@odata.nextLink"] = format!("{}/v1.0/users?{options}", asked.world.origin).into();
    }
    Ok(Reply::json(page))
}

/// The tenant. With User.Read or User.Read.All only id, name and domains are told (organization-list, permission
/// table).
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

fn json(account: &Account, addresses: &[String], select: &Select) -> Value {
    let (given, family) = account.name.rsplit_once(' ').unwrap_or((&account.name, ""));
    let mail = addresses.first().filter(|_| account.licensed);
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
            "proxyAddresses" => json!(proxies(account, addresses)),
            "businessPhones" => json!([]),
            _ => Value::Null,
        };
        shown.insert(name.to_owned(), value);
    }
    select.keep(&mut shown);
    shown.into()
}
