//! Whether a connection works (validation, and the watch over idle connectors); uses `base`, `aws`, `graph`, `problem`,
//! `firm`, `mail` and `access`.

pub mod connector_check;
pub mod validation;
