//! Logs: JSON lines with fixed field names. Ids and counts only: never an address, a subject, a body or a token.

use std::{error::Error, fmt, sync::OnceLock};

use tracing::Subscriber;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _};

static LAMBDA: OnceLock<()> = OnceLock::new();

/// Whether standard output is a function's log: [`init`] was called.
pub fn is_lambda() -> bool {
    LAMBDA.get().is_some()
}

/// Logs to standard output; `RUST_LOG` chooses the level (default: info). What is built for release has no level below
/// info: it would be a thirtieth of a function's size.
pub fn init() {
    let _ = LAMBDA.set(());
    let _ = tracing::subscriber::set_global_default(json(filter("info"), std::io::stdout));
}

/// What `RUST_LOG` says of targets and levels, or else `otherwise`. Filters by fields would bring regular expressions,
/// a tenth of a function's size.
pub fn filter(otherwise: &str) -> Targets {
    let told = std::env::var("RUST_LOG").ok().and_then(|told| told.parse().ok());
    told.or_else(|| otherwise.parse().ok()).unwrap_or_default()
}

/// One JSON object a line, as CloudWatch wants it: the fields of the event, and in `span` those of what it happened in.
pub fn json<W>(filter: Targets, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).without_time();
    tracing_subscriber::registry().with(lines.with_writer(out)).with(filter)
}

/// An error with all that caused it, for the one line that is logged where it is handled.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
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
