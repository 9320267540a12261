//! The headers that every answer of greffe carries, whichever function gives it and whatever it says.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS},
};

use crate::base::config::Origin;

/// The name of the cookie of a session of the console, without its prefix.
pub const SESSION_COOKIE: &str = "greffe_session";

/// One year. Not for the names below: the operator's domain may have some that greffe knows nothing of.
/// Source: RFC 6797, section 6.1
pub const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

const ON_EVERY_ANSWER: [(HeaderName, HeaderValue); 2] =
    [(STRICT_TRANSPORT_SECURITY, HSTS), (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))];

/// The response with the headers of every answer: the outermost layer of each router, so an error has them too.
pub fn guarded<B>(mut response: Response<B>) -> Response<B> {
    for (name, value) in ON_EVERY_ANSWER {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The cookies of a request, in its order.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The whole name of a cookie. The prefix has browsers refuse the cookie from anybody but this very host; plain http,
/// on one machine, can't have it.
pub fn cookie_name(public_url: &Origin, name: &str) -> String {
    let prefix = if public_url.is_https() { "__Host-" } else { "" };
    format!("{prefix}{name}")
}

/// What sets a cookie that no script reads. `name`: the whole name. A lifetime of nothing removes it.
pub fn set_cookie(public_url: &Origin, name: &str, value: &str, lifetime: Duration) -> String {
    let secure = if public_url.is_https() { "; Secure" } else { "" };
    format!("{name}={value}; HttpOnly{secure}; SameSite=Lax; Path=/; Max-Age={}", lifetime.as_secs())
}
