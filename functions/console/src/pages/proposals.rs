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
    shell::{Office, Shell, page_saying},
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
pub(crate) async fn list(office: Office, Query(which): Query<ProposalsQuery>) -> Result<Response, PageError> {
    shown(&office, &which, None).await
}

async fn shown(office: &Office, which: &ProposalsQuery, refusal: Option<Refusal>) -> Result<Response, PageError> {
    let path = office.v1(&format!("/proposals?limit={LOOKED_AT}{}", and("after", &which.after)));
    let Listed { items, next } = office.api().get(&path).await?;
    let rules = match office.shell("documents").may_manage() {
        true => Some(office.api().get(&office.v1("")).await?),
        false => None,
    };
    let next = next.map(|next| format!("?after={}", encoded(&next)));
    let s = office.shell("documents");
    Ok(page_saying(refusal, |refusal| ProposalsPage { s, proposals: items, next, refusal, rules }))
}

/// Files the ticked mails to the dossiers that were proposed.
pub(crate) async fn accept(office: Office, typed: Fields) -> Result<Response, PageError> {
    let ticked = typed.all("proposal").filter_map(|proposal| proposal.split_once(' ')).take(LOOKED_AT);
    let proposals: Vec<_> =
        ticked.map(|(message, dossier)| json!({ "message": message, "dossier": dossier })).collect();
    if proposals.is_empty() {
        let refusal = Refusal::of_form(office.shell.t.say("choose-a-mail"));
        return shown(&office, &ProposalsQuery::default(), Some(refusal)).await;
    }
    let body = Some(json!({ "proposals": proposals }));
    let done: FiledMany = office.api().send(Method::POST, &office.v1("/proposals/accept"), body).await?;
    Ok(office.done("/proposals", done.said()))
}

/// Changes what greffe files without being asked.
pub(crate) async fn rule(office: Office, typed: Fields) -> Result<Response, PageError> {
    let (replies, contacts) = (typed.is_on("replies_follow"), typed.is_on("file_by_contact"));
    let body = Some(json!({ "replies_follow": replies, "file_by_contact": contacts }));
    office.api().send::<IgnoredAny>(Method::PATCH, &office.v1(""), body).await?;
    Ok(office.done("/proposals", Said::Saved))
}
