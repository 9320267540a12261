//! AWS as this machine reaches it: the embedded engines, or whatever `AWS_ENDPOINT_URL` names.

use std::{path::Path, sync::Arc, time::Duration};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::ProvideCredentials as _};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use shared::base::{clock::Clock, http::HttpClientError};

/// How long credentials are looked for; where nothing runs that has some, nothing answers.
const CREDENTIALS_TIME: Duration = Duration::from_secs(5);

/// AWS, and the engines if it is them.
#[derive(Clone)]
pub struct Machine {
    /// What the SDK clients are made from.
    pub aws: SdkConfig,
    /// The embedded engines; none when another endpoint answers.
    pub engines: Option<aws::Cloud>,
}

/// There is no AWS to be had.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The data directory can't be opened.
    #[error(transparent)]
    Engines(#[from] aws::OpenError),
    /// There is no HTTP client for the other endpoint.
    #[error(transparent)]
    Http(#[from] HttpClientError),
    /// No region is named.
    #[error("there is no region: set AWS_REGION")]
    Region,
    /// There are no credentials for the other endpoint.
    #[error("there are no credentials for AWS: set {}", missing.join(" and "))]
    Credentials {
        /// The variables that would have them.
        missing: Vec<&'static str>,
    },
}

impl Machine {
    /// The engines over `dir`; with `AWS_ENDPOINT_URL` set they are left out, and that endpoint is used.
    pub async fn open(dir: &Path, clock: Clock) -> Result<Self, MachineError> {
        match std::env::var_os("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()) {
            Some(_) => Self::elsewhere().await,
            None => Self::embedded(dir, clock).await,
        }
    }

    /// The engines over `dir`.
    pub async fn embedded(dir: &Path, clock: Clock) -> Result<Self, MachineError> {
        let engines = aws::Cloud::open(dir, Arc::new(move || clock.now().into()))?;
        let http = engines.http_client();
        Ok(Self::reached_by(engines, http).await)
    }

    /// The engines, reached through `http`: for a test that stands in between.
    pub async fn reached_by(engines: aws::Cloud, http: SharedHttpClient) -> Self {
        let credentials = Credentials::from_keys(aws::Cloud::ACCESS_KEY_ID, aws::Cloud::SECRET_ACCESS_KEY, None);
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(aws::Cloud::REGION))
            .credentials_provider(credentials)
            .load()
            .await;
        Self { aws, engines: Some(engines) }
    }

    /// The AWS configuration of one function. Its requests carry its name (`app/` in the user agent), as a role's
    /// would on AWS.
    pub fn as_function(&self, name: &'static str) -> SdkConfig {
        let mut aws = self.aws.to_builder();
        aws.set_app_name(AppName::new(name).ok());
        aws.build()
    }

    /// Engines like the embedded ones, in another process.
    pub async fn at(endpoint: &str) -> Result<Self, MachineError> {
        let http = shared::base::http::http_client()?;
        let credentials = Credentials::from_keys(aws::Cloud::ACCESS_KEY_ID, aws::Cloud::SECRET_ACCESS_KEY, None);
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .http_client(shared::aws::sdk_http::over(http))
            .region(Region::new(aws::Cloud::REGION))
            .credentials_provider(credentials)
            .endpoint_url(endpoint)
            .load()
            .await;
        Ok(Self { aws, engines: None })
    }

    async fn elsewhere() -> Result<Self, MachineError> {
        let region = std::env::var_os("AWS_REGION").is_none().then(|| Region::new(aws::Cloud::REGION));
        Self::of_environment_in(region).await
    }

    /// AWS, with the region and the credentials of the environment, a profile or a role of the machine.
    pub async fn of_environment() -> Result<Self, MachineError> {
        let machine = Self::of_environment_in(None).await?;
        if machine.aws.region().is_none() { Err(MachineError::Region) } else { Ok(machine) }
    }

    async fn of_environment_in(region: Option<Region>) -> Result<Self, MachineError> {
        let http = shared::base::http::http_client()?;
        let mut aws = aws_config::defaults(BehaviorVersion::latest()).http_client(shared::aws::sdk_http::over(http));
        if let Some(region) = region {
            aws = aws.region(region);
        }
        let aws = aws.load().await;
        let unset = |name: &&str| std::env::var_os(name).is_none_or(|value| value.is_empty());
        let missing: Vec<_> = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].into_iter().filter(unset).collect();
        match missing.len() {
            0 => {}
            // A profile or a role of the machine may have them.
            2 if can_sign(&aws).await => {}
            _ => return Err(MachineError::Credentials { missing }),
        }
        Ok(Self { aws, engines: None })
    }
}

async fn can_sign(aws: &SdkConfig) -> bool {
    let Some(provider) = aws.credentials_provider() else { return false };
    matches!(tokio::time::timeout(CREDENTIALS_TIME, provider.provide_credentials()).await, Ok(Ok(_)))
}
