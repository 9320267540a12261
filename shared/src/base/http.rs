//! The HTTP client, and what answers ask of it.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
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

/// The builder of the client, for a caller that chooses what it connects to. It also trusts the authorities of the
/// PEM file `ca_bundle`.
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

/// How long `Retry-After` asks to wait from `now` on: seconds, with a fraction as Graph sends it, or until an HTTP
/// date; no time at all where the date is over. None where it says neither, or less than nothing.
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
pub fn retry_after(value: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
    Some(until.duration_since(now).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_otherwise_says_nothing() {
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        let named = |value: &str| retry_after(Some(value), now).map(|wait| wait.as_secs_f64());
        assert_eq!(["17", " 2.128 ", "0", "99999"].map(named), [17.0, 2.128, 0.0, 99_999.0].map(Some));
        assert_eq!(named("Mon, 02 Mar 2026 08:02:00 GMT"), Some(120.0));
        assert_eq!(named("Sun, 01 Mar 2026 08:00:00 GMT"), Some(0.0));
        assert_eq!(named("Sun, 02 Mar 2036 08:00:00 GMT").map(|wait| wait > 3e8), Some(true));
        for none in ["", "-1", "1e300", "NaN", "inf", "soon", "5, 5", "2026-03-02T08:02:00Z", "Mon, 02 Mar 2026"] {
            assert_eq!(named(none), None, "{none}");
        }
        assert_eq!(retry_after(None, now), None);
    }
}
