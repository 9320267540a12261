//! The original of a mail.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use shared::{
    app::App,
    base::id::MessageId,
    problem::{Code, Problem},
};
use utoipa::ToSchema;

use super::{find, not_archived};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure},
    extract::Id,
    range::{AskedRange, asked},
};

/// The bytes of a mail as Microsoft gave them (RFC 5322).
#[derive(ToSchema)]
#[schema(as = Original, value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes bytes that flow")]
struct OriginalBody(Vec<u8>);

/// Downloads the original of a mail (MIME) or a part of it, byte for byte as Microsoft delivered it.
///
/// HEAD returns only its size and its SHA-256.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/messages/{message}/content", tag = "messages", operation_id = "read_original",
    params(
        ("Range" = Option<String>, Header, description = "One range of bytes, as `bytes=0-999`"),
        ("If-Range" = Option<String>, Header, description = "An `ETag`: the range counts only for that original"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of what the caller has already"),
    ),
    responses(
        (
            status = 200, body = OriginalBody, content_type = "message/rfc822",
            headers(("Content-Disposition" = String, description = "`attachment`, and a name for the file"), ("ETag" = String, description = "Its SHA-256"), ("Accept-Ranges" = String, description = "`bytes`"))
        ),
        (
            status = 206, body = OriginalBody, content_type = "message/rfc822",
            description = "The part that `Range` names",
            headers(("Content-Disposition" = String, description = "`attachment`, and a name for the file"), ("Content-Range" = String, description = "Which bytes of how many"), ("ETag" = String, description = "Its SHA-256"), ("Accept-Ranges" = String, description = "`bytes`"))
        ),
        (
            status = 303,
            description = "A large original: download it from `Location` within five minutes, without a key",
            headers(("Location" = String, description = "Where the original is"))
        ),
        (
            status = 304, description = "The caller has it already, as `If-None-Match` says",
            headers(("ETag" = String, description = "Its SHA-256"))
        ),
        (
            status = 416, body = Problem, content_type = "application/problem+json", description = "`range_beyond_end`",
            headers(("Content-Range" = String, description = "Of how many bytes it is"))
        ),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_archived`"),
    )
)]
pub(crate) async fn read(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(id): Id<MessageId>,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let message = find(&app, firm.id(), id).await?;
    let original = message.original().ok_or_else(|| not_archived(message.state.name()))?;
    let (length, etag) = (original.bytes, format!("\"{}\"", original.sha256));
    let key = original.key(firm.id(), id);
    let part = match asked(&method, &headers, &etag, length) {
        AskedRange::Same => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()),
        AskedRange::Beyond => {
            let problem = Problem::new(Code::RangeBeyondEnd, format!("The original has {length} bytes."));
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((range, Failure::from(problem)).into_response());
        }
        AskedRange::Whole => None,
        AskedRange::Part(part) => Some(part),
    };
    // The index has all that HEAD shows, and a link is good for GET only.
    let body = if method == Method::HEAD {
        Body::empty()
    } else if length > app.config.content_bytes_max {
        return Ok(Redirect::to(&app.archive.link(key).await?).into_response());
    } else {
        Body::new(app.archive.open(key, part.clone()).await?)
    };
    let mut headers = vec![
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", id.local())),
    ];
    let (status, bytes) = match part {
        None => (StatusCode::OK, length),
        Some(part) => {
            let (first, last) = part.into_inner();
            headers.push((header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}")));
            (StatusCode::PARTIAL_CONTENT, last - first + 1)
        }
    };
    headers.push((header::CONTENT_LENGTH, bytes.to_string()));
    Ok((status, AppendHeaders(headers), body).into_response())
}
