//! Change notifications and lifecycle notifications: queued with the change itself, posted by a deliverer, repeated
//! with back-off (change-notifications-delivery-webhooks).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde_json::{Value, json};
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::faults::NoticeFault;
use crate::message::Message;
use crate::time::after;
use crate::traffic::Exchange;
use crate::world::{Microsoft365, World};

/// Notices of one URL that travel in one POST.
const NOTICES_PER_POST_MAX: usize = 20;
/// Endpoints that are posted to at a time.
const POSTS_MAX: usize = 16;
/// Notices looked at in one pass.
const NOTICES_PER_PASS_MAX: usize = 1000;
/// A notice that nobody took within this time is dropped.
const RETRY_MAX: SignedDuration = SignedDuration::from_hours(4);
const BACKOFF_FIRST: SignedDuration = SignedDuration::from_secs(5);
const BACKOFF_MAX: SignedDuration = SignedDuration::from_mins(30);
/// An answer later than this is no answer.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the deliverer looks at a clock that somebody may move by hand.
const PACE: Duration = Duration::from_millis(200);
/// An endpoint's answer is read so far and no further.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What happened to a message, as `changeType` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Updated,
    Deleted,
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// A lifecycle event of a subscription (change-notifications-lifecycle-events).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// The subscription or its token is about to end.
    ReauthorizationRequired,
    /// The subscription is gone; sending this removes it.
    SubscriptionRemoved,
    /// Notices were lost.
    Missed,
}

/// A subscription as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub id: String,
    pub app: String,
    pub tenant: String,
    pub creator: String,
    pub mailbox: String,
    pub folder: Option<String>,
    pub resource: String,
    pub change_type: String,
    pub notification_url: String,
    pub lifecycle_url: Option<String>,
    pub client_state: Option<String>,
    pub tls: String,
    pub immutable_ids: bool,
    pub expires: Timestamp,
}

impl Subscription {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            app: row.get("app")?,
            tenant: row.get("tenant")?,
            creator: row.get("creator")?,
            mailbox: row.get("mailbox")?,
            folder: row.get("folder")?,
            resource: row.get("resource")?,
            change_type: row.get("change_type")?,
            notification_url: row.get("notification_url")?,
            lifecycle_url: row.get("lifecycle_url")?,
            client_state: row.get("client_state")?,
            tls: row.get("tls")?,
            immutable_ids: row.get("immutable_ids")?,
            expires: Timestamp::from_millisecond(row.get("expires_ms")?).unwrap_or_default(),
        })
    }

    pub(crate) fn wants(&self, change: &str) -> bool {
        self.change_type.split(',').any(|wanted| wanted.trim() == change)
    }

    fn envelope(&self) -> Value {
        json!({
            "subscriptionId": self.id,
            "subscriptionExpirationDateTime": self.expires.to_string(),
            "clientState": self.client_state,
            "tenantId": self.tenant,
        })
    }

    fn notice(&self, change: Change, message: &Message) -> Value {
        let id = message.id(self.immutable_ids);
        // The casing of `resource` varies; whoever compares it must not care.
        let resource = if message.seq % 2 == 0 {
            format!("Users/{}/Messages/{id}", self.mailbox)
        } else {
            format!("users/{}/messages/{id}", self.mailbox)
        };
        let mut notice = self.envelope();
        notice["changeType"] = change.name().into();
        notice["resourceData"] = json!({
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": resource,
            "@odata.etag": message.etag(),
            "id": id,
        });
        notice["resource"] = resource.into();
        notice
    }
}

/// The live subscriptions to a mailbox.
pub(crate) fn live(db: &Connection, mailbox: &str, now: Timestamp) -> Result<Vec<Subscription>> {
    let mut statement = db.prepare_cached("SELECT * FROM subscriptions WHERE mailbox = ? AND expires_ms > ?")?;
    let rows = statement.query_map(params![mailbox, now.as_millisecond()], Subscription::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Queues the notices of a change in the transaction of the change. The message is as it was before a deletion and as
/// it is after anything else; its folder decides who hears of it.
pub(crate) fn enqueue(db: &Transaction, world: &World, change: Change, message: &Message) -> Result<()> {
    let now = world.now();
    for subscription in live(db, &message.mailbox, now)? {
        let covered = subscription.folder.as_ref().is_none_or(|folder| *folder == message.folder);
        if !covered || !subscription.wants(change.name()) {
            continue;
        }
        let (copies, due) = match world.faults.next_notice() {
            None => (1, now),
            Some(NoticeFault::Drop) => continue,
            Some(NoticeFault::Duplicate) => (2, now),
            Some(NoticeFault::Delay(delay)) => (1, after(now, delay)),
        };
        let body = subscription.notice(change, message);
        for _ in 0..copies {
            queue(db, &subscription.id, &subscription.notification_url, &body, now, due)?;
        }
    }
    Ok(())
}

fn queue(db: &Transaction, subscription: &str, url: &str, body: &Value, born: Timestamp, due: Timestamp) -> Result<()> {
    db.execute(
        "INSERT INTO notices (subscription, url, body, born_ms, due_ms) VALUES (?, ?, ?, ?, ?)",
        params![subscription, url, body.to_string(), born.as_millisecond(), due.as_millisecond()],
    )?;
    Ok(())
}

/// Notices that travel together.
struct Post {
    url: String,
    notices: Vec<Notice>,
}

struct Notice {
    row: i64,
    subscription: String,
    body: Value,
    born: Timestamp,
    attempts: u32,
}

impl World {
    /// Where a public URL is reached on this machine: a listed origin, or plain HTTP on a loopback host.
    pub(crate) fn reach(&self, public: &str) -> String {
        for (origin, listener) in &self.routes {
            if let Some(rest) = public.strip_prefix(origin.as_str())
                && (rest.is_empty() || rest.starts_with(['/', '?']))
            {
                return format!("{}{rest}", listener.trim_end_matches('/'));
            }
        }
        let loopback = Url::parse(public).is_ok_and(|url| match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        });
        match public.strip_prefix("https://") {
            Some(rest) if loopback => format!("http://{rest}"),
            _ => public.to_owned(),
        }
    }

    /// Posts to a subscriber and logs the exchange; returns status, content type and the start of the body.
    async fn post(
        &self,
        url: &str,
        content_type: &str,
        body: Value,
        timeout: Duration,
    ) -> Option<(u16, String, Bytes)> {
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.http.post(self.reach(url)).header("content-type", content_type).body(bytes);
        let exchange = async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let mut answer = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                answer.extend_from_slice(&chunk.ok()?);
                if answer.len() > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Some((status, headers, Bytes::from(answer)))
        };
        let (status, headers, answer) = tokio::time::timeout(timeout, exchange).await.ok().flatten()?;
        let mut request_headers = HeaderMap::new();
        if let Ok(value) = content_type.parse() {
            request_headers.insert(http::header::CONTENT_TYPE, value);
        }
        self.traffic.record(Exchange {
            webhook: true,
            method: "POST",
            url,
            request_headers: &request_headers,
            request_body: body,
            status,
            response_headers: &headers,
            response_body: match answer.is_empty() {
                true => Value::Null,
                false => String::from_utf8_lossy(&answer).into(),
            },
            time: self.now(),
        });
        let kind = headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Some((status, kind.unwrap_or_default().to_owned(), answer))
    }

    /// Proves that an endpoint wants notices: it must echo the decoded token as plain text with 200, in time.
    /// Source: change-notifications-delivery-notificationurl-validation. Errors: Graph's message.
    pub(crate) async fn handshake(&self, url: &str) -> Result<(), &'static str> {
        // The token holds what a careless decoder gets wrong: spaces, `+`, `&`, `/` and `=`.
        let token = format!(
            "Validation: Testing client application reachability for subscription Request-Id: {} +/&<>=",
            self.uuid()
        );
        let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}validationToken={encoded}");
        let answer = self.post(&url, "text/plain; charset=utf-8", Value::Null, self.handshake_timeout).await;
        match answer {
            None => Err("Subscription validation request timed out."),
            Some((200, kind, body))
                if kind.to_ascii_lowercase().starts_with("text/plain") && body == token.as_bytes() =>
            {
                Ok(())
            }
            Some(_) => Err(
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.",
            ),
        }
    }

    fn due(&self) -> Result<Vec<Post>> {
        let now = self.now();
        self.store.write(|db| {
            // Expired and deleted subscriptions send nothing; lifecycle notices stand for themselves.
            db.execute(
                "DELETE FROM notices WHERE subscription <> '' AND NOT EXISTS
                    (SELECT 1 FROM subscriptions WHERE id = notices.subscription AND expires_ms > ?)",
                [now.as_millisecond()],
            )?;
            let mut statement = db.prepare_cached("SELECT * FROM notices WHERE due_ms <= ? ORDER BY id LIMIT ?")?;
            let mut rows = statement.query(params![now.as_millisecond(), NOTICES_PER_PASS_MAX])?;
            let mut open = BTreeMap::<String, Vec<Notice>>::new();
            let mut posts = Vec::new();
            while let Some(row) = rows.next()? {
                let (url, body): (String, String) = (row.get("url")?, row.get("body")?);
                let notices = open.entry(url.clone()).or_default();
                notices.push(Notice {
                    row: row.get("id")?,
                    subscription: row.get("subscription")?,
                    body: serde_json::from_str(&body).map_err(|error| Error::Damaged("notice", error))?,
                    born: Timestamp::from_millisecond(row.get("born_ms")?).unwrap_or_default(),
                    attempts: row.get("attempts")?,
                });
                if notices.len() == NOTICES_PER_POST_MAX {
                    let notices = std::mem::take(notices);
                    posts.push(Post { url, notices });
                }
            }
            let rest = open.into_iter().filter(|(_, notices)| !notices.is_empty());
            posts.extend(rest.map(|(url, notices)| Post { url, notices }));
            Ok(posts)
        })
    }

    async fn deliver(&self, Post { url, notices }: Post) -> Result<usize> {
        let value: Vec<_> = notices.iter().map(|notice| notice.body.clone()).collect();
        let answer = self.post(&url, "application/json; charset=utf-8", json!({ "value": value }), POST_TIMEOUT).await;
        let taken = answer.is_some_and(|(status, ..)| (200..300).contains(&status));
        self.traffic.count(|counts| counts.notices += notices.len() as u64);
        let now = self.now();
        self.store.write(|db| {
            for notice in &notices {
                let wait = BACKOFF_FIRST.saturating_mul(1 << notice.attempts.min(16)).min(BACKOFF_MAX);
                if taken || now.duration_since(notice.born) + wait > RETRY_MAX {
                    db.execute("DELETE FROM notices WHERE id = ?", [notice.row])?;
                } else {
                    db.execute(
                        "UPDATE notices SET attempts = attempts + 1, due_ms = ? WHERE id = ?",
                        params![after(now, wait).as_millisecond(), notice.row],
                    )?;
                }
            }
            Ok(())
        })?;
        if !taken {
            let subscription = notices.first().map(|notice| notice.subscription.as_str());
            tracing::debug!(subscription, "notices not taken, to be repeated");
        }
        Ok(if taken { notices.len() } else { 0 })
    }
}

impl Microsoft365 {
    /// Posts every notice that is due now, once, and returns how many were taken. [`Microsoft365::serve`] does so by
    /// itself; a test that does not serve calls this.
    pub async fn deliver_notices(&self) -> Result<usize> {
        let _turn = self.0.delivering.lock().await;
        let due = self.0.due()?;
        let taken: Vec<_> =
            futures::stream::iter(due).map(|post| self.0.deliver(post)).buffer_unordered(POSTS_MAX).collect().await;
        taken.into_iter().sum()
    }

    pub(crate) async fn deliver_for_ever(&self) {
        loop {
            if let Err(error) = self.deliver_notices().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "notices not delivered");
            }
            // Either something changed or the clock may have moved; both end the wait.
            tokio::time::timeout(PACE, self.0.changed.notified()).await.ok();
        }
    }

    /// Notices that wait for their time or for a repetition.
    pub fn notices_waiting(&self) -> Result<u64> {
        self.store().read(|db| Ok(db.query_row("SELECT count(*) FROM notices", [], |row| row.get(0))?))
    }

    /// Sends a lifecycle notice, if the subscription has a URL for them.
    pub fn send_lifecycle(&self, subscription: &str, event: Lifecycle) -> Result<()> {
        let now = self.now();
        self.store().write(|db| {
            let subscription = db
                .query_row("SELECT * FROM subscriptions WHERE id = ?", [subscription], Subscription::from_row)
                .optional()?
                .ok_or_else(|| Error::unknown("subscription", subscription))?;
            let mut body = subscription.envelope();
            body["lifecycleEvent"] = match event {
                Lifecycle::ReauthorizationRequired => "reauthorizationRequired",
                Lifecycle::SubscriptionRemoved => "subscriptionRemoved",
                Lifecycle::Missed => "missed",
            }
            .into();
            if event == Lifecycle::SubscriptionRemoved {
                db.execute("DELETE FROM subscriptions WHERE id = ?", [&subscription.id])?;
            }
            match &subscription.lifecycle_url {
                Some(url) => queue(db, "", url, &body, now, now),
                None => Ok(()),
            }
        })?;
        self.0.wake();
        Ok(())
    }
}
