//! Scopes: what may be asked for, in which spelling, and who may agree to it.

use super::request::Refusal;
use crate::world::World;

/// Scopes of OpenID Connect, granted with every sign-in.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Delegated Graph permissions that a user may consent to.
const BY_USERS: [&str; 20] = [
    "User.Read",
    "User.ReadWrite",
    "User.ReadBasic.All",
    "Mail.ReadBasic",
    "Mail.ReadBasic.Shared",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "Mail.Send",
    "MailboxSettings.Read",
    "MailboxSettings.ReadWrite",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
    "Contacts.Read",
    "Contacts.ReadWrite",
    "Tasks.Read",
    "Tasks.ReadWrite",
    "Tasks.ReadWrite.Shared",
];

/// Delegated Graph permissions that only an administrator may consent to.
const BY_ADMINS: [&str; 8] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Group.Read.All",
    "Mail-Advanced.ReadWrite",
];

/// What a request asks for, in proper spelling and without the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scopes {
    pub names: Vec<String>,
    /// The resource as the client spelled it, for the answer.
    pub resource: String,
    /// `.default` was asked for: everything that was consented to.
    pub default: bool,
}

impl Scopes {
    /// Reads a `scope` parameter. Errors: AADSTS70011 for an unknown permission, AADSTS500011 for an unknown resource.
    pub fn read(text: &str, world: &World) -> Result<Self, Refusal> {
        let mut scopes = Self { names: Vec::new(), resource: world.graph.clone(), default: false };
        for asked in text.split_ascii_whitespace() {
            let name = match asked.rsplit_once('/') {
                None => asked,
                Some((resource, name)) => {
                    let resource = resource.trim_end_matches('/');
                    if resource != world.graph && resource != world.origin {
                        let message = format!("The resource principal named {resource} was not found in the tenant.");
                        return Err(Refusal::new(500_011, message));
                    }
                    scopes.resource = resource.to_owned();
                    name
                }
            };
            if name == ".default" {
                scopes.default = true;
                continue;
            }
            let known = OPENID.iter().chain(&BY_USERS).chain(&BY_ADMINS).find(|known| known.eq_ignore_ascii_case(name));
            let message = || {
                format!(
                    "The provided value for the input parameter 'scope' is not valid. The scope {asked} is not valid."
                )
            };
            let known = known.ok_or_else(|| Refusal::new(70011, message()))?;
            if !scopes.names.iter().any(|name| name == known) {
                scopes.names.push((*known).to_owned());
            }
        }
        Ok(scopes)
    }

    /// Whether a personal account has all of it: neither others' mailboxes nor a directory (permissions-reference).
    pub fn suit_personal_accounts(&self) -> bool {
        !self.need_admin() && !self.names.iter().any(|name| name.ends_with(".Shared") || name.ends_with(".All"))
    }

    /// Whether only an administrator may agree to all of it.
    pub fn need_admin(&self) -> bool {
        self.names.iter().any(|name| BY_ADMINS.contains(&name.as_str()))
    }
}

/// Whether a `scope` parameter names a Graph permission without its resource.
pub(super) fn has_bare_names(text: &str) -> bool {
    text.split_ascii_whitespace().any(|asked| !asked.contains('/') && !OPENID.contains(&asked))
}

/// The scopes of a token as the token endpoint names them: Graph's fully qualified, `offline_access` never told.
pub(super) fn told(names: &[String], resource: &str) -> String {
    let told: Vec<String> = names
        .iter()
        .filter(|name| *name != "offline_access")
        .map(|name| match OPENID.contains(&name.as_str()) {
            true => name.clone(),
            false => format!("{resource}/{name}"),
        })
        .collect();
    told.join(" ")
}
