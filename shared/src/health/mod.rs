//! Whether a connection works (validation, and the watch over idle connectors); uses all rooms before it.

pub mod connector_check;
pub mod validation;
