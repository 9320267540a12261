//! What was asked, for tests that judge how often.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The operations that were asked for through [`Calls::before`]. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// What lies between a client and `aws`, and keeps the names of operations.
    pub fn before(&self, aws: SharedHttpClient) -> SharedHttpClient {
        let calls = self.clone();
        http_client_fn(move |settings, components| {
            let behind = aws.http_connector(settings, components);
            SharedHttpConnector::new(KeptCall { calls: calls.clone(), behind })
        })
    }

    /// How often one of `operations` was asked for: `PutItem`, `GetSecretValue`. S3's operations have no names.
    pub fn count(&self, operations: &[&str]) -> usize {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| operations.contains(&call.as_str())).count()
    }
}

#[derive(Debug)]
struct KeptCall {
    calls: Calls,
    behind: SharedHttpConnector,
}

impl HttpConnector for KeptCall {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        self.behind.call(request)
    }
}
