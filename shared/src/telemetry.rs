//! Logs: JSON lines with fixed field names. Ids and counts only: never an address, a subject, a body or a token.

use tracing_subscriber::EnvFilter;

/// Logs JSON to standard output, as CloudWatch wants it; `RUST_LOG` chooses the level (default: info).
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).without_time().try_init();
}
