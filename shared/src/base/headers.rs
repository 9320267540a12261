//! The headers that every answer of greffe carries, whichever function gives it and whatever it says.

use http::{
    HeaderName, HeaderValue, Response,
    header::{STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS},
};

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
