//! The HTTP client.

use std::{path::Path, sync::Arc};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// An HTTP client that could not be built.
#[derive(Debug, thiserror::Error)]
#[error("build the HTTP client")]
pub struct HttpClientError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<reqwest::Error> for HttpClientError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.into())
    }
}

/// The one HTTP client for Graph, Entra and the AWS SDK: no redirects (a token goes nowhere else), bounded waits, and
/// roots that are compiled in.
///
/// Errors: the TLS roots or the client is not valid.
pub fn http_client() -> Result<reqwest::Client, HttpClientError> {
    http_client_builder(None)?.build().map_err(HttpClientError::from)
}

/// The same before it is built, for a caller that chooses what it connects to; trusts the authorities of a PEM file
/// too.
///
/// Errors: the TLS roots or the client is not valid.
pub fn http_client_builder(ca_bundle: Option<&Path>) -> Result<reqwest::ClientBuilder, HttpClientError> {
    let failed = HttpClientError;
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(bundle) = ca_bundle {
        for certificate in CertificateDer::pem_file_iter(bundle).map_err(|e| failed(e.into()))? {
            roots.add(certificate.map_err(|e| failed(e.into()))?).map_err(|e| failed(e.into()))?;
        }
    }
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(5))
        .read_timeout(std::time::Duration::from_secs(60))
        .user_agent(concat!("greffe/", env!("CARGO_PKG_VERSION"))))
}
