//! Microsoft Graph v1.0: who calls, what is asked, whether it is allowed, and the answer in Graph's form.

mod answer;
mod applications;
mod batch;
mod calendar;
mod call;
mod categories;
mod contacts;
mod delta;
mod extended;
mod folders;
mod messages;
mod path;
mod query;
mod subscriptions;
pub(crate) mod todo;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use crate::directory::{self, Account};
use crate::faults::Scripted;
use crate::mime::MimeStream;
use crate::throttle::Slot;
use crate::traffic::Exchange;
use crate::world::World;
use answer::{Answer, Content, Problem, Reply};
use call::{Asked, Call, Principal};
use path::{Kind, Owner, Route};
use query::Prefer;

/// Graph refuses larger requests; uploads have sessions of their own.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Graph's paths. Everything below `/v1.0` is one handler, because the parts of a `$batch` take the same way.
pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().route("/v1.0/{*path}", axum::routing::any(entry)).with_state(world)
}

fn nonsense(text: &str, breaks: bool) -> Reply {
    let content = Content::Nonsense { text: text.as_bytes().to_vec(), breaks };
    Reply { is_false: true, ..Reply::new(StatusCode::OK, content) }
}

/// What a script answers in the place of the truth, before anything is done.
fn instead(world: &World, call: &Call, scripted: &Scripted) -> Option<Answer> {
    let here = |query: &str| format!("{}/v1.0{}{query}", world.origin, call.path);
    Some(match scripted {
        Scripted::Status(status, retry_after) => {
            let problem = Problem::scripted(*status);
            Err(match retry_after {
                Some(seconds) => problem.with_header("retry-after", seconds.to_string()),
                None => problem,
            })
        }
        Scripted::Garbage => Ok(nonsense("<html><body>Bad gateway</body></html>", false)),
        Scripted::Half => Ok(nonsense("{\"value\":[{\"id\":\"AA", true)),
        Scripted::Endless => {
            let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
            Ok(Reply::json(json!({ "value": [], "@odata.nextLink": here(&query) })))
        }
        Scripted::Behind => {
            let query = format!("?{}", call.query);
            Ok(Reply::json(json!({ "value": [], "@odata.deltaLink": here(&query) })))
        }
        Scripted::Raw(status, headers, body) => {
            let mut reply = nonsense("", false);
            reply.status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            reply.headers.extend(headers.iter().cloned());
            reply.content = Content::Nonsense { text: body.clone(), breaks: false };
            Ok(reply)
        }
        Scripted::Property(..)
        | Scripted::Text(..)
        | Scripted::Twice
        | Scripted::Header(..)
        | Scripted::Late(_)
        | Scripted::Silent
        | Scripted::Cut
        | Scripted::Done(_) => return None,
    })
}

/// Waits as long as a script has an answer wait.
async fn wait_out(scripted: Option<&Scripted>) {
    match scripted {
        Some(Scripted::Late(time)) => tokio::time::sleep(*time).await,
        Some(Scripted::Silent) => std::future::pending().await,
        _ => {}
    }
}

/// What is answered to a request that was carried out.
async fn afterwards(world: &World, call: &Call, scripted: Scripted, reply: Reply) -> Answer {
    let Scripted::Done(scripted) = scripted else { return Ok(falsified(scripted, reply)) };
    wait_out(Some(&*scripted)).await;
    instead(world, call, &scripted).unwrap_or_else(|| Ok(falsified(*scripted, reply)))
}

/// What a script makes of a true answer.
fn falsified(scripted: Scripted, mut reply: Reply) -> Reply {
    match scripted {
        Scripted::Property(id, name, value) => {
            if let Content::Json(page) = &mut reply.content {
                for entry in page["value"].as_array_mut().into_iter().flatten() {
                    if id.as_deref().is_none_or(|id| entry["id"] == id) {
                        entry[name] = value.clone();
                    }
                }
            }
        }
        Scripted::Text(from, to) => {
            if let Content::Json(body) = &reply.content {
                let text = body.to_string().replace(&from, &to);
                reply.content = match serde_json::from_str(&text) {
                    Ok(body) => Content::Json(body),
                    Err(_) => Content::Nonsense { text: text.into_bytes(), breaks: false },
                };
            }
        }
        Scripted::Twice => {
            if let Content::Json(page) = &mut reply.content
                && let Some(entries) = page["value"].as_array_mut()
            {
                entries.extend(entries.clone());
            }
        }
        Scripted::Header(name, value) => drop(reply.headers.insert(name, value)),
        Scripted::Cut => {
            if let Content::Json(body) = &reply.content {
                let mut text = body.to_string().into_bytes();
                text.truncate(text.len() / 2);
                reply.content = Content::Nonsense { text, breaks: true };
            }
        }
        _ => return reply,
    }
    Reply { is_false: true, ..reply }
}

async fn entry(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        // Nothing of such a request can be told apart or logged.
        return response(Reply::new(StatusCode::PAYLOAD_TOO_LARGE, Content::Empty), HeaderMap::new());
    };
    let call = Call {
        path: parts.uri.path().strip_prefix("/v1.0").unwrap_or_default().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    let mut reply = answer(&world, &call, false).await;
    let headers = answer_headers(&world, &mut reply);
    if world.traffic.is_logging() && !reply.is_false {
        world.traffic.record(Exchange {
            webhook: false,
            method: call.method.as_str(),
            url: &format!("{}{}", world.origin, parts.uri.path_and_query().map_or("", |path| path.as_str())),
            request_headers: &call.headers,
            request_body: logged(&call.body),
            status: reply.status.as_u16(),
            response_headers: &headers,
            response_body: match &reply.content {
                Content::Json(value) => applications::without_secret(batch::without_mime(value)),
                Content::Empty | Content::Stream(_) | Content::Nonsense { .. } => Value::Null,
            },
            time: world.now(),
        });
    }
    response(reply, headers)
}

fn logged(body: &Bytes) -> Value {
    match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
    }
}

fn answer_headers(world: &World, reply: &mut Reply) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &reply.headers {
        if let Ok(value) = value.parse() {
            headers.insert(*name, value);
        }
    }
    let kind = match &reply.content {
        Content::Empty => None,
        Content::Json(_) => {
            Some("application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
        }
        Content::Stream(_) => Some("text/plain"),
        Content::Nonsense { .. } => Some("text/html"),
    };
    if let Some(kind) = kind.and_then(|kind| kind.parse().ok()) {
        headers.insert(CONTENT_TYPE, kind);
    }
    // The injected clock is Graph's clock also in `Date`.
    let date = world.now().to_zoned(jiff::tz::TimeZone::UTC);
    if let Ok(date) = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().parse() {
        headers.insert(http::header::DATE, date);
    }
    headers
}

fn response(reply: Reply, headers: HeaderMap) -> Response {
    let body = match reply.content {
        Content::Empty => Body::empty(),
        Content::Json(value) => Body::from(value.to_string()),
        Content::Stream(stream) => Body::from_stream(holding(stream, reply.slot)),
        Content::Nonsense { text, breaks: false } => Body::from(text),
        Content::Nonsense { text, breaks: true } => {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            Body::from_stream(futures::stream::iter([Ok(Bytes::from(text)), Err(broken)]))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    response
}

/// A body that keeps its place among the running requests until it ends or its reader goes away.
fn holding(stream: MimeStream, slot: Option<Slot>) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream.map(move |chunk| {
        let _held = &slot;
        chunk
    })
}

/// Answers one request, alone or as a part of a batch.
pub(crate) async fn answer(world: &Arc<World>, call: &Call, in_batch: bool) -> Reply {
    let request_id = world.uuid().to_string();
    let client_request_id = call.headers.get("client-request-id").and_then(|value| value.to_str().ok());
    let client_request_id = client_request_id.unwrap_or(&request_id).to_owned();
    let mut reply = match handle(world, call, in_batch).await {
        Ok(reply) => reply,
        Err(problem) => {
            if problem.status == StatusCode::TOO_MANY_REQUESTS {
                world.traffic.count(|counts| counts.throttled += 1);
            }
            problem.into_reply(world.now(), &request_id, &client_request_id)
        }
    };
    reply.headers.insert("request-id", request_id);
    reply.headers.insert("client-request-id", client_request_id);
    reply
}

/// Boxed, because a part of a batch is answered by the very function that answers the batch.
fn answer_part(world: &Arc<World>, part: Call) -> BoxFuture<'_, Reply> {
    Box::pin(async move { answer(world, &part, true).await })
}

async fn handle(world: &Arc<World>, call: &Call, in_batch: bool) -> Answer {
    let route = Route::parse(&call.method, &call.path);
    if let Ok(Route { kind: Kind::Batch, .. }) = route {
        return answer_batch(world, call, in_batch).await;
    }
    let name = route.as_ref().map_or("unknown", |route| route.kind.name());
    world.traffic.count(|counts| {
        counts.graph += 1;
        *counts.by_kind.entry(name.to_owned()).or_default() += 1;
    });
    let caller = authenticate(world, &call.headers)?;
    let route = route?;
    let latency = world.faults.current_latency();
    let target = match &route.owner {
        Some(owner) => Some(owner_account(world, &caller, owner, &route.kind)?),
        None => None,
    };
    let slot = match &target {
        Some(target) if route.kind.is_mailbox() => {
            // A scripted refusal counts against the budget like any other request.
            let slot = world
                .throttle
                .enter(&caller.app, &target.id, world.now())
                .map_err(|refused| Problem::throttled(refused.reason, Some(refused.retry_after_s.to_string())));
            if let Some(retry_after) = world.faults.next_throttle(&target.address) {
                return Err(Problem::throttled(
                    "Application is over its MailboxConcurrency limit.",
                    retry_after.header(),
                ));
            }
            Some(slot?)
        }
        _ => None,
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if let Some(status) = world.faults.next_failure(name) {
        return Err(Problem::scripted(status));
    }
    let scripted = world.faults.next_scripted(name, route.kind.thing(), &call.body);
    if let Some(answer) = scripted.as_ref().and_then(|scripted| instead(world, call, scripted)) {
        return answer;
    }
    wait_out(scripted.as_ref()).await;
    if let (Some(target), true) = (&target, route.kind.is_mailbox()) {
        allow_mailbox(world, &caller, target, &route.kind)?;
    }
    let asked = Asked { world, call, caller, prefer: Prefer::read(&call.headers) };
    let mut reply = dispatch(&asked, route.kind, target).await?;
    world.wake();
    if let Some(scripted) = scripted {
        reply = afterwards(world, call, scripted, reply).await?;
    }
    reply.slot = slot;
    if asked.prefer.immutable_ids {
        reply.headers.insert("preference-applied", "IdType=\"ImmutableId\"".to_owned());
    }
    Ok(reply)
}

async fn answer_batch(world: &Arc<World>, call: &Call, in_batch: bool) -> Answer {
    if in_batch {
        return Err(Problem::bad_request("A batch request may not contain another batch request."));
    }
    world.traffic.count(|counts| counts.batches += 1);
    authenticate(world, &call.headers)?;
    if let Some(status) = world.faults.next_failure("batch") {
        return Err(Problem::scripted(status));
    }
    let scripted = world.faults.next_scripted("batch", None, &call.body);
    if let Some(answer) = scripted.as_ref().and_then(|scripted| instead(world, call, scripted)) {
        return answer;
    }
    wait_out(scripted.as_ref()).await;
    let reply = batch::run(call, |part| answer_part(world, part)).await?;
    match scripted {
        Some(scripted) => afterwards(world, call, scripted, reply).await,
        None => Ok(reply),
    }
}

/// What answers each kind of request.
async fn dispatch(asked: &Asked<'_>, kind: Kind, target: Option<Account>) -> Answer {
    match (kind, target) {
        (Kind::User, Some(user)) => users::get(asked, &user),
        (Kind::Users, _) => users::list(asked),
        (Kind::Organization, _) => users::organization(asked),
        (Kind::Subscriptions, _) => subscriptions::list(asked),
        (Kind::Subscribe, _) => subscriptions::create(asked).await,
        (Kind::Subscription(id), _) => subscriptions::get(asked, &id),
        (Kind::Renew(id), _) => subscriptions::renew(asked, &id),
        (Kind::Unsubscribe(id), _) => subscriptions::delete(asked, &id),
        (Kind::Reauthorize(id), _) => subscriptions::reauthorize(asked, &id),
        (Kind::Folders, Some(mailbox)) => folders::list(asked, &mailbox, "msgfolderroot"),
        (Kind::ChildFolders(parent), Some(mailbox)) => folders::list(asked, &mailbox, &parent),
        (Kind::Folder(id), Some(mailbox)) => folders::get(asked, &mailbox, &id),
        (Kind::FolderDelta, Some(mailbox)) => delta::folders(asked, &mailbox),
        (Kind::MessageDelta(folder), Some(mailbox)) => delta::messages(asked, &mailbox, &folder),
        (Kind::Messages(folder), Some(mailbox)) => messages::list(asked, &mailbox, folder.as_deref()),
        (Kind::Message(id), Some(mailbox)) => messages::get(asked, &mailbox, &id),
        (Kind::MessageValue(id), Some(mailbox)) => messages::value(asked, &mailbox, &id),
        (Kind::PatchMessage(id), Some(mailbox)) => messages::patch(asked, &mailbox, &id),
        (Kind::DeleteMessage(id), Some(mailbox)) => messages::delete(asked, &mailbox, &id),
        (Kind::MoveMessage(id), Some(mailbox)) => messages::move_to(asked, &mailbox, &id),
        (Kind::Categories, Some(mailbox)) => categories::list(asked, &mailbox),
        (Kind::CreateCategory, Some(mailbox)) => categories::create(asked, &mailbox),
        (Kind::UpdateCategory(id), Some(mailbox)) => categories::update(asked, &mailbox, &id),
        (Kind::DeleteCategory(id), Some(mailbox)) => categories::delete(asked, &mailbox, &id),
        (Kind::Events, Some(mailbox)) => calendar::list(asked, &mailbox),
        (Kind::Event(id), Some(mailbox)) => calendar::read(asked, &mailbox, &id),
        (Kind::CreateEvent, Some(mailbox)) => calendar::create(asked, &mailbox),
        (Kind::PatchEvent(id), Some(mailbox)) => calendar::patch(asked, &mailbox, &id),
        (Kind::DeleteEvent(id), Some(mailbox)) => calendar::delete(asked, &mailbox, &id),
        (Kind::TaskLists, Some(mailbox)) => todo::lists(asked, &mailbox),
        (Kind::CreateTaskList, Some(mailbox)) => todo::create_list(asked, &mailbox),
        (Kind::DeleteTaskList(list), Some(mailbox)) => todo::delete_list(asked, &mailbox, &list),
        (Kind::Tasks(list), Some(mailbox)) => todo::list(asked, &mailbox, &list),
        (Kind::TaskDelta(list), Some(mailbox)) => todo::changes(asked, &mailbox, &list),
        (Kind::CreateTask(list), Some(mailbox)) => todo::create(asked, &mailbox, &list),
        (Kind::PatchTask(list, id), Some(mailbox)) => todo::patch(asked, &mailbox, &list, &id),
        (Kind::DeleteTask(list, id), Some(mailbox)) => todo::delete(asked, &mailbox, &list, &id),
        (Kind::ContactFolders, Some(mailbox)) => contacts::folders(asked, &mailbox),
        (Kind::ChildContactFolders(folder), Some(mailbox)) => contacts::child_folders(asked, &mailbox, &folder),
        (Kind::DeleteContactFolder(folder), Some(mailbox)) => contacts::delete_folder(asked, &mailbox, &folder),
        (Kind::CreateContactFolder, Some(mailbox)) => contacts::create_folder(asked, &mailbox),
        (Kind::Contacts(folder), Some(mailbox)) => contacts::list(asked, &mailbox, &folder),
        (Kind::ContactDelta(folder), Some(mailbox)) => contacts::changes(asked, &mailbox, &folder),
        (Kind::CreateContact(folder), Some(mailbox)) => contacts::create(asked, &mailbox, &folder),
        (Kind::PatchContact(id), Some(mailbox)) => contacts::patch(asked, &mailbox, &id),
        (Kind::DeleteContact(id), Some(mailbox)) => contacts::delete(asked, &mailbox, &id),
        (Kind::Application(client_id), _) => applications::get(asked, &client_id),
        (Kind::PatchApplication(client_id), _) => applications::patch(asked, &client_id),
        (Kind::AddPassword(client_id), _) => applications::add_password(asked, &client_id),
        (Kind::RemovePassword(client_id), _) => applications::remove_password(asked, &client_id),
        (Kind::TranslateIds, Some(mailbox)) => messages::translate_ids(asked, &mailbox),
        (Kind::Batch, _) | (_, None) => Err(Problem::bad_request("Invalid request.")),
    }
}

/// Finds out who calls. Source: the error is what Graph answers to any token it does not know.
fn authenticate(world: &World, headers: &HeaderMap) -> Result<Principal, Problem> {
    let refuse = |message: &str| {
        Problem::new(401, "InvalidAuthenticationToken", message).with_header(
            "www-authenticate",
            format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/v2.0/authorize\"", world.origin),
        )
    };
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = match token.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(refuse("Access token is empty.")),
    };
    let found = world.store.read(|db| {
        Ok(db
            .prepare_cached("SELECT tenant, app, user, scopes, expires_ms FROM access_tokens WHERE token = ?")?
            .query_row(params![token], |row| {
                let granted: String = row.get(3)?;
                let principal = Principal {
                    tenant: row.get(0)?,
                    app: row.get(1)?,
                    user: row.get(2)?,
                    granted: granted.split(' ').map(str::to_owned).collect(),
                };
                Ok((principal, row.get::<_, i64>(4)?))
            })
            .optional()?)
    })?;
    match found {
        _ if world.faults.next_unauthorized() => Err(refuse("Access token validation failure. Invalid audience.")),
        None => Err(refuse("IDX14100: JWT is not well formed, there are no dots (.).")),
        Some((_, expires_ms)) if expires_ms <= world.now().as_millisecond() => {
            Err(refuse("Lifetime validation failed, the token is expired."))
        }
        Some((principal, _)) => match world.faults.current_challenge() {
            None => Ok(principal),
            Some(claims) => {
                let claims = base64::engine::general_purpose::STANDARD.encode(claims);
                let problem = Problem::new(
                    401,
                    "InvalidAuthenticationToken",
                    "Continuous access evaluation resulted in challenge.",
                );
                let challenge = format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
                Err(problem.with_header("www-authenticate", challenge))
            }
        },
    }
}

/// The account that a path names, in the caller's own tenant.
fn owner_account(world: &World, caller: &Principal, owner: &Owner, kind: &Kind) -> Result<Account, Problem> {
    let name = match (owner, &caller.user) {
        (Owner::Me, Some(user)) => user,
        (Owner::Me, None) => {
            return Err(Problem::bad_request("/me request is only valid with delegated authentication flow."));
        }
        (Owner::User(name), _) => name,
    };
    let found = world.store.read(|db| match directory::find_account(db, name)? {
        None if kind.is_mailbox() => directory::find_mailbox(db, name),
        found => Ok(found),
    })?;
    found.filter(|account| account.tenant == caller.tenant).ok_or_else(|| {
        if kind.is_mailbox() {
            Problem::new(404, "ErrorInvalidUser", format!("The requested user '{name}' is invalid."))
        } else {
            users::not_found(name)
        }
    })
}

/// Whether the caller may do this to that mailbox (permissions by operation: Microsoft's permission table).
fn allow_mailbox(world: &World, caller: &Principal, mailbox: &Account, kind: &Kind) -> Result<(), Problem> {
    let needs = kind.needs();
    match &caller.user {
        Some(user) if *user == mailbox.id => {
            if !caller.has_any(needs.delegated) {
                return Err(Problem::access_denied());
            }
        }
        Some(user) => {
            let shared = world.store.read(|db| directory::has_full_access(db, user, &mailbox.id))?;
            if !shared || !caller.has_any(needs.shared) {
                return Err(Problem::access_denied());
            }
        }
        None => {
            if !caller.has_any(needs.application) {
                return Err(Problem::access_denied());
            }
            // Exchange limits what is Exchange's; there is no such limit for To Do (application-rbac: no Tasks role).
            if kind.is_scoped() && !world.store.read(|db| directory::in_scope(db, &caller.app, &mailbox.id))? {
                return Err(Problem::new(403, "ErrorAccessDenied", "Access to OData is disabled."));
            }
        }
    }
    if !mailbox.licensed {
        return Err(Problem::new(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        ));
    }
    Ok(())
}
