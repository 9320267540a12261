//! Whether a connection works: validation and the watch over idle connectors.

pub mod validation;
pub mod watch;
