//! The console: pages for people, under `/console`.
//!
//! The pages do nothing themselves. Each asks the API (`door`) with a pass that is valid for a minute and names person,
//! role and firm, so there is one gate and one audit trail, and nothing that only a person can do. Every page works
//! without scripts: each control is a link or a form. `guard` stands before all of them.

mod asset;
mod console;
mod door;
mod form;
mod guard;
mod pages;
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

use crate::console::Console;
pub use crate::door::ApiClient;
use crate::pages::{
    activity, connectors, documents, entries, entry, erasures, folders, home, mailboxes, members, operator, people,
    proposals, rules, webhooks,
};

/// All pages. `door`: the way to the API.
pub fn router(app: App, door: ApiClient) -> Router {
    let console = Arc::new(Console { app, door });
    Router::new()
        .route("/console", get(entry::start))
        .route("/console/sign-in", get(entry::sign_in))
        .route("/console/sign-out", post(entry::sign_out))
        .route("/console/enter/{pass}", get(entry::arrive).post(entry::open))
        .route("/console/language/{tag}", get(entry::language))
        .route("/console/firms", get(entry::firms))
        .route("/console/operator", get(operator::read).post(operator::change))
        .route("/console/firms/{firm}", get(home::page))
        .route("/console/firms/{firm}/documents", get(documents::list).post(documents::file))
        .route("/console/firms/{firm}/documents/{message}", get(documents::read))
        .route("/console/firms/{firm}/documents/{message}/page", get(documents::page))
        .route("/console/firms/{firm}/documents/{message}/proof", get(documents::proof))
        .route("/console/firms/{firm}/documents/{message}/original", get(documents::original))
        .route("/console/firms/{firm}/documents/{message}/attachments/{attachment}", get(documents::attachment))
        .route("/console/firms/{firm}/proposals", get(proposals::list).post(proposals::accept))
        .route("/console/firms/{firm}/mailboxes", get(mailboxes::list))
        .route("/console/firms/{firm}/mailboxes/new", get(mailboxes::new).post(mailboxes::create))
        .route("/console/firms/{firm}/mailboxes/{mailbox}/folders", get(folders::read).post(folders::choose))
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
        .route("/console/firms/{firm}/erasures/{erasure}", get(erasures::read).post(erasures::confirm))
        .route("/console/firms/{firm}/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/console/firms/{firm}/webhooks/{webhook}", get(webhooks::read).post(webhooks::change))
        .route("/console/firms/{firm}/activity", get(activity::list))
        .route("/console/firms/{firm}/people", get(people::list).post(people::change))
        .route("/console/firms/{firm}/mailboxes/{mailbox}", get(mailboxes::read).post(mailboxes::change))
        .fallback(entry::no_page)
        .method_not_allowed_fallback(entry::no_page)
        .layer(middleware::from_fn_with_state(console.clone(), guard::pass))
        .route("/console/assets/{version}/{file}", get(asset::serve))
        .layer(middleware::map_response(async |response: Response| guarded(response)))
        .with_state(console)
}
