//! The keys of the firm's programs: made, shown once, revoked.

use askama::Template;
use axum::{http::Method, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::id::KeyId;

use super::view::Listed;
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
    text::Texts,
};

/// A key, without its text.
#[derive(Deserialize)]
struct ProgramKey {
    id: String,
    name: String,
    rights: Vec<String>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    /// Only when it is new.
    #[serde(default)]
    key: Option<String>,
}

impl ProgramKey {
    /// What it may do, in words.
    fn rights(&self, t: &Texts) -> Vec<String> {
        let all = rights(t).into_iter().filter(|(right, _)| self.rights.iter().any(|own| own == right));
        all.map(|(_, words)| words).collect()
    }

    /// When it was used, and until when it is good.
    fn times(&self, t: &Texts) -> String {
        let used = match self.last_used_at {
            Some(at) => t.say_name("key-used", &t.time(at)),
            None => t.say("key-unused"),
        };
        match self.expires_at {
            Some(at) => format!("{used} {}", t.say_name("key-ends", &t.day(at))),
            None => used,
        }
    }
}

/// Each right, in the API's word and in the page's.
fn rights(t: &Texts) -> [(&'static str, String); 4] {
    [
        ("read", t.say("key-right-read")),
        ("file", t.say("key-right-file")),
        ("push", t.say("key-right-push")),
        ("manage", t.say("key-right-manage")),
    ]
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    s: Shell,
    keys: Vec<ProgramKey>,
    /// The text of a key that was just made.
    made: Option<String>,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl KeysPage {
    /// Each right, and whether its box is ticked: reading at first, which most programs need.
    fn choices(&self) -> Vec<(&'static str, String, bool)> {
        let is_on =
            |right: &str| if self.typed.0.is_empty() { right == "read" } else { self.typed.has("right", right) };
        rights(&self.s.t).into_iter().map(|(right, words)| (right, words, is_on(right))).collect()
    }
}

async fn shown(
    firm_page: &FirmPage,
    made: Option<String>,
    (typed, refusal): (Fields, Option<Refusal>),
) -> Result<Response, PageError> {
    firm_page.manager()?;
    let keys = firm_page.api().get::<Listed<ProgramKey>>(&firm_page.v1("/keys")).await?.items;
    let s = firm_page.shell("settings");
    Ok(page_saying(refusal, |refusal| KeysPage { s, keys, made, typed, refusal }))
}

/// The keys.
pub(crate) async fn list(firm_page: FirmPage) -> Result<Response, PageError> {
    shown(&firm_page, None, (Fields::default(), None)).await
}

/// Makes a key, and shows it this once; or revokes one.
pub(crate) async fn change(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    if typed.get("do") == "revoke" {
        let key: KeyId = typed.get("key").parse().map_err(|_| PageError::NotFound)?;
        let path = firm_page.v1(&format!("/keys/{key}"));
        firm_page.api().send::<IgnoredAny>(Method::DELETE, &path, None).await?;
        return Ok(firm_page.done("/keys", Said::Removed));
    }
    let rights: Vec<&str> = typed.all("right").collect();
    let end = Some(typed.get("expires_at")).filter(|end| !end.is_empty()).map(|end| format!("{end}T00:00:00Z"));
    let body = json!({ "name": typed.get("name"), "rights": rights, "expires_at": end });
    match firm_page.api().made_once::<ProgramKey>(&typed, &firm_page.v1("/keys"), body).await? {
        Ok(made) => shown(&firm_page, made.key, (Fields::default(), None)).await,
        Err(refusal) => shown(&firm_page, None, (typed, Some(refusal))).await,
    }
}
