//! The people of a firm in the console: roles, invitations, and who is to leave.

use askama::Template;
use axum::{http::Method, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::{base::id::UserId, firm::user::UserRole};

use super::sign_in::role_name;
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

#[derive(Deserialize)]
struct UserView {
    id: UserId,
    role: UserRole,
    address: String,
    since: Timestamp,
}

#[derive(Deserialize)]
struct Users {
    items: Vec<UserView>,
}

#[derive(Deserialize)]
struct ConsoleLink {
    url: String,
    expires_at: Timestamp,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    s: Shell,
    people: Vec<UserView>,
    link: Option<ConsoleLink>,
    refusal: Option<Refusal>,
}

impl PeoplePage {
    /// The roles, the one that may least first.
    fn roles(&self) -> Vec<(UserRole, String)> {
        UserRole::ALL.into_iter().rev().map(|role| (role, role_name(&self.s, role))).collect()
    }
}

async fn shown(
    firm_page: &FirmPage,
    link: Option<ConsoleLink>,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    let mut people = firm_page.api().get::<Users>(&firm_page.v1("/users")).await?.items;
    people.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(page_saying(refusal, |refusal| PeoplePage { s: firm_page.shell("people"), people, link, refusal }))
}

/// The people.
pub(crate) async fn list(firm_page: FirmPage) -> Result<Response, PageError> {
    shown(&firm_page, None, None).await
}

/// Invites somebody, changes a role, or removes somebody.
pub(crate) async fn change(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let role: UserRole = typed.get("role").parse().unwrap_or(UserRole::Reader);
    let body = json!({ "role": role });
    if typed.get("do") == "invite" {
        return match firm_page.api().made_once(&typed, &firm_page.v1("/invitations"), body).await? {
            Ok(link) => shown(&firm_page, Some(link), None).await,
            Err(refusal) => shown(&firm_page, None, Some(refusal)).await,
        };
    }
    let body = Some(body);
    let user: UserId = typed.get("user").parse().map_err(|_| PageError::NotFound)?;
    let path = firm_page.v1(&format!("/users/{user}"));
    let (method, body, said) = match typed.get("do") {
        "role" => (Method::PUT, body, Said::Saved),
        "remove" => (Method::DELETE, None, Said::Removed),
        _ => return Err(PageError::NotFound),
    };
    match firm_page.api().tried::<IgnoredAny>(method, &path, body).await? {
        Ok(_) => Ok(firm_page.done("/people", said)),
        Err(refusal) => shown(&firm_page, None, Some(refusal)).await,
    }
}
