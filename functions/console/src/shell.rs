//! What every page has around it, and what every page of a firm is given.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{StatusCode, request::Parts},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use shared::{
    base::{id::FirmId, language::Language},
    firm::{
        api_key::KeyRight,
        console_pass::{self, Visit},
        user::{ConsoleUser, UserRole},
    },
};

use crate::{
    api_client::{Api, PageError, Refusal},
    asset,
    console::Console,
    said::Said,
    session::ConsoleRequest,
    text::Texts,
};

/// What every page has around it.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub t: Texts,
    /// The firm, where the page is one of a firm.
    pub firm: Option<FirmShown>,
    /// Who is signed in; empty if nobody is.
    pub address: String,
    /// What forms have to send back.
    pub token: String,
    /// What forms that make something send back besides.
    pub once: String,
    /// This page, with its query.
    pub path: String,
    /// Which entry of the navigation is this page's.
    pub here: &'static str,
    /// What the form before it did.
    pub said: Option<Said>,
}

/// A firm, and what the person may do there.
#[derive(Debug, Clone)]
pub(crate) struct FirmShown {
    pub id: FirmId,
    pub name: String,
    /// None for the operator.
    pub role: Option<UserRole>,
}

impl Shell {
    /// Around a page of no firm.
    pub(crate) fn of_request(request: &ConsoleRequest) -> Self {
        Self {
            t: Texts::new(request.language.unwrap_or_default()),
            firm: None,
            address: request.session.as_ref().map(|(_, session)| session.address.clone()).unwrap_or_default(),
            token: request.token(),
            once: request.once.clone(),
            path: request.path.clone(),
            here: "",
            said: request.said,
        }
    }

    /// The name of a page in the window's title.
    pub(crate) fn titled(&self, title: &str) -> String {
        match &self.firm {
            Some(firm) => format!("{title} · {} · greffe", firm.name),
            None => format!("{title} · greffe"),
        }
    }

    /// What the form before this page did, in words.
    pub(crate) fn said(&self) -> Option<String> {
        self.said.map(|said| said.words(&self.t))
    }

    pub(crate) fn style(&self) -> String {
        asset::address("style.css")
    }

    pub(crate) fn script(&self) -> String {
        asset::address("htmx.js")
    }

    pub(crate) fn keys(&self) -> String {
        asset::address("console.js")
    }

    pub(crate) fn icon(&self) -> String {
        asset::address("icon.svg")
    }

    /// This page, as a value of a query.
    pub(crate) fn way_back(&self) -> String {
        crate::api_client::encoded(&self.path)
    }

    /// The other languages: tag, and name in itself.
    pub(crate) fn languages(&self) -> Vec<(&'static str, &'static str)> {
        Language::ALL.into_iter().filter(|l| *l != self.t.language).map(|l| (l.tag(), l.own_name())).collect()
    }

    /// The address of a page of the firm.
    pub(crate) fn at(&self, rest: &str) -> String {
        match &self.firm {
            Some(firm) => format!("/console/firms/{}{rest}", firm.id),
            None => "/console".to_owned(),
        }
    }

    fn may(&self, right: KeyRight) -> bool {
        let may = |firm: &FirmShown| firm.role.is_none_or(|role| role.rights().contains(&right));
        self.firm.as_ref().is_some_and(may)
    }

    /// Whether the person may file mail.
    pub(crate) fn may_file(&self) -> bool {
        self.may(KeyRight::File)
    }

    /// Whether the person may say whose Outlook has which dates and contacts.
    pub(crate) fn may_push(&self) -> bool {
        self.may(KeyRight::Push)
    }

    /// Whether the person may set things up.
    pub(crate) fn may_manage(&self) -> bool {
        self.may(KeyRight::Manage)
    }

    /// Whether it is the operator who looks at a firm.
    pub(crate) fn is_operators(&self) -> bool {
        self.firm.as_ref().is_some_and(|firm| firm.role.is_none())
    }

    /// Whether the navigation is there.
    pub(crate) fn current(&self, page: &str) -> bool {
        self.here == page
    }
}

/// The page that `page` makes of why the API refused what a form asked for, if it did.
pub(crate) fn page_saying<T: askama::Template>(
    refusal: Option<Refusal>,
    page: impl FnOnce(Option<Refusal>) -> T,
) -> Response {
    let status = refusal.as_ref().map(Refusal::status);
    page_with(&page(refusal), status)
}

/// A page that also says why the API refused what a form asked for, if it did.
pub(crate) fn page_with(template: &impl askama::Template, refusal: Option<StatusCode>) -> Response {
    (refusal.unwrap_or_default(), page(template)).into_response()
}

/// A page.
pub(crate) fn page(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => PageError::broken(&error).into_response(),
    }
}

#[derive(Deserialize)]
struct FirmView {
    name: String,
    language: Language,
    time_zone: String,
}

/// What a page of a firm is given: the firm, which this person may enter, and the API on their behalf.
#[derive(Debug)]
pub(crate) struct FirmPage {
    pub shell: Shell,
    firm: FirmId,
    api: Api,
}

impl FirmPage {
    /// The API.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// A path of the API about this firm.
    pub(crate) fn v1(&self, rest: &str) -> String {
        format!("/v1/firms/{}{rest}", self.firm)
    }

    /// On to another page of the firm.
    pub(crate) fn to(&self, rest: &str) -> Response {
        Redirect::to(&self.shell.at(rest)).into_response()
    }

    /// On to another page of the firm, which says what was done.
    pub(crate) fn done(&self, rest: &str, said: Said) -> Response {
        said.with(self.to(rest))
    }

    /// The form of something new is for who may set things up.
    ///
    /// Errors: the role does not allow it.
    pub(crate) fn manager(&self) -> Result<(), PageError> {
        if self.shell.may_manage() { Ok(()) } else { Err(PageError::Forbidden) }
    }

    /// What is around the page `here`.
    pub(crate) fn shell(&self, here: &'static str) -> Shell {
        Shell { here, ..self.shell.clone() }
    }
}

impl FromRequestParts<Arc<Console>> for FirmPage {
    type Rejection = PageError;

    /// A firm that the person may not enter is answered as one that does not exist.
    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, PageError> {
        let Ok(request) = ConsoleRequest::from_request_parts(parts, console).await;
        let Some((_, session)) = &request.session else { return Err(PageError::SignedOut) };
        let params = RawPathParams::from_request_parts(parts, console).await.map_err(|_| PageError::NotFound)?;
        let named = params.iter().find(|(name, _)| *name == "firm");
        let id: FirmId = named.and_then(|(_, id)| id.parse().ok()).ok_or(PageError::NotFound)?;
        let (role, visit) = match session.user {
            None => (None, Visit::Operator),
            Some(user) => {
                let found = ConsoleUser::find(&console.app.table, id, user).await.map_err(|e| PageError::broken(&e))?;
                let role = found.ok_or(PageError::NotFound)?.value.role;
                let (address, from) = (session.address.clone(), request.from.clone());
                (Some(role), Visit::User { user, address, from, firm: id, role })
            }
        };
        let mut api = api(console, visit, request.language.unwrap_or_default()).await?;
        let view: FirmView = api.get(&format!("/v1/firms/{id}")).await?;
        api.language = request.language.unwrap_or(view.language);
        let firm = Some(FirmShown { id, name: view.name, role });
        let zone = TimeZone::get(&view.time_zone).unwrap_or(TimeZone::UTC);
        let shell = Shell { t: Texts { language: api.language, zone }, firm, ..Shell::of_request(&request) };
        Ok(Self { shell, firm: id, api })
    }
}

/// The API on behalf of somebody.
pub(crate) async fn api(console: &Console, visit: Visit, language: Language) -> Result<Api, PageError> {
    let pass = console_pass::issue(&console.app.secrets, visit, console.app.clock.now()).await;
    let pass = pass.map_err(|e| PageError::broken(&e))?;
    Ok(Api { client: console.client.clone(), pass, language, clock: console.app.clock.clone() })
}
