//! Mails that are not archived because Microsoft did not give them out, of all mailboxes, each with another try.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Query, http::Method, response::Response};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;

use super::view::{self, Listed, MailboxName, MessageView};
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

/// Mails of a page, as many as one call of the API tries again.
const LISTED: usize = 100;
/// The most pages that one click tries again: a call for each takes some seconds.
const PAGES_MAX: usize = 5;

/// A mail and the address of its mailbox.
struct FailedMail {
    mail: MessageView,
    address: String,
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    s: Shell,
    mails: Vec<FailedMail>,
    /// The place where the page begins.
    after: String,
    /// The query of the next page.
    next: Option<String>,
    refusal: Option<Refusal>,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FailedQuery {
    after: String,
}

/// The list.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<FailedQuery>) -> Result<Response, PageError> {
    shown(&firm_page, which.after, None).await
}

async fn listed<T: for<'de> Deserialize<'de>>(firm_page: &FirmPage, after: &str) -> Result<Listed<T>, PageError> {
    let path = format!("/messages?state=failed&limit={LISTED}{}", and("after", after));
    firm_page.api().get(&firm_page.v1(&path)).await
}

async fn shown(firm_page: &FirmPage, after: String, refusal: Option<Refusal>) -> Result<Response, PageError> {
    let mailboxes = firm_page.v1("/mailboxes");
    let (found, mailboxes) = tokio::try_join!(
        listed::<MessageView>(firm_page, &after),
        view::all::<MailboxName>(firm_page.api(), &mailboxes)
    )?;
    let addresses: BTreeMap<String, String> = mailboxes.into_iter().map(|own| (own.id, own.address)).collect();
    let of = |mail: MessageView| {
        let address = addresses.get(&mail.mailbox).cloned().unwrap_or_default();
        FailedMail { mail, address }
    };
    let next = found.next.map(|next| format!("?after={}", encoded(&next)));
    let (s, mails) = (firm_page.shell("documents"), found.items.into_iter().map(of).collect());
    Ok(page_saying(refusal, |refusal| FailedPage { s, mails, after, next, refusal }))
}

#[derive(Deserialize)]
struct MailId {
    id: String,
}

#[derive(Deserialize)]
struct Retried {
    problem: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RetriedMany {
    items: Vec<Retried>,
}

/// Tries the chosen mails again, or all from a page on.
pub(crate) async fn retry(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let chosen: Vec<String> = typed.all("message").take(LISTED).map(str::to_owned).collect();
    let (mut after, mut done, mut refused) = (Some(typed.get("after").to_owned()), 0, 0);
    for _ in 0..PAGES_MAX {
        let mails = match (typed.is_on("all"), &after) {
            (false, _) => chosen.clone(),
            (true, None) => break,
            (true, Some(from)) => {
                let page = listed::<MailId>(&firm_page, from).await?;
                after = page.next;
                page.items.into_iter().map(|mail| mail.id).collect()
            }
        };
        if !mails.is_empty() {
            let body = Some(json!({ "messages": mails }));
            let path = firm_page.v1("/messages/retry");
            match firm_page.api().tried::<RetriedMany>(Method::POST, &path, body).await? {
                Ok(RetriedMany { items }) => {
                    let count = items.iter().filter(|item| item.problem.is_some()).count();
                    (done, refused) = (done + items.len() - count, refused + count);
                }
                Err(refusal) => return shown(&firm_page, String::new(), Some(refusal)).await,
            }
        }
        if !typed.is_on("all") {
            break;
        }
    }
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(firm_page.done("/failed", Said::Retried(count(done), count(refused))))
}
