//! The place of the network under every SDK client.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;

use crate::fault::{Fault, Reply};
use crate::{dynamodb::DynamoDb, engine, events::Events, s3::S3, secrets::Secrets, sqs::Sqs, sts::Sts};

/// The services.
pub(crate) struct Engines {
    pub dynamodb: DynamoDb,
    pub events: Events,
    pub s3: S3,
    pub secrets: Secrets,
    pub sqs: Sqs,
    pub sts: Sts,
    /// Declared last, dropped last: nobody else opens files that an engine still writes.
    pub _lock: File,
}

/// Hands each request to the engine that its SigV4 scope names.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#[derive(Clone)]
pub(crate) struct Connector(pub(crate) Arc<Engines>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engines = self.0.clone();
        HttpConnectorFuture::new(async move { engines.answer(request).await })
    }
}

impl Engines {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // A link carries its signature with it, and only S3 gives out what lies behind one.
        if request.uri().contains("X-Amz-Signature=") {
            return self.s3.call(request).await;
        }
        let service = match scope(&request) {
            // S3 says no in XML, and checks the signature itself.
            Some(Scope { service: "s3", .. }) => return self.s3.call(request).await,
            // STS speaks the older query protocol: a form, answered in XML.
            Some(Scope { service: "sts", access_key_id: engine::ACCESS_KEY_ID }) => {
                return Ok(self.sts.call(&read(request).await?));
            }
            Some(scope) if scope.access_key_id == engine::ACCESS_KEY_ID => scope.service.to_owned(),
            Some(_) => {
                return refuse("UnrecognizedClientException", "The security token included in the request is invalid.");
            }
            None => {
                return refuse("MissingAuthenticationTokenException", "Request is missing Authentication Token");
            }
        };
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = read(request).await?;
        let reply = match service.as_str() {
            "dynamodb" => self.dynamodb.call(operation, body).await,
            "events" => Reply::of(self.events.call(&operation, &body).await),
            "secretsmanager" => Reply::of(self.secrets.call(&operation, &body).await),
            "sqs" => Reply::of(self.sqs.call(&operation, &body).await),
            other => Reply::of(Err::<(), _>(Fault::not_embedded(other, &operation))),
        };
        Ok(reply.into())
    }
}

struct Scope<'a> {
    access_key_id: &'a str,
    service: &'a str,
}

/// Reads `Credential=<access key>/<date>/<region>/<service>/aws4_request`.
fn scope(request: &HttpRequest) -> Option<Scope<'_>> {
    let authorization = request.headers().get("authorization")?;
    let credential = authorization.split_once("Credential=")?.1;
    let mut parts = credential.split('/');
    Some(Scope { access_key_id: parts.next()?, service: parts.nth(2)? })
}

fn refuse(code: &'static str, message: &'static str) -> Result<HttpResponse, ConnectorError> {
    let fault = Fault { status: StatusCode::FORBIDDEN, ..Fault::sender(code, message) };
    Ok(Reply::of(Err::<(), _>(fault)).into())
}

/// JSON requests are small (DynamoDB's largest is 16 MB) and already in memory.
async fn read(request: HttpRequest) -> Result<Bytes, ConnectorError> {
    let request = request.try_into_http1x().map_err(|source| ConnectorError::user(source.into()))?;
    let body = request.into_body().collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(ConnectorError::io)
}
