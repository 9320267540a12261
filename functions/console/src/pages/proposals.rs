//! Proposals: mails that may belong to a dossier because of who wrote them, accepted many at once.

use askama::Template;
use axum::{extract::Query, http::Method, response::Response};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;

use super::{
    documents::FiledMany,
    view::{Listed, MessageView},
};
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
};

/// Mails that one page looks at.
const LOOKED_AT: usize = 100;

#[derive(Deserialize)]
struct ProposalView {
    #[serde(flatten)]
    message: MessageView,
    proposed_dossier: String,
}

/// What greffe files without being asked.
#[derive(Deserialize)]
struct FilingRules {
    replies_follow: bool,
    file_by_contact: bool,
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct ProposalsPage {
    s: Shell,
    proposals: Vec<ProposalView>,
    /// The query of the next page.
    next: Option<String>,
    refusal: Option<Refusal>,
    /// None for people who may not change them.
    rules: Option<FilingRules>,
}

/// Which page, and what was just done.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProposalsQuery {
    after: String,
}

/// The proposals.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<ProposalsQuery>) -> Result<Response, PageError> {
    shown(&firm_page, &which, None).await
}

async fn shown(firm_page: &FirmPage, which: &ProposalsQuery, refusal: Option<Refusal>) -> Result<Response, PageError> {
    let path = firm_page.v1(&format!("/proposals?limit={LOOKED_AT}{}", and("after", &which.after)));
    let Listed { items, next } = firm_page.api().get(&path).await?;
    let rules = match firm_page.shell("documents").may_manage() {
        true => Some(firm_page.api().get(&firm_page.v1("")).await?),
        false => None,
    };
    let next = next.map(|next| format!("?after={}", encoded(&next)));
    let s = firm_page.shell("documents");
    Ok(page_saying(refusal, |refusal| ProposalsPage { s, proposals: items, next, refusal, rules }))
}

/// Files the ticked mails to the dossiers that were proposed.
pub(crate) async fn accept(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let ticked = typed.all("proposal").filter_map(|proposal| proposal.split_once(' ')).take(LOOKED_AT);
    let proposals: Vec<_> =
        ticked.map(|(message, dossier)| json!({ "message": message, "dossier": dossier })).collect();
    if proposals.is_empty() {
        let refusal = Refusal::of_form(firm_page.shell.t.say("choose-a-mail"));
        return shown(&firm_page, &ProposalsQuery::default(), Some(refusal)).await;
    }
    let body = Some(json!({ "proposals": proposals }));
    let done: FiledMany = firm_page.api().send(Method::POST, &firm_page.v1("/proposals/accept"), body).await?;
    Ok(firm_page.done("/proposals", done.said()))
}

/// Changes what greffe files without being asked.
pub(crate) async fn rule(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let (replies, contacts) = (typed.is_on("replies_follow"), typed.is_on("file_by_contact"));
    let body = Some(json!({ "replies_follow": replies, "file_by_contact": contacts }));
    firm_page.api().send::<IgnoredAny>(Method::PATCH, &firm_page.v1(""), body).await?;
    Ok(firm_page.done("/proposals", Said::Saved))
}
