//! The HTTP client under every AWS SDK client: the one pool and the one TLS configuration that Graph is reached with
//! too.

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared as _,
};
use aws_smithy_types::body::SdkBody;

/// The SDK's requests go out through `client`.
pub fn over(client: reqwest::Client) -> SharedHttpClient {
    OverReqwest(client).into_shared()
}

#[derive(Debug, Clone)]
struct OverReqwest(reqwest::Client);

impl HttpClient for OverReqwest {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverReqwest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let user = |e: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(e);
            let request = request.try_into_http1x().map_err(|e| user(e.into()))?.map(reqwest::Body::wrap);
            let request = reqwest::Request::try_from(request).map_err(|e| user(e.into()))?;
            let response = client.execute(request).await.map_err(|e| match e.is_timeout() {
                true => ConnectorError::timeout(e.into()),
                false => ConnectorError::io(e.into()),
            })?;
            let response = http::Response::from(response).map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}
