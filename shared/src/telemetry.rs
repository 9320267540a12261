//! Logs: JSON lines with fixed field names. Ids and counts only: never an address, a subject, a body or a token.

use std::{error::Error, fmt, sync::OnceLock};

use tracing_subscriber::EnvFilter;

static LAMBDA: OnceLock<()> = OnceLock::new();

/// Whether standard output is a function's log: [`init`] was called.
pub fn is_lambda() -> bool {
    LAMBDA.get().is_some()
}

/// Logs JSON to standard output, as CloudWatch wants it; `RUST_LOG` chooses the level (default: info).
pub fn init() {
    let _ = LAMBDA.set(());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).without_time().try_init();
}

/// An error with all that caused it, for the one line that is logged where it is handled.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
