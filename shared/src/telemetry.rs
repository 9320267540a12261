//! Logs: JSON lines with fixed field names. Ids and counts only: never an address, a subject, a body or a token.

use std::{error::Error, fmt, sync::OnceLock};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

static LAMBDA: OnceLock<()> = OnceLock::new();

/// Whether standard output is a function's log: [`init`] was called.
pub fn is_lambda() -> bool {
    LAMBDA.get().is_some()
}

/// Logs to standard output; `RUST_LOG` chooses the level (default: info).
pub fn init() {
    let _ = LAMBDA.set(());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing::subscriber::set_global_default(json(filter, std::io::stdout));
}

/// One JSON object a line, as CloudWatch wants it: the fields of the event, and in `span` those of what it happened in.
pub fn json<W>(filter: EnvFilter, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false).without_time();
    lines.with_env_filter(filter).with_writer(out).finish()
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
