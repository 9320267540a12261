//! What pages work with.

use std::sync::Arc;

use axum::extract::State;
use shared::app::App;

use crate::api_client::ApiClient;

/// What pages work with.
#[derive(Debug)]
pub(crate) struct Console {
    pub app: App,
    /// The way to the API.
    pub client: ApiClient,
}

/// What pages work with, as a handler takes it.
pub(crate) type Shared = State<Arc<Console>>;
