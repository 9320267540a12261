//! Whether a connection works (validation, and the watch over idle connectors); uses all rooms before it.

pub mod validation;
pub mod watch;
