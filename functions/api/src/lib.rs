//! The REST interface under `/v1`, described by `/openapi.json`: of the function `api`, and of `documents`, which reads
//! mails.
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
mod precondition;
mod range;
mod routes;
mod version;
mod wording;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri, header},
    middleware,
    response::Response,
    routing::get,
};
use shared::{
    app::App,
    base::headers::guarded,
    problem::{Code, Problem},
    search::find::SearchCache,
};

use crate::error::Failure;
pub use crate::extract::{BODY_BYTES_MAX, BULK_BYTES_MAX};

/// Where all routes are described.
const DESCRIBED_AT: &str = "/openapi.json";
/// What describes them; `openapi` holds it to them.
const DESCRIPTION: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The routes of the function `api`, with `/healthz` that says which version runs.
///
/// Every answer carries `x-request-id`. Every failure is an `application/problem+json` document ([`Problem`]); one that
/// is ours is logged once with the same request id.
pub fn router(app: App) -> Router {
    behind_the_gate(routes::api(), app)
}

/// The routes of the function `documents`, behind the same gate, with `/openapi.json` that describes those of both: it
/// has room for the text.
pub fn documents(app: App) -> Router {
    let description = async || ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION);
    let cache = Extension(Arc::<SearchCache>::default());
    behind_the_gate(routes::documents().route(DESCRIBED_AT, get(description)).layer(cache), app)
}

/// The paths that `documents` serves; `api` serves all others.
pub fn paths_of_documents() -> BTreeSet<String> {
    let served = routes::paths().filter(|(_, function)| *function == "documents").map(|(path, _)| path);
    served.chain([DESCRIBED_AT.to_owned()]).collect()
}

/// Whether `documents` serves what is at this address: one of its paths fits, and no path of `api` fits better.
pub fn is_of_documents(address: &str) -> bool {
    let fits = |path: &str| {
        let (mut named, mut literal) = (path.split('/'), 0);
        let all = address.split('/').all(|part| match named.next() {
            Some(name) if name.starts_with('{') => !part.is_empty(),
            Some(name) => {
                literal += 1;
                name == part
            }
            None => false,
        });
        (all && named.next().is_none()).then_some(literal)
    };
    let best = routes::paths().filter_map(|(path, function)| Some((fits(&path)?, function)));
    let best = best.max_by_key(|(literal, _)| *literal);
    address == DESCRIBED_AT || best.is_some_and(|(_, function)| function == "documents")
}

fn behind_the_gate(routes: Router<Arc<App>>, app: App) -> Router {
    let app = Arc::new(app);
    routes
        .fallback(async || Failure::from(Problem::new(Code::NotFound, "The API has no such address.")))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            let refused = || Problem::new(Code::MethodNotAllowed, "This address does not support this method.").into();
            routes::entries::reserved(&method, uri.path()).unwrap_or_else(refused)
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
