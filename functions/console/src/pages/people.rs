//! The people of a firm in the console: roles, invitations, and who is to leave.

use askama::Template;
use axum::{
    http::Method,
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::{base::id::UserId, firm::user::UserRole};

use super::entry::role_name;
use crate::{
    door::Trouble,
    guest::Fields,
    shell::{Office, Shell, page},
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
struct EntryLink {
    url: String,
    expires_at: Timestamp,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    s: Shell,
    people: Vec<UserView>,
    link: Option<EntryLink>,
}

impl PeoplePage {
    /// The roles, the one that may least first.
    fn roles(&self) -> Vec<(UserRole, String)> {
        UserRole::ALL.into_iter().rev().map(|role| (role, role_name(&self.s, role))).collect()
    }
}

async fn shown(office: &Office, link: Option<EntryLink>) -> Result<Response, Trouble> {
    let mut people = office.api().get::<Users>(&office.v1("/users")).await?.items;
    people.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(page(&PeoplePage { s: office.shell("people"), people, link }))
}

/// The people.
pub(crate) async fn list(office: Office) -> Result<Response, Trouble> {
    shown(&office, None).await
}

/// Invites somebody, changes a role, or removes somebody.
pub(crate) async fn change(office: Office, typed: Fields) -> Result<Response, Trouble> {
    let role: UserRole = typed.get("role").parse().unwrap_or(UserRole::Reader);
    let body = Some(json!({ "role": role }));
    if typed.get("do") == "invite" {
        let link = office.api().send(Method::POST, &office.v1("/invitations"), body).await?;
        return shown(&office, Some(link)).await;
    }
    let user: UserId = typed.get("user").parse().map_err(|_| Trouble::NotFound)?;
    let path = office.v1(&format!("/users/{user}"));
    match typed.get("do") {
        "role" => office.api().send::<IgnoredAny>(Method::PUT, &path, body).await?,
        "remove" => office.api().send::<IgnoredAny>(Method::DELETE, &path, None).await?,
        _ => return Err(Trouble::NotFound),
    };
    Ok(Redirect::to(&office.shell.at("/people")).into_response())
}
