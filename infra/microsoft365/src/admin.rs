//! A page for whoever tries things out: what people, administrators and mishaps do to the simulated tenants, by a
//! button or by `curl -d do=disable -d address=ada@lumen.example …/admin`. A mail of one's own comes by a form, or by
//! `curl --data-binary @own.eml '…/admin/mail?address=ada@lumen.example'`. Microsoft has no such page; nothing under
//! test asks for it.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Deserializer};

use crate::directory::{self, Account, App, DirectoryRole, GroupMembershipClaims, Tenant};
use crate::entra::page::{escape, html_with};
use crate::error::{Error, Result};
use crate::faults::{NoticeFault, RetryAfter, Scripted, Times};
use crate::mime::Mail;
use crate::words::ENGLISH;
use crate::world::{Microsoft365, World};

/// The largest mail that a file delivers: what Exchange takes at most.
const MAIL_BYTES_MAX: usize = 150 << 20;

pub(crate) fn router(world: Arc<World>) -> Router {
    let mail = post(deliver).layer(DefaultBodyLimit::max(MAIL_BYTES_MAX));
    Router::new().route("/admin", get(show).post(act)).route("/admin/mail", mail).with_state(world)
}

/// What can be done. `address` is an account's, `app` a client id.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Deed {
    /// A person with a mailbox; one of `outlook.com` has a personal account.
    AddUser {
        address: String,
    },
    /// A mailbox that `user` may open.
    AddSharedMailbox {
        address: String,
        user: String,
    },
    /// Global Administrator, active.
    MakeAdministrator {
        address: String,
    },
    /// Global Administrator once it is activated, which `make_administrator` does.
    MakeEligible {
        address: String,
    },
    /// Neither any more.
    TakeRole {
        address: String,
    },
    /// One more domain of the organisation of `address`.
    VerifyDomain {
        address: String,
        domain: String,
    },
    /// The app's id tokens name directory roles (`groupMembershipClaims`: `DirectoryRole`), or do not.
    TellRoles {
        app: String,
    },
    HideRoles {
        app: String,
    },
    Disable {
        address: String,
    },
    Enable {
        address: String,
    },
    RemoveUser {
        address: String,
    },
    TakeLicence {
        address: String,
    },
    GiveLicence {
        address: String,
    },
    /// All sessions are revoked: the person has to sign in again.
    SignOut {
        address: String,
    },
    /// The organisation of `address` takes back what it consented to.
    WithdrawConsent {
        app: String,
        address: String,
    },
    /// Only administrators may consent in the organisation of `address`.
    ForbidUserConsent {
        address: String,
    },
    AllowUserConsent {
        address: String,
    },
    /// The app reaches this mailbox and no others by organisation-wide access.
    Restrict {
        app: String,
        address: String,
    },
    Unrestrict {
        app: String,
        address: String,
    },
    /// A firm's own registration, in the organisation of `address`, with the permissions that the first one has.
    RegisterApp {
        app: String,
        secret: String,
        address: String,
    },
    /// All secrets of the app end now; then it gets `secret`, if that is given.
    ExpireSecrets {
        app: String,
        #[serde(default)]
        secret: String,
    },
    /// A new secret, beside those that there are.
    AddSecret {
        app: String,
        secret: String,
    },
    /// The registration asks for one more application permission; whoever administers consents anew.
    AddPermission {
        app: String,
        permission: String,
    },
    RemovePermission {
        app: String,
        permission: String,
    },
    /// The app becomes one of its own owners: with `Application.ReadWrite.OwnedBy` it may change its own credentials.
    MakeOwner {
        app: String,
    },
    /// Tokens of this issuer for this subject prove the app.
    Trust {
        app: String,
        issuer: String,
        subject: String,
        /// Empty for the audience that Microsoft recommends.
        #[serde(default)]
        audience: String,
    },
    /// The next sign-in ends with this AADSTS number: 50076 and 50079 ask for MFA, 65004 is a refusal.
    FailSignIn {
        #[serde(deserialize_with = "number")]
        code: u32,
    },
    /// Every request for a token ends with this AADSTS number until `repair`.
    FailTokens {
        #[serde(deserialize_with = "number")]
        code: u32,
    },
    /// The next hundred requests to this mailbox are told to wait.
    Throttle {
        address: String,
        #[serde(deserialize_with = "number")]
        seconds: u32,
    },
    /// New mail of this folder can't be read until `repair`: every request for its changes ends with this status.
    FailFolder {
        address: String,
        folder: String,
        #[serde(deserialize_with = "number")]
        status: u16,
    },
    /// Makes the list of a folder's mails fail, which history and comparisons read.
    FailList {
        address: String,
        folder: String,
        #[serde(deserialize_with = "number")]
        status: u16,
    },
    /// The pages of this folder's changes have no end until `repair`.
    EndlessFolder {
        address: String,
        folder: String,
    },
    /// A proxy's page comes in the place of every mail until `repair`.
    GarbleMails,
    /// Notices are lost until `repair`.
    LoseNotices,
    /// Every request takes so long.
    Slow {
        #[serde(deserialize_with = "number")]
        milliseconds: u64,
    },
    ChangeSigningKey,
    /// Nothing that was made to go wrong does so any more. What people and administrators did stays.
    Repair,
    /// A mail of `from`, with this subject, this text (default: the subject), and a text file if it has a name.
    Deliver {
        address: String,
        folder: String,
        from: String,
        subject: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        file: String,
        #[serde(default)]
        file_text: String,
    },
    CreateFolder {
        address: String,
        parent: String,
        name: String,
    },
    MoveMessage {
        address: String,
        message: String,
        folder: String,
    },
    DeleteMessage {
        address: String,
        message: String,
    },
}

/// A form holds text only.
fn number<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(form: D) -> std::result::Result<T, D::Error> {
    String::deserialize(form)?.parse().map_err(serde::de::Error::custom)
}

/// A mail that was filled in on the page. Headers are in UTF-8 as they are (RFC 6532).
fn written([from, to, subject, text]: [&str; 4], (file, file_text): (&str, &str), id: &str) -> String {
    let line = |text: &str| text.replace(['\r', '\n', '"'], " ");
    let [from, to, subject, file] = [from, to, subject, file].map(line);
    let body = if text.is_empty() { &subject } else { text };
    let plain = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let head = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{id}@example.org>\r\nMIME-Version: 1.0\r\n"
    );
    if file.is_empty() {
        return format!("{head}{plain}\r\n{body}\r\n");
    }
    format!(
        "{head}Content-Type: multipart/mixed; boundary=\"{id}\"\r\n\r\n--{id}\r\n{plain}\r\n{body}\r\n--{id}\r\n\
         {plain}Content-Disposition: attachment; filename=\"{file}\"\r\n\r\n{file_text}\r\n--{id}--\r\n"
    )
}

/// Where a mail from a file is delivered.
#[derive(Deserialize)]
struct MailPlace {
    address: String,
    #[serde(default = "inbox")]
    folder: String,
}

fn inbox() -> String {
    "inbox".to_owned()
}

/// Delivers a mail byte for byte: the body of the request, or the one file of a form.
async fn deliver(
    State(world): State<Arc<World>>,
    Query(MailPlace { address, folder }): Query<MailPlace>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).and_then(|kind| {
        let boundary = kind.strip_prefix("multipart/form-data;")?.split_once("boundary=")?.1;
        file_of_form(&body, boundary.trim_matches('"'))
    });
    let mime = form.unwrap_or(&body).to_vec();
    let microsoft = Microsoft365(world);
    let delivered = tokio::task::spawn_blocking(move || {
        let now = microsoft.now();
        microsoft.deliver(&address, &folder, Mail::new(mime, now)).map(drop)
    });
    match delivered.await {
        Ok(Ok(())) => Redirect::to("/admin").into_response(),
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The content of the only part of a form.
fn file_of_form<'b>(body: &'b [u8], boundary: &str) -> Option<&'b [u8]> {
    let begin = body.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let end = format!("\r\n--{boundary}--");
    let end = body.windows(end.len()).rposition(|window| window == end.as_bytes())?;
    body.get(begin..end)
}

async fn act(State(world): State<Arc<World>>, Form(deed): Form<Deed>) -> Response {
    match tokio::task::spawn_blocking(move || deed.carry_out(&Microsoft365(world))).await {
        Ok(Ok(())) => Redirect::to("/admin").into_response(),
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The tenant that an address belongs to.
fn tenant_of(microsoft: &Microsoft365, address: &str) -> Result<Tenant> {
    let (_, domain) = address.split_once('@').ok_or_else(|| Error::unknown("account", address))?;
    microsoft.tenant(domain, domain)
}

impl Deed {
    fn carry_out(self, microsoft: &Microsoft365) -> Result<()> {
        let tenant = |address: &str| tenant_of(microsoft, address);
        let faults = microsoft.faults();
        match self {
            Self::AddUser { address } => tenant(&address)?.add_user(&address, &address).map(drop)?,
            Self::AddSharedMailbox { address, user } => {
                tenant(&address)?.add_shared_mailbox(&address, &address)?;
                tenant(&address)?.grant_full_access(&user, &address)?;
            }
            Self::MakeAdministrator { address } => tenant(&address)?.make_admin(&address)?,
            Self::MakeEligible { address } => {
                tenant(&address)?.make_eligible(&address, DirectoryRole::GlobalAdministrator)?;
            }
            Self::TakeRole { address } => {
                tenant(&address)?.remove_role(&address, DirectoryRole::GlobalAdministrator)?;
            }
            Self::VerifyDomain { address, domain } => tenant(&address)?.verify_domain(&domain)?,
            Self::TellRoles { app } => {
                change(microsoft, &app, |app| app.group_membership_claims = GroupMembershipClaims::DirectoryRole)?;
            }
            Self::HideRoles { app } => {
                change(microsoft, &app, |app| app.group_membership_claims = GroupMembershipClaims::None)?;
            }
            Self::Disable { address } => tenant(&address)?.set_enabled(&address, false)?,
            Self::Enable { address } => tenant(&address)?.set_enabled(&address, true)?,
            Self::RemoveUser { address } => tenant(&address)?.remove_user(&address)?,
            Self::TakeLicence { address } => tenant(&address)?.set_licensed(&address, false)?,
            Self::GiveLicence { address } => tenant(&address)?.set_licensed(&address, true)?,
            Self::SignOut { address } => tenant(&address)?.revoke_sessions(&address)?,
            Self::WithdrawConsent { app, address } => tenant(&address)?.withdraw_consent(&app)?,
            Self::ForbidUserConsent { address } => tenant(&address)?.set_user_consent(false)?,
            Self::AllowUserConsent { address } => tenant(&address)?.set_user_consent(true)?,
            Self::Restrict { app, address } => tenant(&address)?.restrict_app(&app, &[&address])?,
            Self::Unrestrict { app, address } => tenant(&address)?.unrestrict_app(&app)?,
            Self::RegisterApp { app, secret, address } => {
                let first = microsoft.0.apps()?.into_iter().next().ok_or_else(|| Error::unknown("app", "first"))?;
                let redirect = first.redirect_uris.first().cloned().unwrap_or_default();
                let own = App::new(app, secret, redirect).single_tenant(tenant(&address)?.id());
                let App { delegated, application, group_membership_claims, .. } = first;
                microsoft.register_app(App { delegated, application, group_membership_claims, ..own })?;
            }
            Self::ExpireSecrets { app, secret } => change(microsoft, &app, |app| {
                let now = microsoft.now();
                for known in &mut app.client_secrets {
                    known.expires = Some(known.expires.map_or(now, |at| at.min(now)));
                }
                if !secret.is_empty() {
                    app.client_secrets.push(directory::Secret::new(secret.clone(), None));
                }
            })?,
            Self::AddSecret { app, secret } => change(microsoft, &app, |app| {
                app.client_secrets.push(directory::Secret::new(secret, None));
            })?,
            Self::AddPermission { app, permission } => change(microsoft, &app, |app| app.application.push(permission))?,
            Self::MakeOwner { app } => change(microsoft, &app, |app| app.owns_itself = true)?,
            Self::Trust { app, issuer, subject, audience } => change(microsoft, &app, |app| {
                let recommended = || "api://AzureADTokenExchange".to_owned();
                let audience = Some(audience).filter(|audience| !audience.is_empty()).unwrap_or_else(recommended);
                app.federated.push(directory::Federated { issuer, subject, audience, effective: None });
            })?,
            Self::RemovePermission { app, permission } => change(microsoft, &app, |app| {
                app.delegated.retain(|name| *name != permission);
                app.application.retain(|name| *name != permission);
            })?,
            Self::FailSignIn { code } => faults.authorize(code, Times::N(1)),
            Self::FailTokens { code } => faults.token(code, Times::Forever),
            Self::Throttle { address, seconds } => faults.throttle(&address, RetryAfter::Whole(seconds), Times::N(100)),
            Self::FailFolder { address, folder, status } => {
                let folder = microsoft.folder_id(&address, &folder)?;
                faults.answer("message delta", Some(&folder), Scripted::Status(status, None), Times::Forever);
            }
            Self::FailList { address, folder, status } => {
                let folder = microsoft.folder_id(&address, &folder)?;
                faults.answer("messages", Some(&folder), Scripted::Status(status, None), Times::Forever);
            }
            Self::EndlessFolder { address, folder } => {
                let folder = microsoft.folder_id(&address, &folder)?;
                faults.answer("message delta", Some(&folder), Scripted::Endless, Times::Forever);
            }
            Self::GarbleMails => faults.answer("message value", None, Scripted::Garbage, Times::Forever),
            Self::LoseNotices => faults.notices(NoticeFault::Drop, Times::Forever),
            Self::Slow { milliseconds } => faults.latency(Duration::from_millis(milliseconds)),
            Self::ChangeSigningKey => microsoft.rotate_signing_key()?,
            Self::Repair => faults.clear(),
            Self::Deliver { address, folder, from, subject, text, file, file_text } => {
                let id = microsoft.0.uuid();
                let mime = written([&from, &address, &subject, &text], (&file, &file_text), &id.to_string());
                microsoft.deliver(&address, &folder, Mail::new(mime, microsoft.now()))?;
            }
            Self::CreateFolder { address, parent, name } => drop(microsoft.create_folder(&address, &parent, &name)?),
            Self::MoveMessage { address, message, folder } => {
                microsoft.move_message(&address, &message, &folder)?;
            }
            Self::DeleteMessage { address, message } => microsoft.delete_message(&address, &message)?,
        }
        Ok(())
    }
}

fn change(microsoft: &Microsoft365, client_id: &str, how: impl FnOnce(&mut App)) -> Result<()> {
    let mut app = microsoft.app(client_id)?;
    how(&mut app);
    microsoft.register_app(app)
}

async fn show(State(world): State<Arc<World>>) -> Response {
    let read = tokio::task::spawn_blocking(move || {
        let accounts = world.store.read(|db| {
            let accounts = directory::accounts(db, None)?.into_iter();
            let with_right = |account| Ok((directory::may_consent_for_everybody(db, &account, true)?, account));
            accounts.map(with_right).collect::<Result<Vec<_>>>()
        })?;
        Ok::<_, Error>((accounts, world.apps()?))
    })
    .await;
    match read {
        Ok(Ok((accounts, apps))) => {
            html_with(&ENGLISH, StatusCode::OK, ("What happens here", STYLE), &page(&accounts, &apps))
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a field asks for.
fn words(name: &str) -> &str {
    match name {
        "address" => "account",
        "app" => "client id",
        "code" => "AADSTS number",
        "file" => "name of an attached text file",
        "file_text" => "text of that file",
        "folder" => "folder (well-known name or id)",
        "seconds" => "Retry-After in seconds",
        "milliseconds" => "by milliseconds",
        "status" => "with status",
        name => name,
    }
}

/// A button with what it sends, beside fields that a person fills in.
fn form(deed: &str, label: &str, fixed: &[(&str, &str)], fields: &[(&str, &str)]) -> String {
    let hidden: String = [("do", deed)]
        .iter()
        .chain(fixed)
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value)))
        .collect();
    let fields: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<label>{}<br><input name=\"{name}\" value=\"{}\"></label> ", words(name), escape(value))
        })
        .collect();
    format!("<form method=\"post\">{hidden}{fields}<button>{label}</button></form>\n")
}

/// Each deed is a row: its fields, and the button that does it.
const STYLE: &str = "body{max-width:60rem}form{display:inline-flex;flex-wrap:wrap;gap:.4rem .6rem;align-items:flex-end;\
    margin:0 .4rem .4rem 0;max-width:100%}label,input{max-width:100%;box-sizing:border-box}label{font-size:.92rem}\
    h3{padding-top:.8rem;border-top:1px solid light-dark(#d9d6cd,#373a41)}";

fn page(accounts: &[(bool, Account)], apps: &[App]) -> String {
    let mut page = String::from("<h2>Accounts</h2>\n");
    for (administers, account) in accounts {
        let address = account.address.as_str();
        let kind = [
            (account.shared, "shared"),
            (account.guest, "guest"),
            (*administers, "administrator"),
            (!account.enabled, "disabled"),
        ];
        let kind: Vec<&str> = kind.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        let (shown, kind) = (escape(address), kind.join(", "));
        page += &format!("<h3><a href=\"/outlook/{shown}\">{shown}</a> <small>{kind}</small></h3>\n<p>");
        let of = [("address", address)];
        let (able, licence) = (
            if account.enabled { ("disable", "Disable") } else { ("enable", "Enable") },
            if account.licensed { ("take_licence", "Take licence") } else { ("give_licence", "Give licence") },
        );
        for (deed, label) in [
            able,
            licence,
            ("sign_out", "Sign out everywhere"),
            ("make_administrator", "Make administrator"),
            ("make_eligible", "Make eligible only"),
            ("take_role", "Take the role"),
            ("remove_user", "Delete"),
        ] {
            page += &form(deed, label, &of, &[]);
        }
        page += "</p>\n<p>";
        let mail = [
            ("folder", "inbox"),
            ("from", "client@acme.example"),
            ("subject", "A question"),
            ("text", ""),
            ("file", ""),
            ("file_text", ""),
        ];
        page += &form("deliver", "Deliver a mail", &of, &mail);
        page += &format!(
            "</p>\n<form method=\"post\" action=\"/admin/mail?address={shown}\" enctype=\"multipart/form-data\"><label>an \
             .eml file, to the Inbox<br><input type=\"file\" name=\"mail\" required></label> \
             <button>Deliver this file</button></form>\n"
        );
    }
    let somebody = accounts.first().map_or("", |(_, account)| account.address.as_str());
    page += "<p>";
    page += &form("add_user", "Add a person", &[], &[("address", "")]);
    page += "</p>\n<p>";
    page += &form("add_shared_mailbox", "Add a shared mailbox", &[], &[("address", ""), ("user", somebody)]);
    page += "</p>\n<h2>Apps</h2>\n";
    for app in apps {
        let (id, of) = (app.client_id.as_str(), [("app", app.client_id.as_str())]);
        page += &format!("<h3>{} <small>{}</small></h3>\n", escape(&app.name), escape(id));
        for (deed, label, fields) in [
            ("withdraw_consent", "Withdraw consent", vec![("address", somebody)]),
            ("expire_secrets", "End its secrets", vec![("secret", "")]),
            ("add_secret", "Add a secret", vec![("secret", "")]),
            ("add_permission", "Add permission", vec![("permission", "Application.ReadWrite.OwnedBy")]),
            ("make_owner", "Make it its own owner", vec![]),
            ("trust", "Trust another's word", vec![("issuer", ""), ("subject", ""), ("audience", "")]),
            ("remove_permission", "Remove permission", vec![("permission", "Mail.ReadWrite")]),
            ("restrict", "Restrict to", vec![("address", somebody)]),
            ("unrestrict", "Unrestrict", vec![("address", somebody)]),
            ("tell_roles", "Name directory roles in id tokens", vec![]),
            ("hide_roles", "Name no roles", vec![]),
        ] {
            page += &format!("<p>{}</p>\n", form(deed, label, &of, &fields));
        }
    }
    page += "<h2>Faults</h2>\n";
    let folder = || vec![("address", somebody), ("folder", "inbox"), ("status", "503")];
    for (deed, label, fields) in [
        ("fail_sign_in", "The next sign-in ends with AADSTS…", vec![("code", "50079")]),
        ("fail_tokens", "Tokens are refused with AADSTS…", vec![("code", "7000222")]),
        ("throttle", "Refuse the next 100 requests with 429", vec![("address", somebody), ("seconds", "10")]),
        ("fail_folder", "Refuse to read a folder's new mail", folder()),
        ("fail_list", "Refuse to list a folder's mails", folder()),
        ("endless_folder", "Give a folder pages without an end", vec![("address", somebody), ("folder", "inbox")]),
        ("garble_mails", "Send a proxy's page in place of mails", vec![]),
        ("lose_notices", "Lose all notices", vec![]),
        ("slow", "Delay every answer", vec![("milliseconds", "100")]),
        ("change_signing_key", "Change the signing key", vec![]),
        ("repair", "End all faults", vec![]),
    ] {
        page += &format!("<p>{}</p>\n", form(deed, label, &[], &fields));
    }
    page
}
