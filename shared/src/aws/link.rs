//! Links to originals: a link opens one object, without a key, for [`LINK_LIFETIME`]. greffe reads by them
//! too, and writes the indexes of searches.
//!
//! The SDK's client of S3 could do both. But with each of its readings come the tables of three dozen checksums, 0.6 MB
//! that no zip makes smaller, in a function that may have 4; and none is needed, for an original's SHA-256 is in the
//! index. So a link is signed by the SDK's signer, and followed by its orchestrator.

use std::{ops::RangeInclusive, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_s3::config::{
    ProvideCredentials as _,
    endpoint::{DefaultResolver, Params, ResolveEndpoint as _},
};
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::context::{Error, Output},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        ser_de::DeserializeResponse,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag, retry::RetryConfig};

use crate::base::{clock, digest::Digest};

/// How long a link lives.
pub const LINK_LIFETIME: Duration = Duration::from_secs(300);

/// Makes links to the objects of one bucket.
#[derive(Debug, Clone)]
pub struct Links {
    aws: SdkConfig,
    bucket: String,
}

/// S3 answered with another status than that of success.
#[derive(Debug, thiserror::Error)]
#[error("S3 answered {0}")]
struct RefusedByS3(u16);

/// An object, as it comes.
#[derive(Debug)]
pub struct FoundObject {
    /// Its bytes.
    pub body: SdkBody,
    /// What names this state of it, for a write that is held to it.
    pub etag: String,
}

/// On what state of an object a write depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteCondition<'a> {
    /// There is none with this key.
    IsNew,
    /// It is the one with this `ETag`.
    Is(&'a str),
}

/// Whether S3 said that there is no such object.
pub fn is_missing(error: &(dyn std::error::Error + 'static)) -> bool {
    is_status(error, 404)
}

/// Whether S3 said that another write of the same key is under way.
pub fn is_conflict(error: &(dyn std::error::Error + 'static)) -> bool {
    is_status(error, 409)
}

fn is_status(error: &(dyn std::error::Error + 'static), wanted: u16) -> bool {
    let mut sources = std::iter::successors(Some(error), |error| error.source());
    sources.any(|error| matches!(error.downcast_ref(), Some(RefusedByS3(status)) if *status == wanted))
}

impl Links {
    /// To what lies in `bucket`, signed with the credentials of `aws`.
    pub fn new(aws: SdkConfig, bucket: String) -> Self {
        Self { aws, bucket }
    }

    /// A link to the object with this key, which consists of what a URL takes as it is.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html>
    ///
    /// Errors: there are no AWS credentials, or signing fails.
    pub async fn to(&self, key: &str) -> Result<String, BoxError> {
        Ok(self.bucket_url().await? + &self.path("GET", key, &[]).await?)
    }

    /// The object with this key, or those bytes of it, both ends included, as it comes. Whatever may be tried again is
    /// tried three times.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (`Range`)
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn read(&self, key: &str, part: Option<RangeInclusive<u64>>) -> Result<SdkBody, BoxError> {
        let part = part.map(|part| ("range", format!("bytes={}-{}", part.start(), part.end())));
        Ok(self.send("GET", key, &[], part, Vec::new()).await?.body)
    }

    /// The whole object with this key, if there is one.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn find(&self, key: &str) -> Result<Option<FoundObject>, BoxError> {
        match self.send("GET", key, &[], None, Vec::new()).await {
            Err(error) if is_missing(error.as_ref()) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Writes an object, if `condition` holds; whether it did. S3 holds the bytes to their SHA-256.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    ///
    /// Errors: S3 refuses or does not answer. A condition that does not hold is `false`.
    pub async fn write(&self, key: &str, bytes: Vec<u8>, condition: WriteCondition<'_>) -> Result<bool, BoxError> {
        let checksum = [("x-amz-checksum-sha256", Digest::of(&bytes).base64())];
        let condition = match condition {
            WriteCondition::IsNew => ("if-none-match", "*".to_owned()),
            WriteCondition::Is(etag) => ("if-match", etag.to_owned()),
        };
        match self.send("PUT", key, &checksum, Some(condition), bytes).await {
            Err(error) if is_status(error.as_ref(), 412) => Ok(false),
            written => written.map(|_| true),
        }
    }

    /// Removes an object. It may be gone.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn delete(&self, key: &str) -> Result<(), BoxError> {
        self.send("DELETE", key, &[], None, Vec::new()).await.map(|_| ())
    }

    /// `signed`: headers that the signature covers, as S3 wants of its own.
    async fn send(
        &self,
        method: &'static str,
        key: &str,
        signed: &[(&'static str, String)],
        unsigned: Option<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<FoundObject, BoxError> {
        let mut operation = Operation::builder()
            .service_name("s3")
            .operation_name("Object")
            .endpoint_url(&self.bucket_url().await?)
            .http_client(self.aws.http_client().ok_or("no HTTP client")?)
            .no_auth()
            .standard_retry(&RetryConfig::standard())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<RefusedByS3>::new());
        if let Some(sleep) = self.aws.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        let operation = operation.serializer(Ok).deserializer_impl::<FoundObject, RefusedByS3>(AsItComes).build();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method)?;
        request.set_uri(self.path(method, key, signed).await?)?;
        if let Some(name) = self.aws.app_name() {
            request.headers_mut().insert("user-agent", format!("app/{name}"));
        }
        for (name, value) in signed.iter().cloned().chain(unsigned) {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(operation.invoke(request).await?)
    }

    async fn bucket_url(&self) -> Result<String, BoxError> {
        let endpoint = self.aws.endpoint_url().map(str::to_owned);
        let region = self.aws.region().ok_or("no region")?.as_ref().to_owned();
        // Another endpoint than AWS's own has no name for each bucket.
        let place = Params::builder().bucket(&self.bucket).region(region).force_path_style(endpoint.is_some());
        let endpoint = DefaultResolver::new().resolve_endpoint(&place.set_endpoint(endpoint).build()?).await?;
        Ok(endpoint.url().to_owned())
    }

    /// What follows the bucket's URL: the key, and a signature in the query.
    async fn path(&self, method: &str, key: &str, headers: &[(&str, String)]) -> Result<String, BoxError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(LINK_LIFETIME);
        // What S3 does otherwise than AWS's other services.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let credentials = self.aws.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.aws.region().ok_or("no region")?.as_ref())
            .name("s3")
            .time(clock::machine_time())
            .settings(settings)
            .build()?
            .into();
        let url = format!("{}/{key}", self.bucket_url().await?);
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new(method, &url, headers, SignableBody::UnsignedPayload)?;
        let signature = sign(request, &params)?.into_parts().0;
        let path = format!("/{key}?");
        let query = path.len();
        Ok(form_urlencoded::Serializer::for_suffix(path, query).extend_pairs(signature.params()).finish())
    }
}

/// Hands an answer of success on while it comes.
#[derive(Debug)]
struct AsItComes;

impl DeserializeResponse for AsItComes {
    fn deserialize_streaming_with_config(
        &self,
        response: &mut HttpResponse,
        _: &ConfigBag,
    ) -> Option<Result<Output, OrchestratorError<Error>>> {
        response.status().is_success().then(|| {
            let etag = response.headers().get("etag").unwrap_or_default().to_owned();
            Ok(Output::erase(FoundObject { body: std::mem::replace(response.body_mut(), SdkBody::taken()), etag }))
        })
    }

    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        Err(OrchestratorError::operation(Error::erase(RefusedByS3(response.status().as_u16()))))
    }
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use url::Url;

    use super::*;

    async fn link(region: &'static str, endpoint: Option<&str>) -> Url {
        let credentials = Credentials::builder().access_key_id("key").secret_access_key("secret");
        let credentials = credentials.session_token("a+token/of=a function").provider_name("test").build();
        let mut aws = SdkConfig::builder()
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        aws.set_endpoint_url(endpoint.map(str::to_owned));
        let links = Links::new(aws.build(), "originals".to_owned());
        links.to("firms/1/a.eml").await.expect("a link").parse().expect("a URL")
    }

    #[tokio::test]
    async fn a_link_names_the_bucket_where_it_lies() {
        for (region, endpoint, place) in [
            ("eu-west-3", None, "https://originals.s3.eu-west-3.amazonaws.com/firms/1/a.eml?"),
            ("cn-north-1", None, "https://originals.s3.cn-north-1.amazonaws.com.cn/firms/1/a.eml?"),
            ("eu-west-3", Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/originals/firms/1/a.eml?"),
        ] {
            let link = link(region, endpoint).await;
            assert!(link.as_str().starts_with(place), "{link}");
        }
    }

    #[tokio::test]
    async fn a_link_carries_the_session_of_the_function_that_signed_it() {
        let link = link("eu-west-3", None).await;
        let told = |name: &str| link.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        assert_eq!(told("X-Amz-Security-Token").as_deref(), Some("a+token/of=a function"));
        assert_eq!(told("X-Amz-Expires").as_deref(), Some("300"));
        assert_eq!(told("X-Amz-Signature").map(|signature| signature.len()), Some(64));
    }
}
