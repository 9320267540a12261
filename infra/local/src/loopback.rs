//! The embedded engines as an endpoint of AWS, for processes of their own.

use std::fmt::Debug;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode, Uri, header, uri},
    serve::Listener,
};

/// The largest original, and what stands around it.
const BODY_BYTES_MAX: usize = 300 << 20;

/// Answers on `listener` until the task is dropped.
pub async fn serve<L: Listener<Addr: Debug>>(engines: SharedHttpConnector, listener: L) -> std::io::Result<()> {
    let router = Router::new().fallback(async move |request: Request| {
        let answered = answer(engines.clone(), request).await;
        answered.unwrap_or_else(|error| {
            let mut refused = Response::new(Body::from(error.to_string()));
            *refused.status_mut() = StatusCode::BAD_GATEWAY;
            refused
        })
    });
    axum::serve(listener, router).await
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn answer(engines: SharedHttpConnector, request: Request) -> Result<Response<Body>, Failed> {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await?;
    // A server sees the path only; the engines, as a client, where it leads.
    let mut parts = uri::Parts::from(head.uri);
    parts.scheme = Some(uri::Scheme::HTTP);
    parts.authority = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    head.uri = Uri::from_parts(parts)?;
    let request = axum::http::Request::from_parts(head, SdkBody::from(body));
    let answered = engines.call(HttpRequest::try_from(request)?).await?;
    Ok(answered.try_into_http1x()?.map(Body::new))
}
