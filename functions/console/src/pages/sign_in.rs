//! Coming in and going out: signing in, invitations, the choice of a firm, the language; and the pages of what went
//! wrong.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shared::{
    access::console_sign_in::UsedPass,
    aws::table::{Key, TableError, Write},
    base::{
        headers::{SESSION_COOKIE, cookie_name, set_cookie},
        id::FirmId,
        language::Language,
        name_order::name_order,
    },
    firm::{
        console_pass::{self, Invitation, OperatorLink, Visit},
        console_session::{ConsoleSession, OPERATOR_SESSION},
        user::{ConsoleUser, UserRole},
    },
};

use crate::{
    api_client::{PageError, Refusal, encoded},
    console::{Console, Shared},
    form::{Fields, SECRET_FIELD, TOKEN_FIELD},
    session::{ConsoleRequest, LANGUAGE_COOKIE},
    shell::{Shell, api, page},
};

/// How long a browser keeps the language that a person chose.
const LANGUAGE_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// A page of a few sentences, with one thing to do.
#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    s: Shell,
    title: String,
    sentences: Vec<String>,
    /// Microsoft's own words, folded away.
    details: Vec<String>,
    /// A link: its text, and where it leads.
    link: Option<(String, String)>,
    form: Option<OneButtonForm>,
}

/// A form of one button.
struct OneButtonForm {
    text: String,
    to: String,
    fields: Vec<(String, String)>,
}

impl NoticePage {
    fn new(s: Shell, title: String, sentences: Vec<String>) -> Self {
        Self { s, title, sentences, details: Vec::new(), link: None, form: None }
    }

    fn with_link(self, text: String, to: String) -> Self {
        Self { link: Some((text, to)), ..self }
    }
}

/// A page that the person wanted.
#[derive(Deserialize)]
pub(crate) struct ReturnTarget {
    #[serde(default)]
    to: Option<String>,
}

/// To the firm of a person who has one, to the choice of firms, or to the sign-in.
pub(crate) async fn start(State(console): Shared, request: ConsoleRequest) -> Result<Response, PageError> {
    let Some((_, session)) = &request.session else { return Ok(Redirect::to("/console/sign-in").into_response()) };
    let to = match &choices(&console, &request, session).await?[..] {
        [only] => format!("/console/firms/{}", only.id),
        _ => "/console/firms".to_owned(),
    };
    Ok(Redirect::to(&to).into_response())
}

/// The page before Microsoft's.
pub(crate) async fn sign_in(request: ConsoleRequest, Query(ReturnTarget { to }): Query<ReturnTarget>) -> Response {
    let s = Shell::of_request(&request);
    let to = to.unwrap_or_else(|| "/console".to_owned());
    // Where the platform has no app of its own, the firm's is used.
    let firm = to.strip_prefix("/console/firms/").and_then(|rest| rest.get(..36)).and_then(|id| id.parse().ok());
    let firm = firm.map(|firm: FirmId| format!("&firm={firm}")).unwrap_or_default();
    let link = format!("/oauth/console?to={}{firm}", encoded(&to));
    let (title, sentences) = (s.t.say("sign-in-title"), vec![s.t.say("sign-in-text")]);
    let text = s.t.say("sign-in-button");
    page(&NoticePage::new(s, title, sentences).with_link(text, link))
}

/// Ends the session.
pub(crate) async fn sign_out(State(console): Shared, request: ConsoleRequest) -> Result<Response, PageError> {
    if let Some((cookie, _)) = &request.session {
        ConsoleSession::end(&console.app.table, cookie).await.map_err(|e| PageError::broken(&e))?;
    }
    let public_url = &console.app.config.public_url;
    let name = cookie_name(public_url, SESSION_COOKIE);
    let cookie = set_cookie(public_url, &name, "", Duration::ZERO);
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/console/sign-in")).into_response())
}

/// Keeps the language that a person chose, and goes back to where they were: to the page with what is searched there
/// by now, where the browser says it.
pub(crate) async fn language(
    State(console): Shared,
    headers: HeaderMap,
    Path(tag): Path<String>,
    Query(ReturnTarget { to }): Query<ReturnTarget>,
) -> Result<Response, PageError> {
    let language = Language::of_tag(&tag).ok_or(PageError::NotFound)?;
    let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok());
    let own = console.app.config.public_url.at("");
    let before = referer.and_then(|referer| referer.strip_prefix(own.trim_end_matches('/'))).map(str::to_owned);
    let to = before.filter(|path| path.starts_with("/console/firms/")).or(to);
    let to = to.filter(|to| to.starts_with("/console") && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'));
    let public_url = &console.app.config.public_url;
    let name = cookie_name(public_url, LANGUAGE_COOKIE);
    let cookie = set_cookie(public_url, &name, language.tag(), LANGUAGE_KEPT);
    let to = Redirect::to(to.as_deref().unwrap_or("/console"));
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), to).into_response())
}

/// What a link leads to that lets somebody in. Opening it uses nothing up: mail filters open links.
pub(crate) async fn arrive(
    State(console): Shared,
    request: ConsoleRequest,
    Path(text): Path<String>,
) -> Result<Response, PageError> {
    let (s, now, secrets) = (Shell::of_request(&request), console.app.clock.now(), &console.app.secrets);
    let invitation = console_pass::read::<Invitation>(secrets, &text).await.map_err(|e| PageError::broken(&e))?;
    if let Some(pass) = invitation.filter(|pass| !pass.has_ended(now)) {
        let Invitation { name, role, .. } = pass.says;
        let title = s.t.say_name("invited-title", &name);
        let sentences = vec![role_sentence(&s, role), s.t.say("invited-text")];
        let text_of_link = s.t.say("sign-in-button");
        let to = format!("/oauth/console?invitation={}", encoded(&text));
        return Ok(page(&NoticePage::new(s, title, sentences).with_link(text_of_link, to)));
    }
    let link = console_pass::read::<OperatorLink>(secrets, &text).await.map_err(|e| PageError::broken(&e))?;
    if link.is_some_and(|pass| !pass.has_ended(now)) {
        let (title, sentences) = (s.t.say("operator-title"), vec![s.t.say("operator-text")]);
        let to = format!("/console/enter/{text}");
        let form = Some(OneButtonForm { text: s.t.say("operator-button"), to, fields: Vec::new() });
        return Ok(page(&NoticePage { form, ..NoticePage::new(s, title, sentences) }));
    }
    Ok(unusable(s))
}

fn role_sentence(s: &Shell, role: UserRole) -> String {
    match role {
        UserRole::Administrator => s.t.say("role-administrator-may"),
        UserRole::Clerk => s.t.say("role-clerk-may"),
        UserRole::Reader => s.t.say("role-reader-may"),
    }
}

fn unusable(s: Shell) -> Response {
    let (title, sentences) = (s.t.say("unusable-title"), vec![s.t.say("unusable-text")]);
    let text = s.t.say("sign-in-title");
    let notice = NoticePage::new(s, title, sentences).with_link(text, "/console".to_owned());
    (StatusCode::BAD_REQUEST, page(&notice)).into_response()
}

/// Opens the console as the operator, once for each link.
pub(crate) async fn open(
    State(console): Shared,
    request: ConsoleRequest,
    Path(text): Path<String>,
) -> Result<Response, PageError> {
    let Console { app, .. } = &*console;
    let (s, now) = (Shell::of_request(&request), app.clock.now());
    let link = console_pass::read::<OperatorLink>(&app.secrets, &text).await.map_err(|e| PageError::broken(&e))?;
    let Some(link) = link.filter(|pass| !pass.has_ended(now)) else { return Ok(unusable(s)) };
    let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&text));
    let used = UsedPass { user: None, expires_at: link.ends_at };
    match app.table.write(Write::insert(Key::used_pass(&digest), &used)).await {
        Err(TableError::Conflict { .. }) => return Ok(unusable(s)),
        written => written.map_err(|e| PageError::broken(&e))?,
    }
    let begun = ConsoleSession::begin((&app.table, &app.random), None, s.t.say("operator"), now).await;
    let begun = begun.map_err(|e| PageError::broken(&e))?;
    tracing::warn!("the operator entered the console by a link");
    let name = cookie_name(&app.config.public_url, SESSION_COOKIE);
    let cookie = set_cookie(&app.config.public_url, &name, begun.expose_secret(), OPERATOR_SESSION);
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/console/firms")).into_response())
}

/// A firm to choose.
struct FirmChoice {
    id: String,
    name: String,
    role: String,
}

#[derive(Template)]
#[template(path = "firms.html")]
struct FirmsPage {
    s: Shell,
    firms: Vec<FirmChoice>,
}

#[derive(Deserialize)]
struct FirmName {
    id: String,
    name: String,
}

/// The firms that the person may enter.
pub(crate) async fn firms(State(console): Shared, request: ConsoleRequest) -> Result<Response, PageError> {
    let Some((_, session)) = &request.session else { return Err(PageError::SignedOut) };
    if session.user.is_none() {
        return Ok(Redirect::to("/console/operator").into_response());
    }
    let firms = choices(&console, &request, session).await?;
    Ok(page(&FirmsPage { s: Shell::of_request(&request), firms }))
}

/// The firms of the person, by name, without those that have ended; none of the operator.
async fn choices(
    console: &Console,
    request: &ConsoleRequest,
    session: &ConsoleSession,
) -> Result<Vec<FirmChoice>, PageError> {
    let s = Shell::of_request(request);
    let Some(user) = session.user else { return Ok(Vec::new()) };
    let mut firms = Vec::new();
    for (firm, role) in ConsoleUser::firms(&console.app.table, user).await.map_err(|e| PageError::broken(&e))? {
        let (address, from) = (session.address.clone(), request.from.clone());
        let api = api(console, Visit::User { user, address, from, firm, role }, s.t.language).await?;
        match api.get(&format!("/v1/firms/{firm}")).await {
            Ok(FirmName { id, name }) => firms.push(FirmChoice { id, name, role: role_name(&s, role) }),
            Err(PageError::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    firms.sort_by_cached_key(|firm| name_order(&firm.name));
    Ok(firms)
}

/// The name of a role.
pub(crate) fn role_name(s: &Shell, role: UserRole) -> String {
    match role {
        UserRole::Administrator => s.t.say("role-administrator"),
        UserRole::Clerk => s.t.say("role-clerk"),
        UserRole::Reader => s.t.say("role-reader"),
    }
}

/// There is no such page.
pub(crate) async fn no_page() -> PageError {
    PageError::NotFound
}

/// A form of another site.
pub(crate) fn another_site(request: &ConsoleRequest) -> Response {
    let s = Shell::of_request(request);
    let notice = NoticePage::new(s.clone(), s.t.say("foreign-title"), vec![s.t.say("foreign-text")]);
    (StatusCode::FORBIDDEN, page(&notice.with_link(s.t.say("to-start"), "/console".to_owned()))).into_response()
}

/// A form that is larger than one may be.
pub(crate) fn too_large(request: &ConsoleRequest) -> Response {
    let s = Shell::of_request(request);
    let notice = NoticePage::new(s.clone(), s.t.say("too-large-title"), vec![s.t.say("too-large-text")]);
    (StatusCode::PAYLOAD_TOO_LARGE, page(&notice.with_link(s.t.say("to-start"), "/console".to_owned()))).into_response()
}

/// A form whose session is over, or was another: with all that was typed, to be sent once more.
pub(crate) fn once_more(request: &ConsoleRequest, fields: &Fields) -> Response {
    let s = Shell::of_request(request);
    // No page contains a secret, so nothing can be sent again with it.
    let has_secret = !fields.get(SECRET_FIELD).is_empty();
    let form = (!has_secret).then(|| sent_again(&s, fields));
    let kept = if has_secret { s.t.say("once-more-secret") } else { s.t.say("once-more-kept") };
    let (title, mut sentences) = (s.t.say("once-more-title"), vec![kept]);
    let mut notice = if request.session.is_some() && has_secret {
        let (text, to) = (s.t.say("to-start"), "/console".to_owned());
        NoticePage::new(s, title, sentences).with_link(text, to)
    } else if request.session.is_some() {
        sentences.push(s.t.say("once-more-send"));
        NoticePage::new(s, title, sentences)
    } else {
        sentences.push(s.t.say("once-more-sign-in"));
        let (text, to) = (s.t.say("once-more-tab"), "/console/sign-in?to=/console/firms".to_owned());
        NoticePage::new(s, title, sentences).with_link(text, to)
    };
    notice.form = form;
    let status = if request.session.is_some() { StatusCode::CONFLICT } else { StatusCode::UNAUTHORIZED };
    (status, page(&notice)).into_response()
}

/// A form that sends the same once more.
fn sent_again(s: &Shell, typed: &Fields) -> OneButtonForm {
    // No page contains a secret. A person who sends the form again has to type it again.
    let mut fields: Vec<_> = typed.0.iter().filter(|(name, _)| name != SECRET_FIELD).cloned().collect();
    fields.push((TOKEN_FIELD.to_owned(), s.token.clone()));
    OneButtonForm { text: s.t.say("once-more-button"), to: s.path.clone(), fields }
}

/// What went wrong, and what to do.
///
/// `typed`: the form that was sent. It can be sent once more where that may help.
pub(crate) fn troubled(s: &Shell, trouble: &PageError, typed: Option<&Fields>) -> Response {
    let t = &s.t;
    let (title, sentences, details) = match trouble {
        PageError::NotFound => (t.say("not-found-title"), vec![t.say("not-found-text")], Vec::new()),
        PageError::Forbidden => (t.say("forbidden-title"), vec![t.say("forbidden-text")], Vec::new()),
        PageError::Refused(refusal) => {
            let Refusal { title, next_action, detail, microsoft_code, microsoft_message, .. } = (**refusal).clone();
            let microsoft = [microsoft_code, microsoft_message].into_iter().flatten();
            let (title, next_action) = match (refusal.is_about_typing(), refusal.field(t)) {
                (true, field) => (t.say("typed-wrong"), field.unwrap_or_else(|| t.say("typed-wrong-what"))),
                (false, _) => (title, next_action),
            };
            (title, vec![next_action], [detail].into_iter().chain(microsoft).collect())
        }
        PageError::SignedOut | PageError::Broken => (t.say("broken-title"), vec![t.say("broken-text")], Vec::new()),
    };
    let mut notice = NoticePage { details, ..NoticePage::new(s.clone(), title, sentences) };
    if let (Some(typed), PageError::Refused(_) | PageError::Broken) = (typed, trouble) {
        notice.sentences.push(t.say("typed-kept"));
        notice.form = Some(sent_again(s, typed));
    }
    (trouble.status(), page(&notice.with_link(t.say("to-start"), "/console".to_owned()))).into_response()
}
