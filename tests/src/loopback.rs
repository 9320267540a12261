//! The embedded engines as an endpoint of AWS, for functions in processes of their own.

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, Uri, header, uri},
};

/// Bodies of tests are small.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Answers on a port of 127.0.0.1 for as long as the test runs; its URL.
pub(crate) async fn serve(engines: SharedHttpConnector) -> String {
    let listener = crate::listener().await;
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(move |request: Request| answer(engines.clone(), request));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn answer(engines: SharedHttpConnector, request: Request) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    // A server sees the path only; the engines, as a client, where it leads.
    let mut parts = uri::Parts::from(head.uri);
    parts.scheme = Some(uri::Scheme::HTTP);
    parts.authority = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    head.uri = Uri::from_parts(parts).expect("an address");
    let request = axum::http::Request::from_parts(head, SdkBody::from(body));
    let answered = engines.call(HttpRequest::try_from(request).expect("a request")).await.expect("an answer");
    answered.try_into_http1x().expect("an answer").map(Body::new)
}
