//! The language of problems, chosen by the caller's `Accept-Language`.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use shared::base::language::Language;

tokio::task_local! {
    static OF_CALLER: Language;
}

/// The language of the request that is being answered; English outside of one.
pub(crate) fn of_caller() -> Language {
    OF_CALLER.try_with(|language| *language).unwrap_or_default()
}

/// Around every request: all that is said within it is said in the caller's language.
pub(crate) async fn negotiate(request: Request, next: Next) -> Response {
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::preferred(wanted.unwrap_or_default());
    let mut response = OF_CALLER.scope(language, next.run(request)).await;
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}
