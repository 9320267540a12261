//! Subscriptions to change notifications of messages (subscription resource type,
//! outlook-change-notifications-overview).

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::path::segments;
use super::query::Query;
use crate::directory;
use crate::mailbox;
use crate::notify::{self, Subscription};
use crate::time::after;

/// Longest life of a subscription to Outlook items.
const LIFE_MAX: SignedDuration = SignedDuration::from_mins(10_080);
/// Shorter lives are raised to this one.
const LIFE_MIN: SignedDuration = SignedDuration::from_mins(45);
const CLIENT_STATE_CHARS_MAX: usize = 128;
/// Live subscriptions per mailbox over all apps.
const PER_MAILBOX_MAX: usize = 1000;

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(400, "InvalidRequest", message)
}

fn gone() -> Problem {
    Problem::new(404, "ResourceNotFound", "The object was not found.")
}

/// Exchange's own refusal, as Graph wraps it.
fn exchange_refuses(status: u16, reason: &str, why: &str) -> Problem {
    let message = format!("Operation: Create; Exception: [Status Code: {reason}; Reason: {why}]");
    Problem::new(status, "ExtensionError", message)
}

/// Makes a subscription; the endpoint proves itself while the caller waits.
pub(super) async fn create(asked: &Asked<'_>) -> Answer {
    let body = asked.body()?;
    let new = New::read(asked, &body)?;
    let now = asked.world.now();
    let expires = expiration(&body, now)?;
    let target = new.target(asked)?;
    // The endpoint is asked before anything is kept, and twice if it serves both kinds of notices.
    for url in [Some(&new.notification_url), new.lifecycle_url.as_ref()].into_iter().flatten() {
        asked.world.handshake(url).await.map_err(|message| Problem::new(400, "ValidationError", message))?;
    }
    let subscription = Subscription {
        id: asked.world.uuid().to_string(),
        app: asked.caller.app.clone(),
        tenant: asked.caller.tenant.clone(),
        creator: asked.caller.user.clone().unwrap_or_else(|| asked.caller.app.clone()),
        mailbox: target.0,
        folder: target.1,
        resource: new.resource,
        change_type: new.change_type,
        notification_url: new.notification_url,
        lifecycle_url: new.lifecycle_url,
        client_state: new.client_state,
        tls: new.tls,
        immutable_ids: asked.prefer.immutable_ids,
        expires,
    };
    asked.world.store.write(|db| {
        db.execute("DELETE FROM subscriptions WHERE expires_ms <= ?", [now.as_millisecond()])?;
        let live = notify::live(db, &subscription.mailbox, now)?;
        if let Some(twin) = live.iter().find(|known| subscription.is_twin(known)) {
            let message = format!("Subscription Id <{}> already exists for the requested combination", twin.id);
            return Ok(Err(Problem::new(409, "InvalidRequest", message)));
        }
        if live.len() >= PER_MAILBOX_MAX {
            let message = format!("Number of subscriptions per mailbox has reached its limit of {PER_MAILBOX_MAX}.");
            return Ok(Err(Problem::new(403, "Forbidden", message)));
        }
        db.execute(
            "INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                subscription.id,
                subscription.app,
                subscription.tenant,
                subscription.creator,
                subscription.mailbox,
                subscription.folder,
                subscription.resource,
                subscription.change_type,
                subscription.notification_url,
                subscription.lifecycle_url,
                subscription.client_state,
                subscription.tls,
                subscription.immutable_ids,
                subscription.expires.as_millisecond()
            ],
        )?;
        Ok(Ok(()))
    })??;
    let mut shown = json(&subscription);
    shown["@odata.context"] = asked.context("subscriptions/$entity").into();
    shown["clientState"] = subscription.client_state.into();
    Ok(Reply::created(shown))
}

/// The caller's own live subscriptions.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    Query::read(&asked.call.query, &[])?;
    let value = asked.world.store.read(|db| {
        let mut statement = db.prepare_cached(
            "SELECT * FROM subscriptions WHERE app = ? AND tenant = ? AND creator = ? AND expires_ms > ? ORDER BY rowid",
        )?;
        let caller = &asked.caller;
        let creator = caller.user.as_ref().unwrap_or(&caller.app);
        let now = asked.world.now().as_millisecond();
        let rows = statement.query_map(params![caller.app, caller.tenant, creator, now], Subscription::from_row)?;
        Ok(rows.map(|row| row.map(|subscription| json(&subscription))).collect::<rusqlite::Result<Vec<_>>>()?)
    })?;
    Ok(Reply::json(json!({ "@odata.context": asked.context("subscriptions"), "value": value })))
}

pub(super) fn get(asked: &Asked<'_>, id: &str) -> Answer {
    entity(asked, &own(asked, id)?)
}

/// Sets a new end; that is all that can be changed here.
pub(super) fn renew(asked: &Asked<'_>, id: &str) -> Answer {
    let body = asked.body()?;
    if let Some(name) = body.keys().find(|name| *name != "expirationDateTime") {
        return Err(refused(format!("The property '{name}' cannot be updated.")));
    }
    let mut subscription = own(asked, id)?;
    subscription.expires = expiration(&body, asked.world.now())?;
    asked.world.store.write(|db| {
        let expires_ms = subscription.expires.as_millisecond();
        db.execute("UPDATE subscriptions SET expires_ms = ? WHERE id = ?", params![expires_ms, subscription.id])?;
        Ok(())
    })?;
    entity(asked, &subscription)
}

pub(super) fn delete(asked: &Asked<'_>, id: &str) -> Answer {
    let subscription = own(asked, id)?;
    asked.world.store.write(|db| {
        db.execute("DELETE FROM subscriptions WHERE id = ?", [&subscription.id])?;
        Ok(())
    })?;
    Ok(Reply::no_content())
}

/// Proves that the caller may still read; the end stays where it is.
pub(super) fn reauthorize(asked: &Asked<'_>, id: &str) -> Answer {
    own(asked, id)?;
    may_read(asked)?;
    Ok(Reply::no_content())
}

fn own(asked: &Asked<'_>, id: &str) -> Result<Subscription, Problem> {
    let found = asked.world.store.read(|db| {
        Ok(db
            .prepare_cached("SELECT * FROM subscriptions WHERE id = lower(?) AND expires_ms > ?")?
            .query_row(params![id, asked.world.now().as_millisecond()], Subscription::from_row)
            .optional()?)
    })?;
    let caller = &asked.caller;
    let mine = |subscription: &Subscription| {
        subscription.app == caller.app
            && subscription.tenant == caller.tenant
            && subscription.creator == *caller.user.as_ref().unwrap_or(&caller.app)
    };
    found.filter(mine).ok_or_else(gone)
}

fn entity(asked: &Asked<'_>, subscription: &Subscription) -> Answer {
    let mut shown = json(subscription);
    shown["@odata.context"] = asked.context("subscriptions/$entity").into();
    Ok(Reply::json(shown))
}

/// A subscription as Graph shows it later on: the client state is told once, in the answer to POST.
fn json(subscription: &Subscription) -> Value {
    json!({
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.app,
        "changeType": subscription.change_type,
        "clientState": null,
        "notificationUrl": subscription.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": subscription.expires.to_string(),
        "creatorId": subscription.creator,
        "includeResourceData": null,
        "latestSupportedTlsVersion": subscription.tls,
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    })
}

/// Reading is what a subscription needs; permissions to write do not stand in for it (subscription-post-subscriptions).
fn may_read(asked: &Asked<'_>) -> Result<(), Problem> {
    let needed: &[&str] = match asked.caller.user {
        Some(_) => &["Mail.ReadBasic", "Mail.Read"],
        None => &["Mail.ReadBasic.All", "Mail.Read"],
    };
    match asked.caller.has_any(needed) {
        true => Ok(()),
        false => Err(exchange_refuses(403, "Forbidden", "Access is denied. Check credentials and try again.")),
    }
}

fn expiration(body: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, Problem> {
    let wanted = body.get("expirationDateTime").and_then(Value::as_str);
    let wanted: Timestamp = wanted
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| refused("expirationDateTime is required, with an offset."))?;
    if wanted <= now {
        return Err(refused("Subscription expiration must be in the future."));
    }
    if wanted > after(now, LIFE_MAX) {
        return Err(refused("Subscription expiration can only be 10080 minutes in the future."));
    }
    Ok(wanted.max(after(now, LIFE_MIN)))
}

impl Subscription {
    /// Whether another subscription already covers the same changes for the same caller.
    fn is_twin(&self, other: &Self) -> bool {
        let types = |subscription: &Self| {
            let mut types: Vec<_> = subscription.change_type.split(',').map(|kind| kind.trim().to_owned()).collect();
            types.sort();
            types
        };
        (&self.app, &self.creator, &self.mailbox, &self.folder)
            == (&other.app, &other.creator, &other.mailbox, &other.folder)
            && types(self) == types(other)
    }
}

/// A wanted subscription, its form checked.
struct New {
    resource: String,
    change_type: String,
    notification_url: String,
    lifecycle_url: Option<String>,
    client_state: Option<String>,
    tls: String,
}

impl New {
    fn read(asked: &Asked<'_>, body: &Map<String, Value>) -> Result<Self, Problem> {
        const KNOWN: [&str; 7] = [
            "changeType",
            "notificationUrl",
            "lifecycleNotificationUrl",
            "resource",
            "expirationDateTime",
            "clientState",
            "latestSupportedTlsVersion",
        ];
        // Resource data in notices needs an encryption certificate and is no part of this world.
        if let Some(name) = body.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(refused(format!("The property '{name}' is not supported.")));
        }
        may_read(asked)?;
        let text = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(refused(format!("The property '{name}' is a string."))),
        };
        let required = |name: &str| {
            text(name)?
                .filter(|text| !text.is_empty())
                .ok_or_else(|| refused(format!("The property '{name}' is required.")))
        };
        let change_type = required("changeType")?;
        if !change_type.split(',').all(|kind| matches!(kind.trim(), "created" | "updated" | "deleted")) {
            return Err(refused("changeType is a list of created, updated and deleted."));
        }
        let https = |url: String| match url::Url::parse(&url) {
            Ok(parsed) if parsed.scheme() == "https" => Ok(url),
            _ => Err(refused("Notification URLs are absolute and use https.")),
        };
        let client_state = text("clientState")?;
        if client_state.as_ref().is_some_and(|state| state.chars().count() > CLIENT_STATE_CHARS_MAX) {
            return Err(refused("clientState has at most 128 characters."));
        }
        let tls = text("latestSupportedTlsVersion")?.unwrap_or_else(|| "v1_2".to_owned());
        if !matches!(tls.as_str(), "v1_0" | "v1_1" | "v1_2" | "v1_3") {
            return Err(refused("latestSupportedTlsVersion is one of v1_0, v1_1, v1_2 and v1_3."));
        }
        Ok(Self {
            resource: required("resource")?,
            change_type,
            notification_url: https(required("notificationUrl")?)?,
            lifecycle_url: text("lifecycleNotificationUrl")?.map(https).transpose()?,
            client_state,
            tls,
        })
    }

    /// The mailbox and folder that the resource names. A delegated token reaches its own mailbox only, whatever else
    /// was shared with its user (outlook-subscription-notes).
    fn target(&self, asked: &Asked<'_>) -> Result<(String, Option<String>), Problem> {
        let (path, options) = self.resource.split_once('?').unwrap_or((&self.resource, ""));
        Query::read(options, &["select"])?;
        let names = segments(path);
        let lower: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let lower: Vec<_> = lower.iter().map(String::as_str).collect();
        let (owner, rest) = match (lower.as_slice(), &asked.caller.user) {
            (["me", ..], Some(user)) => (user.clone(), 1),
            (["users", _, ..], _) => (names[1].clone(), 2),
            _ => {
                return Err(refused(format!("Resource '{}' is not supported.", self.resource)));
            }
        };
        let folder = match &lower[rest..] {
            ["messages"] => None,
            ["mailfolders", _, "messages"] => Some(&names[rest + 1]),
            _ => {
                return Err(refused(format!("Resource '{}' is not supported.", self.resource)));
            }
        };
        let denied = || exchange_refuses(403, "Forbidden", "Access is denied. Check credentials and try again.");
        let found = asked.world.store.read(|db| {
            let Some(account) = directory::find_account(db, &owner)? else {
                return Ok(None);
            };
            let in_scope = directory::in_scope(db, &asked.caller.app, &account.id)?;
            let folder = match folder {
                Some(name) => Some(mailbox::find_folder(db, &account.id, name)?),
                None => None,
            };
            Ok(Some((account, in_scope, folder)))
        })?;
        let (account, in_scope, folder) = found
            .filter(|(account, ..)| account.tenant == asked.caller.tenant)
            .ok_or_else(|| exchange_refuses(404, "NotFound", "The requested user is invalid."))?;
        match &asked.caller.user {
            Some(user) if *user != account.id => return Err(denied()),
            None if !in_scope => {
                return Err(exchange_refuses(403, "Forbidden", "Access to OData is disabled."));
            }
            _ => {}
        }
        if !account.licensed {
            return Err(exchange_refuses(
                404,
                "NotFound",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            ));
        }
        match folder {
            None => Ok((account.id, None)),
            Some(Some(folder)) => Ok((account.id, Some(folder.id))),
            Some(None) => Err(exchange_refuses(404, "NotFound", "The specified object was not found in the store.")),
        }
    }
}
