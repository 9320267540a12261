//! The console: pages for people, under `/console`.
//!
//! The pages do nothing themselves. Each asks the API (`api_client`) with a pass that is valid for a minute and names
//! person, role and firm, so there is one gate and one audit trail, and nothing that only a person can do. Every page
//! works without scripts: each control is a link or a form. `guard` stands before all of them.

mod api_client;
mod asset;
mod console;
mod field_hint;
mod form;
mod guard;
mod pages;
mod said;
mod session;
mod shell;
mod text;

use std::sync::Arc;

use axum::{
    Router, middleware,
    response::Response,
    routing::{get, post},
};
use shared::{app::App, base::headers::guarded};

pub use crate::api_client::ApiClient;
use crate::console::Console;
use crate::pages::{
    audit, connectors, documents, entries, erasures, failed, folder_dossiers, folders, guide, home, keys, mailboxes,
    members, operator, people, proposals, retention, rules, settings, sign_in, webhooks,
};

/// All pages. `client`: the way to the API.
pub fn router(app: App, client: ApiClient) -> Router {
    let console = Arc::new(Console { app, client });
    Router::new()
        .route("/console", get(sign_in::start))
        .route("/console/sign-in", get(sign_in::sign_in))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/enter/{pass}", get(sign_in::arrive).post(sign_in::open))
        .route("/console/language/{tag}", get(sign_in::language))
        .route("/console/guide", get(guide::page))
        .route("/console/firms", get(sign_in::firms))
        .route("/console/operator", get(operator::read).post(operator::change))
        .route("/console/firms/{firm}", get(home::page))
        .route("/console/firms/{firm}/documents", get(documents::list).post(documents::file))
        .route("/console/firms/{firm}/failed", get(failed::list).post(failed::retry))
        .route("/console/firms/{firm}/documents/{message}", get(documents::read))
        .route("/console/firms/{firm}/documents/{message}/page", get(documents::page))
        .route("/console/firms/{firm}/documents/{message}/proof", get(documents::proof))
        .route("/console/firms/{firm}/documents/{message}/original", get(documents::original))
        .route("/console/firms/{firm}/documents/{message}/attachments/{attachment}", get(documents::attachment))
        .route("/console/firms/{firm}/proposals", get(proposals::list).post(proposals::accept))
        .route("/console/firms/{firm}/proposals/rules", post(proposals::rule))
        .route("/console/firms/{firm}/mailboxes", get(mailboxes::list))
        .route("/console/firms/{firm}/mailboxes/new", get(mailboxes::new).post(mailboxes::create))
        .route("/console/firms/{firm}/mailboxes/{mailbox}/folders", get(folders::read).post(folders::choose))
        .route(
            "/console/firms/{firm}/mailboxes/{mailbox}/dossiers",
            get(folder_dossiers::read).post(folder_dossiers::change),
        )
        .route("/console/firms/{firm}/mailboxes/{mailbox}/rules", get(rules::read).post(rules::change))
        .route("/console/firms/{firm}/connectors", get(connectors::list))
        .route("/console/firms/{firm}/connectors/new", get(connectors::new).post(connectors::create))
        .route("/console/firms/{firm}/connectors/{connector}", get(connectors::read).post(connectors::change))
        .route("/console/firms/{firm}/members", get(members::list))
        .route("/console/firms/{firm}/members/new", get(members::new).post(members::create))
        .route("/console/firms/{firm}/members/{member}", get(members::read).post(members::change))
        .route("/console/firms/{firm}/entries/{noun}", get(entries::list).post(entries::change))
        .route("/console/firms/{firm}/erasures", get(erasures::list).post(erasures::hold))
        .route("/console/firms/{firm}/erasures/new", get(erasures::new).post(erasures::create))
        .route("/console/firms/{firm}/retention", get(retention::list).post(retention::change))
        .route("/console/firms/{firm}/erasures/{erasure}", get(erasures::read).post(erasures::confirm))
        .route("/console/firms/{firm}/settings", get(settings::read).post(settings::change))
        .route("/console/firms/{firm}/keys", get(keys::list).post(keys::change))
        .route("/console/firms/{firm}/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/console/firms/{firm}/webhooks/{webhook}", get(webhooks::read).post(webhooks::change))
        .route("/console/firms/{firm}/audit", get(audit::list))
        .route("/console/firms/{firm}/people", get(people::list).post(people::change))
        .route("/console/firms/{firm}/mailboxes/{mailbox}", get(mailboxes::read).post(mailboxes::change))
        .fallback(sign_in::no_page)
        .method_not_allowed_fallback(sign_in::no_page)
        .layer(middleware::from_fn_with_state(console.clone(), guard::pass))
        .route("/console/assets/{version}/{file}", get(asset::serve))
        .layer(middleware::map_response(async |response: Response| guarded(response)))
        .with_state(console)
}
