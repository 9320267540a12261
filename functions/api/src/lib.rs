//! The REST interface under `/v1`, described by `/openapi.json`.
//!
//! A route checks who calls (`auth`), reads what it was given (`extract`, `field`), asks the noun that it is about,
//! and shows what came of it. Whatever goes wrong is a problem document (`error`).

mod auth;
mod error;
mod extract;
mod field;
mod gate;
mod language;
#[cfg(test)]
mod openapi;
mod range;
mod routes;
mod wording;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, http::header, middleware, response::Response, routing::get};
use shared::{
    app::App,
    base::headers::guarded,
    problem::{Code, Problem},
};

use crate::error::Failure;
pub use crate::extract::{BODY_BYTES_MAX, BULK_BYTES_MAX};

/// What describes all routes; `openapi` holds it to them.
const DESCRIPTION: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// All routes of the API, with `/openapi.json` that describes them and `/healthz` that says which version runs.
///
/// Every answer carries `x-request-id`. Every failure is an `application/problem+json` document ([`Problem`]); one that
/// is ours is logged once with the same request id.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    routes::router()
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)))
        .fallback(async || Failure::from(Problem::new(Code::NotFound, "The API has no such address.")))
        .method_not_allowed_fallback(async || {
            Failure::from(Problem::new(Code::MethodNotAllowed, "This address does not support this method."))
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state((app.clone(), Arc::<gate::Gate>::default()), gate::pass))
        .layer(middleware::from_fn_with_state(app.clone(), error::answer))
        .layer(middleware::from_fn(language::negotiate))
        .layer(middleware::map_response(async |response: Response| guarded(response)))
        .with_state(app)
}

#[cfg(test)]
mod tests;
