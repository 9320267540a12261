//! What keeps an index from being read or written.

use aws_smithy_runtime_api::box_error::BoxError;

/// An object of an index that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// S3 refuses or does not answer.
    #[error("{attempted} {key}")]
    Store {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The object.
        key: String,
        /// What S3 or the SDK said.
        #[source]
        source: BoxError,
    },
    /// An object that the head names is not there.
    #[error("{key} is not there")]
    Missing {
        /// The object.
        key: String,
    },
    /// An object is not as it was written.
    #[error("{key} is not as it was written")]
    Damaged {
        /// The object.
        key: String,
    },
    /// The engine can't go on.
    #[error("read or write a segment")]
    Engine(#[source] BoxError),
}

impl IndexError {
    pub(super) fn of_engine(error: tantivy::TantivyError) -> Self {
        Self::Engine(error.into())
    }

    /// Whether the index has to be made again; anything else passes.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Store { .. })
    }
}
